"""What a Phase of a user's own may be made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction
from typing import Any

import numpy as np

from spikesim.attributes import Constants
from spikesim.checks import (
    check_body,
    check_choice,
    check_integer,
    check_names,
    check_number,
    check_unknown,
    is_whole,
    show,
)
from spikesim.errors import InputError

__all__ = ["checked_phase"]


def checked_phase(
    body: Callable,
    over: Callable | int,
    state: Any,
    params: Any,
    first: Any,
    inputs: Any,
    dtype: Any,
    network_dtype: str,
) -> tuple[Callable, Constants, Sequence[str]]:
    """Refuse arguments of `Network.add_phase`, or return over, params and inputs for a Phase."""
    check_body("body", body, "i", "t", "s", "p")
    for role, given in (("state", state), ("params", params if params is not None else {})):
        if not isinstance(given, Mapping) or not all(
            isinstance(key, str) and key.isidentifier() for key in given
        ):
            raise InputError(f"{role} is {show(given)}; it has to be a dict with names.")
    params = dict(params or {})
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
    return over, params, inputs


def _indices(t, s, p):
    return p.indices
