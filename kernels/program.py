"""A list of Phases becomes one function: ``run(first_step, steps)``.

The loop over steps, and in each step the Phases in their order, is written out as the source of one
function, whose arguments are the distinct arrays and numbers of all Phases:

    def run(t0, n, a, x, k):
        s0 = State0(a[0], a[1]);  p0 = Params0(x[0], k[0])
        for t in range(t0, t0 + n):
            each0(t, s0, p0)
            ...

A backend compiles it and everything below it, and supplies the loop ``each`` over one Phase.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spikesim.kernels.lowering import LoweringError
from spikesim.kernels.records import record

__all__ = ["Phase", "Program", "once"]


class Phase(NamedTuple):
    """One pass of a step: ``body(i, t, s, p)`` for every ``i`` in ``range(over(t, s, p))``.

    `over` also says when: it returns 0 in a step in which the Phase rests.

    Attributes
    ----------
    body : callable
        Scalar function of the index, the step and the Phase's state and parameters.
    over : callable
        ``over(t, s, p)``, how many indices this step has.
    state : dict of str to numpy.ndarray
        Arrays that the body reads and writes, as ``s.name[i]``.
    params : dict of str to float, int or bool
        Numbers that the body reads, as ``p.name``. Floats take the network's type.
    """

    body: Callable
    over: Callable
    state: dict[str, np.ndarray]
    params: dict[str, Any] = {}  # noqa: RUF012 - never written


def once(t, s, p):
    """An `over` for a body that is called once in every step."""
    return 1


def each(t, s, p):
    """The loop over one Phase on one core."""
    for i in range(over(t, s, p)):  # noqa: F821 - bound when lowered
        body(i, t, s, p)  # noqa: F821


class Program:
    """Phases fused into one function, by a backend.

    Parameters
    ----------
    phases : sequence of Phase
    dtype : str
        'float32' or 'float64', the type of real parameters and constants.
    backend : module
        `spikesim.kernels.cpu` or `spikesim.kernels.python`.
    """

    def __init__(self, phases: Sequence[Phase], dtype: str, backend: Any):
        slot_of: dict[int, int] = {}
        self._arrays: list[np.ndarray] = []
        self._real_of: list[tuple[dict[str, Any], str]] = []
        self._whole_of: list[tuple[dict[str, Any], str]] = []
        self._dtype = dtype
        lowering = backend.lowering(dtype)
        names: dict[str, Any] = {}
        setup, steps, digests = [], [], []
        for k, phase in enumerate(phases):
            slots = []
            for array in phase.state.values():
                if id(array) not in slot_of:
                    slot_of[id(array)] = len(self._arrays)
                    self._arrays.append(array)
                slots.append(f"a[{slot_of[id(array)]}]")
            numbers = []
            for name, value in phase.params.items():
                real = isinstance(value, (float, np.floating))
                place = self._real_of if real else self._whole_of
                numbers.append(f"{'x' if real else 'k'}[{len(place)}]")
                place.append((phase.params, name))
            names[f"State{k}"] = record(tuple(phase.state))
            names[f"Params{k}"] = record(tuple(phase.params))
            names[f"each{k}"], digest = backend.each(lowering, phase.body, phase.over)
            setup.append(
                f"    s{k} = State{k}({', '.join(slots)}); p{k} = Params{k}({', '.join(numbers)})"
            )
            steps.append(f"        each{k}(t, s{k}, p{k})")
            digests.append(f"{digest} {names[f'State{k}'].__name__} {names[f'Params{k}'].__name__}")
        lines = ["def run(t0, n, a, x, k):", *setup, "    for t in range(t0, t0 + n):", *steps]
        source = "\n".join(lines)
        key = hashlib.sha256("\n".join([source, *digests, dtype]).encode()).hexdigest()[:24]
        self._run = backend.build(source, names, key)
        self._is_ready = partial(backend.is_ready, key)
        self._failures = backend.FAILURES

    @property
    def is_ready(self) -> bool:
        """Whether the first call runs at once, without compiling."""
        return self._is_ready()

    def __call__(self, first: int, steps: int) -> None:
        """Run `steps` steps, the first of which has the number `first`."""
        reals = np.array([float(p[n]) for p, n in self._real_of] or [0.0], self._dtype)
        wholes = np.array([int(p[n]) for p, n in self._whole_of] or [0], np.int64)
        try:
            self._run(first, steps, tuple(self._arrays), reals, wholes)
        except self._failures as error:
            raise LoweringError(_reason(str(error))) from error


def _reason(message: str) -> str:
    """What went wrong and where, from a compiler's many lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    cause = next((x for x in lines if not x.startswith("Failed in")), "unknown reason")
    place = next((x.rstrip(":") for x in lines if x.startswith("File ")), "a body")
    return f"A body cannot be compiled. {place}: {cause}"
