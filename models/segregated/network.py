"""`SegregatedDendriteNetwork`: weights, learning, tests and recordings of the model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spikesim.backends import check_backend
from spikesim.checks import check_array, check_choice, check_integer, check_memory
from spikesim.errors import InputError
from spikesim.models.segregated.parameters import Parameters
from spikesim.models.segregated.recording import TrialRecording
from spikesim.models.segregated.simulation import Simulation, Weights
from spikesim.progress import Progress, progress_bar
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

__all__ = ["SegregatedDendriteNetwork"]

_BLOCK = 500  # trials per compiled call

# What random numbers are for; each purpose has a stream of its own.
_WEIGHTS, _FEEDBACK, _SPARSE, _NOISE, _ORDER, _LENGTHS, _LAGS = range(7)
_TRAINING, _TEST, _RECORDING = range(3)


class SegregatedDendriteNetwork(ImageClassifier):
    """A network of neurons with segregated dendrites that learns to classify images.

    Parameters
    ----------
    sizes : sequence of int
        Neurons in each layer, from the pixels to the classes: (784, 500, 10).
    seed : int
        What weights, order of examples and spikes depend on.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options other than the defaults in `Parameters`, by name.

    Attributes
    ----------
    W : sequence of numpy.ndarray, shapes (n_below, n)
        Weights of each layer after the input: ``W[0]`` leads to the first hidden layer. May be set:
        ``net.W[0] = array``.
    b : sequence of numpy.ndarray, shapes (n,)
    Y : sequence of numpy.ndarray, shapes (n, n_source)
        Feedback weights onto each hidden layer.
    notes : dict of str to number or str
        Anything to be kept with the network in its file.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, 'loss', 'angle'
        (degrees, per hidden layer), 'max_eigenvalue', 'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible, before anything is made.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = SegregatedDendriteNetwork((64, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images[:50], digits.train_labels[:50])
    >>> net.predict(digits.test_images[:3]).shape
    (3,)
    """

    KIND = "segregated"
    WEIGHTS = ("W", "b", "Y")

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
        self.parameters = Parameters.checked(len(self.sizes) - 1, self.dtype, parameters)
        self.classes = self.sizes[-1]
        units = self.parameters.units_per_class
        check_memory(f"units_per_class is {units}", 8.0 * self.sizes[-2] * self.classes * units)
        self._neurons = (*self.sizes[:-1], self.classes * units)
        self._weights = self._initial_weights()
        self.W = LayerArrays("W", self._weights.W)
        self.b = LayerArrays("b", self._weights.b)
        self.Y = LayerArrays("Y", self._weights.Y)
        self.notes = {}
        self.history: dict[str, list[Any]] = {
            key: []
            for key in (
                "epoch",
                "training_error",
                "test_error",
                "loss",
                "angle",
                "max_eigenvalue",
                "seconds",
            )
        }
        self._running = _Sums(len(self.sizes) - 2)
        self._training = self._simulation(_TRAINING)
        self._testing: Simulation | None = None

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<SegregatedDendriteNetwork {layers}, {self.epoch} epochs, seed {self.seed}>"

    # ------------------------------------------------------------------------------ learning

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        """Show the rest of this epoch's examples, block by block."""
        n = len(images)
        order = self._chance(_ORDER, self.epoch).permutation(n) if shuffle else np.arange(n)
        length = self._lengths(n)
        lags = self._lags(n)
        simulation = self._training
        # Noise on symmetric weights is drawn anew for every example.
        block = 1 if self.parameters.symmetric_noise else _BLOCK
        while self.example < n:
            began = time.perf_counter()
            now = slice(self.example, min(self.example + block, n))
            count = now.stop - now.start
            for m, lag in enumerate(lags):
                simulation.lag[m][:count] = lag[now]
            if self.parameters.symmetric_noise:
                self._draw_noise(self.epoch * n + self.example + 1)
            simulation.shown[0] = self.epoch * n + self.example
            simulation.run(images, labels, order[now], length[now])
            self._running.add(simulation, labels[order[now]], count, time.perf_counter() - began)
            self._at_example = now.stop
            yield

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        weights = {"W": self.W, "b": self.b, "Y": self.Y}
        check_finite(weights, self.epoch + 1, "choose a smaller eta")
        entry = self._running.entry(examples)
        entry["epoch"] = self.epoch + 1
        entry["test_error"] = test_error
        if self.parameters.measure_inverse:
            entry["max_eigenvalue"] = self.max_eigenvalue()
        for key, values in self.history.items():
            values.append(entry.get(key))
        self._at_epoch += 1
        self._at_example = 0
        self._running = _Sums(len(self.sizes) - 2)

    def max_eigenvalue(self) -> float:
        """Largest eigenvalue of (I - J)^T (I - J), J being averaged over the last 100 examples.

        Below 1 the feedback path is close enough to an inverse of the forward path for learning.
        """
        if not self.parameters.measure_inverse:
            raise InputError("max_eigenvalue needs a network made with measure_inverse=True.")
        seen = self._training.jacobian[self._training.jacobian.any(axis=(1, 2))]
        if not len(seen):
            raise InputError("max_eigenvalue needs examples to average over; fit first.")
        J = seen.astype(np.float64).mean(axis=0)
        A = np.eye(len(J)) - J
        return float(np.linalg.eigvalsh(A.T @ A)[-1])

    # ------------------------------------------------------------------------------- testing

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images, each from a cleared state; learning goes on afterwards as if never left.

        Parameters
        ----------
        images : array_like, shape (images, pixels)
            uint8 from 0 to 255, or floats from 0 to 1.

        Returns
        -------
        numpy.ndarray of int64, shape (images,)
        """
        images = self._check_images("images", images)
        if self._testing is None:
            self._testing = self._simulation(_TEST)
        simulation = self._testing
        labels = np.zeros(len(images), np.int64)
        answers = np.zeros(len(images), np.int64)
        steps = self.parameters.test_phase if self.parameters.spiking else 2
        length = np.array([[steps, 0]])
        simulation.network._step = 0
        with progress_bar(progress, len(images), "image") as report:
            for k in range(len(images)):
                simulation.clear()
                simulation.run(images, labels, np.array([k]), length)
                answers[k] = simulation.answer[0]
                report(k + 1, len(images))
        return answers

    # ------------------------------------------------------------------------------ recording

    def record(self, image: Any, label: int | None = None) -> TrialRecording:
        """Show one image from a cleared state, without learning, and record everything.

        Parameters
        ----------
        image : array_like, shape (pixels,)
        label : int, optional
            With a label, a target phase follows the forward phase. Both last as in training.

        Returns
        -------
        TrialRecording
            Spikes of every layer, voltages of every compartment, plateau potentials.
        """
        images = self._check_images("image", np.atleast_2d(check_array("image", image)))
        labels = np.zeros(len(images), np.int64)
        if label is not None:
            labels[0] = check_integer("label", label, at_least=0, at_most=self.classes - 1)
        if not self.parameters.spiking:
            raise InputError("record is for spiking networks; this one has spiking=False.")
        forward, target = (int(n) for n in self._lengths(1)[0])
        length = np.array([[forward, target if label is not None else 0]])
        return TrialRecording(self._simulation(_RECORDING), images, labels, length)

    # ------------------------------------------------------------------------ saving, loading

    def _state(self) -> dict[str, Any]:
        parameters = self.parameters._asdict()
        parameters["eta"] = list(self.parameters.eta)  # type: ignore[arg-type]
        running = self._training
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
                "step": running.network.step,
                "sums": self._running.state(),
            },
            "running": running.arrays(),
            "jacobian": running.jacobian,
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
            **self._kept_best(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> SegregatedDendriteNetwork:
        config = state["config"]
        parameters = dict(config["parameters"])
        parameters["eta"] = tuple(parameters["eta"])
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
        net._training.take_over(state["running"])
        net._training.jacobian[...] = state["jacobian"]
        net._training.network._step = saved_count(state["progress"], "step")
        net._at_epoch = saved_count(state["progress"], "epoch")
        net._at_example = saved_count(state["progress"], "example")
        net._running = _Sums(len(net.sizes) - 2, state["progress"]["sums"])
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        net._restore_best(state)
        return net

    # -------------------------------------------------------------------------------- inside

    def _chance(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, the same whenever they are asked for."""
        return random_numbers(self.seed, *purpose)

    def _simulation(self, purpose: int) -> Simulation:
        p = self.parameters
        seed = int(np.random.SeedSequence([self.seed, purpose]).generate_state(1, np.uint64)[0])
        window = p.test_window if purpose == _TEST else p.window
        return Simulation(
            self._weights,
            p,
            capacity=_BLOCK if purpose == _TRAINING else 1,
            seed=seed,
            dtype=self.dtype,
            backend=self.backend,
            window=window if p.spiking else 1,
            shortest=p.test_phase if purpose == _TEST else p.phase,
            recorded=purpose == _RECORDING,
        )

    def _lengths(self, n: int) -> np.ndarray:
        """Steps of the forward and the target phase of `n` examples of this epoch."""
        p = self.parameters
        if not p.spiking:
            return np.full((n, 2), 2, np.int64)
        extra = self._chance(_LENGTHS, self.epoch).wald(p.wald_mean, p.wald_scale, (n, 2))
        return p.phase + np.floor(extra).astype(np.int64)

    def _lags(self, n: int) -> list[np.ndarray]:
        """How many ms before the end of each phase each hidden neuron's plateau comes."""
        sd = self.parameters.plateau_jitter
        if sd == 0.0:
            return []
        chance = self._chance(_LAGS, self.epoch)
        longest = self.parameters.longest_lag
        return [
            np.minimum(np.abs(np.trunc(chance.normal(0.0, sd, (n, 2, size)))), longest).astype(
                np.int64
            )
            for size in self._neurons[1:-1]
        ]

    def _initial_weights(self) -> Weights:
        """Weights that put mean and deviation of hidden voltages at 3 mV (the script's optimum)."""
        p = self.parameters
        chance = self._chance(_WEIGHTS)
        W, b, Y, mask = [], [], [], []
        for below, n in zip(self._neurons[:-1], self._neurons[1:], strict=True):
            mean, sd = _weight_moments(below, p.phi_max)
            W.append(_uniform(chance, mean, sd, (below, n), self.dtype))
            b.append(_uniform(chance, 0.8, 0.001, (n,), self.dtype))
        chance, sparse = self._chance(_FEEDBACK), self._chance(_SPARSE)
        for m, n in enumerate(self._neurons[1:-1]):
            source = self._neurons[-1] if p.feedback == "broadcast" else self._neurons[m + 2]
            mean, sd = _weight_moments(n, p.phi_max)
            Y.append(_uniform(chance, mean, sd, (n, source), self.dtype))
            kept = np.ones(n * source, self.dtype)
            if p.sparse:
                out = sparse.choice(kept.size, int(p.sparse * kept.size), replace=False)
                kept[out] = 0.0
                kept /= 1.0 - p.sparse
            mask.append(kept.reshape(n, source))
            Y[m] *= mask[m]
        weights = Weights(W, b, Y, mask)
        if p.symmetric:
            self._symmetric(weights)
        return weights

    def _symmetric(self, weights: Weights) -> None:
        """Feedback weights from the transposed forward weights, as they are before learning."""
        above: np.ndarray | None = None
        noise = self._chance(_NOISE, 0)
        for m in reversed(range(len(weights.Y))):
            forward = weights.W[m + 1].astype(np.float64)
            forward = forward + self.parameters.symmetric_noise * noise.standard_normal(
                forward.shape
            )
            direct = above is None or self.parameters.feedback == "layered"
            above = forward if direct else forward @ above
            weights.Y[m][...] = above * weights.mask[m]

    def _draw_noise(self, example: int) -> None:
        noise = self._chance(_NOISE, example)
        for normal in reversed(self._training.normal):
            normal[...] = noise.standard_normal(normal.shape)


class _Sums:
    """What an epoch adds up over its examples."""

    def __init__(self, hidden: int, saved: dict[str, Any] | None = None):
        saved = saved or {}
        self.examples = int(saved.get("examples", 0))
        self.wrong = int(saved.get("wrong", 0))
        self.loss = float(saved.get("loss", 0.0))
        self.seconds = float(saved.get("seconds", 0.0))
        self.angle = saved_sums(saved, "angle", hidden)
        # An angle exists where feedback arrived at all, so its mean has a number of its own.
        self.angles = saved_sums(saved, "angles", hidden)

    def state(self) -> dict[str, Any]:
        return dict(vars(self))

    def add(self, simulation: Simulation, labels: np.ndarray, count: int, seconds: float) -> None:
        self.examples += count
        self.wrong += int((simulation.answer[:count] != labels).sum())
        self.loss += float(simulation.loss[:count].sum(dtype=np.float64))
        self.seconds += seconds
        if simulation.p.measure_angle:
            cosine = np.clip(simulation.cosine[:count].astype(np.float64), -1.0, 1.0)
            angle = np.degrees(np.arccos(cosine))[:, : self.angle.size]
            self.angle += np.nansum(angle, axis=0)
            self.angles += np.isfinite(angle).sum(axis=0)

    def entry(self, examples: int) -> dict[str, Any]:
        return {
            "training_error": 100.0 * self.wrong / examples,
            "loss": self.loss / examples,
            "angle": [
                float(total / n) if n else np.nan
                for total, n in zip(self.angle, self.angles, strict=True)
            ],
            "seconds": self.seconds,
        }


def _weight_moments(inputs: int, phi_max: float) -> tuple[float, float]:
    """Mean and deviation of weights for `inputs` inputs that fire at phi_max / 4 on average."""
    V_avg, V_sd, b_avg = 3.0, 3.0, 0.8
    nu = 0.25 * phi_max
    N = inputs
    V_sm = V_sd**2 + V_avg**2
    W_avg = (V_avg - b_avg) / (nu * N * V_avg)
    W_sm = (
        V_sm
        + nu**2 * (N - N**2) * W_avg**2 * V_avg**2
        - 2 * N * nu * b_avg * V_avg * W_avg
        - b_avg**2
    ) / (N * nu**2 * V_sm)
    return W_avg, float(np.sqrt(W_sm - W_avg**2))


def _uniform(
    chance: np.random.Generator, mean: float, sd: float, shape: tuple[int, ...], dtype: str
) -> np.ndarray:
    """mean + 3.465 sd U(-1, 1), the script's choice; its deviation is twice sd."""
    return (mean + 3.465 * sd * chance.uniform(-1.0, 1.0, shape)).astype(dtype)
