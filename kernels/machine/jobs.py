"""Jobs for the compiler, for CPUs: a text and the functions it calls, of one Phase or all fused.

The compiled functions take addresses rather than objects, so their callers need no compiler:

    run(t, a, x, k, m)         one Phase in step t: a *part*
    run(t0, n, a, x, k, m)     all Phases in n steps from t0 on, *fused*

`a` is the address of the records of all arrays, which `array_record` writes, `x` that of the real
parameters, `k` that of the whole ones, and `m` that of a record with which threads meet. A job can
be sent to another process. Its key covers everything that the object code depends on, except the
processor and the compiler.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import marshal
import pickle
import sys
from collections.abc import Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from spikesim.kernels.machine.program import Source

__all__ = [
    "ARRIVED",
    "MEETINGS",
    "STOPPED",
    "Given",
    "Job",
    "Loop",
    "Recipe",
    "Stopped",
    "array_record",
    "fused",
    "helper",
    "meeting",
    "parts",
    "unpacked",
]

ARRIVED, MEETINGS, STOPPED = 0, 16, 32
"""Places, on different cache lines, in the array by which threads wait for each other."""


class Stopped(Exception):
    """Another thread has failed and will never arrive."""


class Recipe(NamedTuple):
    """A function to be compiled, with all the functions that it calls."""

    code: CodeType
    name: str
    full_name: str  # with a hash of everything that it does
    module: str
    defaults: tuple | None
    names: dict[str, Any]
    dtype: str

    @classmethod
    def of(cls, function: FunctionType, dtype: str) -> Recipe:
        """The recipe of a lowered function; see `spikesim.kernels.machine.lowering`."""
        read = set(function.__code__.co_names)
        names = {name: value for name, value in function.__globals__.items() if name in read}
        code, defaults = function.__code__, function.__defaults__
        name, full_name, module = function.__name__, function.__qualname__, function.__module__
        return cls(code, name, full_name, module, defaults, names, dtype)


class Given:
    """A function that the compiler supplies, by its name."""

    def __init__(self, name: str):
        self.__name__ = name


class Loop(NamedTuple):
    """The loop over one Phase.

    Attributes
    ----------
    body, over : Recipe
    kind : str
        'core' for all indices in one thread, 'meeting' for threads that meet in this loop,
        'neurons' for threads that meet later, 'share' for a process that never meets others.
    inlined : bool
        Whether the fused program inlines it.
    digest : str
        A hash of all the above.
    is_long : bool
        Whether several bodies have been joined to one.
    """

    body: Recipe
    over: Recipe
    kind: str
    inlined: bool
    digest: str
    is_long: bool = False


class Job(NamedTuple):
    """Everything from which object code is made.

    Attributes
    ----------
    key : str
    name : str
        Its name in messages.
    text : str
        Defines ``run``, which takes whole numbers and returns 0.
    loops : dict of str to Loop
        The loops that the text calls.
    records : dict of str to tuple of str
        The named tuples that the text makes, with their fields.
    arrays : tuple of str
        The types of the arrays that ``array_0(address, place)``, ... read from records.
    """

    key: str
    name: str
    text: str
    loops: dict[str, Loop]
    records: dict[str, tuple[str, ...]]
    arrays: tuple[str, ...]

    @property
    def is_fused(self) -> bool:
        """Whether the job is all Phases of a program in one loop."""
        return self.text.startswith("def run(t0")

    def packed(self) -> bytes:
        """The job in bytes, for another process of the same Python."""
        out = io.BytesIO()
        _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(self)
        return out.getvalue()


def unpacked(data: bytes) -> Job:
    """The job that `Job.packed` turned into these bytes."""
    return pickle.loads(data)


class _Pickler(pickle.Pickler):
    """Pickles code objects as they are, and modules by name if that name finds them."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, CodeType):
            # Marshal would turn a NumPy number into plain bytes.
            return _code, (marshal.dumps(value.replace(co_consts=())), value.co_consts)
        if isinstance(value, ModuleType):
            name = value.__name__
            if sys.modules.get(name) is value:
                return importlib.import_module, (name,)
            read = {k: v for k, v in vars(value).items() if not k.startswith("__")}
            return _module, (name, read)
        return NotImplemented


def _code(without_constants: bytes, constants: tuple) -> CodeType:
    return marshal.loads(without_constants).replace(co_consts=constants)


def _module(name: str, names: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(names)
    return module


# --------------------------------------------------------------------------- arrays in memory


def array_type(array: np.ndarray) -> str:
    """The properties of an array that code is compiled for: type, dimensions, layout and access.

    Examples
    --------
    >>> array_type(np.zeros((3, 2), np.float32))
    '<f4 2 C w'
    """
    layout = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else "A"
    access = "w" if array.flags.writeable else "r"
    return f"{array.dtype.str} {array.ndim} {layout} {access}"


def array_record(array: np.ndarray) -> list[int]:
    """The record by which compiled code finds an array in memory, in words of 64 bits.

    The first two words would name the owner of the memory; compiled code never reads them.
    """
    return [0, 0, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides]


def words(array: np.ndarray) -> int:
    """How many words an array's record has."""
    return 5 + 2 * array.ndim


def _read(kinds: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The distinct types, and the expressions that read each array from the records."""
    types = tuple(dict.fromkeys(kinds))
    place, calls = 0, []
    for kind in kinds:
        calls.append(f"array_{types.index(kind)}(a, {place})")
        place += 5 + 2 * int(kind.split()[1])
    return types, calls


# ------------------------------------------------------------------------------------- the jobs


def parts(source: Source, names: dict[str, Any]) -> list[Job]:
    """The job of each Phase of a program."""
    kinds = [array_type(array) for array in source.arrays]
    jobs = []
    for k, (slots, numbers) in enumerate(zip(source.slots, source.numbers, strict=True)):
        types, arrays = _read([kinds[slot] for slot in slots])
        real = "single(real(x, {}))" if source.types[k] == "float32" else "real(x, {})"
        reals = [is_real for is_real, _ in numbers]
        params = [
            real.format(sum(reals[:n])) if is_real else f"whole(k, {n - sum(reals[:n])})"
            for n, is_real in enumerate(reals)
        ]
        loop = names[f"each{k}"]._replace(inlined=True)
        records = {name: names[f"{name}{k}"]._fields for name in ("State", "Params")}
        text = [
            "def run(t, a, x, k, m):",
            f"    s = State({', '.join(arrays)})",
            f"    p = Params({', '.join(params)})",
            *(
                ["    for i in range(over(t, s, p)):", "        body(i, t, s, p)"]
                if loop.kind == "core"
                else ["    each(t, s, p, meeting(m))"]
            ),
            "    return 0",
        ]
        jobs.append(_job(loop.body.name, text, {"each": loop}, records, types))
    return jobs


def meeting() -> Job:
    """The job in which threads do nothing but meet."""
    return _job(
        "meet", ["def run(t, a, x, k, m):", "    meet(meeting(m))", "    return 0"], {}, {}, ()
    )


def helper(function: Recipe, digest: str, kinds: dict[str, str], numbers: dict[str, bool]) -> Job:
    """The job of a function of arrays, with their types, and of numbers that are real or not."""
    types, arrays = _read(list(kinds.values()))
    real = list(numbers.values())
    params = [
        f"real(x, {sum(real[:n])})" if is_real else f"whole(k, {n - sum(real[:n])})"
        for n, is_real in enumerate(real)
    ]
    text = [
        "def run(t, a, x, k, m):",
        f"    body(State({', '.join(arrays)}), Params({', '.join(params)}))",
        "    return 0",
    ]
    loop = Loop(function, function, "core", True, digest)
    records = {"State": tuple(kinds), "Params": tuple(numbers)}
    return _job(function.name, text, {"each": loop}, records, types)


def fused(source: Source, names: dict[str, Any]) -> Job:
    """The job of all Phases of a program in one loop."""
    types, arrays = _read([array_type(array) for array in source.arrays])
    loops = {name: value for name, value in names.items() if isinstance(value, Loop)}
    records = {
        name: value._fields for name, value in names.items() if name.startswith(("State", "Params"))
    }
    several = any(loop.kind in ("meeting", "neurons") for loop in loops.values())
    spread = [loop.kind != "core" for loop in loops.values()]
    more = [", meeting(m)" if is_spread else "" for is_spread in spread]
    order = None
    if several and source.stages is not None:
        order, wary = source.stages()
        for name, loop in loops.items():
            is_wary = int(name.removeprefix("each")) in wary
            loops[name] = loop._replace(kind="meeting" if is_wary else "neurons")
        for stage in order:
            # A single call is the last thread's unless its turn is another one's.
            for turn, k in enumerate(k for k in stage if k in source.single):
                more[k] = f", turned(meeting(m), {turn})"
    head = ["def run(t0, n, a, x, k, m):", "    for t in range(t0, t0 + n):"]
    if several:
        # No thread touches anything before all threads run.
        head[1:1] = ["    meet(meeting(m))"]
    text = source.text(
        head,
        array=arrays.__getitem__,
        real="real(x, {})",
        whole="whole(k, {})",
        more=more,
        meet="meet(meeting(m))" if several else "",
        stages=order,
    )
    return _job("all Phases", [text, "    return 0"], loops, records, types)


def _job(
    name: str,
    text: Sequence[str],
    loops: dict[str, Loop],
    records: dict[str, tuple[str, ...]],
    arrays: tuple[str, ...],
) -> Job:
    whole = "\n".join(text) + "\n"
    digests = [(name, loop.digest, loop.kind, loop.inlined) for name, loop in loops.items()]
    key = hashlib.sha256(repr((whole, digests, records, arrays)).encode()).hexdigest()[:32]
    return Job(key, name, whole, loops, records, arrays)
