"""Ranks killed at random moments: ``python -m tests.reliability ranks --kills 200``.

A network runs on one to three ranks, and writes a checkpoint and a file of spikes after each part.
A random rank is killed (SIGKILL, or SIGTERM in one case of four) at a random moment. All ranks then
have to end within a bound of time. The checkpoint has to open, and must not have gone back. The
next start, on another number of ranks, continues. In the end all spikes and the state have to have
the bits of one core.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from tests.test_mpi import REASON, started
from tests.waiting import wait_until

BOUND = 120.0  # s in which all ranks have to end after a kill, on the busiest machine
PARTS = 40

SCRIPT = """
import os, sys
from pathlib import Path
from spikesim import LIF, Network, PairSTDP, Poisson, ShortTermPlasticity
folder, backend, parts = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
path = folder / "run.h5"
def build():
    net = Network(dt=0.1, seed=1, backend=backend)
    source = net.add_population("source", 50, Poisson, rate=50.0)
    cells = net.add_population("cells", 30, LIF)
    into = {"target": "drive", "weight": 4.0, "probability": 0.3}
    learns = PairSTDP(A_plus=0.1, A_minus=0.1, w_max=9.0)
    net.connect(source, cells, **into, delay=1.0, plasticity=learns, name="plastic")
    net.connect(
        cells, cells, **into, short_term=ShortTermPlasticity(), name="varied",
        delay=lambda chance, size: chance.uniform(0.3, 2.0, size),
    )
    return net, cells
net, cells = build()
(folder / f"process {net.rank}").write_text(str(os.getpid()))
if path.exists():
    net.restore(path)
for part in range(round(net.time / 20.0), parts):
    spikes = net.record_spikes(cells, path=folder / f"spikes {part:02d}.h5")
    net.run(20.0)
    spikes.close()
    net.save(path)
"""


def step_of(folder: Path) -> int:
    """The step of the checkpoint; opening it checks its structure."""
    if not (folder / "run.h5").exists():
        return 0
    with h5py.File(folder / "run.h5") as file:
        file["state"].visititems(lambda name, item: item[()] if hasattr(item, "dtype") else None)
        return int(file["state"].attrs["step"])


def content(folder: Path) -> dict[str, bytes]:
    """All numbers of all files, but the lists of spikes under way, which have rests at the end."""
    found = {}

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not name.endswith("/ids"):
            found[f"{path.name} {name}"] = np.asarray(item[()]).tobytes()

    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            file.visititems(add)
    return found


def has_begun(process: subprocess.Popen, victim: Path) -> bool:
    """Whether a rank has written its number, or all have ended."""
    return process.poll() is not None or (victim.exists() and bool(victim.read_text()))


def main(arguments: list[str]) -> int:
    """Print what was found; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability ranks", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    chosen = parser.parse_args(arguments)
    if REASON:
        print(f"cannot run: {REASON}")
        return 1
    print(f"seed {chosen.seed}", flush=True)
    chance = random.Random(chosen.seed)
    begun, kills, runs, wrong, longest = time.monotonic(), 0, 0, [], 0.0
    with tempfile.TemporaryDirectory() as place:
        one = Path(place) / "one"
        one.mkdir()
        subprocess.run([sys.executable, "-c", SCRIPT, one, "cpu", str(PARTS)], check=True)
        expected = content(one)
        while kills < chosen.kills:
            folder = Path(place) / f"run {runs}"
            folder.mkdir()
            life = 1.0  # s from the first sign of life to a kill, at most
            while True:
                ranks, before = chance.randint(1, 3), step_of(folder)
                for old in folder.glob("process *"):
                    old.unlink()
                process = started(ranks, "-c", SCRIPT, folder, "mpi", PARTS)
                victim = folder / f"process {chance.randrange(ranks)}"
                wait_until(partial(has_begun, process, victim))
                time.sleep(chance.random() * life)
                is_killed = kills < chosen.kills and process.poll() is None
                if is_killed:
                    how = signal.SIGTERM if chance.random() < 0.25 else signal.SIGKILL
                    try:
                        os.kill(int(victim.read_text()), how)
                    except ProcessLookupError:
                        is_killed = False
                killed = time.monotonic()
                try:
                    process.communicate(timeout=BOUND if is_killed else None)
                except subprocess.TimeoutExpired:
                    wrong.append(f"hangs: {ranks} ranks, kill {kills}")
                    process.kill()
                    process.communicate()
                if is_killed:
                    kills += 1
                    longest = max(longest, time.monotonic() - killed)
                    print(f"kill {kills}, {ranks} ranks, {how.name}", flush=True)
                try:
                    if step_of(folder) < before:
                        wrong.append(f"went back from step {before}, kill {kills}")
                except (OSError, KeyError) as error:
                    wrong.append(f"damaged: {error}, kill {kills}")
                if process.returncode == 0:
                    break
                life = 4.0 if step_of(folder) == before else 1.0
            runs += 1
            if content(folder) != expected:
                wrong.append(f"differs: run {runs}")
            print(f"{kills} kills, {runs} runs finished, {len(wrong)} wrong", flush=True)
    print("\n".join(wrong))
    took = time.monotonic() - begun
    print(
        f"{kills} kills in {runs} runs, {len(wrong)} wrong; all ranks ended within {longest:.1f} s"
    )
    print(f"{took:.0f} s")
    return 1 if wrong else 0
