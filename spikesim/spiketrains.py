"""Numbers about spike trains, and the road to neo and elephant, which know many more.

Times are in ms and rates in Hz. A train is an array of spike times in any order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.errors import check_array, check_integer, check_number

if TYPE_CHECKING:
    import neo  # type: ignore[import-untyped]

__all__ = [
    "coefficient_of_variation",
    "interspike_intervals",
    "mean_rate",
    "to_neo",
    "van_rossum_distance",
]


def mean_rate(times: Any, duration: float) -> float:
    """Return the number of spikes per second of one train.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms), all between 0 and `duration`.
    duration : float
        Length of the recording (ms), above 0.

    Returns
    -------
    float
        Rate (Hz).

    Raises
    ------
    InputError
        If a time is not in the recording, or the duration not above 0.

    Examples
    --------
    >>> mean_rate([10.0, 20.0, 30.0], duration=100.0)
    30.0
    """
    duration = check_number("duration", duration, above=0.0, unit="ms")
    times = check_array("times", times, shape=(None,), at_least=0.0, at_most=duration)
    return float(1000.0 * len(times) / duration)


def interspike_intervals(times: Any) -> np.ndarray:
    """Return the times from each spike of one train to the next.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms).

    Returns
    -------
    float64 array, shape (spikes - 1,)
        Intervals (ms); none for a train of fewer than two spikes.

    Raises
    ------
    InputError
        If the times are no one-dimensional array of finite numbers.

    Examples
    --------
    >>> interspike_intervals([10.0, 12.0, 17.0]).tolist()
    [2.0, 5.0]
    """
    return np.diff(np.sort(check_array("times", times, shape=(None,), dtype=np.float64)))


def coefficient_of_variation(times: Any) -> float:
    """Return how irregular one train is: standard deviation over mean of its intervals.

    It is 0 for a clock and 1 for a long Poisson train.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms), not the intervals.

    Returns
    -------
    float
        NaN for a train of fewer than three spikes, or with all spikes at one time.

    Raises
    ------
    InputError
        If the times are no one-dimensional array of finite numbers.

    Examples
    --------
    >>> coefficient_of_variation([0.0, 1.0, 4.0])
    0.5
    """
    intervals = interspike_intervals(times)
    if len(intervals) < 2 or not intervals.any():
        return math.nan
    return float(intervals.std() / intervals.mean())


def van_rossum_distance(first: Any, second: Any, tau: float) -> float:
    r"""Return the van Rossum distance of two spike trains, in the normalisation of elephant.

    Every spike is followed by a kernel exp(-t / tau), and the distance is

    .. math:: d = \sqrt{\frac{2}{\tau} \int_0^\infty (f(t) - g(t))^2 \, dt}.

    The factor 2 makes one spike against none exactly 1; van Rossum (2001) has 1 in its place, so
    divide by sqrt(2) for his. Neither duration nor number of spikes is divided out. The SuperSpike
    loss uses another kernel and is not this number.

    Parameters
    ----------
    first, second : float array, shape (spikes,)
        Spike times (ms).
    tau : float
        Time constant (ms), at least 0. Infinity gives the difference of the numbers of spikes, 0
        the square root of their sum, even for equal trains: the two limits of elephant.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Between two spikes the difference f - g only decays, so it is carried from spike to spike, as in
    Houghton & Kreuz (2012), and its square is integrated in closed form. With n spikes that takes
    n log n operations. No term is negative, so even almost equal trains lose no digits.

    Examples
    --------
    >>> van_rossum_distance([10.0], [], tau=10.0)
    1.0
    >>> round(van_rossum_distance([10.0, 20.0, 30.0], [12.0, 24.0, 30.0], tau=10.0), 11)
    0.98396842013
    """
    first = check_array("first", first, shape=(None,), dtype=np.float64)
    second = check_array("second", second, shape=(None,), dtype=np.float64)
    if np.ndim(tau) == 0 and tau == math.inf:
        return float(abs(len(first) - len(second)))
    tau = check_number("tau", tau, at_least=0.0, unit="ms")
    if tau == 0.0:
        return math.sqrt(len(first) + len(second))
    if not len(first) + len(second):
        return 0.0
    times = np.concatenate([first, second])
    signs = np.repeat([1.0, -1.0], [len(first), len(second)])
    order = np.argsort(times)
    gaps = np.diff(times[order]) / tau
    decays = np.exp(-gaps).tolist()
    shares = (-np.expm1(-2.0 * gaps)).tolist()  # of the squared difference, spent in the gap
    signs = signs[order].tolist()
    difference = signs[0]
    squared = 0.0
    for sign, decay, share in zip(signs[1:], decays, shares, strict=True):
        squared += difference * difference * share
        difference = difference * decay + sign
    return math.sqrt(squared + difference * difference)


def to_neo(times: Any, ids: Any, n: int, duration: float, name: str) -> neo.Segment:
    """Return spikes as a segment of neo, which elephant and viziphant take.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms) between 0 and `duration`, in any order.
    ids : int array, shape (spikes,)
        The neuron of every spike, below `n`.
    n : int
        Number of neurons; `segment.spiketrains` has one train each, also for silent ones.
    duration : float
        End of the recording (ms).
    name : str
        Name of the segment, such as that of the population.

    Returns
    -------
    neo.Segment

    Raises
    ------
    InputError
        If an argument cannot be used.
    ImportError
        If neo is not installed.

    Examples
    --------
    >>> segment = to_neo([1.0, 2.5], [0, 2], n=3, duration=10.0, name="pyr")
    >>> [len(train) for train in segment.spiketrains]
    [1, 0, 1]
    """
    n = check_integer("n", n, at_least=0)
    duration = check_number("duration", duration, above=0.0, unit="ms")
    times = check_array(
        "times", times, shape=(None,), dtype=np.float64, at_least=0.0, at_most=duration
    )
    ids = check_array("ids", ids, shape=times.shape, dtype=np.int64, at_least=0, at_most=n - 1)
    try:
        import neo
        import quantities  # type: ignore[import-untyped]
        from neo.core.spiketrainlist import SpikeTrainList  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "to_neo needs neo, which is not installed; pip install 'spikesim[analysis]'."
        ) from error
    order = np.argsort(times, kind="stable")  # the trains of neo keep the order they are given
    segment = neo.Segment(name=name)
    # Building neo's trains one by one takes most of a millisecond each; a list of this kind makes
    # them when they are used.
    segment.spiketrains = SpikeTrainList.from_spike_time_array(
        times[order],
        ids[order],
        np.arange(n),
        t_stop=duration * quantities.ms,
        units="ms",
        t_start=0.0 * quantities.ms,
    )
    return segment
