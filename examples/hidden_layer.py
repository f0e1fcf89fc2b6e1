"""A hidden layer learns spike times exactly
=========================================

As in five_spikes.py, but with eight hidden neurons, which have no target spikes: the error of the
output reaches them through feedback weights (Zenke & Ganguli 2018, figure 4). The picture shows the
signals from which one of the synapses onto the output learns, early in training.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim import patterns, plot
from spikesim.models.superspike import SuperSpikeNetwork

TARGET = [83.0, 166.0, 249.0, 332.0, 415.0]  # ms


def main(arguments: Sequence[str] | None = None) -> None:
    """Print whether a network with a hidden layer learns five spikes exactly."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=800, help="of simulated time")
    parser.add_argument("--feedback", default="symmetric", help="or random, uniform")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("hidden_layer.png"))
    chosen = parser.parse_args(arguments)

    shown = patterns.poisson(100, rate=5.0, duration=500.0, seed=chosen.seed)
    target = patterns.from_trains([TARGET], duration=500.0)
    net = SuperSpikeNetwork((100, 8, 1), seed=chosen.seed, feedback=chosen.feedback)
    net.fit(shown, target, blocks=4)
    hidden = net.record(shown).spikes["hidden_1"].count.argmax()
    early = net.record(shown, target, synapse=(2, int(hidden), 0))

    blocks = max(1, chosen.seconds // 10)
    net.fit(shown, target, blocks)
    net.fit(shown, target, blocks, learning_rate=0.1)
    output = net.predict(shown).times
    matched = sum(any(abs(output - time) < 1e-3) for time in TARGET)
    print(f"{matched} of {len(TARGET)} spikes in the right step of 0.1 ms, {len(output)} in all")

    plot.synapse(early.synapse)[0].figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
