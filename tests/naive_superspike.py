"""SuperSpike (Zenke & Ganguli 2018), written out slowly.

This is the oracle against which spikesim's own model is tested. It transcribes section 3 of the
specification (the exact discrete algorithm) phase by phase in NumPy, keeps every trace of every
synapse as a full array, shares no code with the package and is never fast.

Names. Layer 0 is the input, layers 1 ... L - 1 are hidden, layer L is the output. Connection c
leads from layer c to layer c + 1; `w[c]` is [pre, post] in volts, as are its traces `l1`, `l2`
(lambda), `m` (sum of the chunk) and `v`. `B[h]` is (n of hidden layer h + 1, n of the layer above).
Neuron state is per layer, with None for the input: `U`, `I`, `ref`, the raw error `E`, the incoming
error `Ein`, `ebar`, `e` and the regulariser's rate trace `z`. `x` and `xt` are the single and the
double exponential trace of the neurons before connection c. Time is counted in steps of 0.1 ms,
`k` is the step that comes next; potentials, currents and weights are in volts.

    net = NaiveSuperSpike(w, (steps, ids), (target_steps, target_ids), loop=5000)
    net.run(50_000)
    net.raster(layer)           (step, id) of every spike of a layer so far, shape (n, 2); an input
                                that spikes twice in a step counts twice but is listed once
    net.mean_square_error()     the cost that the authors' program reports
    net.C                       the cost that each output neuron has accumulated
    net.history[c, pre, post]   lists "U", "I", "e", "lambda" of a watched synapse, one entry a step

Where the specification leaves a choice:
- in phase D, e follows the ebar of the same step; in phase E, l2 follows the l1 of the same step
  before it decays: as the text is ordered, and as replays of the authors' program need it.
- both cuts leave out only the product that they are named for: a cut psp adds nothing to l1, which
  still decays; a cut error adds nothing to m.
- with `partial=False` sigma' is 1: no factor beta and no cutoff at -80 mV.
- with `fixed_hidden` m and v of the hidden connections go on, as they do in the burn-in.
- 'rmsprop' divides by sqrt(v) + epsilon as 'rmaxprop' does; 'plain' leaves v alone.
- an update is done in float64 whatever the dtype, its result is stored in the dtype.
- with two or more hidden layers each raw error goes down like that of the output layer.
"""

import numpy as np

DT = 1e-4  # s
THETA = -50e-3  # V
U_REST = -60e-3
U_CUTOFF = -80e-3  # below it sigma' is 0
TAU_MEM = 10e-3  # s
TAU_SYN = 5e-3
REFRACTORY = 50  # steps
BETA = 1000.0  # 1/V
TAU_RISE = 5e-3  # s, of the eligibility, the error kernel and the presynaptic trace
TAU_DECAY = 10e-3
TAU_RMS = 30.0
TAU_AVG = 10.0
W_MAX = 0.1  # V


def cost_scale(a=TAU_DECAY, b=TAU_RISE, tau_avg=TAU_AVG):
    return 1 / ((a * b / (a - b)) ** 2 * (a / 2 + b / 2 - 2 * a * b / (a + b))) / tau_avg


def surrogate_derivative(U):
    h = BETA * (U - THETA)
    slope = BETA / (1 + np.abs(h)) ** 2
    return np.where(U < U_CUTOFF, 0 * slope, slope)


def initial_weights(sizes, rng, w0=0.05):
    """N(0, w0/sqrt(N_pre)), clipped to the bounds."""
    return [
        np.clip(w0 / np.sqrt(n) * rng.standard_normal((n, sizes[c + 1])), -W_MAX, W_MAX)
        for c, n in enumerate(sizes[:-1])
    ]


class Delay:
    """Ring buffer: what goes in comes out `lag` steps later, zeros before."""

    def __init__(self, lag, like):
        self.slots = [np.zeros_like(like) for _ in range(lag)]
        self.now = 0

    def pass_on(self, value):
        if not self.slots:
            return value.copy()
        old = self.slots[self.now]
        self.slots[self.now] = value.copy()
        self.now = (self.now + 1) % len(self.slots)
        return old


class Pattern:
    """Spikes at given steps, once or in a loop; several at once count several times."""

    def __init__(self, spikes, n, loop, dtype):
        self.n, self.loop, self.dtype = n, loop, dtype
        self.ids = {}
        steps, ids = (np.asarray(part, dtype=int) for part in spikes)
        for step, i in zip(steps, ids, strict=True):
            if step < 0 or (loop is not None and step >= loop):
                raise ValueError(f"step {step} is not in the loop of {loop} steps")
            if not 0 <= i < n:
                raise ValueError(f"id {i} is not among {n} neurons")
            self.ids.setdefault(int(step), []).append(int(i))

    def at(self, k):
        spikes = np.zeros(self.n, self.dtype)
        for i in self.ids.get(k if self.loop is None else k % self.loop, []):
            spikes[i] += 1
        return spikes


class NaiveSuperSpike:
    def __init__(
        self,
        w,  # one array [pre, post] per connection, V
        inputs,  # (steps, ids)
        targets,  # (steps, ids)
        *,
        loop=None,  # period of inputs and targets in steps; None = they are played once
        feedback="symmetric",  # or "random", "uniform"
        B=None,  # one array (n_hidden, n_above) per hidden layer, for random feedback
        delay=8,  # steps: axons, the spikes of the error, the watcher of random feedback
        hebbian_delay=None,  # steps, one per connection
        psp_cut=None,  # 1e-7 (symmetric: psp must be above) or 1e-5 (else: psp must not be below)
        error_cut=1e-7,
        optimizer="rmaxprop",  # or "rmsprop", "plain"
        r0=1e-3,  # V; a number, r0(t in s), or [(first step, r0), ...]
        learning_from=0,  # the first step that may change weights; None = never
        epsilon=1e-12,
        chunk=5000,  # steps
        rho=0.0,
        a=4,  # exponent of the regulariser
        tau_het=0.1,  # s
        regularised=None,  # connections on which the regulariser acts; None = all but the last
        error_dependent=False,  # regulariser times e^2
        partial=True,  # False: sigma' := 1
        fixed_hidden=False,  # only the last connection learns
        watch=(),  # synapses (c, pre, post) whose history is kept
        dtype=np.float64,
    ):
        if feedback not in ("symmetric", "random", "uniform"):
            raise ValueError(f"feedback is 'symmetric', 'random' or 'uniform', not {feedback!r}")
        if optimizer not in ("rmaxprop", "rmsprop", "plain"):
            raise ValueError(f"optimizer is 'rmaxprop', 'rmsprop' or 'plain', not {optimizer!r}")
        self.dtype = np.dtype(dtype).type
        self.w = [np.array(w_c, dtype=dtype) for w_c in w]
        self.sizes = [self.w[0].shape[0]] + [w_c.shape[1] for w_c in self.w]
        self.connections = range(len(self.w))
        self.layers = range(1, len(self.sizes))  # those of neurons that are simulated
        self.hidden = range(1, len(self.sizes) - 1)

        self.inputs = Pattern(inputs, self.sizes[0], loop, dtype)
        self.targets = Pattern(targets, self.sizes[-1], loop, dtype)

        self.feedback = feedback
        if feedback == "uniform":
            B = [np.ones((self.sizes[h], self.sizes[h + 1])) for h in self.hidden]
        if feedback == "symmetric":
            B = []
        self.B = [np.array(B_h, dtype=dtype) for B_h in B]

        self.delay = delay
        if hebbian_delay is None:
            fed_back = delay if feedback == "symmetric" else max(2 * delay - 1, 0)
            hebbian_delay = [fed_back] * (len(self.w) - 1) + [delay]
        self.hebbian_delay = list(hebbian_delay)
        self.psp_cut = psp_cut
        if psp_cut is None:
            self.psp_cut = 1e-7 if feedback == "symmetric" else 1e-5
        self.error_cut = error_cut
        self.optimizer, self.r0, self.learning_from = optimizer, r0, learning_from
        self.epsilon, self.chunk = epsilon, chunk
        self.gamma = np.exp(-chunk * DT / TAU_RMS)
        self.rho, self.a, self.error_dependent = rho, a, error_dependent
        self.regularised = self.connections[:-1] if regularised is None else regularised
        self.partial, self.fixed_hidden = partial, fixed_hidden

        # Factors of one step.
        real = self.dtype
        self.membrane_rate = real(DT / TAU_MEM)
        self.rise_rate = real(DT / TAU_RISE)
        self.decay_rate = real(DT / TAU_DECAY)
        self.syn_decay = real(np.exp(-DT / TAU_SYN))
        self.rise_decay = real(np.exp(-DT / TAU_RISE))
        self.het_decay = real(np.exp(-DT / tau_het))
        self.avg_decay = real(np.exp(-DT / TAU_AVG))

        # State.
        self.k = 0

        def per_neuron(value=0, kind=dtype):
            return [None] + [np.full(n, value, kind) for n in self.sizes[1:]]

        def per_synapse():
            return [np.zeros_like(w_c) for w_c in self.w]

        self.U, self.I = per_neuron(U_REST), per_neuron()
        self.ref = per_neuron(kind=int)
        self.E, self.Ein, self.ebar, self.e, self.z = (per_neuron() for _ in range(5))
        self.C = np.zeros(self.sizes[-1], dtype)
        self.x = [np.zeros(n, dtype) for n in self.sizes[:-1]]
        self.xt = [np.zeros(n, dtype) for n in self.sizes[:-1]]
        self.l1, self.l2, self.m, self.v = (per_synapse() for _ in range(4))

        # Ring buffers.
        self.axons = [Delay(delay, np.zeros(n, dtype)) for n in self.sizes]
        self.target_axons = Delay(delay, np.zeros(self.sizes[-1], dtype))
        self.watchers = [None] + [Delay(delay, E_l) for E_l in self.E[1:]]
        self.xt_buffer = [Delay(self.hebbian_delay[c], self.xt[c]) for c in self.connections]
        self.slope_buffer = [Delay(self.hebbian_delay[c], self.U[c + 1]) for c in self.connections]

        # Records.
        self.emitted = [[] for _ in self.sizes]
        self.watch = [tuple(synapse) for synapse in watch]
        self.history = {
            synapse: {name: [] for name in ("U", "I", "e", "lambda")} for synapse in self.watch
        }

    # -------------------------------------------------------------- running and reading out

    def run(self, steps):
        for _ in range(steps):
            self.step()

    def raster(self, layer):
        return np.array(self.emitted[layer], dtype=int).reshape(-1, 2)

    def mean_square_error(self):
        """Column 2 of the authors' statistics, averaged over the real neurons (no padding)."""
        t = self.k * DT
        return cost_scale() * np.mean(self.C, dtype=float) / (1 - np.exp(-t / TAU_AVG))

    # -------------------------------------------------------------- one step

    def step(self):
        # A. groups
        spikes = [self.inputs.at(self.k)] + [self.integrate(layer) for layer in self.layers]
        target_spikes = self.targets.at(self.k)
        for layer, spikes_l in enumerate(spikes):
            self.emitted[layer].extend((self.k, i) for i in np.flatnonzero(spikes_l))

        # Spikes emitted `delay` steps ago
        arrived = [self.axons[layer].pass_on(spikes_l) for layer, spikes_l in enumerate(spikes)]
        target_arrived = self.target_axons.pass_on(target_spikes)

        # B. propagate
        for c in self.connections:
            for j in np.flatnonzero(arrived[c]):
                self.I[c + 1] += arrived[c][j] * self.w[c][j]
        for h in self.hidden:
            self.feed_back(h)

        # D. traces
        for c in self.connections:
            self.x[c] += arrived[c]
            self.x[c] *= self.syn_decay
        for layer in self.layers:
            self.z[layer] += spikes[layer]
            self.z[layer] *= self.het_decay
            self.ebar[layer] += self.rise_rate * (self.E[layer] - self.ebar[layer])
            self.e[layer] += self.decay_rate * (self.ebar[layer] - self.e[layer])

        # E. plasticity
        for c in self.connections:
            post = c + 1
            is_output = c == self.connections[-1]
            # 1. cost
            if is_output:
                self.C = self.C * self.avg_decay + self.e[post] ** 2 * self.dtype(DT)
            # 2. raw error
            self.E[post] = self.Ein[post].copy()
            self.Ein[post][:] = 0
            if is_output:
                self.E[post] = target_arrived - arrived[post]
            # 3. Hebbian product, 4. eligibility
            self.filter_eligibility(c, self.hebbian_product(c))
            # 5. sum
            self.accumulate(c)
            # 6. update
            if self.k % self.chunk == 0:
                self.update(c)
            # 7. presynaptic trace
            self.xt[c] += self.membrane_rate * (self.x[c] - self.xt[c])

        for c, pre, post in self.watch:
            for name, value in (
                ("U", self.U[c + 1][post]),
                ("I", self.I[c + 1][post]),
                ("e", self.e[c + 1][post]),
                ("lambda", self.l2[c][pre, post]),
            ):
                self.history[c, pre, post][name].append(value)
        self.k += 1

    # -------------------------------------------------------------- phase A

    def integrate(self, layer):
        """Advance the neurons of a layer; returns how often each has fired (0 or 1)."""
        U, current, ref = self.U[layer], self.I[layer], self.ref[layer]
        theta, rest = self.dtype(THETA), self.dtype(U_REST)
        U += self.membrane_rate * (rest - U + current)
        refractory = ref > 0
        fires = ~refractory & (self.U[layer] > theta)
        U[refractory | fires] = rest
        ref[refractory] -= 1
        ref[fires] = REFRACTORY
        current *= self.syn_decay
        return fires.astype(self.dtype)

    # -------------------------------------------------------------- phase B

    def feed_back(self, h):
        """The raw error of the layer above, as it was set in phase E of an earlier step."""
        E_above = self.E[h + 1]  # of step k - 1
        if self.feedback == "symmetric":
            self.Ein[h] = self.w[h] @ E_above
        else:
            self.Ein[h] += self.B[h - 1] @ self.watchers[h + 1].pass_on(E_above)

    # -------------------------------------------------------------- phase E

    def hebbian_product(self, c):
        U = self.U[c + 1]
        slope = surrogate_derivative(U) if self.partial else np.ones_like(U)
        psp = self.xt_buffer[c].pass_on(self.xt[c])
        slope = self.slope_buffer[c].pass_on(slope.astype(self.dtype))
        if self.feedback == "symmetric":
            seen = psp > self.psp_cut
        else:
            seen = psp >= self.psp_cut
        return np.where(seen, psp, 0 * psp)[:, None] * slope[None, :]

    def filter_eligibility(self, c, product):
        self.l1[c] += product
        self.l2[c] += self.decay_rate * (self.l1[c] - self.l2[c])
        self.l1[c] *= self.rise_decay

    def accumulate(self, c):
        e = self.e[c + 1][None, :]
        integrand = e * self.l2[c]
        if self.rho != 0 and c in self.regularised:
            penalty = self.dtype(self.rho) * self.w[c] * self.z[c + 1][None, :] ** self.a
            if self.error_dependent:
                penalty = penalty * e**2
            integrand = integrand - penalty
        self.m[c] += np.where(np.abs(e) < self.error_cut, 0 * integrand, integrand)

    def update(self, c):
        g = self.m[c].astype(float) / self.chunk
        v = self.v[c].astype(float)
        if self.optimizer == "rmaxprop":
            v = np.maximum(g**2, self.gamma * v)
        elif self.optimizer == "rmsprop":
            v = self.gamma * v + (1 - self.gamma) * g**2
        if self.learns(c):
            r0 = self.learning_rate()
            if self.optimizer == "plain":
                w = self.w[c] + r0 * g
            else:
                w = self.w[c] + r0 * g / (np.sqrt(v) + self.epsilon)
            self.w[c] = np.clip(w, -W_MAX, W_MAX).astype(self.dtype)
        self.v[c] = v.astype(self.dtype)
        self.m[c][:] = 0

    def learns(self, c):
        if self.learning_from is None or self.k < self.learning_from:
            return False
        return c == self.connections[-1] or not self.fixed_hidden

    def learning_rate(self):
        if callable(self.r0):
            return self.r0(self.k * DT)
        if np.isscalar(self.r0):
            return self.r0
        return [r0 for step, r0 in sorted(self.r0) if step <= self.k][-1]
