"""Synaptic scaling holds the firing rate
======================================

Turrigiano, Leslie, Desai, Rutherford & Nelson (1998, doi:10.1038/36103): neurons that fire too
little scale all their excitatory synapses up, those that fire too much scale them down, by one
factor for all synapses of a neuron. So their rate is held, and the ratios of weights, which is what
they have learned, stay. Every 100 ms, ::

    w <- w (1 + eta (1 - rate / target)),     rate = x_post / tau                             (1)

where x_post is a trace of the neuron's own spikes that lasts seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import LIF, Network, PlasticityRule, Poisson

TARGET = 8.0  # Hz
CELLS, INPUTS = 30, 60
CHUNK = 1000.0  # ms, of a point of the figure


# %%
# ``on_step`` of a rule is called every 100 ms for each synapse.


def scale(w, post, eta, target, tau):
    """(1); `tau` is in ms."""
    rate = 1000.0 * post / tau
    return w * (1.0 + eta * (1.0 - rate / target))


RULE = PlasticityRule(
    on_step=scale,
    every=100.0,
    traces={"post": 2000.0},
    parameters={"eta": 0.01, "target": TARGET, "tau": 2000.0},
    w_min=0.0,
)


# %%
# Some neurons get too much input and others too little.


def build(seed: int):
    """The network, the synapses that are scaled, and a recording of the cells' spikes."""
    net = Network(dt=0.5, seed=seed)
    inputs = net.add_population("inputs", INPUTS, Poisson)
    inputs.rate[:] = 20.0
    cells = net.add_population("cells", CELLS, LIF)
    # Learned weights of different strength, for cells that are excited too little or too much.
    strength = np.linspace(2.0, 5.0, CELLS)
    weight = np.random.default_rng(seed).uniform(0.5, 1.5, (INPUTS, CELLS)) * strength
    synapses = net.connect(inputs, cells, target="drive", weight=weight, plasticity=RULE)
    return net, synapses, net.record_spikes(cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how synaptic scaling brings neurons to a target rate."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=100, help="of simulated time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("synaptic_scaling.png"))
    chosen = parser.parse_args(arguments)

    net, synapses, spikes = build(chosen.seed)
    before = synapses.W.copy()
    net.run(chosen.seconds * CHUNK)
    bins = np.arange(chosen.seconds + 1) * CHUNK
    rates = np.histogram2d(spikes.t, spikes.i, [bins, np.arange(CELLS + 1)])[0]  # Hz
    quarter = max(chosen.seconds // 4, 1)
    last = rates[-quarter:].mean(axis=0)
    print(f"first second: from {rates[0].min():.0f} to {rates[0].max():.0f} Hz")
    print(f"last quarter: from {last.min():.1f} to {last.max():.1f} Hz (target {TARGET:.0f})")
    factors = synapses.W / before
    spread = (factors.std(axis=0) / factors.mean(axis=0)).max()
    print(
        f"factors from {factors.min():.2f} to {factors.max():.2f}, within a neuron +-{spread:.0e}"
    )

    figure, ax = plt.subplots(figsize=(6.0, 3.5), layout="constrained")
    ax.plot(bins[1:] / 1000.0, rates, color="#0072B2", alpha=0.2, linewidth=0.6)
    ax.plot(bins[1:] / 1000.0, rates.mean(axis=1), color="#0072B2", label="mean of all cells")
    ax.axhline(TARGET, color="#D55E00", linestyle="--", label="target")
    ax.set(xlabel="Time (s)", ylabel="Rate (Hz)", ylim=(0.0, None))
    ax.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
