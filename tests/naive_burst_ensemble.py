"""Burst-multiplexing ensembles at the level of rates (Richards 2018, Payeur et al. 2021), slowly.

This is the oracle against which spikesim's own model is tested. It transcribes sections 1.1 and
1.3 of the specification equation by equation in float64 NumPy, keeps every step of every layer,
shares no code with the package and is never fast.

Names. Layers are k = 0 ... K: 0 is the image, 1 ... K - 1 are hidden, K is the output. Every list
is indexed by k, with None where a layer has no such thing, so that `W[k]` is W_k of the
specification. `W[k]` is (n_{k-1}, n_k), [pre, post], `Y[k]` is (n_k, n_{k+1}), [post, source], and
`Z[k]` is (n_k, n_k), [pre, post]; with row vectors

    v_k = h_{k-1} W_k + b_k       h_k = sigmoid(v_k)
    u_k = Y_k f_{k+1} - g_k Z_k   p_k = sigmoid(u_k)   beta_k = h_k p_k

where g is what the SST+ cells see and f is what is fed back.

The ensemble network in time, one example of T steps (0 ... T - 1) after the other without a reset:

    W, b, Y, Z = initial_weights((784, 500, 10), rng)
    net = NaiveBurstEnsemble(W, b, Y, Z, alpha=(20.0, 1.0), alpha_Z=1e-3)
    ex = net.train_example(image, onehot, nudge_step=6, T=10)
    ex.h[k], ex.u[k], ex.p[k], ex.beta[k]     (T, n_k); u is None for the output
    ex.delta[k]                               Delta beta_k * gate_k: the local error, after alpha
                                              and outer product the change of W_k
    ex.dW[k], ex.db[k], ex.dZ[k], ex.dY[k]    what was added, before any clipping of Z
    ex.W[k], ex.b[k], ex.Y[k], ex.Z[k]        copies, as they are after the example
    net.test_example(image, T=10)             the same without nudge and learning
    net.train_backprop(image, onehot)         the control

The rate code of 2020, a batch at a time and without time:

    net = NaiveBurstprop(W, b, Y, R, lr=(0.1, 0.01))
    step = net.train_batch(x, t)              e, u, u_t, p, p_t, b, b_t, delta per layer

Where the specification leaves a choice:
- everything in a step follows from the step before; only the image is seen at once, so that
  h_0(t - 1) is the image of step t, in the first step of an example too. h_{k-1}(s_k - 2) is
  what h_k(s_k - 1) was computed from; for k = 1 that is the image of step s_k - 1.
- before the first example h = 0, u = 0 and so p = 1/2, beta = 0; p of the output is always p0.
- a nudge must reach layer 1 within its example (t* + K - 1 < T), else it is refused; with
  `drop_late` the layers that it has not reached by then do not learn (July 2018).
- layer k is updated at the end of step s_k: the states of s_k are those of the old weights, those
  of s_k + 1 already of the new ones.
- W_k, Z_k and Y_k change at once, each from the old values of the others.
- the derivative of the output is p0 h (1 - h), or p0 1[h > 0] for ReLU, with the boxcar too.
- learned Y (the text is terse): u_max_i = sum_j |Y_ij| / mean(Z g), where the mean runs over the
  layer, Z g is that which entered u_k(s_k) and is held fixed, and Y_k changes at s_k, down the
  gradient of L_Y: dY_ij = alpha_Y * 2 (u_range - u_max_i) sign(Y_ij) / mean(Z g).
- mirrored Y (section 1.3's rule, one image at a time): Y_k gains mirror times what W_{k+1} gained,
  transposed, at s_k, from the delta_{k+1} of one step before; W_k for k > 1 and Y_k first lose the
  fraction `forgetting` of themselves.
- with an apical gate, what is fed back is multiplied by 1 - h_k(t - 1), as in section 1.3.
- backpropagation is that of the settled network and uses the weights from before the update.
- burstprop: momentum holds for biases too, gradients are summed over the batch, and Y[k] learns
  with rate, momentum and decay of W[k + 1]. R changes by the u that the old R gave.
"""

from dataclasses import dataclass, field

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def boxcar(x, m, v):
    """1 where m - v <= x <= m + v, else 0."""
    return np.where((m - v <= x) & (x <= m + v), 1.0, 0.0)


def initial_weights(sizes, rng, W=(0.05, 0.01), Y=1.0, Z=(0.0, 0.01), W_output_shift=0.001):
    """All uniform: W_k within +-W[k-1], Y within +-Y, Z between the two of Z; b = 0.

    `W_output_shift` is added to the weights of the output.
    """
    layers = range(1, len(sizes))
    weights = [rng.uniform(-W[k - 1], W[k - 1], (sizes[k - 1], sizes[k])) for k in layers]
    weights[-1] = weights[-1] + W_output_shift
    b = [np.zeros(sizes[k]) for k in layers]
    hidden = layers[:-1]
    feedback = [rng.uniform(-Y, Y, (sizes[k], sizes[k + 1])) for k in hidden]
    inhibition = [rng.uniform(*Z, (sizes[k], sizes[k])) for k in hidden]
    return weights, b, feedback, inhibition


def copies(arrays):
    """Float64 copies of a list of arrays, None where it has None."""
    return [None if array is None else np.array(array, dtype=float) for array in arrays]


# ------------------------------------------------------------------ the ensemble network of 2018


@dataclass
class State:
    """All layers in one step."""

    h: list
    u: list
    p: list
    beta: list
    seen: list  # seen[k] is the h_{k-1} from which this h_k was computed


@dataclass
class Example:
    h: list
    u: list
    p: list
    beta: list
    delta: list
    dW: list
    db: list
    dZ: list
    dY: list
    W: list = field(default_factory=list)
    b: list = field(default_factory=list)
    Y: list = field(default_factory=list)
    Z: list = field(default_factory=list)


class NaiveBurstEnsemble:
    def __init__(
        self,
        W,  # K arrays [pre, post]
        b,  # K arrays
        Y,  # K - 1 arrays [post, source], of the hidden layers
        Z=None,  # K - 1 arrays [pre, post], of the hidden layers; None = no SST+ cells
        *,
        p0=0.2,  # burst probability of the output
        lam=0.5,  # strength of the nudge; 1 replaces the output by the target
        gamma=0.05,  # where the SST+ weights hold the apical potential
        alpha=1.0,  # rates of W and b: a number, or one for each of k = 1 ... K
        alpha_Z=0.0,
        alpha_Y=0.0,
        mirror=0.0,
        forgetting=0.0,
        apical_gate=False,
        u_range=2.0,
        sst="beta",  # what SST+ cells see: "beta" (talks) or "h" (July 2018)
        output="sigmoid",  # or "relu"
        feedback="beta",  # what is fed back: "beta" (talks) or "gated" (2018 code)
        derivative="exact",  # of a hidden layer: or "boxcar"
        m=0.0,  # centre and
        v=4.0,  # half-width of the boxcar
        clip_Z=False,  # True: Z >= 0 after each update
        drop_late=False,  # True: late nudges are allowed
    ):
        for name, value, known in (
            ("sst", sst, ("beta", "h")),
            ("output", output, ("sigmoid", "relu")),
            ("feedback", feedback, ("beta", "gated")),
            ("derivative", derivative, ("exact", "boxcar")),
        ):
            if value not in known:
                raise ValueError(f"{name} is one of {known}, not {value!r}")
        self.K = len(W)
        self.W = copies([None, *W])
        self.b = copies([None, *b])
        self.sizes = [self.W[1].shape[0]] + [W_k.shape[1] for W_k in self.W[1:]]
        self.layers = range(1, self.K + 1)
        self.hidden = range(1, self.K)
        if Z is None:
            Z = [np.zeros((self.sizes[k], self.sizes[k])) for k in self.hidden]
        self.Y = copies([None, *Y, None])
        self.Z = copies([None, *Z, None])
        self.p0, self.lam, self.gamma = p0, lam, gamma
        self.alpha = [None, *np.broadcast_to(np.asarray(alpha, dtype=float), self.K)]
        self.alpha_Z, self.alpha_Y, self.u_range = alpha_Z, alpha_Y, u_range
        self.mirror, self.forgetting, self.apical_gate = mirror, forgetting, apical_gate
        self.sst, self.output, self.feedback, self.derivative = sst, output, feedback, derivative
        self.m, self.v, self.clip_Z = m, v, clip_Z
        self.drop_late = drop_late

        zeros = [np.zeros(n) for n in self.sizes]
        self.state = State(
            h=copies(zeros),
            u=[None, *copies(zeros[1 : self.K]), None],
            p=[None, *(z + 0.5 for z in zeros[1 : self.K]), np.full(self.sizes[-1], p0)],
            beta=[None, *copies(zeros[1:])],
            seen=[None, *copies(zeros[: self.K])],
        )

    # -------------------------------------------------------------- the equations

    def fed_back(self, state, k):
        """f_{k+1}: what layer k is sent by the layer above."""
        beta = state.beta[k + 1]
        if self.feedback == "beta":
            return beta
        if k + 1 == self.K:
            return beta * self.p0 * np.where(beta > 0, 1.0, 0.0)
        return beta * boxcar(beta, self.m, self.v)

    def seen_by_sst(self, state, k):
        """g_k: what the SST+ cells of layer k are sent."""
        return state.beta[k] if self.sst == "beta" else state.h[k]

    def output_rate(self, v):
        return sigmoid(v) if self.output == "sigmoid" else np.maximum(v, 0.0)

    def output_slope(self, h):
        return h * (1 - h) if self.output == "sigmoid" else np.where(h > 0, 1.0, 0.0)

    def next_state(self, image, onehot=None):
        """One step; a nudge towards `onehot` unless that is None."""
        K, before = self.K, self.state
        seen = [None, image, *before.h[1:K]]
        h, u, p, beta = [image], [None], [None], [None]
        for k in self.hidden:
            h.append(sigmoid(seen[k] @ self.W[k] + self.b[k]))
            inhibition = self.seen_by_sst(before, k) @ self.Z[k]
            excitation = self.Y[k] @ self.fed_back(before, k)
            if self.apical_gate:
                excitation = excitation * (1.0 - before.h[k])
            u.append(excitation - inhibition)
            p.append(sigmoid(u[k]))
            beta.append(h[k] * p[k])
        h_K = self.output_rate(seen[K] @ self.W[K] + self.b[K])
        if onehot is not None:
            h_K = (1 - self.lam) * h_K + self.lam * onehot
        h.append(h_K)
        u.append(None)
        p.append(np.full(self.sizes[K], self.p0))
        beta.append(h_K * p[K])
        return State(h, u, p, beta, seen)

    def gate(self, state, k):
        """d beta_k / d v_k in that step, with p_k held fixed."""
        if k == self.K:
            return self.p0 * self.output_slope(state.h[k])
        if self.derivative == "boxcar":
            return boxcar(state.beta[k], self.m, self.v)
        return state.p[k] * state.h[k] * (1 - state.h[k])

    # -------------------------------------------------------------- learning

    def learn(self, k, before, now, example):
        """Update layer k; `now` is step s_k, `before` is the step before it."""
        delta = (now.beta[k] - before.beta[k]) * self.gate(before, k)
        example.delta[k] = delta
        example.dW[k] = self.alpha[k] * np.outer(before.seen[k], delta)
        example.db[k] = self.alpha[k] * delta
        if k < self.K:
            g = self.seen_by_sst(before, k)
            example.dZ[k] = self.alpha_Z * np.outer(g, now.u[k] - self.gamma)
            example.dY[k] = self.feedback_change(k, g)
            self.Z[k] = self.Z[k] + example.dZ[k]
            if self.mirror:
                above = self.alpha[k + 1] * example.delta[k + 1]
                self.Y[k] = (1.0 - self.forgetting) * self.Y[k]
                example.dY[k] = example.dY[k] + self.mirror * np.outer(before.h[k], above)
            self.Y[k] = self.Y[k] + example.dY[k]
            if self.clip_Z:
                self.Z[k] = np.maximum(self.Z[k], 0.0)
        kept = 1.0 if k == 1 else 1.0 - self.forgetting
        self.W[k] = kept * self.W[k] + example.dW[k]
        self.b[k] = self.b[k] + example.db[k]

    def feedback_change(self, k, g):
        if self.alpha_Y == 0:
            return np.zeros_like(self.Y[k])
        mean_inhibition = np.mean(g @ self.Z[k])
        u_max = np.sum(np.abs(self.Y[k]), axis=1) / mean_inhibition
        missing = self.u_range - u_max
        return self.alpha_Y * 2 * missing[:, None] * np.sign(self.Y[k]) / mean_inhibition

    # -------------------------------------------------------------- examples

    def train_example(self, image, onehot, *, nudge_step, T):
        """Show an image for T steps; nudge the output in one of them and learn from it."""
        last = T - 1 if self.drop_late else T - self.K
        if not 0 <= nudge_step <= last:
            raise ValueError(f"a nudge in step {nudge_step} of {T} does not reach layer 1 in time")
        return self.run_example(image, onehot, nudge_step, T)

    def test_example(self, image, *, T):
        return self.run_example(image, None, None, T)

    def run_example(self, image, onehot, nudge_step, T):
        image = np.asarray(image, dtype=float)
        nothing = [None] * (self.K + 1)
        records = {name: [[] for _ in nothing] for name in ("h", "u", "p", "beta")}
        example = Example(
            **records, **{name: nothing.copy() for name in ("delta", "dW", "db", "dZ", "dY")}
        )
        for t in range(T):
            before = self.state
            self.state = now = self.next_state(image, onehot if t == nudge_step else None)
            for k in self.layers:
                if nudge_step is not None and t == nudge_step + self.K - k:
                    self.learn(k, before, now, example)
            for name, per_layer in records.items():
                for k, steps in enumerate(per_layer):
                    steps.append(getattr(now, name)[k])
        for name, per_layer in records.items():
            arrays = [None if steps[0] is None else np.array(steps) for steps in per_layer]
            setattr(example, name, arrays)
        for name in ("W", "b", "Y", "Z"):
            setattr(example, name, copies(getattr(self, name)))
        return example

    # -------------------------------------------------------------- control

    def settled_rates(self, image):
        """The h_k to which a static image leads."""
        h = [np.asarray(image, dtype=float)]
        for k in self.layers:
            v = h[k - 1] @ self.W[k] + self.b[k]
            h.append(sigmoid(v) if k < self.K else self.output_rate(v))
        return h

    def backprop_deltas(self, image, onehot):
        """-d/dv_k of lam p0^2 / 2 ||onehot - h_K||^2: as large as the nudge makes the output's."""
        h = self.settled_rates(image)
        delta = [None] * (self.K + 1)
        delta[self.K] = self.lam * self.p0**2 * (onehot - h[self.K]) * self.output_slope(h[self.K])
        for k in reversed(self.hidden):
            delta[k] = (self.W[k + 1] @ delta[k + 1]) * h[k] * (1 - h[k])
        return delta

    def train_backprop(self, image, onehot):
        """One step of gradient descent; returns the deltas."""
        h, delta = self.settled_rates(image), self.backprop_deltas(image, onehot)
        for k in self.layers:
            self.W[k] = self.W[k] + self.alpha[k] * np.outer(h[k - 1], delta[k])
            self.b[k] = self.b[k] + self.alpha[k] * delta[k]
        return delta


# ------------------------------------------------------------------ the rate code of 2020


@dataclass
class Batch:
    """All layers for one batch, arrays (batch, n_k); `_t` is with the target shown."""

    e: list
    u: list
    u_t: list
    p: list
    p_t: list
    b: list
    b_t: list
    b_pre: list
    delta: list


class NaiveBurstprop:
    """Burstprop without time.

    `W`, `b` and `Y` are as above; Y[k] has the shape of W[k + 1], so that b_{k+1} Y_k^T is what
    layer k is fed. `R` are the recurrent weights of the hidden layers, (n_k, n_k), [pre, post];
    without them there is no recurrent inhibition.
    """

    def __init__(
        self,
        W,
        b,
        Y,
        R=None,
        *,
        p0=0.2,
        lr=0.01,  # a number, or one for each of k = 1 ... K
        momentum=0.0,
        weight_decay=0.0,
        lr_R=0.0,
        learn_feedback=False,
    ):
        self.K = len(W)
        self.layers, self.hidden = range(1, self.K + 1), range(1, self.K)
        self.W, self.b, self.Y = copies([None, *W]), copies([None, *b]), copies([None, *Y, None])
        self.R = None if R is None else copies([None, *R, None])
        self.p0, self.momentum, self.weight_decay = p0, momentum, weight_decay
        self.lr = [None, *np.broadcast_to(np.asarray(lr, dtype=float), self.K)]
        self.lr_R, self.learn_feedback = lr_R, learn_feedback
        self.D_W = [None, *(np.zeros_like(W_k) for W_k in self.W[1:])]
        self.D_b = [None, *(np.zeros_like(b_k) for b_k in self.b[1:])]
        self.D_Y = [None, *(np.zeros_like(Y_k) for Y_k in self.Y[1 : self.K]), None]

    def event_rates(self, x):
        e = [np.asarray(x, dtype=float)]
        for k in self.layers:
            e.append(sigmoid(e[k - 1] @ self.W[k] + self.b[k]))
        return e

    def burst_rates(self, x, t):
        """Event rates bottom-up, then bursts top-down, without (b) and with (b_t) the target."""
        K = self.K
        s = Batch(self.event_rates(x), *([None] * (K + 1) for _ in range(8)))
        e_K = s.e[K]
        s.p[K] = np.full_like(e_K, self.p0)
        s.p_t[K] = self.p0 * ((t - e_K) * (1 - e_K) + 1)
        for k in reversed(self.layers):
            if k < K:
                self.apical_potentials(s, k)
                s.p[k], s.p_t[k] = sigmoid(s.u[k]), sigmoid(s.u_t[k])
            s.b[k], s.b_t[k] = s.p[k] * s.e[k], s.p_t[k] * s.e[k]
            s.delta[k] = -(s.b_t[k] - s.b[k])
        return s

    def apical_potentials(self, s, k):
        F, F_t = s.b[k + 1] @ self.Y[k].T, s.b_t[k + 1] @ self.Y[k].T
        s.u[k], s.u_t[k] = F * (1 - s.e[k]), F_t * (1 - s.e[k])
        if self.R is not None:
            s.b_pre[k] = sigmoid(F) * s.e[k]
            inhibition = s.b_pre[k] @ self.R[k]  # the same for both
            s.u[k], s.u_t[k] = s.u[k] - inhibition, s.u_t[k] - inhibition

    def train_batch(self, x, t):
        s = self.burst_rates(x, t)
        for k in self.layers:
            gradient_W, gradient_b = s.e[k - 1].T @ s.delta[k], np.sum(s.delta[k], axis=0)
            self.D_W[k] = -self.lr[k] * gradient_W + self.momentum * self.D_W[k]
            self.D_b[k] = -self.lr[k] * gradient_b + self.momentum * self.D_b[k]
            self.W[k] = self.W[k] + self.D_W[k] - self.weight_decay * self.W[k]
            self.b[k] = self.b[k] + self.D_b[k]
            if self.learn_feedback and k > 1:
                Y, D_Y = self.Y[k - 1], self.D_Y[k - 1]
                self.D_Y[k - 1] = -self.lr[k] * gradient_W + self.momentum * D_Y
                self.Y[k - 1] = Y + self.D_Y[k - 1] - self.weight_decay * Y
            if self.R is not None and k < self.K:
                self.R[k] = self.R[k] + self.lr_R * (s.b_pre[k].T @ s.u[k])
        return s
