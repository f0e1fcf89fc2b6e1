"""Images as Poisson rates: only the pixels that are not black draw random numbers.

Four fifths of the pixels of a handwritten digit are zero. At the start of a trial `present` lists
the others, with the chances P(N > 0), ..., P(N > 3) of their counts per step. Each step then costs
one draw and four comparisons per listed pixel. A chance that is too small for one draw is rounded
up; a second draw then decides which of its spikes are kept.
"""

from __future__ import annotations

from spikesim.kernels.chance import (
    RARE,
    count_above,
    finer,
    philox,
    poisson_tails,
    uniform,
)
from spikesim.kernels.functions import real
from spikesim.kernels.lists import append_set, whole_eights
from spikesim.kernels.spikes import flag, list_hits, unflag
from spikesim.kernels.trials import TRIAL, at_trial_start

__all__ = ["count", "draw", "list_spikes", "new_image", "present", "quads", "rows"]

ROUNDED = -1.0  # as the chance of a second spike: the chance of the first was rounded up


def new_image(t, s, p):
    return 1 if at_trial_start(s.clock) else 0


def present(_, t, s, p):
    """List the pixels above zero of this trial's image, and the chances of their counts.

    The k-th listed pixel is entry ``[k % 4, k // 4]``: four share a block of random numbers.
    """
    example = s.example[s.clock[TRIAL]]
    m = 0
    for i in range(s.image.shape[1]):
        if s.image[example, i] > 0:
            rate = p.rate * real(s.image[example, i])
            above_0, above_1, above_2, above_3 = poisson_tails(rate)
            if rate < RARE:
                above_0 = RARE
                above_1 = ROUNDED
            row = m % 4
            column = m // 4
            s.pixel[row, column] = i
            s.above_0[row, column] = above_0
            s.above_1[row, column] = above_1
            s.above_2[row, column] = above_2
            s.above_3[row, column] = above_3
            m += 1
    s.lit[0] = m
    for k in range(m, 4 * whole_eights(columns(m))):
        s.above_0[k % 4, k // 4] = 0.0
        s.above_1[k % 4, k // 4] = 0.0
        s.above_2[k % 4, k // 4] = 0.0
        s.above_3[k % 4, k // 4] = 0.0


def columns(m):
    """How many blocks of four draws m pixels need."""
    return (m + 3) // 4


def quads(t, s, p):
    """The same, up to a multiple of eight, which a CPU draws at once."""
    return whole_eights(columns(s.lit[0]))


def draw(b, t, s, p):
    """Draw four uniform numbers from one block of Philox, for four of the listed pixels."""
    w0, w1, w2, w3 = philox(b, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    s.uniform[0, b] = uniform(w0)
    s.uniform[1, b] = uniform(w1)
    s.uniform[2, b] = uniform(w2)
    s.uniform[3, b] = uniform(w3)


def rows(t, s, p):
    return 4


def count(row, t, s, p):
    """Count how often each listed pixel of a row spikes in this step."""
    for b in range(quads(t, s, p)):
        s.emitted[row, b] = count_above(
            s.uniform[row, b],
            s.above_0[row, b],
            s.above_1[row, b],
            s.above_2[row, b],
            s.above_3[row, b],
        )


def list_spikes(_, t, s, p):
    """List the pixels that spiked, as `spikesim.kernels.spikes.collect` does for neurons.

    Rows follow each other here: entry ``[row, b]`` of the other bodies is ``[row * width + b]``, or
    ``[0, row * width + b]`` of pixels.
    """
    slot = t % s.ids.shape[0]
    width = s.emitted.shape[0] // 4
    unflag(s, (t - 1) % s.ids.shape[0])
    m = 0
    last = columns(s.lit[0])
    for row in range(4):
        for first in range(row * width, row * width + last, 8):
            m += append_set(s.hit, 0, m, s.emitted, first)
        # Beyond the last column, a file saved by an older version has chances of earlier images.
        while m > 0 and s.hit[0, m - 1] >= row * width + last:
            m -= 1
    list_hits(s, slot, s.pixel, decided(m, s, t, p))
    flag(s, slot)


def decided(hits, s, t, p):
    """Where a chance was rounded up, keep only the spikes that a finer draw confirms."""
    kept = 0
    for a in range(hits):
        k = s.hit[0, a]
        keeps = True
        if s.above_1[k] == ROUNDED:
            i = s.pixel[0, k]
            rate = p.rate * real(s.image[s.example[s.clock[TRIAL]], i])
            keeps = finer(s.uniform[k], int(i), t, p) < rate
        s.hit[0, kept] = k
        if keeps:
            kept += 1
    return kept
