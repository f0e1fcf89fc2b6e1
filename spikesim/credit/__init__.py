"""One table of all learning rules: the same task, the same protocol, the same effort of tuning.

| module     | holds                                                               |
|------------|---------------------------------------------------------------------|
| `rules`    | which model with which options is which rule, and its tuned rates   |
| `tasks`    | data, networks and lengths of training                              |
| `protocol` | how a rule is trained, tuned and measured                           |
| `table`    | what was found, as tables and figures                               |
| `command`  | ``spikesim compare``                                                |
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.checks import check_choice, check_integer, check_path, show
from spikesim.credit.protocol import DEPTHS, TUNING_SEEDS, drawn, search_set, settled, train_set
from spikesim.credit.rules import Rule, Settings, rules_of, tuned
from spikesim.credit.table import Compared
from spikesim.credit.tasks import data_of, task_of
from spikesim.errors import FileError, InputError
from spikesim.io import runs
from spikesim.io.files import read_bytes
from spikesim.progress import Progress
from spikesim.sweep import Sweep, sweep

__all__ = ["Compared", "compare", "tune"]

TUNED_FILE = "rules_tuned.json"
MOST = 10_000  # seeds, trials or epochs
_SHORT = 4  # networks of several depths learn for a fourth of the epochs


def compare(
    task: str = "digits",
    rules: Sequence[str] | None = None,
    seeds: int = 5,
    out: str | Path = "compare",
    *,
    hidden: Sequence[int] | None = None,
    epochs: int | None = None,
    depths: bool = True,
    executor: Executor | str | None = None,
    workers: int | None = None,
    progress: bool | Progress = True,
) -> Compared:
    """Train every learning rule on the same task, and measure what it learns from.

    The directory has all numbers (``sweep.h5``) and a checkpoint of every network. Whatever stops
    the comparison, the same call continues. A call with more rules after the same ones adds them.

    Parameters
    ----------
    task : {'digits', 'mnist-10k', 'mnist', 'fashion', 'yin-yang', 'teacher'}
    rules : sequence of str, optional
        Names of rules or families, or classes in files, ``"my_file.py:MyModel"``; by default all
        rules of the package.
    seeds : int
        Networks of each rule; they begin with seeds 1, 2, ...
    out : str or Path
        The directory. If `tune` has been called with it, its settings are used; otherwise those of
        the package, for the task or else for the digits.
    hidden : sequence of int, optional
        Units of the hidden layers, instead of those of the task.
    epochs : int, optional
        Passes through the training images, instead of those of the task; rules that need more take
        a multiple.
    depths : bool
        Whether networks of 1 to 5 hidden layers show how angles depend on depth.
    executor, workers, progress
        As in `spikesim.sweep.sweep`.

    Returns
    -------
    Compared

    Raises
    ------
    InputError
        If a task, rule or number is impossible; nothing is trained by then.
    FileError
        If data are missing, or the directory holds another comparison.

    Examples
    --------
    >>> short = {"seeds": 1, "epochs": 1, "depths": False, "executor": "threads"}
    >>> found = compare("teacher", ["backpropagation"], out="runs/teacher", **short)
    >>> found.of("backpropagation", "cosine").round(6)
    array([[1., 1.]])
    """
    task_of(task)
    place, chosen = check_path("out", out), rules_of(rules)
    check_integer("seeds", seeds, at_least=1, at_most=MOST)
    check_choice("depths", depths, [True, False])
    known = [_tuned_in(place), tuned(task), tuned("digits")]
    sets: list[dict[str, Any]] = []
    for rule in chosen:
        given = _given(task, rule, hidden, epochs)
        settings = settled(rule, task, known)
        _check(rule, given, settings)
        given["settings"] = json.dumps(settings)
        sets += [{**given, "part": "table", "seed": seed} for seed in range(1, seeds + 1)]
        if depths:
            width, short = task_of(task).deep, max(1, given["epochs"] // _SHORT)
            sets += [
                {**given, "hidden": (width,) * depth, "epochs": short, "part": "depth", "seed": 1}
                for depth in DEPTHS
            ]
    found = sweep(train_set, sets, place, executor=executor, workers=workers, progress=progress)
    return Compared(found, chosen, task)


def tune(
    task: str = "digits",
    rules: Sequence[str] | None = None,
    trials: int = 20,
    out: str | Path = "compare",
    *,
    hidden: Sequence[int] | None = None,
    epochs: int | None = None,
    networks: int = len(TUNING_SEEDS),
    executor: Executor | str | None = None,
    workers: int | None = None,
    progress: bool | Progress = True,
) -> dict[str, Settings]:
    """Search the learning rates of every rule, with the same effort for all.

    Each trial draws all rates of a rule log-uniformly between the bounds of its search, trains some
    networks without every fifth of the training images, and tests them on it. The trial with the
    fewest errors wins. The directory keeps everything that was tried in ``search.csv``, and what
    won in ``rules_tuned.json``, from where `compare` takes it.

    Parameters
    ----------
    task, rules, out, hidden, epochs, executor, workers, progress
        As in `compare`.
    trials : int
        How many settings are tried.
    networks : int
        How many networks learn with each, at most three.

    Returns
    -------
    dict of str to dict
        Rule → settings.

    Raises
    ------
    InputError
        If a task, rule or number is impossible.
    FileError
        If data are missing, or the directory holds another search.

    Examples
    --------
    >>> tune("teacher", ["backpropagation"], trials=0)
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: trials is 0; it has to be a whole number at least 1 ...
    """
    task_of(task)
    place, chosen = check_path("out", out), rules_of(rules)
    check_integer("trials", trials, at_least=1, at_most=MOST)
    check_integer("networks", networks, at_least=1, at_most=len(TUNING_SEEDS))
    sets: list[dict[str, Any]] = []
    for rule in chosen:
        given = {**_given(task, rule, hidden, epochs), "networks": networks}
        _check(rule, given, rule.untuned())
        sets += [{**given, "trial": trial} for trial in range(trials)]
    tried = sweep(
        search_set, sets, place / "search", executor=executor, workers=workers, progress=progress
    )
    best = {rule.name: _best(tried, rule) for rule in chosen}
    kept = {**_tuned_in(place), **{name: each for name, each in best.items() if each}}
    runs.write_text(place / TUNED_FILE, json.dumps(kept, indent=1) + "\n")
    runs.write_text(place / "search.csv", _tried(tried, chosen))
    return best


def _given(
    task: str, rule: Rule, hidden: Sequence[int] | None, epochs: int | None
) -> dict[str, Any]:
    """What the sets of a rule have in common."""
    of_task = task_of(task)
    layers = of_task.hidden
    if hidden is not None:
        if not isinstance(hidden, (list, tuple)) or not hidden:
            raise InputError(f"hidden is {show(hidden)}; it has to be sizes, such as [100, 50].")
        layers = tuple(check_integer("hidden", n, at_least=1, at_most=10**6) for n in hidden)
    passes = of_task.epochs
    if epochs is not None:
        passes = check_integer("epochs", epochs, at_least=1, at_most=MOST)
    return {"rule": rule.name, "task": task, "hidden": layers, "epochs": rule.epochs(passes)}


def _check(rule: Rule, given: dict[str, Any], settings: Settings) -> None:
    """Refuse a rule from which no network can be made, before anything is trained."""
    data = data_of(given["task"])
    rule.network((data.train_images.shape[1], *given["hidden"], data.n_classes), 0, settings)


def _best(tried: Sweep, rule: Rule) -> Settings:
    """The settings with the fewest errors; none if nothing is tuned, or all trials failed."""
    own = np.flatnonzero(tried.parameters["rule"] == rule.name)
    errors = tried.values.get("validation_error", np.full(len(tried.sets), np.nan))[own]
    if np.isnan(errors).all():
        return {}
    k = own[int(np.nanargmin(errors))]
    return {name: float(tried.values[name][k]) for name in rule.search}


def _tuned_in(place: Path) -> dict[str, Settings]:
    """What `tune` has found in a directory."""
    path = place / TUNED_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_bytes(path))
        return {
            name: {key: float(value) for key, value in settings.items()}
            for name, settings in found.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is damaged ({error}); remove it, and tune again.") from None


def _tried(tried: Sweep, rules: Sequence[Rule]) -> str:
    """Every trial as a line of CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rule", "settings", "validation error, %", "seconds"])
    named = {rule.name: rule for rule in rules}
    errors = tried.values.get("validation_error", np.full(len(tried.sets), np.nan))
    for k, each in enumerate(tried.sets):
        chosen = drawn(named[each["rule"]], each["trial"])
        settings = " ".join(f"{name}={value:g}" for name, value in chosen.items())
        error = f"{errors[k]:.4g}" if tried.finished[k] else tried.errors[k]
        writer.writerow([each["rule"], settings, error, f"{tried.seconds[k]:.1f}"])
    return text.getvalue()
