"""Persistent particles: each example of the training data has a state, from which it goes on.

``PER_EXAMPLE = {"start": "particles"}`` of a model names two arrays of layers. Those of the first
name have a row for each trial of a call, shape (block(), ...). It holds the state from which the
trial starts; the step of the model leaves the new state there. Those of the second name have a row
for each example, whatever the order, and are saved with the network. They begin with shape (0, ...)
and grow with the data. A layer without the second array, and every trial that is not training,
starts from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spikesim.learning.layers import Layer

__all__ = ["keep", "kept_by", "make_room", "start"]


def kept_by(net: Any) -> Iterator[tuple[Layer, str]]:
    """The layers of a simulation that keep states of examples, and the names of those arrays."""
    for layer in net.layers:
        for name in net.model.PER_EXAMPLE.values():
            if name in layer.arrays:
                yield layer, name


def make_room(layer: Layer, name: str, examples: int) -> None:
    """Append rows of zeros, for so many examples in all."""
    rows = layer.arrays[name]
    if examples > len(rows):
        zeros = np.zeros((examples - len(rows), *rows.shape[1:]), rows.dtype)
        layer.arrays[name] = np.concatenate([rows, zeros])


def start(net: Any, example: np.ndarray) -> None:
    """Let a trial for each of some examples start from its last state, or from 0."""
    for layer in net.layers:
        for rows, name in net.model.PER_EXAMPLE.items():
            if rows in layer.arrays:
                layer.arrays[rows][: len(example)] = 0.0
                if net.applies and name in layer.arrays:
                    make_room(layer, name, len(net.shared.arrays["image"]))
                    layer.arrays[rows][: len(example)] = layer.arrays[name][example]


def keep(net: Any, example: np.ndarray) -> None:
    """Keep the state that a trial for each of some examples left."""
    for layer in net.layers if net.applies else ():
        for rows, name in net.model.PER_EXAMPLE.items():
            if name in layer.arrays:
                layer.arrays[name][example] = layer.arrays[rows][: len(example)]
