"""Spike rasters and membrane traces on disk, in the SONATA layout.

libsonata, bmtk and bluepysnap read these files. The layout is that of the SONATA specification
(Dai et al. 2020). It also meets the further demands of its readers: `sorting` is an HDF5 enum,
every unit is given, reports are float32, there is one more index pointer than nodes, and nothing is
compressed with gzip, which the wheel of libsonata cannot read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import (
    check_array,
    check_integer,
    check_name,
    check_names,
    check_number,
    check_path,
    check_unknown,
    is_text,
    show,
)
from spikesim.errors import InputError
from spikesim.io.files import atomic_file
from spikesim.sonata_reading import CHECKSUM, Traces, read_spikes, read_traces, text_checksum

__all__ = [
    "SpikeWriter",
    "TraceWriter",
    "Traces",
    "read_spikes",
    "read_traces",
    "write_spikes",
]

_MAGIC = 0x0A7A  # the number by which the specification marks its files
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
_CHUNK_BYTES = 2**18  # the size of one chunk of a dataset; readers fetch whole chunks
_CACHE_BYTES = 2**20  # for a dataset that grows at its end; HDF5 2 would take 8 MiB


class _Writer:
    """A file that grows with every `append`, and appears under its name when it is closed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = str(check_path("path", path))
        self._stack = ExitStack()
        self._file = self._stack.enter_context(atomic_file(path, keep=True))
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
        """Close the file; after an error, remove it instead and keep an older one."""
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, traceback)

    @property
    def is_open(self) -> bool:
        """Whether more can be appended; after `close`, or an error in an append, it cannot."""
        return bool(self._file)

    @contextmanager
    def _appending(self) -> Iterator[None]:
        """Remove the file if an append stops half-way, so that `close` cannot complete it."""
        try:
            yield
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise

    def _check_open(self) -> None:
        if not self.is_open:
            raise InputError(f"{self._path} is closed; append before closing it.")


def _extend(dataset: h5py.Dataset, rows: np.ndarray) -> None:
    before = dataset.shape[0]
    dataset.resize(before + len(rows), axis=0)
    dataset[before:] = rows


def _put(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    # In chunks, because only chunks have checksums of their numbers.
    chunks = (min(len(values), _CHUNK_BYTES // 8),)
    dataset = group.create_dataset(name, data=values, chunks=chunks, fletcher32=True)
    dataset.flush()  # h5py only warns when it cannot write a dataset that it closes
    return dataset


def _write_text(item: h5py.Group | h5py.Dataset, name: str, text: Any) -> None:
    item.attrs[name] = text
    item.attrs[CHECKSUM] = text_checksum(text)


# ---- spikes -----------------------------------------------------------------------------------


class SpikeWriter(_Writer):
    """Write spikes to a SONATA file while they happen, in bounded memory.

    The file appears under its name when the writer is closed, but not after an error in a `with`
    block. One spike takes 8 bytes for its time and a few bits for its id.

    Parameters
    ----------
    path : str or path
    dt : float
        Length of a step (ms).
    populations : dict of str to int, optional
        Names and sizes. If they are given, the file also has populations without spikes, and
        `append` checks its names and ids.

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
        """Add spikes that are no earlier than those already in the file.

        Parameters
        ----------
        population : str
        steps : int array, shape (spikes,)
            The step of every spike, never smaller than the one before, not even that of an earlier
            call. A spike of step k has time k * dt.
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

    def cut(self, population: str, step: int) -> None:
        """Remove the spikes of a population from a step on.

        Parameters
        ----------
        population : str
        step : int

        Raises
        ------
        InputError
            If the file is closed.
        FileError
            If the disk is full; then nothing is left of the file.
        """
        self._check_open()
        if self._last.get(population, -1) < step:
            return
        times, nodes = self._datasets[population]
        with self._appending():
            # Half a step before, because times are rounded. The spikes to remove are at the end.
            end, first = len(times), (step - 0.5) * self._dt
            while end and times[end - 1] > first:
                start = max(end - _CHUNK_BYTES // 8, 0)
                end = start + int(np.searchsorted(times[start:end], first))
                if end > start:
                    break
            times.resize(end, axis=0)
            nodes.resize(end, axis=0)
        self._last[population] = max(step - 1, 0)

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
        # Scale-offset 0 stores whole numbers exactly, in as few bits as each chunk needs. It is set
        # here because h5py believes it to be lossy and refuses to combine it with a checksum.
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


def write_spikes(path: str | os.PathLike[str], *spikes: Any) -> None:
    """Write the spikes of one or several populations to one SONATA file.

    A file from before the program is replaced; one that the program has written itself, or is
    recording to, is not.

    Parameters
    ----------
    path : str or path
    *spikes : SpikeRecording or Spikes
        Of populations with different names and one dt.

    Raises
    ------
    InputError
        If there are none, or two have the same name or different dt.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim import Network
    >>> net = Network(dt=1.0, backend="python")
    >>> one = net.add_spike_trains("one", 3, times=[2.0, 4.0], ids=[0, 2])
    >>> two = net.add_spike_trains("two", 1, times=[3.0], ids=[0])
    >>> recorded = [net.record_spikes(one), net.record_spikes(two)]
    >>> net.run(10.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "spikes.h5")
    >>> write_spikes(path, *recorded)
    >>> {name: times.tolist() for name, (times, ids) in read_spikes(path).items()}
    {'one': [2.0, 4.0], 'two': [3.0]}
    """
    for each in spikes:
        if not all(hasattr(each, name) for name in ("name", "n", "dt", "steps", "i")):
            raise InputError(f"spikes holds {show(each)}; it has to be spikes that were recorded.")
    sizes = {each.name: each.n for each in spikes}
    if not spikes or len(sizes) < len(spikes) or len({each.dt for each in spikes}) > 1:
        raise InputError(
            f"spikes are of {', '.join(each.name for each in spikes) or 'no population'}; they "
            "have to be of populations with different names, and of one dt."
        )
    found = [(each.name, each.steps, each.i) for each in spikes]
    with SpikeWriter(path, spikes[0].dt, sizes) as writer:
        for name, steps, ids in found:
            writer.append(name, steps, ids)


# ---- traces -----------------------------------------------------------------------------------


class _Part(NamedTuple):
    node_ids: np.ndarray  # uint64, shape (nodes,)
    elements: tuple[str, ...]


class TraceWriter(_Writer):
    """Write one variable of one or several populations to a SONATA report, frame by frame.

    The file appears under its name when the writer is closed, but not after an error in a `with`
    block. A population without a frame is left out, because readers fail on it.

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
        """Declare the neurons, and the parts of them, that the frames of a population hold.

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
            If the population was added already, or an argument cannot be used.
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

    def cut(self, population: str, frames: int) -> None:
        """Remove all frames of a population except the first `frames`.

        Parameters
        ----------
        population : str
        frames : int

        Raises
        ------
        InputError
            If the file is closed.
        FileError
            If the disk is full; then nothing is left of the file.
        """
        self._check_open()
        if population not in self._datasets:
            return
        data, time = self._datasets[population]
        with self._appending():
            if frames:
                data.resize(min(frames, len(data)), axis=0)
                time[1] = self._start + len(data) * self._dt
            else:
                del self._datasets[population], self._file["report"][population]

    def _add(self, population: str, part: _Part) -> None:
        nodes, elements = len(part.node_ids), len(part.elements)
        columns = nodes * elements
        group = self._file["report"].create_group(population)
        _write_text(group, "elements", part.elements)
        # A chunk holds whole rows: libsonata reads frame by frame, and needs minutes with less.
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
    """How many frames of so many numbers one chunk of a report holds."""
    return max(1, _CHUNK_BYTES // (4 * columns))
