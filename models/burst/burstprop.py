"""`BurstpropNetwork`: the burst ensembles of Payeur et al. (2021) as a rate model without time.

It learns images in batches (rows of e_0). Layers are k = 1 ... K; all weights are [pre, post].

    e_k = sigma(e_{k-1} W_k + b_k)                                                           (1)
    p_K = p_0,   p'_K = p_0 ((target - e_K) (1 - e_K) + 1)        without, with the target   (2)
    F_k = B_{k+1} Y_k                                              feedback of burst rates   (3)
    u_k = F_k (1 - e_k) - (sigma(F_k) e_k) R_k                                               (4)
    p_k = sigma(u_k),   B_k = p_k e_k                                                        (5)

With the target, F', u', p' and B' follow from B'_{k+1}. Recurrent inhibition by SST+ cells, the
second part of (4), is the same in both cases. A layer learns from the change of its burst rate:

    delta_k = B'_k - B_k                                                                     (6)
    D_W <- eta_k e_{k-1}^T delta_k + momentum D_W,   W_k <- (1 - decay) W_k + D_W             (7)
    D_b <- eta_k sum delta_k + momentum D_b,         b_k <- b_k + D_b                         (8)
    R_k <- R_k + eta_R (sigma(F_k) e_k)^T u_k        so that u_k stays near 0                 (9)

Learned feedback changes as the forward weights do, in the other direction (Kolen & Pollack 1994),
so Y - W^T decays:

    D_Y <- eta_{k+1} delta_{k+1}^T e_k + momentum D_Y,   Y_k <- (1 - decay) Y_k + D_Y         (10)

The control, delta_k = (W_{k+1} delta_{k+1}) e_k (1 - e_k), is backpropagation, since delta_K is
p_0 times the negative gradient of half the squared error. Nothing here evolves in time, so there is
no Network inside: NumPy computes the products of matrices.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from spikesim.learning.batches import BatchModel
from spikesim.learning.parameters import ModelParameters, flag, number, whole
from spikesim.learning.properties import Properties, knowing
from spikesim.training import LayerArrays

__all__ = ["BurstpropNetwork", "BurstpropParameters"]


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
    """The effect of a batch on each layer, from the first hidden one on; see (1) to (6)."""

    u: list[np.ndarray]
    inhibiting: list[np.ndarray]  # sigma(F) e
    delta: list[np.ndarray]


class BurstpropNetwork(BatchModel):
    """Burst ensembles that learn images in batches (Payeur et al. 2021).

    Arguments and attributes are those of `spikesim.learning.batches.BatchModel`. ``net.Y`` has the
    feedback weights onto each hidden layer, (n_above, n), ``net.R`` its recurrent inhibition,
    (n, n). For each hidden layer, the history has 'apical', the mean of \\|u\\|; 'angle', to
    backpropagation; 'feedback_angle', from Y to the transposed forward weights; both in degrees.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = BurstpropNetwork((64, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images[:64], digits.train_labels[:64])
    >>> net.predict(digits.test_images[:3]).shape
    (3,)
    """

    KIND, Parameters = "burstprop", BurstpropParameters
    TITLE = "burst ensembles as a rate model without time (Payeur et al. 2021)"
    WEIGHTS, MOMENTUM = ("W", "b", "Y", "R"), ("W", "b", "Y")
    STREAMS = ("weights", "feedback", "inhibition", "order")
    MEASURES, COLUMNS = ("apical", "angle"), ("feedback_angle",)

    Y: LayerArrays
    R: LayerArrays

    def properties(self):
        control, online = self.parameters.backpropagation, self.parameters.batch == 1
        known = knowing("pre", "post", "dendrite", "past", weights=control)
        return Properties(control, 2, control, knows=known, online=online)

    def weights(self):
        p, sizes = self.parameters, self.sizes
        pairs = list(pairwise(sizes))
        chance, above, within = map(self.chance, self.STREAMS[:3])
        return {
            "W": [chance.normal(0.0, np.sqrt(2.0 / (n + m)), (n, m)) for n, m in pairs],
            "b": [np.zeros(n) for n in sizes[1:]],
            "Y": [above.normal(0.0, p.Y_sd, (m, n)) for n, m in pairs[1:]],
            "R": [within.uniform(-p.R_range, p.R_range, (n, n)) for n in sizes[1:-1]],
        }

    def forward(self, images):
        """(1) for all layers, the image first."""
        p = self.parameters
        scale = 255.0 if images.dtype == np.uint8 else 1.0
        e = [((images / scale - p.pixel_mean) / p.pixel_sd).astype(self.dtype)]
        for W, b in zip(self.W, self.b, strict=True):
            e.append(expit(e[-1] @ W + b))
        return e

    def bursts(self, e, target):
        """(2) to (6), from the output down."""
        p, last = self.parameters, len(self.W)
        u, inhibiting, delta = ([np.zeros(0)] * last for _ in range(3))
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
        return Bursts(u, inhibiting, delta)

    def errors(self, e, output):
        """The deltas of the control, from that of the `output`."""
        delta = [output]
        for k in range(len(self.W) - 1, 0, -1):
            delta.insert(0, (delta[0] @ self.W[k].T) * e[k] * (1.0 - e[k]))
        return delta

    def feedback_weights(self):
        return list(self.Y)

    def backpropagated(self, e, target):
        return self.errors(e, self.bursts(e, target).delta[-1])

    def deltas(self, e, target):
        own = self.bursts(e, target).delta
        return self.backpropagated(e, target) if self.parameters.backpropagation else own

    def learn_from(self, e, target):
        """(7) to (10)."""
        p, last = self.parameters, len(self.W)
        bursts = self.bursts(e, target)
        compared = p.backpropagation or p.measure_angle
        errors = self.errors(e, bursts.delta[-1]) if compared else bursts.delta
        delta = errors if p.backpropagation else bursts.delta
        for k in range(last):
            eta = p.eta_output if k == last - 1 or p.backpropagation else p.eta
            gradient = e[k].T @ delta[k]
            self.change("W", k, eta * gradient, p.decay)
            self.change("b", k, eta * delta[k].sum(axis=0))
            if p.learn_feedback and k > 0:
                self.change("Y", k - 1, eta * gradient.T, p.decay)
            if p.inhibition and p.eta_R and k < last - 1 and not p.backpropagation:
                self.R[k][...] += self.scheduled(p.eta_R) * (bursts.inhibiting[k].T @ bursts.u[k])
        pairs = zip(bursts.delta[:-1], errors[:-1], strict=True)
        return {
            "apical": [np.mean(np.abs(u)) for u in bursts.u[:-1]],
            "angle": [_angle(a, b) if p.measure_angle else np.nan for a, b in pairs],
        }

    def measures(self):
        return {"feedback_angle": self.feedback_angles()}

    def feedback_angles(self) -> list[float]:
        """The angle from feedback to transposed forward weights, in degrees, per hidden layer."""
        return [_angle(Y, W.T) for Y, W in zip(self.Y, list(self.W)[1:], strict=True)]


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """The angle between two arrays, in degrees; NaN if one of them is zero everywhere."""
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(a @ b / lengths, -1.0, 1.0)))) if lengths else np.nan
