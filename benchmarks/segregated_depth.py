"""Why two hidden layers of segregated dendrites do, or do not, learn better than one.

    python benchmarks/segregated_depth.py
    python benchmarks/segregated_depth.py --spiking --seeds 1 --epochs 4

Networks see 10,000 images of MNIST for some epochs. They differ in their layers and in their
initial weights: the script's, the same with half the deviation onto the output or onto all layers,
and the preprint's, whose feedback differs, too. A row has the test error and, for each hidden
layer, the slope of its rates before learning and after 1,000 images. The slope is relative to the
steepest one; saturated units, which do not learn, have 0. MNIST is taken from $SPIKESIM_DATA.
"""

from __future__ import annotations

import argparse

import numpy as np

from spikesim import datasets
from spikesim.models.segregated import SegregatedDendriteNetwork

LAYERS = {"784-500-10": (784, 500, 10), "784-500-100-10": (784, 500, 100, 10)}
WEIGHTS = ("script", "half, onto output", "half", "half, Y twice", "preprint")
EARLY = 1000


def make(sizes: tuple[int, ...], weights: str, seed: int, spiking: bool):
    """A network with certain initial weights."""
    initial = "preprint" if weights == "preprint" else "script"
    net = SegregatedDendriteNetwork(sizes, seed=seed, initial=initial, spiking=spiking)
    if weights.startswith("half"):
        for W in net.W[-1:] if weights.endswith("output") else net.W:
            W[...] = W.mean() + 0.5 * (W - W.mean())
    for Y in net.Y if weights.endswith("Y twice") else ():
        Y[...] *= 2.0
    return net


def slopes(net, images: np.ndarray) -> list[float]:
    """4 sigma'(V) of each hidden layer, without spikes; the mean over images and units."""
    p, found = net.parameters, []
    rate = p.phi_max * images.reshape(len(images), -1) / 255.0
    for W, b in zip(net.W[:-1], net.b[:-1], strict=True):
        active = 1.0 / (1.0 + np.exp(-p.k_B * (rate @ W.astype(float) + b)))
        found.append(float(np.mean(4.0 * active * (1.0 - active))))
        rate = p.phi_max * active
    return found


def row(values: list[list[float]]) -> str:
    """Mean of each layer over seeds."""
    return " ".join(f"{value:.2f}" for value in np.mean(values, axis=0))


def main() -> None:
    """Train the networks and print the table, a row a kind of network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spiking", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    chosen = parser.parse_args()
    mnist = datasets.load_mnist()
    images, labels = mnist.train_images[:10_000], mnist.train_labels[:10_000]
    shown, test = mnist.test_images[:500], (mnist.test_images, mnist.test_labels)
    print(f"{'network':15} {'weights':18} {'test error %':>13} {'slope':>10} {'after 1000':>10}")
    for name, sizes in LAYERS.items():
        for weights in WEIGHTS:
            errors, before, after = [], [], []
            for seed in range(chosen.seeds):
                early, net = (make(sizes, weights, seed, chosen.spiking) for _ in range(2))
                before.append(slopes(early, shown))
                early.fit(images[:EARLY], labels[:EARLY])
                after.append(slopes(early, shown))
                net.fit(
                    images, labels, chosen.epochs, validation=test, validate_every=chosen.epochs
                )
                errors.append(net.history["test_error"][-1])
            spread = f" ± {np.std(errors, ddof=1):.2f}" if len(errors) > 1 else ""
            error = f"{np.mean(errors):.2f}{spread}"
            print(
                f"{name:15} {weights:18} {error:>13} {row(before):>10} {row(after):>10}", flush=True
            )


if __name__ == "__main__":
    main()
