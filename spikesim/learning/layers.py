"""Layers, and how bodies find their arrays: the names that a body reads are its wiring.

At a layer, ``s.NAME`` is the layer's own array of that name. With the ending ``_below``, ``_above``
or ``_output``, it is the array of the layer there. Otherwise it is an array that all layers share,
such as the clock, the image or a result. ``p.NAME`` is a number of the layer, or a parameter of the
model: the layer's entry if that is a tuple, 1 or 0 if it is a flag. A keyword of `Layer.phase`
comes before all of these. The functions that a body calls have to name their state and parameters
`s` and `p`, too.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from spikesim.attributes import Guarded
from spikesim.checks import check_body, check_choice, nearest
from spikesim.errors import InputError
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.spikes import parts

__all__ = ["Brightness", "Layer", "Shared", "Wired", "linked", "names_of", "over"]

_EACH = {
    "unit": "p.many",
    "row": "p.many",
    "block": "parts(p.many, p)",
    "once": "1",
}
_WHERE = ("below", "above", "output")


def names_of(body: Callable) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a body, and all functions that it calls now, read from `s` and from `p`.

    Parameters
    ----------
    body : callable

    Returns
    -------
    tuple of two frozenset of str

    Examples
    --------
    >>> def decay(i, t, s, p):
    ...     s.v[i] = p.factor * s.v[i]
    >>> names_of(decay)
    (frozenset({'v'}), frozenset({'factor'}))
    """
    found: dict[str, set[str]] = {"s": set(), "p": set()}
    todo, seen = [body], set()
    while todo:
        function: Any = todo.pop()
        if function in seen:
            continue
        seen.add(function)
        names, called = _read(function.__code__)
        for owner, own in names.items():
            found[owner] |= own
        for path in called:
            value: Any = function.__globals__.get(path[0])
            if isinstance(value, ModuleType) and len(path) > 1:
                value = getattr(value, path[1], None)
            if isinstance(value, FunctionType):
                todo.append(value)
    return frozenset(found["s"]), frozenset(found["p"])


@cache
def _read(code: CodeType) -> tuple[dict[str, set[str]], set[tuple[str, ...]]]:
    """The names that code reads from `s` and `p`, and its globals with the names read from them."""
    names: dict[str, set[str]] = {"s": set(), "p": set()}
    found: set[tuple[str, ...]] = set()
    local: str | None = None  # the variable that was loaded just before
    path: tuple[str, ...] | None = None
    for step in dis.get_instructions(code):
        before, local = local, None
        if "LOAD_FAST" in step.opname:  # an instruction may load two at once
            local = step.argval[-1] if isinstance(step.argval, tuple) else step.argval
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if before is not None and before in names:
                names[before].add(step.argval)
            elif path is not None:
                found.add((*path, step.argval))
        path = (step.argval,) if step.opname.startswith("LOAD_GLOBAL") else None
        if path is not None:
            found.add(path)
    return names, found


def _called(body: Callable) -> str:
    """The names of a body's file and of the body, as `explain` prints them."""
    return f"{body.__module__.rpartition('.')[2]}.{body.__name__}"


@cache
def over(each: str, *when: Callable) -> FunctionType:
    """The function that counts a Phase's indices; it returns 0 unless all of `when` are true.

    Parameters
    ----------
    each : {'unit', 'row', 'block', 'once'}
        As for `Layer.phase`.
    *when : callable
        ``when(s, p)`` or ``when(t, s, p)``.

    Returns
    -------
    function
        ``over(t, s, p)``.

    Examples
    --------
    >>> def late(t, s, p):
    ...     return t > 5
    >>> count = over("once", late)
    >>> count(0, None, None), count(6, None, None)
    (0, 1)
    """
    given = ["t, s, p" if each.__code__.co_argcount == 3 else "s, p" for each in when]
    tests = " and ".join(f"when_{k}({args})" for k, args in enumerate(given))
    source = f"def over(t, s, p):\n    return {_EACH[each]}"
    scope: dict[str, Any] = {"parts": parts, "__name__": __name__}
    scope.update({f"when_{k}": function for k, function in enumerate(when)})
    exec(f"{source} if {tests} else 0" if when else source, scope)
    return scope["over"]


class Shared:
    """What all layers see: arrays by name, and the parameters.

    Parameters
    ----------
    parameters : ModelParameters
    bodies : mapping of callable to callable, optional
        Body → the body that replaces it.

    Attributes
    ----------
    arrays : dict of str to numpy.ndarray
    numbers : dict of str to number
    inputs : set of str
        The names of arrays that no body writes.
    layers : list of Layer

    Examples
    --------
    >>> shared = Shared(None)
    >>> layers = linked((4, 2), shared)
    >>> shared.arrays["clock"] = np.zeros(3)
    >>> layers[0].find("clock") is shared.arrays["clock"]
    True
    """

    def __init__(self, parameters: Any, bodies: Mapping[Callable, Callable] | None = None):
        self.parameters = parameters
        self.bodies = dict(bodies or {})
        self.arrays: dict[str, np.ndarray] = {}
        self.numbers: dict[str, Any] = {}
        self.inputs: set[str] = set()
        self.layers: list[Layer] = []


class Brightness(float):
    """A number per unit of brightness; it is divided by 255 while images hold whole numbers.

    Parameters
    ----------
    x : float

    Examples
    --------
    >>> Brightness(0.2) / 255.0 < 0.001
    True
    """


class Wired(NamedTuple):
    """A Phase at a layer, and the arguments of `Layer.phase` that made it.

    Attributes
    ----------
    phase : Phase
    layer : Layer
    each : str
    when : tuple of callable

    Examples
    --------
    >>> def double(i, t, s, p):
    ...     s.h[i] = 2.0 * s.h[i]
    >>> layer = linked((4, 2), Shared(None))[0]
    >>> layer.arrays["h"] = np.ones(4)
    >>> wired = layer.phase(double)
    >>> wired.layer.name, wired.each
    ('input', 'unit')
    """

    phase: Phase
    layer: Layer
    each: str
    when: tuple[Callable, ...]


class Layer(Guarded):
    """A group of units, with arrays by name and layers below and above it; made by `linked`.

    Arrays are also attributes: ``layer.W`` is ``layer.arrays["W"]``.

    Attributes
    ----------
    index : int
        0 is the input.
    name : str
        'input', 'hidden_1', ..., 'output'.
    n : int
        How many units.
    arrays : dict of str to numpy.ndarray
    numbers : dict of str to number

    Examples
    --------
    >>> input, output = linked((4, 2), Shared(None))
    >>> output.arrays["W"] = np.ones((4, 2))
    >>> output.W.shape, output.below.name, output.find("W_above") is None
    ((4, 2), 'input', True)
    """

    _remedies = {"W": 'put it into layer.arrays, as in layer.arrays["W"] = array'}  # noqa: RUF012

    def __init__(self, index: int, name: str, n: int, shared: Shared):
        self.index, self.name, self.n = index, name, n
        self.arrays: dict[str, np.ndarray] = {}
        self.numbers: dict[str, Any] = {}
        self._shared = shared

    def __repr__(self) -> str:
        return f"<Layer {self.name!r}: {self.n} units with {', '.join(self.arrays) or 'no arrays'}>"

    def __getattr__(self, name: str) -> np.ndarray:
        arrays = self.__dict__.get("arrays", {})
        if name not in arrays:
            raise AttributeError(
                f"{self.__dict__.get('name')!r} has no array {name!r}.{nearest(name, arrays)}"
            )
        return arrays[name]

    @property
    def below(self) -> Any:
        """The layer that it gets input from; the input has None."""
        return self._shared.layers[self.index - 1] if self.index else None

    @property
    def above(self) -> Any:
        """The next layer; the output has None."""
        return None if self.is_output else self._shared.layers[self.index + 1]

    @property
    def output(self) -> Layer:
        """The last layer."""
        return self._shared.layers[-1]

    @property
    def is_input(self) -> bool:
        """Whether it is the first layer."""
        return self.index == 0

    @property
    def is_output(self) -> bool:
        """Whether it is the last layer."""
        return self is self.output

    def phase(
        self,
        body: Callable,
        each: str = "unit",
        when: Callable | tuple[Callable, ...] | None = None,
        *,
        many: int | None = None,
        dtype: Any = None,
        **given: Any,
    ) -> Wired:
        """Apply a body to this layer.

        Parameters
        ----------
        body : callable
            ``body(i, t, s, p)``.
        each : {'unit', 'row', 'block', 'once'}
            What `i` runs over: units, units of the layer below (rows of ``W``), blocks of units
            (see `spikesim.kernels.spikes.bounds`), or nothing.
        when : callable or tuple of callable, optional
            ``when(s, p)`` or ``when(t, s, p)``, true in the steps in which the body acts; by
            default it acts in all.
        many : int, optional
            The number of units; by default that of the layer.
        dtype : {'float32', 'float64'}, optional
            The type of the body's numbers, for slow decays; by default that of the network.
        **given : numpy.ndarray or number
            What names of the body stand for here, in place of what the module's docstring says.

        Raises
        ------
        InputError
            If the body reads a name that does not exist; the message offers the nearest one.
        """
        body = check_body("body", self._shared.bodies.get(body, body), "i", "t", "s", "p")
        check_choice("each", each, list(_EACH))
        tests = () if when is None else when if isinstance(when, tuple) else (when,)
        loop = over(each, *tests)
        arrays, numbers = (a | b for a, b in zip(names_of(body), names_of(loop), strict=True))
        if many is None:
            many = self.below.n if each == "row" else self.n
        given = {**given, "many": many, "parts": SHARED, "layer": self.index}
        state = {n: given[n] if n in given else self._array(n, body) for n in sorted(arrays)}
        params = {n: given[n] if n in given else self.number(n, body) for n in sorted(numbers)}
        inputs = tuple(name for name in state if name in self._shared.inputs)
        return Wired(Phase(body, loop, state, params, inputs, dtype=dtype), self, each, tests)

    def find(self, name: str) -> np.ndarray | None:
        """What ``s.NAME`` is here, by its ``name``; None if there is no such array."""
        if name in self.arrays:
            return self.arrays[name]
        for where in _WHERE:
            stem = name.removesuffix(f"_{where}")
            if stem != name:
                other = getattr(self, where)
                if other is not None and stem in other.arrays:
                    found: np.ndarray = other.arrays[stem]
                    return found
        return self._shared.arrays.get(name)

    def _array(self, name: str, body: Callable) -> np.ndarray:
        found = self.find(name)
        if found is not None:
            return found
        there = [*self.arrays, *self._elsewhere(), *self._shared.arrays]
        raise InputError(
            f"{_called(body)} reads s.{name}, which {self.name} has not.{nearest(name, there)} "
            f"`arrays` or `weights` of the model has to make it; there is {', '.join(there)}."
        )

    def _elsewhere(self) -> Iterator[str]:
        for where in _WHERE:
            other = getattr(self, where)
            yield from (f"{stem}_{where}" for stem in (() if other is None else other.arrays))

    def number(self, name: str, body: Callable | None = None) -> Any:
        """What ``p.NAME`` is here, by its ``name``; an error says which ``body`` asks for it."""
        for numbers in (self.numbers, self._shared.numbers):
            if name in numbers:
                return numbers[name]
        value = getattr(self._shared.parameters, name, None)
        if isinstance(value, tuple):
            value = value[self.index - 1]
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, (int, float)):
            return value
        who = "A body" if body is None else _called(body)
        fields = getattr(self._shared.parameters, "_fields", ())
        raise InputError(
            f"{who} reads p.{name}, which is no number of the parameters; declare it in the "
            "model's Parameters, or give it to `phase` by name."
            + ("" if name in fields else nearest(name, fields))
        )


def linked(units: tuple[int, ...], shared: Shared) -> list[Layer]:
    """Make layers that know each other.

    Parameters
    ----------
    units : tuple of int
        Units of each layer, from the input to the output.
    shared : Shared

    Returns
    -------
    list of Layer

    Examples
    --------
    >>> [layer.name for layer in linked((4, 3, 2), Shared(None))]
    ['input', 'hidden_1', 'output']
    """
    last = len(units) - 1
    names = ["input", *(f"hidden_{k}" for k in range(1, last)), "output"]
    shared.layers = [Layer(k, names[k], n, shared) for k, n in enumerate(units)]
    return shared.layers
