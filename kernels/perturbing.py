"""Noise on units and on weights in layered rate networks, and what is kept of it for learning.

A trial takes its noise from its row of ``s.xi`` (units) and ``s.Xi`` (weights) into ``s.x`` and
``s.E``. The matrix E [pre, post] then holds what is eligible for a change: the noise of weights, or
products of activity and noise, summed over the bins of a trial in time.
"""

from __future__ import annotations

from spikesim.kernels.dense import add_outer
from spikesim.kernels.functions import real
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import TRIAL
from spikesim.kernels.updates import at_start_of_batch

__all__ = [
    "add_noise",
    "add_squares",
    "add_weight_noise",
    "between",
    "expect",
    "follow",
    "gather",
    "gather_bias",
    "take",
    "take_weights",
]


def take(j, t, s, p):
    """Take this trial's noise of unit j."""
    s.x[j] = s.xi[s.clock[TRIAL], j]


def take_weights(c, t, s, p):
    """Take this trial's noise of the weights onto a block of units."""
    first, last = bounds(c, s.E.shape[1], p)
    for i in range(s.E.shape[0]):
        for j in range(first, last):
            s.E[i, j] = s.Xi[s.clock[TRIAL], i, j]


def add_noise(j, t, s, p):
    """Add noise to the drive or activity of unit j, which is ``s.base`` without it."""
    s.noisy[j] = s.base[j] + p.size * s.x[j]


def add_weight_noise(c, t, s, p):
    """Add what a block of units gets through the noise of its weights, size h_below E."""
    first, last = bounds(c, s.noisy.shape[0], p)
    for i in range(s.E.shape[0]):
        if s.h_below[i] != 0.0:
            x = p.size * s.h_below[i]
            for j in range(first, last):
                s.noisy[j] = s.noisy[j] + x * s.E[i, j]


def between(j, t, s, p):
    """Activity and slope halfway between two passes, whose noise has opposite signs."""
    s.h_between[j] = 0.5 * (s.h_plus[j] + s.h_minus[j])
    s.slope_between[j] = 0.5 * (s.slope_plus[j] + s.slope_minus[j])


def add_squares(_, t, s, p):
    """The mean square of x over the N units of all layers; one layer after another adds to it."""
    total = 0.0 if p.layer == 1 else s.square_output[0]
    for j in range(s.x.shape[0]):
        total += s.x[j] * s.x[j] / p.N
    s.square_output[0] = total


def gather(c, t, s, p):
    """E: the sum over the bins of a trial, which is a batch, of pre^T x."""
    first, last = bounds(c, s.E.shape[1], p)
    add_outer(0.0 if at_start_of_batch(s, p) else 1.0, 1.0, s.pre, s.x, s.E, first, last)


def gather_bias(j, t, s, p):
    """The sum of x over the bins of a trial."""
    s.x_sum[j] = s.x[j] if at_start_of_batch(s, p) else s.x_sum[j] + s.x[j]


def expect(_, t, s, p):
    """The running mean of losses as the loss to compare with; while there is none, ``s.start``."""
    k = s.clock[TRIAL]
    s.E_less[k] = s.mean[0] if s.mean[1] > 0.0 else s.start[k]


def follow(_, t, s, p):
    """Move the running mean towards the mean loss of a batch; the first one is taken as it is."""
    k, n, total = s.clock[TRIAL], s.ends[s.clock[TRIAL]], 0.0
    for example in range(k + 1 - n, k + 1):
        total += s.E_plus[example]
    total = total / real(n)
    s.mean[0] = s.mean[0] + p.leak * (total - s.mean[0]) if s.mean[1] > 0.0 else total
    s.mean[1] = 1.0
