"""Figures of networks that settle: the course of their units, layer by layer, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_choice, check_integer
from spikesim.plot.spikes import mark_phases
from spikesim.plot.style import (
    BLUE,
    COLOURS,
    INK,
    RED,
    check_attributes,
    check_axes,
    new_figure,
    readable,
    styled,
    symbol_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["settling"]


def settling(
    recording: Any,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    variable: str | None = None,
    most: int = 30,
) -> list[Axes]:
    """Draw how the units of each layer settle in a trial, the output on top.

    Dashed lines mark the ends of phases. Of a layer with many units, some are drawn. In the output,
    the unit that answers is blue; if another unit is higher in the end, as the target says, that
    unit is red.

    Parameters
    ----------
    recording : LayerRecording
        From the `record` method of a model of rate units.
    axes : sequence of matplotlib.axes.Axes, optional
        One per layer above the input, the output first.
    variable : str, optional
        What is drawn; by default, the first of the variables that were recorded.
    most : int
        How many units of a hidden layer are drawn at most, evenly spaced.

    Returns
    -------
    list of matplotlib.axes.Axes
        One per layer above the input, the output first.

    Raises
    ------
    InputError
        If the recording is not one of a trial, or has no such variable.

    Examples
    --------
    >>> from spikesim.models.clamped import ClampedNetwork
    >>> net = ClampedNetwork((4, 3, 2), n_minus=8, n_plus=6, backend="python")
    >>> axes = settling(net.record([0.0, 0.5, 1.0, 0.5], label=1))
    >>> [ax.get_ylabel() for ax in axes]
    ['output\\n$h$', 'hidden 1\\n$h$']
    """
    check_attributes("recording", recording, "recording of a trial", ("variables", "phases", "t"))
    most = check_integer("most", most, at_least=1)
    name = recording.variables[0] if variable is None else variable
    check_choice("variable", name, list(recording.variables))
    values = {layer: each for layer, each in getattr(recording, name).items() if layer != "input"}
    names = list(values)[::-1]
    dt = float(recording.dt)
    step = np.asarray(recording.t) / dt + 1.0
    ends = [end / dt for end in recording.phases]
    with styled():
        if axes is None:
            figure = new_figure((5.0, 1.0 + 1.4 * len(names)))
            axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
        panels = check_axes(axes, len(names))
        for ax, layer in zip(panels, names, strict=True):
            rows = np.atleast_2d(values[layer])
            is_output = layer == names[0]
            which = np.arange(len(rows))
            if not is_output and len(rows) > most:
                which = np.linspace(0, len(rows) - 1, most).astype(int)
            for k in which:
                colour = INK if is_output else COLOURS[k % (len(COLOURS) - 2)]
                ax.plot(step, rows[k], color=colour, linewidth=0.8, alpha=0.7)
            if is_output:
                _mark_answer(ax, step, rows, recording.answer)
            mark_phases(ax, ends)
            ax.set_ylabel(f"{readable(layer)}\n{symbol_of(name)}")
            ax.set_xlim(step[0], max(step[-1], step[0] + 1.0))
        panels[-1].set_xlabel("Step")
        panels[0].figure.align_ylabels(panels)
    return panels


def _mark_answer(ax: Axes, step: np.ndarray, rows: np.ndarray, answer: int) -> None:
    """Draw the unit that answers in blue, and the one that is highest in the end in red."""
    highest = int(np.argmax(rows[:, -1]))
    if highest != answer:
        ax.plot(step, rows[highest], color=RED, linewidth=1.6)
    ax.plot(step, rows[answer], color=BLUE, linewidth=1.6)
