"""Equilibrium propagation: against NumPy and finite differences, and what it learns."""

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
