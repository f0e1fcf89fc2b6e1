"""Two balanced networks of 4,000 neurons
======================================

The benchmarks of Brette et al. (2007, J. Comput. Neurosci. 23:349): 3,200 excitatory and 800
inhibitory neurons that keep each other firing, coupled by currents (CUBA) or conductances (COBA).
A coefficient of variation (CV) of intervals near 1 is as irregular as chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import ConductanceLIF, CurrentLIF, Network, SpikeRecording, plot

PARTS = {"exc": 3200, "inh": 800}


# %%
# One function builds both networks: they differ in the neuron, its inputs and the weights.


def build(kind: str, seed: int) -> tuple[Network, dict[str, SpikeRecording]]:
    """One of the two networks, and the recordings of its spikes."""
    net = Network(dt=0.1, seed=seed)
    chance = np.random.default_rng(seed)
    model, constants, port = (
        (CurrentLIF, {"E_L": -49.0}, "I") if kind == "CUBA" else (ConductanceLIF, {}, "g")
    )
    # Of synapses, in mV or in units of the leak conductance.
    weights = {"exc": 1.62, "inh": -9.0} if kind == "CUBA" else {"exc": 0.6, "inh": 6.7}
    cells = {name: net.add_population(name, n, model, **constants) for name, n in PARTS.items()}
    for population in cells.values():
        population.v[:] = chance.uniform(-60.0, -50.0, population.n)
        if kind == "COBA":  # begin with the conductances that an active network has
            population.g_exc[:] = chance.normal(4.0, 1.5, population.n).clip(0.0)
            population.g_inh[:] = chance.normal(20.0, 12.0, population.n).clip(0.0)
    for name, weight in weights.items():
        for post in cells.values():
            net.connect(cells[name], post, target=f"{port}_{name}", weight=weight, probability=0.02)
    return net, {name: net.record_spikes(population) for name, population in cells.items()}


# %%
# Both run, and a few hundred milliseconds are drawn.


def irregularity(spikes: SpikeRecording) -> float:
    """The mean CV of intervals of neurons with at least five spikes."""
    order = np.lexsort((spikes.t, spikes.i))
    trains = np.split(spikes.t[order], np.cumsum(np.bincount(spikes.i))[:-1])
    intervals = [np.diff(train) for train in trains if len(train) >= 5]
    return float(np.mean([each.std() / each.mean() for each in intervals] or [np.nan]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rates and irregularity of two networks of 4,000 neurons."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of simulated time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("balanced_networks.png"))
    chosen = parser.parse_args(arguments)

    figure, axes = plt.subplots(2, 1, figsize=(6.0, 4.4), layout="constrained")
    for kind, ax in zip(("CUBA", "COBA"), axes, strict=True):
        net, spikes = build(kind, chosen.seed)
        net.run(1000.0 * chosen.seconds)
        total = sum(part.t.size for part in spikes.values())
        rate = total / (sum(PARTS.values()) * chosen.seconds)
        print(f"{kind}: {rate:.1f} Hz, CV {irregularity(spikes['exc']):.2f}")
        shown = min(300.0, 1000.0 * chosen.seconds)
        plot.raster(spikes["exc"], ax, neurons=range(200), window=(0.0, shown))
        ax.set_title(kind, loc="left")
    axes[0].set_xlabel("")
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
