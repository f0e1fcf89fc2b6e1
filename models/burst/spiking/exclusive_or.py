"""`ExclusiveOrNetwork`: ensembles that learn exclusive-or from bursts (Payeur et al. 2021, fig. 4).

Two input, two hidden and one output population of bursting neurons. Events go forward, bursts go
back. At the end of each example a current into the dendrites of the output, computed from what was
wrong with its event rate, changes its burst probability, with it that of the hidden populations,
and through the burst-dependent rule all weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import Guarded, copied
from spikesim.backends import check_backend
from spikesim.checks import check_array, check_choice, check_integer, check_number, check_path
from spikesim.comparison import Comparison
from spikesim.engine.population import read_only
from spikesim.engine.recording import SpikeRecording
from spikesim.errors import InputError
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters
from spikesim.models.burst.spiking.exclusive_or_simulation import POPULATIONS, Simulation
from spikesim.progress import Interruption, Progress, progress_bar
from spikesim.training import (
    Learner,
    history_arrays,
    history_lists,
    keeping,
    load_model,
    saved_count,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CHANCE", "PATTERNS", "THRESHOLD", "ExampleRecording", "ExclusiveOrNetwork", "run"]

PATTERNS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""In the order in which an epoch shows them."""

THRESHOLD = 6.0  # Hz; above it the output says yes
CHANCE = 4.0 * np.log(2.0)
"""The cost of an epoch in which the output does not know."""

_AVERAGED = 10  # epochs of which `comparisons` takes the mean

_MEASURES = ("rate", "estimate", "burst_probability", "taught_burst_probability")
_HISTORY = (
    "epoch",
    "cost",
    *(f"{name}_{measure}" for name in POPULATIONS for measure in _MEASURES),
    "seconds",
)


class ExclusiveOrNetwork(Learner):
    """Five populations of bursting neurons that learn exclusive-or.

    Parameters
    ----------
    seed : int
        What connections and all random events depend on.
    dt : float
        The step in ms.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options other than the defaults in `Parameters`, by name; for example ``n``.

    Attributes
    ----------
    W : dict of str to numpy.ndarray
        The plastic weights as they are now, 'input_1_to_hidden_1' and so on; to be read only.
    history : dict of str to list
        One entry per epoch; the first, epoch 0, is from before learning. 'cost' is the authors',
        summed over patterns, the cross-entropy of the target and (E - e_min) / (e_max - e_min),
        where E is the output's estimate. For every population, four numbers each, one per pattern:
        'output_rate' and so on, its event rate in Hz before the teacher comes; 'output_estimate',
        the mean of its neurons' own averages of it (Hz) when the teacher comes;
        'output_burst_probability', bursts per event before the teacher comes;
        'output_taught_burst_probability', the same while it is there. 'seconds' is how long the
        epoch took.

    Examples
    --------
    >>> net = ExclusiveOrNetwork(seed=1, n=4, duration=10.0, alpha=10.0, backend="python")
    >>> history = net.fit(epochs=1)
    >>> history["epoch"], len(history["output_rate"][1])
    ([0, 1], 4)
    """

    KIND = "exclusive_or"

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
        self.parameters = Parameters.checked(1, parameters, self.dtype)
        self.parameters.check_times(self.dt, self.dtype)
        self._at_epoch = 0
        self._at_example = 0
        self.notes = {}
        self.history: dict[str, list[Any]] = {key: [] for key in _HISTORY}
        self._simulation = self._another()
        # What was measured in the patterns of the epoch so far.
        self._measured = np.zeros((len(PATTERNS), len(POPULATIONS), len(_MEASURES)))
        self._seconds = 0.0

    def __repr__(self) -> str:
        return f"<ExclusiveOrNetwork of {self.parameters.n} neurons each, epoch {self.epoch}>"

    @property
    def W(self) -> dict[str, np.ndarray]:
        weight = self._simulation.plastic.weight
        blocks = self._simulation.blocks
        return {name: read_only(weight[block]) for name, block in blocks.items()}

    @property
    def epoch(self) -> int:
        """How many epochs it has learned."""
        return self._at_epoch

    @property
    def example(self) -> int:
        """How many examples of the unfinished epoch it has learned."""
        return self._at_example

    @property
    def time(self) -> float:
        """Simulated time so far, in s."""
        return self._simulation.network.time / 1000.0

    # ------------------------------------------------------------------------------ learning

    def fit(
        self,
        epochs: int = 500,
        *,
        progress: bool | Progress = False,
        checkpoint: str | Path | None = None,
    ) -> dict[str, list[Any]]:
        """Learn: show the four patterns in their order, each with a teacher at its end.

        A network that has not run yet first runs for 3 alpha, then shows all patterns once without
        teacher.

        Parameters
        ----------
        epochs : int
            How many more. An unfinished one, after an interruption, is finished first and counts.
        progress : bool or callable
            True shows a bar where stderr is a terminal.
        checkpoint : str or Path, optional
            Save to this file after every epoch, and when interrupted with Ctrl-C.

        Returns
        -------
        dict of str to list
            `history` as it is now.

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
                self._burn_in(self._simulation)
                began = time.perf_counter()
                self._measured[:] = [self._show(self._simulation, k, False) for k in range(4)]
                self._seconds = time.perf_counter() - began
                self._note()
            self._learn(self.epoch + epochs, progress, keep)
        return copied(self.history)

    def _learn(self, last: int, progress: bool | Progress, keep: Callable[[], None]) -> None:
        """Train up to an epoch."""
        start = self.epoch * len(PATTERNS)
        total = last * len(PATTERNS) - start
        with Interruption() as interruption, progress_bar(progress, total, "example") as report:
            while self.epoch < last:
                began = time.perf_counter()
                self._measured[self.example] = self._show(self._simulation, self.example, True)
                self._seconds += time.perf_counter() - began
                self._at_example += 1
                report(self.epoch * len(PATTERNS) + self.example - start, total)
                is_epoch = self.example == len(PATTERNS)
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
        """An entry of the history."""
        for name, of_patterns in zip(POPULATIONS, self._measured.transpose(1, 2, 0), strict=True):
            for measure, values in zip(_MEASURES, of_patterns, strict=True):
                self.history[f"{name}_{measure}"].append([float(x) for x in values])
        self.history["epoch"].append(self.epoch)
        self.history["cost"].append(self._cost(self.history["output_estimate"][-1]))
        self.history["seconds"].append(self._seconds)
        self._seconds = 0.0

    def _cost(self, rates: list[float]) -> float:
        p = self.parameters
        on = np.clip((np.array(rates) - p.e_min) / (p.e_max - p.e_min), 0.01, 0.99)
        targets = np.array([_target(bits) for bits in PATTERNS])
        return float(-np.log(np.where(targets == 1, on, 1.0 - on)).sum())

    def _burn_in(self, simulation: Simulation) -> None:
        simulation.network.run_steps(round(3.0 * self.parameters.alpha / self.dt))

    def _show(self, simulation: Simulation, k: int, teach: bool) -> np.ndarray:
        """Show pattern k; return `_MEASURES` of all populations."""
        p, run = self.parameters, simulation.network.run_steps
        steps = round(p.duration / self.dt)
        before = round(steps * p.prediction)
        simulation.show(PATTERNS[k])
        start = simulation.counts()
        run(before)
        predicted = simulation.counts() - start
        estimates = simulation.estimates()
        simulation.teach(_target(PATTERNS[k]) if teach else None)
        run(steps - before)
        simulation.teach(None)
        taught = simulation.counts() - start - predicted
        rates = predicted[:, 0] / (p.n * before * self.dt / 1000.0)
        return np.stack([rates, estimates, _ratio(predicted), _ratio(taught)], axis=1)

    # ------------------------------------------------------------------------------ using

    def evaluate(self) -> np.ndarray:
        """The output's event rate in Hz for each of `PATTERNS`, without teacher and learning.

        The network itself does not go on: a copy of it shows all patterns once. The authors call
        exclusive-or solved when rates are above 6 Hz for the second and third pattern only.

        Returns
        -------
        numpy.ndarray, shape (4,)
        """
        simulation = self._copy()
        shown = [self._show(simulation, k, False) for k in range(len(PATTERNS))]
        return np.array(shown)[:, POPULATIONS.index("output"), _MEASURES.index("rate")]

    def record(self, pattern: int, teach: bool = False) -> ExampleRecording:
        """Show one of `PATTERNS` to a copy of the network and record all spikes.

        Parameters
        ----------
        pattern : int
            Which, 0 to 3.
        teach : bool
            Whether the teacher comes at the end, and weights learn (those of the copy).
        """
        check_integer("pattern", pattern, at_least=0, at_most=len(PATTERNS) - 1)
        check_choice("teach", teach, [True, False])
        return ExampleRecording(self, self._copy(), pattern, teach)

    def _another(self) -> Simulation:
        return Simulation(self.parameters, self.dt, self.seed, self.dtype, self.backend)

    def _copy(self) -> Simulation:
        """A copy of the network where it is now, after the burn-in at least."""
        copy = self._another()
        copy.network.set_state(self._simulation.network._state())
        if not copy.network.step:
            self._burn_in(copy)
        return copy

    def comparisons(self) -> list[Comparison]:
        """Whether the task is solved: rates over the last epochs beside the authors' criterion.

        Raises
        ------
        InputError
            Before the first epoch of learning.
        """
        if not self.epoch:
            raise InputError("The network has not learned yet; call fit first.")
        last = slice(max(1, len(self.history["epoch"]) - _AVERAGED), None)
        rows = []
        rates = np.mean(self.history["output_rate"][last], axis=0)
        for bits, rate in zip(PATTERNS, rates, strict=True):
            bounds = (THRESHOLD, np.inf) if _target(bits) else (-np.inf, THRESHOLD)
            name = "output event rate for {}{} (Hz)".format(*bits)
            rows.append(Comparison(name, float(rate), np.nan, *bounds))
        cost = float(np.mean(self.history["cost"][last]))
        rows.append(Comparison("cost of an epoch", cost, high=CHANCE / 2.0))
        return rows

    def figure(self) -> Figure:
        """The output's event rates and the cost over epochs."""
        from spikesim import plot

        names = ["{}{}".format(*bits) for bits in PATTERNS]
        axes = plot.pattern_rates(self.history, names, threshold=THRESHOLD, chance=CHANCE)
        return axes[0].get_figure()  # type: ignore[return-value]

    # ------------------------------------------------------------------------ saving, loading

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
    def load(cls, path: str | Path, backend: str = "cpu") -> ExclusiveOrNetwork:
        """Read a network that `save` wrote; it goes on as the saved one would have.

        Examples
        --------
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "net.h5")
        >>> ExclusiveOrNetwork(n=10).save(path)
        >>> ExclusiveOrNetwork.load(path)
        <ExclusiveOrNetwork of 10 neurons each, epoch 0>
        """
        return load_model(cls.KIND, path, lambda state: cls._from_state(state, backend))

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> ExclusiveOrNetwork:
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
        net._at_example = saved_count(progress, "example", at_most=len(PATTERNS) - 1)
        net._seconds = check_number("saved seconds", progress["seconds"])
        net._measured[:] = progress["measured"]
        net.notes = state.get("notes", {})  # files of version 0.1 have none
        net.history.update(history_lists(state["history"]))
        epochs = check_array("saved epochs", state["history"]["epoch"], dtype=np.int64)
        net.history["epoch"] = epochs.tolist()
        return net


def run(
    seed: int = 0,
    progress: bool | Progress = False,
    backend: str = "cpu",
    *,
    epochs: int = 500,
    checkpoint: str | Path | None = None,
    **parameters: Any,
) -> ExclusiveOrNetwork:
    """Train a network up to an epoch, or go on with the one in `checkpoint`.

    Parameters
    ----------
    seed : int
    progress : bool or callable
        True shows a bar where stderr is a terminal.
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    epochs : int
        How many in all.
    checkpoint : str or Path, optional
        Written after every epoch. If it is there already, its seed and parameters are those of the
        network, and given ones must not differ.
    **parameters
        Values other than the defaults in `Parameters`, by name.
    """
    epochs = check_integer("epochs", epochs, at_least=1)
    if checkpoint is not None:
        checkpoint = check_path("checkpoint", checkpoint)
    net = ExclusiveOrNetwork(seed=seed, backend=backend, **parameters)
    if checkpoint is not None and Path(checkpoint).exists():
        begun = ExclusiveOrNetwork.load(checkpoint, backend)
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
    """All spikes of one example; made by `ExclusiveOrNetwork.record`.

    Attributes
    ----------
    pattern : int
    duration : float
        In ms.
    start : float
        When the example began, in ms of network time.
    spikes, events, bursts : dict of str to tuple of two numpy.ndarray
        Times in ms from the start of the example, and neurons (0 to n - 1), of each population:
        'input_1', 'input_2', 'hidden_1', 'hidden_2', 'output'.
    """

    def __init__(self, net: ExclusiveOrNetwork, simulation: Simulation, pattern: int, teach: bool):
        self.pattern = pattern
        self.duration = net.parameters.duration
        self.n = net.parameters.n
        start, record = simulation.network.time, simulation.network.record_spikes
        populations = simulation.cells, simulation.events, simulation.bursts
        recordings = [record(population) for population in populations]
        net._show(simulation, pattern, teach)
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
            Middles of the bins, rates, and bursts per event, NaN in a bin without events.
        """
        check_choice("name", name, list(self.events))
        bin = check_number(
            "bin", bin, at_least=1e-6 * self.duration, at_most=self.duration, unit="ms"
        )
        edges = np.arange(0.0, self.duration + bin / 2, bin)
        events = np.histogram(self.events[name][0], edges)[0]
        bursts = np.histogram(self.bursts[name][0], edges)[0]
        both = np.stack([events, bursts], axis=1)
        return edges[:-1] + bin / 2, events / (self.n * bin / 1000.0), _ratio(both)


def _target(bits: tuple[int, int]) -> int:
    return bits[0] ^ bits[1]


def _part(recording: SpikeRecording, where: slice, start: float) -> tuple[np.ndarray, np.ndarray]:
    inside = (recording.i >= where.start) & (recording.i < where.stop)
    return recording.t[inside] - start, recording.i[inside] - where.start


def _ratio(events_and_bursts: np.ndarray) -> np.ndarray:
    """Bursts per event, NaN without events."""
    events, bursts = events_and_bursts[:, 0], events_and_bursts[:, 1]
    return np.divide(bursts, events, out=np.full(len(events), np.nan), where=events > 0)
