"""The backend without a compiler: every body runs as plain Python, step by step.

Slow, easy to debug, and the reference that the compiled backends have to equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from spikesim.kernels.fetching import LEFT_OUT
from spikesim.kernels.functions import Exponent
from spikesim.kernels.machine import program
from spikesim.kernels.machine.lowering import Lowering

__all__ = ["FAILURES", "JOINS", "PARTS", "STAGES", "build", "each", "lowering"]

PARTS = 1

JOINS = False

STAGES = False

FAILURES: tuple = ()


def lowering(dtype: str, ready: dict[Callable, Callable] | None = None) -> Lowering:
    """Lowering that binds and types functions but leaves them plain; `ready` ones it takes."""
    return Lowering(lambda function: function, dtype, LEFT_OUT, ready, Exponent)


def each(
    lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
) -> tuple[Callable, str]:
    """The loop over one Phase."""
    scope = {"body": lower(body), "over": lower(over), "range": range}
    return FunctionType(program.each.__code__, scope, "each"), ""


def build(source: program.Source, names: dict[str, Any], key: str) -> Plain:
    """Make the object that runs calls of a program."""
    scope = dict(names)
    exec(source.text(), scope)
    return Plain(scope["run"])


class Plain:
    """Runs calls of a program; there is nothing to be compiled."""

    is_ready = True
    tier = "python"

    def __init__(self, run: Callable):
        self._run = run

    def prepare(self, report: Any = None) -> None:
        """Do nothing."""

    def __call__(self, calls: Sequence[program.Call]) -> None:
        with np.errstate(all="ignore"):  # like compiled code; the network itself looks for NaN
            for call in calls:
                # Python's own whole numbers, as they take the type of what they are combined with.
                self._run(call.first, call.steps, call.arrays, call.reals, call.wholes.tolist())
