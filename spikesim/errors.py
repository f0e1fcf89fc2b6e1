"""The errors that spikesim raises, each with one readable sentence; most come from `checks`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spikesim.kernels.machine.lowering import LoweringError

__all__ = ["BodyError", "FileError", "InputError", "SimulationError", "SpikesimError"]


class SpikesimError(Exception):
    """The root of every error that spikesim raises on purpose. Its message is one line."""

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())  # a path may hold line breaks


class InputError(SpikesimError, ValueError):
    """An argument that cannot be used."""


class FileError(SpikesimError, OSError):
    """A file that is missing, damaged, foreign, or cannot be written."""


class BodyError(InputError, LoweringError):
    """An equation or a rule that cannot be compiled."""


class SimulationError(SpikesimError, RuntimeError):
    """A simulation that cannot continue, for example because a voltage became NaN."""


def __getattr__(name: str) -> Any:
    """Find the checks, which were in this file in version 0.1."""
    for module in map(import_module, ("spikesim.checks", "spikesim.precision")):
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
