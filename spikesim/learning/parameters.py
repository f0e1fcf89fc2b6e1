"""Constants of a model, each declared once: default, meaning, unit, symbol and bounds.

    class Parameters(ModelParameters):
        eta: tuple[float, ...] = per_layer(0.05, "learning rate", symbol="η", at_least=0.0)
        beta: float = number(0.5, "nudging", symbol="β", above=0.0, at_most=1.0)
        rule: str = choice("hebb", "oja", about="what changes the weights")

Several things follow from a declaration: what is refused, the option of the command line with its
help, and the values that tests try.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

from spikesim.checks import check_choice, check_integer, check_number, check_parameters
from spikesim.errors import InputError

__all__ = [
    "Declared",
    "ModelParameters",
    "TimedParameters",
    "choice",
    "flag",
    "number",
    "per_layer",
    "refuse_if",
    "whole",
]

Own = TypeVar("Own", bound="ModelParameters")

_BEYOND = {"above": 0.0, "below": 0.0, "at_least": -1.0, "at_most": 1.0}  # from bound to bad value


@dataclasses.dataclass(frozen=True)
class Declared:
    """The declaration of one parameter.

    Attributes
    ----------
    kind : {'number', 'whole', 'flag', 'choice', 'per layer'}
    default : number, bool, str or None
    about, unit, symbol : str
    bounds : dict
        Arguments of `check_number` or `check_integer`: above, at_least, at_most, below.
    choices : tuple of str
    optional : bool
        Whether the parameter may be None.
    hidden : bool
        Whether 'per layer' means per hidden layer.

    Examples
    --------
    >>> rate = Declared("number", 0.05, "learning rate", bounds={"at_least": 0.0})
    >>> rate.checked("eta", 1, layers=2), rate.parsed("eta", "0.1")
    (1.0, 0.1)
    """

    kind: str
    default: Any
    about: str = ""
    unit: str = ""
    symbol: str = ""
    bounds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    choices: tuple[str, ...] = ()
    optional: bool = False
    hidden: bool = False

    def checked(self, name: str, value: Any, layers: int) -> Any:
        """Return the value to be kept, or raise an `InputError` that names the parameter.

        Parameters
        ----------
        name : str
            What the parameter is called.
        value : Any
        layers : int
            How many layers after the input the model has.

        Raises
        ------
        InputError
            If the value is impossible.
        """
        if self.optional and value is None:
            return None
        if self.kind == "per layer":
            many, which = (layers - 1, "hidden layers") if self.hidden else (layers, "layers")
            values = value if isinstance(value, (tuple, list)) else (value,) * many
            if len(values) != many:
                raise InputError(
                    f"{name} has {len(values)} values; it has to be one number, or one for each of "
                    f"the {many} {which}."
                )
            return tuple(self._number(name, each) for each in values)
        if self.kind == "number":
            return self._number(name, value)
        if self.kind == "whole":
            return check_integer(name, value, **self.bounds)  # type: ignore[arg-type]
        choices = [True, False] if self.kind == "flag" else self.choices
        return check_choice(name, value, choices)

    def _number(self, name: str, value: Any) -> float:
        return check_number(name, value, unit=self.unit, **self.bounds)

    def parsed(self, name: str, text: str) -> Any:
        """The value that a ``text`` from the command line stands for; errors call it ``name``."""
        if self.kind == "choice":
            return text
        words = {"true": True, "false": False} if self.kind == "flag" else {}
        if self.optional:
            words["none"] = None  # type: ignore[assignment]
        if text.lower() in words:
            return words[text.lower()]
        try:
            if self.kind == "per layer" and "," in text:
                return tuple(float(part) for part in text.split(","))
            if self.kind == "whole":
                return int(text)
            return text if self.kind == "flag" else float(text)
        except ValueError:
            raise InputError(
                f"--{name} is {text!r}; it has to be like its default, {self.default}."
            ) from None

    def described(self) -> str:
        """A line of help: what the parameter is, its unit and its bounds.

        Examples
        --------
        >>> Declared("number", 0.2, "highest rate", "1/ms", bounds={"at_most": 0.5}).described()
        'highest rate; 1/ms, at most 0.5, default 0.2'
        """
        said = [f"{self.unit}"] if self.unit else []
        said += [f"{name.replace('_', ' ')} {bound:g}" for name, bound in self.bounds.items()]
        said += [" or ".join(self.choices)] if self.choices else []
        said.append(f"default {self.default}")
        about = " ".join(filter(None, (self.symbol, self.about)))
        return f"{about}; {', '.join(said)}" if about else ", ".join(said)

    def impossible(self) -> list[Any]:
        """Values that have to be refused: one beyond each bound, and some of another kind."""
        beyond = [bound + _BEYOND[name] for name, bound in self.bounds.items()]
        if self.kind == "whole":
            return [*(round(value) for value in beyond), 0.5, "many"]
        if self.kind in ("number", "per layer"):
            return [*beyond, float("nan"), "much"]
        return ["neither", 2]


def _declared(*args: Any, **options: Any) -> Any:
    declared = Declared(*args, **options)
    return dataclasses.field(default=declared.default, metadata={"declared": declared})


def number(
    default: float | None,
    about: str = "",
    *,
    unit: str = "",
    symbol: str = "",
    optional: bool = False,
    **bounds: float,
) -> Any:
    """A finite number.

    Parameters
    ----------
    default : float or None
    about : str
        What it is, in a few words; for help and for tables.
    unit, symbol : str
        Such as "ms" and "τ".
    optional : bool
        Whether it may be None.
    **bounds : float
        Of `above`, `at_least`, `at_most` and `below`.

    Returns
    -------
    dataclasses.Field
        The declaration, as the value of a field of `ModelParameters`.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     tau: float = number(20.0, "membrane", unit="ms", symbol="τ", above=0.0)
    >>> Parameters.declarations()["tau"].described()
    'τ membrane; ms, above 0, default 20.0'
    """
    return _declared("number", default, about, unit, symbol, bounds, optional=optional)


def whole(
    default: int | None,
    about: str = "",
    *,
    unit: str = "",
    symbol: str = "",
    optional: bool = False,
    **bounds: int,
) -> Any:
    """A whole number.

    Parameters
    ----------
    default : int or None
    about, unit, symbol, optional
        As for `number`.
    **bounds : int
        Of `at_least` and `at_most`.

    Returns
    -------
    dataclasses.Field
        As of `number`.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     batch: int = whole(1, "examples per update", at_least=1)
    >>> Parameters.checked(2, {"batch": 10}).batch
    10
    """
    return _declared("whole", default, about, unit, symbol, bounds, optional=optional)


def flag(default: bool = False, about: str = "") -> Any:
    """True or False.

    Parameters
    ----------
    default : bool
    about : str

    Returns
    -------
    dataclasses.Field
        As of `number`.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     frozen: bool = flag(False, "weights stay as they are")
    >>> Parameters.checked(2, {"frozen": True}).frozen
    True
    """
    return _declared("flag", default, about)


def choice(default: str, *others: str, about: str = "") -> Any:
    """One of several names.

    Parameters
    ----------
    default, *others : str
    about : str

    Returns
    -------
    dataclasses.Field
        As of `number`.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     rule: str = choice("hebb", "oja", about="what changes weights")
    >>> Parameters.checked(2, {"rule": "bcm"})
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: rule is 'bcm'; it has to be one of 'hebb', 'oja'.
    """
    return _declared("choice", default, about, choices=(default, *others))


def per_layer(
    default: float | None,
    about: str = "",
    *,
    unit: str = "",
    symbol: str = "",
    optional: bool = False,
    hidden: bool = False,
    **bounds: float,
) -> Any:
    """One number, or one for each layer after the input; a tuple.

    Parameters
    ----------
    default : float or None
    about, unit, symbol, optional, **bounds
        As for `number`.
    hidden : bool
        Whether each hidden layer has one, rather than each layer after the input.

    Returns
    -------
    dataclasses.Field
        As of `number`.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     eta: tuple = per_layer(0.1, "learning rate", at_least=0.0)
    >>> Parameters.checked(2, {"eta": (0.1, 0.2)}).eta
    (0.1, 0.2)
    """
    return _declared(
        "per layer", default, about, unit, symbol, bounds, optional=optional, hidden=hidden
    )


def refuse_if(condition: object, sentence: str) -> None:
    """Raise an error with a sentence if parameters exclude each other.

    Parameters
    ----------
    condition : object
        What is true if they do.
    sentence : str

    Raises
    ------
    InputError
        If the condition is true.

    Examples
    --------
    >>> refuse_if(2.0 < 1.0, "tau_rise is longer than tau_decay.")
    """
    if condition:
        raise InputError(sentence)


@dataclass_transform(frozen_default=True, field_specifiers=(number, whole, flag, choice, per_layer))
class ModelParameters:
    """The base class of a model's parameters; add fields, and `check` for what depends on several.

    Examples
    --------
    >>> class Parameters(ModelParameters):
    ...     eta: tuple = per_layer(0.1, "learning rate", at_least=0.0)
    >>> Parameters.checked(2, {"eta": 0.5}).eta
    (0.5, 0.5)
    """

    _declarations: ClassVar[dict[str, Declared]] = {}

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(frozen=True)(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        cls._declarations = {
            each.name: each.metadata["declared"] for each in fields if "declared" in each.metadata
        }
        undeclared = [each.name for each in fields if "declared" not in each.metadata]
        refuse_if(
            undeclared,
            f"{', '.join(undeclared)} of {cls.__qualname__} has to be declared: as "
            "number(...), whole(...), flag(...), choice(...) or per_layer(...).",
        )

    def check(self, layers: int, dtype: str) -> None:
        """Refuse parameters that do not go together, for this number of layers and this dtype."""

    @classmethod
    def declarations(cls) -> dict[str, Declared]:
        """The declaration of each parameter, by name."""
        return dict(cls._declarations)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Name → default."""
        return {name: each.default for name, each in cls._declarations.items()}

    @classmethod
    def checked(
        cls: type[Own], layers: int, given: Mapping[str, Any], dtype: str = "float32"
    ) -> Own:
        """Parameters from values given by name.

        Parameters
        ----------
        layers : int
            How many layers after the input the model has.
        given : mapping of str to Any
            Values other than the defaults.
        dtype : {'float32', 'float64'}

        Raises
        ------
        InputError
            If a name is unknown, a value is impossible, or two options exclude each other.
        """
        given = {**cls.defaults(), **check_parameters(given, cls.defaults())}
        p = cls(
            **{
                name: declared.checked(name, given[name], layers)
                for name, declared in cls._declarations.items()
            }
        )
        p.check(layers, dtype)
        return p

    def others(self) -> dict[str, Any]:
        """The parameters that differ from the defaults, by name; equal entries as one number."""
        found = {}
        for name, declared in self._declarations.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and len(set(value)) == 1:
                value = value[0]
            if value != declared.default:
                found[name] = value
        return found

    @property
    def _fields(self) -> tuple[str, ...]:
        return tuple(self._declarations)

    def _asdict(self) -> dict[str, Any]:
        """Values by name."""
        return {name: getattr(self, name) for name in self._declarations}


class TimedParameters(ModelParameters):
    """The parameters of a model whose step the user chooses."""

    def check_times(self, dt: float, dtype: str) -> None:
        """Refuse parameters that do not go with a step of `dt` ms, in a network of a ``dtype``."""
