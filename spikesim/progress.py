"""Telling the user what is going on: progress bars and the word that kernels are being compiled."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from tqdm.auto import tqdm

from spikesim.errors import InputError, show

__all__ = ["Interruption", "Progress", "announce_compilation", "progress_bar"]

Progress = Callable[[int, int], None]


def announce_compilation(key: str) -> None:
    """Say on stderr that a program is compiled for the first time; once for each."""
    if key in _announced:
        return
    _announced.add(key)
    print("Compiling kernels (first use; kept for the next time) ...", file=sys.stderr, flush=True)


_announced: set[str] = set()


def _silent(done: int, total: int) -> None:
    """Progress that nobody is told of."""


@contextmanager
def progress_bar(progress: bool | Progress, total: int, unit: str) -> Iterator[Progress]:
    """A function ``report(done, total)``: a bar, the user's own, or one that says nothing."""
    if not callable(progress) and not isinstance(progress, (bool, np.bool_)):
        raise InputError(
            f"progress is {show(progress)}; it has to be True, False or a function "
            "progress(done, total)."
        )
    if callable(progress):
        yield progress
    elif not progress:
        yield _silent
    else:
        # disable=None: no bar where stderr is not a terminal.
        with tqdm(total=total, unit=f" {unit}s", disable=None, dynamic_ncols=True) as bar:
            yield lambda done, total: bar.update(done - bar.n) and None


_entered: ContextVar[Interruption | None] = ContextVar("entered", default=None)


class Interruption:
    """Inside this context Ctrl-C is only noted, so that work can stop where nothing is lost.

    A second Ctrl-C interrupts at once. Of contexts inside each other, the outermost of a thread is
    asked to stop. A thread that was given a copy of the main thread's `contextvars` is asked with
    it, or when that thread has left by an error and nobody waits any more.
    """

    def __init__(self) -> None:
        self._pressed = False
        self._thread = threading.get_ident()
        self._above = _entered.get()
        self._is_outermost = self._above is None or self._above._thread != self._thread
        self._gets_signals = threading.current_thread() is threading.main_thread()

    @property
    def requested(self) -> bool:
        """Whether this context has to stop, as Ctrl-C was pressed."""
        return self._is_outermost and self._was_pressed()

    def _was_pressed(self) -> bool:
        return self._pressed or (self._above is not None and self._above._was_pressed())

    def _note(self, signum: int, frame: object) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True

    def __enter__(self) -> Interruption:
        if self._is_outermost:
            self._token = _entered.set(self)
            if self._gets_signals:
                self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._is_outermost:
            self._pressed = self._pressed or exception[0] is not None
            _entered.reset(self._token)
            if self._gets_signals:
                signal.signal(signal.SIGINT, self._previous)
