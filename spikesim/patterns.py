"""Spike patterns: the input that a network is shown, and the spikes that it should learn.

    pattern = from_text("SPIKE", n=100, duration=2000.0)
    plot.raster(pattern)

Times are in ms, rates in Hz. Every random function has its own seed, and the same seed gives the
same spikes. matplotlib reads pictures and draws letters; it is imported when it is needed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikesim.checks import (
    MOST_STEPS,
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_number,
    check_path,
    check_steps,
    show,
)
from spikesim.errors import FileError, InputError
from spikesim.io.files import read_bytes
from spikesim.spike_pattern import SpikePattern, check_pattern, pattern_of

__all__ = [
    "SpikePattern",
    "check_pattern",
    "from_picture",
    "from_text",
    "from_trains",
    "poisson",
    "read_nest",
    "read_ras",
]

_NEST_HEADER = ["sender", "time_ms"]
_COLUMN = 1.0  # ms of a pattern with the same brightness: too short to be seen
_CANVAS = 2000, 1200  # pixels on which text is drawn: the shape of a raster, finer than its rows


# ---- patterns made from numbers ---------------------------------------------------------------


def poisson(n: int, rate: float, duration: float, seed: int = 0, dt: float = 0.1) -> SpikePattern:
    """Return a frozen Poisson pattern: random spikes, independent of each other.

    Parameters
    ----------
    n : int
        Number of neurons.
    rate : float
        The rate of each neuron (Hz), at most one spike in every step.
    duration : float
        In ms, a multiple of `dt`.
    seed : int
    dt : float
        Step (ms). A neuron spikes at most once in a step, at its beginning.

    Returns
    -------
    SpikePattern

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    The input of Zenke & Ganguli (2018), figure 2: 100 neurons for half a second.

    >>> pattern = poisson(100, rate=5.0, duration=500.0, seed=1)
    >>> len(pattern.times)
    245
    """
    n = check_integer("n", n, at_least=1)
    dt = check_number("dt", dt, above=0.0, unit="ms")
    rate = check_number("rate", rate, at_least=0.0, at_most=1000.0 / dt, unit="Hz")
    steps = check_steps("duration", duration, dt, at_least=1)
    random = np.random.default_rng(check_integer("seed", seed, at_least=0))
    if n * steps >= MOST_STEPS:
        raise InputError(f"n is {n}; n times the steps of duration have to be less than 2^62.")
    check_memory(f"n is {n} at {rate:g} Hz", 32.0 * n * steps * rate * dt / 1000.0)
    count = random.binomial(n * steps, rate * dt / 1000.0)
    places = np.sort(random.choice(n * steps, count, replace=False, shuffle=False))
    return pattern_of(places // n, places % n, n, duration, dt)


def from_trains(trains: Sequence[Any], duration: float, n: int | None = None) -> SpikePattern:
    """Return the pattern in which each neuron spikes at given times.

    Parameters
    ----------
    trains : sequence of float arrays, each of shape (spikes,)
        Times (ms) of neuron 0, 1, ..., in any order, at least 0 and below `duration`.
    duration : float
        Duration of the trial (ms).
    n : int, optional
        Number of neurons, by default the number of trains; further neurons are silent.

    Returns
    -------
    SpikePattern

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    The target of Zenke & Ganguli (2018), figure 2: one neuron, five equidistant spikes.

    >>> target = from_trains([[83.0, 166.0, 249.0, 332.0, 415.0]], duration=500.0)
    >>> target.n, target.times.tolist()
    (1, [83.0, 166.0, 249.0, 332.0, 415.0])
    """
    duration = check_number("duration", duration, above=0.0, unit="ms")
    array = isinstance(trains, np.ndarray) and trains.ndim > 0
    if not (array or isinstance(trains, Sequence)) or isinstance(trains, str):
        raise InputError(
            f"trains is a {type(trains).__name__}; it has to be a list with an array of spike "
            "times for each neuron."
        )
    n = len(trains) if n is None else check_integer("n", n, at_least=max(len(trains), 1))
    if not n:
        raise InputError("trains is empty; give a train for each neuron, [] for a silent one.")
    arrays = [
        check_array(f"trains[{k}]", train, shape=(None,), dtype=np.float64, at_least=0.0)
        for k, train in enumerate(trains)
    ]
    times = np.concatenate([*arrays, np.zeros(0)])
    ids = np.repeat(np.arange(len(arrays)), [len(train) for train in arrays])
    if times.size and times.max() >= duration:
        raise InputError(
            f"trains[{ids[times.argmax()]}] holds a spike at {times.max():g} ms; all have to come "
            f"before the end of the trial, whose duration is {duration:g} ms."
        )
    order = np.lexsort((ids, times))
    return SpikePattern(times[order], ids[order].astype(np.int32), n, duration)


def read_ras(
    path: str | os.PathLike[str],
    n: int | None = None,
    duration: float | None = None,
    dt: float = 0.1,
    rounding: str = "truncate",
) -> SpikePattern:
    """Read a pattern from a text file of Auryn: a time in seconds and an id on each line.

    Parameters
    ----------
    path : str or path
        Lines may come in any order; those that are empty or begin with # are skipped.
    n : int, optional
        Number of neurons; by default up to the last one that spikes. A file with an id of `n` or
        more is refused; Auryn would silently leave out those spikes.
    duration : float, optional
        Duration of the trial (ms), a multiple of `dt`; by default until the step after the last
        spike.
    dt : float
        Step (ms) to which the times are rounded.
    rounding : str
        'truncate' rounds time / dt down, as the Auryn of Zenke & Ganguli (2018) did. In floating
        point 0.0003 / 0.0001 is below 3, so about three spikes in ten come a step early. 'nearest'
        rounds as newer versions of Auryn do.

    Returns
    -------
    SpikePattern
        All times are on the grid. If two spikes of a neuron fall into the same step, both are kept.

    Raises
    ------
    FileError
        If the file cannot be read, or has another format.
    InputError
        If an argument cannot be used, or does not fit the file.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "target.ras")
    >>> with open(path, "w") as file:
    ...     _ = file.write("0.0830 0\\n0.1660 0\\n")
    >>> read_ras(path, duration=500.0).times.tolist()
    [83.0, 166.0]
    """
    dt = check_number("dt", dt, above=0.0, unit="ms")
    check_choice("rounding", rounding, ("truncate", "nearest"))
    seconds, ids = _read_columns(
        path, _ras_spike, "a time in seconds and a neuron, such as '0.0830 0'"
    )
    return _read_pattern(path, seconds, "s", ids, n, duration, dt, rounding)


def read_nest(
    path: str | os.PathLike[str],
    n: int | None = None,
    duration: float | None = None,
    dt: float = 0.1,
    first: int = 1,
) -> SpikePattern:
    """Read a pattern from a text file of NEST: an id and a time in ms on each line.

    These are the .dat files of a spike recorder, with their header, and the .gdf files of older
    versions.

    Parameters
    ----------
    path : str or path
        Lines may come in any order; those that are empty or begin with # are skipped.
    n : int, optional
        Number of neurons; by default up to the last one that spikes.
    duration : float, optional
        Duration of the trial (ms), a multiple of `dt`; by default until the step after the last
        spike.
    dt : float
        Step (ms); each time is rounded to the nearest one.
    first : int
        NEST's number of the neuron that is 0 here. NEST numbers all nodes of a simulation from 1,
        so the first neuron of a later population has a larger number.

    Returns
    -------
    SpikePattern
        All times are on the grid. If two spikes of a neuron fall into the same step, both are kept.

    Raises
    ------
    FileError
        If the file cannot be read, or has another format.
    InputError
        If an argument cannot be used, or does not fit the file.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "spikes.dat")
    >>> with open(path, "w") as file:
    ...     _ = file.write("sender\\ttime_ms\\n101\\t83.000\\n103\\t166.000\\n")
    >>> pattern = read_nest(path, first=101, duration=500.0)
    >>> pattern.times.tolist(), pattern.ids.tolist()
    ([83.0, 166.0], [0, 2])
    """
    dt = check_number("dt", dt, above=0.0, unit="ms")
    first = check_integer("first", first, at_least=0, at_most=2**31 - 1)
    times, ids = _read_columns(path, _nest_spike, "a neuron and a time in ms, such as '1 83.0'")
    if ids.min(initial=first) < first:
        raise InputError(
            f"first is {first}, but {path} holds a spike of neuron {ids.min()}; first is the "
            "number of the first neuron in NEST."
        )
    return _read_pattern(path, times, "ms", ids - first, n, duration, dt, "nearest")


def _read_pattern(
    path: str | os.PathLike[str],
    times: np.ndarray,
    unit: str,
    ids: np.ndarray,
    n: int | None,
    duration: float | None,
    dt: float,
    rounding: str,
) -> SpikePattern:
    """The pattern of the times, in s or ms, and the neurons that a file holds."""
    with np.errstate(over="ignore"):
        # In the units of the file, so that the digits are cut off that Auryn cuts off.
        exact = times / (dt / 1000.0 if unit == "s" else dt)
    if exact.max(initial=0.0) > MOST_STEPS:
        raise FileError(
            f"{path} holds a spike at {times.max():g} {unit}; at most 2^62 steps of {dt:g} ms can "
            "be counted."
        )
    steps = (np.floor(exact) if rounding == "truncate" else np.rint(exact)).astype(np.int64)
    if n is None:
        n = int(ids.max(initial=0)) + 1
    elif ids.max(initial=0) >= check_integer("n", n, at_least=1):
        raise InputError(
            f"n is {n}, but {path} holds a spike of neuron {ids.max()}; neurons count from 0, so "
            f"n has to be at least {ids.max() + 1}."
        )
    end = int(steps.max(initial=0)) + 1
    if duration is None:
        duration = round(end * dt, 9)
    elif check_steps("duration", duration, dt, at_least=1) < end:
        raise InputError(
            f"duration is {duration:g} ms, but {path} holds a spike at {(end - 1) * dt:g} ms; all "
            "have to come before the end."
        )
    order = np.lexsort((ids, steps))
    steps, ids = steps[order], ids[order]
    return pattern_of(steps, ids, n, duration, dt)


def _read_columns(
    path: str | os.PathLike[str], spike: Callable[[list[str]], tuple[float, float]], wanted: str
) -> tuple[np.ndarray, np.ndarray]:
    """Times and ids of a file, not yet sorted; `spike` turns the words of a line into both."""
    path = str(check_path("path", path))
    try:
        lines = read_bytes(path).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise FileError(f"{path} is not a text file; a line has to be {wanted}.") from None
    times: list[float] = []
    ids: list[int] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#") or (words == _NEST_HEADER and not times):
            continue
        try:
            time, neuron = spike(words)
        except ValueError:
            time = neuron = math.nan
        if not (0.0 <= time < math.inf and 0.0 <= neuron < 2.0**31 and neuron.is_integer()):
            raise FileError(
                f"{path} has {line.strip()[:40]!r} in line {number}; a line has to be {wanted}."
                + (" It looks like a file of NEST: see read_nest." if _is_of_nest(words) else "")
            )
        times.append(time)
        ids.append(int(neuron))
    return np.array(times, float), np.array(ids, np.int64)


def _ras_spike(words: list[str]) -> tuple[float, float]:
    if _is_of_nest(words):
        raise ValueError
    time, neuron = map(float, words)
    return time, neuron


def _nest_spike(words: list[str]) -> tuple[float, float]:
    neuron, time = words
    return float(time), float(int(neuron))


def _is_of_nest(words: list[str]) -> bool:
    """Whether a line has a whole number before one with a point: first the neuron, then the time.

    Auryn writes a time with its fractions, then a neuron without.
    """
    return len(words) == 2 and words[0].isdecimal() and not words[1].isdecimal()


# ---- patterns made from pictures --------------------------------------------------------------


def from_picture(
    picture: Any,
    n: int = 100,
    duration: float = 2000.0,
    rate: float = 80.0,
    refractory: float = 5.1,
    seed: int = 0,
    invert: bool = False,
    dt: float = 0.1,
) -> SpikePattern:
    """Return the pattern whose raster looks like a picture: neurons upwards, time to the right.

    The picture is stretched to the whole pattern, and spikes are drawn at random. The darker the
    picture, the more spikes: they have the rate `rate` where it is darkest, and there are none
    where it is brightest.

    Parameters
    ----------
    picture : str, path, or array_like of shape (height, width)
        A PNG file, in which colours count by their brightness and transparent pixels are white; or
        an array of brightness on any scale, the top row first.
    n : int
        Number of neurons.
    duration : float
        In ms, a multiple of `dt`.
    rate : float
        The rate of a neuron where the picture is darkest (Hz), at most 1000 / `refractory`.
    refractory : float
        Shortest time between two spikes of a neuron (ms). The neurons of SuperSpike need at least
        5.1 ms.
    seed : int
    invert : bool
        Spike where the picture is bright instead.
    dt : float
        Step (ms); all spikes are at the beginning of a step.

    Returns
    -------
    SpikePattern

    Raises
    ------
    FileError
        If the picture cannot be read.
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> pattern = from_picture([[0.0, 1.0], [1.0, 0.0]], n=2, duration=1000.0, rate=50.0)
    >>> upper, lower = pattern.trains()[::-1]  # the upper neuron spikes first, then the lower
    >>> bool(upper.mean() < 500.0 < lower.mean())
    True
    """
    return _sample(_darkness(picture, invert), n, duration, rate, refractory, seed, dt)


def from_text(
    text: str,
    n: int = 100,
    duration: float = 2000.0,
    rate: float = 80.0,
    refractory: float = 5.1,
    seed: int = 0,
    dt: float = 0.1,
) -> SpikePattern:
    """Return the pattern whose raster can be read: a line of text.

    The letters are bold and fill four fifths of the neurons; a long text is made narrow to fit into
    the duration. `from_picture` says how the spikes are drawn.

    Parameters
    ----------
    text : str
        One line; about 15 letters can be read in 2000 ms.
    n : int
        Number of neurons.
    duration : float
        In ms, a multiple of `dt`.
    rate : float
        The rate of a neuron within a letter (Hz), at most 1000 / `refractory`.
    refractory : float
        Shortest time between two spikes of a neuron (ms).
    seed : int
    dt : float
        Step (ms); all spikes are at the beginning of a step.

    Returns
    -------
    SpikePattern

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> pattern = from_text("SPIKE", n=50, duration=1000.0)
    >>> pattern.n, pattern.duration
    (50, 1000.0)
    """
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise InputError(f"text is {show(text)}; it has to be one line with something to read.")
    return _sample(_letters(text), n, duration, rate, refractory, seed, dt)


def _darkness(picture: Any, invert: bool) -> np.ndarray:
    """The picture on a scale from 0 (no spikes) to 1; shape (height, width)."""
    check_choice("invert", invert, [True, False])
    if isinstance(picture, (str, os.PathLike)):
        picture = _read_brightness(os.fspath(picture))
    brightness = check_array("picture", picture, shape=(None, None), dtype=np.float64)
    darkest, brightest = (brightness.min(), brightness.max()) if brightness.size else (0.0, 0.0)
    if darkest == brightest:
        raise InputError("picture is equally bright everywhere, so that nothing could be seen.")
    return (brightness - darkest if invert else brightest - brightness) / (brightest - darkest)


def _read_brightness(path: str) -> np.ndarray:
    from matplotlib.image import imread
    from PIL import Image

    try:
        with Image.open(path) as file:
            file.verify()  # checks its checksums, which reading would not do
        image = imread(path)
    # The errors that Pillow raises for damaged files.
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise FileError(f"Cannot read the picture {path}: {reason}.") from None
    pixels = image / (np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1.0)
    if pixels.ndim == 2:
        return pixels
    brightness = pixels[..., :3] @ [0.299, 0.587, 0.114]  # of red, green and blue, ITU-R BT.601
    if pixels.shape[2] == 4:
        brightness = pixels[..., 3] * brightness + 1.0 - pixels[..., 3]
    return brightness


def _letters(text: str) -> np.ndarray:
    """How much of each pixel is inside a letter; shape (height, width)."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Bbox, BboxTransform

    font = FontProperties(family="DejaVu Sans", weight="bold")  # comes with matplotlib
    path = TextPath((0.0, 0.0), text.replace("$", r"\$"), size=100.0, prop=font)
    extents = path.get_extents()
    columns, rows = _CANVAS
    height = 0.8 * rows
    natural = height * extents.width / extents.height
    width = min(natural, 0.9 * columns)  # a long text is made narrow, a short one keeps its width
    box = Bbox.from_bounds((columns - width) / 2.0, (rows - height) / 2.0, width, height)
    renderer = RendererAgg(columns, rows, 72.0)
    gc = renderer.new_gc()
    gc.set_linewidth(0.0)
    renderer.draw_path(gc, path, BboxTransform(extents, box), (0.0, 0.0, 0.0))
    return np.asarray(renderer.buffer_rgba())[..., 3] / 255.0


def _sample(
    darkness: np.ndarray, n: Any, duration: Any, rate: Any, refractory: Any, seed: Any, dt: Any
) -> SpikePattern:
    """Draw spikes at a rate proportional to darkness, with a refractory time after each."""
    from PIL import Image

    n = check_integer("n", n, at_least=1)
    dt = check_number("dt", dt, above=0.0, unit="ms")
    steps = check_steps("duration", duration, dt, at_least=1)
    refractory = check_number("refractory", refractory, at_least=0.0, unit="ms")
    pause = max(1, math.ceil(refractory / dt - 1e-9))
    rate = check_number("rate", rate, above=0.0, at_most=1000.0 / (pause * dt), unit="Hz")
    random = np.random.default_rng(check_integer("seed", seed, at_least=0))
    columns = max(1, round(steps * dt / _COLUMN))
    if columns >= 1 << 31 or n >= 1 << 31:  # Pillow cannot count further
        raise InputError(f"n is {n} and duration {duration:g} ms; both have to be below 2^31.")
    check_memory(f"duration is {duration:g} ms for {n} neurons", 8.0 * n * columns)
    picture = Image.fromarray(darkness.astype(np.float32))
    resized = np.asarray(picture.resize((columns, n), Image.Resampling.BILINEAR))
    # A neuron that is free spikes with probability p in each step, and then pauses. The mean
    # interval between its spikes is pause - 1 + 1 / p steps, and the rate is its inverse.
    expected = rate * dt / 1000.0 * np.clip(resized[::-1].astype(np.float64), 0.0, 1.0)
    probability = expected / (1.0 - (pause - 1) * expected)
    free = np.zeros(n, np.int64)  # the first step in which each neuron may spike again
    found = []
    for k in range(steps):
        column = probability[:, k * columns // steps]
        spiking = np.flatnonzero((random.random(n) < column) & (free <= k))
        free[spiking] = k + pause
        found.append(spiking)
    counts = [len(spiking) for spiking in found]
    return pattern_of(np.repeat(np.arange(steps), counts), np.concatenate(found), n, duration, dt)
