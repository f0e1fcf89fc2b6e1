"""Synaptic kernels: what arriving spikes do to a postsynaptic variable.

The double-exponential postsynaptic potential

    kappa(t) = (exp(-t/tau_decay) - exp(-t/tau_rise)) / (tau_decay - tau_rise)

is summed over presynaptic spikes, each times its weight. The sum is the difference of two exact
recursions over the summed weights that arrive: one pair per target, and not one per synapse,

    decay[j] <- a_decay (decay[j] + now[j] - a_decay^M old[j]),   a_decay = exp(-dt/tau_decay)

and likewise for `rise`. A spike contributes kappa(dt) in the step in which it arrives. With a
memory of M steps a spike acts for M steps: the arrivals of M steps ago (`old`) are subtracted again
exactly. Without a memory the kernel has no end. Arrivals lie in a ring ``arrived[slot, j]``.
"""

from __future__ import annotations

from spikesim.kernels.lists import add_rows
from spikesim.kernels.spikes import bounds, parts

__all__ = [
    "advance_truncated",
    "advance_untruncated",
    "blocks",
    "clear",
    "replay",
]


def blocks(t, s, p):
    """How many blocks of targets there are: one, if there is one core."""
    return parts(s.arrived.shape[1], p)


def clear(c, t, s, p):
    """Empty the slot that collects this step's arrivals."""
    slot = t % s.arrived.shape[0]
    first, last = bounds(c, s.arrived.shape[1], p)
    for j in range(first, last):
        s.arrived[slot, j] = 0.0


def advance_truncated(c, t, s, p):
    """Advance both recursions, without arrivals older than the memory; set the potential."""
    slots = s.arrived.shape[0]
    now = t % slots
    old = (t - p.memory) % slots
    first, last = bounds(c, s.arrived.shape[1], p)
    for j in range(first, last):
        arrived = s.arrived[now, j]
        ended = s.arrived[old, j]
        s.decay[j] = p.a_decay * (s.decay[j] + arrived - p.end_decay * ended)
        s.rise[j] = p.a_rise * (s.rise[j] + arrived - p.end_rise * ended)
    for j in range(first, last):
        s.out[j] = s.offset[j] + p.scale * (s.decay[j] - s.rise[j])


def advance_untruncated(c, t, s, p):
    """Advance both recursions of a kernel without an end; set the potential."""
    now = t % s.arrived.shape[0]
    first, last = bounds(c, s.arrived.shape[1], p)
    for j in range(first, last):
        s.decay[j] = p.a_decay * (s.decay[j] + s.arrived[now, j])
        s.rise[j] = p.a_rise * (s.rise[j] + s.arrived[now, j])
    for j in range(first, last):
        s.out[j] = s.offset[j] + p.scale * (s.decay[j] - s.rise[j])


def replay(c, t, s, p):
    """Compute past arrivals and both recursions of block `c` again, with the present weights.

    The potential is the sum over synapses of weight times PSP. So a change of weights also changes
    what the spikes of the last steps still contribute. The last ``p.past`` steps are replayed from
    the lists of spikes; spikes before them no longer act.
    """
    slots = s.out.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    for j in range(first, last):
        s.decay[j] = 0.0
        s.rise[j] = 0.0
        s.out[(t - p.memory) % slots, j] = 0.0
    for back in range(p.past, 0, -1):
        row = (t - back) % slots
        for j in range(first, last):
            s.out[row, j] = 0.0
        slot = (t - back - p.delay) % s.ids.shape[0]
        add_rows(s.out, row, s.W, s.ids, slot, s.count[slot], first, last)
        for j in range(first, last):
            s.decay[j] = p.a_decay * (s.decay[j] + s.out[row, j])
            s.rise[j] = p.a_rise * (s.rise[j] + s.out[row, j])
