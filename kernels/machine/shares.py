"""The backend for one process of several, each of which advances a share of the neurons.

    each(t, s, p):  of a Phase over `neurons`, this process's share of the indices; else all of them

Processes have no memory in common, so none waits for another within a program. Between programs
`spikesim.engine.ranks` exchanges spikes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from spikesim.kernels.machine.jobs import array_record
from spikesim.kernels.machine.native import Native, Work
from spikesim.kernels.machine.program import Source
from spikesim.kernels.machine.threads import Threads

__all__ = ["Shares"]


class Shares(Threads):
    """The backend; does for `Program` what the module `cpu` does.

    Parameters
    ----------
    share, shares : int
        The number of this process, and how many there are.
    """

    STAGES = False
    KINDS = "share", "core"

    def __init__(self, share: int, shares: int):
        super().__init__(shares)
        self.share, self.shares = share, shares
        self._barrier = np.zeros(1, np.int64)  # part of the record, though nobody meets
        self._record = np.array([share, shares, *array_record(self._barrier)], np.int64)

    def build(self, source: Source, names: dict[str, Any], key: str) -> Native:
        """Make the object that runs calls of a program."""
        return Native(source, names, self._run, meets=False)

    def _run(self, work: Callable[[bool], Work], first: int, steps: int) -> None:
        work(False)(first, steps, self._record.ctypes.data)

    def of(self, n: int) -> list[slice]:
        """Which of `n` neurons each process advances: as `spikesim.kernels.machine.meeting.take`.

        Examples
        --------
        >>> Shares(0, 3).of(7)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
        """
        ends = [k * n // self.shares for k in range(self.shares + 1)]
        return [slice(first, last) for first, last in pairwise(ends)]
