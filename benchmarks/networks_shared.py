"""Shared by the programs of `networks.py`, one per simulator: arguments, numbers, report.

This file needs NumPy alone, so that it can be imported where spikesim is not installed.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np

DT = 0.1  # ms
WARM_UP = 100.0  # ms before the part that is timed and measured
CUBA_WEIGHTS = {"exc": 1.62, "inh": -9.0}  # mV
COBA_WEIGHTS = {"exc": 0.6, "inh": 6.7}  # in units of the leak conductance
# Poisson input that starts COBA, as in Brette et al. (2007); without it activity often dies out.
KICK_RATE, KICK_WEIGHT, KICK_END = 300.0, 1.8, 50.0  # Hz, leak conductances, ms


class Brunel(NamedTuple):
    """Brunel (2000, J. Comput. Neurosci. 8:183), model A, in its asynchronous irregular regime."""

    sizes: tuple[int, int] = (10_000, 2_500)  # excitatory, inhibitory
    indegrees: tuple[int, int] = (1000, 250)
    J: float = 0.1  # mV
    g: float = 5.0
    tau: float = 20.0  # ms
    threshold: float = 20.0  # mV
    V_reset: float = 10.0  # mV
    # ms from the input that makes a neuron fire to the first that counts again; NEST and Brian2
    # start to count one step later, and so get dt less
    refractory: float = 2.0
    delay: float = 1.5  # ms
    external: int = 1000  # synapses from outside
    external_rate: float = 20.0  # Hz each: twice threshold / (J external tau)


BRUNEL = Brunel()


class Arguments(NamedTuple):
    """The arguments that `networks.py` passes to one simulator."""

    kind: str
    seconds: float  # simulated
    seed: int
    threads: int
    scale: float  # of the microcircuit
    double: bool  # float64 in spikesim and Brian2; NEST always uses it
    cython: bool = False  # Brian2 calls compiled steps from Python, instead of one program


def arguments(doc: str | None) -> Arguments:
    """Read the command line of a program."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("kind", choices=["CUBA", "COBA", "BRUNEL", "MICROCIRCUIT"])
    parser.add_argument("--seconds", type=float, default=1.0, help="of simulated time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.1, help="of the microcircuit")
    parser.add_argument("--double", action="store_true", help="float64, in spikesim and Brian2")
    parser.add_argument("--cython", action="store_true", help="Brian2's run-time mode")
    return Arguments(**vars(parser.parse_args()))


def clock(threads: int) -> Callable[[], float]:
    """The clock of a simulation, in seconds: the processor's where there is one thread.

    Others may use the machine. The processor time of several threads would be their sum.
    """
    return process_time if threads == 1 else perf_counter


def irregularity(times: np.ndarray, neurons: np.ndarray) -> float:
    """The mean coefficient of variation of intervals of neurons with at least five spikes."""
    order = np.lexsort((times, neurons))
    times, neurons = times[order], neurons[order]
    starts = np.flatnonzero(np.diff(neurons, prepend=-1))
    counts = np.diff(starts, append=neurons.size)
    trains = zip(starts[counts >= 5], counts[counts >= 5], strict=True)
    intervals = [np.diff(times[start : start + count]) for start, count in trains]
    return float(np.mean([each.std() / each.mean() for each in intervals] or [np.nan]))


def peak_memory() -> float:
    """The peak memory of this process, in MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e6 / 1024)  # bytes there, KiB here


def report(
    *,
    version: str,
    simulation: float,
    build: float,
    compilation: float,
    memory: float,
    synapses: int,
    spikes: dict[str, tuple[np.ndarray, np.ndarray, int]],
    seconds: float,
) -> None:
    """Print the results for `networks.py`, as a line of JSON.

    Parameters
    ----------
    version : str
    simulation, build, compilation : float
        Seconds of the simulation, of making populations and synapses, and of making the program.
    memory : float
        Peak of the process that simulates, in MB.
    synapses : int
    spikes : dict
        Population → times in ms, neurons, and how many neurons it has; the warm-up is left out.
    seconds : float
        Of simulated time.
    """
    activity = {}
    for name, (times, neurons, n) in spikes.items():
        is_late = times >= WARM_UP
        rate = np.count_nonzero(is_late) / (n * seconds)
        activity[name] = [rate, irregularity(times[is_late], neurons[is_late])]
    print(
        json.dumps(
            {
                "version": version,
                "simulation": simulation,
                "build": build,
                "compilation": compilation,
                "memory": memory,
                "synapses": int(synapses),
                "activity": activity,
            }
        )
    )
