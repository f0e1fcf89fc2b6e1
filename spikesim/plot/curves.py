"""Curves of results over epochs, blocks and parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spikesim.checks import check_array, check_choice, check_names, check_number, show
from spikesim.errors import InputError
from spikesim.plot.style import (
    FEW,
    GUIDE,
    INK,
    check_axes,
    check_series,
    check_text,
    check_titles,
    given_axes,
    legend_above,
    mean_and_spread,
    new_figure,
    next_colour,
    show_zero,
    styled,
    whole_epochs,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "angle",
    "cost_curve",
    "learning_curve",
    "pattern_rates",
    "sweep",
]


_DECADES = 1e5  # from the lowest cost that is drawn to the highest
# The keys that a learning curve can show: name in the legend, and label of the axis.
_CURVES = {
    "training_error": ("training", "Error (%)"),
    "test_error": ("test", "Error (%)"),
    "loss": ("loss", "Loss"),
}


def sweep(
    parameter: Any,
    result: Any,
    ax: Axes | None = None,
    label: str | None = None,
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
) -> Axes:
    """Draw a result over a parameter, such as weight changes over pairing frequencies.

    Parameters
    ----------
    parameter : array_like, shape (values,)
        In any order.
    result : array_like, shape (values,) or (seeds, values)
        For several seeds, the line is the mean, in a band of one standard deviation (of a sample:
        ddof=1) to either side. NaN leaves a gap.
    ax : matplotlib.axes.Axes, optional
        Each call uses the next colour on it.
    label : str, optional
        For the legend; by default the number of seeds, if there are several.
    xlabel, ylabel : str
        With units, such as ``"Pairing frequency (Hz)"``.
    xscale : str
        'linear' or 'log'.

    Returns
    -------
    matplotlib.axes.Axes
        The axis of results includes 0: it begins there, or a dashed line marks it.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> labels = dict(xlabel="Scale of inhibition", ylabel="Error (%)", xscale="log")
    >>> ax = sweep([0.1, 1.0, 10.0], [[5.0, 6.0, 28.0], [5.4, 6.2, 36.0]], label="fixed", **labels)
    >>> ax = sweep([0.1, 1.0, 10.0], [5.1, 6.1, 7.4], ax, label="learned", **labels)
    >>> ax.lines[0].get_ydata().round(1).tolist()
    [5.2, 6.1, 32.0]
    """
    check_choice("xscale", xscale, ("linear", "log"))
    for name, text in (("label", label), ("xlabel", xlabel), ("ylabel", ylabel)):
        check_text(name, text)
    parameter = check_array("parameter", parameter, shape=(None,))
    rows = check_series("result", result, parameter.size)
    if xscale == "log" and parameter.min() <= 0.0:
        raise InputError(
            f"parameter holds {parameter.min():g}; every element has to be above 0 with xscale "
            "'log'."
        )
    if label is None and len(rows) > 1:
        label = f"mean ± sd of {len(rows)}"
    order = np.argsort(parameter, kind="stable")
    with styled():
        ax = given_axes(ax, (4.2, 3.0))
        mean_and_spread(
            ax,
            parameter[order],
            rows[:, order],
            next_colour(ax),
            label=label,
            marker="o" if parameter.size <= FEW else "",
            markersize=3.0,
        )
        ax.set_xscale(xscale)
        show_zero(ax)
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        if label:
            ax.legend()
    return ax


def learning_curve(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    key: str | Sequence[str] = ("training_error", "test_error"),
    ax: Axes | None = None,
    label: str | None = None,
) -> Axes:
    """Draw errors over epochs: of one run, or mean and spread of several.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        The history of a network: 'epoch', and a column for each key, with None where there was no
        test. For several (seeds of one network), the line is the mean, in a band of one standard
        deviation (of a sample: ddof=1) to either side, at the epochs that all of them have.
    key : str or sequence of str
        'training_error' (dashed if another key is drawn too), 'test_error', 'loss'. Columns without
        a number are left out.
    ax : matplotlib.axes.Axes, optional
        Each call uses the next colour on it.
    label : str, optional
        For the legend; by default the name of the key.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a column is missing, or there is nothing to draw.

    Examples
    --------
    >>> ax = learning_curve({"epoch": [1, 2, 3], "test_error": [None, 8.0, 6.0]}, "test_error")
    >>> ax.get_ylabel(), ax.lines[0].get_ydata().tolist()
    ('Error (%)', [8.0, 6.0])
    """
    keys = check_names("key", key)
    if not keys:
        raise InputError(f"key is {show(key)}; it has to be one of {', '.join(_CURVES)}.")
    for each in keys:
        check_choice("key", each, _CURVES)
    if len({_CURVES[each][1] for each in keys}) != 1:
        raise InputError(f"key is {show(key)}; keys of one figure have to have the same axis.")
    runs = _runs(history)
    check_text("label", label)
    curves = [(each, _common([_column(run, each) for run in runs])) for each in keys]
    curves = [(each, curve) for each, curve in curves if curve[0].size]
    if not curves:
        what = " or ".join(map(repr, keys))
        several = f" at an epoch that all {len(runs)} runs have" if len(runs) > 1 else ""
        raise InputError(f"history holds no number for {what}{several}; there is nothing to draw.")
    with styled():
        ax = given_axes(ax, (4.2, 3.0))
        colour = next_colour(ax)
        for each, (epochs, values) in curves:
            name = _CURVES[each][0]
            if label is None:
                name += f", mean ± sd of {len(runs)}" if len(runs) > 1 else ""
            else:
                name = label if len(keys) == 1 else f"{label}, {name}"
            dashed = each == "training_error" and len(keys) > 1
            mean_and_spread(
                ax,
                epochs,
                values,
                colour,
                label=name,
                linestyle=(0, (3, 1.5)) if dashed else "-",
                marker="o" if epochs.size <= FEW else "",
                markersize=3.0,
                markerfacecolor="white" if dashed else colour,
            )
        ax.set_xlabel("Epoch")
        ax.set_ylabel(_CURVES[keys[0]][1])
        whole_epochs(ax)
        if ax.get_yscale() == "linear":
            ax.set_ylim(bottom=0.0, auto=None)
        ax.legend()
    return ax


def cost_curve(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ax: Axes | None = None,
    label: str | None = None,
    reference: float | None = None,
) -> Axes:
    """Draw the cost of spike trains over simulated time: of one run, or of several and their mean.

    The cost falls over orders of magnitude, so its axis is logarithmic. Curves end five decades
    below the highest cost: once all spikes are learned, a moving average falls for ever.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        'time' (s of simulated time) and 'cost', with None where it was not measured. For several
        (seeds of one network), each has a thin line, and the thick line is their mean, at the times
        that all of them have.
    ax : matplotlib.axes.Axes, optional
        Each call uses the next colour on it.
    label : str, optional
        For the legend; by default the number of runs, if there are several.
    reference : float, optional
        A cost that a dashed line marks, such as that of a silent network.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a column is missing, or there is nothing to draw.

    Examples
    --------
    >>> ax = cost_curve({"time": [10.0, 20.0, 30.0], "cost": [40.0, 8.0, 1.5]}, reference=42.0)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()
    ('Simulated time (s)', 'van Rossum cost', 'log')
    """
    runs = _runs(history)
    check_text("label", label)
    columns = [_column(run, "cost", "time") for run in runs]
    times, costs = _common(columns)
    if not (costs > 0.0).any():
        several = f" at a time that all {len(runs)} runs have" if len(runs) > 1 else ""
        raise InputError(f"history holds no cost above 0{several}; there is nothing to draw.")
    if reference is not None:
        reference = check_number("reference", reference, above=0.0, at_most=1e100)
    lowest = costs.max() / _DECADES

    def visible(values: Any) -> np.ndarray:
        return np.where(np.asarray(values) >= lowest, values, np.nan)

    with styled():
        ax = given_axes(ax, (4.2, 3.0))
        colour = next_colour(ax)
        if len(runs) > 1:
            label = f"{label + ', ' if label else ''}mean of {len(runs)}"
            for column in columns:
                ax.plot(
                    list(column),
                    visible(list(column.values())),
                    color=colour,
                    alpha=0.3,
                    linewidth=0.6,
                )
        ax.plot(times, visible(costs.mean(axis=0)), color=colour, label=label)
        if reference is not None:
            ax.axhline(reference, **GUIDE, zorder=1)
        ax.set_yscale("log")
        ax.set_xlim(left=0.0, auto=None)
        ax.set_xlabel("Simulated time (s)")
        ax.set_ylabel("van Rossum cost")
        if label:
            ax.legend()
    return ax


def angle(history: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Draw how far the updates of hidden layers point away from those by backpropagation.

    Below 90 degrees, drawn dashed, an update still leads downhill.

    Parameters
    ----------
    history : dict of str to list
        The history of a network made with ``measure_angle=True``: 'epoch', and 'angle' with a
        sequence of angles (degrees), one per hidden layer, for each epoch.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are no angles.

    Examples
    --------
    >>> ax = angle({"epoch": [1, 2], "angle": [[85.0, 88.0], [70.0, 80.0]]})
    >>> [line.get_label() for line in ax.lines[:2]]
    ['hidden 1', 'hidden 2']
    """
    for column in ("epoch", "angle"):
        if not isinstance(history, Mapping) or column not in history:
            raise InputError(f"history has no {column!r}; give the history of one network.")
    epochs = check_array("history['epoch']", history["epoch"], shape=(None,))
    _check_column("angle", history["angle"])
    rows = [
        check_array("a row of history['angle']", row, finite=False)
        for row in history["angle"]
        if row is not None
    ]
    rows = [row for row in rows if row.size]
    if not rows:
        raise InputError(
            "history holds no angle; train a network with hidden layers and measure_angle=True."
        )
    blank = np.full(np.size(rows[0]), np.nan)
    angles = check_array(
        "history['angle']",
        [blank if row is None else row for row in history["angle"]],
        shape=(epochs.size, None),
        finite=False,
    )
    angles = check_series("history['angle']", angles.T, epochs.size)
    if not np.nan_to_num(angles).any():
        raise InputError(
            "history holds only angles of 0; train with measure_angle=True to measure them."
        )
    if np.nanmin(angles) < 0.0 or np.nanmax(angles) > 180.0:
        raise InputError("history['angle'] holds numbers that are not from 0 to 180 degrees.")
    with styled():
        ax = given_axes(ax, (4.2, 3.0))
        for m, values in enumerate(angles):
            measured = np.isfinite(values)
            ax.plot(
                epochs[measured],
                values[measured],
                color=next_colour(ax),
                label=f"hidden {m + 1}",
                marker="o" if epochs.size <= FEW else "",
                markersize=3.0,
            )
        ax.axhline(90.0, **GUIDE, zorder=1)
        ax.set_ylim(0.0, max(95.0, float(np.nanmax(angles)) + 5.0))
        ax.set_yticks(range(0, int(ax.get_ylim()[1]) + 1, 30))
        ax.set_xlabel("Epoch")
        ax.set_ylabel("Angle to backpropagation (°)")
        whole_epochs(ax)
        if len(angles) > 1:
            ax.legend()
    return ax


def pattern_rates(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    patterns: Sequence[str],
    key: str = "output_rate",
    threshold: float | None = None,
    chance: float | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the rate of an output for each pattern, and the cost, over epochs of learning.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        'epoch', 'cost', and `key`: per epoch one event rate per pattern (Hz). If there are several
        (seeds of one network), each has its own lines.
    patterns : sequence of str
        The names of the patterns, for the legend.
    key : str
    threshold : float, optional
        The rate (Hz) above which the output says yes: a dashed line.
    chance : float, optional
        The cost at chance level: a dashed line.
    axes : sequence of matplotlib.axes.Axes, optional
        Two.

    Returns
    -------
    list of matplotlib.axes.Axes
        Event rate and cost.

    Raises
    ------
    InputError
        If a column is missing or does not fit `patterns`, or if there is nothing to draw.

    Examples
    --------
    >>> history = {"epoch": [0, 1, 2], "cost": [3.0, 2.0, 1.0]}
    >>> history["output_rate"] = [[5.0, 5.0], [4.5, 6.5], [4.0, 8.0]]
    >>> axes = pattern_rates(history, ["off", "on"], threshold=6.0)
    >>> [ax.get_ylabel() for ax in axes]
    ['Output event rate (Hz)', 'Cost of an epoch']
    """
    runs = _runs(history)
    check_choice("key", key, [key] if isinstance(key, str) else [])
    if isinstance(patterns, str) or not isinstance(patterns, (list, tuple)) or not patterns:
        raise InputError(f"patterns is {show(patterns)}; it has to be a list of names.")
    check_titles("patterns", patterns, len(patterns))
    for name, level in (("threshold", threshold), ("chance", chance)):
        if level is not None:
            check_number(name, level)
    if not runs:
        raise InputError("history is empty; it has to hold at least one run.")
    costs = [_column(run, "cost") for run in runs]
    epochs = [check_array("history['epoch']", run["epoch"], shape=(None,)) for run in runs]
    if not all(epoch.size for epoch in epochs):
        raise InputError("history has no epochs; it has to hold at least one of each run.")
    rates = []
    for run in runs:
        if key not in run:
            raise InputError(
                f"key is {show(key)}, which history does not have; "
                f"it has {', '.join(map(str, run))}."
            )
        shape = (len(run["epoch"]), len(patterns))
        rates.append(
            check_array(f"history[{key!r}], one for each of patterns", run[key], shape=shape)
        )
    with styled():
        if axes is None:
            axes = new_figure((5.0, 4.2)).subplots(2, 1, sharex=True)
            axes[0].tick_params(axis="x", length=0)
        above, below = both = check_axes(axes, 2)
        named = []
        for k, name in enumerate(patterns):
            colour = next_colour(above)
            for epoch, values in zip(epochs, rates, strict=True):
                above.plot(epoch, values[:, k], color=colour, linewidth=0.9, alpha=0.8)
            above.lines[-1].set_label(name)
            named.append(above.lines[-1])
        for cost in costs:
            below.plot(list(cost), list(cost.values()), color=INK, linewidth=0.9, alpha=0.8)
        for ax, level in ((above, threshold), (below, chance)):
            if level is not None:
                ax.axhline(level, **GUIDE, zorder=1)
            ax.set_ylim(bottom=0.0, auto=None)
        above.set_xlim(0.0, max(epoch.max() for epoch in epochs))
        legend_above(above, named)
        above.set_ylabel("Output event rate (Hz)")
        below.set_ylabel("Cost of an epoch")
        below.set_xlabel("Epoch")
        above.get_figure().align_ylabels(both)  # type: ignore[union-attr]
    return both


def _runs(history: Any) -> list[Any]:
    """The histories of one network or of several."""
    if isinstance(history, Mapping):
        return [history]
    if not isinstance(history, (list, tuple)):
        raise InputError(
            f"history is {show(history)}; it has to be a dict of columns, or a list of such dicts."
        )
    return list(history)


def _check_column(name: str, column: Any) -> None:
    is_list = isinstance(column, (list, tuple)) or getattr(column, "ndim", 0) > 0
    if not is_list or sparse.issparse(column):
        raise InputError(f"history[{name!r}] is {show(column)}; it has to be a list.")


def _column(run: Any, key: str, along: str = "epoch") -> dict[float, float]:
    """The numbers of one column by epoch, or by another measure of the length of training."""
    if not isinstance(run, Mapping):
        kind = type(run).__name__
        raise InputError(f"history is or holds a {kind}; it has to be a dict of columns.")
    for name in (along, key):
        if name not in run:
            raise InputError(f"history has no {name!r}; it has {', '.join(map(str, run))}.")
        _check_column(name, run[name])
    places, values = list(run[along]), list(run[key])
    if len(places) != len(values):
        raise InputError(
            f"history has {len(places)} {along}s, but {len(values)} entries of {show(key)}."
        )
    pairs = zip(places, values, strict=True)
    try:
        numbers = {float(place): float(value) for place, value in pairs if value is not None}
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"history[{key!r}] or its {along!r} has a value that is not a number."
        ) from None
    return {place: value for place, value in numbers.items() if math.isfinite(value)}


def _common(columns: list[dict[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The epochs or times that all columns have, and their values, shape (columns, epochs)."""
    shared = set(columns[0]).intersection(*columns[1:]) if columns else set()
    epochs = sorted(shared)
    return np.array(epochs), np.array([[column[epoch] for epoch in epochs] for column in columns])
