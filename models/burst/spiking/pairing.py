"""Pairing protocols: what given spikes do to one synapse (Payeur et al. 2021, figure 2).

A presynaptic and a postsynaptic neuron are made to fire, and the burst-dependent rule of
`BurstPlasticity` changes the weight between them, which starts at 0 and has no bounds:

    periodic        both fire together, five times at a frequency; 15 such trains, 11 s apart
    Poisson         both fire at random, independently of each other, at the same rate
    burst-Poisson   both have random events, and with a given probability an event is a burst

Events and bursts are those of interspike intervals up to 16 ms, as in the authors' scripts, and not
those of the trace that neurons in a network have: five spikes at 50 Hz are five events here.

Constants are those of the authors' scripts (apayeur/spikingburstprop,
analysis/plasticity-protocol), times in ms and rates in Hz. All protocols run in steps of 0.1 ms,
that of the authors' periodic one; their random ones had steps of 1 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spikesim import Network, Neuron, plot
from spikesim.bursts import events_and_bursts
from spikesim.checks import MOST_STEPS, check_array, check_integer, check_memory, show
from spikesim.comparison import Comparison
from spikesim.errors import InputError
from spikesim.experiments import ExperimentParameters, Result
from spikesim.learning.parameters import number, refuse_if, whole
from spikesim.models.burst.spiking.plasticity import BurstPlasticity
from spikesim.progress import Progress, progress_bar
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Pairing", "PairingParameters", "run", "weight_changes"]

DT = 0.1  # ms
ETA = 0.1  # learning rate
TAU_PRE = 50.0  # ms, trace of presynaptic events
ALPHA = 15_000.0  # ms, averages of postsynaptic events and bursts
LONGEST_INTERVAL = 16.0  # ms, between spikes of a burst

# Periodic protocol.
FREQUENCIES = np.linspace(1.0, 100.0, 20)  # Hz
TRAINS, PAIRINGS = 15, 5
SILENCE = 11_000.0  # ms, from one interval after a train to the next train
PERIODIC_ESTIMATES = 5.0, 0.15  # initial averages: event rate in Hz, burst probability
SIGN_CHANGE = 1000.0 / LONGEST_INTERVAL  # Hz

# Poisson protocol.
RATES = np.concatenate([[1.0], np.arange(5.0, 65.0, 5.0)])  # Hz
DEAD_TIME = 2.0  # ms, shortest interval
POISSON_EVENT_RATE = 5.0  # Hz, initial average
POISSON_ESTIMATES = np.array([0.3, 0.5])  # initial averages of the burst probability

# Burst-Poisson protocol.
PROBABILITIES = np.linspace(0.0, 0.5, 11)
EVENT_RATES = np.array([5.0, 10.0])  # Hz, without bursts; also the initial averages
EVENT_DEAD_TIME = 20.0  # ms, from the last spike of an event to the next event
SECOND_SPIKE = 2.0, 12.0  # ms after the first, uniform
BURST_POISSON_ESTIMATE = 0.2  # initial average of the burst probability

# What the authors' script for the periodic protocol gives at some of FREQUENCIES.
_REFERENCE = {0: -0.239, 4: -0.433, 8: -0.557, 11: -0.615, 12: 0.150, 19: 0.284}

# The synapse has to end somewhere; the spikes that the rule learns from are given.
_RECEIVER = Neuron(steps=(), variables={"g": 0.0}, most_spikes=0)
_UNBOUNDED = 1e9


class PairingParameters(ExperimentParameters):
    """Sizes of the random protocols."""

    realisations: int = whole(20, "how often, with other spikes", at_least=2)
    duration: float = number(100_000.0, "of each", unit="ms", above=0.0)


class Pairing(Result):
    """Changes of the weight in all protocols; from `run`.

    Attributes
    ----------
    frequency : numpy.ndarray, shape (frequencies,)
        Of the periodic pairings, in Hz.
    periodic : numpy.ndarray, shape (frequencies,)
    rate : numpy.ndarray, shape (rates,)
        Of Poisson spikes, in Hz.
    poisson : numpy.ndarray, shape (2, realisations, rates)
        For initial estimates of the burst probability of 30 and 50 %.
    probability : numpy.ndarray, shape (probabilities,)
        That an event is a burst in the burst-Poisson protocol.
    burst_poisson : numpy.ndarray, shape (2, realisations, probabilities)
        For event rates of 5 and 10 Hz; the initial estimate of the burst probability is 20 %.
    duration : float
        Of the random protocols, in ms.
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
        """Beside the authors' script where it is deterministic, and beside theory.

        'line' is the straight one through the means over realisations of the burst-Poisson
        protocol: all probabilities together tell more precisely than the two next to it where the
        change is 0.
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
        """What theory expects in place of the means of `poisson`, shape (2, rates)."""
        hazard = self.rate / (1.0 - self.rate * DEAD_TIME / 1000.0)
        silent = np.exp(-hazard * (LONGEST_INTERVAL - DEAD_TIME) / 1000.0)
        return np.stack(
            [
                _expected(silent * self.rate, 1.0 - silent, POISSON_EVENT_RATE, p, self.duration)
                for p in POISSON_ESTIMATES
            ]
        )

    def expected_burst_poisson(self) -> np.ndarray:
        """What theory expects in place of the means of `burst_poisson`, shape (2, ...)."""
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


def run(
    seed: int = 0,
    progress: bool | Progress = False,
    backend: str = "cpu",
    *,
    realisations: int = 20,
    duration: float = 100_000.0,
) -> Pairing:
    """Run all protocols.

    Parameters
    ----------
    seed : int
        What the random spikes depend on.
    progress : bool or callable
        True shows a bar where stderr is a terminal.
    backend : {'cpu', 'python'}
    realisations : int
        How many times the random protocols are repeated with other spikes, at least 2.
    duration : float
        Of the random protocols, in ms.
    """
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
    p = PairingParameters.of(realisations=realisations, duration=duration)
    realisations, duration = p.realisations, p.duration
    check_memory(f"duration is {duration:g} ms", 16.0 * RATES.max() * duration / 1000.0)
    chance = random_numbers(seed)
    with progress_bar(progress, 5, "protocol") as report:
        trains = [_periodic_train(frequency) for frequency in FREQUENCIES]
        periodic = weight_changes(trains, trains, *PERIODIC_ESTIMATES, backend)
        report(1, 5)
        poisson = []
        for estimate in POISSON_ESTIMATES:
            pre, post = (
                [_poisson_train(r, duration, chance) for _ in range(realisations) for r in RATES]
                for _ in range(2)
            )
            poisson.append(weight_changes(pre, post, POISSON_EVENT_RATE, estimate, backend))
            report(1 + len(poisson), 5)
        burst_poisson = []
        for rate in EVENT_RATES:
            pre, post = (
                [
                    _burst_poisson_train(rate, p, duration, chance)
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


def weight_changes(
    pre: Sequence[Any],
    post: Sequence[Any],
    event_rate: float,
    burst_probability: float,
    backend: str = "cpu",
) -> np.ndarray:
    """How much each of several synapses changes.

    Parameters
    ----------
    pre, post : sequence of array_like
        Spike times (ms) of the two neurons of each synapse. Of simultaneous spikes the presynaptic
        one comes first.
    event_rate, burst_probability : float
        The postsynaptic averages with which the rule begins: a rate in Hz, and bursts per event.
    backend : {'cpu', 'python'}

    Returns
    -------
    numpy.ndarray, shape (synapses,)

    Examples
    --------
    A burst strengthens, an event weakens in proportion to the burst probability so far:

    >>> changes = weight_changes([[5.0], [5.0]], [[5.0], [5.0, 15.0]], 5.0, 0.15, "python")
    >>> [round(float(change), 4) for change in changes]
    [-0.015, 0.0669]
    """
    for name, trains in (("pre", pre), ("post", post)):
        if not isinstance(trains, (list, tuple)):
            raise InputError(f"{name} is {show(trains)}; it has to be a list of spike trains.")
    latest = 0.5 * MOST_STEPS * DT
    pre, post = (
        [
            check_array(f"{name}[{k}]", train, shape=(None,), at_least=0.0, at_most=latest)
            for k, train in enumerate(trains)
        ]
        for name, trains in (("pre", pre), ("post", post))
    )
    n = len(pre)
    refuse_if(
        len(post) != n or n == 0,
        f"pre has {n} spike trains and post {len(post)}; there has to be one of each for every "
        "synapse.",
    )
    network = Network(dt=DT, dtype="float64", backend=backend)
    receiver = network.add_population("receiver", n, _RECEIVER)
    pre_events, _ = _events_and_bursts(network, "pre", pre)
    post_events, post_bursts = _events_and_bursts(network, "post", post)
    numbers = np.arange(n + 1)
    one_to_one = sparse.csr_array((np.zeros(n), numbers[:-1], numbers), shape=(n, n))
    synapses = network.connect(pre_events, receiver, target="g", weight=one_to_one)
    rule = BurstPlasticity(
        network,
        receiver,
        post_events,
        post_bursts,
        [synapses],
        eta=ETA,
        tau_pre=TAU_PRE,
        alpha=ALPHA,
        least=0.0,
        most=np.inf,
        w_min=-_UNBOUNDED,
        w_max=_UNBOUNDED,
    )
    rule.assume(event_rate, burst_probability)
    last = max(np.max(train, initial=0.0) for train in (*pre, *post))
    network.run_steps(round(last / DT) + 1)
    return synapses.weight.copy()


def _events_and_bursts(network: Network, name: str, trains: Sequence[Any]) -> list[Any]:
    """Sources of the events and of the bursts in spike trains."""
    ids = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    # Intervals are judged as they are in the simulation.
    times = np.rint(np.concatenate(trains) / DT) * DT
    found = events_and_bursts(times, ids, LONGEST_INTERVAL)
    return [
        network.add_spike_trains(f"{name}_events", len(trains), found.event_times, found.event_ids),
        network.add_spike_trains(f"{name}_bursts", len(trains), found.burst_times, found.burst_ids),
    ]


def _periodic_train(frequency: float) -> np.ndarray:
    interval = 1000.0 / frequency
    starts = np.arange(TRAINS) * (PAIRINGS * interval + SILENCE)
    return (starts[:, None] + np.arange(PAIRINGS) * interval).ravel()


def _poisson_train(rate: float, duration: float, chance: np.random.Generator) -> np.ndarray:
    mean = 1000.0 / rate
    size = _enough(duration / mean)
    times = np.cumsum(DEAD_TIME + chance.exponential(mean - DEAD_TIME, size))
    return times[times < duration]


def _burst_poisson_train(
    event_rate: float, probability: float, duration: float, chance: np.random.Generator
) -> np.ndarray:
    mean = 1000.0 / event_rate
    size = _enough(duration / mean)
    silences = EVENT_DEAD_TIME + chance.exponential(mean - EVENT_DEAD_TIME, size)
    is_burst = chance.random(size) < probability
    second = np.where(is_burst, chance.uniform(*SECOND_SPIKE, size), 0.0)
    last = np.cumsum(silences + second)  # spike of each event
    times = np.sort(np.concatenate([last, (last - second)[is_burst]]))
    return times[times < duration]


def _enough(expected: float) -> int:
    """How many random intervals to draw so that they never end too early: by ten deviations."""
    return int(1.5 * expected) + 100


def _expected(
    event_rate: np.ndarray,
    burst_probability: np.ndarray,
    first_rate: float,
    first_probability: float,
    duration: float,
) -> np.ndarray:
    """The mean change by independent spike trains, if the averages had no fluctuations."""
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
    """Dashed lines of the colours of what is there already."""
    measured = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    for line, values in zip(measured, expected, strict=True):
        ax.plot(x, values, linestyle=(0, (3, 2)), color=line.get_color(), linewidth=1.0)
    ax.plot([], [], linestyle=(0, (3, 2)), color="#6E6E6E", linewidth=1.0, label="theory")
    ax.legend(frameon=False)
