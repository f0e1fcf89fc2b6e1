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
"""The first of the streams for random numbers that bodies draw themselves."""

FIRST, LAST = 0, 1
"""The owners of the streams of Phases that come first, or last, in a step."""


def of_population(number: int) -> int:
    """The owner of the streams of the population with this number."""
    return 2 + number


class Keys:
    """Gives keys to the Phases of one program.

    A stream combines a number for the owner and one for each of its bodies that draw, in order.
    Adding parts to a network later therefore changes no random number of earlier parts.

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
        """The same Phases; those that draw have a key.

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
        """The Phase, first in a step, that writes the step and the seed into all keys."""
        if not self._streams:
            return []
        rows = np.zeros((len(self._streams), 4), np.int64)
        rows[:, 1] = self._streams
        for state, row in self._given:
            state[KEY] = rows[row]
        return [Phase(tick, keys, {"keys": rows}, self._noise)]
