"""Dendritic cortical microcircuits: the transcription, what the equations say, what is learned."""

import numpy as np
import pytest

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
            np.concatenate([np.ravel(each) for each in all_of]) for all_of in zip(*pairs)
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
