"""One network on one core and on several, in turns: what do more cores gain?

    python benchmarks/threads.py [--networks BRUNEL MICROCIRCUIT CUBA] [--threads 2] [--repeats 10]

*Together*: all threads do every step. *As they decide*: one of them alone does the steps for which
that is faster; see `spikesim.kernels.machine.threads.Pace`. All have the same spikes. Times are
medians of real time; a ratio above 1 says that several cores are faster than one. The script needs
as many free cores.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import contextlib
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
from networks_shared import DT, Arguments
from networks_spikesim import build

from spikesim.kernels.machine.threads import Pace

NETWORKS = ("CUBA", "COBA", "BRUNEL", "MICROCIRCUIT")
WAYS = ("one core", "together", "as they decide")
ALL_THREADS = patch.multiple(Pace, next=lambda _: (False, 1 << 62), took=lambda *_: None)


def main() -> None:
    """Read the command line, and print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scale", type=float, default=0.3, help="of the microcircuit")
    parser.add_argument("--seconds", type=float, default=0.2, help="of simulated time, each turn")
    parser.add_argument("--repeats", type=int, default=10)
    chosen = parser.parse_args()
    print(
        f"{timing.machine()}, {chosen.threads} threads; {chosen.repeats} repeats in turns;", end=""
    )
    print(f" load {timing.load_average()}; us per step, and how many times as fast as one core")
    print(f"{'':16}{WAYS[0]:>12}{WAYS[1]:>22}{WAYS[2]:>22}")
    for kind in chosen.networks:
        times = measure(kind, chosen)
        one, *others = (1e3 * DT * median(times[way]) / chosen.seconds for way in WAYS)
        ratios = [median(np.array(times[WAYS[0]]) / times[way]) for way in WAYS[1:]]
        columns = [f"{t:14.1f}{r:8.2f}" for t, r in zip(others, ratios, strict=True)]
        print(f"{kind:16}{one:12.1f}{''.join(columns)}", flush=True)
    print(f"load at the end: {timing.load_average()}")


def measure(kind: str, chosen: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each turn in each way; all ways simulate the same."""

    def made(threads: int) -> Any:
        net = build(Arguments(kind, 1.0, 1, threads, chosen.scale, False))
        net.run(100.0)
        return net

    nets = {way: made(1 if way == WAYS[0] else chosen.threads) for way in WAYS}
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(chosen.repeats):
        for way, net in nets.items():
            with ALL_THREADS if way == WAYS[1] else contextlib.nullcontext():
                begun = perf_counter()
                net.run(1000.0 * chosen.seconds)
                times[way].append(perf_counter() - begun)
    spikes = [[int(p.count.sum()) for p in net.populations.values()] for net in nets.values()]
    assert spikes[1:] == spikes[:-1], spikes
    return times


if __name__ == "__main__":
    main()
