"""Arrays that hand an assignment to some of their items to whoever has the numbers.

cells.I[:10] = 5.0          sets the parameter I, which was one number for all neurons
synapses.weight[3] = 5.0    is refused if all synapses share one weight
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from spikesim.attributes import ReadOnly
from spikesim.checks import check_array, show
from spikesim.errors import InputError

__all__ = ["Inputs", "Items", "SharedWeight"]


class Items(ReadOnly):
    """An array, for users, of numbers that are held elsewhere."""

    _hold: Callable[[], np.ndarray]

    @classmethod
    def of(cls, array: np.ndarray, hold: Callable[[], np.ndarray], **own: Any) -> Self:
        """These numbers; ``hold()`` returns the array that a Phase can read and write."""
        made = array.view(cls)
        made.__dict__.update(_hold=hold, **own)
        return made

    @property
    def _is_whole(self) -> bool:
        """Whether this is the array that was handed out, not one that was made of it."""
        return "_hold" in self.__dict__

    def held(self) -> np.ndarray:
        """A plain array, for a Phase."""
        return self._hold() if self._is_whole else np.asarray(self)

    def copy(self, order: Any = "C") -> Any:
        """A plain array with the same numbers."""
        return np.array(self, order=order)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()


class Inputs(Items):
    """A parameter that can be an input, such as I: one number for each neuron, for reading.

    An assignment to some of them sets the parameter of `_owner`, a population or a subgroup.
    """

    advice = "assign to items of the whole, as in cells.I[3] = 5.0"
    _owner: Any
    _name: str

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self._is_whole:
            super().__setitem__(key, value)
            return
        values = self.copy()
        values[key] = value
        setattr(self._owner, self._name, values)

    # As Python assigns what these return, ``cells.I += 1.0`` sets the parameter, too.
    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return np.asarray(self) + other

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return np.asarray(self) - other

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        return np.asarray(self) * other

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        return np.asarray(self) / other


class SharedWeight(Items):
    """The one weight of many synapses, which can be set as a whole only."""

    _name: str  # of the projection
    _synapses: int  # how many there are
    _bounded: Callable[[str, np.ndarray], np.ndarray]  # checks a weight

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._is_whole:
            value = check_array("weight", value, dtype=self.dtype)
            if not _is_all(key) or value.size != 1:
                raise InputError(self._refusal(key))
            value = self._bounded("weight", value)
        super().__setitem__(key, value)

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except IndexError:
            if not self._is_whole:
                raise
            raise InputError(self._refusal(key)) from None

    def _refusal(self, key: Any) -> str:
        return (
            f"There is no weight[{show(key)}] of {self._name!r}, as all {self._synapses} synapses "
            "share one. synapses.weight = 2.0 sets it, synapses.weight = array gives each synapse "
            "its own, and synapses.onto(neurons).weight = 2.0 sets those of some."
        )


def _is_all(key: Any) -> bool:
    if isinstance(key, slice):
        return key.start is key.stop is key.step is None
    return key is Ellipsis
