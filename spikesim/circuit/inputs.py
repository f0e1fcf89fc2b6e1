"""Inputs of a SONATA simulation: spikes of virtual nodes, and current clamps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import show
from spikesim.circuit.config import Config, as_list, enabled, number
from spikesim.circuit.nodes import Nodes, Part, Refuse, select
from spikesim.circuit.tables import read_rows
from spikesim.errors import FileError
from spikesim.sonata import read_spikes

__all__ = ["Clamp", "clamps_of", "spikes_of"]

_HDF5 = ("sonata", "h5", "hdf5", "synapse_replay")


class Clamp(NamedTuple):
    """A current into some neurons, constant from `begin` to `end` in ms; None if it never ends."""

    part: Part
    neurons: np.ndarray
    amplitude: float
    begin: float
    end: float | None


def spikes_of(
    config: Config, nodes: Mapping[str, Nodes], refuse: Refuse
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The times (ms) and nodes of the spikes that each population of nodes is given.

    Raises
    ------
    FileError
        If a file is missing, damaged, or names nodes that there are not.
    """
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in nodes}
    for name, given in enabled(config, "inputs"):
        if given.get("input_type") != "spikes":
            continue
        module, path = given.get("module"), given.get("input_file", given.get("file"))
        if module not in (*_HDF5, "csv"):
            refuse(f"input {name!r}: spikes of module {show(module)}")
            continue
        if not isinstance(path, Path):
            raise FileError(f"{config.path}: inputs.{name} has no input_file; name one.")
        trains = read_spikes(path) if module in _HDF5 else _of_csv(path)
        node_set = given.get("node_set")
        for population, ids in select(config, nodes, node_set).items():
            # The layout before SONATA names no population, so that the node set has to.
            chosen = trains.get(population, None if node_set is None else trains.get(""))
            if chosen is None:
                if node_set is not None:
                    raise FileError(
                        f"{path} has no spikes of {population!r}; it has those of "
                        f"{', '.join(sorted(trains)) or 'no population'}."
                    )
                continue
            if any(part.kind is not None for part, _ in nodes[population].among(ids)):
                refuse(f"input {name!r}: spikes of nodes of {population!r} that are not virtual")
            if not np.isfinite(chosen[0]).all() or (chosen[0] < 0.0).any():
                raise FileError(f"{path} has spikes at times that are not from 0 on; mend it.")
            kept = np.isin(chosen[1], ids)
            found[population].append((chosen[0][kept], chosen[1][kept]))
    none = np.zeros(0), np.zeros(0, np.int64)
    return {
        name: (np.concatenate([t for t, _ in each]), np.concatenate([i for _, i in each]))
        if each
        else none
        for name, each in found.items()
    }


def _of_csv(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Spikes of a CSV file with the columns timestamps, node_ids and, at will, population."""
    trains: dict[str, tuple[list[float], list[int]]] = {}
    for row in read_rows(path):
        times, ids = trains.setdefault(row.get("population", ""), ([], []))
        try:
            times.append(float(row["timestamps"]))
            ids.append(int(row["node_ids"]))
        except (KeyError, ValueError):
            raise FileError(
                f"{path}: each line needs numbers as timestamps and node_ids."
            ) from None
    return {name: (np.array(t, float), np.array(i, np.int64)) for name, (t, i) in trains.items()}


def clamps_of(config: Config, nodes: Mapping[str, Nodes], refuse: Refuse) -> list[Clamp]:
    """The currents that are injected into neurons.

    Raises
    ------
    FileError
        If a number is missing or impossible, or there is no such node.
    """
    found = []
    for name, given in enabled(config, "inputs"):
        kind, module = given.get("input_type"), given.get("module")
        if kind == "spikes":
            continue
        if module != "IClamp" or kind not in ("current_clamp", "csv"):
            refuse(f"input {name!r}: {kind} of module {show(module)}")
            continue
        steps = _steps(config, name, given)
        for population, ids in select(config, nodes, given.get("node_set")).items():
            for part, neurons in nodes[population].among(ids):
                if part.kind is None or "I_e" not in part.parameters:
                    refuse(f"input {name!r}: a current into {part.model} nodes of {population!r}")
                    continue
                found += [Clamp(part, neurons, *step) for step in steps]
    return found


def _steps(
    config: Config, name: str, given: Mapping[str, Any]
) -> list[tuple[float, float, float | None]]:
    """Amplitude (pA), begin and end of each step of a current."""
    path = given.get("input_file", given.get("file"))
    if isinstance(path, Path):
        try:
            rows = [(float(row["timestamps"]), float(row["amps"])) for row in read_rows(path)]
        except (KeyError, ValueError):
            raise FileError(f"{path}: each line needs numbers as timestamps and amps.") from None
        times = [time for time, _ in rows]
        if not np.isfinite(rows).all() or min(times, default=0.0) < 0.0 or times != sorted(times):
            raise FileError(f"{path}: timestamps have to ascend from 0 on, and amps be finite.")
        ends = [*times[1:], None]
        return [
            (amplitude, begin, end)
            for (begin, amplitude), end in zip(rows, ends, strict=True)
            if amplitude and begin != end
        ]
    where, columns = f"inputs.{name}", []
    limits: dict[str, dict[str, Any]] = {"amp": {}, "delay": {"at_least": 0.0}}
    limits["duration"] = {"above": 0.0, "at_most": 1e12}
    for key, limit in limits.items():
        many = [{key: each} for each in as_list(given[key])] if key in given else [{}]
        columns.append([number(config.path, where, each, key, **limit) for each in many])
    if len({len(column) for column in columns}) > 1:
        raise FileError(f"{config.path}: {where} has lists of different lengths; make them equal.")
    return [
        (amplitude, begin, begin + duration)
        for amplitude, begin, duration in zip(*columns, strict=True)
    ]
