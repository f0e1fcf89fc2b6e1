"""Speed and memory of this checkout beside those of another one: did a change cost anything?

    python benchmarks/beside.py CHECKOUT [--repeats 5] [--only NAME ...]

Every run has its own process, and the two checkouts take turns. *Steady* is the time of a unit of
work (a simulated second, an image, a block) once everything is compiled. *Memory* is the peak of
that process. *2 s* is the time that a new process needs for two seconds of such work, if the kernel
cache has the equations but not the network. Ratios are medians of pairs.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

del os.environ["SPIKESIM_TIER"]  # each run says which

ROOT = Path(__file__).resolve().parent.parent

NETWORK = """
import sys
sys.path.insert(0, {benchmarks!r})
from networks_shared import Arguments
from networks_spikesim import build
net = build(Arguments("{kind}", 1.0, 1, 1, 0.1, {double}))
for population in net.populations.values():
    net.record_spikes(population)
def work(units):
    net.run(100.0 * units)
"""

NEURONS = """
import numpy as np
from spikesim import Network, {model} as Model
net = Network(dt=0.1, seed=1)
cells = net.add_population("cells", 4000, Model{given})
cells.v[:] = np.random.default_rng(1).uniform(-70.0, -50.0, cells.n)
{then}
def work(units):
    net.run(100.0 * units)
"""

IMAGES = """
from spikesim import datasets
from spikesim.models.{module} import {network} as Model
data = datasets.{load}()
net = Model({sizes}, seed=1)
def work(units):
    net.fit(data.train_images[:1000], data.train_labels[:1000], epochs=units)
"""

SUPERSPIKE = """
from spikesim import patterns
from spikesim.models.superspike import SuperSpikeNetwork
shown = patterns.poisson(100, rate=10.0, duration=500.0, seed=1)
target = patterns.from_trains([[250.0]], duration=500.0)
net = SuperSpikeNetwork((100, 4, 1), seed=1)
def work(units):
    net.fit(shown, target, blocks=units)
"""

MEASURED = """
import json, resource, time
work(1)
begun = time.perf_counter()
work({units})
taken = time.perf_counter() - begun
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


class Case(NamedTuple):
    """A program that defines ``work(units)``, and how many units take about two seconds."""

    program: str
    units: int


def _network(kind: str, units: int, double: bool = False) -> Case:
    folder = str(ROOT / "benchmarks")
    return Case(NETWORK.format(benchmarks=folder, kind=kind, double=double), units)


def _neurons(model: str, units: int, given: str = "", then: str = "") -> Case:
    return Case(NEURONS.format(model=model, given=given, then=then), units)


def _images(
    module: str,
    network: str,
    units: int,
    load: str = "load_digits",
    sizes: tuple[int, ...] = (64, 100, 10),
) -> Case:
    return Case(IMAGES.format(module=module, network=network, load=load, sizes=sizes), units)


CASES = {
    "CUBA": _network("CUBA", 800),
    "COBA": _network("COBA", 400),
    "COBA in float64": _network("COBA", 200, double=True),
    "LIF alone": _neurons("LIF", 2000, given=", I=16.0"),
    "AdEx alone": _neurons("AdEx", 1000, then="cells.I[:] = 900.0"),
    "Izhikevich alone": _neurons("Izhikevich", 1500, then="cells.I[:] = 10.0"),
    "Brunel": _network("BRUNEL", 20),
    "microcircuit, a tenth": _network("MICROCIRCUIT", 120),
    "segregated": _images("segregated", "SegregatedDendriteNetwork", 20),
    "segregated, MNIST": _images(
        "segregated", "SegregatedDendriteNetwork", 7, "load_mnist", (784, 500, 10)
    ),
    "burst": _images("burst", "BurstEnsembleNetwork", 100),
    "superspike": Case(SUPERSPIKE, 120),
}


def run(checkout: Path, program: str, cache: Path, **variables: str) -> tuple[float, Any]:
    """How long a process takes, and the last line that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "XDG_CACHE_HOME": str(cache)}
    begun = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,  # where Python looks first
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    taken = perf_counter() - begun
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr}\n{program}\ndoes not run with {checkout}.")
    return taken, json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="the other checkout")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases that begin so")
    chosen = parser.parse_args()
    print(f"{timing.machine()}, load {timing.load_average()}; {chosen.repeats} repeats, one thread")
    print(f"{'':24}{'steady (s)':>20}{'memory (MB)':>20}{'2 s of work (s)':>20}")
    print(f"{'':24}" + 3 * f"{'now':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            if chosen.only and not name.startswith(tuple(chosen.only)):
                continue
            print(
                f"{name:24}{_row(case, chosen.checkout, chosen.repeats, Path(folder))}", flush=True
            )


def _row(case: Case, other: Path, repeats: int, folder: Path) -> str:
    program = case.program + MEASURED.format(units=case.units)
    checkouts = {"now": ROOT, "before": other}
    for which, checkout in checkouts.items():
        for tier in ("phases", "fused"):
            cache = folder / which / tier
            run(checkout, case.program + MEASURED.format(units=1), cache, SPIKESIM_TIER=tier)
    steady, memory, whole = ([] for _ in range(3))
    for _ in range(repeats):
        found = {}
        for which, checkout in checkouts.items():
            _, (taken, most) = run(
                checkout, program, folder / which / "fused", SPIKESIM_TIER="fused"
            )
            known = folder / "known"
            shutil.copytree(folder / which / "phases", known)
            process, _ = run(checkout, program, known)
            shutil.rmtree(known)
            found[which] = taken, most, process
        for column, now, before in zip(
            (steady, memory, whole), found["now"], found["before"], strict=True
        ):
            column.append((now, now / before))
    return "".join(
        f"{median(value for value, _ in column):12.2f}{median(ratio for _, ratio in column):8.3f}"
        for column in (steady, memory, whole)
    )


if __name__ == "__main__":
    main()
