"""From a plain Python function to a compiled one, with everything it calls.

`lower` copies a function, gives its constants the state's type, binds the names it uses to lowered
functions and hands the copy to a compiler. Equations stay undecorated: tests, debuggers and the
`python` backend see the same source that the CPU runs.

Rules for a function that is to be lowered (what breaks the first two is refused):

- it calls other functions by their global name, ``soma(v)``, not ``module.soma(v)``;
- it has no closure and reads no global array: arrays come in through the state;
- ``1.0 - v``, not ``1 - v``: a whole number times a float32 is a float64 for Numba.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import math
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from spikesim.kernels import functions

__all__ = ["Lowering", "LoweringError"]

_PLAIN_BUILTINS = {"range", "len", "min", "max", "abs", "int", "bool", "True", "False", "None"}
_COMPREHENSION = {"LIST_APPEND", "SET_ADD", "MAP_ADD"}


class LoweringError(TypeError):
    """A function that cannot be compiled, and why."""


def _global_names(code: CodeType) -> set[str]:
    return {x.argval for x in dis.get_instructions(code) if x.opname.startswith("LOAD_GLOBAL")}


class Lowering:
    """Lowers functions for one compiler and one floating-point type, each of them once.

    Parameters
    ----------
    jit : callable
        Takes a plain function and returns the compiled one (the identity for plain Python).
    dtype : str
        'float32' or 'float64', the type that constants take.
    primitives : dict
        What a backend supplies besides: a function as users name it → what is lowered in its place.
    ready : dict
        The same, compiled already.
    """

    def __init__(
        self,
        jit: Callable[[Callable], Callable],
        dtype: str,
        primitives: dict[Callable, Callable] | None = None,
        ready: dict[Callable, Callable] | None = None,
    ):
        self.jit = jit
        self.real = np.dtype(dtype).type
        self.primitives = {**functions.PRIMITIVES[dtype], **(primitives or {})}
        self._done: dict[Callable, tuple[Callable, str]] = {
            function: (compiled, compiled.__name__) for function, compiled in (ready or {}).items()
        }
        for function in self._done:
            self.primitives[function] = function

    def __call__(self, function: Callable) -> Callable:
        """The compiled form of `function`."""
        return self._lower(function)[0]

    def digest(self, function: Callable) -> str:
        """A hash of the source of `function`, its constants and everything it calls."""
        return self._lower(function)[1]

    def _lower(self, function: Callable) -> tuple[Callable, str]:
        function = self.primitives.get(function, function)
        if function not in self._done:
            bound, digest = self._bind(function)
            self._done[function] = self.jit(bound), digest
        return self._done[function]

    def _bind(self, function: Callable) -> tuple[Callable, str]:
        if not isinstance(function, FunctionType):
            raise LoweringError(f"{function!r} is not a plain Python function.")
        where = f"{function.__module__}.{function.__qualname__}"
        if function.__closure__:
            captured = ", ".join(function.__code__.co_freevars)
            raise LoweringError(
                f"{where} uses {captured} of an enclosing function; pass it in the state or params."
            )
        if function.__kwdefaults__:
            raise LoweringError(f"{where} has keyword-only arguments; remove the '*' before them.")
        code = self._typed_constants(function.__code__, where)
        defaults = self._typed(function.__defaults__)
        names: dict[str, Any] = {}
        digest = hashlib.sha256(code.co_code + repr((code.co_consts, code.co_names)).encode())
        if defaults:
            digest.update(repr(defaults).encode())
        for name in sorted(_global_names(code)):
            value, value_digest = self._resolve(name, function.__globals__, where)
            if value is not None:
                names[name] = value
            digest.update(f"{name}={value_digest};".encode())
        key = digest.hexdigest()[:16]
        scope = {**function.__globals__, **names}
        bound = FunctionType(code, scope, function.__name__, defaults)
        # Numba's disk cache knows a function by file and qualified name only.
        bound.__qualname__ = f"{function.__qualname__}_{key}"
        bound.__module__ = function.__module__
        return bound, key

    def _typed_constants(self, code: CodeType, where: str) -> CodeType:
        nested = any(isinstance(c, CodeType) for c in code.co_consts)
        # From Python 3.12 a comprehension is no function of its own.
        if nested or any(x.opname in _COMPREHENSION for x in dis.get_instructions(code)):
            raise LoweringError(
                f"{where} defines a function or comprehension inside; write a loop."
            )
        return code.replace(co_consts=self._typed(code.co_consts))

    def _typed(self, constant: Any) -> Any:
        """A constant with every float in it of the state's type."""
        if type(constant) is tuple:
            return tuple(self._typed(item) for item in constant)
        return self.real(constant) if type(constant) is float else constant

    def _resolve(self, name: str, scope: dict[str, Any], where: str) -> tuple[Any, str]:
        """What a global name stands for in the lowered function, and its digest."""
        if name not in scope:
            builtin = getattr(builtins, name, None)
            if builtin is not None and builtin in self.primitives:
                return self._lower(builtin)
            if name in _PLAIN_BUILTINS:
                return None, "builtin"
            raise LoweringError(f"{where} uses {name!r}, which is not defined in its module.")
        value = scope[name]
        if isinstance(value, FunctionType) or (callable(value) and value in self.primitives):
            return self._lower(value)
        if isinstance(value, bool) or type(value) is int:
            return value, repr(value)
        if isinstance(value, (float, np.floating)):
            return self.real(value), repr(float(value))
        if value is np:
            return None, f"numpy {np.__version__}"
        if value is math or isinstance(value, ModuleType):
            raise LoweringError(
                f"{where} uses the module {name!r}; import the function itself, "
                f"for example 'from {value.__name__} import exp'."
            )
        if isinstance(value, BuiltinFunctionType):
            known = ", ".join(sorted({f.__name__ for f in self.primitives}))
            raise LoweringError(
                f"{where} calls {name!r}, which has no lowered form; there is {known}."
            )
        raise LoweringError(
            f"{where} reads the global {name!r} of type {type(value).__name__}; "
            "pass arrays in the state and numbers in the params."
        )
