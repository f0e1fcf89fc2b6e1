"""Checks of the arguments for a user's Phase, and the units of recorded variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction
from typing import Any

import numpy as np

from spikesim.attributes import Constants, ordinary
from spikesim.checks import (
    check_body,
    check_choice,
    check_integer,
    check_names,
    check_number,
    check_unknown,
    is_text,
    is_whole,
    show,
)
from spikesim.engine.items import Items
from spikesim.errors import InputError

__all__ = ["checked_phase", "file_unit", "units_of"]


def checked_phase(
    body: Callable,
    over: Callable | int,
    state: Any,
    params: Any,
    first: Any,
    inputs: Any,
    dtype: Any,
    network_dtype: str,
) -> tuple[Callable, dict[str, np.ndarray], Constants, Sequence[str]]:
    """Refuse arguments of `Network.add_phase`, or return those that a Phase takes in their place.

    Returns
    -------
    over, state, params, inputs
    """
    check_body("body", body, "i", "t", "s", "p")
    for role, given in (("state", state), ("params", params if params is not None else {})):
        if not isinstance(given, Mapping) or not all(
            isinstance(key, str) and key.isidentifier() for key in given
        ):
            raise InputError(f"{role} is {show(given)}; it has to be a dict with names.")
    params = dict(params or {})
    state = {
        key: ordinary(array.held() if isinstance(array, Items) else array)
        for key, array in state.items()
    }
    for key, array in state.items():
        if (
            type(array) is not np.ndarray
            or array.dtype.kind not in "biuf"
            or array.dtype.itemsize > 8
            or not array.dtype.isnative
            or not array.flags.c_contiguous
            or not array.flags.aligned
            or array.ndim == 0
        ):
            raise InputError(
                f"state[{key!r}] has to be a contiguous NumPy array of real numbers, with at "
                "least one dimension."
            )
    for key, value in params.items():
        if isinstance(value, (float, np.floating)):
            if float(np.finfo(network_dtype).max) < abs(float(value)) < float("inf"):
                check_number(f"params[{key!r}]", value, dtype=network_dtype)
        elif not is_whole(value) and not isinstance(value, (bool, np.bool_)):
            raise InputError(
                f"params[{key!r}] is {show(value)}; it has to be a float, or a whole number of "
                "64 bits; arrays belong in state."
            )
    if not isfunction(over):
        params["indices"] = check_integer("over", over, at_least=0, at_most=2**31)
        over = _indices
    check_body("over", over, "t", "s", "p")
    check_choice("first", first, [True, False])
    inputs = check_names("inputs", inputs)
    check_unknown("input", inputs, state)
    if dtype is not None:
        check_choice("dtype", dtype, ["float32", "float64"])
    params = Constants(f"parameter of {body.__name__}", params)
    return over, state, params, inputs


def _indices(t, s, p):
    return p.indices


def units_of(
    variables: Sequence[str], unit: Any, declared: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The unit of each recorded variable, given `unit` of `Network.record`.

    For variables without one there, it is the ``unit`` that the neuron has `declared`. A variable
    of which the meaning is declared, and no unit, has none.

    Examples
    --------
    >>> units_of(["v", "w"], None)
    {'v': 'mV', 'w': ''}
    >>> units_of(["v", "w"], {"w": "pA"})
    {'v': 'mV', 'w': 'pA'}
    """
    if isinstance(unit, Mapping):
        check_unknown("variable in unit", unit, variables)
    elif unit is not None:
        unit = dict.fromkeys(variables, unit)
    given = {} if unit is None else unit
    for name, text in given.items():
        if not is_text(text):
            raise InputError(
                f"unit of {name} is {show(text)}; it has to be a text such as 'mV', or a dict of "
                "them by variable."
            )
    units = {}
    for name in variables:
        said = (declared or {}).get(name)
        known = getattr(said, "unit", "")
        if not (known or getattr(said, "meaning", "")) and name[0] in "vV":
            known = "mV"
        units[name] = str(given.get(name, known))
    return units


def file_unit(units: Mapping[str, str]) -> str:
    """The one unit of a file; mV if none is known."""
    known = sorted({unit for unit in units.values() if unit})
    if len(known) > 1:
        raise InputError(
            f"unit is {' and '.join(known)}, but a file has one unit; record variables of "
            "different units to different files."
        )
    return known[0] if known else "mV"
