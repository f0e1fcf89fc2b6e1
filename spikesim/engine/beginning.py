"""The state of a network before it first ran, to which `Network.reset` goes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.kernels import short_term, spikes
from spikesim.kernels.machine.program import Phase

if TYPE_CHECKING:
    from spikesim.engine.population import Population

__all__ = ["Beginning", "untouched"]

Owned = Mapping[str, Mapping[str, np.ndarray]]

_DELIVERIES = {
    bodies.__dict__[name]
    for bodies in (spikes, short_term)
    for name in ("deliver_dense", "deliver_sparse", "deliver_delayed")
}


class Beginning:
    """Copies of the arrays of all parts, each taken before the part first ran.

    Inputs that are parameters are kept, too, so that they go back as those do that are variables.
    """

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, np.ndarray]] = {}
        self._inputs: dict[str, dict[str, Any]] = {}

    def keep(self, owned: Owned, left_out: set[int]) -> None:
        """Copy arrays that are not known yet, except those with the ids in `left_out`."""
        for owner, arrays in owned.items():
            kept = self._kept.setdefault(owner, {})
            for name, array in arrays.items():
                if name not in kept and id(array) not in left_out:
                    kept[name] = array.copy()

    def keep_inputs(self, populations: Mapping[str, Population]) -> None:
        """Note the values of inputs that are not known yet."""
        for name, population in populations.items():
            known = self._inputs.setdefault(name, {})
            for each in population._inputs:
                known.setdefault(each, population.parameters[each])

    def bring_back_inputs(self, populations: Mapping[str, Population]) -> None:
        """Give inputs the values that were noted."""
        for name, known in self._inputs.items():
            parameters = populations[name].parameters
            parameters.update(
                {each: x for each, x in known.items() if not np.array_equal(x, parameters[each])}
            )

    def bring_back(self, owned: Owned) -> None:
        """Write the copies that were kept back into their arrays."""
        for owner, arrays in owned.items():
            kept = self._kept.get(owner, {})
            for name, array in arrays.items():
                if name in kept:
                    # A ring of spikes that has grown since was empty at time 0, like all of them.
                    alike = kept[name].shape == array.shape or kept[name].size == 1
                    array[...] = kept[name] if alike else 0


def untouched(weights: Iterable[np.ndarray], phases: Sequence[Phase]) -> set[int]:
    """The ids of arrays that no Phase writes to, which may be most of a network's memory.

    They are inputs, and weights that only the delivery of spikes reads.
    """
    others = [phase.state for phase in phases if phase.body not in _DELIVERIES]
    seen = {id(array) for state in others for array in state.values()}
    inputs = {id(phase.state[name]) for phase in phases for name in phase.inputs}
    return {id(array) for array in weights} - seen | inputs
