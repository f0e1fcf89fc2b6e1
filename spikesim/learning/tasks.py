"""Tasks for models that learn patterns in time, and when they are tested.

A `Task` says what the network sees, what it is to learn, for how long, and of what size it is.
``net.train(task)`` learns the task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array
from spikesim.engine.synapses import varies
from spikesim.learning.windows import Windows
from spikesim.spike_pattern import SpikePattern

__all__ = ["Task", "next_test"]

_NEVER_TRAINED = 10**9  # the first of the blocks that are used for tests only


class Task(NamedTuple):
    """What a network is to learn.

    Attributes
    ----------
    sizes : tuple of int
        The layers of a network that suits the task.
    trials : callable
        ``trials(block)`` returns the input and the target of a block; if the pattern is frozen, it
        returns the same for all blocks.
    blocks : int
        The number of blocks that is enough to learn the task.
    block : float
        Length of a block in ms.
    parameters : dict
        The parameters of the network that differ from the defaults.
    frozen : bool
        Whether the pattern is the same in all blocks.

    Examples
    --------
    >>> from spikesim.models.superspike import tasks
    >>> task = tasks.spikes()
    >>> task.sizes, task.frozen
    ((100, 1), True)
    """

    sizes: tuple[int, ...]
    trials: Callable[[int], tuple[SpikePattern, SpikePattern | Windows]]
    blocks: int
    block: float
    parameters: dict[str, Any]
    frozen: bool = True

    def untrained(self, k: int = 0) -> tuple[SpikePattern, SpikePattern | Windows]:
        """The k-th block of trials that training never shows, unless the pattern is frozen."""
        return self.trials(_NEVER_TRAINED + k)


def next_test(block: int, blocks: int) -> int:
    """The block after which the next test comes: 1, 2, 5, 10, 20, 50, ..., and the last block.

    Parameters
    ----------
    block : int
        How many blocks were learned.
    blocks : int
        How many there are in all.

    Returns
    -------
    int

    Examples
    --------
    >>> [next_test(block, 30) for block in (0, 1, 2, 5, 20)]
    [1, 2, 5, 10, 30]
    """
    decade = 1
    while True:
        for step in (1, 2, 5):
            if step * decade > block:
                return min(step * decade, blocks)
        decade *= 10


def rates_of_blocks(given: Any, blocks: int, default: float, dtype: str) -> np.ndarray:
    """The learning rate of each block: the given one, or one for each, or the default."""
    rates = np.full(blocks, float(default))
    if given is not None:
        shape = (blocks,) if varies("learning_rate", given) else ()
        most = float(np.finfo(dtype).max)
        rates[:] = check_array("learning_rate", given, shape=shape, at_least=0.0, at_most=most)
    return rates
