"""Learning curves of the segregated-dendrite network on MNIST, one variant and seed a call.

    python benchmarks/reproduce_segregated.py --variant hidden --seed 0
    python benchmarks/reproduce_segregated.py --figure

A run of 60 epochs takes about half an hour on one core and writes a small JSON file with the
history to results/segregated_mnist; a killed run continues from its last epoch. ``--figure`` prints
the table and draws the curves of all results. MNIST is taken from $SPIKESIM_DATA.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "results" / "segregated_mnist"

# Layers and options of each curve; all others are the defaults of the published script.
VARIANTS: dict[str, tuple[str, tuple[int, ...], dict]] = {
    "none": ("no hidden layer", (784, 10), {}),
    "hidden": ("784-500-10", (784, 500, 10), {}),
    "two": ("784-500-100-10", (784, 500, 100, 10), {}),
    "preprint": (
        "784-500-10, weights of the preprint",
        (784, 500, 10),
        {"initial": "preprint"},
    ),
    "two-preprint": (
        "784-500-100-10, weights of the preprint",
        (784, 500, 100, 10),
        {"initial": "preprint"},
    ),
    "symmetric": ("784-500-10, symmetric feedback", (784, 500, 10), {"symmetric": True}),
    "sparse": ("784-500-10, sparse feedback", (784, 500, 10), {"sparse": 0.8}),
    "apical": ("784-500-10, weak apical conductance", (784, 500, 10), {"g_A": 0.05}),
    "jitter": ("784-500-10, stochastic plateaus", (784, 500, 10), {"plateau_jitter": 3.0}),
    "frozen": ("784-500-10, frozen hidden layer", (784, 500, 10), {"frozen": True}),
}


def train(variant: str, seed: int, epochs: int, every: int, scratch: Path) -> None:
    """Train one network and write its history."""
    from spikesim import datasets
    from spikesim.models.segregated import SegregatedDendriteNetwork

    label, sizes, options = VARIANTS[variant]
    mnist = datasets.load_mnist()
    scratch.mkdir(parents=True, exist_ok=True)
    checkpoint = scratch / f"{variant}-{seed}.h5"
    if checkpoint.exists():
        net = SegregatedDendriteNetwork.load(checkpoint)
    else:
        net = SegregatedDendriteNetwork(sizes, seed=seed, eta=0.21, **options)
    if net.epoch < epochs:
        net.fit(
            mnist.train_images,
            mnist.train_labels,
            epochs - net.epoch,
            validation=(mnist.test_images, mnist.test_labels),
            validate_every=every,
            progress=True,
            checkpoint=checkpoint,
        )
    command = "python benchmarks/reproduce_segregated.py"
    command += f" --variant {variant} --seed {seed} --epochs {epochs} --every {every}"
    result = {
        "command": command,
        "label": label,
        "sizes": sizes,
        "options": options,
        "seed": seed,
        "epoch": net.history["epoch"],
        "test_error": net.history["test_error"],
        "training_error": net.history["training_error"],
        "seconds": sum(net.history["seconds"]),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{variant}-{seed}.json").write_text(json.dumps(result, indent=1) + "\n")


def draw() -> None:
    """Print a table of final test errors and draw all curves."""
    import matplotlib.pyplot as plt
    import numpy as np

    from spikesim import plot

    runs: dict[str, list[dict]] = {}
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text())
        runs.setdefault(result["label"], []).append(result)
    print(f"{'network':40} {'seeds':>5} {'epochs':>6} {'test error %':>14}")
    figure, ax = plt.subplots(figsize=(8.0, 4.2), layout="constrained")
    order = [label for label, _, _ in VARIANTS.values() if label in runs]
    for number, label in enumerate(order):
        last = [[e for e in run["test_error"] if e is not None][-1] for run in runs[label]]
        spread = f" ± {np.std(last, ddof=1):.2f}" if len(last) > 1 else ""
        epochs = min(len(run["epoch"]) for run in runs[label])
        print(f"{label:40} {len(last):>5} {epochs:>6} {np.mean(last):>8.2f}{spread}")
        curves = {run["seed"]: run for run in runs[label]}
        plot.learning_curve(list(curves.values()), key="test_error", label=label, ax=ax)
        if number >= 8:  # colours begin anew
            ax.lines[-1].set_linestyle((0, (3, 1.5)))
    ax.set_yscale("log")
    ax.set_ylim(2, 20)
    ax.set_yticks([2, 3, 5, 10, 20], ["2", "3", "5", "10", "20"])
    ax.set_ylabel("Test error (%)")
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(RESULTS / "learning_curves.png", dpi=150)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--every", type=int, default=4, help="test after every so many epochs")
    parser.add_argument("--scratch", type=Path, default=Path("runs") / "segregated_mnist")
    parser.add_argument("--figure", action="store_true")
    chosen = parser.parse_args()
    if chosen.variant:
        train(chosen.variant, chosen.seed, chosen.epochs, chosen.every, chosen.scratch)
    if chosen.figure:
        draw()


if __name__ == "__main__":
    main()
