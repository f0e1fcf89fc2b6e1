"""Backpropagation, and feedback other than the transposed forward weights: fixed, signed, learned.

Feedback alignment (Lillicrap et al. 2016, doi:10.1038/ncomms13276), direct (Nøkland 2016), signed
(Liao et al. 2016), Kolen & Pollack (1994), weight mirror (Akrout et al. 2019). All weights are
[pre, post]: W_l leads up to layer l, B_l down to it. h_l, f', delta_L are as in `learning.forward`:

    delta_l = (delta_{l+1} F_l) f'(a_l)                                                       (1)
    delta_l = (e B_l) f'(a_l),   e = delta_L                    `direct`, from the output     (2)
    W_l <- (1 - decay) W_l + eta_l h_{l-1}^T delta_l,   b_l <- b_l + eta_l delta_l            (3)

`random`: F = B, fixed. `backprop`: F = W_{l+1}^T. `none`: F = 0, so that only the output learns.
`sign`, `sign_fixed`, `sign_redrawn`: sizes are all alike, drawn once, or redrawn at each update:

    F_l = size_l sign(W_{l+1}^T),   size_l = sqrt(2 / (n_l + n_{l+1})), or |B_l| as drawn     (4)

`kolen_pollack`: feedback changes and decays as the weights do. `mirror`: after an update, hidden
layers emit noise xi, the layers above answer y, and feedback learns; <> is the mean over vectors:

    B_l <- (1 - decay) B_l + eta_{l+1} (h_l^T delta_{l+1})^T                                  (5)
    B_l <- (1 - lambda_m) B_l + eta_m <y^T xi_l>,   y = xi_l W_{l+1}, or f(... + b_{l+1})     (6)
"""

import numpy as np

from spikesim.kernels.dense import multiply, multiply_rows
from spikesim.kernels.functions import real, sigmoid
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import TRIAL
from spikesim.learning.alignment import backpropagated, measured
from spikesim.learning.forward import ForwardParameters, drawn, forward, forward_arrays, spread
from spikesim.learning.images import ImageModel
from spikesim.learning.parameters import choice, number, whole
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.updates import count_updates, end_of_batch, learn, start_of_batch, thin

__all__ = ["FEEDBACK", "FeedbackAlignment", "Parameters"]

SIGNED = ("sign", "sign_fixed", "sign_redrawn")
FEEDBACK = ("backprop", "direct", *SIGNED, "kolen_pollack", "mirror", "none")
"""The kinds of feedback besides `random`."""


class Parameters(ForwardParameters):
    """Constants and options; the defaults are those of feedback alignment, online."""

    feedback: str = choice("random", *FEEDBACK, about="how errors come down")
    feedback_scale: float = number(1.0, "of B, relative to weights of its shape", at_least=0.0)
    error: str = choice("delta", "activity", about="what `direct` sends: delta_L, or target - h_L")
    sparse: float = number(0.0, "fraction of W_L and B that is absent", at_least=0.0, below=1.0)
    kept_decay: float = number(1e-4, "decay with kolen_pollack", at_least=0.0, below=1.0)
    mirror_rate: float = number(1e-3, "learning rate of mirrors", symbol="η_m", at_least=0.0)
    mirror_decay: float = number(1e-3, "their decay", symbol="λ_m", at_least=0.0, below=1.0)
    mirror_vectors: int = whole(1, "noise vectors of an event", symbol="k", at_least=1)
    mirror_events: int = whole(1, "events after each update", at_least=0)
    mirror_before: int = whole(0, "events before the first example", at_least=0)
    mirror_noise: str = choice("normal", "uniform", about="law of the noise, around 0")
    mirror_size: float = number(1.0, "its deviation, or half the width of `uniform`", above=0.0)
    through: str = choice("linear", "logistic", about="what the layer above makes of the noise")


def receive(c, t, s, p):
    """(1) and (2): `sent` is delta from above, or e of the output."""
    first, last = bounds(c, s.delta.shape[0], p)
    for j in range(first, last):
        s.delta[j] = 0.0
    multiply(s.sent, s.B, s.delta, first, last)
    for j in range(first, last):
        s.delta[j] = s.delta[j] * s.slope[j]


def follow_signs(j, t, s, p):
    """(4), for the feedback onto unit j."""
    for k in range(s.B.shape[0]):
        sign = 1.0 if s.W_above[j, k] > 0.0 else -1.0 if s.W_above[j, k] < 0.0 else 0.0
        s.B[k, j] = s.size[k, j] * s.B_mask[k, j] * sign


def answer_noise(c, t, s, p):
    """y of (6): a block of units of the layer above answers all noise vectors of a trial."""
    first, last = bounds(c, s.y.shape[1], p)
    rows = s.y.shape[0] * (s.clock[TRIAL] // p.batch)
    multiply_rows(s.xi, rows, s.W_above, s.y, first, last)
    for v in range(s.y.shape[0] if p.is_logistic == 1 else 0):
        for k in range(first, last):
            s.y[v, k] = sigmoid(s.y[v, k] + s.b_above[k])


def mirror(j, t, s, p):
    """(6), for the feedback weights onto unit j, event after event."""
    rows, many = s.y.shape[0] * (s.clock[TRIAL] // p.batch), p.mirror_vectors
    for event in range(s.y.shape[0] // many):
        for k in range(s.B.shape[0]):
            total = 0.0
            for v in range(event * many, (event + 1) * many):
                total += s.y[v, k] * s.xi[rows + v, j]
            s.B[k, j] = (1.0 - p.mirror_decay) * s.B[k, j] + p.mirror_rate / real(many) * total


def before_all(s, p):
    return s.begun[0] + s.clock[TRIAL] == 0


class FeedbackAlignment(ImageModel):
    """A layered network of rate units; errors come down in one of several ways.

    Examples
    --------
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> history = net.fit(np.eye(4), [0, 1, 0, 1], epochs=1)
    >>> net.predict(np.eye(4)).shape
    (4,)
    """

    KIND = "feedback-alignment"
    TITLE = "feedback alignment and its kin (Lillicrap et al. 2016; Nøkland 2016)"
    Parameters = Parameters
    WEIGHTS = ("W", "b", "B")
    STREAMS = ("weights", "order", "feedback", "sparse", "sizes", "events", "before")

    def properties(self):
        kind = self.parameters.feedback
        transport, online = kind in ("backprop", *SIGNED), self._batch == 1
        if kind == "none":
            return Properties(False, online=online)
        known = knowing("pre", "post", "dendrite", weights=transport)
        phases = 2 if kind == "mirror" else 1
        return Properties(transport, phases, signed_errors=True, knows=known, online=online)

    def source(self, layer):
        return layer.output if self.parameters.feedback == "direct" else layer.above

    def weights(self, layers):
        p, chance, above = self.parameters, self.chance("weights"), self.chance("feedback")
        for layer in layers[1:]:
            layer.arrays["W"] = drawn(chance, p, layer.below.n, layer.n)
            layer.arrays["b"] = np.zeros(layer.n)
        for layer in layers[1:-1] if p.feedback not in ("backprop", "none") else ():
            B = p.feedback_scale * drawn(above, p, self.source(layer).n, layer.n)
            if p.feedback in SIGNED:
                even = np.sqrt(2.0 / (layer.n + layer.above.n))
                layer.arrays["size"] = np.abs(B) if p.feedback != "sign" else np.full(B.shape, even)
                B = layer.size * np.sign(layer.above.W.T)
                layer.arrays["B_mask"] = np.ones(B.shape)
            layer.arrays["B"] = B
        thin(layers, self.chance("sparse"), p.sparse)

    def arrays(self, layer):
        p, shapes = self.parameters, forward_arrays(layer, self.parameters)
        if p.feedback == "mirror" and not (layer.is_input or layer.is_output):
            for name, updates in (("events", self.block() // p.batch), ("before", 1)):
                many = p.mirror_vectors * getattr(p, f"mirror_{name}")
                shapes[f"xi_{name}"] = (updates * many, layer.n)
                shapes[f"y_{name}"] = (many, layer.above.n)
        return shapes

    def block(self):
        return self._batch if self.parameters.feedback == "sign_redrawn" else super().block()

    def prepare(self, net, trial, count):
        p = self.parameters
        for layer in net.hidden if net.applies and p.feedback == "sign_redrawn" else ():
            chance = self.chance("sizes", trial, layer.index)
            layer.size[...] = p.feedback_scale * np.abs(drawn(chance, p, *layer.size.shape))
        for layer in net.hidden if net.applies and p.feedback == "mirror" else ():
            for name in ("events", "before"):
                xi, chance = layer.arrays[f"xi_{name}"], self.chance(name, trial, layer.index)
                xi[...] = spread(chance, p.mirror_noise, p.mirror_size, xi.shape)

    def step(self, net):
        p, output, kind = net.p, net.output, net.p.feedback
        yield from self.mirrored(net, "before", (before_all,))
        yield from forward(net)
        if not net.learning:
            return
        for layer in net.hidden if kind in SIGNED else ():
            yield layer.phase(follow_signs, when=start_of_batch(net))
        yield from backpropagated(net) if kind == "backprop" else ()
        for layer in reversed(net.hidden if kind not in ("backprop", "none") else ()):
            direct = output.e if p.error == "activity" else output.delta
            sent = direct if kind == "direct" else layer.above.delta
            yield layer.phase(receive, "block", sent=sent)
        yield from measured(net)
        yield from count_updates(net)
        decay = p.kept_decay if kind == "kolen_pollack" else p.decay
        for layer in [output] if kind == "none" else net.above_input:
            eta = p.eta[layer.index - 1]
            yield from learn(net, layer, "W", layer.below.h, layer.delta, eta, decay)
            yield from learn(net, layer, "b", None, layer.delta, eta * p.bias_rate)
            if kind == "kolen_pollack" and layer.index > 1:
                yield from learn(net, layer.below, "B", layer.delta, layer.below.h, eta, decay)
        yield from self.mirrored(net, "events", end_of_batch(net))

    def mirrored(self, net, name, when):
        """(6): what layers answer to the noise of an array ``name``, and how feedback learns."""
        for layer in net.hidden if net.applies and net.p.feedback == "mirror" else ():
            given = {"xi": layer.arrays[f"xi_{name}"], "y": layer.arrays[f"y_{name}"], "when": when}
            if given["y"].size:
                given["is_logistic"] = int(net.p.through == "logistic")
                yield layer.phase(answer_noise, "block", many=layer.above.n, **given)
                yield layer.phase(mirror, **given)
