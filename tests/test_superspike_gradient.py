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


def test_update_is_what_a_chunk_of_learning_changes_per_unit_of_learning_rate():
    shown = patterns.poisson(6, 60.0, 40.0, seed=1)
    target = patterns.from_trains([[10.0, 25.0], [17.0]], 40.0)
    options = {"optimizer": "plain", "eta": ETA, "chunk": 40.0, "rho": 1.0, "w_0": 80.0}
    net = SuperSpikeNetwork((6, 4, 2), seed=2, dtype="float64", backend="python", **options)
    before = [W.copy() for W in net.W]
    found = net.update(shown, target)
    assert all(np.array_equal(own, W) for own, W in zip(before, net.W, strict=True))
    # A chunk ends with the first step of a loop; the second loop is over when the third begins.
    net.fit(shown, target, 1, block=1.0, burn_in=80.0)
    for W, was, dW in zip(net.W, before, found.dW, strict=True):
        assert np.abs(dW).max() > 1e-3
        np.testing.assert_allclose((W - was) / ETA, dW, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("index", [(0, 0), (1, 1), (3, 1)])
def test_update_is_the_gradient_of_the_loss_over_the_loop_that_it_measures(index, monkeypatch):
    def loss_of_second_loop(weights):
        net = smooth_network(weights, monkeypatch, identical=True)
        net._training.learn_at(0.0)
        net._training.network.run_steps(STEPS + 1)
        before = summed_cost(net)
        net._training.network.run_steps(STEPS)
        return 0.5 * (summed_cost(net) - before)

    change = np.zeros_like(W)
    change[index] = 1e-4
    slope = (loss_of_second_loop(W + change) - loss_of_second_loop(W - change)) / 2e-4
    net = smooth_network(W, monkeypatch, identical=True, lag=1)
    found = net.update(INPUTS, TARGETS).dW[0][index] * STEPS
    assert abs(slope) > 1e-3
    assert found == pytest.approx(-FACTOR * slope, rel=1e-6)


def test_update_tells_the_error_signals_of_every_layer():
    net = SuperSpikeNetwork((6, 4, 2), seed=2, dtype="float64", backend="python")
    shown = patterns.poisson(6, 60.0, 40.0, seed=1)
    delta = net.update(shown, patterns.from_trains([[10.0], []], 40.0)).delta
    assert [each.shape for each in delta] == [(400, 4), (400, 2)]
    assert delta[1][:, 0].max() > 0.0  # a spike is missing


def test_update_of_a_network_whose_hidden_layers_are_frozen_changes_the_output_only():
    net = SuperSpikeNetwork((6, 4, 2), seed=2, frozen=True, dtype="float64", backend="python")
    shown = patterns.poisson(6, 60.0, 40.0, seed=1)
    dW = net.update(shown, patterns.from_trains([[10.0, 20.0], [15.0]], 40.0)).dW
    assert not dW[0].any()
    assert dW[0].shape == (6, 4)
