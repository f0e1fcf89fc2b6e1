"""`ExclusiveOrNetwork`: ensembles that learn exclusive-or from bursts (Payeur et al. 2021, fig. 4).

Two input, two hidden and one output population of bursting neurons. Events go forward, bursts go
back. At the end of each example a current into the dendrites of the output, computed from what was
wrong with its event rate, changes its burst probability, with it that of the hidden populations,
and through the burst-dependent rule all weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import Guarded, read_only
from spikesim.checks import check_choice, check_integer, check_number
from spikesim.comparison import Comparison
from spikesim.engine.recording import SpikeRecording
from spikesim.learning.examples import ExampleModel, trained
from spikesim.learning.parameters import refuse_if
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters
from spikesim.models.burst.spiking.exclusive_or_simulation import POPULATIONS, Simulation
from spikesim.progress import Progress

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


class ExclusiveOrNetwork(ExampleModel):
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

    A saved network goes on as it would have:

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "net.h5")
    >>> net.save(path)
    >>> ExclusiveOrNetwork.load(path)
    <ExclusiveOrNetwork of 4 neurons each, epoch 1>
    """

    KIND, Parameters = "exclusive_or", Parameters
    EXAMPLES, POPULATIONS, MEASURES = len(PATTERNS), POPULATIONS, _MEASURES
    DERIVED = ("cost",)

    def dynamics(self) -> Simulation:
        return Simulation(self.parameters, self.dt, self.seed, self.dtype, self.backend)

    def settle(self, simulation: Simulation) -> None:
        simulation.network.run_steps(round(3.0 * self.parameters.alpha / self.dt))

    def show(self, simulation: Simulation, example: int, teach: bool) -> np.ndarray:
        p, run = self.parameters, simulation.network.run_steps
        steps = round(p.duration / self.dt)
        before = round(steps * p.prediction)
        simulation.show(PATTERNS[example])
        start = simulation.counts()
        run(before)
        predicted = simulation.counts() - start
        estimates = simulation.estimates()
        simulation.teach(_target(PATTERNS[example]) if teach else None)
        run(steps - before)
        simulation.teach(None)
        taught = simulation.counts() - start - predicted
        rates = predicted[:, 0] / (p.n * before * self.dt / 1000.0)
        return np.stack([rates, estimates, _ratio(predicted), _ratio(taught)], axis=1)

    def derived(self, measured: dict[str, list[float]]) -> dict[str, float]:
        p = self.parameters
        estimates = np.array(measured["output_estimate"])
        on = np.clip((estimates - p.e_min) / (p.e_max - p.e_min), 0.01, 0.99)
        targets = np.array([_target(bits) for bits in PATTERNS])
        return {"cost": float(-np.log(np.where(targets == 1, on, 1.0 - on)).sum())}

    def __repr__(self) -> str:
        return f"<ExclusiveOrNetwork of {self.parameters.n} neurons each, epoch {self.epoch}>"

    @property
    def W(self) -> dict[str, np.ndarray]:
        weight = self._simulation.plastic.weight
        blocks = self._simulation.blocks
        return {name: read_only(weight[block]) for name, block in blocks.items()}

    def evaluate(self) -> np.ndarray:
        """The output's event rate in Hz for each of `PATTERNS`, without teacher and learning.

        The network itself does not go on: a copy of it shows all patterns once. The authors call
        exclusive-or solved when rates are above 6 Hz for the second and third pattern only.

        Returns
        -------
        numpy.ndarray, shape (4,)
        """
        shown = self._shown(self._copy())
        return shown[:, POPULATIONS.index("output"), _MEASURES.index("rate")]

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

    def comparisons(self) -> list[Comparison]:
        """Whether the task is solved: rates over the last epochs beside the authors' criterion.

        Raises
        ------
        InputError
            Before the first epoch of learning.
        """
        refuse_if(not self.epoch, "The network has not learned yet; call fit first.")
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
    net = ExclusiveOrNetwork(seed=seed, backend=backend, **parameters)
    return trained(net, epochs, progress, checkpoint)


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
