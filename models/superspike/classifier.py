"""`SuperSpikeClassifier`: SuperSpike learns which output neuron is to spike for an image.

Numbers in brackets refer to the equations in `network`; neurons and rule are those of that module.
Times are in ms. Each image is a trial that begins at rest. A pixel of brightness x spikes once, at

    t_j = (1 - x_j) latency,     and not at all if x_j < dark                                    (9)

For a time T, the output neuron of the class is to spike at least once, and the others are not to
spike: as in the task of figure 5, the raw error is -1 for each wrong spike and, at the end of T, +1
for a spike that is missing. For a time `tail` thereafter, all neurons are held at rest, while
errors and eligibility traces decay, and act. A chunk of (7) and (8) is a batch of trials.

The answer is the output with the most spikes; of several equal ones, the one whose potential came
closest to the threshold without a spike:

    h_i = spikes of i in T + max over T of (U_i - U_rest) / (theta - U_rest)                    (10)
"""

from dataclasses import replace

import numpy as np

from spikesim.checks import check_steps
from spikesim.kernels import units
from spikesim.kernels.functions import floor, real
from spikesim.kernels.trials import FIRST, PHASE, SECOND, TOGO, TRIAL
from spikesim.kernels.updates import at_end_of_batch
from spikesim.kernels.windows import (
    at_end_of_first,
    at_end_of_second,
    at_start_of_second,
    at_start_of_trial,
    average,
)
from spikesim.learning.images import ImageModel
from spikesim.learning.model import TEST
from spikesim.learning.parameters import number, refuse_if, whole
from spikesim.learning.spiking import Cells
from spikesim.models.superspike import rules
from spikesim.models.superspike.network import SpikingLayers
from spikesim.models.superspike.parameters import Constants

__all__ = ["ClassifierParameters", "SuperSpikeClassifier"]

NEVER = np.iinfo(np.int64).max
SUITED = {
    "digits": {"hidden": "100", "epochs": 20, "tau_rms": 3000.0},
    "mnist": {"hidden": "500", "epochs": 5, "tau_rms": 3000.0},
}


class ClassifierParameters(Constants):
    """Constants and options of a network that classifies images."""

    dt: float = number(0.5, "step", unit="ms", at_least=0.01, at_most=5.0)
    T: float = number(30.0, "in which outputs are to spike", unit="ms", above=0.0, at_most=1e4)
    tail: float = number(20.0, "in which errors still act", unit="ms", above=0.0, at_most=1e4)
    latency: float = number(10.0, "of the darkest spike", unit="ms", at_least=0.0)
    dark: float = number(0.1, "brightness below which a pixel is silent", at_least=0.0)
    delay: float = number(
        1.0, "axonal delay of every connection and of all that learning sees", unit="ms", at_least=0
    )
    batch: int = whole(10, "examples per update", at_least=1, at_most=100_000)

    @property
    def steps(self):
        """The steps of T and of the tail."""
        return round(self.T / self.dt), round(self.tail / self.dt)

    @property
    def chunk(self):
        """The time between updates."""
        return self.batch * (self.T + self.tail)

    @property
    def quiet(self):
        """The steps after which nothing that spikes did is under way."""
        return round(self.delay / self.dt) + max(self.lag(each, self.dt) for each in (True, False))

    def numbers(self, dt):
        """The sum over a trial is what a trial gives; a spike by itself has a cost of 1."""
        return {
            **super().numbers(dt),
            "share": 1.0 / self.batch,
            "latency_steps": self.latency / dt,
            "decay_avg": 1.0,
            "dt_seconds": 2.0 * (self.tau_rise + self.tau_decay) / dt,
        }

    def check(self, layers, dtype):
        super().check(layers, dtype)
        self.check_times(self.dt, dtype)
        check_steps("T", self.T, self.dt, at_least=1)
        check_steps("tail", self.tail, self.dt, at_least=self.quiet + 1)
        refuse_if(
            layers < 2 and self.frozen,
            "frozen is about hidden layers; this network has none.",
        )
        refuse_if(
            self.latency > self.T,
            f"latency is {self.latency:g} ms; it has to be at most T, {self.T:g} ms.",
        )


# ------------------------------------------------------------------------ neurons


def show(i, t, s, p):
    """(9)."""
    trial = s.clock[TRIAL]
    step = s.length[trial, FIRST] - 1 - s.clock[TOGO]
    x = min(real(s.image[s.example[trial], i]) * p.scale, 1.0)
    due = step == int(floor((1.0 - x) * p.latency_steps + 0.5))
    s.spike[i] = 1 if s.clock[PHASE] == FIRST and x >= p.dark and due else 0


def begin(i, t, s, p):
    """A trial begins at rest."""
    s.U[i] = p.U_rest
    s.I[i] = 0.0
    s.refractory[i] = 0.0


def hold(i, t, s, p):
    """At rest, and refractory, for the tail."""
    s.refractory[i] = real(s.length[s.clock[TRIAL], SECOND]) + 1.0


def count(i, t, s, p):
    """The spikes of (10)."""
    s.h[i] += real(s.spike[i])


def approach(i, t, s, p):
    """The potential of (10)."""
    s.peak[i] = max(s.peak[i], (s.U[i] - p.U_rest) / (p.theta - p.U_rest))


def rank(i, t, s, p):
    """(10)."""
    s.h[i] += s.peak[i]


def lose(_, t, s, p):
    """The loss: the cost of all outputs."""
    total = 0.0
    for i in range(s.cost.shape[0]):
        total += s.cost[i]
    s.loss[s.clock[TRIAL]] = total


class SuperSpikeClassifier(SpikingLayers, ImageModel):
    """A spiking network that learns to classify images by one spike of the right output.

    Arguments and attributes are those of `spikesim.learning.images.ImageModel`. Weights are in mV.
    With symmetric feedback, ``net.B`` follows ``net.W``; otherwise it is fixed. The loss is (2) in
    units of that of a single spike: about how many spikes are wrong or missing. `update` is the sum
    of e lambda over a trial; `gradient` is the same with symmetric feedback.

    Examples
    --------
    >>> from spikesim import datasets
    >>> digits = datasets.load_digits()
    >>> net = SuperSpikeClassifier((64, 5, 10), seed=1, backend="python")
    >>> history = net.fit(digits.train_images[:1], digits.train_labels[:1])
    >>> net.predict(digits.test_images[:2]).shape
    (2,)
    """

    KIND = "superspike-classifier"
    TITLE = "SuperSpike, learning of images (after Zenke & Ganguli 2018)"
    Parameters, WEIGHTS, SUITED = ClassifierParameters, ("W", "b", "B"), SUITED
    STREAMS, RECORD = (*SpikingLayers.STREAMS, "order"), ("U",)

    @property
    def dt(self):
        """The step in ms."""
        return self.parameters.dt

    DT = dt

    def activity(self, layer):
        return layer.h

    def lengths(self, n, purpose):
        shown, tail = self.parameters.steps
        return np.tile([shown, self.parameters.quiet if purpose == TEST else tail], (n, 1))

    def shortest(self):
        return 1, self.parameters.quiet + 1

    def arrays(self, layer):
        """The windows have an entry for each trial, and one that never comes."""
        own, many = super().arrays(layer), self.block() + 1
        if layer.is_output:
            own.update({name: np.full(many, NEVER) for name in ("start", "end")})
            own.update(who=np.zeros(many, np.int64), loop=np.zeros(2, np.int64))
            own.update(window=np.zeros(2, np.int64))
        return {name: each for name, each in own.items() if name not in ("e_rise", "e", "raw")}

    def sums(self, layer):
        errors = {k: v for k, v in super().arrays(layer).items() if k in ("e_rise", "e", "raw")}
        last = {"peak": layer.n, "cost": layer.n} if layer.is_output else {}
        return {"h": layer.n, **errors, **({} if layer.is_input else {"delta": layer.n}), **last}

    def prepare(self, net, trial, count):
        """Lay the windows of these trials one after another."""
        self.follow_weights()
        steps, output = net.trials.length[:count], net.output
        begins = np.cumsum(steps.sum(axis=1)) - steps.sum(axis=1)
        output.start[:count], output.end[:count] = begins, begins + steps[:, 0]
        output.start[count], output.end[count] = NEVER, NEVER
        output.who[:count] = net.shared.arrays["label"][net.shared.arrays["example"][:count]]
        output.loop[:] = 0, net.network.step
        output.window[:] = 0

    def neuron(self, layer, net):
        if layer.is_input:
            net.shared.numbers.update(self.numbers())
            return Cells((show,), (), stochastic=False, most_spikes=1)
        cells = super().neuron(layer, net)
        first = (begin, "unit", at_start_of_trial), (hold, "unit", at_start_of_second)
        return replace(cells, steps=(*first, *cells.steps))

    def step(self, net):
        output, update = net.output, (at_end_of_second, at_end_of_batch)
        for layer in net.layers:
            yield layer.phase(count)
        yield output.phase(approach)
        yield output.phase(rank, when=at_end_of_first)
        yield output.phase(units.answer, "once", at_end_of_first)
        if not net.learning:
            return
        yield from rules.filtered(net)
        yield output.phase(rules.average_cost)
        yield output.phase(lose, "once", at_end_of_second)
        learning = [layer for layer in net.above_input if self.learns(layer)]
        for layer in learning:
            yield layer.phase(average, mean=layer.delta, value=layer.e, share=1.0)
        yield from rules.raw(net, rules.window_error)
        for layer in learning:
            yield from rules.eligibility(net, layer, in_trials=True)
            yield from self.change(net, layer, update)
        yield from rules.follow(net, update) if net.applies else ()

    def change(self, net, layer, when):
        """Apply what has added up; a copy that measures keeps it."""
        if not net.applies:
            layer.arrays["W_sum"] = layer.m
            return
        yield from rules.update(net, layer, when)
        if "v" in layer.arrays:
            net.moments[f"{layer.name} v"] = layer.v

    def gradient(self, x, targets):
        options = {**self.parameters._asdict(), "feedback": "symmetric", "frozen": False}
        other = type(self)(
            self.sizes, seed=self.seed, dtype=self.dtype, backend=self.backend, **options
        )
        for own, W in zip(self.W, other.W, strict=True):
            W[...] = own
        return other.update(x, targets)
