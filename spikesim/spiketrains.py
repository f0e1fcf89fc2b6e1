"""Statistics of spike trains, and export to neo, for the many more statistics of elephant.

Times are in ms and rates in Hz. A train is an array of spike times in any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_array, check_integer, check_memory, check_number, show
from spikesim.errors import InputError

if TYPE_CHECKING:
    import neo  # type: ignore[import-untyped]

__all__ = [
    "coefficient_of_variation",
    "interspike_intervals",
    "mean_rate",
    "mean_rates",
    "to_neo",
    "van_rossum_distance",
    "van_rossum_loss",
    "van_rossum_trace",
]


def mean_rate(times: Any, duration: float) -> float:
    """Return the number of spikes per second of one train.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms) in a recording of that duration, which may have begun at any time.
    duration : float
        Length of the recording (ms), above 0, such as `SpikeRecording.duration`.

    Returns
    -------
    float
        Rate (Hz).

    Raises
    ------
    InputError
        If a time is below 0, if two are further apart than the duration, or if the duration is not
        above 0.

    Examples
    --------
    >>> mean_rate([10.0, 20.0, 30.0], duration=100.0)
    30.0
    """
    duration = check_number("duration", duration, above=0.0, unit="ms")
    times = check_array("times", times, shape=(None,), dtype=np.float64, at_least=0.0)
    span = float(np.ptp(times)) if times.size else 0.0
    if span > duration * (1.0 + 1e-9):  # times are rounded
        raise InputError(
            f"times holds spikes that are {span:g} ms apart; all have to be within the duration "
            f"of {duration:g} ms."
        )
    return float(1000.0 * len(times) / duration)


def mean_rates(spikes: Mapping[str, Any], after: float = 500.0) -> dict[str, float]:
    """Return the spikes per second and neuron of recorded populations.

    Parameters
    ----------
    spikes : dict of str to SpikeRecording
        By name, from `Network.record_spikes`.
    after : float
        In ms: the time of the network up to which spikes are left out, as it has to settle.

    Returns
    -------
    dict of str to float
        Rates (Hz), by the same names.

    Raises
    ------
    InputError
        If something else than recordings is given, or one of them ends before `after`.

    Examples
    --------
    >>> from spikesim import Network
    >>> net = Network(dt=0.1, backend="python")
    >>> source = net.add_spike_trains("source", 2, [1.0, 5.0, 6.0], [0, 0, 1])
    >>> spikes = {"source": net.record_spikes(source)}
    >>> net.run(10.0)
    >>> mean_rates(spikes, after=5.0)
    {'source': 200.0}
    """
    found = {}
    if not isinstance(spikes, Mapping):
        raise InputError(f"spikes is {show(spikes)}; it has to be a dict of recordings.")
    for name, recording in spikes.items():
        if not all(hasattr(recording, each) for each in ("t", "n", "t_start", "t_stop")):
            raise InputError(
                f"spikes[{name!r}] is {show(recording)}; it has to be a SpikeRecording."
            )
        check_number("after", after, at_least=0.0, below=recording.t_stop, unit="ms")
        counted = np.count_nonzero(recording.t >= after - 1e-6)
        counting = recording.t_stop - max(after, recording.t_start)
        found[name] = float(1e3 * counted / (recording.n * counting))
    return found


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
        If the times are not a one-dimensional array of finite numbers.

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
        If the times are not a one-dimensional array of finite numbers.

    Examples
    --------
    >>> coefficient_of_variation([0.0, 1.0, 4.0])
    0.5
    """
    intervals = interspike_intervals(times)
    if len(intervals) < 2 or not intervals.any():
        return math.nan
    with np.errstate(over="ignore"):  # squares of intervals beyond 1e154 ms are infinite
        return float(intervals.std() / intervals.mean())


def van_rossum_distance(first: Any, second: Any, tau: float) -> float:
    r"""Return the van Rossum distance of two spike trains, in the normalisation of elephant.

    Every spike is followed by a kernel exp(-t / tau), and the distance is

    .. math::

        d = \sqrt{\frac{2}{\tau} \int_0^\infty (f(t) - g(t))^2 \, dt}.

    With the factor 2 the distance between one spike and none is exactly 1. Van Rossum (2001) has
    the factor 1, so divide by sqrt(2) for his distance. The distance is not normalised by duration
    or number of spikes. The SuperSpike loss uses another kernel and is a different number: see
    `van_rossum_loss`.

    Parameters
    ----------
    first, second : float array, shape (spikes,)
        Spike times (ms).
    tau : float
        Time constant (ms), at least 0. The limits are those of elephant: infinity gives the
        difference of the numbers of spikes, and 0 the square root of their sum, even for equal
        trains.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Between two spikes the difference f - g only decays. So it is carried from spike to spike, as in
    Houghton & Kreuz (2012), and its square is integrated in closed form. For n spikes that takes
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
    if isinstance(tau, float) and tau == math.inf:
        return float(abs(len(first) - len(second)))
    tau = check_number("tau", tau, at_least=0.0, unit="ms")
    if tau == 0.0:
        return math.sqrt(len(first) + len(second))
    if not len(first) + len(second):
        return 0.0
    times = np.concatenate([first, second])
    signs = np.repeat([1.0, -1.0], [len(first), len(second)])
    order = np.argsort(times)
    with np.errstate(over="ignore"):
        gaps = np.diff(times[order]) / tau
    decays = np.exp(-gaps).tolist()
    shares = (-np.expm1(-2.0 * gaps)).tolist()  # the share of the square that decays in the gap
    signs = signs[order].tolist()
    difference = signs[0]
    squared = 0.0
    for sign, decay, share in zip(signs[1:], decays, shares, strict=True):
        squared += difference * difference * share
        difference = difference * decay + sign
    return math.sqrt(squared + difference * difference)


@np.errstate(over="ignore")  # an overflow means an infinite gap, which gives the right result
def van_rossum_loss(
    target: Any, output: Any, tau_rise: float = 5.0, tau_decay: float = 10.0
) -> float:
    r"""Return the loss of SuperSpike (Zenke & Ganguli 2018, eq. 2.1) between two spike trains.

    Every spike is followed by a kernel of unit area that rises and decays, and the loss is

    .. math::

        L = \frac12 \int_0^\infty \big(\alpha * (\hat S - S)\big)^2 dt, \quad
        \alpha(t) = \frac{e^{-t / \tau_\mathrm{decay}} - e^{-t / \tau_\mathrm{rise}}}
                         {\tau_\mathrm{decay} - \tau_\mathrm{rise}}.

    A spike with no partner nearby adds 1 / (4 (tau_rise + tau_decay)), by default 1/60 per ms; a
    spike in the wrong place counts as two. The loss is not normalised by duration or number of
    spikes.

    Parameters
    ----------
    target, output : float array, shape (spikes,)
        Spike times (ms).
    tau_rise, tau_decay : float
        Time constants of the kernel (ms), the longer one second.

    Returns
    -------
    float
        Loss (1/ms), at least 0.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    The kernel of `van_rossum_distance` jumps up at a spike, so that distance is a different number.
    If r and d are the distances for the time constants tau_rise and tau_decay, then
    L = (tau_decay d² - tau_rise r²) / (4 (tau_decay² - tau_rise²)). The loss forgives small shifts:
    a spike that is 3 ms late costs 7 % of one that is far away. In the squared distance with a time
    constant of 10 ms it would cost 26 %.

    As in `van_rossum_distance`, the difference of the filtered trains is carried from spike to
    spike, and its square is integrated in closed form. So n spikes take n log n operations, and
    almost equal trains lose no digits.

    Examples
    --------
    >>> round(1.0 / van_rossum_loss([10.0], []), 10)
    60.0
    >>> round(van_rossum_loss([10.0, 50.0], [13.0, 50.0]), 6)
    0.002239
    """
    from scipy.special import betainc  # at the top, scipy would double the import time of spikesim

    target = check_array("target", target, shape=(None,), dtype=np.float64)
    output = check_array("output", output, shape=(None,), dtype=np.float64)
    tau_rise, tau_decay = _check_kernel(tau_rise, tau_decay)
    times = np.concatenate([target, output])
    if not times.size:
        return 0.0
    signs = np.repeat([1, -1], [len(target), len(output)])
    order = np.argsort(times)
    signs = signs[order].tolist()
    gaps = np.append(np.diff(times[order]), math.inf)
    # At time h after a spike the filtered difference is y exp(-h / tau_rise) + x alpha(h), where x
    # sums exp(-t / tau_decay) over the spikes so far and y is the difference at the last one. The
    # integrals of the three products over a gap are incomplete beta functions of `spent`. They
    # could be written as polynomials times exponentials, but those cancel in a short gap, as
    # `spent` does in a long one. The sign of x y does no harm: the two parts correlate too little
    # to cancel.
    apart, both = tau_decay - tau_rise, tau_decay + tau_rise
    spent = -np.expm1(-gaps * apart / (tau_rise * tau_decay))
    p, q = 2.0 * tau_rise / apart, both / apart
    yy = -0.5 * tau_rise * np.expm1(-2.0 * gaps / tau_rise)
    xy = 1.0 - np.exp(-gaps * both / (tau_rise * tau_decay)) * (1.0 + q * spent)
    xx = 1.0 - np.exp(-2.0 * gaps / tau_decay) * (1.0 + p * spent * (1.0 + 0.5 * (p + 1.0) * spent))
    short = spent < 0.9
    xy = tau_rise / both * np.where(short, betainc(2.0, q, spent), xy)
    xx = 0.5 / both * np.where(short, betainc(3.0, p, spent), xx)
    falls = np.exp(-gaps / tau_rise)
    rises = np.exp(-gaps / tau_decay) * spent / apart
    losses = np.expm1(-gaps / tau_decay)
    squared = y = rest = 0.0
    whole = 0  # x is whole + rest: added to 1, the small x of almost equal trains would be lost
    for sign, *integrals, fall, rise, loss in zip(
        signs, *(a.tolist() for a in (yy, xy, xx, falls, rises, losses)), strict=True
    ):
        whole += sign
        x = whole + rest
        squared += y * y * integrals[0] + x * y * integrals[1] + x * x * integrals[2]
        y = y * fall + x * rise
        rest += loss * x
        whole, rest = whole + round(rest), rest - round(rest)
    return 0.5 * squared


def van_rossum_trace(
    times: Any, duration: float, dt: float, tau_rise: float = 5.0, tau_decay: float = 10.0
) -> np.ndarray:
    """Return one train filtered by the kernel of `van_rossum_loss`, on a grid of time.

    The value at a grid point is exact, whether or not the spikes lie on the grid. Half the squared
    difference of two traces, summed and multiplied by `dt`, is the loss up to that time, with an
    error of the order dt².

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms), all between 0 and `duration`.
    duration : float
        End of the grid (ms), above 0.
    dt : float
        Step of the grid (ms), above 0.
    tau_rise, tau_decay : float
        Time constants of the kernel (ms), the longer one second.

    Returns
    -------
    float64 array, shape (steps,)
        The filtered train (1/ms) at 0, dt, 2 dt, ... below `duration`.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    The running loss, and the loss over all time:

    >>> target, output = [10.0, 50.0], [13.0, 50.0]
    >>> traces = [van_rossum_trace(train, 200.0, dt=0.1) for train in (target, output)]
    >>> running = 0.5 * 0.1 * np.cumsum((traces[0] - traces[1]) ** 2)
    >>> bool(running[90] == 0.0), running[[200, 400, -1]].round(6).tolist()
    (True, [0.001874, 0.002214, 0.00224])
    >>> round(van_rossum_loss(target, output), 6)
    0.002239
    """
    duration = check_number("duration", duration, above=0.0, unit="ms")
    dt = check_number("dt", dt, above=0.0, unit="ms")
    times = check_array(
        "times", times, shape=(None,), dtype=np.float64, at_least=0.0, at_most=duration
    )
    tau_rise, tau_decay = _check_kernel(tau_rise, tau_decay)
    check_memory(f"duration is {duration:g} ms in steps of {dt:g} ms", 100.0 * duration / dt)
    steps = math.ceil(duration / dt - 1e-9)  # 0.3 / 0.1 may come out above or below 3
    first = np.ceil(times / dt).astype(np.int64)  # the first grid point of a spike
    late = np.maximum(first * dt - times, 0.0)

    def kernel(t: Any) -> Any:
        apart = tau_decay - tau_rise
        return -np.exp(-t / tau_decay) * np.expm1(-t * apart / (tau_rise * tau_decay)) / apart

    def arriving(values: np.ndarray) -> list[float]:
        return np.bincount(first, values, minlength=steps)[:steps].tolist()

    # Between grid points the trace is y exp(-t / tau_rise) + x alpha(t), as in `van_rossum_loss`.
    fall, fade, rise = math.exp(-dt / tau_rise), math.exp(-dt / tau_decay), float(kernel(dt))
    trace = np.empty(steps)
    x = y = 0.0
    arrivals = zip(arriving(np.exp(-late / tau_decay)), arriving(kernel(late)), strict=True)
    for k, (slow, risen) in enumerate(arrivals):
        y = y * fall + x * rise + risen
        x = x * fade + slow
        trace[k] = y
    return trace


def check_trains(each: str, given: Mapping[str, Any], latest: float) -> list[list[np.ndarray]]:
    """Lists of spike trains by name, of which there is one in every list for `each` of something.

    Raises
    ------
    InputError
        If a list is none, a train is no array of times from 0 to `latest` ms, or lists differ in
        length.
    """
    for name, trains in given.items():
        if not isinstance(trains, (list, tuple)):
            raise InputError(f"{name} is {show(trains)}; it has to be a list of spike trains.")
    found = [
        [
            check_array(f"{name}[{k}]", train, shape=(None,), at_least=0.0, at_most=latest)
            for k, train in enumerate(trains)
        ]
        for name, trains in given.items()
    ]
    sizes = [len(trains) for trains in found]
    if len(set(sizes)) > 1 or not sizes[0]:
        (one, n), *others = zip(given, sizes, strict=True)
        more = " and ".join(f"{name} {size}" for name, size in others)
        raise InputError(
            f"{one} has {n} spike trains and {more}; there has to be one of each for every {each}."
        )
    return found


def _check_kernel(tau_rise: Any, tau_decay: Any) -> tuple[float, float]:
    tau_rise = check_number("tau_rise", tau_rise, at_least=1e-9, unit="ms")
    tau_decay = check_number("tau_decay", tau_decay, above=tau_rise, at_most=1e100, unit="ms")
    return tau_rise, tau_decay


def to_neo(
    times: Any, ids: Any, n: int, duration: float, name: str, t_start: float = 0.0
) -> neo.Segment:
    """Return spikes as a segment of neo, for use in elephant and viziphant.

    Parameters
    ----------
    times : float array, shape (spikes,)
        Spike times (ms) between `t_start` and ``t_start + duration``, in any order.
    ids : int array, shape (spikes,)
        The neuron of every spike, below `n`.
    n : int
        Number of neurons; `segment.spiketrains` has a train for each, even if it is silent.
    duration : float
        Length of the recording (ms).
    name : str
        Name of the segment, such as the population's.
    t_start : float
        When the recording began (ms).

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
    check_memory(f"n is {n}", 1000.0 * n)  # a train is an object
    duration = check_number("duration", duration, above=0.0, unit="ms")
    t_start = check_number("t_start", t_start, at_least=0.0, unit="ms")
    t_stop = check_number("t_start + duration", t_start + duration, unit="ms")
    times = check_array(
        "times", times, shape=(None,), dtype=np.float64, at_least=t_start, at_most=t_stop
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
    # Making one of neo's trains takes almost a millisecond; a list of this kind makes a train when
    # it is used.
    segment.spiketrains = SpikeTrainList.from_spike_time_array(
        times[order],
        ids[order],
        np.arange(n),
        t_stop=t_stop * quantities.ms,
        units="ms",
        t_start=t_start * quantities.ms,
    )
    return segment
