"""Stimuli for an `AdaptiveFilter`, and how its error falls while it learns."""

import numpy as np

from spikesim.checks import check_integer, check_memory, check_number
from spikesim.errors import SimulationError
from spikesim.training import random_numbers

__all__ = ["learning_curve", "rms", "sinusoids"]


def learning_curve(net, h, windows, n=0.0):
    """Run a filter; the rms error in each of several windows, infinite once it diverges."""
    slip = np.full(windows, np.inf)
    for k, (part, noise) in enumerate(
        zip(np.array_split(h, windows), np.array_split(n + 0.0 * h, windows), strict=True)
    ):
        try:
            slip[k] = rms(net.run(part, noise).e)
        except SimulationError:
            break
    return slip


def rms(x):
    """The root of the mean square."""
    size = max(np.abs(x).max(), 1e-300)  # so that no square overflows
    return float(size * np.sqrt(np.mean((x / size) ** 2)))


def sinusoids(seconds, low=0.05, high=2.0, seed=0, dt=10.0, n=20):
    """A stimulus of unit rms: sinusoids of random phases.

    Parameters
    ----------
    seconds : float
    low, high : float
        Frequencies in Hz; `n` of them are spaced evenly on a logarithmic scale.
    seed : int
    dt : float
        In ms.
    n : int

    Returns
    -------
    numpy.ndarray, shape (steps,)

    Examples
    --------
    >>> sinusoids(1.0).shape
    (100,)
    """
    dt = check_number("dt", dt, at_least=0.01, at_most=1000.0, unit="ms")
    seconds = check_number("seconds", seconds, above=0.0)
    n = check_integer("n", n, at_least=1)
    low = check_number("low", low, above=0.0, unit="Hz")
    high = check_number("high", high, at_least=low, at_most=1e6, unit="Hz")
    seed = check_integer("seed", seed, at_least=0)
    check_memory(f"seconds is {seconds:g} s", 32.0 * n * 1000.0 * seconds / dt)
    t = np.arange(round(1000.0 * seconds / dt)) * dt / 1000.0
    phases = random_numbers(seed, 1).uniform(0.0, 2.0 * np.pi, n)
    each = np.geomspace(low, high, n)
    return np.sqrt(2.0 / n) * np.sin(2.0 * np.pi * np.outer(t, each) + phases).sum(axis=1)
