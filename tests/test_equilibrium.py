"""Equilibrium propagation: against NumPy and finite differences, and what it learns."""

import os

import numpy as np
import pytest
from naive_equilibrium import NaiveEquilibrium

from spikesim import InputError, datasets, plot
from spikesim.learning import alignment
from spikesim.models.equilibrium import ACTIVATIONS, ESTIMATORS, EquilibriumPropagation

SIZES = (8, 6, 5, 3)
CHANCE = np.random.default_rng(1)
X = CHANCE.random((14, 8)) * (CHANCE.random((14, 8)) > 0.3)
LABELS = CHANCE.integers(0, 3, 14)
TARGETS = np.eye(3)[LABELS]
SAME = ("form", "nudge", "beta", "eta", "epsilon", "n_free", "n_nudged", "n_test", "clip")
SAME += ("activation", "output_slope", "decay", "bias_rate", "reduction")


def build(sizes=SIZES, dtype="float64", backend="python", seed=2, **options):
    given = {"eta": 0.3, "n_free": 8, "n_nudged": 3, "estimator": "one_sided", **options}
    return EquilibriumPropagation(sizes, seed=seed, dtype=dtype, backend=backend, **given)


def oracle_of(net):
    p = net.parameters
    estimator = "one_sided" if p.estimator == "random_sign" else p.estimator
    same = {name: getattr(p, name) for name in SAME}
    return NaiveEquilibrium(net.W, net.b, net.B, estimator=estimator, dt=p.kappa, **same)


def assert_close(net, oracle, atol=1e-10):
    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b), (net.B, oracle.B)):
        for one, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=atol)


FORMS = [
    *({"activation": name} for name in ACTIVATIONS),
    {"activation": "tanh", "clip": True, "epsilon": 0.2},
    {"activation": "logistic", "output_slope": False},
    {"beta": -0.5, "decay": 0.01, "bias_rate": 0.5, "eta": (0.3, 0.2, 0.1)},
    *({"form": "prototypical", "activation": name, "kappa": 0.7} for name in ACTIVATIONS),
    {"form": "prototypical", "activation": "sigmoid4", "nudge": "outside"},
]


@pytest.mark.parametrize("sizes", [(8, 3), (8, 6, 3), SIZES], ids=str)
@pytest.mark.parametrize("options", FORMS, ids=str)
def test_weights_after_learning_are_those_of_the_transcription(options, sizes):
    rates = len(sizes) - 1
    if "eta" in options:
        options = {**options, "eta": options["eta"][:rates]}
    net = build(sizes, **options)
    oracle = oracle_of(net)
    for _ in range(2):
        for k in range(len(X)):
            oracle.learn(X[k : k + 1], TARGETS[k : k + 1], examples=[k])
    history = net.fit(X, LABELS, 2, shuffle=False)
    assert_close(net, oracle)
    costs = [oracle.cost([oracle.particles[k][-1][None]], TARGETS[k])[0] for k in range(len(X))]
    assert history["loss"][1] == pytest.approx(np.mean(costs), abs=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("sizes", [(8, 6, 3), SIZES], ids=str)
def test_every_estimator_is_that_of_the_transcription(estimator, batch, sizes):
    if (estimator, batch) == ("continual", 4):
        pytest.skip("it learns within a trial")
    net = build(sizes, estimator=estimator, batch=batch, activation="sigmoid4")
    oracle = oracle_of(net)
    signs = CHANCE.choice([-1.0, 1.0], -(-len(X) // batch))
    for k, sign in enumerate(signs):
        now = np.arange(k * batch, min((k + 1) * batch, len(X)))
        oracle.learn(X[now], TARGETS[now], sign=int(sign), examples=now)
    net.learn(X, LABELS, given={"sign": [np.repeat(signs, batch)[: len(X)]]})
    assert_close(net, oracle)
    for layer, k in zip(net.training.above_input, range(len(sizes)), strict=False):
        theirs = [oracle.particles[example][k] for example in range(len(X))]
        np.testing.assert_allclose(layer.particles, theirs, rtol=0, atol=1e-12)


def test_the_sign_of_beta_is_drawn_once_for_each_update():
    net = build(estimator="random_sign", batch=4)
    oracle = oracle_of(net)
    signs = net.chance("sign", 0).choice([-1.0, 1.0], 4)
    for k, sign in enumerate(signs):
        now = slice(4 * k, 4 * (k + 1))
        oracle.learn(X[now], TARGETS[now], sign=int(sign))
    net.fit(X, LABELS, shuffle=False)
    assert_close(net, oracle)
    assert set(signs) == {-1.0, 1.0}


def test_a_trial_starts_from_the_states_that_are_given():
    net = build()
    oracle = oracle_of(net)
    start = [CHANCE.random((4, n)) for n in SIZES[1:]]
    recorded = net.record(X[0], int(LABELS[0]), given={"start": [each[:1] for each in start]})
    states = oracle.trajectory(X[:1], [each[:1] for each in start], 8)
    states += oracle.trajectory(X[:1], states[-1], 3, 1.0, TARGETS[:1])[1:]
    for k, name in enumerate(("hidden_1", "hidden_2", "output")):
        expected = np.transpose([u[k][0] for u in states[1:]])
        np.testing.assert_allclose(recorded.u[name], expected, rtol=0, atol=1e-12)
    for k in range(4):
        now = slice(k, k + 1)
        oracle.learn(X[now], TARGETS[now], u0=[each[now] for each in start])
    net.learn(X[:4], LABELS[:4], given={"start": start})
    assert_close(net, oracle)


def test_energy_and_residual_are_in_the_history():
    net = build(eta=0.0, measure_energy=True)
    oracle = oracle_of(net)
    history = net.fit(X, LABELS)
    states = oracle.trajectory(X, oracle.zero(X), 8)
    energy = oracle.energy(X, states[-1]).mean()
    pairs = zip(states[-2], states[-1], strict=True)
    moved = np.max([abs(b - a).max(axis=1) for a, b in pairs], axis=0)
    assert history["energy"] == pytest.approx([energy], abs=1e-12)
    assert history["residual"] == pytest.approx([moved.mean()], abs=1e-12)


def test_answers_are_those_of_networks_that_settle_from_zero():
    net = build()
    net.fit(X, LABELS)
    np.testing.assert_array_equal(net.predict(X), oracle_of(net).predict(X).argmax(axis=1))


# ------------------------------------------------------------------------ particles


def particles(net):
    return [np.array(layer.particles) for layer in net.training.above_input]


def test_a_particle_is_found_by_its_example_whatever_the_order():
    ordered, shuffled = build(eta=0.0), build(eta=0.0)
    ordered.fit(X, LABELS, 2, shuffle=False)
    shuffled.fit(X, LABELS, 2)
    for own, other in zip(particles(ordered), particles(shuffled), strict=True):
        np.testing.assert_array_equal(own, other)


def test_particles_grow_with_the_data_and_are_in_the_file(tmp_path):
    net = build()
    net.fit(X[:5], LABELS[:5])
    few = particles(net)
    net._scale_rates(0.0)
    net.fit(X, LABELS)
    assert [len(each) for each in few] == [5] * 3
    net.save(tmp_path / "net.h5")
    loaded = EquilibriumPropagation.load(tmp_path / "net.h5", backend="python")
    for own, other in zip(particles(net), particles(loaded), strict=True):
        assert own.shape[0] == 14
        np.testing.assert_array_equal(own, other)


def test_without_particles_every_trial_starts_from_zero():
    net = build(persistent=False)
    oracle = oracle_of(net)
    for _ in range(2):
        for k in range(len(X)):
            oracle.learn(X[k : k + 1], TARGETS[k : k + 1])
    net.fit(X, LABELS, 2, shuffle=False)
    assert_close(net, oracle)
    assert "particles" not in net.training.output.arrays


# ------------------------------------------------------------------------ what the equations say


def normal_weights(net, deviation=1.0, seed=0):
    chance = np.random.default_rng(seed)
    for m, W in enumerate(net.W):
        net.W[m] = deviation * chance.standard_normal(W.shape) / np.sqrt(W.shape[0])
    return net


def central_differences(net, x, loss):
    """-d loss(u^0)/dW, for all weights and biases."""
    oracle, found = oracle_of(net), []
    for array in (*oracle.W, *oracle.b):
        numeric = np.zeros(array.shape)
        for place in np.ndindex(*array.shape):
            before, sides = array[place], []
            for side in (1e-5, -1e-5):
                array[place] = before + side
                sides.append(loss(oracle.settle(x, steps=SETTLED)[-1]))
            array[place] = before
            numeric[place] = (sides[1] - sides[0]) / 2e-5
        found.append(numeric.ravel())
    return np.concatenate(found)


def flat(update):
    return np.concatenate([each.ravel() for each in (*update.dW, *update.db)])


def relative_error(own, reference):
    return np.linalg.norm(own - reference) / np.linalg.norm(reference)


SETTLED = 150


@pytest.mark.parametrize("seed", [0, 1])
def test_estimates_approach_the_gradient_of_the_settled_cost(seed):
    given = {"sizes": (10, 8, 6), "activation": "sigmoid4", "n_free": SETTLED, "n_nudged": SETTLED}
    x, t = np.random.default_rng(seed).random((1, 10)), np.eye(6)[2]

    def estimate(estimator, beta):
        net = normal_weights(build(estimator=estimator, beta=beta, **given), seed=seed)
        return flat(net.update(x, [2]))

    net = normal_weights(build(**given), seed=seed)
    exact = central_differences(net, x, lambda y: ((y - t) ** 2).sum() / 2.0)
    errors = {
        name: [relative_error(estimate(name, beta), exact) for beta in (0.02, 0.01)]
        for name in ("one_sided", "symmetric")
    }
    assert errors["one_sided"][1] < 0.02
    assert errors["symmetric"][1] < 5e-4
    assert errors["one_sided"][1] / errors["one_sided"][0] == pytest.approx(0.5, abs=0.06)
    assert errors["symmetric"][1] / errors["symmetric"][0] == pytest.approx(0.25, abs=0.03)
    assert alignment.angle(estimate("one_sided", 0.01), exact) < np.degrees(np.arccos(0.9999))
    assert relative_error(flat(net.gradient(x, [2])), exact) < 1e-5


@pytest.mark.parametrize("nudge", ["inside", "outside"])
def test_the_two_nudges_follow_the_gradients_of_two_losses(nudge):
    given = {"sizes": (6, 5, 4, 3), "activation": "sigmoid4", "form": "prototypical"}
    given |= {"n_free": SETTLED, "n_nudged": SETTLED, "estimator": "symmetric", "beta": 0.01}
    net = normal_weights(build(nudge=nudge, **given), 0.5)
    x, t = np.random.default_rng(3).random((1, 6)), np.eye(3)[1]
    squared = central_differences(net, x, lambda y: ((y - t) ** 2).sum() / 2.0)
    crossed = central_differences(
        net, x, lambda y: -(t * np.log(y) + (1.0 - t) * np.log(1.0 - y)).sum() / 4.0
    )
    own, other = (squared, crossed) if nudge == "inside" else (crossed, squared)
    assert relative_error(flat(net.update(x, [1])), own) < 1e-3
    assert relative_error(flat(net.update(x, [1])), other) > (0.5 if nudge == "inside" else 1.0)


def test_the_energy_never_rises_until_nothing_moves():
    given = {"epsilon": 0.1, "activation": "sigmoid4", "n_free": 800, "n_nudged": 200, "beta": 0.5}
    net = build(**given)
    oracle = oracle_of(net)
    recorded = net.record(X[0], int(LABELS[0]))
    u = [recorded.u[name].T for name in recorded.layers[1:]]
    x = np.tile(X[0], (len(u[0]), 1))
    energy = oracle.energy(x, u)
    nudged = energy + 0.5 * oracle.cost(u, TARGETS[0])
    assert np.diff(energy[:800]).max() < 1e-14
    assert np.diff(nudged[799:]).max() < 1e-14
    assert max(abs(each[799] - each[798]).max() for each in u) < 1e-12


def test_rates_and_their_changes_give_the_difference_of_products():
    ends, rates = build(), build(estimator="rate")
    for net in (ends, rates):
        net.learn(X, LABELS)
    for one, other in zip(ends.W, rates.W, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_the_mean_of_two_signs_is_the_symmetric_estimate():
    plus, minus = (build(beta=beta).update(X, LABELS) for beta in (1.0, -1.0))
    both = build(estimator="symmetric").update(X, LABELS)
    np.testing.assert_allclose((flat(plus) + flat(minus)) / 2.0, flat(both), rtol=0, atol=1e-12)


def test_without_the_second_product_the_first_layer_learns_the_same():
    whole, post = (build(estimator=name).update(X, LABELS) for name in ("rate", "rate_post"))
    np.testing.assert_allclose(whole.dW[0], post.dW[0], rtol=0, atol=1e-12)
    assert 1.0 < alignment.angle(whole.dW[1], post.dW[1]) < 60.0


def settled(activation, start):
    net = build((64, 30, 10), "float64", "cpu", seed=4, activation=activation, n_free=1000)
    image = datasets.load_digits().train_images[4]
    recorded = net.record(image, given={"start": [each[None] for each in start]})
    return np.concatenate([recorded.u[name][:, -1] for name in ("hidden_1", "output")])


def test_smooth_networks_settle_to_one_state_and_hard_ones_to_several():
    zero, chance = [np.zeros(30), np.zeros(10)], np.random.default_rng(0)
    starts = [zero, *([chance.random(30), chance.random(10)] for _ in range(9))]
    smooth = np.array([settled("sigmoid4", start) for start in starts])
    hard = np.array([settled("hard", start) for start in starts])
    np.testing.assert_allclose(smooth, np.tile(smooth[0], (10, 1)), rtol=0, atol=1e-9)
    assert np.ptp(hard, axis=0).max() == 1.0


def test_a_batch_of_equal_examples_is_one_example():
    one, three = build(), build(batch=3)
    one.learn(X[:1], LABELS[:1])
    three.learn(X[[0, 0, 0]], LABELS[[0, 0, 0]])
    for own, other in zip(one.W, three.W, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-15)


# ------------------------------------------------------------------------ what it learns

SCELLIER = {
    "estimator": "random_sign",
    "batch": 20,
    "n_free": 20,
    "n_nudged": 4,
    "eta": (0.1, 0.05),
    "dtype": "float32",
}


def digits_error(epochs, last, **options):
    digits = datasets.load_digits()
    net = build((64, 100, 10), backend="cpu", **{**SCELLIER, **options})
    held_out = digits.test_images, digits.test_labels
    history = net.fit(digits.train_images, digits.train_labels, epochs, validation=held_out)
    return np.mean(history["test_error"][-last:])


@pytest.mark.parametrize("estimator", ["random_sign", "one_sided", "symmetric"])
def test_digits_are_learned(estimator):
    assert digits_error(15, 4, estimator=estimator) < 7.0


def test_digits_are_learned_online_without_particles_and_by_prototypical_dynamics():
    assert digits_error(3, 1, batch=1, eta=(0.02, 0.01)) < 7.0
    assert digits_error(15, 4, persistent=False) < 7.0
    given = {"form": "prototypical", "activation": "sigmoid4", "estimator": "symmetric"}
    assert digits_error(15, 4, beta=0.5, eta=(0.4, 0.2), n_nudged=10, **given) < 5.0


def test_with_a_frozen_hidden_layer_more_errors_remain():
    assert digits_error(15, 4, eta=(0.0, 0.05)) > 8.0


@pytest.mark.skipif(not os.environ.get("SPIKESIM_DATA"), reason="needs MNIST in $SPIKESIM_DATA")
def test_ten_thousand_images_of_mnist_are_learned_in_six_epochs():
    mnist = datasets.load_mnist()
    wrong = []
    for seed in (1, 2):
        net = build((784, 500, 10), backend="cpu", seed=seed, **SCELLIER)
        net.fit(mnist.train_images[:10_000], mnist.train_labels[:10_000], 6)
        wrong.append(net.evaluate(mnist.test_images, mnist.test_labels))
    assert np.mean(wrong) < 7.5


# ------------------------------------------------------------------------ what is refused, drawn


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beta": 0.0}, "beta is 0"),
        ({"estimator": "continual", "batch": 2}, "batch has to be 1, and decay 0"),
        ({"estimator": "continual", "decay": 0.1}, "batch has to be 1, and decay 0"),
        ({"form": "prototypical", "clip": True}, "no box and no energy"),
        ({"form": "prototypical", "measure_energy": True}, "no box and no energy"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        build(**options)


def test_a_figure_shows_how_all_layers_settle():
    axes = plot.settling(build().record(X[0], int(LABELS[0])))
    assert [ax.get_ylabel().splitlines()[0] for ax in axes] == ["output", "hidden 2", "hidden 1"]
