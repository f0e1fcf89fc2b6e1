"""`ExclusiveOrNetwork`: ensembles that learn exclusive-or from bursts (Payeur et al. 2021, fig. 4).

Two input, two hidden and one output population of bursting neurons. Events go forward, bursts go
back. At the end of each example, a current into the output's dendrites is computed from what was
wrong with its event rate. It changes the burst probability of the output, and with it that of the
hidden populations. Through the burst-dependent rule, it changes all weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.attributes import read_only
from spikesim.bursts import burst_probability
from spikesim.comparison import Comparison
from spikesim.learning.examples import ExampleModel, ExampleRecording, trained
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
"""The cost of an epoch in which the output only guesses."""

_AVERAGED = 10  # epochs over which `comparisons` takes the mean

_MEASURES = ("rate", "estimate", "burst_probability", "taught_burst_probability")


class ExclusiveOrNetwork(ExampleModel):
    """Five populations of bursting neurons that learn exclusive-or.

    Arguments are those of `spikesim.learning.examples.ExampleModel`.

    Attributes
    ----------
    W : dict of str to numpy.ndarray
        The plastic weights now, 'input_1_to_hidden_1' and so on; they are read-only.
    history : dict of str to list
        One entry per epoch; the first, epoch 0, is from before learning. 'cost' is the authors':
        the cross-entropy of the target and (E - e_min) / (e_max - e_min), summed over patterns,
        where E is the output's estimate. Every population has entries of four numbers, one per
        pattern: 'output_rate' and so on, its event rate in Hz before the teacher comes;
        'output_estimate', the mean of its neurons' own averages of that rate (Hz) when the teacher
        comes; 'output_burst_probability', bursts per event before the teacher comes;
        'output_taught_burst_probability', the same while the teacher is there. 'seconds' is how
        long the epoch took.

    Examples
    --------
    >>> net = ExclusiveOrNetwork(seed=1, n=4, duration=10.0, alpha=10.0, backend="python")
    >>> history = net.fit(epochs=1)
    >>> history["epoch"], len(history["output_rate"][1])
    ([0, 1], 4)

    A saved network continues as it would have without being saved:

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
        probabilities = [burst_probability(*each.T) for each in (predicted, taught)]
        return np.stack([rates, estimates, *probabilities], axis=1)

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
        """The plastic weights now, by the names of projections; they are read-only."""
        weight = self._simulation.plastic.weight
        blocks = self._simulation.blocks
        return {name: read_only(weight[block]) for name, block in blocks.items()}

    def evaluate(self) -> np.ndarray:
        """The output's event rate in Hz for each of `PATTERNS`, without teacher and learning.

        The network itself does not run: a copy of it sees all patterns once. The authors call
        exclusive-or solved when rates are above 6 Hz for the second and third pattern only.

        Returns
        -------
        numpy.ndarray, shape (4,)
        """
        shown = self._shown(self._copy())
        return shown[:, POPULATIONS.index("output"), _MEASURES.index("rate")]

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
    """Train a network up to an epoch, or continue with the one in `checkpoint`.

    Arguments are those of `ExclusiveOrNetwork` and of `spikesim.learning.examples.trained`.
    """
    net = ExclusiveOrNetwork(seed=seed, backend=backend, **parameters)
    return trained(net, epochs, progress, checkpoint)


def _target(bits: tuple[int, int]) -> int:
    return bits[0] ^ bits[1]
