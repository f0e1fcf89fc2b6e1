"""Which arrays of its state a body may write to, found by reading its code, not by running it.

An array that a body only reads can be replaced by another, such as an input plus its stimuli.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["written"]

_STATE = ""  # the tag of the state itself; those of its arrays are their names
_S = 2  # which argument of a body the state is


def written(body: Callable) -> frozenset[str]:
    """The names of the arrays that ``body(i, t, s, p)`` or a function that it calls may write to.

    An array that is passed on under another name counts, too, wherever it is written to.

    Examples
    --------
    >>> def step(i, t, s, p):
    ...     s.v[i] += s.I[i]
    >>> sorted(written(step))
    ['v']
    """
    tags: list[frozenset[str]] = [frozenset()] * body.__code__.co_argcount
    tags[_S] = frozenset([_STATE])
    return _writes(body, tuple(tags), ())


def _writes(
    function: Any, given: tuple[frozenset[str], ...], callers: tuple[Any, ...]
) -> frozenset[str]:
    """The arrays to which a function writes; its arguments may be the state or some arrays."""
    from numba.core import compiler, errors, ir

    if function in callers or not any(given):
        return frozenset()
    try:
        code = compiler.run_frontend(function)
    except errors.NumbaError:  # it is refused, with a message, when it is to be run
        return frozenset()
    statements = [each for block in code.blocks.values() for each in block.body]
    tags: dict[str, frozenset[str]] = {}
    objects: dict[str, Any] = {}  # functions and modules
    found: frozenset[str] = frozenset()
    none: frozenset[str] = frozenset()

    def of(variable: Any) -> frozenset[str]:
        return tags.get(getattr(variable, "name", variable), none)

    def result(value: Any) -> frozenset[str]:
        nonlocal found
        if isinstance(value, ir.Arg):
            return given[value.index] if value.index < len(given) else none
        if isinstance(value, ir.Var):
            return of(value)
        if not isinstance(value, ir.Expr):
            return none
        if value.op == "getattr":
            return frozenset([value.attr]) if _STATE in of(value.value) else none
        if value.op == "cast":
            return of(value.value)
        if value.op != "call":
            return none
        passed = tuple(map(of, value.args))
        called = objects.get(value.func.name)
        if isinstance(called, FunctionType):
            found |= _writes(called, passed, (*callers, function))
        return frozenset().union(*passed) - {_STATE}  # it may return one of its arguments

    before = None
    while before != (before := (dict(tags), len(objects), found)):
        for each in statements:
            if isinstance(each, ir.Assign):
                name, value = each.target.name, each.value
                tags[name] = of(name) | result(value)
                objects.update((name, it) for it in _object(value, objects))
            elif isinstance(each, (ir.SetItem, ir.StaticSetItem)):
                found |= of(each.target) - {_STATE}
    return found


def _object(value: Any, objects: dict[str, Any]) -> list[Any]:
    """The function or module that an expression names, if any."""
    from numba.core import ir

    if isinstance(value, (ir.Global, ir.FreeVar)):
        return [value.value]
    if isinstance(value, ir.Var):
        return [objects[value.name]] if value.name in objects else []
    if isinstance(value, ir.Expr) and value.op == "getattr":
        owner = objects.get(value.value.name)
        if isinstance(owner, ModuleType) and hasattr(owner, value.attr):
            return [getattr(owner, value.attr)]
    return []
