"""Classification with spikes: which neuron is to spike when, without a target spike train."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_number
from spikesim.errors import InputError
from spikesim.patterns import SpikePattern

__all__ = [
    "Windows",
    "answers",
    "check_windows",
    "equal_patterns",
    "pattern_of_tree",
    "pattern_tree",
]


class Windows(NamedTuple):
    """Time windows, in each of which one output neuron is to spike and the others are not.

    Attributes
    ----------
    start, end : numpy.ndarray, shape (windows,)
        In ms, ascending and without overlap; `end` is not part of the window.
    ids : numpy.ndarray of int, shape (windows,)
        The output neuron that is to spike at least once.
    n : int
        Number of output neurons.
    duration : float
        In ms; after this time the windows come again.

    Examples
    --------
    >>> Windows(np.array([10.0]), np.array([30.0]), np.array([1]), n=2, duration=50.0).ids
    array([1])
    """

    start: np.ndarray
    end: np.ndarray
    ids: np.ndarray
    n: int
    duration: float


def check_windows(name: str, windows: Any, n: int, duration: float, dt: float) -> Windows:
    """Return windows as arrays, or raise an error that names them.

    Parameters
    ----------
    name : str
        What the argument is called.
    windows : Windows
    n : int
        How many output neurons there are.
    duration : float
        Of the loop, in ms.
    dt : float
        The step in ms; no window is shorter.

    Returns
    -------
    Windows

    Raises
    ------
    InputError
        If windows overlap, are not sorted, are too short, or do not fit the network.

    Examples
    --------
    >>> check_windows("target", Windows([10.0], [30.0], [1], 2, 50.0), 2, 50.0, 0.1).start
    array([10.])
    """
    if not isinstance(windows, Windows):
        raise InputError(
            f"{name} is a {type(windows).__name__}; a network with error='windows' learns from "
            "spikesim.learning.windows.Windows."
        )
    n = check_integer("n", n, at_least=1)
    duration = check_number("duration", duration, above=0.0, unit="ms")
    dt = check_number("dt", dt, above=0.0, at_least=1e-9, unit="ms")
    start = check_array(
        f"{name}.start", windows.start, shape=(None,), dtype=np.float64, at_least=0.0
    )
    end = check_array(
        f"{name}.end", windows.end, shape=start.shape, dtype=np.float64, at_most=duration
    )
    ids = check_array(
        f"{name}.ids", windows.ids, shape=start.shape, dtype=np.int64, at_least=0, at_most=n - 1
    )
    if not start.size:
        raise InputError(f"{name} is empty; it has to hold at least one window.")
    edges = np.stack([start, end], axis=1).reshape(-1)
    if (np.diff(edges) < 0).any() or (end <= start).any():
        raise InputError(
            f"{name} has windows that overlap, end before they start, or are unsorted."
        )
    short = np.flatnonzero(np.rint(end / dt) <= np.rint(start / dt))
    if short.size:
        raise InputError(
            f"{name} has a window from {start[short[0]]:g} to {end[short[0]]:g} ms, without a step "
            f"in it; windows have to last at least dt = {dt:g} ms."
        )
    check_integer(f"{name}.n", windows.n, at_least=n, at_most=n)
    check_number(f"{name}.duration", windows.duration, at_least=duration, at_most=duration)
    return Windows(start, end, ids, n, float(duration))


def answers(windows: Windows, output: SpikePattern) -> np.ndarray:
    """Whether each window was answered: its neuron spiked, and no other did.

    Parameters
    ----------
    windows : Windows
    output : SpikePattern

    Returns
    -------
    numpy.ndarray of bool, shape (windows,)

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> windows = Windows(np.array([10.0]), np.array([30.0]), np.array([1]), 2, 50.0)
    >>> answers(windows, from_trains([[], [20.0]], 50.0))
    array([ True])
    """
    spikes = np.zeros((len(windows.start), windows.n), np.int64)
    window = np.searchsorted(windows.start, output.times, side="right") - 1
    inside = (window >= 0) & (output.times < windows.end[window])
    np.add.at(spikes, (window[inside], output.ids[inside]), 1)
    right = spikes[np.arange(len(spikes)), windows.ids] > 0
    return right & ((spikes > 0).sum(axis=1) == 1)


def pattern_tree(pattern: SpikePattern | Windows) -> dict[str, Any]:
    """Return a pattern as a tree for a file.

    Parameters
    ----------
    pattern : SpikePattern or Windows

    Returns
    -------
    dict

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> pattern_tree(from_trains([[5.0], []], 50.0))["n"]
    2
    """
    tree = {key: np.asarray(value) for key, value in pattern._asdict().items()}
    return {**tree, "n": int(pattern.n), "duration": float(pattern.duration)}


def pattern_of_tree(tree: dict[str, Any]) -> SpikePattern | Windows:
    """Return the pattern that `pattern_tree` turned into a tree.

    Parameters
    ----------
    tree : dict

    Returns
    -------
    SpikePattern or Windows

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> pattern_of_tree(pattern_tree(from_trains([[5.0], []], 50.0))).times
    array([5.])
    """
    return Windows(**tree) if "start" in tree else SpikePattern(**tree)


def equal_patterns(first: tuple[Any, Any], second: tuple[Any, Any]) -> bool:
    """Whether two pairs of patterns have the same kinds and the same content.

    Parameters
    ----------
    first, second : tuple of two, SpikePattern or Windows

    Returns
    -------
    bool

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> pattern = from_trains([[5.0], []], 50.0)
    >>> equal_patterns((pattern, pattern), (pattern, pattern))
    True
    """
    return all(
        type(a) is type(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(first, second, strict=True)
    )
