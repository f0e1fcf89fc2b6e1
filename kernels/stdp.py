"""Spike-timing dependent plasticity: every pair of a pre- and a postsynaptic spike counts.

    a spike of neuron i arrives:    w_ij <- w_ij - A_minus y_j,    then    x_i <- x_i + 1        (1)
    neuron j fires:                 w_ij <- w_ij + A_plus x_i,     then    y_j <- y_j + 1        (2)

    dx/dt = -x / tau_plus,      dy/dt = -y / tau_minus,      w_min <= w <= w_max                 (3)

x belongs to the presynaptic neuron and jumps when its spike arrives; y is the postsynaptic trace.
Away from the bounds, a spike that arrives at s and one that is fired at t change the weight by
A_plus exp((s - t) / tau_plus) if s <= t, and by -A_minus exp((t - s) / tau_minus) if t < s.

Within a step arrivals come first: they are delivered, then (1), then the neurons advance, then (2).

All costs are per spike. A trace is stored as a number X of units u that decay,

    x(t) = X u(t),      u(t) = exp(-(t - t0) / tau),      t0 = 0, T, 2T, ...                     (4)

so only spikes change X, by 1 / u, and one exponential serves all neurons of a step. u starts from 1
again when a period T ends, once in some thousand steps; all X are then converted to the new unit.

The synapses of presynaptic neuron i are ``start[i]:start[i + 1]``, by ascending target; those onto
neuron j come from ``source[start_post[j]:start_post[j + 1]]``, and their weights lie at ``place``.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.burst_plasticity import bounded
from spikesim.kernels.functions import exp, real
from spikesim.kernels.spikes import bounds, parts, synapses_in_block

__all__ = [
    "arrive",
    "depress_dense",
    "depress_sparse",
    "depressing",
    "fired",
    "potentiate_dense",
    "potentiate_sparse",
    "renew",
    "renewed",
]

TINY = 1e-20  # fewer units than this become 0: denormal numbers are slow


def unit(t, period, rate):
    """u of (4); `rate` is dt / tau."""
    return exp(-real(t % period) * rate)


def renewed(t, s, p):
    """All neurons, in the first step of a period."""
    begins = t % p.period_plus == 0 or t % p.period_minus == 0
    return max(s.x.shape[0], s.y.shape[0]) if begins else 0


def renew(i, t, s, p):
    """Convert X to the new unit; `left` is what the old unit has shrunk to."""
    if t % p.period_plus == 0 and i < s.x.shape[0]:
        s.x[i] = units(s.x[i] * p.left_plus)
    if t % p.period_minus == 0 and i < s.y.shape[0]:
        s.y[i] = units(s.y[i] * p.left_minus)


def units(x):
    return 0.0 if x <= TINY else x


# --------------------------------------------------------------------------- arrivals of this step


def depressing(t, s, p):
    """How many blocks of targets there are to weaken."""
    arrivals = s.count[(t - p.delay) % s.ids.shape[0]]
    return parts(s.y.shape[0], p) if arrivals > 0 and p.learning > 0 else 0


def depress_dense(c, t, s, p):
    """(1) for the synapses onto block `c` of the targets."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, s.y.shape[0], p)
    step = p.A_minus * unit(t, p.period_minus, p.rate_minus)
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        for j in range(first, last):
            s.W[i, j] = bounded(s.W[i, j] - step * s.y[j], p)


def depress_sparse(c, t, s, p):
    """(1) for the synapses onto block `c` of the targets."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, s.y.shape[0], p)
    step = p.A_minus * unit(t, p.period_minus, p.rate_minus)
    for a in range(s.count[slot]):
        low, high = synapses_in_block(s, s.ids[slot, a], first, last, s.y.shape[0])
        for e in range(low, high):
            s.weight[e] = bounded(s.weight[e] - step * s.y[s.target[e]], p)


def arrive(_, t, s, p):
    """Update the traces x of (1), one spike after another: a neuron may be listed twice."""
    slot = (t - p.delay) % s.ids.shape[0]
    spike = 1.0 / unit(t, p.period_plus, p.rate_plus)
    for a in range(s.count[slot]):
        s.x[s.ids[slot, a]] += spike


# ----------------------------------------------------------------------------- spikes of this step


def fired(t, s, p):
    """How many blocks of postsynaptic neurons there are; 0 if none of them fires."""
    return parts(s.y.shape[0], p) if s.count[t % s.ids.shape[0]] > 0 else 0


def potentiate_dense(c, t, s, p):
    """(2) for the neurons of block `c`; one that fires twice in a step does all of it twice."""
    slot = t % s.ids.shape[0]
    first, last = bounds(c, s.y.shape[0], p)
    step = p.A_plus * unit(t, p.period_plus, p.rate_plus)
    spike = 1.0 / unit(t, p.period_minus, p.rate_minus)
    for a in range(s.count[slot]):
        j = np.uint64(s.ids[slot, a])
        if first <= j and j < last:
            if p.learning > 0:
                for i in range(s.x.shape[0]):
                    s.W[i, j] = bounded(s.W[i, j] + step * s.x[i], p)
            s.y[j] += spike


def potentiate_sparse(c, t, s, p):
    """(2) for the neurons of block `c`; one that fires twice in a step does all of it twice."""
    slot = t % s.ids.shape[0]
    first, last = bounds(c, s.y.shape[0], p)
    step = p.A_plus * unit(t, p.period_plus, p.rate_plus)
    spike = 1.0 / unit(t, p.period_minus, p.rate_minus)
    for a in range(s.count[slot]):
        j = np.uint64(s.ids[slot, a])
        if first <= j and j < last:
            if p.learning > 0:
                last_k = np.uint64(s.start_post[j + np.uint64(1)])
                for k in range(np.uint64(s.start_post[j]), last_k):
                    e = s.place[k]
                    s.weight[e] = bounded(s.weight[e] + step * s.x[s.source[k]], p)
            s.y[j] += spike
