"""The same numbers everywhere: ``python -m tests.reliability versions PYTHON [PYTHON ...]``.

PYTHON are the interpreters of environments with other versions of Python or of the dependencies.
Each of them, this one first, runs the tests' networks, all models, which learn a little, networks
of random sizes, and one whose chaos makes a difference in the last bit a difference in spikes.
All numbers that a run changes are compared with those of this interpreter, bit by bit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
PACKAGES = ("numba", "numpy", "scipy", "h5py")


def chaotic(backend: str) -> Any:
    """A balanced network, run long enough to forget where it began."""
    from spikesim import CurrentLIF, Network

    net = Network(dt=0.1, seed=3, backend=backend)
    cells = net.add_population("cells", 250, CurrentLIF, E_L=-49.0)
    chance = np.random.default_rng(5)
    cells.v = chance.uniform(-60.0, -50.0, 250)
    for part, port, weight in (
        (slice(0, 200), "I_exc", 1.62 * 4.0),
        (slice(200, 250), "I_inh", -9.0 * 4.0),
    ):
        weights = np.zeros((250, 250))
        weights[part] = weight * (chance.random(weights[part].shape) < 0.08)
        net.connect(cells, cells, target=port, weight=weights, name=port)
    spikes = net.record_spikes(cells)
    net.run(400.0)
    assert spikes.i.size > 250
    return net


def jobs(backend: str) -> dict[str, Callable[[], np.ndarray]]:
    """What is run, by name; each gives all of its numbers, one after the other."""
    from tests.cuda_networks import NETWORKS, ONLY_COMPILED, advance, everything
    from tests.reliability.bounds import random_network

    def model(build: Callable[..., Any]) -> Callable[[], np.ndarray]:
        return lambda: advance(build(backend))[0]

    def random(seed: int) -> Callable[[], np.ndarray]:
        return lambda: everything(random_network(seed, backend))

    found = {name: model(build) for name, build in {**NETWORKS, **ONLY_COMPILED}.items()}
    found |= {f"random sizes, seed {seed}": random(seed) for seed in range(5)}
    found["chaotic"] = lambda: everything(chaotic(backend))
    return found


def work(backend: str, path: str) -> None:
    """Run everything in this process; save the numbers and say which versions made them."""
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]  # tests import each other by their names
    numbers = {}
    for name, run in jobs(backend).items():
        print(f"  {name}", file=sys.stderr, flush=True)
        numbers[name] = run()
    np.savez(path, **numbers)
    versions = {name: metadata.version(name) for name in PACKAGES}
    print(json.dumps({"python": sys.version.split()[0], **versions}))


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """0 for the same bits, infinity for another number of numbers; or the largest difference.

    Relative to the largest number of all.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if ours.shape != theirs.shape:
        return float("inf")
    if ours.tobytes() == theirs.tobytes():
        return 0.0
    finite = np.isfinite(ours) & np.isfinite(theirs)
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
        return float("inf")
    largest = np.abs(ours[finite] - theirs[finite]).max(initial=0.0)
    return float(largest / max(np.abs(theirs[finite]).max(initial=0.0), 1e-300)) or 5e-324


def compared(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """The difference of each job."""
    return {name: difference(ours[name], theirs[name]) for name in ours}


def main(arguments: list[str]) -> int:
    """Compare interpreters; 0 if all give the same bits."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability versions", description=__doc__
    )
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--backend", default="cpu")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    results, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        for k, python in enumerate([sys.executable, *chosen.pythons]):
            path = str(Path(folder) / f"{k}.npz")
            command = [python, "-m", "tests.reliability.versions", chosen.backend, path]
            done = subprocess.run(
                command,
                cwd=TESTS.parent,
                env={**os.environ, "MPLBACKEND": "Agg"},
                capture_output=True,
                text=True,
            )
            if done.returncode:
                sys.exit(f"{python} fails:\n{done.stderr[-2000:]}")
            found.append(json.loads(done.stdout.splitlines()[-1]))
            with np.load(path) as saved:
                results.append(dict(saved))
            print(f"{found[-1]}: {sum(map(np.size, results[-1].values())):,} numbers", flush=True)
    wrong = 0
    print("".join(f"{name:>10}" for name in ("python", *PACKAGES)) + "  compared with the first")
    for versions, numbers in zip(found, results, strict=True):
        differing = {n: d for n, d in compared(numbers, results[0]).items() if d}
        wrong += bool(differing)
        said = ", ".join(f"{name} by {d:.1g}" for name, d in differing.items())
        same = f"the same bits in all {len(numbers)} jobs"
        print("".join(f"{v:>10}" for v in versions.values()) + f"  {said or same}", flush=True)
    print(f"{chosen.backend}, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    work(*sys.argv[1:])
