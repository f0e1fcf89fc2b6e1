"""One trial of a layered model, or one loop of a pattern, recorded in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spikesim.attributes import Guarded
from spikesim.checks import nearest
from spikesim.engine.recording import SpikeRecording
from spikesim.engine.several import layers_to_neo, layers_to_sonata
from spikesim.errors import InputError
from spikesim.kernels import probes
from spikesim.learning.loops import LoopSimulation
from spikesim.learning.model import Simulation
from spikesim.learning.windows import Windows
from spikesim.spike_pattern import SpikePattern

__all__ = ["BatchRecording", "LayerRecording", "PatternRecording", "SynapseRecording"]

_COMPARTMENTS = {"V": "soma", "V_B": "basal", "V_A": "apical"}  # their names in files


class Samples(Guarded):
    """Variables of layers: ``recording.NAME`` is a dict of arrays, by layer."""

    def __getattr__(self, name: str) -> dict[str, np.ndarray]:
        samples = self.__dict__.get("_samples", {})
        if name not in samples:
            raise AttributeError(
                f"The recording has no {name!r}; there is {', '.join(samples)}."
                f"{nearest(name, samples)}"
            )
        return samples[name]


class BatchRecording(Samples):
    """What the layers of a model without time do with an image; made by ``record`` of the model.

    ``recording.h["hidden_1"]`` is an array, by variable and layer.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    sizes : dict of str to int
        Units, by layer.
    variables : tuple of str
        What was recorded. For each, ``recording.NAME`` is a dict of str to numpy.ndarray, by layer.
    answer : int
        The class that was read out.

    Examples
    --------
    >>> from spikesim.models.target_propagation import TargetPropagation
    >>> TargetPropagation((4, 3, 2)).record(np.ones(4)).h["hidden_1"].shape
    (3,)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        variables: Mapping[str, Sequence[np.ndarray | None]],
        answer: int,
    ):
        hidden = [f"hidden_{k}" for k in range(1, len(sizes) - 1)]
        self.layers = ["input", *hidden, "output"]
        self.sizes = dict(zip(self.layers, sizes, strict=True))
        self.variables = tuple(variables)
        self.answer = answer
        self._samples: dict[str, dict[str, np.ndarray]] = {
            name: {
                layer: np.array(each[0])
                for layer, each in zip(self.layers, values, strict=True)
                if each is not None
            }
            for name, values in variables.items()
        }

    def __repr__(self) -> str:
        return f"<BatchRecording: {', '.join(self.variables)}, answer {self.answer}>"


class LayerRecording(Samples):
    """What the layers did in a trial, by variable and layer; made by `ImageModel.record`.

    ``recording.h["hidden_1"]`` is an array.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    variables : tuple of str
        What was recorded. For each, ``recording.NAME`` is a dict of str to numpy.ndarray, by layer.
        The shape is (units, steps), and (units below, units, steps) for what synapses have; values
        kept from the end of the trial have no steps.
    spikes : dict of str to SpikeRecording
        By layer, for layers that spike; ``.t`` in ms, ``.i``, ``.count``, ``.to_neo()``.
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    phases : tuple of float
        When the phases of the trial end, in ms.
    window : float
        How many ms at the end of a phase the model takes means over; 0 if it takes none.
    answer : int
        The class that was read out.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> recording = FeedbackAlignment((4, 3, 2), backend="python").record(np.ones(4))
    >>> recording.layers, recording.h["hidden_1"].shape
    (['input', 'hidden_1', 'output'], (3, 1))
    """

    def __init__(
        self,
        net: Simulation,
        variables: tuple[str, ...],
        kept: Mapping[str, int],
        lengths: np.ndarray,
    ):
        self.dt = net.network.dt
        self.layers = [layer.name for layer in net.layers]
        self.sizes = {layer.name: layer.n for layer in net.layers}
        self.variables = (*variables, *kept)
        self.t = np.arange(int(lengths.sum())) * self.dt
        self.phases = tuple(float(end) for end in self.dt * np.cumsum(lengths[lengths > 0]))
        self.window = float(getattr(net.p, "window", 0) * self.dt)
        self.spikes: dict[str, SpikeRecording] = {
            name: net.network.record_spikes(each) for name, each in net.network.populations.items()
        }
        self._kept = [name for name, phase in kept.items() if lengths[phase] > 0]
        self._samples: dict[str, dict[str, np.ndarray]] = {name: {} for name in self.variables}
        for layer in net.layers:
            for name in variables:
                if name in layer.arrays:
                    value = layer.arrays[name]
                    buffer = np.zeros((self.t.size, value.size), value.dtype)
                    self._samples[name][layer.name] = buffer.T.reshape(*value.shape, -1)
                    net.network.add_phase(
                        probes.sample,
                        probes.sampled,
                        state={
                            "value": value.reshape(-1),
                            "buffer": buffer,
                            "which": np.arange(value.size),
                        },
                        params={"every": 1, "first": 0},
                    )
        self._answer = 0

    def _finish(self, net: Simulation) -> None:
        self._answer = int(net.result("answer", 1)[0])
        for layer in net.layers:
            for name in self._kept:
                if name in layer.arrays:
                    self._samples[name][layer.name] = layer.arrays[name]

    @property
    def answer(self) -> int:
        """The class that was read out."""
        return self._answer

    def __repr__(self) -> str:
        total = sum(spikes.t.size for spikes in self.spikes.values())
        what = f"{total} spikes" if self.spikes else ", ".join(self.variables)
        return f"<LayerRecording of {self.t.size * self.dt:g} ms: {what}, answer {self.answer}>"

    def to_sonata(self, directory: str | Path) -> None:
        """Write spikes.h5 and voltages.h5 in the SONATA layout into a ``directory``."""
        self._check_spikes()
        voltages: dict[str, dict[str, np.ndarray]] = {}
        for name, compartment in _COMPARTMENTS.items():
            for layer, V in self._samples.get(name, {}).items():
                voltages.setdefault(layer, {})[compartment] = V
        layers_to_sonata(directory, self.spikes, voltages)

    def to_neo(self) -> Any:
        """Return the spike trains of all layers as a `neo.Segment`; needs spikesim[analysis]."""
        self._check_spikes()
        return layers_to_neo(self.spikes)

    def _check_spikes(self) -> None:
        if not self.spikes:
            raise InputError("The recording has no spikes, as the units of its layers have none.")


class SynapseRecording(NamedTuple):
    """The signals at one synapse in the course of a loop; for `spikesim.plot.synapse`.

    PSP and surrogate derivative have the delay that learning gives them.

    Attributes
    ----------
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    pre_spikes, post_spikes, target_spikes : numpy.ndarray
        Spike times in ms; target spikes are those of an output neuron.
    presynaptic_trace : numpy.ndarray, shape (steps,)
        The PSP of the presynaptic neuron, for a unit weight.
    voltage : numpy.ndarray, shape (steps,)
        The postsynaptic membrane potential in mV.
    surrogate : numpy.ndarray, shape (steps,)
        The surrogate derivative of the postsynaptic neuron in 1/V.
    eligibility : numpy.ndarray, shape (steps,)
        The eligibility trace.
    error : numpy.ndarray, shape (steps,)
        The error signal.

    Examples
    --------
    >>> from spikesim import patterns
    >>> from spikesim.models.superspike import SuperSpikeNetwork
    >>> net = SuperSpikeNetwork((5, 2), backend="python")
    >>> recording = net.record(patterns.poisson(5, 100.0, 20.0), synapse=(1, 3, 0))
    >>> recording.synapse.voltage.shape == recording.t.shape
    True
    """

    t: np.ndarray
    pre_spikes: np.ndarray
    post_spikes: np.ndarray
    target_spikes: np.ndarray
    presynaptic_trace: np.ndarray
    voltage: np.ndarray
    surrogate: np.ndarray
    eligibility: np.ndarray
    error: np.ndarray


class PatternRecording(Guarded):
    """Spikes and membrane potentials of one loop; made by `PatternModel.record`.

    Time 0 is the start of the loop.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    spikes : dict of str to SpikeRecording
        By layer; ``.t`` in ms, ``.i``, ``.count``, ``.to_neo()``.
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    U : dict of str to numpy.ndarray, shape (neurons, steps)
        Membrane potentials in mV, by layer after the input.
    target : SpikePattern or Windows
    synapse : SynapseRecording or None

    Examples
    --------
    >>> from spikesim import patterns
    >>> from spikesim.models.superspike import SuperSpikeNetwork
    >>> net = SuperSpikeNetwork((5, 2), backend="python")
    >>> recording = net.record(patterns.poisson(5, 100.0, 20.0))
    >>> recording.U["output"].shape
    (2, 200)
    """

    def __init__(
        self, simulation: LoopSimulation, pattern: SpikePattern, target: SpikePattern | Windows
    ):
        net, layers = simulation.network, simulation.layers
        steps = simulation.rehearse(pattern, target)
        self.target = target
        self.layers = [layer.name for layer in layers]
        self.sizes = {layer.name: layer.n for layer in layers}
        self.dt = net.dt
        self.spikes: dict[str, SpikeRecording] = {
            name: net.record_spikes(net.populations[name]) for name in self.layers
        }
        states = {name: net.record(net.populations[name], ["U"]) for name in self.layers[1:]}
        signals = ["presynaptic_trace", "surrogate", "eligibility", "error"]
        traces = None
        if simulation.synapse is not None:
            traces = net.record(net.populations["synapse"], signals)
        net.run_steps(steps)
        self.t = states["output"].t
        self.U = {name: state.U for name, state in states.items()}
        self.synapse = None
        if simulation.synapse is not None and traces is not None:
            layer, from_, onto = simulation.synapse
            pre, post = self.layers[layer - 1], self.layers[layer]
            wanted = np.zeros(0)
            if post == "output" and isinstance(target, SpikePattern):
                wanted = target.times[target.ids == onto]
            self.synapse = SynapseRecording(
                t=self.t,
                pre_spikes=self.spikes[pre].spike_trains()[from_],
                post_spikes=self.spikes[post].spike_trains()[onto],
                target_spikes=wanted,
                voltage=self.U[post][onto],
                **{name: getattr(traces, name)[0] for name in signals},
            )

    def __repr__(self) -> str:
        total = sum(spikes.t.size for spikes in self.spikes.values())
        return f"<PatternRecording of {self.t.size * self.dt:g} ms: {total} spikes>"

    def to_sonata(self, directory: str | Path) -> None:
        """Write spikes.h5 and voltages.h5 in the SONATA layout into a ``directory``."""
        layers_to_sonata(directory, self.spikes, {k: {"soma": U} for k, U in self.U.items()})

    def to_neo(self) -> Any:
        """Return the spike trains of all layers as a `neo.Segment`; needs spikesim[analysis]."""
        return layers_to_neo(self.spikes)
