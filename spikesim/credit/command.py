"""``spikesim compare``: one table of all learning rules.

The directory of a comparison holds

    sweep.h5              all networks and their numbers
    table.txt, table.md   the tables
    learning_curves.png   and other figures
    search/, search.csv   with --tune: everything that was tried
    rules_tuned.json      and what won
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spikesim import credit
from spikesim.checks import check_integer, check_path
from spikesim.credit.rules import families, published, rules_of, tuned
from spikesim.credit.tasks import TASKS
from spikesim.errors import FileError
from spikesim.io import runs

__all__ = ["add_arguments", "run"]

_TABLES = ("table.txt", "table.md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``spikesim compare``."""
    parser.add_argument("--task", choices=list(TASKS), default="digits")
    parser.add_argument(
        "--models",
        nargs="+",
        metavar="RULE",
        help="rules, families of rules, or FILE.py:CLASS; 'all' and by default all. Families: "
        f"{', '.join(sorted(families()))}. Rules: {', '.join(published())}.",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="networks of each rule")
    parser.add_argument("--hidden", metavar="N[,N...]", help="units in each hidden layer")
    parser.add_argument("--epochs", type=int, help="passes through the training images")
    parser.add_argument("--no-depths", action="store_true", help="no networks of 1 to 5 layers")
    parser.add_argument("--tune", action="store_true", help="search the learning rates first")
    parser.add_argument("--trials", type=int, default=20, help="settings that --tune tries")
    parser.add_argument("--out", type=Path, help="the directory; by default runs/TASK-compared")
    parser.add_argument("--workers", type=int, help="networks at a time; by default one per core")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")


def run(chosen: argparse.Namespace) -> int:
    """Tune if asked to, train all networks, write tables and figures; return the exit status."""
    directory = check_path("--out", chosen.out or Path("runs") / f"{chosen.task}-compared")
    for name in ("seeds", "trials", "workers", "epochs"):
        given = getattr(chosen, name)
        if given is not None:
            check_integer(f"--{name}", given, at_least=1)
    common = {
        "hidden": None if chosen.hidden is None else runs.hidden_sizes(chosen.hidden),
        "epochs": chosen.epochs,
        "workers": chosen.workers,
        "progress": not chosen.no_progress,
    }
    rules = rules_of(chosen.models)
    print(f"Comparing {len(rules)} rules on {chosen.task}, in {directory}", flush=True)
    if chosen.tune:
        credit.tune(chosen.task, chosen.models, chosen.trials, directory, **common)
    elif not tuned(chosen.task) and not (directory / credit.TUNED_FILE).exists():
        print(f"Nothing was tuned on {chosen.task}; rates are those of the digits. See --tune.")
    found = credit.compare(
        chosen.task,
        chosen.models,
        chosen.seeds,
        directory,
        depths=not chosen.no_depths,
        **common,
    )
    if not any(found.sweep.finished):
        raise FileError(f"No network could be trained; {directory} says why.")
    for name, text in zip(_TABLES, (found.text(), found.markdown()), strict=True):
        runs.write_text(directory / name, text + "\n")
    pictures = runs.Pictures(directory)
    for name, figure in found.figures().items():
        pictures.keep(name, figure)
    print(found.text())
    print(f"Wrote {', '.join([*_TABLES, *pictures.written])} in {directory}")
    return 0 if all(found.sweep.finished) else 1
