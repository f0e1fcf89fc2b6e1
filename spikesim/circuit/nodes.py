"""Nodes of a SONATA circuit: their models, their parameters, and the neurons that they become.

Nodes of one population may have several models, so that they become several populations of a
network. `Nodes` finds the neuron of each, and `select` the nodes of a node set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import check_path, is_real, show
from spikesim.circuit.config import Config, as_list
from spikesim.circuit.kinds import KINDS, Kind
from spikesim.circuit.tables import Table, read_nodes
from spikesim.engine.population import Population
from spikesim.errors import FileError, InputError
from spikesim.io.objects import read_object

__all__ = ["Nodes", "Part", "nodes_of", "parameter_file", "select"]

_POINTS = ("point_neuron", "point_process", "point_soma")  # the last two are older names
_VIRTUAL = "virtual"
_POSITIVE = ("C_m", "g_L", "tau_m")  # by which inputs are divided
_IDS = ("node_id", "node_ids", "gids")

Refuse = Callable[[str], None]


class Part:
    """The nodes of one population that have the same model.

    Attributes
    ----------
    ids : numpy.ndarray of int64, shape (n,)
        The numbers of the nodes in the SONATA files. Neuron i of `population` is node ``ids[i]``.
    kind : Kind or None
        The model; None for virtual nodes, which emit given spikes.
    parameters : dict of str to numpy.ndarray, shape (n,)
        The parameters of the model, under its own names.
    population : Population
        What they have become in the network.
    """

    population: Population

    def __init__(
        self, ids: np.ndarray, model: str, kind: Kind | None, parameters: dict[str, np.ndarray]
    ):
        self.ids = ids
        self.model = model
        self.kind = kind
        self.parameters = parameters

    def of(self, neurons: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of some neurons, or of one several times."""
        return {name: values[neurons] for name, values in self.parameters.items()}


class Nodes:
    """One population of nodes.

    Attributes
    ----------
    table : Table
    ids : numpy.ndarray of int64, shape (n,)
        The number of each row of the table.
    parts : list of Part
    """

    def __init__(self, table: Table, ids: np.ndarray):
        self.table = table
        self.ids = ids
        self.parts: list[Part] = []
        self._order = np.argsort(ids)
        self._sorted = ids[self._order]
        self._part = np.full(ids.size, -1)
        self._neuron = np.full(ids.size, -1)

    def add(self, part: Part) -> None:
        """Add a part, and remember where its nodes are."""
        rows = self.rows(part.ids)
        self._part[rows] = len(self.parts)
        self._neuron[rows] = np.arange(part.ids.size)
        self.parts.append(part)

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """The row of each node.

        Raises
        ------
        FileError
            If there is no such node.
        """
        at = np.searchsorted(self._sorted, ids)
        found = at < self._sorted.size
        found[found] = self._sorted[at[found]] == ids[found]
        if not found.all():
            raise FileError(
                f"{self.table.name!r} has no node {ids[~found][0]}; {self.table.path} has "
                f"{self.ids.size} of them."
            )
        return self._order[at]

    def where(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The part, -1 if it was left out, and the neuron in it of each node."""
        rows = self.rows(ids)
        return self._part[rows], self._neuron[rows]

    def among(self, ids: np.ndarray) -> list[tuple[Part, np.ndarray]]:
        """The parts that some nodes belong to, and their neurons there."""
        part, neuron = self.where(ids)
        return [(each, neuron[part == k]) for k, each in enumerate(self.parts) if (part == k).any()]


def nodes_of(config: Config, refuse: Refuse) -> dict[str, Nodes]:
    """Read all nodes of a circuit; `refuse` is told of those that cannot be simulated.

    Raises
    ------
    FileError
        If a file is missing or damaged.
    """
    found: dict[str, Nodes] = {}
    for path, types in config.nodes:
        for table, ids in read_nodes(path, types):
            if table.name in found:
                raise FileError(f"{path} has {table.name!r}, which another file has already.")
            found[table.name] = Nodes(table, ids)
            _split(config, found[table.name], refuse)
    return found


def _split(config: Config, nodes: Nodes, refuse: Refuse) -> None:
    """Sort nodes by their models."""
    table = nodes.table
    types, templates = table.texts("model_type"), table.texts("model_template")
    models = np.array(
        [
            _model(str(kind), template)
            for kind, template in zip(types.tolist(), templates.tolist(), strict=True)
        ],
        object,
    )
    for model, count in sorted(Counter(models.tolist()).items()):
        rows = np.flatnonzero(models == model)
        rows = rows[np.argsort(nodes.ids[rows])]
        if model == _VIRTUAL:
            nodes.add(Part(nodes.ids[rows], model, None, {}))
        elif model in KINDS:
            kind = KINDS[model]
            nodes.add(
                Part(nodes.ids[rows], model, kind, _parameters(config, nodes, rows, model, refuse))
            )
        else:
            refuse(f"{count} nodes of {table.name!r}: {model}")


def _model(kind: str, template: Any) -> str:
    """The name of a model in `KINDS`, 'virtual', or what it is instead."""
    if kind == _VIRTUAL:
        return kind
    if kind in _POINTS:
        return f"{kind} without a model_template" if template is None else str(template)
    return "without a model_type" if kind == "None" else f"{kind} {template or ''}".strip()


def _parameters(
    config: Config, nodes: Nodes, rows: np.ndarray, model: str, refuse: Refuse
) -> dict[str, np.ndarray]:
    """The parameters of nodes of one model: defaults, those of their types, and their own."""
    kind, table = KINDS[model], nodes.table
    values = {name: np.full(rows.size, value) for name, value in kind.defaults.items()}
    if "V_m" in values and "v_init" in config.conditions:
        v_init = config.conditions["v_init"]
        if not is_real(v_init):
            raise FileError(f"{config.path}: conditions.v_init is {show(v_init)}; it is in mV.")
        values["V_m"][:] = v_init
    files = table.texts("dynamics_params")[rows]
    for file in sorted({str(each) for each in files.tolist() if each is not None}):
        content = parameter_file(config, "point_neuron_models_dir", file)
        content.pop("type", None)  # the format of the file
        for name, value in content.items():
            if name not in values or not is_real(value):
                refuse(f"parameter {name} = {show(value)} of {model} in {file}")
            else:
                values[name][files == file] = kind.times * float(value)
    for name in sorted(table.names):
        inner = name.partition("dynamics_params/")[2]
        if inner and inner not in values:
            refuse(f"parameter {inner} of {model} in {table.path.name}")
        elif inner:
            own = table.numbers(name)[rows]
            values[inner] = np.where(np.isnan(own), values[inner], kind.times * own)
    for name, array in values.items():
        least = 0.0 if name in _POSITIVE else -np.inf
        if not (np.isfinite(array) & (array > least)).all():
            raise FileError(
                f"{table.path}: {name} of a node of {table.name!r} is not a finite number"
                f"{' above 0' if name in _POSITIVE else ''}; check its file of parameters."
            )
    return values


def parameter_file(config: Config, folder: str, name: str) -> dict[str, Any]:
    """What a file of parameters holds.

    Raises
    ------
    FileError
        If the file cannot be read, or no folder is given for it.
    """
    place = config.components.get(folder)
    if not isinstance(place, Path):
        raise FileError(f"{config.path} has no components.{folder}, which {name} should be in.")
    try:
        return read_object(place / check_path(folder, name))
    except InputError as error:
        raise FileError(f"{config.path}: {error}") from None


# ---- node sets --------------------------------------------------------------------------------


def select(config: Config, nodes: Mapping[str, Nodes], chosen: Any) -> dict[str, np.ndarray]:
    """The nodes of a set, by population.

    Parameters
    ----------
    config : Config
    nodes : dict of str to Nodes
    chosen : str, dict or list
        The name of a set or of a population, the rules of a set, or several of these. None and
        'all' choose all.

    Raises
    ------
    FileError
        If there is no such set or node.
    """
    return _selected(config, nodes, chosen, 0)


def _selected(
    config: Config, nodes: Mapping[str, Nodes], chosen: Any, depth: int
) -> dict[str, np.ndarray]:
    if depth > len(config.node_sets) + 1:
        raise FileError(f"{config.path}: a node set contains itself; name other sets in it.")
    if isinstance(chosen, list):
        found: dict[str, np.ndarray] = {}
        for each in chosen:
            for name, ids in _selected(config, nodes, each, depth + 1).items():
                found[name] = np.union1d(found.get(name, ids), ids)
        return found
    if isinstance(chosen, str) and chosen in config.node_sets:
        return _selected(config, nodes, config.node_sets[chosen], depth + 1)
    if chosen is None or chosen == "all":
        return {name: np.sort(each.ids) for name, each in nodes.items()}
    if isinstance(chosen, str) and chosen in nodes:
        return {chosen: np.sort(nodes[chosen].ids)}
    if not isinstance(chosen, dict):
        raise FileError(
            f"{config.path}: {show(chosen)} is neither a node set nor a population; there are "
            f"{', '.join([*config.node_sets, *nodes])}."
        )
    populations = as_list(chosen.get("population", list(nodes)))
    missing = [name for name in populations if not isinstance(name, str) or name not in nodes]
    if missing:
        raise FileError(f"{config.path}: a node set has no population {show(missing[0])}.")
    return {name: _matching(config, nodes[name], chosen) for name in populations}


def _matching(config: Config, nodes: Nodes, rules: Mapping[str, Any]) -> np.ndarray:
    fits = np.ones(nodes.ids.size, bool)
    for key, value in rules.items():
        allowed = as_list(value)
        if key in _IDS:
            if not all(isinstance(each, int) and 0 <= each < 1 << 62 for each in allowed):
                raise FileError(f"{config.path}: {key} is {show(value)}; it has to be numbers.")
            within = np.zeros(nodes.ids.size, bool)
            within[nodes.rows(np.array(allowed, np.int64))] = True
            fits &= within
        elif key != "population":
            texts = {str(each) for each in allowed}
            numbers = {float(each) for each in allowed if is_real(each)}
            fits &= np.array(
                [
                    str(each) in texts or (is_real(each) and float(each) in numbers)
                    for each in nodes.table.texts(key).tolist()
                ],
                bool,
            )
    return np.sort(nodes.ids[fits])
