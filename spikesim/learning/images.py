"""`ImageModel`: layered models that learn to classify images, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from spikesim import plot
from spikesim.checks import check_array, check_integer
from spikesim.errors import InputError
from spikesim.learning.classifiers import MeasuredClassifier
from spikesim.learning.layers import Layer
from spikesim.learning.measures import Update
from spikesim.learning.model import (
    MEASURING,
    RECORDING,
    TEST,
    TRAINING,
    LayeredModel,
    Rows,
    Simulation,
)
from spikesim.learning.recording import LayerRecording
from spikesim.progress import Progress, progress_bar
from spikesim.training import check_finite, history_arrays, history_lists, saved_count

__all__ = ["ImageModel", "Update"]


class ImageModel(LayeredModel, MeasuredClassifier):
    """A network that learns from images and labels; see `LayeredModel` for what a model brings.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the pixels to the classes: (784, 500, 10).
    seed : int
        Weights, the order of examples and all other draws depend on it.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'threads', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options that differ from the defaults, by name; the model's ``Parameters``
        lists them.

    Attributes
    ----------
    W : sequence of numpy.ndarray, shapes (n_below, n)
        Weights of each layer after the input; you may set them: ``net.W[0] = array``.
    b : sequence of numpy.ndarray, shapes (n,)
    B : sequence of numpy.ndarray, shapes (n_source, n)
        Feedback weights onto each hidden layer, if the model has any.
    notes : dict of str to number or str
        Anything that the network's file is to keep with it.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, the model's
        measures, such as 'loss' and 'angle' (degrees, per hidden layer), and 'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible; nothing has been made by then.

    Examples
    --------
    >>> from spikesim.kernels import units
    >>> from spikesim.learning.parameters import per_layer
    >>> from spikesim.learning.updates import UpdateParameters, learn
    >>> def compare(j, t, s, p):
    ...     s.h[j] = s.a[j]
    ...     s.delta[j] = s.target[j] - s.h[j]
    >>> class DeltaRule(ImageModel):
    ...     Parameters = UpdateParameters
    ...     def weights(self, layers):
    ...         layers[-1].arrays["W"] = np.zeros(self.sizes)
    ...         layers[-1].arrays["b"] = np.zeros(self.sizes[-1])
    ...     def arrays(self, layer):
    ...         return dict.fromkeys(("a", "h", "delta", "target"), layer.n)
    ...     def step(self, net):
    ...         yield net.input.phase(units.show, "once")
    ...         yield net.output.phase(units.drive, "block")
    ...         yield net.output.phase(compare)
    ...         yield net.output.phase(units.answer, "once")
    ...         yield net.output.phase(units.squared_error, "once")
    ...         if net.learning:
    ...             yield from learn(net, net.output, "W", net.input.h, net.output.delta, 0.1)
    >>> net = DeltaRule((2, 2), backend="python")
    >>> history = net.fit(np.eye(2), [1, 0], epochs=20)
    >>> net.predict(np.eye(2)).tolist()
    [1, 0]
    """

    RECORD: ClassVar[tuple[str, ...]] = ("h",)
    """The arrays of layers that `record` keeps for every step."""

    KEEP: ClassVar[dict[str, int]] = {}
    """Arrays of layers that `record` keeps from the end of a trial → the phase they belong to."""

    SIGN: ClassVar[float] = 1.0
    """The sign with which `learned_from` lowers the loss: -1 if it is an error."""

    PERCENT: ClassVar[tuple[str, ...]] = ()
    """The results that are fractions; the history has them as percentages."""

    PASSED: ClassVar[tuple[str, ...]] = ("W",)
    """The weights, in any layer, through which rates pass in each step of a test."""

    LONGEST: ClassVar[int] = 10_000
    """The most steps that a user may give to a phase of a trial."""

    def results(self) -> dict[str, int | tuple[int, ...]]:
        angle = getattr(self.parameters, "measure_angle", False)
        return {"loss": 1, **({"cosine": (len(self.sizes) - 2,)} if angle else {})}

    def activity(self, layer: Layer) -> np.ndarray | None:
        """The array with which a layer's units drive the next layer, if there is one."""
        return layer.arrays.get("h")

    def learned_from(self, layer: Layer) -> np.ndarray | None:
        """The array that the layer's weights learn from: delta, or an error (see `SIGN`)."""
        return layer.arrays.get("delta")

    def backpropagated(self, layer: Layer) -> np.ndarray | None:
        """The same by backpropagation; if None, it follows from the arrays h, slope and delta."""
        return None

    def linearized(self, layer: Layer) -> np.ndarray | None:
        """The activity at which `gradient` is taken; by default, that of `activity`."""
        return self.activity(layer)

    @staticmethod
    def draw(net: Any, data: Any, pictures: Any) -> LayerRecording:
        """Record a trial of the `data`; draw its spikes, or how units without spikes settle.

        A model may draw more with ``pictures.keep``.
        """
        trial: LayerRecording = net.record(data.test_images[0], int(data.test_labels[0]))
        if trial.spikes:
            trial.to_sonata(pictures.directory)
            pictures.written += ["spikes.h5", "voltages.h5"]
            pictures.keep("raster.png", plot.layers(trial)[0].figure)
        elif trial.t.size > 2:  # a line from one step to the next shows nothing
            pictures.keep("settling.png", plot.settling(trial)[0].figure)
        return trial

    def __init__(
        self,
        sizes: Sequence[int] = (784, 500, 10),
        *,
        seed: int = 0,
        dtype: str = "float32",
        backend: str = "cpu",
        **parameters: Any,
    ):
        super().__init__(sizes, seed=seed, dtype=dtype, backend=backend, **parameters)
        self._check_weights()
        self.classes = self.sizes[-1]
        self._means = [name for name in self.results() if name != "cosine"]
        angle = ["angle"] if "measure_angle" in self.parameters._fields else []
        columns = ("epoch", "training_error", "test_error", *self._means, *angle, *self.COLUMNS)
        self.history = {name: [] for name in (*columns, "seconds")}
        self._sums: dict[str, Any] = {}
        self._trials: int | None = 0  # that the network has learned from; older files do not say
        self._training = self._simulation(TRAINING)
        self._check_step(self._training)
        self._others: dict[int, Simulation] = {}

    def _check_weights(self) -> None:
        """Refuse weights whose shapes do not lead from one layer to the next."""
        units = self.units()
        for k, arrays in enumerate(self._weights[1:], 1):
            for name, shape in (("W", (units[k - 1], units[k])), ("b", (units[k],))):
                if name in arrays and arrays[name].shape != shape:
                    raise InputError(
                        f"weights of {type(self).__name__} makes {name} of layer {k} of shape "
                        f"{arrays[name].shape}; between {'-'.join(map(str, units))} units it has "
                        f"to be {shape}."
                    )

    def _check_step(self, net: Simulation) -> None:
        """Refuse a step that cannot classify, or that ignores an option."""
        whose = f"step of {type(self).__name__}"
        if not (net.has_a_body_for("image") or self._spiking_pixels(net)):
            raise InputError(f"No body in {whose} reads s.image, as units.show at the input does.")
        if not net.has_a_body_for("answer"):
            raise InputError(f"No body in {whose} writes s.answer, as units.answer does.")
        optimizer = getattr(self.parameters, "optimizer", "plain")
        for name, value, minded in (
            ("batch", self._batch, self._batch == 1 or net.has_a_body_for("begins", "ends")),
            ("optimizer", optimizer, optimizer == "plain" or net.moments),
        ):
            if not minded:
                raise InputError(
                    f"{name} is {value}, which no body in {whose} uses; `learn` of "
                    "spikesim.learning.updates does. A rule without `learn` takes its Parameters "
                    "from ModelParameters, which have no such option."
                )

    @staticmethod
    def _spiking_pixels(net: Simulation) -> bool:
        populations = net.network.populations.values()
        return bool(net._pixels) or any("image" in each.shared for each in populations)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"<{type(self).__name__} {sizes}, {self.epoch} epochs, seed {self.seed}>"

    def block(self) -> int:
        """Trials per compiled call: whole batches."""
        batch = self._batch
        return max(1, 500 // batch) * batch

    @property
    def _batch(self) -> int:
        return getattr(self.parameters, "batch", 1)

    def _simulation(self, purpose: int) -> Simulation:
        return Simulation(self, purpose, self.block() if purpose != RECORDING else 1)

    def _other(self, purpose: int) -> Simulation:
        if purpose not in self._others:
            self._others[purpose] = self._simulation(purpose)
        return self._others[purpose]

    # ------------------------------------------------------------------- learning

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        n, net = len(images), self._training
        order = self.chance("order", self.epoch).permutation(n) if shuffle else np.arange(n)
        lengths = self.lengths(n, TRAINING)
        rows = self.per_trial(net, n)
        net.show(images, labels, self._wanted(labels))
        if self._trials is None:
            self._trials = self.epoch * n + self.example
        while self.example < n:
            began = time.perf_counter()
            now = slice(self.example, min(self.example + self.block(), n))
            self._learn(order[now], lengths[now], _at(rows, now))
            self._add(labels[order[now]], time.perf_counter() - began)
            self._at_example = now.stop
            yield

    def _learn(
        self,
        example: np.ndarray,
        lengths: np.ndarray,
        rows: Rows,
        given: Rows = (),
    ) -> None:
        """Learn from a block of examples."""
        for array, each in rows:
            array[: len(each)] = each
        first = self._trials or 0
        self._training.run(example, lengths, first, self._batch, given)
        self._trials = first + len(example)

    def learn(
        self,
        x: Any,
        targets: Any,
        lengths: Any = None,
        given: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Learn once from some examples, in their order, outside of epochs.

        Parameters
        ----------
        x : array_like, shape (examples, inputs)
            Images as in `fit`, or any numbers.
        targets : array_like of int, shape (examples,), or of float, shape (examples, outputs)
            Classes, or the outputs that are wanted.
        lengths : array_like of int, shape (examples, 2), optional
            Steps of the two phases of each trial, for example to replay another run. By default
            they are drawn, as in `fit`.
        given : mapping of str to sequence of array_like, optional
            What is otherwise drawn, by the names that ``DRAWN`` of the model lists: for each layer
            that has such an array, one of shape (examples, ...). For example, ``{"xi": [noise]}``
            replays the noise of another run.

        Raises
        ------
        InputError
            If examples do not fit the network, or a phase is shorter than `shortest` says.
        """
        x, labels, wanted = self._examples(x, targets)
        net = self._training
        if lengths is None:
            lengths = self.lengths(len(x), TRAINING)
        else:
            lengths = check_array("lengths", lengths, shape=(len(x), 2), dtype=np.int64)
            for k, (phase, least) in enumerate(zip(lengths.T, self.shortest(), strict=True)):
                check_array(f"lengths[:, {k}]", phase, at_least=least, at_most=self.LONGEST)
        known = self._given(net, given, len(x))
        self._scale_rates(1.0)
        rows = self.per_trial(net, len(x))
        net.show(x, labels, wanted)
        for first in range(0, len(x), self.block()):
            now = np.arange(first, min(first + self.block(), len(x)))
            self._learn(now, lengths[now], _at(rows, now), _at(known, now))

    def _scale_rates(self, factor: float) -> None:
        self._training.scale_rates(factor)

    def _add(self, labels: np.ndarray, seconds: float) -> None:
        net, n = self._training, len(labels)
        new: dict[str, Any] = {"wrong": float((net.result("answer", n) != labels).sum())}
        for name in self._means:
            new[name] = net.result(name, n).sum(axis=0, dtype=np.float64)
        if "cosine" in self.results():
            cosine = np.clip(net.result("cosine", n).astype(np.float64), -1.0, 1.0)
            angle = np.degrees(np.arccos(cosine))
            # An angle exists only where feedback arrived, so its mean has its own count.
            new.update(angle=np.nansum(angle, axis=0), angles=np.isfinite(angle).sum(axis=0) * 1.0)
        for name, value in {**new, "seconds": seconds}.items():
            total = self._sums.get(name, 0.0) + value
            self._sums[name] = total if np.ndim(total) else float(total)

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        weights = {name: getattr(self, name) for name in self.WEIGHTS}
        check_finite(weights, self.epoch + 1, "choose a smaller learning rate")
        sums = self._sums
        scale = {name: 100.0 if name in self.PERCENT else 1.0 for name in self._means}
        means = {name: scale[name] * np.asarray(sums[name]) / examples for name in self._means}
        entry: dict[str, Any] = {name: mean.tolist() for name, mean in means.items()}
        entry["epoch"], entry["test_error"] = self.epoch + 1, test_error
        entry["training_error"] = 100.0 * float(sums["wrong"]) / examples
        entry["seconds"] = float(sums["seconds"])
        entry["angle"] = [np.nan] * (len(self.sizes) - 2)
        if "angle" in sums:
            pairs = zip(sums["angle"].tolist(), sums["angles"].tolist(), strict=True)
            entry["angle"] = [total / n if n else np.nan for total, n in pairs]
        entry.update(self.measures())
        for name, values in self.history.items():
            values.append(entry.get(name))
        self._at_epoch, self._at_example, self._sums = self.epoch + 1, 0, {}

    # ------------------------------------------------------------------- testing, recording

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images; learning then continues as if nothing had happened.

        Parameters
        ----------
        images : array_like, shape (images, pixels) or (images, rows, columns), or one image
            uint8 from 0 to 255, or floats from 0 to 1.
        progress : bool or callable
            True shows a bar if stderr is a terminal.

        Returns
        -------
        numpy.ndarray of int64, shape (images,)
        """
        images = self._check_images("images", images)
        net, n = self._other(TEST), len(images)
        answers, many = np.zeros(n, np.int64), 1 if self.CARRIES else self.block()
        net.network._step = 0
        labels = np.zeros(n, np.int64)
        net.show(images, labels, self._wanted(labels))
        with progress_bar(progress, n, "image") as report:
            for first in range(0, n, many):
                now = np.arange(first, min(first + many, n))
                net.clear()
                net.run(now, self.lengths(len(now), TEST), first)
                answers[now] = net.result("answer", len(now))
                report(int(now[-1]) + 1, n)
        return answers

    def record(
        self,
        image: Any,
        label: int | None = None,
        given: Mapping[str, Sequence[Any]] | None = None,
    ) -> LayerRecording:
        """Show one image without learning, and keep what the layers do in every step.

        Parameters
        ----------
        image : array_like, shape (pixels,) or (rows, columns)
        label : int, optional
            With a label, the phase with a target follows, if the model has such a phase.
        given
            As in `learn`, for one example.
        """
        images = self._check_images("image", image)
        if len(images) != 1:
            raise InputError(f"image holds {len(images)} images; `record` shows one at a time.")
        labels = np.zeros(len(images), np.int64)
        if label is not None:
            labels[0] = check_integer("label", label, at_least=0, at_most=self.classes - 1)
        net = self._simulation(RECORDING)
        lengths = self.lengths(1, RECORDING)
        if label is None:
            lengths[:, 1] = 0
        recording = LayerRecording(net, self.RECORD, self.KEEP, lengths[0])
        net.show(images, labels, self._wanted(labels))
        net.run(np.array([0]), lengths, 0, given=self._given(net, given, 1))
        recording._finish(net)
        return recording

    # ------------------------------------------------------------------- measures

    def activities(self, x: Any) -> list[np.ndarray]:
        """The activities of all layers for examples `x`, input first; shapes (examples, units)."""
        x = check_array("x", x, shape=(None, self.sizes[0]))
        x, labels, wanted = self._examples(x, np.zeros(len(x), np.int64))
        return self._seen(x, labels, wanted, [self.activity])[0]

    def update(
        self,
        x: Any,
        targets: Any,
        draw: int = 0,
        given: Mapping[str, Sequence[Any]] | None = None,
    ) -> Update:
        """What the model would change for some examples; the model stays as it is.

        Parameters
        ----------
        x, targets
            As in `learn`.
        draw : int
            If the model is stochastic, each number gives it other random numbers.
        given
            As in `learn`.

        Returns
        -------
        Update
            For one unit of learning rate, averaged over the examples.
        """
        x, labels, wanted = self._examples(x, targets)
        self._empty_sums()
        draw = check_integer("draw", draw, at_least=0, at_most=2**20)
        known = self._given(self._other(MEASURING), given, len(x))
        (seen,) = self._seen(x, labels, wanted, [self.learned_from], draw << 32, known)
        delta = [self.SIGN * each for each in seen[1:]]
        return Update(self._changed("W", len(x)), self._changed("b", len(x)), delta)

    def _changes(self, x: np.ndarray, targets: np.ndarray, draws: Sequence[int]) -> Iterator[list]:
        x, labels, wanted = self._examples(x, targets)
        net, done = self._other(MEASURING), 0
        together = 1 if self.CARRIES or self.SAVED else self.block()
        lengths = self.lengths(max(draws), MEASURING)
        net.show(x, labels, wanted)
        for k in range(len(x)):
            for many in draws:
                self._empty_sums()
                for first in range(0, many, together):
                    now = slice(first, min(first + together, many))
                    net.clear()
                    net.network._step = done << 32
                    net.run(np.full(now.stop - first, k), lengths[now], done << 32)
                    done += 1
                yield self._changed("W", many)

    def _summed(self, name: str) -> list[np.ndarray | None]:
        """For each layer, the sum of the changes of an array, in the copy that measures."""
        return [each.arrays.get(f"{name}_sum") for each in self._other(MEASURING).above_input]

    def _empty_sums(self) -> None:
        if not any(each is not None for each in self._summed("W")):
            raise InputError(
                f"update of {type(self).__name__} is not known: none of its layers has an array "
                "W_sum, which `learn` fills where net.applies is false. A rule of your own that "
                "changes weights where it is true yields `learn` where it is not."
            )
        for each in (*self._summed("W"), *self._summed("b")):
            if each is not None:
                each.fill(0)

    def _changed(self, name: str, examples: int) -> list[np.ndarray]:
        """For each layer, the mean change of an array in so many examples."""
        arrays = getattr(self, name)
        sums = self._summed(name) if len(arrays) else []  # a model may have no biases
        return [
            np.zeros(own.shape) if each is None else each.astype(np.float64) / examples
            for each, own in zip(sums, arrays, strict=True)
        ]

    def gradient(self, x: Any, targets: Any) -> Update:
        """The change of backpropagation, -dE/dW, at the same weights and activities.

        Parameters
        ----------
        x, targets
            As in `learn`.
        """
        x, labels, wanted = self._examples(x, targets)

        def slope_of(layer: Layer) -> np.ndarray | None:
            return layer.arrays.get("slope")

        arrays = [self.linearized, self.backpropagated, self.learned_from, slope_of]
        h, bp, own, slope = self._seen(x, labels, wanted, arrays)
        delta = [self.SIGN * own[-1]]
        if self.backpropagated(self._other(MEASURING).output) is not None:
            delta = [self.SIGN * each for each in bp[1:]]
        else:
            for k in range(len(self.W) - 1, 0, -1):
                delta.insert(0, delta[0] @ self.W[k].astype(np.float64).T * slope[k])
        dW = [below.T @ each / len(x) for below, each in zip(h, delta, strict=False)]
        return Update(dW, [each.mean(axis=0) for each in delta], delta)

    def _seen(
        self,
        x: np.ndarray,
        labels: np.ndarray,
        wanted: np.ndarray,
        arrays: Sequence[Callable[[Layer], np.ndarray | None]],
        first: int = 0,
        given: Rows = (),
    ) -> list[list[np.ndarray]]:
        """Each layer's arrays at the end of a trial of each example; NaN if there is none."""
        net = self._other(MEASURING)
        net.show(x, labels, wanted)
        lengths = self.lengths(len(x), MEASURING)
        kept = [[np.full((len(x), each.n), np.nan) for each in net.layers] for _ in arrays]
        net.network._step = first
        for k in range(len(x)):
            net.clear()
            now = np.array([k])
            net.run(now, lengths[now], first + k, given=_at(given, now))
            for array_of, layers in zip(arrays, kept, strict=True):
                for own, layer in zip(layers, net.layers, strict=True):
                    array = array_of(layer)
                    own[k] = np.nan if array is None else array
        return kept

    def explain(self) -> None:
        """Print the bodies in the order of a step, and the arrays that their names stand for.

        Examples
        --------
        >>> from spikesim.models.feedback_alignment import FeedbackAlignment
        >>> FeedbackAlignment((64, 20, 10)).explain()  # doctest: +ELLIPSIS
        units.show at input, once
            s.clock            clock                    (4,)
        ...
        """
        print(self._training.explained())

    # ------------------------------------------------------------------- what is given

    def _given(
        self, net: Simulation, given: Mapping[str, Sequence[Any]] | None, examples: int
    ) -> Rows:
        """Arrays that the model would fill by itself, and the rows that a user gives them."""
        owners = {
            name: [layer.arrays[name] for layer in net.layers if name in layer.arrays]
            for name in self.DRAWN
        }
        known = self._check_given(given, owners, examples)
        return [pair for name in known for pair in zip(owners[name], known[name], strict=True)]

    # ------------------------------------------------------------------- saving, loading

    def _state(self) -> dict[str, Any]:
        values = self.parameters._asdict()
        return {
            "config": {
                "sizes": list(self.sizes),
                "seed": self.seed,
                "dtype": self.dtype,
                "parameters": {
                    k: list(v) if isinstance(v, tuple) else v for k, v in values.items()
                },
            },
            "weights": self._saved_weights(),
            "momentum": dict(self._training.moments),
            "running": self._training.arrays(),
            "progress": {
                "epoch": self.epoch,
                "example": self.example,
                **({} if self._trials is None else {"trials": self._trials}),
                "step": self._training.network.step,
                "sums": dict(self._sums),
            },
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
            **self._kept_best(),
        }

    def _running(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """What trials pass on; older files keep the `SAVED` arrays of the output elsewhere."""
        older = {f"output.{name}": state[name] for name in self.SAVED if name in state}
        return {**older, **state["running"]}

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> Any:
        config, progress = state["config"], state["progress"]
        given = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in config["parameters"].items()
        }
        net = cls(
            tuple(config["sizes"]),
            seed=config["seed"],
            dtype=config["dtype"],
            backend=backend,
            **given,
        )
        for name, arrays in net._saved_weights().items():
            saved = state["weights"].get(name, {})
            for place, array in arrays.items():
                if np.shape(saved.get(place)) != array.shape:  # by an edited class, too
                    raise ValueError(f"{name} of shape {array.shape}, as {cls.__name__} makes it")
                array[...] = saved[place]
        for name, array in net._training.moments.items():
            array[...] = state["momentum"][name]
        net._training.take_over(net._running(state))
        net._training.network._step = saved_count(progress, "step")
        net._at_epoch = saved_count(progress, "epoch")
        net._at_example = saved_count(progress, "example")
        net._trials = saved_count(progress, "trials") if "trials" in progress else None
        net._sums = dict(progress["sums"])
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        net._restore_best(state)
        return net


def _at(rows: Rows, now: Any) -> Rows:
    """The same arrays, with only the rows of some trials."""
    return [(array, each[now]) for array, each in rows]
