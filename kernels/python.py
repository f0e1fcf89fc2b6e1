"""The backend without a compiler: every body runs as plain Python, step by step.

Slow, easy to debug, and the reference that the compiled backends have to equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from spikesim.kernels import program
from spikesim.kernels.functions import Exponent
from spikesim.kernels.lowering import Lowering

__all__ = ["FAILURES", "PARTS", "build", "each", "is_ready", "lowering"]

PARTS = 1

FAILURES: tuple = ()


def lowering(dtype: str) -> Lowering:
    """Lowering that binds and types functions, and leaves them plain."""
    return Lowering(lambda function: function, dtype, exponent=Exponent)


def each(
    lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
) -> tuple[Callable, str]:
    """The loop over one Phase."""
    scope = {"body": lower(body), "over": lower(over), "range": range}
    return FunctionType(program.each.__code__, scope, "each"), ""


def build(source: program.Source, names: dict[str, Any], key: str) -> Callable:
    """What runs calls of a program."""
    scope = dict(names)
    exec(source.text(), scope)
    run = scope["run"]

    def run_all(calls: Sequence[program.Call]) -> None:
        with np.errstate(all="ignore"):  # as compiled: a network looks for NaN and infinity itself
            for call in calls:
                # Whole numbers as Python's own, which take the type of what they meet.
                run(call.first, call.steps, call.arrays, call.reals, call.wholes.tolist())

    return run_all


def is_ready(key: str) -> bool:
    """Whether a program would run at once: plain Python always does."""
    return True
