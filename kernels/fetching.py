"""The synapses of a spike are asked for in advance, as a core would mostly wait for them.

They are mostly larger than its caches, and what a spike needs of them lies wherever it lies. So
they are asked for `ROWS_AHEAD` spikes before its turn, which may be in the step before, as its
arrival is known by then. That changes no number; plain Python and GPUs do without it (`LEFT_OUT`).
"""

from __future__ import annotations

from collections.abc import Callable

from spikesim.kernels.functions import prefetch
from spikesim.kernels.lists import WINDOW, expected

__all__ = ["LEFT_OUT", "ROWS_AHEAD", "fetch_delay", "fetch_delays", "fetch_row", "fetch_rows"]

ROWS_AHEAD = 8
"""How many spikes before its turn the synapses of a spike are asked for."""

LONG, LONGEST = 128, 1024
"""Of rows with more synapses, more is asked for, up to so many: the processor sees too late that
they go on.
"""


def fetch_rows(s, slot, first, last, p):
    """Ask for the synapses of the first spikes listed in `slot`; see `fetch_row`."""
    for a in range(ROWS_AHEAD):
        fetch_row(s, slot, a, first, last, p)


def fetch_row(s, slot, a, first, last, p):
    """Ask for the synapses of spike `a` in `slot`, if there is one, onto `first` to `last - 1`."""
    if a >= s.count[slot]:
        return
    i = s.ids[slot, a]
    e, end = nearly(s, i, first, last)
    n = usual(s, p)
    fetch(s.target, e, n, 32, 4)
    if p.each > 0:
        fetch(s.weight, e, n, 16, 8)
    for k in range(e + LONG, min(end, e + LONGEST), 32):
        prefetch(s.target, k)


def fetch_delays(s, slot, first, last, p):
    """Ask for the delays of the first spikes listed in `slot`."""
    for a in range(ROWS_AHEAD):
        fetch_delay(s, slot, a, first, last, p)


def fetch_delay(s, slot, a, first, last, p):
    """Ask for the delays of the same synapses."""
    if a >= s.count[slot]:
        return
    e, _ = nearly(s, s.ids[slot, a], first, last)
    fetch(s.later, e, usual(s, p), 64, 2)


def usual(s, p):
    """How many synapses of a row are onto a block of targets, on average."""
    return s.target.shape[0] // ((s.start.shape[0] - 1) * min(s.out.shape[1], p.parts))


def nearly(s, i, first, last):
    """Between which places the synapses of neuron i onto targets `first` to `last - 1` are.

    That holds almost always; to find the exact places, the synapses would have to be read.
    """
    low, high = s.start[i], s.start[i + 1]
    n = s.out.shape[1]
    begin, end = low, high
    if first > 0:
        begin = max(low, expected(low, high, first, n) - WINDOW // 2)
    if last < n:
        end = min(high, expected(low, high, last, n) + WINDOW // 2)
    return begin, end


def fetch(array, begin, n, line, most):
    """Ask for the lines of memory, of `line` numbers each, of n numbers from `begin` on.

    They are at most so many. They may reach into the row of another neuron: a loop that ended with
    the row would cost more, as a processor cannot foresee when it ends.
    """
    for k in range(min(n // line + 2, most)):
        prefetch(array, begin + line * k)


def fetch_nothing(s, slot, a, first, last, p):
    """What takes the place of `fetch_row` and `fetch_delay` where nothing can be asked for."""


LEFT_OUT: dict[Callable, Callable] = {fetch_row: fetch_nothing, fetch_delay: fetch_nothing}
"""Functions, and what stands for them in code that is not for a CPU."""
