"""Stimuli to play to neurons: steps, ramps, sines and functions of time.

    net.play(cells, "I", stimuli.step(5.0, begin=100.0, end=600.0))

An array is a stimulus, too. Each stimulus has its own time, which is 0 when `Network.play` begins
it: by default, now. Times are in ms. Amplitudes have the unit of the variable to which the stimulus
is played, and are one number for all neurons or one for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_number, show
from spikesim.errors import InputError

__all__ = ["of", "ramp", "sine", "step"]


class Ramp(NamedTuple):
    """A straight line from one amplitude to another, or a step, which stays at one amplitude."""

    start: np.ndarray
    stop: np.ndarray
    begin: float
    end: float | None

    def __repr__(self) -> str:
        kind = f"step of {_many(self.start)}"
        if self.start is not self.stop:
            kind = f"ramp from {_many(self.start)} to {_many(self.stop)}"
        return f"{kind}, {_span(self.begin, self.end)}"


class Sine(NamedTuple):
    """An oscillation."""

    amplitude: np.ndarray
    frequency: float
    phase: float
    begin: float
    end: float | None

    def __repr__(self) -> str:
        what = f"sine of {_many(self.amplitude)} at {self.frequency:g} Hz"
        return f"{what}, {_span(self.begin, self.end)}"


class Function(NamedTuple):
    """A stimulus that a function of time computes beforehand."""

    function: Callable[[np.ndarray], Any]
    duration: float
    dt: float | None

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{name}, {_span(0.0, self.duration)}"

    def samples(self, dt: float) -> np.ndarray:
        """The values of the function at the times 0, dt, 2 dt, ... before `duration`."""
        count = int(np.ceil(self.duration / dt - 1e-6))
        try:
            times = dt * np.arange(count)
        except MemoryError:
            raise InputError(
                f"duration is {self.duration:g} ms, for which the function is computed {count} "
                "times; that much memory is not free."
            ) from None
        try:
            made = np.asarray(self.function(times))
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(
                "function cannot be called as function(t), with an array of times: "
                f"{reason}. Functions of NumPy take arrays, as in np.sin(t)."
            ) from error
        if made.ndim == 0 or made.shape[0] != times.size:
            raise InputError(
                f"function returns an array of shape {made.shape} for {times.size} times; it has "
                f"to be ({times.size},) or ({times.size}, neurons)."
            )
        return made


def step(amplitude: Any, begin: float = 0.0, end: float | None = None) -> Ramp:
    """A constant that is switched on and off again.

    Parameters
    ----------
    amplitude : float or array_like, shape (neurons,)
    begin, end : float, optional
        In ms, multiples of dt: the constant is on from the step at `begin` up to the step before
        `end`. By default, it never ends.

    Returns
    -------
    A stimulus for `Network.play`; printed, it says what it is.

    Raises
    ------
    InputError
        If an amplitude or a time is impossible.

    Examples
    --------
    >>> step(5.0, begin=100.0, end=600.0)
    step of 5, 100 to 600 ms
    """
    amplitude = _amplitude("amplitude", amplitude)
    return Ramp(amplitude, amplitude, *_times(begin, end))


def ramp(start: Any, stop: Any, begin: float = 0.0, end: float | None = None) -> Ramp:
    """A straight line from one amplitude to another.

    Parameters
    ----------
    start, stop : float or array_like, shape (neurons,)
        The amplitudes at `begin` and at `end`.
    begin, end : float
        In ms, multiples of dt. The step at `end` is the first step without the ramp.

    Returns
    -------
    A stimulus for `Network.play`; printed, it says what it is.

    Raises
    ------
    InputError
        If there is no end, or an amplitude or a time is impossible.

    Examples
    --------
    >>> ramp(0.0, 20.0, begin=100.0, end=1100.0)
    ramp from 0 to 20, 100 to 1100 ms
    """
    first, last = _amplitude("start", start), _amplitude("stop", stop)
    if end is None:
        raise InputError("end is None; a ramp has to have an end, in ms.")
    return Ramp(first, last, *_times(begin, end))


def sine(
    amplitude: Any,
    frequency: float,
    phase: float = 0.0,
    begin: float = 0.0,
    end: float | None = None,
) -> Sine:
    """An oscillation, amplitude sin(2 pi frequency (t - begin) + phase).

    Parameters
    ----------
    amplitude : float or array_like, shape (neurons,)
    frequency : float
        In Hz.
    phase : float
        In radians.
    begin, end : float, optional
        In ms, multiples of dt. By default, it never ends.

    Returns
    -------
    A stimulus for `Network.play`; printed, it says what it is.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> sine(2.0, frequency=8.0)
    sine of 2 at 8 Hz, from 0 ms on
    """
    amplitude = _amplitude("amplitude", amplitude)
    frequency = check_number("frequency", frequency, at_least=0.0, at_most=1e12, unit="Hz")
    phase = check_number("phase", phase, at_least=-1e6, at_most=1e6, unit="radians")
    return Sine(amplitude, frequency, phase, *_times(begin, end))


def of(function: Callable[[np.ndarray], Any], duration: float, dt: float | None = None) -> Function:
    """A function of time, computed before it is played.

    Parameters
    ----------
    function : callable
        ``function(t)`` gets all times in ms, an array of shape (steps,), and returns an array of
        shape (steps,), for all neurons, or (steps, neurons).
    duration : float
        In ms.
    dt : float, optional
        How long each number holds, in ms: a multiple of the network's dt, which is the default.

    Returns
    -------
    A stimulus for `Network.play`; printed, it says what it is.

    Raises
    ------
    InputError
        If the function or a number is impossible.

    Examples
    --------
    >>> of(lambda t: 5.0 * np.exp(-t / 20.0), duration=200.0)
    <lambda>, 0 to 200 ms
    """
    if not callable(function):
        raise InputError(f"function is {show(function)}; it has to be a function of time.")
    duration = check_number("duration", duration, above=0.0, at_most=1e15, unit="ms")
    if dt is not None:
        dt = check_number("dt", dt, above=0.0, at_least=1e-9, unit="ms")
    return Function(function, duration, dt)


def _amplitude(name: str, value: Any) -> np.ndarray:
    """One number, or one for each neuron, as a new array."""
    array = check_array(name, value, dtype=np.float64)
    if array.ndim > 1 or array.size == 0:
        raise InputError(
            f"{name} has shape {array.shape}; it has to be a number, or one for each neuron."
        )
    return array.copy()


def _times(begin: Any, end: Any) -> tuple[float, float | None]:
    begin = check_number("begin", begin, at_least=0.0, unit="ms")
    if end is not None:
        end = check_number("end", end, above=begin, unit="ms, after begin")
    return begin, end


def _many(values: np.ndarray) -> str:
    if values.ndim == 0 or values.size == 1:
        return f"{values.reshape(-1)[0]:g}"
    return f"{values.min():g}...{values.max():g}"


def _span(begin: float, end: float | None) -> str:
    return f"from {begin:g} ms on" if end is None else f"{begin:g} to {end:g} ms"
