"""Measures of how far learning is from backpropagation, on all models alike."""

import numpy as np
import pytest

from spikesim import InputError
from spikesim.learning import alignment, forward
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.burstprop import BurstpropNetwork
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.target_propagation import TargetPropagation

SIZES = (6, 5, 4, 3)
X = np.random.default_rng(2).random((7, 6))
LABELS = np.random.default_rng(3).integers(0, 3, 7)


def degrees(a, b):
    """By the definition of an angle between two vectors."""
    cosine = np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))
    return np.degrees(np.arccos(cosine))


def segregated(**options):
    return SegregatedDendriteNetwork(SIZES, seed=1, dtype="float64", backend="python", **options)


def build(kind=FeedbackAlignment, sizes=SIZES, **options):
    return kind(sizes, seed=1, dtype="float64", backend="python", **options)


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


def test_feedback_of_models_without_time_is_measured_alike():
    for net in (build(BurstpropNetwork), build(TargetPropagation, method="sdtp")):
        for m, feedback in enumerate(net.feedback_weights()):
            feedback[...] = 2.0 * net.W[m + 1].T
        np.testing.assert_allclose(alignment.weight_angle(net), 0.0, atol=1e-5)
        np.testing.assert_allclose(alignment.norm_ratio(net), 2.0)


def test_an_inverse_is_feedback_without_its_rows_for_auxiliary_outputs():
    net = build(TargetPropagation, method="ao_sdtp", n_aux=2)
    assert [each.shape for each in net.feedback_weights()] == [(4, 5), (3, 4)]


def test_layers_without_feedback_weights_of_their_own_have_no_angle_and_no_norm():
    for net in (build(Perturbation), build(feedback="backprop")):
        assert np.isnan([*alignment.weight_angle(net), *alignment.norm_ratio(net)]).all()
    assert np.isnan(alignment.weight_angle(build(TargetPropagation))).tolist() == [False, True]


# --------------------------------------------------------------------- how errors come down


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def measures_of(jacobians):
    """The condition and the participation ratio by their definitions, averaged over examples."""
    s = np.array([np.linalg.svd(J, compute_uv=False) for J in jacobians])
    ranks = np.sum(s**2, axis=1) ** 2 / np.sum(s**4, axis=1)
    return np.mean(s[:, 0] / s[:, -1]), np.mean(ranks)


def by_hand(net, B):
    """The condition and rank of both layers, whose errors come down through B."""
    h_1 = sigmoid(X @ net.W[0])
    h_2 = sigmoid(h_1 @ net.W[1])
    J_2 = [B[1] * h * (1.0 - h) for h in h_2]
    J_1 = [J @ B[0] * h * (1.0 - h) for J, h in zip(J_2, h_1, strict=True)]
    return np.array([measures_of(J_1), measures_of(J_2)]).T


def test_the_jacobian_of_backpropagation_is_that_of_the_transposed_weights():
    net = build(feedback="backprop")
    expected = by_hand(net, [net.W[1].T, net.W[2].T])
    np.testing.assert_allclose(alignment.feedback_jacobian(net, X, LABELS), expected, rtol=1e-6)


def test_the_jacobian_of_feedback_alignment_is_that_of_its_feedback_weights():
    net = build()
    expected = by_hand(net, list(net.B))
    np.testing.assert_allclose(alignment.feedback_jacobian(net, X, LABELS), expected, rtol=1e-6)
    for m in range(2):
        net.B[m] = net.W[m + 1].T
    expected = by_hand(net, [net.W[1].T, net.W[2].T])
    np.testing.assert_allclose(alignment.feedback_jacobian(net, X, LABELS), expected, rtol=1e-6)


def test_feedback_through_orthogonal_weights_has_full_rank_and_is_well_conditioned():
    net = build(feedback="direct", activation="linear")
    for m in range(2):
        net.B[m] = np.linalg.qr(net.B[m].T)[0].T
    found = alignment.feedback_jacobian(net, X, LABELS)
    np.testing.assert_allclose(found, [[1.0, 1.0], [3.0, 3.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_feedback_that_is_the_same_from_all_outputs_has_rank_one(dtype):
    net = FeedbackAlignment((6, 5, 3), seed=1, dtype=dtype, backend="python")
    net.B[0] = np.tile(net.B[0][:1], (3, 1))
    found = alignment.feedback_jacobian(net, X, LABELS)
    np.testing.assert_allclose(found, 1.0, rtol=1e-4)


def test_the_jacobian_of_segregated_dendrites_is_that_of_their_plateaus():
    net = build(SegregatedDendriteNetwork, (6, 5, 3), spiking=False)
    p = net.parameters
    V = p.k_B * (p.phi_max * X @ net.W[0] + net.b[0])
    V_B = p.phi_max * sigmoid(V) @ net.W[1] + net.b[1]
    t = np.eye(3)[LABELS]
    total = p.g_L + p.g_D + 1.0
    phi = sigmoid((p.g_D * V_B + t * p.E_E + (1.0 - t) * p.E_I) / total)
    by_target = p.phi_max * phi * (1.0 - phi) * (p.E_E - p.E_I) / total
    alpha = sigmoid(p.phi_max * phi @ net.Y[0].T)
    slopes = alpha * (1.0 - alpha) * sigmoid(V) * (1.0 - sigmoid(V))
    J = [a[:, None] * net.Y[0].T * b for a, b in zip(by_target, slopes, strict=True)]
    found = alignment.feedback_jacobian(net, X, LABELS, step=1e-3)
    np.testing.assert_allclose(np.ravel(found), measures_of(J), rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Perturbation, {}),
        (Perturbation, {"perturbed": "weights"}),
        (RewardNetwork, {}),
        (SpikingRewardNetwork, {"T": 4.0, "theta": -0.2}),
    ],
)
def test_rules_that_hear_a_single_number_have_no_jacobian(kind, options):
    found = alignment.feedback_jacobian(build(kind, **options), X, LABELS)
    assert np.isnan(found).all()


def test_layers_that_no_error_reaches_and_rules_that_are_not_known_have_no_jacobian():
    class Silent(FeedbackAlignment):
        def step(self, net):
            yield from forward.forward(net)

    for net in (build(feedback="none"), build(Silent)):
        assert np.isnan(alignment.feedback_jacobian(net, X, LABELS)).all()


def test_an_impossible_step_is_refused():
    with pytest.raises(InputError, match="step"):
        alignment.feedback_jacobian(build(), X, LABELS, step=0.0)
