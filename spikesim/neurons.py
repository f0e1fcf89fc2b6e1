"""Published kinds of neurons, and sources of random spikes.

    cells = net.add_population("cells", 100, LIF, tau=10.0)
    help(LIF)

Each is a `Neuron`; its file explains the class.
"""

from __future__ import annotations

from functools import lru_cache
from math import e, exp, sqrt
from typing import Any

import numpy as np

from spikesim.checks import (
    check_number,
    check_steps,
)
from spikesim.declaring import Parameter, Variable
from spikesim.errors import InputError
from spikesim.kernels import adex, integrate_and_fire, izhikevich
from spikesim.kernels import neurons as equations
from spikesim.kernels.chance import RARE
from spikesim.neuron import Neuron, _as_given  # noqa: F401 - pickles of version 0.1 name it here
from spikesim.precision import COUNTABLE, NEAR_ZERO

__all__ = [
    "IZHIKEVICH_2003",
    "LIF",
    "AdEx",
    "AlphaConductanceLIF",
    "AlphaCurrentLIF",
    "Bernoulli",
    "ConductanceLIF",
    "CurrentLIF",
    "DeltaLIF",
    "Izhikevich",
    "Neuron",
    "Poisson",
]


def _refractory_steps(parameters: dict[str, Any], dt: float) -> float:
    """The refractory period in steps; with more steps than can be counted, it would never end."""
    refractory = check_number(
        "refractory", parameters["refractory"], at_least=0.0, at_most=COUNTABLE * dt, unit="ms"
    )
    return float(check_steps("refractory", refractory, dt))


@lru_cache(maxsize=1 << 17)
def _into_voltage(tau: float, tau_synapse: float, dt: float) -> tuple[float, float]:
    """How much I and rise of a synapse, each 1 mV at the start of a step, add to v by its end.

    They are entries of the matrix exponential that solves (1), (2) and (6) of
    `spikesim.kernels.integrate_and_fire`.
    """
    from scipy.linalg import expm  # at the top, it would slow the import of spikesim by half

    slow, fast = dt / tau, dt / tau_synapse
    _, from_I, from_rise = expm([[-slow, slow, 0.0], [0.0, -fast, e * fast], [0.0, 0.0, -fast]])[0]
    return float(from_I), float(from_rise)


def _lif_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        **{name: p[name] for name in ("E_L", "I", "threshold", "V_reset")},
        "decay_membrane": exp(-dt / p["tau"]),
        "decay_drive": exp(-dt / p["tau_synapse"]),
        "from_drive": _into_voltage(p["tau"], p["tau_synapse"], dt)[0],
        "refractory_steps": _refractory_steps(p, dt),
    }


def _start(p: dict[str, Any]) -> float:
    """Rest or, if that is above threshold, reset, as no spike has happened yet."""
    return p["E_L"] if p["E_L"] <= p["threshold"] else p["V_reset"]


LIF = Neuron(
    steps=(equations.integrate_and_fire,),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; starts from rest, or from reset if that is above threshold",
        ),
        "drive": Variable(
            0.0,
            "mV",
            "synaptic drive; a spike adds its weight, below 0 for inhibition",
            is_target=True,
        ),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
    },
    parameters={
        "tau": Parameter(20.0, "ms", "membrane time constant"),
        "tau_synapse": Parameter(5.0, "ms", "of the synaptic drive"),
        "E_L": Parameter(-65.0, "mV", "resting potential"),
        "threshold": Parameter(-50.0, "mV", "v above it is a spike"),
        "V_reset": Parameter(-65.0, "mV", "v after a spike"),
        "refractory": Parameter(2.0, "ms", "how long v is held after a spike"),
        "I": Parameter(0.0, "mV", "constant input: where the voltage settles above rest"),
    },
    constants=_lif_constants,
    live={"I": {"I": equations.as_given}},
    former={
        "tau_membrane": "tau",
        "v_rest": "E_L",
        "v_threshold": "threshold",
        "v_reset": "V_reset",
        "drive": "I",
    },
    name="LIF",
    description="""leaky integrate-and-fire neuron with an exponential synaptic drive

    tau dv/dt = E_L - v + I + drive
    tau_synapse ddrive/dt = -drive

    v > threshold is a spike: v is then held at V_reset for the refractory period. Both equations
    are linear and advanced exactly. As v is compared with the threshold at the end of a step,
    intervals between spikes are at least refractory + dt.
    """,
)


_LIVE_INPUT = {"I": {"rest": integrate_and_fire.rest_with}}

_LIF_PARAMETERS: dict[str, float] = {
    "tau": Parameter(20.0, "ms", "membrane time constant"),
    "E_L": Parameter(-60.0, "mV", "resting potential"),
    "I": Parameter(0.0, "mV", "constant input: where the voltage settles above rest"),
    "threshold": Parameter(-50.0, "mV", "v above it is a spike"),
    "V_reset": Parameter(-60.0, "mV", "v after a spike"),
    "refractory": Parameter(5.0, "ms", "how long v is held after a spike"),
    "tau_exc": Parameter(5.0, "ms", "of excitatory synapses"),
    "tau_inh": Parameter(10.0, "ms", "of inhibitory synapses"),
}


def _two_synapses(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        "rest": p["E_L"] + p["I"],
        "threshold": p["threshold"],
        "V_reset": p["V_reset"],
        "decay_exc": exp(-dt / p["tau_exc"]),
        "decay_inh": exp(-dt / p["tau_inh"]),
        "refractory_steps": _refractory_steps(p, dt),
    }


def _current_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        **_two_synapses(p, dt),
        "decay": exp(-dt / p["tau"]),
        "from_exc": _into_voltage(p["tau"], p["tau_exc"], dt)[0],
        "from_inh": _into_voltage(p["tau"], p["tau_inh"], dt)[0],
    }


CurrentLIF = Neuron(
    steps=(
        integrate_and_fire.step_driven,
        integrate_and_fire.step_threshold,
        integrate_and_fire.step_currents,
    ),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; starts from rest, or from reset if that is above threshold",
        ),
        "I_exc": Variable(0.0, "mV", "excitatory current; a spike adds its weight", is_target=True),
        "I_inh": Variable(
            0.0,
            "mV",
            "inhibitory current; a spike adds its weight, below 0 for inhibition",
            is_target=True,
            sign=-1,
        ),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
    },
    parameters=_LIF_PARAMETERS,
    constants=_current_constants,
    live=_LIVE_INPUT,
    name="CurrentLIF",
    description="""leaky integrate-and-fire neuron with two exponential synaptic currents

    tau dv/dt = E_L - v + I + I_exc + I_inh
    tau_exc dI_exc/dt = -I_exc,   tau_inh dI_inh/dt = -I_inh

    v > threshold is a spike: v is then held at V_reset for the refractory period, while currents
    still change. All equations are linear and advanced exactly. As v is compared with the threshold
    at the end of a step, intervals between spikes are at least refractory + dt. The defaults are
    those of Brette et al. (2007); see spikesim.kernels.integrate_and_fire.
    """,
)


def _alpha_gain(tau_synapse: float, dt: float) -> float:
    """How much a rise of 1 at the start of a step adds to the current or conductance by its end."""
    return e * dt / tau_synapse * exp(-dt / tau_synapse)


def _alpha_current_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        **_current_constants(p, dt),
        "from_rise_exc": _into_voltage(p["tau"], p["tau_exc"], dt)[1],
        "from_rise_inh": _into_voltage(p["tau"], p["tau_inh"], dt)[1],
        "gain_exc": _alpha_gain(p["tau_exc"], dt),
        "gain_inh": _alpha_gain(p["tau_inh"], dt),
    }


AlphaCurrentLIF = Neuron(
    steps=(
        integrate_and_fire.step_alpha_driven,
        integrate_and_fire.step_threshold,
        integrate_and_fire.step_alpha_currents,
        integrate_and_fire.step_rise,
    ),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; starts from rest, or from reset if that is above threshold",
        ),
        "I_exc": Variable(0.0, "mV", "excitatory current"),
        "I_inh": Variable(0.0, "mV", "inhibitory current"),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
        "rise_exc": Variable(
            0.0, "mV", "lets I_exc rise; a spike adds its weight, the peak of I_exc", is_target=True
        ),
        "rise_inh": Variable(
            0.0,
            "mV",
            "lets I_inh rise; a spike adds its weight, below 0 for inhibition",
            is_target=True,
            sign=-1,
        ),
    },
    parameters=_LIF_PARAMETERS,
    constants=_alpha_current_constants,
    live=_LIVE_INPUT,
    name="AlphaCurrentLIF",
    description="""leaky integrate-and-fire neuron with synaptic currents that rise and decay

    tau dv/dt = E_L - v + I + I_exc + I_inh
    tau_x dI_x/dt = e rise_x - I_x,   tau_x drise_x/dt = -rise_x,   x = exc, inh

    v > threshold is a spike: v is then held at V_reset for the refractory period, while currents
    still change. A spike of weight w adds w (t / tau_x) exp(1 - t / tau_x) to a current, an alpha
    function that is w at its peak, at t = tau_x. All equations are linear and advanced exactly.
    Intervals between spikes are at least refractory + dt; see spikesim.kernels.integrate_and_fire.
    """,
)


def _conductance_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    reversal = {"E_exc": p["E_exc"], "E_inh": p["E_inh"]}
    return {**_two_synapses(p, dt), **reversal, "dt_by_tau": dt / p["tau"]}


ConductanceLIF = Neuron(
    steps=(
        integrate_and_fire.step_shunted,
        integrate_and_fire.step_threshold,
        integrate_and_fire.step_conductances,
    ),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; starts from rest, or from reset if that is above threshold",
        ),
        "g_exc": Variable(
            0.0,
            "of the leak",
            "excitatory conductance; a spike adds its weight",
            is_target=True,
            sign=1,
        ),
        "g_inh": Variable(
            0.0,
            "of the leak",
            "inhibitory conductance; a spike adds its weight, above 0",
            is_target=True,
            sign=1,
        ),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
    },
    parameters={
        **_LIF_PARAMETERS,
        "E_exc": Parameter(0.0, "mV", "reversal potential of excitatory synapses"),
        "E_inh": Parameter(-80.0, "mV", "reversal potential of inhibitory synapses"),
    },
    constants=_conductance_constants,
    live=_LIVE_INPUT,
    name="ConductanceLIF",
    description="""leaky integrate-and-fire neuron with two exponential synaptic conductances

    tau dv/dt = E_L - v + I + g_exc (E_exc - v) + g_inh (E_inh - v)
    tau_exc dg_exc/dt = -g_exc,   tau_inh dg_inh/dt = -g_inh

    v > threshold is a spike: v is then held at V_reset for the refractory period, while
    conductances still change; they are in units of the leak conductance. Conductances decay
    exactly. v relaxes exactly with the conductances at the start of the step, which makes an error
    of order dt. Intervals between spikes are at least refractory + dt. The defaults are those of
    Brette et al. (2007); see spikesim.kernels.integrate_and_fire.
    """,
)


def _alpha_conductance_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        **_conductance_constants(p, dt),
        "gain_exc": _alpha_gain(p["tau_exc"], dt),
        "gain_inh": _alpha_gain(p["tau_inh"], dt),
    }


AlphaConductanceLIF = Neuron(
    steps=(
        integrate_and_fire.step_shunted,
        integrate_and_fire.step_threshold,
        integrate_and_fire.step_alpha_conductances,
        integrate_and_fire.step_rise,
    ),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; starts from rest, or from reset if that is above threshold",
        ),
        "g_exc": Variable(0.0, "of the leak", "excitatory conductance"),
        "g_inh": Variable(0.0, "of the leak", "inhibitory conductance"),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
        "rise_exc": Variable(
            0.0,
            "of the leak",
            "lets g_exc rise; a spike adds its weight, the peak of g_exc",
            is_target=True,
            sign=1,
        ),
        "rise_inh": Variable(
            0.0,
            "of the leak",
            "lets g_inh rise; a spike adds its weight, above 0",
            is_target=True,
            sign=1,
        ),
    },
    parameters=ConductanceLIF.parameters,
    constants=_alpha_conductance_constants,
    live=_LIVE_INPUT,
    name="AlphaConductanceLIF",
    description="""leaky integrate-and-fire neuron with synaptic conductances that rise and decay

    tau dv/dt = E_L - v + I + g_exc (E_exc - v) + g_inh (E_inh - v)
    tau_x dg_x/dt = e rise_x - g_x,   tau_x drise_x/dt = -rise_x,   x = exc, inh

    v > threshold is a spike: v is then held at V_reset for the refractory period, while
    conductances still change; they are in units of the leak conductance. A spike of weight w adds
    w (t / tau_x) exp(1 - t / tau_x) to a conductance, an alpha function that is w at its peak, at
    t = tau_x. Conductances are exact, and v has an error of order dt, as in ConductanceLIF.
    Intervals between spikes are at least refractory + dt; see spikesim.kernels.integrate_and_fire.
    """,
)


def _delta_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        "rest": p["E_L"] + p["I"],
        "threshold": p["threshold"],
        "V_reset": check_number("V_reset", p["V_reset"], at_most=p["threshold"], unit="mV"),
        "decay": exp(-dt / p["tau"]),
        "refractory_steps": _refractory_steps(p, dt),
    }


DeltaLIF = Neuron(
    steps=(integrate_and_fire.step_jumped,),
    variables={
        "v": Variable(
            _start,
            "mV",
            "membrane voltage; a spike adds its weight, below 0 for inhibition",
            is_target=True,
        ),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
    },
    parameters={
        "tau": Parameter(20.0, "ms", "membrane time constant"),
        "E_L": Parameter(0.0, "mV", "resting potential"),
        "I": Parameter(0.0, "mV", "constant input: where the voltage settles above rest"),
        "threshold": Parameter(20.0, "mV", "v above it is a spike"),
        "V_reset": Parameter(10.0, "mV", "v after a spike"),
        "refractory": Parameter(2.0, "ms", "how long v is held after a spike"),
    },
    constants=_delta_constants,
    live=_LIVE_INPUT,
    name="DeltaLIF",
    description="""leaky integrate-and-fire neuron whose voltage jumps when a spike arrives

    tau dv/dt = E_L - v + I,   v <- v + w for a spike of weight w

    v > threshold is a spike: v is then held at V_reset for the refractory period. The
    solution is exact. A jump above threshold at a time t* is a spike at t*. Later jumps before
    t* + refractory are lost; a jump at t* + refractory counts, so that intervals are at least
    refractory (or dt). The defaults are those of Brunel (2000); see
    spikesim.kernels.integrate_and_fire.
    """,
)


def _source_constants(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    return {"seconds": dt / 1000.0, "rare": 0}


def _check_rates(population: Any) -> bool:
    """Refuse rates that the spikes could not have; note whether any is low.

    Returns whether a run may change them.
    """
    rate, seconds = population.as_seen("rate"), population.params["seconds"]
    rare, most = RARE / seconds, 1.0 / seconds
    is_low = False
    # argmin is faster than min where there are few. A rate that is 0, or NaN, needs a closer look.
    if not (rare <= rate[rate.argmin()] and rate[rate.argmax()] <= most):
        # float32 may have rounded the highest rate up. The network finds NaN as in any variable.
        for i in np.flatnonzero((rate < 0.0) | (rate > most * (1.0 + 1e-6)))[:1]:
            raise InputError(
                f"rate of neuron {i} in population {population.name!r} is {rate[i]:g} Hz; it has "
                f"to be from 0 to {most:g} Hz, a spike per step of dt = {1000.0 * seconds:g} ms."
            )
        is_low = bool(((rate < rare) & (rate > 0.0)).any())
    is_driven = population.is_driven("rate")
    is_rare = int(is_low or is_driven)
    if population.params["rare"] != is_rare:
        population.params["rare"] = is_rare
    return is_driven


Poisson = Neuron(
    steps=(equations.poisson, equations.rarely),
    variables={"rate": Variable(0.0, "Hz", "of each neuron")},
    constants=_source_constants,
    stochastic=True,
    most_spikes=4,
    check=_check_rates,
    name="Poisson",
    description="""Poisson source, which may emit several spikes in a step

    spike[i] is the number of spikes that neuron i emits in this step, 0 to 4. A rule that asks for
    spike[i] > 0 counts too few spikes unless the rate is far below one spike per step. Numbers
    above 4 become 4: the mean is right to 0.1 % up to half a spike per step, and 0.4 % low at one
    spike per step, which is the highest rate (10 kHz at a dt of 0.1 ms). Low rates are right, down
    to 10^-12 spikes per step.

    The network checks rates before a run. If a projection or a Phase sets rates during a run, it
    checks them every 2000 steps. In between, a rate below 0 counts as 0, and one above the highest
    gives up to 4 spikes in a step. Bernoulli emits at most one spike in a step.
    """,
)


Bernoulli = Neuron(
    steps=(equations.at_most_one, equations.rarely),
    variables={"rate": Variable(0.0, "Hz", "of each neuron")},
    constants=_source_constants,
    stochastic=True,
    check=_check_rates,
    name="Bernoulli",
    description="""source that emits at most one spike in a step, with probability rate dt

    The sources of Brian2 and Auryn do the same. The mean is that of Poisson, and the variance is
    smaller by the factor 1 - rate dt: 5 percent smaller at 500 Hz and a dt of 0.1 ms. Rates are
    checked like those of Poisson.
    """,
)


def _adex_constants(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    p = parameters
    for name in ("C", "g_L", "Delta_T"):
        check_number(name, p[name], above=0.0)
    tau = check_number("C / g_L", p["C"] / p["g_L"], at_least=dt, unit="ms, dt or longer")
    names = "E_L V_T Delta_T V_reset V_hold V_peak V_least a b E_exc E_inh"
    return {
        **{name: p[name] for name in names.split()},
        "V_most": p["V_peak"] + 20.0,
        "dt_by_tau": dt / tau,
        "dt_by_C": dt / p["C"],
        "dt_by_tau_w": dt / p["tau_w"],
        "decay_exc": exp(-dt / p["tau_exc"]),
        "decay_inh": exp(-dt / p["tau_inh"]),
        "refractory_steps": _refractory_steps(p, dt),
    }


def _adex_time_constants(p: dict[str, Any]) -> tuple[float, ...]:
    # The adaptation has no offset, unlike the voltage.
    return p["C"] / p["g_L"], p["tau_w"] / NEAR_ZERO, p["tau_exc"], p["tau_inh"]


AdEx = Neuron(
    steps=(
        adex.step_current,
        adex.step_membrane,
        adex.step_spike,
        adex.step_adaptation,
        adex.step_conductances,
    ),
    variables={
        "v": Variable("E_L", "mV", "membrane voltage"),
        "w": Variable(0.0, "pA", "adaptation"),
        "g_exc": Variable(
            0.0,
            "of the leak",
            "excitatory conductance; a spike adds its weight",
            is_target=True,
            sign=1,
        ),
        "g_inh": Variable(
            0.0,
            "of the leak",
            "inhibitory conductance; a spike adds its weight, above 0",
            is_target=True,
            sign=1,
        ),
        "I": Variable(0.0, "pA", "input current of each neuron"),
        "refractory": Variable(0.0, "steps", "how much longer v is held"),
    },
    parameters={
        "C": Parameter(281.0, "pF", "membrane capacitance"),
        "g_L": Parameter(30.0, "nS", "leak conductance"),
        "E_L": Parameter(-70.6, "mV", "resting potential"),
        "V_T": Parameter(-50.4, "mV", "where the exponential sets in"),
        "Delta_T": Parameter(2.0, "mV", "sharpness of the upstroke"),
        "V_peak": Parameter(0.0, "mV", "v above it is a spike"),
        "V_reset": Parameter(-70.6, "mV", "v after a spike"),
        "V_hold": Parameter(-70.6, "mV", "v during the refractory period"),
        "V_least": Parameter(-1e9, "mV", "lowest v; the default is too low to matter"),
        "refractory": Parameter(0.0, "ms", "how long v is held after a spike"),
        "tau_w": Parameter(144.0, "ms", "of the adaptation"),
        "a": Parameter(4.0, "nS", "subthreshold adaptation"),
        "b": Parameter(80.5, "pA", "spike-triggered adaptation"),
        "E_exc": Parameter(0.0, "mV", "reversal potential of excitatory synapses"),
        "E_inh": Parameter(-80.0, "mV", "reversal potential of inhibitory synapses"),
        "tau_exc": Parameter(5.0, "ms", "of excitatory synapses"),
        "tau_inh": Parameter(10.0, "ms", "of inhibitory synapses"),
    },
    constants=_adex_constants,
    time_constants=_adex_time_constants,
    former={"V": "v"},
    name="AdEx",
    description="""adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005)

    C dv/dt = g_L (E_L - v + Delta_T exp((v - V_T) / Delta_T) + S) - w + I
    S = g_exc (E_exc - v) + g_inh (E_inh - v),   dg/dt = -g / tau
    tau_w dw/dt = a (v - E_L) - w

    v > V_peak is a spike: v <- V_reset, w <- w + b, and v is held at V_hold for the refractory
    period. Synaptic conductances are in units of g_L. The method is forward Euler, of first order;
    conductances decay exactly. Intervals between spikes are at least refractory + dt. Except for
    synapses, the defaults are those of the article; see spikesim.kernels.adex.
    """,
)


def _izhikevich_constants(p: dict[str, Any], dt: float) -> dict[str, Any]:
    check_number("c", p["c"], below=izhikevich.PEAK, unit="mV")
    decays = {"decay": exp(-dt / p["tau_synapse"]), "half_decay": exp(-dt / p["tau_synapse"] / 2.0)}
    return {**{name: p[name] for name in "abcd"}, "dt": dt, "half_dt": dt / 2.0, **decays}


def _izhikevich_time_constants(p: dict[str, Any]) -> tuple[float, ...]:
    return 1.0 / abs(p["a"]) if p["a"] else 0.0, p["tau_synapse"]


def _v_at_rest(p: dict[str, Any]) -> float:
    """Rest, the lower root of 0.04 v^2 + 5 v + 140 = b v; without a root, the nearest v."""
    middle = 12.5 * (5.0 - p["b"])
    return -middle - sqrt(max(middle * middle - 3500.0, 0.0))


def _u_at_rest(p: dict[str, Any]) -> float:
    return p["b"] * _v_at_rest(p)


Izhikevich = Neuron(
    steps=(izhikevich.step_membrane, izhikevich.step_spike, izhikevich.step_drive),
    variables={
        "v": Variable(_v_at_rest, "mV", "membrane voltage; starts from rest"),
        "u": Variable(_u_at_rest, "mV/ms", "recovery; starts from rest"),
        "drive": Variable(0.0, "mV/ms", "synaptic drive; a spike adds its weight", is_target=True),
        "I": Variable(0.0, "mV/ms", "input of each neuron"),
    },
    parameters={
        "a": Parameter(0.02, "1/ms", "how fast u follows v"),
        "b": Parameter(0.2, "1/ms", "how far u follows v"),
        "c": Parameter(-65.0, "mV", "v after a spike"),
        "d": Parameter(8.0, "mV/ms", "what a spike adds to u"),
        "tau_synapse": Parameter(5.0, "ms", "of the synaptic drive"),
    },
    constants=_izhikevich_constants,
    time_constants=_izhikevich_time_constants,
    name="Izhikevich",
    description="""the neuron of Izhikevich (2003); by default, a regular spiking one

    dv/dt = 0.04 v^2 + 5 v + 140 - u + I + drive
    du/dt = a (b v - u)
    tau_synapse ddrive/dt = -drive

    v >= 30 mV is a spike: v <- c, u <- u + d. The midpoint method is of second order between
    spikes, and spike times are accurate to dt; drive decays exactly.
    spikesim.neurons.IZHIKEVICH_2003 has the parameters of the article's kinds of neurons; see
    spikesim.kernels.izhikevich.
    """,
)

IZHIKEVICH_2003: dict[str, dict[str, float]] = {
    "regular spiking": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0},
    "intrinsically bursting": {"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0},
    "chattering": {"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0},
    "fast spiking": {"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0},
    "low-threshold spiking": {"a": 0.02, "b": 0.25, "c": -65.0, "d": 2.0},
}
"""Kinds of cortical neurons, as in ``add_population(..., Izhikevich, **IZHIKEVICH_2003[KIND])``."""
