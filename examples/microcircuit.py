"""A cortical microcircuit
=======================

The 77,169 neurons below 1 mm² of cortex, with 0.3 billion synapses (Potjans & Diesmann 2014,
doi:10.1093/cercor/bhs358), or a part of them, by default a tenth. The smaller the network, the
stronger its synapses and the correlations of its neurons, and the lower its rates. --scale 1 is the
network of the article, and takes a few gigabytes of memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from spikesim import SpikeRecording
from spikesim.models import microcircuit
from spikesim.models.microcircuit import RATES

SETTLING = 500.0  # ms at the beginning that do not count in the rates
SHOWN = 400.0  # ms
MOST = 2000  # neurons in the raster
COLOURS = {"E": "#0072B2", "I": "#D55E00"}


# %%
# The network comes with spikesim, in ``spikesim.models.microcircuit``. It is run, and its spikes
# and rates are drawn.


def draw_raster(spikes: Mapping[str, SpikeRecording], end: float, ax: Axes) -> None:
    """Draw all populations, layer 2/3 at the top, with the same share of the neurons of each."""
    share = min(1.0, MOST / sum(recording.n for recording in spikes.values()))
    middles, above = [], 0
    for name, recording in reversed(spikes.items()):
        rows = max(1, round(share * recording.n))
        seen = (recording.i < rows) & (recording.t >= end - SHOWN)
        times, neurons = recording.t[seen], recording.i[seen]
        ax.plot(times, above + neurons, ".", markersize=1.5, color=COLOURS[name[-1]])
        middles.append(above + rows / 2)
        above += rows
        if name.endswith("E"):  # the upper population of a layer
            ax.axhline(above, color="#BBBBBB", linewidth=0.6)
    ax.set(xlim=(max(0.0, end - SHOWN), end), ylim=(0, above), xlabel="Time (ms)")
    ax.set_yticks(middles, list(reversed(spikes)))
    ax.tick_params(axis="y", length=0)


def draw_rates(rates: Mapping[str, float], label: str, ax: Axes) -> None:
    """Draw bars, and the published rates with their ranges."""
    places = np.arange(len(rates))
    ax.barh(places, rates.values(), color=[COLOURS[name[-1]] for name in rates])
    published = [RATES[name] for name in rates]
    middle = np.array([rate.reference for rate in published])
    spread = [middle - [r.low for r in published], [r.high for r in published] - middle]
    ax.errorbar(middle, places, xerr=spread, fmt="|", color="black", capsize=3)
    ax.set(xlabel="Mean rate (Hz)")
    ax.set_yticks(places, list(rates))
    ax.invert_yaxis()
    ax.set_title(f"bars: {label}\nblack: published, of the full network", fontsize=9, loc="left")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rates of a cortical microcircuit beside the published ones."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="share of neurons and synapses")
    parser.add_argument("--seconds", type=float, default=2.0, help="simulated, after settling")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("microcircuit.png"))
    chosen = parser.parse_args(arguments)

    net = microcircuit.build(chosen.scale, chosen.seed)
    spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    neurons = sum(cells.n for cells in net.populations.values())
    synapses = sum(projection.size for projection in net.projections.values())
    print(f"{neurons:,} neurons, {synapses:,} synapses")
    net.run(SETTLING + 1000.0 * chosen.seconds)

    rates = microcircuit.mean_rates(spikes, after=SETTLING)
    print("population  neurons  rate (Hz)  published at full size")
    for name, rate in rates.items():
        known = RATES[name]
        print(
            f"{name:<10}  {spikes[name].n:7}  {rate:9.2f}  "
            f"{known.reference:.2f} ({known.low:.2f} to {known.high:.2f})"
        )
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 4.4), width_ratios=(3, 2), layout="constrained")
    draw_raster(spikes, net.time, axes[0])
    draw_rates(rates, f"{neurons:,} neurons", axes[1])
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
