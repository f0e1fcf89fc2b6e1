"""What can be computed and made of recorded spikes and samples, against formulas and readers."""

import math
import sys

import numpy as np
import pytest

from spikesim import LIF, InputError, Network
from spikesim.sonata import read_spikes, write_spikes

DT = 0.1


def given(steps, ids, n=4, dt=DT, duration=10.0):
    """A recording of given spikes, which may be several of a neuron in a step."""
    net = Network(dt=dt, backend="python")
    times = np.asarray(steps) * dt
    source = net.add_spike_trains("given", n, times, ids, duplicates="keep")
    spikes = net.record_spikes(source)
    net.run(duration)
    return spikes


def random_spikes(seed=0, n=7, steps=300):
    """Some spikes by chance: the recording, and the steps of each neuron."""
    chance = np.random.default_rng(seed)
    grid = chance.uniform(size=(steps, n)) < np.linspace(0.0, 0.3, n)
    when, who = np.nonzero(grid)
    trains = [np.flatnonzero(column) for column in grid.T]
    return given(when, who, n, duration=steps * DT), trains


def both(recording):
    """A recording, and what is taken out of it: they can do the same."""
    yield recording
    yield recording.take()


# ---- rates and intervals


@pytest.mark.parametrize("width", [1, 3, 7, 300])
def test_rates_are_spikes_per_second_and_neuron_in_each_whole_bin(width):
    spikes, trains = random_spikes()
    bins = 300 // width
    for each in both(spikes):
        t, hz = each.rate(width * DT)
        rows = each.rate(width * DT, per_neuron=True).hz
        expected = [
            [sum(b * width <= k < (b + 1) * width for k in train) for b in range(bins)]
            for train in trains
        ]
        seconds = width * DT / 1000.0
        np.testing.assert_allclose(rows, np.array(expected) / seconds)
        np.testing.assert_allclose(hz, np.mean(expected, axis=0) / seconds)
        np.testing.assert_allclose(t, (np.arange(bins) + 0.5) * width * DT)


def test_rates_of_chosen_neurons_are_their_mean():
    spikes, _ = random_spikes()
    rows = spikes.rate(1.0, per_neuron=True).hz
    np.testing.assert_allclose(spikes.rate(1.0, neurons=[5, 2]).hz, rows[[5, 2]].mean(axis=0))
    chosen = spikes.rate(1.0, neurons=slice(3, 6), per_neuron=True).hz
    np.testing.assert_array_equal(chosen, rows[3:6])


def test_rates_begin_where_the_recording_does():
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 1, times=[12.0, 13.0, 19.0], ids=[0, 0, 0])
    net.run(10.0)
    spikes = net.record_spikes(source)
    net.run(12.0)
    t, hz = spikes.rate(5.0)
    assert (t.tolist(), hz.tolist()) == ([12.5, 17.5], [400.0, 200.0])


def test_rates_agree_with_elephant():
    statistics = pytest.importorskip("elephant.statistics")
    import quantities as pq

    spikes, _ = random_spikes()
    trains = spikes.to_neo().spiketrains
    for output, per_neuron in (("mean", False),):
        expected = statistics.time_histogram(list(trains), 2.0 * pq.ms, output=output)
        found = spikes.rate(2.0, per_neuron=per_neuron).hz * 0.002  # spikes per bin
        np.testing.assert_allclose(found, expected.magnitude.ravel(), atol=1e-12)


@pytest.mark.parametrize(
    ("width", "options", "message"),
    [
        (0.0, {}, "bin_width"),
        (0.25, {}, "multiple of dt"),
        (50.0, {}, "at most what was recorded of 'given', 10 ms"),
        (1.0, {"neurons": [9]}, "neurons"),
        (1.0, {"neurons": []}, "at least one"),
        (1.0, {"neurons": [1, 1]}, "none twice"),
        (1.0, {"per_neuron": 3}, "per_neuron is 3"),
    ],
)
def test_rates_that_cannot_be_are_refused(width, options, message):
    with pytest.raises(InputError, match=message):
        given([3], [0]).rate(width, **options)


def test_no_rate_is_given_of_a_time_that_was_not_recorded():
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 1, times=[1.0], ids=[0], period=10.0)
    spikes = net.record_spikes(source)
    with pytest.raises(InputError, match="run the network first"):
        spikes.rate(1.0)
    later = Network(dt=1.0, backend="python")
    later.add_spike_trains("source", 1, times=[1.0], ids=[0], period=10.0)
    later.run(30.0)
    net.run(10.0)
    net.set_state(later.state())
    net.run(10.0)
    with pytest.raises(InputError, match="from 10 to 30 ms"):
        spikes.rate(1.0)


def test_intervals_are_those_between_the_spikes_of_each_neuron():
    spikes, trains = random_spikes()
    for each in both(spikes):
        found = each.isi()
        assert len(found) == len(trains)
        for intervals, train in zip(found, trains, strict=True):
            np.testing.assert_array_equal(intervals, np.diff(train) * DT)


def test_several_spikes_in_a_step_are_no_time_apart():
    spikes = given([5, 5, 9], [1, 1, 1])
    np.testing.assert_array_equal(spikes.isi()[1], np.array([0, 4]) * DT)


def test_cv_is_standard_deviation_over_mean_of_the_intervals():
    spikes, trains = random_spikes()
    for each in both(spikes):
        for cv, train in zip(each.cv(), trains, strict=True):
            intervals = np.diff(train) * DT
            if train.size < 3:
                assert math.isnan(cv)
            else:
                assert cv == pytest.approx(intervals.std() / intervals.mean(), rel=1e-12)


def test_cv_agrees_with_elephant():
    statistics = pytest.importorskip("elephant.statistics")
    spikes, trains = random_spikes()
    cv = spikes.cv()
    for neuron, train in enumerate(spikes.to_neo().spiketrains):
        if trains[neuron].size >= 3:
            expected = statistics.cv(statistics.isi(train))
            assert cv[neuron] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("steps", [[], [3], [3, 8], [4, 4, 4]])
def test_cv_of_too_few_spikes_or_of_all_at_once_is_nan(steps):
    assert np.isnan(given(steps, [2] * len(steps)).cv()).all()


def test_a_clock_has_a_cv_of_0():
    assert given(range(0, 90, 10), [0] * 9).cv()[0] == pytest.approx(0.0, abs=1e-12)


# ---- tables and files


def test_spikes_become_a_table():
    pytest.importorskip("pandas")
    spikes, _ = random_spikes()
    for each in both(spikes):
        table = each.to_pandas()
        assert list(table.columns) == ["t", "i"]
        np.testing.assert_array_equal(table["t"], each.t)
        np.testing.assert_array_equal(table["i"], each.i)


def sampled(unit=None):
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 4, LIF, I=20.0)
    cells.v = np.linspace(-65.0, -55.0, 4)
    net.run(3.0)
    samples = net.record(cells, ["v", "drive"], every=1.0, neurons=[3, 1], unit=unit)
    net.run(20.0)
    return samples


def test_samples_become_a_table():
    pytest.importorskip("pandas")
    samples = sampled()
    table = samples.to_pandas()
    np.testing.assert_array_equal(table.index, samples.t)
    assert list(table.columns) == [("v", 3), ("v", 1), ("drive", 3), ("drive", 1)]
    np.testing.assert_array_equal(table["v"][1], samples.v[1])
    np.testing.assert_array_equal(table["drive"].to_numpy().T, samples.drive)


def test_samples_become_signals_of_neo_with_times_and_units():
    pytest.importorskip("neo")
    samples = sampled(unit={"drive": "pA"})
    segment = samples.to_neo()
    assert segment.name == "cells"
    for signal, name, unit in zip(segment.analogsignals, ["v", "drive"], ["mV", "pA"], strict=True):
        assert (signal.name, signal.dimensionality.string) == (name, unit)
        np.testing.assert_array_equal(signal.magnitude, getattr(samples, name).T)
        np.testing.assert_allclose(signal.times.rescale("ms").magnitude, samples.t)
        assert signal.array_annotations["neuron"].tolist() == [3, 1]


def test_signals_of_an_unknown_unit_are_refused_and_of_none_have_none():
    pytest.importorskip("neo")
    with pytest.raises(InputError, match="'blorp'"):
        sampled(unit={"drive": "blorp"}).to_neo()
    _, drive = sampled(unit={"drive": ""}).to_neo().analogsignals
    assert drive.dimensionality.string == "dimensionless"


def test_signals_without_a_sample_are_refused():
    pytest.importorskip("neo")
    samples = sampled()
    samples.clear()
    with pytest.raises(InputError, match="run the network first"):
        samples.to_neo()


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("pandas", lambda spikes, path: spikes.to_pandas()),
        ("pynwb", lambda spikes, path: spikes.to_nwb(path)),
    ],
)
def test_without_its_package_an_export_says_how_to_get_it(tmp_path, monkeypatch, package, call):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf'{package}, which is not .* pip install "spikesim\['):
        call(given([3], [0]), tmp_path / "a")


# ---- several populations


def network():
    net = Network(dt=1.0, backend="python")
    exc = net.add_spike_trains("exc", 3, times=[2.0, 4.0, 12.0], ids=[0, 2, 1])
    inh = net.add_spike_trains("inh", 2, times=[3.0, 11.0], ids=[1, 0])
    return net, exc, inh


EXC, INH = ([2.0, 4.0, 12.0], [0, 2, 1]), ([3.0, 11.0], [1, 0])


def as_lists(found):
    return {name: (t.tolist(), i.tolist()) for name, (t, i) in found.items()}


def test_several_populations_are_recorded_at_once():
    net, exc, inh = network()
    spikes = net.record_spikes(exc, inh)
    first, second = spikes
    net.run(20.0)
    assert (first.t.tolist(), second.i.tolist()) == (EXC[0], INH[1])
    assert spikes["inh"] is spikes[1] is spikes[-1] is second
    assert (len(spikes), spikes[:1]) == (2, [first])


@pytest.mark.parametrize("kind", [list, tuple])
def test_populations_in_a_list_are_to_be_passed_one_by_one(kind):
    net, exc, inh = network()
    with pytest.raises(InputError, match=r"one by one: record_spikes\(exc, inh"):
        net.record_spikes(kind([exc, inh[:1]]))


def test_several_populations_go_to_one_file(tmp_path):
    net, exc, inh = network()
    spikes = net.record_spikes(exc, inh, path=tmp_path / "spikes.h5")
    net.run(10.0)
    net.run(10.0)
    spikes.close()
    assert as_lists(read_spikes(tmp_path / "spikes.h5")) == {"exc": EXC, "inh": INH}


def test_the_file_is_finished_when_the_last_recording_is_closed(tmp_path):
    net, exc, inh = network()
    spikes = net.record_spikes(exc, inh, path=tmp_path / "spikes.h5")
    net.run(10.0)
    spikes["exc"].close()
    assert not (tmp_path / "spikes.h5").exists()
    net.run(10.0)
    spikes["inh"].close()
    spikes.close()
    early = ([2.0, 4.0], [0, 2])
    assert as_lists(read_spikes(tmp_path / "spikes.h5")) == {"exc": early, "inh": INH}


def test_a_file_of_several_populations_follows_a_network_that_goes_back(tmp_path):
    net, exc, inh = network()
    spikes = net.record_spikes(exc, inh, path=tmp_path / "spikes.h5")
    net.run(5.0)
    state = net.state()
    net.run(15.0)
    net.set_state(state)
    net.run(7.0)
    spikes.close()
    found = as_lists(read_spikes(tmp_path / "spikes.h5"))
    assert found == {"exc": ([2.0, 4.0], [0, 2]), "inh": INH}


def test_recordings_are_written_to_one_file_afterwards(tmp_path):
    net, exc, inh = network()
    together, alone = net.record_spikes(exc, inh), [net.record_spikes(inh), net.record_spikes(exc)]
    net.run(20.0)
    together.to_sonata(tmp_path / "a.h5")
    write_spikes(tmp_path / "b.h5", *alone)
    write_spikes(tmp_path / "c.h5", *together.take())
    for name in "abc":
        found = as_lists(read_spikes(tmp_path / f"{name}.h5"))
        assert found == {"exc": EXC, "inh": INH}
    assert [each.t.size for each in together] == [0, 0]


@pytest.mark.parametrize("path", [None, "spikes.h5"])
def test_a_population_is_not_recorded_twice_at_once(tmp_path, path):
    net, exc, inh = network()
    with pytest.raises(InputError, match="twice"):
        net.record_spikes(exc, inh, exc, path=path and tmp_path / path)
    assert net.recordings == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", ["exz", 2.5, None, True])
def test_a_recording_that_is_not_there_is_refused(which):
    net, exc, inh = network()
    with pytest.raises(InputError, match="'exc', 'inh'"):
        net.record_spikes(exc, inh)[which]


def test_spikes_of_the_same_name_or_of_another_dt_do_not_share_a_file(tmp_path):
    one, two = given([1], [0]), given([1], [0])
    for spikes in ([], [one, two], [one, network_of(0.2)], [3]):
        with pytest.raises(InputError, match="spikes"):
            write_spikes(tmp_path / "a.h5", *spikes)
    assert list(tmp_path.iterdir()) == []


def network_of(dt):
    net = Network(dt=dt, backend="python")
    return net.record_spikes(net.add_spike_trains("other", 1, times=[dt], ids=[0]))


# ---- units


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (None, {"v": "mV", "drive": "mV"}),
        ("nA", {"v": "nA", "drive": "nA"}),
        ({"drive": "pA"}, {"v": "mV", "drive": "pA"}),
        ({"v": "V", "drive": "pA"}, {"v": "V", "drive": "pA"}),
    ],
)
def test_a_recording_knows_the_unit_of_each_variable(unit, expected):
    assert sampled(unit).units == expected


@pytest.mark.parametrize("unit", [3, {"w": "mV"}, {"v": 3}, ["mV"]])
def test_what_is_no_unit_is_refused(unit):
    with pytest.raises(InputError, match="unit"):
        sampled(unit)


def test_a_file_has_one_unit(tmp_path):
    net = Network(backend="python")
    cells = net.add_population("cells", 1, LIF)
    options = {"unit": {"drive": "pA"}, "path": tmp_path / "a.h5"}
    with pytest.raises(InputError, match="mV and pA, but a file has one unit"):
        net.record(cells, ["v", "drive"], **options)
    assert net.recordings == []
    net.record(cells, ["drive"], **options).close()
