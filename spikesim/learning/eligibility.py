"""Eligibility traces of a connection between layers; `kernels.eligibility` works per event.

    traces = EligibilityTraces(net, layer, dtype)
    yield layer.phase(keep_factors, "once")     # the model's body: writes s.factor and s.error
    yield from traces.arrive()
    yield from traces.advance()                 # layer.m is now the correlation with the error

The traces need the numbers ``p.cut``, ``p.a_pre``, ``p.c_pre``, ``p.a_rise`` and ``p.c``. They also
need ``p.lag`` and ``p.delay`` in steps, and ``p.chunk``, the number of steps between updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spikesim.checks import MOST_STEPS
from spikesim.kernels import eligibility
from spikesim.kernels.windows import at_end_of_second
from spikesim.learning.layers import Layer, Wired

__all__ = ["EligibilityTraces"]

BLOCK = 512  # steps between flushes, at most
EVENTS = 4096  # events between flushes, at least
_NOTED = ("idle", "event_pre", "event_x", "event_psp", "event_end")
_ADJOINTS = ("p1", "p2", "X_m", "P_m", "X_l1", "P_l1", "X_lambda", "P_lambda")


class EligibilityTraces:
    """The traces of all synapses onto a layer, and the arrays that both layers need for them.

    Parameters
    ----------
    net : LoopSimulation
    layer : Layer
        Has the weights ``W`` from the layer below. It gets ``factor`` and ``error``; the model
        fills a row of each in every step. If the copy learns, it also gets ``m``; the model uses it
        and sets it to 0.
    dtype : {'float32', 'float64'}
    in_trials : bool
        Whether all traces begin anew with each trial of two phases; no number ``p.chunk`` then.
    """

    def __init__(self, net: Any, layer: Layer, dtype: str, in_trials: bool = False):
        self._net, self._layer, self._dtype = net, layer, dtype
        self._in_trials = in_trials
        pre, lag = layer.below, layer.number("lag")
        events = max(EVENTS, 8 * pre.n)
        pre.arrays.update(
            x=np.zeros(pre.n, dtype),
            psp=np.zeros(pre.n, dtype),
            above=np.zeros(pre.n, np.int32),
            idle=np.full(pre.n, MOST_STEPS, np.int64),
            event_pre=np.zeros(events, np.int32),
            event_x=np.zeros(events, dtype),
            event_psp=np.zeros(events, dtype),
            event_end=np.zeros(BLOCK, np.int64),
        )
        layer.arrays["block"] = np.zeros(3, np.int64)
        layer.arrays["factor"] = np.zeros((BLOCK + lag, layer.n), dtype)
        layer.arrays["error"] = np.zeros((BLOCK, layer.n), dtype)
        self._into = {"block": layer.block}

    def arrive(self) -> Iterator[Wired]:
        """Let spikes arrive; ``psp`` of the layer below is still that of the step before."""
        pre, layer = self._layer.below, self._layer
        if self._net.learning:
            yield pre.phase(eligibility.cross, "once", **self._into)
        delay = layer.number("delay") + layer.number("lag")
        yield pre.phase(eligibility.arrive, "once", eligibility.arrivals, delay=delay, **self._into)

    def advance(self) -> Iterator[Wired]:
        """Advance the PSPs; at the end of a block, add its sum to ``m``."""
        pre, layer, into = self._layer.below, self._layer, self._into
        yield pre.phase(eligibility.advance_presynaptic)
        if not self._net.learning:
            return
        close = eligibility.close_step_of_trial if self._in_trials else eligibility.close_step
        yield pre.phase(close, "once", **into)
        shape = layer.W.shape
        layer.arrays.update((name, np.zeros(shape, self._dtype)) for name in ("m", "l1", "trace"))
        layer.arrays.update((name, np.zeros(layer.n, self._dtype)) for name in _ADJOINTS)
        noted = {name: pre.arrays[name] for name in _NOTED}
        flushed = eligibility.flushed
        yield layer.phase(eligibility.flush, "block", flushed, a=layer.number("a_rise"), **noted)
        yield pre.phase(eligibility.reset, "once", flushed, **into)
        if self._in_trials:
            yield pre.phase(eligibility.forget, when=at_end_of_second)
            yield layer.phase(eligibility.forget_row, "row", at_end_of_second)

    @staticmethod
    def indices(net: Any) -> Iterator[tuple[str, np.ndarray, int, Any]]:
        """Saved indices, which compiled code trusts: name, array, lowest and highest value."""
        for layer in (each for each in net.above_input if "m" in each.arrays):
            pre = layer.below
            most = pre.n + pre.ids.shape[1]  # events of a step
            room = np.array([pre.event_pre.size - most, pre.event_end.size - 1, 1])
            yield "block", layer.block, 0, room
            yield "event_end", pre.event_end, 0, pre.event_pre.size
            yield "event_pre", pre.event_pre, 0, pre.n - 1
