"""Weight and node perturbation: against NumPy and theory, and what they learn."""

import numpy as np
import pytest
from naive_perturbation import NaivePerturbation

from examples.perturbation_learning_curves import RULES, Trials
from spikesim import InputError, datasets, plot
from spikesim.learning import alignment
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation

SIZES = (8, 6, 5, 3)
CHANCE = np.random.default_rng(1)
X = CHANCE.random((14, 8)) * (CHANCE.random((14, 8)) > 0.3)
LABELS = CHANCE.integers(0, 3, 14)
TARGETS = np.eye(3)[LABELS]
OUTPUTS = ("softmax", "logistic_ce", "logistic", "linear")


def build(sizes=SIZES, dtype="float64", backend="python", seed=2, **options):
    return Perturbation(sizes, seed=seed, dtype=dtype, backend=backend, **options)


def oracle_of(net, **options):
    p = net.parameters
    logarithm = p.output in ("softmax", "logistic_ce")
    return NaivePerturbation(
        net.W, net.b, p.perturbed.rstrip("s"), p.activation, p.output, p.eta, p.sigma or 1e-3,
        p.baseline, p.noise_per, "potential" if p.on == "drive" else "activity", p.slope,
        "potential" if logarithm else None, p.normalised, shape=p.shape, decay=p.decay,
        reduction=p.reduction, bias_rate=p.bias_rate, **options,
    )  # fmt: skip


def noise_for(net, examples, chance=CHANCE):
    """Noise for some examples, by the names under which a network takes it."""
    shapes = list(zip(net.sizes, net.sizes[1:], strict=False))
    xi = [chance.standard_normal((examples, n)) for _, n in shapes]
    if net.parameters.perturbed == "nodes":
        return {"xi": xi}
    return {"xi": xi, "Xi": [chance.standard_normal((examples, *shape)) for shape in shapes]}


def taught(oracle, x, t, given):
    """Teach the transcription one batch with such noise; what it returns."""
    xi, weights = given["xi"], given.get("Xi")
    if oracle.shape == "trial":
        x, t = x[None], t[None]
        if weights is None:
            xi = [each[None] for each in xi]
    if weights is None:
        return oracle.learn(x, t, xi)
    if oracle.noise_per == "batch":
        xi, weights = ([each[0] for each in noise] for noise in (xi, weights))
    return oracle.learn(x, t, weights, xi)


def assert_close(net, oracle, atol=1e-10):
    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b)):
        for one, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=atol)


WEIGHTS = {"perturbed": "weights"}
OPTIONS = [
    {},
    WEIGHTS,
    *({"output": output, "activation": f, **rule} for rule in ({}, WEIGHTS) for output, f in zip(
        OUTPUTS, ("tanh", "relu", "linear", "logistic"), strict=True)),
    {"baseline": "antithetic"},
    {"baseline": "antithetic", **WEIGHTS, "reduction": "sum"},
    *({"on": "activity", "output": output} for output in OUTPUTS),
    {"on": "activity", "slope": False, "output": "logistic"},
    {"on": "activity", "baseline": "antithetic", "output": "logistic", "activation": "tanh"},
    {"normalised": True},
    {"normalised": True, "baseline": "antithetic", "sigma": 0.1, "reduction": "sum"},
    {"sigma": 0.01, "decay": 0.01, "bias_rate": 0.5},
    {"eta": (0.05, 0.02, 0.1)},
]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_weights_after_learning_are_those_of_the_transcription(options, batch):
    net = build(**{"batch": batch, **options})
    oracle, given = oracle_of(net), noise_for(net, len(X))
    for first in range(0, len(X), batch):
        now = slice(first, first + batch)
        rows = {name: [each[now] for each in noise] for name, noise in given.items()}
        taught(oracle, X[now], TARGETS[now], rows)
    net.learn(X, LABELS, given=given)
    assert_close(net, oracle)


@pytest.mark.parametrize(
    "options",
    [{}, {**WEIGHTS, "noise_per": "batch"}, {"on": "activity", "output": "logistic"}],
    ids=str,
)
@pytest.mark.parametrize("batch", [1, 4])
def test_the_running_mean_begins_with_the_first_batch_which_teaches_nothing(options, batch):
    net = build(baseline="mean", batch=batch, sigma=0.1, **options)
    oracle, given = oracle_of(net), noise_for(net, 12)
    for first in range(0, 12, batch):
        before, now = [np.array(W) for W in net.W], slice(first, first + batch)
        rows = {name: [each[now] for each in noise] for name, noise in given.items()}
        taught(oracle, X[now], TARGETS[now], rows)
        net.learn(X[now], LABELS[now], given=rows)
        if first == 0:
            for W, own, b, own_b in zip(net.W, oracle.W, net.b, oracle.b, strict=True):
                own[...], own_b[...] = W, b
            np.testing.assert_array_equal(net.W[0], before[0])
        else:
            assert_close(net, oracle)


@pytest.mark.parametrize("baseline", ["clean", "antithetic", "mean"])
@pytest.mark.parametrize("options", [{}, {**WEIGHTS, "noise_per": "batch"}], ids=str)
def test_the_bins_of_a_trial_learn_from_its_mean_loss_as_in_the_transcription(baseline, options):
    net = build(shape="trial", batch=7, baseline=baseline, output="linear", eta=1e-3, **options)
    oracle, given = oracle_of(net, running=0.5), noise_for(net, 14)
    if baseline == "mean":
        net.training.output.mean[:] = 0.5, 1.0
    for first in (0, 7):
        now = slice(first, first + 7)
        taught(oracle, X[now], TARGETS[now], {k: [a[now] for a in v] for k, v in given.items()})
    net.learn(X, LABELS, given=given)
    assert_close(net, oracle)


@pytest.mark.parametrize(
    "options",
    [
        {},
        WEIGHTS,
        {**WEIGHTS, "noise_per": "batch"},
        {"shape": "trial"},
        {"shape": "trial", "baseline": "antithetic"},
        {"normalised": True},
    ],
    ids=str,
)
def test_an_update_is_what_learning_from_one_batch_changes(options):
    net = build(batch=14, eta=1.0, **options)
    given, before = noise_for(net, 14), [np.array(W) for W in net.W]
    if net.parameters.noise_per == "batch":
        for noise in (each for arrays in given.values() for each in arrays):
            noise[:] = noise[0]
    update = net.update(X, LABELS, given=given)
    net.learn(X, LABELS, given=given)
    for W, old, dW in zip(net.W, before, update.dW, strict=True):
        np.testing.assert_allclose(W, old + dW, rtol=0, atol=1e-12)


# ------------------------------------------------------------------------ what theory says


def drawn_updates(draws=20_000, together=100, **options):
    """How changes from one example compare with its gradient, and their signal-to-noise ratios.

    Weights move so little that they stay the same. Returned are the cosine and the ratio of norms
    of mean change and gradient, and the signal-to-noise ratio, measured and as expected for nodes.
    """
    net = build(
        (10, 8, 4), "float64", "cpu", 1, output="logistic", batch=together, eta=1e-6, **options
    )
    chance = np.random.default_rng(5)
    x, t = np.tile(chance.random(10), (together, 1)), np.tile(np.eye(4)[1], (together, 1))

    def parameters():
        return [np.concatenate([np.ravel(W), b]) for W, b in zip(net.W, net.b, strict=True)]

    course = [parameters()]
    for _ in range(draws // together):
        net.learn(x, t)
        course.append(parameters())
    found = [np.diff(each, axis=0) / 1e-6 for each in zip(*course, strict=True)]
    variance = sum(together * each.var(axis=0, ddof=1).sum() for each in found)
    mean = np.concatenate([each.mean(axis=0) for each in found])
    gradient = net.gradient(x[:1], t[:1])
    exact = [np.concatenate([W.ravel(), b]) for W, b in zip(gradient.dW, gradient.db, strict=True)]
    powers = [(h**2).sum() + 1.0 for h in net.activities(x[:1])]
    g = [(delta**2).sum() for delta in gradient.delta]
    signal = sum(H * own for H, own in zip(powers, g, strict=False))
    noise = sum(H * (n * sum(g) + own) for H, n, own in zip(powers, (8, 4), g, strict=False))
    exact = np.concatenate(exact)
    cosine = mean @ exact / np.linalg.norm(mean) / np.linalg.norm(exact)
    ratio = np.linalg.norm(mean) / np.linalg.norm(exact)
    return cosine, ratio, np.linalg.norm(mean) / np.sqrt(variance), np.sqrt(signal / noise)


def test_the_mean_change_of_nodes_is_the_gradient_and_its_spread_that_of_theory():
    cosine, ratio, snr, expected = drawn_updates()
    assert cosine > 0.999
    assert ratio == pytest.approx(1.0, abs=0.03)
    assert snr == pytest.approx(expected, rel=0.04)


def test_the_mean_change_of_weights_is_the_gradient_with_a_spread_that_counts_parameters():
    cosine, ratio, snr, _ = drawn_updates(**WEIGHTS)
    assert cosine > 0.995
    assert ratio == pytest.approx(1.0, abs=0.03)
    assert snr == pytest.approx(1.0 / np.sqrt(124.0 + 1.0), rel=0.04)


def test_noise_on_activities_is_unbiased_only_with_the_slope():
    cosine, ratio, _, _ = drawn_updates(on="activity")
    assert cosine > 0.999
    assert ratio == pytest.approx(1.0, abs=0.03)
    assert drawn_updates(on="activity", slope=False)[1] > 3.5


SHARED = RULES["weights"]
"""Noise on weights that is drawn once per batch."""

each_rule = pytest.mark.parametrize("rule", RULES)


@each_rule
def test_learning_curves_are_those_of_theory(rule):
    trials, task = [25, 50, 100], Trials(rule, 20, 5, 20, 10)
    mean = np.mean([task.run(trials) for _ in range(100)], axis=0)
    np.testing.assert_allclose(mean, task.theory(trials), rtol=0.08)


@pytest.mark.parametrize(("rule", "end"), [("weights", 2.0), ("nodes", 2.0 + 2.0 * 50 / 52)])
def test_nodes_end_at_nearly_twice_the_loss_that_is_out_of_reach_and_weights_at_that(rule, end):
    trials, task = [250, 300, 350, 400], Trials(rule, 20, 5, 20, 10, least=2.0)
    mean = np.mean([task.run(trials)[1:] for _ in range(60)])
    assert mean == pytest.approx(end, abs=0.1)


@each_rule
@pytest.mark.parametrize(("inputs", "steps"), [(5, 36), (20, 140)])
def test_the_steps_to_half_the_error_grow_with_the_number_of_weights(rule, inputs, steps):
    task = Trials(rule, inputs, 10, inputs, inputs)
    trials = [round(share * steps) for share in (0.8, 0.9, 1.0, 1.1, 1.2)]
    mean = np.mean([task.run(trials) for _ in range(64)], axis=0)
    half = np.interp(np.log(0.5), np.log(mean / 5.0)[::-1], trials[::-1])
    assert half == pytest.approx(np.log(2.0) * (10 * inputs + 2), rel=0.05)


def test_noise_on_a_linear_layer_is_reinforce_with_a_gaussian_unit_and_the_clean_loss():
    net = build((8, 3), output="linear", sigma=0.1, eta=0.01)
    given = noise_for(net, len(X))
    W, b = np.array(net.W[0]), np.array(net.b[0])
    for x, t, xi in zip(X, TARGETS, given["xi"][0], strict=True):
        mean = x @ W + b
        action = mean + 0.1 * xi
        reward, baseline = (-0.5 * ((t - each) ** 2).sum() for each in (action, mean))
        slope_of_log_likelihood = (action - mean) / 0.1**2
        W = W + 0.01 * (reward - baseline) * np.outer(x, slope_of_log_likelihood)
        b = b + 0.01 * (reward - baseline) * slope_of_log_likelihood
    net.learn(X, LABELS, given=given)
    np.testing.assert_allclose(net.W[0], W, rtol=0, atol=1e-12)
    np.testing.assert_allclose(net.b[0], b, rtol=0, atol=1e-12)


def test_digits_are_learned_by_backpropagation_before_nodes_and_by_nodes_before_weights():
    digits = datasets.load_digits()

    def wrong(kind, **options):
        found = []
        for seed in range(3):
            net = kind((64, 30, 10), seed=seed, dtype="float64", batch=10, **options)
            net.fit(digits.train_images, digits.train_labels, epochs=30)
            found.append(net.evaluate(digits.test_images, digits.test_labels))
        return np.mean(found)

    nodes = wrong(Perturbation, eta=0.05)
    weights = wrong(Perturbation, eta=0.01, **SHARED)
    assert wrong(FeedbackAlignment, feedback="backprop", eta=0.2) < nodes < 12.0
    assert nodes < weights < 30.0


# ------------------------------------------------------------------------ what users meet


def test_in_a_deep_linear_network_nodes_diverge_at_a_rate_that_weights_by_the_gradient_bear():
    x = np.random.default_rng(3).standard_normal((60, 10))
    t = x @ np.random.default_rng(4).uniform(-1.0, 1.0, (10, 5))
    final = {}
    for eta in (0.01, 0.002):
        net = build((10, 8, 5), "float64", "cpu", activation="linear", output="linear", eta=eta)
        net.learn(x, t)
        final[eta] = ((t - net.activities(x)[-1]) ** 2).sum() / (t**2).sum()
    assert not final[0.01] < 10.0
    assert final[0.002] < 1.5


def test_measures_of_a_stochastic_rule_see_its_mean_and_its_spread():
    net = build((8, 3), backend="cpu")
    assert alignment.mean_cosine(net, X, LABELS, repeats=200)[0] > 0.9
    assert 0.1 < alignment.snr(net, X, LABELS, repeats=200)[0] < 5.0


def test_noise_and_losses_are_recorded_and_drawn():
    net = build(sigma=0.01)
    xi = [np.full((1, n), 0.5) for n in SIZES[1:]]
    recording = net.record(X[0], 1, given={"xi": xi})
    np.testing.assert_array_equal(recording.x["hidden_1"][:, 0], 0.5)
    E, noisy = recording.losses["output"]
    assert pytest.approx(-np.log(recording.h["output"][1, 0])) == E
    assert pytest.approx(-np.log(recording.h_plus["output"][1, 0])) == noisy
    axes = plot.noise(recording)
    assert [ax.get_title() for ax in axes[:3]] == ["Hidden 1", "Hidden 2", "Output"]
    assert axes[-1].get_title() == f"Loss {noisy - E:+.2g}"


def test_weights_that_share_their_noise_have_the_same_in_all_of_a_batch():
    net = build(batch=7, **SHARED)
    noise, other = noise_for(net, 14), noise_for(net, 14)
    for first, second in zip(noise["Xi"] + noise["xi"], other["Xi"] + other["xi"], strict=True):
        second[[0, 7]] = first[[0, 7]]
    one, two = net, build(batch=7, **SHARED)
    one.learn(X, LABELS, given=noise)
    two.learn(X, LABELS, given=other)
    np.testing.assert_array_equal(one.W[0], two.W[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**WEIGHTS, "on": "activity"}, "on='activity' requires perturbed='nodes'"),
        ({**WEIGHTS, "normalised": True}, "normalised=True requires perturbed='nodes'"),
        ({"noise_per": "batch"}, "noise_per='batch' requires perturbed='weights'"),
        ({**WEIGHTS, "shape": "trial"}, "shape='trial' of weights: noise_per='batch'"),
        ({"normalised": True, "on": "activity"}, "normalised=True requires on='drive'"),
        ({"normalised": True, "baseline": "mean"}, "requires baseline='clean' or 'antithetic'"),
        ({"normalised": True, "shape": "trial"}, "normalised=True requires shape='example'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        build(**options)
