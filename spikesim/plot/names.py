"""Names beside the dots of a figure, placed where they hide neither dots nor each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikesim.plot.style import BESIDE, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["name_dots"]

# Lengths are in points, of which an inch has 72.
_SIZE = 6.5  # of the letters
_GAP = 2.0  # between two names
_DOT = 3.5  # the radius of a dot
_FAR = (5.0, 9.0, 14.0, 20.0, 28.0, 38.0, 50.0, 64.0)  # from a dot to its name
_TURNS = np.pi * np.arange(16) / 8.0
_ALONG = np.linspace(0.1, 1.0, 8)  # the parts of a line that are looked at
_ROUNDS = 8
_ORDERS = 6

# What a place costs besides its distance.
_OUTSIDE = 1e5
_ON_A_NAME = 400.0
_CROSSING = 250.0  # a line that crosses another one, or a name
_ON_A_DOT = 400.0
_NEAR_A_DOT = 12.0  # which may then seem to have this name
_ON_A_SMALL_DOT = 6.0


def name_dots(ax: Axes, dots: np.ndarray, names: Sequence[str], others: np.ndarray) -> None:
    """Write a name beside each dot, with a line to it from where there was no place near.

    Scales, limits and labels of the axes have to be final.

    Parameters
    ----------
    dots : numpy.ndarray, shape (dots, 2)
        In units of the data.
    names : sequence of str
    others : numpy.ndarray, shape (others, 2)
        Smaller dots, which names rather do not hide.
    """
    from matplotlib.patheffects import withStroke

    if not names:
        return
    style: dict[str, Any] = {"fontsize": _SIZE, "color": INK, "ha": "center", "va": "center"}
    style["parse_math"] = False
    style["path_effects"] = [withStroke(linewidth=1.5, foreground="white")]
    figure = cast("Figure", ax.figure.figure)
    figure.draw_without_rendering()  # so that the axes have their size
    points = 72.0 / figure.dpi
    sizes = np.zeros((len(names), 2))
    for k, name in enumerate(names):
        text = ax.text(0.0, 0.0, name, **style)
        box = text.get_window_extent()
        sizes[k] = points * box.width, points * box.height
        text.remove()
    at, small = (points * ax.transData.transform(each) for each in (dots, others))
    frame = points * ax.get_window_extent().get_points()
    shifts = _Places(at, sizes, small, frame).found() - at
    for dot, name, size, shift in zip(dots, names, sizes, shifts, strict=True):
        end = _nearest(shift, size)
        line = {"arrowstyle": "-", "color": BESIDE, "linewidth": 0.5, "shrinkA": 0.5}
        line |= {"shrinkB": _DOT, "relpos": tuple(0.5 + (end - shift) / size)}
        note = ax.annotate(
            name,
            tuple(dot),
            tuple(shift),
            textcoords="offset points",
            arrowprops=line if np.hypot(*end) > _FAR[0] + 1.0 else None,
            **style,
        )
        note.set_in_layout(False)


class _Places:
    """Places of names, each by turns moved to where it costs least beside all others.

    Parameters
    ----------
    at : numpy.ndarray, shape (dots, 2)
    sizes : numpy.ndarray, shape (dots, 2)
        Of the names.
    small : numpy.ndarray, shape (others, 2)
    frame : numpy.ndarray, shape (2, 2)
        The lower left and the upper right corner, between which names have to be.
    """

    def __init__(self, at: np.ndarray, sizes: np.ndarray, small: np.ndarray, frame: np.ndarray):
        self.at, self.sizes, self.small, self.frame = at, sizes, small, frame
        self.middles = self.ends = np.full(at.shape, np.nan)

    def found(self) -> np.ndarray:
        """The middles of all names: the first that hide nothing, or the best of some orders."""
        count = len(self.at)
        apart = np.hypot(*np.moveaxis(self.at[:, None] - self.at, -1, 0))
        order = np.argsort((apart < _FAR[-1]).sum(axis=1), kind="stable")  # the crowd comes last
        chance = np.random.default_rng(0)  # the same figure each time
        best, least = self.middles, np.inf
        for _ in range(_ORDERS):
            costs = self._settle(order)
            if costs.sum() < least:
                best, least = self.middles, costs.sum()
            if not self._hidden():
                break
            order = chance.permutation(count)
        return best

    def _settle(self, order: np.ndarray) -> np.ndarray:
        """Place all names anew, until none moves; returns what each costs."""
        self.middles = np.full(self.at.shape, np.nan)  # of the names that have a place
        self.ends = np.full(self.at.shape, np.nan)  # of the lines from their dots
        costs = np.zeros(len(order))
        for _ in range(_ROUNDS):
            before = self.middles.copy()
            for k in order:
                costs[k] = self._move(k)
            if np.array_equal(before, self.middles):
                break
        return costs

    def _hidden(self) -> bool:
        """Whether a name hides a dot or another name."""
        half = 0.5 * self.sizes
        dots = _inside(self.at, self.middles, half[:, None])
        names = _inside(self.middles, self.middles, half[:, None] + half)
        return bool(dots.any() or np.triu(names, 1).any())

    def _move(self, k: int) -> float:
        dot, half = self.at[k], 0.5 * self.sizes[k]
        directions = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
        beside = half * np.clip(1.5 * directions, -1.0, 1.0)
        shifts = np.concatenate([far * directions + beside for far in _FAR])
        middles, ends = dot + shifts, dot + _nearest(shifts, 2.0 * half)
        lines = dot + _ALONG[:, None] * (ends - dot)[:, None]  # (places, along, 2)

        cost = np.hypot(*(ends - dot).T)
        outside = (middles - half < self.frame[0]) | (middles + half > self.frame[1])
        cost += _OUTSIDE * outside.any(axis=1)
        cost += _ON_A_DOT * _inside(self.at, middles, half + _DOT).sum(axis=1)
        cost += _ON_A_SMALL_DOT * _inside(self.small, middles, half).sum(axis=1)

        others = np.arange(len(self.at)) != k
        cost += _NEAR_A_DOT * _inside(self.at[others], middles, half + 2.5 * _DOT).sum(axis=1)
        touched = _inside(self.at[others], lines, _DOT).any(axis=1)
        cost += _ON_A_DOT * touched.sum(axis=1)
        others &= np.isfinite(self.middles[:, 0])
        there, names, tips = self.at[others], self.middles[others], self.ends[others]
        room = 0.5 * self.sizes[others] + _GAP
        cost += _ON_A_NAME * _inside(names, middles, half + room).sum(axis=1)
        cost += _CROSSING * _inside(names, lines, room).any(axis=1).sum(axis=1)
        theirs = there[:, None] + _ALONG[:, None] * (tips - there)[:, None]
        hit = _inside(theirs.reshape(-1, 2), middles, half).reshape(len(cost), -1, _ALONG.size)
        cost += _CROSSING * hit.any(axis=2).sum(axis=1)
        cost += _CROSSING * _cross(dot, ends, there, tips).sum(axis=1)

        best = int(np.argmin(cost))
        self.middles[k], self.ends[k] = middles[best], ends[best]
        return float(cost[best])


def _nearest(middle: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The point of a box, or of several, that is nearest to the origin."""
    return np.clip(0.0, middle - 0.5 * size, middle + 0.5 * size)


def _inside(points: np.ndarray, middles: np.ndarray, half: Any) -> np.ndarray:
    """Which points are in boxes of so many half widths and heights: shape (*middles, points)."""
    half = np.broadcast_to(half, np.broadcast_shapes(np.shape(half), (2,)))
    across = np.abs(middles[..., None, 0] - points[..., 0]) < half[..., 0]
    return across & (np.abs(middles[..., None, 1] - points[..., 1]) < half[..., 1])


def _cross(start: np.ndarray, ends: np.ndarray, starts: np.ndarray, tips: np.ndarray) -> np.ndarray:
    """Which lines from one start to `ends` cross which of some others: shape (ends, others)."""

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        (x, y), (u, v) = np.moveaxis(b - a, -1, 0), np.moveaxis(c - a, -1, 0)
        return np.sign(x * v - y * u)

    ends = ends[:, None]
    apart = side(start, ends, starts) * side(start, ends, tips) < 0.0
    return apart & (side(starts, tips, start) * side(starts, tips, ends) < 0.0)
