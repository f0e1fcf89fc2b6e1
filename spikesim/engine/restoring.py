"""Whether a saved state belongs to a network: how it was built, and under which names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import (
    MOST_STEPS,
    check_integer,
    check_neurons,
    check_unknown,
    is_real,
    show,
)
from spikesim.engine.parameters import Following
from spikesim.engine.population import Population, check_range
from spikesim.errors import InputError
from spikesim.io.files import atomic_file, stamp, write_tree
from spikesim.kernels import trials

__all__ = [
    "changed_parameters",
    "check_arrays",
    "check_built",
    "check_clock",
    "check_setting",
    "check_silent",
    "noise_seed_of",
    "renamed",
    "save_state",
    "silenced",
    "step_of",
]


def renamed(
    saved: Mapping[str, Any], extra: Mapping[str, Any], populations: Mapping[str, Population]
) -> dict[str, Any]:
    """The parts of a state, and their variables, by their present names.

    Files of version 0.1 have '_' instead of a space, and former names of variables.
    """
    old = {name.replace(" ", "_"): name for name in extra if name not in saved}
    found = {old.get(name, name): part for name, part in saved.items()}
    for name, population in populations.items():
        if isinstance(found.get(name), Mapping):
            found[name] = _present(found[name], population.arrays(), population.neuron.former)
    return found


def silenced(populations: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """The silenced neurons, as a state holds them; empty if there are none."""
    silent = {name: np.flatnonzero(each.silent) for name, each in populations.items()}
    silent = {name: ids for name, ids in silent.items() if ids.size}
    return {"silent": silent} if silent else {}


def check_silent(saved: Any, populations: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The silenced neurons of each population in a state, or `InputError`."""
    if not isinstance(saved, Mapping):
        raise InputError(f"The saved silent is {show(saved)}; it has to be a dict by population.")
    check_unknown("saved silent population", saved, populations)
    return {
        name: check_neurons(f"saved silent of {name!r}", saved.get(name, []), population.n)
        for name, population in populations.items()
    }


def _present(
    saved: Mapping[str, Any], own: Mapping[str, Any], former: Mapping[str, str]
) -> dict[str, Any]:
    """Values that were saved under former names, under the present ones."""
    found = {}
    for name, value in saved.items():
        # The ring of spikes that arrive at a variable v, for example, is saved as v_ring.
        begin = next((old for old in former if name == old or name.startswith(f"{old}_")), None)
        if begin is not None and name not in own:
            present = former[begin] + name[len(begin) :]
            name = present if present in own and present not in saved else name
        found[name] = value
    return found


def _present_built(
    saved: Mapping[str, Any], populations: Mapping[str, Population]
) -> dict[str, Any]:
    found = {}
    for part, named in saved.items():
        if isinstance(named, Mapping):
            if part in populations:
                population = populations[part]
                named = _present(named, population.built(), population.neuron.former)
            onto = populations.get(str(named.get("post", named.get("population"))))
            if onto is not None and named.get("target") in {*onto.neuron.former} - {*onto.state}:
                named = {**named, "target": onto.neuron.former[named["target"]]}
        found[part] = named
    return found


def check_built(
    saved: Any, own: dict[str, dict[str, Any]], populations: Mapping[str, Population]
) -> None:
    """Refuse the state of a network that was built differently."""
    remedy = "build it as the saved one was; what may be set can be changed after restoring"
    if not isinstance(saved, Mapping) or not all(isinstance(x, Mapping) for x in saved.values()):
        raise InputError(f"The saved description of the network is {show(saved)}; it is damaged.")
    saved = _present_built(saved, populations)
    for part in [*own, *saved]:
        if part not in saved or part not in own:
            where = "this network" if part in own else "the saved one"
            raise InputError(f"Only {where} has {part!r}; {remedy}.")
        here, there = own[part], saved[part]
        for name in [*here, *(name for name in there if name not in here)]:
            # A later version may have parameters that the saving version did not have.
            if name in there and not (name in here and _same(there[name], here[name])):
                raise InputError(
                    f"{name} of {part!r} is {show(here.get(name))} in this network and "
                    f"{show(there[name])} in the saved one; {remedy}."
                )


def check_arrays(
    saved: Mapping[str, Any], own: Mapping[str, Mapping[str, np.ndarray]], dtype: str
) -> None:
    """Refuse saved arrays that lack a part, or have other shapes or types than a network's own."""
    for owner, arrays in own.items():
        if not isinstance(saved[owner], Mapping):
            raise InputError(
                f"The saved {owner} is {show(saved[owner])}; it has to be a dict of arrays."
            )
        check_unknown(f"saved variable of {owner!r}", arrays, saved[owner])
        for name, array in arrays.items():
            loaded = saved[owner][name]
            if not isinstance(loaded, np.ndarray):
                raise InputError(f"The saved {owner}.{name} is {show(loaded)}, no array.")
            # Older files have slow variables in float32, which are float64 now.
            types = {array.dtype, np.dtype(dtype) if array.dtype.kind == "f" else None}
            if loaded.shape != array.shape or loaded.dtype not in types:
                raise InputError(
                    f"The saved {owner}.{name} is {loaded.dtype} of shape {loaded.shape}; "
                    f"this network's is {array.dtype} of shape {array.shape}."
                )


def save_state(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write the state of a network to an HDF5 file."""
    with atomic_file(path) as file:
        stamp(file, "network")
        write_tree(file.create_group("state"), state)


def step_of(state: Any) -> int:
    """The step at which a state was taken."""
    if not isinstance(state, Mapping) or "step" not in state:
        raise InputError(f"state is {show(state)}; it has to be what Network.state() returned.")
    return check_integer("saved step", state["step"], at_least=0, at_most=MOST_STEPS)


def check_setting(state: Mapping[str, Any], dt: float, seed: int) -> None:
    """Refuse the state of a network with another dt or seed."""
    for name in ("dt", "seed"):
        if not is_real(state[name]) and not isinstance(state[name], str):
            raise InputError(f"The saved {name} is {show(state[name])}; it has to be a number.")
    try:
        float(state["dt"]), int(state["seed"])
    except (ValueError, OverflowError):
        raise InputError("The saved dt and seed have to be numbers.") from None
    if float(state["dt"]) != dt or int(state["seed"]) != seed:
        raise InputError(
            f"The saved network has dt {state['dt']} ms and seed {state['seed']}; "
            f"this one has {dt} ms and {seed}."
        )


def noise_seed_of(state: Mapping[str, Any], seed: int) -> int:
    """The noise seed of a state: the network's seed, unless it was reset with another."""
    saved = state.get("noise_seed", str(seed))
    if (
        not isinstance(saved, str)
        or not (saved.isdecimal() and len(saved) <= 20)
        or int(saved) >= 2**64
    ):
        raise InputError(f"The saved noise_seed is {show(saved)}; it has to be a seed.")
    return int(saved)


def changed_parameters(
    saved: Any, populations: Mapping[str, Population]
) -> list[tuple[Population, dict[str, Any], Following]]:
    """The parameters of each population that differ from saved ones, and what would follow.

    Older files, from before parameters could be set between runs, have none; the present parameters
    then stay as they are.
    """
    if not isinstance(saved, Mapping) or not all(isinstance(x, Mapping) for x in saved.values()):
        raise InputError(f"The saved parameters are {show(saved)}; they are damaged.")
    changed = []
    for name, population in populations.items():
        own = population.parameters.saved()
        given = {
            key: value
            for key, value in saved.get(name, {}).items()
            if not (key in own and np.array_equal(own[key], value))
        }
        if given:
            try:
                changed.append((population, given, population.parameters.following(given)))
            except InputError as error:
                raise InputError(f"The saved parameters of {name!r}: {error}") from None
    return changed


def _same(saved: Any, own: Any) -> bool:
    if is_real(saved) and is_real(own):
        return float(saved) == float(own)
    return type(saved) is type(own) and bool(saved == own)


def check_clock(clock: np.ndarray, trials_there: int) -> None:
    """Refuse a saved clock that points outside the trials or their two phases."""
    check_range("saved clock", clock[trials.TRIAL : trials.TRIAL + 1], -1, trials_there - 1)
    check_range("saved clock", clock[trials.PHASE : trials.PHASE + 1], 0, 1)
