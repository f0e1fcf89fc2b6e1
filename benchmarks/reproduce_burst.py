"""The claims made for burst ensembles with SST+ inhibition, at the level of rates, on MNIST.

    python benchmarks/reproduce_burst.py mnist --seed 0          test error beside backpropagation
    python benchmarks/reproduce_burst.py robustness              error against initial Z and Y
    python benchmarks/reproduce_burst.py checks                  alignment, settling, desaturation
    python benchmarks/reproduce_burst.py table                   everything as a table and figures

Each of the first three writes small JSON files to results/burst; `table` reads them. MNIST is taken
from $SPIKESIM_DATA. 50,000 images are learned. The last 10,000 of the training file are for
validation, by which learning rates were chosen. The test set is used once, at the end.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import datasets
from spikesim.models.burst import BurstEnsembleNetwork

RESULTS = Path(__file__).resolve().parent.parent / "results" / "burst"
EPOCHS = 25

# Learning rates chosen on the validation images, seed 0, with the same effort for all.
SETTINGS: dict[str, dict[str, Any]] = {
    "one-burst": {"alpha": (20.0, 5.0), "decay": 0.95, "sst": "h"},
    "one-mirrored": {
        "alpha": (50.0, 5.0),
        "decay": 0.95,
        "sst": "h",
        "mirror": 1.0,
        "Y_range": 0.05,
    },
    "one-backpropagation": {"alpha": (50.0, 5.0), "decay": 0.95, "backpropagation": True},
    "two-burst": {
        "alpha": (20.0, 20.0, 5.0),
        "decay": 0.95,
        "sst": "h",
        "W_range": (0.05, 0.1, 0.05),
        "Y_range": (0.5, 1.0),
    },
    "two-mirrored": {
        "alpha": (20.0, 50.0, 15.0),
        "decay": 0.95,
        "sst": "h",
        "mirror": 1.0,
        "W_range": (0.05, 0.1, 0.05),
        "Y_range": 0.05,
    },
    # With the apical gate of 2021, with which the derivative of (9) is not needed.
    "two-gated": {
        "alpha": (10.0, 10.0, 15.0),
        "decay": 0.95,
        "sst": "h",
        "mirror": 1.0,
        "apical_gate": True,
        "derivative": "boxcar",
        "boxcar_m": 0.0,
        "boxcar_v": 4.0,
        "W_range": (0.05, 0.1, 0.05),
        "Y_range": 0.05,
    },
    "two-backpropagation": {
        "alpha": (50.0, 50.0, 15.0),
        "decay": 0.95,
        "backpropagation": True,
        "W_range": (0.05, 0.1, 0.05),
    },
}
LABELS = {
    "Z_range": "Initial inhibition, Z up to",
    "Y_range": "Initial feedback, Y within ±",
}
SIZES = {"one": (784, 500, 10), "two": (784, 500, 500, 10)}


def mnist() -> tuple[Any, ...]:
    """Images and labels for learning, validation and test."""
    data = datasets.load("mnist")
    first = slice(50_000), slice(50_000, 60_000)
    return (
        *((data.train_images[part], data.train_labels[part]) for part in first),
        (data.test_images, data.test_labels),
    )


def keep(name: str, content: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path.name}", flush=True)


def run_mnist(name: str, seed: int, epochs: int) -> None:
    """Train one network and save its curve."""
    learned, validation, test = mnist()
    settings = SETTINGS[name]
    net = BurstEnsembleNetwork(
        SIZES[name.split("-")[0]], seed=seed, **settings, measure_angle=False
    )
    history = net.fit(*learned, epochs, validation=validation, progress=True)
    keep(
        f"mnist-{name}-{seed}",
        {
            "settings": {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()},
            "epochs": epochs,
            "validation_error": [round(e, 3) for e in history["test_error"]],
            "training_error": [round(e, 3) for e in history["training_error"]],
            "test_error": round(net.evaluate(*test), 3),
            "seconds": round(sum(history["seconds"]), 1),
        },
    )


def run_robustness(seeds: int, examples: int) -> None:
    """Validation error after one pass, from initial scales of Z and Y, with and without learned Z.

    784-100-10; u starts near -250 Z_range (Z) or between +-Y_range (Y).
    """
    learned, validation, _ = mnist()
    images, labels = (part[:examples] for part in learned)
    points: list[dict[str, Any]] = []
    scales = {
        "Z_range": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0),
        "Y_range": (0.1, 1.0, 3.0, 10.0, 30.0, 100.0),
    }
    for varied, values in scales.items():
        for value in values:
            for alpha_Z in (0.0, 1e-3):
                errors, saturated = [], []
                for seed in range(seeds):
                    net = BurstEnsembleNetwork(
                        (784, 100, 10),
                        seed=seed,
                        sst="h",
                        alpha_Z=alpha_Z,
                        alpha=(20.0 / max(1.0, value if varied == "Y_range" else 1.0), 1.0),
                        **{varied: value},
                    )
                    history = net.fit(images, labels, validation=validation)
                    errors.append(round(history["test_error"][-1], 2))
                    saturated.append(round(history["saturated"][-1][0], 2))
                points.append(
                    {
                        "varied": varied,
                        "value": value,
                        "alpha_Z": alpha_Z,
                        "validation_error": errors,
                        "saturated": saturated,
                    }
                )
                print(points[-1], flush=True)
    keep("robustness", {"examples": examples, "seeds": seeds, "points": points})


def run_checks(seeds: int) -> None:
    """The acceptance checks of the rate level that need MNIST."""
    learned, validation, _ = mnist()
    images, labels = learned
    found: dict[str, Any] = {}

    def trained(examples: int, passes: int = 1, change: Any = None, **options: Any) -> Any:
        nets = []
        for seed in range(seeds):
            net = BurstEnsembleNetwork((784, 500, 10), seed=seed, measure_angle=True, **options)
            if change is not None:
                change(net)
            net.fit(images[:examples], labels[:examples], passes, validation=validation)
            nets.append(net)
        return nets

    def last(nets: Any, key: str) -> list[float]:
        values = [net.history[key][-1] for net in nets]
        return [round(v[0] if isinstance(v, list) else v, 3) for v in values]

    def nudged_potential(net: Any, shown: np.ndarray, answers: np.ndarray) -> float:
        """Mean of u minus gamma in step s_1, for the images after those learned."""
        recording = net.record(shown, answers)
        u = recording.u["hidden_1"]
        return float(u[:, recording.nudges + 1].mean()) - net.parameters.gamma

    def symmetric(net: Any) -> None:
        net.Y[0] = net.W[1].T

    def common_mode(net: Any) -> None:
        net.Y[0] = 40.0 + np.random.default_rng(net.seed).uniform(-2.0, 2.0, net.Y[0].shape)

    A = {"alpha": (20.0, 1.0)}
    found["A4 angle, symmetric Y"] = last(
        trained(500, change=symmetric, sst="none", alpha=0.0), "angle"
    )
    found["A4 angle, random Y, first 500"] = last(trained(500, sst="none", alpha=0.0), "angle")
    found["A4 angle, random Y, 2 x 10,000"] = last(trained(10_000, 2, sst="none", **A), "angle")
    found["A5 error, 20,000 images"] = last(trained(20_000, sst="h", **A), "test_error")
    found["A5 error, backpropagation"] = last(
        trained(20_000, backpropagation=True, **A), "test_error"
    )
    found["A5 error, hidden layer frozen"] = last(
        trained(20_000, sst="h", alpha=(0.0, 1.0)), "test_error"
    )
    for alpha_Z in (0.0, 1e-3):
        # Learning is slower by as much as this feedback is stronger; else the layer falls silent.
        slow = {"sst": "h", "alpha": (0.02, 1.0)}
        nets = trained(2_000, 2, change=common_mode, alpha_Z=alpha_Z, **slow)
        found[f"A6 % saturated, common-mode Y, alpha_Z {alpha_Z:g}"] = last(nets, "saturated")
        if alpha_Z:
            found["A6 mean u - gamma in the step of the layer"] = [
                round(nudged_potential(net, images[2_000:2_500], labels[2_000:2_500]), 3)
                for net in nets
            ]
        options = {"sst": "h", "alpha": 0.0}
        nets = trained(2_000, 2, change=common_mode, alpha_Z=alpha_Z, **options)
        found[f"A6 the same, W fixed, alpha_Z {alpha_Z:g}"] = last(nets, "saturated")
        nets = trained(16_000, sst="h", Z_range=0.1, alpha_Z=alpha_Z, **A)
        found[f"A7a error, strong Z, alpha_Z {alpha_Z:g}"] = last(nets, "test_error")
        options = {"sst": "h", "Y_range": 100.0, "alpha": (0.2, 1.0)}
        nets = trained(16_000, alpha_Z=alpha_Z, **options)
        found[f"A7b error, huge Y, alpha_Z {alpha_Z:g}"] = last(nets, "test_error")
        found[f"A7b % saturated, huge Y, alpha_Z {alpha_Z:g}"] = last(nets, "saturated")
    for settling in (2, 3, 9):
        nets = trained(10_000, 2, steps=settling + 2, nudge_after=settling, sst="beta", **A)
        found[f"A8 angle, {settling} settling steps"] = last(nets, "angle")
    keep("checks", {"seeds": seeds, "found": found})


def draw() -> None:
    """Draw the figures and print the table of all saved results."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from spikesim import plot

    lines = ["python benchmarks/reproduce_burst.py table", ""]
    for size in SIZES:
        for rule in ("burst", "mirrored", "gated", "backpropagation"):
            runs = [
                json.loads(path.read_text(encoding="utf-8"))
                for path in sorted(RESULTS.glob(f"mnist-{size}-{rule}-*.json"))
            ]
            if runs:
                errors = [run["test_error"] for run in runs]
                layers = "-".join(map(str, SIZES[size]))
                lines.append(
                    f"{layers:16} {rule:16} {len(errors)} seeds, {runs[0]['epochs']} epochs: test "
                    f"error {np.mean(errors):.2f} +- {np.std(errors):.2f} % {errors}"
                )
    if (RESULTS / "checks.json").exists():
        lines.append("")
        found = json.loads((RESULTS / "checks.json").read_text(encoding="utf-8"))["found"]
        lines += [f"{name:45} {values}" for name, values in found.items()]
    if (RESULTS / "robustness.json").exists():
        content = json.loads((RESULTS / "robustness.json").read_text(encoding="utf-8"))
        figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained", sharey=True)
        for ax, (varied, label) in zip(axes, LABELS.items(), strict=True):
            for alpha_Z, name in ((0.0, "fixed inhibition"), (1e-3, "learned inhibition")):
                points = [
                    point
                    for point in content["points"]
                    if point["varied"] == varied and point["alpha_Z"] == alpha_Z
                ]
                plot.sweep(
                    [point["value"] for point in points],
                    np.transpose([point["validation_error"] for point in points]),
                    ax,
                    label=name,
                    xlabel=label,
                    ylabel="Validation error (%)",
                    xscale="log",
                )
                for point in points:
                    lines.append(
                        f"{varied} {point['value']:<6g} {name:20} error {point['validation_error']}"
                        f", % saturated {point['saturated']}"
                    )
        figure.savefig(RESULTS / "robustness.png", dpi=150)
    (RESULTS / "table.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("mnist")
    one.add_argument("--network", choices=list(SETTINGS), action="append")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--epochs", type=int, default=EPOCHS)
    robustness = commands.add_parser("robustness")
    robustness.add_argument("--seeds", type=int, default=3)
    robustness.add_argument("--examples", type=int, default=20_000)
    commands.add_parser("checks").add_argument("--seeds", type=int, default=3)
    commands.add_parser("table")
    chosen = parser.parse_args()
    if chosen.command == "mnist":
        for name in chosen.network or list(SETTINGS):
            run_mnist(name, chosen.seed, chosen.epochs)
    elif chosen.command == "robustness":
        run_robustness(chosen.seeds, chosen.examples)
    elif chosen.command == "checks":
        run_checks(chosen.seeds)
    else:
        draw()


if __name__ == "__main__":
    main()
