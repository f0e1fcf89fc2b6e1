"""Granule cells that spike, climbing fibres, and what else an adaptive filter can learn.

`granule_layer` learns the vestibulo-ocular reflex with a basis of Poisson neurons, and with an
error that is the count of climbing fibres. `forward_model` learns to predict what the senses say of
one's own command; what is left is what others do. `negative_image` learns to cancel what follows
from one's own pulse, as electric fish do: y = r + sum_i w_i p_i, dw_i = -beta <y p_i>, where y
tends to what of r is not in the span of the p_i.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Panel, Result, experiment
from spikesim.learning.parameters import number, whole
from spikesim.learning.signals import correlation, rms, sinusoids
from spikesim.models.cerebellum.filter import AdaptiveFilter
from spikesim.models.cerebellum.reflex import WINDOWS, slip_over_time
from spikesim.progress import Progress, reported
from spikesim.training import random_numbers

__all__ = [
    "ForwardModel",
    "GranuleLayer",
    "NegativeImage",
    "forward_model",
    "granule_layer",
    "negative_image",
]

DT = 2.0  # ms, of cells that spike
SHOWN = 1000  # steps of the raster, 2 s


class GranuleLayerParameters(ExperimentParameters):
    """Sizes; the rule is not normalised."""

    seconds: float = number(400.0, "of learning", unit="s", at_least=1.0, at_most=1e5)
    n: int = whole(400, "granule cells", at_least=2, at_most=100_000)
    few: int = whole(100, "of a smaller layer", at_least=2, at_most=100_000)
    beta: float = number(5.0, "learning rate", unit="1/s", at_least=0.0)
    M: int = whole(1000, "climbing fibres", at_least=1, at_most=100_000)
    beta_fibres: float = number(0.5, "learning rate with them", unit="1/s", at_least=0.0)


class GranuleLayer(Result):
    """Slip with granule cells that spike; from `granule_layer`.

    Attributes
    ----------
    time : numpy.ndarray, shape (8,)
        Ends of eight windows, in s.
    many, few, fast, fibres : numpy.ndarray, shape (8,)
        Rms slip of the layer, of the smaller one, of the layer with four times the learning rate,
        and with climbing fibres.
    head, before, after : numpy.ndarray, shape (steps,)
        Velocities of the head, and of the eye without learning and with it, over 2 s.
    spike_time, spike_cell : numpy.ndarray
        Spikes of some granule cells in these 2 s, in ms.
    parameters : GranuleLayerParameters
    seed : int
    """

    KIND = "cerebellum-granule-layer"

    time: np.ndarray
    many: np.ndarray
    few: np.ndarray
    fast: np.ndarray
    fibres: np.ndarray
    head: np.ndarray
    before: np.ndarray
    after: np.ndarray
    spike_time: np.ndarray
    spike_cell: np.ndarray
    parameters: GranuleLayerParameters
    seed: int

    def comparisons(self) -> list[Comparison]:
        """Slip at the end; without learning, it is 0.85."""
        p = self.parameters
        return [
            Comparison(f"rms slip, {p.n} granule cells", self.many[-1], high=0.1),
            Comparison(f"rms slip, {p.few} granule cells", self.few[-1], high=0.15),
            Comparison("rms slip, four times the learning rate", self.fast[-1], low=1.0),
            Comparison(f"rms slip, {p.M} climbing fibres", self.fibres[-1], high=0.4),
            Comparison("rms slip in 2 s after learning has stopped", rms(self.head - self.after)),
        ]

    def panels(self) -> list[Panel]:
        """Slip over time; granule cells, head and eye over two seconds."""
        p = self.parameters
        curves = {f"{p.n} cells": self.many, f"{p.few} cells": self.few}
        curves |= {f"{p.M} climbing fibres": self.fibres, "four times the rate": self.fast}
        time = DT * np.arange(self.head.size) / 1000.0
        eye = {"eye, before": self.before, "eye, after": self.after}
        cells = {"spikes": self.spike_cell}
        return [
            Panel("Time (s)", "Rms slip", self.time, curves, yscale="log", top=2.0),
            Panel("Time (s)", "Granule cell", self.spike_time / 1000.0, cells, marks="|"),
            Panel("Time (s)", "Velocity", time, eye, {"head": self.head}),
        ]


@experiment(
    "granule-layer", "granule cells that spike, and climbing fibres", GranuleLayerParameters
)
def granule_layer(
    p: GranuleLayerParameters, seed: int, progress: bool | Progress, backend: str
) -> GranuleLayer:
    """Let granule cells that spike learn the reflex, from slip and from climbing fibres.

    Examples
    --------
    >>> result = granule_layer(seed=1, backend="python", seconds=1.0, n=2, few=2, M=2)
    >>> result.many.shape
    (8,)
    """
    whole_course = sinusoids(p.seconds + SHOWN * DT / 1000.0, seed=seed, dt=DT)
    h, shown = whole_course[:-SHOWN], whole_course[-SHOWN:]
    common = {"granule": "spiking", "normalised": False, "dt": DT}
    fibres = {"M": p.M, "leak": 0.002, "depth": 0.5}
    layers: dict[str, dict[str, Any]] = {
        "few": {"n": p.few, "beta": p.beta},
        "fast": {"n": p.n, "beta": 4.0 * p.beta},
        "fibres": {"n": p.n, "beta": p.beta_fibres, **fibres},
        "many": {"n": p.n, "beta": p.beta},
    }
    slip = {}
    for name, options in reported(progress, layers.items(), "layer"):
        net = AdaptiveFilter(seed=seed, backend=backend, **options, **common)
        net.tune(h)
        slip[name] = slip_over_time(net, h)
    spikes = net.network.record_spikes(net.granule[: min(p.n, 40)])
    after = net.run(shown, learn=False).v
    before = AdaptiveFilter(backend=backend, dt=DT).run(whole_course, learn=False).v[-SHOWN:]
    return GranuleLayer(
        np.linspace(0.0, p.seconds, WINDOWS + 1)[1:],
        **slip,
        head=shown.copy(),
        before=before.copy(),
        after=after,
        spike_time=spikes.t - (net.network.time - SHOWN * DT),
        spike_cell=spikes.i,
        parameters=p,
        seed=seed,
    )


class ForwardModelParameters(ExperimentParameters):
    """Sizes."""

    seconds: float = number(400.0, "of learning", unit="s", at_least=1.0, at_most=1e5)
    size: float = number(0.2, "rms of what others do, n", above=0.0)
    tau: float = number(50.0, "its correlation time", unit="ms", at_least=10.0)


class ForwardModel(Result):
    """What the senses say, and what is left of it; from `forward_model`.

    Attributes
    ----------
    n, s, e : numpy.ndarray, shape (steps,)
        What others do, what the senses say, and what the prediction leaves of it, in the last
        half.
    correlation : numpy.ndarray, shape (cells,)
        r of e and each granule cell in that time.
    seed : int
    """

    KIND = "cerebellum-forward-model"

    n: np.ndarray
    s: np.ndarray
    e: np.ndarray
    correlation: np.ndarray
    seed: int

    def comparisons(self) -> list[Comparison]:
        """How much of e, and of s, is what others do."""
        left, said = (correlation(x, self.n) for x in (self.e, self.s))
        worst = float(np.abs(self.correlation).max())
        return [
            Comparison("r of what is left and what others do", left, low=0.6),
            Comparison("r of what the senses say and what others do", said, high=0.4),
            Comparison("largest r of what is left and a granule cell", worst, high=0.05),
        ]

    def panels(self) -> list[Panel]:
        """The three signals over the last ten seconds."""
        n, s, e = (signal[-1000:] for signal in (self.n, self.s, self.e))
        lines = {"senses": s, "senses − prediction": e}
        return [Panel("Time (s)", "Signal", 0.01 * np.arange(n.size), lines, {"others": n})]


@experiment(
    "forward-model", "what the senses say of one's own command, predicted", ForwardModelParameters
)
def forward_model(
    p: ForwardModelParameters, seed: int, progress: bool | Progress, backend: str
) -> ForwardModel:
    """Learn to predict what a command does to the senses.

    Examples
    --------
    >>> result = forward_model(seed=1, backend="python", seconds=1.0)
    >>> result.e.shape
    (50,)
    """
    m = sinusoids(p.seconds, seed=seed)
    xi, n = random_numbers(seed, 2).normal(size=m.size), np.zeros(m.size)
    keep = np.exp(-10.0 / p.tau)
    for k in range(1, m.size):
        n[k] = keep * n[k - 1] + p.size * np.sqrt(1.0 - keep * keep) * xi[k]
    net = AdaptiveFilter(seed=seed, backend=backend, architecture="forward model")
    last = m.size // 2
    net.run(m[:-last], n[:-last])
    granule = net.network.record(net.granule, "p")
    course = net.run(m[-last:], n[-last:])
    cells = granule.p[:, :-1]  # what a step leaves is the p of the next one
    r = np.array([correlation(course.e[1:], cell) for cell in cells])
    return ForwardModel(n[-last:].copy(), course.v + n[-last:], course.e, r, seed)


class NegativeImageParameters(ExperimentParameters):
    """Sizes."""

    trials: int = whole(1000, "pulses", at_least=2, at_most=100_000)
    steps: int = whole(200, "of a trial", at_least=20, at_most=1000)
    n: int = whole(30, "granule cells, Gaussian functions of time", at_least=1, at_most=1000)


class NegativeImage(Result):
    """The response to one's own pulse, before and after; from `negative_image`.

    Attributes
    ----------
    r, y, ideal : numpy.ndarray, shape (steps,)
        The response without learning, after it, and what of r is not in the span of granule cells.
    distance : numpy.ndarray, shape (trials,)
        The largest distance of y from `ideal`.
    """

    KIND = "cerebellum-negative-image"

    r: np.ndarray
    y: np.ndarray
    ideal: np.ndarray
    distance: np.ndarray

    def comparisons(self) -> list[Comparison]:
        """How close y comes to what the theory expects."""
        return [
            Comparison("largest distance from the ideal, first trial", float(self.distance[0])),
            Comparison("largest distance, last trial", float(self.distance[-1]), high=5e-3),
            Comparison("rms of what is left, of 1", rms(self.y) / rms(self.r)),
        ]

    def panels(self) -> list[Panel]:
        """Responses, and the distance over trials."""
        time, labels = np.linspace(0.0, 1.0, self.r.size), ("Trial", "Largest distance from ideal")
        place = "Time in the trial (share)", "Response to the own pulse"
        trial, far = 1.0 + np.arange(self.distance.size), {"y": self.distance}
        return [
            Panel(*place, time, {"first": self.r, "last": self.y}, {"ideal": self.ideal}),
            Panel(*labels, trial, far, xscale="log", yscale="log"),
        ]


@experiment("negative-image", "the response to one's own pulse, cancelled", NegativeImageParameters)
def negative_image(
    p: NegativeImageParameters, seed: int, progress: bool | Progress, backend: str
) -> NegativeImage:
    """Learn to cancel the response to a pulse, trial by trial.

    Examples
    --------
    >>> result = negative_image(seed=1, backend="python", trials=3, steps=20, n=4)
    >>> result.distance.shape
    (3,)
    """
    time, middles = np.linspace(0.0, 1.0, p.steps), np.linspace(0.0, 1.0, p.n)
    basis = np.exp(-0.5 * ((time[:, None] - middles) / 0.03) ** 2)
    phase = random_numbers(seed).uniform(0.0, 2.0 * np.pi, 3)
    r = np.sin(2.0 * np.pi * np.outer(time, [1.0, 2.5, 4.0]) + phase).sum(axis=1)
    ideal = r - basis @ np.linalg.lstsq(basis, r, rcond=None)[0]
    largest = float(np.linalg.eigvalsh(basis.T @ basis / p.steps)[-1])
    trial_seconds = p.steps * 0.01
    net = AdaptiveFilter(
        **{"architecture": "forward model", "normalised": False, "n": p.n, "batch": p.steps},
        **{"seed": seed, "backend": backend, "beta": 1.5 / (largest * trial_seconds)},
    )
    distance, y = np.zeros(p.trials), r
    for k in reported(progress, range(p.trials), "trial"):
        y = net.run(np.zeros(p.steps), r, given={"p": basis}).e  # its w is that of y, negative
        distance[k] = np.abs(y - ideal).max()
    return NegativeImage(r, y, ideal, distance)
