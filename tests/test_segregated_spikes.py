"""The segregated-dendrite network equals a NumPy transcription that is fed the same spikes."""

import numpy as np
import pytest
from naive_segregated import NaiveSegregated

from spikesim.learning.model import TRAINING
from spikesim.models.segregated import SegregatedDendriteNetwork

OPTIONS = {
    "as published": {},
    "untruncated kernel": {"memory": None},
    "memory longer than a phase has room for": {"memory": 40},
    "weak apical conductance": {"g_A": 0.05},
    "weak apical conductance, untruncated": {"g_A": 0.05, "memory": None},
    "symmetric": {"symmetric": True},
    "noisy symmetric": {"symmetric": True, "symmetric_noise": 0.05},
    "layered": {"feedback": "layered"},
    "layered with weak apical conductance": {"feedback": "layered", "g_A": 0.05},
    "learned": {"feedback_learning": True, "eta_Y": 0.02},
    "jittered plateaus": {"plateau_jitter": 3.0},
    "jittered plateaus, learned": {
        "plateau_jitter": 3.0,
        "feedback_learning": True,
        "eta_Y": 0.02,
    },
    "jittered plateaus, untruncated": {"plateau_jitter": 3.0, "memory": None},
    "backpropagation": {"backpropagation": True},
    "all measured": {"measure_angle": True, "measure_inverse": True},
}
SIZES = (8, 6, 5, 3)
EXAMPLES = 4


def replayed(net, options, images, labels):
    """Train the transcription with the spikes that the network emitted, example by example."""
    simulation = net.training
    populations = simulation.network.populations.values()
    recordings = [simulation.network.record_spikes(p) for p in populations]
    lengths = net.lengths(EXAMPLES, TRAINING)
    lags = [rows for _, rows in net.per_trial(simulation, EXAMPLES)]
    weights = [[array.copy() for array in arrays] for arrays in (net.W, net.b, net.Y)]
    names = {"feedback_learning": "learn_feedback", "backpropagation": "backprop"}
    left_out = ("sparse", "symmetric_noise", "plateau_jitter", "measure_angle", "measure_inverse")
    oracle = NaiveSegregated(
        *weights,
        eta=net.parameters.eta,
        **{names.get(key, key): value for key, value in options.items() if key not in left_out},
    )
    if options.get("symmetric_noise"):
        oracle.Y = [Y.copy() for Y in weights[2]]
    history = net.fit(images, labels, shuffle=False)
    counts = []
    for recording, layer in zip(recordings, simulation.layers, strict=True):
        dense = np.zeros((lengths.sum(), layer.n), np.int64)
        np.add.at(dense, (recording.steps, recording.i), 1)
        counts.append(dense)
    results, begin = [], 0
    for k in range(EXAMPLES):
        forward, target = lengths[k]
        now = slice(begin, begin + forward + target)
        begin = now.stop
        if options.get("symmetric_noise"):
            noise = net.chance("noise", k + 1)
            drawn = {m: 0.05 * noise.standard_normal(net.W[m + 1].shape) for m in (1, 0)}
            oracle.feedback_noise = lambda m, shape, drawn=drawn: drawn[m]
        results.append(
            oracle.train_example(
                images[k],
                labels[k],
                input_counts=counts[0][now],
                emit=lambda m, step, rate, first=now.start: counts[m + 1][first + step],
                T_f=forward,
                T_t=target,
                lags_f=[lag[k, 0] for lag in lags] or None,
                lags_t=[lag[k, 1] for lag in lags] or None,
            )
        )
    return oracle, results, history


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_spikes_leave_the_weights_of_the_transcription(name):
    options = OPTIONS[name]
    chance = np.random.default_rng(5)
    images = chance.random((EXAMPLES, 8)) * (chance.random((EXAMPLES, 8)) > 0.3)
    labels = chance.integers(0, 3, EXAMPLES)
    net = SegregatedDendriteNetwork(
        SIZES, seed=2, dtype="float64", backend="python", eta=0.05, **options
    )

    oracle, results, history = replayed(net, options, images, labels)

    for own, theirs in ((net.W, oracle.W), (net.b, oracle.b), (net.Y, oracle.Y)):
        for mine, other in zip(own, theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-9)
    np.testing.assert_allclose(net.training.layers[-1].V, oracle.V[-1], atol=1e-9)
    assert history["loss"][0] == pytest.approx(np.mean([r.loss for r in results]), abs=1e-12)
    if name == "all measured":
        angles = np.mean([r.angle for r in results], axis=0)
        np.testing.assert_allclose(history["angle"][0], angles, atol=1e-6)
        assert history["max_eigenvalue"][0] == pytest.approx(results[-1].max_eigenvalue, abs=1e-9)
