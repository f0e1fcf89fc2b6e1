"""Ordinary spiking networks: seconds per simulated second, ours beside Brian2 and NEST.

CUBA and COBA are the networks of Brette et al. (2007), 4,000 neurons; BRUNEL that of Brunel (2000),
12,500 neurons and 15.6 million synapses; MICROCIRCUIT that of Potjans & Diesmann (2014) with a
tenth of its neurons, which is not compared with Brian2. Steps are 0.1 ms; all spikes are recorded
to memory.

    python benchmarks/networks.py [--brian2 PYTHON] [--nest PYTHON] [--threads 2] [--out speed.png]

PYTHON is the interpreter of an environment with Brian2 or with NEST; a simulator that is not given
is left out. Brian2 (2.9 needs NumPy below 2.4) runs in C++ standalone mode, and with --cython also
in its run-time mode, which is its default. All run on the same cores, alternately, each time in a
new process.

Three times are measured: the simulation after 100 ms of warm-up (on one thread in seconds of the
processor, as others may use the machine); the construction of populations and synapses; and
compilation. Ours compiles into an empty cache ("first") or loads from the cache;
Brian2 calls the C++ compiler every time. Memory is the peak of the process that simulates. Rates
and the coefficients of variation (CV) of intervals are printed too, so that nobody is fast by being
wrong. spikesim and Brian2 run in float32 and in float64, and are compared in the same type; NEST
has float64 only.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
TYPES = ["float32", "float64"]
SECONDS = {"CUBA": 10.0, "COBA": 10.0, "BRUNEL": 2.0, "MICROCIRCUIT": 2.0}
Result = dict[str, Any]


@dataclass
class Tool:
    """A simulator and its type of numbers: the Python that has it, and options of our program."""

    simulator: str
    dtype: str
    python: Path
    options: list[str]
    environment: dict[str, str]
    mode: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.simulator, self.mode, self.dtype)))

    def takes(self, kind: str) -> bool:
        return not (self.simulator == "Brian2" and kind == "MICROCIRCUIT")

    def run(self, kind: str, seconds: float, seed: int) -> Result:
        """Run a network in a process; return what `networks_shared.report` prints."""
        program = str(HERE / f"networks_{self.simulator.lower()}.py")
        command = [str(self.python), program, kind, "--seconds", str(seconds), "--seed", str(seed)]
        command += ["--double"] * (self.dtype == "float64") + ["--cython"] * (self.mode == "Cython")
        done = subprocess.run(
            command + self.options,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name} failed with {kind}:\n{done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])


def compare(tools: list[Tool], kind: str, seconds: float, repeats: int) -> dict[str, list[Result]]:
    """All results of one network, by tool; our first ones are those with an empty cache."""
    able = [tool for tool in tools if tool.takes(kind)]
    results = {
        tool.name: [tool.run(kind, 0.1, seed=1)] if tool.simulator == "spikesim" else []
        for tool in able
    }
    for seed in range(1, repeats + 1):
        for tool in able:
            results[tool.name].append(tool.run(kind, seconds, seed))
    return results


def middle(runs: list[Result], key: str) -> float:
    """The median of one of the numbers."""
    return median(run[key] for run in runs)


def print_table(kind: str, seconds: float, results: dict[str, list[Result]]) -> dict[str, float]:
    """Print the measurements of one network; return seconds per simulated second."""
    first = {name: runs.pop(0) for name, runs in results.items() if name.startswith("spikesim")}
    some = next(iter(first.values()))
    versions = dict.fromkeys(runs[0]["version"] for runs in results.values())
    print(f"\n{kind}: {some['synapses']:,} synapses, {seconds:g} s simulated")
    print("; ".join(versions))
    print(f"{'':24}{'s per':>12}{'times':>8}{'built':>9}{'compiled (s)':>16}{'memory':>9}")
    print(f"{'':24}{'simulated s':>12}{'ours':>8}{'in s':>9}{'first':>8}{'later':>8}{'(MB)':>9}")
    speeds = {name: middle(runs, "simulation") / seconds for name, runs in results.items()}
    for name, runs in results.items():
        later = middle(runs, "compilation")
        at_first = first[name]["compilation"] if name in first else later
        dtype = name.split()[-1]
        ratio = speeds[name] / speeds.get(f"spikesim {dtype}", nan)
        print(
            f"{name:24}{speeds[name]:12.4f}{ratio:8.1f}"
            f"{middle(runs, 'build'):9.1f}{at_first:8.1f}{later:8.1f}{middle(runs, 'memory'):9.0f}"
        )
    names = "".join(f"{name:>12}{'CV':>6}" for name in some["activity"])
    print(f"\n{'rate (Hz), CV':24}{names}")
    for name, runs in results.items():
        cells = []
        for population in some["activity"]:
            rates, cvs = zip(*(run["activity"][population] for run in runs), strict=True)
            cells.append(f"{median(rates):12.2f}{median(cvs):6.2f}")
        print(f"{name:24}" + "".join(cells), flush=True)
    return speeds


def plot(speeds: dict[str, dict[str, float]], threads: int, out: Path) -> None:
    """Draw bars: seconds per simulated second, by network and simulator."""
    # Imported late, because the peak memory of a new process begins with its parent's size.
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for by_name in speeds.values() for name in by_name))
    colours = {
        **{"spikesim float32": "#0072b2", "spikesim float64": "#56b4e9"},
        **{"Brian2 float32": "#d55e00", "Brian2 float64": "#e69f00"},
        **{"Brian2 Cython float32": "#7f7f7f", "Brian2 Cython float64": "#b0b0b0"},
        "NEST float64": "#009e73",
    }
    figure, ax = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        places = [i for i, by_name in enumerate(speeds.values()) if name in by_name]
        heights = [by_name[name] for by_name in speeds.values() if name in by_name]
        left = [i + (k - 0.5 * (len(names) - 1)) * width for i in places]
        bars = ax.bar(left, heights, 0.92 * width, color=colours[name], label=name)
        numbers = ax.bar_label(bars, [f"{height:.2g}" for height in heights], padding=2, fontsize=7)
        for number in numbers:  # drawn in front of the line
            number.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    ax.set_yscale("log")
    ax.margins(y=0.15)
    ax.set_xticks(range(len(speeds)), list(speeds))
    used = "1 thread" if threads == 1 else f"{threads} threads"
    ax.set_ylabel(f"seconds per simulated second, {used}")
    ax.axhline(1.0, color="0.5", linewidth=0.8, linestyle="--", zorder=0, label="real time")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper center", ncols=3)
    figure.savefig(out, dpi=150)
    print(f"\nwrote {out}")


def main() -> None:
    """Print the tables and draw the figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--brian2", type=Path, help="a Python that has Brian2")
    parser.add_argument("--nest", type=Path, help="a Python that has NEST")
    parser.add_argument("--networks", nargs="+", choices=SECONDS, default=list(SECONDS))
    parser.add_argument("--seconds", type=float, help="of simulated time, for all networks")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--core", type=int, default=0, help="the first core that all run on")
    parser.add_argument("--scale", type=float, default=0.1, help="of the microcircuit")
    parser.add_argument("--types", nargs="+", choices=TYPES, default=TYPES, help="of numbers")
    parser.add_argument("--cython", action="store_true", help="Brian2 also in its run-time mode")
    parser.add_argument("--out", type=Path, help="a file for the figure")
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(chosen.core, chosen.core + chosen.threads))

    options = ["--threads", str(chosen.threads), "--scale", str(chosen.scale)]
    threads = {name: str(chosen.threads) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    print(f"{timing.machine()}, {os.cpu_count()} cores; threads: {chosen.threads}")
    print(f"{chosen.repeats} repeats, alternately, medians; load {timing.load_average()}")
    with tempfile.TemporaryDirectory() as cache:
        own = {**threads, "NUMBA_CACHE_DIR": cache}
        python = Path(sys.executable)
        tools = [Tool("spikesim", dtype, python, options, own) for dtype in chosen.types]
        for mode in ("", "Cython") if chosen.cython else ("",):
            for dtype in chosen.types if chosen.brian2 else ():
                tools.append(Tool("Brian2", dtype, chosen.brian2, options, threads, mode))
        if chosen.nest:
            tools.append(Tool("NEST", "float64", chosen.nest, options, threads))
        speeds = {}
        for kind in chosen.networks:
            seconds = chosen.seconds or SECONDS[kind]
            results = compare(tools, kind, seconds, chosen.repeats)
            part = f" / {1.0 / chosen.scale:g}" if kind == "MICROCIRCUIT" else ""
            speeds[kind + part] = print_table(kind, seconds, results)
    if chosen.out:
        plot(speeds, chosen.threads, chosen.out)
    print(f"\nload at the end: {timing.load_average()}")


if __name__ == "__main__":
    main()
