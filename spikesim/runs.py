"""What the commands of all models share: run directories, and options given as text."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.errors import FileError, InputError, check_integer

__all__ = [
    "RUN_FILE",
    "Pictures",
    "add_model_options",
    "add_parameters",
    "given_parameters",
    "hidden_sizes",
    "new_directory",
    "noted",
    "other_parameters",
    "print_rows",
    "write_spikes_csv",
    "write_weights",
]

RUN_FILE = "run.h5"

_WHOLE = ("memory", "nudge_after")  # whole numbers, though None is their default


def add_model_options(parser: argparse.ArgumentParser, defaults: Mapping[str, Any]) -> None:
    """Options that every model has, and one for each of its parameters."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--backend", default="cpu", help="cpu, python, cuda or cuda:1")
    parser.add_argument("--out", type=Path, help="the run directory; runs/MODEL-... if not given")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    add_parameters(parser, defaults)


def add_parameters(parser: argparse.ArgumentParser, defaults: Mapping[str, Any]) -> None:
    """One option for each parameter of a model."""
    options = parser.add_argument_group("constants and options of the model, --NAME=VALUE")
    for name, default in defaults.items():
        options.add_argument(f"--{name}", metavar="VALUE", help=f"default {default}")


def given_parameters(chosen: argparse.Namespace, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were given, each as the type of its default."""
    return {
        name: _value(name, getattr(chosen, name), default)
        for name, default in defaults.items()
        if getattr(chosen, name) is not None
    }


def _value(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    kinds = {"true": True, "false": False, "none": None}
    lower = text.lower()
    if lower in kinds:
        return kinds[lower]
    try:
        if "," in text:
            return tuple(float(part) for part in text.split(","))
        return int(text) if type(default) is int or name in _WHOLE else float(text)
    except ValueError:
        raise InputError(
            f"--{name} is {text!r}; it has to be like its default, {default}."
        ) from None


def hidden_sizes(text: str) -> tuple[int, ...]:
    """'500,100' as sizes of hidden layers; '0' for none.

    Examples
    --------
    >>> hidden_sizes("500,100")
    (500, 100)
    """
    try:
        sizes = [int(part) for part in str(text).split(",")]
    except ValueError:
        raise InputError(
            f"--hidden is {text!r}; it has to be sizes such as 500 or 500,100."
        ) from None
    if sizes == [0]:
        return ()
    return tuple(check_integer("--hidden", n, at_least=1) for n in sizes)


def new_directory(wanted: Path | None, stem: str) -> Path:
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


def noted(net: Any, name: str) -> Any:
    """What the command that trained a network wrote into its notes."""
    if name not in net.notes:
        kind = type(net).__name__
        raise FileError(
            "This network was saved from Python and does not say what it was trained on; "
            f"load it with {kind}.load."
        )
    return net.notes[name]


def other_parameters(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The parameters that are not the defaults, in one line."""
    return ", ".join(
        f"{name}={given[name]}" for name, default in defaults.items() if given[name] != default
    )


def print_rows(rows: Mapping[str, Any]) -> None:
    """Names and values in two columns."""
    for name, text in rows.items():
        print(f"{name:12} {text}")


def write_spikes_csv(directory: Path) -> Path:
    """The recorded spikes of a run directory as CSV: layer, neuron, time in ms."""
    from spikesim.sonata import read_spikes

    path = directory / "spikes.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "neuron", "time_ms"])
        for layer, (times, neurons) in read_spikes(directory / "spikes.h5").items():
            writer.writerows((layer, int(i), f"{t:g}") for t, i in zip(times, neurons, strict=True))
    return path


def write_weights(directory: Path, layers: Mapping[str, Sequence[np.ndarray]]) -> Path:
    """Arrays per layer as NPZ: NAME_0 is that of the first layer."""
    path = directory / "weights.npz"
    arrays = {f"{k}_{m}": array for k, each in layers.items() for m, array in enumerate(each)}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


class Pictures:
    """Figures written into a run directory, one after another, without a screen."""

    def __init__(self, directory: Path):
        import matplotlib

        matplotlib.use("Agg")
        self.directory = directory
        self.written: list[str] = []

    def keep(self, name: str, figure: Any) -> None:
        """Write a figure and forget it."""
        import matplotlib.pyplot as plt

        figure.savefig(self.directory / name, dpi=150)
        plt.close(figure)
        self.written.append(name)
