"""A network that runs once, after a burn-in: rates of its populations in bins, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from spikesim.bursts import BurstRates, burst_probability
from spikesim.checks import check_array, check_choice, check_memory, check_number, check_steps, show
from spikesim.copying import Whole
from spikesim.engine.network import Network
from spikesim.engine.recording import SpikeRecording
from spikesim.engine.several import layers_to_sonata
from spikesim.errors import InputError
from spikesim.experiments import save_result

__all__ = ["PopulationRun", "check_runs"]


class PopulationRun(Whole):
    """The base class of an experiment whose network is open to users; add `results`.

    Parameters
    ----------
    network : Network
    duration, burn_in : float
        In ms: the time that is analysed, and the time before it.

    Attributes
    ----------
    KIND : str
        The kind that its files name as their content.
    network : Network
        You may record from it, or change it, before `run`.
    spikes : dict of str to SpikeRecording
        By population.
    events, bursts : dict of str to SpikeRecording
        By population, for those that burst.
    """

    KIND: ClassVar[str]

    spikes: Mapping[str, SpikeRecording]
    events: Mapping[str, SpikeRecording]
    bursts: Mapping[str, SpikeRecording]

    def __init__(self, network: Network, duration: float, burn_in: float):
        self.network = network
        self.duration = check_number("duration", duration, above=0.0, unit="ms")
        self.burn_in = check_number("burn_in", burn_in, at_least=0.0, unit="ms")
        # The currents of every step are in memory.
        check_memory(f"duration is {self.duration:g} ms", 320.0 * (self.duration + self.burn_in))

    def results(self) -> dict[str, Any]:
        """The values that `save` writes, by name."""
        raise NotImplementedError

    def run(self, progress: bool = False) -> Self:
        """Simulate the burn-in and what follows; return the experiment itself."""
        self.network.run(self.burn_in + self.duration, progress)
        return self

    def rates(self, population: str, bin_width: float = 50.0) -> BurstRates:
        """Event rate, burst rate and burst probability of a population, in bins after the burn-in.

        Events and bursts are those that synapses could see: a trace detects them during the run.

        Parameters
        ----------
        population : str
            The name of one of the populations that burst.
        bin_width : float
            In ms.

        Returns
        -------
        BurstRates
        """
        check_choice("population", population, list(self.events))
        edges = self._edges(bin_width)

        def rate(recording: SpikeRecording) -> np.ndarray:
            # A spike of step k is at k dt and may lie on an edge: half a step avoids rounding.
            times = recording.t + 0.5 * self.network.dt
            return np.histogram(times, edges)[0] / (recording.n * 1e-3 * bin_width)

        events, bursts = rate(self.events[population]), rate(self.bursts[population])
        middles = (edges[1:] + edges[:-1]) / 2.0
        firing = rate(self.spikes[population])
        return BurstRates(middles, events, bursts, burst_probability(events, bursts), firing)

    def in_bins(self, values: Any, bin_width: float = 50.0) -> np.ndarray:
        """Means, in the same bins, of values that cover every step of the burn-in and the run.

        Parameters
        ----------
        values : array_like, shape (steps,)
        bin_width : float
            In ms.

        Returns
        -------
        numpy.ndarray, shape (bins,)
        """
        steps = round((self.burn_in + self.duration) / self.network.dt)
        values = check_array("values", values, shape=(steps,))
        each = check_steps("bin_width", bin_width, self.network.dt, at_least=1)
        first = round(self.burn_in / self.network.dt)
        last = first + each * (len(self._edges(bin_width)) - 1)
        means: np.ndarray = values[first:last].reshape(-1, each).mean(axis=1)
        return means

    def save(self, path: str | Path) -> None:
        """Write rates in bins of 50 ms, and `results` with the parameters, to an HDF5 file."""
        rates = {name: self.rates(name) for name in self.events}
        save_result(path, self.KIND, {**self.results(), **rates})

    def to_sonata(self, directory: str | Path) -> None:
        """Write spikes.h5 in the SONATA layout into a directory."""
        layers_to_sonata(directory, self.spikes, {})

    def _edges(self, bin_width: float) -> np.ndarray:
        check_number(
            "bin_width", bin_width, at_least=self.network.dt, at_most=self.duration, unit="ms"
        )
        bins = int((self.duration + 1e-6) / bin_width)
        return self.burn_in + bin_width * np.arange(bins + 1)


def check_runs(runs: Any, kind: type) -> None:
    """Refuse anything but a list of runs of one kind."""
    is_list = isinstance(runs, (list, tuple)) and bool(runs)
    if not is_list or not all(isinstance(run, kind) for run in runs):
        raise InputError(f"runs is {show(runs)}; it has to be a list of {kind.__name__}.")
