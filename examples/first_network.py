"""A first network
===============

200 random sources drive 50 leaky integrate-and-fire neurons, which inhibit each other. The network
runs for a second. Then come its spikes, and the voltage of one neuron.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt

from spikesim import LIF, Network, Poisson, plot

parser = argparse.ArgumentParser(description="Print how many spikes a small network fires.")
parser.add_argument("--duration", type=float, default=1000.0, help="in ms")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("first_network.png"))
chosen = parser.parse_args()

# %%
# A network has a time step in ms. Its seed decides everything that is drawn at random: connections
# and spikes of the sources.

net = Network(dt=0.1, seed=chosen.seed)
source = net.add_population("source", 200, Poisson)
source.rate[:] = 10.0  # Hz
cells = net.add_population("cells", 50, LIF, tau=10.0)  # ms

# %%
# A spike adds its weight, in mV, to the variable ``drive`` of the neurons that it reaches, after a
# delay in ms. Negative weights inhibit.

net.connect(source, cells, target="drive", weight=4.0, probability=0.3, delay=1.0)
net.connect(cells, cells, target="drive", weight=-2.0, probability=0.1, delay=1.5)

# %%
# What is to be recorded is said before the run.

spikes = net.record_spikes(cells)
voltages = net.record(cells, "v", neurons=[0])
net.run(chosen.duration)
print(f"{spikes.t.size} spikes, {1000.0 * spikes.count.mean() / chosen.duration:.1f} Hz on average")

# %%
# ``spikes.t`` and ``spikes.i`` are arrays of times and neurons. ``spikesim.plot`` draws recordings.

figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 4.6), sharex=True, layout="constrained")
plot.raster(spikes, above)
above.set_xlabel("")
plot.traces(voltages, "v", ax=below, spikes=spikes)
figure.savefig(chosen.out, dpi=150)
