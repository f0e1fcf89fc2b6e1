"""How many cores there are for this process, and how many threads it may have work."""

from __future__ import annotations

import os

__all__ = ["cores", "workers"]


def cores() -> int:
    """How many cores this process may use.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers() -> int:
    """How many threads or processes may build and compile; Numba may have been told fewer.

    A sweep tells the processes that it starts, one for each core, to have one thread each.
    """
    most = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(cores(), int(most)) if most.isdecimal() and int(most) else cores()
