"""Units of layered rate networks: sums, activations, outputs, and what is read out of them.

A body over the units of a layer reads the drive ``s.a`` and writes the activity ``s.h`` and the
slope of the activation ``s.slope``. A body called once per step sees all units of the output.
"""

from __future__ import annotations

from spikesim.kernels.dense import multiply, row_product
from spikesim.kernels.functions import clamped_log, exp, real, sigmoid, sqrt
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import TRIAL

__all__ = [
    "answer",
    "binary_cross_entropy",
    "cross_entropy",
    "drive",
    "hard",
    "linear",
    "logistic",
    "measure_cosine",
    "output_error",
    "relu",
    "send_down",
    "show",
    "softmax",
    "squared_error",
    "tanh",
]

LARGE = 2.0**40
"""Squares of small numbers would vanish in float32; a power of two changes no digit."""


def show(_, t, s, p):
    """Copy this trial's input and target; `scale` is 1/255 for images of whole numbers."""
    example = s.example[s.clock[TRIAL]]
    for i in range(s.h.shape[0]):
        s.h[i] = real(s.image[example, i]) * p.scale
    for j in range(s.target_output.shape[0]):
        s.target_output[j] = s.wanted[example, j]


def drive(c, t, s, p):
    """a = h_below W + b, for a block of units."""
    first, last = bounds(c, s.a.shape[0], p)
    for j in range(first, last):
        s.a[j] = s.b[j]
    multiply(s.h_below, s.W, s.a, first, last)


# ----------------------------------------------------------------------------- activations


def logistic(j, t, s, p):
    """h = 1 / (1 + exp(-a))."""
    s.h[j] = sigmoid(s.a[j])
    s.slope[j] = s.h[j] * (1.0 - s.h[j])


def tanh(j, t, s, p):
    """The hyperbolic tangent, h = 2 sigma(2 a) - 1."""
    s.h[j] = 2.0 * sigmoid(2.0 * s.a[j]) - 1.0
    s.slope[j] = 1.0 - s.h[j] * s.h[j]


def relu(j, t, s, p):
    """h = max(a, 0), whose slope at 0 is 0."""
    s.slope[j] = 1.0 if s.a[j] > 0.0 else 0.0
    s.h[j] = s.a[j] * s.slope[j]


def hard(j, t, s, p):
    """h = a, but at least 0 and at most 1; the slope is 1 there, the two ends included."""
    s.h[j] = min(max(s.a[j], 0.0), 1.0)
    s.slope[j] = 1.0 if s.h[j] == s.a[j] else 0.0


def linear(j, t, s, p):
    """h = a."""
    s.h[j] = s.a[j]
    s.slope[j] = 1.0


def softmax(_, t, s, p):
    """h = exp(a) / sum exp(a)."""
    highest = s.a[0]
    for j in range(1, s.a.shape[0]):
        highest = max(highest, s.a[j])
    total = 0.0
    for j in range(s.a.shape[0]):
        s.h[j] = exp(s.a[j] - highest)
        total += s.h[j]
    for j in range(s.a.shape[0]):
        s.h[j] = s.h[j] / total
        s.slope[j] = 1.0


# ----------------------------------------------------------------------------- errors


def output_error(j, t, s, p):
    """e = target - h, and delta = e, or e times the slope if the loss requires it."""
    s.e[j] = s.target[j] - s.h[j]
    s.delta[j] = s.e[j] * s.slope[j] if p.sloped == 1 else s.e[j]


def send_down(j, t, s, p):
    """Backpropagation: delta_j = (W_above sent)_j times the slope; `sent` is delta above."""
    s.received[j] = row_product(s.W_above, j, s.sent) * s.slope[j]


# ----------------------------------------------------------------------------- what is read out


def answer(_, t, s, p):
    """The class of the highest output; of several equal ones, the first."""
    best = 0
    for j in range(1, s.h.shape[0]):
        if s.h[j] > s.h[best]:
            best = j
    s.answer[s.clock[TRIAL]] = best


def cross_entropy(_, t, s, p):
    """E = -sum target log h."""
    total = 0.0
    for j in range(s.h.shape[0]):
        if s.target[j] != 0.0:
            total -= s.target[j] * clamped_log(s.h[j])
    s.loss[s.clock[TRIAL]] = total


def binary_cross_entropy(_, t, s, p):
    """E = -sum target log h + (1 - target) log(1 - h)."""
    total = 0.0
    for j in range(s.h.shape[0]):
        total -= s.target[j] * clamped_log(s.h[j]) + (1.0 - s.target[j]) * clamped_log(1.0 - s.h[j])
    s.loss[s.clock[TRIAL]] = total


def squared_error(_, t, s, p):
    """E = sum (target - h)^2 / 2."""
    total = 0.0
    for j in range(s.h.shape[0]):
        total += 0.5 * (s.target[j] - s.h[j]) * (s.target[j] - s.h[j])
    s.loss[s.clock[TRIAL]] = total


def measure_cosine(_, t, s, p):
    """Measure the cosine between the delta a layer learns from and that of backpropagation."""
    dot = 0.0
    norm = 0.0
    norm_reference = 0.0
    for j in range(s.own.shape[0]):
        x = s.own[j] * LARGE
        y = s.reference[j] * LARGE
        dot += x * y
        norm += x * x
        norm_reference += y * y
    length = sqrt(norm) * sqrt(norm_reference)
    s.cosine[s.clock[TRIAL], p.layer - 1] = dot / length if length > 0.0 else p.nan
