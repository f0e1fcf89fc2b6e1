"""Rows that a recording gathers in parts and that are read as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.attributes import read_only

__all__ = ["Rows"]


class Rows:
    """Rows that come in parts and are read as one array.

    However often they are read in between, each row is copied at most a few times.
    """

    def __init__(self, width: tuple[int, ...], dtype: Any):
        self._room = np.zeros((0, *width), dtype)
        self._joined = 0  # rows that are in the room
        self._parts: list[np.ndarray] = []  # those that are not
        self.size = 0

    def append(self, rows: np.ndarray) -> None:
        """Add rows, which no one else may hold."""
        if len(rows):
            self._parts.append(rows)
            self.size += len(rows)

    def read(self) -> np.ndarray:
        """All rows, for callers that do not write to them: others may hold the same array."""
        if self.size > len(self._room):
            # The first read leaves no spare room, as most rows are read once, after the last run.
            room = np.empty(
                (max(self.size, 2 * self._joined), *self._room.shape[1:]), self._room.dtype
            )
            room[: self._joined] = self._room[: self._joined]
            self._room = room
        for part in self._parts:
            self._room[self._joined : self._joined + len(part)] = part
            self._joined += len(part)
        self._parts = []
        return read_only(self._room[: self.size])

    def cut(self, size: int) -> None:
        """Forget all but the first `size` rows; callers that have read the others keep them."""
        if size < self.size:
            self._room = self.read()[:size].copy()
            self._joined = self.size = size

    def __getstate__(self) -> dict[str, Any]:
        return {"_room": self.read().copy(), "_joined": self.size, "_parts": [], "size": self.size}
