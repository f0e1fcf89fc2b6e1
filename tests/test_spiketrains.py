"""Numbers about spike trains agree with elephant, with closed forms and with published values."""

import math
import sys

import numpy as np
import pytest

from spikesim.errors import InputError
from spikesim.spiketrains import (
    coefficient_of_variation,
    interspike_intervals,
    mean_rate,
    to_neo,
    van_rossum_distance,
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


# ---- rates and intervals


def test_rates_are_those_of_elephant(elephant):
    for train, _, _ in random_pairs(100):
        (neo_train,) = as_neo(train)
        expected = elephant.statistics.mean_firing_rate(neo_train).rescale("Hz").item()
        assert mean_rate(train, DURATION) == pytest.approx(expected, rel=1e-12)


def test_a_silent_train_has_rate_zero():
    assert mean_rate([], DURATION) == 0.0


@pytest.mark.parametrize("time", [-0.1, DURATION + 0.1])
def test_a_spike_outside_the_recording_is_refused(time):
    with pytest.raises(InputError, match="times holds"):
        mean_rate([time], DURATION)


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
