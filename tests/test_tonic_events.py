"""Events become spike patterns: those of tonic, and files like those of SHD and N-MNIST.

The files are made here, in the layouts that their data sets have.
"""

import h5py
import numpy as np
import pytest

from spikesim import events
from spikesim.errors import FileError, InputError
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.patterns import from_trains

CAMERA = [("x", np.int64), ("y", np.int64), ("t", np.int64), ("p", np.int64)]


def event_array(*rows):
    return np.array(list(rows), CAMERA)


def test_times_in_microseconds_become_steps_in_milliseconds():
    pattern = events.from_tonic(event_array((0, 0, 12_340, 0), (0, 0, 99, 0)), (1, 1, 1), dt=0.1)
    assert pattern.times.tolist() == [0.0, pytest.approx(12.3)]
    assert pattern.duration == 12.4


def test_each_place_and_polarity_is_a_neuron():
    """As in frames of tonic, of shape (polarities, rows, columns)."""
    columns, rows, polarities = 4, 3, 2
    frame = np.arange(polarities * rows * columns).reshape(polarities, rows, columns)
    given = event_array((3, 1, 1000, 0), (0, 2, 2000, 1), (2, 0, 3000, 1))
    pattern = events.from_tonic(given, (columns, rows, polarities))
    assert pattern.ids.tolist() == [frame[0, 1, 3], frame[1, 2, 0], frame[1, 0, 2]]
    assert pattern.n == frame.size


def test_a_cochlea_has_neither_rows_nor_polarities():
    given = np.array([(5000, 7, 1)], [("t", int), ("x", int), ("p", int)])
    assert events.from_tonic(given, (700, 1, 1)).ids.tolist() == [7]


def test_events_of_a_neuron_in_one_step_become_one_spike():
    given = event_array((0, 0, 1010, 0), (0, 0, 1020, 0), (1, 0, 1030, 0))
    assert events.from_tonic(given, (2, 1, 1), dt=1.0).ids.tolist() == [0, 1]


def test_events_after_the_end_are_left_out():
    given = event_array((0, 0, 1000, 0), (0, 0, 5000, 0))
    pattern = events.from_tonic(given, (1, 1, 1), duration=5.0)
    assert (pattern.times.tolist(), pattern.duration) == ([1.0], 5.0)


@pytest.mark.parametrize(
    ("given", "size", "sentence"),
    [
        (np.zeros(3), (2, 2, 1), "structured array"),
        (event_array((5, 0, 0, 0)), (2, 2, 1), r"events\['x'\]"),
        (event_array((0, 0, -5, 0)), (2, 2, 1), r"events\['t'\]"),
        (event_array((0, 0, 0, 0)), (2, 2), "sensor_size"),
        (np.zeros(1, [("t", int)]), (2, 1, 1), "has no field 'x'"),
    ],
)
def test_events_that_cannot_be_are_refused(given, size, sentence):
    with pytest.raises(InputError, match=sentence):
        events.from_tonic(given, size)


# ---- files -----------------------------------------------------------------------------------


def write_shd(path, samples):
    """Times in s and units of each sample, as arrays of their own lengths; and labels."""
    with h5py.File(path, "w") as file:
        times = file.create_dataset("spikes/times", (len(samples),), h5py.vlen_dtype(np.float16))
        units = file.create_dataset("spikes/units", (len(samples),), h5py.vlen_dtype(np.uint16))
        for k, (at, who, _) in enumerate(samples):
            times[k], units[k] = at, who
        file["labels"] = np.array([label for *_, label in samples], np.uint16)
        file["extra/speaker"] = np.zeros(len(samples), np.uint16)


def test_samples_of_shd_are_read_from_disk(tmp_path):
    write_shd(tmp_path / "shd.h5", [([0.25, 0.125], [7, 699], 3), ([], [], 0), ([0.5], [1], 19)])
    patterns, labels = events.read_shd(tmp_path / "shd.h5")
    assert [each.times.tolist() for each in patterns] == [[125.0, 250.0], [], [500.0]]
    assert patterns[0].ids.tolist() == [699, 7]
    assert labels.tolist() == [3, 0, 19]


def test_samples_can_be_chosen(tmp_path):
    write_shd(tmp_path / "shd.h5", [([0.25], [k], k) for k in range(5)])
    patterns, labels = events.read_shd(tmp_path / "shd.h5", samples=[4, 1], duration=300.0)
    assert [each.ids.tolist() for each in patterns] == [[4], [1]]
    assert labels.tolist() == [4, 1]
    assert patterns[0].duration == 300.0


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (([0.1], [700], 0), "no channel"),
        (([-0.1], [1], 0), "before 0"),
        (([np.nan], [1], 0), "not finite"),
        (([0.1, 0.2], [1], 0), "2 times and 1 units"),
    ],
)
def test_a_sample_that_cannot_be_is_refused_by_its_number(tmp_path, sample, sentence):
    write_shd(tmp_path / "shd.h5", [([0.1], [1], 0), sample])
    with pytest.raises(FileError, match=sentence):
        events.read_shd(tmp_path / "shd.h5")


def test_a_heap_in_which_hdf5_would_go_round_for_ever_is_refused(tmp_path):
    """A first object that is free and of length 0 never ends."""
    write_shd(tmp_path / "shd.h5", [([0.1], [1], 0)])
    content = bytearray((tmp_path / "shd.h5").read_bytes())
    first = content.index(b"GCOL") + 16
    content[first : first + 16] = bytes(16)
    (tmp_path / "shd.h5").write_bytes(content)
    with pytest.raises(FileError, match="damaged near byte"):
        events.read_shd(tmp_path / "shd.h5")


def write_nmnist(folder, files):
    """Five bytes an event: x, y, and 24 bits, of which the first is the polarity."""
    for name, rows in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        words = [(x, y, (p << 23) | t) for x, y, t, p in rows]
        path.write_bytes(b"".join(bytes([x, y]) + w.to_bytes(3, "big") for x, y, w in words))


def test_samples_of_nmnist_are_read_from_disk(tmp_path):
    rows = [(3, 2, 1000, 0), (0, 33, 70_000, 1)]
    write_nmnist(tmp_path, {"7/00002.bin": rows, "0/00001.bin": [(0, 0, 5000, 0)]})
    patterns, labels = events.read_nmnist(tmp_path)
    assert labels.tolist() == [0, 7]
    assert patterns[1].times.tolist() == [1.0, 70.0]
    assert patterns[1].ids.tolist() == [2 * 34 + 3, (34 + 33) * 34]
    assert patterns[1].n == 2312


def test_the_counter_of_times_of_nmnist_may_run_over(tmp_path):
    """An event in row 240 is no event, and says that 2^13 μs have to be added from now on."""
    write_nmnist(tmp_path, {"1/1.bin": [(1, 1, 8000, 0), (0, 240, 0, 0), (1, 1, 808, 0)]})
    (pattern,), _ = events.read_nmnist(tmp_path)
    assert pattern.times.tolist() == [8.0, 9.0]


def test_a_damaged_file_of_nmnist_is_refused(tmp_path):
    write_nmnist(tmp_path, {"1/1.bin": [(200, 1, 8000, 0)], "2/1.bin": [(1, 1, 0, 0)]})
    (tmp_path / "2" / "1.bin").write_bytes(b"1234567")
    with pytest.raises(FileError, match="outside of 34 x 34"):
        events.read_nmnist(tmp_path, samples=[0])
    with pytest.raises(FileError, match="7 bytes"):
        events.read_nmnist(tmp_path, samples=[1])


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(FileError, match="no folders of classes"):
        events.read_nmnist(tmp_path)


def test_data_sets_of_tonic_give_what_the_readers_give(tmp_path):
    io = pytest.importorskip("tonic.io", reason="pip install tonic")
    rows = [(3, 2, 1000, 0), (0, 33, 70_000, 1), (0, 240, 0, 0), (5, 6, 70_100, 1)]
    write_nmnist(tmp_path, {"1/1.bin": rows})
    (ours,), _ = events.read_nmnist(tmp_path)
    given = io.read_mnist_file(str(tmp_path / "1" / "1.bin"), np.dtype(CAMERA))
    there = events.from_tonic(given, (34, 34, 2))
    assert np.array_equal(ours.times, there.times)
    assert np.array_equal(ours.ids, there.ids)


# ---- learning --------------------------------------------------------------------------------


def two_classes(seed):
    """Ten samples of 20 channels: class k has spikes in half k, at random times."""
    chance = np.random.default_rng(seed)
    labels = np.arange(10) % 2
    patterns = [
        from_trains(
            [
                np.sort(chance.uniform(0.0, 50.0, 3)).round(1) if i // 10 == label else []
                for i in range(20)
            ],
            duration=51.0,
        ).merged(0.1)
        for label in labels
    ]
    return patterns, labels


def test_superspike_learns_to_classify_patterns():
    chosen = events.task(
        *two_classes(1), test=two_classes(2), hidden=8, pause=30.0, per_block=10, blocks=50
    )
    net = SuperSpikeNetwork(chosen.sizes, seed=1, **chosen.parameters)
    before = net.evaluate(*chosen.untrained())
    net.train(chosen)
    assert before == 100.0  # it is silent
    assert net.notes["tested"][-1] <= 40.0


def test_training_shows_the_one_set_and_tests_the_other():
    shown, labels = two_classes(1)
    held_out, _ = two_classes(2)
    chosen = events.task(shown, labels, test=(held_out, labels), per_block=10, pause=0.0)
    for block, among in ((0, shown), (10**9, held_out)):
        pattern, windows = chosen.trials(block)
        assert pattern.times.size == sum(each.times.size for each in among)
        assert sorted(windows.ids.tolist()) == sorted(labels)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"patterns": []}, "list of patterns"),
        ({"labels": [0]}, "labels has shape"),
        ({"test": [1]}, "test has to be a pair"),
        ({"hidden": -1}, "hidden"),
    ],
)
def test_a_task_that_cannot_be_is_refused(given, sentence):
    patterns, labels = two_classes(1)
    with pytest.raises(InputError, match=sentence):
        events.task(**{"patterns": patterns, "labels": labels, **given})
