"""The cortical microcircuit by the recipe with which the field compares simulators.

    python benchmarks/microcircuit.py [--scale 1] [--seeds 1 2 3] [--threads 1 2] [--duration 10]

The recipe (van Albada et al. 2018, Knight & Nowotny 2018, Rhodes et al. 2020, Kurth et al. 2022,
Albers et al. 2022; its checklist and the table of all results are in
https://microcircuit-pd14-model.readthedocs.io, Senk et al. 2026): voltages begin with the mean and
variance of each population; 500 ms are simulated before anything counts; then at least 10 s are
timed, in which nothing is recorded; all of it for several seeds, ten in a publication.

The *real-time factor* is wall-clock time over simulated time. A *synaptic event* is a spike that
arrives at a synapse. Energy per event is the power that you have measured at the outlet
(--watts), times wall-clock time, over events. *Core-seconds* are processor time of all threads per
simulated second: they say more where other programs run, too.

Every measurement has a process of its own, and numbers of threads take turns. After the first one
of each seed, the same network runs again from the beginning and is recorded. As spikes do not
depend on what is recorded, nor on threads, this gives the events, and shows that the activity is
right: rates beside published ones, the coefficient of variation of intervals (CV), and the
correlation of spike counts in bins of 2 ms between up to 250 neurons of each population (CC).
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter, process_time
from typing import Any

import numpy as np
from networks_shared import peak_memory

import spikesim
from spikesim import Network, SpikeRecording
from spikesim.models import microcircuit
from spikesim.models.microcircuit import RATES
from spikesim.tables import Table

SETTLING = 500.0  # ms
BIN = 2.0  # ms, of the counts that are correlated
MOST = 250  # neurons of each population that are
Result = dict[str, Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of neurons and synapses")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="one after the other")
    parser.add_argument("--duration", type=float, default=10.0, help="simulated seconds")
    parser.add_argument("--background", choices=["poisson", "dc"], default="poisson")
    parser.add_argument("--backend", help="instead of the CPU with --threads, for example cuda")
    parser.add_argument("--watts", type=float, help="mean power at the outlet, measured by you")
    parser.add_argument("--out", type=Path, help="a file for what is printed")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--recorded", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# ------------------------------------------------------------------------- one measurement


def measure(chosen: argparse.Namespace) -> Result:
    """Build, settle, run; and once more with recordings, if they are wanted."""
    duration = 1000.0 * chosen.duration
    os.environ["NUMBA_NUM_THREADS"] = str(chosen.threads[0])  # `timing` set it to 1
    begun, cpu = perf_counter(), process_time()
    net = microcircuit.build(
        chosen.scale,
        chosen.seeds[0],
        background=chosen.background,
        backend=chosen.backend or backend(chosen.threads[0]),
    )
    built, built_cpu = perf_counter() - begun, process_time() - cpu
    net.run(SETTLING)
    begun, cpu = perf_counter(), process_time()
    net.run(duration)
    wall, cpu = perf_counter() - begun, process_time() - cpu
    found = {
        "threads": chosen.threads[0],
        "built": built,
        "built cpu": built_cpu,
        "wall": wall,
        "cpu": cpu,
        "memory": peak_memory() / 1000.0,
        "synapses": int(sum(each.size for each in net.projections.values())),
        "bytes": int(sum(each.nbytes for each in net.projections.values())),
        "tier": net.compiled().tier,
    }
    return {**found, **(activity(net, duration) if chosen.recorded else {})}


def backend(threads: int) -> str:
    return "cpu" if threads == 1 else f"threads:{threads}"


def activity(net: Network, duration: float) -> Result:
    """What the same run does, recorded."""
    net.reset()
    net.run(SETTLING)
    spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    net.run(duration)
    outgoing = {name: 0.0 for name in spikes}
    for each in net.projections.values():
        outgoing[each.pre.name] += each.size / each.pre.n
    return {
        "events": sum(each.t.size * outgoing[name] for name, each in spikes.items()),
        "activity": {
            name: [each.n, each.t.size / each.n / duration * 1e3, irregularity(each), cc(each)]
            for name, each in spikes.items()
        },
    }


def irregularity(spikes: SpikeRecording) -> float:
    """The mean CV of the neurons that have one."""
    found = spikes.cv()
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def cc(spikes: SpikeRecording) -> float:
    """The mean correlation of the spike counts of two neurons that both spike."""
    chosen = spikes.i < MOST
    bins = int((spikes.t_stop - spikes.t_start) / BIN)
    counts = np.zeros((min(MOST, spikes.n), bins), np.float32)
    places = ((spikes.t[chosen] - spikes.t_start) / BIN).astype(int).clip(max=bins - 1)
    np.add.at(counts, (spikes.i[chosen], places), 1.0)
    counts = counts[counts.any(axis=1)]
    if len(counts) < 2:
        return float("nan")
    matrix = np.corrcoef(counts)
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


# ------------------------------------------------------------------------- all measurements


def in_new_process(chosen: argparse.Namespace, seed: int, threads: int, recorded: bool) -> Result:
    command = [sys.executable, __file__, "--one", "--seeds", str(seed), "--threads", str(threads)]
    command += ["--scale", str(chosen.scale), "--duration", str(chosen.duration)]
    command += ["--background", chosen.background]
    command += ["--backend", chosen.backend] if chosen.backend else []
    command += ["--recorded"] if recorded else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def spread(values: list[float], digits: int) -> str:
    """Mean, and standard deviation over seeds."""
    text = f"{mean(values):.{digits}f}"
    return text + (f" ± {stdev(values):.{digits}f}" if len(values) > 1 else "")


HEADER = (
    *("simulator", "nodes", "threads", "drive", "q_RTF", "E_syn (uJ)", "ns/event"),
    *("core-s/s", "core-ns/event", "built (s)", "core-s", "memory (GB)"),
)


def performance(chosen: argparse.Namespace, runs: list[Result], events: list[float]) -> list[str]:
    """A row of the table: what the field's has, and what explains it."""
    wall, cpu, built, built_cpu = (
        [run[name] for run in runs] for name in ("wall", "cpu", "built", "built cpu")
    )
    each = mean(wall) / mean(events)
    return [
        f"spikesim {spikesim.__version__}",
        "1",
        chosen.backend or str(runs[0]["threads"]),
        chosen.background,
        spread([seconds / chosen.duration for seconds in wall], 3),
        f"{1e6 * chosen.watts * each:.3f}" if chosen.watts else "not measured",
        f"{1e9 * each:.2f}",
        spread([seconds / chosen.duration for seconds in cpu], 2),
        f"{1e9 * mean(cpu) / mean(events):.2f}",
        f"{mean(built):.1f}",
        f"{mean(built_cpu):.1f}",
        f"{max(run['memory'] for run in runs):.2f}",
    ]


def spikes_of(name: str, runs: list[Result]) -> list[str]:
    """A row of the table of activity: the mean over seeds."""
    n, rate, cv, correlation = (
        mean(values) for values in zip(*(run["activity"][name] for run in runs), strict=True)
    )
    known = RATES[name]
    published = f"{known.reference:.2f} ({known.low:.2f} to {known.high:.2f})"
    return [name, f"{n:.0f}", f"{rate:.2f}", published, f"{cv:.2f}", f"{correlation:.4f}"]


def main() -> None:
    """Measure, or call a process for each measurement."""
    chosen = arguments()
    if chosen.one:
        print(json.dumps(measure(chosen)))
        return
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    say(f"python benchmarks/microcircuit.py {' '.join(sys.argv[1:])}")
    say(
        f"{timing.machine()}, {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}, NumPy {np.__version__}; load {timing.load_average()}"
    )
    say(
        f"scale {chosen.scale:g}, {chosen.duration:g} s after {SETTLING:g} ms, optimised voltages, "
        f"nothing recorded, seeds {' '.join(map(str, chosen.seeds))}"
    )
    results: dict[int, list[Result]] = {threads: [] for threads in chosen.threads}
    for seed in chosen.seeds:
        for k, threads in enumerate(chosen.threads):
            results[threads].append(in_new_process(chosen, seed, threads, recorded=k == 0))
    recorded = results[chosen.threads[0]]
    events = [run["events"] for run in recorded]
    rows = [performance(chosen, runs, events) for runs in results.values()]
    say(f"\n{Table(HEADER, rows).text()}")
    size = recorded[0]["bytes"] / recorded[0]["synapses"]
    say(
        f"\n{recorded[0]['synapses']:,} synapses of {size:.2f} bytes; "
        f"{mean(events) / chosen.duration:.3e} events/s"
    )
    header = ("population", "neurons", "rate (Hz)", "published", "CV", "CC")
    say(f"\n{Table(header, [spikes_of(name, recorded) for name in RATES]).text()}")
    say(f"\nload at the end: {timing.load_average()}")
    if chosen.out:
        chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
