"""Kills at random moments: ``python -m tests.reliability crash --kills 200``.

Tiny runs of every kind are killed (SIGKILL) at uniformly random times of their lives and started
again until they finish. After each kill every file has to open, the checkpoint must not have gone
back, and in the end weights and histories have to have the bits of a run that was never killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]

_IMAGES = """
import sys
from pathlib import Path
import numpy as np
from {module} import {name} as Net
path = Path(sys.argv[1]) / "run.h5"
chance = np.random.default_rng(5)
shown = chance.random((20, 16)), chance.integers(0, 3, 20)
net = Net.load(path) if path.exists() else Net((16, 8, 3), seed=1)
if net.epoch < 40:
    net.fit(*shown, 40 - net.epoch, validation=shown, keep_best=True, checkpoint=path)
"""

_NETWORK = """
import sys
from pathlib import Path
from spikesim import LIF, Network, PairSTDP, Poisson, ShortTermPlasticity
directory = Path(sys.argv[1])
path = directory / "run.h5"
def build():
    net = Network(dt=0.1, seed=1)
    source = net.add_population("source", 50, Poisson)
    source.rate[:] = 50.0
    cells = net.add_population("cells", 20, LIF)
    into = {"target": "drive", "weight": 4.0, "probability": 0.3, "delay": 1.0}
    learns = PairSTDP(A_plus=0.1, A_minus=0.1, w_max=9.0)
    net.connect(source, cells, **into, plasticity=learns, name="plastic")
    net.connect(cells, cells, **into, short_term=ShortTermPlasticity(), name="depressed")
    return net, cells
# The files of a part are complete before the checkpoint says that it is done.
for part in range(25):
    net, cells = build()
    if path.exists():
        net.restore(path)
    if round(net.time / 20.0) > part:
        continue
    spikes = net.record_spikes(cells, path=directory / f"spikes_{part:02d}.h5")
    voltages = net.record(cells, "v", path=directory / f"voltages_{part:02d}.h5", unit="mV")
    net.run(20.0)
    spikes.close()
    voltages.close()
    net.save(path)
"""


class Kind(NamedTuple):
    """A kind of run: the program, how it goes on, and whether it holds its directory or file.

    What holds it removes what killed writes have left of it; `Network.save` does not.
    """

    first: tuple[str, ...]
    again: tuple[str, ...]
    holds: bool


def _python(source: str, holds: bool) -> Kind:
    return Kind(("-c", source, "{out}"), ("-c", source, "{out}"), holds)


def _spikesim(*arguments: str, resume: bool) -> Kind:
    first = ("-m", "spikesim", *arguments, "--no-progress", "--out", "{out}")
    again = ("-m", "spikesim", "resume", "{out}", "--no-progress") if resume else first
    return Kind(first, again, holds=True)


KINDS = {
    "segregated": _python(
        _IMAGES.format(module="spikesim.models.segregated", name="SegregatedDendriteNetwork"),
        holds=True,
    ),
    "burst": _python(
        _IMAGES.format(module="spikesim.models.burst", name="BurstEnsembleNetwork"), holds=True
    ),
    "burstprop": _python(
        _IMAGES.format(module="spikesim.models.burst.burstprop", name="BurstpropNetwork"),
        holds=True,
    ),
    "superspike": _spikesim(
        *("train", "superspike", "--task", "hidden", "--hidden", "4", "--blocks", "5"), resume=True
    ),
    "exclusive-or": _spikesim(
        *("run", "burst", "exclusive-or", "--n=6", "--duration=20", "--alpha=15", "--epochs=30"),
        resume=False,
    ),
    "network": _python(_NETWORK, holds=False),
    "sweep": _spikesim(
        *("sweep", "burst", "--hidden=4", "--epochs=2", "--seeds=3", "--workers=1"), resume=False
    ),
}


class Count(NamedTuple):
    """What came of the kills of one kind."""

    kills: int = 0
    resumes: int = 0
    corrupted: int = 0
    lost: int = 0
    failed: int = 0
    differing: int = 0


def start(kind: str, out: Path) -> subprocess.Popen:
    """A process that begins a run, or goes on with it."""
    begun = (out / "run.h5").exists()
    arguments = KINDS[kind].again if begun else KINDS[kind].first
    filled = [part if part != "{out}" else str(out) for part in arguments]
    return subprocess.Popen(
        [sys.executable, *filled],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )


def content(path: Path) -> dict[str, Any]:
    """Every dataset and attribute of a file, but for times that things took."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if "seconds" in name:  # its checksum differs as it does
            return
        for key, value in item.attrs.items():
            if "seconds" not in key:
                found[f"{name}@{key}"] = np.asarray(value)
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


def files(out: Path) -> dict[str, dict[str, Any]]:
    """The content of all complete files of a directory."""
    return {str(path.relative_to(out)): content(path) for path in sorted(out.rglob("*.h5"))}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two contents hold the same bits."""
    return one.keys() == other.keys() and all(
        one[k].dtype == other[k].dtype and bits(one[k]) == bits(other[k]) for k in one
    )


def bits(array: np.ndarray) -> Any:
    """What tells two arrays apart; of text, the text."""
    return array.tolist() if array.dtype == object else array.tobytes()


def progress(out: Path) -> int:
    """How far the checkpoint of a directory is."""
    found = 0
    for path in out.rglob("*.h5"):
        for key, value in content(path).items():
            if key.endswith(("@epoch", "@block", "@step")):
                found += int(float(value.item()))
    return found


def attack(kind: str, kills: int, seed: int, folder: Path) -> Count:
    """Kill runs of one kind so many times, and compare each with a run that was not killed."""
    chance = random.Random(f"{kind} {seed}")
    lives = []
    for name in ("warm", "reference"):  # the first compiles
        reference = folder / f"{kind}-{name}"
        reference.mkdir()
        began = time.monotonic()
        process = start(kind, reference)
        error = process.communicate()[1]
        lives.append(time.monotonic() - began)
        if process.returncode:
            raise RuntimeError(f"{kind} does not run: {error[-2000:]}")
    expected, life = files(reference), lives[-1]
    count = dict.fromkeys(Count._fields, 0)
    run = 0
    while count["kills"] < kills:
        run += 1
        out = folder / f"{kind}-{run}"
        out.mkdir()
        _until_finished(kind, out, kills, life, chance, count)
        try:
            result = files(out)
        except OSError:
            count["corrupted"] += 1
            continue
        if result.keys() != expected.keys() or not all(
            same(result[name], expected[name]) for name in expected
        ):
            count["differing"] += 1
            print(f"{kind}: {out} differs from {reference}", flush=True)
        elif list(out.rglob("*.part")) and KINDS[kind].holds:
            count["failed"] += 1
            print(f"{kind}: {out} holds leftovers", flush=True)
        else:
            shutil.rmtree(out)
        print(f"{kind}: {Count(**count)}", flush=True)
    return Count(**count)


def _until_finished(
    kind: str, out: Path, kills: int, life: float, chance: random.Random, count: dict[str, int]
) -> None:
    far, killed = 0, 0
    while True:
        process = start(kind, out)
        count["resumes"] += killed > 0
        try:
            # After so many kills the rest is left to live, or it might never end.
            alive = killed >= 6 or count["kills"] >= kills
            process.wait(None if alive else chance.uniform(0.0, life))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            count["kills"] += 1
            killed += 1
            try:
                files(out)
                now = progress(out)
            except OSError as error:
                print(f"{kind}: after a kill {error}", flush=True)
                count["corrupted"] += 1
                return
            count["lost"] += now < far
            far = now
            continue
        error = process.communicate()[1]
        if process.returncode:
            count["failed"] += 1
            print(f"{kind}: a run did not go on: {error[-2000:]}", flush=True)
        return


def rows(counts: dict[str, Count]) -> Iterator[str]:
    """The lines of a table."""
    yield f"{'kind':14}" + "".join(f"{name:>11}" for name in Count._fields)
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    for name, numbers in (*counts.items(), ("all", total)):
        yield f"{name:14}" + "".join(f"{number:11}" for number in numbers)


def main(arguments: list[str]) -> int:
    """Print the table; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="in all")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--jobs", type=int, default=2, help="kinds at a time")
    chosen = parser.parse_args(arguments)
    kinds = [chosen.only] if chosen.only else list(KINDS)
    each = -(-chosen.kills // len(kinds))
    print(f"seed {chosen.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        tasks = {k: pool.submit(attack, k, each, chosen.seed, Path(folder)) for k in kinds}
        counts = {}
        for kind, task in tasks.items():
            counts[kind] = task.result()
    print("\n".join(rows(counts)))
    print(f"{time.monotonic() - began:.0f} s")
    wrong = sum(c.corrupted + c.lost + c.failed + c.differing for c in counts.values())
    return 1 if wrong else 0
