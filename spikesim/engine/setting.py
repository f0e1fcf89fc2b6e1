"""The settings of a network that its parts need."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.checks import check_choice, check_integer, check_number
from spikesim.copying import Whole
from spikesim.kernels.chance import seed_words

__all__ = ["Setting"]


class Setting(Whole):
    """The length of a step, the seed, the type of numbers and the time; a `Network` is one.

    Parameters
    ----------
    dt : float
        In ms.
    seed : int
    dtype : {'float32', 'float64'}

    Examples
    --------
    >>> from spikesim import LIF
    >>> from spikesim.engine.population import Population
    >>> Population(Setting(dt=1.0), "cells", 3, LIF, {})
    <Population 'cells': 3 neurons with v, drive, refractory, spike>
    """

    def __init__(self, dt: float = 0.1, seed: int = 0, dtype: str = "float32"):
        self.dt = check_number("dt", dt, above=0.0, at_least=1e-9, at_most=1e9, unit="ms")
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**64 - 1)
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self._ranks: Any = None  # what a network on several ranks does otherwise
        self._step = 0
        self._noise_seed = self.seed
        self._noise = seed_words(self.seed)

    @property
    def noise_seed(self) -> int:
        """The seed of all that is drawn in the course of a run; `seed` until `Network.reset`."""
        return self._noise_seed

    @property
    def noise(self) -> dict[str, int]:
        """`noise_seed` as bodies read it: a dict that stays the same one, for a `ChainMap`."""
        return self._noise

    def _draw_noise_from(self, seed: int) -> None:
        self._noise_seed = seed
        self._noise.update(seed_words(seed))

    @property
    def step(self) -> int:
        """The number of the next step."""
        return self._step

    @property
    def time(self) -> float:
        """The time of the next step, in ms."""
        return self.step * self.dt

    @property
    def rank(self) -> int:
        """The number of this process among those that run one network, by ``backend="mpi"``.

        0 on all other backends, so that ``if net.rank == 0: print(...)`` prints once anywhere.
        """
        return 0 if self._ranks is None else int(self._ranks.rank)

    def meet(self, action: str) -> None:
        """Wait until all ranks have done the same."""
        if self._ranks is not None:
            self._ranks.world.meet(action, self.step)

    def is_driven(self, population: Any, array: np.ndarray) -> bool:
        """Whether others than a population's own neurons may write to one of its arrays."""
        return False
