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
from collections.abc import Iterable
from typing import Any

import numpy as np

from spikesim.kernels.machine import python
from spikesim.kernels.machine.lowering import Lowering, LoweringError, is_ours
from spikesim.kernels.machine.program import Phase, record

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
            _rehearse(phase, python.lowering(phase.dtype or dtype), step)


def _rehearse(phase: Phase, lower: Lowering, step: int) -> None:
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


def _refusal(phase: Phase, what: str, error: Exception) -> LoweringError:
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = re.sub(r"_[0-9a-f]{16}\b", "", what)  # the hash that lowering adds to names
    return LoweringError(
        f"{phase.body.__module__}.{phase.body.__qualname__} {what} (line {place.lineno} of "
        f"{place.filename})."
    )
