"""Bodies whose numbers differ from neuron to neuron: neuron i reads them from arrays, at i.

A body reads ``p.tau`` and need not know whether all neurons share that number. If each neuron has
its own, the Phase gets another body in its place, which gathers the numbers of a neuron and calls
the first one:

    def step(i, t, s, p):
        body(i, t, s, Numbers(p.threshold, s.each_tau[i]))

The compiler leaves out numbers that the body does not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FunctionType

from spikesim.kernels.machine.states import record

__all__ = ["EACH", "every_value", "following", "for_each", "for_each_spike", "of_neuron"]

EACH = "each_"
"""The prefix of a number's name that gives the name of its array in the state."""

_INNER = "spikesim_inner"


def for_each(body: Callable, alike: Iterable[str], each: Mapping[str, bool]) -> Callable:
    """A body that calls `body` with the numbers of neuron i.

    Parameters
    ----------
    body : callable
        ``body(i, t, s, p)``, for neuron i.
    alike : iterable of str
        The numbers that all neurons share; they are parameters of the Phase.
    each : mapping of str to bool
        The numbers that differ between neurons, which are arrays of the state, and whether they are
        whole.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def step(i, t, s, p):
    ...     s.v[i] += p.gain * p.I
    >>> s = SimpleNamespace(v=[0.0, 0.0], each_I=[1.0, 5.0])
    >>> for_each(step, ["gain"], {"I": False})(1, 0, s, SimpleNamespace(gain=2.0))
    >>> s.v
    [0.0, 10.0]
    """
    numbers = _Numbers(alike, each)
    lines = ["def of_each(i, t, s, p):", f"    body(i, t, s, {numbers.at('i')})"]
    made = numbers.body(lines, body)
    vars(made)[_INNER] = body
    return made


def of_neuron(body: FunctionType) -> FunctionType:
    """The body that is called with the numbers of neuron i, if `for_each` has made this one."""
    inner: FunctionType = vars(body).get(_INNER, body)
    return inner


def for_each_spike(body: Callable, alike: Iterable[str], each: Mapping[str, bool]) -> Callable:
    """The same for a body that is called for spike i in the list of this step."""
    numbers = _Numbers(alike, each)
    lines = [
        "def of_each(i, t, s, p):",
        "    k = s.ids[t % s.ids.shape[0], i]",
        f"    body(i, t, s, {numbers.at('k')})",
    ]
    return numbers.body(lines, body)


def following(
    functions: Mapping[str, Callable], alike: Iterable[str], each: Mapping[str, bool]
) -> Callable:
    """A body that computes numbers of each neuron from an array to which other parts write.

    Parameters
    ----------
    functions : mapping of str to callable
        The numbers, and for each a ``function(value, p)`` of the element of ``s.value``. Its result
        goes to the array of the state with the number's name after ``to_``.
    alike, each
        As in `for_each`, for the numbers that these functions read.
    """
    numbers = _Numbers(alike, each)
    lines = ["def follow(i, t, s, p):", f"    numbers = {numbers.at('i')}"]
    lines += [f"    s.to_{name}[i] = {name}_of(s.value[i], numbers)" for name in functions]
    called = {f"{name}_of": function for name, function in functions.items()}
    return numbers.body(lines, next(iter(functions.values())), called)


def every_value(t, s, p):
    """An `over` for the bodies that `following` makes."""
    return s.value.shape[0]


class _Numbers:
    """The numbers of one neuron, as code that gathers them."""

    def __init__(self, alike: Iterable[str], each: Mapping[str, bool]):
        self._alike, self._each = tuple(alike), dict(each)

    def at(self, index: str) -> str:
        # Whole numbers become Python's, as shared ones are in the backend `python`.
        read = {False: "s.{}{}[{}]", True: "int(s.{}{}[{}])"}
        own = [read[whole].format(EACH, name, index) for name, whole in self._each.items()]
        return f"Numbers({', '.join([*(f'p.{name}' for name in self._alike), *own])})"

    def body(
        self, lines: Iterable[str], like: Callable, called: Mapping[str, Callable] | None = None
    ) -> Callable:
        """The function that these lines define, with the name of the user's function."""
        compiled = compile("\n".join(lines), __file__, "exec")
        code = next(each for each in compiled.co_consts if isinstance(each, CodeType))
        fields = (*self._alike, *self._each)
        scope = {**(called or {"body": like}), "Numbers": record(fields)}
        made = FunctionType(code, scope, like.__name__)
        made.__module__, made.__qualname__ = like.__module__, like.__qualname__
        return made
