"""Many models of one kind at once: each has its seed, weights and hyperparameters; data is shared.

    nets = Replicas.of(BurstEnsembleNetwork, (784, 500, 10), seed=range(20))
    nets.fit(images, labels, epochs=10)
    nets.evaluate(test_images, test_labels)     # an array, one number for each

A model does not know that it is one of many. On a CPU each runs in a thread, as many at once as
there are cores: compiled calls hold no lock. The numbers are the same as if the models ran one
after another. On a GPU a replica waits until all of them want to run steps; then all run together,
each in a block of the GPU. Their programs, and the sizes of their arrays, have to be the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spikesim.attributes import Guarded
from spikesim.backends import cores
from spikesim.checks import check_integer, check_path, show
from spikesim.errors import InputError
from spikesim.kernels.machine.program import Call, Program, together
from spikesim.progress import Interruption, Progress, as_they_end, progress_bar
from spikesim.training import LayerArrays

__all__ = ["Gang", "Replicas", "stacked"]

Result = TypeVar("Result")


class Replicas(Guarded, Sequence):
    """Models, or networks, of one kind that run side by side.

    All attributes and methods of the models can be used here: a method is called on each model with
    the same arguments, an attribute is read from each, and the results are `stacked`.
    ``replicas[3]`` is one model, which can be used like any other.

    Parameters
    ----------
    models : sequence
        At least one; all of one class and on one backend. Data that all of them get, such as
        images, is in memory once.
    threads : int, optional
        How many run at once on a CPU; by default as many as this process may use cores.

    Raises
    ------
    InputError
        If there is no model, or if they are of several kinds or on several backends.

    Examples
    --------
    >>> from spikesim import datasets
    >>> from spikesim.models.burst import BurstEnsembleNetwork
    >>> digits = datasets.load_digits()
    >>> nets = Replicas.of(BurstEnsembleNetwork, (64, 10, 10), seed=[1, 2], alpha_Z=[0.0, 1e-3])
    >>> history = nets.fit(digits.train_images[:50], digits.train_labels[:50], epochs=2)
    >>> history["training_error"].shape, nets.W[0].shape
    ((2, 2), (2, 64, 10))
    """

    def __init__(self, models: Sequence[Any], threads: int | None = None):
        if not isinstance(models, (list, tuple, Replicas)):
            raise InputError(
                f"models is {show(models)}; it has to be a list of networks or models."
            )
        self.models = list(models)
        if not all(hasattr(model, "seed") and hasattr(model, "save") for model in self.models):
            raise InputError(f"models is {show(models)}; it has to hold networks or models.")
        if not self.models:
            raise InputError("models is empty; there has to be at least one.")
        kinds = {type(model).__name__ for model in self.models}
        backends = {getattr(model, "backend", None) for model in self.models}
        if len(kinds) > 1 or len(backends) > 1:
            found = ", ".join(sorted(kinds)) if len(kinds) > 1 else ", ".join(map(str, backends))
            raise InputError(f"models are of several kinds ({found}); replicas have to be alike.")
        if "mpi" in backends:
            raise InputError(
                "backend is 'mpi', which runs one network on several ranks; replicas run on the "
                "cores of one, with backend='cpu'."
            )
        self.threads = cores() if threads is None else threads
        self._on_gpu = str(backends.pop()).startswith("cuda")

    @classmethod
    def of(
        cls, build: Callable[..., Any], *args: Any, threads: int | None = None, **options: Any
    ) -> Replicas:
        """Replicas of one model; options that are given as a list, range or array differ.

        Parameters
        ----------
        build : callable
            The model's class, for example.
        *args
            The same for all.
        threads : int, optional
        **options
            If a value is a list, a range or an array, each replica gets one element of it. Other
            values, such as tuples, are the same for all.

        Raises
        ------
        InputError
            If lists have different lengths, or if there is no list.
        """
        if not callable(build):
            raise InputError(f"build is {show(build)}; it has to be a class or a function.")
        lists = {
            k: list(v)
            for k, v in options.items()
            if isinstance(v, (list, range)) or (isinstance(v, np.ndarray) and v.ndim)
        }
        sizes = {name: len(values) for name, values in lists.items()}
        if len(set(sizes.values())) != 1:
            what = ", ".join(f"{name} {n}" for name, n in sizes.items()) or "none"
            raise InputError(
                f"The lengths of lists are: {what}; there has to be at least one list, such as "
                "seed=range(10), and all have to have the same length."
            )
        count = next(iter(sizes.values()))
        each = [{k: values[r] for k, values in lists.items()} for r in range(count)]
        return cls([build(*args, **{**options, **own}) for own in each], threads)

    @property
    def threads(self) -> int:
        """How many run at once on a CPU; may be set."""
        return self._threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self._threads = check_integer("threads", threads, at_least=1)

    def _refusal(self, name: str) -> str:
        return (
            f"{name} of {len(self)} replicas cannot be set at once; set it on each of them: "
            f"for model in replicas: model.{name} = ..."
        )

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, r):  # type: ignore[no-untyped-def]
        return Replicas(self.models[r], self.threads) if isinstance(r, slice) else self.models[r]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.models)

    def __repr__(self) -> str:
        return f"<{len(self)} replicas of {self.models[0]!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        first = getattr(self.models[0], name)
        if not callable(first):
            return stacked([getattr(model, name) for model in self.models])

        def call(*args: Any, **options: Any) -> Any:
            progress = options.pop("progress", False)
            checkpoint = options.pop("checkpoint", None)
            with _Together(progress, len(self)) as report:

                def call_one(r: int) -> Any:
                    own = dict(options)
                    if report is not None:
                        own["progress"] = report.of(r)
                    if checkpoint is not None:
                        own["checkpoint"] = self.path(checkpoint, r)
                    return getattr(self.models[r], name)(*args, **own)

                return stacked(self._spread(call_one))

        return call

    def each(self, function: Callable[[Any], Result]) -> list[Result]:
        """Call a function with each model, side by side; return the results as a list.

        Parameters
        ----------
        function : callable
            ``function(model)``.

        Examples
        --------
        >>> from spikesim import Network
        >>> nets = Replicas.of(Network, seed=[3, 4], backend="python")
        >>> nets.each(lambda net: net.seed + 1)
        [4, 5]
        """
        if not callable(function):
            raise InputError(f"function is {show(function)}; it has to be a function of a model.")
        return self._spread(lambda r: function(self.models[r]))

    def save(self, path: str | Path) -> None:
        """Save each to its own file; see `path`.

        Parameters
        ----------
        path : str or path
        """
        self._spread(lambda r: self.models[r].save(self.path(path, r)))

    @staticmethod
    def path(path: str | Path, r: int) -> Path:
        """The file in which replica `r` is saved, or writes its checkpoints.

        Examples
        --------
        >>> Replicas.path("run.h5", 7).name
        'run-007.h5'
        """
        path = check_path("path", path)
        if not path.name:
            raise InputError(f"path is {show(path)}; it has to end in the name of a file.")
        r = check_integer("r", r, at_least=0)
        return path.with_name(f"{path.stem}-{r:03d}{path.suffix}")

    def _spread(self, work: Callable[[int], Result]) -> list[Result]:
        """Do the work in threads; return the results in order. The first error is raised last."""
        count = len(self)
        gang = Gang(count) if self._on_gpu else None

        def one(r: int) -> Result:
            together.set(gang)
            try:
                return work(r)
            finally:
                if gang is not None:
                    gang.leave()

        # The main thread notes Ctrl-C; all threads then stop at their next safe point.
        with Interruption():
            pool = ThreadPoolExecutor(count if gang else self.threads)
            try:
                futures = [pool.submit(copy_context().run, one, r) for r in range(count)]
                for _ in as_they_end(futures):
                    pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            pool.shutdown()
        return [future.result() for future in futures]


def stacked(values: Sequence[Any]) -> Any:
    """Combine what replicas returned; if possible, the replica becomes the first axis.

    Numbers and arrays of one shape become an array. Dicts become a dict of such arrays, and the
    arrays of layers a list of them. None stays None; anything else becomes a list.

    Examples
    --------
    >>> stacked([{"error": [2.0, None]}, {"error": [3.0, 1.0]}])["error"]
    array([[ 2., nan],
           [ 3.,  1.]])
    """
    first = values[0]
    if all(value is None for value in values):
        return None
    if isinstance(first, Mapping):
        return {key: stacked([value[key] for value in values]) for key in first}
    if isinstance(first, LayerArrays):
        return [stacked(layer) for layer in zip(*values, strict=True)]
    if isinstance(first, (np.ndarray, np.generic, int, float, list)):
        holes = [_without_none(value) for value in values]
        try:
            array = np.array(holes)
        except ValueError:  # the shapes differ
            return list(values)
        return array if array.dtype.kind in "biufU" else list(values)
    return list(values)


def _without_none(value: Any) -> Any:
    if isinstance(value, list):
        return [np.nan if item is None else item for item in value]
    return value


class _Together:
    """Progress of all replicas in one bar."""

    def __init__(self, progress: bool | Progress, count: int):
        self._progress, self._count = progress, count
        self._done = [0] * count
        self._total = 0
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._report: Progress | None = None

    def __enter__(self) -> _Together | None:
        return self if self._progress else None

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def of(self, r: int) -> Progress:
        """The function to which replica `r` reports."""

        def report(done: int, total: int) -> None:
            with self._lock:
                if self._report is None:
                    self._total = total * self._count
                    bar = progress_bar(self._progress, self._total, "step")
                    self._report = self._stack.enter_context(bar)
                self._done[r] = done
                self._report(sum(self._done), self._total)

        return report


class Gang:
    """Lets replicas on a GPU wait for each other: once all want to run a program, it runs for all.

    Programs that differ run one after another. A replica that is done leaves, and nobody waits for
    it any more; another may join at any time.

    Parameters
    ----------
    members : int
        How many take part from the beginning.
    """

    def __init__(self, members: int):
        self._members = members
        self._waiting: list[tuple[Program, Call]] = []
        self._changed = threading.Condition()
        self._round = 0
        self._error: BaseException | None = None

    def __call__(self, program: Program, call: Call) -> None:
        with self._changed:
            self._waiting.append((program, call))
            now = self._round
            if len(self._waiting) == self._members:
                self._run()
            else:
                self._changed.wait_for(lambda: self._round > now)
            if self._error is not None:
                raise self._error

    def join(self) -> None:
        """Add a member."""
        with self._changed:
            self._members += 1

    def leave(self) -> None:
        """Remove a member."""
        with self._changed:
            self._members -= 1
            if self._waiting and len(self._waiting) == self._members:
                self._run()

    def _run(self) -> None:
        alike: dict[str, list[tuple[Program, Call]]] = {}
        for program, call in self._waiting:
            alike.setdefault(program.key, []).append((program, call))
        self._waiting = []
        try:
            for group in alike.values():
                group[0][0].run([call for _, call in group])
        except BaseException as error:  # every replica that waits has to hear of it
            self._error = error
        self._round += 1
        self._changed.notify_all()
