"""How long `connect` takes: compiled code beside NumPy's calls for each row, which it replaces.

    python benchmarks/construction.py [--neurons 100000] [--each 100] [--repeats 3]

One population is connected with itself by each rule, with the same weight everywhere; then the
rule `synapses` with weights and delays of `spikesim.spread`, which threads draw meanwhile, while
NumPy has one thread. Both make the same synapses. Times are in ns for a synapse: of the clock and,
in brackets, of all cores together; the least of the repeats, which alternate. The first call, which
may compile, is not counted.
"""

from __future__ import annotations

import argparse
from time import perf_counter, process_time
from typing import Any

import numpy as np

from spikesim import CurrentLIF, Network, spread
from spikesim.engine import connectivity, many_synapses
from spikesim.engine.many_synapses import MANY, SEVERAL
from spikesim.kernels.machine.cores import workers

NEVER = 1 << 62


def connect(n: int, many: int, rule: dict[str, Any]) -> tuple[float, float]:
    """Clock and processor time for a synapse, in ns."""
    connectivity.MANY = many
    many_synapses.SEVERAL = NEVER if many == NEVER else SEVERAL
    net = Network(seed=1)
    cells = net.add_population("cells", n, CurrentLIF)
    begin, spent = perf_counter(), process_time()
    made = net.connect(cells, cells, target="I_exc", **{"weight": 1.0, "delay": 1.5, **rule})
    return tuple(1e9 * t / made.size for t in (perf_counter() - begin, process_time() - spent))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=100, help="synapses of a neuron")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    n, each = chosen.neurons, chosen.each
    rules: dict[str, dict[str, Any]] = {
        "probability": {"probability": each / n},
        "outdegree": {"outdegree": each},
        "indegree": {"indegree": each},
        "indegree, multapses": {"indegree": each, "multapses": True},
        "synapses": {"synapses": n * each},
        "weights and delays": {
            "synapses": n * each,
            "weight": spread.weights(1.0, 0.1),
            "delay": spread.delays(1.5, 0.5, 0.1),
        },
    }
    print(f"{n} neurons, {each} synapses each, {workers()} cores; ns for a synapse")
    for name, rule in rules.items():
        connect(n, 0, rule)
        times = [[connect(n, many, rule) for many in (NEVER, MANY)] for _ in range(chosen.repeats)]
        (clock, spent), (least, little) = np.min(times, axis=0)
        print(
            f"{name:<20} NumPy {clock:6.1f} ({spent:5.1f})   compiled {least:6.1f} ({little:5.1f})"
            f"   {clock / least:5.1f} times"
        )


if __name__ == "__main__":
    main()
