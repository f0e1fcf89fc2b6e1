"""The meanings and units of the numbers of a neuron or synapse, and the text that `help` shows.

    parameters={"tau": Parameter(20.0, "ms", "membrane time constant")}
    variables={"v": Variable("E_L", "mV", "membrane voltage")}

A `Parameter` is a number, its default. Plain numbers work as well; they just say less.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_choice, check_number, is_whole, show
from spikesim.errors import InputError, warn

__all__ = [
    "Parameter",
    "Start",
    "Variable",
    "check_declared",
    "check_texts",
    "described",
    "present_name",
    "redefined",
    "start_of",
    "table",
]

Start = float | str | Callable[[dict[str, Any]], float]
"""The start of a variable: a number, the name of a parameter, or a function of all of them."""


class Parameter(float):
    """A default with its unit and meaning.

    Parameters
    ----------
    default : float or int
        A whole number stays whole, and so does any value given in its place.
    unit : str
    meaning : str

    Examples
    --------
    >>> tau = Parameter(20.0, "ms", "membrane time constant")
    >>> tau / 2.0, tau.unit
    (10.0, 'ms')
    """

    unit: str
    meaning: str

    def __new__(cls, default: Any, unit: str = "", meaning: str = "") -> Any:
        number = check_number("default", default)
        check_texts("", unit=unit, meaning=meaning)
        kind, default = (_Whole, int(default)) if is_whole(default) else (Parameter, number)
        made = _FLOAT_OR_INT[kind].__new__(kind, default)
        made.unit, made.meaning = unit, meaning
        return made

    def __reduce__(self) -> Any:
        return Parameter, (float(self), self.unit, self.meaning)


class _Whole(int):
    """A `Parameter` that is a whole number."""

    unit: str
    meaning: str

    def __reduce__(self) -> Any:
        return Parameter, (int(self), self.unit, self.meaning)


_FLOAT_OR_INT: dict[type, Any] = {Parameter: float, _Whole: int}


class Variable(NamedTuple):
    """A variable with its unit and meaning.

    Attributes
    ----------
    start : float, str or callable
        As in `Neuron`: a number, the name of a parameter, or a function of all parameters.
    unit : str
    meaning : str
    is_target : bool
        Whether synapses are meant to act on it; `unit` is then the unit of their weights.
    sign : {1, -1, 0}
        The sign that these weights are meant to have; a weight of the other sign gives a
        `SpikesimWarning`. By default, 0, both are meant.

    Examples
    --------
    >>> Variable("E_L", "mV", "membrane voltage").start
    'E_L'
    """

    start: Start
    unit: str = ""
    meaning: str = ""
    is_target: bool = False
    sign: int = 0


def check_texts(whose: str, **texts: Any) -> None:
    """Refuse values to be shown that are not texts."""
    for role, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{role}{whose} is {show(text)}; it has to be a text.")


def check_declared(name: Any, variable: Any) -> None:
    """Refuse a variable that says something of itself which cannot be shown."""
    if isinstance(variable, Variable):
        whose = f" of variables[{show(name)}]"
        check_texts(whose, unit=variable.unit, meaning=variable.meaning)
        check_choice(f"is_target{whose}", variable.is_target, [True, False])
        check_choice(f"sign{whose}", variable.sign, [1, -1, 0])


def redefined(declared: Any, value: Any) -> Any:
    """Another default for a parameter, with the same unit and meaning.

    Examples
    --------
    >>> redefined(Parameter(20.0, "ms", "membrane"), 5.0).unit
    'ms'
    """
    if not hasattr(declared, "unit"):
        return value
    return Parameter(value, declared.unit, declared.meaning)


def present_name(name: Any, known: Container[Any], former: Mapping[str, str]) -> Any:
    """The present form of a name; a former name gives a `DeprecationWarning`.

    Parameters
    ----------
    name : str
    known : container of str
        The present names.
    former : mapping of str to str
        As in `Neuron`.
    """
    if not isinstance(name, str) or name in known or name not in former:
        return name
    warn(f"{name!r} is now called {former[name]!r}", DeprecationWarning)
    return former[name]


def start_of(variable: Start | Variable) -> Start:
    """The start of a variable, however it was declared."""
    return variable.start if isinstance(variable, Variable) else variable


def table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Lines of text in columns; the last column is not padded.

    Examples
    --------
    >>> table([("tau", "20 ms", "membrane"), ("I", "0 mV", "input")])
    ['tau  20 ms  membrane', 'I    0 mV   input']
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def described(
    name: str,
    description: str,
    parameters: Mapping[str, Any],
    variables: Mapping[str, Any],
    *,
    kind: str = "neuron",
    note: str = "",
) -> str:
    """The text for a kind of neuron or synapse: its description, variables and parameters.

    Parameters
    ----------
    name : str
    description : str
        The first line says what it is, the others how it is computed.
    parameters, variables : mapping
        As in `Neuron`.
    kind : str
        What it is called if it has no description.
    note : str
        What is said last.
    """
    head = "\n\n".join(filter(None, [name, textwrap.dedent(description).strip()]))
    head = head.replace("\n\n", ": ", 1) if name and description else head
    targets = {key: each for key, each in variables.items() if getattr(each, "is_target", False)}
    others = {key: each for key, each in variables.items() if key not in targets}
    parts = [
        ("Targets of connect", [_of_variable(*each) for each in targets.items()]),
        ("Other variables" if targets else "Variables", [_of_variable(*x) for x in others.items()]),
        ("Parameters", [_of_parameter(*each) for each in parameters.items()]),
    ]
    texts = [head or f"A kind of {kind}."]
    texts += [
        "\n".join([title, *(f"  {line}" for line in table(rows))]) for title, rows in parts if rows
    ]
    return "\n\n".join(filter(None, [*texts, note]))


def _of_variable(name: str, variable: Any) -> tuple[str, ...]:
    declared = variable if isinstance(variable, Variable) else Variable(variable)
    start, unit, meaning = declared[:3]
    if callable(start):
        begins = ""
    else:
        begins = (
            f"starts from {start}" if isinstance(start, str) else f"starts from {float(start):g}"
        )
    if start == 0.0 and meaning:
        begins = ""
    return name, unit, "; ".join(filter(None, [meaning, begins]))


def _of_parameter(name: str, value: Any) -> tuple[str, ...]:
    text = f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
    unit = getattr(value, "unit", "")
    return name, f"{text} {unit}".strip(), getattr(value, "meaning", "")
