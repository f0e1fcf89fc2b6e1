"""The sets of a sweep and their results: a file, a table, a figure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Future,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_name, check_path, check_unknown, show
from spikesim.errors import FileError, InputError
from spikesim.extras import needed
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    from matplotlib.axes import Axes

__all__ = [
    "DIED",
    "REPEATED",
    "SWEEP_FILE",
    "Sweep",
    "aligned",
    "check_sets",
    "named",
    "one_line",
    "present",
]

SWEEP_FILE = "sweep.h5"
"""The file with the table, in the directory of a sweep."""

REPEATED = "seed"  # sets that differ in nothing else are repetitions
DIED = "a worker process died before this set was finished"
_WIDE = 30.0  # an axis is logarithmic if the largest value is so many times the smallest


class Sweep:
    """Sets of parameters, and their results.

    Attributes
    ----------
    directory : Path
    sets : list of dict
    finished : list of bool
        One per set, like the next two.
    errors : list of str
        Type and message if a set failed, or ''.
    seconds : list of float
        How long each took the last time it was run.

    Examples
    --------
    >>> from spikesim.sweep import grid, sweep
    >>> def train(parameters, directory):
    ...     return {"cost": 1.0 / parameters["n"], "costs": [1.0, 1.0 / parameters["n"]]}
    >>> result = sweep(train, grid(n=[0, 1, 2]), "runs/costs", executor="threads", workers=1)
    >>> again = Sweep.load("runs/costs")
    >>> again.errors
    ['ZeroDivisionError: float division by zero', '', '']
    >>> again.values["cost"]
    array([nan, 1. , 0.5])
    >>> again.values["costs"].shape
    (3, 2)
    """

    def __init__(self, directory: str | Path, sets: Sequence[Mapping[str, Any]]):
        self.directory = Path(directory)
        self.sets = check_sets(sets)
        self.finished = [False] * len(sets)
        self.errors = [""] * len(sets)
        self.seconds = [0.0] * len(sets)
        self._results: list[dict[str, Any]] = [{} for _ in sets]

    def __repr__(self) -> str:
        return f"<Sweep in {self.directory}: {sum(self.finished)} of {len(self.sets)} finished>"

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name → array with the value of each set."""
        return {name: _column([each[name] for each in self.sets]) for name in self.sets[0]}

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Name → array, shape (sets,), or (sets, longest) for lists; NaN marks a missing value."""
        names = dict.fromkeys(name for each in self._results for name in each)
        return {name: _padded([each.get(name) for each in self._results]) for name in names}

    @property
    def varied(self) -> list[str]:
        """The parameters, apart from the seed, in which sets differ."""
        first = self.sets[0]
        return [
            name
            for name in first
            if name != REPEATED and any(each[name] != first[name] for each in self.sets)
        ]

    def save(self) -> None:
        """Write ``sweep.h5``, all or nothing."""
        parameters = {
            name: column if column.dtype.kind in "bif" else [_text(value) for value in column]
            for name, column in self.parameters.items()
        }
        tree = {
            "sets": [json.dumps(each) for each in self.sets],
            "finished": np.array(self.finished),
            "errors": self.errors,
            "seconds": np.array(self.seconds),
            "parameters": parameters,
            "values": self.values,
        }
        with atomic_file(self.directory / SWEEP_FILE) as file:
            stamp(file, "sweep")
            write_tree(file, tree)

    @classmethod
    def load(cls, directory: str | Path) -> Sweep:
        """Read the table of a sweep, finished or not.

        Parameters
        ----------
        directory : str or path
            Where `sweep` wrote it.

        Raises
        ------
        FileError
            If the file is missing or damaged.
        """
        path = check_path("directory", directory) / SWEEP_FILE
        with open_file(path, "sweep") as file:
            saved = read_tree(file)
        try:
            sets = [
                {name: tuple(v) if type(v) is list else v for name, v in json.loads(text).items()}
                for text in saved["sets"]
            ]
            loaded = cls(directory, sets)
            loaded.finished = [bool(each) for each in saved["finished"]]
            loaded.errors = [str(each) for each in saved["errors"]]
            loaded.seconds = [float(each) for each in saved["seconds"]]
            for name, array in saved["values"].items():
                for k, value in enumerate(array.tolist()):
                    if loaded.finished[k]:
                        loaded._results[k][name] = value
            if not len(sets) == len(loaded.finished) == len(loaded.errors) == len(loaded.seconds):
                raise ValueError("lengths differ")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise FileError(
                f"{path} lacks a part ({error}); it is damaged or was edited."
            ) from None
        return loaded

    def table(self, value: str) -> str:
        """The lines of a table: the varied parameters, and a result as mean ± sd over seeds.

        Parameters
        ----------
        value : str
            The name of a result that is one number per set.
        """
        numbers = self._numbers(value)
        rows: list[list[str]] = []
        groups = self._repetitions()
        found = [present(numbers[each]) for each in groups.values()]
        sizes = [abs(each.mean()) for each in found if each.size and each.mean()]
        digits = min(6, max(0, 2 - math.floor(math.log10(min(sizes))))) if sizes else 0
        means = [f"{each.mean():.{digits}f}" if each.size else "failed" for each in found]
        widest = max(map(len, means))
        for (key, group), each, mean in zip(groups.items(), found, means, strict=True):
            spread = f" ± {each.std(ddof=1):.{digits}f}" if each.size > 1 else ""
            count = str(each.size) if each.size == len(group) else f"{each.size} of {len(group)}"
            rows.append([*map(_text, key), f"{mean:>{widest}}{spread}", count])
        rows.insert(0, [*self.varied, value, "seeds"])
        if REPEATED not in self.sets[0]:
            rows = [row[:-1] for row in rows]
        return aligned(rows)

    def to_pandas(self) -> pandas.DataFrame:
        """All sets as a table of pandas, one row each: parameters, results, ``error``, ``seconds``.

        A result that is a list becomes the columns ``costs/1``, ``costs/2``, ...; NaN marks a
        missing value.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        frame = needed("pandas", "to_pandas", "pandas").DataFrame
        columns: dict[str, Any] = dict(self.parameters)
        for name, values in self.values.items():
            if values.ndim == 1:
                columns[name] = values
            else:
                each = values.reshape(len(values), -1).T
                columns |= {f"{name}/{k + 1}": column for k, column in enumerate(each)}
        return frame({**columns, "error": self.errors, "seconds": self.seconds})

    def figure(self, value: str, ylabel: str | None = None) -> Axes:
        """Draw a result over the first varied number, one line per combination of the others.

        Lines are means over seeds, in bands of one standard deviation. They have gaps where a set
        has no result. If no number is varied, there is one point per set.

        Parameters
        ----------
        value : str
            The name of a result that is one number per set.
        ylabel : str, optional
            With its unit, such as ``"Test error (%)"``.
        """
        numbers = self._numbers(value)
        label = value if ylabel is None else ylabel
        columns = self.parameters
        along = next((name for name in self.varied if columns[name].dtype.kind in "if"), None)
        if along is None:
            return self._points(numbers, label)
        from spikesim import plot

        others = [name for name in self.varied if name != along]
        lines: dict[tuple, dict[tuple, float]] = {}
        for parameters, number in zip(self.sets, numbers, strict=True):
            line = lines.setdefault(tuple(parameters[name] for name in others), {})
            line[parameters.get(REPEATED), parameters[along]] = number
        low, high = columns[along].min(), columns[along].max()
        ax: Any = None
        for key, line in lines.items():
            seeds = list(dict.fromkeys(seed for seed, _ in line))
            places = sorted({place for _, place in line})
            ax = plot.sweep(
                places,
                [[line.get((seed, place), math.nan) for place in places] for seed in seeds],
                ax,
                label=named(others, key) or None,
                xlabel=along,
                ylabel=label,
                xscale="log" if low > 0.0 and high / low >= _WIDE else "linear",
            )
        if len(lines) > 1:  # the legend goes beside the lines, whose bands may be anywhere
            ax.figure.set_size_inches(6.0, 3.0)
            legend: Any = ax.get_legend()
            legend.set_loc("center left")
            legend.set_bbox_to_anchor((1.0, 0.5))
        return ax

    def _points(self, numbers: np.ndarray, ylabel: str) -> Axes:
        from spikesim import plot

        repetitions = self._repetitions()
        found = [present(numbers[each]) for each in repetitions.values()]
        means = [each.mean() if each.size else math.nan for each in found]
        spread = [each.std(ddof=1) if each.size > 1 else 0.0 for each in found]
        places = range(len(found))
        xlabel = ", ".join(self.varied)
        ax = plot.sweep(places, means, xlabel=xlabel, ylabel=ylabel)
        ax.lines[0].set_linestyle("none")
        ax.errorbar(places, means, spread, fmt="none", ecolor=ax.lines[0].get_color())
        names = [", ".join(map(_text, key)) for key in repetitions]
        ax.set_xticks(places, names)
        if sum(map(len, names)) > 40:
            ax.set_xticks(places, names, rotation=45, ha="right")
        ax.set_xlim(-0.5, len(found) - 0.5)
        if np.nanmin(np.subtract(means, spread)) >= 0.0:
            ax.set_ylim(bottom=0.0)
        return ax

    def _numbers(self, value: str) -> np.ndarray:
        values = self.values
        check_unknown("result", [value], values)
        if values[value].ndim > 1:
            raise InputError(f"{value} is a list in each set; name a result that is one number.")
        return values[value]

    def _repetitions(self) -> dict[tuple, list[int]]:
        """The varied parameters → the sets that have them, one per seed."""
        found: dict[tuple, list[int]] = {}
        for k, each in enumerate(self.sets):
            found.setdefault(tuple(each[name] for name in self.varied), []).append(k)
        return found

    def _extend(self, sets: list[dict[str, Any]]) -> None:
        """Take in the sets that follow those that are known."""
        added = sets[len(self.sets) :]
        self.sets += added
        self.finished += [False] * len(added)
        self.errors += [""] * len(added)
        self.seconds += [0.0] * len(added)
        self._results += [{} for _ in added]

    def _take(self, k: int, future: Future) -> None:
        """Store the outcome of a set."""
        error = future.exception()
        if isinstance(error, BrokenExecutor):
            self.errors[k] = DIED
        elif error is not None:
            self.errors[k] = one_line(error)
        else:
            values, self.errors[k], self.seconds[k] = future.result()
            self.finished[k] = values is not None
            self._results[k] = values or {}


def check_sets(sets: Any) -> list[dict[str, Any]]:
    try:
        given = None if isinstance(sets, (str, Mapping)) else list(sets)
    except Exception:  # a foreign object may raise anything
        given = None
    if given is None:
        raise InputError(
            f"sets is a {type(sets).__name__}; it has to be a list of dictionaries, such as "
            "grid(...) makes."
        )
    sets = given
    if not sets:
        raise InputError("sets is empty; it has to hold at least one set of parameters.")
    checked: list[dict[str, Any]] = []
    known: dict[str, int] = {}
    for k, each in enumerate(sets):
        if not isinstance(each, Mapping) or not each:
            raise InputError(f"sets[{k}] is {show(each)}; it has to be a dictionary of parameters.")
        for name in each:
            check_name(f"A parameter of sets[{k}]", name)
        if set(each) != set(sets[0]):
            raise InputError(
                f"sets[{k}] has {', '.join(each)}; it has to have the parameters of the first "
                f"set: {', '.join(sets[0])}."
            )
        checked.append({n: _check_value(f"sets[{k}][{n!r}]", each[n]) for n in sets[0]})
        first = known.setdefault(json.dumps(checked[-1]), k)
        if first != k:
            raise InputError(f"sets[{k}] is the same as sets[{first}]; leave one of them out.")
    return checked


def _check_value(name: str, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, tuple):
        items = tuple(v.item() if isinstance(v, np.generic) else v for v in value)
        if all(type(v) in (int, float) and not math.isnan(v) for v in items):
            return items
    elif type(value) in (bool, int, str, type(None)) or (
        type(value) is float and not math.isnan(value)
    ):
        return value
    raise InputError(
        f"{name} is {show(value)}; it has to be a number, a string, a boolean, None or a tuple of "
        "numbers."
    )


def _column(values: list[Any]) -> np.ndarray:
    """An array of numbers, booleans or strings if all are; if not, one of objects."""
    kinds = {type(value) for value in values}
    if kinds in ({bool}, {str}) or kinds <= {int, float}:
        array = np.array(values)
        if array.dtype.kind in "bUif":
            return array
    return np.fromiter(values, object, len(values))


def _padded(values: list[Any]) -> np.ndarray:
    """Numbers as they are; lists as rows, each padded to the length of the longest."""
    lists = [value if isinstance(value, list) else [value] for value in values]
    table = np.full((len(values), max(map(len, lists))), np.nan)
    for row, value in zip(table, lists, strict=True):
        row[: len(value)] = [math.nan if v is None else v for v in value]
    return table if any(isinstance(value, list) for value in values) else table[:, 0]


def present(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The lines of a table whose columns begin below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    if value is None or isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def named(names: Sequence[str], values: Iterable[Any]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in zip(names, values, strict=True))


def one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")
