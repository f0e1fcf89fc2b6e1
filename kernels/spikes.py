"""Spikes inside the compiled loop: from flags to lists, and from lists to the targets.

A population flags how many spikes each neuron emits in a step (``spike[i]``, mostly 0 or 1).
`collect` turns the flags into a list of neuron indices. The lists of the last steps are kept in a
ring, so a delayed projection simply reads an older slot. A neuron that emits two spikes is listed
twice. Deliveries add to this step's row of ``out[row, j]``, which is a ring too (a plain port has
one row). Synapses that each have their own delay add to rows of later steps, and `land` moves a
row to the port when its step has come.

A ring is mostly larger than a core's caches. So each of its numbers is asked for `AHEAD` synapses
before its turn, as synapses are by `spikesim.kernels.fetching`. The order of the additions stays
the same.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.fetching import ROWS_AHEAD, fetch_delay, fetch_delays, fetch_row, fetch_rows
from spikesim.kernels.functions import prefetch
from spikesim.kernels.lists import MANY, add_rows, any_set, append_set, find_near

__all__ = [
    "add_delayed",
    "add_synapses",
    "arriving",
    "bounds",
    "collect",
    "columns",
    "deliver_delayed",
    "deliver_dense",
    "deliver_sparse",
    "flag",
    "land",
    "list_hits",
    "parts",
    "silence",
    "soon",
    "synapses_in_block",
    "targets",
    "unflag",
]

AHEAD = 64
"""How many synapses before its turn a number of a ring is asked for."""


def collect(_, t, s, p):
    """List the neurons that spiked, ``ids[slot, :count[slot]]`` in the slot of step t.

    Neurons that emit more than one spike are listed again at the end. The flags are padded with
    zeros to whole groups of eight.
    """
    slot = t % s.ids.shape[0]
    m = 0
    n = s.spike.shape[0]
    rest = n - n % MANY
    for first in range(0, rest, MANY):
        if any_set(s.spike, first):
            m = append_all(s, slot, m, first, first + MANY)
    m = append_all(s, slot, m, rest, n)
    s.count[slot] = list_again(s, slot, m, p.most)


def append_all(s, slot, m, first, last):
    """Append to a list of m entries which of these flags are set; return how many entries it has.

    There is a multiple of eight of them.
    """
    for eight in range(first, last, 8):
        m += append_set(s.ids, slot, m, s.spike, eight)
    return m


def list_again(s, slot, m, most):
    """Repeat the entries of neurons with more than one spike; return how many entries there are."""
    listed = m
    if most > 1:
        for a in range(listed):
            for _ in range(1, min(s.spike[s.ids[slot, a]], most)):
                s.ids[slot, m] = s.ids[slot, a]
                m += 1
    return m


def list_hits(s, slot, who, hits):
    """List neuron ``who[0, k]`` for each k of ``hit[0, :hits]``; it emitted ``emitted[k]`` spikes.

    Neurons that emitted more than one are listed again at the end.
    """
    last = hits
    for a in range(hits):
        k = np.uint64(s.hit[0, a])
        i = who[0, k]
        s.ids[slot, a] = i
        s.ids[slot, last] = i
        last += 1 if s.emitted[k] > 1 else 0
        for _ in range(2, s.emitted[k]):
            s.ids[slot, last] = i
            last += 1
    s.count[slot] = last


def silence(_, t, s, p):
    """Take the spikes of silenced neurons out of this step's list, and their flags back."""
    slot = t % s.ids.shape[0]
    m = 0
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        if s.silent[i] > 0:
            s.spike[i] = 0
        else:
            s.ids[slot, m] = i
            m += 1
    s.count[slot] = m


def flag(s, slot):
    """Set ``spike[i]`` of the neurons listed in `slot`, for sources that list without flags."""
    for a in range(s.count[slot]):
        s.spike[s.ids[slot, a]] += 1


def unflag(s, slot):
    """Clear ``spike[i]`` of the neurons listed in `slot`."""
    for a in range(s.count[slot]):
        s.spike[s.ids[slot, a]] = 0


def parts(n, p):
    """How many blocks n targets are cut into: on one core a single block, on a GPU n blocks."""
    return min(n, p.parts)


def bounds(c, n, p):
    """The first target of block `c` of `n` targets, and the one after its last.

    Unsigned, because compilers do not vectorise loops whose index might be negative.
    """
    blocks = min(n, p.parts)
    return np.uint64(c * n // blocks), np.uint64((c + 1) * n // blocks)


def targets(t, s, p):
    """How many blocks of targets there are, in every step."""
    return parts(s.out.shape[1], p)


def columns(t, s, p):
    """How many blocks of targets a delivery has to visit; 0 if no spike arrives."""
    return parts(s.out.shape[1], p) if s.count[(t - p.delay) % s.ids.shape[0]] > 0 else 0


def arriving(t, s, p):
    """The same, but 0 only if none will arrive in the next step, either; see `fetch_rows`."""
    slot = (t - p.delay) % s.ids.shape[0]
    some = s.count[slot] + s.count[soon(slot, s, p)] > 0
    return parts(s.out.shape[1], p) if some else 0


def soon(slot, s, p):
    """The slot after `slot`, with the spikes that arrive in the next step, if they are known.

    With a delay of one step or none they are not: it is `slot` itself then.
    """
    following = slot + 1 if slot + 1 < s.ids.shape[0] else 0
    return following if p.delay > 1 else slot


def deliver_dense(c, t, s, p):
    """Add the weight rows of the spikes that arrive now to block `c` of the targets.

    Rows of ``W[pre, post]`` are added in the order of the list, so the result does not depend on
    the blocks.
    """
    first, last = bounds(c, s.out.shape[1], p)
    slot = (t - p.delay) % s.ids.shape[0]
    row = t % s.out.shape[0]
    add_rows(s.out, row, s.W, s.ids, slot, s.count[slot], first, last)


def deliver_sparse(c, t, s, p):
    """Add the weights of the spikes that arrive now to their targets in block `c`.

    The synapses of a neuron are ``start[i]:start[i + 1]``, by ascending target.
    """
    slot = (t - p.delay) % s.ids.shape[0]
    row = t % s.out.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    fetch_rows(s, soon(slot, s, p), first, last, p)
    for a in range(s.count[slot]):
        fetch_row(s, slot, a + ROWS_AHEAD, first, last, p)
        add_synapses(s, row, s.ids[slot, a], first, last, 1.0, p)


def add_synapses(s, row, i, first, last, scale, p):
    """``out[row, first:last]`` += the weights of neuron i, times a scale.

    ``p.each`` is 0 where all synapses share one weight. It is read once then: in the loop it would
    be read again, as the sums might lie where it does.
    """
    low, high = synapses_in_block(s, i, first, last, s.out.shape[1])
    if p.each == 0:
        weight = scale * s.weight[0]
        for e in range(low, high):
            s.out[row, s.target[e]] += weight
    else:
        for e in range(low, high):
            s.out[row, s.target[e]] += scale * s.weight[e]


def deliver_delayed(c, t, s, p):
    """The same for synapses that each have their own delay, and so their own row of arrival."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    fetch_rows(s, soon(slot, s, p), first, last, p)
    fetch_delays(s, soon(slot, s, p), first, last, p)
    for a in range(s.count[slot]):
        fetch_row(s, slot, a + ROWS_AHEAD, first, last, p)
        fetch_delay(s, slot, a + ROWS_AHEAD, first, last, p)
        add_delayed(s, t % s.out.shape[0], s.ids[slot, a], first, last, 1.0, p)


def add_delayed(s, now, i, first, last, scale, p):
    """``out[now + later, first:last]`` += the weights of neuron i, times a scale; out is a ring."""
    low, high = synapses_in_block(s, i, first, last, s.out.shape[1])
    near = min(low + np.uint64(AHEAD), high)
    for e in range(low, near):
        prefetch(s.out, (arrival(s, now, e), s.target[e]))
    for e in range(near, high):
        prefetch(s.out, (arrival(s, now, e), s.target[e]))
        add_one(s, now, e - np.uint64(AHEAD), scale, p)
    for e in range(low + (high - near), high):
        add_one(s, now, e, scale, p)


def add_one(s, now, e, scale, p):
    """Add the weight of synapse e, times a scale, to the row of its arrival."""
    s.out[arrival(s, now, e), s.target[e]] += scale * s.weight[np.uint64(e & p.each)]


def arrival(s, now, e):
    """The row in which what synapse e carries arrives."""
    rows = s.out.shape[0]
    ahead = now + np.int64(s.later[e])
    return np.uint64(ahead - rows if ahead >= rows else ahead)


def land(c, t, s, p):
    """Move the weights that arrive now from a ring of rows to block `c` of a port."""
    now = t % s.ring.shape[0]
    row = t % s.out.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    for j in range(first, last):
        s.out[row, j] += s.ring[now, j]
        s.ring[now, j] = 0.0


def synapses_in_block(s, i, first, last, n):
    """Where the synapses of neuron i onto targets `first` to `last - 1`, of n, begin and end."""
    low = s.start[i]
    high = s.start[i + 1]
    begin = low
    if first > 0:
        begin = find_near(s.target, low, high, first, n)
    if last < n:
        high = find_near(s.target, low, high, last, n)
    return np.uint64(begin), np.uint64(high)
