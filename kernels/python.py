"""The backend without a compiler: every body runs as plain Python, step by step.

Slow, easy to debug, and the reference that the compiled backends have to equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from spikesim.kernels import program
from spikesim.kernels.lowering import Lowering

__all__ = ["FAILURES", "build", "each", "is_ready", "lowering"]

FAILURES: tuple = ()


@cache
def lowering(dtype: str) -> Lowering:
    """Lowering that binds and types functions, and leaves them plain."""
    return Lowering(lambda function: function, dtype)


def each(lower: Lowering, body: Callable, over: Callable) -> tuple[Callable, str]:
    """The loop over one Phase."""
    scope = {"body": lower(body), "over": lower(over), "range": range}
    return FunctionType(program.each.__code__, scope, "each"), ""


def build(source: str, names: dict[str, Any], key: str) -> Callable:
    """The function `run` of a program's source."""
    scope = dict(names)
    exec(source, scope)
    run = scope["run"]
    # Whole numbers as Python's own: NumPy's would warn where a hash is meant to wrap around.
    return lambda t0, n, arrays, reals, wholes: run(t0, n, arrays, reals, wholes.tolist())


def is_ready(key: str) -> bool:
    """Whether a program would run at once: plain Python always does."""
    return True
