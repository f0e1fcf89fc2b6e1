"""`BurstEnsembleNetwork`: weights, learning, tests and recordings of the model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
from scipy.special import expit

from spikesim.backends import check_backend
from spikesim.checks import check_array, check_choice, check_integer
from spikesim.models.burst.parameters import Parameters
from spikesim.models.burst.recording import ImageRecording
from spikesim.models.burst.simulation import Simulation, Weights
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
    saved_sums,
)

__all__ = ["BurstEnsembleNetwork"]

_BLOCK = 500  # images per compiled call

# What random numbers are for; each purpose has a stream of its own.
_WEIGHTS, _APICAL, _ORDER, _NUDGES = range(4)


class BurstEnsembleNetwork(ImageClassifier):
    """A network of bursting ensembles that learns to classify images.

    Each unit sends the rate of its events up and the rate of its bursts down; a nudge of the output
    changes burst rates layer by layer, and every unit learns from its own change.

    Parameters
    ----------
    sizes : sequence of int
        Units in each layer, from the pixels to the classes: (784, 500, 10).
    seed : int
        What weights, order of images and times of nudges depend on.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options other than the defaults in `Parameters`, by name.

    Attributes
    ----------
    W : sequence of numpy.ndarray, shapes (n_below, n)
        Weights onto the basal dendrites of each layer: ``W[0]`` leads to the first hidden layer.
        May be set: ``net.W[0] = array``.
    b : sequence of numpy.ndarray, shapes (n,)
    Y : sequence of numpy.ndarray, shapes (n_above, n)
        Feedback weights onto the apical dendrites of each hidden layer.
    Z : sequence of numpy.ndarray, shapes (n, n)
        Weights of SST+ inhibition onto the apical dendrites of each hidden layer.
    notes : dict of str to number or str
        Anything to be kept with the network in its file.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, 'loss' (mean
        squared error of the output); per hidden layer 'apical' (mean of \\|u\\|), 'saturated'
        (percentage of units with \\|u\\| above 4) and 'angle' to backpropagation in degrees;
        'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible, before anything is made.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = BurstEnsembleNetwork((64, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images[:50], digits.train_labels[:50])
    >>> net.predict(digits.test_images[:3]).shape
    (3,)
    """

    KIND = "burst"
    WEIGHTS = ("W", "b", "Y", "Z")

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
        self.parameters = Parameters.checked(len(self.sizes) - 1, parameters)
        self.classes = self.sizes[-1]
        self._weights = self._initial_weights()
        self._learning = self._simulation(_BLOCK)
        self.W, self.b, self.Y, self.Z = (
            LayerArrays(name, arrays) for name, arrays in vars(self._weights).items()
        )
        self.notes = {}
        self.history: dict[str, list[Any]] = {
            key: []
            for key in (
                "epoch",
                "training_error",
                "test_error",
                "loss",
                "apical",
                "saturated",
                "angle",
                "seconds",
            )
        }
        self._running = _Sums(len(self.sizes) - 2)

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<BurstEnsembleNetwork {layers}, {self.epoch} epochs, seed {self.seed}>"

    # ------------------------------------------------------------------------------ learning

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        """Show the rest of this epoch's images, block by block."""
        n = len(images)
        order = np.arange(n)
        if shuffle:
            order = random_numbers(self.seed, _ORDER, self.epoch).permutation(n)
        nudge = self._nudges(n)
        self._learning.learn_at(self.parameters.decay**self.epoch)
        # Somebody may have set weights since the last image.
        self._learning.weights_changed()
        while self.example < n:
            began = time.perf_counter()
            now = slice(self.example, min(self.example + _BLOCK, n))
            self._learning.run(images, labels, order[now], nudge[now])
            seconds = time.perf_counter() - began
            self._running.add(self._learning, labels[order[now]], seconds)
            self._at_example = now.stop
            yield

    def _nudges(self, n: int) -> np.ndarray:
        """The step of the nudge of each of this epoch's `n` images."""
        p = self.parameters
        last = p.steps - len(self._weights.W)
        chance = random_numbers(self.seed, _NUDGES, self.epoch)
        return chance.integers(cast("int", p.nudge_after), last, n, endpoint=True)

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        check_finite(vars(self._weights), self.epoch + 1, "choose a smaller alpha or alpha_Z")
        entry = self._running.entry(examples)
        entry["epoch"] = self.epoch + 1
        entry["test_error"] = test_error
        for key, values in self.history.items():
            values.append(entry.get(key))
        self._at_epoch += 1
        self._at_example = 0
        self._running = _Sums(len(self.sizes) - 2)

    # ------------------------------------------------------------------------------- testing

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images: the output unit with the highest event rate once the image is there.

        Parameters
        ----------
        images : array_like, shape (images, pixels)
            uint8 from 0 to 255, or floats from 0 to 1.
        progress : bool or callable
            True shows a bar where stderr is a terminal.

        Returns
        -------
        numpy.ndarray of int64, shape (images,)
        """
        images = self._check_images("images", images)
        return self._in_parts(images, self._highest, progress)

    def _highest(self, images: np.ndarray) -> np.ndarray:
        """The output unit with the highest potential, which has the highest event rate too."""
        scale = 1.0 / 255.0 if images.dtype == np.uint8 else 1.0
        h = images.astype(self.dtype) * self._weights.b[0].dtype.type(scale)
        for W, b in zip(self._weights.W[:-1], self._weights.b[:-1], strict=True):
            h = expit(h @ W + b)
        return np.argmax(h @ self._weights.W[-1] + self._weights.b[-1], axis=1)

    # ------------------------------------------------------------------------------ recording

    def record(self, images: Any, labels: Any, nudge: int | None = None) -> ImageRecording:
        """Show images one after another from a cleared state, without learning; record everything.

        Parameters
        ----------
        images : array_like, shape (images, pixels)
        labels : array_like of int, shape (images,)
        nudge : int, optional
            The step of the nudge of every image; the earliest that learning uses as a default.

        Returns
        -------
        ImageRecording
            h, p, beta and u of every layer and step.
        """
        images = self._check_images("images", np.atleast_2d(check_array("images", images)))
        labels = np.atleast_1d(check_array("labels", labels))
        labels = self._check_labels("labels", labels, len(images))
        p = self.parameters
        step = p.nudge_after if nudge is None else nudge
        check_integer("nudge", step, at_least=1, at_most=p.steps - len(self._weights.W))
        simulation = self._simulation(len(images), learning=False, every_step=True)
        return ImageRecording(simulation, images, labels, np.full(len(images), step))

    # ------------------------------------------------------------------------ saving, loading

    def _state(self) -> dict[str, Any]:
        parameters = self.parameters._asdict()
        for name in ("alpha", "W_range", "Y_range"):
            parameters[name] = list(parameters[name])
        return {
            "config": {
                "sizes": list(self.sizes),
                "seed": self.seed,
                "dtype": self.dtype,
                "parameters": parameters,
            },
            "weights": {
                name: {str(m): array for m, array in enumerate(arrays)}
                for name, arrays in vars(self._weights).items()
            },
            "progress": {
                "epoch": self.epoch,
                "example": self.example,
                "step": self._learning.network.step,
                "sums": self._running.state(),
            },
            "running": self._learning.arrays(),
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
            **self._kept_best(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> BurstEnsembleNetwork:
        config = state["config"]
        parameters = dict(config["parameters"])
        for name in ("alpha", "W_range", "Y_range"):
            parameters[name] = tuple(parameters[name])
        net = cls(
            tuple(config["sizes"]),
            seed=config["seed"],
            dtype=config["dtype"],
            backend=backend,
            **parameters,
        )
        for name, arrays in vars(net._weights).items():
            for m, array in enumerate(arrays):
                array[...] = state["weights"][name][str(m)]
        for name, array in net._learning.arrays().items():
            array[...] = state["running"][name]
        net._learning.network._step = saved_count(state["progress"], "step")
        net._at_epoch = saved_count(state["progress"], "epoch")
        net._at_example = saved_count(state["progress"], "example")
        net._running = _Sums(len(net.sizes) - 2, state["progress"]["sums"])
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        net._restore_best(state)
        return net

    # -------------------------------------------------------------------------------- inside

    def _simulation(
        self, capacity: int, learning: bool = True, every_step: bool = False
    ) -> Simulation:
        return Simulation(
            self._weights,
            self.parameters,
            capacity,
            self.dtype,
            self.backend,
            learning,
            every_step,
        )

    def _initial_weights(self) -> Weights:
        p = self.parameters
        W_range = cast("tuple[float, ...]", p.W_range)
        Y_range = cast("tuple[float, ...]", p.Y_range)

        def uniform(chance, low: float, high: float, *shape: int) -> np.ndarray:  # type: ignore[no-untyped-def]
            return chance.uniform(low, high, shape).astype(self.dtype)

        chance = random_numbers(self.seed, _WEIGHTS)
        W = [
            uniform(chance, -reach, reach, below, n)
            for reach, below, n in zip(W_range, self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        # So that rectified outputs are above zero at first (2018 code).
        W[-1] += W[-1].dtype.type(0.001)
        b = [np.zeros(n, self.dtype) for n in self.sizes[1:]]
        chance = random_numbers(self.seed, _APICAL)
        Y, Z = [], []
        for reach, n, above in zip(Y_range, self.sizes[1:-1], self.sizes[2:], strict=True):
            Y.append(uniform(chance, -reach, reach, above, n))
            Z.append(uniform(chance, 0.0, p.Z_range, n, n))
        return Weights(W, b, Y, Z)


class _Sums:
    """What an epoch adds up over its images."""

    def __init__(self, hidden: int, saved: dict[str, Any] | None = None):
        saved = saved or {}
        self.wrong = int(saved.get("wrong", 0))
        self.loss = float(saved.get("loss", 0.0))
        self.seconds = float(saved.get("seconds", 0.0))
        self.apical = saved_sums(saved, "apical", hidden)
        self.saturated = saved_sums(saved, "saturated", hidden)
        self.angle = saved_sums(saved, "angle", hidden)
        # An angle exists where there was a change at all, so its mean has a number of its own.
        self.angles = saved_sums(saved, "angles", hidden)

    def state(self) -> dict[str, Any]:
        return dict(vars(self))

    def add(self, simulation: Simulation, labels: np.ndarray, seconds: float) -> None:
        count = len(labels)
        hidden = len(simulation.hidden)
        self.wrong += int((simulation.answer[:count] != labels).sum())
        self.loss += float(simulation.loss[:count].sum(dtype=np.float64))
        self.seconds += seconds
        self.apical += simulation.apical[:count, :hidden].sum(axis=0, dtype=np.float64)
        self.saturated += simulation.saturated[:count, :hidden].sum(axis=0, dtype=np.float64)
        if simulation.p.measure_angle:
            cosine = np.clip(simulation.cosine[:count, :hidden].astype(np.float64), -1.0, 1.0)
            angle = np.degrees(np.arccos(cosine))
            self.angle += np.nansum(angle, axis=0)
            self.angles += np.isfinite(angle).sum(axis=0)

    def entry(self, examples: int) -> dict[str, Any]:
        return {
            "training_error": 100.0 * self.wrong / examples,
            "loss": self.loss / examples,
            "apical": [float(x) for x in self.apical / examples],
            "saturated": [float(x) for x in 100.0 * self.saturated / examples],
            "angle": [
                float(total / n) if n else np.nan
                for total, n in zip(self.angle, self.angles, strict=True)
            ],
            "seconds": self.seconds,
        }
