"""The equations of the two-compartment neurons that burst, and the bodies that apply them.

Soma (s) and dendrite (d) of a pyramidal cell (Naud & Sprekeler 2018; Payeur et al. 2021):

    C_s dV_s/dt = C_s/tau_s (E_L - V_s + S_s) + g_s f(V_d) - b_s w_s + I_s                       (1)
    C_d dV_d/dt = C_d/tau_d (E_L - V_d + S_d) + g_d f(V_d) - a_d w_d + zeta K + I_d              (2)
    f(V) = 1 / (1 + exp(-(V - E_d) / D_d))                 regenerative activity of the dendrite (3)
    dw_s/dt = -w_s / tau_ws,     tau_wd dw_d/dt = V_d - E_L - w_d                                (4)
    tau_theta dtheta/dt = theta_0 - theta                                                        (5)

A spike is emitted when V_s > theta: V_s <- E_L, theta <- theta + 2 mV, w_s <- w_s + 1, and K = 1
for the next 2 ms, in which the spike propagates back into the dendrite. Synapses are conductances
in units of the leak,

    S = g_exc (E_exc - V) + g_inh (E_inh - V),     dg/dt = -g / tau                              (6)

In the authors' program, V in (6) is the voltage of the soma in both compartments. The parameter
`local_driving_force` makes it that of the dendrite itself in (2).

The simplified neuron of the article's exclusive-or task has no f and no K in (1) and (2). After an
event, V_s > theta, it is refractory for 20 ms. With probability f(V_d), a second spike follows
after 5 to 15 ms, and the refractory period begins again.                                        (7)

Forward Euler, in the order of the authors' program: first currents I, then the compartments from
the voltages so far, then conductances, adaptation and threshold, then the test for a spike.
"""

from __future__ import annotations

from math import exp

from spikesim.kernels.chance import philox, uniform
from spikesim.kernels.functions import real

TINY = 1e-20  # smaller conductances and adaptation become 0: denormal numbers are slow

# ---------------------------------------------------------------------------- the equations


def activity(V, E_d, D_d):
    """f of (3)."""
    return 1.0 / (1.0 + exp((E_d - V) / D_d))


def synaptic(g_exc, g_inh, V, p):
    """S of (6), in mV."""
    return g_exc * (p.E_exc - V) + g_inh * (p.E_inh - V)


def decayed(g, decay):
    """What is left of a variable after a step of exact decay."""
    g = decay * g
    return 0.0 if abs(g) <= TINY else g


# ------------------------------------------------------------- bodies over neurons, in this order


def step_currents(i, t, s, p):
    """I of (1) and (2)."""
    s.V_s[i] += p.dt_by_C_s * s.I_s[i]
    s.V_d[i] += p.dt_by_C_d * s.I_d[i]


def step_activity(i, t, s, p):
    """(3), from the dendrite's voltage so far, for both compartments."""
    s.f[i] = activity(s.V_d[i], p.E_d, p.D_d)


def step_dendrite(i, t, s, p):
    """(2), before the soma changes."""
    V = s.V_d[i] if p.local_driving_force == 1 else s.V_s[i]
    S = synaptic(s.g_exc_d[i], s.g_inh_d[i], V, p)
    K = 1.0 if s.K[i] > 0.0 else 0.0
    current = p.g_d * s.f[i] - p.a_d * s.w_d[i] + p.zeta * K
    s.V_d[i] += p.dt_by_tau_d * (p.E_L - s.V_d[i] + S) + p.dt_by_C_d * current


def step_soma(i, t, s, p):
    """(1)."""
    S = synaptic(s.g_exc_s[i], s.g_inh_s[i], s.V_s[i], p)
    current = p.g_s * s.f[i] - p.b_s * s.w_s[i]
    s.V_s[i] += p.dt_by_tau_s * (p.E_L - s.V_s[i] + S) + p.dt_by_C_s * current


def step_passive_dendrite(i, t, s, p):
    """(2) without f and K."""
    V = s.V_d[i] if p.local_driving_force == 1 else s.V_s[i]
    S = synaptic(s.g_exc_d[i], s.g_inh_d[i], V, p)
    s.V_d[i] += p.dt_by_tau_d * (p.E_L - s.V_d[i] + S) - p.dt_by_C_d * (p.a_d * s.w_d[i])


def step_passive_soma(i, t, s, p):
    """(1) without f."""
    S = synaptic(s.g_exc_s[i], s.g_inh_s[i], s.V_s[i], p)
    s.V_s[i] += p.dt_by_tau_s * (p.E_L - s.V_s[i] + S) - p.dt_by_C_s * (p.b_s * s.w_s[i])


def step_conductances(i, t, s, p):
    """(6)."""
    s.g_exc_s[i] = decayed(s.g_exc_s[i], p.decay_exc)
    s.g_inh_s[i] = decayed(s.g_inh_s[i], p.decay_inh)
    s.g_exc_d[i] = decayed(s.g_exc_d[i], p.decay_exc)
    s.g_inh_d[i] = decayed(s.g_inh_d[i], p.decay_inh)


def step_adaptation(i, t, s, p):
    """(4) and (5)."""
    s.w_s[i] = decayed(s.w_s[i], p.decay_ws)
    s.w_d[i] += p.dt_by_tau_wd * (s.V_d[i] - p.E_L - s.w_d[i])
    s.theta[i] += p.dt_by_tau_theta * (p.theta_0 - s.theta[i])


def step_threshold(i, t, s, p):
    """Flag spikes, and count down the steps for which K = 1."""
    s.spike[i] = 1 if s.V_s[i] > s.theta[i] else 0
    s.K[i] = s.K[i] - 1.0 if s.K[i] > 0.0 else 0.0


def step_refractory_threshold(i, t, s, p):
    """Flag events; flag second spikes when the refractory period has run down to them."""
    left = s.refractory[i] - 1.0 if s.refractory[i] > 0.0 else 0.0
    is_event = left == 0.0 and s.V_s[i] > s.theta[i]
    s.spike[i] = 1 if is_event or left == s.second[i] else 0
    s.refractory[i] = left


# ----------------------------------------------------------------------------- bodies over spikes


def reset(i, s, p):
    """The effect of a spike on the soma."""
    s.V_s[i] = p.E_L
    s.theta[i] += p.theta_jump
    s.w_s[i] += 1.0


def spike(a, t, s, p):
    """The spike of a neuron with an active dendrite."""
    i = s.ids[t % s.ids.shape[0], a]
    reset(i, s, p)
    s.K[i] = p.K_steps


def spike_or_burst(a, t, s, p):
    """(7): an event, which may be followed by a second spike, or that second spike.

    ``second`` is how much of the refractory period is left when the second spike comes; -1 if there
    is none.
    """
    i = s.ids[t % s.ids.shape[0], a]
    if s.refractory[i] == 0.0:
        reset(i, s, p)
        w0, w1, _, _ = philox(int(i), t, t >> 32, p.stream, p.seed_low, p.seed_high)
        if uniform(w0) < activity(s.V_d[i], p.E_d, p.D_d):
            wait = int(p.second_after + uniform(w1) * p.second_within)
            s.second[i] = p.refractory_steps - real(wait)
    else:
        s.second[i] = -1.0
    s.refractory[i] = p.refractory_steps
