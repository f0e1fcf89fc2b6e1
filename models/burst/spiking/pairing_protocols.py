"""The spike trains of the pairing protocols, and the synapse that they change.

A protocol makes a presynaptic and a postsynaptic neuron fire, and the burst-dependent rule of
`BurstPlasticity` changes the weight between them. The weight starts at 0 and has no bounds:

    periodic        both fire together, five times at a frequency; 15 such trains, 11 s apart
    Poisson         both fire at random, independently of each other, at the same rate
    burst-Poisson   both have random events, and with a given probability an event is a burst

As in the authors' scripts, a burst has interspike intervals up to 16 ms. Here no trace tells events
and bursts apart, as it does in a network: five spikes at 50 Hz are five events.

Constants are those of the authors' scripts (apayeur/spikingburstprop,
analysis/plasticity-protocol), times in ms and rates in Hz. All protocols run in steps of 0.1 ms, as
the authors' periodic one did; their random ones had steps of 1 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from spikesim import Network, Neuron
from spikesim.bursts import events_and_bursts
from spikesim.checks import MOST_STEPS
from spikesim.learning.burst_plasticity import BurstPlasticity
from spikesim.spiketrains import check_trains

__all__ = ["weight_changes"]

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

# The synapse has to end somewhere; the spikes that the rule learns from are given.
_RECEIVER = Neuron(steps=(), variables={"g": 0.0}, most_spikes=0)
_UNBOUNDED = 1e9


def weight_changes(
    pre: Sequence[Any],
    post: Sequence[Any],
    event_rate: float,
    burst_probability: float,
    backend: str = "cpu",
) -> np.ndarray:
    """The change of each of several synapses.

    Parameters
    ----------
    pre, post : sequence of array_like
        Spike times (ms) of the two neurons of each synapse. If two spikes are simultaneous, the
        presynaptic one comes first.
    event_rate, burst_probability : float
        The postsynaptic averages with which the rule begins: a rate in Hz, and bursts per event.
    backend : {'cpu', 'python'}

    Returns
    -------
    numpy.ndarray, shape (synapses,)

    Examples
    --------
    A burst strengthens; an event weakens, in proportion to the burst probability so far:

    >>> changes = weight_changes([[5.0], [5.0]], [[5.0], [5.0, 15.0]], 5.0, 0.15, "python")
    >>> [round(float(change), 4) for change in changes]
    [-0.015, 0.0669]
    """
    latest = 0.5 * MOST_STEPS * DT
    pre, post = check_trains("synapse", {"pre": pre, "post": post}, latest)
    n = len(pre)
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
    # Intervals are measured as they are in the simulation, between whole steps.
    times = np.rint(np.concatenate(trains) / DT) * DT
    found = events_and_bursts(times, ids, LONGEST_INTERVAL)
    return [
        network.add_spike_trains(f"{name}_events", len(trains), found.event_times, found.event_ids),
        network.add_spike_trains(f"{name}_bursts", len(trains), found.burst_times, found.burst_ids),
    ]


def periodic_train(frequency: float) -> np.ndarray:
    interval = 1000.0 / frequency
    starts = np.arange(TRAINS) * (PAIRINGS * interval + SILENCE)
    return (starts[:, None] + np.arange(PAIRINGS) * interval).ravel()


def poisson_train(rate: float, duration: float, chance: np.random.Generator) -> np.ndarray:
    mean = 1000.0 / rate
    size = _enough(duration / mean)
    times = np.cumsum(DEAD_TIME + chance.exponential(mean - DEAD_TIME, size))
    return times[times < duration]


def burst_poisson_train(
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
    """How many random intervals to draw, so that they do not end too early by ten deviations."""
    return int(1.5 * expected) + 100
