"""Currents that change with time
==============================

Five neurons of one population get a stimulus each. What is played adds to the current that was set
by hand, here 5 mV, and a recording of ``I`` shows the sum.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import CurrentLIF, Network, stimuli

NAMES = ["step", "ramp", "sine", "noise", "array"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how many spikes a step, a ramp, a sine, noise and an array give."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("stimuli.png"))
    chosen = parser.parse_args(arguments)

    net = Network(dt=0.1, seed=chosen.seed)
    cells = net.add_population("cells", 5, CurrentLIF, I=5.0)  # mV, as all currents here
    samples = np.random.default_rng(chosen.seed).uniform(0.0, 20.0, 50)
    net.play(cells[0], "I", stimuli.step(10.0, begin=100.0, end=400.0))
    net.play(cells[1], "I", stimuli.ramp(0.0, 15.0, begin=100.0, end=400.0))
    net.play(cells[2], "I", stimuli.sine(10.0, frequency=8.0))
    net.add_noise(cells[3], "I", sigma=8.0, tau=10.0)
    net.play(cells[4], "I", samples, dt=10.0)
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


if __name__ == "__main__":
    main()
