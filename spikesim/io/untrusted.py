"""HDF5 files of other programs: sizes are checked before memory is allocated.

A file may come from anywhere and has no checksums of ours. Nothing outside the file is read.
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

__all__ = ["check_heaps", "check_size", "is_own", "member_of", "read_numbers", "reading"]

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
_HEAP = b"GCOL\x01\0\0\0"  # how a heap begins; its size in 8 bytes follows
_HEADER = 16  # bytes before the objects of a heap, and before each object
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


def check_heaps(path: str | os.PathLike[str]) -> None:
    """Refuse heaps of HDF5, in which texts and lists of arrays lie, that would never end.

    HDF5 walks from object to object by their sizes, which have no checksums; with a damaged size
    it may go round for ever.

    Raises
    ------
    ValueError
        If the objects of a heap do not fill it exactly.
    """
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(_HEAP)
            while at >= 0:
                _check_heap(content, at)
                at = content.find(_HEAP, at + 1)


def _check_heap(content: mmap.mmap, at: int) -> None:
    size = int.from_bytes(content[at + 8 : at + 16], "little")
    end, place = at + size, at + _HEADER
    if end > len(content):
        raise ValueError(f"the heap at byte {at} claims to be larger than its file")
    while place + _HEADER <= end:
        number = int.from_bytes(content[place : place + 2], "little")
        length = int.from_bytes(content[place + 8 : place + _HEADER], "little")
        step = length if number == 0 else _HEADER + -(-length // 8) * 8  # 0 is what is free
        if not _HEADER <= step <= end - place:
            raise ValueError(f"the heap at byte {at} has an object of {length} bytes")
        place += step


def is_own(group: h5py.Group, name: str) -> bool:
    """Whether a member is in the group itself: links may lead to other files, or in circles."""
    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def member_of(group: h5py.Group, name: str, kind: type) -> Any:
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
