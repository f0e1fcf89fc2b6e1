"""Measures of how far learning is from backpropagation, on all models alike."""

import numpy as np
import pytest

from spikesim.learning import alignment
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork

SIZES = (6, 5, 4, 3)


def degrees(a, b):
    """By the definition of an angle between two vectors."""
    cosine = np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))
    return np.degrees(np.arccos(cosine))


def segregated(**options):
    return SegregatedDendriteNetwork(SIZES, seed=1, dtype="float64", backend="python", **options)


def burst(**options):
    return BurstEnsembleNetwork(SIZES, seed=1, dtype="float64", backend="python", **options)


def test_feedback_of_segregated_dendrites_is_seen_from_the_layer_that_it_comes_from():
    net = segregated(feedback="layered")
    assert [B.shape for B in net.B] == [(4, 5), (3, 4)]
    net.B[0] = np.arange(20.0).reshape(4, 5)
    np.testing.assert_array_equal(net.Y[0], np.arange(20.0).reshape(4, 5).T)
    net.Y[1] = np.ones((4, 3))
    np.testing.assert_array_equal(net.B[1], np.ones((3, 4)))


def test_feedback_of_burst_ensembles_is_that_onto_the_apical_dendrites():
    net = burst()
    net.B[0] = np.ones((4, 5))
    np.testing.assert_array_equal(net.Y[0], np.ones((4, 5)))


def test_symmetric_feedback_has_no_angle_to_the_weights_above():
    net = segregated(feedback="layered", symmetric=True)
    np.testing.assert_allclose(alignment.weight_angle(net), 0.0, atol=1e-5)
    np.testing.assert_allclose(alignment.norm_ratio(net), 1.0)


def test_symmetric_feedback_from_the_output_has_no_angle_to_the_path_that_leads_there():
    net = segregated(feedback="broadcast", symmetric=True)
    np.testing.assert_allclose(alignment.weight_angle(net), 0.0, atol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: segregated(feedback="layered"), burst], ids=["segregated", "burst"]
)
def test_angles_and_norms_of_random_feedback_are_those_of_their_definition(make):
    net = make()
    pairs = [(net.B[m], net.W[m + 1]) for m in range(2)]
    expected = [degrees(B, W.T) for B, W in pairs]
    np.testing.assert_allclose(alignment.weight_angle(net), expected)
    norms = [np.sqrt(np.sum(B**2) / np.sum(W**2)) for B, W in pairs]
    np.testing.assert_allclose(alignment.norm_ratio(net), norms)


def test_feedback_is_the_same_after_a_network_was_saved(tmp_path):
    net = segregated()
    net.B[0] = np.ones((3, 5))
    net.save(tmp_path / "net.h5")
    again = SegregatedDendriteNetwork.load(tmp_path / "net.h5", backend="python")
    np.testing.assert_array_equal(again.B[0], np.ones((3, 5)))
    np.testing.assert_array_equal(again.Y[0], np.ones((5, 3)))
