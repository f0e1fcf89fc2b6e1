"""What networks cost and withstand: counted by hand, and the same network afterwards."""

import numpy as np
import pytest
from test_conformance import OF_IMAGES, SMALL, everything

from spikesim import InputError
from spikesim.image_runs import model_class
from spikesim.learning import alignment
from spikesim.learning.performance import (
    examples_to,
    jittered_error,
    noisy_error,
    synaptic_operations,
)
from spikesim.models import MODELS
from spikesim.models.burst.burstprop import BurstpropNetwork
from spikesim.models.clamped import ClampedNetwork
from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit
from spikesim.models.equilibrium import EquilibriumPropagation
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.reward import SpikingRewardNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork

CHANCE = np.random.default_rng(4)
IMAGES = CHANCE.integers(0, 256, (30, 6)).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 30)
OF_ALL = {**{name: model_class(MODELS[name].where) for name in OF_IMAGES}}
OF_ALL["burstprop"] = BurstpropNetwork


def build(kind=FeedbackAlignment, sizes=(6, 5, 3), seed=1, **options):
    return kind(sizes, seed=seed, backend="python", **options)


# --------------------------------------------------------------------- operations

UP, DOWN = 6 * 5 + 5 * 3, 5 * 3


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        (FeedbackAlignment, {}, UP),
        (BurstpropNetwork, {}, UP),
        (SegregatedDendriteNetwork, {"spiking": False}, 2 * UP),
        (EquilibriumPropagation, {"n_free": 5, "n_test": 7}, 7 * (UP + DOWN)),
        (ClampedNetwork, {"n_minus": 4}, 4 * (UP + DOWN)),
        (ClampedNetwork, {"n_minus": 4, "feedback": "symmetric"}, 4 * (UP + DOWN)),
        (DendriticMicrocircuit, {}, UP + 3 * DOWN),  # Y, and Q and P of as many cells
    ],
)
def test_rates_pass_through_all_weights_in_each_step(kind, options, expected):
    found = synaptic_operations(build(kind, **options), IMAGES[:2])
    assert np.isnan(found.spikes).all()
    np.testing.assert_array_equal(found.operations, expected)


def test_spikes_of_pixels_go_through_all_synapses_of_the_first_layer():
    """At 1000 Hz and steps of 1 ms, a pixel of 1 spikes in each step, and no neuron does."""
    net = build(SpikingRewardNetwork, T=4.0, high=1000.0, low=0.0, theta=100.0)
    found = synaptic_operations(net, [[1.0, 0.0, 1.0, 0.0, 1.0, 0.0], [0.0] * 6])
    np.testing.assert_array_equal(found.spikes, [12.0, 0.0])
    np.testing.assert_array_equal(found.operations, [60.0, 0.0])


def test_spikes_of_hidden_neurons_go_to_the_output_and_those_of_the_output_nowhere():
    net = build(SegregatedDendriteNetwork, phase=9, window=3, test_phase=100, test_window=4)
    net.b[0], net.b[1] = np.full(5, 100.0), np.full(3, -100.0)  # always phi_max, and never
    hidden = synaptic_operations(net, np.zeros((3, 6)))
    assert (hidden.spikes > 50).all()  # 5 neurons for 100 ms at 200 Hz: 100 +- 10
    assert (hidden.spikes < 150).all()
    np.testing.assert_array_equal(hidden.operations, 3 * hidden.spikes)
    net.b[0], net.b[1] = np.full(5, -100.0), np.full(3, 100.0)
    output = synaptic_operations(net, np.zeros((3, 6)))
    assert (output.spikes > 25).all()
    np.testing.assert_array_equal(output.operations, 0.0)


# --------------------------------------------------------------------- robustness


def test_jittered_weights_are_those_that_a_generator_gives_and_then_the_old_ones():
    net, other = build(), build()
    chance = np.random.default_rng(7)
    for m, W in enumerate(list(other.W)):
        other.W[m] = W * (1.0 + 2.0 * chance.standard_normal(W.shape))
    before = [W.copy() for W in net.W]
    assert jittered_error(net, IMAGES, LABELS, 2.0, seed=7) == other.evaluate(IMAGES, LABELS)
    assert other.evaluate(IMAGES, LABELS) != net.evaluate(IMAGES, LABELS)
    for W, old in zip(net.W, before, strict=True):
        np.testing.assert_array_equal(W, old)


def test_weights_are_the_old_ones_after_a_test_that_was_refused():
    net = build()
    before = [W.copy() for W in net.W]
    with pytest.raises(InputError, match="labels"):
        jittered_error(net, IMAGES, LABELS[:-1], 0.5)
    for W, old in zip(net.W, before, strict=True):
        np.testing.assert_array_equal(W, old)


def test_noise_on_pixels_keeps_them_between_black_and_white():
    net = build()
    noise = np.random.default_rng(7).standard_normal(IMAGES.shape)
    shown = np.clip(IMAGES / 255.0 + 0.8 * noise, 0.0, 1.0)
    expected = net.evaluate(shown, LABELS)
    assert noisy_error(net, IMAGES, LABELS, 0.8, seed=7) == expected
    assert noisy_error(net, IMAGES / 255.0, LABELS, 0.8, seed=7) == expected
    assert noisy_error(net, IMAGES, LABELS, 0.0) == net.evaluate(IMAGES, LABELS)


@pytest.mark.parametrize("measure", [jittered_error, noisy_error])
def test_a_negative_strength_of_noise_is_refused(measure):
    with pytest.raises(InputError, match="at least 0"):
        measure(build(), IMAGES, LABELS, -0.1)


# --------------------------------------------------------------------- speed of learning


def test_examples_count_up_to_the_end_of_the_first_epoch_that_reaches_a_level():
    errors = [20.0, None, 4.9, 6.0, 3.0]
    assert examples_to(errors, 100, 5.0) == 300.0
    assert examples_to(errors, 100, 20.0) == 100.0
    assert np.isnan(examples_to(errors, 100, 1.0))
    assert np.isnan(examples_to([], 100, 1.0))


# --------------------------------------------------------------------- all models


@pytest.mark.parametrize("name", OF_ALL)
def test_measures_leave_a_model_that_learns_alone(name):
    disturbed, left = (build(OF_ALL[name], **SMALL.get(name, {})) for _ in range(2))
    for net in (disturbed, left):
        net.fit(IMAGES[:10], LABELS[:10])
        if net is disturbed:
            some = IMAGES[10:14], LABELS[10:14]
            alignment.bias_and_noise(net, *some, draws=2)
            alignment.feedback_jacobian(net, *some)
            alignment.weight_angle(net)
            alignment.norm_ratio(net)
            synaptic_operations(net, some[0])
            jittered_error(net, *some, 0.3)
            noisy_error(net, *some, 0.3)
        net.fit(IMAGES[:10], LABELS[:10])
    np.testing.assert_equal(everything(disturbed), everything(left))
