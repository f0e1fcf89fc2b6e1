"""Section by section what the papers say of target propagation and its kin, naively in NumPy.

Written from the equations alone. Weights are [pre, post] and examples are rows. Everything is kept
by the number of its layer, as in the equations: ``W[k]`` leads from layer k - 1 to k = 1..L,
``V[k]`` is the inverse's and leads from layer k to k - 1, for k = 2..L (TP and DTP leave out L),
``Z`` leads from layer L - 1 to the auxiliary outputs. Lists are given from below:
``W = [W_1, .., W_L]``, ``V = [V_2, ..]``.

Noise ``xi`` of an inverse event is kept by layer too: ``xi[k]``, of the shape of h_{k-1}, goes to
the inverse of layer k.

Where the equations leave a choice:

- alpha is per example: T = h - alpha dL/dh takes the gradient of the example's own loss. The loss
  |h - T|^2 has no 1/2, so with the Jacobian for an inverse an update of DTP is 2 alpha times that
  of backprop.
- The last batch of a sweep is smaller where the examples do not divide, and counts as a whole one.
- Adam counts its time in events, separately for forward weights and inverses.
- Frozen are the weights and biases of all hidden layers; the inverses go on learning.
- The parallel schedule has one order; backprop takes the last one given, that of forward sweeps.
"""

import numpy as np

ACTIVATIONS = {
    "tanh": (np.tanh, lambda h: 1.0 - h**2),  # slopes are written in terms of the activity
    "linear": (lambda a: a, np.ones_like),
}


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Optimizer:
    """Changes ``parameters``, a dictionary of dictionaries, by ``gradients``, another.

    A parameter without a gradient rests, and so does its state.
    """

    def __init__(self, lr):
        self.lr, self.t, self.state = lr, 0, {}

    def step(self, parameters, gradients):
        self.t += 1
        for name, layers in gradients.items():
            for k, d in layers.items():
                state = self.state.get((name, k), (0.0, 0.0, 0.0))
                change, self.state[name, k] = self.change(d, state)
                parameters[name][k] = parameters[name][k] + change


class SGD(Optimizer):
    def change(self, d, state):
        return -self.lr * d, state


class Adam(Optimizer):
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

    def change(self, d, state):
        m = self.beta_1 * state[0] + (1 - self.beta_1) * d
        v = self.beta_2 * state[1] + (1 - self.beta_2) * d**2
        m_hat, v_hat = m / (1 - self.beta_1**self.t), v / (1 - self.beta_2**self.t)
        return -self.lr * m_hat / (np.sqrt(v_hat) + self.epsilon), (m, v)


class CentredRMSProp(Optimizer):
    def change(self, d, state):
        m = 0.95 * state[0] + 0.05 * d
        q = 0.95 * state[1] + 0.05 * d**2
        s = 0.9 * state[2] - self.lr * d / np.sqrt(q - m**2 + 1e-3)
        return s, (m, q, s)


OPTIMIZERS = {"sgd": SGD, "adam": Adam, "rmsprop": CentredRMSProp}


class NaiveTargetPropagation:
    """``method`` is "tp", "dtp", "sdtp", "ao_sdtp" or "backprop"."""

    def __init__(
        self,
        W,
        b,
        V,
        c,
        Z=None,
        method="dtp",
        top=None,
        schedule="alternating",
        alpha=0.1,
        sigma=0.2,
        target=None,
        optimizer="adam",
        lr=1e-3,
        lr_inverse=1e-3,
        inverse="learned",
        activation="tanh",
        output="softmax",
        frozen=False,
    ):
        self.L = len(W)
        self.W = {k: np.array(x, float) for k, x in enumerate(W, 1)}
        self.b = {k: np.array(x, float) for k, x in enumerate(b, 1)}
        self.V = {k: np.array(x, float) for k, x in enumerate(V, 2)}
        self.c = {k: np.array(x, float) for k, x in enumerate(c, 2)}
        self.Z = None if Z is None else np.array(Z, float)
        self.method, self.schedule, self.inverse, self.frozen = method, schedule, inverse, frozen
        self.alpha, self.sigma = alpha, sigma
        simplified = method in ("sdtp", "ao_sdtp")
        self.top = top or ("label" if simplified else "gradient")
        self.target = target or ("clean" if simplified else "noisy")
        # The layer whose target is set from outside, and the layers that have inverses.
        self.start = self.L if self.top == "label" else self.L - 1
        self.inverses = range(2, self.start + 1)
        self.phi, self.slope = ACTIVATIONS[activation]
        self.output = output
        self.forward_optimizer = OPTIMIZERS[optimizer](lr)
        self.inverse_optimizer = OPTIMIZERS[optimizer](lr_inverse)

    # Section 1.1: layers and inverses

    def f(self, k, below):
        a = below @ self.W[k] + self.b[k]
        if k < self.L:
            return self.phi(a)
        o = softmax(a) if self.output == "softmax" else a
        if self.method == "ao_sdtp":
            return np.hstack([o, np.tanh(below @ self.Z)])
        return o

    def forward(self, x):
        """h_0..h_L; with auxiliary outputs h_L = [o, z]."""
        h = [np.asarray(x, float)]
        for k in range(1, self.L + 1):
            h.append(self.f(k, h[-1]))
        return h

    def o(self, h):
        return h[self.L][:, : self.W[self.L].shape[1]]

    def g(self, k, v, h):
        """The activities h count only for the Jacobian, which is that of the current example."""
        if self.inverse == "jacobian":
            assert k < self.L  # meant for DTP, whose inverses begin below the softmax
            return (v * self.slope(h[k])) @ self.W[k].T
        return self.phi(v @ self.V[k] + self.c[k])

    def loss(self, h, t):
        """Of every example."""
        if self.output == "softmax":
            return -(t * np.log(self.o(h))).sum(axis=1)
        return 0.5 * ((self.o(h) - t) ** 2).sum(axis=1)

    def descent(self, h, t):
        """dL/da of every layer and dL/dh of the hidden ones, of each example's own loss."""
        dL_da, dL_dh = {self.L: self.o(h) - t}, {}
        for k in range(self.L - 1, 0, -1):
            dL_dh[k] = dL_da[k + 1] @ self.W[k + 1].T
            dL_da[k] = dL_dh[k] * self.slope(h[k])
        return dL_da, dL_dh

    def targets(self, h, t, top=None):
        """T_k by layer, from 1 to L or L - 1; ``top`` takes the place of the topmost one."""
        k = self.start
        if top is not None:
            T = {k: top}
        elif self.top == "gradient":
            T = {k: h[k] - self.alpha * self.descent(h, t)[1][k]}
        else:
            T = {k: np.hstack([t, h[k][:, t.shape[1] :]])}  # auxiliary outputs keep their own z
        for k in reversed(self.inverses):
            if self.method == "tp":
                T[k - 1] = self.g(k, T[k], h)
            else:
                T[k - 1] = h[k - 1] - self.g(k, h[k], h) + self.g(k, T[k], h)
        return T

    def local_losses(self, h, T):
        """|h_k - T_k|^2 of the hidden layers, mean over the examples."""
        return {k: ((h[k] - T[k]) ** 2).sum(axis=1).mean() for k in range(1, self.L)}

    def forward_gradients(self, h, t, T=None):
        """Those of the local losses, or of the task's loss for backprop; means over examples."""
        m = len(t)
        dL_da, _ = self.descent(h, t)
        d = {"W": {}, "b": {}}
        for k in range(1, self.L + 1):
            if k < self.L and self.frozen:
                continue
            if k < self.L and self.method != "backprop":
                delta = 2.0 * (h[k] - T[k]) * self.slope(h[k])
            else:
                delta = dL_da[k]
            d["W"][k] = h[k - 1].T @ delta / m
            d["b"][k] = delta.sum(axis=0) / m
        return d

    def corrupted(self, k, h, xi):
        """The noisy input c of the inverse of layer k, what layer k makes of it, and what the
        inverse makes of that."""
        c = h[k - 1] + self.sigma * xi[k]
        q = self.f(k, c)
        r = self.phi(q @ self.V[k] + self.c[k])
        return c, q, r

    def inverse_losses(self, h, xi):
        losses = {}
        for k in self.inverses:
            c, _, r = self.corrupted(k, h, xi)
            wanted = c if self.target == "noisy" else h[k - 1]
            losses[k] = ((r - wanted) ** 2).sum(axis=1).mean()
        return losses

    def inverse_gradients(self, h, xi):
        d = {"V": {}, "c": {}}
        for k in self.inverses:
            c, q, r = self.corrupted(k, h, xi)
            wanted = c if self.target == "noisy" else h[k - 1]
            delta = 2.0 * (r - wanted) * self.slope(r)
            d["V"][k] = q.T @ delta / len(delta)
            d["c"][k] = delta.sum(axis=0) / len(delta)
        return d

    # Section 1.2: events and their order

    def forward_event(self, x, t, h=None, T=None):
        """With ``h`` and ``T`` given, those are used."""
        h = self.forward(x) if h is None else h
        if self.method != "backprop" and T is None:
            T = self.targets(h, t)
        d = self.forward_gradients(h, t, T)
        self.forward_optimizer.step({"W": self.W, "b": self.b}, d)
        return h, T

    def inverse_event(self, x, xi):
        if self.inverse == "learned":
            d = self.inverse_gradients(self.forward(x), xi)
            self.inverse_optimizer.step({"V": self.V, "c": self.c}, d)

    def parallel_event(self, x, t, xi):
        h = self.forward(x)
        T = self.targets(h, t)
        self.inverse_event(x, xi)  # sees the same h, as no forward weight has changed
        self.forward_event(x, t, h, T)

    def draw(self, rng, x):
        """The noise of one inverse event."""
        return {k: rng.standard_normal((len(x), self.W[k].shape[0])) for k in self.inverses}

    def epoch(self, x, t, batch, rng=None, orders=None, noise=None):
        """``orders`` are [inverse sweep, forward sweep], or [the one] of the parallel schedule.

        ``noise`` holds xi of one inverse event after another; what is not given comes from rng.
        """
        if orders is None:
            orders = [rng.permutation(len(x)) for _ in range(2)]
        sweeps = [[o[i : i + batch] for i in range(0, len(o), batch)] for o in orders]
        learned = self.inverse == "learned" and self.method != "backprop"
        if learned and noise is None:
            noise = (self.draw(rng, x[i]) for i in sweeps[0])
        noise = iter(noise) if learned else None
        if self.method == "backprop":
            for i in sweeps[-1]:
                self.forward_event(x[i], t[i])
        elif self.schedule == "parallel":
            for i in sweeps[0]:
                self.parallel_event(x[i], t[i], next(noise) if learned else None)
        else:
            for i in sweeps[0] if learned else []:
                self.inverse_event(x[i], next(noise))
            for i in sweeps[1]:
                self.forward_event(x[i], t[i])

    # Section 1.4: what is recorded

    def error(self, x, labels):
        return np.mean(self.o(self.forward(x)).argmax(axis=1) != labels)

    def reconstruction(self, x):
        """R_k by layer. The variance is over all examples and units of the layer together."""
        h = self.forward(x)
        return {
            k: np.mean((self.g(k, h[k], h) - h[k - 1]) ** 2) / np.var(h[k - 1])
            for k in self.inverses
        }

    def angles(self, x, t):
        """Between T_k - h_k and -dL/dh_k, by hidden layer: degrees of every example."""
        h = self.forward(x)
        T, (_, dL_dh) = self.targets(h, t), self.descent(h, t)
        found = {}
        for k in range(1, self.L):
            ours, theirs = T[k] - h[k], -dL_dh[k]
            size = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
            cosine = (ours * theirs).sum(axis=1) / size
            found[k] = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        return found
