"""The backend for one network on several cores: every thread runs the loop over time.

    each(t, s, p):  every thread takes its share of the indices, then all meet

Bodies are the same as on one core, and give the same bits: no two indices touch the same number
(see `spikesim.kernels.machine.program.Phase`). A meeting takes about 0.1 us if every thread has its
own core, and most Phases have two, so threads pay for networks whose step takes tens of
microseconds. For many small networks see `spikesim.Replicas`.

If a thread fails, as it may under NUMBA_BOUNDSCHECK, the others stop where they wait for it. Ctrl-C
takes effect at the end of a stretch of steps, as on one core.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from spikesim.kernels.machine import cpu
from spikesim.kernels.machine.jobs import STOPPED, Loop, Stopped, array_record
from spikesim.kernels.machine.lowering import Lowering
from spikesim.kernels.machine.native import Native
from spikesim.kernels.machine.program import Source

__all__ = ["Threads"]


class Threads:
    """The backend; does for `Program` what the module `cpu` does.

    Parameters
    ----------
    threads : int
    """

    FAILURES = cpu.FAILURES
    JOINS = True

    def __init__(self, threads: int):
        self.PARTS = self.threads = threads

    def lowering(self, dtype: str) -> Lowering:
        """Lowering to functions that can be compiled."""
        return cpu.lowering(dtype)

    def each(
        self, lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
    ) -> tuple[Loop, str]:
        """The loop over one Phase, which the program uses `times` times, and its hash."""
        loop, digest = cpu.each(lower, body, over, times, meets)
        return loop._replace(kind="meeting" if meets else "neurons"), digest

    def build(self, source: Source, names: dict[str, Any], key: str) -> Native:
        """Make the object that runs calls of a program."""
        return Native(source, names, self._spread)

    def _spread(self, work: Callable[[int], None]) -> None:
        barrier = np.zeros(48, np.int64)
        failures: list[BaseException] = []

        def take_part(lane: int) -> None:
            record = np.array([lane, self.threads, *array_record(barrier)], np.int64)
            try:
                if barrier[STOPPED] == 0:
                    work(record.ctypes.data)
            except BaseException as error:
                barrier[STOPPED] = 1  # comes first, as Ctrl-C may interrupt the rest
                failures.append(error)

        lanes = range(1, self.threads)
        others = [threading.Thread(target=take_part, args=(lane,)) for lane in lanes]
        try:
            for thread in others:
                thread.start()
            take_part(0)
        except BaseException as error:
            barrier[STOPPED] = 1
            failures.append(error)
        _join(others, failures)
        causes = [error for error in failures if not isinstance(error, Stopped)]
        if causes:
            raise causes[0]


def _join(threads: list[threading.Thread], failures: list[BaseException]) -> None:
    """Wait for all threads, even after Ctrl-C: none may still write when the caller has control."""
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                failures.append(error)
