"""What the side-by-side timings share: one core, fused programs, wall and CPU time, a table's line.

Import it before NumPy, whose libraries take the number of threads when they are loaded.
"""

import os

os.environ.update(
    dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "NUMBA_NUM_THREADS",
        ),
        "1",
    )
)

os.environ.setdefault("SPIKESIM_TIER", "fused")  # the tier that long runs reach

import contextlib
import multiprocessing
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple


class Timing(NamedTuple):
    """Wall and CPU time of one repetition; from `timed`, in milliseconds per training example."""

    wall: float
    cpu: float


def timed(work: Callable[[], object], examples: int) -> Timing:
    """Run `work` once; it trains on `examples` examples."""
    wall, cpu = perf_counter(), process_time()
    work()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    return Timing(1e3 * wall / examples, 1e3 * cpu / examples)


def in_new_process(work: Callable[..., Timing], *args: object) -> Timing:
    """Call `work(*args)` in a new interpreter, so that it shares no imports with ours."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *args).result()


def machine() -> str:
    """The name of the processor, according to the system, and the tier in which spikesim runs."""
    tier = os.environ.get("SPIKESIM_TIER")
    return _cpu_name() + (f", SPIKESIM_TIER={tier}" if tier else "")


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load_average() -> str:
    """Load average over 1, 5 and 15 minutes."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def row(name: str, examples: int, timings: list[Timing]) -> str:
    """One line of the table."""
    wall, cpu = zip(*timings, strict=True)
    return f"{name:<10}{examples:>9}{median(wall):>11.3f}{min(wall):>11.3f}{median(cpu):>13.3f}"
