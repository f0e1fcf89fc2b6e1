"""Datasets by name, the digits that ship and MNIST, or by the path of a file of a user's own.

`yin_yang` draws points of a figure, and `teacher` asks a random network.

Pixels stay uint8, 0 (background) to 255 (ink), because MNIST is 47 MB that way and 188 MB as
float32; divide by 255 for an intensity. Nothing here unpickles or executes the content of a file.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import urllib.request
import uuid
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from spikesim.checks import check_choice, check_integer, show
from spikesim.dataset import Dataset
from spikesim.errors import FileError, InputError
from spikesim.idx import expanded, given_path, load_idx, parsed, unpacked
from spikesim.io.files import read_bytes
from spikesim.own_images import read_images

__all__ = [
    "MNIST_MIRRORS",
    "Dataset",
    "download_mnist",
    "is_path",
    "load",
    "load_digits",
    "load_idx",
    "load_mnist",
    "teacher",
    "yin_yang",
]

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Where `download_mnist` looks, one after the other."""
"""Where `download_mnist` looks by default, in this order."""

# Checksums of the unpacked content, in the order of the fields of Dataset. MNIST circulates
# unpacked and in gzip files of different compression levels, so a checksum of the .gz would refuse
# good copies.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"

TIMEOUT = 30.0  # s without a byte from a mirror


def load(name: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Return the dataset called `name`, or that of a user's own file.

    Parameters
    ----------
    name : {"digits", "mnist"} or path
        A path has a suffix or a folder in it: flowers.npz, ./flowers. What it may be says
        `spikesim.own_images.read_images`.
    folder : path, optional
        Where the files of MNIST are, as in `load_mnist`. Other datasets need no folder.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        No dataset has that name.
    FileError
        A file is missing, damaged or foreign.

    Examples
    --------
    >>> load("digits").n_classes
    10
    """
    if isinstance(name, os.PathLike) or (isinstance(name, str) and is_path(name)):
        return read_images(name)
    check_choice("name", name, ["digits", "mnist"])
    return load_digits() if name == "digits" else load_mnist(folder)


def is_path(name: str) -> bool:
    """Whether a name is that of a file or folder, rather than of a dataset.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_path("mnist"), is_path("flowers.npz"), is_path("./flowers")
    (False, True, True)
    """
    return name not in ("digits", "mnist") and (Path(name).suffix != "" or Path(name).name != name)


def load_digits() -> Dataset:
    """Return the 8 x 8 handwritten digits that ship with spikesim: 1,437 to train, 360 to test.

    Every fifth image of each digit is a test image. The split never changes, and both parts have
    the same share of each digit. data/README.md gives the reason, the source and the licence.

    Returns
    -------
    Dataset
        The original 17 grey levels are spread over 0 to 255.

    Raises
    ------
    FileError
        The file is missing or is not the one that was shipped.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.train_images.shape, digits.test_images.shape
    ((1437, 64), (360, 64))
    """
    source = resources.files("spikesim.data") / "digits.npz"
    try:
        data = source.read_bytes()
    except OSError as error:
        raise FileError(f"{source} cannot be read ({error}); install spikesim again.") from None
    if hashlib.sha256(data).hexdigest() != _DIGITS_SHA256:
        raise FileError(
            f"{source} is not the file that spikesim ships (its SHA-256 differs); "
            "install spikesim again."
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    pixels = np.rint(images / 16 * 255).astype(np.uint8).reshape(len(images), 64)
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[np.argsort(labels, kind="stable")[::5]] = True
    return Dataset(
        "digits",
        pixels[~is_test],
        labels[~is_test],
        pixels[is_test],
        labels[is_test],
        image_shape=(8, 8),
        n_classes=10,
    )


def load_mnist(folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Return MNIST, 60,000 images to train and 10,000 to test, from its four original files.

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, each with or without .gz. `download_mnist` fetches them.

    Parameters
    ----------
    folder : path, optional
        The folder that holds the files, or that has a sub-folder mnist with them; no other place
        is then searched. By default these are searched, in the same way: the folder that the
        environment variable SPIKESIM_DATA names, then the cache that `download_mnist` fills.

    Returns
    -------
    Dataset
        Images of shape (n, 784), about 55 MB in all.

    Raises
    ------
    FileError
        A file is missing, damaged or not the original. Use `load_idx` for other data in the same
        layout, such as Fashion-MNIST.

    Examples
    --------
    >>> load_mnist().train_images.shape  # doctest: +SKIP
    (60000, 784)
    """
    if folder is not None:
        root = given_path("folder", folder)
        places = [root, root / "mnist"]
    else:
        places = [_cache()]
        if environment := os.environ.get("SPIKESIM_DATA"):
            root = expanded("SPIKESIM_DATA", Path(environment))
            places = [root, root / "mnist", *places]
    for place in places:
        found = {name: _find(place, name) for name in MNIST_SHA256}
        if any(found.values()):
            break
    else:
        raise FileError(
            f"MNIST is not in {' or '.join(map(str, places))}. Fetch it once with "
            "'spikesim data mnist' or spikesim.datasets.download_mnist("
            f"{'' if folder is None else repr(str(folder))}), "
            "or set SPIKESIM_DATA to the folder that holds its four files."
        )
    arrays = []
    for name, path in found.items():
        if path is None:
            raise FileError(
                f"{place} lacks {name}.gz; "
                f"spikesim.datasets.download_mnist({str(place)!r}) adds what is missing."
            )
        arrays.append(_mnist_array(read_bytes(path), name, path))
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        "mnist",
        train_images.reshape(len(train_images), -1),
        train_labels.astype(np.int64),
        test_images.reshape(len(test_images), -1),
        test_labels.astype(np.int64),
        image_shape=(train_images.shape[1], train_images.shape[2]),
        n_classes=10,
    )


def yin_yang(train: int = 3000, test: int = 500, seed: int = 0) -> Dataset:
    """Draw points of the Yin-Yang figure, whose classes are its two halves and its dots.

    Kriener, Göltz & Petrovici (2022), doi:10.1145/3517343.3517380. A layer without hidden units
    cannot separate the classes. Points are uniform within their class, and classes are as frequent
    as each other.

    Parameters
    ----------
    train, test : int
        How many points there are to train and to test.
    seed : int
        The points depend on it.

    Returns
    -------
    Dataset
        Its images are (x, y, 1 - x, 1 - y), with x and y from 0 to 1. Class 0 is the half whose
        head is at the right, class 1 the other one, and class 2 are the dots.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> data = yin_yang(train=6, test=3)
    >>> sorted(data.train_labels.tolist()), data.test_images.shape
    ([0, 0, 1, 1, 2, 2], (3, 4))
    """
    train = check_integer("train", train, at_least=1, at_most=10_000_000)
    test = check_integer("test", test, at_least=1, at_most=10_000_000)
    chance = np.random.default_rng(check_integer("seed", seed, at_least=0))
    parts = []
    for n in (train, test):
        labels = chance.permutation(np.arange(n) % 3)
        points = np.zeros((n, 2))
        for k in range(3):
            missing = np.flatnonzero(labels == k)
            while missing.size:
                drawn = chance.uniform(-1.0, 1.0, (missing.size, 2))
                found = _in_yin_yang(*drawn.T) == k
                points[missing[found]] = drawn[found]
                missing = missing[~found]
        shown = (points + 1.0) / 2.0
        parts.append((np.hstack([shown, 1.0 - shown]), labels.astype(np.int64)))
    (images, classes), (test_images, test_classes) = parts
    return Dataset(
        "yin-yang", images, classes, test_images, test_classes, image_shape=(1, 4), n_classes=3
    )


def teacher(train: int = 3000, test: int = 1000, seed: int = 0) -> Dataset:
    """Draw random inputs, and let a random network say to which class each belongs.

    The teacher has 30 inputs, 20 hidden units (tanh) and 10 outputs, with weights from N(0, 4/n)
    and N(0, 1/n), n being the units below. Its outputs are centred and scaled over the inputs, so
    that no class is rare. The class is the largest of them.

    Parameters
    ----------
    train, test : int
        How many inputs there are to train and to test.
    seed : int
        Teacher and inputs depend on it.

    Returns
    -------
    Dataset
        Its images are 30 numbers from 0 to 1, uniform and independent.

    Raises
    ------
    InputError
        If a number is impossible.

    Examples
    --------
    >>> data = teacher(train=200, test=50)
    >>> data.train_images.shape, data.n_classes
    ((200, 30), 10)
    """
    train = check_integer("train", train, at_least=1, at_most=10_000_000)
    test = check_integer("test", test, at_least=1, at_most=10_000_000)
    chance = np.random.default_rng(check_integer("seed", seed, at_least=0))
    first = chance.normal(0.0, 2.0 / np.sqrt(30.0), (30, 20))
    second = chance.normal(0.0, 1.0 / np.sqrt(20.0), (20, 10))
    x = chance.random((train + test, 30))
    answers = np.tanh(np.sqrt(12.0) * (x - 0.5) @ first) @ second
    answers -= answers.mean(axis=0)
    labels = np.argmax(answers / (answers.std(axis=0) + np.finfo(float).tiny), axis=1)
    return Dataset(
        "teacher", x[:train], labels[:train], x[train:], labels[train:], (5, 6), n_classes=10
    )


def _in_yin_yang(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The class of each point; -1 outside of the unit disc."""
    right, left = np.hypot(x - 0.5, y), np.hypot(x + 0.5, y)
    half = ((left > 0.2) & (left <= 0.5)) | ((y > 0.0) & (right > 0.5))
    classes = np.where((right < 0.2) | (left < 0.2), 2, half.astype(np.int64))
    return np.where(np.hypot(x, y) <= 1.0, classes, -1)


def download_mnist(
    folder: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] = MNIST_MIRRORS,
    progress: bool = True,
) -> Path:
    """Fetch the four files of MNIST (11 MB); files that are already there are kept.

    A file gets its name only once it is complete and its checksum is right. If a mirror sends
    something else, that is kept as NAME.rejected until another mirror delivers the file.

    Parameters
    ----------
    folder : path, optional
        Where to put them; by default spikesim/data/mnist in the user's cache, $XDG_CACHE_HOME or
        ~/.cache, where `load_mnist` finds them.
    mirrors : sequence of str
        Addresses, http or https, of folders that hold the files; tried in this order.
    progress : bool
        Show a bar if stderr is a terminal.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        An argument cannot be used.
    FileError
        No mirror delivered a file, it cannot be written, or something else has its name.

    Examples
    --------
    >>> download_mnist("mnist")  # doctest: +SKIP
    PosixPath('mnist')
    """
    target = _cache() if folder is None else given_path("folder", folder)
    if not isinstance(mirrors, (list, tuple)) or not mirrors:
        raise InputError(
            f"mirrors is {show(mirrors)}; it has to be a list of one or more addresses."
        )
    for mirror in mirrors:
        if not isinstance(mirror, str) or not mirror.startswith(("http://", "https://")):
            raise InputError(
                f"mirrors holds {show(mirror)}; every one has to begin with http:// or https://."
            )
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in MNIST_SHA256:
            _download(name, target, mirrors, progress)
    except FileError:
        raise
    except OSError as error:
        raise FileError(
            f"MNIST cannot be written to {target} ({error}); name another folder."
        ) from None
    return target


def _download(name: str, folder: Path, mirrors: Sequence[str], progress: bool) -> None:
    existing = _find(folder, name)
    if existing is not None:
        try:
            _mnist_array(read_bytes(existing), name, existing)
        except FileError as error:
            # It may be the user's Fashion-MNIST, which has the same file names.
            raise FileError(
                f"{error} It is not overwritten: move it away, or download to another folder."
            ) from None
        return
    target = folder / f"{name}.gz"
    rejected = folder / f"{name}.gz.rejected"
    problems = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{target.name}"
        try:
            data = _fetch(url, progress)
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{url}: {error or type(error).__name__}")
            continue
        try:
            _mnist_array(data, name, f"what {url} sent ({len(data)} bytes, kept as {rejected})")
        except FileError as error:
            _write(rejected, data)
            problems.append(str(error))
            continue
        _write(target, data)
        rejected.unlink(missing_ok=True)
        return
    raise FileError(
        f"{target} could not be downloaded: {' '.join(problems)} "
        f"Try again later, name other mirrors, or put the file into {folder} yourself."
    )


def _fetch(url: str, progress: bool) -> bytes:
    data = bytearray()
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
        announced = response.headers.get("Content-Length", "")
        with tqdm(
            total=int(announced) if announced.isdigit() else None,
            desc=url.rpartition("/")[2],
            unit="B",
            unit_scale=True,
            disable=None if progress else True,
        ) as bar:
            while chunk := response.read(1 << 16):
                data += chunk
                bar.update(len(chunk))
    return bytes(data)


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _cache() -> Path:
    cache = expanded("XDG_CACHE_HOME", Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache"))
    return cache / "spikesim" / "data" / "mnist"


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def _mnist_array(data: bytes, name: str, source: object) -> NDArray[np.uint8]:
    content = unpacked(data, source)
    array = parsed(content, source, dimensions=3 if "images" in name else 1)
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_SHA256[name]:
        raise FileError(
            f"{source} is an IDX file but not MNIST's {name}: the SHA-256 of its unpacked content "
            f"is {found}, expected {MNIST_SHA256[name]}. Get the original with download_mnist, or "
            "read your own data with load_idx."
        )
    return array
