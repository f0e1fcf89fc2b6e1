"""Curves of event rates and burst probabilities over a dendritic current; those of the authors.

The authors' numbers are what their programs give (apayeur/spikingburstprop,
sim_normalization_of_bpcurves.cpp and sim_dendritic_transfer_func_modulation.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spikesim.checks import check_number
from spikesim.errors import InputError

__all__ = ["AUTHORS_INTERNEURONS", "AUTHORS_LATERAL", "Curves"]


class Curves(NamedTuple):
    """Event rates and burst probabilities over the dendritic current, a row for each condition.

    Attributes
    ----------
    weight : float64 array, shape (conditions,)
        Of the inhibition of dendrites.
    current : float64 array, shape (conditions,)
        In pA: into somata with lateral inhibition; out of SST+ cells, for VIP+ cells, with
        interneurons.
    dendritic_current : float64 array, shape (currents,)
        In pA.
    event_rate : float64 array, shape (conditions, currents)
        Events per second and neuron, in Hz.
    burst_probability : float64 array, shape (conditions, currents)
        Bursts per event, as a fraction; NaN without events. Above 1 only by chance: where nearly
        all events are bursts, some of those counted belong to events before the window.
    """

    weight: np.ndarray
    current: np.ndarray
    dendritic_current: np.ndarray
    event_rate: np.ndarray
    burst_probability: np.ndarray

    def condition(self, weight: float, current: float) -> int:
        """The row of a condition.

        Raises
        ------
        InputError
            If it was not measured.
        """
        weight = check_number("weight", weight)
        current = check_number("current", current, unit="pA")
        rows = np.flatnonzero((self.weight == weight) & (self.current == current))
        if rows.size == 0:
            raise InputError(
                f"There is no curve of weight {weight:g} and current {current:g} pA; there are "
                + ", ".join(f"({w:g}, {c:g})" for w, c in self.conditions)
                + "."
            )
        return int(rows[0])

    @property
    def conditions(self) -> list[tuple[float, float]]:
        """Weight and current of each row."""
        return [(float(w), float(c)) for w, c in zip(self.weight, self.current, strict=True)]

    def at(self, dendritic_current: float) -> int:
        """The column of a dendritic current.

        Raises
        ------
        InputError
            If it was not measured.
        """
        dendritic_current = check_number("dendritic_current", dendritic_current, unit="pA")
        columns = np.flatnonzero(self.dendritic_current == dendritic_current)
        if columns.size == 0:
            raise InputError(
                f"dendritic_current is {dendritic_current:g} pA; it has to be one of "
                + ", ".join(f"{c:g}" for c in self.dendritic_current)
                + "."
            )
        return int(columns[0])

    def current_for(self, burst_probability: float, weight: float, current: float) -> float:
        """The dendritic current (pA) at which a curve reaches this burst probability.

        Between measured currents the curve is taken to be straight; NaN if it stays below.

        Examples
        --------
        >>> round(AUTHORS_LATERAL.current_for(0.5, weight=0.0, current=0.0), 1)
        96.2
        """
        burst_probability = check_number("burst_probability", burst_probability, at_least=0.0)
        curve = self.burst_probability[self.condition(weight, current)]
        above = np.flatnonzero(curve >= burst_probability)
        if above.size == 0 or above[0] == 0:
            return float("nan")
        between = slice(above[0] - 1, above[0] + 1)
        return float(np.interp(burst_probability, curve[between], self.dendritic_current[between]))


def _authors(
    first: float, rows: dict[tuple[float, float], tuple[Sequence[float], Sequence[float]]]
) -> Curves:
    conditions = np.array(list(rows))
    rates = np.array([rate for rate, _ in rows.values()])
    percent = np.array([probability for _, probability in rows.values()])
    currents = first + 50.0 * np.arange(rates.shape[1])
    return Curves(conditions[:, 0], conditions[:, 1], currents, rates, percent / 100.0)


# By (weight, current): event rates in Hz and burst probabilities in percent.
AUTHORS_LATERAL: Curves = _authors(
    -100.0,
    {
        (0.0, 0.0): (
            (4.39, 4.36, 4.14, 3.84, 3.43, 3.15, 2.95, 2.89, 2.95, 3.06),
            (3.0, 6.1, 13.7, 29.2, 51.7, 76.1, 92.0, 98.0, 99.2, 99.5),
        ),
        (0.0, 100.0): (
            (6.68, 6.55, 6.08, 5.40, 4.64, 4.10, 3.81, 3.67, 3.70, 3.74),
            (4.1, 7.8, 15.7, 31.6, 54.6, 78.5, 92.6, 98.5, 99.4, 99.8),
        ),
        (0.0, 200.0): (
            (9.18, 8.82, 8.00, 6.84, 5.72, 4.94, 4.53, 4.37, 4.34, 4.34),
            (5.7, 9.6, 18.0, 34.1, 56.8, 79.8, 93.5, 98.4, 99.6, 99.5),
        ),
        (0.02, 0.0): (
            (4.39, 4.37, 4.16, 3.88, 3.49, 3.21, 2.98, 2.90, 2.93, 3.02),
            (2.9, 5.8, 12.8, 26.7, 47.7, 70.9, 88.7, 96.8, 98.9, 99.5),
        ),
        (0.02, 100.0): (
            (6.69, 6.58, 6.17, 5.55, 4.83, 4.29, 3.89, 3.71, 3.70, 3.72),
            (3.9, 7.2, 14.0, 27.8, 47.9, 70.7, 87.9, 96.7, 99.2, 99.6),
        ),
        (0.02, 200.0): (
            (9.22, 8.92, 8.22, 7.23, 6.12, 5.28, 4.72, 4.44, 4.36, 4.34),
            (5.3, 8.6, 15.4, 28.2, 47.5, 69.6, 87.3, 96.3, 99.0, 99.6),
        ),
    },
)
"""What the authors' program gives with lateral inhibition: means over three seeds."""

AUTHORS_INTERNEURONS: Curves = _authors(
    -50.0,
    {
        (0.0, 0.0): (
            (8.13, 7.73, 7.11, 6.00, 5.02, 4.29, 3.92, 3.78, 3.74, 3.75, 3.94, 4.07),
            (1.8, 5.5, 15.1, 33.0, 55.3, 79.5, 92.7, 98.2, 99.7, 100.0, 100.2, 100.3),
        ),
        (0.0005, 0.0): (
            (8.16, 7.82, 7.39, 6.49, 5.50, 4.70, 4.15, 3.87, 3.74, 3.73, 3.78, 3.85),
            (1.2, 4.2, 11.0, 24.1, 43.0, 64.9, 83.2, 94.2, 98.6, 99.9, 100.3, 100.4),
        ),
        (0.001, 0.0): (
            (8.18, 7.90, 7.59, 6.84, 5.95, 5.16, 4.49, 4.05, 3.82, 3.75, 3.75, 3.77),
            (0.8, 3.1, 8.2, 18.4, 33.8, 52.2, 71.0, 86.8, 95.5, 98.9, 99.7, 100.4),
        ),
        (0.001, 50.0): (
            (8.15, 7.80, 7.34, 6.47, 5.53, 4.77, 4.21, 3.91, 3.76, 3.73, 3.76, 3.81),
            (1.3, 4.5, 11.6, 24.7, 42.5, 62.8, 80.6, 92.8, 97.9, 99.6, 100.2, 100.6),
        ),
        (0.001, 100.0): (
            (8.14, 7.75, 7.17, 6.15, 5.23, 4.50, 4.04, 3.83, 3.75, 3.74, 3.79, 3.86),
            (1.7, 5.2, 14.1, 30.2, 50.0, 72.0, 87.4, 95.9, 99.0, 99.8, 100.3, 100.6),
        ),
    },
)
"""What the authors' program gives with interneurons, of the one seed that it has."""
