"""The equations of the burst-ensemble network, as the bodies of its step.

A unit is an ensemble of pyramidal neurons. Its basal input, from below, sets the rate h of its
events (single spikes or bursts). Its apical input, from above, sets the probability p that an event
is a burst. The unit sends its rate of bursts, beta, down. SST+ interneurons hold the apical
potential u in the range where p follows it. Layers are k = 1 ... K; layer K is the output and h_0
the image. All weights are written [pre, post]. Step t computes everything from the values of step
t - 1, except for the image: the first layer sees an image in the first step in which it is shown,
so h_0(t-1) is the image of step t.

    v_k(t)    = h_{k-1}(t-1) W_k + b_k                                                       (1)
    h_k(t)    = sigma(v_k(t));  of the output also max(v_K(t), 0)                            (2)
    u_k(t)    = f_{k+1}(t-1) Y_k - g_k(t-1) Z_k                                              (3)
    p_k(t)    = sigma(u_k(t));  of the output always p_0                                     (4)
    beta_k(t) = h_k(t) p_k(t)                                                                (5)

f is beta (talks), or beta times a gate (2018 code); g, the input of SST+ cells, is beta (talks) or
h (July 2018 code). With `apical_gate`, 1 - h_k(t-1) multiplies what comes from above (Payeur et al.
2021), so the change of beta_k has the factor h (1 - h) by itself. In step t*, and in no other, a
teacher nudges the output:

    h_K(t*) <- (1 - lambda) h_K(t*) + lambda target                                          (6)

The nudge changes the burst rate of layer k in step s_k = t* + K - k; the layer compares it to the
step before. The layer's loss is half the square of the difference, with beta_k(s_k) as the target.
The target is held constant; if it were differentiated, too, units would only learn to be silent:

    L_k     = |beta_k(s_k) - beta_k(s_k - 1)|^2 / 2                                          (7)
    delta_k = (beta_k(s_k) - beta_k(s_k - 1)) gate_k                                         (8)
    gate_k  = p_k h_k (1 - h_k) in step s_k - 1 (exact; of a rectified output p_0 if h_K > 0),
              or 1 where beta_k(s_k - 1) is within v of m, else 0 (boxcar; hidden layers)    (9)
    W_k    += alpha_k h_{k-1}^T delta_k,   b_k += alpha_k delta_k                           (10)

SST+ synapses learn to bring the apical potential to gamma, L_Z = |gamma - u|^2 / 2:

    Z_k    += alpha_Z g_k(s_k - 1)^T (u_k(s_k) - gamma)                                     (11)

Optionally, feedback synapses learn to make the largest potential that they can evoke, in units of
the mean inhibition, equal to u_range (April 2018 code):

    u_max   = (sum over sources |Y|) / mean(g Z)                                            (12)
    Y_k    += 2 alpha_Y (u_range - u_max) sign(Y) / mean(g Z)                               (13)

Or they learn as the weights that they mirror do, from the same two factors, in step s_k. With every
image, both forget the same fraction phi. So their initial values are lost and Y_k becomes
mu W_{k+1}^T (Kolen & Pollack 1994; Payeur et al. 2021):

    Y_k    <- (1 - phi) Y_k + mu alpha_{k+1} delta_{k+1}^T h_k
    W_k    <- (1 - phi) W_k + alpha_k h_{k-1}^T delta_k,  k > 1                             (14)

Backpropagation, as a control and for comparison, uses the same error at the output:

    delta_K = lambda p_0^2 (target - h_K) sigma'(v_K)                                       (15)
    delta_k = (W_{k+1} delta_{k+1}) h_k (1 - h_k)                                           (16)

The code of April 2018 shows the image in the same way. The code of July 2018 shows it to the first
layer a step later, but no weight differs for that (`form="july_2018"`): what (7) to (11) take is at
rest by the earliest nudge, in step K + 1 of that code and K of ours.

With a static image, h_k rests once the image has reached layer k. (9) and (10) may therefore take h
from any step between that and s_k. A step computes a product in (1) or (3) only if one of its
factors has changed.

Unless beta drives the SST+ cells, the network forgets what happened more than K steps ago. Then
only some steps of an image can reach a weight: the one in which the image arrives at a layer,
s_k - 1 and s_k. While a network learns without a recording, it skips the others (`p.sparing`).
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.dense import add_outer, multiply, row_product
from spikesim.kernels.functions import real, sigmoid, sqrt
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TOGO, TRIAL

__all__: list[str] = []

H, BETA, WEIGHTS, APICAL = range(4)
# Entries of a layer's `rests`. An entry is 1 if nothing changed in the last step: in h, in beta, in
# weights onto basal dendrites, in weights onto apical dendrites (from above and from SST+ cells).


# --------------------------------------------------------- when


def since_nudge(s):
    """Steps since the nudge: 0 in its step, negative before it."""
    if s.clock[PHASE] != SECOND:
        return -1
    return s.length[s.clock[TRIAL], SECOND] - 1 - s.clock[TOGO]


def at_nudge(s, p):
    """Step t*."""
    return since_nudge(s) == 0


def in_its_step(s, p):
    """Step s_k."""
    return since_nudge(s) == p.lag


def apical_due(s, p):
    """Whether (3) and (4) have to be computed; if sparing, only in steps s_k - 1 and s_k."""
    since = since_nudge(s)
    return p.sparing == 0 or since == p.lag or since == p.lag - 1


def somatic_due(s, p):
    """Whether (1) and (2) have to be computed; if sparing, when the image reaches this layer."""
    if p.sparing == 1:
        step = s.length[s.clock[TRIAL], FIRST] - 1 - s.clock[TOGO]
        return s.clock[PHASE] == FIRST and step == p.layer - 1
    return s.rests_below[H] == 0 or s.rests[WEIGHTS] == 0


# --------------------------------------------------------- the image


def show(_, t, s, p):
    """Take up the image and the target; list the pixels that are not black."""
    example = s.example[s.clock[TRIAL]]
    m = 0
    for i in range(s.x.shape[0]):
        s.x[i] = real(s.image[example, i]) * p.scale
        if s.image[example, i] != 0:
            s.lit[m] = i
            m += 1
    s.count[0] = m
    for j in range(s.target_output.shape[0]):
        s.target_output[j] = s.wanted[example, j]
    s.rests[H] = 0


def leave(_, t, s, p):
    """Note that the image does not change after its first step."""
    s.rests[H] = 1


def basal_from_image(c, t, s, p):
    """(1) for the first layer, from the pixels that are not black."""
    if c == 0:
        s.rests[H] = 1
    if somatic_due(s, p):
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.v[j] = s.b[j]
        m = s.count_below[0]
        fours = m - m % 4
        for k in range(0, fours, 4):
            i0, i1 = s.lit_below[k], s.lit_below[k + 1]
            i2, i3 = s.lit_below[k + 2], s.lit_below[k + 3]
            x0, x1, x2, x3 = s.x_below[i0], s.x_below[i1], s.x_below[i2], s.x_below[i3]
            for j in range(first, last):
                s.v[j] = s.v[j] + (
                    (x0 * s.W[i0, j] + x1 * s.W[i1, j]) + (x2 * s.W[i2, j] + x3 * s.W[i3, j])
                )
        for k in range(fours, m):
            i0 = s.lit_below[k]
            x0 = s.x_below[i0]
            for j in range(first, last):
                s.v[j] = s.v[j] + x0 * s.W[i0, j]


# --------------------------------------------------------- one step


def basal(c, t, s, p):
    """(1) for the other layers."""
    if c == 0:
        s.rests[H] = 1
    if somatic_due(s, p):
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.v[j] = s.b[j]
        multiply(s.h_below, s.W, s.v, first, last)


def feedback(c, t, s, p):
    """The first part of (3)."""
    if p.sparing == 1 or s.rests_above[BETA] == 0 or s.rests[APICAL] == 0:
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.excitation[j] = 0.0
        multiply(s.sent_above, s.Y, s.excitation, first, last)


def inhibition(c, t, s, p):
    """The second part of (3)."""
    due = s.rests[p.driver] == 0 or s.rests[APICAL] == 0
    if p.sparing == 1:
        due = since_nudge(s) == p.lag - 1
    if due:
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.inhibition[j] = 0.0
        multiply(s.g, s.Z, s.inhibition, first, last)


def apical(c, t, s, p):
    """(3) and (4)."""
    if c == 0:
        s.rests[APICAL] = 1
    first, last = bounds(c, s.v.shape[0], p)
    for j in range(first, last):
        s.p_before[j] = s.p[j]
    for j in range(first, last):
        open_share = 1.0 - s.h[j] if p.apical_gate == 1 else 1.0
        s.u[j] = open_share * s.excitation[j] - s.inhibition[j]
        s.p[j] = sigmoid(s.u[j])


def rate(c, t, s, p):
    """(2); notes whether anything changed."""
    if c == 0:
        s.rests[BETA] = 1
    if somatic_due(s, p):
        first, last = bounds(c, s.v.shape[0], p)
        different = 0
        for j in range(first, last):
            s.scratch[j] = sigmoid(s.v[j])
        for j in range(first, last):
            different |= np.int64(s.scratch[j] != s.h[j])
        for j in range(first, last):
            s.h[j] = s.scratch[j]
        if different > 0:
            s.rests[H] = 0


def output_rate(_, t, s, p):
    """(2) and (6), and (4)."""
    for j in range(s.h.shape[0]):
        s.free[j] = max(s.v[j], 0.0) if p.rectified == 1 else sigmoid(s.v[j])
        s.h[j] = s.free[j]
        s.p[j] = p.p_0
    if since_nudge(s) == 0:
        for j in range(s.h.shape[0]):
            s.h[j] = (1.0 - p.nudge) * s.h[j] + p.nudge * s.target[j]
    s.rests[BETA] = 1


def bursts(c, t, s, p):
    """(5); notes whether anything changed."""
    if c == 0:
        s.rests[WEIGHTS] = 1
    first, last = bounds(c, s.v.shape[0], p)
    different = 0
    for j in range(first, last):
        s.beta_before[j] = s.beta[j]
    for j in range(first, last):
        s.beta[j] = s.h[j] * s.p[j]
    for j in range(first, last):
        different |= np.int64(s.beta_before[j] != s.beta[j])
    if different > 0:
        s.rests[BETA] = 0


def gate_output_bursts(j, t, s, p):
    """What the 2018 code sends down from the output: beta p_0 where beta is above zero."""
    s.sent[j] = s.beta[j] * p.p_0 if s.beta[j] > 0.0 else 0.0


def gate_bursts(j, t, s, p):
    """What the 2018 code sends down from a hidden layer: beta where it is within v of m."""
    s.sent[j] = s.beta[j] * within(s.beta[j], p)


def within(beta, p):
    """The boxcar of (9)."""
    return 1.0 if beta >= p.boxcar_m - p.boxcar_v and beta <= p.boxcar_m + p.boxcar_v else 0.0


# --------------------------------------------------------- learning


def hidden_delta(c, t, s, p):
    """(8) and (9) for a hidden layer, in its step."""
    first, last = bounds(c, s.v.shape[0], p)
    if p.boxcar == 1:
        for j in range(first, last):
            s.delta[j] = (s.beta[j] - s.beta_before[j]) * within(s.beta_before[j], p)
    else:
        for j in range(first, last):
            gate = s.p_before[j] * s.h[j] * (1.0 - s.h[j])
            s.delta[j] = (s.beta[j] - s.beta_before[j]) * gate


def output_delta(_, t, s, p):
    """(8) and (9) for the output, in the step of the nudge."""
    for j in range(s.delta.shape[0]):
        s.delta[j] = (s.beta[j] - s.beta_before[j]) * p.p_0 * output_slope(s.free[j], p)


def output_slope(h, p):
    """sigma'(v_K) from sigma(v_K)."""
    if p.rectified == 1:
        return 1.0 if h > 0.0 else 0.0
    return h * (1.0 - h)


def have_learned(_, t, s, p):
    """Note that products with the layer's weights have to be computed again."""
    s.rests[WEIGHTS] = 0
    if p.apical_learns == 1:
        s.rests[APICAL] = 0


def learn_inhibition(c, t, s, p):
    """(11)."""
    first, last = bounds(c, s.v.shape[0], p)
    for j in range(first, last):
        s.scratch[j] = s.u[j] - p.gamma
    add_outer(1.0, p.alpha_Z, s.g_before, s.scratch, s.Z, first, last)
    if p.clip_Z == 1:
        for i in range(s.Z.shape[0]):
            for j in range(first, last):
                s.Z[i, j] = max(s.Z[i, j], 0.0)


def learn_feedback(_, t, s, p):
    """(12) and (13); no change without inhibition, for which (12) has no value."""
    mean = 0.0
    for j in range(s.inhibition.shape[0]):
        mean += s.inhibition[j]
    mean = mean / real(s.inhibition.shape[0])
    if mean > 0.0:
        for j in range(s.Y.shape[1]):
            total = 0.0
            for o in range(s.Y.shape[0]):
                total += abs(s.Y[o, j])
            change = 2.0 * p.alpha_Y * (p.u_range - total / mean) / mean
            for o in range(s.Y.shape[0]):
                if s.Y[o, j] > 0.0:
                    s.Y[o, j] = s.Y[o, j] + change
                elif s.Y[o, j] < 0.0:
                    s.Y[o, j] = s.Y[o, j] - change


# --------------------------------------------------------- backpropagation, from the weights before


def output_error(j, t, s, p):
    """(15), in the step of the nudge."""
    slope = output_slope(s.free[j], p)
    s.error[j] = p.nudge * p.p_0 * p.p_0 * (s.target[j] - s.free[j]) * slope


def hidden_error(j, t, s, p):
    """(16), in the step of the nudge."""
    s.error[j] = row_product(s.W_above, j, s.error_above) * s.h[j] * (1.0 - s.h[j])


# --------------------------------------------------------- what is noted of every image


def answer(_, t, s, p):
    """The class before the nudge, and the squared error of the output."""
    trial = s.clock[TRIAL]
    best = 0
    loss = 0.0
    for j in range(s.free.shape[0]):
        if s.free[j] > s.free[best]:
            best = j
        loss += (s.target[j] - s.free[j]) * (s.target[j] - s.free[j])
    s.answer[trial] = best
    s.loss[trial] = loss / real(s.free.shape[0])


def measure(_, t, s, p):
    """The mean of |u|, and the share of units with |u| above 4, in the step of the layer."""
    trial = s.clock[TRIAL]
    total = saturated = 0.0
    for j in range(s.u.shape[0]):
        total += abs(s.u[j])
        saturated += 1.0 if abs(s.u[j]) > 4.0 else 0.0
    s.apical[trial, p.layer - 1] = total / real(s.u.shape[0])
    s.saturated[trial, p.layer - 1] = saturated / real(s.u.shape[0])


def measure_angle(_, t, s, p):
    """The cosine between what a layer learns from and the error of backpropagation."""
    dot = norm = norm_error = 0.0
    for j in range(s.own.shape[0]):
        d = s.own[j] * 1e6  # squares of such small numbers would vanish in float32
        e = s.error[j] * 1e6
        dot += d * e
        norm += d * d
        norm_error += e * e
    length = sqrt(norm) * sqrt(norm_error)
    s.cosine[s.clock[TRIAL], p.layer - 1] = dot / length if length > 0.0 else p.nan
