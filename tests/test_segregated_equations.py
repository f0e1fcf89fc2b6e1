"""What is true of segregated dendrites, of the transcription and, of rates, of the model too."""

from itertools import pairwise

import numpy as np
import pytest
from naive_segregated import (
    NaiveSegregated,
    angle_degrees,
    initial_weights,
    kappa,
    max_eigenvalue,
    phase_length,
    plateau_lags,
    poisson_counts,
    poisson_emitter,
    replay,
    sigmoid,
    sparse_feedback,
    sparse_mask,
    symmetric_feedback,
    weight_moments,
    window_mean,
)

from tests.model_segregated import ModelSegregated


@pytest.fixture(params=[NaiveSegregated, ModelSegregated])
def kind(request):
    """The transcription or the model."""
    return request.param


def small_network(sizes=(6, 5, 4, 3), seed=0, kind=NaiveSegregated, **options):
    rng = np.random.default_rng(seed)
    broadcast = options.get("feedback", "broadcast") == "broadcast"
    W, b, Y = initial_weights(sizes, rng, broadcast=broadcast)
    return kind(W, b, Y, **options)


def spiking_example(net, rng, label=1, T_f=50, T_t=50, **options):
    pixels = np.full(net.sizes[0], 0.8)
    return net.train_example(
        pixels,
        label,
        input_counts=poisson_counts(pixels, T_f + T_t, rng),
        emit=poisson_emitter(rng),
        T_f=T_f,
        T_t=T_t,
        **options,
    )


def silent(sizes, T):
    return replay([np.zeros((T, n)) for n in sizes])


# ------------------------------------------------------------------ kernel and PSP


def test_kappa_is_the_convolution_of_two_unit_exponentials():
    dt = 0.01
    t = np.arange(0, 60, dt)
    convolution = np.convolve(np.exp(-t / 3) / 3, np.exp(-t / 10) / 10)[: len(t)] * dt
    assert np.allclose(kappa(t), convolution, atol=1e-3)
    assert kappa(0.0) == 0.0


def test_kappa_peaks_where_its_derivative_says():
    t = np.linspace(0, 30, 300001)
    assert t[np.argmax(kappa(t))] == pytest.approx(30 / 7 * np.log(10 / 3), abs=1e-3)


@pytest.mark.parametrize("memory", [10, 4, None])
def test_a_spike_acts_from_its_own_step_for_memory_steps(memory):
    T = 60
    net = NaiveSegregated([np.array([[2.0]])], [np.array([0.5])], eta=0.0, memory=memory)
    counts = np.zeros((2 * T, 1))
    counts[3] = 1
    ex = net.train_example([0.0], 0, input_counts=counts, emit=silent([1], 2 * T), T_f=T, T_t=T)
    age = np.arange(T) - 3
    expected = np.where((age >= 0) & (age < (memory or T)), kappa(age + 1.0), 0.0)
    assert np.allclose(ex.forward.psp_B[0][:, 0], expected, atol=1e-15)
    assert np.allclose(ex.forward.V_B[0][:, 0], 0.5 + 2 * expected, atol=1e-15)


def test_untruncated_psp_follows_the_two_exponential_recursion():
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.3, (100, 2))
    net = NaiveSegregated([np.ones((2, 1))], [np.zeros(1)], eta=0.0, memory=None)
    ex = net.train_example([0, 0], 0, input_counts=counts, emit=silent([1], 100))
    slow = fast = np.zeros(2)
    for t, psp in enumerate([*ex.forward.psp_B[0], *ex.target.psp_B[0]]):
        slow = (slow + counts[t]) * np.exp(-1 / 10)
        fast = (fast + counts[t]) * np.exp(-1 / 3)
        assert np.allclose(psp, (slow - fast) / 7, atol=1e-14)


def test_psp_is_linear_in_the_spike_counts():
    rng = np.random.default_rng(2)
    first, second = rng.poisson(0.4, (2, 100, 6))
    traces = []
    for counts in (first, second, first + 3 * second):
        net = small_network()
        ex = net.train_example(np.zeros(6), 0, input_counts=counts, emit=silent([5, 4, 3], 100))
        traces.append(np.concatenate([ex.forward.psp_B[0], ex.target.psp_B[0]]))
    assert np.allclose(traces[2], traces[0] + 3 * traces[1], atol=1e-13)


@pytest.mark.parametrize("feedback", ["broadcast", "layered"])
def test_feedback_sees_a_spike_one_step_later_than_feedforward_does(feedback):
    net = small_network(feedback=feedback)
    counts = [np.zeros((100, n)) for n in (5, 4, 3)]
    counts[1][7, 2] = 1
    counts[2][9, 1] = 1
    ex = net.train_example(np.zeros(6), 0, input_counts=np.zeros((100, 6)), emit=replay(counts))
    forward = ex.forward
    rows = np.arange(50)[:, None]

    def response(start, unit, n):
        age = rows - start
        psp = np.where((age >= 0) & (age < 10), kappa(age + 1.0), 0.0)
        return psp * (np.arange(n) == unit)

    assert np.allclose(forward.psp_B[2], response(7, 2, 4))
    assert np.allclose(forward.psp_A[1], response(10, 1, 3))
    if feedback == "broadcast":
        assert np.allclose(forward.psp_A[0], response(10, 1, 3))
    else:
        assert np.allclose(forward.psp_A[0], response(8, 2, 4))


# ------------------------------------------------------------------ voltages


def test_somata_relax_geometrically_to_their_attenuated_drive():
    b = [np.array([1.0, -2.0]), np.array([0.5, 1.5])]
    net = NaiveSegregated([np.zeros((1, 2)), np.zeros((2, 2))], b, [np.ones((2, 2))], g_A=0.05)
    ex = net.train_example([0.0], 1, input_counts=np.zeros((100, 1)), emit=silent([2, 2], 100))
    t = np.arange(1, 51)[:, None]
    hidden = b[0] * 0.6 / 0.75 * (1 - (1 - 0.75) ** t)
    output = b[1] * 0.6 / 0.7 * (1 - (1 - 0.7) ** t)
    assert np.allclose(ex.forward.V[0], hidden, atol=1e-13)
    assert np.allclose(ex.forward.V[1], output, atol=1e-13)
    assert np.allclose(ex.target.V[1][-1], (0.6 * b[1] + [-8, 8]) / 1.7, atol=1e-10)


def test_rate_mode_is_the_steady_state_of_the_conductance_equations():
    options = {"eta": 0.0, "units_per_class": 2}
    W = [np.random.default_rng(3).normal(0, 5, (3, 4))]
    b = [np.array([0.3, -0.2, 0.1, 0.8])]
    rate = NaiveSegregated(W, b, spiking=False, **options).train_example([0.2, 0.9, 0.5], 1)
    # The same drive as a bias, so that no spike is needed.
    drive = [0.2 * np.array([0.2, 0.9, 0.5]) @ W[0] + b[0]]
    spiking = NaiveSegregated([np.zeros((3, 4))], drive, **options)
    ex = spiking.train_example([0.0] * 3, 1, input_counts=np.zeros((100, 3)), emit=silent([4], 100))
    assert np.allclose(rate.forward.V[0][-1], ex.forward.V[0][-1], atol=1e-9)
    assert np.allclose(rate.target.V[0][-1], ex.target.V[0][-1], atol=1e-9)
    assert rate.loss == pytest.approx(ex.loss, rel=1e-6)
    assert rate.predicted == ex.predicted


# ------------------------------------------------------------------ windows and plateaus


def test_window_means_are_means_of_the_last_steps():
    trace = np.random.default_rng(4).normal(size=(53, 3))
    assert np.allclose(window_mean(trace, 20), trace[-20:].mean(0), atol=1e-15)
    lagged = window_mean(trace, 20, np.array([0, 1, 5]))
    expected = [trace[33:53, 0].mean(), trace[32:52, 1].mean(), trace[28:48, 2].mean()]
    assert np.allclose(lagged, expected, atol=1e-15)
    with pytest.raises(ValueError, match="53 steps"):
        window_mean(trace, 50, 5)


def test_plateau_lags_move_the_apical_window_and_no_other():
    lags_f = [np.array([0, 1, 2, 3, 5]), np.array([5, 0, 0, 2])]
    lags_t = [np.array([3, 0, 5, 1, 1]), np.array([0, 1, 0, 4])]
    examples = []
    for lags in ({}, {"lags_f": lags_f, "lags_t": lags_t}):
        net = small_network(learn_feedback=True, eta_Y=0.1)
        rng = np.random.default_rng(5)
        examples.append(spiking_example(net, rng, T_f=57, T_t=51, **lags))
    plain, lagged = examples
    for m in range(2):
        for i, lag in enumerate(lags_f[m]):
            window = lagged.forward.V_A[m][57 - lag - 20 : 57 - lag, i]
            assert lagged.alpha_f[m][i] == pytest.approx(sigmoid(window.mean()))
        for i, lag in enumerate(lags_t[m]):
            window = lagged.target.V_A[m][51 - lag - 20 : 51 - lag, i]
            assert lagged.alpha_t[m][i] == pytest.approx(sigmoid(window.mean()))
        assert np.array_equal(plain.forward.mean_V[m], lagged.forward.mean_V[m])
        assert not np.array_equal(plain.E_inv[m], lagged.E_inv[m])
    assert np.array_equal(plain.E[2], lagged.E[2])


# ------------------------------------------------------------------ learning


def rate_output(W, b, pixels):
    """Forward phase of the rate network, as a plain function."""
    r = 0.2 * np.asarray(pixels)
    for W_m, b_m in zip(W, b, strict=True):
        r = 0.2 * sigmoid(6 / 7 * (r @ W_m + b_m))
    return r


@pytest.mark.parametrize("sizes", [(6, 3), (6, 5, 3), (6, 5, 4, 3)])
def test_rate_mode_backprop_descends_the_gradient_with_the_target_rates_held(kind, sizes):
    pixels = np.random.default_rng(6).uniform(size=6)
    net = small_network(sizes, kind=kind, spiking=False, backprop=True, eta=0.01)
    W, b = [w.copy() for w in net.W], [v.copy() for v in net.b]
    ex = net.train_example(pixels, 2)
    below = rate_output(W[:-1], b[:-1], pixels)
    taught = np.where(np.arange(3) == 2, 8.0, -8.0)  # mV, where the target holds the somata
    target = 0.2 * sigmoid((0.6 * (below @ W[-1] + b[-1]) + taught) / 1.7)

    def loss():
        return 0.5 * np.sum((target - rate_output(W, b, pixels)) ** 2)

    for m in range(len(W)):
        P = 500 if m == len(W) - 1 else 100
        for parameter, increment in ((W[m], ex.dW[m]), (b[m], ex.db[m])):
            for index in np.ndindex(parameter.shape):
                h, kept = 1e-4, parameter[index]
                parameter[index] = kept + h
                up = loss()
                parameter[index] = kept - h
                down = loss()
                parameter[index] = kept
                gradient = (up - down) / (2 * h)
                assert increment[index] == pytest.approx(-0.01 * P * gradient, abs=1e-10, rel=1e-5)
    assert ex.loss == pytest.approx(2 * loss() / sizes[-1])


def test_output_layer_learns_the_same_with_and_without_backprop(kind):
    a, b = (
        small_network(kind=kind, spiking=False, backprop=backprop).train_example(np.ones(6), 0)
        for backprop in (True, False)
    )
    assert np.array_equal(a.dW[-1], b.dW[-1])
    assert np.all(b.dW[-1][:, 0] > 0)
    assert np.all(b.dW[-1][:, 1:] < 0)
    if kind is NaiveSegregated:  # the model has no updates of its own to compare with then
        assert a.angle == pytest.approx([0, 0], abs=1e-5)


@pytest.mark.parametrize("sizes", [(6, 5, 3), (6, 5, 4, 3)])
def test_symmetric_feedback_gives_the_backprop_direction_as_upper_weights_vanish(kind, sizes):
    rng = np.random.default_rng(7)
    W = [rng.normal(0, 1, shape) for shape in pairwise(sizes)]
    b = [np.full(n, 0.8) for n in sizes[1:]]
    angles = []
    for scale in (1e-2, 1e-3):
        scaled = [W[0]] + [scale * W_m for W_m in W[1:]]
        Y = [np.zeros((n, 3)) for n in sizes[1:-1]]
        net = kind(scaled, b, Y, spiking=False, symmetric=True, eta=0.0)
        angles.append(net.train_example(rng.uniform(size=6), 1).angle)
    assert np.all(np.array(angles[1]) < 0.1)
    assert np.all(np.array(angles[1]) < 0.5 * np.array(angles[0]))


def test_learned_feedback_descends_the_distance_of_plateau_and_rate(kind):
    net = small_network((6, 5, 3), kind=kind, spiking=False, learn_feedback=True, eta_Y=0.3)
    W, b, Y = list(net.W), list(net.b), net.Y[0].copy()
    rate, phi_out = (rate_output(W[:n], b[:n], np.ones(6)) for n in (1, 2))
    ex = net.train_example(np.ones(6), 1)
    for i, k in np.ndindex(Y.shape):
        losses = []
        for h in (1e-5, -1e-5):
            moved = Y.copy()
            moved[i, k] += h
            losses.append(0.5 * np.sum((rate - sigmoid(moved @ phi_out)) ** 2))
        gradient = (losses[0] - losses[1]) / 2e-5
        assert ex.dY[0][i, k] == pytest.approx(-0.3 * gradient, rel=1e-5)
    assert np.array_equal(net.Y[0], Y + ex.dY[0])


def test_layered_feedback_in_rate_mode_carries_no_credit_below_the_last_hidden_layer(kind):
    net = small_network(kind=kind, feedback="layered", spiking=False)
    ex = net.train_example(np.ones(6), 1)
    assert np.all(ex.E[0] == 0)
    assert np.isnan(ex.angle[0])
    assert np.all(ex.E[1] != 0)


def test_updates_follow_stored_traces_in_spiking_mode():
    net = small_network(eta=(0.1, 0.2, 0.3), g_B=0.5, g_A=0.05)
    W = [w.copy() for w in net.W]
    ex = spiking_example(net, np.random.default_rng(8), T_f=55, T_t=52)
    f, t = ex.forward, ex.target
    for m, (eta, P, k) in enumerate([(0.1, 100, 10 / 13), (0.2, 100, 10 / 13), (0.3, 500, 6 / 7)]):
        s = sigmoid(f.V[m][-20:].mean(0))
        if m < 2:
            plateaus = [sigmoid(phase.V_A[m][-20:].mean(0)) for phase in (f, t)]
            difference = plateaus[1] - plateaus[0]
        else:
            difference = t.phi[m][-20:].mean(0) - 0.2 * s
        step = eta * P * difference * k * 0.2 * s * (1 - s)
        expected = np.outer(f.psp_B[m][-20:].mean(0), step)
        assert np.allclose(net.W[m] - W[m], expected, atol=1e-12)
        assert np.allclose(ex.db[m], step, atol=1e-14)


# ------------------------------------------------------------------ testing, symmetry, weights


def test_a_test_image_leaves_the_training_state_as_it_was():
    pixels, results = np.full(6, 0.5), []
    for with_test in (False, True):
        net, rng = small_network(), np.random.default_rng(9)
        spiking_example(net, rng)
        if with_test:
            other = np.random.default_rng(10)
            counts, emit = poisson_counts(pixels, 250, other), poisson_emitter(other)
            label = net.test_example(pixels, input_counts=counts, emit=emit)
            assert label in range(3)
        results.append(spiking_example(net, rng))
    assert np.array_equal(results[0].forward.V[2], results[1].forward.V[2])
    assert np.array_equal(results[0].dW[0], results[1].dW[0])


def test_a_test_image_starts_from_nothing_and_reads_the_last_220_steps():
    net, rng = small_network(), np.random.default_rng(11)
    spiking_example(net, rng)
    counts = rng.poisson(0.1, (250, 6))
    replayed = replay([rng.poisson(0.1, (250, n)) for n in (5, 4, 3)])
    phase = net.test_phase(np.zeros(6), input_counts=counts, emit=replayed)
    assert np.allclose(phase.psp_B[0][0], counts[0] * kappa(1.0))
    assert np.all(phase.psp_A[0][0] == 0)
    assert np.allclose(phase.mean_V[2], phase.V[2][30:].mean(0))


def test_symmetric_feedback_is_the_product_of_what_lies_downstream():
    rng = np.random.default_rng(12)
    W = [rng.normal(size=shape) for shape in ((6, 5), (5, 4), (4, 3))]
    broadcast, layered = symmetric_feedback(W), symmetric_feedback(W, broadcast=False)
    assert np.allclose(broadcast[0], (W[2].T @ W[1].T).T)
    assert np.array_equal(broadcast[1], W[2])
    assert [np.array_equal(Y, w) for Y, w in zip(layered, W[1:], strict=True)] == [True, True]
    net = small_network(symmetric=True)
    spiking_example(net, np.random.default_rng(13))
    assert np.allclose(net.Y[0], net.W[1] @ net.W[2])


def test_sparse_feedback_keeps_a_fifth_and_its_sum_on_average():
    rng = np.random.default_rng(14)
    mask = sparse_mask((100, 10), rng)
    (Y,) = sparse_feedback([np.ones((100, 10))], [mask])
    assert mask.sum() == 200
    assert Y.sum() == 1000
    net = small_network((6, 5, 3), symmetric=True, feedback_masks=[sparse_mask((5, 3), rng)])
    spiking_example(net, rng)
    assert np.allclose(net.Y[0], 5 * net.W[1] * net.feedback_masks[0])


def test_weight_moments_keep_mean_and_spread_of_the_dendritic_potential():
    rng = np.random.default_rng(15)
    W_avg, W_sd = weight_moments(100)
    W = rng.normal(W_avg, W_sd, (4000, 100))
    below = rng.normal(3, 3, (4000, 100))
    V = (W * 0.05 * below).sum(1) + 0.8
    assert V.mean() == pytest.approx(3, abs=0.15)
    assert V.std() == pytest.approx(3, abs=0.15)


def test_initial_weights_spread_twice_as_far_as_the_moments_ask():
    W, b, Y = initial_weights((784, 500, 10), np.random.default_rng(16))
    assert [w.shape for w in (*W, *b, *Y)] == [(784, 500), (500, 10), (500,), (10,), (500, 10)]
    for w, N in ((W[0], 784), (W[1], 500), (Y[0], 500)):
        W_avg, W_sd = weight_moments(N)
        assert w.std() == pytest.approx(2 * W_sd, rel=0.03)
        assert w.mean() == pytest.approx(W_avg, abs=5 * w.std() / np.sqrt(w.size))


def test_authors_phase_lengths_and_plateau_lags_have_their_ranges():
    rng = np.random.default_rng(17)
    lengths = [phase_length(rng) for _ in range(2000)]
    assert min(lengths) == 50
    assert np.mean(lengths) == pytest.approx(51.5, abs=0.4)
    lags = plateau_lags(20000, rng)
    assert set(lags) == {0, 1, 2, 3, 4, 5}
    # P(|N(0, 3)| < 1)
    assert np.mean(lags == 0) == pytest.approx(0.261, abs=0.02)


# ------------------------------------------------------------------ feedback-inverse condition


def test_jacobian_is_the_derivative_of_the_loop_from_output_to_output():
    net = small_network(spiking=False, eta=0.0)
    ex = net.train_example(np.ones(6), 1)
    V_out = ex.forward.V[2][-1]
    phi_out = 0.2 * sigmoid(V_out)
    W, Y = net.W[2], net.Y[1]

    def loop(phi):
        moved = sigmoid(Y @ phi) - sigmoid(Y @ phi_out)
        return 0.2 * sigmoid(V_out + 6 / 7 * moved @ W)

    h = 1e-6
    columns = [(loop(phi_out + h * e) - loop(phi_out - h * e)) / (2 * h) for e in np.eye(3)]
    assert np.allclose(ex.J, np.array(columns).T, rtol=1e-5, atol=1e-9)


def test_mean_jacobian_runs_over_the_last_hundred_examples():
    net = small_network((4, 3, 2), spiking=False, jacobian_memory=3)
    single = []
    for k in range(5):
        ex = net.train_example(np.full(4, 0.2 * k), k % 2)
        single.append(net.J_examples[-1])
    assert np.allclose(ex.J, np.mean(single[-3:], axis=0))
    singular_values = np.linalg.svd(np.eye(2) - ex.J, compute_uv=False)
    assert ex.max_eigenvalue == pytest.approx(singular_values[0] ** 2)
    assert max_eigenvalue(np.eye(2)) == 0


def test_angle_is_that_of_the_weight_updates_too():
    net = small_network((6, 5, 3), spiking=False)
    ex = net.train_example(np.linspace(0, 1, 6), 1)
    by_hand = np.outer(ex.forward.mean_psp_B[0], ex.E_bp[0]).ravel()
    assert ex.angle[0] == pytest.approx(angle_degrees(-ex.dW[0].ravel(), by_hand))
