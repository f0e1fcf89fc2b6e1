"""Builds a network from a graph of NIR."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spikesim.checks import check_choice, check_number
from spikesim.engine.inputs import MOST_NEURONS
from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.errors import InputError
from spikesim.nir.graph import Graph, Node, Way, load
from spikesim.nir.inputs import Input
from spikesim.nir.neurons import DISCRETISATIONS, KINDS, RESETS, neuron

__all__ = ["read"]

_OFF_GRID = 1e-3  # steps by which a delay may miss its step: files often have float32
_SILENT = ("LI", "CubaLI", "I", "Output")
_SPARSE = 0.5  # with fewer weights than this that are not 0, synapses are stored one by one


def read(
    source: Any,
    *,
    dt: float | None = None,
    discretisation: str | None = None,
    reset: str | None = None,
    reset_delay: bool | None = None,
    seed: int = 0,
    dtype: str = "float32",
    backend: str = "cpu",
) -> Network:
    """Build a network from a graph of the Neuromorphic Intermediate Representation (NIR).

    Each neuron node becomes a population of its name, and each chain of linear nodes a projection,
    or a bias. `Input` nodes become populations of `Input`, whose ``feed`` sends spikes or currents.
    The population before an `Output` is its output; an `Output` behind weights becomes a population
    whose ``v`` is its value. A character that a name cannot have becomes '_', and a name that
    begins with a digit gets 'node_' before it.

    A spike passes all linear nodes within its step, as in snnTorch and Norse, plus the delays of
    the graph. Only where a graph has a loop without a delay, the way back takes one step.

    Parameters
    ----------
    source : str, Path or nir.NIRGraph
        A path to a file of NIR (HDF5), or a graph of the package nir.
    dt : float, optional
        The step in ms. NIR does not define it: it is needed unless the graph's metadata have it,
        as those of `write` do.
    discretisation : {'exact', 'euler', 'semi-implicit'}, optional
        See `neuron`. NIR does not define it either.
    reset : {'v_reset', 'subtract'}, optional
        See `neuron`. By default that of the metadata, or else v_reset, as NIR says.
    reset_delay : bool, optional
        Likewise; by default that of the metadata, or else False.
    seed, dtype, backend
        As in `Network`.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If something has to be said that the graph does not say, or the graph has a node or a delay
        that a network cannot hold.
    FileError
        If the file is missing, damaged or no graph of NIR.

    Examples
    --------
    >>> import numpy as np
    >>> from spikesim import Network, nir
    >>> net = Network(dt=1.0, backend="python")
    >>> source = net.add(nir.Input(net, "source", 2))
    >>> cells = net.add_population("cells", 1, nir.neuron("LIF", "euler"), tau=8.0)
    >>> wires = net.connect(source, cells, target="input", weight=9.0, delay=0.0)
    >>> again = nir.read(nir.to_graph(net), backend="python")
    >>> again.populations
    {'source': <Population 'source': 2 neurons with spike>, 'cells': ...}
    """
    graph = load(source)
    dt_ms = _dt_of(graph, dt)
    for name, value, allowed in (
        ("discretisation", discretisation, list(DISCRETISATIONS)),
        ("reset", reset, list(RESETS)),
        ("reset_delay", reset_delay, [True, False]),
    ):
        if value is not None:
            check_choice(name, value, allowed)
    said = {"discretisation": discretisation, "reset": reset, "reset_delay": reset_delay}
    ways, constants = graph.ways()
    for name in [each for each, node in graph.nodes.items() if node.kind == "Output"]:
        if _is_shown(graph, ways[name]):
            del ways[name]
    _check_spiking(graph, ways)
    sizes, order = graph.sizes(), _ordered(graph, ways, dt_ms)
    names = _names(order)
    net = Network(dt=dt_ms, seed=seed, dtype=dtype, backend=backend)
    populations: dict[str, Population] = {}
    for node in (graph.nodes[name] for name in order):
        if sizes[node.name] > MOST_NEURONS:
            raise InputError(f"{node.name!r} has {sizes[node.name]} neurons, too many.")
        populations[node.name] = _population(
            net, names[node.name], node, sizes[node.name], constants[node.name], said
        )
    place = {name: k for k, name in enumerate(order)}
    for name in order:
        for way in ways[name]:
            least = 0 if place[way.source] < place[name] else 1
            _connect(net, populations[way.source], populations[name], way, least)
    return net


def _dt_of(graph: Graph, given: Any) -> float:
    if given is None and "dt" not in graph.metadata:
        raise InputError(
            "NIR has no time step, and this graph's metadata have no dt; give one in ms, as in "
            "read(..., dt=1.0)."
        )
    if given is None:
        seconds = _number("dt of the graph's metadata", graph.metadata["dt"])
        # 1e-4 s is meant as 0.1 ms, of which 1000.0 * 1e-4 is only the neighbour.
        given = float(f"{1000.0 * seconds:.12g}")
    return check_number("dt", given, above=0.0, unit="ms")


def _number(what: str, value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise InputError(f"{what} is not a number.")
    return float(array.reshape(-1)[0])


def _choice(node: Node, name: str, given: Any, allowed: Iterable[Any], default: Any) -> Any:
    """What was given, or what the node's metadata say."""
    if given is not None:
        return given
    value = node.metadata.get(name)
    if value is None:
        return default
    value = value.decode() if isinstance(value, bytes) else value
    value = bool(value) if name == "reset_delay" and np.size(value) == 1 else value
    return check_choice(f"{name} in the metadata of {node.name!r}", value, list(allowed))


def _is_shown(graph: Graph, ways: list[Way]) -> bool:
    """Whether an output is just what a population does, so that it needs none of its own."""
    if len(ways) != 1 or ways[0].matrix is not None or graph.nodes[ways[0].source].kind == "Input":
        return False
    return not (np.any(ways[0].before) or np.any(ways[0].after))


def _check_spiking(graph: Graph, ways: Mapping[str, list[Way]]) -> None:
    for name, each in ways.items():
        for source in (way.source for way in each):
            kind = graph.nodes[source].kind
            if kind in _SILENT:
                raise InputError(
                    f"{source!r}, a node of {kind}, leads to {name!r}; it has no spikes, and a "
                    "projection carries nothing else. It may only lead to an output."
                )
            if graph.nodes[name].kind == "Input":
                raise InputError(f"{source!r} leads to the input {name!r}.")


def _ordered(graph: Graph, ways: Mapping[str, list[Way]], dt: float) -> list[str]:
    """Populations in an order in which spikes without delay go forward wherever possible."""
    after: dict[str, list[str]] = {name: [] for name in ways}
    waits: dict[str, set[str]] = {name: set() for name in ways}
    for name, each in ways.items():
        for way in each:
            after[way.source].append(name)
            if way.source != name and np.min(way.before) + np.min(way.after) < 0.5 * dt:
                waits[name].add(way.source)
    start = [name for name in ways if graph.nodes[name].kind == "Input"]
    distance, queue = dict.fromkeys(start, 0), deque(start)
    while queue:
        name = queue.popleft()
        for later in after[name]:
            if later not in distance:
                distance[later] = distance[name] + 1
                queue.append(later)
    left = sorted(ways, key=lambda name: (distance.get(name, len(ways)), name))
    ordered: list[str] = []
    while left:
        free = next((name for name in left if not waits[name]), left[0])
        left.remove(free)
        ordered.append(free)
        for later in after[free]:
            waits[later].discard(free)
    return ordered


def _names(order: list[str]) -> dict[str, str]:
    """Names that populations can have."""
    found: dict[str, str] = {}
    for name in order:
        found[name] = _free(name, found.values())
    return found


def _free(name: str, taken: Iterable[str]) -> str:
    plain = "".join(c if f"_{c}".isidentifier() else "_" for c in name)
    plain = plain if plain.isidentifier() else f"node_{plain}"
    while plain in taken:
        plain += "_"
    return plain


def _population(
    net: Network,
    name: str,
    node: Node,
    n: int,
    constant: np.ndarray,
    said: Mapping[str, Any],
) -> Population:
    if node.kind == "Input":
        return net.add(Input(net, name, n))
    reset, late = "v_reset", False
    if "v_reset" in KINDS[node.kind]:
        reset = _choice(node, "reset", said["reset"], RESETS, "v_reset")
        late = _choice(node, "reset_delay", said["reset_delay"], [True, False], False)
    discretisation = _choice(node, "discretisation", said["discretisation"], DISCRETISATIONS, None)
    if discretisation is None:
        if any(each.startswith("tau") for each in node.arrays):
            raise InputError(
                "NIR does not say how its equations are solved, and neither do the metadata of "
                f"{node.name!r}; give discretisation='exact', 'euler' or 'semi-implicit'."
            )
        discretisation = "exact"
    given: dict[str, Any] = {"bias": _plain(constant)}
    for key, array in node.arrays.items():
        if key.startswith("tau"):
            given[key] = _plain(_in_ms(array, net.dt))
        else:
            given["v_threshold" if key == "threshold" else key] = _plain(array)
    return net.add_population(name, n, neuron(node.kind, discretisation, reset, late), **given)


def _in_ms(seconds: np.ndarray, dt: float) -> np.ndarray:
    """Time constants in ms; one that is dt, but for rounding, is dt."""
    ms = 1000.0 * seconds
    return np.where(np.abs(ms - dt) < 1e-6 * dt, dt, ms)


def _plain(values: np.ndarray) -> Any:
    return float(values[0]) if (values == values[0]).all() else values


def _connect(net: Network, pre: Population, post: Population, way: Way, least: int) -> None:
    steps = _steps(way.before, net.dt, way.source)[:, None] + _steps(way.after, net.dt, way.source)
    steps = np.maximum(steps, least)
    taken = {*net.populations, *net.projections}
    named = way.names[0] if len(way.names) == 1 else f"{pre.name}_to_{post.name}"
    chosen: dict[str, Any] = {"target": "input", "name": _free(named, taken)}
    uniform = bool((steps == steps.flat[0]).all())
    if way.matrix is None or way.matrix.ndim == 1:
        weight = np.broadcast_to(1.0 if way.matrix is None else way.matrix, pre.n)
        delay: Any = steps.reshape(-1) * net.dt
        net.connect(
            pre,
            post,
            one_to_one=True,
            weight=_plain(weight),
            delay=float(delay[0]) if uniform else np.broadcast_to(delay, pre.n),
            **chosen,
        )
        return
    matrix: Any = way.matrix.T
    if uniform and np.count_nonzero(matrix) < _SPARSE * matrix.size:
        from scipy.sparse import csr_array

        matrix = csr_array(matrix)
    delay = steps * net.dt
    net.connect(
        pre,
        post,
        weight=matrix,
        delay=float(delay.flat[0]) if uniform else np.broadcast_to(delay, matrix.shape),
        **chosen,
    )


def _steps(delay: Any, dt: float, source: str) -> np.ndarray:
    steps = np.atleast_1d(np.asarray(delay) / dt)
    whole = np.rint(steps)
    off = np.abs(steps - whole)
    if off.max() > _OFF_GRID:
        worst = float(np.atleast_1d(delay)[np.argmax(off)])
        raise InputError(
            f"The delay of {worst:g} ms behind {source!r} is not a multiple of dt = {dt:g} ms; "
            "choose a dt that divides it."
        )
    if whole.max() > 2.0**31:
        raise InputError(f"The delay behind {source!r} is longer than 2^31 steps.")
    return whole.astype(np.int64)
