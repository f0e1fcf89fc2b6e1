"""Lowering: from a plain Python function to one that can be compiled, with everything it calls.

A `Lowering` copies a function, gives its constants the state's type, binds the names it uses to
lowered functions and hands the copy to a compiler. Equations stay undecorated: tests, debuggers and
the `python` backend see the same source that the CPU runs.

A function has to follow these rules. If it breaks one, it is refused, and the message names the
line:

- It is a plain function, not a method, partial or closure. Arrays come in through the state and
  numbers through the parameters. Constants may be global numbers or those of a module (``np.pi``).
- It calls other plain functions, as ``soma(v)`` or ``module.soma(v)``. Of all other functions it
  calls only those that give the same bits on every backend: those of `math` and NumPy that stand in
  `spikesim.kernels.functions.PRIMITIVES`, those in `spikesim.kernels.functions.EXACT`, and ``abs``,
  ``min``, ``max``, ``int``, ``float``, ``bool``, ``len`` and ``range``.
- It makes no lists, dicts, sets or texts, and catches no errors. It sets ``s.v[i]``, never ``s.v``.
- A power ``x ** 3`` with a whole exponent up to 16 is computed as a product; any other power is a
  call of ``pow``, see `spikesim.kernels.machine.powers`.
- In a float32 network it does not mix whole and real numbers: it has ``1.0 - v`` and
  ``real(i) * v``, not ``1 - v`` and ``i * v``. Compilers compute such a mixture in float64, and
  plain Python does not.

When the code is read
---------------------
A body reads a global when the network runs, as Python does. So a new network, and the next ``run``
of an old one, see a constant that was rebound, a helper that was redefined, a module that was
reloaded and a default that was changed, on every backend. A function that was passed to a network,
such as a step of a `Neuron`, is an exception: the network keeps the function that it was given,
even if its name is rebound. Compiled code is kept by its content, so code that is changed back is
not compiled again.
"""

from __future__ import annotations

import builtins
import copy
import dis
import hashlib
import inspect
import math
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import is_
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from spikesim.kernels import functions
from spikesim.kernels.machine.powers import MOST, POWER, is_product, with_calls
from spikesim.kernels.machine.states import is_record

__all__ = ["Lowering", "LoweringError", "is_ours"]

_PLAIN_BUILTINS: tuple[Any, ...] = (range, len, min, max, abs, bool)
_METHODS = {"view"}  # methods of numbers that give the same bits everywhere

_COLLECTION = "makes a list, dict, set or text; keep numbers in arrays of the state"
_FUNCTION = "defines a function or comprehension inside; write a loop"
_GENERATOR = "is a generator or coroutine; write a loop"
_REFUSED = {
    "MAKE_FUNCTION": _FUNCTION,
    "LOAD_BUILD_CLASS": _FUNCTION,
    "YIELD_VALUE": _GENERATOR,
    "RETURN_GENERATOR": _GENERATOR,
    "BUILD_LIST": _COLLECTION,
    "BUILD_SET": _COLLECTION,
    "BUILD_MAP": _COLLECTION,
    "BUILD_CONST_KEY_MAP": _COLLECTION,
    "BUILD_STRING": _COLLECTION,
    "FORMAT_VALUE": _COLLECTION,
    "FORMAT_SIMPLE": _COLLECTION,
    "CONVERT_VALUE": _COLLECTION,
    "STORE_GLOBAL": "sets the global {!r}; keep it in an array of the state",
    "DELETE_GLOBAL": "deletes the global {!r}",
    "DELETE_ATTR": "deletes {!r}",
    "DELETE_SUBSCR": "deletes part of an array",
    "DELETE_FAST": "deletes {!r}; remove the 'del'",
    "IMPORT_NAME": "imports {!r}; import it at the top of the file",
    "BEFORE_WITH": "has a 'with', which bodies cannot use",
    "CALL_FUNCTION_EX": "passes arguments by '*' or '**'; write them out",
    "UNPACK_EX": "unpacks by '*'; write each name out",
}
_ADVICE: list[tuple[Callable, str]] = [
    (sum, "add up in a loop"),
    (np.square, "write x * x"),
    (np.minimum, "write min(x, y)"),
    (np.maximum, "write max(x, y)"),
    (np.clip, "write min(max(x, low), high)"),
    (divmod, "write x // y and x % y"),
    (print, "look at the arrays after the run"),
    (enumerate, "write a loop over range"),
    (zip, "write a loop over range"),
]
_UNREAL = str, bytes, complex, frozenset
_MISSING = object()
_COMPREHENSION = "LIST_APPEND", "SET_ADD", "MAP_ADD"
_CONSTANT = "LOAD_CONST", "LOAD_SMALL_INT"
_POWER: Any = next(
    x.arg for x in dis.get_instructions(compile("x ** y", "", "eval")) if x.argrepr == "**"
)


class LoweringError(TypeError):
    """A function that cannot be compiled, and why."""


class _Place(NamedTuple):
    """The function that is being read, for messages."""

    where: str
    file: str
    line: int

    @classmethod
    def of(cls, function: Any) -> _Place:
        """Where a function begins."""
        code = function.__code__
        where = f"{function.__module__}.{function.__qualname__}"
        return cls(where, code.co_filename, code.co_firstlineno)

    def refuse(self, what: str, line: int | None = None) -> LoweringError:
        """An error that names the line: by default, the function's first."""
        return LoweringError(f"{self.where} {what} (line {line or self.line} of {self.file}).")


class _Code(NamedTuple):
    """Everything that a function's code tells by itself, whatever its globals are."""

    code: CodeType  # with constants of the state's type
    reads: dict[str, dict[str, int | None]]  # global name → attribute of it, or '' → line
    digest: bytes
    last: tuple[str, int | None] | None  # refused only if everything that it reads can be lowered


class Lowering:
    """Lowers functions for one compiler and one floating-point type, as they are now.

    It looks at each function once, and so serves to make one program. `afresh` returns one that
    looks again, and that still knows what has been compiled.

    Parameters
    ----------
    jit : callable
        Takes a plain function and returns the compiled one (the identity for plain Python).
    dtype : str
        'float32' or 'float64', the type that constants take.
    primitives : dict
        Further functions of a backend: the function that users call → the one lowered in its place.
    ready : dict
        The same, but the functions are compiled already.
    exponent : callable
        Makes the object that replaces n in ``x ** n``; by default a constant of the compiler's.
    """

    def __init__(
        self,
        jit: Callable[[Any], Any],
        dtype: str,
        primitives: dict[Callable, Callable] | None = None,
        ready: dict[Callable, Callable] | None = None,
        exponent: Callable[[int], Any] = int,
    ):
        self.jit = jit
        self.real: Any = np.dtype(dtype).type
        self.primitives = {**functions.PRIMITIVES[dtype], **(primitives or {})}
        self._exponent = exponent
        self._ready: dict[Callable, tuple[Callable, str]] = {
            function: (compiled, compiled.__name__) for function, compiled in (ready or {}).items()
        }
        for function in self._ready:
            self.primitives[function] = function
        self._compiled: dict[tuple[str, str, CodeType], Callable] = {}
        self._forget()

    def _forget(self) -> None:
        self._done: dict[Callable, tuple[Callable, str] | None] = dict(self._ready)
        self._looked_at: set[tuple[int, str]] = set()
        self._scopes: list[dict[str, Any]] = []
        self._names: list[str] = []
        self._values: list[Any] = []
        self._functions: list[tuple[FunctionType, CodeType, Any]] = []

    def afresh(self) -> Lowering:
        """A copy that looks at every function again."""
        again = copy.copy(self)
        again._forget()
        return again

    def __call__(self, function: Callable) -> Any:
        """The compiled form of `function`."""
        return self._lower(function)[0]

    def digest(self, function: Callable) -> str:
        """A hash of the source of `function`, its constants and everything it calls."""
        return self._lower(function)[1]

    @property
    def is_current(self) -> bool:
        """Whether nothing that it has looked at has changed; asked before every run."""
        for function, code, defaults in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return False
        return all(map(is_, map(dict.get, self._scopes, self._names), self._values))

    def _lower(self, function: Callable) -> tuple[Callable, str]:
        function = self._primitive(function) or function
        if not isinstance(function, FunctionType) and function not in self._ready:
            raise LoweringError(f"{function!r} is not a plain Python function.")
        if function not in self._done:
            self._done[function] = None
            self._done[function] = self._bind(function)
        done = self._done[function]
        if done is None:
            raise _Place.of(function).refuse("calls itself; write a loop")
        return done

    def _primitive(self, value: Any) -> Callable | None:
        try:
            return self.primitives.get(value)
        except TypeError:  # it has no hash, or one that depends on more than its type
            return None

    def _bind(self, function: Any) -> tuple[Callable, str]:
        place = _Place.of(function)
        if function.__closure__:
            captured = ", ".join(function.__code__.co_freevars)
            raise place.refuse(
                f"uses {captured} of an enclosing function; pass it in the state or params"
            )
        code = function.__code__
        if _has_powers(code):
            code = with_calls(code) or code
        code, reads, digest, last = _examined(code, place, self.real, self._exponent)
        defaults = function.__defaults__
        if not is_ours(function):  # ours are replaced as a whole, when their names are rebound
            self._functions.append((function, function.__code__, defaults))
        hashed = hashlib.sha256(digest)
        if defaults:
            defaults = tuple(_typed(value, self.real) for value in defaults)
            if None in map(_number, defaults):
                raise place.refuse("has a default that is not a number; pass it in the state")
            hashed.update(repr(defaults).encode())
        scope: dict[str, Any] = {"__builtins__": builtins, "__name__": function.__module__}
        for name, attributes in reads.items():
            scope[name], value_digest = self._read(name, attributes, function.__globals__, place)
            hashed.update(f"{name}={value_digest};".encode())
        if last is not None:
            raise place.refuse(*last)
        key = hashed.hexdigest()[:16]
        known = key, place.file, function.__code__
        if known not in self._compiled:
            bound = FunctionType(code, scope, function.__name__, defaults)
            # Numba's disk cache tells functions apart by file and qualified name only.
            bound.__qualname__ = f"{function.__qualname__}_{key}"
            bound.__module__ = function.__module__
            self._compiled[known] = self.jit(bound)
        return self._compiled[known], key

    def _read(
        self, name: str, attributes: dict[str, int | None], scope: dict[str, Any], place: _Place
    ) -> tuple[Any, str]:
        """The value of a global name in the lowered function, and its digest."""
        if name == POWER:
            return self._resolve(name, math.pow, place, None)
        module = self._look(scope, name)
        module = getattr(builtins, name, _MISSING) if module is _MISSING else module
        if not isinstance(module, ModuleType):
            line = next(iter(attributes.values()))
            return self._resolve(name, module, place, line)
        own = ModuleType(module.__name__)
        digests = []
        for attribute, line in attributes.items():
            if not attribute:
                raise place.refuse(f"uses the module {name!r} by itself; call its functions", line)
            self._look(vars(module), attribute)
            value = getattr(module, attribute, _MISSING)
            value, digest = self._resolve(f"{name}.{attribute}", value, place, line)
            setattr(own, attribute, value)
            digests.append(f"{attribute}={digest}")
        is_same = all(getattr(own, x) is getattr(module, x) for x in attributes)
        return module if is_same else own, " ".join(digests)

    def _look(self, scope: dict[str, Any], name: str) -> Any:
        """The value of a name; `is_current` will look at it again."""
        if (id(scope), name) not in self._looked_at:
            self._looked_at.add((id(scope), name))
            self._scopes.append(scope)
            self._names.append(name)
            self._values.append(scope.get(name))
        return scope.get(name, _MISSING)

    def _resolve(self, name: str, value: Any, place: _Place, line: int | None) -> tuple[Any, str]:
        own = self._primitive(value)
        is_within = own is not None and self._done.get(own, own) is None  # what it is made of
        if not is_within and (own is not None or isinstance(value, FunctionType)):
            return self._lower(value)
        number = _number(_typed(value, self.real))
        if number is not None:
            return number, repr(number)
        if is_record(value):
            return value, value.__name__
        if is_within or any(value is exact for exact in (*_PLAIN_BUILTINS, *functions.EXACT)):
            return value, value.__name__
        raise place.refuse(self._reason(name, value), line)

    def _reason(self, name: str, value: Any) -> str:
        """Why a value cannot be lowered."""
        if value is _MISSING:
            return f"uses {name!r}, which is not defined in its module"
        owners = _owners(value)
        if any(owner in ("random", "_random", "secrets", "numpy.random") for owner in owners):
            return (
                f"uses {name!r}, whose random numbers ignore the network's seed; draw with "
                "normal(s, i) or uniform(s, i), after 'from spikesim.math import normal, uniform'"
            )
        if any(owner in ("time", "datetime") for owner in owners):
            return f"uses {name!r}, which differs from run to run; the number of the step is t"
        if isinstance(value, ModuleType):
            return f"uses {name!r}, a module in a module; import it by a name of its own"
        if hasattr(value, "py_func"):
            return f"calls {name!r}, which is compiled already; remove its decorator"
        if callable(value):
            return f"calls {name!r}, which bodies cannot call; {self._instead(value)}"
        if _is_whole(value):
            return f"reads the global {name!r}, a whole number of more than 64 bits"
        return (
            f"reads the global {name!r} of type {type(value).__name__}; pass arrays in the state "
            "and numbers in the params"
        )

    def _instead(self, value: Any) -> str:
        for known, advice in _ADVICE:
            if value is known:
                return advice
        offered = (f for f in (*self.primitives, *_PLAIN_BUILTINS) if not is_ours(f))
        return f"they can call {', '.join(sorted({f.__name__ for f in offered}))}"


def is_ours(function: Any) -> bool:
    """Whether a function is part of spikesim."""
    return f"{function.__module__}.".startswith("spikesim.")


def _owners(value: Any) -> set[str]:
    """The modules to which a value belongs, or the one that it is."""
    return {
        str(getattr(value, "__name__", "")) if isinstance(value, ModuleType) else "",
        str(getattr(value, "__module__", "")),
        *(
            str(x.__module__).rpartition("._")[0] or str(x.__module__)
            for x in (type(value), type(getattr(value, "__self__", None)))
        ),
    }


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    """A typed constant as it stands in the lowered function; None if it is not a number."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if _is_whole(value):
        return int(value) if -(2**63) <= int(value) < 2**63 else None
    return value if isinstance(value, np.floating) else None


def _typed(value: Any, real: type) -> Any:
    """A constant in which every float has the state's type."""
    if type(value) is tuple:
        return tuple(_typed(item, real) for item in value)
    return real(value) if isinstance(value, (float, np.floating)) else value


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    return (x for x in dis.get_instructions(code) if x.opname not in ("EXTENDED_ARG", "NOP"))


@lru_cache(maxsize=4096)
def _examined(code: CodeType, place: _Place, real: type, exponent: Callable[[int], Any]) -> _Code:
    """Refuse what cannot be lowered, type the constants, and list the globals that are read."""
    if code.co_kwonlyargcount:
        raise place.refuse("has keyword-only arguments; remove the '*' before them")
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise place.refuse("takes any number of arguments; name them one by one")
    constants = [_typed(value, real) for value in code.co_consts]
    text = bytearray(code.co_code)
    reads: dict[str, dict[str, int | None]] = {}
    last: tuple[str, int | None] | None = None
    before: Any = None
    instructions = list(_instructions(code))
    # From Python 3.12 on, a comprehension is not a function of its own.
    if any(x.opname in _COMPREHENSION for x in instructions):
        raise place.refuse(_FUNCTION)
    for x in instructions:
        line = x.positions.lineno if x.positions else None
        _check(x, place, line)
        if x.opname in (*_CONSTANT, "RETURN_CONST") and isinstance(x.argval, _UNREAL):
            last = last or (f"has {x.argval!r}, which is not a real number", line)
        if x.opname.startswith("LOAD_GLOBAL"):
            reads.setdefault(x.argval, {})
        if before is not None and before.opname.startswith("LOAD_GLOBAL"):
            is_part = x.opname in ("LOAD_ATTR", "LOAD_METHOD")
            reads[before.argval].setdefault(x.argval if is_part else "", line)
        elif _is_method(x) and x.argval not in _METHODS:
            last = last or (f"calls the method {x.argval!r}; write a loop over the elements", line)
        if x.opname == "BINARY_OP" and x.argrepr in ("**", "**="):
            if not _is_product(x, before):
                raise place.refuse(
                    f"has a power other than x ** n with n from 0 to {MOST}, written as a number, "
                    "and there is no file in which its line could be looked up; write pow(x, y)",
                    line,
                )
            n = before.argval
            if max(before.arg, len(constants)) > 255:
                raise place.refuse("has more than 255 constants beside a power", line)
            text[before.offset : before.offset + 2] = dis.opmap["LOAD_CONST"], len(constants)
            text[x.offset + 1] = _POWER  # x **= n is compiled as x = x ** n
            constants.append(exponent(n))
        before = x
    if code.co_exceptiontable:
        raise place.refuse("catches errors, which bodies cannot do; test for their cause")
    reads = dict(sorted(reads.items()))
    code = code.replace(co_code=bytes(text), co_consts=tuple(constants))
    arguments = code.co_varnames[: code.co_argcount]
    seen = repr((code.co_consts, code.co_names, arguments, code.co_posonlyargcount))
    return _Code(code, reads, hashlib.sha256(code.co_code + seen.encode()).digest(), last)


def _is_product(x: dis.Instruction, before: Any) -> bool:
    """Whether a power, with what comes before it, has an exponent of which a product is made."""
    is_constant = before is not None and before.opname in _CONSTANT and not x.is_jump_target
    return is_constant and is_product(before.argval)


def _has_powers(code: CodeType) -> bool:
    """Whether there are powers that are no products."""
    before = None
    for x in _instructions(code):
        if x.opname == "BINARY_OP" and x.argrepr in ("**", "**=") and not _is_product(x, before):
            return True
        before = x
    return False


def _is_method(x: dis.Instruction) -> bool:
    is_marked = sys.version_info >= (3, 12) and x.opname == "LOAD_ATTR" and (x.arg or 0) & 1
    return x.opname == "LOAD_METHOD" or bool(is_marked)


def _check(x: dis.Instruction, place: _Place, line: int | None) -> None:
    """Refuse an instruction that cannot be lowered."""
    if x.opname in _REFUSED:
        raise place.refuse(_REFUSED[x.opname].format(x.argval), line)
    if x.opname == "STORE_ATTR":
        raise place.refuse(
            f"sets the attribute {x.argval!r}; an array of the state is written to at an index, "
            f"s.{x.argval}[i] = ..., and a parameter cannot be changed",
            line,
        )
    if x.opname == "BINARY_OP" and x.argrepr in ("@", "@="):
        raise place.refuse("multiplies matrices; write a loop", line)
    if x.opname in (*_CONSTANT, "RETURN_CONST"):
        if isinstance(x.argval, CodeType):
            raise place.refuse(_FUNCTION, line)
        if _is_whole(x.argval) and _number(x.argval) is None:
            raise place.refuse("has a whole number of more than 64 bits", line)
