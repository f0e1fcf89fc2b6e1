"""The non-spiking segregated-dendrite network equals a NumPy transcription of its spec."""

import numpy as np
import pytest
from naive_segregated import NaiveSegregated

from spikesim.models.segregated import SegregatedDendriteNetwork

OPTIONS = {
    "as published": {},
    "symmetric": {"symmetric": True},
    "layered": {"feedback": "layered"},
    "learned": {"feedback_learning": True, "eta_Y": 0.02},
    "layered and learned": {"feedback": "layered", "feedback_learning": True, "eta_Y": 0.02},
    "layered and symmetric": {"feedback": "layered", "symmetric": True},
    "backpropagation": {"backpropagation": True},
    "weak apical conductance": {"g_A": 0.05},
    "sparse": {"sparse": 0.8},
    "two neurons a class": {"units_per_class": 2},
}
TRANSLATED = {
    "feedback_learning": "learn_feedback",
    "backpropagation": "backprop",
}


def oracle_of(net, options):
    options = {TRANSLATED.get(name, name): value for name, value in options.items()}
    options.pop("sparse", None)
    weights = [[array.copy() for array in arrays] for arrays in (net.W, net.b, net.Y)]
    return NaiveSegregated(*weights, spiking=False, eta=net.parameters.eta, **options)


@pytest.mark.parametrize("sizes", [(12, 3), (12, 9, 3), (12, 9, 7, 3)], ids=str)
@pytest.mark.parametrize("name", OPTIONS)
def test_twenty_online_examples_leave_the_weights_of_the_transcription(name, sizes):
    options = OPTIONS[name]
    chance = np.random.default_rng(7)
    images = chance.random((20, 12)) * (chance.random((20, 12)) > 0.4)
    labels = chance.integers(0, 3, 20)
    net = SegregatedDendriteNetwork(
        sizes, seed=3, dtype="float64", backend="python", spiking=False, eta=0.1, **options
    )
    oracle = oracle_of(net, options)
    before = [W.copy() for W in net.W]

    history = net.fit(images, labels, shuffle=False)
    examples = [oracle.train_example(*pair) for pair in zip(images, labels, strict=True)]

    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b), (net.Y, oracle.Y)):
        for mine, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-10)
    assert all(np.abs(new - old).max() > 1e-4 for new, old in zip(net.W, before, strict=True)) or (
        name.startswith("layered") or len(sizes) == 4
    )
    assert history["loss"][0] == pytest.approx(np.mean([e.loss for e in examples]), abs=1e-12)
    wrong = np.mean([e.predicted != y for e, y in zip(examples, labels, strict=True)])
    assert history["training_error"][0] == pytest.approx(100 * wrong)
