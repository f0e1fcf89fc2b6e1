"""The equations of the cerebellum as an adaptive filter, and the bodies that apply them.

Fujita (1982), Dean, Porrill & Stone (2002), Porrill, Dean & Stone (2004). Times are in ms, rates of
learning in 1/s. In each step of dt, from the head velocity h, the eye muscles' command m, and the
state x of the plant, P(s) = s / (s + 1/T_p), which makes the eye velocity v of the command:

    z = sum_i w_i p_i   (of N spiking cells: / N)                                             (1)
    m = B (h + z)  recurrent,   m = B h + z  forward,   m = h  forward model                  (2)
    v = m - x,     x <- k_x x + (1 - k_x) m,   k_x = exp(-dt/T_p)                             (3)
    e = G h - v + n   slip on the retina;   e = v + n - z   forward model                     (4)

n is what else moves the world. Mossy fibres carry u: m or, in the forward architecture, h. A
granule cell filters it, in one stage or two, and p is what the Purkinje cell sees:

    y <- k_y y + (1 - k_y) u + k (q - u),   q <- k_q q + (1 - k_q) u,   p = y                 (5)

with k_q = exp(-dt/rise), k_y = exp(-dt/tau) and k = (k_q - k_y) rise / (rise - tau), which is exact
for an input that rests within a step. Without a rise, k = 0.

A spiking granule cell, an on or an off cell by the sign of c, fires at r_0 max(0, 1 + c y), at most
once in a step. Its parallel fibre filters the spikes s, relative to the rate at rest:

    p <- k_f p + (1 - k_f) (s / (r_0 dt) - 1),   k_f = exp(-dt/tau_f)                         (6)

The error arrives after a time d. Eligibility holds p back by d_e; with d_e = d the two belong
together again. The decorrelation rule, with n granule cells, is

    w_i <- w_i + beta dt e(t - d) p_i(t - d_e) / (eps + |p(t - d_e)|^2 / n) - lambda dt w_i   (7)

without the division if it is not `normalised`. In the place of e(t - d) there may be M climbing
fibres, each with a rate of max(0, c_0 + c_1 e(t - d)):

    e(t - d) := (spikes / (M dt) - c_0) / c_1                                                 (8)

Everything in a step is read before (3), (5) and (6) change it: p of step t holds u up to t - 1.
"""

from math import exp

import numpy as np

from spikesim import Neuron, Variable
from spikesim.kernels.functions import real
from spikesim.kernels.signals import is_given, replay

TINY = 1e-9  # ms; a rise that takes no time
RECURRENT, FORWARD, FORWARD_MODEL = range(3)

# ------------------------------------------------------------------------ bodies


def mossy(i, t, s, p):
    """(5), over granule cells."""
    u = s.u[0]
    s.y[i] = s.keep_y[i] * s.y[i] + (1.0 - s.keep_y[i]) * u + s.mixed[i] * (s.q[i] - u)
    s.q[i] = s.keep_q[i] * s.q[i] + (1.0 - s.keep_q[i]) * u


def parallel(i, t, s, p):
    """The p of (5)."""
    s.p[i] = s.y[i]


def fire(i, t, s, p):
    """The spike s of (6); a rate below 0 is one of 0, as no number is below it."""
    s.spike[i] = 1 if s.uniform[i] < p.expected * (1.0 + s.c[i] * s.y[i]) else 0


def climb(i, t, s, p):
    """A climbing fibre of (8)."""
    kept = s.e.shape[0]
    rate = max(0.0, s.c_0[0] + s.c_1[0] * s.e[(t + kept - int(s.late[0])) % kept])
    s.spike[i] = 1 if s.uniform[i] < rate * p.seconds else 0


def follow(i, t, s, p):
    """The parallel fibre of (6)."""
    s.p[i] = p.keep_f * s.p[i] + (1.0 - p.keep_f) * (real(s.spike[i]) * p.each - 1.0)


def hold(_, t, s, p):
    """p of this step, for (1) now and for (7) later."""
    now, row = t % s.held.shape[0], t % s.given.shape[0]
    if s.is_given[0] == 1:
        for i in range(s.p.shape[0]):
            s.held[now, i] = s.given[row, i]
    else:
        for i in range(s.p.shape[0]):
            s.held[now, i] = s.p[i]


def respond(_, t, s, p):
    """(1) to (4)."""
    k, now = t % s.e.shape[0], t % s.held.shape[0]
    h, z, square = s.h[k], 0.0, 0.0
    for i in range(s.w.shape[0]):
        z += s.w[i] * s.held[now, i]
        square += s.held[now, i] * s.held[now, i]
    z = z / p.many
    m = h
    if p.architecture == RECURRENT:
        m = p.B * (h + z)
    elif p.architecture == FORWARD:
        m = p.B * h + z
    v = m - s.x[0]
    s.x[0] = p.keep_x * s.x[0] + (1.0 - p.keep_x) * m
    s.e[k] = v + s.n[k] - z if p.architecture == FORWARD_MODEL else p.G * h - v + s.n[k]
    s.u[0] = h if p.architecture == FORWARD else m
    s.z[k], s.m[k], s.v[k] = z, m, v
    s.square[now] = square


def feel(_, t, s, p):
    """The error that arrives."""
    kept = s.e.shape[0]
    s.felt[0] = s.e[(t + kept - p.late) % kept]


def hear(_, t, s, p):
    """(8)."""
    spikes = 0.0
    for i in range(s.spike.shape[0]):
        spikes += real(s.spike[i])
    s.felt[0] = (spikes / (real(s.spike.shape[0]) * p.seconds) - p.c_0) / p.c_1


def decorrelate(_, t, s, p):
    """(7)."""
    n, then = s.w.shape[0], (t + 1) % s.held.shape[0]
    activity = p.eps + s.square[then] / real(n) if p.is_normalised == 1 else 1.0
    e = p.learns * p.seconds * p.beta * s.felt[0] / activity
    lost = p.learns * p.seconds * p.leak
    for i in range(n):
        s.delta[i] += e * s.held[then, i] - lost * s.w[i]
    if (t + 1) % p.batch == 0:
        for i in range(n):
            s.w[i] += s.delta[i]
            s.delta[i] = 0.0


def filters(rise, tau, dt):
    """k_q, k_y and k of (5)."""
    keep_q, keep_y = np.exp(-dt / np.maximum(rise, TINY)), np.exp(-dt / tau)
    return keep_q, keep_y, (keep_q - keep_y) * rise / (rise - tau)


def _granule_constants(p, dt):
    expected = p["r_0"] * dt / 1000.0
    return {"expected": expected, "each": 1.0 / expected, "keep_f": exp(-dt / p["tau_f"])}


def _fibre_constants(p, dt):
    return {"seconds": dt / 1000.0}


FILTERED = {
    "q": Variable(0.0, "", "first stage"),
    "y": Variable(0.0, "", "mossy input, filtered"),
    "p": Variable(0.0, "", "what the Purkinje cell sees"),
}
Analytic = Neuron([mossy, parallel], FILTERED, most_spikes=0, name="Analytic granule cell")
Spiking = Neuron(
    [mossy, fire, (replay, is_given), follow],
    {**FILTERED, "c": Variable(0.0, "", "how y modulates the rate")},
    {"tau_f": 20.0, "r_0": 40.0},
    _granule_constants,
    stochastic=True,
    name="Spiking granule cell",
)
ClimbingFibre = Neuron(
    [climb, (replay, is_given)], constants=_fibre_constants, stochastic=True, name="Climbing fibre"
)
