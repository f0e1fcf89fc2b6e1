"""Figures that compare many rules of learning, by how they assign credit.

    families = {"backpropagation": "gradient", "node": "perturbation", "weight": "perturbation"}
    ax = plot.bias_and_noise(cosine, snr, families)

Every figure takes a dict from the names of rules to their results, and the family of each rule. A
rule looks the same in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikesim.checks import check_array, show
from spikesim.errors import InputError
from spikesim.plot.names import name_dots
from spikesim.plot.rules import REFERENCE, RuleStyle, check_rules
from spikesim.plot.style import (
    FEW,
    GUIDE,
    check_axes,
    check_series,
    check_text,
    given_axes,
    mean_and_spread,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "angle_over_depth",
    "bias_and_noise",
    "error_over_angle",
    "learning_curves",
    "robustness",
]

_ERROR = "Test error (%)"
_ANGLE = "Angle to backpropagation (°)"
# Where a logarithmic axis has ticks in a decade: fewer, the more decades, and the wider the labels.
_ROUND = ((1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_LETTER, _HANDLE = 0.052, 0.65  # inches of a letter of a legend, and of what is before it
_WIDTH = 90.0  # of the name of a family, in points
_NONE = 1e-100  # a signal, or an error, of at most this is none
_Lines = Mapping[str, tuple[np.ndarray, np.ndarray]]  # x, and rows of y, of each rule


def learning_curves(
    curves: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the test errors of many rules over the examples that they have seen.

    Parameters
    ----------
    curves : dict of str to pair
        For each rule, the examples seen, shape (epochs,), and the test errors (%), shape (epochs,)
        or (seeds, epochs). For several seeds, the line is the mean, in a band of one standard
        deviation (of a sample: ddof=1) to either side. NaN leaves a gap. Both axes are logarithmic,
        so that what was measured before the first example is not to be seen.
    families : dict of str to str, optional
        The family of each rule, maybe of others too: a panel each, and a hue. By default all rules
        are in one panel, in a hue each.
    axes : sequence of matplotlib.axes.Axes, optional
        One per panel.

    Returns
    -------
    list of matplotlib.axes.Axes
        In the order of the rules. 'backpropagation' is drawn in all panels.

    Raises
    ------
    InputError
        If a curve is no such pair, or a rule has no family.

    Examples
    --------
    >>> seen = [1000, 2000, 3000]
    >>> curves = {"backpropagation": (seen, [9.0, 5.0, 3.0]), "node": (seen, [60.0, 40.0, 30.0])}
    >>> (ax,) = learning_curves(curves)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['node', 'backpropagation']
    """
    from matplotlib.ticker import EngFormatter

    curves, kinds, styles = check_rules("curves", curves, families)
    lines = {}
    for rule, pair in curves.items():
        name = f"curves[{rule!r}]"
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputError(
                f"{name} is {show(pair)}; it has to be a pair: examples seen, and test errors (%)."
            )
        seen = _places(f"{name}[0]", pair[0])
        lines[rule] = seen, _series(f"{name}[1]", pair[1], seen.size, 100.0)
    with styled():
        panels = _panels(lines, kinds, styles, axes, "Examples seen", _ERROR)
        seen = np.concatenate([x for x, _ in lines.values()])
        for ax in panels:
            _logarithmic(ax, "x", seen)
            ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        _scale_errors(panels, [rows.mean(axis=0) for _, rows in lines.values()])
    return panels


def robustness(
    levels: Any,
    errors: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    xlabel: str,
) -> list[Axes]:
    """Draw the test errors of many rules over the level of a disturbance.

    Parameters
    ----------
    levels : array_like, shape (levels,)
        In any order, such as relative standard deviations of weights or of noise on images.
    errors : dict of str to array_like
        For each rule, the test errors (%), shape (levels,) or (seeds, levels). For several seeds,
        the line is the mean, in a band of one standard deviation (of a sample: ddof=1) to either
        side. NaN leaves a gap. The axis is logarithmic.
    families : dict of str to str, optional
        As of `learning_curves`.
    axes : sequence of matplotlib.axes.Axes, optional
        One per panel.
    xlabel : str
        With the unit, such as ``"Jitter of weights (%)"``.

    Returns
    -------
    list of matplotlib.axes.Axes
        In the order of the rules. 'backpropagation' is drawn in all panels.

    Raises
    ------
    InputError
        If an argument cannot be used, or a rule has no family.

    Examples
    --------
    >>> errors = {"backpropagation": [2.0, 2.1, 4.0], "node": [9.0, 9.5, 12.0]}
    >>> (ax,) = robustness([0, 10, 20], errors, xlabel="Jitter of weights (%)")
    >>> ax.get_xlabel(), ax.get_yscale()
    ('Jitter of weights (%)', 'log')
    """
    check_text("xlabel", xlabel)
    errors, kinds, styles = check_rules("errors", errors, families)
    levels = _places("levels", levels)
    lines = {
        rule: (levels, _series(f"errors[{rule!r}]", values, levels.size, 100.0))
        for rule, values in errors.items()
    }
    with styled():
        panels = _panels(lines, kinds, styles, axes, xlabel, _ERROR)
        _scale_errors(panels, [rows.mean(axis=0) for _, rows in lines.values()])
    return panels


def angle_over_depth(
    depths: Any,
    angles: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how far the updates of many rules point away from the gradient, in deeper networks.

    At 90 degrees, drawn dashed, an update tells nothing about the gradient.

    Parameters
    ----------
    depths : array_like, shape (depths,)
        Numbers of hidden layers, in any order.
    angles : dict of str to array_like
        For each rule, the angles (degrees) to updates by backpropagation, such as those of the
        first hidden layer, shape (depths,) or (seeds, depths). For several seeds, the line is the
        mean, in a band of one standard deviation (of a sample: ddof=1) to either side. NaN leaves a
        gap.
    families : dict of str to str, optional
        As of `learning_curves`.
    axes : sequence of matplotlib.axes.Axes, optional
        One per panel.

    Returns
    -------
    list of matplotlib.axes.Axes
        In the order of the rules. 'backpropagation' is drawn in all panels.

    Raises
    ------
    InputError
        If an argument cannot be used, or a rule has no family.

    Examples
    --------
    >>> angles = {"feedback alignment": [60.0, 72.0, 80.0], "direct": [60.0, 66.0, 68.0]}
    >>> (ax,) = angle_over_depth([1, 2, 3], angles)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Hidden layers', 'Angle to backpropagation (°)')
    """
    from matplotlib.ticker import MaxNLocator

    angles, kinds, styles = check_rules("angles", angles, families)
    depths = _places("depths", depths)
    lines = {
        rule: (depths, _series(f"angles[{rule!r}]", values, depths.size, 180.0))
        for rule, values in angles.items()
    }
    highest = max(np.nanmax(rows, initial=0.0) for _, rows in lines.values())
    with styled():
        panels = _panels(lines, kinds, styles, axes, "Hidden layers", _ANGLE)
        for ax in panels:
            ax.axhline(90.0, **GUIDE, zorder=1)
            ax.set_ylim(-4.0, max(95.0, highest + 5.0))
            ax.set_yticks(range(0, int(ax.get_ylim()[1]) + 1, 30))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return panels


def bias_and_noise(
    cosine: Mapping[str, Any],
    snr: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how wrong the updates of many rules are on average, and how noisy: a dot per rule.

    Dashed lines are where a mean update tells nothing about the gradient (90 degrees), and the
    noise of 'backpropagation'.

    Parameters
    ----------
    cosine : dict of str to array_like
        For each rule, the cosine between its mean update and the mean gradient: a number, or one
        for each seed. Drawn as an angle, on an axis that is linear up to 1 degree and logarithmic
        beyond.
    snr : dict of str to array_like
        For each rule, the size of the mean update over the standard deviation of a single one:
        as many numbers. Drawn as its inverse, on a logarithmic axis.
    families : dict of str to str, optional
        The family of each rule, maybe of others too, which have a hue and a marker each.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The dots are means over seeds; those of several seeds are small and pale. A seed without
        both numbers, or with an `snr` of 0, is left out, and so is a rule without any seed.

    Raises
    ------
    InputError
        If a number cannot be used, or is missing for a rule.

    Examples
    --------
    >>> cosine = {"backpropagation": 1.0, "node perturbation": [0.98, 0.97]}
    >>> ax = bias_and_noise(cosine, {"backpropagation": 0.2, "node perturbation": [0.01, 0.012]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Bias: angle of the mean update to the gradient (°)', 'Noise: sd / mean of an update')
    """
    cosine, kinds, styles = check_rules("cosine", cosine, families)
    x, y = _pairs("cosine", cosine, (-1.0, 1.0), "snr", snr, (0.0, 1e100))
    x = {rule: np.degrees(np.arccos(values)) for rule, values in x.items()}
    y = {rule: 1.0 / np.where(values > _NONE, values, np.nan) for rule, values in y.items()}
    x, y = _measured(x, y)
    with styled():
        ax = given_axes(ax, (7.0, 5.2))
        ax.set_xscale("symlog", linthresh=1.0, linscale=0.5)
        _logarithmic(ax, "y", np.concatenate([np.zeros(0), *y.values()]), 1.5)
        ax.axvline(90.0, **GUIDE, zorder=1)
        if REFERENCE in y:
            ax.axhline(y[REFERENCE].mean(), **GUIDE, zorder=1)
        ax.set_xlabel("Bias: angle of the mean update to the gradient (°)")
        ax.set_ylabel("Noise: sd / mean of an update")
        ax.set_xlim(-0.25, 180.0)
        ax.set_xticks([0, 1, 3, 10, 30, 90, 180], ["0", "1", "3", "10", "30", "90", "180"])
        ax.set_xticks([], minor=True)
        _dots(ax, x, y, kinds, styles)
    return ax


def error_over_angle(
    error: Mapping[str, Any],
    angle: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the test errors of many rules over the angles of their updates: a dot per rule.

    At 90 degrees, drawn dashed, an update tells nothing about the gradient.

    Parameters
    ----------
    error : dict of str to array_like
        For each rule, its test error (%): a number, or one for each seed. Drawn on a logarithmic
        axis.
    angle : dict of str to array_like
        For each rule, the angle (degrees) of its updates to those by backpropagation: as many
        numbers.
    families : dict of str to str, optional
        The family of each rule, maybe of others too, which have a hue and a marker each.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The dots are means over seeds; those of several seeds are small and pale. A seed without
        both numbers, or without any error, is left out, and so is a rule without any seed.

    Raises
    ------
    InputError
        If a number cannot be used, or is missing for a rule.

    Examples
    --------
    >>> error = {"backpropagation": 2.1, "feedback alignment": [2.6, 2.9]}
    >>> ax = error_over_angle(error, {"backpropagation": 0.0, "feedback alignment": [63.0, 66.0]})
    >>> [note.get_text() for note in ax.texts]
    ['backpropagation', 'feedback alignment']
    """
    error, kinds, styles = check_rules("error", error, families)
    y, x = _pairs("error", error, (0.0, 100.0), "angle", angle, (0.0, 180.0))
    x, y = _measured(x, {rule: np.where(v > _NONE, v, np.nan) for rule, v in y.items()})
    with styled():
        ax = given_axes(ax, (7.0, 5.2))
        ax.axvline(90.0, **GUIDE, zorder=1)
        ax.set_xlabel(_ANGLE)
        ax.set_ylabel(_ERROR)
        highest = max((values.max() for values in x.values()), default=0.0)
        ax.set_xlim(-4.0, max(100.0, highest + 5.0))
        ax.set_xticks(range(0, int(ax.get_xlim()[1]) + 1, 15))
        _logarithmic(ax, "y", np.concatenate([np.zeros(0), *y.values()]), 1.5)
        _dots(ax, x, y, kinds, styles)
    return ax


# ---- numbers of many rules


def _places(name: str, places: Any) -> np.ndarray:
    places = check_array(name, places, shape=(None,), dtype=np.float64, at_least=0.0)
    if not places.size:
        raise InputError(f"{name} is empty; it has to hold at least one number.")
    if places.max() > 1e100:
        raise InputError(f"{name} holds numbers above 1e100.")
    return places


def _check_range(name: str, values: np.ndarray, least: float, most: float) -> np.ndarray:
    """Check what is no NaN; rounding may lead beyond, and is taken back."""
    beyond = (values < least - 1e-5) | (values > most + 1e-5)
    if beyond.any():
        raise InputError(
            f"{name} holds {values[beyond][0]:g}; every element has to be from {least:g} to "
            f"{most:g}, or NaN."
        )
    return np.clip(values, least, most)


def _series(name: str, values: Any, length: int, most: float) -> np.ndarray:
    return _check_range(name, check_series(name, values, length), 0.0, most)


def _pairs(
    name: str,
    values: Mapping[str, Any],
    limits: tuple[float, float],
    other: str,
    others: Any,
    other_limits: tuple[float, float],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Two numbers per seed of each rule: the same rules, and as many seeds, in both."""
    if not isinstance(others, Mapping) or set(others) != set(values):
        raise InputError(
            f"{other} is {show(others)}; it has to be a dict with the same rules as {name}."
        )
    first, second = {}, {}
    for rule in values:
        first[rule] = _seeds(f"{name}[{rule!r}]", values[rule], limits)
        second[rule] = _seeds(f"{other}[{rule!r}]", others[rule], other_limits)
        if first[rule].size != second[rule].size:
            raise InputError(
                f"{other}[{rule!r}] holds {second[rule].size} numbers, but {name}[{rule!r}] "
                f"{first[rule].size}; there has to be one for each seed."
            )
    return first, second


def _seeds(name: str, values: Any, limits: tuple[float, float]) -> np.ndarray:
    values = check_array(name, values, dtype=np.float64, finite=False)
    if values.ndim > 1 or not values.size:
        raise InputError(
            f"{name} has shape {values.shape}; it has to be a number, or one for each seed."
        )
    return _check_range(name, np.atleast_1d(values), *limits)


def _measured(
    x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rules and seeds of which both numbers are there."""
    both = {rule: np.isfinite(x[rule]) & np.isfinite(y[rule]) for rule in x}
    rules = [rule for rule in x if both[rule].any()]
    return {r: x[r][both[r]] for r in rules}, {r: y[r][both[r]] for r in rules}


# ---- panels of lines, and dots


def _panels(
    lines: _Lines,
    kinds: Mapping[str, str],
    styles: Mapping[str, RuleStyle],
    axes: Any,
    xlabel: str,
    ylabel: str,
) -> list[Axes]:
    """Draw the lines of each family in a panel of its own, with the reference in all of them."""
    groups: dict[str, list[str]] = {}
    for rule in lines:
        groups.setdefault(kinds[rule], []).append(rule)
    home = kinds.get(REFERENCE)  # where the reference is in the legend
    if home is not None and groups[home] == [REFERENCE] and len(groups) > 1:
        del groups[home]
        home = next(iter(groups))
    if axes is None:
        panels = _grid(groups, xlabel, ylabel)
    else:
        panels = check_axes(axes, len(groups))
        for ax in panels:
            ax.set(xlabel=xlabel, ylabel=ylabel)
    for ax, (family, rules) in zip(panels, groups.items(), strict=True):
        drawn = [rule for rule in rules if rule != REFERENCE]
        for rule in [*drawn, REFERENCE] if home is not None else drawn:
            x, rows = lines[rule]
            order = np.argsort(x, kind="stable")
            style = styles[rule]
            mean_and_spread(
                ax,
                x[order],
                rows[:, order],
                style.color,
                linestyle=style.linestyle,
                marker=style.marker if x.size <= FEW else "",
                markersize=3.0,
                zorder=1.9 if rule == REFERENCE else 2.0,
                label=rule if np.isfinite(rows.mean(axis=0)).any() else f"{rule} (no number)",
            )
        shown = ax.lines if family == home else ax.lines[: len(drawn)]
        _explain(ax, family, sorted(shown, key=_last, reverse=True), len(groups) > 1)
    return panels


def _grid(groups: Mapping[str, list[str]], xlabel: str, ylabel: str) -> list[Axes]:
    """Axes of a new figure with one scale; each row is as high as its legends need."""
    count = len(groups)
    members = [len(rules) for rules in groups.values()]
    if count == 1:
        ax = new_figure((5.0, max(3.2, 0.6 + 0.15 * max(members)))).subplots()
        ax.set(xlabel=xlabel, ylabel=ylabel)
        return [ax]
    columns = min(4, math.ceil(math.sqrt(count)))
    tallest = [max(members[k : k + columns]) for k in range(0, count, columns)]
    longest = max(len(rule) for rules in groups.values() for rule in rules)
    wide = max(1.8, _HANDLE + _LETTER * longest)  # a legend does not reach into the next panel
    figure = new_figure((wide * columns, 0.4 + sum(1.45 + 0.13 * rules for rules in tallest)))
    grid = figure.subplots(len(tallest), columns, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat[count:]:
        ax.remove()
    for ax in grid.flat[max(0, count - columns) : count]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel(xlabel)
    figure.supylabel(ylabel)
    return list(grid.flat[:count])


def _explain(ax: Axes, family: str, lines: Sequence[Any], several: bool) -> None:
    """A legend in the order in which the lines end: above one of several panels, or beside it."""
    if several:
        where: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0)}
    else:
        where = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    legend = ax.legend(
        handles=lines,
        title=family or None,
        alignment="left",
        fontsize=6.5 if several else 8.0,
        title_fontproperties={"size": 7.5, "weight": "bold"},
        handlelength=2.2,
        labelspacing=0.2,
        borderaxespad=0.2,
        borderpad=0.1,
        **where,
    )
    for text in [legend.get_title(), *legend.get_texts()]:
        text.set_parse_math(False)


def _last(line: Any) -> float:
    """Where a line ends; one without numbers comes last."""
    y = np.asarray(line.get_ydata(), float)
    y = y[np.isfinite(y)]
    return float(y[-1]) if y.size else -1.0


def _scale_errors(panels: Sequence[Axes], errors: Sequence[np.ndarray]) -> None:
    for ax in panels:
        _logarithmic(ax, "y", np.concatenate(errors))


def _logarithmic(ax: Axes, along: str, values: np.ndarray, beyond: float = 1.25) -> None:
    """Make the x or the y axis logarithmic, a factor longer than values above 0, with few ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set(**{f"{along}scale": "log"})
    values = values[values > _NONE]
    if not values.size:
        values = np.array([1.0, 10.0])
    low, high = values.min() / beyond, values.max() * beyond
    ax.set(**{f"{along}lim": (low, high)})
    axis = ax.xaxis if along == "x" else ax.yaxis
    crowding = int(math.log10(high) - math.log10(low)) + (along == "x")
    axis.set_major_locator(LogLocator(subs=_ROUND[min(crowding, len(_ROUND) - 1)]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _dots(
    ax: Axes,
    x: Mapping[str, np.ndarray],
    y: Mapping[str, np.ndarray],
    kinds: Mapping[str, str],
    styles: Mapping[str, RuleStyle],
) -> None:
    """A named dot per rule, small ones per seed, and a legend of the families above."""
    for rule in x:
        look: dict[str, Any] = {
            "color": styles[rule].color,
            "marker": styles[rule].marker,
            "linestyle": "",
        }
        if x[rule].size > 1:
            ax.plot(x[rule], y[rule], **look, alpha=0.35, markersize=2.5, markeredgewidth=0.0)
        size = 10.0 if rule == REFERENCE else 6.0
        look |= {"markeredgecolor": "white", "markeredgewidth": 0.5}
        ax.plot(x[rule].mean(), y[rule].mean(), **look, markersize=size, zorder=3)
    if any(kinds.values()):
        _explain_families(ax, [rule for rule in x if rule != REFERENCE], kinds, styles)
    means = np.array([[x[rule].mean(), y[rule].mean()] for rule in x]).reshape(-1, 2)
    seeds = np.array([pair for rule in x for pair in zip(x[rule], y[rule], strict=True)])
    name_dots(ax, means, list(x), seeds.reshape(-1, 2))


def _explain_families(
    ax: Axes, rules: Sequence[str], kinds: Mapping[str, str], styles: Mapping[str, RuleStyle]
) -> None:
    """A legend above the dots, with the look of a rule in the middle of each family."""
    from matplotlib.lines import Line2D

    width = ax.get_window_extent().width * 72.0 / cast("Figure", ax.figure.figure).dpi
    members: dict[str, list[str]] = {}
    for rule in rules:
        members.setdefault(kinds[rule], []).append(rule)
    handles = []
    for family, those in members.items():
        style = styles[those[len(those) // 2]]
        handles.append(
            Line2D([], [], color=style.color, marker=style.marker, linestyle="", label=family)
        )
    legend = ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=max(1, min(5, int(width / _WIDTH))),
        fontsize=7.0,
        handletextpad=0.2,
        columnspacing=1.2,
        borderaxespad=0.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
