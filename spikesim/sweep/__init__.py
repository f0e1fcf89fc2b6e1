"""Sweeps: one function, many sets of parameters, on several cores or machines.

A directory of a sweep holds

    sweep.h5            all sets, and the results or the error of each
    set-0000/ ...       the files of each set, such as a checkpoint

`concurrent.futures`, or a library with an ``Executor``, runs the sets side by side. The code here
makes sure that a sweep can be stopped and continued, and that it survives a set that fails.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
)
from pathlib import Path
from typing import Any

from spikesim.checks import check_path, show
from spikesim.errors import FileError, InputError
from spikesim.io.runs import hold
from spikesim.progress import (
    Progress,
    as_they_end,
    progress_bar,
    terminable,
)
from spikesim.sweep.pools import Pool, Train, pool_for
from spikesim.sweep.table import DIED, REPEATED, SWEEP_FILE, Sweep, check_sets, named

__all__ = ["SWEEP_FILE", "Sweep", "grid", "sweep"]


def grid(**values: Iterable[Any]) -> list[dict[str, Any]]:
    """All combinations of values; the last name varies fastest.

    Parameters
    ----------
    **values : iterable
        The values of each parameter, by its name.

    Returns
    -------
    list of dict
        For `sweep`.

    Raises
    ------
    InputError
        If values are no list.

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
    except Exception:  # a foreign object may raise anything
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

    The results are saved after every set. Whatever stops a sweep, the same call continues with the
    sets that are not finished; a set that fails does not stop the others. A later call may have
    more sets after the same ones.

    Parameters
    ----------
    train : callable
        ``train(parameters, directory)`` returns numbers, or lists of numbers, by name. It may keep
        a checkpoint in its directory, and will find it there when it is called again. Other
        processes have to be able to import it: define it at the top level of a module or script,
        and call `sweep` in the script below ``if __name__ == "__main__":``.
    sets : sequence of dict
        All with the same names. Values are numbers, strings, booleans, None or tuples of numbers.
        Sets that differ only in 'seed' are repetitions of each other.
    directory : str or Path
        Where the results are kept. It is made if it is missing, and refused if it holds sets that
        these do not begin with.
    executor : concurrent.futures.Executor or {'processes', 'threads'}, optional
        By default processes, with one thread each. Threads suit networks of the same size: they
        share compiled programs and data, and compiled code runs at the same time. Sets with a
        'backend' on a GPU run there as replicas (see `spikesim.Replicas`). An executor that you
        pass is not shut down.
    workers : int, optional
        How many processes or threads; by default as many as there are cores, on a GPU 512.
    progress : bool or callable
        True shows a bar if stderr is a terminal.

    Returns
    -------
    Sweep
        Even if sets failed: their errors are printed to stderr and are in `Sweep.errors`, and the
        tracebacks are in the files ``error.txt`` in the sets' folders.

    Raises
    ------
    InputError
        If an argument cannot be used; it is raised before anything is done.
    FileError
        If the directory holds other sets or cannot be written.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, once the running sets have stopped. In processes, networks of
        spikesim save a checkpoint before they stop; in threads, their last checkpoint counts.

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

    On a cluster, all machines have to see the folder `directory`, and to be able to import the
    module with `train`. With dask::

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
    sets = check_sets(sets)
    on_gpu = any(str(each.get("backend")).startswith("cuda") for each in sets)
    make_pool = pool_for(train, executor, workers, on_gpu)
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


def _run(
    train: Train, result: Sweep, todo: list[int], pool: Pool, progress: bool | Progress
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
                    result.errors[k] = DIED
                else:
                    running[future] = k
            for done, future in enumerate(as_they_end(running), 1):
                if isinstance(stop := future.exception(), KeyboardInterrupt):
                    raise stop  # the signal reached a worker before it reached this process
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
        print(
            f"{finished} of {total} sets are finished; run the same again to continue.",
            file=sys.stderr,
        )
        raise
    finally:
        for future in running:
            future.cancel()
        pool.close()


def _begin(directory: Path, sets: list[dict[str, Any]]) -> Sweep:
    """The sweep of these sets that the directory holds, or a new one."""
    if (directory / SWEEP_FILE).exists():
        result = Sweep.load(directory)
        if len(result.sets) > len(sets):
            differ = f"{len(result.sets)} sets, not {len(sets)}"
        else:
            pairs = zip(result.sets, sets, strict=False)
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
                "give the same sets to continue; others may follow them."
            )
        result._extend(sets)
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
    return f"{named(names, [old[n] for n in names])}, not {named(names, [new[n] for n in names])}"


def _folder(directory: Path, k: int) -> Path:
    return directory / f"set-{k:04d}"


def _tell(result: Sweep) -> None:
    """Print which sets failed, and why."""
    bad = [k for k, error in enumerate(result.errors) if error]
    if not bad:
        return
    print(f"{len(bad)} of {len(result.sets)} sets failed:", file=sys.stderr)
    names = [*result.varied, *([REPEATED] if REPEATED in result.sets[0] else [])]
    for k in bad:
        parameters = named(names, [result.sets[k][name] for name in names])
        folder = _folder(result.directory, k).name
        print(f"  {folder} ({parameters}): {result.errors[k]}", file=sys.stderr)
    if DIED in result.errors:
        print(
            "A worker process died: it was killed, ran out of memory (then take fewer workers), or "
            "could not start (a script calls sweep below 'if __name__ == \"__main__\":').",
            file=sys.stderr,
        )
    print("Run the same again to repeat these sets, and no others.", file=sys.stderr)
