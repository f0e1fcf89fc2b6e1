"""The equations of SuperSpike, and the bodies that apply them.

Symbols are the paper's; j is the presynaptic, i the postsynaptic neuron, k the next layer's.
Voltages, currents and weights are in mV (R = 1): a weight jumps I.

    tau_mem dU_i/dt = U_rest - U_i + I_i,     dI_i/dt = -I_i / tau_syn + sum_j w_ij S_j(t - d)   (1)

A spike is emitted when U_i > theta; U_i is then held at U_rest for tau_ref.

Learning lowers the van Rossum loss between target trains and the output's,

    L = 1/2 int [alpha * (S^target_i - S_i)]^2 dt                                                (2)

by following a surrogate gradient. Its three factors are local to the synapse: a filtered PSP of
the presynaptic neuron, the surrogate derivative of the postsynaptic neuron, and its error signal,

    sigma'(U) = (1 + |h|)^-2,     h = beta (U - theta)                                           (3)
    lambda_ij = alpha * [sigma'(U_i) (epsilon * S_j)]                      eligibility trace     (4)
    output    e_i = alpha * (S^target_i - S_i)                             error signal          (5)
    hidden    e_i = alpha * sum_k b_ki (raw error of k)                                          (6)

with b_ki = w_ki (symmetric), fixed and Gaussian (random) or 1 (uniform). Over a chunk of t_b,

    g_ij = mean of e_i lambda_ij - rho w_ij z_i^a,     dz_i/dt = -z_i / tau_het + S_i            (7)
    v_ij <- max(gamma v_ij, g_ij^2),     w_ij <- w_ij + r_0 g_ij / (sqrt(v_ij) + epsilon)        (8)

the last of which is RMaxProp. The double-exponential filters of (4) to (6) are two exponential
ones in a row; the order of everything within a step is that of the authors' program:
neurons, then the error filters, raw errors, eligibility traces, and at the end of a chunk weights.
All spikes that learning sees are delayed as those that neurons see, and so are surrogate
derivatives and PSPs, so that equal trains give no error and all meet in time.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from spikesim.kernels.eligibility import LENGTH

# ---------------------------------------------------------------------------- the equations


def membrane(U, I, p):  # noqa: E741 - the paper's symbol
    """(1), forward Euler."""
    return U + p.dt_by_tau_mem * (p.U_rest - U + I)


def surrogate(U, p):
    """sigma' of (3), in 1/V; none far below rest, as in the authors' program."""
    h = p.beta * (U - p.theta)
    x = 1.0 + abs(h)
    slope = p.slope / (x * x)
    return slope if p.U_silent <= U else 0.0


def power(z, exponent):
    """z^exponent, for a whole exponent."""
    product = 1.0
    for _ in range(exponent):
        product = product * z
    return product


def rmaxprop(v, g, p):
    """v of (8)."""
    decayed = p.gamma * v
    squared = g * g
    return squared if squared > decayed else decayed


def rmsprop(v, g, p):
    """The mean square in place of the maximum."""
    return p.gamma * v + (1.0 - p.gamma) * (g * g)


def clipped(w, p):
    """A weight within its bounds."""
    w = w if w > -p.w_max else -p.w_max
    return w if w < p.w_max else p.w_max


# ---------------------------------------------------------- neurons, one step; bodies over neurons


def step_membrane(i, t, s, p):
    """(1): the membrane uses the current of the step before, which then decays."""
    U = membrane(s.U[i], s.I[i], p)
    free = s.refractory[i] == 0.0
    fires = free and p.theta < U
    s.U[i] = U if free and not fires else p.U_rest
    s.spike[i] = 1 if fires else 0


def step_current(i, t, s, p):
    """I decays, and then what arrives in this step is added, with weights as they still are."""
    s.I[i] = p.decay_syn * s.I[i] + s.arriving[i]
    s.arriving[i] = 0.0


def step_refractory(i, t, s, p):
    left = s.refractory[i] - 1.0 if s.refractory[i] > 0.0 else 0.0
    s.refractory[i] = p.refractory_steps if s.spike[i] > 0 else left


# ---------------------------------------------------------------------------- error signals


def postsynaptic(t, s, p):
    return s.e.shape[0]


def filter_error(i, t, s, p):
    """alpha of (5) and (6), Euler; it reads the raw error of the step before."""
    filtered = s.e_rise[i] + p.c_rise * (s.raw[(t - 1) % s.raw.shape[0], i] - s.e_rise[i])
    e = s.e[i] + p.c_decay * (filtered - s.e[i])
    s.e_rise[i] = 0.0 if abs(filtered) <= p.tiny else filtered
    s.e[i] = 0.0 if abs(e) <= p.tiny else e


def average_cost(i, t, s, p):
    """The cost: a moving average of e^2 over tau_avg."""
    s.cost[i] = p.decay_avg * s.cost[i] + s.e[i] * s.e[i] * p.dt_seconds


def clear_error(_, t, s, p):
    """Take out the raw errors that lie in this step's row of the ring."""
    row = t % s.raw.shape[0]
    for a in range(s.raw_count[row]):
        s.raw[row, s.raw_ids[row, a]] = 0.0
    s.raw_count[row] = 0


def list_error(s, row, i):
    s.raw_ids[row, s.raw_count[row]] = i
    s.raw_count[row] += 1


def output_error(_, t, s, p):
    """(5) before the filter: +1 per target spike, -1 per output spike; none where they coincide."""
    row = t % s.raw.shape[0]
    target = (t - p.delay) % s.target_ids.shape[0]
    output = (t - p.delay) % s.ids.shape[0]
    for a in range(s.target_count[target]):
        s.raw[row, s.target_ids[target, a]] += 1.0
    for a in range(s.count[output]):
        s.raw[row, s.ids[output, a]] -= 1.0
    for a in range(s.target_count[target]):
        i = s.target_ids[target, a]
        if s.raw[row, i] > 0.0:
            list_error(s, row, i)
    for a in range(s.count[output]):
        i = s.ids[output, a]
        if s.raw[row, i] < 0.0:
            list_error(s, row, i)


def window_error(_, t, s, p):
    """The error of a classification: -1 per wrong spike, +1 once at the end of a missed window.

    In window w neuron ``who[w]`` is to spike, at least once; all other spikes are wrong.
    """
    row = t % s.raw.shape[0]
    output = (t - p.delay) % s.ids.shape[0]
    now = t - p.delay - s.loop[1]
    if s.loop[0] > 0:
        now = now % s.loop[0]
        if now == 0:
            s.window[0] = 0
            s.window[1] = 0
    w = s.window[0]
    inside = s.start[w] <= now and now < s.end[w]
    for a in range(s.count[output]):
        i = s.ids[output, a]
        if inside and s.who[w] == i:
            s.window[1] = 1
        else:
            s.raw[row, i] = -1.0
            list_error(s, row, i)
    if now == s.end[w] - 1:
        if s.window[1] == 0:
            s.raw[row, s.who[w]] = 1.0
            list_error(s, row, s.who[w])
        s.window[0] = w + 1
        s.window[1] = 0


def errors_above(t, s, p):
    """Once, if the layer above had an error `feedback_delay` steps ago."""
    return 1 if s.above_count[(t - p.feedback_delay) % s.above.shape[0]] > 0 else 0


def hidden_error(_, t, s, p):
    """(6) before the filter: raw errors of the layer above through the feedback weights."""
    row = t % s.raw.shape[0]
    source = (t - p.feedback_delay) % s.above.shape[0]
    n = np.uint64(s.e.shape[0])
    for a in range(s.above_count[source]):
        k = s.above_ids[source, a]
        error = s.above[source, k] * p.feedback_scale
        for i in range(n):
            s.raw[row, i] += error * s.B[k, i]
    s.raw_count[row] = s.e.shape[0]  # all of them; the list says so already


def tally(_, t, s, p):
    """Count spikes, or unmatched ones."""
    s.total[0] += s.count[t % s.count.shape[0]]


# ---------------------------------------------------------------------------- what learning reads


def keep_factors(_, t, s, p):
    """Store the surrogate derivatives and the errors of this step for the end of the block."""
    row = t % s.factor.shape[0]
    n = np.uint64(s.e.shape[0])
    for i in range(n):
        s.factor[row, i] = surrogate(s.U[i], p)
    keep_errors(s, p, n)


def keep_linear_factors(_, t, s, p):
    """The same with sigma' := 1."""
    row = t % s.factor.shape[0]
    n = np.uint64(s.e.shape[0])
    for i in range(n):
        s.factor[row, i] = 1.0
    keep_errors(s, p, n)


def keep_errors(s, p, n):
    """Errors below the cut count as none."""
    k = s.block[LENGTH]
    for i in range(n):
        e = s.e[i]
        s.error[k, i] = e if abs(e) >= p.error_cut else 0.0


def heterosynaptic_trace(i, t, s, p):
    """z of (7), and its power summed over the steps in which the neuron has an error.

    In the error-dependent variant of the appendix each step counts with e^2.
    """
    z = p.decay_het * (s.z[i] + s.spike[i])
    s.z[i] = 0.0 if z <= p.tiny else z
    if abs(s.e[i]) >= p.error_cut:
        s.z_sum[i] += power(z, p.a) * power(s.e[i], p.error_power)


# ---------------------------------------------------------------------------- the end of a chunk


def rows_at_end_of_chunk(t, s, p):
    return s.W.shape[0] if t % p.chunk == 0 else 0


def regularise(j, t, s, p):
    """The second term of (7), with weights in V."""
    for i in range(np.uint64(s.W.shape[1])):
        s.m[j, i] -= p.rho_volt * s.W[j, i] * s.z_sum[i]


def forget_heterosynaptic(i, t, s, p):
    s.z_sum[i] = 0.0


def neurons_at_end_of_chunk(t, s, p):
    return s.z_sum.shape[0] if t % p.chunk == 0 else 0


def track_rmaxprop(j, t, s, p):
    """(8), v."""
    for i in range(np.uint64(s.v.shape[1])):
        s.v[j, i] = rmaxprop(s.v[j, i], s.m[j, i] * p.share, p)


def track_rmsprop(j, t, s, p):
    """v for RMSprop."""
    for i in range(np.uint64(s.v.shape[1])):
        s.v[j, i] = rmsprop(s.v[j, i], s.m[j, i] * p.share, p)


def learn_scaled(j, t, s, p):
    """(8), w."""
    for i in range(np.uint64(s.W.shape[1])):
        g = s.m[j, i] * p.share
        s.W[j, i] = clipped(s.W[j, i] + p.eta * (g / (sqrt(s.v[j, i]) + p.epsilon)), p)
        s.m[j, i] = 0.0


def learn_plain(j, t, s, p):
    """w without scaling."""
    for i in range(np.uint64(s.W.shape[1])):
        s.W[j, i] = clipped(s.W[j, i] + p.eta * (s.m[j, i] * p.share), p)
        s.m[j, i] = 0.0


def feedback_rows_at_end_of_chunk(t, s, p):
    return s.B.shape[0] if t % p.chunk == 0 else 0


def copy_symmetric(k, t, s, p):
    """b_ki = w_ki: one row for each neuron k of the layer above."""
    for i in range(s.B.shape[1]):
        s.B[k, i] = s.W[i, k]


# ------------------------------------------------------- one synapse, step by step, to be recorded


def step_synapse(i, t, s, p):
    """(4) and the product with (5) or (6) for one synapse, as they are defined."""
    psp = s.psp[s.pre[0]]
    factor = s.factor[(t - p.lag) % s.factor.shape[0], s.post[0]]
    l1 = s.l1[0] + (psp * factor if psp > p.cut else 0.0)
    s.eligibility[0] = s.eligibility[0] + p.c * (l1 - s.eligibility[0])
    s.l1[0] = p.a * l1
    s.presynaptic_trace[0] = psp
    s.surrogate[0] = factor
    s.error[0] = s.e[s.post[0]]
