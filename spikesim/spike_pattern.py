"""Spike patterns: the spikes of a group of neurons in one trial, and checks for models.

`spikesim.patterns` makes and reads them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_choice, check_integer, check_number, check_steps
from spikesim.errors import InputError

__all__ = ["SpikePattern", "check_pattern", "pattern_of"]


class SpikePattern(NamedTuple):
    """Spikes of a group of neurons in one trial; `spikesim.patterns` makes them.

    Attributes
    ----------
    times : float64 array, shape (spikes,)
        In ms, ascending, at least 0 and below `duration`.
    ids : int32 array, shape (spikes,)
        The neuron of each spike, below `n`.
    n : int
        Number of neurons; some may be silent.
    duration : float
        Duration of the trial (ms).

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> pattern = from_trains([[83.0, 166.0], [], [40.0]], duration=500.0)
    >>> pattern.times.tolist(), pattern.ids.tolist(), pattern.n
    ([40.0, 83.0, 166.0], [2, 0, 0], 3)
    """

    times: np.ndarray
    ids: np.ndarray
    n: int
    duration: float

    def trains(self) -> list[np.ndarray]:
        """Return the spike times (ms) of each neuron, one array per neuron.

        Examples
        --------
        >>> from spikesim.patterns import poisson
        >>> pattern = poisson(3, rate=20.0, duration=100.0, seed=1)
        >>> [len(train) for train in pattern.trains()]
        [2, 1, 3]
        """
        order = np.argsort(self.ids, kind="stable")
        ends = np.cumsum(np.bincount(self.ids, minlength=self.n))
        return np.split(self.times[order], ends)[: self.n]

    def merged(self, dt: float = 0.1) -> SpikePattern:
        """Return the pattern in which several spikes of a neuron in one step become one.

        Recorded events and rounded times may have several spikes in a step, but some models accept
        only one.

        Parameters
        ----------
        dt : float
            Step (ms); each spike belongs to the nearest one, and the first of a step is kept.

        Returns
        -------
        SpikePattern

        Raises
        ------
        InputError
            If an argument cannot be used.

        Examples
        --------
        >>> from spikesim.patterns import from_trains
        >>> from_trains([[10.2, 10.4, 12.0]], duration=20.0).merged(dt=1.0).times.tolist()
        [10.2, 12.0]
        """
        dt = check_number("dt", dt, above=0.0, unit="ms")
        with np.errstate(over="ignore"):
            steps = np.rint(self.times / dt)
        pairs = np.stack([steps, self.ids.astype(np.float64)])
        first = np.sort(np.unique(pairs, axis=1, return_index=True)[1])
        return self._replace(times=self.times[first], ids=self.ids[first])


def pattern_of(
    steps: np.ndarray, ids: np.ndarray, n: int, duration: float, dt: float
) -> SpikePattern:
    """The pattern of spikes in steps of `dt` ms, sorted by step."""
    return SpikePattern(steps * dt, ids.astype(np.int32), n, float(duration))


def check_pattern(
    name: str,
    pattern: Any,
    dt: float,
    n: int | None = None,
    duration: float | None = None,
    allow_empty: bool = True,
    most: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the step and neuron of each spike, or raise `InputError` if a model cannot use them.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    pattern : SpikePattern
    dt : float
        Step of the model (ms). Each spike goes to the nearest one.
    n : int, optional
        The required number of neurons.
    duration : float, optional
        The required duration (ms).
    allow_empty : bool
        Whether the pattern may have no spikes.
    most : int
        How many spikes a neuron may have in a step.

    Returns
    -------
    steps : int64 array, shape (spikes,)
        From 0 to duration / dt - 1, ascending.
    ids : int32 array, shape (spikes,)
        Ascending within a step.

    Raises
    ------
    InputError
        Names the argument, what is wrong, and what is allowed.

    Examples
    --------
    >>> from spikesim.patterns import from_trains
    >>> target = from_trains([[83.0, 166.0], [83.0]], duration=500.0)
    >>> steps, ids = check_pattern("target", target, dt=0.1, n=2, duration=500.0)
    >>> steps.tolist(), ids.tolist()
    ([830, 830, 1660], [0, 1, 0])
    """
    if not isinstance(pattern, SpikePattern):
        raise InputError(
            f"{name} is a {type(pattern).__name__}; it has to be a SpikePattern, as made by "
            "from_trains, poisson, from_picture, from_text, read_ras or read_nest of "
            "spikesim.patterns."
        )
    dt = check_number("dt", dt, above=0.0, unit="ms")
    most = check_integer("most", most, at_least=1)
    check_choice("allow_empty", allow_empty, [True, False])
    if n is not None:
        n = check_integer("n", n, at_least=1)
    neurons = check_integer(f"{name}.n", pattern.n, at_least=1)
    length = check_number(f"{name}.duration", pattern.duration, above=0.0, unit="ms")
    times = check_array(
        f"{name}.times", pattern.times, shape=(None,), dtype=np.float64, at_least=0.0
    )
    ids = check_array(
        f"{name}.ids",
        pattern.ids,
        shape=times.shape,
        dtype=np.int32,
        at_least=0,
        at_most=neurons - 1,
    )
    if n is not None and neurons != n:
        raise InputError(f"{name}.n is {neurons}; it has to be {n}, one for each neuron.")
    if not (allow_empty or times.size):
        raise InputError(f"{name} holds no spike; it has to hold at least one.")
    late = np.flatnonzero(np.diff(times) < 0.0)
    if late.size:
        raise InputError(
            f"{name}.times has {times[late[0] + 1]:g} ms after {times[late[0]]:g} ms; times have "
            "to ascend, as those of spikesim.patterns.from_trains do."
        )
    trial, what = (length, "pattern") if duration is None else (duration, "trial")
    end = check_steps(f"{name}.duration" if duration is None else "duration", trial, dt, at_least=1)
    with np.errstate(over="ignore"):
        steps = np.rint(times / dt)
    if steps.size and steps[-1] >= end:
        raise InputError(
            f"{name} holds a spike at {times[-1]:g} ms, but the {what} lasts {trial:g} ms; the "
            f"last step is at {trial - dt:g} ms."
        )
    if abs(length - trial) > 1e-6 * dt:
        raise InputError(
            f"{name} lasts {length:g} ms, but the trial lasts {trial:g} ms; they have to agree, "
            f"as with {name}._replace(duration={trial:g})."
        )
    order = np.lexsort((ids, steps))
    steps, ids = steps[order].astype(np.int64), ids[order]
    # Equal spikes are neighbours, so `most` places further on there has to be a different one.
    more = np.flatnonzero((steps[most:] == steps[:-most]) & (ids[most:] == ids[:-most]))
    if more.size:
        raise InputError(
            f"{name} holds {'two' if most == 1 else most + 1} spikes of neuron {ids[more[0]]} in "
            f"the step at {steps[more[0]] * dt:g} ms; a neuron spikes at most "
            f"{'once' if most == 1 else f'{most} times'} in each step of {dt:g} ms, as in "
            f"{name}.merged(dt={dt:g})."
        )
    return steps, ids
