"""Runs a circuit and writes the spikes and reports that its configuration asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import check_path, show
from spikesim.circuit.config import Config
from spikesim.circuit.nodes import Nodes
from spikesim.circuit.reports import Report, Share
from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.errors import FileError, InputError
from spikesim.progress import Progress, progress_bar
from spikesim.sonata import SpikeWriter, TraceWriter

__all__ = ["Circuit"]

_PIECE = 10_000  # steps between writes
_SAMPLES = 1 << 24  # that are held in memory between writes


class Circuit:
    """A network that was read from SONATA files; made by `read_circuit`.

    Attributes
    ----------
    network : spikesim.Network
        It may be changed, recorded and run like any other.
    populations : dict of str to dict of Population to numpy.ndarray
        For each population of the files, the populations of the network that it has become: one for
        each model. Neuron i is node ``ids[i]`` of the array that belongs to it.
    duration : float or None
        How long the simulation takes, in ms; None if only a circuit was read.
    """

    def __init__(
        self,
        config: Config,
        network: Network,
        nodes: Mapping[str, Nodes],
        reports: list[Report],
        steps: int | None,
    ):
        self.network = network
        self.duration = None if steps is None else steps * network.dt
        self._config = config
        self._nodes = nodes
        self._reports = reports
        self._steps = steps

    @property
    def populations(self) -> dict[str, dict[Population, np.ndarray]]:
        return {
            name: {part.population: part.ids.copy() for part in nodes.parts}
            for name, nodes in self._nodes.items()
        }

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} ({nodes.ids.size})" for name, nodes in self._nodes.items())
        return f"<Circuit of {self._config.path}: {sizes}>"

    def run(
        self, directory: str | os.PathLike[str] | None = None, progress: bool | Progress = False
    ) -> list[Path]:
        """Run the simulation, and write its spikes and reports to SONATA files.

        Spikes of all neurons but virtual ones are written; the numbers in the files are those of
        nodes. All of it takes the memory of `_PIECE` steps, however long the simulation is.

        Parameters
        ----------
        directory : str or path, optional
            Where the files go; by default, the output_dir of the configuration.
        progress : bool or callable
            True shows a bar if stderr is a terminal; a callable gets ``(done, total)`` in steps.

        Returns
        -------
        list of Path
            The files that were written, that of the spikes first.

        Raises
        ------
        InputError
            If the configuration has no tstop or no output_dir, or a directory is not given.
        FileError
            If a file cannot be written, or is there and the configuration forbids to replace it.
        """
        if self._steps is None:
            raise InputError(
                f"{self._config.path} is a circuit without a simulation; circuit.network.run(ms) "
                "runs it for some time."
            )
        folder = self._folder(directory)
        paths = [folder / self._spikes_file(), *(folder / each.file for each in self._reports)]
        if not self._config.output.get("overwrite_output_dir", True):
            there = next((path for path in paths if path.exists()), None)
            if there is not None:
                raise FileError(
                    f"{there} exists, and overwrite_output_dir is false; choose another directory."
                )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"Cannot make the folder {folder}: {error.strerror}.") from None
        with ExitStack() as stack:
            outputs: list[Any] = [stack.enter_context(_Spikes(self.network, self._nodes, paths[0]))]
            for report, path in zip(self._reports, paths[1:], strict=True):
                outputs.append(stack.enter_context(_Traces(self.network, report, path)))
            piece = min(each.longest for each in outputs)
            with progress_bar(progress, self._steps, "step") as told:
                for done in range(0, self._steps, piece):
                    now = min(piece, self._steps - done)
                    self.network.run_steps(now)
                    for output in outputs:
                        output.write()
                    told(done + now, self._steps)
        return paths

    def _folder(self, directory: Any) -> Path:
        folder = self._config.output.get("output_dir") if directory is None else directory
        if folder is None:
            raise InputError(
                "directory is None, and the configuration has no output_dir; name one."
            )
        return check_path("directory", folder)

    def _spikes_file(self) -> str:
        name = self._config.output.get("spikes_file", "spikes.h5")
        if not isinstance(name, str) or not name or "\0" in name:
            raise FileError(f"{self._config.path}: spikes_file is {show(name)}; name a file.")
        return Path(name).name  # a path in it has no meaning, as the specification says


class _Spikes:
    """The spikes of all neurons, with the numbers of their nodes."""

    longest = _PIECE

    def __init__(self, network: Network, nodes: Mapping[str, Nodes], path: Path):
        self._recordings: dict[str, list[tuple[SpikeRecording, np.ndarray]]] = {}
        sizes = {}
        for name, each in nodes.items():
            parts = [part for part in each.parts if part.kind is not None]
            if parts:
                sizes[name] = int(each.ids.max()) + 1
                self._recordings[name] = [
                    (network.record_spikes(part.population), part.ids) for part in parts
                ]
        self._writer = SpikeWriter(path, network.dt, sizes)

    def __enter__(self) -> _Spikes:
        return self

    def __exit__(self, *error: Any) -> None:
        for recordings in self._recordings.values():
            for recording, _ in recordings:
                recording.close()
        self._writer.__exit__(*error)

    def write(self) -> None:
        for name, recordings in self._recordings.items():
            taken = [(recording.take(), ids) for recording, ids in recordings]
            steps = np.concatenate([spikes.steps for spikes, _ in taken])
            numbers = np.concatenate([ids[spikes.i] for spikes, ids in taken])
            order = np.argsort(steps, kind="stable")
            self._writer.append(name, steps[order], numbers[order])


class _Traces:
    """A report, with a row for each of its nodes in the order of their numbers."""

    def __init__(self, network: Network, report: Report, path: Path):
        self._every, self._start, self._stop = report.every, report.start, report.stop
        self._origin, self._dt = network.step, network.dt
        self._recordings: dict[str, list[tuple[StateRecording, Share]]] = {}
        first = -(-report.start // report.every) * report.every
        dt = network.dt
        self._writer = TraceWriter(path, report.every * dt, first * dt, report.unit)
        self._order: dict[str, np.ndarray] = {}
        for share in report.shares:
            recording = network.record(
                share.part.population, share.variable, report.every * dt, share.neurons
            )
            self._recordings.setdefault(share.population, []).append((recording, share))
        for name, shares in self._recordings.items():
            ids = np.concatenate([share.part.ids[share.neurons] for _, share in shares])
            self._order[name] = np.argsort(ids)
            self._writer.add_population(name, ids[self._order[name]])
        columns = sum(share.neurons.size for share in report.shares)
        self.longest = max(1, min(_PIECE, _SAMPLES // columns))

    def __enter__(self) -> _Traces:
        return self

    def __exit__(self, *error: Any) -> None:
        for recordings in self._recordings.values():
            for recording, _ in recordings:
                recording.close()
        self._writer.__exit__(*error)

    def write(self) -> None:
        for name, shares in self._recordings.items():
            values = np.concatenate(
                [
                    getattr(recording, share.variable) * np.reshape(share.scale, (-1, 1))
                    for recording, share in shares
                ]
            )
            steps = np.rint(shares[0][0].t / self._dt) - self._origin
            wanted = (steps >= self._start) & (steps < self._stop)
            if wanted.any():
                self._writer.append(name, values[self._order[name]][:, wanted].T[:, :, None])
            for recording, _ in shares:
                recording.clear()
