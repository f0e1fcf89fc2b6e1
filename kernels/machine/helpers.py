"""Compiled functions that are called by themselves, apart from any program.

A helper is a plain function ``function(s, p)`` of arrays and numbers, under the rules for bodies.
Its machine code is kept like that of a Phase, and called without Numba. It may be called from
several threads at the same time, as Python's lock is released.

Helpers may also call three functions that bodies cannot: `word` and `binomial` draw from a
generator of NumPy's, with the functions that NumPy itself uses, and `lowest_bit` is one instruction
of the processor.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from spikesim.kernels.machine import cache, jobs, native
from spikesim.kernels.machine.lowering import Lowering

__all__ = ["Helper", "Source", "binomial", "lowest_bit", "word"]


def word(draw, state):
    """The next 32 bits of a generator; `draw` and `state` are of a `Source`."""
    raise NotImplementedError("Only compiled code can call this.")


def binomial(draw_binomial, generator, probability, n, memo):
    """A binomial number, drawn as by ``Generator.binomial(n, probability)``; see `Source`."""
    raise NotImplementedError("Only compiled code can call this.")


def lowest_bit(x):
    """The place of the lowest bit of x that is set."""
    raise NotImplementedError("Only compiled code can call this.")


_GIVEN: dict[Callable, Any] = {
    function: jobs.Given(function.__name__) for function in (word, binomial, lowest_bit)
}


class Source:
    """A generator of NumPy's, for helpers; Python must not draw from it at the same time.

    Attributes
    ----------
    addresses : dict of str to int
        ``next_word`` and ``state`` are for `word`; ``draw_binomial``, ``generator`` and ``memo``
        for `binomial`. ``draw_binomial`` is 0 if NumPy does not show its function.
    """

    def __init__(self, chance: np.random.Generator):
        interface = chance.bit_generator.ctypes
        self._memo = np.zeros(64)  # NumPy's function remembers constants there; fewer would do
        self._chance = chance
        self.addresses = {
            "state": interface.state_address,
            "next_word": ctypes.cast(interface.next_uint32, ctypes.c_void_p).value or 0,
            "generator": ctypes.cast(interface.bit_generator, ctypes.c_void_p).value or 0,
            "draw_binomial": draw_binomial(),
            "memo": self._memo.ctypes.data,
        }


@functools.cache
def draw_binomial() -> int:
    """The address of the function with which NumPy's generators draw binomial numbers, or 0."""
    try:
        library = ctypes.CDLL(np.random._generator.__file__)
        return ctypes.cast(library.random_binomial, ctypes.c_void_p).value or 0
    except (OSError, AttributeError):  # not every system shows the functions inside a module
        return 0


class Helper:
    """A compiled function of arrays and numbers.

    Parameters
    ----------
    function : callable
        ``function(s, p)``; it changes arrays, and returns nothing.
    """

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any]) -> None:
        """Call it with these arrays and numbers, by name; the first call may compile."""
        kinds = {name: jobs.array_type(array) for name, array in arrays.items()}
        real = tuple(isinstance(number, float) for number in numbers.values())
        job = _job(self._function, tuple(kinds.items()), tuple(zip(numbers, real, strict=True)))
        address = cache.load(job.key)
        if address is None:
            native.compile_missing([job])
            address = cache.addresses[job.key]
        words = [word for array in arrays.values() for word in jobs.array_record(array)]
        records = np.array(words, np.int64)
        reals = np.array([x for x in numbers.values() if isinstance(x, float)] or [0.0])
        wholes = np.array([x for x in numbers.values() if not isinstance(x, float)] or [0])
        native.call(address, records.ctypes.data, reals.ctypes.data, wholes.ctypes.data)


@functools.cache
def _job(
    function: Callable, kinds: tuple[tuple[str, str], ...], numbers: tuple[tuple[str, bool], ...]
) -> jobs.Job:
    lowering = Lowering(partial(jobs.Recipe.of, dtype="float64"), "float64", ready=_GIVEN)
    return jobs.helper(lowering(function), lowering.digest(function), dict(kinds), dict(numbers))
