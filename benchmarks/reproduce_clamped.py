"""Test errors of the clamped two-phase model on MNIST: results/credit/clamped.txt.

    python benchmarks/reproduce_clamped.py

First a network of 784-256-10 units on the first 10,000 images, tested on 5,000, in batches of 20,
with phases of 15 steps: what hidden units learn, compared with an output that learns alone. Then
784-500-10 on all images: with phases of 20 steps, and with the two single sweeps of Scellier's fast
program, hard sigmoids and states that last from one showing of an example to the next.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spikesim import datasets
from spikesim.models.clamped import ClampedNetwork


class Row(NamedTuple):
    name: str
    sizes: tuple[int, ...]
    images: int
    tested: int
    epochs: int
    seeds: int
    options: dict[str, Any]


SHORT = {"n_minus": 15, "n_plus": 15}
SWEEPS = {
    "order": "sweeps", "n_minus": 1, "n_plus": 1, "keep": 0.0, "start": "last",
    "activation": "hard", "output": "hard", "feedback": "symmetric", "gamma": 1.0,
}  # fmt: skip
SMALL, LARGE = ((784, 256, 10), 10_000, 5_000, 5, 3), ((784, 500, 10), 60_000, 10_000, 20, 1)
ROWS = [
    Row("GeneRec, random", *SMALL, {**SHORT, "eta": (1.0, 0.1)}),
    Row("CHL, random", *SMALL, {**SHORT, "eta": (1.0, 0.1), "rule": "chl"}),
    Row("GeneRec, symmetric", *SMALL, {**SHORT, "eta": (2.0, 0.1), "feedback": "symmetric"}),
    Row("output only", *SMALL, {**SHORT, "eta": (0.0, 0.1)}),
    Row("GeneRec, random", *LARGE, {"eta": (1.0, 0.1)}),
    Row("GeneRec, symmetric", *LARGE, {"eta": (2.0, 0.1), "feedback": "symmetric"}),
    Row("GeneRec, two sweeps", *LARGE, {**SWEEPS, "eta": (0.1, 0.05)}),
]
OUT = Path(__file__).resolve().parent.parent / "results" / "credit" / "clamped.txt"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, help="instead of 5 and 20")
    parser.add_argument("--images", type=int, default=60_000, help="at most")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)

    mnist = datasets.load_mnist()
    lines = [
        f"{'network':12} {'images':>6} {'epochs':>6}  {'rule and feedback':20} "
        f"{'test error, %':>13}  {'training':>8}  {'angle':>5}  residuals         ms/image"
    ]
    for row in ROWS:
        images, epochs = min(row.images, chosen.images), chosen.epochs or row.epochs
        wrong, last = [], []
        for seed in range(row.seeds):
            net = ClampedNetwork(row.sizes, seed=seed, batch=20, measure_angle=True, **row.options)
            net.fit(mnist.train_images[:images], mnist.train_labels[:images], epochs)
            tested = mnist.test_images[: row.tested], mnist.test_labels[: row.tested]
            wrong.append(net.evaluate(*tested))
            h = net.history
            fastest = 1e3 * min(h["seconds"]) / images
            last.append([h["training_error"][-1], h["angle"][-1][0], *h["residual"][-1], fastest])
        training, angle, minus, plus, fastest = np.mean(last, axis=0)
        spread = f" ± {np.std(wrong):.2f}" if row.seeds > 1 else ""
        lines.append(
            f"{'-'.join(map(str, row.sizes)):12} {images:6} {epochs:6}  {row.name:20} "
            f"{f'{np.mean(wrong):.2f}{spread}':>13}  {training:8.2f}  {angle:5.1f}  "
            f"{minus:.1e}, {plus:.1e}  {fastest:8.3f}"
        )
        print(lines[-1], flush=True)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
