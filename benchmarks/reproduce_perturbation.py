"""What theory says of weight and node perturbation, and digits: results/credit/perturbation.txt.

    python benchmarks/reproduce_perturbation.py

Learning curves and steps to half the error are those of Züge et al. (2023), with one trial that is
learned over and over by examples/perturbation_learning_curves.py. In closed form, the
signal-to-noise ratio of a single change is 1 / sqrt(P + 1) for P weights and biases with noise; for
nodes it is sqrt(sum of H_l g_l) / sqrt(sum of H_l (n_l g + g_l)), H_l = |h_{l-1}|^2 + 1,
g_l = |delta_l|^2, g the sum of all g_l; other options of nodes change it. Digits: 64-30-10, batches
of 10, 30 epochs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from spikesim import datasets
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "results" / "credit" / "perturbation.txt"
sys.path.append(str(ROOT / "examples"))

from perturbation_learning_curves import RULES, Trials  # noqa: E402

CHANGES = {
    "nodes": {},
    "weights": {"perturbed": "weights"},
    "nodes, antithetic": {"baseline": "antithetic"},
    "nodes, normalised": {"normalised": True},
    "activities": {"on": "activity"},
    "activities, no slope": {"on": "activity", "slope": False},
}


def single_changes(draws: int, **options) -> tuple[float, float, float, float]:
    """Cosine and ratio of the mean change and the gradient, and signal-to-noise ratios: measured,
    and of theory. The network is 10-8-4 logistic units.
    """
    net = Perturbation(
        (10, 8, 4), seed=1, dtype="float64", output="logistic", batch=100, eta=1e-6, **options
    )  # so slow that weights stay the same
    x = np.tile(np.random.default_rng(5).random(10), (100, 1))
    t = np.tile(np.eye(4)[1], (100, 1))
    course = []
    for _ in range(draws // 100 + 1):
        course.append(np.concatenate([np.ravel(each) for each in (*net.W, *net.b)]))
        net.learn(x, t)
    changes = np.diff(course, axis=0) / 1e-6
    mean, variance = changes.mean(axis=0), 100.0 * changes.var(axis=0, ddof=1).sum()
    gradient = net.gradient(x[:1], t[:1])
    exact = np.concatenate([np.ravel(each) for each in (*gradient.dW, *gradient.db)])
    g = [(delta**2).sum() for delta in gradient.delta]
    terms = list(zip(net.activities(x[:1]), g, net.sizes[1:], strict=False))
    signal = sum(((h**2).sum() + 1.0) * own for h, own, _ in terms)
    spread = sum(((h**2).sum() + 1.0) * (n * sum(g) + own) for h, own, n in terms)
    expected = np.sqrt(signal / spread)
    if options.get("perturbed") == "weights":
        expected = 1.0 / np.sqrt(len(exact) + 1.0)
    size, exact_size = np.linalg.norm(mean), np.linalg.norm(exact)
    cosine = mean @ exact / (size * exact_size)
    return cosine, size / exact_size, size / np.sqrt(variance), expected


def steps_to_half(rule: str, inputs: int, runs: int) -> tuple[float, float]:
    """Trials until the mean error is half of what it was, and those of theory."""
    task = Trials(rule, inputs, 10, inputs, inputs)
    expected = np.log(2.0) * task.steps
    trials = np.unique(np.round(np.linspace(0.7, 1.3, 9) * expected).astype(int))
    mean = np.mean([task.run(trials) for _ in range(runs)], axis=0)
    return float(np.interp(-np.log(2.0), np.log(mean / 5.0)[::-1], trials[::-1])), expected


def digits(seeds: int) -> Iterator[tuple[str, np.ndarray]]:
    """Test errors in percent, of each seed."""
    data = datasets.load_digits()
    for name, kind, options in (
        ("backpropagation", FeedbackAlignment, {"feedback": "backprop", "eta": 0.2}),
        ("nodes", Perturbation, {**RULES["nodes"], "eta": 0.05}),
        ("weights", Perturbation, {**RULES["weights"], "eta": 0.01}),
    ):
        wrong = []
        for seed in range(seeds):
            net = kind((64, 30, 10), seed=seed, dtype="float64", batch=10, **options)
            net.fit(data.train_images, data.train_labels, epochs=30)
            wrong.append(net.evaluate(data.test_images, data.test_labels))
        yield name, np.array(wrong)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args(arguments)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    say(f"single changes, {chosen.draws} draws  cosine   ratio  signal/noise  theory")
    for name, options in CHANGES.items():
        cosine, ratio, snr, expected = single_changes(chosen.draws, **options)
        say(f"{name:31} {cosine:.4f}  {ratio:6.3f}  {snr:12.4f}  {expected:.4f}")
    trials = (500, 1000, 2000, 2500)
    say(f"\nlearning curves, {chosen.seeds} seeds    " + "".join(f"{n:>16}" for n in trials))
    for least in (0.0, 2.0):
        for rule in RULES:
            tasks = [Trials(rule, least=least, seed=seed) for seed in range(chosen.seeds)]
            mean = np.mean([task.run(trials) for task in tasks], axis=0)
            pairs = zip(mean, tasks[0].theory(trials), strict=True)
            shown = "".join(f"{E:8.3f} ({theory:.3f})" for E, theory in pairs)
            say(f"{rule + f', E_opt {least:g}':31} {shown}")
    say(
        f"\nsteps to half, {chosen.runs} runs       "
        + "".join(f"{10 * n:>16}" for n in (5, 10, 20, 40))
    )
    for rule in RULES:
        pairs = [steps_to_half(rule, inputs, chosen.runs) for inputs in (5, 10, 20, 40)]
        say(f"{rule:31} " + "".join(f"{n:8.1f} ({theory:5.1f})" for n, theory in pairs))
    say(f"\ndigits, {chosen.seeds} seeds                test error, %")
    for name, wrong in digits(chosen.seeds):
        say(f"{name:31} {wrong.mean():.1f} ± {wrong.std(ddof=min(1, len(wrong) - 1)):.1f}")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
