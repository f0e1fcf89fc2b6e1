"""The commands of the burst-ensemble network: ``spikesim train burst`` and its kin.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    *.png               pictures
"""

from __future__ import annotations

from typing import Any

from spikesim.datasets import Dataset
from spikesim.image_runs import ImageCommands
from spikesim.io.runs import Pictures
from spikesim.models.burst.network import BurstEnsembleNetwork
from spikesim.models.burst.parameters import Parameters

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

SUITED: dict[str, dict[str, Any]] = {
    "digits": {"hidden": "100", "epochs": 80},
    "mnist": {"hidden": "500", "epochs": 10},
}


def draw(net: BurstEnsembleNetwork, data: Dataset, pictures: Pictures) -> None:
    """Event rates and burst probabilities while three images are shown."""
    from spikesim import plot

    recording = net.record(data.test_images[:3], data.test_labels[:3])
    pictures.keep("bursts.png", plot.ensembles(recording)[0].figure)


_commands = ImageCommands(
    "burst",
    "burst ensembles with SST+ inhibition (Richards 2018)",
    BurstEnsembleNetwork,
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
    "train burst --epochs=1 --hidden=10",
    "train burst --epochs=1 --hidden=10,10",
    "run burst propagation --n=200 --duration=100 --burn_in=10",
)
"""Commands that take a moment and compile what longer ones need."""
settings = _commands.settings
check = _commands.check
train_set = _commands.train_set
result_label = _commands.result_label
