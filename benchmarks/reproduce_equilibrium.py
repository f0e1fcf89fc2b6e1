"""Test errors of equilibrium propagation on MNIST: results/credit/equilibrium_mnist.txt.

    python benchmarks/reproduce_equilibrium.py

The networks of Scellier & Bengio (2017), in batches of 20, with hard sigmoids, particles and a sign
of beta that is drawn for each update. Their C has no factor 1/2, so that their beta of 0.5 is 1
here, and their rates are doubled. With two hidden layers they use 100 free steps and η = 0.8, 0.2,
0.02. Here these have a quarter of the rates, with which they learn at once, and 30 steps: particles
go on from where they were, and the residual says what is missing. Errors of single epochs scatter
by two points there, so the last third of the epochs has a fifth of these rates.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spikesim import datasets
from spikesim.models.equilibrium import EquilibriumPropagation

NETWORKS: dict[tuple[int, ...], dict[str, Any]] = {
    (784, 500, 10): {"n_free": 20, "n_nudged": 4, "beta": 1.0, "eta": (0.2, 0.1), "epochs": 25},
    (784, 500, 500, 10): {
        "n_free": 30, "n_nudged": 6, "beta": 2.0, "eta": (0.2, 0.05, 0.005), "epochs": 30
    },
}  # fmt: skip
OUT = Path(__file__).resolve().parent.parent / "results" / "credit" / "equilibrium_mnist.txt"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="instead of 25 and 30")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, choices=(1, 2), help="only so many hidden layers")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)

    mnist = datasets.load_mnist()
    lines = [
        f"{'network':20} free nudged epochs  test error, %  training error, %  residual  ms/image"
    ]
    for sizes, constants in NETWORKS.items():
        if chosen.hidden not in (None, len(sizes) - 2):
            continue
        given = dict(constants)
        epochs = chosen.epochs or given["epochs"]
        del given["epochs"]
        net = EquilibriumPropagation(sizes, seed=chosen.seed, batch=20, **given)
        calm = epochs * 2 // 3 if len(sizes) > 3 else epochs

        def schedule(epoch: int, calm: int = calm) -> float:
            return 1.0 if epoch < calm else 0.2

        while net.epoch < epochs:
            held_out = mnist.test_images, mnist.test_labels
            h = net.fit(
                mnist.train_images, mnist.train_labels, validation=held_out, schedule=schedule
            )
            name = "-".join(map(str, sizes))
            line = (
                f"{name:20} {given['n_free']:4} {given['n_nudged']:6} {net.epoch:6}"
                f"  {h['test_error'][-1]:13.2f}  {h['training_error'][-1]:17.2f}"
                f"  {h['residual'][-1]:8.1e}  {h['seconds'][-1] / 60.0:8.3f}"
            )
            print(line, flush=True)
        lines.append(line)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
