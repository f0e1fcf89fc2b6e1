"""Leaky integrate-and-fire neurons with synapses of five kinds, exact where that is possible.

    tau dv/dt = E_L - v + I + S                                                                  (1)

v > threshold is a spike: v is held at V_reset for the refractory period, while the synapses are
still integrated. Except with (4), v is compared with the threshold at the end of a step, so the
next spike comes at the earliest after the refractory period and dt. S is

    I_exc + I_inh                                        currents, in mV,                        (2)
    g_exc (E_exc - v) + g_inh (E_inh - v)                conductances, in units of the leak,     (3)
    tau w delta(t - t_spike), summed over all spikes     jumps of v by the weight w, in mV.      (4)

After a spike of weight w a current or a conductance x is an exponential, w exp(-t / tau_x), or an
alpha function, w (t / tau_x) exp(1 - t / tau_x), which is w at its peak, at t = tau_x:

    tau_x dx/dt = -x,                                    x <- x + w                              (5)
    tau_x dx/dt = e rise - x,   tau_x drise/dt = -rise,  rise <- rise + w                        (6)

(5) and (6) are linear and advanced exactly, and so is v with (2): v of the next step is a sum of
the present v, I_x and rise_x. With (3), v relaxes exactly with the conductances at the start of the
step, which makes an error of order dt. With (4), the jump comes first, at the time t* that the step
stands for, and v is compared with the threshold right after it. A spike has the time t*. Arrivals
after it and before t* + refractory are lost; one at t* + refractory may cause the next spike. At
the end of the step v decays, exactly.
"""

from __future__ import annotations

from math import exp

__all__ = [
    "rest_with",
    "step_alpha_conductances",
    "step_alpha_currents",
    "step_alpha_driven",
    "step_conductances",
    "step_currents",
    "step_driven",
    "step_jumped",
    "step_rise",
    "step_shunted",
    "step_threshold",
]

TINY = 1e-20  # smaller numbers become 0: denormal ones are slow


def leak(v, p):
    """(1) without S."""
    above = p.decay * (v - p.rest)
    return p.rest + (0.0 if abs(above) <= TINY else above)


def rest_with(current, p):
    """What v of (1) relaxes to without S, where the input I may change in each step."""
    return p.E_L + current


def step_driven(i, t, s, p):
    """(1) with the exponential currents of (2)."""
    v = leak(s.v[i], p) + p.from_exc * s.I_exc[i] + p.from_inh * s.I_inh[i]
    s.v[i] = v if s.refractory[i] == 0.0 else p.V_reset


def step_alpha_driven(i, t, s, p):
    """(1) with (2), currents that are alpha functions."""
    v = leak(s.v[i], p) + p.from_exc * s.I_exc[i] + p.from_inh * s.I_inh[i]
    v = v + p.from_rise_exc * s.rise_exc[i] + p.from_rise_inh * s.rise_inh[i]
    s.v[i] = v if s.refractory[i] == 0.0 else p.V_reset


def step_shunted(i, t, s, p):
    """(1) with (3)."""
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


def step_jumped(i, t, s, p):
    """(1) with (4): the threshold, and then the leak; jumps in the refractory period are lost.

    ``refractory`` counts the steps for which v is still held, including this one.
    """
    left = s.refractory[i]
    v = s.v[i] if left == 0.0 else p.V_reset
    fires = v > p.threshold
    v = p.V_reset if fires else v
    left = p.refractory_steps if fires else left
    leaked = leak(v, p)  # inside the conditional it would become a branch
    s.v[i] = leaked if left == 0.0 else v
    s.refractory[i] = max(left - 1.0, 0.0)
    s.spike[i] = 1 if fires else 0


def step_currents(i, t, s, p):
    """(5) for currents."""
    I_exc = p.decay_exc * s.I_exc[i]
    I_inh = p.decay_inh * s.I_inh[i]
    s.I_exc[i] = 0.0 if abs(I_exc) <= TINY else I_exc
    s.I_inh[i] = 0.0 if abs(I_inh) <= TINY else I_inh


def step_conductances(i, t, s, p):
    """(5) for conductances."""
    g_exc = p.decay_exc * s.g_exc[i]
    g_inh = p.decay_inh * s.g_inh[i]
    s.g_exc[i] = 0.0 if abs(g_exc) <= TINY else g_exc
    s.g_inh[i] = 0.0 if abs(g_inh) <= TINY else g_inh


def step_alpha_currents(i, t, s, p):
    """(6) for currents; `step_rise` follows."""
    I_exc = p.decay_exc * s.I_exc[i] + p.gain_exc * s.rise_exc[i]
    I_inh = p.decay_inh * s.I_inh[i] + p.gain_inh * s.rise_inh[i]
    s.I_exc[i] = 0.0 if abs(I_exc) <= TINY else I_exc
    s.I_inh[i] = 0.0 if abs(I_inh) <= TINY else I_inh


def step_alpha_conductances(i, t, s, p):
    """(6) for conductances; `step_rise` follows."""
    g_exc = p.decay_exc * s.g_exc[i] + p.gain_exc * s.rise_exc[i]
    g_inh = p.decay_inh * s.g_inh[i] + p.gain_inh * s.rise_inh[i]
    s.g_exc[i] = 0.0 if abs(g_exc) <= TINY else g_exc
    s.g_inh[i] = 0.0 if abs(g_inh) <= TINY else g_inh


def step_rise(i, t, s, p):
    """The second equation of (6), for rise."""
    rise_exc = p.decay_exc * s.rise_exc[i]
    rise_inh = p.decay_inh * s.rise_inh[i]
    s.rise_exc[i] = 0.0 if abs(rise_exc) <= TINY else rise_exc
    s.rise_inh[i] = 0.0 if abs(rise_inh) <= TINY else rise_inh
