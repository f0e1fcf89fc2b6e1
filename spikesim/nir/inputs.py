"""The input of a graph: it emits spikes, or sends currents through its projections."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.checks import check_array, check_integer, check_memory, show
from spikesim.engine.network import Network
from spikesim.engine.sources import SpikeTrainSource
from spikesim.engine.stimuli import Stimulus
from spikesim.errors import InputError

__all__ = ["Input"]


class Input(SpikeTrainSource):
    """An input of a graph, which `read` adds to a network; `feed` says what it sends.

    Parameters
    ----------
    network : Network
    name : str
    n : int
    """

    def __init__(self, network: Network, name: str, n: int):
        if not isinstance(network, Network):
            raise InputError(f"network is {show(network)}; it has to be a Network.")
        n = check_integer("n", n, at_least=1)
        super().__init__(network, name, n, [], [])
        self._currents: dict[str, Stimulus] = {}

    def feed(self, values: Any) -> None:
        """Send these values from now on, one row per step; they replace earlier ones.

        Whole numbers up to 4 are sent as spikes, which you can record from this population. Others
        are sent as currents: each projection multiplies them by its weights, and its target gets
        the result as input.

        Parameters
        ----------
        values : array_like, shape (steps, n)
            May have more axes, such as (steps, rows, columns); all but the first are flattened.

        Raises
        ------
        InputError
            If a shape does not fit, a number is not finite, or currents would have to take
            projections with delays that differ.

        Examples
        --------
        >>> import numpy as np
        >>> from spikesim import Network, nir
        >>> net = Network(dt=1.0, backend="python")
        >>> source = net.add(nir.Input(net, "source", 2))
        >>> cells = net.add_population("cells", 1, nir.neuron("LIF", "euler"), tau=8.0)
        >>> wires = net.connect(source, cells, target="input", weight=9.0, delay=0.0)
        >>> spikes = net.record_spikes(cells)
        >>> source.feed([[0, 1], [0, 0], [1, 1]])
        >>> net.run(3.0)
        >>> spikes.t.tolist()
        [0.0, 2.0]
        """
        given = check_array("values", values, dtype=np.float64)
        if given.ndim < 2 or int(np.prod(given.shape[1:])) != self.n:
            raise InputError(
                f"values has shape {given.shape}; it has to be (steps, {self.n}), one row per step."
            )
        rows = given.reshape(len(given), self.n)
        currents = [] if _are_spikes(rows, self.MOST) else self._through_projections(rows)
        for stimulus in self._currents.values():
            stimulus.stop()
        counts = np.zeros(rows.shape, np.int64) if currents else rows.astype(np.int64)
        steps, ids = np.nonzero(counts)
        times = counts[steps, ids]
        self.replace(np.repeat(steps, times), np.repeat(ids, times), None, self.network.step)
        for projection, current in currents:
            self._send(projection, current)

    def _through_projections(self, rows: np.ndarray) -> list[tuple[Any, np.ndarray]]:
        found = []
        for projection in self.network.projections.values():
            if projection.pre is not self:
                continue
            if np.ndim(projection.delay):
                raise InputError(
                    f"values are currents, and the delays of {projection.name!r} differ; only "
                    "spikes can take it."
                )
            if "I" not in projection.post.state:
                raise InputError(
                    f"values are currents, and {projection.post.name!r} has no input I; only "
                    "spikes can reach it."
                )
            late = projection.delay_steps
            shape = (late + len(rows), projection.post.n)
            check_memory(f"values, as currents of shape {shape},", 8.0 * shape[0] * shape[1])
            current = np.zeros(shape)
            with np.errstate(over="ignore", invalid="ignore"):
                current[late:] = rows @ projection.to_scipy()
            what = f"values, times the weights of {projection.name!r},"
            check_array(what, current, dtype=projection.post.dtype)
            found.append((projection, current))
        return found

    def _send(self, projection: Any, current: np.ndarray) -> None:
        stimulus = self._currents.get(projection.name)
        now = self.network.step * self.network.dt
        if stimulus is not None and stimulus.begin == now:
            stimulus.stimulus, stimulus.is_on = current, True
        else:
            self._currents[projection.name] = self.network.play(projection.post, "I", current)

    def sends(self, stimulus: Any) -> bool:
        """Whether a stimulus is one of the currents that this input sends."""
        return any(stimulus is each for each in self._currents.values())


def _are_spikes(rows: np.ndarray, most: int) -> bool:
    return bool(
        (rows == np.rint(rows)).all() and rows.min(initial=0) >= 0 and rows.max(initial=0) <= most
    )
