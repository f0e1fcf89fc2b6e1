"""Numba turns a job into object code here; nothing else needs Numba to run networks on CPUs.

Numba makes a library of each function, optimises it, turns it into machine code and links it into
the functions that call it, which it optimises again. Nobody calls the machine code of a function
that only other functions call, so here such a function is linked and nothing more. The loops of a
fused program come out better if they are optimised one by one, so those are optimised before they
are linked. This, and making no wrappers for Python, saves half of the compilation.

Numba's own compiler is used, with one of its passes replaced. `array` below and
`spikesim.kernels.machine.jobs.array_record` write down what it expects of arrays in memory.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import _dynfunc
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.extending import intrinsic

from spikesim.kernels.machine import (
    adding,
    appending,
    foreign,
    meeting,
    prefetching,
    program,
    searching,
)
from spikesim.kernels.machine.cache import symbol
from spikesim.kernels.machine.jobs import Given, Job, Loop, Recipe
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.precision import CHECKED
from spikesim.kernels.machine.states import record

__all__ = ["object_code", "optimised"]

# LLVM inlines these functions (``forceinline``), where a call would put their state on the stack.
# Nothing allocates inside the loop, so there is no reference counting (benchmarks/engine.py).
INNER: dict[str, Any] = {
    "error_model": "numpy",
    "_nrt": False,
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

_TURNS = 4  # of a loop, on which a processor works at once


def object_code(job: Job) -> bytes:
    """Compile a job.

    Raises
    ------
    LoweringError
        If Numba cannot compile it; the message names the line.
    """
    try:
        with _no_collection():
            module, machine = optimised(job)
            return machine.emit_object(module)
    except numba.core.errors.NumbaError as error:
        raise LoweringError(program.reason(str(error))) from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turn the garbage collector off: it takes a tenth of the time, and finds little."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@global_compiler_lock
def optimised(job: Job) -> tuple[Any, Any]:
    """The code of a job for LLVM, and LLVM's machine, which emits object code or assembly."""
    functions = _functions(job.is_fused)
    names: dict[str, Any] = {
        "__name__": program.__name__,
        **{name: functions.loop(loop) for name, loop in job.loops.items()},
        **{name: record(fields) for name, fields in job.records.items()},
        **{f"array_{n}": array(kind) for n, kind in enumerate(job.arrays)},
        **{"real": number(types.float64), "whole": number(types.int64), "single": np.float32},
    }
    if not job.is_fused:  # the text has the loop of `each`: one function less to compile
        for loop in job.loops.values():
            names.update(body=functions(loop.body), over=functions(loop.over))
    if "meeting(" in job.text:
        names.update(meeting=functions.meeting, meet=functions.meet, turned=functions.turned)
    exec(compile(job.text, program.__file__, "exec"), names)
    run = names["run"]
    is_long = not job.is_fused and any(loop.is_long for loop in job.loops.values())
    outer = functions.jit(run, "float64", is_long, forceinline=False)
    outer.compile((types.int64,) * run.__code__.co_argcount)
    (compiled,) = outer.overloads.values()
    library = compiled.library
    library._ensure_finalized()
    module = library._final_module
    entry = module.get_function(compiled.fndesc.llvm_func_name)
    entry.name = symbol(job.key)
    if not job.is_fused:
        _hide(module, entry)
    library._optimize_final_module()
    _hide(module, entry)
    module.verify()
    _check_symbols(module)
    return module, library.codegen._tm


def _hide(module: Any, entry: Any) -> None:
    """Make everything in a module internal but its entry.

    LLVM then inlines a function that has a single caller. In a fused program that leaves the loops
    too few registers, so there this has to come after optimisation.
    """
    for function in module.functions:
        if not function.is_declaration:
            function.linkage = "internal"
    entry.linkage = "external"


def _check_symbols(module: Any) -> None:
    """Refuse code that calls functions of Numba's: without Numba, they would end the process."""
    for function in module.functions:
        name = function.name
        if function.is_declaration and not name.startswith("llvm.") and not _is_of_c(name):
            raise LoweringError(f"A body calls {name!r}, which compiled code cannot reach.")


def _is_of_c(name: str) -> bool:
    """Whether this function is part of C's library, which every process has."""
    if os.name == "posix":
        return hasattr(ctypes.CDLL(None), name)
    return name in ("memcpy", "memmove", "memset", "sqrt", "sqrtf", "fmod", "fmodf", "pow", "powf")


_GIVEN = {
    **foreign.GIVEN,
    "add_rows": adding.add_rows,
    "any_set": appending.any_set,
    "append_set": appending.append_set,
    "count_below": searching.count_below,
    "prefetch": prefetching.prefetch,
}


class _Functions:
    """Makes functions from recipes, each of them once.

    Parameters
    ----------
    library : type
        The kind of library that Numba makes of each.
    """

    def __init__(self, library: type[_Library]):
        self._library: Any = library
        self._known: dict[int, tuple[Recipe, Callable]] = {}
        self._loops: dict[tuple[str, str, bool], Callable] = {}
        rest = meeting.sched_yield or self.jit(meeting.nothing)
        self.meet = self.jit(_bound(meeting.meet, rest=rest))
        self.turned = self.jit(meeting.turned)
        barrier = array("<i8 1 C w")
        self.meeting = self.jit(_bound(_meeting, whole=number(types.int64), barrier=barrier))

    def jit(
        self, function: Callable, dtype: str = "float64", is_long: bool = False, **options: Any
    ) -> Any:
        """A function for Numba to compile; `is_long` if it is a loop over a long body."""
        library = _interleaved(self._library) if is_long else self._library
        pipeline = _pipeline(dtype, library)
        return numba.njit(pipeline_class=pipeline, **{**INNER, **options})(function)

    def __call__(self, recipe: Recipe) -> Callable:
        known = self._known.get(id(recipe))
        if known is None:
            names = {name: self._value(value) for name, value in recipe.names.items()}
            function = FunctionType(recipe.code, names, recipe.name, recipe.defaults)
            function.__qualname__, function.__module__ = recipe.full_name, recipe.module
            # Keeping the recipe keeps its id: no other recipe can get its place in memory.
            known = self._known[id(recipe)] = recipe, self.jit(function, recipe.dtype)
        return known[1]

    def _value(self, value: Any) -> Any:
        if isinstance(value, Recipe):
            return self(value)
        if isinstance(value, Given):
            return _GIVEN[value.__name__]
        if isinstance(value, ModuleType) and Recipe in map(type, vars(value).values()):
            read = ModuleType(value.__name__)
            for name, member in vars(value).items():
                setattr(read, name, self._value(member))
            return read
        return value

    def loop(self, loop: Loop) -> Callable:
        """The loop over one Phase."""
        known = loop.digest, loop.kind, loop.inlined
        if known not in self._loops:
            body, over = self(loop.body), self(loop.over)
            is_long = loop.is_long
            if loop.kind == "core":
                function = _bound(program.each, body=body, over=over)
            else:
                share = self.jit(_bound(meeting.take, body=body), is_long=is_long)
                each = meeting.LOOPS[loop.kind]
                function, is_long = _bound(each, over=over, take=share, meet=self.meet), False
            self._loops[known] = self.jit(function, is_long=is_long, forceinline=loop.inlined)
        return self._loops[known]


@functools.cache
def _functions(is_fused: bool) -> _Functions:
    return _Functions(_OptimisedLibrary if is_fused else _Library)


def _bound(function: Any, **names: Any) -> FunctionType:
    """A copy of a function that sees these globals."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


# ------------------------------------------------------------------------------ reading memory


@functools.cache
def array(kind: str) -> Callable:
    """``read(a, place)``, the array whose record lies `place` words after the address `a`."""
    dtype, ndim, *how = kind.split()
    layout: Any = how[0]
    item = numba.from_dtype(np.dtype(dtype))
    found = types.Array(item, int(ndim), layout, readonly=how[1] == "r")

    @intrinsic
    def read(typing, a, place):
        def generate(context, builder, signature, arguments):
            words = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
            record = builder.gep(words, [arguments[1]])
            kind = context.get_value_type(found)
            return builder.load(builder.bitcast(record, kind.as_pointer()))

        return found(types.int64, types.int64), generate

    return read


@functools.cache
def number(kind: Any) -> Callable:
    """``read(x, n)``, the n-th of the numbers at the address `x`."""

    @intrinsic
    def read(typing, x, n):
        def generate(context, builder, signature, arguments):
            numbers = builder.inttoptr(arguments[0], context.get_value_type(kind).as_pointer())
            return builder.load(builder.gep(numbers, [arguments[1]]))

        return kind(types.int64, types.int64), generate

    return read


def _meeting(m):
    """A thread's number, the number of threads and their barrier, read from a thread's record."""
    return whole(m, 0), whole(m, 1), barrier(m, 2)  # noqa: F821


# --------------------------------------------------------------------------- Numba's compiler


class _Library(JITCodeLibrary):
    """Code that is linked into its caller's and never run by itself."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 0


class _OptimisedLibrary(_Library):
    """The same, but optimised before it is linked."""

    def finalize(self) -> None:
        super().finalize()
        self._optimize_final_module()


@functools.cache
def _interleaved(library: Any) -> Any:
    """The same kind of library, but for loops of which a processor works on several turns at once.

    A turn of a vectorised loop with a long chain of operations, such as an exponential, leaves the
    processor waiting for each result. LLVM interleaves only loops that are short.
    """

    class Interleaved(library):
        def add_ir_module(self, module: Any) -> None:
            for function in module.functions:
                for last in _ends_of_turns(function):
                    last.set_metadata("llvm.loop", _interleaving(module))
            super().add_ir_module(module)

        def add_llvm_module(self, module: Any) -> None:
            # Passes over this function alone would lose what has been noted at its loop.
            module.data_layout = self._codegen._data_layout
            self._final_module.link_in(module)

    return Interleaved


def _interleaving(module: Any) -> Any:
    """What LLVM wants to be noted at a loop, in which a loop's note begins with itself."""
    text = ir.MetaDataString(module, "llvm.loop.interleave.count")
    count = module.add_metadata([text, ir.Constant(ir.IntType(32), _TURNS)])
    note = ir.MDValue(module, [], name=str(len(module.metadata)))
    note.operands = note, count
    return note


def _ends_of_turns(function: Any) -> Iterator[Any]:
    """The jumps of a function that lead back to a block that leads to them."""
    above: list[Any] = []  # blocks from the first one to a block
    seen: set[str] = set()

    def visit(block: Any) -> Iterator[Any]:
        seen.add(block.name)
        above.append(block)
        last = block.terminator
        for then in last.operands:
            if isinstance(then, ir.Block):
                if then in above:
                    yield last
                elif then.name not in seen:
                    yield from visit(then)
        above.pop()

    if function.blocks:
        yield from visit(function.entry_basic_block)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    """Numba's last pass, without machine code."""

    _name = "spikesim_lowering"

    def run_pass(self, state: Any) -> bool:
        target = state.targetctx
        state.library = state.pipeline.library(target.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        name = lowered.fndesc.qualname.split(".")[-1]
        module = lowered.fndesc.lookup_module()
        # Numba types callers with this function; nobody asks for its address.
        stand_in = _dynfunc.make_function(module, name, "", 0, lowered.env, (state.library,))
        target.insert_user_function(stand_in, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=stand_in)
        return True


@functools.cache
def _pipeline(dtype: str, kind: Any) -> type[CompilerBase]:
    """Numba's compiler, for functions that others call."""

    checked: Any = CHECKED[dtype]

    class Pipeline(checked):
        library = kind

        def define_pipelines(self) -> list[Any]:
            (manager,) = super().define_pipelines()
            manager.passes = [
                (_Lowering if step is NativeLowering else step, what)
                for step, what in manager.passes
            ]
            manager._finalized = False
            manager.finalize()
            return [manager]

    return Pipeline
