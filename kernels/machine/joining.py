"""Consecutive Phases over the same neurons become one: one pass over memory instead of several.

    for i in range(n): first(i, t, s, p)              for i in range(n):
    for i in range(n): second(i, t, s, p)      →          first(i, t, s, p)
                                                          second(i, t, s, p)

The numbers stay the same, to the bit, if no call touches what another index reads or sets. So
Phases are joined only if the byte code of their bodies shows that all they do with the state is to
read and set ``s.NAME[i]``, and if no two of these arrays overlap in memory. The backend `python`
joins nothing, so that tests can compare the others with it.

A body that compilers do not vectorise would keep others from being vectorised. So none is joined
that has a loop, or a call of a plain function on one side of a branch.
"""

from __future__ import annotations

import dis
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from spikesim.kernels.machine.differing import of_neuron
from spikesim.kernels.machine.states import place_of

if TYPE_CHECKING:
    from spikesim.kernels.machine.program import Phase

__all__ = ["are_apart", "has_own_elements", "is_joined", "joined"]


_ELEMENTS = "BINARY_SUBSCR", "STORE_SUBSCR"
"""Operations with an element, beside ``[]`` in new versions, and COPY 2 in the middle of ``+=``."""


def joined(phases: Iterable[Phase]) -> list[Phase]:
    """The same Phases, but those that can be one are one."""
    groups: list[list[Phase]] = []
    for phase in phases:
        if groups and _may_join(groups[-1][0], phase):
            groups[-1].append(phase)
        else:
            groups.append([phase])
    return [_one(group) for group in groups]


def is_joined(body: Any) -> bool:
    """Whether `joined` has made a body of several."""
    return isinstance(body, FunctionType) and body.__module__ == __name__


def _one(group: Sequence[Phase]) -> Phase:
    """One Phase for all of a group."""
    first, *others = group
    if not others:
        return first
    inputs = dict.fromkeys(name for phase in group for name in phase.inputs)
    body = _one_after_another(tuple(phase.body for phase in group))
    return first._replace(body=body, inputs=tuple(inputs))


@lru_cache(maxsize=1024)
def _one_after_another(bodies: tuple[Any, ...]) -> FunctionType:
    """A body that calls others in order."""
    names = [f"body_{k}" for k in range(len(bodies))]
    calls = [f"    {name}(i, t, s, p)" for name in names]
    compiled = compile("\n".join(["def all(i, t, s, p):", *calls]), __file__, "exec")
    code = next(each for each in compiled.co_consts if isinstance(each, CodeType))
    scope = {"__name__": __name__, **dict(zip(names, bodies, strict=True))}
    return FunctionType(code, scope, bodies[0].__name__)


def _may_join(one: Phase, other: Phase) -> bool:
    """Whether two Phases touch, for each index, elements that are touched for no other index."""
    return (
        one.neurons is not None
        and one.neurons is other.neurons
        and one.over is other.over
        and one.params is other.params
        and one.dtype == other.dtype
        and _places(one) == _places(other)
        and all(has_own_elements(each.body) and is_straight(each.body) for each in (one, other))
        and are_apart(one.state.values())
    )


def _places(phase: Phase) -> list[tuple[str, int, str]]:
    """The name of each array, the dict that holds it, and its name there."""
    places = [(name, *place_of(phase.state, name)) for name in phase.state]
    return [(name, id(held), there) for name, held, there in places]


def are_apart(arrays: Iterable[np.ndarray]) -> bool:
    """Whether no two different arrays overlap in memory.

    Examples
    --------
    >>> v = np.zeros(8)
    >>> are_apart([v[:4], v[4:]]), are_apart([v[:5], v[4:]])
    (True, False)
    """
    distinct = {id(array): array for array in arrays if array.size > 0}
    ranges = sorted(map(byte_bounds, distinct.values()))
    return all(end <= begin for (_, end), (begin, _) in pairwise(ranges))


# ----------------------------------------------------------------------------------- byte code


def has_own_elements(body: Any) -> bool:
    """Whether all that a body does with the state is to read and set elements of its index.

    Examples
    --------
    >>> def decay(i, t, s, p):
    ...     s.v[i] *= p.decay
    >>> def spread(i, t, s, p):
    ...     s.w[i] = s.v[i - 1]
    >>> has_own_elements(decay), has_own_elements(spread)
    (True, False)
    """
    return isinstance(body, FunctionType) and _has_own_elements(of_neuron(body).__code__)


@lru_cache(maxsize=4096)
def _has_own_elements(code: CodeType) -> bool:
    if code.co_argcount != 4:
        return False
    index, _, state, _ = code.co_varnames[:4]
    steps = [*_steps(code), *3 * [("end", None)]]
    for k, (how, what) in enumerate(steps):
        if how == "set" and what in (index, state):
            return False
        if how == "get" and what == state:
            attribute, at, element = steps[k + 1 : k + 4]
            if (attribute[0], at, element[0]) != ("attribute", ("get", index), "element"):
                return False
    return True


def is_straight(body: Any) -> bool:
    """Whether a body has no loop, and no branch with a call of a plain function.

    Examples
    --------
    >>> def last(i, t, s, p):
    ...     for k in range(3):
    ...         s.v[i] = k
    >>> def doubled(x):
    ...     return x + x
    >>> def grow(i, t, s, p):
    ...     s.v[i] = doubled(s.v[i])
    >>> is_straight(last), is_straight(grow)
    (False, True)
    """
    return _is_straight(of_neuron(body), frozenset())


def _is_straight(function: FunctionType, within: frozenset[FunctionType]) -> bool:
    has_loop, names, on_sides = _outline(function.__code__)
    called = _called(function, names) - within
    if has_loop or not called.isdisjoint(_called(function, on_sides)):
        return False
    return all(_is_straight(each, within | {function}) for each in called)


def _called(function: FunctionType, names: Iterable[str]) -> set[FunctionType]:
    """The plain functions that a function finds by these names, also within modules."""
    values = [function.__globals__.get(name) for name in names]
    modules = [value for value in values if isinstance(value, ModuleType)]
    values += [getattr(module, name, None) for module in modules for name in names]
    return {value for value in values if isinstance(value, FunctionType)}


@lru_cache(maxsize=4096)
def _outline(code: CodeType) -> tuple[bool, frozenset[str], frozenset[str]]:
    """Whether a function has a loop; the names of globals and attributes, all and in branches."""
    names, on_sides = set(), set()
    has_loop, end = False, 0
    for x in dis.get_instructions(code):
        if "BACKWARD" in x.opname:
            has_loop = True
        elif x.opcode in dis.hasjrel:
            end = max(end, x.argval)  # what is jumped over is one side of a branch
        if x.opname in ("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_METHOD"):
            names.add(x.argval)
            if x.offset < end:
                on_sides.add(x.argval)
    return has_loop, frozenset(names), frozenset(on_sides)


def _steps(code: CodeType) -> Iterator[tuple[str, Any]]:
    """What the instructions do, as far as it matters here, and with which name."""
    for x in dis.get_instructions(code):
        if x.opname in ("EXTENDED_ARG", "NOP", "CACHE"):
            continue
        if found := re.findall("(LOAD|STORE|DELETE)_FAST", x.opname):
            # From Python 3.13 on, one instruction may get or set two local variables.
            names = x.argval if isinstance(x.argval, tuple) else (x.argval,)
            for what, name in zip(found, names, strict=True):
                yield "get" if what == "LOAD" else "set", name
        elif x.opname == "LOAD_ATTR":
            yield "attribute", x.argval
        elif x.opname in _ELEMENTS or x.argrepr == "[]" or (x.opname, x.arg) == ("COPY", 2):
            yield "element", None
        else:
            yield "other", None
