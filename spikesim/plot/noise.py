"""A figure of what noise on units does to a network and to its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.plot.style import (
    BESIDE,
    BLUE,
    INK,
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

__all__ = ["noise"]


def noise(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw the noise of all units, how it changes their activities, and how it changes the loss.

    Parameters
    ----------
    recording : LayerRecording
        From ``net.record(image, label)`` of a model that learns from noise.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw.

    Returns
    -------
    list of matplotlib.axes.Axes
        The noise of each layer, the changes of each layer, and the losses.

    Raises
    ------
    InputError
        If the recording is of a model without noise.

    Examples
    --------
    >>> from spikesim.models.perturbation import Perturbation
    >>> net = Perturbation((4, 3, 2), seed=1, backend="python")
    >>> len(noise(net.record(np.ones(4), label=0)))
    5
    """
    from matplotlib.ticker import MaxNLocator

    kind = "recording of a model that learns from noise"
    check_attributes("recording", recording, kind, ("layers", "h", "h_plus", "x", "losses"))
    layers = recording.layers[1:]
    with styled():
        if figure is None:
            figure = new_figure((1.6 + 2.2 * len(layers), 3.2))
        else:
            check_figure(figure)
        grid = figure.add_gridspec(2, len(layers) + 1, width_ratios=[2.2] * len(layers) + [1.1])
        axes: list[list[Axes]] = [[], []]
        for k, layer in enumerate(layers):
            change = recording.h_plus[layer][:, -1] - recording.h[layer][:, -1]
            for row, values in enumerate((recording.x[layer][:, -1], change)):
                ax = figure.add_subplot(grid[row, k])
                ax.vlines(np.arange(len(values)), 0.0, values, color=(BESIDE, BLUE)[row])
                ax.margins(x=0.5 / len(values))
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
                ax.axhline(0.0, color=INK, linewidth=0.8)
                axes[row].append(ax)
            axes[0][k].set_title(readable(layer).capitalize())
            axes[0][k].tick_params(labelbottom=False)
            axes[1][k].set_xlabel("Unit")
            axes[1][k].ticklabel_format(axis="y", scilimits=(-2, 3))
        axes[0][0].set_ylabel("Noise (σ)")
        axes[1][0].set_ylabel("Change of activity")
        losses = np.asarray(recording.losses[layers[-1]], float)
        ax = figure.add_subplot(grid[:, -1])
        ax.plot((0, 1), losses, color=INK, linewidth=0.8, zorder=1)
        ax.scatter((0, 1), losses, color=(BESIDE, RED), zorder=2)
        ax.set_xticks((0, 1), ("without\nnoise", "with"))
        ax.set_xlim(-0.5, 1.5)
        ax.margins(y=0.3)
        ax.ticklabel_format(axis="y", useOffset=False)
        ax.set_title(f"Loss {losses[1] - losses[0]:+.2g}")
    return [*axes[0], *axes[1], ax]
