"""`ModelCommands`: what the commands of models of images and of patterns in time have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from spikesim.cli.export import export
from spikesim.errors import InputError
from spikesim.io import runs
from spikesim.io.runs import RUN_FILE, noted

__all__ = ["ModelCommands", "is_own"]


def is_own(name: str) -> bool:
    """Whether a name is that of a class in a file: 'my_file.py:MyModel'."""
    return ".py:" in name


class ModelCommands:
    """What the command line does for one model; a subclass trains, tests and draws.

    Parameters
    ----------
    network : type
        The model's class.
    where : str
        Where it is: 'package.module:Class' or 'my_file.py:Class'.
    make : callable
        ``make(where)`` makes these commands in another process.
    """

    LENGTH: ClassVar[str] = ""
    """What a run is so many of: 'epochs' or 'blocks', an option of ``train`` and ``resume``."""

    OTHERS: ClassVar[str] = ""
    """Which models count in something else, and in what."""

    SUBJECT: ClassVar[str] = ""
    """What is learned, as the network's notes call it."""

    def __init__(self, network: Any, where: str, make: Callable[[str], Any]):
        self.network, self.where, self._make = network, where, make
        self.name = network.KIND
        self.title = f"{where}, {network.TITLE}" if is_own(where) else network.TITLE
        self.declared = network.Parameters.declarations()
        self.defaults = network.Parameters.defaults()
        self.command = where if is_own(where) else self.name
        self.own = {"model": where} if is_own(where) else {}
        self.option = f" --model {where}" if is_own(where) else ""

    @property
    def DEFAULTS(self) -> dict[str, Any]:
        return dict(self.defaults)

    def __reduce__(self) -> Any:  # a process of a sweep may have to read a user's file
        return self._make, (self.where,)

    def progress(self, net: Any) -> dict[str, Any]:
        """Of a network, how far it came, for `info`."""
        raise NotImplementedError

    def outcome(self, net: Any) -> dict[str, Any]:
        """Of a network, what came of it, for `info`."""
        raise NotImplementedError

    def go_on(self, net: Any, chosen: argparse.Namespace) -> None:
        """Train a network of a run up to what it notes, or draw what was not drawn."""
        raise NotImplementedError

    def resume(self, chosen: argparse.Namespace) -> None:
        """Go on where the last checkpoint ended."""
        for option in {"epochs", "blocks"} - {self.LENGTH}:
            if getattr(chosen, option) is not None:
                raise InputError(
                    f"--{option} is for models that {self.OTHERS}; this run has --{self.LENGTH}."
                )
        if not (chosen.directory / RUN_FILE).exists():
            self.network.load(chosen.directory / RUN_FILE)  # says what is wrong
        with runs.hold(chosen.directory):
            net, wanted = self.network.load(chosen.directory / RUN_FILE), self.LENGTH
            if getattr(chosen, wanted) is not None:
                net.notes[wanted] = runs.at_least_one(wanted, getattr(chosen, wanted))
            self.go_on(net, chosen)

    def resuming(self, directory: Path) -> str:
        """The command that goes on with a run."""
        return f"spikesim resume {directory}{self.option}"

    def info(self, chosen: argparse.Namespace) -> None:
        """Say what was trained and how far it came."""
        net = self.network.load(chosen.directory / RUN_FILE)
        options = ", ".join(f"{name}={value}" for name, value in net.parameters.others().items())
        runs.print_rows(
            {
                "model": self.title,
                "layers": "-".join(map(str, net.sizes)),
                self.SUBJECT: noted(net, self.SUBJECT),
                "seed": net.seed,
                **self.progress(net),
                "options": options or "the defaults",
                **self.outcome(net),
                "files": ", ".join(sorted(path.name for path in chosen.directory.iterdir())),
            }
        )

    def export(self, chosen: argparse.Namespace) -> None:
        """Write the recorded spikes as CSV, or the weights as NPZ."""
        export(chosen, self.network)
