"""Recordings of several populations that belong together, in memory or in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, overload

import numpy as np

from spikesim.checks import check_path, show
from spikesim.engine.population import Population
from spikesim.engine.recording import SpikeRecording
from spikesim.engine.subgroups import Subgroup
from spikesim.errors import InputError
from spikesim.recorded import Spikes
from spikesim.sonata import SpikeWriter, TraceWriter, write_spikes

__all__ = ["SpikeRecordings", "layers_to_neo", "layers_to_sonata"]


class _CommonWriter(SpikeWriter):
    """A file to which several recordings write; closing the last of them finishes it."""

    def __init__(self, path: str | Path, dt: float, sizes: dict[str, int]):
        super().__init__(path, dt, sizes)
        self._left = len(sizes)

    def close(self) -> None:
        self._left -= 1
        if self._left <= 0:
            super().close()


class SpikeRecordings(Sequence[SpikeRecording]):
    """The spikes of several populations; made by `Network.record_spikes`.

    It holds a `SpikeRecording` for each, in the order in which they were named:
    ``exc_spikes, inh_spikes = net.record_spikes(exc, inh)``. ``recordings[0]`` and
    ``recordings["exc"]`` return one of them.

    Examples
    --------
    >>> from spikesim import Network
    >>> net = Network(dt=1.0, backend="python")
    >>> exc = net.add_spike_trains("exc", 3, times=[2.0, 4.0], ids=[0, 2])
    >>> inh = net.add_spike_trains("inh", 1, times=[3.0], ids=[0])
    >>> spikes = net.record_spikes(exc, inh)
    >>> net.run(10.0)
    >>> spikes
    <SpikeRecordings of 'exc', 'inh'>
    >>> spikes["exc"].t.tolist(), [each.name for each in spikes]
    ([2.0, 4.0], ['exc', 'inh'])
    """

    def __init__(
        self, populations: Sequence[Population | Subgroup], dt: float, path: str | Path | None
    ):
        writer = None
        first = populations[0]
        whole = first.population if isinstance(first, Subgroup) else first
        if path is not None and whole.network.rank == 0:
            writer = _CommonWriter(path, dt, {each.name: each.n for each in populations})
        self._recordings = [SpikeRecording(each, dt, path, writer) for each in populations]

    def __repr__(self) -> str:
        return f"<SpikeRecordings of {', '.join(repr(each.name) for each in self)}>"

    def _repr_html_(self) -> str:
        return "".join(each._repr_html_() for each in self._recordings)

    def __len__(self) -> int:
        return len(self._recordings)

    def __iter__(self) -> Iterator[SpikeRecording]:
        return iter(self._recordings)

    @overload
    def __getitem__(self, which: int | str) -> SpikeRecording: ...
    @overload
    def __getitem__(self, which: slice) -> list[SpikeRecording]: ...
    def __getitem__(self, which: Any) -> Any:
        """One recording, by its place or the name of its population."""
        if isinstance(which, str):
            for each in self._recordings:
                if each.name == which:
                    return each
        elif not isinstance(which, bool):
            try:
                return self._recordings[which]
            except (IndexError, TypeError):
                if type(which) is int:  # as Python's iteration by number expects
                    raise IndexError(f"there are {len(self)} recordings, and no {which}") from None
        names = ", ".join(repr(each.name) for each in self)
        raise InputError(
            f"which is {show(which)}; it has to be one of {names}, or a number below {len(self)}."
        )

    def take(self) -> list[Spikes]:
        """Take out the spikes of each population; recordings forget them. See `SpikeRecording`."""
        return [each.take() for each in self._recordings]

    def new(self) -> list[Spikes]:
        """The spikes of each population since the previous call. See `SpikeRecording`."""
        return [each.new() for each in self._recordings]

    def clear(self) -> None:
        """Forget everything recorded so far; the recordings begin again at the present time."""
        for each in self._recordings:
            each.clear()

    def pause(self) -> None:
        """Record nothing until `resume`. See `SpikeRecording`."""
        for each in self._recordings:
            each.pause()

    def resume(self) -> None:
        """Go on after a `pause`."""
        for each in self._recordings:
            each.resume()

    def close(self) -> None:
        """End all recordings, and finish their file.

        Raises
        ------
        FileError
            If the file cannot be written; nothing is then left of it.
        """
        with ExitStack() as stack:  # even if one fails, the others are closed
            for each in self._recordings:
                stack.callback(each.close)

    def to_sonata(self, path: str | Path) -> None:
        """Write the spikes of all populations to one SONATA file; see `sonata.write_spikes`.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        write_spikes(path, *self._recordings)


def layers_to_sonata(
    directory: str | Path,
    spikes: Mapping[str, SpikeRecording],
    voltages: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write spikes.h5, and voltages.h5 if there are voltages, to a directory in the SONATA layout.

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
