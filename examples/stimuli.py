"""Currents that change with time
==============================

Five neurons of one population get a stimulus each: a step, a ramp, a sine, noise, and an array of
samples. What is played adds to the current that was set by hand, and a recording of ``I`` shows the
sum.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import CurrentLIF, Network, stimuli

NAMES = ["step", "ramp", "sine", "noise", "array"]

parser = argparse.ArgumentParser(description="Print how many spikes five stimuli give.")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("stimuli.png"))
chosen = parser.parse_args()

# %%
# ``cells[0]`` is one neuron, ``cells[:3]`` would be three. Currents of this neuron are in mV: the
# voltage above rest to which they would bring it.

net = Network(dt=0.1, seed=chosen.seed)
cells = net.add_population("cells", 5, CurrentLIF, I=5.0)
net.play(cells[0], "I", stimuli.step(10.0, begin=100.0, end=400.0))
net.play(cells[1], "I", stimuli.ramp(0.0, 15.0, begin=100.0, end=400.0))
net.play(cells[2], "I", stimuli.sine(10.0, frequency=8.0))

# %%
# Noise with a time constant is an Ornstein-Uhlenbeck process; without, it is white. An array holds
# each of its samples for ``dt``.

samples = np.random.default_rng(chosen.seed).uniform(0.0, 20.0, 50)
net.add_noise(cells[3], "I", sigma=8.0, tau=10.0)
net.play(cells[4], "I", samples, dt=10.0)

# %%
# Voltage and current are recorded together.

states = net.record(cells, ["v", "I"])
spikes = net.record_spikes(cells)
net.run(500.0)
for name, count in zip(NAMES, spikes.count, strict=True):
    print(f"{name}: {count} spikes")

figure, axes = plt.subplots(
    2, 5, figsize=(12.0, 4.0), sharex=True, sharey="row", layout="constrained"
)
for k, name in enumerate(NAMES):
    axes[0, k].plot(states.t, states.v[k], color="0.2", linewidth=0.8)
    axes[0, k].plot(spikes.t[spikes.i == k], np.full(spikes.count[k], -48.0), "|", color="k")
    axes[1, k].plot(states.t, states.I[k], color="#D55E00", linewidth=0.8)
    axes[0, k].set_title(name)
    axes[1, k].set_xlabel("Time (ms)")
axes[0, 0].set_ylabel("Voltage (mV)")
axes[1, 0].set_ylabel("Current (mV)")
figure.savefig(chosen.out, dpi=150)
