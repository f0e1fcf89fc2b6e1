"""Target propagation: hidden layers learn from activities that learned inverses send down.

Difference target propagation (Lee et al. 2015, doi:10.1007/978-3-319-23528-8_31); simplified, and
with auxiliary outputs (Bartunov et al. 2018, arXiv:1807.04587). Layers are k = 1 ... K, all weights
[pre, post]; phi is tanh in hidden layers, and softmax at the output. W_k, b_k lead up to layer k,
the inverse V_k, c_k from it down to layer k - 1 (k > 1):

    h_0 = x,   h_k = f_k(h_{k-1}) = phi(h_{k-1} W_k + b_k),   g_k(v) = tanh(v V_k + c_k)      (1)
    T_{K-1} = h_{K-1} - alpha dE/dh_{K-1}                 `tp` and `dtp`; E the cross-entropy (2)
    T_K = t,   for `ao_sdtp` [t, z]                       `sdtp` and `ao_sdtp`                (3)
    T_{k-1} = g_k(T_k)                                    `tp`                                (4)
    T_{k-1} = h_{k-1} - g_k(h_k) + g_k(T_k)               the others: the difference rule     (5)

In `ao_sdtp` h_K is [h_K, z], where g_K reads: z = tanh(h_{K-1} Z) are auxiliary outputs, and Z is
fixed. Targets and inverses are constants to what learns from them. A hidden layer lowers its local
loss, the output E, and an inverse what it makes of noise; < > is the mean over a batch, phi' the
slope, and xi standard normal:

    W_k += eta <h_{k-1}^T delta_k>,   delta_k = 2 (T_k - h_k) phi'_k,   delta_K = t - h_K     (6)
    c = h_{k-1} + sigma xi,   q = f_k(c),   r = g_k(q)                                        (7)
    V_k += eta_g <q^T (2 (goal - r) (1 - r^2))>,   goal = c (`noisy`), or h_{k-1} (`clean`)   (8)

and so for biases, by an optimiser. An epoch is a sweep of (8), then one of (6), each in an order of
its own (`alternating`); or each batch leads to targets, then to (8), then to (6) (`parallel`).
Products of matrices are NumPy's: nothing here evolves in time.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from spikesim import plot
from spikesim.learning.batches import BatchModel
from spikesim.learning.parameters import ModelParameters, choice, flag, number, refuse_if, whole
from spikesim.learning.properties import Properties, knowing

__all__ = ["Parameters", "TargetPropagation"]


class Parameters(ModelParameters):
    """Constants and options; the defaults suit small networks."""

    method: str = choice("dtp", "tp", "sdtp", "ao_sdtp", about="how targets come down")
    schedule: str = choice("alternating", "parallel", about="of inverses and forward weights")
    eta: float = number(1e-3, "learning rate of W and b", symbol="η", at_least=0.0)
    eta_inverse: float = number(1e-3, "of V and c", symbol="η_g", at_least=0.0)
    alpha: float = number(0.1, "step down the loss of an example", symbol="α", at_least=0.0)
    sigma: float = number(0.2, "noise with which inverses learn", symbol="σ", at_least=0.0)
    n_aux: int = whole(64, "auxiliary outputs of `ao_sdtp`", at_least=0)
    label: bool = flag(False, "`tp` begins with (3) in place of (2)")
    goal: str = choice("own", "noisy", "clean", about="of inverses; own: `noisy` with (2)")
    inverse: str = choice("learned", "fixed", "jacobian", about="g; jacobian: of f, transposed")
    credit: str = choice("targets", "backprop", "frozen", about="what hidden layers learn from")
    optimizer: str = choice("adam", "plain", "rmsprop", about="of both kinds of weights")
    batch: int = whole(20, "examples per update", at_least=1)
    initial: str = choice("glorot", "orthogonal", about="law of the initial weights")
    measure_angle: bool = flag(False, "measure targets and inverses on validation images")

    def check(self, layers, dtype):
        refuse_if(self.label and self.method != "tp", "label=True requires method='tp'.")


class TargetPropagation(BatchModel):
    """A layered network whose hidden layers learn from targets (Bartunov et al. 2018).

    Arguments and attributes are those of `spikesim.learning.batches.BatchModel`. ``net.V`` and
    ``net.c`` are the inverses, from that of layer 2 on. The history has, for each hidden layer, its
    'local_loss', and the 'inverse_loss' of the inverse that leads to it. With `measure_angle` and
    validation images, there are the entries of `measured`, too.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = TargetPropagation((64, 20, 20, 10), seed=1)
    >>> history = net.fit(digits.train_images, digits.train_labels, epochs=2)
    >>> len(history["local_loss"][-1])
    2
    """

    KIND = "target-propagation"
    TITLE = "target propagation: TP, DTP, SDTP, AO-SDTP (Lee et al. 2015; Bartunov et al. 2018)"
    Parameters = Parameters
    SUITED = {  # noqa: RUF012
        "digits": {"hidden": "64,64,64", "epochs": 15},
        "mnist": {"hidden": "256,256,256,256,256", "epochs": 20, "eta": 3e-4, "batch": 50},
    }
    OPTIMISED, MOMENTUM = ("W", "b", "V", "c"), ()
    WEIGHTS = (*OPTIMISED, "Z")
    STREAMS = ("weights", "order", "inverses", "auxiliary", "xi")
    MEASURES = ("local_loss", "inverse_loss")
    DRAWN = ("xi",)
    COLUMNS = ("reconstruction", "angle", "acute", "distance")

    def properties(self):
        p, online = self.parameters, self.parameters.batch == 1
        if p.credit == "frozen":
            return Properties(False, online=online)
        is_control, from_output = p.credit == "backprop", len(self.sizes) - 1 in self.inverses
        errors = is_control or not from_output or p.inverse == "jacobian"  # (2): through W_K
        phases = 2 if p.inverse == "learned" and self.inverses and not is_control else 1
        known = knowing("pre", "post", "dendrite", weights=errors)
        return Properties(errors, phases, errors, knows=known, online=online)

    @property
    def inverses(self):
        """The layers k from which an inverse g_k leads down."""
        p, last = self.parameters, len(self.sizes) - 1
        from_output = p.label or p.method in ("sdtp", "ao_sdtp")
        return range(2, last + 1 if from_output else last)

    def weights(self):
        p, last = self.parameters, len(self.sizes) - 1
        n_aux = p.n_aux if p.method == "ao_sdtp" else 0
        above = [n + n_aux * (k == last) for k, n in enumerate(self.sizes)]
        up, down, aside = map(self.chance, ("weights", "inverses", "auxiliary"))
        return {
            "W": [self.drawn(up, n, m) for n, m in pairwise(self.sizes)],
            "b": [np.zeros(n) for n in self.sizes[1:]],
            "V": [self.drawn(down, above[k], self.sizes[k - 1]) for k in self.inverses],
            "c": [np.zeros(self.sizes[k - 1]) for k in self.inverses],
            "Z": [self.drawn(aside, self.sizes[-2], n_aux)] if p.method == "ao_sdtp" else [],
        }

    def drawn(self, chance, pre, post):
        """Initial weights from `pre` to `post` units, by `chance`: orthogonal, or as of Glorot."""
        if self.parameters.initial == "orthogonal" and pre and post:
            u, _, v = np.linalg.svd(chance.uniform(-1.0, 1.0, (pre, post)), full_matrices=False)
            return u @ v
        return chance.uniform(-1.0, 1.0, (pre, post)) * np.sqrt(6.0 / (pre + post))

    # ------------------------------------------------------------------- up and down

    def f(self, k, below):
        """f_k of (1), without auxiliary outputs."""
        a = below @ self.W[k - 1] + self.b[k - 1]
        if k < len(self.W):
            return np.tanh(a, out=a)
        a -= a.max(axis=1, keepdims=True)
        np.exp(a, out=a)
        return a / a.sum(axis=1, keepdims=True)

    def whole(self, k, values, below):
        """Values of layer k, with z if inverses read it, too."""
        is_wider = len(self.Z) and k == len(self.W)
        return np.hstack([values, np.tanh(below @ self.Z[0])]) if is_wider else values

    def forward(self, images):
        h = [(images / (255.0 if images.dtype == np.uint8 else 1.0)).astype(self.dtype)]
        for k in range(1, len(self.sizes)):
            h.append(self.f(k, h[-1]))
        return h

    def g(self, k, v, h):
        """g_k of (1), or the transposed Jacobian of f_k at h."""
        if self.parameters.inverse != "jacobian":
            return np.tanh(v @ self.V[k - 2] + self.c[k - 2])
        n = self.sizes[k]
        if k < len(self.W):
            return self.send_down(k, v * (1.0 - h[k] ** 2))
        down = self.send_down(k, h[k] * (v[:, :n] - np.sum(v[:, :n] * h[k], 1, keepdims=True)))
        if len(self.Z):
            z = np.tanh(h[k - 1] @ self.Z[0])
            down += (v[:, n:] * (1.0 - z**2)) @ self.Z[0].T
        return down

    def send_down(self, k, delta):
        """From -dE/da_k to -dE/dh_{k-1}."""
        return delta @ self.W[k - 1].T

    def targets(self, h, t):
        """(2) to (5): T_k of all layers; None where there is none."""
        p, last = self.parameters, len(self.W)
        T = [None] * last + [t]
        if last not in self.inverses and last > 1:
            T[last - 1] = h[last - 1] + p.alpha * self.send_down(last, t - h[last])
        for k in reversed(self.inverses):
            T[k - 1] = self.g(k, self.whole(k, T[k], h[k - 1]), h)
            if p.method != "tp":
                T[k - 1] += h[k - 1] - self.g(k, self.whole(k, h[k], h[k - 1]), h)
        return T

    # ------------------------------------------------------------------- learning

    def backpropagated(self, h, t):
        delta = [t - h[-1]]
        for k in range(len(self.W), 1, -1):
            delta.insert(0, self.send_down(k, delta[0]) * (1.0 - h[k - 1] ** 2))
        return delta

    def deltas(self, h, t):
        return self.taught(h, t)[0]

    def taught(self, h, t):
        """delta of (6) or of a control, and the local losses."""
        credit, output = self.parameters.credit, t - h[-1]
        if credit == "backprop":
            return self.backpropagated(h, t), {}
        if credit == "frozen":
            return [*map(np.zeros_like, h[1:-1]), output], {}
        apart = [T_k - h_k for T_k, h_k in zip(self.targets(h, t)[1:-1], h[1:-1], strict=True)]
        delta = [2.0 * each * (1.0 - h_k**2) for each, h_k in zip(apart, h[1:-1], strict=True)]
        return [*delta, output], {"local_loss": [np.sum(each**2) / len(t) for each in apart]}

    def sweeps(self):
        p = self.parameters
        if p.inverse != "learned" or not self.inverses:
            return {"forward": self.forward_event}
        if p.schedule == "parallel":
            return {"both": self.both_events}
        return {"inverse": self.inverse_event, "forward": self.forward_event}

    def forward_event(self, h, t, drawn):
        """(6): learn forward weights from a batch; nothing is `drawn` for it."""
        delta, losses = self.taught(h, t)
        self.follow(h, delta)
        return losses

    def both_events(self, h, t, drawn):
        """(6), and (7) and (8) with what was `drawn`, from the same batch."""
        delta, losses = self.taught(h, t)
        losses.update(self.inverse_event(h, t, drawn))
        self.follow(h, delta)
        return losses

    def follow(self, h, delta):
        """(6)."""
        p, last = self.parameters, len(self.W)
        for k in range(last if p.credit == "frozen" else 1, last + 1):
            self.descend("W", "b", k - 1, h[k - 1], delta[k - 1], p.eta)

    def inverse_event(self, h, t, drawn):
        """(7) and (8), with what was `drawn`."""
        p, loss = self.parameters, np.zeros(len(self.W) - 1)
        noisy = p.goal == "noisy" or (p.goal == "own" and p.method in ("tp", "dtp"))
        for k, xi in zip(self.inverses, drawn["xi"], strict=True):
            c = h[k - 1] + p.sigma * xi
            q = self.whole(k, self.f(k, c), c)
            r = np.tanh(q @ self.V[k - 2] + self.c[k - 2])
            missing = (c if noisy else h[k - 1]) - r
            loss[k - 2] = np.sum(missing**2) / len(h[0])
            self.descend("V", "c", k - 2, q, 2.0 * missing * (1.0 - r**2), p.eta_inverse)
        return {"inverse_loss": loss}

    def descend(self, weights, biases, k, pre, delta, rate):
        """Let the weights and biases of a layer follow a delta."""
        self.optimise(weights, k, pre.T @ delta / len(pre), rate)
        self.optimise(biases, k, delta.mean(axis=0), rate)

    def draws(self, examples, batch):
        chance, widths = self.chance("xi", batch), [self.sizes[k - 1] for k in self.inverses]
        return {"xi": [chance.standard_normal((examples, n), self.dtype) for n in widths]}

    def feedback_weights(self):
        """The inverses, without their rows for auxiliary outputs."""
        known = dict(zip(self.inverses, self.V, strict=True))
        layers = range(2, len(self.sizes))
        return [known[k][: self.sizes[k]] if k in known else None for k in layers]

    def loss(self, output, target):
        return -float(np.mean(np.sum(target * np.log(np.maximum(output, 1e-30)), axis=1)))

    # ------------------------------------------------------------------- what is inside

    def recorded(self, activities, target):
        """h; r, what the inverse of the layer above returns; with a label T, and -dE/dh."""
        h, r = activities, [None] * len(self.sizes)
        for k in self.inverses:
            r[k - 1] = self.g(k, self.whole(k, h[k], h[k - 1]), h)
        if target is None:
            return {"h": h, "r": r}
        delta = self.backpropagated(h, target)
        down = [self.send_down(k + 1, delta[k]) for k in range(len(delta))]
        return {"h": h, "r": r, "T": self.targets(h, target), "descent": [*down, None]}

    @staticmethod
    def draw(net, data, pictures):
        """Draw what inverses return, and where targets lead, for the first test image."""
        if len(net.sizes) > 2:
            trial = net.record(data.test_images[0], int(data.test_labels[0]))
            pictures.keep("targets.png", plot.targets(trial)[0].figure)

    def measures(self):
        if not self.parameters.measure_angle or self._held_out is None:
            return dict.fromkeys(self.COLUMNS, [np.nan] * (len(self.sizes) - 2))
        return self.measured(*self._held_out)

    def measured(self, x, targets):
        """How good inverses and targets are, for each hidden layer; NaN if it has none.

        Parameters
        ----------
        x, targets
            As in `learn`; best those from which the network does not learn.

        Returns
        -------
        dict of str to list of float
            'reconstruction', of the inverse that leads to the layer: the mean square of what it
            misses, over the variance of activities; 'angle' in degrees, from T - h to minus the
            gradient of the loss, and 'acute', how often it is below 90; 'distance', from T to h
            over the length of h. The last three are means over examples.
        """
        x, _, t = self._examples(x, targets)
        seen, found = self.recorded(self.forward(x), t), []
        for h, r, T, down in list(zip(*seen.values(), strict=True))[1:-1]:
            missed = np.nan if r is None else np.mean((r - h) ** 2) / np.var(h)
            length, along, size = (np.linalg.norm(each, axis=1) for each in (T - h, down, h))
            with np.errstate(invalid="ignore"):  # NaN if nothing is to be changed
                cosine = np.sum((T - h) * down, axis=1) / (length * along)
            angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
            found.append((missed, np.mean(angle), np.mean(angle < 90.0), np.mean(length / size)))
        columns = np.array(found, float).reshape(-1, len(self.COLUMNS)).T.tolist()
        return dict(zip(self.COLUMNS, columns, strict=True))
