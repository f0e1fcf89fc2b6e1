"""The synapses that `spikesim.engine.connectivity` draws, made by compiled code: for large numbers.

The draws are the same, in the same order: those of one generator, one after the other. What comes
after them, rows in order and rows of presynaptic neurons, is done on all cores.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from spikesim.kernels import connecting
from spikesim.kernels.machine.cores import workers
from spikesim.kernels.machine.helpers import Helper, Source

__all__ = ["MANY", "at_once", "bounded", "can_draw_binomial", "choose", "order", "turn"]

MANY = 1 << 21
"""From so many synapses on, compiled code saves more than the second that compiling it may take."""

SEVERAL = 1 << 17  # synapses, from which on several threads make them
PIECE = 1 << 20  # synapses that are drawn between two moments at which Ctrl-C may come

_CHOOSE, _ORDER = Helper(connecting.choose), Helper(connecting.order)
_COUNT, _TURN = Helper(connecting.count), Helper(connecting.turn)


def can_draw_binomial(chance: np.random.Generator) -> bool:
    """Whether compiled code can draw binomial numbers as NumPy does."""
    return bool(Source(chance).addresses["draw_binomial"])


def choose(
    shape: tuple[int, int],
    chance: np.random.Generator,
    exclude: bool,
    kind: Any,
    *,
    size: int = 0,
    probability: float = -1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `size` different targets, or of each target with a `probability`."""
    rows, n = shape[0], shape[1] - exclude
    source = Source(chance)
    expected = rows * (float(size) if probability < 0.0 else n * probability)
    start = np.zeros(rows + 1, np.int64)
    target = np.empty(int(expected if probability < 0.0 else expected + expected**0.5), kind)
    arrays = {
        "start": start,
        "done": np.array([0, -1]),
        "numbers": np.arange(n, dtype=np.uint32),
        **_bits(n),
    }
    numbers = {"last": rows, "n": n, "size": size, "probability": probability}
    numbers |= {"exclude": int(exclude), **source.addresses}
    done = arrays["done"]
    with chance.bit_generator.lock:
        while done[0] < rows:
            row = done[0]
            _CHOOSE({**arrays, "target": target[: start[row] + max(PIECE, n)]}, numbers)
            if done[0] == row:  # more synapses than expected
                target.resize(target.size + n + target.size // 100, refcheck=False)
    target.resize(start[-1], refcheck=False)
    return start, target


def bounded(n: int, size: int, chance: np.random.Generator, kind: Any) -> np.ndarray:
    """Whole numbers below `n`: those that ``chance.integers(0, n, size)`` gives, in less memory."""
    drawn = np.empty(size, kind)
    for first in range(0, size, PIECE):
        piece = drawn[first : first + PIECE]
        piece[:] = chance.integers(0, n, piece.size, dtype=np.uint32)
    return drawn


def order(start: np.ndarray, target: np.ndarray, n: int, exclude: bool) -> None:
    """Put each row in order; with `exclude`, numbers stand for all targets but the row's own."""

    def part(first: int, last: int) -> None:
        scratch = {**_bits(n), "again": _bits(n)["bits"], "more": np.zeros(n, np.uint32)}
        numbers = {"first": first, "last": last, "n": n, "exclude": int(exclude)}
        _ORDER({"start": start, "target": target, **scratch}, numbers)

    equal = np.linspace(0, target.size, 4 * workers() + 1)[1:-1]
    _in_parts(part, [0, *np.searchsorted(start, equal).tolist(), len(start) - 1])


def turn(sources: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of presynaptic neurons, from rows of as many sources for each target."""
    n_pre, n_post = shape
    # Each thread has places of its own for all rows; they take at most two bytes for a synapse.
    lanes = max(1, min(workers(), n_post, sources.size // (4 * n_pre)))
    places = np.zeros((lanes, n_pre), np.int64)
    ends = [n_post * lane // lanes for lane in range(lanes + 1)]
    target = np.empty(sources.size, np.uint16 if n_post <= 1 << 16 else np.uint32)
    arrays = {"source": sources, "next": places}
    size = sources.size // n_post

    def part(helper: Helper, first: int, last: int, **more: np.ndarray) -> None:
        numbers = {"lane": ends.index(first), "first": first, "last": last, "size": size}
        helper({**arrays, **more}, numbers)

    _in_parts(partial(part, _COUNT), ends)
    counts = places.sum(axis=0)
    start = np.concatenate([[0], np.cumsum(counts)])
    before = start[:-1].copy()
    for lane in places:
        lane[:], before = before, before + lane
    _in_parts(partial(part, _TURN, target=target), ends)
    return start, target


def at_once(works: list[Callable[[], Any]], size: int) -> list[Any]:
    """The results of works on `size` synapses each; this thread does the first one.

    Other threads do the rest, if there may be any, and if they would not take longer to begin.
    """
    if workers() == 1 or size < SEVERAL:
        return [work() for work in works]
    with ThreadPoolExecutor(len(works) - 1) as pool:
        others = [pool.submit(work) for work in works[1:]]
        return [works[0](), *(each.result() for each in others)]


def _bits(n: int) -> dict[str, np.ndarray]:
    """Bits of so many neurons, and of blocks of 64 of them."""
    words = n // 64 + 1
    return {"bits": np.zeros(words, np.int64), "blocks": np.zeros(words // 64 + 1, np.int64)}


def _in_parts(part: Callable[[int, int], None], ends: list[int]) -> None:
    """Call ``part(first, last)`` for each two ends that differ, on all cores."""
    parts = [pair for pair in pairwise(ends) if pair[0] < pair[1]]
    part(*parts.pop())  # it compiles, if need be, what the others use
    with ThreadPoolExecutor(workers()) as pool:
        for each in [pool.submit(part, *pair) for pair in parts]:
            each.result()
