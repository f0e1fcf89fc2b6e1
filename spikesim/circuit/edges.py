"""Edges of a SONATA circuit, as synapses of a network.

An edge is a synapse with a weight, the product of syn_weight and nsyns, and a delay. Weights of the
two signs may act on different variables, so that a population of edges becomes a projection for
each sign, and for each pair of populations of the network that it connects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from spikesim.checks import is_real, show
from spikesim.circuit.config import Config
from spikesim.circuit.nodes import Nodes, Part, Refuse, parameter_file
from spikesim.circuit.tables import Edges, read_edges
from spikesim.engine.network import Network
from spikesim.errors import FileError

__all__ = ["connect", "delays_of", "edges_of", "free_name", "weights_of"]

_STATIC = ("static_synapse", "nest:static_synapse", "None")
_PRODUCTS = ("wmax", "default_weight_fnc", "set_syn_weight", "None")  # syn_weight times nsyns
_DELAY = 1.0  # ms, as in NEST and NEURON if no delay is given


def edges_of(config: Config, nodes: Mapping[str, Nodes]) -> list[Edges]:
    """Read all edges of a circuit.

    Raises
    ------
    FileError
        If a file is missing or damaged, or names nodes that there are not.
    """
    found = []
    for path, types in config.edges:
        for edges in read_edges(path, types):
            name = edges.table.name
            for population, ids in (
                (edges.source, edges.source_ids),
                (edges.target, edges.target_ids),
            ):
                if population not in nodes:
                    raise FileError(f"{path}: {name} connects {population!r}, which is no file.")
                nodes[population].rows(ids)
            found.append(edges)
    return found


def weights_of(config: Config, edges: Edges, refuse: Refuse) -> np.ndarray:
    """The weight of each edge, in units of the model that it is onto.

    Edges that cannot be synapses get NaN, and `refuse` is told of them.

    Raises
    ------
    FileError
        If an edge has none.
    """
    table = edges.table
    number = table.numbers("nsyns")
    weights = table.numbers("syn_weight") * np.where(np.isnan(number), 1.0, number)
    files = table.texts("dynamics_params")
    for file in sorted({str(each) for each in files.tolist() if each is not None}):
        content = parameter_file(config, "synaptic_models_dir", file)
        content.pop("level_of_detail", None)  # how NEURON's IntFire1 takes spikes
        sign = content.pop("sign", 1)
        if not is_real(sign) or sign not in (-1, 1):
            raise FileError(f"{file} has sign {show(sign)}; it has to be 1 or -1.")
        weights[files == file] *= sign
        for name, value in content.items():
            refuse(f"parameter {name} = {show(value)} of edges {table.name!r} in {file}")
    for name in sorted(table.names):
        if name.startswith("dynamics_params/"):
            refuse(f"parameter {name.partition('/')[2]} of edges {table.name!r}")
    if not np.isfinite(weights).all():
        raise FileError(f"{table.path}: an edge of {table.name!r} has no syn_weight; give it one.")
    for what, known in (("model_template", _STATIC), ("weight_function", _PRODUCTS)):
        words = table.texts(what)
        for other in sorted({str(each) for each in words.tolist()} - {*known}):
            refuse(f"{what} {other} of edges {table.name!r}")
            weights[words == other] = np.nan
    return weights


def delays_of(edges: Edges) -> np.ndarray:
    """The delay of each edge, in ms.

    Raises
    ------
    FileError
        If one is below 0 or not finite.
    """
    delays = edges.table.numbers("delay")
    delays[np.isnan(delays)] = _DELAY
    if not (np.isfinite(delays) & (delays >= 0.0)).all():
        raise FileError(f"{edges.table.path}: a delay of {edges.table.name!r} is below 0 ms.")
    return delays


def connect(
    net: Network,
    nodes: Mapping[str, Nodes],
    edges: Edges,
    weights: np.ndarray,
    delays: np.ndarray,
) -> None:
    """Add the synapses of one population of edges to a network."""
    sources, targets = nodes[edges.source], nodes[edges.target]
    from_part, pre = sources.where(edges.source_ids)
    onto_part, post = targets.where(edges.target_ids)
    for k, source in enumerate(sources.parts):
        for j, target in enumerate(targets.parts):
            between = (from_part == k) & (onto_part == j) & np.isfinite(weights)
            kind = target.kind
            if kind is None or not between.any():
                continue
            late = 0 if source.kind is None else source.kind.late
            steps = np.maximum(np.rint(delays / net.dt), 1.0) + late
            excites = weights >= 0.0
            alike = kind.targets[0] == kind.targets[1]
            for chosen, variable in zip(
                [between] if alike else [between & excites, between & ~excites],
                kind.targets,
                strict=False,
            ):
                if chosen.any():
                    onto = post[chosen]
                    scaled = kind.weight(weights[chosen], target.of(onto))
                    suffix = "" if alike else "_exc" if variable == kind.targets[0] else "_inh"
                    name = free_name(net, edges.table.name + suffix)
                    _connect(
                        net,
                        source,
                        target,
                        variable,
                        name,
                        pre[chosen],
                        onto,
                        scaled,
                        steps[chosen],
                    )


def _connect(
    net: Network,
    source: Part,
    target: Part,
    variable: str,
    name: str,
    pre: np.ndarray,
    post: np.ndarray,
    weights: np.ndarray,
    steps: np.ndarray,
) -> None:
    order = np.lexsort((post, pre))  # by rows, in which a pair may come more than once
    shape = (source.population.n, target.population.n)
    start = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=shape[0]))])
    matrix = sparse.csr_array((weights[order], post[order], start), shape=shape)
    delay: Any = steps[order] * net.dt
    if (steps == steps[0]).all():
        delay = float(steps[0] * net.dt)
    net.connect(
        source.population, target.population, target=variable, weight=matrix, delay=delay, name=name
    )


def free_name(net: Network, wanted: str) -> str:
    """A name that the network does not have yet, of letters, digits and '_'."""
    name = "".join(each if each.isalnum() or each == "_" else "_" for each in wanted)
    name = name if name.isidentifier() else f"_{name}"
    taken, number = {*net.populations, *net.projections}, 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
