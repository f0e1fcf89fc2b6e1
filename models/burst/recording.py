"""Images shown to the burst-ensemble network, recorded in every step."""

from __future__ import annotations

import numpy as np

from spikesim.attributes import Guarded
from spikesim.models.burst.simulation import Simulation

__all__ = ["ImageRecording"]


class ImageRecording(Guarded):
    """Event rates, burst probabilities, burst rates and apical potentials of some images.

    Attributes
    ----------
    layers : list of str
        'hidden_1', ..., 'output'.
    t : numpy.ndarray, shape (steps,)
        Times in ms.
    h, p, beta : dict of str to numpy.ndarray, shape (units, steps)
        Event rate, burst probability and burst rate, by layer.
    u : dict of str to numpy.ndarray, shape (units, steps)
        Apical potential, by hidden layer.
    onsets : numpy.ndarray, shape (images,)
        The steps in which images begin.
    nudges : numpy.ndarray, shape (images,)
        The steps in which the output is nudged.
    answers : numpy.ndarray of int, shape (images,)
        The class that was read out of each image.
    """

    def __init__(
        self, simulation: Simulation, images: np.ndarray, labels: np.ndarray, nudge: np.ndarray
    ):
        net = simulation.network
        self.layers = [layer.name for layer in simulation.layers]
        self.dt = net.dt
        states = {
            name: net.record(
                net.populations[name],
                ["h", "p", "beta"] if name == "output" else ["h", "p", "beta", "u"],
            )
            for name in self.layers
        }
        simulation.run(images, labels, np.arange(len(images)), nudge)
        self.t = states["output"].t
        self.h = {name: state.h for name, state in states.items()}
        self.p = {name: state.p for name, state in states.items()}
        self.beta = {name: state.beta for name, state in states.items()}
        self.u = {name: state.u for name, state in states.items() if name != "output"}
        self.onsets = np.arange(len(images)) * simulation.p.steps
        self.nudges = self.onsets + nudge
        self.answers = simulation.answer[: len(images)].copy()

    def __repr__(self) -> str:
        return f"<ImageRecording of {len(self.answers)} images, {self.t.size} steps>"
