"""The backend for one network on several cores: every thread runs the loop over time.

    each(t, s, p):  every thread takes its share of the indices

Bodies are the same as on one core, and give the same bits: no two indices touch the same number
(see `spikesim.kernels.machine.program.Phase`). Threads meet after each stage of a step, which holds
all Phases that have nothing to do with each other (see `spikesim.kernels.machine.staging`); in tier
'phases' they meet after each Phase. A meeting takes 0.1 to 0.5 us if every thread has its own core,
so threads pay for networks whose step takes tens of microseconds. Where they do not, or where
another program has one of the cores, one thread runs alone (`Pace`). For many small networks see
`spikesim.Replicas`.

If a thread fails, as it may under NUMBA_BOUNDSCHECK, the others stop where they wait for it. Ctrl-C
takes effect at the end of a stretch of steps, as on one core.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from spikesim.kernels.machine import cpu
from spikesim.kernels.machine.cores import cores
from spikesim.kernels.machine.jobs import STOPPED, Loop, Stopped, array_record
from spikesim.kernels.machine.lowering import Lowering
from spikesim.kernels.machine.native import Native, Work, tier
from spikesim.kernels.machine.program import Call, Source

__all__ = ["Crew", "Growing", "Grown", "Pace", "Threads"]

LASTING = 2.0  # s: a run of this length is likely to continue
LONG = 2e-5  # s: in shorter steps, threads meet too often to gain anything

FIRST = 4  # steps in half of the first turn of a trial
TRIAL = 0.004  # s: how long the slower way is measured
COST = 0.02  # the share of the time that trials may cost
SHORTEST, LONGEST = 0.5, 5.0  # s: from one trial to the next
PERIOD = 0.02  # s: after so long, all threads notice that they have become slow


class Threads:
    """The backend; does for `Program` what the module `cpu` does.

    Parameters
    ----------
    threads : int
    """

    FAILURES = cpu.FAILURES
    JOINS = True
    STAGES = True
    KINDS = "neurons", "meeting"  # of loops: see `spikesim.kernels.machine.jobs.Loop`

    def __init__(self, threads: int):
        self.PARTS = self.threads = threads

    def lowering(self, dtype: str) -> Lowering:
        """Lowering to functions that can be compiled."""
        return cpu.lowering(dtype)

    def each(
        self, lower: Lowering, body: Callable, over: Callable, times: int, meets: bool
    ) -> tuple[Loop, str]:
        """The loop over one Phase, which the program uses `times` times, and its hash."""
        loop, digest = cpu.each(lower, body, over, times, meets)
        return loop._replace(kind=self.KINDS[meets]), digest

    def build(self, source: Source, names: dict[str, Any], key: str) -> Native:
        """Make the object that runs calls of a program."""
        return Native(source, names, Crew(self.threads))


class Growing(Threads):
    """The backend that begins on one core, and takes several for a long run where that is faster.

    One core runs the machine code of `spikesim.kernels.machine.cpu`. That for several cores is made
    by another process, as a fused program is.
    """

    def build(self, source: Source, names: dict[str, Any], key: str) -> Any:
        """Make the object that runs calls of a program."""
        alone = {k: v._replace(kind="core") if isinstance(v, Loop) else v for k, v in names.items()}
        crew = Crew(self.threads)
        return Grown(Native(source, alone, alone=True), Native(source, names, crew), crew)


class Grown:
    """Runs calls of a program on one core, and, once that has lasted, on several.

    Parameters
    ----------
    one, several : Native
    crew : Crew
        The threads of `several`.
    """

    def __init__(self, one: Native, several: Native, crew: Crew):
        self._one, self._several, self._crew = one, several, crew
        self._steps, self._seconds = 0, 0.0
        self.prepare = one.prepare

    @property
    def is_ready(self) -> bool:
        """Whether nothing has to be compiled: once true, it stays true."""
        return self._one.is_ready

    @property
    def tier(self) -> str:
        """'phases' or 'fused', on one core."""
        return self._one.tier

    def __call__(self, calls: Sequence[Call]) -> None:
        """Run the data of each call."""
        for call in calls:
            if self._is_worthwhile() and self._several.fuse():
                self._crew(partial(self._work, call), call.first, call.steps)
                continue
            begun = time.perf_counter()
            self._one([call])
            self._steps += call.steps
            self._seconds += time.perf_counter() - begun

    def _work(self, call: Call, alone: bool) -> Work:
        return (self._one if alone else self._several).work(call, alone)

    def _is_worthwhile(self) -> bool:
        """Whether the run has lasted, its steps are long, and no one else keeps the cores busy."""
        if self._seconds < LASTING or self._seconds <= LONG * self._steps or tier() == "phases":
            return False
        # A thread of a pool has others beside it, which take the other cores.
        if threading.current_thread() is not threading.main_thread():
            return False
        if self._several.tier == "fused":  # from now on, trials tell
            return True
        return not hasattr(os, "getloadavg") or os.getloadavg()[0] < cores()


class Crew:
    """The threads of one program: all of them take part, or one alone where that is faster.

    Parameters
    ----------
    threads : int
    """

    def __init__(self, threads: int):
        self._threads = threads
        self._pace = Pace()

    def __call__(self, work: Callable[[bool], Work], first: int, steps: int) -> None:
        """Do these steps; ``work(alone)`` is the work of each thread."""
        last = first + steps
        while first < last:
            alone, most = self._pace.next()
            now = min(most, last - first)
            begun = time.perf_counter()
            self._together(partial(work(alone), first, now), 1 if alone else self._threads)
            self._pace.took(alone, now, time.perf_counter() - begun)
            first += now

    def _together(self, work: Callable[[int], None], threads: int) -> None:
        barrier = np.zeros(48, np.int64)
        failures: list[BaseException] = []

        def take_part(lane: int) -> None:
            record = np.array([lane, threads, *array_record(barrier)], np.int64)
            try:
                if barrier[STOPPED] == 0:
                    work(record.ctypes.data)
            except BaseException as error:
                barrier[STOPPED] = 1  # comes first, as Ctrl-C may interrupt the rest
                failures.append(error)

        others = [threading.Thread(target=take_part, args=(lane,)) for lane in range(1, threads)]
        try:
            alone = not _start(others)
            if alone:  # those that have started touch nothing before all have
                barrier[STOPPED] = 1
            else:
                take_part(0)
        except BaseException as error:
            barrier[STOPPED] = 1
            failures.append(error)
        _join(others, failures)
        _raise(failures)
        if alone:
            self._together(work, 1)


class Pace:
    """Whether all threads do the next steps or one alone, by what it took before.

    If another program has one of the cores, all threads wait at every meeting for the one that has
    none, and one thread alone is several times faster. So at first, and now and then, some steps
    are done in both ways; the faster way does those that follow. Both give the same bits.

    After a change, everything is still in the cache of another core. So the first half of each turn
    of a trial is not measured.
    """

    def __init__(self) -> None:
        self._alone = False
        self._left = 0.0  # seconds until the next trial; none are left during one
        self._steps = FIRST  # of half a turn of a trial
        self._done = 0  # of this turn
        self._turns = 0
        self._spent = {True: (0, 0.0), False: (0, 0.0)}  # alone or not: steps, seconds in a turn
        self._rate = {True: 0.0, False: 0.0}  # seconds for a step, in the last trial

    def next(self) -> tuple[bool, int]:
        """Whether one thread does the next steps alone, and how many they are at most."""
        if self._left > 0.0:
            return self._alone, max(1, int(min(self._left, PERIOD) / self._rate[self._alone]))
        end = self._steps if self._done < self._steps else 2 * self._steps
        return self._alone, end - self._done

    def took(self, alone: bool, steps: int, seconds: float) -> None:
        """Take note of how long these steps took."""
        if self._left > 0.0:
            self._left -= seconds
            if not alone and seconds > steps * self._rate[True]:
                self._left = 0.0  # a core was lost
            return
        if self._done >= self._steps:
            before = self._spent[alone]
            self._spent[alone] = before[0] + steps, before[1] + seconds
        self._done += steps
        if self._done < 2 * self._steps:
            return
        self._done = 0
        self._alone = not alone
        self._turns += 1
        if self._turns % 2 == 0:
            self._compare()
            self._spent = {True: (0, 0.0), False: (0, 0.0)}

    def _compare(self) -> None:
        longest = max(seconds for _, seconds in self._spent.values())
        if longest < TRIAL:
            self._steps *= 2
            return
        self._rate = {way: seconds / steps for way, (steps, seconds) in self._spent.items()}
        self._alone = self._rate[True] <= self._rate[False]
        steps, seconds = self._spent[not self._alone]
        lost = 2.0 * (seconds - steps * self._rate[self._alone])
        self._left = min(max(SHORTEST, lost / COST), LONGEST)
        if longest > 4.0 * TRIAL:
            self._steps = max(FIRST, self._steps // 4)


def _start(threads: list[threading.Thread]) -> bool:
    """Start all threads; return whether the system has let all of them start."""
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:
        return False
    return True


def _raise(failures: list[BaseException]) -> None:
    """Raise the error for which threads have stopped, if there is one."""
    for error in failures:
        if not isinstance(error, Stopped):
            raise error


def _join(threads: list[threading.Thread], failures: list[BaseException]) -> None:
    """Wait for all threads, even after Ctrl-C: none may still write when the caller has control."""
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                failures.append(error)
