"""The burst-ensemble network against an independent transcription of its equations in NumPy."""

import naive_burst_ensemble as naive
import numpy as np
import pytest

from spikesim.models.burst import BurstEnsembleNetwork
from tests.watched_bursts import Watched, learn

T = 10
CHANCE = np.random.default_rng(21)
IMAGES = CHANCE.random((20, 30)) * (CHANCE.random((20, 30)) < 0.3)
LABELS = CHANCE.integers(0, 4, 20)
JULY = {"form": "july_2018", "alpha": 0.5}

FORMS = {
    "talks, inhibition learned": ({}, {}),
    "talks, inhibition fixed": ({"alpha_Z": 0.0}, {"alpha_Z": 0.0}),
    "talks, no inhibition": ({"sst": "none"}, {"Z": None, "alpha_Z": 0.0}),
    "talks, inhibition driven by h": ({"sst": "h"}, {"sst": "h"}),
    "talks, rectified output": ({"output": "relu"}, {"output": "relu"}),
    "talks, strong nudge": ({"nudge": 1.0, "p_0": 0.4}, {"lam": 1.0, "p0": 0.4}),
    "talks, clipped inhibition": (
        {"clip_Z": True, "alpha_Z": 0.05},
        {"clip_Z": True, "alpha_Z": 0.05},
    ),
    "talks, learned feedback": (
        {"alpha_Y": 1e-5, "Z_range": 0.1, "u_range": 3.0},
        {"alpha_Y": 1e-5, "u_range": 3.0},
    ),
    "talks, mirrored feedback": (
        {"mirror": 0.5, "forgetting": 1e-3, "sst": "h"},
        {"mirror": 0.5, "forgetting": 1e-3, "sst": "h"},
    ),
    "talks, gated apical input": ({"apical_gate": True}, {"apical_gate": True}),
    "July 2018, inhibition fixed": (JULY, {}),
    "July 2018, inhibition learned": ({**JULY, "alpha_Z": 0.01}, {"alpha_Z": 0.01}),
    "April 2018": ({"form": "april_2018"}, {"gamma": 0.1, "m": 0.0, "v": 4.0}),
}


def pair(sizes, ours, theirs, kind=BurstEnsembleNetwork):
    """Our network, and the transcription with the same weights and constants."""
    net = kind(sizes, seed=6, dtype="float64", backend="python", **ours)
    code = net.parameters.form != "talks"
    given = {
        "alpha": net.parameters.alpha,
        "alpha_Z": 0.0 if code else 1e-3,
        "m": 0.2,
        "v": 0.3,
        "lam": 1.0 if net.parameters.form == "july_2018" else 0.5,
        "sst": "h" if net.parameters.form == "july_2018" else "beta",
        "feedback": "gated" if code else "beta",
        "derivative": "boxcar" if code else "exact",
        "output": "relu" if code else "sigmoid",
        "Z": list(net.Z),
        **theirs,
    }
    Z = given.pop("Z")
    feedback = [Y.T for Y in net.Y]
    return net, naive.NaiveBurstEnsemble(list(net.W), list(net.b), feedback, Z, **given)


def learn_both(net, oracle, nudges):
    """All images through both; what ours recorded, and all examples of the other."""
    _, recording = learn(net, IMAGES, LABELS, nudges)
    target = np.eye(4)[LABELS]
    examples = [
        oracle.train_example(image, onehot, nudge_step=nudge, T=T)
        for image, onehot, nudge in zip(IMAGES, target, nudges, strict=True)
    ]
    return recording, examples


@pytest.mark.parametrize("sizes", [(30, 12, 4), (30, 12, 9, 4)], ids=["one hidden", "two hidden"])
@pytest.mark.parametrize("form", FORMS)
def test_every_rate_potential_and_weight_equals_the_transcription(form, sizes):
    net, oracle = pair(sizes, *FORMS[form], kind=Watched)
    nudges = CHANCE.integers(net.parameters.nudge_after, T - len(net.W), 20, endpoint=True)
    before = [W.copy() for W in net.W]
    recording, examples = learn_both(net, oracle, nudges)
    for k, layer in enumerate(recording.layers[1:], 1):
        for variable in ("h", "p", "beta", "u"):
            if variable == "u" and k == len(net.W):
                continue
            theirs = np.concatenate([getattr(example, variable)[k] for example in examples])
            ours = getattr(recording, variable)[layer]
            np.testing.assert_allclose(ours, theirs.T, rtol=0, atol=1e-10, err_msg=variable)
    for k, W in enumerate(net.W, 1):
        assert np.abs(W - before[k - 1]).max() > 1e-8
        np.testing.assert_allclose(W, oracle.W[k], rtol=0, atol=1e-10)
        np.testing.assert_allclose(net.b[k - 1], oracle.b[k], rtol=0, atol=1e-10)
    for k in range(1, len(net.W)):
        np.testing.assert_allclose(net.Y[k - 1], oracle.Y[k].T, rtol=0, atol=1e-10)
        if net.parameters.sst != "none":
            np.testing.assert_allclose(net.Z[k - 1], oracle.Z[k], rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_leaving_out_steps_that_reach_no_weight_changes_no_bit_of_a_weight(form):
    nudges = CHANCE.integers(5, 8, 20)
    results = []
    for kind in (Watched, BurstEnsembleNetwork):
        net, _ = pair((30, 12, 9, 4), *FORMS[form], kind=kind)
        simulation, _ = learn(net, IMAGES, LABELS, nudges)
        results.append([*net.W, *net.b, *net.Y, *net.Z, simulation.result("loss", 20)])
    assert all(np.array_equal(one, other) for one, other in zip(*results, strict=True))


@pytest.mark.parametrize("form", list(FORMS)[1:])
def test_every_form_differs_from_the_talks_by_far_more_than_rounding(form):
    nudges = np.full(20, 5)
    final = []
    for name in ("talks, inhibition learned", form):
        net, _ = pair((30, 12, 9, 4), *FORMS[name])
        learn(net, IMAGES, LABELS, nudges)
        final.append(net)
    different = [
        np.abs(a - b).max()
        for name in ("W", "Y", "Z")
        for a, b in zip(getattr(final[0], name), getattr(final[1], name), strict=True)
    ]
    assert max(different) > 1e-6


def test_backpropagation_equals_the_transcription():
    net, oracle = pair((30, 12, 9, 4), {"backpropagation": True}, {})
    learn(net, IMAGES, LABELS, np.full(20, 6))
    for image, onehot in zip(IMAGES, np.eye(4)[LABELS], strict=True):
        oracle.train_backprop(image, onehot)
    for k, W in enumerate(net.W, 1):
        np.testing.assert_allclose(W, oracle.W[k], rtol=0, atol=1e-12)


def test_the_angle_is_that_between_our_update_and_that_of_backpropagation():
    net, oracle = pair((30, 12, 9, 4), {"measure_angle": True}, {})
    expected = np.zeros((20, 2))
    for n, (image, onehot) in enumerate(zip(IMAGES, np.eye(4)[LABELS], strict=True)):
        errors = oracle.backprop_deltas(image, onehot)
        example = oracle.train_example(image, onehot, nudge_step=6, T=T)
        for k in (1, 2):
            product = example.delta[k] @ errors[k]
            lengths = np.linalg.norm(example.delta[k]) * np.linalg.norm(errors[k])
            expected[n, k - 1] = product / lengths
    simulation, _ = learn(net, IMAGES, LABELS, np.full(20, 6))
    np.testing.assert_allclose(simulation.result("cosine", 20), expected, rtol=0, atol=1e-9)
