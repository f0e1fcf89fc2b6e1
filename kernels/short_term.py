"""Short-term plasticity: depression and facilitation of all synapses of a presynaptic neuron.

Tsodyks & Markram, extended: a spike releases the share u of the resources x, then

    x <- x - u x,     u <- u + f (1 - u)

and between spikes both recover, exactly,

    dx/dt = (1 - x) / tau_D,     du/dt = (U - u) / tau_F

A spike acts with its weight times u x, taken before the two jumps.
"""

from __future__ import annotations

from math import exp

from spikesim.kernels.functions import real
from spikesim.kernels.spikes import add

__all__ = ["deliver_dense", "deliver_sparse", "efficacy", "release"]


def release(x, u, f):
    """Resources and their use after a spike."""
    return x - u * x, u + f * (1.0 - u)


def efficacy(i, t, s, p):
    """The efficacy u x of a spike of neuron i that arrives now; x and u then jump."""
    elapsed = real(s.last[i] - t)
    x = 1.0 - (1.0 - s.x[i]) * exp(elapsed * p.dt_by_tau_D)
    u = p.U - (p.U - s.u[i]) * exp(elapsed * p.dt_by_tau_F)
    s.x[i], s.u[i] = release(x, u, p.f)
    s.last[i] = t
    return x * u


def deliver_sparse(a, t, s, p):
    """Add the weights of the list's spike `a`, times its efficacy, to its targets."""
    i = s.ids[(t - p.delay) % s.ids.shape[0], a]
    scale = efficacy(i, t, s, p)
    row = t % s.out.shape[0]
    for e in range(s.start[i], s.start[i + 1]):
        add(s.out, row, s.target[e], scale * s.weight[e])


def deliver_dense(a, t, s, p):
    """Add the row of weights of the list's spike `a`, times its efficacy."""
    i = s.ids[(t - p.delay) % s.ids.shape[0], a]
    scale = efficacy(i, t, s, p)
    row = t % s.out.shape[0]
    for j in range(s.out.shape[1]):
        s.out[row, j] += scale * s.W[i, j]
