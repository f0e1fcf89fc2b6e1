"""What a run leaves behind: spikes as events, and samples of state variables.

A recording owns a bounded buffer that the compiled loop fills; the network empties it between
stretches of steps, into memory or into a file. Nothing is ever dropped: a stretch is never longer
than the buffer can hold, however many neurons spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import public_names
from spikesim.errors import InputError, check_number, check_path
from spikesim.kernels import probes
from spikesim.kernels.program import Phase, once
from spikesim.neurons import RESERVED
from spikesim.population import read_only
from spikesim.sonata import SpikeWriter, TraceWriter, frames_per_chunk
from spikesim.spiketrains import to_neo

if TYPE_CHECKING:
    from spikesim.network import Population

__all__ = ["SpikeRecording", "StateRecording", "layers_to_neo", "layers_to_sonata"]

_SPIKE_BUFFER = 1 << 20
_SAMPLE_BUFFER = 1 << 22

# What files are made of, as measured; tests hold `predicted_bytes` to it.
_FILE_BYTES = 6144  # of spikes, without one
_TRACE_FILE_BYTES = 10_240  # of samples, without one
_CHUNK_SPIKES = 1 << 15  # of one chunk; chunks are written whole
_CHUNK_EXTRA = 80  # checksum, minimum and place of a chunk of times and one of ids


class SpikeRecording:
    """The spikes of one population; made by `Network.record_spikes`.

    Attributes
    ----------
    t : numpy.ndarray, shape (spikes,)
        Times in ms, ascending: a spike of step k has time k dt.
    i : numpy.ndarray, shape (spikes,)
        The neuron of each spike.
    count : numpy.ndarray, shape (n,)
        Spikes per neuron.
    """

    def __init__(self, population: Population, dt: float, path: str | Path | None):
        self.population = population
        self.name = population.name
        self.n = population.n
        self.dt = dt
        self._most = population.spike_list()["ids"].shape[1]
        size = max(_SPIKE_BUFFER, self._most)
        self._step = np.zeros(size, np.int64)
        self._neuron = np.zeros(size, np.int32)
        self._fill = np.zeros(1, np.int64)
        self._steps: list[np.ndarray] = []
        self._neurons: list[np.ndarray] = []
        self._end = 0
        self._writer = SpikeWriter(path, dt, {self.name: self.n}) if path is not None else None

    def phases(self) -> list[Phase]:
        """The Phases that store this step's spikes."""
        state = {
            **self.population.spike_list(),
            "step": self._step,
            "neuron": self._neuron,
            "fill": self._fill,
        }
        return [
            Phase(probes.store, probes.spikes_now, state),
            Phase(probes.advance, once, state),
        ]

    def longest_run(self) -> int:
        """How many steps the buffer can hold if every neuron spikes as much as it can."""
        return self._step.size // self._most

    def begin(self, step: int) -> None:
        """Start a stretch of steps with an empty buffer."""
        self._fill[0] = 0

    def drain(self, end: int) -> None:
        """Take out what the stretch that ended before step `end` has stored."""
        stored = int(self._fill[0])
        self._end = end
        if self._writer is not None:
            self._writer.append(self.name, self._step[:stored], self._neuron[:stored])
        elif stored:
            self._steps.append(self._step[:stored].copy())
            self._neurons.append(self._neuron[:stored].copy())

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self._steps, self._neurons = [], []

    def predicted_bytes(self, rate: float, duration: float) -> int:
        """The size of the file that the spikes take, to be asked before a long run.

        A spike takes 8 bytes for its time and as many bits for its neuron as the size of the
        population needs. Room is taken for 32768 spikes at a time: a file of few is larger than
        their bytes.

        Parameters
        ----------
        rate : float
            Expected mean firing rate of the population's neurons, in Hz.
        duration : float
            How long will be recorded, in ms.

        Returns
        -------
        int
            Bytes, of a file that is closed. As far as the rate is right, within a few percent.

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(backend="python")
        >>> spikes = net.record_spikes(net.add_population("cells", 1000, LIF))
        >>> hour = 3600 * 1000.0
        >>> f"{spikes.predicted_bytes(rate=5.0, duration=hour) / 1e6:.0f} MB"
        '167 MB'
        """
        rate = check_number("rate", rate, at_least=0.0, at_most=1e9, unit="Hz")
        duration = check_number("duration", duration, at_least=0.0, at_most=1e18, unit="ms")
        expected = rate * self.n * duration / 1000.0
        chunks = ceil(expected / _CHUNK_SPIKES)
        bits = 64 + max((self.n - 1).bit_length(), 1)
        return _FILE_BYTES + chunks * (_CHUNK_SPIKES * bits // 8 + _CHUNK_EXTRA)

    def close(self) -> None:
        """Finish the file that the recording streams to."""
        if self._writer is not None:
            self._writer.close()

    def _joined(self, parts: list[np.ndarray], dtype: Any) -> np.ndarray:
        if self._writer is not None:
            raise InputError(
                f"The spikes of {self.name!r} went to a file; close() the recording and read them "
                "with spikesim.sonata.read_spikes."
            )
        return np.concatenate(parts) if parts else np.zeros(0, dtype)

    @property
    def steps(self) -> np.ndarray:
        """The step of each spike."""
        return self._joined(self._steps, np.int64)

    @property
    def t(self) -> np.ndarray:
        return self.steps * self.dt

    @property
    def i(self) -> np.ndarray:
        return self._joined(self._neurons, np.int32)

    @property
    def count(self) -> np.ndarray:
        return np.bincount(self.i, minlength=self.n)

    @property
    def duration(self) -> float:
        """Time up to which was recorded, in ms."""
        return self._end * self.dt

    def spike_trains(self) -> list[np.ndarray]:
        """The spike times of each neuron, in ms."""
        order = np.argsort(self.i, kind="stable")
        return np.split(self.t[order], np.cumsum(self.count)[:-1])

    def to_neo(self) -> Any:
        """A `neo.Segment` with a spike train per neuron, for elephant; needs spikesim[analysis]."""
        return to_neo(self.t, self.i, self.n, self.duration, self.name)

    def to_sonata(self, path: str | Path) -> None:
        """Write the raster to an HDF5 file in the SONATA layout."""
        with SpikeWriter(path, self.dt, {self.name: self.n}) as writer:
            writer.append(self.name, self.steps, self.i)


class StateRecording:
    """Samples of state variables; made by `Network.record`.

    ``recording.v`` has shape (neurons, samples); ``recording.t`` the times in ms. The sample of
    step k is the value at the end of that step, beside the spikes of time k dt.
    """

    def __init__(
        self,
        population: Population,
        variables: list[str],
        every: int,
        which: np.ndarray,
        dt: float,
        path: str | Path | None,
        unit: str,
    ):
        self.population = population
        self.name = population.name
        self.variables = variables
        self._which = which
        self.every = every
        self.dt = dt
        rows = max(_SAMPLE_BUFFER // max(which.size * len(variables), 1), 16)
        self._buffers = {
            v: np.zeros((rows, which.size), population.state[v].dtype) for v in variables
        }
        self._rows = rows
        self._params: dict[str, Any] = {"every": every, "first": 0}
        self._samples: dict[str, list[np.ndarray]] = {v: [] for v in variables}
        self._times: list[np.ndarray] = []
        self._begun = 0
        self._writer: TraceWriter | None = None
        if path is not None:
            self._next = -(-population.network.step // every)
            self._writer = TraceWriter(path, every * dt, self._next * every * dt, unit)
            self._writer.add_population(self.name, which, variables)

    def phases(self) -> list[Phase]:
        """The Phases that sample, one per variable."""
        return [
            Phase(
                probes.sample,
                probes.sampled,
                {
                    "value": self.population.state[v],
                    "which": self._which,
                    "buffer": self._buffers[v],
                },
                self._params,
            )
            for v in self.variables
        ]

    @property
    def neurons(self) -> np.ndarray:
        """The recorded neurons; to be read only, as compiled code relies on them."""
        return read_only(self._which)

    @neurons.setter
    def neurons(self, _: object) -> None:
        raise InputError(
            f"neurons of the recording of {self.name!r} cannot be set; record others anew."
        )

    def longest_run(self) -> int:
        """How many steps the buffer can hold."""
        return (self._rows - 1) * self.every

    def begin(self, step: int) -> None:
        """Start a stretch of steps with an empty buffer."""
        self._begun = -(-step // self.every)
        self._params["first"] = self._begun

    def drain(self, end: int) -> None:
        """Take out the samples of the stretch that ended before step `end`."""
        rows = -(-end // self.every) - self._begun
        if self._writer is not None:
            if self._begun != self._next:
                raise InputError(
                    f"The samples of {self.name!r} that went to a file end before step "
                    f"{self._next * self.every}, but the network's step was set to "
                    f"{self._begun * self.every}; record to another file from there on."
                )
            self._next += rows
            block = np.stack([self._buffers[v][:rows] for v in self.variables], axis=-1)
            self._writer.append(self.name, block)
            return
        for variable in self.variables:
            self._samples[variable].append(self._buffers[variable][:rows].copy())
        self._times.append((self._begun + np.arange(rows)) * self.every * self.dt)

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self._samples = {v: [] for v in self.variables}
        self._times = []

    def predicted_bytes(self, duration: float) -> int:
        """The size of the file that the samples take, to be asked before a long run.

        Parameters
        ----------
        duration : float
            How long will be recorded, in ms.

        Returns
        -------
        int
            Bytes, of a file that is closed: 4 per sample, neuron and variable, and some more.

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(dt=0.1, backend="python")
        >>> cells = net.add_population("cells", 1000, LIF)
        >>> voltages = net.record(cells, "v", every=1.0, neurons=range(10))
        >>> hour = 3600 * 1000.0
        >>> f"{voltages.predicted_bytes(hour) / 1e6:.0f} MB"
        '144 MB'
        """
        duration = check_number("duration", duration, at_least=0.0, at_most=1e18, unit="ms")
        columns = self._which.size * len(self.variables)
        frames = frames_per_chunk(columns)
        chunks = ceil(duration / (self.every * self.dt) / frames)
        described = 16 * self._which.size + 8 * columns  # which neurons, which variables
        return _TRACE_FILE_BYTES + described + chunks * (4 * frames * columns + _CHUNK_EXTRA // 2)

    def close(self) -> None:
        """Finish the file that the recording streams to."""
        if self._writer is not None:
            self._writer.close()

    @property
    def t(self) -> np.ndarray:
        """Sample times in ms."""
        self._check_in_memory()
        return np.concatenate(self._times) if self._times else np.zeros(0)

    def __getattr__(self, name: str) -> np.ndarray:
        samples = self.__dict__.get("_samples", {})
        if name not in samples:
            raise AttributeError(f"nothing recorded as {name!r}; there is {', '.join(samples)}")
        self._check_in_memory()
        if not samples[name]:
            return np.zeros((self._which.size, 0))
        return np.concatenate(samples[name]).T

    def _check_in_memory(self) -> None:
        if self._writer is not None:
            raise InputError(
                f"The samples of {self.name!r} went to a file; close() the recording and read them "
                "with spikesim.sonata.read_traces."
            )


for _name in public_names(StateRecording):
    RESERVED.setdefault(_name, "recording")


def layers_to_sonata(
    directory: str | Path,
    spikes: Mapping[str, SpikeRecording],
    voltages: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write spikes.h5, and voltages.h5 if there are any, in the SONATA layout into a directory.

    Parameters
    ----------
    directory : str or Path
    spikes : dict of str to SpikeRecording
        By layer.
    voltages : dict of str to dict of str to numpy.ndarray, shape (neurons, steps)
        By layer and compartment, one sample per step, in mV.
    """
    directory = check_path("directory", directory)
    dt = next(iter(spikes.values())).dt
    sizes = {layer: recording.n for layer, recording in spikes.items()}
    with SpikeWriter(directory / "spikes.h5", dt, sizes) as writer:
        for layer, recording in spikes.items():
            writer.append(layer, recording.steps, recording.i)
    if not voltages:
        return
    with TraceWriter(directory / "voltages.h5", dt) as traces:
        for layer, compartments in voltages.items():
            traces.add_population(layer, np.arange(sizes[layer]), tuple(compartments))
            block = np.stack(list(compartments.values()), axis=-1)
            traces.append(layer, block.transpose(1, 0, 2).astype(np.float32))


def layers_to_neo(spikes: Mapping[str, SpikeRecording]) -> Any:
    """A `neo.Segment` with the spike trains of all layers; needs spikesim[analysis]."""
    whole, *others = [recording.to_neo() for recording in spikes.values()]
    for segment in others:
        whole.spiketrains.extend(segment.spiketrains)
    return whole
