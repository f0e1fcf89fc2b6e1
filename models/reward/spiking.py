"""`SpikingRewardNetwork`: REINFORCE with neurons that spike, and synapses that remember.

Times are in ms, potentials have no unit. Within a step of dt, a layer sees the spikes s_j that the
layer below emits in the same step. An input emits them by chance, at `high` Hz for a pixel of 1 and
`low` Hz for one of 0. Synaptic current, potential of unit weight, and membrane potential:

    i_j <- i_j e^(-dt/tau_s) + s_j,    eps_j <- eps_j e^(-dt/tau_m) + (1 - e^(-dt/tau_m)) i_j (1)
    u_i = b_i + sum_j eps_j W_ji - q_i                                                        (2)

A neuron has no sharp threshold, but escapes; U is uniform. `escape` is exponential or logistic:

    p = 1 - exp(-rho dt),  rho = rho_0 exp((u - theta)/Delta_u),  or  p = sigma((u - theta)/Delta_u)
    s_i = 1[U < p]                                                                            (3)

The eligibility z sums the gradients g of the log-probability of what the neuron did. Refractoriness
q acts from the next step on; no weight is in it, so z is exact:

    g_i = (rho dt/Delta_u) (1 - p)/p if s_i = 1, or else -rho dt/Delta_u;   or  (s_i - p)/Delta_u
    z_ji <- z_ji e^(-dt/tau_z) + eps_j g_i                                                    (4)
    q_i <- q_i e^(-dt/tau_r) + eta_r s_i                                                      (5)

The action, after a time T, is the output with the most spikes; a draw decides between equals. The
reward comes later by `delay`, in which inputs go on at `low` Hz and traces fade, and then:

    W_ji <- W_ji + eta (R - b) z_ji,    b <- b + kappa (R - b)                                (6)
"""

import math

import numpy as np

from spikesim import plot
from spikesim.checks import check_memory
from spikesim.kernels import units
from spikesim.kernels.dense import add_outer, multiply
from spikesim.kernels.functions import exp, real, sigmoid
from spikesim.kernels.rewards import measure_rate
from spikesim.kernels.spikes import bounds
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TOGO, TRIAL
from spikesim.kernels.windows import at_end_of_first, at_end_of_second
from spikesim.learning.model import TEST
from spikesim.learning.parameters import choice, number, per_layer, refuse_if
from spikesim.learning.rewards import RewardModel, RewardParameters
from spikesim.learning.spiking import Cells

__all__ = ["SpikingParameters", "SpikingRewardNetwork"]

COMMON = {"eta": 0.0005, "high": 100.0, "low": 0.0, "baseline": "stimulus", "start": 0.1}
SUITED = {
    "digits": {"hidden": "100", "epochs": 100, "kappa": 0.01, **COMMON},
    "mnist": {"hidden": "500", "epochs": 10, "kappa": 0.01, **COMMON},
}


class SpikingParameters(RewardParameters):
    """Constants and options."""

    dt: float = number(1.0, "step", unit="ms", at_least=0.01, at_most=10.0)
    T: float = number(50.0, "how long the input is shown", unit="ms", above=0.0, at_most=1e4)
    delay: float = number(0.0, "of the reward", unit="ms", at_least=0.0, at_most=1e4)
    tau_m: float = number(10.0, "membrane", unit="ms", symbol="τ_m", above=0.0)
    tau_s: float = number(3.0, "synaptic current", unit="ms", symbol="τ_s", above=0.0)
    tau_r: float = number(5.0, "refractoriness", unit="ms", symbol="τ_r", above=0.0)
    tau_z: float | None = number(
        None, "eligibility; none: it lasts", unit="ms", symbol="τ_z", above=0.0, optional=True
    )
    escape: str = choice("exponential", "logistic", about="from potential to probability")
    rho_0: float = number(0.02, "rate at threshold", unit="1/ms", symbol="ρ_0", above=0.0)
    theta: float = number(0.1, "threshold", symbol="θ")
    Delta_u: float = number(0.2, "its softness", symbol="Δ_u", above=0.0)
    eta_r: float = number(0.3, "refractoriness after a spike", symbol="η_r", at_least=0.0)
    high: float = number(40.0, "rate of an input of 1", unit="Hz", at_least=0.0)
    low: float = number(5.0, "rate of an input of 0", unit="Hz", at_least=0.0)
    eta: tuple[float, ...] = per_layer(0.005, "learning rate", symbol="η", at_least=0.0)
    bias_rate: float = number(0.0, "learning rate of biases, times that of weights", at_least=0.0)

    def check(self, layers, dtype):
        for name in ("T", "delay"):
            steps = getattr(self, name) / self.dt
            refuse_if(
                (name == "T" and steps < 0.5) or abs(steps - round(steps)) > 1e-9 * max(1.0, steps),
                f"{name} is {getattr(self, name):g} ms; it has to be a multiple of dt.",
            )

    @property
    def steps(self):
        """Steps in which the input is shown, and steps of the delay."""
        return round(self.T / self.dt), round(self.delay / self.dt)

    @property
    def kept(self):
        """What traces keep from one step to the next."""
        taus = {f"keep_{x}": getattr(self, f"tau_{x}") for x in "msrz"}
        return {name: math.exp(-self.dt / tau) if tau else 1.0 for name, tau in taus.items()}


# ------------------------------------------------------------------------ neurons


def before_reward(s, p):
    """Whether neurons act: not in the last step, in which the reward comes."""
    return s.clock[PHASE] == FIRST or s.clock[TOGO] > 0


def is_shown(s, p):
    return s.clock[PHASE] == FIRST


def uniform(i, s):
    """This step's number."""
    trial = s.clock[TRIAL]
    left = s.clock[TOGO] + (s.length[trial, SECOND] if s.clock[PHASE] == FIRST else 0)
    return s.U[trial, s.length[trial, FIRST] + s.length[trial, SECOND] - 1 - left, i]


def trace(i, s, p):
    """(1)."""
    s.i[i] = p.keep_s * s.i[i] + real(s.spike[i])
    s.eps[i] = p.keep_m * s.eps[i] + (1.0 - p.keep_m) * s.i[i]


def show(i, t, s, p):
    """An input."""
    x = 0.0
    if s.clock[PHASE] == FIRST:
        x = real(s.image[s.example[s.clock[TRIAL]], i]) * p.scale
    s.spike[i] = 1 if uniform(i, s) < (p.low + (p.high - p.low) * x) * p.dt / 1000.0 else 0
    trace(i, s, p)


def integrate(c, t, s, p):
    """(2), for a block of neurons."""
    first, last = bounds(c, s.u.shape[0], p)
    for i in range(first, last):
        s.u[i] = s.b[i] - s.q[i]
    multiply(s.eps_below, s.W, s.u, first, last)


def escape(i, t, s, p):
    """(3), and g of (4)."""
    expected = p.rho_0 * p.dt * exp((s.u[i] - p.theta) / p.Delta_u)
    silent = exp(-expected)
    s.g[i] = -expected / p.Delta_u
    s.spike[i] = 0
    if uniform(i, s) < 1.0 - silent:
        s.spike[i] = 1
        s.g[i] = expected / p.Delta_u * silent / (1.0 - silent)
    s.q[i] = p.keep_r * s.q[i] + p.eta_r * real(s.spike[i])
    trace(i, s, p)


def escape_logistic(i, t, s, p):
    """The same."""
    chance = sigmoid((s.u[i] - p.theta) / p.Delta_u)
    s.spike[i] = 1 if uniform(i, s) < chance else 0
    s.g[i] = (real(s.spike[i]) - chance) / p.Delta_u
    s.q[i] = p.keep_r * s.q[i] + p.eta_r * real(s.spike[i])
    trace(i, s, p)


def rest(i, t, s, p):
    s.spike[i] = 0


# ------------------------------------------------------------------------ synapses


def remember(c, t, s, p):
    """(4), for a block of columns."""
    first, last = bounds(c, s.z.shape[1], p)
    add_outer(p.keep_z, 1.0, s.eps_below, s.g, s.z, first, last)


def remember_bias(i, t, s, p):
    """(4), with 1 in place of eps."""
    s.z_b[i] = p.keep_z * s.z_b[i] + s.g[i]


def tally(i, t, s, p):
    s.spikes[i] += real(s.spike[i])


def decide(_, t, s, p):
    """The output with the most spikes; of several equal ones, the one that a draw says."""
    most, equals = 0.0, 0
    for j in range(s.spikes.shape[0]):
        if s.spikes[j] > most:
            most, equals = s.spikes[j], 0
        equals += 1 if s.spikes[j] == most else 0
    left = min(int(s.tie[s.clock[TRIAL]] * real(equals)), equals - 1)
    for j in range(s.spikes.shape[0]):
        s.h[j] = 0.0
        if s.spikes[j] == most:
            s.h[j] = 1.0 if left == 0 else 0.0
            left -= 1


def credit(i, t, s, p):
    """The third factor of (6), and its product with the eligibility of the bias."""
    s.third[i] = s.surprise_output[0]
    s.delta[i] = s.third[i] * s.z_b[i]


class SpikingRewardNetwork(RewardModel):
    """A layered network of spiking neurons that learns from reward.

    Arguments, attributes and what can be `given` are those of
    `spikesim.learning.rewards.RewardModel`; inputs have uniform numbers, too, and all have one for
    each step. ``tie`` decides between actions with equally many spikes. `record` keeps the spikes,
    u, eps and g of each layer, and z of each synapse.

    Examples
    --------
    >>> net = SpikingRewardNetwork((4, 8, 2), seed=1, backend="python")
    >>> action = net.act([1.0, 1.0, 0.0, 0.0])  # 50 ms
    >>> net.reward(1.0 if action == 0 else 0.0)
    """

    KIND, TITLE = "spiking-reward", "REINFORCE with spiking neurons and eligibility traces"
    Parameters, DRAWN = SpikingParameters, (*RewardModel.DRAWN, "tie")
    RECORD = ("u", "eps", "g", "z")
    SUITED = SUITED

    @property
    def DT(self):
        return self.parameters.dt

    def weights(self, layers):
        chance = self.chance("weights")
        for layer in layers[1:]:
            n = layer.below.n
            size = np.sqrt(2.0 / n if layer.index == 1 else 10.0 / n)
            layer.arrays["W"] = chance.normal(0.0, size, (n, layer.n))
            layer.arrays["b"] = np.zeros(layer.n)
        layers[-1].arrays["baseline"] = self.baseline()

    def block(self):
        """So many trials that their uniform numbers have room."""
        each = sum(self.parameters.steps) * sum(self.sizes)
        check_memory(f"T is {self.parameters.T:g} ms", 8.0 * each)
        return max(1, min(500, 2_000_000 // each) // self._batch) * self._batch

    def arrays(self, layer):
        own = {"U": (self.block(), sum(self.parameters.steps), layer.n)}
        if not layer.is_input:
            own.update(dict.fromkeys(("u", "g", "third", "delta"), layer.n))
        if layer.is_output:
            own.update(h=layer.n, **self.judged())
        return own

    def sums(self, layer):
        names = ("i", "eps", "spikes") if layer.is_input else ("i", "eps", "spikes", "q", "z_b")
        below = {} if layer.is_input else {"z": (layer.below.n, layer.n)}
        return {**dict.fromkeys(names, layer.n), **below}

    def activity(self, layer):
        return layer.spikes

    def lengths(self, n, purpose):
        shown, delay = self.parameters.steps
        return np.tile([shown, 0 if purpose == TEST else delay + 1], (n, 1))

    def prepare(self, net, trial, count):
        super().prepare(net, trial, count)
        self.draw_each(net.output.tie, net, len(self.sizes), trial, count)

    def neuron(self, layer, net):
        net.shared.numbers.update(self.parameters.kept)
        fires = escape if self.parameters.escape == "exponential" else escape_logistic
        drives = () if layer.is_input else ((integrate, "block", before_reward),)
        acts = show if layer.is_input else fires, "unit", before_reward
        rests = rest, "unit", at_end_of_second
        return Cells((*drives, acts, rests), (), most_spikes=1, stochastic=False)

    def step(self, net):
        output, first = net.output, at_end_of_first
        for layer in net.layers:
            yield layer.phase(tally, when=is_shown)
        for layer in net.above_input if net.purpose != TEST else ():
            yield layer.phase(remember, "block", before_reward)
            yield layer.phase(remember_bias, when=before_reward)
        for layer in net.hidden:
            given = {"active": layer.spikes, "unit": 1000.0 / net.p.T}  # Hz
            yield layer.phase(measure_rate, "once", first, **given)
        yield output.phase(decide, "once", first)
        yield output.phase(units.answer, "once", first)
        yield from self.rewarded(net)
        for layer in net.above_input if net.learning else ():
            yield layer.phase(credit, when=at_end_of_second)
            yield from self.learned(net, layer, layer.z, layer.third)

    @staticmethod
    def draw(net, data, pictures):
        """Draw the spikes of a trial, a synapse, and the course of learning."""
        trial = RewardModel.draw(net, data, pictures)
        pictures.keep("eligibility.png", plot.eligibility(trial)[0].figure)
