"""`BurstpropNetwork`: the burst ensembles of Payeur et al. (2021) as a rate model without time.

Images are learned in batches (rows of e_0). Layers are k = 1 ... K; all weights are [pre, post].

    e_k = sigma(e_{k-1} W_k + b_k)                                                           (1)
    p_K = p_0,   p'_K = p_0 ((target - e_K) (1 - e_K) + 1)        without, with the target   (2)
    F_k = B_{k+1} Y_k                                              feedback of burst rates   (3)
    u_k = F_k (1 - e_k) - (sigma(F_k) e_k) R_k                                               (4)
    p_k = sigma(u_k),   B_k = p_k e_k                                                        (5)

With the target, F', u', p' and B' follow from B'_{k+1}; recurrent inhibition by SST+ cells, the
second part of (4), is the same in both. Each layer learns from the change of its own burst rate:

    delta_k = B'_k - B_k                                                                     (6)
    D_W <- eta_k e_{k-1}^T delta_k + momentum D_W,   W_k <- (1 - decay) W_k + D_W             (7)
    D_b <- eta_k sum delta_k + momentum D_b,         b_k <- b_k + D_b                         (8)
    R_k <- R_k + eta_R (sigma(F_k) e_k)^T u_k        so that u_k stays near 0                 (9)

and learned feedback changes as the forward weights do, in the other direction (Kolen & Pollack
1994), whereby Y - W^T decays:

    D_Y <- eta_{k+1} delta_{k+1}^T e_k + momentum D_Y,   Y_k <- (1 - decay) Y_k + D_Y         (10)

As a control, delta_k = (W_{k+1} delta_{k+1}) e_k (1 - e_k), which is backpropagation, since delta_K
is p_0 times the negative gradient of half the squared error. Nothing here evolves in time, so there
is no Network inside: products of matrices are NumPy's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from spikesim.checks import check_choice, check_integer
from spikesim.learning.parameters import ModelParameters, flag, number, whole
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

__all__ = ["BurstpropNetwork", "BurstpropParameters"]

# What random numbers are for; each purpose has a stream of its own.
_WEIGHTS, _FEEDBACK, _INHIBITION, _ORDER = range(4)


class BurstpropParameters(ModelParameters):
    """Constants and options; the defaults are those of the authors' MNIST script."""

    p_0: float = number(
        0.2, "burst probability of the output without a target", above=0.0, at_most=0.5
    )
    eta: float = number(0.1, "learning rate of hidden layers", symbol="η", at_least=0.0)
    eta_output: float = number(0.01, "learning rate of the output", at_least=0.0)
    momentum: float = number(0.8, "of W, b and Y", at_least=0.0, below=1.0)
    decay: float = number(1e-6, "of W and Y, at each batch", at_least=0.0, below=1.0)
    batch: int = whole(32, "images per update", at_least=1)
    inhibition: bool = flag(True, "recurrent, by SST+ cells")
    eta_R: float = number(1e-4, "learning rate of recurrent inhibition", at_least=0.0)
    R_range: float = number(0.01, "R ~ U(-range, range)", at_least=0.0)
    Y_sd: float = number(1.0, "Y ~ N(0, sd^2)", at_least=0.0)
    learn_feedback: bool = flag(False, "Y changes as the weights do that it mirrors")
    pixel_mean: float = number(0.131, "images are shown as (x - mean) / sd, here of MNIST")
    pixel_sd: float = number(0.308, "their deviation", above=0.0)
    backpropagation: bool = flag(False, "control")
    measure_angle: bool = flag(False, "record the angle to updates by backpropagation")


class Bursts(NamedTuple):
    """What a batch made of each layer from the first hidden one to the output; see (1) to (6)."""

    e: list[np.ndarray]  # from the image on, one longer than the others
    u: list[np.ndarray]
    inhibiting: list[np.ndarray]  # sigma(F) e
    delta: list[np.ndarray]


class BurstpropNetwork(ImageClassifier):
    """Burst ensembles that learn images in batches (Payeur et al. 2021).

    Arguments are those of `spikesim.learning.images.ImageModel`, but for the backend, and
    `BurstpropParameters` by name.

    Attributes
    ----------
    W, b : sequence of numpy.ndarray, shapes (n_below, n) and (n,)
    Y : sequence of numpy.ndarray, shapes (n_above, n)
        Feedback weights onto each hidden layer.
    R : sequence of numpy.ndarray, shapes (n, n)
        Recurrent inhibition of each hidden layer.
    notes : dict of str to number or str
        Anything to be kept with the network in its file.
    history : dict of str to list
        One entry per epoch: 'epoch', 'training_error' and 'test_error' in percent, 'loss' (mean
        squared error); per hidden layer 'apical' (mean of \\|u\\|), 'angle' to backpropagation and
        'feedback_angle' between Y and the transposed forward weights, in degrees; 'seconds'.

    Raises
    ------
    InputError
        If a size or parameter is impossible, before anything is made.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = BurstpropNetwork((64, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images[:64], digits.train_labels[:64])
    >>> net.predict(digits.test_images[:3]).shape
    (3,)
    """

    KIND = "burstprop"
    WEIGHTS = ("W", "b", "Y", "R")

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
        self.parameters = BurstpropParameters.checked(len(self.sizes) - 1, parameters, self.dtype)
        self.classes = self.sizes[-1]
        p = self.parameters
        chance = random_numbers(self.seed, _WEIGHTS)
        pairs = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        W = [chance.normal(0.0, np.sqrt(2.0 / (n + m)), (n, m)).astype(dtype) for n, m in pairs]
        b = [np.zeros(n, dtype) for n in self.sizes[1:]]
        chance = random_numbers(self.seed, _FEEDBACK)
        Y = [chance.normal(0.0, p.Y_sd, (m, n)).astype(dtype) for n, m in pairs[1:]]
        chance = random_numbers(self.seed, _INHIBITION)
        R = [chance.uniform(-p.R_range, p.R_range, (n, n)).astype(dtype) for n in sizes[1:-1]]
        self._weights = {"W": W, "b": b, "Y": Y, "R": R}
        self._momentum = {
            name: [np.zeros_like(array) for array in self._weights[name]]
            for name in ("W", "b", "Y")
        }
        self.W, self.b, self.Y, self.R = (
            LayerArrays(name, arrays) for name, arrays in self._weights.items()
        )
        self.notes = {}
        columns = ("epoch", "training_error", "test_error", "loss", "apical")
        self.history = {key: [] for key in (*columns, "angle", "feedback_angle", "seconds")}
        self._sums = self._no_sums()

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<BurstpropNetwork {layers}, {self.epoch} epochs, seed {self.seed}>"

    # ------------------------------------------------------------------------------ the model

    def _event_rates(self, images: np.ndarray) -> list[np.ndarray]:
        """(1) of all layers, the image first."""
        p = self.parameters
        scale = 255.0 if images.dtype == np.uint8 else 1.0
        e = [((images / scale - p.pixel_mean) / p.pixel_sd).astype(self.dtype)]
        for W, b in zip(self.W, self.b, strict=True):
            e.append(expit(e[-1] @ W + b))
        return e

    def _bursts(self, e: list[np.ndarray], target: np.ndarray) -> Bursts:
        """(2) to (6), from the output down."""
        p, last = self.parameters, len(self.W)
        u: list[np.ndarray] = [np.zeros(0)] * last
        inhibiting: list[np.ndarray] = [np.zeros(0)] * last
        delta: list[np.ndarray] = [np.zeros(0)] * last
        B = p.p_0 * e[last]
        B_target = p.p_0 * ((target - e[last]) * (1.0 - e[last]) + 1.0) * e[last]
        delta[-1] = B_target - B
        for k in range(last - 2, -1, -1):
            rate = e[k + 1]
            F, F_target = B @ self.Y[k], B_target @ self.Y[k]
            u[k] = F * (1.0 - rate)
            u_target = F_target * (1.0 - rate)
            if p.inhibition:
                inhibiting[k] = expit(F) * rate
                held = inhibiting[k] @ self.R[k]
                u[k] -= held
                u_target -= held
            B, B_target = expit(u[k]) * rate, expit(u_target) * rate
            delta[k] = B_target - B
        return Bursts(e, u, inhibiting, delta)

    def _backpropagated(self, e: list[np.ndarray], output: np.ndarray) -> list[np.ndarray]:
        """The deltas of the control."""
        delta = [output]
        for k in range(len(self.W) - 1, 0, -1):
            delta.insert(0, (delta[0] @ self.W[k].T) * e[k] * (1.0 - e[k]))
        return delta

    def _learn(self, bursts: Bursts, delta: list[np.ndarray]) -> None:
        """(7) to (10)."""
        p, last = self.parameters, len(self.W)
        for k in range(last):
            eta = p.eta_output if k == last - 1 or p.backpropagation else p.eta
            gradient = bursts.e[k].T @ delta[k]
            self._step("W", k, eta * gradient, p.decay)
            self._step("b", k, eta * delta[k].sum(axis=0), 0.0)
            if p.learn_feedback and k > 0:
                self._step("Y", k - 1, eta * gradient.T, p.decay)
            if p.inhibition and p.eta_R and k < last - 1 and not p.backpropagation:
                self.R[k][...] += p.eta_R * (bursts.inhibiting[k].T @ bursts.u[k])

    def _step(self, name: str, k: int, gradient: np.ndarray, decay: float) -> None:
        momentum, array = self._momentum[name][k], self._weights[name][k]
        momentum *= self.parameters.momentum
        momentum += gradient
        array *= 1.0 - decay
        array += momentum

    # ------------------------------------------------------------------------------ epochs

    def _epoch(self, images: np.ndarray, labels: np.ndarray, shuffle: bool) -> Iterator[None]:
        n = len(images)
        p = self.parameters
        chance = random_numbers(self.seed, _ORDER, self.epoch)
        order = chance.permutation(n) if shuffle else np.arange(n)
        one_hot = np.eye(self.classes, dtype=self.dtype)
        while self.example < n:
            began = time.perf_counter()
            now = order[self.example : self.example + p.batch]
            e = self._event_rates(images[now])
            target = one_hot[labels[now]]
            bursts = self._bursts(e, target)
            delta = bursts.delta
            if p.backpropagation or p.measure_angle:
                errors = self._backpropagated(e, bursts.delta[-1])
                if p.measure_angle:
                    pairs = zip(delta[:-1], errors[:-1], strict=True)
                    self._sums["angle"] += [len(now) * _angle(a, b) for a, b in pairs]
                delta = errors if p.backpropagation else delta
            self._learn(bursts, delta)
            self._sums["wrong"] += np.sum(np.argmax(e[-1], axis=1) != labels[now])
            self._sums["loss"] += len(now) * np.mean((target - e[-1]) ** 2, dtype=np.float64)
            self._sums["apical"] += [len(now) * np.mean(np.abs(u)) for u in bursts.u[:-1]]
            self._sums["seconds"] += time.perf_counter() - began
            self._at_example += len(now)
            yield

    def _finish_epoch(self, examples: int, test_error: float | None) -> None:
        check_finite(self._weights, self.epoch + 1, "choose a smaller eta or eta_output")
        means = {name: total / examples for name, total in self._sums.items()}
        entry = {
            "epoch": self.epoch + 1,
            "training_error": 100.0 * float(means["wrong"]),
            "test_error": test_error,
            "loss": float(means["loss"]),
            "apical": [float(x) for x in means["apical"]],
            "angle": [float(x) for x in means["angle"]],
            "feedback_angle": self.feedback_angles(),
            "seconds": float(self._sums["seconds"]),
        }
        for key, values in self.history.items():
            values.append(entry.get(key))
        self._at_epoch += 1
        self._at_example = 0
        self._sums = self._no_sums()

    def _no_sums(self) -> dict[str, np.ndarray]:
        hidden = len(self.sizes) - 2
        sizes = {"wrong": (), "loss": (), "seconds": (), "apical": (hidden,), "angle": (hidden,)}
        sums = {name: np.zeros(shape) for name, shape in sizes.items()}
        if not self.parameters.measure_angle:
            sums["angle"][:] = np.nan
        return sums

    def feedback_angles(self) -> list[float]:
        """Between feedback and transposed forward weights, in degrees, per hidden layer."""
        return [_angle(Y, W.T) for Y, W in zip(self.Y, list(self.W)[1:], strict=True)]

    def predict(self, images: Any, progress: bool | Progress = False) -> np.ndarray:
        """Classify images: the output unit with the highest event rate.

        Parameters
        ----------
        images : array_like, shape (images, pixels) or (images, rows, columns), or one image
            uint8 from 0 to 255, or floats from 0 to 1.
        progress : bool or callable
            True shows a bar where stderr is a terminal.
        """
        images = self._check_images("images", images)
        return self._in_parts(
            images, lambda part: np.argmax(self._event_rates(part)[-1], axis=1), progress
        )

    # ------------------------------------------------------------------------ saving, loading

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
    def _from_state(cls, state: dict[str, Any], backend: str) -> BurstpropNetwork:
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


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """In degrees; NaN if one of them is zero everywhere."""
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(a @ b / lengths, -1.0, 1.0)))) if lengths else np.nan
