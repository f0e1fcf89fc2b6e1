"""The forward pass of layered rate networks, with a choice of activations, outputs and losses.

    a_l = h_{l-1} W_l + b_l,   h_l = f(a_l)
    delta_L = -dE/da_L,        E the loss of one example

| output        | h_L        | E                                             | delta_L             |
|---------------|------------|-----------------------------------------------|---------------------|
| `softmax`     | softmax(a) | -sum target log h                             | target - h          |
| `logistic_ce` | logistic   | -sum target log h + (1-target) log(1-h)       | target - h          |
| `logistic`    | logistic   | sum (target - h)^2 / 2                        | (target - h) h (1-h)|
| `linear`      | a          | sum (target - h)^2 / 2                        | target - h          |

Some models also have units that are `hard`: a, but at least 0 and at most 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikesim.kernels import units
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.model import Simulation
from spikesim.learning.parameters import choice, flag, number
from spikesim.learning.updates import UpdateParameters

__all__ = [
    "ForwardParameters",
    "RateParameters",
    "activated",
    "drawn",
    "forward",
    "forward_arrays",
    "judged",
    "read_out",
    "spread",
]

_ACTIVATIONS = {
    "logistic": units.logistic,
    "tanh": units.tanh,
    "relu": units.relu,
    "linear": units.linear,
    "hard": units.hard,
}
_LOSSES = {
    "softmax": units.cross_entropy,
    "logistic_ce": units.binary_cross_entropy,
    "logistic": units.squared_error,
    "linear": units.squared_error,
    "hard": units.squared_error,
}


class RateParameters(UpdateParameters):
    """The parameters of layers of rate units that begin with random weights."""

    initial: str = choice("glorot", "uniform", "normal", about="law of the initial weights")
    W_size: float = number(
        0.1, "range of `uniform` and deviation of `normal` weights", symbol="ω", at_least=0.0
    )
    measure_angle: bool = flag(False, "record the angle to backpropagation in every epoch")


class ForwardParameters(RateParameters):
    """The options of layered rate networks with a forward pass."""

    activation: str = choice("logistic", "tanh", "relu", "linear", about="of hidden units")
    output: str = choice("softmax", "logistic_ce", "logistic", "linear", about="with its loss")
    output_slope: bool = flag(True, "delta of a `logistic` output has the factor h (1 - h)")


def forward_arrays(layer: Layer, p: ForwardParameters) -> dict[str, Any]:
    """The arrays that the forward pass, its error and the angle need.

    Parameters
    ----------
    layer : Layer
    p : ForwardParameters

    Returns
    -------
    dict of str to int
        Name → shape, as `LayeredModel.arrays` returns them.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python").training
    >>> forward_arrays(net.hidden[0], net.p)
    {'a': 3, 'h': 3, 'slope': 3, 'delta': 3}
    """
    if layer.is_input:
        return {"h": layer.n}
    names = ["a", "h", "slope", "delta", *(["e", "target"] if layer.is_output else [])]
    return dict.fromkeys([*names, "delta_bp"] if p.measure_angle else names, layer.n)


def forward(net: Simulation) -> Iterator[Wired]:
    """Show an example; compute all layers, the answer, the loss and the output's error.

    Parameters
    ----------
    net : Simulation
        Its parameters are `ForwardParameters`.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 2), backend="python").training
    >>> [each.phase.body.__name__ for each in forward(net)]
    ['show', 'drive', 'softmax', 'answer', 'cross_entropy', 'output_error']
    """
    p, output = net.p, net.output
    yield net.input.phase(units.show, "once")
    for layer in net.above_input:
        yield layer.phase(units.drive, "block")
        yield activated(layer, p)
    yield from read_out(net)
    sloped = p.output == "logistic" and p.output_slope
    yield output.phase(units.output_error, sloped=int(sloped))


def activated(layer: Layer, p: Any, when: tuple[Callable, ...] = (), **given: Any) -> Wired:
    """From the drive of a layer to its activity and slope, by `p.activation` or `p.output`.

    Parameters
    ----------
    layer : Layer
    p : ForwardParameters, or others with these two choices
    when, **given
        As in `Layer.phase`: other arrays in place of a, h and slope.

    Returns
    -------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python").training
    >>> activated(net.hidden[0], net.p).phase.body.__name__
    'logistic'
    """
    kind = p.activation
    if layer.is_output:
        kind = "logistic" if p.output == "logistic_ce" else p.output
    if kind == "softmax":
        return layer.phase(units.softmax, "once", when, **given)
    return layer.phase(_ACTIVATIONS[kind], "unit", when, **given)


def judged(output: Layer, p: Any, when: tuple[Callable, ...] = (), **given: Any) -> Wired:
    """The loss of the output, by `p.output`.

    Parameters
    ----------
    output : Layer
    p : ForwardParameters, or others with this choice
    when, **given
        As in `Layer.phase`: other arrays in place of h, target and loss.

    Returns
    -------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python").training
    >>> judged(net.output, net.p).phase.body.__name__
    'cross_entropy'
    """
    return output.phase(_LOSSES[p.output], "once", when, **given)


def read_out(net: Simulation, when: tuple[Callable, ...] = ()) -> Iterator[Wired]:
    """Read the answer and the loss from the activity of the output.

    Parameters
    ----------
    net : Simulation
    when : tuple of callable
        As in `Layer.phase`.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python").training
    >>> [each.phase.body.__name__ for each in read_out(net)]
    ['answer', 'cross_entropy']
    """
    yield net.output.phase(units.answer, "once", when)
    yield judged(net.output, net.p, when)


def drawn(chance: np.random.Generator, p: RateParameters, pre: int, post: int) -> np.ndarray:
    """Draw initial weights by the law that the parameters choose.

    Parameters
    ----------
    chance : numpy.random.Generator
    p : RateParameters
    pre, post : int
        Units below, and units of the layer.

    Returns
    -------
    numpy.ndarray, shape (pre, post)

    Examples
    --------
    >>> p = RateParameters.checked(1, {"initial": "glorot"})
    >>> drawn(np.random.default_rng(0), p, 4, 3).shape
    (4, 3)
    """
    if p.initial == "glorot":  # it keeps the variance of signals, up and down
        return spread(chance, "uniform", float(np.sqrt(6.0 / (pre + post))), (pre, post))
    return spread(chance, p.initial, p.W_size, (pre, post))


def spread(
    chance: np.random.Generator, law: str, size: float, shape: tuple[int, ...]
) -> np.ndarray:
    """Draw numbers around 0.

    Parameters
    ----------
    chance : numpy.random.Generator
    law : {'normal', 'uniform'}
    size : float
        The deviation of 'normal'; 'uniform' goes from -size to size.
    shape : tuple of int

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> bool((abs(spread(np.random.default_rng(0), "uniform", 0.1, (4, 3))) <= 0.1).all())
    True
    """
    if law == "normal":
        return chance.normal(0.0, size, shape)
    return chance.uniform(-size, size, shape)
