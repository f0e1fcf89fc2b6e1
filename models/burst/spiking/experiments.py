"""The experiments in spiking neurons: ``spikesim run burst EXPERIMENT``.

A directory of one run holds

    EXPERIMENT.h5       what was measured
    EXPERIMENT.png      its figure
    EXPERIMENT.txt      a table of what was measured beside the authors' program
    spikes.h5           of propagation: all spikes, in the SONATA layout

An experiment is a module with a function ``run(seed, progress, backend, **parameters)``, whose
result has the methods ``comparisons``, ``figure`` and ``save``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from spikesim.checks import check_integer
from spikesim.comparison import comparison_table
from spikesim.errors import FileError
from spikesim.io import runs
from spikesim.models.burst.spiking import (
    exclusive_or,
    learning_rule,
    pairing,
    propagation,
    transfer,
)
from spikesim.models.burst.spiking.exclusive_or_parameters import Parameters as ExclusiveOr

__all__ = ["EXPERIMENTS", "SHORT_RUNS", "Experiment", "add_run_arguments", "run"]

SHORT_RUNS = ("run burst propagation --n=200 --duration=100 --burn_in=10",)
"""Commands that take a moment and compile what longer ones need."""


class Experiment(NamedTuple):
    """What the command line knows of an experiment."""

    text: str
    module: Any
    defaults: Mapping[str, Any]  # of its parameters


EXPERIMENTS = MappingProxyType(
    {
        "pairing": Experiment(
            "given spike trains and the weight between them (figure 2)",
            pairing,
            {"realisations": 20, "duration": 100_000.0},
        ),
        "learning-rule": Experiment(
            "a network whose weights follow its burst probability (figure 2)",
            learning_rule,
            learning_rule.LearningRuleParameters._field_defaults,
        ),
        "propagation": Experiment(
            "two streams through two layers at once (figure 3)",
            propagation,
            {
                **propagation.PropagationParameters._field_defaults,
                "duration": 3000.0,
                "burn_in": 1000.0,
            },
        ),
        "transfer": Experiment(
            "what inhibition makes of a dendritic current (figures S5 and S10)",
            transfer,
            transfer.TransferParameters._field_defaults,
        ),
        "exclusive-or": Experiment(
            "a network that learns exclusive-or (figure 4); 20 minutes, goes on if stopped",
            exclusive_or,
            {"epochs": 500, **ExclusiveOr._field_defaults},
        ),
    }
)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The experiments and the options of each."""
    experiments = parser.add_subparsers(metavar="experiment", required=True)
    for name, experiment in EXPERIMENTS.items():
        added = experiments.add_parser(
            name, help=experiment.text, description=experiment.text, allow_abbrev=False
        )
        added.add_argument("--debug", action="store_true", help="show the traceback of an error")
        added.add_argument("--seed", type=int, default=0)
        added.add_argument("--backend", default="cpu", help="cpu, python, cuda or cuda:1")
        added.add_argument("--out", type=Path, help="the directory; runs/burst-... if not given")
        added.add_argument("--no-progress", action="store_true", help="no progress bar")
        runs.add_parameters(added, experiment.defaults)
        added.set_defaults(experiment=name)


def run(chosen: argparse.Namespace) -> None:
    """Run one experiment; write its results, figure and table."""
    name = chosen.experiment
    seed = check_integer("--seed", chosen.seed, at_least=0)
    given = runs.given_parameters(chosen, EXPERIMENTS[name].defaults)
    with runs.new_run(chosen.out, f"burst-{name}") as directory:
        _run(chosen, seed, given, directory)


def _run(chosen: argparse.Namespace, seed: int, given: dict[str, Any], directory: Path) -> None:
    name = chosen.experiment
    experiment = EXPERIMENTS[name]
    kept, written = directory / f"{name}.h5", directory / f"{name}.txt"
    if name == "exclusive-or":
        # Its file is its checkpoint too.
        given["checkpoint"] = kept
    elif written.exists():  # the last file; a run that failed before it is made again
        raise FileError(f"{directory} holds this experiment already; choose another --out.")
    print(f"Running {name} into {directory}", flush=True)
    result = experiment.module.run(seed, not chosen.no_progress, chosen.backend, **given)
    result.save(kept)
    pictures = runs.Pictures(directory)
    pictures.keep(f"{name}.png", result.figure())
    if name == "propagation":
        result.to_sonata(directory)
    table = comparison_table(result.comparisons())
    runs.write_text(written, table + "\n")
    print(table)
    print(f"See {directory / f'{name}.png'}")
