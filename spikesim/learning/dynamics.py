"""`Dynamics`: one copy of a layered model that runs, with the model's weights.

Several copies of a model are simulated, so that none of them disturbs another: one for learning,
one for tests, one for recordings and one for measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.errors import InputError
from spikesim.kernels.machine.program import Phase
from spikesim.learning.layers import Layer, Shared, Wired, linked
from spikesim.learning.spiking import Cells, Pixels, Thinned

__all__ = ["MEASURING", "RECORDING", "TEST", "TRAINING", "Dynamics"]

TRAINING, TEST, RECORDING, MEASURING = range(4)
"""What a copy of the dynamics is for."""


class Dynamics:
    """One copy of a model's dynamics, with the model's weights; a subclass brings the clock.

    Parameters
    ----------
    model : LayeredModel
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    network : Network

    Attributes
    ----------
    layers, above_input, hidden : list of Layer
        All layers; all but the input; the layers between input and output.
    input, output : Layer
    p : ModelParameters
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    learning : bool
        Whether changes of weights are computed: for training, and for measures.
    applies : bool
        Whether these changes are applied: for training only.
    network : Network
    moments : dict of str to numpy.ndarray
        What optimisers keep from one update to the next.
    carried : dict of str to object with arrays()
        What a trial passes on to the next, apart from populations.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python").training
    >>> net.learning, net.applies, net.output.name
    (True, True, 'output')
    """

    def __init__(self, model: Any, purpose: int, network: Network):
        self.model, self.purpose, self.p = model, purpose, model.parameters
        self.learning = purpose in (TRAINING, MEASURING)
        self.applies = purpose == TRAINING
        self.network = network
        bodies: dict[Callable, Callable] = {}
        for kind in reversed(type(model).__mro__):
            bodies.update(vars(kind).get("BODIES", {}))
        self.shared = Shared(model.parameters, bodies)
        self.moments: dict[str, np.ndarray] = {}
        self.carried: dict[str, Any] = {}
        self.wired: list[Wired] = []
        self._phases: list[Phase] = []

    def _lay_out(self) -> None:
        """Make the layers, with the model's weights and arrays."""
        self.layers = linked(self.model.units(), self.shared)
        self.input, *self.above_input = self.layers
        *self.hidden, self.output = self.above_input
        for layer, weights in zip(self.layers, self.model._weights, strict=True):
            layer.arrays.update(weights)
        for layer in self.layers:
            for name, shape in self._shapes("arrays", layer).items():
                given = isinstance(shape, np.ndarray)
                layer.arrays[name] = shape if given else np.zeros(shape, self.model.dtype)

    def _shapes(self, method: str, layer: Layer) -> Mapping[str, Any]:
        """Name → shape of a layer's arrays, from a method of the model."""
        found = getattr(self.model, method)(layer)
        whose = f"{method} of {type(self.model).__name__}"
        if not isinstance(found, Mapping):
            raise InputError(
                f"{whose} returns {found!r}; it has to return a dict of name and shape."
            )
        for name, shape in found.items():
            sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
            whole = all(isinstance(size, (int, np.integer)) and size >= 0 for size in sizes)
            if not (whole or isinstance(shape, np.ndarray)):
                raise InputError(
                    f"{whose} gives {name!r} the shape {shape!r}; it has to be a whole number, a "
                    "tuple of them, or an array."
                )
        return found

    def _wire(self, each: Wired) -> None:
        self.wired.append(each._replace(phase=self._add(each.phase)))

    def _add(self, phase: Phase, first: bool = False) -> Phase:
        added = self.network.add_phase(
            phase.body,
            phase.over,
            state=phase.state,
            params=phase.params,
            first=first,
            inputs=phase.inputs,
            dtype=phase.dtype,
        )
        self._phases.append(added)
        return added

    def _populate(self, layer: Layer, kind: Cells | Pixels | None) -> None:
        """Add the population of a layer that spikes; its variables are arrays of the layer."""
        net = self.network
        if isinstance(kind, Cells):
            neuron, last, seen = kind.placed(layer, self.shared.bodies)
            population = net.add(
                Population(net, layer.name, layer.n, neuron, {})
                if kind.at_most is None
                else Thinned(net, layer.name, layer.n, neuron, last)
            )
            population.shared.update(seen)
            layer.arrays.update(population.state)

    def has_a_body_for(self, *names: str) -> bool:
        """Whether a body of the step sees one of the shared arrays of these ``names``."""
        seen = {id(array) for phase in self._phases for array in phase.state.values()}
        return any(id(self.shared.arrays[name]) in seen for name in names)

    def explained(self) -> str:
        """All bodies in the order of a step: their layer, their indices, what their names mean."""
        names = {id(a): f"{name}" for name, a in self.shared.arrays.items()}
        for layer in self.layers:
            names.update((id(a), f"{layer.name}.{name}") for name, a in layer.arrays.items())
        lines = []
        for wired in self.wired:
            body, state, params = wired.phase.body, wired.phase.state, wired.phase.params
            when = " and ".join(each.__name__ for each in wired.when)
            lines.append(
                f"{body.__module__.rpartition('.')[2]}.{body.__name__} at {wired.layer.name}, "
                f"{wired.each}{f', {when}' if when else ''}"
            )
            for name, array in state.items():
                lines.append(f"    s.{name:16} {names.get(id(array), 'given'):24} {array.shape}")
            for name, value in params.items():
                if name not in ("many", "parts"):
                    lines.append(f"    p.{name:16} {_shown(value)}")
        return "\n".join(lines)


def _shown(value: Any) -> str:
    return "nan" if isinstance(value, float) and math.isnan(value) else f"{value:g}"
