"""The same numbers before and after: ``python -m tests.reliability golden``.

All models with each of their options, the experiments, and networks of every part there is run at
tiny sizes, in float64 on the `python` backend and in float32 on `cpu`. They are looked at as a user
looks at them: weights, histories, answers, spikes, recorded variables, rates. All numbers of a job
make one hash, which has to be that of `golden.json`, whatever becomes of the code inside.

    golden --write --arrays before.npz    before a change that is to change no bit, for all hashes
    golden --arrays before.npz            after it: what differs, and by how much

Bits depend on versions and processors where NumPy, SciPy or BLAS compute them, as all of burstprop,
so the file says which ones made it, and has a hash of what their functions gave. Hashes that differ
elsewhere say nothing; write them anew, from the state before the change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite.binding import get_host_cpu_name

from tests.reliability.versions import difference

FILE = Path(__file__).with_suffix(".json")
BACKENDS = {"python": "float64", "cpu": "float32"}
PACKAGES = ("numpy", "scipy", "numba")

TOLERANCE = {"burstprop": {"python": 1e-10, "cpu": 1e-5}}
"""First word of a job → how far its numbers may be off, relative to the largest of an array.

Burstprop is products of matrices, in which an order of terms is nobody's promise.
"""

Job = Callable[[str, str], Any]
"""Runs something on a backend, in a type; returns its numbers, as `flat` takes them."""


def jobs() -> dict[str, Job]:
    """What is run, by name."""
    from tests.reliability import (
        golden_experiments,
        golden_filters,
        golden_models,
        golden_networks,
    )

    parts = golden_models, golden_experiments, golden_filters, golden_networks
    return {name: job for part in parts for name, job in part.jobs().items()}


# ---- numbers ----------------------------------------------------------------------------------


def flat(numbers: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of nested dicts and sequences, each with its name.

    A list of numbers is an array, with NaN for None; a dict is in the order of its keys.

    >>> numbers = {"b": [np.zeros(2), np.ones(1)], "a": {"t": 0.5}, "c": [1, None]}
    >>> [name for name, _ in flat(numbers)]
    ['a.t', 'b.0', 'b.1', 'c']
    """
    if isinstance(numbers, Mapping):
        parts: Iterable[tuple[Any, Any]] = sorted(numbers.items())
    elif isinstance(numbers, Sequence) and any(isinstance(part, np.ndarray) for part in numbers):
        parts = enumerate(numbers)
    else:
        yield name, _array(numbers)
        return
    for key, part in parts:
        yield from flat(part, f"{name}.{key}" if name else str(key))


def _array(numbers: Any) -> np.ndarray:
    """A copy, in which NaN has the same bits wherever it comes from."""
    if not isinstance(numbers, np.ndarray):
        return np.array(numbers, np.float64)
    array = np.array(numbers, order="C")
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array


def short_hash(arrays: Iterable[np.ndarray]) -> str:
    """A hash of types, shapes and bytes.

    >>> short_hash([np.zeros(2)]) == short_hash([np.zeros(1), np.zeros(1)])
    False
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def run(job: Job, backend: str) -> dict[str, np.ndarray]:
    """The numbers of a job."""
    return dict(flat(job(backend, BACKENDS[backend])))


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """0 for the same bits, infinity for other shapes or types; or the largest difference."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        return float("inf")
    return difference(ours.astype(np.float64), theirs.astype(np.float64))


# ---- the file ---------------------------------------------------------------------------------


def functions() -> str:
    """A hash of what NumPy and its BLAS compute here: last digits are those of vectors' widths.

    >>> functions() == functions()
    True
    """
    numbers = np.linspace(0.01, 5.0, 1001)
    elementary = np.exp, np.expm1, np.log, np.log1p, np.sin, np.cos, np.tanh, np.sqrt
    results = []
    for x in (numbers, numbers.astype(np.float32)):
        results += [function(x) for function in elementary]
        results += [x ** x.dtype.type(1.7), x[:400].reshape(20, 20) @ x[400:800].reshape(20, 20)]
        results += [np.array([x @ x, x.sum(), np.linalg.norm(x)])]
    return short_hash(results)


def made_by() -> dict[str, str]:
    """What the numbers of this process may depend on."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "processor": get_host_cpu_name(),
        "functions": functions(),
    }


def read() -> dict[str, Any]:
    """`golden.json`: who made the hashes of each backend, and the hashes of each job."""
    if not FILE.exists():
        return {"made_by": {}, "hashes": {}}
    return json.loads(FILE.read_text(encoding="utf-8"))


def write(made: Mapping[str, Any], hashes: Mapping[str, Any]) -> None:
    """Write it with a line for each job, so that a difference is one that is easily read."""

    def lines(table: Mapping[str, Any]) -> str:
        rows = [f"  {json.dumps(name)}: {json.dumps(table[name])}" for name in table]
        return "{\n" + ",\n".join(rows) + "\n }"

    text = f'{{\n "made_by": {lines(made)},\n "hashes": {lines(hashes)}\n}}\n'
    FILE.write_text(text, encoding="utf-8")


# ---- the command ------------------------------------------------------------------------------


def _is_close(name: str, backend: str, far: Mapping[str, float]) -> bool:
    """Whether a job that differs is one that may, by so much."""
    allowed = TOLERANCE.get(name.split(",")[0], {}).get(backend, 0.0)
    return max(far.values(), default=np.inf) <= allowed


def _compared(
    name: str, backend: str, numbers: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Array → how far it is from what it was, for those that differ."""
    start = f"{backend}/{name}/"
    old = {key.removeprefix(start): key for key in before if key.startswith(start)}
    far = {part: np.inf for part in old.keys() ^ numbers.keys()}
    for part in old.keys() & numbers.keys():
        if found := distance(numbers[part], before[old[part]]):
            far[part] = found
    return far


def main(arguments: list[str]) -> int:
    """Run the jobs; 0 if all have the hashes of the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability golden", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the file, or parts of it, anew")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="jobs that have this in the name")
    parser.add_argument("--backend", choices=list(BACKENDS), help="one of them only")
    parser.add_argument("--arrays", type=Path, metavar="FILE.npz", help="all numbers: see above")
    chosen = parser.parse_args(arguments)
    file, found, kept = read(), jobs(), {}
    hashes, made = {name: dict(file["hashes"].get(name, {})) for name in found}, file["made_by"]
    wanted = [name for name in found if any(part in name for part in chosen.only or [""])]
    if not wanted:
        sys.exit(f"No job has {', '.join(chosen.only)} in its name.")
    backends = [chosen.backend] if chosen.backend else list(BACKENDS)
    if chosen.write and chosen.only and any(made.get(b) not in (None, made_by()) for b in backends):
        sys.exit("Others made the file; write all of it, or none.")
    before: Mapping[str, np.ndarray] = {}
    if chosen.arrays and not chosen.write:
        before = np.load(chosen.arrays)
    wrong = 0
    for backend in backends:
        if not chosen.write and made.get(backend) != made_by():
            print(f"{backend}: the file was made by {made.get(backend)}, this is {made_by()}")
        began, count = time.perf_counter(), 0
        for name in wanted:
            since = time.perf_counter()
            numbers = run(found[name], backend)
            seconds = time.perf_counter() - since
            count += sum(array.size for array in numbers.values())
            ours, theirs = short_hash(numbers.values()), hashes[name].get(backend)
            said = "as it was" if ours == theirs else f"was {theirs}"
            far: dict[str, float] = {}
            if chosen.write:
                hashes[name][backend] = ours
                if chosen.arrays:
                    kept |= {f"{backend}/{name}/{part}": a for part, a in numbers.items()}
            elif ours != theirs:
                far = _compared(name, backend, numbers, before)
                close = chosen.arrays is not None and _is_close(name, backend, far)
                wrong += not close
                said += ", close enough" if close else "  DIFFERS"
            print(f"{backend:6} {seconds:6.2f} s  {ours}  {name}: {said}", flush=True)
            for part, relative in far.items() if chosen.arrays else ():
                print(f"{'':18}{part} by {relative:.1g}")
        spent = time.perf_counter() - began
        print(f"{backend}: {len(wanted)} jobs, {count:,} numbers, {spent:.0f} s", flush=True)
        if chosen.write:
            made = {**made, backend: made_by()}
    if chosen.write:
        write(made, hashes)
        if chosen.arrays:
            np.savez_compressed(chosen.arrays, **kept)
    else:
        print(f"{wrong} of them differ." if wrong else "All are as they were.")
    return 1 if wrong else 0
