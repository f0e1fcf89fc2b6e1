"""Which weights between units receptivity can choose, and learn.

A, `reach`. Can receptivity choose any weights, if those between neurons are fixed? There are 8
senders and a receiver. An eighth of each sender's neurons is active.
C, `interference`. Is what was learned for one goal lost when another is learned? The delta rule
learns one row of M for a goal, then another row for another goal, by gains of the same neurons.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import lsq_linear

from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Panel, Result, experiment
from spikesim.learning.parameters import number, whole
from spikesim.models.routing.ensembles import RoutingEnsembles
from spikesim.progress import Progress, reported
from spikesim.training import random_numbers

__all__ = ["Interference", "Reach", "interference", "reach"]

SENDERS = 8
SIZES = (2, 4, 6, 8, 16, 32, 64)  # m in A
FOUND = 1e-10  # a row of M is reached if the residual is smaller
OVERLAPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of receptive sets in C


class ReachParameters(ExperimentParameters):
    """Sizes of `reach`."""

    draws: int = whole(10, "networks for each m", at_least=1, at_most=100_000)
    wanted: float = number(0.5, "standard deviation of the wanted weights", above=0.0, at_most=10.0)


class Reach(Result):
    """How far from the wanted row the best receptivity is; from `reach`.

    Attributes
    ----------
    real, bounded : numpy.ndarray, shape (sizes, draws)
        The largest residual, for real a and for a from 0 to 1.
    """

    KIND = "routing-reach"

    seed: int
    parameters: ReachParameters
    real: np.ndarray
    bounded: np.ndarray

    def comparisons(self) -> list[Comparison]:
        """Real a needs as many neurons as senders, a from 0 to 1 several times as many."""
        share = dict(zip(SIZES, 100.0 * (self.bounded < FOUND).mean(axis=1), strict=True))
        real = dict(zip(SIZES, self.real, strict=True))
        return [
            Comparison("largest residual, real a, m = 8", real[8].max(), high=FOUND),
            Comparison("smallest residual, real a, m = 4", real[4].min(), low=FOUND),
            Comparison("rows reached, a from 0 to 1, m = 64 (%)", share[64], low=100.0),
            Comparison("rows reached, a from 0 to 1, m = 32 (%)", share[32], high=99.0),
        ]

    def panels(self) -> list[Panel]:
        """The share of rows that are reached, against the size of ensembles."""
        found = {"real a": self.real, "0 ≤ a ≤ 1": self.bounded}
        lines = {name: 100.0 * (left < FOUND).mean(axis=1) for name, left in found.items()}
        labels = "Neurons per unit, m", "Rows of M reached (%)"
        return [Panel(*labels, np.array(SIZES), lines, at_x=[SENDERS], xscale="log")]


@experiment("reach", "which weights between units receptivity can choose", ReachParameters)
def reach(p: ReachParameters, seed: int, progress: bool | Progress, backend: str) -> Reach:
    """A: find receptivities for wanted rows of M, and see the weights that the network has then.

    Examples
    --------
    >>> reach(backend="python", draws=1).real.shape
    (7, 1)
    """
    left = np.zeros((2, len(SIZES), p.draws))
    for row, draw in reported(progress, np.ndindex(left[0].shape), "network"):
        own = int(random_numbers(seed, 0, draw).integers(2**62))
        net, R = _senders(own, backend, SIZES[row], receptivity="given")
        R *= p.wanted
        layer, active = net.layers[1], net.pattern
        U = net.c * np.einsum("jbr,jb->jr", layer["w"][:, :, 0], active)
        best = (np.linalg.lstsq(U, R)[0], lsq_linear(U, R, (0.0, 1.0), tol=1e-14).x)
        for k, a in enumerate(best):
            layer["a"][0] = a
            left[k, row, draw] = np.abs(_shown(net) - R).max()
    return Reach(seed, p, *left)


def _senders(seed: int, backend: str, m: int, **options: Any) -> tuple[RoutingEnsembles, Any]:
    """A receiver, its senders with an eighth of their neurons active, and a row of wanted M."""
    q = max(m // 8, 1)
    net = RoutingEnsembles(
        (SENDERS, 1), seed=seed, dtype="float64", backend=backend, m=m, q=q, **options
    )
    chance = random_numbers(seed, 5)
    for pattern in net.pattern:
        pattern[chance.choice(m, q, replace=False)] = 1
    return net, chance.normal(size=SENDERS)


def _shown(net: RoutingEnsembles) -> np.ndarray:
    """The row of M that a receiver shows when one sender after another is at 0.01."""
    row = np.zeros(SENDERS)
    for j in range(SENDERS):
        net.x[:] = 0.0
        net.x[j] = 0.01
        net.network.run_steps(2)  # a receiver hears the h of the step before
        row[j] = np.arctanh(net.layers[1]["h"][0]) / 0.01
    return row


class InterferenceParameters(ExperimentParameters):
    """Sizes of `interference`."""

    m: int = whole(64, "neurons per unit", at_least=16)
    draws: int = whole(20, "networks for each overlap", at_least=1, at_most=100_000)
    steps: int = whole(400, "of learning each goal", at_least=1)
    eta_a: float = number(1.0, "learning rate of gains", symbol="η_a", above=0.0)


class Interference(Result):
    """The loss of a goal after another one was learned; from `interference`.

    Attributes
    ----------
    before, after : numpy.ndarray, shape (overlaps, draws)
        The mean square error of M for the first goal, before and after learning the second.
    """

    KIND = "routing-interference"

    seed: int
    parameters: InterferenceParameters
    before: np.ndarray
    after: np.ndarray

    def comparisons(self) -> list[Comparison]:
        """Separate receptive sets lose nothing; the more they share, the more is lost."""
        lost = (self.after - self.before).mean(axis=1)
        least = np.diff(lost).min()
        return [
            Comparison("loss of the first goal when learned", self.before.max(), high=1e-6),
            Comparison("lost, receptive sets apart", lost[0], 0.0, 0.0, 0.0),
            Comparison("lost, overlap 0.25", lost[1], 0.21),
            Comparison("lost, overlap 0.5", lost[2], 0.62),
            Comparison("lost, receptive sets the same", lost[-1], 2.2),
            Comparison("least growth from overlap to overlap", least, low=0.0),
        ]

    def panels(self) -> list[Panel]:
        """The loss of the first goal against the overlap, with the spread over networks."""
        lines = {"learned": self.before.T, "after the second goal": self.after.T}
        labels = "Overlap of receptive sets", "Loss of the first goal"
        return [Panel(*labels, np.array(OVERLAPS), lines)]


@experiment(
    "interference", "what learning a second goal takes from the first", InterferenceParameters
)
def interference(
    p: InterferenceParameters, seed: int, progress: bool | Progress, backend: str
) -> Interference:
    """C: learn a row of M for one goal, then another row for another goal.

    Examples
    --------
    >>> interference(backend="python", m=16, draws=1, steps=2).after.shape
    (5, 1)
    """
    loss = np.zeros((2, len(OVERLAPS), p.draws))
    half = p.m // 2
    for row, draw in reported(progress, np.ndindex(loss[0].shape), "network"):
        own = int(random_numbers(seed, 0, draw).integers(2**62))
        net, R = _senders(own, backend, p.m, receptivity="gains", eta_a=p.eta_a)
        rows = R, random_numbers(own, 8).normal(size=SENDERS)
        layer, begin = net.layers[1], round((1.0 - OVERLAPS[row]) * half)
        layer["receptive"][:] = 0
        layer["receptive"][0, :, :half] = layer["receptive"][1, :, begin : begin + half] = 1
        for goal in range(2):
            net.rates[1] = p.eta_a
            net.goal[:] = np.eye(2)[goal]
            layer["R"][:, 0] = rows[goal]
            net.network.run_steps(p.steps)
            net.rates[1] = 0.0
            net.goal[:] = 1.0, 0.0
            layer["R"][:, 0] = R
            net.network.run_steps(1)
            loss[goal, row, draw] = (layer["error"] ** 2).mean()
    return Interference(seed, p, *loss)
