"""Counter-based random numbers: Philox4x32-10.

Salmon, Moraes, Dror & Shaw (2011), doi:10.1145/2063384.2063405.

A draw depends on (seed, stream, step, index) and on nothing else. A run therefore has the same
spikes with any number of threads, in however many calls it is made, and on every backend. The key
is the 64-bit seed; the counter is (index, step mod 2^32, step div 2^32, stream).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import Any

import numpy as np

from spikesim.kernels.functions import clamped_log, exp, real, sqrt
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.spikes import bounds, parts

__all__ = [
    "RARE",
    "Uniforms",
    "bell",
    "count_above",
    "finer",
    "gaussian",
    "philox",
    "poisson_count",
    "poisson_tails",
    "seed_words",
    "uniform",
]

MASK = 0xFFFFFFFF
MULTIPLIER_0 = 0xD2511F53
MULTIPLIER_1 = 0xCD9E8D57
WEYL_0 = 0x9E3779B9
WEYL_1 = 0xBB67AE85
TWO_TO_MINUS_24 = 5.9604644775390625e-08
TWO_TO_MINUS_32 = 2.3283064365386963e-10
TWO_TO_32 = 1 << 32
TWO_TO_30 = 1 << 30

TOGETHER = 8
"""So many blocks, or a multiple, a CPU draws at once; a rest, one by one."""

RARE = 6.103515625e-05
"""2^-14, below which `uniform` numbers are too coarse: chances above it are true to 0.1 percent."""


def philox(c0, c1, c2, c3, k0, k1):
    """Four random 32-bit words from a 128-bit counter and a 64-bit key, each in 32-bit words."""
    # Only the factors are cut to 32 bits, so that the compiler multiplies four words at once.
    for _ in range(10):
        product_0 = MULTIPLIER_0 * (c0 & MASK)
        product_1 = MULTIPLIER_1 * (c2 & MASK)
        c0 = (product_1 >> 32) ^ c1 ^ k0
        c1 = product_1
        c2 = (product_0 >> 32) ^ c3 ^ k1
        c3 = product_0
        k0 = k0 + WEYL_0
        k1 = k1 + WEYL_1
    return c0 & MASK, c1 & MASK, c2 & MASK, c3 & MASK


def uniform(word):
    """A 32-bit word as a number in [0, 1), a multiple of 2^-24 (exact in float32)."""
    return real(word >> 8) * TWO_TO_MINUS_24


def finer(u, index, t, p):
    """A uniform number below `RARE`, with further digits that `index` draws in step t."""
    word, _, _, _ = philox(index, t, t >> 32, p.stream, p.seed_low, p.seed_high)
    return u + uniform(word) * TWO_TO_MINUS_24


def bell(word_0, word_1):
    """Two 32-bit words as a standard normal number (Box & Muller 1958).

    z = sqrt(-2 log((word_0 + 1/2) / 2^32)) cos(2 pi word_1 / 2^32)

    |z| is at most 6.764, beyond which there would be one number in 10^11. The polynomial is that of
    sin(2 pi g), where g, in [-1/4, 1/4], is the distance of the angle from the next zero of the
    cosine. The error is below 4e-15 in float64; in float32, where words close to 2^32 are rounded,
    it is below 3e-4 for |z| below 0.01, and below 5e-6 for others.
    """
    radius = sqrt(-2.0 * clamped_log((real(word_0) + 0.5) * TWO_TO_MINUS_32))
    g = real(TWO_TO_30 - min(word_1, TWO_TO_32 - word_1)) * TWO_TO_MINUS_32
    q = g * g
    y = 0.10087076822916667
    y = y * q - 0.7177264955308702
    y = y * q + 3.8199272056420646
    y = y * q - 15.094641615869477
    y = y * q + 42.058693923040764
    y = y * q - 76.70585975277146
    y = y * q + 81.60524927607301
    y = y * q - 41.341702240399755
    y = y * q + 6.283185307179586
    return radius * (y * g)


def gaussian(index, t, stream, seed_low, seed_high):
    """The standard normal number that `index` draws in step t.

    Parameters
    ----------
    index, t : int
        Who draws, and in which step.
    stream : int
        32 bits that keep the draws of different owners apart.
    seed_low, seed_high : int
        The seed, in 32-bit words.
    """
    word_0, word_1, _, _ = philox(index, t, t >> 32, stream, seed_low, seed_high)
    return bell(word_0, word_1)


def blocks(t, s, p):
    return parts(s.uniform.shape[1], p)


def draw(c, t, s, p):
    """Draw four uniform numbers from each of part `c` of the blocks of Philox.

    First come as many times `TOGETHER` blocks as there are, then the last `TOGETHER` blocks. Some
    of these are drawn again, to the same numbers, which is faster than to draw the rest one by one.
    """
    first, last = bounds(c, s.uniform.shape[1], p)
    together = np.uint64(TOGETHER)
    begin = first
    end = last - (last - first) % together
    for _ in range(2):
        for b in range(begin, end):
            w0, w1, w2, w3 = philox(int(b), t, t >> 32, p.stream, p.seed_low, p.seed_high)
            s.uniform[0, b] = uniform(w0)
            s.uniform[1, b] = uniform(w1)
            s.uniform[2, b] = uniform(w2)
            s.uniform[3, b] = uniform(w3)
        begin = last if end == last else max(last, first + together) - together
        end = last


def poisson_tails(rate):
    """P(N > 0), P(N > 1), P(N > 2) and P(N > 3) for `rate` spikes expected."""
    # No draw can tell such a rate from 0. It becomes 0, as denormal numbers would be slow.
    rate = rate if rate > 1e-9 else 0.0
    p0 = exp(-rate)
    p1 = p0 * rate
    p2 = p1 * rate * 0.5
    # 1 - exp(-rate) would lose the digits of a small rate.
    small = rate * (1.0 - rate * (0.5 - rate * 0.16666666666666666))
    above_0 = small if rate < 0.01 else 1.0 - p0
    above_1 = above_0 - p1
    above_2 = above_1 - p2
    above_3 = above_2 - p2 * rate * 0.3333333333333333
    return above_0, above_1, above_2, above_3


def count_above(u, above_0, above_1, above_2, above_3):
    """How many of the chances are above a uniform number: the count that it stands for."""
    # The sum is of real numbers: whole ones have 64 bits and would halve the speed of the loop.
    count = 1.0 if u < above_0 else 0.0
    count += 1.0 if u < above_1 else 0.0
    count += 1.0 if u < above_2 else 0.0
    count += 1.0 if u < above_3 else 0.0
    return np.int32(count)


def poisson_count(u, rate):
    """The Poisson count that a uniform number `u` stands for, by inversion; at most 4.

    With `rate` spikes expected in the step, the count is at least 1 if u < P(N > 0), at least 2 if
    u < P(N > 1), and so on. At a rate of 0.2 a count above 4 would come once in 400,000 steps; at a
    rate of 1 the mean count is 0.4 percent below the rate. At rates below `RARE`, the chance of a
    spike is off by up to 2^-24.
    """
    above_0, above_1, above_2, above_3 = poisson_tails(rate)
    return count_above(u, above_0, above_1, above_2, above_3)


def seed_words(seed: int) -> dict[str, int]:
    """A seed of 64 bits as the two numbers that bodies which draw read.

    Examples
    --------
    >>> seed_words(2**32 + 5)
    {'seed_low': 5, 'seed_high': 1}
    """
    return {"seed_low": seed & MASK, "seed_high": seed >> 32}


class Uniforms:
    """`n` uniform numbers in [0, 1), drawn anew in every step.

    Parameters
    ----------
    n : int
    seed : int or mapping
        64 bits; or the `seed_words` of an owner, who may exchange them between runs.
    stream : int
        Keeps the draws of different owners apart.
    dtype : str

    Attributes
    ----------
    values : numpy.ndarray, shape (n,)
        This step's numbers.
    stream : int
        May be set between runs.
    """

    def __init__(self, n: int, seed: int | MutableMapping[str, int], stream: int, dtype: str):
        self._uniform = np.zeros((4, -(-n // 4)), dtype)
        self.values = self._uniform.reshape(-1)
        words = seed_words(seed) if isinstance(seed, int) else seed
        self._params: Any = ChainMap({"stream": stream, "parts": SHARED}, words)

    @property
    def stream(self) -> int:
        return self._params["stream"]

    @stream.setter
    def stream(self, stream: int) -> None:
        self._params["stream"] = stream

    def phase(self) -> Phase:
        """The Phase that draws."""
        return Phase(draw, blocks, {"uniform": self._uniform}, self._params)
