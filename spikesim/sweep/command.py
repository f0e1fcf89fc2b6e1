"""``spikesim sweep MODEL``: sets of parameters from options and files, a table and a figure.

A directory of a sweep holds

    sweep.h5            all sets, and the results or the error of each
    sweep.txt           a table of the final results
    sweep.png           its figure
    set-0000/run.h5 ... the networks, for 'spikesim info', 'plot' and 'resume'

The commands of a model have four methods for a sweep. ``settings(chosen)`` returns everything that
a run depends on, from options; ``check(settings)`` refuses bad settings; ``train_set(settings,
directory)`` trains; and ``result_label(settings)`` names the result 'test_error'. ``LENGTH`` is the
name of the option for the length of training.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spikesim.checks import check_integer, check_path, check_unknown
from spikesim.errors import FileError, InputError
from spikesim.io import runs
from spikesim.io.files import read_bytes
from spikesim.sweep import Sweep, sweep

__all__ = ["add_sweep_arguments", "layers", "run", "shortened"]

_RESULT = "test_error"


def add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``spikesim sweep`` has besides those of ``spikesim train``."""
    options = parser.add_argument_group("sweep; all other options hold for all sets")
    options.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="NAME=V1,V2,...",
        help="values of a parameter, of hidden or of the length of training; all combinations of "
        "several --grid",
    )
    options.add_argument(
        "--list",
        type=Path,
        metavar="FILE",
        help="sets one by one: a JSON list of objects, or CSV with the names in the first line",
    )
    options.add_argument(
        "--seeds", type=int, metavar="N", help="train each set N times, from --seed (0) on"
    )
    options.add_argument("--workers", type=int, help="sets at a time; by default one per core")
    options.add_argument(
        "--threads",
        action="store_true",
        help="threads of one process, which compiles and loads data once",
    )


def shortened(hidden: tuple[int, ...]) -> int | tuple[int, ...]:
    """Sizes of hidden layers as a parameter of a set: a number if there is at most one layer.

    Examples
    --------
    >>> shortened((100,)), shortened(()), shortened((500, 100))
    (100, 0, (500, 100))
    """
    if len(hidden) > 1:
        return hidden
    return hidden[0] if hidden else 0


def layers(hidden: int | tuple[int, ...]) -> tuple[int, ...]:
    """The sizes that were `shortened`.

    Examples
    --------
    >>> layers(100), layers(0), layers((500, 100))
    ((100,), (), (500, 100))
    """
    if isinstance(hidden, tuple):
        return hidden
    return (hidden,) if hidden else ()


def run(chosen: argparse.Namespace, model: Any) -> int:
    """Train all sets; write table and figure; return the exit status."""
    sets = []
    for names, options in _chosen_sets(chosen, model):
        settings = model.settings(options)
        # The options that vary come first, in the order given, as they do in table and figure.
        sets.append({**{name: settings[name] for name in names}, **settings})
    if chosen.workers is not None:
        check_integer("--workers", chosen.workers, at_least=1)
    Sweep(".", sets)  # refuses repeated sets
    checked = set()
    for each in sets:
        key = json.dumps({name: value for name, value in each.items() if name != "seed"})
        if key not in checked:
            model.check(each)
            checked.add(key)
    directory = runs.new_directory(chosen.out, f"{chosen.model}-sweep")
    print(f"Training {len(sets)} networks, in {directory}", flush=True)
    result = sweep(
        model.train_set,
        sets,
        directory,
        executor="threads" if chosen.threads else "processes",
        workers=chosen.workers,
        progress=not chosen.no_progress,
    )
    if any(result.finished):
        table = result.table(_RESULT)
        runs.write_text(directory / "sweep.txt", table + "\n")
        axes = result.figure(_RESULT, model.result_label(sets[0]))
        runs.Pictures(directory).keep("sweep.png", axes.figure)
        print(table)
        print(f"See {directory / 'sweep.png'}")
    return 0 if all(result.finished) else 1


def _chosen_sets(
    chosen: argparse.Namespace, model: Any
) -> Iterator[tuple[list[str], argparse.Namespace]]:
    """The names of the options that vary, and the options of every set."""
    if chosen.list is not None and chosen.grid:
        raise InputError("--list and --grid are both given; write whole sets into the list.")
    texts = _combinations(chosen.grid) if chosen.list is None else read_sets(chosen.list)
    names = list(texts[0])
    whole = (model.LENGTH, "seed")
    check_unknown("parameter", names, [*model.DEFAULTS, "hidden", *whole])
    for name in names:
        if name != "seed" and getattr(chosen, name) is not None:
            raise InputError(f"--{name} is given, but differs between sets; leave it out.")
    if chosen.seeds is not None:
        count = check_integer("--seeds", chosen.seeds, at_least=1, at_most=10**6)
        if "seed" in names:
            raise InputError("--seeds is given, but the sets have seeds; leave one of them out.")
        seeds = range(chosen.seed, chosen.seed + count)
        texts = [{**each, "seed": str(seed)} for each in texts for seed in seeds]
    elif not names:
        raise InputError("Nothing varies; give --grid NAME=V1,V2,..., --list FILE or --seeds N.")
    for each in texts:
        numbers = {name: _whole(name, text) for name, text in each.items() if name in whole}
        yield names, argparse.Namespace(**{**vars(chosen), **each, **numbers})


def _combinations(given: list[str]) -> list[dict[str, str]]:
    values: dict[str, list[str]] = {}
    for text in given:
        name, equals, listed = text.partition("=")
        if not name or not equals or not all(part.strip() for part in listed.split(",")):
            raise InputError(f"--grid is {text!r}; it has to be like NAME=V1,V2,...")
        if name in values:
            raise InputError(f"--grid has {name} twice; give all its values at once.")
        values[name] = [part.strip() for part in listed.split(",")]
    return [
        dict(zip(values, combination, strict=True))
        for combination in itertools.product(*values.values())
    ]


def read_sets(path: Path) -> list[dict[str, str]]:
    try:
        text = read_bytes(check_path("--list", path)).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"{path} cannot be read: it is not a text file; check --list.") from None
    if path.suffix.lower() == ".csv":
        return _of_csv(path, text)
    try:
        listed = json.loads(text)
    except ValueError as error:
        raise FileError(f"{path} is not JSON ({error}); a CSV file has to end in .csv.") from None
    if (
        not isinstance(listed, list)
        or not listed
        or not all(isinstance(each, dict) and each for each in listed)
    ):
        raise FileError(f'{path} has to hold a list of objects, such as [{{"alpha": 0.1}}, ...].')
    return _same_names(path, [_as_texts(path, each) for each in listed])


def _of_csv(path: Path, text: str) -> list[dict[str, str]]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 2:
        raise FileError(f"{path} has to hold a line of names and at least one of values.")
    names = [name.strip() for name in rows[0]]
    for row in rows[1:]:
        if len(row) != len(names):
            raise FileError(f"{path}: a line has {len(row)} values for {len(names)} names: {row}.")
    return [
        {name: value.strip() for name, value in zip(names, row, strict=True)} for row in rows[1:]
    ]


def _same_names(path: Path, sets: list[dict[str, str]]) -> list[dict[str, str]]:
    for each in sets:
        if set(each) != set(sets[0]):
            raise FileError(
                f"{path}: all sets need the same names; one has {', '.join(sets[0])}, another "
                f"{', '.join(each)}."
            )
    return sets


def _as_texts(path: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Values as a user would write them after an option."""
    texts = {}
    for name, value in given.items():
        items = value if isinstance(value, list) else [value]
        if not items or any(isinstance(item, (dict, list)) for item in items):
            raise FileError(
                f"{path}: {name} is {value!r}; it has to be a value, or a list of numbers."
            )
        texts[name] = ",".join(str(item) for item in items)
    return texts


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"--{name} is {text!r}; it has to be a whole number.") from None
