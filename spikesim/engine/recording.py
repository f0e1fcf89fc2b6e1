"""Recordings of a run: spikes as events, and samples of state variables.

A recording owns a bounded buffer that the compiled loop fills. Between stretches of steps, the
network empties it into memory or into a file. Nothing is ever dropped: a stretch never has more
steps than the buffer can hold, however many neurons spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.attributes import absent, public_names, read_only
from spikesim.checks import check_number
from spikesim.declaring import present_name
from spikesim.engine.arguments import file_unit
from spikesim.engine.population import Population
from spikesim.engine.recorder import Recording
from spikesim.engine.rows import Rows
from spikesim.engine.subgroups import Subgroup
from spikesim.errors import InputError
from spikesim.kernels import probes
from spikesim.kernels.machine.program import Phase, once
from spikesim.kernels.machine.states import State
from spikesim.neuron import RESERVED
from spikesim.recorded import RecordedSamples, RecordedSpikes, Spikes
from spikesim.sonata import SpikeWriter, TraceWriter, frames_per_chunk

__all__ = ["SpikeRecording", "StateRecording"]

_NEVER = 1 << 62  # steps from one sample to the next in a pause
SPIKE_BUFFER = 1 << 20
SAMPLE_BUFFER = 1 << 22

# The parts of a file, as measured; tests hold `predicted_bytes` to them.
_FILE_BYTES = 6144  # of a file of spikes, without any spike
_TRACE_FILE_BYTES = 10_240  # of a file of samples, without any sample
_CHUNK_SPIKES = 1 << 15  # in one chunk; chunks are written whole
_CHUNK_EXTRA = 80  # checksum, minimum and place of a chunk of times and one of ids


class SpikeRecording(Recording, RecordedSpikes):
    """The spikes of a population, or of a subgroup; made by `Network.record_spikes`.

    A copy, such as one that another process sends back, holds the recorded spikes. You can read,
    plot and write it, but it no longer belongs to a network.

    Attributes
    ----------
    t : numpy.ndarray, shape (spikes,)
        Times in ms, ascending: a spike of step k has time k dt. For reading only.
    i : numpy.ndarray, shape (spikes,)
        The neuron of each spike, by its number in the population or subgroup. For reading only.
    count : numpy.ndarray, shape (n,)
        Spikes per neuron.
    t_start, t_stop, duration : float
        The start, the end and the length of the recording, in ms. If `Network.restore` or
        `set_state` goes back to an earlier time, everything later is forgotten.

    Examples
    --------
    >>> from spikesim import Network
    >>> net = Network(dt=1.0, backend="python")
    >>> source = net.add_spike_trains("source", 2, [1.0, 3.0], [0, 1])
    >>> spikes = net.record_spikes(source)
    >>> net.run(5.0)
    >>> spikes.t.tolist(), spikes.i.tolist(), spikes.count.tolist()
    ([1.0, 3.0], [0, 1], [1, 1])
    """

    def __init__(
        self,
        population: Population | Subgroup,
        dt: float,
        path: str | Path | None,
        writer: SpikeWriter | None = None,
    ):
        super().__init__(population, dt, path, n=population.n)
        self._numbers: np.ndarray | None = None  # for a subgroup: its neurons' numbers, or -1
        if isinstance(population, Subgroup):
            self._numbers = np.full(population.population.n, -1, np.int32)
            self._numbers[population.ids] = np.arange(population.n)
            population = population.population
        self._most = population.spike_list()["ids"].shape[1]
        size = max(SPIKE_BUFFER, self._most)
        self._buffer = {
            "step": np.zeros(size, np.int64),
            "neuron": np.zeros(size, np.int32),
            "fill": np.zeros(1, np.int64),
        }
        self._neurons = Rows((), np.int32)
        self._counts = np.zeros(self.n, np.int64)  # of the first spikes, as many as were counted
        self._counted = 0
        self._seen, self._seen_to = 0, self._origin  # rows and steps that `new` has returned
        if path is not None:
            self._writer = writer or SpikeWriter(path, dt, {self.name: self.n})

    def __repr__(self) -> str:
        spikes = "" if self._path is not None else f"{self._steps.size} spikes, "
        return f"<SpikeRecording of {self.name!r}: {spikes}{self._where()}>"

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_buffer": {}}

    def phases(self) -> list[Phase]:
        """The Phases that store this step's spikes."""
        if self.population is None:  # a copy, which belongs to no network
            return []
        state = State(self.population.listed, self._buffer)
        return [
            Phase(probes.store, probes.spikes_now, state),
            Phase(probes.advance, once, state),
        ]

    def longest_run(self) -> int:
        """How many steps the buffer can hold if every neuron spikes as often as it can."""
        return self._buffer["step"].size // self._most

    def begin(self, step: int) -> None:
        """Start a stretch of steps with an empty buffer."""
        self._begun = step
        self._buffer["fill"][0] = 0

    def drain(self, end: int) -> None:
        """Take out the spikes of the stretch that ended before step `end`."""
        if self._is_closed or self._is_paused:  # perhaps since the middle of a run
            return
        if stored := int(self._buffer["fill"][0]):
            steps, neurons = (self._buffer[name][:stored] for name in ("step", "neuron"))
            if self._numbers is not None:
                neurons = self._numbers[neurons]
                steps, neurons = steps[neurons >= 0], neurons[neurons >= 0]
            if isinstance(self._writer, SpikeWriter):
                self._writer.append(self.name, steps, neurons)
            else:
                self._steps.append(steps.copy())
                self._neurons.append(neurons.copy())
        self._note(end)

    def _cut(self, rows: int) -> None:
        super()._cut(rows)
        self._neurons.cut(rows)
        self._seen = min(self._seen, rows)
        if rows < self._counted:
            self._counts, self._counted = np.zeros(self.n, np.int64), 0

    def take_back(self, step: int) -> None:
        super().take_back(step)
        if step < self._seen_to:
            self._seen_to = step

    def _cut_file(self, step: int) -> None:
        if isinstance(self._writer, SpikeWriter):
            self._writer.cut(self.name, step)

    def predicted_bytes(self, rate: float, duration: float) -> int:
        """The size of the file that the spikes will take, for use before a long run.

        A spike takes 8 bytes for its time, and as many bits for its neuron as the size of the
        population needs. The file grows by room for 32768 spikes at a time, so with few spikes it
        is larger than their bytes.

        Parameters
        ----------
        rate : float
            Expected mean firing rate of the population's neurons, in Hz.
        duration : float
            How long will be recorded, in ms.

        Returns
        -------
        int
            Bytes of the closed file, within a few percent if the rate is right.

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

    @property
    def steps(self) -> np.ndarray:
        """The step of each spike, for reading only."""
        self._check_in_memory("spikes", "read_spikes")
        return self._steps.read()

    @property
    def t(self) -> np.ndarray:
        self._check_in_memory("spikes", "read_spikes")
        return self._all_times()

    @property
    def i(self) -> np.ndarray:
        self._check_in_memory("spikes", "read_spikes")
        return self._neurons.read()

    @property
    def count(self) -> np.ndarray:
        i = self.i
        if self._counted < i.size:
            self._counts += np.bincount(i[self._counted :], minlength=self.n)
            self._counted = i.size
        return self._counts.copy()

    def take(self) -> Spikes:
        """Take out everything recorded so far, as separate data; the recording forgets it.

        The recording begins again at the present time, for example with the next trial.

        Raises
        ------
        InputError
            If it goes to a file.

        Examples
        --------
        >>> from spikesim import Network, Poisson
        >>> net = Network(dt=1.0, seed=1, backend="python")
        >>> source = net.add_population("source", 5, Poisson)
        >>> source.rate[:] = 50.0
        >>> spikes = net.record_spikes(source)
        >>> trials = []
        >>> for k in range(3):
        ...     net.reset(seed=k)
        ...     net.run(100.0)
        ...     trials.append(spikes.take())
        >>> [trial.t.size for trial in trials], spikes.t.size
        ([32, 26, 30], 0)
        """
        taken = self._since(0, 0)
        self.clear()
        return taken

    def new(self) -> Spikes:
        """The spikes since the previous call of `new`, or since the start.

        The time that a call takes depends only on the number of new spikes. The recording keeps all
        spikes.

        Raises
        ------
        InputError
            If it goes to a file.

        Examples
        --------
        >>> from spikesim import Network
        >>> net = Network(dt=1.0, backend="python")
        >>> source = net.add_spike_trains("source", 2, times=[1.0, 2.0, 7.0], ids=[0, 1, 1])
        >>> spikes = net.record_spikes(source)
        >>> for _ in net.steps(10.0, every=5.0):
        ...     print(spikes.new().i)
        [0 1]
        [1]
        """
        found = self._since(self._seen, self._seen_to)
        self._seen, self._seen_to = self._steps.size, self._last()
        return found

    def _since(self, row: int, step: int) -> Spikes:
        """The spikes from a row on, which begins at a step."""
        whole = [(max(first, step), end) for first, end in self._stretches if end > step]
        origin = max(self._origin, step)
        return Spikes(self.name, self.n, self.dt, self.steps[row:], self.i[row:], origin, whole)


class StateRecording(Recording, RecordedSamples):
    """Samples of state variables; made by `Network.record`.

    ``recording.v`` has shape (neurons, samples); ``recording.t`` has the times in ms; both are for
    reading only. The sample of step k is the value at the end of that step, in which spikes have
    the time k dt. ``t_start``, ``t_stop`` and ``duration`` are as for `SpikeRecording`.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=0.5, backend="python")
    >>> recording = net.record(net.add_population("cells", 2, LIF), "v", every=1.0)
    >>> net.run(3.0)
    >>> recording.v.shape, recording.t.tolist()
    ((2, 3), [0.0, 1.0, 2.0])
    """

    def __init__(
        self,
        population: Population,
        variables: list[str],
        every: int,
        which: np.ndarray,
        dt: float,
        path: str | Path | None,
        units: dict[str, str],
    ):
        super().__init__(population, dt, path, variables=variables, every=every, units=units)
        self._which = which
        self._former = getattr(getattr(population, "neuron", None), "former", {})
        rows = max(SAMPLE_BUFFER // max(which.size * len(variables), 1), 16)
        types = {v: self._state()[v].dtype for v in variables}
        self._buffers = {v: np.zeros((rows, which.size), dtype) for v, dtype in types.items()}
        self._rows = rows
        self._params: dict[str, Any] = {"every": every, "first": 0}
        self._samples = {v: Rows((which.size,), dtype) for v, dtype in types.items()}
        self._first = self._next = -(-population.network.step // every)
        if path is not None:
            unit = file_unit(units)
            self._writer = TraceWriter(path, every * dt, self._next * every * dt, unit)
            self._writer.add_population(self.name, which, variables)

    def __repr__(self) -> str:
        names = ", ".join(self.variables)
        what = f"{names} of {self._which.size} neurons of {self.name!r}"
        samples = "" if self._path is not None else f"{self._steps.size} samples, "
        return f"<StateRecording of {what}: {samples}{self._where()}>"

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_buffers": {}}

    def _state(self) -> Mapping[str, np.ndarray]:
        """The variables that can be recorded, by name."""
        own: Any = self.population
        return own.state

    def phases(self) -> list[Phase]:
        """The Phases that sample, one per variable."""
        if self.population is None:  # a copy, which belongs to no network
            return []
        return [self._sampling(name) for name in self.variables]

    def _sampling(self, name: str) -> Phase:
        own: Any = self.population
        state = State(which=self._which, buffer=self._buffers[name], value=own.as_seen(name))
        return Phase(probes.sample, probes.sampled, state, self._params)

    @property
    def neurons(self) -> np.ndarray:
        """The recorded neurons; for reading only, as compiled code relies on them."""
        return read_only(self._which)

    def pause(self) -> None:
        if self._writer is not None:
            raise InputError(
                f"The samples in {self._path} follow each other at equal times; close() it, and "
                f"record {self.name!r} to another file later."
            )
        super().pause()

    def longest_run(self) -> int:
        """How many steps the buffer can hold."""
        return (self._rows - 1) * self.every

    def prepare(self, step: int) -> None:
        super().prepare(step)
        if self._writer is not None and -(-step // self.every) != self._next:
            raise InputError(
                f"The samples of {self.name!r} in {self._path} begin with step "
                f"{self._first * self.every} and end before step {self._next * self.every}, but "
                f"the network was set to step {step}; close() the recording and record to another "
                "file."
            )

    def begin(self, step: int) -> None:
        """Start a stretch of steps with an empty buffer."""
        self._begun = step
        every = _NEVER if self._is_paused else self.every
        self._params.update(every=every, first=-(-step // every))

    def drain(self, end: int) -> None:
        """Take out the samples of the stretch that ended before step `end`."""
        if self._is_closed or self._is_paused:  # perhaps since the middle of a run
            return
        first = self._params["first"]
        rows = -(-end // self.every) - first
        if isinstance(self._writer, TraceWriter):
            block = np.stack([self._buffers[v][:rows] for v in self.variables], axis=-1)
            self._writer.append(self.name, block)
            self._next += rows
        else:
            for variable in self.variables:
                self._samples[variable].append(self._buffers[variable][:rows].copy())
            self._steps.append((first + np.arange(rows)) * self.every)
        self._note(end)

    def _cut(self, rows: int) -> None:
        super()._cut(rows)
        for samples in self._samples.values():
            samples.cut(rows)

    def _cut_file(self, step: int) -> None:
        self._next = max(-(-step // self.every), self._first)
        if isinstance(self._writer, TraceWriter):
            self._writer.cut(self.name, self._next - self._first)

    def predicted_bytes(self, duration: float) -> int:
        """The size of the file that the samples will take, for use before a long run.

        Parameters
        ----------
        duration : float
            How long will be recorded, in ms.

        Returns
        -------
        int
            Bytes of the closed file: 4 per sample, neuron and variable, and some more.

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

    @property
    def t(self) -> np.ndarray:
        """Sample times in ms, for reading only."""
        self._check_in_memory("samples", "read_traces")
        return self._all_times()

    def __getattr__(self, name: str) -> np.ndarray:
        samples = self.__dict__.get("_samples", {})
        name = present_name(name, samples, self.__dict__.get("_former", {}))
        if name not in samples:
            message = f"nothing recorded as {name!r}; there is {', '.join(samples)}."
            raise absent(self, name, "the recording", message, list(samples))
        self._check_in_memory("samples", "read_traces")
        return samples[name].read().T

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.variables]


for _name in public_names(StateRecording):
    RESERVED.setdefault(_name, "recording")
