"""The adaptive exponential integrate-and-fire neuron with conductances (Brette & Gerstner 2005).

    C dv/dt = g_L (E_L - v + Delta_T exp((v - V_T) / Delta_T) + S) - w + I                       (1)
    S = g_exc (E_exc - v) + g_inh (E_inh - v),     dg/dt = -g / tau                              (2)
    tau_w dw/dt = a (v - E_L) - w                                                                (3)

v > V_peak is a spike: v <- V_reset, w <- w + b; v is then held at V_hold for the refractory period.
Synaptic conductances are in units of g_L. A step adds I first. It then takes a forward Euler step
of the rest of (1) and, after the spike, of (3); conductances decay exactly. When the time constant
of the synapses, C / (g_L (g_exc + g_inh)), is below dt, S would carry v beyond the voltage that
they pull it to; S then carries v to that voltage. v is cut off at V_least, which is far away unless
the user gives one. v is also cut off 20 mV above V_peak, but nobody sees a value above V_peak: the
same step resets or holds v.
"""

from __future__ import annotations

from math import exp

__all__ = ["step_adaptation", "step_conductances", "step_current", "step_membrane", "step_spike"]

TINY = 1e-20  # smaller conductances become 0: denormal numbers are slow


def step_current(i, t, s, p):
    """I of (1)."""
    s.v[i] += p.dt_by_C * s.I[i]


def step_membrane(i, t, s, p):
    """The rest of (1); an overshoot of the exponential is cut off."""
    v = s.v[i]
    S = s.g_exc[i] * (p.E_exc - v) + s.g_inh[i] * (p.E_inh - v)
    S = S / max(p.dt_by_tau * (s.g_exc[i] + s.g_inh[i]), 1.0)
    upstroke = p.Delta_T * exp((v - p.V_T) / p.Delta_T)
    v = v + p.dt_by_tau * (p.E_L - v + upstroke + S) - p.dt_by_C * s.w[i]
    s.v[i] = min(max(v, p.V_least), p.V_most)


def step_spike(i, t, s, p):
    """Flag spikes, reset, and hold the voltage."""
    is_free = s.refractory[i] == 0.0
    fires = is_free and s.v[i] > p.V_peak
    left = 0.0 if is_free else s.refractory[i] - 1.0
    held = s.v[i] if is_free else p.V_hold
    s.v[i] = p.V_reset if fires else held
    s.refractory[i] = p.refractory_steps if fires else left
    s.spike[i] = 1 if fires else 0


def step_adaptation(i, t, s, p):
    """(3), from the voltage after a reset."""
    w = s.w[i] + p.b if s.spike[i] > 0 else s.w[i]
    s.w[i] = w + p.dt_by_tau_w * (p.a * (s.v[i] - p.E_L) - w)


def step_conductances(i, t, s, p):
    """Decay of (2)."""
    g_exc = p.decay_exc * s.g_exc[i]
    g_inh = p.decay_inh * s.g_inh[i]
    s.g_exc[i] = 0.0 if abs(g_exc) <= TINY else g_exc
    s.g_inh[i] = 0.0 if abs(g_inh) <= TINY else g_inh
