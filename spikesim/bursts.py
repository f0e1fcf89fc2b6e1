"""Events and bursts in recorded spikes, and the two rates that an ensemble multiplexes.

    rates = binned_rates(spikes.t, spikes.i, spikes.n, spikes.t_stop, start=spikes.t_start)
    rates.event_rate, rates.burst_probability

Spikes of one neuron that follow each other closely are a burst. A burst counts as one event, and
so does an isolated spike. In a population of pyramidal neurons, the rate of events reflects the
drive of the somata, and the probability that an event is a burst reflects the drive of the apical
dendrites (Naud & Sprekeler 2018; Payeur et al. 2021). `plot.burst_raster` and `plot.multiplexing`
draw both; `Curves` has both over a dendritic current. Times are in ms and rates in Hz.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_memory, check_number
from spikesim.errors import InputError

__all__ = [
    "BurstRates",
    "Bursts",
    "Curves",
    "binned_rates",
    "burst_probability",
    "events_and_bursts",
]

# Multiples of a time step are equal if they differ by less (ms): 16.1 - 0.1 is a little above 16.
_ROUNDING = 1e-6


class Bursts(NamedTuple):
    """Events and bursts of some neurons; from `events_and_bursts`.

    Attributes
    ----------
    event_times : float64 array, shape (events,)
        When each event begins (ms), ascending: the time of its first or only spike.
    event_ids : int64 array, shape (events,)
        The neuron of each event.
    burst_times : float64 array, shape (bursts,)
        When each burst is known to be one (ms), ascending: the time of its second spike.
    burst_ids : int64 array, shape (bursts,)
        The neuron of each burst.
    in_burst : bool array, shape (spikes,)
        Whether each spike, in the order given, is part of a burst.

    Examples
    --------
    >>> found = events_and_bursts([10.0, 14.0, 80.0], [0, 0, 0])
    >>> found.event_times.tolist(), found.burst_times.tolist(), found.burst_probability
    ([10.0, 80.0], [14.0], 0.5)
    """

    event_times: np.ndarray
    event_ids: np.ndarray
    burst_times: np.ndarray
    burst_ids: np.ndarray
    in_burst: np.ndarray

    @property
    def burst_probability(self) -> float:
        """Bursts per event, over all neurons and times; NaN without events."""
        return len(self.burst_times) / len(self.event_times) if len(self.event_times) else math.nan


class BurstRates(NamedTuple):
    """Rates of a population over time; from `binned_rates`.

    Attributes
    ----------
    time : float64 array, shape (bins,)
        The middle of each bin (ms).
    event_rate : float64 array, shape (bins,)
        Events per second and neuron (Hz).
    burst_rate : float64 array, shape (bins,)
        Bursts per second and neuron (Hz).
    burst_probability : float64 array, shape (bins,)
        Burst rate over event rate; NaN in a bin without events.
    firing_rate : float64 array, shape (bins,)
        Spikes per second and neuron (Hz).

    Examples
    --------
    >>> rates = binned_rates([10.0, 14.0, 80.0], [0, 0, 0], n=1, duration=100.0)
    >>> rates.event_rate.tolist()
    [20.0, 20.0]
    """

    time: np.ndarray
    event_rate: np.ndarray
    burst_rate: np.ndarray
    burst_probability: np.ndarray
    firing_rate: np.ndarray


class Curves(NamedTuple):
    """Event rates and burst probabilities over the dendritic current, a row for each condition.

    Attributes
    ----------
    weight : float64 array, shape (conditions,)
        Of the inhibition of dendrites.
    current : float64 array, shape (conditions,)
        In pA: into somata with lateral inhibition; out of SST+ cells, for VIP+ cells, with
        interneurons.
    dendritic_current : float64 array, shape (currents,)
        In pA.
    event_rate : float64 array, shape (conditions, currents)
        Events per second and neuron, in Hz.
    burst_probability : float64 array, shape (conditions, currents)
        Bursts per event, as a fraction; NaN without events. Above 1 only by chance: where nearly
        all events are bursts, some of those counted belong to events before the window.

    Examples
    --------
    >>> curves = Curves.of_rows([0.0] * 2, [0.0] * 2, [50.0, 100.0], [4.0, 3.5], [0.3, 0.5])
    >>> curves.burst_probability[curves.condition(0.0, 0.0), curves.at(100.0)].tolist()
    0.5
    """

    weight: np.ndarray
    current: np.ndarray
    dendritic_current: np.ndarray
    event_rate: np.ndarray
    burst_probability: np.ndarray

    @classmethod
    def of_rows(
        cls,
        weight: Any,
        current: Any,
        dendritic_current: Any,
        event_rate: Any,
        burst_probability: Any,
    ) -> Curves:
        """Curves from columns of a table, whose rows name all currents of one condition in turn.

        Parameters
        ----------
        weight, current, dendritic_current, event_rate, burst_probability : array_like
            The columns, of shape (conditions * currents,).

        Raises
        ------
        InputError
            If they differ in length, or conditions in the number of their rows.
        """
        given = {"weight": weight, "current": current, "dendritic_current": dendritic_current}
        given.update(event_rate=event_rate, burst_probability=burst_probability)
        shape: tuple[int | None, ...] = (None,)
        columns = []
        for name, column in given.items():
            columns.append(check_array(name, column, shape=shape, dtype=np.float64))
            shape = columns[0].shape
        conditions = {*zip(columns[0].tolist(), columns[1].tolist(), strict=True)}
        if not conditions or len(columns[0]) % len(conditions):
            raise InputError(
                f"weight and current have {len(columns[0])} rows for {len(conditions)} conditions; "
                "there have to be as many of each."
            )
        w, c, dendritic, rates, bursts = (each.reshape(len(conditions), -1) for each in columns)
        return cls(w[:, 0], c[:, 0], dendritic[0], rates, bursts)

    def condition(self, weight: float, current: float) -> int:
        """The row of a condition.

        Parameters
        ----------
        weight : float
        current : float
            In pA.

        Raises
        ------
        InputError
            If it was not measured.
        """
        weight = check_number("weight", weight)
        current = check_number("current", current, unit="pA")
        rows = np.flatnonzero((self.weight == weight) & (self.current == current))
        if rows.size == 0:
            raise InputError(
                f"There is no curve of weight {weight:g} and current {current:g} pA; there are "
                + ", ".join(f"({w:g}, {c:g})" for w, c in self.conditions)
                + "."
            )
        return int(rows[0])

    @property
    def conditions(self) -> list[tuple[float, float]]:
        """Weight and current of each row."""
        return [(float(w), float(c)) for w, c in zip(self.weight, self.current, strict=True)]

    def at(self, dendritic_current: float) -> int:
        """The column of a dendritic current.

        Parameters
        ----------
        dendritic_current : float
            In pA.

        Raises
        ------
        InputError
            If it was not measured.
        """
        dendritic_current = check_number("dendritic_current", dendritic_current, unit="pA")
        columns = np.flatnonzero(self.dendritic_current == dendritic_current)
        if columns.size == 0:
            raise InputError(
                f"dendritic_current is {dendritic_current:g} pA; it has to be one of "
                + ", ".join(f"{c:g}" for c in self.dendritic_current)
                + "."
            )
        return int(columns[0])

    def current_for(self, burst_probability: float, weight: float, current: float) -> float:
        """The dendritic current (pA) at which a curve reaches this burst probability.

        Between measured currents the curve is taken to be straight; NaN if it stays below.

        Parameters
        ----------
        burst_probability : float
        weight, current : float
            The condition; the current is in pA.

        Examples
        --------
        >>> curves = Curves.of_rows([0.0] * 2, [0.0] * 2, [50.0, 100.0], [4.0, 3.5], [0.3, 0.5])
        >>> curves.current_for(0.4, weight=0.0, current=0.0)
        75.0
        """
        burst_probability = check_number("burst_probability", burst_probability, at_least=0.0)
        curve = self.burst_probability[self.condition(weight, current)]
        above = np.flatnonzero(curve >= burst_probability)
        if above.size == 0 or above[0] == 0:
            return float("nan")
        between = slice(above[0] - 1, above[0] + 1)
        return float(np.interp(burst_probability, curve[between], self.dendritic_current[between]))


def burst_probability(events: Any, bursts: Any) -> np.ndarray:
    """Return bursts per event.

    Parameters
    ----------
    events, bursts : array_like of one shape
        Their numbers or rates, at least 0.

    Returns
    -------
    numpy.ndarray of float64
        NaN without events.

    Raises
    ------
    InputError
        If they are not numbers of one shape.

    Examples
    --------
    >>> burst_probability([10, 0], [2, 0])
    array([0.2, nan])
    """
    events = check_array("events", events, at_least=0.0)
    bursts = check_array("bursts", bursts, shape=events.shape, at_least=0.0)
    return np.divide(bursts, events, out=np.full(events.shape, np.nan), where=events > 0)


def events_and_bursts(times: Any, ids: Any, longest_interval: float = 16.0) -> Bursts:
    """Find the events of each neuron, and which of them are bursts.

    A spike begins an event if the neuron's spike before it is further away than
    `longest_interval`; the event lasts until the next one begins. An event of at least two spikes
    is a burst.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms), in any order.
    ids : int array, shape (spikes,)
        The neuron of each spike, at least 0.
    longest_interval : float
        Longest interval between two spikes of a burst (ms), inclusive; Payeur et al. (2021) use
        16 ms.

    Returns
    -------
    Bursts

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    Neuron 0 fires a burst of three spikes and a single one, neuron 1 fires once:

    >>> bursts = events_and_bursts([20.0, 30.0, 40.0, 90.0, 25.0], [0, 0, 0, 0, 1])
    >>> bursts.event_times.tolist(), bursts.event_ids.tolist()
    ([20.0, 25.0, 90.0], [0, 1, 0])
    >>> bursts.burst_times.tolist(), bursts.burst_ids.tolist()
    ([30.0], [0])
    >>> bursts.in_burst.tolist()
    [True, True, True, False, False]
    """
    times = check_array("times", times, shape=(None,), dtype=np.float64)
    ids = check_array("ids", ids, shape=times.shape, dtype=np.int64, at_least=0)
    longest = check_number("longest_interval", longest_interval, above=0.0, unit="ms")

    order = np.lexsort((times, ids))  # neuron after neuron
    t, i = times[order], ids[order]
    follows = np.zeros(t.size, bool)  # whether a spike closely follows the one before
    follows[1:] = (i[1:] == i[:-1]) & (np.diff(t) <= longest + _ROUNDING)
    leads = np.zeros(t.size, bool)  # whether the next spike closely follows it
    leads[:-1] = follows[1:]
    second = follows.copy()
    second[1:] &= ~follows[:-1]

    in_burst = np.empty(t.size, bool)
    in_burst[order] = follows | leads
    return Bursts(*_by_time(t, i, ~follows), *_by_time(t, i, second), in_burst)


def binned_rates(
    times: Any,
    ids: Any,
    n: int,
    duration: float,
    bin_width: float = 50.0,
    *,
    start: float = 0.0,
    longest_interval: float = 16.0,
) -> BurstRates:
    """Return the event rate, burst rate, burst probability and firing rate of a population.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms) between 0 and `duration`, in any order.
    ids : int array, shape (spikes,)
        The neuron of each spike, below `n`.
    n : int
        Number of neurons, at least 1; silent ones count.
    duration : float
        End of the recording (ms), such as `SpikeRecording.t_stop`.
    bin_width : float
        Length of a bin (ms). An incomplete bin at the end is left out.
    start : float
        Where the first bin begins (ms), for example after a burn-in. Spikes before it still decide
        whether later ones are events.
    longest_interval : float
        Longest interval between two spikes of a burst (ms).

    Returns
    -------
    BurstRates

    Raises
    ------
    InputError
        If an argument cannot be used, or there is no room for a bin.

    Notes
    -----
    A burst is counted in the bin of its second spike. If its event is counted in an earlier bin,
    the burst probability of a bin with few events may exceed 1.

    Examples
    --------
    >>> rates = binned_rates([20.0, 30.0, 25.0, 90.0], [0, 0, 1, 0], n=2, duration=100.0)
    >>> rates.time.tolist(), rates.event_rate.tolist(), rates.firing_rate.tolist()
    ([25.0, 75.0], [20.0, 10.0], [30.0, 10.0])
    >>> rates.burst_probability.tolist()
    [0.5, 0.0]
    """
    n = check_integer("n", n, at_least=1)
    duration = check_number("duration", duration, above=0.0, unit="ms")
    times = check_array(
        "times", times, shape=(None,), dtype=np.float64, at_least=0.0, at_most=duration
    )
    ids = check_array("ids", ids, shape=times.shape, dtype=np.int64, at_least=0, at_most=n - 1)
    width = check_number("bin_width", bin_width, above=0.0, unit="ms")
    start = check_number("start", start, at_least=0.0, below=duration, unit="ms")
    check_memory(f"bin_width is {width:g} ms for {duration:g} ms", 8.0 * (duration - start) / width)
    bins = math.floor((duration - start + _ROUNDING) / width)
    if not bins:
        raise InputError(
            f"bin_width is {width:g} ms; there are only {duration - start:g} ms from start to "
            "duration."
        )
    bursts = events_and_bursts(times, ids, longest_interval)

    def rate(when: np.ndarray) -> np.ndarray:
        place = np.floor((when - start + _ROUNDING) / width).astype(np.int64)
        inside = (place >= 0) & (place < bins)
        return np.bincount(place[inside], minlength=bins) * (1000.0 / (n * width))

    events, burst_rate = rate(bursts.event_times), rate(bursts.burst_times)
    probability = burst_probability(events, burst_rate)
    middles = start + (np.arange(bins) + 0.5) * width
    return BurstRates(middles, events, burst_rate, probability, rate(times))


def _by_time(t: np.ndarray, i: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(t[which], kind="stable")
    return t[which][order], i[which][order]
