"""Some neurons of a population, which can be connected, recorded and stimulated like a population.

A subgroup only points at neurons and costs nothing: the network advances the population as a whole.
A subgroup numbers its neurons from 0, like a population; `Subgroup.ids` has their numbers in the
population.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from spikesim.attributes import Guarded, absent, read_only
from spikesim.checks import (
    check_array,
    check_choice,
    check_neurons,
    is_whole,
    show,
)
from spikesim.engine.items import Inputs
from spikesim.engine.parameters import has_axes
from spikesim.errors import InputError
from spikesim.foreign import PARAMETERS

if TYPE_CHECKING:
    from spikesim.engine.population import Population

__all__ = ["Subgroup", "lacking", "name_of_projection", "subgroup"]


def subgroup(population: Population, key: Any, among: np.ndarray | None = None) -> Subgroup:
    """The neurons that ``population[key]`` stands for, or those of a subgroup of it.

    Parameters
    ----------
    population : Population
    key : slice, int, array_like of int, array_like of bool
    among : numpy.ndarray of int, optional
        The neurons that `key` counts; by default, all.
    """
    within = np.arange(population.n) if among is None else among
    n = within.size
    if isinstance(key, slice):
        try:
            ids = within[key]
        except (TypeError, ValueError, IndexError):
            raise InputError(
                f"[{show(key)}] is no slice of neurons; it has to be of whole numbers, as in [:80]."
            ) from None
    elif is_whole(key):
        if not -n <= key < n:
            raise InputError(f"[{show(key)}] is no neuron; there are {n}, from 0 to {n - 1}.")
        ids = within[[int(key)]]
    elif key is None:
        raise InputError("[None] is no subgroup; [:] has all neurons.")
    else:
        ids = within[check_neurons("the neurons in [ ]", key, n)]
    if not ids.size or (np.diff(ids) <= 0).any():
        raise InputError(
            f"[{show(key)}] of {n} neurons: a subgroup has to have one or more, in ascending order."
        )
    return Subgroup(population, ids)


def name_of_projection(pre: Subgroup, post: Subgroup) -> str:
    """The name of a projection unless its user gives one: an identifier."""
    return f"{pre._identifier}_to_{post._identifier}"


def lacking(neurons: Any, name: str, known: list[str]) -> AttributeError:
    """The error for a name that is no variable and no parameter of a population or subgroup."""
    who = repr(neurons.__dict__.get("name"))
    there = ", ".join(known)
    message = f"{who} has no variable or parameter {name!r}; there is {there}."
    return absent(neurons, name, who, message, known, PARAMETERS)


class Subgroup(Guarded):
    """Some neurons of a population: ``cells[:80]``, ``cells[::2]``, ``cells[[3, 7]]``, a mask.

    `Network.connect`, `record`, `record_spikes`, `play`, `add_noise` and `add_background` accept it
    in place of a population, and ``neurons=`` of other calls accepts it, too. You can read and set
    variables, by ``exc.v = -60.0`` or, if the neurons are a slice, by ``exc.v[:] = -60.0``, and
    parameters, by ``exc.threshold = -48.0``.

    Attributes
    ----------
    population : Population
    n : int
        The number of neurons in it.
    ids : numpy.ndarray of int, shape (n,)
        Their numbers in the population; for reading only.
    name : str
        For example 'cells[0:80]'.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(backend="python")
    >>> cells = net.add_population("cells", 100, LIF)
    >>> exc, inh = cells[:80], cells[80:]
    >>> exc.v = -60.0
    >>> net.connect(exc, inh, target="drive", weight=1.0, probability=0.1)
    <Projection 'cells_0_80_to_cells_80_100': cells[0:80] → cells[80:100].drive, 166 synapses>
    """

    _remedies: ClassVar[dict[str, str]] = dict.fromkeys(
        ("population", "n", "ids", "name"), "take another subgroup, as in cells[:80]"
    )

    __iter__: ClassVar[None] = None  # otherwise Python would iterate by index until an error

    def __init__(self, population: Population, ids: np.ndarray):
        self.population = population
        self.ids = np.frombuffer(ids.tobytes(), ids.dtype)  # a copy that cannot be written to
        self.n = ids.size
        first, end = int(ids[0]), int(ids[-1]) + 1
        gaps = np.diff(ids)
        self._slice = None
        if not gaps.size or (gaps == gaps[0]).all():
            self._slice = slice(first, end, int(gaps[0]) if gaps.size else 1)
        self.name, self._identifier = _names(population, ids, self._slice)

    def __repr__(self) -> str:
        return f"<Subgroup {self.name}: {self.n} neurons>"

    def __getitem__(self, key: Any) -> Subgroup:
        return subgroup(self.population, key, self.ids)

    def __len__(self) -> int:
        return self.n

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.ids, dtype)

    def __getattr__(self, name: str) -> Any:
        own: Any = self.__dict__.get("population")
        known = [] if own is None else [*dict.fromkeys([*own.state, *own.parameters])]
        if name not in known:
            raise lacking(self, name, known)
        if name in own._inputs:
            return self._input(name)
        if name in own.state and self._slice is not None:
            return own.state[name][self._slice]
        value = own.state[name] if name in own.state else own.parameters[name]
        if not isinstance(value, np.ndarray):
            return value
        # Values written to a copy would be lost.
        advice = f"assign a whole one, as in {own.name}[...].{name} = values"
        return read_only(value[self.ids], advice)

    def _input(self, name: str) -> Inputs:
        """The values of a parameter that can be an input; see `Population`."""
        own = self.population
        each = read_only(getattr(own, name)[self.ids])

        def held() -> np.ndarray:
            live = own.live(name)
            return read_only(live[self.ids]) if self._slice is None else live[self._slice]

        return Inputs.of(each, held, _owner=self, _name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__.get("population")
        if own is None or not (name in own.state or name in own.parameters):
            super().__setattr__(name, value)
            return
        is_variable = name in own.state
        if is_variable:
            own.check_one_meaning(name)
        array = own.state[name] if is_variable else np.zeros(own.n)
        if not is_variable:
            array[:] = own.parameters[name]
        shape = (self.n,) if has_axes(value) else ()
        array[self.ids] = check_array(name, value, shape=shape, dtype=array.dtype)
        if not is_variable:
            own.parameters[name] = array

    def _more(self) -> Iterator[str]:
        yield from dict.fromkeys([*self.population.state, *self.population.parameters])

    def silence(self, on: bool = True) -> None:
        """Stop these neurons from sending spikes, or let them send again; see `Population`."""
        self.population.set_silent(self.ids, check_choice("on", on, [True, False]))


def _names(population: Population, ids: np.ndarray, run: slice | None) -> tuple[str, str]:
    """The name of a subgroup, and its form in the name of a projection."""
    name = population.name
    if ids.size == population.n:
        return name, name
    if ids.size == 1:
        return f"{name}[{ids[0]}]", f"{name}_{ids[0]}"
    if run is None:
        return f"{name}[{ids.size} neurons]", f"{name}_{ids.size}_neurons"
    numbers = [run.start, run.stop] + ([run.step] if run.step > 1 else [])
    return f"{name}[{':'.join(map(str, numbers))}]", "_".join([name, *map(str, numbers)])
