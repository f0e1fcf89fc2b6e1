"""Private Poisson input to every neuron of a population.

Where spikes are few, the cost is per spike. Independent Poisson processes, one per neuron, are
together one Poisson process whose spikes fall on neurons at random. A step therefore draws the
total number of spikes, by inversion of its cumulative distribution, and then a neuron for each
spike. `deliver` accepts that a neuron is drawn twice in a step; `deliver_distinct` draws another
neuron instead.

Where spikes are many, each neuron draws its own number of spikes, again by inversion: the number is
how many entries of the cumulative distribution (the thresholds) a random word exceeds.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.chance import philox
from spikesim.kernels.functions import real
from spikesim.kernels.spikes import bounds, parts

__all__ = [
    "add_counts",
    "deliver",
    "deliver_distinct",
    "draw",
    "draw_count",
    "draw_words",
    "neurons",
    "quads",
    "words",
]


def draw_count(_, t, s, p):
    """Draw how many spikes there are in this step.

    ``cumulative[k]`` is the chance of at most ``p.least + k`` spikes, times 2^32.
    """
    word, _, _, _ = philox(0, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    low = 0
    high = s.cumulative.shape[0] - 1
    while low < high:
        middle = (low + high) >> 1
        above = s.cumulative[middle] <= word
        low = middle + 1 if above else low
        high = high if above else middle
    s.spikes[0] = p.least + low


def quads(t, s, p):
    """How many blocks of four draws this step needs."""
    return (s.spikes[0] + 3) >> 2


def draw(b, t, s, p):
    """Draw four neurons from one block of Philox."""
    w0, w1, w2, w3 = philox(b + 1, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.neuron[0, b] = p.first + ((w0 * p.n) >> 32)
    s.neuron[1, b] = p.first + ((w1 * p.n) >> 32)
    s.neuron[2, b] = p.first + ((w2 * p.n) >> 32)
    s.neuron[3, b] = p.first + ((w3 * p.n) >> 32)


def deliver(_, t, s, p):
    """Add the weight to each neuron drawn; the last block may hold more draws than are needed."""
    row = t % s.out.shape[0]
    spikes = s.spikes[0]
    for k in range(4):
        for b in range((spikes + 3 - k) >> 2):
            s.out[row, s.neuron[k, b]] += p.weight


def deliver_distinct(_, t, s, p):
    """Draw neurons until enough different ones are found, and add the weight to each of them."""
    row = t % s.out.shape[0]
    b = 1
    m = 0
    while m < s.spikes[0]:
        w0, w1, w2, w3 = philox(b, t, t >> 32, p.stream, p.seed_low, p.seed_high)
        m = take(w0, m, s, p)
        m = take(w1, m, s, p)
        m = take(w2, m, s, p)
        m = take(w3, m, s, p)
        b += 1
    for k in range(s.spikes[0]):
        j = s.chosen[k]
        s.is_chosen[j] = 0
        s.out[row, p.first + j] += p.weight
    # The last block may have drawn more neurons than were needed.
    for k in range(s.spikes[0], m):
        s.is_chosen[s.chosen[k]] = 0


def take(word, m, s, p):
    """Note the neuron drawn as the m-th if it is new; return how many there are now."""
    j = (word * p.n) >> 32
    s.chosen[m] = j
    m += 1 - s.is_chosen[j]
    s.is_chosen[j] = 1
    return m


# ------------------------------------------------------------------------ where spikes are many


def words(t, s, p):
    """How many blocks of four words there are."""
    return s.words.shape[1]


def draw_words(b, t, s, p):
    """Draw four words from one block of Philox."""
    w0, w1, w2, w3 = philox(b, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.words[0, b] = w0
    s.words[1, b] = w1
    s.words[2, b] = w2
    s.words[3, b] = w3


def neurons(t, s, p):
    """How many blocks of neurons there are."""
    return parts(p.n, p)


def add_counts(c, t, s, p):
    """Add the weight times the number of spikes to each neuron of block `c`.

    A neuron has `least` spikes and one more for each threshold that its word exceeds. Eight
    thresholds are compared in one pass, for as many neurons as fit in a register.
    """
    row = t % s.out.shape[0]
    first, last = bounds(c, p.n, p)
    offset = np.uint64(p.first)
    for j in range(first, last):
        s.out[row, offset + j] += p.weight * real(p.least)
    for group in range(s.threshold.shape[0] // 8):
        for j in range(first, last):
            count = 0.0
            for k in range(8):
                count += 1.0 if s.word[j] > s.threshold[8 * group + k] else 0.0
            s.out[row, offset + j] += p.weight * count
