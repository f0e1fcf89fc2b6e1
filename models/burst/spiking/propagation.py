"""Two streams through two layers of bursting ensembles (Payeur et al. 2021, figure 3).

Pyramidal neurons receive a current: in layer 1 into their somata, in layer 2 into their dendrites.
Event rates carry the first up and burst probabilities the second down, at the same time:

    from, to                   port            synapse         weight  because
    pyramidal_1, pyramidal_2   g_exc_s         depressing       .05    layer 2 sees events, as the
    pyramidal_1, parvalbumin   g_exc           depressing       .05    second spike of a burst adds
    parvalbumin, pyramidal_2   g_inh_s                          .07    little
    pyramidal_2, pyramidal_1   g_exc_d         facilitating     .37    layer 1 sees bursts
    pyramidal_2, somatostatin  g_exc           facilitating     .3
    somatostatin, pyramidal_1  g_inh_d                          .035
    within both layers         g_inh_d         facilitating     .1     burst probability follows
                                                                       its current linearly

Every pair is connected with probability .05 and a delay of .8 ms. Weights are in units of the leak
conductance. The constants are those of the authors' program (apayeur/spikingburstprop,
sim_propagation.cpp), with the feedback weights of the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import AdEx, Network, Population, ShortTermPlasticity
from spikesim.comparison import Comparison
from spikesim.experiments.populations import PopulationRun, check_runs
from spikesim.models.burst.spiking.neurons import (
    DEPRESSING,
    FACILITATING,
    PV,
    SOM,
    U_AT_FIRST,
    Pyramidal,
)
from spikesim.models.burst.spiking.propagation_parameters import (
    BACKGROUND,
    DELAY,
    NOISE,
    SPREAD,
    PropagationParameters,
)
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Propagation", "PropagationParameters", "compare", "run"]

# Correlations of the mean of five runs of the authors' program, and the bounds for other programs.
CORRELATIONS = {
    "event rate 1, somatic current": (0.945, 0.90, 1.0),
    "burst probability 2, dendritic current": (0.969, 0.93, 1.0),
    "event rate 2, event rate 1": (0.941, 0.90, 1.0),
    "burst probability 1, burst rate 2": (0.907, 0.85, 1.0),
    "event rate 1, dendritic current": (-0.06, -0.15, 0.15),
    "burst probability 2, somatic current": (0.06, -0.15, 0.15),
}
RANGES = {  # lowest and highest bin of 50 ms; ours may be off by a quarter
    ("event rate (Hz)", "pyramidal_1"): (2.9, 8.6),
    ("event rate (Hz)", "pyramidal_2"): (3.6, 8.6),
    ("burst probability (%)", "pyramidal_1"): (12.0, 48.0),
    ("burst probability (%)", "pyramidal_2"): (13.0, 44.0),
}


class Propagation(PopulationRun):
    """The two-layer network, which runs once.

    Parameters
    ----------
    seed : int
    duration : float
        In ms, after a burn-in of `burn_in` ms in which the currents rest at their means.
    burn_in : float
        In ms.
    backend : {'cpu', 'python'}
    **parameters
        Values other than the defaults in `PropagationParameters`, by name.

    Attributes
    ----------
    network : Network
        You may record from it, or change it, before `run`.
    spikes, events, bursts : dict of str to SpikeRecording
        By population: 'pyramidal_1', 'pyramidal_2', and in `spikes` also 'parvalbumin' and
        'somatostatin'.
    somatic_current, dendritic_current : numpy.ndarray, shape (steps,)
        The currents (pA) of every step into the somata of layer 1 and the dendrites of layer 2.

    Examples
    --------
    >>> small = Propagation(duration=20.0, burn_in=10.0, seed=1, backend="python", n=400)
    >>> small.network.populations["parvalbumin"].n
    100
    """

    KIND = "burst-propagation"

    def __init__(
        self,
        seed: int = 0,
        duration: float = 3000.0,
        burn_in: float = 1000.0,
        backend: str = "cpu",
        **parameters: Any,
    ):
        self.p = p = PropagationParameters.of(**parameters)
        net = Network(dt=0.1, seed=seed, backend=backend)
        super().__init__(net, duration, burn_in)
        one, two = (net.add_population(f"pyramidal_{k}", p.n, Pyramidal) for k in (1, 2))
        pv = net.add_population("parvalbumin", p.n // 4, AdEx, **PV)
        sst = net.add_population("somatostatin", p.n // 4, AdEx, **SOM)
        cells = dict(net.populations)
        chance = random_numbers(net.seed, 0)
        for population in (one, two):
            population.V_s[:] = chance.normal(-70.0, SPREAD, p.n)
        for population in (pv, sst):
            population.v[:] = -70.0
        for name, ports in NOISE.items():
            for port, weights in ports.items():
                for kind, weight in zip(("g_exc", "g_inh"), weights, strict=True):
                    net.add_background(
                        cells[name], f"{kind}{port}", BACKGROUND, weight, at_most_one=True
                    )
        self._connect(one, two, "g_exc_s", p.w_up, DEPRESSING)
        self._connect(one, pv, "g_exc", p.w_up, DEPRESSING)
        self._connect(pv, two, "g_inh_s", p.w_parvalbumin)
        self._connect(two, one, "g_exc_d", p.w_down, FACILITATING)
        self._connect(two, sst, "g_exc", p.w_to_sst, FACILITATING)
        self._connect(sst, one, "g_inh_d", p.w_sst)
        for population in (one, two):
            self._connect(population, population, "g_inh_d", p.w_lateral, FACILITATING)
        pv.I[:] = p.parvalbumin
        one.I_d[:] = p.dendritic_1
        two.I_s[:] = p.somatic_2
        self.somatic_current = self._sine(p.somatic_mean, p.somatic_amplitude, p.somatic_period)
        self.dendritic_current = self._sine(
            p.dendritic_mean, p.dendritic_amplitude, p.dendritic_period
        )
        self._inject(one, "I_s", self.somatic_current)
        self._inject(two, "I_d", self.dendritic_current)
        self.spikes = {name: net.record_spikes(cell) for name, cell in cells.items()}
        self.events, self.bursts = (
            {cell.name: net.record_spikes(add(f"{cell.name}_{what}", cell)) for cell in (one, two)}
            for what, add in (("events", net.add_events), ("bursts", net.add_bursts))
        )

    def currents(self, bin_width: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
        """The somatic and the dendritic current (pA), in the same bins as `rates`."""
        somatic, dendritic = self.somatic_current, self.dendritic_current
        return self.in_bins(somatic, bin_width), self.in_bins(dendritic, bin_width)

    def comparisons(self) -> list[Comparison]:
        """Compare correlations and ranges with those of the authors' program; see `compare`."""
        return compare([self])

    def figure(self) -> Figure:
        """Event rates over the somatic, burst probabilities over the dendritic current."""
        from spikesim import plot

        rates = [self.rates(f"pyramidal_{k}") for k in (1, 2)]
        somatic, dendritic = self.currents()
        axes = plot.multiplexing(
            rates[0].time - self.burn_in,
            [each.event_rate for each in rates],
            [each.burst_probability for each in rates],
            somatic,
            dendritic,
            titles=["Layer 1 (somatic input)", "Layer 2 (dendritic input)"],
        )
        return axes[0].get_figure()  # type: ignore[return-value]

    def results(self) -> dict[str, Any]:
        somatic, dendritic = self.currents()
        given = {**self.p._asdict(), "seed": self.network.seed}
        return {"parameters": given, "somatic_current": somatic, "dendritic_current": dendritic}

    # -------------------------------------------------------------------------------- inside

    def _connect(
        self,
        pre: Population,
        post: Population,
        target: str,
        weight: float,
        short_term: ShortTermPlasticity | None = None,
    ) -> None:
        projection = self.network.connect(
            pre,
            post,
            target=target,
            weight=weight,
            probability=self.p.probability,
            delay=DELAY,
            short_term=short_term,
        )
        if short_term is not None:
            projection.u[:] = U_AT_FIRST

    def _sine(self, mean: float, amplitude: float, period: float) -> np.ndarray:
        # The authors' sines run from the start of the simulation but take effect after the burn-in.
        t = np.arange(round((self.burn_in + self.duration) / self.network.dt)) * self.network.dt
        sine = np.where(t >= self.burn_in, np.sin(2.0 * np.pi * t / period), 0.0)
        return (mean + amplitude * sine).astype(self.network.dtype)

    def _inject(self, population: Population, variable: str, current: np.ndarray) -> None:
        state = {"I": population.state[variable], "current": current}
        self.network.add_phase(inject, population.n, state=state, first=True)


def compare(runs: Sequence[Propagation], bin_width: float = 50.0) -> list[Comparison]:
    """Compare correlations and ranges of the mean of some runs with the authors' program.

    Parameters
    ----------
    runs : sequence of Propagation
        Runs of several seeds with the same parameters; they have to have run.
    bin_width : float
        In ms.
    """
    check_runs(runs, Propagation)
    somatic, dendritic = runs[0].currents(bin_width)
    ER, BR, BP = ({}, {}, {})
    for name in ("pyramidal_1", "pyramidal_2"):
        rates = [run.rates(name, bin_width) for run in runs]
        ER[name] = np.mean([each.event_rate for each in rates], axis=0)
        BR[name] = np.mean([each.burst_rate for each in rates], axis=0)
        BP[name] = np.mean([each.burst_probability for each in rates], axis=0)
    pairs = (
        (ER["pyramidal_1"], somatic),
        (BP["pyramidal_2"], dendritic),
        (ER["pyramidal_2"], ER["pyramidal_1"]),
        (BP["pyramidal_1"], BR["pyramidal_2"]),
        (ER["pyramidal_1"], dendritic),
        (BP["pyramidal_2"], somatic),
    )
    rows = [
        Comparison(f"r: {name}", float(np.corrcoef(a, b)[0, 1]), *bounds)
        for (name, bounds), (a, b) in zip(CORRELATIONS.items(), pairs, strict=True)
    ]
    for (what, name), (lowest, highest) in RANGES.items():
        values = 100.0 * BP[name] if what.endswith("(%)") else ER[name]
        for which, ours, reference in (
            ("lowest", values.min(), lowest),
            ("highest", values.max(), highest),
        ):
            bounds = 0.75 * reference, 1.25 * reference
            rows.append(Comparison(f"{which} {what}, {name}", float(ours), reference, *bounds))
    return rows


def inject(i, t, s, p):
    """Inject the current of this step into every neuron; after the end, the last current."""
    s.I[i] = s.current[min(t, s.current.shape[0] - 1)]


def run(
    seed: int = 0, progress: bool = False, backend: str = "cpu", **parameters: Any
) -> Propagation:
    """Build the network and run it; arguments as those of `Propagation`."""
    return Propagation(seed, backend=backend, **parameters).run(progress)
