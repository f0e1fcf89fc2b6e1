"""Exclusive-or in bursting neurons (Payeur et al. 2021, figure 4): does the network learn it?

    python benchmarks/reproduce_exclusive_or.py run --seed 1     20 minutes; continues if killed
    python benchmarks/reproduce_exclusive_or.py run --no-teacher  the control
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
from spikesim.models.burst.spiking.exclusive_or import CHANCE, PATTERNS, THRESHOLD

RESULTS = Path(__file__).resolve().parent.parent / "results" / "burst"
AVERAGED = 10  # a rate is the mean over so many epochs at the end


def keep(net: ExclusiveOrNetwork, name: str) -> None:
    """Save the data that is needed to draw the run."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {
        "seed": net.seed,
        "epoch": net.history["epoch"],
        "cost": [round(float(cost), 3) for cost in net.history["cost"]],
        "output_rate": [[round(float(x), 2) for x in row] for row in net.history["output_rate"]],
    }
    path = RESULTS / f"exclusive-or-{name}.json"
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def run(seed: int, epochs: int, checkpoint: Path, teacher: bool) -> None:
    """Train one network, or continue its training."""
    net = (
        ExclusiveOrNetwork.load(checkpoint)
        if checkpoint.exists()
        else ExclusiveOrNetwork(seed=seed, teacher=teacher)
    )
    name = str(seed) if teacher else f"control-{seed}"
    while net.epoch < epochs:
        net.fit(min(10, epochs - net.epoch), checkpoint=checkpoint)
        keep(net, name)
        print(f"epoch {net.epoch}: cost {net.history['cost'][-1]:.3f}", flush=True)
    keep(net, name)


def table() -> None:
    """Print one line per run and draw the curves; runs without a teacher are controls."""
    import matplotlib as mpl

    mpl.use("Agg")
    from spikesim import plot

    lines = ["python benchmarks/reproduce_exclusive_or.py table", ""]
    lines.append("run      epochs  cost   output event rate (Hz), last 10 epochs: 00, 10, 01, 11")
    learned, solved = [], 0
    for path in sorted(RESULTS.glob("exclusive-or-*.json")):
        history = json.loads(path.read_text(encoding="utf-8"))
        name = path.stem.removeprefix("exclusive-or-")
        last = np.mean(history["output_rate"][-AVERAGED:], axis=0)
        cost = np.mean(history["cost"][-AVERAGED:])
        right = (last[[0, 3]] < THRESHOLD).all() and (last[[1, 2]] > THRESHOLD).all()
        if name.isdigit():
            learned.append(history)
            solved += int(right)
        shown = ", ".join(f"{rate:.2f}" for rate in last)
        lines.append(
            f"{name:<9}{history['epoch'][-1]:<8}{cost:<7.2f}{shown}"
            f"  {'solved' if right else 'not solved'}"
        )
    lines.append(f"{solved} of {len(learned)} seeds solved (cost of chance {CHANCE:.2f})")
    names = ["{}{}".format(*bits) for bits in PATTERNS]
    axes = plot.pattern_rates(learned, names, threshold=THRESHOLD, chance=CHANCE)
    axes[0].figure.savefig(RESULTS / "exclusive_or.png", dpi=150)
    (RESULTS / "exclusive_or.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--epochs", type=int, default=500)
    one.add_argument("--checkpoint", type=Path, help="results/burst/exclusive-or-SEED.h5")
    one.add_argument("--no-teacher", action="store_true", help="the control")
    commands.add_parser("table")
    chosen = parser.parse_args()
    if chosen.command == "table":
        table()
    else:
        name = f"control-{chosen.seed}" if chosen.no_teacher else str(chosen.seed)
        beside = RESULTS / f"exclusive-or-{name}.h5"
        run(chosen.seed, chosen.epochs, chosen.checkpoint or beside, not chosen.no_teacher)


if __name__ == "__main__":
    main()
