"""One trial of the segregated-dendrite network, recorded in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikesim.attributes import Guarded
from spikesim.engine.recording import SpikeRecording, layers_to_neo, layers_to_sonata
from spikesim.models.segregated.simulation import Simulation

__all__ = ["TrialRecording"]


class TrialRecording(Guarded):
    """Spikes, voltages and plateau potentials of one trial.

    Attributes
    ----------
    layers : list of str
        'input', 'hidden_1', ..., 'output'.
    spikes : dict of str to SpikeRecording
        By layer; ``.t`` in ms, ``.i``, ``.count``, ``.to_neo()``.
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    V, V_B, V_A : dict of str to numpy.ndarray, shape (neurons, steps)
        Somatic, basal (or dendritic) and apical voltages in mV, by layer; V_A of hidden layers.
    alpha_f, alpha_t : dict of str to numpy.ndarray, shape (neurons,)
        Plateau potentials at the ends of the forward and target phase, by hidden layer; alpha_t is
        empty without a target phase.
    phases : tuple of float
        When the forward and the target phase end, in ms.
    window : float
        The last ms of a phase, over which means are taken.
    answer : int
        The class that was read out.
    """

    def __init__(
        self, simulation: Simulation, images: np.ndarray, labels: np.ndarray, length: np.ndarray
    ):
        net = simulation.network
        populations = list(net.populations.values())
        hidden = populations[1:-1]
        self.layers = [population.name for population in populations]
        self.sizes = {population.name: population.n for population in populations}
        self.dt = net.dt
        self.spikes: dict[str, SpikeRecording] = {p.name: net.record_spikes(p) for p in populations}
        states = {}
        for population in populations[1:]:
            compartments = ["V", "V_B", "V_A"] if population in hidden else ["V", "V_B"]
            states[population.name] = net.record(population, compartments)
        simulation.run(images, labels, np.array([0]), length)
        self.t = states["output"].t
        self.V = {name: state.V for name, state in states.items()}
        self.V_B = {name: state.V_B for name, state in states.items()}
        self.V_A = {population.name: states[population.name].V_A for population in hidden}
        forward, target = (int(n) for n in length[0])
        self.phases = (
            (forward * net.dt, (forward + target) * net.dt) if target else (forward * net.dt,)
        )
        names = [population.name for population in hidden]
        self.window = simulation.window * net.dt
        self.alpha_f = dict(zip(names, simulation.alpha_f, strict=True))
        self.alpha_t = dict(zip(names, simulation.alpha_t, strict=True)) if target else {}
        self.answer = int(simulation.answer[0])

    def __repr__(self) -> str:
        total = sum(spikes.t.size for spikes in self.spikes.values())
        duration = self.t.size * self.dt
        return f"<TrialRecording of {duration:g} ms: {total} spikes, answer {self.answer}>"

    def to_sonata(self, directory: str | Path) -> None:
        """Write spikes.h5 and voltages.h5 in the SONATA layout into a directory."""
        voltages = {}
        for layer, V in self.V.items():
            voltages[layer] = {"soma": V, "basal": self.V_B[layer]}
            if layer in self.V_A:
                voltages[layer]["apical"] = self.V_A[layer]
        layers_to_sonata(directory, self.spikes, voltages)

    def to_neo(self) -> Any:
        """A `neo.Segment` with the spike trains of all layers; needs spikesim[analysis]."""
        return layers_to_neo(self.spikes)
