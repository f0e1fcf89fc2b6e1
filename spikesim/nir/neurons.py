"""The neurons of NIR, for a discretisation and a reset that NIR leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import exp, expm1
from typing import Any

from spikesim.checks import check_choice
from spikesim.declaring import Parameter, Variable
from spikesim.errors import InputError
from spikesim.kernels import nir as equations
from spikesim.neuron import Neuron

__all__ = ["DISCRETISATIONS", "KINDS", "RESETS", "Choices", "choices_of", "neuron"]

DISCRETISATIONS = ("exact", "euler", "semi-implicit")
RESETS = ("v_reset", "subtract")


@dataclass(frozen=True)
class Choices:
    """What a neuron does and NIR does not say; calling it gives the constants of the bodies."""

    kind: str
    discretisation: str
    reset: str
    reset_delay: bool

    def __call__(self, p: dict[str, Any], dt: float) -> dict[str, Any]:
        held: dict[str, Any] = {
            name: p[name] for name in ("bias", "v_threshold", "v_reset") if name in p
        }
        is_exact = self.discretisation == "exact"

        def decayed(tau: float) -> tuple[float, float]:
            """What is left of a variable after dt, and what is gone."""
            if is_exact:
                return exp(-dt / tau), -expm1(-dt / tau)
            return 1.0 - dt / tau, dt / tau

        if self.kind in ("Threshold", "Output"):
            return {**held, "v_leak": 0.0, "decay": 0.0, "gain": 1.0}
        if self.kind in ("IF", "I"):
            return {**held, "v_leak": 0.0, "decay": 1.0, "gain": p["r"] * dt / 1000.0}
        if self.kind in ("LIF", "LI"):
            decay, gone = decayed(p["tau"])
            return {**held, "v_leak": p["v_leak"], "decay": decay, "gain": p["r"] * gone}
        decay, gone = decayed(p["tau_mem"])
        decay_syn, gone_syn = decayed(p["tau_syn"])
        from_i, from_x = gone, 0.0
        if self.discretisation == "semi-implicit":
            from_i, from_x = gone * decay_syn, gone * gone_syn
        elif is_exact:
            from_i = _filtered_twice(p["tau_mem"], p["tau_syn"], dt)
            from_x = gone - from_i
        return {
            **held,
            "v_leak": p["v_leak"],
            "decay": decay,
            "decay_syn": decay_syn,
            "gain_syn": p["w_in"] * gone_syn,
            "from_i": p["r"] * from_i,
            "from_x": p["r"] * p["w_in"] * from_x,
        }


def _filtered_twice(tau_mem: float, tau_syn: float, dt: float) -> float:
    """What a current of 1 that decays by tau_syn adds to v within dt, exactly."""
    apart = dt / tau_syn - dt / tau_mem
    risen = 1.0 if apart == 0.0 else -expm1(-apart) / apart
    return dt / tau_mem * exp(-dt / tau_mem) * risen


_TAU = Parameter(20.0, "ms", "time constant")
_MEMBRANE = {
    "r": Parameter(1.0, "", "resistance"),
    "v_leak": Parameter(0.0, "", "what v decays to"),
}
_CURRENT = {
    "tau_syn": Parameter(5.0, "ms", "of the current"),
    "tau_mem": Parameter(20.0, "ms", "of the membrane"),
    **_MEMBRANE,
    "w_in": Parameter(1.0, "", "weight of the input"),
}
_FIRING = {
    "v_threshold": Parameter(1.0, "", "v above it is a spike"),
    "v_reset": Parameter(0.0, "", "v after a spike"),
}
_R = Parameter(1.0, "1/s", "resistance: v grows by r times the input in a second")

KINDS: dict[str, dict[str, Parameter]] = {
    "LIF": {"tau": _TAU, **_MEMBRANE, **_FIRING},
    "LI": {"tau": _TAU, **_MEMBRANE},
    "IF": {"r": _R, **_FIRING},
    "I": {"r": _R},
    "CubaLIF": {**_CURRENT, **_FIRING},
    "CubaLI": _CURRENT,
    "Threshold": {"v_threshold": _FIRING["v_threshold"]},
    "Output": {},
}
"""The parameters of each kind, by the names of NIR; times are in ms."""

_EQUATIONS = {
    "LIF": "tau dv/dt = v_leak - v + r x",
    "IF": "dv/dt = r x",
    "CubaLIF": "tau_syn di/dt = -i + w_in x,   tau_mem dv/dt = v_leak - v + r i",
    "Threshold": "v = x",
}
_EQUATIONS |= {
    "LI": _EQUATIONS["LIF"],
    "I": _EQUATIONS["IF"],
    "CubaLI": _EQUATIONS["CubaLIF"],
    "Output": _EQUATIONS["Threshold"],
}


def neuron(
    kind: str, discretisation: str, reset: str = "v_reset", reset_delay: bool = False
) -> Neuron:
    """Return a kind of neuron of NIR, for `Network.add_population`.

    Parameters
    ----------
    kind : {'LIF', 'CubaLIF', 'IF', 'LI', 'CubaLI', 'I', 'Threshold', 'Output'}
        The name of the node in NIR. LI, CubaLI, I and Output have no threshold and never spike.
    discretisation : {'exact', 'euler', 'semi-implicit'}
        How a step of dt follows from the equations. 'exact' solves them for an input that is
        constant within a step. 'euler' is the forward Euler method: a decay by 1 - dt/tau.
        'semi-implicit' differs from it for CubaLIF and CubaLI only: v already gets the current of
        this step. Norse uses 'euler', and snnTorch 'semi-implicit'.
    reset : {'v_reset', 'subtract'}
        Whether v becomes v_reset after a spike, as in NIR, or v_threshold is subtracted.
    reset_delay : bool
        Whether this happens in the step after the spike, as in snnTorch, rather than at once.

    Returns
    -------
    Neuron
        Spikes arrive at ``input``, a variable; a spike of weight w is an input w that lasts for one
        step. ``I`` is an input that you may set or play, and the parameter ``bias`` one that is
        constant. Times are in ms; all else has the units that the graph was made with.

    Raises
    ------
    InputError
        If an argument is none of the above.

    Examples
    --------
    >>> from spikesim import Network, nir
    >>> net = Network(dt=1.0, backend="python")
    >>> leaky = nir.neuron("LIF", "euler", reset="subtract", reset_delay=True)
    >>> cells = net.add_population("cells", 2, leaky, tau=8.0, bias=[0.5, 2.0])
    >>> spikes = net.record_spikes(cells)
    >>> net.run(20.0)
    >>> spikes.count
    array([0, 3])
    """
    check_choice("kind", kind, list(KINDS))
    check_choice("discretisation", discretisation, list(DISCRETISATIONS))
    check_choice("reset", reset, list(RESETS))
    check_choice("reset_delay", reset_delay, [True, False])
    if reset == "subtract" and kind not in ("LIF", "IF", "CubaLIF"):
        raise InputError(f"reset is 'subtract', but {kind} has none; leave it out.")
    return _made(Choices(kind, discretisation, reset, bool(reset_delay)))


@lru_cache
def _made(choices: Choices) -> Neuron:
    kind, parameters = choices.kind, KINDS[choices.kind]
    has_current = "w_in" in parameters
    variables = {
        "v": Variable(_start, "", "membrane voltage; starts at v_leak, or 0"),
        "input": Variable(0.0, "", "a spike adds its weight, for one step", is_target=True),
        "I": Variable(0.0, "", "input; adds to that of spikes"),
    }
    if has_current:
        variables["i"] = Variable(0.0, "", "synaptic current")
    bodies = [equations.step_current if has_current else equations.step_membrane]
    if "v_reset" in parameters:
        bodies += _FIRE[choices.reset, choices.reset_delay]
    elif "v_threshold" in parameters:
        bodies.append(equations.fire)
    return Neuron(
        steps=tuple(bodies),
        variables=variables,
        parameters={**parameters, "bias": Parameter(0.0, "", "an input that is always there")},
        constants=choices,
        most_spikes=1 if "v_threshold" in parameters else 0,
        name=kind,
        description=_description(choices),
    )


_FIRE = {
    ("v_reset", False): [equations.fire_and_reset],
    ("subtract", False): [equations.fire_and_subtract],
    ("v_reset", True): [equations.reset_after, equations.fire],
    ("subtract", True): [equations.subtract_after, equations.fire],
}


def _start(p: Mapping[str, Any]) -> float:
    return float(p.get("v_leak", 0.0))


def _description(choices: Choices) -> str:
    text = f"neuron of NIR (Pedersen et al. 2024)\n\n    {_EQUATIONS[choices.kind]}\n\n"
    if choices.kind not in ("Threshold", "Output"):
        text += f"The discretisation is {choices.discretisation!r}. "
    text += "x is input + I + bias."
    if "v_reset" in KINDS[choices.kind]:
        what = {"v_reset": "v becomes v_reset", "subtract": "v_threshold is subtracted from v"}
        when = "in the next step" if choices.reset_delay else "at once"
        text += f"\n    v > v_threshold is a spike, after which {what[choices.reset]} {when}."
    return text + "\n    See spikesim.nir.neuron.\n    "


def choices_of(kind: Neuron) -> Choices | None:
    """What was chosen for a neuron of NIR; None for any other."""
    return kind.constants if isinstance(kind.constants, Choices) else None
