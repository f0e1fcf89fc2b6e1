"""One loop of a pattern, recorded in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spikesim.attributes import Guarded
from spikesim.engine.recording import SpikeRecording, layers_to_neo, layers_to_sonata
from spikesim.models.superspike.simulation import Simulation, Synapse
from spikesim.models.superspike.windows import Windows
from spikesim.patterns import SpikePattern

__all__ = ["PatternRecording", "SynapseRecording"]


class SynapseRecording(NamedTuple):
    """What one synapse sees in the course of a loop; for `spikesim.plot.synapse`.

    PSP and surrogate derivative are delayed as learning delays them (see `Parameters.lag`).

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
        lambda_ij.
    error : numpy.ndarray, shape (steps,)
        e_i.
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
    """Spikes and membrane potentials of one loop, time 0 being its start.

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
    """

    def __init__(
        self,
        simulation: Simulation,
        pattern: SpikePattern,
        target: SpikePattern | Windows,
        synapse: Synapse | None,
    ):
        net = simulation.network
        steps = simulation.rehearse(pattern, target)
        self.target = target
        self.layers = [layer.name for layer in simulation.layers]
        self.sizes = dict(zip(self.layers, simulation.sizes, strict=True))
        self.dt = net.dt
        self.spikes: dict[str, SpikeRecording] = {
            layer.name: net.record_spikes(layer) for layer in simulation.layers
        }
        states = {layer.name: net.record(layer, ["U"]) for layer in simulation.layers[1:]}
        traces = None
        if synapse is not None:
            names = ["presynaptic_trace", "surrogate", "eligibility", "error"]
            traces = net.record(simulation.synapse, names)
        net.run_steps(steps)
        self.t = states["output"].t
        self.U = {name: state.U for name, state in states.items()}
        self.synapse = None
        if synapse is not None and traces is not None:
            pre, post = self.layers[synapse.layer - 1], self.layers[synapse.layer]
            wanted = np.zeros(0)
            if post == "output" and isinstance(target, SpikePattern):
                wanted = target.times[target.ids == synapse.post]
            self.synapse = SynapseRecording(
                t=self.t,
                pre_spikes=self.spikes[pre].spike_trains()[synapse.pre],
                post_spikes=self.spikes[post].spike_trains()[synapse.post],
                target_spikes=wanted,
                presynaptic_trace=traces.presynaptic_trace[0],
                voltage=self.U[post][synapse.post],
                surrogate=traces.surrogate[0],
                eligibility=traces.eligibility[0],
                error=traces.error[0],
            )

    def __repr__(self) -> str:
        total = sum(spikes.t.size for spikes in self.spikes.values())
        return f"<PatternRecording of {self.t.size * self.dt:g} ms: {total} spikes>"

    def to_sonata(self, directory: str | Path) -> None:
        """Write spikes.h5 and voltages.h5 in the SONATA layout into a directory."""
        layers_to_sonata(directory, self.spikes, {k: {"soma": U} for k, U in self.U.items()})

    def to_neo(self) -> Any:
        """A `neo.Segment` with the spike trains of all layers; needs spikesim[analysis]."""
        return layers_to_neo(self.spikes)
