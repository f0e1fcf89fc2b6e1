"""The parts of a network as tables: `Network.summary`, and how each part shows itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import neurons
from spikesim.tables import Summary, Table, bytes_text, range_text

if TYPE_CHECKING:
    from spikesim.engine.network import Network
    from spikesim.engine.population import Population
    from spikesim.engine.projection import Projection

__all__ = ["network_summary", "population_summary", "projection_summary"]

_KINDS = {id(kind): name for name, kind in vars(neurons).items() if name in neurons.__all__}


def network_summary(net: Network) -> Summary:
    """Populations, projections, backgrounds and recordings, with the memory that they take."""
    title = (
        f"Network at {net.time:g} ms, dt {net.dt:g} ms, seed {net.seed}"
        + (f", noise seed {net.noise_seed}" if net.noise_seed != net.seed else "")
        + f", {net.dtype}, backend {net.backend}"
    )
    populations = [
        [name, str(each.n), _kind(each), _given(each)] for name, each in net.populations.items()
    ]
    projections = [[name, *_synapses(each)] for name, each in net.projections.items()]
    backgrounds = [
        [f"{each.population.name}.{each.target}", f"{each.rate:g}", f"{each.weight:g}"]
        for each in net.backgrounds
    ]
    recordings = [[_plain(repr(each))] for each in net.recordings]
    return Summary(
        title,
        Table(["population", "n", "kind", "parameters"], populations),
        Table(["projection", *_SYNAPSES], projections),
        Table(["background of", "rate (Hz)", "weight"], backgrounds),
        Table(["recording"], recordings),
        note=f"memory: {bytes_text(_memory(net))}, without recordings",
    )


def population_summary(population: Population) -> Summary:
    """Its kind, parameters and variables."""
    variables = [[name, range_text(array)] for name, array in population.state.items()]
    parameters = [[name, range_text(value)] for name, value in _parameters(population).items()]
    return Summary(
        f"Population {population.name!r}: {population.n} neurons, {_kind(population)}",
        Table(["variable", "now"], variables),
        Table(["parameter", "value"], parameters),
    )


def projection_summary(projection: Projection) -> Summary:
    """Its synapses, weights and delays, and the rules that they follow."""
    rules = {"short_term": projection.short_term, "plasticity": projection.plasticity}
    return Summary(
        f"Projection {projection.name!r}",
        Table(_SYNAPSES, [_synapses(projection)]),
        Table(["rule", ""], [[name, str(rule)] for name, rule in rules.items() if rule]),
    )


_SYNAPSES = ["from", "onto", "synapses", "weight", "delay (ms)"]


def _synapses(projection: Projection) -> list[str]:
    weights = next(iter(projection.weights.values()))
    return [
        projection.pre.name,
        f"{projection.post.name}.{projection.port}",
        f"{projection.size:,}",
        _weight(weights),
        range_text(projection.delay),
    ]


def _weight(weights: np.ndarray) -> str:
    """The weight that all synapses share, or mean and standard deviation."""
    if weights.size and weights.min() != weights.max():
        return f"{weights.mean(dtype=np.float64):g} ± {weights.std(dtype=np.float64):.3g}"
    return range_text(weights)


def _kind(population: Population) -> str:
    """The name of the kind of neuron, or its steps."""
    neuron = population.neuron
    known = getattr(neuron, "name", "") or _KINDS.get(id(neuron), "")
    if known or not neuron.steps:
        return known or type(population).__name__
    bodies = (step[0] if isinstance(step, tuple) else step for step in neuron.steps)
    return f"own ({', '.join(body.__name__ for body in bodies)})"


def _given(population: Population) -> str:
    """The parameters that differ from the defaults."""
    defaults = population.neuron.parameters
    found = {n: x for n, x in _parameters(population).items() if np.any(x != defaults[n])}
    return ", ".join(f"{name} {range_text(value)}" for name, value in found.items())


def _parameters(population: Population) -> dict[str, Any]:
    now = population.parameters
    return {name: now[name] for name in population.neuron.parameters}


def _memory(net: Network) -> int:
    """Bytes of all arrays that runs read and write, each counted once."""
    found: dict[int, int] = {}

    def count(arrays: Iterable[Any]) -> None:
        for array in arrays:
            found[id(array)] = array.nbytes

    for owned in net.arrays().values():
        count(owned.values())
    for projection in net.projections.values():
        count(projection.structure())
    return sum(found.values())


def _plain(text: str) -> str:
    """The text of a repr without its brackets."""
    return text.removeprefix("<").removesuffix(">")
