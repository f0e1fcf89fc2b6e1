"""The figure of an experiment as a list of panels: lines over x, beside what they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panel", "draw"]

_ROWS = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2)}  # rows and columns
_SIZES = {1: (5.0, 3.2), 2: (7.2, 2.8), 3: (9.6, 2.8), 4: (7.2, 5.0)}
_POINT = 3.0


class Panel(NamedTuple):
    """Lines over x.

    Attributes
    ----------
    xlabel, ylabel : str
    x : numpy.ndarray, shape (values,)
    lines : mapping of str to numpy.ndarray, shape (values,) or (seeds, values)
        By name. Several seeds are a mean, in a band of one standard deviation. What is not finite,
        or above `top`, leaves a gap.
    beside : mapping of str to numpy.ndarray, shape (values,)
        What the lines should be: grey and thick, beneath them.
    at_x, at_y : sequence of float
        Where there is a dashed line.
    xscale, yscale : {'linear', 'log'}
        Few points on a logarithmic x axis are marked on it.
    top : float, optional
        Where the y axis ends.
    marks : str
        The marker of matplotlib that stands for each value, in the place of lines.
    title : str

    Examples
    --------
    >>> x = np.arange(3.0)
    >>> panel = Panel("time (ms)", "rate (Hz)", x, {"ours": x}, beside={"theirs": x + 0.1})
    >>> panel.ylabel
    'rate (Hz)'
    """

    xlabel: str
    ylabel: str
    x: np.ndarray
    lines: Mapping[str, np.ndarray]
    beside: Mapping[str, np.ndarray] = {}
    at_x: Sequence[float] = ()
    at_y: Sequence[float] = ()
    xscale: str = "linear"
    yscale: str = "linear"
    top: float | None = None
    marks: str = ""
    title: str = ""


def draw(panels: Sequence[Panel]) -> Figure:
    """A figure of one to three panels in a row, or of four in two rows.

    Examples
    --------
    >>> panel = Panel("Time (s)", "Slip", np.arange(3.0), {"learned": np.array([1.0, 0.5, 0.2])})
    >>> figure = draw([panel])
    >>> figure.axes[0].get_ylabel()
    'Slip'
    """
    with style.styled():
        figure = style.new_figure(_SIZES[len(panels)])
        for place, panel in enumerate(panels, 1):
            _draw(figure.add_subplot(*_ROWS[len(panels)], place), panel)
    return figure


def _draw(ax: Axes, panel: Panel) -> None:
    few, top = panel.x.size <= style.FEW, np.inf if panel.top is None else panel.top
    for name, y in panel.beside.items():
        ax.plot(panel.x, y, color=style.BESIDE, linewidth=3.0, label=name)
    look: dict[str, Any] = {"marker": "o" if few else "", "markersize": _POINT}
    if panel.marks:
        look = {"marker": panel.marks, "markersize": _POINT, "linestyle": "", "mew": 0.4}
    for (name, y), colour in zip(panel.lines.items(), style.COLOURS, strict=False):
        y = np.atleast_2d(np.where(np.isfinite(y) & (y <= top), y, np.nan))
        style.mean_and_spread(ax, panel.x, y, colour, label=name, **look)
    for at in panel.at_x:
        ax.axvline(at, **style.GUIDE)
    for at in panel.at_y:
        ax.axhline(at, **style.GUIDE)
    ax.set(xlabel=panel.xlabel, ylabel=panel.ylabel, title=panel.title)
    ax.set(xscale=panel.xscale, yscale=panel.yscale)
    if few and panel.xscale == "log":
        ax.set_xticks(panel.x, [f"{x:g}" for x in panel.x], minor=False)
        ax.minorticks_off()
    if panel.top is not None:
        ax.set_ylim(top=top)
    if len(panel.lines) + len(panel.beside) > 1:
        ax.legend()
