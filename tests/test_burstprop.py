"""The rate model of 2021 against an independent transcription, and what its users rely on."""

import naive_burst_ensemble as naive
import numpy as np
import pytest

from spikesim import InputError, datasets
from spikesim.models.burst import BurstpropNetwork

CHANCE = np.random.default_rng(3)
IMAGES = CHANCE.random((40, 12))
LABELS = CHANCE.integers(0, 4, 40)
DIGITS = datasets.load_digits()


def pair(sizes, **options):
    """Our network, and the transcription with the same weights and constants."""
    options = {"eta": 0.1, "eta_output": 0.05, "eta_R": 0.01, "decay": 1e-3, "batch": 8, **options}
    net = BurstpropNetwork(sizes, seed=1, dtype="float64", pixel_mean=0.0, pixel_sd=1.0, **options)
    inhibition = net.parameters.inhibition
    oracle = naive.NaiveBurstprop(
        list(net.W),
        list(net.b),
        [Y.T for Y in net.Y],
        list(net.R) if inhibition else None,
        lr=[0.1] * (len(sizes) - 2) + [0.05],
        momentum=0.8,
        weight_decay=1e-3,
        lr_R=0.01,
        learn_feedback=net.parameters.learn_feedback,
    )
    return net, oracle


@pytest.mark.parametrize("sizes", [(12, 9, 4), (12, 9, 7, 4)], ids=["one hidden", "two hidden"])
@pytest.mark.parametrize("inhibition", [True, False])
@pytest.mark.parametrize("learn_feedback", [True, False])
def test_weights_equal_the_transcription(sizes, inhibition, learn_feedback):
    net, oracle = pair(sizes, inhibition=inhibition, learn_feedback=learn_feedback)
    net.fit(IMAGES, LABELS, shuffle=False)
    one_hot = np.eye(4)[LABELS]
    for first in range(0, 40, 8):
        oracle.train_batch(IMAGES[first : first + 8], one_hot[first : first + 8])
    for k, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
        np.testing.assert_allclose(W, oracle.W[k], rtol=0, atol=1e-12)
        np.testing.assert_allclose(b, oracle.b[k], rtol=0, atol=1e-12)
    for k in range(1, len(net.W)):
        np.testing.assert_allclose(net.Y[k - 1], oracle.Y[k].T, rtol=0, atol=1e-12)
        if inhibition:
            np.testing.assert_allclose(net.R[k - 1], oracle.R[k], rtol=0, atol=1e-12)


def test_feedback_that_learns_comes_to_point_where_the_forward_weights_do():
    net = BurstpropNetwork((64, 100, 10), seed=1, learn_feedback=True, inhibition=False, decay=1e-3)
    before = net.feedback_angles()[0]
    net.fit(DIGITS.train_images, DIGITS.train_labels, epochs=40)
    assert net.feedback_angles()[0] < before - 20.0


def test_the_control_follows_the_gradient_of_the_squared_error():
    net, _ = pair((12, 9, 7, 4), backpropagation=True, momentum=0.0, decay=0.0)
    W, b = [w.copy() for w in net.W], [x.copy() for x in net.b]
    net.fit(IMAGES[:8], LABELS[:8], shuffle=False)

    def loss(weights):
        e = IMAGES[:8]
        for layer, bias in zip(weights, b, strict=True):
            e = 1.0 / (1.0 + np.exp(-(e @ layer + bias)))
        return 0.5 * np.sum((np.eye(4)[LABELS[:8]] - e) ** 2)

    for k in range(3):
        for index in [(0, 0), (4, 3)]:
            up, down = [w.copy() for w in W], [w.copy() for w in W]
            up[k][index] += 1e-6
            down[k][index] -= 1e-6
            gradient = (loss(up) - loss(down)) / 2e-6
            change = net.W[k][index] - W[k][index]
            assert change == pytest.approx(-0.05 * net.parameters.p_0 * gradient, rel=1e-6)


def test_a_run_saved_in_the_middle_goes_on_as_if_never_stopped(tmp_path):
    undisturbed = BurstpropNetwork((64, 20, 10), seed=2, learn_feedback=True)
    first = BurstpropNetwork((64, 20, 10), seed=2, learn_feedback=True)
    images, labels = DIGITS.train_images[:100], DIGITS.train_labels[:100]
    undisturbed.fit(images, labels, epochs=3)
    first.fit(images, labels, epochs=1, checkpoint=tmp_path / "net.h5")
    second = BurstpropNetwork.load(tmp_path / "net.h5")
    second.fit(images, labels, epochs=2)
    for name in ("W", "b", "Y", "R"):
        pairs = zip(getattr(second, name), getattr(undisturbed, name), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    assert second.history["loss"] == undisturbed.history["loss"]


def test_update_and_gradient_are_what_it_and_its_control_would_change():
    for backpropagation in (False, True):
        net, _ = pair((12, 9, 7, 4), backpropagation=backpropagation, momentum=0.0, decay=0.0)
        update, gradient = net.update(IMAGES[:8], LABELS[:8]), net.gradient(IMAGES[:8], LABELS[:8])
        before = [W.copy() for W in net.W]
        net.learn(IMAGES[:8], LABELS[:8])
        assert (update.dW[0] == gradient.dW[0]).all() == backpropagation
        for k in range(3):
            rate = 0.05 if k == 2 or backpropagation else 0.1
            change = net.W[k] - before[k]
            np.testing.assert_allclose(change, 8 * rate * update.dW[k], rtol=0, atol=1e-14)


def test_a_schedule_scales_all_that_it_learns():
    net = BurstpropNetwork((12, 9, 4), learn_feedback=True, momentum=0.0, decay=0.0)
    before = net.state()["weights"]
    net.fit(IMAGES, LABELS, schedule=lambda epoch: 0.0)
    np.testing.assert_equal(net.state()["weights"], before)


def test_examples_outside_of_epochs_leave_history_and_progress_alone():
    net = BurstpropNetwork((12, 9, 4))
    net.learn(IMAGES, LABELS)
    assert net.example == net.epoch == 0
    assert net.history["loss"] == []
    net.fit(IMAGES, LABELS)
    assert net.history["apical"][0][0] > 0.0
    assert net.record(IMAGES[0]).h["hidden_1"].shape == (9,)


def test_it_learns_the_digits():
    net = BurstpropNetwork((64, 100, 10), seed=1, eta_output=0.02)
    net.fit(DIGITS.train_images, DIGITS.train_labels, epochs=40)
    assert net.evaluate(DIGITS.test_images, DIGITS.test_labels) < 6.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p_0": 0.0}, "p_0 is 0"),
        ({"momentum": 1.0}, "momentum is 1"),
        ({"batch": 0}, "batch is 0"),
        ({"learn_feedbck": True}, "learn_feedback"),
    ],
)
def test_impossible_parameters_are_refused_with_a_reason(options, message):
    with pytest.raises(InputError, match=message):
        BurstpropNetwork((4, 3, 2), **options)
