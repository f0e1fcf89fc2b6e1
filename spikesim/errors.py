"""The errors and warnings of spikesim, one readable sentence each; most come from `checks`."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from types import FrameType
from typing import Any, cast

from spikesim.kernels.machine.lowering import LoweringError

__all__ = [
    "BodyError",
    "FileError",
    "InputError",
    "SimulationError",
    "SpikesimError",
    "SpikesimWarning",
    "warn",
]


class SpikesimError(Exception):
    """The root of every error that spikesim raises on purpose. Its message is one line.

    Examples
    --------
    >>> from spikesim import Network, SpikesimError
    >>> try:
    ...     Network(dt=-1.0)
    ... except SpikesimError as error:
    ...     print(error)
    dt is -1.0; it has to be a finite number above 0 ...
    """

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())  # a path may hold line breaks


class InputError(SpikesimError, ValueError):
    """An argument that cannot be used; it is a `ValueError`, too.

    Examples
    --------
    >>> from spikesim import LIF
    >>> LIF.with_(taw=10.0)
    Traceback (most recent call last):
    ...
    spikesim.errors.InputError: Unknown parameter 'taw'; ... Did you mean 'tau'?
    """


class SpikesimWarning(UserWarning):
    """Something that is likely not meant, but is done; ``warnings.simplefilter`` silences it.

    Examples
    --------
    >>> import warnings
    >>> from spikesim import SpikesimWarning
    >>> warnings.simplefilter("error", SpikesimWarning)  # stop instead
    >>> warnings.simplefilter("default", SpikesimWarning)
    """


class FileError(SpikesimError, OSError):
    """A file that is missing, damaged, foreign, or cannot be written; it is an `OSError`, too.

    Examples
    --------
    >>> from spikesim import Network
    >>> Network().restore("no_such_file.h5")
    Traceback (most recent call last):
    ...
    spikesim.errors.FileError: There is no file no_such_file.h5; check the path.
    """


class BodyError(InputError, LoweringError):
    """An equation or a rule that cannot be compiled."""


class SimulationError(SpikesimError, RuntimeError):
    """A simulation that cannot continue, for example because a voltage became NaN.

    Examples
    --------
    >>> from spikesim import LIF, Network, SimulationError
    >>> net = Network(backend="python")
    >>> cells = net.add_population("cells", 2, LIF)
    >>> cells.v[1] = float("nan")
    >>> try:
    ...     net.run(1.0)
    ... except SimulationError as error:
    ...     print(type(error).__name__)
    SimulationError
    """


def warn(message: str, category: type[Warning] = SpikesimWarning) -> None:
    """Warn of something at the line of the user's that has led to it."""
    level, frame = 1, cast("FrameType | None", sys._getframe())
    while frame is not None and frame.f_globals.get("__name__", "").startswith("spikesim."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def __getattr__(name: str) -> Any:
    """Find the checks, which were in this file in version 0.1."""
    for module in map(import_module, ("spikesim.checks", "spikesim.precision")):
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
