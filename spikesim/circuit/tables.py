"""Populations of nodes and edges in SONATA files, as tables of their attributes.

An attribute of a node or an edge stands in the HDF5 file, in a group of those that have the same
attributes, or in the CSV file of types. The former goes first. h5py reads them and not libsonata,
which reads no types, and whose wheel has no gzip, with which many published files are packed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import check_memory, show
from spikesim.errors import FileError
from spikesim.io.files import open_hdf5, read_bytes
from spikesim.io.untrusted import (
    check_size,
    check_texts,
    is_own,
    own_member,
    read_numbers,
    reading,
    text_attribute,
)

__all__ = ["Edges", "Table", "read_edges", "read_nodes", "read_rows"]

_MISSING = ("", "NULL", "NONE", "NAN", "NA")  # how types say that they have no value
_OF_EDGES = ("delay", "dynamics_params", "model_template", "nsyns", "syn_weight", "weight_function")


class Table(NamedTuple):
    """One population of nodes or edges.

    Attributes
    ----------
    path : Path
        The HDF5 file.
    name : str
    type_ids : numpy.ndarray of int64, shape (n,)
    types : dict of int to dict of str to str
        The attributes of each type.
    own : list of (rows, attributes)
        For each group, which nodes or edges are in it, and the arrays of their own attributes.
    """

    path: Path
    name: str
    type_ids: np.ndarray
    types: dict[int, dict[str, str]]
    own: list[tuple[np.ndarray, dict[str, np.ndarray]]]

    @property
    def n(self) -> int:
        """The number of nodes or edges."""
        return self.type_ids.size

    @property
    def names(self) -> set[str]:
        """All attributes that any node or edge has."""
        names = {name for row in self.types.values() for name in row}
        return names.union(*(attributes for _, attributes in self.own))

    def texts(self, name: str) -> np.ndarray:
        """An attribute as texts, None where it is missing; object array of shape (n,)."""
        found = self._of_types(name, str, None, object)
        for rows, attributes in self.own:
            if name in attributes:
                found[rows] = [_plain(each) for each in attributes[name].tolist()]
        return found

    def numbers(self, name: str) -> np.ndarray:
        """An attribute as numbers, NaN where it is missing; float64, shape (n,).

        Raises
        ------
        FileError
            If it is not a number.
        """
        found = self._of_types(name, self._number, np.nan, np.float64)
        for rows, attributes in self.own:
            if name in attributes:
                if attributes[name].dtype.kind not in "iuf":
                    raise FileError(f"{self.path}: {name} of {self.name} holds no numbers.")
                found[rows] = attributes[name]
        return found

    def _number(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise FileError(
                f"A type of {self.name} in {self.path} has {show(text)} where a number should be."
            ) from None

    def _of_types(self, name: str, convert: Any, missing: Any, dtype: Any) -> np.ndarray:
        kinds, which = np.unique(self.type_ids, return_inverse=True)
        rows = [self.types.get(int(kind), {}) for kind in kinds]
        values = [convert(row[name]) if name in row else missing for row in rows]
        return np.array(values, dtype)[which]


class Edges(NamedTuple):
    """One population of edges.

    Attributes
    ----------
    table : Table
    source, target : str
        The populations of nodes that they connect.
    source_ids, target_ids : numpy.ndarray of int64, shape (n,)
    """

    table: Table
    source: str
    target: str
    source_ids: np.ndarray
    target_ids: np.ndarray


def read_nodes(path: Path, types: Path | None) -> list[tuple[Table, np.ndarray]]:
    """Read all populations of nodes of a file, each with the numbers of its nodes.

    Raises
    ------
    FileError
        If a file is missing, damaged or not of this layout.
    """
    rows = {} if types is None else read_types(types, "node_type_id")
    with open_hdf5(path) as file, reading(path, "not in the SONATA layout"):
        populations = own_member(file, "nodes", h5py.Group)
        found = []
        for name in populations:
            group = own_member(populations, name, h5py.Group)
            table = _table(path, name, group, "node", rows)
            ids = np.arange(table.n)
            if "node_id" in group:
                ids = read_numbers(own_member(group, "node_id", h5py.Dataset), np.int64)
            if ids.shape != (table.n,) or np.unique(ids).size != ids.size or (ids < 0).any():
                raise ValueError(f"node_id of {name} does not number {table.n} nodes")
            found.append((table, ids))
        return found


def read_edges(path: Path, types: Path | None) -> list[Edges]:
    """Read all populations of edges of a file.

    Raises
    ------
    FileError
        If a file is missing, damaged or not of this layout.
    """
    rows = {} if types is None else read_types(types, "edge_type_id")
    with open_hdf5(path) as file, reading(path, "not in the SONATA layout"):
        populations = own_member(file, "edges", h5py.Group)
        found = []
        for name in populations:
            group = own_member(populations, name, h5py.Group)
            table = _table(path, name, group, "edge", rows, _OF_EDGES)
            ends = [own_member(group, f"{end}_node_id", h5py.Dataset) for end in _ENDS]
            source, target = (read_numbers(end, np.int64) for end in ends)
            if source.shape != (table.n,) or target.shape != (table.n,):
                raise ValueError(f"{name} has {source.shape} sources for {table.n} edges")
            names = [text_attribute(end, "node_population") for end in ends]
            found.append(Edges(table, names[0], names[1], source, target))
        return found


_ENDS = ("source", "target")


def read_types(path: Path, key: str) -> dict[str | None, dict[int, dict[str, str]]]:
    """The types in a CSV file: for each population, or for all (None), by their numbers."""
    found: dict[str | None, dict[int, dict[str, str]]] = {}
    for row in read_rows(path):
        population = row.pop("population", None)
        try:
            number = int(row.pop(key))
        except (KeyError, ValueError):
            raise FileError(f"{path}: each line needs a whole number as {key}.") from None
        of_population = found.setdefault(population, {})
        if number in of_population:
            raise FileError(f"{path}: {key} {number} comes twice; number types differently.")
        of_population[number] = row
    return found


def read_rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file of SONATA, separated by spaces; values that are missing are left out.

    Raises
    ------
    FileError
        If the file cannot be read, or a line is too short or too long.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
        lines = [line for line in csv.reader(text.splitlines(), delimiter=" ") if any(line)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} is not a CSV file of SONATA: {error}.") from None
    if not lines:
        raise FileError(f"{path} is empty; it needs a line of names.")
    names, *rows = ([word.strip() for word in line] for line in lines)
    while names[-1] == "":  # a space at the end of the line
        names.pop()
    for row in rows:
        if len(row) < len(names) or any(row[len(names) :]):
            raise FileError(
                f"{path}: a line has {len(row)} values for {len(names)} names; values are "
                "separated by single spaces, and NULL stands for none."
            )
    return [
        {name: value for name, value in zip(names, row, strict=False) if not _is_missing(value)}
        for row in rows
    ]


def _is_missing(value: str) -> bool:
    return value.upper() in _MISSING


def _table(
    path: Path,
    name: str,
    group: h5py.Group,
    kind: str,
    rows: dict[str | None, dict[int, dict[str, str]]],
    wanted: Collection[str] | None = None,
) -> Table:
    types = {**rows.get(None, {}), **rows.get(name, {})}
    type_ids = read_numbers(own_member(group, f"{kind}_type_id", h5py.Dataset), np.int64)
    if type_ids.ndim != 1:
        raise ValueError(f"{kind}_type_id of {name} has shape {type_ids.shape}")
    unknown = set(np.unique(type_ids).tolist()) - set(types)
    if unknown and types:
        raise ValueError(f"{kind}s of {name} have the type {min(unknown)}, which no line has")
    groups, places = np.zeros(type_ids.size, np.int64), np.arange(type_ids.size)
    if f"{kind}_group_id" in group:
        groups, places = (
            read_numbers(own_member(group, f"{kind}_group_{part}", h5py.Dataset), np.int64)
            for part in ("id", "index")
        )
    if groups.shape != type_ids.shape or places.shape != type_ids.shape:
        raise ValueError(f"{name} has groups for {groups.shape} of {type_ids.shape} {kind}s")
    own = []
    for number in np.unique(groups).tolist():
        if str(number) in group:
            members = np.flatnonzero(groups == number)
            attributes = _attributes(own_member(group, str(number), h5py.Group), wanted)
            for attribute, values in attributes.items():
                if places[members].min() < 0 or places[members].max() >= len(values):
                    raise ValueError(f"{attribute} of {name} is shorter than its group")
            picked = {key: values[places[members]] for key, values in attributes.items()}
            own.append((members, picked))
    return Table(path, name, type_ids, types, own)


def _attributes(group: h5py.Group, wanted: Collection[str] | None) -> dict[str, np.ndarray]:
    """The arrays of a group; its parameters are called dynamics_params/NAME."""
    found: dict[str, np.ndarray] = {}
    for name in _members(group):
        if wanted is not None and name not in wanted:
            continue
        item = group[name]
        if isinstance(item, h5py.Dataset) and item.ndim == 1:
            found[name] = _values(item)
        elif isinstance(item, h5py.Group) and name == "dynamics_params":
            inner = [each for each in _members(item) if isinstance(item[each], h5py.Dataset)]
            found.update({f"{name}/{each}": _values(item[each]) for each in inner})
    if is_own(group, "@library"):
        library = own_member(group, "@library", h5py.Group)
        for name in set(_members(library)) & set(found):
            found[name] = _values(library[name])[read_numbers(group[name], np.int64)]
    return found


def _members(group: h5py.Group) -> Iterable[str]:
    return [name for name in group if is_own(group, name)]


def _values(dataset: h5py.Dataset) -> np.ndarray:
    """Numbers as float64 or int64, texts as objects."""
    kind = dataset.dtype.kind
    if kind in "iu" or h5py.check_enum_dtype(dataset.dtype) is not None:
        return read_numbers(dataset, np.int64)
    if kind == "f":
        return read_numbers(dataset, np.float64)
    if kind == "S":
        check_size(dataset)
    elif h5py.check_string_dtype(dataset.dtype) is None:
        raise ValueError(f"{dataset.name} holds neither numbers nor texts")
    elif dataset.size * _REFERENCE > _UNPACKED * (dataset.id.get_storage_size() + _REFERENCE):
        raise ValueError(f"{dataset.name} claims more texts than it has")
    else:
        check_texts(dataset.file)
    check_memory(f"{dataset.name} has shape {dataset.shape}", 100.0 * dataset.size)
    return np.array([_plain(each) for each in dataset[()].tolist()], object)


_REFERENCE = 16  # bytes of a text that is stored elsewhere in the file
_UNPACKED = 2_000  # bytes to which one stored byte may unpack


def _plain(value: Any) -> Any:
    """A text as a text, if it is stored as bytes."""
    return value.decode() if isinstance(value, bytes) else value
