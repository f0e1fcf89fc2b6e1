"""Attributes that may be assigned to; a name that would have no effect is refused.

Python lets users set any attribute of any object, so ``cells.vm = -50.0`` or ``net.dt = 0.2`` would
be stored and never read. Classes of this package that users handle are therefore `Guarded`. An
assignment without effect raises an error, which offers the nearest name that can be set:

    class Background(Guarded):
        _remedies = {"target": "add another background to that variable"}

        def __init__(self, population, target):
            self.population = population            # set here once, and only read later
            self.target = target

        @property                                   # may be set, as it has a setter
        def rate(self): ...

The attributes that ``__init__`` sets describe how the object was made, and cannot be set later. A
property with a setter can be set, and so can the names in `_settable`. Names that begin with an
underscore can always be set, by the class and by others. If users derive a class from ours, its
``__init__`` may set any name; these names, and others that the class declares, can also be set
later.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from importlib import import_module
from inspect import isfunction, signature, unwrap
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from spikesim.checks import check_unknown, nearest, show
from spikesim.errors import InputError
from spikesim.foreign import here

__all__ = [
    "Constants",
    "Fixed",
    "Guarded",
    "Missing",
    "Named",
    "ReadOnly",
    "Watched",
    "absent",
    "copied",
    "imported_later",
    "ordinary",
    "public_names",
    "read_only",
]

_IMPORTING = ("importlib._bootstrap", "_frozen_importlib")  # what asks in ``from spikesim import``
_OURS = "spikesim"  # the package whose classes know which attributes they read


class Guarded:
    """An object that refuses an assignment which nobody would ever read.

    Attributes
    ----------
    _settable : tuple of str
        Names of plain attributes that may be set at any time.
    _remedies : dict of str to str
        For names that cannot be set, what to do instead, such as 'build another network with it'.
    """

    _settable: ClassVar[tuple[str, ...]] = ()
    _remedies: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, called: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, each in list(vars(cls).items()):
            if called and isfunction(each) and (name == "__init__" or name[0] != "_"):
                type.__setattr__(cls, name, _answering(each, called))
        if "__init__" in vars(cls):
            made = _closing(cls.__init__, _is_ours(cls))
            type.__setattr__(cls, "__init__", made)

    if not TYPE_CHECKING:  # type checkers know which attributes there are

        def __getattr__(self, name: str) -> Any:
            raise absent(self, name, self._who())

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not self._may_set(name):
            raise InputError(self._refusal(name))
        super().__setattr__(name, value)

    def _may_set(self, name: str) -> bool:
        known = getattr(type(self), name, None)
        if isinstance(known, property):
            return known.fset is not None
        if name in self._settable:
            return True
        if name in self.__dict__.get("_fixed", ()):
            return False
        if "_is_being_made" in self.__dict__:
            return True
        others = [vars(each) for each in type(self).__mro__[:-1] if not _is_ours(each)]
        return name in self.__dict__ or any(
            name in each.get("__annotations__", ()) or (name in each and not callable(each[name]))
            for each in others
        )

    def _refusal(self, name: str) -> str:
        """Why a name cannot be set, and what to do."""
        who = self._who()
        if name in self._remedies:
            return f"{name} of {who} cannot be set; {self._remedies[name]}."
        readable = {each for each in (*dir(type(self)), *self.__dict__) if each[0] != "_"}
        settable = sorted(each for each in readable | {*self._more()} if self._has_effect(each))
        there = ", ".join(settable)
        if name in readable:
            called = callable(getattr(type(self), name, None))
            what = "is a method" if called else "can only be read"
            there = f"; what can be set: {there}" if there else ""
            return f"{name} of {who} {what}, so it cannot be set{there}."
        near = here(name, *_places(self)) or nearest(name, [*settable, *sorted(readable)])
        there = f"; available: {there}" if there else ""
        return (
            f"{who[0].upper()}{who[1:]} has no {show(name)} that can be set{there}.{near} Names "
            "of your own have to begin with '_'."
        )

    def _who(self) -> str:
        named = "name" in self.__dict__
        return repr(self.__dict__["name"]) if named else f"this {type(self).__name__}"

    def _more(self) -> Iterator[str]:
        """Names that can be set though the class has no such attribute: a neuron's variables."""
        return iter(())

    def _has_effect(self, name: str) -> bool:
        return name in self._more() or self._may_set(name)


class Missing(InputError, AttributeError):
    """An attribute that other objects of the class have, but not this one."""

    def __init__(self, message: str, name: str = ""):
        super().__init__(message)
        self.name = name or "attribute"  # so that Python adds no guess of its own


def absent(
    made: Any,
    name: str,
    who: str,
    message: str = "",
    known: Sequence[str] = (),
    others: Mapping[str, str] | None = None,
) -> AttributeError:
    """The error for an attribute that there is not, with the name that is likely meant.

    Parameters
    ----------
    made : object
        Whose ``__getattr__`` was asked.
    name : str
    who : str
        What it is called in messages.
    message : str
        A sentence in place of the usual one.
    known : sequence of str
        The names of which the nearest is offered, in place of all public ones.
    others : mapping of str to str
        As in `nearest`.
    """
    if name.startswith("_"):
        return AttributeError(f"{type(made).__name__!r} object has no attribute {name!r}")
    own = getattr(type(made), name, None)
    if isinstance(own, property) and own.fget is not None:
        own.fget(made)  # raises once more the error that led here
    names = known or [each for each in (*dir(type(made)), *made.__dict__) if each[0] != "_"]
    message = message or f"{who[0].upper()}{who[1:]} has no attribute {name!r}."
    near = here(name, *_places(made)) or nearest(name, names, others)
    # With a name, but no object, Python adds no guess of its own.
    return AttributeError(f"{message}{near}", name=name, obj=None)


def _places(made: Any) -> list[str]:
    """Under which names the words of others for its attributes are listed."""
    return [cls.__name__ for cls in type(made).__mro__]


class Named(Guarded):
    """An object that has attributes whose names users have chosen, such as parameters of a rule.

    A subclass says in `_more` which of them may be set, reads and writes them in `_read`, which
    raises KeyError for others, and `_write`, and tells in `_called` who it is, for messages.
    """

    def _read(self, name: str) -> Any:
        raise NotImplementedError

    def _write(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def _called(self) -> str:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "_fixed" not in self.__dict__:
            raise AttributeError(name)
        try:
            return self._read(name)
        except KeyError:
            there = [*self._more()]
            near = here(name, *_places(self)) or nearest(name, there)
            listed = ", ".join(there) or "nothing"
            message = f"{self._called()} has no {name!r}; there is {listed}.{near}"
            raise Missing(message, name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and "_fixed" in self.__dict__ and name in self._more():
            self._write(name, value)
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._more()]


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == _OURS


def _closing(init: Callable[..., None], ours: bool) -> Callable[..., None]:
    """Wrap an ``__init__``, so that attributes are guarded once it has ended."""

    @wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        own = self.__dict__
        outermost = own.setdefault("_is_being_made", init) is init
        init(self, *args, **options)
        if ours:
            own["_fixed"] = frozenset(name for name in own if not name.startswith("_"))
        if outermost:
            del own["_is_being_made"]

    return __init__


def _answering(function: Callable, called: str) -> Callable:
    """Wrap a call, so that an argument that it does not take is answered in words of users.

    Parameters
    ----------
    function : callable
        A method.
    called : str
        The class by whose name users know it.
    """
    function.__qualname__ = f"{called}.{function.__name__}"
    if len(signature(function).parameters) < 2:  # self alone, as of what runs call often
        return function

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # it comes from within
            raise TypeError(f"{error}.{_remedy(function, options)}") from None

    return call


def _remedy(function: Callable, options: Mapping[str, Any]) -> str:
    """What to do about arguments that a function does not take."""
    parameters = signature(function).parameters
    strange = [name for name in options if name not in parameters]
    for name in strange:
        if meant := here(name, function.__qualname__):
            return meant
    _, *given = parameters.values()  # without self
    several = [each for each in given if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    if strange and not several and (near := nearest(strange[0], parameters)):
        return near
    needed = [each for each in given if each.default is each.empty and each not in several]
    shown = [f"{each.name}=..." if each.kind is each.KEYWORD_ONLY else each.name for each in needed]
    shown += ["..."] if len(needed) < len(given) else []
    return f" It is called as {function.__name__}({', '.join(shown)})."


def public_names(cls: type) -> set[str]:
    """The public names of a class's objects: those that it has, declares or sets in ``__init__``.

    Examples
    --------
    >>> class Cell:
    ...     def __init__(self):
    ...         self.v = -65.0
    ...     def spike(self): ...
    >>> sorted(public_names(Cell))
    ['spike', 'v']
    """
    names = set(dir(cls))
    for each in cls.__mro__:
        names.update(vars(each).get("__annotations__", ()))
        init = vars(each).get("__init__")
        code = dis.get_instructions(unwrap(init)) if isfunction(init) else ()
        names.update(step.argval for step in code if step.opname == "STORE_ATTR")
    return {name for name in names if not name.startswith("_")}


class Watched(dict):
    """A dict in which every assignment, however it is written, goes through `__setitem__`."""

    def update(self, *others: Any, **named: Any) -> None:
        """Assign several values."""
        for name, value in dict(*others, **named).items():
            self[name] = value

    def setdefault(self, name: Any, default: Any = None) -> Any:
        """Return the value of a name; if it has none, assign the default first."""
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, others: Any) -> Watched:  # type: ignore[override,misc]
        self.update(others)
        return self

    def __reduce__(self) -> Any:
        return _empty, (type(self),), (dict(self), vars(self))

    def __setstate__(self, state: tuple[dict[Any, Any], dict[str, Any]]) -> None:
        items, attributes = state
        super().update(items)
        vars(self).update(attributes)


def _empty(kind: type[Watched]) -> Watched:
    return kind.__new__(kind)


class Constants(Watched):
    """Numbers by name. They can be changed, but no name can be added: nobody would read it.

    Parameters
    ----------
    what : str
        Their kind, for messages: "constant of 'cells'".
    values : mapping of str to number

    Examples
    --------
    >>> numbers = Constants("constant of 'cells'", {"decay": 0.9})
    >>> numbers["decay"] = 0.8
    """

    def __init__(self, what: str, values: Mapping[str, Any]):
        super().__init__(values)
        self._what = what

    def __setitem__(self, name: str, value: Any) -> None:
        check_unknown(self._what, [name], self)
        super().__setitem__(name, value)


class Fixed(Watched):
    """A dict of what a description declares, which all that is made of it share: nobody changes it.

    Parameters
    ----------
    owner : str
        The description, for messages.
    values : mapping
    remedy : str
        What to do instead, with ``{name}`` and ``{value}``.

    Examples
    --------
    >>> Fixed("NMDA", {"Mg": 1.0}, "NMDA.with_({name}={value})")["Mg"] = 0.0
    Traceback (most recent call last):
    spikesim.errors.InputError: Mg of NMDA cannot be set, ...; NMDA.with_(Mg=0.0).
    """

    def __init__(self, owner: str, values: Mapping[str, Any], remedy: str):
        super().__init__(values)
        self._owner, self._remedy = owner, remedy

    def __setitem__(self, name: str, value: Any) -> None:
        remedy = self._remedy.format(name=name, value=show(value))
        raise InputError(
            f"{name} of {self._owner} cannot be set, as all that is made of it shares it; {remedy}."
        )

    def __delitem__(self, name: str) -> None:
        raise InputError(f"{name} of {self._owner} cannot be taken away.")

    def pop(self, name: str, *default: Any) -> Any:
        del self[name]

    def popitem(self) -> Any:
        self.clear()
        return super().popitem()

    def clear(self) -> None:
        for name in reversed(self):
            del self[name]


def imported_later(package: str, names: Sequence[str]) -> tuple[Callable, Callable]:
    """A package's ``__getattr__`` and ``__dir__``, which import its modules on first use.

    Parameters
    ----------
    package : str
    names : sequence of str
        The names of the modules.

    Examples
    --------
    >>> get, names = imported_later("spikesim", ["plot"])
    >>> get("plto")
    Traceback (most recent call last):
    AttributeError: module 'spikesim' has no attribute 'plto'. Did you mean 'plot'?
    """

    def get(name: str) -> Any:
        if name in names:
            return import_module(f"{package}.{name}")
        meant = here(name, package)
        near = meant or nearest(name, (each for each in listed() if each[0] != "_"))
        message = f"module {package!r} has no attribute {name!r}.{near}"
        if meant and sys._getframe(1).f_globals.get("__name__") in _IMPORTING:
            raise ImportError(message, name=package)  # in place of one that does not say it
        raise AttributeError(message, name=name, obj=None)

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names})

    return get, listed


class ReadOnly(np.ndarray):
    """An array that tells whoever writes to it what to do instead; see `read_only`.

    What is computed from it is an ordinary array.
    """

    advice = "change a copy of it, array.copy()"

    def __setitem__(self, place: Any, value: Any) -> None:
        self._check_writeable()
        super().__setitem__(place, value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        for each in options.get("out", ()):
            if isinstance(each, ReadOnly):
                each._check_writeable()
        for name in ("out", "where"):
            given = options.get(name)
            if given is not None:
                options[name] = tuple(map(ordinary, given)) if name == "out" else ordinary(given)
        return getattr(ufunc, method)(*map(ordinary, inputs), **options)

    def _check_writeable(self) -> None:
        if not self.flags.writeable:
            raise InputError(f"This array is read-only; {self.advice}.")

    def __reduce__(self) -> Any:
        return ordinary(self).__reduce__()

    def __repr__(self) -> str:
        return repr(ordinary(self))


def ordinary(value: Any) -> Any:
    """An array as one of NumPy's own; anything else as it is."""
    return value.view(np.ndarray) if isinstance(value, ReadOnly) else value


def read_only(array: np.ndarray, advice: str = "") -> np.ndarray:
    """The same array, for those who should not write to it: compiled code believes indices.

    Parameters
    ----------
    array : numpy.ndarray
    advice : str
        What those who write to it should do instead; by default, to change a copy.

    Examples
    --------
    >>> read_only(np.zeros(2))[0] = 1.0
    Traceback (most recent call last):
    spikesim.errors.InputError: This array is read-only; change a copy of it, array.copy().
    """
    view = array.view(ReadOnly)
    view.flags.writeable = False
    if advice:
        view.advice = advice
    return view


def copied(tree: Any) -> Any:
    """Copy nested dictionaries and lists with their arrays: later changes of one spare the other.

    Examples
    --------
    >>> live = {"weights": {"0": np.zeros(2)}, "epoch": 3}
    >>> kept = copied(live)
    >>> live["weights"]["0"][:] = 1.0
    >>> kept
    {'weights': {'0': array([0., 0.])}, 'epoch': 3}
    """
    if isinstance(tree, np.ndarray):
        return ordinary(tree).copy()
    if isinstance(tree, Mapping):
        return {name: copied(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [copied(value) for value in tree]
    return tree
