"""The cost of each Phase of a network: compile time, and microseconds per step, largest first.

    python benchmarks/engine.py [--hidden 500] [--steps 5000]

Each Phase of the segregated-dendrite network (784-hidden-10, shown a made-up image of 160 lit
pixels) is compiled and timed alone, with the arrays as they are in the middle of a forward phase.
The sum ignores how Phases affect each other's caches and branches, so the whole step is timed too.
Compiling every Phase alone takes a few minutes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from spikesim.kernels.machine import cpu
from spikesim.kernels.machine.program import Program
from spikesim.models.segregated import SegregatedDendriteNetwork

REPEATS = 7


def microseconds(program: Program, first: int, steps: int) -> float:
    """Best time per step over some repeats."""
    program(first, 1)
    best = np.inf
    for _ in range(REPEATS):
        begin = time.perf_counter()
        program(first, steps)
        best = min(best, time.perf_counter() - begin)
    return best / steps * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--steps", type=int, default=5000)
    chosen = parser.parse_args()
    chance = np.random.default_rng(0)
    image = np.zeros((1, 784), np.uint8)
    image[0, chance.choice(784, 160, replace=False)] = chance.integers(30, 256, 160)
    net = SegregatedDendriteNetwork((784, chosen.hidden, 10), seed=0)
    begin = time.perf_counter()
    net.fit(image, [3])
    print(f"whole program: {time.perf_counter() - begin:.1f} s to the end of the first trial")

    simulation = net._training
    simulation.trials.schedule(np.array([0]), np.array([[REPEATS * chosen.steps + 10**6, 0]]))
    whole = microseconds(simulation.network.compiled(), simulation.network.step, chosen.steps)
    rows = []
    for phase in simulation.network.phases():
        if phase.body.__name__ != "tick":  # alone, it would end the trial
            first = simulation.network.step
            program = Program([phase], net.dtype, cpu)
            size = max(array.shape[-1] for array in phase.state.values())
            rows.append((microseconds(program, first, chosen.steps), phase.body.__name__, size))
    for cost, name, size in sorted(rows, reverse=True):
        print(f"{cost:8.3f} µs  {name} ({size})")
    print(f"{sum(cost for cost, _, _ in rows):8.3f} µs  sum")
    print(f"{whole:8.3f} µs  whole step")


if __name__ == "__main__":
    main()
