"""The SuperSpike oracle itself, where something independent says what is right."""

import numpy as np
import pytest
from naive_superspike import (
    DT,
    THETA,
    U_REST,
    NaiveSuperSpike,
    initial_weights,
    surrogate_derivative,
)

NOTHING = ([], [])


def random_spikes(n, count, steps, rng):
    return np.sort(rng.integers(0, steps, count)), rng.integers(0, n, count)


def small_network(sizes=(6, 4, 2), seed=0, w0=0.2, loop=1000, n_targets=4, **options):
    """Random weights, 60 input spikes and a few targets in a loop, chunks as long as the loop."""
    rng = np.random.default_rng(seed)
    w = initial_weights(sizes, rng, w0)
    inputs = random_spikes(sizes[0], 60, loop, rng)
    targets = random_spikes(sizes[-1], n_targets, loop, rng)
    return NaiveSuperSpike(w, inputs, targets, loop=loop, **{"chunk": loop} | options)


def one_synapse(spike_at=0, w=0.0, targets=NOTHING, **options):
    """One input spike on its way to one neuron whose weight does not change."""
    options = {"learning_from": None, "watch": [(0, 0, 0)]} | options
    return NaiveSuperSpike([[[w]]], ([spike_at], [0]), targets, **options)


def history(net, name, synapse=(0, 0, 0)):
    return np.array(net.history[synapse][name])


# ------------------------------------------------------------------ neurons


def test_a_spike_through_10_mV_peaks_at_2_5329_mV_after_77_steps():
    net = one_synapse(w=0.01)
    net.run(500)
    psp = history(net, "U") - U_REST
    assert np.argmax(psp) == 77
    assert psp.max() == pytest.approx(2.5329e-3, rel=1e-4)


def test_the_psp_peaks_where_and_as_high_as_its_closed_form():
    net = one_synapse(w=0.01)
    net.run(500)
    psp = history(net, "U") - U_REST
    t = (np.arange(500) - 8).clip(0) * DT
    closed_form = 0.01 * (np.exp(-t / 10e-3) - np.exp(-t / 5e-3))
    assert np.allclose(psp, closed_form, atol=0.015 * closed_form.max())


def test_a_neuron_that_is_driven_hard_fires_every_51_steps():
    net = NaiveSuperSpike([[[0.0]]], NOTHING, NOTHING, learning_from=None)
    for _ in range(300):
        net.I[1][:] = 2.0
        net.step()
    assert list(np.diff(net.raster(1)[:, 0])) == [51] * 5


def test_a_neuron_that_is_driven_weakly_fires_more_slowly_than_that():
    net = NaiveSuperSpike([[[0.0]]], NOTHING, NOTHING, learning_from=None)
    for _ in range(1000):
        net.I[1][:] = 0.02
        net.step()
    # From rest to 10 mV of 20 mV in 69 steps: 1 - 0.99^69 is the first above 1/2.
    assert set(np.diff(net.raster(1)[:, 0])) == {50 + 69}


def test_a_neuron_at_its_threshold_does_not_fire_and_just_above_it_does():
    net = NaiveSuperSpike([[[0.0]]], NOTHING, NOTHING, learning_from=None)
    for depolarisation in (0.0, 1e-9):
        net.U[1][:] = THETA + depolarisation
        net.I[1][:] = THETA - U_REST
        net.step()
    assert net.raster(1).tolist() == [[1, 0]]


def test_two_input_spikes_of_a_neuron_in_the_same_step_count_twice():
    once = one_synapse(w=0.01)
    twice = NaiveSuperSpike([[[0.01]]], ([0, 0], [0, 0]), NOTHING, learning_from=None)
    once.run(50)
    twice.run(50)
    assert np.allclose(twice.U[1] - U_REST, 2 * (once.U[1] - U_REST), rtol=1e-9)
    assert np.allclose(twice.xt[0], 2 * once.xt[0], rtol=1e-12)


def test_a_spike_arrives_in_the_step_in_which_it_is_emitted_if_the_delay_is_0():
    late, prompt = one_synapse(w=0.01), one_synapse(w=0.01, delay=0)
    late.run(300)
    prompt.run(300)
    assert np.array_equal(history(late, "U")[8:], history(prompt, "U")[:-8])
    assert history(prompt, "I")[0] == 0.01


def test_sigma_prime_is_the_derivative_of_the_fast_sigmoid_above_minus_80_mV():
    U = np.array([-79.9e-3, U_REST, -51e-3, -49.5e-3, -30e-3])

    def fast_sigmoid(U):
        h = 1000 * (U - THETA)
        return h / (1 + np.abs(h))

    step = 1e-9
    difference = (fast_sigmoid(U + step) - fast_sigmoid(U - step)) / (2 * step)
    assert np.allclose(surrogate_derivative(U), difference, rtol=1e-5)
    assert surrogate_derivative(U_REST) == pytest.approx(1000 / 121)


def test_sigma_prime_is_0_below_minus_80_mV():
    assert surrogate_derivative(-80.1e-3) == 0.0


# ------------------------------------------------------------------ errors and cost


def test_the_error_of_a_missed_target_has_unit_sum_and_peaks_at_0_005035_after_68_steps():
    net = one_synapse(targets=([0], [0]))
    net.run(2000)
    e = history(net, "e")
    assert np.flatnonzero(e)[0] == 9  # set in phase E of step 8, filtered from step 9 on
    assert np.argmax(e) == 9 + 68
    assert e.max() == pytest.approx(0.005035, rel=1e-4)
    assert e.sum() == pytest.approx(1.0, rel=1e-6)


def test_an_output_spike_in_the_very_step_of_its_target_leaves_no_error():
    alone = one_synapse(w=0.1)
    alone.run(200)
    (spike,) = alone.raster(1)[:, 0]
    errors = []
    for target in (spike, spike + 1):
        net = one_synapse(w=0.1, targets=([target], [0]))
        net.run(300)
        errors.append(np.abs(history(net, "e")).max())
    assert errors[0] == 0
    assert errors[1] > 0


def closed_form_cost(steps, ids, n, loop):
    """(4 / T N) sum_i sum_mn k2(t_m - t_n), the trains repeated periodically; T in s."""
    a, b = 10e-3, 5e-3
    T = loop * DT
    total = 0.0
    for i in range(n):
        t = DT * steps[ids == i]
        difference = t[:, None] - t[None, :]
        for shift in (-T, 0.0, T):
            D = np.abs(difference + shift)
            total += np.sum((a * np.exp(-D / a) - b * np.exp(-D / b)) / (a - b))
    return 4 / (T * n) * total


def test_the_cost_of_a_silent_network_agrees_with_its_closed_form_within_2_percent():
    rng = np.random.default_rng(1)
    loop, n = 1000, 3
    targets = random_spikes(n, 7, loop - 200, rng)
    inputs = random_spikes(4, 10, loop, rng)
    net = NaiveSuperSpike([np.zeros((4, n))], inputs, targets, loop=loop, learning_from=None)
    net.run(20 * loop)
    assert net.mean_square_error() == pytest.approx(closed_form_cost(*targets, n, loop), rel=0.02)


# ------------------------------------------------------------------ the surrogate gradient


class Smooth(NaiveSuperSpike):
    """Graded emission h / (1 + |h|) in place of spikes, no threshold and no reset."""

    def integrate(self, layer):
        U = self.U[layer]
        U += self.membrane_rate * (U_REST - U + self.I[layer])
        self.I[layer] *= self.syn_decay
        h = 1000 * (U - THETA)
        return h / (1 + np.abs(h))


class SmoothIdentical(Smooth):
    """lambda is filtered exactly as e is: Euler steps of 0.02 and 0.01, one step later."""

    def filter_eligibility(self, c, product):
        before = getattr(self, "product", np.zeros_like(product))
        self.l1[c] += 0.02 * (before - self.l1[c])
        self.l2[c] += 0.01 * (self.l1[c] - self.l2[c])
        self.product = product


STEPS = 800


def smooth_network(kind, w):
    rng = np.random.default_rng(3)
    inputs, targets = random_spikes(5, 30, STEPS - 100, rng), random_spikes(2, 6, STEPS, rng)
    return kind([w], inputs, targets, learning_from=None, chunk=10**9, psp_cut=0.0, error_cut=0.0)


def loss(w):
    net = smooth_network(Smooth, w)
    total = 0.0
    for _ in range(STEPS):
        net.step()
        total += 0.5 * np.sum(net.e[-1] ** 2)
    return total


@pytest.fixture(scope="module")
def weights_and_gradient():
    """Weights, and the central finite differences of the loss in them."""
    # Not so strong that U falls below -80 mV, where the code's sigma' is no derivative.
    w = np.random.default_rng(4).uniform(-0.01, 0.04, (5, 2))
    gradient = np.zeros_like(w)
    step = 1e-7
    for index in np.ndindex(w.shape):
        change = np.zeros_like(w)
        change[index] = step
        gradient[index] = (loss(w + change) - loss(w - change)) / (2 * step)
    return w, gradient


def test_with_identical_filters_the_update_is_minus_the_gradient_of_the_loss(weights_and_gradient):
    w, gradient = weights_and_gradient
    net = smooth_network(SmoothIdentical, w)
    net.run(STEPS)
    # x has decayed once when the current of the same spike has not yet.
    update = net.m[0] / np.exp(-0.02)
    assert np.allclose(update, -gradient, rtol=1e-6, atol=0)


def test_with_its_own_filters_the_update_points_down_the_gradient(weights_and_gradient):
    w, gradient = weights_and_gradient
    net = smooth_network(Smooth, w)
    net.run(STEPS)
    update, gradient = net.m[0].ravel(), -gradient.ravel()
    cosine = update @ gradient / np.linalg.norm(update) / np.linalg.norm(gradient)
    assert cosine > 0.9999


def test_a_chunk_sums_the_integrand_of_the_continuous_equations():
    steps = 1000
    rng = np.random.default_rng(5)
    inputs, targets = random_spikes(6, 40, steps, rng), random_spikes(2, 6, steps, rng)
    w = rng.uniform(0, 0.1, (6, 2))
    watch = [(0, 0, i) for i in range(2)]
    net = NaiveSuperSpike([w], inputs, targets, learning_from=None, chunk=10**9, watch=watch)
    net.run(steps)
    assert len(net.raster(1)) >= 4

    t = np.arange(steps) * DT
    alpha = (np.exp(-t / 10e-3) - np.exp(-t / 5e-3)) / 5e-3
    eps = np.exp(-t / 10e-3) - np.exp(-t / 5e-3)

    def convolved(kernel, signal):
        return np.convolve(kernel, signal)[:steps]

    def train(spikes, i, delay):
        steps_i = np.asarray(spikes[0])[np.asarray(spikes[1]) == i] + delay
        return np.bincount(steps_i, minlength=2 * steps)[:steps].astype(float)

    update = np.zeros_like(w)
    for i in range(2):
        # The spikes of the error come 8 steps late, so the Hebbian product does too.
        e = convolved(alpha, train(targets, i, 8) - train(net.raster(1).T, i, 8)) * DT
        slope = surrogate_derivative(history(net, "U", (0, 0, i)))
        for j in range(6):
            product = slope * convolved(eps, train(inputs, j, 8))
            lam = convolved(alpha, np.concatenate([np.zeros(8), product[:-8]])) * DT
            update[j, i] = np.sum(e * lam)
    ratio = net.m[0] / update
    assert np.allclose(ratio, ratio.mean(), rtol=0.05)
    # l1 is a plain sum of steps: 5 ms / 0.1 ms times too large.
    assert ratio.mean() == pytest.approx(50, rel=0.05)


def test_lambda_follows_the_sum_of_the_product_before_that_has_decayed():
    net = one_synapse()
    for _ in range(5000):
        net.filter_eligibility(0, np.ones((1, 1)))
    assert net.l2[0] == pytest.approx(1 / (1 - np.exp(-0.02)), rel=1e-9)


# ------------------------------------------------------------------ delays


def first_hidden_error(layer, feedback, delay=8):
    """Step and raw error with which the target spike of step 0 reaches a hidden layer."""
    rng = np.random.default_rng(6)
    w = [1e-6 * rng.standard_normal(shape) for shape in ((2, 4), (4, 3), (3, 2))]
    B = [rng.standard_normal((4, 3)), rng.standard_normal((3, 2))]
    net = NaiveSuperSpike(
        w, NOTHING, ([0], [1]), feedback=feedback, B=B, delay=delay, learning_from=None
    )
    while not net.E[layer].any():
        net.step()
    return net.k - 1, net.E[layer], w, B


def test_symmetric_feedback_sends_the_raw_error_down_a_layer_in_1_step():
    step, error, w, _ = first_hidden_error(2, "symmetric")
    assert step == 8 + 1
    assert np.allclose(error, w[2][:, 1], rtol=1e-12)


def test_symmetric_feedback_goes_through_the_weights_of_each_layer():
    step, error, w, _ = first_hidden_error(1, "symmetric")
    assert step == 8 + 2
    assert np.allclose(error, w[1] @ w[2][:, 1], rtol=1e-12)


def test_random_feedback_sends_the_raw_error_down_a_layer_in_9_steps():
    step, error, _, B = first_hidden_error(2, "random")
    assert step == 8 + 9
    assert np.allclose(error, B[1][:, 1], rtol=1e-12)


def test_random_feedback_goes_through_the_feedback_of_each_layer():
    step, error, _, B = first_hidden_error(1, "random")
    assert step == 8 + 18
    assert np.allclose(error, B[0] @ B[1][:, 1], rtol=1e-12)


def test_uniform_feedback_is_that_of_ones():
    step, error, _, _ = first_hidden_error(1, "uniform")
    assert step == 8 + 18
    assert np.array_equal(error, [3, 3, 3, 3])


def test_random_feedback_takes_1_step_if_the_delay_is_0():
    step, _, _, _ = first_hidden_error(2, "random", delay=0)
    assert step == 0 + 1


@pytest.mark.parametrize("feedback", ["symmetric", "random"])
def test_an_error_reaches_a_hidden_layer_for_one_step(feedback):
    w = [np.zeros((1, 1)), np.full((1, 1), 0.01)]
    net = NaiveSuperSpike(w, NOTHING, ([0], [0]), feedback=feedback, B=[[[1.0]]])
    errors = []
    for _ in range(40):
        net.step()
        errors.append(net.E[1][0])
    assert np.count_nonzero(errors) == 1


def test_symmetric_feedback_follows_the_weights_as_they_are_learned():
    net = small_network(r0=0.01)
    before = net.w[1].copy()
    net.run(1001)  # the first update was in step 1000
    net.E[2][:] = [1, 0]
    net.step()
    assert np.array_equal(net.E[1], net.w[1][:, 0])
    assert not np.array_equal(net.w[1][:, 0], before[:, 0])


@pytest.mark.parametrize(
    ("feedback", "delay", "hidden", "output"),
    [("symmetric", 8, 8, 8), ("random", 8, 15, 8), ("symmetric", 0, 0, 0), ("random", 0, 0, 0)],
)
def test_the_hebbian_product_waits_for_the_error(feedback, delay, hidden, output):
    net = NaiveSuperSpike(
        [np.zeros((1, 1)), np.zeros((1, 1))],
        ([0], [0]),
        NOTHING,
        feedback=feedback,
        B=[np.ones((1, 1))],
        delay=delay,
        learning_from=None,
        watch=[(0, 0, 0), (1, 0, 0)],
    )
    net.x[1][:] = 1  # as if the hidden neuron had just fired
    net.run(60)
    # Into x in step `delay`, into xt at its end, into the buffer a step later.
    assert np.flatnonzero(history(net, "lambda"))[0] == delay + 1 + hidden
    assert np.flatnonzero(history(net, "lambda", (1, 0, 0)))[0] == 1 + output


def test_both_delays_can_be_dropped_if_the_targets_come_earlier():
    sums = []
    for delay in (8, 0):
        net = small_network((6, 2), delay=delay, learning_from=None, chunk=10**9)
        # The output fires `delay` steps after it would without one.
        net.targets.ids = {(k - 8 + delay) % 1000: ids for k, ids in net.targets.ids.items()}
        net.run(3000)
        before = net.m[0].copy()
        net.run(1000)
        assert len(net.raster(1)) >= 4
        sums.append(net.m[0] - before)
    assert np.allclose(sums[0], sums[1], rtol=1e-6)
    assert np.abs(sums[0]).min() > 0


# ------------------------------------------------------------------ cuts and sigma'


class Recording(NaiveSuperSpike):
    def hebbian_product(self, c):
        product = super().hebbian_product(c)
        self.products = [*getattr(self, "products", []), product[0, 0]]
        return product


@pytest.mark.parametrize(("feedback", "cut"), [("symmetric", 1e-7), ("random", 1e-5)])
def test_a_psp_adds_to_the_trace_until_it_falls_below_the_cut(feedback, cut):
    net = Recording([[[0.0]]], ([0], [0]), NOTHING, feedback=feedback, B=[], learning_from=None)
    net.run(2500)
    products = np.array(net.products) / (1000 / 121)
    assert products[products > 0].min() == pytest.approx(cut, rel=0.01)
    assert products[-1] == 0


@pytest.mark.parametrize(
    ("feedback", "cut", "counts"), [("symmetric", 1e-7, 0), ("random", 1e-5, 1)]
)
def test_a_psp_at_the_cut_counts_with_random_feedback_only(feedback, cut, counts):
    net = NaiveSuperSpike(
        [[[0.0]]], NOTHING, NOTHING, feedback=feedback, B=[], delay=0, learning_from=None
    )
    net.xt[0][:] = cut
    assert (net.hebbian_product(0) > 0) == counts


def test_without_sigma_prime_the_trace_is_that_of_the_psp_alone():
    with_it, without = one_synapse(w=0.01), one_synapse(w=0.01, partial=False)
    at_rest = one_synapse(w=0.0)
    for net in (with_it, without, at_rest):
        net.run(300)
    ratio = history(at_rest, "lambda")[17:] / history(without, "lambda")[17:]
    assert np.allclose(ratio, 1000 / 121, rtol=1e-9)
    assert not np.allclose(history(with_it, "lambda"), history(at_rest, "lambda"), rtol=0.1)


# ------------------------------------------------------------------ updates


def updated(*gradients, w=0.0, **options):
    """The network of one synapse after an update with each of these chunk means in turn."""
    net = one_synapse(w=w, **{"learning_from": 0} | options)
    for g in gradients:
        net.m[0][:] = g * net.chunk
        net.update(0)
    return net


def test_rmaxprop_never_moves_a_weight_by_more_than_r0():
    net = small_network(r0=2e-3)
    changes = []
    for _ in range(8):
        before = [w_c.copy() for w_c in net.w]
        net.run(1000)
        changes += [np.abs(w_c - b).ravel() for w_c, b in zip(net.w, before, strict=True)]
    changes = np.concatenate(changes)
    assert changes.max() <= 2e-3 * (1 + 1e-9)
    assert np.mean((changes > 0) & (changes < 1.9e-3)) > 0.2


@pytest.mark.parametrize("g", [3.0, -3.0, 1e-4])
def test_the_first_gradient_moves_a_weight_by_exactly_r0(g):
    assert updated(0.0, g, r0=1e-3).w[0] == pytest.approx(np.sign(g) * 1e-3, rel=1e-7)


def test_the_first_chunk_of_a_network_moves_every_weight_with_a_gradient_by_exactly_r0():
    net = small_network(r0=1e-3, w0=0.05)
    before = [w_c.copy() for w_c in net.w]
    net.run(1001)
    for w_c, b, v in zip(net.w, before, net.v, strict=True):
        assert np.allclose(np.abs(w_c - b), np.where(v > 0, 1e-3, 0), rtol=1e-5)
        assert np.mean(v > 0) >= 0.5  # two hidden neurons are silent


def test_v_rises_to_the_square_of_a_larger_gradient_at_once():
    assert updated(2.0, 3.0).v[0] == 9.0


def test_v_falls_by_exp_of_minus_half_a_second_over_thirty_seconds_at_the_most():
    assert updated(2.0, 0.0).v[0] == pytest.approx(4.0 * 0.983471, rel=1e-6)
    assert updated(2.0, 1.99).v[0] == pytest.approx(1.99**2, rel=1e-12)


def test_a_later_gradient_is_measured_against_the_largest_one():
    first = updated(2.0, r0=1e-3).w[0]
    second = updated(2.0, 0.5, r0=1e-3).w[0]
    assert second - first == pytest.approx(1e-3 * 0.25 / np.sqrt(0.983471), rel=1e-6)


def test_weights_stay_within_their_bounds():
    net = small_network(r0=0.08)
    net.run(6001)
    w = np.concatenate([w_c.ravel() for w_c in net.w])
    assert np.abs(w).max() == 0.1
    assert np.mean(np.abs(w) == 0.1) < 1


def test_rmsprop_averages_the_squares_of_the_gradients():
    gamma = np.exp(-0.5 / 30)
    net = updated(2.0, 3.0, optimizer="rmsprop", r0=1e-3)
    v1 = (1 - gamma) * 4
    v2 = gamma * v1 + (1 - gamma) * 9
    assert net.v[0] == pytest.approx(v2, rel=1e-12)
    assert net.w[0] == pytest.approx(1e-3 * (2 / np.sqrt(v1) + 3 / np.sqrt(v2)), rel=1e-9)


def test_plain_updates_follow_the_chunk_mean():
    assert updated(2.0, 3.0, optimizer="plain", r0=1e-3).w[0] == pytest.approx(5e-3, rel=1e-12)


def test_a_chunk_is_closed_after_the_step_that_it_divides():
    net = small_network((6, 2))
    net.run(1000)  # steps 0 ... 999
    assert np.abs(net.m[0]).max() > 0
    assert not net.v[0].any()
    net.step()
    assert not net.m[0].any()
    assert np.abs(net.v[0]).max() > 0


def test_weights_are_frozen_in_the_burn_in_while_v_is_not():
    net = small_network(learning_from=2000)
    before = [w_c.copy() for w_c in net.w]
    net.run(2000)
    for w_c, b in zip(net.w, before, strict=True):
        assert np.array_equal(w_c, b)
    assert all(v_c.any() for v_c in net.v)
    net.step()
    for w_c, b in zip(net.w, before, strict=True):
        assert not np.array_equal(w_c, b)


def test_fixed_hidden_weights_stay_while_those_of_the_output_learn():
    net = small_network((6, 4, 3, 2), fixed_hidden=True)
    before = [w_c.copy() for w_c in net.w]
    net.run(1001)
    assert [np.array_equal(w_c, b) for w_c, b in zip(net.w, before, strict=True)] == [1, 1, 0]


@pytest.mark.parametrize(
    "r0", [[(0, 5e-3), (2000, 1e-3), (2001, 7e-3)], lambda t: 1e-3 if t >= 0.2 else 5e-3]
)
def test_r0_can_change_with_time(r0):
    net = one_synapse(r0=r0, learning_from=0, chunk=1000)
    net.run(1500)
    net.m[0][:] = 1.0
    net.run(501)
    assert net.w[0] == pytest.approx(1e-3, rel=1e-6)


def test_a_silent_neuron_learns_to_fire_at_its_targets():
    inputs = random_spikes(40, 80, 1500, np.random.default_rng(3))
    targets = ([500, 1000], [0, 0])
    net = NaiveSuperSpike([np.zeros((40, 1))], inputs, targets, loop=1500, chunk=1500)
    costs = []
    for _ in range(15):
        net.C[:] = 0
        net.run(1500)
        costs.append(net.C[0])
    steps = net.raster(1)[:, 0]
    assert steps[0] >= 1500
    assert np.mean(costs[-5:]) < 0.1 * costs[0]
    assert np.allclose(steps[steps >= 14 * 1500] % 1500, [500, 1000], atol=10)


# ------------------------------------------------------------------ regulariser


def rate_trace(net, layer, i, tau=0.1):
    """z of neuron i after each step so far, from its spikes."""
    k = np.arange(net.k)
    z = np.zeros(net.k)
    for step, neuron in net.raster(layer):
        if neuron == i:
            z += np.where(k >= step, np.exp(-(k - step + 1) * DT / tau), 0)
    return z


@pytest.mark.parametrize("error_dependent", [False, True])
@pytest.mark.parametrize("a", [4, 1])
def test_the_regulariser_pulls_hidden_weights_by_a_power_of_the_rate(error_dependent, a):
    rho = 0.3
    options = {"learning_from": None, "chunk": 10**9, "error_cut": 0.0}
    options |= {"w0": 0.4, "watch": [(0, 0, i) for i in range(4)]}
    free = small_network(**options)
    held = small_network(rho=rho, a=a, error_dependent=error_dependent, **options)
    free.run(1500)
    held.run(1500)
    active = 0
    for i in range(4):
        integrand = rate_trace(held, 1, i) ** a
        if error_dependent:
            integrand *= history(held, "e", (0, 0, i)) ** 2
        pull = -rho * held.w[0][:, i] * np.sum(integrand)
        assert np.allclose(held.m[0][:, i] - free.m[0][:, i], pull, rtol=1e-6, atol=1e-12)
        active += np.abs(pull).max() > 1e-6
    assert active >= 2


def test_the_regulariser_spares_the_output_layer_unless_told_otherwise():
    options = {"learning_from": None, "chunk": 10**9, "w0": 0.4, "seed": 2}
    free, hidden = small_network(**options), small_network(rho=1.0, **options)
    both = small_network(rho=1.0, regularised=(0, 1), **options)
    for net in (free, hidden, both):
        net.run(1500)
    assert len(free.raster(2)) > 0
    assert np.array_equal(free.m[1], hidden.m[1])
    assert not np.allclose(free.m[1], both.m[1], rtol=1e-3)


def test_an_error_below_the_cut_adds_neither_gradient_nor_regulariser():
    net = small_network(rho=1.0, w0=0.4, learning_from=None, chunk=10**9, error_cut=1.0)
    net.run(1500)
    assert len(net.raster(1)) > 0
    assert not net.m[0].any()
    assert not net.m[1].any()


# ------------------------------------------------------------------ arithmetic and running


def test_float32_stays_float32_and_fires_as_float64_does_at_first():
    single, double = small_network(dtype=np.float32, rho=1.0), small_network(rho=1.0)
    single.run(2500)
    double.run(2500)
    assert len(single.raster(1)) > 5
    assert np.array_equal(single.raster(1), double.raster(1))
    assert np.array_equal(single.raster(2), double.raster(2))
    state = ("w", "l1", "l2", "m", "v", "x", "xt", "U", "I", "E", "Ein", "ebar", "e", "z")
    for name in state:
        for value in getattr(single, name):
            assert value is None or value.dtype == np.float32, name
    assert single.C.dtype == np.float32


def test_a_run_goes_on_where_the_last_one_ended():
    once, twice = small_network(), small_network()
    once.run(2500)
    twice.run(1700)
    twice.run(800)
    assert np.array_equal(once.w[0], twice.w[0])
    assert np.array_equal(once.raster(2), twice.raster(2))


def test_a_loop_repeats_its_spikes_with_its_period():
    net = small_network(learning_from=None)
    net.run(3000)
    steps, ids = net.raster(0).T
    for loop in (1, 2):
        inside = steps // 1000 == loop
        assert np.array_equal(steps[inside] % 1000, steps[steps < 1000])
        assert np.array_equal(ids[inside], ids[steps < 1000])


def test_a_pattern_without_a_loop_is_played_once():
    net = one_synapse(spike_at=5)
    net.run(3000)
    assert net.raster(0).tolist() == [[5, 0]]


def test_a_spike_outside_the_loop_is_refused():
    with pytest.raises(ValueError, match="not in the loop"):
        NaiveSuperSpike([[[0.0]]], ([1000], [0]), NOTHING, loop=1000)


def test_an_id_outside_the_layer_is_refused():
    with pytest.raises(ValueError, match="not among 1 neurons"):
        NaiveSuperSpike([[[0.0]]], NOTHING, ([0], [1]))


def test_initial_weights_have_the_spread_of_w0_over_the_root_of_the_fan_in_within_bounds():
    w = initial_weights((100, 400, 2), np.random.default_rng(0), w0=0.05)
    assert [w_c.shape for w_c in w] == [(100, 400), (400, 2)]
    assert w[0].std() == pytest.approx(0.005, rel=0.02)
    wide = initial_weights((4, 1000), np.random.default_rng(0), w0=0.4)[0]
    assert np.abs(wide).max() == 0.1
