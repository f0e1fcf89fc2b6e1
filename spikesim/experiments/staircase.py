"""How the events and bursts of an ensemble answer a current that rises step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikesim.bursts import Curves
from spikesim.checks import check_array
from spikesim.engine.population import Population
from spikesim.experiments.counters import counted
from spikesim.learning.parameters import refuse_if
from spikesim.progress import Progress, progress_bar

__all__ = ["Ensemble", "staircase"]


class Ensemble:
    """A population whose events and bursts are counted.

    Parameters
    ----------
    population : Population
    current : str
        The variable that takes the current of `respond`.

    Attributes
    ----------
    population : Population
    network : Network
        The population's network; you may add more to it.
    """

    def __init__(self, population: Population, current: str):
        self.network, self.population = population.network, population
        self._current = population.state[current]
        self._events = counted(self.network.add_events("events", population))
        self._bursts = counted(self.network.add_bursts("bursts", population))

    def respond(self, current: float, step: float, window: float) -> tuple[float, float]:
        """Measure event rate in Hz and bursts per event, at the end of a step of the current.

        Parameters
        ----------
        current : float
            In pA.
        step, window : float
            How long the step lasts, and how long at its end events are counted, in ms.
        """
        net = self.network
        self._current[:] = current
        net.run_steps(round(step / net.dt) - round(window / net.dt))
        before = self._events[0], self._bursts[0]
        net.run_steps(round(window / net.dt))
        events, bursts = int(self._events[0] - before[0]), int(self._bursts[0] - before[1])
        rate = 1000.0 * events / (self.population.n * window)
        return rate, bursts / events if events else float("nan")


def staircase(
    ensemble: Callable[[float, float], Ensemble],
    conditions: Sequence[tuple[float, float]],
    currents: Any,
    step: float,
    window: float,
    progress: bool | Progress = False,
) -> Curves:
    """Measure an ensemble under several conditions, each with one current after another.

    Parameters
    ----------
    ensemble : callable
        ``ensemble(weight, current)`` builds the ensemble of a condition.
    conditions : sequence of (weight, current)
    currents : array_like, shape (currents,)
        The currents into dendrites, in pA.
    step, window : float
        As in `Ensemble.respond`.
    progress : bool or callable
        True shows a bar if stderr is a terminal. A callable is called with ``(done, total)``, the
        numbers of currents.
    """
    check_array("conditions", conditions, shape=(None, 2), dtype=np.float32)  # as simulated
    pairs = check_array("conditions", conditions, shape=(None, 2), dtype=np.float64)
    check_array("dendritic_currents", currents, shape=(None,), dtype=np.float32)
    currents = check_array("dendritic_currents", currents, shape=(None,), dtype=np.float64)
    empty = not pairs.size or not currents.size
    refuse_if(empty, "conditions and dendritic_currents have to hold at least one each.")
    check_array("the weights in conditions", pairs[:, 0], at_least=0.0)
    measured = np.zeros((2, len(pairs), currents.size))
    with progress_bar(progress, len(pairs) * currents.size, "current") as report:
        for row, (weight, current) in enumerate(pairs):
            cells = ensemble(float(weight), float(current))
            for column, dendritic_current in enumerate(currents):
                measured[:, row, column] = cells.respond(float(dendritic_current), step, window)
                report(row * currents.size + column + 1, len(pairs) * currents.size)
    return Curves(pairs[:, 0].copy(), pairs[:, 1].copy(), currents, *measured)
