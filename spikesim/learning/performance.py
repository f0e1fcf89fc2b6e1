"""What a network that classifies images costs, withstands, and needed to learn.

All models of images are measured alike. No measure changes weights, states or random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_array, check_integer, check_number
from spikesim.learning.classifiers import MeasuredClassifier
from spikesim.learning.images import ImageModel
from spikesim.learning.layers import Layer
from spikesim.learning.model import TEST, Simulation

__all__ = ["Operations", "examples_to", "jittered_error", "noisy_error", "synaptic_operations"]

MOST = 1000.0  # deviation of noise; what is drawn has to stay finite


class Operations(NamedTuple):
    """What it takes to classify each of some images.

    Attributes
    ----------
    spikes : numpy.ndarray, shape (images,)
        Of all neurons in all steps of a test trial, pixels that spike included; NaN if there are
        no spikes.
    operations : numpy.ndarray, shape (images,)
        Of synapses. With spikes: the sum over spikes of the synapses that the spike goes through,
        one for each neuron at their ends. Without: the weights through which rates pass in a step,
        times the steps of a test trial; one of a pixel that is 0 counts, too.

    Examples
    --------
    >>> float(Operations(np.array([3.0]), np.array([12.0])).operations.mean())
    12.0
    """

    spikes: np.ndarray
    operations: np.ndarray


def synaptic_operations(net: MeasuredClassifier, images: Any) -> Operations:
    """Count the spikes and synaptic operations of a test of each image.

    Parameters
    ----------
    net : ImageModel or BatchModel
    images : array_like
        As in `ImageModel.predict`.

    Returns
    -------
    Operations

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> synaptic_operations(net, np.ones((1, 4))).operations
    array([18.])
    """
    images = net._check_images("images", images)
    n = len(images)
    if isinstance(net, ImageModel) and net._training.network.populations:
        return _spiking_operations(net, images)
    each = float(sum(W.size for W in net.W))
    if isinstance(net, ImageModel):
        arrays = [layer.arrays for layer in net._training.layers]
        each = float(sum(own[name].size for own in arrays for name in net.PASSED if name in own))
        each *= float(net.lengths(1, TEST).sum())
    return Operations(np.full(n, np.nan), np.full(n, each))


def _spiking_operations(net: ImageModel, images: np.ndarray) -> Operations:
    sim, n = net._simulation(TEST), len(images)
    populations = sim.network.populations
    recordings = [
        (sim.network.record_spikes(populations[layer.name]), _fan_out(sim, layer))
        for layer in sim.layers
        if layer.name in populations
    ]
    labels, lengths = np.zeros(n, np.int64), net.lengths(n, TEST)
    sim.show(images, labels, net._wanted(labels))
    for k in range(n):
        sim.clear()
        sim.run(np.array([k]), lengths[k : k + 1], k)
    ends = np.cumsum(lengths.sum(axis=1))
    found = Operations(np.zeros(n), np.zeros(n))
    for recording, synapses in recordings:
        steps = np.rint(recording.t / sim.network.dt).astype(np.int64)
        spikes = np.bincount(np.searchsorted(ends, steps, side="right"), minlength=n)
        found.spikes[:] += spikes
        found.operations[:] += synapses * spikes
    return found


def _fan_out(sim: Simulation, layer: Layer) -> int:
    """Through how many synapses a spike of the layer goes."""
    projections = sim.network.projections.values()
    if projections:
        return sum(each.post.n for each in projections if each.pre.name == layer.name)
    return 0 if layer.is_output else layer.above.n


def jittered_error(
    net: MeasuredClassifier, images: Any, labels: Any, jitter: float, seed: int = 0
) -> float:
    """The test error with weights that are off: W (1 + jitter xi), xi standard normal.

    Parameters
    ----------
    net : ImageModel or BatchModel
        Its weights are the same afterwards.
    images, labels
        As in `ImageModel.evaluate`.
    jitter : float
        The relative deviation of weights, at most 1000; biases and feedback have none.
    seed : int
        ``numpy.random.default_rng(seed)`` draws xi, layer by layer.

    Returns
    -------
    float
        In percent.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> jittered_error(net, np.ones((1, 4)), [net.predict(np.ones(4))[0]], 0.0)
    0.0

    Raises
    ------
    InputError
        If images or labels do not fit the network, or `jitter` or `seed` is impossible.
    """
    jitter = check_number("jitter", jitter, at_least=0.0, at_most=MOST)
    chance = np.random.default_rng(check_integer("seed", seed, at_least=0))
    kept = [W.copy() for W in net.W]
    try:
        for m, W in enumerate(kept):
            net.W[m] = W * (1.0 + jitter * chance.standard_normal(W.shape))
        return net.evaluate(images, labels)
    finally:
        for m, W in enumerate(kept):
            net.W[m] = W


def noisy_error(
    net: MeasuredClassifier, images: Any, labels: Any, noise: float, seed: int = 0
) -> float:
    """The test error with Gaussian noise on all pixels, which stay between 0 and 1.

    Parameters
    ----------
    net : ImageModel or BatchModel
    images, labels
        As in `ImageModel.evaluate`.
    noise : float
        Its deviation, at most 1000; the brightest pixel is 1.
    seed : int
        ``numpy.random.default_rng(seed)`` draws the noise of all images at once.

    Returns
    -------
    float
        In percent.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> noisy_error(net, np.ones((1, 4)), [net.predict(np.ones(4))[0]], 0.0)
    0.0

    Raises
    ------
    InputError
        If images or labels do not fit the network, or `noise` or `seed` is impossible.
    """
    images = net._check_images("images", images)
    noise = check_number("noise", noise, at_least=0.0, at_most=MOST)
    chance = np.random.default_rng(check_integer("seed", seed, at_least=0))
    pixels = images / (255.0 if images.dtype == np.uint8 else 1.0)
    pixels += noise * chance.standard_normal(pixels.shape)
    return net.evaluate(np.clip(pixels, 0.0, 1.0), labels)


def examples_to(errors: Sequence[float | None], examples_per_epoch: int, level: float) -> float:
    """How many examples had been seen when the test error was first at a level, or below it.

    Parameters
    ----------
    errors : sequence of float or None
        The test error after each epoch, as in ``net.history["test_error"]``; None or NaN after an
        epoch without a test.
    examples_per_epoch : int
    level : float
        In percent, as the errors.

    Returns
    -------
    float
        NaN if the level was never reached.

    Examples
    --------
    >>> examples_to([12.0, 6.0, 4.5], 1000, 5.0)
    3000.0

    Raises
    ------
    InputError
        If errors or level are no numbers, or an epoch has no examples.
    """
    if isinstance(errors, (list, tuple)):
        errors = [np.nan if each is None else each for each in errors]
    found = check_array("errors", errors, shape=(None,), dtype=np.float64, finite=False)
    many = check_integer("examples_per_epoch", examples_per_epoch, at_least=1)
    reached = np.flatnonzero(found <= check_number("level", level))
    return float(many * (reached[0] + 1)) if reached.size else np.nan
