"""Spike triplets make plasticity depend on frequency
==================================================

Pfister & Gerstner (2006, doi:10.1523/JNEUROSCI.1425-06.2006), their minimal model of visual cortex,
in which all spikes count. Weakening needs a pair of spikes, strengthening needs three, one before
and two after, so that it grows with frequency::

    a spike arrives:      w <- w - A2_minus o_1                                               (1)
    the neuron fires:     w <- w + A3_plus r_1 o_2                                            (2)

r_1 is a trace of presynaptic spikes with tau_plus, o_1 and o_2 are traces of postsynaptic ones with
tau_minus and tau_y, each as it is just before the spike. The figure shows what 60 pairs do to a
weight, 10 ms before or after one another, at rates from 0.1 to 50 Hz.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import Network, Neuron, PlasticityRule

PAIRS = 60
LAG = 10.0  # ms
RATES = (0.1, 10.0, 20.0, 40.0, 50.0)  # Hz


# %%
# The rule. ``o_2`` is the trace ``post_slow``, ``o_1`` is ``post``.


def weaken(w, post, A2_minus):
    """(1)."""
    return w - A2_minus * post


def strengthen(w, pre, post_slow, A3_plus):
    """(2)."""
    return w + A3_plus * pre * post_slow


RULE = PlasticityRule(
    on_pre=weaken,
    on_post=strengthen,
    traces={"pre": 16.8, "post": 33.7, "post_slow": 114.0},
    parameters={"A2_minus": 7.1e-3, "A3_plus": 6.5e-3},
)


# %%
# A neuron that fires when it is told to, for spikes at given times on both sides.


def relay(i, t, s, p):
    """Fire when told to."""
    s.spike[i] = s.told[i] >= 1.0
    s.told[i] = 0.0


RELAY = Neuron(steps=[relay], variables={"told": 0.0, "g": 0.0})


def change(rate: float, lag: float, pairs: int) -> float:
    """What so many pairs do to a weight of 1; the neuron fires `lag` ms after the arrival."""
    times = 100.0 + np.arange(pairs) * 1000.0 / rate
    net = Network(dt=0.5, dtype="float64")
    before = net.add_spike_trains("before", 1, times, np.zeros(pairs, int))
    teacher = net.add_spike_trains("teacher", 1, times + lag, np.zeros(pairs, int))
    after = net.add_population("after", 1, RELAY)
    net.connect(teacher, after, target="told", weight=1.0, delay=0.0)
    synapse = net.connect(before, after, target="g", weight=1.0, delay=0.0, plasticity=RULE)
    net.run(200.0 + pairs * 1000.0 / rate)
    return float(synapse.W[0, 0]) - 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how pairs of spikes act at low and at high frequency, by triplets."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--out", type=Path, default=Path("triplet_stdp.png"))
    chosen = parser.parse_args(arguments)

    figure, ax = plt.subplots(figsize=(5.0, 3.5), layout="constrained")
    for label, lag, color in (
        ("pre 10 ms before post", LAG, "#0072B2"),
        ("post 10 ms before pre", -LAG, "#D55E00"),
    ):
        changes = [100.0 * change(rate, lag, chosen.pairs) for rate in RATES]
        print(f"{label}: {changes[0]:+.1f} % at {RATES[0]} Hz, {changes[-1]:+.1f} % at 50 Hz")
        ax.plot(RATES, changes, "o-", color=color, label=label)
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    ax.set(xlabel="Frequency of pairs (Hz)", ylabel="Change of the weight (%)")
    ax.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
