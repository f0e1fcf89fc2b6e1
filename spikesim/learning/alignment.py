"""How far a learning rule is from backpropagation: angles in degrees, bias and variance.

An angle of 90 degrees carries no information; learning needs less than that on average. No measure
changes weights, states or random numbers. The entry of a layer is NaN if it has nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikesim.checks import check_array, check_integer
from spikesim.kernels import units
from spikesim.learning.images import ImageModel, Update
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.model import Simulation

__all__ = [
    "angle",
    "backpropagated",
    "cosines",
    "delta_angle",
    "mean_cosine",
    "measured",
    "norm_ratio",
    "snr",
    "update_angle",
    "weight_angle",
]


def angle(x: Any, y: Any) -> float:
    """The angle between two arrays, in degrees; NaN if one of them is 0.

    Examples
    --------
    >>> round(angle([1.0, 0.0], [1.0, 1.0]), 6)
    45.0
    """
    x = check_array("x", x, dtype=np.float64)
    y = check_array("y", y, shape=x.shape, dtype=np.float64)
    # Both are divided by their largest entry, as squares might be too large or small for a number.
    most = float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0))
    if 0.0 in most:
        return np.nan
    x, y = np.ravel(x) / most[0], np.ravel(y) / most[1]
    cosine = x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def delta_angle(net: ImageModel, x: Any, targets: Any) -> np.ndarray:
    """The angle between each hidden layer's delta and backpropagation's, averaged over examples.

    Parameters
    ----------
    net : ImageModel
    x, targets
        As in `ImageModel.learn`; a fixed set of about 200 examples.

    Returns
    -------
    numpy.ndarray, shape (hidden layers,)
        In degrees; the average leaves out examples in which one of the deltas is 0.
    """
    own, reference = net.update(x, targets).delta, net.gradient(x, targets).delta
    found = []
    for d, bp in zip(own[:-1], reference[:-1], strict=True):
        each = [angle(a, b) for a, b in zip(d, bp, strict=True)]
        found.append(np.nanmean(each) if np.isfinite(each).any() else np.nan)
    return np.array(found)


def update_angle(net: ImageModel, x: Any, targets: Any) -> np.ndarray:
    """The angle between each layer's weight change for a batch and that of backpropagation.

    Parameters
    ----------
    net : ImageModel
    x, targets
        As in `ImageModel.learn`.

    Returns
    -------
    numpy.ndarray, shape (layers,)
    """
    own, reference = net.update(x, targets).dW, net.gradient(x, targets).dW
    return np.array([angle(a, b) for a, b in zip(own, reference, strict=True)])


def _feedback(net: ImageModel) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each hidden layer: its feedback weights, the path to their source, and W above it."""
    layers = net._training.layers
    own = getattr(net, "B", ())
    for m, layer in enumerate(layers[1:-1]):
        W = [each.astype(np.float64) for each in net.W]
        source = net.source(layer).index
        path = W[m + 1]
        for k in range(m + 2, source):
            path = path @ W[k]
        yield (own[m] if len(own) else np.zeros((0, 0))), path.T, W[m + 1]


def weight_angle(net: ImageModel) -> np.ndarray:
    """The angle between each hidden layer's feedback weights and the transposed forward path.

    The path is the weights of the layer above. If the feedback comes directly from the output, it
    is the product of all weights up to there.
    """
    return np.array([angle(B, path) if B.size else np.nan for B, path, _ in _feedback(net)])


def norm_ratio(net: ImageModel) -> np.ndarray:
    """The norm of each hidden layer's feedback weights, over that of the weights above it."""
    return np.array(
        [
            np.linalg.norm(B) / np.linalg.norm(W) if B.size and W.any() else np.nan
            for B, _, W in _feedback(net)
        ]
    )


def _repeated(net: ImageModel, x: Any, targets: Any, repeats: int) -> list[list[np.ndarray]]:
    """For each layer, its weight changes in repeated presentations of the same examples."""
    check_integer("repeats", repeats, at_least=2)
    drawn: list[Update] = [net.update(x, targets, draw) for draw in range(repeats)]
    return [list(of_layer) for of_layer in zip(*(each.dW for each in drawn), strict=True)]


def mean_cosine(net: ImageModel, x: Any, targets: Any, repeats: int = 100) -> np.ndarray:
    """The cosine between the mean change and that of backpropagation.

    If it is below 1, a stochastic rule is biased.

    Parameters
    ----------
    net : ImageModel
    x, targets
        As in `ImageModel.learn`.
    repeats : int
        How many changes of a stochastic rule are drawn, at the same weights.

    Returns
    -------
    numpy.ndarray, shape (layers,)
    """
    pairs = zip(_repeated(net, x, targets, repeats), net.gradient(x, targets).dW, strict=True)
    return np.array([np.cos(np.radians(angle(np.mean(own, axis=0), bp))) for own, bp in pairs])


def snr(net: ImageModel, x: Any, targets: Any, repeats: int = 100) -> np.ndarray:
    """The norm of the mean change over the root of its summed variances.

    It is infinite if the rule is not stochastic.

    Parameters
    ----------
    net : ImageModel
    x, targets, repeats
        As in `mean_cosine`.

    Returns
    -------
    numpy.ndarray, shape (layers,)
    """
    found = []
    for own in _repeated(net, x, targets, repeats):
        spread = float(np.sqrt(np.var(own, axis=0, ddof=1).sum()))
        mean = float(np.linalg.norm(np.mean(own, axis=0)))
        found.append(mean / spread if spread > 1e-12 * mean else np.inf)
    return np.array(found)


# --------------------------------------------------------------------- while a network learns


def backpropagated(net: Simulation, into: str = "delta") -> Iterator[Wired]:
    """Send the output's delta down through the weights, into an array of each hidden layer."""
    for layer in reversed(net.hidden):
        above: Layer = layer.above
        sent = above.arrays["delta" if above.is_output else into]
        yield layer.phase(units.send_down, received=layer.arrays[into], sent=sent)


def measured(net: Simulation) -> Iterator[Wired]:
    """With `measure_angle`, write the cosine between delta and backpropagation's to 'cosine'."""
    if net.p.measure_angle:
        yield from backpropagated(net, "delta_bp")
        yield from cosines(net, "delta", "delta_bp")


def cosines(
    net: Simulation, own: str, reference: str, when: Callable | None = None
) -> Iterator[Wired]:
    """Write the cosine between two arrays of each hidden layer to the result 'cosine'."""
    for layer in net.hidden:
        pair = {"own": layer.arrays[own], "reference": layer.arrays[reference]}
        given: dict[str, Any] = {**pair, "nan": float("nan")}
        yield layer.phase(units.measure_cosine, "once", when, **given)
