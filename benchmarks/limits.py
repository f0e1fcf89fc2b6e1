"""How much time a hand-written C++ program would save: ours, and the same work in `limits/*.cpp`.

    [SPIKESIM_DATA=<folder with mnist/>] python benchmarks/limits.py [--only CUBA ...] [--repeats 9]

The C++ programs do one thing each: they have one population, a single pass over its cells in each
step, and no choice of any kind. They are compiled with ``c++ -O3 -march=native -ffast-math``, and
compute in float32, as ours does. Both begin from the same synapses and variables, and take turns in
one process on one core. Times are those of the processor, as others may use the machine; the ratio
is the median of those of the turns.

CUBA and COBA are those of `networks.py`, with all spikes recorded. *Scatter* only delivers given
spikes: each of their synapses adds its weight to a row of a ring, from which a later step takes it.
*Segregated* trains 784-500-10 online on MNIST, if that is there. Rates, irregularity, sums or
errors stand beside the times, so that nobody is fast by being wrong.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any, NamedTuple

import networks_spikesim
import numpy as np
from networks_shared import (
    COBA_WEIGHTS,
    CUBA_WEIGHTS,
    DT,
    KICK_END,
    WARM_UP,
    Arguments,
    irregularity,
)

from spikesim import Network, Neuron, Variable, datasets
from spikesim.models.segregated import SegregatedDendriteNetwork

SOURCES = Path(__file__).resolve().parent / "limits"
FLAGS = ["-O3", "-march=native", "-ffast-math", "-std=c++17"]
LANES = 16  # cells that C++ advances together, at most


class Turn(NamedTuple):
    """The seconds that both take, and what they did."""

    ours: float
    limit: float
    activity: tuple[str, str] = ("", "")


def timed(work: Callable[[], object]) -> float:
    begun = thread_time()
    work()
    return thread_time() - begun


@contextmanager
def compiled() -> Iterator[Callable[[str], Any]]:
    """A function that compiles a source and returns its function of the same name."""
    compiler = os.environ.get("CXX") or shutil.which("c++")
    if not compiler:
        raise SystemExit("There is no C++ compiler; install one, or name it in CXX.")
    with tempfile.TemporaryDirectory() as folder:

        def function(name: str) -> Any:
            parts = Path(folder, f"{name}.o"), Path(folder, f"{name}.so")
            source = SOURCES / f"{name}.cpp"
            subprocess.run([compiler, *FLAGS, "-fPIC", "-c", source, "-o", parts[0]], check=True)
            # Linked with -ffast-math, it would change how the whole process rounds.
            subprocess.run([compiler, "-shared", parts[0], "-o", parts[1]], check=True)
            return ctypes.CDLL(str(parts[1]))[name]

        yield function


def aligned(values: Any, dtype: Any = np.float32, size: int = 0, fill: float = 0.0) -> np.ndarray:
    """A copy that begins at a multiple of 64 bytes, with `fill` up to a given size."""
    values = np.ravel(np.asarray(values, dtype))
    room = np.empty(64 + max(size, values.size) * values.itemsize, np.uint8)
    begin = -room.ctypes.data % 64
    whole = room[begin : room.size - 64 + begin].view(dtype)
    whole[: values.size] = values
    whole[values.size :] = fill
    return whole


def address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def whole(number: int) -> ctypes.c_int64:
    return ctypes.c_int64(number)


def by_source(n: int, pre: np.ndarray, *columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where the synapses of each of `n` cells begin, and columns of synapses in their order."""
    order = np.argsort(pre, kind="stable")
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(pre, minlength=n), out=start[1:])
    return start, *(column[order] for column in columns)


# ------------------------------------------------------------------------------- CUBA and COBA


class Balanced:
    """One of the networks of Brette et al. (2007), after a warm-up."""

    unit = "s per simulated s"

    def __init__(self, kind: str, function: Any, seconds: float):
        self._function, self.per = function, seconds
        self._steps = round(1000.0 * seconds / DT)
        net = networks_spikesim.build(Arguments(kind, seconds, 1, 1, 0.1, False))
        self._recordings = [net.record_spikes(cells) for cells in net.populations.values()]
        net.run(KICK_END)
        if kind == "COBA":
            for background in net.backgrounds:
                background.rate = 0.0
        net.run(WARM_UP - KICK_END)
        self._net, (self._exc, self._inh) = net, net.populations.values()
        n = self._exc.n + self._inh.n
        size = -(-n // LANES) * LANES
        names = ("v", *(("g_exc", "g_inh") if kind == "COBA" else ("I_exc", "I_inh")), "refractory")
        self._variables = [
            aligned(
                np.concatenate([self._exc.state[name], self._inh.state[name]]),
                size=size,
                fill=1e30 if name == "refractory" else 0.0,  # cells that only fill a vector
            )
            for name in names
        ]
        tables = [
            (p.table(), *(self._exc.n * (cells is self._inh) for cells in (p.pre, p.post)))
            for p in net.projections.values()
        ]
        pre = np.concatenate([table["pre"] + first for table, first, _ in tables])
        post = np.concatenate([table["post"] + first for table, _, first in tables])
        self._synapses = by_source(n, pre, post.astype(np.uint16))
        last = [r.i[r.steps == net.step - 1] for r in self._recordings]
        self._list = np.zeros(size, np.int32)
        self._length = np.array([last[0].size + last[1].size])
        self._list[: self._length[0]] = np.concatenate([last[0], last[1] + self._exc.n])
        weights = COBA_WEIGHTS if kind == "COBA" else CUBA_WEIGHTS
        given = {"weight_exc": weights["exc"], "weight_inh": weights["inh"]}
        own = self._exc.params
        constants = (
            *("rest", "threshold", "V_reset", "refractory_steps", "decay_exc", "decay_inh"),
            *("decay", "from_exc", "from_inh", "dt_by_tau", "E_exc", "E_inh"),
            *given,
        )
        numbers = np.array([given.get(name, own.get(name, 0.0)) for name in constants], np.float32)
        self._most = self._steps * size // 20
        self._spikes = np.zeros(self._most, np.int32), np.zeros(self._most, np.int32)
        self._arguments = [
            *map(whole, (kind == "COBA", self._steps, size, self._exc.n)),
            *map(address, (numbers, *self._variables, *self._synapses, self._list, self._length)),
            *map(address, self._spikes),
        ]
        self._numbers = numbers
        self._function.restype = ctypes.c_int64

    def turn(self) -> Turn:
        """Continue both."""
        ours = timed(lambda: self._net.run(1000.0 * self.per))
        begun = thread_time()
        size = self._function(*self._arguments)
        limit = thread_time() - begun
        steps, cells = (each[:size] for each in self._spikes)
        taken = [recording.take() for recording in self._recordings]
        own = np.concatenate([each.t for each in taken])
        neurons = np.concatenate([taken[0].i, taken[1].i + self._exc.n])
        return Turn(ours, limit, (self._activity(own, neurons), self._activity(steps * DT, cells)))

    def _activity(self, times: np.ndarray, neurons: np.ndarray) -> str:
        rate = times.size / (self._exc.n + self._inh.n) / self.per
        return f"{rate:.2f} Hz, CV {irregularity(times, neurons):.2f}"


# ------------------------------------------------------------------------------------- scatter


def add_up(i, t, s, p):
    """Sum what arrives."""
    s.total[i] = s.total[i] + s.arrived[i]
    s.arrived[i] = 0.0


Sum = Neuron(
    steps=(add_up,),
    variables={"arrived": Variable(0.0, is_target=True), "total": 0.0},
    most_spikes=0,
    name="Sum",
)


class Scatter:
    """Given spikes of `n` cells, each with `outdegree` synapses onto one or more populations."""

    unit = "ns per synaptic event"

    def __init__(self, function: Any, n: int, outdegree: int, populations: int, rows: int):
        self._function = function
        chance = np.random.default_rng(1)
        period = 30 * rows  # steps; the ring is at the same row again after each period
        spikes = np.sort(chance.choice(period * n, period * n // 500, replace=False))
        steps, cells = spikes // n, spikes % n
        net = Network(dt=DT, seed=1)
        source = net.add_spike_trains("source", n, steps * DT, cells, period=period * DT)
        self._targets = [
            net.add_population(f"targets{k}", n // populations, Sum) for k in range(populations)
        ]
        for targets in self._targets:
            net.connect(
                source,
                targets,
                target="arrived",
                outdegree=outdegree // populations,
                weight=lambda chance, size: chance.uniform(0.0, 1.0, size),
                delay=lambda chance, size: DT * chance.integers(1, rows, size),
            )
        tables = [projection.table() for projection in net.projections.values()]
        self._synapses = by_source(
            n,
            np.concatenate([table["pre"] for table in tables]),
            np.concatenate(
                [table["post"] + k * (n // populations) for k, table in enumerate(tables)]
            ).astype(np.uint16),
            np.concatenate([np.round(table["delay"] / DT) for table in tables]).astype(np.uint8),
            np.concatenate([table["weight"] for table in tables]),
        )
        self._first = np.searchsorted(steps, np.arange(period + 1))
        self._spikes = cells.astype(np.int32)
        self._ring, self._sums = aligned(np.zeros(rows * n)), aligned(np.zeros(n))
        self._net, self._period = net, period
        self.per = cells.size * outdegree * 1e-9
        self._arguments = [
            *map(whole, (period, n, rows)),
            *map(address, (*self._synapses, self._first, self._spikes, self._ring, self._sums)),
        ]
        self.turn()

    def turn(self) -> Turn:
        """Deliver the spikes of a period once more."""
        before = self._total(), float(self._sums.sum(dtype=np.float64))
        ours = timed(lambda: self._net.run_steps(self._period))
        limit = timed(lambda: self._function(*self._arguments))
        added = self._total() - before[0], float(self._sums.sum(dtype=np.float64)) - before[1]
        return Turn(ours, limit, (f"sum {added[0]:.4g}", f"sum {added[1]:.4g}"))

    def _total(self) -> float:
        return sum(float(cells.total.sum(dtype=np.float64)) for cells in self._targets)


# ---------------------------------------------------------------------------------- segregated


class Segregated:
    """Segregated dendrites that learn MNIST online."""

    unit = "ms per image"

    def __init__(self, function: Any, examples: int):
        self._function, self._examples, self.per = function, examples, 1e-3 * examples
        mnist = datasets.load_mnist()
        self._images, self._labels = mnist.train_images.reshape(-1, 784), mnist.train_labels
        self._net = SegregatedDendriteNetwork((784, 500, 10), eta=0.21, seed=1)
        layers = zip(self._net.W, self._net.b, (512, 16), strict=True)  # filled up to whole vectors
        self._weights = [
            aligned(np.pad(np.atleast_2d(array), ((0, 0), (0, width - array.shape[-1]))))
            for W, b, width in layers
            for array in (W, b)
        ]
        self._weights.append(aligned(np.pad(self._net.B[0], ((0, 0), (0, 12)))))
        self._chance, self._shown = np.random.default_rng(1), 0
        self._function.restype = ctypes.c_int64
        self.turn()

    def turn(self) -> Turn:
        """Train both with the next images."""
        shown = slice(self._shown, self._shown + self._examples)
        self._shown += self._examples
        images = np.ascontiguousarray(self._images[shown])
        labels = self._labels[shown].astype(np.uint8)
        ours = timed(lambda: self._net.fit(images, labels, epochs=1))
        wald = self._chance.wald(2.0, 1.0, (self._examples, 2))
        lengths = 50 + np.floor(wald).astype(np.int64)
        arrays = images, labels, lengths, *self._weights
        begun = thread_time()
        right = self._function(whole(self._examples), *map(address, arrays))
        limit = thread_time() - begun
        wrong = self._net.history["training_error"][-1], 100.0 * (1.0 - right / self._examples)
        return Turn(ours, limit, tuple(f"{each:.1f} % wrong, online" for each in wrong))


# ---------------------------------------------------------------------------------- the table

CASES: dict[str, tuple[str, Callable[..., Any]]] = {
    "CUBA": ("balanced", lambda function: Balanced("CUBA", function, 1.0)),
    "COBA": ("balanced", lambda function: Balanced("COBA", function, 0.5)),
    "scatter, 8,000 x 500": ("scatter", lambda f: Scatter(f, 8_000, 500, 1, rows=64)),
    "the same, onto 8 populations": ("scatter", lambda f: Scatter(f, 8_000, 500, 8, rows=64)),
    "scatter, 40,000 x 250": ("scatter", lambda f: Scatter(f, 40_000, 250, 1, rows=64)),
    "segregated": ("segregated", lambda function: Segregated(function, 1000)),
}


def print_case(name: str, case: Any, repeats: int) -> None:
    """Let both take turns; print a line of the table, and what they did."""
    turns = [case.turn() for _ in range(repeats)]
    ours, limit = ([turn[k] / case.per for turn in turns] for k in (0, 1))
    ratios = [turn.ours / turn.limit for turn in turns]
    print(
        f"{name:30}{median(ours):9.4g}{min(ours):9.4g}{median(limit):9.4g}{min(limit):9.4g}"
        f"{median(ratios):8.2f}{min(ours) / min(limit):8.2f}  {case.unit}"
    )
    both = zip(("ours", "C++"), turns[-1].activity, strict=True)
    print(f"{'':30}" + "; ".join(f"{who}: {did}" for who, did in both), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases that begin so")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--core", type=int, default=0, help="the core that both run on")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [chosen.core])
    print(f"{timing.machine()}; {chosen.repeats} turns; load {timing.load_average()}")
    print(f"{'':30}{'ours':>18}{'C++':>18}{'ours / C++':>16}")
    print(f"{'':30}" + 2 * f"{'median':>9}{'best':>9}" + f"{'median':>8}{'best':>8}")
    with compiled() as function:
        for name, (source, make) in CASES.items():
            if not chosen.only or name.startswith(tuple(chosen.only)):
                print_case(name, make(function(source)), chosen.repeats)
    print(f"load at the end: {timing.load_average()}")


if __name__ == "__main__":
    main()
