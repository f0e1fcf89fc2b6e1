"""The commands of the segregated-dendrite network: ``spikesim train segregated`` and its kin.

A run directory holds

    run.h5              the network, its state and history, and how it was trained
    spikes.h5           one recorded trial: spikes of all layers, in the SONATA layout
    voltages.h5         the same trial: voltages of all compartments, in the SONATA layout
    *.png               pictures
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import datasets
from spikesim.cli import RUN_FILE
from spikesim.errors import FileError, InputError, check_integer
from spikesim.models.segregated.network import SegregatedDendriteNetwork
from spikesim.models.segregated.parameters import Parameters

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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--backend", choices=["cpu", "python"], default="cpu")
    parser.add_argument(
        "--out", type=Path, help="the run directory; runs/segregated-... if not given"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    options = parser.add_argument_group("constants and options of the model, --NAME=VALUE")
    for name, default in Parameters._field_defaults.items():
        options.add_argument(f"--{name}", metavar="VALUE", help=f"default {default}")


def train(chosen: argparse.Namespace) -> None:
    """Train, test, record and draw."""
    suited = DEFAULTS[chosen.dataset]
    hidden = _layers(chosen.hidden if chosen.hidden is not None else suited["hidden"])
    epochs = check_integer(
        "--epochs", suited["epochs"] if chosen.epochs is None else chosen.epochs, at_least=1
    )
    check_integer("--seed", chosen.seed, at_least=0)
    parameters = {"eta": suited["eta"], "measure_angle": bool(hidden)}
    for name, default in Parameters._field_defaults.items():
        text = getattr(chosen, name)
        if text is not None:
            parameters[name] = _value(name, text, default)
    data = datasets.load(chosen.dataset)
    sizes = (data.train_images.shape[1], *hidden, data.n_classes)
    net = SegregatedDendriteNetwork(
        sizes, seed=chosen.seed, dtype=chosen.dtype, backend=chosen.backend, **parameters
    )
    net.notes = {"dataset": chosen.dataset, "epochs": epochs}
    directory = _new_directory(chosen.out, f"segregated-{chosen.dataset}")
    layers = "-".join(map(str, sizes))
    print(f"Training {layers} on {chosen.dataset}, {epochs} epochs, into {directory}")
    _fit(net, data, directory, not chosen.no_progress)


def resume(chosen: argparse.Namespace) -> None:
    """Go on where the last checkpoint ended."""
    net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
    if chosen.epochs is not None:
        net.notes["epochs"] = check_integer("--epochs", chosen.epochs, at_least=1)
    data = datasets.load(_noted(net, "dataset"))
    if net.epoch >= _noted(net, "epochs"):
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
    _results(net, datasets.load(_noted(net, "dataset")), chosen.directory)


def info(chosen: argparse.Namespace) -> None:
    """Say what was trained and how far it came."""
    net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
    given = net.parameters._asdict()
    rows = {
        "model": "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)",
        "layers": "-".join(map(str, net.sizes)),
        "dataset": _noted(net, "dataset"),
        "seed": net.seed,
        "epochs": f"{net.epoch} of {_noted(net, 'epochs')}",
        "options": ", ".join(
            f"{name}={given[name]}"
            for name, default in Parameters._field_defaults.items()
            if given[name] != default
        ),
        "test error": _last(net.history["test_error"]),
        "files": ", ".join(sorted(path.name for path in chosen.directory.iterdir())),
    }
    for name, text in rows.items():
        print(f"{name:12} {text}")


def export(chosen: argparse.Namespace) -> None:
    """Write the recorded spikes as CSV, or the weights as NPZ."""
    if chosen.format == "npz":
        net = SegregatedDendriteNetwork.load(chosen.directory / RUN_FILE)
        path = chosen.directory / "weights.npz"
        arrays = {
            f"{name}_{m}": array
            for name, layers in (("W", net.W), ("b", net.b), ("Y", net.Y))
            for m, array in enumerate(layers)
        }
        np.savez(path, **arrays)
    else:
        from spikesim.sonata import read_spikes

        path = chosen.directory / "spikes.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["layer", "neuron", "time_ms"])
            for layer, (times, neurons) in read_spikes(chosen.directory / "spikes.h5").items():
                writer.writerows(
                    (layer, int(i), f"{t:g}") for t, i in zip(times, neurons, strict=True)
                )
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
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from spikesim import plot as draw

    written = []

    def keep(name: str, figure: Any) -> None:
        figure.savefig(directory / name, dpi=150)
        plt.close(figure)
        written.append(name)

    keep("learning_curve.png", draw.learning_curve(net.history).figure)
    if len(net.sizes) > 2:
        fields = draw.receptive_fields(net.W[0], data.image_shape)
        keep("receptive_fields.png", fields[0].figure)
        if net.parameters.measure_angle:
            keep("angle.png", draw.angle(net.history).figure)
    if net.parameters.spiking:
        trial = net.record(data.test_images[0], int(data.test_labels[0]))
        trial.to_sonata(directory)
        written += ["spikes.h5", "voltages.h5"]
        keep("raster.png", draw.layers(trial)[0].figure)
        if len(net.sizes) > 2:
            neuron = int(np.argmax(trial.spikes["hidden_1"].count))
            axes = draw.compartments(trial, "hidden_1", neuron)
            keep("traces.png", axes[0].figure)
    print(f"Wrote {', '.join([RUN_FILE, *written])} in {directory}")


def _layers(text: str) -> tuple[int, ...]:
    """'500,100' as sizes of hidden layers; '0' for none."""
    try:
        sizes = [int(part) for part in str(text).split(",")]
    except ValueError:
        raise InputError(
            f"--hidden is {text!r}; it has to be sizes such as 500 or 500,100."
        ) from None
    if sizes == [0]:
        return ()
    return tuple(check_integer("--hidden", n, at_least=1) for n in sizes)


def _value(name: str, text: str, default: Any) -> Any:
    """An option's text as the type of its default."""
    kinds = {"true": True, "false": False, "none": None}
    lower = text.lower()
    if lower in kinds:
        return kinds[lower]
    if isinstance(default, str):
        return text
    try:
        if name == "eta" and "," in text:
            return tuple(float(part) for part in text.split(","))
        return int(text) if type(default) is int or name == "memory" else float(text)
    except ValueError:
        raise InputError(
            f"--{name} is {text!r}; it has to be like its default, {default}."
        ) from None


def _new_directory(wanted: Path | None, stem: str) -> Path:
    """A directory that holds no run yet, made now."""
    number = 1
    while wanted is None:
        free = Path("runs") / f"{stem}-{number}"
        wanted = None if free.exists() else free
        number += 1
    if (wanted / RUN_FILE).exists():
        raise FileError(
            f"{wanted} holds a run already; choose another --out, or go on with "
            f"'spikesim resume {wanted}'."
        )
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{wanted} cannot be made: {error.strerror}; choose another --out."
        ) from None
    return wanted


def _noted(net: SegregatedDendriteNetwork, name: str) -> Any:
    if name not in net.notes:
        raise FileError(
            "This network was saved from Python and does not say what it was trained on; "
            "load it with SegregatedDendriteNetwork.load."
        )
    return net.notes[name]


def _last(errors: list[float | None]) -> str:
    known = [error for error in errors if error is not None]
    return f"{known[-1]:.2f} %" if known else "not tested"
