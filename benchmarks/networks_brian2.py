"""The networks of `networks.py` in Brian2, in its C++ standalone or its run-time mode; run by it.

    <a Python that has Brian2> benchmarks/networks_brian2.py CUBA|COBA|BRUNEL [--seconds 1] ...

The last line that it prints is JSON: see `networks_shared.report`. Compilers get the flags that
Brian2 gives them by default.

In C++ standalone mode, memory is that of the compiled program, not of the Python that writes it.
There is only one run, as each has to be compiled: the warm-up is timed with it, and the simulation
counts with its share of that time. With ``--cython`` Python runs the steps, which is Brian2's
default; the time of the simulation is that of its loop over steps.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, second
from networks_shared import (
    BRUNEL,
    COBA_WEIGHTS,
    CUBA_WEIGHTS,
    DT,
    KICK_END,
    KICK_RATE,
    KICK_WEIGHT,
    WARM_UP,
    arguments,
    clock,
    peak_memory,
    report,
)

# Brian2 reads what its equations name from here.
tau, tau_exc, tau_inh = 20 * ms, 5 * ms, 10 * ms
E_exc, E_inh = 0 * mV, -80 * mV
J = BRUNEL.J * mV
threshold, V_reset = BRUNEL.threshold * mV, BRUNEL.V_reset * mV

CURRENTS = """
dv/dt = (rest - v + s_exc + s_inh) / tau : volt (unless refractory)
ds_exc/dt = -s_exc / tau_exc : volt
ds_inh/dt = -s_inh / tau_inh : volt
"""
CONDUCTANCES = """
dv/dt = (rest - v + s_exc * (E_exc - v) + s_inh * (E_inh - v)) / tau : volt (unless refractory)
ds_exc/dt = -s_exc / tau_exc : 1
ds_inh/dt = -s_inh / tau_inh : 1
"""


def fixed_indegree(pre: range, n_post: int, indegree: int) -> dict[str, np.ndarray]:
    """Synapses from distinct neurons onto each of `n_post`, for `connect`.

    They are in the order of presynaptic neurons, and Brian2 keeps that order. Its own generator,
    ``i="k for k in sample(...)"``, orders synapses by postsynaptic neurons; the simulation then
    takes twice as long.
    """
    drawn = [chance.choice(len(pre), indegree, replace=False, shuffle=False) for _ in range(n_post)]
    i = np.concatenate(drawn).astype(np.int32) + np.int32(pre.start)
    order = np.argsort(i, kind="stable")
    return {"i": i[order], "j": np.repeat(np.arange(n_post, dtype=np.int32), indegree)[order]}


NOTE = """{
    timespec now;
    clock_gettime(CLOCK, &now);
    std::ofstream("moments", std::ios::app) << now.tv_sec * 1000000000LL + now.tv_nsec << "\\n";
}"""

chosen = arguments(__doc__)
chance = np.random.default_rng(chosen.seed)
folder = tempfile.TemporaryDirectory()
if chosen.cython:
    b2.prefs.codegen.target = "cython"
else:
    b2.set_device("cpp_standalone", directory=folder.name, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0 if chosen.threads == 1 else chosen.threads
b2.prefs.core.default_float_dtype = np.float64 if chosen.double else np.float32
b2.defaultclock.dt = DT * ms
b2.seed(chosen.seed)
begin = perf_counter()
drawing = 0.0  # seconds in which Python draws synapses

if chosen.kind in ("CUBA", "COBA"):
    n_exc, n = 3200, 4000
    if chosen.kind == "CUBA":
        rest, equations, method = -49 * mV, CURRENTS, "exact"
        w_exc, w_inh = CUBA_WEIGHTS["exc"] * mV, CUBA_WEIGHTS["inh"] * mV
    else:
        rest, equations, method = -60 * mV, CONDUCTANCES, "exponential_euler"
        w_exc, w_inh = COBA_WEIGHTS["exc"], COBA_WEIGHTS["inh"]
    cells = b2.NeuronGroup(
        n, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method=method
    )
    cells.v = "-60*mV + 10*mV * rand()"
    if chosen.kind == "COBA":
        cells.s_exc = "clip(4 + 1.5 * randn(), 0, 100)"
        cells.s_inh = "clip(20 + 12 * randn(), 0, 100)"
        kick = b2.PoissonInput(cells, "s_exc", 1, KICK_RATE * Hz, weight=KICK_WEIGHT)
    exc = b2.Synapses(cells, cells, on_pre="s_exc += w_exc")
    exc.connect("i < 3200", p=0.02)
    inh = b2.Synapses(cells, cells, on_pre="s_inh += w_inh")
    inh.connect("i >= 3200", p=0.02)
elif chosen.kind == "BRUNEL":
    n_exc, n = BRUNEL.sizes[0], sum(BRUNEL.sizes)
    cells = b2.NeuronGroup(
        n,
        "dv/dt = -v / tau : volt (unless refractory)",
        threshold="v >= threshold",
        reset="v = V_reset",
        refractory=(BRUNEL.refractory - DT) * ms,
        method="exact",
    )
    cells.v = "threshold * rand()"
    delay = BRUNEL.delay * ms
    drawing = perf_counter()
    # Input to a variable that is "unless refractory" is lost then, as in the other simulators.
    exc = b2.Synapses(cells, cells, on_pre="v_post += J", delay=delay)
    exc.connect(**fixed_indegree(range(n_exc), n, BRUNEL.indegrees[0]))
    w_inh = -BRUNEL.g * J
    inh = b2.Synapses(cells, cells, on_pre="v_post += w_inh", delay=delay)
    inh.connect(**fixed_indegree(range(n_exc, n), n, BRUNEL.indegrees[1]))
    drawing = perf_counter() - drawing
    outside = b2.PoissonInput(cells, "v", BRUNEL.external, BRUNEL.external_rate * Hz, weight=J)
else:
    raise SystemExit(f"{chosen.kind} is not written for Brian2.")

monitor = b2.SpikeMonitor(cells)
if not chosen.cython:  # note when the last run begins and ends
    which = "PROCESS_CPUTIME_ID" if chosen.threads == 1 else "MONOTONIC"  # as in `clock`
    for slot in ("before_network_run", "after_network_run"):
        b2.device.insert_code(slot, NOTE.replace("CLOCK", f"CLOCK_{which}"))
made = perf_counter() - begin - drawing
total = (WARM_UP + 1000.0 * chosen.seconds) * ms
if chosen.kind == "COBA":  # only for COBA, as every run is compiled again
    b2.run(KICK_END * ms)
    kick.active = False
    total -= KICK_END * ms

# Brian2 could start its program itself. But the compiler is a child of this process too, and may
# have used more memory; and the peak of a child begins with its parent's. So a small process starts
# it.
START = """
import resource, subprocess, time
begin = time.perf_counter()
subprocess.run(["./main"], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

if chosen.cython:
    now, moments = clock(chosen.threads), []  # the beginning and the end of the loop over steps

    def note(elapsed, completed, start, duration) -> None:
        moments.append(now())

    ready = perf_counter()
    b2.run(total - 1000.0 * chosen.seconds * ms)
    compilation = perf_counter() - ready
    b2.run(1000.0 * chosen.seconds * ms, report=note, report_period=1e6 * second)
    simulation, build, memory = moments[-1] - moments[0], drawing + made, peak_memory()
else:
    b2.run(total)
    b2.device.build(directory=folder.name, compile=True, run=False)
    compilation = perf_counter() - begin - drawing
    command = [sys.executable, "-S", "-c", START]
    done = subprocess.run(command, cwd=folder.name, capture_output=True, text=True, check=True)
    whole, kib = (float(number) for number in done.stdout.split())
    *_, started, ended = map(int, (Path(folder.name) / "moments").read_text().split())
    per_second = 1e-9 * (ended - started) / float(total / second)
    b2.get_device().has_been_run = True
    simulation, memory = per_second * chosen.seconds, kib * 1024 / 1e6
    build = drawing + whole - per_second * (WARM_UP / 1000.0 + chosen.seconds)

times, neurons = np.asarray(monitor.t / ms), np.asarray(monitor.i)
is_exc = neurons < n_exc
report(
    version=f"Brian2 {b2.__version__}",
    simulation=simulation,
    build=build,
    compilation=compilation,
    memory=memory,
    synapses=len(exc) + len(inh),
    spikes={
        "exc": (times[is_exc], neurons[is_exc], n_exc),
        "inh": (times[~is_exc], neurons[~is_exc], n - n_exc),
    },
    seconds=chosen.seconds,
)
