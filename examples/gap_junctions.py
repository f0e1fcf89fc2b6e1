"""Gap junctions
=============

A current into one of two cells at rest reaches the other one through a junction of conductance g,
beside the leak g_L. It settles where ::

    v_2 / v_1 = g / (g + g_L),                                                                (1)

both from rest. Two cells that fire at the same rate, but not at the same time, come to fire
together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import CurrentLIF, Izhikevich, Network, stimuli

REST = -60.0  # mV, of CurrentLIF, whose leak conductance is 1
G = 0.25
DELAYS = 0.0, 70.0  # ms


# %%
# First, a current into one of two cells at rest.


def coupling() -> float:
    """The coupling coefficient of (1), from voltages."""
    net = Network(dt=0.1)
    cells = net.add_population("cells", 2, CurrentLIF)
    net.connect_gap(cells, cells, conductance=G)
    net.play(cells[0], "I", stimuli.step(8.0))
    net.run(500.0)
    return float((cells.v[1] - REST) / (cells.v[0] - REST))


# %%
# Then two cells that fire, without and with a gap junction.


def firing(conductance: float, duration: float):
    """Spike trains of two cells that get the same current, one later, and their voltages."""
    net = Network(dt=0.1)
    cells = net.add_population("cells", 2, Izhikevich)
    for k in range(2):  # one begins about half of an interval after the other
        net.play(cells[k], "I", stimuli.step(10.0, begin=DELAYS[k]))
    net.connect_gap(cells, cells, conductance=conductance)
    spikes, voltages = net.record_spikes(cells), net.record(cells, "v")
    net.run(duration)
    return spikes.spike_trains(), voltages


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """How far the last five spikes of one cell are from those of the other, in ms."""
    return float(np.mean([np.abs(second - t).min() for t in first[-6:-1]]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how gap junctions couple voltages and synchronise spikes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--duration", type=float, default=1000.0, help="in ms")
    parser.add_argument("--out", type=Path, default=Path("gap_junctions.png"))
    chosen = parser.parse_args(arguments)

    print(f"coupling coefficient {coupling():.4f}, g / (g + g_L) = {G / (G + 1.0):.4f}")
    figure, axes = plt.subplots(2, figsize=(7.0, 4.0), sharex=True, layout="constrained")
    for ax, conductance in zip(axes, (0.0, 0.2), strict=True):
        trains, voltages = firing(conductance, chosen.duration)
        print(f"g = {conductance}: spikes {apart(*trains):.2f} ms apart at the end")
        ax.plot(voltages.t, voltages.v.T, linewidth=0.8)
        ax.set(ylabel="Voltage (mV)", title=f"g = {conductance}")
    axes[-1].set_xlabel("Time (ms)")
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
