"""Weights of a sign that is likely not meant, as a neuron declares it for its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikesim.errors import warn

if TYPE_CHECKING:
    from spikesim.engine.population import Population

__all__ = ["check_sign"]


def check_sign(population: Population, target: str, what: str, weights: float | np.ndarray) -> None:
    """Warn of weights onto a variable that have the other sign than `Variable.sign`."""
    declared = population.neuron.variables.get(target)
    sign = getattr(declared, "sign", 0)
    if not sign or not np.size(weights):
        return
    wrong = np.min(weights) if sign > 0 else np.max(weights)
    if sign * wrong < 0.0:
        meaning = getattr(declared, "meaning", "")
        warn(
            f"weight of {what} is {wrong:g}; onto {target} of {population.name!r} it is meant to "
            f"be at {'least' if sign > 0 else 'most'} 0{f' ({meaning})' if meaning else ''}."
        )
