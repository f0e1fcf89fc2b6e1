"""Where a network runs: on a core or several, in plain Python, or on a GPU."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from spikesim.checks import check_choice
from spikesim.errors import InputError
from spikesim.kernels.machine.cores import cores, workers

__all__ = ["BACKENDS", "available", "backend", "check_backend", "cores", "device_name"]

BACKENDS = {
    "cpu": "compiled by Numba, on one core, or on several in a long run where that is faster",
    "threads": "all cores from the start, where that is faster; threads:2 uses two, threads:1 one",
    "python": "plain Python: slow, for debugging and comparison",
    "cuda": "an NVIDIA GPU; cuda:1 is the second one",
}

_OTHER_NAMES = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "multicore": "threads",
    "multithreading": "threads",
    "parallel": "threads",
    "openmp": "threads",
    "numba": "cpu",
    "numpy": "python",
}


def check_backend(name: Any) -> str:
    """Return `name` if it names a backend, even one that cannot be used here.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_backend("cuda:1")
    'cuda:1'
    """
    if isinstance(name, str) and re.fullmatch(r"cuda:\d+|threads:[1-9]\d*", name):
        return name
    return str(check_choice("backend", name, list(BACKENDS), _OTHER_NAMES))


def available() -> dict[str, str]:
    """Backend → the reason why it cannot be used here; empty if it can.

    Examples
    --------
    >>> available()["cpu"]
    ''
    """
    from spikesim.kernels.machine.cuda import unavailable

    return {"cpu": "", "threads": "", "python": "", "cuda": unavailable()}


def device_name(device: int = 0) -> str:
    """The name of a GPU that the 'cuda' backend can use."""
    from spikesim.kernels.machine.cuda import provider

    name = getattr(provider().gpus[device], "name", b"the simulator of numba.cuda")
    return name.decode() if isinstance(name, bytes) else str(name)


def backend(name: str) -> Any:
    """The object that compiles and runs the programs of a network.

    Raises
    ------
    InputError
        If no backend has this name, or if it cannot be used here.
    """
    name = check_backend(name)
    if name == "cpu" and workers() > 1:
        return _growing(workers())
    if name in ("cpu", "threads:1"):
        from spikesim.kernels.machine import cpu

        return cpu
    if name == "python":
        from spikesim.kernels.machine import python

        return python
    kind, _, number = name.partition(":")
    if kind == "threads":
        return _threads(int(number or cores()))
    return cuda(int(number or 0))


@cache
def _threads(count: int) -> Any:
    from spikesim.kernels.machine.threads import Threads

    return Threads(count)


@cache
def _growing(count: int) -> Any:
    from spikesim.kernels.machine.threads import Growing

    return Growing(count)


@cache
def cuda(device: int) -> Any:
    from spikesim.kernels.machine.cuda import Cuda, unavailable

    reason = unavailable(device)
    if reason:
        raise InputError(f"backend is 'cuda', which cannot be used here: {reason}.")
    return Cuda(device)
