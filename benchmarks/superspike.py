"""SuperSpike: seconds per simulated second, ours against the authors' C++ program.

Both learn frozen patterns with symmetric feedback, plasticity on, on one core of one machine,
alternately, in one run: 200-256-200 (a picture of 1.89 s; 5 Hz input, about 27 Hz target), and
100-1 and 100-4-1 (five spikes in half a second). The patterns are made here and given to both; each
program draws its own initial weights, from the same distribution. Only the simulation is timed: no
compilation, no pictures, and no start-up (for theirs, times of two lengths are subtracted).

    python benchmarks/superspike.py --authors <program> [--repeats 3]

`<program>` is your own build of sim_symfb, from github.com/fzenke/pub2018superspike with Auryn at
6f88977 (GPL-3; nothing of it is part of this project), which is run and never written to. Without
--authors only ours is timed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from spikesim import patterns
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.patterns import SpikePattern


class Case(NamedTuple):
    """One network: its patterns, and how many simulated seconds of ours and theirs are timed."""

    sizes: tuple[int, ...]
    shown: SpikePattern
    target: SpikePattern
    ours: int
    authors: int


def cases() -> list[Case]:
    """The networks that are compared."""
    picture = patterns.from_text("spiking", n=200, duration=1890.0, rate=110.0)
    five = patterns.from_trains([[83.0, 166.0, 249.0, 332.0, 415.0]], duration=500.0)
    frozen = patterns.poisson(100, rate=4.6, duration=500.0, seed=1)
    input_200 = patterns.poisson(200, rate=5.0, duration=1890.0, seed=1)
    return [
        Case((200, 256, 200), input_200, picture, ours=100, authors=6),
        Case((100, 1), frozen, five, ours=500, authors=200),
        Case((100, 4, 1), frozen, five, ours=500, authors=200),
    ]


def time_ours(case: Case, seed: int) -> float:
    """Seconds per simulated second, after a second in which the program is compiled or loaded."""
    net = SuperSpikeNetwork(case.sizes, seed=seed)
    net.fit(case.shown, case.target, blocks=1, block=1000.0, burn_in=1000.0)
    begin = perf_counter()
    net.fit(case.shown, case.target, blocks=1, block=1000.0 * case.ours)
    return (perf_counter() - begin) / case.ours


def write_ras(pattern: SpikePattern, path: Path) -> None:
    """Write Auryn's text format; half a step is added, because this version rounds down."""
    lines = (f"{t / 1000.0 + 5e-5:.5f} {i}" for t, i in zip(*pattern[:2], strict=True))
    path.write_text("\n".join(lines) + "\n")


def time_authors(case: Case, program: Path, seconds: int) -> float:
    """Seconds of one run of the authors' program: one second of burn-in, then training."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_ras(case.shown, place / "input.ras")
        write_ras(case.target, place / "target.ras")
        hidden = case.sizes[1:-1]
        options = {
            "nin": case.sizes[0],
            "nout": case.sizes[-1],
            "layers": len(hidden),
            "nhidden": hidden[0] if hidden else 1,
            "grid": case.shown.duration / 1000.0,
            "input": place / "input.ras",
            "target": place / "target.ras",
            "eta": 1e-3,
            "w0": 0.05,
            "epsilon": 1e-12,
            "delay": 0.0,
            "simtime": 1,
            "blocks": seconds,
            "dir": place,
        }
        command = [str(program), "--fast"]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        begin = perf_counter()
        subprocess.run(command, cwd=place, capture_output=True, check=True)
        return perf_counter() - begin


def per_second(case: Case, program: Path) -> float:
    """Seconds per simulated second of the authors' program."""
    short = max(case.authors // 4, 2)
    return (
        time_authors(case, program, short + case.authors) - time_authors(case, program, short)
    ) / case.authors


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--authors", type=Path, help="the authors' program, sim_symfb")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the core that both run on")
    chosen = parser.parse_args()
    program = chosen.authors.resolve(strict=True) if chosen.authors else None
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one used; ", end=""
    )
    print(f"load average {os.getloadavg()[0]:.2f}; Python {platform.python_version()}, ", end="")
    print(f"NumPy {np.__version__}, Numba {version('numba')}; {chosen.repeats} repeats, medians\n")
    print(f"{'s per simulated s':18} {'spikesim':>10} {'authors':>10} {'ratio':>7}")
    for case in cases():
        ours, theirs = [], []
        for seed in range(chosen.repeats):
            ours.append(time_ours(case, seed))
            if program:
                theirs.append(per_second(case, program))
        line = f"{'-'.join(map(str, case.sizes)):18} {median(ours):10.5f}"
        if program:
            line += f" {median(theirs):10.5f} {median(theirs) / median(ours):7.1f}"
        print(line, flush=True)
    print(f"\nload average at the end: {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
