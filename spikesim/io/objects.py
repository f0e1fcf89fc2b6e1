"""Files of JSON, read without trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spikesim.checks import show
from spikesim.errors import FileError
from spikesim.io.files import read_bytes

__all__ = ["as_object", "read_object"]

_MOST_BYTES = 1 << 26  # of a file; real ones have a few thousand


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Raises
    ------
    FileError
        If it cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileError(f"{path} is too large for a file of JSON; check the path.")
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        content = json.loads(read_bytes(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise FileError(f"{path} is not JSON: {reason}; check the path.") from None
    return as_object(path, "the file", content)


def as_object(path: Path, name: str, value: Any) -> dict[str, Any]:
    """A value of a file if it is an object, or an error that names the file and the entry.

    Raises
    ------
    FileError
        If it is anything else.
    """
    if not isinstance(value, dict):
        raise FileError(f"{path}: {name} is {show(value)}; it has to be an object, {{...}}.")
    return value
