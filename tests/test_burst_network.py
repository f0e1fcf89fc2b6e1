"""What a user of `BurstEnsembleNetwork` relies on: gradients, the nudge's way, state, options."""

import numpy as np
import pytest

from spikesim import InputError, datasets
from spikesim.models.burst import BurstEnsembleNetwork

CHANCE = np.random.default_rng(5)
IMAGES = (CHANCE.random((12, 10)) * (CHANCE.random((12, 10)) > 0.3) * 255).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 12)
DIGITS = datasets.load_digits()


def small(sizes=(10, 8, 3), seed=4, kind=BurstEnsembleNetwork, **options):
    return kind(sizes, seed=seed, **{"backend": "python", "dtype": "float64", **options})


def weights(net):
    return [array.copy() for arrays in (net.W, net.b, net.Y, net.Z) for array in arrays]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def sigma(v):
    return 1.0 / (1.0 + np.exp(-v))


# --------------------------------------------------------- the learning rule


def test_one_small_step_brings_the_output_closer_to_the_target_for_nearly_every_image():
    net = BurstEnsembleNetwork((64, 30, 10), seed=1, dtype="float64", alpha=0.1, alpha_Z=0.0)
    closer = 0
    for k in range(100):
        image, label = DIGITS.train_images[k : k + 1], DIGITS.train_labels[k : k + 1]
        losses = [net.fit(image, label)["loss"][-1] for _ in range(2)]
        closer += losses[1] < losses[0]
    assert closer >= 99


def test_without_inhibition_a_nudge_of_one_step_is_gone_after_one_step():
    net = small(sst="none")
    recording = net.record(IMAGES[:1], LABELS[:1])
    arrival = recording.nudges[0] + 1
    beta = recording.beta["hidden_1"]
    np.testing.assert_array_equal(beta[:, arrival + 1], beta[:, arrival - 1])


def test_with_feedback_by_the_forward_weights_updates_point_where_backpropagation_points():
    net = BurstEnsembleNetwork((64, 500, 10), seed=2, sst="none", alpha=0.0, measure_angle=True)
    net.Y[0] = net.W[1].T
    history = net.fit(DIGITS.train_images[:500], DIGITS.train_labels[:500])
    assert history["angle"][-1][0] < 30.0


def test_random_feedback_points_nowhere_at_first_and_is_aligned_by_learning():
    net = BurstEnsembleNetwork((64, 100, 10), seed=2, sst="h", measure_angle=True)
    net.fit(DIGITS.train_images[:30], DIGITS.train_labels[:30])
    history = net.fit(DIGITS.train_images, DIGITS.train_labels, epochs=15)
    assert 75.0 < history["angle"][0][0] < 95.0
    assert history["angle"][-1][0] < 60.0


def test_inhibition_brings_saturated_units_back_into_their_range():
    history = {}
    for alpha_Z in (0.0, 1e-3):
        net = BurstEnsembleNetwork((64, 100, 10), seed=3, sst="h", alpha_Z=alpha_Z, alpha=0.0)
        net.Y[0] = 40.0 + np.random.default_rng(0).uniform(-2.0, 2.0, (10, 100))
        history[alpha_Z] = net.fit(DIGITS.train_images, DIGITS.train_labels, epochs=2)
    assert history[0.0]["saturated"][-1][0] > 95.0
    assert history[1e-3]["saturated"][-1][0] < 5.0


def test_the_learning_rate_decays_from_epoch_to_epoch():
    steady, decaying = small(alpha_Z=0.0), small(alpha_Z=0.0, decay=1e-9)
    for net in (steady, decaying):
        net.fit(IMAGES, LABELS)
    assert_same(weights(steady), weights(decaying))
    before = decaying.W[1].copy()
    decaying.fit(IMAGES, LABELS)
    np.testing.assert_allclose(decaying.W[1], before, rtol=0, atol=1e-9)


# --------------------------------------------------------- state, files, options


@pytest.mark.parametrize("hidden", [(8,), (8, 7)])
def test_when_the_image_comes_makes_no_difference_to_the_form_of_july(hidden):
    found = []
    for late in (0, 1):  # steps for which the image has been there at the earliest nudge
        layers = len(hidden) + 1
        first = layers + late
        net = BurstEnsembleNetwork(
            (10, *hidden, 3),
            form="july_2018",
            alpha_Z=0.01,
            alpha=0.5,
            nudge_after=first,
            steps=first + layers,
            backend="python",
        )
        net.fit(IMAGES, LABELS, epochs=2)
        found.append(weights(net))
    assert_same(*found)


def test_weights_set_by_hand_are_used_at_once():
    first, second = small(), small()
    first.fit(IMAGES[:2], LABELS[:2])
    second.fit(IMAGES[:2], LABELS[:2])
    for net in (first, second):
        net.W[0] = np.ones((10, 8))
        net.fit(IMAGES[2:4], LABELS[2:4], shuffle=False)
    assert_same(weights(first), weights(second))
    other = small()
    other.fit(IMAGES[:2], LABELS[:2])
    other.fit(IMAGES[2:4], LABELS[2:4], shuffle=False)
    assert not np.array_equal(other.W[1], first.W[1])


def test_prediction_is_the_highest_event_rate_once_the_image_has_arrived():
    net = small(seed=8)
    net.fit(IMAGES, LABELS, epochs=3)
    recording = net.record(IMAGES, LABELS)
    before_nudge = recording.h["output"][:, recording.nudges - 1]
    assert np.array_equal(net.predict(IMAGES), np.argmax(before_nudge, axis=0))
    assert np.array_equal(recording.answers, net.predict(IMAGES))


def test_an_evaluation_says_how_far_it_is():
    told = []
    small().evaluate(IMAGES, LABELS, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)


def test_mirrored_feedback_becomes_the_transpose_of_the_weights_it_mirrors():
    net = small(mirror=2.0, forgetting=0.05)
    assert not np.allclose(net.Y[0], 2.0 * net.W[1].T, atol=0.1)
    net.fit(IMAGES, LABELS, epochs=30)
    np.testing.assert_allclose(net.Y[0], 2.0 * net.W[1].T, atol=1e-6)


def test_nothing_is_forgotten_in_the_weights_of_the_image():
    net = small(mirror=1.0, forgetting=0.5, alpha=0.0)
    first, second = net.W[0].copy(), net.W[1].copy()
    net.fit(IMAGES[:1], LABELS[:1])
    assert np.array_equal(net.W[0], first)
    np.testing.assert_allclose(net.W[1], 0.5 * second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 4}, "need at least 6"),
        ({"nudge_after": 1}, "nudge_after is 1"),
        ({"alpha": (1.0,)}, "alpha has 1 values"),
        ({"Y_range": (1.0, 1.0)}, "Y_range has 2 values"),
        ({"alpha_Y": 0.1, "sst": "none"}, "learned feedback is relative to inhibition"),
    ],
)
def test_impossible_parameters_are_refused_with_a_reason(options, message):
    with pytest.raises(InputError, match=message):
        small(**options)
