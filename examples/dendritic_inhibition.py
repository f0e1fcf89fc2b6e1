"""Learned inhibition keeps dendrites in their range
=================================================

The apical dendrites of the hidden ensembles start with more and more inhibition. If it is too
strong, no unit ever bursts, so no error comes down and the network does not learn. Plastic SST+
synapses prevent that: they learn to bring the apical potential back into the range in which the
burst probability follows it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim import datasets, plot
from spikesim.models.burst import BurstEnsembleNetwork

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # Z ~ U(0, strength)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how learned SST+ inhibition rescues networks that start badly."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("dendritic_inhibition.png"))
    chosen = parser.parse_args(arguments)

    digits = datasets.load_digits()
    learned = digits.train_images, digits.train_labels
    tested = digits.test_images, digits.test_labels
    errors: dict[str, list[list[float]]] = {}
    for name, alpha_Z in (("fixed inhibition", 0.0), ("learned inhibition", 1e-3)):
        errors[name] = []
        for strength in STRENGTHS:
            nets = [
                BurstEnsembleNetwork(
                    (64, 100, 10), seed=seed, sst="h", alpha_Z=alpha_Z, Z_range=strength
                )
                for seed in range(chosen.seeds)
            ]
            for net in nets:
                net.fit(*learned, epochs=chosen.epochs)
            errors[name].append([net.evaluate(*tested) for net in nets])
        worst = max(sum(seeds) / len(seeds) for seeds in errors[name])
        print(f"{name}: test error up to {worst:.1f} %")

    ax = None
    for name, each in errors.items():
        by_seed = list(zip(*each, strict=True))
        ax = plot.sweep(
            STRENGTHS,
            by_seed,
            ax,
            label=name,
            xlabel="Initial SST+ weights, $Z$ up to",
            ylabel="Test error (%)",
            xscale="log",
        )
    ax.figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
