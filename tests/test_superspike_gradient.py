"""The update of SuperSpike is the gradient of the van Rossum loss, once spikes are differentiable.

The output emits a graded h / (1 + |h|) in place of spikes, and its membrane is never reset. The
delay is 0, so that what is emitted in a step is compared with the target in the same step.
"""

import numpy as np
import pytest

from spikesim import patterns
from spikesim.models.superspike import Parameters, SuperSpikeNetwork
from spikesim.models.superspike.network import membrane, step_membrane
from spikesim.models.superspike.rules import output_error

DT = 0.1  # ms
STEPS = 800
INPUTS = patterns.poisson(5, 75.0, STEPS * DT - 10.0, seed=3)._replace(duration=STEPS * DT)
TARGETS = patterns.poisson(2, 40.0, STEPS * DT, seed=5)
# Not so strong that U falls below -80 mV, where the program's sigma' is no derivative.
W = np.random.default_rng(4).uniform(-10.0, 40.0, (5, 2))
ETA = 1e-3  # so that the bounds of weights are not reached

EULER_RISE = 1.0 - DT / 5.0  # in place of exp(-DT / 5.0)
PER_VOLT = 1000.0


def smooth_membrane(i, t, s, p):
    """(1) without threshold, reset and spikes."""
    s.U[i] = membrane(s.U[i], s.I[i], p)
    s.spike[i] = 0


def smooth_error(_, t, s, p):
    """+1 per target spike, minus what the output emits, graded, in this step."""
    row = t % s.raw.shape[0]
    target = t % s.target_ids.shape[0]
    for a in range(s.target_count[target]):
        s.raw[row, s.target_ids[target, a]] += 1.0
    for i in range(s.raw.shape[1]):
        h = p.beta * (s.U[i] - p.theta)
        s.raw[row, i] -= h / (1.0 + abs(h))
    s.raw_count[row] = s.raw.shape[1]  # all of them; the list says so already


class Smooth(SuperSpikeNetwork):
    """The cost does not forget."""

    BODIES = {step_membrane: smooth_membrane, output_error: smooth_error}  # noqa: RUF012

    def numbers(self):
        return {**super().numbers(), "decay_avg": 1.0}


class Identical(Smooth):
    """The filters of traces and currents are the Euler filter of errors."""

    def numbers(self):
        same = dict.fromkeys(("decay_syn", "a_pre", "a_rise"), EULER_RISE)
        return {**super().numbers(), **same}


def smooth_network(weights, monkeypatch, identical, lag=0):
    """A trial of one layer of smooth neurons, ready to run."""
    monkeypatch.setattr(Parameters, "lag", lambda self, hidden, dt: lag)
    net = (Identical if identical else Smooth)(
        weights.shape,
        dt=DT,
        dtype="float64",
        backend="python",
        delay=0.0,
        optimizer="plain",
        eta=ETA,
        chunk=STEPS * DT,
        psp_cut=0.0,
        error_cut=0.0,
    )
    net.W[0] = weights
    net.training.loop(INPUTS, TARGETS, 0)
    return net


def summed_cost(net):
    """Of e^2 over time and outputs."""
    return net.training.output.cost.sum() / (DT / 1000.0)


def loss(weights, monkeypatch, identical):
    """Half the summed square of the error, as the running cost has it when it does not forget."""
    net = smooth_network(weights, monkeypatch, identical)
    net.training.network.run_steps(STEPS + 1)
    return 0.5 * summed_cost(net)


def gradient(monkeypatch, identical):
    """Of the loss in the weights, by central finite differences, in 1/mV."""
    step = 1e-4
    slopes = np.zeros_like(W)
    for index in np.ndindex(W.shape):
        change = np.zeros_like(W)
        change[index] = step
        up, down = (loss(W + x, monkeypatch, identical) for x in (change, -change))
        slopes[index] = (up - down) / (2.0 * step)
    return slopes


def update(monkeypatch, identical, lag=0):
    """The sum of e lambda over the trial, from the change of the weights."""
    net = smooth_network(W, monkeypatch, identical, lag)
    net.training.network.run_steps(STEPS + 1)
    return (net.W[0] - W) * STEPS / ETA


# lambda follows the product of its own step, and e the raw error of the step before; a lag of one
# step makes up for that. Three things are left: sigma' is per volt, but weights are in mV; l1 adds
# up products, which an Euler filter would multiply by dt / tau_rise; and a presynaptic trace has
# decayed once when the current of the same spike has not yet.
FACTOR = PER_VOLT / (DT / 5.0) * EULER_RISE


def test_with_identical_filters_the_weight_change_is_the_gradient_of_the_loss(monkeypatch):
    slopes = gradient(monkeypatch, identical=True)
    assert np.abs(slopes).min() > 1e-3
    change = update(monkeypatch, identical=True, lag=1)
    np.testing.assert_allclose(change, -FACTOR * slopes, rtol=1e-6, atol=0)


def test_with_its_own_filters_the_weight_change_points_down_the_gradient(monkeypatch):
    slopes = -gradient(monkeypatch, identical=False).ravel()
    change = update(monkeypatch, identical=False).ravel()
    length = np.linalg.norm(slopes)
    assert change @ slopes / np.linalg.norm(change) / length > 0.9999
    assert change @ slopes / length**2 == pytest.approx(FACTOR, rel=0.03)


def test_the_error_is_the_difference_of_emission_and_target_through_two_euler_filters(monkeypatch):
    net = smooth_network(W, monkeypatch, identical=False)
    network = net.training.network
    recording = network.record(network.populations["output"], "U")
    network.run_steps(STEPS)
    h = recording.U - net.parameters.theta
    raw = -h / (1.0 + np.abs(h))
    np.add.at(raw, (TARGETS.ids, np.rint(TARGETS.times / DT).astype(int)), 1.0)
    rise, e, total = np.zeros(2), np.zeros(2), 0.0
    for k in range(1, STEPS):
        rise = rise + DT / 5.0 * (raw[:, k - 1] - rise)
        e = e + DT / 10.0 * (rise - e)
        total += np.sum(e**2)
    assert summed_cost(net) == pytest.approx(total, rel=1e-9)
