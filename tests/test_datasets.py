"""The datasets load as described, and no damaged, foreign or half-done file is taken for one."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import socket
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from spikesim import datasets
from spikesim.errors import FileError, InputError

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def miniature(monkeypatch, tmp_path):
    """The content of the four files of an MNIST of six and three images, in the place of MNIST.

    No test sees the caller's own data, cache or proxy.
    """
    generator = np.random.default_rng(1)
    arrays = [
        generator.integers(0, 256, (6, 5, 4)),
        generator.integers(0, 10, 6),
        generator.integers(0, 256, (3, 5, 4)),
        generator.integers(0, 10, 3),
    ]
    contents = {name: idx(array) for name, array in zip(NAMES, arrays, strict=True)}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(datasets, "MNIST_SHA256", checksums)
    monkeypatch.delenv("SPIKESIM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return contents


def put(folder: Path, contents: dict[str, bytes], suffix: str = ".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        data = gzip.compress(content) if suffix else content
        (folder / f"{name}{suffix}").write_bytes(data)
    return folder


@pytest.fixture
def serve():
    """A function that starts a mirror on the loopback and returns its address and its requests.

    It answers a path with the bytes that `pages` holds for it, announces `missing` more bytes than
    it sends, and says 404 otherwise.
    """
    servers = []

    def start(pages: dict[str, bytes], missing: int = 0) -> tuple[str, list[str]]:
        requests: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path.lstrip("/"))
                data = pages.get(self.path.lstrip("/"))
                if data is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(data) + missing))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/", requests

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def packed(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}


def one_line(refusal: pytest.ExceptionInfo) -> str:
    text = str(refusal.value)
    assert "\n" not in text
    return text


# The digits


def test_the_digits_are_1437_training_and_360_test_images_of_64_pixels():
    digits = datasets.load_digits()
    assert digits.train_images.shape == (1437, 64)
    assert digits.test_images.shape == (360, 64)
    assert digits.train_labels.shape == (1437,)
    assert digits.test_labels.shape == (360,)
    assert digits.image_shape == (8, 8)
    assert digits.n_classes == 10


def test_the_digits_are_bytes_over_the_whole_range_with_int64_labels():
    digits = datasets.load_digits()
    for images, labels in (
        (digits.train_images, digits.train_labels),
        (digits.test_images, digits.test_labels),
    ):
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        assert (images.min(), images.max()) == (0, 255)
        assert set(labels) == set(range(10))


def test_every_digit_has_the_same_share_of_the_test_images():
    counts = np.bincount(datasets.load_digits().test_labels)
    assert counts.min() >= 35
    assert counts.max() <= 37


def test_training_and_test_digits_together_are_the_shipped_images():
    digits = datasets.load_digits()
    with np.load(ROOT / "data" / "digits.npz", allow_pickle=False) as file:
        shipped = file["images"].reshape(-1, 64)
    loaded = np.concatenate([digits.train_images, digits.test_images])
    grey_levels = np.rint(loaded * (16 / 255)).astype(np.uint8)
    assert sorted(map(bytes, grey_levels)) == sorted(map(bytes, shipped))


def test_a_nearest_mean_tells_most_test_digits_apart():
    digits = datasets.load_digits()
    means = np.array(
        [digits.train_images[digits.train_labels == digit].mean(0) for digit in range(10)]
    )
    distance = ((digits.test_images[:, None] - means) ** 2).sum(2)
    assert (distance.argmin(1) == digits.test_labels).mean() > 0.85


def test_the_readme_states_the_checksum_of_the_digits():
    checksum = hashlib.sha256((ROOT / "data" / "digits.npz").read_bytes()).hexdigest()
    assert checksum in (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_a_damaged_digits_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "digits.npz").write_bytes(b"damaged")
    monkeypatch.setattr(datasets.resources, "files", lambda _: tmp_path)
    with pytest.raises(FileError, match="install spikesim again") as refusal:
        datasets.load_digits()
    assert "digits.npz" in one_line(refusal)


def test_a_missing_digits_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.resources, "files", lambda _: tmp_path)
    with pytest.raises(FileError, match="install spikesim again"):
        datasets.load_digits()


def test_points_of_yin_yang_have_the_class_of_where_they_lie():
    data = datasets.yin_yang(600, 60, seed=1)
    x, y = 2.0 * data.train_images[:, 0] - 1.0, 2.0 * data.train_images[:, 1] - 1.0
    assert np.hypot(x, y).max() <= 1.0
    np.testing.assert_allclose(data.train_images[:, 2:], 1.0 - data.train_images[:, :2])
    for a, b, label in zip(x, y, data.train_labels, strict=True):
        right, left = np.hypot(a - 0.5, b), np.hypot(a + 0.5, b)
        if right < 0.2 or left < 0.2:
            expected = 2
        else:
            expected = int(0.2 < left <= 0.5 or (b > 0.0 and right > 0.5))
        assert label == expected


def test_yin_yang_has_as_many_points_of_each_class_and_others_for_another_seed():
    data, again, other = (datasets.yin_yang(30, 9, seed=seed) for seed in (1, 1, 2))
    assert np.bincount(data.train_labels).tolist() == [10, 10, 10]
    assert np.bincount(data.test_labels).tolist() == [3, 3, 3]
    np.testing.assert_array_equal(data.train_images, again.train_images)
    assert (data.train_images != other.train_images).any()
    assert not np.isin(data.test_images[:, 0], data.train_images[:, 0]).any()


def test_load_finds_a_dataset_by_name(miniature, tmp_path):
    assert datasets.load("digits").name == "digits"
    assert datasets.load("mnist", put(tmp_path / "own", miniature)).name == "mnist"


def test_load_offers_the_nearest_name():
    with pytest.raises(InputError, match="Did you mean 'mnist'"):
        datasets.load("minst")


# MNIST from files


def test_the_real_mnist_loads_from_spikesim_data():
    folder = os.environ.get("SPIKESIM_DATA")
    if not folder:
        pytest.skip("SPIKESIM_DATA names no folder with the files of MNIST")
    if not any(Path(folder).expanduser().glob("**/train-images-idx3-ubyte*")):
        pytest.skip(f"SPIKESIM_DATA is {folder}, which holds no MNIST")
    mnist = datasets.load_mnist()
    assert mnist.train_images.shape == (60000, 784)
    assert mnist.test_images.shape == (10000, 784)
    assert mnist.image_shape == (28, 28)
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean intensity of the training images that everybody normalises by.
    assert mnist.train_images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", ["own", "own/mnist"])
def test_mnist_loads_packed_or_unpacked_from_a_folder_or_its_subfolder(
    miniature, tmp_path, suffix, folder
):
    put(tmp_path / folder, miniature, suffix)
    mnist = datasets.load_mnist(tmp_path / "own")
    assert idx(mnist.train_images.reshape(6, *mnist.image_shape)) == miniature[NAMES[0]]
    assert idx(mnist.train_labels) == miniature[NAMES[1]]
    assert idx(mnist.test_images.reshape(3, *mnist.image_shape)) == miniature[NAMES[2]]
    assert idx(mnist.test_labels) == miniature[NAMES[3]]


def test_mnist_loads_whatever_the_compression_level(miniature, tmp_path):
    for name, content in miniature.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=0))
    assert len(datasets.load_mnist(tmp_path).train_labels) == 6


def test_mnist_arrays_can_be_written_to(miniature, tmp_path):
    mnist = datasets.load_mnist(put(tmp_path, miniature))
    assert mnist.train_images.flags.writeable
    assert mnist.test_images.flags.c_contiguous


def test_spikesim_data_goes_before_the_cache(miniature, tmp_path, monkeypatch):
    put(tmp_path / "cache" / "spikesim" / "data" / "mnist", {NAMES[0]: b"never read"})
    put(tmp_path / "environment", miniature)
    monkeypatch.setenv("SPIKESIM_DATA", str(tmp_path / "environment"))
    assert len(datasets.load_mnist().train_labels) == 6


def test_the_cache_serves_when_spikesim_data_has_no_mnist(miniature, tmp_path, monkeypatch):
    put(tmp_path / "cache" / "spikesim" / "data" / "mnist", miniature)
    monkeypatch.setenv("SPIKESIM_DATA", str(tmp_path / "nothing"))
    assert len(datasets.load_mnist().train_labels) == 6


def test_a_folder_that_is_named_is_the_only_place_looked_at(miniature, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKESIM_DATA", str(put(tmp_path / "environment", miniature)))
    with pytest.raises(FileError, match="download_mnist") as refusal:
        datasets.load_mnist(tmp_path / "typo")
    assert str(tmp_path / "typo") in one_line(refusal)
    assert "environment" not in str(refusal.value)


def test_missing_mnist_names_every_place_and_the_remedy(miniature, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKESIM_DATA", str(tmp_path / "nothing"))
    with pytest.raises(FileError, match=r"download_mnist\(\)") as refusal:
        datasets.load_mnist()
    for place in ("nothing", "nothing/mnist", "cache/spikesim/data/mnist"):
        assert str(tmp_path / place) in one_line(refusal)


def test_a_set_with_a_file_missing_names_that_file(miniature, tmp_path):
    put(tmp_path, miniature)
    (tmp_path / f"{NAMES[3]}.gz").unlink()
    with pytest.raises(FileError, match=f"lacks {NAMES[3]}"):
        datasets.load_mnist(tmp_path)


def test_another_dataset_in_the_layout_of_mnist_is_sent_to_load_idx(miniature, tmp_path):
    put(tmp_path, miniature | {NAMES[0]: idx(np.zeros((6, 5, 4)))})
    with pytest.raises(FileError, match="load_idx") as refusal:
        datasets.load_mnist(tmp_path)
    assert f"{NAMES[0]}.gz" in one_line(refusal)
    assert hashlib.sha256(miniature[NAMES[0]]).hexdigest() in str(refusal.value)


def test_a_folder_that_is_no_path_is_refused():
    with pytest.raises(InputError, match="folder is 3"):
        datasets.load_mnist(3)


# IDX files of one's own


@pytest.fixture
def own(tmp_path):
    """Good images and labels: two images of one row and three columns."""
    images, labels = tmp_path / "images.gz", tmp_path / "labels.gz"
    images.write_bytes(gzip.compress(idx(np.array([[[1, 2, 3]], [[4, 5, 6]]]))))
    labels.write_bytes(gzip.compress(idx(np.array([9, 0]))))
    return images, labels


def test_own_idx_files_load(own):
    images, labels, image_shape = datasets.load_idx(*own)
    assert images.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert labels.tolist() == [9, 0]
    assert image_shape == (1, 3)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"<html>Sign in to the network</html>", "is not an IDX file"),
        (b"", "is not an IDX file"),
        (b"\0\0", "is not an IDX file"),
        (gzip.compress(b"a letter"), "is not an IDX file"),
        (gzip.compress(idx(np.zeros((2, 1, 3))))[:-9], "damaged or incomplete gzip"),
        (gzip.compress(idx(np.zeros((2, 1, 3))))[:4], "damaged or incomplete gzip"),
        (gzip.compress(bytes(99))[:12] + b"\xff" * 30, "damaged or incomplete gzip"),
        (idx(np.zeros((2, 1, 3)))[:-1], r"announces 2 x 1 x 3 = 6 bytes of images and holds 5"),
        (idx(np.zeros((2, 1, 3))) + b"\0", "holds 7"),
        (idx(np.zeros((2, 1, 3)))[:9], "ends within its header"),
        (bytes([0, 0, 13, 3]) + bytes(12), "IDX type 0x0d"),
        (idx(np.zeros(2)), r"has 1 dimension\(s\), and images have 3"),
        (idx(np.zeros((0, 1, 3))), "holds no images"),
    ],
    ids=[
        "a web page",
        "an empty file",
        "two bytes",
        "gzip of something else",
        "a truncated gzip",
        "a gzip header",
        "a damaged gzip",
        "a byte too few",
        "a byte too many",
        "a cut header",
        "floating-point elements",
        "labels",
        "no images",
    ],
)
def test_a_file_that_holds_no_images_is_refused_by_name(own, data, complaint):
    own[0].write_bytes(data)
    with pytest.raises(FileError, match=complaint) as refusal:
        datasets.load_idx(*own)
    assert one_line(refusal).startswith(str(own[0]))


def test_images_in_the_place_of_labels_are_refused(own):
    with pytest.raises(FileError, match="swapped"):
        datasets.load_idx(own[0], own[0])


def test_a_missing_idx_file_is_refused(own, tmp_path):
    with pytest.raises(FileError, match="nowhere cannot be read: No such file"):
        datasets.load_idx(tmp_path / "nowhere", own[1])


def test_images_and_labels_of_different_number_are_refused(own):
    own[1].write_bytes(idx(np.array([1, 2, 3])))
    with pytest.raises(FileError, match=r"2 images but .* 3 labels"):
        datasets.load_idx(*own)


def test_a_label_beyond_the_classes_is_refused(own):
    own[1].write_bytes(idx(np.array([1, 10])))
    with pytest.raises(FileError, match="label 10; with n_classes=10"):
        datasets.load_idx(*own)


def test_data_of_more_classes_loads_when_they_are_stated(own):
    own[1].write_bytes(idx(np.array([1, 46])))
    assert datasets.load_idx(*own, n_classes=47)[1].tolist() == [1, 46]


# The download


def test_a_download_can_be_loaded_and_leaves_only_the_four_files(miniature, serve, tmp_path):
    mirror, _ = serve(packed(miniature))
    folder = datasets.download_mnist(tmp_path / "new" / "folder", [mirror], progress=False)
    assert folder == tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == sorted(packed(miniature))
    assert len(datasets.load_mnist(folder).train_labels) == 6


def test_a_download_without_a_folder_is_found_without_a_folder(miniature, serve, tmp_path):
    mirror, _ = serve(packed(miniature))
    folder = datasets.download_mnist(mirrors=[mirror])
    assert folder == tmp_path / "cache" / "spikesim" / "data" / "mnist"
    assert len(datasets.load_mnist().train_labels) == 6


def test_finished_files_are_not_downloaded_again(miniature, serve, tmp_path):
    mirror, requests = serve(packed(miniature))
    put(tmp_path / "own", {name: miniature[name] for name in NAMES[:2]})
    put(tmp_path / "own", {NAMES[2]: miniature[NAMES[2]]}, suffix="")
    datasets.download_mnist(tmp_path / "own", [mirror])
    assert requests == [f"{NAMES[3]}.gz"]


def test_the_next_mirror_is_asked_when_one_lacks_a_file(miniature, serve, tmp_path):
    (empty, _), (good, _) = serve({}), serve(packed(miniature))
    datasets.download_mnist(tmp_path / "own", [empty, good])
    assert len(datasets.load_mnist(tmp_path / "own").train_labels) == 6


def test_the_next_mirror_is_asked_when_nobody_answers(miniature, serve, tmp_path):
    good, _ = serve(packed(miniature))
    datasets.download_mnist(tmp_path / "own", ["http://127.0.0.1:1", good.rstrip("/")])
    assert len(datasets.load_mnist(tmp_path / "own").train_labels) == 6


def test_the_next_mirror_is_asked_when_one_goes_silent(miniature, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "TIMEOUT", 0.1)
    good, _ = serve(packed(miniature))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        datasets.download_mnist(tmp_path / "own", [address, good])
    assert len(datasets.load_mnist(tmp_path / "own").train_labels) == 6


def test_a_truncated_download_is_kept_aside_and_reported(miniature, serve, tmp_path):
    half = {name: data[: len(data) // 2] for name, data in packed(miniature).items()}
    mirror, _ = serve(half, missing=50)
    with pytest.raises(FileError, match="damaged or incomplete gzip") as refusal:
        datasets.download_mnist(tmp_path / "own", [mirror])
    name = f"{NAMES[0]}.gz"
    assert f"{mirror}{name} sent ({len(half[name])} bytes" in one_line(refusal)
    assert [path.name for path in (tmp_path / "own").iterdir()] == [f"{name}.rejected"]
    assert (tmp_path / "own" / f"{name}.rejected").read_bytes() == half[name]


def test_a_download_of_other_data_tells_both_checksums(miniature, serve, tmp_path):
    other = idx(np.ones((6, 5, 4)))
    mirror, _ = serve(packed(miniature | {NAMES[0]: other}))
    with pytest.raises(FileError, match="name other mirrors") as refusal:
        datasets.download_mnist(tmp_path / "own", [mirror])
    assert hashlib.sha256(other).hexdigest() in one_line(refusal)
    assert hashlib.sha256(miniature[NAMES[0]]).hexdigest() in str(refusal.value)


def test_what_was_kept_aside_goes_once_another_mirror_delivers(miniature, serve, tmp_path):
    bad, _ = serve(dict.fromkeys(packed(miniature), b"<html>Sign in</html>"))
    good, _ = serve(packed(miniature))
    folder = datasets.download_mnist(tmp_path / "own", [bad, good])
    assert sorted(path.name for path in folder.iterdir()) == sorted(packed(miniature))


def test_an_interrupted_download_leaves_no_file(miniature, serve, tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    mirror, _ = serve(packed(miniature))
    monkeypatch.setattr(datasets.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        datasets.download_mnist(tmp_path / "own", [mirror])
    assert list((tmp_path / "own").iterdir()) == []


def test_a_foreign_file_of_the_same_name_is_never_overwritten(miniature, serve, tmp_path):
    fashion = {NAMES[0]: idx(np.ones((6, 5, 4)))}
    put(tmp_path / "own", fashion)
    before = (tmp_path / "own" / f"{NAMES[0]}.gz").read_bytes()
    mirror, requests = serve(packed(miniature))
    with pytest.raises(FileError, match="not overwritten"):
        datasets.download_mnist(tmp_path / "own", [mirror])
    assert (tmp_path / "own" / f"{NAMES[0]}.gz").read_bytes() == before
    assert requests == []


def test_a_folder_that_cannot_be_made_is_refused(miniature, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="name another folder"):
        datasets.download_mnist(tmp_path / "file" / "folder")


@pytest.mark.parametrize("mirrors", ["http://127.0.0.1", [], ["file:///folder"], ["127.0.0.1"]])
def test_mirrors_that_are_no_list_of_web_addresses_are_refused(tmp_path, mirrors):
    with pytest.raises(InputError, match="mirrors"):
        datasets.download_mnist(tmp_path, mirrors)
