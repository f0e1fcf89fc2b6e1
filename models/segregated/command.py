"""The commands of the segregated-dendrite network: ``spikesim train segregated`` and its kin.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    spikes.h5           one recorded trial: spikes of all layers, in the SONATA layout
    voltages.h5         the same trial: voltages of all compartments, in the SONATA layout
    *.png               pictures
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.datasets import Dataset
from spikesim.image_runs import ImageCommands
from spikesim.io.runs import Pictures
from spikesim.models.segregated.network import SegregatedDendriteNetwork
from spikesim.models.segregated.parameters import Parameters

__all__ = [
    "DEFAULTS",
    "LENGTH",
    "SHORT_RUNS",
    "add_arguments",
    "check",
    "export",
    "info",
    "plot",
    "result_label",
    "resume",
    "settings",
    "train",
    "train_set",
]

# What suits each dataset; MNIST as in the paper.
SUITED: dict[str, dict[str, Any]] = {
    "digits": {"hidden": "100", "epochs": 80, "eta": 0.21},
    "mnist": {"hidden": "500", "epochs": 10, "eta": 0.21},
}


def draw(net: SegregatedDendriteNetwork, data: Dataset, pictures: Pictures) -> None:
    """The spikes and voltages of one trial."""
    from spikesim import plot

    if not net.parameters.spiking:
        return
    trial = net.record(data.test_images[0], int(data.test_labels[0]))
    trial.to_sonata(pictures.directory)
    pictures.written += ["spikes.h5", "voltages.h5"]
    pictures.keep("raster.png", plot.layers(trial)[0].figure)
    if len(net.sizes) > 2:
        neuron = int(np.argmax(trial.spikes["hidden_1"].count))
        axes = plot.compartments(trial, "hidden_1", neuron)
        pictures.keep("traces.png", axes[0].figure)


_commands = ImageCommands(
    "segregated",
    "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)",
    SegregatedDendriteNetwork,
    Parameters,
    SUITED,
    draw,
)
add_arguments = _commands.add_arguments
train = _commands.train
resume = _commands.resume
plot = _commands.plot
info = _commands.info
export = _commands.export

DEFAULTS = Parameters._field_defaults
LENGTH = "epochs"

SHORT_RUNS = (
    "train segregated --epochs=1 --hidden=10",
    "train segregated --epochs=1 --hidden=10,10",
)
"""Commands that take a moment and compile what longer ones need."""
settings = _commands.settings
check = _commands.check
train_set = _commands.train_set
result_label = _commands.result_label
