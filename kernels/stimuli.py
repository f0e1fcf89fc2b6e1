"""Stimuli: what is added to an input of a population, such as a current, in every step.

What a user has set, ``value[j]``, stays as it is. In each step `begin` copies it to ``total[j]``,
each stimulus adds its own, and the neurons read the total.

A stimulus has a time of its own, ``u`` steps since step ``p.begin``. It is one of these:

    stimulus[u // steps, j]         samples of `steps` steps, one of each neuron      `play_each`
    stimulus[u // steps]            the same for all neurons                          `play_all`
    stimulus[u // steps] gain[j]    for some of them, whose gain is 1, others' 0      `play_some`
    start + x (stop - start)        x = (u - onset) / (length - onset): a ramp, or a
                                    step, whose ends are the same                     `play_ramp`
    amplitude sin(2 pi c + phase)   c = (u - onset) cycles: an oscillation            `play_sine`

and silent before u = onset and from u = length on. Where ``p.after`` says so it holds its end from
then on, or begins again. ``p.first`` is the first of the ``p.n`` neurons that get it, and
``j & p.each`` is j where each of them has an amplitude of its own, and 0 where all share one.
"""

from __future__ import annotations

from math import sin

import numpy as np

from spikesim.kernels.functions import real
from spikesim.kernels.spikes import bounds, parts

__all__ = [
    "HOLD",
    "REPEAT",
    "STOP",
    "begin",
    "neurons",
    "play_all",
    "play_each",
    "play_ramp",
    "play_sine",
    "play_some",
    "targets",
]

TWO_PI = 6.283185307179586

STOP, HOLD, REPEAT = 0, 1, 2
"""What comes after the end: nothing, the last value, or everything again."""


def neurons(t, s, p):
    """How many blocks of neurons there are."""
    return parts(s.total.shape[0], p)


def begin(c, t, s, p):
    """Begin the totals of block `c` with what a user has set."""
    first, last = bounds(c, s.total.shape[0], p)
    for j in range(first, last):
        s.total[j] = s.value[j]


def targets(t, s, p):
    """How many blocks of neurons that get it there are."""
    return parts(p.n, p)


def moment(t, p):
    """The step of the stimulus's own time that step t is, or -1 where it is silent."""
    u = t - p.begin
    if u >= p.length:
        if p.after == HOLD:
            u = np.int64(p.end)
        elif p.after == REPEAT:
            u = u % p.length
        else:
            u = np.int64(-1)
    return u if p.is_on == 1 and u >= p.onset else np.int64(-1)


def play_each(c, t, s, p):
    """Add this step's sample of each neuron of block `c`."""
    u = moment(t, p)
    if u >= 0:
        row = np.uint64(u // p.steps)
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            s.total[offset + j] += s.stimulus[row, j]


def play_all(c, t, s, p):
    """Add this step's sample, the same for all neurons of block `c`."""
    u = moment(t, p)
    if u >= 0:
        x = s.stimulus[u // p.steps]
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            s.total[offset + j] += x


def play_some(c, t, s, p):
    """Add this step's sample to those neurons of block `c` that get it."""
    u = moment(t, p)
    if u >= 0:
        x = s.stimulus[u // p.steps]
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            s.total[offset + j] += s.gain[j] * x


def play_ramp(c, t, s, p):
    """Add what lies between `start` and `start` + `rise`, in proportion to time."""
    u = moment(t, p)
    if u >= 0:
        x = real(u - p.onset) / real(p.length - p.onset)
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            k = np.uint64(j & p.each)
            s.total[offset + j] += s.start[k] + x * s.rise[k]


def play_sine(c, t, s, p):
    """Add an oscillation of `cycles` periods in a step; whole periods are left out beforehand."""
    u = moment(t, p)
    if u >= 0:
        periods = p.cycles * real(u - p.onset)
        x = sin(TWO_PI * (periods - real(int(periods))) + p.phase)
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            s.total[offset + j] += s.amplitude[np.uint64(j & p.each)] * x
