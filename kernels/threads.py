"""The backend for one network on several cores: every thread runs the loop over time.

    each(t, s, p):  every thread takes its share of the indices, then all meet

Bodies are those of one core and give the same bits: what two indices may touch at once is not
shared (see `spikesim.kernels.program.Phase`). A meeting takes about 0.1 us where every thread has a
core of its own, and there are two of them in most Phases, so this pays for networks whose step
takes tens of microseconds. For many small networks see `spikesim.Replicas`.

A thread that fails, as under NUMBA_BOUNDSCHECK, stops the others where they wait for it. Ctrl-C
takes effect when a stretch of steps has ended, as on one core.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from spikesim.kernels import cpu, program
from spikesim.kernels.cache import cached, in_cache
from spikesim.kernels.lowering import Lowering

__all__ = ["Threads"]

ARRIVED, MEETINGS, STOPPED = 0, 16, 32  # places in `barrier`, on different cache lines
POSITIVE = (1 << 62) - 1
_SPINS = 2000  # looks before a thread that waits lets others have its core


@intrinsic
def add_at(typing, array, place, value):
    """``array[place] += value`` as one step for all threads; what was there before."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature, arguments)
        return builder.atomic_rmw("add", pointer, arguments[2], "acq_rel")

    return array.dtype(array, types.intp, types.int64), generate


@intrinsic
def look_at(typing, array, place):
    """``array[place]``, looked up anew, and with all that was written before it was."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature, arguments)
        return builder.load_atomic(pointer, "acquire", 8)

    return array.dtype(array, types.intp), generate


def _pointer(context, builder, signature, arguments):
    array = make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


class Stopped(Exception):
    """Another thread will never come to the meeting."""


_yield = types.ExternalFunction("sched_yield", types.intc()) if os.name == "posix" else None


def each(t, s, p, m):
    """The loop over one Phase, for one thread."""
    count = over(t, s, p)  # noqa: F821 - bound when lowered
    meet(m)  # before a body changes what `over` has read
    if count > 0:
        take(count, t, s, p, m)
        meet(m)


def each_of_neurons(t, s, p, m):
    """The same where the threads meet later; see `spikesim.kernels.program.Phase.neurons`."""
    take(over(t, s, p), t, s, p, m)  # noqa: F821


def take(count, t, s, p, m):
    """This thread's share of the indices."""
    lane, lanes, _ = m
    # In this form the compiler sees that no index is negative, and vectorises.
    i = (lane * count // lanes) & POSITIVE
    last = ((lane + 1) * count // lanes) & POSITIVE
    while i < last:
        body(i, t, s, p)  # noqa: F821
        i += 1


def meet(m):
    """Wait until all threads are here."""
    _, lanes, barrier = m
    meeting = look_at(barrier, MEETINGS)
    if add_at(barrier, ARRIVED, 1) == lanes - 1:
        add_at(barrier, ARRIVED, -lanes)
        add_at(barrier, MEETINGS, 1)
    else:
        spins = 0
        while look_at(barrier, MEETINGS) == meeting:
            spins += 1
            if spins > _SPINS:
                rest()  # noqa: F821
                if look_at(barrier, STOPPED) != 0:
                    raise Stopped


class Threads:
    """The backend; does for `Program` what the module `cpu` does.

    Parameters
    ----------
    threads : int
    """

    FAILURES = cpu.FAILURES

    def __init__(self, threads: int):
        self.PARTS = self.threads = threads
        self._loops: dict[tuple[Callable, Callable, bool, bool], Callable] = {}
        self._programs: dict[str, Any] = {}
        inner = numba.njit(**cpu.INNER)
        self._meet = inner(_bound(meet, rest=_yield or inner(_nothing)))

    def lowering(self, dtype: str) -> Lowering:
        """Lowering that compiles for the CPU."""
        return cpu.lowering(dtype)

    def each(
        self, lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
    ) -> tuple[Callable, str]:
        """The compiled loop over one Phase, used so many times, and the hash of what it does."""
        loop = lower(body), lower(over), times > cpu.FEW, meets
        if loop not in self._loops:
            share = numba.njit(**cpu.INNER)(_bound(take, body=loop[0]))
            function = each if meets else each_of_neurons
            function = _bound(function, over=loop[1], take=share, meet=self._meet)
            self._loops[loop] = numba.njit(**cpu.inner(times))(function)
        return self._loops[loop], f"{lower.digest(body)} {lower.digest(over)}"

    def build(self, source: program.Source, names: dict[str, Any], key: str) -> Callable:
        """What runs calls of a program, compiled or from the kernel cache if it is there."""
        if key not in self._programs:
            text = source.text(
                (
                    "def run(t0, n, lane, lanes, barrier, a, x, k):",
                    "    m = (lane, lanes, barrier)",
                    "    meet(m)",  # nothing is touched before all threads run
                    "    for t in range(t0, t0 + n):",
                ),
                more=", m",
                meet="meet(m)",
            )
            names = {**names, "meet": self._meet}
            # The cache looks at the file of the text alone.
            how = hashlib.sha256(text.encode() + _code(each, each_of_neurons, take, meet))
            name = f"threads_{how.hexdigest()[:8]}_{key}"
            self._programs[key] = cached(cpu.function(text, names, name), cpu.OUTER)
        run = self._programs[key]

        def run_all(calls: Sequence[program.Call]) -> None:
            for call in calls:
                self._run(run, call)

        return run_all

    def _run(self, run: Callable, call: program.Call) -> None:
        barrier = np.zeros(48, np.int64)
        data = call.arrays, call.reals, call.wholes
        # Compiled before there are threads, so that they begin at the same time.
        run(call.first, 0, 0, 1, barrier, *data)
        failures: list[BaseException] = []

        def work(lane: int) -> None:
            try:
                if barrier[STOPPED] == 0:
                    run(call.first, call.steps, lane, self.threads, barrier, *data)
            except BaseException as error:
                barrier[STOPPED] = 1  # first of all: Ctrl-C may interrupt what follows
                failures.append(error)

        others = [threading.Thread(target=work, args=(lane,)) for lane in range(1, self.threads)]
        try:
            for thread in others:
                thread.start()
            work(0)
        except BaseException as error:
            barrier[STOPPED] = 1
            failures.append(error)
        _join(others, failures)
        causes = [error for error in failures if not isinstance(error, Stopped)]
        if causes:
            raise causes[0]

    def is_ready(self, key: str) -> bool:
        """Whether a program would run at once: compiled already, or found in the kernel cache."""
        run = self._programs[key]
        return bool(run.signatures) or in_cache(run)


def _join(threads: list[threading.Thread], failures: list[BaseException]) -> None:
    """Wait for all that run, whatever comes: none may write to arrays that others use again."""
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                failures.append(error)


def _bound(function: Any, **names: Any) -> FunctionType:
    """A copy of a function that sees these globals."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def _code(*functions: Any) -> bytes:
    return b"".join(function.__code__.co_code for function in functions)


def _nothing():
    pass
