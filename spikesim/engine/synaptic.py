"""The synapse model of a projection: its variables, arriving spikes, and its current."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import Named, public_names
from spikesim.checks import check_array, check_memory, check_number, check_unknown, show
from spikesim.declaring import Variable, start_of
from spikesim.engine.injection import check_input
from spikesim.engine.population import Population
from spikesim.engine.recording import StateRecording
from spikesim.engine.synapse_data import SynapseRecording
from spikesim.engine.synapses import varies
from spikesim.errors import InputError
from spikesim.kernels import probes, spikes, synaptic
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State
from spikesim.precision import NEAR_ZERO, type_for
from spikesim.signatures import arguments_of, check_result
from spikesim.synapse import RECORDED, RESERVED, Synapse

__all__ = ["SynapticInput", "SynapticRecording", "recording_of"]


class SynapticInput(Named):
    """The state of a `Synapse` in the neurons of a projection, as `Projection.synapse`.

    Variables are arrays of shape (post.n,), such as ``synapses.synapse.g``, which you can read and
    set between runs. Parameters are numbers that you may set: ``synapses.synapse.Mg = 0.0``.

    Attributes
    ----------
    model : Synapse
    """

    _remedies: ClassVar[Mapping[str, str]] = {"model": "connect with another one"}

    def __init__(self, model: Synapse, post: Population, target: str, name: str):
        if not isinstance(model, Synapse):
            raise InputError(f"synapse is {show(model)}; it has to be a Synapse, such as NMDA.")
        check_input(post, target)
        self.model = model
        self._post, self._target, self._name = post, target, name
        dt = post.network.dt
        tau = max((x for n, x in model.parameters.items() if n.startswith("tau")), default=0.0)
        self._dtype = type_for(post.dtype, tau / (NEAR_ZERO * dt))
        self._parameters = dict(model.parameters)
        self._params: dict[str, Any] = {"n": post.n, "parts": SHARED, "dt": float(dt)}
        self._params.update(self._numbers(self._parameters))
        self._variables = {
            n: np.full(post.n, check_number(f"variables[{n!r}]", x, dtype=post.dtype), self._dtype)
            for n, x in self._starts().items()
        }
        self._ring: dict[str, np.ndarray] = {}
        self._asked = {role: self._asks(role) for role in ("step", "current")}

    def __repr__(self) -> str:
        return f"<SynapticInput of {self._name!r}: {', '.join(self._more())}>"

    def _starts(self) -> dict[str, Any]:
        return {name: start_of(variable) for name, variable in self.model.variables.items()}

    def _numbers(self, parameters: Mapping[str, float]) -> dict[str, float]:
        numbers = self.model.numbers(parameters, self._post.network.dt)
        for name, value in numbers.items():
            check_number(name, value, dtype=self._post.dtype)
        return {f"number_{name}": value for name, value in numbers.items()}

    def _asks(self, role: str) -> list[tuple[str, str]]:
        """The code for each argument, and the variable of the neuron that it is, or ''."""
        neuron = [n for n in self._post.state if n not in ("spike", "uniform", self._target)]
        numbers = [n.removeprefix("number_") for n in self._params if n.startswith("number_")]
        asks = []
        for name in arguments_of(role, getattr(self.model, role)):
            if name in self.model.variables:
                asks.append((f"s.variable_{name}[j]", ""))
            elif name == "dt":
                asks.append(("p.dt", ""))
            elif name in numbers:
                asks.append((f"p.number_{name}", ""))
            else:
                variable = self.model.of_neuron(name, numbers, neuron)
                asks.append((f"s.neuron_{variable}[j]", variable))
        return asks

    # ------------------------------------------------------------------------------ attributes

    def _more(self) -> Iterator[str]:
        yield from (*self._variables, *self._parameters)

    def _called(self) -> str:
        return f"The synapse of {self._name!r}"

    def _read(self, name: str) -> Any:
        return self._variables[name] if name in self._variables else self._parameters[name]

    def _write(self, name: str, value: Any) -> None:
        if name in self._variables:
            own = self._variables[name]
            shape = own.shape if varies(name, value) else ()
            own[...] = check_array(name, value, shape=shape, dtype=own.dtype)
            return
        above = 0.0 if name.startswith("tau") else None
        value = check_number(name, value, above=above, dtype=self._post.dtype)
        changed = {**self._parameters, name: value}
        self._params.update(self._numbers(changed))
        self._parameters.update(changed)

    # ---------------------------------------------------------------------------- for a network

    def built(self) -> dict[str, Any]:
        """The numbers of the model, as it was given to the network."""
        each = {**self.model.parameters, **self._starts()}
        return {f"{name} of the synapse": float(value) for name, value in each.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a run changes."""
        held = {f"synapse_{name}": array for name, array in self._variables.items()}
        return {**held, **{f"synapse_{name}": array for name, array in self._ring.items()}}

    def held(self) -> dict[str, np.ndarray]:
        """The variables by name."""
        return self._variables

    def look_ahead(self, steps: int) -> None:
        """Make room for spikes that arrive up to `steps` steps from now."""
        size = 4.0 * (steps + 1) * self._post.n
        check_memory(f"delay is up to {steps} steps later for some synapses", size)
        self._ring["ring"] = np.zeros((steps + 1, self._post.n), self._dtype)

    def landing(self) -> np.ndarray:
        """The ring of rows to which weights are added, shape (slots, post.n)."""
        return self._ring.get("ring", self._row())

    def _row(self) -> np.ndarray:
        return self._variables[self.model.on_spike].reshape(1, -1)

    def landings(self) -> list[Phase]:
        """The Phase, if any, that delivers spikes that were under way for longer."""
        if not self._ring:
            return []
        state = {"ring": self._ring["ring"], "out": self._row()}
        return [Phase(spikes.land, spikes.targets, state, {"parts": SHARED}, neurons=self._post)]

    def adding(self, population: Population, total: dict[str, np.ndarray]) -> list[Phase]:
        """The Phase that adds this step's current and advances the variables."""
        state = State(total)
        for name in self._variables:
            state.link(f"variable_{name}", self._variables, name)
        for asks in self._asked.values():
            for _, variable in asks:
                if variable:
                    state.link(f"neuron_{variable}", population.state, variable)
        model, code = self.model, {r: [text for text, _ in a] for r, a in self._asked.items()}
        names = list(self._variables)
        check_result("step", model.step, len(code["step"]), names, self._dtype)
        check_result("current", model.current, len(code["current"]), ["a current"], self._dtype)
        places = [f"s.variable_{name}[j]" for name in names]
        body = synaptic.bound(model.step, model.current, (code["step"], code["current"]), places)
        return [
            Phase(
                body,
                synaptic.targets,
                state,
                self._params,
                neurons=population,
                dtype=self._dtype,
            )
        ]


class SynapticRecording(StateRecording):
    """Samples of variables of a synapse model; made by `Network.record`.

    ``recording.g`` has a row for each of the postsynaptic neurons that were chosen; all else is as
    in `StateRecording`. `population` is the projection.
    """

    def _state(self) -> Mapping[str, np.ndarray]:
        projection: Any = self.population
        return projection.synapse.held()

    def _sampling(self, name: str) -> Phase:
        state = State(which=self._which, buffer=self._buffers[name])
        state.link("value", self._state(), name)
        return Phase(probes.sample, probes.sampled, state, self._params)


def recording_of(
    projection: Any, names: Sequence[str]
) -> tuple[type[StateRecording], str, int, Mapping[str, Variable | float]]:
    """How variables of a projection are recorded.

    Returns
    -------
    kind : class of the recording
    role : 'synapses' or 'neurons', each of which has a value
    number : how many of those there are
    declared : the variables by name, if the synapse model declares them
    """
    own = projection.state
    model: Mapping[str, Variable | float] = {}
    if projection.synapse is not None:
        model = projection.synapse.model.variables
    check_unknown(f"variable of {projection.name!r}", names, dict.fromkeys([*own, *model]))
    of_synapses = [name for name in names if name in own]
    of_neurons = [name for name in names if name not in own]
    if of_synapses and of_neurons:
        raise InputError(
            f"variables is {show(names)}: {of_synapses[0]!r} has a value for each synapse, and "
            f"{of_neurons[0]!r} for each neuron; record them one by one."
        )
    if of_neurons:
        return SynapticRecording, "neurons", projection.post.n, model
    return SynapseRecording, "synapses", projection.size, {}


RESERVED.update(public_names(SynapticInput))
RECORDED.update(public_names(SynapticRecording))
