"""Plasticity whose update is low-passed: products feed a synapse's D, and D changes its weight.

    dM/dt = eta D,   tau_w dD/dt = pre^T post - D

A step of length dt changes M by the D of the step before, M <- M + rate D with rate = dt eta. Then
D <- (1 - c) D + c pre^T post with c = dt / tau_w.

While pre rests at x, as an image does that is shown, nothing has to touch all synapses in every
step. From M_0 and D_0 at the onset,

    D = d D_0 + x^T E,   M = M_0 + S D_0 + x^T H,   x M = x M_0 + S x D_0 + |x|^2 H

with two numbers S, d and two vectors E, H of the postsynaptic units. A step is S <- S + rate d and
H <- H + rate E, then d <- (1 - c) d and E <- (1 - c) E + c post. `begin` takes both products with
x, `add_at_rest` and `age` make a step, and `finish` writes M and D.
"""

from __future__ import annotations

from spikesim.kernels.dense import multiply_lit
from spikesim.kernels.spikes import bounds

__all__ = [
    "add_at_rest",
    "add_bias",
    "add_product",
    "age",
    "begin",
    "begin_since",
    "drive_at_rest",
    "finish",
    "forget",
    "forget_bias",
]

LEAST = 1e-30
"""Of D: numbers that are too small for their type to be normal are slow."""

S, D_LEFT, SQUARE = range(3)  # places in `s.since`: S, d, |x|^2


def add_product(c, t, s, p):
    """A step of M and D, for a block of columns."""
    first, last = bounds(c, s.M.shape[1], p)
    kept = 1.0 - p.c
    for i in range(s.M.shape[0]):
        x = p.c * s.pre[i]
        for j in range(first, last):
            s.M[i, j] = s.M[i, j] + p.rate * s.D[i, j]
            D = kept * s.D[i, j] + x * s.post[j]
            s.D[i, j] = D if abs(D) > LEAST else 0.0


def add_bias(j, t, s, p):
    """The same for biases, whose presynaptic rate is 1."""
    s.M[j] = s.M[j] + p.rate * s.D[j]
    s.D[j] = (1.0 - p.c) * s.D[j] + p.c * s.post[j]


def forget(i, t, s, p):
    """D = 0, for row i."""
    for j in range(s.D.shape[1]):
        s.D[i, j] = 0.0


def forget_bias(j, t, s, p):
    s.D[j] = 0.0


# ----------------------------------------------------------------------------- while pre rests


def begin_since(_, t, s, p):
    """S, d and |x|^2 at the onset."""
    square = 0.0
    for i in range(s.pre.shape[0]):
        square += s.pre[i] * s.pre[i]
    s.since[S] = 0.0
    s.since[D_LEFT] = 1.0
    s.since[SQUARE] = square


def begin(c, t, s, p):
    """x M_0 and x D_0, and E = H = 0, for a block of units."""
    first, last = bounds(c, s.from_M.shape[0], p)
    for j in range(first, last):
        s.from_M[j] = 0.0
        s.from_D[j] = 0.0
        s.E[j] = 0.0
        s.H[j] = 0.0
    multiply_lit(s.pre, s.M, s.from_M, first, last)
    multiply_lit(s.pre, s.D, s.from_D, first, last)


def drive_at_rest(j, t, s, p):
    """a = x M + b."""
    s.a[j] = s.b[j] + s.from_M[j] + s.since[S] * s.from_D[j] + s.since[SQUARE] * s.H[j]


def add_at_rest(j, t, s, p):
    """A step of H and E."""
    s.H[j] = s.H[j] + p.rate * s.E[j]
    s.E[j] = (1.0 - p.c) * s.E[j] + p.c * s.post[j]


def age(_, t, s, p):
    """A step of S and d."""
    s.since[S] = s.since[S] + p.rate * s.since[D_LEFT]
    s.since[D_LEFT] = (1.0 - p.c) * s.since[D_LEFT]


def finish(c, t, s, p):
    """M and D as the presentation leaves them, for a block of columns."""
    first, last = bounds(c, s.M.shape[1], p)
    for i in range(s.M.shape[0]):
        for j in range(first, last):
            s.M[i, j] = s.M[i, j] + s.since[S] * s.D[i, j] + s.pre[i] * s.H[j]
            s.D[i, j] = s.since[D_LEFT] * s.D[i, j] + s.pre[i] * s.E[j]
