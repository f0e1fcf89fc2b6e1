"""A list of Phases becomes one function: ``run(first_step, steps)``.

The loop over steps, with the Phases in their order inside it, is written out as the source of one
function. Its arguments are the distinct arrays and numbers of all Phases:

    def run(t0, n, a, x, k):
        s0 = State0(a[0], a[1]);  p0 = Params0(x[0], k[0])
        for t in range(t0, t0 + n):
            each0(t, s0, p0)
            ...

A backend compiles it and everything below it, and supplies the loop ``each`` over one Phase.

Several programs with the same source may run *together*, as replicas on one device. In the thread
of each replica, `together` then holds the function to call instead of running the program alone.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import ChainMap, Counter
from collections.abc import Callable, MutableMapping, Sequence
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from operator import getitem, is_
from typing import Any, NamedTuple

import numpy as np

from spikesim.kernels.machine.joining import are_apart, is_joined, joined
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.staging import Stages, pieces, stages
from spikesim.kernels.machine.states import Place, place_of, record

__all__ = ["SHARED", "Call", "Phase", "Program", "Source", "once", "together"]


class _Shared(int):
    """A number that the backend chooses."""


SHARED = _Shared()
"""As the parameter `parts` of a Phase: as many blocks as the backend has workers."""


class Phase(NamedTuple):
    """One pass of a step: ``body(i, t, s, p)`` for every ``i`` in ``range(over(t, s, p))``.

    `over` also says when the Phase runs: it returns 0 in a step in which nothing is to be done.
    Calls with different i may come in any order, or at the same time. If neighbours are better
    taken together, a parameter `parts` says in how many blocks: on one core one, on several as many
    as there are threads.

    Attributes
    ----------
    body : callable
        Scalar function of the index, the step and the Phase's state and parameters.
    over : callable
        ``over(t, s, p)``, how many indices this step has.
    state : mapping of str to numpy.ndarray
        Arrays that the body reads and writes, as ``s.name[i]``. Every run takes the arrays that the
        mapping holds then; a `spikesim.kernels.machine.states.State` finds them where their owners
        keep them.
    params : dict of str to float, int or bool
        Numbers that the body reads, as ``p.name``. Floats take the Phase's type.
    inputs : tuple of str
        Arrays of the state that no body ever writes, such as all images of a dataset.
    neurons : object, optional
        The owner of the neurons, or blocks of neurons, that the indices stand for. Threads do not
        wait for each other between consecutive Phases with the same owner: each thread has the
        same neurons in all of them. For example, a thread may advance the voltages of its neurons
        and at once test their thresholds, while other threads still advance theirs. So none of
        these Phases may touch what another one writes for a different neuron, and their bodies must
        write nothing that an `over` reads. Those that do no more than that are joined; see
        `spikesim.kernels.machine.joining`.
    dtype : {'float32', 'float64'}, optional
        The type of floats among the parameters and constants, by default the program's. A variable
        that changes too slowly for float32 is computed in float64.
    earlier : tuple of str
        Rings with a row for each of the last steps, of which no row of this step is read. So it
        does not matter whether the Phase comes before or after one that writes the row of this
        step, such as the list of spikes of a population from which delayed synapses come.
    """

    body: Callable
    over: Callable
    state: MutableMapping[str, np.ndarray]
    params: dict[str, Any] = {}  # noqa: RUF012 - never written
    inputs: tuple[str, ...] = ()
    neurons: Any = None
    dtype: str | None = None
    earlier: tuple[str, ...] = ()


def once(t, s, p):
    """An `over` for a body that is called once in every step."""
    return 1


def each(t, s, p):
    """The loop over one Phase on one core."""
    for i in range(over(t, s, p)):  # noqa: F821 - bound when lowered
        body(i, t, s, p)  # noqa: F821


class Source(NamedTuple):
    """The text of a program, apart from how its arguments are passed.

    Attributes
    ----------
    slots : list of list of int
        Per Phase, which of the distinct arrays its state holds.
    numbers : list of list of (bool, int)
        Per Phase and parameter, whether it is real, and its place among the real or whole ones.
    meetings : list of bool
        Per Phase, whether threads have to meet after it because they did not meet in it.
    types : list of str
        Per Phase, the type of its real parameters; all of them are passed as float64.
    arrays : list of numpy.ndarray
        The distinct arrays of all Phases.
    stages : callable, optional
        For threads, finds the Phases that they may run without a meeting in between.
    single : frozenset of int
        Phases whose body is called for one index.
    """

    slots: list[list[int]]
    numbers: list[list[tuple[bool, int]]]
    meetings: list[bool]
    types: list[str]
    arrays: list[np.ndarray]
    stages: Callable[[], Stages] | None = None
    single: frozenset[int] = frozenset()

    def text(
        self,
        head: Sequence[str] = ("def run(t0, n, a, x, k):", "    for t in range(t0, t0 + n):"),
        array: Callable[[int], str] = "a[{}]".format,
        real: str = "x[{}]",
        whole: str = "k[{}]",
        more: Sequence[str] = (),
        meet: str = "",
        stages: Sequence[Sequence[int]] | None = None,
    ) -> str:
        """The source of `run`.

        The arguments are its first lines and the loop over steps, how it reads its arguments, what
        else the loop over each Phase takes, how threads meet, and in which stages they take the
        Phases, if not one after another.
        """
        setup, calls = [], []
        phases = zip(self.slots, self.numbers, self.types, strict=True)
        for k, (slots, numbers, dtype) in enumerate(phases):
            state = ", ".join(array(slot) for slot in slots)
            typed = f"single({real})" if dtype == "float32" else real
            params = ", ".join((typed if is_real else whole).format(j) for is_real, j in numbers)
            setup.append(f"    s{k} = State{k}({state}); p{k} = Params{k}({params})")
            calls.append(f"        each{k}(t, s{k}, p{k}{more[k] if more else ''})")
        order = list(enumerate(self.meetings))
        if stages is not None:
            order = [(k, k == stage[-1]) for stage in stages for k in stage]
        steps = []
        for k, meets in order:
            steps.append(calls[k])
            if meet and meets:
                steps.append(f"        {meet}")
        return "\n".join([*head[:-1], *setup, head[-1], *(steps or ["        pass"])])


class Call(NamedTuple):
    """The data of one run of a program."""

    first: int
    steps: int
    arrays: tuple[np.ndarray, ...]
    reals: np.ndarray
    wholes: np.ndarray
    inputs: frozenset[int]  # the places in `arrays` of arrays that no body writes
    wholes_alone: np.ndarray  # `wholes` for one thread of a backend that has several


_UNCHANGING = int, float, np.generic  # objects that are equal as long as they are the same

_building = threading.RLock()  # all threads share what backends keep

together: ContextVar[Callable[[Program, Call], None] | None] = ContextVar("together", default=None)


class Program:
    """Phases fused into one function, by a backend.

    Parameters
    ----------
    phases : sequence of Phase
    dtype : str
        'float32' or 'float64', the type of real parameters and constants of Phases without one.
    backend : module
        The module `cpu` or `python` beside this one, or an object that `cuda` makes.

    Attributes
    ----------
    key : str
        A hash of all that is compiled: programs with the same key differ in their data only.
    """

    def __init__(self, phases: Sequence[Phase], dtype: str, backend: Any):
        with _building:
            self._build(phases, dtype, backend)

    def _build(self, phases: Sequence[Phase], dtype: str, backend: Any) -> None:
        if backend.JOINS:
            phases = joined(phases)
        slot_of: dict[int, int] = {}
        places: dict[tuple[int, str], tuple[Place, int]] = {}
        real_of: list[tuple[dict[str, Any], str]] = []
        whole_of: list[tuple[dict[str, Any], str]] = []
        self._apart: list[list[int]] = []  # the places of arrays that must not overlap
        self._pieces: list[int] = []  # of memory, if it matters which arrays overlap
        names: dict[str, Any] = {"single": np.float32}
        inputs: set[int] = set()
        owners = [phase.neurons for phase in phases] + [None]
        ends = [a is not None and a is not b for a, b in pairwise(owners)]
        source = Source([], [], ends, [phase.dtype or dtype for phase in phases], [])
        digests = []
        kinds = [(p.body, p.over, own) for p, own in zip(phases, source.types, strict=True)]
        times = Counter(kinds)
        self._lowerings = {own: backend.lowering(own) for own in {*source.types}}
        for k, phase in enumerate(phases):
            slots = []
            for name, array in phase.state.items():
                if id(array) not in slot_of:
                    slot_of[id(array)] = len(source.arrays)
                    source.arrays.append(array)
                slots.append(slot_of[id(array)])
                held, there = place_of(phase.state, name)
                places[id(held), there] = (held, there), slots[-1]
            inputs.update(slot_of[id(phase.state[name])] for name in phase.inputs)
            numbers = []
            for name, value in phase.params.items():
                real = isinstance(value, (float, np.floating))
                place = real_of if real else whole_of
                numbers.append((real, len(place)))
                place.append((_holder(phase.params, name), name))
            source.slots.append(slots)
            if is_joined(phase.body):
                self._apart.append(slots)
            source.numbers.append(numbers)
            names[f"State{k}"] = record(tuple(phase.state))
            names[f"Params{k}"] = record(tuple(phase.params))
            meets = phase.neurons is None
            names[f"each{k}"], digest = backend.each(
                self._lowerings[source.types[k]], phase.body, phase.over, times[kinds[k]], meets
            )
            fields = names[f"State{k}"].__name__, names[f"Params{k}"].__name__
            digests.append(" ".join([digest, *fields, str(meets), source.types[k]]))
        if backend.STAGES:
            self._pieces = pieces(source.arrays)
            per_phase = [[self._pieces[k] for k in slots] for slots in source.slots]
            source = source._replace(
                stages=partial(stages, phases, per_phase),
                single=frozenset(k for k, phase in enumerate(phases) if phase.over is once),
            )
        parts = [source.text(meet="meet()"), *digests]
        self.key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
        self.backend = backend
        self._reals, number_of = len(real_of), [*real_of, *whole_of]
        self._holders = [held for held, _ in number_of]
        self._names = [name for _, name in number_of]
        self._arrays, self._inputs = tuple(source.arrays), frozenset(inputs)
        # Methods that are bound once, as every run asks them all.
        self._find = [(held.get, name) for (held, name), _ in places.values()]
        self._slots = [slot for _, slot in places.values()]
        self._seen: list[np.ndarray | None] = [find(name) for find, name in self._find]
        self._run = backend.build(source, names, self.key)
        self._numbers: tuple[list[Any], np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def is_current(self) -> bool:
        """Whether the program still fits its Phases; to be asked before a run, as it finds arrays.

        All code that it was made of has to be unchanged, and all arrays of the same types.
        """
        return self._suits() and all(lowering.is_current for lowering in self._lowerings.values())

    def _suits(self) -> bool:
        """Find the arrays that are held now; return whether the program fits them.

        It does if they have the same types, and if names that shared one array still share one.
        """
        now = [find(name) for find, name in self._find]
        if all(map(is_, now, self._seen)):
            return True
        found: dict[int, np.ndarray] = {}
        for array, slot in zip(now, self._slots, strict=True):
            if array is None or found.setdefault(slot, array) is not array:
                return False
        arrays = tuple(found[slot] for slot in range(len(self._arrays)))
        if len({id(array) for array in arrays}) < len(arrays):
            return False
        if list(map(_kind, arrays)) != list(map(_kind, self._arrays)):
            return False
        if not all(are_apart(arrays[slot] for slot in slots) for slots in self._apart):
            return False
        if self._pieces and pieces(arrays) != self._pieces:
            return False
        self._seen, self._arrays = now, arrays
        return True

    @property
    def is_ready(self) -> bool:
        """Whether the first call runs at once, without compiling."""
        return self._run.is_ready

    @property
    def tier(self) -> str:
        """How the program runs: 'phases', 'fused', 'python' or 'cuda'."""
        return self._run.tier

    def prepare(self, report: Callable[[int, int, str], None] | None = None) -> None:
        """Compile what is missing.

        Parameters
        ----------
        report : callable, optional
            ``report(done, total, name)`` is called before each function that is compiled.
        """
        self._run.prepare(report)

    def __call__(self, first: int, steps: int) -> None:
        """Run `steps` steps, the first of which has the number `first`."""
        call = self.call(first, steps)
        shared = together.get()
        if shared is None:
            self.run([call])
        else:
            shared(self, call)

    def call(self, first: int, steps: int) -> Call:
        """The data of a run of `steps` steps: present numbers, and arrays as last found."""
        now = list(map(getitem, self._holders, self._names))
        if self._numbers is None or not all(map(is_, now, self._numbers[0])):
            given, real = list(zip(now, self._names, strict=True)), self._reals
            reals = np.array([_real(*each) for each in given[:real]] or [0.0])
            wholes = np.array([self._whole(*each) for each in given[real:]] or [0], np.int64)
            alone = wholes.copy()
            alone[
                [k for k, (value, _) in enumerate(given[real:]) if isinstance(value, _Shared)]
            ] = 1
            kept = all(isinstance(value, _UNCHANGING) for value in now)
            self._numbers = (now, reals, wholes, alone) if kept else None
        else:
            _, reals, wholes, alone = self._numbers
        return Call(first, steps, self._arrays, reals, wholes, self._inputs, alone)

    def run(self, calls: Sequence[Call]) -> None:
        """Run this program with the data of each call."""
        try:
            self._run(calls)
        except self.backend.FAILURES as error:
            raise LoweringError(reason(str(error))) from error

    def ptx(self) -> str:
        """The code that a GPU would run, as text, of a program made for a `Cuda` backend."""
        return self._run.ptx(self.call(0, 1))

    def _whole(self, value: Any, name: str) -> int:
        if isinstance(value, _Shared):
            return self.backend.PARTS
        try:
            whole = int(value)
            if whole == value and -(2**63) <= whole < 2**63:
                return whole
        except (TypeError, ValueError, OverflowError):
            pass
        _refuse_array(value, name)
        raise LoweringError(
            f"The parameter {name} is {value!r}; it was a whole number of 64 bits when it was "
            "given, and has to stay one: begin with a float such as 1.0 to change it to any number."
        )


def _holder(params: Any, name: str) -> Any:
    """The dict that holds a number: a `ChainMap` takes longer to ask than a step to run."""
    if isinstance(params, ChainMap):
        return next(_holder(each, name) for each in params.maps if name in each)
    return params


def _kind(array: np.ndarray) -> tuple:
    """The properties of an array that a program depends on."""
    flags = array.flags
    return array.dtype, array.ndim, flags.c_contiguous, flags.f_contiguous, flags.writeable


def _real(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        _refuse_array(value, name)
        raise LoweringError(f"The parameter {name} is {value!r}; it has to be a number.") from None


def _refuse_array(value: Any, name: str) -> None:
    if isinstance(value, (np.ndarray, list, tuple)):
        raise LoweringError(
            f"The parameter {name} is an array; a parameter is one number, and arrays belong in "
            f"the state, where a body reads s.{name}[i]."
        ) from None


def reason(message: str) -> str:
    """One line that says what went wrong and where, from a compiler's many lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    causes = [x for x in lines if not x.startswith("Failed in")] or ["unknown reason"]
    cause = causes[0].rstrip(".")
    if "NRT required but not enabled" in message:
        cause = "it makes a new array; write a loop over the elements"
    elif cause.endswith("signature:"):
        cause += next((f" {x[4:]}" for x in causes if x.startswith(">>> ")), "")
    name = re.search(r"Dispatcher\(<function (\w+)_[0-9a-f]{16} at", message)
    places = re.findall(r" at (.+) \((\d+)\)$", message, re.MULTILINE)
    place = next((f" (line {n} of {file})" for file, n in places if "/numba/" not in file), "")
    return f"{name[1] if name else 'A body'} cannot be compiled: {cause}{place}."
