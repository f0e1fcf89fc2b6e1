"""Pairing protocols: what given spikes do to one synapse (Payeur et al. 2021, figure 2).

The weight between two neurons follows the periodic, the Poisson and the burst-Poisson protocol of
`pairing_protocols`. It is compared with theory and, where that is deterministic, with the authors'
script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikesim import plot
from spikesim.checks import check_memory
from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Result, experiment
from spikesim.learning.parameters import number, whole
from spikesim.models.burst.spiking.pairing_protocols import (
    ALPHA,
    BURST_POISSON_ESTIMATE,
    DEAD_TIME,
    ETA,
    EVENT_RATES,
    FREQUENCIES,
    LONGEST_INTERVAL,
    PERIODIC_ESTIMATES,
    POISSON_ESTIMATES,
    POISSON_EVENT_RATE,
    PROBABILITIES,
    RATES,
    SECOND_SPIKE,
    SIGN_CHANGE,
    TAU_PRE,
    burst_poisson_train,
    periodic_train,
    poisson_train,
    weight_changes,
)
from spikesim.progress import Progress, progress_bar
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Pairing", "PairingParameters", "run", "weight_changes"]

# What the authors' script for the periodic protocol gives at some of FREQUENCIES.
_REFERENCE = {0: -0.239, 4: -0.433, 8: -0.557, 11: -0.615, 12: 0.150, 19: 0.284}


class PairingParameters(ExperimentParameters):
    """Sizes of the random protocols."""

    realisations: int = whole(20, "how often, with other spikes", at_least=2)
    duration: float = number(100_000.0, "of each", unit="ms", above=0.0)


class Pairing(Result):
    """Changes of the weight in all protocols; from `run`.

    Attributes
    ----------
    frequency : numpy.ndarray, shape (frequencies,)
        Frequencies of the periodic pairings, in Hz.
    periodic : numpy.ndarray, shape (frequencies,)
    rate : numpy.ndarray, shape (rates,)
        Rates of Poisson spikes, in Hz.
    poisson : numpy.ndarray, shape (2, realisations, rates)
        For initial estimates of the burst probability of 30 and 50 %.
    probability : numpy.ndarray, shape (probabilities,)
        Probabilities that an event is a burst, in the burst-Poisson protocol.
    burst_poisson : numpy.ndarray, shape (2, realisations, probabilities)
        For event rates of 5 and 10 Hz; the initial estimate of the burst probability is 20 %.
    duration : float
        Duration of the random protocols, in ms.
    seed : int
    """

    KIND = "burst-pairing"

    frequency: np.ndarray
    periodic: np.ndarray
    rate: np.ndarray
    poisson: np.ndarray
    probability: np.ndarray
    burst_poisson: np.ndarray
    duration: float
    seed: int

    def comparisons(self) -> list[Comparison]:
        """Compare with the authors' script where it is deterministic, and with theory.

        'line' is the straight line through the means over realisations of the burst-Poisson
        protocol. All probabilities together say more precisely where the change is 0 than the two
        next to that place.
        """
        rows = []
        for k, reference in _REFERENCE.items():
            name = f"periodic, change at {self.frequency[k]:.1f} Hz"
            margin = 0.03 * abs(reference)
            low, high = reference - margin, reference + margin
            rows.append(Comparison(name, float(self.periodic[k]), reference, low, high))
        above = self.frequency > SIGN_CHANGE
        highest, lowest = self.periodic[~above].max(), self.periodic[above].min()
        rows.append(Comparison("periodic, highest change below 62.5 Hz", highest, high=0.0))
        rows.append(Comparison("periodic, lowest change above 62.5 Hz", lowest, low=0.0))
        theory = self.expected_poisson()
        for k, estimate in enumerate(POISSON_ESTIMATES):
            name = f"Poisson, change is 0 at (Hz), estimate {100 * estimate:.0f} %"
            ours = _crossing(self.rate, self.poisson[k].mean(axis=0))
            rows.append(Comparison(name, ours, _crossing(self.rate, theory[k])))
        slopes = []
        expected = 100.0 * BURST_POISSON_ESTIMATE
        same = int(np.abs(self.probability - BURST_POISSON_ESTIMATE).argmin())
        for k, event_rate in enumerate(EVENT_RATES):
            changes = self.burst_poisson[k]
            mean = changes.mean(axis=0)
            name = f"burst-Poisson at {event_rate:.0f} Hz"
            slope, at_0 = np.polyfit(self.probability, mean, 1)
            at = -100.0 * at_0 / slope
            rows.append(Comparison(f"{name}, line is 0 at (%)", at, expected, 16.0, 24.0))
            drift = mean[same] / changes[:, same].std(ddof=1)
            rows.append(Comparison(f"{name}, mean at 20 % (sd)", drift, 0.0, -1.0, 1.0))
            slopes.append(slope)
        ratio = slopes[1] / slopes[0]
        rows.append(Comparison("burst-Poisson, slope at 10 Hz / slope at 5 Hz", ratio, low=2.0))
        return rows

    def expected_poisson(self) -> np.ndarray:
        """The means of `poisson` that theory expects, shape (2, rates)."""
        hazard = self.rate / (1.0 - self.rate * DEAD_TIME / 1000.0)
        silent = np.exp(-hazard * (LONGEST_INTERVAL - DEAD_TIME) / 1000.0)
        return np.stack(
            [
                _expected(silent * self.rate, 1.0 - silent, POISSON_EVENT_RATE, p, self.duration)
                for p in POISSON_ESTIMATES
            ]
        )

    def expected_burst_poisson(self) -> np.ndarray:
        """The means of `burst_poisson` that theory expects, shape (2, probabilities)."""
        start, duration = BURST_POISSON_ESTIMATE, self.duration
        longer = self.probability * np.mean(SECOND_SPIKE)
        return np.stack(
            [
                _expected(1000.0 / (1000.0 / r + longer), self.probability, r, start, duration)
                for r in EVENT_RATES
            ]
        )

    def figure(self) -> Figure:
        """One panel per protocol: means and standard deviations, dashed lines from theory."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.3), layout="constrained")
        change = "Change of the weight"
        plot.sweep(
            self.frequency,
            self.periodic,
            axes[0],
            "this simulation",
            xlabel="Pairing frequency (Hz)",
            ylabel=change,
        )
        known = list(_REFERENCE)
        axes[0].plot(
            self.frequency[known],
            list(_REFERENCE.values()),
            "o",
            color="black",
            markerfacecolor="none",
            markersize=7.0,
            label="authors’ script",
        )
        axes[0].legend(frameon=False)
        for k, estimate in enumerate(POISSON_ESTIMATES):
            plot.sweep(
                self.rate,
                self.poisson[k],
                axes[1],
                f"initial estimate {100 * estimate:.0f} %",
                xlabel="Firing rate (Hz)",
                ylabel=change,
            )
        for k, event_rate in enumerate(EVENT_RATES):
            plot.sweep(
                100.0 * self.probability,
                self.burst_poisson[k],
                axes[2],
                f"event rate {event_rate:.0f} Hz",
                xlabel="Burst probability (%)",
                ylabel=change,
            )
        _draw_expected(axes[1], self.rate, self.expected_poisson())
        _draw_expected(axes[2], 100.0 * self.probability, self.expected_burst_poisson())
        titles = "Periodic pairings", "Poisson spikes", "Poisson events and bursts"
        for ax, title in zip(axes, titles, strict=True):
            ax.set_title(title)
        return figure


@experiment(
    "pairing", "given spike trains and the weight between them (figure 2)", PairingParameters
)
def run(p: PairingParameters, seed: int, progress: bool | Progress, backend: str) -> Pairing:
    """Run all protocols."""
    realisations, duration = p.realisations, p.duration
    check_memory(f"duration is {duration:g} ms", 16.0 * RATES.max() * duration / 1000.0)
    chance = random_numbers(seed)
    with progress_bar(progress, 5, "protocol") as report:
        trains = [periodic_train(frequency) for frequency in FREQUENCIES]
        periodic = weight_changes(trains, trains, *PERIODIC_ESTIMATES, backend)
        report(1, 5)
        poisson = []
        for estimate in POISSON_ESTIMATES:
            pre, post = (
                [poisson_train(r, duration, chance) for _ in range(realisations) for r in RATES]
                for _ in range(2)
            )
            poisson.append(weight_changes(pre, post, POISSON_EVENT_RATE, estimate, backend))
            report(1 + len(poisson), 5)
        burst_poisson = []
        for rate in EVENT_RATES:
            pre, post = (
                [
                    burst_poisson_train(rate, p, duration, chance)
                    for _ in range(realisations)
                    for p in PROBABILITIES
                ]
                for _ in range(2)
            )
            changes = weight_changes(pre, post, rate, BURST_POISSON_ESTIMATE, backend)
            burst_poisson.append(changes)
            report(3 + len(burst_poisson), 5)
    return Pairing(
        FREQUENCIES.copy(),
        periodic,
        RATES.copy(),
        np.reshape(poisson, (2, realisations, RATES.size)),
        PROBABILITIES.copy(),
        np.reshape(burst_poisson, (2, realisations, PROBABILITIES.size)),
        duration,
        seed,
    )


def _expected(
    event_rate: np.ndarray,
    burst_probability: np.ndarray,
    first_rate: float,
    first_probability: float,
    duration: float,
) -> np.ndarray:
    """The mean change from independent spike trains, if the averages did not fluctuate."""
    middles = (np.arange(2000) + 0.5) * (duration / 2000)
    left = np.exp(-middles / ALPHA)[:, None]
    bursts = event_rate * burst_probability
    average_bursts = bursts + (first_rate * first_probability - bursts) * left
    average_events = event_rate + (first_rate - event_rate) * left
    estimate = (average_bursts / average_events).mean(axis=0)
    pairings = event_rate * event_rate * TAU_PRE / 1000.0 * duration / 1000.0
    return ETA * pairings * (burst_probability - estimate)


def _crossing(x: np.ndarray, y: np.ndarray) -> float:
    """Where y last goes from below 0 to above, by linear interpolation; NaN if it never does."""
    rises = np.flatnonzero((y[:-1] < 0.0) & (y[1:] >= 0.0))
    if not rises.size:
        return float("nan")
    k = rises[-1]
    return float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))


def _draw_expected(ax: Axes, x: np.ndarray, expected: np.ndarray) -> None:
    """Draw dashed lines in the colours of the lines that are there already."""
    measured = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    for line, values in zip(measured, expected, strict=True):
        ax.plot(x, values, linestyle=(0, (3, 2)), color=line.get_color(), linewidth=1.0)
    ax.plot([], [], linestyle=(0, (3, 2)), color="#6E6E6E", linewidth=1.0, label="theory")
    ax.legend(frameon=False)
