"""How an ensemble answers a current into its dendrites, and how SST+ and VIP+ cells change that.

With the current into its dendrites, the burst probability of an ensemble of pyramidal neurons rises
from 0 to 1; its event rate hardly falls. There are two circuits (Payeur et al. 2021):

- *Lateral inhibition* (supplementary figure S10). Facilitating inhibition of dendrites by the
  bursts of the ensemble itself makes the burst probability independent of the somatic current.
- *Interneurons* (supplementary figure S5). Bursts excite SST+ cells, which inhibit the dendrites.
  This widens the range of currents that the ensemble tells apart. VIP+ cells, a negative current
  into the SST+ cells, undo it.

Constants are those of the authors' programs (apayeur/spikingburstprop,
sim_normalization_of_bpcurves.cpp and sim_dendritic_transfer_func_modulation.cpp). `run` measures
both figures for one seed in a few minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import plot
from spikesim.bursts import Curves
from spikesim.comparison import Comparison
from spikesim.experiments import Result, experiment
from spikesim.models.burst.spiking.transfer_circuits import (
    AUTHORS_INTERNEURONS,
    AUTHORS_LATERAL,
    TransferParameters,
    interneuron_transfer,
    lateral_transfer,
)
from spikesim.progress import Progress

if TYPE_CHECKING:
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

EVENT_RATE_TOLERANCE = 15.0  # percent, of the authors' programs
BURST_TOLERANCE = 4.0  # percentage points


class DendriticTransfer(Result):
    """The curves of both circuits; from `run`.

    Attributes
    ----------
    seed : int
    parameters : TransferParameters
    lateral : Curves
        For weights of lateral inhibition 0 and 0.02 and somatic currents 0, 100 and 200 pA.
    interneurons : Curves
        For the open loop, for SST+ weights 0.0005 and 0.001, and for 0.001 with VIP+ currents of 50
        and 100 pA.
    """

    KIND = "burst-transfer"

    seed: int
    parameters: TransferParameters
    lateral: Curves
    interneurons: Curves

    def comparisons(self) -> list[Comparison]:
        """Compare every claim with what the authors' programs give.

        The authors' own numbers would hold:

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
        """Draw all curves, with circles at the numbers of the authors' programs."""
        axes = plot.style.new_figure((7.2, 6.6)).subplots(3, 2)
        for pair, weight, title in (
            (axes[0], 0.0, "Without inhibition"),
            (axes[1], 0.02, "Lateral inhibition"),
        ):
            measured = [each for each in self.lateral.conditions if each[0] == weight]
            labels = {each: f"{each[1]:g} pA" for each in measured}
            plot.transfer_curves(
                self.lateral, labels, AUTHORS_LATERAL, pair, title=title, legend="Somatic current"
            )
        labels = {}
        for sst, vip in self.interneurons.conditions:
            label = f"SST+ {sst:g}" if sst else "open loop"
            labels[sst, vip] = label + (f", VIP+ {vip:g} pA" if vip else "")
        plot.transfer_curves(
            self.interneurons, labels, AUTHORS_INTERNEURONS, axes[2], title="Interneurons"
        )
        return axes[0, 0].get_figure()


@experiment(
    "transfer",
    "what inhibition makes of a dendritic current (figures S5 and S10)",
    TransferParameters,
)
def run(
    p: TransferParameters, seed: int, progress: bool | Progress, backend: str
) -> DendriticTransfer:
    """Measure all curves of both circuits for one seed, one circuit after the other.

    Examples
    --------
    A network too small to be like the authors':

    >>> tiny = dict(n=10, n_interneurons=10, sources=10, step=0.2, window=0.1)
    >>> result = run(seed=1, backend="python", **tiny)
    >>> result.lateral.event_rate.shape, result.interneurons.event_rate.shape
    ((6, 10), (5, 12))
    """
    common: dict[str, Any] = {"progress": progress, "backend": backend, **p._asdict()}
    lateral = lateral_transfer(seed, **common)
    return DendriticTransfer(seed, p, lateral, interneuron_transfer(seed, **common))


def _spread(curves: Curves, weight: float) -> float:
    """How far somatic currents move the burst probability at 100 pA, in points."""
    at = curves.burst_probability[curves.weight == weight, curves.at(100.0)]
    return 100.0 * float(np.ptp(at))


def _range(curves: Curves, weight: float) -> float:
    low, high = (curves.current_for(share, weight, 0.0) for share in (0.2, 0.8))
    return high - low


def _taken(curves: Curves, vip: float) -> float:
    """How many points SST+ cells take off the burst probability at 150 pA, in spite of VIP+."""
    at = curves.burst_probability[:, curves.at(150.0)]
    return 100.0 * float(at[curves.condition(0.0, 0.0)] - at[curves.condition(0.001, vip)])


def _deviations(
    ours: Curves, authors: Curves, condition: tuple[float, float]
) -> tuple[float, float]:
    """The largest deviations over all currents: event rates in percent, bursts in points."""
    columns = [ours.at(float(current)) for current in authors.dendritic_current]
    row, reference = ours.condition(*condition), authors.condition(*condition)
    rate = ours.event_rate[row, columns] / authors.event_rate[reference] - 1.0
    bursting = ours.burst_probability[row, columns] - authors.burst_probability[reference]
    return 100.0 * float(np.abs(rate).max()), 100.0 * float(np.abs(bursting).max())
