"""The commands of models that learn to classify images: train, resume, plot, info, export.

The class of a model says what the model is and which pictures it draws; the rest is the same for
all. The class may also be in a user's file. For models of patterns in time see
`spikesim.pattern_runs`.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import inspect
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikesim import datasets
from spikesim.checks import check_choice, check_integer, nearest
from spikesim.cli.model_commands import ModelCommands, is_own
from spikesim.errors import FileError, InputError
from spikesim.io import runs
from spikesim.io.runs import RUN_FILE, noted
from spikesim.own_images import checksum
from spikesim.sweep.command import layers, shortened

__all__ = ["ImageCommands", "commands_of", "is_own", "model_class"]

_LAST_PICTURE = "learning_curve.png"
_DATASETS = ("digits", "mnist")
_COMMON = {"backend", "data", "dataset", "debug", "dtype", "epochs", "help", "hidden", "keep_best"}
_COMMON |= {"model", "no_progress", "out", "patience", "run", "seed"}
_TAKEN = _COMMON | {"grid", "list", "seeds", "threads", "workers"}  # and the options of a sweep
_LARGE = 400  # pixels: images of a user's own that are as large train as MNIST does
_SUITED = '{"digits": {"hidden": "100", "epochs": 10}}'

_load_once = functools.cache(datasets.load)


@functools.cache
def model_class(where: str) -> Any:
    """A model's class, from 'package.module:Class' or 'my_file.py:Class'."""
    place, _, name = where.rpartition(":")
    module = _own_module(Path(place)) if is_own(where) else importlib.import_module(place)
    found = getattr(module, name, None)
    if not _is_model(found):
        own = {n: each for n, each in vars(module).items() if _is_model(each)}
        models = [n for n, each in own.items() if each.__module__ == module.__name__]
        raise InputError(
            f"{place} has no model {name!r}; available: {', '.join(models) or 'none'}."
            f"{nearest(name, models)}"
        )
    return found


def _is_model(found: Any) -> bool:
    """Whether an object is a class that learns images or patterns."""
    return inspect.isclass(found) and (hasattr(found, "SUITED") or hasattr(found, "TASKS"))


def _check_options(network: Any) -> None:
    """Refuse a class that cannot be turned into options of the command line."""
    taken = [name for name in network.Parameters.declarations() if name in _TAKEN]
    if taken:
        raise InputError(
            f"The parameter {taken[0]!r} of {network.__name__} has the name of an option that "
            "every command has; give it another name."
        )
    suited, whose = network.SUITED, f"SUITED of {network.__name__}"
    if not isinstance(suited, Mapping) or not suited:
        raise InputError(f"{whose} has to be a dict of datasets: {_SUITED}.")
    for name, given in suited.items():
        check_choice(f"a dataset in {whose}", name, list(_DATASETS))
        if not isinstance(given, Mapping) or not {"hidden", "epochs"} <= given.keys():
            raise InputError(f"{whose} has to give 'hidden' and 'epochs' for {name!r}: {_SUITED}.")


def _own_module(path: Path) -> Any:
    name = f"own_{path.stem}"  # no other module has such a name
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileError(f"{path} does not exist; give FILE.py:CLASS.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))  # like a script, it may import its neighbours
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        del sys.modules[name]
        raise FileError(f"{path}: {error}") from error
    except Exception as error:
        del sys.modules[name]
        raise FileError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    return module


@functools.cache
def commands_of(where: str) -> Any:
    """The commands of a model, given where its class is."""
    network = model_class(where)
    if hasattr(network, "TASKS"):
        from spikesim.pattern_runs import PatternCommands

        return PatternCommands(network, where, commands_of)
    _check_options(network)
    return ImageCommands(network, where, commands_of)


class ImageCommands(ModelCommands):
    """What the command line does for one model of images."""

    LENGTH, OTHERS, SUBJECT = "epochs", "learn in time", "dataset"

    @property
    def suited(self) -> dict[str, dict[str, Any]]:
        """Dataset → what suits it."""
        found: dict[str, dict[str, Any]] = self.network.SUITED
        return found

    @property
    def SHORT_RUNS(self) -> tuple[str, ...]:
        return tuple(
            f"train {self.command} --epochs=1 --hidden={hidden}" for hidden in ("10", "10,10")
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of ``spikesim train NAME``."""
        hidden = ", ".join(f"{name} {suited['hidden']}" for name, suited in self.suited.items())
        first = "digits" if "digits" in self.suited else next(iter(self.suited))
        images = parser.add_mutually_exclusive_group()
        images.add_argument("--dataset", choices=list(self.suited), default=first)
        images.add_argument(
            "--data",
            type=Path,
            metavar="PATH",
            help="images of your own: an .npz or .csv file, or a folder of IDX files",
        )
        parser.add_argument(
            "--hidden",
            metavar="N[,N...]",
            help=f"units in each hidden layer, from the first; 0 for none ({hidden})",
        )
        parser.add_argument("--epochs", type=int, help="passes through the training images")
        parser.add_argument(
            "--keep-best",
            action="store_true",
            help="end with the weights of the epoch with the lowest test error, not of the last",
        )
        parser.add_argument(
            "--patience",
            type=int,
            metavar="N",
            help="stop if the test error has not become lower in N tests",
        )
        runs.add_model_options(parser, self.declared)

    def train(self, chosen: argparse.Namespace) -> None:
        """Train, test, record and draw."""
        settings = self.settings(chosen)
        data = datasets.load(settings["dataset"])
        net = self.new(settings, data)
        sizes, epochs = "-".join(map(str, net.sizes)), settings["epochs"]
        with runs.new_run(chosen.out, f"{self.name}-{data.name}", self.option) as directory:
            print(f"Training {sizes} on {data.name}, {epochs} epochs, into {directory}")
            self._fit(net, data, directory, not chosen.no_progress)

    def settings(self, chosen: argparse.Namespace) -> dict[str, Any]:
        """Everything that a run depends on, from options."""
        dataset = chosen.dataset if chosen.data is None else str(chosen.data.resolve())
        suited = self._suited(dataset)
        hidden = runs.hidden_sizes(chosen.hidden if chosen.hidden is not None else suited["hidden"])
        epochs = suited["epochs"] if chosen.epochs is None else chosen.epochs
        return {
            "dataset": dataset,
            "hidden": shortened(hidden),
            "epochs": check_integer("--epochs", epochs, at_least=1),
            "seed": check_integer("--seed", chosen.seed, at_least=0),
            "dtype": chosen.dtype,
            "backend": chosen.backend,
            **({"keep_best": True} if chosen.keep_best else {}),
            **_patience(chosen),
            **runs.given_parameters(chosen, self.declared),
        }

    def _suited(self, dataset: str) -> dict[str, Any]:
        """What suits a dataset; a user's own is treated as the most similar known one."""
        if dataset in self.suited:
            return self.suited[dataset]
        pixels = _load_once(dataset).train_images.shape[1]
        alike = "mnist" if pixels >= _LARGE else "digits"
        return self.suited.get(alike, next(iter(self.suited.values())))

    def new(self, settings: Mapping[str, Any], data: datasets.Dataset) -> Any:
        """An untrained network."""
        given = dict(settings)
        dataset, hidden, epochs = (given.pop(name) for name in ("dataset", "hidden", "epochs"))
        training = {"keep_best": given.pop("keep_best", False)}
        if "patience" in given:
            training["patience"] = given.pop("patience")
        suited = {
            name: value
            for name, value in self._suited(dataset).items()
            if name not in ("hidden", "epochs")
        }
        sizes = (data.train_images.shape[1], *layers(hidden), data.n_classes)
        measured = {"measure_angle": bool(hidden)} if "measure_angle" in self.defaults else {}
        net = self.network(sizes, **{**suited, **measured, **given})
        read = {"checksum": checksum(data)} if datasets.is_path(dataset) else {}
        net.notes = {"dataset": dataset, "epochs": epochs, **training, **self.own, **read}
        return net

    def _data(self, net: Any) -> datasets.Dataset:
        """The images that a network has learned from."""
        dataset = noted(net, "dataset")
        data = datasets.load(dataset)
        if net.notes.get("checksum", "") != (checksum(data) if datasets.is_path(dataset) else ""):
            raise FileError(
                f"{dataset} holds other images than when the run began; put them back to go on, or "
                "train anew."
            )
        return data

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings from which no network can be made."""
        self.new(settings, _load_once(settings["dataset"]))

    def train_set(self, settings: Mapping[str, Any], directory: Path) -> dict[str, Any]:
        """Train a network of a sweep, or continue it; return how well it does."""
        data = _load_once(settings["dataset"])
        path = directory / RUN_FILE
        if path.exists():
            net = self.network.load(path, settings["backend"])
        else:
            net = self.new(settings, data)
        net.notes["epochs"] = settings["epochs"]
        if net.epoch < settings["epochs"]:
            self._learn(net, data, directory, False)
        return {
            "test_error": net.history["test_error"][_epoch_of(net)],
            "training_error": net.history["training_error"][_epoch_of(net)],
            "test_errors": [math.nan if e is None else e for e in net.history["test_error"]],
        }

    def result_label(self, settings: Mapping[str, Any]) -> str:
        """The label of the axis in a sweep's figure."""
        return "Test error (%)"

    def go_on(self, net: Any, chosen: argparse.Namespace) -> None:
        data = self._data(net)
        if net.epoch >= noted(net, "epochs"):
            if not runs.is_drawn(chosen.directory, _LAST_PICTURE):
                # It was stopped between its last checkpoint and its last picture.
                self._results(net, data, chosen.directory)
            print(
                f"All {net.epoch} epochs are done; to train on, use "
                f"'{self.resuming(chosen.directory)} --epochs {net.epoch + 10}'."
            )
            return
        print(
            f"Resuming at epoch {net.epoch + 1} of {net.notes['epochs']}, example {net.example + 1}"
        )
        self._fit(net, data, chosen.directory, not chosen.no_progress)

    def plot(self, chosen: argparse.Namespace) -> None:
        """Record again, and draw all pictures."""
        net = self.network.load(chosen.directory / RUN_FILE)
        self._results(net, self._data(net), chosen.directory)

    def progress(self, net: Any) -> dict[str, Any]:
        return {"epochs": f"{net.epoch} of {noted(net, 'epochs')}"}

    def outcome(self, net: Any) -> dict[str, Any]:
        tested = [e for e, error in enumerate(net.history["test_error"]) if error is not None]
        found = {"test error": _error(net, tested[-1]) if tested else "not tested"}
        best = (net.history.get("best_epoch") or [None])[-1]
        return found if best is None else {**found, "best": _error(net, best - 1)}

    def _fit(self, net: Any, data: datasets.Dataset, directory: Path, progress: bool) -> None:
        try:
            self._learn(net, data, directory, progress)
        except KeyboardInterrupt:
            print(
                f"\nSaved at epoch {net.epoch + 1}, example {net.example + 1}. "
                f"Continue with: {self.resuming(directory)}",
                file=sys.stderr,
            )
            raise
        if net.epoch < net.notes["epochs"]:
            tests = f"{net.notes['patience']} tests"
            print(f"Stopped after epoch {net.epoch}: the test error was no lower in {tests}.")
        epoch = _epoch_of(net)
        error = net.history["test_error"][epoch]
        best = f" in epoch {epoch + 1}, the best" if net.notes.get("keep_best") else ""
        print(f"Test error {error:.2f} %, accuracy {100.0 - error:.2f} %{best}")
        self._results(net, data, directory)

    def _learn(self, net: Any, data: datasets.Dataset, directory: Path, progress: bool) -> None:
        net.fit(
            data.train_images,
            data.train_labels,
            net.notes["epochs"] - net.epoch,
            validation=(data.test_images, data.test_labels),
            validate_every=max(1, net.notes["epochs"] // 20),
            keep_best=net.notes.get("keep_best", False),
            patience=net.notes.get("patience"),
            progress=progress,
            checkpoint=directory / RUN_FILE,
        )

    def _results(self, net: Any, data: datasets.Dataset, directory: Path) -> None:
        """Draw the pictures of a run: those of every model, and this model's own."""
        from spikesim import plot as draw

        pictures = runs.Pictures(directory)
        if len(net.sizes) > 2:
            fields = draw.receptive_fields(net.W[0], data.image_shape)
            pictures.keep("receptive_fields.png", fields[0].figure)
            if getattr(net.parameters, "measure_angle", False):
                pictures.keep("angle.png", draw.angle(net.history).figure)
        self.network.draw(net, data, pictures)
        pictures.keep(_LAST_PICTURE, draw.learning_curve(net.history).figure)
        print(f"Wrote {', '.join([RUN_FILE, *pictures.written])} in {directory}")


def _patience(chosen: argparse.Namespace) -> dict[str, int]:
    if chosen.patience is None:
        return {}
    return {"patience": check_integer("--patience", chosen.patience, at_least=1)}


def _epoch_of(net: Any) -> int:
    """The entry of the history that belongs to a trained network's weights."""
    return net.history["best_epoch"][-1] - 1 if net.notes.get("keep_best") else -1


def _error(net: Any, entry: int) -> str:
    return f"{net.history['test_error'][entry]:.2f} % after epoch {net.history['epoch'][entry]}"
