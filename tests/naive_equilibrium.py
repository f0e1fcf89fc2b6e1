"""Equilibrium propagation as its equations say, naively in NumPy.

Written from the equations alone. Weights are [pre, post]: ``W[l]`` leads to layer l + 1, ``B[l]``
from layer l + 2 down to hidden layer l + 1. Examples are rows. A state ``u`` is a list with one
array (examples, units) for each layer but the input. Nothing is drawn here: first states and signs
are given.

    net = NaiveEquilibrium(W, b, beta=1.0, eta=[0.2, 0.1])
    free = net.learn(x, t, u0=None, sign=1)       one update; the state settled without a nudge
    free = net.learn(x, t, examples=indices)      starts from, and stores, the particles of examples
    u = net.settle(x, u0, steps, beta, t)         (2.3) or (2.4), without learning
    net.energy(x, u), net.cost(u, t)              of every example
    W, b, B = net.estimate(x, t, u0, sign)        what learn() multiplies by eta
    net.predict(x)                                the output, from 0, n_test steps

Where the equations leave a choice: `sign` turns beta in every estimator, `clip` and `output_slope`
belong to the energy form alone, and the box is [0, 1] for every activation.
"""

from itertools import pairwise

import numpy as np


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


def sigma4(u):
    return sigma(4.0 * u - 2.0)


ACTIVATIONS = {
    "hard": (lambda u: np.clip(u, 0.0, 1.0), lambda u: ((u >= 0.0) & (u <= 1.0)) * 1.0),
    "sigmoid4": (sigma4, lambda u: 4.0 * sigma4(u) * (1.0 - sigma4(u))),
    "logistic": (sigma, lambda u: sigma(u) * (1.0 - sigma(u))),
    "tanh": (np.tanh, lambda u: 1.0 - np.tanh(u) ** 2),
}


class NaiveEquilibrium:
    def __init__(
        self,
        W,
        b,
        B=(),
        form="energy",
        activation="hard",
        estimator="one_sided",
        nudge="inside",
        beta=1.0,
        eta=0.1,
        epsilon=0.5,
        dt=1.0,
        n_free=20,
        n_nudged=4,
        n_test=None,
        clip=False,
        output_slope=True,
        decay=0.0,
        bias_rate=1.0,
        reduction="mean",
    ):
        self.W, self.b, self.B = ([np.array(x, float) for x in each] for each in (W, b, B))
        self.form, self.estimator, self.nudge, self.beta = form, estimator, nudge, beta
        self.rho, self.slope = ACTIVATIONS[activation]
        self.boxed = form == "energy" and (activation == "hard" or clip)
        self.output_slope = output_slope
        self.eta = np.broadcast_to(np.asarray(eta, float), len(self.W))
        self.epsilon, self.dt = epsilon, dt
        self.n_free, self.n_nudged = n_free, n_nudged
        self.n_test = max(n_free, 60) if n_test is None else n_test
        self.decay, self.bias_rate, self.reduction = decay, bias_rate, reduction
        self.particles = {}  # the state of every example that was learned, a list of rows

    # ------------------------------------------------------------ dynamics

    def zero(self, x):
        return [np.zeros((len(x), len(b))) for b in self.b]

    def rates(self, x, u):
        """r of all layers, that of the input first."""
        if self.form == "prototypical":
            return [np.asarray(x, float), *u]
        return [np.asarray(x, float), *(self.rho(each) for each in u)]

    def drive(self, x, u):
        """(2.1)"""
        r, d = self.rates(x, u), []
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            d.append(r[k] @ W + b)
            if k < len(self.W) - 1:
                down = self.B[k] if self.estimator == "vector_field" else self.W[k + 1].T
                d[k] = d[k] + r[k + 2] @ down
        return d

    def step(self, x, u, beta=0.0, t=0.0):
        d, new = self.drive(x, u), []
        for k in range(len(u)):
            output = k == len(u) - 1
            pull = beta * (t - u[k]) if output else 0.0
            if self.form == "prototypical":  # (2.4)
                if self.nudge == "inside":
                    v = self.rho(d[k] + pull)
                else:
                    v = self.rho(d[k]) + pull
                new.append((1.0 - self.dt) * u[k] + self.dt * v)
            else:  # (2.3)
                slope = 1.0 if output and not self.output_slope else self.slope(u[k])
                moved = u[k] + self.epsilon * (-u[k] + slope * d[k] + pull)
                new.append(np.clip(moved, 0.0, 1.0) if self.boxed else moved)
        return new

    def trajectory(self, x, u, steps, beta=0.0, t=0.0):
        """The states before the first step and after each."""
        states = [u]
        for _ in range(steps):
            states.append(self.step(x, states[-1], beta, t))
        return states

    def settle(self, x, u0=None, steps=None, beta=0.0, t=0.0):
        u0 = self.zero(x) if u0 is None else u0
        return self.trajectory(x, u0, self.n_free if steps is None else steps, beta, t)[-1]

    def energy(self, x, u):
        """E of (2.2)"""
        r = self.rates(x, u)
        E = 0.0
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            E = E + (u[k] ** 2).sum(axis=1) / 2.0
            E = E - ((r[k] @ W) * r[k + 1]).sum(axis=1) - r[k + 1] @ b
        return E

    def cost(self, u, t):
        return ((u[-1] - t) ** 2).sum(axis=1) / 2.0

    # ------------------------------------------------------------ learning

    def share(self, x):
        return 1.0 / len(x) if self.reduction == "mean" else 1.0

    def difference(self, x, after, before):
        """P and r of one state minus those of another, over the batch."""
        r, s, m = self.rates(x, after), self.rates(x, before), self.share(x)
        layers = range(len(self.W))
        W = [m * (r[k].T @ r[k + 1] - s[k].T @ s[k + 1]) for k in layers]
        return W, [m * (r[k + 1] - s[k + 1]).sum(axis=0) for k in layers]

    def vector_field(self, x, after, before):
        r, s, m = self.rates(x, after), self.rates(x, before), self.share(x)
        W = [m * s[k].T @ (r[k + 1] - s[k + 1]) for k in range(len(self.W))]
        B = [m * s[k + 2].T @ (r[k + 1] - s[k + 1]) for k in range(len(self.B))]
        return W, B

    def rate_products(self, x, states):
        """The sum of (2.9)"""
        total = [np.zeros_like(W) for W in self.W]
        for u, v in pairwise(states):
            old, new = self.rates(x, u), self.rates(x, v)
            dr = [b - a for a, b in zip(old, new, strict=True)]
            rbar = [(a + b) / 2.0 for a, b in zip(old, new, strict=True)]
            for k in range(len(self.W)):
                total[k] += self.share(x) * rbar[k].T @ dr[k + 1]
                if self.estimator == "rate":
                    total[k] += self.share(x) * dr[k].T @ rbar[k + 1]
        return total

    def estimate(self, x, t, u0, sign=1):
        """What (2.5), (2.6), (2.7) or (2.9) multiplies by eta; `u0` is the free state."""
        beta = sign * self.beta
        states = self.trajectory(x, u0, self.n_nudged, beta, t)
        B = []
        if self.estimator == "symmetric":
            opposite = self.settle(x, u0, self.n_nudged, -beta, t)
            W, b = self.difference(x, states[-1], opposite)
            beta = 2.0 * beta
        else:
            W, b = self.difference(x, states[-1], u0)
        if self.estimator in ("rate", "rate_post"):
            W = self.rate_products(x, states)
        if self.estimator == "vector_field":
            W, B = self.vector_field(x, states[-1], u0)
        return [[each / beta for each in kind] for kind in (W, b, B)]

    def add(self, W, b):
        for k, eta in enumerate(self.eta):
            self.W[k] = self.W[k] + eta * W[k]
            self.b[k] = self.b[k] + eta * self.bias_rate * b[k]

    def learn(self, x, t, u0=None, sign=1, examples=None):
        """One update from a batch; returns the state that it settled in without a nudge."""
        if u0 is None:
            u0 = self.zero(x)
            for row, example in enumerate(() if examples is None else examples):
                for k, each in enumerate(self.particles.get(example, ())):
                    u0[k][row] = each
        free = self.settle(x, u0, self.n_free)
        for row, example in enumerate(() if examples is None else examples):
            self.particles[example] = [each[row].copy() for each in free]

        # Decay takes from the weights that the update begins with, once per update whatever the
        # estimator, and from the feedback of `vector_field` too: only biases are exempt.
        lost = [[self.decay * each for each in kind] for kind in (self.W, self.B)]
        if self.estimator == "continual":
            self.learn_continually(x, t, free, sign * self.beta)
        else:
            W, b, B = self.estimate(x, t, free, sign)
            self.add(W, b)
            for k, change in enumerate(B):
                self.B[k] = self.B[k] + self.eta[k + 1] * change
        self.W = [W - gone for W, gone in zip(self.W, lost[0], strict=True)]
        self.B = [B - gone for B, gone in zip(self.B, lost[1], strict=True)]
        return free

    def learn_continually(self, x, t, u, beta):
        """(2.8). The drive by the input has to follow W_1, too: it is no constant here."""
        for _ in range(self.n_nudged):
            new = self.step(x, u, beta, t)
            W, b = self.difference(x, new, u)
            self.add([each / beta for each in W], [each / beta for each in b])
            u = new

    def predict(self, x):
        """The output u_L; the class is its argmax."""
        return self.settle(x, steps=self.n_test)[-1]
