"""What the specification says of learning from reward (REINFORCE), naively in NumPy.

Written from the equations alone, example by example and step by step. Weights are [pre, post]:
``W[l]`` leads to layer l + 1. Examples are rows.

    net = NaiveReward(W, b, action="softmax", baseline="global", eta=0.05)
    net.learn(x, reward, U, context)    an update from a batch; returns actions and rewards
    net.expected_gradient(x, reward)    of one example, by enumeration of all outcomes

``reward(i, action)`` is any function of the example's number in the batch and its action, an index
(softmax) or a vector of 0 and 1 (Bernoulli). ``U`` has one array per layer, (examples, n_l); that
of a softmax output is (examples,). ``context`` has an index per example (baseline="stimulus").

    net = NaiveSpikingReward(W, escape="exponential", baseline="stimulus", eta=0.005)
    net.trial(spikes, U)                spikes of all layers, z of all weights, of one trial
    net.learn(spikes, reward, U, context, ties)
    net.log_likelihood(spikes, emitted) of recorded spikes of all layers above the input

Input spikes are (trials, steps, n_0), uniforms one array (trials, steps, n_l) per layer, ``ties``
one uniform per trial, which draws among equally active output units.

Where the specification leaves a choice:
- (5.2) in a batch: every example is measured against the baseline of the batch's start, which then
  moves once, by kappa towards the batch's mean reward; with "stimulus", that of every context that
  the batch holds towards the mean reward of its examples. "expected" takes given numbers.
- a uniform that no cumulative pi exceeds, for rounding, chooses the last action.
- the entropy bonus is part of the output update of weights and biases, and there only; Bernoulli
  outputs have the same with H = -sum p log p + (1 - p) log(1 - p).
- of k tied outputs, number floor(U k) wins; all tie when none has spiked.
- (5.6) has no bias.
"""

import itertools

import numpy as np


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


def log_softmax(a):
    a = a - a.max()
    return a - np.log(np.exp(a).sum())


class Baseline:
    """b of (5.1) and (5.2)."""

    def __init__(self, kind, kappa, start, contexts):
        self.kind, self.kappa = kind, kappa
        self.b = np.full(contexts if kind == "stimulus" else 1, float(start))

    def of(self, i, context, expected):
        if self.kind == "none":
            return 0.0
        if self.kind == "expected":
            return expected[i]
        return self.b[context[i]] if self.kind == "stimulus" else self.b[0]

    def follow(self, rewards, context):
        rewards = np.asarray(rewards)
        if self.kind == "global":
            self.b[0] += self.kappa * (rewards.mean() - self.b[0])
        if self.kind == "stimulus":
            for c in np.unique(context):
                mean = rewards[np.asarray(context) == c].mean()
                self.b[c] += self.kappa * (mean - self.b[c])


class NaiveReward:
    def __init__(
        self,
        W,
        b,
        action="softmax",  # or "bernoulli"
        eta=0.05,
        baseline="global",  # or "none", "stimulus", "expected"
        kappa=0.05,
        start=0.0,
        contexts=1,
        entropy=0.0,
        decay=0.0,
        reduction="mean",  # or "sum"
        bias_rate=1.0,
        seed=0,
    ):
        self.W, self.b = ([np.array(x, float) for x in each] for each in (W, b))
        self.L = len(self.W)
        self.action, self.entropy = action, entropy
        self.eta = np.broadcast_to(np.asarray(eta, float), (self.L,))
        self.baseline = Baseline(baseline, kappa, start, contexts)
        self.decay, self.reduction, self.bias_rate = decay, reduction, bias_rate
        self.rng = np.random.default_rng(seed)

    def draw(self, m):
        U = [self.rng.random((m, len(b))) for b in self.b]
        if self.action == "softmax":
            U[-1] = self.rng.random(m)
        return U

    # ------------------------------------------------------------------ one example

    def sample(self, x, U):
        """s of all layers below the output, and the action."""
        s = [np.asarray(x, float)]
        for k in range(self.L - 1):
            p = sigma(s[k] @ self.W[k] + self.b[k])  # (5.3)
            s.append((U[k] < p) * 1.0)
        a = s[-1] @ self.W[-1] + self.b[-1]
        if self.action == "bernoulli":
            return s, (U[-1] < sigma(a)) * 1.0
        chosen = np.flatnonzero(np.cumsum(np.exp(log_softmax(a))) > U[-1])  # (5.4)
        return s, int(chosen[0]) if len(chosen) else len(a) - 1

    def eligibility(self, s, action):
        """z of all weights and of all biases: the gradient of log P(s, action)."""
        post = []
        for k in range(self.L - 1):
            p = sigma(s[k] @ self.W[k] + self.b[k])
            post.append(s[k + 1] - p)
        a = s[-1] @ self.W[-1] + self.b[-1]
        if self.action == "bernoulli":
            post.append(action - sigma(a))
        else:
            onehot = np.zeros(len(a))
            onehot[action] = 1.0
            post.append(onehot - np.exp(log_softmax(a)))
        return [np.outer(below, each) for below, each in zip(s, post, strict=True)], post

    def log_probability(self, s, action):
        total = 0.0
        for k in range(self.L - 1):
            p = sigma(s[k] @ self.W[k] + self.b[k])
            total += np.log(np.where(s[k + 1] == 1.0, p, 1.0 - p)).sum()
        a = s[-1] @ self.W[-1] + self.b[-1]
        if self.action == "bernoulli":
            return total + np.log(np.where(action == 1.0, sigma(a), 1.0 - sigma(a))).sum()
        return total + log_softmax(a)[action]

    def entropy_slope(self, s):
        """dH/da of the output, of (5.4b)."""
        a = s[-1] @ self.W[-1] + self.b[-1]
        if self.action == "bernoulli":
            p = sigma(a)
            return -p * (1.0 - p) * np.log(p / (1.0 - p))
        log_pi = log_softmax(a)
        pi = np.exp(log_pi)
        H = -(pi * log_pi).sum()
        return -pi * (log_pi + H)

    # ------------------------------------------------------------------ a batch

    def updates(self, x, reward, U=None, context=None, expected=None):
        """The mean or the sum of dW/eta and db/eta; actions and rewards of all examples."""
        U = self.draw(len(x)) if U is None else U
        dW = [np.zeros_like(W) for W in self.W]
        db = [np.zeros_like(b) for b in self.b]
        actions, rewards = [], []
        for i in range(len(x)):
            s, action = self.sample(x[i], [each[i] for each in U])
            R = reward(i, action)
            z, z_b = self.eligibility(s, action)
            factor = R - self.baseline.of(i, context, expected)
            for k in range(self.L):  # (5.1)
                dW[k] += factor * z[k]
                db[k] += factor * z_b[k]
            dW[-1] += self.entropy * np.outer(s[-1], self.entropy_slope(s))
            db[-1] += self.entropy * self.entropy_slope(s)
            actions.append(action)
            rewards.append(R)
        if self.reduction == "mean":
            dW = [each / len(x) for each in dW]
            db = [each / len(x) for each in db]
        return dW, db, actions, rewards

    def learn(self, x, reward, U=None, context=None, expected=None):
        """One update from a batch."""
        dW, db, actions, rewards = self.updates(x, reward, U, context, expected)
        for k in range(self.L):
            self.W[k] = (1.0 - self.decay) * self.W[k] + self.eta[k] * dW[k]
            self.b[k] = self.b[k] + self.eta[k] * self.bias_rate * db[k]
        self.baseline.follow(rewards, context)
        return actions, rewards

    # ------------------------------------------------------------------ measures

    def mean_field(self, x):
        """a of the output with p in place of s; its largest entry is the answer."""
        s = np.asarray(x, float)
        for k in range(self.L - 1):
            s = sigma(s @ self.W[k] + self.b[k])
        return s @ self.W[-1] + self.b[-1]

    def outcomes(self, x):
        """All spikes of hidden units and all actions that can follow one example."""
        sizes = [len(b) for b in self.b]
        if self.action == "bernoulli":
            actions = [np.array(each) for each in itertools.product((0.0, 1.0), repeat=sizes[-1])]
        else:
            actions = list(range(sizes[-1]))
        for bits in itertools.product((0.0, 1.0), repeat=sum(sizes[:-1])):
            s = [np.asarray(x, float), *np.split(np.array(bits), np.cumsum(sizes[:-1]))[:-1]]
            for action in actions:
                yield s, action

    def expected_reward(self, x, reward):
        """Of one example, whose reward is a function of the action alone."""
        return sum(np.exp(self.log_probability(s, a)) * reward(a) for s, a in self.outcomes(x))

    def expected_gradient(self, x, reward):
        """Of the expected reward of one example: sum of P R grad log P."""
        dW = [np.zeros_like(W) for W in self.W]
        db = [np.zeros_like(b) for b in self.b]
        for s, action in self.outcomes(x):
            P = np.exp(self.log_probability(s, action))
            z, z_b = self.eligibility(s, action)
            for k in range(self.L):
                dW[k] += P * reward(action) * z[k]
                db[k] += P * reward(action) * z_b[k]
        return dW, db


def input_spikes(x, U, dt=1.0, high=40.0, low=5.0):
    """Bernoulli spikes of inputs of +1 and -1 at so many Hz; U is (steps, n_0), dt in ms."""
    rate = np.where(np.asarray(x) > 0, high, low)
    return (rate * dt / 1000.0 > U) * 1.0


class NaiveSpikingReward:
    def __init__(
        self,
        W,
        escape="exponential",  # or "logistic"
        eta=0.005,
        baseline="stimulus",  # or "none", "global", "expected"
        kappa=0.05,
        start=0.0,
        contexts=1,
        decay=0.0,
        reduction="mean",  # or "sum"
        dt=1.0,  # ms, as all times
        tau_m=10.0,
        tau_s=3.0,
        tau_r=5.0,
        tau_z=np.inf,
        rho_0=0.02,  # 1/ms
        theta=0.1,
        delta_u=0.2,
        eta_r=0.3,
        seed=0,
    ):
        self.W = [np.array(x, float) for x in W]
        self.L = len(self.W)
        self.escape = escape
        self.eta = np.broadcast_to(np.asarray(eta, float), (self.L,))
        self.baseline = Baseline(baseline, kappa, start, contexts)
        self.decay, self.reduction, self.dt = decay, reduction, dt
        self.tau_m, self.tau_s, self.tau_r, self.tau_z = tau_m, tau_s, tau_r, tau_z
        self.rho_0, self.theta, self.delta_u, self.eta_r = rho_0, theta, delta_u, eta_r
        self.rng = np.random.default_rng(seed)

    def draw(self, m, steps):
        return [self.rng.random((m, steps, W.shape[1])) for W in self.W]

    def probability(self, u):
        """(5.7): p of a spike in a step, and rho (None with the logistic escape)."""
        if self.escape == "logistic":
            return sigma((u - self.theta) / self.delta_u), None
        rho = self.rho_0 * np.exp((u - self.theta) / self.delta_u)
        return -np.expm1(-rho * self.dt), rho

    def post_factor(self, s, p, rho):
        """g of (5.8)."""
        if self.escape == "logistic":
            return (s - p) / self.delta_u
        g = np.empty_like(p)
        for i in range(len(p)):
            g[i] = -rho[i] * self.dt / self.delta_u
            if s[i] == 1.0:
                g[i] = (rho[i] * self.dt / self.delta_u) * (1.0 - p[i]) / p[i]
        return g

    # ------------------------------------------------------------------ one trial

    def trial(self, spikes, U, emitted=None, log_probabilities=None):
        """Spikes (steps, n_l) of layers 0 ... L, and z, of one trial.

        With `emitted`, a list of recorded spikes of layers 1 ... L, these take the place of draws.
        `log_probabilities`, a list, gets the logarithm of the probability of every spike or
        silence.
        """
        spikes = np.asarray(spikes, float)
        steps = len(spikes)
        i = [np.zeros(W.shape[0]) for W in self.W]
        eps = [np.zeros(W.shape[0]) for W in self.W]
        q = [np.zeros(W.shape[1]) for W in self.W]
        z = [np.zeros_like(W) for W in self.W]
        out = [spikes] + [np.zeros((steps, W.shape[1])) for W in self.W]
        m, syn = np.exp(-self.dt / self.tau_m), np.exp(-self.dt / self.tau_s)
        ref, trace = np.exp(-self.dt / self.tau_r), np.exp(-self.dt / self.tau_z)
        for step in range(steps):
            s = spikes[step]
            for k in range(self.L):
                i[k] = i[k] * syn + s  # (5.5), s of the layer below in this step
                eps[k] = eps[k] * m + (1.0 - m) * i[k]
                u = eps[k] @ self.W[k] - q[k]  # (5.6)
                p, rho = self.probability(u)
                if emitted is None:
                    s = (U[k][step] < p) * 1.0
                else:
                    s = np.asarray(emitted[k][step], float)
                if log_probabilities is not None:
                    log_probabilities.append(np.log(np.where(s == 1.0, p, 1.0 - p)))
                z[k] = z[k] * trace + np.outer(eps[k], self.post_factor(s, p, rho))  # (5.9)
                q[k] = q[k] * ref + self.eta_r * s  # (5.10)
                out[k + 1][step] = s
        return out, z

    def log_likelihood(self, spikes, emitted):
        """log P of the recorded spikes of layers 1 ... L, given those of the input."""
        logs = []
        self.trial(spikes, None, emitted, logs)
        return sum(each.sum() for each in logs)

    def action(self, output_spikes, tie):
        counts = output_spikes.sum(axis=0)
        best = np.flatnonzero(counts == counts.max())
        return int(best[int(tie * len(best))])

    # ------------------------------------------------------------------ a batch

    def updates(self, spikes, reward, U=None, context=None, ties=None, expected=None):
        """The mean or the sum of dW/eta; actions, rewards, and spikes of all layers."""
        spikes = np.asarray(spikes, float)
        U = self.draw(len(spikes), spikes.shape[1]) if U is None else U
        ties = self.rng.random(len(spikes)) if ties is None else ties
        dW = [np.zeros_like(W) for W in self.W]
        actions, rewards, emitted = [], [], []
        for n in range(len(spikes)):
            out, z = self.trial(spikes[n], [each[n] for each in U])
            action = self.action(out[-1], ties[n])
            R = reward(n, action)
            for k in range(self.L):  # (5.1)
                dW[k] += (R - self.baseline.of(n, context, expected)) * z[k]
            actions.append(action)
            rewards.append(R)
            emitted.append(out)
        if self.reduction == "mean":
            dW = [each / len(spikes) for each in dW]
        return dW, actions, rewards, emitted

    def learn(self, spikes, reward, U=None, context=None, ties=None, expected=None):
        """One update from a batch of trials."""
        dW, actions, rewards, emitted = self.updates(spikes, reward, U, context, ties, expected)
        for k in range(self.L):
            self.W[k] = (1.0 - self.decay) * self.W[k] + self.eta[k] * dW[k]
        self.baseline.follow(rewards, context)
        return actions, rewards, emitted
