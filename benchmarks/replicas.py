"""Replicas on the cores of a CPU: how much faster all cores train them than one.

    python benchmarks/replicas.py [--repeats 5]

Four replicas of each model are trained with one thread and with a thread per core, alternately, in
one run. The weights are compared afterwards: they have to be equal, bit for bit.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from spikesim import Replicas, backends, patterns
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork

COUNT = 4
CHANCE = np.random.default_rng(1)
# A fifth of the pixels are not black, as in MNIST.
IMAGES = (CHANCE.integers(1, 256, (2000, 784)) * (CHANCE.random((2000, 784)) < 0.2)).astype(
    np.uint8
)
LABELS = CHANCE.integers(0, 10, 2000)
SHOWN = patterns.poisson(100, rate=5.0, duration=500.0, seed=1)
TARGET = patterns.from_trains([[83.0, 166.0, 249.0, 332.0, 415.0]], duration=500.0)

Make = Callable[[int], Any]
CASES: dict[str, tuple[Make, Callable[[Any], Any]]] = {
    "segregated 784-500-10": (
        lambda seed: SegregatedDendriteNetwork((784, 500, 10), seed=seed),
        lambda nets: nets.fit(IMAGES, LABELS),
    ),
    "burst 784-500-10": (
        lambda seed: BurstEnsembleNetwork((784, 500, 10), seed=seed, sst="h"),
        lambda nets: nets.fit(IMAGES, LABELS, epochs=3),
    ),
    "superspike 100-32-1": (
        lambda seed: SuperSpikeNetwork((100, 32, 1), seed=seed),
        lambda nets: nets.fit(SHOWN, TARGET, blocks=10, block=20_000.0),
    ),
}


def trained(make: Make, train: Callable[[Any], Any], threads: int) -> tuple[float, Replicas]:
    """Seconds of training, and the replicas."""
    nets = Replicas([make(seed) for seed in range(COUNT)], threads=threads)
    begin = perf_counter()
    train(nets)
    return perf_counter() - begin, nets


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    cores = backends.cores()
    print(f"{timing.machine()}, {cores} cores; load average {timing.load_average()}")
    print(f"{COUNT} replicas, {chosen.repeats} repeats, medians\n")
    print(f"{'':24}{'1 thread (s)':>14}{f'{cores} threads (s)':>14}{'ratio':>8}")
    for name, (make, train) in CASES.items():
        train(make(0))  # compile
        alone, together = [], []
        for _ in range(chosen.repeats):
            seconds, one = trained(make, train, 1)
            alone.append(seconds)
            seconds, other = trained(make, train, cores)
            together.append(seconds)
            for first, second in zip(one.W, other.W, strict=True):
                np.testing.assert_array_equal(first, second)
        a, b = median(alone), median(together)
        print(f"{name:24}{a:14.2f}{b:14.2f}{a / b:8.2f}", flush=True)
    print(f"\nload average at the end: {timing.load_average()}")


if __name__ == "__main__":
    main()
