"""What recordings of spikes and of samples have in common: their runs, and how they end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from spikesim.checks import check_path
from spikesim.copying import Companion
from spikesim.engine.population import Population
from spikesim.engine.rows import Rows
from spikesim.engine.subgroups import Subgroup
from spikesim.errors import InputError
from spikesim.recorded import Recorded
from spikesim.sonata import SpikeWriter, TraceWriter
from spikesim.tables import Table

__all__ = ["Recording", "drain"]


class Recording(Recorded, Companion):
    """The common part of recordings of spikes and of samples: their runs, and how they end."""

    population: Population | None
    _stretches: list[tuple[int, int]]

    def __init__(
        self, population: Population | Subgroup, dt: float, path: str | Path | None, **public: Any
    ):
        name = population.name
        if isinstance(population, Subgroup):
            population = population.population
        public = {"population": population, "name": name, "dt": dt, **public}
        self.__dict__.update(public)
        self._path = None if path is None else str(check_path("path", path))
        self._writer: SpikeWriter | TraceWriter | None = None
        self._is_closed = self._is_paused = False
        self._origin = self._begun = population.network.step
        self._stretches = []
        self._steps = Rows((), np.int64)  # the step of each row
        self._times = Rows((), np.float64)  # the same in ms, as far as they have been read

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise InputError(
                f"{name} of the recording of {self.name!r} cannot be set; record anew."
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        if self._path is not None and not self._is_closed:
            raise InputError(
                f"The recording of {self.name!r} is writing {self._path}; close() it before it is "
                "copied or sent to another process."
            )
        # A copy holds the recorded data, and belongs to no network.
        return {**self.__dict__, "population": None, "_writer": None, "_is_closed": True}

    def __copy__(self) -> Self:
        return copy.deepcopy(self)  # later rows would change a copy that shares them

    # ------------------------------------------------------------------------------- running

    def prepare(self, step: int) -> None:
        """Get ready to continue from a step, or raise an error before any step is run."""
        self.take_back(step)
        if self._writer is not None and not self._writer.is_open:
            raise InputError(
                f"{self._path} could not be written; close() the recording of {self.name!r} to go "
                "on without it."
            )

    def check_kept(self, step: int) -> None:
        """Refuse to go back to a step if a file would lose its contents."""
        if self._path is not None and self._stretches and step < self._stretches[-1][1]:
            raise InputError(
                f"The recording of {self.name!r} goes to {self._path}, which would lose what it "
                "holds; close() it before reset, and record the next trial to another file."
            )

    def take_back(self, step: int) -> None:
        """Forget everything from a step on, as the network has gone back to it."""
        if not self._stretches:
            self._origin = step
            return
        if step >= self._stretches[-1][1]:
            return
        self._stretches = [(a, min(b, step)) for a, b in self._stretches if a < step]
        self._origin = step
        if self._path is None:
            self._cut(int(np.searchsorted(self._steps.read(), step)))
        elif self._writer is not None and self._writer.is_open:
            self._cut_file(step)

    def _cut(self, rows: int) -> None:
        for each in (self._steps, self._times):
            each.cut(rows)

    def _cut_file(self, step: int) -> None:
        raise NotImplementedError

    def _note(self, end: int) -> None:
        """Remember that every step from the begun one up to the one before `end` was recorded."""
        if self._stretches and self._stretches[-1][1] == self._begun:
            self._stretches[-1] = self._stretches[-1][0], end
        else:
            self._stretches.append((self._begun, end))

    # ------------------------------------------------------------------------------- ending

    @property
    def is_closed(self) -> bool:
        """Whether it has ended or is a copy: no network adds to it any more."""
        return self._is_closed

    @property
    def is_paused(self) -> bool:
        """Whether it waits for `resume`."""
        return self._is_paused

    def pause(self) -> None:
        """Record nothing until `resume`; the time in between does not count as recorded.

        A recording that is no longer needed at all can be closed instead.

        Raises
        ------
        InputError
            If it has ended, or if samples go to a file, where no time can be left out.
        """
        self._check_goes_on()
        self._is_paused = True

    def resume(self) -> None:
        """Go on after a `pause`.

        Raises
        ------
        InputError
            If it has ended.
        """
        self._check_goes_on()
        self._is_paused = False

    def _check_goes_on(self) -> None:
        if self._is_closed:
            raise InputError(f"The recording of {self.name!r} has ended; record anew.")

    def clear(self) -> None:
        """Forget everything recorded so far; the recording begins again at the present time.

        Raises
        ------
        InputError
            If it goes to a file, which cannot begin again.
        """
        if self._path is not None:
            raise InputError(
                f"The recording of {self.name!r} goes to {self._path}, which is not begun anew; "
                "close() it and record to another file."
            )
        population = None if self._is_closed else self.population
        self._origin = self._last() if population is None else population.network.step
        self._stretches = []
        self._cut(0)

    def _last(self) -> int:
        return self._stretches[-1][1] if self._stretches else self._origin

    def close(self) -> None:
        """End the recording: the network continues without it, and its file is finished.

        Data recorded to memory can still be read. A second call does nothing.

        Raises
        ------
        FileError
            If the file cannot be written; nothing is then left of it.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            if self._path is not None and self.population is not None:
                self.population.network.meet("close of a recording")

    # ------------------------------------------------------------------------------- reading

    def _check_in_memory(self, what: str, reader: str) -> None:
        if self._path is not None:
            raise InputError(
                f"The {what} of {self.name!r} went to a file; close() the recording and read them "
                f"with spikesim.sonata.{reader}."
            )

    def _all_times(self) -> np.ndarray:
        steps = self._steps.read()
        self._times.append(steps[self._times.size :] * self.dt)
        return self._times.read()

    def _tables(self) -> list[Table]:
        return super()._tables() if self._path is None else []

    def _where(self) -> str:
        """The end of the text that represents a recording."""
        file = "" if self._path is None else f"to {self._path}, "
        paused = ", paused" if self._is_paused else ""
        return f"{file}{self.t_start:g} to {self.t_stop:g} ms{paused}"


def drain(recordings: Sequence[Any], step: int) -> None:
    """Let every recording empty its buffer, even if one of them fails."""
    for k, recording in enumerate(recordings):
        try:
            recording.drain(step)
        except BaseException:
            drain(recordings[k + 1 :], step)
            raise
