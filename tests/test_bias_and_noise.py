"""How biased and how noisy updates are: against definitions, closed forms and enumeration."""

from itertools import product

import numpy as np
import pytest

from spikesim import InputError
from spikesim.learning import forward
from spikesim.learning.alignment import bias_and_noise, mean_cosine
from spikesim.models.burst.burstprop import BurstpropNetwork
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork

CHANCE = np.random.default_rng(1)
X = CHANCE.random((9, 6))
LABELS = CHANCE.integers(0, 3, 9)


def build(kind=FeedbackAlignment, sizes=(6, 4, 3), backend="python", **options):
    return kind(sizes, seed=2, dtype="float64", backend=backend, **options)


def errors(net, B):
    """h of each layer above the input, and deltas, of one hidden layer with feedback B."""
    h = 1.0 / (1.0 + np.exp(-(X @ net.W[0] + net.b[0])))
    y = np.exp(h @ net.W[1] + net.b[1])
    y /= y.sum(axis=1, keepdims=True)
    output = np.eye(3)[LABELS] - y
    return h, (output @ B) * h * (1.0 - h), output


def single_updates(net, B):
    """The products of each example, one row for each."""
    h, hidden, output = errors(net, B)
    products = np.einsum("ei,ej->eij", X, hidden), np.einsum("ei,ej->eij", h, output)
    return [each.reshape(len(X), -1) for each in products]


def test_backpropagation_has_no_bias():
    found = bias_and_noise(build(feedback="backprop"), X, LABELS)
    np.testing.assert_allclose(found.cosine, 1.0)
    assert found.overall_cosine == pytest.approx(1.0)


def test_feedback_alignment_through_the_transposed_weights_has_none_either():
    net = build()
    net.B[0] = net.W[1].T
    np.testing.assert_allclose(bias_and_noise(net, X, LABELS).cosine, 1.0)


@pytest.mark.parametrize("draws", [1, 3])
def test_bias_and_noise_are_as_defined_by_the_mean_and_the_variance_of_single_updates(draws):
    net = build()
    found = bias_and_noise(net, X, LABELS, draws)
    own, true = single_updates(net, net.B[0]), single_updates(net, net.W[1].T)
    own, true = ([*layers, np.hstack(layers)] for layers in (own, true))
    for k, (cosine, snr) in enumerate(
        zip((*found.cosine, found.overall_cosine), (*found.snr, found.overall_snr), strict=True)
    ):
        mean, gradient = own[k].mean(axis=0), true[k].mean(axis=0)
        lengths = np.linalg.norm(mean) * np.linalg.norm(gradient)
        assert cosine == pytest.approx(mean @ gradient / lengths)
        assert snr == pytest.approx(
            np.linalg.norm(mean) / np.sqrt(own[k].var(axis=0, ddof=1).sum())
        )


def test_layers_that_do_not_learn_have_neither():
    found = bias_and_noise(build(feedback="none"), X, LABELS)
    assert np.isnan([found.cosine[0], found.snr[0]]).all()
    assert found.cosine[1] == pytest.approx(1.0)


def test_one_update_alone_tells_no_noise():
    assert np.isnan(bias_and_noise(build(), X[:1], LABELS[:1]).snr).all()


def test_a_rule_whose_update_is_not_known_has_neither():
    class Silent(FeedbackAlignment):
        def step(self, net):
            yield from forward.forward(net)

    found = bias_and_noise(build(Silent), X, LABELS)
    assert np.isnan([*found.cosine, *found.snr, found.overall_cosine, found.overall_snr]).all()


def test_models_without_time_are_measured_alike():
    found = bias_and_noise(build(BurstpropNetwork), X, LABELS)
    assert found.cosine[1] == pytest.approx(1.0)
    assert -1.0 < found.cosine[0] < 0.99
    assert (found.snr > 0.0).all()


def test_impossible_draws_are_refused():
    with pytest.raises(InputError, match="draws"):
        bias_and_noise(build(), X, LABELS, draws=0)


# --------------------------------------------------------------------- stochastic rules


def perturbed(draws, **options):
    """One example, and the squared norms of deltas and activities below them."""
    net = build(Perturbation, (10, 8, 4), "cpu", output="logistic", **options)
    x, t = np.random.default_rng(5).random((1, 10)), np.eye(4)[:1]
    found = bias_and_noise(net, x, t, draws)
    g = np.array([np.sum(delta**2) for delta in net.gradient(x, t).delta])
    H = np.array([np.sum(h**2) for h in net.activities(x)[:-1]])
    return found, g, H


def test_noise_of_node_perturbation_is_that_of_its_closed_form():
    """Of h^T xi (delta xi), with one xi for each unit of all layers."""
    found, g, H = perturbed(4000)
    noise = H * (np.array([8, 4]) * g.sum() + g)
    np.testing.assert_allclose(found.snr, np.sqrt(H * g / noise), rtol=0.05)
    assert found.overall_snr == pytest.approx(np.sqrt(np.sum(H * g) / noise.sum()), rel=0.05)
    np.testing.assert_allclose(found.cosine, 1.0, atol=0.03)


@pytest.mark.parametrize("shared", [{}, {"noise_per": "batch", "batch": 10}])
def test_noise_of_weight_perturbation_counts_the_parameters(shared):
    """Draws of an example are no batch, whose examples would share their noise."""
    found, g, H = perturbed(4000, perturbed="weights", **shared)
    every = np.sum((H + 1.0) * g)  # of the gradient by all weights and biases
    noise = np.array([80, 32]) * every + H * g
    np.testing.assert_allclose(found.snr, np.sqrt(H * g / noise), rtol=0.1)
    assert found.overall_snr == pytest.approx(np.sqrt(np.sum(H * g) / noise.sum()), rel=0.1)
    np.testing.assert_allclose(found.cosine, 1.0, atol=0.1)


def test_a_noisy_rule_does_not_look_biased_as_the_plain_mean_of_its_updates_does():
    net = build(Perturbation, (10, 8, 4), "cpu", output="logistic", perturbed="weights")
    x, t = np.random.default_rng(5).random((20, 10)), np.tile(np.eye(4)[0], (20, 1))
    assert mean_cosine(net, x, t, repeats=40)[0] < 0.8
    np.testing.assert_allclose(bias_and_noise(net, x, t, 400).cosine, 1.0, atol=0.1)


def test_reinforce_is_unbiased_and_as_noisy_as_the_enumeration_of_all_outcomes():
    net = build(RewardNetwork)
    net.W[1] = 4.0 * net.W[1]  # so that hidden units matter for the reward
    x, rewards = X[0], np.array([1.0, 0.2, -0.5])
    W1, W2 = net.W
    p = 1.0 / (1.0 + np.exp(-x @ W1))
    first, second = 0.0, np.zeros(2)
    for bits, action in product(product((0.0, 1.0), repeat=4), range(3)):
        h = np.array(bits)
        pi = np.exp(h @ W2)
        pi /= pi.sum()
        P = np.prod(np.where(h > 0.0, p, 1.0 - p)) * pi[action]
        z = [np.outer(x, h - p), np.outer(h, np.eye(3)[action] - pi)]
        update = [rewards[action] * each.ravel() for each in z]
        first = first + P * np.concatenate(update)
        second += P * np.array([np.sum(each**2) for each in update])
    signal = np.array([np.sum(first[:24] ** 2), np.sum(first[24:] ** 2)])
    found = bias_and_noise(net, x[None], rewards[None], 2000)
    np.testing.assert_allclose(found.snr, np.sqrt(signal / (second - signal)), rtol=0.1)
    total = np.sqrt(signal.sum() / (second - signal).sum())
    assert found.overall_snr == pytest.approx(total, rel=0.1)
    np.testing.assert_allclose(found.cosine, 1.0, atol=0.1)


def test_a_gradient_that_is_a_mean_of_updates_is_compared_with_nothing():
    net = build(SpikingRewardNetwork, T=4.0, theta=-0.2)
    found = bias_and_noise(net, X[:2], LABELS[:2], 2)
    assert np.isnan([*found.cosine, found.overall_cosine]).all()
