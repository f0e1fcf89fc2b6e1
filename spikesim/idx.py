"""IDX, the file format of MNIST: arrays of bytes behind a header, with or without gzip."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikesim.checks import check_integer, check_memory, check_path
from spikesim.errors import FileError, InputError
from spikesim.io.files import read_bytes

__all__ = ["expanded", "given_path", "load_idx", "parsed", "unpacked"]

_PIECE = 1 << 20  # bytes to unpack at a time


def load_idx(
    images_path: str | os.PathLike[str],
    labels_path: str | os.PathLike[str],
    n_classes: int = 10,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[int, int]]:
    """Return the images and labels of two IDX files, with or without gzip.

    Parameters
    ----------
    images_path, labels_path : path
        Unsigned bytes, as in MNIST: images in three dimensions, labels in one.
    n_classes : int
        The number of classes; labels have to be below it.

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
        A file is missing, damaged or not such an IDX file, or the two do not belong together.

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
    images_path = given_path("images_path", images_path)
    labels_path = given_path("labels_path", labels_path)
    n_classes = check_integer("n_classes", n_classes, at_least=1, at_most=256)
    images = parsed(unpacked(read_bytes(images_path), images_path), images_path, dimensions=3)
    labels = parsed(unpacked(read_bytes(labels_path), labels_path), labels_path, dimensions=1)
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


def given_path(name: str, value: str | os.PathLike[str]) -> Path:
    """A path in which ~ is replaced by the home directory."""
    return expanded(name, check_path(name, value))


def expanded(name: str, path: Path) -> Path:
    """The same for a value that is a path already."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise InputError(f"{name} is {path}; no user has that home, so write it out.") from None


def unpacked(data: bytes, source: object) -> bytes:
    """The contents of a file, whether gzip packed it or not."""
    # The content decides, not the name: browsers may unpack .gz files without renaming them.
    if not data.startswith(b"\x1f\x8b"):
        return data
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            # A small file may unpack to more than fits into memory, so no more than it announces
            # is unpacked.
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
    """How many bytes the header of an IDX file announces; a piece if there is no header.

    Refuses more than fits into memory.
    """
    if content[:2] != b"\0\0" or len(content) < 4 or len(content) < (start := 4 + 4 * content[3]):
        return _PIECE - 1
    size = start + math.prod(struct.unpack(f">{content[3]}I", content[4:start]))
    check_memory(f"{source} announces {size} bytes", size)
    return size


def parsed(content: bytes, source: object, dimensions: int) -> NDArray[np.uint8]:
    """The array of an IDX file: images in three dimensions, labels in one."""
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
    # A copy: an array over bytes is read-only, a different type that Numba would compile again.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
