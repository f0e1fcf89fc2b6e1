"""What may be done to the neurons of a population from outside, beside what spikes do.

Stimuli, noise, the currents of gap junctions and synapses are added to its inputs, and neurons can
be silenced. A `Population` is one that this can be done to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikesim.attributes import read_only
from spikesim.checks import check_choice
from spikesim.copying import Part
from spikesim.kernels import spikes, stimuli
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.kernels.machine.states import State

__all__ = ["Influenced"]


class Influenced(Part):
    """Neurons whose inputs can be added to, and that can be silenced."""

    n: int
    state: dict[str, np.ndarray]
    live: Callable[[str], np.ndarray]
    _listed: dict[str, np.ndarray]
    _injected: dict[str, list[Any]]
    _totals: dict[str, np.ndarray]  # of the variables that something is added to
    _silent: dict[str, np.ndarray]

    def inject(self, variable: str, part: Any) -> None:
        """Have ``part.adding`` add to an input in every step; see `spikesim.engine.injection`."""
        if variable not in self.state:
            self.live(variable)
        self._totals.setdefault(variable, np.zeros_like(self.state[variable]))
        self._injected.setdefault(variable, []).append(part)

    def injected(self) -> list[Any]:
        """All that is added to inputs."""
        return [part for parts in self._injected.values() for part in parts]

    def as_seen(self, variable: str) -> np.ndarray:
        """A variable as neurons and recordings see it: with all that is added to it."""
        return self._totals.get(variable, self.state[variable])

    def _injecting(self) -> list[Phase]:
        """The Phases that add up what the neurons see of their inputs."""
        ordered = []
        for variable, parts in self._injected.items():
            total = {"total": self._totals[variable]}
            state = {"value": self.state[variable], **total}
            begin = Phase(stimuli.begin, stimuli.neurons, state, {"parts": SHARED}, neurons=self)
            ordered += [begin, *(phase for part in parts for phase in part.adding(self, total))]
        return ordered

    def silence(self, on: bool = True) -> None:
        """Let no neuron send spikes, or let them send spikes again.

        Their equations go on, and a neuron that reaches its threshold is reset; but the spike
        reaches no one and is not recorded. It is saved with the network.
        """
        self.set_silent(slice(None), check_choice("on", on, [True, False]))

    def set_silent(self, ids: Any, on: bool) -> None:
        """Silence some neurons, or let them send spikes again."""
        if "silent" not in self._silent:
            self._silent["silent"] = np.zeros(self.n, np.int8)
        self._silent["silent"][ids] = on

    @property
    def silent(self) -> np.ndarray:
        return read_only(self._silent.get("silent", np.zeros(self.n, np.int8)).astype(bool))

    @property
    def can_be_silent(self) -> bool:
        """Whether neurons have been silenced, now or before: there is a Phase for it then."""
        return bool(self._silent)

    def silencing(self) -> list[Phase]:
        """The Phase, if any, that takes back what silenced neurons emit."""
        if not self._silent:
            return []
        state = State(self._listed, self._silent, spike=self.state["spike"])
        return [Phase(spikes.silence, once, state)]
