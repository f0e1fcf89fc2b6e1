"""A neuron of your own
====================

Izhikevich's neuron (2003, doi:10.1109/TNN.2003.820440), as a user would write it: the equations are
plain Python, and are compiled like those of ``spikesim.Izhikevich``. With his parameters for
"regular spiking" spikes are isolated; with those for "chattering" they come in bursts.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import Network, Neuron, plot

parser = argparse.ArgumentParser(description="Print the spikes per burst of two kinds of cell.")
parser.add_argument("--duration", type=float, default=500.0, help="of the current, in ms")
parser.add_argument("--out", type=Path, default=Path("own_neuron.png"))
chosen = parser.parse_args()

# %%
# A body says what neuron ``i`` does in step ``t``. ``s`` holds the arrays of the population, ``p``
# its parameters and the time step. The body sets ``s.spike[i]``.


def izhikevich(i, t, s, p):
    """His equations (1) to (3), by Euler's method; the reset follows in the step after a spike."""
    v, u = s.v[i], s.u[i]
    if s.spike[i] > 0:
        v = p.c
        u = u + p.d
    s.v[i] = min(v + p.dt * (0.04 * v * v + 5.0 * v + 140.0 - u + s.I[i]), 30.0)
    s.u[i] = u + p.dt * p.a * (p.b * v - u)
    s.spike[i] = s.v[i] >= 30.0


# %%
# A kind of neuron has such bodies, its variables with the values that they begin with, and its
# parameters with their defaults.

IZHIKEVICH = Neuron(
    steps=[izhikevich],
    variables={"v": -70.0, "u": -14.0, "I": 0.0},  # mV, mV/ms, mV/ms; at rest
    parameters={"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0},  # regular spiking
)

# %%
# It is used like the neurons that come with spikesim.

net = Network(dt=0.1)
cells = {
    "regular spiking": net.add_population("regular", 1, IZHIKEVICH),
    "chattering": net.add_population("chattering", 1, IZHIKEVICH, c=-50.0, d=2.0),
}
spikes = {kind: net.record_spikes(cell) for kind, cell in cells.items()}
voltage = {kind: net.record(cell, "v") for kind, cell in cells.items()}

net.run(50.0)
for cell in cells.values():
    cell.I[:] = 10.0
net.run(chosen.duration)

figure, axes = plt.subplots(2, 1, figsize=(6.0, 4.0), sharex=True, layout="constrained")
for kind, ax in zip(cells, axes, strict=True):
    bursts = 1 + np.count_nonzero(np.diff(spikes[kind].t) > 15.0)  # ms of silence between
    print(f"{kind}: {spikes[kind].t.size / bursts:.1f} spikes per burst")
    plot.traces(voltage[kind], "v", ax=ax)
    ax.set_title(kind)
figure.savefig(chosen.out, dpi=150)
