"""Goals decide which signals pass
===============================

Two senders send at the same time to two receivers, every unit an ensemble of 100 neurons. A goal
makes the neurons of one receiver receptive. So it decides in every step which receiver hears what
is sent, and no weight changes. Receptivity follows the goals slowly.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.models.routing import RoutingEnsembles


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what two goals let through between the same fixed weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--period", type=int, default=60, help="of each goal")
    parser.add_argument("--tau", type=float, default=8.0, help="time constant of receptivity")
    parser.add_argument("--out", type=Path, default=Path("routing_goals.png"))
    chosen = parser.parse_args(arguments)

    net = RoutingEnsembles((2, 2), seed=1, receptivity="linear", tau_a=chosen.tau)
    for goal, G in enumerate(net.layers[1]["G"]):
        G[:] = 0.0
        G[goal] = 1.0
    chance = np.random.default_rng(1)
    a, currents, M = [], [], []
    for step in range(chosen.steps):
        if step % 20 == 0:
            for pattern in net.pattern:
                pattern[:] = 0
                pattern[chance.choice(100, 10, replace=False)] = 1
        net.goal[:] = np.eye(2)[step // chosen.period % 2]
        course = net.run(1)
        a.append(course.a[1][0, :, 0])
        currents.append(course.I[1][0])
        M.append(net.meso(1).ravel())
    a, currents, M = np.array(a), np.array(currents), np.array(M)
    loud = np.sqrt((currents**2).mean(axis=2))
    late = np.arange(chosen.steps) % chosen.period >= chosen.period // 2
    first = np.arange(chosen.steps) // chosen.period % 2 == 0
    there, elsewhere = loud[late & first].mean(axis=0)
    print(f"currents of the open receiver {there:.2f}, of the closed one {elsewhere:.3f}")

    figure, axes = plt.subplots(4, 1, figsize=(6.4, 6.6), sharex=True, layout="constrained")
    axes[0].plot(a)
    axes[0].set_ylabel("Receptivity a")
    axes[0].legend(["receiver 1", "receiver 2"], ncols=2, frameon=False, loc=(0.0, 1.0))
    most = np.abs(currents).max()
    for k in range(2):
        image = currents[:, k].T
        axes[1 + k].imshow(image, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
        axes[1 + k].set_ylabel(f"Neuron\n(receiver {k + 1})")
    for line, label in zip(M.T, ("1 to 1", "1 to 2", "2 to 1", "2 to 2"), strict=True):
        axes[3].plot(line, label=label)
    axes[3].set(xlabel="Step", ylabel="Weight M", xlim=(0, chosen.steps))
    axes[3].legend(ncols=4, frameon=False, loc=(0.0, 1.0))
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
