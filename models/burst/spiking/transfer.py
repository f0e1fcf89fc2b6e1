"""What an ensemble makes of a current into its dendrites, and how SST+ and VIP+ cells change that.

The burst probability of an ensemble of pyramidal neurons rises with the current into their
dendrites from 0 to 1, its event rate hardly falls. Two circuits (Payeur et al. 2021):

- *Lateral inhibition* (supplementary figure S10). Facilitating inhibition of dendrites by the
  bursts of the ensemble itself makes the burst probability independent of the somatic current.
- *Interneurons* (supplementary figure S5). Inhibition of dendrites by SST+ cells, which the bursts
  excite, widens the range of currents that are told apart. VIP+ cells, a negative current into the
  SST+ cells, take that back.

======================  =============================  =========================  =================
from                    to                             weight                     in-degree
======================  =============================  =========================  =================
lateral inhibition, 4000 pyramidal neurons
---------------------------------------------------------------------------------------------------
Poisson, excitatory     somata, dendrites              0.17, 0.043                100
Poisson, inhibitory     somata, dendrites              0.26, 0.07                 30
pyramidal               dendrites, inhibition          0 or 0.02, facilitating    200
interneurons, 10 000 pyramidal neurons, 1000 PV+ and 1000 SST+ cells
---------------------------------------------------------------------------------------------------
Poisson, exc. and inh.  somata, dendrites              0.05, 0.05                 100
Poisson, exc. and inh.  PV+                            0.12, 0.15                 100
Poisson, exc. and inh.  SST+                           0.2, 0.3                   100
pyramidal               PV+                            0.001, depressing          2000
pyramidal               SST+                           0.04, facilitating         2000
PV+                     SST+                           0.002                      all, 1000
SST+                    dendrites                      0, 0.0005 or 0.001         all, 1000
======================  =============================  =========================  =================

Weights are conductances in units of the leak. The Poisson neurons, 25 000 of each sign, fire at
5 Hz. How many of them reach a neuron differs from neuron to neuron, and that matters: input at the
same mean rate to every neuron leaves only 11 instead of 14 percent of bursts at 0 pA.

Constants are those of the authors' programs (apayeur/spikingburstprop,
sim_normalization_of_bpcurves.cpp and sim_dendritic_transfer_func_modulation.cpp). `run` does all of
both figures for one seed in a few minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim import AdEx, Network, Poisson, Population, Projection, ShortTermPlasticity
from spikesim.checks import check_array, check_integer, check_number, check_parameters, check_steps
from spikesim.comparison import Comparison
from spikesim.engine.sources import EventSource
from spikesim.errors import InputError
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.kernels import bursts
from spikesim.kernels.machine.program import once
from spikesim.models.burst.spiking.neurons import (
    DEPRESSING,
    FACILITATING,
    PV,
    SOM,
    U_AT_FIRST,
    Pyramidal,
)
from spikesim.progress import Progress, progress_bar
from spikesim.training import random_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "AUTHORS_INTERNEURONS",
    "AUTHORS_LATERAL",
    "Curves",
    "DendriticTransfer",
    "TransferParameters",
    "interneuron_transfer",
    "lateral_transfer",
    "run",
]

DT = 0.1  # ms
DELAY = 0.8  # ms, of all synapses
SPREAD = 5.0  # mV, deviation of voltages at first
POISSON_RATE = 5.0  # Hz

LATERAL_IN_DEGREE = 200
INTERNEURON_SHARE = 10  # pyramidal neurons per PV+ cell, and per SST+ cell
ALL_INTERNEURONS = 1000  # of each kind at full size, what their weights hold for
SOMATIC_CURRENT = 560.0  # pA, into pyramidal neurons of the circuit with interneurons
PV_CURRENT = 205.0  # pA
SST_CURRENT = -5.0  # pA

_CELLS = 0  # what random numbers are for

EVENT_RATE_TOLERANCE = 15.0  # percent, to the authors' programs
BURST_TOLERANCE = 4.0  # percentage points


class TransferParameters(NamedTuple):
    """Sizes of the two circuits and of the staircase of dendritic currents.

    In-degrees stay as they are at other sizes. Where there are fewer neurons than that, all are
    connected and weights are larger.
    """

    n: int = 4000  # pyramidal neurons with lateral inhibition
    n_interneurons: int = 10_000  # and with interneurons, a tenth as many of each kind
    sources: int = 25_000  # Poisson neurons of each sign
    step: float = 1000.0  # ms, how long each dendritic current lasts
    window: float = 500.0  # ms, at its end, in which events and bursts are counted

    @classmethod
    def checked(cls, given: dict[str, Any]) -> TransferParameters:
        """Parameters from values given by name.

        Raises
        ------
        InputError
            If a name is unknown or a value is impossible.
        """
        given = check_parameters(given, cls._field_defaults)
        p = cls(**given)
        check_integer("n", p.n, at_least=1)
        check_integer("n_interneurons", p.n_interneurons, at_least=INTERNEURON_SHARE)
        check_integer("sources", p.sources, at_least=1)
        check_steps("step", p.step, DT, at_least=1)
        check_steps("window", p.window, DT, at_least=1)
        check_number("window", p.window, at_most=p.step, unit="ms, no longer than step")
        return p


class Curves(NamedTuple):
    """Event rates and burst probabilities over the dendritic current, a row for each condition.

    Attributes
    ----------
    weight : float64 array, shape (conditions,)
        Of the inhibition of dendrites.
    current : float64 array, shape (conditions,)
        In pA: into somata with lateral inhibition; out of SST+ cells, for VIP+ cells, with
        interneurons.
    dendritic_current : float64 array, shape (currents,)
        In pA.
    event_rate : float64 array, shape (conditions, currents)
        Events per second and neuron, in Hz.
    burst_probability : float64 array, shape (conditions, currents)
        Bursts per event, as a fraction; NaN without events. Above 1 only by chance: where nearly
        all events are bursts, some of those counted belong to events before the window.
    """

    weight: np.ndarray
    current: np.ndarray
    dendritic_current: np.ndarray
    event_rate: np.ndarray
    burst_probability: np.ndarray

    def condition(self, weight: float, current: float) -> int:
        """The row of a condition.

        Raises
        ------
        InputError
            If it was not measured.
        """
        weight = check_number("weight", weight)
        current = check_number("current", current, unit="pA")
        rows = np.flatnonzero((self.weight == weight) & (self.current == current))
        if rows.size == 0:
            raise InputError(
                f"There is no curve of weight {weight:g} and current {current:g} pA; there are "
                + ", ".join(f"({w:g}, {c:g})" for w, c in self.conditions)
                + "."
            )
        return int(rows[0])

    @property
    def conditions(self) -> list[tuple[float, float]]:
        """Weight and current of each row."""
        return [(float(w), float(c)) for w, c in zip(self.weight, self.current, strict=True)]

    def at(self, dendritic_current: float) -> int:
        """The column of a dendritic current.

        Raises
        ------
        InputError
            If it was not measured.
        """
        dendritic_current = check_number("dendritic_current", dendritic_current, unit="pA")
        columns = np.flatnonzero(self.dendritic_current == dendritic_current)
        if columns.size == 0:
            raise InputError(
                f"dendritic_current is {dendritic_current:g} pA; it has to be one of "
                + ", ".join(f"{c:g}" for c in self.dendritic_current)
                + "."
            )
        return int(columns[0])

    def current_for(self, burst_probability: float, weight: float, current: float) -> float:
        """The dendritic current (pA) at which a curve reaches this burst probability.

        Between measured currents the curve is taken to be straight; NaN if it stays below.

        Examples
        --------
        >>> round(AUTHORS_LATERAL.current_for(0.5, weight=0.0, current=0.0), 1)
        96.2
        """
        burst_probability = check_number("burst_probability", burst_probability, at_least=0.0)
        curve = self.burst_probability[self.condition(weight, current)]
        above = np.flatnonzero(curve >= burst_probability)
        if above.size == 0 or above[0] == 0:
            return float("nan")
        between = slice(above[0] - 1, above[0] + 1)
        return float(np.interp(burst_probability, curve[between], self.dendritic_current[between]))


def _authors(
    first: float, rows: dict[tuple[float, float], tuple[Sequence[float], Sequence[float]]]
) -> Curves:
    conditions = np.array(list(rows))
    rates = np.array([rate for rate, _ in rows.values()])
    percent = np.array([probability for _, probability in rows.values()])
    currents = first + 50.0 * np.arange(rates.shape[1])
    return Curves(conditions[:, 0], conditions[:, 1], currents, rates, percent / 100.0)


# By (weight, current): event rates in Hz and burst probabilities in percent.
AUTHORS_LATERAL: Curves = _authors(
    -100.0,
    {
        (0.0, 0.0): (
            (4.39, 4.36, 4.14, 3.84, 3.43, 3.15, 2.95, 2.89, 2.95, 3.06),
            (3.0, 6.1, 13.7, 29.2, 51.7, 76.1, 92.0, 98.0, 99.2, 99.5),
        ),
        (0.0, 100.0): (
            (6.68, 6.55, 6.08, 5.40, 4.64, 4.10, 3.81, 3.67, 3.70, 3.74),
            (4.1, 7.8, 15.7, 31.6, 54.6, 78.5, 92.6, 98.5, 99.4, 99.8),
        ),
        (0.0, 200.0): (
            (9.18, 8.82, 8.00, 6.84, 5.72, 4.94, 4.53, 4.37, 4.34, 4.34),
            (5.7, 9.6, 18.0, 34.1, 56.8, 79.8, 93.5, 98.4, 99.6, 99.5),
        ),
        (0.02, 0.0): (
            (4.39, 4.37, 4.16, 3.88, 3.49, 3.21, 2.98, 2.90, 2.93, 3.02),
            (2.9, 5.8, 12.8, 26.7, 47.7, 70.9, 88.7, 96.8, 98.9, 99.5),
        ),
        (0.02, 100.0): (
            (6.69, 6.58, 6.17, 5.55, 4.83, 4.29, 3.89, 3.71, 3.70, 3.72),
            (3.9, 7.2, 14.0, 27.8, 47.9, 70.7, 87.9, 96.7, 99.2, 99.6),
        ),
        (0.02, 200.0): (
            (9.22, 8.92, 8.22, 7.23, 6.12, 5.28, 4.72, 4.44, 4.36, 4.34),
            (5.3, 8.6, 15.4, 28.2, 47.5, 69.6, 87.3, 96.3, 99.0, 99.6),
        ),
    },
)
"""What the authors' program gives with lateral inhibition: means over three seeds."""

AUTHORS_INTERNEURONS: Curves = _authors(
    -50.0,
    {
        (0.0, 0.0): (
            (8.13, 7.73, 7.11, 6.00, 5.02, 4.29, 3.92, 3.78, 3.74, 3.75, 3.94, 4.07),
            (1.8, 5.5, 15.1, 33.0, 55.3, 79.5, 92.7, 98.2, 99.7, 100.0, 100.2, 100.3),
        ),
        (0.0005, 0.0): (
            (8.16, 7.82, 7.39, 6.49, 5.50, 4.70, 4.15, 3.87, 3.74, 3.73, 3.78, 3.85),
            (1.2, 4.2, 11.0, 24.1, 43.0, 64.9, 83.2, 94.2, 98.6, 99.9, 100.3, 100.4),
        ),
        (0.001, 0.0): (
            (8.18, 7.90, 7.59, 6.84, 5.95, 5.16, 4.49, 4.05, 3.82, 3.75, 3.75, 3.77),
            (0.8, 3.1, 8.2, 18.4, 33.8, 52.2, 71.0, 86.8, 95.5, 98.9, 99.7, 100.4),
        ),
        (0.001, 50.0): (
            (8.15, 7.80, 7.34, 6.47, 5.53, 4.77, 4.21, 3.91, 3.76, 3.73, 3.76, 3.81),
            (1.3, 4.5, 11.6, 24.7, 42.5, 62.8, 80.6, 92.8, 97.9, 99.6, 100.2, 100.6),
        ),
        (0.001, 100.0): (
            (8.14, 7.75, 7.17, 6.15, 5.23, 4.50, 4.04, 3.83, 3.75, 3.74, 3.79, 3.86),
            (1.7, 5.2, 14.1, 30.2, 50.0, 72.0, 87.4, 95.9, 99.0, 99.8, 100.3, 100.6),
        ),
    },
)
"""What the authors' program gives with interneurons, of the one seed that it has."""


# ------------------------------------------------------------------------------------ measuring


def lateral_transfer(
    seed: int = 0,
    conditions: Sequence[tuple[float, float]] = tuple(AUTHORS_LATERAL.conditions),
    dendritic_currents: Any = AUTHORS_LATERAL.dendritic_current,
    *,
    progress: bool | Progress = False,
    backend: str = "cpu",
    **parameters: Any,
) -> Curves:
    """Measure an ensemble that inhibits its own dendrites.

    Parameters
    ----------
    seed : int
    conditions : sequence of (weight, somatic current)
        Weight of the inhibition, and current into all somata in pA.
    dendritic_currents : array_like, shape (currents,)
        In pA, one after the other in one simulation.
    progress : bool or callable
        True shows a bar where stderr is a terminal; a callable is told ``(done, total)`` currents.
    backend : {'cpu', 'python'}
    **parameters
        Values other than the defaults in `TransferParameters`, by name.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> tiny = dict(n=20, sources=20, step=5.0, window=2.0, backend="python")
    >>> curves = lateral_transfer(conditions=[(0.02, 100.0)], dendritic_currents=[0.0], **tiny)
    >>> curves.event_rate.shape
    (1, 1)
    """
    p = TransferParameters.checked(parameters)

    def ensemble(weight: float, current: float) -> _Ensemble:
        net = Network(dt=DT, seed=seed, backend=backend)
        exc, inh = _poisson(net, p.sources)
        cells = _Ensemble(net, p.n)
        cells.pyramidal.V_s[:] = random_numbers(net.seed, _CELLS).normal(-70.0, SPREAD, p.n)
        for port, w_exc, w_inh in (("s", 0.17, 0.26), ("d", 0.043, 0.07)):
            _connect(exc, cells.pyramidal, f"g_exc_{port}", w_exc, 100)
            _connect(inh, cells.pyramidal, f"g_inh_{port}", w_inh, 30)
        _connect(
            cells.pyramidal, cells.pyramidal, "g_inh_d", weight, LATERAL_IN_DEGREE, FACILITATING
        )
        cells.pyramidal.I_s[:] = current
        return cells

    return _measure(ensemble, conditions, dendritic_currents, p, progress)


def interneuron_transfer(
    seed: int = 0,
    conditions: Sequence[tuple[float, float]] = tuple(AUTHORS_INTERNEURONS.conditions),
    dendritic_currents: Any = AUTHORS_INTERNEURONS.dendritic_current,
    *,
    progress: bool | Progress = False,
    backend: str = "cpu",
    **parameters: Any,
) -> Curves:
    """Measure an ensemble whose dendrites are inhibited by SST+ cells, and these by VIP+ cells.

    Parameters
    ----------
    seed : int
    conditions : sequence of (weight, VIP+ current)
        Weight from SST+ cells to dendrites (0 opens the loop), and the current in pA that VIP+
        cells take out of all SST+ cells.
    dendritic_currents : array_like, shape (currents,)
        In pA, one after the other in one simulation.
    progress : bool or callable
        True shows a bar where stderr is a terminal; a callable is told ``(done, total)`` currents.
    backend : {'cpu', 'python'}
    **parameters
        Values other than the defaults in `TransferParameters`, by name.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> tiny = dict(n_interneurons=20, sources=20, step=5.0, window=2.0, backend="python")
    >>> curves = interneuron_transfer(conditions=[(0.001, 50.0)], dendritic_currents=[0.0], **tiny)
    >>> curves.event_rate.shape
    (1, 1)
    """
    p = TransferParameters.checked(parameters)

    def ensemble(weight: float, current: float) -> _Ensemble:
        net = Network(dt=DT, seed=seed, backend=backend)
        exc, inh = _poisson(net, p.sources)
        cells = _Ensemble(net, p.n_interneurons)
        count = p.n_interneurons // INTERNEURON_SHARE
        pv = net.add_population("parvalbumin", count, AdEx, **PV)
        sst = net.add_population("somatostatin", count, AdEx, **SOM)
        chance = random_numbers(net.seed, _CELLS)
        for interneurons in (pv, sst):
            interneurons.V[:] = chance.normal(-70.0, SPREAD, count)
        for post, port, w_exc, w_inh in (
            (cells.pyramidal, "_s", 0.05, 0.05),
            (cells.pyramidal, "_d", 0.05, 0.05),
            (pv, "", 0.12, 0.15),
            (sst, "", 0.2, 0.3),
        ):
            _connect(exc, post, f"g_exc{port}", w_exc, 100)
            _connect(inh, post, f"g_inh{port}", w_inh, 100)
        _connect(cells.pyramidal, pv, "g_exc", 0.001, 2000, DEPRESSING)
        _connect(cells.pyramidal, sst, "g_exc", 0.04, 2000, FACILITATING)
        _connect(pv, sst, "g_inh", 0.002, ALL_INTERNEURONS)
        _connect(sst, cells.pyramidal, "g_inh_d", weight, ALL_INTERNEURONS)
        cells.pyramidal.I_s[:] = SOMATIC_CURRENT
        pv.I[:] = PV_CURRENT
        sst.I[:] = SST_CURRENT - current
        return cells

    return _measure(ensemble, conditions, dendritic_currents, p, progress)


class _Ensemble:
    """Pyramidal neurons in a network, and counters of their events and bursts."""

    def __init__(self, net: Network, n: int):
        self.network = net
        self.pyramidal = net.add_population("pyramidal", n, Pyramidal)
        self._events = self._tally(net.add_events("events", self.pyramidal))
        self._bursts = self._tally(net.add_bursts("bursts", self.pyramidal))

    def respond(self, dendritic_current: float, p: TransferParameters) -> tuple[float, float]:
        """Event rate and burst probability at the end of a step of the dendritic current."""
        self.pyramidal.I_d[:] = dendritic_current
        self.network.run_steps(round(p.step / DT) - round(p.window / DT))
        before = self._events[0], self._bursts[0]
        self.network.run_steps(round(p.window / DT))
        events, found = int(self._events[0] - before[0]), int(self._bursts[0] - before[1])
        rate = 1000.0 * events / (self.pyramidal.n * p.window)
        return rate, found / events if events else float("nan")

    def _tally(self, source: EventSource) -> np.ndarray:
        total = np.zeros(1, np.int64)
        state = {"total": total, **source.spike_list()}
        self.network.add_phase(bursts.tally, once, state=state, params={"size": source.n})
        return total


def _poisson(net: Network, n: int) -> tuple[Population, Population]:
    pair = (
        net.add_population("excitatory", n, Poisson),
        net.add_population("inhibitory", n, Poisson),
    )
    for population in pair:
        population.rate[:] = POISSON_RATE
    return pair


def _connect(
    pre: Population,
    post: Population,
    target: str,
    weight: float,
    in_degree: int,
    short_term: ShortTermPlasticity | None = None,
) -> Projection:
    all_of_them = pre.n <= in_degree
    projection = pre.network.connect(
        pre,
        post,
        target=target,
        weight=weight * max(1.0, in_degree / pre.n),
        probability=None if all_of_them else in_degree / pre.n,
        delay=DELAY,
        short_term=short_term,
        name=f"{pre.name}_to_{post.name}_{target}",
    )
    if short_term is not None:
        projection.u[:] = U_AT_FIRST
    return projection


def _measure(
    ensemble: Callable[[float, float], _Ensemble],
    conditions: Sequence[tuple[float, float]],
    dendritic_currents: Any,
    p: TransferParameters,
    progress: bool | Progress,
) -> Curves:
    check_array("conditions", conditions, shape=(None, 2), dtype=np.float32)  # as simulated
    pairs = check_array("conditions", conditions, shape=(None, 2), dtype=np.float64)
    check_array("dendritic_currents", dendritic_currents, shape=(None,), dtype=np.float32)
    currents = check_array(
        "dendritic_currents", dendritic_currents, shape=(None,), dtype=np.float64
    )
    if not pairs.size or not currents.size:
        raise InputError("conditions and dendritic_currents have to hold at least one each.")
    check_array("the weights in conditions", pairs[:, 0], at_least=0.0)
    measured = np.zeros((2, len(pairs), currents.size))
    with progress_bar(progress, len(pairs) * currents.size, "current") as report:
        for row, (weight, current) in enumerate(pairs):
            cells = ensemble(float(weight), float(current))
            for column, dendritic_current in enumerate(currents):
                measured[:, row, column] = cells.respond(float(dendritic_current), p)
                report(row * currents.size + column + 1, len(pairs) * currents.size)
    return Curves(pairs[:, 0].copy(), pairs[:, 1].copy(), currents, *measured)


def run(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> DendriticTransfer:
    """Measure all curves of both circuits for one seed.

    Parameters
    ----------
    seed : int
    progress : bool or callable
        As in `lateral_transfer`, for one circuit after the other.
    backend : {'cpu', 'python'}
    **sizes
        Values other than the defaults in `TransferParameters`, by name.

    Examples
    --------
    A network too small to be like the authors':

    >>> tiny = dict(n=10, n_interneurons=10, sources=10, step=0.2, window=0.1)
    >>> result = run(seed=1, backend="python", **tiny)
    >>> result.lateral.event_rate.shape, result.interneurons.event_rate.shape
    ((6, 10), (5, 12))
    """
    p = TransferParameters.checked(sizes)
    common = {"progress": progress, "backend": backend, **p._asdict()}
    return DendriticTransfer(
        check_integer("seed", seed, at_least=0),
        p,
        lateral_transfer(seed, **common),
        interneuron_transfer(seed, **common),
    )


# ------------------------------------------------------------------------------------ reporting


class DendriticTransfer(NamedTuple):
    """The curves of both circuits; from `run`.

    Attributes
    ----------
    seed : int
    parameters : TransferParameters
    lateral : Curves
        Of weights of lateral inhibition 0 and 0.02 and somatic currents 0, 100 and 200 pA.
    interneurons : Curves
        Of the open loop, of SST+ weights 0.0005 and 0.001, and of 0.001 with VIP+ currents of 50
        and 100 pA.
    """

    seed: int
    parameters: TransferParameters
    lateral: Curves
    interneurons: Curves

    def comparisons(self) -> list[Comparison]:
        """Every claim beside what the authors' programs give.

        The authors' numbers themselves would hold:

        >>> authors = DendriticTransfer(
        ...     0, TransferParameters(), AUTHORS_LATERAL, AUTHORS_INTERNEURONS
        ... )
        >>> all(row.holds for row in authors.comparisons())
        True
        """
        theirs = DendriticTransfer(
            self.seed, self.parameters, AUTHORS_LATERAL, AUTHORS_INTERNEURONS
        )
        rows: list[Comparison] = []

        def add(
            quantity: str, measure: Callable[[DendriticTransfer], float], **bounds: float
        ) -> None:
            rows.append(Comparison(quantity, measure(self), measure(theirs), **bounds))

        zero = AUTHORS_LATERAL.event_rate[0, AUTHORS_LATERAL.at(0.0)]
        share = EVENT_RATE_TOLERANCE / 100.0
        add(
            "event rate at 0 pA (Hz)",
            lambda r: float(r.lateral.event_rate[r.lateral.condition(0.0, 0.0), r.lateral.at(0.0)]),
            low=(1.0 - share) * zero,
            high=(1.0 + share) * zero,
        )
        add(
            "dendritic current for bursts of 50 % (pA)",
            lambda r: r.lateral.current_for(0.5, 0.0, 0.0),
            low=85.0,
            high=105.0,
        )
        spread = "spread of bursts at 100 pA over somatic currents"
        add(f"{spread} (points)", lambda r: _spread(r.lateral, 0.0), low=3.0, high=7.0)
        add(
            f"{spread}, lateral inhibition (points)",
            lambda r: _spread(r.lateral, 0.02),
            high=2.0,
        )
        add(
            "range of bursts of 20 to 80 %, open loop (pA)",
            lambda r: _range(r.interneurons, 0.0),
            low=120.0,
            high=150.0,
        )
        add(
            "range of bursts of 20 to 80 %, SST+ (pA)",
            lambda r: _range(r.interneurons, 0.001),
            low=165.0,
        )
        add("bursts that SST+ take at 150 pA (points)", lambda r: _taken(r.interneurons, 0.0))
        add(
            "bursts that SST+ take at 150 pA, VIP+ (points)",
            lambda r: _taken(r.interneurons, 100.0),
            low=-8.0,
            high=8.0,
        )
        for name, ours, authors, current in (
            ("lateral", self.lateral, AUTHORS_LATERAL, "somatic"),
            ("SST+", self.interneurons, AUTHORS_INTERNEURONS, "VIP+"),
        ):
            for condition in authors.conditions:
                rate, probability = _deviations(ours, authors, condition)
                where = f"{name} weight {condition[0]:g}, {current} {condition[1]:g} pA"
                rows.append(
                    Comparison(f"event rate off by, {where} (%)", rate, high=EVENT_RATE_TOLERANCE)
                )
                rows.append(
                    Comparison(
                        f"bursts off by, {where} (points)", probability, high=BURST_TOLERANCE
                    )
                )
        return rows

    def figure(self) -> Figure:
        """Draw all curves, with circles at what the authors' programs give."""
        import matplotlib
        import matplotlib.pyplot as plt

        with matplotlib.rc_context(
            {
                "font.size": 9.0,
                "axes.titlesize": 9.0,
                "xtick.labelsize": 8.0,
                "ytick.labelsize": 8.0,
                "legend.fontsize": 8.0,
                "legend.title_fontsize": 8.0,
            }
        ):
            figure = plt.figure(figsize=(7.2, 6.6), layout="constrained")
            axes = figure.subplots(3, 2)
            for pair, weight, name in (
                (axes[0], 0.0, "Without inhibition"),
                (axes[1], 0.02, "Lateral inhibition"),
            ):
                labels = {
                    condition: f"{condition[1]:g} pA"
                    for condition in self.lateral.conditions
                    if condition[0] == weight
                }
                _draw(pair, self.lateral, AUTHORS_LATERAL, labels, name, "Somatic current")
            labels = {}
            for condition in self.interneurons.conditions:
                sst, vip = condition
                label = f"SST+ {sst:g}" if sst else "open loop"
                labels[condition] = label + (f", VIP+ {vip:g} pA" if vip else "")
            _draw(axes[2], self.interneurons, AUTHORS_INTERNEURONS, labels, "Interneurons", None)
        return figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all curves to an HDF5 file.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        with atomic_file(path) as file:
            stamp(file, "burst-transfer")
            tree = {"seed": self.seed, "parameters": self.parameters._asdict()}
            circuits = {"lateral": self.lateral, "interneurons": self.interneurons}
            write_tree(file, tree | {name: curves._asdict() for name, curves in circuits.items()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DendriticTransfer:
        """Read what `save` wrote.

        Raises
        ------
        FileError
            If there is no such file, or it holds something else.
        """
        with open_file(path, "burst-transfer") as file:
            tree = read_tree(file)
        return cls(
            tree["seed"],
            TransferParameters(**tree["parameters"]),
            Curves(**tree["lateral"]),
            Curves(**tree["interneurons"]),
        )


def _spread(curves: Curves, weight: float) -> float:
    """How far somatic currents move the burst probability at 100 pA, in points."""
    at = curves.burst_probability[curves.weight == weight, curves.at(100.0)]
    return 100.0 * float(np.ptp(at))


def _range(curves: Curves, weight: float) -> float:
    low, high = (curves.current_for(share, weight, 0.0) for share in (0.2, 0.8))
    return high - low


def _taken(curves: Curves, vip: float) -> float:
    """By how many points SST+ cells lower the burst probability at 150 pA, in spite of VIP+."""
    at = curves.burst_probability[:, curves.at(150.0)]
    return 100.0 * float(at[curves.condition(0.0, 0.0)] - at[curves.condition(0.001, vip)])


def _deviations(
    ours: Curves, authors: Curves, condition: tuple[float, float]
) -> tuple[float, float]:
    """The largest over all currents, of event rates in percent and of bursts in points."""
    columns = [ours.at(float(current)) for current in authors.dendritic_current]
    row, reference = ours.condition(*condition), authors.condition(*condition)
    rate = ours.event_rate[row, columns] / authors.event_rate[reference] - 1.0
    bursting = ours.burst_probability[row, columns] - authors.burst_probability[reference]
    return 100.0 * float(np.abs(rate).max()), 100.0 * float(np.abs(bursting).max())


def _draw(
    axes: Sequence[Axes],
    ours: Curves,
    authors: Curves,
    labels: dict[tuple[float, float], str],
    title: str,
    legend: str | None,
) -> None:
    from spikesim import plot

    for condition, label in labels.items():
        row = ours.condition(*condition)
        plot.transfer(
            ours.dendritic_current,
            ours.event_rate[row],
            ours.burst_probability[row],
            axes,
            label,
        )
    rows = [authors.condition(*condition) for condition in labels]
    for ax, values in (
        (axes[0], authors.event_rate),
        (axes[1], 100.0 * authors.burst_probability),
    ):
        for number, row in enumerate(rows):
            ax.plot(
                authors.dendritic_current,
                values[row],
                linestyle="none",
                marker="o",
                markersize=5.5,
                markerfacecolor="none",
                markeredgewidth=0.6,
                color="#6E6E6E",
                label="" if number else "authors' program",
                zorder=1.5,
            )
        ax.set_ylim(bottom=0.0)
    axes[0].set_title(title, loc="left")
    of_rates = axes[0].get_legend()
    if of_rates is not None:  # one serves both
        of_rates.remove()
    axes[1].legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        title=legend,
        alignment="left",
        frameon=False,
        handlelength=1.5,
    )
