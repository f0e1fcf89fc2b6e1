"""Millions of steps: ``python -m tests.reliability long_runs --steps 10000000``.

A small network runs with its spikes and some voltages streamed to files. Memory has to stay flat
once the run has warmed up, and each file has to have the size that was predicted, from the rates of
a short run before it. Prints a table; fails if memory grows or a size is off by more than a tenth.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from spikesim import LIF, Network, Poisson, SpikeRecording
from spikesim.engine.population import Population

# Steps in which memory may grow: HDF5 2 keeps the last 8 MB of every dataset, 5 of them here, and
# writes nothing before; that is a million spikes.
WARM_UP = 2_000_000
PILOT = 50_000  # steps of the run that the rates are taken from
LIMIT = 4.0  # MB that memory may grow by
OFF = 0.1  # by which part a file may differ from its prediction


class Sample(NamedTuple):
    """How far a run is, the memory of its process in MB, and the bytes of its files so far."""

    step: int
    memory: float
    written: int


class Outcome(NamedTuple):
    """What a run was like: samples, and by name the size of each file and the one predicted."""

    samples: list[Sample]
    sizes: dict[str, tuple[int, int]]

    @property
    def growth(self) -> float:
        """By how many MB memory grew at the most after the warm-up."""
        later = [sample.memory for sample in self.samples if sample.step > WARM_UP]
        return max(later) - later[0]

    @property
    def error(self) -> float:
        """How far a file is from its prediction at the most, as a part of it."""
        return max(abs(size / predicted - 1.0) for size, predicted in self.sizes.values())


def memory() -> float:
    """The memory of this process that is in use, in MB."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # elsewhere only the highest so far is known, which does not fall
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2.0**20


def network(folder: Path | None) -> tuple[Network, Population, list[SpikeRecording]]:
    """A source and a few cells that are recorded, to files if there is a folder."""
    net = Network(dt=0.1, seed=1)
    source = net.add_population("source", 200, Poisson)
    source.rate[:] = 50.0
    cells = net.add_population("cells", 100, LIF)
    net.connect(source, cells, target="drive", weight=3.0, probability=0.4, delay=1.0)
    net.connect(cells, cells, target="drive", weight=-0.2, probability=0.3, delay=1.5)
    return (
        net,
        cells,
        [
            net.record_spikes(p, path=None if folder is None else folder / f"{p.name}.h5")
            for p in (source, cells)
        ],
    )


def run(steps: int, every: int, folder: Path) -> Outcome:
    """Run so many steps, look at the memory in between, and compare the files in the end."""
    pilot, _, counted = network(None)
    pilot.run_steps(PILOT)
    rates = {r.name: float(r.count.mean()) / pilot.time * 1000.0 for r in counted}
    net, cells, recordings = network(folder)
    voltages = net.record(cells, "v", every=1.0, neurons=range(20), path=folder / "voltages.h5")
    duration = steps * net.dt
    predicted = {r.name: r.predicted_bytes(rates[r.name], duration) for r in recordings}
    predicted["voltages"] = voltages.predicted_bytes(duration)
    samples = []
    print(f"{'steps':>12} {'memory (MB)':>12} {'written (MB)':>13}", flush=True)
    while net.step < steps:
        net.run_steps(min(every, steps - net.step))
        written = sum(path.stat().st_size for path in folder.iterdir())
        samples.append(Sample(net.step, memory(), written))
        step, used, _ = samples[-1]
        print(f"{step:12,} {used:12.2f} {written / 1e6:13.1f}", flush=True)
    for recording in net.recordings:
        recording.close()
    sizes = {
        name: ((folder / f"{name}.h5").stat().st_size, guess) for name, guess in predicted.items()
    }
    return Outcome(samples, sizes)


def main(arguments: list[str]) -> int:
    """Print the table; return 1 if memory grows or a prediction is off."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability long_runs", description=__doc__
    )
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--every", type=int, default=500_000, help="steps between looks at memory")
    options = parser.parse_args(arguments)
    if options.steps < WARM_UP + 2 * options.every:
        parser.error(f"--steps has to be at least {WARM_UP} and twice --every")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.steps, options.every, Path(folder))
    for name, (size, predicted) in outcome.sizes.items():
        print(f"{name}.h5: {size:,} bytes, {predicted:,} predicted ({size / predicted - 1.0:+.1%})")
    print(f"memory grew by {outcome.growth:.2f} MB; {time.monotonic() - began:.0f} s")
    return int(outcome.growth > LIMIT or outcome.error > OFF)
