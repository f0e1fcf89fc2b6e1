"""The commands of the segregated-dendrite network: ``spikesim train segregated`` and its kin.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    spikes.h5           one recorded trial: spikes of all layers, in the SONATA layout
    voltages.h5         the same trial: voltages of all compartments, in the SONATA layout
    *.png               pictures
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import datasets, runs
from spikesim.errors import InputError, check_integer
from spikesim.models.segregated.network import SegregatedDendriteNetwork
from spikesim.models.segregated.parameters import Parameters
from spikesim.runs import RUN_FILE, noted

__all__ = ["add_arguments", "export", "info", "plot", "resume", "train"]

# What suits each dataset; MNIST as in the paper.
DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": {"hidden": "100", "epochs": 80, "eta": 0.21},
    "mnist": {"hidden": "500", "epochs": 10, "eta": 0.21},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``spikesim train segregated``."""
    parser.add_argument("--dataset", choices=list(DEFAULTS), default="digits")
    parser.add_argument(
        "--hidden",
        metavar="N[,N...]",
        help="neurons in each hidden layer, from the first; 0 for none (digits 100, mnist 500)",
    )
    parser.add_argument("--epochs", type=int, help="passes through the training images")
    runs.add_model_options(parser, Parameters._field_defaults)


def train(chosen: argparse.Namespace) -> None:
    """Train, test, record and draw."""
    suited = DEFAULTS[chosen.dataset]
    hidden = runs.hidden_sizes(chosen.hidden if chosen.hidden is not None else suited["hidden"])
    epochs = check_integer(
        "--epochs", suited["epochs"] if chosen.epochs is None else chosen.epochs, at_least=1
    )
    check_integer("--seed", chosen.seed, at_least=0)
    parameters = {
        "eta": suited["eta"],
        "measure_angle": bool(hidden),
        **runs.given_parameters(chosen, Parameters._field_defaults),
    }
    data = datasets.load(chosen.dataset)
    sizes = (data.train_images.shape[1], *hidden, data.n_classes)
    net = SegregatedDendriteNetwork(
        sizes, seed=chosen.seed, dtype=chosen.dtype, backend=chosen.backend, **parameters
    )
    net.notes = {"dataset": chosen.dataset, "epochs": epochs}
    directory = runs.new_directory(chosen.out, f"segregated-{chosen.dataset}")
    layers = "-".join(map(str, sizes))
    print(f"Training {layers} on {chosen.dataset}, {epochs} epochs, into {directory}")
    _fit(net, data, directory, not chosen.no_progress)


def resume(chosen: argparse.Namespace) -> None:
    """Go on where the last checkpoint ended."""
    if chosen.blocks is not None:
        raise InputError("--blocks is for models that learn in time; this run has --epochs.")
    net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
    if chosen.epochs is not None:
        net.notes["epochs"] = check_integer("--epochs", chosen.epochs, at_least=1)
    data = datasets.load(noted(net, "dataset"))
    if net.epoch >= noted(net, "epochs"):
        print(
            f"All {net.epoch} epochs are done; 'spikesim resume {chosen.directory} --epochs "
            f"{net.epoch + 10}' would train on."
        )
        return
    print(f"Resuming at epoch {net.epoch + 1} of {net.notes['epochs']}, example {net.example + 1}")
    _fit(net, data, chosen.directory, not chosen.no_progress)


def plot(chosen: argparse.Namespace) -> None:
    """Record one test image again and draw all pictures."""
    net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
    _results(net, datasets.load(noted(net, "dataset")), chosen.directory)


def info(chosen: argparse.Namespace) -> None:
    """Say what was trained and how far it came."""
    net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
    given = net.parameters._asdict()
    rows = {
        "model": "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)",
        "layers": "-".join(map(str, net.sizes)),
        "dataset": noted(net, "dataset"),
        "seed": net.seed,
        "epochs": f"{net.epoch} of {noted(net, 'epochs')}",
        "options": runs.other_parameters(given, Parameters._field_defaults),
        "test error": _last(net.history["test_error"]),
        "files": ", ".join(sorted(path.name for path in chosen.directory.iterdir())),
    }
    runs.print_rows(rows)


def export(chosen: argparse.Namespace) -> None:
    """Write the recorded spikes as CSV, or the weights as NPZ."""
    if chosen.format == "npz":
        net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
        path = runs.write_weights(chosen.directory, {"W": net.W, "b": net.b, "Y": net.Y})
    else:
        path = runs.write_spikes_csv(chosen.directory)
    print(f"Wrote {path}")


def _fit(
    net: SegregatedDendriteNetwork, data: datasets.Dataset, directory: Path, progress: bool
) -> None:
    try:
        net.fit(
            data.train_images,
            data.train_labels,
            net.notes["epochs"] - net.epoch,
            validation=(data.test_images, data.test_labels),
            validate_every=max(1, net.notes["epochs"] // 20),
            progress=progress,
            checkpoint=directory / RUN_FILE,
        )
    except KeyboardInterrupt:
        print(
            f"\nSaved at epoch {net.epoch + 1}, example {net.example + 1}. "
            f"Go on with: spikesim resume {directory}",
            file=sys.stderr,
        )
        raise
    error = net.history["test_error"][-1]
    print(f"Test error {error:.2f} %, accuracy {100.0 - error:.2f} %")
    _results(net, data, directory)


def _results(net: SegregatedDendriteNetwork, data: datasets.Dataset, directory: Path) -> None:
    """The recorded trial and the pictures of a run."""
    from spikesim import plot as draw

    pictures = runs.Pictures(directory)
    keep = pictures.keep
    keep("learning_curve.png", draw.learning_curve(net.history).figure)
    if len(net.sizes) > 2:
        fields = draw.receptive_fields(net.W[0], data.image_shape)
        keep("receptive_fields.png", fields[0].figure)
        if net.parameters.measure_angle:
            keep("angle.png", draw.angle(net.history).figure)
    if net.parameters.spiking:
        trial = net.record(data.test_images[0], int(data.test_labels[0]))
        trial.to_sonata(directory)
        pictures.written += ["spikes.h5", "voltages.h5"]
        keep("raster.png", draw.layers(trial)[0].figure)
        if len(net.sizes) > 2:
            neuron = int(np.argmax(trial.spikes["hidden_1"].count))
            axes = draw.compartments(trial, "hidden_1", neuron)
            keep("traces.png", axes[0].figure)
    print(f"Wrote {', '.join([RUN_FILE, *pictures.written])} in {directory}")


def _last(errors: list[float | None]) -> str:
    known = [error for error in errors if error is not None]
    return f"{known[-1]:.2f} %" if known else "not tested"
