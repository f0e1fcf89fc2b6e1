"""The backend for one core: bodies compiled by Numba and inlined into one loop.

Three choices keep a step within microseconds, each of them measured (benchmarks/engine.py):
functions are inlined by LLVM (``forceinline``) rather than called with their state on the stack; no
reference counting (nothing allocates inside the loop); no wrappers for functions that Python never
calls, which would take most of the compilation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import numba

from spikesim.kernels import program
from spikesim.kernels.cache import cached, in_cache
from spikesim.kernels.lowering import Lowering
from spikesim.kernels.precision import CHECKED

__all__ = [
    "FAILURES",
    "INNER",
    "OUTER",
    "PARTS",
    "build",
    "each",
    "function",
    "inner",
    "is_ready",
    "lowering",
]

PARTS = 1

INNER: dict[str, Any] = {
    "error_model": "numpy",
    "_nrt": False,
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
OUTER: dict[str, Any] = {
    "error_model": "numpy",
    "_nrt": False,
    "no_cfunc_wrapper": True,
    "nogil": True,
}

FEW = 8

FAILURES = (numba.core.errors.NumbaError,)

_loops: dict[tuple[Callable, Callable, bool], Callable] = {}
_programs: dict[str, Any] = {}


def lowering(dtype: str) -> Lowering:
    """Lowering that compiles for the CPU."""
    return _lowering(dtype).afresh()


@cache
def _lowering(dtype: str) -> Lowering:
    return Lowering(numba.njit(pipeline_class=CHECKED[dtype], **INNER), dtype)


def each(
    lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
) -> tuple[Callable, str]:
    """The compiled loop over one Phase, used so many times, and the hash of what it does."""
    loop = lower(body), lower(over), times > FEW
    if loop not in _loops:
        scope = {"body": loop[0], "over": loop[1]}
        function = FunctionType(program.each.__code__, scope, "each")
        _loops[loop] = numba.njit(**inner(times))(function)
    return _loops[loop], f"{lower.digest(body)} {lower.digest(over)}"


def inner(times: int) -> dict[str, Any]:
    """Options of a loop that a program has so many times.

    Inlined, unless there are so many that compilation would take minutes; a call takes 10 ns.
    """
    return {**INNER, "forceinline": times <= FEW}


def build(source: program.Source, names: dict[str, Any], key: str) -> Callable:
    """What runs calls of a program, compiled or from the kernel cache if it is there."""
    if key not in _programs:
        _programs[key] = cached(function(source.text(), names, key), OUTER)
    run = _programs[key]

    def run_all(calls: Sequence[program.Call]) -> None:
        for call in calls:
            run(*call[:5])

    return run_all


def function(text: str, names: dict[str, Any], key: str) -> Callable:
    """`run` of a program's text, to be compiled."""
    scope = dict(names)
    exec(compile(text, program.__file__, "exec"), scope)
    run = scope["run"]
    # The file and the qualified name are how Numba's disk cache knows the function again.
    run.__qualname__ = f"run_{key}"
    run.__module__ = program.__name__
    return run


def is_ready(key: str) -> bool:
    """Whether a program would run at once: compiled already, or found in the kernel cache."""
    run = _programs[key]
    return bool(run.signatures) or in_cache(run)
