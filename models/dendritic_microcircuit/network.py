"""Dendritic cortical microcircuits: apical potentials are errors once interneurons predict them.

Sacramento, Costa, Bengio & Senn (2018), NeurIPS 31. Weights are [pre, post]; r = phi(u), r_0 = x.
Layer l < L has pyramidal cells, with a soma u_l and two dendrites, and an SST cell for each cell of
the layer above. SST cells bear the index of that layer, as uI_l, which live in layer l - 1.

    v_B,l = r_{l-1} W_l + b_l,  vI_l = r_{l-1} Q_l + c_l,  v_A,l = r_{l+1} Y_l + rI_{l+1} P_l (1)
    du_l/dt  = -g_l u_l + g_B (v_B,l - u_l) + g_A (v_A,l - u_l) + sigma xi,         l < L     (2)
    duI_l/dt = -g_l uI_l + g_D (vI_l - uI_l) + g_som (u_l - uI_l) + sigma xi                  (3)
    du_L/dt  = -g_l u_L + g_B (v_B,L - u_L) + [taught] g_som (u_target - u_L) + sigma xi      (4)

Plasticity of these matrices M, and of biases alike; attenuations a and weights lambda:

    W_l: r_{l-1}^T (r_l - phi(a_l v_B,l)),      Q_l: r_{l-1}^T (rI_l - phi(a_I vI_l))         (5)
    P_l: rI_{l+1}^T (0 - v_A,l),                Y_l: r_{l+1}^T (r_l - phi(r_{l+1} Y_l))       (6)
    dM/dt = eta D,   tau_w dD/dt = product - D                                                (7)
    a_l = g_B / (g_l + g_B + g_A),    lambda_l = g_A / (g_l + g_B + g_A),           l < L
    a_L = g_B / (g_l + g_B),          lambda_L = g_som / (g_l + g_B + g_som)
    a_I = g_D / (g_l + g_D),          lambda_I = g_som / (g_l + g_D + g_som)                  (8)

`continuous`: Euler steps of (1) to (7), all from the potentials before the step. Input and target
pass a filter of tau_0. Potentials go on from pattern to pattern; plasticity rests for `lag` after
an onset. `two_step`: upwards u_l = a_l v_B,l, with (1) for vI; then downwards from the output

    u_L = (1 - lambda_L) a_L v_B,L + lambda_L u_target,    u_l = a_l v_B,l + lambda_l v_A,l
    uI_l = (1 - lambda_I) a_I vI_l + lambda_I u_l                                             (9)

and M changes by eta times the mean product of a batch. `passes`, which add lambda_l v_A,l on the
way up, end in the fixed point of (2) to (4). A circuit predicts itself, v_A = 0, if

    P_l = -Y_l,   Q_l = (a_l / a_I) W_l,   c_l = (a_l / a_I) b_l                             (10)

With weak feedback Y_l = W_{l+1}^T, (5) is gain_l times the gradient in a_l W_l of the net u_l =
a_l v_B,l, with phi'(u_L) (u_target - u_L) at the output. `scaled` divides eta_l by it:

    gain_L = lambda_L,   gain_l = gain_{l+1} lambda_l (1 - lambda_I) / a_{l+1}               (11)
"""

import numpy as np

from spikesim.kernels import dendrites, settling, units, windows
from spikesim.learning.filtered import drive_at_rest, filter_arrays, forget, learn_filtered
from spikesim.learning.images import ImageModel
from spikesim.learning.model import MEASURING, TEST, TRAINING
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.updates import end_of_batch, learn
from spikesim.models.dendritic_microcircuit.parameters import Parameters

__all__ = ["DendriticMicrocircuit"]

PLASTIC = ("W", "b", "Q", "c", "P", "Y")
SHOWN: tuple[str, ...] = ("u", "v_B", "v_A", "uI", "vI")
NOISE: tuple[str, ...] = ("xi", "xi_I")
CELLS = {  # the arrays of pyramidal and of SST cells, and their attenuation
    "a": {"u": "u", "rate": "r", "dendrite": "v_B", "error": "delta", "noise": "xi"},
    "a_I": {"u": "uI", "rate": "rI", "dendrite": "vI", "error": "delta_I", "noise": "xi_I"},
}


class DendriticMicrocircuit(ImageModel):
    """Layers of pyramidal cells with SST cells, whose apical dendrites carry errors.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`. ``net.Y`` and
    ``net.P`` lead to apical dendrites; ``net.Q`` and ``net.c``, which lead to SST cells, have the
    shapes of W and b of the layer above. The history also has 'apical' and 'mismatch', the means of
    ``|v_A|^2`` and ``|u_{l+1} - uI_{l+1}|^2`` at the ends of trials, per hidden layer. A layer of
    rate 0 is frozen. If biases stand for the weights of a unit of rate r, `bias_rate` is r^2.

    Examples
    --------
    >>> from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit
    >>> net = DendriticMicrocircuit((4, 3, 2), dynamics="continuous", backend="python")
    >>> v_A = net.record([1.0, 0.0, 0.5, 0.0], label=1).v_A["hidden_1"]
    >>> bool(abs(v_A[:, 999]).max() < 1e-6 < abs(v_A[:, 1999]).max())  # the target comes at 100 ms
    True
    """

    KIND, Parameters = "dendritic-microcircuit", Parameters
    TITLE = "dendritic cortical microcircuits (Sacramento, Costa, Bengio & Senn 2018)"
    WEIGHTS, RECORD, DRAWN = PLASTIC, SHOWN, NOISE
    STREAMS = (*ImageModel.STREAMS, "feedback", "lateral", "taught", "noise")
    SAVED = ("u", "uI", "r", "u_target", *(f"D_{name}" for name in PLASTIC))
    SUITED = {  # noqa: RUF012
        "digits": {"hidden": "30", "epochs": 15, "batch": 10},
        "mnist": {"hidden": "100", "epochs": 12, "batch": 10, "eta": 0.2, "eta_Q": 0.55},
    }

    in_time = CARRIES = property(
        lambda self: self.parameters.in_time, doc="Whether potentials go on from trial to trial."
    )
    PASSED = property(lambda self: "W" if self.parameters.backprop else "WQPY")
    DT = property(lambda self: self.parameters.dt if self.in_time else 1.0, doc="The step in ms.")

    def properties(self):
        p, ideal = self.parameters, self.parameters.lateral == "ideal"
        known = knowing("pre", "post", "dendrite", past=p.in_time, weights=p.backprop or ideal)
        return Properties(p.backprop, signed_errors=p.backprop, knows=known, online=p.batch == 1)

    def numbers(self, layer):
        """What (8), (10) and (11) are at a layer, and steps in place of times."""
        p, above = self.parameters, {} if layer.is_output else self.numbers(layer.above)
        a_I, mixed_I = p.g_D / (p.g_l + p.g_D), p.g_som / (p.g_l + p.g_D + p.g_som)
        g, g_other = p.g_l + p.g_B, p.g_A if above else p.g_som
        a, mixed = p.g_B / (g + g_other if above else g), g_other / (g + g_other)
        gain = above["gain"] * mixed * (1.0 - mixed_I) / above["a"] if above else mixed
        own = {"a": a, "a_I": a_I, "mixed": mixed, "mixed_I": mixed_I, "gain": gain}
        own |= {"ratio": a / a_I, "a_above": above.get("a", 1.0), "jolted": p.sigma * p.dt**0.5}
        own["window"] = max(round(p.t_read / p.dt), 1) if self.in_time else 1
        return own | {"lag_steps": round(p.lag / p.dt)} | dendrites.ACTIVATIONS[p.activation]

    def weights(self, layers):
        p, (W, Y, lateral) = self.parameters, map(self.chance, ("weights", "feedback", "lateral"))
        for layer in layers[1:]:
            size = (1.0 if layer.is_output else 3.0) / (layer.below.n + 1.0) ** 0.5
            size = p.W_size[layer.index - 1] or size / self.numbers(layer)["a"]
            layer.arrays["W"] = W.uniform(-size, size, (layer.below.n, layer.n))
            layer.arrays["b"] = p.bias_rate**0.5 * W.uniform(-size, size, layer.n)
        for layer in layers[2:]:
            below, ratio = layer.below.arrays, self.numbers(layer)["ratio"]
            drawn = Y.uniform(-p.Y_size, p.Y_size, layer.W.T.shape)
            below["Y"] = drawn if p.feedback == "random" else layer.W.T.copy()
            copies = -below["Y"], ratio * layer.W, ratio * layer.b
            if p.init == "random" and p.lateral != "ideal":
                copies = [lateral.uniform(-p.Y_size, p.Y_size, M.shape) for M in copies]
                copies[2] *= p.bias_rate**0.5
            below["P"], layer.arrays["Q"], layer.arrays["c"] = copies

    def arrays(self, layer):
        if layer.is_input:
            return {"x": layer.n, "r": layer.n}
        p, hidden = self.parameters, ["v_A", "v_Y", "v_A_free", "delta_P", "delta_Y"]
        names = ["vI", "rI", "uI", "delta_I"] if layer.index > 1 else []
        names += ["target", "goal", "u_target"] if layer.is_output else hidden
        own = dict.fromkeys([*names, "slope"], layer.n)
        for name in ("v_B", "u", "r", "delta"):
            own[name] = np.zeros(layer.n, self.dtype)
            own[f"{name}_bp"] = own[name] if p.backprop else layer.n
        for name in NOISE[: layer.index] if p.sigma > 0.0 else ():
            own[name] = (self.block(), self.steps, layer.n)
        return own | (filter_arrays(layer, PLASTIC) if self.in_time else {})

    def phase_sums(self, layer):
        return {"mean": layer.n} if layer.is_output else {}

    def results(self):
        return {"loss": 1} | dict.fromkeys(("apical", "mismatch"), (len(self.sizes) - 2,))

    @property
    def steps(self):  # of a presentation
        """The steps of a presentation."""
        p = self.parameters
        return max(round(p.t_pattern / p.dt), 1) if self.in_time else 1 if p.backprop else p.passes

    def lengths(self, n, purpose):
        """The first phase of a trial has no target; to learn, a trial has one of the two."""
        if purpose == TRAINING:
            taught = self.chance("taught", self.epoch).random(n) < self.parameters.taught
            return self.steps * np.stack([~taught, taught], axis=1)
        return self.steps * np.tile([1, int(purpose != TEST)], (n, 1))

    def shortest(self):
        return 0, 0

    def block(self):
        noise = 2 * self.steps * sum(self.sizes) if self.parameters.sigma > 0.0 else 1
        return max(1, min(100, 2**22 // noise)) if self.in_time else super().block()

    def prepare(self, net, trial, count):
        for layer in net.above_input if net.applies else ():
            chance = self.chance("noise", trial, layer.index)
            for xi in (layer.arrays[name] for name in NOISE if name in layer.arrays):
                xi[:count] = chance.standard_normal((count, *xi.shape[1:]))

    def activity(self, layer):
        return layer.arrays.get("r_bp", layer.r)

    def feedback_weights(self, layer):
        return layer.arrays.get("Y")

    def backpropagated(self, layer):
        return layer.arrays.get("delta_bp")

    def silence(self, x, targets):
        """``|v_A|`` without `targets` over that with them, averaged over examples; 0 is ideal."""
        kept = [lambda layer: layer.arrays.get("v_A_free"), lambda layer: layer.arrays.get("v_A")]
        free, taught = self._seen(*self._examples(x, targets), kept)
        return np.array([abs(v).mean() for v in free[1:-1]]) / [abs(v).mean() for v in taught[1:-1]]

    def step(self, net):
        p, output, start = net.p, net.output, windows.at_start_of_phase
        for layer in net.above_input:
            layer.numbers.update(self.numbers(layer))
        shown, end = net.input.x if self.in_time else net.input.r, windows.at_end_of_phase
        yield net.input.phase(units.show, "once", start, h=shown)
        yield output.phase(dendrites.set_goal, when=start)
        if p.backprop or net.purpose == MEASURING:
            yield from self.backpropagation(net, shown, start)
        control = self.changed(net, (windows.in_second,)) if net.learning else ()
        yield from control if p.backprop else self.moved(net) if self.in_time else self.passed(net)
        is_soma = p.backprop or net.purpose == TEST
        value, a = (output.u, 1.0) if is_soma else (output.v_B, output.numbers["a"])
        given = {"value": value, "share": a / output.numbers["window"]}
        yield output.phase(windows.average, when=dendrites.in_window, **given)
        yield output.phase(units.answer, "once", end, h=output.mean)
        yield output.phase(units.squared_error, "once", end, h=output.mean, target=output.goal)
        for layer in net.hidden if not p.backprop else ():
            yield layer.phase(dendrites.measure, "once", end)

    def backpropagation(self, net, shown, when):
        """The feedforward net of what is `shown`, and its gradient."""
        for layer in net.above_input:
            given = {"a": layer.v_B_bp, "h_below": layer.below.arrays.get("r_bp", shown)}
            yield layer.phase(units.drive, "block", when, **given)
            yield layer.phase(dendrites.feed_forward, when=when)
        yield net.output.phase(dendrites.output_signal, when=when)
        for layer in reversed(net.hidden):
            given = {"received": layer.delta_bp, "sent": layer.above.delta_bp}
            yield layer.phase(units.send_down, when=when, **given)

    def basal(self, layer, rests=False):
        """v_B, and vI of the SST cells that mirror the layer."""
        r, when = layer.below.r, windows.at_start_of_phase if rests else None
        if layer.index == 1:
            yield layer.phase(settling.drive, "block", when, from_below=layer.v_B, r_below=r)
            return
        yield layer.phase(units.drive, "block", a=layer.v_B, h_below=r)
        yield layer.phase(units.drive, "block", a=layer.vI, h_below=r, W=layer.Q, b=layer.c)

    def cells(self, net):
        """All kinds of cells: their layer, and their arrays."""
        for layer in net.above_input:
            for a in list(CELLS)[: layer.index]:
                own = {name: layer.arrays.get(array) for name, array in CELLS[a].items()}
                yield layer, own | {"through": layer.numbers[a]}

    def passed(self, net):
        """(9)."""
        for layer in net.hidden:
            yield layer.phase(dendrites.rest, when=windows.at_start_of_phase)
        for layer in net.above_input:
            yield from self.basal(layer, rests=layer.index == 1)
            yield layer.phase(dendrites.teach if layer is net.output else dendrites.settle)
        for layer in reversed(net.hidden):
            yield layer.above.phase(dendrites.mirror)
            yield layer.phase(dendrites.apical, "block")
            yield layer.phase(dendrites.settle)
        end = windows.at_end_of_phase if net.applies else windows.at_end_of_second
        yield from self.learned(net, (end,)) if net.learning else ()

    def moved(self, net):
        """(1) to (7)."""
        p, first = net.p, net.above_input[0]
        share = min(p.dt / p.tau_0, 1.0) if net.applies and p.tau_0 > 0.0 else 1.0
        for layer, x, y in ((net.input, "x", "r"), (net.output, "goal", "u_target")):
            given = {"x": layer.arrays[x], "y": layer.arrays[y]}
            yield layer.phase(dendrites.follow, when=dendrites.at_very_start, share=1.0, **given)
            yield layer.phase(dendrites.follow, share=share, **given)
        yield from (layer.phase(dendrites.emit, **own) for layer, own in self.cells(net))
        yield from forget(net, PLASTIC) if p.reset_deltas and net.applies else ()
        at_rest = net.applies and p.tau_0 == 0.0
        yield from drive_at_rest(first, net.input.r, first.v_B) if at_rest else ()
        for layer in net.above_input[at_rest:]:
            yield from self.basal(layer, rests=layer is first and not net.applies)
        yield from (layer.phase(dendrites.apical, "block") for layer in net.hidden)
        when = (dendrites.unlagged,) if net.applies else (dendrites.unlagged, windows.in_second)
        yield from self.learned(net, when) if net.learning else ()
        yield from (layer.phase(dendrites.move_interneuron) for layer in net.above_input[1:])
        yield from (layer.phase(dendrites.move) for layer in net.hidden)
        yield net.output.phase(dendrites.move_output)
        for layer, own in self.cells(net) if net.applies and p.sigma > 0.0 else ():
            yield layer.phase(dendrites.jolt, **own)

    def learned(self, net, when):
        """(5) and (6), what changes by them, and (10)."""
        for layer, own in self.cells(net):
            yield layer.phase(dendrites.compare, when=when, **own)
        for layer in net.hidden:
            own = {"rate": layer.r, "dendrite": layer.v_Y, "error": layer.delta_Y, "through": 1.0}
            yield layer.phase(dendrites.compare, when=when, **own)
        yield from self.changed(net, when)
        last = when if self.in_time else (*when, *end_of_batch(net))
        for layer in net.above_input[1:] if net.p.lateral == "ideal" and net.applies else ():
            yield layer.phase(dendrites.copy_scaled, "row", last, M=layer.Q, F=layer.W)
            yield layer.phase(dendrites.copy_scaled_bias, when=last, M=layer.c, F=layer.b)

    def changed(self, net, when):
        """(7), or eta times the mean product of a batch."""
        p = net.p
        for layer in net.above_input:
            below, scaled = layer.below, p.scaled and not p.backprop
            eta = p.eta[layer.index - 1] / (layer.numbers["gain"] if scaled else 1.0)
            pairs = [(layer, "W", below.r, layer.delta, eta), (layer, "b", None, layer.delta, eta)]
            if layer.index > 1 and net.applies and not p.backprop:
                eta_Q, eta_P = (p.eta_Q, p.eta_P) if p.lateral == "plastic" else (0.0, 0.0)
                pairs += [(layer, "Q", below.r, layer.delta_I, eta_Q)]
                pairs += [(layer, "c", None, layer.delta_I, eta_Q)]
                pairs += [(below, "P", layer.rI, below.delta_P, eta_P)]
                pairs += [(below, "Y", layer.r, below.delta_Y, p.eta_Y)]
            for owner, name, pre, post, rate in pairs:
                rate *= p.bias_rate if pre is None else 1.0
                if rate == 0.0 and name not in "Wb":
                    continue
                at_rest = net.applies and p.tau_0 == 0.0 and below.is_input
                filtered = learn_filtered(net, owner, name, pre, post, rate, p.tau_w, when, at_rest)
                at_once = learn(net, owner, name, pre, post, rate, p.decay * (name == "W"), when)
                yield from filtered if self.in_time else at_once
