"""Sweeps: one function, many sets of parameters, on several cores or machines.

A directory of a sweep holds

    sweep.h5            all sets, and the results or the error of each
    set-0000/ ...       what the sets keep for themselves, such as a checkpoint

Running sets side by side is the business of `concurrent.futures` and of libraries that have an
``Executor``; what is here makes a sweep that can be stopped, and in which a set may fail.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
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
from spikesim.checks import check_integer, check_name, check_path, check_unknown, show
from spikesim.errors import FileError, InputError
from spikesim.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.kernels.program import together
from spikesim.progress import (
    Progress,
    Terminated,
    as_they_end,
    progress_bar,
    terminable,
    terminate,
)
from spikesim.replicas import Gang
from spikesim.runs import hold

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from matplotlib.axes import Axes

__all__ = ["SWEEP_FILE", "Sweep", "grid", "sweep"]

SWEEP_FILE = "sweep.h5"
ERROR_FILE = "error.txt"  # the traceback of a set that failed, in its folder

Train = Callable[[dict[str, Any], Path], Mapping[str, Any]]

_REPEATED = "seed"  # sets that differ in nothing else are repetitions
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_DIED = "a worker process died before this set was finished"
_MOST = 512  # sets at once on a GPU
_WIDE = 30.0  # ratio of the largest value to the smallest from which an axis is logarithmic


def grid(**values: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations of values; the last name varies fastest.

    Examples
    --------
    >>> grid(alpha_Z=[0.0, 1e-3], seed=range(2))[:3]
    [{'alpha_Z': 0.0, 'seed': 0}, {'alpha_Z': 0.0, 'seed': 1}, {'alpha_Z': 0.001, 'seed': 0}]
    """
    lists = [_listed(name, each) for name, each in values.items()]
    return [
        dict(zip(values, combination, strict=True)) for combination in itertools.product(*lists)
    ]


def _listed(name: str, values: Any) -> list[Any]:
    try:
        if not isinstance(values, str):
            return list(values)
    except Exception:  # whatever a foreign object raises
        pass
    raise InputError(f"{name} is {show(values)}; it has to be a list of values.")


def sweep(
    train: Train,
    sets: Sequence[Mapping[str, Any]],
    directory: str | Path,
    *,
    executor: Executor | str | None = None,
    workers: int | None = None,
    progress: bool | Progress = True,
) -> Sweep:
    """Call a function with every set of parameters, several at a time.

    What is finished is kept after every set. Whatever stops a sweep, the same call goes on with
    the sets that are not finished; a set that fails does not stop the others.

    Parameters
    ----------
    train : callable
        ``train(parameters, directory)`` returns numbers, or lists of numbers, by name. It may keep
        a checkpoint in its directory, and find it there when it is called again. Other processes
        have to be able to import it: it stands at the top of a module or script, and the script
        calls `sweep` below ``if __name__ == "__main__":``.
    sets : sequence of dict
        All with the same names. Values are numbers, strings, booleans, None or tuples of numbers.
        Sets that differ in 'seed' only are repetitions of each other.
    directory : str or Path
        Where the results are kept; made if it is missing. One that holds other sets is refused.
    executor : concurrent.futures.Executor or {'processes', 'threads'}, optional
        Processes, as a default, with one thread each. Threads suit networks of the same size:
        programs are compiled once and data is in memory once, and compiled code runs at the same
        time; sets with a 'backend' on a GPU run there as replicas (see `spikesim.Replicas`). An
        executor of your own is not shut down.
    workers : int, optional
        How many processes or threads; as many as there are cores as a default, on a GPU 512.
    progress : bool or callable
        True shows a bar where stderr is a terminal.

    Returns
    -------
    Sweep
        Also if sets failed: their errors are printed to stderr, and in `Sweep.errors`. The
        tracebacks are in the files ``error.txt`` in the sets' folders.

    Raises
    ------
    InputError
        If an argument cannot be used, before anything is done.
    FileError
        If the directory holds other sets or cannot be written.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, once the running sets have stopped. Networks of spikesim save a
        checkpoint first in processes; in threads their last one counts.

    Examples
    --------
    >>> def train(parameters, directory):
    ...     return {"test_error": 10.0 * parameters["alpha_Z"] + parameters["seed"]}
    >>> sets = grid(alpha_Z=[0.5, 1.0], seed=range(2))
    >>> result = sweep(train, sets, "runs/inhibition", executor="threads")
    >>> result.values["test_error"]
    array([ 5.,  6., 10., 11.])
    >>> result.parameters["alpha_Z"]
    array([0.5, 0.5, 1. , 1. ])
    >>> print(result.table("test_error"))
    alpha_Z  test_error    seeds
    0.5       5.50 ± 0.71  2
    1        10.50 ± 0.71  2

    On the machines of a cluster, where `directory` has to be a folder that all of them see, and
    `train` in a module that all of them can import, with dask::

        from dask.distributed import Client

        with Client("scheduler:8786") as client:
            sweep(train, sets, "runs/inhibition", executor=client.get_executor())

    or with MPI, as ``mpiexec -n 33 python -m mpi4py.futures script.py`` for 32 workers::

        from mpi4py.futures import MPIPoolExecutor

        if __name__ == "__main__":
            with MPIPoolExecutor() as executor:
                sweep(train, sets, "runs/inhibition", executor=executor)
    """
    if not callable(train):
        raise InputError(f"train is {show(train)}; it has to be a function.")
    sets = _check_sets(sets)
    on_gpu = any(str(each.get("backend")).startswith("cuda") for each in sets)
    make_pool = _pool(train, executor, workers, on_gpu)
    directory = _make(check_path("directory", directory))
    with terminable(), hold(directory):
        result = _begin(directory, sets)
        todo = [k for k in range(len(sets)) if not result.finished[k]]
        for k in todo:
            result.errors[k] = ""
        if todo:
            result.save()
            _run(train, result, todo, make_pool(len(todo)), progress)
    _tell(result)
    return result


_ORPHANS = 60.0  # seconds to wait for the workers of a killed sweep to end


class Sweep:
    """Sets of parameters, and what came of them.

    Attributes
    ----------
    directory : Path
    sets : list of dict
    finished : list of bool
        By set, as the next two.
    errors : list of str
        Type and message where a set failed, or ''.
    seconds : list of float
        What each took, the last time it was run.

    Examples
    --------
    >>> def train(parameters, directory):
    ...     return {"cost": 1.0 / parameters["n"], "costs": [1.0, 1.0 / parameters["n"]]}
    >>> result = sweep(train, grid(n=[0, 1, 2]), "runs/costs", executor="threads", workers=1)
    >>> again = Sweep.load("runs/costs")
    >>> again.errors
    ['ZeroDivisionError: float division by zero', '', '']
    >>> again.values["cost"]
    array([nan, 1. , 0.5])
    >>> again.values["costs"].shape
    (3, 2)
    """

    def __init__(self, directory: str | Path, sets: Sequence[Mapping[str, Any]]):
        self.directory = Path(directory)
        self.sets = _check_sets(sets)
        self.finished = [False] * len(sets)
        self.errors = [""] * len(sets)
        self.seconds = [0.0] * len(sets)
        self._results: list[dict[str, Any]] = [{} for _ in sets]

    def __repr__(self) -> str:
        return f"<Sweep in {self.directory}: {sum(self.finished)} of {len(self.sets)} finished>"

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Name → array with the value of each set."""
        return {name: _column([each[name] for each in self.sets]) for name in self.sets[0]}

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Name → array, shape (sets,), or (sets, longest) of lists; NaN where there is no value."""
        names = dict.fromkeys(name for each in self._results for name in each)
        return {name: _padded([each.get(name) for each in self._results]) for name in names}

    @property
    def varied(self) -> list[str]:
        """The parameters, other than the seed, in which sets differ."""
        first = self.sets[0]
        return [
            name
            for name in first
            if name != _REPEATED and any(each[name] != first[name] for each in self.sets)
        ]

    def save(self) -> None:
        """Write ``sweep.h5``, all or nothing."""
        parameters = {
            name: column if column.dtype.kind in "bif" else [_text(value) for value in column]
            for name, column in self.parameters.items()
        }
        tree = {
            "sets": [json.dumps(each) for each in self.sets],
            "finished": np.array(self.finished),
            "errors": self.errors,
            "seconds": np.array(self.seconds),
            "parameters": parameters,
            "values": self.values,
        }
        with atomic_file(self.directory / SWEEP_FILE) as file:
            stamp(file, "sweep")
            write_tree(file, tree)

    @classmethod
    def load(cls, directory: str | Path) -> Sweep:
        """Read the table of a sweep, finished or not.

        Raises
        ------
        FileError
            If there is none, or it is damaged.
        """
        path = check_path("directory", directory) / SWEEP_FILE
        with open_file(path, "sweep") as file:
            saved = read_tree(file)
        try:
            sets = [
                {name: tuple(v) if type(v) is list else v for name, v in json.loads(text).items()}
                for text in saved["sets"]
            ]
            loaded = cls(directory, sets)
            loaded.finished = [bool(each) for each in saved["finished"]]
            loaded.errors = [str(each) for each in saved["errors"]]
            loaded.seconds = [float(each) for each in saved["seconds"]]
            for name, array in saved["values"].items():
                for k, value in enumerate(array.tolist()):
                    if loaded.finished[k]:
                        loaded._results[k][name] = value
            if not len(sets) == len(loaded.finished) == len(loaded.errors) == len(loaded.seconds):
                raise ValueError("lengths differ")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise FileError(
                f"{path} lacks a part ({error}); it is damaged or was edited."
            ) from None
        return loaded

    def table(self, value: str) -> str:
        """The lines of a table: the varied parameters, and a result as mean ± sd over seeds.

        Parameters
        ----------
        value : str
            The name of a result that is one number per set.
        """
        numbers = self._numbers(value)
        rows: list[list[str]] = []
        groups = self._repetitions()
        found = [_present(numbers[each]) for each in groups.values()]
        sizes = [abs(each.mean()) for each in found if each.size and each.mean()]
        digits = min(6, max(0, 2 - math.floor(math.log10(min(sizes))))) if sizes else 0
        means = [f"{each.mean():.{digits}f}" if each.size else "failed" for each in found]
        widest = max(map(len, means))
        for (key, group), each, mean in zip(groups.items(), found, means, strict=True):
            spread = f" ± {each.std(ddof=1):.{digits}f}" if each.size > 1 else ""
            count = str(each.size) if each.size == len(group) else f"{each.size} of {len(group)}"
            rows.append([*map(_text, key), f"{mean:>{widest}}{spread}", count])
        rows.insert(0, [*self.varied, value, "seeds"])
        if _REPEATED not in self.sets[0]:
            rows = [row[:-1] for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def figure(self, value: str, ylabel: str | None = None) -> Axes:
        """Draw a result over the first varied number, one line per combination of the others.

        Lines are means over seeds in bands of one standard deviation, with gaps where a set has no
        result. If no number is varied, there is one point per set.

        Parameters
        ----------
        value : str
            The name of a result that is one number per set.
        ylabel : str, optional
            With its unit, such as ``"Test error (%)"``.
        """
        numbers = self._numbers(value)
        label = value if ylabel is None else ylabel
        columns = self.parameters
        along = next((name for name in self.varied if columns[name].dtype.kind in "if"), None)
        if along is None:
            return self._points(numbers, label)
        from spikesim import plot

        others = [name for name in self.varied if name != along]
        lines: dict[tuple, dict[tuple, float]] = {}
        for parameters, number in zip(self.sets, numbers, strict=True):
            line = lines.setdefault(tuple(parameters[name] for name in others), {})
            line[parameters.get(_REPEATED), parameters[along]] = number
        low, high = columns[along].min(), columns[along].max()
        ax: Any = None
        for key, line in lines.items():
            seeds = list(dict.fromkeys(seed for seed, _ in line))
            places = sorted({place for _, place in line})
            ax = plot.sweep(
                places,
                [[line.get((seed, place), math.nan) for place in places] for seed in seeds],
                ax,
                label=_named(others, key) or None,
                xlabel=along,
                ylabel=label,
                xscale="log" if low > 0.0 and high / low >= _WIDE else "linear",
            )
        if len(lines) > 1:  # beside the lines, whose bands may be anywhere
            ax.figure.set_size_inches(6.0, 3.0)
            legend: Any = ax.get_legend()
            legend.set_loc("center left")
            legend.set_bbox_to_anchor((1.0, 0.5))
        return ax

    def _points(self, numbers: np.ndarray, ylabel: str) -> Axes:
        from spikesim import plot

        repetitions = self._repetitions()
        found = [_present(numbers[each]) for each in repetitions.values()]
        means = [each.mean() if each.size else math.nan for each in found]
        spread = [each.std(ddof=1) if each.size > 1 else 0.0 for each in found]
        places = range(len(found))
        xlabel = ", ".join(self.varied)
        ax = plot.sweep(places, means, xlabel=xlabel, ylabel=ylabel)
        ax.lines[0].set_linestyle("none")
        ax.errorbar(places, means, spread, fmt="none", ecolor=ax.lines[0].get_color())
        names = [", ".join(map(_text, key)) for key in repetitions]
        ax.set_xticks(places, names)
        if sum(map(len, names)) > 40:
            ax.set_xticks(places, names, rotation=45, ha="right")
        ax.set_xlim(-0.5, len(found) - 0.5)
        if np.nanmin(np.subtract(means, spread)) >= 0.0:
            ax.set_ylim(bottom=0.0)
        return ax

    def _numbers(self, value: str) -> np.ndarray:
        values = self.values
        check_unknown("result", [value], values)
        if values[value].ndim > 1:
            raise InputError(f"{value} is a list in each set; name a result that is one number.")
        return values[value]

    def _repetitions(self) -> dict[tuple, list[int]]:
        """The varied parameters → the sets that have them, one per seed."""
        found: dict[tuple, list[int]] = {}
        for k, each in enumerate(self.sets):
            found.setdefault(tuple(each[name] for name in self.varied), []).append(k)
        return found

    def _take(self, k: int, future: Future) -> None:
        """Keep what a set came to."""
        error = future.exception()
        if isinstance(error, BrokenExecutor):
            self.errors[k] = _DIED
        elif error is not None:
            self.errors[k] = _one_line(error)
        else:
            values, self.errors[k], self.seconds[k] = future.result()
            self.finished[k] = values is not None
            self._results[k] = values or {}


# ---- running ----------------------------------------------------------------------------------


class _Pool:
    """An executor of the caller's."""

    own = False

    def __init__(self, executor: Executor):
        self.executor = executor

    def submit(self, *task: Any) -> Future:
        return self.executor.submit(_attempt, *task)

    def interrupt(self, error: KeyboardInterrupt) -> None:
        """Stop the running sets after Ctrl-C or SIGTERM."""

    def close(self) -> None:
        """Let go of what is the pool's own, once nothing runs."""


class _Processes(_Pool):
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
        # Ctrl-C reaches the workers by itself, but a scheduler may tell this process only.
        if isinstance(error, Terminated):
            self._teller.close()

    def close(self) -> None:
        self.executor.shutdown()
        self._told.close()
        self._teller.close()


class _Threads(_Pool):
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


def _pool(
    train: Train, executor: Executor | str | None, workers: int | None, on_gpu: bool
) -> Callable[[int], _Pool]:
    """A function that makes the pool for so many sets, after all has been checked."""
    if isinstance(executor, Executor):
        if workers is not None:
            raise InputError("workers is for processes and threads; your executor has its own.")
        return lambda count: _Pool(executor)
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


def _run(
    train: Train, result: Sweep, todo: list[int], pool: _Pool, progress: bool | Progress
) -> None:
    """Run sets, and write the table after each."""
    total = len(result.sets)
    running: dict[Future, int] = {}
    try:
        with progress_bar(progress, total, "set") as report:
            report(total - len(todo), total)
            for k in todo:
                try:
                    future = pool.submit(
                        train, result.sets[k], _folder(result.directory.absolute(), k)
                    )
                except BrokenExecutor:
                    result.errors[k] = _DIED
                else:
                    running[future] = k
            for done, future in enumerate(as_they_end(running), 1):
                if isinstance(stop := future.exception(), KeyboardInterrupt):
                    raise stop  # it reached a worker before it reached this process
                result._take(running[future], future)
                result.save()
                report(total - len(todo) + done, total)
    except KeyboardInterrupt as error:
        for future in running:
            future.cancel()
        if pool.own:
            print("\nWaiting for the running sets to stop ...", file=sys.stderr, flush=True)
            pool.interrupt(error)
            for future in as_they_end(each for each in running if not each.cancelled()):
                if future.exception() is None:
                    result._take(running[future], future)
        result.save()
        finished = sum(result.finished)
        print(f"{finished} of {total} sets are finished; the same again goes on.", file=sys.stderr)
        raise
    finally:
        for future in running:
            future.cancel()
        pool.close()


def _attempt(
    train: Train, parameters: dict[str, Any], folder: Path
) -> tuple[dict[str, Any] | None, str, float]:
    """The results of a set or its error, and how many seconds it took.

    The error is text because not every exception survives the way to another process.
    """
    began = time.perf_counter()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The worker of a killed sweep ends soon, but may be in the middle of a long kernel.
        with hold(folder, wait=_ORPHANS):
            (folder / ERROR_FILE).unlink(missing_ok=True)
            values = _check_values(train(dict(parameters), folder))
    except (Exception, SystemExit) as error:
        with suppress(OSError):  # a full disk has no room for this, either
            (folder / ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")
        return None, _one_line(error), time.perf_counter() - began
    return values, "", time.perf_counter() - began


# Of a worker process: what Ctrl-C does to it, and what came, so that waiting sets do not begin.
_on_interrupt: Any = signal.SIG_IGN
_interrupted: type[KeyboardInterrupt] | None = None


def _attempt_in_process(*task: Any) -> Any:
    """The same, such that signals reach a process while it runs a set, and not when it is idle."""
    global _interrupted
    signal.signal(signal.SIGINT, _on_interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        if _interrupted is not None:  # asked last, as a signal may have come to an idle process
            raise _interrupted
        return _attempt(*task)
    except KeyboardInterrupt as error:
        _interrupted = type(error)
        raise
    finally:
        _ignore_signals()


def _ignore_signals() -> Any:
    """From now on they do nothing; return what Ctrl-C did."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_process(told: Connection) -> None:
    global _on_interrupt
    _on_interrupt = _ignore_signals()
    threading.Thread(target=_end_with_parent, args=(told,), daemon=True).start()


def _end_with_parent(told: Connection) -> None:
    """Stop the set when the parent says so, by closing its end, or has ended.

    An orphan would go on with its set, beside the sweep that is started again.
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
    """Processes that are started meanwhile have one thread for linear algebra and for Numba.

    Only the environment can tell them: they read it when they import NumPy.
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


def _begin(directory: Path, sets: list[dict[str, Any]]) -> Sweep:
    """The sweep of these sets that the directory holds, or a new one."""
    if (directory / SWEEP_FILE).exists():
        result = Sweep.load(directory)
        if len(result.sets) != len(sets):
            differ = f"{len(result.sets)} sets, not {len(sets)}"
        else:
            pairs = zip(result.sets, sets, strict=True)
            differ = next(
                (
                    f"set {k} has {_difference(old, new)}"
                    for k, (old, new) in enumerate(pairs)
                    if json.dumps(old) != json.dumps(new)
                ),
                "",
            )
        if differ:
            raise FileError(
                f"{directory} holds a sweep of other sets: {differ}. Choose another directory, or "
                "give the same sets to go on."
            )
        return result
    if directory.is_dir() and any(directory.glob("set-*")):
        raise FileError(
            f"{directory} holds folders of sets but no {SWEEP_FILE} that says what they are; "
            "choose another directory."
        )
    return Sweep(directory, sets)


def _make(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{directory} cannot be made: {error.strerror}; choose another directory."
        ) from None
    return directory


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    if list(old) != list(new):
        return f"the parameters {', '.join(old)}, not {', '.join(new)}"
    names = [name for name in old if json.dumps(old[name]) != json.dumps(new[name])]
    return f"{_named(names, [old[n] for n in names])}, not {_named(names, [new[n] for n in names])}"


def _folder(directory: Path, k: int) -> Path:
    return directory / f"set-{k:04d}"


def _tell(result: Sweep) -> None:
    """Print what failed."""
    bad = [k for k, error in enumerate(result.errors) if error]
    if not bad:
        return
    print(f"{len(bad)} of {len(result.sets)} sets failed:", file=sys.stderr)
    names = [*result.varied, *([_REPEATED] if _REPEATED in result.sets[0] else [])]
    for k in bad:
        parameters = _named(names, [result.sets[k][name] for name in names])
        folder = _folder(result.directory, k).name
        print(f"  {folder} ({parameters}): {result.errors[k]}", file=sys.stderr)
    if _DIED in result.errors:
        print(
            "A worker process died: it was killed, ran out of memory (then take fewer workers), or "
            "could not start (a script calls sweep below 'if __name__ == \"__main__\":').",
            file=sys.stderr,
        )
    print("The same again runs these sets once more, and no others.", file=sys.stderr)


# ---- checks and texts -------------------------------------------------------------------------


def _check_sets(sets: Any) -> list[dict[str, Any]]:
    try:
        given = None if isinstance(sets, (str, Mapping)) else list(sets)
    except Exception:  # whatever a foreign object raises
        given = None
    if given is None:
        raise InputError(
            f"sets is a {type(sets).__name__}; it has to be a list of dictionaries, such as "
            "grid(...) makes."
        )
    sets = given
    if not sets:
        raise InputError("sets is empty; it has to hold at least one set of parameters.")
    checked: list[dict[str, Any]] = []
    known: dict[str, int] = {}
    for k, each in enumerate(sets):
        if not isinstance(each, Mapping) or not each:
            raise InputError(f"sets[{k}] is {show(each)}; it has to be a dictionary of parameters.")
        for name in each:
            check_name(f"A parameter of sets[{k}]", name)
        if set(each) != set(sets[0]):
            raise InputError(
                f"sets[{k}] has {', '.join(each)}; it has to have the parameters of the first "
                f"set: {', '.join(sets[0])}."
            )
        checked.append({n: _check_value(f"sets[{k}][{n!r}]", each[n]) for n in sets[0]})
        first = known.setdefault(json.dumps(checked[-1]), k)
        if first != k:
            raise InputError(f"sets[{k}] is the same as sets[{first}]; leave one of them out.")
    return checked


def _check_value(name: str, value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, tuple):
        items = tuple(v.item() if isinstance(v, np.generic) else v for v in value)
        if all(type(v) in (int, float) and not math.isnan(v) for v in items):
            return items
    elif type(value) in (bool, int, str, type(None)) or (
        type(value) is float and not math.isnan(value)
    ):
        return value
    raise InputError(
        f"{name} is {show(value)}; it has to be a number, a string, a boolean, None or a tuple of "
        "numbers."
    )


def _check_portable(train: Train) -> None:
    """Refuse a function that other processes cannot import."""
    main = sys.modules.get("__main__")
    try:
        sent = pickle.dumps(train)
    except Exception as error:
        reason = _one_line(error)
    else:
        # A notebook or a prompt has a __main__ that no other process can read.
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


def _column(values: list[Any]) -> np.ndarray:
    """An array of numbers, booleans or strings if all are; if not, one of objects."""
    kinds = {type(value) for value in values}
    if kinds in ({bool}, {str}) or kinds <= {int, float}:
        array = np.array(values)
        if array.dtype.kind in "bUif":
            return array
    return np.fromiter(values, object, len(values))


def _padded(values: list[Any]) -> np.ndarray:
    """Numbers as they are, lists as rows of the length of the longest."""
    lists = [value if isinstance(value, list) else [value] for value in values]
    table = np.full((len(values), max(map(len, lists))), np.nan)
    for row, value in zip(table, lists, strict=True):
        row[: len(value)] = [math.nan if v is None else v for v in value]
    return table if any(isinstance(value, list) for value in values) else table[:, 0]


def _present(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    if value is None or isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _named(names: Sequence[str], values: Iterable[Any]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in zip(names, values, strict=True))


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")
