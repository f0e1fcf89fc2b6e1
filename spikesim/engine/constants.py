"""The parts of a population that users set: arrays of variables, and constants of equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import Constants, Watched
from spikesim.checks import check_array, show
from spikesim.declaring import present_name
from spikesim.engine.parameters import has_axes
from spikesim.errors import InputError

if TYPE_CHECKING:
    from spikesim.engine.population import Population

__all__ = ["Alike", "Numbers", "Variables", "are_whole", "kind_of"]


class Variables(Watched):
    """The state variables by name; an assignment to one writes into its array."""

    def __init__(self, arrays: Mapping[str, np.ndarray], former: Mapping[str, str]):
        super().__init__(arrays)
        self._former = former

    def __missing__(self, name: str) -> np.ndarray:
        present = present_name(name, self, self._former)
        if present == name:
            raise KeyError(name)
        found: np.ndarray = self[present]
        return found

    def __setitem__(self, name: str, value: Any) -> None:
        name = present_name(name, self, self._former)
        if name not in self:
            super().__setitem__(name, value)
            return
        own = self[name]
        shape = own.shape if has_axes(value) else ()
        own[...] = check_array(name, value, shape=shape, dtype=own.dtype)


class Numbers(Constants):
    """The constants of a population's neurons, as its bodies see them.

    Setting a constant that is a parameter sets the parameter. A constant that differs from neuron
    to neuron is an array for reading only; its new values are written in place.
    """

    def __init__(self, population: Population):
        super().__init__(f"constant of {population.name!r}", {})
        self._population = population

    def __missing__(self, name: str) -> Any:
        present = present_name(name, self, self._population.neuron.former)
        if present == name:
            raise KeyError(name)
        return self[present]

    def __setitem__(self, name: str, value: Any) -> None:
        own = self._population
        name = present_name(name, self, own.neuron.former)
        if name in own.neuron.parameters:
            now = own.parameters.following({}).constants
            then = own.parameters.following({name: value}).constants
            if name not in self or any(
                not np.array_equal(now[other], then[other]) for other in now if other != name
            ):
                raise InputError(
                    f"{name} of {own.name!r} cannot be set alone, as other constants follow from "
                    f"it; set the parameter: population.parameters[{name!r}] = {show(value)}."
                )
            if np.array_equal(then[name], value):
                own.parameters[name] = value
                return
        own.check_constant(name)
        if name in own.differing:
            array = own.differing[name]
            shape = array.shape if has_axes(value) else ()
            array[...] = check_array(name, value, shape=shape, dtype=array.dtype)
        else:
            super().__setitem__(name, value)

    def take(self, values: Mapping[str, Any]) -> None:
        """Hold these values in place of all others."""
        self.clear()
        dict.update(self, values)


class Alike(Mapping[str, Any]):
    """Those numbers that are the same for all neurons, with their present values."""

    def __init__(self, numbers: Mapping[str, Any], differing: Mapping[str, np.ndarray]):
        self._numbers, self._differing = numbers, differing

    def __getitem__(self, name: str) -> Any:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._numbers if name not in self._differing)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def are_whole(arrays: Mapping[str, np.ndarray]) -> dict[str, bool]:
    """Whether each array holds whole numbers, by name."""
    return {name: array.dtype.kind != "f" for name, array in arrays.items()}


def kind_of(value: Any) -> str:
    """The kind of a number, as far as a program depends on it."""
    if has_axes(value):
        return str(value.dtype)
    return "real" if isinstance(value, (float, np.floating)) else "whole"
