"""What the specification says of weight and node perturbation, naively in NumPy.

Written from the equations alone, example by example. Weights are [pre, post]: ``W[l]`` leads to
layer l + 1. Examples are rows; of a trial, every example is a matrix whose rows are the bins.

    net = NaivePerturbation(W, b, rule="node", eta=0.05)
    net.learn(x, t)                 an update from a batch; noise is drawn from net.rng
    net.learn(x, t, xi)             node: one array per layer, (examples, n_l),
                                    of trials (examples, bins, n_l)
    net.learn(x, t, xi, xi_b)       weight: one array per layer, (examples, n_pre, n_post) and
                                    (examples, n_post); with noise_per="batch" without first axis
    net.updates(x, t, xi, xi_b)     the change that eta is multiplied with, without applying it
    net.running                     the running mean of the losses (baseline="mean")

``learn`` returns, of every example, the loss E of the clean pass (None without one) and E' of the
noisy one (the mean of both noisy ones if they are antithetic).

Where the specification leaves a choice:
- WP perturbs biases like weights: only so does 10-8-4 have the P = 124 of snr = .0894.
- "mean" and "antithetic" run no clean pass, so h of (4.2) is the activity of the noisy pass, or the
  mean of the two. ``presynaptic="clean"`` takes the clean activity nevertheless.
- the running mean starts at the mean loss of the first batch, whose update is hence 0 if the batch
  has one example (a start at 0 would give a first step of E'/sigma). All examples of a batch are
  measured against the mean of its start, which then moves once: by .05 towards the batch's mean E'.
- "activity" puts the noise of every layer after f, of the output too, with the slope of f there;
  only so is the norm ratio of 4.1 without slope 4.1. Softmax has no slope of a unit, and its loss
  none outside the simplex: there, the output's noise stays before f, and no slope is needed.
  ``output_on`` overrules either. The slopes are those of the clean pass; without one, the mean of
  the slopes of the noisy passes.
- ``normalised`` sums |a - a'|^2 over the units of all layers (and the bins of the trial) of one
  example, N is the number of these terms. It is for NP on potentials, where a clean pass or its
  antithetic stand-in is known: a' - a becomes (a+ - a-)/2.
- with noise_per="batch", every example is weighed with the same xi, which is the batch's mean loss
  (or the sum) times it.
"""

import numpy as np


def sigma(a):
    return 1.0 / (1.0 + np.exp(-a))


def activate(a, name):
    if name == "logistic":
        return sigma(a)
    if name == "tanh":
        return np.tanh(a)
    if name == "relu":
        return np.maximum(a, 0.0)
    return a


def slope_of(a, name):
    if name == "logistic":
        return sigma(a) * (1.0 - sigma(a))
    if name == "tanh":
        return 1.0 - np.tanh(a) ** 2
    if name == "relu":
        return (a > 0.0) * 1.0
    return np.ones_like(a)


def read_out(a, output):
    if output == "softmax":
        e = np.exp(a - a.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
    return a if output == "linear" else sigma(a)


def loss(h, t, output):
    """Of every row."""
    if output == "softmax":
        return -(t * np.log(h)).sum(axis=-1)
    if output == "logistic_ce":
        return -(t * np.log(h) + (1 - t) * np.log(1 - h)).sum(axis=-1)
    return 0.5 * ((t - h) ** 2).sum(axis=-1)


class NaivePerturbation:
    def __init__(
        self,
        W,
        b,
        rule="node",  # or "weight"
        activation="logistic",
        output="softmax",
        eta=0.05,
        sd=1e-3,  # sigma of (4.1) and (4.2)
        baseline="clean",  # or "antithetic", "mean"
        noise_per="example",  # or "batch"
        on="potential",  # or "activity"
        slope=True,
        output_on=None,
        normalised=False,
        presynaptic=None,
        shape="example",  # or "trial"
        decay=0.0,
        reduction="mean",  # or "sum"
        bias_rate=1.0,
        running=None,
        leak=0.05,
        seed=0,
    ):
        self.W, self.b = ([np.array(x, float) for x in each] for each in (W, b))
        self.L = len(self.W)
        self.rule, self.activation, self.output = rule, activation, output
        self.eta = np.broadcast_to(np.asarray(eta, float), (self.L,))
        self.sd, self.baseline, self.noise_per = sd, baseline, noise_per
        self.slope, self.normalised, self.shape = slope, normalised, shape
        self.decay, self.reduction, self.bias_rate = decay, reduction, bias_rate
        self.running, self.leak = running, leak
        self.on = [on] * self.L
        if output == "softmax":
            self.on[-1] = "potential"
        if output_on is not None:
            self.on[-1] = output_on
        if presynaptic is None:
            presynaptic = "clean" if baseline == "clean" else "noisy"
        self.presynaptic = presynaptic
        self.rng = np.random.default_rng(seed)

    # ------------------------------------------------------------------ passes

    def f(self, a, k):
        return read_out(a, self.output) if k == self.L - 1 else activate(a, self.activation)

    def f_slope(self, a, k):
        name = self.activation
        if k == self.L - 1:
            name = "linear" if self.output == "linear" else "logistic"
        return slope_of(a, name)

    def forward(self, x, W=None, b=None, noise=None):
        """(0.1); `noise` of every layer is added before or after f. All h, and all a."""
        W = self.W if W is None else W
        b = self.b if b is None else b
        h, potentials = [np.asarray(x, float)], []
        for k in range(self.L):
            a = h[-1] @ W[k] + b[k]
            if noise is not None and self.on[k] == "potential":
                a = a + noise[k]
            above = self.f(a, k)
            if noise is not None and self.on[k] == "activity":
                above = above + noise[k]
            potentials.append(a)
            h.append(above)
        return h, potentials

    def error(self, h, t):
        """E of an example; of a trial, the mean over its bins."""
        return loss(h[-1], t, self.output).mean()

    def loss(self, x, t):
        """Mean E of a batch."""
        return np.mean(
            [self.error(self.forward(x_i)[0], t_i) for x_i, t_i in zip(x, t, strict=True)]
        )

    # ------------------------------------------------------------------ noise

    def draw(self, x):
        """xi and, for weights, xi of the biases, for all examples of a batch."""
        if self.rule == "node":
            rows = np.shape(x)[:-1]
            return [self.rng.standard_normal((*rows, len(b))) for b in self.b], None
        first = () if self.noise_per == "batch" else (len(x),)
        return (
            [self.rng.standard_normal((*first, *W.shape)) for W in self.W],
            [self.rng.standard_normal((*first, *b.shape)) for b in self.b],
        )

    # ------------------------------------------------------------------ one example

    def measured(self, E, E_plus, E_minus):
        """What stands for E' - E."""
        if self.baseline == "clean":
            return E_plus - E
        if self.baseline == "antithetic":
            return (E_plus - E_minus) / 2.0
        return E_plus - self.running

    def noisy_pass(self, x, xi, xi_b, sign):
        """A pass with `sign` times the noise."""
        if self.rule == "node":
            return self.forward(x, noise=[sign * self.sd * each for each in xi])
        W = [W + sign * self.sd * each for W, each in zip(self.W, xi, strict=True)]
        b = [b + sign * self.sd * each for b, each in zip(self.b, xi_b, strict=True)]
        return self.forward(x, W, b)

    def change_of_one(self, x, t, xi, xi_b):
        """dW/eta, db/eta, E and E' of one example, whose rows are bins (one if no trial)."""
        # 1 clean pass, 2 noise is given, 3 noisy pass
        h, a = self.forward(x)
        E = self.error(h, t)
        h_plus, a_plus = self.noisy_pass(x, xi, xi_b, +1.0)
        h_minus, a_minus = self.noisy_pass(x, xi, xi_b, -1.0)
        E_plus, E_minus = self.error(h_plus, t), self.error(h_minus, t)

        # 4 update
        difference = self.measured(E, E_plus, E_minus)
        dW, db = [], []
        for k in range(self.L):
            if self.rule == "weight":  # (4.1)
                dW.append(-difference / self.sd * xi[k])
                db.append(-difference / self.sd * xi_b[k])
                continue
            # (4.2)
            if self.presynaptic == "clean":
                below = h[k]
            elif self.baseline == "antithetic":
                below = (h_plus[k] + h_minus[k]) / 2.0
            else:
                below = h_plus[k]
            if self.normalised:
                post = self.whole_change(a, a_plus, a_minus)[k]
            else:
                post = xi[k] / self.sd
            if self.on[k] == "activity" and self.slope:
                if self.presynaptic == "clean":
                    post = post * self.f_slope(a[k], k)
                elif self.baseline == "antithetic":
                    post = post * (self.f_slope(a_plus[k], k) + self.f_slope(a_minus[k], k)) / 2.0
                else:
                    post = post * self.f_slope(a_plus[k], k)
            dW.append(-difference * below.T @ post)
            db.append(-difference * post.sum(axis=0))

        if self.baseline == "clean":
            return dW, db, E, E_plus
        if self.baseline == "antithetic":
            return dW, db, None, (E_plus + E_minus) / 2.0
        return dW, db, None, E_plus

    def whole_change(self, a, a_plus, a_minus):
        """a' - a over sum |a' - a|^2 / N."""
        if self.baseline == "antithetic":
            change = [(p - m) / 2.0 for p, m in zip(a_plus, a_minus, strict=True)]
        else:
            change = [p - c for p, c in zip(a_plus, a, strict=True)]
        squares = sum((each**2).sum() for each in change)
        N = sum(each.size for each in change)
        return [each / (squares / N) for each in change]

    # ------------------------------------------------------------------ a batch

    def updates(self, x, t, xi=None, xi_b=None):
        """The mean or the sum of dW/eta and db/eta over a batch; E and E' of every example."""
        x, t = np.asarray(x, float), np.asarray(t, float)
        if xi is None:
            xi, xi_b = self.draw(x)
        if self.shape == "example":
            x, t = x[:, None, :], t[:, None, :]
            if self.rule == "node":
                xi = [each[:, None, :] for each in xi]
        if self.baseline == "mean" and self.running is None:
            self.running = self.first_mean(x, t, xi, xi_b)
        dW = [np.zeros_like(W) for W in self.W]
        db = [np.zeros_like(b) for b in self.b]
        clean, noisy = [], []
        for i in range(len(x)):
            dW_i, db_i, E, E_noisy = self.change_of_one(x[i], t[i], *self.noise_of(i, xi, xi_b))
            clean.append(E)
            noisy.append(E_noisy)
            for k in range(self.L):
                dW[k] += dW_i[k]
                db[k] += db_i[k]
        if self.reduction == "mean":
            dW = [each / len(x) for each in dW]
            db = [each / len(x) for each in db]
        return dW, db, clean, noisy

    def noise_of(self, i, xi, xi_b):
        if self.rule == "node":
            return [each[i] for each in xi], None
        if self.noise_per == "batch":
            return xi, xi_b
        return [each[i] for each in xi], [each[i] for each in xi_b]

    def first_mean(self, x, t, xi, xi_b):
        return np.mean(
            [
                self.error(self.noisy_pass(x[i], *self.noise_of(i, xi, xi_b), +1.0)[0], t[i])
                for i in range(len(x))
            ]
        )

    def learn(self, x, t, xi=None, xi_b=None):
        """One update from a batch."""
        dW, db, clean, noisy = self.updates(x, t, xi, xi_b)
        for k in range(self.L):
            self.W[k] = (1.0 - self.decay) * self.W[k] + self.eta[k] * dW[k]
            self.b[k] = self.b[k] + self.eta[k] * self.bias_rate * db[k]
        if self.baseline == "mean":
            self.running += self.leak * (np.mean(noisy) - self.running)
        return clean, noisy
