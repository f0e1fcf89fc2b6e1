"""Additions to an input of a population in every step, and which variables are inputs.

An input is a variable that the neurons' equations only read, such as a current ``I``, or a
parameter that can become one (`Population.live`). A value that a user sets, ``cells.I[:] = 2.0``,
stays as it is. Stimuli, noise and the currents of gap junctions are added to it in the order in
which they were made, and neurons and recordings see the total. All of them therefore add up, and
nothing has to be undone when one ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from spikesim.checks import check_array, check_choice, check_neurons, check_unknown, show
from spikesim.copying import Part
from spikesim.engine.population import Population
from spikesim.engine.setting import Setting
from spikesim.errors import InputError
from spikesim.kernels import stimuli
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State
from spikesim.kernels.machine.writing import written

__all__ = ["EACH", "Injection", "check_input"]

EACH = (1 << 62) - 1
"""A mask that leaves every place as it is."""


def check_input(population: Population, target: Any) -> None:
    """Raise `InputError` if a variable is not an input, which the neurons only read.

    A parameter that can become a variable is an input, too.
    """
    names = [*population.state, *population.neuron.live]
    variables = [name for name in dict.fromkeys(names) if name not in ("spike", "uniform")]
    check_unknown(f"target variable of {population.name!r}", [target], variables)
    bodies = [step[0] if isinstance(step, tuple) else step for step in population.neuron.steps]
    changed = frozenset[str]().union(*map(written, [*bodies, *population.neuron.on_spike]))
    if target in changed:
        inputs = [name for name in variables if name not in changed]
        there = f"there is {', '.join(inputs)}" if inputs else "these neurons have none"
        raise InputError(
            f"target is {target!r}, which the equations of {population.name!r} change; what is "
            f"added in every step has to go to a variable that they only read: {there}."
        )


class Injection(Part):
    """An addition to an input of some neurons in every step: a stimulus or noise.

    Parameters
    ----------
    population : Population
    target : str
        The input.
    neurons : slice, array_like of int, array_like of bool, int or None
        Which neurons get it.
    where : str
        The attribute of the network that lists all injections of this kind.
    number : int
        Its place in that list.

    Attributes
    ----------
    is_on : bool
        Whether it is added; may be set between runs.
    """

    _remedies: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("population", "target"), "add another one"
    )

    def __init__(self, population: Population, target: str, neurons: Any, where: str, number: int):
        check_input(population, target)
        ids = check_neurons("neurons", neurons, population.n)
        if not 0 < np.unique(ids).size == ids.size:
            raise InputError(
                f"neurons is {show(neurons)}; it has to name one or more of the {population.n} "
                f"neurons of {population.name!r}, and none twice."
            )
        self.population = population
        self.target = target
        self._where, self._number = where, number
        # Compiled loops run over a range of neurons; those in it that were not chosen get zeros.
        first, last = int(ids.min()), int(ids.max())
        self._ids = ids
        self._is_range = bool((np.diff(ids) == 1).all())
        self._params: dict[str, Any] = {
            "first": first,
            "n": last + 1 - first,
            "parts": SHARED,
            "is_on": 1,
        }

    def _place(self) -> tuple[Setting, str, int]:
        return self.population.network, self._where, self._number

    def built(self) -> dict[str, Any]:
        ids = self._ids
        return {
            "population": self.population.name,
            "target": self.target,
            "number of neurons": ids.size,
            "checksum of neurons": crc32(np.ascontiguousarray(ids, np.int64).data),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run changes, by name."""
        return {}

    @property
    def is_on(self) -> bool:
        return bool(self._params["is_on"])

    @is_on.setter
    def is_on(self, on: bool) -> None:
        self._params["is_on"] = int(check_choice("is_on", on, [True, False]))

    def begin_again(self) -> None:
        """Go back to the beginning, with random numbers from the network's present noise seed."""

    def adding(self, population: Population, total: dict[str, np.ndarray]) -> list[Phase]:
        """The Phases that add this step's part to ``total["total"]``."""
        raise NotImplementedError

    def _phase(
        self, body: Callable, state: State, inputs: tuple[str, ...] = (), dtype: str | None = None
    ) -> Phase:
        """A Phase over blocks of the neurons that get the injection."""
        owner = self.population if self._params["n"] == self.population.n else None
        return Phase(body, stimuli.targets, state, self._params, inputs, owner, dtype)

    def _of_each(self, name: str, value: Any, dtype: Any) -> np.ndarray:
        """One number, or one for each neuron of the range, from the numbers that a user gave."""
        array = check_array(name, value, dtype=dtype)
        if array.ndim == 0:
            array = array.reshape(1)
        if array.shape not in ((1,), (self._ids.size,)):
            raise InputError(
                f"{name} has shape {array.shape}; it has to be a number, or one for each of the "
                f"{self._ids.size} neurons."
            )
        return array.copy() if self._is_range else self._spread(array)

    def _spread(self, array: np.ndarray) -> np.ndarray:
        """Columns for all neurons of the range, with zeros for those that were not chosen."""
        spread = np.zeros((*array.shape[:-1], self._params["n"]), array.dtype)
        spread[..., self._ids - self._params["first"]] = array
        return spread
