"""Dendritic cortical microcircuits: the transcription, what the equations say, what is learned."""

import itertools

import numpy as np
import pytest

from spikesim import InputError, datasets
from spikesim.learning import alignment
from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit
from tests.naive_dendritic_microcircuit import NaiveMicrocircuit

CHANCE = np.random.default_rng(5)
SIZES = (7, 5, 4, 3)
X = CHANCE.random((6, 7)) * (CHANCE.random((6, 7)) > 0.3)
LABELS = np.array([0, 1, 2, 1, 0, 2])
STRONG = {"g_A": 0.8, "g_som": 0.8}
RATES = {"eta": 0.3, "scaled": False, "eta_Q": 0.5, "eta_P": 0.2, "eta_Y": 0.1}
IN_TIME = {"dynamics": "continuous", "t_pattern": 4.0, "lag": 1.0, "tau_0": 1.0, "tau_w": 2.0}
SAME = ("g_l", "g_B", "g_A", "g_D", "g_som", "dt", "tau_0", "tau_w", "t_pattern", "activation")
SAME += ("sigma", "reset_deltas", "eta_Q", "eta_P", "eta_Y")


def build(sizes=SIZES, dtype="float64", backend="python", seed=2, **options):
    return DendriticMicrocircuit(sizes, seed=seed, dtype=dtype, backend=backend, **options)


def with_bias(matrices, biases, unit):
    return [np.vstack([M, b / unit]) for M, b in zip(matrices, biases, strict=True)]


def oracle_of(net):
    p, unit = net.parameters, np.sqrt(net.parameters.bias_rate)
    same = {name: getattr(p, name) for name in SAME}
    gain = [net.numbers(layer)["gain"] if p.scaled else 1.0 for layer in net.training.above_input]
    same["eta_W"] = {k: eta / by for k, (eta, by) in enumerate(zip(p.eta, gain, strict=True), 1)}
    same |= {"learning_lag": p.lag, "bias_rate": unit, "lateral": p.lateral}
    Q = with_bias(net.Q, net.c, unit)
    return NaiveMicrocircuit(with_bias(net.W, net.b, unit), net.Y, net.P, Q, **same)


def goals(net, labels):
    p = net.parameters
    return np.where(np.eye(net.classes)[labels] == 1.0, p.high, p.low)


def assert_weights(net, oracle, atol=1e-10):
    unit = np.sqrt(net.parameters.bias_rate)
    for name, own in (
        ("W", with_bias(net.W, net.b, unit)),
        ("Q", with_bias(net.Q, net.c, unit)),
        ("P", net.P),
        ("Y", net.Y),
    ):
        theirs = getattr(oracle, name)
        assert len(own) == len(theirs)
        for k, array in enumerate(own, 1):
            np.testing.assert_allclose(array, theirs[k], rtol=0, atol=atol, err_msg=f"{name} {k}")


def assert_states(net, oracle, atol=1e-10):
    """All potentials and filters of a network that learns in time."""
    unit = np.sqrt(net.parameters.bias_rate)
    for k, layer in enumerate(net.training.above_input, 1):
        pairs = [(layer.u, oracle.u[k]), (layer.v_B, oracle.vB[k])]
        pairs.append((np.vstack([layer.D_W, unit * layer.D_b]), oracle.D["W", k]))
        if k > 1:
            pairs += [(layer.uI, oracle.uI[k - 1]), (layer.vI, oracle.vI[k - 1])]
        if not layer.is_output:
            pairs.append((layer.v_A, oracle.vA[k]))
        if not layer.is_output and net.parameters.eta_Y > 0.0:
            pairs.append((layer.D_Y, oracle.D["Y", k]))
        if k > 1 and net.parameters.lateral == "plastic":
            pairs.append((np.vstack([layer.D_Q, unit * layer.D_c]), oracle.D["Q", k - 1]))
            pairs.append((layer.below.D_P, oracle.D["P", k - 1]))
        own, theirs = (
            np.concatenate([np.ravel(each) for each in all_of])
            for all_of in zip(*pairs, strict=False)
        )
        np.testing.assert_allclose(own, theirs, rtol=0, atol=atol)


# ------------------------------------------------------------------------ the transcription

OPTIONS = [
    {},
    {"init": "random", "activation": "softplus", "eta": 0.05},
    {"feedback": "symmetric", "activation": "regression", "bias_rate": 0.25},
    {"lateral": "fixed", "g_l": 0.3, **STRONG},
    {"lateral": "ideal", "eta_Y": 0.0},
    {"eta": (0.0, 0.2, 0.1), "scaled": True},
]


@pytest.mark.parametrize("sizes", [(7, 3), (7, 5, 3), SIZES], ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("batch", "passes"), [(1, 1), (4, 1), (3, 5)])
def test_two_steps_learn_as_the_transcription(sizes, options, batch, passes):
    given = {**RATES, **options}
    if isinstance(given["eta"], tuple):
        given["eta"] = given["eta"][: len(sizes) - 1]
    net = build(sizes, batch=batch, passes=passes, **given)
    oracle = oracle_of(net)
    for k in range(0, len(X), batch):
        now = slice(k, k + batch)
        oracle.learn_two_step(X[now], goals(net, LABELS)[now], passes)
    net.learn(X, LABELS)
    assert_weights(net, oracle)
    answers = oracle.two_step(X, passes=passes)
    np.testing.assert_array_equal(net.predict(X), answers.argmax(axis=1))


IN_TIME_OPTIONS = [
    *OPTIONS,
    {"tau_0": 0.0},
    {"tau_0": 0.0, "reset_deltas": True, "lag": 0.0},
    {"reset_deltas": True, "lag": 0.0},
]


@pytest.mark.parametrize("sizes", [(7, 3), (7, 5, 3), SIZES], ids=str)
@pytest.mark.parametrize("options", IN_TIME_OPTIONS, ids=str)
def test_every_state_in_time_is_that_of_the_transcription(sizes, options):
    given = {**RATES, **IN_TIME, **options}
    if isinstance(given["eta"], tuple):
        given["eta"] = given["eta"][: len(sizes) - 1]
    net = build(sizes, **given)
    oracle = oracle_of(net)
    for k in range(len(X)):
        oracle.present(X[k], goals(net, LABELS)[k])
        net.learn(X[k : k + 1], LABELS[k : k + 1])
        assert_weights(net, oracle)
    assert_states(net, oracle)


def test_each_of_two_thousand_steps_is_that_of_the_transcription():
    """A presentation is a step here, so that all of them are seen from outside."""
    net = build((5, 4, 3), **{**RATES, **IN_TIME, "t_pattern": 0.1, "lag": 0.0})
    oracle, x = oracle_of(net), X[:, :5]
    for step in range(2000):
        k = step // 400
        oracle.present(x[k], goals(net, LABELS)[k])
        net.learn(x[k : k + 1], LABELS[k : k + 1])
        assert_states(net, oracle)
    assert_weights(net, oracle)


@pytest.mark.parametrize("tau_0", [0.0, 1.0])
def test_noise_and_the_patterns_that_are_taught_can_be_replayed(tau_0):
    net = build(sigma=0.3, taught=0.5, **{**RATES, **IN_TIME, "tau_0": tau_0})
    oracle, steps = oracle_of(net), net.steps
    xi = [CHANCE.standard_normal((len(X), steps, n)) for n in SIZES[1:]]
    xi_I = [CHANCE.standard_normal((len(X), steps, n)) for n in SIZES[2:]]
    taught = [True, False, True, True, False, False]
    for k in range(len(X)):
        noise = [
            {
                name: {m: each[k, i] for m, each in enumerate(of_layers, 1)}
                for name, of_layers in (("u", xi), ("uI", xi_I))
            }
            for i in range(steps)
        ]
        oracle.present(X[k], goals(net, LABELS)[k], taught[k], noise=noise)
    lengths = [[0, steps] if each else [steps, 0] for each in taught]
    net.learn(X, LABELS, lengths, given={"xi": xi, "xi_I": xi_I})
    assert_weights(net, oracle)
    assert_states(net, oracle)


def test_gradients_and_the_control_are_those_of_the_transcription():
    for options in ({}, {"activation": "softplus"}, IN_TIME):
        net = build(backprop=True, batch=6, eta=0.3, **options)
        oracle = oracle_of(net)
        for found in (net.gradient(X, LABELS), net.update(X, LABELS)):
            for k, expected in enumerate(oracle.backprop(X, goals(net, LABELS)).values()):
                own = np.vstack([found.dW[2 - k], found.db[2 - k]])
                np.testing.assert_allclose(own, expected, rtol=0, atol=1e-14)
        oracle.eta["W"] = 0.3
        oracle.learn_backprop(X, goals(net, LABELS))
        net.learn(X, LABELS)
        assert_weights(net, oracle)


def test_answers_in_time_are_those_of_the_transcription():
    net = build(t_read=1.0, **{**RATES, **IN_TIME})
    for k in range(len(X)):
        u = net.record(X[k]).u["output"]
        fresh = oracle_of(net)
        np.testing.assert_allclose(u[:, -10:].mean(axis=1), fresh.test(X[k : k + 1], 1.0)[0])
        assert net.predict(X[k : k + 1])[0] == u[:, -10:].mean(axis=1).argmax()


# ------------------------------------------------------------------------ what the equations say


@pytest.mark.parametrize("sizes", [(7, 5, 3), SIZES], ids=str)
def test_a_self_predicting_circuit_has_silent_apical_dendrites_and_true_copies(sizes):
    x = CHANCE.random((20, 7))
    net = build(sizes, g_D=0.7)
    for image in x:
        trial = net.record(image)
        assert max(abs(v_A).max() for v_A in trial.v_A.values()) < 1e-12
        for name, uI in trial.uI.items():
            np.testing.assert_allclose(uI, trial.u[name], rtol=0, atol=1e-12)


def test_it_is_silent_in_every_step_if_cells_and_their_copies_obey_the_same_equation():
    trial = build((7, 5, 3), dynamics="continuous", t_pattern=40.0, **STRONG).record(X[0])
    np.testing.assert_array_equal(trial.v_A["hidden_1"], 0.0)
    np.testing.assert_array_equal(trial.uI["output"], trial.u["output"])
    deeper = build(dynamics="continuous", t_pattern=40.0, **STRONG).record(X[0])
    assert abs(deeper.v_A["hidden_1"]).max() > 1e-3
    assert max(abs(v_A[:, -1]).max() for v_A in deeper.v_A.values()) < 1e-12


@pytest.mark.parametrize("init", ["self_predicting", "random"])
@pytest.mark.parametrize("g", [STRONG, {}, {"g_A": 0.05, "g_som": 0.05}], ids=str)
def test_passes_converge_to_the_fixed_point_of_the_dynamics(g, init):
    given = {"init": init, "Y_size": 1.0, "W_size": 1.0, **g}
    slow = build(dynamics="continuous", t_pattern=50.0, **given).record(X[0], 1)
    off = []
    for passes in (60, 1):
        fast = build(passes=passes, **given).record(X[0], 1)
        pairs = [(getattr(slow, name), getattr(fast, name)) for name in ("u", "uI", "v_A")]
        off.append(max(abs(a[k][:, -1] - b[k][:, -1]).max() for a, b in pairs for k in a))
    assert off[0] < 1e-10
    assert off[1] > 1e-5


def of_weight(mixed):
    """Conductances with which apical dendrites and targets have this weight in all somata."""
    g = mixed * 1.1 / (1.0 - mixed)
    return {"g_A": g, "g_som": g, "feedback": "symmetric", "high": 1.0, "low": 0.0}


@pytest.mark.parametrize("sizes", [(10, 20, 8), (10, 20, 15, 8)], ids=str)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_weak_symmetric_feedback_products_are_gains_times_the_gradient(sizes, seed):
    chance = np.random.default_rng(seed)
    x, targets = chance.random((8, 10)), chance.uniform(-0.5, 0.5, (8, 8))
    for mixed, least, off in ((0.02, 0.9999, 0.01), (0.1, 0.9999, 0.05), (0.5, 0.998, 0.2)):
        net = build(sizes, seed=seed, **of_weight(mixed))
        own, reference = net.update(x, targets).dW, net.gradient(x, targets).dW
        for layer, a, b in zip(net.training.above_input, own, reference, strict=True):
            assert np.cos(np.radians(alignment.angle(a, b))) > least
            ratio = np.linalg.norm(a) / np.linalg.norm(b) / net.numbers(layer)["gain"]
            assert ratio == pytest.approx(1.0, abs=off)


@pytest.mark.parametrize(("mixed", "least"), [(0.1, 0.998), (0.5, 0.96)])
def test_filtered_products_in_time_follow_the_gradient(mixed, least):
    given = {"t_pattern": 60.0, "lag": 20.0, "tau_w": 2.0, "tau_0": 1.0, "eta": 0.0, "eta_Q": 0.0}
    net = build((10, 12, 9, 8), dynamics="continuous", **given, **of_weight(mixed))
    x, targets = CHANCE.random((1, 10)), CHANCE.uniform(-0.5, 0.5, (1, 8))
    net.learn(x, targets)
    reference = build((10, 12, 9, 8), **of_weight(mixed)).gradient(x, targets).dW
    for layer, b in zip(net.training.above_input, reference, strict=True):
        assert np.cos(np.radians(alignment.angle(layer.D_W, b))) > least


def test_scaled_rates_are_rates_over_gains():
    net = build(scaled=True, eta=0.3)
    gain = [net.numbers(layer)["gain"] for layer in net.training.above_input]
    other = build(scaled=False, eta=tuple(0.3 / each for each in gain))
    for each in (net, other):
        each.learn(X, LABELS)
    for one, two in zip(net.W, other.W, strict=True):
        np.testing.assert_array_equal(one, two)


def test_silence_is_what_apical_dendrites_lack_without_the_target():
    assert build(lateral="ideal").silence(X, LABELS).max() < 1e-12
    assert build(init="random").silence(X, LABELS).min() > 0.2
    net = build((7, 5, 3), init="random", **IN_TIME)
    v_A = net.record(X[0], 1).v_A["hidden_1"]
    expected = abs(v_A[:, net.steps - 1]).mean() / abs(v_A[:, -1]).mean()
    assert net.silence(X[:1], [1]) == pytest.approx([expected], rel=1e-12)


def test_an_update_is_the_mean_of_those_of_its_examples():
    net = build(**RATES)
    together = net.update(X, LABELS)
    alone = [net.update(X[k : k + 1], LABELS[k : k + 1]) for k in range(len(X))]
    for m in range(3):
        mean = np.mean([each.dW[m] for each in alone], axis=0)
        np.testing.assert_allclose(together.dW[m], mean, rtol=0, atol=1e-12)


def test_errors_of_euler_steps_halve_with_the_step():
    given = {"dynamics": "continuous", "t_pattern": 2.0, "init": "random", **STRONG}

    def end(dt):
        return build((7, 5, 3), dt=dt, **given).record(X[0]).u["hidden_1"][:, -1]

    exact = end(5e-4)
    errors = [abs(end(dt) - exact).max() for dt in (0.2, 0.1, 0.05, 0.025)]
    for coarse, fine in itertools.pairwise(errors):
        assert 1.85 < coarse / fine < 2.05


def test_noise_has_the_variance_of_euler_steps():
    sigma, dt = 0.3, 0.1
    given = {"dynamics": "continuous", "sigma": sigma, "dt": dt, "t_pattern": 6.0, **STRONG}
    net = build((1, 2000, 1), eta=0.0, eta_Q=0.0, bias_rate=0.0, W_size=1e-9, Y_size=0.0, **given)
    net.learn([[0.0]], [0])
    g = 0.1 + 1.0 + 0.8
    expected = sigma**2 / (2.0 * g * (1.0 - g * dt / 2.0))
    assert net.training.hidden[0].u.var() == pytest.approx(expected, rel=0.05)


def test_potentials_go_on_to_the_next_pattern_but_not_into_tests():
    net = build(eta=0.0, eta_Q=0.0, **IN_TIME)
    net.learn(X[:1], LABELS[:1])
    u = net.training.output.u.copy()
    trial = net.record(X[1])
    assert abs(trial.u["output"][:, 0]).max() < 0.2 < abs(u).max()
    np.testing.assert_array_equal(net.training.output.u, u)


def test_nothing_changes_while_plasticity_rests():
    net = build(**{**RATES, **IN_TIME, "lag": 4.0})
    before = [array.copy() for array in (*net.W, *net.Q, *net.P, *net.Y)]
    net.learn(X, LABELS)
    for own, earlier in zip((*net.W, *net.Q, *net.P, *net.Y), before, strict=True):
        np.testing.assert_array_equal(own, earlier)


# ------------------------------------------------------------------------ what it learns

AS_MEASURED = {"dynamics": "continuous", "scaled": False, "tau_0": 1.0, "high": 1.4, "low": -1.4}
BARS = {**AS_MEASURED, **STRONG, "t_pattern": 20.0, "lag": 8.0, "tau_w": 5.0, "W_size": (1.0, 0.1)}
BARS |= {"Y_size": 1.0, "eta": (5.0, 0.5), "eta_Q": 1.0}


def bars():
    """Rows, columns and diagonals of 3 x 3 pixels."""
    x = np.zeros((8, 3, 3))
    for k in range(3):
        x[k, k] = x[3 + k, :, k] = x[6, k, k] = x[7, k, 2 - k] = 1.0
    return x.reshape(8, 9), np.array([0, 0, 0, 1, 1, 1, 2, 2])


def bars_history(seed, epochs, **options):
    net = build((9, 4, 3), backend="cpu", seed=seed, **{**BARS, **options})
    x, labels = bars()
    return net.fit(x, labels, epochs, validation=(x, labels), validate_every=10)


def right(history):
    """How many of the 8 patterns are classified rightly, after each tenth epoch."""
    return np.array([round(8 - 0.08 * each) for each in history["test_error"] if each is not None])


@pytest.mark.parametrize("seed", range(1, 6))
def test_bars_are_learned_in_the_full_dynamics(seed):
    history = bars_history(seed, 300)
    assert right(history)[:15].max() == 8
    assert right(history)[-1] == 8
    assert history["loss"][-1] < 0.05


@pytest.mark.parametrize(
    ("options", "most"), [({"eta": (0.0, 0.5)}, 6), ({"eta_Q": 0.0}, 7)], ids=["frozen", "no Q"]
)
def test_bars_need_a_hidden_layer_that_learns_and_copies_that_follow(options, most):
    for seed in (1, 2):
        assert right(bars_history(seed, 150, **options)).max() <= most


def test_bars_need_a_rest_of_plasticity_after_each_onset():
    assert sum(right(bars_history(seed, 150, lag=0.0)).max() == 8 for seed in range(1, 6)) <= 2


def test_bars_are_learned_from_random_lateral_weights_if_these_learn():
    assert right(bars_history(1, 150, init="random", lateral="fixed")).max() < 8
    learned = [bars_history(seed, 150, init="random", eta_P=0.2) for seed in range(1, 6)]
    assert sum(right(history).max() == 8 for history in learned) >= 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_circuits_learn_to_predict_themselves(seed):
    given = {**BARS, "init": "random", "taught": 0.0, "W_size": 1.0, "eta": 0.0, "eta_P": 0.5}
    x = np.random.default_rng(seed).random((60, 9))
    off = build((9, 6, 3), seed=seed, backend="cpu", **{**given, "lateral": "fixed"})
    net = build((9, 6, 3), seed=seed, backend="cpu", **given)
    for k in range(0, 60, 10):
        off.fit(x[k : k + 10], np.zeros(10, int))
        history = net.fit(x[k : k + 10], np.zeros(10, int))
    assert off.history["apical"][-1][0] > 0.1
    assert history["apical"][-1][0] < 2e-3
    assert history["mismatch"][-1][0] < 5e-3


IN_TIME_DIGITS = {**AS_MEASURED, **STRONG, "t_pattern": 15.0, "lag": 6.0, "t_read": 3.0}
IN_TIME_DIGITS |= {"tau_w": 5.0, "W_size": (0.3, 0.1), "Y_size": 1.0, "eta": (2.0, 0.05)}
IN_TIME_DIGITS |= {"eta_Q": 0.2}


def digits_errors(sizes, epochs, seed=1, **options):
    digits = datasets.load_digits()
    net = build(sizes, "float32", "cpu", seed=seed, **options)
    held_out = digits.test_images, digits.test_labels
    history = net.fit(digits.train_images, digits.train_labels, epochs, validation=held_out)
    return net, history["test_error"]


def test_digits_are_learned_in_the_full_dynamics():
    assert digits_errors((64, 20, 10), 3, **IN_TIME_DIGITS)[1][-1] <= 9.0
    for seed in (1, 2):  # the input does not change within a presentation
        errors = digits_errors((64, 20, 10), 10, seed, **{**IN_TIME_DIGITS, "tau_0": 0.0})[1]
        assert errors[2] <= 9.0
        assert errors[-1] <= 7.0


def test_digits_in_time_need_a_hidden_layer_that_learns():
    options = {**IN_TIME_DIGITS, "tau_0": 0.0, "eta": (0.0, 0.05)}
    errors = [digits_errors((64, 20, 10), 6, seed, **options)[1][-1] for seed in (1, 2, 3)]
    assert np.mean(errors) >= 25.0


@pytest.mark.parametrize("seed", [1, 2])
def test_digits_are_learned_in_two_steps(seed):
    net, errors = digits_errors((64, 30, 10), 15, seed, batch=10)
    assert errors[-1] <= 9.0
    ideal, ideal_errors = digits_errors((64, 30, 10), 15, seed, batch=10, lateral="ideal")
    frozen = digits_errors((64, 30, 10), 15, seed, batch=10, eta=(0.0, 0.6))[1]
    control = digits_errors((64, 30, 10), 15, seed, batch=10, backprop=True)[1]
    assert frozen[-1] > max(errors[-1], ideal_errors[-1])
    assert control[-1] <= 5.0
    digits = datasets.load_digits()
    x, labels = digits.test_images, digits.test_labels
    batches = [slice(k, k + 10) for k in range(0, 360, 10)]
    angles = [alignment.update_angle(ideal, x[now], labels[now]) for now in batches]
    assert np.mean(angles, axis=0)[0] < 60.0
    assert alignment.weight_angle(ideal)[0] < 75.0
    assert alignment.weight_angle(net)[0] < 75.0
    assert ideal.silence(x[:50], labels[:50])[0] < 1e-3


# ------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dynamics": "continuous", "batch": 2}, "continuous has batch 1"),
        ({"dynamics": "continuous", "optimizer": "adam"}, "optimizer plain"),
        ({"dynamics": "continuous", "decay": 0.1}, "decay 0"),
        ({"dynamics": "continuous", "dt": 0.8}, "dt has to be below 0.69"),
        ({"sigma": 0.1}, "sigma is above 0"),
    ],
)
def test_options_that_exclude_each_other_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        build(**options)
