"""Spike timing and a reward that comes later
==========================================

Izhikevich (2007, doi:10.1093/cercor/bhl152): spike timing does not change a synapse, it marks it.
The mark c fades within a time tau_c, and dopamine D, which comes later, changes the weight::

    a spike arrives:      c <- c - A_minus x_post                                             (1)
    the neuron fires:     c <- c + A_plus x_pre                                               (2)
    dc/dt = -c / tau_c,      dw/dt = D c,      dD/dt = -D / tau_D + reward                    (3)

Here a network learns which of two actions is right for each of two stimuli. In a trial one group
of inputs fires for 100 ms; the group of neurons that fires more is the action. Then comes the
reward, above or below what was expected, and a pause in which marks fade. Nobody tells the neurons
what to do.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import LIF, Bernoulli, Network, PlasticityRule

DT = 1.0  # ms
INPUTS, NEURONS = 50, 5  # of a group; there are two groups of each
SHOWN, PAUSE = 100.0, 150.0  # ms
TAU_DOPAMINE = 50.0  # ms
W_START, W_MAX = 1.2, 2.4  # mV


# %%
# The rule has a variable ``c`` beside the weight, the mark, and a parameter that the script sets.


def arrive(w, c, post, A_minus):
    """(1)."""
    return w, c - A_minus * post


def fire(w, c, pre, A_plus):
    """(2)."""
    return w, c + A_plus * pre


def learn(w, c, dopamine, tau_c, every):
    """(3), in steps of `every` ms."""
    return w + dopamine * c * every, c * (1.0 - every / tau_c)


RULE = PlasticityRule(
    on_pre=arrive,
    on_post=fire,
    on_step=learn,
    every=1.0,
    variables={"c": 0.0},
    traces={"pre": 20.0, "post": 20.0},
    parameters={"A_plus": 0.1, "A_minus": 0.05, "tau_c": 200.0, "dopamine": 0.0},
    w_min=0.0,
    w_max=W_MAX,
)


# %%
# Two groups of neurons that inhibit each other get the same inputs. Dopamine fades in every step.


def fade(i, t, s, p):
    """Dopamine, in every step."""
    s.dopamine[0] = s.dopamine[0] * p.left


def build(seed: int):
    """The network, its inputs, the synapses that learn, and a recording of the actors' spikes."""
    net = Network(dt=DT, seed=seed)
    inputs = net.add_population("inputs", 2 * INPUTS, Bernoulli)
    actors = net.add_population("actors", 2 * NEURONS, LIF)
    net.add_background(actors, "drive", rate=500.0, weight=1.2)
    synapses = net.connect(inputs, actors, target="drive", weight=W_START, plasticity=RULE)
    group = np.arange(2 * NEURONS) // NEURONS
    rivals = np.where(group[:, None] != group, -4.0, 0.0)
    net.connect(actors, actors, target="drive", weight=rivals)
    net.add_phase(
        fade,
        1,
        state={"dopamine": synapses.rule.array("dopamine")},
        params={"left": float(np.exp(-DT / TAU_DOPAMINE))},
    )
    return net, inputs, synapses, net.record_spikes(actors)


# %%
# In a trial the script looks at the spikes, decides on the reward, and adds it to the dopamine.


def train(trials: int, seed: int, size: float = 0.004) -> np.ndarray:
    """Whether the action was right, in each trial; `size` is that of the reward."""
    net, inputs, synapses, spikes = build(seed)
    chance = np.random.default_rng(seed)
    right = np.zeros(trials, bool)
    expected = np.zeros(2)  # reward, for each stimulus
    for k in range(trials):
        stimulus = int(chance.integers(2))
        inputs.rate[:] = np.where(np.arange(2 * INPUTS) // INPUTS == stimulus, 40.0, 1.0)
        spikes.clear()
        net.run(SHOWN)
        fired = spikes.count.reshape(2, NEURONS).sum(axis=1)
        action = int(np.argmax(fired + chance.random(2)))  # a draw is decided by chance
        right[k] = action == stimulus
        reward = 1.0 if right[k] else -1.0
        synapses.rule.dopamine += size * (reward - expected[stimulus])
        expected[stimulus] += 0.1 * (reward - expected[stimulus])
        inputs.rate[:] = 1.0
        net.run(PAUSE)
    return right


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how often a network chooses right while it learns from reward alone."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("reward_stdp.png"))
    chosen = parser.parse_args(arguments)

    figure, ax = plt.subplots(figsize=(6.0, 3.5), layout="constrained")
    block = max(chosen.trials // 10, 1)
    for seed in range(1, chosen.seeds + 1):
        right = train(chosen.trials, seed)
        without = train(chosen.trials, seed, size=0.0)
        shares = [100.0 * x.mean() for x in np.array_split(right, chosen.trials // block)]
        print(
            f"seed {seed}: {shares[0]:.0f} % right at first, {shares[-1]:.0f} % at the end, "
            f"{100.0 * without[-block:].mean():.0f} % without reward"
        )
        ax.plot((np.arange(len(shares)) + 0.5) * block, shares, color="#0072B2", alpha=0.6)
    ax.axhline(50.0, color="0.5", linestyle="--", linewidth=0.8)
    ax.set(xlabel="Trial", ylabel="Right actions (%)", ylim=(0.0, 102.0))
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
