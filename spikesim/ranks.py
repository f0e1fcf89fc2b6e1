"""The processes that run one script together, started by ``mpirun -n 4 python script.py``.

Each of them is a *rank*, and all make the same calls in the same order. Before ranks exchange
anything, they meet: each says what it is about to do. If they differ, an error names the ranks. So
a rank that takes another branch of the script, or ends early, stops the others, which would wait
for it for ever. A rank that fails ends all.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np

from spikesim.errors import InputError, SimulationError, SpikesimWarning
from spikesim.extras import needed

__all__ = ["HEADER", "World", "reason_against", "world"]

HEADER = 10
"""How many whole numbers of 32 bits come before what a rank sends: 5 of 64 bits."""

WHAT, STEP, FLAG, NUMBER, FILL = range(5)
"""Places in the header: what is done, in which step; two numbers; how much is sent."""

_ENDED = "the end of the script"
_ACTIONS = [_ENDED, "run", "exchange of spikes", "end of a stretch", "compilation", "state"]
_ACTIONS += ["restore", "close of a recording"]
_LEAST = 64  # whole numbers that a rank sends at least
_PATIENCE = 1.0  # s for which a rank that failed waits for rank 0 to fail for the same reason


class World:
    """All ranks, as one of them sees them.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
        Nobody else uses it.

    Attributes
    ----------
    rank, size : int
        The number of this rank, from 0 on, and how many there are.
    block : int
        How many whole numbers each rank sends when they meet. All have to agree on it.
    waited : float
        How long this rank has exchanged spikes, or waited for others to do so, in s.
    """

    def __init__(self, communicator: Any):
        self.communicator = communicator
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()
        self.block = _LEAST
        self.waited = 0.0
        self._is_over = self.size == 1

    def meet(self, action: str, step: int = 0, flag: int = 0, number: int = 0) -> np.ndarray:
        """Wait for all ranks to do the same; return the headers of all, shape (ranks, 5).

        Raises
        ------
        SimulationError
            If another rank does something else, or has ended.
        """
        sent = np.zeros(self.block, np.int32)
        return self._meet(
            sent, np.zeros(self.size * self.block, np.int32), action, step, flag, number
        )

    def exchange(
        self, sent: np.ndarray, received: np.ndarray, fill: int, step: int, flag: int
    ) -> bool:
        """Let every rank have what each of them sends; return whether any of them has the flag.

        Parameters
        ----------
        sent : numpy.ndarray of int32
            The first `HEADER` numbers are written here.
        received : numpy.ndarray of int32
            Rank r's begins at ``r * block``.
        fill : int
            How many numbers of `sent` count.
        step, flag : int
        """
        begun = time.perf_counter()
        headers = self._meet(sent, received, "exchange of spikes", step, flag, fill=fill)
        most = int(headers[:, FILL].max())
        if most > self.block:
            self.block = 1 << (most - 1).bit_length()
            self._send(sent, received)
        self.waited += time.perf_counter() - begun
        return bool(headers[:, FLAG].any())

    def _meet(
        self,
        sent: np.ndarray,
        received: np.ndarray,
        action: str,
        step: int = 0,
        flag: int = 0,
        number: int = 0,
        fill: int = 0,
    ) -> np.ndarray:
        own = sent[:HEADER].view(np.int64)
        own[:] = _ACTIONS.index(action), step, flag, number, fill
        headers = self._send(sent, received)
        if (headers[:, : STEP + 1] != own[: STEP + 1]).any():
            self._is_over = True
            raise SimulationError(self._difference(headers))
        return headers

    def _send(self, sent: np.ndarray, received: np.ndarray) -> np.ndarray:
        n = self.block
        self.communicator.Allgather([sent, n, _mpi().INT], [received, n, _mpi().INT])
        blocks = received[: self.size * n].reshape(self.size, n)
        return blocks[:, :HEADER].copy().view(np.int64)

    def _difference(self, headers: np.ndarray) -> str:
        said = [_ACTIONS[h[WHAT]] + (f" in step {h[STEP]}" if h[WHAT] else "") for h in headers]
        parts = []
        for what in dict.fromkeys(said):
            ranks = [str(r) for r in range(self.size) if said[r] == what]
            parts.append(f"rank{'s' * (len(ranks) > 1)} {', '.join(ranks)}: {what}")
        return (
            f"The ranks do different things ({'; '.join(parts)}); all have to make the same calls "
            "in the same order, so only print, plot and the like may depend on net.rank."
        )

    def gather(self, pieces: Sequence[tuple[np.ndarray, Sequence[Any]]]) -> None:
        """Complete arrays, of which each rank has some columns.

        Parameters
        ----------
        pieces : sequence of (numpy.ndarray, sequence of slice or numpy.ndarray of int)
            An array, and which columns (of its last axis) each rank has.
        """
        if self.size == 1 or not pieces:
            return
        lengths = np.zeros(self.size, np.int64)
        for array, columns in pieces:
            for rank, chosen in enumerate(columns):
                lengths[rank] += _bytes(array, chosen)
        own = [np.ascontiguousarray(a[..., c[self.rank]]).reshape(-1) for a, c in pieces]
        sent = np.concatenate([each.view(np.uint8) for each in own])
        received = np.empty(int(lengths.sum()), np.uint8)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        layout = lengths.tolist(), starts[:-1].tolist()
        self.communicator.Allgatherv([sent, _mpi().BYTE], [received, layout, _mpi().BYTE])
        for rank in range(self.size):
            place = int(starts[rank])
            for array, columns in pieces:
                length = _bytes(array, columns[rank])
                if rank != self.rank and length:
                    shape = array[..., columns[rank]].shape
                    found = received[place : place + length].view(array.dtype)
                    array[..., columns[rank]] = found.reshape(shape)
                place += length

    def collect(self, array: np.ndarray, everywhere: bool) -> list[np.ndarray] | None:
        """The arrays of all ranks, which may differ in length: on rank 0, or everywhere."""
        if self.size == 1:
            return [array]
        array = np.ascontiguousarray(array)
        sizes = self.communicator.allgather(array.size)
        wanted = everywhere or self.rank == 0
        received = np.empty(sum(sizes) if wanted else 0, array.dtype)
        into = [received, sizes] if wanted else None
        if everywhere:
            self.communicator.Allgatherv(array, into)
        else:
            self.communicator.Gatherv(array, into, root=0)
        return np.split(received, np.cumsum(sizes)[:-1]) if wanted else None

    # -------------------------------------------------------------------------------- the end

    def leave(self) -> None:
        """Tell the others that this rank ends; wait until they do, too."""
        if not self._is_over:
            self._is_over = True
            sent = np.zeros(self.block, np.int32)
            received = np.zeros(self.size * self.block, np.int32)
            sent[:HEADER].view(np.int64)[:] = _ACTIONS.index(_ENDED), 0, 0, 0, 0
            self._send(sent, received)

    def fail(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """End all ranks after an error that nobody has caught in this one."""
        self._is_over = True
        if self.rank > 0:
            time.sleep(_PATIENCE)
        if issubclass(kind, KeyboardInterrupt):
            said = f"Stopped{f': {error}' if str(error) else ' by Ctrl-C or SIGTERM.'}\n"
        elif issubclass(kind, SimulationError):
            said = f"{kind.__name__}: {error}\n"
        else:
            said = "".join(traceback.format_exception(kind, error, trace))
        sys.stdout.flush()
        print(f"rank {self.rank}: {said}", end="", file=sys.stderr, flush=True)
        self.communicator.Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)


def _bytes(array: np.ndarray, columns: Any) -> int:
    rows = array.size // max(array.shape[-1], 1)
    if isinstance(columns, slice):
        return rows * (columns.stop - columns.start) * array.itemsize
    return rows * len(columns) * array.itemsize


@cache
def _mpi() -> Any:
    return needed("mpi4py.MPI", "backend 'mpi'", "cluster")


_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE")


def reason_against() -> str:
    """Why no script can run on several ranks here; '' if it can."""
    try:
        needed("mpi4py", "backend 'mpi'", "cluster")
    except InputError as error:
        return str(error).rstrip(".")
    return ""


@cache
def world() -> World:
    """All ranks that were started with this one.

    Raises
    ------
    InputError
        If mpi4py or an MPI library is missing, or if it is not that of mpirun.
    """
    try:
        mpi = _mpi()
    except (RuntimeError, OSError) as error:  # mpi4py without an MPI library
        reason = " ".join(str(error).split())
        raise InputError(
            f"backend is 'mpi', but mpi4py finds no MPI library ({reason}); install Open MPI or "
            "MPICH, for example by apt-get install openmpi-bin."
        ) from None
    common = mpi.COMM_WORLD
    started = max((int(os.environ.get(name) or 1) for name in _SIZES), default=1)
    if started > 1 == common.Get_size():
        raise InputError(
            f"backend is 'mpi', and mpirun has started {started} processes, but mpi4py uses "
            f"another MPI library ({mpi.Get_library_version().split(',')[0]}), which knows of one; "
            "start them with the mpirun of that library, or install mpi4py for this one."
        )
    found = World(common.Dup())
    if found.size > 1:
        sys.excepthook = found.fail
        atexit.register(found.leave)
        if found.rank > 0:
            warnings.filterwarnings("ignore", category=SpikesimWarning)
    return found
