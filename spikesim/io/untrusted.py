"""HDF5 files that may come from anywhere, read without trust.

Sizes are compared with the file before memory is allocated, and nothing outside the file is read.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from spikesim.checks import check_memory
from spikesim.errors import FileError

__all__ = [
    "check_size",
    "check_texts",
    "is_own",
    "own_member",
    "read_numbers",
    "reading",
    "text_attribute",
]

# The filters of HDF5 itself and of h5py. Others are shared libraries that a file can ask for.
_FILTERS = (
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
)
_GROWTH = 2_000  # bytes to which one stored byte may unpack; gzip reaches 1032
_GROWTH_OFFSET = 2**15  # the same for scale-offset: a chunk of equal numbers takes about 20 bytes
_STORED_FREE = 2**18  # bytes by which a chunk may be longer packed than unpacked
_GROWTH_FREE = 2**20  # bytes that are always allowed: the only chunk may be almost empty


@contextmanager
def reading(path: str | os.PathLike[str], otherwise: str) -> Iterator[None]:
    """Turn everything that a file of another layout runs into, into one sentence."""
    try:
        yield
    except (
        AttributeError,
        IndexError,
        KeyError,
        MemoryError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    ) as error:
        reason = " ".join(str(error).split()).rstrip(".")  # HDF5 likes to use several lines
        raise FileError(
            f"{os.fspath(path)} is damaged or {otherwise}: {reason}; check the path."
        ) from error


def is_own(group: h5py.Group, name: str) -> bool:
    """Whether a member is in the group itself: links may lead to other files, or in circles."""
    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def own_member(group: h5py.Group, name: str, kind: type) -> Any:
    """A group or a dataset of a group, which is in the group itself."""
    if not is_own(group, name):
        raise ValueError(f"{group.name} has no {name} of its own")
    member = group[name]
    if not isinstance(member, kind):
        raise ValueError(f"{member.name} is not a {kind.__name__.lower()}")
    return member


def read_numbers(dataset: h5py.Dataset, dtype: Any) -> np.ndarray:
    """Read a dataset, after comparing its size with that of the file."""
    if dataset.shape is None or dataset.dtype.kind not in "iuf":
        raise ValueError(f"{dataset.name} is of type {dataset.dtype}, not of numbers")
    check_size(dataset)
    values = dataset[()]
    with np.errstate(invalid="ignore", over="ignore"):  # the result is checked below
        numbers = values.astype(dtype, copy=False)
    if values.dtype.kind == "f" and numbers.dtype.kind == "i" and (numbers != values).any():
        raise ValueError(f"{dataset.name} holds fractions, not whole numbers")
    smaller = numbers.itemsize < values.itemsize
    if smaller and (np.isinf(numbers) & np.isfinite(values)).any():
        raise ValueError(f"{dataset.name} holds numbers beyond {numbers.dtype}")
    return numbers


def check_size(dataset: h5py.Dataset) -> None:
    """Refuse a dataset that would take more memory than its file can mean."""
    layout, stored = dataset.id.get_create_plist(), dataset.id.get_storage_size()
    if layout.get_external_count() or layout.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"the numbers of {dataset.name} are in another file")
    check_memory(f"{dataset.name} has shape {dataset.shape}", float(dataset.nbytes))
    if stored > dataset.file.id.get_filesize():
        raise ValueError(f"{dataset.name} claims to be larger than its file")
    if layout.get_layout() != h5py.h5d.CHUNKED:
        if stored != dataset.nbytes:
            raise ValueError(f"{dataset.name} has shape {dataset.shape} and {stored} bytes")
        return
    filters = {layout.get_filter(k)[0] for k in range(layout.get_nfilters())}
    if not filters <= set(_FILTERS):
        raise ValueError(f"{dataset.name} uses a filter that is not part of HDF5")
    chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
    check_memory(f"{dataset.name} has chunks of shape {dataset.chunks}", float(chunk))
    pairs = zip(dataset.shape, dataset.chunks, strict=True)
    read = float(chunk) * math.prod(-(-length // part) for length, part in pairs)
    growth = _GROWTH_OFFSET if h5py.h5z.FILTER_SCALEOFFSET in filters else _GROWTH
    if not filters - {h5py.h5z.FILTER_FLETCHER32}:
        growth = 1
    # A chunk that was never written takes no bytes in the file, one that is packed very well almost
    # none. HDF5 unpacks a chunk in full before it checks that it does not hold too much.
    if read > growth * stored + _GROWTH_FREE or stored > 2.0 * read + _STORED_FREE:
        raise ValueError(f"{dataset.name} would unpack {stored} bytes to {read:.0f}")


def text_attribute(item: h5py.Group | h5py.Dataset, name: str, otherwise: str | None = None) -> str:
    """An attribute that writers store as text, as bytes, or as an array of one."""
    if name not in item.attrs:
        if otherwise is None:
            raise ValueError(f"{item.name} has no {name}")
        return otherwise
    if item.attrs.get_id(name).dtype.kind == "O":
        check_texts(item.file)
    values = np.asarray(item.attrs[name]).reshape(-1)
    if values.size != 1:
        raise ValueError(f"{name} of {item.name} is not one text")
    value = values[0]
    return value.decode() if isinstance(value, bytes) else str(value)


def check_texts(file: h5py.File) -> None:
    """Refuse a file whose texts of any length cannot be read: HDF5 would try so for ever.

    Such texts are in heaps, anywhere in the file: a header, then pieces that give their size. HDF5
    steps from piece to piece and does not check that it gets ahead.
    """
    width = file.id.get_create_plist().get_sizes()[1]  # bytes of a size
    with open(file.filename, "rb") as raw:
        if not file.id.get_filesize():
            return
        with mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(_HEAP)
            while at >= 0:
                _check_heap(content, at, width)
                at = content.find(_HEAP, at + 1)


_HEAP = b"GCOL\x01\0\0\0"


def _check_heap(content: mmap.mmap, at: int, width: int) -> None:
    size = int.from_bytes(content[at + 8 : at + 8 + width], "little")
    end = min(at + size, len(content))
    piece = at + _aligned(8 + width)
    while piece + 8 + width <= end:
        number = int.from_bytes(content[piece : piece + 2], "little")
        length = int.from_bytes(content[piece + 8 : piece + 8 + width], "little")
        step = _aligned(8 + width) + _aligned(length) if number else length
        if not 0 < step <= end - piece:
            raise ValueError(f"its texts are damaged near byte {piece}")
        piece += step


def _aligned(size: int) -> int:
    """HDF5 begins everything in a heap at a multiple of 8 bytes."""
    return -(-size // 8) * 8
