"""The plasticity of a projection as its user sees it: on or off, and its constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import Guarded, Missing, Named
from spikesim.checks import check_choice, check_number
from spikesim.errors import InputError
from spikesim.kernels.machine.program import Phase

__all__ = ["NoPlasticity", "Plasticity", "check_bounds", "check_one_delay"]


class Plasticity(Named):
    """How spikes change the weights of a projection, as `Projection.plasticity`.

    The constants of the rule are attributes: ``synapses.plasticity.A_plus = 0.0`` holds from the
    next run on.

    Attributes
    ----------
    rule : PairSTDP or PlasticityRule
        The rule that was given to `Network.connect`.
    learning : bool
        Whether the weights change; may be set between runs. Traces of spikes always go on.

    Examples
    --------
    >>> from spikesim import LIF, Network, PairSTDP
    >>> net = Network(backend="python")
    >>> cells = net.add_population("cells", 4, LIF)
    >>> rule = PairSTDP(A_plus=0.01)
    >>> synapses = net.connect(cells, cells, target="drive", weight=0.5, plasticity=rule)
    >>> synapses.plasticity.A_plus = 0.02
    >>> synapses.plasticity.off()
    >>> synapses.plasticity
    <Plasticity of 'cells_to_cells': off, PairSTDP, A_plus=0, A_minus=0.00525, w_max=1, w_min=0>
    """

    _remedies: ClassVar[Mapping[str, str]] = {"rule": "connect with another one"}

    def __init__(self, rule: Any, synapses: Any, dtype: str):
        self.rule = rule
        self._synapses = synapses
        self._dtype = dtype
        self._params: dict[str, Any] = {"learning": 1}

    def __repr__(self) -> str:
        state = "on" if self.learning else "off"
        values = ((name, getattr(self, name)) for name in self._more())
        shown = [f"{name}={x:g}" if np.ndim(x) == 0 else name for name, x in values]
        said = ", ".join([state, type(self.rule).__name__, *shown])
        return f"<Plasticity of {self._synapses.name!r}: {said}>"

    @property
    def learning(self) -> bool:
        return bool(self._params["learning"])

    @learning.setter
    def learning(self, on: bool) -> None:
        self._params["learning"] = int(check_choice("learning", on, [True, False]))

    def on(self) -> None:
        """Let spikes change the weights."""
        self.learning = True

    def off(self) -> None:
        """Leave the weights as they are; the traces of spikes go on."""
        self.learning = False

    # ------------------------------------------------------------------------------ constants

    def _called(self) -> str:
        return f"The plasticity of {self._synapses.name!r}"

    def _set_bound(self, name: str, value: Any) -> None:
        """Set `w_min` or `w_max`, if all weights are within."""
        value = check_number(name, value, dtype=self._dtype)
        bounds = {"w_min": self._params["w_min"], "w_max": self._params["w_max"], name: value}
        if bounds["w_min"] >= bounds["w_max"]:
            raise InputError(
                f"{name} is {value:g}; w_min has to be below w_max: they would be "
                f"{bounds['w_min']:g} and {bounds['w_max']:g}."
            )
        synapses = self._synapses
        check_bounds("weight", synapses.weight if synapses.W is None else synapses.W, **bounds)
        self._params[name] = value

    def check_weights(self, name: str, weights: np.ndarray) -> None:
        """Refuse weights outside the bounds of the rule."""
        check_bounds(name, weights, self._params["w_min"], self._params["w_max"])

    # ---------------------------------------------------------------------------- for a network

    def built(self) -> dict[str, Any]:
        """The numbers of the rule, as it was given to the network."""
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a run changes besides the weights."""
        raise NotImplementedError

    def each(self) -> dict[str, np.ndarray]:
        """The variables of each synapse besides its weight, in the shape of the weights."""
        return {}

    def after_delivery(self) -> list[Phase]:
        """The Phases for spikes that have been delivered."""
        raise NotImplementedError

    def after_emission(self) -> list[Phase]:
        """The Phases for spikes of the postsynaptic neurons, and for the end of a step."""
        raise NotImplementedError


class NoPlasticity(Guarded):
    """What a projection has in place of `Plasticity` if its weights do not learn.

    It is false, as in ``if synapses.plasticity:``; everything else is refused, with what to do.
    """

    def __init__(self, name: str):
        self._name = name

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<no plasticity of {self._name!r}>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("_") else Missing(self._refusal(name))

    def _refusal(self, name: str) -> str:
        return (
            f"{self._name!r} was connected without plasticity, so it has no {name!r}; connect with "
            "plasticity=PairSTDP(...), or with a PlasticityRule."
        )


def check_one_delay(synapses: Any) -> None:
    """Raise `InputError` if synapses differ in their delays, which no rule can do with."""
    if synapses.later is not None:
        raise InputError(
            f"delay differs between the synapses of {synapses.name!r}; with plasticity all have to "
            "have the same, for a presynaptic neuron has one trace, which starts when its spike "
            "arrives. Connect the synapses of each delay by themselves: connect(..., "
            f"weight=weights_of_these, delay={synapses.delay.max():g}, name='late')."
        )


def check_bounds(name: str, weights: np.ndarray, w_min: float, w_max: float) -> None:
    """Raise `InputError` if a weight is not from `w_min` to `w_max`."""
    for outside in weights[(weights < w_min) | (weights > w_max)][:1]:
        raise InputError(
            f"{name} holds {outside:g}; with this plasticity every weight has to be from "
            f"w_min = {w_min:g} to w_max = {w_max:g}."
        )
