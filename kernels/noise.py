"""Noise that is added to an input of a population, independent for each neuron.

Ornstein-Uhlenbeck noise is sigma x. x is advanced exactly, so that its statistics are the same for
any dt (Gillespie 1996, Phys. Rev. E 54:2084):

    x <- keep x + fresh xi,   keep = exp(-dt / tau),   fresh = sqrt(1 - keep^2)                  (1)

with standard normal numbers xi. x begins with one of them. It is therefore stationary from the
start, with variance 1 and the autocorrelation exp(-|lag| / tau).

White noise is sigma xi / sqrt(dt) in each step, so that its integral over a time T has the standard
deviation sigma sqrt(T) for any dt.                                                              (2)
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.chance import bell, philox
from spikesim.kernels.spikes import bounds

__all__ = ["add_correlated", "add_white", "draw", "pairs"]


def pairs(t, s, p):
    """The number of blocks of two normal numbers."""
    return s.pair.shape[1]


def draw(b, t, s, p):
    """Draw two normal numbers for this step from one block of Philox."""
    w0, w1, w2, w3 = philox(b, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.pair[0, b] = bell(w0, w1)
    s.pair[1, b] = bell(w2, w3)


def add_correlated(c, t, s, p):
    """(1) for block `c` of the neurons; ``j & p.each`` is 0 if all share one sigma."""
    offset = np.uint64(p.first)
    first, last = bounds(c, p.n, p)
    for j in range(first, last):
        s.x[j] = p.keep * s.x[j] + p.fresh * s.xi[j]
    if p.is_on == 1:
        for j in range(first, last):
            s.total[offset + j] += s.sigma[np.uint64(j & p.each)] * s.x[j]


def add_white(c, t, s, p):
    """(2) for block `c` of the neurons."""
    offset = np.uint64(p.first)
    first, last = bounds(c, p.n, p)
    if p.is_on == 1:
        for j in range(first, last):
            s.total[offset + j] += s.sigma[np.uint64(j & p.each)] * p.per_root_dt * s.xi[j]
