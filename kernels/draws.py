"""Random numbers that a body draws itself: ``normal(s, i)`` and ``uniform(s, i)``.

A number is a function of the seed, the body, the step, the index i and the number of the draw. It
is therefore the same on every backend, and in however many calls a run is made. The first three are
in ``s.random_key``, an array that a network gives to bodies that draw. Its row is (step, stream,
low and high word of the seed); `tick` writes step and seed, which a network may change between
runs.
The counter of Philox is (i, step mod 2^32, step div 2^32 xor 2^16 times the number of the draw,
stream).
"""

from __future__ import annotations

from spikesim.kernels.chance import bell, philox
from spikesim.kernels.functions import fraction

__all__ = ["DRAWS", "KEY", "keys", "normal", "tick", "uniform"]

KEY = "random_key"
"""The name of the array in a state."""


def normal(s, i, draw=0):
    """A standard normal random number, for index i in this step.

    Parameters
    ----------
    s : state
        The state of the body.
    i : int
        The index to which the number belongs: that of the body, or any from 0 to 2^32 - 1.
    draw : int
        Distinguishes several numbers of one body, index and step, 0 to 65535. Each call in a body
        needs a different one.

    Returns
    -------
    float

    Examples
    --------
    >>> from spikesim import Network, Neuron
    >>> def step(i, t, s, p):
    ...     s.v[i] += p.sigma * normal(s, i) + p.rate * normal(s, i, 1)
    >>> cell = Neuron([step], {"v": 0.0}, {"sigma": 0.1, "rate": 0.01})
    >>> net = Network(dt=0.1, seed=1, backend="python")
    >>> cells = net.add_population("cells", 10, cell)
    >>> net.run(1.0)
    """
    word_0, word_1, _, _ = words(s.random_key, int(i), int(draw))
    return bell(word_0, word_1)


def uniform(s, i, draw=0):
    """A random number in [0, 1), for index i in this step, independent of all of `normal`.

    It is a multiple of 2^-24 in float32, and of 2^-53 in float64.

    Parameters
    ----------
    s, i, draw
        As for `normal`; the two count draws separately.

    Returns
    -------
    float

    Examples
    --------
    >>> from spikesim import Network, Neuron
    >>> def step(i, t, s, p):
    ...     s.spike[i] = 1 if uniform(s, i) < p.chance else 0
    >>> net = Network(dt=1.0, seed=1, backend="python")
    >>> cells = net.add_population("cells", 10, Neuron([step], {}, {"chance": 0.1}))
    >>> net.run(5.0)
    """
    _, _, word_2, word_3 = words(s.random_key, int(i), int(draw))
    return fraction(word_2, word_3)


def words(key, i, draw):
    """The four words of a draw."""
    t = int(key[0])
    return philox(i, t, (t >> 32) ^ (draw << 16), int(key[1]), int(key[2]), int(key[3]))


def keys(t, s, p):
    """An `over`: all keys of a network."""
    return s.keys.shape[0]


def tick(k, t, s, p):
    """Write the step and the seed into a key."""
    s.keys[k, 0] = t
    s.keys[k, 2] = p.seed_low
    s.keys[k, 3] = p.seed_high


DRAWS = (normal, uniform)
"""The functions that draw."""
