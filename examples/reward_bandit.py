"""Learning which action is rewarded
=================================

Three-factor learning. Each synapse keeps an eligibility trace of what it did in a trial: potential
of the presynaptic spikes, times what the postsynaptic neuron did beyond its probability. A single
number that comes afterwards, the reward as far as it was not expected, changes all weights. Here
the reward is computed in Python; it could be anything that the script finds out about the action.

In each trial one of four patterns is shown for 50 ms. The output with more spikes is the action.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import plot
from spikesim.models.reward import SpikingRewardNetwork

INPUTS, HIDDEN, ACTIONS = 20, 20, 2
GOOD = (0, 1, 0, 1)  # the right action for each pattern


# %%
# The patterns that are shown.


def patterns(chance: np.random.Generator) -> np.ndarray:
    """Four patterns of 0 and 1, of which any two differ in at least three inputs."""
    while True:
        x = chance.integers(0, 2, (len(GOOD), INPUTS)).astype(float)
        differ = (x[:, None] != x[None]).sum(axis=2)
        if differ[~np.eye(len(GOOD), dtype=bool)].min() >= 3:
            return x


# %%
# ``act`` shows a pattern and returns the action, ``reward`` says what it was worth.


def train(trials: int, seed: int) -> tuple[SpikingRewardNetwork, np.ndarray, np.ndarray]:
    """The network, the patterns, and the reward of each trial."""
    chance = np.random.default_rng(seed)
    x = patterns(chance)
    net = SpikingRewardNetwork((INPUTS, HIDDEN, ACTIONS), seed=seed, baseline="stimulus", stimuli=4)
    rewards = np.zeros(trials)
    for trial in range(trials):
        shown = int(chance.integers(len(GOOD)))
        action = net.act(x[shown], stimulus=shown)
        rewards[trial] = 1.0 if action == GOOD[shown] else 0.0
        net.reward(rewards[trial])
    return net, x, rewards


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how often spiking neurons choose right, rewarded by this script."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("reward_bandit.png"))
    chosen = parser.parse_args(arguments)

    net, x, rewards = train(chosen.trials, chosen.seed)
    tenth = max(chosen.trials // 10, 1)
    right = [100.0 * part.mean() for part in (rewards[:tenth], rewards[-tenth:])]
    rate = net.play(x, GOOD).rate.mean()
    print(f"{right[0]:.0f} % right at first, {right[1]:.0f} % at the end, hidden {rate:.0f} Hz")

    figure = plt.figure(figsize=(9.6, 4.6), layout="constrained")
    course, synapse = figure.subfigures(1, 2)
    ax = course.subplots()
    block = max(chosen.trials // 40, 1)
    means = rewards[: len(rewards) // block * block].reshape(-1, block).mean(axis=1)
    ax.plot(np.arange(1, len(means) + 1) * block, means, color="#222222")
    ax.axhline(0.5, color="0.5", linestyle="--", linewidth=0.8)
    ax.set(xlabel="Trial", ylabel="Reward", xlim=(0, chosen.trials), ylim=(0.3, 1.0))
    ax.locator_params(axis="x", nbins=4)
    ax.spines[["top", "right"]].set_visible(False)
    plot.eligibility(net.record(x[0], GOOD[0]), figure=synapse)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
