"""Models of other simulators that SONATA files name, as neurons of spikesim.

NEST counts in pA, pF, nS, mV and ms. A current-based neuron of spikesim knows no capacitance: its
inputs are where they carry the voltage, in mV. So a current of 1 pA becomes tau_m / C_m mV, and a
conductance of 1 nS becomes 1 / g_L of the leak. Parameters that a file does not give are those that
NEST documents for its models.

Spikes are those of NEST up to their names. A spike is noticed at the end of a step. NEST gives it
the time at which the step ends, and spikesim the time at which it begins. Delays count from the
former in both (see `Kind.late`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikesim.neuron import Neuron
from spikesim.neurons import (
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
)

__all__ = ["KINDS", "Kind"]

Values = Mapping[str, np.ndarray]


class Kind(NamedTuple):
    """How a model of another simulator becomes a neuron of spikesim.

    Attributes
    ----------
    neuron : Neuron
    defaults : dict of str to float
        The parameters of the model, under its names.
    names : dict of str to str
        The parameters of `neuron`, and those of the model that they are, in the same unit.
    targets : (str, str)
        The variables that weights above and below 0 act on.
    weights : {'current', 'conductance', 'voltage'}
        What a weight is, in pA, nS or mV.
    reports : dict of str to (str, str)
        The variables of the model: those of `neuron`, and their units.
    late : int
        Steps that a delay is longer: 1 if a spike is noticed at the end of its step. Its name is
        then the time at which the step begins, and the delay counts from its end.
    fixed : dict of str to float
        Parameters of `neuron` that no file gives.
    times : float
        What the times of files are in ms.
    deaf : int
        Steps that the refractory period of a neuron that then stays at rest is longer. NEST ignores
        a jump that comes just when the period ends, and spikesim counts it. A neuron that leaves
        V_reset by itself would do so too late.
    """

    neuron: Neuron
    defaults: dict[str, float]
    names: dict[str, str]
    targets: tuple[str, str]
    weights: str
    reports: dict[str, tuple[str, str]]
    late: int = 1
    fixed: Mapping[str, float] = {}
    times: float = 1.0
    deaf: int = 0

    def leak(self, p: Values) -> np.ndarray:
        """What 1 pA, or a conductance of 1 nS, is in the units of the neuron's inputs."""
        if "g_L" in p:
            return 1.0 / p["g_L"]
        return p["tau_m"] / p["C_m"]

    def given(self, p: Values, dt: float, is_clamped: bool) -> dict[str, np.ndarray]:
        """The parameters of `neuron`; its refractory period is a multiple of dt."""
        found = {ours: p[theirs] for ours, theirs in self.names.items()}
        found.update({name: np.array(value) for name, value in self.fixed.items()})
        stays = self.deaf and not is_clamped and (p["V_reset"] == p["E_L"]) & (p["I_e"] == 0.0)
        found["refractory"] = (np.rint(found["refractory"] / dt) + self.deaf * stays) * dt
        if "tau" not in found and "tau" in self.neuron.parameters:
            found["tau"] = p["C_m"] / p["g_L"]
        if "I_e" in p:
            found["I"] = self.current(p["I_e"], p)
        return found

    def current(self, amplitude: Any, p: Values) -> Any:
        """An injected current, from pA to the unit of ``I``."""
        return amplitude if self.neuron is AdEx else amplitude * self.leak(p)

    def weight(self, weight: np.ndarray, p: Values) -> np.ndarray:
        """Weights, from units of the model to those of `neuron`; `p` has a row for each."""
        if self.weights == "voltage":
            return weight
        scaled = weight * self.leak(p)
        return np.abs(scaled) if self.weights == "conductance" else scaled

    def reported(self, variable: str, p: Values) -> tuple[str, np.ndarray | float, str]:
        """The variable of `neuron`, by what to multiply it, and the unit that it then has."""
        ours, unit = self.reports[variable]
        return ours, 1.0 if ours in ("v", "w") else 1.0 / self.leak(p), unit


_MEMBRANE = {"E_L": "E_L", "threshold": "V_th", "V_reset": "V_reset", "refractory": "t_ref"}
_SYNAPSES = {"tau_exc": "tau_syn_ex", "tau_inh": "tau_syn_in"}
_CURRENT = {
    "V_m": -70.0,
    "E_L": -70.0,
    "C_m": 250.0,
    "tau_m": 10.0,
    "t_ref": 2.0,
    "V_th": -55.0,
    "V_reset": -70.0,
    "I_e": 0.0,
}
_CURRENT_SYNAPSES = {**_CURRENT, "tau_syn_ex": 2.0, "tau_syn_in": 2.0}
_CONDUCTANCE = {
    "V_m": -70.0,
    "E_L": -70.0,
    "C_m": 250.0,
    "g_L": 16.6667,
    "t_ref": 2.0,
    "V_th": -55.0,
    "V_reset": -60.0,
    "E_ex": 0.0,
    "E_in": -85.0,
    "tau_syn_ex": 0.2,
    "tau_syn_in": 2.0,
    "I_e": 0.0,
}
_REVERSALS = {"E_exc": "E_ex", "E_inh": "E_in"}
_VOLTAGE = {"V_m": ("v", "mV"), "v": ("v", "mV")}
_CURRENT_REPORTS = {**_VOLTAGE, "I_syn_ex": ("I_exc", "pA"), "I_syn_in": ("I_inh", "pA")}
_CONDUCTANCE_REPORTS = {**_VOLTAGE, "g_ex": ("g_exc", "nS"), "g_in": ("g_inh", "nS")}

KINDS = {
    "nest:iaf_psc_alpha": Kind(
        AlphaCurrentLIF,
        _CURRENT_SYNAPSES,
        {**_MEMBRANE, **_SYNAPSES, "tau": "tau_m"},
        ("rise_exc", "rise_inh"),
        "current",
        _CURRENT_REPORTS,
    ),
    "nest:iaf_psc_exp": Kind(
        CurrentLIF,
        _CURRENT_SYNAPSES,
        {**_MEMBRANE, **_SYNAPSES, "tau": "tau_m"},
        ("I_exc", "I_inh"),
        "current",
        _CURRENT_REPORTS,
    ),
    "nest:iaf_psc_delta": Kind(
        DeltaLIF,
        _CURRENT,
        {**_MEMBRANE, "tau": "tau_m"},
        ("v", "v"),
        "voltage",
        _VOLTAGE,
        late=0,
        deaf=1,
    ),
    "nest:iaf_cond_exp": Kind(
        ConductanceLIF,
        _CONDUCTANCE,
        {**_MEMBRANE, **_SYNAPSES, **_REVERSALS},
        ("g_exc", "g_inh"),
        "conductance",
        _CONDUCTANCE_REPORTS,
    ),
    "nest:iaf_cond_alpha": Kind(
        AlphaConductanceLIF,
        _CONDUCTANCE,
        {**_MEMBRANE, **_SYNAPSES, **_REVERSALS},
        ("rise_exc", "rise_inh"),
        "conductance",
        _CONDUCTANCE_REPORTS,
    ),
    "nest:aeif_cond_exp": Kind(
        AdEx,
        {
            **_CONDUCTANCE,
            "V_m": -70.6,
            "E_L": -70.6,
            "C_m": 281.0,
            "g_L": 30.0,
            "t_ref": 0.0,
            "V_th": -50.4,
            "V_peak": 0.0,
            "Delta_T": 2.0,
            "tau_w": 144.0,
            "a": 4.0,
            "b": 80.5,
        },
        {
            **{name: name for name in ("E_L", "g_L", "V_reset", "Delta_T", "V_peak")},
            **{name: name for name in ("tau_w", "a", "b")},
            **{"C": "C_m", "V_T": "V_th", "V_hold": "V_reset", "refractory": "t_ref"},
            **_SYNAPSES,
            **_REVERSALS,
        },
        ("g_exc", "g_inh"),
        "conductance",
        {**_CONDUCTANCE_REPORTS, "w": ("w", "pA")},
    ),
    # m of NEURON's IntFire1 has no unit; its files give times in seconds.
    "nrn:IntFire1": Kind(
        DeltaLIF,
        {"tau": 10.0, "refrac": 5.0},
        {"tau": "tau", "refractory": "refrac"},
        ("v", "v"),
        "voltage",
        {"m": ("v", "")},
        late=0,
        fixed={"E_L": 0.0, "V_reset": 0.0, "threshold": 1.0},
        times=1000.0,
    ),
}
"""The models that can be read, under the names of `model_template`."""
