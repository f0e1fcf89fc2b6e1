"""Checks of arguments: one readable sentence refuses a bad one before any work is done.

Every refusal names the argument, shows its value and says what is allowed. If a name is wrong, it
offers the nearest valid one. Only the functions below build those sentences.
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import isfunction
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.errors import InputError

__all__ = [
    "allocate",
    "check_array",
    "check_body",
    "check_choice",
    "check_integer",
    "check_memory",
    "check_name",
    "check_names",
    "check_neurons",
    "check_number",
    "check_parameters",
    "check_path",
    "check_steps",
    "check_unknown",
    "is_real",
    "is_text",
    "is_whole",
    "nearest",
    "show",
]


MOST_STEPS = 1 << 62
"""The most steps of a run; twice as many can still be counted in 64 bits."""


def show(value: Any) -> str:
    """A value as messages show it: in one line, and not too long.

    Examples
    --------
    >>> show(np.zeros((2, 2)))
    'array([[0., 0.], [0., 0.]])'
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a foreign class may raise anything, as does a number of 5000 digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(name: object, choices: Iterable[str], others: Mapping[str, str] | None = None) -> str:
    """The end of a sentence that offers the nearest of some names; empty if none is near.

    `others` maps names that people know from elsewhere, in lower case, to their names here.

    Examples
    --------
    >>> nearest("wieght", ["weight", "delay"])
    " Did you mean 'weight'?"
    """
    if not isinstance(name, str):
        return ""
    folded = {choice.lower(): choice for choice in choices}
    if (meant := (others or {}).get(name.lower(), "")).lower() in folded:
        return f" Did you mean {meant!r}?"
    close = difflib.get_close_matches(name[:60].lower(), folded, n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def is_real(value: Any) -> bool:
    """Whether `value` is a real number; truth values and spans of time are not.

    Examples
    --------
    >>> is_real(0.5), is_real(np.int8(1)), is_real(True), is_real(np.timedelta64(1, "ms"))
    (True, True, False, False)
    """
    if type(value) is float or type(value) is int:  # most are, and abstract classes take longer
        return True
    others = bool, np.bool_, np.timedelta64
    return isinstance(value, numbers.Real) and not isinstance(value, others)


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number of 64 bits.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(2**63)
    (True, False, False)
    """
    if not isinstance(value, numbers.Integral) or not is_real(value):
        return False
    return -(2**63) <= int(value) < 2**63


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    unit: str = "",
    dtype: Any = None,
) -> float:
    """Return `value` as a float, or raise `InputError` if it is not a finite number in the range.

    With a `dtype`, it also has to be finite in that type.

    Examples
    --------
    >>> check_number("dt", 0.1, above=0.0, unit="ms")
    0.1
    """
    number = math.nan
    if is_real(value):
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond 1e308
            number = math.inf
    inside = math.isfinite(number)
    inside = inside and (dtype is None or abs(number) <= float(np.finfo(dtype).max))
    inside = inside and (above is None or number > above)
    inside = inside and (at_least is None or number >= at_least)
    inside = inside and (at_most is None or number <= at_most)
    inside = inside and (below is None or number < below)
    if inside:
        return number + 0.0  # so that -0.0 is 0.0
    limits = ("above", above), ("at least", at_least), ("at most", at_most), ("below", below)
    bounds = [f"{word} {limit:g}" for word, limit in limits if limit is not None]
    wanted = "a finite number" + (" " + " and ".join(bounds) if bounds else "")
    wanted += f" ({unit})" if unit else ""
    if dtype is not None:
        wanted += f", in size at most {np.finfo(dtype).max:g}, the largest {np.dtype(dtype)}"
    raise InputError(f"{name} is {show(value)}; it has to be {wanted}.")


def check_integer(
    name: str, value: Any, *, at_least: int | None = None, at_most: int | None = None
) -> int:
    """Return `value` as an int, or raise `InputError` if it is not a whole number in the range.

    Without limits, it has to fit into 64 bits.

    Examples
    --------
    >>> check_integer("epochs", 3, at_least=1)
    3
    """
    whole = type(value) is int or (isinstance(value, numbers.Integral) and is_real(value))
    least = -(2**63) if at_least is None else at_least
    most = 2**63 - 1 if at_most is None else at_most
    if whole and least <= value <= most:
        return int(value)
    bounds = []
    if at_least is not None or (whole and value < least):
        bounds.append(f"at least {least}")
    if at_most is not None or (whole and value > most):
        bounds.append(f"at most {most}")
    wanted = "a whole number" + (" " + " and ".join(bounds) if bounds else "")
    raise InputError(f"{name} is {show(value)}; it has to be {wanted}.")


def check_steps(
    name: str, time: Any, dt: float, *, at_least: int = 0, at_most: int | None = None
) -> int:
    """Return a time as a whole number of steps of `dt`, or raise `InputError`. All in ms.

    It may differ from a multiple of dt by a millionth of dt, and by the rounding of its type.

    Examples
    --------
    >>> check_steps("delay", 0.8, dt=0.1), check_steps("delay", 0.1 + 0.2, dt=0.1)
    (8, 3)
    """
    rounding = sys.float_info.epsilon
    if isinstance(time, np.floating):
        rounding = max(rounding, float(np.finfo(time.dtype).eps))
    time = check_number(name, time, at_least=0.0, unit="ms")
    if not time / dt < MOST_STEPS:
        raise InputError(
            f"{name} is {time:g} ms; it has to be less than 2^62 steps of dt = {dt:g} ms."
        )
    steps = round(time / dt)
    if abs(steps * dt - time) > 1e-6 * dt + 2.0 * rounding * time or steps < at_least:
        raise InputError(
            f"{name} is {time:.15g} ms; it has to be a multiple of dt = {dt:g} ms"
            + (f" and at least {at_least * dt:g} ms." if at_least else ".")
        )
    if at_most is not None and steps > at_most:
        raise InputError(f"{name} is {time:.15g} ms; it has to be at most {at_most * dt:.15g} ms.")
    return steps


def check_choice(
    name: str, value: Any, choices: Iterable[Any], others: Mapping[str, str] | None = None
) -> Any:
    """Return `value` if it is one of `choices`, or raise `InputError` with the nearest of them.

    `others` maps names that people know from elsewhere, in lower case, to their names here.

    Examples
    --------
    >>> check_choice("dtype", "float32", ["float32", "float64"])
    'float32'
    """
    choices = list(choices)
    if not any(value is c or (type(value) is type(c) and value == c) for c in choices):
        allowed = ", ".join(map(repr, choices))
        names = [c for c in choices if isinstance(c, str)]
        lower = value.lower() if isinstance(value, str) else ""
        meant = (others or {}).get(lower, lower if lower in names else None)
        near = f" Did you mean {meant!r}?" if meant else nearest(value, names)
        raise InputError(f"{name} is {show(value)}; it has to be one of {allowed}.{near}")
    return value


def check_unknown(
    what: str,
    given: Iterable[str],
    allowed: Iterable[str],
    others: Mapping[str, str] | None = None,
) -> None:
    """Raise `InputError` for the first name in `given` that is not among `allowed`.

    `others` maps names that people know from elsewhere, in lower case, to their names here.

    Examples
    --------
    >>> check_unknown("parameter", ["tau_s"], ["tau_s", "tau_L"])
    """
    allowed = list(allowed)
    for name in given:
        if not isinstance(name, str) or name not in allowed:
            listed = ", ".join(allowed) if allowed else "none"
            near = nearest(name, allowed, others)
            raise InputError(f"Unknown {what} {show(name)}; available: {listed}.{near}")


def check_parameters(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return named parameters as Python's own numbers, or raise `InputError`.

    Numbers that float32 cannot hold are refused. Infinity passes: callers know if it is meaningful.

    Parameters
    ----------
    given : dict
    defaults : dict
        All parameters that exist. A parameter whose default is a float becomes a float.

    Examples
    --------
    >>> check_parameters({"eta": 1, "steps": np.uint8(3)}, {"eta": 0.1, "steps": 10})
    {'eta': 1.0, 'steps': 3}
    """
    check_unknown("parameter", given, defaults)
    return {name: _plain(name, value, defaults[name]) for name, value in given.items()}


def _plain(name: str, value: Any, default: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_plain(f"{name}[{k}]", each, None) for k, each in enumerate(value))
    if not is_real(value):
        return value
    if abs(value) == math.inf:
        return float(value)
    number = check_number(name, value, dtype=np.float32)
    if isinstance(value, numbers.Integral) and not isinstance(default, float):
        return int(value)
    return number


def check_name(what: str, name: Any) -> str:
    """Return `name` if HDF5 can use it for a group or a dataset, or raise `InputError`.

    The name has to be a string other than "" and ".", without a slash, a NUL or half a character.
    `what` says what is named, for the message.

    Examples
    --------
    >>> check_name("population", "pyramidal")
    'pyramidal'
    """
    if not is_text(name) or name in ("", ".") or "/" in name:
        raise InputError(f"{what} is {show(name)}; it has to be a name without a slash.")
    return str(name)


def is_text(value: Any) -> bool:
    """Whether `value` is a string that HDF5 can hold: without NUL and without half characters.

    Examples
    --------
    >>> is_text("mV"), is_text("a\\0b"), is_text(3)
    (True, False, False)
    """
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_names(name: str, value: Any) -> list[str]:
    """Return one name, or a sequence of them, as a list; or raise `InputError`.

    Examples
    --------
    >>> check_names("variables", "v"), check_names("variables", ("v", "drive"))
    (['v'], ['v', 'drive'])
    """
    try:
        names = [value] if isinstance(value, str) else list(value)
    except Exception:  # a foreign object may raise anything
        names = [value]
    if isinstance(value, Mapping) or not all(isinstance(each, str) for each in names):
        raise InputError(f"{name} is {show(value)}; it has to be a name, or a list of names.")
    return [str(each) for each in names]


def check_path(name: str, value: Any) -> Path:
    """Return `value` as a path, or raise `InputError` if it is not one.

    Examples
    --------
    >>> check_path("directory", "runs/first").name
    'first'
    """
    try:
        path = Path(value)
        os.fsencode(path)
    except (TypeError, UnicodeEncodeError):
        path = None  # type: ignore[assignment]
    if path is None or "\0" in str(path) or any(len(part) > 255 for part in path.parts):
        raise InputError(f"{name} is {show(value)}; it has to be a path, such as 'runs/first'.")
    return path


def check_memory(what: str, size: float) -> None:
    """Raise `InputError` if something needs more memory than the machine has.

    Otherwise the system would kill the process.

    Parameters
    ----------
    what : str
        The beginning of the sentence, with the argument's name and value.
    size : float
        In bytes.

    Examples
    --------
    >>> check_memory("n is 100", 400.0)
    """
    if size > memory():
        raise InputError(
            f"{what}, which takes {size / 1e9:.3g} GB of memory; this machine has "
            f"{memory() / 1e9:.3g} GB."
        )


def check_body(name: str, body: Any, *arguments: str) -> Any:
    """Return `body` if it is a plain function that can be called with so many arguments.

    Raises
    ------
    InputError

    Examples
    --------
    >>> def step(i, t, s):
    ...     s.spike[i] = 0
    >>> check_body("steps[0]", step, "i", "t", "s", "p")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    spikesim.errors.InputError: steps[0] is ...step(i, t, s) ...; it has to be step(i, t, s, p).
    """
    called = f"{name.partition('[')[0].rstrip('s')}({', '.join(arguments)})"
    if not isfunction(body):
        raise InputError(
            f"{name} is {show(body)}; it has to be a plain function {called}, not a method, class "
            "or partial: arrays come in through s and numbers through p."
        )
    code, defaults = body.__code__, len(body.__defaults__ or ())
    if not code.co_argcount - defaults <= len(arguments) <= code.co_argcount:
        own = ", ".join(code.co_varnames[: code.co_argcount])
        raise InputError(
            f"{name} is {body.__module__}.{body.__qualname__}({own}) (line {code.co_firstlineno} "
            f"of {code.co_filename}), with {code.co_argcount} arguments; it has to be {called}."
        )
    return body


def allocate(what: str, shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array of zeros, or raise `InputError` if there is no memory for it.

    Parameters
    ----------
    what : str
        The beginning of the sentence, with the argument's name and value.
    shape : int or tuple of int
    dtype : numpy.dtype

    Examples
    --------
    >>> allocate("n is 2", 2, "float32")
    array([0., 0.], dtype=float32)
    """
    size = float(np.dtype(dtype).itemsize) * math.prod(np.atleast_1d(shape).tolist())
    check_memory(what, size)
    try:
        return np.zeros(shape, dtype)
    except MemoryError:
        raise InputError(
            f"{what}, which takes {size / 1e9:.3g} GB of memory; that much is not free."
        ) from None


@cache
def memory() -> float:
    """How many bytes of memory this machine has."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return math.inf


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
        The required shape; None stands for any length.
    dtype : optional
        The type of the result. A conversion that would alter a whole number is refused. Truth
        values are refused if the type is of whole numbers, as a mask does not mean the numbers 0
        and 1.
    finite : bool
        Refuse NaN and infinity.
    at_least, at_most : float, optional
        The range in which every element has to lie.

    Examples
    --------
    >>> check_array("labels", [1, 2], shape=(None,), dtype="int64").shape
    (2,)
    """
    try:
        array = np.asarray(value)
    except Exception as error:  # a foreign object may raise anything
        reason = " ".join(str(error).split())
        raise InputError(f"{name} is not a regular array of numbers: {reason}.") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {array.dtype}; it has to hold real numbers.")
    if array.dtype.kind == "b" and dtype is not None and np.dtype(dtype).kind in "iu":
        raise InputError(
            f"{name} holds truth values; it has to hold whole numbers. "
            "numpy.flatnonzero(mask) gives those of a mask."
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{name} has masked elements; every element has to be a number.")
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
        if at_least is not None and (least := array.min().item()) < at_least:
            raise InputError(
                f"{name} holds {float(least):g}; every element has to be at least {at_least:g}."
            )
        if at_most is not None and (most := array.max().item()) > at_most:
            raise InputError(
                f"{name} holds {float(most):g}; every element has to be at most {at_most:g}."
            )
    if dtype is not None:
        array = _cast(name, array, np.dtype(dtype), finite)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


def check_neurons(
    name: str, value: Any, n: int, *, beyond: bool = False, each: str = "neurons"
) -> np.ndarray:
    """Return the numbers of the neurons that an argument selects from `n`, or raise `InputError`.

    Every argument that selects neurons is checked here.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like of int, array_like of bool, int, slice or None
        Numbers, in any order; a mask, with a truth value for each neuron; one number; a slice of
        all neurons; None for all. Negative numbers do not count from the end.
    n : int
    beyond : bool
        Whether numbers and masks may go beyond `n` neurons, because there may be more.
    each : str
        What they are, if they are no neurons.

    Returns
    -------
    numpy.ndarray of int64, shape (neurons,)

    Examples
    --------
    >>> check_neurons("neurons", [2, 0], 4).tolist(), check_neurons("neurons", 3, 4).tolist()
    ([2, 0], [3])
    >>> check_neurons("neurons", [True, False, True, False], 4).tolist()
    [0, 2]
    >>> check_neurons("neurons", slice(None, None, 2), 4).tolist()
    [0, 2]
    """
    last = None if beyond else n - 1
    if value is None or isinstance(value, slice):
        try:
            value = range(n)[slice(None) if value is None else value]
        except (TypeError, ValueError):
            raise InputError(
                f"{name} is {show(value)}; a slice has to have whole numbers, such as "
                "slice(0, 100)."
            ) from None
    if isinstance(value, range):
        if not value:
            return np.zeros(0, np.int64)
        for end in (value[0], value[-1]):
            check_integer(f"an element of {name}", end, at_least=0, at_most=last)
        check_memory(f"{name} is {show(value)}", 8.0 * ((value[-1] - value[0]) // value.step + 1))
        return np.arange(value.start, value.stop, value.step, dtype=np.int64)
    if is_whole(value):
        return check_neurons(name, [value], n, beyond=beyond, each=each)
    if _is_mask(value):
        mask = check_array(name, value)
        if mask.ndim != 1 or not (beyond or mask.size == n):
            raise InputError(
                f"{name} is a mask of shape {np.shape(value)}; it has to have a truth value for "
                f"each of the {n} {each}."
            )
        return np.flatnonzero(mask)
    return check_array(name, value, shape=(None,), dtype=np.int64, at_least=0, at_most=last)


def _is_mask(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind == "b"
    except Exception:  # a foreign object; `check_array` will refuse it
        return False


def _cast(name: str, array: np.ndarray, target: np.dtype, finite: bool) -> np.ndarray:
    """Convert an array to a type that can hold its numbers, except for rounding."""
    if np.can_cast(array.dtype, target):
        return array.astype(target)
    if target.kind in "iu" and array.size:
        least, most = array.min(), array.max()
        if array.dtype.kind == "f":
            if not np.isfinite(least) or not np.isfinite(most):
                raise InputError(f"{name} holds NaN or infinite numbers; there have to be none.")
            if not (array == np.floor(array)).all():
                raise InputError(f"{name} holds fractions; every element has to be a whole number.")
        for extreme in (least, most):
            if not np.iinfo(target).min <= int(extreme) <= np.iinfo(target).max:
                raise InputError(
                    f"{name} holds {float(extreme):g}; every element has to fit into {target}."
                )
    with np.errstate(over="ignore"):
        cast = array.astype(target)
    if target.kind == "f" and finite and not np.isfinite(cast).all():
        outside = array[~np.isfinite(cast)].reshape(-1)[0]
        raise InputError(
            f"{name} holds {float(outside):g}; every element has to be at most "
            f"{np.finfo(target).max:g}, the largest {target}, in size."
        )
    return cast
