"""Eligibility traces of all synapses: events forwards in time, adjoints backwards.

A synapse from j to i has the eligibility trace lambda, a double-exponential filter of the product
of a postsynaptic factor (surrogate derivative) and the presynaptic PSP trace. Learning needs m, the
correlation of lambda with the postsynaptic error e over many steps. Per synapse and step k,

    x <- x + spikes of j;   x <- a_pre x;   u = factor psp (psp > cut, as it was before this step)
    psp <- psp + c_pre (x - psp)
    l1 <- l1 + u;   lambda <- lambda + c (l1 - lambda);   l1 <- a l1;   m <- m + e lambda

Weights do not change within a block of steps, and all of this is linear in (x, psp), whose course
is known from one spike to the next. So nothing has to be computed per synapse and step. The forward
pass notes *events*: a spike adds 1 to x; a PSP that rises above the cut adds (x, psp), and one that
falls below it subtracts them again. An *adjoint* says how much one unit of x or psp before step k
contributes to m, l1 and lambda by the end of the block. At the end of the block the adjoints of
each postsynaptic neuron are computed, backwards in time. An event then adds one row:

    m[j, :] += (event's x) X(k)[:] + (event's psp) P(k)[:]

Up to rounding, the numbers are those of the recursion above. The adjoint recursions are its
transpose; p1 and p2 are the adjoints of l1 and lambda:

    p2 <- p2 + e;   p1 <- a p1 + c p2;   p2 <- (1 - c) p2;   q = p1 factor
    X <- a_pre (X + c_pre P);   P <- (1 - c_pre) P + q            [P on the right: before this line]

A synapse costs nothing while its presynaptic neuron is silent, or while the error is 0.
"""

from __future__ import annotations

import numpy as np

from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import SECOND, at_end_of

__all__ = [
    "FILL",
    "FLUSH",
    "LENGTH",
    "advance_presynaptic",
    "arrivals",
    "arrive",
    "close_step",
    "close_step_of_trial",
    "cross",
    "flush",
    "flushed",
    "forget",
    "forget_row",
    "reset",
]

LENGTH = 0  # of the clock: steps that the block has so far
FILL = 1  # events that the block has so far
FLUSH = 2  # 1 in the last step of a block
TINY = 1e-30  # smaller numbers become 0: denormal ones would be slow


def note(s, j, x, psp):
    """Append an event of presynaptic neuron j."""
    event = s.block[FILL]
    s.event_pre[event] = j
    s.event_x[event] = x
    s.event_psp[event] = psp
    s.block[FILL] = event + 1
    s.idle[j] = 0


def cross(_, t, s, p):
    """Note the PSPs that have crossed the cut since the step before."""
    n = np.uint64(s.x.shape[0])
    changes = np.int32(0)
    for j in range(n):
        changes |= np.int32(s.psp[j] > p.cut) ^ s.above[j]
    if changes != 0:
        for j in range(s.x.shape[0]):
            above = np.int32(s.psp[j] > p.cut)
            if above != s.above[j]:
                sign = 1.0 if above == 1 else -1.0
                note(s, j, sign * s.x[j], sign * s.psp[j])
                s.above[j] = above


def arrivals(t, s, p):
    """Whether spikes arrive at the traces in this step."""
    return s.count[(t - p.delay) % s.ids.shape[0]] > 0


def arrive(_, t, s, p):
    """Add the spikes that arrive now to the traces."""
    slot = (t - p.delay) % s.ids.shape[0]
    for a in range(s.count[slot]):
        j = s.ids[slot, a]
        s.x[j] += 1.0
        if s.above[j] == 1:
            note(s, j, 1.0, 0.0)


def advance_presynaptic(j, t, s, p):
    """Advance the PSP trace of presynaptic neuron j by one step."""
    x = p.a_pre * s.x[j]
    x = 0.0 if x <= TINY else x
    psp = s.psp[j] + p.c_pre * (x - s.psp[j])
    s.x[j] = x
    s.psp[j] = 0.0 if psp <= TINY else psp


def close_step(_, t, s, p):
    """Count the step; the block ends if it is long or has many events, and with the chunk."""
    count_step(s, t % p.chunk == 0)


def close_step_of_trial(_, t, s, p):
    """The same, but that the block ends with the trial."""
    count_step(s, at_end_of(SECOND, s.clock))


def count_step(s, is_last):
    s.event_end[s.block[LENGTH]] = s.block[FILL]
    s.block[LENGTH] += 1
    most = s.x.shape[0] + s.ids.shape[1]  # events that a step can have: crossings and arrivals
    full = s.block[FILL] + most > s.event_pre.shape[0]
    long = s.block[LENGTH] == s.event_end.shape[0]
    s.block[FLUSH] = 1 if full or long or is_last else 0


def flushed(t, s, p):
    """Whether the block ends with this step."""
    return s.block[FLUSH] != 0


def flush(tile, t, s, p):
    """Bring m, l1 and lambda of all synapses up to date, for one tile of postsynaptic neurons."""
    first, last = bounds(tile, s.m.shape[1], p)
    steps = s.block[LENGTH]
    for i in range(first, last):
        s.p1[i] = 0.0
        s.p2[i] = 0.0
        s.X_m[i] = 0.0
        s.P_m[i] = 0.0
        s.X_l1[i] = 0.0
        s.P_l1[i] = 0.0
        s.X_lambda[i] = 0.0
        s.P_lambda[i] = 0.0
    # From l1 and lambda at the start of the block to those at its end.
    l1_to_l1 = 1.0
    l1_to_lambda = 0.0
    lambda_to_lambda = 1.0
    for back in range(steps):
        k = steps - 1 - back
        row = (t - back - p.lag) % s.factor.shape[0]
        correlate(s, p, k, row, first, last)
        l1_to_l1 = p.a * l1_to_l1
        l1_to_lambda = p.a * l1_to_lambda + p.c * lambda_to_lambda
        lambda_to_lambda = (1.0 - p.c) * lambda_to_lambda
    for j in range(s.m.shape[0]):
        if s.idle[j] < p.forget:
            carry(s, j, l1_to_l1, l1_to_lambda, lambda_to_lambda, first, last)
        elif s.idle[j] < 2 * p.forget:
            for i in range(first, last):
                s.l1[j, i] = 0.0
                s.trace[j, i] = 0.0
    to_l1 = 1.0
    to_lambda = 0.0
    rest = 1.0
    for back in range(steps):
        k = steps - 1 - back
        row = (t - back - p.lag) % s.factor.shape[0]
        to_l1 = p.a * to_l1
        to_lambda = p.a * to_lambda + p.c * rest
        rest = (1.0 - p.c) * rest
        adjoin(s.X_m, s.P_m, s.error, k, 1.0, p, first, last)
        adjoin(s.X_l1, s.P_l1, s.factor, row, to_l1, p, first, last)
        adjoin(s.X_lambda, s.P_lambda, s.factor, row, to_lambda, p, first, last)
        begin = s.event_end[k - 1] if k > 0 else 0
        for event in range(begin, s.event_end[k]):
            j = s.event_pre[event]
            x = s.event_x[event]
            psp = s.event_psp[event]
            add_row(s.m, j, s.X_m, s.P_m, x, psp, first, last)
            add_row(s.l1, j, s.X_l1, s.P_l1, x, psp, first, last)
            add_row(s.trace, j, s.X_lambda, s.P_lambda, x, psp, first, last)


def correlate(s, p, k, row, first, last):
    """Carry the adjoints of l1 and lambda one step back; q replaces the error of step k."""
    for i in range(first, last):
        p2 = s.p2[i] + s.error[k, i]
        p1 = p.a * s.p1[i] + p.c * p2
        s.p1[i] = p1
        s.p2[i] = (1.0 - p.c) * p2
    for i in range(first, last):
        s.error[k, i] = s.p1[i] * s.factor[row, i]


def carry(s, j, l1_to_l1, l1_to_lambda, lambda_to_lambda, first, last):
    """Add what the traces at the block's start contribute to m, and bring them to its end."""
    for i in range(first, last):
        s.m[j, i] += s.p1[i] * s.l1[j, i] + s.p2[i] * s.trace[j, i]
    for i in range(first, last):
        trace = lambda_to_lambda * s.trace[j, i] + l1_to_lambda * s.l1[j, i]
        l1 = l1_to_l1 * s.l1[j, i]
        s.trace[j, i] = 0.0 if abs(trace) <= TINY else trace
        s.l1[j, i] = 0.0 if abs(l1) <= TINY else l1


def adjoin(X, P, q, row, scale, p, first, last):
    """Carry the adjoints of x and psp one step back."""
    for i in range(first, last):
        psp = P[i]
        X[i] = p.a_pre * (X[i] + p.c_pre * psp)
        P[i] = (1.0 - p.c_pre) * psp + scale * q[row, i]


def add_row(sums, j, X, P, x, psp, first, last):
    """Add an event's row to the synapses of presynaptic neuron j."""
    if psp == 0.0:
        for i in range(first, last):
            sums[j, i] += x * X[i]
    else:
        for i in range(first, last):
            sums[j, i] += x * X[i] + psp * P[i]


def reset(_, t, s, p):
    """Begin a new block. Every PSP above the cut is an event of its first step."""
    for j in range(s.x.shape[0]):
        s.above[j] = 0
        if s.idle[j] < p.forget:
            s.idle[j] += s.block[LENGTH]
        elif s.idle[j] < 2 * p.forget:
            s.idle[j] = 2 * p.forget
    s.block[LENGTH] = 0
    s.block[FILL] = 0


def forget(j, t, s, p):
    """Forget what presynaptic neuron j has done, as before its first spike."""
    s.x[j] = 0.0
    s.psp[j] = 0.0
    s.above[j] = 0
    s.idle[j] = 2 * p.forget


def forget_row(j, t, s, p):
    """Forget the traces of its synapses."""
    for i in range(np.uint64(s.l1.shape[1])):
        s.l1[j, i] = 0.0
        s.trace[j, i] = 0.0
