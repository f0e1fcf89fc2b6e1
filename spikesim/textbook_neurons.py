"""Neurons of textbooks and courses: from the squid's axon to a pyramidal cell with plateaus.

    axons = net.add_population("axons", 3, HodgkinHuxley)
    axons.I[:] = 0.0, 5.0, 10.0

Each takes an input current ``I``, a variable that you can set, play to and record. It begins at
the rest that follows from its parameters. The file of its equations explains the symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from math import exp, tanh
from typing import Any

from spikesim.checks import check_number, check_steps
from spikesim.declaring import Parameter, Variable
from spikesim.kernels import (
    adaptive_lif,
    exponential_if,
    fitzhugh_nagumo,
    hodgkin_huxley,
    integrate_and_fire,
    morris_lecar,
    two_compartment,
)
from spikesim.neuron import Neuron
from spikesim.precision import COUNTABLE

__all__ = [
    "AdaptiveLIF",
    "ExponentialIF",
    "FitzHughNagumo",
    "HodgkinHuxley",
    "MorrisLecar",
    "TwoCompartment",
]

Parameters = dict[str, Any]


def _conductances(unit: str, of: str = "", end: str = "") -> dict[str, Variable]:
    """The targets of synapses, for the soma or for the compartment `end`."""
    return {
        f"g_{name}{end}": Variable(
            0.0, unit, f"{kind} conductance{of}; a spike adds its weight", is_target=True, sign=1
        )
        for name, kind in (("exc", "excitatory"), ("inh", "inhibitory"))
    }


_SYNAPSES = {
    "E_exc": Parameter(0.0, "mV", "reversal potential of excitation"),
    "E_inh": Parameter(-80.0, "mV", "reversal potential of inhibition"),
    "tau_exc": Parameter(5.0, "ms", "decay of excitation"),
    "tau_inh": Parameter(10.0, "ms", "decay of inhibition"),
}
_CROSSED = Parameter(0.0, "mV", "a spike crosses it upwards")
_REFRACTORY = Variable(0.0, "steps", "how much longer v is held")


def _lowest_root(current: Callable[[float], float], least: float, most: float) -> float | None:
    """The voltage at which a function first crosses 0, searched for in 200 intervals."""
    part = (most - least) / 200.0
    before = current(least)
    for k in range(200):
        low, high = least + k * part, least + (k + 1) * part
        after = current(high)
        if before == 0.0:
            return low
        if before * after < 0.0:
            for _ in range(60):
                middle = 0.5 * (low + high)
                if current(middle) * before > 0.0:
                    low = middle
                else:
                    high = middle
            return 0.5 * (low + high)
        before = after
    return None


def _remembered(rest: Callable[[Parameters], float]) -> Callable[[Parameters], float]:
    """Computes a rest only once for the same parameters, as several variables ask for it."""

    @lru_cache(maxsize=4096)
    def of(items: tuple[tuple[str, float], ...]) -> float:
        return rest(dict(items))

    @wraps(rest)
    def remembered(p: Parameters) -> float:
        return of(tuple(p.items()))

    return remembered


def _synapses(p: Parameters, dt: float) -> Parameters:
    """The fractions of g_exc and g_inh that remain after a step, and after half a step."""
    decays: Parameters = {}
    for name in ("exc", "inh"):
        decays[f"decay_{name}"] = exp(-dt / p[f"tau_{name}"])
        decays[f"half_decay_{name}"] = exp(-0.5 * dt / p[f"tau_{name}"])
    return decays


def _without_taus(p: Parameters, *kept: str) -> Parameters:
    return {name: x for name, x in p.items() if not name.startswith("tau_") or name in kept}


def _steps(name: str, p: Parameters, dt: float) -> float:
    """A time in steps, at most as many as can be counted down."""
    time = check_number(name, p[name], at_least=0.0, at_most=COUNTABLE * dt, unit="ms")
    return float(check_steps(name, time, dt))


def _check_positive(p: Parameters, *names: str) -> None:
    for name in names:
        check_number(name, p[name], above=0.0)


def _check_not_negative(p: Parameters, *names: str) -> None:
    for name in names:
        check_number(name, p[name], at_least=0.0)


# -------------------------------------------------------------------------- conductances, spikes


def _reversals(p: Parameters) -> tuple[float, float]:
    """The lowest and the highest reversal potential; rest lies between them."""
    found = [x for name, x in p.items() if name in ("E_Na", "E_K", "E_Ca", "E_L")]
    return min(found) - 1.0, max(found) + 1.0


def _open_fractions(v: float) -> dict[str, float]:
    """The gates of Hodgkin and Huxley at a constant voltage."""
    rates = {
        "m": (hodgkin_huxley.alpha_m(v), hodgkin_huxley.beta_m(v)),
        "h": (hodgkin_huxley.alpha_h(v), hodgkin_huxley.beta_h(v)),
        "n": (hodgkin_huxley.alpha_n(v), hodgkin_huxley.beta_n(v)),
    }
    return {name: alpha / (alpha + beta) for name, (alpha, beta) in rates.items()}


@_remembered
def _axon_at_rest(p: Parameters) -> float:
    def current(v: float) -> float:
        m, h, n = _open_fractions(v).values()
        return (
            p["g_Na"] * m**3 * h * (p["E_Na"] - v)
            + p["g_K"] * n**4 * (p["E_K"] - v)
            + p["g_L"] * (p["E_L"] - v)
        )

    return _or(_lowest_root(current, *_reversals(p)), p["E_L"])


def _m_at_rest(p: Parameters) -> float:
    return _open_fractions(_axon_at_rest(p))["m"]


def _h_at_rest(p: Parameters) -> float:
    return _open_fractions(_axon_at_rest(p))["h"]


def _n_at_rest(p: Parameters) -> float:
    return _open_fractions(_axon_at_rest(p))["n"]


def _or(root: float | None, otherwise: float) -> float:
    return otherwise if root is None else root


def _axon_constants(p: Parameters, dt: float) -> Parameters:
    _check_positive(p, "C", "g_L")
    _check_not_negative(p, "g_Na", "g_K")
    return {**_without_taus(p), "dt": dt, **_synapses(p, dt)}


HodgkinHuxley = Neuron(
    steps=(hodgkin_huxley.step_membrane, integrate_and_fire.step_conductances),
    variables={
        "v": Variable(_axon_at_rest, "mV", "membrane voltage; starts at rest"),
        "m": Variable(_m_at_rest, "", "activation of sodium"),
        "h": Variable(_h_at_rest, "", "fraction of sodium that is not inactivated"),
        "n_K": Variable(_n_at_rest, "", "activation of potassium, n of the article"),
        **_conductances("mS/cm^2"),
        "I": Variable(0.0, "uA/cm^2", "input current"),
    },
    parameters={
        "C": Parameter(1.0, "uF/cm^2", "capacitance; table 3 of the article, as all up to E_L"),
        "g_Na": Parameter(120.0, "mS/cm^2", "sodium"),
        "g_K": Parameter(36.0, "mS/cm^2", "potassium"),
        "g_L": Parameter(0.3, "mS/cm^2", "leak"),
        "E_Na": Parameter(50.0, "mV", "reversal potential of sodium"),
        "E_K": Parameter(-77.0, "mV", "reversal potential of potassium"),
        "E_L": Parameter(-54.387, "mV", "reversal potential of the leak; rest is at -65 mV"),
        "threshold": _CROSSED,
        **_SYNAPSES,
    },
    constants=_axon_constants,
    name="HodgkinHuxley",
    description="""the squid's giant axon (Hodgkin & Huxley 1952), with synapses

    C dv/dt = g_Na m^3 h (E_Na - v) + g_K n^4 (E_K - v) + g_L (E_L - v) + S + I
    dx/dt = alpha_x(v) (1 - x) - beta_x(v) x,   x = m, h, n
    S = g_exc (E_exc - v) + g_inh (E_inh - v),   dg/dt = -g / tau

    The temperature is 6.3 degrees C. The axon fires from about 6.3 uA/cm^2 on. When v crosses the
    threshold upwards there is a spike. The error is of order dt^2, and a dt of 0.01 to 0.05 ms is
    usual; see spikesim.kernels.hodgkin_huxley.
    """,
)


def _activated(v: float, half: float, width: float) -> float:
    return 0.5 * (1.0 + tanh((v - half) / width))


@_remembered
def _fibre_at_rest(p: Parameters) -> float:
    def current(v: float) -> float:
        return (
            p["g_Ca"] * _activated(v, p["V_1"], p["V_2"]) * (p["E_Ca"] - v)
            + p["g_K"] * _activated(v, p["V_3"], p["V_4"]) * (p["E_K"] - v)
            + p["g_L"] * (p["E_L"] - v)
        )

    return _or(_lowest_root(current, *_reversals(p)), p["E_L"])


def _potassium_at_rest(p: Parameters) -> float:
    return _activated(_fibre_at_rest(p), p["V_3"], p["V_4"])


def _fibre_constants(p: Parameters, dt: float) -> Parameters:
    _check_positive(p, "C", "g_L", "V_2", "V_4", "phi")
    _check_not_negative(p, "g_Ca", "g_K")
    return {**_without_taus(p), "dt": dt, **_synapses(p, dt)}


MorrisLecar = Neuron(
    steps=(morris_lecar.step_membrane, integrate_and_fire.step_conductances),
    variables={
        "v": Variable(_fibre_at_rest, "mV", "membrane voltage; starts at rest"),
        "w": Variable(_potassium_at_rest, "", "activation of potassium"),
        **_conductances("mS/cm^2"),
        "I": Variable(0.0, "uA/cm^2", "input current"),
    },
    parameters={
        "C": Parameter(
            20.0, "uF/cm^2", "capacitance; Rinzel & Ermentrout (1989), as all up to phi"
        ),
        "g_Ca": Parameter(4.4, "mS/cm^2", "calcium"),
        "g_K": Parameter(8.0, "mS/cm^2", "potassium"),
        "g_L": Parameter(2.0, "mS/cm^2", "leak"),
        "E_Ca": Parameter(120.0, "mV", "reversal potential of calcium"),
        "E_K": Parameter(-84.0, "mV", "reversal potential of potassium"),
        "E_L": Parameter(-60.0, "mV", "reversal potential of the leak"),
        "V_1": Parameter(-1.2, "mV", "where half of the calcium channels are open"),
        "V_2": Parameter(18.0, "mV", "how steeply they open"),
        "V_3": Parameter(2.0, "mV", "where half of the potassium channels are open"),
        "V_4": Parameter(30.0, "mV", "how steeply they open"),
        "phi": Parameter(0.04, "1/ms", "the rate of potassium at V_3"),
        "threshold": _CROSSED,
        **_SYNAPSES,
    },
    constants=_fibre_constants,
    name="MorrisLecar",
    description="""the muscle fibre of the barnacle (Morris & Lecar 1981), with synapses

    C dv/dt = g_Ca M(v) (E_Ca - v) + g_K w (E_K - v) + g_L (E_L - v) + S + I
    dw/dt = (W(v) - w) phi cosh((v - V_3) / (2 V_4))
    M(v) = (1 + tanh((v - V_1) / V_2)) / 2,   W(v) = (1 + tanh((v - V_3) / V_4)) / 2
    S = g_exc (E_exc - v) + g_inh (E_inh - v),   dg/dt = -g / tau

    There is no noise. By default, it begins to fire at a frequency above 0 (class II), from about
    90 uA/cm^2 on; with V_3=12.0, V_4=17.4, phi=0.067 and g_Ca=4.0 it begins at frequency 0
    (class I). When v crosses the threshold upwards there is a spike. The error is of order dt^2;
    see spikesim.kernels.morris_lecar.
    """,
)


# ------------------------------------------------------------------------- integrate, and reset


@_remembered
def _exponential_at_rest(p: Parameters) -> float:
    def slope(v: float) -> float:
        return p["E_L"] - v + p["Delta_T"] * exp((v - p["V_T"]) / p["Delta_T"])

    return _or(_lowest_root(slope, p["E_L"], max(p["E_L"], p["V_T"])), p["V_reset"])


def _exponential_constants(p: Parameters, dt: float) -> Parameters:
    _check_positive(p, "Delta_T")
    check_number("V_peak", p["V_peak"], above=p["V_T"], unit="mV")
    check_number("V_reset", p["V_reset"], below=p["V_peak"], unit="mV")
    steps = {"refractory_steps": _steps("refractory", p, dt)}
    return {**_without_taus(p), "dt": dt, **_synapses(p, dt), **steps}


ExponentialIF = Neuron(
    steps=(
        exponential_if.step_membrane,
        exponential_if.step_spike,
        integrate_and_fire.step_conductances,
    ),
    variables={
        "v": Variable(_exponential_at_rest, "mV", "membrane voltage; starts at rest"),
        **_conductances("of the leak"),
        "I": Variable(0.0, "mV", "input; fires above V_T - Delta_T - E_L"),
        "refractory": _REFRACTORY,
    },
    parameters={
        "tau": Parameter(
            10.0,
            "ms",
            "membrane; the fit to Wang & Buzsaki in the article, as all up to refractory",
        ),
        "E_L": Parameter(-65.0, "mV", "rest without the exponential"),
        "V_T": Parameter(-59.9, "mV", "where the current is lowest"),
        "Delta_T": Parameter(3.48, "mV", "sharpness of the upstroke"),
        "V_reset": Parameter(-68.0, "mV", "where v is held after a spike"),
        "refractory": Parameter(1.7, "ms", "for how long"),
        "V_peak": Parameter(-30.0, "mV", "a v that reaches it is a spike"),
        **_SYNAPSES,
    },
    constants=_exponential_constants,
    name="ExponentialIF",
    description="""exponential integrate-and-fire neuron (Fourcaud-Trocme et al. 2003) with synapses

    tau dv/dt = E_L - v + Delta_T exp((v - V_T) / Delta_T) + I + S
    S = g_exc (E_exc - v) + g_inh (E_inh - v),   dg/dt = -g / tau

    When v reaches V_peak there is a spike: v is then held at V_reset for the refractory period.
    Conductances are in units of the leak. The error is of order dt^2 between spikes, and spike
    times are accurate to dt; see spikesim.kernels.exponential_if. AdEx has adaptation, too.
    """,
)


def _adaptive_constants(p: Parameters, dt: float) -> Parameters:
    from scipy.linalg import expm  # at the top, it would slow the import of spikesim by half

    tau, tau_w, a = p["tau"], p["tau_w"], p["a"]
    check_number("a", a, above=-1.0)
    slopes = [
        [-1.0 / tau, -1.0 / tau, 1.0 / tau, 1.0 / tau, 1.0 / tau],
        [a / tau_w, -1.0 / tau_w, 0.0, 0.0, 0.0],
        [0.0] * 5,
        [0.0, 0.0, 0.0, -1.0 / p["tau_exc"], 0.0],
        [0.0, 0.0, 0.0, 0.0, -1.0 / p["tau_inh"]],
    ]
    advanced = expm([[dt * slope for slope in row] for row in slopes])
    names = ("v", "w", "I", "exc", "inh")
    rows = zip("vw", advanced[:2], strict=True)
    sums = {f"{to}_{by}": float(x) for to, row in rows for by, x in zip(names, row, strict=True)}
    return {
        **sums,
        **{name: p[name] for name in ("E_L", "threshold", "V_reset", "b")},
        "w_held": a * (p["V_reset"] - p["E_L"]),
        "decay_w": exp(-dt / tau_w),
        "decay_exc": exp(-dt / p["tau_exc"]),
        "decay_inh": exp(-dt / p["tau_inh"]),
        "refractory_steps": _steps("refractory", p, dt),
    }


def _rest_or_reset(p: Parameters) -> float:
    """Rest or, if that is above threshold, reset, as no spike has happened yet."""
    return p["E_L"] if p["E_L"] <= p["threshold"] else p["V_reset"]


AdaptiveLIF = Neuron(
    steps=(
        adaptive_lif.step_driven,
        adaptive_lif.step_threshold,
        integrate_and_fire.step_currents,
    ),
    variables={
        "v": Variable(_rest_or_reset, "mV", "membrane voltage; starts at rest"),
        "w": Variable(0.0, "mV", "adaptation"),
        "I_exc": Variable(0.0, "mV", "excitatory current; a spike adds its weight", is_target=True),
        "I_inh": Variable(
            0.0,
            "mV",
            "inhibitory current; a spike adds its weight, below 0 for inhibition",
            is_target=True,
            sign=-1,
        ),
        "I": Variable(0.0, "mV", "input; fires above (1 + a) (threshold - E_L)"),
        "refractory": _REFRACTORY,
    },
    parameters={
        "tau": Parameter(20.0, "ms", "membrane; those of CurrentLIF, adaptation apart"),
        "E_L": Parameter(-60.0, "mV", "rest"),
        "threshold": Parameter(-50.0, "mV", "spikes are above it"),
        "V_reset": Parameter(-60.0, "mV", "where v is held after a spike"),
        "refractory": Parameter(5.0, "ms", "for how long"),
        "tau_w": Parameter(100.0, "ms", "adaptation; ours, as are a and b"),
        "a": Parameter(0.0, "", "how far w follows v"),
        "b": Parameter(5.0, "mV", "what a spike adds to w"),
        "tau_exc": Parameter(5.0, "ms", "decay of the excitatory current"),
        "tau_inh": Parameter(10.0, "ms", "decay of the inhibitory current"),
    },
    constants=_adaptive_constants,
    name="AdaptiveLIF",
    description="""leaky integrate-and-fire neuron with adaptation (Gerstner et al. 2014, 6.1)

    tau dv/dt = E_L - v - w + I + I_exc + I_inh
    tau_w dw/dt = a (v - E_L) - w
    tau_x dI_x/dt = -I_x,   x = exc, inh

    v > threshold is a spike: w grows by b, and v is held at V_reset for the refractory period,
    while w and currents still change. All equations are linear and advanced exactly, for an I that
    is constant within a step. Intervals between spikes are at least refractory + dt; see
    spikesim.kernels.adaptive_lif.
    """,
)


# -------------------------------------------------------------------------- two variables, alone


@_remembered
def _system_at_rest(p: Parameters) -> float:
    if p["b"] == 0.0:
        return -p["a"]

    def slope(v: float) -> float:
        return v - v**3 / 3.0 - (v + p["a"]) / p["b"]

    return _or(_lowest_root(slope, -10.0, 10.0), -p["a"])


def _recovered(p: Parameters) -> float:
    v = _system_at_rest(p)
    return v - v**3 / 3.0


def _system_constants(p: Parameters, dt: float) -> Parameters:
    decays = {"decay": exp(-dt / p["tau_synapse"]), "half_decay": exp(-0.5 * dt / p["tau_synapse"])}
    return {**_without_taus(p), "dt": check_number("dt", dt, at_most=0.5, unit="ms"), **decays}


FitzHughNagumo = Neuron(
    steps=(fitzhugh_nagumo.step_membrane, fitzhugh_nagumo.step_drive),
    variables={
        "v": Variable(_system_at_rest, "", "like a voltage; starts at rest"),
        "w": Variable(_recovered, "", "recovery"),
        "drive": Variable(0.0, "", "synaptic input; a spike adds its weight", is_target=True),
        "I": Variable(0.0, "", "input; fires between about 0.33 and 1.42"),
    },
    parameters={
        "a": Parameter(0.7, "", "of the recovery; FitzHugh (1961), as are b and tau"),
        "b": Parameter(0.8, "", "how much w acts on itself"),
        "tau": Parameter(12.5, "ms", "recovery"),
        "threshold": Parameter(1.0, "", "a spike crosses it upwards"),
        "tau_synapse": Parameter(5.0, "ms", "decay of the synaptic input"),
    },
    constants=_system_constants,
    name="FitzHughNagumo",
    description="""excitable system of FitzHugh (1961) and Nagumo et al. (1962)

    dv/dt = v - v^3 / 3 - w + I + drive
    tau dw/dt = v + a - b w
    tau_synapse ddrive/dt = -drive

    No variable has a unit, and the unit of time is 1 ms. When v crosses the threshold upwards there
    is a spike. The error of the midpoint method is of order dt^2, and dt is at most 0.5 ms; see
    spikesim.kernels.fitzhugh_nagumo.
    """,
)


# -------------------------------------------------------------------------------- a dendrite, too


@_remembered
def _dendrite_at_rest(p: Parameters) -> float:
    R_d = p["tau_d"] / p["C_d"]

    def slope(v: float) -> float:
        activity = 1.0 / (1.0 + exp(min((p["E_d"] - v) / p["D_d"], 700.0)))
        return p["E_L"] - v + R_d * (p["g_d"] * activity - p["a_d"] * (v - p["E_L"]))

    return _or(_lowest_root(slope, p["E_L"], p["E_L"] + 1.0 + R_d * abs(p["g_d"])), p["E_L"])


def _soma_at_rest(p: Parameters) -> float:
    activity = 1.0 / (1.0 + exp(min((p["E_d"] - _dendrite_at_rest(p)) / p["D_d"], 700.0)))
    v = p["E_L"] + p["tau"] / p["C"] * p["g_s"] * activity
    return v if v <= p["threshold"] else p["V_reset"]


def _adaptation_at_rest(p: Parameters) -> float:
    return p["a_d"] * (_dendrite_at_rest(p) - p["E_L"])


def _two_constants(p: Parameters, dt: float) -> Parameters:
    _check_positive(p, "C", "C_d", "D_d")
    decays = {f"decay_{name}": exp(-dt / p[f"tau_{name}"]) for name in ("w", "wd")}
    halves = {f"half_decay_{name}": exp(-0.5 * dt / p[f"tau_{name}"]) for name in ("w", "wd")}
    return {
        **_without_taus(p, "tau_d"),
        "dt": dt,
        "R": p["tau"] / p["C"],
        "R_d": p["tau_d"] / p["C_d"],
        **decays,
        **halves,
        **_synapses(p, dt),
        "refractory_steps": _steps("refractory", p, dt),
        "K_steps": _steps("K_duration", p, dt),
    }


TwoCompartment = Neuron(
    steps=(
        two_compartment.step_membranes,
        two_compartment.step_spike,
        integrate_and_fire.step_conductances,
        two_compartment.step_conductances,
    ),
    variables={
        "v": Variable(_soma_at_rest, "mV", "voltage of the soma; starts at rest"),
        "v_d": Variable(_dendrite_at_rest, "mV", "voltage of the dendrite; starts at rest"),
        "w": Variable(0.0, "pA", "adaptation of the soma"),
        "w_d": Variable(_adaptation_at_rest, "pA", "adaptation of the dendrite"),
        **_conductances("of the leak", " of the soma"),
        **_conductances("of the leak", " of the dendrite", "_d"),
        "I": Variable(0.0, "pA", "input current of the soma"),
        "I_d": Variable(0.0, "pA", "input current of the dendrite"),
        "K": Variable(0.0, "steps", "how much longer a spike propagates back"),
        "refractory": _REFRACTORY,
    },
    parameters={
        "E_L": Parameter(-70.0, "mV", "leak; the article's, as all up to V_reset"),
        "C": Parameter(370.0, "pF", "capacitance of the soma"),
        "tau": Parameter(16.0, "ms", "membrane of the soma"),
        "g_s": Parameter(1300.0, "pA", "what the dendrite's activity drives into the soma"),
        "b": Parameter(200.0, "pA", "what a spike adds to w"),
        "tau_w": Parameter(100.0, "ms", "adaptation of the soma"),
        "C_d": Parameter(170.0, "pF", "capacitance of the dendrite"),
        "tau_d": Parameter(7.0, "ms", "membrane of the dendrite"),
        "g_d": Parameter(1200.0, "pA", "what its activity drives into the dendrite"),
        "E_d": Parameter(-38.0, "mV", "where the activity is half of its maximum"),
        "D_d": Parameter(6.0, "mV", "how steeply it begins"),
        "a_d": Parameter(13.0, "nS", "how far w_d follows v_d"),
        "tau_wd": Parameter(30.0, "ms", "adaptation of the dendrite"),
        "zeta": Parameter(2600.0, "pA", "the spike that propagates back"),
        "K_duration": Parameter(2.0, "ms", "its length"),
        "threshold": Parameter(-50.0, "mV", "spikes are above it"),
        "refractory": Parameter(3.0, "ms", "how long v is held after a spike"),
        "V_reset": Parameter(-70.0, "mV", "where"),
        **_SYNAPSES,
    },
    constants=_two_constants,
    name="TwoCompartment",
    description="""pyramidal neuron whose dendrite has plateaus (Naud & Sprekeler 2018)

    C dv/dt = C/tau (E_L - v + S) + g_s f(v_d) - w + I
    C_d dv_d/dt = C_d/tau_d (E_L - v_d + S_d) + g_d f(v_d) - w_d + zeta K + I_d
    f(v_d) = 1 / (1 + exp(-(v_d - E_d) / D_d))
    tau_w dw/dt = -w,   tau_wd dw_d/dt = a_d (v_d - E_L) - w_d
    S = g_exc (E_exc - v) + g_inh (E_inh - v),   dg/dt = -g / tau

    v > threshold is a spike: w grows by b, v is held at V_reset for the refractory period, and K is
    1 for K_duration. Conductances are in units of the leak of their compartment. Input to the soma
    alone makes single spikes; with input to the dendrite at the same time, it makes bursts. The
    error is of order dt^2 between spikes, and spike times are accurate to dt; see
    spikesim.kernels.two_compartment.
    """,
)
