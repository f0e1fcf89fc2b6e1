"""A sweep over sizes and learning rates
=====================================

A sweep calls one function with many sets of parameters, several at a time, and keeps the results.
If it is stopped and started again, it continues with the sets that are missing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spikesim import datasets
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.sweep import grid, sweep

digits = datasets.load_digits()


# %%
# What one run does with one set of parameters.


def train(parameters: dict[str, Any], directory: Path) -> dict[str, float]:
    net = BurstEnsembleNetwork(
        (64, parameters["hidden"], 10), seed=parameters["seed"], alpha=parameters["alpha"]
    )
    net.fit(digits.train_images, digits.train_labels, epochs=parameters["epochs"])
    return {"test_error": net.evaluate(digits.test_images, digits.test_labels)}


# %%
# All sets, several at a time.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the best size and learning rate of a network, over a sweep."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to keep the sweep, to continue it later")
    parser.add_argument("--out", type=Path, default=Path("sweep.png"))
    chosen = parser.parse_args(arguments)

    sets = grid(
        alpha=[1.0, 3.0, 10.0, 30.0],
        hidden=[20, 100],
        epochs=[chosen.epochs],
        seed=range(chosen.seeds),
    )
    with tempfile.TemporaryDirectory() as temporary:
        # Networks of one size share their compiled program between threads.
        result = sweep(train, sets, chosen.folder or temporary, executor="threads")
    print(result.table("test_error"))
    by_seed = result.values["test_error"].reshape(-1, chosen.seeds)  # seeds vary fastest
    best = sets[by_seed.mean(axis=1).argmin() * chosen.seeds]
    print(f"best: {best['hidden']} hidden units, alpha {best['alpha']:g}")
    ax = result.figure("test_error", "Test error (%)")
    ax.figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
