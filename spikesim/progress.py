"""Progress bars, messages while code is compiled, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from time import monotonic
from typing import Any, TypeVar

import numpy as np

from spikesim.checks import show
from spikesim.errors import InputError

__all__ = [
    "Interruption",
    "Progress",
    "Terminated",
    "as_they_end",
    "check_progress",
    "compilation",
    "progress_bar",
    "reported",
    "say_if_ctrl_c_is_ignored",
    "terminable",
    "terminate",
]

Progress = Callable[[int, int], None]
Item = TypeVar("Item")


Compiled = Callable[[int, int, str], None]


@contextmanager
def compilation() -> Iterator[Compiled]:
    """A function ``report(done, total, name)`` that tells the user what is being compiled.

    It says nothing if that takes less than a second. On a terminal it shows a bar, elsewhere it
    prints a line on stderr; another line says how long it took. A `total` of 0 means that nobody
    knows how much there is to do.
    """
    begun = monotonic()
    said = False

    with ExitStack() as bars:
        bar: Any = None

        def report(done: int, total: int, name: str) -> None:
            nonlocal bar, said
            if total == 0:
                print(f"Compiling {name} (first use) ...", file=sys.stderr, flush=True)
            elif monotonic() - begun >= _UNNOTICED:
                if not said and sys.stderr.isatty():
                    from tqdm.auto import tqdm

                    bar = bars.enter_context(
                        tqdm(total=total, unit=" functions", dynamic_ncols=True, leave=False)
                    )
                elif not said:
                    what = f"Compiling {total} functions (first use) ..."
                    print(what, file=sys.stderr, flush=True)
                said = True
                if bar is not None:
                    bar.set_description(f"Compiling {name}")
                    bar.update(done - bar.n)

        yield report
    if said:
        taken = monotonic() - begun
        print(f"Compiled in {taken:.0f} s; kept for the next time.", file=sys.stderr)


_UNNOTICED = 1.0  # s


def _silent(done: int, total: int) -> None:
    """Report nothing."""


_unnoticed = nullcontext(_silent)


def check_progress(progress: Any) -> None:
    """Refuse what is neither a yes or no nor a function."""
    if not callable(progress) and not isinstance(progress, (bool, np.bool_)):
        raise InputError(
            f"progress is {show(progress)}; it has to be True, False or a function "
            "progress(done, total)."
        )


def progress_bar(
    progress: bool | Progress, total: int, unit: str
) -> AbstractContextManager[Progress]:
    """A function ``report(done, total)``: a bar, the user's function, or one that does nothing."""
    check_progress(progress)
    if callable(progress):
        return nullcontext(progress)
    return _bar(total, unit) if progress else _unnoticed


def reported(progress: bool | Progress, items: Iterable[Item], unit: str) -> Iterator[Item]:
    """All items, one after another; each counts as done when the next one is asked for.

    >>> list(reported(lambda done, total: print(done, "of", total), "ab", "letter"))
    1 of 2
    2 of 2
    ['a', 'b']
    """
    every = list(items)
    with progress_bar(progress, len(every), unit) as report:
        for done, item in enumerate(every, 1):
            yield item
            report(done, len(every))


@contextmanager
def _bar(total: int, unit: str) -> Iterator[Progress]:
    from tqdm.auto import tqdm  # at the top it would be a seventh of the import of spikesim

    say_if_ctrl_c_is_ignored()
    # disable=None: no bar if stderr is not a terminal.
    with tqdm(total=total, unit=f" {unit}s", disable=None, dynamic_ncols=True) as bar:
        yield lambda done, total: bar.update(done - bar.n) and None


def as_they_end(futures: Iterable[Future]) -> Iterator[Future]:
    """Yield each future when it has ended; Ctrl-C interrupts the wait at any moment.

    A signal that comes just before a wait begins does not end that wait, so every wait is short and
    is repeated.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        yield from done


class Terminated(KeyboardInterrupt):
    """SIGTERM, which a scheduler sends before it kills; it stops whatever Ctrl-C would stop."""


def terminate(signum: int, frame: object) -> None:
    """A handler of SIGTERM: raises `Terminated`, once."""
    signal.signal(signum, signal.SIG_IGN)  # a second one would disturb the shutdown
    raise Terminated


def _is_ours(signum: int) -> bool:
    """Whether SIGTERM has its default effect, or `terminable` handles it: the user does not."""
    return _signals.getsignal(signum) in (signal.SIG_DFL, terminate)


@contextmanager
def terminable() -> Iterator[None]:
    """Inside this context SIGTERM raises `Terminated`, once, unless the user handles it."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


announced: set[str] = set()


def say_if_ctrl_c_is_ignored() -> None:
    """Say on stderr, once, if Ctrl-C is ignored, as it is when a script starts us with '&'."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and "SIGINT" not in announced:
        announced.add("SIGINT")
        print(
            "Ctrl-C is ignored here, as in everything started with '&' or nohup; "
            f"'kill {os.getpid()}' stops it as Ctrl-C would.",
            file=sys.stderr,
            flush=True,
        )


# What `signal` wraps: to make enums of what is returned takes longer than a step of a network.
_signals: Any = sys.modules.get("_signal", signal)

_entered: ContextVar[Interruption | None] = ContextVar("entered", default=None)


class Interruption:
    """Inside this context Ctrl-C and SIGTERM are only noted; the work stops at its next safe point.

    A second Ctrl-C interrupts at once. If Ctrl-C is ignored, it stays ignored, and a handler of
    SIGTERM that the user installed stays in place. If contexts are nested, the outermost of each
    thread is asked to stop. A thread that runs in a copy of the main thread's `contextvars` is
    asked to stop whenever the main thread is. It is also asked when the main thread has left with
    an error, as nobody waits for it any more.
    """

    def __init__(self) -> None:
        self._noted: type[KeyboardInterrupt] | None = None
        self._thread = threading.get_ident()
        self._above = _entered.get()
        self._is_outermost = self._above is None or self._above._thread != self._thread
        self._gets_signals = threading.current_thread() is threading.main_thread()
        self._previous: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether this context has to stop."""
        return self._is_outermost and self._cause() is not None

    @property
    def error(self) -> type[KeyboardInterrupt]:
        """The error to raise at a safe point, once a stop was `requested`."""
        return self._cause() or KeyboardInterrupt

    def _cause(self) -> type[KeyboardInterrupt] | None:
        return self._noted or (None if self._above is None else self._above._cause())

    def _press(self, signum: int, frame: object) -> None:
        if self._noted is not None:
            raise KeyboardInterrupt
        self._noted = KeyboardInterrupt

    def _end(self, signum: int, frame: object) -> None:
        self._noted = self._noted or Terminated

    def __enter__(self) -> Interruption:
        if self._is_outermost:
            self._token = _entered.set(self)
            if self._gets_signals:
                # None: the handler does not come from Python, which could not restore it.
                if _signals.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
                    self._previous[signal.SIGINT] = _signals.signal(signal.SIGINT, self._press)
                if _is_ours(signal.SIGTERM):
                    self._previous[signal.SIGTERM] = _signals.signal(signal.SIGTERM, self._end)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._is_outermost:
            was_ended = self._noted is Terminated
            self._noted = self._noted or (KeyboardInterrupt if exception[0] is not None else None)
            _entered.reset(self._token)
            for signum, handler in self._previous.items():
                ignored = was_ended and handler is terminate  # SIGTERM came and will be raised
                _signals.signal(signum, int(signal.SIG_IGN) if ignored else handler)
