"""Object code: kept on disk under a key, and loaded without a compiler.

Numba compiles one function, ``spikesim_KEY``, whose key is a hash of everything that went into it.
Machine code also depends on the processor and on the compiler, so each pair of them has its own
folder, below ``$NUMBA_CACHE_DIR/spikesim`` or ``$XDG_CACHE_HOME/spikesim/kernels`` or
``~/.cache/spikesim/kernels``. The cache is off if ``SPIKESIM_CACHE=0``, or if the folder cannot be
written to.

A file holds a checksum and the object code. It is written under another name and then renamed, so
that two processes may write the same file. A damaged file is compiled again. When the files take
more than `MOST_BYTES`, those that have not been used for longest are removed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm

__all__ = [
    "MOST_BYTES",
    "Contents",
    "addresses",
    "clear",
    "contents",
    "engine",
    "find",
    "folder",
    "keep",
    "load",
    "symbol",
    "tidy",
]

MOST_BYTES = 256 << 20
"""The most that the cache may take on disk."""

_FORMAT = b"spikesim object 1\n"
_DAY = 24 * 3600.0  # s
_ENDING = ".o"


def symbol(key: str) -> str:
    """The name of the function with this key in its object code."""
    return f"spikesim_{key}"


# ------------------------------------------------------------------------------------- on disk


def base() -> Path | None:
    """Where the folders of all processors and compilers are, or None if caching is off."""
    if os.environ.get("SPIKESIM_CACHE") == "0":
        return None
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"]) / "spikesim"
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    return home / "spikesim" / "kernels"


@functools.cache
def _processor() -> str:
    versions = [metadata.version(name) for name in ("numba", "llvmlite")]
    features = llvm.get_host_cpu_features().flatten()
    return "\n".join([*versions, sys.version[:6], llvm.get_host_cpu_name(), features])


def folder() -> Path | None:
    """The folder for this processor, this compiler and its options, or None if caching is off."""
    place = base()
    if place is None:
        return None
    return place / hashlib.sha256(f"{_processor()}\n{_options()}".encode()).hexdigest()[:16]


def _options() -> str:
    """Numba's environment variables, except a few that do not change its code."""
    ours = (f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_"))
    return "\n".join(sorted(x for x in ours if not x.startswith(_NO_OPTIONS)))


_NO_OPTIONS = ("NUMBA_CACHE", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER")


def find(key: str) -> bytes | None:
    """The object code with this key, or None if it is not on disk or is damaged."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}{_ENDING}"
    try:
        with path.open("rb") as file:
            head, checksum = file.read(len(_FORMAT)), file.read(32)
            code = file.read()
            if time.time() - os.fstat(file.fileno()).st_mtime > _DAY:
                with suppress(OSError):
                    os.utime(path)
    except OSError:
        return None
    if head != _FORMAT or hashlib.sha256(code).digest() != checksum:
        return None
    return code


def keep(key: str, code: bytes) -> None:
    """Write object code to disk, if there is room for it."""
    place = folder()
    if place is None:
        return
    unfinished = None
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, suffix=".part", delete=False) as file:
            unfinished = file.name
            file.write(_FORMAT + hashlib.sha256(code).digest() + code)
        os.replace(unfinished, place / f"{key}{_ENDING}")
        unfinished = None
        _tidy_once(str(place.parent))
    except OSError:
        pass
    finally:
        if unfinished is not None:
            with suppress(OSError):
                os.unlink(unfinished)


@functools.cache
def _tidy_once(place: str) -> None:
    tidy(Path(place), MOST_BYTES)


def tidy(place: Path, most: int) -> None:
    """Remove files, those unused for longest first, until the rest takes at most `most` bytes."""
    files = sorted(_files(place), key=lambda file: -file.used)
    total = 0
    for file in files:
        total += file.size
        if total > most or (file.path.suffix == ".part" and time.time() - file.used > _DAY):
            with suppress(OSError):
                file.path.unlink()


class _File(NamedTuple):
    path: Path
    size: int
    used: float


def _files(place: Path) -> Iterator[_File]:
    for path in place.glob("*/*"):
        with suppress(OSError):
            about = path.stat()
            if path.is_file():
                yield _File(path, about.st_size, about.st_mtime)


class Contents(NamedTuple):
    """Where the cache is, how many functions it holds, and their bytes."""

    place: Path | None
    functions: int
    bytes: int


def contents() -> Contents:
    """What the cache holds, for all processors and compilers."""
    place = base()
    files = [] if place is None else list(_files(place))
    return Contents(place, len(files), sum(file.size for file in files))


def clear() -> Contents:
    """Empty the cache; return what it held."""
    before = contents()
    if before.place is not None:
        for place in before.place.glob("*"):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
    return before


# ----------------------------------------------------------------------------------- in memory

_lock = threading.Lock()
addresses: dict[str, int] = {}
"""The functions in memory, by their keys."""


@functools.cache
def engine() -> Any:
    """LLVM's engine, which makes object code executable."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def load(key: str, code: bytes | None = None) -> int | None:
    """The address of the function with this key.

    Its object code is `code` or else the file on disk; the address is None if there is neither.
    Once loaded, a function stays at its address.
    """
    with _lock:
        if key not in addresses:
            code = find(key) if code is None else code
            if code is None:
                return None
            engine().add_object_file(llvm.ObjectFileRef.from_data(code))
            engine().finalize_object()
            addresses[key] = engine().get_function_address(symbol(key))
        return addresses[key]
