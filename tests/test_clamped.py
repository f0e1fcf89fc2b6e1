"""The clamped two-phase model: against NumPy, identities, limits, settling, what it learns."""

import numpy as np
import pytest
from naive_clamped import NaiveClamped

from spikesim import InputError, datasets
from spikesim.learning import alignment
from spikesim.models.clamped import OUTPUTS, UNITS, ClampedNetwork

CHANCE = np.random.default_rng(1)
X = CHANCE.random((7, 8)) * (CHANCE.random((7, 8)) > 0.3)
LABELS = CHANCE.integers(0, 3, 7)
TARGETS = np.eye(3)[LABELS]
SIZES = (8, 6, 5, 3)
RULES = ("generec", "midpoint", "chl")


def build(sizes=SIZES, dtype="float64", backend="python", seed=2, **options):
    return ClampedNetwork(sizes, seed=seed, dtype=dtype, backend=backend, **options)


# ------------------------------------------------------------------------ the transcription

GIVEN = {"n_minus": 4, "n_plus": 3, "eta": 0.3, "feedback_scale": 0.8, "gamma": 0.6}
SWEEPS = {
    "order": "sweeps", "feedback": "symmetric", "gamma": 1.0, "keep": 0.0,
    "activation": "hard", "output": "hard",
}  # fmt: skip
OPTIONS = [
    *({"rule": rule, "feedback": f} for rule in RULES for f in ("random", "symmetric")),
    *({"activation": f, "output": o, "eta": 0.02} for f, o in zip(UNITS, OUTPUTS, strict=True)),
    {"order": "synchronous", "output_leak": True, "keep": 0.8, "rule": "chl"},
    {"order": "sweeps", "start": "zero", "rule": "midpoint"},
    {"order": "sweeps", "output_leak": True, "feedback": "symmetric"},
    {"keep": 0.0, "start": "zero", "output_leak": True},
    {"xie_seung": True, "feedback": "symmetric", "rule": "chl", "eta": 0.02},
    {"decay": 0.02, "bias_rate": 0.5, "reduction": "sum", "rule": "chl", "eta": (0.3, 0.2, 0.1)},
    SWEEPS,
    {**SWEEPS, "n_minus": 1, "n_plus": 1, "eta": 0.1},
]  # fmt: skip


def transcribed(net):
    """The transcription, with the weights and options of a network."""
    p = net.parameters
    same = (
        "rule", "feedback", "gamma", "n_minus", "n_plus", "output_leak", "activation", "output",
        "eta", "xie_seung", "decay", "bias_rate", "reduction",
    )  # fmt: skip
    return NaiveClamped(
        net.W, net.b, getattr(net, "B", ()), leak=p.keep, start=p.start,
        sequential=p.order == "sequential", sweeps=p.order == "sweeps",
        **{name: getattr(p, name) for name in same},
    )  # fmt: skip


def assert_close(net, oracle):
    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b)):
        for one, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("sizes", [(8, 5, 3), SIZES], ids=["one hidden layer", "two"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_weights_after_learning_are_those_of_the_transcription(options, sizes, batch):
    given = {**GIVEN, **options}
    given["eta"] = given["eta"][: len(sizes) - 1] if "decay" in options else given["eta"]
    net = build(sizes, batch=batch, **given)
    oracle = transcribed(net)
    for first in range(0, len(X), batch):
        oracle.learn(X[first : first + batch], TARGETS[first : first + batch])
    net.fit(X, LABELS, shuffle=False)
    assert_close(net, oracle)


@pytest.mark.parametrize("options", [{}, SWEEPS], ids=str)
def test_examples_go_on_from_where_they_were_as_in_the_transcription(options):
    net = build(start="last", batch=3, **{**GIVEN, **options})
    oracle, last = transcribed(net), [np.zeros((len(X), n)) for n in SIZES[1:]]
    for _ in range(3):
        for now in (slice(0, 3), slice(3, 6), slice(6, 7)):
            minus, _ = oracle.learn(X[now], TARGETS[now], h0=[each[now] for each in last])
            for each, h in zip(last, minus, strict=True):
                each[now] = h
    net.fit(X, LABELS, epochs=3, shuffle=False)
    assert_close(net, oracle)


@pytest.mark.parametrize("order", ["sequential", "synchronous", "sweeps"])
def test_a_recording_is_the_course_of_the_transcription_from_given_activities(order):
    net = build(start="zero", order=order, **GIVEN)
    oracle, start = transcribed(net), [CHANCE.random((1, n)) for n in SIZES[1:]]
    h = net.record(X[0], LABELS[0], given={"start": start}).h
    minus = oracle.trajectory(X[:1], start, 4)[1:]
    plus = oracle.trajectory(X[:1], minus[-1], 3, TARGETS[:1])[1:]
    for step, state in enumerate([*minus, *plus]):
        for name, expected in zip(list(h)[1:], state, strict=True):
            np.testing.assert_allclose(h[name][:, step], expected[0], rtol=0, atol=1e-12)


def test_answers_are_those_of_the_minus_phase_of_the_transcription():
    net = build(**GIVEN)
    oracle = transcribed(net)
    np.testing.assert_allclose(net.activities(X)[-1], oracle.predict(X), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(net.predict(X), oracle.predict(X).argmax(axis=1))


# ------------------------------------------------------------------------ the three rules


@pytest.mark.parametrize("feedback", ["random", "symmetric"])
def test_next_to_the_input_all_rules_are_the_same(feedback):
    first, *others = (
        build(rule=rule, feedback=feedback, gamma=0.5).update(X, LABELS) for rule in RULES
    )
    for other in others:
        np.testing.assert_allclose(first.dW[0], other.dW[0], rtol=0, atol=1e-12)
        assert np.abs(first.dW[1] - other.dW[1]).max() > 1e-4


def both_phases(net, x, label):
    """Activities of all layers at the ends of the minus and of the plus phase."""
    trial = net.record(x, label)
    n_minus = net.parameters.n_minus
    return ([trial.h[name][:, n] for name in trial.layers] for n in (n_minus - 1, -1))


def test_at_the_output_chl_is_generec_and_the_change_below_times_the_target():
    minus, plus = both_phases(build(), X[0], LABELS[0])
    generec, chl = (build(rule=rule).update(X[:1], LABELS[:1]).dW for rule in ("generec", "chl"))
    expected = np.outer(plus[-2] - minus[-2], TARGETS[0])
    np.testing.assert_allclose(chl[-1] - generec[-1], expected, rtol=0, atol=1e-12)


def test_biases_learn_the_change_of_their_unit():
    minus, plus = both_phases(build(), X[0], LABELS[0])
    for rule in RULES:
        update = build(rule=rule).update(X[:1], LABELS[:1])
        for db, before, after in zip(update.db, minus[1:], plus[1:], strict=True):
            np.testing.assert_allclose(db, after - before, rtol=0, atol=1e-12)


def test_the_rates_of_xie_and_seung_grow_by_one_over_gamma_from_layer_to_layer():
    given = {"feedback": "symmetric", "gamma": 0.2, "rule": "chl", "eta": 0.1}
    plain, scaled = build(**given), build(xie_seung=True, **given)
    start = [np.array(W) for W in plain.W]
    for net in (plain, scaled):
        net.learn(X[:1], LABELS[:1])
    for W, own, other, factor in zip(start, plain.W, scaled.W, (25.0, 5.0, 1.0), strict=True):
        np.testing.assert_allclose(other - W, factor * (own - W), rtol=0, atol=1e-12)
    with pytest.raises(InputError, match="xie_seung goes with feedback='symmetric'"):
        build(xie_seung=True)


# ------------------------------------------------------------------------ limits


def weak(seed=3, **options):
    """A network and an example of it."""
    chance = np.random.default_rng(seed)
    net = build((50, 40, 5), n_minus=200, n_plus=200, seed=seed, **options)
    return net, chance.random((1, 50)), np.eye(5)[chance.integers(0, 5, 1)]


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("seed", [3, 4])
def test_weak_random_feedback_is_feedback_alignment(seed):
    errors = {}
    for scale in (1.0, 0.3, 0.1, 0.03, 0.01):
        net, x, t = weak(seed, feedback_scale=scale)
        y = net.activities(x)[-1]
        h = 1.0 / (1.0 + np.exp(-(x @ net.W[0] + net.b[0])))
        expected = ((t - y) @ net.B[0]) * h * (1.0 - h)
        delta = net.update(x, t).delta[0]
        errors[scale] = relative(delta, expected)
        if scale == 0.1:
            assert np.cos(np.radians(alignment.angle(delta, expected))) > 0.999
            assert errors[scale] < 0.04
    assert errors[0.1] / errors[0.03] == pytest.approx(10 / 3, rel=0.2)
    assert errors[0.1] / errors[0.01] == pytest.approx(10, rel=0.2)


@pytest.mark.parametrize("seed", [3, 4])
def test_weak_symmetric_feedback_is_backpropagation_of_the_cross_entropy(seed):
    errors = {}
    for gamma in (0.3, 0.1, 0.03, 0.01):
        net, x, t = weak(seed, feedback="symmetric", gamma=gamma, rule="chl", output="logistic_ce")
        dW = net.update(x, t).dW
        errors[gamma] = relative(dW[0] / gamma, net.gradient(x, t).dW[0])
    assert errors[0.1] < 0.02
    assert errors[0.1] / errors[0.03] == pytest.approx(10 / 3, rel=0.2)
    assert errors[0.1] / errors[0.01] == pytest.approx(10, rel=0.2)


def test_that_limit_is_not_the_gradient_of_the_squared_error():
    net, x, t = weak(feedback="symmetric", gamma=0.001, rule="chl", output="logistic_ce")
    h = 1.0 / (1.0 + np.exp(-(x @ net.W[0] + net.b[0])))
    y = 1.0 / (1.0 + np.exp(-(h @ net.W[1] + net.b[1])))
    delta = net.update(x, t).delta[0]
    cross_entropy = ((t - y) @ net.W[1].T) * h * (1.0 - h)
    squared = (((t - y) * y * (1.0 - y)) @ net.W[1].T) * h * (1.0 - h)
    assert alignment.angle(delta, cross_entropy) < 0.1
    assert alignment.angle(delta, squared) > 1.0


def test_the_gradient_is_that_of_the_feedforward_pass_by_finite_differences():
    net = build(feedback_scale=2.0)

    def loss():
        h = X
        for W, b in zip(net.W, net.b, strict=True):
            a = h @ W + b
            h = 1.0 / (1.0 + np.exp(-a))
        e = np.exp(a - a.max(axis=1, keepdims=True))
        return -np.mean(np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(X)), LABELS]))

    found = net.gradient(X, LABELS)
    for k, place in ((0, (2, 3)), (0, (7, 0)), (1, (4, 4)), (2, (1, 2))):
        before, values = float(net.W[k][place]), []
        for change in (1e-6, -1e-6):
            net.W[k][place] = before + change
            values.append(loss())
        net.W[k][place] = before
        numeric = -(values[0] - values[1]) / 2e-6
        assert found.dW[k][place] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


# ------------------------------------------------------------------------ settling


def settled(**options):
    net = build(n_minus=400, n_plus=400, feedback_scale=1.0, **options)
    return [each for phase in both_phases(net, X[0], LABELS[0]) for each in phase[1:]]


@pytest.mark.parametrize(
    "options",
    [
        *({"keep": keep} for keep in (0.0, 0.3, 0.6, 0.9)),
        *({"order": order} for order in ("synchronous", "sweeps")),
        *({"start": start} for start in ("zero", "last")),
        {"output_leak": True, "keep": 0.9},
    ],
    ids=str,
)
def test_where_the_network_settles_depends_on_neither_inertia_order_nor_start(options):
    for one, other in zip(settled(), settled(**options), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


def test_the_residual_is_how_far_the_fastest_unit_moves_in_the_last_step_of_each_phase():
    for options in ({"n_minus": 4, "n_plus": 3}, {"n_minus": 3, "n_plus": 5, "order": "sweeps"}):
        net = build(eta=0.0, start="zero", **options)
        h = net.record(X[0], LABELS[0]).h
        last = [[h[name][:, n] - h[name][:, n - 1] for name in list(h)[1:]] for n in (-1, 0)]
        n = net.parameters.n_minus - 1
        last[1] = [h[name][:, n] - h[name][:, n - 1] for name in list(h)[1:]]
        plus, minus = (max(np.abs(change).max() for change in each) for each in last)
        net.learn(X[:1], LABELS[:1])
        np.testing.assert_allclose(net.training.result("residual", 1)[0], [minus, plus], rtol=1e-12)


def test_the_history_has_the_residuals_of_both_phases():
    (short,), (long,) = (build(n_minus=n, n_plus=n).fit(X, LABELS)["residual"] for n in (2, 60))
    assert min(short) > 1e-4
    assert max(long) < 1e-12


def test_strong_symmetric_feedback_oscillates_without_inertia_and_the_residual_tells():
    given = {"feedback": "symmetric", "gamma": 1.0, "initial": "normal", "W_size": 8.0}
    without, inert = (
        build(keep=keep, eta=0.0, seed=3, n_minus=50, **given).fit(X, LABELS)["residual"][0][0]
        for keep in (0.0, 0.5)
    )
    assert without > 0.1
    assert inert < 1e-6


def test_sweeps_go_up_without_the_target_and_down_with_it():
    net = build(
        activation="hard", output="hard", order="sweeps", keep=0.0, feedback="symmetric",
        gamma=1.0, start="zero", n_minus=1, n_plus=1,
    )  # fmt: skip
    W, t = [np.array(each) for each in net.W], TARGETS[0]
    start = [CHANCE.random((1, n)) for n in SIZES[1:]]
    h = [X[0], *(each[0] for each in start)]
    for k in (1, 2, 3):
        h[k] = np.clip(h[k - 1] @ W[k - 1] + (h[k + 1] @ W[k].T if k < 3 else 0.0), 0.0, 1.0)
    minus = list(h)
    h[3] = t
    for k in (2, 1):
        h[k] = np.clip(h[k - 1] @ W[k - 1] + h[k + 1] @ W[k].T, 0.0, 1.0)
    update = net.update(X[:1], TARGETS[:1], given={"start": start})
    for k, dW in enumerate(update.dW):
        np.testing.assert_allclose(dW, np.outer(minus[k], h[k + 1] - minus[k + 1]), atol=1e-12)


def test_an_example_starts_where_its_minus_phase_ended_last_time():
    given = {"n_minus": 3, "n_plus": 2, "eta": 0.1}
    lasting, replayed = build(start="last", **given), build(start="zero", **given)
    lasting.learn(X, LABELS)
    replayed.learn(X, LABELS)
    start = [np.array(layer.particles) for layer in lasting.training.above_input]
    assert start[0].any()
    lasting.learn(X, LABELS)
    replayed.learn(X, LABELS, given={"start": start})
    for one, other in zip(lasting.W, replayed.W, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_recording_holds_both_phases_and_ends_at_the_target():
    trial = build(n_minus=6, n_plus=4).record(X[0], LABELS[0])
    assert trial.phases == (6.0, 10.0)
    np.testing.assert_array_equal(trial.h["output"][:, -1], TARGETS[0])
    np.testing.assert_array_equal(trial.h_minus["hidden_1"], trial.h["hidden_1"][:, 5])


# ------------------------------------------------------------------------ learning


def learned_digits(eta, **options):
    digits = datasets.load_digits()
    net = build(
        (64, 100, 10), "float32", "cpu", 0, batch=10, eta=eta, measure_angle=True, **options
    )
    history = net.fit(digits.train_images, digits.train_labels, epochs=20)
    return net.evaluate(digits.test_images, digits.test_labels), [a for (a,) in history["angle"]]


@pytest.mark.parametrize("rule", RULES)
def test_digits_are_learned_through_random_feedback(rule):
    wrong, angle = learned_digits((2.0, 0.2), rule=rule)
    assert wrong < 4.0
    assert angle[0] > 50.0
    assert angle[-1] < 40.0


def test_digits_are_learned_through_symmetric_feedback_close_to_the_gradient():
    wrong, angle = learned_digits((5.0, 0.2), feedback="symmetric")
    assert wrong < 4.0
    assert max(angle) < 2.0


def test_digits_are_learned_worse_by_the_output_alone():
    assert learned_digits((0.0, 0.2))[0] > 7.0
