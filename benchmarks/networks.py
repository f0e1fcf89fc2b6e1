"""Ordinary spiking networks: seconds per simulated second, ours beside Brian2's C++.

The networks of Brette et al. (2007), 4,000 neurons, steps of 0.1 ms, all spikes recorded, on one
core, alternately, in one run. Rates are printed too, so that nobody is fast by being wrong. Timed
is the simulation alone; compilation and construction are given apart.

    python benchmarks/networks.py [--brian2 PYTHON] [--seconds 10] [--repeats 3]

PYTHON is that of an environment with Brian2, which runs in C++ standalone mode with one thread.
Without it only ours is timed.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import importlib.util
import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType

HERE = Path(__file__).resolve().parent
KINDS = ("CUBA", "COBA")


def ours(example: ModuleType, kind: str, seconds: float, seed: int) -> tuple[float, float, float]:
    """Seconds of the simulation, of construction and compilation, and the rate in Hz."""
    begin = perf_counter()
    net, spikes = example.build(kind, seed)
    net.run(net.dt)
    before = perf_counter() - begin
    begin = perf_counter()
    net.run(1000.0 * seconds)
    simulated = perf_counter() - begin
    total = sum(part.t.size for part in spikes.values())
    return simulated, before, total / (4000 * seconds)


def brian2(python: Path, kind: str, seconds: float, seed: int) -> tuple[float, float, float]:
    """The same of Brian2."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(HERE / "networks_brian2.py")
        command = [str(python), program, kind, str(seconds), str(seed), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    simulated, whole, rate = json.loads(done.stdout.strip().splitlines()[-1])
    return simulated, whole - simulated, rate


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\\n")[0])
    parser.add_argument("--brian2", type=Path, help="a Python that has Brian2")
    parser.add_argument("--seconds", type=float, default=10.0, help="of simulated time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the core that both run on")
    chosen = parser.parse_args()
    spec = importlib.util.spec_from_file_location(
        "balanced_networks", HERE.parent / "examples" / "balanced_networks.py"
    )
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    print(f"{timing.cpu_name()}, {os.cpu_count()} cores, one used; load {timing.load_average()}")
    print(f"{chosen.repeats} repeats of {chosen.seconds:g} s, alternately, medians\n")
    print(f"{'':18}{'s per simulated s':>18}{'before (s)':>12}{'rate (Hz)':>11}")
    for kind in KINDS:
        results: dict[str, list[tuple[float, float, float]]] = {}
        for seed in range(1, chosen.repeats + 1):
            results.setdefault("spikesim", []).append(ours(example, kind, chosen.seconds, seed))
            if chosen.brian2:
                result = brian2(chosen.brian2, kind, chosen.seconds, seed)
                results.setdefault("Brian2", []).append(result)
        speeds = {}
        for name, runs in results.items():
            simulated, before, rate = (median(column) for column in zip(*runs, strict=True))
            speeds[name] = simulated / chosen.seconds
            print(f"{kind:6}{name:12}{speeds[name]:18.4f}{before:12.1f}{rate:11.2f}", flush=True)
        if chosen.brian2:
            print(f"{kind:6}{'ratio':12}{speeds['Brian2'] / speeds['spikesim']:18.1f}")
    print(f"\nload at the end: {timing.load_average()}")


if __name__ == "__main__":
    main()
