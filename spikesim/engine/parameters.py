"""The parameters of a population: one number for all of its neurons, or one for each.

A `Neuron` computes what follows for one neuron: the constants that bodies read, the start values of
variables, and the longest time constant. This module calls it once for each combination of values
that occurs. A constant that is the same for all neurons becomes a number; any other becomes an
array.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import Guarded, read_only
from spikesim.checks import check_array, check_number, check_unknown, show
from spikesim.declaring import present_name
from spikesim.errors import InputError
from spikesim.neuron import Following, Neuron

if TYPE_CHECKING:
    from spikesim.engine.population import Population

__all__ = [
    "Following",
    "Parameters",
    "check_type",
    "description",
    "has_axes",
    "of_neurons",
]


def has_axes(value: Any) -> bool:
    """Whether a value is an array, or something like one, rather than one number.

    Examples
    --------
    >>> has_axes([1.0, 2.0]), has_axes(np.float32(1.0)), has_axes(np.array(1.0))
    (True, False, False)
    """
    if isinstance(value, (list, tuple, range)):  # even if it is ragged
        return True
    try:
        return np.ndim(value) > 0
    except Exception:  # the conversion of a foreign object may raise anything
        return False


def of_neurons(neuron: Neuron, given: Mapping[str, Any], dt: float, name: str, n: int) -> Following:
    """Everything that follows from the parameters `given` for `n` neurons.

    Parameters
    ----------
    neuron : Neuron
    given : mapping of str to float, int or array_like of shape (n,)
        Parameters other than their defaults.
    dt : float
        In ms.
    name : str
        The name of the population, for messages.
    n : int

    Raises
    ------
    InputError
        If a parameter is unknown or impossible. The message names it and, if there is one value for
        each neuron, the neuron.
    """
    check_unknown("parameter", given, neuron.parameters)
    each = {key: _each(key, value, n) for key, value in given.items() if has_axes(value)}
    alike = {key: value for key, value in given.items() if key not in each}
    if not each:
        return neuron.following(alike, dt)
    table = np.stack(list(each.values()), axis=1)
    rows, first, row_of = np.unique(table, axis=0, return_index=True, return_inverse=True)
    found: dict[int, Following] = {}
    for row in np.argsort(first).tolist():  # the first neuron with something wrong is named
        own = {**alike, **dict(zip(each, rows[row].tolist(), strict=True))}
        try:
            found[row] = neuron.following(own, dt)
        except InputError as error:
            raise InputError(f"Neuron {first[row]} of {name!r}: {error}") from None
        known, names = (found[k].constants for k in (row, next(iter(found))))
        if known.keys() != names.keys():
            raise InputError(
                f"Neuron {first[row]} of {name!r}: constants returns {', '.join(known)}; it has to "
                f"return {', '.join(names)}, as for the neurons before."
            )
    of_rows = [found[row] for row in range(len(rows))]
    row_of = row_of.reshape(-1)
    values: dict[str, Any] = {**of_rows[0].values}
    values.update({key: _spread([row.values[key] for row in of_rows], row_of) for key in each})
    constants, starts = (
        {key: _joined([part[key] for part in parts], row_of) for key in parts[0]}
        for parts in ([row.constants for row in of_rows], [row.starts for row in of_rows])
    )
    differing = [key for key, value in constants.items() if has_axes(value)]
    if differing and any(isinstance(step, tuple) for step in neuron.steps):
        raise InputError(
            f"{differing[0]} of {name!r} differs from neuron to neuron; a body of these neurons "
            "runs over indices of its own, so that it cannot have that of a neuron; give one "
            f"number for {', '.join(each)}."
        )
    return Following(values, constants, starts, max(row.longest for row in of_rows))


def _each(name: str, value: Any, n: int) -> np.ndarray:
    """One value for each neuron, in float64."""
    values = check_array(name, value, shape=(n,), dtype=np.float64, finite=False)
    if np.asarray(value).dtype.kind == "b":
        raise InputError(f"{name} holds truth values; it has to hold {n} numbers.")
    return values + 0.0  # so that -0.0 is 0.0


def _spread(values: list[Any], row_of: np.ndarray) -> np.ndarray:
    """One value for each neuron, from one value for each row."""
    is_real = any(isinstance(value, (float, np.floating)) for value in values)
    return np.array(values, np.float64 if is_real else np.int64)[row_of]


def _joined(values: list[Any], row_of: np.ndarray) -> Any:
    """The same as `_spread`, or a number if all neurons have the same."""
    if any(value != values[0] for value in values):
        return _spread(values, row_of)
    return next((value for value in values if isinstance(value, (float, np.floating))), values[0])


def check_type(name: str, following: Following, given: Mapping[str, Any], dtype: str) -> None:
    """Refuse parameters, or numbers that follow, that the type of a population cannot hold."""
    most = float(np.finfo(dtype).max)
    for parameter in given:
        value = following.values[parameter]
        if has_axes(value):
            _check_each(parameter, name, value, dtype)
        else:
            check_number(parameter, value, dtype=dtype)
    for constant, value in following.constants.items():
        largest = np.abs(np.asarray(value, np.float64)).max()
        if not largest <= most:
            where = f" of neuron {int(np.abs(value).argmax())}" if has_axes(value) else ""
            raise InputError(
                f"{', '.join(given)}: {constant}{where} would be {largest:g}, which {dtype} cannot "
                "hold."
            )
    for variable, value in following.starts.items():
        if has_axes(value):
            _check_each(f"variables: {variable}", name, value, dtype)
        else:
            check_number(f"variables: {variable}", value, dtype=dtype)


def _check_each(what: str, name: str, values: np.ndarray, dtype: str) -> None:
    worst = int(np.abs(values).argmax())
    check_number(f"{what} of neuron {worst} of {name!r}", values[worst].item(), dtype=dtype)


def description(value: Any) -> Any:
    """A parameter as a number or a text, to compare whether two networks are built alike.

    Examples
    --------
    >>> description(20.0), description(np.array([1.0, 2.0]))
    (20.0, '2 numbers from 1 to 2 (checksum 7ba3895f)')
    """
    if not has_axes(value):
        return value
    numbers = np.asarray(value, np.float64)
    if (numbers == numbers[0]).all():
        return float(numbers[0])
    checksum = zlib.crc32(numbers.tobytes())
    least, most = numbers.min(), numbers.max()
    return f"{numbers.size} numbers from {least:g} to {most:g} (checksum {checksum:08x})"


class Parameters(Guarded, MutableMapping[str, Any]):
    """The parameters of a population by name; made by `Network.add_population`.

    A parameter is a number, or a read-only array of shape (n,) with one for each neuron. You can
    assign either; it holds from the next run on. Constants that follow from it are computed again,
    as when neurons are made; variables continue from their present values. ``cells.tau = 10.0`` is
    short for ``cells.parameters["tau"] = 10.0``, unless there is a variable of that name. `update`
    sets several at once.

    Raises
    ------
    InputError
        If a parameter is unknown, or `Network.add_population` would refuse the value, or it would
        need variables of another type, like a time constant beyond 4096 steps in float32. Nothing
        is then changed.

    Examples
    --------
    >>> from spikesim import CurrentLIF, Network
    >>> net = Network(backend="python")
    >>> cells = net.add_population("cells", 3, CurrentLIF, tau=[10.0, 20.0, 30.0])
    >>> cells.threshold = -48.0
    >>> cells.parameters.update(tau=15.0, I=[0.0, 5.0, 10.0])
    >>> cells.tau, cells.I
    (15.0, array([ 0.,  5., 10.]))
    """

    def __init__(self, population: Population, values: Mapping[str, Any]):
        self._population = population
        self._values = {name: self._for_reading(name, value) for name, value in values.items()}

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {show(value)}' for name, value in self.items())}}}"

    def __getitem__(self, name: str) -> Any:
        name = present_name(name, self._values, self._population.neuron.former)
        check_unknown(f"parameter of {self._population.name!r}", [name], self._values)
        live = self._population._live.get(name)
        return self._values[name] if live is None else self._for_reading(name, live)

    def _for_reading(self, name: str, value: Any) -> Any:
        """The same array, but without permission to write; a number as it is."""
        advice = f"assign a whole one, as in {self._population.name}.{name} = values"
        return read_only(value, advice) if has_axes(value) else value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        raise InputError(
            f"{show(name)} of {self._population.name!r} cannot be taken away; set it to another "
            "number."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def update(self, *others: Any, **named: Any) -> None:
        """Set several at once: only all of them together have to be possible."""
        try:
            given = dict(*others, **named)
        except (TypeError, ValueError):
            raise InputError(
                f"parameters are {show(others)}; they have to be a dict, or be given by name."
            ) from None
        given = self._population.neuron.present(given)
        self.take(self.following(given), given)

    def following(self, given: Mapping[str, Any]) -> Following:
        """The numbers that would follow from these values; refuses the same ones as `update`."""
        population = self._population
        name, n, dt = population.name, population.n, population.network.dt
        check_unknown(f"parameter of {name!r}", given, self._values)
        following = of_neurons(population.neuron, {**self._values, **given}, dt, name, n)
        check_type(name, following, given, population.dtype)
        population.check_speed(following.longest, given)
        return following

    def take(self, following: Following, given: Mapping[str, Any]) -> None:
        """Use the numbers that follow from parameters from now on."""
        for name in given:
            self._values[name] = self._for_reading(name, following.values[name])
            live = self._population._live.get(name)
            if live is not None:
                live[:] = following.values[name]
        self._population.take(following.constants)

    @property
    def held(self) -> dict[str, Any]:
        """The dict that holds the values."""
        return self._values

    def saved(self) -> dict[str, Any]:
        """Their values, except for parameters that are variables, which are saved as variables."""
        live = self._population._live
        return {name: value for name, value in self._values.items() if name not in live}
