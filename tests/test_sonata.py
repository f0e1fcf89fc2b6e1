"""What is written in the SONATA layout is what libsonata reads, and what is read back here."""

import gc
import os
import tracemalloc

import h5py
import numpy as np
import pytest

from spikesim.errors import FileError, InputError
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces

DT = 0.1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.h5"


@pytest.fixture
def libsonata():
    return pytest.importorskip("libsonata")


def fill_the_disk_of(path):
    """Let every later write to the unfinished file say that the disk is full."""
    if not os.path.exists("/dev/full") or not os.path.exists("/proc/self/fd"):
        pytest.skip("this system has no /dev/full or no /proc")
    (part,) = path.parent.glob("*.part")
    descriptor = next(
        int(name) for name in os.listdir("/proc/self/fd") if is_open_as(int(name), part)
    )
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, descriptor)
    os.close(full)


def is_open_as(descriptor, path):
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


# ---- spikes


def random_spikes(n, size, seed=0):
    random = np.random.default_rng(seed)
    return np.sort(random.integers(0, 100_000, n)), random.integers(0, size, n)


def test_libsonata_reads_the_spikes_in_the_order_written(path, libsonata):
    steps, ids = random_spikes(100_000, 784)
    with SpikeWriter(path, DT) as writer:
        for chunk in np.array_split(np.arange(len(steps)), 7):
            writer.append("pyr", steps[chunk], ids[chunk])
    spikes = libsonata.SpikeReader(str(path))["pyr"].get_dict()
    assert np.array_equal(np.round(spikes["timestamps"] / DT).astype(int), steps)
    assert np.array_equal(spikes["node_ids"], ids)


def test_libsonata_knows_that_spikes_are_sorted_by_time(path, libsonata):
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", [1], [0])
    assert libsonata.SpikeReader(str(path))["pyr"].sorting == "by_time"


def test_libsonata_selects_spikes_by_node_and_time(path, libsonata):
    with SpikeWriter(path, 1.0) as writer:
        writer.append("pyr", [1, 2, 3, 4], [7, 8, 7, 7])
    population = libsonata.SpikeReader(str(path))["pyr"]
    assert population.get(node_ids=[7], tstart=2.0, tstop=3.5) == [(7, 3.0)]


def test_libsonata_sees_every_announced_population(path, libsonata):
    with SpikeWriter(path, DT, {"pyr": 10, "sst": 5, "pv": 0}) as writer:
        writer.append("pyr", [3], [9])
    reader = libsonata.SpikeReader(str(path))
    assert set(reader.get_population_names()) == {"pyr", "sst", "pv"}
    assert [len(reader[name].get()) for name in ("pyr", "sst", "pv")] == [1, 0, 0]


def test_spikes_have_exactly_the_time_of_their_step(path):
    steps, ids = random_spikes(1000, 10)
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", steps, ids)
    times, _ = read_spikes(path)["pyr"]
    assert np.array_equal(times, steps * DT)


def test_ids_come_back_as_signed_numbers(path):
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", [0, 1], [2**40, 0])
    _, ids = read_spikes(path)["pyr"]
    assert ids.dtype == np.int64
    assert ids.tolist() == [2**40, 0]


def test_no_spikes_at_all_is_a_file_too(path):
    SpikeWriter(path, DT).close()
    assert read_spikes(path) == {}


def test_an_append_without_spikes_changes_nothing(path):
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", [], [])
    assert read_spikes(path) == {}


def test_the_file_says_that_it_is_sonata(path):
    SpikeWriter(path, DT).close()
    with h5py.File(path) as file:
        assert file.attrs["magic"] == 0x0A7A
        assert file.attrs["version"].tolist() == [0, 1]


def test_memory_does_not_grow_with_the_number_of_spikes(path):
    block = np.zeros(100_000, np.int64)
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", block, block)
        tracemalloc.start()
        try:
            for _ in range(20):
                writer.append("pyr", block, block)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5 * block.nbytes


@pytest.mark.parametrize(
    ("steps", "ids", "message"),
    [
        ([5, 4], [0, 0], "go back in time"),
        ([2], [0], "at least 3"),
        ([-1], [0], "steps holds -1"),
        ([3], [-1], "ids holds -1"),
        ([3], [10], "ids holds 10"),
        ([3, 4], [0], "ids has shape"),
        ([3.5], [0], "fractions"),
    ],
)
def test_spikes_that_cannot_be_are_refused(path, steps, ids, message):
    with SpikeWriter(path, DT, {"pyr": 10}) as writer:
        writer.append("pyr", [3], [1])
        with pytest.raises(InputError, match=message):
            writer.append("pyr", steps, ids)
    assert read_spikes(path)["pyr"][1].tolist() == [1]


def test_a_population_that_was_not_announced_is_refused(path):
    with (
        SpikeWriter(path, DT, {"pyramidal": 10}) as writer,
        pytest.raises(InputError, match="Did you mean 'pyramidal'"),
    ):
        writer.append("pyramid", [0], [0])


def test_the_file_has_its_name_only_after_close(path):
    writer = SpikeWriter(path, DT)
    assert not path.exists()
    writer.close()
    writer.close()
    assert os.listdir(path.parent) == [path.name]


def test_append_after_close_is_refused(path):
    writer = SpikeWriter(path, DT)
    writer.close()
    with pytest.raises(InputError, match="is closed"):
        writer.append("pyr", [0], [0])


def test_an_error_in_the_run_leaves_the_old_file(path):
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), SpikeWriter(path, DT):
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


def test_a_forgotten_writer_leaves_nothing(path):
    writer = SpikeWriter(path, DT)
    del writer
    gc.collect()
    assert os.listdir(path.parent) == []


def test_a_full_disk_is_noticed_at_the_latest_at_close(path):
    writer = SpikeWriter(path, DT)
    writer.append("pyr", np.zeros(1000, int), np.zeros(1000, int))
    fill_the_disk_of(path)
    with pytest.raises(FileError, match="disk or your quota is full"):
        writer.close()
    assert os.listdir(path.parent) == []


def test_after_a_full_disk_the_file_cannot_be_completed(path):
    writer = SpikeWriter(path, DT)
    fill_the_disk_of(path)
    many = np.zeros(2**21, int)  # more than HDF5 keeps in memory
    with pytest.raises(FileError, match="disk or your quota is full"):
        writer.append("pyr", many, many)
    writer.close()
    assert os.listdir(path.parent) == []


def test_foreign_files_are_no_spike_files(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(FileError, match="not in the SONATA layout") as caught:
        read_spikes(path)
    assert "\n" not in str(caught.value)


def test_spike_times_in_a_unit_that_is_no_unit_of_time_are_refused(path):
    with SpikeWriter(path, DT) as writer:
        writer.append("pyr", [0], [0])
    with h5py.File(path, "r+") as file:
        file["spikes/pyr/timestamps"].attrs["units"] = "mV"
    with pytest.raises(FileError, match="'mV', neither in ms nor in seconds"):
        read_spikes(path)


# ---- spikes as others write them


def write_spikes_of_others(path, unit, layout):
    """12.5 ms, 3 ms and 40 ms of neurons 4, 0 and 4, in the unit given."""
    times = np.array([12.5, 3.0, 40.0]) / (1000.0 if "s" in str(unit)[:1] else 1.0)
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes" if layout == "old" else "spikes/lgn")
        group.attrs["sorting"] = "by_gid" if layout == "old" else "none"  # a text, not an enum
        name = "gids" if layout == "old" else "node_ids"
        group.create_dataset(name, data=np.array([4, 0, 4], np.uint64), compression="gzip")
        group.create_dataset("timestamps", data=times)
        if unit is not None:
            group["timestamps"].attrs["units"] = unit


UNITS = (None, "ms", "milliseconds", "millisecond", b"ms", ["ms"], "s", "seconds", "sec")


@pytest.mark.parametrize("unit", UNITS, ids=str)
@pytest.mark.parametrize("layout", ["old", "new"])
def test_spikes_are_read_in_either_layout_and_any_unit_of_time(path, layout, unit):
    write_spikes_of_others(path, unit, layout)
    times, ids = read_spikes(path)["" if layout == "old" else "lgn"]
    np.testing.assert_allclose(times, [12.5, 3.0, 40.0], rtol=1e-15)
    assert (ids.tolist(), ids.dtype) == ([4, 0, 4], np.int64)


def test_a_population_may_be_called_gids(path):
    with SpikeWriter(path, DT, {"gids": 3}) as writer:
        writer.append("gids", [2], [1])
    assert read_spikes(path)["gids"][1].tolist() == [1]


def test_neurons_with_fractions_are_refused(path):
    write_spikes_of_others(path, "ms", "new")
    with h5py.File(path, "r+") as file:
        del file["spikes/lgn/node_ids"]
        file["spikes/lgn/node_ids"] = [0.0, 1.5, np.nan]
    with pytest.raises(FileError, match="node_ids holds fractions"):
        read_spikes(path)


# ---- traces


def write_traces(path, data, node_ids=None, elements=("soma",), dt=DT, start=0.0, blocks=3):
    with TraceWriter(path, dt, start) as writer:
        nodes = range(data.shape[1]) if node_ids is None else node_ids
        writer.add_population("pyr", np.array(nodes), elements)
        for block in np.array_split(data, blocks):
            writer.append("pyr", block)


def random_traces(frames, nodes, elements, seed=0):
    return np.random.default_rng(seed).normal(-65, 5, (frames, nodes, elements)).astype("f4")


def test_libsonata_reads_a_soma_report(path, libsonata):
    data = random_traces(500, 40, 1)
    write_traces(path, data)
    report = libsonata.SomaReportReader(str(path))["pyr"].get()
    assert np.array_equal(report.data, data[:, :, 0])
    assert np.array_equal(report.ids, np.arange(40))


def test_libsonata_selects_nodes_and_times(path, libsonata):
    data = random_traces(100, 5, 1)
    write_traces(path, data, dt=1.0)
    report = libsonata.SomaReportReader(str(path))["pyr"].get(
        node_ids=[1, 3], tstart=10.0, tstop=19.0
    )
    assert np.array_equal(report.data, data[10:20, [1, 3], 0])


def test_libsonata_reads_nodes_in_any_order(path, libsonata):
    data = random_traces(4, 3, 1)
    write_traces(path, data, node_ids=[9, 2, 5])
    report = libsonata.SomaReportReader(str(path))["pyr"].get(node_ids=[2])
    assert np.array_equal(report.data, data[:, [1], 0])


def test_libsonata_reads_the_elements_of_every_node(path, libsonata):
    data = random_traces(50, 4, 3)
    write_traces(path, data, elements=("soma", "basal", "apical"))
    report = libsonata.ElementReportReader(str(path))["pyr"].get()
    assert np.array_equal(report.data, data.reshape(50, 12))
    assert [tuple(pair) for pair in report.ids] == [(n, e) for n in range(4) for e in range(3)]


@pytest.mark.parametrize("dt", [0.1, 0.025, 1 / 3, 1.0])
@pytest.mark.parametrize("start", [0.0, 12.3])
@pytest.mark.parametrize("frames", [1, 2, 9999])
def test_libsonata_finds_every_frame(path, libsonata, dt, start, frames):
    write_traces(path, random_traces(frames, 1, 1), dt=dt, start=start, blocks=1)
    report = libsonata.SomaReportReader(str(path))["pyr"].get()
    assert len(report.data) == frames
    assert np.array_equal(
        np.round((np.array(report.times) - start) / dt).astype(int), np.arange(frames)
    )


def test_libsonata_reads_populations_of_different_size(path, libsonata):
    hidden, output = random_traces(20, 50, 3), random_traces(10, 4, 1, seed=1)
    with TraceWriter(path, DT, unit="mV") as writer:
        writer.add_population("hidden", np.arange(50), ("soma", "basal", "apical"))
        writer.add_population("output", np.arange(4))
        writer.append("hidden", hidden[:10])
        writer.append("output", output)
        writer.append("hidden", hidden[10:])
    reader = libsonata.ElementReportReader(str(path))
    assert np.array_equal(reader["hidden"].get().data, hidden.reshape(20, 150))
    assert np.array_equal(reader["output"].get().data, output.reshape(10, 4))


def test_libsonata_reads_units_and_times(path, libsonata):
    write_traces(path, random_traces(20, 1, 1), dt=0.5, start=3.0)
    population = libsonata.SomaReportReader(str(path))["pyr"]
    assert (population.data_units, population.time_units) == ("mV", "ms")
    assert population.times == (3.0, 13.0, 0.5)


def test_libsonata_opens_a_file_without_frames(path, libsonata):
    with TraceWriter(path, DT) as writer:
        writer.add_population("pyr", [0])
        writer.append("pyr", np.zeros((0, 1, 1)))
    assert libsonata.SomaReportReader(str(path)).get_population_names() == []


def test_traces_come_back(path):
    data = random_traces(30, 3, 2)
    write_traces(path, data, node_ids=[8, 0, 4], elements=("soma", "apical"), start=5.0)
    traces = read_traces(path)["pyr"]
    assert np.array_equal(traces.data, data)
    assert np.array_equal(traces.times, 5.0 + DT * np.arange(30))
    assert (traces.node_ids.tolist(), traces.elements, traces.unit) == (
        [8, 0, 4],
        ("soma", "apical"),
        "mV",
    )


def test_a_report_without_names_has_numbered_elements(path):
    write_traces(path, random_traces(2, 2, 3), elements=("a", "b", "c"))
    with h5py.File(path, "r+") as file:
        del file["report/pyr"].attrs["elements"]
    assert read_traces(path)["pyr"].elements == ("0", "1", "2")


def test_both_names_of_the_index_pointers_are_one_dataset(path):
    write_traces(path, random_traces(2, 4, 3), elements=("a", "b", "c"))
    with h5py.File(path) as file:
        mapping = file["report/pyr/mapping"]
        assert mapping["index_pointer"] == mapping["index_pointers"]
        assert mapping["index_pointers"][:].tolist() == [0, 3, 6, 9, 12]


@pytest.mark.parametrize("nodes", [1, 1000, 100_000])
def test_chunks_are_whole_rows_of_a_quarter_mebibyte(path, nodes):
    write_traces(path, np.zeros((1, nodes, 1), "f4"), blocks=1)
    with h5py.File(path) as file:
        rows, columns = file["report/pyr/data"].chunks
    assert columns == nodes
    assert rows == max(1, 2**16 // nodes)


def test_only_ascending_nodes_are_marked_as_sorted(path):
    with TraceWriter(path, DT) as writer:
        for name, nodes in (("up", [1, 2]), ("down", [2, 1])):
            writer.add_population(name, nodes)
            writer.append(name, np.zeros((1, 2, 1)))
    with h5py.File(path) as file:
        marks = [file[f"report/{name}/mapping/node_ids"].attrs["sorted"] for name in ("up", "down")]
    assert marks == [1, 0]


@pytest.mark.parametrize(
    ("node_ids", "elements", "message"),
    [
        ([], ("soma",), "node_ids"),
        ([1, 1], ("soma",), "node_ids"),
        ([-1], ("soma",), "node_ids"),
        ([0], "soma", "elements is 'soma'"),
        ([0], (), "elements"),
        ([0], ("a", "a"), "elements"),
        ([0], (1,), "elements"),
    ],
)
def test_a_population_that_cannot_be_recorded_is_refused(path, node_ids, elements, message):
    with TraceWriter(path, DT) as writer, pytest.raises(InputError, match=message):
        writer.add_population("pyr", node_ids, elements)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2), (2, 4, 1)])
def test_a_block_of_another_shape_is_refused(path, shape):
    with TraceWriter(path, DT) as writer:
        writer.add_population("pyr", [0, 1, 2])
        with pytest.raises(InputError, match="block has shape"):
            writer.append("pyr", np.zeros(shape))


def test_a_population_is_added_once(path):
    with TraceWriter(path, DT) as writer:
        writer.add_population("pyr", [0])
        with pytest.raises(InputError, match="already"):
            writer.add_population("pyr", [0])


@pytest.mark.parametrize("name", ["", "a/b", 3])
def test_a_name_that_hdf5_would_read_otherwise_is_refused(path, name):
    with TraceWriter(path, DT) as writer, pytest.raises(InputError, match="population"):
        writer.add_population(name, [0])


# ---- traces as others write them


def write_report_of_bmtk(path, counts, frames=6, unit=None, elements=None, nodes=None):
    """A report as bmtk writes it, and its numbers; the first frame is at 2 ms, the next at 2.5."""
    columns = sum(counts)
    data = np.random.default_rng(1).normal(size=(frames, columns)).astype("f4")
    with h5py.File(path, "w") as file:
        file.attrs["magic"] = np.uint32(0x0A7A)
        group = file.create_group("report/cortex")
        group.create_dataset("data", data=data.astype("f8"), chunks=True, compression="gzip")
        group["data"].attrs["variable"] = "v"
        mapping = group.create_group("mapping")
        mapping["node_ids"] = np.arange(len(counts), dtype="u8") if nodes is None else nodes
        mapping["index_pointer"] = np.cumsum([0, *counts]).astype("u8")
        mapping["element_ids"] = np.zeros(columns, "u8") if elements is None else elements
        mapping["element_pos"] = np.full(columns, 0.5)
        scale = 0.001 if unit == "s" else 1.0
        mapping["time"] = np.array([2.0, 2.0 + 0.5 * frames, 0.5]) * scale
        if unit is not None:
            mapping["time"].attrs["units"] = unit
    return data


@pytest.mark.parametrize("unit", [None, "ms", "s"])
def test_a_report_of_bmtk_is_read(path, unit):
    data = write_report_of_bmtk(path, [1, 1, 1], unit=unit, nodes=[7, 2, 5])
    traces = read_traces(path)["cortex"]
    assert np.array_equal(traces.data, data[:, :, None])
    np.testing.assert_allclose(traces.times, 2.0 + 0.5 * np.arange(6), rtol=1e-15)
    assert (traces.node_ids.tolist(), traces.elements, traces.unit) == ([7, 2, 5], ("0",), "")


@pytest.mark.parametrize("counts", [[2, 1, 4], [0, 3, 0], [1, 1, 5], [3, 0]])
def test_nodes_with_different_numbers_of_elements_are_filled_up_with_nan(path, counts):
    elements = np.arange(sum(counts)) % 4
    data = write_report_of_bmtk(path, counts, elements=elements)
    traces = read_traces(path)["cortex"]
    assert traces.data.shape == (6, len(counts), max(counts))
    assert traces.elements == tuple(map(str, range(max(counts))))
    first = 0
    for node, count in enumerate(counts):
        assert np.array_equal(traces.data[:, node, :count], data[:, first : first + count])
        assert np.isnan(traces.data[:, node, count:]).all()
        assert traces.element_ids[node, :count].tolist() == elements[first:][:count].tolist()
        assert (traces.element_ids[node, count:] == -1).all()
        first += count


def test_elements_that_all_nodes_share_are_named_by_their_numbers(path):
    write_report_of_bmtk(path, [2, 2], elements=[3, 9, 3, 9])
    assert read_traces(path)["cortex"].elements == ("3", "9")
    write_report_of_bmtk(path, [2, 2], elements=[3, 9, 3, 8])
    traces = read_traces(path)["cortex"]
    assert (traces.elements, traces.element_ids.tolist()) == (("0", "1"), [[3, 9], [3, 8]])


def test_libsonata_reads_the_same_numbers_from_a_report_of_uneven_nodes(path, libsonata):
    data = write_report_of_bmtk(path, [2, 1, 4], unit="ms", elements=[0, 1, 0, 0, 1, 2, 3])
    with h5py.File(path, "r+") as file:  # what libsonata insists on
        mapping = file["report/cortex/mapping"]
        mapping["index_pointers"] = mapping["index_pointer"]
        mapping["node_ids"].attrs["sorted"] = np.uint8(1)
        del file["report/cortex/data"]
        file["report/cortex/data"] = data
        file["report/cortex/data"].attrs["units"] = "mV"
    report = libsonata.ElementReportReader(str(path))["cortex"].get()
    traces = read_traces(path)["cortex"]
    assert np.array_equal(report.data, data)
    for column, (node, element) in enumerate(tuple(pair) for pair in report.ids):
        (place,) = np.flatnonzero(traces.element_ids[node] == element)
        assert np.array_equal(traces.data[:, node, place], report.data[:, column])


@pytest.mark.parametrize(
    "pointers", [[0, 1, 3], [1, 1, 4], [0, 3, 2, 4], [0, 9, 4], [0, 4], [0, 1, 2, 4], []]
)
def test_pointers_that_share_out_no_columns_are_refused(path, pointers):
    write_report_of_bmtk(path, [2, 2])
    with h5py.File(path, "r+") as file:
        del file["report/cortex/mapping/index_pointer"]
        file["report/cortex/mapping/index_pointer"] = np.array(pointers, "i8")
    with pytest.raises(FileError, match="not in the SONATA layout") as caught:
        read_traces(path)
    assert "\n" not in str(caught.value)


def test_numbers_that_float32_cannot_hold_are_refused(path):
    write_report_of_bmtk(path, [1, 1])
    with h5py.File(path, "r+") as file:
        file["report/cortex/data"][3, 1] = 1e300
    with pytest.raises(FileError, match="holds numbers beyond float32"):
        read_traces(path)


def test_a_report_that_would_be_filled_up_beyond_memory_is_refused(path):
    counts = np.ones(3_000_000, int)
    counts[0] = 3_000_000
    write_report_of_bmtk(path, counts, frames=1)
    with pytest.raises(FileError, match=r"3000000 nodes of up to 3000000 elements, which takes"):
        read_traces(path)


def test_foreign_files_are_no_reports(path):
    SpikeWriter(path, DT).close()
    with pytest.raises(FileError, match="not in the SONATA layout"):
        read_traces(path)
