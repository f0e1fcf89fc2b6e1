"""How threads share one program: each takes its share of the indices, then all meet.

To meet is to wait until all threads have arrived. A Phase that runs by itself has two meetings:
after `over`, so that no body changes anything before all threads have called it, and when all are
done. In a fused program threads meet once for each stage; see `spikesim.kernels.machine.staging`.
A meeting takes 0.1 to 0.5 us if every thread has its own core.
"""

from __future__ import annotations

import os

from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from spikesim.kernels.machine.jobs import ARRIVED, MEETINGS, STOPPED, Stopped

__all__ = ["LOOPS", "meet", "nothing", "sched_yield", "take", "turned"]

POSITIVE = (1 << 62) - 1
_SPINS = 2000  # how often a waiting thread looks before it lets others have its core


@intrinsic
def add_at(typing, array, place, value):
    """``array[place] += value``, atomically; returns the value before."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature, arguments)
        return builder.atomic_rmw("add", pointer, arguments[2], "acq_rel")

    return array.dtype(array, types.intp, types.int64), generate


@intrinsic
def look_at(typing, array, place):
    """``array[place]``, read from memory; what other threads wrote before it is then seen too."""

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature, arguments)
        return builder.load_atomic(pointer, "acquire", 8)

    return array.dtype(array, types.intp), generate


def _pointer(context, builder, signature, arguments):
    array = make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


sched_yield = types.ExternalFunction("sched_yield", types.intc()) if os.name == "posix" else None


def nothing():
    pass


def each(t, s, p, m):
    """The loop over one Phase, for one thread."""
    count = over(t, s, p)  # noqa: F821 - bound when compiled
    meet(m)  # all threads have called `over`; from now on bodies may change what it reads
    if count > 0:
        take(count, t, s, p, m)
        meet(m)


def each_of_neurons(t, s, p, m):
    """The same for a Phase after which threads need not meet; see `neurons` of `Phase`."""
    take(over(t, s, p), t, s, p, m)  # noqa: F821


LOOPS = {"meeting": each, "neurons": each_of_neurons, "share": each_of_neurons}


def take(count, t, s, p, m):
    """This thread's share of the indices."""
    lane, lanes, _ = m
    # Written like this, the compiler sees that no index is negative, and vectorises.
    i = (lane * count // lanes) & POSITIVE
    last = ((lane + 1) * count // lanes) & POSITIVE
    while i < last:
        body(i, t, s, p)  # noqa: F821
        i += 1


def turned(m, turn):
    """The same meeting, in which another thread is the last, the one that takes a single call.

    Turns go to and fro (0, 1, 2, 2, 1, 0 for three threads), as large and small populations often
    alternate.
    """
    lane, lanes, barrier = m
    place = turn % (2 * lanes)
    return (lane + min(place, 2 * lanes - 1 - place)) % lanes, lanes, barrier


def meet(m):
    """Wait until all threads are here."""
    _, lanes, barrier = m
    if lanes == 1:
        return
    meeting = look_at(barrier, MEETINGS)
    if add_at(barrier, ARRIVED, 1) == lanes - 1:
        add_at(barrier, ARRIVED, -lanes)
        add_at(barrier, MEETINGS, 1)
    else:
        spins = 0
        while look_at(barrier, MEETINGS) == meeting:
            spins += 1
            if spins > _SPINS:
                rest()  # noqa: F821
                if look_at(barrier, STOPPED) != 0:
                    raise Stopped
