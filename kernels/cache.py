"""Where compiled programs are kept between runs of Python.

Numba's cache knows a function by its file and name. A program's name carries a hash of all its
equations (see `spikesim.kernels.lowering`), so a changed equation is compiled afresh, and a changed
one that is changed back is found again. The folder is ``$NUMBA_CACHE_DIR`` or
``$XDG_CACHE_HOME/spikesim/kernels`` or ``~/.cache/spikesim/kernels``; ``SPIKESIM_CACHE=0`` turns
caching off, and so does a folder that cannot be written. Programs that look at their indices
(``NUMBA_BOUNDSCHECK=1``) are in a folder of their own there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba

__all__ = ["cached", "folder", "in_cache"]


def folder() -> Path | None:
    """The folder of the kernel cache, or None if caching is off."""
    if os.environ.get("SPIKESIM_CACHE") == "0":
        return None
    base = _base()
    return base / "checked" if base is not None and numba.config.BOUNDSCHECK else base


def _base() -> Path | None:
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        return None
    return home / "spikesim" / "kernels"


def cached(function: Callable, options: dict[str, Any]) -> Callable:
    """`function` compiled by Numba with `options`, through the kernel cache where there is one."""
    place = folder()
    if place is None or not _is_writable(place):
        return numba.njit(**options)(function)
    users_own = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(place)
    try:
        compiled = numba.njit(cache=True, **options)(function)
        _forgive(compiled._cache)
        return compiled
    except (RuntimeError, OSError):  # no room for it after all
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = users_own


def _forgive(cache: Any) -> None:
    """Make Numba compile afresh where it would raise over what lies in the cache.

    That is a damaged file, or one that names a user's module that has moved since; and a disk
    that is full when the result is to be kept. A file may also hold the program compiled for arrays
    of other types: two processes that begin with an empty cache at once choose the same name.
    """
    load, save = cache.load_overload, cache.save_overload

    def load_or_forget(signature: Any, *arguments: Any) -> Any:
        try:
            loaded = load(signature, *arguments)
            if loaded is not None and loaded.signature.args != getattr(
                signature, "args", signature
            ):
                raise TypeError(f"compiled for {loaded.signature}")
            return loaded
        except Exception:  # unpickling damaged bytes raises anything
            with suppress(Exception):
                cache.flush()  # or saving would read the same index
            return None

    def save_if_possible(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    cache.load_overload, cache.save_overload = load_or_forget, save_if_possible


def _is_writable(place: Path) -> bool:
    """Whether files can be made there; if not, Numba would quietly take another folder."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=place).close()
    except OSError:
        return False
    return True


def in_cache(function: Any) -> bool:
    """Whether a function from `cached` lies compiled on disk."""
    cache_file = getattr(getattr(function, "_cache", None), "_cache_file", None)
    return cache_file is not None and os.path.exists(cache_file._index_path)
