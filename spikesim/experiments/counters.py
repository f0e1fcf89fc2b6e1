"""Count spikes while a network runs, without keeping them."""

from __future__ import annotations

import numpy as np

from spikesim.engine.sources import EventSource
from spikesim.kernels import bursts
from spikesim.kernels.machine.program import once

__all__ = ["counted"]


def counted(source: EventSource, size: int | None = None) -> np.ndarray:
    """How many spikes a source has emitted so far: an array that the network keeps up to date.

    Parameters
    ----------
    source : EventSource
        From `Network.add_events` or `Network.add_bursts`.
    size : int, optional
        Neurons in a group. The first `size` neurons are one group, the next `size` another, and so
        on; by default all neurons are one group.

    Returns
    -------
    numpy.ndarray of int64, shape (groups,)
    """
    size = source.n if size is None else size
    total = np.zeros(source.n // size, np.int64)
    state = {"total": total, **source.spike_list()}
    source.network.add_phase(bursts.tally, once, state=state, params={"size": size})
    return total
