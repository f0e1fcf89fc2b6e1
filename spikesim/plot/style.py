"""The look of all figures: sizes of letters, colours, axes; and checks of their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikesim.checks import check_array, check_number, show
from spikesim.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = [
    "BESIDE",
    "BLUE",
    "COLOURS",
    "FEW",
    "GREEN",
    "GUIDE",
    "INK",
    "PALE",
    "RED",
    "axes_beneath",
    "check_attributes",
    "check_axes",
    "check_colour",
    "check_figure",
    "check_series",
    "check_text",
    "check_times",
    "check_titles",
    "check_window",
    "extent_of",
    "given_axes",
    "label_time",
    "labelled",
    "legend_above",
    "mean_and_spread",
    "new_figure",
    "next_colour",
    "readable",
    "show_zero",
    "styled",
    "symbol_of",
    "whole_epochs",
]


# The colours of Wong (2011), which colour-blind people can tell apart; grey instead of yellow.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C8C8C",
)
BLUE, RED, GREEN = COLOURS[:3]
INK, PALE = "#222222", "#E9E9E9"
BESIDE = "#6E6E6E"  # for a reference with which a result is compared
GUIDE: dict[str, Any] = {"color": "#777777", "linewidth": 0.8, "linestyle": (0, (4, 3))}
FEW = 20  # a learning curve of at most so many epochs shows its points


@contextmanager
def styled() -> Iterator[None]:
    """Apply the look of these figures; the user's settings are restored afterwards."""
    import matplotlib

    with matplotlib.rc_context(
        {
            "font.size": 9.0,
            "axes.labelsize": 9.0,
            "axes.titlesize": 9.0,
            "figure.labelsize": 9.0,
            "xtick.labelsize": 8.0,
            "ytick.labelsize": 8.0,
            "legend.fontsize": 8.0,
            "legend.frameon": False,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "lines.linewidth": 1.3,
            "lines.solid_capstyle": "round",
            "figure.dpi": 120.0,
        }
    ):
        yield


def new_figure(size: tuple[float, float]) -> Figure:
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained")


def given_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The given Axes without frame, or those of a new figure."""
    if ax is None:
        return new_figure(size).subplots()
    return check_axes([ax], 1, name="ax")[0]


def label_time(ax: Axes) -> None:
    """Say that x is the time, unless Axes below have the same x axis."""
    place = ax.get_subplotspec()
    shares = len(ax.get_shared_x_axes().get_siblings(ax)) > 1
    if place is None or not shares or place.is_last_row():
        ax.set_xlabel("Time (ms)")


def labelled(ax: Axes, x: str, y: str) -> Figure:
    """Name both axes, remove the frame, explain the lines above; returns the figure."""
    ax.set(xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0, ncols=2, frameon=False
    )
    return cast("Figure", ax.get_figure())


def next_colour(ax: Axes) -> str:
    """The first colour that no line on `ax` has yet."""
    from matplotlib.colors import to_hex

    used = {to_hex(line.get_color()).upper() for line in ax.lines}
    free = [colour for colour in COLOURS if colour not in used]
    return free[0] if free else COLOURS[len(ax.lines) % len(COLOURS)]


def legend_above(
    ax: Axes,
    handles: Sequence[Line2D] | None = None,
    handlelength: float = 1.5,
    bottom: float = 1.0,
) -> None:
    """A legend in one line above the data, where it hides nothing; by default of all lines."""
    handles = list(ax.lines) if handles is None else handles
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, bottom),
        borderaxespad=0.0,
        ncols=len(handles),
        handlelength=handlelength,
    )


def axes_beneath(ax: Axes) -> Axes:
    """A twin with its own scale on the right, whose lines are drawn beneath those of `ax`."""
    twin = ax.twinx()
    twin.spines["right"].set(visible=True, color=BESIDE)
    twin.tick_params(axis="y", colors=BESIDE)
    ax.set_zorder(twin.get_zorder() + 1)
    ax.patch.set_visible(False)
    return twin


def show_zero(ax: Axes) -> None:
    """Begin the axis of values at 0, or mark 0 if a line goes below."""
    if min(np.nanmin(line.get_ydata(), initial=0.0) for line in ax.lines) < 0.0:
        ax.axhline(0.0, **GUIDE, zorder=1)
    else:
        ax.set_ylim(bottom=0.0, auto=None)


def whole_epochs(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def readable(name: str) -> str:
    return name.replace("_", " ")


def symbol_of(name: str) -> str:
    """A name such as 'V_B' as a letter with an index; longer names do not change."""
    letter, _, index = name.partition("_")
    if len(letter) > 1 or not (index.isalnum() or name == letter):
        return name
    return rf"${letter}_\mathrm{{{index}}}$" if index else f"${letter}$"


def extent_of(times: np.ndarray) -> tuple[float, float]:
    """The beginning of the first bin, and the end of the last."""
    half = 0.5 * (times[-1] - times[0]) / (times.size - 1)
    return float(times[0] - half), float(times[-1] + half)


def mean_and_spread(ax: Axes, x: np.ndarray, rows: np.ndarray, colour: str, **line: Any) -> None:
    """Draw the mean over seeds, one per row, in a band of one standard deviation to either side."""
    mean = rows.mean(axis=0)
    ax.plot(x, mean, color=colour, **line)
    if len(rows) > 1:
        sd = rows.std(axis=0, ddof=1)
        ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.2, linewidth=0)


def check_axes(axes: Any, n: int, *, at_least: bool = False, name: str = "axes") -> list[Axes]:
    from matplotlib.axes import Axes

    try:
        given: list[Axes] = list(np.ravel(axes))
    except Exception:  # the conversion of a foreign object may raise anything
        raise InputError(f"{name} is {show(axes)}; it has to be Axes of matplotlib.") from None
    for ax in given:
        if not isinstance(ax, Axes):
            kind = type(ax).__name__
            raise InputError(f"{name} is or holds a {kind}; it has to be Axes of matplotlib.")
        ax.spines[["top", "right"]].set_visible(False)
    if len(given) < n or (len(given) > n and not at_least):
        wanted = f"at least {n}" if at_least else f"{n}"
        raise InputError(f"{name} holds {len(given)} Axes; it has to hold {wanted}.")
    return given


def check_text(name: str, text: Any) -> None:
    if not isinstance(text, (str, type(None))):
        raise InputError(f"{name} is {show(text)}; it has to be a text.")


def check_titles(name: str, titles: Any, count: int) -> None:
    """Check that there is one text for each."""
    if titles is None:
        return
    if not isinstance(titles, (list, tuple)) or len(titles) != count:
        raise InputError(f"{name} is {show(titles)}; there has to be one for each of {count}.")
    for k, title in enumerate(titles):
        check_text(f"{name}[{k}]", title if title is not None else 0)


def check_colour(color: Any) -> None:
    from matplotlib.colors import is_color_like

    if color is not None and not is_color_like(color):
        raise InputError(f"color is {show(color)}; it has to be a colour, such as 'red'.")


def check_figure(figure: Any) -> None:
    from matplotlib.figure import Figure, SubFigure

    if figure is not None and not isinstance(figure, (Figure, SubFigure)):
        raise InputError(f"figure is {show(figure)}; it has to be a Figure of matplotlib.")


def check_times(time: Any) -> np.ndarray:
    time = check_array("time", time, shape=(None,), dtype=np.float64)
    if time.size < 2 or (np.diff(time) <= 0.0).any():
        raise InputError("time has to hold at least two times, in ascending order.")
    return time


def check_series(name: str, values: Any, length: int) -> np.ndarray:
    """Check one row of `length` numbers, or several rows; NaN leaves a gap."""
    values = check_array(name, values, dtype=np.float64, finite=False)
    if values.ndim not in (1, 2) or values.shape[-1] != length or not values.size:
        raise InputError(
            f"{name} has shape {values.shape}; it has to be ({length},) or (any, {length})."
        )
    if (np.abs(values) > 1e100).any():  # their squares would overflow
        raise InputError(
            f"{name} holds infinite numbers, or some above 1e100; use NaN for missing values."
        )
    return np.atleast_2d(values)


def check_attributes(name: str, value: Any, kind: str, attributes: Sequence[str]) -> None:
    for attribute in attributes:
        if isinstance(value, type) or not hasattr(value, attribute):
            raise InputError(
                f"{name} is a {type(value).__name__} without .{attribute}; it has to be a {kind}."
            )


def check_window(window: Any) -> tuple[float, float]:
    if not isinstance(window, (tuple, list)) or len(window) != 2:
        raise InputError(f"window is {show(window)}; it has to be a pair: start and end in ms.")
    start = check_number("the start of window", window[0], unit="ms")
    return start, check_number("the end of window", window[1], above=start, unit="ms")
