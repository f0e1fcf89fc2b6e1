"""How long until the first step: importing, compiling, starting again, in seconds.

    python benchmarks/start.py [--before CHECKOUT] [--repeats 5] [--only NAME ...] [--warmed]

Every case runs in its own process. *Cold* is with an empty kernel cache; *warm* is the same again.
In the other cases the cache holds a similar network: one parameter, size or equation has changed,
or a part was added. With --before everything is also done with another checkout, alternately, and
the last columns are ratios. Times are medians. They include the start of Python and the import,
except in rows that say otherwise.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

del os.environ["NUMBA_NUM_THREADS"], os.environ["SPIKESIM_TIER"]  # users set neither

ROOT = Path(__file__).resolve().parent.parent

README = """
from spikesim import LIF, Network, Poisson
net = Network(dt=0.1, seed=1)
source = net.add_population("source", {n}, Poisson)
source.rate[:] = 10.0
cells = net.add_population("cells", 50, LIF, tau={tau})
net.connect(source, cells, target="drive", weight=4.0, probability=0.3, delay=1.0)
net.connect(cells, cells, target="drive", weight=-2.0, probability=0.1, delay=1.5)
spikes = net.record_spikes(cells)
voltages = net.record(cells, ["v", "drive"], neurons=[0])
net.run(0.1)
"""

OWN = """
from spikesim import Network, Neuron
SLOPE = {slope}
def step(i, t, s, p):
    v = s.v[i] + p.dt * (SLOPE * s.v[i] * s.v[i] + 5.0 * s.v[i] + 140.0 - s.u[i] + s.I[i])
    s.u[i] = s.u[i] + p.dt * p.a * (p.b * v - s.u[i])
    s.spike[i] = v > 30.0
    s.v[i] = p.c if v > 30.0 else v
mine = Neuron(steps=[step], variables={{"v": -70.0, "u": -14.0, "I": 0.0}},
              parameters={{"a": 0.02, "b": 0.2, "c": -65.0}})
net = Network(dt=0.1)
cells = net.add_population("cells", 10, mine)
spikes = net.record_spikes(cells)
voltages = net.record(cells, "v")
net.run(0.1)
"""

IMAGES = """
from spikesim import datasets
from spikesim.models.{module} import {network} as Model
digits = datasets.load_digits()
net = Model({sizes}, seed=1{options})
net.fit(digits.train_images[:1], digits.train_labels[:1], epochs=1)
"""

SUPERSPIKE = """
from spikesim import patterns
from spikesim.models.superspike import SuperSpikeNetwork
shown = patterns.poisson(20, rate=10.0, duration=100.0, seed=1)
target = patterns.from_trains([[50.0]], duration=100.0)
net = SuperSpikeNetwork((20, 4, 1), seed=1)
net.fit(shown, target, blocks=1)
"""

MICROCIRCUIT = """
from spikesim.models import microcircuit
circuit = microcircuit.build(scale=0.01, seed=1)
circuit.run(0.1)
"""

MANY = """
from spikesim import DeltaLIF, Network
net = Network(dt=0.1, seed=1)
cells = [net.add_population(f"p{k}", 10, DeltaLIF) for k in range(12)]
for a in cells:
    for b in cells:
        net.connect(a, b, target="v", weight=0.1, probability=0.5, delay=1.0)
net.run(0.1)
"""

CHANGED = """
import time
begun = time.perf_counter()
{change}
net.run(0.1)
print(time.perf_counter() - begun)
"""

readme = README.format(n=200, tau=10.0)
images = {
    "segregated": IMAGES.format(
        module="segregated", network="SegregatedDendriteNetwork", sizes="(64, 100, 10)", options=""
    ),
    "burst": IMAGES.format(
        module="burst", network="BurstEnsembleNetwork", sizes="(64, 100, 10)", options=""
    ),
}


class Case(NamedTuple):
    """What is timed, and what runs before it to fill the cache; both are programs."""

    timed: str
    before: str = ""
    prints: bool = False  # its own figure, rather than that of the process


CASES = {
    "import": Case("import spikesim"),
    "readme, cold": Case(readme),
    "readme, warm": Case(readme, readme),
    "readme, a size changed": Case(README.format(n=300, tau=10.0), readme),
    "readme, a parameter changed": Case(README.format(n=200, tau=12.0), readme),
    "a constant of my neuron changed": Case(OWN.format(slope=0.05), OWN.format(slope=0.04)),
    "a recording added to a network": Case(
        readme + CHANGED.format(change='more = net.record(cells, "refractory")'), readme, True
    ),
    "a connection added to a network": Case(
        readme
        + CHANGED.format(
            change='net.connect(source, cells, target="drive", weight=1.0, delay=2.0, name="more")'
        ),
        readme,
        True,
    ),
    "segregated, cold": Case(images["segregated"]),
    "segregated, warm": Case(images["segregated"], images["segregated"]),
    "segregated, an option changed": Case(
        images["segregated"].replace("seed=1", "seed=1, symmetric=True"), images["segregated"]
    ),
    "three hidden layers, cold": Case(images["segregated"].replace("100, 10", "50, 40, 30, 10")),
    "superspike, cold": Case(SUPERSPIKE),
    "burst, cold": Case(images["burst"]),
    "microcircuit, cold": Case(MICROCIRCUIT),
    "144 projections, cold": Case(MANY),
}


def seconds(checkout: Path, program: str, cache: Path) -> tuple[float, str]:
    """How long a process with this program takes, and the last line that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", program]
    begun = timing.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    taken = timing.perf_counter() - begun
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr}\n{program}\ndoes not run with {checkout}.")
    return taken, done.stdout


def measured(checkout: Path, case: Case, warmed: Path | None) -> float:
    """One repetition of a case."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) if warmed is None else warmed
        if case.before:
            seconds(checkout, case.before, cache)
        taken, printed = seconds(checkout, case.timed, cache)
        return float(printed.split()[-1]) if case.prints else taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="another checkout")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases that begin so")
    parser.add_argument(
        "--warmed", action="store_true", help="with a cache that 'spikesim warmup' has filled"
    )
    chosen = parser.parse_args()
    print(f"{timing.machine()}, load {timing.load_average()}; seconds, {chosen.repeats} repeats")
    columns = f"{'now':>9}" + (f"{'before':>9}{'ratio':>8}" if chosen.before else "")
    print(f"{'':34}{columns}")
    with tempfile.TemporaryDirectory() as folder:
        warmed = Path(folder) if chosen.warmed else None
        if warmed is not None:
            taken, _ = seconds(ROOT, "from spikesim.cli import main; main(['warmup'])", warmed)
            print(f"{'warmup':34}{taken:9.2f}")
        for name, case in CASES.items():
            if chosen.only and not name.startswith(tuple(chosen.only)):
                continue
            now, before = [], []
            for _ in range(chosen.repeats):
                now.append(measured(ROOT, case, warmed))
                if chosen.before:
                    before.append(measured(chosen.before, case, None))
            line = f"{name:34}{median(now):9.2f}"
            if before:
                ratio = median(a / b for a, b in zip(now, before, strict=True))
                line += f"{median(before):9.2f}{ratio:8.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
