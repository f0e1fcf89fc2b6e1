"""The exclusive-or of spikes
==========================

Two of three groups of inputs may take part in a stimulus of 10 ms or not. Output 1 should spike if
exactly one of them does, output 0 otherwise, and neither at any other time (after Zenke & Ganguli
2018, figure 5). Every trial is new, as inputs also fire at random. A network with a hidden layer
learns the task; a network without one does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.models.superspike import SuperSpikeNetwork, tasks

TEST = 10**6  # the first block of the trials that are for tests only
EVERY = 10  # blocks from test to test


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how often networks get an exclusive-or of spikes right, and when."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--blocks", type=int, default=200, help="of 10 s")
    parser.add_argument("--hidden", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("spiking_xor.png"))
    chosen = parser.parse_args(arguments)

    task = tasks.xor(chosen.seed)
    figure, ax = plt.subplots(figsize=(5.0, 3.2), layout="constrained")
    for label, sizes, color in (
        (f"{chosen.hidden} hidden neurons", (100, chosen.hidden, 2), "#0072B2"),
        ("no hidden layer", (100, 2), "#222222"),
    ):
        net = SuperSpikeNetwork(sizes, seed=chosen.seed, **task.parameters)
        time, right = [], []
        for block in range(1, chosen.blocks + 1):
            eta = 1.0 if block <= 3 * chosen.blocks // 4 else 0.1
            net.fit(*task.trials(block), 1, block=task.block, learning_rate=eta)
            if block % EVERY == 0 or block == chosen.blocks:
                wrong = [net.evaluate(*task.trials(TEST + k)) for k in range(4)]
                time.append(net.time)
                right.append(100.0 - float(np.mean(wrong)))
        print(f"{label}: {right[-1]:.0f} % of new trials right")
        ax.plot(time, right, color=color, label=label)
    ax.axhline(50.0, color="#777777", linewidth=0.8, linestyle="--")
    ax.set(xlabel="Simulated time (s)", ylabel="New trials answered right (%)", ylim=(0, 102))
    ax.legend(frameon=False)
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
