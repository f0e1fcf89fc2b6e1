"""What spikesim says when something is wrong: one readable sentence, before any work starts.

Every refusal names the argument, shows its value, says what is allowed and, for names, offers the
nearest valid one. The functions below are the only place where those sentences are built.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = [
    "FileError",
    "InputError",
    "SimulationError",
    "SpikesimError",
    "check_array",
    "check_choice",
    "check_integer",
    "check_number",
    "check_steps",
    "check_unknown",
]


class SpikesimError(Exception):
    """The root of every error that spikesim raises on purpose."""


class InputError(SpikesimError, ValueError):
    """An argument that cannot be used."""


class FileError(SpikesimError, OSError):
    """A file that is missing, damaged, foreign, or cannot be written."""


class SimulationError(SpikesimError, RuntimeError):
    """A simulation that cannot go on, for example because a voltage became NaN."""


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(name: object, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(choices), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    unit: str = "",
) -> float:
    """Return `value` as a float, or raise `InputError` if it is no finite number in the range.

    Examples
    --------
    >>> check_number("dt", 0.1, above=0.0, unit="ms")
    0.1
    """
    bounds = []
    if above is not None:
        bounds.append(f"above {above:g}")
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
    if below is not None:
        bounds.append(f"below {below:g}")
    wanted = "a finite number" + (" " + " and ".join(bounds) if bounds else "")
    wanted += f" ({unit})" if unit else ""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (numbers.Real, np.number)):
        raise InputError(f"{name} is {_show(value)}; it has to be {wanted}.")
    number = float(value)
    inside = math.isfinite(number)
    inside = inside and (above is None or number > above)
    inside = inside and (at_least is None or number >= at_least)
    inside = inside and (at_most is None or number <= at_most)
    inside = inside and (below is None or number < below)
    if not inside:
        raise InputError(f"{name} is {_show(value)}; it has to be {wanted}.")
    return number


def check_integer(
    name: str, value: Any, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """Return `value` as an int, or raise `InputError` if it is no whole number in the range.

    Examples
    --------
    >>> check_integer("epochs", 3, at_least=1)
    3
    """
    bounds = []
    if at_least is not None:
        bounds.append(f"at least {at_least}")
    if at_most is not None:
        bounds.append(f"at most {at_most}")
    wanted = "a whole number" + (" " + " and ".join(bounds) if bounds else "")
    whole = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if (
        not whole
        or (at_least is not None and value < at_least)
        or (at_most is not None and value > at_most)
    ):
        raise InputError(f"{name} is {_show(value)}; it has to be {wanted}.")
    return int(value)


def check_steps(name: str, time: Any, dt: float, *, at_least: int = 0) -> int:
    """Return a time as a whole number of steps of `dt`, or raise `InputError`. All in ms.

    Examples
    --------
    >>> check_steps("delay", 0.8, dt=0.1)
    8
    """
    time = check_number(name, time, at_least=0.0, unit="ms")
    steps = round(time / dt)
    if abs(steps * dt - time) > 1e-6 * max(time, dt) or steps < at_least:
        raise InputError(
            f"{name} is {time:g} ms; it has to be a multiple of dt = {dt:g} ms"
            + (f" and at least {at_least * dt:g} ms." if at_least else ".")
        )
    return steps


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """Return `value` if it is one of `choices`, or raise `InputError` with the nearest of them.

    Examples
    --------
    >>> check_choice("dtype", "float32", ["float32", "float64"])
    'float32'
    """
    choices = list(choices)
    if not any(value is c or (type(value) is type(c) and value == c) for c in choices):
        allowed = ", ".join(map(repr, choices))
        near = _nearest(value, [c for c in choices if isinstance(c, str)])
        raise InputError(f"{name} is {_show(value)}; it has to be one of {allowed}.{near}")
    return value


def check_unknown(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    """Raise `InputError` for the first name in `given` that is not among `allowed`.

    Examples
    --------
    >>> check_unknown("parameter", ["tau_s"], ["tau_s", "tau_L"])
    """
    allowed = list(allowed)
    for name in given:
        if name not in allowed:
            listed = ", ".join(allowed) if allowed else "none"
            raise InputError(
                f"Unknown {what} {name!r}; there is {listed}.{_nearest(name, allowed)}"
            )


def check_array(
    name: str,
    value: Any,
    *,
    shape: tuple[int | None, ...] | None = None,
    dtype: Any = None,
    finite: bool = True,
    at_least: float | None = None,
    at_most: float | None = None,
) -> np.ndarray:
    """Return `value` as a contiguous array, or raise `InputError`.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like of numbers
    shape : tuple of int or None, optional
        The shape it has to have; None stands for any length.
    dtype : optional
        The type of the result. A change that would alter a whole number is refused.
    finite : bool
        Refuse NaN and infinity.
    at_least, at_most : float, optional
        The range every element has to lie in.

    Examples
    --------
    >>> check_array("labels", [1, 2], shape=(None,), dtype="int64").shape
    (2,)
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} is not a regular array of numbers: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {array.dtype}; it has to hold real numbers.")
    if shape is not None and (
        array.ndim != len(shape)
        or any(
            want is not None and got != want for got, want in zip(array.shape, shape, strict=True)
        )
    ):
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise InputError(f"{name} has shape {array.shape}; it has to be {wanted}.")
    if array.dtype.kind == "f" and finite and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite numbers; every element has to be finite.")
    if array.size:
        if at_least is not None and array.min() < at_least:
            raise InputError(
                f"{name} holds {array.min():g}; every element has to be at least {at_least:g}."
            )
        if at_most is not None and array.max() > at_most:
            raise InputError(
                f"{name} holds {array.max():g}; every element has to be at most {at_most:g}."
            )
    if dtype is not None:
        target = np.dtype(dtype)
        if target.kind in "iu" and array.dtype.kind == "f" and not (array == np.floor(array)).all():
            raise InputError(f"{name} holds fractions; every element has to be a whole number.")
        array = array.astype(target)
    return np.ascontiguousarray(array)
