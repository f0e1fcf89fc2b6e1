"""Where the arrays of a Phase are: in dicts of their owners, which may replace them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

__all__ = ["Place", "State", "place_of"]

Place = tuple[Mapping[str, np.ndarray], str]
"""The dict that holds an array, and the name that it has there."""


class State(MutableMapping[str, np.ndarray]):
    """Arrays by name. Every look-up finds the array that its owner holds at that moment.

    Parameters
    ----------
    *held : mapping of str to numpy.ndarray
        Dicts of owners, or other states. The state has all names that they hold now; of equal
        names, the later one counts.
    **own : numpy.ndarray
        Arrays that no owner will replace.

    Attributes
    ----------
    moves : int
        How often a name was added, removed, or linked to another dict. Whoever has stored the
        places has to look them up again then.

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
        """Set an array in this state alone; its former owner keeps its own."""
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
    """The place of an array in a dict, or in a state."""
    return mapping.place(name) if isinstance(mapping, State) else (mapping, name)
