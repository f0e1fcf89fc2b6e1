"""How far a learning rule is from backpropagation: angles in degrees, bias and variance.

An angle of 90 degrees carries no information; learning needs less than that on average. No measure
changes weights, states or random numbers. The entry of a layer is NaN if it has nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_number
from spikesim.errors import InputError
from spikesim.kernels import units
from spikesim.learning.batches import BatchModel
from spikesim.learning.classifiers import MeasuredClassifier
from spikesim.learning.images import ImageModel
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.measures import Update
from spikesim.learning.model import Simulation

__all__ = [
    "BiasAndNoise",
    "FeedbackJacobian",
    "angle",
    "backpropagated",
    "bias_and_noise",
    "cosines",
    "delta_angle",
    "feedback_jacobian",
    "mean_cosine",
    "measured",
    "norm_ratio",
    "snr",
    "update_angle",
    "weight_angle",
]

MOST_UPDATES = 2**20  # each has its own draw
PARTS = 2000  # of the draws of all examples; how their means differ tells the noise


def angle(x: Any, y: Any) -> float:
    """The angle between two arrays, in degrees; NaN if one of them is 0.

    Parameters
    ----------
    x, y : array_like, of the same shape

    Returns
    -------
    float
        From 0 to 180.

    Raises
    ------
    InputError
        If an entry is no finite number, or the shapes differ.

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


def delta_angle(net: MeasuredClassifier, x: Any, targets: Any) -> np.ndarray:
    """The angle between each hidden layer's delta and backpropagation's, averaged over examples.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets
        As in `ImageModel.learn`; a fixed set of about 200 examples.

    Returns
    -------
    numpy.ndarray, shape (hidden layers,)
        In degrees; the average leaves out examples in which one of the deltas is 0.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), feedback="backprop", backend="python")
    >>> delta_angle(net, np.eye(4), [0, 1, 0, 1]).round(1)
    array([0.])
    """
    own, reference = net.update(x, targets).delta, net.gradient(x, targets).delta
    found = []
    for d, bp in zip(own[:-1], reference[:-1], strict=True):
        each = [angle(a, b) for a, b in zip(d, bp, strict=True)]
        found.append(np.nanmean(each) if np.isfinite(each).any() else np.nan)
    return np.array(found)


def update_angle(net: MeasuredClassifier, x: Any, targets: Any) -> np.ndarray:
    """The angle between each layer's weight change for a batch and that of backpropagation.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets
        As in `ImageModel.learn`.

    Returns
    -------
    numpy.ndarray, shape (layers,)

    In degrees.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), feedback="backprop", backend="python")
    >>> update_angle(net, np.eye(4), [0, 1, 0, 1]).round(1)
    array([0., 0.])
    """
    own, reference = net.update(x, targets).dW, net.gradient(x, targets).dW
    return np.array([angle(a, b) for a, b in zip(own, reference, strict=True)])


def _feedback(
    net: MeasuredClassifier,
) -> Iterator[tuple[np.ndarray | None, np.ndarray, np.ndarray]]:
    """For each hidden layer: its feedback weights, the path to their source, and W above it."""
    W = [each.astype(np.float64) for each in net.W]
    if isinstance(net, BatchModel):
        pairs = list(zip(net.feedback_weights(), range(2, len(net.sizes)), strict=True))
    elif isinstance(net, ImageModel):
        hidden = net._training.layers[1:-1]
        pairs = [(net.feedback_weights(each), net.source(each).index) for each in hidden]
    for m, (B, source) in enumerate(pairs):
        path = W[m + 1]
        for k in range(m + 2, source):
            path = path @ W[k]
        yield B, path.T, W[m + 1]


def weight_angle(net: MeasuredClassifier) -> np.ndarray:
    """The angle between each hidden layer's feedback weights and the transposed forward path.

    The path is the weights of the layer above. If the feedback comes directly from the output, it
    is the product of all weights up to there. A layer without feedback weights of its own has NaN.

    Parameters
    ----------
    net : ImageModel or BatchModel

    Returns
    -------
    numpy.ndarray, shape (hidden layers,)
        In degrees.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> net.B[0] = net.W[1].T
    >>> weight_angle(net).round(3)
    array([0.])
    """
    return np.array([np.nan if B is None else angle(B, path) for B, path, _ in _feedback(net)])


def norm_ratio(net: MeasuredClassifier) -> np.ndarray:
    """The norm of each hidden layer's feedback weights, over that of the weights above it.

    Parameters
    ----------
    net : ImageModel or BatchModel

    Returns
    -------
    numpy.ndarray, shape (hidden layers,)
        NaN for a layer without feedback weights of its own.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> net.B[0] = 2.0 * net.W[1].T
    >>> norm_ratio(net).round(6)
    array([2.])
    """
    return np.array(
        [
            np.nan if B is None or not W.any() else np.linalg.norm(B) / np.linalg.norm(W)
            for B, _, W in _feedback(net)
        ]
    )


def _repeated(
    net: MeasuredClassifier, x: Any, targets: Any, repeats: int
) -> list[list[np.ndarray]]:
    """For each layer, its weight changes in repeated presentations of the same examples."""
    check_integer("repeats", repeats, at_least=2)
    drawn: list[Update] = [net.update(x, targets, draw) for draw in range(repeats)]
    return [list(of_layer) for of_layer in zip(*(each.dW for each in drawn), strict=True)]


def mean_cosine(net: MeasuredClassifier, x: Any, targets: Any, repeats: int = 100) -> np.ndarray:
    """The cosine between the mean change and that of backpropagation.

    If it is below 1, a stochastic rule is biased.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets
        As in `ImageModel.learn`.
    repeats : int
        How many changes of a stochastic rule are drawn, at the same weights.

    Returns
    -------
    numpy.ndarray, shape (layers,)

    Raises
    ------
    InputError
        If examples do not fit the network, or `repeats` is below 2.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), feedback="backprop", backend="python")
    >>> mean_cosine(net, np.eye(4), [0, 1, 0, 1], repeats=2).round(6)
    array([1., 1.])
    """
    pairs = zip(_repeated(net, x, targets, repeats), net.gradient(x, targets).dW, strict=True)
    return np.array([np.cos(np.radians(angle(np.mean(own, axis=0), bp))) for own, bp in pairs])


def snr(net: MeasuredClassifier, x: Any, targets: Any, repeats: int = 100) -> np.ndarray:
    """The norm of the mean change over the root of its summed variances.

    It is infinite if the rule is not stochastic.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets, repeats
        As in `mean_cosine`.

    Returns
    -------
    numpy.ndarray, shape (layers,)

    Raises
    ------
    InputError
        If examples do not fit the network, or `repeats` is below 2.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> snr(net, np.eye(4), [0, 1, 0, 1], repeats=2)
    array([inf, inf])
    """
    found = []
    for own in _repeated(net, x, targets, repeats):
        spread = float(np.sqrt(np.var(own, axis=0, ddof=1).sum()))
        mean = float(np.linalg.norm(np.mean(own, axis=0)))
        found.append(mean / spread if spread > 1e-12 * mean else np.inf)
    return np.array(found)


class BiasAndNoise(NamedTuple):
    """How an update of one example relates to the gradient of a set of examples.

    Attributes
    ----------
    cosine : numpy.ndarray, shape (layers,)
        Between the mean update and backpropagation's; 1 if the rule is unbiased.
    snr : numpy.ndarray, shape (layers,)
        The norm of the mean update over the root of the summed variances of a single one.
    overall_cosine, overall_snr : float
        The same over the weights of all layers together.

    Examples
    --------
    >>> BiasAndNoise(np.array([1.0]), np.array([0.5]), 1.0, 0.5).overall_snr
    0.5
    """

    cosine: np.ndarray
    snr: np.ndarray
    overall_cosine: float
    overall_snr: float


def bias_and_noise(net: MeasuredClassifier, x: Any, targets: Any, draws: int = 1) -> BiasAndNoise:
    """How biased and how noisy single updates are, as a plane for all rules (Ghosh et al. 2023).

    An update is the weight change by one example and one draw of all that is random, for one unit
    of learning rate in each layer. Updates differ between examples, so the signal-to-noise ratio of
    a deterministic rule is finite.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets
        As in `ImageModel.learn`.
    draws : int
        Updates of each example. With at least 2, what is left of the noise of draws in the mean is
        subtracted from its squared norm. Then the cosine of a stochastic rule does not depend on
        how many draws there are, but it is an estimate, which may exceed 1 a little. The smaller
        the snr, the more draws it needs: hundreds. A deterministic rule needs one.

    Returns
    -------
    BiasAndNoise
        NaN where an update or gradient is 0 or not known, or where more than half of the squared
        mean is noise; a single update has no snr. A model whose `gradient` is the mean of its own
        updates is compared with nothing, so its cosines are NaN.

    Raises
    ------
    InputError
        If examples do not fit the network.

    Examples
    --------
    >>> from spikesim import datasets
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> digits = datasets.load_digits()
    >>> net = FeedbackAlignment((64, 20, 10), feedback="backprop", backend="python")
    >>> found = bias_and_noise(net, digits.test_images[:5], digits.test_labels[:5])
    >>> found.cosine.round(4)
    array([1., 1.])
    """
    x, _, wanted = net._examples(x, targets)
    draws = check_integer("draws", draws, at_least=1, at_most=MOST_UPDATES // len(x))
    apiece = min(draws, max(2, PARTS // len(x)))
    parts = [len(part) for part in np.array_split(np.arange(draws), apiece)]
    mean, gradient = ([np.zeros(W.shape) for W in net.W] for _ in range(2))
    of_examples, of_draws = np.zeros(len(mean)), np.zeros(len(mean))
    try:
        changes = net._changes(x, wanted, parts)
        for k in range(1, len(x) + 1):
            of_parts = [next(changes) for _ in parts]
            own = [np.average(each, axis=0, weights=parts) for each in zip(*of_parts, strict=True)]
            for part, many in zip(of_parts, parts, strict=True):
                apart = [each - of_own for each, of_own in zip(part, own, strict=True)]
                of_draws += many * _products(apart, apart)
            apart = [new - old for new, old in zip(own, mean, strict=True)]
            of_examples += (1.0 - 1.0 / k) * _products(apart, apart)
            mean = [old + new / k for old, new in zip(mean, apart, strict=True)]
        gradient = net.gradient(x, wanted).dW if net.KNOWS_GRADIENT else [g + np.nan for g in mean]
    except (InputError, NotImplementedError):  # a rule without `learn`, or without a way back
        mean = [each + np.nan for each in mean]
    n = len(x)
    of_draws /= n * max(len(parts) - 1, 1)  # the variance of the updates of an example
    left = of_draws / (draws * n)  # what is left of it in the mean
    variance = of_draws + (of_examples / (n - 1) - of_draws / draws if n > 1 else 0.0)
    found = [_products(mean, mean), left, variance, _products(mean, gradient)]
    found.append(_products(gradient, gradient))
    size, left, variance, along, target = (np.append(each, each.sum()) for each in found)
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = np.where(size < 2.0 * left, np.nan, size - left)
        cosine, snr = along / np.sqrt(signal * target), np.sqrt(signal / variance)
    if n * draws == 1:
        snr[:] = np.nan
    return BiasAndNoise(cosine[:-1], snr[:-1], float(cosine[-1]), float(snr[-1]))


def _products(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> np.ndarray:
    """The scalar product of two arrays, layer by layer."""
    return np.array([np.vdot(x, y) for x, y in zip(a, b, strict=True)])


class FeedbackJacobian(NamedTuple):
    """How the deltas of hidden layers depend on the error of the output.

    Attributes
    ----------
    condition : numpy.ndarray, shape (hidden layers,)
        The largest singular value over the smallest one, of those that are above rounding.
    rank : numpy.ndarray, shape (hidden layers,)
        The participation ratio of the singular values, (sum s^2)^2 / sum s^4: in how many
        directions feedback arrives.

    Examples
    --------
    >>> FeedbackJacobian(np.array([12.0]), np.array([3.5])).rank
    array([3.5])
    """

    condition: np.ndarray
    rank: np.ndarray


def feedback_jacobian(
    net: MeasuredClassifier, x: Any, targets: Any, step: float = 0.1
) -> FeedbackJacobian:
    """The derivative of each hidden layer's delta by the target, averaged over examples.

    As the error of an output unit is its target minus its activity, this is the derivative by the
    error. It is taken from central differences, with the same random numbers on both sides.

    Parameters
    ----------
    net : ImageModel or BatchModel
    x, targets
        As in `ImageModel.learn`; 50 examples are enough.
    step : float
        By how much targets change to either side.

    Returns
    -------
    FeedbackJacobian
        Means over the examples in which the derivative is not 0. NaN where there is none; where
        other random numbers give another derivative, as in rules that hear a single number; and
        where deltas are not known.

    Raises
    ------
    InputError
        If examples do not fit the network.

    Examples
    --------
    >>> from spikesim import datasets
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> digits = datasets.load_digits()
    >>> net = FeedbackAlignment((64, 20, 10), backend="python")
    >>> rank = feedback_jacobian(net, digits.test_images[:3], digits.test_labels[:3]).rank
    >>> bool(1.0 < rank[0] < 10.0)
    True
    """
    x, _, wanted = net._examples(x, targets)
    step = check_number("step", step, above=0.0)
    found = FeedbackJacobian(*(np.full(len(net.sizes) - 2, np.nan) for _ in range(2)))
    few = slice(min(len(x), 10))
    try:
        one, other = (_by_target(net, x[few], wanted[few], step, draw) for draw in (0, 1))
        known = [_agree(*pair) for pair in zip(one, other, strict=True)]
        J = _by_target(net, x, wanted, step, 0) if any(known) else one
    except (InputError, NotImplementedError):  # a rule without `learn`
        return found
    for m in np.flatnonzero(known):
        s = np.linalg.svd(J[m], compute_uv=False)
        s = s[s[:, 0] > 0.0]
        rounding = max(J[m].shape[1:]) * float(np.finfo(net.dtype).eps) / step
        s[s <= rounding * s[:, :1]] = np.nan
        found.condition[m] = np.mean(s[:, 0] / np.nanmin(s, axis=1))
        found.rank[m] = np.mean(np.nansum(s**2, axis=1) ** 2 / np.nansum(s**4, axis=1))
    return found


def _by_target(
    net: MeasuredClassifier, x: np.ndarray, wanted: np.ndarray, step: float, draw: int
) -> list[np.ndarray]:
    """The derivative of each hidden layer's delta, shape (examples, outputs, units)."""
    found = [np.zeros((len(x), wanted.shape[1], n)) for n in net.sizes[1:-1]]
    for j in range(wanted.shape[1]):
        for sign in (1.0, -1.0):
            moved = wanted.copy()
            moved[:, j] += sign * step
            for J, delta in zip(found, net.update(x, moved, draw).delta[:-1], strict=True):
                J[:, j] += sign * delta / (2.0 * step)
    return found


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two derivatives point in the same direction, in the mean over examples."""
    axes = (1, 2)
    lengths = np.sqrt(np.sum(one**2, axes) * np.sum(other**2, axes))
    along = np.sum(one * other, axes)[lengths > 0.0] / lengths[lengths > 0.0]
    return bool(along.size and along.mean() > 0.5)


# --------------------------------------------------------------------- while a network learns


def backpropagated(net: Simulation, into: str = "delta") -> Iterator[Wired]:
    """Send the output's delta down through the weights, into an array of each hidden layer.

    Parameters
    ----------
    net : Simulation
    into : str
        The name of that array.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 3, 2), backend="python").training
    >>> [each.layer.name for each in backpropagated(net)]
    ['hidden_2', 'hidden_1']
    """
    for layer in reversed(net.hidden):
        above: Layer = layer.above
        sent = above.arrays["delta" if above.is_output else into]
        yield layer.phase(units.send_down, received=layer.arrays[into], sent=sent)


def measured(net: Simulation) -> Iterator[Wired]:
    """With `measure_angle`, write the cosine between delta and backpropagation's to 'cosine'.

    Parameters
    ----------
    net : Simulation
        Its hidden layers have the arrays ``delta`` and ``delta_bp``.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), measure_angle=True, backend="python").training
    >>> [each.phase.body.__name__ for each in measured(net)]
    ['send_down', 'measure_cosine']
    """
    if net.p.measure_angle:
        yield from backpropagated(net, "delta_bp")
        yield from cosines(net, "delta", "delta_bp")


def cosines(
    net: Simulation, own: str, reference: str, when: Callable | None = None
) -> Iterator[Wired]:
    """Write the cosine between two arrays of each hidden layer to the result 'cosine'.

    Parameters
    ----------
    net : Simulation
    own, reference : str
        The names of the arrays.
    when : callable or tuple of callable, optional
        As for `Layer.phase`; by default in every step.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), measure_angle=True, backend="python").training
    >>> [each.layer.name for each in cosines(net, "delta", "delta_bp")]
    ['hidden_1']
    """
    for layer in net.hidden:
        pair = {"own": layer.arrays[own], "reference": layer.arrays[reference]}
        given: dict[str, Any] = {**pair, "nan": float("nan")}
        yield layer.phase(units.measure_cosine, "once", when, **given)
