"""The multi-area model of macaque visual cortex (Schmidt et al. 2018): 32 areas, 1 mm² of each.

Schmidt, Bakker, Hilgetag, Diesmann & van Albada, Brain Struct. Funct. 223:1409,
doi:10.1007/s00429-017-1554-4, derive who is connected with whom; Schmidt, Bakker, Shen, Bezgin,
Diesmann & van Albada, PLoS Comput. Biol. 14:e1006359, doi:10.1371/journal.pcbi.1006359, what the
network does. Each area has an excitatory (E) and an inhibitory population (I) in each of layers
2/3, 4, 5 and 6; area TH has no layer 4. All 4.13 million neurons are those of the cortical
microcircuit (Potjans & Diesmann 2014),

    tau_m dV/dt = E_L - V + (tau_m / C_m) I,     dI/dt = -I / tau_syn + weight per spike         (1)

with V held at V_reset for tau_ref after a spike. They differ only in their synapses, of which there
are 24 billion. K of them lead, from neurons that are drawn at random, to each neuron of a
population. Their mean weights are

    J                      excitatory,
    g J                    inhibitory,
    2 J                    from 4E to 23E of the same area,                                      (2)
    chi J                  from another area, onto E,
    chi chi_I J            from another area, onto I.

With chi = chi_I = 1 the network is in its ground state, slow and irregular. With `METASTABLE`,
areas excite each other enough to be active in turn. Weights are spread by a tenth. Delays are
spread by a half around

    1.5 ms from E and 0.75 ms from I in the same area, distance / (3.5 mm/ms) from another one.  (3)

Input from elsewhere is a Poisson process with the rate K_ext nu_ext and the weight J for each
neuron, or its mean (K_ext already has the factor kappa by which it is larger onto 5E and 6E).

A smaller network has a share of the neurons, and a share k of the synapses onto each of them. Its
weights are weight / sqrt(k), and every neuron receives a constant current

    I = (1 - sqrt(k)) tau_syn (sum_pre K weight nu_pre + K_ext J nu_ext)                         (4)

so that the input keeps its mean and variance at the rates nu of the full network (van Albada,
Helias & Diesmann 2015, PLoS Comput. Biol. 11:e1004490). Correlations do grow.

Numbers of neurons and synapses, and distances, are the authors' data and have a licence of their
own: they are no part of spikesim, but are read from the file that the authors' program writes. "The
authors' program" is https://github.com/INM-6/multi-area-model; numbers below are from its
default_params.py.

    areas = read_areas("default_Data_Model_.json", rates="tests/fullscale_rates.json")
    net = multi_area.build(areas, scale=0.01, indegrees=0.1, seed=1)
    spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    net.run(1500.0)
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from spikesim import CurrentLIF, Network
from spikesim.areas import Areas, check_areas, label, read_areas
from spikesim.checks import check_memory
from spikesim.experiments import ExperimentParameters
from spikesim.learning.parameters import choice, number, refuse_if
from spikesim.spiketrains import mean_rates
from spikesim.spread import delays, weights
from spikesim.training import random_numbers

__all__ = [
    "METASTABLE",
    "Cost",
    "build",
    "cost",
    "mean_rates",
    "read_areas",
]

C_M = 250.0  # pF
NEURON = {
    "tau": 10.0,  # ms, tau_m
    "E_L": -65.0,  # mV
    "threshold": -50.0,  # mV
    "V_reset": -65.0,  # mV
    "refractory": 2.0,  # ms, tau_ref
    "tau_exc": 0.5,  # ms, tau_syn
    "tau_inh": 0.5,
}
"""Parameters of `spikesim.CurrentLIF`, whose currents are in mV: see `MV_PER_PA`."""

MV_PER_PA = NEURON["tau"] / C_M

VOLTAGES = -150.0, 50.0
"""Mean and standard deviation of the initial voltages, in mV.

So low that the network does not begin with a burst, from which it may not come back.
"""

WEIGHT = 87.8085  # pA, J: an EPSP of 0.15 mV
INHIBITION = -11.0  # g
DOUBLED = ("4E", "23E")  # from, to: an EPSP of 0.3 mV
RELATIVE_SD = 0.1

DELAYS = {"E": 1.5, "I": 0.75}  # ms, within an area
SPEED = 3.5  # mm/ms, between areas
RELATIVE_SD_OF_DELAYS = 0.5

EXTERNAL_RATE = 10.0  # Hz, nu_ext

METASTABLE = {"chi": 1.9, "chi_I": 2.0}
"""Weights between areas for the metastable state: ``build(areas, **METASTABLE)``."""


DT = 0.1  # ms, for `cost`
PER_EVENT = 7e-9  # s, of one core, for a spike to arrive at a synapse
PER_NEURON = 13e-9  # s, for a step of a neuron and its background
PER_PROJECTION = 15e-9  # s, for a step of the synapses from one population to another
PER_CELL = 40.0  # bytes


class Parameters(ExperimentParameters):
    """The choices for a network; see `build`."""

    scale: float = number(1.0, "share of the neurons", at_least=1e-5, at_most=1.0)
    indegrees: float | None = number(
        None, "share of the synapses onto each", at_least=1e-5, at_most=1.0, optional=True
    )
    chi: float = number(1.0, "factor of weights between areas", symbol="χ", above=0.0)
    chi_I: float = number(1.0, "the same, of those onto I", symbol="χ_I", above=0.0)
    background: str = choice("poisson", "dc", about="what comes from elsewhere")

    @property
    def k(self) -> float:
        """The share of the synapses onto each neuron."""
        return self.scale if self.indegrees is None else self.indegrees


class Cost(NamedTuple):
    """What a network takes; from `cost`.

    Attributes
    ----------
    neurons, synapses : int
    memory : float
        In bytes, without recordings.
    events : float
        Spikes that arrive at synapses, per second of simulated time.
    core_seconds : float
        The time that one core would take for a second of simulated time.
    """

    neurons: int
    synapses: int
    memory: float
    events: float
    core_seconds: float


def build(
    areas: Areas,
    scale: float = 1.0,
    seed: int = 0,
    *,
    indegrees: float | None = None,
    chi: float = 1.0,
    chi_I: float = 1.0,
    background: str = "poisson",
    dt: float = 0.1,
    dtype: str = "float32",
    backend: str = "cpu",
) -> Network:
    """Build the network, ready to be recorded from and run.

    Parameters
    ----------
    areas : spikesim.areas.Areas
        From `read_areas`; with `rates` if neurons have fewer synapses.
    scale : float
        Share of the neurons.
    seed : int
        Synapses, voltages and background depend on it.
    indegrees : float, optional
        Share of the synapses onto each neuron; by default, the same as `scale`.
    chi, chi_I : float
        Factors of the weights between areas, and of those between areas onto inhibitory neurons.
    background : {'poisson', 'dc'}
        Input from elsewhere: spikes, or a constant current of the same mean.
    dt, dtype, backend
        As for `spikesim.Network`.

    Returns
    -------
    spikesim.Network
        Its populations are called 'V1_23E', 'A46_6I' and so on, its projections
        'V1_23E_to_V2_4E'.

    Raises
    ------
    InputError
        If an argument is out of range, the rates of the full network are needed and not known, or
        the network does not fit into the memory of this machine.

    Examples
    --------
    >>> one = np.ones(2)
    >>> K = [[40.0, 10.0], [30.0, 10.0]]
    >>> V1 = Areas(["V1"], [("V1", "4E"), ("V1", "4I")], 90 * one, K, one, np.zeros((1, 1)))
    >>> build(V1, 0.5, indegrees=1.0, backend="python").projections["V1_4E_to_V1_4I"]
    <Projection 'V1_4E_to_V1_4I': V1_4E → V1_4I.I_exc, 1350 synapses>
    """
    areas = check_areas(areas)
    p = Parameters.of(scale=scale, indegrees=indegrees, chi=chi, chi_I=chi_I, background=background)
    refuse_if(p.k < 1.0 and areas.rates is None, _NO_RATES)
    net = Network(dt, seed, dtype, backend)
    sizes, synapses = _numbers(areas, p)
    later = np.maximum(_mean_delays(areas), net.dt)  # some areas may be very close
    check_memory(f"scale is {p.scale:g}", _memory(sizes, synapses, later / net.dt))
    chance = random_numbers(net.seed, 0)
    stronger = 1.0 / sqrt(p.k)
    currents = _compensating_currents(areas, p)
    if p.background == "dc":
        currents += sqrt(p.k) * _external_currents(areas)
    cells = []
    for each, n, current, K in zip(areas.populations, sizes, currents, areas.external, strict=True):
        given = {**NEURON, "I": MV_PER_PA * float(current)}
        cells.append(net.add_population(label(each), int(n), CurrentLIF, **given))
        cells[-1].v[:] = chance.normal(*VOLTAGES, n)
        rate = EXTERNAL_RATE * p.k * float(K)
        if p.background == "poisson" and rate > 0.0:
            net.add_background(cells[-1], "I_exc", rate, MV_PER_PA * stronger * WEIGHT)
    means = MV_PER_PA * stronger * _mean_weights(areas, p)
    for i, j in np.argwhere(synapses > 0).tolist():
        net.connect(
            cells[j],
            cells[i],
            target="I_exc" if cells[j].name.endswith("E") else "I_inh",
            synapses=int(synapses[i, j]),
            weight=weights(float(means[i, j]), RELATIVE_SD),
            delay=delays(float(later[i, j]), RELATIVE_SD_OF_DELAYS, net.dt),
        )
    return net


def cost(areas: Areas, scale: float = 1.0, *, indegrees: float | None = None) -> Cost:
    """What a network would take, without building it.

    Memory follows from how arrays are laid out, and time from `PER_EVENT` and so on, which were
    measured on small parts of the network (results/multi_area.txt).

    Parameters
    ----------
    areas : spikesim.areas.Areas
        With `rates`, which networks of all sizes are taken to have.
    scale, indegrees : float
        As for `build`.

    Returns
    -------
    Cost

    Raises
    ------
    InputError
        If an argument is out of range, or the rates are not known.

    Examples
    --------
    >>> one = np.ones(1)
    >>> V1 = Areas(["V1"], [("V1", "4E")], 9e4 * one, [[800.0]], one, [[0.0]], rates=3 * one)
    >>> cost(V1).synapses, cost(V1).events
    (72000000, 216000000.0)
    """
    areas, p = check_areas(areas), Parameters.of(scale=scale, indegrees=indegrees)
    refuse_if(areas.rates is None, _NO_RATES)
    sizes, synapses = _numbers(areas, p)
    memory = _memory(sizes, synapses, _mean_delays(areas) / DT)
    events = float((synapses @ np.asarray(areas.rates)).sum())
    steps = 1000.0 / DT
    times = PER_EVENT * events + steps * (
        PER_NEURON * sizes.sum() + PER_PROJECTION * np.count_nonzero(synapses)
    )
    return Cost(int(sizes.sum()), int(synapses.sum()), memory, events, float(times))


# ------------------------------------------------------------------------------------ inside


def _numbers(areas: Areas, p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """The neurons of each population, and the synapses from one (column) to another (row)."""
    sizes = np.maximum(np.rint(p.scale * areas.sizes), 1.0).astype(np.int64)
    synapses = np.rint(p.scale * p.k * areas.indegrees * areas.sizes[:, None])
    return sizes, synapses.astype(np.int64)


def _kinds(areas: Areas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each population the area, by its number, the name, and whether it excites."""
    area = np.array([areas.names.index(area) for area, _ in areas.populations])
    name = np.array([name for _, name in areas.populations])
    return area, name, np.char.endswith(name, "E")


def _mean_weights(areas: Areas, p: Parameters) -> np.ndarray:
    """(2), in pA."""
    area, name, excites = _kinds(areas)
    within = area[:, None] == area
    found = np.tile(WEIGHT * np.where(excites, 1.0, INHIBITION), (len(area), 1))
    found[within & (name[:, None] == DOUBLED[1]) & (name == DOUBLED[0])] *= 2.0
    found[~within] *= p.chi
    found[~within & ~excites[:, None]] *= p.chi_I
    return found


def _mean_delays(areas: Areas) -> np.ndarray:
    """(3), in ms."""
    area, _, excites = _kinds(areas)
    local = np.where(excites, DELAYS["E"], DELAYS["I"])
    return np.where(area[:, None] == area, local, areas.distances[area[:, None], area] / SPEED)


def _compensating_currents(areas: Areas, p: Parameters) -> np.ndarray:
    """(4), in pA."""
    if p.k == 1.0:
        return np.zeros(len(areas.sizes))
    inside = (areas.indegrees * _mean_weights(areas, p)) @ np.asarray(areas.rates)
    tau = 1e-3 * NEURON["tau_exc"]  # s
    return (1.0 - sqrt(p.k)) * (tau * inside + _external_currents(areas))


def _external_currents(areas: Areas) -> np.ndarray:
    """The mean of the current from elsewhere in the full network, in pA."""
    tau = 1e-3 * NEURON["tau_exc"]  # s
    return tau * areas.external * WEIGHT * EXTERNAL_RATE


def _memory(sizes: np.ndarray, synapses: np.ndarray, steps: np.ndarray) -> float:
    """The bytes of synapses, of the rings in which spikes are under way, and of neurons.

    `steps` are the mean delays in steps. A synapse has its target, weight and delay; of many that
    are spread by a half, the longest delay is about 3.5 times the mean.
    """
    longest = (1.0 + 5.0 * RELATIVE_SD_OF_DELAYS) * steps
    target = np.where(sizes <= 1 << 16, 2.0, 4.0)[:, None]
    each = target + 4.0 + np.where(longest < 256.0, 1.0, 2.0)
    exists = synapses > 0
    starts = 8.0 * (exists * (sizes + 1.0)).sum()
    rings = 4.0 * ((longest * exists).max(axis=1) * sizes).sum()
    return float((synapses * each).sum() + starts + rings + PER_CELL * sizes.sum())


_NO_RATES = (
    "areas has no rates of the full network, from which the input that smaller ones lack is found; "
    "give read_areas a file of rates."
)
