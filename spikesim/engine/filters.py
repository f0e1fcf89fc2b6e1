"""Postsynaptic potentials of a port: their time course, and the state that arrivals leave behind.

`spikesim.kernels.filters` says how they are computed.
"""

from __future__ import annotations

from math import exp
from typing import Any, NamedTuple

import numpy as np

from spikesim.kernels import filters
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.precision import NEAR_ZERO, type_for

__all__ = ["DoubleExponential", "Filter"]


class DoubleExponential(NamedTuple):
    r"""The time course of a postsynaptic potential, with a rise and a decay.

    `Network.connect` takes one as ``kernel``. The integral over time, in ms, is the weight.

    Attributes
    ----------
    tau_rise, tau_decay : float
        Time constants in ms; tau_decay is the longer.
    memory : int or None
        For how many steps a spike acts; None means without end.

    Notes
    -----
    A spike of weight w adds, at the time t after its arrival,

    .. math::

        w\, \frac{\exp(-t / \tau_{\mathrm{decay}}) - \exp(-t / \tau_{\mathrm{rise}})}
                 {\tau_{\mathrm{decay}} - \tau_{\mathrm{rise}}}

    Examples
    --------
    >>> from spikesim import Network, Neuron
    >>> def hold(i, t, s, p):
    ...     s.spike[i] = 0
    >>> net = Network(dt=1.0, backend="python")
    >>> source = net.add_spike_trains("source", 1, [0.0], [0])
    >>> cell = net.add_population("cell", 1, Neuron([hold], {"potential": 0.0}))
    >>> kernel = DoubleExponential(tau_rise=3.0, tau_decay=10.0)
    >>> _ = net.connect(source, cell, target="potential", weight=1.0, kernel=kernel)
    >>> recording = net.record(cell, "potential")
    >>> net.run(6.0)
    >>> recording.potential[0].round(3)
    array([0.   , 0.027, 0.044, 0.053, 0.058, 0.06 ], dtype=float32)
    """

    tau_rise: float = 3.0
    tau_decay: float = 10.0
    memory: int | None = None


class Filter:
    """The postsynaptic potentials of one port of a population.

    Parameters
    ----------
    out : numpy.ndarray, shape (neurons,)
        The array to which they are written in every step.
    kernel : DoubleExponential
    dt : float
        In ms.
    owner : object, optional
        The owner of the neurons, for the `neurons` of a Phase.
    """

    def __init__(
        self,
        out: np.ndarray,
        kernel: DoubleExponential,
        dt: float,
        owner: Any = None,
    ):
        self.owner = owner
        self.kernel = kernel
        self.dt = dt
        slots = 1 if kernel.memory is None else kernel.memory + 1
        rise, decay = kernel.tau_rise, kernel.tau_decay
        # Both recursions, and their difference, which decays with the rate 1 / rise - 1 / decay.
        slowest = max(decay, rise * decay / (decay - rise))
        self.dtype = type_for(out.dtype.name, slowest / (NEAR_ZERO * dt))
        self.arrived = np.zeros((slots, out.size), self.dtype)
        self.rise = np.zeros(out.size, self.dtype)
        self.decay = np.zeros(out.size, self.dtype)
        self.offset = np.zeros_like(out)
        self.out = out

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "arrived": self.arrived,
            "rise": self.rise,
            "decay": self.decay,
        }

    def params(self) -> dict[str, Any]:
        memory = 0 if self.kernel.memory is None else self.kernel.memory
        a_decay = exp(-self.dt / self.kernel.tau_decay)
        a_rise = exp(-self.dt / self.kernel.tau_rise)
        return {
            "a_decay": a_decay,
            "a_rise": a_rise,
            "end_decay": a_decay**memory,
            "end_rise": a_rise**memory,
            "memory": memory,
            "scale": 1.0 / (self.kernel.tau_decay - self.kernel.tau_rise),
            "parts": SHARED,
        }

    def clearing(self) -> Phase:
        state = {"arrived": self.arrived}
        return Phase(filters.clear, filters.blocks, state, {"parts": SHARED}, neurons=self.owner)

    def advancing(self) -> Phase:
        untruncated = self.kernel.memory is None
        body = filters.advance_untruncated if untruncated else filters.advance_truncated
        state = {**self.arrays(), "offset": self.offset, "out": self.out}
        owner, dtype = self.owner, self.dtype
        return Phase(body, filters.blocks, state, self.params(), neurons=owner, dtype=dtype)
