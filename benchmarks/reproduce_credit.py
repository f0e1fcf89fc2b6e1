"""Test errors of all ways to assign credit, on the digits: results/credit/digits.txt.

    python benchmarks/reproduce_credit.py --work DIRECTORY

Every row is a network of 64-100-10 units and gets the same effort of tuning: its two learning rates
are drawn 20 times from two decades and tried on the last fifth of the training images. What was
tried is in results/credit/digits_search.csv. The rates with the fewest errors, averaged over the
last three epochs of three seeds, then learn all training images with five other seeds. The table
has the mean and the deviation over them, each again the mean of its last three epochs. The angle is
that of the first layer's update to `gradient`, for 100 test images. The directory keeps what is
done; the same command continues.
"""

from __future__ import annotations

import argparse
import csv
import inspect
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from spikesim import SimulationError, datasets
from spikesim.image_runs import model_class
from spikesim.learning import alignment
from spikesim.models import MODELS
from spikesim.sweep import Sweep, sweep

OUT = Path(__file__).resolve().parent.parent / "results" / "credit"
SIZES = (64, 100, 10)
TRIALS = 20
TRIED = (101, 102, 103)
SEEDS = (1, 2, 3, 4, 5)


class Row(NamedTuple):
    """A model with its options: `hidden` and `output` are the largest rates that are tried."""

    model: str
    options: dict[str, Any]
    epochs: int
    hidden: float
    output: float


ROWS = {
    "backpropagation": Row("feedback-alignment", {"feedback": "backprop"}, 20, 1.0, 0.3),
    "feedback alignment": Row("feedback-alignment", {"feedback": "random"}, 20, 1.0, 0.3),
    "direct feedback alignment": Row("feedback-alignment", {"feedback": "direct"}, 20, 1.0, 0.3),
    "sign-symmetric": Row("feedback-alignment", {"feedback": "sign"}, 20, 1.0, 0.3),
    "Kolen-Pollack": Row("feedback-alignment", {"feedback": "kolen_pollack"}, 20, 1.0, 0.3),
    "weight mirror": Row(
        "feedback-alignment", {"feedback": "mirror", "mirror_decay": 0.01}, 20, 1.0, 0.3
    ),
    "equilibrium propagation": Row("equilibrium", {"batch": 20}, 20, 1.0, 1.0),
    "the same, symmetric": Row(
        "equilibrium", {"batch": 20, "estimator": "symmetric"}, 20, 1.0, 1.0
    ),
    "the same, prototypical": Row(
        "equilibrium",
        {
            **{"form": "prototypical", "activation": "sigmoid4", "estimator": "symmetric"},
            **{"batch": 20, "beta": 0.5, "n_free": 20, "n_nudged": 10},
        },
        20,
        3.0,
        3.0,
    ),
    "GeneRec, random feedback": Row("clamped", {"batch": 10}, 20, 10.0, 1.0),
    "contrastive Hebbian, symmetric": Row(
        "clamped", {"batch": 10, "rule": "chl", "feedback": "symmetric"}, 20, 10.0, 1.0
    ),
    "node perturbation": Row("perturbation", {"batch": 10}, 30, 0.3, 0.3),
    "weight perturbation": Row(
        "perturbation", {"batch": 10, "perturbed": "weights", "noise_per": "batch"}, 30, 0.1, 0.1
    ),
    "REINFORCE": Row(
        "reward", {"entropy": 0.2, "baseline": "global", "kappa": 0.01}, 300, 1.0, 0.1
    ),
    "output only": Row("feedback-alignment", {"feedback": "none"}, 20, 1.0, 0.3),
}


def rates(row: Row, trial: int) -> tuple[float, float]:
    """The learning rates of a trial, log-uniform over two decades."""
    low = np.random.default_rng([2026, trial]).uniform(-2.0, 0.0, 2)
    return float(row.hidden * 10.0 ** low[0]), float(row.output * 10.0 ** low[1])


def build(row: Row, hidden: float, output: float, seed: int) -> Any:
    """A network of a row."""
    eta = (*[hidden] * (len(SIZES) - 2), output)
    return model_class(MODELS[row.model].where)(SIZES, seed=seed, eta=eta, **row.options)


def search(parameters: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The error on validation images with some rates; 100 where learning diverges."""
    row, digits = ROWS[parameters["row"]], datasets.load_digits()
    hidden, output = rates(row, parameters["trial"])
    images, labels = digits.train_images, digits.train_labels
    kept = len(images) * 4 // 5
    held_out = images[kept:], labels[kept:]
    errors = []
    for seed in TRIED:
        net = build(row, hidden, output, seed)
        try:
            net.fit(images[:kept], labels[:kept], row.epochs - 3)
            net.fit(images[:kept], labels[:kept], 3, validation=held_out)
            errors += net.history["test_error"][-3:]
        except SimulationError:
            errors.append(100.0)
    return {"hidden": hidden, "output": output, "error": float(np.mean(errors))}


def final(parameters: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The error on test images with the rates that were best, and how the rule then learns."""
    row, digits = ROWS[parameters["row"]], datasets.load_digits()
    net = build(row, parameters["hidden"], parameters["output"], parameters["seed"])
    data = digits.train_images, digits.train_labels
    began = perf_counter()
    net.fit(*data, row.epochs - 3)
    net.fit(*data, 3, validation=(digits.test_images, digits.test_labels))
    seconds = perf_counter() - began
    x, labels = digits.test_images[:100], digits.test_labels[:100]
    return {
        "error": float(np.mean(net.history["test_error"][-3:])),
        "angle": float(alignment.update_angle(net, x, labels)[0]),
        "seconds": seconds,
    }


def best_of(tried: Sweep, row: str) -> tuple[float, float]:
    """The rates of the trial with the fewest errors."""
    own = np.flatnonzero(tried.parameters["row"] == row)
    k = own[np.argmin(tried.values["error"][own])]
    return float(tried.values["hidden"][k]), float(tried.values["output"][k])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__).splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--work", type=Path, required=True, help="keeps what is done")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)

    lines = [
        f"{'digits, 64-100-10':34} {'test error, %':14} {'epochs':>6} {'seconds':>8} "
        f"{'angle':>6}  rates, hidden and output"
    ]
    records = []
    for name in chosen.rows:
        place = chosen.work / name.replace(" ", "-").replace(",", "")
        sets = [{"row": name, "trial": trial} for trial in range(TRIALS)]
        tried = sweep(search, sets, place / "search")
        columns = (tried.values[key] for key in ("hidden", "output", "error"))
        records += [[name, *map(float, each)] for each in zip(*columns, strict=True)]
        hidden, output = best_of(tried, name)
        again = [{"row": name, "hidden": hidden, "output": output, "seed": seed} for seed in SEEDS]
        found = sweep(final, again, place / "final").values
        error = f"{np.mean(found['error']):.1f} ± {np.std(found['error'], ddof=1):.1f}"
        lines.append(
            f"{name:34} {error:14} {ROWS[name].epochs:6} {np.median(found['seconds']):8.1f} "
            f"{np.mean(found['angle']):6.0f}  {hidden:.3g}, {output:.3g}"
        )
        print(lines[-1], flush=True)
    (chosen.out / "digits.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (chosen.out / "digits_search.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "rate of hidden units", "rate of output", "validation error, %"])
        writer.writerows([name, *(f"{x:.4g}" for x in each)] for name, *each in records)


if __name__ == "__main__":
    main()
