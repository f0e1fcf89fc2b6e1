"""Plain Python: the backend without a compiler, and a first call of what users wrote.

Every body runs as it is, step by step. That is slow, easy to debug, and the reference that the
compiled backends have to equal bit for bit.

Compiled code does not check that an index is inside its array: a body that writes outside would
damage whatever lies there, and Python might crash much later or not at all. So `rehearse` first
calls each body of a user's own a few times, on copies. That finds the usual mistakes, an index that
is off by one or more indices than neurons, and the line they are in. An index may also become wrong
later, because it depends on the state: this backend finds that, as do the compiled ones with
NUMBA_BOUNDSCHECK=1.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from spikesim.kernels.functions import Exponent
from spikesim.kernels.machine import program
from spikesim.kernels.machine.lowering import Lowering, LoweringError, is_ours
from spikesim.kernels.machine.states import record

__all__ = ["FAILURES", "PARTS", "build", "each", "lowering", "rehearse"]

PARTS = 1

FAILURES: tuple = ()

_MOST = 1 << 22  # bytes of a Phase's arrays: a body that loops over more is too slow in Python


def lowering(dtype: str) -> Lowering:
    """Lowering that binds and types functions but leaves them plain Python."""
    return Lowering(lambda function: function, dtype, exponent=Exponent)


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


# -------------------------------------------------------------- a first call of what users wrote


def rehearse(phases: Iterable[program.Phase], dtype: str, step: int) -> None:
    """Call each body that is not part of spikesim with its first and last indices.

    Raises
    ------
    LoweringError
        If a body leaves its arrays, reads a name it was not given, or calls what it cannot.
    """
    for phase in phases:
        size = sum(array.nbytes for array in phase.state.values())
        if not is_ours(phase.body) and size <= _MOST:
            _rehearse(phase, lowering(phase.dtype or dtype), step)


def _rehearse(phase: program.Phase, lower: Lowering, step: int) -> None:
    def number(value: Any) -> Any:
        return lower.real(value) if isinstance(value, (float, np.floating)) else int(value)

    s = record(tuple(phase.state))(*(array.copy() for array in phase.state.values()))
    try:
        p = record(tuple(phase.params))(*map(number, phase.params.values()))
    except (TypeError, ValueError, OverflowError):
        return  # the run will refuse it and name it
    body, over = lower(phase.body), lower(phase.over)
    try:
        with np.errstate(all="ignore"):
            count = int(over(step, s, p))
            for i in sorted({0, 1, count - 1}):
                if 0 <= i < count:
                    body(i, step, s, p)
    except IndexError as error:
        raise _refusal(phase, f"leaves its arrays: {error}", error) from None
    except AttributeError as error:
        if error.obj is not s and error.obj is not p:
            return
        kind, names = ("s", phase.state) if error.obj is s else ("p", phase.params)
        known = ", ".join(names) or "nothing"
        raise _refusal(phase, f"reads {kind}.{error.name}; {kind} has {known}", error) from None
    except (TypeError, UnboundLocalError) as error:
        raise _refusal(phase, f"fails: {error}", error) from None
    except Exception:
        return  # compiled code does the same without an error: a division by 0, for example


def _refusal(phase: program.Phase, what: str, error: Exception) -> LoweringError:
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = re.sub(r"_[0-9a-f]{16}\b", "", what)  # the hash that lowering adds to names
    return LoweringError(
        f"{phase.body.__module__}.{phase.body.__qualname__} {what} (line {place.lineno} of "
        f"{place.filename})."
    )
