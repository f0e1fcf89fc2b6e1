"""`ExampleModel`: populations that learn a few examples from a teacher, over and over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from spikesim.attributes import Guarded, copied
from spikesim.backends import check_backend
from spikesim.bursts import burst_probability
from spikesim.checks import check_array, check_choice, check_integer, check_number, check_path
from spikesim.engine.recording import SpikeRecording
from spikesim.errors import InputError
from spikesim.learning.parameters import TimedParameters
from spikesim.progress import Interruption, Progress, progress_bar
from spikesim.training import (
    Learner,
    history_arrays,
    history_lists,
    keeping,
    load_model,
    saved_count,
)

__all__ = ["ExampleModel", "ExampleRecording", "trained"]

Own = TypeVar("Own", bound="ExampleModel")


class ExampleModel(Learner):
    """A network that sees the same examples in each epoch and learns at the end of each example.

    A model brings the class attributes and the methods of the first part. A copy of its dynamics is
    an object with the attribute `network`. One copy learns; others are made for tests and
    recordings.

    Parameters
    ----------
    seed : int
        Connections and all random events depend on it.
    dt : float
        The step in ms.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options that differ from the defaults, by name; the model's ``Parameters``
        lists them.

    Attributes
    ----------
    Parameters : type
        Its constants; see `spikesim.learning.parameters`.
    EXAMPLES : int
        How many examples an epoch has.
    POPULATIONS : tuple of str
    MEASURES : tuple of str
        What is measured of each population in each example. The history has a column for each
        population and measure, 'POPULATION_MEASURE', with one number per example in each entry.
    DERIVED : tuple of str
        Columns of the history that `derived` computes from the others.

    Examples
    --------
    >>> from spikesim.models.burst.spiking import ExclusiveOrNetwork
    >>> net = ExclusiveOrNetwork(backend="python")
    >>> net.epoch, net.time
    (0, 0.0)
    """

    Parameters: ClassVar[type[TimedParameters]] = TimedParameters
    EXAMPLES: ClassVar[int] = 1
    POPULATIONS: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[tuple[str, ...]] = ()
    DERIVED: ClassVar[tuple[str, ...]] = ()

    # ------------------------------------------------------------------- what a model brings

    def dynamics(self) -> Any:
        """Make a copy of the dynamics, in its initial state."""
        raise NotImplementedError

    def settle(self, simulation: Any) -> None:
        """Run a copy of the dynamics, a ``simulation``, before the first example."""

    def show(self, simulation: Any, example: int, teach: bool) -> np.ndarray:
        """Show an ``example``, and its teacher if ``teach``; return (populations, measures).

        ``simulation`` is a copy of the dynamics.
        """
        raise NotImplementedError

    def derived(self, measured: dict[str, list[float]]) -> dict[str, float]:
        """Summarise the epoch, from its other entries of the history, ``measured``."""
        return {}

    # ------------------------------------------------------------------- what it gets

    def __init__(
        self,
        *,
        seed: int = 0,
        dt: float = 0.1,
        dtype: str = "float32",
        backend: str = "cpu",
        **parameters: Any,
    ):
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
        self.dt = check_number("dt", dt, above=0.0, unit="ms")
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self.backend = check_backend(backend)
        self.parameters = self.Parameters.checked(1, parameters, self.dtype)
        self.parameters.check_times(self.dt, self.dtype)
        self._at_epoch = 0
        self._at_example = 0
        self.notes = {}
        columns = [f"{name}_{measure}" for name in self.POPULATIONS for measure in self.MEASURES]
        columns = ["epoch", *self.DERIVED, *columns, "seconds"]
        self.history: dict[str, list[Any]] = {key: [] for key in columns}
        self._simulation = self.dynamics()
        # The measures of the examples that the epoch has shown so far.
        self._measured = np.zeros((self.EXAMPLES, len(self.POPULATIONS), len(self.MEASURES)))
        self._seconds = 0.0

    @property
    def epoch(self) -> int:
        """How many epochs the network has learned."""
        return self._at_epoch

    @property
    def example(self) -> int:
        """How many examples of the unfinished epoch the network has learned."""
        return self._at_example

    @property
    def time(self) -> float:
        """Simulated time so far, in s."""
        return self._simulation.network.time / 1000.0

    @property
    def training(self) -> Any:
        """The copy of the dynamics that learns; the model decides what it consists of."""
        return self._simulation

    def fit(
        self,
        epochs: int = 500,
        *,
        progress: bool | Progress = False,
        checkpoint: str | Path | None = None,
    ) -> dict[str, list[Any]]:
        """Learn: show the examples in their order, each with a teacher at its end.

        A network that has not run yet first settles. It then sees all examples once, without a
        teacher.

        Parameters
        ----------
        epochs : int
            How many more epochs. An epoch that was interrupted is finished first, and counts.
        progress : bool or callable
            True shows a bar if stderr is a terminal.
        checkpoint : str or Path, optional
            Save to this file after every epoch, and when interrupted with Ctrl-C.

        Returns
        -------
        dict of str to list
            The `history` so far.

        Raises
        ------
        SimulationError
            If a state variable or weight becomes NaN or infinite.
        FileError
            If `checkpoint` cannot be written, or another process is using it.
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, at the end of an example and after saving.
        """
        epochs = check_integer("epochs", epochs, at_least=1)
        with keeping(self, checkpoint) as keep:
            if not self.history["epoch"]:
                self.settle(self._simulation)
                began = time.perf_counter()
                self._measured[:] = self._shown(self._simulation)
                self._seconds = time.perf_counter() - began
                self._note()
            self._learn(self.epoch + epochs, progress, keep)
        return copied(self.history)

    def _learn(self, last: int, progress: bool | Progress, keep: Callable[[], None]) -> None:
        """Train up to an epoch."""
        start = self.epoch * self.EXAMPLES
        total = last * self.EXAMPLES - start
        with Interruption() as interruption, progress_bar(progress, total, "example") as report:
            while self.epoch < last:
                began = time.perf_counter()
                self._measured[self.example] = self.show(self._simulation, self.example, True)
                self._seconds += time.perf_counter() - began
                self._at_example += 1
                report(self.epoch * self.EXAMPLES + self.example - start, total)
                is_epoch = self.example == self.EXAMPLES
                if is_epoch:
                    self._finish_epoch()
                if is_epoch or interruption.requested:
                    keep()
                if interruption.requested:
                    raise interruption.error

    def _finish_epoch(self) -> None:
        self._at_epoch += 1
        self._at_example = 0
        self._note()

    def _note(self) -> None:
        """Add an entry to the history."""
        by_population = zip(self.POPULATIONS, self._measured.transpose(1, 2, 0), strict=True)
        measured = {
            f"{name}_{measure}": [float(x) for x in values]
            for name, of_examples in by_population
            for measure, values in zip(self.MEASURES, of_examples, strict=True)
        }
        entry = {"epoch": self.epoch, **measured, "seconds": self._seconds}
        entry.update(self.derived(measured))
        for key, values in self.history.items():
            values.append(entry[key])
        self._seconds = 0.0

    def _shown(self, simulation: Any) -> np.ndarray:
        """Show all examples without a teacher; return the measures of each."""
        return np.array([self.show(simulation, k, False) for k in range(self.EXAMPLES)])

    def _copy(self) -> Any:
        """Copy the dynamics in their present state; let the copy settle if nothing has run yet."""
        copy = self.dynamics()
        copy.network.set_state(self._simulation.network._state())
        if not copy.network.step:
            self.settle(copy)
        return copy

    def record(self, pattern: int, teach: bool = False) -> ExampleRecording:
        """Show one of the examples to a copy of the network and record all spikes.

        The dynamics need the populations `cells`, `events` and `bursts`, and `where`, which says
        where each of `POPULATIONS` lies in them.

        Parameters
        ----------
        pattern : int
            Number of the example, from 0.
        teach : bool
            Whether a teacher comes at the end and the weights of the copy learn.
        """
        check_integer("pattern", pattern, at_least=0, at_most=self.EXAMPLES - 1)
        check_choice("teach", teach, [True, False])
        return ExampleRecording(self, self._copy(), pattern, teach)

    # ------------------------------------------------------------------- saving, loading

    def _state(self) -> dict[str, Any]:
        return {
            "config": {
                "seed": self.seed,
                "dt": self.dt,
                "dtype": self.dtype,
                "parameters": self.parameters._asdict(),
            },
            "progress": {
                "epoch": self.epoch,
                "example": self.example,
                "seconds": self._seconds,
                "measured": self._measured,
            },
            "simulation": self._simulation.network._state(),
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
        }

    @classmethod
    def load(cls: type[Own], path: str | Path, backend: str = "cpu") -> Own:
        """Read a network that `save` wrote to `path`; it continues as the saved one would have."""
        return load_model(cls.KIND, path, lambda state: cls._from_state(state, backend))

    @classmethod
    def _from_state(cls: type[Own], state: dict[str, Any], backend: str) -> Own:
        config, progress = state["config"], state["progress"]
        net = cls(
            seed=config["seed"],
            dt=config["dt"],
            dtype=config["dtype"],
            backend=backend,
            **config["parameters"],
        )
        net._simulation.network.set_state(state["simulation"])
        net._at_epoch = saved_count(progress, "epoch")
        net._at_example = saved_count(progress, "example", at_most=cls.EXAMPLES - 1)
        net._seconds = check_number("saved seconds", progress["seconds"])
        net._measured[:] = progress["measured"]
        net.notes = state.get("notes", {})  # files of version 0.1 have none
        net.history.update(history_lists(state["history"]))
        epochs = check_array("saved epochs", state["history"]["epoch"], dtype=np.int64)
        net.history["epoch"] = epochs.tolist()
        return net


def trained(
    net: Own,
    epochs: int,
    progress: bool | Progress = False,
    checkpoint: str | Path | None = None,
) -> Own:
    """Train a new network up to an epoch, or continue with the same network in `checkpoint`.

    Parameters
    ----------
    net : ExampleModel
    epochs : int
        How many epochs in all.
    progress : bool or callable
        True shows a bar if stderr is a terminal.
    checkpoint : str or Path, optional
        Written after every epoch. If the file already holds a network, it has to have the seed and
        parameters of `net`.

    Returns
    -------
    ExampleModel
        `net`, or the network of the file.

    Raises
    ------
    InputError
        If the file holds a network of another seed or other parameters.

    Examples
    --------
    >>> from spikesim.models.burst.spiking import ExclusiveOrNetwork
    >>> net = ExclusiveOrNetwork(backend="python")
    >>> trained(net, epochs=0)
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: epochs is 0; it has to be a whole number at least 1.
    """
    epochs = check_integer("epochs", epochs, at_least=1)
    if checkpoint is not None:
        checkpoint = check_path("checkpoint", checkpoint)
    if checkpoint is not None and Path(checkpoint).exists():
        begun = type(net).load(checkpoint, net.backend)
        if (begun.seed, begun.parameters) != (net.seed, net.parameters):
            raise InputError(
                f"{checkpoint} holds a network of another seed or other parameters; choose another "
                "file, or the same values."
            )
        net = begun
    if net.epoch < epochs:
        net.fit(epochs - net.epoch, progress=progress, checkpoint=checkpoint)
    return net


class ExampleRecording(Guarded):
    """All spikes of one example; made by `ExampleModel.record`.

    Attributes
    ----------
    pattern : int
    duration : float
        Of the example, in ms.
    start : float
        When the example began, in ms of network time.
    spikes, events, bursts : dict of str to tuple of two numpy.ndarray
        For each population, times in ms from the start of the example, and neurons (0 to n - 1).

    Examples
    --------
    >>> from spikesim.models.burst.spiking import ExclusiveOrNetwork
    >>> net = ExclusiveOrNetwork(backend="python")
    >>> net.record(7)
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: pattern is 7; it has to be a whole number at least 0 and at most 3.
    """

    def __init__(self, net: Any, simulation: Any, pattern: int, teach: bool):
        self.pattern = pattern
        self.duration = net.parameters.duration
        self.n = net.parameters.n
        start, record = simulation.network.time, simulation.network.record_spikes
        populations = simulation.cells, simulation.events, simulation.bursts
        recordings = [record(population) for population in populations]
        net.show(simulation, pattern, teach)
        self.spikes, self.events, self.bursts = (
            {name: _part(recording, where, start) for name, where in simulation.where.items()}
            for recording in recordings
        )

    def rates(self, name: str, bin: float = 400.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Time (ms from the start), event rate (Hz) and burst probability of a population.

        Parameters
        ----------
        name : str
            The population.
        bin : float
            Width of the bins in ms.

        Returns
        -------
        tuple of numpy.ndarray, shapes (bins,)
            Middles of the bins, rates, and bursts per event; NaN in a bin without events.
        """
        check_choice("name", name, list(self.events))
        bin = check_number(
            "bin", bin, at_least=1e-6 * self.duration, at_most=self.duration, unit="ms"
        )
        edges = np.arange(0.0, self.duration + bin / 2, bin)
        events = np.histogram(self.events[name][0], edges)[0]
        bursts = np.histogram(self.bursts[name][0], edges)[0]
        rate = events / (self.n * bin / 1000.0)
        return edges[:-1] + bin / 2, rate, burst_probability(events, bursts)


def _part(recording: SpikeRecording, where: slice, start: float) -> tuple[np.ndarray, np.ndarray]:
    inside = (recording.i >= where.start) & (recording.i < where.stop)
    return recording.t[inside] - start, recording.i[inside] - where.start
