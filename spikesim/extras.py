"""Packages that only some uses need: they are imported when used, and asked for if missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spikesim.errors import InputError

__all__ = ["needed"]


def needed(package: str, what: str, extra: str) -> Any:
    """Import an optional package, or raise the error that says how to install it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise InputError(
            f'{what} needs {package}, which is not installed; pip install "spikesim[{extra}]".'
        ) from error
