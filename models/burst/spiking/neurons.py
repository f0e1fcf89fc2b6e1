"""Pyramidal neurons that burst, whose equations are in `equations`; interneurons and synapses."""

from __future__ import annotations

from math import exp, log
from typing import Any

from spikesim.checks import check_choice, check_number, check_steps
from spikesim.engine.projection import ShortTermPlasticity
from spikesim.models.burst.spiking import equations as eq
from spikesim.neuron import Start
from spikesim.neurons import Neuron
from spikesim.precision import COUNTABLE

__all__ = ["DEPRESSING", "FACILITATING", "PV", "SOM", "U_AT_FIRST", "BurstPoisson", "Pyramidal"]

# Times in ms, voltages in mV, capacitances in pF, conductances in nS, currents in pA. The values
# are those of the authors' simulator (apayeur/auryn, NaudGroup), which follows Naud & Sprekeler.
_COMPARTMENTS: dict[str, float] = {
    "E_L": -70.0,  # leak and reset potential
    "E_exc": 0.0,  # reversal potentials of synapses
    "E_inh": -80.0,
    "tau_exc": 5.0,  # synaptic conductances (AMPA, GABA)
    "tau_inh": 10.0,
    "theta_0": -50.0,  # threshold at rest,
    "theta_jump": 2.0,  # what a spike adds to it
    "tau_theta": 27.0,  # and how that decays
    "tau_s": 16.0,  # membrane of the soma
    "C_s": 370.0,
    "tau_ws": 100.0,  # spike-triggered adaptation of the soma
    "b_s": 200.0,  # its current per spike
    "tau_d": 7.0,  # membrane of the dendrite
    "C_d": 170.0,
    "tau_wd": 30.0,  # subthreshold adaptation of the dendrite
    "a_d": 13.0,
    "D_d": 6.0,  # width of f
    "local_driving_force": 0,  # 1: dendritic synapses see the dendrite's voltage, 0: the soma's
}
_VARIABLES: dict[str, Start] = {
    "V_s": "E_L",  # mV
    "V_d": "E_L",  # mV
    "w_s": 0.0,  # spikes
    "w_d": 0.1,  # mV
    "theta": "theta_0",  # mV
    "g_exc_s": 0.0,  # in units of the leak conductance of the compartment
    "g_inh_s": 0.0,
    "g_exc_d": 0.0,
    "g_inh_d": 0.0,
    "I_s": 0.0,  # pA
    "I_d": 0.0,  # pA
}


def _compartments(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    for name in ("C_s", "C_d", "D_d"):
        check_number(name, parameters[name], above=0.0)
    check_choice("local_driving_force", parameters["local_driving_force"], [0, 1])
    taus = [name for name in parameters if name.startswith("tau_")]
    constants = {name: value for name, value in parameters.items() if name not in taus}
    for name in ("tau_s", "tau_d", "tau_wd", "tau_theta"):
        constants[f"dt_by_{name}"] = dt / parameters[name]
    for name in ("C_s", "C_d"):
        constants[f"dt_by_{name}"] = dt / parameters[name]
    for name in ("exc", "inh", "ws"):
        constants[f"decay_{name}"] = exp(-dt / parameters[f"tau_{name}"])
    return constants


def _countable(name: str, time: Any, dt: float) -> int:
    """A time as a number of steps that is counted down as a float."""
    return check_steps(name, time, dt, at_least=1, at_most=COUNTABLE)


def _pyramidal(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    K_steps = float(_countable("K_duration", parameters["K_duration"], dt))
    return {**_compartments(parameters, dt), "K_steps": K_steps}


def _burst_poisson(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    p = parameters
    refractory = _countable("refractory", p["refractory"], dt)
    after = check_steps("second_after", p["second_after"], dt, at_least=1)
    within = check_steps("second_within", p["second_within"], dt)
    check_number("refractory", p["refractory"], above=p["second_after"] + p["second_within"])
    return {
        **_compartments(parameters, dt),
        "refractory_steps": float(refractory),
        # The authors' program counts one step less than it draws.
        "second_after": float(after - 1),
        "second_within": float(within),
    }


Pyramidal = Neuron(
    steps=(
        eq.step_currents,
        eq.step_activity,
        eq.step_dendrite,
        eq.step_soma,
        eq.step_conductances,
        eq.step_adaptation,
        eq.step_threshold,
    ),
    on_spike=(eq.spike,),
    variables={**_VARIABLES, "f": 0.0, "K": 0.0},
    parameters={
        **_COMPARTMENTS,
        "g_s": 1300.0,  # pA, what the dendrite's activity drives into the soma
        "g_d": 1200.0,  # pA, what it drives into the dendrite itself
        "E_d": -38.0,  # mV, where f is 1/2
        "zeta": 2600.0,  # pA, the back-propagating spike
        "K_duration": 2.0,  # ms, its length
    },
    constants=_pyramidal,
)
"""Two-compartment neuron whose dendrite makes it burst, (1) to (6) of `equations`.

Ports ``g_exc_s``, ``g_inh_s``, ``g_exc_d``, ``g_inh_d``; currents ``I_s`` and ``I_d`` in pA, to be
set between runs.
"""

BurstPoisson = Neuron(
    steps=(
        eq.step_currents,
        eq.step_passive_dendrite,
        eq.step_passive_soma,
        eq.step_conductances,
        eq.step_adaptation,
        eq.step_refractory_threshold,
    ),
    on_spike=(eq.spike_or_burst,),
    variables={**_VARIABLES, "refractory": 0.0, "second": -1.0},
    parameters={
        **_COMPARTMENTS,
        "E_d": -57.0,  # mV, where half of the events are bursts
        "refractory": 20.0,  # ms
        "second_after": 5.0,  # ms from an event to the second spike of a burst, at least,
        "second_within": 10.0,  # ms, the width of the uniform distribution from there on
    },
    constants=_burst_poisson,
)
"""Two-compartment neuron that bursts with a chance given by its dendrite, (7) of `equations`.

Ports and currents as those of `Pyramidal`.
"""

PV: dict[str, float] = {
    "C": 100.0,
    "g_L": 10.0,
    "E_L": -70.0,
    "V_T": -48.0,
    "Delta_T": 2.0,
    "V_reset": -55.0,
    "V_hold": -70.0,  # the authors' program holds V at rest, so V_reset hardly matters
    "V_least": -80.0,  # and cuts it off at the reversal potential of inhibition
    "refractory": 1.0,
    "a": 0.0,
    "b": 0.0,
}
"""Parameters that make `spikesim.AdEx` a parvalbumin-positive interneuron (Payeur et al. 2021)."""

_RHEOBASE = 25.0  # pA

SOM: dict[str, float] = {
    "C": 100.0,
    "g_L": 5.0,
    "E_L": -70.0,
    "V_T": _RHEOBASE / (5.0 + 0.5) - 70.0 + 4.0 - 4.0 * log(1.0 + 0.5 / 5.0),
    "Delta_T": 4.0,
    "V_reset": -65.0,
    "V_hold": -70.0,
    "V_least": -80.0,
    "refractory": 2.0,
    "tau_w": 500.0,
    "a": 0.5,
    "b": 10.0,
}
"""Parameters that make `spikesim.AdEx` a somatostatin-positive interneuron (Payeur et al. 2021)."""

# At a spike, u grows by f (1 - u). The authors' programs set f = 0.1, but this has no effect, as
# their method that would use it is not virtual. So f is U in their figures, and here. With 0.1 the
# inhibition of dendrites would be more than twice as strong.
DEPRESSING = ShortTermPlasticity(U=0.9, tau_D=20.0, tau_F=1000.0, f=0.9)
"""Synapses that transmit the first spike of a burst best: they see events (Payeur et al. 2021)."""

FACILITATING = ShortTermPlasticity(U=0.02, tau_D=100.0, tau_F=100.0, f=0.02)
"""Synapses that transmit later spikes of a burst better: they see bursts (Payeur et al. 2021)."""

U_AT_FIRST = 0.01
"""The initial u of all these synapses, in the authors' programs."""
