"""The clamped two-phase model, GeneRec and contrastive Hebbian learning, naively in NumPy.

Written from the equations alone. Weights are [pre, post]: ``W[l]`` leads to layer l + 1, ``B[l]``
from layer l + 2 down to hidden layer l + 1. Examples are rows. A state ``h`` is a list with one
array (examples, units) for each layer but the input. Nothing is drawn here.

    net = NaiveClamped(W, b, B, rule="generec", feedback="random", eta=[2.0, 0.2])
    minus, plus = net.learn(x, t)                 one update; the two states that it compared
    minus, plus = net.learn(x, t, h0=minus)       start="last": the caller keeps the last state
    minus, plus = net.phases(x, t, h0=None)       without learning
    W, b = net.estimate(x, minus, plus)           what learn() multiplies by eta
    net.settle(x, h0, steps, t)                   minus phase; with a target, plus phase
    net.predict(x)                                the answer of the minus phase

The fast variant that only sweeps has no leak, symmetric feedback of gamma 1, "hard" units in all
layers, ``sweeps=True`` and ``start="last"``. As in equilibrium propagation, the state that lasts is
that of the example itself at the end of its minus phase, and 0 before it was ever seen.
"""

import numpy as np


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


ACTIVATIONS = {
    "logistic": sigma,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0.0),
    "linear": lambda a: a,
    "hard": lambda a: np.clip(a, 0.0, 1.0),
}


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


OUTPUTS = ACTIVATIONS | {"softmax": softmax, "logistic_ce": sigma}


class NaiveClamped:
    def __init__(
        self,
        W,
        b,
        B=(),
        rule="generec",
        feedback="random",
        gamma=0.1,
        leak=0.5,
        n_minus=20,
        n_plus=20,
        start="forward",
        sequential=True,
        output_leak=False,
        sweeps=False,
        activation="logistic",
        output="softmax",
        eta=0.1,
        xie_seung=False,
        decay=0.0,
        bias_rate=1.0,
        reduction="mean",
    ):
        self.W, self.b, self.B = ([np.array(x, float) for x in each] for each in (W, b, B))
        self.rule, self.feedback, self.gamma = rule, feedback, gamma
        self.leak, self.n_minus, self.n_plus, self.start = leak, n_minus, n_plus, start
        self.sequential, self.output_leak, self.sweeps = sequential, output_leak, sweeps
        self.f, self.f_output = ACTIVATIONS[activation], OUTPUTS[output]
        self.L = len(self.W)
        self.eta = np.array(np.broadcast_to(np.asarray(eta, float), self.L))
        if xie_seung:
            self.eta *= [gamma ** (layer - self.L) for layer in range(1, self.L + 1)]
        self.decay, self.bias_rate, self.reduction = decay, bias_rate, reduction

    # ------------------------------------------------------------ dynamics

    def forward(self, x):
        h, below = [], np.asarray(x, float)
        for k in range(self.L):
            f = self.f_output if k == self.L - 1 else self.f
            below = f(below @ self.W[k] + self.b[k])
            h.append(below)
        return h

    def first(self, x, h0=None):
        if self.start == "forward":
            return self.forward(x)
        if self.start == "last" and h0 is not None:
            return [np.array(each, float) for each in h0]
        return [np.zeros((len(x), len(b))) for b in self.b]

    def hidden(self, k, below, old, above):
        """(3.1)"""
        down = self.B[k] if self.feedback == "random" else self.gamma * self.W[k + 1].T
        new = self.f(below @ self.W[k] + above @ down + self.b[k])
        return self.leak * old + (1.0 - self.leak) * new

    def output(self, below, old):
        """(3.2) of the minus phase"""
        y = self.f_output(below @ self.W[-1] + self.b[-1])
        return self.leak * old + (1.0 - self.leak) * y if self.output_leak else y

    def step(self, x, h, clamped=False):
        """Hidden layers all look at the old state; `sequential` output looks at the new one."""
        old = [x, *h]
        new = [self.hidden(k, old[k], old[k + 1], old[k + 2]) for k in range(self.L - 1)]
        below = [x, *new][-1] if self.sequential else old[-2]
        return [*new, h[-1] if clamped else self.output(below, h[-1])]

    def sweep_up(self, x, h):
        """Each layer sees the new layer below and the old one above."""
        h = [x, *h]
        for k in range(self.L - 1):
            h[k + 1] = self.hidden(k, h[k], h[k + 1], h[k + 2])
        h[-1] = self.output(h[-2], h[-1])
        return h[1:]

    def sweep_down(self, x, h):
        """From the target, each layer sees the new layer above and the old one below."""
        h = [x, *h]
        for k in reversed(range(self.L - 1)):
            h[k + 1] = self.hidden(k, h[k], h[k + 1], h[k + 2])
        return h[1:]

    def trajectory(self, x, h, steps, t=None):
        """The states before the first step and after each.

        A target stands in the output from before the first step: what h^- was there is not seen.
        """
        x = np.asarray(x, float)
        h = h if t is None else [*h[:-1], np.asarray(t, float)]
        states = [h]
        for _ in range(steps):
            if self.sweeps:
                h = self.sweep_up(x, h) if t is None else self.sweep_down(x, h)
            else:
                h = self.step(x, h, clamped=t is not None)
            states.append(h)
        return states

    def settle(self, x, h0, steps, t=None):
        return self.trajectory(x, h0, steps, t)[-1]

    def phases(self, x, t, h0=None):
        minus = self.settle(x, self.first(x, h0), self.n_minus)
        return minus, self.settle(x, minus, self.n_plus, t)

    # ------------------------------------------------------------ learning

    def estimate(self, x, minus, plus):
        """What (3.3), (3.4) or (3.5) multiplies by eta."""
        x = np.asarray(x, float)
        m = len(x) if self.reduction == "mean" else 1.0
        low, high = [x, *minus], [x, *plus]
        dW, db = [], []
        for k in range(self.L):
            change = high[k + 1] - low[k + 1]
            if self.rule == "generec":
                product = low[k].T @ change
            elif self.rule == "midpoint":
                product = ((low[k] + high[k]) / 2.0).T @ change
            else:
                product = high[k].T @ high[k + 1] - low[k].T @ low[k + 1]
            dW.append(product / m)
            db.append(change.sum(axis=0) / m)
        return dW, db

    def learn(self, x, t, h0=None):
        """One update from a batch; returns the states of the minus and of the plus phase."""
        minus, plus = self.phases(x, t, h0)
        dW, db = self.estimate(x, minus, plus)
        for k, eta in enumerate(self.eta):
            self.W[k] = (1.0 - self.decay) * self.W[k] + eta * dW[k]
            self.b[k] = self.b[k] + eta * self.bias_rate * db[k]
        return minus, plus

    def predict(self, x, h0=None):
        """The output after the minus phase; the class is its argmax."""
        return self.settle(x, self.first(x, h0), self.n_minus)[-1]
