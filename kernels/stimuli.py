"""Stimuli that add to an input of a population, such as a current, in every step.

The value that a user has set, ``value[j]``, stays as it is. In each step, `begin` copies it to
``total[j]``, each stimulus adds its own value, and the neurons read the total.

A stimulus has its own time, ``u`` steps since step ``p.begin``. It is one of these:

    stimulus[u // steps, j]         samples of `steps` steps, one of each neuron      `play_each`
    stimulus[u // steps]            the same for all neurons                          `play_all`
    stimulus[u // steps] gain[j]    for some of them, whose gain is 1, others' 0      `play_some`
    start + x (stop - start)        x = (u - onset) / (length - onset): a ramp, or a
                                    step, whose ends are the same                     `play_ramp`
    amplitude sin(2 pi c + phase)   c = (u - onset) cycles: an oscillation            `play_sine`

It adds nothing before u = onset and from u = length on. If ``p.after`` says so, it instead holds
its last value from u = length on, or begins again. ``p.first`` is the first of the ``p.n`` neurons
that get it. ``j & p.each`` is j if each of them has its own amplitude, and 0 if all share one.
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
"""What follows the end of a stimulus: nothing, the last value, or everything again."""


def neurons(t, s, p):
    """The number of blocks of neurons."""
    return parts(s.total.shape[0], p)


def begin(c, t, s, p):
    """Begin the totals of block `c` with the values that a user has set."""
    first, last = bounds(c, s.total.shape[0], p)
    for j in range(first, last):
        s.total[j] = s.value[j]


def targets(t, s, p):
    """The number of blocks of neurons that get the stimulus."""
    return parts(p.n, p)


def moment(t, p):
    """Step t in the stimulus's own time, or -1 if the stimulus adds nothing."""
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
    """Add this step's sample to those neurons of block `c` that get the stimulus."""
    u = moment(t, p)
    if u >= 0:
        x = s.stimulus[u // p.steps]
        offset = np.uint64(p.first)
        first, last = bounds(c, p.n, p)
        for j in range(first, last):
            s.total[offset + j] += s.gain[j] * x


def play_ramp(c, t, s, p):
    """Add a value from `start` to `start` + `rise`, linear in time."""
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
