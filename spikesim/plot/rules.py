"""What all figures of learning rules share: the looks of the rules, checks of numbers, axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim.checks import is_text, nearest, show
from spikesim.errors import InputError
from spikesim.plot.style import BESIDE, COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ANGLE",
    "NOTHING",
    "REFERENCE",
    "TEST_ERROR",
    "RuleStyle",
    "check_range",
    "check_rules",
    "logarithmic",
    "rule_styles",
]

TEST_ERROR = "Test error (%)"
ANGLE = "Angle to backpropagation (°)"
NOTHING = 1e-100
"""A signal, or an error, of at most this is none."""

REFERENCE = "backpropagation"
"""The rule with which all others are compared."""

# Where a logarithmic axis has ticks in a decade: fewer, the more decades, and the wider the labels.
_ROUND = ((1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
# A hue and a marker for each family. The hues after those of all figures are as far from these and
# from each other, for colour-blind people too, as these are among themselves.
_HUES = (*COLOURS[:6], "#882255", "#4B3F9E", "#7F4F24", "#00441B", "#D6C100")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">", "h")
_LINES: tuple[Any, ...] = (
    "-",
    (0, (4, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (9, 1.5)),
    (0, (5, 1.5, 1.2, 1.5, 1.2, 1.5)),
)
_LUMA = np.array([0.30, 0.59, 0.11])  # how bright red, green and blue look
_DARKER, _PALER = 0.10, 0.14  # how far shades go; wider, brown would be a shade of orange
_DARKEST, _PALEST = 0.18, 0.74  # what can be told from black, and seen on white


class RuleStyle(NamedTuple):
    """The look of a rule, in words of matplotlib: ``ax.plot(x, y, **style._asdict())``.

    Attributes
    ----------
    color : str
    linestyle : str or tuple
    marker : str
    """

    color: str
    linestyle: Any
    marker: str


def rule_styles(families: Mapping[str, str] | Iterable[str]) -> dict[str, RuleStyle]:
    """Return a look for each rule: a hue and a marker per family, shades and dashes within it.

    All figures of learning rules take `families`, and use these looks. A rule called
    'backpropagation' is grey, with a star, in whatever family.

    Parameters
    ----------
    families : dict of str to str, or sequence of str
        The family of each rule; or only the rules, each of which is then its own family.

    Returns
    -------
    dict of str to RuleStyle
        There are 11 hues; families beyond share them, with other markers and dashes.

    Raises
    ------
    InputError
        If there is no rule, or a name is not a text.

    Examples
    --------
    >>> styles = rule_styles({"node": "perturbation", "weight": "perturbation", "DTP": "targets"})
    >>> [style.marker for style in styles.values()]
    ['o', 'o', 's']
    """
    members: dict[str, list[str]] = {}
    for rule, family in _family_of_each(families).items():
        members.setdefault(family, []).append(rule)
    for rules in members.values():
        if REFERENCE in rules:
            rules.remove(REFERENCE)
    styles = {}
    for k, rules in enumerate(rules for rules in members.values() if rules):
        again, k = divmod(k, len(_HUES))
        hue, marker = _HUES[k], _MARKERS[(k + again) % len(_MARKERS)]
        for m, rule in enumerate(rules):
            shade = _shaded(hue, m, len(rules))
            styles[rule] = RuleStyle(shade, _LINES[(m + again) % len(_LINES)], marker)
    styles[REFERENCE] = RuleStyle(BESIDE, "-", "*")
    return {rule: styles[rule] for rule in _family_of_each(families)}


def check_rules(
    name: str, values: Any, families: Any
) -> tuple[dict[str, Any], dict[str, str], dict[str, RuleStyle]]:
    """Check that there is something of each rule, and that the families of all of them are known.

    Returns
    -------
    values : dict of str to Any
    families : dict of str to str
        Of the rules in `values`; all in '' if there are none.
    styles : dict of str to RuleStyle
    """
    if not isinstance(values, Mapping) or not values:
        raise InputError(f"{name} is {show(values)}; it has to be a dict with at least one rule.")
    if families is None:
        if not all(is_text(rule) and rule for rule in values):
            raise InputError(f"{name} is {show(values)}; its keys have to be the names of rules.")
        return dict(values), dict.fromkeys(values, ""), rule_styles(list(values))
    known = _family_of_each(families)
    for rule in values:
        if not isinstance(rule, str) or rule not in known:
            raise InputError(
                f"families has no rule {show(rule)}, which {name} has.{nearest(rule, known)}"
            )
    return dict(values), {rule: known[rule] for rule in values}, rule_styles(families)


def _family_of_each(families: Any) -> dict[str, str]:
    """The family of each rule, a name of its own for each if there are only rules."""
    named = families
    if not isinstance(families, Mapping):
        try:
            named = {} if isinstance(families, str) else {rule: rule for rule in families}
        except Exception:  # a foreign object may raise anything
            named = {}
    texts = [text for pair in named.items() for text in pair]
    if not texts or not all(is_text(text) and text for text in texts):
        raise InputError(
            f"families is {show(families)}; it has to be a dict with the family of each rule."
        )
    return dict(named)


def _shaded(hue: str, k: int, count: int) -> str:
    """The k-th of so many shades of a hue, from dark to pale; the hue itself if it is the only."""
    from matplotlib.colors import to_hex, to_rgb

    if count == 1:
        return hue
    own = np.array(to_rgb(hue))
    luma = float(_LUMA @ own)
    dark = max(luma - _DARKER, min(luma, _DARKEST))
    pale = min(luma + _PALER, max(luma, _PALEST))
    wanted = dark + (pale - dark) * k / (count - 1)
    end = 0.0 if wanted < luma else 1.0
    toward = (wanted - luma) / (end - luma)
    red, green, blue = own + toward * (end - own)
    return to_hex((red, green, blue))


def check_range(name: str, values: np.ndarray, least: float, most: float) -> np.ndarray:
    """Check what is no NaN; rounding may lead beyond, and is taken back."""
    beyond = (values < least - 1e-5) | (values > most + 1e-5)
    if beyond.any():
        raise InputError(
            f"{name} holds {values[beyond][0]:g}; every element has to be from {least:g} to "
            f"{most:g}, or NaN."
        )
    return np.clip(values, least, most)


def logarithmic(ax: Axes, along: str, values: np.ndarray, beyond: float = 1.25) -> None:
    """Make the x or the y axis logarithmic, a factor longer than values above 0, with few ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set(**{f"{along}scale": "log"})
    values = values[values > NOTHING]
    if not values.size:
        values = np.array([1.0, 10.0])
    low, high = values.min() / beyond, values.max() * beyond
    ax.set(**{f"{along}lim": (low, high)})
    axis = ax.xaxis if along == "x" else ax.yaxis
    crowding = int(math.log10(high) - math.log10(low)) + (along == "x")
    axis.set_major_locator(LogLocator(subs=_ROUND[min(crowding, len(_ROUND) - 1)]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
