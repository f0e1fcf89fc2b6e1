"""Finds bodies that draw random numbers, and refuses those that draw the same one twice.

Two calls of `normal` for the same index and step give the same number, unless they have different
draws: ``normal(s, i)`` and ``normal(s, i, 1)``. A body in which two calls have the same draw is
refused; calls in the functions that it calls count, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from spikesim.kernels.draws import DRAWS
from spikesim.kernels.machine.bytecode import global_names, instructions
from spikesim.kernels.machine.lowering import LoweringError, is_ours

__all__ = ["check_draws", "draws"]

_LARGEST = 65535


class _Call(NamedTuple):
    """A call of a global name, or of an attribute of one."""

    name: str
    attribute: str
    line: int | None
    arguments: int  # -1 if it is not an ordinary call
    last: Any  # the last argument, if it is a constant


def draws(body: Callable) -> bool:
    """Whether a body, or a function that it calls, draws by `spikesim.kernels.draws`."""
    return any(True for _ in _calls(body, ()))


def check_draws(body: Callable) -> None:
    """Refuse a body in which two calls would give the same number.

    Raises
    ------
    LoweringError
        If there are two such calls; the message names the line of the second.
    """
    seen: set[tuple[Callable, int]] = set()
    for function, where, call in _calls(body, ()):
        name = function.__name__
        place = f"(line {call.line} of {where.__code__.co_filename})"
        what = f"{where.__module__}.{where.__qualname__}"
        if call.arguments not in (2, 3):
            raise LoweringError(
                f"{what} uses {name} in an unusual way; write {name}(s, i), or {name}(s, i, 1) "
                f"with a number for each call, without keywords and 'if' {place}."
            )
        draw = 0 if call.arguments == 2 else call.last
        if draw is None:  # it comes from a variable
            continue
        if type(draw) is not int or not 0 <= draw <= _LARGEST:
            raise LoweringError(
                f"{what} calls {name} with the number {draw!r} of a draw; it has to be a whole one "
                f"from 0 to {_LARGEST} {place}."
            )
        if (function, draw) in seen:
            again = f"{name}(s, i)" if draw == 0 else f"{name}(s, i, {draw})"
            raise LoweringError(
                f"{what} draws {again} again, which would be the same number; give each call in a "
                f"body and in what it calls a number of its own, as in {name}(s, i, {draw + 1}) "
                f"{place}."
            )
        seen.add((function, draw))


def _calls(function: Any, within: tuple[Any, ...]) -> Iterator[tuple[Callable, Any, _Call]]:
    """All calls that draw, each with its function, as often as that function is called."""
    for call in _of_names(function.__code__):
        value = function.__globals__.get(call.name)
        if isinstance(value, ModuleType):
            value = getattr(value, call.attribute, None)
        elif call.attribute:
            continue
        if any(value is one for one in DRAWS):
            yield value, function, call
        elif isinstance(value, FunctionType) and not is_ours(value) and value not in within:
            yield from _calls(value, (*within, function))


@lru_cache(maxsize=4096)
def _of_names(code: CodeType) -> list[_Call]:
    """The uses of global names in byte code."""
    steps = instructions(code)
    found = []
    for use in global_names(steps):
        positions = steps[use.k].positions
        line = positions.lineno if positions else None
        arguments, last = -1, None
        if use.call is not None:
            arguments, before = int(steps[use.call].arg or 0), steps[use.call - 1]
            last = before.argval if before.opname in ("LOAD_CONST", "LOAD_SMALL_INT") else None
        found.append(_Call(use.name, use.attribute, line, arguments, last))
    return found
