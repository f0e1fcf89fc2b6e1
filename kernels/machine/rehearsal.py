"""A first call of what users wrote, in plain Python and on copies, before it is compiled.

Compiled code does not look whether an index is within its array: a body that writes beside one
would damage whatever lies there, and Python might crash much later or not at all. Here a few calls
of each body show the usual mistakes, an index that is off by one or more indices than neurons, and
the line that they are in. An index that is wrong later, as it depends on what has happened, is
found by the `python` backend, or with NUMBA_BOUNDSCHECK=1 by the compiled ones.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from typing import Any

import numpy as np

from spikesim.kernels.machine import python
from spikesim.kernels.machine.lowering import Lowering, LoweringError, is_ours
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.records import is_record, record

__all__ = ["rehearse"]

_MOST = 1 << 22  # bytes of a Phase's arrays: a body may loop over them, which takes Python long


def rehearse(phases: Iterable[Phase], dtype: str, step: int) -> None:
    """Call each body that is not part of spikesim with its first and last indices.

    Raises
    ------
    LoweringError
        If one of them leaves its arrays, reads what it was not given, or calls what it cannot.
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
        return  # refused by name when it runs
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
        read: Any = error.obj
        if not is_record(type(read)):
            return
        kind = "s" if read is s else "p"
        known = ", ".join(read._fields) or "nothing"
        raise _refusal(phase, f"reads {kind}.{error.name}; {kind} has {known}", error) from None
    except (TypeError, UnboundLocalError) as error:
        raise _refusal(phase, f"fails: {error}", error) from None
    except Exception:
        return  # what compiled code does without an error, such as a division by 0


def _refusal(phase: Phase, what: str, error: Exception) -> LoweringError:
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = re.sub(r"_[0-9a-f]{16}\b", "", what)  # what lowering adds to names
    return LoweringError(
        f"{phase.body.__module__}.{phase.body.__qualname__} {what} (line {place.lineno} of "
        f"{place.filename})."
    )
