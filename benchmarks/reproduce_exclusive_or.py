"""Exclusive-or in bursting neurons (Payeur et al. 2021, figure 4): does the network learn it?

    python benchmarks/reproduce_exclusive_or.py run --seed 1     about 20 minutes; goes on if killed
    python benchmarks/reproduce_exclusive_or.py table

2,500 neurons, four patterns of 8 s an epoch. `run` writes a checkpoint beside the result, a small
JSON file in results/burst; `table` draws all of them. A network has learned the task when its
output fires below 6 Hz for 00 and 11 and above 6 Hz for 10 and 01.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from spikesim.models.burst.spiking import ExclusiveOrNetwork

RESULTS = Path(__file__).resolve().parent.parent / "results" / "burst"
PATTERNS = ("00", "10", "01", "11")
THRESHOLD = 6.0  # Hz
AVERAGED = 10  # epochs at the end that a rate is the mean of


def keep(net: ExclusiveOrNetwork, name: str) -> None:
    """Write what is needed to draw the run."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {
        "seed": net.seed,
        "epochs": net.epoch,
        "cost": [round(float(cost), 3) for cost in net.history["cost"]],
        "output_rate": [[round(float(x), 2) for x in row] for row in net.history["output_rate"]],
    }
    path = RESULTS / f"exclusive-or-{name}.json"
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def run(seed: int, epochs: int, checkpoint: Path) -> None:
    """Train, or go on training, one network."""
    net = (
        ExclusiveOrNetwork.load(checkpoint)
        if checkpoint.exists()
        else ExclusiveOrNetwork(seed=seed)
    )
    while net.epoch < epochs:
        net.fit(min(10, epochs - net.epoch), checkpoint=checkpoint)
        keep(net, str(seed))
        print(f"epoch {net.epoch}: cost {net.history['cost'][-1]:.3f}", flush=True)
    keep(net, str(seed))


def table() -> None:
    """Print one line per seed and draw the curves."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    lines = ["python benchmarks/reproduce_exclusive_or.py table", ""]
    lines.append("seed  epochs  cost   output event rate (Hz), last 10 epochs: 00, 10, 01, 11")
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(5.0, 4.4), sharex=True, layout="constrained"
    )
    colours = ("#000000", "#D55E00", "#E69F00", "#0072B2")
    solved = 0
    runs = sorted(RESULTS.glob("exclusive-or-*.json"))
    for path in runs:
        content = json.loads(path.read_text(encoding="utf-8"))
        rates = np.array(content["output_rate"])
        cost = np.array(content["cost"])
        epochs = np.arange(1, len(cost) + 1)
        last = rates[-AVERAGED:].mean(axis=0)
        right = (last[[0, 3]] < THRESHOLD).all() and (last[[1, 2]] > THRESHOLD).all()
        solved += int(right)
        shown = ", ".join(f"{rate:.2f}" for rate in last)
        lines.append(
            f"{content['seed']:<6}{content['epochs']:<8}{cost[-AVERAGED:].mean():<7.2f}{shown}"
            f"  {'solved' if right else 'not solved'}"
        )
        for k, (pattern, colour) in enumerate(zip(PATTERNS, colours, strict=True)):
            label = pattern if path == runs[0] else None
            above.plot(epochs, rates[:, k], color=colour, linewidth=0.9, alpha=0.8, label=label)
        below.plot(epochs, cost, color="#000000", linewidth=0.9, alpha=0.8)
    lines.append(f"{solved} of {len(runs)} solved (epoch cost of chance 2.77)")
    above.axhline(THRESHOLD, color="#777777", linewidth=0.8, linestyle="--")
    above.set_ylabel("Output event rate (Hz)")
    above.legend(title="input", frameon=False, ncols=4, loc="lower left")
    above.set_ylim(bottom=0.0)
    below.axhline(4.0 * np.log(2.0), color="#777777", linewidth=0.8, linestyle="--")
    below.set_ylabel("Cost of an epoch")
    below.set_xlabel("Epoch")
    below.set_ylim(bottom=0.0)
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "exclusive_or.png", dpi=150)
    (RESULTS / "exclusive_or.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--epochs", type=int, default=500)
    one.add_argument("--checkpoint", type=Path, help="results/burst/exclusive-or-SEED.h5")
    commands.add_parser("table")
    chosen = parser.parse_args()
    if chosen.command == "table":
        table()
    else:
        beside = RESULTS / f"exclusive-or-{chosen.seed}.h5"
        run(chosen.seed, chosen.epochs, chosen.checkpoint or beside)


if __name__ == "__main__":
    main()
