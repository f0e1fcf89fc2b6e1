"""Runs the machine code of a program, in two tiers, without a compiler.

Tier 'phases' calls the machine code of each Phase, one after another, from a loop over steps that
all programs share. A Phase whose equations and types are known is never compiled again, whatever
network it is in, so a new network starts at once. Tier 'fused' is the machine code of all Phases in
one loop, which saves the calls: 0.1 us for each Phase and step. Both give the same bits.

A program starts in tier 'phases'; Phases that are not known yet are compiled on all cores. Once
fusing would have saved `WORTHWHILE` seconds, another process of low priority fuses the program. The
next stretch of steps, and every later run, then uses the fused code. Programs of more than `MOST`
Phases stay as they are. ``SPIKESIM_TIER=phases`` or ``fused`` keeps programs in one tier; with
'fused' they are compiled before the first step. The processes that compile are in
`spikesim.kernels.machine.processes`.
"""

from __future__ import annotations

import ctypes
import functools
import os
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from spikesim.kernels.machine import cache, jobs, processes
from spikesim.kernels.machine.cores import workers
from spikesim.kernels.machine.jobs import Job
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.program import Call, Source

__all__ = ["TIERS", "WORTHWHILE", "Native", "Work", "call", "compile_missing", "tier"]

TIERS = ("auto", "phases", "fused")

WORTHWHILE = 0.5
"""A program is fused once the fused code would have saved so many seconds.

While another core fuses it, this one is a little slower. That pays for a run that has already
lasted long and is likely to continue; a run of two seconds never fuses.
"""

CALL = 1e-7  # s: the time that a call of a Phase takes
MOST = 256  # Phases: to fuse more takes longer than most runs
LOOK = 0.5  # s: how often to look whether another process of the user's has fused the program
LEAST_GAIN = 0.02  # the least share of the time of a step that fusing has to save

Report = Callable[[int, int, str], None]
Work = Callable[[int, int, int], None]


def tier() -> str:
    """The tier that the environment asks for.

    Raises
    ------
    LoweringError
        If no tier has this name.
    """
    name = os.environ.get("SPIKESIM_TIER") or "auto"
    if name not in TIERS:
        raise LoweringError(f"SPIKESIM_TIER is {name!r}; it has to be one of {', '.join(TIERS)}.")
    return name


# -------------------------------------------------------------------------- the loop over steps

_DRIVER = """
define i64 @spikesim_driver(i64 %t0, i64 %n, i64 %count, i64* %table, i64 %m, i8** %error) {
begin:
  %result = alloca i8*
  %end = add i64 %t0, %n
  br label %steps
steps:
  %t = phi i64 [%t0, %begin], [%t_next, %stepped]
  %is_left = icmp slt i64 %t, %end
  br i1 %is_left, label %phases, label %done
phases:
  %j = phi i64 [0, %steps], [%j_next, %called]
  %is_there = icmp slt i64 %j, %count
  br i1 %is_there, label %call, label %stepped
call:
  %first = mul i64 %j, 4
  %row = getelementptr i64, i64* %table, i64 %first
  %address = load i64, i64* %row
  %part = inttoptr i64 %address to i32 (i8**, i8**, i64, i64, i64, i64, i64)*
  %place_a = getelementptr i64, i64* %row, i64 1
  %a = load i64, i64* %place_a
  %place_x = getelementptr i64, i64* %row, i64 2
  %x = load i64, i64* %place_x
  %place_k = getelementptr i64, i64* %row, i64 3
  %k = load i64, i64* %place_k
  %status = call i32 %part(i8** %result, i8** %error, i64 %t, i64 %a, i64 %x, i64 %k, i64 %m)
  %is_bad = icmp ne i32 %status, 0
  br i1 %is_bad, label %failed, label %called
called:
  %j_next = add i64 %j, 1
  br label %phases
stepped:
  %t_next = add i64 %t, 1
  br label %steps
failed:
  %wide = sext i32 %status to i64
  ret i64 %wide
done:
  ret i64 0
}
"""


@functools.cache
def _driver() -> Callable[..., int]:
    """``drive(t0, n, count, table, m, error)``; a row of the table holds part, a, x and k."""
    engine = cache.engine()
    engine.add_module(llvm.parse_assembly(_DRIVER))
    engine.finalize_object()
    address = engine.get_function_address("spikesim_driver")
    arguments = [*[ctypes.c_int64] * 5, ctypes.c_void_p]
    return ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(address)


@functools.cache
def _fused(address: int) -> Callable[..., int]:
    """``run(result, error, t0, n, a, x, k, m)`` at an address."""
    arguments = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 6]
    return ctypes.CFUNCTYPE(ctypes.c_int32, *arguments)(address)


@functools.cache
def _part(address: int) -> Callable[..., int]:
    """``run(result, error, t, a, x, k, m)`` at an address."""
    arguments = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 5]
    return ctypes.CFUNCTYPE(ctypes.c_int32, *arguments)(address)


def call(address: int, arrays: int, reals: int, wholes: int) -> None:
    """Call machine code by itself, with the addresses of its records of arrays and of numbers."""
    result, error = ctypes.c_int64(), ctypes.c_void_p()
    places = ctypes.byref(result), ctypes.byref(error)
    _check(_part(address)(*places, 0, arrays, reals, wholes, 0), error)


class _Failure(ctypes.Structure):
    """The record in which Numba's code describes an error."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_int32)]


# ----------------------------------------------------------------------------------- a program


class Native:
    """Runs calls of a program with its machine code.

    Parameters
    ----------
    source : Source
    names : dict
        The functions that its text calls.
    spread : callable, optional
        ``spread(work, first, steps)`` has these steps done, in pieces. For each it calls the
        function that ``work(alone)`` returns, as ``(first, steps, m)`` in every thread; `m` is the
        address of the record with which a thread meets the others. Without it there is one thread.
    alone : bool
        Whether there is one thread though the backend has several.
    meets : bool
        Whether those threads meet, if there may be several.
    """

    def __init__(
        self,
        source: Source,
        names: dict[str, Any],
        spread: Callable[[Callable[[bool], Work], int, int], None] | None = None,
        alone: bool = False,
        meets: bool = True,
    ):
        self._source = source
        self._spread = spread
        self._alone = alone
        self._functions = names
        self._parts = jobs.parts(source, names)
        self._meeting = jobs.meeting() if spread is not None and meets else None
        self._meet: int | None = None  # addresses
        self._run: int | None = None
        self._table: np.ndarray | None = None
        self._described: tuple[np.ndarray, ...] | None = None  # in the records
        self._next_look = 0.0
        self._filled: tuple[np.ndarray, np.ndarray, Any] | None = None  # with these numbers

    # ------------------------------------------------------------------------- making it ready

    @functools.cached_property
    def _whole(self) -> Job:
        """All Phases in one loop."""
        return jobs.fused(self._source, self._functions)

    @property
    def is_ready(self) -> bool:
        """Whether nothing has to be compiled: once true, it stays true."""
        if self._run is None and self._table is None:
            if tier() != "phases":
                self._load_fused()
            if self._run is None and tier() != "fused" and all(map(_is_loaded, self._needed)):
                self._lay_out()
        return self._run is not None or self._table is not None

    @property
    def tier(self) -> str:
        """'phases', or 'fused' once the fused code is in use."""
        return "phases" if self._run is None else "fused"

    @property
    def _needed(self) -> list[Job]:
        return [*self._parts, *([self._meeting] if self._meeting else [])]

    def prepare(self, report: Report | None = None) -> None:
        """Load the machine code; compile what is missing.

        Parameters
        ----------
        report : callable, optional
            ``report(done, total, name)`` is called before each function that is compiled.
        """
        if not self.is_ready:
            if tier() == "fused":
                compile_missing([self._whole], report)
                self._load_fused()
            else:
                compile_missing(self._needed, report)
                self._lay_out()

    def _load_fused(self, code: bytes | None = None) -> None:
        self._run = cache.load(self._whole.key, code)
        self._described = None

    def _lay_out(self) -> None:
        """Make the table of the loop over steps: where each part, its arrays and its numbers are.

        The places of arrays and numbers are counted from the first one's.
        """
        arrays = self._source.arrays
        words = reals = wholes = 0
        rows = []
        for k, (slots, numbers) in enumerate(
            zip(self._source.slots, self._source.numbers, strict=True)
        ):
            rows.append((cache.load(self._parts[k].key), words, reals, wholes))
            words += sum(jobs.words(arrays[slot]) for slot in slots)
            reals += sum(is_real for is_real, _ in numbers)
            wholes += sum(not is_real for is_real, _ in numbers)
            if self._meeting is not None and self._source.meetings[k]:
                rows.append((cache.load(self._meeting.key), 0, 0, 0))
        table = 8 * np.array(rows, np.int64).reshape(-1, 4)  # words to bytes
        table[:, 0] //= 8
        self._table = table
        self._described = None
        if self._meeting is not None:
            self._meet = cache.load(self._meeting.key)

    # ----------------------------------------------------------------------------- running it

    def __call__(self, calls: Sequence[Call]) -> None:
        """Run the data of each call."""
        self.prepare()
        for call in calls:
            if self._run is None:
                self._fuse_if_worthwhile()
            begun = time.perf_counter()
            if self._spread is None:
                self.work(call, self._alone)(call.first, call.steps, 0)
            else:
                self._spread(partial(self.work, call), call.first, call.steps)
            if self._run is None:
                self._spent.add(call.steps, time.perf_counter() - begun)

    def _describe(self, arrays: tuple[np.ndarray, ...]) -> None:
        """Write down where the arrays are, unless they are still those of the last call."""
        if arrays is self._described:
            return
        if self._run is not None:
            self._records = _records(arrays)
        elif self._table is not None:
            self._records = _records([arrays[k] for slots in self._source.slots for k in slots])
            self._rows = self._table.copy()
            self._rows[:, 1] += self._records.ctypes.data
        self._described, self._filled = arrays, None

    def work(self, call: Call, alone: bool) -> Work:
        """The work of each thread, a function of steps and of where it meets the others."""
        wholes = call.wholes_alone if alone else call.wholes
        self._describe(call.arrays)
        if self._run is not None:
            return self._work_fused(self._run, call.reals, wholes)
        if self._table is not None:
            return self._work_of_phases(call.reals, wholes)
        raise RuntimeError("A program has not been prepared.")

    def _places(self, reals: np.ndarray, wholes: np.ndarray, find: Callable[..., Any]) -> Any:
        """What `find` makes of the addresses of a call's numbers; kept, as most calls have those
        of the last one."""
        filled = self._filled
        if filled is None or filled[0] is not reals or filled[1] is not wholes:
            self._filled = filled = reals, wholes, find(reals, wholes)
        return filled[2]

    def _table_with(self, reals: np.ndarray, wholes: np.ndarray) -> tuple[np.ndarray, int]:
        table = self._rows.copy()
        table[:, 2] += reals.ctypes.data
        table[:, 3] += wholes.ctypes.data
        return table, table.ctypes.data

    def _data(self, reals: np.ndarray, wholes: np.ndarray) -> tuple[int, int, int]:
        return self._records.ctypes.data, reals.ctypes.data, wholes.ctypes.data

    def _work_of_phases(self, reals: np.ndarray, wholes: np.ndarray) -> Work:
        table, address = self._places(reals, wholes, self._table_with)
        drive = _driver()

        def work(t0: int, steps: int, m: int) -> None:
            error = ctypes.c_void_p()
            if self._meet is not None:  # no thread touches anything before all of them run
                first = np.array([self._meet, 0, 0, 0], np.int64)
                _check(drive(0, 1, 1, first.ctypes.data, m, ctypes.byref(error)), error)
            done = drive(t0, steps, len(table), address, m, ctypes.byref(error))
            _check(done, error)

        return work

    def _work_fused(self, address: int, reals: np.ndarray, wholes: np.ndarray) -> Work:
        run = _fused(address)
        data = self._places(reals, wholes, self._data)

        def work(t0: int, steps: int, m: int) -> None:
            result, error = ctypes.c_int64(), ctypes.c_void_p()
            places = ctypes.byref(result), ctypes.byref(error)
            _check(run(*places, t0, steps, *data, m), error)

        return work

    @property
    def _spent(self) -> _Spent:
        return _spent.setdefault(self._whole.key, _Spent())

    def _fuse_if_worthwhile(self) -> None:
        """Use the fused program if it is ready; have it made if that will pay."""
        spent = self._spent
        saved = CALL * len(self._parts) * spent.steps
        if saved < max(WORTHWHILE, LEAST_GAIN * spent.seconds) or tier() == "phases":
            return
        self.fuse()

    def fuse(self) -> bool:
        """Use the fused program if it is ready, or have another process make it."""
        if self._run is None and len(self._source.slots) <= MOST:
            code, now = processes.fused(self._whole.key), time.monotonic()
            if code is None and now < self._next_look:
                return False
            self._load_fused(code)
            if self._run is None:
                processes.fuse(self._whole)
                self._next_look = now + LOOK
        return self._run is not None


class _Spent:
    """How long programs with one key have run Phase by Phase in this process."""

    def __init__(self) -> None:
        self.steps = 0
        self.seconds = 0.0

    def add(self, steps: int, seconds: float) -> None:
        self.steps += steps
        self.seconds += seconds


_spent: dict[str, _Spent] = {}


def _records(arrays: Sequence[np.ndarray]) -> np.ndarray:
    words = [word for array in arrays for word in jobs.array_record(array)]
    return np.array(words or [0], np.int64)


_compiling = threading.Lock()  # replicas would otherwise compile the same functions together


def compile_missing(needed: Sequence[Job], report: Report | None = None) -> None:
    """Load the object code of all jobs; compile what is missing."""
    with _compiling:
        missing = [job for job in {job.key: job for job in needed}.values() if not _is_loaded(job)]
        if not missing:
            return
        with processes.sharing(missing, workers()) as shared:
            # Imported only here: importing Numba takes a third of a second.
            from spikesim.kernels.machine.compiling import object_code

            done = 0
            while taken := shared.take():
                job, code = taken
                if report is not None:
                    report(done, len(missing), job.name)
                if code is None:
                    code = object_code(job)
                    cache.keep(job.key, code)
                cache.load(job.key, code)
                done += 1


def _is_loaded(job: Job) -> bool:
    return cache.load(job.key) is not None


def _check(status: int, error: ctypes.c_void_p) -> None:
    """Raise the error that a body, or a check of an index, has raised in machine code."""
    if status != 0:
        described = _Failure.from_address(error.value or 0)
        data = ctypes.string_at(described.data, described.size)
        kind, arguments, _ = pickle.loads(data)  # Numba itself wrote it when it compiled
        raise kind(*(arguments or ()))
