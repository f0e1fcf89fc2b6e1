"""Inhibitory plasticity brings neurons to a target rate
=====================================================

Vogels, Sprekeler, Zenke, Clopath & Gerstner (2011, doi:10.1126/science.1211095). Every pair of
spikes strengthens an inhibitory synapse, whichever comes first, and every presynaptic spike alone
weakens it by a constant::

    a spike arrives:      w <- w + eta (x_post - alpha),      alpha = 2 rho_0 tau             (1)
    the neuron fires:     w <- w + eta x_pre                                                  (2)

On average w stands still where the neuron fires at the rate rho_0, so each neuron finds the
inhibition that balances the excitation which it happens to get. Here every one gets another.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import ConductanceLIF, Network, PlasticityRule, Poisson

TARGET = 5.0  # Hz, rho_0
TAU = 20.0  # ms
CELLS, INHIBITORY = 40, 200
EXCITATION = np.linspace(1400.0, 2200.0, CELLS)  # Hz
CHUNK = 1000.0  # ms, of a point of the figure


# %%
# A rule is a function for each kind of spike. It gets the weight, the traces that it names and its
# parameters, and returns the new weight.


def presynaptic(w, post, eta, alpha):
    """(1)."""
    return w + eta * (post - alpha)


def postsynaptic(w, pre, eta):
    """(2)."""
    return w + eta * pre


RULE = PlasticityRule(
    on_pre=presynaptic,
    on_post=postsynaptic,
    traces={"pre": TAU, "post": TAU},
    parameters={"eta": 5e-4, "alpha": 2.0 * TARGET * TAU / 1000.0},
    w_min=0.0,
)


# %%
# Each neuron gets another excitation, and the same number of inhibitory synapses.


def build(seed: int):
    """The network, the synapses that learn, and a recording of the cells' spikes."""
    net = Network(dt=0.2, seed=seed)
    cells = net.add_population("cells", CELLS, ConductanceLIF)
    for i, rate in enumerate(EXCITATION):
        net.add_background(cells, "g_exc", rate=rate, weight=0.04, neurons=i)
    inhibition = net.add_population("inhibition", INHIBITORY, Poisson)
    inhibition.rate[:] = 20.0
    synapses = net.connect(inhibition, cells, target="g_inh", weight=0.0, plasticity=RULE)
    return net, synapses, net.record_spikes(cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how inhibitory plasticity brings neurons to a target rate."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of simulated time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("inhibitory_plasticity.png"))
    chosen = parser.parse_args(arguments)

    net, synapses, spikes = build(chosen.seed)
    weights = net.record(synapses, "weight", every=CHUNK, synapses=range(CELLS), unit="g_L")
    net.run(chosen.seconds * CHUNK)
    bins = np.arange(chosen.seconds + 1) * CHUNK
    rates = np.histogram2d(spikes.t, spikes.i, [bins, np.arange(CELLS + 1)])[0]  # Hz
    quarter = max(chosen.seconds // 4, 1)
    print(
        f"first second: {rates[0].mean():.1f} Hz, from {rates[0].min():.0f} to {rates[0].max():.0f}"
    )
    print(
        f"last quarter: {rates[-quarter:].mean():.1f} Hz (target {TARGET:.0f}), "
        f"standard deviation between cells {rates[-quarter:].mean(axis=0).std():.1f} Hz"
    )

    figure, (above, below) = plt.subplots(2, figsize=(6.0, 5.0), sharex=True, layout="constrained")
    above.plot(bins[1:] / 1000.0, rates.mean(axis=1), color="#0072B2")
    above.axhline(TARGET, color="0.5", linestyle="--", linewidth=0.8)
    above.set(ylabel="Rate (Hz)", ylim=(0.0, None))
    below.plot(weights.t / 1000.0, weights.weight.T, color="#D55E00", alpha=0.3, linewidth=0.6)
    below.set(xlabel="Time (s)", ylabel="Inhibitory weight ($g_L$)")
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
