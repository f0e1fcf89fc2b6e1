"""A dendrite with NMDA receptors
==============================

A neuron of two compartments, soma and dendrite, that leak and share current. AMPA and NMDA
receptors sit on its dendrite; they come with spikesim, the neuron knows nothing of them. At rest
magnesium blocks most of the NMDA current. Where many inputs come together the dendrite depolarises,
the block gives way, and the answer is more than the sum of single ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import NMDA, Biexponential, Network, Neuron

AMPA, LASTING = 0.2, 2.0  # nS, of one synapse
SPIKE = 20.0  # ms, when inputs come


# %%
# The neuron: two compartments, and a current into the dendrite that synapses add to.


def compartments(i, t, s, p):
    """C dV/dt = g_L (E_L - V) + g_c (other - V) + I; capacitance in pF, conductances in nS."""
    v, u = s.v_soma[i], s.v_dendrite[i]
    s.v_soma[i] = v + p.dt / p.C_soma * (p.g_soma * (p.E_L - v) + p.g_c * (u - v))
    flows = p.g_dendrite * (p.E_L - u) + p.g_c * (v - u) + s.I_dendrite[i]
    s.v_dendrite[i] = u + p.dt / p.C_dendrite * flows
    s.spike[i] = 0


CELL = Neuron(
    [compartments],
    variables={"v_soma": "E_L", "v_dendrite": "E_L", "I_dendrite": 0.0},
    parameters={
        "C_soma": 200.0,
        "g_soma": 10.0,
        "C_dendrite": 50.0,
        "g_dendrite": 10.0,
        "g_c": 5.0,
        "E_L": -70.0,
    },
)


# %%
# AMPA and NMDA receptors are synapse models onto that current. ``v=`` names the voltage that they
# see.


def respond(most: int, Mg: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Voltages of cells that get 1, 2, ... inputs at once; shape (cells, samples), and times."""
    net = Network(dt=0.05, dtype="float64")
    inputs = net.add_spike_trains("inputs", most, [SPIKE] * most, range(most))
    cells = net.add_population("cells", most, CELL)
    reached = np.triu(np.ones((most, most)))  # cell k gets the first k + 1 inputs
    ampa = Biexponential.with_(tau_rise=0.3, tau_decay=2.0, v="v_dendrite")
    nmda = NMDA.with_(Mg=Mg, v="v_dendrite")
    for name, synapse, weight in (("ampa", ampa, AMPA), ("nmda", nmda, LASTING)):
        net.connect(
            inputs, cells, target="I_dendrite", weight=weight * reached, synapse=synapse, name=name
        )
    recording = net.record(cells, "v_dendrite", every=0.5)
    net.run(250.0)
    return recording.v_dendrite, recording.t


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what NMDA receptors make of inputs that come together, onto a dendrite."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--inputs", type=int, default=40, help="the largest number")
    parser.add_argument("--out", type=Path, default=Path("nmda_dendrite.png"))
    chosen = parser.parse_args(arguments)

    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained")
    number = np.arange(chosen.inputs) + 1
    for label, Mg, color in (("1 mM magnesium", 1.0, "#D55E00"), ("none", 0.0, "#0072B2")):
        voltage, t = respond(chosen.inputs, Mg)
        height = voltage.max(axis=1) + 70.0
        gain = height / (number * height[0])
        best = int(gain.argmax())
        print(
            f"{label}: up to {gain[best]:.2f} times the sum of single answers ({number[best]} "
            f"inputs, {height[best]:.1f} mV)"
        )
        right.plot(number, height, "o-", color=color, markersize=3.0, label=label)
        if Mg:
            left.plot(t, voltage[:: max(chosen.inputs // 6, 1)].T, color=color, linewidth=1.0)
            right.plot(number, number * height[0], color="0.5", linestyle="--", label="sum")
    left.set(xlabel="Time (ms)", ylabel="Dendrite (mV)")
    right.set(xlabel="Inputs at once", ylabel="Peak above rest (mV)", ylim=(0.0, 75.0))
    right.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
