"""Compiled loops with checked indices: ``python -m tests.reliability bounds``.

Numba does not check indices unless it is told to, and an index that is out of bounds then reads or
writes what lies beside the array. Here it is told to, for a process that compiles and runs the
tests' networks of every kind, all models, which learn a little, and networks of random sizes, with
a kernel cache of its own. First of all a body that is wrong on purpose has to be found out.

Numba counts negative indices from the end, checked or not: those are beyond this job.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CHECKED = "1"  # tests turn it off

TESTS = Path(__file__).resolve().parent.parent


def overrun(i, t, s, p):
    """Wrong on purpose: behind the array, and later than the rehearsal of a body would see."""
    s.x[i + (1 if t > 0 else 0)] = 1.0


def finds_an_overrun() -> bool:
    """Whether a body that writes outside of its array is found out in this process."""
    from spikesim import Network

    net = Network(dt=1.0)
    net.add_phase(overrun, 4, state={"x": np.zeros(4, np.float32)})
    try:
        net.run(2.0)
    except IndexError:
        return True
    return False


# ---- what is run ------------------------------------------------------------------------------


def _model(build: Callable[..., Any]) -> Callable[[], Any]:
    from tests.cuda_networks import advance

    return lambda: advance(build("cpu"))


def _everything(backend: str) -> Callable[[], None]:
    def run() -> None:
        from tests.test_network import everything

        net, recordings = everything("float32", backend)
        net.run(60.0)
        for recording in recordings:
            assert recording.t.size

    return run


def random_network(seed: int, backend: str = "cpu") -> Any:
    """One structure in random sizes, run: single neurons, no synapses, all neurons at once."""
    from spikesim import (
        LIF,
        DeltaLIF,
        DoubleExponential,
        Network,
        PairSTDP,
        Poisson,
        ShortTermPlasticity,
    )

    chance = np.random.default_rng(seed)

    def size() -> int:
        return int(chance.choice([1, 2, 3, 7, 8, 9, 16, 17, 40]))

    def share() -> float:
        return float(chance.choice([0.0, 0.1, 0.5, 1.0]))

    def spread(_: Any, many: int) -> np.ndarray:
        steps = chance.integers(1, 9, many)
        steps[:2] = (1, 9)[: min(many, 2)]  # so that the program is the same
        return 0.5 * steps

    net = Network(dt=0.5, seed=seed, backend=backend)
    noise = net.add_population("noise", size(), Poisson)
    noise.rate[:] = chance.choice([0.0, 100.0, 2000.0], noise.n)  # several spikes in a step
    n = size()
    times = np.arange(n * 4) // n * 0.5
    trains = net.add_spike_trains("trains", n, times, np.tile(np.arange(n), 4), period=4.0)
    pictures = chance.random((size(), size()))
    shown = net.add_images("shown", pictures, rate=2000.0, duration=2.0)
    cells = net.add_population("cells", size(), LIF, tau=10.0, refractory=0.0)
    cells.drive[:] = 100.0  # all of them spike at once
    jumping = net.add_population("jumping", size(), DeltaLIF)
    events, bursts = net.add_events("events", cells, 2.0), net.add_bursts("bursts", cells, 2.0)
    kernel = DoubleExponential(2.0, 6.0, memory=int(chance.integers(1, 9)))
    lasting = DoubleExponential(2.0, 6.0)
    short = ShortTermPlasticity(U=0.3, tau_D=20.0, tau_F=50.0, f=0.2)
    pairs = PairSTDP(w_max=9.0, A_plus=0.1, A_minus=0.1)
    late = float(chance.integers(1, 30)) * 0.5

    def degree(population: Any) -> int:
        return int(chance.integers(0, population.n + 1))

    to: dict[str, Any] = {"target": "drive", "weight": 5.0}
    net.connect(noise, cells, **to, delay=late, name="dense")
    net.connect(trains, cells, **to, probability=share(), delay=late, name="sparse")
    net.connect(shown, cells, **to, indegree=degree(shown), delay=0.0, name="now")
    net.connect(noise, cells, **to, outdegree=degree(cells), delay=spread, name="spread")
    net.connect(cells, cells, **to, probability=share(), plasticity=pairs, name="plastic")
    net.connect(trains, cells, **to, plasticity=pairs, name="plastic_dense", delay=late)
    net.connect(cells, cells, **to, synapses=int(chance.integers(0, 60)), short_term=short)
    net.connect(
        noise, cells, **to, short_term=short, probability=share(), name="spread_short", delay=spread
    )
    jump: dict[str, Any] = {"target": "v", "weight": 30.0}
    net.connect(events, jumping, **jump, probability=share(), autapses=False)
    net.connect(bursts, jumping, **jump, indegree=2, multapses=True)
    net.connect(jumping, cells, **to, probability=share(), delay=late, name="back")
    filtered = net.add_population("filtered", size(), LIF)
    net.connect(cells, filtered, target="drive", weight=2.0, kernel=kernel)
    slowly = net.add_population("slowly", size(), LIF)
    net.connect(cells, slowly, target="drive", weight=2.0, kernel=lasting, probability=share())
    net.add_background(cells, "drive", rate=float(chance.choice([0.0, 100.0])), weight=0.1)
    net.add_background(cells, "drive", rate=1e5, weight=0.01)  # each neuron draws for itself
    net.add_background(jumping, "v", rate=300.0, weight=1.0, at_most_one=True)
    trace = net.add_trace(cells, 5.0)
    recordings = [net.record_spikes(part) for part in net.populations.values()]
    recordings.append(net.record(cells, ["v", "drive"], every=1.0, neurons=[cells.n - 1]))
    net.run(20.0)
    net.run(0.5)
    assert np.isfinite(trace).all()
    assert recordings[-1].v.shape == (1, 21)
    return net


def jobs(networks: int) -> dict[str, Callable[[], Any]]:
    """Everything that is run, by name."""
    from tests.cuda_networks import NETWORKS, ONLY_COMPILED

    found = {f"random sizes, seed {seed}": _random(seed) for seed in range(networks)}
    found["everything"] = _everything("cpu")
    found["everything, on threads"] = _everything("threads:2")
    found.update({name: _model(build) for name, build in {**NETWORKS, **ONLY_COMPILED}.items()})
    return found


def _random(seed: int) -> Callable[[], Any]:
    return lambda: random_network(seed)


def _stop(what: threading.ExceptHookArgs) -> None:
    """End the process if a worker leaves its arrays: the others would wait for it for ever."""
    print(f"OUT OF BOUNDS, in a thread: {what.exc_value}", flush=True)
    os._exit(1)


def work(networks: int, wanted: str) -> int:
    """Run all of it in this process, in which indices are checked."""
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]  # tests import each other by their names
    threading.excepthook = _stop
    if not finds_an_overrun():
        print("Indices are not checked: an overrun was not found.")
        return 1
    print("A body that is wrong on purpose is found out.", flush=True)
    failed = 0
    for name, run in jobs(networks).items():
        if wanted not in name:
            continue
        began = time.perf_counter()
        try:
            run()
            result = "in bounds"
        except IndexError as error:
            failed += 1
            result = f"OUT OF BOUNDS: {error}"
        print(f"{name:30} {time.perf_counter() - began:6.1f} s  {result}", flush=True)
    print(f"{failed} of them left their arrays." if failed else "All stay within their arrays.")
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    """Start the process that checks indices; 0 if all of them are within their arrays."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability bounds", description=__doc__)
    parser.add_argument("--networks", type=int, default=40, help="of random sizes")
    parser.add_argument("--only", default="", metavar="TEXT", help="what has this in its name")
    parser.add_argument("--cache", type=Path, help="keep compiled programs in this folder")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "NUMBA_BOUNDSCHECK": CHECKED,
            "NUMBA_CACHE_DIR": str(chosen.cache or folder),
        }
        words = [str(chosen.networks), chosen.only]
        command = [sys.executable, "-m", "tests.reliability.bounds", *words]
        return subprocess.run(command, env=environment, cwd=TESTS.parent).returncode


if __name__ == "__main__":
    sys.exit(work(int(sys.argv[1]), sys.argv[2]))
