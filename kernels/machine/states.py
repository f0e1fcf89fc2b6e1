"""What a body is given: arrays where their owners keep them, and records of arrays and numbers.

An owner may replace an array that a Phase began with; `State` finds the new one.

Numba types a named tuple by its class. It would compile two states with the same fields but
different classes twice, and would never find a class from a user's script in the kernel cache
again. So `record` hands out one class per list of fields, which can be imported by its name.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

__all__ = ["Place", "State", "is_record", "place_of", "record"]

Place = tuple[Mapping[str, np.ndarray], str]
"""The dict that holds an array, and the name that it has there."""


class State(MutableMapping[str, np.ndarray]):
    """Arrays by name, each of which is found where its owner keeps it whenever it is asked for.

    Parameters
    ----------
    *held : mapping of str to numpy.ndarray
        Dicts of owners, or other states. All that they hold now is found here, later ones first.
    **own : numpy.ndarray
        Arrays that are not exchanged by an owner.

    Attributes
    ----------
    moves : int
        How often a name came, went, or was to be found in another dict: what has been made of the
        places has to be made anew then.

    Examples
    --------
    >>> source = {"image": np.zeros(3)}
    >>> state = State(source, out=np.zeros(2))
    >>> source["image"] = np.ones(3)
    >>> state["image"]
    array([1., 1., 1.])
    """

    def __init__(self, *held: Mapping[str, np.ndarray], **own: np.ndarray):
        self._own = own
        self._places: dict[str, Place] = {}
        self.moves = 0
        for mapping in (*held, own):
            self._places.update((name, place_of(mapping, name)) for name in mapping)

    def link(self, name: str, held: Mapping[str, np.ndarray], there: str) -> State:
        """Find an array under another name than its owner's; return this state."""
        self._places[name] = place_of(held, there)
        self.moves += 1
        return self

    def place(self, name: str) -> Place:
        """Where an array is."""
        return self._places[name]

    def __getitem__(self, name: str) -> np.ndarray:
        held, there = self._places[name]
        return held[there]

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        """Another array for this state alone; its former owner keeps what it has."""
        self._own[name] = array
        if name not in self._places or self._places[name][0] is not self._own:
            self.link(name, self._own, name)

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self.moves += 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"State({', '.join(self)})"


def place_of(mapping: Mapping[str, Any], name: str) -> Place:
    """Where an array of a dict, or of a state, is."""
    return mapping.place(name) if isinstance(mapping, State) else (mapping, name)


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
    >>> is_record(record(("v",))), is_record(tuple), is_record(State)
    (True, False, False)
    """
    return isinstance(kind, type) and issubclass(kind, tuple) and kind.__module__ == __name__


def __getattr__(name: str) -> Any:
    prefix, *fields = name.split(_SEPARATOR)
    if prefix != _PREFIX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return record(tuple(fields))
