"""A program fused by another process while its Phases run one by one.

A process rather than a thread: Numba spends half of its time in Python, and would hold the lock of
the interpreter whenever the run wants to go on. It has the lowest priority, so that a machine whose
cores are all busy loses nothing to it, and it ends with the process that began it. It is given a
`Job`, which holds all code, and imports nothing of the user's.
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from spikesim.kernels import cache
from spikesim.kernels.jobs import Job, unpacked

__all__ = ["begin", "collect", "main", "processes"]

_START = """
import sys
sys.path[:] = sys.argv[1:]
from spikesim.kernels.fusing import main
main()
"""
_IN_WORK = 3  # exit status: another process fuses the same program
_SIZE = struct.Struct("<q")

_running: dict[str, tuple[subprocess.Popen, IO[bytes]]] = {}
_begun: set[str] = set()
_fused: dict[str, bytes] = {}


def begin(job: Job) -> None:
    """Begin to fuse a program, once, unless another one is being fused for this process."""
    _reap()
    if _running or job.key in _begun or not sys.executable:
        return
    _begun.add(job.key)
    out = tempfile.TemporaryFile()  # noqa: SIM115 - until it is collected
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.DEVNULL,
            # In the same session, where its low priority counts; it ignores Ctrl-C by itself.
        )
    except OSError:  # no more processes, no memory: the run goes on as it is
        out.close()
        return
    _running[job.key] = process, out
    threading.Thread(target=_feed, args=(process.stdin, job.packed()), daemon=True).start()


def _feed(pipe: Any, data: bytes) -> None:
    """Write a job to a process, which waits for the end of the pipe to end with this one."""
    with suppress(OSError, ValueError):
        pipe.write(_SIZE.pack(len(data)) + data)
        pipe.flush()


def collect(key: str) -> bytes | None:
    """The object code of a program that has been fused, once; None if it is not ready."""
    _reap()
    return _fused.pop(key, None)


def _reap() -> None:
    """Take what processes that have ended have written, whichever program it is of."""
    for key, (process, out) in list(_running.items()):
        if process.poll() is None:
            continue
        del _running[key]
        with out, suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
            out.seek(0)
            code = out.read()
            if process.returncode == 0 and code:
                _fused[key] = code


def processes() -> list[int]:
    """The numbers of the processes that fuse for this one."""
    return [process.pid for process, _ in _running.values()]


@atexit.register
def _stop() -> None:
    while _running:
        _, (process, out) = _running.popitem()
        with suppress(OSError):
            process.kill()
        process.wait()
        with suppress(OSError, ValueError):
            process.stdin and process.stdin.close()
        out.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_running.clear)  # they are the parent's


# ------------------------------------------------------------------------- in the other process


def main() -> None:
    """Read a job, compile it, keep it and write it; end at once if nobody waits any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(15)
    into = sys.stdin.buffer
    (size,) = _SIZE.unpack(into.read(_SIZE.size))
    job = unpacked(into.read(size))
    threading.Thread(target=_end_with_parent, args=(into,), daemon=True).start()
    with _alone(job.key) as is_alone:
        if not is_alone:
            os._exit(_IN_WORK)
        code = cache.find(job.key)
        if code is None:
            from spikesim.kernels.compiling import object_code

            code = object_code(job)
            cache.keep(job.key, code)
    sys.stdout.buffer.write(code)
    sys.stdout.buffer.flush()
    os._exit(0)


def _end_with_parent(pipe: IO[bytes]) -> None:
    pipe.read()
    os._exit(1)


@contextmanager
def _alone(key: str) -> Iterator[bool]:
    """Whether no other process fuses this program; the lock goes with the process."""
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
        yield True
        with suppress(OSError):
            os.unlink(lock.name)
