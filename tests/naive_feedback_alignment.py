"""Section by section what the papers say of feedback alignment and its kin, naively in NumPy.

Written from the equations alone. Weights are [pre, post]: ``W[l]`` leads to layer l + 1, ``B[l]``
from above down to hidden layer l + 1. Examples are rows.
"""

import numpy as np


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


ACTIVATIONS = {
    "logistic": (sigma, lambda a: sigma(a) * (1.0 - sigma(a))),
    "tanh": (np.tanh, lambda a: 1.0 - np.tanh(a) ** 2),
    "relu": (lambda a: np.maximum(a, 0.0), lambda a: (a > 0.0) * 1.0),
    "linear": (lambda a: a, np.ones_like),
}


def read_out(a, output):
    if output == "softmax":
        e = np.exp(a - a.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    return a if output == "linear" else sigma(a)


def loss(h, t, output):
    """Of every example."""
    if output == "softmax":
        return -(t * np.log(h)).sum(axis=1)
    if output == "logistic_ce":
        return -(t * np.log(h) + (1 - t) * np.log(1 - h)).sum(axis=1)
    return 0.5 * ((t - h) ** 2).sum(axis=1)


class NaiveFeedbackAlignment:
    def __init__(
        self,
        W,
        b,
        B,
        feedback="random",
        activation="logistic",
        output="softmax",
        eta=0.05,
        decay=0.0,
        reduction="mean",
        error="delta",
        output_slope=True,
        bias_rate=1.0,
    ):
        self.W, self.b, self.B = ([np.array(x, float) for x in each] for each in (W, b, B))
        self.feedback, self.activation, self.output = feedback, activation, output
        self.eta, self.decay, self.reduction, self.error = eta, decay, reduction, error
        self.output_slope, self.bias_rate = output_slope, bias_rate
        self.size = [np.abs(each) for each in self.B]

    def forward(self, x):
        f, slope = ACTIVATIONS[self.activation]
        h, slopes = [np.asarray(x, float)], []
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            a = h[-1] @ W + b
            last = k == len(self.W) - 1
            h.append(read_out(a, self.output) if last else f(a))
            slopes.append(slope(a))
        return h, slopes

    def loss(self, x, t):
        return loss(self.forward(x)[0][-1], t, self.output).mean()

    def down(self, k):
        """F of hidden layer k."""
        Wt = self.W[k + 1].T
        if self.feedback == "backprop":
            return Wt
        if self.feedback == "none":
            return np.zeros_like(Wt)
        if self.feedback == "sign":
            return np.sqrt(2.0 / sum(Wt.shape)) * np.sign(Wt)
        if self.feedback in ("sign_fixed", "sign_redrawn"):
            return self.size[k] * np.sign(Wt)
        return self.B[k]

    def deltas(self, h, slopes, t):
        e = t - h[-1]
        sloped = self.output == "logistic" and self.output_slope
        delta = [e * h[-1] * (1.0 - h[-1]) if sloped else e]
        top = delta[0]
        for k in range(len(self.W) - 2, -1, -1):
            if self.feedback == "direct":
                sent = e if self.error == "activity" else top
                delta.insert(0, (sent @ self.B[k]) * slopes[k])
            else:
                delta.insert(0, (delta[0] @ self.down(k)) * slopes[k])
        return delta

    def learn(self, x, t):
        """One update from a batch; returns the losses and the deltas that it began with."""
        h, slopes = self.forward(x)
        delta = self.deltas(h, slopes, t)
        m = len(x) if self.reduction == "mean" else 1.0
        for k, (below, d) in enumerate(zip(h, delta, strict=False)):
            if self.feedback == "none" and k < len(self.W) - 1:
                continue
            g = below.T @ d / m
            self.W[k] = (1.0 - self.decay) * self.W[k] + self.eta * g
            self.b[k] = self.b[k] + self.eta * self.bias_rate * d.sum(axis=0) / m
            if self.feedback == "kolen_pollack" and k > 0:
                self.B[k - 1] = (1.0 - self.decay) * self.B[k - 1] + self.eta * g.T
        return loss(h[-1], t, self.output), delta

    def mirror(self, k, xi, rate, decay, through="linear"):
        """An event of hidden layer k, of whose noise each vector is a row."""
        y = xi @ self.W[k + 1]
        if through == "logistic":
            y = sigma(y + self.b[k + 1])
        self.B[k] = (1.0 - decay) * self.B[k] + rate * (y.T @ xi) / len(xi)
