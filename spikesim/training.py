"""What models that learn share: weights per layer, histories, and random numbers for a purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikesim.errors import check_array

__all__ = ["LayerArrays", "history_arrays", "history_lists", "random_numbers"]


class LayerArrays(Sequence):
    """The arrays of all layers; setting one copies the values in, after checking them.

    Examples
    --------
    >>> W = LayerArrays("W", [np.zeros((2, 3)), np.zeros((3, 1))])
    >>> W[0] = np.ones((2, 3))
    >>> W
    <W: (2, 3), (3, 1)>
    """

    def __init__(self, name: str, arrays: list[np.ndarray]):
        self._name = name
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, m):  # type: ignore[no-untyped-def]
        return self._arrays[m]

    def __setitem__(self, m: int, values: Any) -> None:
        own = self._arrays[m]
        own[...] = check_array(f"{self._name}[{m}]", values, shape=own.shape, dtype=own.dtype)

    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(str(a.shape) for a in self._arrays)}>"


def history_arrays(history: Mapping[str, list[Any]]) -> dict[str, np.ndarray]:
    """A history as arrays, for a file; NaN where there is no value."""
    return {
        key: np.array([np.nan if v is None else v for v in values], np.float64)
        for key, values in history.items()
    }


def history_lists(saved: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """What `history_arrays` made, as lists again; None where there was no value."""
    return {
        key: [list(row) for row in values]
        if values.ndim > 1
        else [None if np.isnan(v) else float(v) for v in values]
        for key, values in saved.items()
    }


def random_numbers(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, the same whenever they are asked for."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))
