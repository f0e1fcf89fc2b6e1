"""All experiments of routing ensembles with three seeds, and their speed beside a transcription.

    python benchmarks/reproduce_routing.py > results/credit/routing.txt

takes five minutes on one core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spikesim.models.routing import RoutingEnsembles
from spikesim.models.routing.experiments import EXPERIMENTS
from tests.naive_routing import NaiveRouting

SEEDS = (0, 1, 2)
SHAPES = {"theta": (-1,), "b": (-1,)}


def seconds(call: object, times: int) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def speed() -> str:
    """The time of a step of 4-4-4-4 units of 100 neurons, beside NumPy's."""
    net = RoutingEnsembles((4, 4, 4, 4), seed=1)
    net.pattern[:, :10] = net.goal[0] = net.arousal[0] = 1
    lists: dict[str, list] = {name: [None] for name in ("w", "S", "theta", "A", "G", "b")}
    for layer in net.layers[1:]:
        for name, found in lists.items():
            array = layer.get(name)
            shape = SHAPES.get(name, (-1, layer["a"].size))
            found.append(None if array is None else array.reshape(shape))
    naive = NaiveRouting(100, 10, **lists)
    given = net.pattern.ravel(), np.ones(4), net.goal, 1.0
    net.network.run_steps(10)
    ours = seconds(lambda: net.network.run_steps(1000), 3) / 1000
    events = seconds(lambda: naive.step_by_event(*given), 40)
    dense = seconds(lambda: naive.step(*given), 10)
    return (
        f"a step of 4-4-4-4 units of 100 neurons: {1e6 * ours:.0f} us; NumPy {events / ours:.0f} "
        f"times as long by events, {dense / ours:.0f} times with M"
    )


def main() -> None:
    print(speed(), flush=True)
    for name, experiment in EXPERIMENTS.items():
        for options in ({}, {"spikes": True}) if name == "route" else ({},):
            for seed in SEEDS:
                result = experiment.run(seed, False, "cpu", **options)
                print(f"\n{name} {options or ''} seed {seed}\n{result.table()}", flush=True)


if __name__ == "__main__":
    main()
