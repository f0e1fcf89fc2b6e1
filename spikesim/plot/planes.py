"""Figures with one dot for each rule of learning, in a plane of two measures.

    families = {"backpropagation": "gradient", "node": "perturbation", "weight": "perturbation"}
    ax = plot.bias_and_noise(cosine, snr, families)

They take dicts from the names of rules to their results, one for each seed. A rule looks as it does
in the figures of `spikesim.plot.credit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikesim.checks import check_array, show
from spikesim.errors import InputError
from spikesim.plot.names import name_dots
from spikesim.plot.rules import (
    ANGLE,
    NOTHING,
    REFERENCE,
    TEST_ERROR,
    RuleStyle,
    check_range,
    check_rules,
    logarithmic,
)
from spikesim.plot.style import GUIDE, given_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bias_and_noise", "error_over_angle"]

_WIDTH = 90.0  # of the name of a family, in points


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
    y = {rule: 1.0 / np.where(values > NOTHING, values, np.nan) for rule, values in y.items()}
    x, y = _measured(x, y)
    with styled():
        ax = given_axes(ax, (7.0, 5.2))
        ax.set_xscale("symlog", linthresh=1.0, linscale=0.5)
        logarithmic(ax, "y", np.concatenate([np.zeros(0), *y.values()]), 1.5)
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
    x, y = _measured(x, {rule: np.where(v > NOTHING, v, np.nan) for rule, v in y.items()})
    with styled():
        ax = given_axes(ax, (7.0, 5.2))
        ax.axvline(90.0, **GUIDE, zorder=1)
        ax.set_xlabel(ANGLE)
        ax.set_ylabel(TEST_ERROR)
        highest = max((values.max() for values in x.values()), default=0.0)
        ax.set_xlim(-4.0, max(100.0, highest + 5.0))
        ax.set_xticks(range(0, int(ax.get_xlim()[1]) + 1, 15))
        logarithmic(ax, "y", np.concatenate([np.zeros(0), *y.values()]), 1.5)
        _dots(ax, x, y, kinds, styles)
    return ax


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
    return check_range(name, np.atleast_1d(values), *limits)


def _measured(
    x: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rules and seeds of which both numbers are there."""
    both = {rule: np.isfinite(x[rule]) & np.isfinite(y[rule]) for rule in x}
    rules = [rule for rule in x if both[rule].any()]
    return {r: x[r][both[r]] for r in rules}, {r: y[r][both[r]] for r in rules}


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
