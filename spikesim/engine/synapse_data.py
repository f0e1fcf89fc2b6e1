"""Synapses as data: a table, a choice of them by their neurons, and their weights over time.

The number of a synapse is its row in the table. The table is ordered by presynaptic neuron, and
then by target. All this is the same for dense and sparse projections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import Named, read_only
from spikesim.checks import check_array, check_memory
from spikesim.engine.recording import StateRecording
from spikesim.engine.synapses import Synapses, varies
from spikesim.errors import InputError
from spikesim.kernels import probes
from spikesim.kernels.machine.program import Phase
from spikesim.kernels.machine.states import State

__all__ = ["SomeSynapses", "SynapseRecording", "chosen_synapses", "delays", "matrix", "table"]


def table(synapses: Any) -> np.ndarray:
    """All synapses of a projection; see `Projection.table`."""
    values = synapses.state
    types = [("pre", np.int32), ("post", np.int32), ("weight", values["weight"].dtype)]
    types += [("delay", np.float64), *((n, a.dtype) for n, a in values.items() if n != "weight")]
    kind = np.dtype(types)
    check_memory(f"table is for {synapses.size} synapses", float(kind.itemsize) * synapses.size)
    rows = np.empty(synapses.size, kind)
    rows["pre"], rows["post"] = synapses.source, synapses.target
    rows["delay"] = delays(synapses, slice(None))
    for name, array in values.items():
        rows[name] = array.reshape(-1)  # one number, if all synapses share it
    return rows


def matrix(synapses: Any) -> Any:
    """The weights of a projection as a sparse array; see `Projection.to_scipy`."""
    from scipy import sparse

    weight = synapses.state["weight"].reshape(-1)
    weight = np.broadcast_to(weight, synapses.size).copy()
    index = np.int32 if synapses.size < 1 << 31 else np.int64
    parts = weight, synapses.target.astype(index), synapses.start.astype(index)
    made = sparse.csr_array(parts, shape=synapses.shape)
    made.sum_duplicates()
    return made


def delays(synapses: Synapses, places: Any) -> np.ndarray:
    """The delays of synapses, in ms."""
    later = synapses.later
    steps = np.zeros(synapses.size, np.int64)[places] if later is None else later[places]
    return (synapses.delay_steps + steps.astype(np.int64)) * synapses._setting.dt


class SomeSynapses(Named):
    """Some synapses of a projection; made by `Projection.of` and `Projection.onto`.

    Attributes
    ----------
    pre, post : numpy.ndarray of int, shape (synapses,)
        Their neurons.
    weight : numpy.ndarray, shape (synapses,)
        A copy of their present weights. You can set them as a whole between runs: one number for
        all, or one for each. The same holds for the variables of a plasticity rule, by name.
    delay : numpy.ndarray, shape (synapses,)
        In ms.
    places : numpy.ndarray of int, shape (synapses,)
        Their numbers, which are their rows in the projection's table.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=0.5, backend="python")
    >>> cells = net.add_population("cells", 3, LIF)
    >>> synapses = net.connect(cells, cells, target="drive", weight=0.5)
    >>> synapses.onto(2).weight = [0.1, 0.2, 0.3]
    >>> synapses.of(1)
    <SomeSynapses: 3 of 'cells_to_cells'>
    >>> synapses.of(1).post.tolist(), synapses.of(1).weight.round(1).tolist()
    ([0, 1, 2], [0.5, 0.5, 0.20000000298023224])
    """

    _remedies: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("pre", "post", "delay", "places"), "connect makes other synapses"
    )

    def __init__(self, synapses: Any, places: np.ndarray):
        self._synapses = synapses
        self.places = read_only(places)

    def __len__(self) -> int:
        return self.places.size

    def __repr__(self) -> str:
        return f"<SomeSynapses: {len(self)} of {self._synapses.name!r}>"

    @property
    def pre(self) -> np.ndarray:
        if self._synapses.W is not None:
            return self.places // self._synapses.shape[1]
        return np.searchsorted(self._synapses.start, self.places, side="right") - 1

    @property
    def post(self) -> np.ndarray:
        if self._synapses.W is not None:
            return self.places % self._synapses.shape[1]
        return self._synapses.target[self.places].astype(np.int64)

    @property
    def delay(self) -> np.ndarray:
        return delays(self._synapses, self.places)

    @property
    def weight(self) -> np.ndarray:
        return self._read("weight")

    @weight.setter
    def weight(self, values: Any) -> None:
        self._write("weight", values)

    def are_of(self, projection: Any) -> bool:
        """Whether the synapses belong to `projection`."""
        return self._synapses is projection

    def _more(self) -> Iterator[str]:
        yield from self._synapses.state

    def _called(self) -> str:
        return repr(self)

    def _read(self, name: str) -> np.ndarray:
        array = self._synapses.state[name]
        advice = f"assign a whole one, as in synapses.onto(...).{name} = values"
        if array.size == 1:
            return read_only(np.full(len(self), array.reshape(-1)[0], array.dtype), advice)
        return read_only(array[self._at(array)], advice)

    def _write(self, name: str, values: Any) -> None:
        synapses = self._synapses
        array = synapses.state[name]
        shape = (len(self),) if varies(name, values) else ()
        values = check_array(name, values, shape=shape, dtype=array.dtype)
        if name == "weight":
            values = synapses.bounded(name, values)
            array = synapses.individual() if synapses.W is None else array
        array[self._at(array)] = values

    def _at(self, array: np.ndarray) -> Any:
        return self.places if array.ndim == 1 else np.unravel_index(self.places, array.shape)


def chosen_synapses(projection: Any, chosen: Any) -> Any:
    """The numbers of the synapses that a user chose, as ``synapses.onto(3)`` or by number."""
    if not isinstance(chosen, SomeSynapses):
        return chosen
    if not chosen.are_of(projection):
        raise InputError(
            f"synapses is {chosen!r}, but {projection.name!r} is recorded; choose some of that."
        )
    return chosen.places


class SynapseRecording(StateRecording):
    """Samples of weights, or of variables of a plasticity rule; made by `Network.record`.

    ``recording.weight`` has shape (synapses, samples), like ``recording.v`` for neurons; everything
    else is as in `StateRecording`. `population` is the projection.

    Attributes
    ----------
    synapses : numpy.ndarray of int, shape (synapses,)
        Their numbers, which are their rows in the projection's table.
    pre, post : numpy.ndarray of int, shape (synapses,)
        Their neurons.
    """

    def __init__(
        self,
        projection: Any,
        variables: list[str],
        every: int,
        which: np.ndarray,
        dt: float,
        path: str | Path | None,
        units: dict[str, str],
    ):
        super().__init__(projection, variables, every, which, dt, path, units)
        some = SomeSynapses(projection, which)
        self._neurons = some.pre, some.post
        if "weight" in variables and projection.W is None:
            projection.individual()

    def __repr__(self) -> str:
        shown = super().__repr__().replace("neurons of", "synapses of", 1)
        return shown.replace("StateRecording", type(self).__name__, 1)

    @property
    def synapses(self) -> np.ndarray:
        return self.neurons

    @property
    def pre(self) -> np.ndarray:
        return read_only(self._neurons[0])

    @property
    def post(self) -> np.ndarray:
        return read_only(self._neurons[1])

    def _sampling(self, name: str) -> Phase:
        projection: Any = self.population
        state = State(which=self._which, buffer=self._buffers[name])
        state.link("value", *projection.holder(name))
        dense = projection.state[name].ndim == 2
        body = probes.sample_pair if dense else probes.sample
        return Phase(body, probes.sampled, state, self._params)
