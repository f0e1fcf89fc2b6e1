"""`SignalModel`: a network that signals drive, one value of each in every step; and signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from spikesim.checks import (
    check_array,
    check_integer,
    check_memory,
    check_number,
    check_unknown,
    show,
)
from spikesim.copying import Whole
from spikesim.engine.network import Network
from spikesim.errors import InputError, SimulationError
from spikesim.training import random_numbers

__all__ = ["KEPT", "SignalModel", "correlation", "rms", "rms_over_time", "sinusoids"]

KEPT = 1000
"""The number of steps whose inputs and outputs are in the network."""


class Replaced(NamedTuple):
    """What may be given in the place of what cells do."""

    values: np.ndarray  # (KEPT, cells)
    is_given: np.ndarray
    low: float | None
    high: float | None


class SignalModel(Whole):
    """The base class of a model that signals drive; add bodies, and `run`, which calls `_drive`.

    In step t, a body finds the value of a signal at ``t % KEPT``, or at ``t % s.NAME.shape[0]``.

    Parameters
    ----------
    network : Network
    signals : sequence of str
        The names of inputs and outputs.

    Attributes
    ----------
    network : Network
    signals : dict of str to numpy.ndarray, shape (KEPT,)
        The last values, for bodies.

    Examples
    --------
    >>> from spikesim import Network
    >>> class Doubled(SignalModel):
    ...     def __init__(self):
    ...         super().__init__(Network(dt=10.0, backend="python"), ["x", "y"])
    ...         self.network.add_phase(double, state=self.signals)
    ...     def run(self, x):
    ...         return self._drive({"x": x}, ["y"])["y"]
    >>> def double(i, t, s, p):
    ...     s.y[t % s.y.shape[0]] = 2.0 * s.x[t % s.x.shape[0]]
    >>> Doubled().run(np.array([1.0, 3.0])).tolist()
    [2.0, 6.0]
    """

    def __init__(self, network: Network, signals: Sequence[str]):
        self.network = network
        self.signals = {name: np.zeros(KEPT, network.dtype) for name in signals}
        self._given: dict[str, Replaced] = {}

    def _replaceable(
        self, name: str, cells: int, dtype: Any, low: float | None = None, high: float | None = None
    ) -> dict[str, np.ndarray]:
        """Let users give what cells do, within bounds; for bodies, ``given`` and ``is_given``."""
        made = np.zeros((KEPT, cells), dtype), np.zeros(1, np.int64)
        self._given[name] = Replaced(*made, low, high)
        return dict(zip(("given", "is_given"), made, strict=True))

    def _drive(
        self,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str],
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """Run one step for each value of the inputs.

        Parameters
        ----------
        inputs : mapping of str to numpy.ndarray, shape (steps,)
        outputs : sequence of str
        given : mapping of str to array_like, shape (steps, cells), optional
            Of those that are `_replaceable`.

        Returns
        -------
        dict of str to numpy.ndarray, shape (steps,)
            The outputs.
        """
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f"given is {show(given)}; it has to be a dict of arrays.")
        check_unknown("name in given", given or {}, self._given)
        steps = len(next(iter(inputs.values())))
        shown = [(self.signals[name], array) for name, array in inputs.items()]
        for name, values in (given or {}).items():
            known = self._given[name]
            array = check_array(
                f"given[{name!r}]",
                values,
                shape=(steps, known.values.shape[1]),
                at_least=known.low,
                at_most=known.high,
            )
            shown.append((known.values, array))
        for name, known in self._given.items():
            known.is_given[0] = name in (given or {})
        course = {name: np.zeros(steps, self.network.dtype) for name in outputs}
        done = 0
        while done < steps:
            first = self.network.step % KEPT
            now = min(KEPT - first, steps - done)
            there, here = slice(first, first + now), slice(done, done + now)
            for ring, values in shown:
                ring[there] = values[here]
            self.network.run_steps(now)
            for name, values in course.items():
                values[here] = self.signals[name][there]
            done += now
        return course

    def save(self, path: str | Path) -> None:
        """Write everything that a run changes to an HDF5 file, ``path``."""
        self.network.save(path)

    def restore(self, path: str | Path) -> Self:
        """Read ``path``, a file of `save`, into this model, made alike; returns itself."""
        self.network.restore(path)
        return self


def rms(x: np.ndarray) -> float:
    """The root of the mean square.

    Parameters
    ----------
    x : numpy.ndarray

    Returns
    -------
    float

    Examples
    --------
    >>> rms(np.array([3.0, -3.0]))
    3.0
    """
    size = max(np.abs(x).max(), 1e-300)  # so that no square overflows
    return float(size * np.sqrt(np.mean((x / size) ** 2)))


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """The coefficient r of two signals; NaN if one of them does not vary.

    Parameters
    ----------
    x, y : numpy.ndarray, of the same shape (steps,)

    Returns
    -------
    float

    Examples
    --------
    >>> round(correlation(np.arange(5.0), -np.arange(5.0)), 6)
    -1.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.corrcoef(x, y)[0, 1])


def rms_over_time(
    run: Callable[[np.ndarray], np.ndarray], signal: np.ndarray, windows: int
) -> np.ndarray:
    """The rms of what a model makes of a signal, in equal windows; infinite once it diverges.

    Parameters
    ----------
    run : callable
        ``run(signal)`` returns what the model makes of a part of the signal.
    signal : numpy.ndarray, shape (steps,)
    windows : int

    Returns
    -------
    numpy.ndarray, shape (windows,)

    Examples
    --------
    >>> rms_over_time(lambda part: 2.0 * part, np.ones(10), 2)
    array([2., 2.])
    """
    found = np.full(windows, np.inf)
    for k, part in enumerate(np.array_split(signal, windows)):
        try:
            found[k] = rms(run(part))
        except SimulationError:
            break
    return found


def sinusoids(
    seconds: float,
    low: float = 0.05,
    high: float = 2.0,
    seed: int = 0,
    dt: float = 10.0,
    n: int = 20,
) -> np.ndarray:
    """A stimulus of unit rms: sinusoids of random phases.

    Parameters
    ----------
    seconds : float
    low, high : float
        Frequencies in Hz; `n` of them are spaced evenly on a logarithmic scale.
    seed : int
    dt : float
        In ms.
    n : int

    Returns
    -------
    numpy.ndarray, shape (steps,)

    Examples
    --------
    >>> sinusoids(1.0).shape
    (100,)

    Raises
    ------
    InputError
        If a number is impossible, or the stimulus does not fit into memory.
    """
    dt = check_number("dt", dt, at_least=0.01, at_most=1000.0, unit="ms")
    seconds = check_number("seconds", seconds, above=0.0)
    n = check_integer("n", n, at_least=1)
    low = check_number("low", low, above=0.0, unit="Hz")
    high = check_number("high", high, at_least=low, at_most=1e6, unit="Hz")
    seed = check_integer("seed", seed, at_least=0)
    check_memory(f"seconds is {seconds:g} s", 32.0 * n * 1000.0 * seconds / dt)
    t = np.arange(round(1000.0 * seconds / dt)) * dt / 1000.0
    phases = random_numbers(seed, 1).uniform(0.0, 2.0 * np.pi, n)
    each = np.geomspace(low, high, n)
    sines = np.sin(2.0 * np.pi * np.outer(t, each) + phases)
    return np.sqrt(2.0 / n) * sines.sum(axis=1)
