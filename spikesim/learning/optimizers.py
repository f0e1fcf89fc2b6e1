"""How a product of two activities changes an array, for models whose products are NumPy's.

g is the product, or minus a gradient. Moments begin with 0, and n counts updates from 1.

    plain      change = rate g
    adam       m <- 0.9 m + 0.1 g,   q <- 0.999 q + 0.001 g^2             Kingma & Ba 2015
               change = rate m / (1 - 0.9^n) / (sqrt(q / (1 - 0.999^n)) + 1e-8)
    rmsprop    m <- 0.95 m + 0.05 g,   q <- 0.95 q + 0.05 g^2             centred; Graves 2013
               s <- 0.9 s + rate g / sqrt(q - m^2 + 1e-3),   change = s
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["RULES", "Rule"]

Moments = list[np.ndarray]


class Rule(NamedTuple):
    """An optimiser.

    Attributes
    ----------
    moments : int
        How many arrays it keeps for each array that it changes.
    change : callable
        ``change(g, rate, moments, n)`` returns the change, and brings the moments up to date.
    """

    moments: int
    change: Callable[[np.ndarray, float, Moments, int], np.ndarray]


def _plain(g: np.ndarray, rate: float, moments: Moments, n: int) -> np.ndarray:
    return rate * g


def _adam(g: np.ndarray, rate: float, moments: Moments, n: int) -> np.ndarray:
    m, q = moments
    m *= 0.9
    m += 0.1 * g
    q *= 0.999
    q += 0.001 * (g * g)
    root = np.sqrt(q / (1.0 - 0.999**n))
    root += 1e-8
    return (rate / (1.0 - 0.9**n)) * m / root


def _rmsprop(g: np.ndarray, rate: float, moments: Moments, n: int) -> np.ndarray:
    m, q, s = moments
    m *= 0.95
    m += 0.05 * g
    q *= 0.95
    q += 0.05 * (g * g)
    s *= 0.9
    s += rate * g / np.sqrt(q - m * m + 1e-3)
    return s


RULES = {"adam": Rule(2, _adam), "plain": Rule(0, _plain), "rmsprop": Rule(3, _rmsprop)}
"""Optimisers by name."""
