"""What a network accepts: what a Phase of a user's own is made of, and states that were saved."""

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
    is_real,
    is_whole,
    show,
)
from spikesim.errors import InputError

__all__ = ["check_built", "checked_phase", "renamed"]


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


def renamed(saved: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Parts of a state by their names; files of version 0.1 have '_' where there is a space now."""
    old = {name.replace(" ", "_"): name for name in extra if name not in saved}
    return {old.get(name, name): part for name, part in saved.items()}


def check_built(saved: Any, own: dict[str, dict[str, Any]]) -> None:
    """Refuse the state of a network that was built in another way."""
    remedy = "build it as the saved one was; what may be set can be changed after restoring"
    if not isinstance(saved, Mapping) or not all(isinstance(x, Mapping) for x in saved.values()):
        raise InputError(f"The saved description of the network is {show(saved)}; it is damaged.")
    for part in [*own, *saved]:
        if part not in saved or part not in own:
            where = "this network" if part in own else "the saved one"
            raise InputError(f"Only {where} has {part!r}; {remedy}.")
        here, there = own[part], saved[part]
        for name in [*here, *(name for name in there if name not in here)]:
            # A later version may have parameters that the one which saved it had not.
            if name in there and not (name in here and _same(there[name], here[name])):
                raise InputError(
                    f"{name} of {part!r} is {show(here.get(name))} in this network and "
                    f"{show(there[name])} in the saved one; {remedy}."
                )


def _same(saved: Any, own: Any) -> bool:
    if is_real(saved) and is_real(own):
        return float(saved) == float(own)
    return type(saved) is type(own) and bool(saved == own)
