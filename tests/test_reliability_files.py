"""What is read back is what was written, or it is refused; a damaged cache is compiled afresh."""

from pathlib import Path

import numpy as np
import pytest

from spikesim.errors import FileError
from spikesim.files import atomic_file, open_hdf5, read_tree, write_tree
from spikesim.kernels import cache


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


@pytest.mark.parametrize("content", [b"", b"damaged", b"\x80\x05cno_such_module\nname\n."])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_file_or_a_lost_module_is_compiled_afresh(
    tmp_path, monkeypatch, content, kind
):
    monkeypatch.setattr(cache.numba.config, "CACHE_DIR", str(tmp_path))
    assert cache.cached(plus_one, {})(1) == 2
    files = list(Path(tmp_path).rglob(f"*.{kind}"))
    assert files
    for file in files:
        file.write_bytes(content)
    again = cache.cached(plus_one, {})
    assert again(1) == 2
    assert cache.in_cache(again)
