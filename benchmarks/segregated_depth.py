"""Why two hidden layers of segregated dendrites do, or do not, learn better than one.

    python benchmarks/segregated_depth.py
    python benchmarks/segregated_depth.py --spiking

Networks see 10,000 images of MNIST for some epochs. They differ in their layers and in their
initial weights: those of the script, those with forward weights half as wide, and those of the
preprint, whose feedback differs, too. For each hidden layer the table has the angle between its
updates and those by backpropagation, in degrees, and the slope of its rates, before learning and
after it. The slope is relative to the steepest one; saturated units, which do not learn, have 0.
MNIST is taken from $SPIKESIM_DATA.
"""

from __future__ import annotations

import argparse

import numpy as np

from spikesim import datasets
from spikesim.models.segregated import SegregatedDendriteNetwork

LAYERS = {"784-500-10": (784, 500, 10), "784-500-100-10": (784, 500, 100, 10)}
WEIGHTS = ("script", "half as wide", "preprint")


def make(sizes: tuple[int, ...], weights: str, seed: int, spiking: bool):
    """A network with certain initial weights."""
    initial = "preprint" if weights == "preprint" else "script"
    net = SegregatedDendriteNetwork(
        sizes, seed=seed, initial=initial, spiking=spiking, measure_angle=True
    )
    for W in net.W if weights == "half as wide" else ():
        W[...] = W.mean() + 0.5 * (W - W.mean())
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


def row(values) -> str:
    """Mean of each layer over seeds."""
    return " ".join(f"{value:5.2f}" for value in np.mean(values, axis=0))


def main() -> None:
    """Train the networks and print the table, a row a kind of network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spiking", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    chosen = parser.parse_args()
    mnist = datasets.load_mnist()
    images, labels = mnist.train_images[:10_000], mnist.train_labels[:10_000]
    print(f"{'network':15} {'weights':13} {'test error %':>13} {'angle':>11} {'slope':>11}", end="")
    print(f" {'slope learned':>13}")
    for name, sizes in LAYERS.items():
        for weights in WEIGHTS:
            errors, angles, before, after = [], [], [], []
            for seed in range(chosen.seeds):
                net = make(sizes, weights, seed, chosen.spiking)
                before.append(slopes(net, mnist.test_images[:500]))
                test = {"validation": (mnist.test_images, mnist.test_labels)}
                net.fit(images, labels, chosen.epochs, validate_every=chosen.epochs, **test)
                after.append(slopes(net, mnist.test_images[:500]))
                errors.append(net.history["test_error"][-1])
                angles.append(net.history["angle"][-1])
            spread = f" ± {np.std(errors, ddof=1):.2f}" if len(errors) > 1 else ""
            print(f"{name:15} {weights:13} {np.mean(errors):6.2f}{spread:7}", end="")
            print(f" {row(angles):>11} {row(before):>11} {row(after):>13}", flush=True)


if __name__ == "__main__":
    main()
