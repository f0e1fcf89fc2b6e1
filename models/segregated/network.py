"""Deep learning with segregated dendrites (Guerguiev, Lillicrap & Richards 2017, eLife 6:e22901).

Symbols are the paper's. One step is dt = 1 ms; conductances are per ms with C_m = 1. A hidden
neuron has a soma (1), a basal voltage V_B = W PSP(below) + b and an apical one V_A = Y PSP(source).
An output neuron has a soma (2), with a teaching current I in the target phase only:

    dV/dt = -g_L V + g_B (V_B - V) + g_A (V_A - V)                                            (1)
    dV/dt = -g_L V + g_D (V_B - V) + I,     I = g_E (E_E - V) + g_I (E_I - V)                 (2)
    g_E = the target, 1 for neurons of the right class and 0 for others,   g_I = 1 - g_E      (3)

The rate (4) is that of Poisson spikes. The plateau potential (5), at the end of a phase, follows
from the mean apical voltage in its window. `f` and `t` mark means over forward and target phase:

    phi = phi_max sigma(V)                                                                    (4)
    alpha = sigma(mean V_A) = sigma(Y mean PSP(source))                                       (5)

Errors and learning at the end of the target phase; (9) is the control by backpropagation:

    E_out    = -(mean_t phi - phi_max sigma(mean_f V)) k_D phi_max sigma'(mean_f V)           (6)
    E_hidden = -(alpha_t - alpha_f) k_B phi_max sigma'(mean_f V)                              (7)
    W -= eta P E (mean_f PSP(below))^T,     b -= eta P E                                      (8)
    E_hidden = (W_above E_above) k_B phi_max sigma'(mean_f V)                                 (9)

(10) to (12), which the authors also tried, are in `variants`; (13) and (14), with rates instead of
spikes, are in `rates`.
"""

from __future__ import annotations

import numpy as np

from spikesim import DoubleExponential
from spikesim.kernels.chance import poisson_count
from spikesim.kernels.functions import sigmoid
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second, in_second_window
from spikesim.learning.alignment import cosines
from spikesim.learning.images import ImageModel
from spikesim.learning.model import RECORDING, TEST
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.spiking import Cells, Means, Pixels
from spikesim.learning.updates import learn
from spikesim.models.segregated import initial, rates, variants
from spikesim.models.segregated.parameters import Parameters
from spikesim.models.segregated.variants import slope

__all__ = ["SegregatedDendriteNetwork"]


def rate(V, p):
    """(4)."""
    return p.phi_max * sigmoid(V)


def step_hidden(i, t, s, p):
    """(1), forward Euler, for apical voltages that do not matter (g_A = 0)."""
    V = s.V[i]
    s.V[i] = V + (-p.g_L * V + p.g_B * (s.V_B[i] - V) + p.g_A * (0.0 - V))


def step_hidden_apical(i, t, s, p):
    """(1)."""
    V = s.V[i]
    s.V[i] = V + (-p.g_L * V + p.g_B * (s.V_B[i] - V) + p.g_A * (s.V_A[i] - V))


def target(i, s, p):
    """g_E of (3)."""
    return s.wanted[s.example[s.clock[TRIAL]], i // p.units_per_class]


def step_output(i, t, s, p):
    """(2)."""
    V = s.V[i]
    I = 0.0  # noqa: E741 - the paper's symbol
    if s.clock[PHASE] == SECOND:
        g_E = target(i, s, p)
        I = g_E * (p.E_E - V) + (1.0 - g_E) * (p.E_I - V)  # noqa: E741
    s.V[i] = V + (-p.g_L * V + p.g_D * (s.V_B[i] - V) + I)


def fire(i, t, s, p):
    """(4)."""
    s.phi[i] = rate(s.V[i], p)


def emit(i, t, s, p):
    s.spike[i] = poisson_count(s.uniform[i], s.phi[i])


def emit_found(k, t, s, p):
    """(4) of the k-th hidden neuron that might spike."""
    s.emitted[k] = poisson_count(s.uniform_found[k], rate(s.V_found[k], p))


def mean_apical(j, phase, s):
    """mean V_A = Y mean PSP(source), over the window that ends when j's plateau comes."""
    lag = s.lag[s.clock[TRIAL], phase, j % s.lag.shape[2]]
    V_A = s.Y[j, 0] * s.feedback[lag, 0]
    for o in range(1, s.Y.shape[1]):
        V_A += s.Y[j, o] * s.feedback[lag, o]
    return V_A


def plateau_forward(j, t, s, p):
    """(5)."""
    s.mean_V_A[j] = mean_apical(j, FIRST, s)
    s.alpha_f[j] = sigmoid(s.mean_V_A[j])


def plateau_target(j, t, s, p):
    """(5)."""
    s.alpha_t[j] = sigmoid(mean_apical(j, SECOND, s))


def read_out(_, t, s, p):
    """The class whose output neurons have the highest mean_f V; on a tie, the first one."""
    best, highest = 0, 0.0
    for c in range(s.mean_V.shape[0] // p.units_per_class):
        total = 0.0
        for i in range(c * p.units_per_class, (c + 1) * p.units_per_class):
            total += s.mean_V[i]
        if c == 0 or total > highest:
            best, highest = c, total
    s.answer[s.clock[TRIAL]] = best


def output_error(_, t, s, p):
    """(6), and the loss: the mean of the squared differences."""
    loss = 0.0
    for i in range(s.E.shape[0]):
        difference = s.mean_phi[i] - p.phi_max * sigmoid(s.mean_V[i])
        loss += difference * difference
        s.E[i] = -difference * p.k_D * p.phi_max * slope(s.mean_V[i])
    s.loss[s.clock[TRIAL]] = loss / s.E.shape[0]


def hidden_error(j, t, s, p):
    """(7)."""
    s.E[j] = -(s.alpha_t[j] - s.alpha_f[j]) * p.k_B * p.phi_max * slope(s.mean_V[j])


def backpropagated_error(j, t, s, p):
    """(9)."""
    total = s.W_above[j, 0] * s.sent[0]
    for i in range(1, s.sent.shape[0]):
        total += s.W_above[j, i] * s.sent[i]
    s.E_bp[j] = total * p.k_B * p.phi_max * slope(s.mean_V[j])


class SegregatedDendriteNetwork(ImageModel):
    """A network of neurons with segregated dendrites that learns to classify images.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`. ``net.Y`` has the
    feedback weights as the paper writes them, (n, n_source); ``net.B`` has them transposed. The
    history also has 'max_eigenvalue'.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = SegregatedDendriteNetwork((64, 5, 10), seed=1, backend="python")
    >>> history = net.fit(digits.train_images[:1], digits.train_labels[:1])
    >>> net.predict(digits.test_images[:2]).shape
    (2,)
    """

    KIND, TITLE = "segregated", "segregated dendrites (Guerguiev, Lillicrap & Richards 2017)"
    Parameters, WEIGHTS, RATES = Parameters, ("W", "b", "Y"), ("rate", "eta_Y")
    STREAMS = ("weights", "feedback", "sparse", "noise", "order", "lengths", "lags")
    RECORD, KEEP = ("V", "V_B", "V_A"), {"alpha_f": FIRST, "alpha_t": SECOND}
    COLUMNS, SAVED, CARRIES, SIGN = ("max_eigenvalue",), ("jacobian",), True, -1.0

    SUITED, units = variants.SUITED, variants.units
    max_eigenvalue, measures = variants.max_eigenvalue, variants.measures
    per_trial, prepare = variants.lags, variants.prepare
    draw = staticmethod(variants.draw)

    def properties(self):
        p = self.parameters
        if p.frozen:
            return Properties(False, phases=2)
        transport = p.symmetric or p.backpropagation
        known = knowing("pre", "post", "dendrite", "past", weights=transport)
        return Properties(transport, phases=2, signed_errors=p.backpropagation, knows=known)

    def activity(self, layer):
        return layer.mean_PSP

    def feedback_weights(self, layer):
        return layer.arrays["Y"].T if "Y" in layer.arrays else None

    def learned_from(self, layer):
        p = self.parameters
        return self.backpropagated(layer) if p.backpropagation else layer.arrays.get("E")

    def backpropagated(self, layer):
        return layer.arrays.get("E_bp", layer.arrays.get("E"))

    def source(self, layer):
        return layer.output if self.parameters.feedback == "broadcast" else layer.above

    def weights(self, layers):
        initial.weights(self, layers)
        variants.weights(self, layers[1:-1])

    def arrays(self, layer):
        own = {} if layer.is_input else {"E": layer.n, **variants.arrays(self, layer)}
        if not (layer.is_input or layer.is_output):
            own.update(dict.fromkeys(("E_bp", "alpha_f", "alpha_t", "mean_V_A"), layer.n))
        return own if self.parameters.spiking else {**own, **rates.arrays(layer)}

    def sums(self, layer):
        return {"mean_PSP": layer.n, "mean_V": layer.n, "mean_phi": layer.n}

    def phase_sums(self, layer):
        first_source = len(self.sizes) - 1 if self.parameters.feedback == "broadcast" else 2
        feeds_back = layer.index >= max(first_source, 2)
        return {"mean_feedback": (self.parameters.longest_lag + 1, layer.n)} if feeds_back else {}

    def lengths(self, n, purpose):
        p = self.parameters
        if purpose == TEST:
            return np.tile([p.test_phase if p.spiking else 2, 0], (n, 1))
        extra = self.chance("lengths", self.epoch).wald(p.wald_mean, p.wald_scale, (n, 2))
        return p.phase + np.floor(extra).astype(np.int64) if p.spiking else np.full((n, 2), 2)

    def shortest(self):
        return (self.parameters.phase, self.parameters.phase) if self.parameters.spiking else (2, 2)

    def block(self):  # noise is drawn between two calls
        return 1 if self.parameters.symmetric_noise else super().block()

    def neuron(self, layer, net):
        p = self.parameters
        if layer.is_input or not p.spiking:
            return Pixels(p.phi_max) if p.spiking else None
        if layer.is_output:
            return Cells((step_output, fire, emit), ("V", "V_B", "phi"))
        soma = step_hidden_apical if self.is_apical(net) else step_hidden
        variables = ("V", "V_B", "V_A") if self.is_apical(net) else ("V", "V_B")
        return Cells((soma, emit_found), variables, at_most=p.phi_max)

    def is_apical(self, net):
        """Whether apical voltages are computed in every step, not only their means."""
        return net.purpose == RECORDING or self.parameters.g_A > 0.0

    def connect(self, net):
        """Forward connections act in the same step, feedback one step later."""
        to = {"kernel": self.kernel()}
        for layer in net.above_input if to["kernel"] else ():
            net.connect(layer.below, layer, "V_B", layer.W, delay=0.0, offset=layer.b, **to)
        for layer in net.hidden if to["kernel"] and self.is_apical(net) else ():
            net.connect(self.source(layer), layer, "V_A", layer.Y, delay=1.0, transposed=True, **to)

    def kernel(self):
        """The time course of a PSP; none if units do not spike."""
        p = self.parameters
        return DoubleExponential(p.tau_s, p.tau_L, p.memory) if p.spiking else None

    def step(self, net):
        p, output, hidden, is_test = net.p, net.output, net.hidden, net.purpose == TEST
        yield from () if p.spiking else rates.step(net)
        sources = [x for x in net.layers if "mean_feedback" in x.arrays]
        window, shortest = (p.test_window, p.test_phase) if is_test else (p.window, p.phase)
        means = Means(net, self.kernel(), window if p.spiking else 1, shortest, p.longest_lag)
        yield from means.of("V", net.above_input)
        yield from means.of("phi", [output], in_second_window)
        yield from means.of_psp(net.layers[:-1], later=sources)
        yield output.phase(read_out, "once", at_end_of_first)
        for layer in hidden:
            given = {"feedback": self.source(layer).mean_feedback}
            yield layer.phase(plateau_forward, when=at_end_of_first, **given)
        yield from variants.at_end_of_forward(self, sources)
        target = {"when": at_end_of_second}
        yield output.phase(output_error, "once", **target)
        for layer in hidden:
            yield layer.phase(plateau_target, **target, feedback=self.source(layer).mean_feedback)
        if net.purpose == RECORDING:
            return
        for layer in () if p.backpropagation or p.frozen else hidden:
            yield layer.phase(hidden_error, **target)
        compared = p.backpropagation or p.measure_angle or not net.applies
        for layer in reversed(hidden if compared else ()):
            sent = output.E if layer.above is output else layer.above.E_bp
            yield layer.phase(backpropagated_error, **target, sent=sent)
        yield from cosines(net, "E", "E_bp", at_end_of_second) if p.measure_angle else ()
        yield from variants.at_end_of_target(self, net)
        for layer in [output] if p.frozen else net.above_input:
            scale = 20.0 / p.phi_max**2 if layer is output else 20.0 / p.phi_max  # P_out, P_hidden
            x, E = layer.below.mean_PSP, self.learned_from(layer)
            eta_P = p.eta[layer.index - 1] * scale
            yield from learn(net, layer, "W", x, E, -eta_P, when=(at_end_of_second,))
            yield from learn(net, layer, "b", None, E, -eta_P, when=(at_end_of_second,))
        yield from variants.after_learning(self, net)
