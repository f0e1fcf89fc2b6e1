"""Neurons of textbooks and courses: from the squid's axon to a pyramidal cell with plateaus.

    axons = net.add_population("axons", 3, HodgkinHuxley)
    axons.I[:] = 0.0, 5.0, 10.0

Each takes an input current ``I``, a variable that may be set, played and recorded, and begins at
the rest that follows from its parameters. The file of its equations says what the symbols are.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, tanh
from typing import Any

from spikesim.checks import check_number, check_steps
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


def _lowest_root(current: Callable[[float], float], least: float, most: float) -> float | None:
    """Where a function of the voltage first crosses 0, looked for in 1000 parts."""
    part = (most - least) / 1000.0
    before = current(least)
    for k in range(1000):
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


def _synapses(p: Parameters, dt: float) -> Parameters:
    """What conductances g_exc and g_inh keep of themselves in a step, and in half of one."""
    decays: Parameters = {}
    for name in ("exc", "inh"):
        decays[f"decay_{name}"] = exp(-dt / p[f"tau_{name}"])
        decays[f"half_decay_{name}"] = exp(-0.5 * dt / p[f"tau_{name}"])
    return decays


def _without_taus(p: Parameters, *kept: str) -> Parameters:
    return {name: x for name, x in p.items() if not name.startswith("tau_") or name in kept}


def _steps(name: str, p: Parameters, dt: float) -> float:
    """A time in steps, no more than can be counted down."""
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
    """The lowest and the highest reversal potential, between which rest lies."""
    found = [x for name, x in p.items() if name in ("E_Na", "E_K", "E_Ca", "E_L")]
    return min(found) - 1.0, max(found) + 1.0


def _open_fractions(v: float) -> dict[str, float]:
    """The gates of Hodgkin and Huxley at a voltage that lasts."""
    rates = {
        "m": (hodgkin_huxley.alpha_m(v), hodgkin_huxley.beta_m(v)),
        "h": (hodgkin_huxley.alpha_h(v), hodgkin_huxley.beta_h(v)),
        "n": (hodgkin_huxley.alpha_n(v), hodgkin_huxley.beta_n(v)),
    }
    return {name: alpha / (alpha + beta) for name, (alpha, beta) in rates.items()}


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
        "v": _axon_at_rest,  # mV
        "m": _m_at_rest,
        "h": _h_at_rest,
        "n_K": _n_at_rest,
        "g_exc": 0.0,  # mS/cm^2
        "g_inh": 0.0,  # mS/cm^2
        "I": 0.0,  # uA/cm^2
    },
    parameters={
        "C": 1.0,  # uF/cm^2; table 3 of the article, as are the next six
        "g_Na": 120.0,  # mS/cm^2
        "g_K": 36.0,  # mS/cm^2
        "g_L": 0.3,  # mS/cm^2
        "E_Na": 50.0,  # mV
        "E_K": -77.0,  # mV
        "E_L": -54.387,  # mV, so that rest is at -65 mV
        "threshold": 0.0,  # mV, which a spike crosses upwards
        "E_exc": 0.0,  # mV, synapses; ours, as the article has none
        "E_inh": -80.0,  # mV
        "tau_exc": 5.0,  # ms
        "tau_inh": 10.0,  # ms
    },
    constants=_axon_constants,
)
"""The membrane of the squid's giant axon (Hodgkin & Huxley 1952), with synapses.

Ports ``g_exc`` and ``g_inh`` in mS/cm^2 (a spike adds its weight), and a current ``I`` in uA/cm^2
of each neuron, all at 6.3 degrees C: it fires from about 6.3 uA/cm^2 on. Second order in dt, of
which 0.01 to 0.05 ms is usual; see `spikesim.kernels.hodgkin_huxley`.

Examples
--------
>>> from spikesim import HodgkinHuxley, Network
>>> net = Network(dt=0.02, backend="python")
>>> axon = net.add_population("axon", 1, HodgkinHuxley)
>>> axon.I[:] = 10.0
>>> spikes = net.record_spikes(axon)
>>> net.run(10.0)
>>> len(spikes.t)
1
"""


def _activated(v: float, half: float, width: float) -> float:
    return 0.5 * (1.0 + tanh((v - half) / width))


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
        "v": _fibre_at_rest,  # mV
        "w": _potassium_at_rest,
        "g_exc": 0.0,  # mS/cm^2
        "g_inh": 0.0,  # mS/cm^2
        "I": 0.0,  # uA/cm^2
    },
    parameters={
        "C": 20.0,  # uF/cm^2; Rinzel & Ermentrout (1989), Hopf, as are the next eleven
        "g_Ca": 4.4,  # mS/cm^2
        "g_K": 8.0,  # mS/cm^2
        "g_L": 2.0,  # mS/cm^2
        "E_Ca": 120.0,  # mV
        "E_K": -84.0,  # mV
        "E_L": -60.0,  # mV
        "V_1": -1.2,  # mV, where half of the calcium channels are open
        "V_2": 18.0,  # mV, how steeply they open
        "V_3": 2.0,  # mV, the same of potassium
        "V_4": 30.0,  # mV
        "phi": 0.04,  # 1/ms, the rate of potassium at V_3
        "threshold": 0.0,  # mV, which a spike crosses upwards
        "E_exc": 0.0,  # mV, synapses; ours, as the article has none
        "E_inh": -80.0,  # mV
        "tau_exc": 5.0,  # ms
        "tau_inh": 10.0,  # ms
    },
    constants=_fibre_constants,
)
"""The muscle fibre of the barnacle (Morris & Lecar 1981), reduced to two variables, with synapses.

Ports ``g_exc`` and ``g_inh`` in mS/cm^2 (a spike adds its weight), and a current ``I`` in uA/cm^2
of each neuron; without noise. By default it begins to fire at a frequency above 0 (class II), from
about 90 uA/cm^2 on; ``V_3=12.0, V_4=17.4, phi=0.067, g_Ca=4.0`` make it begin at frequency 0
(class I). Second order in dt; see `spikesim.kernels.morris_lecar`.
"""


# ------------------------------------------------------------------------- integrate, and reset


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
        "v": _exponential_at_rest,  # mV
        "g_exc": 0.0,  # in units of the leak
        "g_inh": 0.0,
        "I": 0.0,  # mV
        "refractory": 0.0,  # steps
    },
    parameters={
        "tau": 10.0,  # ms, membrane; the article's fit to Wang & Buzsaki, as are the next five
        "E_L": -65.0,  # mV, rest without the exponential
        "V_T": -59.9,  # mV, where the slope of the current is 0
        "Delta_T": 3.48,  # mV, sharpness of the upstroke
        "V_reset": -68.0,  # mV
        "refractory": 1.7,  # ms
        "V_peak": -30.0,  # mV, where a spike counts as one
        "E_exc": 0.0,  # mV, synapses
        "E_inh": -80.0,  # mV
        "tau_exc": 5.0,  # ms
        "tau_inh": 10.0,  # ms
    },
    constants=_exponential_constants,
)
"""The exponential integrate-and-fire neuron (Fourcaud-Trocme et al. 2003), with synapses.

Ports ``g_exc`` and ``g_inh`` in units of the leak conductance (a spike adds its weight), and an
input ``I`` of each neuron in mV: it fires above V_T - Delta_T - E_L. Second order in dt between
spikes, which are true to dt; see `spikesim.kernels.exponential_if`. `AdEx` has adaptation, too.
"""


def _adaptive_constants(p: Parameters, dt: float) -> Parameters:
    from scipy.linalg import expm  # scipy would add half to the time that importing spikesim takes

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
    """Rest; where that is above threshold, reset: nothing has happened that would be a spike."""
    return p["E_L"] if p["E_L"] <= p["threshold"] else p["V_reset"]


AdaptiveLIF = Neuron(
    steps=(
        adaptive_lif.step_driven,
        adaptive_lif.step_threshold,
        integrate_and_fire.step_currents,
    ),
    variables={
        "v": _rest_or_reset,  # mV
        "w": 0.0,  # mV
        "I_exc": 0.0,  # mV
        "I_inh": 0.0,  # mV
        "I": 0.0,  # mV
        "refractory": 0.0,  # steps
    },
    parameters={
        "tau": 20.0,  # ms, membrane; those of `CurrentLIF`, but for the adaptation
        "E_L": -60.0,  # mV, rest
        "threshold": -50.0,  # mV
        "V_reset": -60.0,  # mV
        "refractory": 5.0,  # ms
        "tau_w": 100.0,  # ms, adaptation; of the order of figure 6.3 of the book
        "a": 0.0,  # how far w follows v
        "b": 5.0,  # mV, what a spike adds to it
        "tau_exc": 5.0,  # ms, synapses
        "tau_inh": 10.0,  # ms
    },
    constants=_adaptive_constants,
)
"""`CurrentLIF` with adaptation (Gerstner et al. 2014, section 6.1), integrated exactly.

Ports ``I_exc`` and ``I_inh`` in mV (a spike adds its weight, which is negative for inhibition), and
an input ``I`` of each neuron in mV, which is constant within a step. It fires above
(1 + a) (threshold - E_L). Intervals between spikes are ``refractory`` + dt or longer. See
`spikesim.kernels.adaptive_lif`.
"""


# -------------------------------------------------------------------------- two variables, alone


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
    variables={"v": _system_at_rest, "w": _recovered, "drive": 0.0, "I": 0.0},
    parameters={
        "a": 0.7,  # FitzHugh (1961), as are the next two
        "b": 0.8,
        "tau": 12.5,  # ms, recovery: 1 / 0.08
        "threshold": 1.0,  # which a spike crosses upwards
        "tau_synapse": 5.0,  # ms
    },
    constants=_system_constants,
)
"""The excitable system of FitzHugh (1961) and Nagumo et al. (1962).

No variable has a unit; a unit of time is 1 ms. Port ``drive`` (a spike adds its weight, which
decays with ``tau_synapse``), and an input ``I`` of each neuron: it fires between about 0.33 and
1.42. Second order in dt, of at most 0.5 ms; see `spikesim.kernels.fitzhugh_nagumo`.
"""


# -------------------------------------------------------------------------------- a dendrite, too


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
        "v": _soma_at_rest,  # mV
        "v_d": _dendrite_at_rest,  # mV
        "w": 0.0,  # pA
        "w_d": _adaptation_at_rest,  # pA
        "g_exc": 0.0,  # in units of the leak of the soma
        "g_inh": 0.0,
        "g_exc_d": 0.0,  # in units of the leak of the dendrite
        "g_inh_d": 0.0,
        "I": 0.0,  # pA
        "I_d": 0.0,  # pA
        "K": 0.0,  # steps
        "refractory": 0.0,  # steps
    },
    parameters={
        "E_L": -70.0,  # mV; the article, table S1, as are all up to V_reset
        "C": 370.0,  # pF, soma
        "tau": 16.0,  # ms
        "g_s": 1300.0,  # pA, what the dendrite's activity drives into it
        "b": 200.0,  # pA, what a spike adds to w
        "tau_w": 100.0,  # ms
        "C_d": 170.0,  # pF, dendrite
        "tau_d": 7.0,  # ms
        "g_d": 1200.0,  # pA, its own activity
        "E_d": -38.0,  # mV, where that is half of its most
        "D_d": 6.0,  # mV, how steeply it begins
        "a_d": 13.0,  # nS, adaptation
        "tau_wd": 30.0,  # ms
        "zeta": 2600.0,  # pA, the spike that propagates back
        "K_duration": 2.0,  # ms
        "threshold": -50.0,  # mV
        "refractory": 3.0,  # ms
        "V_reset": -70.0,  # mV
        "E_exc": 0.0,  # mV, synapses
        "E_inh": -80.0,  # mV
        "tau_exc": 5.0,  # ms
        "tau_inh": 10.0,  # ms
    },
    constants=_two_constants,
)
"""A pyramidal neuron of soma and dendrite, whose dendrite has plateaus (Naud & Sprekeler 2018).

Ports ``g_exc`` and ``g_inh`` of the soma, ``g_exc_d`` and ``g_inh_d`` of the dendrite, in units of
its leak conductance (a spike adds its weight); currents ``I`` and ``I_d`` of each neuron in pA.
Input to the soma alone makes it fire single spikes, and input to the dendrite at the same time
bursts. Second order in dt between spikes, which are true to dt; see
`spikesim.kernels.two_compartment`.
"""
