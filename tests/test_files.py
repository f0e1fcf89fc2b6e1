"""Files appear complete or not at all, come back exactly, and cannot lead the reader astray."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikesim.errors import FileError, InputError
from spikesim.io.files import (
    SCHEMA,
    atomic_file,
    open_file,
    open_hdf5,
    read_tree,
    stamp,
    write_tree,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.h5"


def write(path, tree=None, kind="checkpoint"):
    with atomic_file(path) as file:
        stamp(file, kind)
        write_tree(file, tree or {"epoch": 1})


def refusal(path, kind="checkpoint"):
    """The sentence with which a file is refused, whether at opening or at reading."""
    with pytest.raises(FileError) as caught, open_file(path, kind) as file:
        read_tree(file)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


# ---- writing


def test_a_finished_file_is_the_only_one_in_its_folder(path):
    write(path)
    assert os.listdir(path.parent) == ["run.h5"]


def test_a_file_has_no_name_before_it_is_finished(path):
    with atomic_file(path):
        assert not path.exists()


def test_an_error_leaves_the_old_file_byte_for_byte(path):
    write(path)
    before = path.read_bytes()
    with pytest.raises(InputError), atomic_file(path) as file:
        write_tree(file, {"half": np.ones(10), "wrong": object()})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["run.h5"]


def test_ctrl_c_leaves_no_temporary_file(path):
    with pytest.raises(KeyboardInterrupt), atomic_file(path):
        raise KeyboardInterrupt
    assert os.listdir(path.parent) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill that hard")
def test_a_killed_process_leaves_the_old_file_byte_for_byte(path):
    write(path)
    before = path.read_bytes()
    script = (
        "import os, signal, sys\n"
        "from spikesim.io.files import atomic_file\n"
        "with atomic_file(sys.argv[1]) as file:\n"
        "    file['half'] = [1.0]\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parent.parent
    result = subprocess.run([sys.executable, "-c", script, str(path)], cwd=root, check=False)
    assert result.returncode == -signal.SIGKILL
    assert path.read_bytes() == before


def test_two_writers_of_one_path_do_not_mix(path):
    with atomic_file(path) as first:
        write_tree(first, {"writer": 1})
        with atomic_file(path) as second:
            write_tree(second, {"writer": 2})
        with open_hdf5(path) as file:
            assert read_tree(file) == {"writer": 2}
    with open_hdf5(path) as file:
        assert read_tree(file) == {"writer": 1}


def test_a_symbolic_link_stays_and_its_target_is_written(path):
    link = path.with_name("latest.h5")
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert not path.is_symlink()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match=r"no folder .*nowhere; create it"):
        write(tmp_path / "nowhere" / "run.h5")


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(FileError, match="is a folder"):
        write(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_permission_is_explained(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="you may not write in this folder"):
        write(tmp_path / "run.h5")


def write_to_a_full_disk(file, tree):
    full = os.open("/dev/full", os.O_RDWR)  # every write to it says that the disk is full
    os.dup2(full, file.id.get_vfd_handle())
    os.close(full)
    write_tree(file, tree)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(path, size):
    write(path)
    before = path.read_bytes()
    full = r"run\.h5: the disk or your quota is full"
    with pytest.raises(FileError, match=full) as caught, atomic_file(path) as file:
        write_to_a_full_disk(file, {"weights": np.ones(size)})
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["run.h5"]


def test_an_error_about_another_file_keeps_its_own_words(path):
    with pytest.raises(FileNotFoundError), atomic_file(path):
        open(path.with_name("other"))  # noqa: SIM115


# ---- opening


def test_a_missing_file_is_named(path):
    assert "no file" in refusal(path)


def test_a_folder_is_not_read(tmp_path):
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"voltage,time\n0,1\n"], ids=["empty", "text"])
def test_a_foreign_file_is_refused(path, content):
    path.write_bytes(content)
    assert "not an HDF5 file" in refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(path, share):
    write(path, {"weights": np.ones(1000)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "damaged or was only partly copied" in refusal(path)


def test_hdf5_of_another_program_is_refused(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert "not written by spikesim" in refusal(path)


def test_another_kind_of_file_is_refused(path):
    write(path, kind="recording")
    assert "a spikesim recording file, not a checkpoint file" in refusal(path)


def test_a_newer_schema_asks_for_an_upgrade(path):
    write(path)
    with h5py.File(path, "r+") as file:
        file.attrs["spikesim_schema"] = SCHEMA + 1
    assert "written by a newer spikesim" in refusal(path)


def test_a_schema_that_is_no_number_is_refused(path):
    write(path)
    with h5py.File(path, "r+") as file:
        file.attrs["spikesim_schema"] = np.bytes_(b"1")
    assert "not written by spikesim" in refusal(path)


def test_a_refused_file_is_closed_again(path):
    write(path)
    with pytest.raises(FileError):
        open_file(path, "recording")
    h5py.File(path, "r+").close()


# ---- nested values


def back(path, tree):
    write(path, tree)
    with open_file(path, "checkpoint") as file:
        return read_tree(file)


@pytest.mark.parametrize(
    "value",
    [
        0,
        -(2**70),
        0.1,
        -0.0,
        float("inf"),
        5e-324,
        True,
        None,
        "",
        "µ\n\0\ud800",
        [],
        [1, 1.0, True, None, "one"],
        {},
        {"a": {"b": {"c": 1}}},
    ],
    ids=repr,
)
def test_a_plain_value_comes_back_with_its_type(path, value):
    assert repr(back(path, {"value": value})) == repr({"value": value})


@pytest.mark.parametrize(
    "array",
    [
        np.array(0.1, np.float32),
        np.zeros((0, 3), np.int8),
        np.arange(6, dtype=np.uint64).reshape(2, 3).T,
        np.array([True, False]),
        np.array([1 + 2j], np.complex64),
        np.array([np.nan, -np.inf], np.float16),
        np.array([1.5], ">f8"),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_an_array_comes_back_with_its_type_shape_and_bits(path, array):
    result = back(path, {"array": array})["array"]
    assert repr(result.dtype) == repr(array.dtype)
    assert result.shape == array.shape
    assert result.tobytes() == array.tobytes()


def test_a_list_may_be_longer_than_an_attribute_of_hdf5(path):
    losses = [k / 7 for k in range(20_000)]
    assert back(path, {"losses": losses}) == {"losses": losses}


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        [[1]],
        np.float64(1.0),
        object(),
        np.array(["text"]),
        np.array([None]),
        np.ma.masked_array([1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_would_come_back_changed_is_refused(path, value):
    with pytest.raises(InputError, match="/config/value"):
        write(path, {"config": {"value": value}})


@pytest.mark.parametrize("key", ["", ".", "a/b", "a\0", 3, "spikesim_kind"])
def test_a_key_that_hdf5_would_read_otherwise_is_refused(path, key):
    with pytest.raises(InputError, match="key"):
        write(path, {key: 1})


def external_link(file, path):
    file["x"] = h5py.ExternalLink("secret.h5", "/")


def soft_link(file, path):
    file["x"] = h5py.SoftLink("/weights")


def second_name(file, path):
    file["x"] = file["weights"]


def cycle(file, path):
    group = file.create_group("x")
    group["up"] = group


def root_in_itself(file, path):
    file["x"] = file["/"]


def external_data(file, path):
    path.with_name("secret").write_bytes(b"12345678")
    file.create_dataset("x", (8,), "u1", external=[("secret", 0, 8)])


def virtual_data(file, path):
    layout = h5py.VirtualLayout((1,), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "weights", (1,))
    file.create_virtual_dataset("x", layout)


def huge_claim(file, path):
    file.create_dataset("x", (2**50,), "f8", chunks=(1024,))


def compressed(file, path):
    file.create_dataset("x", data=np.ones(100), compression="gzip")


def objects(file, path):
    file.create_dataset("x", data=["a", "b"], dtype=h5py.string_dtype())


def references(file, path):
    file.create_dataset("x", data=[file.ref], dtype=h5py.ref_dtype)


def no_data(file, path):
    file["x"] = h5py.Empty("f8")


def named_type(file, path):
    file["x"] = np.dtype("f8")


def strange_attribute(file, path):
    file.attrs["x"] = np.ones(3)


def broken_text(file, path):
    file.attrs["x"] = np.bytes_(b"__import__('os')")


def deep_text(file, path):
    file.attrs["x"] = np.bytes_(b"[" * 100_000)


def dict_text(file, path):
    file.attrs["x"] = np.bytes_(b"{}")


def name_of_both(file, path):
    file.attrs["weights"] = np.bytes_(b"1")


def text_of_variable_length(file, path):
    file.attrs["x"] = "1"


@pytest.mark.parametrize(
    "tamper",
    [
        external_link,
        soft_link,
        second_name,
        cycle,
        root_in_itself,
        external_data,
        virtual_data,
        huge_claim,
        compressed,
        objects,
        references,
        no_data,
        named_type,
        strange_attribute,
        broken_text,
        deep_text,
        dict_text,
        name_of_both,
        text_of_variable_length,
    ],
)
def test_a_hostile_file_is_refused(path, tamper):
    write(path.with_name("secret.h5"), {"weights": np.ones(1)})
    write(path, {"weights": np.ones(1)})
    with h5py.File(path, "r+") as file:
        tamper(file, path)
    assert "not written by spikesim or is damaged" in refusal(path)
