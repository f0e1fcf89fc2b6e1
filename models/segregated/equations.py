"""The equations of the segregated-dendrite network, and the bodies that apply them.

Symbols are the paper's. One step is dt = 1 ms; the conductances are per ms with C_m = 1.

Soma of a hidden neuron, with basal voltage V_B = W PSP(below) + b and apical V_A = Y PSP(output):

    dV/dt = -g_L V + g_B (V_B - V) + g_A (V_A - V)                                             (1)

Soma of an output neuron, with teaching current I in the target phase only:

    dV/dt = -g_L V + g_D (V_B - V) + I,     I = g_E (E_E - V) + g_I (E_I - V)                  (2)

    g_E = 1 for the neurons of the right class and 0 for others,   g_I = 1 - g_E               (3)

Rate, and Poisson spikes of that rate:

    phi = phi_max sigma(V),     sigma(x) = 1 / (1 + exp(-x))                                   (4)

Plateau potential at the end of a phase, from the mean apical voltage of the window before:

    alpha = sigma(mean V_A) = sigma(Y mean PSP(output))                                        (5)

Errors at the end of the target phase; `f` and `t` mark means over forward and target phase:

    E_out    = -(mean_t phi - phi_max sigma(mean_f V)) k_D phi_max sigma'(mean_f V)            (6)
    E_hidden = -(alpha_t - alpha_f) k_B phi_max sigma'(mean_f V)                               (7)

    W -= eta P E (mean_f PSP(below))^T,     b -= eta P E                                       (8)

Control, hidden errors by backpropagation:

    E_hidden = (W_above E_above) k_B phi_max sigma'(mean_f V)                                  (9)

Learned feedback:

    E_inv = -(phi_max sigma(mean_f V) - alpha_f) sigma'(mean_f V_A)                           (10)
    Y -= eta_Y E_inv (mean_f PSP(output))^T                                                   (11)

Forward-path Jacobian against its feedback counterpart, with V the output's mean_f V:

    J = (phi_max sigma'(V) k_D W_out) (sigma'(Y phi_max sigma(V)) Y)                          (12)

Non-spiking mode: PSP is the rate itself, the soma is at its steady state,

    hidden   V = k_B V_B;     output   V = k_D V_B,  in the target phase                      (13)
    V = (g_D V_B + g_E E_E + g_I E_I) / (g_L + g_D + g_E + g_I)                               (14)
"""

from __future__ import annotations

from math import sqrt

from spikesim.kernels.chance import poisson_count
from spikesim.kernels.functions import sigmoid
from spikesim.kernels.spikes import parts
from spikesim.kernels.trials import (
    FIRST,
    PHASE,
    SECOND,
    STARTED,
    TOGO,
    TRIAL,
    at_end_of,
    at_trial_start,
)

FORWARD = FIRST
TARGET = SECOND


# ---------------------------------------------------------------------------- the equations


def slope(x):
    """sigma'(x)."""
    y = sigmoid(x)
    return y * (1.0 - y)


def soma_hidden(V, V_B, V_A, p):
    """(1), forward Euler."""
    return V + (-p.g_L * V + p.g_B * (V_B - V) + p.g_A * (V_A - V))


def teaching_current(V, g_E, p):
    """I of (2), with (3)."""
    return g_E * (p.E_E - V) + (1.0 - g_E) * (p.E_I - V)


def soma_output(V, V_B, I, p):  # noqa: E741 - the paper's symbol
    """(2), forward Euler."""
    return V + (-p.g_L * V + p.g_D * (V_B - V) + I)


def rate(V, p):
    """(4)."""
    return p.phi_max * sigmoid(V)


def error_output(mean_t_phi, mean_f_V, p):
    """(6)."""
    difference = mean_t_phi - p.phi_max * sigmoid(mean_f_V)
    return -difference * p.k_D * p.phi_max * slope(mean_f_V)


def error_hidden(alpha_t, alpha_f, mean_f_V, p):
    """(7)."""
    return -(alpha_t - alpha_f) * p.k_B * p.phi_max * slope(mean_f_V)


def error_backpropagated(W_E_above, mean_f_V, p):
    """(9)."""
    return W_E_above * p.k_B * p.phi_max * slope(mean_f_V)


def error_inverse(mean_f_V, alpha_f, mean_f_V_A, p):
    """(10)."""
    return -(p.phi_max * sigmoid(mean_f_V) - alpha_f) * slope(mean_f_V_A)


def soma_output_steady(V_B, g_E, teaching, p):
    """(13) for the forward and (14) for the target phase."""
    g_T = teaching  # g_E + g_I is 1 while there is a teacher
    drive = p.g_D * V_B + g_T * (g_E * p.E_E + (1.0 - g_E) * p.E_I)
    return drive / (p.g_L + p.g_D + g_T)


# ------------------------------------------------- spiking neurons, one step; bodies over neurons


def is_class(i, s, p):
    """(3): 1 if output neuron i stands for the class of this trial's example."""
    label = s.label[s.example[s.clock[TRIAL]]]
    return 1.0 if i // p.units_per_class == label else 0.0


def step_hidden(i, t, s, p):
    s.V[i] = soma_hidden(s.V[i], s.V_B[i], 0.0, p)


def step_hidden_apical(i, t, s, p):
    s.V[i] = soma_hidden(s.V[i], s.V_B[i], s.V_A[i], p)


def step_output(i, t, s, p):
    V = s.V[i]
    I = teaching_current(V, is_class(i, s, p), p) if s.clock[PHASE] == TARGET else 0.0  # noqa: E741
    s.V[i] = soma_output(V, s.V_B[i], I, p)


def fire(i, t, s, p):
    s.phi[i] = rate(s.V[i], p)


def emit(i, t, s, p):
    s.spike[i] = poisson_count(s.uniform[i], s.phi[i])


def emit_found(k, t, s, p):
    """The same for a hidden neuron that might spike; see `spikesim.kernels.thinning`."""
    s.emitted[k] = poisson_count(s.uniform_found[k], rate(s.V_found[k], p))


# --------------------------------------------------------- rate neurons, one step


def begin_rates(i, t, s, p):
    s.PSP[i] = p.rate * s.image[s.example[s.clock[TRIAL]], i]


def pixels_at_trial_start(t, s, p):
    return s.PSP.shape[0] if at_trial_start(s.clock) else 0


def drive(_, t, s, p):
    """V_B = W PSP(below) + b."""
    for j in range(s.V_B.shape[0]):
        s.V_B[j] = s.b[j]
    for i in range(s.PSP_below.shape[0]):
        x = s.PSP_below[i]
        if x != 0.0:
            for j in range(s.V_B.shape[0]):
                s.V_B[j] += s.W[i, j] * x


def step_hidden_rate(i, t, s, p):
    s.V[i] = p.k_B * s.V_B[i]
    s.PSP[i] = rate(s.V[i], p)


def step_output_rate(i, t, s, p):
    teaching = 1.0 if s.clock[PHASE] == TARGET else 0.0
    s.V[i] = soma_output_steady(s.V_B[i], is_class(i, s, p), teaching, p)
    s.phi[i] = rate(s.V[i], p)
    s.PSP[i] = s.phi[i]


# --------------------------------------------------------- means over windows


def blocks_at_start(t, s, p):
    """Once for every block of targets, at the start of a trial."""
    return parts(s.out.shape[1], p) if at_trial_start(s.clock) else 0


def rows_at_trial_start(t, s, p):
    return s.Y.shape[0] if at_trial_start(s.clock) else 0


def transpose(j, t, s, p):
    """The apical synapses' weights, one row per source, are Y^T."""
    for o in range(s.Y.shape[1]):
        s.W[o, j] = s.Y[j, o]


def whole(t, s, p):
    """Over all entries, once at the start of a trial."""
    return s.means.shape[0] if at_trial_start(s.clock) else 0


def forget(i, t, s, p):
    s.means[i] = 0.0


def whole_phase(t, s, p):
    """Over all entries, once at the start of a phase."""
    return s.feedback.shape[0] if s.clock[STARTED] == 1 else 0


def forget_feedback(i, t, s, p):
    s.feedback[i] = 0.0


def in_forward_window(t, s, p):
    inside = s.clock[PHASE] == FORWARD and s.clock[TOGO] < p.window
    return s.mean.shape[0] if inside else 0


def in_target_window(t, s, p):
    inside = s.clock[PHASE] == TARGET and s.clock[TOGO] < p.window
    return s.mean.shape[0] if inside else 0


def average(i, t, s, p):
    s.mean[i] += s.value[i] * p.share


def spikes_in_forward(t, s, p):
    counts = s.clock[PHASE] == FORWARD and s.clock[TOGO] < s.kappa_in_window.shape[0]
    return 1 if counts else 0


def average_spikes(_, t, s, p):
    """What this step's spikes add to mean_f PSP: kappa summed over the rest of the window."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.mean[s.ids[slot, a]] += s.kappa_in_window[s.clock[TOGO]]


def lags(t, s, p):
    return s.mean.shape[0]


def average_feedback_spikes(lag, t, s, p):
    """Likewise for feedback, which arrives a step later, for windows that end `lag` steps early."""
    togo = s.clock[TOGO] - 1 - lag
    if togo >= 0 and togo < s.kappa_in_window.shape[0]:
        slot = t % s.ids.shape[0]
        for a in range(s.count[slot]):
            s.mean[lag, s.ids[slot, a]] += s.kappa_in_window[togo]


def average_feedback(i, t, s, p):
    """Mean of the PSP that feedback reads, that of the step before, per lag of the window."""
    for lag in range(s.mean.shape[0]):
        if s.clock[TOGO] >= lag + 1 and s.clock[TOGO] < lag + 1 + p.window:
            s.mean[lag, i] += s.value[i] * p.share


def sources(t, s, p):
    return s.mean.shape[1]


def one_to_one(_, t, s, p):
    """Each spike arrives at its own neuron's PSP."""
    slot = t % s.ids.shape[0]
    for a in range(s.count[slot]):
        s.out[t % s.out.shape[0], s.ids[slot, a]] += 1.0


# --------------------------------------------------------- the ends of the phases


def hidden_at_end_of_forward(t, s, p):
    return s.alpha_f.shape[0] if at_end_of(FORWARD, s.clock) else 0


def hidden_at_end_of_target(t, s, p):
    return s.alpha_t.shape[0] if at_end_of(TARGET, s.clock) else 0


def mean_apical(j, lag, s):
    """mean V_A = Y mean PSP(output): the mean of a sum is the sum of the means."""
    V_A = s.Y[j, 0] * s.feedback_mean[lag, 0]
    for o in range(1, s.Y.shape[1]):
        V_A += s.Y[j, o] * s.feedback_mean[lag, o]
    return V_A


def plateau_forward(j, t, s, p):
    """(5) for the forward phase."""
    s.mean_V_A[j] = mean_apical(j, s.lag[s.clock[TRIAL], FORWARD, j % s.lag.shape[2]], s)
    s.alpha_f[j] = sigmoid(s.mean_V_A[j])


def plateau_target(j, t, s, p):
    """(5) for the target phase."""
    lag = s.lag[s.clock[TRIAL], TARGET, j % s.lag.shape[2]]
    s.alpha_t[j] = sigmoid(mean_apical(j, lag, s))


def keep_feedback(o, t, s, p):
    """mean_f PSP(output), which learned feedback needs when the target phase is over."""
    s.kept[o] = s.feedback_mean[0, o]


def kept_at_end_of_forward(t, s, p):
    return s.kept.shape[0] if at_end_of(FORWARD, s.clock) else 0


def at_end_of_forward(t, s, p):
    return 1 if at_end_of(FORWARD, s.clock) else 0


def at_end_of_target(t, s, p):
    return 1 if at_end_of(TARGET, s.clock) else 0


def read_out(_, t, s, p):
    """The class whose output neurons have the highest mean_f V; the first one if several do."""
    best = 0
    highest = 0.0
    for c in range(s.mean_V.shape[0] // p.units_per_class):
        total = 0.0
        for i in range(c * p.units_per_class, (c + 1) * p.units_per_class):
            total += s.mean_V[i]
        if c == 0 or total > highest:
            highest = total
            best = c
    s.answer[s.clock[TRIAL]] = best


# --------------------------------------------------------- learning, at the end of the target phase


def learn_output_error(_, t, s, p):
    """(6), and the loss: the mean of the squared differences."""
    loss = 0.0
    for i in range(s.E.shape[0]):
        difference = s.mean_phi[i] - p.phi_max * sigmoid(s.mean_V[i])
        loss += difference * difference
        s.E[i] = error_output(s.mean_phi[i], s.mean_V[i], p)
    s.loss[s.clock[TRIAL]] = loss / s.E.shape[0]


def learn_hidden_error(j, t, s, p):
    """(7)."""
    s.E[j] = error_hidden(s.alpha_t[j], s.alpha_f[j], s.mean_V[j], p)


def learn_backpropagated_error(j, t, s, p):
    """(9)."""
    total = s.W_above[j, 0] * s.E_above[0]
    for i in range(1, s.E_above.shape[0]):
        total += s.W_above[j, i] * s.E_above[i]
    s.E_backpropagated[j] = error_backpropagated(total, s.mean_V[j], p)


def backpropagated_at_end_of_target(t, s, p):
    return s.E_backpropagated.shape[0] if at_end_of(TARGET, s.clock) else 0


def measure_angle(_, t, s, p):
    """Cosine between the update of a layer and that by backpropagation.

    Both are outer products with the same mean_f PSP, so that their angle is that of the errors.
    """
    dot = 0.0
    norm = 0.0
    norm_backpropagated = 0.0
    for j in range(s.E.shape[0]):
        dot += s.E[j] * s.E_backpropagated[j]
        norm += s.E[j] * s.E[j]
        norm_backpropagated += s.E_backpropagated[j] * s.E_backpropagated[j]
    length = sqrt(norm) * sqrt(norm_backpropagated)
    s.cosine[s.clock[TRIAL], p.layer] = dot / length if length > 0.0 else p.nan


def measure_jacobian(a, t, s, p):
    """(12), row a, for this example."""
    slot = (s.shown[0] + s.clock[TRIAL]) % s.jacobian.shape[0]
    outer = p.phi_max * slope(s.mean_V[a]) * p.k_D
    for c in range(s.mean_V.shape[0]):
        s.jacobian[slot, a, c] = 0.0
    for j in range(s.Y.shape[0]):
        V_A = s.Y[j, 0] * p.phi_max * sigmoid(s.mean_V[0])
        for o in range(1, s.Y.shape[1]):
            V_A += s.Y[j, o] * p.phi_max * sigmoid(s.mean_V[o])
        x = outer * s.W[j, a] * slope(V_A)
        for c in range(s.mean_V.shape[0]):
            s.jacobian[slot, a, c] += x * s.Y[j, c]


def outputs_at_end_of_target(t, s, p):
    return s.mean_V.shape[0] if at_end_of(TARGET, s.clock) else 0


def rows_at_end_of_target(t, s, p):
    return s.W.shape[0] if at_end_of(TARGET, s.clock) else 0


def learn_weights(i, t, s, p):
    """(8) for the synapses of neuron i below, which costs nothing if it was silent."""
    x = s.mean_PSP[i]
    if x != 0.0:
        x = p.eta_P * x
        for j in range(s.W.shape[1]):
            s.W[i, j] = s.W[i, j] - s.E[j] * x


def neurons_at_end_of_target(t, s, p):
    return s.E.shape[0] if at_end_of(TARGET, s.clock) else 0


def learn_bias(j, t, s, p):
    """(8)."""
    s.b[j] = s.b[j] - p.eta_P * s.E[j]


def learn_feedback(j, t, s, p):
    """(10) and (11)."""
    E_inv = error_inverse(s.mean_V[j], s.alpha_f[j], s.mean_V_A[j], p)
    for o in range(s.Y.shape[1]):
        if s.Y[j, o] != 0.0:  # weights that sparse feedback has taken out stay out
            s.Y[j, o] = s.Y[j, o] - p.eta_Y * E_inv * s.kept[o]


def feedback_rows_at_end_of_target(t, s, p):
    return s.Y.shape[0] if at_end_of(TARGET, s.clock) else 0


def copy_symmetric(j, t, s, p):
    """Y_m = W_{m+1}, plus noise: feedback from the layer above by its own weights."""
    for o in range(s.Y.shape[1]):
        s.Y_full[j, o] = s.W_above[j, o] + p.noise * s.normal[j, o]
        s.Y[j, o] = s.Y_full[j, o] * s.mask[j, o]


def product_symmetric(j, t, s, p):
    """Y_m = (W_{m+1} + noise) Y_{m+1}: feedback from the output by the path through all layers."""
    for o in range(s.Y.shape[1]):
        s.Y_full[j, o] = 0.0
    for i in range(s.W_above.shape[1]):
        w = s.W_above[j, i] + p.noise * s.normal[j, i]
        for o in range(s.Y.shape[1]):
            s.Y_full[j, o] += w * s.Y_above[i, o]
    for o in range(s.Y.shape[1]):
        s.Y[j, o] = s.Y_full[j, o] * s.mask[j, o]
