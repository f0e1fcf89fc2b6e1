"""Feedback alignment and its kin: against NumPy and finite differences, and what they learn."""

import numpy as np
import pytest
from naive_feedback_alignment import NaiveFeedbackAlignment

from spikesim import InputError, datasets
from spikesim.learning import alignment
from spikesim.models.feedback_alignment import FEEDBACK, FeedbackAlignment

SIZES = (8, 6, 5, 3)
CHANCE = np.random.default_rng(1)
X = CHANCE.random((14, 8)) * (CHANCE.random((14, 8)) > 0.3)
LABELS = CHANCE.integers(0, 3, 14)
TARGETS = np.eye(3)[LABELS]
OUTPUTS = ("softmax", "logistic_ce", "logistic", "linear")
RULES = ("random", *FEEDBACK)


def build(sizes=SIZES, dtype="float64", backend="python", seed=2, **options):
    return FeedbackAlignment(sizes, seed=seed, dtype=dtype, backend=backend, **options)


def oracle_of(net, **options):
    values = net.parameters
    same = ("feedback", "activation", "output", "reduction", "error", "output_slope", "bias_rate")
    return NaiveFeedbackAlignment(
        net.W, net.b, net.B,
        eta=values.eta[0],
        decay=values.kept_decay if values.feedback == "kolen_pollack" else values.decay,
        **{**{name: getattr(values, name) for name in same}, **options},
    )  # fmt: skip


def assert_close(net, oracle, atol=1e-12):
    feedback = [] if net.parameters.feedback in ("sign", "sign_fixed") else net.B
    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b), (feedback, oracle.B)):
        for one, other in zip(own, theirs, strict=own is not feedback):
            np.testing.assert_allclose(one, other, rtol=0, atol=atol)


OPTIONS = [
    *({"feedback": rule} for rule in RULES if rule not in ("mirror", "sign_redrawn")),
    *({"output": output, "activation": f} for output, f in zip(
        OUTPUTS, ("tanh", "relu", "linear", "logistic"), strict=True)),
    {"feedback": "direct", "output": "logistic", "error": "activity"},
    {"output": "logistic", "output_slope": False, "decay": 0.01, "bias_rate": 0.5},
    {"feedback": "kolen_pollack", "kept_decay": 0.02},
    {"initial": "normal", "W_size": 0.3, "feedback_scale": 2.0},
]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_weights_after_learning_are_those_of_the_transcription(options, batch):
    net = build(eta=0.3, batch=batch, **options)
    oracle = oracle_of(net)
    losses = []
    for first in range(0, len(X), batch):
        losses += list(oracle.learn(X[first : first + batch], TARGETS[first : first + batch])[0])
    history = net.fit(X, LABELS, shuffle=False)
    assert_close(net, oracle)
    assert history["loss"][0] == pytest.approx(np.mean(losses), abs=1e-12)


def test_a_summed_batch_and_the_last_smaller_one_are_those_of_the_transcription():
    net = build(eta=0.1, batch=5, reduction="sum")
    oracle = oracle_of(net)
    for first in (0, 5, 10):
        oracle.learn(X[first : first + 5], TARGETS[first : first + 5])
    net.learn(X, LABELS)
    assert_close(net, oracle)


@pytest.mark.parametrize("through", ["linear", "logistic"])
@pytest.mark.parametrize("batch", [1, 3])
def test_mirrored_feedback_is_that_of_the_transcription_given_its_noise(through, batch):
    given = {"mirror_rate": 0.05, "mirror_decay": 0.02, "mirror_vectors": 2, "mirror_events": 3}
    net = build(feedback="mirror", through=through, batch=batch, mirror_before=2, **given)
    oracle = oracle_of(net)
    updates = -(-len(X) // batch)
    noise = {}
    for k, n in enumerate(SIZES[1:-1]):
        most = net.block() // batch
        events = net.chance("events", 0, k + 1).normal(0.0, 1.0, (most * 6, n))
        noise[k] = events.reshape(most, 3, 2, n)
        for event in net.chance("before", 0, k + 1).normal(0.0, 1.0, (4, n)).reshape(2, 2, n):
            oracle.mirror(k, event, 0.05, 0.02, through)
    for u in range(updates):
        now = slice(u * batch, (u + 1) * batch)
        oracle.learn(X[now], TARGETS[now])
        for k, events in noise.items():
            for event in events[u]:
                oracle.mirror(k, event, 0.05, 0.02, through)
    net.fit(X, LABELS, shuffle=False)
    assert_close(net, oracle)


def test_sizes_that_are_redrawn_are_drawn_for_every_update():
    net = build(feedback="sign_redrawn", batch=3, eta=0.2)
    oracle = oracle_of(net)
    for first in range(0, len(X), 3):
        for k, shape in enumerate(B.shape for B in net.B):
            reach = np.sqrt(6.0 / sum(shape))
            drawn = net.chance("sizes", first, k + 1).uniform(-reach, reach, shape)
            oracle.size[k] = np.abs(drawn)
        oracle.learn(X[first : first + 3], TARGETS[first : first + 3])
    net.fit(X, LABELS, shuffle=False)
    for own, theirs in zip(net.W, oracle.W, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("output", OUTPUTS)
def test_feedback_by_the_transposed_weights_is_backpropagation(output):
    net = build(output=output)
    for m in range(2):
        net.B[m] = net.W[m + 1].T
    for own, theirs in zip(net.update(X, LABELS), net.gradient(X, LABELS), strict=True):
        for one, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    np.testing.assert_allclose(alignment.delta_angle(net, X, LABELS), 0.0, atol=1e-5)
    np.testing.assert_allclose(alignment.weight_angle(net), 0.0, atol=1e-5)
    np.testing.assert_allclose(alignment.norm_ratio(net), 1.0)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_backpropagation_is_the_gradient_by_finite_differences(output, activation):
    net = build(output=output, activation=activation, feedback="backprop")
    oracle = oracle_of(net)
    update = net.update(X, LABELS)
    for of_name, arrays in ((update.dW, oracle.W), (update.db, oracle.b)):
        for g, array in zip(of_name, arrays, strict=True):
            numeric = np.zeros(array.shape)
            for place in np.ndindex(*array.shape):
                before, epsilon = array[place], 1e-6
                array[place] = before + epsilon
                above = oracle.loss(X, TARGETS)
                array[place] = before - epsilon
                numeric[place] = -(above - oracle.loss(X, TARGETS)) / (2 * epsilon)
                array[place] = before
            np.testing.assert_allclose(g, numeric, rtol=1e-6, atol=1e-9)


def test_with_one_hidden_layer_direct_feedback_is_feedback_alignment():
    random, direct = build((8, 6, 3)), build((8, 6, 3), feedback="direct")
    direct.B[0] = random.B[0]
    for net in (random, direct):
        net.fit(X, LABELS)
    np.testing.assert_array_equal(random.W[0], direct.W[0])


def adam(g, m, v, n, p):
    m, v = p.momentum * m + (1 - p.momentum) * g, p.forget * v + (1 - p.forget) * g**2
    return m / (1 - p.momentum**n) / (np.sqrt(v / (1 - p.forget**n)) + p.floor), m, v


def rmsprop(g, m, v, n, p):
    v = p.forget * v + (1 - p.forget) * g**2
    return g / (np.sqrt(v) + p.floor), m, v


def momentum(g, m, v, n, p):
    m = p.momentum * m + g
    return m, m, v


@pytest.mark.parametrize("rule", [adam, rmsprop, momentum], ids=lambda rule: rule.__name__)
def test_an_optimiser_changes_weights_as_its_paper_says(rule):
    net = build((8, 3), batch=7, optimizer=rule.__name__, eta=0.01, decay=0.1)
    W, m, v = np.array(net.W[0]), 0.0, 0.0
    oracle = oracle_of(net)
    for n, now in enumerate((slice(0, 7), slice(7, 14)), 1):
        oracle.W[0] = W
        oracle.b[0] = np.array(net.b[0])
        h, slopes = oracle.forward(X[now])
        g = h[0].T @ oracle.deltas(h, slopes, TARGETS[now])[0] / 7
        by, m, v = rule(g, m, v, n, net.parameters)
        W = 0.9 * W + 0.01 * by
        net.learn(X[now], LABELS[now])
        np.testing.assert_allclose(net.W[0], W, rtol=0, atol=1e-12)


def test_absent_synapses_stay_absent_and_the_others_learn():
    net = build((8, 40, 3), sparse=0.5, feedback="kolen_pollack")
    for M in (net.W[1], net.B[0]):
        assert (M == 0.0).mean() == pytest.approx(0.5, abs=0.15)
    absent, before = [M == 0.0 for M in (net.W[1], net.B[0])], np.array(net.W[1])
    net.fit(X, LABELS)
    for M, zero in zip((net.W[1], net.B[0]), absent, strict=True):
        np.testing.assert_array_equal(M == 0.0, zero)
    assert (net.W[1] != before)[~absent[0]].all()


# ------------------------------------------------------------------------ what the papers say


def linear_task(feedback, seed, eta=0.005, **options):
    chance = np.random.default_rng(100 + seed)
    T = chance.uniform(-1.0, 1.0, (30, 10))
    net = build(
        (30, 20, 10), backend="cpu", seed=seed, feedback=feedback, eta=eta, activation="linear",
        output="linear", initial="uniform", W_size=0.01, feedback_scale=50.0, bias_rate=0.0,
        **options,
    )  # fmt: skip

    def examples(n):
        x = chance.standard_normal((n, 30))
        return x, x @ T

    return net, examples


def error(net, x, t):
    y = net.activities(x)[-1]
    return ((t - y) ** 2).sum() / (t**2).sum()


@pytest.mark.parametrize("seed", range(3))
def test_the_linear_task_is_learned_with_random_feedback_and_deltas_align(seed):
    net, examples = linear_task("random", seed)
    probes = examples(200)
    net.learn(*examples(100))
    assert alignment.delta_angle(net, *probes)[0] < 50.0
    net.learn(*examples(200))
    assert error(net, *probes) < 0.06
    net.learn(*examples(200))
    assert error(net, *probes) < 0.005
    assert alignment.delta_angle(net, *probes)[0] < 42.0
    assert 25.0 < alignment.weight_angle(net)[0] < 45.0


def test_backpropagation_from_small_weights_and_an_output_alone_are_slower():
    net, examples = linear_task("backprop", 0)
    probes = examples(200)
    net.learn(*examples(300))
    assert error(net, *probes) > 0.25
    net, examples = linear_task("none", 0)
    probes = examples(200)
    net.learn(*examples(4000))
    assert error(net, *probes) > 0.95


def test_what_feedback_alignment_conserves_in_a_linear_network_drifts_in_proportion_to_eta():
    drifts = []
    for eta in (0.005, 0.0025, 0.00125):
        net, examples = linear_task("random", 0, eta)
        W1, W2, B = (np.array(a, float) for a in (net.W[0], net.W[1], net.B[0]))
        before = W1.T @ W1 - W2 @ B - (W2 @ B).T
        net.learn(*examples(round(2.5 / eta)))
        W1, W2 = np.array(net.W[0]), np.array(net.W[1])
        after = W1.T @ W1 - W2 @ B - (W2 @ B).T
        drifts.append(np.linalg.norm(after - before) / np.linalg.norm(W1.T @ W1))
    assert 1.7 < drifts[0] / drifts[1] < 2.8
    assert 1.7 < drifts[1] / drifts[2] < 2.8


def test_kolen_pollack_weights_approach_each_other_by_their_decay_alone():
    net = build(feedback="kolen_pollack", kept_decay=0.01, eta=0.2)
    before = [B - W.T for B, W in zip(net.B, list(net.W)[1:], strict=True)]
    net.fit(X, LABELS, epochs=2)
    for difference, B, W in zip(before, net.B, list(net.W)[1:], strict=True):
        np.testing.assert_allclose(B - W.T, 0.99 ** (2 * len(X)) * difference, atol=1e-10)


@pytest.mark.parametrize(("decay", "vectors", "expected"), [(0.01, 1, 35.3), (0.01, 10, 12.6)])
def test_a_mirror_settles_at_the_angle_that_its_decay_and_vectors_give(decay, vectors, expected):
    net = build(
        (4, 100, 10), backend="cpu", feedback="mirror", eta=0.0, mirror_rate=decay,
        mirror_decay=decay, mirror_vectors=vectors, mirror_events=20,
    )  # fmt: skip
    angles = []
    for _ in range(10):
        net.learn(np.zeros((100, 4)), np.zeros(100, int))
        angles.append(alignment.weight_angle(net)[0])
    assert np.mean(angles[1:]) == pytest.approx(expected, abs=1.5)


def learned_digits(feedback, seeds=(0,)):
    """Mean test error, and mean angle of deltas by epoch, on the digits that ship."""
    digits = datasets.load_digits()
    wrong, angles = [], []
    for seed in seeds:
        net = build((64, 100, 10), "float32", "cpu", seed, feedback=feedback, measure_angle=True)
        history = net.fit(digits.train_images, digits.train_labels, epochs=10)
        wrong.append(net.evaluate(digits.test_images, digits.test_labels))
        angles.append([row[0] for row in history["angle"]])
    return np.mean(wrong), np.mean(angles, axis=0), net


def test_digits_are_learned_by_fixed_signed_and_learned_feedback_as_by_backpropagation():
    assert learned_digits("backprop")[0] < 7.0
    wrong, angle, _ = learned_digits("random")
    assert wrong < 7.0
    assert angle[0] > 60.0
    assert angle[-1] < 45.0
    for rule in ("sign", "sign_fixed"):
        wrong, angle, _ = learned_digits(rule)
        assert wrong < 7.0
        assert angle[-1] < 35.0
    wrong, angle, net = learned_digits("kolen_pollack")
    assert wrong < 7.0
    assert angle[-1] < 10.0
    assert alignment.weight_angle(net)[0] < 10.0


def test_digits_are_learned_worse_by_the_output_alone():
    assert learned_digits("none", seeds=(0, 1, 2))[0] > 9.0


# ------------------------------------------------------------------------ measures


def test_a_rule_without_chance_has_no_variance_and_its_mean_is_its_update():
    net = build()
    assert np.isinf(alignment.snr(net, X, LABELS, repeats=2)).all()
    cosines = alignment.mean_cosine(net, X, LABELS, repeats=2)
    angles = alignment.update_angle(net, X, LABELS)
    np.testing.assert_allclose(cosines, np.cos(np.radians(angles)))


def test_the_angle_in_the_history_is_that_of_deltas():
    net = build(measure_angle=True, eta=0.0)
    history = net.fit(X, LABELS)
    np.testing.assert_allclose(history["angle"][0], alignment.delta_angle(net, X, LABELS))


def test_weights_beneath_direct_feedback_are_compared_with_the_whole_path():
    net = build(feedback="direct")
    net.B[0] = (net.W[1] @ net.W[2]).T
    assert alignment.weight_angle(net)[0] == pytest.approx(0.0, abs=1e-5)


def test_targets_may_be_numbers_and_have_to_fit_the_outputs():
    with pytest.raises(InputError, match=r"targets has shape \(14, 4\)"):
        build().learn(X, np.zeros((14, 4)))


def test_a_recording_holds_every_layer():
    recording = build().record(X[0], 1)
    assert recording.h["hidden_1"].shape == (6, 1)
    np.testing.assert_allclose(recording.h["output"].sum(), 1.0)
    with pytest.raises(AttributeError, match="no 'v'; there is h"):
        recording.v  # noqa: B018
    with pytest.raises(InputError, match="has no spikes"):
        recording.to_neo()
