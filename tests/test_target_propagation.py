"""Target propagation: against NumPy, what its equations imply, what inverses and layers learn."""

import naive_target_propagation as naive
import numpy as np
import pytest

from spikesim import InputError, Replicas, datasets, plot
from spikesim.learning import alignment
from spikesim.models.target_propagation import TargetPropagation

CHANCE = np.random.default_rng(4)
X = CHANCE.random((10, 6))
LABELS = CHANCE.integers(0, 3, 10)
T = np.eye(3)[LABELS]
DIGITS = datasets.load_digits()
TRAINING = DIGITS.train_images, DIGITS.train_labels
TEST = DIGITS.test_images, DIGITS.test_labels
SEEDS = (0, 1, 2)
SIZES = (64, 64, 64, 64, 10)
METHODS = ("tp", "dtp", "sdtp", "ao_sdtp")


def build(sizes=(6, 5, 4, 3), seed=2, **options):
    return TargetPropagation(sizes, seed=seed, dtype="float64", **options)


def oracle_of(net):
    """The transcription, with the same weights and options."""
    p = net.parameters
    return naive.NaiveTargetPropagation(
        list(net.W),
        list(net.b),
        list(net.V),
        list(net.c),
        Z=net.Z[0] if len(net.Z) else None,
        method="backprop" if p.credit == "backprop" else p.method,
        top="label" if p.label else None,
        schedule=p.schedule,
        alpha=p.alpha,
        sigma=p.sigma,
        target=None if p.goal == "own" else p.goal,
        optimizer={"plain": "sgd"}.get(p.optimizer, p.optimizer),
        lr=p.eta,
        lr_inverse=p.eta_inverse,
        inverse=p.inverse,
        frozen=p.credit == "frozen",
    )


def noise_for(net):
    """xi, as `learn` takes it."""
    return [CHANCE.standard_normal((len(X), net.sizes[k - 1])) for k in net.inverses]


def assert_close(net, oracle, atol=1e-10):
    for name in "WbVc":
        theirs = getattr(oracle, name).values()
        for own, other in zip(getattr(net, name), theirs, strict=True):
            np.testing.assert_allclose(own, other, rtol=0.0, atol=atol)


# ------------------------------------------------------------------------ the transcription


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 4, 3), (6, 5, 4, 5, 3)], ids=str)
@pytest.mark.parametrize("optimizer", ["adam", "plain", "rmsprop"])
@pytest.mark.parametrize("schedule", ["alternating", "parallel"])
@pytest.mark.parametrize(
    "options",
    [
        *({"method": method} for method in METHODS),
        {"method": "dtp", "goal": "clean"},
        {"method": "ao_sdtp", "goal": "noisy", "n_aux": 3},
        {"method": "tp", "label": True},
        {"method": "dtp", "inverse": "fixed"},
        {"method": "dtp", "inverse": "jacobian"},
        {"method": "sdtp", "credit": "frozen"},
        {"inverse": "fixed", "credit": "backprop"},
    ],
    ids=str,
)
def test_all_that_learning_changes_is_as_in_the_transcription(options, schedule, optimizer, sizes):
    rates = {"eta": 0.03, "eta_inverse": 0.05, "alpha": 0.4, "sigma": 0.3}
    net = build(
        sizes, batch=4, schedule=schedule, optimizer=optimizer, **{"n_aux": 5, **rates, **options}
    )
    oracle = oracle_of(net)
    for _ in range(3):
        xi = noise_for(net)
        events = [range(first, min(first + 4, 10)) for first in range(0, 10, 4)]
        noise = [dict(zip(net.inverses, (each[i] for each in xi), strict=True)) for i in events]
        net.learn(X, LABELS, given={"xi": xi})
        oracle.epoch(X, T, 4, orders=[np.arange(10)] * 2, noise=noise)
        assert_close(net, oracle)


@pytest.mark.parametrize("method", METHODS)
def test_targets_losses_and_measures_are_those_of_the_transcription(method):
    net = build((6, 5, 4, 5, 3), method=method, n_aux=3, batch=10, measure_angle=True)
    oracle, h = oracle_of(net), net.activities(X)
    aims, theirs = net.targets(h, T), oracle.targets(oracle.forward(X), T)
    told, angles, ratios = net.measured(X, LABELS), oracle.angles(X, T), oracle.reconstruction(X)
    for k in (1, 2, 3):
        np.testing.assert_allclose(aims[k], theirs[k], rtol=0.0, atol=1e-12)
        assert told["angle"][k - 1] == pytest.approx(angles[k].mean(), abs=1e-5)
        assert told["acute"][k - 1] == np.mean(angles[k] < 90.0)
        apart = np.linalg.norm(theirs[k] - h[k], axis=1) / np.linalg.norm(h[k], axis=1)
        assert told["distance"][k - 1] == pytest.approx(apart.mean())
        expected = ratios.get(k + 1, np.nan)  # by the layer from which the inverse leads down
        assert told["reconstruction"][k - 1] == pytest.approx(expected, nan_ok=True)
    losses = oracle.local_losses(oracle.forward(X), theirs)
    still = build((6, 5, 4, 5, 3), method=method, n_aux=3, batch=10, eta_inverse=0.0)
    still.fit(X, LABELS)
    np.testing.assert_allclose(still.history["local_loss"][0], list(losses.values()))


# ------------------------------------------------------------------------ what equations imply


@pytest.mark.parametrize("method", ["dtp", "sdtp", "ao_sdtp"])
def test_by_the_difference_rule_a_target_that_is_reached_asks_nothing_of_any_layer(method):
    net = build(SIZES, method=method, alpha=0.0)
    h = net.activities(TEST[0])
    for aim, each in zip(net.targets(h, h[-1])[1:-1], h[1:-1], strict=True):
        np.testing.assert_allclose(aim, each, rtol=0.0, atol=1e-12)


def test_without_it_inverses_that_miss_ask_for_large_changes_even_after_learning():
    net = build(SIZES, method="tp", alpha=0.0)
    for _ in range(3):
        net.learn(*TRAINING, sweeps=["inverse"])
    assert min(net.measured(*TEST)["distance"][:2]) > 0.3


def test_with_transposed_jacobians_for_inverses_the_update_is_backpropagation():
    """Twice alpha times it, as local losses have no factor of one half."""
    net = build((6, 7, 5, 4, 3), inverse="jacobian", alpha=0.3)
    own, gradient = net.update(X, LABELS), net.gradient(X, LABELS)
    for k in range(3):
        np.testing.assert_allclose(own.dW[k], 0.6 * gradient.dW[k], rtol=0.0, atol=1e-12)
        np.testing.assert_allclose(own.db[k], 0.6 * gradient.db[k], rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(own.dW[-1], gradient.dW[-1])


class Linear(TargetPropagation):
    """Linear layers of one size, and inverses that are exact."""

    def f(self, k, below):
        return below @ self.W[k - 1] + self.b[k - 1]

    def g(self, k, v, h):
        return (v - self.b[k - 1]) @ np.linalg.inv(self.W[k - 1])


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_inverses_of_linear_layers_give_targets_of_gauss_and_newton(seed):
    net = Linear((5, 5, 5, 5, 5), seed=seed, dtype="float64", method="sdtp")
    h, d = net.activities(CHANCE.random((8, 5))), CHANCE.standard_normal((8, 5))
    aims = net.targets(h, h[-1] - 0.2 * d)
    for k in range(1, 4):
        path = np.linalg.multi_dot([*list(net.W)[k:], np.eye(5)])
        assert np.linalg.cond(path) < 1e3
        np.testing.assert_allclose(aims[k], h[k] - 0.2 * d @ np.linalg.inv(path), atol=1e-10)


def slope(function, array, index, step=1e-6):
    """The central difference of a function of an entry of an array."""
    value, found = array[index], []
    for sign in (1.0, -1.0):
        array[index] = value + sign * step
        found.append(function())
    array[index] = value
    return (found[0] - found[1]) / (2.0 * step)


@pytest.mark.parametrize("method", METHODS)
def test_weights_and_inverses_follow_the_slopes_of_their_local_losses(method):
    net = build((6, 5, 4, 3), method=method, n_aux=4, optimizer="plain", eta_inverse=1.0)
    h, update = net.activities(X), net.update(X, LABELS)
    aims = net.targets(h, T)
    for k in (1, 2, 3):

        def forward_loss(k=k):
            values = net.f(k, h[k - 1])
            return net.loss(values, T) if k == 3 else np.sum((values - aims[k]) ** 2) / 10

        for name, found, index in (("W", update.dW, (2, 1)), ("b", update.db, 1)):
            expected = -slope(forward_loss, getattr(net, name)[k - 1], index)
            assert found[k - 1][index] == pytest.approx(expected, rel=1e-6)
    xi = noise_for(net)
    before = [(V.copy(), c.copy()) for V, c in zip(net.V, net.c, strict=True)]
    oracle, noise = oracle_of(net), dict(zip(net.inverses, xi, strict=True))
    net.learn(X, LABELS, given={"xi": xi}, sweeps=["inverse"])
    for place, k in enumerate(net.inverses):

        def inverse_loss(k=k):
            return oracle.inverse_losses(oracle.forward(X), noise)[k]

        for name, own, index in (("V", net.V, (2, 1)), ("c", net.c, 1)):
            first = before[place][name == "c"]
            change = own[place][index] - first[index]
            expected = -slope(inverse_loss, getattr(oracle, name)[k], index)
            assert change == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", ["sdtp", "ao_sdtp"])
def test_the_jacobian_of_the_output_is_that_of_softmax_and_auxiliary_outputs(method):
    net = build(method=method, n_aux=4, inverse="jacobian")
    h = net.activities(X)
    v = CHANCE.standard_normal((10, 7 if method == "ao_sdtp" else 3))
    below = h[2].copy()

    def along():
        return np.sum(v * net.whole(3, net.f(3, below), below))

    for index in [(0, 0), (3, 2)]:
        assert net.g(3, v, h)[index] == pytest.approx(slope(along, below, index), rel=1e-6)


def learned(epochs=2, **options):
    net = TargetPropagation((64, 12, 12, 10), seed=3, **options)
    net.fit(DIGITS.train_images[:200], DIGITS.train_labels[:200], epochs)
    return net


def test_without_auxiliary_outputs_ao_sdtp_is_sdtp():
    one, other = learned(method="sdtp"), learned(method="ao_sdtp", n_aux=0)
    for name in "WbVc":
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)


def test_inverses_that_do_not_learn_leave_a_sweep_of_forward_events():
    still = learned(schedule="parallel", eta_inverse=0.0)
    fixed = learned(inverse="fixed")
    for a, b in zip(still.W, fixed.W, strict=True):
        np.testing.assert_array_equal(a, b)


def test_controls_see_examples_in_the_order_of_forward_sweeps():
    orders = []

    class Seen(TargetPropagation):
        def forward_event(self, h, t, drawn):
            orders[-1].append(h[0])
            return super().forward_event(h, t, drawn)

    for options in ({}, {"credit": "backprop", "inverse": "fixed"}):
        orders.append([])
        Seen((6, 4, 4, 3), seed=1, batch=3, **options).fit(X, LABELS, epochs=2)
    np.testing.assert_array_equal(np.concatenate(orders[0]), np.concatenate(orders[1]))


@pytest.mark.parametrize("method", METHODS)
def test_without_hidden_layers_all_methods_are_the_delta_rule(method):
    net = build((6, 3), method=method)
    net.fit(X, LABELS)
    update, gradient = net.update(X, LABELS), net.gradient(X, LABELS)
    np.testing.assert_array_equal(update.dW[0], gradient.dW[0])
    assert net.history["local_loss"] == [[]]


def test_frozen_layers_rest_while_the_output_and_the_inverses_learn():
    before, after = (build(credit="frozen", method="sdtp") for _ in range(2))
    after.fit(X, LABELS)
    for name, first in (("W", 2), ("b", 2), ("V", 0), ("c", 0)):
        pairs = list(zip(getattr(before, name), getattr(after, name), strict=True))
        assert [(a != b).any() for a, b in pairs] == [k >= first for k in range(len(pairs))]


def test_orthogonal_weights_keep_the_length_of_what_they_widen():
    W = build((6, 9, 9, 3), initial="orthogonal").W
    np.testing.assert_allclose(W[0] @ W[0].T, np.eye(6), atol=1e-12)
    np.testing.assert_allclose(W[2].T @ W[2], np.eye(3), atol=1e-12)


# ------------------------------------------------------------------------ what inverses learn


@pytest.mark.parametrize("seed", SEEDS)
def test_inverses_learn_to_return_activities_and_targets_turn_to_the_gradient(seed):
    net = TargetPropagation(SIZES, seed=seed)
    told = [net.measured(*TEST)]
    for _ in range(3):
        net.learn(*TRAINING, sweeps=["inverse"])
        told.append(net.measured(*TEST))
    ratio = [each["reconstruction"][:2] for each in told]
    assert min(ratio[0]) > 1.4
    assert max(ratio[1]) < 0.45
    assert max(ratio[3]) < 0.22
    first, below = told[3]["angle"][:2]
    assert told[0]["angle"][1] > 85.0
    assert below < 78.0
    assert first < 86.0


@pytest.mark.parametrize("seed", SEEDS)
def test_auxiliary_outputs_let_the_inverse_of_the_output_return_twice_as_well(seed):
    ratio = {}
    for method in ("sdtp", "ao_sdtp"):
        net = TargetPropagation(SIZES, seed=seed, method=method)
        for _ in range(3):
            net.learn(*TRAINING, sweeps=["inverse"])
        ratio[method] = net.measured(*TEST)["reconstruction"][2]
    assert ratio["ao_sdtp"] < 0.5 * ratio["sdtp"]


# ------------------------------------------------------------------------ what layers learn


def errors(sizes, seed, **options):
    """Test errors in percent after 15 epochs on the digits, and the networks."""
    nets = Replicas.of(TargetPropagation, sizes, seed=seed, **options)
    nets.fit(*TRAINING, 15)
    return nets.evaluate(*TEST), nets


def test_digits_are_learned_from_differences_of_targets_and_not_from_targets_alone():
    options = {"method": ["dtp", "sdtp", "ao_sdtp", "tp", "dtp"]}
    options["credit"] = [*["targets"] * 4, "frozen"]
    (*differences, plain, frozen), nets = errors(SIZES, [1] * 5, **options)
    assert max(differences) <= 5.0
    assert plain >= 15.0
    assert frozen >= 9.0
    assert max(nets[0].measured(*TEST)["angle"]) < 55.0


def test_five_hidden_layers_learn_from_differences_of_targets():
    methods = [*["dtp"] * 3, *["sdtp"] * 3, *["ao_sdtp"] * 3]
    found, _ = errors((64, *[32] * 5, 10), [*SEEDS] * 3, method=methods, schedule="parallel")
    dtp, sdtp, ao_sdtp = found.reshape(3, 3).mean(axis=1)
    frozen, _ = errors((64, *[32] * 5, 10), [*SEEDS], credit="frozen", inverse="fixed")
    assert dtp <= 5.0
    assert sdtp <= 8.0
    assert ao_sdtp <= 7.5
    assert frozen.mean() >= 25.0
    assert dtp <= sdtp


# ------------------------------------------------------------------------ what users see


def test_history_tells_of_targets_and_inverses_on_images_that_are_held_out():
    net = TargetPropagation((64, 12, 12, 10), seed=1, measure_angle=True)
    net.fit(*TRAINING, 2, validation=TEST)
    told = net.measured(*TEST)
    for name in ("reconstruction", "angle", "acute", "distance"):
        np.testing.assert_array_equal(net.history[name][1], told[name])
    net.fit(*TRAINING, 1)
    assert np.isnan(net.history["angle"][2]).all()


def test_a_recording_of_an_image_holds_targets_and_what_inverses_return():
    net = build((6, 5, 4, 3), method="sdtp")
    trial = net.record(X[0], int(LABELS[0]))
    assert trial.variables == ("h", "r", "T", "descent")
    h = net.activities(X[:1])
    np.testing.assert_array_equal(trial.T["hidden_1"], net.targets(h, T[:1])[1][0])
    np.testing.assert_array_equal(trial.r["hidden_2"], net.g(3, h[3], h)[0])
    assert trial.answer == net.predict(X[0])[0]
    assert net.record(X[0]).variables == ("h", "r")
    axes = plot.targets(trial)
    assert [ax.get_title() for ax in axes[:2]] == ["Hidden 1", "Hidden 2"]
    drawn = axes[3].collections[0].get_offsets()
    np.testing.assert_allclose(drawn[:, 1], trial.T["hidden_2"] - trial.h["hidden_2"])
    with pytest.raises(InputError, match="no hidden layer"):
        plot.targets(build((6, 3)).record(X[0], 0))


def test_measures_of_the_wing_see_the_update():
    net = build((6, 5, 4, 3), inverse="jacobian")
    assert alignment.delta_angle(net, X, LABELS).max() < 1e-5
    assert alignment.update_angle(net, X, LABELS).max() < 1e-5
    assert alignment.snr(net, X, LABELS, repeats=2).min() == np.inf


def test_targets_may_be_distributions():
    by_label, by_numbers = build(method="sdtp"), build(method="sdtp")
    by_label.learn(X, LABELS)
    by_numbers.learn(X, T)
    for a, b in zip(by_label.W, by_numbers.W, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: build(label=True), "label=True requires method='tp'"),
        (lambda: build().learn(X, LABELS, sweeps=["both"]), r"sweeps\[0\] is 'both'"),
        (lambda: build().learn(X, LABELS, sweeps="forward"), "sweeps is 'forward'"),
        (
            lambda: build().learn(X, LABELS, given={"xi": []}),
            r"given\['xi'\] has to be a list of 1",
        ),
        (lambda: build().learn(X, LABELS, given={"eta": []}), "Unknown array"),
        (lambda: build().record(X), "record` shows one at a time"),
    ],
)
def test_what_does_not_go_together_is_refused(call, said):
    with pytest.raises(InputError, match=said):
        call()
