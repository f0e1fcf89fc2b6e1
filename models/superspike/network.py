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
from typing import ClassVar

import numpy as np

from spikesim.kernels.probes import tally
from spikesim.learning.model import LayeredModel
from spikesim.learning.patterns import PatternModel
from spikesim.learning.properties import Properties, knowing
from spikesim.learning.spiking import Cells, jump
from spikesim.models.superspike import rules, tasks
from spikesim.models.superspike.parameters import Parameters
from spikesim.spike_pattern import check_pattern
from spikesim.spiketrains import van_rossum_loss

__all__ = ["SpikingLayers", "SuperSpikeNetwork"]


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


class SpikingLayers(LayeredModel):
    """Layers of neurons, their weights and their feedback, whatever they learn."""

    STREAMS: ClassVar[tuple[str, ...]] = ("weights", "feedback")
    RATES = ("eta",)

    def properties(self):
        p, transport = self.parameters, self.parameters.feedback == "symmetric"
        online = getattr(p, "batch", 1) == 1
        if p.frozen:
            return Properties(False, online=online)
        known = knowing("pre", "post", "dendrite", "past", weights=transport)
        return Properties(transport, signed_errors=True, knows=known, online=online)

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
        return self.parameters.numbers(self.dt)

    def neuron(self, layer, net):
        steps = (step_membrane, step_current, step_refractory)
        names, start = ("U", "I", "arriving", "refractory"), {"U": self.parameters.U_rest}
        cells = Cells(steps, names, start=start, stochastic=False, most_spikes=1)
        return None if layer.is_input else cells

    def connect(self, net):
        """A spike of step k reaches I after the membranes of step k + delay have used it."""
        delay, populations = net.output.number("delay"), net.network.populations
        for layer in net.above_input:
            layer.numbers["lag"] = self.parameters.lag(not layer.is_output, self.dt)
            jump(net, layer.below, layer, "arriving", layer.W, delay)
            populations[layer.below.name].remember(delay + layer.number("lag"))
        populations["output"].remember(delay)

    def learns(self, layer):
        """Whether the weights onto a layer change."""
        return layer.is_output or not self.parameters.frozen


class SuperSpikeNetwork(SpikingLayers, PatternModel):
    """A spiking network that learns to answer an input pattern with given spike trains.

    Arguments and attributes are those of `spikesim.learning.patterns.PatternModel`. Weights are in
    mV. With symmetric feedback, ``net.B`` follows ``net.W``; otherwise it is fixed.

    Examples
    --------
    >>> from spikesim import patterns
    >>> stimulus = patterns.poisson(10, rate=20.0, duration=50.0, seed=1)
    >>> target = patterns.from_trains([[10.0, 30.0]], duration=50.0)
    >>> net = SuperSpikeNetwork((10, 1), seed=1, backend="python")
    >>> history = net.fit(stimulus, target, blocks=1, block=50.0, burn_in=0.0)
    >>> net.predict(stimulus).n
    1
    """

    KIND, TITLE = "superspike", "SuperSpike, learning of spike trains (Zenke & Ganguli 2018)"
    Parameters, TASKS = Parameters, tasks.TASKS

    @property
    def in_windows(self):
        return self.parameters.error == "windows"

    def connect(self, net):
        super().connect(net)
        net.remember_target(net.output.number("delay"))

    def step(self, net):
        output, end = net.output, rules.end_of_chunk
        yield from rules.filtered(net)
        yield from rules.cost(net)
        yield from rules.raw(net, rules.window_error if self.in_windows else rules.output_error)
        yield output.phase(tally, "once", count=output.raw_count, total=output.unmatched)
        for layer in net.above_input:
            is_recorded = net.synapse is not None and net.synapse.layer == layer.index
            learns = net.learning and self.learns(layer)
            if is_recorded or learns:
                yield from rules.eligibility(net, layer, net.synapse if is_recorded else None)
            if learns and net.p.rho > 0.0 and not layer.is_output:
                yield from rules.regularised(net, layer)
            if learns and net.applies:
                yield from rules.update(net, layer, end)
        yield from rules.follow(net, end) if net.applies else ()

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
