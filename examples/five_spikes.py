"""A neuron learns five spike times
================================

The neuron has a hundred inputs that fire at random, but the same in every trial of half a second.
SuperSpike (Zenke & Ganguli 2018, figure 2) finds weights with which it spikes at 83, 166, 249, 332
and 415 ms.
"""

import argparse
from pathlib import Path

from spikesim import patterns, plot
from spikesim.models.superspike import SuperSpikeNetwork

TARGET = [83.0, 166.0, 249.0, 332.0, 415.0]  # ms

parser = argparse.ArgumentParser(description="Print how close a neuron comes to five spikes.")
parser.add_argument("--stages", type=int, default=6, help="each twice as long as the last")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("five_spikes.png"))
chosen = parser.parse_args()

# %%
# What is shown, and what the neuron should do, are patterns of spikes.

shown = patterns.poisson(100, rate=5.0, duration=500.0, seed=chosen.seed)
target = patterns.from_trains([TARGET], duration=500.0)

# %%
# The cost is the distance of the spikes from the target, in percent of that of a silent neuron.

net = SuperSpikeNetwork((100, 1), seed=chosen.seed)
trains, names = [], []
for stage in range(chosen.stages):
    net.fit(shown, target, blocks=2**stage)
    trains.append(net.predict(shown).times)
    names.append(f"{net.time:g} s")
    cost = net.evaluate(shown, target) / net.silent_cost(target)
    print(f"after {net.time:g} s: {len(trains[-1])} spikes, cost {100.0 * cost:.1f} %")

# %%
# A row of spikes after each stage, and the target on top.

ax = plot.raster(patterns.from_trains([*trains, TARGET], duration=500.0))
ax.set_yticks(range(len(trains) + 1), [*names, "target"])
ax.set_ylabel("Simulated time")
ax.figure.savefig(chosen.out, dpi=150)
