"""Minibatches and optimisers: how a product of two activities changes weights.

`learn` turns what a rule asks for, ``M += rate pre^T post``, into Phases. If a batch is one example
and the optimiser is plain, they apply the product at once. Otherwise they sum it over the batch and
apply the sum at its end. A copy of the dynamics that only measures sums the product and never
applies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikesim.kernels import updates as bodies
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.model import Simulation
from spikesim.learning.parameters import ModelParameters, choice, number, per_layer, whole

__all__ = ["UpdateParameters", "count_updates", "end_of_batch", "learn", "start_of_batch", "thin"]

_RULES = {
    "plain": bodies.PLAIN,
    "momentum": bodies.MOMENTUM,
    "rmsprop": bodies.RMSPROP,
    "adam": bodies.ADAM,
}


class UpdateParameters(ModelParameters):
    """The parameters of learning rates, minibatches and optimisers."""

    eta: tuple[float, ...] = per_layer(0.05, "learning rate", symbol="η", at_least=0.0)
    bias_rate: float = number(1.0, "learning rate of biases, times that of weights", at_least=0.0)
    decay: float = number(0.0, "of weights per update", symbol="λ", at_least=0.0, below=1.0)
    batch: int = whole(1, "examples per update; 1: online", at_least=1, at_most=100_000)
    reduction: str = choice("mean", "sum", about="of the products of a batch")
    optimizer: str = choice("plain", "momentum", "rmsprop", "adam")
    momentum: float = number(0.9, "of `momentum` and `adam`", at_least=0.0, below=1.0)
    forget: float = number(
        0.999, "what `rmsprop` and `adam` keep of mean squares", at_least=0.0, below=1.0
    )
    floor: float = number(1e-8, "added to the root of mean squares", above=0.0)


def is_online(net: Simulation) -> bool:
    """Whether every product is applied at once."""
    return _batch(net) == 1 and getattr(net.p, "optimizer", "plain") == "plain"


def _batch(net: Simulation) -> int:
    return getattr(net.p, "batch", 1)


def start_of_batch(net: Simulation) -> tuple[Callable, ...]:
    """The conditions for `Layer.phase(when=)` to act once per update, before its first example.

    Parameters
    ----------
    net : Simulation

    Returns
    -------
    tuple of callable
        Empty if every example is an update.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> start_of_batch(FeedbackAlignment((4, 2), batch=1, backend="python").training)
    ()
    """
    return () if _batch(net) == 1 or not net.applies else (bodies.at_start_of_batch,)


def end_of_batch(net: Simulation) -> tuple[Callable, ...]:
    """The conditions for `Layer.phase(when=)` to act once per update, with its last example.

    Parameters
    ----------
    net : Simulation

    Returns
    -------
    tuple of callable
        Empty if every example is an update.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> len(end_of_batch(FeedbackAlignment((4, 2), batch=5, backend="python").training))
    1
    """
    return () if _batch(net) == 1 or not net.applies else (bodies.at_end_of_batch,)


def count_updates(net: Simulation, when: tuple[Callable, ...] = ()) -> Iterator[Wired]:
    """Count updates, for optimisers whose first steps differ from later ones.

    `learn` counts them by itself. A model that uses optimisers without `learn` has to count before
    they act.

    Parameters
    ----------
    net : Simulation
    when : tuple of callable
        As in `Layer.phase`: the step of a trial that counts.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 2), optimizer="adam", backend="python").training
    >>> [each.phase.body.__name__ for each in count_updates(net)]
    ['count_update']
    """
    if net.applies and not is_online(net):
        updates = net.moments.setdefault("updates", np.zeros(1, np.int64))
        net.shared.arrays["updates"] = updates
        yield net.output.phase(bodies.count_update, "once", (*when, *end_of_batch(net)))


def thin(layers: list[Layer], chance: np.random.Generator, absent: float) -> None:
    """Remove a random fraction of the output's W and of all B, for good.

    Parameters
    ----------
    layers : list of Layer
        As `LayeredModel.weights` gets them; they get arrays ``W_mask`` and ``B_mask``.
    chance : numpy.random.Generator
    absent : float
        The fraction that is removed.

    Examples
    --------
    >>> from spikesim.learning.layers import Shared, linked
    >>> layers = linked((4, 2), Shared(None))
    >>> layers[-1].arrays["W"] = np.ones((4, 2))
    >>> thin(layers, np.random.default_rng(0), absent=0.5)
    >>> bool((layers[-1].W == layers[-1].W_mask).all())
    True
    """
    arrays = [(layers[-1], "W"), *((layer, "B") for layer in layers[1:-1] if "B" in layer.arrays)]
    for layer, name in arrays if absent else ():
        present = chance.random(layer.arrays[name].shape) >= absent
        layer.arrays[f"{name}_mask"] = present.astype(np.float64)
        layer.arrays[name] = layer.arrays[name] * present


def learn(
    net: Simulation,
    layer: Layer,
    name: str,
    pre: np.ndarray | None,
    post: np.ndarray,
    rate: float,
    decay: float = 0.0,
    when: tuple[Callable, ...] = (),
    less: tuple[np.ndarray, np.ndarray] | None = None,
    then: tuple[Callable, ...] | None = None,
) -> Iterator[Wired]:
    """Change an array of a layer by products: ``M <- (1 - decay) M + rate pre^T post``.

    Parameters
    ----------
    net : Simulation
    layer : Layer
    name : str
        The name of the array: weights [pre, post], or biases.
    pre : numpy.ndarray or None
        Activities of its rows; None for biases. In a three-factor rule, the eligibilities of all
        synapses, of the shape of the array: ``M <- (1 - decay) M + rate pre post``.
    post : numpy.ndarray
        Activities of its columns, or what the units learn from.
    rate : float
        The learning rate; negative if `post` is an error that the weights are to reduce.
    decay : float
        Per update; no rate multiplies it.
    when : tuple of callable
        The steps in which the product is taken; by default all.
    less : pair of numpy.ndarray, optional
        Activities of rows and of columns whose product is taken off the first, for weights.
    then : tuple of callable, optional
        The step of a trial in which the sum of what other steps gave is applied; by default, each
        step is applied by itself.

    Yields
    ------
    Wired

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 2), backend="python").training
    >>> output = net.output
    >>> steps = learn(net, output, "W", net.input.h, output.delta, 0.1)
    >>> [each.phase.body.__name__ for each in steps]
    ['add_product']
    """
    M = layer.arrays[name]
    numbers = {"rate": rate, "kept": 1.0 - decay}
    arrays = {"M": M, "post": post} if pre is None else {"M": M, "pre": pre, "post": post}
    online, summed = bodies.add_product, bodies.sum_product
    if pre is None:
        online, summed = bodies.add_bias, bodies.sum_bias
    elif pre.ndim == 2:
        online, summed = bodies.add_eligible, bodies.sum_eligible
        arrays["E"] = arrays.pop("pre")
    elif less is not None:
        online, summed = bodies.contrast, bodies.sum_contrast
        arrays["pre_less"], arrays["post_less"] = less
    each, columns, at_end = ("unit" if pre is None else "block"), M.shape[-1], when
    if net.applies and is_online(net) and then is None:
        yield layer.phase(online, each, when, many=columns, **arrays, **numbers)
    else:
        arrays["M"] = total = layer.arrays[f"{name}_sum"] = np.zeros(M.shape, M.dtype)
        sign = -1.0 if rate < 0.0 and not net.applies else 1.0
        yield layer.phase(summed, each, when, many=columns, sign=sign, **arrays)
        last = when if then is None else then
        at_end = (*last, *end_of_batch(net))
        if net.applies:
            if net.p.optimizer != "plain" and "updates" not in net.shared.arrays:
                yield from count_updates(net, last)
            yield _applied(net, layer, name, total, at_end, numbers)
    if net.applies and f"{name}_mask" in layer.arrays:
        mask = layer.arrays[f"{name}_mask"]
        yield layer.phase(bodies.keep_sparse, "row", at_end, many=M.shape[0], M=M, mask=mask)


def _applied(
    net: Simulation,
    layer: Layer,
    name: str,
    total: np.ndarray,
    when: tuple[Callable, ...],
    numbers: dict[str, float],
) -> Wired:
    """Apply the sum of a batch to an array, and begin a new sum."""
    p, M = net.p, layer.arrays[name]
    given: dict[str, Any] = {"M": M, "M_sum": total, "mean": int(p.reduction == "mean"), **numbers}
    is_bias = M.ndim == 1
    if p.optimizer == "plain":
        body = bodies.apply_bias if is_bias else bodies.apply
    else:
        body = bodies.optimize_bias if is_bias else bodies.optimize
        given.update(rule=_RULES[p.optimizer], momentum=p.momentum, forget=p.forget)
        given.update(log_momentum=_log(p.momentum), log_forget=_log(p.forget), floor=p.floor)
        for moment in ("first", "second"):
            given[moment] = np.zeros(M.shape, M.dtype)
            net.moments[f"{layer.name} {name} {moment}"] = given[moment]
    return layer.phase(body, "unit" if is_bias else "row", when, many=M.shape[0], **given)


def _log(x: float) -> float:
    return math.log(x) if x > 0.0 else -1e4
