"""A rule of rates that acts like STDP
===================================

A synapse of equilibrium propagation can do without two phases to compare: while the network is
nudged, its weight follows the presynaptic rate times the change of the postsynaptic rate
(``estimator="rate_post"``; Bengio et al. 2017, doi:10.1162/NECO_a_00934)::

    dw/dt = r_pre dr_post/dt                                                                  (1)

Let a spike be a rate that jumps and decays, r(t) = exp(-t / tau) / tau. A pair of spikes, the
postsynaptic one d after the presynaptic one, then changes the weight by ::

    w <- w + sign(d) exp(-|d| / tau) / (2 tau^2)                                              (2)

which is the window of the pair rule of spike-timing dependent plasticity. Here (1) is summed up
step by step, and the pair rule is that of a network of spiking neurons.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import Network, Neuron, PairSTDP

DT = 0.1  # ms


# %%
# The left side: rates and their changes.


def rate(t: np.ndarray, spike: float, tau: float) -> np.ndarray:
    """The rate to which a spike amounts, per ms."""
    since = t - spike + 0.5 * DT
    return np.where(since > 0.0, np.exp(-np.maximum(since, 0.0) / tau) / tau, 0.0)


def by_rates(lags: np.ndarray, tau: float) -> np.ndarray:
    """(1) for a pair of spikes at each lag."""
    t = np.arange(-200.0, 400.0, DT)
    r_pre, changes = rate(t, 0.0, tau), []
    for lag in lags:
        r_post = rate(t, lag, tau)
        changes.append(0.5 * (r_pre[1:] + r_pre[:-1]) @ np.diff(r_post))
    return np.array(changes)


# %%
# The right side: pairs of spikes.


def relay(i, t, s, p):
    """Fire when told to."""
    s.spike[i] = s.told[i] >= 1.0
    s.told[i] = 0.0


def by_pairs(lags: np.ndarray, rule: PairSTDP) -> np.ndarray:
    """The same by the pair rule, at a synapse for each lag; all have the postsynaptic neuron."""
    net, n = Network(dt=DT, dtype="float64"), len(lags)
    before = net.add_spike_trains("before", n, 200.0 - lags, np.arange(n))
    teacher = net.add_spike_trains("teacher", 1, [200.0], [0])
    after = net.add_population("after", 1, Neuron([relay], variables={"told": 0.0, "g": 0.0}))
    net.connect(teacher, after, target="told", weight=1.0, delay=0.0)
    synapses = net.connect(before, after, target="g", weight=0.5, delay=0.0, plasticity=rule)
    net.run(400.0)
    return np.asarray(synapses.W)[:, 0] - 0.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how close a rule of rates and their changes is to STDP of pairs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tau", type=float, default=20.0, help="decay of a spike's rate, ms")
    parser.add_argument("--out", type=Path, default=Path("equilibrium_stdp.png"))
    chosen = parser.parse_args(arguments)

    lags = np.concatenate([np.arange(-80.0, 0.0, 4.0), np.arange(4.0, 84.0, 4.0)])
    most = 0.5 / chosen.tau**2
    rates = by_rates(lags, chosen.tau) / most
    given = {"tau_plus": chosen.tau, "tau_minus": chosen.tau, "A_plus": most, "A_minus": most}
    pairs = by_pairs(lags, PairSTDP(**given)) / most
    print(
        f"window of rates and of pairs differ by {100.0 * abs(rates - pairs).max():.1f} % at most"
    )

    figure, (above, below) = plt.subplots(2, 1, figsize=(5.0, 5.2), layout="constrained")
    t = np.arange(-20.0, 80.0, DT)
    for spike, label, colour in (
        (0.0, "presynaptic", "#0072B2"),
        (10.0, "postsynaptic", "#D55E00"),
    ):
        above.plot(t, 1000.0 * rate(t, spike, chosen.tau), color=colour, label=label)
    above.set(xlabel="Time (ms)", ylabel="Rate (Hz)")
    middle = len(lags) // 2
    for side, label in ((slice(middle), "pair rule, STDP"), (slice(middle, None), None)):
        below.plot(lags[side], pairs[side], color="0.6", linewidth=4.0, label=label)
    below.plot(lags, rates, "o", color="#009E73", markersize=4.0, label="rate × change of rate")
    below.axhline(0.0, color="0.5", linewidth=0.8)
    below.set(xlabel="Post after pre (ms)", ylabel="Change of weight\n(relative to the largest)")
    for ax in (above, below):
        ax.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
