"""Damaged files: ``python -m tests.reliability files --count 1000`` mutates and reads them.

Every file is a saved tree, network, model or sweep, SONATA spikes or SONATA traces, with one
flipped bit, a cut-off end or a block of random bytes. It is refused, read as it was, or read as
something else (wrong). Batches run in processes of their own, with limits on memory and time, so
crashes and hangs are counted as well.
"""

import argparse
import collections
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spikesim.errors import FileError, InputError
from spikesim.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.network import Network
from spikesim.neurons import LIF
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces
from spikesim.sweep import SWEEP_FILE, Sweep

_PLAIN = {"backend": "python"}  # nothing is compiled
_MODELS = {
    "segregated": (SegregatedDendriteNetwork, ((4, 3, 2),), _PLAIN),
    "burst": (BurstEnsembleNetwork, ((4, 3, 2),), _PLAIN),
    "burstprop": (BurstpropNetwork, ((4, 3, 2),), {}),
    "superspike": (SuperSpikeNetwork, ((4, 3, 2),), _PLAIN),
    "exclusive or": (ExclusiveOrNetwork, (), {"n": 3, "duration": 20.0, **_PLAIN}),
}
_READERS = ("tree", "spikes", "traces", "network", "sweep", *_MODELS)
_MUTATIONS = ("bit", "cut", "block")
_BATCH = 125
_MEMORY = 4 << 30  # bytes of address space; HDF5 and NumPy take most of one GiB
_LIMIT = 60  # seconds per batch


def _network() -> Network:
    net = Network(dt=1.0, seed=1, backend="python")
    net.add_population("cells", 5, LIF)
    return net


def _write(reader: str, path: Path) -> None:
    chance = np.random.default_rng(1)
    if reader == "tree":
        with atomic_file(path) as file:
            stamp(file, "checkpoint")
            write_tree(
                file, {"W": chance.random((30, 40)), "state": {"v": np.arange(9), "step": 5}}
            )
    elif reader == "spikes":
        with SpikeWriter(path, 0.1, {"cells": 50}) as writer:
            writer.append("cells", np.arange(500), chance.integers(0, 50, 500))
    elif reader == "network":
        _network().save(path)
    elif reader == "sweep":
        Sweep(path.parent, [{"alpha": 0.1 * k, "n": k} for k in range(5)]).save()
    elif reader in _MODELS:
        model, sizes, options = _MODELS[reader]
        model(*sizes, **options).save(path)
    else:
        with TraceWriter(path, 0.1) as traces:
            traces.add_population("cells", np.arange(5), ("v",))
            traces.append("cells", chance.random((200, 5, 1)).astype(np.float32))


def _read(reader: str, path: Path) -> str:
    found: object
    if reader == "tree":
        with open_file(path, "checkpoint") as file:
            found = read_tree(file)
    elif reader == "network":
        found = _network().restore(path).state()
    elif reader == "sweep":
        sweep = Sweep.load(path.parent)
        found = (sweep.sets, sweep.finished, sweep.errors, sweep.seconds, sweep.values)
    elif reader in _MODELS:
        model, _, options = _MODELS[reader]
        found = model.load(path, **(_PLAIN if "backend" in options else {})).state()
    else:
        found = read_spikes(path) if reader == "spikes" else read_traces(path)
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return repr(found)


def _mutate(content: bytes, mutation: str, chance: np.random.Generator) -> bytes:
    changed, at = bytearray(content), int(chance.integers(len(content)))
    if mutation == "cut":
        return content[:at]
    if mutation == "bit":
        changed[at] ^= 1 << int(chance.integers(8))
    else:
        changed[at : at + 32] = chance.bytes(len(changed[at : at + 32]))
    return bytes(changed)


def _batch(reader: str, mutation: str, seed: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    chance = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SWEEP_FILE
        _write(reader, path)
        content, right = path.read_bytes(), _read(reader, path)
        for _ in range(count):
            path.write_bytes(_mutate(content, mutation, chance))
            try:
                result = "the same" if _read(reader, path) == right else "wrong"
            except (FileError, InputError) as error:
                result = "refused" if "\n" not in str(error) else "several lines"
            except Exception as error:
                result = f"raised {type(error).__name__}"
            print(result, flush=True)


def main(arguments: list[str]) -> int:
    """Print a table; the exit status is 1 if anything but a refusal or the same came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability files")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    kinds = [(reader, mutation) for reader in _READERS for mutation in _MUTATIONS]
    each, bad = -(-options.count // len(kinds)), 0
    for reader, mutation in kinds:
        counts: collections.Counter[str] = collections.Counter()
        for first in range(0, each, _BATCH):
            size = min(_BATCH, each - first)
            batch = f"_batch({reader!r}, {mutation!r}, {options.seed + first}, {size})"
            code = f"from tests.reliability.files import _batch; {batch}"
            process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            try:
                lines = process.communicate(timeout=_LIMIT)[0].decode().split("\n")[:-1]
                lines += ["crash"] * (process.returncode != 0)
            except subprocess.TimeoutExpired:
                process.kill()
                lines = [*process.communicate()[0].decode().split("\n")[:-1], "hang"]
            counts.update(lines)
        bad += sum(counts.values()) - counts["refused"] - counts["the same"]
        found = (f"{result}: {n}" for result, n in sorted(counts.items()))
        print(f"{reader:14}{mutation:8}", *found, flush=True)
    return int(bad > 0)
