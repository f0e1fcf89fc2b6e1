"""Events of cameras and artificial cochleas as spike patterns: those of tonic, SHD and N-MNIST.

    from spikesim import events

    patterns, labels = events.read_shd("shd_train.h5", samples=range(100))
    task = events.task(patterns, labels, hidden=32)
    net = SuperSpikeNetwork(task.sizes, **task.parameters)
    net.train(task)

Nothing is downloaded. `from_tonic` takes the arrays that data sets of the package tonic give.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import (
    check_array,
    check_integer,
    check_memory,
    check_number,
    check_path,
    check_steps,
    show,
)
from spikesim.errors import FileError, InputError
from spikesim.io.files import open_hdf5, read_bytes
from spikesim.io.untrusted import check_texts, own_member, read_numbers, reading
from spikesim.learning.tasks import Task
from spikesim.learning.windows import Windows
from spikesim.spike_pattern import SpikePattern, pattern_of

__all__ = ["from_tonic", "read_nmnist", "read_shd", "task"]

SHD_CHANNELS = 700
NMNIST_SIZE = (34, 34, 2)  # columns, rows, polarities
_OVERFLOW_ROW = 240  # an event of N-MNIST in this row says that the counter of times ran over
_OVERFLOW = 1 << 13  # μs
_UNTRAINED = 10**9  # the first block of `Task.untrained`


def from_tonic(
    events: Any,
    sensor_size: Sequence[int],
    duration: float | None = None,
    dt: float = 0.1,
) -> SpikePattern:
    """Return events as a spike pattern, with one neuron for each place and polarity.

    Parameters
    ----------
    events : structured array, shape (events,)
        Has the field ``t``, times in μs in any order, and ``x``, ``y`` and ``p``, of which a sensor
        may lack those of size 1. So are the events of tonic.
    sensor_size : tuple of int
        Columns, rows and polarities, such as ``tonic.datasets.NMNIST.sensor_size``. The neuron of
        an event is ``(p * rows + y) * columns + x``.
    duration : float, optional
        The duration of the trial in ms, a multiple of dt; later events are left out. By default,
        the trial ends with the step of the last event.
    dt : float
        The step in ms. Several events of a neuron in one step become one spike.

    Returns
    -------
    SpikePattern

    Raises
    ------
    InputError
        If a field is missing, a place is outside of the sensor, or a time is negative.

    Examples
    --------
    >>> import numpy as np
    >>> kind = [("x", int), ("y", int), ("t", int), ("p", int)]
    >>> events = np.array([(1, 0, 2500, 0), (0, 1, 9000, 1)], kind)
    >>> pattern = from_tonic(events, sensor_size=(2, 2, 2), duration=10.0, dt=1.0)
    >>> pattern.times.tolist(), pattern.ids.tolist(), pattern.n
    ([2.0, 9.0], [1, 6], 8)
    """
    sizes = _sensor_size(sensor_size)
    names = getattr(getattr(events, "dtype", None), "names", None)
    if not names or "t" not in names:
        raise InputError(
            f"events is {show(events)}; it has to be a structured array with the fields t, x, y, p."
        )
    events = np.asarray(events).reshape(-1)
    places = []
    for field, size in zip("xyp", sizes, strict=True):
        if size == 1:  # tonic gives the only polarity of some data sets the number 1
            places.append(np.zeros(events.size, np.int64))
        elif field not in names:
            raise InputError(f"events has no field {field!r}, of which sensor_size has {size}.")
        else:
            places.append(
                check_array(
                    f"events[{field!r}]",
                    events[field],
                    dtype=np.int64,
                    at_least=0,
                    at_most=size - 1,
                )
            )
    x, y, p = places
    columns, rows, polarities = sizes
    times = check_array("events['t']", events["t"], dtype=np.float64, at_least=0.0) / 1000.0
    ids = (p * rows + y) * columns + x
    return _pattern(times, ids, columns * rows * polarities, duration, dt)


def _sensor_size(given: Any) -> tuple[int, int, int]:
    listed = isinstance(given, (tuple, list)) or (isinstance(given, np.ndarray) and given.ndim)
    if not listed or len(given) != 3:
        raise InputError(
            f"sensor_size is {show(given)}; it has to be three numbers: columns, rows, polarities."
        )
    columns, rows, polarities = (
        check_integer(f"sensor_size[{k}]", size, at_least=1, at_most=1 << 15)
        for k, size in enumerate(given)
    )
    check_integer("sensor_size, multiplied,", columns * rows * polarities, at_most=1 << 30)
    return columns, rows, polarities


def _pattern(
    times: np.ndarray, ids: np.ndarray, n: int, duration: float | None, dt: float
) -> SpikePattern:
    """The pattern of times in ms, in any order, with one spike of a neuron per step."""
    dt = check_number("dt", dt, above=0.0, unit="ms")
    with np.errstate(over="ignore"):
        exact = np.floor(times / dt + 1e-9)
    if exact.max(initial=0.0) * n >= 2.0**62:
        raise InputError(f"dt is {dt:g} ms; that is too short for events up to {times.max():g} ms.")
    steps = exact.astype(np.int64)
    end = int(steps.max(initial=0)) + 1
    if duration is not None:
        end = check_steps("duration", duration, dt, at_least=1)
        steps, ids = steps[steps < end], ids[steps < end]
    places = np.unique(steps * n + ids)
    return pattern_of(places // n, places % n, n, round(end * dt, 9), dt)


def read_shd(
    path: str | os.PathLike[str],
    samples: Any = None,
    duration: float | None = None,
    dt: float = 0.1,
) -> tuple[list[SpikePattern], np.ndarray]:
    """Read samples of a file like those of the Spiking Heidelberg Digits (Cramer et al. 2020).

    Such a file has ``spikes/times`` (s) and ``spikes/units``, an array for each sample, and
    ``labels``.

    Parameters
    ----------
    path : str or Path
        An HDF5 file that was unpacked, such as ``shd_train.h5`` or ``ssc_train.h5``.
    samples : iterable of int, optional
        Which samples; by default, all of them.
    duration, dt
        As in `from_tonic`.

    Returns
    -------
    patterns : list of SpikePattern
        Of 700 neurons.
    labels : numpy.ndarray of int64, shape (samples,)

    Raises
    ------
    FileError
        If the file is missing, damaged or of another layout.
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import h5py, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "shd.h5")
    >>> with h5py.File(path, "w") as file:
    ...     kinds = h5py.vlen_dtype("f4"), h5py.vlen_dtype("u2")
    ...     for name, kind, values in zip(("times", "units"), kinds, ([0.5, 0.25], [7, 699])):
    ...         file.create_dataset(f"spikes/{name}", (1,), kind)[0] = values
    ...     file["labels"] = [3]
    >>> patterns, labels = read_shd(path)
    >>> patterns[0].times.tolist(), patterns[0].ids.tolist(), labels.tolist()
    ([250.0, 500.0], [699, 7], [3])
    """
    with open_hdf5(path) as file, reading(path, "not in the layout of SHD"):
        check_texts(file)
        spikes = own_member(file, "spikes", h5py.Group)
        times, units = (own_member(spikes, name, h5py.Dataset) for name in ("times", "units"))
        labels = read_numbers(own_member(file, "labels", h5py.Dataset), np.int64)
        if labels.ndim != 1 or not labels.shape == times.shape == units.shape:
            raise ValueError(f"{times.shape} times, {units.shape} units, {labels.shape} labels")
        which = _samples(samples, labels.size)
        patterns = []
        for k in which:
            t, ids = (_sample(each, k) for each in (times, units))
            if t.shape != ids.shape:
                raise ValueError(f"sample {k} has {t.size} times and {ids.size} units")
            if (t < 0.0).any() or (ids < 0).any() or ids.max(initial=0) >= SHD_CHANNELS:
                raise ValueError(f"sample {k} has a spike before 0 or of no channel")
            patterns.append(
                _pattern(t.astype(np.float64) * 1000.0, ids.astype(np.int64), 700, duration, dt)
            )
    return patterns, labels[which]


def _samples(given: Any, n: int) -> np.ndarray:
    if given is None:
        return np.arange(n)
    given = list(given) if isinstance(given, range) else given
    return check_array("samples", given, shape=(None,), dtype=np.int64, at_least=0, at_most=n - 1)


def _sample(dataset: h5py.Dataset, k: int) -> np.ndarray:
    """The array of one sample; each has a length of its own."""
    kind = h5py.check_vlen_dtype(dataset.dtype)
    if kind is None or np.dtype(kind).kind not in "iuf":
        raise ValueError(f"{dataset.name} is of type {dataset.dtype}, not a list of arrays")
    values = np.asarray(dataset[k])
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise ValueError(f"{dataset.name}[{k}] is not finite")
    return values


def read_nmnist(
    path: str | os.PathLike[str],
    samples: Any = None,
    duration: float | None = None,
    dt: float = 0.1,
) -> tuple[list[SpikePattern], np.ndarray]:
    """Read samples of a folder like those of N-MNIST (Orchard et al. 2015).

    Such a folder has one for each class, named by its number, with files of five bytes an event.

    Parameters
    ----------
    path : str or Path
        The folder, such as ``Train``.
    samples : iterable of int, optional
        Which files, counted through all classes in the order of their names; by default, all.
    duration, dt
        As in `from_tonic`.

    Returns
    -------
    patterns : list of SpikePattern
        Of 34 x 34 x 2 neurons, in the order of `from_tonic`.
    labels : numpy.ndarray of int64, shape (samples,)

    Raises
    ------
    FileError
        If there is no such folder, it has no such files, or a file is damaged.
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "3").mkdir()
    >>> written = (folder / "3" / "00001.bin").write_bytes(bytes([5, 2, 128, 39, 16]))
    >>> patterns, labels = read_nmnist(folder)
    >>> patterns[0].times.tolist(), patterns[0].ids.tolist(), labels.tolist()
    ([10.0], [1229], [3])
    """
    folder = check_path("path", path)
    try:
        classes = sorted(each for each in Path(folder).iterdir() if each.name.isdecimal())
        files = [(file, int(each.name)) for each in classes for file in sorted(each.glob("*.bin"))]
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}; check the path.") from error
    if not files:
        raise FileError(f"{path} has no folders of classes with .bin files; check the path.")
    which = _samples(samples, len(files))
    found = [_read_events(files[k][0], duration, dt) for k in which]
    return found, np.array([files[k][1] for k in which], np.int64)


def _read_events(path: Path, duration: float | None, dt: float) -> SpikePattern:
    content = np.frombuffer(read_bytes(path), np.uint8)
    if content.size % 5:
        raise FileError(f"{path} has {content.size} bytes, not 5 for each event; copy it again.")
    x, y, high, middle, low = content.reshape(-1, 5).astype(np.int64).T
    times = ((high & 127) << 16 | middle << 8 | low) + _OVERFLOW * np.cumsum(y == _OVERFLOW_ROW)
    columns, rows, _ = NMNIST_SIZE
    real = y != _OVERFLOW_ROW
    if (x[real] >= columns).any() or (y[real] >= rows).any():
        raise FileError(f"{path} has an event outside of {columns} x {rows} pixels; copy it again.")
    ids = ((high >> 7) * rows + y) * columns + x
    return _pattern(times[real] / 1000.0, ids[real], int(np.prod(NMNIST_SIZE)), duration, dt)


def task(
    patterns: Sequence[SpikePattern],
    labels: Any,
    *,
    test: tuple[Sequence[SpikePattern], Any] | None = None,
    hidden: int = 32,
    pause: float = 50.0,
    per_block: int = 20,
    blocks: int = 100,
    seed: int = 0,
) -> Task:
    """Return the task to classify patterns, for `SuperSpikeNetwork` and its ``train``.

    In each block the network sees some of the patterns in random order. In the second half of a
    pattern and the pause after it, the output neuron of its class is to spike, and no other one.

    Parameters
    ----------
    patterns : sequence of SpikePattern
        All of the same number of neurons; durations may differ.
    labels : array_like of int, shape (patterns,)
        The class of each, from 0 on.
    test : pair of patterns and labels, optional
        What the network is tested on; by default, what it learns from.
    hidden : int
        How many neurons the hidden layer has; with 0 there is none.
    pause : float
        The silence after each pattern, in ms; a multiple of the network's dt.
    per_block : int
        How many patterns a block shows.
    blocks : int
        How many blocks the network learns.
    seed : int
        The order of the patterns depends on it.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        If patterns and labels do not fit each other, or a number cannot be used.

    Examples
    --------
    >>> from spikesim.models.superspike import SuperSpikeNetwork
    >>> from spikesim.patterns import poisson
    >>> shown = [poisson(20, rate=50.0, duration=50.0, seed=k) for k in range(4)]
    >>> chosen = task(shown, [0, 1, 0, 1], hidden=4, per_block=2)
    >>> chosen.sizes, chosen.block
    ((20, 4, 2), 200.0)
    >>> net = SuperSpikeNetwork(chosen.sizes, backend="python", **chosen.parameters)
    """
    given = _labelled("patterns", patterns, labels)
    held_out = given if test is None else _pair(test)
    n = given[0][0].n
    for where, each in (("patterns", given), ("test", held_out)):
        other = next((k for k, (pattern, _) in enumerate(each) if pattern.n != n), None)
        if other is not None:
            raise InputError(
                f"{where}[{other}] has {each[other][0].n} neurons and patterns[0] {n}; all have to "
                "have the same number."
            )
    classes = 1 + max(label for _, label in (*given, *held_out))
    hidden = check_integer("hidden", hidden, at_least=0)
    pause = check_number("pause", pause, at_least=0.0, unit="ms")
    per_block = check_integer("per_block", per_block, at_least=1)
    blocks = check_integer("blocks", blocks, at_least=1)
    seed = check_integer("seed", seed, at_least=0)
    longest = max(pattern.duration for pattern, _ in (*given, *held_out)) + pause
    check_memory(f"per_block is {per_block}", 100.0 * per_block)

    def trials(block: int) -> tuple[SpikePattern, Windows]:
        chosen = given if block < _UNTRAINED else held_out
        order = np.random.default_rng([seed, block]).permutation(len(chosen))
        which = [chosen[k] for k in np.resize(order, per_block)]
        return _in_a_row(which, longest, n, classes)

    sizes = (n, hidden, classes) if hidden else (n, classes)
    parameters = {"error": "windows"}
    return Task(sizes, trials, blocks, per_block * longest, parameters, frozen=False)


def _pair(test: Any) -> list[tuple[SpikePattern, int]]:
    if not isinstance(test, (tuple, list)) or len(test) != 2:
        raise InputError("test has to be a pair: patterns, labels.")
    return _labelled("test", *test)


def _labelled(name: str, patterns: Any, labels: Any) -> list[tuple[SpikePattern, int]]:
    if not isinstance(patterns, (list, tuple)) or not patterns:
        raise InputError(f"{name} is {show(patterns)}; it has to be a list of patterns.")
    for k, pattern in enumerate(patterns):
        if not isinstance(pattern, SpikePattern):
            raise InputError(
                f"{name}[{k}] is {show(pattern)}; it has to be a SpikePattern, as made by "
                "from_tonic, read_shd or read_nmnist."
            )
        check_number(f"{name}[{k}].duration", pattern.duration, above=0.0, unit="ms")
    shape = (len(patterns),)
    given = check_array(
        "labels" if name == "patterns" else "labels of test",
        labels,
        shape=shape,
        dtype=np.int64,
        at_least=0,
        at_most=9999,
    )
    return list(zip(patterns, given.tolist(), strict=True))


def _in_a_row(
    which: Sequence[tuple[SpikePattern, int]], length: float, n: int, classes: int
) -> tuple[SpikePattern, Windows]:
    """One pattern after another, each with its own time of `length` ms."""
    begins = length * np.arange(len(which))
    shown = [pattern for pattern, _ in which]
    times = np.concatenate([b + p.times for b, p in zip(begins, shown, strict=True)])
    ids = np.concatenate([p.ids for p in shown]).astype(np.int32)
    duration = length * len(which)
    halves = np.array([0.5 * p.duration for p in shown])
    windows = Windows(
        begins + halves, begins + length, np.array([c for _, c in which]), classes, duration
    )
    return SpikePattern(times, ids, n, duration), windows
