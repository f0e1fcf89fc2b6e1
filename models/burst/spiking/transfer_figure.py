"""The figure of dendritic transfer: all curves of both circuits, and the authors' beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spikesim.models.burst.spiking.transfer_curves import (
    AUTHORS_INTERNEURONS,
    AUTHORS_LATERAL,
    Curves,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_curves"]


def draw_curves(lateral: Curves, interneurons: Curves) -> Figure:
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
                for condition in lateral.conditions
                if condition[0] == weight
            }
            _draw(pair, lateral, AUTHORS_LATERAL, labels, name, "Somatic current")
        labels = {}
        for condition in interneurons.conditions:
            sst, vip = condition
            label = f"SST+ {sst:g}" if sst else "open loop"
            labels[condition] = label + (f", VIP+ {vip:g} pA" if vip else "")
        _draw(axes[2], interneurons, AUTHORS_INTERNEURONS, labels, "Interneurons", None)
    return figure


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
