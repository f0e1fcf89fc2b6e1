"""Spike rasters and membrane traces on disk, in the SONATA layout.

libsonata, bmtk and bluepysnap read these files. The layout is that of the SONATA specification
(Dai et al. 2020) with what its readers insist on beyond it: `sorting` is an HDF5 enum, every unit
is given, reports are float32, there is one more index pointer than nodes, and nothing is
compressed with gzip, which the wheel of libsonata cannot read.
"""

from __future__ import annotations

import json
import math
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.errors import (
    FileError,
    InputError,
    check_array,
    check_integer,
    check_memory,
    check_name,
    check_names,
    check_number,
    check_path,
    check_unknown,
    is_text,
    show,
)
from spikesim.files import atomic_file, open_hdf5

__all__ = ["SpikeWriter", "TraceWriter", "Traces", "read_spikes", "read_traces"]

_MAGIC = 0x0A7A  # the number by which the specification marks its files
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
_CHUNK_BYTES = 2**18  # of one chunk of a dataset; readers fetch whole chunks
_CACHE_BYTES = 2**20  # of a dataset that grows at its end; HDF5 2 would take 8 MiB
_CHECKSUM = "spikesim_crc32"  # of a text: HDF5 keeps texts in a heap without checksums

# What HDF5 itself and h5py decode. Others come from shared libraries that a file can ask for.
_FILTERS = (
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
)
_GROWTH = 2_000  # bytes that one stored byte may become; gzip reaches 1032
_GROWTH_OFFSET = 2**15  # the same for scale-offset: a chunk of equal numbers takes about 20 bytes
_GROWTH_FREE = 2**20  # bytes that need no such reason: the only chunk may be almost empty


class _Writer:
    """A file that grows by `append` and appears under its name when it is closed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = str(check_path("path", path))
        self._stack = ExitStack()
        self._file = self._stack.enter_context(atomic_file(path))
        self._file.attrs["magic"] = np.uint32(_MAGIC)
        self._file.attrs["version"] = np.array([0, 1], np.uint32)

    def close(self) -> None:
        """Finish the file and give it its name. A second call does nothing.

        Raises
        ------
        FileError
            If the file cannot be written; then nothing is left of it.
        """
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file, or after an error remove it and keep an older one."""
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, traceback)

    @contextmanager
    def _appending(self) -> Iterator[None]:
        """Remove the file when an append stops half-way, so that `close` cannot complete it."""
        try:
            yield
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise

    def _check_open(self) -> None:
        if not self._file:
            raise InputError(f"{self._path} is closed; append before closing it.")


def _extend(dataset: h5py.Dataset, rows: np.ndarray) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(rows), axis=0)
    dataset[before:] = rows


def _put(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    # Chunks, since only they have checksums of their numbers.
    chunks = (min(len(values), _CHUNK_BYTES // 8),)
    dataset = group.create_dataset(name, data=values, chunks=chunks, fletcher32=True)
    dataset.flush()  # h5py only warns when a dataset that goes out of use cannot be written
    return dataset


def _write_text(item: h5py.Group | h5py.Dataset, name: str, text: Any) -> None:
    item.attrs[name] = text
    item.attrs[_CHECKSUM] = _text_checksum(text)


def _text_checksum(text: Any) -> np.int64:
    return np.int64(zlib.crc32(json.dumps(text).encode()))


# ---- spikes -----------------------------------------------------------------------------------


class SpikeWriter(_Writer):
    """Write spikes to a SONATA file while they happen, in bounded memory.

    The file appears under its name when the writer is closed; after an error in a `with` block it
    does not. One spike takes 8 bytes for its time and a few bits for its id.

    Parameters
    ----------
    path : str or path
    dt : float
        Length of a step (ms).
    populations : dict of str to int, optional
        Names and sizes. With them a population without spikes is in the file too, and the names
        and ids given to `append` are checked.

    Raises
    ------
    InputError
        If an argument cannot be used.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "spikes.h5")
    >>> with SpikeWriter(path, dt=0.1, populations={"pyr": 100, "sst": 20}) as writer:
    ...     writer.append("pyr", steps=[0, 0, 5], ids=[3, 7, 3])
    >>> times, ids = read_spikes(path)["pyr"]
    >>> times.tolist(), ids.tolist()
    ([0.0, 0.0, 0.5], [3, 7, 3])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        dt: float,
        populations: Mapping[str, int] | None = None,
    ) -> None:
        self._dt = check_number("dt", dt, above=0.0, unit="ms")
        self._sizes = None
        if populations is not None:
            if not isinstance(populations, Mapping):
                raise InputError(f"populations is {show(populations)}; it has to be a dict of n.")
            self._sizes = {
                check_name("population", name): check_integer(f"size of {name}", size, at_least=0)
                for name, size in populations.items()
            }
        self._last: dict[str, int] = {}
        self._datasets: dict[str, tuple[h5py.Dataset, h5py.Dataset]] = {}
        super().__init__(path)
        with self._appending():
            self._file.create_group("spikes")
            for name in self._sizes or ():
                self._add(name)

    def append(self, population: str, steps: Any, ids: Any) -> None:
        """Add spikes that follow those already there.

        Parameters
        ----------
        population : str
        steps : int array, shape (spikes,)
            The step of every spike, never smaller than the one before, also across calls. A spike
            of step k has time k * dt.
        ids : int array, shape (spikes,)
            The neuron of every spike, counted from 0 within the population.

        Raises
        ------
        InputError
            If the population is unknown, an id out of range, or a step earlier than the last.
        FileError
            If the disk is full; then nothing is left of the file.
        """
        self._check_open()
        check_name("population", population)
        largest = None
        if self._sizes is not None:
            check_unknown("population", [population], self._sizes)
            largest = self._sizes[population] - 1
        steps = check_array("steps", steps, shape=(None,), dtype=np.int64, at_least=0)
        ids = check_array(
            "ids", ids, shape=(len(steps),), dtype=np.uint64, at_least=0, at_most=largest
        )
        if not len(steps):
            return
        last = self._last.get(population, 0)
        if steps[0] < last or (np.diff(steps) < 0).any():
            raise InputError(
                f"steps of {population} go back in time; every step has to be at least the one "
                f"before, and the first at least {last}."
            )
        with self._appending():
            if population not in self._datasets:
                self._add(population)
            times, nodes = self._datasets[population]
            _extend(times, steps * self._dt)
            _extend(nodes, ids)
        self._last[population] = int(steps[-1])

    def _add(self, population: str) -> None:
        group = self._file["spikes"].create_group(population)
        group.attrs.create("sorting", 2, dtype=_SORTING)
        rows = (_CHUNK_BYTES // 8,)
        times = group.create_dataset(
            "timestamps",
            (0,),
            np.float64,
            maxshape=(None,),
            chunks=rows,
            fletcher32=True,
            rdcc_nbytes=_CACHE_BYTES,
        )
        times.attrs["units"] = "ms"
        # Scale-offset 0 keeps whole numbers exactly, in as few bits as each chunk needs. It is set
        # here because h5py takes it for lossy and refuses a checksum beside it.
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk(rows)
        layout.set_scaleoffset(h5py.h5z.SO_INT, 0)
        layout.set_fletcher32()  # of what is stored, so that it is checked before it is decoded
        nodes = group.create_dataset(
            "node_ids",
            (0,),
            np.uint64,
            maxshape=(None,),
            chunks=rows,
            dcpl=layout,
            rdcc_nbytes=_CACHE_BYTES,
        )
        # They stay open until the file is closed, or a full disk would go unnoticed: see _put.
        self._datasets[population] = (times, nodes)


def read_spikes(path: str | os.PathLike[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all spikes of a SONATA file, whoever wrote it.

    Returns
    -------
    dict of str to (times, ids)
        For every population: float64 array of times (ms) and int64 array of neurons, both of
        shape (spikes,) and in the order of the file.

    Raises
    ------
    FileError
        If the file is missing, damaged, or not of this layout.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "spikes.h5")
    >>> SpikeWriter(path, dt=0.1, populations={"sst": 20}).close()
    >>> read_spikes(path)
    {'sst': (array([], dtype=float64), array([], dtype=int64))}
    """
    with open_hdf5(path) as file, _reading(path):
        spikes = {}
        populations = _member(file, "spikes", h5py.Group)
        for name in populations:
            group = _member(populations, name, h5py.Group)
            times, ids = (_member(group, part, h5py.Dataset) for part in ("timestamps", "node_ids"))
            _check_unit(times, "ms")
            if times.shape != ids.shape or times.ndim != 1:
                raise ValueError(f"{times.shape} times and {ids.shape} ids")
            spikes[name] = (_numbers(times, np.float64), _numbers(ids, np.int64))
        return spikes


# ---- traces -----------------------------------------------------------------------------------


class _Part(NamedTuple):
    node_ids: np.ndarray  # uint64, shape (nodes,)
    elements: tuple[str, ...]


class TraceWriter(_Writer):
    """Write one variable of one or several populations to a SONATA report, frame by frame.

    The file appears under its name when the writer is closed; after an error in a `with` block it
    does not. A population without a frame is left out, since readers stumble over it.

    Parameters
    ----------
    path : str or path
    dt : float
        Time between frames (ms).
    start : float
        Time of the first frame (ms).
    unit : str
        Unit of the variable, such as "mV".

    Raises
    ------
    InputError
        If an argument cannot be used.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "v.h5")
    >>> with TraceWriter(path, dt=0.5) as writer:
    ...     writer.add_population("pyr", node_ids=[2, 9], elements=("soma", "apical"))
    ...     writer.append("pyr", np.zeros((4, 2, 2)))
    >>> traces = read_traces(path)["pyr"]
    >>> traces.data.shape, traces.elements, traces.times.tolist()
    ((4, 2, 2), ('soma', 'apical'), [0.0, 0.5, 1.0, 1.5])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        dt: float,
        start: float = 0.0,
        unit: str = "mV",
    ) -> None:
        self._dt = check_number("dt", dt, above=0.0, unit="ms")
        self._start = check_number("start", start, at_least=0.0, unit="ms")
        if not is_text(unit):
            raise InputError(f"unit is {show(unit)}; it has to be a text such as 'mV'.")
        self._unit = str(unit)
        self._parts: dict[str, _Part] = {}
        self._datasets: dict[str, tuple[h5py.Dataset, h5py.Dataset]] = {}
        super().__init__(path)
        with self._appending():
            self._file.create_group("report")

    def add_population(
        self, population: str, node_ids: Any, elements: Sequence[str] = ("soma",)
    ) -> None:
        """Say which neurons and which of their parts the frames of a population hold.

        Parameters
        ----------
        population : str
        node_ids : int array, shape (nodes,)
            Neurons, counted from 0 within the population, in any order, each once.
        elements : sequence of str
            Names of the parts. They are stored as attribute `elements` of /report/<population>;
            SONATA itself only knows their numbers 0, 1, ...

        Raises
        ------
        InputError
            If the population is there already, or an argument cannot be used.
        """
        self._check_open()
        check_name("population", population)
        if population in self._parts:
            raise InputError(f"population is {population!r}, which is in {self._path} already.")
        nodes = check_array("node_ids", node_ids, shape=(None,), dtype=np.uint64, at_least=0)
        if not len(nodes) or len(np.unique(nodes)) < len(nodes):
            raise InputError("node_ids has to name at least one neuron, and none of them twice.")
        names = () if isinstance(elements, str) else tuple(check_names("elements", elements))
        if not names or len(set(names)) < len(names):
            raise InputError(
                f"elements is {show(elements)}; it has to be a list of different names, such as "
                "('soma', 'basal', 'apical')."
            )
        self._parts[population] = _Part(nodes, names)

    def append(self, population: str, block: Any) -> None:
        """Add frames.

        Parameters
        ----------
        population : str
        block : float array, shape (frames, nodes, elements)
            Stored as float32, the only type that SONATA allows.

        Raises
        ------
        InputError
            If the population was not added, or the block has another shape.
        FileError
            If the disk is full; then nothing is left of the file.
        """
        self._check_open()
        check_unknown("population", [population], self._parts)
        part = self._parts[population]
        columns = len(part.node_ids) * len(part.elements)
        block = check_array(
            "block",
            block,
            shape=(None, len(part.node_ids), len(part.elements)),
            dtype=np.float32,
            finite=False,
        )
        if not len(block):
            return
        with self._appending():
            if population not in self._datasets:
                self._add(population, part)
            data, time = self._datasets[population]
            _extend(data, block.reshape(len(block), columns))
            time[1] = self._start + len(data) * self._dt  # the first time after the data

    def _add(self, population: str, part: _Part) -> None:
        nodes, elements = len(part.node_ids), len(part.elements)
        columns = nodes * elements
        group = self._file["report"].create_group(population)
        _write_text(group, "elements", part.elements)
        # Whole rows: libsonata reads frame by frame, and takes minutes with narrower chunks.
        chunks = (frames_per_chunk(columns), columns)
        data = group.create_dataset(
            "data",
            (0, columns),
            np.float32,
            maxshape=(None, columns),
            chunks=chunks,
            fletcher32=True,
        )
        _write_text(data, "units", self._unit)
        mapping = group.create_group("mapping")
        node_ids = _put(mapping, "node_ids", part.node_ids)
        node_ids.attrs["sorted"] = np.uint8((part.node_ids[1:] > part.node_ids[:-1]).all())
        pointers = np.arange(0, columns + 1, elements, dtype=np.uint64)
        mapping["index_pointer"] = _put(mapping, "index_pointers", pointers)  # bmtk's name for it
        _put(mapping, "element_ids", np.tile(np.arange(elements, dtype=np.uint32), nodes))
        _put(mapping, "element_pos", np.zeros(columns, np.float32))
        time = _put(mapping, "time", np.array([self._start, self._start, self._dt]))
        time.attrs["units"] = "ms"
        # They stay open until the file is closed, or a full disk would go unnoticed: see _put.
        self._datasets[population] = (data, time)


def frames_per_chunk(columns: int) -> int:
    """For how many frames of so many numbers a report takes room at a time."""
    return max(1, _CHUNK_BYTES // (4 * columns))


class Traces(NamedTuple):
    """One variable of one population over time, as `read_traces` returns it."""

    times: np.ndarray
    """float64, shape (frames,): time of every frame (ms)."""
    node_ids: np.ndarray
    """int64, shape (nodes,): the neurons."""
    elements: tuple[str, ...]
    """Names of the parts of a neuron; their numbers if the file has no names."""
    data: np.ndarray
    """float32, shape (frames, nodes, elements)."""
    unit: str
    """Unit of the data, such as "mV"."""


def read_traces(path: str | os.PathLike[str]) -> dict[str, Traces]:
    """Read a SONATA report in which all nodes of a population have the same elements.

    Returns
    -------
    dict of str to Traces

    Raises
    ------
    FileError
        If the file is missing, damaged, or not of this layout.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "v.h5")
    >>> TraceWriter(path, dt=0.5).close()
    >>> read_traces(path)
    {}
    """
    with open_hdf5(path) as file, _reading(path):
        populations = _member(file, "report", h5py.Group)
        return {name: _read_report(_member(populations, name, h5py.Group)) for name in populations}


def _read_report(group: h5py.Group) -> Traces:
    mapping = _member(group, "mapping", h5py.Group)
    clock, nodes, pointers, elements, data = (
        _member(parent, name, h5py.Dataset)
        for parent, name in (
            (mapping, "time"),
            (mapping, "node_ids"),
            (mapping, "index_pointers"),
            (mapping, "element_ids"),
            (group, "data"),
        )
    )
    _check_unit(clock, "ms")
    frames, columns = data.shape
    # Everything below is as long as one of these, so that nothing is made which is not in the file.
    if clock.shape != (3,) or elements.shape != (columns,) or not columns:
        raise ValueError(f"{clock.shape} times and {elements.shape} elements of {columns} columns")
    start, _, step = _numbers(clock, np.float64)
    node_ids = _numbers(nodes, np.int64)
    each = columns // len(node_ids)
    numbers = _numbers(elements, np.int64).reshape(len(node_ids), each)
    expected = np.arange(0, columns + 1, each)
    if (
        pointers.shape != expected.shape
        or not np.array_equal(_numbers(pointers, np.int64), expected)
        or (numbers != numbers[0]).any()
    ):
        raise ValueError("its nodes have different elements, which only libsonata can read")
    names = tuple(map(str, numbers[0]))
    if "elements" in group.attrs:
        names = tuple(map(str, group.attrs["elements"]))
        _check_text(group, names)
    unit = _text(data.attrs["units"])
    _check_text(data, unit)
    return Traces(
        times=start + step * np.arange(frames),
        node_ids=node_ids,
        elements=names,
        data=_numbers(data, np.float32).reshape(frames, len(node_ids), each),
        unit=unit,
    )


# ---- what both readers need -------------------------------------------------------------------


@contextmanager
def _reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn everything that a file of another layout runs into, into one sentence."""
    try:
        yield
    except (
        AttributeError,
        IndexError,
        KeyError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    ) as error:
        reason = " ".join(str(error).split()).rstrip(".")  # HDF5 likes to use several lines
        raise FileError(
            f"{os.fspath(path)} is damaged or not in the SONATA layout: {reason}; check the path."
        ) from error


def _member(group: h5py.Group, name: str, kind: type) -> Any:
    """Return a member that is in the group itself: links lead to other files, or in circles."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{group.name} has no {name} of its own")
    member = group[name]
    if not isinstance(member, kind):
        raise ValueError(f"{member.name} is no {kind.__name__.lower()}")
    return member


def _numbers(dataset: h5py.Dataset, dtype: Any) -> np.ndarray:
    """Read a dataset after its size was compared with what the file holds."""
    if dataset.shape is None or dataset.dtype.kind not in "iuf":
        raise ValueError(f"{dataset.name} is of type {dataset.dtype}, not of numbers")
    _check_size(dataset)
    return dataset[()].astype(dtype, copy=False)


def _check_size(dataset: h5py.Dataset) -> None:
    layout, stored = dataset.id.get_create_plist(), dataset.id.get_storage_size()
    if layout.get_external_count() or layout.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"the numbers of {dataset.name} are in another file")
    check_memory(f"{dataset.name} has shape {dataset.shape}", float(dataset.nbytes))
    if stored > dataset.file.id.get_filesize():
        raise ValueError(f"{dataset.name} claims to be larger than its file")
    if layout.get_layout() != h5py.h5d.CHUNKED:
        if stored != dataset.nbytes:
            raise ValueError(f"{dataset.name} has shape {dataset.shape} and {stored} bytes")
        return
    filters = {layout.get_filter(k)[0] for k in range(layout.get_nfilters())}
    if not filters <= set(_FILTERS):
        raise ValueError(f"{dataset.name} uses a filter that is not part of HDF5")
    chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
    check_memory(f"{dataset.name} has chunks of shape {dataset.chunks}", float(chunk))
    pairs = zip(dataset.shape, dataset.chunks, strict=True)
    read = float(chunk) * math.prod(-(-length // part) for length, part in pairs)
    growth = _GROWTH_OFFSET if h5py.h5z.FILTER_SCALEOFFSET in filters else _GROWTH
    if not filters - {h5py.h5z.FILTER_FLETCHER32}:
        growth = 1
    # A chunk that was never written is made of nothing, one that is packed too well of almost it.
    # One that holds more than it may is unpacked in full before HDF5 looks at its size.
    if read > growth * stored + _GROWTH_FREE or stored > 2.0 * read + _CHUNK_BYTES:
        raise ValueError(f"{dataset.name} would take {read:.0f} bytes, made of {stored}")


def _check_text(item: h5py.Group | h5py.Dataset, text: Any) -> None:
    if item.attrs.get(_CHECKSUM, _text_checksum(text)) != _text_checksum(text):
        raise ValueError(f"a text of {item.name} has changed since it was written")


def _text(attribute: Any) -> str:
    """Return a text attribute, which writers store as text, as bytes, or as an array of one."""
    value = np.asarray(attribute).reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_unit(dataset: h5py.Dataset, wanted: str) -> None:
    unit = _text(dataset.attrs["units"])
    if unit != wanted:
        raise ValueError(f"{dataset.name} is in {unit!r}, not in {wanted!r}")
