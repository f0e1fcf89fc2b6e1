"""Damaged files: ``python -m tests.reliability files --count 1000`` mutates and reads them.

Every file is a saved tree, SONATA spikes or SONATA traces with one flipped bit, a cut-off end or a
block of random bytes. It is refused, read as it was, or read as something else (wrong). Batches run
in processes of their own, with limits on memory and time, so crashes and hangs are counted as well.
"""

import argparse
import collections
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spikesim.errors import FileError
from spikesim.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.sonata import SpikeWriter, TraceWriter, read_spikes, read_traces

_READERS = ("tree", "spikes", "traces")
_MUTATIONS = ("bit", "cut", "block")
_BATCH = 125
_MEMORY = 4 << 30  # bytes of address space; HDF5 and NumPy take most of one GiB
_LIMIT = 60  # seconds per batch


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
    else:
        with TraceWriter(path, 0.1) as traces:
            traces.add_population("cells", np.arange(5), ("v",))
            traces.append("cells", chance.random((200, 5, 1)).astype(np.float32))


def _read(reader: str, path: Path) -> str:
    if reader == "tree":
        with open_file(path, "checkpoint") as file:
            found: object = read_tree(file)
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
        path = Path(folder) / "file.h5"
        _write(reader, path)
        content, right = path.read_bytes(), _read(reader, path)
        for _ in range(count):
            path.write_bytes(_mutate(content, mutation, chance))
            try:
                result = "the same" if _read(reader, path) == right else "wrong"
            except FileError as error:
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
        print(
            f"{reader:8}{mutation:8}", *(f"{k}: {n}" for k, n in sorted(counts.items())), flush=True
        )
    return int(bad > 0)
