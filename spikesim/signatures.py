"""Functions of numbers that users write, which get their arguments by name."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from inspect import isfunction
from keyword import iskeyword
from typing import Any

import numpy as np

from spikesim.checks import check_number, show
from spikesim.errors import InputError
from spikesim.kernels.machine import python
from spikesim.kernels.machine.lowering import LoweringError

__all__ = ["arguments_of", "check_names_and_numbers", "check_result"]


def check_names_and_numbers(role: str, values: Any, taken: dict[str, str]) -> None:
    """Refuse anything but a dict of free names and numbers; its names are then taken.

    Parameters
    ----------
    role : str
        The role of the dict, for messages.
    values : Any
    taken : dict of str to str
        Names that cannot be used, and the meaning of each; the names of `values` are added.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{role} is {show(values)}; it has to be a dict of numbers.")
    for name, value in values.items():
        if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
            raise InputError(
                f"{role} has the name {show(name)}; a name is letters, digits and '_'."
            )
        if name.startswith("_") or "__" in name:
            raise InputError(f"{role} has {name!r}; no name begins with '_' or has '__' in it.")
        if name in taken:
            raise InputError(f"{role} has {name!r}, which is {taken[name]}; call it otherwise.")
        check_number(f"{role}[{name!r}]", value)
        taken[name] = f"one of the {role}"


def arguments_of(role: str, function: Any) -> tuple[str, ...]:
    """The names of the arguments of a plain function.

    Raises
    ------
    InputError
        If it is not a plain function, or has arguments that cannot be given by name.
    """
    if not isfunction(function):
        raise InputError(
            f"{role} is {show(function)}; it has to be a plain function, no method, class or "
            "partial, that asks for what it needs by the names of its arguments."
        )
    code = function.__code__
    if code.co_flags & 0x0C or code.co_kwonlyargcount:
        raise InputError(
            f"{role} is {function.__qualname__} (line {code.co_firstlineno} of "
            f"{code.co_filename}), which has arguments after a '*'; name each of them."
        )
    return code.co_varnames[: code.co_argcount]


def check_result(
    role: str, function: Callable, arguments: int, returned: list[str], dtype: str
) -> None:
    """Call a function with numbers in plain Python; refuse it if it does not return numbers.

    Raises
    ------
    LoweringError
        If it fails, or returns the wrong number of numbers.
    """
    lower = python.lowering(dtype)
    code = function.__code__
    place = f"(line {code.co_firstlineno} of {code.co_filename})"
    wanted = ", ".join(returned)
    try:
        with np.errstate(all="ignore"):
            value = lower(function)(*[lower.real(0.5)] * arguments)
    except LoweringError:
        raise
    except (TypeError, AttributeError, UnboundLocalError, IndexError) as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        raise LoweringError(
            f"{role}, {function.__qualname__}, fails: {error} (line {line.lineno} of "
            f"{line.filename})."
        ) from None
    except Exception:
        return  # compiled code gives no error in such cases, as for a division by 0
    values = value if isinstance(value, tuple) else (value,)
    numbers = all(isinstance(x, (bool, int, float, np.number, np.bool_)) for x in values)
    if len(values) != len(returned) or not numbers or isinstance(value, tuple) != (len(values) > 1):
        raise LoweringError(
            f"{role}, {function.__qualname__}, returns {show(value)}; it has to return {wanted}: "
            f"{'a number' if len(returned) == 1 else 'a number for each'} {place}."
        )
