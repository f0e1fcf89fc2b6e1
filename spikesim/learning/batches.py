"""`BatchModel`: layers without time that learn batch by batch, with NumPy's matrix products."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.checks import check_choice, check_integer
from spikesim.learning.parameters import ModelParameters
from spikesim.progress import Progress
from spikesim.training import (
    ImageClassifier,
    LayerArrays,
    check_finite,
    check_sizes,
    history_arrays,
    history_lists,
    random_numbers,
    saved_count,
)

__all__ = ["BatchModel"]


class BatchModel(ImageClassifier):
    """A network that learns to classify images from batches of them, and has no dynamics.

    A model brings the class attributes and the methods of the first part. Its `Parameters` need
    `batch`, how many images an update takes, and `momentum`.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the pixels to the classes: (784, 500, 10).
    seed : int
        Weights and the order of examples depend on it.
    dtype : {'float32', 'float64'}
    **parameters
        Constants and options that differ from the defaults, by name; the model's ``Parameters``
        lists them.

    Attributes
    ----------
    KIND : str
        The kind that its files name as their content.
    Parameters : type
        Its constants; see `spikesim.learning.parameters`.
    WEIGHTS : tuple of str
        The arrays that learning changes; users see them as ``net.NAME[m]``.
    MOMENTUM : tuple of str
        The names among them that `change` changes.
    STREAMS : tuple of str
        The purposes of random numbers; each has its own stream.
    MEASURES : tuple of str
        The values that `learn_from` returns for each hidden layer; the history has their means
        over examples.
    COLUMNS : tuple of str
        The entries of the history that `measures` returns.
    notes : dict of str to number or str
        Anything that the network's file is to keep with it.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, 'loss' (mean
        squared error), the model's measures, and 'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible; nothing has been made by then.
    """

    Parameters: ClassVar[type[ModelParameters]] = ModelParameters
    WEIGHTS: tuple[str, ...] = ("W", "b")
    MOMENTUM: ClassVar[tuple[str, ...]] = ("W", "b")
    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "order")
    MEASURES: ClassVar[tuple[str, ...]] = ()
    COLUMNS: ClassVar[tuple[str, ...]] = ()

    W: LayerArrays
    b: LayerArrays

    # ------------------------------------------------------------------- what a model brings

    def weights(self) -> dict[str, list[np.ndarray]]:
        """Name → the arrays that learning changes, one for each layer that has one."""
        raise NotImplementedError

    def forward(self, images: np.ndarray) -> list[np.ndarray]:
        """The activities of all layers for some images, input first; shapes (images, units)."""
        raise NotImplementedError

    def learn_from(self, activities: list[np.ndarray], target: np.ndarray) -> Mapping[str, Any]:
        """Learn from a batch; return its measures, by the names in `MEASURES`."""
        raise NotImplementedError

    def measures(self) -> dict[str, Any]:
        """Return further entries of the history, at the end of an epoch."""
        return {}

    # ------------------------------------------------------------------- what it gets

    def __init__(
        self,
        sizes: Sequence[int] = (784, 500, 10),
        *,
        seed: int = 0,
        dtype: str = "float32",
        **parameters: Any,
    ):
        self.sizes = check_sizes(sizes)
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self.parameters = self.Parameters.checked(len(self.sizes) - 1, parameters, self.dtype)
        self.classes = self.sizes[-1]
        self._weights = {
            name: [array.astype(self.dtype) for array in arrays]
            for name, arrays in self.weights().items()
        }
        self._momentum = {
            name: [np.zeros_like(array) for array in self._weights[name]] for name in self.MOMENTUM
        }
        for name, arrays in self._weights.items():
            setattr(self, name, LayerArrays(name, arrays))
        self.notes = {}
        columns = ("epoch", "training_error", "test_error", "loss", *self.MEASURES, *self.COLUMNS)
        self.history = {key: [] for key in (*columns, "seconds")}
        self._sums = self._no_sums()

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<{type(self).__name__} {layers}, {self.epoch} epochs, seed {self.seed}>"

    def chance(self, purpose: str, *more: int) -> np.random.Generator:
        """Random numbers for one purpose; every call returns the same ones.

        Parameters
        ----------
        purpose : str
            One of `STREAMS`.
        *more : int
            Anything else that they depend on, such as the number of the epoch.
        """
        check_choice("purpose", purpose, list(self.STREAMS))
        return random_numbers(self.seed, self.STREAMS.index(purpose), *more)

    def change(self, name: str, k: int, product: np.ndarray, decay: float = 0.0) -> None:
        """D <- product + momentum D; then the k-th array of a name <- (1 - decay) array + D."""
        momentum, array = self._momentum[name][k], self._weights[name][k]
        momentum *= self.parameters.momentum  # type: ignore[attr-defined]
        momentum += product
        array *= 1.0 - decay
        array += momentum

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        n, batch = len(images), self.parameters.batch  # type: ignore[attr-defined]
        order = self.chance("order", self.epoch).permutation(n) if shuffle else np.arange(n)
        one_hot = np.eye(self.classes, dtype=self.dtype)
        while self.example < n:
            began = time.perf_counter()
            now = order[self.example : self.example + batch]
            activities, target = self.forward(images[now]), one_hot[labels[now]]
            output = activities[-1]
            for name, values in self.learn_from(activities, target).items():
                self._sums[name] += [len(now) * value for value in values]
            self._sums["wrong"] += np.sum(np.argmax(output, axis=1) != labels[now])
            self._sums["loss"] += len(now) * np.mean((target - output) ** 2, dtype=np.float64)
            self._sums["seconds"] += time.perf_counter() - began
            self._at_example += len(now)
            yield

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        check_finite(self._weights, self.epoch + 1, "choose smaller learning rates")
        means = {name: total / examples for name, total in self._sums.items()}
        entry: dict[str, Any] = {name: means[name].tolist() for name in ("loss", *self.MEASURES)}
        entry.update(epoch=self.epoch + 1, training_error=100.0 * float(means["wrong"]))
        entry.update(test_error=test_error, seconds=float(self._sums["seconds"]))
        entry.update(self.measures())
        for key, values in self.history.items():
            values.append(entry.get(key))
        self._at_epoch += 1
        self._at_example = 0
        self._sums = self._no_sums()

    def _no_sums(self) -> dict[str, np.ndarray]:
        hidden = dict.fromkeys(self.MEASURES, (len(self.sizes) - 2,))
        sizes = {"wrong": (), "loss": (), "seconds": (), **hidden}
        return {name: np.zeros(shape) for name, shape in sizes.items()}

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images by the output unit with the highest activity.

        Parameters
        ----------
        images : array_like, shape (images, pixels) or (images, rows, columns), or one image
            uint8 from 0 to 255, or floats from 0 to 1.
        progress : bool or callable
            True shows a bar if stderr is a terminal.
        """
        images = self._check_images("images", images)
        return self._in_parts(
            images, lambda part: np.argmax(self.forward(part)[-1], axis=1), progress
        )

    # ------------------------------------------------------------------- saving, loading

    def _state(self) -> dict[str, Any]:

        def numbered(layers: dict[str, list[np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
            return {name: {str(k): a for k, a in enumerate(each)} for name, each in layers.items()}

        return {
            "config": {
                "sizes": list(self.sizes),
                "seed": self.seed,
                "dtype": self.dtype,
                "parameters": self.parameters._asdict(),
            },
            "weights": numbered(self._weights),
            "momentum": numbered(self._momentum),
            "progress": {"epoch": self.epoch, "example": self.example, "sums": self._sums},
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
            **self._kept_best(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> Any:
        config = state["config"]
        made = {name: config[name] for name in ("seed", "dtype")}
        net = cls(tuple(config["sizes"]), **made, **config["parameters"])
        for part, saved in ((net._weights, "weights"), (net._momentum, "momentum")):
            for name, arrays in part.items():
                for k, array in enumerate(arrays):
                    array[...] = state[saved][name][str(k)]
        net._at_epoch = saved_count(state["progress"], "epoch")
        net._at_example = saved_count(state["progress"], "example")
        for name, total in net._sums.items():
            total[...] = state["progress"]["sums"][name]
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        net._restore_best(state)
        return net
