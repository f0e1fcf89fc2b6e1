"""The byte code of a function: its instructions, and the calls of global functions in it."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import NamedTuple

__all__ = ["CALL", "GlobalCall", "effect", "global_names", "instructions", "is_jump"]

_UNSEEN = "CACHE", "NOP", "EXTENDED_ARG", "RESUME", "COPY_FREE_VARS", "NOT_TAKEN"

CALL = "PRECALL" if "PRECALL" in dis.opmap else "CALL"
"""What takes the arguments of a call: in Python 3.11, the instruction before CALL."""


class GlobalCall(NamedTuple):
    """A use of a global name, or of an attribute of one, as in ``np.exp``."""

    k: int  # its instruction
    name: str
    attribute: str
    call: int | None  # the instruction that calls it; None unless all arguments are plain ones


def instructions(code: CodeType) -> list[dis.Instruction]:
    """The instructions that do something."""
    return [x for x in dis.get_instructions(code) if x.opname not in _UNSEEN]


def global_names(steps: Sequence[dis.Instruction]) -> Iterator[GlobalCall]:
    """All uses of global names.

    A call with a keyword, with a star or with a branch among its arguments is not told.

    Examples
    --------
    >>> def f(x):
    ...     return max(x, abs(x))
    >>> steps = instructions(f.__code__)
    >>> [(use.name, steps[use.call].arg) for use in global_names(steps)]
    [('max', 2), ('abs', 1)]
    """
    for k, x in enumerate(steps):
        if x.opname != "LOAD_GLOBAL":
            continue
        attribute, first = "", k + 1
        following = [step.opname for step in steps[first : first + 2]]
        if following and following[0] in ("LOAD_ATTR", "LOAD_METHOD"):
            attribute = steps[first].argval
            first += 2 if following[1:] == ["PUSH_NULL"] else 1
        yield GlobalCall(k, x.argval, attribute, _call(steps, first))


def _call(steps: Sequence[dis.Instruction], first: int) -> int | None:
    """The call whose arguments begin at an instruction.

    It is where as many values are on the stack as it takes.
    """
    above = 0
    for k in range(first, len(steps)):
        x = steps[k]
        if (
            x.opname in ("KW_NAMES", "CALL_KW", "CALL_FUNCTION_EX")
            or is_jump(x)
            or x.is_jump_target
        ):
            return None
        if x.opname == CALL and x.arg == above:
            return k
        above += effect(x)
        if above < 0:
            return None
    return None


def effect(x: dis.Instruction) -> int:
    """How many values an instruction adds to the stack."""
    return dis.stack_effect(x.opcode, x.arg if x.opcode >= dis.HAVE_ARGUMENT else None)


def is_jump(x: dis.Instruction) -> bool:
    """Whether the next instruction may be another one than that which follows."""
    return x.opcode in dis.hasjrel
