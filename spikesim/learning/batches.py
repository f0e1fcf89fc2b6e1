"""`BatchModel`: layers without time that learn batch by batch, with NumPy's matrix products."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim.backends import check_backend
from spikesim.checks import check_array, check_choice, check_integer, show
from spikesim.errors import InputError
from spikesim.learning.classifiers import MeasuredClassifier
from spikesim.learning.measures import Update
from spikesim.learning.optimizers import RULES
from spikesim.learning.parameters import ModelParameters
from spikesim.learning.recording import BatchRecording
from spikesim.progress import Progress
from spikesim.training import (
    LayerArrays,
    check_finite,
    check_sizes,
    history_arrays,
    history_lists,
    random_numbers,
    saved_count,
)

__all__ = ["BatchModel"]

Drawn = Mapping[str, list[np.ndarray]]
"""Name → arrays with a row for each example of a batch."""

Learns = Callable[[list[np.ndarray], np.ndarray, Drawn], Mapping[str, Any]]
"""From activities, targets and what is drawn for a batch, to its measures."""


class BatchModel(MeasuredClassifier):
    """A network that learns to classify images from batches of them, and has no dynamics.

    A model brings the class attributes and the methods of the first part. Its `Parameters` need
    `batch`, how many images an update takes; `momentum`, if it calls `change`; and `optimizer`, if
    it calls `optimise`.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the pixels to the classes: (784, 500, 10).
    seed : int
        Weights and the order of examples depend on it.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'threads', 'python', 'cuda'}
        As other models have it; NumPy computes on all of them.
    **parameters
        Constants and options that differ from the defaults, by name; the model's ``Parameters``
        lists them.

    Attributes
    ----------
    KIND : str
        The kind that its files name as their content; by default the name of the class.
    TITLE : str
        The model and its paper, in one line.
    Parameters : type
        Its constants; see `spikesim.learning.parameters`.
    WEIGHTS : tuple of str
        The arrays that learning changes; users see them as ``net.NAME[m]``.
    MOMENTUM : tuple of str
        The names among them that `change` changes.
    OPTIMISED : tuple of str
        The names among them that `optimise` changes.
    STREAMS : tuple of str
        The purposes of random numbers; each has its own stream.
    MEASURES : tuple of str
        The values that `learn_from` returns for each hidden layer; the history has their means
        over examples.
    DRAWN : tuple of str
        What `draws` returns.
    COLUMNS : tuple of str
        The entries of the history that `measures` returns.
    notes : dict of str to number or str
        Anything that the network's file is to keep with it.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, 'loss' (by
        default the mean squared error), the model's measures, and 'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible; nothing has been made by then.

    Examples
    --------
    >>> from spikesim.learning.parameters import number, whole
    >>> class Parameters(ModelParameters):
    ...     eta: float = number(0.1, "learning rate", at_least=0.0)
    ...     batch: int = whole(10, "images per update", at_least=1)
    ...     momentum: float = number(0.9, at_least=0.0, below=1.0)
    >>> class Linear(BatchModel):  # the delta rule
    ...     Parameters = Parameters
    ...     MOMENTUM = ("W",)
    ...     def weights(self):
    ...         return {"W": [np.zeros(self.sizes)]}
    ...     def forward(self, images):
    ...         return [images, images @ self.W[0]]
    ...     def learn_from(self, activities, target):
    ...         x, y = activities
    ...         self.change("W", 0, self.parameters.eta * x.T @ (target - y) / len(x))
    ...         return {}
    >>> net = Linear((2, 2))
    >>> history = net.fit(np.eye(2), [1, 0], epochs=20)
    >>> net.predict(np.eye(2)).tolist()
    [1, 0]
    """

    TITLE: ClassVar[str] = ""
    Parameters: ClassVar[type[ModelParameters]] = ModelParameters
    WEIGHTS: tuple[str, ...] = ("W", "b")
    MOMENTUM: ClassVar[tuple[str, ...]] = ("W", "b")
    OPTIMISED: ClassVar[tuple[str, ...]] = ()
    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "order")
    MEASURES: ClassVar[tuple[str, ...]] = ()

    W: LayerArrays
    b: LayerArrays

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "KIND" not in vars(cls):
            cls.KIND = cls.__name__

    # ------------------------------------------------------------------- what a model brings

    def weights(self) -> dict[str, list[np.ndarray]]:
        """Name → the arrays that learning changes, one for each layer that has one."""
        raise NotImplementedError

    def forward(self, images: np.ndarray) -> list[np.ndarray]:
        """The activities of all layers for some images, input first; shapes (images, units)."""
        raise NotImplementedError

    def learn_from(self, activities: list[np.ndarray], target: np.ndarray) -> Mapping[str, Any]:
        """Learn from the activities and targets of a batch; return measures, as in `MEASURES`.

        Parameters
        ----------
        activities : list of numpy.ndarray
            As `forward` returns them.
        target : numpy.ndarray, shape (images, classes)
        """
        raise NotImplementedError

    def sweeps(self) -> dict[str, Learns]:
        """How an epoch goes through the examples: once for each name, in an order of its own."""
        return {"learn": lambda activities, target, drawn: self.learn_from(activities, target)}

    def draws(self, examples: int, batch: int) -> dict[str, list[np.ndarray]]:
        """Draw what a batch of so many examples needs; `batch` is its number since the start."""
        return {}

    def deltas(self, activities: list[np.ndarray], target: np.ndarray) -> list[np.ndarray]:
        """What each layer above the input learns from: -dE/da, or what stands for it.

        Parameters
        ----------
        activities : list of numpy.ndarray
            As `forward` returns them.
        target : numpy.ndarray, shape (images, classes)
        """
        raise NotImplementedError

    def backpropagated(self, activities: list[np.ndarray], target: np.ndarray) -> list[np.ndarray]:
        """The same by backpropagation."""
        raise NotImplementedError

    def feedback_weights(self) -> Sequence[np.ndarray | None]:
        """The feedback weights from the layer above onto each hidden layer, [pre, post], if any."""
        return [None] * (len(self.sizes) - 2)

    def loss(self, output: np.ndarray, target: np.ndarray) -> float:
        """The mean loss of a batch, from its ``output`` and ``target``."""
        return float(np.mean((target - output) ** 2, dtype=np.float64))

    def recorded(
        self, activities: list[np.ndarray], target: np.ndarray | None
    ) -> dict[str, list[np.ndarray | None]]:
        """Variable → its values in all layers, input first, for `record`; None where it has none.

        They are those of one example, shape (1, units). ``activities`` and ``target`` are as for
        `learn_from`; a recording without a label has no target.
        """
        return {"h": list(activities)}

    @staticmethod
    def draw(net: Any, data: Any, pictures: Any) -> None:
        """Draw pictures of a run, with ``pictures.keep``, besides those of every model.

        ``net`` is the network, and ``data`` the `Dataset` that it learned.
        """

    # ------------------------------------------------------------------- what it gets

    def __init__(
        self,
        sizes: Sequence[int] = (784, 500, 10),
        *,
        seed: int = 0,
        dtype: str = "float32",
        backend: str = "cpu",
        **parameters: Any,
    ):
        self.sizes = check_sizes(sizes)
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self.backend = check_backend(backend)
        self.parameters = self.Parameters.checked(len(self.sizes) - 1, parameters, self.dtype)
        self.classes = self.sizes[-1]
        self._weights = {
            name: [array.astype(self.dtype) for array in arrays]
            for name, arrays in self.weights().items()
        }
        self._momentum = {
            name: [np.zeros_like(array) for array in self._weights[name]] for name in self.MOMENTUM
        }
        for name in self.OPTIMISED:
            self._momentum.update(self._moments(name))
        for name, arrays in self._weights.items():
            setattr(self, name, LayerArrays(name, arrays))
        self.notes = {}
        columns = ("epoch", "training_error", "test_error", "loss", *self.MEASURES, *self.COLUMNS)
        self.history = {key: [] for key in (*columns, "seconds")}
        self._sums = self._no_sums()
        self._batches = 0  # since the start
        self._rate = 1.0  # what a schedule multiplies learning rates by

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

    @property
    def example(self) -> int:
        """How many examples of the unfinished epoch it has learned, in all of its sweeps."""
        return self._at_example // len(self.sweeps())

    def change(self, name: str, k: int, product: np.ndarray, decay: float = 0.0) -> None:
        """D <- product + momentum D; then the k-th array of a name <- (1 - decay) array + D."""
        momentum, array = self._momentum[name][k], self._weights[name][k]
        momentum *= self.parameters.momentum  # type: ignore[attr-defined]
        momentum += self.scheduled(product)
        array *= 1.0 - decay
        array += momentum

    def optimise(self, name: str, k: int, product: np.ndarray, rate: float) -> None:
        """Let the k-th array of a name follow a product, by the optimiser of the parameters.

        `rate` is the learning rate.
        """
        rule = RULES[self.parameters.optimizer]  # type: ignore[attr-defined]
        moments = [self._momentum[f"{name} moment {m + 1}"][k] for m in range(rule.moments)]
        updates = self._momentum[f"{name} updates"][k]
        updates += 1
        array = self._weights[name][k]
        array += rule.change(product, self.scheduled(rate), moments, int(updates[0]))

    def _moments(self, name: str) -> dict[str, list[np.ndarray]]:
        """What an optimiser keeps for the arrays of a name."""
        arrays = self._weights[name]
        moments = {
            f"{name} moment {m + 1}": [np.zeros_like(array) for array in arrays]
            for m in range(RULES[self.parameters.optimizer].moments)  # type: ignore[attr-defined]
        }
        return {**moments, f"{name} updates": [np.zeros(1, np.int64) for _ in arrays]}

    def scheduled(self, rate: Any) -> Any:
        """A learning rate, or a change in proportion to one, times the factor of the schedule."""
        return rate if self._rate == 1.0 else self._rate * rate

    def _scale_rates(self, factor: float) -> None:
        self._rate = factor

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        n, batch = len(images), self.parameters.batch  # type: ignore[attr-defined]
        sweeps = list(self.sweeps().values())
        target = np.eye(self.classes, dtype=self.dtype)[labels]
        while self._at_example < len(sweeps) * n:
            sweep, first = divmod(self._at_example, n)
            is_last = sweep == len(sweeps) - 1
            order = np.arange(n)
            if shuffle:  # the last sweep has the order that it would have without the others
                order = self.chance("order", self.epoch, *(() if is_last else [sweep])).permutation(
                    n
                )
            for start in range(first, n, batch):
                began = time.perf_counter()
                now = order[start : start + batch]
                output = self._learn(sweeps[sweep], images[now], target[now])
                if is_last:
                    self._sums["wrong"] += np.sum(np.argmax(output, axis=1) != labels[now])
                    self._sums["loss"] += len(now) * self.loss(output, target[now])
                self._sums["seconds"] += time.perf_counter() - began
                self._at_example += len(now)
                yield

    def _learn(
        self, learns: Learns, images: np.ndarray, target: np.ndarray, given: Drawn | None = None
    ) -> np.ndarray:
        """Learn from a batch, and return the output as it was before."""
        activities = self.forward(images)
        drawn = {**self.draws(len(images), self._batches), **(given or {})}
        for name, values in learns(activities, target, drawn).items():
            self._sums[name] += [len(images) * value for value in values]
        self._batches += 1
        return activities[-1]

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

    # ------------------------------------------------------------------- examples of a user

    def learn(
        self,
        x: Any,
        targets: Any,
        given: Mapping[str, Sequence[Any]] | None = None,
        sweeps: Sequence[str] | None = None,
    ) -> None:
        """Learn once from some examples, in their order and in batches, outside of epochs.

        Parameters
        ----------
        x : array_like, shape (examples, inputs)
            Images as in `fit`, or any numbers.
        targets : array_like of int, shape (examples,), or of float, shape (examples, outputs)
            Classes, or the outputs that are wanted.
        given : mapping of str to sequence of array_like, optional
            What is otherwise drawn, by the names that ``DRAWN`` of the model lists: for each layer
            that has such an array, one of shape (examples, ...).
        sweeps : sequence of str, optional
            Which sweeps through the examples, by the names that `sweeps` of the model gives them;
            by default all that an epoch has.
        """
        x, _, wanted = self._examples(x, targets)
        known = self._check_given(given, self.draws(1, 0), len(x))
        every = self.sweeps()
        chosen = list(every) if sweeps is None else sweeps
        if not isinstance(chosen, (list, tuple)):
            raise InputError(f"sweeps is {show(sweeps)}; it has to be a list of names.")
        for k, name in enumerate(chosen):
            check_choice(f"sweeps[{k}]", name, list(every))
        self._scale_rates(1.0)
        batch, sums = self.parameters.batch, self._sums  # type: ignore[attr-defined]
        self._sums = self._no_sums()  # of examples that belong to no epoch
        for name in chosen:
            for first in range(0, len(x), batch):
                now = slice(first, first + batch)
                rows = {key: [array[now] for array in arrays] for key, arrays in known.items()}
                self._learn(every[name], x[now], wanted[now], rows)
        self._sums = sums

    def activities(self, x: Any) -> list[np.ndarray]:
        """The activities of all layers for examples `x`, input first; shapes (examples, units)."""
        x = check_array("x", x, shape=(None, self.sizes[0]))
        return self.forward(self._examples(x, np.zeros(len(x), np.int64))[0])

    def update(self, x: Any, targets: Any, draw: int = 0) -> Update:
        """What the model would change for some examples; the model stays as it is.

        Parameters
        ----------
        x, targets
            As in `learn`.
        draw : int
            As other models have it; nothing here is drawn.

        Returns
        -------
        Update
            For one unit of learning rate, averaged over the examples.
        """
        check_integer("draw", draw, at_least=0, at_most=2**20)
        return self._update(x, targets, self.deltas)

    def gradient(self, x: Any, targets: Any) -> Update:
        """The change of backpropagation, -dE/dW, at the same weights and activities.

        Parameters
        ----------
        x, targets
            As in `learn`.
        """
        return self._update(x, targets, self.backpropagated)

    def _update(
        self, x: Any, targets: Any, deltas: Callable[[list, np.ndarray], list[np.ndarray]]
    ) -> Update:
        x, _, wanted = self._examples(x, targets)
        h = self.forward(x)
        delta = [each.astype(np.float64) for each in deltas(h, wanted)]
        dW = [below.T @ each / len(x) for below, each in zip(h, delta, strict=False)]
        return Update(dW, [each.mean(axis=0) for each in delta], delta)

    def record(self, image: Any, label: int | None = None) -> BatchRecording:
        """Show one image without learning, and keep what all layers do.

        Parameters
        ----------
        image : array_like, shape (pixels,) or (rows, columns)
        label : int, optional
            With a label, what the model does with its target is kept, too.
        """
        images = self._check_images("image", image)
        if len(images) != 1:
            raise InputError(f"image holds {len(images)} images; `record` shows one at a time.")
        target = None
        if label is not None:
            label = check_integer("label", label, at_least=0, at_most=self.classes - 1)
            target = self._wanted(np.array([label]))
        h = self.forward(images)
        return BatchRecording(self.sizes, self.recorded(h, target), int(np.argmax(h[-1][0])))

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
            "progress": {
                "epoch": self.epoch,
                "example": self._at_example,
                "batches": self._batches,
                "sums": self._sums,
            },
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
            **self._kept_best(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> Any:
        config = state["config"]
        made = {name: config[name] for name in ("seed", "dtype")}
        net = cls(tuple(config["sizes"]), **made, backend=backend, **config["parameters"])
        for part, saved in ((net._weights, "weights"), (net._momentum, "momentum")):
            for name, arrays in part.items():
                for k, array in enumerate(arrays):
                    array[...] = state[saved][name][str(k)]
        net._at_epoch = saved_count(state["progress"], "epoch")
        net._at_example = saved_count(state["progress"], "example")
        if "batches" in state["progress"]:  # older files do not say
            net._batches = saved_count(state["progress"], "batches")
        for name, total in net._sums.items():
            total[...] = state["progress"]["sums"][name]
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        net._restore_best(state)
        return net
