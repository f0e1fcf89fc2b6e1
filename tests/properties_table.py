"""Prints docs/properties.md: what the rules of all models need, as the models declare it.

python -m tests.properties_table > docs/properties.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from spikesim.image_runs import model_class
from spikesim.models import MODELS
from spikesim.models.burst import BurstpropNetwork
from spikesim.models.equilibrium import ESTIMATORS
from spikesim.models.feedback_alignment import FEEDBACK

KINDS = {name: model_class(each.where) for name, each in MODELS.items() if ":" in each.where}
KINDS["burstprop"] = BurstpropNetwork

INTRODUCTION = """# What learning rules need

What biology would have to provide for a rule, as `net.properties()` of its model declares it. Rows are
with `batch=1`: in batches, no rule is online. The docstring of `spikesim.learning.properties.Properties`
explains the columns, and `tests/test_properties.py` tries the declarations out.
`python -m tests.properties_table` prints this file.
"""  # noqa: E501 - a paragraph of Markdown
HEADER = "rule", "weight transport", "phases", "signed errors", "Dale", "a synapse knows", "online"


def each(option: str, values: Iterable[Any]) -> list[dict[str, Any]]:
    return [{option: value} for value in values]


BASELINES = ("clean", "antithetic", "mean")
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "feedback-alignment": each("feedback", ("random", *FEEDBACK)),
    "clamped": each("feedback", ("random", "symmetric")),
    "equilibrium": each("estimator", ESTIMATORS),
    "target-propagation": [
        *each("method", ("tp", "dtp", "sdtp", "ao_sdtp")),
        {"method": "tp", "label": True},
        *({"method": "sdtp", "inverse": kind} for kind in ("fixed", "jacobian")),
        *each("credit", ("backprop", "frozen")),
    ],
    "perturbation": [
        {"perturbed": what, "baseline": than} for what in ("nodes", "weights") for than in BASELINES
    ],
    "segregated": [{}, {"symmetric": True}, {"backpropagation": True}],
    "dendritic-microcircuit": [
        {},
        {"dynamics": "continuous"},
        {"lateral": "ideal"},
        {"backprop": True},
    ],
    "burst": [{}, {"backpropagation": True}],
    "burstprop": [{}, {"backpropagation": True}],
    "superspike": each("feedback", ("random", "uniform", "symmetric")),
    "superspike-classifier": each("feedback", ("random", "uniform", "symmetric")),
}
"""What makes a rule another one; models that are not named here have one row."""


def declared(name: str, options: dict[str, Any]) -> tuple[str, ...]:
    """The columns of a row after the first."""
    kind = KINDS[name]
    batch = {"batch": 1} if "batch" in kind.Parameters.declarations() else {}
    said = kind((6, 5, 4, 3), backend="python", **batch, **options).properties()
    words = ", ".join(said.knows) or "hidden layers do not learn"
    yes = {True: "yes", False: "no"}
    return (
        yes[said.weight_transport],
        str(said.phases),
        yes[said.signed_errors],
        yes[said.dale],
        words,
        yes[said.online],
    )


def label(choices: list[dict[str, Any]]) -> str:
    """All choices of options that share a row; those that differ in the last value only as one."""
    values: dict[tuple[str, ...], list[str]] = {}
    for options in choices:
        *others, last = [f"{option}={value}" for option, value in options.items()] or ["default="]
        option, _, value = last.partition("=")
        values.setdefault((*others, option), []).append(value)
    return "; ".join(
        " ".join([*others, f"{option}={' / '.join(found)}".removesuffix("=")])
        for (*others, option), found in values.items()
    )


def text() -> str:
    """The text of the file; options with the same properties share a row."""
    rows = [HEADER, ("---",) * len(HEADER)]
    for name in KINDS:
        every = OPTIONS.get(name, [{}])
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for options in every:
            alike.setdefault(declared(name, options), []).append(options)
        for cells, choices in alike.items():
            rows.append((f"{name}, {label(choices)}" if len(every) > 1 else name, *cells))
    return "\n".join([INTRODUCTION, *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    print(text())
