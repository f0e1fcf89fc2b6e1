"""Which arrays of the state a function reads, and which it may write, as its byte code shows.

What cannot be followed counts as written: an array that a branch selects, for example, or one that
is passed to a function that is not written in Python. So the answer errs on one side only. Elements
are numbers for functions that are not written in Python, such as ``min`` or ``np.uint64``.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from spikesim.kernels.machine.bytecode import CALL, effect, global_names, instructions, is_jump

__all__ = ["Touched", "touched"]


class Touched(NamedTuple):
    """Names of arrays.

    Attributes
    ----------
    read, written : frozenset of str
        What is written may be read as well.
    """

    read: frozenset[str]
    written: frozenset[str]


class _Use(NamedTuple):
    """What becomes of an array, or of an element of one."""

    is_written: bool = False
    is_returned: bool = False


class _Consumer(NamedTuple):
    """The instruction that takes a value from the stack."""

    k: int
    name: str
    above: int  # how many values it takes that lie above this one
    argument: Any


_MEASURES = "shape", "size", "ndim"
"""What never changes, so that to ask for it is not to read."""

_TAKEN = {
    "PUSH_NULL": 0,
    "LOAD_CONST": 0,
    "LOAD_SMALL_INT": 0,
    "LOAD_GLOBAL": 0,
    "LOAD_ATTR": 1,
    "LOAD_METHOD": 1,
    "BINARY_OP": 2,
    "BINARY_SUBSCR": 2,
    "COMPARE_OP": 2,
    "IS_OP": 2,
    "UNARY_NEGATIVE": 1,
    "UNARY_NOT": 1,
    "UNARY_INVERT": 1,
    "TO_BOOL": 1,
    "STORE_SUBSCR": 3,
    "STORE_FAST": 1,
    "STORE_FAST_STORE_FAST": 2,
    "STORE_FAST_LOAD_FAST": 1,
    "POP_TOP": 1,
    "RETURN_VALUE": 1,
}
"""How many values an instruction takes from the stack."""


def touched(function: Any, position: int) -> Touched | None:
    """The arrays that a function reads and may write; None if that cannot be told.

    Parameters
    ----------
    function : callable
    position : int
        Which of its arguments is the state.

    Examples
    --------
    >>> def deliver(i, t, s, p):
    ...     for j in range(s.out.shape[0]):
    ...         s.out[j] += s.W[i, j]
    >>> found = touched(deliver, 2)
    >>> sorted(found.read), sorted(found.written)
    (['W'], ['out'])
    """
    try:
        return _touched(function, position, frozenset())
    except _CannotTell:
        return None


class _CannotTell(Exception):
    """The state itself is passed to where it cannot be followed."""


def _touched(function: Any, position: int, within: frozenset[Any]) -> Touched:
    if not isinstance(function, FunctionType) or (function, position) in within:
        raise _CannotTell
    steps = _Steps.of(function.__code__)
    name = _parameter(function, position)
    if steps.is_set(name):
        raise _CannotTell
    read: set[str] = set()
    written: set[str] = set()
    for k, above in steps.loads(name):
        taken = steps.consumer(k, above)
        if taken is None:
            raise _CannotTell
        if taken.name in ("LOAD_ATTR", "LOAD_METHOD"):
            if not steps.is_measured(taken.k):
                use = _use(function, taken.k, 0, True, frozenset())
                (written if use.is_written or use.is_returned else read).add(taken.argument)
            continue
        callee, place = _passed(function, steps, taken)
        found = _touched(callee, place, within | {(function, position)})
        read |= found.read
        written |= found.written
    return Touched(frozenset(read - written), frozenset(written))


def _use(
    function: FunctionType, k: int, above: int, is_array: bool, within: frozenset[Any]
) -> _Use:
    """What becomes of the value that instruction k leaves below `above` others.

    `is_array` says that it is an array. Else it is an element: a number, as a rule, but perhaps a
    row of an array.
    """
    steps = _Steps.of(function.__code__)
    taken = steps.consumer(k, above)
    if taken is None:
        return _Use(is_written=True)
    name, below_top = taken.name, taken.above
    if name == "RETURN_VALUE":
        return _Use(is_returned=True)
    if name in ("LOAD_ATTR", "LOAD_METHOD"):
        return _Use(is_written=taken.argument not in _MEASURES)
    if name == "STORE_SUBSCR":
        return _Use(is_written=below_top == 1)
    if name == "BINARY_SUBSCR" or (name == "BINARY_OP" and taken.argument == "[]"):
        return _use(function, taken.k, 0, False, within) if below_top == 1 else _Use()
    if name == "BINARY_OP":
        is_in_place = str(taken.argument).endswith("=")
        return _Use(is_written=is_array or (is_in_place and below_top == 1))
    if name.startswith("STORE_FAST"):
        return _use_of_variable(function, steps.stored(taken), is_array, within)
    if name == CALL:
        return _use_by_call(function, steps, taken, is_array, within)
    return _Use(is_written=is_array and name != "POP_TOP")


def _use_of_variable(
    function: FunctionType, name: str, is_array: bool, within: frozenset[Any]
) -> _Use:
    if (function, name) in within:
        return _Use()
    within |= {(function, name)}
    loads = _Steps.of(function.__code__).loads(name)
    uses = [_use(function, k, above, is_array, within) for k, above in loads]
    return _Use(any(use.is_written for use in uses), any(use.is_returned for use in uses))


def _use_by_call(
    function: FunctionType, steps: _Steps, taken: _Consumer, is_array: bool, within: frozenset[Any]
) -> _Use:
    try:
        callee, place = _passed(function, steps, taken)
    except _CannotTell:
        return _Use(is_written=True)
    if not isinstance(callee, FunctionType):
        return _Use(is_written=is_array)
    use = _use_of_variable(callee, _parameter(callee, place), is_array, within)
    if use.is_written or not use.is_returned:
        return _Use(use.is_written)
    return _use(function, steps.result_of(taken.k), 0, is_array, within)


def _passed(function: FunctionType, steps: _Steps, taken: _Consumer) -> tuple[Any, int]:
    """The function that a value is passed to, and as which of its arguments."""
    if taken.name != CALL or taken.above >= taken.argument:
        raise _CannotTell
    name, attribute = steps.called.get(taken.k, ("", ""))
    callee = function.__globals__.get(name, getattr(builtins, name, None))
    if attribute:
        callee = getattr(callee, attribute, None) if isinstance(callee, ModuleType) else None
    if callee is None:
        raise _CannotTell
    return callee, taken.argument - 1 - taken.above


def _parameter(function: FunctionType, position: int) -> str:
    code = function.__code__
    if position >= code.co_argcount:
        raise _CannotTell
    return code.co_varnames[position]


# ----------------------------------------------------------------------------------- byte code


class _Steps:
    """The instructions of a function that matter here."""

    def __init__(self, code: CodeType):
        self._steps = instructions(code)
        self.called = {use.call: (use.name, use.attribute) for use in global_names(self._steps)}

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(code: CodeType) -> _Steps:
        """The instructions of a code object."""
        return _Steps(code)

    def loads(self, name: str) -> Iterator[tuple[int, int]]:
        """Where a local variable is loaded, and how many values that instruction leaves above."""
        for k, x in enumerate(self._steps):
            loaded = _names(x)[_stores(x) :]
            for place, each in enumerate(loaded):
                if each == name:
                    yield k, len(loaded) - 1 - place

    def is_set(self, name: str) -> bool:
        """Whether a local variable is set anywhere."""
        return any(name in _names(x)[: _stores(x)] for x in self._steps)

    def stored(self, taken: _Consumer) -> str:
        """The local variable that a value becomes."""
        return _names(self._steps[taken.k])[taken.above]

    def is_measured(self, k: int) -> bool:
        """Whether no more is asked of the array that instruction k leaves than its shape."""
        taken = self.consumer(k, 0)
        return taken is not None and "LOAD_ATTR" in taken.name and taken.argument in _MEASURES

    def consumer(self, k: int, above: int) -> _Consumer | None:
        """What takes the value that instruction k leaves below `above` others, if it can be told.

        It cannot if the value is still on the stack where branches meet.
        """
        for later in range(k + 1, len(self._steps)):
            x = self._steps[later]
            taken = self._taken(x)
            if taken is None or x.is_jump_target:
                return None
            if taken > above:
                argument = x.arg if x.opname == CALL else x.argval
                if x.opname == "BINARY_OP":
                    argument = x.argrepr
                name = "CONDITION" if x.opname.startswith("POP_JUMP") else x.opname
                known = x.opname not in ("COPY", "SWAP")
                return _Consumer(later, name, above, argument) if known else None
            if is_jump(x):
                return None
            above += effect(x)
        return None

    def result_of(self, k: int) -> int:
        """The instruction that leaves the result of the call that takes its arguments at k."""
        return k + 1 if CALL == "PRECALL" else k

    def _taken(self, x: dis.Instruction) -> int | None:
        """How many values an instruction takes."""
        number = x.arg or 0
        if x.opname in _TAKEN:
            return _TAKEN[x.opname]
        if x.opname.startswith("LOAD_FAST") and "CLEAR" not in x.opname:
            return 0
        if x.opname in ("COPY", "SWAP", "BUILD_TUPLE", "PRECALL"):
            return number
        if x.opname == "CALL":
            return 2 if CALL == "PRECALL" else number + 2
        if x.opname.startswith("POP_JUMP"):
            return 1
        return None


def _names(x: dis.Instruction) -> tuple[str, ...]:
    """The local variables of an instruction."""
    if "_FAST" not in x.opname:
        return ()
    return x.argval if isinstance(x.argval, tuple) else (x.argval,)


def _stores(x: dis.Instruction) -> int:
    """How many of them it sets; it loads the others."""
    return x.opname.count("STORE_FAST")
