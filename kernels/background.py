"""Private Poisson input to every neuron of a population, at the cost of its spikes only.

Independent Poisson processes, one per neuron, are together one Poisson process whose spikes fall on
neurons at random. A step therefore draws how many spikes there are in all, by inversion of their
cumulative distribution, and then a neuron for each of them. A neuron may be drawn twice; where it
may not, a neuron that was drawn before in the step is drawn again.
"""

from __future__ import annotations

from spikesim.kernels.chance import philox

__all__ = ["deliver", "deliver_distinct", "draw", "draw_count", "quads"]


def draw_count(_, t, s, p):
    """How many spikes there are in this step.

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
    """Four neurons, by one block of Philox."""
    w0, w1, w2, w3 = philox(b + 1, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.neuron[0, b] = p.first + ((w0 * p.n) >> 32)
    s.neuron[1, b] = p.first + ((w1 * p.n) >> 32)
    s.neuron[2, b] = p.first + ((w2 * p.n) >> 32)
    s.neuron[3, b] = p.first + ((w3 * p.n) >> 32)


def deliver(_, t, s, p):
    """Add the weight to each neuron drawn; the last block may have more than are needed."""
    row = t % s.out.shape[0]
    spikes = s.spikes[0]
    for k in range(4):
        for b in range((spikes + 3 - k) >> 2):
            s.out[row, s.neuron[k, b]] += p.weight


def deliver_distinct(_, t, s, p):
    """Draw neurons until enough different ones were drawn, and add the weight to each of them."""
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
    # What the last block had beyond the number.
    for k in range(s.spikes[0], m):
        s.is_chosen[s.chosen[k]] = 0


def take(word, m, s, p):
    """Note a neuron that was not drawn before as the m-th; return how many there are then."""
    j = (word * p.n) >> 32
    s.chosen[m] = j
    m += 1 - s.is_chosen[j]
    s.is_chosen[j] = 1
    return m
