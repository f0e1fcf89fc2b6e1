"""What a model would change if it learned now: `Update`, and how a loop measures it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim.errors import InputError
from spikesim.kernels import probes

if TYPE_CHECKING:
    from spikesim.learning.loops import LoopSimulation

__all__ = ["Update", "update_of_loop"]


class Update(NamedTuple):
    """What a model would change, for one unit of learning rate.

    For models that learn from examples, it is averaged over the examples; for models that learn
    patterns in time, over the steps of one loop.

    Attributes
    ----------
    dW : list of numpy.ndarray, shapes of ``net.W``
    db : list of numpy.ndarray, shapes of ``net.b``
        Empty if the model has no biases.
    delta : list of numpy.ndarray, shapes (examples, units) or (steps, units)
        What each layer learns from in every example or step: -dE/da, or what stands for it.

    Examples
    --------
    >>> from spikesim.models.feedback_alignment import FeedbackAlignment
    >>> net = FeedbackAlignment((4, 3, 2), backend="python")
    >>> update = net.update(np.eye(4), [0, 1, 0, 1])
    >>> [dW.shape for dW in update.dW], update.delta[-1].shape
    ([(4, 3), (3, 2)], (4, 2))
    """

    dW: list[np.ndarray]
    db: list[np.ndarray]
    delta: list[np.ndarray]


def update_of_loop(net: LoopSimulation, pattern: Any, target: Any) -> Update:
    """Show a pattern twice to a copy that measures, and take the sums of the second loop.

    The loop that counts begins with step 1, as a chunk ends with a step whose number is a multiple
    of its length.
    """
    model, steps = net.model, net.rehearse(pattern, target)
    sums = [model.summed(layer) for layer in net.above_input]
    if all(each is None for each in sums):
        raise InputError(
            f"update of {type(model).__name__} is not known: `summed` returns no array. It has to "
            "return what the rule has added up for a layer's weights where net.applies is false."
        )
    errors = [model.learned_from(layer) for layer in net.above_input]
    delta = [np.full((steps, layer.n), np.nan) for layer in net.above_input]
    net.network.run_steps(1)
    for each in sums:
        if each is not None:
            each.fill(0)
    for error, rows in zip(errors, delta, strict=True):
        if error is not None:
            state = {"value": error, "buffer": rows, "which": np.arange(len(error))}
            net.network.add_phase(
                probes.sample, probes.sampled, state=state, params={"every": 1, "first": 1}
            )
    net.network.run_steps(steps)
    dW = [
        np.zeros(W.shape) if each is None else each.astype(np.float64) / steps
        for each, W in zip(sums, model.W, strict=True)
    ]
    return Update(dW, [], delta)
