"""A figure of how targets come down a network, for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.errors import InputError
from spikesim.plot.style import (
    BESIDE,
    BLUE,
    RED,
    check_attributes,
    check_figure,
    new_figure,
    readable,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["targets"]


def targets(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw what inverses return, and where targets lead, for all units of all hidden layers.

    A perfect inverse returns the activities, and is on the dashed line of the first row. In the
    second row, the targets of a layer that follows the gradient are on a line, too.

    Parameters
    ----------
    recording : BatchRecording
        From ``net.record(image, label)`` of a model that learns from targets.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw.

    Returns
    -------
    list of matplotlib.axes.Axes
        For each hidden layer, what an inverse returns; then for each, where its target leads.

    Raises
    ------
    InputError
        If the recording is of a model without targets, or has no hidden layer.

    Examples
    --------
    >>> from spikesim.models.target_propagation import TargetPropagation
    >>> net = TargetPropagation((4, 3, 3, 2), seed=1)
    >>> len(targets(net.record(np.ones(4), label=0)))
    4
    """
    kind = "recording of a model that learns from targets"
    check_attributes("recording", recording, kind, ("layers", "h", "r", "T", "descent"))
    layers = recording.layers[1:-1]
    if not layers:
        raise InputError("recording has no hidden layer, and no target to draw.")
    with styled():
        if figure is None:
            figure = new_figure((0.8 + 1.9 * len(layers), 3.8))
        else:
            check_figure(figure)
        rows = figure.subplots(2, len(layers), squeeze=False)
        for k, layer in enumerate(layers):
            above, below = rows[:, k]
            h = np.asarray(recording.h[layer])
            above.set_title(readable(layer).capitalize())
            above.axline((0.0, 0.0), slope=1.0, color=BESIDE, linewidth=0.8, linestyle="--")
            if layer in recording.r:
                above.scatter(h, recording.r[layer], s=8, color=BLUE)
            else:
                above.text(0.5, 0.5, "no inverse", transform=above.transAxes, ha="center")
            above.set_xlim(-1.05, 1.05)
            above.set_ylim(-1.05, 1.05)
            above.set_xlabel("Activity $h$")
            below.scatter(recording.descent[layer], recording.T[layer] - h, s=8, color=RED)
            below.axhline(0.0, color=BESIDE, linewidth=0.8)
            below.axvline(0.0, color=BESIDE, linewidth=0.8)
            below.set_xlabel(r"$-\partial E / \partial h$")
            below.ticklabel_format(scilimits=(-2, 3))
        rows[0, 0].set_ylabel("Inverse of the layer above")
        rows[1, 0].set_ylabel("Target $T - h$")
    return [*rows[0], *rows[1]]
