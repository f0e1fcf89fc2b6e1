"""Weight and node perturbation: against NumPy and theory, and what they learn."""

import numpy as np
import pytest
from naive_perturbation import NaivePerturbation

from spikesim import InputError, datasets
from spikesim.learning import alignment
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

NUMBERS = {"activation": "linear", "output": "linear", "initial": "normal", "W_size": 0.0}
"""Of a linear network that begins at 0."""


def drawn_updates(draws=20_000, together=100, **options):
    """Changes of a small network from one example: their mean, their signal-to-noise ratio, and -dE/dW.

    Weights move so little that they stay the same; each of the means is over 100 draws.
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


class Trials:
    """A linear perceptron learns one trial of T bins: Züge et al., in which E falls as theory says.

    Inputs have `active` directions of mean power 1; targets are those of a teacher, for which E is
    5 at the beginning, and a part that inputs cannot reach, for which it is `least`.
    """

    def __init__(self, inputs, outputs, bins, active, least=0.0, seed=0, **options):
        chance = np.random.default_rng(seed)
        in_time = np.linalg.qr(chance.standard_normal((bins, bins)))[0]
        in_space = np.linalg.qr(chance.standard_normal((inputs, inputs)))[0]
        self.x = np.sqrt(bins) * in_time[:, :active] @ in_space[:, :active].T
        self.t = self.x @ chance.standard_normal((inputs, outputs))
        self.t *= np.sqrt(5.0 / self.error(0.0))
        if least:
            beyond = in_time[:, active:] @ chance.standard_normal((bins - active, outputs))
            self.t += beyond * np.sqrt(2.0 * bins * least / (beyond**2).sum())
        self.least, self.steps = least, outputs * active + 2
        self.net = build(
            (inputs, outputs), "float64", "cpu", seed, shape="trial", batch=bins,
            eta=1.0 / self.steps, bias_rate=0.0, **NUMBERS, **options,
        )  # fmt: skip

    def error(self, W):
        return (
            0.5
            * ((self.t - self.x @ (np.asarray(W) + np.zeros((self.x.shape[1], 1)))) ** 2).sum()
            / len(self.x)
        )

    def run(self, trials):
        """E after each of some numbers of trials."""
        net, done, found = self.net, 0, []
        net.W[0][...] = 0.0
        for until in trials:
            many = (until - done) * len(self.x)
            again = lambda a: np.tile(a, (until - done, 1))  # noqa: B023, E731
            silent = {"xi": [np.zeros((many, net.sizes[1]))]}  # biases, which have no noise here
            weights = net.parameters.perturbed == "weights"
            net.learn(again(self.x), again(self.t), given=silent if weights else None)
            found.append(self.error(net.W[0]))
            done = until
        return np.array(found)

    def theory(self, trials):
        nodes = self.net.parameters.perturbed == "nodes"
        end = 2.0 * self.least if nodes else self.least
        return end, end + (5.0 + self.least - end) * (1.0 - 1.0 / self.steps) ** np.array(trials)
