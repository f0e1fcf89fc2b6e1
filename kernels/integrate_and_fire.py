"""Leaky integrate-and-fire neurons with two exponential synapses, exact where that is possible.

    tau dv/dt = E_L - v + I + I_exc + I_inh,                   dI_x/dt = -I_x / tau_x            (1)
    tau dv/dt = E_L - v + I + g_exc (E_exc - v) + g_inh (E_inh - v),   dg_x/dt = -g_x / tau_x    (2)

for currents (1), in mV, and for conductances (2), in units of the leak. v > threshold is a spike: v
is held at V_reset for the refractory period, while synapses go on.

(1) is linear, and advanced exactly: v of the next step is a sum of v and I_x now. In (2) v relaxes,
exactly, to what it would be with the conductances of the step's start; an error of order dt.
"""

from __future__ import annotations

from math import exp

__all__ = ["step_conductances", "step_currents", "step_driven", "step_shunted", "step_threshold"]

TINY = 1e-20  # smaller synaptic variables become 0: denormal numbers are slow


def step_driven(i, t, s, p):
    """(1)."""
    v = p.rest + p.decay * (s.v[i] - p.rest) + p.from_exc * s.I_exc[i] + p.from_inh * s.I_inh[i]
    s.v[i] = v if s.refractory[i] == 0.0 else p.V_reset


def step_shunted(i, t, s, p):
    """(2)."""
    g_exc = s.g_exc[i]
    g_inh = s.g_inh[i]
    total = 1.0 + g_exc + g_inh
    target = (p.rest + g_exc * p.E_exc + g_inh * p.E_inh) / total
    v = target + exp(-p.dt_by_tau * total) * (s.v[i] - target)
    s.v[i] = v if s.refractory[i] == 0.0 else p.V_reset


def step_threshold(i, t, s, p):
    """Flag spikes, reset, and count the refractory period down."""
    is_free = s.refractory[i] == 0.0
    fires = is_free and s.v[i] > p.threshold
    left = 0.0 if is_free else s.refractory[i] - 1.0
    s.v[i] = p.V_reset if fires else s.v[i]
    s.refractory[i] = p.refractory_steps if fires else left
    s.spike[i] = 1 if fires else 0


def step_currents(i, t, s, p):
    """Decay of the currents of (1)."""
    I_exc = p.decay_exc * s.I_exc[i]
    I_inh = p.decay_inh * s.I_inh[i]
    s.I_exc[i] = I_exc if abs(I_exc) > TINY else 0.0
    s.I_inh[i] = I_inh if abs(I_inh) > TINY else 0.0


def step_conductances(i, t, s, p):
    """Decay of the conductances of (2)."""
    g_exc = p.decay_exc * s.g_exc[i]
    g_inh = p.decay_inh * s.g_inh[i]
    s.g_exc[i] = g_exc if g_exc > TINY else 0.0
    s.g_inh[i] = g_inh if g_inh > TINY else 0.0
