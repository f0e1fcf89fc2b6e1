"""What a user of `BurstEnsembleNetwork` relies on: gradients, the nudge's way, state, options."""

import os
import signal

import numpy as np
import pytest

from spikesim import InputError, datasets
from spikesim.models.burst import BurstEnsembleNetwork
from tests.watched_bursts import Watched, learn

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


@pytest.mark.parametrize("options", [{}, {"sst": "h"}, {"sst": "none"}, {"output": "relu"}])
@pytest.mark.parametrize("sizes", [(10, 8, 3), (10, 8, 7, 3)])
def test_weights_follow_the_gradient_of_the_change_of_burst_rate_toward_a_fixed_target(
    sizes, options
):
    net = small(sizes, steps=40, nudge_after=30, alpha=1.0, kind=Watched, **options)
    before = [W.copy() for W in net.W]
    _, recording = learn(net, IMAGES[:1], LABELS[:1], np.array([30]))
    x = IMAGES[0] / 255.0
    for k, layer in enumerate(recording.layers[1:]):
        s = 30 + len(net.W) - 1 - k
        below = x if k == 0 else recording.h[recording.layers[k]][:, s - 2]
        target, p = recording.beta[layer][:, s], recording.p[layer][:, s - 1]
        rectified = options.get("output") == "relu" and k == len(net.W) - 1

        def loss(W, below=below, target=target, p=p, rectified=rectified):
            v = below @ W
            h = np.maximum(v, 0.0) if rectified else sigma(v)
            return 0.5 * np.sum((target - h * p) ** 2)

        gradient = np.zeros_like(before[k])
        for index in np.ndindex(gradient.shape):
            step = np.zeros_like(gradient)
            step[index] = 1e-5
            gradient[index] = (loss(before[k] + step) - loss(before[k] - step)) / 2e-5
        change = net.W[k] - before[k]
        assert np.abs(change).max() > 0
        np.testing.assert_allclose(change, -gradient, rtol=1e-4, atol=1e-4 * np.abs(change).max())


@pytest.mark.parametrize("sst", ["beta", "h"])
def test_inhibition_moves_the_apical_potential_toward_gamma_as_its_gradient_says(sst):
    net = small(sst=sst, alpha=0.0, alpha_Z=0.01, steps=40, nudge_after=30, kind=Watched)
    Z = net.Z[0].copy()
    _, recording = learn(net, IMAGES[:1], LABELS[:1], np.array([30]))
    u, g = recording.u["hidden_1"][:, 31], getattr(recording, sst)["hidden_1"][:, 30]
    distance = u - net.parameters.gamma
    excitation = u + g @ Z
    after = excitation - g @ net.Z[0] - net.parameters.gamma
    np.testing.assert_allclose(after, distance * (1.0 - 0.01 * g @ g), rtol=1e-6)


def test_one_small_step_brings_the_output_closer_to_the_target_for_nearly_every_image():
    net = BurstEnsembleNetwork((64, 30, 10), seed=1, dtype="float64", alpha=0.1, alpha_Z=0.0)
    closer = 0
    for k in range(100):
        image, label = DIGITS.train_images[k : k + 1], DIGITS.train_labels[k : k + 1]
        losses = [net.fit(image, label)["loss"][-1] for _ in range(2)]
        closer += losses[1] < losses[0]
    assert closer >= 99


def test_the_nudge_raises_the_burst_rate_of_the_target_and_lowers_the_others():
    net = small()
    recording = net.record(IMAGES[:1], LABELS[:1])
    now = recording.nudges[0]
    change = recording.beta["output"][:, now] - recording.beta["output"][:, now - 1]
    target = np.eye(3)[LABELS[0]]
    assert np.array_equal(np.sign(change), np.sign(target - recording.h["output"][:, now - 1]))


def test_the_nudge_reaches_a_layer_after_as_many_steps_as_it_is_below_the_output():
    net = small((10, 8, 7, 6, 3), steps=30, sst="none", nudge_after=20)
    recording = net.record(IMAGES[:1], LABELS[:1])
    for k, layer in enumerate(["hidden_1", "hidden_2", "hidden_3", "output"], 1):
        arrival = 20 + 4 - k
        settled = recording.beta[layer][:, 10 : arrival + 1]
        assert np.all(np.ptp(settled[:, :-1], axis=1) == 0.0)
        assert np.any(settled[:, -1] != settled[:, -2])


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


def test_backpropagation_follows_the_gradient_of_the_squared_error():
    net = small((10, 8, 7, 3), backpropagation=True, alpha=1.0)
    before = [W.copy() for W in net.W]
    net.fit(IMAGES[:1], LABELS[:1])
    x, target = IMAGES[0] / 255.0, np.eye(3)[LABELS[0]]

    def loss(W):
        h = x
        for layer in W:
            h = sigma(h @ layer)
        return 0.5 * np.sum((target - h) ** 2)

    scale = net.parameters.nudge * net.parameters.p_0**2
    for k, W in enumerate(before):
        for index in [(0, 0), (3, 2), (5, 1)]:
            up, down = [w.copy() for w in before], [w.copy() for w in before]
            up[k][index] += 1e-5
            down[k][index] -= 1e-5
            gradient = (loss(up) - loss(down)) / 2e-5
            assert net.W[k][index] - W[index] == pytest.approx(
                -scale * gradient, rel=1e-4, abs=1e-12
            )


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", [{}, {"form": "july_2018", "alpha_Z": 0.01}])
def test_the_compiled_network_equals_plain_python_bit_for_bit(dtype, options):
    compiled = small((10, 9, 8, 3), dtype=dtype, backend="cpu", measure_angle=True, **options)
    plain = small((10, 9, 8, 3), dtype=dtype, measure_angle=True, **options)
    for net in (compiled, plain):
        net.fit(IMAGES, LABELS)
    assert_same(weights(compiled), weights(plain))
    assert compiled.history["angle"] == plain.history["angle"]


def test_a_fit_saved_after_an_epoch_goes_on_as_if_never_stopped(tmp_path):
    undisturbed, first = small(), small()
    undisturbed.fit(IMAGES, LABELS, epochs=2)
    first.fit(IMAGES, LABELS, epochs=1, checkpoint=tmp_path / "net.h5")
    second = BurstEnsembleNetwork.load(tmp_path / "net.h5", backend="python")
    second.fit(IMAGES, LABELS, epochs=1)
    assert_same(weights(second), weights(undisturbed))
    assert second.history["apical"] == undisturbed.history["apical"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_in_the_middle_of_an_epoch_and_nothing_is_lost(
    signum, tmp_path, monkeypatch
):
    monkeypatch.setattr(BurstEnsembleNetwork, "block", lambda net: 4)
    undisturbed, interrupted = small(), small()
    undisturbed.fit(IMAGES, LABELS, epochs=2)

    def press(done, total):
        if done == 4:
            os.kill(os.getpid(), signum)

    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(IMAGES, LABELS, 2, progress=press, checkpoint=tmp_path / "net.h5")
    resumed = BurstEnsembleNetwork.load(tmp_path / "net.h5", backend="python")
    assert resumed.example == 4
    resumed.fit(IMAGES, LABELS, epochs=2)
    assert_same(weights(resumed), weights(undisturbed))


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


def test_a_recording_leaves_the_network_as_it_was():
    net = small()
    before = weights(net)
    net.record(IMAGES, LABELS)
    assert_same(weights(net), before)


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


def test_learned_feedback_moves_the_largest_potential_toward_its_range():
    net = small(alpha=0.0, alpha_Z=0.0, alpha_Y=1e-5, Z_range=0.1, u_range=2.0)
    before = np.abs(net.Y[0]).sum(axis=0)
    net.fit(IMAGES[:1], LABELS[:1])
    after = np.abs(net.Y[0]).sum(axis=0)
    assert np.all(after < before)  # the evoked potential is above 2 times the inhibition


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


def test_clipped_inhibition_never_becomes_excitation():
    net = small(alpha_Z=0.5, clip_Z=True)
    net.fit(IMAGES, LABELS)
    assert net.Z[0].min() == 0.0
    free = small(alpha_Z=0.5)
    free.fit(IMAGES, LABELS)
    assert free.Z[0].min() < 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sst": "gamma"}, "sst is 'gamma'"),
        ({"form": "slides"}, "form is 'slides'"),
        ({"steps": 4}, "need at least 6"),
        ({"nudge": 0.0}, "nudge is 0"),
        ({"nudge_after": 1}, "nudge_after is 1"),
        ({"alpha": (1.0,)}, "alpha has 1 values"),
        ({"Y_range": (1.0, 1.0)}, "Y_range has 2 values"),
        ({"alpha_Z": -1.0}, "alpha_Z is -1"),
        ({"alpha_Y": 0.1, "sst": "none"}, "learned feedback is relative to inhibition"),
        ({"mirror": -1.0}, "mirror is -1"),
        ({"apical_gate": "yes"}, "apical_gate is 'yes'"),
        ({"forgetting": 1.0}, "forgetting is 1"),
        ({"gama": 0.1}, "gamma"),
    ],
)
def test_impossible_parameters_are_refused_with_a_reason(options, message):
    with pytest.raises(InputError, match=message):
        small(**options)
