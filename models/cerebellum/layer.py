"""Granule cells that spike, climbing fibres, and what else an adaptive filter can learn.

`granule_layer` learns the vestibulo-ocular reflex with a basis of Poisson neurons, and with an
error that is the count of climbing fibres. `forward_model` learns to predict what the senses say of
one's own command; what is left is what others do. `negative_image` learns to cancel what follows
from one's own pulse, as electric fish do: y = r + sum_i w_i p_i, dw_i = -beta <y p_i>, where y
tends to what of r is not in the span of the p_i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import plot
from spikesim.checks import check_integer
from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Result
from spikesim.learning.parameters import number, whole
from spikesim.models.cerebellum.courses import learning_curve, rms, sinusoids
from spikesim.models.cerebellum.filter import AdaptiveFilter
from spikesim.progress import Progress, progress_bar
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "ForwardModel",
    "ForwardModelParameters",
    "GranuleLayer",
    "GranuleLayerParameters",
    "NegativeImage",
    "NegativeImageParameters",
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

    def figure(self) -> Figure:
        """Slip over time; granule cells, head and eye over two seconds."""
        p = self.parameters
        with plot.style.styled():
            figure = plot.style.new_figure((7.2, 4.4))
            grid = figure.add_gridspec(2, 2)
            left, above = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
            below = figure.add_subplot(grid[1, 1], sharex=above)
            curves = {f"{p.n} cells": self.many, f"{p.few} cells": self.few}
            curves[f"{p.M} climbing fibres"] = self.fibres
            curves["four times the rate"] = self.fast
            for name, slip in curves.items():
                labels = {"xlabel": "Time (s)", "ylabel": "Rms slip"}
                plot.sweep(self.time, np.where(slip < 1e3, slip, np.nan), left, name, **labels)
            left.set(yscale="log", ylim=(None, 2.0))
            above.plot(self.spike_time / 1000.0, self.spike_cell, "|", color=plot.style.INK, ms=2.0)
            above.set(ylabel="Granule cell")
            time = DT * np.arange(self.head.size) / 1000.0
            below.plot(time, self.head, color=plot.style.BESIDE, linewidth=3.0, label="head")
            below.plot(time, self.before, color=plot.style.RED, label="eye, before")
            below.plot(time, self.after, color=plot.style.BLUE, label="eye, after")
            below.set(xlabel="Time (s)", ylabel="Velocity")
            plot.style.legend_above(below)
        return figure


def granule_layer(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> GranuleLayer:
    """Let granule cells that spike learn the reflex, from slip and from climbing fibres.

    Arguments are those of every experiment (see `spikesim.experiments`); the sizes are those of
    `GranuleLayerParameters`.

    Examples
    --------
    >>> result = granule_layer(seed=1, backend="python", seconds=1.0, n=2, few=2, M=2)
    >>> result.many.shape
    (8,)
    """
    p = GranuleLayerParameters.of(**sizes)
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
    whole_course = sinusoids(p.seconds + SHOWN * DT / 1000.0, seed=seed, dt=DT)
    h, shown = whole_course[:-SHOWN], whole_course[-SHOWN:]
    common = {"granule": "spiking", "normalised": False, "dt": DT}
    fibres = {"M": p.M, "leak": 0.002, "depth": 0.5}
    slips = []
    with progress_bar(progress, 4, "layer") as report:
        for n, beta, more in (
            *((p.few, p.beta, {}), (p.n, 4.0 * p.beta, {})),
            *((p.n, p.beta_fibres, fibres), (p.n, p.beta, {})),
        ):
            net = AdaptiveFilter(seed=seed, backend=backend, n=n, beta=beta, **more, **common)
            net.tune(h)
            slips.append(learning_curve(net, h, 8))
            report(len(slips), 4)
    few, fast, taught, many = slips
    spikes = net.network.record_spikes(net.granule[: min(p.n, 40)])
    after = net.run(shown, learn=False).v
    before = AdaptiveFilter(backend=backend, dt=DT).run(whole_course, learn=False).v[-SHOWN:]
    time = np.linspace(0.0, p.seconds, 9)[1:]
    first = net.network.time - SHOWN * DT
    traces = shown.copy(), before.copy(), after
    raster = spikes.t - first, spikes.i
    return GranuleLayer(time, many, few, fast, taught, *traces, *raster, p, seed)


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
        left, said = (float(np.corrcoef(x, self.n)[0, 1]) for x in (self.e, self.s))
        worst = float(np.abs(self.correlation).max())
        return [
            Comparison("r of what is left and what others do", left, low=0.6),
            Comparison("r of what the senses say and what others do", said, high=0.4),
            Comparison("largest r of what is left and a granule cell", worst, high=0.05),
        ]

    def figure(self) -> Figure:
        """The three signals over the last ten seconds."""
        with plot.style.styled():
            ax = plot.style.new_figure((5.0, 3.0)).subplots()
            shown = slice(-min(1000, self.n.size), None)
            time = 0.01 * np.arange(self.n[shown].size)
            ax.plot(time, self.s[shown], color=plot.style.BESIDE, label="senses")
            ax.plot(time, self.n[shown], color=plot.style.INK, linewidth=2.5, label="others")
            ax.plot(time, self.e[shown], color=plot.style.RED, label="senses − prediction")
            ax.set(xlabel="Time (s)", ylabel="Signal")
            plot.style.legend_above(ax)
        return ax.figure  # type: ignore[return-value]


def forward_model(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> ForwardModel:
    """Learn to predict what a command does to the senses.

    Arguments are those of every experiment (see `spikesim.experiments`); the sizes are those of
    `ForwardModelParameters`.

    Examples
    --------
    >>> result = forward_model(seed=1, backend="python", seconds=1.0)
    >>> result.e.shape
    (50,)
    """
    p = ForwardModelParameters.of(**sizes)
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
    m = sinusoids(p.seconds, seed=seed)
    xi, keep, n = (
        random_numbers(seed, 2).normal(size=m.size),
        np.exp(-10.0 / p.tau),
        np.zeros(m.size),
    )
    for k in range(1, m.size):
        n[k] = keep * n[k - 1] + p.size * np.sqrt(1.0 - keep * keep) * xi[k]
    net = AdaptiveFilter(seed=seed, backend=backend, architecture="forward model")
    last = m.size // 2
    net.run(m[:-last], n[:-last])
    granule = net.network.record(net.granule, "p")
    course = net.run(m[-last:], n[-last:])
    with progress_bar(progress, 1, "filter") as report:
        report(1, 1)
    cells = granule.p[:, :-1]  # what a step leaves is the p of the next one
    correlation = np.array([np.corrcoef(course.e[1:], cell)[0, 1] for cell in cells])
    return ForwardModel(n[-last:].copy(), course.v + n[-last:], course.e, correlation, seed)


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

    def figure(self) -> Figure:
        """Responses, and the distance over trials."""
        with plot.style.styled():
            left, right = plot.style.new_figure((7.2, 2.8)).subplots(1, 2)
            time = np.linspace(0.0, 1.0, self.r.size)
            left.plot(time, self.r, color=plot.style.BESIDE, label="first")
            left.plot(time, self.ideal, color=plot.style.INK, linewidth=3.0, label="ideal")
            left.plot(time, self.y, color=plot.style.RED, label="last")
            left.set(xlabel="Time in the trial (share)", ylabel="Response to the own pulse")
            left.legend()
            right.loglog(1 + np.arange(self.distance.size), self.distance, color=plot.style.BLUE)
            right.set(xlabel="Trial", ylabel="Largest distance from the ideal")
        return left.figure  # type: ignore[return-value]


def negative_image(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> NegativeImage:
    """Learn to cancel the response to a pulse, trial by trial.

    Arguments are those of every experiment (see `spikesim.experiments`); the sizes are those of
    `NegativeImageParameters`.

    Examples
    --------
    >>> result = negative_image(seed=1, backend="python", trials=3, steps=20, n=4)
    >>> result.distance.shape
    (3,)
    """
    p = NegativeImageParameters.of(**sizes)
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
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
    with progress_bar(progress, p.trials, "trial") as report:
        for k in range(p.trials):
            y = net.run(np.zeros(p.steps), r, given={"p": basis}).e  # its w is that of y, negative
            distance[k] = np.abs(y - ideal).max()
            report(k + 1, p.trials)
    return NegativeImage(r, y, ideal, distance)
