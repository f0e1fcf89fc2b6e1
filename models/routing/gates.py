"""What arrives at a receiver, against how receptive it is, and how fast that may change.

Two senders send patterns at the same time, each one of four, in which a tenth of its neurons is
active, to two receivers. Who knows all 16 pairs of patterns and the receptivity guesses from a
receiver's noisy currents what the first sender has sent, by the nearest template.
B, `route`. Does a receiver tell it only as far as it is receptive?
D, `time_scale`. How fast may goals change, if receptivity follows slowly?
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.checks import check_memory
from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Panel, Result, experiment
from spikesim.experiments.decoding import information, nearest, templates
from spikesim.learning.parameters import flag, number, whole
from spikesim.models.routing.ensembles import RoutingEnsembles
from spikesim.progress import Progress, reported
from spikesim.training import random_numbers

__all__ = ["Route", "TimeScale", "route", "time_scale"]

GATES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # a of the first receiver in B
PERIODS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of goals in D, in units of tau_a
PATTERNS = 4  # per sender, so that chance is 1/4
PAIRS = PATTERNS**2
EACH = 32.0 * PAIRS  # bytes for a neuron and a trial: currents less templates, and their squares


class RouteParameters(ExperimentParameters):
    """Sizes of `route`."""

    m: int = whole(100, "neurons per unit", at_least=10)
    trials: int = whole(600, "for each gate", at_least=2)
    noise: float = number(0.5, "in the currents of receivers", at_least=0.0)
    spikes: bool = flag(False, "whether senders are integrate-and-fire neurons, receivers burst")
    window: int = whole(
        50, "how long each pattern is shown to neurons that spike", unit="steps", at_least=1
    )

    def check(self, layers: int, dtype: str) -> None:
        """Refuse more trials than memory holds."""
        check_memory(f"m is {self.m} and trials {self.trials}", EACH * self.m * self.trials)


class Route(Result):
    """How often the first sender's pattern is recognised; from `route`.

    Attributes
    ----------
    correct : numpy.ndarray, shape (gates, 2)
        In both receivers; the gate of the second is 1 - a.
    silenced : float
        In the first receiver, open, while the sender is silent.
    """

    KIND = "routing-route"

    seed: int
    parameters: RouteParameters
    correct: np.ndarray
    silenced: float

    def comparisons(self) -> list[Comparison]:
        """What is open gets through, what is closed or silent does not; between, the more open."""
        at = dict(zip(GATES, self.correct[:, 0], strict=True))
        least = np.diff(self.correct[:, 0]).min()
        return [
            Comparison("correct, open", at[1.0], low=0.95),
            Comparison("correct, sender silenced", self.silenced, high=0.35),
            Comparison("correct, receiver closed", at[0.0], high=0.35),
            Comparison("correct, a = 0.3", at[0.3], low=0.7, high=0.95),
            Comparison("correct, a = 0.1", at[0.1], low=0.23, high=0.49),
            Comparison("least gain from gate to gate", least, low=-0.05),
        ]

    def panels(self) -> list[Panel]:
        """How often the pattern is recognised in both receivers, against the gate."""
        lines = dict(zip(("receiver 1", "receiver 2 (1 - a)"), self.correct.T, strict=True))
        chance = [1.0 / PATTERNS]
        return [Panel("Receptivity a", "Patterns recognised", np.array(GATES), lines, at_y=chance)]


@experiment("route", "what arrives against how open a receiver is", RouteParameters)
def route(p: RouteParameters, seed: int, progress: bool | Progress, backend: str) -> Route:
    """B: two senders at a time, two receivers, and goals that open one more, the other less.

    Examples
    --------
    >>> route(backend="python", m=10, trials=4).correct.shape
    (8, 2)
    """
    net, patterns = _pairs(seed, backend, p.m, p.spikes)
    chance, half, correct = random_numbers(seed, 6), p.trials // 2, []
    for gate, speaks in reported(progress, [*((gate, 1) for gate in GATES), (1.0, 0)], "gate"):
        net.goal[:] = gate, 1.0 - gate
        shown = chance.integers(PAIRS, size=p.trials)
        heard = np.zeros((p.trials, 2, p.m))
        for trial, which in enumerate(shown):
            net.pattern[:] = patterns[which] * np.array([[speaks], [1]])
            if p.spikes:
                heard[trial] = net.run(p.window).I[-1].sum(axis=0)
            else:
                net.network.run_steps(1)
                heard[trial] = net.layers[-1]["I"]
        heard /= np.sqrt(p.m)
        means = templates(heard[:half], shown[:half], PAIRS)
        heard += chance.normal(0.0, p.noise, heard.shape)
        found = [nearest(heard[half:, k], means[:, k]) // PATTERNS for k in range(2)]
        correct.append((np.stack(found, 1) == shown[half:, None] // PATTERNS).mean(axis=0))
    return Route(seed, p, np.array(correct[:-1]), float(correct[-1][0]))


def _pairs(
    seed: int, backend: str, m: int, spikes: bool = False, tau_a: float = 1.0
) -> tuple[RoutingEnsembles, np.ndarray]:
    """Two senders, each with four patterns, two receivers, and a goal that opens each."""
    rules: dict[str, Any] = {"micro": "spikes", "bursts": True} if spikes else {}
    rules |= {"m": m, "q": m // 10, "receptivity": "linear", "tau_a": tau_a}
    sizes = (2, 2, 2) if spikes else (2, 2)
    net = RoutingEnsembles(sizes, seed=seed, backend=backend, **rules)
    for goal, G in enumerate(net.layers[-1]["G"]):
        G[:] = 0.0
        G[goal] = 1.0
    if spikes:
        S = net.layers[1]["S"]
        S[0, :, 1] = S[1, :, 0] = 0.0  # each sender has its own input
    chance = random_numbers(seed, 7)
    patterns = np.zeros((PATTERNS, 2, m), np.int32)
    for pattern in patterns.reshape(-1, m):
        pattern[chance.choice(m, m // 10, replace=False)] = 1
    first, second = np.divmod(np.arange(PAIRS), PATTERNS)
    return net, np.stack([patterns[first, 0], patterns[second, 1]], axis=1)


class TimeScaleParameters(ExperimentParameters):
    """Sizes of `time_scale`."""

    m: int = whole(100, "neurons per unit", at_least=10)
    steps: int = whole(4000, "for each period, at the least", at_least=1)
    noise: float = number(0.5, "in the currents of receivers", at_least=0.0)
    shortest: float = number(20.0, "time constant; then twice, and four times", at_least=2.0)

    def check(self, layers: int, dtype: str) -> None:
        """Refuse more steps than memory holds."""
        steps = self.steps + 12.0 * PERIODS[-1] * self.shortest
        what = f"m is {self.m}, steps {self.steps} and shortest {self.shortest:g}"
        check_memory(what, EACH * self.m * steps)


class TimeScale(Result):
    """Information that arrives where the goal says; from `time_scale`.

    Attributes
    ----------
    routed : numpy.ndarray, shape (time constants, periods)
        In bits: of the first sender's pattern, in the receiver that the goal opens, less that in
        the other one.
    """

    KIND = "routing-time-scale"

    seed: int
    parameters: TimeScaleParameters
    routed: np.ndarray

    def comparisons(self) -> list[Comparison]:
        """One curve for all time constants, from nothing to all that is sent."""
        return [
            Comparison("spread over time constants (bits)", np.ptp(self.routed, 0).max(), high=0.2),
            Comparison("shortest period (bits)", self.routed[:, 0].mean(), high=0.2),
            Comparison("longest period (bits)", self.routed[:, -1].mean(), low=1.0),
        ]

    def panels(self) -> list[Panel]:
        """The routed information against the period in units of each time constant."""
        tau = [2**k * self.parameters.shortest for k in range(len(self.routed))]
        lines = {f"$\\tau_a$ = {t:g}": bits for t, bits in zip(tau, self.routed, strict=True)}
        labels = "Time with one goal / $\\tau_a$", "Routed information (bits)"
        return [Panel(*labels, np.array(PERIODS), lines, xscale="log")]


@experiment("time-scale", "how fast goals may change if receptivity is slow", TimeScaleParameters)
def time_scale(
    p: TimeScaleParameters, seed: int, progress: bool | Progress, backend: str
) -> TimeScale:
    """D: goals open two receivers in turn, which follow with their time constant.

    Examples
    --------
    >>> time_scale(backend="python", m=10, steps=2, shortest=2.0).routed.shape
    (3, 6)
    """
    routed = np.zeros((3, len(PERIODS)))
    for row, column in reported(progress, np.ndindex(routed.shape), "period"):
        tau_a = 2**row * p.shortest
        net, patterns = _pairs(seed, backend, p.m, tau_a=tau_a)
        routed[row, column] = _routed(net, patterns, round(PERIODS[column] * tau_a), p, seed)
    return TimeScale(seed, p, routed)


def _routed(
    net: RoutingEnsembles, patterns: np.ndarray, period: int, p: TimeScaleParameters, seed: int
) -> float:
    """Whole cycles of the two goals, after one in which receptivity becomes periodic."""
    chance = random_numbers(seed, 9)
    before = 2 * period * -(-8 * round(net.p.tau_a) // (2 * period))
    steps = before + 2 * period * -(-p.steps // (2 * period))
    shown = chance.integers(PAIRS, size=steps)
    open_ = np.arange(steps) // period % 2
    a, heard = np.zeros((steps, 2)), np.zeros((steps, 2, p.m))
    for t, which in enumerate(shown):
        net.goal[:] = np.eye(2)[open_[t]]
        net.pattern[:] = patterns[which]
        net.network.run_steps(1)
        a[t], heard[t] = net.layers[1]["a"][:, 0], net.layers[1]["I"] / np.sqrt(p.m)
    w = net.layers[1]["w"]
    full = np.einsum("njb,jbir->inr", patterns, w) / np.sqrt(p.m)
    heard += chance.normal(0.0, p.noise, heard.shape)
    pairs = [nearest(heard[:, k], a[:, k, None, None] * full[k]) for k in range(2)]
    found = np.stack(pairs, 1) // PATTERNS
    late = np.arange(before, steps)
    sent = shown[late] // PATTERNS
    there, elsewhere = (found[late, each[late]] for each in (open_, 1 - open_))
    return information(sent, there, PATTERNS) - information(sent, elsewhere, PATTERNS)
