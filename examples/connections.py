"""Who is connected to whom
========================

Excitatory neurons stand on a line. A pair is connected with a probability that falls with its
distance, and the delay grows with the distance. The weights of inhibitory synapses are drawn. Then
the synapses are read back, as a matrix and as a table.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array

from spikesim import LIF, Network

parser = argparse.ArgumentParser(description="Print how many synapses, and how long delays, are.")
parser.add_argument(
    "--neurons", type=int, default=100, help="excitatory; a quarter as many inhibit"
)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("connections.png"))
chosen = parser.parse_args()

net = Network(dt=0.1, seed=chosen.seed)
exc = net.add_population("exc", chosen.neurons, LIF)
inh = net.add_population("inh", chosen.neurons // 4, LIF)

# %%
# Connections of your own are a matrix of weights, dense or sparse, with a row for each presynaptic
# neuron. A sparse matrix has only the synapses that exist. Their delays are an array with one for
# each, in the order of the matrix.

chance = np.random.default_rng(chosen.seed)
place = np.linspace(0.0, 1.0, exc.n)  # mm
distance = np.abs(place[:, None] - place[None, :])
connected = chance.random(distance.shape) < 0.8 * np.exp(-distance / 0.2)
np.fill_diagonal(connected, False)
delays = 0.5 + distance / 0.3  # ms, at 0.3 mm/ms
weights = csr_array(np.where(connected, 1.5, 0.0))  # mV
local = net.connect(exc, exc, target="drive", weight=weights, delay=delays[connected])

# %%
# A rule draws partners, and functions draw weights and delays. Weights in mV.

net.connect(exc, inh, target="drive", weight=1.5, indegree=10, delay=1.0)
feedback = net.connect(
    inh,
    exc,
    target="drive",
    probability=0.3,
    weight=lambda chance, size: -chance.lognormal(1.0, 0.4, size),
    delay=lambda chance, size: chance.uniform(0.5, 2.5, size),
)
print(net.summary())

# %%
# ``to_scipy()`` gives the matrix, ``table()`` a row for each synapse, ``of`` and ``onto`` those of
# some neurons.

table = local.table()
middle = exc.n // 2
shortest, longest = table["delay"].min(), table["delay"].max()
print(f"{table.size} local synapses, delays {shortest:.1f} to {longest:.1f} ms")
print(f"neuron {middle} hears {local.onto(middle).pre.size} neurons")

figure, (left, centre, right) = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained")
left.spy(local.to_scipy(), markersize=1.5, color="#0072B2")
left.set(xlabel="Postsynaptic neuron", ylabel="Presynaptic neuron", title="exc → exc")
left.xaxis.set_ticks_position("bottom")
centre.plot(place[table["post"]] - place[table["pre"]], table["delay"], ".", markersize=2.0)
centre.set(xlabel="Distance (mm)", ylabel="Delay (ms)", title="exc → exc")
right.hist(feedback.weight, 30, color="#D55E00")
right.set(xlabel="Weight (mV)", ylabel="Synapses", title="inh → exc")
for ax in (centre, right):
    ax.spines[["top", "right"]].set_visible(False)
figure.savefig(chosen.out, dpi=150)
