"""Making lists of spikes, reading them, and finding places in lists in ascending order.

For some of these loops a CPU has code of its own. It does the same in the same order, so results
have the same bits: see `spikesim.kernels.machine.appending`, `adding` and `searching`.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "MANY",
    "WINDOW",
    "add_rows",
    "any_set",
    "append_set",
    "count_below",
    "expected",
    "find",
    "find_near",
    "whole_eights",
]

MANY = 64
"""Of so many flags, `any_set` looks whether one is set."""

WINDOW = 128
"""Of so many numbers, `count_below` tells how many are below another."""


def whole_eights(n):
    """n, or the next multiple of eight: so many flags `append_set` can look at."""
    return (n + 7) // 8 * 8


def any_set(flags, first):
    """Whether any of `MANY` flags from the first on is not 0: 1 or 0.

    Parameters
    ----------
    flags : numpy.ndarray of int, shape (n,)
    first : int
    """
    together = 0
    for k in range(MANY):
        together |= flags[first + k]
    return 1 if together != 0 else 0


def append_set(ids, row, end, flags, first):
    """Append to a list which of eight flags are not 0; return how many.

    Parameters
    ----------
    ids : numpy.ndarray of int32, shape (lists, entries)
        ``ids[row]`` is the list. It has room for eight entries from `end` on, and those to which
        nothing is appended become `first`.
    row, end : int
        Which list, and its length before.
    flags : numpy.ndarray of int, shape (n,)
    first : int
        The first of the eight flags. The k-th of them is listed as ``first + k``.
    """
    found = 0
    for k in range(8):
        ids[row, end + k] = first
    for k in range(8):
        if flags[first + k] != 0:
            ids[row, end + found] = first + k
            found += 1
    return found


def add_rows(out, row, W, ids, listed, n, first, last):
    """``out[row, first:last]`` += the rows ``ids[listed, :n]`` of W, one after another.

    Eight are added in one pass, which makes no difference to sums of the type of the weights.
    """
    eights = n - n % 8
    for k in range(0, eights, 8):
        i0 = ids[listed, k]
        i1 = ids[listed, k + 1]
        i2 = ids[listed, k + 2]
        i3 = ids[listed, k + 3]
        i4 = ids[listed, k + 4]
        i5 = ids[listed, k + 5]
        i6 = ids[listed, k + 6]
        i7 = ids[listed, k + 7]
        for j in range(first, last):
            x = out[row, j] + W[i0, j] + W[i1, j] + W[i2, j] + W[i3, j]
            out[row, j] = x + W[i4, j] + W[i5, j] + W[i6, j] + W[i7, j]
    for k in range(eights, n):
        i0 = ids[listed, k]
        for j in range(first, last):
            out[row, j] = out[row, j] + W[i0, j]


def count_below(ascending, first, value):
    """How many of `WINDOW` numbers from the first on are below a value of their type.

    Parameters
    ----------
    ascending : numpy.ndarray of int, shape (n,)
    first : int
    value : int
    """
    return find(ascending, first, first + WINDOW, value) - first


def find(ascending, low, high, value):
    """The first place in ``ascending[low:high]`` whose entry is not below `value`, or `high`."""
    while low < high:
        middle = (low + high) >> 1
        below = ascending[middle] < value
        low = middle + 1 if below else low
        high = high if below else middle
    return low


def find_near(ascending, low, high, value, n):
    """As `find`; the search begins where the value would be, were all values below n as frequent.

    The numbers there have been asked for by `fetch_row`. Those halfway, with which `find` begins,
    would have to be waited for.
    """
    if high - low < WINDOW:
        return find(ascending, low, high, value)
    begin = max(low, min(expected(low, high, value, n) - WINDOW // 2, high - WINDOW))
    below = count_below(ascending, begin, value)
    if below == 0:
        return find(ascending, low, begin, value)
    if below == WINDOW:
        return find(ascending, begin + WINDOW, high, value)
    return begin + below


def expected(low, high, value, n):
    """Where a value below n is in ``ascending[low:high]`` if all are as frequent."""
    return low + (high - low) * np.int64(value) // n
