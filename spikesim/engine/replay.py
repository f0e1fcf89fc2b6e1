"""Finds the step in which a number became NaN, by running a stretch of steps again.

A network looks for NaN only once in a stretch, as a look costs more than a step. As a run gives the
same bits each time, bisection finds the step afterwards, from a copy of everything that a run
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from spikesim.kernels.machine.program import Program, together

__all__ = ["Stretch"]

Found = TypeVar("Found")

LEAST = 100  # steps: a shorter stretch tells well enough when a number became NaN
_MOST = 1 << 22  # bytes: copying more would take a noticeable part of a run


class Begun(Protocol):
    """An object that is told where a stretch of steps begins, like a recording."""

    def begin(self, step: int) -> None:
        """Start it with an empty buffer."""


class Stretch:
    """Steps that are about to be run.

    Parameters
    ----------
    program : Program
    first, steps : int
        The number of the first step, and the number of steps.
    arrays : callable
        Returns everything that the run changes, except recordings: owner → name → array.
    recordings : sequence
        Their buffers start empty each time.
    """

    def __init__(
        self,
        program: Program,
        first: int,
        steps: int,
        arrays: Callable[[], dict[str, dict[str, np.ndarray]]],
        recordings: Sequence[Begun],
    ):
        self.first, self.steps = first, steps
        self._program = program
        self._recordings = recordings
        self._copies: list[tuple[np.ndarray, np.ndarray]] = []
        if steps >= LEAST and together.get() is None:
            changing = [array for owned in arrays().values() for array in owned.values()]
            if sum(array.nbytes for array in changing) <= _MOST:
                self._copies = [(array, array.copy()) for array in changing]

    def find(self, look: Callable[[], Found | None]) -> tuple[int, Found] | None:
        """The number of steps after which `look` first finds something, and what it finds then.

        The caller knows that it finds something after the last step. The result is None if there is
        no copy to begin with. Afterwards the arrays are as they were after the last step.
        """
        if not self._copies:
            return None
        not_yet, already = -1, self.steps
        while already - not_yet > 1:
            middle = (not_yet + already) // 2
            if self._again(middle, look) is None:
                not_yet = middle
            else:
                already = middle
        found = self._again(already, look)
        self._program(self.first + already, self.steps - already)
        return None if found is None else (already, found)

    def _again(self, steps: int, look: Callable[[], Found | None]) -> Found | None:
        for array, copy in self._copies:
            array[...] = copy
        for recording in self._recordings:
            recording.begin(self.first)
        self._program(self.first, steps)
        return look()
