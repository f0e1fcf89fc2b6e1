"""Filtered plasticity: products feed a low-passed array D of each synapse, and D moves its weight.

`spikesim.kernels.filtered` has the equations. A model puts what `filter_arrays` returns into its
layers, under names that begin with ``D_``; they outlast trials, so `SAVED` of the model names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from spikesim.kernels import filtered as bodies
from spikesim.kernels import windows
from spikesim.learning.layers import Layer, Wired
from spikesim.learning.model import Simulation

__all__ = ["drive_at_rest", "filter_arrays", "forget", "learn_filtered"]


def filter_arrays(layer: Layer, names: Sequence[str]) -> dict[str, Any]:
    """Name → shape of the filters of weights of a layer, and of what `drive_at_rest` needs."""
    found = {f"D_{name}": layer.arrays[name].shape for name in names if name in layer.arrays}
    return {**found, **dict.fromkeys(("from_M", "from_D", "E", "H"), layer.n), "since": 3}


def forget(net: Simulation, names: Sequence[str]) -> Iterator[Wired]:
    """Let all filters be 0 at the start of each phase."""
    for layer in net.layers:
        for name in names:
            D = layer.arrays.get(f"D_{name}")
            if D is not None:
                body, each = (bodies.forget_bias, "unit") if D.ndim == 1 else (bodies.forget, "row")
                yield layer.phase(body, each, windows.at_start_of_phase, many=len(D), D=D)


def drive_at_rest(layer: Layer, pre: np.ndarray, a: np.ndarray) -> Iterator[Wired]:
    """The drive a = pre W + b of a layer, while `pre` rests in each phase and W learns."""
    start = windows.at_start_of_phase
    given: dict[str, Any] = {"pre": pre, "M": layer.W, "D": layer.D_W}
    yield layer.phase(bodies.begin_since, "once", start, **given)
    yield layer.phase(bodies.begin, "block", start, **given)
    yield layer.phase(bodies.drive_at_rest, a=a)


def learn_filtered(
    net: Simulation,
    layer: Layer,
    name: str,
    pre: np.ndarray | None,
    post: np.ndarray,
    rate: float,
    tau: float,
    when: tuple[Callable, ...],
    at_rest: bool = False,
) -> Iterator[Wired]:
    """Change an array M of a layer: ``dM/dt = rate D``, ``tau dD/dt = pre^T post - D``.

    A copy of the dynamics that only measures sums the changes of M for a rate of 1.

    Parameters
    ----------
    net : Simulation
    layer : Layer
    name : str
        The name of the array: weights [pre, post], or biases.
    pre : numpy.ndarray or None
        Activities of its rows; None for biases.
    post : numpy.ndarray
        Activities of its columns.
    rate : float
        The learning rate per ms.
    tau : float
        The time constant of the filter, in ms.
    when : tuple of callable
        The steps in which this happens.
    at_rest : bool
        Whether `pre` rests within each phase, and `drive_at_rest` gives the drive. M and D are then
        written at the end of a phase.
    """
    M, dt = layer.arrays[name], net.network.dt
    if not net.applies:
        M, rate = np.zeros(M.shape, M.dtype), 1.0
        layer.arrays[f"{name}_sum"] = M
    given: dict[str, Any] = {"M": M, "D": layer.arrays[f"D_{name}"], "post": post}
    given.update(rate=dt * rate, c=min(dt / tau, 1.0))
    if pre is None:
        yield layer.phase(bodies.add_bias, "unit", when, **given)
    elif not at_rest:
        yield layer.phase(bodies.add_product, "block", when, pre=pre, **given)
    else:
        yield layer.phase(bodies.add_at_rest, "unit", when, **given)
        yield layer.phase(bodies.age, "once", when, **given)
        yield layer.phase(bodies.finish, "block", windows.at_end_of_phase, pre=pre, **given)
