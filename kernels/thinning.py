"""Thinning: where rates have a bound, they are computed only for the neurons that might spike.

A neuron whose uniform number u is above the chance of a spike at the highest rate cannot spike in
this step, whatever its voltage. With a bound of 0.2 spikes per step, a rate has to be computed for
one neuron in five. The counts equal those that `spikesim.kernels.chance.poisson_count` would give
all neurons.
"""

from __future__ import annotations

import numpy as np

__all__ = ["fetch", "find", "found", "list_found"]


def find(_, t, s, p):
    """List the neurons that might spike; `bound` is the highest chance of a spike in a step."""
    m = np.uint64(0)
    for i in range(s.V.shape[0]):
        s.candidate[m] = i
        m += np.uint64(s.uniform[i] < p.bound)
    s.candidates[0] = m


def found(t, s, p):
    return s.candidates[0]


def fetch(k, t, s, p):
    """Copy the numbers that decide whether candidate k spikes to arrays without gaps."""
    i = s.candidate[k]
    s.V_found[k] = s.V[i]
    s.uniform_found[k] = s.uniform[i]


def list_found(_, t, s, p):
    """List the candidates that did spike, as `spikesim.kernels.spikes.collect` does."""
    slot = t % s.ids.shape[0]
    m = np.uint64(0)
    for k in range(s.candidates[0]):
        s.hit[m] = k
        m += np.uint64(s.emitted[k] > 0)
    hits = np.int64(m)
    last = hits
    for a in range(hits):
        k = s.hit[a]
        s.ids[slot, a] = s.candidate[k]
        for _ in range(1, s.emitted[k]):
            s.ids[slot, last] = s.candidate[k]
            last += 1
    s.count[slot] = last
