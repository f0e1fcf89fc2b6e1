"""`SpikingMicrocircuit`: dendritic microcircuits whose cells spike, and read traces of spikes.

The paper has rates, phi(u). Here a soma escapes by chance, and what others read of it, and what
plasticity reads, is the trace r of its spikes. U is uniform in [0, 1):

    spike = 1[U < rho dt phi(u)],   r <- r e^(-dt/tau_s) + spike (1 - e^(-dt/tau_s)) / (rho dt)  (1)

So the mean of r is phi(u), and its variance about phi(u) / (2 rho tau_s). Traces of pyramidal and
of SST cells take the place of r and rI in `network`, whose dendrites, somata, predictions phi(a v)
and rules stay as they are. Inputs are rates. A circuit that predicts itself is thus silent on
average, and no longer at every moment.
"""

from math import exp
from typing import Any, ClassVar

from spikesim.kernels import dendrites
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TOGO, TRIAL
from spikesim.learning.parameters import choice, number, refuse_if
from spikesim.models.dendritic_microcircuit.network import DendriticMicrocircuit
from spikesim.models.dendritic_microcircuit.parameters import Parameters

__all__ = ["SpikingMicrocircuit", "SpikingParameters"]

UNIFORM = ("U", "U_I")  # the numbers of pyramidal and of SST cells
SLOW = {"t_pattern": 60.0, "lag": 25.0, "t_read": 30.0, "dt": 0.2, "tau_0": 1.0}
SLOW |= {"g_A": 0.8, "g_som": 0.8, "high": 1.4, "low": -1.4, "Y_size": 1.0}
SLOW |= {"eta": 0.0005, "eta_Q": 0.003}  # spikes are noise: single patterns change little


class SpikingParameters(Parameters):
    """Constants and options; what suits digits is slower than the defaults, those of rates."""

    dynamics: str = choice("continuous", about="(1) to (7) of rates")
    rho: float = number(1.0, "spikes where phi is 1", unit="1/ms", symbol="ρ", above=0.0)
    tau_s: float = number(5.0, "trace of spikes", unit="ms", symbol="τ_s", above=0.0)

    def check(self, layers, dtype):
        super().check(layers, dtype)
        refuse_if(self.backprop, "backprop has no spikes; it is an option of rates.")
        often = self.rho * self.dt > 1.0
        refuse_if(often, f"rho is {self.rho:g} / ms; in a step of dt, it has to be at most 1.")


def fire(j, t, s, p):
    """(1)."""
    step = s.length[s.clock[TRIAL], s.clock[PHASE]] - 1 - s.clock[TOGO]
    if s.clock[PHASE] == SECOND:
        step += s.length[s.clock[TRIAL], FIRST]
    s.rate[j] = p.kept * s.rate[j]
    if s.U[s.clock[TRIAL], step, j] < p.expected * dendrites.phi(s.u[j], p):
        s.rate[j] = s.rate[j] + p.jump


class SpikingMicrocircuit(DendriticMicrocircuit):
    """Pyramidal and SST cells that spike by chance, and whose apical dendrites carry errors.

    Arguments and attributes are those of `DendriticMicrocircuit`, which has no spikes. What can be
    `given` also are ``U`` and ``U_I``, the uniform numbers of pyramidal and of SST cells; a trial
    uses as many of their steps as it has. `record` keeps the traces r and rI, too.

    Examples
    --------
    >>> import numpy as np
    >>> from spikesim.models.dendritic_microcircuit import SpikingMicrocircuit
    >>> net = SpikingMicrocircuit((4, 30, 2), backend="python")
    >>> trial = net.record([1.0, 0.0, 0.5, 0.0], label=1)
    >>> r, u = (each["hidden_1"][:, 200:1000] for each in (trial.r, trial.u))
    >>> bool(abs((r - 1.0 / (1.0 + np.exp(-u))).mean()) < 0.03)  # 80 ms of 30 cells
    True
    """

    KIND = "spiking-microcircuit"
    TITLE = "dendritic cortical microcircuits with cells that spike"
    Parameters: ClassVar[Any] = SpikingParameters
    BODIES: ClassVar[dict] = {dendrites.emit: fire}
    RECORD = (*DendriticMicrocircuit.RECORD, "r", "rI")
    DRAWN = (*DendriticMicrocircuit.DRAWN, *UNIFORM)
    STREAMS = (*DendriticMicrocircuit.STREAMS, "spikes")
    SAVED = (*DendriticMicrocircuit.SAVED, "rI")
    SUITED = {"digits": {"hidden": "20", "epochs": 10, **SLOW}}  # noqa: RUF012

    def numbers(self, layer):
        p = self.parameters
        kept, expected = exp(-p.dt / p.tau_s), p.rho * p.dt
        own = {"kept": kept, "expected": expected, "jump": (1.0 - kept) / expected}
        return super().numbers(layer) | own

    def arrays(self, layer):
        shape = self.block(), 2 * self.steps, layer.n
        return super().arrays(layer) | dict.fromkeys(UNIFORM[: layer.index], shape)

    def block(self):
        """So many trials that their random numbers have room."""
        return max(1, min(super().block(), 2**22 // (4 * self.steps * sum(self.sizes))))

    def cells(self, net):
        for layer, own in super().cells(net):
            yield layer, own | {"U": layer.arrays.get("U" if own["u"] is layer.u else "U_I")}

    def prepare(self, net, trial, count):
        super().prepare(net, trial, count)
        used = int(net.trials.length[:count].sum(axis=1).max())
        for layer in net.above_input:
            chance = self.chance("spikes", net.purpose, trial, layer.index)
            for U in (layer.arrays[name] for name in UNIFORM[: layer.index]):
                U[:count, :used] = chance.random((count, used, layer.n), U.dtype)
