"""In which step a number became NaN: a stretch of steps is run again from where it began.

A network looks for NaN once in a stretch, as a look costs more than a step. As a run gives the same
bits each time, the step can be found afterwards, by halves, from a copy of all that a run changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from spikesim.kernels.machine.program import Program, together

__all__ = ["Stretch"]

Found = TypeVar("Found")

LEAST = 100  # steps: of fewer, who is told between which two a number became NaN knows enough
_MOST = 1 << 22  # bytes: a copy of more would take a noticeable part of a run


class Begun(Protocol):
    """What is told where a stretch of steps begins, as a recording is."""

    def begin(self, step: int) -> None:
        """Start it with an empty buffer."""


class Stretch:
    """Steps that are about to be run.

    Parameters
    ----------
    program : Program
    first, steps : int
        The number of the first step, and how many there are.
    arrays : callable
        Returns all that the run changes, but for recordings: owner → name → array.
    recordings : sequence
        Their buffers are begun anew each time.
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
        """After how many steps `look` found something for the first time, and what it found then.

        It is known to find something after the last step; None if there is no copy to begin with.
        The arrays are left as they were after the last step.
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
