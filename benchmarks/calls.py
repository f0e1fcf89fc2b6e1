"""What a short run costs besides its steps, and what a loop costs that looks at spikes.

    python benchmarks/calls.py

100 LIF neurons with 20 Poisson sources and recurrent synapses, dt 0.1 ms, whose spikes are
recorded. What a call of `run` does around its steps (checks, recordings, a look for NaN, Ctrl-C) is
its time less that of the bare compiled call, and stands beside the bare call of an empty network.
Times are the best of many short repeats, as others may use the machine.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

from collections.abc import Callable
from time import perf_counter

import numpy as np

from spikesim import LIF, Network, Poisson

CALLS, REPEATS = 20, 1500


def microseconds(call: Callable[[], object]) -> float:
    """The best time per call over many short repeats."""
    best = np.inf
    for _ in range(REPEATS):
        begin = perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, perf_counter() - begin)
    return best / CALLS * 1e6


def network() -> Network:
    net = Network(dt=0.1, seed=1)
    source = net.add_population("source", 20, Poisson)
    source.rate = 10.0
    cells = net.add_population("cells", 100, LIF, tau=10.0)
    net.connect(source, cells, target="drive", weight=4.0, probability=0.3, delay=1.0)
    net.connect(cells, cells, target="drive", weight=-2.0, probability=0.1, delay=1.5)
    return net


def growth() -> tuple[float, float]:
    """Microseconds of a step and a look at all spikes, after few and after a million of them."""
    net = Network(dt=0.1, seed=1)
    source = net.add_population("source", 1000, Poisson)
    source.rate = 1000.0
    spikes = net.record_spikes(source)

    def look() -> None:
        net.run(0.1)
        spikes.t[-1:], spikes.i[-1:], spikes.new()

    net.run(10.0)
    few = microseconds(look)
    net.run(1000.0)
    look()
    return few, microseconds(look)


def main() -> None:
    """Print the table."""
    net = network()
    spikes = net.record_spikes(net.populations["cells"])
    net.run(100.0)
    empty, program = Network().compiled(), net.compiled()
    bare = microseconds(lambda: program(net.step, 10))
    whole = microseconds(lambda: net.run(1.0))
    pieces = net.steps(0.1 * 2 * CALLS * REPEATS)
    looked = microseconds(lambda: (net.run(1.0), spikes.new()))
    stepped = microseconds(lambda: next(pieces))
    few, many = growth()
    print(f"{timing.machine()}; microseconds\n")
    print(f"empty compiled call             {microseconds(lambda: empty(0, 10)):6.1f}")
    print(f"10 steps, compiled call         {bare:6.1f}")
    print(f"10 steps, net.run(1.0)          {whole:6.1f}")
    print(f"  of this, around the call      {whole - bare:6.1f}")
    print(f"net.run(1.0) and spikes.new()   {looked:6.1f}")
    print(f"a step of net.steps(...)        {stepped:6.1f}")
    print(f"a step and spikes.t at  10,000  {few:6.1f}")
    print(f"                     1,000,000  {many:6.1f}")


if __name__ == "__main__":
    main()
