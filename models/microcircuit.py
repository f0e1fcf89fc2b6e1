"""The cortical microcircuit of Potjans & Diesmann (2014): the neurons below 1 mm² of cortex.

Cerebral Cortex 24:785, doi:10.1093/cercor/bhs358. Each of four layers has an excitatory (E) and an
inhibitory population (I) of leaky integrate-and-fire neurons, 77,169 neurons in all. All neurons
are identical,

    tau_m dV/dt = E_L - V + (tau_m / C_m) I,     dI/dt = -I / tau_syn + weight per spike         (1)

with V held at V_reset for tau_ref after a spike. They differ only in their 0.3 billion synapses. If
C is the probability that a neuron has at least one synapse onto another one, there are

    K = ln(1 - C) / ln(1 - 1 / (N_pre N_post))                                                   (2)

synapses from one population to another. Each joins two neurons that are drawn at random: a pair may
have several, and a neuron may have one onto itself. Input from elsewhere is a Poisson process per
neuron, or its mean.

The article has no smaller networks; here they follow the authors' later implementations. A network
with a share f of the neurons has the same share of the synapses onto each of them. Their weights
are weight / sqrt(f), and every neuron receives a constant current

    I = (1 - sqrt(f)) tau_syn (sum_pre (K / N_post) weight nu_pre + K_ext weight_ext nu_ext)     (3)

so that the input keeps its mean and variance while the rates nu are those of the full network (van
Albada, Helias & Diesmann 2015, PLoS Comput. Biol. 11:e1004490). Correlations do grow; at f = 0.1
rates are 10 to 50 percent lower.

Numbers are from table 5 unless a comment says otherwise. "The authors' program" is the one in
NEST's examples/nest/Potjans_2014; "the reference implementation" is the one in
https://github.com/INM-6/microcircuit-PD14-model.

    net = microcircuit.build(scale=0.1, seed=1)
    spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    net.run(1500.0)
    print(microcircuit.mean_rates(spikes, after=500.0))
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from spikesim import CurrentLIF, Network
from spikesim.experiments import ExperimentParameters
from spikesim.learning.parameters import choice, number
from spikesim.spiketrains import mean_rates
from spikesim.spread import delays, weights
from spikesim.training import random_numbers

__all__ = [
    "EXTERNAL_INDEGREES",
    "NAMES",
    "PROBABILITIES",
    "RATES",
    "SIZES",
    "VOLTAGES",
    "PublishedRate",
    "build",
    "compensating_currents",
    "mean_rates",
    "mean_weights",
    "synapse_numbers",
]

# ------------------------------------------------------------------------------- populations

NAMES = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
"""The populations."""


def by_population(*values: Any) -> dict[str, Any]:
    """A row of a table by name; layers 2 and 3 count as one."""
    return dict(zip(NAMES, values, strict=True))


SIZES = by_population(20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
"""Numbers of neurons."""

EXTERNAL_INDEGREES = by_population(1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
"""Synapses from elsewhere onto each neuron, K_ext."""

EXTERNAL_RATE = 8.0  # Hz, of each of these synapses

# ----------------------------------------------------------------------------------- neurons

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

MEANS = (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)
DEVIATIONS = (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)
VOLTAGES = {
    "original": by_population(*[(-58.0, 10.0)] * len(NAMES)),
    "optimized": by_population(*zip(MEANS, DEVIATIONS, strict=True)),
}
"""Mean and standard deviation of the initial voltages (mV).

With 'original', the network begins with a burst. With 'optimized' (H.-J. Jiang 2019, reference
implementation), it begins close to where it stays.
"""

# ---------------------------------------------------------------------------------- synapses

PROBABILITIES = {
    # from   L23E    L23I    L4E     L4I     L5E     L5I     L6E     L6I
    "L23E": (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000),
    "L23I": (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000),
    "L4E": (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000),
    "L4I": (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000),
    "L5E": (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000),
    "L5I": (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000),
    "L6E": (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    "L6I": (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443),
}
"""The probability C that a neuron of one population (column) has a synapse onto one of another.

Four digits, as in the authors' program; the table has three.
"""

WEIGHT = 87.8  # pA, an EPSP of 0.15 mV
INHIBITION = -4.0  # times WEIGHT, g
DOUBLED = ("L4E", "L23E")  # from, to: 2 WEIGHT (p. 801)
RELATIVE_SD = 0.1  # of all weights, the doubled ones included, as in the reference implementation

DELAYS = {"E": 1.5, "I": 0.75}  # ms, mean; the table rounds the second one to 0.8 ± 0.4
RELATIVE_SD_OF_DELAYS = 0.5

# ------------------------------------------------------------------------------------- rates


class PublishedRate(NamedTuple):
    """The mean rate of a population in the full network, in Hz, from `RATES`.

    Attributes
    ----------
    reference : float
        The rate in the reference implementation; (3) uses it.
    low, high : float
        The lowest and highest of 40 networks over 60 s; half of them are of the authors' program.
    """

    reference: float
    low: float
    high: float


RATES = by_population(
    PublishedRate(0.903, 0.83, 0.98),
    PublishedRate(2.965, 2.88, 3.10),
    PublishedRate(4.414, 4.24, 4.62),
    PublishedRate(5.876, 5.69, 6.11),
    PublishedRate(7.569, 7.35, 8.00),
    PublishedRate(8.633, 8.57, 8.72),
    PublishedRate(1.105, 1.04, 1.16),
    PublishedRate(7.829, 7.54, 8.06),
)
"""The firing rates of the populations.

The ranges are read off the figure "Spontaneous activity" of F. Schuessler's thesis (2015,
https://github.com/frschu/microcircuit, a vector graphic) and rounded outwards: 20 networks of the
authors' program and 20 of another one in PyNEST, 1,000 neurons of each population. The article's
rates of excitatory populations, 0.86, 4.45, 7.59 and 1.09 Hz, lie within them.
"""


class Parameters(ExperimentParameters):
    """The choices for a network; see `build`."""

    scale: float = number(1.0, "share of the neurons", at_least=0.001, at_most=1.0)
    background: str = choice("poisson", "dc", about="what comes from elsewhere")
    voltages: str = choice("optimized", "original", about="where voltages begin")


def synapse_numbers(scale: float = 1.0) -> np.ndarray:
    """The number of synapses from one population (column) to another (row), by (2).

    Parameters
    ----------
    scale : float
        Share of the neurons, and of the synapses onto each of them.

    Returns
    -------
    numpy.ndarray of int, shape (8, 8)

    Examples
    --------
    >>> int(synapse_numbers().sum())
    298880970
    """
    scale = Parameters.of(scale=scale).scale
    return np.rint(_full_numbers() * scale**2).astype(np.int64)


def mean_weights() -> np.ndarray:
    """The mean weights from one population (column) to another (row), in pA.

    Returns
    -------
    numpy.ndarray, shape (8, 8)

    Examples
    --------
    >>> mean_weights()[0, :4].tolist()
    [87.8, -351.2, 175.6, -351.2]
    """
    names = list(SIZES)
    row = [WEIGHT if name.endswith("E") else INHIBITION * WEIGHT for name in names]
    weights = np.tile(row, (len(names), 1))
    weights[names.index(DOUBLED[1]), names.index(DOUBLED[0])] *= 2.0
    return weights


def compensating_currents(scale: float) -> dict[str, float]:
    """The constant currents of a smaller network, by (3), in pA.

    Parameters
    ----------
    scale : float
        Share of the neurons, and of the synapses onto each of them.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> round(compensating_currents(0.1)["L4E"], 1)
    113.0
    """
    missing = 1.0 - sqrt(Parameters.of(scale=scale).scale)
    indegrees = _full_numbers() / np.array(list(SIZES.values()))[:, None]
    rates = np.array([rate.reference for rate in RATES.values()])
    inside = (indegrees * mean_weights()) @ rates
    tau = 1e-3 * NEURON["tau_exc"]  # s
    return {
        name: missing * (tau * float(recurrent) + _external_current(name))
        for name, recurrent in zip(SIZES, inside, strict=True)
    }


def build(
    scale: float = 1.0,
    seed: int = 0,
    *,
    background: str = "poisson",
    voltages: str = "optimized",
    dt: float = 0.1,
    dtype: str = "float32",
    backend: str = "cpu",
) -> Network:
    """Build the microcircuit, ready to be recorded from and run.

    Parameters
    ----------
    scale : float
        Share of the neurons, and of the synapses onto each of them, from 0.001 to 1. The network of
        the article, 1, takes gigabytes of memory.
    seed : int
        Synapses, voltages and background depend on it.
    background : {'poisson', 'dc'}
        Input from elsewhere: spikes, or a constant current of the same mean (figure 7). With the
        current, small networks fall silent, as they lack the noise.
    voltages : {'optimized', 'original'}
        Where the voltages begin; see `VOLTAGES`.
    dt, dtype, backend
        As for `spikesim.Network`.

    Returns
    -------
    spikesim.Network
        Its populations are called 'L23E' to 'L6I'; its projections 'L4E_to_L23E' and so on.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> net = build(scale=0.01, seed=1, backend="python")
    >>> sum(cells.n for cells in net.populations.values())
    771
    >>> net.projections["L4E_to_L23E"]
    <Projection 'L4E_to_L23E': L4E → L23E.I_exc, 2025 synapses>
    >>> spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    >>> net.run(1.0)
    """
    scale = Parameters.of(scale=scale, background=background, voltages=voltages).scale
    net = Network(dt, seed, dtype, backend)
    chance = random_numbers(net.seed, 0)
    stronger = 1.0 / sqrt(scale)
    currents = compensating_currents(scale)
    for name, size in SIZES.items():
        current = currents[name]
        if background == "dc":
            current += sqrt(scale) * _external_current(name)
        n = round(scale * size)
        cells = net.add_population(name, n, CurrentLIF, **NEURON, I=MV_PER_PA * current)
        mean, sd = VOLTAGES[voltages][name]
        cells.v[:] = chance.normal(mean, sd, n)
        if background == "poisson":
            rate = EXTERNAL_RATE * scale * EXTERNAL_INDEGREES[name]
            net.add_background(cells, "I_exc", rate, MV_PER_PA * stronger * WEIGHT)
    numbers = synapse_numbers(scale)
    means = MV_PER_PA * stronger * mean_weights()
    for row, post in enumerate(net.populations.values()):
        for column, pre in enumerate(net.populations.values()):
            if numbers[row, column] == 0:
                continue
            kind = pre.name[-1]
            net.connect(
                pre,
                post,
                target="I_exc" if kind == "E" else "I_inh",
                synapses=int(numbers[row, column]),
                weight=weights(means[row, column], RELATIVE_SD),
                delay=delays(DELAYS[kind], RELATIVE_SD_OF_DELAYS, net.dt),
            )
    return net


# ------------------------------------------------------------------------------------ inside


def _full_numbers() -> np.ndarray:
    """(2), before rounding."""
    sizes = np.array(list(SIZES.values()), float)
    probabilities = np.array(list(PROBABILITIES.values()))
    return np.log1p(-probabilities) / np.log1p(-1.0 / np.outer(sizes, sizes))


def _external_current(name: str) -> float:
    """The mean of the current from elsewhere in the full network, in pA."""
    tau = 1e-3 * NEURON["tau_exc"]  # s
    return tau * EXTERNAL_INDEGREES[name] * WEIGHT * EXTERNAL_RATE
