"""The exponential integrate-and-fire neuron (Fourcaud-Trocme et al. 2003, J. Neurosci. 23:11628).

    tau dv/dt = E_L - v + Delta_T exp((v - V_T) / Delta_T) + I + S                               (1)
    S = g_exc (E_exc - v) + g_inh (E_inh - v),     dg/dt = -g / tau                              (2)

Units are mV and ms; conductances are in units of the leak. When v reaches V_peak there is a spike:
v is held at V_reset for the refractory period, while synapses are still integrated.

v relaxes to a target, exactly for a constant exponential. For the first half of a step, the
exponential is computed from v at its start; for the whole step, from v in its middle. The error is
of order dt^2 between spikes, and spike times are accurate to dt. (2) is exact.
"""

from __future__ import annotations

from math import exp

__all__ = ["step_membrane", "step_spike"]


def membrane(v, at, g_exc, g_inh, current, time, p):
    """(1) after some time with the upstroke of the voltage `at`; an overshoot is cut off."""
    total = 1.0 + g_exc + g_inh
    upstroke = p.Delta_T * exp((at - p.V_T) / p.Delta_T)
    target = (p.E_L + upstroke + current + g_exc * p.E_exc + g_inh * p.E_inh) / total
    return min(target + (v - target) * exp(-time * total / p.tau), p.V_peak)


def step_membrane(i, t, s, p):
    """(1): first to the middle of the step, then, with its values, over all of it."""
    v, current = s.v[i], s.I[i]
    g_exc, g_inh = s.g_exc[i], s.g_inh[i]
    u = membrane(v, v, g_exc, g_inh, current, 0.5 * p.dt, p)
    g_exc, g_inh = p.half_decay_exc * g_exc, p.half_decay_inh * g_inh
    u = membrane(v, u, g_exc, g_inh, current, p.dt, p)
    s.v[i] = u if s.refractory[i] == 0.0 else p.V_reset


def step_spike(i, t, s, p):
    """Flag spikes, reset, and count the refractory period down."""
    is_free = s.refractory[i] == 0.0
    fires = is_free and s.v[i] >= p.V_peak
    left = 0.0 if is_free else s.refractory[i] - 1.0
    s.v[i] = p.V_reset if fires else s.v[i]
    s.refractory[i] = p.refractory_steps if fires else left
    s.spike[i] = 1 if fires else 0
