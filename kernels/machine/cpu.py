"""The backend for one core: Numba compiles the bodies, and a loop over steps calls them.

`spikesim.kernels.machine.native` says how programs run, and `spikesim.kernels.machine.compiling`
how they are compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from spikesim.kernels.functions import prefetch
from spikesim.kernels.lists import add_rows, any_set, append_set, count_below
from spikesim.kernels.machine.jobs import Given, Loop, Recipe
from spikesim.kernels.machine.joining import is_joined
from spikesim.kernels.machine.lowering import Lowering
from spikesim.kernels.machine.native import Native
from spikesim.kernels.machine.program import Source

__all__ = ["FAILURES", "FEW", "JOINS", "PARTS", "STAGES", "build", "each", "lowering"]

PARTS = 1

JOINS = True

STAGES = False

FEW = 8
"""A loop that a program has more often than this is called: inlining it would take minutes."""

FAILURES: tuple = ()


def lowering(dtype: str) -> Lowering:
    """Lowering to functions that can be compiled."""
    return _lowering(dtype).afresh()


@cache
def _lowering(dtype: str) -> Lowering:
    given: dict[Callable, Any] = {
        f: Given(f.__name__) for f in (add_rows, any_set, append_set, count_below, prefetch)
    }
    return Lowering(partial(Recipe.of, dtype=dtype), dtype, ready=given)


def each(
    lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
) -> tuple[Loop, str]:
    """The loop over one Phase, which the program uses `times` times, and a hash of what it does."""
    digest = f"{lower.digest(body)} {lower.digest(over)}"
    loop = Loop(lower(body), lower(over), "core", times <= FEW, digest, is_joined(body))
    return loop, digest


def build(source: Source, names: dict[str, Any], key: str) -> Native:
    """Make the object that runs calls of a program."""
    return Native(source, names)
