"""Events and bursts are those that a loop over the spikes of each neuron finds."""

import math

import numpy as np
import pytest

from spikesim import LIF, InputError, Network
from spikesim.bursts import binned_rates, events_and_bursts


def one_neuron(times, **options):
    """Event times, burst times, and which spikes are part of a burst, of one neuron."""
    found = events_and_bursts(times, np.zeros(len(times), int), **options)
    return found.event_times.tolist(), found.burst_times.tolist(), found.in_burst.tolist()


def by_a_loop(times, ids, longest=16.0):
    """The same as `events_and_bursts`, spike by spike."""
    events, bursts, members = [], [], set()
    for neuron in set(ids):
        spikes = sorted((time, k) for k, time in enumerate(times) if ids[k] == neuron)
        group = []
        for time, k in spikes:
            if group and time - group[-1][0] <= longest:
                group.append((time, k))
                if len(group) == 2:
                    bursts.append((time, neuron))
            else:
                group = [(time, k)]
                events.append((time, neuron))
            if len(group) > 1:
                members |= {member for _, member in group}
    return sorted(events), sorted(bursts), [k in members for k in range(len(times))]


def random_spikes(seed, neurons=20, spikes=600, duration=1000):
    """Spikes in random order, none at the same time, in eighths of ms so that gaps are exact."""
    random = np.random.default_rng(seed)
    times = random.choice(8 * duration, spikes, replace=False) / 8.0
    return times, random.integers(0, neurons, spikes)


# ---- events and bursts


@pytest.mark.parametrize("longest", [16.0, 4.0, 60.0])
@pytest.mark.parametrize("seed", range(5))
def test_events_and_bursts_are_those_of_a_loop(seed, longest):
    times, ids = random_spikes(seed)
    events, bursts, members = by_a_loop(times.tolist(), ids.tolist(), longest)
    found = events_and_bursts(times, ids, longest)
    assert list(zip(found.event_times, found.event_ids, strict=True)) == events
    assert list(zip(found.burst_times, found.burst_ids, strict=True)) == bursts
    assert found.in_burst.tolist() == members


def test_a_single_spike_is_an_event_and_no_burst():
    assert one_neuron([5.0]) == ([5.0], [], [False])


def test_two_spikes_are_a_burst_at_the_second_and_one_event_at_the_first():
    assert one_neuron([5.0, 12.0]) == ([5.0], [12.0], [True, True])


def test_a_burst_of_many_spikes_is_counted_once():
    assert one_neuron([5.0, 12.0, 20.0, 30.0]) == ([5.0], [12.0], [True] * 4)


def test_a_burst_lasts_as_long_as_each_interval_is_short():
    assert one_neuron([0.0, 15.0, 30.0, 45.0, 62.0]) == ([0.0, 62.0], [15.0], [True] * 4 + [False])


def test_a_burst_can_follow_a_burst():
    assert one_neuron([0.0, 5.0, 30.0, 35.0]) == ([0.0, 30.0], [5.0, 35.0], [True] * 4)


def test_the_longest_interval_belongs_to_a_burst():
    assert one_neuron([0.0, 16.0]) == ([0.0], [16.0], [True, True])
    assert one_neuron([0.0, 16.1]) == ([0.0, 16.1], [], [False, False])


@pytest.mark.parametrize(("steps", "bursts"), [(160, 1000), (161, 0)])
def test_rounding_of_times_does_not_decide_about_the_longest_interval(steps, bursts):
    first = np.arange(1000)  # of neuron k in step k of 0.1 ms; 0.1 * 164 - 0.1 * 4 is above 16
    times = 0.1 * np.concatenate([first, first + steps])
    assert events_and_bursts(times, np.tile(first, 2)).burst_times.size == bursts


def test_neurons_do_not_burst_together():
    found = events_and_bursts([5.0, 6.0, 7.0, 8.0], [0, 1, 2, 3])
    assert found.event_times.tolist() == [5.0, 6.0, 7.0, 8.0]
    assert not found.burst_times.size


def test_events_of_all_neurons_are_in_the_order_of_time():
    found = events_and_bursts([90.0, 95.0, 10.0, 15.0, 50.0], [0, 0, 1, 1, 0])
    assert found.event_times.tolist() == [10.0, 50.0, 90.0]
    assert found.event_ids.tolist() == [1, 0, 0]
    assert found.burst_times.tolist() == [15.0, 95.0]
    assert found.burst_ids.tolist() == [1, 0]


def test_spikes_keep_the_order_in_which_they_were_given():
    assert one_neuron([80.0, 12.0, 5.0])[2] == [False, True, True]


def test_of_no_spikes_there_are_no_events():
    found = events_and_bursts([], [])
    assert [field.size for field in found] == [0] * 5
    assert math.isnan(found.burst_probability)


def test_the_burst_probability_is_bursts_over_events():
    assert (
        events_and_bursts([0.0, 5.0, 9.0, 50.0, 7.0, 90.0], [0, 0, 0, 0, 1, 1]).burst_probability
        == 0.25
    )


def test_the_recording_of_a_network_can_be_analysed():
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 2, LIF)
    recording = net.record_spikes(cells)
    net.run(1.0)
    assert events_and_bursts(recording.t, recording.i).in_burst.shape == recording.t.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(times=[1.0], ids=[0, 1]), "ids has shape"),
        (dict(times=[[1.0]], ids=[[0]]), "times has shape"),
        (dict(times=[np.nan], ids=[0]), "times holds NaN"),
        (dict(times=[1.0], ids=[-1]), "ids holds -1"),
        (dict(times=[1.0], ids=[0.5]), "ids holds fractions"),
        (dict(times=[1.0], ids=[0], longest_interval=0.0), "longest_interval is 0.0"),
    ],
)
def test_events_and_bursts_refuse(arguments, message):
    with pytest.raises(InputError, match=message):
        events_and_bursts(**arguments)


# ---- rates


def test_rates_are_the_counts_of_a_loop():
    times, ids = random_spikes(7)
    events, bursts, _ = by_a_loop(times.tolist(), ids.tolist())
    rates = binned_rates(times, ids, 20, 1000.0, bin_width=40.0)
    counted = [
        (rates.event_rate, [time for time, _ in events]),
        (rates.burst_rate, [time for time, _ in bursts]),
        (rates.firing_rate, times),
    ]
    for rate, when in counted:
        counts = [
            sum(begin <= time < begin + 40.0 for time in when) for begin in range(0, 1000, 40)
        ]
        np.testing.assert_allclose(rate * 20 * 40.0 / 1000.0, counts)
    np.testing.assert_allclose(rates.burst_probability, rates.burst_rate / rates.event_rate)


def test_rates_are_per_second_and_neuron():
    rates = binned_rates([10.0, 15.0, 40.0], [0, 0, 3], n=10, duration=100.0, bin_width=100.0)
    assert rates.event_rate.tolist() == [2.0]
    assert rates.burst_rate.tolist() == [1.0]
    assert rates.burst_probability.tolist() == [0.5]
    assert rates.firing_rate.tolist() == [3.0]


def test_the_burst_probability_of_a_bin_without_events_is_not_a_number():
    rates = binned_rates([60.0], [0], n=1, duration=150.0)
    np.testing.assert_array_equal(rates.burst_probability, [np.nan, 0.0, np.nan])
    assert rates.event_rate.tolist() == [0.0, 20.0, 0.0]


def test_a_burst_counts_in_the_bin_of_its_second_spike_and_its_event_in_that_of_the_first():
    rates = binned_rates([45.0, 55.0], [0, 0], n=1, duration=100.0)
    assert rates.event_rate.tolist() == [20.0, 0.0]
    assert rates.burst_rate.tolist() == [0.0, 20.0]
    np.testing.assert_array_equal(rates.burst_probability, [0.0, np.nan])


def test_a_spike_between_two_bins_belongs_to_the_later_one():
    rates = binned_rates([30.0], [0], n=1, duration=60.0, bin_width=30.0)
    assert (rates.firing_rate > 0.0).tolist() == [False, True]
    rates = binned_rates([0.3], [0], n=1, duration=0.5, bin_width=0.1)  # 0.3 / 0.1 is below 3
    assert (rates.firing_rate > 0.0).tolist() == [False, False, False, True, False]


def test_spikes_before_the_start_are_not_counted_but_known():
    spikes = [90.0, 102.0, 130.0]
    rates = binned_rates(spikes, [0, 0, 0], n=1, duration=150.0, start=100.0)
    assert rates.time.tolist() == [125.0]
    assert rates.event_rate.tolist() == [20.0]  # the spike at 102 ms goes on with an event
    assert rates.burst_rate.tolist() == [20.0]
    assert rates.firing_rate.tolist() == [40.0]


def test_what_fills_no_bin_is_left_out():
    rates = binned_rates([10.0, 110.0], [0, 0], n=1, duration=120.0)
    assert rates.time.tolist() == [25.0, 75.0]
    assert rates.firing_rate.tolist() == [20.0, 0.0]


def test_rounding_does_not_cost_a_bin():
    rates = binned_rates([], [], n=1, duration=0.3, bin_width=0.1)  # 0.3 / 0.1 is below 3
    assert rates.time.size == 3


def test_of_no_spikes_rates_are_zero():
    rates = binned_rates([], [], n=3, duration=100.0)
    assert rates.event_rate.tolist() == rates.burst_rate.tolist() == [0.0, 0.0]
    assert np.isnan(rates.burst_probability).all()


def test_the_longest_interval_of_rates_can_be_chosen():
    spikes = dict(times=[10.0, 20.0], ids=[0, 0], n=1, duration=50.0)
    assert binned_rates(**spikes).burst_rate.tolist() == [20.0]
    assert binned_rates(**spikes, longest_interval=8.0).burst_rate.tolist() == [0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(n=0), "n is 0"),
        (dict(ids=[2]), "ids holds 2; every element has to be at most 1"),
        (dict(times=[-1.0]), "times holds -1"),
        (dict(times=[101.0]), "times holds 101; every element has to be at most 100"),
        (dict(duration=0.0), "duration is 0"),
        (dict(bin_width=0.0), "bin_width is 0"),
        (dict(bin_width=101.0), "bin_width is 101 ms; there are only 100 ms from start"),
        (dict(start=100.0), "start is 100"),
        (dict(start=-1.0), "start is -1"),
        (dict(longest_interval=-1.0), "longest_interval is -1"),
    ],
)
def test_rates_refuse(changes, message):
    arguments = dict(times=[1.0], ids=[0], n=2, duration=100.0)
    with pytest.raises(InputError, match=message):
        binned_rates(**{**arguments, **changes})
