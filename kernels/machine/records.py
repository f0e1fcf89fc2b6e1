"""Named tuples whose type is told by their field names alone.

Numba types a named tuple by its class. Two states with the same fields but different classes would
be compiled twice, and a class defined in a user's script would never be found in the kernel cache
again. `record` therefore hands out one class per list of fields, which can be imported by its name.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = ["is_record", "record"]

_PREFIX = "Record"
_SEPARATOR = "__"


def record(fields: tuple[str, ...]) -> Any:
    """Return the named-tuple class with these fields, always the same one for the same fields.

    Examples
    --------
    >>> record(("v", "spikes"))(v=1.0, spikes=0)
    Record__v__spikes(v=1.0, spikes=0)
    """
    for field in fields:
        if not field.isidentifier() or _SEPARATOR in field or field.startswith("_"):
            raise ValueError(
                f"{field!r} cannot name a state variable or a parameter; use a Python name that "
                f"does not begin with '_' and has no '{_SEPARATOR}' in it."
            )
    name = _SEPARATOR.join((_PREFIX, *fields))
    if name not in globals():
        globals()[name] = namedtuple(name, fields, module=__name__)
    return globals()[name]


def is_record(kind: Any) -> bool:
    """Whether something is a class that `record` has handed out.

    Examples
    --------
    >>> is_record(record(("v",))), is_record(tuple)
    (True, False)
    """
    return isinstance(kind, type) and kind.__module__ == __name__


def __getattr__(name: str) -> Any:
    prefix, *fields = name.split(_SEPARATOR)
    if prefix != _PREFIX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return record(tuple(fields))
