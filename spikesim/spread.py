"""Weights and delays that are spread normally around a mean, for `Network.connect`.

    net.connect(pre, post, target="I_exc", synapses=10_000,
                weight=weights(0.5, 0.1), delay=delays(1.5, 0.5, net.dt))

They follow the conventions of the models that were published for NEST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikesim.checks import check_number

__all__ = ["delays", "weights"]


@dataclass(frozen=True)
class Draw:
    """A function of a generator and a size which any thread may call while others draw, too."""

    function: Callable[[np.random.Generator, int], np.ndarray]

    def __call__(self, chance: np.random.Generator, size: int) -> np.ndarray:
        return self.function(chance, size)


def weights(mean: float, relative_sd: float) -> Draw:
    """Weights of one sign: what would have the other sign is 0.

    Parameters
    ----------
    mean : float
        Above 0 or below.
    relative_sd : float
        The standard deviation, as a share of the mean.

    Returns
    -------
    callable
        ``weight`` of `Network.connect`.

    Raises
    ------
    InputError
        If a number is not finite, or `relative_sd` below 0.

    Examples
    --------
    >>> weights(-2.0, 0.1)(np.random.default_rng(1), 3).round(1)
    array([-1.7, -2.3, -1.8], dtype=float32)
    """
    # As a number of NumPy, each is applied in float64 before the weight is rounded to float32.
    mean = np.float64(check_number("mean", mean))
    sd = check_number("relative_sd", relative_sd, at_least=0.0) * abs(mean)

    def draw(chance: np.random.Generator, size: int) -> np.ndarray:
        drawn = _normal(mean, sd, chance, size)
        return drawn.clip(0.0, out=drawn) if mean > 0.0 else drawn.clip(max=0.0, out=drawn)

    return Draw(draw)


def delays(mean: float, relative_sd: float, dt: float) -> Draw:
    """Delays from the spike to its effect; those that would be rounded to 0 are drawn again.

    A neuron spikes at the end of a step, but a spike acts from the start of the step in which it
    arrives. So what is drawn is one step longer than the delay from the spike to its effect.

    Parameters
    ----------
    mean : float
        In ms, at least dt / 2.
    relative_sd : float
        The standard deviation, as a share of the mean.
    dt : float
        The step of the network in ms.

    Returns
    -------
    callable
        ``delay`` of `Network.connect`.

    Raises
    ------
    InputError
        If a number is not finite, or out of range.

    Examples
    --------
    >>> delays(1.5, 0.5, 0.1)(np.random.default_rng(1), 3).round(1)
    array([2.9, 0.5, 2.4], dtype=float32)
    """
    dt = check_number("dt", dt, above=0.0, unit="ms")
    mean = check_number("mean", mean, at_least=0.5 * dt, unit="ms")
    sd = check_number("relative_sd", relative_sd, at_least=0.0) * mean

    def draw(chance: np.random.Generator, size: int) -> np.ndarray:
        drawn = _normal(mean, sd, chance, size)
        short = np.flatnonzero(drawn < 0.5 * dt)
        while short.size:
            drawn[short] = again = _normal(mean, sd, chance, short.size)
            short = short[again < 0.5 * dt]
        return np.add(np.maximum(drawn, dt, out=drawn), dt, out=drawn)

    return Draw(draw)


def _normal(mean: float, sd: float, chance: np.random.Generator, size: int) -> np.ndarray:
    # A projection may have tens of millions of synapses: float32 takes half the memory.
    drawn = chance.standard_normal(size, dtype=np.float32)
    return np.add(np.multiply(drawn, sd, out=drawn), mean, out=drawn)
