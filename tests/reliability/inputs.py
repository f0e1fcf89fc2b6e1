"""Bad input, by the thousand: ``python -m tests.reliability inputs --count 10000``.

Every public call is made with one argument, sometimes two, replaced by a bad value. It has to be
refused by an error of spikesim that names the argument; what is accepted is followed by what a user
does next, often a run. Neither may crash or hang, which is to take a processor for five minutes,
compilation apart. Anything else is a defect. Cases are made in processes of their own, so that a
crash of the interpreter is seen and counted; case k of a seed is always the same, and ``--only k``
repeats it with a traceback.

``--every`` leaves nothing to chance: each argument of each call, and each of its parts, is replaced
by each bad value that is known here, one at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import inspect
import io
import json
import numbers
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from array import array as pyarray
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numba.core import event
from scipy import sparse

from tests.waiting import HANG

# Seconds of a processor, compilation apart, so that neither a slow nor a busy machine matters.
LIMIT = 300.0  # for a call
ENOUGH = 10.0  # for a call of which so much was asked that it may last
MEMORY = 12 << 30  # bytes of address space: what does not fit fails rather than swaps
BATCH = 400  # cases of one process
ENDLESS = 1 << 30  # more cases than a call has

# ---- bad values -------------------------------------------------------------------------------


class _Subclass(np.ndarray):
    pass


class _Anything:
    """A class that can be called with anything."""

    def __init__(self, *_: Any, **__: Any):
        pass

    def method(self, *_: Any, **__: Any) -> None:
        pass


class _Hostile:
    """An object whose every conversion fails."""

    def __float__(self) -> float:
        raise TypeError("no number")

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise ValueError("no array")

    def __repr__(self) -> str:
        return "<hostile>"


def _typo(text: str) -> str:
    return text[:1] + text[2:] if len(text) > 2 else text + "x"


def _stranger() -> Any:
    from tests.reliability.calls import small

    return small()


SCALARS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "numpy True": lambda: np.True_,
    "text": lambda: "fast",
    "empty text": lambda: "",
    "number as text": lambda: "0.1",
    "NUL": lambda: "a\0b",
    "long text": lambda: "x" * 5000,
    "a path with a slash": lambda: "no/such/folder/file.h5",
    "a blank": lambda: "my cells",
    "an umlaut": lambda: "zellen_ä/é",
    "half a character": lambda: "a\ud800",
    "two lines": lambda: "a\nb",
    "numpy text": lambda: np.str_("v"),
    "a path": lambda: Path("no/such/folder"),
    "bytes": lambda: b"cpu",
    "memory": lambda: memoryview(b"cpu"),
    "ellipsis": lambda: ...,
    "an iterator": lambda: iter([1.0, 2.0]),
    "a dict that cannot be changed": lambda: types.MappingProxyType({"a": 1}),
    "a dict of numbers": lambda: {1: 2.0, None: "a"},
    "a queue": lambda: deque([1.0, 2.0]),
    "an array of Python": lambda: pyarray("d", [1.0, 2.0]),
    "a fraction": lambda: Fraction(1, 3),
    "a decimal": lambda: Decimal("0.1"),
    "a span of time": lambda: np.timedelta64(3, "ms"),
    "object": object,
    "class": lambda: _Anything,
    "module": lambda: os,
    "function": lambda: lambda *a, **k: None,
    "method": lambda: _Anything().method,
    "partial function": lambda: partial(_Anything().method, 0),
    "hostile object": _Hostile,
    "dict": lambda: {"a": 1},
    "empty dict": dict,
    "set": lambda: {1, 2},
    "generator": lambda: (k for k in range(3)),
    "slice": lambda: slice(0, 2),
    "complex": lambda: 1 + 2j,
    "numpy complex": lambda: np.complex64(1j),
    "NaN": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: -float("inf"),
    "numpy NaN": lambda: np.float32("nan"),
    "-1": lambda: -1,
    "-1.0": lambda: -1.0,
    "0": lambda: 0,
    "0.0": lambda: 0.0,
    "-0.0": lambda: -0.0,
    "0.5": lambda: 0.5,
    "0.07": lambda: 0.07,
    "1e-300": lambda: 1e-300,
    "5e-324": lambda: 5e-324,
    "1e39": lambda: 1e39,
    "1e300": lambda: 1e300,
    "-1e300": lambda: -1e300,
    "2**31": lambda: 2**31,
    "2**40": lambda: 2**40,
    "2**63": lambda: 2**63,
    "2**70": lambda: 2**70,
    "-2**63": lambda: -(2**63),
    "10**400": lambda: 10**400,
    "numpy int8": lambda: np.int8(-3),
    "numpy uint64": lambda: np.uint64(2**64 - 1),
    "numpy float16": lambda: np.float16(0.1),
    "numpy longdouble": lambda: np.longdouble(1) / 3,
    "datetime": lambda: np.datetime64("2020-01-01"),
    "0-d array": lambda: np.array(2.0),
    "0-d object": lambda: np.array(None),
    "a list of one": lambda: [1.0],
    "empty list": list,
    "empty tuple": tuple,
    "ragged list": lambda: [[1.0, 2.0], [3.0]],
    "list of text": lambda: ["a", "b"],
    "list with None": lambda: [1.0, None, 2.0],
    "list of dicts": lambda: [{"a": 1}],
    "nested list": lambda: [[[1.0]]],
    "pair of text": lambda: ("a", "b"),
    "range": lambda: range(3),
    "another Neuron": lambda: _poisson_neuron(),
    "a network": lambda: _stranger().net,
    "another network's population": lambda: _stranger().cells,
    "another network's projection": lambda: _stranger().synapses,
    "a closed recording": lambda: _closed(),
    "sparse matrix": lambda: sparse.csr_array((3, 3)),
    "broken sparse matrix": lambda: broken((4, 3), indices=99),
    "sparse with a negative index": lambda: broken((4, 3), indices=-5),
    "sparse with falling rows": lambda: broken((4, 3), indptr=[0, 9, 2, 1, 4]),
    "sparse with short rows": lambda: broken((4, 3), indptr=[0, 1]),
    "sparse in coordinates": lambda: _broken_coordinates(),
    "sparse of NaN": lambda: sparse.csr_array(np.full((4, 3), np.nan)),
    "structured array": lambda: np.zeros(3, [("a", float), ("b", int)]),
    "masked array": lambda: np.ma.masked_all(3),
}


def _poisson_neuron() -> Any:
    from spikesim import Poisson

    return Poisson


def _closed() -> Any:
    parts = _stranger()
    recording = parts.net.record_spikes(parts.cells, Path(tempfile.mkdtemp()) / "closed.h5")
    parts.net.run(1.0)
    recording.close()
    return recording


def broken(shape: tuple[int, int], indices: int | None = None, indptr: Any = None) -> Any:
    """A sparse matrix as scipy lets anyone make it wrong."""
    matrix = sparse.csr_array(np.ones(shape))
    if indices is not None:
        matrix.indices[1] = indices
    if indptr is not None:
        matrix.indptr = np.array(indptr, matrix.indptr.dtype)
    return matrix


def _broken_coordinates() -> Any:
    matrix = sparse.coo_array(np.ones((4, 3)))
    matrix.coords[1][0] = 7_000_000
    return matrix


def _items(value: Any) -> Any:
    array = np.array(value)
    if array.dtype.kind not in "biuf":
        raise ValueError
    return array


ARRAYS: dict[str, Callable[[Any, random.Random], Any]] = {
    "with NaN": lambda a, c: _one(a.astype(float), c, np.nan),
    "with inf": lambda a, c: _one(a.astype(float), c, np.inf),
    "with 1e39": lambda a, c: _one(a.astype(float), c, 1e39),
    "with 1e300": lambda a, c: _one(a.astype(float), c, -1e300),
    "with -1": lambda a, c: _one(a.astype(float), c, -1),
    "with 1e6": lambda a, c: _one(a.astype(float), c, 1_000_000),
    "with 65537": lambda a, c: _one(a.astype(np.int64), c, 65537),
    "with -2**40": lambda a, c: _one(a.astype(np.int64), c, -(2**40)),
    "with 2**62": lambda a, c: _one(a.astype(np.int64), c, 2**62),
    "with half": lambda a, c: _one(a.astype(float), c, 0.5),
    "float64": lambda a, c: a.astype(np.float64),
    "float16": lambda a, c: a.astype(np.float16),
    "longdouble": lambda a, c: a.astype(np.longdouble),
    "int8": lambda a, c: a.astype(np.int8),
    "uint64": lambda a, c: np.abs(a).astype(np.uint64),
    "bool": lambda a, c: a.astype(bool),
    "complex": lambda a, c: a.astype(complex),
    "objects": lambda a, c: a.astype(object),
    "text": lambda a, c: a.astype(str),
    "dates": lambda a, c: a.astype("M8[s]"),
    "byte-swapped": lambda a, c: a.astype(a.dtype.newbyteorder(">")),
    "a subclass": lambda a, c: a.view(_Subclass),
    "a matrix": lambda a, c: np.atleast_2d(a),
    "masked": lambda a, c: np.ma.masked_invalid(a),
    "read-only": lambda a, c: _read_only(a),
    "with gaps": lambda a, c: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "backwards": lambda a, c: a[..., ::-1] if a.ndim else a,
    "Fortran": lambda a, c: np.asfortranarray(a),
    "transposed": lambda a, c: a.T,
    "too long": lambda a, c: np.concatenate([a, a]) if a.ndim else a,
    "too short": lambda a, c: a[:-1] if a.ndim else a,
    "flat": lambda a, c: a.reshape(-1),
    "a dimension more": lambda a, c: a[None],
    "empty": lambda a, c: a[:0] if a.ndim else np.zeros(0),
    "empty in 3 dimensions": lambda a, c: np.zeros((0, 2, 0)),
    "a list": lambda a, c: a.tolist(),
    "ragged": lambda a, c: [*a.reshape(-1).tolist(), [1.0, 2.0]],
    "with None": lambda a, c: [*a.reshape(-1).tolist(), None],
    "a tuple of lists": lambda a, c: tuple([x] for x in a.reshape(-1).tolist()),
    "a generator": lambda a, c: (x for x in a.reshape(-1).tolist()),
    "a set": lambda a, c: set(a.reshape(-1).tolist()),
    "sparse": lambda a, c: sparse.coo_array(np.atleast_2d(a)),
    "broadcast": lambda a, c: np.broadcast_to(a.reshape(-1)[:1], (3, 3)),
    "misaligned": lambda a, c: _misaligned(a),
}


def _one(array: np.ndarray, chance: random.Random, value: Any) -> np.ndarray:
    array = array.copy()
    if array.size:
        array.reshape(-1)[chance.randrange(array.size)] = value
    return array


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _misaligned(array: np.ndarray) -> np.ndarray:
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = raw.view(array.dtype).reshape(array.shape) if array.size else array
    view[...] = array
    return view


class Each(random.Random):
    """Chooses what `path` says, then the first of what there is; `following` is the next path.

    Whatever is decided by chance can so be gone through case by case. Of a long row only the ends
    are taken, and `random` decides nothing.
    """

    def __init__(self, path: Sequence[int] = ()):
        super().__init__()
        self.path = list(path)
        self.widths: list[int] = []
        self.places: list[int] = []

    def _take(self, options: Sequence[Any]) -> Any:
        depth = len(self.widths)
        self.widths.append(len(options))
        if depth == len(self.path):
            self.path.append(0)
        return options[self.path[depth]]

    def random(self) -> float:
        return 0.0

    def choice(self, options: Any) -> Any:
        return self._take([x for k, x in enumerate(options) if x not in options[:k]])

    def randrange(self, count: int) -> int:  # type: ignore[override]
        self.places.append(self._take(range(count) if count <= 4 else (0, 1, count - 1)))
        return self.places[-1]

    def sample(self, options: Any, count: int) -> list[Any]:  # type: ignore[override]
        return [self.choice(options)][:count]

    def following(self) -> list[int] | None:
        """The path of the next case; None if this was the last."""
        path = self.path[: len(self.widths)]
        while path and path[-1] + 1 == self.widths[len(path) - 1]:
            path.pop()
        return [*path[:-1], path[-1] + 1] if path else None


def spoil(value: Any, chance: random.Random) -> tuple[str, Any]:
    """Something bad in place of a valid value, and what it is called."""
    kinds: list[str] = ["scalar"] * 3
    try:
        array = _items(value)
        kinds += ["array"] * (6 if isinstance(value, (np.ndarray, list)) else 1)
    except (ValueError, TypeError):
        array = np.zeros(0)
    if isinstance(value, str):
        kinds += ["typo"] * 2
    if isinstance(value, (list, tuple)) and len(value):
        kinds += ["part"] * 3
    if isinstance(value, dict) and value:
        kinds += ["entry"] * 3
    if callable(value):
        kinds += ["result"] * 2
    kind = chance.choice(kinds)
    if kind == "array":
        name = chance.choice(list(ARRAYS))
        try:
            return name, ARRAYS[name](array, chance)
        except (ValueError, TypeError, OverflowError, RuntimeWarning):
            kind = "scalar"
    if kind == "typo":
        return "a typo", _typo(value)
    if kind == "part":
        parts = list(value)
        k = chance.randrange(len(parts))
        name, parts[k] = spoil(parts[k], chance)
        return f"[{k}] {name}", type(value)(parts) if type(value) in (list, tuple) else parts
    if kind == "entry":
        entries = dict(value)
        key = chance.choice(list(entries))
        if chance.choice(["with"] * 4 + ["without"]) == "without":
            del entries[key]
            return f"without {key}", entries
        name, entries[key] = spoil(entries[key], chance)
        return f"[{key}] {name}", entries
    if kind == "result":
        name = chance.choice(list(SCALARS))
        return f"a function that returns {name}", lambda *a, **k: SCALARS[name]()
    name = chance.choice(list(SCALARS))
    return name, SCALARS[name]()


# ---- one case ---------------------------------------------------------------------------------


class TooLong(BaseException):
    """A call took longer than its limit."""


class Outcome(dict):
    """What became of a case: kind is refused, accepted or a defect."""


def _alarm(signum: int, frame: types.FrameType | None) -> None:
    raise TooLong


class _Compiling(event.Listener):
    """The time of a processor that this process has taken to compile."""

    def __init__(self) -> None:
        self._depth, self._began, self._before = 0, 0.0, 0.0
        event.register("numba:compile", self)

    def on_start(self, event: event.Event) -> None:
        """A function begins, perhaps within another one."""
        if not self._depth:
            self._began = time.process_time()
        self._depth += 1

    def on_end(self, event: event.Event) -> None:
        """A function is compiled."""
        self._depth -= 1
        if not self._depth:
            self._before += time.process_time() - self._began

    def seconds(self) -> float:
        """So far, with what is being compiled now."""
        return self._before + (time.process_time() - self._began if self._depth else 0.0)


class Clock(threading.Thread):
    """Raises `TooLong` in the main thread, even where it waits for others, which a timer does not.

    It waits for the time of a processor that this process takes, however busy the machine is, and
    does not count compilation, however slow the machine is.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._lock = threading.Lock()
        self._compiling = _Compiling()
        self._began = float("inf")
        self._may_last: Callable[[], bool] = lambda: False
        signal.signal(signal.SIGPROF, _alarm)

    def set(self, may_last: Callable[[], bool]) -> None:
        """A call begins; it has ENOUGH seconds if it may last, or else LIMIT."""
        with self._lock:
            self._began, self._may_last = self._now(), may_last

    def stop(self) -> None:
        """The call has ended."""
        with self._lock:
            self._began = float("inf")

    def _now(self) -> float:
        return time.process_time() - self._compiling.seconds()

    def run(self) -> None:
        """Look at the clock from time to time."""
        main = threading.main_thread().ident
        while True:
            time.sleep(0.2)
            with self._lock:
                taken = self._now() - self._began
                if taken > LIMIT or (taken > ENOUGH and self._may_last()):
                    self._began = float("inf")
                    signal.pthread_kill(main, signal.SIGPROF)


def _is_long(value: Any) -> bool:
    return isinstance(value, numbers.Real) and 1e4 <= value < float("inf")


def _names(message: str, arguments: list[str], says: dict[str, str]) -> bool:
    words = set(re.findall(r"\w+", message.lower()))
    for argument in arguments:
        wanted = {argument.lower(), says.get(argument, argument).lower()}
        wanted |= {word for word in wanted for word in word.split("_") if len(word) > 3}
        wanted |= {word.rstrip("s") for word in wanted if len(word) > 3}
        if wanted & (words | {word.rstrip("s") for word in words}):
            return True
    return False


def entries() -> list[str]:
    """What is tried in turn: all examples, and the command line a tenth of the time."""
    from tests.reliability.calls import EXAMPLES

    names = list(EXAMPLES)
    every = [
        name for k, name in enumerate(names) for name in ([name, "cli"] if k % 9 == 0 else [name])
    ]
    return every


class Case(NamedTuple):
    """A call with bad input."""

    what: str  # is bad
    make: Callable[[], Outcome]
    may_last: Callable[[], bool]  # as long as was asked for


def prepare(name: str, chance: random.Random, folder: Path) -> Case:
    """A call of `name` that is spoiled by chance."""
    if name == "cli":
        words = _command(chance)
        return Case(repr(words), lambda: _say(words), lambda: False)
    from tests.reliability.calls import EXAMPLES

    call = EXAMPLES[name](folder)
    arguments = dict(call.arguments)
    for parameter in inspect.signature(call.function).parameters.values():
        usual = parameter.default
        if usual is not inspect.Parameter.empty and parameter.name not in arguments:
            arguments[parameter.name] = usual
    chosen = chance.sample(list(arguments), min(len(arguments), 1 if chance.random() < 0.85 else 2))
    spoiled = []
    for argument in chosen:
        what, arguments[argument] = spoil(arguments[argument], chance)
        spoiled.append(f"{argument}: {what}")
    what = ", ".join(spoiled)

    def may_last() -> bool:
        asked = [arguments[argument] for argument in chosen]
        with contextlib.suppress(TypeError, ValueError):
            trains = [train for argument in call.lasts for train in arguments[argument]]
            asked += [np.max(train, initial=0.0) for train in trains]
        return any(_is_long(value) for value in asked)

    return Case(what, lambda: _make(name, what, call, arguments, may_last), may_last)


def _make(
    name: str, what: str, call: Any, arguments: dict[str, Any], may_last: Callable[[], bool]
) -> Outcome:
    from tests.reliability.calls import NumPyRefused

    outcome = Outcome(name=name, what=what, seconds=0.0)
    where = "the call"
    began = time.perf_counter()
    try:
        result = call.function(**arguments)
        if call.then is not None:
            where = "what follows"
            call.then(result)
        outcome["kind"] = "accepted"
    except NumPyRefused:
        outcome["kind"] = "refused"
    except TooLong:
        if may_last():
            outcome["kind"] = "accepted"  # as much work as was asked for, which Ctrl-C can stop
        else:
            outcome.update(kind="defect", why=f"{where} takes longer than {LIMIT:g} s")
            outcome["trace"] = traceback.format_exc()
    except BaseException as error:  # a defect whatever it is
        outcome.update(judge(error, where, list(arguments), call.says))
        outcome["trace"] = traceback.format_exc()
    outcome["seconds"] = time.perf_counter() - began
    return outcome


def judge(error: BaseException, where: str, every: list[str], says: dict[str, str]) -> dict:
    from spikesim import SimulationError, SpikesimError
    from spikesim.errors import BodyError

    text = f"{type(error).__name__}: {error}"[:300]
    if isinstance(error, TooLong):
        return {"kind": "defect", "why": f"{where} takes longer than {LIMIT:g} s"}
    frames = traceback.extract_tb(error.__traceback__)
    if where == "what follows" and frames[-1].name in ("step", "count", "each"):
        return {"kind": "refused"}  # a function of the user's own, as plain Python, or what it says
    if not isinstance(error, SpikesimError):
        return {"kind": "defect", "why": f"{where} raises {text}"}
    stopped = isinstance(error, (SimulationError, BodyError, OSError))
    if not stopped and not _names(str(error), every, says):
        return {"kind": "defect", "why": f"a message that names no argument: {text}"}
    return {"kind": "refused", "message": str(error)}


TEXTS = ["", " ", "-1", "0", "nan", "inf", "1e300", "1e39", "abc", "1,2", "None", "true", "é", "--"]
TEXTS += [
    "2.5",
    "99999999999999999999",
    "[1",
    "a\0b",
    "x" * 300,
    "no/such",
    "eta=",
    "=1",
    ",",
    "%s",
]


def _command(chance: random.Random) -> list[str]:
    """A command line with one word spoiled."""
    from tests.reliability.calls import COMMANDS

    words = list(chance.choice(COMMANDS))
    how = chance.choice(["value", "value", "value", "word", "typo", "without", "more"])
    k = chance.choice(range(len(words)))
    options = [j for j, word in enumerate(words) if "=" in word]
    text = chance.choice(TEXTS)
    if how == "value" and options:
        k = chance.choice(options)
        option = words[k].split("=")[0]
        words[k] = f"{option}={text}"
        if option == "--grid":
            words[k] = f"{option}=eta={text}"
    elif how == "word":
        words[k] = text
    elif how == "typo":
        words[k] = _typo(words[k])
    elif how == "without":
        del words[k]
    else:
        words.insert(k, text)
    return words


def _say(words: list[str]) -> Outcome:
    """Give a command, up to where a network would run."""
    from spikesim import Network, cli, datasets
    from spikesim.models.burst import BurstEnsembleNetwork
    from spikesim.sweep import command as sweep_command

    outcome = Outcome(name="spikesim.cli.main", what=repr(words)[:200], seconds=0.0)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    said, began = io.StringIO(), time.perf_counter()
    stopped = [(Network, "run_steps"), (BurstEnsembleNetwork, "fit")]
    stopped += [(datasets, "download_mnist"), (sweep_command, "sweep")]
    try:
        with contextlib.ExitStack() as stack:
            for owner, name in stopped:
                stack.enter_context(patch.object(owner, name, stop))
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(said))
            code = cli.main(words)
        errors = said.getvalue()
        if code in (0, 130):
            outcome["kind"] = "accepted"
        elif code != 2:
            outcome.update(kind="defect", why=f"exit code {code!r}")
        elif "Traceback" in errors or not errors.strip():
            outcome.update(kind="defect", why=f"says {errors!r}")
        else:
            outcome.update(kind="refused", message=errors)
    except BaseException as error:  # whatever it is
        outcome.update(kind="defect", why=f"raises {type(error).__name__}: {error}"[:300])
        outcome["trace"] = traceback.format_exc()
    outcome["seconds"] = time.perf_counter() - began
    return outcome


# ---- processes --------------------------------------------------------------------------------


def cases(plan: str, first: int, last: int) -> Iterator[tuple[int, str, random.Random]]:
    """Numbers, calls and choices of the cases of a seed, or of every case of a call.

    In the second case `first` is for the caller to skip to: what a case chooses says which is next.
    """
    if plan.isdecimal():
        names = entries()
        for k in range(first, last):
            yield k, names[k % len(names)], random.Random(f"{plan}/{k}")
        return
    path: list[int] | None = []
    for k in range(last):
        if path is None:
            return
        yield k, plan, (chance := Each(path))
        path = chance.following()


def work(plan: str, first: int, last: int, report: Path, verbose: bool = False) -> None:
    """Make cases, and note each before and after it."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ["MPLBACKEND"] = "Agg"
    clock = Clock()
    clock.start()
    from matplotlib import pyplot

    import tests.reliability.calls  # noqa: F401 - so that no case pays for it

    home = Path.cwd()
    seen = set()
    with report.open("a") as notes:
        for k, name, chance in cases(plan, first, last):
            print(json.dumps({"begun": k}), file=notes, flush=True)
            folder = Path(tempfile.mkdtemp())
            os.chdir(folder)
            clock.set(lambda: False)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # A number that does not fit is nothing to warn of: it is to be refused.
                    warnings.filterwarnings("error", "overflow|.* in cast", RuntimeWarning)
                    case = prepare(name, chance, folder)
                    key = (case.what, *chance.places) if isinstance(chance, Each) else k
                    is_new = k >= first and key not in seen
                    seen.add(key)
                    clock.set(case.may_last)
                    outcome = case.make() if is_new else None
            except TooLong:
                outcome = Outcome(name=name, what="?", kind="defect")
                outcome.update(why="the example itself takes too long", seconds=LIMIT)
            finally:
                clock.stop()
                os.chdir(home)
                shutil.rmtree(folder, ignore_errors=True)
                pyplot.close("all")
            if outcome is None:
                continue
            if verbose:
                print(json.dumps({x: y for x, y in outcome.items() if x != "trace"}, indent=1))
                print(outcome.get("trace", ""))
            note = {"done": k, "plan": plan, **outcome}
            print(json.dumps(note, default=str), file=notes, flush=True)


PROGRAM = (sys.executable, "-m", "tests.reliability.inputs")


class Process:
    """Some cases in a process of their own, which goes on after a crash or a hang."""

    def __init__(self, plan: str, first: int, last: int, program: Sequence[str] = PROGRAM):
        self.program = list(program)
        self.plan, self.first, self.last = plan, first, last
        self.report = Path(tempfile.mkdtemp()) / "report"
        self.outcomes: list[dict[str, Any]] = []
        self._start()

    def _start(self) -> None:
        self.report.write_text("")
        self.errors = self.report.with_suffix(".err").open("w+")
        words = [self.plan, str(self.first), str(self.last), str(self.report)]
        self.process = subprocess.Popen(
            [*self.program, *words],
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
        )
        self.seen = time.monotonic()
        self.length = 0

    def is_over(self) -> bool:
        """Look after the process; whether all of its cases are made."""
        length = self.report.stat().st_size
        if length != self.length:
            self.length, self.seen = length, time.monotonic()
        code = self.process.poll()
        if code is None:
            if time.monotonic() - self.seen < HANG:
                return False
            self.process.kill()
            code = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read()[-1500:]
        self.errors.close()
        notes = [json.loads(line) for line in self.report.read_text().splitlines()]
        self.outcomes += [note for note in notes if "done" in note]
        if code == 0:
            shutil.rmtree(self.report.parent, ignore_errors=True)
            return True
        begun = [note["begun"] for note in notes if "begun" in note]
        if not begun or begun[-1] < self.first:
            raise SystemExit(f"A process cannot begin: {said}")
        k = begun[-1]
        names = entries()
        name = names[k % len(names)] if self.plan.isdecimal() else self.plan
        why = "hangs" if code == -signal.SIGKILL else f"the interpreter ends with {code}"
        self.outcomes.append(
            {"done": k, "plan": self.plan, "what": "?"}
            | {"name": "spikesim.cli.main" if name == "cli" else name}
            | {"kind": "defect", "why": why, "trace": said, "seconds": 0.0}
        )
        self.first = k + 1
        if self.first >= self.last:
            return True
        self._start()
        return False


def run(seed: int, count: int, jobs: int, program: Sequence[str] = PROGRAM) -> list[dict[str, Any]]:
    """The outcomes of so many cases."""
    plans = [(str(seed), first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
    return _made(plans, jobs, program)


def run_every(calls: Sequence[str], jobs: int) -> list[dict[str, Any]]:
    """The outcomes of every case of these calls."""
    return _made([(name, 0, ENDLESS) for name in calls], jobs)


def _made(
    plans: list[tuple[str, int, int]], jobs: int, program: Sequence[str] = PROGRAM
) -> list[dict[str, Any]]:
    todo = plans[::-1]
    running: list[Process] = []
    outcomes: list[dict[str, Any]] = []
    while todo or running:
        while todo and len(running) < jobs:
            running.append(Process(*todo.pop(), program))
        time.sleep(0.1)
        for process in [p for p in running if p.is_over()]:
            running.remove(process)
            outcomes += process.outcomes
    return sorted(outcomes, key=lambda outcome: (outcome["plan"], outcome["done"]))


def module_of(name: str) -> str:
    """The module whose row of the table a call is in."""
    if name.startswith("spikesim.written"):
        return "arrays written to"
    parts = name.split()[0].split(".")
    return ".".join(
        parts[: next((k for k, p in enumerate(parts) if p[:1].isupper()), len(parts) - 1)]
    )


def table(outcomes: list[dict[str, Any]]) -> str:
    """Calls, bad inputs, refused, accepted and defects, by module."""
    rows: dict[str, Counter] = {}
    calls: dict[str, set[str]] = {}
    for outcome in outcomes:
        module = module_of(outcome["name"])
        rows.setdefault(module, Counter())[outcome["kind"]] += 1
        calls.setdefault(module, set()).add(outcome["name"])
    kinds = ("refused", "accepted", "defect")
    lines = [
        f"{'module':48} {'calls':>5} {'inputs':>7} {'refused':>8} {'accepted':>9} {'defects':>8}"
    ]
    for module in sorted(rows):
        counted = rows[module]
        numbers = [len(calls[module]), counted.total(), *(counted[kind] for kind in kinds)]
        lines.append("{:48} {:>5} {:>7} {:>8} {:>9} {:>8}".format(module, *numbers))
    totals = [sum(counted[kind] for counted in rows.values()) for kind in kinds]
    numbers = [sum(map(len, calls.values())), sum(totals), *totals]
    lines.append("{:48} {:>5} {:>7} {:>8} {:>9} {:>8}".format("all", *numbers))
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Try bad inputs; 0 if there is no defect."""
    from spikesim.backends import cores

    parser = argparse.ArgumentParser(prog="python -m tests.reliability inputs", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="bad inputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", action="store_true", help="every case, and no chance")
    parser.add_argument("--call", default="", help="with --every: only names that hold this")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--only", type=int, metavar="K", help="make case K, with its traceback")
    parser.add_argument("--defects", type=Path, help="write all defects to this file, as JSON")
    chosen = parser.parse_args(arguments)
    calls = [name for name in dict.fromkeys(entries()) if chosen.call in name]
    if not calls:
        parser.error(f"--call is {chosen.call!r}, which no call's name holds")
    if chosen.only is not None:
        report = Path(tempfile.mkdtemp()) / "report"
        plan = min(calls, key=len) if chosen.every else str(chosen.seed)
        work(plan, chosen.only, chosen.only + 1, report, verbose=True)
        return 0
    began = time.monotonic()
    if chosen.every:
        outcomes = run_every(calls, chosen.jobs)
    else:
        outcomes = run(chosen.seed, chosen.count, chosen.jobs)
    defects = [outcome for outcome in outcomes if outcome["kind"] == "defect"]
    for defect in defects:
        again = f"--every --call {defect['plan']!r}" if chosen.every else f"--seed {chosen.seed}"
        print(f"{defect['name']}  {defect['what']}\n    {defect['why']}")
        print(f"    python -m tests.reliability inputs {again} --only {defect['done']}")
    print(table(outcomes))
    print(f"{time.monotonic() - began:.0f} s")
    if chosen.defects is not None:
        chosen.defects.write_text(json.dumps(defects, indent=1))
    return 1 if defects else 0


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
