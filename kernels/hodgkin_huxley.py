"""The membrane of the squid's giant axon (Hodgkin & Huxley 1952, J. Physiol. 117:500).

    C dv/dt = g_Na m^3 h (E_Na - v) + g_K n^4 (E_K - v) + g_L (E_L - v) + S + I                  (1)
    dx/dt = alpha_x(v) (1 - x) - beta_x(v) x                         for x = m, h and n          (2)

    alpha_n = 0.01 (v + 55) / (1 - exp(-(v + 55) / 10)),   beta_n = 0.125 exp(-(v + 65) / 80)    (3)
    alpha_m = 0.1 (v + 40) / (1 - exp(-(v + 40) / 10)),    beta_m = 4 exp(-(v + 65) / 18)        (4)
    alpha_h = 0.07 exp(-(v + 65) / 20),             beta_h = 1 / (1 + exp(-(v + 35) / 10))       (5)

    S = g_exc (E_exc - v) + g_inh (E_inh - v),     dg/dt = -g / tau                              (6)

v is in mV with today's sign, inside minus outside, so that rest is at -65 mV. (The article uses
the depolarization V = -65 - v.) t is in ms, rates in 1/ms, conductances in mS/cm^2, I in uA/cm^2, C
in uF/cm^2. When v crosses the threshold upwards there is a spike; nothing is reset. The variable n
is called n_K, as the n of a population is its size.

Each equation of (1) and (2) is linear in its own variable, which relaxes to a target at a rate,
exactly if both are constant. For the first half of a step, they are computed from the variables at
its start; for the whole step, from those in its middle. The error is of order dt^2, and the
solution is stable for any dt. (6) is exact.
"""

from __future__ import annotations

from math import exp, expm1

__all__ = ["alpha_h", "alpha_m", "alpha_n", "beta_h", "beta_m", "beta_n", "step_membrane"]


def opening(x):
    """x / (1 - exp(-x)), which is 1 at x = 0."""
    return 1.0 if x == 0.0 else x / -expm1(-x)


def alpha_n(v):
    """(3)."""
    return 0.1 * opening((v + 55.0) / 10.0)


def beta_n(v):
    """(3)."""
    return 0.125 * exp(-(v + 65.0) / 80.0)


def alpha_m(v):
    """(4)."""
    return opening((v + 40.0) / 10.0)


def beta_m(v):
    """(4)."""
    return 4.0 * exp(-(v + 65.0) / 18.0)


def alpha_h(v):
    """(5)."""
    return 0.07 * exp(-(v + 65.0) / 20.0)


def beta_h(v):
    """(5)."""
    return 1.0 / (1.0 + exp(-(v + 35.0) / 10.0))


def gate(x, alpha, beta, time):
    """(2) after some time with constant rates."""
    target = alpha / (alpha + beta)
    return target + (x - target) * exp(-time * (alpha + beta))


def membrane(v, m, h, n, g_exc, g_inh, current, time, p):
    """(1) after some time with constant conductances."""
    g_Na = p.g_Na * m**3 * h
    g_K = p.g_K * n**4
    total = g_Na + g_K + p.g_L + g_exc + g_inh
    driven = g_Na * p.E_Na + g_K * p.E_K + p.g_L * p.E_L + current
    driven = driven + g_exc * p.E_exc + g_inh * p.E_inh
    target = driven / total
    return target + (v - target) * exp(-time * total / p.C)


def step_membrane(i, t, s, p):
    """(1) and (2): first to the middle of the step, then, with its values, over all of it."""
    v, m, h, n = s.v[i], s.m[i], s.h[i], s.n_K[i]
    g_exc, g_inh, current = s.g_exc[i], s.g_inh[i], s.I[i]
    half = 0.5 * p.dt
    u = membrane(v, m, h, n, g_exc, g_inh, current, half, p)
    m_u = gate(m, alpha_m(v), beta_m(v), half)
    h_u = gate(h, alpha_h(v), beta_h(v), half)
    n_u = gate(n, alpha_n(v), beta_n(v), half)
    g_exc, g_inh = p.half_decay_exc * g_exc, p.half_decay_inh * g_inh
    s.v[i] = membrane(v, m_u, h_u, n_u, g_exc, g_inh, current, p.dt, p)
    s.m[i] = gate(m, alpha_m(u), beta_m(u), p.dt)
    s.h[i] = gate(h, alpha_h(u), beta_h(u), p.dt)
    s.n_K[i] = gate(n, alpha_n(u), beta_n(u), p.dt)
    s.spike[i] = 1 if v < p.threshold and s.v[i] >= p.threshold else 0
