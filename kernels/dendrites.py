"""Cells with dendrites and rates phi(u), whose dendrites predict them: cortical microcircuits.

Pyramidal cells have a soma u, a basal dendrite v_B and an apical dendrite v_A; SST cells have a
soma uI and a dendrite vI. Somata move in Euler steps, or stand at once where their inputs would
take them. Conductances g are in 1/ms, dt is in ms.
"""

from __future__ import annotations

from math import log1p

from spikesim.kernels.dense import multiply
from spikesim.kernels.functions import exp, sigmoid
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import FIRST, PHASE, SECOND, STARTED, TOGO, TRIAL

__all__ = [
    "ACTIVATIONS",
    "apical",
    "at_very_start",
    "compare",
    "copy_scaled",
    "copy_scaled_bias",
    "emit",
    "feed_forward",
    "follow",
    "in_window",
    "jolt",
    "measure",
    "mirror",
    "move",
    "move_interneuron",
    "move_output",
    "output_signal",
    "phi",
    "rest",
    "set_goal",
    "settle",
    "teach",
    "unlagged",
]


ACTIVATIONS = {  # but for logistic: height ln(1 + exp(u - shift))
    "logistic": {"softplus": 0, "height": 1.0, "shift": 0.0},
    "softplus": {"softplus": 1, "height": 1.0, "shift": 0.0},
    "regression": {"softplus": 1, "height": 0.1, "shift": 3.0},
}


LEAST = 1e-30
"""Of filtered inputs: numbers that are too small for their type to be normal slow all products."""


def phi(u, p):
    """The rate at a somatic potential."""
    if p.softplus == 1:
        x = u - p.shift
        return p.height * (max(x, 0.0) + log1p(exp(-abs(x))))
    return sigmoid(u)


# ----------------------------------------------------------------------------- when


def unlagged(s, p):
    """Whether the phase is older than its first `lag_steps` steps."""
    return s.length[s.clock[TRIAL], s.clock[PHASE]] - s.clock[TOGO] > p.lag_steps


def in_window(s, p):
    return s.clock[TOGO] < p.window


def at_very_start(s, p):
    """Whether this is the first step of the first trial of all."""
    return s.begun[0] + s.clock[TRIAL] == 0 and s.clock[STARTED] == 1


# ----------------------------------------------------------------------------- inputs


def set_goal(j, t, s, p):
    """The potential that a target from 0 to 1 stands for."""
    s.goal[j] = p.low + (p.high - p.low) * s.target[j]


def follow(j, t, s, p):
    """y follows x by a share of their difference; where x is 0, y ends at 0."""
    y = (1.0 - p.share) * s.y[j] + p.share * s.x[j]
    s.y[j] = y if abs(y) > LEAST else 0.0


def apical(c, t, s, p):
    """v_A = r_above Y + rI_above P, for a block of units; v_Y is its first part.

    delta_P, which P learns from, brings v_A back to 0.
    """
    first, last = bounds(c, s.v_A.shape[0], p)
    for j in range(first, last):
        s.v_Y[j] = 0.0
        s.v_A[j] = 0.0
    multiply(s.r_above, s.Y, s.v_Y, first, last)
    multiply(s.rI_above, s.P, s.v_A, first, last)
    for j in range(first, last):
        s.v_A[j] = s.v_Y[j] + s.v_A[j]
        s.delta_P[j] = -s.v_A[j]


# ----------------------------------------------------------------------------- somata, in time


def emit(j, t, s, p):
    s.rate[j] = phi(s.u[j], p)


def move(j, t, s, p):
    """du/dt = -g_l u + g_B (v_B - u) + g_A (v_A - u)."""
    u = s.u[j]
    s.u[j] = u + p.dt * (-p.g_l * u + p.g_B * (s.v_B[j] - u) + p.g_A * (s.v_A[j] - u))


def move_interneuron(j, t, s, p):
    """duI/dt = -g_l uI + g_D (vI - uI) + g_som (u - uI)."""
    u = s.uI[j]
    s.uI[j] = u + p.dt * (-p.g_l * u + p.g_D * (s.vI[j] - u) + p.g_som * (s.u[j] - u))


def move_output(j, t, s, p):
    """du/dt = -g_l u + g_B (v_B - u), and + g_som (u_target - u) in the second phase."""
    u = s.u[j]
    taught = p.g_som * (s.u_target[j] - u) if s.clock[PHASE] == SECOND else 0.0
    s.u[j] = u + p.dt * (-p.g_l * u + p.g_B * (s.v_B[j] - u) + taught)


def jolt(j, t, s, p):
    """Add this step's noise."""
    step = s.length[s.clock[TRIAL], s.clock[PHASE]] - 1 - s.clock[TOGO]
    s.u[j] = s.u[j] + p.jolted * s.noise[s.clock[TRIAL], step, j]


# ----------------------------------------------------------------------------- somata, at once


def rest(j, t, s, p):
    s.v_A[j] = 0.0


def settle(j, t, s, p):
    """u = a v_B + lambda v_A."""
    s.u[j] = p.a * s.v_B[j] + p.mixed * s.v_A[j]
    s.r[j] = phi(s.u[j], p)


def teach(j, t, s, p):
    """u = a v_B, or (1 - lambda) a v_B + lambda u_target in the second phase."""
    s.u[j] = p.a * s.v_B[j]
    if s.clock[PHASE] == SECOND:
        s.u[j] = (1.0 - p.mixed) * s.u[j] + p.mixed * s.goal[j]
    s.r[j] = phi(s.u[j], p)


def mirror(j, t, s, p):
    """uI = (1 - lambda_I) a_I vI + lambda_I u."""
    s.uI[j] = (1.0 - p.mixed_I) * p.a_I * s.vI[j] + p.mixed_I * s.u[j]
    s.rI[j] = phi(s.uI[j], p)


# ----------------------------------------------------------------------------- what is learned from


def compare(j, t, s, p):
    """The difference between a rate and what a dendrite, through its attenuation, predicts."""
    s.error[j] = s.rate[j] - phi(p.through * s.dendrite[j], p)


def copy_scaled(i, t, s, p):
    """M = ratio F, for row i: weights with which a circuit predicts itself."""
    for j in range(s.M.shape[1]):
        s.M[i, j] = p.ratio * s.F[i, j]


def copy_scaled_bias(j, t, s, p):
    s.M[j] = p.ratio * s.F[j]


def feed_forward(j, t, s, p):
    """u = a v_B, its rate, and phi' times the attenuation of the layer above."""
    s.u_bp[j] = p.a * s.v_B_bp[j]
    s.r_bp[j] = phi(s.u_bp[j], p)
    slope = s.r_bp[j] * (1.0 - s.r_bp[j])
    if p.softplus == 1:
        slope = p.height * sigmoid(s.u_bp[j] - p.shift)
    s.slope[j] = p.a_above * slope


def output_signal(j, t, s, p):
    """phi'(u) (u_target - u)."""
    s.delta_bp[j] = s.slope[j] * (s.goal[j] - s.u_bp[j])


def measure(_, t, s, p):
    """|v_A|^2 of a layer, and |u - uI|^2 of the layer above and the SST cells that mirror it.

    v_A_free is v_A without a target.
    """
    apical_square = 0.0
    for j in range(s.v_A.shape[0]):
        apical_square += s.v_A[j] * s.v_A[j]
        if s.clock[PHASE] == FIRST:
            s.v_A_free[j] = s.v_A[j]
    mismatch = 0.0
    for k in range(s.uI_above.shape[0]):
        mismatch += (s.u_above[k] - s.uI_above[k]) * (s.u_above[k] - s.uI_above[k])
    s.apical[s.clock[TRIAL], p.layer - 1] = apical_square
    s.mismatch[s.clock[TRIAL], p.layer - 1] = mismatch
