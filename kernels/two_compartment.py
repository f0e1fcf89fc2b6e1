"""A pyramidal neuron with two compartments and dendritic plateaus (Naud & Sprekeler 2018).

Proc. Natl. Acad. Sci. 115:E6329. Soma (v) and dendrite (v_d):

    C dv/dt = C/tau (E_L - v + S) + g_s f(v_d) - w + I                                           (1)
    C_d dv_d/dt = C_d/tau_d (E_L - v_d + S_d) + g_d f(v_d) - w_d + zeta K + I_d                  (2)
    f(v_d) = 1 / (1 + exp(-(v_d - E_d) / D_d))             regenerative activity of the dendrite (3)
    tau_w dw/dt = -w,     tau_wd dw_d/dt = a_d (v_d - E_L) - w_d                                 (4)
    S = g_exc (E_exc - v) + g_inh (E_inh - v),     dg/dt = -g / tau                              (5)

v > threshold is a spike: w <- w + b, v is held at V_reset for the refractory period, and K is 1 for
the next K_duration, while the spike propagates back into the dendrite. Synapses onto a compartment
are conductances in units of its leak, driven by its own voltage. Voltages are in mV,
currents and w in pA, capacitances in pF, a_d in nS.

Each variable relaxes to a target at a rate, exactly if both are constant. For the first half of a
step, they are computed from the variables at its start; for the whole step, from those in its
middle. The error is of order dt^2 between spikes, and spike times are accurate to dt. (5) is exact.
"""

from __future__ import annotations

from math import exp

__all__ = ["step_conductances", "step_membranes", "step_spike"]

TINY = 1e-20  # smaller conductances and adaptation become 0: denormal numbers are slow


def activity(v_d, p):
    """(3)."""
    return 1.0 / (1.0 + exp((p.E_d - v_d) / p.D_d))


def compartment(v, g_exc, g_inh, current, tau, time, p):
    """(1) or (2) after some time with a constant current, given as the voltage that it causes."""
    total = 1.0 + g_exc + g_inh
    target = (p.E_L + current + g_exc * p.E_exc + g_inh * p.E_inh) / total
    return target + (v - target) * exp(-time * total / tau)


def dendritic(w_d, v_d, decay, p):
    """(4) for the dendrite after a step, or half of one, at a voltage."""
    target = p.a_d * (v_d - p.E_L)
    return target + decay * (w_d - target)


def step_membranes(i, t, s, p):
    """(1) to (4): first to the middle of the step, then, with its values, over all of it."""
    v, v_d, w, w_d = s.v[i], s.v_d[i], s.w[i], s.w_d[i]
    K = 1.0 if s.K[i] > 0.0 else 0.0
    half = 0.5 * p.dt

    f = activity(v_d, p)
    dendrite = p.R_d * (p.g_d * f - w_d + p.zeta * K + s.I_d[i])
    u_d = compartment(v_d, s.g_exc_d[i], s.g_inh_d[i], dendrite, p.tau_d, half, p)
    w_u = p.half_decay_w * w
    w_d_u = dendritic(w_d, v_d, p.half_decay_wd, p)

    f = activity(u_d, p)
    soma = p.R * (p.g_s * f - w_u + s.I[i])
    dendrite = p.R_d * (p.g_d * f - w_d_u + p.zeta * K + s.I_d[i])
    g_exc, g_inh = p.half_decay_exc * s.g_exc[i], p.half_decay_inh * s.g_inh[i]
    u = compartment(v, g_exc, g_inh, soma, p.tau, p.dt, p)
    g_exc, g_inh = p.half_decay_exc * s.g_exc_d[i], p.half_decay_inh * s.g_inh_d[i]
    s.v_d[i] = compartment(v_d, g_exc, g_inh, dendrite, p.tau_d, p.dt, p)
    s.v[i] = u if s.refractory[i] == 0.0 else p.V_reset
    w = p.decay_w * w
    s.w[i] = 0.0 if abs(w) <= TINY else w
    s.w_d[i] = dendritic(w_d, u_d, p.decay_wd, p)


def step_spike(i, t, s, p):
    """Flag spikes, reset, adapt, and count the refractory period and K down."""
    is_free = s.refractory[i] == 0.0
    fires = is_free and s.v[i] > p.threshold
    left = 0.0 if is_free else s.refractory[i] - 1.0
    s.v[i] = p.V_reset if fires else s.v[i]
    s.w[i] = s.w[i] + p.b if fires else s.w[i]
    s.refractory[i] = p.refractory_steps if fires else left
    s.K[i] = p.K_steps if fires else max(s.K[i] - 1.0, 0.0)
    s.spike[i] = 1 if fires else 0


def step_conductances(i, t, s, p):
    """(5) for the dendrite; the soma uses the body of other neurons."""
    g_exc = p.decay_exc * s.g_exc_d[i]
    g_inh = p.decay_inh * s.g_inh_d[i]
    s.g_exc_d[i] = 0.0 if abs(g_exc) <= TINY else g_exc
    s.g_inh_d[i] = 0.0 if abs(g_inh) <= TINY else g_inh
