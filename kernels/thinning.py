"""Thinning: Poisson neurons whose rate is bounded, at the cost of the few that might spike.

A neuron whose uniform number u is above the chance that the highest rate would give cannot spike in
this step, whatever its voltage. With a bound of 0.2 spikes per step that leaves one neuron in five
to compute a rate for. The counts are those of `spikesim.kernels.chance.poisson_count` for all.
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
    """Copy what decides about candidate k to arrays without gaps."""
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
