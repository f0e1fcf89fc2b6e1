"""Private Poisson input: its statistics, where it goes, and the same draws everywhere."""

import numpy as np
import pytest
from scipy import stats

from spikesim import InputError, Network, Neuron


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)
"""Shows what arrived in the last step."""


def arrivals(steps=300, n=200, rate=2000.0, dt=0.1, backend="cpu", run=None, seed=3, **options):
    """What arrived, shape (steps, n), with weight 1."""
    net = Network(dt=dt, seed=seed, backend=backend)
    cells = net.add_population("cells", n, RECEIVER)
    net.add_background(cells, "port", rate, 1.0, **options)
    recording = net.record(cells, "got")
    for part in run or [steps]:
        net.run_steps(part)
    return recording.got.T


def within(value, expected, error):
    assert abs(value - expected) < 4.0 * error, (value, expected, error)


def test_counts_per_neuron_and_step_are_poisson():
    counts = arrivals()
    values = counts.size
    within(counts.mean(), 0.2, np.sqrt(0.2 / values))
    for k, chance in enumerate([0.81873, 0.16375, 0.016375, 0.0010917]):
        within(np.mean(counts == k), chance, np.sqrt(chance / values))


def test_at_most_one_spike_is_drawn_with_probability_rate_dt():
    counts = arrivals(at_most_one=True)
    assert counts.max() == 1.0
    within(counts.mean(), 0.2, np.sqrt(0.2 * 0.8 / counts.size))
    within(counts.sum(axis=1).var(), 200 * 0.2 * 0.8, 200 * 0.2 * 0.8 * np.sqrt(2 / 300))


def test_neurons_are_independent_of_each_other_and_of_the_past():
    counts = arrivals(steps=3000, n=20) - 0.2
    error = 0.2 / np.sqrt(3000)
    covariance = np.cov(counts.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 5 * error
    within(np.mean(counts[1:] * counts[:-1]), 0.0, 0.2 / np.sqrt(counts.size))


@pytest.mark.parametrize("at_most_one", [False, True])
def test_draws_are_the_same_on_every_backend_and_in_any_chunks(at_most_one):
    options = {"steps": 40, "n": 30, "at_most_one": at_most_one}
    reference = arrivals(**options)
    assert reference.any()
    assert np.array_equal(reference, arrivals(**options, backend="python"))
    assert np.array_equal(reference, arrivals(**options, run=[7, 1, 32]))
    assert not np.array_equal(reference, arrivals(**options, seed=4))


@pytest.mark.parametrize("at_most_one", [False, True])
def test_a_slice_gets_all_of_it(at_most_one):
    counts = arrivals(neurons=slice(50, 90), at_most_one=at_most_one)
    assert not counts[:, :50].any()
    assert not counts[:, 90:].any()
    within(counts[:, 50:90].mean(), 0.2, np.sqrt(0.2 / (300 * 40)))


def test_rate_and_weight_may_change_between_runs():
    net = Network(backend="python")
    cells = net.add_population("cells", 50, RECEIVER)
    background = net.add_background(cells, "port", 0.0, 1.0)
    recording = net.record(cells, "got")
    net.run(5.0)
    background.rate, background.weight = 5000.0, 2.0
    net.run(10.0)
    got = recording.got.T
    assert not got[:50].any()
    assert set(np.unique(got[50:] % 2.0)) == {0.0}
    within(got[50:].mean(), 1.0, 2.0 * np.sqrt(0.5 / (100 * 50)))


def test_large_populations_have_the_right_mean_and_spread():
    totals = arrivals(steps=400, n=20_000, rate=5000.0).sum(axis=1)
    within(totals.mean(), 10_000.0, 100.0 / np.sqrt(400))
    within(totals.var(), 10_000.0, 10_000.0 * np.sqrt(2 / 400))


def test_two_backgrounds_are_different():
    net = Network(backend="python")
    cells = net.add_population("cells", 100, RECEIVER)
    others = net.add_population("others", 100, RECEIVER)
    for population in (cells, others):
        net.add_background(population, "port", 3000.0, 1.0)
    net.run(0.1)
    assert not np.array_equal(cells.got, others.got)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": -1.0}, "rate is -1.0"),
        ({"rate": 20_000.0, "at_most_one": True}, "at most 10000"),
        ({"weight": np.nan}, "weight is nan"),
        ({"target": "prot"}, "Did you mean 'port'"),
        ({"neurons": slice(10, 10)}, "holds some of the 5 neurons"),
        ({"neurons": slice(0, 5, 2)}, "without a stride"),
        ({"neurons": [0, 2]}, "without a stride"),
        ({"neurons": 5}, "neurons holds 5"),
        ({"at_most_one": 1}, "at_most_one is 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    net = Network(backend="python")
    cells = net.add_population("cells", 5, RECEIVER)
    given = {"target": "port", "rate": 10.0, "weight": 1.0, **change}
    with pytest.raises(InputError, match=message):
        net.add_background(cells, **given)


# ------------------------------------------------------------------ where each neuron draws


@pytest.mark.parametrize("mean", [0.75, 2.0, 60.0])
def test_many_spikes_per_step_are_poisson(mean):
    counts = arrivals(steps=300, n=202, rate=mean * 1e4)
    assert np.array_equal(counts, np.rint(counts))
    chances = stats.poisson(mean)
    for k in range(int(mean + 4 * np.sqrt(mean)) + 1):
        within(np.mean(counts <= k), chances.cdf(k), np.sqrt(0.25 / counts.size))
    within(counts.var(), mean, mean * np.sqrt(2 / counts.size) * 1.2)


def test_the_rarest_counts_come_as_often_as_they_should():
    counts = arrivals(steps=4000, n=1000, rate=20_000.0)
    assert counts.max() < 25  # less than once in 10^12 times
    for k in (9, 11, 13):
        expected = stats.poisson(2.0).sf(k) * counts.size
        within(np.count_nonzero(counts > k), expected, np.sqrt(expected) + 0.3)


def test_many_spikes_of_at_most_one_per_step_are_bernoulli():
    counts = arrivals(rate=9000.0, at_most_one=True)
    assert set(np.unique(counts)) == {0.0, 1.0}
    within(counts.mean(), 0.9, np.sqrt(0.09 / counts.size))
    assert (arrivals(steps=20, rate=10_000.0, at_most_one=True)[1:] == 1.0).all()


def test_neurons_that_draw_are_independent_of_each_other_and_of_the_past():
    counts = arrivals(steps=3000, n=21, rate=20_000.0) - 2.0
    covariance = np.cov(counts.T)
    error = 2.0 / np.sqrt(3000)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 5 * error
    within(np.mean(counts[1:] * counts[:-1]), 0.0, 2.0 / np.sqrt(counts.size))


def test_neurons_that_draw_get_the_same_on_every_backend_and_in_any_chunks():
    options = {"steps": 30, "n": 30, "rate": 20_000.0, "neurons": slice(3, 29)}
    reference = arrivals(**options)
    assert not reference[:, :3].any()
    assert not reference[:, 29:].any()
    within(reference[:, 3:29].mean(), 2.0, np.sqrt(2.0 / (30 * 26)))
    assert np.array_equal(reference, arrivals(**options, backend="python"))
    assert np.array_equal(reference, arrivals(**options, run=[7, 1, 22]))
    assert not np.array_equal(reference, arrivals(**options, seed=4))
