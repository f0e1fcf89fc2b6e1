"""Elementary functions that give the same bits in plain Python and compiled, and that vectorise.

A body writes ``log(x)`` or ``np.tanh(x)`` with the functions of `math` or NumPy. Lowering binds the
name to a function below (`spikesim.kernels.functions.PRIMITIVES`). Each function is written once,
for both types. The types differ only in how a number is taken apart. For this there are pairs of
functions below, of which a lowered body gets the one for its type. The polynomials are
interpolations at Chebyshev's points whose errors are below the rounding of float64.

Outside of their range all are as in NumPy. An argument without a value gives NaN; an argument at a
pole, or a result that is too large, gives infinity. Unlike Python's `math`, they raise no errors.
NaN gives NaN. The sine, the cosine and the tangent of angles above 1e5 in float32, or 1e9 in
float64, are NaN, as few digits of such an angle are left when turns are taken off. Their bounds are
absolute beyond the first turn. Bounds of errors, in units of the last place
(tests/test_elementary.py):

    log, log1p, expm1     2          sin, cos    2          erf     3
    log2, log10           2.5        tan         4          erfc    5
    sinh, cosh, tanh      3          atan        3          pow     1.5 + 1.5 |y|
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

__all__ = ["OF_FLOAT32", "SHARED"]

INFINITY = math.inf
NAN = math.nan
LN_2_HIGH = 0.693359375  # nine bits: its products with exponents are exact
LN_2_LOW = -0.00021219444005469057
LN_2 = 0.6931471805599453
LOG2_E = 1.4426950408889634
LOG10_2 = 0.3010299956639812
LOG10_E = 0.4342944819032518
HALF_PI = 1.5707963267948966
QUARTER_PI = 0.7853981633974483

# ------------------------------------------------------------ numbers taken apart, in both types


def split_float32(x):
    """x = 2^n m with m in [0.7, 1.41), of a positive number that is not denormal."""
    bits = np.float32(x).view(np.int32)
    n = np.int32(bits - np.int32(1060439283)) >> np.int32(23)
    return np.float32(n), np.int32(bits - np.int32(n << np.int32(23))).view(np.float32)


def split_float64(x):
    """The same in float64."""
    bits = np.float64(x).view(np.int64)
    n = np.int64(bits - np.int64(4604544271217802189)) >> np.int64(52)
    return np.float64(n), np.int64(bits - np.int64(n << np.int64(52))).view(np.float64)


def nearest_float32(x):
    """The whole number nearest to x, the even one in a tie; for |x| up to 2^22."""
    return (np.float32(x) + 12582912.0) - 12582912.0


def nearest_float64(x):
    """The same in float64, for |x| up to 2^51."""
    return (np.float64(x) + 6755399441055744.0) - 6755399441055744.0


def last_bits_float32(n):
    """A whole number n, given as a real number, as an integer; for |n| up to 2^22."""
    return np.float32(np.float32(n) + 12582912.0).view(np.int32)


def last_bits_float64(n):
    """The same in float64, for |n| up to 2^51."""
    return np.float64(np.float64(n) + 6755399441055744.0).view(np.int64)


def scaled_float32(y, n):
    """Y 2^n; infinite or 0 where it has to be, so that n is cut off at 252."""
    n = min(max(n, -252.0), 252.0)
    half = nearest(0.5 * n)
    return y * power_of_two(half) * power_of_two(n - half)


def scaled_float64(y, n):
    """The same in float64, where n is cut off at 2000."""
    n = min(max(n, -2000.0), 2000.0)
    half = nearest(0.5 * n)
    return y * power_of_two(half) * power_of_two(n - half)


def power_of_two_float32(n):
    """2^n with |n| up to 126: n is in the last bits and is shifted to the place of exponents."""
    shifted = last_bits_float32(n) << np.int32(23)
    return np.int32(shifted + np.int32(1065353216)).view(np.float32)


def power_of_two_float64(n):
    """The same in float64, with |n| up to 1022."""
    shifted = last_bits_float64(n) << np.int64(52)
    return np.int64(shifted + np.int64(4607182418800017408)).view(np.float64)


def upper_half_float32(x):
    """X without the last half of its digits: the square of that is exact."""
    return np.int32(np.float32(x).view(np.int32) & np.int32(-4096)).view(np.float32)


def upper_half_float64(x):
    """The same in float64."""
    return np.int64(np.float64(x).view(np.int64) & np.int64(-134217728)).view(np.float64)


def quarter_turns_float32(x):
    """The number of quarter turns nearest to x, and the rest of x (Cody & Waite 1980).

    Pi / 2 is a sum of four numbers, of which the first three have so few digits that their products
    with the number of quarters are exact.
    """
    n = nearest(np.float32(x) * 0.6366197723675814)
    left = x - n * 1.5703125
    left = left - n * 0.0004825592041015625
    left = left - n * 1.2665987014770508e-06
    left = left - n * 9.920935796805404e-10
    return n, left if abs(x) <= 1e5 else NAN


def quarter_turns_float64(x):
    """The same in float64, with three numbers."""
    n = nearest(np.float64(x) * 0.6366197723675814)
    left = x - n * 1.570796251296997
    left = left - n * 7.549789415861596e-08
    left = left - n * 5.390302858158119e-15
    return n, left if abs(x) <= 1e9 else NAN


def largest_fraction_float32():
    """From this number on, every number is whole."""
    return np.float32(8388608.0)


def largest_fraction_float64():
    """The same in float64."""
    return np.float64(4503599627370496.0)


def smallest_normal_float32():
    """Numbers below this one are denormal, with fewer digits."""
    return np.float32(1.1754943508222875e-38)


def smallest_normal_float64():
    """The same in float64."""
    return np.float64(2.2250738585072014e-308)


# What these names stand for in a body of float64; in one of float32, the functions of that type.
split = split_float64
nearest = nearest_float64
last_bits = last_bits_float64
scaled = scaled_float64
power_of_two = power_of_two_float64
upper_half = upper_half_float64
quarter_turns = quarter_turns_float64
largest_fraction = largest_fraction_float64
smallest_normal = smallest_normal_float64


# -------------------------------------------------------------------------- logarithms, powers


def log_of_part(m):
    """log(m) for m in [0.7, 1.41]: with f = m - 1 and s = f / (2 + f), a series of artanh(s)."""
    f = m - 1.0
    s = f / (2.0 + f)
    q = s * s
    high = (0.14617030179074686 * q + 0.15331673357828998) * q + 0.1818289062276269
    low = (high * q + 0.2222221111347756) * q + 0.2857142862611164
    series = ((low * q + 0.39999999999899194) * q + 0.666666666666667) * q
    half = 0.5 * f * f
    return f - (half - s * (half + series))


def split_any(x):
    """As `split`, for any positive number."""
    is_denormal = x < smallest_normal()
    n, m = split(x * largest_fraction() * 2.0 if is_denormal else x)
    return n - split(largest_fraction() * 2.0)[0] if is_denormal else n, m


def at_the_ends(x, y):
    """Y, which is a logarithm of x, but where x is not positive or infinite."""
    y = y if x < INFINITY else x
    y = y if x > 0.0 else NAN
    return -INFINITY if x == 0.0 else y


def log(x):
    """The natural logarithm; -inf for 0, NaN below."""
    x = float(x)
    n, m = split_any(x)
    return at_the_ends(x, n * LN_2_HIGH + (log_of_part(m) + n * LN_2_LOW))


def log2(x):
    """The logarithm to the base 2."""
    x = float(x)
    n, m = split_any(x)
    return at_the_ends(x, n + log_of_part(m) * LOG2_E)


def log10(x):
    """The logarithm to the base 10."""
    x = float(x)
    n, m = split_any(x)
    return at_the_ends(x, n * LOG10_2 + log_of_part(m) * LOG10_E)


def log1p(x):
    """log(1 + x); the part of a small x that the sum loses is added."""
    x = float(x)
    u = 1.0 + x
    return log(u) - ((u - 1.0) - x) / u if 0.0 < u < INFINITY else log(u)


def grown(r):
    """exp(r) - 1 with r in [-ln(2) / 2, ln(2) / 2]."""
    high = (2.0910301758806574e-09 * r + 2.510526587727234e-08) * r + 2.755729113582922e-07
    high = (high * r + 2.755725525560422e-06) * r + 2.4801587300898582e-05
    high = (high * r + 0.0001984126987497326) * r + 0.0013888888888898424
    high = (high * r + 0.008333333333326066) * r + 0.04166666666666664
    return ((high * r + 0.1666666666666667) * r + 0.5) * (r * r) + r


def powers(x):
    """exp(x) = 2^n (1 + y); |x| is cut off where no digit would be left."""
    x = 1e4 if x > 1e4 else x
    x = -1e4 if x < -1e4 else x
    n = nearest(x * LOG2_E)
    return n, grown((x - n * LN_2_HIGH) - n * LN_2_LOW)


def power_of_e(x):
    """exp(x) with all digits and the whole range; the `exp` of bodies is faster but cut off."""
    n, y = powers(x)
    return scaled(1.0 + y, n)


def expm1(x):
    """exp(x) - 1, with all digits of a small x."""
    x = float(x)
    x = -40.0 if x < -40.0 else x
    n, y = powers(x)
    return scaled(y + (1.0 - scaled(1.0, -n)), n)


def power(x, y):
    """X to the power y, 2^n exp(r) with n whole and r small.

    With x = 2^k m, y k is split in two, so that subtracting n from it loses little.
    """
    x = float(x)
    y = float(y)
    size = abs(x)
    k, m = split_any(size)
    log_m = log_of_part(m)
    exponent = y * (k + log_m * LOG2_E)
    n = nearest(min(max(exponent, -4000.0), 4000.0))
    high = upper_half(y)
    grows = grown(((high * k - n) + (y - high) * k) * LN_2 + y * log_m)
    z = scaled(1.0 + grows, n)
    z = INFINITY if exponent > 1100.0 or (size == INFINITY and y > 0.0) else z
    z = 0.0 if exponent < -1100.0 or (size == INFINITY and y < 0.0) else z
    if size == 0.0:
        z = 0.0 if y > 0.0 else INFINITY
    z = NAN if x != x or y != y else z
    is_whole = round_real(y) == y
    is_odd = is_whole and round_real(0.5 * y) != 0.5 * y
    if x < 0.0:
        z = -z if is_odd else z
        z = z if is_whole or size == INFINITY else NAN
    z = 1.0 if size == 1.0 and abs(y) == INFINITY else z
    return 1.0 if y == 0.0 or x == 1.0 else z


# ------------------------------------------------------------------------ circular, hyperbolic


def sine_of_part(r):
    """sin(r) with r in [-pi / 4, pi / 4]."""
    q = r * r
    high = (1.5916762374967269e-10 * q - 2.5051112963921413e-08) * q + 2.7557316012952968e-06
    low = (high * q - 0.00019841269836589855) * q + 0.008333333333330842
    return (low * q - 0.16666666666666666) * q * r + r


def cosine_of_part(r):
    """cos(r) with r in [-pi / 4, pi / 4]."""
    q = r * r
    high = (-1.1381714497893979e-11 * q + 2.0876133357601025e-09) * q - 2.7557317208804795e-07
    low = (high * q + 2.480158729864215e-05) * q - 0.0013888888888887315
    return (low * q + 0.041666666666666664) * (q * q) + (1.0 - 0.5 * q)


def sin(x):
    """The sine of an angle in radians."""
    n, r = quarter_turns(float(x))
    quarters = last_bits(n)
    y = cosine_of_part(r) if quarters & 1 == 1 else sine_of_part(r)
    return -y if quarters & 2 == 2 else y


def cos(x):
    """The cosine of an angle in radians."""
    n, r = quarter_turns(float(x))
    quarters = last_bits(n + 1.0)
    y = cosine_of_part(r) if quarters & 1 == 1 else sine_of_part(r)
    return -y if quarters & 2 == 2 else y


def tan(x):
    """The tangent of an angle in radians."""
    n, r = quarter_turns(float(x))
    y = sine_of_part(r)
    z = cosine_of_part(r)
    return -z / y if last_bits(n) & 1 == 1 else y / z


def atan(x):
    """The angle in [-pi / 2, pi / 2] whose tangent is x."""
    x = float(x)
    size = abs(x)
    is_large = size > 2.414213562373095
    is_small = size <= 0.41421356237309503
    middle = (size - 1.0) / (size + 1.0) if size < INFINITY else size
    z = -1.0 / size if is_large else middle
    z = size if is_small else z
    begin = HALF_PI if is_large else QUARTER_PI
    begin = 0.0 if is_small else begin
    q = z * z
    high = (-0.019177096185247947 * q + 0.03923181467626655) * q - 0.05085454732907038
    high = (high * q + 0.05858149823169957) * q - 0.0666451155507743
    high = (high * q + 0.076921831996609) * q - 0.09090904578621607
    low = (high * q + 0.1111111101527361) * q - 0.14285714284666834
    low = (low * q + 0.1999999999999552) * q - 0.3333333333333333
    y = begin + (low * q * z + z)
    return -y if x < 0.0 else y


def sinh(x):
    """The hyperbolic sine."""
    x = float(x)
    size = abs(x)
    t = expm1(min(size, 20.0))
    half = power_of_e(0.5 * size)
    y = 0.5 * half * half if size > 20.0 else 0.5 * (t + t / (t + 1.0))
    y = y if x == x else x
    return -y if x < 0.0 else y


def cosh(x):
    """The hyperbolic cosine."""
    x = float(x)
    size = abs(x)
    e = power_of_e(min(size, 20.0))
    half = power_of_e(0.5 * size)
    y = 0.5 * half * half if size > 20.0 else 0.5 * (e + 1.0 / e)
    return y if x == x else x


def tanh(x):
    """The hyperbolic tangent."""
    x = float(x)
    t = expm1(2.0 * min(abs(x), 20.0))
    y = t / (t + 2.0)
    y = y if x == x else x
    return -y if x < 0.0 else y


# --------------------------------------------------------------------------- the error function


def erf_of_part(x):
    """erf(x) with x in [-1, 1]."""
    q = x * x
    y = (5.31879497709899e-11 * q - 1.0983110489458061e-09) * q + 1.4555498550040424e-08
    y = (y * q - 1.633425292460253e-07) * q + 1.6459428026339451e-06
    y = (y * q - 1.4925493238192845e-05) * q + 0.00012055326674827064
    y = (y * q - 0.0008548326852916053) * q + 0.0052239776224521665
    y = (y * q - 0.026866170644813076) * q + 0.11283791670953297
    y = (y * q - 0.3761263890318371) * q + 1.1283791670955126
    return x * y


def erfc_of_rest(x):
    """erfc(x) with x of 1/2 or more, from a polynomial in (x - 3) / (x + 3).

    The polynomial is for (1 + 2 x) exp(x^2) erfc(x), which varies by less than a factor of 2. For
    x^2, the square of the first half of the digits is exact; the rest is small.
    """
    x = min(x, 30.0)
    u = (x - 3.0) / (x + 3.0)
    y = (8.618024203067453e-09 * u + 7.125853156479538e-08) * u - 8.421992490717922e-08
    y = (y * u - 5.841049761692206e-07) * u + 3.030453226363866e-07
    y = (y * u + 3.4525404677918622e-06) * u - 7.012338976610097e-07
    y = (y * u - 2.0092988644445248e-05) * u + 4.938794546385985e-06
    y = (y * u + 0.00012509749046705826) * u - 0.00010515741461480954
    y = (y * u - 0.0007798319781926064) * u + 0.0018886900309443798
    y = (y * u + 0.002529391787291205) * u - 0.023770514892476422
    y = (y * u + 0.06830802734558568) * u - 0.119273663416373
    y = (y * u + 0.1296451587027177) * u - 0.047562294353433975
    y = (y * u - 0.1356211061245808) * u + 1.2530080582697296
    first = upper_half(x)
    bell = power_of_e(-first * first) * power_of_e((first - x) * (first + x))
    return bell * (y / (1.0 + 2.0 * x))


def erf(x):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    x = float(x)
    size = abs(x)
    y = erf_of_part(size) if size < 1.0 else 1.0 - erfc_of_rest(size)
    y = y if x == x else x
    return -y if x < 0.0 else y


def erfc(x):
    """1 - erf(x), with all digits of a large x."""
    x = float(x)
    size = abs(x)
    rest = erfc_of_rest(size)
    y = 1.0 - erf_of_part(x) if size < 0.5 else rest
    y = 2.0 - rest if x <= -0.5 else y
    return y if x == x else x


# ------------------------------------------------------------------------------------- rounding


def round_real(x):
    """The nearest whole number, the even one in a tie, as a real number."""
    x = float(x)
    size = abs(x)
    y = (size + largest_fraction()) - largest_fraction() if size < largest_fraction() else size
    return -y if x < 0.0 else y


def round_whole(x):
    """The same as a whole number."""
    return int(np.int64(round_real(x)))


def truncate(x):
    """A number without its fraction, as a real number."""
    x = float(x)
    size = abs(x)
    y = round_real(size)
    y = y - 1.0 if y > size else y
    return -y if x < 0.0 else y


def truncate_whole(x):
    """The same as a whole number."""
    return int(np.int64(float(x)))


def sign(x):
    """1, 0 or -1."""
    x = float(x)
    y = 1.0 if x > 0.0 else x
    return -1.0 if x < 0.0 else y


OF_FLOAT32: dict[Callable, Callable] = {
    split_float64: split_float32,
    nearest_float64: nearest_float32,
    last_bits_float64: last_bits_float32,
    scaled_float64: scaled_float32,
    power_of_two_float64: power_of_two_float32,
    upper_half_float64: upper_half_float32,
    quarter_turns_float64: quarter_turns_float32,
    largest_fraction_float64: largest_fraction_float32,
    smallest_normal_float64: smallest_normal_float32,
}
"""A function → the function that replaces it in a body of float32."""

SHARED: dict[Callable, Callable] = {
    math.log: log,
    np.log: log,
    math.log2: log2,
    np.log2: log2,
    math.log10: log10,
    np.log10: log10,
    math.log1p: log1p,
    np.log1p: log1p,
    math.expm1: expm1,
    np.expm1: expm1,
    math.pow: power,
    np.power: power,
    np.float_power: power,
    pow: power,
    math.sin: sin,
    np.sin: sin,
    math.cos: cos,
    np.cos: cos,
    math.tan: tan,
    np.tan: tan,
    math.atan: atan,
    np.arctan: atan,
    math.sinh: sinh,
    np.sinh: sinh,
    math.cosh: cosh,
    np.cosh: cosh,
    math.tanh: tanh,
    np.tanh: tanh,
    math.erf: erf,
    math.erfc: erfc,
    round: round_whole,
    np.round: round_real,
    np.rint: round_real,
    math.trunc: truncate_whole,
    np.trunc: truncate,
    np.sign: sign,
}
"""A function that users call → the one that is lowered in its place, in either type."""
