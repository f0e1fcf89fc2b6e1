"""Two layers of bursting ensembles: simulated seconds per second, beside the authors' program.

10,000 neurons in steps of 0.1 ms, 4 s of model time with all spikes recorded, the weights of
figure 3 of Payeur et al. (2021). Both run alternately, on one core of one machine, in one run. The
time of ours is that of the simulation, without compilation and construction; the time of theirs is
that of the whole process, in which construction takes about 0.15 s.

    python benchmarks/burst_propagation.py --authors <program> [--repeats 5]

`<program>` is your own build of sim_propagation, from github.com/apayeur/spikingburstprop with
github.com/apayeur/auryn (GPL-3; nothing of it is part of this project), which is run and never
written to. Without --authors only ours is timed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from timing import Timing, load_average, machine

from spikesim.models.burst.spiking.propagation import Propagation

SECONDS = 4.0  # simulated; a quarter of it burn-in, as in the authors' program


def time_ours(seed: int) -> Timing:
    """Seconds of one run; the first 10 ms, in which the program is compiled, are not timed."""
    model = Propagation(seed)
    model.network.run(10.0)
    wall, cpu = perf_counter(), process_time()
    model.network.run(1000.0 * SECONDS)
    return Timing(perf_counter() - wall, process_time() - cpu)


def time_authors(program: Path, seed: int) -> Timing:
    """Seconds of one run of the authors' program."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "--seed", str(seed), "--dir", f"{folder}/"]
        command += ["--w12", "0.37", "--w1som", "0.035"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = perf_counter()
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        wall = perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return Timing(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="the authors' program, sim_propagation")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--core", type=int, default=0, help="the core that both run on")
    chosen = parser.parse_args()
    program = chosen.authors.resolve(strict=True) if chosen.authors else None
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    print(f"{machine()}, {os.cpu_count()} cores, one used; load average {load_average()}")
    print(f"Numba {version('numba')}; {chosen.repeats} repeats, alternately\n")
    runs: dict[str, list[Timing]] = {"spikesim": []}
    for seed in range(1, chosen.repeats + 1):
        runs["spikesim"].append(time_ours(seed))
        if program:
            runs.setdefault("authors", []).append(time_authors(program, seed))
    print("simulated s per s, with wall time (median, best) and with CPU time (median)")
    for name, timings in runs.items():
        wall, cpu = zip(*timings, strict=True)
        speeds = SECONDS / median(wall), SECONDS / min(wall), SECONDS / median(cpu)
        print(f"{name:<10}" + "".join(f"{speed:10.2f}" for speed in speeds))
    if program:
        ours, theirs = runs["spikesim"], runs["authors"]
        wall = median(t.wall for t in theirs) / median(t.wall for t in ours)
        cpu = median(t.cpu for t in theirs) / median(t.cpu for t in ours)
        print(f"{'ratio':<10}{wall:10.1f}{'':10}{cpu:10.1f}")
    print(f"\nload average at the end: {load_average()}")


if __name__ == "__main__":
    main()
