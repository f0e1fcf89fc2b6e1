"""Reads spike rasters and membrane traces in the SONATA layout, whichever program wrote them.

Writers deviate from the SONATA specification, and these readers accept that. bmtk calls the index
pointers of a report `index_pointer` and gives no unit of time. An old layout keeps the spikes of
its only population in /spikes/gids. Units of time are called ms, milliseconds or seconds. A file
may come from anywhere, so sizes are compared with the file before memory is allocated, and nothing
outside the file is read.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any, NamedTuple

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import check_memory
from spikesim.io.files import open_hdf5
from spikesim.io.untrusted import (
    check_texts,
    is_own,
    own_member,
    read_numbers,
    reading,
    text_attribute,
)

__all__ = ["Traces", "read_spikes", "read_traces"]

CHECKSUM = "spikesim_crc32"
"""The checksum beside a text: HDF5 keeps texts in a heap without checksums."""

_UNITS = {  # unit of time → its length in ms; a file that names no unit is in ms
    "": 1.0,
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1.0),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1000.0),
}


def read_spikes(path: str | os.PathLike[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all spikes of a SONATA file, whoever wrote it.

    Times may be in ms or in seconds. The layout may be that of SONATA or the one before it, in
    which a file has one population without a name.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict of str to (times, ids)
        For every population: float64 array of times (ms) and int64 array of neurons, both of
        shape (spikes,) and in the order of the file. In the old layout the population's name is ''.

    Raises
    ------
    FileError
        If the file is missing, damaged, not of this layout, or still being recorded.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim.sonata import SpikeWriter
    >>> path = os.path.join(tempfile.mkdtemp(), "spikes.h5")
    >>> SpikeWriter(path, dt=0.1, populations={"sst": 20}).close()
    >>> read_spikes(path)
    {'sst': (array([], dtype=float64), array([], dtype=int64))}
    """
    with open_hdf5(path) as file, reading(path, "not in the SONATA layout"):
        spikes = own_member(file, "spikes", h5py.Group)
        if is_own(spikes, "gids") and isinstance(spikes["gids"], h5py.Dataset):
            return {"": _read_trains(spikes, "gids")}
        return {
            name: _read_trains(own_member(spikes, name, h5py.Group), "node_ids") for name in spikes
        }


def _read_trains(group: h5py.Group, neurons: str) -> tuple[np.ndarray, np.ndarray]:
    times, ids = (own_member(group, part, h5py.Dataset) for part in ("timestamps", neurons))
    if times.shape != ids.shape or times.ndim != 1:
        raise ValueError(f"{times.shape} times and {ids.shape} ids")
    return _times(times), read_numbers(ids, np.int64)


class Traces(NamedTuple):
    """One variable of one population over time, as `read_traces` returns it.

    Attributes
    ----------
    times : float64 array, shape (frames,)
        The time of every frame, in ms.
    node_ids : int64 array, shape (nodes,)
        The neurons.
    elements : tuple of str
        Names of the parts of a neuron; their numbers if the file has no names, or their places
        0, 1, ... if those numbers differ from neuron to neuron.
    data : float32 array, shape (frames, nodes, elements)
        NaN where a neuron has fewer elements than others.
    unit : str
        Of the data, such as "mV"; empty if the file does not say.
    element_ids : int64 array, shape (nodes, elements)
        The number of each part; -1 where a neuron has fewer.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=0.5, backend="python")
    >>> cells = net.add_population("cells", 2, LIF)
    >>> path = os.path.join(tempfile.mkdtemp(), "v.h5")
    >>> recording = net.record(cells, "v", path=path)
    >>> net.run(2.0)
    >>> recording.close()
    >>> read_traces(path)["cells"].data.shape
    (4, 2, 1)
    """

    times: np.ndarray
    node_ids: np.ndarray
    elements: tuple[str, ...]
    data: np.ndarray
    unit: str
    element_ids: np.ndarray


def read_traces(path: str | os.PathLike[str]) -> dict[str, Traces]:
    """Read a SONATA report, whoever wrote it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    dict of str to Traces

    Raises
    ------
    FileError
        If the file is missing, damaged, not of this layout, or still being recorded.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim.sonata import TraceWriter
    >>> path = os.path.join(tempfile.mkdtemp(), "v.h5")
    >>> TraceWriter(path, dt=0.5).close()
    >>> read_traces(path)
    {}
    """
    with open_hdf5(path) as file, reading(path, "not in the SONATA layout"):
        populations = own_member(file, "report", h5py.Group)
        return {
            name: _read_report(own_member(populations, name, h5py.Group)) for name in populations
        }


def _read_report(group: h5py.Group) -> Traces:
    mapping = own_member(group, "mapping", h5py.Group)
    # bmtk uses another name for them than the specification does.
    pointer = "index_pointers" if "index_pointers" in mapping else "index_pointer"
    clock, nodes, pointers, elements, data = (
        own_member(parent, name, h5py.Dataset)
        for parent, name in (
            (mapping, "time"),
            (mapping, "node_ids"),
            (mapping, pointer),
            (mapping, "element_ids"),
            (group, "data"),
        )
    )
    frames, columns = data.shape
    # Everything below is as long as one of these, so no array is larger than the file allows.
    if clock.shape != (3,) or elements.shape != (columns,) or not columns:
        raise ValueError(f"{clock.shape} times and {elements.shape} elements of {columns} columns")
    start, _, step = _times(clock)
    node_ids, numbers = read_numbers(nodes, np.int64), read_numbers(elements, np.int64)
    ends = read_numbers(pointers, np.int64)
    counts = np.diff(ends)
    if (
        ends.shape != (node_ids.size + 1,)
        or node_ids.ndim != 1
        or (ends[0], ends[-1]) != (0, columns)
        or (counts < 0).any()
    ):
        raise ValueError(f"the pointers of {len(node_ids)} nodes do not fit {columns} columns")
    most = int(counts.max())
    check_memory(
        f"{data.name} has {len(node_ids)} nodes of up to {most} elements",
        4.0 * max(frames, 2) * len(node_ids) * most,
    )
    values = read_numbers(data, np.float32)
    row = np.repeat(np.arange(len(node_ids)), counts)
    place = np.arange(columns) - np.repeat(ends[:-1], counts)
    element_ids = np.full((len(node_ids), most), -1)
    element_ids[row, place] = numbers
    if (counts == most).all():
        values = values.reshape(frames, len(node_ids), most)
    else:
        padded = np.full((frames, len(node_ids), most), np.nan, np.float32)
        padded[:, row, place] = values
        values = padded
    alike = (element_ids == element_ids[0]).all()
    names = tuple(map(str, element_ids[0] if alike else range(most)))
    if "elements" in group.attrs:
        check_texts(group.file)
        names = tuple(map(str, group.attrs["elements"]))
        _check_text(group, names)
    if len(names) != most:
        raise ValueError(f"{len(names)} names of {most} elements")
    unit = text_attribute(data, "units", "")
    _check_text(data, unit)
    with np.errstate(over="ignore"):
        when = start + step * np.arange(frames)
    return Traces(when, node_ids, names, values, unit, element_ids)


# ---- used by both readers ---------------------------------------------------------------------


def text_checksum(text: Any) -> np.int64:
    """The checksum that is written beside a text, or beside a list of texts."""
    return np.int64(zlib.crc32(json.dumps(text).encode()))


def _check_text(item: h5py.Group | h5py.Dataset, text: Any) -> None:
    if item.attrs.get(CHECKSUM, text_checksum(text)) != text_checksum(text):
        raise ValueError(f"a text of {item.name} has changed since it was written")


def _times(dataset: h5py.Dataset) -> np.ndarray:
    """Times in ms."""
    unit = text_attribute(dataset, "units", "")
    if unit not in _UNITS:
        raise ValueError(f"{dataset.name} is in {unit!r}, neither in ms nor in seconds")
    with np.errstate(over="ignore"):
        return read_numbers(dataset, np.float64) * _UNITS[unit]
