"""Writes a network as a graph of NIR, if all of its parts have a place there."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import check_memory, check_path, check_unknown, show
from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection
from spikesim.engine.sources import EventSource
from spikesim.errors import InputError
from spikesim.extras import needed
from spikesim.io.files import atomic_file
from spikesim.nir.inputs import Input
from spikesim.nir.neurons import KINDS, choices_of
from spikesim.version import __version__

if TYPE_CHECKING:
    import nir as package

__all__ = ["to_graph", "write"]


def write(net: Network, path: str | os.PathLike[str], outputs: Sequence[str] | None = None) -> None:
    """Write a network to a file of the Neuromorphic Intermediate Representation (NIR).

    `read` makes a network of the file that spikes alike, bit for bit. What NIR does not define is
    in metadata, which other programs ignore: dt (in s) in that of the graph, discretisation, reset
    and reset_delay in those of neurons.

    Parameters
    ----------
    net : Network
        Its neurons have to be those of `neuron`, and its synapses without plasticity. Populations
        of `Input`, spike trains, images and Poisson neurons become inputs, without their spikes.
    path : str or Path
    outputs : sequence of str, optional
        The populations that are outputs; by default, those that project to no other one.

    Raises
    ------
    InputError
        If NIR cannot hold a part of the network; the error names all such parts. Or if
        the package nir is not installed.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from spikesim import Network, nir
    >>> net = Network(dt=1.0, backend="python")
    >>> cells = net.add_population("cells", 3, nir.neuron("LIF", "exact"), tau=10.0)
    >>> loop = net.connect(cells, cells, target="input", weight=0.5, delay=2.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "net.nir")
    >>> nir.write(net, path)
    >>> nir.read(path, backend="python").projections
    {'cells_to_cells': <Projection 'cells_to_cells': cells → cells.input, dense>}
    """
    check_path("path", path)
    graph = to_graph(net, outputs)
    buffer = io.BytesIO()
    needed("nir", "Writing a graph", "nir").write(buffer, graph)
    with h5py.File(buffer, "r") as made, atomic_file(path) as file:
        for name in made:
            made.copy(made[name], file, name)


def to_graph(net: Network, outputs: Sequence[str] | None = None) -> package.NIRGraph:
    """Return a network as a `nir.NIRGraph`, for example to give it to another program.

    Parameters
    ----------
    net, outputs
        As in `write`.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    InputError
        As in `write`.

    Examples
    --------
    >>> from spikesim import Network, nir
    >>> net = Network(dt=1.0, backend="python")
    >>> cells = net.add_population("cells", 3, nir.neuron("LIF", "exact"), tau=10.0)
    >>> graph = nir.to_graph(net)
    >>> list(graph.nodes), graph.edges
    (['cells', 'output'], [('cells', 'output')])
    """
    if not isinstance(net, Network):
        raise InputError(f"net is {show(net)}; it has to be a Network.")
    package = needed("nir", "Writing a graph", "nir")
    problems = list(_problems(net))
    if problems:
        raise InputError(f"NIR cannot hold all of this network: {'; '.join(problems)}.")
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for name, population in net.populations.items():
        nodes[name] = _node(package, population)
    biases = {name: _bias(each) for name, each in net.populations.items()}
    for projection in net.projections.values():
        _add(package, nodes, edges, projection, biases.pop(projection.post.name, None))
    for name in _outputs(net, outputs):
        alone = len(_outputs(net, outputs)) == 1
        shown = _free("output" if alone else f"{name}_output", nodes)
        n = net.populations[name].n
        nodes[shown] = package.Output(output_type={"output": np.array([n])})
        edges.append((name, shown))
    metadata = {"dt": net.dt / 1000.0, "program": f"spikesim {__version__}"}
    return package.NIRGraph(nodes, edges, metadata=metadata, type_check=False)


# ---- what has no place ----------------------------------------------------------------------


def _problems(net: Network) -> Iterator[str]:
    for population in net.populations.values():
        yield from _problems_of(population)
    for projection in net.projections.values():
        reason = _reason_against(projection)
        if reason:
            yield f"projection {projection.name!r} {reason}"
    for background in net.backgrounds:
        yield f"{background!r}, for which a population of Poisson neurons can stand"
    inputs = [each for each in net.populations.values() if isinstance(each, Input)]
    for stimulus in net.stimuli:
        if not any(each.sends(stimulus) for each in inputs):
            yield f"{stimulus!r}, for which an Input can stand"
    for parts in (net.noises, net.gap_junctions):
        yield from map(repr, parts)
    if net._first or net._last:
        yield "phases that were added"


def _problems_of(population: Population) -> Iterator[str]:
    name, chosen = population.name, choices_of(population.neuron)
    if isinstance(population, EventSource):
        yield f"population {name!r} selects spikes of another one"
    elif chosen is None:
        if not _is_source(population):
            kind = population.neuron.name or "unnamed"
            yield (
                f"population {name!r} has {kind} neurons instead of those of nir.neuron "
                f"({', '.join(KINDS)})"
            )
        elif any(each.post is population for each in population.network.projections.values()):
            yield f"population {name!r} is a source, to which a projection leads"
    else:
        if np.any(population.I):
            yield f"population {name!r} has an input I, which add_population takes as bias"
        into = [each.post is population for each in population.network.projections.values()]
        if np.any(_bias(population)) and not any(into):
            yield f"population {name!r} has a bias, but no projection that could carry it"
        if population.silent.any():
            yield f"population {name!r} has silent neurons"


def _is_source(population: Population) -> bool:
    """Whether a population is without input, and its neurons only emit spikes."""
    kind = population.neuron
    return (
        bool(kind.most_spikes)
        and "v" not in kind.variables
        and not any(getattr(each, "is_target", False) for each in kind.variables.values())
    )


def _reason_against(projection: Projection) -> str:
    if projection.plasticity:
        return "has plasticity"
    if projection.short_term is not None:
        return "has short-term plasticity"
    if projection.synapse is not None or projection.port in projection.post.filters:
        return "has a synapse model or a kernel"
    if projection.port != "input":
        return f"leads to {projection.port} instead of input"
    check_memory(f"the matrix of {projection.name!r}", 8.0 * projection.pre.n * projection.post.n)
    if projection.to_scipy().nnz < projection.size:
        return "has several synapses of the same two neurons"
    return (
        ""
        if _delays(projection) is not None
        else ("has delays that differ between the synapses of one neuron")
    )


def _delays(projection: Projection) -> np.ndarray | None:
    """The delay in ms of each presynaptic neuron's spikes; None if there are several."""
    delay = np.broadcast_to(np.asarray(projection.delay, np.float64), projection.size)
    counts = np.diff(projection.start)
    first = np.full(projection.pre.n, delay[0] if delay.size else projection.network.dt)
    first[counts > 0] = delay[projection.start[:-1][counts > 0]]
    return first if (np.repeat(first, counts) == delay).all() else None


# ---- what has -------------------------------------------------------------------------------


def _node(package: Any, population: Population) -> Any:
    chosen, n = choices_of(population.neuron), population.n
    if chosen is None:
        return package.Input(input_type={"input": np.array([n])})
    if chosen.kind == "Output":
        return package.Scale(scale=np.ones(n))
    arrays = {
        key: np.broadcast_to(np.asarray(population.parameters[key], np.float64), n).copy()
        for key in KINDS[chosen.kind]
    }
    for key in arrays:
        if key.startswith("tau"):
            arrays[key] = arrays[key] / 1000.0
    if chosen.kind == "Threshold":
        arrays = {"threshold": arrays["v_threshold"]}
    said: dict[str, Any] = {"discretisation": chosen.discretisation}
    if "v_reset" in arrays:
        said |= {"reset": chosen.reset, "reset_delay": int(chosen.reset_delay)}
    return getattr(package, chosen.kind)(**arrays, metadata=said)


def _bias(population: Population) -> np.ndarray | None:
    if choices_of(population.neuron) is None:
        return None
    return np.broadcast_to(np.asarray(population.parameters["bias"], np.float64), population.n)


def _add(
    package: Any,
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
    projection: Projection,
    bias: np.ndarray | None,
) -> None:
    """Add a projection as a matrix, behind a delay; the first one to a population has its bias."""
    pre, post = projection.pre.name, projection.post.name
    name = _free(projection.name, nodes)
    weight = projection.to_scipy().toarray().T.copy()
    has_bias = bias is not None and bool(bias.any())
    nodes[name] = (
        package.Affine(weight=weight, bias=bias.copy())
        if has_bias and bias is not None
        else package.Linear(weight=weight)
    )
    order = list(projection.network.populations)
    is_back = order.index(post) <= order.index(pre)
    delay = np.asarray(_delays(projection))  # there is one: `_problems` has looked
    steps = np.rint(delay / projection.network.dt)
    if (steps == (1.0 if is_back else 0.0)).all():  # what `read` gives it without being told
        edges += [(pre, name), (name, post)]
        return
    late = _free(f"{name}_delay", nodes)
    nodes[late] = package.Delay(delay=delay / 1000.0)
    edges += [(pre, late), (late, name), (name, post)]


def _outputs(net: Network, given: Any) -> list[str]:
    if given is not None:
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise InputError(f"outputs is {show(given)}; it has to be a list of names.")
        check_unknown("population in outputs", list(given), net.populations)
        return list(dict.fromkeys(given))
    leading = {each.pre.name for each in net.projections.values() if each.post is not each.pre}
    return [name for name in net.populations if name not in leading]


def _free(name: str, taken: Any) -> str:
    while name in taken:
        name += "_"
    return name
