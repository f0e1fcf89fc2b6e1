"""A first call of users' bodies, in plain Python and on copies, before they are compiled.

Compiled code does not check that an index is inside its array: a body that writes outside would
damage whatever lies there, and Python might crash much later or not at all. So each body is first
called a few times here. That finds the usual mistakes, an index that is off by one or more indices
than neurons, and the line they are in. An index may also become wrong later, because it depends on
the state: the `python` backend finds that, as do the compiled ones with NUMBA_BOUNDSCHECK=1.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from spikesim.kernels.draws import DRAWS
from spikesim.kernels.machine import python
from spikesim.kernels.machine.lowering import Lowering, LoweringError, is_ours
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import is_record, record

__all__ = ["rehearse"]

_MOST = 1 << 22  # bytes of a Phase's arrays: a body that loops over more is too slow in Python


def rehearse(phases: Iterable[Phase], dtype: str, step: int) -> None:
    """Call each body that is not part of spikesim with its first and last indices.

    Raises
    ------
    LoweringError
        If a body leaves its arrays, reads a name it was not given, or calls what it cannot.
    """
    for phase in phases:
        size = sum(array.nbytes for array in phase.state.values())
        if not is_ours(phase.body) and size <= _MOST:
            _rehearse(phase, phase.dtype or dtype, step)


def _rehearse(phase: Phase, dtype: str, step: int) -> None:
    drawn: set[tuple[Callable, int, int]] = set()
    plain = python.lowering(dtype)
    lower = python.lowering(dtype, {draw: _noting(draw, plain, drawn) for draw in DRAWS})

    def number(value: Any) -> Any:
        return lower.real(value) if isinstance(value, (float, np.floating)) else int(value)

    arrays = (array.copy().view(_Elements) for array in phase.state.values())
    s = record(tuple(phase.state))(*arrays)
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
                    drawn.clear()
                    body(i, step, s, p)
    except _DrawnAgain as error:
        what = f"draws {error} in more than one turn of a loop, or for two callers"
        advice = "which would be the same number; give each a number of its own, as in"
        example = f"{error.args[0]}(s, i, j)"
        raise _refusal(phase, f"{what}, {advice} {example}", error) from None
    except _WholeArray as error:
        raise _refusal(
            phase,
            "computes with a whole array; write s.NAME[i] for an element, and a loop for all",
            error,
        ) from None
    except IndexError as error:
        raise _refusal(phase, f"leaves its arrays: {error}", error) from None
    except AttributeError as error:
        read: Any = error.obj
        if not is_record(type(read)):
            return
        kind = "s" if read is s else "p"
        known = ", ".join(read._fields) or "nothing"
        raise _refusal(phase, f"reads {kind}.{error.name}; {kind} has {known}", error) from None
    except (TypeError, UnboundLocalError) as error:
        raise _refusal(phase, f"fails: {error}", error) from None
    except Exception:
        return  # compiled code does the same without an error: a division by 0, for example


class _WholeArray(Exception):
    """An array where one of its elements should be."""


class _Elements(np.ndarray):
    """An array that can be read and written to by the element only, as in compiled code."""

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise _WholeArray

    def __setitem__(self, where: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim > 0:
            raise _WholeArray
        super().__setitem__(where, value)


class _DrawnAgain(Exception):
    """A random number that was drawn before: by which function, for which index and draw."""

    def __str__(self) -> str:
        return "{}(s, {}, {})".format(*self.args)


def _noting(function: Callable, lower: Lowering, drawn: set) -> Callable:
    """What draws as `function` does, but nothing twice."""
    draws = lower(function)

    def note(s: Any, i: Any, draw: Any = 0) -> Any:
        which = function, int(i), int(draw)
        if which in drawn:
            raise _DrawnAgain(function.__name__, int(i), int(draw))
        drawn.add(which)
        return draws(s, i, draw)

    return note


def _is_of_ours(frame: Any) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith("spikesim.")


def _refusal(phase: Phase, what: str, error: Exception) -> LoweringError:
    frames = zip(
        traceback.walk_tb(error.__traceback__),
        traceback.extract_tb(error.__traceback__),
        strict=True,
    )
    places = [place for (frame, _), place in frames if not _is_of_ours(frame)]
    place = places[-1] if places else traceback.extract_tb(error.__traceback__)[-1]
    what = re.sub(r"_[0-9a-f]{16}\b", "", what)  # the hash that lowering adds to names
    return LoweringError(
        f"{phase.body.__module__}.{phase.body.__qualname__} {what} (line {place.lineno} of "
        f"{place.filename})."
    )
