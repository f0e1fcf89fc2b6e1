"""The two circuits of dendritic transfer, and how their answers to a current are measured.

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
5 Hz. The number of them that reach a neuron varies from neuron to neuron, and that matters: with
input at the same mean rate to every neuron, only 11 instead of 14 percent are bursts at 0 pA.

Constants are those of the authors' programs (apayeur/spikingburstprop,
sim_normalization_of_bpcurves.cpp and sim_dendritic_transfer_func_modulation.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spikesim import AdEx, Network, Poisson, Population, ShortTermPlasticity
from spikesim.bursts import Curves
from spikesim.checks import check_number, check_steps
from spikesim.experiments import ExperimentParameters
from spikesim.experiments.staircase import Ensemble, staircase
from spikesim.io.tables import read_table
from spikesim.learning.parameters import number, whole
from spikesim.models.burst.spiking.neurons import (
    DEPRESSING,
    FACILITATING,
    PV,
    SOM,
    U_AT_FIRST,
    Pyramidal,
)
from spikesim.progress import Progress
from spikesim.training import random_numbers

__all__ = [
    "AUTHORS_INTERNEURONS",
    "AUTHORS_LATERAL",
    "TransferParameters",
    "interneuron_transfer",
    "lateral_transfer",
]


def _authors(circuit: str) -> Curves:
    table = read_table(__file__, "transfer.csv")
    columns = {name: column[table["circuit"] == circuit] for name, column in table.items()}
    percent = columns.pop("bursts")
    del columns["circuit"]
    return Curves.of_rows(**columns, burst_probability=percent / 100.0)


AUTHORS_LATERAL, AUTHORS_INTERNEURONS = _authors("lateral"), _authors("interneurons")
"""The curves of the authors' programs, for each of the circuits."""

DT = 0.1  # ms
DELAY = 0.8  # ms, of all synapses
SPREAD = 5.0  # mV, deviation of initial voltages
POISSON_RATE = 5.0  # Hz

LATERAL_IN_DEGREE = 200
INTERNEURON_SHARE = 10  # pyramidal neurons per PV+ cell, and per SST+ cell
ALL_INTERNEURONS = 1000  # of each kind at full size, for which their weights hold
SOMATIC_CURRENT = 560.0  # pA, into pyramidal neurons of the circuit with interneurons
PV_CURRENT = 205.0  # pA
SST_CURRENT = -5.0  # pA

_CELLS = 0  # the purpose of random numbers


class TransferParameters(ExperimentParameters):
    """Sizes of the two circuits and of the staircase of dendritic currents.

    In-degrees are the same at other sizes. If there are fewer neurons than the in-degree, all are
    connected, with larger weights.
    """

    n: int = whole(4000, "pyramidal neurons with lateral inhibition", at_least=1)
    n_interneurons: int = whole(
        10_000,
        "and with interneurons, a tenth as many of each kind",
        at_least=INTERNEURON_SHARE,
    )
    sources: int = whole(25_000, "Poisson neurons of each sign", at_least=1)
    step: float = number(1000.0, "how long each dendritic current lasts", unit="ms")
    window: float = number(500.0, "at its end, in which bursts are counted", unit="ms")

    def check(self, layers: int, dtype: str) -> None:
        """Refuse times that are not whole steps, and a window that is longer than its step."""
        check_steps("step", self.step, DT, at_least=1)
        check_steps("window", self.window, DT, at_least=1)
        check_number("window", self.window, at_most=self.step, unit="ms, no longer than step")


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
        In pA, one after another in one simulation.
    progress : bool or callable
        True shows a bar if stderr is a terminal; a callable is given ``(done, total)`` currents.
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
    p = TransferParameters.of(**parameters)

    def ensemble(weight: float, current: float) -> Ensemble:
        net = Network(dt=DT, seed=seed, backend=backend)
        exc, inh = _poisson(net, p.sources)
        ensemble, cells = _pyramidal(net, p.n)
        cells.V_s[:] = random_numbers(net.seed, _CELLS).normal(-70.0, SPREAD, p.n)
        for port, w_exc, w_inh in (("s", 0.17, 0.26), ("d", 0.043, 0.07)):
            _connect(exc, cells, f"g_exc_{port}", w_exc, 100)
            _connect(inh, cells, f"g_inh_{port}", w_inh, 30)
        _connect(cells, cells, "g_inh_d", weight, LATERAL_IN_DEGREE, FACILITATING)
        cells.I_s[:] = current
        return ensemble

    return staircase(ensemble, conditions, dendritic_currents, p.step, p.window, progress)


def interneuron_transfer(
    seed: int = 0,
    conditions: Sequence[tuple[float, float]] = tuple(AUTHORS_INTERNEURONS.conditions),
    dendritic_currents: Any = AUTHORS_INTERNEURONS.dendritic_current,
    *,
    progress: bool | Progress = False,
    backend: str = "cpu",
    **parameters: Any,
) -> Curves:
    """Measure an ensemble whose dendrites SST+ cells inhibit, which VIP+ cells inhibit in turn.

    Arguments are those of `lateral_transfer`. Here a condition is the weight from SST+ cells to
    dendrites (0 opens the loop), and the current in pA that VIP+ cells take out of all SST+ cells.

    Examples
    --------
    >>> tiny = dict(n_interneurons=20, sources=20, step=5.0, window=2.0, backend="python")
    >>> curves = interneuron_transfer(conditions=[(0.001, 50.0)], dendritic_currents=[0.0], **tiny)
    >>> curves.event_rate.shape
    (1, 1)
    """
    p = TransferParameters.of(**parameters)

    def ensemble(weight: float, current: float) -> Ensemble:
        net = Network(dt=DT, seed=seed, backend=backend)
        exc, inh = _poisson(net, p.sources)
        ensemble, cells = _pyramidal(net, p.n_interneurons)
        count = p.n_interneurons // INTERNEURON_SHARE
        pv = net.add_population("parvalbumin", count, AdEx, **PV)
        sst = net.add_population("somatostatin", count, AdEx, **SOM)
        chance = random_numbers(net.seed, _CELLS)
        for interneurons in (pv, sst):
            interneurons.v[:] = chance.normal(-70.0, SPREAD, count)
        for post, port, w_exc, w_inh in (
            (cells, "_s", 0.05, 0.05),
            (cells, "_d", 0.05, 0.05),
            (pv, "", 0.12, 0.15),
            (sst, "", 0.2, 0.3),
        ):
            _connect(exc, post, f"g_exc{port}", w_exc, 100)
            _connect(inh, post, f"g_inh{port}", w_inh, 100)
        _connect(cells, pv, "g_exc", 0.001, 2000, DEPRESSING)
        _connect(cells, sst, "g_exc", 0.04, 2000, FACILITATING)
        _connect(pv, sst, "g_inh", 0.002, ALL_INTERNEURONS)
        _connect(sst, cells, "g_inh_d", weight, ALL_INTERNEURONS)
        cells.I_s[:] = SOMATIC_CURRENT
        pv.I[:] = PV_CURRENT
        sst.I[:] = SST_CURRENT - current
        return ensemble

    return staircase(ensemble, conditions, dendritic_currents, p.step, p.window, progress)


def _pyramidal(net: Network, n: int) -> tuple[Ensemble, Population]:
    ensemble = Ensemble(net.add_population("pyramidal", n, Pyramidal), "I_d")
    return ensemble, ensemble.population


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
) -> None:
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
