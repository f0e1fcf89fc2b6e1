"""The equations of the burst-ensemble network, as the bodies of its step.

A unit is an ensemble of pyramidal neurons. What it receives at its basal dendrites from below sets
the rate h of its events (single spikes or bursts); what it receives at its apical dendrites from
above sets the probability p that an event is a burst. The rate of bursts, beta, is sent down; SST+
interneurons hold the apical potential u in the range where p follows it. Layers are k = 1 ... K,
layer K is the output and h_0 the image. All weights are written [pre, post]. Everything in step t
is computed from what there was in step t - 1, but for the image: the first layer sees it in the
first step in which it is shown, so that h_0(t-1) is the image of step t.

    v_k(t)    = h_{k-1}(t-1) W_k + b_k                                                       (1)
    h_k(t)    = sigma(v_k(t));  of the output also max(v_K(t), 0)                            (2)
    u_k(t)    = f_{k+1}(t-1) Y_k - g_k(t-1) Z_k                                              (3)
    p_k(t)    = sigma(u_k(t));  of the output always p_0                                     (4)
    beta_k(t) = h_k(t) p_k(t)                                                                (5)

f is beta (talks), or beta times a gate (2018 code); g, the input of SST+ cells, is beta (talks) or
h (July 2018 code). With `apical_gate`, what comes from above is multiplied by 1 - h_k(t-1) (Payeur
et al. 2021), so that the change of beta_k has the factor h (1 - h) by itself. In a step t*, and in
no other, a teacher nudges the output:

    h_K(t*) <- (1 - lambda) h_K(t*) + lambda target                                          (6)

The nudge changes the burst rate of layer k in step s_k = t* + K - k, which is compared to the step
before. The loss of a layer is the square of that difference, beta_k(s_k) being the target and held
constant (were it differentiated too, every unit would only learn to be silent):

    L_k     = |beta_k(s_k) - beta_k(s_k - 1)|^2 / 2                                          (7)
    delta_k = (beta_k(s_k) - beta_k(s_k - 1)) gate_k                                         (8)
    gate_k  = p_k h_k (1 - h_k) in step s_k - 1 (exact; of a rectified output p_0 if h_K > 0),
              or 1 where beta_k(s_k - 1) is within v of m, else 0 (boxcar; hidden layers)    (9)
    W_k    += alpha_k h_{k-1}^T delta_k,   b_k += alpha_k delta_k                           (10)

SST+ synapses learn to bring the apical potential to gamma, L_Z = |gamma - u|^2 / 2:

    Z_k    += alpha_Z g_k(s_k - 1)^T (u_k(s_k) - gamma)                                     (11)

and optionally feedback synapses learn to make the largest potential they can evoke, in units of the
mean inhibition, equal to u_range (April 2018 code):

    u_max   = (sum over sources |Y|) / mean(g Z)                                            (12)
    Y_k    += 2 alpha_Y (u_range - u_max) sign(Y) / mean(g Z)                               (13)

or learn as the weights that they mirror do, from the same two factors, in step s_k. As both forget
the same fraction phi with every image, where they began is lost and Y_k becomes mu W_{k+1}^T
(Kolen & Pollack 1994; Payeur et al. 2021):

    Y_k    <- (1 - phi) Y_k + mu alpha_{k+1} delta_{k+1}^T h_k
    W_k    <- (1 - phi) W_k + alpha_k h_{k-1}^T delta_k,  k > 1                             (14)

Backpropagation, as a control and to compare with, uses the same error at the output:

    delta_K = lambda p_0^2 (target - h_K) sigma'(v_K)                                       (15)
    delta_k = (W_{k+1} delta_{k+1}) h_k (1 - h_k)                                           (16)

The code of April 2018 shows the image in the same way, that of July 2018 to the first layer a step
later. No weight differs for that (`form="july_2018"`): what (7) to (11) take is at rest by the
earliest nudge, in step K + 1 of that code and K of ours.

With a static image, h_k rests once the image has reached layer k, so that in (9) and (10) h may be
taken from any step between that and s_k. Products in (1) and (3) are computed only in steps in
which one of their factors has changed.

Unless SST+ cells are driven by beta, what happened more than K steps ago is forgotten. Then only
some steps of an image can reach a weight: those in which the image arrives at a layer, s_k - 1 and
s_k. While a network learns and nobody watches, the others are left out (`p.sparing`).
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.functions import real, sigmoid, sqrt
from spikesim.kernels.spikes import bounds, parts
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TOGO, TRIAL, at_trial_start

__all__: list[str] = []

# Columns of `changed[k]`: what in layer k was not the same in the last step as in the one before.
H = 0
BETA = 1
WEIGHTS = 2  # of the synapses onto the basal dendrites
APICAL = 3  # of the synapses onto the apical dendrites, from above and from SST+ cells


# --------------------------------------------------------- when


def since_nudge(s):
    """Steps since the nudge, 0 in its step; negative before it."""
    if s.clock[PHASE] != SECOND:
        return -1
    return s.length[s.clock[TRIAL], SECOND] - 1 - s.clock[TOGO]


def in_its_step(t, s, p):
    """An `over`: once in step s_k."""
    return 1 if since_nudge(s) == p.lag else 0


def blocks(t, s, p):
    """An `over`: once for every block of units of the layer, all of them on a core."""
    return parts(s.v.shape[0], p)


def blocks_in_its_step(t, s, p):
    return blocks(t, s, p) if since_nudge(s) == p.lag else 0


def at_nudge(t, s, p):
    """An `over`: once in step t*."""
    return 1 if since_nudge(s) == 0 else 0


def at_image(t, s, p):
    """An `over`: once in the first step of an image."""
    return 1 if at_trial_start(s.clock) else 0


def image_arrives(s, p):
    """Whether the image, shown in step 0, reaches the layer in this step."""
    step = s.length[s.clock[TRIAL], FIRST] - 1 - s.clock[TOGO]
    return s.clock[PHASE] == FIRST and step == p.layer - 1


def somatic_due(s, p):
    """Whether (1) and (2) have to be computed."""
    if p.sparing == 1:
        return image_arrives(s, p)
    return s.changed[p.layer - 1, H] + s.changed[p.layer, WEIGHTS] > 0


def nudge_due(s, p):
    """Whether this is step s_k - 1 or s_k."""
    since = since_nudge(s)
    return since == p.lag or since == p.lag - 1


def apical_blocks(t, s, p):
    """An `over`: the blocks of units, if (3) and (4) have to be computed."""
    return blocks(t, s, p) if p.sparing == 0 or nudge_due(s, p) else 0


def rows_at_nudge(t, s, p):
    """An `over`: every unit in step t*."""
    return s.error.shape[0] if since_nudge(s) == 0 else 0


def units_in_its_step(t, s, p):
    """An `over`: every unit in step s_k."""
    return s.delta.shape[0] if since_nudge(s) == p.lag else 0


# --------------------------------------------------------- products


def multiply(x, M, out, first, last):
    """out += x M, in some columns, eight rows of M in one pass."""
    rows = x.shape[0]
    eights = rows - rows % 8
    for i in range(0, eights, 8):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        x4, x5, x6, x7 = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        for j in range(first, last):
            low = x0 * M[i, j] + x1 * M[i + 1, j] + x2 * M[i + 2, j] + x3 * M[i + 3, j]
            high = x4 * M[i + 4, j] + x5 * M[i + 5, j] + x6 * M[i + 6, j] + x7 * M[i + 7, j]
            out[j] = out[j] + (low + high)
    for i in range(eights, rows):
        for j in range(first, last):
            out[j] = out[j] + x[i] * M[i, j]


def add_outer(kept, factor, x, d, M, first, last):
    """M <- kept M + factor x^T d, in some columns; rows that stay as they are left out."""
    for i in range(M.shape[0]):
        if x[i] != 0.0 or kept != 1.0:
            y = factor * x[i]
            for j in range(first, last):
                M[i, j] = kept * M[i, j] + y * d[j]


# --------------------------------------------------------- the image


def show(_, t, s, p):
    """Take up the image and the label; list the pixels that are not black."""
    example = s.example[s.clock[TRIAL]]
    m = 0
    for i in range(s.image.shape[1]):
        value = s.image[example, i]
        if value > 0:
            s.lit[m] = i
            s.brightness[m] = real(value) * p.scale
            m += 1
    s.count[0] = m
    for i in range(s.target.shape[0]):
        s.target[i] = 0.0
    s.target[s.label[example]] = 1.0
    s.changed[0, H] = 1


def image_seen(t, s, p):
    """An `over`: after the first step the image is as it was."""
    return 1 if s.changed[0, H] == 1 else 0


def forget_change(_, t, s, p):
    s.changed[0, H] = 0


def basal_from_image(c, t, s, p):
    """(1) for the first layer, from the pixels that are not black."""
    if c == 0:
        s.changed[p.layer, H] = 0
    if somatic_due(s, p):
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.v[j] = s.b[j]
        m = s.count[0]
        fours = m - m % 4
        for k in range(0, fours, 4):
            x0, x1, x2, x3 = (
                s.brightness[k],
                s.brightness[k + 1],
                s.brightness[k + 2],
                s.brightness[k + 3],
            )
            i0, i1, i2, i3 = s.lit[k], s.lit[k + 1], s.lit[k + 2], s.lit[k + 3]
            for j in range(first, last):
                s.v[j] = s.v[j] + (
                    (x0 * s.W[i0, j] + x1 * s.W[i1, j]) + (x2 * s.W[i2, j] + x3 * s.W[i3, j])
                )
        for k in range(fours, m):
            x0 = s.brightness[k]
            i0 = s.lit[k]
            for j in range(first, last):
                s.v[j] = s.v[j] + x0 * s.W[i0, j]


# --------------------------------------------------------- one step


def basal(c, t, s, p):
    """(1) for the other layers."""
    if c == 0:
        s.changed[p.layer, H] = 0
    if somatic_due(s, p):
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.v[j] = s.b[j]
        multiply(s.below, s.W, s.v, first, last)


def feedback(c, t, s, p):
    """The first part of (3)."""
    if p.sparing == 1 or s.changed[p.layer + 1, BETA] + s.changed[p.layer, APICAL] > 0:
        first, last = bounds(c, s.v.shape[0], p)
        for j in range(first, last):
            s.excitation[j] = 0.0
        multiply(s.sent, s.Y, s.excitation, first, last)


def inhibition(c, t, s, p):
    """The second part of (3)."""
    due = s.changed[p.layer, p.source] + s.changed[p.layer, APICAL] > 0
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
        s.changed[p.layer, APICAL] = 0
    first, last = bounds(c, s.v.shape[0], p)
    for j in range(first, last):
        s.p_before[j] = s.p[j]
    for j in range(first, last):
        open_share = 1.0 - s.h[j] if p.gated == 1 else 1.0
        u = open_share * s.excitation[j] - s.inhibition[j]
        s.u[j] = u
        s.p[j] = sigmoid(u)


def rate(c, t, s, p):
    """(2), and whether anything changed."""
    if c == 0:
        s.changed[p.layer, BETA] = 0
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
            s.changed[p.layer, H] = 1


def output_rate(_, t, s, p):
    """(2) and (6)."""
    for j in range(s.h.shape[0]):
        s.free[j] = max(s.v[j], 0.0) if p.rectified == 1 else sigmoid(s.v[j])
        s.h[j] = s.free[j]
    if since_nudge(s) == 0:
        for j in range(s.h.shape[0]):
            s.h[j] = (1.0 - p.nudge) * s.h[j] + p.nudge * s.target[j]
    s.changed[p.layer, BETA] = 0


def bursts(c, t, s, p):
    """(5), and whether anything changed."""
    if c == 0:
        s.changed[p.layer, WEIGHTS] = 0
    first, last = bounds(c, s.v.shape[0], p)
    different = 0
    for j in range(first, last):
        s.beta_before[j] = s.beta[j]
    for j in range(first, last):
        s.beta[j] = s.h[j] * s.p[j]
    for j in range(first, last):
        different |= np.int64(s.beta_before[j] != s.beta[j])
    if different > 0:
        s.changed[p.layer, BETA] = 1


def gate_output_bursts(j, t, s, p):
    """What the 2018 code sends down from the output: beta p_0 where beta is above zero."""
    s.sent[j] = s.beta[j] * p.p_0 if s.beta[j] > 0.0 else 0.0


def gate_bursts(j, t, s, p):
    """What the 2018 code sends down from a hidden layer: beta where it is within v of m."""
    s.sent[j] = s.beta[j] * within(s.beta[j], p)


def units(t, s, p):
    """An `over`: every unit in every step."""
    return s.beta.shape[0]


def within(beta, p):
    """The boxcar of (9)."""
    return 1.0 if beta >= p.m - p.v and beta <= p.m + p.v else 0.0


# --------------------------------------------------------- learning


def hidden_delta(c, t, s, p):
    """(8) and (9) of a hidden layer, in its step."""
    first, last = bounds(c, s.v.shape[0], p)
    if p.boxcar == 1:
        for j in range(first, last):
            s.delta[j] = (s.beta[j] - s.beta_before[j]) * within(s.beta_before[j], p)
    else:
        for j in range(first, last):
            gate = s.p_before[j] * s.h[j] * (1.0 - s.h[j])
            s.delta[j] = (s.beta[j] - s.beta_before[j]) * gate


def output_delta(_, t, s, p):
    """(8) and (9) of the output, in the step of the nudge."""
    for j in range(s.delta.shape[0]):
        s.delta[j] = (s.beta[j] - s.beta_before[j]) * p.p_0 * output_slope(s.free[j], p)


def output_slope(h, p):
    """sigma'(v_K) from sigma(v_K)."""
    if p.rectified == 1:
        return 1.0 if h > 0.0 else 0.0
    return h * (1.0 - h)


def learn_from_image(c, t, s, p):
    """(10) for the first layer: only synapses of pixels that are not black change."""
    first, last = bounds(c, s.v.shape[0], p)
    for k in range(s.count[0]):
        i = s.lit[k]
        y = p.alpha * s.brightness[k]
        for j in range(first, last):
            s.W[i, j] = s.W[i, j] + y * s.delta[j]
    for j in range(first, last):
        s.b[j] = s.b[j] + p.alpha * s.delta[j]
    if c == 0:
        s.changed[p.layer, WEIGHTS] = 1


def learn(c, t, s, p):
    """(10), or (14), for the other layers."""
    first, last = bounds(c, s.v.shape[0], p)
    add_outer(p.kept, p.alpha, s.below, s.delta, s.W, first, last)
    for j in range(first, last):
        s.b[j] = s.b[j] + p.alpha * s.delta[j]
    if c == 0:
        s.changed[p.layer, WEIGHTS] = 1


def learn_inhibition(c, t, s, p):
    """(11)."""
    first, last = bounds(c, s.v.shape[0], p)
    for j in range(first, last):
        s.scratch[j] = s.u[j] - p.gamma
    add_outer(1.0, p.alpha_Z, s.g_before, s.scratch, s.Z, first, last)
    if p.clip == 1:
        for i in range(s.Z.shape[0]):
            for j in range(first, last):
                s.Z[i, j] = max(s.Z[i, j], 0.0)
    if c == 0:
        s.changed[p.layer, APICAL] = 1


def learn_feedback(_, t, s, p):
    """(12) and (13); nothing without inhibition, for which (12) has no value."""
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
        s.changed[p.layer, APICAL] = 1


def mirror(c, t, s, p):
    """(14) for feedback synapses."""
    first, last = bounds(c, s.v.shape[0], p)
    add_outer(p.kept, p.alpha, s.delta_above, s.h, s.Y, first, last)
    if c == 0:
        s.changed[p.layer, APICAL] = 1


# --------------------------------------------------------- backpropagation, from the weights before


def output_error(_, t, s, p):
    """(15), in the step of the nudge."""
    for j in range(s.error.shape[0]):
        error = p.nudge * p.p_0 * p.p_0 * (s.target[j] - s.free[j])
        s.error[j] = error * output_slope(s.free[j], p)


def hidden_error(i, t, s, p):
    """(16), in the step of the nudge."""
    columns = s.W_above.shape[1]
    eights = columns - columns % 8
    # Eight partial sums: one would make each addition wait for the one before it.
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    for j in range(0, eights, 8):
        a0 += s.W_above[i, j] * s.error_above[j]
        a1 += s.W_above[i, j + 1] * s.error_above[j + 1]
        a2 += s.W_above[i, j + 2] * s.error_above[j + 2]
        a3 += s.W_above[i, j + 3] * s.error_above[j + 3]
        a4 += s.W_above[i, j + 4] * s.error_above[j + 4]
        a5 += s.W_above[i, j + 5] * s.error_above[j + 5]
        a6 += s.W_above[i, j + 6] * s.error_above[j + 6]
        a7 += s.W_above[i, j + 7] * s.error_above[j + 7]
    total = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))
    for j in range(eights, columns):
        total += s.W_above[i, j] * s.error_above[j]
    s.error[i] = total * s.h[i] * (1.0 - s.h[i])


def use_error(j, t, s, p):
    """The control learns from the error of backpropagation."""
    s.delta[j] = s.error[j]


# --------------------------------------------------------- what is noted of every image


def answer(_, t, s, p):
    """Before the nudge: the class, and the squared error of the output."""
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
    """Mean |u|, and the share of units whose |u| is above 4, in the step of the layer."""
    trial = s.clock[TRIAL]
    total = 0.0
    saturated = 0.0
    for j in range(s.u.shape[0]):
        size = abs(s.u[j])
        total += size
        saturated += 1.0 if size > 4.0 else 0.0
    s.apical[trial, p.layer - 1] = total / real(s.u.shape[0])
    s.saturated[trial, p.layer - 1] = saturated / real(s.u.shape[0])


def measure_angle(_, t, s, p):
    """Cosine between the update of a layer and that by backpropagation."""
    dot = 0.0
    norm = 0.0
    norm_error = 0.0
    for j in range(s.delta.shape[0]):
        # Squares of such small numbers would vanish in float32.
        d = s.delta[j] * 1e6
        e = s.error[j] * 1e6
        dot += d * e
        norm += d * d
        norm_error += e * e
    length = sqrt(norm) * sqrt(norm_error)
    s.cosine[s.clock[TRIAL], p.layer - 1] = dot / length if length > 0.0 else p.nan
