"""Telling the user what is going on: progress bars and the word that kernels are being compiled."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


class Interruption:
    """Inside this context Ctrl-C is only noted, so that work can stop where nothing is lost.

    A second Ctrl-C interrupts at once. Of contexts inside each other, the outermost of a thread is
    asked to stop. Threads other than the main one, which get no signals, are asked when the main
    thread is in such a context.
    """

    _own = threading.local()  # outermost: the one that the thread entered first, if it is in one
    _of_main: Interruption | None = None

    def __init__(self) -> None:
        self._pressed = False

    @property
    def requested(self) -> bool:
        """Whether this context has to stop, as Ctrl-C was pressed."""
        main = Interruption._of_main
        return self._is_outermost and (self._pressed or (main is not None and main._pressed))

    def _note(self, signum: int, frame: object) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True

    def __enter__(self) -> Interruption:
        self._is_outermost = getattr(self._own, "outermost", None) is None
        if self._is_outermost:
            self._own.outermost = self
            if threading.current_thread() is threading.main_thread():
                self._previous = signal.signal(signal.SIGINT, self._note)
                Interruption._of_main = self
        return self

    def __exit__(self, *exception: object) -> None:
        if self._is_outermost:
            self._own.outermost = None
            if Interruption._of_main is self:
                Interruption._of_main = None
                signal.signal(signal.SIGINT, self._previous)
