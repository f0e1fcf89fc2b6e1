"""The equations of routing ensembles, as bodies; numbers are those of the docstring of `ensembles`.

Arrays of a layer are [unit, neuron], and weights [pre unit, pre neuron, post unit, post neuron]. A
body advances the neurons of unit i. It reads the weights of those neurons below that are listed as
active, and skips neurons that are not receptive. The order of the Phases, spikes from all layers at
once, receptivity upwards and activity downwards, is such that a body finds the states of the last
step where it needs them.
"""

from __future__ import annotations

from spikesim.math import sigmoid, tanh, uniform

__all__ = [
    "burst",
    "correct",
    "exceed",
    "excite",
    "gather",
    "list_active",
    "potentiate",
    "receive_above",
    "receive_gain",
    "receive_goal",
    "relax",
    "send",
    "show",
    "teach_gains",
    "teach_goals",
    "win",
]


def gather(i, t, s, p):
    """(1), from the neurons that were listed in the last step; i is a unit."""
    m = s.u.shape[1]
    for r in range(m):
        s.u[i, r] = s.arousal[0] * s.theta[i, r]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.u[i, r] += s.S[j, b, i, r]


def win(i, t, s, p):
    """(2): the q largest, of equal ones the earlier."""
    m = s.u.shape[1]
    for r in range(m):
        s.s[i * m + r] = 0
    for _ in range(max(0, min(m, p.q + int(p.q_arousal * s.arousal[0])))):
        best = -1
        for r in range(m):
            if s.s[i * m + r] == 0 and (best < 0 or s.u[i, r] > s.u[i, best]):
                best = r
        s.s[i * m + best] = 1


def exceed(i, t, s, p):
    """(2) with a threshold."""
    for r in range(s.u.shape[1]):
        s.s[i * s.u.shape[1] + r] = 1 if s.u[i, r] > p.threshold else 0


def excite(i, t, s, p):
    """(2) with neurons that spike: u is their drive."""
    for r in range(s.u.shape[1]):
        s.drive[i * s.u.shape[1] + r] += p.drive * s.u[i, r]


def list_active(_, t, s, p):
    """List the neurons that are active now."""
    count = 0
    for n in range(s.s.shape[0]):
        if s.s[n] != 0:
            s.ids[count] = n
            count += 1
    s.count[0] = count


def receive_goal(i, t, s, p):
    """(3) of the goals."""
    for r in range(s.sum.shape[1]):
        s.sum[i, r] = 0.0
    for g in range(s.goal.shape[0]):
        if s.goal[g] != 0.0:
            for r in range(s.sum.shape[1]):
                s.sum[i, r] += s.goal[g] * s.G[g, i, r]


def receive_gain(i, t, s, p):
    """(3) of gains."""
    for r in range(s.sum.shape[1]):
        s.sum[i, r] = 0.0
        for g in range(s.goal.shape[0]):
            if s.goal[g] != 0.0 and s.receptive[g, i, r] != 0:
                s.sum[i, r] = s.gain[i, r]


def receive_above(i, t, s, p):
    """(3) of the layer above, which has not changed yet in this step."""
    for j in range(s.a_above.shape[0]):
        for b in range(s.a_above.shape[1]):
            if s.a_above[j, b] != 0.0:
                for r in range(s.sum.shape[1]):
                    s.sum[i, r] += s.a_above[j, b] * s.A[j, b, i, r]


def relax(i, t, s, p):
    """(4), by the step that forward Euler takes."""
    for r in range(s.a.shape[1]):
        wanted = sigmoid(s.sum[i, r]) if p.logistic == 1 else s.sum[i, r]
        s.a[i, r] += p.share * (wanted - s.a[i, r])


def burst(i, t, s, p):
    """Receptive are those neurons that burst, with the probability of (4)."""
    for r in range(s.a.shape[1]):
        s.a[i, r] = 1.0 if uniform(s, i * s.a.shape[1] + r) < s.probability[i, r] else 0.0


def send(i, t, s, p):
    """(5) and (6), of active and receptive neurons only; h_below is that of the last step."""
    m = s.a.shape[1]
    count = 0
    for r in range(m):
        s.I[i, r] = 0.0
        if s.a[i, r] != 0.0:
            s.open[i, count] = r
            count += 1
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        if count == m:
            for r in range(m):
                s.I[i, r] += s.w[j, b, i, r] * s.h_below[j]
        else:
            for k in range(count):
                r = s.open[i, k]
                s.I[i, r] += s.w[j, b, i, r] * s.h_below[j]
    total = 0.0
    for k in range(count):
        r = s.open[i, k]
        s.I[i, r] = s.a[i, r] * s.I[i, r]
        total += s.I[i, r]
    s.h[i] = tanh(p.c * total + s.b[i])


def show(j, t, s, p):
    """s of the input, or its h, which the layer above sees one step later."""
    for b in range(s.shown.shape[1]):
        s.out[j * s.shown.shape[1] + b] = s.shown[j, b]


def potentiate(i, t, s, p):
    """(8)."""
    m = s.a.shape[1]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            if s.a[i, r] != 0.0:
                s.w[j, b, i, r] += s.rates[0] * s.a[i, r] * s.delta[i, r]


def correct(i, t, s, p):
    """Δ of (9), with what is wrong in row i of (7)."""
    m = s.a.shape[1]
    for j in range(s.R.shape[0]):
        s.error[j, i] = s.R[j, i]
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.error[j, i] -= p.c * s.a[i, r] * s.w[j, b, i, r]
    for r in range(m):
        s.correction[i, r] = 0.0
    for e in range(s.count_below[0]):
        j, b = s.ids_below[e] // m, s.ids_below[e] % m
        for r in range(m):
            s.correction[i, r] += p.c * s.error[j, i] * s.w[j, b, i, r]


def teach_goals(i, t, s, p):
    """(9) for G."""
    for g in range(s.goal.shape[0]):
        for r in range(s.a.shape[1]):
            if s.receptive[g, i, r] != 0:
                slope = s.a[i, r] * (1.0 - s.a[i, r]) if p.logistic == 1 else 1.0
                s.G[g, i, r] += s.rates[1] * s.goal[g] * slope * s.correction[i, r]


def teach_gains(i, t, s, p):
    """(9) for gains."""
    for r in range(s.a.shape[1]):
        present = 0
        for g in range(s.goal.shape[0]):
            if s.goal[g] != 0.0 and s.receptive[g, i, r] != 0:
                present = 1
        if present == 1:
            s.gain[i, r] += s.rates[1] * s.correction[i, r]
