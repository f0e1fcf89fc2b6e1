"""Synapse models: variables of the postsynaptic neuron that spikes change, and their current.

In each step, after arriving spikes have added their weights,

    total_j <- total_j + current(variables, voltage),      which the neuron's equations read   (1)
    variables <- step(variables),                          as they are when the step ends      (2)

`advance` does this for functions that users write; `bound` makes a body from it and from the
arguments of these functions. The functions of the synapses that come with spikesim are

    x' = kept_x x,      g' = kept_g g + fed x                                                  (3)
    I = g (E - v)                                                                              (4)
    I = g (E - v) / (1 + Mg / 3.57 exp(-0.062 v))                                              (5)

(3) is exact for two exponentials: x, which spikes add to, decays with one time constant and feeds
the conductance g, which decays with the other. (5) is the block of Jahr & Stevens (1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType, FunctionType

from spikesim.kernels.functions import exp
from spikesim.kernels.spikes import bounds, parts

__all__ = ["advance", "bound", "magnesium_blocked", "ohmic", "targets", "two_exponentials"]


def targets(t, s, p):
    """The number of blocks of neurons."""
    return parts(p.n, p)


def advance(c, t, s, p):
    """(1) and (2) for the neurons of block `c`."""
    first, last = bounds(c, p.n, p)
    for j in range(first, last):
        change(j, s, p)  # noqa: F821 - bound when it is known what the functions ask for


def bound(
    step: Callable,
    current: Callable,
    asked: tuple[Sequence[str], Sequence[str]],
    variables: Sequence[str],
) -> Callable:
    """`advance` for the functions of a user.

    Parameters
    ----------
    step, current : callable
    asked : pair of sequences of str
        The code for the arguments of `step` and of `current`, in terms of ``j``, ``s`` and ``p``.
    variables : sequence of str
        The variables that take the results of `step`.
    """
    names = [f"x{k}" for k in range(len(variables))]
    text = "\n".join(
        [
            "def change(j, s, p):",
            f"    s.total[j] = s.total[j] + current({', '.join(asked[1])})",
            f"    {', '.join(names)} = step({', '.join(asked[0])})",
            *(f"    {place} = {name}" for place, name in zip(variables, names, strict=True)),
        ]
    )
    scope = {"__name__": __name__, "step": step, "current": current}
    own = FunctionType(_function(text), scope)
    body = FunctionType(advance.__code__, {**advance.__globals__, "change": own}, "advance")
    body.__module__ = __name__
    return body


@lru_cache(maxsize=256)
def _function(text: str) -> CodeType:
    code = compile(text, f"<{__name__}>", "exec")
    return next(each for each in code.co_consts if isinstance(each, CodeType))


def two_exponentials(g, x, kept_g, kept_x, fed):
    """(3)."""
    return kept_g * g + fed * x, kept_x * x


def ohmic(g, v, E):
    """(4)."""
    return g * (E - v)


def magnesium_blocked(g, v, E, Mg):
    """(5)."""
    return g * (E - v) / (1.0 + Mg / 3.57 * exp(-0.062 * v))
