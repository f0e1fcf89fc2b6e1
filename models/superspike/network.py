"""SuperSpike: learning precise spike times (Zenke & Ganguli 2018, doi:10.1162/neco_a_01086).

Symbols are the paper's: j is the presynaptic neuron, i the postsynaptic one, k one of the next
layer. Voltages, currents and weights are in mV (R = 1); a spike adds its weight to I.

    tau_mem dU_i/dt = U_rest - U_i + I_i,     dI_i/dt = -I_i / tau_syn + sum_j w_ij S_j(t - d)   (1)

A spike is emitted when U_i > theta; U_i is then held at U_rest for tau_ref.

Learning lowers the van Rossum loss between target trains and the output's,

    L = 1/2 int [alpha * (S^target_i - S_i)]^2 dt                                                (2)

by following a surrogate gradient. Its three factors are local to the synapse: a filtered PSP of
the presynaptic neuron, and the surrogate derivative and error signal of the postsynaptic neuron,

    sigma'(U) = (1 + |h|)^-2,     h = beta (U - theta)                                           (3)
    lambda_ij = alpha * [sigma'(U_i) (epsilon * S_j)]                      eligibility trace     (4)
    output    e_i = alpha * (S^target_i - S_i)                             error signal          (5)
    hidden    e_i = alpha * sum_k b_ki (raw error of k)                                          (6)

with b_ki = w_ki (symmetric), fixed and Gaussian (random) or 1 (uniform). Over a chunk of t_b,

    g_ij = mean of e_i lambda_ij - rho w_ij z_i^a,     dz_i/dt = -z_i / tau_het + S_i            (7)
    v_ij <- max(gamma v_ij, g_ij^2),     w_ij <- w_ij + r_0 g_ij / (sqrt(v_ij) + epsilon)        (8)

(8) is RMaxProp. The double-exponential filters of (4) to (6) are two exponential ones in a row. A
step has the order of the authors' program: neurons, error filters, raw errors, eligibility traces
and, at the end of a chunk, weights. Learning sees spikes, surrogate derivatives and PSPs with the
same delay with which neurons see spikes. So equal trains give no error, and all signals meet in
time.

(1) is applied here, (3) to (8) in `rules`. Where article and program differ, this model follows
the program, so that you can replay its runs.
"""

from __future__ import annotations

from math import exp

import numpy as np

from spikesim.checks import MOST_STEPS, check_number, check_steps
from spikesim.learning.parameters import choice, flag, number, refuse_if, whole
from spikesim.learning.patterns import PatternModel, TimedParameters
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.spiking import Cells
from spikesim.models.superspike import rules, tasks
from spikesim.precision import COUNTABLE, NEAR_ZERO, check_speed
from spikesim.spike_pattern import check_pattern
from spikesim.spiketrains import van_rossum_loss

__all__ = ["Parameters", "SuperSpikeNetwork"]

VOLT = 1000.0  # mV; the authors' program computes in V
TINY = 1e-30  # smaller numbers become 0


class Parameters(TimedParameters):
    """Constants and options; the defaults are those of the article and of the authors' program.

    Times are in ms; voltages, currents and weights in mV.
    """

    tau_mem: float = number(10.0, "membrane (table 1)", unit="ms", symbol="τ_mem", above=0.0)
    tau_syn: float = number(5.0, "synaptic current", unit="ms", symbol="τ_syn", above=0.0)
    tau_ref: float = number(5.0, "refractory period", unit="ms", symbol="τ_ref", at_least=0.0)
    U_rest: float = number(-60.0, "resting and reset potential (table 1)", unit="mV")
    theta: float = number(-50.0, "threshold (table 1)", unit="mV", symbol="ϑ")
    delay: float = number(
        0.8, "axonal delay of every connection and of all that learning sees", unit="ms", at_least=0
    )
    beta: float = number(
        1.0, "steepness of the surrogate derivative (3.3.2)", unit="1/mV", symbol="β", above=0.0
    )
    tau_rise: float = number(
        5.0, "of eligibility traces and error signals", unit="ms", symbol="τ_rise", above=0.0
    )
    tau_decay: float = number(10.0, "of the same", unit="ms", symbol="τ_decay", above=0.0)
    feedback: str = choice("symmetric", "random", "uniform", about="of errors (section 3.3.4)")
    error: str = choice(
        "trains", "windows", about="from target trains, or from spikes missed and wrong (figure 5)"
    )
    eta: float = number(
        1.0, "largest change of a weight per chunk", unit="mV", symbol="r_0", at_least=0.0
    )
    w_max: float = number(100.0, "bounds of weights, ± (section 3.3.5)", unit="mV", above=0.0)
    w_0: float = number(
        50.0, "initial weights: Gaussian with sd w_0 / sqrt(inputs)", unit="mV", at_least=0.0
    )
    chunk: float = number(500.0, "time between updates (3.3.5)", unit="ms", symbol="t_b", above=0.0)
    optimizer: str = choice("rmaxprop", "rmsprop", "plain", about="(section 3.3.6)")
    tau_rms: float = number(
        30_000.0, "forgetting of the largest gradient", unit="ms", symbol="τ_rms", above=0.0
    )
    epsilon: float = number(1e-12, "added to sqrt(v); gradients in 1/V", above=0.0)
    rho: float = number(
        0.0, "heterosynaptic regulariser of hidden layers; 1 (3.4)", symbol="ρ", at_least=0.0
    )
    a: int = whole(4, "its exponent (3.4)", at_least=0, at_most=20)
    tau_het: float = number(
        100.0, "its trace of postsynaptic spikes", unit="ms", symbol="τ_het", above=0.0
    )
    rho_error: bool = flag(False, "the regulariser times e^2 (appendix A.5)")
    psp_cut: float | None = number(
        None, "PSPs up to it count as none; 1e-7, else 1e-5", optional=True, at_least=0.0
    )
    error_cut: float = number(1e-7, "errors below it count as none", at_least=0.0)
    hebbian_delay: float | None = number(
        None, "of hidden layers' PSPs and surrogates, see `lag`", unit="ms", optional=True
    )
    linear: bool = flag(False, "control: surrogate derivative 1 ('symm. linear', figure 7)")
    frozen: bool = flag(False, "control: only the output layer learns")
    tau_avg: float = number(
        10_000.0, "of the cost's moving average (3.3.3)", unit="ms", at_least=1e-9
    )

    slope = property(lambda self: self.beta * VOLT)  # the largest sigma', in 1/V
    U_silent = property(lambda self: self.theta - 30.0)  # where it ends, below
    error_power = property(lambda self: 2 if self.rho_error else 0)

    @property
    def cut(self) -> float:
        """The largest PSP with which a presynaptic neuron counts as silent."""
        if self.psp_cut is not None:
            return self.psp_cut
        return 1e-7 if self.feedback == "symmetric" else 1e-5

    @property
    def cost_scale(self) -> float:
        """The factor of the moving average of e^2 in the authors' program; by default 1.2e6."""
        a, b = self.tau_decay / 1000.0, self.tau_rise / 1000.0
        product = a * b
        norm = (product / (a - b)) ** 2 * (a / 2 + b / 2 - 2 * product / (a + b))
        return 1.0 / norm / (self.tau_avg / 1000.0)

    def lag(self, hidden: bool, dt: float) -> int:
        """The steps by which surrogate derivatives and PSPs wait for the error signal.

        Errors are late by the axonal delay. With random or uniform feedback, they take another
        axonal delay to hidden layers; the authors' program waits one step less than that.
        """
        delay = round(self.delay / dt)
        if hidden and self.hebbian_delay is not None:
            return round(self.hebbian_delay / dt)
        if hidden and self.feedback != "symmetric":
            return max(2 * delay - 1, 0)
        return delay

    def check(self, layers, dtype):
        check_number(
            "tau_decay", self.tau_decay, above=self.tau_rise, unit="ms, longer than tau_rise"
        )
        check_number("theta", self.theta, above=self.U_rest, unit="mV, above U_rest")
        refuse_if(
            layers < 2 and (self.rho > 0 or self.frozen),
            "rho and frozen are about hidden layers; this network has none.",
        )

    def check_times(self, dt, dtype):
        for name in ("tau_mem", "tau_syn", "tau_rise", "tau_decay", "tau_het"):
            check_number(name, getattr(self, name), at_least=dt, unit=f"ms, dt being {dt:g} ms")
            has_offset = name == "tau_mem"  # all others decay to 0
            check_speed(name, getattr(self, name), dt if has_offset else NEAR_ZERO * dt, dtype)
        check_steps("tau_ref", self.tau_ref, dt, at_most=COUNTABLE)
        check_steps("delay", self.delay, dt)
        check_steps("chunk", self.chunk, dt, at_least=1)
        if self.hebbian_delay is not None:
            check_steps("hebbian_delay", self.hebbian_delay, dt)


def membrane(U, I, p):  # noqa: E741 - the paper's symbol
    """(1), forward Euler."""
    return U + p.dt_by_tau_mem * (p.U_rest - U + I)


def step_membrane(i, t, s, p):
    """(1): the membrane uses the current of the step before; the current then decays."""
    U = membrane(s.U[i], s.I[i], p)
    free = s.refractory[i] == 0.0
    fires = free and p.theta < U
    s.U[i] = U if free and not fires else p.U_rest
    s.spike[i] = 1 if fires else 0


def step_current(i, t, s, p):
    """I decays; then this step's arrivals are added, with weights before this step's learning."""
    s.I[i] = p.decay_syn * s.I[i] + s.arriving[i]
    s.arriving[i] = 0.0


def step_refractory(i, t, s, p):
    left = s.refractory[i] - 1.0 if s.refractory[i] > 0.0 else 0.0
    s.refractory[i] = p.refractory_steps if s.spike[i] > 0 else left


class SuperSpikeNetwork(PatternModel):
    """A spiking network that learns to answer an input pattern with given spike trains.

    Arguments and attributes are those of `spikesim.learning.patterns.PatternModel`. Weights are in
    mV. With symmetric feedback, ``net.B`` follows ``net.W``; otherwise it is fixed.

    Examples
    --------
    >>> from spikesim import patterns
    >>> stimulus = patterns.poisson(100, rate=5.0, duration=500.0, seed=1)
    >>> target = patterns.from_trains([[100.0, 200.0, 300.0]], duration=500.0)
    >>> net = SuperSpikeNetwork((100, 1), seed=1)
    >>> history = net.fit(stimulus, target, blocks=2, block=1000.0)
    >>> net.predict(stimulus).n
    1
    """

    KIND, TITLE = "superspike", "SuperSpike, learning of spike trains (Zenke & Ganguli 2018)"
    Parameters, TASKS = Parameters, tasks.TASKS
    STREAMS = ("weights", "feedback")

    @property
    def in_windows(self):
        return self.parameters.error == "windows"

    def properties(self):
        p, transport = self.parameters, self.parameters.feedback == "symmetric"
        if p.frozen:
            return Properties(False)
        known = knowing("pre", "post", "dendrite", "past", weights=transport)
        return Properties(transport, signed_errors=True, knows=known)

    def weights(self, layers):
        p, chance, feedback = self.parameters, self.chance("weights"), self.chance("feedback")
        for layer in layers[1:]:
            n = layer.below.n
            W = chance.normal(0.0, p.w_0 / np.sqrt(n), (n, layer.n))
            layer.arrays["W"] = np.clip(W, -p.w_max, p.w_max)
        for layer in layers[1:-1]:
            shape = layer.above.n, layer.n
            if p.feedback == "symmetric":
                layer.arrays["B"] = np.ascontiguousarray(layer.above.W.T)
            else:
                is_random = p.feedback == "random"
                layer.arrays["B"] = feedback.normal(size=shape) if is_random else np.ones(shape)

    def follow_weights(self):
        for layer in self._training.hidden if self.parameters.feedback == "symmetric" else ():
            layer.B[...] = layer.above.W.T

    def arrays(self, layer):
        n, rows = layer.n, self.numbers()["feedback_delay"] + 1
        listed = {
            "raw_ids": np.tile(np.arange(n, dtype=np.int32), (rows, 1)),
            "raw_count": np.zeros(rows, np.int32),
        }
        return {} if layer.is_input else {"e_rise": n, "e": n, "raw": (rows, n), **listed}

    def numbers(self):
        p, dt = self.parameters, self.dt
        delay, chunk, is_symmetric = (
            round(p.delay / dt),
            round(p.chunk / dt),
            p.feedback == "symmetric",
        )
        return {
            "dt_by_tau_mem": dt / p.tau_mem,
            "decay_syn": exp(-dt / p.tau_syn),
            "refractory_steps": float(round(p.tau_ref / dt)),
            "delay": delay,
            "feedback_delay": 1 if is_symmetric else 1 + delay,
            "feedback_scale": 1.0 / VOLT if is_symmetric else 1.0,
            "c_rise": dt / p.tau_rise,
            "c_decay": dt / p.tau_decay,
            "tiny": TINY,
            "decay_avg": exp(-dt / p.tau_avg),
            "dt_seconds": dt / 1000.0,
            "a_pre": exp(-dt / p.tau_syn),
            "c_pre": dt / p.tau_mem,
            "a_rise": exp(-dt / p.tau_rise),
            "c": dt / p.tau_decay,
            "forget": round(min(60.0 * max(p.tau_rise, p.tau_decay) / dt, MOST_STEPS / 4)),
            "chunk": chunk,
            "share": 1.0 / chunk,
            "gamma": exp(-p.chunk / p.tau_rms),
            "decay_het": exp(-dt / p.tau_het),
            "rho_volt": p.rho / VOLT,
        }

    def neuron(self, layer, net):
        steps = (step_membrane, step_current, step_refractory)
        names, start = ("U", "I", "arriving", "refractory"), {"U": self.parameters.U_rest}
        cells = Cells(steps, names, start=start, stochastic=False, most_spikes=1)
        return None if layer.is_input else cells

    def connect(self, net):
        """A spike of step k reaches I after the membranes of step k + delay have used it."""
        delay = net.output.number("delay")
        for layer in net.above_input:
            layer.numbers["lag"] = self.parameters.lag(not layer.is_output, self.dt)
            net.jump(layer.below, layer, "arriving", layer.W, delay)
            net.remember(layer.below, delay + layer.number("lag"))
        net.remember(net.output, delay)

    def step(self, net):
        p = net.p
        yield from rules.errors(self, net)
        for layer in net.above_input:
            is_recorded = net.synapse is not None and net.synapse.layer == layer.index
            if is_recorded or (net.learning and not (p.frozen and not layer.is_output)):
                yield from rules.connection(self, net, layer)
        for layer in net.hidden if net.applies and p.feedback == "symmetric" else ():
            given = {"when": rules.end_of_chunk, "many": layer.above.n}
            yield layer.phase(rules.copy_symmetric, **given)

    def summed(self, layer):
        return layer.arrays.get("m")

    def learned_from(self, layer):
        return layer.arrays.get("e")

    def indices(self, net):
        return rules.indices(net)

    @property
    def cost(self):
        """The van Rossum cost of the outputs: a moving average over the last 10 s (`tau_avg`).

        It is proportional to the mean over outputs of the squared error signal, in the unit of the
        authors' program: a spike without a counterpart counts 4 times its rate (at dt = 0.1 ms).
        That program pads the outputs with zeros to a multiple of four before it takes the mean, so
        it may print less: for one output, a quarter.
        """
        net, p = self._training, self.parameters
        share = 1.0 - exp(-net.network.step * self.dt / p.tau_avg)
        return self._scaled(net) / max(share, 1e-9)

    def _scaled(self, net):
        return self.parameters.cost_scale * float(net.output.cost.mean(dtype=np.float64))

    def cost_of(self, net, steps):
        net.output.cost[:] = 0.0
        net.network.run_steps(steps)
        return self._scaled(net) * self.parameters.tau_avg / (steps * self.dt)

    def silent_cost(self, target):
        """The cost of a network that never spikes, in closed form, for comparison.

        The discrete error signal is alpha dt, so the cost depends on dt, as the authors' does.
        """
        p = self.parameters
        check_pattern("target", target, self.dt, n=self.sizes[-1])
        losses = [van_rossum_loss(train, [], p.tau_rise, p.tau_decay) for train in target.trains()]
        mean_square = 2.0 * float(np.mean(losses)) * self.dt**2 / target.duration
        return p.cost_scale * mean_square * p.tau_avg / 1000.0
