"""Which classes a model confuses with which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_array
from spikesim.errors import InputError
from spikesim.plot.style import given_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion"]

_FEW = 12  # the most classes for which every number is written


def confusion(counts: Any, ax: Axes | None = None) -> Axes:
    """Draw how often examples of each class got each answer, in percent of the class.

    Parameters
    ----------
    counts : array_like of int, shape (classes, classes)
        Rows are classes, columns answers, as ``net.confusion(images, labels)`` returns.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the counts are not a square array of numbers of at least 0.

    Examples
    --------
    >>> confusion([[8, 2], [1, 9]]).get_xlabel()
    'Answer'
    """
    counts = check_array("counts", counts, shape=(None, None), at_least=0.0)
    classes = len(counts)
    if counts.shape != (classes, classes) or not classes:
        raise InputError(
            f"counts has shape {counts.shape}; it has to be square, (classes, classes)."
        )
    total = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    share = 100.0 * np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    with styled():
        side = max(2.6, min(0.32 * classes + 1.0, 6.0))
        ax = given_axes(ax, (side + 0.8, side))
        image = ax.imshow(share, cmap="Blues", vmin=0.0, vmax=100.0)
        ax.figure.colorbar(image, ax=ax, label="Share of the class (%)", fraction=0.046, pad=0.04)
        if classes <= _FEW:
            ax.set_xticks(range(classes))
            ax.set_yticks(range(classes))
            for (row, column), percent in np.ndenumerate(share):
                if counts[row, column]:
                    ax.text(
                        column,
                        row,
                        f"{percent:.0f}" if percent >= 1.0 else "<1",
                        ha="center",
                        va="center",
                        fontsize=6,
                        color="white" if percent > 50.0 else "black",
                    )
        ax.set_xlabel("Answer")
        ax.set_ylabel("Class")
    return ax
