"""Areas of cortex with layered populations, and how they are connected: numbers from a JSON file.

    {
      "area_list": ["V1", "V2"],
      "structure": {"V1": ["4E", "4I"], "V2": ["4E", "4I"]},
      "neuron_numbers": {"V1": {"4E": 800, "4I": 200}, "V2": ...},
      "synapses": {"V1": {"4E": {"V1": {"4E": 6e4, "4I": 2e4}, "V2": ...,
                                 "external": {"external": 8e5}}, "4I": ...}, "V2": ...},
      "distances": {"V1": {"V2": 12.0}, "V2": {"V1": 12.0}}
    }

`synapses` goes from the area and population that receive to those that send; the last entry counts
synapses from outside of all areas. Distances are in mm. This is the layout of the file that the
authors' program of the macaque multi-area model writes
(https://github.com/INM-6/multi-area-model); what else that file holds is not looked at.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import (
    check_array,
    check_memory,
    check_names,
    check_number,
    check_path,
    show,
)
from spikesim.errors import FileError, InputError
from spikesim.io.objects import read_object

__all__ = ["Areas", "check_areas", "label", "read_areas"]

_MOST = float(2**31 - 16)  # neurons of a population


class Areas(NamedTuple):
    """Areas with layered populations; from `read_areas`.

    Attributes
    ----------
    names : sequence of str
        The areas.
    populations : sequence of (str, str)
        The area and name of each population, such as ('V1', '23E'). A name ends in E if its neurons
        excite, or else in I.
    sizes : numpy.ndarray, shape (populations,)
        Numbers of neurons; they may have fractions.
    indegrees : numpy.ndarray, shape (populations, populations)
        Synapses onto each neuron of one population (row) from another one (column).
    external : numpy.ndarray, shape (populations,)
        Synapses onto each neuron from outside of all areas.
    distances : numpy.ndarray, shape (areas, areas)
        In mm.
    rates : numpy.ndarray, shape (populations,), or None
        Firing rates in Hz, if they are known.
    """

    names: Sequence[str]
    populations: Sequence[tuple[str, str]]
    sizes: np.ndarray
    indegrees: np.ndarray
    external: np.ndarray
    distances: np.ndarray
    rates: np.ndarray | None = None


def read_areas(
    path: str | os.PathLike[str],
    *,
    indegrees: Any = None,
    rates: str | os.PathLike[str] | None = None,
) -> Areas:
    """Read areas, populations, numbers of neurons and synapses, and distances.

    Parameters
    ----------
    path : str or path
        The JSON file; `spikesim.areas` says what is in it.
    indegrees : array_like, shape (populations, populations), optional
        Synapses onto each neuron of one population (row) from another one (column), in place of
        those of the file. The order is that of area_list and structure.
    rates : str or path, optional
        A JSON file with the firing rate of each population in Hz, as {"V1": {"4E": 3.0, ...}, ...}.
        Networks with fewer synapses per neuron need it.

    Returns
    -------
    Areas

    Raises
    ------
    FileError
        If a file is missing, is no JSON, or lacks a number or holds an impossible one.
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "areas.json"
    >>> _ = file.write_text(json.dumps({
    ...     "area_list": ["V1"],
    ...     "structure": {"V1": ["4E", "4I"]},
    ...     "neuron_numbers": {"V1": {"4E": 800, "4I": 200}},
    ...     "synapses": {"V1": {
    ...         "4E": {"V1": {"4E": 6e4, "4I": 2e4}, "external": {"external": 8e5}},
    ...         "4I": {"V1": {"4E": 2e4, "4I": 4e3}, "external": {"external": 2e5}},
    ...     }},
    ...     "distances": {"V1": {}},
    ... }))
    >>> read_areas(file).indegrees.tolist()
    [[75.0, 25.0], [100.0, 20.0]]
    """
    where = check_path("path", path)
    content = read_object(where)
    names = _texts(where, "area_list", content, "area_list")
    structure = {
        name: _texts(where, f"structure.{name}", content.get("structure"), name) for name in names
    }
    populations = [(name, each) for name in names for each in structure[name]]
    check_memory(f"{where} has {len(populations)} populations", 16.0 * len(populations) ** 2)
    sizes = _numbers(where, "neuron_numbers", content, populations)
    if (sizes == 0.0).any():
        who = ".".join(populations[int(np.argmin(sizes))])
        raise FileError(f"{where}: {who} has no neurons; leave it out of structure.")
    pairs = ((*post, *pre) for post, pre in product(populations, populations))
    synapses = _numbers(where, "synapses", content, pairs).reshape(len(sizes), len(sizes))
    outside = ((*each, "external", "external") for each in populations)
    external = _numbers(where, "synapses", content, outside)
    distances = np.zeros((len(names), len(names)))
    distances[~np.eye(len(names), dtype=bool)] = _numbers(
        where, "distances", content, ((a, b) for a, b in product(names, names) if a != b)
    )
    if indegrees is None:
        indegrees = synapses / sizes[:, None]
    known = None
    if rates is not None:
        place = check_path("rates", rates)
        known = _numbers(place, "", {"": read_object(place)}, populations)
    external = external / sizes
    given = Areas(tuple(names), tuple(populations), sizes, indegrees, external, distances, known)
    return check_areas(given)


def label(population: tuple[str, str]) -> str:
    """The name of a population in a network; areas whose name begins with a digit get an A.

    Parameters
    ----------
    population : (str, str)
        Its area and its name there.

    Returns
    -------
    str

    Examples
    --------
    >>> label(("V1", "23E")), label(("46", "5I"))
    ('V1_23E', 'A46_5I')
    """
    area, name = population
    return f"A{area}_{name}" if area[:1].isdigit() else f"{area}_{name}"


def check_areas(areas: Any) -> Areas:
    """Check what may have been made by hand.

    Parameters
    ----------
    areas : Areas

    Returns
    -------
    Areas
        The same, with tuples of names, and arrays of float64.

    Raises
    ------
    InputError
        If a number is out of range, a shape does not fit, or a name cannot be that of a population.

    Examples
    --------
    >>> one = np.ones(1)
    >>> check_areas(Areas(["V1"], [("V1", "4E")], 9 * one, [[1.0]], one, [[0.0]])).sizes
    array([9.])
    """
    if not isinstance(areas, Areas):
        raise InputError(f"areas is {show(areas)}; it has to be Areas, from read_areas.")
    names = tuple(check_names("names", areas.names))
    try:
        populations: tuple[Any, ...] = tuple(tuple(pair) for pair in areas.populations)
    except Exception:  # a foreign object may raise anything
        raise InputError(
            f"populations is {show(areas.populations)}; it has to be pairs of area and name."
        ) from None
    _check_populations(names, populations)
    n, m = len(populations), len(names)
    sizes = _array("sizes", areas.sizes, n)
    if (sizes == 0.0).any():
        raise InputError("sizes holds 0; leave a population without neurons out.")
    return Areas(
        names,
        populations,
        sizes,
        _array("indegrees", areas.indegrees, n, n),
        _array("external", areas.external, n),
        _array("distances", areas.distances, m, m),
        None if areas.rates is None else _array("rates", areas.rates, n),
    )


def _array(name: str, value: Any, *shape: int) -> np.ndarray:
    return check_array(name, value, shape=shape, dtype=np.float64, at_least=0.0, at_most=_MOST)


def _check_populations(names: Sequence[str], populations: Sequence[tuple[Any, ...]]) -> None:
    if not populations:
        raise InputError("populations is empty; there has to be at least one.")
    for pair in populations:
        if (
            len(pair) != 2
            or not all(isinstance(each, str) for each in pair)
            or pair[0] not in names
            or pair[1][-1:] not in ("E", "I")
        ):
            raise InputError(
                f"populations holds {show(pair)}; it has to be one of the areas, and a name that "
                "ends in E or I, such as '23E'."
            )
    for found, times in Counter(map(label, populations)).items():
        if times > 1 or not found.isidentifier():
            raise InputError(
                f"populations calls {times} of them {show(found)}; names have to differ, and be of "
                "letters, digits and '_'."
            )


def _texts(path: Path, what: str, tree: Any, name: str) -> list[str]:
    """A list of names."""
    value = tree.get(name) if isinstance(tree, dict) else None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise FileError(
            f"{path} has no list of names in {what}. {_LAYOUT}"
            if value is None
            else f"{path}: {what} is {show(value)}; it has to be a list of names."
        )
    return value


_LAYOUT = (
    "It has to be the file default_Data_Model_.json of the multi-area model's program, or one of "
    "that layout; help(spikesim.areas) shows it."
)


def _numbers(path: Path, section: str, content: Any, places: Iterable[Sequence[str]]) -> np.ndarray:
    """The number at each place of a section, such as ('V1', '4E')."""
    return np.fromiter(_found(path, section, content, places), np.float64)


def _found(
    path: Path, section: str, content: Any, places: Iterable[Sequence[str]]
) -> Iterator[float]:
    for keys in places:
        value = content.get(section)
        what = ".".join([section, *keys] if section else keys)
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            raise FileError(f"{path} has no {what}. {_LAYOUT if section else _RATES}")
        try:
            yield check_number(what, value, at_least=0.0, at_most=1e15)
        except InputError as error:
            raise FileError(f"{path}: {error}") from None


_RATES = 'It has to hold the rate of each population in Hz, as {"V1": {"4E": 3.0, ...}, ...}.'
