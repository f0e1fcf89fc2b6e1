"""Reports that a SONATA simulation asks for: a variable of some neurons, at intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import show
from spikesim.circuit.config import Config, as_list, enabled, number
from spikesim.circuit.nodes import Nodes, Part, Refuse, select
from spikesim.errors import FileError

__all__ = ["Report", "Share", "reports_of"]

_MODULES = ("membrane_report", "multimeter_report", None)


class Share(NamedTuple):
    """Neurons of a report that are in one population of the network.

    Attributes
    ----------
    population : str
        Their population in the SONATA files.
    part : Part
    neurons : numpy.ndarray of int
        Their numbers in `part`.
    variable : str
        The variable of the neurons.
    scale : float or numpy.ndarray of shape (neurons,)
        What their values are multiplied by.
    """

    population: str
    part: Part
    neurons: np.ndarray
    variable: str
    scale: np.ndarray | float


class Report(NamedTuple):
    """A report, in steps of the network: samples from `start` on and before `stop`."""

    file: str
    unit: str
    every: int
    start: int
    stop: int
    shares: list[Share]


def reports_of(
    config: Config, nodes: Mapping[str, Nodes], dt: float, steps: int, refuse: Refuse
) -> list[Report]:
    """The reports of a simulation that takes so many steps of `dt` ms.

    Raises
    ------
    FileError
        If an entry cannot be used.
    """
    found = []
    for name, given in enabled(config, "reports"):
        variables = as_list(given.get("variable_name"))
        if given.get("module") not in _MODULES or len(variables) != 1:
            what = f"module {show(given.get('module'))} with {len(variables)} variables"
            refuse(f"report {name!r}: {what}")
            continue
        shares, units = [], set()
        for population, ids in select(config, nodes, given.get("cells")).items():
            for part, neurons in nodes[population].among(ids):
                if part.kind is None and "cells" not in given:
                    continue
                if part.kind is None or variables[0] not in part.kind.reports:
                    refuse(f"report {name!r}: {show(variables[0])} of {part.model} nodes")
                    continue
                ours, scale, unit = part.kind.reported(variables[0], part.of(neurons))
                units.add(unit)
                shares.append(Share(population, part, neurons, ours, scale))
        if len(units) > 1:
            refuse(f"report {name!r}: values in {' and '.join(sorted(units))}")
        elif shares:
            unit = str(given.get("unit", units.pop()))
            times = _times(config, name, given, dt, steps)
            found.append(Report(_file(config, name, given), unit, *times, shares))
    return found


def _file(config: Config, name: str, given: Mapping[str, Any]) -> str:
    file = given.get("file_name", name)
    if not isinstance(file, str) or file != file.strip() or "/" in file or "\0" in file or not file:
        raise FileError(f"{config.path}: reports.{name} has file_name {show(file)}; name a file.")
    return file if file.endswith((".h5", ".hdf5")) else f"{file}.h5"


def _times(
    config: Config, name: str, given: Mapping[str, Any], dt: float, steps: int
) -> tuple[int, int, int]:
    """The interval, the first step and the end, in steps."""
    times = {"dt": dt, "start_time": 0.0, "end_time": steps * dt} | {
        key: value for key, value in given.items() if value is not None
    }
    limits = {"at_least": 0.0, "at_most": 1e12}
    every, start, stop = (
        round(number(config.path, f"reports.{name}", times, key, **limits) / dt)
        for key in ("dt", "start_time", "end_time")
    )
    return max(every, 1), start, min(stop, steps)
