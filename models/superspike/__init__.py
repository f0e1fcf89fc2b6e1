"""SuperSpike: learning precise spike times (Zenke & Ganguli 2018, doi:10.1162/neco_a_01086).

A network of leaky integrate-and-fire neurons learns to emit given spike trains at given times. Its
rule has three factors, which each synapse has at hand: a filtered presynaptic potential, a
surrogate derivative of the postsynaptic one, and an error signal fed back to the layer.

`network` has the equations and the neurons, `parameters` the constants; `rules` has what learns,
and `tasks` the tasks of the article. `classifier` has a network that learns images.
"""

from spikesim.learning.loops import Synapse
from spikesim.learning.windows import Windows
from spikesim.models.superspike import tasks
from spikesim.models.superspike.classifier import ClassifierParameters, SuperSpikeClassifier
from spikesim.models.superspike.network import SuperSpikeNetwork
from spikesim.models.superspike.parameters import Parameters

__all__ = [
    "ClassifierParameters",
    "Parameters",
    "SuperSpikeClassifier",
    "SuperSpikeNetwork",
    "Synapse",
    "Windows",
    "tasks",
]
