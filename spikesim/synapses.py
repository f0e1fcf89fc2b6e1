"""Kinds of synapses: conductances of one or two exponentials, and of NMDA receptors.

They send their current into an input of any neuron, a variable that its equations only read, such
as ``I``. They read its voltage ``v``; ``with_(v="V")`` names another variable. The unit of
conductances is that of the input per mV: nS for a current in pA. The weight is the largest
conductance that a spike opens.
"""

from __future__ import annotations

from math import exp, log

from spikesim.declaring import Parameter, Variable
from spikesim.kernels import synaptic
from spikesim.synapse import Synapse

__all__ = ["NMDA", "Alpha", "Biexponential"]


def _two_constants(p: dict[str, float], dt: float) -> dict[str, float]:
    """Constants that are exact for any dt: x decays; g decays, and x feeds it."""
    rise, decay = p["tau_rise"], p["tau_decay"]
    kept = {"kept_x": exp(-dt / rise), "kept_g": exp(-dt / decay)}
    if abs(rise - decay) < 1e-6 * decay:
        return {**kept, "fed": exp(1.0) * dt / decay * kept["kept_g"]}
    # g(t) = (exp(-t / decay) - exp(-t / rise)) / peak is 1 at the time t of its peak.
    t = log(decay / rise) * rise * decay / (decay - rise)
    peak = exp(-t / decay) - exp(-t / rise)
    return {**kept, "fed": (kept["kept_g"] - kept["kept_x"]) / peak}


def _alpha_constants(p: dict[str, float], dt: float) -> dict[str, float]:
    return _two_constants({"tau_rise": p["tau"], "tau_decay": p["tau"]}, dt)


_VARIABLES = {
    "g": Variable(0.0, "", "conductance, in units of the input per mV: nS for an input in pA"),
    "x": Variable(0.0, "", "feeds g, and decays with its rise"),
}
_REVERSAL = Parameter(0.0, "mV", "reversal potential")

Biexponential = Synapse(
    variables=_VARIABLES,
    on_spike="x",
    step=synaptic.two_exponentials,
    current=synaptic.ohmic,
    parameters={
        "tau_rise": Parameter(1.0, "ms", "rise"),
        "tau_decay": Parameter(5.0, "ms", "decay"),
        "E": _REVERSAL,
    },
    constants=_two_constants,
    name="Biexponential",
    description="""a conductance that rises and decays, exactly for any dt; its peak is the weight

    g(t) = weight (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak
    I = g (E - v)
    """,
)

Alpha = Synapse(
    variables=_VARIABLES,
    on_spike="x",
    step=synaptic.two_exponentials,
    current=synaptic.ohmic,
    parameters={"tau": Parameter(2.0, "ms", "until the peak"), "E": _REVERSAL},
    constants=_alpha_constants,
    name="Alpha",
    description="""an alpha function as conductance, exactly for any dt; its peak is the weight

    g(t) = weight (t / tau) exp(1 - t / tau)
    I = g (E - v)
    """,
)

NMDA = Synapse(
    variables=_VARIABLES,
    on_spike="x",
    step=synaptic.two_exponentials,
    current=synaptic.magnesium_blocked,
    parameters={
        "tau_rise": Parameter(2.0, "ms", "rise; in common use, as is tau_decay"),
        "tau_decay": Parameter(100.0, "ms", "decay; differs between receptors"),
        "E": _REVERSAL,
        "Mg": Parameter(1.0, "mM", "magnesium outside of the cell"),
    },
    constants=_two_constants,
    name="NMDA",
    description="""receptors whose current magnesium blocks at low voltages

    g(t) = weight (exp(-t / tau_decay) - exp(-t / tau_rise)) / peak
    I = g (E - v) / (1 + Mg / 3.57 exp(-0.062 v))

    The block is that of Jahr & Stevens (1990, doi:10.1523/JNEUROSCI.10-09-03178.1990), in mM and
    mV. g is exact for any dt. Receptors do not saturate.
    """,
)
