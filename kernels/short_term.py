"""Short-term plasticity: depression and facilitation of all synapses of a presynaptic neuron.

Tsodyks & Markram, extended: a spike releases the share u of the resources x, then

    x <- x - u x,     u <- u + f (1 - u)

and between spikes both recover, exactly,

    dx/dt = (1 - x) / tau_D,     du/dt = (U - u) / tau_F

A spike acts with its weight times u x, taken before the two jumps.
"""

from __future__ import annotations

from math import exp

from spikesim.kernels.fetching import ROWS_AHEAD, fetch_delay, fetch_delays, fetch_row, fetch_rows
from spikesim.kernels.functions import real
from spikesim.kernels.spikes import add_delayed, add_synapses, bounds, soon

__all__ = ["arrivals", "deliver_delayed", "deliver_dense", "deliver_sparse", "release", "use"]


def release(x, u, f):
    """The resources x, and the share u of them that a spike uses, after a spike."""
    return x - u * x, u + f * (1.0 - u)


def arrivals(t, s, p):
    """Once, if spikes arrive in this step."""
    return 1 if s.count[(t - p.delay) % s.ids.shape[0]] > 0 else 0


def use(_, t, s, p):
    """Compute the efficacies u x of the spikes that arrive now, in the order of the list.

    Spikes are taken one after the other, so if a neuron is listed twice, its second spike finds
    fewer resources.
    """
    slot = (t - p.delay) % s.ids.shape[0]
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        elapsed = real(s.last[i] - t)
        x = 1.0 - (1.0 - s.x[i]) * exp(elapsed * p.dt_by_tau_D)
        u = p.U - (p.U - s.u[i]) * exp(elapsed * p.dt_by_tau_F)
        s.x[i], s.u[i] = release(x, u, p.f)
        s.last[i] = t
        s.efficacy[a] = x * u


def deliver_sparse(c, t, s, p):
    """Add weights times efficacies to the targets in block `c`."""
    slot = (t - p.delay) % s.ids.shape[0]
    row = t % s.out.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    fetch_rows(s, soon(slot, s, p), first, last, p)
    for a in range(s.count[slot]):
        fetch_row(s, slot, a + ROWS_AHEAD, first, last, p)
        add_synapses(s, row, s.ids[slot, a], first, last, s.efficacy[a], p)


def deliver_delayed(c, t, s, p):
    """The same for synapses that each have their own delay."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    fetch_rows(s, soon(slot, s, p), first, last, p)
    fetch_delays(s, soon(slot, s, p), first, last, p)
    for a in range(s.count[slot]):
        fetch_row(s, slot, a + ROWS_AHEAD, first, last, p)
        fetch_delay(s, slot, a + ROWS_AHEAD, first, last, p)
        add_delayed(s, t % s.out.shape[0], s.ids[slot, a], first, last, s.efficacy[a], p)


def deliver_dense(c, t, s, p):
    """Add rows of weights times efficacies to the targets in block `c`."""
    slot = (t - p.delay) % s.ids.shape[0]
    row = t % s.out.shape[0]
    first, last = bounds(c, s.out.shape[1], p)
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        scale = s.efficacy[a]
        for j in range(first, last):
            s.out[row, j] += scale * s.W[i, j]
