"""Spikes inside the compiled loop: from flags to lists, and from lists to the targets.

A population flags how many spikes each neuron emits in a step (``spike[i]``, mostly 0 or 1).
`collect` turns the flags into a list of neuron indices, kept in a ring over the last steps, so that
a delay is nothing but a look at an older slot. A neuron that emits two spikes is listed twice.
Deliveries add to the row of this step of ``out[row, j]``, a ring itself (of one row for a plain
port).
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "add_rows",
    "bounds",
    "collect",
    "columns",
    "deliver_dense",
    "deliver_sparse",
    "flag",
    "synapses_in_block",
    "unflag",
]


def collect(_, t, s, p):
    """List the neurons that spiked, ``ids[slot, :count[slot]]`` in the slot of step t.

    Those that emit more than one spike are listed again at the end. The flags are padded with zeros
    to whole groups of eight.
    """
    slot = t % s.ids.shape[0]
    m = np.uint64(0)
    # Eight at a time, for most groups of eight are silent; no branch within one.
    for group in range(s.spike.shape[0] // 8):
        anyone = 0
        for k in range(8):
            anyone |= s.spike[8 * group + k]
        if anyone > 0:
            for k in range(8):
                s.ids[slot, m] = 8 * group + k
                m += np.uint64(s.spike[8 * group + k] > 0)
    s.count[slot] = list_again(s, slot, np.int64(m), p.most)


def list_again(s, slot, m, most):
    """Repeat the entries of neurons with more than one spike; return how many entries there are."""
    listed = m
    if most > 1:
        for a in range(listed):
            for _ in range(1, min(s.spike[s.ids[slot, a]], most)):
                s.ids[slot, m] = s.ids[slot, a]
                m += 1
    return m


def flag(s, slot):
    """Set ``spike[i]`` of the neurons listed in `slot`, for sources that list without flags."""
    for a in range(s.count[slot]):
        s.spike[s.ids[slot, a]] += 1


def unflag(s, slot):
    """Take the flags of the spikes listed in `slot` back."""
    for a in range(s.count[slot]):
        s.spike[s.ids[slot, a]] = 0


def columns(t, s, p):
    """How many blocks of postsynaptic neurons `deliver_dense` has to visit; 0 without a spike."""
    if s.count[(t - p.delay) % s.ids.shape[0]] == 0:
        return 0
    return (s.out.shape[1] + p.width - 1) // p.width


def deliver_dense(c, t, s, p):
    """Add the weight rows of the spikes that arrive now to block `c` of the targets.

    The targets are cut into blocks of `width`: one block for a CPU, where the inner loop is a row
    of ``W[pre, post]``; one neuron a block where each has a thread of its own. Rows are added in
    the order of the list, eight in one pass, so the result does not depend on the width.
    """
    first, last = bounds(c, s.out.shape[1], p)
    add_rows(s, (t - p.delay) % s.ids.shape[0], t % s.out.shape[0], first, last)


def bounds(c, n, p):
    """The targets of block `c`, of `n` in all.

    Unsigned: an index that might be negative would keep loops over them from being vectorised.
    """
    first = c * p.width
    return np.uint64(first), np.uint64(min(first + p.width, n))


def add_rows(s, slot, row, first, last):
    """``out[row, first:last]`` += the weight rows of the spikes listed in `slot`."""
    m = s.count[slot]
    eights = m - m % 8
    for k in range(0, eights, 8):
        i0 = s.ids[slot, k]
        i1 = s.ids[slot, k + 1]
        i2 = s.ids[slot, k + 2]
        i3 = s.ids[slot, k + 3]
        i4 = s.ids[slot, k + 4]
        i5 = s.ids[slot, k + 5]
        i6 = s.ids[slot, k + 6]
        i7 = s.ids[slot, k + 7]
        for j in range(first, last):
            x = s.out[row, j] + s.W[i0, j] + s.W[i1, j] + s.W[i2, j] + s.W[i3, j]
            s.out[row, j] = x + s.W[i4, j] + s.W[i5, j] + s.W[i6, j] + s.W[i7, j]
    for k in range(eights, m):
        i0 = s.ids[slot, k]
        for j in range(first, last):
            s.out[row, j] = s.out[row, j] + s.W[i0, j]


def deliver_sparse(c, t, s, p):
    """Add the weights of the spikes that arrive now to their targets in block `c`.

    The synapses of a neuron are ``start[i]:start[i + 1]``, by ascending target.
    """
    slot = (t - p.delay) % s.ids.shape[0]
    row = t % s.out.shape[0]
    first = c * p.width
    last = min(first + p.width, s.out.shape[1])
    for a in range(s.count[slot]):
        low, high = synapses_in_block(s, s.ids[slot, a], first, last)
        for e in range(low, high):
            s.out[row, s.target[e]] += s.weight[e]


def synapses_in_block(s, i, first, last):
    """Where the synapses of neuron i onto targets `first` to `last` (excluded) begin and end."""
    low = s.start[i]
    high = s.start[i + 1]
    if first > 0:
        low = find(s.target, low, high, first)
    if last < s.out.shape[1]:
        high = find(s.target, low, high, last)
    return low, high


def find(ascending, low, high, value):
    """The first place in ``ascending[low:high]`` whose entry is not below `value`."""
    while low < high:
        middle = (low + high) >> 1
        below = ascending[middle] < value
        low = middle + 1 if below else low
        high = high if below else middle
    return low
