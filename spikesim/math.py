"""All functions that a body may call, in one place.

    from spikesim.math import exp, normal, tanh

Functions of Python's `math` are the same objects here, so ``from math import tanh`` or ``np.tanh``
work as well. In a body they give the same bits on every backend; outside of a body they are
Python's. `normal` and `uniform` draw random numbers, `real` turns a whole number into one of the
network's type, and `sigmoid` is 1 / (1 + exp(-x)).
"""

from math import (
    atan,
    ceil,
    cos,
    cosh,
    e,
    erf,
    erfc,
    exp,
    expm1,
    fabs,
    floor,
    inf,
    isfinite,
    isnan,
    log,
    log1p,
    log2,
    log10,
    nan,
    pi,
    pow,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    trunc,
)

from spikesim.kernels.draws import normal, uniform
from spikesim.kernels.functions import real, sigmoid

__all__ = [
    "atan",
    "ceil",
    "cos",
    "cosh",
    "e",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "fabs",
    "floor",
    "inf",
    "isfinite",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "nan",
    "normal",
    "pi",
    "pow",
    "real",
    "sigmoid",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
    "uniform",
]
