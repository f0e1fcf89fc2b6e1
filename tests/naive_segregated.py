"""The segregated-dendrite network (Guerguiev, Lillicrap & Richards 2017), written out slowly.

This is the oracle against which spikesim's own model is tested. It transcribes the specification
equation by equation in float64 NumPy, keeps every spike and every trace, shares no code with the
package and is never fast.

Names. m counts layers from 0 (first hidden) to M - 1 (output). `W[m]` is [pre, post], so
`psp @ W[m] + b[m]` is the drive of layer m. `Y[m]` is (n_m, n_out) for broadcast feedback and
(n_m, n_{m+1}) for layered feedback, so `Y[m] @ psp` is the apical voltage. Time is counted in
steps of dt = 1 ms, voltages in mV, rates in spikes per ms; n_in is the number of pixels.

    net = NaiveSegregated(W, b, Y, eta=0.21)
    ex = net.train_example(pixels, label, input_counts=counts, emit=emit, T_f=51, T_t=50)
    label = net.test_example(pixels, input_counts=counts, emit=emit, T=250)

Chance is the caller's. `input_counts` is (T, n_in), one row per step of the example, the target
phase continuing where the forward phase ended (T = T_f + T_t). `emit(m, step, expected)` returns
the spike counts of layer m in that step from the expected counts phi * dt; `step` is the row of
`input_counts`. `poisson_counts`, `poisson_emitter` and `replay` make these from a NumPy generator
or from stored counts. Phase lengths, plateau lags, feedback noise and masks are arguments too:
`phase_length`, `plateau_lags`, `sparse_mask` draw them as the authors did. In rate mode
(`spiking=False`) nothing is drawn and phases have 2 steps and windows 1.

`train_example` returns an `Example`: `forward` and `target` are `Phase`s with the traces
`V[m]`, `V_B[m]`, `phi[m]`, `psp_B[m]`, `spikes[m]` of all layers, `V_A[m]`, `psp_A[m]` of the
hidden ones (each (T, n)), and their window means; then `alpha_f`, `alpha_t`, `E`, `E_bp`, `E_inv`
per layer, the increments `dW`, `db`, `dY` that were applied, `loss`, `predicted`, `angle` (degrees,
one per hidden layer; nan when an error is zero), `J` and `max_eigenvalue`.

Where the specification leaves a choice, the authors' script decides:
- the feedback PSP is that of the spikes up to the previous step: an output spike of step s gives
  kappa(1) in step s + 1, ... kappa(memory) in step s + memory. Layered feedback likewise.
- in rate mode the apical drive of a step is the rate of the layer above in the previous step,
  across phases and examples; it is 0 in the first step after `clear()`.
- in rate mode g_A enters k_B only: the apical voltage never reaches the soma.
- the forward plateau mean of V_A, at its lag, is also the `mean_f V_A` of learned feedback;
  all other means are over the last `window` steps of the phase, whatever the lag.
- Y has no P factor in its learning rate.
- J uses the last hidden layer, W and Y as they were before the example's update, and is the mean
  of the products (not the product of the means).
Where it does not: backpropagated errors use W before the update (the script has updated the layer
above by then), each entry of a noisy W draws its own noise when feedback is layered too, and with a
sparse *learned* Y the factor 5 is applied once (the script multiplies by 5 after every example).
"""

import copy
from dataclasses import dataclass, field

import numpy as np

# ------------------------------------------------------------------ scalar equations


def kappa(t, tau_s=3.0, tau_L=10.0):
    """PSP kernel, t in ms."""
    return (np.exp(-t / tau_L) - np.exp(-t / tau_s)) / (tau_L - tau_s)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_prime(x):
    return sigmoid(x) * (1.0 - sigmoid(x))


def angle_degrees(a, b):
    """Angle between two vectors; nan when one of them is zero."""
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths == 0.0:
        return np.nan
    return np.degrees(np.arccos(np.clip(np.dot(a, b) / lengths, -1.0, 1.0)))


def window_mean(trace, window, lag=0):
    """Mean over the `window` steps that end `lag` steps before the end; lag may differ per unit."""
    T, n = trace.shape
    mean = np.zeros(n)
    for i, lag_i in enumerate(np.broadcast_to(lag, n)):
        end = T - int(lag_i)
        if end - window < 0:
            raise ValueError(f"window of {window} steps and lag {lag_i} need more than {T} steps")
        mean[i] = sum(trace[t, i] for t in range(end - window, end)) / window
    return mean


# ------------------------------------------------------------------ weights


def weight_moments(N, phi_max=0.2, V_avg=3.0, V_sd=3.0, b_avg=0.8):
    """W_avg and W_sd of a layer with N inputs ('weight optimisation')."""
    nu = phi_max / 4
    V_sm = V_sd**2 + V_avg**2
    W_avg = (V_avg - b_avg) / (nu * N * V_avg)
    W_sm = (
        V_sm
        + nu**2 * (N - N**2) * W_avg**2 * V_avg**2
        - 2 * N * nu * b_avg * V_avg * W_avg
        - b_avg**2
    ) / (N * nu**2 * V_sm)
    W_sd = np.sqrt(W_sm - W_avg**2)
    return W_avg, W_sd


def initial_weights(sizes, rng, *, broadcast=True, phi_max=0.2, b_avg=0.8, b_sd=0.001):
    """W, b, Y for sizes = (n_in, n_0, ..., n_out), drawn from the top layer down.

    Y of a hidden layer has the W_avg and W_sd of the layer above it, whose inputs are that hidden
    layer's units.
    """
    M = len(sizes) - 1
    W, b, Y = [None] * M, [None] * M, [None] * (M - 1)
    for m in reversed(range(M)):
        N, n = sizes[m], sizes[m + 1]
        W_avg, W_sd = weight_moments(N, phi_max, b_avg=b_avg)
        W[m] = W_avg + 3.465 * W_sd * rng.uniform(-1, 1, (N, n))
        b[m] = b_avg + 3.465 * b_sd * rng.uniform(-1, 1, n)
        if m > 0:
            n_above = sizes[-1] if broadcast else n
            Y[m - 1] = W_avg + 3.465 * W_sd * rng.uniform(-1, 1, (N, n_above))
    return W, b, Y


def symmetric_feedback(W, broadcast=True, noise=None):
    """Y from W. With W stored [pre, post], W[m + 1] already is 'W_above transposed'.

    `noise(m, shape)` returns what is added to W[m + 1]; it is asked for the last hidden layer
    first. When broadcast, Y[m] = (W[m + 1] + noise) @ Y[m + 1], so the noise of the layers above
    is passed down.
    """
    n_hidden = len(W) - 1
    Y = [None] * n_hidden
    for m in reversed(range(n_hidden)):
        W_above = W[m + 1].copy()
        if noise is not None:
            W_above = W_above + noise(m, W_above.shape)
        if not broadcast or m == n_hidden - 1:
            Y[m] = W_above
        else:
            Y[m] = W_above @ Y[m + 1]
    return Y


def sparse_mask(shape, rng, zeroed=0.8):
    """True where an entry survives: exactly int(0.8 * size) entries of the matrix are zeroed."""
    mask = np.ones(np.prod(shape), dtype=bool)
    mask[rng.choice(mask.size, int(zeroed * mask.size), replace=False)] = False
    return mask.reshape(shape)


def sparse_feedback(Y, masks, factor=5.0):
    return [factor * np.where(mask, Y_m, 0.0) for Y_m, mask in zip(Y, masks, strict=True)]


# ------------------------------------------------------------------ chance, as the authors drew it


def phase_length(rng, minimum=50):
    """T_f or T_t in steps."""
    return minimum + int(np.floor(rng.wald(2, 1)))


def plateau_lags(n, rng):
    """How many steps before the end of a phase each unit's plateau comes; drawn per phase."""
    return np.minimum(np.abs(np.trunc(rng.normal(0, 3, n)).astype(int)), 5)


def poisson_counts(pixels, T, rng, phi_max=0.2, dt=1.0):
    return rng.poisson(phi_max * np.asarray(pixels) * dt, (T, len(pixels)))


def poisson_emitter(rng):
    return lambda m, step, expected: rng.poisson(expected)


def replay(counts):
    """`emit` from stored counts: counts[m] is (T, n_m)."""
    return lambda m, step, expected: counts[m][step]


# ------------------------------------------------------------------ what is recorded


@dataclass
class Phase:
    """Traces of one phase, (T, n) per layer, and their window means."""

    V: list = field(default_factory=list)
    V_B: list = field(default_factory=list)
    V_A: list = field(default_factory=list)
    phi: list = field(default_factory=list)
    psp_B: list = field(default_factory=list)
    psp_A: list = field(default_factory=list)
    spikes: list = field(default_factory=list)
    input_spikes: np.ndarray | None = None
    mean_V: list = field(default_factory=list)
    mean_phi: list = field(default_factory=list)
    mean_V_A: list = field(default_factory=list)  # at each unit's plateau
    mean_psp_B: list = field(default_factory=list)
    mean_psp_A: list = field(default_factory=list)


@dataclass
class Example:
    forward: Phase
    target: Phase
    alpha_f: list
    alpha_t: list
    E: list  # what the updates used
    E_bp: list  # what backpropagation would use
    E_inv: list
    dW: list
    db: list
    dY: list
    loss: float
    predicted: int
    angle: list
    J: np.ndarray | None
    max_eigenvalue: float


# ------------------------------------------------------------------ the network


class NaiveSegregated:
    def __init__(
        self,
        W,
        b,
        Y=(),
        *,
        spiking=True,
        eta=0.21,  # one number, or one per layer
        eta_Y=0.0,  # one number, or one per hidden layer
        g_A=0.0,
        memory=10,  # steps; None = the untruncated kernel
        feedback="broadcast",  # or "layered"
        symmetric=False,  # Y follows W, from the start and after every update
        feedback_noise=None,  # noise(m, shape), for noisy symmetric feedback
        feedback_masks=None,  # one boolean array per hidden layer, for sparse feedback
        learn_feedback=False,
        backprop=False,
        window=None,  # 20 steps, 1 in rate mode
        test_window=None,  # 220 steps, 1 in rate mode
        units_per_class=1,
        dt=1.0,
        phi_max=0.2,
        tau_s=3.0,
        tau_L=10.0,
        g_L=0.1,
        g_B=0.6,
        g_D=0.6,
        E_E=8.0,
        E_I=-8.0,
        P_hidden=None,  # 20 / phi_max
        P_out=None,  # 20 / phi_max^2
        jacobian_memory=100,
    ):
        if feedback not in ("broadcast", "layered"):
            raise ValueError(f"feedback is 'broadcast' or 'layered', not {feedback!r}")
        self.W = [np.array(W_m, dtype=float) for W_m in W]
        self.b = [np.array(b_m, dtype=float) for b_m in b]
        self.Y = [np.array(Y_m, dtype=float) for Y_m in Y]
        self.M = len(self.W)
        self.spiking = spiking
        self.eta = np.broadcast_to(np.asarray(eta, dtype=float), self.M)
        self.eta_Y = np.broadcast_to(np.asarray(eta_Y, dtype=float), self.M - 1)
        self.memory = memory
        self.feedback = feedback
        self.symmetric = symmetric
        self.feedback_noise = feedback_noise
        self.feedback_masks = feedback_masks
        self.learn_feedback = learn_feedback
        self.backprop = backprop
        self.window = window if window is not None else (20 if spiking else 1)
        self.test_window = test_window if test_window is not None else (220 if spiking else 1)
        self.units_per_class = units_per_class
        self.dt = dt
        self.phi_max, self.tau_s, self.tau_L = phi_max, tau_s, tau_L
        self.g_L, self.g_B, self.g_D, self.g_A = g_L, g_B, g_D, g_A
        self.E_E, self.E_I = E_E, E_I
        self.k_B = g_B / (g_L + g_B + g_A)
        self.k_D = g_D / (g_L + g_D)
        P_hidden = 20 / phi_max if P_hidden is None else P_hidden
        P_out = 20 / phi_max**2 if P_out is None else P_out
        self.P = [P_hidden] * (self.M - 1) + [P_out]
        self.jacobian_memory = jacobian_memory
        self.J_examples = []
        self.hidden = range(self.M - 1)
        if symmetric:
            self.Y = self.follow_W()
        if feedback_masks is not None:
            self.Y = sparse_feedback(self.Y, feedback_masks)
        self.clear()

    # -------------------------------------------------------------- state

    def clear(self):
        """Voltages 0, no spike in the past, rates 0."""
        self.V = [np.zeros_like(b_m) for b_m in self.b]
        # What each source has emitted so far, newest last: source 0 is the input, m + 1 is layer m.
        # Spike counts, or rates in rate mode.
        self.sizes = [self.W[0].shape[0]] + [len(b_m) for b_m in self.b]
        self.emitted = [[] for _ in self.sizes]

    def psp(self, source):
        """PSP of every unit of a source from what it has emitted up to now."""
        if not self.spiking:
            return (
                self.emitted[source][-1] if self.emitted[source] else np.zeros(self.sizes[source])
            )
        psp = np.zeros(self.sizes[source])
        for age, counts in enumerate(reversed(self.emitted[source])):
            if self.memory is None or age < self.memory:
                psp = psp + counts * kappa((age + 1) * self.dt, self.tau_s, self.tau_L)
        return psp

    # -------------------------------------------------------------- voltages

    def hidden_soma(self, V, V_B, V_A):
        if not self.spiking:
            return self.k_B * V_B
        dVdt = -self.g_L * V + self.g_B * (V_B - V) + self.g_A * (V_A - V)
        return V + self.dt * dVdt

    def output_soma(self, V, V_B, label):
        """`label` is None in the forward phase."""
        if label is None:
            if not self.spiking:
                return self.k_D * V_B
            dVdt = -self.g_L * V + self.g_D * (V_B - V)
            return V + self.dt * dVdt
        g_E = self.target(label)
        g_I = 1.0 - g_E
        if not self.spiking:
            total = self.g_L + self.g_D + g_E + g_I
            k_D2, k_E, k_I = self.g_D / total, g_E / total, g_I / total
            return k_D2 * V_B + k_E * self.E_E + k_I * self.E_I
        teaching = g_E * (self.E_E - V) + g_I * (self.E_I - V)
        dVdt = -self.g_L * V + self.g_D * (V_B - V) + teaching
        return V + self.dt * dVdt

    def target(self, label):
        """One-hot, each class repeated for its units (units of a class are neighbours)."""
        one_hot = np.zeros(len(self.b[-1]) // self.units_per_class)
        one_hot[label] = 1.0
        return np.repeat(one_hot, self.units_per_class)

    def rate(self, V):
        return self.phi_max * sigmoid(V)

    # -------------------------------------------------------------- one step, one phase

    def step(self, m, label, step, emit, log):
        """Advance layer m by one step."""
        psp_B = self.psp(m)
        V_B = psp_B @ self.W[m] + self.b[m]
        if m < self.M - 1:
            # The layer above has not been advanced yet: this is its PSP of the previous step.
            psp_A = self.psp(self.M if self.feedback == "broadcast" else m + 2)
            V_A = self.Y[m] @ psp_A
            self.V[m] = self.hidden_soma(self.V[m], V_B, V_A)
            log.psp_A[m].append(psp_A)
            log.V_A[m].append(V_A)
        else:
            self.V[m] = self.output_soma(self.V[m], V_B, label)
        phi = self.rate(self.V[m])
        if self.spiking:
            emitted = np.array(emit(m, step, phi * self.dt), dtype=float)
        else:
            emitted = phi
        self.emitted[m + 1].append(emitted)
        for trace, value in (
            (log.V, self.V[m]),
            (log.V_B, V_B),
            (log.phi, phi),
            (log.psp_B, psp_B),
            (log.spikes, emitted),
        ):
            trace[m].append(value.copy())

    def phase(self, pixels, label, T, first_step, input_counts, emit, window, lags):
        """Run T steps; the target phase if a label is given."""
        log = Phase()
        for name in ("V", "V_B", "phi", "psp_B", "spikes"):
            setattr(log, name, [[] for _ in range(self.M)])
        log.V_A, log.psp_A = [[] for _ in self.hidden], [[] for _ in self.hidden]
        inputs = []
        for step in range(first_step, first_step + T):
            if self.spiking:
                inputs.append(np.array(input_counts[step], dtype=float))
            else:
                inputs.append(self.phi_max * np.asarray(pixels, dtype=float))
            self.emitted[0].append(inputs[-1])
            for m in range(self.M):
                self.step(m, label, step, emit, log)
        log.input_spikes = np.array(inputs)
        for name in ("V", "V_B", "V_A", "phi", "psp_B", "psp_A", "spikes"):
            setattr(log, name, [np.array(trace) for trace in getattr(log, name)])
        log.mean_V = [window_mean(trace, window) for trace in log.V]
        log.mean_phi = [window_mean(trace, window) for trace in log.phi]
        log.mean_psp_B = [window_mean(trace, window) for trace in log.psp_B]
        log.mean_psp_A = [window_mean(trace, window) for trace in log.psp_A]
        log.mean_V_A = [window_mean(log.V_A[m], window, lags[m]) for m in self.hidden]
        if self.memory is not None:
            for emitted in self.emitted:
                del emitted[: -self.memory]  # can no longer act
        return log

    # -------------------------------------------------------------- errors

    def output_error(self, forward, target):
        """E of the output layer."""
        V = forward.mean_V[-1]
        difference = target.mean_phi[-1] - self.phi_max * sigmoid(V)
        return -difference * self.k_D * self.phi_max * sigmoid_prime(V)

    def hidden_error(self, m, alpha_f, alpha_t, forward):
        slope = self.k_B * self.phi_max * sigmoid_prime(forward.mean_V[m])
        return -(alpha_t[m] - alpha_f[m]) * slope

    def backprop_errors(self, E_out, forward):
        """E of every layer by error backpropagation, W as before the update."""
        E = [None] * self.M
        E[-1] = E_out
        for m in reversed(self.hidden):
            slope = self.k_B * self.phi_max * sigmoid_prime(forward.mean_V[m])
            E[m] = (self.W[m + 1] @ E[m + 1]) * slope
        return E

    def inverse_error(self, m, alpha_f, forward):
        """E_inv of learned feedback."""
        difference = self.phi_max * sigmoid(forward.mean_V[m]) - alpha_f[m]
        return -difference * sigmoid_prime(forward.mean_V_A[m])

    def loss(self, forward, target):
        return np.mean((target.mean_phi[-1] - self.phi_max * sigmoid(forward.mean_V[-1])) ** 2)

    def read_out(self, forward):
        """The class whose output somas are highest on average in the forward phase."""
        per_class = forward.mean_V[-1].reshape(-1, self.units_per_class).mean(axis=1)
        return int(np.argmax(per_class))

    # -------------------------------------------------------------- feedback-inverse condition

    def jacobian(self, forward):
        """J of this example (n_out x n_out), from the last hidden layer and the output layer."""
        if self.M == 1 or self.Y[-1].shape[1] != len(self.b[-1]):
            return None
        V_out = forward.mean_V[-1]
        W_1, Y = self.W[-1].T, self.Y[-1]
        phi_out = self.phi_max * sigmoid(V_out)
        forwards = (self.phi_max * sigmoid_prime(V_out))[:, None] * self.k_D * W_1
        backwards = sigmoid_prime(Y @ phi_out)[:, None] * Y
        return forwards @ backwards

    def mean_jacobian(self, forward):
        J = self.jacobian(forward)
        if J is None:
            return None
        self.J_examples = [*self.J_examples, J][-self.jacobian_memory :]
        return np.mean(self.J_examples, axis=0)

    # -------------------------------------------------------------- feedback that is not learned

    def follow_W(self):
        return symmetric_feedback(self.W, self.feedback == "broadcast", self.feedback_noise)

    # -------------------------------------------------------------- examples

    def train_example(
        self,
        pixels,
        label,
        *,
        input_counts=None,
        emit=None,
        T_f=None,
        T_t=None,
        lags_f=None,  # one array of steps per hidden layer; None = plateaus at the end
        lags_t=None,
    ):
        default = 50 if self.spiking else 2
        T_f = default if T_f is None else T_f
        T_t = default if T_t is None else T_t
        lags_f = [0] * (self.M - 1) if lags_f is None else lags_f
        lags_t = [0] * (self.M - 1) if lags_t is None else lags_t

        forward = self.phase(pixels, None, T_f, 0, input_counts, emit, self.window, lags_f)
        alpha_f = [sigmoid(mean) for mean in forward.mean_V_A]
        predicted = self.read_out(forward)
        J = self.mean_jacobian(forward)

        target = self.phase(pixels, label, T_t, T_f, input_counts, emit, self.window, lags_t)
        alpha_t = [sigmoid(mean) for mean in target.mean_V_A]

        E_out = self.output_error(forward, target)
        E_bp = self.backprop_errors(E_out, forward)
        if self.backprop:
            E = E_bp
        else:
            E = [self.hidden_error(m, alpha_f, alpha_t, forward) for m in self.hidden] + [E_out]
        E_inv = [self.inverse_error(m, alpha_f, forward) for m in self.hidden]

        # All increments first ...
        dW, db = [], []
        for m in range(self.M):
            dW.append(-self.eta[m] * self.P[m] * np.outer(forward.mean_psp_B[m], E[m]))
            db.append(-self.eta[m] * self.P[m] * E[m])
        dY = [np.zeros_like(Y_m) for Y_m in self.Y]
        if self.learn_feedback:
            for m in self.hidden:
                dY[m] = -self.eta_Y[m] * np.outer(E_inv[m], forward.mean_psp_A[m])
                if self.feedback_masks is not None:
                    dY[m] = np.where(self.feedback_masks[m], dY[m], 0.0)
        # ... then all updates.
        for m in range(self.M):
            self.W[m] = self.W[m] + dW[m]
            self.b[m] = self.b[m] + db[m]
        for m in self.hidden:
            self.Y[m] = self.Y[m] + dY[m]
        if self.symmetric:
            self.Y = self.follow_W()
            if self.feedback_masks is not None:
                self.Y = sparse_feedback(self.Y, self.feedback_masks)

        return Example(
            forward=forward,
            target=target,
            alpha_f=alpha_f,
            alpha_t=alpha_t,
            E=E,
            E_bp=E_bp,
            E_inv=E_inv,
            dW=dW,
            db=db,
            dY=dY,
            loss=self.loss(forward, target),
            predicted=predicted,
            angle=[angle_degrees(E[m], E_bp[m]) for m in self.hidden],
            J=J,
            max_eigenvalue=np.nan if J is None else max_eigenvalue(J),
        )

    def test_phase(self, pixels, *, input_counts=None, emit=None, T=None):
        """Forward phase of a test image from a cleared state; the training state comes back."""
        T = (250 if self.spiking else 2) if T is None else T
        V, emitted = copy.deepcopy(self.V), copy.deepcopy(self.emitted)
        self.clear()
        no_lag = [0] * (self.M - 1)
        forward = self.phase(pixels, None, T, 0, input_counts, emit, self.test_window, no_lag)
        self.V, self.emitted = V, emitted
        return forward

    def test_example(self, pixels, *, input_counts=None, emit=None, T=None):
        """The class that the network reads out for a test image."""
        return self.read_out(self.test_phase(pixels, input_counts=input_counts, emit=emit, T=T))


def max_eigenvalue(J):
    """Largest eigenvalue of (I - J)^T (I - J); below 1 the feedback-inverse condition holds."""
    difference = np.eye(len(J)) - J
    return np.max(np.linalg.eigvals(difference.T @ difference).real)
