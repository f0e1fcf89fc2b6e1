"""A user's labelled images: NPZ, CSV, or a folder of IDX files like those of Fashion-MNIST.

    data = read_images("flowers.npz")
    net.fit(data.train_images, data.train_labels, epochs=10)

Nothing here unpickles or runs the contents of a file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from math import isqrt
from pathlib import Path

import numpy as np

from spikesim.checks import check_memory, show
from spikesim.dataset import Dataset
from spikesim.errors import FileError
from spikesim.idx import given_path, load_idx
from spikesim.io.files import read_bytes

__all__ = ["checksum", "read_images"]

MOST_CLASSES = 65_536
"""The most classes: larger labels would not be numbers of classes."""

_NAMES = {
    "images": ("images", "image", "x", "data"),
    "labels": ("labels", "label", "y", "targets", "target", "class"),
}
_IDX = re.compile(r"(?P<set>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx\d-ubyte")
_LAYOUTS = (
    "an .npz file with the arrays images and labels, or train_images, train_labels, test_images "
    "and test_labels; a .csv file with a column 'label'; or a folder of IDX files"
)


def read_images(path: str | os.PathLike[str]) -> Dataset:
    """Return the labelled images of a file or a folder.

    Parameters
    ----------
    path : path
        One of

        - an NPZ file with the arrays ``images``, of shape (n, pixels) or (n, rows, columns), and
          ``labels``, or with ``train_images``, ``train_labels``, ``test_images`` and
          ``test_labels``. ``X`` and ``y`` are names for the same;
        - a CSV file with column names in its first line. The column ``label`` has the labels; the
          others are pixels, row after row;
        - a folder with the four IDX files of a dataset in the layout of MNIST, such as
          Fashion-MNIST. EMNIST has several datasets in a folder: name one of them as
          FOLDER/emnist-letters.

        Pixels are whole numbers from 0 to 255, or real numbers from 0 to 1. Labels are whole
        numbers from 0.

    Returns
    -------
    Dataset
        If the file does not say which images are for tests, every fifth image of each class is.
        Images whose number of pixels is a square number are read as squares, and others as a single
        row.

    Raises
    ------
    FileError
        If the file is missing, damaged, or none of these.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     images, labels = np.eye(9).reshape(9, 3, 3), np.arange(9) % 3
    ...     np.savez(f"{folder}/bars.npz", images=images, labels=labels)
    ...     bars = read_images(f"{folder}/bars.npz")
    >>> bars.train_images.shape, bars.test_labels.tolist(), bars.image_shape, bars.n_classes
    ((6, 9), [0, 1, 2], (3, 3), 3)
    """
    place = given_path("path", path)
    if place.is_dir() or (not place.exists() and place.parent.is_dir() and not place.suffix):
        return _from_idx(place)
    if place.suffix.lower() == ".npz":
        arrays = _arrays(place)
    elif place.suffix.lower() == ".csv":
        arrays = _columns(place)
    else:
        raise FileError(f"{place} is no dataset; it has to be {_LAYOUTS}.")
    return _dataset(place, arrays)


def checksum(data: Dataset) -> str:
    """A text that is the same for two datasets if they hold the same images and labels.

    Examples
    --------
    >>> from spikesim.datasets import load_digits
    >>> checksum(load_digits()) == checksum(load_digits())
    True
    """
    digest = hashlib.sha256()
    for array in data[1:5]:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _from_idx(place: Path) -> Dataset:
    """The dataset of a folder, or that whose file names begin with the last part of the path."""
    folder, begins = (place, "") if place.is_dir() else (place.parent, place.name)
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        match = _IDX.match(file.name)
        if match and file.name.startswith(begins):
            part = "train" if match["part"] == "train" else "test"
            found.setdefault(match["set"], {})[f"{part}_{match['what']}"] = file
    if not found:
        raise FileError(f"{place} is no dataset; it has to be {_LAYOUTS}.")
    if len(found) > 1:
        names = ", ".join(str(folder / name.rstrip("-")) for name in found)
        raise FileError(f"{place} holds several datasets; name one of them: {names}.")
    (files,) = found.values()
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        if name not in files:
            raise FileError(f"{place} lacks the IDX file of {name.replace('_', ' ')}.")
    pairs = [(files[f"{part}_images"], files[f"{part}_labels"]) for part in ("train", "test")]
    parts = [load_idx(images, labels, n_classes=256) for images, labels in pairs]
    if parts[0][2] != parts[1][2]:
        raise FileError(
            f"{place} holds images of {parts[0][2]} to train and of {parts[1][2]} to test; they "
            "have to be of one shape."
        )
    given: dict[str, np.ndarray] = {
        "train_images": parts[0][0].reshape(-1, *parts[0][2]),
        "train_labels": parts[0][1],
        "test_images": parts[1][0].reshape(-1, *parts[1][2]),
        "test_labels": parts[1][1],
    }
    return _dataset(place, given)


def _arrays(place: Path) -> dict[str, np.ndarray]:
    content = io.BytesIO(read_bytes(place))
    try:
        with np.load(content, allow_pickle=False) as file:
            for info in file.zip.infolist():
                check_memory(f"{place}: {info.filename} has {info.file_size} bytes", info.file_size)
            held = {name.lower(): file[name] for name in file.files}
    except (ValueError, OSError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileError(f"{place} is no NPZ file that can be read ({error}).") from None
    except (NotImplementedError, RuntimeError, MemoryError) as error:
        raise FileError(f"{place} cannot be unpacked ({type(error).__name__}: {error}).") from None
    given = {}
    for part in ("", "train_", "test_"):
        for what, names in _NAMES.items():
            known = [held[part + name] for name in names if part + name in held]
            if known:
                given[part + what] = known[0]
    return given


def _columns(place: Path) -> dict[str, np.ndarray]:
    content = read_bytes(place)
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{place} is no CSV file that can be read ({error}).") from None
    names = [name.strip().lower() for name in rows[0]] if rows else []
    columns = [k for k, name in enumerate(names) if name in _NAMES["labels"]]
    if len(columns) != 1:
        raise FileError(
            f"{place} has the columns {show(names)}; its first line has to name them, one of them "
            "'label'."
        )
    for line, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise FileError(
                f"Row {line} of {place} has {len(row)} columns, and the first {len(names)}."
            )
    try:
        table = np.array(rows[1:], dtype=np.float64).reshape(-1, len(names))
    except ValueError as error:
        raise FileError(f"{place} holds what is no number ({error}).") from None
    pixels = np.delete(table, columns[0], axis=1)
    if pixels.size and (pixels == np.rint(pixels)).all() and pixels.max() > 1.0:
        pixels = _whole(place, "pixels", pixels)
    return {"images": pixels, "labels": table[:, columns[0]]}


def _dataset(place: Path, given: Mapping[str, np.ndarray]) -> Dataset:
    parts = ["train_", "test_"] if "train_images" in given else [""]
    for part in parts:
        for what in ("images", "labels"):
            if part + what not in given:
                raise FileError(f"{place} holds no {part}{what}; it has to be {_LAYOUTS}.")
    images = [_pixels(place, part + "images", given[part + "images"]) for part in parts]
    labels = [
        _classes(place, part + "labels", given[part + "labels"], len(each))
        for part, each in zip(parts, images, strict=True)
    ]
    shape = images[0].shape[1:]
    if images[-1].shape[1:] != shape or images[-1].dtype != images[0].dtype:
        raise FileError(
            f"{place} holds images of shape {shape} and {images[0].dtype} to train, of "
            f"{images[-1].shape[1:]} and {images[-1].dtype} to test; they have to be alike."
        )
    if len(parts) == 1:
        is_test = np.zeros(len(labels[0]), dtype=bool)
        order = np.argsort(labels[0], kind="stable")
        rank = np.arange(len(order)) - np.searchsorted(labels[0][order], labels[0][order])
        is_test[order[rank % 5 == 0]] = True
        images = [images[0][~is_test], images[0][is_test]]
        labels = [labels[0][~is_test], labels[0][is_test]]
    if not len(labels[0]):
        raise FileError(f"{place} holds no images to train; every fifth of a class is for tests.")
    if len(shape) == 1:
        side = isqrt(shape[0])
        shape = (side, side) if side * side == shape[0] else (1, shape[0])
    return Dataset(
        place.stem,
        images[0].reshape(len(images[0]), -1),
        labels[0],
        images[1].reshape(len(images[1]), -1),
        labels[1],
        image_shape=(shape[0], shape[1]),
        n_classes=1 + max(int(each.max()) for each in labels if len(each)),
    )


def _pixels(place: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "buif":
        raise FileError(
            f"{name} of {place} has shape {array.shape} and dtype {array.dtype}; it has to be "
            "numbers of shape (n, pixels) or (n, rows, columns)."
        )
    if array.dtype.kind != "f":
        return _whole(place, name, array)
    least, most = float(array.min()), float(array.max())
    if not (least >= 0.0 and most <= 1.0):
        raise FileError(
            f"{name} of {place} goes from {least:g} to {most:g}; real numbers have to be from 0 to "
            "1 (divide by the largest), whole ones from 0 to 255."
        )
    return array.astype(np.float64)


def _whole(place: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.min() < 0 or array.max() > 255:
        raise FileError(
            f"{name} of {place} goes from {array.min():g} to {array.max():g}; whole numbers have "
            "to be from 0 to 255, real ones from 0 to 1."
        )
    return array.astype(np.uint8)


def _classes(place: Path, name: str, array: np.ndarray, n: int) -> np.ndarray:
    if array.shape != (n,) or array.dtype.kind not in "uif":
        raise FileError(
            f"{name} of {place} has shape {array.shape} and dtype {array.dtype}; it has to be "
            f"whole numbers, one for each of {n} images."
        )
    if not ((array >= 0) & (array < MOST_CLASSES) & (array == np.rint(array))).all():
        raise FileError(
            f"{name} of {place} holds {array.min():g} to {array.max():g}; labels are whole numbers "
            f"from 0 to at most {MOST_CLASSES - 1}."
        )
    return array.astype(np.int64)
