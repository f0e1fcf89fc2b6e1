"""Named tuples whose type depends on their field names alone.

Numba types a named tuple by its class. It would compile two states with the same fields but
different classes twice, and would never find a class from a user's script in the kernel cache
again. So `record` hands out one class per list of fields, which can be imported by its name.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = ["record"]

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


def __getattr__(name: str) -> Any:
    prefix, *fields = name.split(_SEPARATOR)
    if prefix != _PREFIX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return record(tuple(fields))
