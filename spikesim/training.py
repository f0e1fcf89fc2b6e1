"""The common parts of models that learn: epochs, files, images, weights, histories, seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from spikesim.attributes import Guarded, copied
from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_number,
    show,
)
from spikesim.errors import FileError, InputError, SimulationError
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.io.runs import hold_file
from spikesim.progress import Interruption, Progress, progress_bar

__all__ = [
    "ImageClassifier",
    "LayerArrays",
    "Learner",
    "check_finite",
    "check_sizes",
    "check_state",
    "history_arrays",
    "history_lists",
    "keeping",
    "load_model",
    "random_numbers",
    "save_model",
    "saved_count",
    "saved_sums",
]

Model = TypeVar("Model")
Classifier = TypeVar("Classifier", bound="ImageClassifier")


class Learner(Guarded):
    """A model that learns, can be saved, and continues where it was stopped.

    A model has `parameters` and `history`, and implements the methods that are missing here. It can
    be copied and pickled; both make a new model from its `state`.
    """

    KIND = ""  # the kind that its files name as their content
    WEIGHTS: tuple[str, ...] = ()  # the attributes that it learns, each a `LayerArrays`

    _remedies: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("sizes", "seed", "dt", "dtype", "backend"), "build another one with it"),
        **dict.fromkeys(("W", "b", "B", "Y", "Z", "R"), "set its layers, as in net.W[0] = array"),
        "parameters": "build another one with other parameters",
        "history": "fit writes it",
    }

    parameters: Any
    history: dict[str, list[Any]]

    # For `keep_best`: the best epoch, and the latest weights while the model has those of the best.
    _best: dict[str, Any] | None = None
    _latest: dict[str, dict[str, np.ndarray]] | None = None

    def _state(self) -> dict[str, Any]:
        """The content of `state`, before it is copied."""
        raise NotImplementedError

    @classmethod
    def _from_state(cls: type[Model], state: dict[str, Any], backend: str) -> Model:
        """Make a model from a `state`."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Everything that is needed to continue from here, as a nested dictionary.

        Its arrays are copies: they do not change while the model learns on.
        """
        return copied(self._state())

    def save(self, path: str | Path) -> None:
        """Write weights, state and history to an HDF5 file, all or nothing."""
        save_model(self, self.KIND, path)

    @property
    def notes(self) -> dict[str, Any]:
        """Numbers and texts by name, to be kept with the model in its file; may be set."""
        return self._notes

    @notes.setter
    def notes(self, notes: Mapping[str, Any]) -> None:
        if not isinstance(notes, Mapping) or not all(isinstance(name, str) for name in notes):
            raise InputError(f"notes is {show(notes)}; it has to be a dict with names.")
        self._notes = dict(notes)

    def _refusal(self, name: str) -> str:
        if name not in getattr(self.parameters, "_fields", ()):
            return super()._refusal(name)
        return (
            f"{name} of this {type(self).__name__} cannot be set: it is a parameter; build another "
            f"one with {name}=..."
        )

    def __reduce__(self) -> Any:
        made_of = type(self), self._state(), getattr(self, "backend", "cpu"), self.history
        return _of_state, made_of


def _of_state(
    kind: type[Learner], state: dict[str, Any], backend: str, history: dict[str, list[Any]]
) -> Learner:
    net = kind._from_state(state, backend)
    net.history.update(history)  # in a state all its numbers are real ones
    return net


class ImageClassifier(Learner):
    """A model that learns images one epoch after another.

    A model has `sizes`, `classes` and `dtype`, and implements the methods that are missing here.
    """

    sizes: tuple[int, ...]
    classes: int
    dtype: str
    _at_epoch = 0
    _at_example = 0
    _held_out: tuple[np.ndarray, np.ndarray] | None = None  # what the present `fit` tests on

    @property
    def epoch(self) -> int:
        """How many epochs it has learned."""
        return self._at_epoch

    @property
    def example(self) -> int:
        """How many examples of the unfinished epoch it has learned."""
        return self._at_example

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images."""
        raise NotImplementedError

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        """Show the remaining images of this epoch, and yield after every block of them."""
        raise NotImplementedError

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        """Add the epoch to `history` and begin the next one."""
        raise NotImplementedError

    def fit(
        self,
        images: Any,
        labels: Any,
        epochs: int = 1,
        *,
        shuffle: bool = True,
        validation: tuple[Any, Any] | None = None,
        validate_every: int = 1,
        keep_best: bool = False,
        progress: bool | Progress = False,
        checkpoint: str | Path | None = None,
        patience: int | None = None,
        schedule: Callable[[int], float] | None = None,
        callback: Callable[[Any], Any] | None = None,
    ) -> dict[str, list[Any]]:
        """Learn.

        Parameters
        ----------
        images : array_like, shape (examples, pixels) or (examples, rows, columns)
            uint8 from 0 to 255, or floats from 0 to 1.
        labels : array_like of int, shape (examples,)
        epochs : int
            How many more passes through the examples. If an epoch was interrupted, it is finished
            first, and counts as one of them.
        shuffle : bool
            Show the examples in a new order in each epoch.
        validation : tuple of images and labels, optional
            Images and labels on which the model is tested after epochs.
        validate_every : int
            Test after every so many epochs, and always after the last one.
        keep_best : bool
            At the end, take the weights of the epoch with the lowest validation error, and of
            several such epochs the earliest; ``history["best_epoch"]`` is its number. All epochs
            that were tested with `keep_best` count. The next `fit` still continues with the weights
            of the last epoch, unless weights were set in between.
        progress : bool or callable
            True shows a bar if stderr is a terminal.
        checkpoint : str or Path, optional
            Save to this file after every epoch, and after an interruption by Ctrl-C or SIGTERM.
        patience : int, optional
            Stop early if the validation error has not become lower in so many tests.
        schedule : callable, optional
            ``schedule(epoch)`` is the factor by which learning rates are multiplied in an epoch;
            the first epoch is 0. By default the factor is 1.
        callback : callable, optional
            ``callback(net)`` is called after each epoch, once its entry in `history` is written
            and saved. If it returns True, learning stops.

        Returns
        -------
        dict of str to list
            The present `history`, with an entry per epoch: 'epoch', 'training_error' and, where the
            model was tested on `validation`, 'test_error', both in percent, and more.

        Raises
        ------
        InputError
            If images or labels do not fit the network, or if `keep_best` or `patience` is given
            without `validation`.
        SimulationError
            If a state variable or weight becomes NaN or infinite.
        FileError
            If `checkpoint` cannot be written, or another process is using it.
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, at the end of the current block of examples and after saving.
        """
        images = self._check_images("images", images)
        labels = self._check_labels("labels", labels, len(images))
        epochs = check_integer("epochs", epochs, at_least=1)
        check_integer("validate_every", validate_every, at_least=1)
        check_choice("shuffle", shuffle, [True, False])
        if check_choice("keep_best", keep_best, [True, False]) and validation is None:
            raise InputError(
                "keep_best is True, but there is no validation; give validation=(images, labels)."
            )
        if patience is not None:
            check_integer("patience", patience, at_least=1)
            if validation is None:
                raise InputError(
                    f"patience is {patience}, but there is no validation; give "
                    "validation=(images, labels)."
                )
        for name, function in (("schedule", schedule), ("callback", callback)):
            if function is not None and not callable(function):
                raise InputError(f"{name} is {show(function)}; it has to be a function.")
        if validation is not None:
            if not isinstance(validation, (tuple, list)) or len(validation) != 2:
                raise InputError("validation has to be a pair: images, labels.")
            held_out = self._check_images("validation images", validation[0])
            answers = self._check_labels("validation labels", validation[1], len(held_out))
        self._held_out = None if validation is None else (held_out, answers)
        if self.example > len(images):
            raise InputError(
                f"images has {len(images)} examples, but the interrupted epoch is at example "
                f"{self.example}; resume with the images it began with."
            )
        last = self.epoch + epochs
        total = epochs * len(images)
        start = self.epoch * len(images)
        with (
            keeping(self, checkpoint) as keep,
            Interruption() as interruption,
            progress_bar(progress, total, "example") as report,
            np.errstate(all="ignore"),  # check_state finds numbers that become NaN or infinite
        ):
            self._take_latest()
            keep()
            tested: list[float] = []
            while self.epoch < last:
                rate = 1.0 if schedule is None else schedule(self.epoch)
                self._scale_rates(check_number("schedule(epoch)", rate, at_least=0.0))
                for _ in self._epoch(images, labels, shuffle):
                    report(self.epoch * len(images) + self.example - start, total)
                    if interruption.requested:
                        keep()
                        raise interruption.error
                check_state(self)
                test = (self.epoch + 1) % validate_every == 0 or self.epoch + 1 == last
                error = None
                if validation is not None and test:
                    error = self.evaluate(held_out, answers)
                self._finish_epoch(len(images), error)
                tested += [] if error is None else [error]
                is_over = self.epoch == last or _is_stuck(tested, patience)
                if keep_best:
                    self._note_best(error)
                    if is_over:
                        self._take_best()
                keep()
                if interruption.requested:
                    raise interruption.error
                if callback is not None and callback(self) is True and not is_over:
                    is_over = True
                    if keep_best:
                        self._take_best()
                        keep()
                if is_over:
                    break
        return copied(self.history)

    def _scale_rates(self, factor: float) -> None:
        """Multiply the learning rates of the parameters by a factor, until the next call."""
        raise NotImplementedError

    def _note_best(self, error: float | None) -> None:
        """Keep the weights of the epoch that has ended, if no earlier one was as good."""
        if error is not None and (self._best is None or error < self._best["error"]):
            weights = self._copied_weights()
            self._best = {"epoch": self.epoch, "error": error, "weights": weights}
        before = [None] * (len(self.history["epoch"]) - 1)
        column = self.history.setdefault("best_epoch", [*before, None])
        column[-1] = None if self._best is None else self._best["epoch"]

    def _take_best(self) -> None:
        """Take the weights of the best epoch, until learning continues."""
        if self._best is not None:
            self._latest = self._copied_weights()
            self._set_weights(self._best["weights"])

    def _take_latest(self) -> None:
        """Take the weights of the last epoch again, unless the user has set others."""
        if self._latest is not None and self._best is not None:
            best = self._best["weights"]
            if all(
                np.array_equal(getattr(self, name)[int(m)], array)
                for name, layers in best.items()
                for m, array in layers.items()
            ):
                self._set_weights(self._latest)
            self._latest = None

    def _copied_weights(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            name: {str(m): array.copy() for m, array in enumerate(getattr(self, name))}
            for name in self.WEIGHTS
        }

    def _set_weights(self, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        for name in self.WEIGHTS:
            layers = getattr(self, name)
            for m in range(len(layers)):
                layers[m] = weights[name][str(m)]

    def _kept_best(self) -> dict[str, Any]:
        """What `keep_best` adds to a `state`."""
        kept = {"best": self._best, "latest": self._latest}
        return {name: part for name, part in kept.items() if part is not None}

    def _restore_best(self, state: Mapping[str, Any]) -> None:
        """Restore what `_kept_best` added, once the weights of the state are restored."""
        if "best" not in state:
            return
        own, best = self._copied_weights(), state["best"]
        self._best = {
            "epoch": saved_count(best, "epoch", at_most=self.epoch),
            "error": check_number("saved error", best["error"]),
            "weights": self._checked_weights(best["weights"]),
        }
        if "latest" in state:
            self._latest = self._checked_weights(state["latest"])
        self._set_weights(own)

    def _checked_weights(self, weights: Any) -> dict[str, dict[str, np.ndarray]]:
        """Saved weights, after a check that they fit the model."""
        self._set_weights(weights)
        return self._copied_weights()

    def evaluate(self, images: Any, labels: Any, progress: bool | Progress = False) -> float:
        """The percentage of images that are classified wrongly.

        Parameters
        ----------
        images : array_like, shape (images, pixels) or (images, rows, columns)
        labels : array_like of int, shape (images,)
        progress : bool or callable
            True shows a bar if stderr is a terminal.
        """
        images = self._check_images("images", images)
        labels = self._check_labels("labels", labels, len(images))
        return float(np.mean(self.predict(images, progress) != labels) * 100.0)

    def confusion(self, images: Any, labels: Any, progress: bool | Progress = False) -> np.ndarray:
        """How often images of each class get each answer; `spikesim.plot.confusion` draws it.

        Parameters
        ----------
        images : array_like, shape (images, pixels) or (images, rows, columns)
        labels : array_like of int, shape (images,)
        progress : bool or callable
            True shows a bar where stderr is a terminal.

        Returns
        -------
        numpy.ndarray of int64, shape (classes, classes)
            Rows are classes, columns answers.
        """
        images = self._check_images("images", images)
        labels = self._check_labels("labels", labels, len(images))
        counts = np.zeros((self.classes, self.classes), np.int64)
        np.add.at(counts, (labels, self.predict(images, progress)), 1)
        return counts

    @classmethod
    def load(cls: type[Classifier], path: str | Path, backend: str = "cpu") -> Classifier:
        """Read a network that `save` wrote; it continues as the saved one would have."""
        return load_model(cls.KIND, path, lambda state: cls._from_state(state, backend))

    def _in_parts(
        self,
        images: np.ndarray,
        classify: Callable[[np.ndarray], np.ndarray],
        progress: bool | Progress,
    ) -> np.ndarray:
        """The answers of `classify` for all images, 1000 at a time."""
        answers = np.zeros(len(images), np.int64)
        with progress_bar(progress, len(images), "image") as report:
            for first in range(0, len(images), 1000):
                part = slice(first, min(first + 1000, len(images)))
                answers[part] = classify(images[part])
                report(part.stop, len(images))
        return answers

    def _check_images(self, name: str, images: Any) -> np.ndarray:
        """Images as uint8 from 0 to 255, or as floats from 0 to 1 of the network's type.

        Of any shape, (images, rows, columns) or (images, pixels), or a single one without the
        first axis; they are returned as (images, pixels).
        """
        given = check_array(name, images)
        pixels = self.sizes[0]
        if given.ndim < 2 or math.prod(given.shape[1:]) != pixels:
            if given.size != pixels or given.ndim > 2:
                raise InputError(
                    f"{name} has shape {given.shape}; it has to be (images, {pixels}), or "
                    f"(images, rows, columns) of {pixels} pixels."
                )
            given = given.reshape(1, pixels)
        array = check_array(name, given.reshape(len(given), pixels), at_least=0.0)
        if len(array) == 0:
            raise InputError(f"{name} is empty; it has to hold at least one image.")
        if array.dtype == np.uint8:
            return array
        if array.dtype.kind == "f":
            return check_array(name, array, at_most=1.0, dtype=self.dtype)
        raise InputError(
            f"{name} has dtype {array.dtype}; it has to be uint8 from 0 to 255 "
            "or floats from 0 to 1."
        )

    def _check_labels(self, name: str, labels: Any, n: int) -> np.ndarray:
        """One class per image."""
        return check_array(
            name, labels, shape=(n,), dtype=np.int64, at_least=0, at_most=self.classes - 1
        )


def _is_stuck(errors: list[float], patience: int | None) -> bool:
    """Whether none of the last `patience` tests was better than the best one before them."""
    if patience is None or not errors:
        return False
    return len(errors) - 1 - errors.index(min(errors)) >= patience


def save_model(net: Learner, kind: str, path: str | Path) -> None:
    """Write the `state` of a model to an HDF5 file, all or nothing."""
    with atomic_file(path) as file:
        stamp(file, kind)
        write_tree(file.create_group("network"), net._state())


@contextmanager
def keeping(net: Learner, checkpoint: str | Path | None) -> Iterator[Callable[[], None]]:
    """A function that saves a model to its checkpoint, which is held within the `with` block.

    If the model holds NaN or infinite numbers, the function raises `SimulationError` and leaves the
    good checkpoint as it is. Without a checkpoint it does nothing.

    Raises
    ------
    FileError
        If the checkpoint cannot be written, or another process is using it.
    """
    if checkpoint is None:
        yield lambda: None
        return

    def keep() -> None:
        check_state(net)
        net.save(checkpoint)

    with hold_file(checkpoint):
        yield keep


def load_model(kind: str, path: str | Path, build: Callable[[dict[str, Any]], Model]) -> Model:
    """Read what `save_model` wrote: `build` makes the model from its state.

    Raises
    ------
    FileError
        If the file is damaged, is of another kind or lacks a part.
    """
    with open_file(path, kind) as file:
        saved = read_tree(file)
    try:
        return build(saved["network"])
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileError(f"{path} lacks a part ({error}); it is damaged or was edited.") from None


def check_sizes(sizes: Any) -> tuple[int, ...]:
    """The sizes of all layers, from the inputs to the outputs."""
    if not isinstance(sizes, (tuple, list)) or len(sizes) < 2:
        raise InputError(f"sizes is {show(sizes)}; it has to list at least inputs and outputs.")
    checked = tuple(check_integer(f"sizes[{k}]", n, at_least=1) for k, n in enumerate(sizes))
    synapses = sum(float(below) * n for below, n in pairwise(checked))
    check_memory(f"sizes is {show(sizes)}", 4.0 * synapses)
    return checked


def check_finite(weights: Mapping[str, Sequence[np.ndarray]], epoch: int, remedy: str) -> None:
    """Raise an error if a weight is NaN or infinite; `remedy` says what to change."""
    for name, arrays in weights.items():
        for m, array in enumerate(arrays):
            if not np.isfinite(array).all():
                raise SimulationError(
                    f"{name}[{m}] became NaN or infinite in epoch {epoch}; {remedy}."
                )


# The parts of a model's state with which it computes; its history may hold NaN.
_COMPUTED = ("weights", "momentum", "feedback", "running", "simulation")


def check_state(net: Learner) -> None:
    """Raise an error if anything with which a model would continue is NaN or infinite."""
    state = net._state()
    for part in _COMPUTED:
        for name, array in _arrays(state.get(part, {})):
            if not np.isfinite(array).all():
                raise SimulationError(
                    f"{name} of the {part} became NaN or infinite in {net}; choose a smaller "
                    "learning rate or smaller weights."
                )


def _arrays(tree: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of nested dictionaries, each with the names that lead to it."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", array) for inner, array in _arrays(value))
        elif isinstance(value, np.ndarray):
            yield name, value


class LayerArrays(Guarded, Sequence):
    """The arrays of all layers; setting one copies the values in, after checking them.

    Examples
    --------
    >>> W = LayerArrays("W", [np.zeros((2, 3)), np.zeros((3, 1))])
    >>> W[0] = np.ones((2, 3))
    >>> W
    <W: (2, 3), (3, 1)>
    """

    def __init__(self, name: str, arrays: list[np.ndarray]):
        self._name = name
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, m):  # type: ignore[no-untyped-def]
        return self._arrays[m]

    def __setitem__(self, m: int, values: Any) -> None:
        own = self._arrays[m]
        own[...] = check_array(f"{self._name}[{m}]", values, shape=own.shape, dtype=own.dtype)

    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(str(a.shape) for a in self._arrays)}>"


# Columns of whole numbers, which older files hold as floats.
_COUNTS = ("best_epoch", "block", "epoch", "unmatched")


def history_arrays(history: Mapping[str, list[Any]]) -> dict[str, np.ndarray]:
    """A history as arrays, for a file: whole numbers or floats; NaN marks a missing value.

    Examples
    --------
    >>> history_arrays({"epoch": [1, 2], "test_error": [None, 4.5]})
    {'epoch': array([1, 2]), 'test_error': array([nan, 4.5])}
    """
    return {
        key: np.array(
            [np.nan if v is None else v for v in values],
            np.int64 if values and all(type(v) is int for v in values) else np.float64,
        )
        for key, values in history.items()
    }


def saved_count(saved: Mapping[str, Any], name: str, at_most: int | None = None) -> int:
    """A whole number of a saved state, at least 0; raise `InputError` if it is anything else."""
    return check_integer(f"saved {name}", saved[name], at_least=0, at_most=at_most)


def saved_sums(saved: Mapping[str, Any], name: str, n: int) -> np.ndarray:
    """The `n` sums of a saved state, 0 if it has none; raise `InputError` if they do not fit."""
    sums = saved.get(name, np.zeros(n))
    return check_array(f"saved {name}", sums, shape=(n,), dtype=np.float64, finite=False)


def history_lists(saved: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """Turn the result of `history_arrays` into lists again; None marks a missing value."""
    return {
        key: [list(row) for row in values]
        if values.ndim > 1
        else [None if np.isnan(v) else _counted(key, v) for v in values.tolist()]
        for key, values in saved.items()
    }


def _counted(key: str, value: float) -> float:
    """A value as a whole number, if its column counts and the value is a whole number."""
    exact = float(value).is_integer() and abs(value) <= 2**53
    return int(value) if key in _COUNTS and exact else value


def random_numbers(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose; every call with the same seed returns the same ones."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))
