"""Ways other than spikes in which a population can be influenced from outside.

Stimuli, noise, and the currents of gap junctions and synapses add to its inputs, and its neurons
can be silenced. `Population` inherits these methods.
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
    """Neurons to whose inputs parts can add, and that can be silenced."""

    n: int
    state: dict[str, np.ndarray]
    live: Callable[[str], np.ndarray]
    _listed: dict[str, np.ndarray]
    _injected: dict[str, list[Any]]
    _totals: dict[str, np.ndarray]  # of the variables that something adds to
    _silent: dict[str, np.ndarray]

    def inject(self, variable: str, part: Any) -> None:
        """Let ``part.adding`` add to an input in every step; see `spikesim.engine.injection`."""
        if variable not in self.state:
            self.live(variable)
        self._totals.setdefault(variable, np.zeros_like(self.state[variable]))
        self._injected.setdefault(variable, []).append(part)

    def injected(self) -> list[Any]:
        """Everything that adds to inputs."""
        return [part for parts in self._injected.values() for part in parts]

    def as_seen(self, variable: str) -> np.ndarray:
        """A variable as neurons and recordings see it: with everything that adds to it."""
        return self._totals.get(variable, self.state[variable])

    def _injecting(self) -> list[Phase]:
        """The Phases that add up the inputs that the neurons see."""
        ordered = []
        for variable, parts in self._injected.items():
            total = {"total": self._totals[variable]}
            state = {"value": self.state[variable], **total}
            begin = Phase(stimuli.begin, stimuli.neurons, state, {"parts": SHARED}, neurons=self)
            ordered += [begin, *(phase for part in parts for phase in part.adding(self, total))]
        return ordered

    def silence(self, on: bool = True) -> None:
        """Stop all neurons from sending spikes, or let them send spikes again.

        Their equations are still integrated, and a neuron that reaches its threshold is reset. Its
        spike, however, reaches no target and is not recorded. A saved network keeps the silence.
        """
        self.set_silent(slice(None), check_choice("on", on, [True, False]))

    def set_silent(self, ids: Any, on: bool) -> None:
        """Silence the neurons `ids`, or let them send spikes again."""
        if "silent" not in self._silent:
            self._silent["silent"] = np.zeros(self.n, np.int8)
        self._silent["silent"][ids] = on

    @property
    def silent(self) -> np.ndarray:
        silent = self._silent.get("silent", np.zeros(self.n, np.int8)).astype(bool)
        return read_only(silent, "call silence() of the neurons, as in population[:80].silence()")

    @property
    def can_be_silent(self) -> bool:
        """Whether any neuron is or ever was silenced; if so, there is a Phase for it."""
        return bool(self._silent)

    def silencing(self) -> list[Phase]:
        """The Phase, if any, that removes the spikes of silenced neurons."""
        if not self._silent:
            return []
        state = State(self._listed, self._silent, spike=self.state["spike"])
        return [Phase(spikes.silence, once, state)]
