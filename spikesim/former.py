"""Names that modules had in version 0.1: pickles and scripts that say them find what they mean."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["NOW", "find_former_names"]

_ROOMS = {
    "spikesim.engine": ("connectivity network population projection recording replay sources stdp"),
    "spikesim.io": "files runs",
    "spikesim.kernels.machine": (
        "cache compiling cpu cuda jobs lowering meeting native precision processes program python "
        "rehearsal threads"
    ),
}

NOW = {
    "spikesim.sweep_runs": "spikesim.sweep.command",
    "spikesim.warmup": "spikesim.cli.warmup",
    "spikesim.restoring": "spikesim.engine.restoring",
    "spikesim.kernels.records": "spikesim.kernels.machine.states",
    **{
        f"{room.rpartition('.')[0]}.{name}": f"{room}.{name}"
        for room, names in _ROOMS.items()
        for name in names.split()
    },
}
"""Former name → present name."""


class _Former:
    """A finder and a loader in one: gives the module of the present name, as the one that it is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader: Any = self  # not one of importlib.abc, which would take long to import
        return ModuleSpec(name, loader) if name in NOW else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(NOW[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        former: Any = module.__spec__
        module.__spec__ = former.loader_state


def find_former_names() -> None:
    """Let former names be imported, once none of the present ones is meant."""
    if not any(isinstance(finder, _Former) for finder in sys.meta_path):
        finders: list[Any] = sys.meta_path
        finders.append(_Former())
