"""A graph of NIR: its nodes as arrays, and the ways that signals take between neurons.

A graph comes from a file, whose sizes are checked before memory is allocated, or from the package
`nir`. Nested graphs are inlined. The linear nodes between two neurons become one matrix, with
delays.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import check_memory, check_path, is_text, show
from spikesim.errors import FileError, InputError
from spikesim.io.files import open_hdf5
from spikesim.io.untrusted import check_size, check_texts, is_own, reading
from spikesim.nir.neurons import KINDS

__all__ = ["LINEAR", "Graph", "Node", "Way", "load"]

LINEAR = {
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "Scale": ("scale",),
    "Delay": ("delay",),
    "Flatten": (),
}
"""Nodes without a state, and their arrays."""

_ARRAYS: dict[str, tuple[str, ...]] = {
    **LINEAR,
    **{kind: tuple(parameters) for kind, parameters in KINDS.items()},
    "Threshold": ("threshold",),
    "Input": (),
    "Output": (),
}
_OPTIONAL = ("v_reset", "w_in")  # 0 and 1 in files of older versions of NIR
_DEEPEST = 16  # nested graphs
_MOST_WAYS = 10_000  # to one node: where ways part and meet again, they multiply


@dataclass(frozen=True)
class Node:
    """A node, with its arrays in float64 and flattened, but for weights."""

    name: str
    kind: str
    arrays: Mapping[str, np.ndarray]
    metadata: Mapping[str, Any]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Way:
    """What happens to a signal between two nodes that have a state.

    Attributes
    ----------
    source : str
        The node that it comes from.
    matrix : numpy.ndarray or None
        Shape (n,) scales each element, shape (n_post, n_pre) mixes them; None changes nothing.
    before, after : float or numpy.ndarray
        Delays in ms before and after the matrix, for all elements or for each.
    names : tuple of str
        The nodes on the way that have weights.
    """

    source: str
    matrix: np.ndarray | None = None
    before: Any = 0.0
    after: Any = 0.0
    names: tuple[str, ...] = ()

    def through(self, node: Node) -> Way:
        """The way that goes on through one more linear node."""
        if node.kind == "Flatten":
            return self
        if node.kind == "Delay":
            delay = _one_or_each(node.arrays["delay"] * 1000.0)
            if self.matrix is None or self.matrix.ndim == 1:
                return replace(self, before=self.before + delay)
            return replace(self, after=self.after + delay)
        names = (*self.names, node.name)
        own = self.matrix
        if node.kind == "Scale":
            scale = node.arrays["scale"]
            made = scale if own is None else own * (scale if own.ndim == 1 else scale[:, None])
            return replace(self, matrix=made, names=names)
        weight = node.arrays["weight"]
        if own is not None:
            check_memory(f"the matrix to {node.name}", 8.0 * weight.shape[0] * own.shape[-1])
            weight = weight * own if own.ndim == 1 else weight @ own
        if np.ndim(self.after):
            raise InputError(
                f"The delays before {node.name!r} differ between neurons and follow weights; a "
                "synapse has one delay, so put them behind the last weights."
            )
        return replace(self, matrix=weight, names=names)


@dataclass
class Graph:
    """Nodes by name, edges in their order, and what the graph says about itself."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def before(self) -> dict[str, list[str]]:
        """The nodes that lead to each node, in the order of the edges."""
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for pre, post in self.edges:
            found[post].append(pre)
        return found

    def sizes(self) -> dict[str, int]:
        """How many elements come out of each node."""
        own = {name: _own_size(node) for name, node in self.nodes.items()}
        sizes = {name: size for name, size in own.items() if size is not None}
        after: dict[str, list[str]] = {name: [] for name in self.nodes}
        for pre, post in self.edges:
            after[pre].append(post)
        told = list(sizes)
        while told:  # a node with one value for all gets its size from the node before it
            name = told.pop()
            unknown = [each for each in after[name] if each not in sizes]
            sizes.update(dict.fromkeys(unknown, sizes[name]))
            told += unknown
        return {name: sizes.get(name, 1) for name in self.nodes}

    def ways(self) -> tuple[dict[str, list[Way]], dict[str, np.ndarray]]:
        """All ways to each neuron and output, and the constant that arrives there.

        Raises
        ------
        InputError
            If sizes do not fit, linear nodes form a loop, or delays cannot be kept.
        """
        before, sizes = self.before(), self.sizes()
        linear = {name for name, node in self.nodes.items() if node.kind in LINEAR}
        sorter = TopologicalSorter(
            {name: [each for each in before[name] if each in linear] for name in linear}
        )
        try:
            ordered = list(sorter.static_order())
        except CycleError as error:
            loop = " → ".join(map(repr, error.args[1]))
            raise InputError(f"The nodes {loop} form a loop without a neuron.") from None
        found: dict[str, list[Way]] = {}
        constants: dict[str, np.ndarray] = {}
        for name in [*ordered, *(each for each in self.nodes if each not in linear)]:
            node = self.nodes[name]
            ways, constant = [], np.zeros(_expected(node, sizes))
            for pre in before[name]:
                if sizes[pre] != constant.size:
                    raise InputError(
                        f"{pre!r} has {sizes[pre]} outputs, but {name!r} takes {constant.size}."
                    )
                ways += found[pre] if pre in linear else [Way(pre)]
                constant = constant + constants[pre] if pre in linear else constant
            if len(ways) > _MOST_WAYS:
                raise InputError(f"More than {_MOST_WAYS} ways lead to {name!r}.")
            if name in linear:
                ways = [way.through(node) for way in ways]
                constant = _constant_through(node, constant)
            found[name], constants[name] = ways, constant
        return (
            {name: found[name] for name in self.nodes if name not in linear},
            {name: constants[name] for name in self.nodes if name not in linear},
        )


def _expected(node: Node, sizes: Mapping[str, int]) -> int:
    """How many inputs a node takes."""
    weight = node.arrays.get("weight")
    return sizes[node.name] if weight is None else weight.shape[1]


def _own_size(node: Node) -> int | None:
    """How many elements come out of a node; None if it has one value for however many."""
    if "weight" in node.arrays:
        return node.arrays["weight"].shape[0]
    if node.kind == "Input":
        return math.prod(node.shape)
    size = max((array.size for array in node.arrays.values()), default=1)
    return size if size > 1 else None


def _constant_through(node: Node, constant: np.ndarray) -> np.ndarray:
    if node.kind == "Scale":
        return constant * node.arrays["scale"]
    if node.kind == "Delay" and constant.any() and node.arrays["delay"].any():
        raise InputError(f"A bias leads through the delay {node.name!r}; put it behind the delay.")
    if "weight" in node.arrays:
        return node.arrays["weight"] @ constant + node.arrays.get("bias", 0.0)
    return constant


def _one_or_each(values: np.ndarray) -> Any:
    return float(values.flat[0]) if (values == values.flat[0]).all() else values


# ---- reading --------------------------------------------------------------------------------


def load(source: Any) -> Graph:
    """Return the graph of a file, or of a `nir.NIRGraph`.

    Raises
    ------
    FileError
        If a file is missing, damaged or no graph of NIR.
    InputError
        If a node is of a kind that a network cannot hold, or its numbers cannot be used.
    """
    if hasattr(source, "nodes") and hasattr(source, "to_dict"):
        try:
            return _graph(source.to_dict())
        except (AttributeError, KeyError, TypeError, RecursionError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"source is no graph of NIR: {error}.") from error
    if not is_text(source) and not isinstance(source, os.PathLike):
        raise InputError(f"source is {show(source)}; it has to be a path or a nir.NIRGraph.")
    path = check_path("source", source)
    with open_hdf5(path) as file, reading(path, "holds no graph of NIR"):
        check_texts(file)
        if not is_own(file, "node"):
            raise ValueError("it has no graph")
        tree = _tree(file["node"], _Budget())
        try:
            return _graph(tree)
        except InputError as error:
            reason = str(error)
    raise FileError(f"{path} cannot be used. {reason}")


class _Budget:
    """Adds up the memory that a file asks for: many names may lead to one array."""

    def __init__(self) -> None:
        self.asked = 0.0

    def spend(self, dataset: h5py.Dataset) -> None:
        self.asked += float(dataset.nbytes)
        check_memory("the file", self.asked)


def _tree(group: h5py.Group, budget: _Budget, depth: int = 0) -> dict[str, Any]:
    """The numbers, texts and groups of a group; anything else is refused."""
    if depth > 3 * _DEEPEST:
        raise ValueError(f"{group.name[:40]} is nested too deeply")
    found: dict[str, Any] = {}
    for name in group:
        if not is_own(group, name):
            raise ValueError(f"{group.name}/{name} is a link")
        item = group[name]
        if isinstance(item, h5py.Group):
            found[name] = _tree(item, budget, depth + 1)
        elif isinstance(item, h5py.Dataset):
            budget.spend(item)
            found[name] = _texts(item) if item.dtype.kind in "OS" else _array(item)
    return found


def _array(dataset: h5py.Dataset) -> Any:
    if dataset.shape is None or dataset.dtype.kind not in "iufb":
        raise ValueError(f"{dataset.name} is of type {dataset.dtype}, not of numbers")
    check_size(dataset)
    return np.asarray(dataset[()])


def _texts(dataset: h5py.Dataset) -> Any:
    """A text, or an array of texts. Objects are never read: they could be references."""
    if dataset.shape is None or h5py.check_string_dtype(dataset.dtype) is None:
        raise ValueError(f"{dataset.name} is of type {dataset.dtype}, not text")
    if dataset.size > dataset.file.id.get_filesize():
        raise ValueError(f"{dataset.name} claims to be larger than its file")
    if dataset.id.get_create_plist().get_external_count():
        raise ValueError(f"{dataset.name} is in another file")
    return dataset.asstr()[()]


def _graph(tree: Mapping[str, Any], depth: int = 0) -> Graph:
    """A graph from the form that `nir` writes, with nested graphs inlined."""
    if depth > _DEEPEST:
        raise ValueError("graphs are nested too deeply")
    if str(tree.get("type")) != "NIRGraph":
        raise ValueError(f"it holds {show(tree.get('type'))} instead of a NIRGraph")
    graph = Graph(metadata=dict(tree.get("metadata") or {}))
    inside: dict[str, Graph] = {}
    for name, each in tree["nodes"].items():
        if str(each["type"]) == "NIRGraph":
            inside[name] = _graph(each, depth + 1)
            graph.nodes |= {
                f"{name}.{key}": replace(node, name=f"{name}.{key}")
                for key, node in inside[name].nodes.items()
            }
        else:
            graph.nodes[name] = _node(name, each)
    for name, inner in inside.items():
        graph.edges += [(f"{name}.{pre}", f"{name}.{post}") for pre, post in inner.edges]
    for pre, post in _pairs(tree["edges"]):
        pre = _gate(pre, inside, "Output")
        post = _gate(post, inside, "Input")
        for name in (pre, post):
            if name not in graph.nodes:
                raise ValueError(f"an edge leads to {show(name)}, which is no node")
        graph.edges.append((pre, post))
    graph.edges = list(dict.fromkeys(graph.edges))
    return _without_gates(graph, inside)


def _pairs(edges: Any) -> Iterable[tuple[str, str]]:
    for pair in edges:
        pre, post = (each.decode() if isinstance(each, bytes) else str(each) for each in pair)
        yield pre, post


def _gate(name: str, inside: Mapping[str, Graph], kind: str) -> str:
    """The node through which a nested graph is entered or left."""
    if name not in inside:
        return name
    gates = [node.name for node in inside[name].nodes.values() if node.kind == kind]
    if len(gates) != 1:
        raise InputError(f"The graph {name!r} has {len(gates)} {kind} nodes; it may have one.")
    return f"{name}.{gates[0]}"


def _without_gates(graph: Graph, inside: Mapping[str, Graph]) -> Graph:
    """The graph with inputs and outputs of nested graphs as nodes that change nothing."""
    for name, inner in inside.items():
        for key, node in inner.nodes.items():
            if node.kind in ("Input", "Output"):
                whole = f"{name}.{key}"
                graph.nodes[whole] = replace(graph.nodes[whole], kind="Flatten", shape=())
    return graph


def _node(name: str, tree: Mapping[str, Any]) -> Node:
    kind = str(tree["type"])
    if kind not in _ARRAYS:
        raise InputError(
            f"The node {name!r} is a {kind}, which a network here cannot hold; it can hold "
            f"{', '.join(_ARRAYS)}."
        )
    shape: tuple[int, ...] = ()
    if kind == "Input":
        shape = _shape(name, tree.get("shape"))
    arrays: dict[str, np.ndarray] = {}
    for key in _ARRAYS[kind]:
        value = tree.get(key)
        if value is None and key not in _OPTIONAL:
            raise InputError(f"The node {name!r}, a {kind}, has no {key}.")
        array = np.asarray(0.0 if key == "v_reset" else 1.0) if value is None else np.asarray(value)
        if array.dtype.kind not in "iufb" or not array.size:
            raise InputError(f"{key} of the node {name!r} holds no numbers.")
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise InputError(f"{key} of the node {name!r} is not finite everywhere.")
        if key == "weight" and array.ndim != 2:
            raise InputError(
                f"weight of the node {name!r} has {array.ndim} dimensions; it has to be a matrix."
            )
        arrays[key] = array if key == "weight" else array.reshape(-1)
    _check_sizes(name, kind, arrays)
    metadata = tree.get("metadata") or {}
    return Node(name, kind, arrays, metadata if isinstance(metadata, Mapping) else {}, shape)


def _shape(name: str, given: Any) -> tuple[int, ...]:
    shape = np.asarray(given)
    if shape.dtype.kind not in "iuf" or shape.size == 0 or shape.size > 32:
        raise InputError(f"The input {name!r} has no shape.")
    sizes = tuple(int(each) for each in shape.reshape(-1))
    if min(sizes) < 1 or float(np.prod(np.asarray(sizes, np.float64))) >= 2**31:
        raise InputError(f"The input {name!r} has shape {sizes}; sizes have to be positive.")
    return sizes


def _check_sizes(name: str, kind: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse arrays that differ in length, and time constants and delays that cannot be."""
    if "weight" in arrays:
        n = arrays["weight"].shape[0]
        if "bias" in arrays and arrays["bias"].size not in (1, n):
            raise InputError(
                f"bias of the node {name!r} has {arrays['bias'].size} values for {n} outputs."
            )
        return
    sizes = {array.size for array in arrays.values()} - {1}
    if len(sizes) > 1:
        raise InputError(f"The node {name!r} has parameters of {sorted(sizes)} values.")
    for key, array in arrays.items():
        if key.startswith("tau") and array.min() <= 0.0:
            raise InputError(f"{key} of the node {name!r} is {array.min():g} s; it has to be > 0.")
        if key == "delay" and array.min() < 0.0:
            raise InputError(f"The delay {name!r} is {array.min():g} s; it has to be at least 0.")
