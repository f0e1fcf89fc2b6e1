"""The learning rules that are compared: which model with which options, and what is tuned.

The rules of the package are in ``data/rules.toml``, their tuned learning rates in
``data/rules_tuned.json``; a user's own is a class in a file, my_file.py:MyModel.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from spikesim.checks import check_unknown, show
from spikesim.errors import InputError
from spikesim.image_runs import is_own, model_class

__all__ = ["OWN", "Rule", "Settings", "families", "published", "rule_of", "rules_of", "tuned"]

Settings = dict[str, float]
OWN = "own"
HIDDEN, OUTPUT = "hidden", "output"
_DECADE = 10.0


class Rule(NamedTuple):
    """A learning rule: a model with options.

    Attributes
    ----------
    name : str
        By which commands and files call it.
    title : str
        What tables and figures show.
    family : str
        Rules of one family share a colour.
    model : str
        MODULE:CLASS or FILE.py:CLASS.
    options : mapping
        Parameters of the model that make it this rule.
    search : mapping of str to (float, float)
        What is tuned, and between which bounds. ``"eta.hidden"`` and ``"eta.output"`` are the
        entries of a parameter with one number per layer.
    passes : float
        Epochs that the rule needs, times those of the task.
    """

    name: str
    title: str
    family: str
    model: str
    options: Mapping[str, Any] = MappingProxyType({})
    search: Mapping[str, tuple[float, float]] = MappingProxyType({})
    passes: float = 1.0

    def epochs(self, of_task: int) -> int:
        """How many epochs the rule learns."""
        return max(1, round(self.passes * of_task))

    def network(self, sizes: tuple[int, ...], seed: int, settings: Mapping[str, float]) -> Any:
        """A new network that learns by the rule."""
        given: dict[str, Any] = dict(self.options)
        for name, value in settings.items():
            parameter, _, part = name.partition(".")
            if not part:
                given[parameter] = value
            elif part == HIDDEN:
                output = settings[f"{parameter}.{OUTPUT}"]
                given[parameter] = (*[value] * (len(sizes) - 2), output)
        return model_class(self.model)(sizes, seed=seed, **given)

    def untuned(self) -> Settings:
        """The middle of what the search would try, for a task for which nothing was tuned."""
        if self.family == OWN:
            return {}
        return {name: math.sqrt(low * high) for name, (low, high) in self.search.items()}


@cache
def published() -> dict[str, Rule]:
    """The rules of the package, by name, in the order of the table."""
    text = (resources.files("spikesim.data") / "rules.toml").read_text(encoding="utf-8")
    return {
        name: Rule(
            name,
            each["title"],
            each["family"],
            each["model"],
            {k: tuple(v) if isinstance(v, list) else v for k, v in each["options"].items()},
            {k: (float(low), float(high)) for k, (low, high) in each["search"].items()},
            each.get("passes", 1.0),
        )
        for name, each in tomllib.loads(text).items()
    }


@cache
def tuned(task: str) -> dict[str, Settings]:
    """Rule → the settings that a search found for a task; empty if there was none."""
    text = (resources.files("spikesim.data") / "rules_tuned.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Settings]] = json.loads(text)
    return found.get(task, {})


def families() -> dict[str, list[Rule]]:
    """Family, as one word → its rules."""
    found: dict[str, list[Rule]] = {}
    for rule in published().values():
        found.setdefault(rule.family.replace(" ", "-"), []).append(rule)
    return found


def rule_of(name: str) -> Rule:
    """The rule of a name, or of a class in a user's file."""
    if is_own(name):
        return _own(name)
    check_unknown("rule", [name], published())
    return published()[name]


def rules_of(names: Sequence[str] | None) -> list[Rule]:
    """The rules of some names, families or files; all that the package has by default.

    Raises
    ------
    InputError
        If a name is unknown, or a rule would be in the table twice.

    Examples
    --------
    >>> [rule.name for rule in rules_of(["reward", "backpropagation"])]
    ['reinforce', 'reinforce-spiking', 'backpropagation']
    """
    known = published()
    if names is None:
        return list(known.values())
    if not isinstance(names, (list, tuple)):
        raise InputError(f"rules is {show(names)}; it has to be a list of names.")
    groups = {"all": list(known.values()), **families()}
    chosen: list[Rule] = []
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"A rule is {show(name)}; it has to be a name.")
        if name in known:
            found = [known[name]]
        elif is_own(name):
            found = [_own(name)]
        else:
            check_unknown("rule", [name], [*known, *groups])
            found = groups[name]
        chosen += [rule for rule in found if rule not in chosen]
    if not chosen:
        raise InputError("rules is empty; name at least one, or leave it out.")
    titles = [rule.title for rule in chosen]
    return [r._replace(title=r.name) if titles.count(r.title) > 1 else r for r in chosen]


def _own(where: str) -> Rule:
    """A user's rule: its options are the defaults of its class, and its rates are tuned."""
    model = model_class(where)
    title = where.rpartition(":")[2]
    search: dict[str, tuple[float, float]] = {}
    declared = model.Parameters.declarations()
    for name in ("eta", "rate", "alpha"):
        default = declared[name].default if name in declared else None
        if not isinstance(default, (int, float)) or not default > 0.0:
            continue
        bounds = default / _DECADE, default * _DECADE
        if declared[name].kind == "per layer":
            search |= {f"{name}.{HIDDEN}": bounds, f"{name}.{OUTPUT}": bounds}
        else:
            search[name] = bounds
    return Rule(where, title, OWN, where, {}, search)
