"""Whether all numbers of a network are finite, and which one is not."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

__all__ = ["is_finite", "not_finite"]

_FEW = 1 << 12


def is_finite(array: np.ndarray) -> bool:
    """Whether no number of an array is NaN or infinite.

    The caller decides whether NumPy warns of sums that overflow.

    Examples
    --------
    >>> is_finite(np.array([1.0, 2.0])), is_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    # One pass and no temporary array: a sum is finite unless a part is not, or nearly so. For few
    # numbers, the sum of their squares takes a third of the time.
    if array.size < _FEW:
        flat = array if array.ndim == 1 else array.reshape(-1)
        total = flat.dot(flat)
    else:
        total = np.add.reduce(array, axis=None)
    return isfinite(total) or bool(np.isfinite(array).all())


@np.errstate(over="ignore", invalid="ignore")  # of sums; `is_finite` then looks at their parts
def not_finite(network: Any) -> tuple[str, str] | None:
    """What is NaN or infinite, and what the reason may be; None if nothing is."""
    for population in network.populations.values():
        # Spikes under way to a neuron count, too: they would be saved.
        for held in (population.state, population.rings):
            for name, array in held.items():
                if array.dtype.kind == "f" and not is_finite(array):
                    place = tuple(np.argwhere(~np.isfinite(array))[0])
                    where = f"{name} of neuron {place[-1]} in population {population.name!r}"
                    reason = "a weight or a rate that is too large, or a dt that is too long"
                    return f"{where} is {array[place]}", reason
    for projection in network.projections.values():
        if (part := projection.not_finite()) is not None:
            where = f"{part} of projection {projection.name!r}"
            return f"{where} is NaN or infinite", "a learning rate that is too large"
    return None
