"""One network on several ranks (``backend="mpi"``): Brunel (2000), 15.6 million synapses.

    python benchmarks/ranks.py --ranks 2 4      # what one rank computes, beside one core
    python benchmarks/ranks.py --ranks 1 2 --together   # mpirun; needs as many free cores

The first way needs no MPI and no second core. One process runs the network on one core and, in
turns with it, what rank 0 of so many computes; the spikes of the other ranks are those that the one
core gave. All of this is repeated, and of each piece the shortest time counts, as a busy machine
only adds to it. What is missing is the exchange with the others. The second way measures all.
"""

from __future__ import annotations

import timing  # isort: skip

import argparse
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np

import spikesim.ranks
from spikesim import DeltaLIF, Network, backends
from spikesim.kernels.machine.program import Program
from spikesim.kernels.machine.shares import Shares

PIECE = 15  # steps: the delay
BEFORE = 20  # pieces that are run but not measured


def build(backend: str) -> tuple[Network, Any]:
    """The network and a recording of its spikes."""
    net = Network(dt=0.1, seed=1, backend=backend)
    exc = net.add_population("exc", 10_000, DeltaLIF)
    inh = net.add_population("inh", 2_500, DeltaLIF)
    for cells in (exc, inh):
        net.add_background(cells, "v", rate=20_000.0, weight=0.1)
        net.connect(exc, cells, target="v", weight=0.1, indegree=1000, delay=1.5)
        net.connect(inh, cells, target="v", weight=-0.5, indegree=250, delay=1.5)
    return net, net.record_spikes(exc, inh)


class Replayed(spikesim.ranks.World):
    """Ranks of which only the first is there; the spikes of all are known beforehand."""

    def __init__(self, size: int, spikes: Any):
        self.rank, self.size, self.waited = 0, size, 0.0
        self.block = 1 << 16
        self._known = [(each.steps, each.i, each.n) for each in spikes]
        self.steps = 0  # of the stretch that was run last

    def _send(self, sent: np.ndarray, received: np.ndarray) -> np.ndarray:
        blocks = received[: self.size * self.block].reshape(self.size, -1)
        blocks[:, : spikesim.ranks.HEADER] = sent[: spikesim.ranks.HEADER]
        headers = blocks[:, : spikesim.ranks.HEADER].copy().view(np.int64)
        first = int(headers[0, spikesim.ranks.STEP])
        for rank, block in enumerate(blocks[:, spikesim.ranks.HEADER :]):
            place = 0
            for step in range(first, first + self.steps):
                for steps, ids, n in self._known:
                    begin, end = np.searchsorted(steps, [step, step + 1])
                    own = ids[begin:end]
                    own = own[(own >= rank * n // self.size) & (own < (rank + 1) * n // self.size)]
                    block[place : place + 2] = own.size, 0
                    block[place + 2 : place + 2 + own.size] = own
                    place += 2 + own.size
        return headers

    def gather(self, pieces: Any) -> None:
        """Leave the neurons of others as they are: this rank never looks at them."""


def alone(size: int, pieces: int, repetitions: int) -> None:
    """Print what one core and what one of several ranks takes for a step, in turns."""
    one, spikes = build("threads:1")
    one.run_steps(PIECE * (BEFORE + pieces))
    world = Replayed(size, spikes)
    backends.world = lambda: world
    backends._shares = lambda: Shares(0, size)
    many, _ = build("mpi")
    spent = {"one": np.zeros((repetitions, pieces)), "rank": np.zeros((repetitions, pieces))}
    run, now = Program.__call__, ("one", 0, -1)

    def timed(program: Program, first: int, steps: int) -> None:
        world.steps = steps
        begun = perf_counter()
        run(program, first, steps)
        name, repetition, piece = now
        if piece >= 0:
            spent[name][repetition, piece] += 1e6 * (perf_counter() - begun) / PIECE

    Program.__call__ = timed  # type: ignore[method-assign]
    for repetition in range(repetitions):
        one.reset()
        many.reset()
        for piece in range(-BEFORE, pieces):
            for name, net in (("one", one), ("rank", many)):
                now = (name, repetition, piece)
                net.run_steps(PIECE)
    Program.__call__ = run  # type: ignore[method-assign]
    whole, share = (spent[name].min(axis=0).mean() for name in ("one", "rank"))
    what = f"{share:.1f} us per step for one of them, {whole:.1f} on one core"
    print(f"{size} ranks: {what}: {whole / share:.2f}", flush=True)


def together(sizes: list[int], repetitions: int, duration: float) -> None:
    """Print how long a run takes with so many ranks, in turns."""
    walls: dict[int, list[float]] = {size: [] for size in sizes}
    found = set()
    for _ in range(repetitions):
        for size in sizes:
            command = [
                shutil.which("mpirun") or "mpirun",
                "-n",
                str(size),
                sys.executable,
                __file__,
            ]
            settings = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
            settings["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
            said = subprocess.run(
                [*command, "--duration", str(duration), "--one-of-them"],
                env={**os.environ, **settings},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            each = json.loads(said.splitlines()[-1])
            walls[size].append(each["wall"])
            found.add(each["spikes"])
            print(f"{size} ranks: {each}", flush=True)
    for size in sizes:
        ratio = median(walls[sizes[0]]) / median(walls[size])
        print(f"{size} ranks: {median(walls[size]):.2f} s, {ratio:.2f} times {sizes[0]}")
    print(f"spikes: {', '.join(map(str, found))}")


def one_of_them(duration: float) -> None:
    """What mpirun starts: rank 0 prints a line."""
    net, spikes = build("mpi")
    net.run(20.0)
    world = backends.world()
    world.waited, begun, computed = 0.0, perf_counter(), process_time()
    net.run(duration)
    if net.rank == 0:
        wall, cpu = perf_counter() - begun, process_time() - computed
        found = {"wall": wall, "cpu": cpu, "exchanging": world.waited}
        count = sum(each.t.size for each in spikes)
        print(
            json.dumps({k: round(x, 3) for k, x in found.items()} | {"spikes": count}), flush=True
        )


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--pieces", type=int, default=60, help="of 1.5 ms")
    parser.add_argument("--together", action="store_true", help="by mpirun")
    parser.add_argument("--repetitions", type=int, default=12)
    parser.add_argument("--duration", type=float, default=500.0, help="ms")
    parser.add_argument("--one-of-them", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one_of_them:
        one_of_them(chosen.duration)
        return
    print(f"{timing.machine()}; load {timing.load_average()}", flush=True)
    if chosen.together:
        together(chosen.ranks, chosen.repetitions, chosen.duration)
        return
    for size in chosen.ranks:
        timing.in_new_process(partial(alone, size, chosen.pieces, chosen.repetitions))


if __name__ == "__main__":
    main()
