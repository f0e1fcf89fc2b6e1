"""What a synapse of SuperSpike learns from: error signals, eligibility traces, and updates.

Numbers in brackets refer to the equations in `network`.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from spikesim.kernels.eligibility import LENGTH
from spikesim.learning.eligibility import EligibilityTraces
from spikesim.precision import NEAR_ZERO, type_for

__all__ = ["cost", "eligibility", "filtered", "follow", "indices", "raw", "regularised", "update"]

SYNAPSE = ("l1", "eligibility", "presynaptic_trace", "surrogate", "error")

# ---------------------------------------------------------------------------- the equations


def surrogate(U, p):
    """sigma' of (3), in 1/V; 0 far below rest, as in the authors' program."""
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


# ---------------------------------------------------------------------------- error signals


def filter_error(i, t, s, p):
    """alpha of (5) and (6), by Euler steps; it reads the raw error of the step before."""
    filtered = s.e_rise[i] + p.c_rise * (s.raw[(t - 1) % s.raw.shape[0], i] - s.e_rise[i])
    e = s.e[i] + p.c_decay * (filtered - s.e[i])
    s.e_rise[i] = 0.0 if abs(filtered) <= p.tiny else filtered
    s.e[i] = 0.0 if abs(e) <= p.tiny else e


def average_cost(i, t, s, p):
    """The cost: a moving average of e^2 over tau_avg."""
    s.cost[i] = p.decay_avg * s.cost[i] + s.e[i] * s.e[i] * p.dt_seconds


def clear_error(_, t, s, p):
    """Clear the raw errors in this step's row of the ring buffer."""
    row = t % s.raw.shape[0]
    for a in range(s.raw_count[row]):
        s.raw[row, s.raw_ids[row, a]] = 0.0
    s.raw_count[row] = 0


def list_error(s, row, i):
    s.raw_ids[row, s.raw_count[row]] = i
    s.raw_count[row] += 1


def output_error(_, t, s, p):
    """(5) before the filter: +1 per target spike, -1 per output spike; 0 if they coincide."""
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

    In window w, neuron ``who[w]`` is to spike at least once; all other spikes are wrong.
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
    """Whether the layer above had an error `feedback_delay` steps ago."""
    return s.raw_count_above[(t - p.feedback_delay) % s.raw_above.shape[0]] > 0


def hidden_error(_, t, s, p):
    """(6) before the filter: raw errors of the layer above through the feedback weights."""
    row = t % s.raw.shape[0]
    source = (t - p.feedback_delay) % s.raw_above.shape[0]
    n = np.uint64(s.e.shape[0])
    for a in range(s.raw_count_above[source]):
        k = s.raw_ids_above[source, a]
        error = s.raw_above[source, k] * p.feedback_scale
        for i in range(n):
            s.raw[row, i] += error * s.B[k, i]
    s.raw_count[row] = s.e.shape[0]  # all neurons; the list holds them already


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
    """Errors below the cut count as 0."""
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


def end_of_chunk(t, s, p):
    return t % p.chunk == 0


def regularise(j, t, s, p):
    """The second term of (7), with weights in V."""
    for i in range(np.uint64(s.W.shape[1])):
        s.m[j, i] -= p.rho_volt * s.W[j, i] * s.z_sum[i]


def forget_heterosynaptic(i, t, s, p):
    s.z_sum[i] = 0.0


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


def copy_symmetric(k, t, s, p):
    """b_ki = w_ki: one row for each neuron k of the layer above."""
    for i in range(s.B.shape[1]):
        s.B[k, i] = s.W_above[i, k]


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


# ---------------------------------------------------------------------------- their order


def filtered(net):
    """The errors as learning sees them; they are read before the raw errors of this step."""
    for layer in net.above_input:
        yield layer.phase(filter_error)


def cost(net):
    """The cost of the outputs; a copy that does not learn adds up."""
    p, output, dtype, dt = net.p, net.output, net.network.dtype, net.network.dt
    slow = type_for(dtype, p.tau_avg / (NEAR_ZERO * dt))
    output.arrays["cost"] = np.zeros(output.n, slow)
    forget = {} if net.learning else {"decay_avg": 1.0}
    yield output.phase(average_cost, dtype=slow, **forget)


def raw(net, output_error):
    """The raw errors: of the output, by the body for it, and of each layer below."""
    for layer in net.above_input:
        yield layer.phase(clear_error, "once")
    yield net.output.phase(output_error, "once")
    for layer in net.hidden:
        yield layer.phase(hidden_error, "once", errors_above)


def eligibility(net, layer, synapse=None, in_trials=False):
    """Eligibility traces of the connection onto a layer; their products with errors add up in m."""
    traces = EligibilityTraces(net, layer, net.network.dtype, in_trials)
    yield layer.phase(keep_linear_factors if net.p.linear else keep_factors, "once")
    yield from traces.arrive()
    if synapse is not None:
        own, psp = net.add_synapse(SYNAPSE), layer.below.psp
        own.update(pre=np.array([synapse.pre]), post=np.array([synapse.post]))
        yield layer.phase(step_synapse, "once", psp=psp, a=layer.number("a_rise"), **own)
    yield from traces.advance()


def regularised(net, layer):
    """The second term of (7), taken off m at the end of a chunk."""
    n, dtype = layer.n, net.network.dtype
    layer.arrays.update(z=np.zeros(n, dtype), z_sum=np.zeros(n, dtype))
    yield layer.phase(heterosynaptic_trace)
    yield layer.phase(regularise, "row", end_of_chunk)
    yield layer.phase(forget_heterosynaptic, when=end_of_chunk)


def update(net, layer, when):
    """(8): what m adds up to changes the weights; m begins again."""
    p, dtype = net.p, net.network.dtype
    track = {"rmaxprop": track_rmaxprop, "rmsprop": track_rmsprop}.get(p.optimizer)
    if track is not None:
        slow = type_for(dtype, p.tau_rms / (NEAR_ZERO * p.chunk))
        layer.arrays["v"] = np.zeros(layer.W.shape, slow)
        yield layer.phase(track, "row", when, dtype=slow)
    yield layer.phase(learn_plain if track is None else learn_scaled, "row", when)


def follow(net, when):
    """Symmetric feedback becomes that of the new weights."""
    for layer in net.hidden if net.p.feedback == "symmetric" else ():
        yield layer.phase(copy_symmetric, when=when, many=layer.above.n)


def indices(net):
    """Saved indices, which compiled code trusts: name, array, lowest and highest value."""
    for layer in net.above_input:
        yield "raw_count", layer.raw_count, 0, layer.n
        yield "raw_ids", layer.raw_ids, 0, layer.n - 1
    yield from EligibilityTraces.indices(net)
