"""Gap junctions: currents between neurons, proportional to the difference of their voltages.

    I_i = sum over j of g_ij (v_j - v_i),    g_ij = g_ji

The currents of all neurons follow from the voltages at the beginning of a step, so that the order
of neurons does not matter. The junctions of neuron i are ``start[i]:start[i + 1]``; ``source`` has
the neurons at their other ends.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.spikes import bounds

__all__ = ["add", "coupled", "flow"]


def coupled(t, s, p):
    """All neurons of one side."""
    return s.current.shape[0]


def flow(i, t, s, p):
    """The current into neuron i; ``e & p.each`` is 0 if all conductances are the same."""
    v = s.v[i]
    current = 0.0
    for e in range(s.start[i], s.start[i + 1]):
        current += s.conductance[np.uint64(e & p.each)] * (s.other[s.source[e]] - v)
    s.current[i] = current


def add(c, t, s, p):
    """Add the currents of block `c` to the input of the neurons."""
    if p.is_on == 1:
        first, last = bounds(c, s.total.shape[0], p)
        for j in range(first, last):
            s.total[j] += s.current[j]
