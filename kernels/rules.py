"""Plasticity rules that users write as functions of numbers, and the loops over synapses.

A rule is one to three functions. Each gets the weight w of a synapse and everything else that it
asks for by name, and returns the new values:

    a spike of neuron i arrives:    w_ij, E_ij <- on_pre(w_ij, E_ij, post_j),    then pre_i += 1
    neuron j fires:                 w_ij, E_ij <- on_post(w_ij, E_ij, pre_i),    then post_j += 1
    every so many steps:            w_ij, E_ij <- on_step(w_ij, E_ij)

Between spikes, traces decay exactly. Within a step, arriving spikes come first, then the neurons
advance, then their spikes count, and `on_step` ends the step. Spikes of one side and one step see
the traces of their side as they were before all of these spikes.

The loops below call a function `change` for each synapse, and `gather` for the numbers that all
synapses of a step share. `written` makes both from the arguments of the user's function, and
`bound` puts them into a loop. Traces have the unit of `spikesim.kernels.stdp`, so their cost is per
spike, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType, FunctionType

import numpy as np

from spikesim.kernels.spikes import bounds, parts, synapses_in_block
from spikesim.kernels.stdp import unit, units

__all__ = [
    "arriving",
    "bound",
    "bounded",
    "count_spikes",
    "each_row_dense",
    "each_row_sparse",
    "firing",
    "over_arrivals_dense",
    "over_arrivals_sparse",
    "over_spikes_dense",
    "over_spikes_sparse",
    "renew",
    "renewed",
    "sources",
    "written",
]


# ------------------------------------------------------------------------------------- traces


def renewed(t, s, p):
    """All neurons, in the first step of a period."""
    return s.trace.shape[0] if t % p.period == 0 else 0


def renew(i, t, s, p):
    """A trace in the new unit: over the last period, it has decayed by the factor `left`."""
    s.trace[i] = units(s.trace[i] * p.left)


def count_spikes(_, t, s, p):
    """Add 1 to the trace of a neuron for each of its spikes of the step `delay` ago."""
    slot = (t - p.delay) % s.ids.shape[0]
    spike = 1.0 / unit(t, p.period, p.rate)
    for a in range(s.count[slot]):
        s.trace[s.ids[slot, a]] += spike


# -------------------------------------------------------------------------- spikes that arrive


def arriving(t, s, p):
    """The number of blocks of targets if spikes arrive, else 0."""
    arrivals = s.count[(t - p.delay) % s.ids.shape[0]]
    return parts(p.targets, p) if arrivals > 0 and p.learning > 0 else 0


def over_arrivals_dense(c, t, s, p):
    """All synapses of the spikes that arrive, onto block `c` of the targets."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, p.targets, p)
    common = gather(t, s, p)  # noqa: F821 - bound when it is known what a rule asks for
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        for j in range(first, last):
            change(i, j, j, common, s, p)  # noqa: F821


def over_arrivals_sparse(c, t, s, p):
    """All synapses of the spikes that arrive, onto block `c` of the targets."""
    slot = (t - p.delay) % s.ids.shape[0]
    first, last = bounds(c, p.targets, p)
    common = gather(t, s, p)  # noqa: F821
    for a in range(s.count[slot]):
        i = s.ids[slot, a]
        low, high = synapses_in_block(s, i, first, last, p.targets)
        for e in range(low, high):
            change(i, s.target[e], e, common, s, p)  # noqa: F821


# ------------------------------------------------------------------------- spikes of this step


def firing(t, s, p):
    """The number of blocks of postsynaptic neurons if any neuron fires, else 0."""
    fires = s.count[t % s.ids.shape[0]] > 0
    return parts(p.targets, p) if fires and p.learning > 0 else 0


def over_spikes_dense(c, t, s, p):
    """All synapses onto the neurons of block `c` that fire, once for each spike."""
    slot = t % s.ids.shape[0]
    first, last = bounds(c, p.targets, p)
    common = gather(t, s, p)  # noqa: F821
    for a in range(s.count[slot]):
        j = np.uint64(s.ids[slot, a])
        if first <= j and j < last:
            for i in range(p.sources):
                change(i, j, j, common, s, p)  # noqa: F821


def over_spikes_sparse(c, t, s, p):
    """All synapses onto the neurons of block `c` that fire, once for each spike."""
    slot = t % s.ids.shape[0]
    first, last = bounds(c, p.targets, p)
    common = gather(t, s, p)  # noqa: F821
    for a in range(s.count[slot]):
        j = np.uint64(s.ids[slot, a])
        if first <= j and j < last:
            last_k = np.uint64(s.start_post[j + np.uint64(1)])
            for k in range(np.uint64(s.start_post[j]), last_k):
                change(s.source[k], j, s.place[k], common, s, p)  # noqa: F821


# ------------------------------------------------------------------------- every so many steps


def sources(t, s, p):
    """All presynaptic neurons, in the last step of each interval of `every` steps."""
    return p.sources if (t + 1) % p.every == 0 and p.learning > 0 else 0


def each_row_dense(i, t, s, p):
    """All synapses of neuron i."""
    common = gather(t, s, p)  # noqa: F821
    for j in range(p.targets):
        change(i, j, j, common, s, p)  # noqa: F821


def each_row_sparse(i, t, s, p):
    """All synapses of neuron i."""
    common = gather(t, s, p)  # noqa: F821
    for e in range(np.uint64(s.start[i]), np.uint64(s.start[i + 1])):
        change(i, s.target[e], e, common, s, p)  # noqa: F821


# ------------------------------------------------------------------- what a rule's function sees


def bounded(w, p):
    """A weight within the bounds of the rule; NaN stays NaN, so that the network finds it."""
    w = p.w_min if w < p.w_min else w
    return p.w_max if w > p.w_max else w


def written(function: Callable, asks: Sequence[str], kept: Sequence[str], common: Sequence[str]):
    """The functions `change` and `gather` that call a user's function.

    Parameters
    ----------
    function : callable
    asks : sequence of str
        The code for each argument, in terms of ``i``, ``j``, ``e``, ``s``, ``p`` and ``common``.
    kept : sequence of str
        The code for the place of each result, the weight first.
    common : sequence of str
        The code for what `gather` returns, in terms of ``t``, ``s`` and ``p``; at least one item.
    """
    names = [f"x{k}" for k in range(len(kept))]
    results = [f"    {place} = {name}" for place, name in zip(kept[1:], names[1:], strict=True)]
    text = "\n".join(
        [
            "def gather(t, s, p):",
            f"    return ({', '.join(common)},)",
            "def change(i, j, e, common, s, p):",
            f"    {', '.join(names)} = function({', '.join(asks)})",
            f"    {kept[0]} = bounded(x0, p)",
            *results,
        ]
    )
    gather, change = _functions(text)
    scope = {"__name__": __name__, "unit": unit, "bounded": bounded, "function": function}
    return FunctionType(change, scope), FunctionType(gather, scope)


@lru_cache(maxsize=256)
def _functions(text: str) -> list[CodeType]:
    code = compile(text, f"<{__name__}>", "exec")
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def bound(loop: Callable, change: Callable, gather: Callable) -> Callable:
    """A loop over synapses that calls these functions."""
    scope = {**loop.__globals__, "change": change, "gather": gather}
    body = FunctionType(loop.__code__, scope, loop.__name__)
    body.__module__ = loop.__module__
    return body
