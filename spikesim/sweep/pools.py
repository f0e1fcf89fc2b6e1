"""Where the sets of a sweep are trained: in processes, in threads, or in the user's executor."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.backends import cores
from spikesim.checks import check_integer, check_name, show
from spikesim.errors import InputError
from spikesim.io.runs import hold
from spikesim.kernels.machine.program import together
from spikesim.progress import (
    Terminated,
    terminate,
)
from spikesim.replicas import Gang
from spikesim.sweep.table import one_line

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["ERROR_FILE", "Pool", "Train", "pool_for"]

ERROR_FILE = "error.txt"  # the traceback of a set that failed, in its folder
Train = Callable[[dict[str, Any], Path], Mapping[str, Any]]
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_MOST = 512  # sets at once on a GPU
_ORPHANS = 60.0  # seconds to wait until the workers of a killed sweep have ended


class Pool:
    """The caller's executor."""

    own = False

    def __init__(self, executor: Executor):
        self.executor = executor

    def submit(self, *task: Any) -> Future:
        return self.executor.submit(_attempt, *task)

    def interrupt(self, error: KeyboardInterrupt) -> None:
        """Stop the running sets after Ctrl-C or SIGTERM."""

    def close(self) -> None:
        """Release what belongs to the pool, once nothing runs."""


class _Processes(Pool):
    own = True

    def __init__(self, workers: int):
        # A forked process would inherit the locks of the parent's threads.
        context = multiprocessing.get_context("spawn")
        self._told, self._teller = context.Pipe(duplex=False)
        super().__init__(
            ProcessPoolExecutor(
                workers, context, initializer=_begin_process, initargs=(self._told,)
            )
        )

    def submit(self, *task: Any) -> Future:
        with _one_thread_each():
            return self.executor.submit(_attempt_in_process, *task)

    def interrupt(self, error: KeyboardInterrupt) -> None:
        # A terminal sends Ctrl-C to the workers too, but a scheduler may signal this process only.
        if isinstance(error, Terminated):
            self._teller.close()

    def close(self) -> None:
        self.executor.shutdown()
        self._told.close()
        self._teller.close()


class _Threads(Pool):
    own = True

    def __init__(self, workers: int, on_gpu: bool):
        super().__init__(ThreadPoolExecutor(workers))
        self._running: set[int] = set()
        self._gang = Gang(0) if on_gpu else None

    def submit(self, *task: Any) -> Future:
        return self.executor.submit(self._attempt, *task)

    def _attempt(self, *task: Any) -> Any:
        me = threading.get_ident()
        self._running.add(me)
        if self._gang is not None:
            self._gang.join()
        together.set(self._gang)
        try:
            return _attempt(*task)
        finally:
            if self._gang is not None:
                self._gang.leave()
            self._running.discard(me)

    def close(self) -> None:
        self.executor.shutdown()

    def interrupt(self, error: KeyboardInterrupt) -> None:
        # Python raises KeyboardInterrupt in the main thread only.
        for thread in tuple(self._running):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt)
            )


def pool_for(
    train: Train, executor: Executor | str | None, workers: int | None, on_gpu: bool
) -> Callable[[int], Pool]:
    """A function that makes the pool for so many sets; the arguments are checked now."""
    if isinstance(executor, Executor):
        if workers is not None:
            raise InputError("workers is for processes and threads; your executor has its own.")
        return lambda count: Pool(executor)
    if not isinstance(executor, (str, type(None))) or executor not in (
        None,
        "processes",
        "threads",
    ):
        raise InputError(
            f"executor is {show(executor)}; it has to be 'processes', 'threads' or a "
            "concurrent.futures.Executor."
        )
    alone = executor != "threads" or not on_gpu
    default = cores() if alone else _MOST
    most = check_integer("workers", default if workers is None else workers, at_least=1)
    if executor == "threads":
        return lambda count: _Threads(min(most, count), on_gpu)
    _check_portable(train)
    return lambda count: _Processes(min(most, count))


def _attempt(
    train: Train, parameters: dict[str, Any], folder: Path
) -> tuple[dict[str, Any] | None, str, float]:
    """The results of a set or its error, and how many seconds it took.

    The error is a text because not every exception can be sent to another process.
    """
    began = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A worker of a killed sweep ends soon, but it may still be inside a long kernel.
        with hold(folder, wait=_ORPHANS):
            (folder / ERROR_FILE).unlink(missing_ok=True)
            values = _check_values(train(dict(parameters), folder))
    except (Exception, SystemExit) as error:
        with suppress(OSError):  # a full disk has no room for this either
            (folder / ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")
        return None, one_line(error), time.perf_counter() - began
    return values, "", time.perf_counter() - began


# In a worker process: the handler of Ctrl-C, and the signal that came, so that no set begins later.
_on_interrupt: Any = signal.SIG_IGN
_interrupted: type[KeyboardInterrupt] | None = None


def _attempt_in_process(*task: Any) -> Any:
    """The same, in a process that signals reach while it runs a set, but not when it is idle."""
    global _interrupted
    signal.signal(signal.SIGINT, _on_interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        if _interrupted is not None:  # asked last, as the signal may have come while it was idle
            raise _interrupted
        return _attempt(*task)
    except KeyboardInterrupt as error:
        _interrupted = type(error)
        raise
    finally:
        _ignore_signals()


def _ignore_signals() -> Any:
    """Ignore signals from now on; return the handler that Ctrl-C had."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_process(told: Connection) -> None:
    global _on_interrupt
    _on_interrupt = _ignore_signals()
    threading.Thread(target=_end_with_parent, args=(told,), daemon=True).start()


def _end_with_parent(told: Connection) -> None:
    """Stop the set when the parent closes its end of the pipe or has ended.

    Otherwise an orphan would continue its set while the sweep, started again, trains it too.
    """
    global _interrupted
    told.poll(None)
    _interrupted = Terminated
    os.kill(os.getpid(), signal.SIGTERM)
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Give processes that start inside this block one thread for linear algebra and for Numba.

    Only the environment can do this: they read it when they import NumPy.
    """
    names = ["VECLIB_MAXIMUM_THREADS", *(f"{name}_NUM_THREADS" for name in _LIBRARIES)]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _check_portable(train: Train) -> None:
    """Refuse a function that other processes cannot import."""
    main = sys.modules.get("__main__")
    try:
        sent = pickle.dumps(train)
    except Exception as error:
        reason = one_line(error)
    else:
        # No other process can import the __main__ of a notebook or a prompt.
        if b"__main__" not in sent or hasattr(main, "__file__"):
            return
        reason = "it was defined at a prompt or in a notebook"
    raise InputError(
        f"train cannot be sent to other processes: {reason}. Define it at the top of a module, or "
        "choose executor='threads'."
    )


def _check_values(values: Any) -> dict[str, Any]:
    """The results of a set as floats and lists of floats."""
    wanted = "it has to return a dictionary of numbers or lists of numbers"
    if not isinstance(values, Mapping):
        raise InputError(f"The function returned {show(values)}; {wanted}.")
    checked: dict[str, Any] = {}
    for name, value in values.items():
        check_name("A result", name)
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.array(None)
        if array.dtype.kind not in "biuf" or array.ndim > 1 or not array.size:
            raise InputError(f"The function returned {show(value)} as {name}; {wanted}.")
        checked[name] = array.astype(np.float64).tolist()
    return checked
