"""Numbers about spike trains agree with elephant, with closed forms and with published values."""

import math
import sys

import numpy as np
import pytest
from scipy import integrate

from spikesim.errors import InputError
from spikesim.spiketrains import (
    coefficient_of_variation,
    interspike_intervals,
    mean_rate,
    to_neo,
    van_rossum_distance,
    van_rossum_loss,
    van_rossum_trace,
)

DURATION = 500.0


@pytest.fixture(scope="module")
def elephant():
    pytest.importorskip("elephant")
    import elephant.spike_train_dissimilarity
    import elephant.statistics

    return elephant


def random_pairs(n, seed=0):
    """Pairs of trains on a grid of 1 ms, so that spikes coincide, with up to 30 spikes each."""
    random = np.random.default_rng(seed)
    for _ in range(n):
        sizes = random.integers(0, 31, 2)
        first, second = (random.integers(0, int(DURATION), size).astype(float) for size in sizes)
        yield first, second, random.uniform(1.0, 200.0)


def as_neo(*trains):
    times = np.concatenate(trains)
    ids = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    return to_neo(times, ids, len(trains), DURATION, "trains").spiketrains


# ---- van Rossum distance


def test_distances_are_those_of_elephant(elephant):
    import quantities

    distance = elephant.spike_train_dissimilarity.van_rossum_distance
    for first, second, tau in random_pairs(150):
        expected = distance(as_neo(first, second), time_constant=tau * quantities.ms)[0, 1]
        assert van_rossum_distance(first, second, tau) == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("tau", [0.0, math.inf])
def test_the_limits_of_the_time_constant_are_those_of_elephant(elephant, tau):
    import quantities

    distance = elephant.spike_train_dissimilarity.van_rossum_distance
    for first, second, _ in random_pairs(20):
        expected = distance(as_neo(first, second), time_constant=tau * quantities.ms)[0, 1]
        assert van_rossum_distance(first, second, tau) == pytest.approx(expected, rel=0, abs=1e-12)


TARGET = np.array([83.0, 166.0, 249.0, 332.0, 415.0])


@pytest.mark.parametrize(
    ("first", "second", "tau", "expected"),
    [
        ([10, 20, 30], [12, 24, 30], 10, 0.98396842013),
        (TARGET, [], 5, 2.2360680880),
        (TARGET, [], 10, 2.2365125766),
        (TARGET, [], 20, 2.2644253636),
        (TARGET, TARGET + 1, 5, 1.3463626738),
        (TARGET, TARGET + 1, 10, 0.9755029052),
        (TARGET, TARGET + 1, 20, 0.6981308136),
    ],
)
def test_published_examples_have_their_distance(first, second, tau, expected):
    assert van_rossum_distance(first, second, tau) == pytest.approx(expected, rel=0, abs=1e-10)


def test_it_is_the_double_sum_over_all_pairs():
    def overlap(x, y, tau):
        return np.exp(-np.abs(np.subtract.outer(x, y)) / tau).sum()

    for x, y, tau in random_pairs(20, seed=1):
        squared = overlap(x, x, tau) + overlap(y, y, tau) - 2 * overlap(x, y, tau)
        assert van_rossum_distance(x, y, tau) ** 2 == pytest.approx(squared, rel=1e-12)


def test_one_spike_against_none_is_exactly_one():
    assert van_rossum_distance([123.4], [], 7.0) == 1.0


def test_two_empty_trains_do_not_differ():
    assert van_rossum_distance([], [], 10.0) == 0.0


def test_equal_trains_differ_by_exactly_zero_in_any_order():
    random = np.random.default_rng(2)
    train = random.uniform(0, DURATION, 1000)
    assert van_rossum_distance(train, random.permutation(train), 20.0) == 0.0


def test_the_distance_is_symmetric():
    for first, second, tau in random_pairs(20, seed=3):
        assert van_rossum_distance(first, second, tau) == pytest.approx(
            van_rossum_distance(second, first, tau), rel=1e-14
        )


@pytest.mark.parametrize("shift", [2.0**-10, 2.0**-20, 2.0**-30])
def test_a_tiny_shift_keeps_all_its_digits(shift):
    expected = math.sqrt(-2 * math.expm1(-shift / 10.0))
    assert van_rossum_distance([64.0], [64.0 + shift], 10.0) == pytest.approx(expected, rel=1e-12)


def test_a_million_ms_between_spikes_does_not_overflow():
    assert van_rossum_distance([0.0, 1e6], [1e9], 1e-3) == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize("tau", [-1.0, math.nan, "10", None])
def test_a_time_constant_that_cannot_be_is_refused(tau):
    with pytest.raises(InputError, match="tau is"):
        van_rossum_distance([1.0], [2.0], tau)


def test_times_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="second holds NaN"):
        van_rossum_distance([1.0], [math.nan], 10.0)


# ---- loss of SuperSpike


def double_exponential(t, rise, decay):
    after = np.maximum(t, 0.0)
    return (np.exp(-after / decay) - np.exp(-after / rise)) / (decay - rise)


def random_kernels(n, seed):
    """Pairs of trains with a time constant to rise, and one between 1.01 and 100 times as long."""
    random = np.random.default_rng(seed)
    for first, second, rise in random_pairs(n, seed):
        yield first, second, rise / 10.0, rise / 10.0 * 100.0 ** random.uniform(0.002, 1.0)


@pytest.mark.parametrize(("rise", "decay"), [(5.0, 10.0), (2.0, 50.0), (10.0, 11.0)])
def test_the_loss_is_half_the_integral_of_the_squared_difference(rise, decay):
    for target, output, _ in random_pairs(5, seed=4):

        def squared(t, target=target, output=output):
            first = double_exponential(t - target[:, None], rise, decay).sum(0)
            second = double_exponential(t - output[:, None], rise, decay).sum(0)
            return (first - second) ** 2

        starts = np.arange(0.0, DURATION + 40 * decay)  # no kink but at whole ms
        expected = 0.5 * sum(integrate.fixed_quad(squared, t, t + 1, n=6)[0] for t in starts)
        assert van_rossum_loss(target, output, rise, decay) == pytest.approx(expected, rel=1e-10)


def test_the_loss_is_the_double_sum_over_all_pairs():
    def overlap(x, y, rise, decay):
        apart = np.abs(np.subtract.outer(x, y))
        slow, fast = np.exp(-apart / decay).sum(), np.exp(-apart / rise).sum()
        return (decay * slow - rise * fast) / (decay - rise)

    for x, y, *taus in random_kernels(150, seed=5):
        pairs = overlap(x, x, *taus) + overlap(y, y, *taus) - 2 * overlap(x, y, *taus)
        expected = pairs / (4 * sum(taus))
        assert van_rossum_loss(x, y, *taus) == pytest.approx(expected, rel=1e-10)


def test_the_loss_is_a_difference_of_distances():
    for x, y, rise, decay in random_kernels(50, seed=6):
        r, d = (van_rossum_distance(x, y, tau) for tau in (rise, decay))
        expected = (decay * d**2 - rise * r**2) / (4 * (decay**2 - rise**2))
        assert van_rossum_loss(x, y, rise, decay) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [1, 5, 100])
def test_spikes_far_from_each_other_add_up(n):
    train = 1000.0 * np.arange(n)
    assert van_rossum_loss(train, []) == pytest.approx(n / 60, rel=1e-14)
    assert van_rossum_loss([], train, 2.0, 30.0) == pytest.approx(n / 128, rel=1e-14)
    assert van_rossum_loss(train, train + 500.0) == pytest.approx(2 * n / 60, rel=1e-14)


def test_the_loss_of_a_small_shift_is_the_published_one():
    both = van_rossum_loss([100.0], [103.0]) / van_rossum_loss([100.0], [])
    assert both == pytest.approx(0.13, abs=0.005)
    assert van_rossum_distance([100.0], [103.0], 10.0) ** 2 == pytest.approx(0.52, abs=0.005)


def test_the_loss_of_a_silent_network_is_the_cost_that_the_authors_print():
    # They divide by half a second and by the loss of a quarter of a spike.
    assert van_rossum_loss(TARGET, []) * 4 * 60 / 0.5 == pytest.approx(40.03, abs=0.005)


@pytest.mark.parametrize("shift", [3.0, 2.0**-10, 2.0**-20, 2.0**-30])
@pytest.mark.parametrize("n", [1, 50])
def test_the_loss_of_a_tiny_shift_keeps_all_its_digits(shift, n):
    train = 512.0 * np.arange(n)
    expected = n * math.expm1(-shift / 10.0) ** 2 / 30.0
    assert van_rossum_loss(train, train + shift) == pytest.approx(expected, rel=1e-12)


def test_the_loss_is_zero_for_equal_trains_in_any_order():
    random = np.random.default_rng(7)
    train = random.uniform(0, DURATION, 1000)
    assert van_rossum_loss(train, random.permutation(train)) == 0.0
    assert van_rossum_loss([], []) == 0.0


def test_the_loss_is_symmetric_and_does_not_depend_on_when_it_is():
    for x, y, *taus in random_kernels(20, seed=8):
        loss = van_rossum_loss(x, y, *taus)
        assert van_rossum_loss(y, x, *taus) == pytest.approx(loss, rel=1e-13)
        assert van_rossum_loss(x + 4096.0, y + 4096.0, *taus) == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([math.nan], []), "target holds NaN"),
        (([], [[1.0]]), "output has shape"),
        (([], [], 0.0, 10.0), "tau_rise is 0"),
        (([], [], 10.0, 10.0), "tau_decay is 10.0; it has to be a finite number above 10"),
        (([], [], 10.0, math.inf), "tau_decay is inf"),
    ],
)
def test_a_loss_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        van_rossum_loss(*arguments)


# ---- filtered trains


@pytest.mark.parametrize("dt", [0.1, 0.25, 3.0])
def test_a_trace_is_the_sum_of_kernels_at_every_grid_point(dt):
    times = np.random.default_rng(9).uniform(0, DURATION, 40)
    times[:3] = 0.0, 3 * dt, DURATION
    trace = van_rossum_trace(times, DURATION, dt, 2.0, 17.0)
    grid = dt * np.arange(trace.size)
    assert grid[-1] < DURATION <= grid[-1] + dt + 1e-9
    expected = double_exponential(grid - times[:, None], 2.0, 17.0).sum(0)
    np.testing.assert_allclose(trace, expected, rtol=0, atol=1e-14)


def test_traces_converge_to_the_loss_with_the_square_of_dt():
    random = np.random.default_rng(10)
    trains = 0.4 * random.integers(0, 500, (2, 12))
    loss = van_rossum_loss(*trains)
    errors = []
    for dt in (0.4, 0.2, 0.1, 0.05):
        target, output = (van_rossum_trace(train, DURATION, dt) for train in trains)
        errors.append(abs(0.5 * dt * np.sum((target - output) ** 2) / loss - 1))
    assert errors[-1] < 1e-4
    assert errors[0] / errors[-1] == pytest.approx(64, rel=0.05)


def test_a_trace_has_unit_area_and_begins_with_its_spike():
    trace = van_rossum_trace([100.0], DURATION, 0.1)
    assert not trace[:1001].any()
    assert trace[1001:].all()
    assert trace.argmax() == 1069  # 10 ln 2 ms later
    assert 0.1 * trace.sum() == pytest.approx(1.0, rel=1e-4)


def test_a_train_without_spikes_has_a_flat_trace():
    assert van_rossum_trace([], 0.3, 0.1).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1.0], 10.0, 0.1), "times holds -1"),
        (([11.0], 10.0, 0.1), "times holds 11"),
        (([], 0.0, 0.1), "duration is 0"),
        (([], 10.0, 0.0), "dt is 0"),
        (([], 10.0, 0.1, -5.0), "tau_rise is -5"),
        (([], 10.0, 0.1, 20.0), "tau_decay is 10"),
    ],
)
def test_a_trace_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        van_rossum_trace(*arguments)


# ---- rates and intervals


def test_rates_are_those_of_elephant(elephant):
    for train, _, _ in random_pairs(100):
        (neo_train,) = as_neo(train)
        expected = elephant.statistics.mean_firing_rate(neo_train).rescale("Hz").item()
        assert mean_rate(train, DURATION) == pytest.approx(expected, rel=1e-12)


def test_a_silent_train_has_rate_zero():
    assert mean_rate([], DURATION) == 0.0


@pytest.mark.parametrize("times", [[-0.1], [0.0, DURATION + 0.1], [900.0, 300.0]])
def test_spikes_that_no_recording_of_that_duration_can_hold_are_refused(times):
    with pytest.raises(InputError, match="times holds"):
        mean_rate(times, DURATION)


def test_the_mean_rate_does_not_depend_on_when_the_recording_began():
    train = np.array([0.0, 120.0, DURATION])
    assert mean_rate(train, DURATION) == mean_rate(train + 12_345.6, DURATION) == 6.0


def test_intervals_do_not_depend_on_the_order_of_times():
    assert interspike_intervals([17.0, 10.0, 12.0]).tolist() == [2.0, 5.0]


@pytest.mark.parametrize("train", [[], [1.0]])
def test_fewer_than_two_spikes_have_no_intervals(train):
    assert interspike_intervals(train).shape == (0,)


def test_coefficients_of_variation_are_those_of_elephant(elephant):
    for train, _, _ in random_pairs(100):
        if len(np.unique(train)) > 2:
            expected = elephant.statistics.cv(np.diff(np.sort(train)))
            assert coefficient_of_variation(train) == pytest.approx(expected, rel=1e-12)


def test_a_clock_has_no_variation():
    assert coefficient_of_variation(np.arange(100)) == 0.0


@pytest.mark.parametrize("train", [[], [1.0], [1.0, 2.0], [3.0, 3.0, 3.0]])
def test_variation_without_enough_intervals_is_not_a_number(train):
    assert math.isnan(coefficient_of_variation(train))


# ---- neo


def test_a_segment_has_one_train_per_neuron():
    pytest.importorskip("neo")
    segment = to_neo([5.0, 1.0, 9.0], [2, 0, 2], 4, 10.0, "pyr")
    assert segment.name == "pyr"
    assert [train.magnitude.tolist() for train in segment.spiketrains] == [
        [1.0],
        [],
        [5.0, 9.0],
        [],
    ]


def test_trains_are_in_ms_and_last_as_long_as_the_recording():
    pytest.importorskip("neo")
    (train,) = to_neo([10.0], [0], 1, 10.0, "pyr").spiketrains
    assert str(train.units.dimensionality) == "ms"
    assert (train.t_start.item(), train.t_stop.item()) == (0.0, 10.0)


@pytest.mark.parametrize(
    ("times", "ids", "message"),
    [([11.0], [0], "times"), ([-1.0], [0], "times"), ([1.0], [3], "ids"), ([1.0], [0, 1], "ids")],
)
def test_spikes_that_fit_no_train_are_refused(times, ids, message):
    with pytest.raises(InputError, match=message):
        to_neo(times, ids, 3, 10.0, "pyr")


def test_without_neo_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(ImportError, match=r"pip install 'spikesim\[analysis\]'"):
        to_neo([], [], 1, 10.0, "pyr")
