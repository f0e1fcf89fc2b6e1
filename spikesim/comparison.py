"""Measured numbers beside known ones: the table with which an experiment ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from spikesim.checks import is_real, show
from spikesim.errors import InputError

__all__ = ["Comparison", "comparison_table"]


class Comparison(NamedTuple):
    """One number that an experiment measures.

    Parameters
    ----------
    quantity : str
        With its unit: ``"event rate at 0 pA (Hz)"``.
    ours : float
    reference : float
        The number of the authors' program, or NaN if there is only a bound.
    low, high : float
        The bounds between which `ours` has to lie.

    Examples
    --------
    >>> Comparison("burst probability (%)", 51.2, 51.7, 47.7, 55.7).holds
    True
    """

    quantity: str
    ours: float
    reference: float = math.nan
    low: float = -math.inf
    high: float = math.inf

    @property
    def holds(self) -> bool:
        """Whether `ours` lies within the bounds."""
        return bool(self.low <= self.ours <= self.high)


def comparison_table(comparisons: Sequence[Comparison]) -> str:
    """The lines of a table; comparisons that do not hold are marked MISSED.

    Examples
    --------
    >>> rows = [Comparison("event rate (Hz)", 4.19, 4.14, 3.5, 4.8), Comparison("r", 0.8, low=0.9)]
    >>> print(comparison_table(rows))
    quantity         ours  reference  bounds
    event rate (Hz)  4.19       4.14  3.5 to 4.8
    r                 0.8             at least 0.9  MISSED
    """
    rows = [("quantity", "ours", "reference", "bounds", "")]
    if isinstance(comparisons, Comparison) or not isinstance(comparisons, (list, tuple)):
        raise InputError(f"comparisons is {show(comparisons)}; it has to be a list of Comparison.")
    for k, row in enumerate(comparisons):
        if not isinstance(row, Comparison) or not isinstance(row.quantity, str):
            raise InputError(
                f"comparisons[{k}] is {show(row)}; it has to be a Comparison, its quantity a text."
            )
        for name, value in row._asdict().items():
            if name != "quantity" and not _is_float(value):
                raise InputError(
                    f"{name} of {row.quantity!r} is {show(value)}; it has to be a number."
                )
        row = Comparison(row.quantity, *map(float, row[1:]))
        reference = "" if math.isnan(row.reference) else f"{row.reference:.4g}"
        missed = "" if row.holds else "MISSED"
        rows.append((row.quantity, f"{row.ours:.4g}", reference, _bounds(row), missed))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{name:<{widths[0]}}  {ours:>{widths[1]}}  {reference:>{widths[2]}}  "
        f"{bounds:<{widths[3] if missed else 0}}  {missed}".rstrip()
        for name, ours, reference, bounds, missed in rows
    ]
    return "\n".join(lines)


def _is_float(value: Any) -> bool:
    if not is_real(value):
        return False
    try:
        float(value)
    except OverflowError:  # a whole number beyond 1e308
        return False
    return True


def _bounds(row: Comparison) -> str:
    if math.isinf(row.low) and math.isinf(row.high):
        return ""
    if math.isinf(row.high):
        return f"at least {row.low:.4g}"
    if math.isinf(row.low):
        return f"at most {row.high:.4g}"
    return f"{row.low:.4g} to {row.high:.4g}"
