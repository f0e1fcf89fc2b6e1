"""Other processes that compile: several before the first step, one during a run.

They are processes rather than threads because Numba spends half of its time in Python, and would
hold the interpreter's lock that the run, or another compilation, needs. They get a `Job`, which
holds all the code, import nothing of the user's, and end with the process that started them.

`sharing` lets as many processes compile Phases as there are cores. They can only save time: when
this process has nothing else left to do, it compiles what none of them has finished.

`fuse` lets one process fuse a program while its Phases run one by one. That process has the lowest
priority, so it takes no time from a machine whose cores are all busy.
"""

from __future__ import annotations

import atexit
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Any

from spikesim.kernels.machine import cache
from spikesim.kernels.machine.jobs import Job, unpacked

__all__ = ["Shared", "fuse", "fused", "main", "numbers", "sharing"]

_START = """
import sys
sys.path[:] = sys.argv[1:]
from spikesim.kernels.machine.processes import main
main()
"""
_FOR_ONE = 4  # jobs that each process needs to be worth its start, which takes a second
_IN_WORK = 3  # exit status: another process already fuses the same program
_SIZE = struct.Struct("<q")


def _begin(out: Any) -> subprocess.Popen | None:
    """Start a process that compiles what it reads; None if the system refuses."""
    if not sys.executable:
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.DEVNULL,
            # It stays in this session, so that its low priority counts; it ignores Ctrl-C itself.
        )
    except OSError:  # no processes or memory left: everything works without it
        return None


def _send(pipe: Any, job: Job) -> None:
    data = job.packed()
    pipe.write(_SIZE.pack(len(data)) + data)
    pipe.flush()


def _end(process: subprocess.Popen) -> None:
    with suppress(OSError):
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError, ValueError):
            pipe and pipe.close()


# ------------------------------------------------------------------------ before the first step


class Shared:
    """Jobs that this process and others take from both ends of a list.

    Parameters
    ----------
    jobs : sequence of Job
    """

    def __init__(self, jobs: Sequence[Job]):
        self._left = deque(jobs)
        self._taken: dict[str, Job] = {}  # those that another process is compiling
        self._done: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def take(self) -> tuple[Job, bytes | None] | None:
        """This process's next job, with its object code if another process has compiled it."""
        with self._lock:
            for key in self._taken.keys() & self._done.keys():
                return self._taken.pop(key), self._done[key]
            if self._left:
                return self._left.popleft(), None
            return (self._taken.popitem()[1], None) if self._taken else None

    def serve(self, process: subprocess.Popen) -> None:
        """Give a process jobs until none is left, or until it fails."""
        with suppress(OSError, ValueError):
            while True:
                with self._lock:
                    if not self._left:
                        break
                    job = self._left.pop()
                    self._taken[job.key] = job
                _send(process.stdin, job)
                code = _read(process.stdout)
                if code is None:
                    break
                self._done[job.key] = code


def _read(pipe: Any) -> bytes | None:
    """Read what a process has written; None if it is incomplete."""
    head = pipe.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    (size,) = _SIZE.unpack(head)
    data = pipe.read(size)
    return data if 0 < size == len(data) else None


@contextmanager
def sharing(jobs: Sequence[Job], cores: int) -> Iterator[Shared]:
    """Share the jobs among so many cores, if there are enough jobs."""
    shared = Shared(jobs)
    helpers: list[subprocess.Popen] = []
    try:
        for _ in range(min(cores - 1, len(jobs) // _FOR_ONE)):
            process = _begin(subprocess.PIPE)
            if process is not None:
                helpers.append(process)
                threading.Thread(target=shared.serve, args=(process,), daemon=True).start()
        yield shared
    finally:
        for process in helpers:
            _end(process)


# ------------------------------------------------------------------------------------ during a run

_running: dict[str, tuple[subprocess.Popen, IO[bytes]]] = {}
begun: set[str] = set()
finished: dict[str, bytes] = {}


def fuse(job: Job) -> None:
    """Begin to fuse a program, once, unless this process is already having one fused."""
    _reap()
    if _running or job.key in begun:
        return
    begun.add(job.key)
    out = tempfile.TemporaryFile()  # noqa: SIM115 - until it is collected
    process = _begin(out)
    if process is None:
        out.close()
        return
    _running[job.key] = process, out
    threading.Thread(target=_feed, args=(process.stdin, job), daemon=True).start()


def _feed(pipe: Any, job: Job) -> None:
    """Write a job to a process, and leave the pipe open: its end tells it that this one is gone."""
    with suppress(OSError, ValueError):
        _send(pipe, job)


def fused(key: str) -> bytes | None:
    """Hand out the object code of a fused program, once; None while it is not ready."""
    _reap()
    return finished.pop(key, None)


def _reap() -> None:
    """Collect the output of all processes that have ended, whichever program they fused."""
    for key, (process, out) in list(_running.items()):
        if process.poll() is None:
            continue
        del _running[key]
        with out, suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
            out.seek(0)
            code = _read(out)
            if process.returncode == 0 and code:
                finished[key] = code


def numbers() -> list[int]:
    """The process ids of those that fuse for this process."""
    return [process.pid for process, _ in _running.values()]


@atexit.register
def _stop() -> None:
    while _running:
        _, (process, out) = _running.popitem()
        _end(process)
        out.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # they belong to the parent


# ------------------------------------------------------------------------- in the other process


def main() -> None:
    """Compile jobs as they arrive, cache and write each; end at once if the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: SimpleQueue[Job] = SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        job = jobs.get()
        if not job.is_fused:
            _answer(job)
            continue
        if hasattr(os, "nice"):
            os.nice(15)
        with _alone(job.key) as is_alone:
            if is_alone:
                _answer(job)
        os._exit(0 if is_alone else _IN_WORK)


def _receive(pipe: IO[bytes], jobs: SimpleQueue[Job]) -> None:
    while data := _read(pipe):
        jobs.put(unpacked(data))
    os._exit(1)


def _answer(job: Job) -> None:
    code = cache.find(job.key)
    if code is None:
        from spikesim.kernels.machine.compiling import object_code

        code = object_code(job)
        cache.keep(job.key, code)
    sys.stdout.buffer.write(_SIZE.pack(len(code)) + code)
    sys.stdout.buffer.flush()


@contextmanager
def _alone(key: str) -> Iterator[bool]:
    """Whether no other process fuses this program; the lock is released when the process ends."""
    place = cache.folder()
    try:
        import fcntl

        if place is None:
            raise OSError
        place.mkdir(parents=True, exist_ok=True)
        lock = (place / f"{key}.lock").open("w")
    except (ImportError, OSError):
        yield True
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            with suppress(OSError):
                os.unlink(lock.name)
