"""Ensembles with micro and meso states, as their equations say, naively in NumPy.

Written from the equations alone. Weights are [pre, post]: neuron b of unit j is row j m + b, neuron
a of unit i is column i m + a. Lists have an entry for each layer 0..K: ``w[k]``, ``S[k]``,
``theta[k]`` and ``b[k]`` (1..K) belong to layer k, whose input is layer k - 1; ``A[k]`` (1..K-1)
leads down to layer k from layer k + 1; ``G[k]`` (1..K) leads to layer k from the goal. Entries that
do not exist are None. M[k] is [units of layer k - 1, units of layer k].

Where the equations leave a choice, a comment says which one is made.
"""

import numpy as np


def sigma(x):
    return 1.0 / (1.0 + np.exp(-x))


def winners(x, m, q):
    """Of each unit's m neurons the q largest, the earlier one where two are equal."""
    s = np.zeros(len(x))
    for i in range(0, len(x), m):
        s[i + np.argsort(-x[i : i + m], kind="stable")[:q]] = 1.0
    return s


def scale(m, q):
    """c. Not said: whether it follows a q that changes. It does not."""
    return 1.0 / np.sqrt(m * q)


def meso(a, w, s, m, q):
    """M = c x (sums over blocks of diag(s) w diag(a))."""
    masked = s[:, None] * w * a[None, :]
    blocks = masked.reshape(len(s) // m, m, len(a) // m, m)
    return scale(m, q) * blocks.sum(axis=(1, 3))


def meso_written_out(a, w, s, m, q):
    """The same, sum by sum."""
    M = np.zeros((len(s) // m, len(a) // m))
    for j in range(M.shape[0]):
        for i in range(M.shape[1]):
            for n_b in range(j * m, (j + 1) * m):
                for n_a in range(i * m, (i + 1) * m):
                    M[j, i] += scale(m, q) * a[n_a] * w[n_b, n_a] * s[n_b]
    return M


def currents(a, w, s):
    """I = a . (w s), of every neuron."""
    return a * (s @ w)


def currents_by_event(a, w, s):
    """The same: rows of w of the active only, and no columns of neurons with a = 0."""
    current = np.zeros(len(a))
    open_ = np.flatnonzero(a)
    for n_b in np.flatnonzero(s):
        current[open_] += w[n_b, open_]
    return a * current


def drive_by_event(a, w, s, h, m, q):
    """h M without M: an active neuron sends the h of its unit."""
    current = np.zeros(len(a))
    open_ = np.flatnonzero(a)
    for n_b in np.flatnonzero(s):
        current[open_] += w[n_b, open_] * h[n_b // m]
    return scale(m, q) * (a * current).reshape(-1, m).sum(axis=1)


def learn_w(w, a, delta, s, eta):
    """w += eta (a . delta) s^T, where delta is a neuron's, or its unit's.

    Not said: whose error delta is. With that of the neurons' currents I this is gradient descent.
    With that of a unit's h it is not: the gradient has c and the sender's h as further factors.
    """
    delta = np.repeat(delta, len(a) // len(delta))
    return w + eta * np.outer(s, a * delta)


def receptivity_error(wanted, a, w, s, m, q):
    """The delta rule on M, for a: sum_j (wanted - M)[j, i] dM[j, i] / da."""
    error = wanted - meso(a, w, s, m, q)
    slope = scale(m, q) * (s[:, None] * w).reshape(len(s) // m, m, len(a)).sum(axis=1)
    return (np.repeat(error, m, axis=1) * slope).sum(axis=0)


class NaiveRouting:
    """Layers 0..K; all micro and meso states at t - 1 can be set.

    Not said: what f of the units and of a is (tanh and the logistic function, unless given), what
    the states before the first step are (0), the threshold that replaces the k winners (s = 1
    above it), and how q grows (by ``q_per_arousal`` x AROUSAL, rounded down, up to m).

    As G_k GOAL(t) is in every a_k, a goal reaches at once all layers whose G is not 0. Latencies
    downwards of t_0 + K - k are those of networks where only the top layer has such a G.
    """

    def __init__(
        self,
        m,
        q,
        w,
        S,
        theta,
        A,
        G,
        b,
        q_per_arousal=0.0,
        threshold=None,
        tau_a=1.0,
        phi=np.tanh,
        f=sigma,
    ):
        self.m, self.q, self.K = m, q, len(w) - 1
        self.w, self.S, self.theta, self.A, self.G, self.b = (
            [None if x is None else np.array(x, float) for x in each]
            for each in (w, S, theta, A, G, b)
        )
        self.q_per_arousal, self.threshold = q_per_arousal, threshold
        self.tau_a, self.phi, self.f = tau_a, phi, f
        neurons = [self.w[1].shape[0]] + [each.shape[1] for each in self.w[1:]]
        self.s = [np.zeros(n) for n in neurons]
        self.a = [None] + [np.zeros(n) for n in neurons[1:]]
        self.h = [np.zeros(n // m) for n in neurons]
        self.M = [None] * (self.K + 1)

    def select(self, k, arousal):
        """s_k from the s_{k-1} of t - 1."""
        x = self.s[k - 1] @ self.S[k] + arousal * self.theta[k]
        if self.threshold is not None:
            return (x > self.threshold) * 1.0
        q = min(self.m, int(np.floor(self.q + self.q_per_arousal * arousal)))
        return winners(x, self.m, q)

    def receive(self, k, goal):
        """a_k from the a_{k+1} of t - 1.

        Not said: how a slow a is stepped. By Euler, tau_a in steps, so 1 is an a that is not slow.
        """
        x = goal @ self.G[k]
        if k < self.K:
            x = x + self.a[k + 1] @ self.A[k]
        return self.a[k] + (self.f(x) - self.a[k]) / self.tau_a

    def step(self, pattern, h_0, goal, arousal=0.0):
        layers = range(1, self.K + 1)
        s = [np.array(pattern, float)] + [self.select(k, arousal) for k in layers]
        a = [None] + [self.receive(k, goal) for k in layers]
        M = [None] + [meso(a[k], self.w[k], s[k - 1], self.m, self.q) for k in layers]
        h = [self.phi(self.h[k - 1] @ M[k] + self.b[k]) for k in layers]
        self.s, self.a, self.M, self.h = s, a, M, [np.array(h_0, float), *h]

    def step_by_event(self, pattern, h_0, goal, arousal=0.0):
        """The same, with no M formed."""
        layers = range(1, self.K + 1)
        s = [np.array(pattern, float)] + [self.select(k, arousal) for k in layers]
        a = [None] + [self.receive(k, goal) for k in layers]
        h = []
        for k in layers:
            drive = drive_by_event(a[k], self.w[k], s[k - 1], self.h[k - 1], self.m, self.q)
            h.append(self.phi(drive + self.b[k]))
        self.s, self.a, self.h = s, a, [np.array(h_0, float), *h]

    def learn_w(self, k, delta, eta):
        """With the states of the step that has just been made."""
        self.w[k] = learn_w(self.w[k], self.a[k], delta, self.s[k - 1], eta)

    def learn_G(self, k, wanted, goal, eta):
        """The delta rule on M, for G_k: a = sigma(..), whose slope is a (1 - a).

        Called after a step with this goal. A slow a uses the a that it has.
        """
        a = self.a[k]
        error = receptivity_error(wanted, a, self.w[k], self.s[k - 1], self.m, self.q)
        self.G[k] = self.G[k] + eta * np.outer(goal, error * a * (1.0 - a))
