"""A plasticity rule of your own
=============================

The rule is spike-timing-dependent plasticity after Song, Miller & Abbott (2000,
doi:10.1038/78829), as a user would write it: the code below is plain Python, and is compiled like
``spikesim.PairSTDP``.
A cell has a hundred inputs with the same rate. Half of them tend to fire together, half do not, and
all start with the same weight. Inputs that fire together make the cell fire just after themselves,
and the rule rewards that.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import LIF, Bernoulli, Network

DT = 1.0  # ms
INPUTS = 100
RATE = 10.0  # Hz, of every input
EVENTS = 5.0  # Hz
JOINING = 0.4  # an event adds this to the chance that a correlated input spikes in its step
W_START, W_MAX = 2.5, 5.0  # mV
TAU = 20.0  # ms, of both traces
A_PLUS, A_MINUS = 0.02, 0.026  # mV per pair of spikes


# %%
# The rule is a body that runs in every step for each input, with arrays of its own.
# ``spikesim.PlasticityRule`` is a shorter way for rules of single synapses; a body can do anything.


def forget_event(i, t, s, p):
    """Give an input the rate that it has without events; an event in this step adds to it."""
    s.rate[i] = s.alone[i]


def stdp(i, t, s, p):
    """Pre before post strengthens all synapses of input i, post before pre weakens them.

    ``pre[i]`` and ``post[j]`` are the numbers of spikes in this step. Here they are never more than
    one, but because the rule multiplies by them, it also holds for neurons that emit several.
    """
    for j in range(s.W.shape[1]):
        w = s.W[i, j]
        w += p.A_plus * s.pre_trace[i] * float(s.post[j])
        w -= p.A_minus * s.post_trace[j] * float(s.pre[i])
        s.W[i, j] = min(max(w, 0.0), p.W_max)


# %%
# The network. An event adds to the rate of half of the inputs for one step.


def build(seed: int):
    """The network, its synapses, and which of the inputs are correlated."""
    net = Network(dt=DT, seed=seed)
    correlated = np.arange(INPUTS) < INPUTS // 2

    # At most one spike in a step, with chance rate dt. At an event, a `Poisson` input would spike
    # with a chance of only 1 - exp(-0.4) = 0.33, and sometimes twice.
    events = net.add_population("events", 1, Bernoulli)
    events.rate[:] = EVENTS
    inputs = net.add_population("inputs", INPUTS, Bernoulli)
    joining = np.where(correlated, JOINING, 0.0)
    during_event = joining[None, :] * 1000.0 / DT  # Hz, for a step
    net.connect(events, inputs, target="rate", weight=during_event, delay=0.0)
    alone = (RATE - joining * EVENTS).astype(net.dtype)
    net.add_phase(forget_event, INPUTS, state={"rate": inputs.rate, "alone": alone}, first=True)

    cell = net.add_population("cell", 1, LIF)
    synapses = net.connect(inputs, cell, target="drive", weight=W_START)

    net.add_phase(
        stdp,
        INPUTS,
        state={
            "W": synapses.W,
            "pre": inputs.spike,
            "post": cell.spike,
            "pre_trace": net.add_trace(inputs, TAU),
            "post_trace": net.add_trace(cell, TAU),
        },
        params={"A_plus": A_PLUS, "A_minus": A_MINUS, "W_max": W_MAX},
    )
    return net, synapses, correlated


# %%
# The weights are looked at after every second.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the weights that a learning rule gives two groups of inputs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=200, help="of simulated time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("own_plasticity_rule.png"))
    chosen = parser.parse_args(arguments)

    net, synapses, correlated = build(chosen.seed)
    weights = [synapses.W[:, 0].copy()]
    for _ in range(chosen.seconds):
        net.run(1000.0)
        weights.append(synapses.W[:, 0].copy())
    weights = np.array(weights)  # (seconds + 1, inputs)

    figure, ax = plt.subplots(figsize=(6.0, 3.5), layout="constrained")
    for label, group, color in (
        ("correlated", correlated, "#D55E00"),
        ("uncorrelated", ~correlated, "#0072B2"),
    ):
        before, after = weights[0, group].mean(), weights[-1, group].mean()
        print(f"{label}: mean weight {before:.2f} mV before, {after:.2f} mV after")
        ax.plot(weights[:, group], color=color, alpha=0.15, linewidth=0.6)
        ax.plot(weights[:, group].mean(axis=1), color=color, linewidth=2.0, label=label)
    ax.set(xlabel="Time (s)", ylabel="Weight (mV)", xlim=(0, chosen.seconds))
    ax.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
