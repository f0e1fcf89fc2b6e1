"""The segregated-dendrite network equals a NumPy transcription, of rates and given its spikes."""

import numpy as np
import pytest

from spikesim.models.segregated import SegregatedDendriteNetwork
from tests.reliability.differential import Case, compare_segregated

LEARNED = {"feedback_learning": True, "eta_Y": 0.02}
OF_BOTH = {
    "as published": {},
    "weak apical conductance": {"g_A": 0.05},
    "symmetric": {"symmetric": True},
    "layered": {"feedback": "layered"},
    "learned": LEARNED,
    "backpropagation": {"backpropagation": True},
    "all measured": {"measure_angle": True, "measure_inverse": True},
}
OF_SPIKES = {
    "untruncated kernel": {"memory": None},
    "memory longer than a phase has room for": {"memory": 40},
    "weak apical conductance, untruncated": {"g_A": 0.05, "memory": None},
    "noisy symmetric": {"symmetric": True, "symmetric_noise": 0.05},
    "layered with weak apical conductance": {"feedback": "layered", "g_A": 0.05},
    "jittered plateaus": {"plateau_jitter": 3.0},
    "jittered plateaus, learned": {"plateau_jitter": 3.0, **LEARNED},
    "jittered plateaus, untruncated": {"plateau_jitter": 3.0, "memory": None},
}
OF_RATES = {
    "layered and learned": {"feedback": "layered", **LEARNED},
    "layered and symmetric": {"feedback": "layered", "symmetric": True},
    "sparse": {"sparse": 0.8},
    "two neurons a class": {"units_per_class": 2},
}


def assert_like_the_transcription(sizes, examples, eta, spiking=True, **options):
    chance = np.random.default_rng(7)
    images = chance.random((examples, sizes[0])) * (chance.random((examples, sizes[0])) > 0.3)
    labels = chance.integers(0, 3, examples)
    lengths = {"memory": options.pop("memory")} if "memory" in options else {}
    given = {"eta": (eta,) * (len(sizes) - 1), **options}
    net = SegregatedDendriteNetwork(
        sizes, seed=3, dtype="float64", backend="python", spiking=spiking, **given, **lengths
    )
    case, before = Case(0, "segregated", 0, plain=True), net.W[-1].copy()
    compare_segregated(case, net, given, lengths, images, images, labels)
    assert case.differences == []
    assert np.abs(net.W[-1] - before).max() > 1e-4


@pytest.mark.parametrize("name", {**OF_BOTH, **OF_SPIKES})
def test_given_its_spikes_the_transcription_is_the_network(name):
    options = {**OF_BOTH, **OF_SPIKES}[name]
    assert_like_the_transcription((8, 6, 5, 3), 3, 0.05, **options)


@pytest.mark.parametrize("sizes", [(12, 3), (12, 9, 3), (12, 9, 7, 3)], ids=str)
@pytest.mark.parametrize("name", {**OF_BOTH, **OF_RATES})
def test_of_rates_the_transcription_is_the_network(name, sizes):
    options = {**OF_BOTH, **OF_RATES}[name]
    if name == "all measured" and len(sizes) == 2:
        options = {"measure_angle": True}
    assert_like_the_transcription(sizes, 20, 0.1, spiking=False, **options)
