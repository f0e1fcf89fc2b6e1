"""Recordings: from when to when they go, pauses, what ends them, which neurons, copies."""

import copy
import gc
import itertools
import multiprocessing
import pickle

import h5py
import numpy as np
import pytest

import spikesim.engine.recording
from spikesim import LIF, Network, Poisson, plot, spiketrains
from spikesim.errors import FileError, InputError
from spikesim.models.burst import BurstpropNetwork
from spikesim.models.microcircuit import mean_rates
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces

DT = 0.5
EVERY = {"each step": None, "every third step": 1.5}


def noisy(n=12, seed=5, backend="python"):
    net = Network(dt=DT, seed=seed, backend=backend)
    source = net.add_population("source", n, Poisson)
    source.rate[:] = 300.0
    cells = net.add_population("cells", n, LIF)
    net.connect(source, cells, target="drive", weight=4.0, delay=0.0)
    return net, source, cells


def given(times, dt=1.0):
    """A network of one neuron that spikes at given times."""
    net = Network(dt=dt, backend="python")
    return net, net.add_spike_trains("given", 1, times, np.zeros(len(times), int))


def assert_same(recording, expected):
    np.testing.assert_array_equal(recording.t, expected.t)
    for name in getattr(expected, "variables", ["i"]):
        np.testing.assert_array_equal(getattr(recording, name), getattr(expected, name))


# ---- from when to when


@pytest.mark.parametrize("begins", [0, 7, 1000])
def test_a_recording_knows_from_when_to_when_it_goes(begins):
    net, source, cells = noisy()
    net.run_steps(begins)
    for recording in (net.record_spikes(source), net.record(cells, "v")):
        assert (recording.t_start, recording.t_stop, recording.duration) == (net.time,) * 2 + (0.0,)
    net.run(20.0)
    net.run(10.0)
    for recording in net.recordings:
        assert recording.t_start == begins * DT
        assert recording.t_stop == net.time
        assert recording.duration == 30.0


def test_the_mean_rate_of_a_recording_that_begins_late_is_that_of_its_time():
    net, source = given(np.arange(5.0, 3000.0, 10.0))
    net.run(1000.0)
    spikes = net.record_spikes(source)
    net.run(2000.0)
    (train,) = spikes.spike_trains()
    assert spiketrains.mean_rate(train, spikes.duration) == 100.0
    assert mean_rates({"given": spikes}, after=500.0)["given"] == 100.0
    assert mean_rates({"given": spikes}, after=2000.0)["given"] == 100.0


def test_elephant_gets_the_rate_of_a_recording_that_begins_late():
    elephant = pytest.importorskip("elephant.statistics")
    net, source = given(np.arange(5.0, 3000.0, 10.0))
    net.run(1000.0)
    spikes = net.record_spikes(source)
    net.run(2000.0)
    (train,) = spikes.to_neo().spiketrains
    assert (float(train.t_start), float(train.t_stop)) == (1000.0, 3000.0)
    assert elephant.mean_firing_rate(train).rescale("Hz").item() == pytest.approx(100.0, rel=1e-12)


def test_a_raster_shows_the_time_that_was_recorded():
    net, source = given([3.0, 14.0])
    net.run(10.0)
    spikes = net.record_spikes(source)
    net.run(20.0)
    assert plot.raster(spikes).get_xlim() == (10.0, 30.0)
    assert plot.rasters([spikes, ([25.0], [0])])[0].get_xlim() == (0.0, 30.0)


def test_after_clear_a_recording_begins_anew_at_the_present_time():
    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v", every=1.5)
    net.run(20.0)
    for recording in (spikes, voltages):
        recording.clear()
        assert recording.t.size == 0
        assert (recording.t_start, recording.duration) == (20.0, 0.0)
    late = net.record_spikes(source), net.record(cells, "v", every=1.5)
    net.run(10.0)
    for recording, expected in zip((spikes, voltages), late, strict=True):
        assert_same(recording, expected)
        assert recording.duration == 10.0


def test_neo_needs_a_recording_that_has_run():
    net, source, _ = noisy()
    with pytest.raises(InputError, match="holds no time yet; run the network first"):
        net.record_spikes(source).to_neo()


# ---- back to an earlier time


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("back_to", [9, 10, 11, 12, 13, 30, 39, 40])
@pytest.mark.parametrize("reads", [False, True])
def test_a_recording_over_a_restored_state_is_that_of_the_time_that_counts(every, back_to, reads):
    net, source, cells = noisy()
    net.run_steps(10 if back_to >= 10 else back_to)
    states = {net.step: copy.deepcopy(net.state())}
    net.run_steps(10 - net.step)
    recordings = net.record_spikes(source), net.record(cells, ["v", "drive"], EVERY[every])
    while net.step < 40:
        net.run_steps(1)
        states[net.step] = copy.deepcopy(net.state())
    held = [recording.t for recording in recordings] if reads else []
    kept = [times.copy() for times in held]
    net.set_state(states[back_to])
    for recording in recordings:
        assert (recording.t < back_to * DT).all()
        assert recording.t_stop == back_to * DT
    net.run_steps(60 - back_to)

    whole, source, cells = noisy()
    whole.run_steps(min(back_to, 10))
    expected = whole.record_spikes(source), whole.record(cells, ["v", "drive"], EVERY[every])
    whole.run_steps(60 - whole.step)
    for recording, straight in zip(recordings, expected, strict=True):
        assert_same(recording, straight)
        assert recording.duration == straight.duration == (60 - min(back_to, 10)) * DT
    for times, before in zip(held, kept, strict=True):  # what was read stays what it was
        np.testing.assert_array_equal(times, before)


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("back_to", [10, 11, 12, 13, 30, 39])
def test_a_file_over_a_restored_state_is_that_of_the_time_that_counts(tmp_path, every, back_to):
    net, source, cells = noisy()
    net.run_steps(10)
    spikes = net.record_spikes(source, tmp_path / "spikes.h5")
    states = net.record(cells, ["v", "drive"], EVERY[every], path=tmp_path / "states.h5")
    net.run_steps(back_to - 10)
    saved = copy.deepcopy(net.state())
    net.run_steps(40 - back_to)
    net.set_state(saved)
    net.run_steps(60 - back_to)
    spikes.close()
    states.close()

    whole, source, cells = noisy()
    whole.run_steps(10)
    expected = whole.record_spikes(source)
    sampled = whole.record(cells, ["v", "drive"], EVERY[every])
    whole.run_steps(50)
    times, ids = read_spikes(tmp_path / "spikes.h5")["source"]
    np.testing.assert_array_equal(times, expected.t)
    np.testing.assert_array_equal(ids, expected.i)
    traces = read_traces(tmp_path / "states.h5")["cells"]
    np.testing.assert_allclose(traces.times, sampled.t, rtol=1e-12)
    np.testing.assert_array_equal(traces.data[:, :, 0].T, sampled.v)
    np.testing.assert_array_equal(traces.data[:, :, 1].T, sampled.drive)


def test_restore_makes_recordings_forget_what_came_later(tmp_path):
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    net.run(20.0)
    net.save(tmp_path / "net.h5")
    before = spikes.t
    net.run(20.0)
    net.restore(tmp_path / "net.h5")
    np.testing.assert_array_equal(spikes.t, before)
    net.run(20.0)
    assert (np.diff(spikes.t) >= 0.0).all()
    spikes.to_sonata(tmp_path / "spikes.h5")
    np.testing.assert_array_equal(read_spikes(tmp_path / "spikes.h5")["source"][0], spikes.t)


def test_many_spikes_are_taken_back_from_a_file(tmp_path):
    steps = np.repeat(np.arange(1000), 100)
    with SpikeWriter(tmp_path / "spikes.h5", 0.1) as writer:
        writer.append("cells", steps, np.arange(steps.size) % 7)
        writer.cut("cells", 3)
        writer.append("cells", [3, 5], [1, 2])
        writer.cut("cells", 9)
        writer.cut("others", 0)
    times, ids = read_spikes(tmp_path / "spikes.h5")["cells"]
    np.testing.assert_array_equal(np.rint(times / 0.1), [*steps[:300], 3, 5])
    np.testing.assert_array_equal(ids, [*np.arange(300) % 7, 1, 2])


def test_a_report_of_which_all_frames_were_taken_back_can_be_read(tmp_path):
    with TraceWriter(tmp_path / "v.h5", 0.1) as writer:
        writer.add_population("a", [0])
        writer.add_population("b", [0])
        for name in ("a", "b"):
            writer.append(name, np.ones((3, 1, 1)))
            writer.cut(name, 0)
        writer.append("b", np.full((2, 1, 1), 5.0))
    traces = read_traces(tmp_path / "v.h5")
    assert list(traces) == ["b"]
    assert traces["b"].data.ravel().tolist() == [5.0, 5.0]


def later(net):
    """The state of the same network 20 ms later."""
    other, *_ = noisy()
    other.run(net.time + 20.0)
    return other.state()


def test_what_a_recording_skips_does_not_count_as_recorded():
    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    net.run(10.0)
    net.set_state(later(net))
    net.run(10.0)
    for recording in (spikes, voltages):
        assert (recording.t_start, recording.t_stop, recording.duration) == (0.0, 40.0, 20.0)
        assert not ((recording.t >= 10.0) & (recording.t < 30.0)).any()
    with pytest.raises(InputError, match=r"was not recorded from 10 to 30 ms.*clear\(\)"):
        spikes.to_neo()


def test_a_file_of_samples_refuses_a_jump_before_anything_is_run(tmp_path):
    net, _, cells = noisy()
    states = net.record(cells, "v", path=tmp_path / "states.h5")
    net.run(10.0)
    net.set_state(later(net))
    with pytest.raises(InputError, match=r"end before step 20, but .* was set to step 60; close"):
        net.run(5.0)
    assert net.time == 30.0
    states.close()
    net.run(5.0)
    assert read_traces(tmp_path / "states.h5")["cells"].times[-1] == 9.5


# ---- the end


@pytest.mark.parametrize("to_file", [False, True])
def test_after_close_the_network_goes_on_without_the_recording(tmp_path, to_file):
    net, source, cells = noisy()
    paths = [tmp_path / "spikes.h5", tmp_path / "states.h5"] if to_file else [None, None]
    closed = net.record_spikes(source, paths[0]), net.record(cells, "v", path=paths[1])
    stays = net.record_spikes(cells)
    net.run(10.0)
    for recording in closed:
        recording.close()
        recording.close()
    net.run(10.0)
    assert net.recordings == [stays]
    assert len(net.phases()) == len(noisy()[0].phases()) + len(stays.phases())
    assert stays.duration == 20.0
    whole, source, cells = noisy()
    expected = whole.record_spikes(source), whole.record(cells, "v"), whole.record_spikes(cells)
    whole.run(10.0)
    if to_file:
        np.testing.assert_array_equal(read_spikes(paths[0])["source"][0], expected[0].t)
        assert len(read_traces(paths[1])["cells"].times) == expected[1].t.size
    else:
        for recording, straight in zip(closed, expected, strict=False):
            assert_same(recording, straight)
            assert recording.duration == 10.0
    whole.run(10.0)
    assert_same(stays, expected[2])


def test_a_recording_can_be_closed_by_who_is_told_of_the_progress(monkeypatch):
    monkeypatch.setattr(spikesim.engine.recording, "SPIKE_BUFFER", 200)
    net, source, _ = noisy()
    closed, stays = net.record_spikes(source), net.record_spikes(source)
    net.run(100.0, progress=lambda done, total: closed.close())
    assert 0.0 < closed.duration < stays.duration == 100.0
    np.testing.assert_array_equal(closed.t, stays.t[stays.t < closed.t_stop])


def test_without_a_file_that_could_not_be_written_the_network_goes_on(tmp_path, monkeypatch):
    net, source, cells = noisy()
    broken, kept = net.record_spikes(source, tmp_path / "spikes.h5"), net.record_spikes(cells)
    net.run(5.0)

    def full(*_, **__):
        raise FileError("Cannot write: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(h5py.Dataset, "resize", full)
        with pytest.raises(FileError, match="disk is full"):
            net.run(5.0)
    assert kept.duration == 10.0  # the others have lost nothing
    with pytest.raises(InputError, match=r"could not be written; close\(\)"):
        net.run(5.0)
    assert net.time == 10.0
    broken.close()
    net.run(5.0)
    assert kept.duration == 15.0
    assert not list(tmp_path.iterdir())


# ---- pauses


def paused_from_10_to_30(net, recordings):
    net.run(10.0)
    for recording in recordings:
        recording.pause()
    net.run(20.0)
    for recording in recordings:
        recording.resume()
    net.run(10.0)


def outside(t):
    """Which times are not in the pause."""
    return (t < 10.0) | (t >= 30.0)


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
@pytest.mark.parametrize("every", EVERY)
def test_a_recording_that_pauses_has_what_a_whole_one_has_of_the_other_time(backend, every):
    net, source, cells = noisy(backend=backend)
    whole = net.record_spikes(source), net.record(cells, "v", EVERY[every])
    spikes, voltages = net.record_spikes(source), net.record(cells, "v", EVERY[every])
    paused_from_10_to_30(net, [spikes, voltages])
    kept = outside(whole[0].t)
    assert not kept.all()
    np.testing.assert_array_equal(spikes.t, whole[0].t[kept])
    np.testing.assert_array_equal(spikes.i, whole[0].i[kept])
    kept = outside(whole[1].t)
    np.testing.assert_array_equal(voltages.t, whole[1].t[kept])
    np.testing.assert_array_equal(voltages.v, whole[1].v[:, kept])
    for recording in (spikes, voltages):
        assert (recording.t_start, recording.t_stop, recording.duration) == (0.0, 40.0, 20.0)
        assert not recording.is_paused


def test_a_pause_leaves_the_program_and_the_bits_as_they_are():
    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    net.run(10.0)
    program = net.compiled()
    spikes.pause()
    voltages.pause()
    assert net.compiled() is program
    net.run(10.0)
    other, *_ = noisy()
    other.run(20.0)
    assert net.populations["cells"].v.tolist() == other.populations["cells"].v.tolist()


def test_a_recording_may_begin_with_a_pause_and_say_so():
    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    for recording in (spikes, voltages):
        recording.pause()
        recording.pause()
        assert recording.is_paused
        assert repr(recording).endswith("0 to 0 ms, paused>")
    net.run(10.0)
    assert (spikes.t.size, voltages.t.size) == (0, 0)
    spikes.resume()
    voltages.resume()
    net.run(10.0)
    for recording in (spikes, voltages):
        assert (recording.t_start, recording.duration) == (10.0, 10.0)
        assert recording.t.min() >= 10.0


def test_spikes_in_a_file_have_the_pause(tmp_path):
    net, source, cells = noisy()
    whole = net.record_spikes(source)
    spikes = net.record_spikes(source, cells, path=tmp_path / "spikes.h5")
    paused_from_10_to_30(net, [spikes])
    spikes.close()
    times, ids = read_spikes(tmp_path / "spikes.h5")["source"]
    kept = outside(whole.t)
    np.testing.assert_array_equal(times, whole.t[kept])
    np.testing.assert_array_equal(ids, whole.i[kept])


def test_samples_in_a_file_have_no_pause(tmp_path):
    net, _, cells = noisy()
    states = net.record(cells, "v", path=tmp_path / "states.h5")
    with pytest.raises(InputError, match=r"follow each other at equal times; close\(\) it"):
        states.pause()
    assert not states.is_paused


@pytest.mark.parametrize("back_to", [5.0, 10.0, 20.0, 35.0])
def test_a_recording_that_paused_forgets_what_a_restored_network_has_not_done_yet(
    tmp_path, back_to
):
    net, source, cells = noisy()
    whole = net.record_spikes(source)
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    saved, _, _ = noisy()
    saved.run(back_to)
    saved.save(tmp_path / "net.h5")
    paused_from_10_to_30(net, [spikes, voltages])
    net.restore(tmp_path / "net.h5")
    for recording in (spikes, voltages):
        assert (recording.t < back_to).all()
    net.run(5.0)
    kept = outside(whole.t) | (whole.t >= back_to)
    np.testing.assert_array_equal(spikes.t, whole.t[kept])
    assert voltages.t[-1] == back_to + 5.0 - DT


def test_a_network_that_is_restored_in_a_pause_goes_on_with_the_pause(tmp_path):
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    net.run(10.0)
    net.save(tmp_path / "net.h5")
    spikes.pause()
    net.run(10.0)
    net.restore(tmp_path / "net.h5")
    net.run(5.0)
    assert (spikes.is_paused, spikes.t_stop) == (True, 10.0)
    net.reset()
    net.run(5.0)
    assert (spikes.is_paused, spikes.t.size, spikes.duration) == (True, 0, 0.0)


def test_what_is_new_or_taken_out_has_the_pause():
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    paused_from_10_to_30(net, [spikes])
    new, taken = spikes.new(), spikes.take()
    assert (new.duration, taken.duration) == (20.0, 20.0)
    with pytest.raises(InputError, match=r"was not recorded from 10 to 30 ms, .*take\(\)"):
        taken.rate(5.0)


def test_no_interval_between_spikes_spans_a_pause():
    net, source = given([2.0, 5.0, 8.0, 31.0, 35.0])
    spikes = net.record_spikes(source)
    paused_from_10_to_30(net, [spikes])
    assert spikes.isi()[0].tolist() == [3.0, 3.0, 4.0]
    assert spikes.cv()[0] == np.std([3.0, 3.0, 4.0]) / np.mean([3.0, 3.0, 4.0])


def test_a_line_in_a_figure_has_a_gap_where_the_recording_paused():
    net, _, cells = noisy()
    voltages = net.record(cells, "v", every=1.0)
    paused_from_10_to_30(net, [voltages])
    line = plot.traces(voltages, "v").lines[0]
    assert np.isnan(line.get_ydata()).sum() == 1
    assert np.isfinite(line.get_ydata()).sum() == voltages.t.size == 20


def test_a_recording_can_pause_and_resume_while_a_run_goes_on(monkeypatch):
    monkeypatch.setattr(spikesim.engine.recording, "SPIKE_BUFFER", 200)
    net, source, _ = noisy()
    whole, spikes = net.record_spikes(source), net.record_spikes(source)
    seen = []

    def watch(done, total):
        seen.append((done * DT, spikes.is_paused))
        spikes.resume() if spikes.is_paused else spikes.pause()

    net.run(100.0, progress=watch)
    edges = [0.0, *(time for time, _ in seen)]
    kept = np.zeros(whole.t.size, bool)
    for (begin, end), (_, is_paused) in zip(itertools.pairwise(edges), seen, strict=True):
        kept |= (whole.t >= begin) & (whole.t < end) & (not is_paused)
    assert 0 < kept.sum() < kept.size
    np.testing.assert_array_equal(spikes.t, whole.t[kept])


@pytest.mark.parametrize("call", ["pause", "resume"])
def test_what_has_ended_neither_pauses_nor_resumes(call):
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    spikes.close()
    with pytest.raises(InputError, match="has ended"):
        getattr(spikes, call)()


ATTRIBUTES = ("population", "name", "dt", "t", "t_start", "t_stop", "duration", "evry")


@pytest.mark.parametrize("kind", ["spikes", "states"])
def test_no_attribute_of_a_recording_can_be_set(kind):
    net, source, cells = noisy()
    recording = net.record_spikes(source) if kind == "spikes" else net.record(cells, "v")
    own = ("n", "i", "count") if kind == "spikes" else ("variables", "every", "neurons", "v")
    for name in (*ATTRIBUTES, *own):
        with pytest.raises(InputError, match=rf"{name} of the recording of .* cannot be set"):
            setattr(recording, name, 10)


def test_a_recording_shows_what_it_holds(tmp_path):
    net, source = given([3.0, 14.0])
    spikes, counts = net.record_spikes(source), net.record(source, "spike", neurons=0)
    net.run(20.0)
    to_file = net.record_spikes(source, tmp_path / "a.h5")
    assert repr(spikes) == "<SpikeRecording of 'given': 2 spikes, 0 to 20 ms>"
    assert repr(counts) == (
        "<StateRecording of spike of 1 neurons of 'given': 20 samples, 0 to 20 ms>"
    )
    assert repr(to_file) == f"<SpikeRecording of 'given': to {tmp_path / 'a.h5'}, 20 to 20 ms>"


# ---- which neurons

WHICH = {
    "numbers": ([3, 1], [3, 1]),
    "an array": (np.array([3, 1], np.uint8), [3, 1]),
    "a mask": (np.array([False, True, False, True, True]), [1, 3, 4]),
    "a mask in a list": ([True, False, False, True, False], [0, 3]),
    "a slice": (slice(1, None, 2), [1, 3]),
    "a range": (range(2, 5), [2, 3, 4]),
    "one number": (3, [3]),
    "one number of NumPy": (np.int64(2), [2]),
    "nothing": (None, [0, 1, 2, 3, 4]),
}
NOT_NEURONS = (
    *([5], [-1], -1, 5, range(6), range(-1, 2), range(2**70), [0.5], True, "cells", {0, 1}),
    *([True, False], np.ones(6, bool), np.ones((1, 5), bool), np.array(True), slice("a")),
)


def neurons_of_a_recording(neurons):
    net, _, cells = noisy(5)
    return net.record(cells, "v", neurons=neurons).neurons.tolist()


def neurons_of_a_raster(neurons):
    net, source, _ = noisy(5)
    source.rate[:] = 1000.0 / DT
    recording = net.record_spikes(source)
    net.run(20.0)
    drawn = plot.raster(recording, neurons=neurons).lines[-1].get_ydata()
    return np.unique(np.asarray(drawn)).size


def neurons_of_a_background(neurons):
    net, _, cells = noisy(5)
    net.projections.clear()
    net.add_background(cells, "drive", 1e6, 1.0, neurons=neurons)
    net.run_steps(1)
    return np.flatnonzero(cells.drive).tolist()


@pytest.mark.parametrize("how", WHICH)
def test_neurons_are_named_in_every_way(how):
    which, expected = WHICH[how]
    assert neurons_of_a_recording(which) == expected
    assert neurons_of_a_raster(which) == len(expected)


@pytest.mark.parametrize(
    "which", [slice(1, 4), range(1, 4), [1, 2, 3], np.array([False, True, True, True, False])]
)
def test_a_background_goes_to_neighbours_named_in_every_way(which):
    assert neurons_of_a_background(which) == [1, 2, 3]
    assert neurons_of_a_background(2) == [2]


@pytest.mark.parametrize(
    "use", [neurons_of_a_recording, neurons_of_a_raster, neurons_of_a_background]
)
@pytest.mark.parametrize("which", NOT_NEURONS, ids=str)
def test_what_names_no_neurons_is_refused_wherever_neurons_are_named(use, which):
    with pytest.raises(InputError, match="neurons"):
        use(which)


def test_a_mask_is_not_taken_for_the_numbers_0_and_1():
    mask = np.array([True, False])
    net = Network(backend="python")
    for refused in (
        lambda: net.add_spike_trains("a", 2, [1.0, 2.0], mask),
        lambda: spiketrains.to_neo([1.0, 2.0], mask, 2, 5.0, "a"),
        lambda: plot.raster(([1.0, 2.0], mask)),
        lambda: BurstpropNetwork((4, 3, 2)).evaluate(np.zeros((2, 4)), mask),
    ):
        with pytest.raises(InputError, match="truth values"):
            refused()


def test_a_neuron_whose_row_no_memory_holds_is_refused():
    with pytest.raises(InputError, match="neurons holds 1099511627776, which takes"):
        plot.raster(([1.0], [0]), neurons=2**40)


def test_traces_of_no_neurons_are_refused_in_words():
    net, _, cells = noisy()
    recording = net.record(cells, "v", neurons=np.zeros(12, bool))
    net.run(5.0)
    with pytest.raises(InputError, match="recording holds no neurons"):
        plot.traces(recording, "v")


# ---- spikes of events: several of a neuron in a step

EVENTS = {"times": [10.2, 10.4, 3.0, 9.7, 12.0], "ids": [3, 3, 1, 3, 0]}  # three in step 10


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [
        ("merge", [(3.0, 1), (10.0, 3), (12.0, 0)]),
        ("keep", [(3.0, 1), (10.0, 3), (10.0, 3), (10.0, 3), (12.0, 0)]),
    ],
)
@pytest.mark.parametrize("period", [None, 20.0])
def test_events_of_a_neuron_in_a_step_are_merged_or_kept(duplicates, expected, period):
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("shd", 5, **EVENTS, period=period, duplicates=duplicates)
    spikes, counts = net.record_spikes(source), net.record(source, "spike")
    net.run(40.0)
    again = [(t + 20.0, i) for t, i in expected] if period else []
    assert list(zip(spikes.t, spikes.i, strict=True)) == expected + again
    assert counts.spike[3, 10] == (3 if duplicates == "keep" else 1)


def test_events_of_a_neuron_in_a_step_are_refused_unless_it_is_said_what_becomes_of_them():
    net = Network(dt=1.0, backend="python")
    with pytest.raises(InputError, match=r"two spikes of neuron 3 .* unless duplicates is 'merge'"):
        net.add_spike_trains("shd", 5, **EVENTS)
    with pytest.raises(InputError, match=r"duplicates is 'merged'; .* Did you mean 'merge'"):
        net.add_spike_trains("shd", 5, **EVENTS, duplicates="merged")
    with pytest.raises(InputError, match="more than 4 spikes of neuron 0 in step 1"):
        net.add_spike_trains("shd", 5, [1.0] * 5, [0] * 5, duplicates="keep")


# ---- copies


def recorded_in_a_worker(seed):
    net, source, cells = noisy(seed=seed)
    net.run(5.0)
    recordings = net.record_spikes(source), net.record(cells, "v", every=1.0)
    net.run(30.0)
    return recordings


COPIES = {
    "pickle": lambda recording: pickle.loads(pickle.dumps(recording)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("reads", [False, True])
def test_a_copy_of_a_recording_holds_what_was_recorded(tmp_path, how, reads):
    spikes, voltages = recorded_in_a_worker(3)
    if reads:
        _ = spikes.t, voltages.v
    copied, sampled = COPIES[how](spikes), COPIES[how](voltages)
    assert_same(copied, spikes)
    assert_same(sampled, voltages)
    assert (sampled.t_start, sampled.duration) == (5.0, 30.0)
    np.testing.assert_array_equal(sampled.neurons, voltages.neurons)
    np.testing.assert_array_equal(copied.count, spikes.count)
    assert [train.size for train in copied.spike_trains()] == spikes.count.tolist()
    assert repr(copied) == repr(spikes)
    assert plot.raster(copied).get_xlim() == (5.0, 35.0)
    assert plot.traces(sampled, "v").lines[0].get_xdata().size == voltages.t.size
    assert copied.predicted_bytes(1.0, 1.0) == spikes.predicted_bytes(1.0, 1.0)
    copied.to_sonata(tmp_path / "copied.h5")
    np.testing.assert_array_equal(read_spikes(tmp_path / "copied.h5")["source"][0], spikes.t)
    copied.close()
    copied.clear()
    assert (copied.t.size, spikes.t.size > 0) == (0, True)


def test_a_copy_of_a_recording_goes_to_neo():
    pytest.importorskip("neo")
    spikes, _ = recorded_in_a_worker(3)
    train = pickle.loads(pickle.dumps(spikes)).to_neo().spiketrains[2]
    np.testing.assert_array_equal(np.asarray(train), spikes.t[spikes.i == 2])


def test_a_copy_of_a_recording_stays_as_it_is_when_the_network_goes_on():
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    net.run(10.0)
    copied = copy.deepcopy(spikes)
    net.run(10.0)
    assert (copied.duration, spikes.duration) == (10.0, 20.0)
    assert copied.t.size < spikes.t.size
    assert copied.population is None


def test_a_worker_returns_a_recording():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (returned,) = pool.map(recorded_in_a_worker, [4])
    for recording, expected in zip(returned, recorded_in_a_worker(4), strict=True):
        assert_same(recording, expected)


def test_a_recording_to_a_file_is_copied_once_it_is_closed(tmp_path):
    net, source, _ = noisy()
    spikes = net.record_spikes(source, tmp_path / "spikes.h5")
    net.run(10.0)
    with pytest.raises(InputError, match=r"spikes\.h5; close\(\) it before it is copied"):
        copy.deepcopy(spikes)
    spikes.close()
    copied = pickle.loads(pickle.dumps(spikes))
    assert copied.duration == 10.0
    with pytest.raises(InputError, match="went to a file"):
        _ = copied.t


# ---- reading often


def test_reading_after_each_of_many_runs_copies_each_spike_a_few_times(monkeypatch):
    joined = []
    empty = np.empty

    def counted(shape, *arguments, **options):
        joined.append(np.prod(shape))
        return empty(shape, *arguments, **options)

    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    monkeypatch.setattr(spikesim.engine.recording.np, "empty", counted)
    for _ in range(1000):
        net.run_steps(1)
        _ = spikes.t, spikes.i, voltages.v
    monkeypatch.undo()
    once = 3 * spikes.t.size + voltages.v.size + voltages.t.size
    assert sum(joined) < 8 * once


def test_what_was_read_cannot_be_written_to_and_does_not_change():
    net, source, cells = noisy()
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    net.run(10.0)
    arrays = spikes.t, spikes.i, spikes.steps, voltages.v, voltages.t
    copies = [array.copy() for array in arrays]
    for _ in range(10):
        net.run(10.0)
        _ = spikes.t, spikes.i, voltages.v, voltages.t
    spikes.clear()
    net.run(10.0)
    for array, before in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, before)
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


# ---- two to one path


def open_recording(path):
    net, source, _ = noisy()
    recording = net.record_spikes(source, path)
    net.run(5.0)
    return recording


def spelled(path, how):
    if how == "link":
        link = path.with_name("link.h5")
        link.symlink_to(path)
        return link
    return {
        "same": path,
        "text": str(path),
        "dots": path.parent / ".." / path.parent.name / path.name,
    }[how]


def states_to(path):
    net, _, cells = noisy()
    recording = net.record(cells, "v", path=path)
    net.run(5.0)
    return recording


WRITERS = {
    "spikes": open_recording,
    "states": states_to,
    "writer": lambda path: SpikeWriter(path, 0.1),
    "traces": lambda path: TraceWriter(path, 0.1),
}
OTHERS = {
    **WRITERS,
    "to_sonata": lambda path: recorded_in_a_worker(3)[0].to_sonata(path),
    "save": lambda path: noisy()[0].save(path),
}


@pytest.mark.parametrize("how", ["same", "text", "dots", "link"])
@pytest.mark.parametrize("second", OTHERS)
@pytest.mark.parametrize("first", WRITERS)
def test_nothing_is_written_where_a_recording_is_being_written(tmp_path, first, second, how):
    path = tmp_path / "spikes.h5"
    recording = WRITERS[first](path)
    with pytest.raises(FileError, match=r"a recording is being written there; close\(\) it"):
        OTHERS[second](spelled(path, how))
    recording.close()
    assert path.exists()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("how", ["same", "dots", "link"])
@pytest.mark.parametrize("second", OTHERS)
@pytest.mark.parametrize("first", [*WRITERS, "to_sonata"])
def test_nothing_that_was_recorded_is_replaced_by_the_same_program(tmp_path, first, second, how):
    path = tmp_path / "spikes.h5"
    written = OTHERS[first](path)
    if written is not None:
        written.close()
    before = path.read_bytes()
    with pytest.raises(FileError, match="holds what this program has written before"):
        OTHERS[second](spelled(path, how))
    assert path.read_bytes() == before
    path.unlink()
    OTHERS[second](path)


@pytest.mark.parametrize("second", [*WRITERS, "to_sonata"])
def test_a_saved_network_is_not_replaced_by_a_recording(tmp_path, second):
    net, *_ = noisy()
    for _ in range(2):
        net.save(tmp_path / "net.h5")  # which replaces its own
    with pytest.raises(FileError, match="holds what this program has written before"):
        OTHERS[second](tmp_path / "net.h5")
    net.restore(tmp_path / "net.h5")


@pytest.mark.parametrize("second", OTHERS)
def test_a_file_from_before_the_program_is_replaced(tmp_path, second):
    path = tmp_path / "spikes.h5"
    with h5py.File(path, "w") as file:
        file["yesterday"] = 1
    written = OTHERS[second](path)
    if written is not None:
        assert "yesterday" in h5py.File(path)  # as long as the new one is not complete
        written.close()
    with h5py.File(path) as file:
        assert "yesterday" not in file


def test_names_that_differ_in_case_alone_are_two_files_where_the_system_says_so(tmp_path):
    first = open_recording(tmp_path / "spikes.h5")
    try:
        second = open_recording(tmp_path / "SPIKES.h5")
    except FileError:
        first.close()
        assert (tmp_path / "SPIKES.h5").exists()
        return
    first.close()
    second.close()
    assert {path.name for path in tmp_path.iterdir()} == {"spikes.h5", "SPIKES.h5"}
    for name in ("spikes.h5", "SPIKES.h5"):
        with pytest.raises(FileError, match="written before"):
            open_recording(tmp_path / name)


def test_a_recording_that_nobody_can_reach_is_in_nobodys_way(tmp_path):
    gc.disable()
    try:
        open_recording(tmp_path / "spikes.h5")
        recording = open_recording(tmp_path / "spikes.h5")
    finally:
        gc.enable()
    recording.close()
    assert read_spikes(tmp_path / "spikes.h5")["source"][0].size > 0


# ---- a file that is not complete


@pytest.mark.parametrize("older", [False, True])
def test_who_reads_a_file_that_is_being_recorded_is_told_to_close_it(tmp_path, older):
    path = tmp_path / "spikes.h5"
    if older:
        path.write_bytes(b"yesterday's")
    recording = open_recording(path)
    for read in (read_spikes, read_traces):
        with pytest.raises(FileError, match=r"spikes\.h5 is being recorded; close\(\)"):
            read(path)
    recording.close()
    assert read_spikes(path)["source"][0].size > 0


def test_who_reads_a_file_that_another_program_is_writing_is_told_so(tmp_path):
    (tmp_path / "spikes.h5.0a1b2c3d.part").write_bytes(b"")
    with pytest.raises(FileError, match=r"spikes\.h5\.0a1b2c3d\.part is its unfinished version"):
        read_spikes(tmp_path / "spikes.h5")
    with pytest.raises(FileError, match=r"no file .*others\.h5; check the path"):
        read_spikes(tmp_path / "others.h5")
