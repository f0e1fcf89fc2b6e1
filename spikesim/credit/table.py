"""What a comparison found: its numbers, and tables of them as text and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spikesim.checks import check_choice, is_text, show
from spikesim.credit.rules import Rule
from spikesim.errors import InputError
from spikesim.sweep import Sweep
from spikesim.sweep.table import aligned, present

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]
    from matplotlib.figure import Figure

__all__ = ["Compared"]

PARTS = ["table", "depth"]
_MARKS = {True: "yes", False: "no"}


class Column(NamedTuple):
    """A column of the table: its head, and the text of a rule's numbers over seeds."""

    head: str
    value: str
    text: Callable[[np.ndarray], str]


def _spread(digits: int) -> Callable[[np.ndarray], str]:
    def text(found: np.ndarray) -> str:
        known = present(found)
        if not known.size:
            return ""
        spread = f" ± {known.std(ddof=1):.{digits}f}" if known.size > 1 else ""
        return f"{known.mean():.{digits}f}{spread}"

    return text


def _mean(form: str) -> Callable[[np.ndarray], str]:
    def text(found: np.ndarray) -> str:
        known = present(found)
        return format(float(known.mean()), form) if known.size else ""

    return text


def _reached(found: np.ndarray) -> str:
    """The mean over seeds, if all of them came so far."""
    return f"{found.mean():,.0f}" if found.size and np.isfinite(found).all() else ""


def _by_layer(form: str) -> Callable[[np.ndarray], str]:
    def text(found: np.ndarray) -> str:
        if found.ndim < 2:
            return ""
        with np.errstate(all="ignore"):
            counts = np.isfinite(found).sum(axis=0)
            means = np.nansum(found, axis=0) / counts
        shown = [format(m, form) if n else "–" for m, n in zip(means, counts, strict=True)]
        return " ".join(shown) if counts.any() else ""

    return text


COLUMNS = (
    Column("test error, %", "test_error", _spread(1)),
    Column("examples to 10 %", "examples_to_10", _reached),
    Column("to 5 %", "examples_to_5", _reached),
    Column("angle (°), by layer", "angle", _by_layer(".0f")),
    Column("cosine of mean, by layer", "cosine", _by_layer(".2f")),
    Column("signal / noise", "snr", _mean(".3g")),
    Column("weight angle (°)", "weight_angle", _by_layer(".0f")),
    Column("condition", "condition", _by_layer(".3g")),
    Column("spikes", "spikes", _mean(",.0f")),
    Column("operations", "operations", _mean(",.0f")),
    Column("ms", "ms", _mean(".3g")),
)
PROPERTIES = ("weight transport", "phases", "signed errors", "Dale's law", "knows", "online")


class Compared:
    """The result of `compare`.

    Attributes
    ----------
    sweep : Sweep
        All sets and their numbers; `values` has those of the table.
    rules : list of Rule
    task : str

    Examples
    --------
    >>> from spikesim.credit import compare
    >>> short = {"seeds": 1, "epochs": 1, "depths": False, "executor": "threads"}
    >>> found = compare("teacher", ["backpropagation"], out="runs/teacher", **short)
    >>> [rule.name for rule in found.rules]
    ['backpropagation']
    """

    def __init__(self, sweep: Sweep, rules: Sequence[Rule], task: str):
        self.sweep, self.rules, self.task = sweep, list(rules), task
        columns = sweep.parameters
        self._part = np.array([str(each) for each in columns["part"]])
        self._rule = np.array([str(each) for each in columns["rule"]])
        self._values = sweep.values

    def __repr__(self) -> str:
        return f"<Compared: {len(self.rules)} rules on {self.task}>"

    def of(self, rule: str, value: str, part: str = "table") -> np.ndarray:
        """A result of one rule, a row for each seed, or for each depth if `part` is 'depth'.

        Rows are NaN where a network failed, and lists are padded with NaN. The array is empty if
        nothing has such a result.

        Parameters
        ----------
        rule : str
        value : str
            The name of a result, such as 'test_error' or 'cosine'.
        part : {'table', 'depth'}

        Raises
        ------
        InputError
            If the rule is not one of those compared, or another argument is no name.
        """
        check_choice("rule", rule, [each.name for each in self.rules])
        check_choice("part", part, PARTS)
        if not is_text(value):
            raise InputError(f"value is {show(value)}; it has to be the name of a result.")
        chosen = (self._rule == rule) & (self._part == part)
        return self._values[value][chosen] if value in self._values else np.zeros(0)

    def rows(self) -> Iterator[list[str]]:
        """The table, the head first."""
        yield ["rule", *(column.head for column in COLUMNS)]
        for rule in self.rules:
            texts = [column.text(self.of(rule.name, column.value)) for column in COLUMNS]
            yield [rule.title, self._error(rule, texts[0]), *texts[1:]]

    def _error(self, rule: Rule, text: str) -> str:
        """The test error, and how many networks failed or diverged."""
        found = self.of(rule.name, "diverged")
        lost = int((found != 0.0).sum())
        return f"{text} ({lost} of {found.size} failed)".strip() if lost else text

    def properties(self) -> Iterator[list[str]]:
        """What each rule asks of biology, the head first; blank where a model does not say."""
        yield ["rule", *PROPERTIES]
        for rule in self.rules:
            try:
                declared = rule.network((4, 3, 2), 0, rule.untuned()).properties()
            except (AttributeError, InputError):
                declared = None
            yield [
                rule.title,
                *(["" for _ in PROPERTIES] if declared is None else _shown(declared)),
            ]

    def text(self) -> str:
        """Both tables, aligned."""
        return "\n\n".join(aligned(list(rows)) for rows in (self.rows(), self.properties()))

    def to_pandas(self) -> pandas.DataFrame:
        """The numbers behind the table as one of pandas, a row for each rule and seed.

        `Sweep.to_pandas` of ``sweep`` has those of other parts, such as the depths, too.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        every = self.sweep.to_pandas()
        known = {each.name for each in self.rules}
        chosen = every[(self._part == "table") & np.isin(self._rule, list(known))]
        return chosen.drop(columns="part").reset_index(drop=True)

    def figures(self) -> dict[str, Figure]:
        """File name → figure."""
        from spikesim.credit.figures import figures_of

        return dict(figures_of(self))

    def markdown(self) -> str:
        """Both tables in Markdown."""
        return "\n\n".join(_marked_down(list(rows)) for rows in (self.rows(), self.properties()))


def _shown(declared: Any) -> list[str]:
    return [
        _MARKS[declared.weight_transport],
        str(declared.phases),
        _MARKS[declared.signed_errors],
        _MARKS[declared.dale],
        ", ".join(declared.knows),
        _MARKS[declared.online],
    ]


def _marked_down(rows: list[list[str]]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])
