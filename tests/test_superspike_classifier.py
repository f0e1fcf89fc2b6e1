"""`SuperSpikeClassifier`: its equations, written out for one presentation, and what it learns.

`presented` shows one image to a network, step by step in NumPy. Potentials and weights are in mV;
raw errors reach a hidden layer through W in V, or through B.
"""

import numpy as np
import pytest

from spikesim import InputError
from spikesim.models.superspike import SuperSpikeClassifier

CHANCE = np.random.default_rng(2)
SIZES = (8, 6, 5, 3)
IMAGES, LABELS = CHANCE.random((6, 8)), np.array([0, 1, 2, 0, 1, 2])
STRONG = {"w_0": 150.0, "w_max": 1000.0, "dtype": "float64", "backend": "python"}


def network(sizes=SIZES, seed=7, **options):
    return SuperSpikeClassifier(sizes, seed=seed, **{**STRONG, **options})


def presented(net, image, label, dt=0.5, delay=1.0, T=30.0, tail=20.0):
    """Spikes of each layer, the score of each output, and the sums over e lambda."""
    W, symmetric = [np.array(each) for each in net.W], net.parameters.feedback == "symmetric"
    late, shown, steps = round(delay / dt), round(T / dt), round((T + tail) / dt)
    n = [len(W[0]), *(each.shape[1] for each in W)]
    S = [np.zeros((steps, many)) for many in n]
    U = [np.full((steps, many), -60.0) for many in n]
    for i in np.flatnonzero(image >= 0.1):
        S[0][int(np.floor((1.0 - image[i]) * 10.0 / dt + 0.5)), i] = 1.0
    for m, w in enumerate(W, 1):
        v, current = np.full(n[m], -60.0), np.zeros(n[m])
        free_at = np.zeros(n[m])
        for k in range(shown):
            v = v + dt / 10.0 * (-60.0 - v + current)
            v[k < free_at] = -60.0
            fires = v > -50.0
            v[fires] = -60.0
            free_at[fires] = k + 5.0 / dt + 1
            S[m][k], U[m][k] = fires, v
            current = current * np.exp(-dt / 5.0)
            if k >= late:
                current = current + S[m - 1][k - late] @ w
    peak = (U[-1].max(axis=0) + 60.0) / 10.0
    score = S[-1].sum(axis=0) + peak

    wrong = S[-1].copy()
    wrong[:, label] = 0.0
    E = [np.zeros((steps, many)) for many in n]
    E[-1][late:] = -wrong[: steps - late]
    if not S[-1][:, label].any():
        E[-1][shown - 1 + late, label] = 1.0
    back = 1 if symmetric else 1 + late
    for m in range(len(W) - 1, 0, -1):
        B = W[m].T / 1000.0 if symmetric else np.array(net.B[m - 1])
        E[m][back:] = E[m + 1][: steps - back] @ B

    dW = []
    for m, w in enumerate(W, 1):
        is_output = m == len(W)
        wait = late if symmetric or is_output else 2 * late - 1
        x = psp = np.zeros(n[m - 1])
        PSP = np.zeros((steps, n[m - 1]))
        e_rise = e = np.zeros(n[m])
        l1 = trace = total = np.zeros(w.shape)
        slope = 1000.0 / (1.0 + np.abs(U[m] + 50.0)) ** 2
        slope[U[m] < -80.0] = 0.0
        for k in range(steps):
            if k:
                e_rise = e_rise + dt / 5.0 * (E[m][k - 1] - e_rise)
            e = e + dt / 10.0 * (e_rise - e)
            PSP[k] = psp
            if k >= wait:
                l1 = l1 + np.outer(PSP[k - wait], slope[k - wait])
            trace = trace + dt / 10.0 * (l1 - trace)
            l1 = l1 * np.exp(-dt / 5.0)
            total = total + e * trace
            x = (x + (S[m - 1][k - late] if k >= late else 0.0)) * np.exp(-dt / 5.0)
            psp = psp + dt / 10.0 * (x - psp)
        dW.append(total)
    return S, score, dW


@pytest.mark.parametrize("dt", [0.5, 1.0])
@pytest.mark.parametrize("feedback", ["symmetric", "random", "uniform"])
def test_the_update_is_the_sum_of_error_times_eligibility(feedback, dt):
    net = network(feedback=feedback, dt=dt, psp_cut=0.0, error_cut=0.0)
    naive = [presented(net, *each, dt=dt) for each in zip(IMAGES, LABELS, strict=True)]
    assert all(sum(S[m].sum() for S, _, _ in naive) > 3 for m in (1, 2, 3))
    found = net.update(IMAGES, LABELS)
    for m, dW in enumerate(found.dW):
        expected = np.mean([each[2][m] for each in naive], axis=0)
        assert np.abs(expected).max() > 0.0
        np.testing.assert_allclose(dW, expected, atol=1e-9 * np.abs(expected).max())


def test_the_answer_is_the_output_with_the_most_spikes_and_then_the_highest_potential():
    net = network()
    scores = [presented(net, image, 0)[1] for image in IMAGES]
    assert np.ptp([int(score.max()) for score in scores]) > 0  # some are decided by potentials
    np.testing.assert_array_equal(net.predict(IMAGES), np.argmax(scores, axis=1))


def test_a_bright_pixel_spikes_early_a_dim_one_late_and_a_dark_one_never():
    spikes = network().record([1.0, 0.75, 0.5, 0.11, 0.09, 0.0, 0.0, 0.0]).spikes["input"]
    np.testing.assert_allclose(spikes.t, [0.0, 2.5, 5.0, 9.0])
    np.testing.assert_array_equal(spikes.i, [0, 1, 2, 3])


def test_no_trial_leaves_anything_to_the_next():
    net = network()
    together = net.update(IMAGES, LABELS)
    alone = [net.update(IMAGES[k : k + 1], LABELS[k : k + 1]) for k in range(len(IMAGES))]
    for m, dW in enumerate(together.dW):
        mean = np.mean([each.dW[m] for each in alone], axis=0)
        np.testing.assert_allclose(dW, mean, atol=1e-12 * np.abs(mean).max())
    np.testing.assert_array_equal(net.predict(IMAGES[::-1]), net.predict(IMAGES)[::-1])


def test_the_first_update_is_as_large_as_the_learning_rate_wherever_there_is_a_gradient():
    net = network(eta=0.25, batch=6)
    before, g = [W.copy() for W in net.W], net.update(IMAGES, LABELS).dW
    net.learn(IMAGES, LABELS)
    for W, old, each in zip(net.W, before, g, strict=True):
        assert (each != 0.0).sum() >= 6
        np.testing.assert_allclose(W - old, 0.25 * np.sign(each), atol=1e-9)


def test_without_an_optimiser_weights_follow_the_mean_over_a_batch():
    net = network(optimizer="plain", eta=1e-3, batch=3)
    before, g = [W.copy() for W in net.W], net.update(IMAGES[:3], LABELS[:3]).dW
    net.learn(IMAGES[:3], LABELS[:3])
    for W, old, each in zip(net.W, before, g, strict=True):
        np.testing.assert_allclose(W - old, 1e-3 * each, atol=1e-12)


def test_symmetric_feedback_follows_the_weights():
    net = network()
    net.W[1] = 2.0 * net.W[1]
    net.learn(IMAGES, LABELS)
    for B, W in zip(net.B, net.W[1:], strict=True):
        np.testing.assert_array_equal(B, W.T)


def test_the_gradient_is_the_update_with_symmetric_feedback():
    symmetric, random = network(), network(feedback="random")
    other = random.gradient(IMAGES, LABELS)
    for own, dW in zip(symmetric.update(IMAGES, LABELS).dW, other.dW, strict=True):
        np.testing.assert_array_equal(dW, own)


def test_frozen_weights_stay_as_they_are():
    net = network(frozen=True)
    before = [W.copy() for W in net.W]
    net.learn(IMAGES, LABELS)
    np.testing.assert_array_equal(net.W[0], before[0])
    np.testing.assert_array_equal(net.W[1], before[1])
    assert (net.W[2] != before[2]).any()


def test_a_missing_spike_costs_one():
    net = network((8, 2), w_0=0.0, tail=100.0, dt=0.1)
    net.fit(IMAGES[:1], LABELS[:1])
    assert net.history["loss"] == [pytest.approx(1.0, rel=0.02)]


def test_it_learns_which_of_two_halves_is_bright():
    images = CHANCE.random((40, 8)) * 0.4
    labels = np.arange(40) % 2
    images[labels == 0, :4] += 0.5
    images[labels == 1, 4:] += 0.5
    net = network((8, 10, 2), w_0=50.0, backend="cpu", dtype="float32")
    net.fit(images, labels, 20)
    assert net.evaluate(images, labels) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T": 30.2}, "T is 30.2 ms; it has to be a multiple of dt"),
        ({"tail": 2.0}, "tail is 2 ms; .* at least 2.5 ms"),
        ({"latency": 40.0}, "latency is 40 ms; it has to be at most T, 30 ms"),
        ({"delay": 0.8}, "delay is 0.8 ms; it has to be a multiple of dt"),
        ({"sizes": (8, 3), "frozen": True}, "frozen is about hidden layers"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        network(**options)
