"""The clamped two-phase model: learning from what changes once the output is held at the target.

GeneRec (O'Reilly 1996, doi:10.1162/neco.1996.8.5.895), contrastive Hebbian learning (Movellan
1991), its limit (Xie & Seung 2003, doi:10.1162/089976603762552988). h_0 = x; W_l leads up to layer
l, B_l down to it; f of hidden layers, f_L of the output. A step of the hidden layers, 1 <= l < L,
and of the output in minus and plus phase:

    h_l <- lambda h_l + (1 - lambda) f(h_{l-1} W_l + h_{l+1} B_l + b_l)                       (1)
    h_L <- f_L(h_{L-1} W_L + b_L)   minus,     h_L = target   plus                            (2)

`random` feedback: B fixed. `symmetric`: B_l = gamma W_{l+1}^T. `order`: hidden layers see others as
they were before the step, and the output sees them as they are now (`sequential`) or as they were
(`synchronous`); or layers take turns, upwards in the minus and downwards in the plus phase
(`sweeps`). A trial starts from the activities of the feedforward pass (`forward`), from 0, or where
the minus phase of the same example ended last time (`last`). The plus phase starts where the minus
phase ended. With h- and h+ at the ends of both phases:

    W_l <- W_l + eta_l h-_{l-1}^T (h+_l - h-_l)                             `generec`         (3)
    W_l <- W_l + eta_l (h-_{l-1} / 2 + h+_{l-1} / 2)^T (h+_l - h-_l)        `midpoint`        (4)
    W_l <- W_l + eta_l (h+_{l-1}^T h+_l - h-_{l-1}^T h-_l)                  `chl`             (5)
    b_l <- b_l + eta_l (h+_l - h-_l)                                        all               (6)

`xie_seung`: rates are eta_l gamma^{l-L}. As feedback gets weaker, (5) tends to backpropagation if
it is symmetric, and (3) to feedback alignment if it is random: both of the feedforward pass, with
delta_L = target - h_L. Measures compare with the gradient of that pass.
"""

import numpy as np

from spikesim.kernels import settling, units, windows
from spikesim.kernels.trials import FIRST, PHASE, STARTED, TRIAL
from spikesim.learning.alignment import cosines
from spikesim.learning.forward import RateParameters, activated, drawn, read_out
from spikesim.learning.images import ImageModel
from spikesim.learning.model import MEASURING, TEST
from spikesim.learning.parameters import choice, flag, number, refuse_if, whole
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.updates import learn, start_of_batch

__all__ = ["ClampedNetwork", "Parameters"]

UNITS = ("logistic", "tanh", "relu", "linear", "hard")
OUTPUTS = ("softmax", "logistic_ce", "logistic", "linear", "hard")


class Parameters(RateParameters):
    """Constants and options; the defaults are those of GeneRec with random feedback, online."""

    activation: str = choice(*UNITS, about="f")
    output: str = choice(*OUTPUTS, about="f_L, with its loss")
    rule: str = choice("generec", "midpoint", "chl", about="(3), (4) or (5)")
    feedback: str = choice("random", "symmetric", about="B")
    feedback_scale: float = number(0.3, "deviation of `random` feedback", at_least=0.0)
    gamma: float = number(0.1, "strength of `symmetric` feedback", symbol="γ", at_least=0.0)
    xie_seung: bool = flag(False, "rates make up for the strength of feedback")
    keep: float = number(0.5, "what a unit keeps in a step", symbol="λ", at_least=0.0, below=1.0)
    output_leak: bool = flag(False, "the output also keeps λ of its activity")
    order: str = choice("sequential", "synchronous", "sweeps", about="of layers in a step")
    start: str = choice("forward", "zero", "last", about="activities as a trial starts")
    n_minus: int = whole(20, "steps of the minus phase", at_least=1, at_most=10_000)
    n_plus: int = whole(20, "steps of the plus phase", at_least=1, at_most=10_000)

    def check(self, layers, dtype):
        refuse_if(
            self.xie_seung and (self.feedback == "random" or self.gamma == 0.0),
            "xie_seung goes with feedback='symmetric' and gamma above 0, by which it divides.",
        )


def still_driven(s, p):
    """With one hidden layer, nothing that drives it changes within the plus phase."""
    return s.clock[PHASE] == FIRST or s.clock[STARTED] == 1


def begin_as_given(j, t, s, p):
    s.h[j] = s.start[s.clock[TRIAL], j]


def follow(j, t, s, p):
    """Symmetric feedback onto unit j, F = gamma W_{l+1}^T, from the weights as they are now."""
    for k in range(s.F.shape[0]):
        s.F[k, j] = p.gamma * s.W_above[j, k]


def move(j, t, s, p):
    """(1), and the minus phase of (2)."""
    s.h[j] = p.kept * s.h[j] + (1.0 - p.kept) * s.f[j]


def clamp(j, t, s, p):
    """The plus phase of (2)."""
    s.h[j] = s.target[j]


def measure_residual(_, t, s, p):
    """How far the fastest unit moves in the last step of a phase, in the layers until this one."""
    most = s.residual[s.clock[TRIAL], s.clock[PHASE]]
    for j in range(s.h.shape[0]):
        most = max(most, (1.0 - p.kept) * abs(s.f[j] - s.h[j]))
    s.residual[s.clock[TRIAL], s.clock[PHASE]] = most


def compare(j, t, s, p):
    s.delta[j] = s.h[j] - s.h_minus[j]
    s.h_mean[j] = 0.5 * (s.h_minus[j] + s.h[j])


class ClampedNetwork(ImageModel):
    """A network of rate units that settles twice, freely and with its output held at the target.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`; ``net.B`` has the
    weights of random feedback. The history also has 'residual', how far the fastest unit moved in
    the last step of the minus and of the plus phase. Unless ``start="forward"``, the activities
    from which trials start can be given: ``net.learn(x, targets, given={"start": arrays})``.

    Examples
    --------
    >>> from spikesim.models.clamped import ClampedNetwork
    >>> trial = ClampedNetwork((4, 3, 2), backend="python").record([1.0, 0.0, 0.5, 0.0], label=1)
    >>> trial.h["hidden_1"].shape  # the steps of both phases
    (3, 40)
    """

    KIND = "clamped"
    TITLE = "clamped two-phase model (O'Reilly 1996; Movellan 1991; Xie & Seung 2003)"
    Parameters = Parameters
    WEIGHTS = ("W", "b", "B")
    STREAMS = ("weights", "order", "feedback")
    DRAWN, PER_EXAMPLE = ("start",), {"start": "particles"}
    KEEP = {"h_minus": FIRST}  # noqa: RUF012
    PASSED = ("W", "B", "F")
    SUITED = {  # noqa: RUF012
        "digits": {"hidden": "100", "epochs": 20, "eta": 0.2},
        "mnist": {"hidden": "500", "epochs": 10, "eta": 0.05},
    }

    def properties(self):
        transport = self.parameters.feedback == "symmetric"
        known = knowing("pre", "post", "past", weights=transport)
        return Properties(transport, phases=2, knows=known, online=self._batch == 1)

    def weights(self, layers):
        p, chance, down = self.parameters, self.chance("weights"), self.chance("feedback")
        for layer in layers[1:]:
            layer.arrays["W"] = drawn(chance, p, layer.below.n, layer.n)
            layer.arrays["b"] = np.zeros(layer.n)
        for layer in layers[1:-1] if p.feedback == "random" else ():
            layer.arrays["B"] = down.normal(0.0, p.feedback_scale, (layer.above.n, layer.n))

    def arrays(self, layer):
        if layer.is_input:
            return {"h": layer.n}
        names = ["a", "drive", "f", "slope", "h", "h_forward", "h_minus", "h_mean", "delta"]
        names += ["delta_bp", *(["e", "target"] if layer.is_output else [])]
        shapes = dict.fromkeys(names, layer.n)
        if self.parameters.feedback == "symmetric" and not layer.is_output:
            shapes["F"] = (layer.above.n, layer.n)
        if self.parameters.start == "last":
            shapes["particles"] = (0, layer.n)
        if self.parameters.start != "forward":
            shapes["start"] = (self.block(), layer.n)
        return shapes

    def results(self):
        return {**super().results(), "residual": 2}

    def lengths(self, n, purpose):
        p = self.parameters
        return np.tile(np.array([p.n_minus, p.n_plus if purpose != TEST else 0]), (n, 1))

    def activity(self, layer):
        return layer.arrays.get("h_minus", layer.h)

    def linearized(self, layer):
        return layer.arrays.get("h_forward", layer.h)

    def backpropagated(self, layer):
        return layer.arrays.get("delta_bp")

    def prepare(self, net, trial, count):
        net.shared.arrays["residual"][:count] = 0.0

    def step(self, net):
        p, output = net.p, net.output
        yield from self.started(net, (windows.at_start_of_trial,))
        yield output.phase(clamp, when=windows.at_start_of_second)
        for group in self.groups(net):
            for layer, when in group:
                yield from self.driven(net, layer, when)
            for layer, when in group:
                kept = p.keep if p.output_leak or layer is not output else 0.0
                at_end = (*when, windows.at_end_of_phase)
                yield layer.phase(measure_residual, "once", at_end, kept=kept)
                yield layer.phase(move, "unit", when, kept=kept)
        for layer in net.above_input:
            kept = {"value": layer.h, "kept": layer.h_minus}
            yield layer.phase(settling.keep, when=windows.at_end_of_first, **kept)
            if p.start == "last":
                kept = {"u": layer.h, "rows": layer.start}
                yield layer.phase(settling.keep_for_trial, when=windows.at_end_of_first, **kept)
        yield from read_out(net, (windows.at_end_of_first,))
        yield from self.learned(net, (windows.at_end_of_second,)) if net.learning else ()

    def started(self, net, when):
        """Show an example; make the feedforward pass, its gradient, and the first activities."""
        yield net.input.phase(units.show, "once", when)
        for layer in net.hidden if net.p.feedback == "symmetric" else ():
            yield layer.phase(follow, "unit", (*when, *start_of_batch(net)))
        for layer in net.above_input:
            given = {"a": layer.drive, "h_below": self.linearized(layer.below)}
            yield layer.phase(units.drive, "block", when, **given)
            yield activated(layer, net.p, when, a=layer.drive, h=layer.h_forward)
            body = settling.keep if net.p.start == "forward" else begin_as_given
            yield layer.phase(body, "unit", when, value=layer.h_forward, kept=layer.h)
        if net.p.measure_angle or net.purpose == MEASURING:
            given = {"h": net.output.h_forward, "delta": net.output.delta_bp, "sloped": 0}
            yield net.output.phase(units.output_error, "unit", when, **given)
            for layer in reversed(net.hidden):
                given = {"received": layer.delta_bp, "sent": layer.above.delta_bp}
                yield layer.phase(units.send_down, "unit", when, **given)

    def groups(self, net):
        """The layers that move at the same time, in the order of a step, and when they move."""
        first, second = (windows.in_first,), (windows.in_second,)
        hidden, output = [(layer, ()) for layer in net.hidden], (net.output, first)
        if net.p.order == "sweeps":
            up = [[(layer, first)] for layer in net.above_input]
            return up + [[(layer, second)] for layer in reversed(net.hidden)]
        return [hidden, [output]] if net.p.order == "sequential" else [[*hidden, output]]

    def driven(self, net, layer, when):
        """f of (1) or f_L of (2), of the activities as they are now."""
        if len(net.hidden) == 1 and layer is not net.output:
            when = (*when, still_driven)
        if layer.index > 1:  # what comes from the input does not change in a trial
            yield layer.phase(units.drive, "block", when, a=layer.drive)
        if layer is net.output:
            yield activated(layer, net.p, when, a=layer.drive, h=layer.f)
            return
        given = {"d": layer.a, "from_below": layer.drive, "r_above": layer.above.h}
        F = layer.arrays["F" if net.p.feedback == "symmetric" else "B"]
        yield layer.phase(settling.receive, "block", when, F=F, **given)
        yield activated(layer, net.p, when, h=layer.f)

    def learned(self, net, when):
        """Learning, in the steps that `when` allows: what each layer compares, and the changes."""
        p = net.p
        for layer in net.above_input:
            yield layer.phase(compare, "unit", when)
        yield from cosines(net, "delta", "delta_bp", when) if p.measure_angle else ()
        for layer in net.above_input:
            below, post, less = layer.below, layer.delta, None
            scale = p.gamma ** (layer.index - net.output.index) if p.xie_seung else 1.0
            eta = p.eta[layer.index - 1] * scale
            if below.is_input:  # where (3), (4) and (5) are the same
                pre = below.h
            elif p.rule == "chl":
                pre, post, less = below.h, layer.h, (below.h_minus, layer.h_minus)
            else:
                pre = below.h_minus if p.rule == "generec" else below.h_mean
            yield from learn(net, layer, "W", pre, post, eta, p.decay, when, less)
            yield from learn(net, layer, "b", None, layer.delta, eta * p.bias_rate, when=when)
