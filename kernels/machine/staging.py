"""Which Phases threads may run without a meeting between them: the stages of a step.

A Phase belongs to the stage after the last one in which a Phase before it touches what it writes,
or writes what it touches. Phases of one stage have nothing to do with each other, whatever their
order was, so threads meet once for each stage. In a network of eight populations, for example, all
deliveries are one stage, and all lists of spikes are another.

The byte code tells what a Phase touches; see `spikesim.kernels.machine.touching`. Where it does not
tell, the Phase is a stage of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from spikesim.kernels.machine.touching import Touched, touched

if TYPE_CHECKING:
    from spikesim.kernels.machine.program import Phase

__all__ = ["Stages", "pieces", "stages"]


class Stages(NamedTuple):
    """The stages of a step.

    Attributes
    ----------
    phases : list of list of int
        The Phases of each stage, in their order.
    wary : frozenset of int
        The Phases that may write what their own `over` reads: no thread may run the body before all
        have called `over`.
    """

    phases: list[list[int]]
    wary: frozenset[int]


class _Access(NamedTuple):
    """The pieces of memory that a Phase touches."""

    read: set[int]
    written: set[int]
    is_wary: bool


def pieces(arrays: Sequence[np.ndarray]) -> list[int]:
    """The number of the piece of memory of each array: arrays that overlap are of one piece.

    Examples
    --------
    >>> v, w = np.zeros(8), np.zeros(8)
    >>> pieces([v[:5], w, v[4:]])
    [0, 1, 0]
    """
    numbers: dict[int, int] = {}
    end, piece = 0, -1
    for (first, last), k in sorted((byte_bounds(array), k) for k, array in enumerate(arrays)):
        piece += first >= end
        end = max(end, last)
        numbers[k] = piece
    names: dict[int, int] = {}
    return [names.setdefault(numbers[k], len(names)) for k in range(len(arrays))]


def stages(phases: Sequence[Phase], places: Sequence[Sequence[int]]) -> Stages:
    """The stages of a step.

    Parameters
    ----------
    phases : sequence of Phase
        Consecutive ones with the same `neurons` may share a stage, even if they touch the same
        arrays.
    places : sequence of sequence of int
        Per Phase, the piece of memory of each array of its state.
    """
    told = cache(touched)  # for now: what a function calls may be defined anew
    found: list[list[int]] = []
    wary = set()
    readers: dict[int, dict[int, int]] = {}  # piece: row of Phases with the same neurons: stage
    writers: dict[int, dict[int, int]] = {}
    least = row = 0
    for k, phase in enumerate(phases):
        if k > 0 and (phase.neurons is None or phase.neurons is not phases[k - 1].neurons):
            row = k
        access = _access(phase, places[k], told)
        if access is None:
            stage = len(found)
            least = stage + 1
            wary.add(k)
        else:
            before = [writers.get(piece, {}) for piece in access.read | access.written]
            before += [readers.get(piece, {}) for piece in access.written]
            after = [at + (other != row) for each in before for other, at in each.items()]
            stage = max([least, *after])
            for touching, those in ((readers, access.read), (writers, access.written)):
                for piece in those:
                    of_rows = touching.setdefault(piece, {})
                    of_rows[row] = max(stage, of_rows.get(row, 0))
            if access.is_wary and phase.neurons is None:
                wary.add(k)
        if stage == len(found):
            found.append([])
        found[stage].append(k)
    return Stages(found, frozenset(wary))


def _access(
    phase: Phase, places: Sequence[int], told: Callable[[Any, int], Touched | None]
) -> _Access | None:
    body, over = told(phase.body, 2), told(phase.over, 1)
    if body is None or over is None:
        return None
    place = dict(zip(phase.state, places, strict=True))

    def pieces_of(names: Iterable[str]) -> set[int]:
        return {place[name] for name in names}

    written = pieces_of(body.written)
    asked = pieces_of((over.read | over.written).difference(phase.earlier))
    read = pieces_of(body.read.difference(phase.earlier)) | asked
    return _Access(read - written, written, not asked.isdisjoint(written))
