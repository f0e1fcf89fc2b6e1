"""What is read back is what was written, or it is refused."""

import contextlib
import functools
import gzip
import os
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest

from spikesim import cli
from spikesim.datasets import load_idx
from spikesim.errors import FileError, InputError
from spikesim.io.files import atomic_file, open_hdf5, read_tree, stamp, write_tree
from spikesim.patterns import from_picture, read_ras
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces
from tests.reliability import files
from tests.waiting import HANG


def plus_one(x):
    return x + 1


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_flipped_bit_in_saved_numbers_is_refused(tmp_path, bit):
    path = tmp_path / "weights.h5"
    weights = np.random.default_rng(1).random((20, 30))
    with atomic_file(path) as file:
        write_tree(file, {"weights": weights})
    content = bytearray(path.read_bytes())
    content[content.index(weights.tobytes()) + 1000] ^= 1 << bit
    path.write_bytes(content)
    with open_hdf5(path) as file, pytest.raises(FileError, match="have changed"):
        read_tree(file)


def test_a_file_without_checksums_is_still_read(tmp_path):
    with atomic_file(tmp_path / "old.h5") as file:
        file["weights"] = np.arange(3.0)
    with open_hdf5(tmp_path / "old.h5") as file:
        assert read_tree(file)["weights"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "array", [np.zeros((0, 3)), np.array(2.5), np.eye(3).T[:, ::2], np.ones(3, bool)]
)
def test_arrays_of_any_shape_pass_their_checksum(tmp_path, array):
    with atomic_file(tmp_path / "a.h5") as file:
        write_tree(file, {"a": array})
    with open_hdf5(tmp_path / "a.h5") as file:
        assert np.array_equal(read_tree(file)["a"], array)


def spikes_file(path):
    with SpikeWriter(path, 0.1, {"cells": 50}) as writer:
        writer.append("cells", np.arange(500), np.random.default_rng(1).integers(0, 50, 500))


def traces_file(path):
    data = np.random.default_rng(1).random((200, 5, 1)).astype("f4")
    with TraceWriter(path, 0.1) as writer:
        writer.add_population("cells", np.arange(5), ("voltage",))
        writer.append("cells", data)


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [
        (spikes_file, read_spikes, "spikes/cells/timestamps"),
        (spikes_file, read_spikes, "spikes/cells/node_ids"),
        (traces_file, read_traces, "report/cells/data"),
        (traces_file, read_traces, "report/cells/mapping/node_ids"),
        (traces_file, read_traces, "report/cells/mapping/time"),
    ],
)
def test_a_flipped_bit_in_sonata_numbers_is_refused_or_in_padding(tmp_path, write, read, name):
    path = tmp_path / "sonata.h5"
    write(path)
    right = repr(read(path))
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
    content = path.read_bytes()
    refused = 0
    places = np.linspace(0, chunk.size - 1, 60).astype(int)
    for place in [*places, *range(min(chunk.size, 20))]:
        damaged = bytearray(content)
        damaged[chunk.byte_offset + place] ^= 1 << int(place % 8)
        path.write_bytes(damaged)
        try:
            found = repr(read(path))
        except FileError as error:
            found, refused = right if "\n" not in str(error) else str(error), refused + 1
        assert found == right
    assert refused


@pytest.mark.parametrize("text", [b"voltage", b"millivolts"])
def test_a_changed_name_or_unit_of_traces_is_refused(tmp_path, text):
    path = tmp_path / "traces.h5"
    with TraceWriter(path, 0.1, unit="millivolts") as writer:
        writer.add_population("cells", [0], ("voltage",))
        writer.append("cells", np.zeros((2, 1, 1)))
    content = path.read_bytes()
    assert content.count(text) == 1
    path.write_bytes(content.replace(text, b"w" + text[1:]))
    with pytest.raises(FileError, match="has changed since it was written"):
        read_traces(path)


def test_sonata_without_checksums_is_still_read(tmp_path):
    with h5py.File(tmp_path / "spikes.h5", "w") as file:
        times = file.create_dataset("spikes/cells/timestamps", data=[0.5, 1.0], compression="gzip")
        times.attrs["units"] = "ms"
        file["spikes/cells/node_ids"] = np.array([3, 4], "u4")
    times, ids = read_spikes(tmp_path / "spikes.h5")["cells"]
    assert (times.tolist(), ids.tolist()) == ([0.5, 1.0], [3, 4])


def test_many_equal_ids_pack_well_and_are_still_read(tmp_path):
    with SpikeWriter(tmp_path / "spikes.h5", 0.1) as writer:
        writer.append("one", np.arange(1_000_000), np.zeros(1_000_000, int))
    assert not read_spikes(tmp_path / "spikes.h5")["one"][1].any()


# ---- files that were made to lead a reader astray


def nothing_in_it(group, name):
    group.create_dataset(name, (2**50,), "f8", chunks=(1024,))


def bomb(group, name):
    dataset = group.create_dataset(name, (2**30,), "f8", chunks=(2**17,), compression="gzip")
    packed = zlib.compress(bytes(2**20), 9)
    for first in range(0, 2**30, 2**17):
        dataset.id.write_direct_chunk((first,), packed)


def one_huge_chunk(group, name):
    dataset = group.create_dataset(
        name, (1,), "f8", maxshape=(None,), chunks=(2**28,), compression="gzip"
    )
    dataset.id.write_direct_chunk((0,), zlib.compress(b""))


@functools.cache
def zeros_packed():
    pack = zlib.compressobj(9)
    return b"".join(pack.compress(bytes(2**24)) for _ in range(20)) + pack.flush()


def overfull_chunk(group, name):
    dataset = group.create_dataset(  # the size of smaller chunks is written in two bytes
        name, (1,), "f8", maxshape=(None,), chunks=(2**10,), compression="gzip"
    )
    dataset.id.write_direct_chunk((0,), zeros_packed())


def link_out(group, name):
    group[name] = h5py.ExternalLink("other.h5", "/x")


def link_in_a_circle(group, name):
    group[name] = h5py.SoftLink(f"{group.name}/{name}")


def data_elsewhere(group, name):
    group.create_dataset(name, (8,), "f8", external=[("/dev/zero", 0, 64)])


def virtual(group, name):
    layout = h5py.VirtualLayout((8,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (8,))
    group.create_virtual_dataset(name, layout)


def texts(group, name):
    group.create_dataset(name, data=["a", "b"], dtype=h5py.string_dtype())


def lists(group, name):
    group.create_dataset(name, (2,), h5py.vlen_dtype(np.float64))


def unknown_filter(group, name):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((8,))
    plist.set_filter(317, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple((8,))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, plist)
    group[name][:] = 1.0


def deep(group, name):
    for _ in range(3000):
        group = group.create_group(name)


def huge_attribute(group, name):
    group.attrs.create("elements", np.zeros(2**20))
    group.attrs["x"] = np.bytes_(b"[" + b"1," * 2**19)


def no_space(group, name):
    group.create_dataset(name, (2**50, 0), "f8")


def file_with_holes(group, name):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((2**33,))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, plist)


HOSTILE = [
    nothing_in_it,
    bomb,
    one_huge_chunk,
    overfull_chunk,
    link_out,
    link_in_a_circle,
    data_elsewhere,
    virtual,
    texts,
    lists,
    unknown_filter,
    deep,
    huge_attribute,
    no_space,
    file_with_holes,
]

READ_ALL = """
import resource, sys, traceback
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from pathlib import Path
from spikesim import Network
from spikesim.errors import FileError, InputError
from spikesim.io.files import open_file, read_tree
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sonata import read_spikes, read_traces
from spikesim.sweep import Sweep

def tree(path):
    with open_file(path, "checkpoint") as file:
        read_tree(file)

READERS = {
    "checkpoint": tree,
    "network": lambda path: Network(dt=1.0, backend="python").restore(path),
    "segregated": SegregatedDendriteNetwork.load,
    "burst": BurstEnsembleNetwork.load,
    "superspike": SuperSpikeNetwork.load,
    "exclusive_or": ExclusiveOrNetwork.load,
    "sweep": lambda path: Sweep.load(path.parent),
    "spikes": read_spikes,
    "ids": read_spikes,
    "report": read_traces,
    "mapping": read_traces,
}
for path in sorted(Path(sys.argv[1]).rglob("sweep.h5")):
    how, kind = path.parent.parent.name, path.parent.name
    try:
        READERS[kind](path)
        print(how, kind, "was read")
    except (FileError, InputError) as error:
        if "\\n" in str(error):
            print(how, kind, "several lines", repr(str(error)))
        if sys.argv[2] == "-v":
            print("OK", how, kind, str(error))
    except BaseException as error:
        print(how, kind, repr(error))
# Of this program alone: ru_maxrss begins with what the process that started it had.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) >> 10
print(f"peak {peak} MiB" if peak > 1024 else "", flush=True)
"""

KINDS = ("checkpoint", "network", "segregated", "burst", "superspike", "exclusive_or", "sweep")
SONATA = {
    "spikes": (spikes_file, "spikes/cells", ("timestamps", "node_ids")),
    "ids": (spikes_file, "spikes/cells", ("node_ids",)),
    "report": (traces_file, "report/cells", ("data",)),
    "mapping": (traces_file, "report/cells/mapping", ("node_ids",)),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits on memory are those of Linux")
def test_every_reader_refuses_hostile_files_within_limited_memory(tmp_path):
    for how in HOSTILE:
        for kind in (*KINDS, *SONATA):
            if how is no_space and kind == "checkpoint":
                continue  # an array without elements is as good as any, to who expects no shape
            path = tmp_path / how.__name__ / kind / "sweep.h5"
            path.parent.mkdir(parents=True)
            write, where, names = SONATA.get(kind, (None, "/", ("network",)))
            if write:
                write(path)
            with h5py.File(path, "a", libver="latest") as file:
                if not write:
                    stamp(file, kind)
                for name in names:
                    if write:
                        del file[where][name]
                    how(file[where], name)
                    with contextlib.suppress(KeyError, OSError, RuntimeError):
                        file[where][name].attrs["units"] = "ms"
    result = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(tmp_path), ""],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stdout + result.stderr


# ---- formats that are not ours, and directories that commands read


COMMANDS = (
    "segregated info",
    "burst resume",
    "superspike plot",
    "segregated export npz",
    "superspike export csv",
    "sweep directory",
)


@pytest.mark.parametrize("reader", [*files.LOOSE, *files.FOREIGN, *files.CIRCUIT, *COMMANDS])
def test_a_damaged_file_is_refused_in_one_line_or_read_as_it_was(reader):
    results = list(files.outcomes(reader, seed=1, count=16))
    found = dict(zip(results[::2], results[1::2], strict=True))
    assert set(found.values()) <= {"refused", "the same"}, found
    assert "refused" in found.values()


def labels(path):
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    return path


def test_a_small_gzip_file_is_not_unpacked_further_than_it_announces(tmp_path):
    header = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2])
    (tmp_path / "images").write_bytes(gzip.compress(header) + gzip.compress(bytes(1 << 24)) * 4000)
    with pytest.raises(FileError, match=r"holds .* or more"):
        load_idx(tmp_path / "images", labels(tmp_path / "labels"))


def test_images_that_no_memory_holds_are_refused_by_the_name_of_their_file(tmp_path):
    header = bytes([0, 0, 8, 3, *3 * (127, 255, 255, 255)])
    (tmp_path / "images").write_bytes(gzip.compress(header + bytes(100)))
    with pytest.raises(InputError, match="images announces"):
        load_idx(tmp_path / "images", labels(tmp_path / "labels"))


@pytest.mark.skipif(os.name != "posix", reason="devices are files on POSIX alone")
def test_a_device_that_never_ends_is_refused(tmp_path, capsys):
    with pytest.raises(FileError, match="is a device"):
        load_idx("/dev/zero", labels(tmp_path / "labels"))
    with pytest.raises(FileError, match="is a device"):
        read_ras("/dev/zero")
    assert cli.main(["sweep", "burst", "--list=/dev/zero", f"--out={tmp_path / 'sweep'}"]) == 2
    assert "/dev/zero is a device" in capsys.readouterr().err


def test_the_home_of_nobody_is_refused():
    with pytest.raises(InputError, match="images_path is ~nobody_of_this_name"):
        load_idx("~nobody_of_this_name/images", "labels")


@pytest.mark.parametrize("time", ["1e15", "1e300", "1e308"])
def test_a_spike_at_a_time_that_cannot_be_counted_is_refused(tmp_path, time):
    (tmp_path / "late.ras").write_text(f"0.1 0\n{time} 1\n")
    with pytest.raises(FileError, match=r"late\.ras holds a spike at"):
        read_ras(tmp_path / "late.ras")


def test_a_picture_with_changed_pixels_is_refused_by_its_checksum(tmp_path):
    from matplotlib.image import imsave

    path = tmp_path / "picture.png"
    imsave(path, np.random.default_rng(1).random((20, 30)))
    content = bytearray(path.read_bytes())
    pixels = content.index(b"IDAT") + 200
    content[pixels : pixels + 4] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(FileError, match="Cannot read the picture"):
        from_picture(path)


def test_a_run_of_a_kind_that_hdf5_keeps_elsewhere_is_not_read(tmp_path, capsys):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.attrs["spikesim_kind"] = "segregated"  # of variable length: damage would make it hang
    assert cli.main(["info", str(tmp_path)]) == 2
    assert "run.h5" in capsys.readouterr().err


def test_a_run_of_an_unreadable_kind_is_refused_in_one_line(tmp_path, capsys):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.attrs["spikesim_kind"] = np.bytes_(b"\xff\xfe")
    assert cli.main(["info", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "run.h5 is damaged" in told
    assert told.count("\n") == 1
