"""What else the authors of the segregated-dendrite network tried: symmetric, sparse and learned
feedback, stochastic plateaus, and how close feedback comes to an inverse of the forward path.

    E_inv = -(phi_max sigma(mean_f V) - alpha_f) sigma'(mean_f V_A)                          (10)
    Y -= eta_Y E_inv (mean_f PSP(source))^T                                                  (11)
    J = (phi_max sigma'(V) k_D W_out) (sigma'(Y phi_max sigma(V)) Y),  V the output's mean_f (12)
"""

import numpy as np

from spikesim import plot
from spikesim.checks import check_memory
from spikesim.kernels.functions import sigmoid
from spikesim.kernels.trials import TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second
from spikesim.learning.images import ImageModel
from spikesim.learning.parameters import refuse_if

SUITED = {"digits": {"hidden": "100", "epochs": 80}, "mnist": {"hidden": "500", "epochs": 10}}
SHOWN = 100  # examples over which (12) is averaged


def slope(x):
    """sigma'(x)."""
    y = sigmoid(x)
    return y * (1.0 - y)


def keep_feedback(o, t, s, p):
    """mean_f PSP(source), which (11) needs when the target phase is over."""
    s.kept[o] = s.mean_feedback[0, o]


def learn_feedback(j, t, s, p):
    """(10) and (11); weights that sparse feedback has removed stay removed."""
    E_inv = -(p.phi_max * sigmoid(s.mean_V[j]) - s.alpha_f[j]) * slope(s.mean_V_A[j])
    for o in range(s.Y.shape[1]):
        if s.Y[j, o] != 0.0:
            s.Y[j, o] = s.Y[j, o] - p.eta_Y * E_inv * s.kept_source[o]


def copy_symmetric(j, t, s, p):
    """Y = W_above + noise: feedback from the layer above, through its own weights."""
    for o in range(s.Y.shape[1]):
        s.Y_full[j, o] = s.W_above[j, o] + p.symmetric_noise * s.normal[j, o]
        s.Y[j, o] = s.Y_full[j, o] * s.mask[j, o]


def product_symmetric(j, t, s, p):
    """Y = (W_above + noise) Y_above: feedback from the output, through all layers between."""
    for o in range(s.Y.shape[1]):
        s.Y_full[j, o] = 0.0
    for i in range(s.W_above.shape[1]):
        w = s.W_above[j, i] + p.symmetric_noise * s.normal[j, i]
        for o in range(s.Y.shape[1]):
            s.Y_full[j, o] += w * s.Y_full_above[i, o]
    for o in range(s.Y.shape[1]):
        s.Y[j, o] = s.Y_full[j, o] * s.mask[j, o]


def measure_jacobian(a, t, s, p):
    """(12), row a, for this example."""
    slot = (s.begun[0] + s.clock[TRIAL]) % s.jacobian.shape[0]
    outer = p.phi_max * slope(s.mean_V[a]) * p.k_D
    for c in range(s.mean_V.shape[0]):
        s.jacobian[slot, a, c] = 0.0
    for j in range(s.Y_below.shape[0]):
        V_A = s.Y_below[j, 0] * p.phi_max * sigmoid(s.mean_V[0])
        for o in range(1, s.Y_below.shape[1]):
            V_A += s.Y_below[j, o] * p.phi_max * sigmoid(s.mean_V[o])
        x = outer * s.W[j, a] * slope(V_A)
        for c in range(s.mean_V.shape[0]):
            s.jacobian[slot, a, c] += x * s.Y_below[j, c]


def units(model):
    n = model.parameters.units_per_class
    check_memory(f"units_per_class is {n}", 8.0 * model.sizes[-2] * model.sizes[-1] * n)
    return (*model.sizes[:-1], model.sizes[-1] * n)


def weights(model, hidden):
    """Remove some feedback weights, or let them follow the forward weights."""
    p, above = model.parameters, None
    chance, noise = model.chance("sparse"), model.chance("noise", 0)
    for layer in hidden:
        mask = np.ones(layer.Y.size, model.dtype)
        if p.sparse:
            mask[chance.choice(mask.size, int(p.sparse * mask.size), replace=False)] = 0.0
            mask /= 1.0 - p.sparse
        layer.arrays["mask"] = mask.reshape(layer.Y.shape)
        layer.Y[...] *= layer.mask
    for layer in reversed(hidden if p.symmetric else ()):
        W = layer.above.W.astype(np.float64)
        W = W + p.symmetric_noise * noise.standard_normal(W.shape)
        above = W if above is None or p.feedback == "layered" else W @ above
        layer.Y[...] = above * layer.mask


def arrays(model, layer):
    p = model.parameters
    if layer.is_output:
        return {"kept": layer.n, "jacobian": (SHOWN, layer.n, layer.n)}
    lags = np.zeros((model.block(), 2, layer.n if p.plateau_jitter else 1), np.int64)
    return {"kept": layer.n, "Y_full": layer.Y.shape, "normal": layer.above.W.shape, "lag": lags}


def at_end_of_forward(model, sources):
    for layer in sources if model.parameters.feedback_learning else ():
        yield layer.phase(keep_feedback, when=at_end_of_first)


def at_end_of_target(model, net):
    if net.p.measure_inverse and net.applies:
        yield net.output.phase(measure_jacobian, when=at_end_of_second)
    for layer in net.hidden if net.p.feedback_learning and net.applies else ():
        kept = model.source(layer).kept
        yield layer.phase(learn_feedback, when=at_end_of_second, kept_source=kept)


def after_learning(model, net):
    for layer in reversed(net.hidden if net.p.symmetric and net.applies else ()):
        direct = net.p.feedback == "layered" or layer.above.is_output
        yield layer.phase(copy_symmetric if direct else product_symmetric, when=at_end_of_second)


def lags(model, net, n):
    """How many ms before the end of each phase each hidden neuron's plateau comes."""
    p, chance, rows = model.parameters, model.chance("lags", model.epoch), []
    for layer in net.hidden if p.plateau_jitter else ():
        early = np.abs(np.trunc(chance.normal(0.0, p.plateau_jitter, (n, 2, layer.n))))
        rows.append((layer.lag, np.minimum(early, p.longest_lag).astype(np.int64)))
    return rows


def prepare(model, net, trial, count):
    if model.parameters.symmetric_noise and net.applies:
        noise = model.chance("noise", trial + 1)
        for layer in reversed(net.hidden):
            layer.normal[...] = noise.standard_normal(layer.normal.shape)


def measures(model):
    return {"max_eigenvalue": model.max_eigenvalue()} if model.parameters.measure_inverse else {}


def max_eigenvalue(model):
    """The largest eigenvalue of (I - J)^T (I - J), with J averaged over the last 100 examples.

    Below 1, the feedback path is close enough to an inverse of the forward path for learning.
    """
    measured, seen = model.parameters.measure_inverse, model._training.output.jacobian
    refuse_if(not measured, "max_eigenvalue needs a network made with measure_inverse=True.")
    refuse_if(not seen.any(), "max_eigenvalue needs examples to average over; fit first.")
    J = seen[seen.any(axis=(1, 2))].astype(np.float64).mean(axis=0)
    A = np.eye(len(J)) - J
    return float(np.linalg.eigvalsh(A.T @ A)[-1])


def draw(net, data, pictures):
    """Draw the spikes of one trial, and the compartments of a neuron."""
    trial = ImageModel.draw(net, data, pictures)
    if trial.spikes and len(net.sizes) > 2:
        neuron = int(np.argmax(trial.spikes["hidden_1"].count))
        pictures.keep("traces.png", plot.compartments(trial, "hidden_1", neuron)[0].figure)
