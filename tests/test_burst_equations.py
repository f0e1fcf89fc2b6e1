"""What is true of burst ensembles and burstprop, of the models as of their transcriptions."""

import numpy as np
import pytest
from naive_burst_ensemble import (
    NaiveBurstEnsemble,
    NaiveBurstprop,
    boxcar,
    initial_weights,
    sigmoid,
)

from tests.watched_bursts import ModelBurstEnsemble

SIZES = (7, 6, 5, 4, 3)  # three hidden layers


def transcription(sizes=SIZES, seed=0, W=2.0, Y=2.0, Z=(0.0, 0.3), kind=NaiveBurstEnsemble, **more):
    rng = np.random.default_rng(seed)
    return kind(*initial_weights(sizes, rng, W=[W] * (len(sizes) - 1), Y=Y, Z=Z), **more)


@pytest.fixture(params=[NaiveBurstEnsemble, ModelBurstEnsemble])
def kind(request):
    """The transcription or the model."""
    return request.param


@pytest.fixture
def ensemble(kind):
    return lambda *sizes, **options: transcription(*sizes, kind=kind, **options)


def an_image(net, seed=1):
    return np.random.default_rng(seed).uniform(0, 1, net.sizes[0])


def onehot(net, label=1):
    return np.eye(net.sizes[-1])[label]


def train(net, image=None, label=1, settle=30, **options):
    """An example in which everything has settled when the nudge comes."""
    image = an_image(net) if image is None else image
    options = {"nudge_step": settle, "T": settle + net.K + 2} | options
    return net.train_example(image, onehot(net, label), **options)


def arrival(net, k, nudge_step=30):
    return nudge_step + net.K - k


def numerical_gradient(function, x, step=1e-6):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        there, back = x.copy(), x.copy()
        there[i] += step
        back[i] -= step
        gradient[i] = (function(there) - function(back)) / (2 * step)
    return gradient


def angle(a, b):
    cosine = np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


# ------------------------------------------------------------------ dynamics


def test_rates_settle_to_those_of_a_feedforward_network(ensemble):
    net = ensemble()
    h = image = an_image(net)
    ex = net.test_example(image, T=10)
    for k in net.layers:
        h = 1 / (1 + np.exp(-(h @ net.W[k] + net.b[k])))
        assert np.allclose(ex.h[k][-1], h, rtol=1e-12)


def test_an_image_reaches_layer_k_in_step_k_minus_1_and_not_before(ensemble):
    net = ensemble()
    first = net.test_example(an_image(net, 1), T=20)
    second = net.test_example(an_image(net, 2), T=20)
    for k in net.layers:
        changed = np.any(second.h[k] != first.h[k][-1], axis=1)
        assert np.flatnonzero(changed)[0] == k - 1


def test_feedback_comes_from_the_step_before_across_examples_too(ensemble):
    net = ensemble(Z=(0, 0))
    first = net.test_example(an_image(net, 1), T=20)
    second = net.test_example(an_image(net, 2), T=1)
    for k in net.hidden:
        assert np.allclose(second.u[k][0], net.Y[k] @ first.beta[k + 1][-1], rtol=1e-12)


@pytest.mark.parametrize("sst", ["beta", "h"])
def test_sst_cells_take_away_from_u_what_their_layer_sent_them_a_step_before(ensemble, sst):
    with_them, without = ensemble(sst=sst), ensemble(sst=sst, Z=(0, 0))
    a, b = (net.test_example(an_image(net), T=2) for net in (with_them, without))
    for k in with_them.hidden:
        sent = (a.beta if sst == "beta" else a.h)[k][0]
        removed = sum(sent[i] * with_them.Z[k][i] for i in range(len(sent)))
        # In step 0 nothing had been sent; in step 1 only what was sent in step 0 differs.
        feedback = with_them.Y[k] @ (a.beta[k + 1][0] - b.beta[k + 1][0])
        assert np.allclose(a.u[k][1] - b.u[k][1], feedback - removed, rtol=1e-12)


def test_the_burst_probability_is_p0_in_the_output_and_a_half_without_feedback(ensemble):
    net = ensemble(Y=0, Z=(0, 0), p0=0.17)
    ex = net.test_example(an_image(net), T=5)
    assert np.all(ex.p[net.K] == 0.17)
    assert all(np.all(ex.p[k] == 0.5) for k in net.hidden)


@pytest.mark.parametrize(("offset", "settles"), [(1.6, True), (2.4, False)])
def test_an_offset_of_more_than_2_makes_strong_sst_cells_oscillate(kind, offset, settles):
    # Z beta cancels the offset at u = 0 (p = 1/2): loop gain Z h p (1 - p) = offset / 2.
    W = [np.zeros((1, 1)), np.zeros((1, 1))]
    b = [np.zeros(1), np.zeros(1)]
    Y, Z = [[[offset / 0.1]]], [[[offset / 0.25]]]
    net = kind(W, b, Y, Z, alpha=0.0)
    net.train_example(np.zeros(1), np.ones(1), nudge_step=5, T=10)  # u = 0 is left
    u = net.test_example(np.zeros(1), T=400).u[1][:, 0]
    if settles:
        assert abs(u[-1]) < 1e-9
    else:
        assert u[-1] == pytest.approx(u[-3], rel=1e-6)
        assert u[-1] * u[-2] < -0.1


# ------------------------------------------------------------------ nudge


def test_a_nudge_moves_each_output_towards_its_target_for_one_step(ensemble):
    net = ensemble(alpha=0.0, lam=0.3)
    ex = train(net)
    before, nudged, after = ex.h[net.K][29:32]
    missing = onehot(net) - before
    assert np.allclose(nudged - before, 0.3 * missing, rtol=1e-12)
    assert np.allclose(after, before, rtol=1e-12)
    change = ex.beta[net.K][30] - ex.beta[net.K][29]
    assert np.array_equal(np.sign(change), np.sign(missing))


def test_a_full_nudge_replaces_the_output_by_the_target(ensemble):
    net = ensemble(alpha=0.0, lam=1.0)
    ex = train(net)
    assert np.array_equal(ex.h[net.K][30], onehot(net))
    assert np.allclose(ex.beta[net.K][30], 0.2 * onehot(net))


@pytest.mark.parametrize("sizes", [(7, 5, 3), (7, 6, 5, 3), SIZES])
@pytest.mark.parametrize("feedback", ["beta", "gated"])
def test_a_nudge_reaches_layer_k_after_K_minus_k_steps_and_not_before(ensemble, sizes, feedback):
    nudged, left_alone = (ensemble(sizes, alpha=0.0, feedback=feedback) for _ in range(2))
    a = train(nudged)
    b = left_alone.test_example(an_image(left_alone), T=len(a.h[1]))
    for k in nudged.layers:
        differs = np.any(a.beta[k] != b.beta[k], axis=1)
        assert np.flatnonzero(differs)[0] == 30 + nudged.K - k
        if k < nudged.K:
            assert np.array_equal(a.h[k], b.h[k])


def test_a_nudge_that_would_reach_layer_1_after_the_example_is_refused():
    net = transcription((7, 5, 3))
    train(net, nudge_step=8, T=10)
    with pytest.raises(ValueError, match="does not reach layer 1"):
        train(net, nudge_step=9, T=10)


def test_a_late_nudge_can_teach_those_layers_alone_that_it_reaches_in_its_example():
    net = transcription((7, 5, 3), drop_late=True)
    W_before = list(net.W)
    ex = train(net, nudge_step=9, T=10)
    assert np.any(ex.dW[2])
    assert ex.dW[1] is None
    assert np.array_equal(ex.W[1], W_before[1])
    # It goes on to the hidden layer in the first step of the next example, which learns nothing.
    after = net.test_example(an_image(net), T=1)
    assert np.allclose(after.u[1][0], net.Y[1] @ ex.beta[2][9] - ex.beta[1][9] @ net.Z[1])
    assert np.array_equal(after.W[1], W_before[1])


# ------------------------------------------------------------------ learning of W


@pytest.mark.parametrize(
    "options",
    [
        *({"sst": sst, "feedback": f} for sst in ("beta", "h") for f in ("beta", "gated")),
        {"output": "relu", "W": 1.0},
        {"Z": (0.0, 0.0)},
        {"sizes": (7, 5, 3)},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [0, 3])
def test_W_and_b_go_down_the_gradient_of_the_burst_error_with_its_target_fixed(
    ensemble, options, seed
):
    net = ensemble(**{"seed": seed, "alpha": 0.3, "Z": (0, 0.1), **options})
    W, b = [None, *net.W[1:]], [None, *net.b[1:]]
    ex = train(net)
    for k in net.layers:
        s = arrival(net, k)
        below = an_image(net) if k == 1 else ex.h[k - 1][s - 2]
        target, p = ex.beta[k][s], ex.p[k][s - 1]

        rectified = k == net.K and "output" in options

        def burst_error(W_k, b_k, below=below, target=target, p=p, rectified=rectified):
            v = below @ W_k + b_k
            h = np.maximum(v, 0.0) if rectified else 1 / (1 + np.exp(-v))
            return 0.5 * np.sum((target - p * h) ** 2)

        in_W = numerical_gradient(lambda W_k, k=k, L=burst_error: L(W_k, b[k]), W[k])
        in_b = numerical_gradient(lambda b_k, k=k, L=burst_error: L(W[k], b_k), b[k])
        assert np.abs(in_W).max() > 1e-7
        assert np.allclose(ex.dW[k], -0.3 * in_W, rtol=1e-4, atol=1e-5 * np.abs(in_W).max())
        assert np.allclose(ex.db[k], -0.3 * in_b, rtol=1e-4, atol=1e-5 * np.abs(in_b).max())
        assert np.array_equal(ex.W[k], W[k] + ex.dW[k])
        assert np.array_equal(ex.b[k], b[k] + ex.db[k])


def test_a_small_step_lowers_the_burst_error_of_the_output_for_the_same_image():
    fell = []
    for seed in range(100):
        net = transcription((7, 5, 3), seed=seed, alpha=0.5)
        errors = []
        for _ in range(2):
            ex = train(net, an_image(net, seed), label=seed % 3)
            errors.append(np.sum((ex.beta[2][30] - ex.beta[2][29]) ** 2))
        fell.append(errors[1] < errors[0])
    assert np.mean(fell) >= 0.99


def test_layers_learn_at_their_own_rates(ensemble):
    slow, fast = ensemble(alpha=1.0), ensemble(alpha=(1, 2, 3, 4))
    a, b = train(slow), train(fast)
    assert np.allclose(b.dW[4], 4 * a.dW[4], rtol=1e-12)  # the first to learn, from equal states
    assert np.allclose(b.dW[1], a.dW[1], rtol=0.05)


def test_the_weights_of_a_layer_are_new_in_the_step_after_the_nudge_has_arrived(ensemble):
    net = ensemble(alpha=1.0)
    ex = train(net, T=50)
    for k in net.layers:
        changes = np.flatnonzero(np.any(np.diff(ex.h[k], axis=0) != 0, axis=1)) + 1
        late = changes[changes > 30]
        assert late[0] == arrival(net, k) + 1  # new weights are used from the next step on


def test_an_update_before_the_network_has_settled_pairs_each_layer_with_what_it_had_seen():
    net = transcription((7, 5, 3), alpha=1.0)
    images = an_image(net, 1), an_image(net, 2)
    first = net.test_example(images[0], T=20)
    second = train(net, images[1], nudge_step=1, T=5)
    # h_2(0), before the nudge, was computed from h_1(-1): of the image before.
    assert np.allclose(second.dW[2], np.outer(first.h[1][-1], second.delta[2]))
    # h_1(1), before the nudge arrived, was computed from the image now shown.
    assert np.allclose(second.dW[1], np.outer(images[1], second.delta[1]))


def test_a_boxcar_that_is_always_1_leaves_the_burst_change_of_hidden_layers_as_it_is(ensemble):
    net = ensemble((7, 5, 3), derivative="boxcar", m=0.0, v=4.0, alpha=0.5, output="relu")
    ex = train(net)
    change = ex.beta[1][31] - ex.beta[1][30]
    assert np.allclose(ex.dW[1], 0.5 * np.outer(an_image(net), change), rtol=1e-12)


def test_a_boxcar_silences_units_whose_burst_rate_is_outside(ensemble):
    ex = train(ensemble((7, 40, 3), derivative="boxcar", m=0.2, v=0.1))
    beta = ex.beta[1][30]
    outside = (beta < 0.1) | (beta > 0.3)
    assert 5 < np.sum(outside) < 35
    assert np.array_equal(ex.delta[1] == 0, outside)


def test_the_edges_of_a_boxcar_are_inside():
    assert boxcar(np.array([0.24, 0.25, 0.75, 0.76]), 0.5, 0.25).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("derivative", ["exact", "boxcar"])
def test_relu_outputs_learn_only_while_they_are_on(ensemble, derivative):
    net = ensemble(output="relu", seed=3, derivative=derivative, W=1.0)
    ex = train(net)
    on = ex.h[net.K][29] > 0
    assert 0 < np.sum(on) < 3
    expected = 0.2 * 0.2 * 0.5 * (onehot(net) - ex.h[net.K][29])
    assert np.allclose(ex.delta[net.K], np.where(on, expected, 0), rtol=1e-12)


def test_with_feedback_along_the_forward_weights_the_local_error_is_near_that_of_backprop():
    rng = np.random.default_rng(0)
    W, b, _, _ = initial_weights((100, 200, 10), rng)
    angles = {}
    for name, Y in (("aligned", W[1]), ("random", rng.uniform(-1, 1, (200, 10)))):
        net = NaiveBurstEnsemble(W, b, [Y], alpha=0.0)
        angles[name] = []
        for i in range(30):
            image, label = rng.uniform(0, 1, 100), i % 10
            ex = net.train_example(image, np.eye(10)[label], nudge_step=6, T=8)
            backprop = net.backprop_deltas(image, np.eye(10)[label])
            angles[name].append(angle(ex.delta[1], backprop[1]))
    assert np.mean(angles["aligned"]) < 30
    assert 75 < np.mean(angles["random"]) < 105


def test_the_local_error_is_the_linear_one_where_the_nudge_is_weak(ensemble):
    net = ensemble(alpha=0.0, lam=1e-6, Z=(0, 0.1))
    ex = train(net, settle=60)
    change = ex.beta[net.K][60] - ex.beta[net.K][59]
    for k in reversed(net.hidden):
        s = arrival(net, k, 60)
        p, h = ex.p[k][s - 1], ex.h[k][s - 1]
        change = h * p * (1 - p) * (net.Y[k] @ change)
        assert np.allclose(ex.beta[k][s] - ex.beta[k][s - 1], change, rtol=1e-4, atol=0)


# ------------------------------------------------------------------ feedback


def test_gated_feedback_from_the_output_is_p0_times_that_of_the_talks(ensemble):
    as_in_talks, gated = (ensemble((7, 5, 3), feedback=f, Z=(0, 0)) for f in ("beta", "gated"))
    a, b = (net.test_example(an_image(net), T=10) for net in (as_in_talks, gated))
    assert np.allclose(b.u[1][1:], 0.2 * a.u[1][1:], rtol=1e-12)


def test_gated_feedback_to_deeper_layers_leaves_out_units_outside_of_the_boxcar(ensemble):
    net = ensemble((7, 6, 30, 3), feedback="gated", m=0.2, v=0.1, Z=(0, 0))
    ex = net.test_example(an_image(net), T=30)
    inside = [0.1 <= beta <= 0.3 for beta in ex.beta[2][-2]]
    assert 3 < sum(inside) < 27
    expected = sum(
        net.Y[1][:, j] * ex.beta[2][-2][j] for j in range(30) if inside[j]
    )  # one source after the other
    assert np.allclose(ex.u[1][-1], expected, rtol=1e-12)


# ------------------------------------------------------------------ learning of Z and Y


@pytest.mark.parametrize("sst", ["beta", "h"])
def test_Z_goes_down_the_gradient_of_the_distance_of_u_from_gamma(ensemble, sst):
    net = ensemble(sst=sst, alpha=0.0, alpha_Z=0.01, gamma=0.07)
    Z = [None, *net.Z[1:]]
    ex = train(net)
    for k in net.hidden:
        s = arrival(net, k)
        seen = (ex.beta if sst == "beta" else ex.h)[k][s - 1]
        feedback = net.Y[k] @ ex.beta[k + 1][s - 1]

        def distance(Z_k, seen=seen, feedback=feedback):
            return 0.5 * np.sum((0.07 - (feedback - seen @ Z_k)) ** 2)

        gradient = numerical_gradient(distance, Z[k])
        assert np.allclose(ex.dZ[k], -0.01 * gradient, rtol=1e-4, atol=1e-9)
        assert np.array_equal(ex.Z[k], Z[k] + ex.dZ[k])


def test_one_step_of_Z_brings_u_nearer_to_gamma_by_alpha_times_the_squared_norm_of_beta(ensemble):
    net = ensemble((7, 5, 3), alpha=0.0, alpha_Z=0.05, Z=(0, 0))
    ex = train(net)
    beta, feedback = ex.beta[1][30], net.Y[1] @ ex.beta[2][30]
    u = feedback - beta @ ex.Z[1]
    expected = (1 - 0.05 * np.sum(beta**2)) * (ex.u[1][31] - net.gamma)
    assert np.allclose(u - net.gamma, expected, rtol=1e-9)


@pytest.mark.parametrize("sst", ["beta", "h"])
def test_SST_cells_that_learn_bring_the_apical_potential_to_gamma(ensemble, sst):
    net = ensemble((7, 5, 3), sst=sst, alpha=0.0, alpha_Z=0.1, gamma=0.05, lam=1e-9, Y=8.0)
    u = [train(net, settle=5).u[1][-1] for _ in range(400)]
    assert np.abs(u[0] - 0.05).max() > 0.3
    assert np.allclose(u[-1], 0.05, atol=1e-3)


def test_a_potential_above_gamma_makes_inhibition_grow_and_one_below_makes_it_shrink(ensemble):
    net = ensemble((7, 20, 3), alpha=0.0, alpha_Z=0.1, Z=(0, 0.02))
    ex = train(net)
    above = ex.u[1][31] > net.gamma
    assert 2 < np.sum(above) < 18
    assert np.all(ex.dZ[1][:, above] > 0)
    assert np.all(ex.dZ[1][:, ~above] < 0)


@pytest.mark.parametrize("clip", [False, True])
def test_clipped_Z_stays_inhibitory(ensemble, clip):
    net = ensemble((7, 20, 3), alpha=0.0, alpha_Z=0.5, clip_Z=clip)
    for _ in range(10):
        ex = train(net, settle=5)
    assert (ex.Z[1].min() >= 0) == clip


def test_a_layer_without_learning_rates_keeps_its_weights(ensemble):
    net = ensemble(alpha=0.0)
    before = [*net.W[1:], *net.b[1:], *net.Y[1:-1], *net.Z[1:-1]]
    ex = train(net)
    after = [*ex.W[1:], *ex.b[1:], *ex.Y[1:-1], *ex.Z[1:-1]]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_Y_goes_down_the_gradient_of_the_distance_of_u_max_from_its_range(ensemble):
    net = ensemble(alpha=0.0, alpha_Y=1e-3)
    Y, Z = [None, *net.Y[1:-1]], net.Z
    ex = train(net)
    for k in net.hidden:
        mean_inhibition = np.mean(ex.beta[k][arrival(net, k) - 1] @ Z[k])

        def distance(Y_k, mean_inhibition=mean_inhibition):
            u_max = np.abs(Y_k).sum(axis=1) / mean_inhibition
            return np.sum((2.0 - u_max) ** 2)

        gradient = numerical_gradient(distance, Y[k])
        assert np.allclose(ex.dY[k], -1e-3 * gradient, rtol=1e-4)
        assert np.array_equal(ex.Y[k], Y[k] + ex.dY[k])


# ------------------------------------------------------------------ backpropagation


@pytest.mark.parametrize("output", ["sigmoid", "relu"])
def test_backpropagation_goes_down_the_gradient_of_the_squared_error(ensemble, output):
    net = ensemble(alpha=0.5, output=output)
    image, target = an_image(net), onehot(net)
    W, b = [None, *net.W[1:]], [None, *net.b[1:]]

    def squared_error(k, W_k, b_k):
        h = image
        for layer in net.layers:
            v = h @ (W_k if layer == k else W[layer]) + (b_k if layer == k else b[layer])
            is_relu = output == "relu" and layer == net.K
            h = np.maximum(v, 0) if is_relu else 1 / (1 + np.exp(-v))
        return 0.5 * 0.5 * 0.2 * 0.2 * np.sum((target - h) ** 2)

    net.train_backprop(image, target)
    for k in net.layers:
        in_W = numerical_gradient(lambda W_k, k=k: squared_error(k, W_k, b[k]), W[k])
        in_b = numerical_gradient(lambda b_k, k=k: squared_error(k, W[k], b_k), b[k])
        assert np.abs(in_W).max() > 1e-6
        assert np.allclose(net.W[k] - W[k], -0.5 * in_W, rtol=1e-4, atol=1e-10)
        assert np.allclose(net.b[k] - b[k], -0.5 * in_b, rtol=1e-4, atol=1e-10)


def test_the_nudge_gives_the_output_the_error_of_backpropagation(ensemble):
    net = ensemble(alpha=0.0)
    ex = train(net)
    backprop = net.backprop_deltas(an_image(net), onehot(net))
    assert np.allclose(ex.delta[net.K], backprop[net.K], rtol=1e-9)


# ------------------------------------------------------------------ learning as a whole


def learning_task(rng, n_classes=3, n=12):
    prototypes = rng.uniform(0, 1, (n_classes, n))
    return lambda label: np.clip(prototypes[label] + 0.1 * rng.standard_normal(n), 0, 1)


@pytest.mark.parametrize(("alpha_1", "learns"), [(20.0, True), (0.0, False)])
def test_classes_are_told_apart_once_the_hidden_layer_learns_too(alpha_1, learns):
    rng = np.random.default_rng(0)
    draw = learning_task(rng)
    W, b, Y, Z = initial_weights((12, 20, 3), rng, W=(0.1, 0.1))
    net = NaiveBurstEnsemble(W, b, Y, Z, alpha=(alpha_1, 10.0), alpha_Z=1e-3)
    for label in rng.integers(0, 3, 600):
        net.train_example(draw(label), np.eye(3)[label], nudge_step=6, T=8)
    right = [np.argmax(net.settled_rates(draw(i % 3))[-1]) == i % 3 for i in range(150)]
    assert (np.mean(right) > 0.95) == learns


# ------------------------------------------------------------------ burstprop


def burstprop(sizes=(6, 5, 4, 3), seed=0, recurrent=True, symmetric=False, **options):
    rng = np.random.default_rng(seed)
    W, b, Y, R = initial_weights(sizes, rng, W=[1.0] * (len(sizes) - 1), Y=1.0, Z=(-0.3, 0.3))
    b = [rng.uniform(-0.5, 0.5, b_k.shape) for b_k in b]
    Y = W[1:] if symmetric else Y
    return NaiveBurstprop(W, b, Y, R if recurrent else None, **options)


def a_batch(net, n=8, seed=1):
    rng = np.random.default_rng(seed)
    n_in, n_out = net.W[1].shape[0], net.W[net.K].shape[1]
    return rng.uniform(0, 1, (n, n_in)), np.eye(n_out)[rng.integers(0, n_out, n)]


def backprop_of_half_the_squared_error(net, e, t):
    """d/dv_k for each sample of a batch, by hand."""
    deltas = [None] * net.K + [(e[net.K] - t) * e[net.K] * (1 - e[net.K])]
    for k in range(net.K - 1, 0, -1):
        deltas[k] = (deltas[k + 1] @ net.W[k + 1].T) * e[k] * (1 - e[k])
    return deltas


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_output_of_burstprop_goes_down_p0_times_the_gradient_summed_over_the_batch(recurrent):
    net = burstprop(recurrent=recurrent, lr=0.1, p0=0.3)
    x, t = a_batch(net)
    W, b = net.W[3], net.b[3]
    e = net.event_rates(x)[2]

    def loss(W_k, b_k):
        return 0.5 * np.sum((t - 1 / (1 + np.exp(-(e @ W_k + b_k)))) ** 2)

    net.train_batch(x, t)
    in_W = numerical_gradient(lambda W_k: loss(W_k, b), W)
    in_b = numerical_gradient(lambda b_k: loss(W, b_k), b)
    assert np.allclose(net.W[3] - W, -0.1 * 0.3 * in_W, rtol=1e-5, atol=1e-10)
    assert np.allclose(net.b[3] - b, -0.1 * 0.3 * in_b, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("recurrent", [False, True])
def test_hidden_burstprop_is_backprop_times_the_slope_of_p_for_a_small_teacher(recurrent):
    net = burstprop(recurrent=recurrent, symmetric=True)
    x, _ = a_batch(net)
    e = net.event_rates(x)
    t = e[net.K] + 1e-6 * np.random.default_rng(3).standard_normal(e[net.K].shape)
    s = net.burst_rates(x, t)
    expected = net.p0 * backprop_of_half_the_squared_error(net, e, t)[net.K]
    for k in (2, 1):
        expected = (expected @ net.W[k + 1].T) * e[k] * (1 - e[k]) * s.p[k] * (1 - s.p[k])
        assert np.abs(expected).max() > 0
        tolerance = 1e-4 * np.abs(expected).max()
        assert np.allclose(s.delta[k], expected, rtol=1e-3, atol=tolerance)
    assert np.all(np.abs(s.p[1] * (1 - s.p[1]) - 0.25) < 0.1)  # the factor is near 1/4


def test_recurrent_inhibition_is_the_same_with_and_without_the_teacher():
    net = burstprop()
    x, t = a_batch(net)
    s = net.burst_rates(x, t)
    for k in net.hidden:
        F_change = (s.b_t[k + 1] - s.b[k + 1]) @ net.Y[k].T
        assert np.allclose(s.u_t[k] - s.u[k], F_change * (1 - s.e[k]), rtol=1e-9, atol=1e-15)


def test_without_recurrent_inhibition_only_feedback_reaches_the_dendrite():
    net = burstprop(recurrent=False)
    x, t = a_batch(net)
    s = net.burst_rates(x, t)
    assert np.allclose(s.u[2], (s.b[3] @ net.Y[2].T) * (1 - s.e[2]), rtol=1e-12)


def test_R_goes_down_the_gradient_of_the_squared_potential():
    net = burstprop(lr=0.0, lr_R=0.01)
    R = [None, *net.R[1:-1]]
    x, t = a_batch(net)
    s = net.train_batch(x, t)
    for k in net.hidden:
        feedback = s.b[k + 1] @ net.Y[k].T

        def energy(R_k, k=k, feedback=feedback):
            ungated_bursts = s.e[k] / (1 + np.exp(-feedback))
            return 0.5 * np.sum((feedback * (1 - s.e[k]) - ungated_bursts @ R_k) ** 2)

        gradient = numerical_gradient(energy, R[k])
        assert np.allclose(net.R[k] - R[k], -0.01 * gradient, rtol=1e-5, atol=1e-10)


def test_R_that_learns_silences_the_dendrite():
    net = burstprop((6, 5, 3), lr=0.0, lr_R=0.05)
    x, t = a_batch(net, n=3)
    potentials = [np.abs(net.train_batch(x, t).u[1]).max() for _ in range(3000)]
    assert potentials[-1] < 0.02 * potentials[0]


def test_a_velocity_goes_on_by_its_momentum_when_the_gradient_is_gone():
    net = burstprop(lr=0.1, momentum=0.8)
    W, b = net.W[2], net.b[2]
    net.train_batch(*a_batch(net))
    first_W, first_b = net.W[2] - W, net.b[2] - b
    net.lr = [None, 0.0, 0.0, 0.0]
    for n in (1, 2):
        W, b = net.W[2], net.b[2]
        net.train_batch(*a_batch(net))
        assert np.allclose(net.W[2] - W, 0.8**n * first_W, rtol=1e-9)
        assert np.allclose(net.b[2] - b, 0.8**n * first_b, rtol=1e-9)


def test_weights_decay_by_a_factor_that_has_nothing_to_do_with_the_rate_and_biases_do_not():
    net = burstprop(lr=0.0, weight_decay=0.01)
    W, b, Y = net.W[1], net.b[1], net.Y[1]
    for _ in range(10):
        net.train_batch(*a_batch(net))
    assert np.allclose(net.W[1], 0.99**10 * W, rtol=1e-12)
    assert np.array_equal(net.b[1], b)
    assert np.array_equal(net.Y[1], Y)  # feedback is fixed


def test_learned_feedback_approaches_the_forward_weights_as_fast_as_they_decay():
    net = burstprop(lr=0.1, momentum=0.5, weight_decay=0.01, learn_feedback=True)
    apart = [net.Y[k] - net.W[k + 1] for k in net.hidden]
    for seed in range(20):
        net.train_batch(*a_batch(net, seed=seed))
    for k in net.hidden:
        assert np.allclose(net.Y[k] - net.W[k + 1], 0.99**20 * apart[k - 1], rtol=1e-9)


@pytest.mark.parametrize("recurrent", [False, True])
def test_burstprop_lowers_the_squared_error(recurrent):
    net = burstprop((6, 8, 3), recurrent=recurrent, lr=5.0, momentum=0.5)
    x, t = a_batch(net, n=12)
    before = np.sum((net.event_rates(x)[-1] - t) ** 2)
    for _ in range(1000):
        net.train_batch(x, t)
    assert np.sum((net.event_rates(x)[-1] - t) ** 2) < 0.2 * before


def test_initial_weights_are_uniform_within_their_ranges():
    rng = np.random.default_rng(0)
    W, b, Y, Z = initial_weights((50, 40, 30, 10), rng, W=(0.05, 0.1, 0.01), Y=2.0, Z=(0, 0.3))
    assert [W_k.shape for W_k in W] == [(50, 40), (40, 30), (30, 10)]
    assert [Y_k.shape for Y_k in Y] == [(40, 30), (30, 10)]
    assert [Z_k.shape for Z_k in Z] == [(40, 40), (30, 30)]
    for array, low, high in [
        (W[0], -0.05, 0.05),
        (W[1], -0.1, 0.1),
        (W[2], -0.009, 0.011),
        (Y[0], -2, 2),
        (Z[0], 0, 0.3),
    ]:
        width = high - low
        assert low <= array.min() < low + 0.05 * width
        assert high - 0.05 * width < array.max() <= high
    assert not any(b_k.any() for b_k in b)


def test_sigmoid_is_a_half_at_0_and_e_to_1_at_1():
    assert sigmoid(0.0) == 0.5
    assert sigmoid(1.0) / (1 - sigmoid(1.0)) == pytest.approx(np.e)
