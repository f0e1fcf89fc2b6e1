"""Images as Poisson rates: only the pixels that are not black are drawn for.

Four fifths of a handwritten digit are zero. At the start of a trial `present` lists the others and
the chances P(N > 0), ..., P(N > 3) of their counts per step; each step then costs a draw and four
comparisons per listed pixel.
"""

from __future__ import annotations

from spikesim.kernels.chance import philox, uniform
from spikesim.kernels.functions import exp, real
from spikesim.kernels.trials import TRIAL, at_trial_start

__all__ = ["count", "draw", "list_spikes", "lit", "new_image", "present", "quads"]


def new_image(t, s, p):
    return 1 if at_trial_start(s.clock) else 0


def present(_, t, s, p):
    """List the pixels above zero of this trial's image, and the chances of their counts."""
    k = s.example[s.clock[TRIAL]]
    m = 0
    for i in range(s.image.shape[1]):
        if s.image[k, i] > 0:
            rate = p.rate * real(s.image[k, i])
            p0 = exp(-rate)
            p1 = p0 * rate
            p2 = p1 * rate * 0.5
            s.pixel[m] = i
            s.above[0, m] = 1.0 - p0
            s.above[1, m] = s.above[0, m] - p1
            s.above[2, m] = s.above[1, m] - p2
            s.above[3, m] = s.above[2, m] - p2 * rate * 0.3333333333333333
            m += 1
    s.lit[0] = m


def quads(t, s, p):
    return (s.lit[0] + 3) // 4


def draw(b, t, s, p):
    """Four uniform numbers from one block of Philox, for four of the listed pixels."""
    n = (s.lit[0] + 3) // 4
    w0, w1, w2, w3 = philox(b, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.uniform[b] = uniform(w0)
    s.uniform[n + b] = uniform(w1)
    s.uniform[2 * n + b] = uniform(w2)
    s.uniform[3 * n + b] = uniform(w3)


def lit(t, s, p):
    return s.lit[0]


def count(k, t, s, p):
    """How often the k-th listed pixel spikes in this step."""
    u = s.uniform[k]
    s.spike[k] = (
        int(u < s.above[0, k])
        + int(u < s.above[1, k])
        + int(u < s.above[2, k])
        + int(u < s.above[3, k])
    )


def list_spikes(_, t, s, p):
    """List the pixels that spiked, as `spikesim.kernels.spikes.collect` does for neurons."""
    slot = t % s.ids.shape[0]
    m = 0
    for k in range(s.lit[0]):
        s.ids[slot, m] = s.pixel[k]
        m += int(s.spike[k] > 0)
        for _ in range(1, int(s.spike[k])):
            s.ids[slot, m] = s.pixel[k]
            m += 1
    s.count[slot] = m
