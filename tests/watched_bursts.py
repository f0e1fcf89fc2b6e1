"""Burst ensembles that learn given images with given nudges, recorded in every step."""

import numpy as np

from spikesim.learning.model import TRAINING, Simulation
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.network import ImageRecording


class Watched(BurstEnsembleNetwork):
    """A network of which no step is left out, not even while it learns."""

    def spares(self, net):
        return False


def learn(net, images, labels, nudges):
    """Show images, each nudged in a step of its own; the dynamics, and what they were."""
    simulation = Simulation(net, TRAINING, len(images))
    lengths = np.stack([nudges, net.parameters.steps - nudges], axis=1)
    recording = ImageRecording(simulation, net.RECORD, {}, lengths.ravel())
    simulation.show(images, labels, net._wanted(labels))
    simulation.run(np.arange(len(images)), lengths, 0)
    return simulation, recording
