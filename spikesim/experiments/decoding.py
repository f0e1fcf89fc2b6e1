"""What a receiver knows of what was sent: the nearest template, and information in bits."""

from __future__ import annotations

import numpy as np

__all__ = ["information", "nearest", "templates"]

_FAR = 1e3  # of every number of a template that was never heard


def templates(heard: np.ndarray, shown: np.ndarray, kinds: int) -> np.ndarray:
    """The mean of what is heard for each kind that is shown; far away if it never was.

    Parameters
    ----------
    heard : numpy.ndarray, shape (trials, ...)
    shown : numpy.ndarray of int, shape (trials,)
        From 0 to `kinds` - 1.

    Returns
    -------
    numpy.ndarray, shape (kinds, ...)

    Examples
    --------
    >>> templates(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 2]), 3).ravel().tolist()
    [2.0, 1000.0, 5.0]
    """
    means = np.full((kinds, *heard.shape[1:]), _FAR)
    for kind in np.unique(shown):
        means[kind] = heard[shown == kind].mean(axis=0)
    return means


def nearest(heard: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Which template is nearest to what is heard.

    Parameters
    ----------
    heard : numpy.ndarray, shape (trials, n)
    templates : numpy.ndarray, shape (kinds, n) or (trials, kinds, n)

    Returns
    -------
    numpy.ndarray of int, shape (trials,)

    Examples
    --------
    >>> nearest(np.array([[0.9], [0.2]]), np.array([[0.0], [1.0]])).tolist()
    [1, 0]
    """
    away = ((heard[:, None] - templates) ** 2).sum(axis=2)
    found: np.ndarray = away.argmin(axis=1)
    return found


def information(sent: np.ndarray, found: np.ndarray, kinds: int) -> float:
    """The mutual information of two series of numbers from 0 to `kinds` - 1, in bits.

    Examples
    --------
    >>> information(np.array([0, 1, 2, 3]), np.array([1, 0, 3, 2]), 4)
    2.0
    """
    joint = np.histogram2d(sent, found, [np.arange(kinds + 1)] * 2)[0] / sent.size
    apart = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
    there = joint > 0.0
    return float((joint[there] * np.log2(joint[there] / apart[there])).sum())
