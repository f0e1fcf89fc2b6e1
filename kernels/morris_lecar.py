"""The muscle fibre of the barnacle (Morris & Lecar 1981, Biophys. J. 35:193), with fast calcium.

    C dv/dt = g_Ca M(v) (E_Ca - v) + g_K w (E_K - v) + g_L (E_L - v) + S + I                     (1)
    dw/dt = (W(v) - w) / tau_w(v)                                                                (2)

    M(v) = (1 + tanh((v - V_1) / V_2)) / 2                                                       (3)
    W(v) = (1 + tanh((v - V_3) / V_4)) / 2,     tau_w(v) = 1 / (phi cosh((v - V_3) / (2 V_4)))   (4)

    S = g_exc (E_exc - v) + g_inh (E_inh - v),     dg/dt = -g / tau                              (5)

v is in mV, t in ms, conductances in mS/cm^2, I in uA/cm^2, C in uF/cm^2, phi in 1/ms. When v
crosses the threshold upwards there is a spike; nothing is reset.

Each variable relaxes to a target at a rate, exactly if both are constant. For the first half of a
step, they are computed from the variables at its start; for the whole step, from those in its
middle. The error is of order dt^2. (5) is exact.
"""

from __future__ import annotations

from math import cosh, exp, tanh

__all__ = ["step_membrane"]


def membrane(v, at, w, g_exc, g_inh, current, time, p):
    """(1) after some time with the conductances of the voltage `at`."""
    g_Ca = p.g_Ca * 0.5 * (1.0 + tanh((at - p.V_1) / p.V_2))
    g_K = p.g_K * w
    total = g_Ca + g_K + p.g_L + g_exc + g_inh
    driven = g_Ca * p.E_Ca + g_K * p.E_K + p.g_L * p.E_L + current
    driven = driven + g_exc * p.E_exc + g_inh * p.E_inh
    target = driven / total
    return target + (v - target) * exp(-time * total / p.C)


def potassium(w, v, time, p):
    """(2) after some time at a voltage."""
    target = 0.5 * (1.0 + tanh((v - p.V_3) / p.V_4))
    return target + (w - target) * exp(-time * p.phi * cosh((v - p.V_3) / (2.0 * p.V_4)))


def step_membrane(i, t, s, p):
    """(1) and (2): first to the middle of the step, then, with its values, over all of it."""
    v, w = s.v[i], s.w[i]
    g_exc, g_inh, current = s.g_exc[i], s.g_inh[i], s.I[i]
    u = membrane(v, v, w, g_exc, g_inh, current, 0.5 * p.dt, p)
    w_u = potassium(w, v, 0.5 * p.dt, p)
    g_exc, g_inh = p.half_decay_exc * g_exc, p.half_decay_inh * g_inh
    s.v[i] = membrane(v, u, w_u, g_exc, g_inh, current, p.dt, p)
    s.w[i] = potassium(w, u, p.dt, p)
    s.spike[i] = 1 if v < p.threshold and s.v[i] >= p.threshold else 0
