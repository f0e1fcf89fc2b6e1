"""Keys for the bodies that draw random numbers: seed, stream and step, as an array of the state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikesim.kernels.draws import KEY, keys, tick
from spikesim.kernels.machine.drawing import check_draws, draws
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import State

__all__ = ["FIRST", "LAST", "Keys", "of_population"]

DRAWN = 1 << 27
"""Random numbers that bodies draw for themselves come from streams from here on."""

FIRST, LAST = 0, 1
"""Whose streams they are: those of Phases that come first in a step, or last."""


def of_population(number: int) -> int:
    """Whose streams those of the population with this number are."""
    return 2 + number


class Keys:
    """Gives keys to the Phases of one program.

    A stream is a number for the owner and one for each of its bodies that draw, in their order:
    what is added to a network later changes no number of what was there before.

    Parameters
    ----------
    noise : dict of str to int
        The words of the seed, as `Setting.noise` has them.
    """

    def __init__(self, noise: dict[str, int]):
        self._noise = noise
        self._streams: list[int] = []
        self._given: list[tuple[State, int]] = []

    def given(self, phases: Sequence[Phase], owner: int) -> list[Phase]:
        """The same Phases, those that draw with a key.

        Raises
        ------
        LoweringError
            If a body would draw the same number twice.
        """
        found, number = [], 0
        for phase in phases:
            if draws(phase.body):
                check_draws(phase.body)
                state = State(phase.state)
                self._given.append((state, len(self._streams)))
                self._streams.append(DRAWN + (number << 16) + owner)
                number += 1
                phase = phase._replace(state=state)
            found.append(phase)
        return found

    def phases(self) -> list[Phase]:
        """The Phase, first in a step, that writes step and seed into all keys."""
        if not self._streams:
            return []
        rows = np.zeros((len(self._streams), 4), np.int64)
        rows[:, 1] = self._streams
        for state, row in self._given:
            state[KEY] = rows[row]
        return [Phase(tick, keys, {"keys": rows}, self._noise)]
