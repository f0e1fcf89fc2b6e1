"""A dataset: labelled images, some for training and some for tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset"]


class Dataset(NamedTuple):
    """Labelled images, with a fixed split into a training and a test part.

    Attributes
    ----------
    name : str
    train_images : ndarray, shape (n_train, rows * columns)
        Pixels row after row: uint8 from 0 (background) to 255 (ink), 255 times the intensity; or,
        in a user's data, real numbers from 0 to 1.
    train_labels : ndarray of int64, shape (n_train,)
        From 0 to n_classes - 1.
    test_images : ndarray, shape (n_test, rows * columns)
    test_labels : ndarray of int64, shape (n_test,)
    image_shape : tuple of int
        (rows, columns), to show an image: ``train_images[0].reshape(image_shape)``.
    n_classes : int

    Examples
    --------
    >>> from spikesim.datasets import load_digits
    >>> digits = load_digits()
    >>> digits.train_images[0].reshape(digits.image_shape).shape
    (8, 8)
    """

    name: str
    train_images: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_images: NDArray[Any]
    test_labels: NDArray[np.int64]
    image_shape: tuple[int, int]
    n_classes: int
