"""How much an input of a neuron changes a variable in one step, found by trying it.

Explicit methods are stable as long as this change times the feedback is not too large. For a neuron
that a user wrote, no formula gives it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.engine.parameters import has_axes
from spikesim.engine.population import Population
from spikesim.engine.setting import Setting
from spikesim.kernels import spikes
from spikesim.kernels.draws import KEY
from spikesim.kernels.lists import whole_eights
from spikesim.kernels.machine import python
from spikesim.kernels.machine.drawing import draws
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import record

__all__ = ["effect"]

_SMALL = 1e-4  # a relative change of the variable that is small enough to be linear


def effect(population: Population, target: str, variable: str, neuron: int) -> float:
    """The change of a variable in one step per unit of an input, for a neuron in its present state.

    Parameters
    ----------
    population : Population
    target, variable : str
        The input and the variable.
    neuron : int

    Returns
    -------
    float
        0 if the equations cannot be tried.

    Examples
    --------
    For `Izhikevich`, with v in mV and I in mV/ms, it is nearly dt:

    >>> from spikesim import Izhikevich, Network
    >>> cells = Network(dt=0.1, backend="python").add_population("cells", 1, Izhikevich)
    >>> round(effect(cells, "I", "v", 0), 3)
    0.097
    """
    if target not in population.state:
        population, neuron = _alone(population, neuron), 0
        population.live(target)
    trial = _Trial(population, target, variable, neuron)
    more = 1e-3
    try:
        with np.errstate(all="ignore"):
            still = trial.after(0.0)
            for _ in range(40):
                change = abs(trial.after(more) - still)
                if not np.isfinite(change) or change > _SMALL * (abs(still) + 1e-3):
                    more /= 10.0
                else:
                    break
            found = change / more
    except Exception:  # equations may fail in any way with the numbers of only one neuron
        return 0.0
    return float(found) if np.isfinite(found) else 0.0


def _alone(population: Population, neuron: int) -> Population:
    """A population of one neuron only, with its parameters and present state."""
    network = population.network
    given = {
        name: value[neuron] if has_axes(value) else value
        for name, value in population.parameters.items()
    }
    alone = Population(Setting(network.dt), population.name, 1, population.neuron, given)
    for name, array in alone.state.items():
        array[:] = population.state[name][neuron]
    return alone


class _Trial:
    """One neuron in float64, apart from its network."""

    def __init__(self, population: Population, target: str, variable: str, neuron: int):
        self._phases: list[Phase] = []
        for phase in population.emission():
            if phase.body is spikes.collect:
                break
            if draws(phase.body):
                phase = phase._replace(state={**phase.state, KEY: np.zeros(4, np.int64)})
            self._phases.append(phase)
        self._n, self._neuron = population.n, neuron
        self._input = population.as_seen(target), float(population.state[target][neuron])
        self._variable = population.state[variable]

    def after(self, more: float) -> float:
        """The variable after a step in which the input is larger by `more`."""
        own: dict[int, np.ndarray] = {}
        array, value = self._input
        own[id(array)] = np.array([value + more])
        lower = python.lowering("float64")
        for phase in self._phases:
            taken = [own.setdefault(id(a), self._of_neuron(a)) for a in phase.state.values()]
            s = record(tuple(phase.state))(*taken)
            p = record(tuple(phase.params))(*map(_number, phase.params.values()))
            lower(phase.body)(0, 0, s, p)
        return float(own[id(self._variable)][0])

    def _of_neuron(self, array: np.ndarray) -> np.ndarray:
        if array.ndim and array.shape[0] in (self._n, whole_eights(self._n)):
            array = array[self._neuron : self._neuron + 1]
        return array.astype(np.float64) if array.dtype.kind == "f" else array.copy()


def _number(value: Any) -> Any:
    return np.float64(value) if isinstance(value, (float, np.floating)) else int(value)
