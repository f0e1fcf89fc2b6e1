"""Thinning: where rates have a bound, they are computed only for the neurons that might spike.

A neuron whose uniform number u is above the chance of a spike at the highest rate cannot spike in
this step, whatever its voltage. With a bound of 0.2 spikes per step, a rate has to be computed for
one neuron in five. The counts equal those that `spikesim.kernels.chance.poisson_count` would give
all neurons.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.lists import append_set, whole_eights
from spikesim.kernels.spikes import list_hits

__all__ = ["fetch", "find", "found", "list_found"]


def find(_, t, s, p):
    """List the neurons that might spike; `bound` is the highest chance of a spike in a step."""
    for i in range(s.V.shape[0]):
        s.might[i] = 1 if s.uniform[i] < p.bound else 0
    m = 0
    for first in range(0, s.might.shape[0], 8):
        m += append_set(s.candidate, 0, m, s.might, first)
    s.candidates[0] = m


def found(t, s, p):
    """How many neurons might spike, up to a multiple of eight, as CPUs compute several at once.

    After the list come neurons that were listed earlier; `list_found` forgets what these emit.
    """
    return whole_eights(s.candidates[0])


def fetch(k, t, s, p):
    """Copy the numbers that decide whether candidate k spikes to arrays without gaps."""
    i = np.uint64(s.candidate[0, k])
    s.V_found[k] = s.V[i]
    s.uniform_found[k] = s.uniform[i]


def list_found(_, t, s, p):
    """List the candidates that did spike, as `spikesim.kernels.spikes.collect` does."""
    slot = t % s.ids.shape[0]
    found = s.candidates[0]
    for k in range(8):
        s.emitted[found + k] = 0
    hits = 0
    for first in range(0, found, 8):
        hits += append_set(s.hit, 0, hits, s.emitted, first)
    list_hits(s, slot, s.candidate, hits)
