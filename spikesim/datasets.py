"""The datasets that the examples learn: small digits that ship, MNIST, and IDX files of one's own.

Pixels stay uint8, 0 (background) to 255 (ink), because MNIST is 47 MB that way and 188 MB as
float32; divide by 255 for an intensity. Nothing here unpickles or runs what a file holds.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import math
import os
import struct
import urllib.request
import uuid
import zlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from spikesim.checks import check_choice, check_integer, check_memory, check_path, show
from spikesim.errors import FileError, InputError
from spikesim.io.files import read_bytes

__all__ = [
    "MNIST_MIRRORS",
    "Dataset",
    "download_mnist",
    "load",
    "load_digits",
    "load_idx",
    "load_mnist",
]

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Where `download_mnist` looks by default, in this order."""

# Of the unpacked content, in the order of the fields of Dataset. MNIST circulates unpacked and in
# gzip files of different compression levels, so a checksum of the .gz would refuse good copies.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_DIGITS_SHA256 = "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"

_PIECE = 1 << 20  # bytes that are unpacked at a time

TIMEOUT = 30.0  # s without a byte from a mirror


class Dataset(NamedTuple):
    """Labelled images, split once and for all into a training and a test part.

    Attributes
    ----------
    name : str
    train_images : ndarray of uint8, shape (n_train, rows * columns)
        Pixels from 0 (background) to 255 (ink), row after row; divide by 255 for an intensity.
    train_labels : ndarray of int64, shape (n_train,)
        From 0 to n_classes - 1.
    test_images : ndarray of uint8, shape (n_test, rows * columns)
    test_labels : ndarray of int64, shape (n_test,)
    image_shape : tuple of int
        (rows, columns), to show an image: ``train_images[0].reshape(image_shape)``.
    n_classes : int

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.train_images[0].reshape(digits.image_shape).shape
    (8, 8)
    """

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    image_shape: tuple[int, int]
    n_classes: int


def load(name: str, folder: str | os.PathLike[str] | None = None) -> Dataset:
    """Return the dataset called `name`.

    Parameters
    ----------
    name : {"digits", "mnist"}
    folder : path, optional
        Where the files of MNIST are, as in `load_mnist`. The digits ship and need none.

    Raises
    ------
    InputError
        There is no dataset of that name.
    FileError
        A file is missing, damaged or foreign.

    Examples
    --------
    >>> load("digits").n_classes
    10
    """
    check_choice("name", name, ["digits", "mnist"])
    return load_digits() if name == "digits" else load_mnist(folder)


def load_digits() -> Dataset:
    """Return the 8 x 8 handwritten digits that ship with spikesim: 1,437 to train, 360 to test.

    Every fifth image of each digit is a test image, always the same ones, so both parts hold the
    digits in the same shares. data/README.md tells why, and source and licence.

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
        The folder that holds the files, or has a sub-folder mnist that does; no other place is
        then looked at. Without it: the folder that the environment variable SPIKESIM_DATA names,
        in the same way, then the cache that `download_mnist` fills.

    Returns
    -------
    Dataset
        Images of shape (n, 784), about 55 MB in all.

    Raises
    ------
    FileError
        A file is missing, damaged or not the original. For other data in the same layout, such as
        Fashion-MNIST, there is `load_idx`.

    Examples
    --------
    >>> load_mnist().train_images.shape  # doctest: +SKIP
    (60000, 784)
    """
    if folder is not None:
        root = _path("folder", folder)
        places = [root, root / "mnist"]
    else:
        places = [_cache()]
        if environment := os.environ.get("SPIKESIM_DATA"):
            root = _expand("SPIKESIM_DATA", Path(environment))
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


def load_idx(
    images_path: str | os.PathLike[str],
    labels_path: str | os.PathLike[str],
    n_classes: int = 10,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[int, int]]:
    """Return the images and labels of two IDX files of one's own, with or without gzip.

    Parameters
    ----------
    images_path, labels_path : path
        Unsigned bytes, as in MNIST: images in three dimensions, labels in one.
    n_classes : int
        Labels have to be below it.

    Returns
    -------
    images : ndarray of uint8, shape (n, rows * columns)
    labels : ndarray of int64, shape (n,)
    image_shape : tuple of int
        (rows, columns)

    Raises
    ------
    InputError
        An argument cannot be used.
    FileError
        A file is missing, damaged or no such IDX file, or the two do not belong together.

    Examples
    --------
    >>> import tempfile
    >>> temporary = tempfile.TemporaryDirectory()
    >>> folder = Path(temporary.name)
    >>> two_images = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 255, 0, 0, 255])
    >>> _ = (folder / "images").write_bytes(two_images)
    >>> _ = (folder / "labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    >>> images, labels, image_shape = load_idx(folder / "images", folder / "labels")
    >>> images.tolist(), labels.tolist(), image_shape
    ([[255, 0], [0, 255]], [7, 3], (1, 2))
    >>> temporary.cleanup()
    """
    images_path = _path("images_path", images_path)
    labels_path = _path("labels_path", labels_path)
    n_classes = check_integer("n_classes", n_classes, at_least=1, at_most=256)
    images = _parse(_unpack(read_bytes(images_path), images_path), images_path, dimensions=3)
    labels = _parse(_unpack(read_bytes(labels_path), labels_path), labels_path, dimensions=1)
    if len(images) != len(labels):
        raise FileError(
            f"{images_path} holds {len(images)} images but {labels_path} holds {len(labels)} "
            "labels; name two files that belong together."
        )
    if labels.max() >= n_classes:
        raise FileError(
            f"{labels_path} holds the label {labels.max()}; with n_classes={n_classes} labels go "
            f"from 0 to {n_classes - 1}. Raise n_classes if the data has more classes."
        )
    image_shape = (images.shape[1], images.shape[2])
    return images.reshape(len(images), -1), labels.astype(np.int64), image_shape


def download_mnist(
    folder: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] = MNIST_MIRRORS,
    progress: bool = True,
) -> Path:
    """Fetch the four files of MNIST (11 MB), keeping those that are already there.

    A file gets its name only once it is complete and its checksum is right. What a mirror sent
    instead is kept as NAME.rejected until another mirror delivers.

    Parameters
    ----------
    folder : path, optional
        Where to put them; by default spikesim/data/mnist in the user's cache, $XDG_CACHE_HOME or
        ~/.cache, where `load_mnist` finds them.
    mirrors : sequence of str
        Addresses, http or https, of folders that hold the files; tried in this order.
    progress : bool
        Show a bar (never when stderr is not a terminal).

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
    target = _cache() if folder is None else _path("folder", folder)
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
            # It may be somebody's Fashion-MNIST, which has the same file names.
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


def _path(name: str, value: str | os.PathLike[str]) -> Path:
    return _expand(name, check_path(name, value))


def _expand(name: str, path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise InputError(f"{name} is {path}; there is no such home, so write it out.") from None


def _cache() -> Path:
    cache = _expand("XDG_CACHE_HOME", Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache"))
    return cache / "spikesim" / "data" / "mnist"


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def _unpack(data: bytes, source: object) -> bytes:
    # By content, not by name: browsers unpack .gz files on the way without renaming them.
    if not data.startswith(b"\x1f\x8b"):
        return data
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            # A small file may unpack to more than fits into memory: no further than it announces.
            while len(content) <= _announced(content, source) and (piece := file.read(_PIECE)):
                content += piece
    except (EOFError, OSError, zlib.error) as error:
        raise FileError(
            f"{source} is a damaged or incomplete gzip file ({error}); get it again."
        ) from None
    except MemoryError:
        raise FileError(f"{source} unpacks to more than there is memory for.") from None
    return bytes(content)


def _announced(content: bytes | bytearray, source: object) -> int:
    """How many bytes the header of an IDX file says that there are; a piece if there is no header.

    Refuses what does not fit into memory.
    """
    if content[:2] != b"\0\0" or len(content) < 4 or len(content) < (start := 4 + 4 * content[3]):
        return _PIECE - 1
    size = start + math.prod(struct.unpack(f">{content[3]}I", content[4:start]))
    check_memory(f"{source} announces {size} bytes", size)
    return size


def _parse(content: bytes, source: object, dimensions: int) -> NDArray[np.uint8]:
    what = "images" if dimensions == 3 else "labels"
    start = 4 + 4 * dimensions
    if content[:2] != b"\0\0" or len(content) < 4:
        raise FileError(
            f"{source} is not an IDX file, with or without gzip: it begins with {content[:12]!r}. "
            f"Name the file of {what} in MNIST's layout."
        )
    if content[2] != 8:
        raise FileError(
            f"{source} holds elements of IDX type 0x{content[2]:02x}; "
            "convert them to unsigned bytes, type 0x08."
        )
    if content[3] != dimensions:
        raise FileError(
            f"{source} has {content[3]} dimension(s), and {what} have {dimensions}; "
            "are images and labels swapped?"
        )
    if len(content) < start:
        raise FileError(f"{source} ends within its header; get it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected, held = math.prod(shape), len(content) - start
    if held != expected:
        raise FileError(
            f"{source} announces {' x '.join(map(str, shape))} = {expected} bytes of {what} and "
            f"holds {held}{' or more' * (held > expected)}; get it again."
        )
    if expected == 0:
        raise FileError(f"{source} holds no {what}; name a file that does.")
    # A copy, because an array on bytes is read-only, a type for which Numba would compile anew.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _mnist_array(data: bytes, name: str, source: object) -> NDArray[np.uint8]:
    content = _unpack(data, source)
    array = _parse(content, source, dimensions=3 if "images" in name else 1)
    found = hashlib.sha256(content).hexdigest()
    if found != MNIST_SHA256[name]:
        raise FileError(
            f"{source} is an IDX file but not MNIST's {name}: the SHA-256 of its unpacked content "
            f"is {found}, expected {MNIST_SHA256[name]}. Get the original with download_mnist, or "
            "read your own data with load_idx."
        )
    return array
