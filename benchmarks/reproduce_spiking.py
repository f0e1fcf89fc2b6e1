"""The experiments with bursting neurons of Payeur et al. (2021), beside the authors' programs.

    python benchmarks/reproduce_spiking.py pairing            figure 2, given spike trains
    python benchmarks/reproduce_spiking.py learning-rule      figure 2, a network
    python benchmarks/reproduce_spiking.py propagation        figure 3
    python benchmarks/reproduce_spiking.py transfer           figures S5 and S10
    python benchmarks/reproduce_spiking.py first-epoch        figure 4, before anything is learned

Each writes a table of means over seeds, and a figure of the first seed, to results/burst. If a
single seed leaves the bounds, its number is given below the table. All of them take about 10
minutes; `reproduce_exclusive_or.py` has the learning of figure 4.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikesim.comparison import Comparison, comparison_table
from spikesim.models.burst.spiking import (
    ExclusiveOrNetwork,
    learning_rule,
    pairing,
    propagation,
    transfer,
)

RESULTS = Path(__file__).resolve().parent.parent / "results" / "burst"
SEEDS = {"pairing": 5, "learning-rule": 3, "propagation": 5, "transfer": 3, "first-epoch": 5}
MODULES = {"pairing": pairing, "learning-rule": learning_rule, "transfer": transfer}
PATTERNS = ("00", "10", "01", "11")

# Figure 4 by the authors' program, seed 1, 500 neurons a population: event rates (Hz) before
# learning, and by how much the teacher moves the burst probability in the first epoch.
RATES = {
    "hidden_1": (2.82, 4.40, 4.33, 4.99),
    "hidden_2": (2.84, 4.38, 4.29, 4.96),
    "output": (3.75, 4.61, 4.66, 4.98),
}
MOVES = {
    "output": (-0.136, 0.364, 0.312, -0.231),
    "hidden_1": (-0.051, 0.162, 0.132, -0.107),
    "hidden_2": (0.099, -0.112, -0.117, 0.116),
}
LEAST = {"output": (0.10, 0.25), "hidden_1": (0.05, 0.05), "hidden_2": (0.05, 0.05)}


def first_epoch(seed: int) -> list[Comparison]:
    """Rates and burst probabilities of the network that will learn exclusive-or."""
    history = ExclusiveOrNetwork(seed=seed).fit(1)
    rows = []
    for name, reference in RATES.items():
        for k, pattern in enumerate(PATTERNS):
            ours = history[f"{name}_rate"][0][k]
            bounds = 0.85 * reference[k], 1.15 * reference[k]
            rows.append(
                Comparison(f"{name}, {pattern}: event rate (Hz)", ours, reference[k], *bounds)
            )
    for name, reference in MOVES.items():
        before = history[f"{name}_burst_probability"][0]
        taught = history[f"{name}_taught_burst_probability"][1]
        for k, pattern in enumerate(PATTERNS):
            move = taught[k] - before[k]
            less, more = LEAST[name]
            low, high = (-np.inf, -less) if reference[k] < 0.0 else (more, np.inf)
            what = f"{name}, {pattern}: teacher moves the burst probability by"
            rows.append(Comparison(what, move, reference[k], low, high))
    return rows


def mean_of(tables: Sequence[Sequence[Comparison]]) -> str:
    """A table of means over seeds, and the bounds that single seeds miss."""
    rows, missed = [], []
    for several in zip(*tables, strict=True):
        ours = [row.ours for row in several]
        rows.append(several[0]._replace(ours=float(np.mean(ours))))
        if not all(row.holds for row in several):
            shown = ", ".join(f"{value:.4g}" for value in ours)
            missed.append(f"{several[0].quantity}: {shown}")
    lines = [comparison_table(rows)]
    if missed:
        lines += ["", "Not within bounds for every seed:", *missed]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("experiment", choices=list(SEEDS))
    parser.add_argument("--seeds", type=int, help="how many")
    chosen = parser.parse_args()
    name = chosen.experiment
    count = chosen.seeds or SEEDS[name]
    seeds = range(1, count + 1)
    if name == "first-epoch":
        figure, table = None, mean_of([first_epoch(seed) for seed in seeds])
    elif name == "propagation":
        # As in the authors' figure, correlations are those of the mean over seeds.
        runs = [propagation.run(seed) for seed in seeds]
        figure, table = runs[0].figure(), comparison_table(propagation.compare(runs))
    else:
        results = [MODULES[name].run(seed, progress=True) for seed in seeds]
        figure, table = results[0].figure(), mean_of([each.comparisons() for each in results])
    text = f"python benchmarks/reproduce_spiking.py {name} --seeds {count}\n\n{table}\n"
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")
    if figure is not None:
        figure.savefig(RESULTS / f"{name}.png", dpi=150)
    print(text)


if __name__ == "__main__":
    main()
