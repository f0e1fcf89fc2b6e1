"""Test errors of feedback alignment and its kin on MNIST: results/feedback_alignment.txt.

    python benchmarks/reproduce_feedback_alignment.py

The first 20,000 images in batches of 10, η = 0.2, logistic units and a softmax output. The angles
are those of the last epoch, between the signals from which hidden layers learn and those of
backpropagation.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikesim import datasets
from spikesim.models.feedback_alignment import FeedbackAlignment

NETWORKS = {
    (784, 200, 10): ("backprop", "random", "sign", "kolen_pollack", "mirror", "none"),
    (784, 200, 100, 10): ("backprop", "random", "direct"),
}
OUT = Path(__file__).resolve().parent.parent / "results" / "feedback_alignment.txt"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)

    mnist = datasets.load_mnist()
    images, labels = mnist.train_images[: chosen.images], mnist.train_labels[: chosen.images]
    lines = [f"{'network':16} {'feedback':14} {'test error, %':14} angles after {chosen.epochs}"]
    for sizes, rules in NETWORKS.items():
        for rule in rules:
            wrong, angles = [], []
            for seed in range(chosen.seeds):
                net = FeedbackAlignment(
                    sizes, seed=seed, feedback=rule, eta=0.2, batch=10, measure_angle=True
                )
                net.fit(images, labels, chosen.epochs)
                wrong.append(net.evaluate(mnist.test_images, mnist.test_labels))
                angles.append(net.history["angle"][-1])
            mean = ", ".join(f"{angle:.0f}" for angle in np.mean(angles, axis=0))
            shown = f"{np.mean(wrong):.2f} ± {np.std(wrong):.2f}"
            lines.append(f"{'-'.join(map(str, sizes)):16} {rule:14} {shown:14} {mean}")
            print(lines[-1], flush=True)
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
