"""Figures with a line for each rule of learning: errors and angles as they learn, or with depth.

    families = {"backpropagation": "gradient", "direct": "feedback alignment"}
    axes = plot.learning_curves(curves, families)

Every figure takes a dict from the names of rules to their results, and the family of each rule. A
rule looks the same in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_array, show
from spikesim.errors import InputError
from spikesim.plot.rules import (
    ANGLE,
    REFERENCE,
    TEST_ERROR,
    RuleStyle,
    check_range,
    check_rules,
    logarithmic,
)
from spikesim.plot.style import (
    FEW,
    GUIDE,
    check_axes,
    check_series,
    check_text,
    mean_and_spread,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "angle_over_depth",
    "angle_over_training",
    "learning_curves",
    "robustness",
]

_LETTER, _HANDLE = 0.052, 0.65  # inches of a letter of a legend, and of what is before it
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
    lines = _curves("curves", curves, "examples seen, and test errors (%)", 100.0)
    with styled():
        panels = _panels(lines, kinds, styles, axes, "Examples seen", TEST_ERROR)
        seen = np.concatenate([x for x, _ in lines.values()])
        for ax in panels:
            logarithmic(ax, "x", seen)
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
        panels = _panels(lines, kinds, styles, axes, xlabel, TEST_ERROR)
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
    with styled():
        panels = _angles(lines, kinds, styles, axes, "Hidden layers")
        for ax in panels:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    return panels


def angle_over_training(
    angles: Mapping[str, Any],
    families: Mapping[str, str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how the updates of many rules turn to the gradient, or away from it, as they learn.

    At 90 degrees, drawn dashed, an update tells nothing about the gradient.

    Parameters
    ----------
    angles : dict of str to pair
        For each rule, the epochs, shape (times,), and the angles (degrees) to updates by
        backpropagation after them, shape (times,) or (seeds, times). Several seeds and NaN are
        drawn as `angle_over_depth` draws them. The axis of epochs is linear up to 1, and
        logarithmic from there.
    families, axes
        As of `learning_curves`.

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
    >>> angles = {"feedback alignment": ([0, 1, 10], [90.0, 55.0, 40.0])}
    >>> (ax,) = angle_over_training(angles)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Epochs', 'Angle to backpropagation (°)')
    """
    from matplotlib.ticker import FuncFormatter

    angles, kinds, styles = check_rules("angles", angles, families)
    lines = _curves("angles", angles, "epochs, and angles (degrees)", 180.0)
    with styled():
        panels = _angles(lines, kinds, styles, axes, "Epochs")
        for ax in panels:
            ax.set_xscale("symlog", linthresh=1.0, linscale=0.9)  # 0 to 1 is a decade
            ax.minorticks_off()
            ax.set_xlim(left=0.0)
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return panels


# ---- numbers of many rules


def _places(name: str, places: Any) -> np.ndarray:
    places = check_array(name, places, shape=(None,), dtype=np.float64, at_least=0.0)
    if not places.size:
        raise InputError(f"{name} is empty; it has to hold at least one number.")
    if places.max() > 1e100:
        raise InputError(f"{name} holds numbers above 1e100.")
    return places


def _series(name: str, values: Any, length: int, most: float) -> np.ndarray:
    return check_range(name, check_series(name, values, length), 0.0, most)


def _curves(name: str, curves: Mapping[str, Any], what: str, most: float) -> _Lines:
    """Pairs of places and numbers, one pair for each rule."""
    lines = {}
    for rule, pair in curves.items():
        own = f"{name}[{rule!r}]"
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputError(f"{own} is {show(pair)}; it has to be a pair: {what}.")
        places = _places(f"{own}[0]", pair[0])
        lines[rule] = places, _series(f"{own}[1]", pair[1], places.size, most)
    return lines


# ---- panels of lines, and dots


def _angles(
    lines: _Lines, kinds: Mapping[str, str], styles: Mapping[str, RuleStyle], axes: Any, xlabel: str
) -> list[Axes]:
    """Panels of angles in degrees, on one scale."""
    highest = max(np.nanmax(rows, initial=0.0) for _, rows in lines.values())
    panels = _panels(lines, kinds, styles, axes, xlabel, ANGLE)
    for ax in panels:
        ax.axhline(90.0, **GUIDE, zorder=1)
        ax.set_ylim(-4.0, max(95.0, highest + 5.0))
        ax.set_yticks(range(0, int(ax.get_ylim()[1]) + 1, 30))
    return panels


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
        logarithmic(ax, "y", np.concatenate(errors))
