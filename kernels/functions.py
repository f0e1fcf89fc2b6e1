"""Scalar functions that give the same bits in plain Python and compiled, and that vectorise.

`exp` cuts x off where the result would overflow or vanish: |x| at 83 in float32, 708 in float64.
Its relative error is below 2.5e-7 + 1e-7 |x| in float32, where the second part is the rounding of
x log2(e), and below 4e-16 in float64 (tests/test_functions.py). In float32 exp(0) is 1.0000001.
NaN stays NaN, except in `clamped_log`. The other functions of `math` that bodies may call are in
`spikesim.kernels.elementary`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from spikesim.kernels import elementary

__all__ = [
    "EXACT",
    "PRIMITIVES",
    "Exponent",
    "clamped_log",
    "exp",
    "fraction",
    "log",
    "prefetch",
    "real",
    "sigmoid",
    "sqrt",
]

exp = math.exp
log = math.log
sqrt = math.sqrt
real = float

LOG2_E = 1.4426950408889634
TWO_TO_MINUS_53 = 1.1102230246251565e-16


def clamped_log(x):
    """The logarithm for losses: of numbers that are not positive it is that of the smallest."""
    return log(max(x, 2.2250738585072014e-308))


def prefetch(array, place):
    """Do nothing; code for a CPU begins to bring ``array[place]`` from memory into its cache.

    Parameters
    ----------
    array : numpy.ndarray
    place : int or tuple of int
        A place outside the array is allowed; nothing is read there.
    """


def sigmoid(x):
    """The logistic function 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : float

    Returns
    -------
    float

    Examples
    --------
    >>> sigmoid(0.0)
    0.5
    """
    return 1.0 / (1.0 + exp(-x))


def exp_float32(x):
    """exp(x) = 2^n 2^r with n whole and r in [-1/2, 1/2]; polynomial of degree 5, minimax for 2^r.

    Adding 1.5 * 2^23 rounds to the nearest whole number, which then stands in the lowest bits of z
    and, shifted, adds to the exponent of the result.
    """
    y = np.float32(x) * LOG2_E
    y = min(max(y, -120.0), 120.0)  # so that 1 / exp(x) is not denormal either: that is slow
    z = y + 12582912.0
    r = y - (z - 12582912.0)
    r2 = r * r
    high = 0.0013276470588562544 * r + 0.009675541323256348
    middle = 0.05550713277840916 * r + 0.24022119724118668
    low = 0.6931469670621015 * r + 1.000000071654598
    power = (high * r2 + middle) * r2 + low
    shifted = np.float32(z).view(np.int32) << np.int32(23)
    return np.int32(np.float32(power).view(np.int32) + shifted).view(np.float32)


def exp_float64(x):
    """exp(x) = 2^n exp(r) with r in [-ln(2)/2, ln(2)/2]; Taylor polynomial of degree 13.

    Adding 1.5 * 2^52 rounds to the nearest whole number n; ln(2) is split in two so that r is
    exact.
    """
    x = 709.0 if x > 709.0 else x
    x = -708.0 if x < -708.0 else x
    n = (x * LOG2_E + 6755399441055744.0) - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    y = 1.6059043836821613e-10
    y = y * r + 2.08767569878681e-09
    y = y * r + 2.505210838544172e-08
    y = y * r + 2.755731922398589e-07
    y = y * r + 2.7557319223985893e-06
    y = y * r + 2.48015873015873e-05
    y = y * r + 1.984126984126984e-04
    y = y * r + 1.388888888888889e-03
    y = y * r + 8.333333333333333e-03
    y = y * r + 4.1666666666666664e-02
    y = y * r + 1.6666666666666666e-01
    y = y * r + 0.5
    y = y * (r * r) + r + 1.0
    return y * np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)


def clamped_log_float32(x):
    """log(x) = n ln(2) + 2 artanh(z), x = 2^n m, m in [0.7, 1.4], z = (m - 1) / (m + 1).

    Relative to the larger of 1 and |log(x)|, the error is below 3e-7. Below the smallest normal
    number, at 0 and for negative x, it is the logarithm of that number.
    """
    x = 1.1754944e-38 if x < 1.1754944e-38 else x
    bits = np.float32(x).view(np.int32)
    n = np.int32(bits - np.int32(1060439283)) >> np.int32(23)
    m = np.int32(bits - np.int32(n << np.int32(23))).view(np.float32)
    z = (m - 1.0) / (m + 1.0)
    z2 = z * z
    series = ((0.2222222222222222 * z2 + 0.2857142857142857) * z2 + 0.4) * z2 + 0.6666666666666666
    return np.float32(n) * 0.6931471805599453 + (series * z2 * z + 2.0 * z)


def clamped_log_float64(x):
    """The same with more terms of the series: an error below 4e-16."""
    x = 2.2250738585072014e-308 if x < 2.2250738585072014e-308 else x
    bits = np.float64(x).view(np.int64)
    n = np.int64(bits - np.int64(4604544271217802189)) >> np.int64(52)
    m = np.int64(bits - np.int64(n << np.int64(52))).view(np.float64)
    z = (m - 1.0) / (m + 1.0)
    z2 = z * z
    y = 0.09523809523809523
    y = y * z2 + 0.10526315789473684
    y = y * z2 + 0.11764705882352941
    y = y * z2 + 0.13333333333333333
    y = y * z2 + 0.15384615384615385
    y = y * z2 + 0.18181818181818182
    y = y * z2 + 0.2222222222222222
    y = y * z2 + 0.2857142857142857
    y = y * z2 + 0.4
    y = y * z2 + 0.6666666666666666
    low = np.float64(n) * 1.9082149292705877e-10
    return np.float64(n) * 0.6931471803691238 + (y * z2 * z + low + 2.0 * z)


def sqrt_exact(x):
    """The square root, correctly rounded in either type."""
    return np.sqrt(x)


def real_float32(x):
    """A whole number as float32."""
    return np.float32(x)


def real_float64(x):
    """A whole number as float64."""
    return np.float64(x)


def fraction_float32(word, more):
    """Two 32-bit words as a number in [0, 1), a multiple of 2^-24."""
    return np.float32(word >> 8) * 5.9604644775390625e-08


def fraction_float64(word, more):
    """The same in float64, a multiple of 2^-53."""
    return np.float64(word >> 8) * 5.9604644775390625e-08 + np.float64(more >> 3) * TWO_TO_MINUS_53


fraction = fraction_float64


def whole(x):
    """A number without its fraction. NaN is no error: it becomes what the processor makes of it."""
    return int(np.int64(x))


def floor(x):
    """The largest whole number that is not above x."""
    below = int(x)
    return below - 1 if below > x > -9e18 else below


def ceil(x):
    """The smallest whole number that is not below x."""
    above = int(x)
    return above + 1 if above < x < 9e18 else above


def floor_real(x):
    """`floor` as a number of the state's type; NaN, infinite and large numbers stay as they are."""
    return real(floor(x)) if abs(x) < 1e15 else x


def ceil_real(x):
    """`ceil` as a number of the state's type; NaN, infinite and large numbers stay as they are."""
    return real(ceil(x)) if abs(x) < 1e15 else x


def size(x):
    """The absolute value."""
    return abs(x)


def is_nan(x):
    """Whether x is NaN."""
    return x != x


def is_finite(x):
    """Whether x is a finite number: not infinite, and not NaN."""
    return x - x == 0.0


class Exponent:
    """The n of ``x ** n`` in plain Python, which multiplies in the same order as Numba does."""

    __array_ufunc__ = None  # NumPy's numbers leave the operation to this class

    def __init__(self, n: int):
        self.n = n

    def __repr__(self) -> str:
        return str(self.n)

    def __rpow__(self, x: Any) -> Any:
        n, power = self.n, type(x)(1)
        while n:
            if n & 1:
                power = power * x
            x, n = x * x, n >> 1
        return power


OF_FLOAT32: dict[Callable, Callable] = {**elementary.OF_FLOAT32, fraction_float64: fraction_float32}
"""What takes the place of a function in a body of float32."""

PRIMITIVES: dict[str, dict[Callable, Callable]] = {
    dtype: {
        math.exp: exp,
        np.exp: exp,
        **elementary.SHARED,
        **numbers,
        clamped_log: log,
        math.sqrt: sqrt_exact,
        np.sqrt: sqrt_exact,
        math.floor: floor,
        np.floor: floor_real,
        math.ceil: ceil,
        np.ceil: ceil_real,
        math.fabs: size,
        np.abs: size,
        math.isnan: is_nan,
        np.isnan: is_nan,
        math.isfinite: is_finite,
        np.isfinite: is_finite,
        int: whole,
        float: real,
    }
    for dtype, exp, log, real, numbers in (
        ("float32", exp_float32, clamped_log_float32, real_float32, OF_FLOAT32),
        ("float64", exp_float64, clamped_log_float64, real_float64, {}),
    )
}
"""A function that users call → the one, of this module or of `elementary`, that replaces it."""

EXACT: tuple[Any, ...] = (
    np.float32,
    np.float64,
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
)
"""NumPy's number types, which mean the same on every backend."""
