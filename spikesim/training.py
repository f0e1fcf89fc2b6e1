"""What models that learn share: epochs, files, images, weights, histories, random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spikesim.errors import (
    FileError,
    InputError,
    SimulationError,
    check_array,
    check_integer,
)
from spikesim.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.progress import Interruption, Progress, progress_bar

__all__ = [
    "LayerArrays",
    "check_finite",
    "check_images",
    "check_labels",
    "check_sizes",
    "history_arrays",
    "history_lists",
    "learn_epochs",
    "load_model",
    "random_numbers",
    "save_model",
]

Model = TypeVar("Model")


def learn_epochs(
    net: Any,
    epochs: int,
    examples: int,
    show: Callable[[], Iterator[None]],
    finish: Callable[[bool], None],
    progress: bool | Progress,
    checkpoint: str | Path | None,
) -> None:
    """Learn for some epochs: progress, checkpoints, and Ctrl-C between two blocks of examples.

    Parameters
    ----------
    net : model
        Its `epoch` and `example` say how far it came; `save` writes it to a file.
    epochs : int
        How many more. An unfinished one is finished first and counts.
    examples : int
        How many an epoch has.
    show : callable
        Shows the rest of an epoch's examples and yields after every block of them.
    finish : callable
        Told at the end of an epoch whether it is the last; makes the history's entry.
    progress, checkpoint
        As a model's `fit` takes them.

    Raises
    ------
    InputError
        If the epoch to be finished had more examples.
    KeyboardInterrupt
        After Ctrl-C, at the end of a block and after saving.
    """
    if net.example >= examples:
        raise InputError(
            f"images has {examples} examples, but the interrupted epoch is at example "
            f"{net.example}; resume with the images it began with."
        )
    if checkpoint is not None:
        net.save(checkpoint)
    last = net.epoch + epochs
    start = net.epoch * examples
    total = epochs * examples
    with Interruption() as interruption, progress_bar(progress, total, "example") as report:
        while net.epoch < last:
            for _ in show():
                report(net.epoch * examples + net.example - start, total)
                if interruption.requested:
                    if checkpoint is not None:
                        net.save(checkpoint)
                    raise KeyboardInterrupt
            finish(net.epoch + 1 == last)
            if checkpoint is not None:
                net.save(checkpoint)


def save_model(net: Any, kind: str, path: str | Path) -> None:
    """Write the `state` of a model to an HDF5 file, all or nothing."""
    with atomic_file(path) as file:
        stamp(file, kind)
        write_tree(file.create_group("network"), net.state())


def load_model(kind: str, path: str | Path, build: Callable[[dict[str, Any]], Model]) -> Model:
    """What `save_model` wrote: `build` makes the model from its state.

    Raises
    ------
    FileError
        If the file is damaged, of another kind or lacks a part.
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
    """The sizes of all layers, from the pixels to the classes."""
    if not isinstance(sizes, (tuple, list)) or len(sizes) < 2:
        raise InputError(f"sizes is {sizes!r}; it has to list at least pixels and classes.")
    return tuple(check_integer(f"sizes[{k}]", n, at_least=1) for k, n in enumerate(sizes))


def check_images(name: str, images: Any, pixels: int, dtype: str) -> np.ndarray:
    """Images as uint8 from 0 to 255, or as floats from 0 to 1 of the type `dtype`."""
    array = check_array(name, images, shape=(None, pixels), at_least=0.0)
    if len(array) == 0:
        raise InputError(f"{name} is empty; it has to hold at least one image.")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f":
        return check_array(name, array, at_most=1.0, dtype=dtype)
    raise InputError(
        f"{name} has dtype {array.dtype}; it has to be uint8 from 0 to 255 or floats from 0 to 1."
    )


def check_labels(name: str, labels: Any, n: int, classes: int) -> np.ndarray:
    """One class per image."""
    return check_array(name, labels, shape=(n,), dtype=np.int64, at_least=0, at_most=classes - 1)


def check_finite(weights: Mapping[str, Sequence[np.ndarray]], epoch: int, remedy: str) -> None:
    """Stop if a weight is no number any more; `remedy` says what to change."""
    for name, arrays in weights.items():
        for m, array in enumerate(arrays):
            if not np.isfinite(array).all():
                raise SimulationError(
                    f"{name}[{m}] became NaN or infinite in epoch {epoch}; {remedy}."
                )


class LayerArrays(Sequence):
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


def history_arrays(history: Mapping[str, list[Any]]) -> dict[str, np.ndarray]:
    """A history as arrays, for a file; NaN where there is no value."""
    return {
        key: np.array([np.nan if v is None else v for v in values], np.float64)
        for key, values in history.items()
    }


def history_lists(saved: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """What `history_arrays` made, as lists again; None where there was no value."""
    return {
        key: [list(row) for row in values]
        if values.ndim > 1
        else [None if np.isnan(v) else float(v) for v in values]
        for key, values in saved.items()
    }


def random_numbers(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, the same whenever they are asked for."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))
