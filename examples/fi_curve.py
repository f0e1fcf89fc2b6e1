"""Firing rate against current
===========================

One population of neurons, each with a current of its own, gives a whole f-I curve in one run. For
the leaky integrate-and-fire neuron the curve is known::

    f = 1 / (t_ref + tau ln((I + E_L - V_reset) / (I + E_L - threshold)))                     (1)

Noise makes neurons fire below the threshold, too, and smooths the curve.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import CurrentLIF, Network

parser = argparse.ArgumentParser(description="Print how far rates are from the known f-I curve.")
parser.add_argument("--duration", type=float, default=5000.0, help="in ms")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--out", type=Path, default=Path("fi_curve.png"))
chosen = parser.parse_args()

# %%
# A parameter, here the current ``I``, is a number for all neurons or an array with one for each.
# ``I`` is in mV: the voltage above rest at which it would settle.

CURRENTS = np.linspace(0.0, 40.0, 81)
net = Network(dt=0.05, seed=chosen.seed)
quiet = net.add_population("quiet", CURRENTS.size, CurrentLIF, I=CURRENTS)
noisy = net.add_population("noisy", CURRENTS.size, CurrentLIF, I=CURRENTS)
net.add_noise(noisy, "I", sigma=10.0, tau=5.0)
without, with_noise = net.record_spikes(quiet), net.record_spikes(noisy)
net.run(chosen.duration)

# %%
# Intervals between spikes give the rate without noise exactly; with noise, spikes are counted.

rate = np.array([1000.0 / each.mean() if each.size else 0.0 for each in without.isi()])
noisy_rate = 1000.0 * with_noise.count / chosen.duration

rest, threshold, reset, refractory, tau = -60.0, -50.0, -60.0, 5.0, 20.0  # of CurrentLIF
fires = rest + CURRENTS > threshold
drive = CURRENTS[fires] + rest
known = np.zeros(CURRENTS.size)
known[fires] = 1000.0 / (refractory + tau * np.log((drive - reset) / (drive - threshold)))
apart = abs(rate - known)[fires] / known[fires]
print(f"rates are within {100.0 * apart.max():.1f} % of (1)")

figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
ax.plot(CURRENTS, known, color="0.6", linewidth=4.0, label="known, (1)")
ax.plot(CURRENTS, rate, ".", color="#0072B2", markersize=4.0, label="simulated")
ax.plot(CURRENTS, noisy_rate, ".", color="#D55E00", markersize=4.0, label="with noise")
ax.set(xlabel="Current (mV)", ylabel="Rate (Hz)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
figure.savefig(chosen.out, dpi=150)
