"""Files that somebody has edited: ``python -m tests.reliability edited --count 200``.

Every kind of file that a network or a model goes on from is written again with one number, array or
text replaced by another, and with the right checksums, so that nothing but its meaning is wrong. It
has to be refused, or the model has to go on from it without leaving its arrays. Models run as plain
Python, where an index that is out of bounds is an IndexError rather than a write beside the array.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TESTS = Path(__file__).resolve().parent.parent
LASTING = ("burn_in_left", "steps")  # large ones are long runs, which Ctrl-C ends, nothing wrong
LEFT_OUT = ("sources", "superspike, synapse")  # simulations, which no file holds


def models() -> dict[str, Any]:
    """How to build each model, by name."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from cuda_networks import NETWORKS, ONLY_COMPILED

    every = {**NETWORKS, **ONLY_COMPILED}
    return {name: build for name, build in every.items() if name not in LEFT_OUT}


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of everything in a tree that is no dictionary."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def place(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    """What lies at a path."""
    for key in path:
        tree = tree[key]
    return tree


def replaced(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of a tree with something else at a path."""
    tree = copy.deepcopy(tree)
    place(tree, path[:-1])[path[-1]] = value
    return tree


def edits(value: Any, chance: random.Random) -> Iterator[tuple[str, Any]]:
    """Other values in place of this one, and what they are called."""
    if isinstance(value, np.ndarray) and value.size:
        if value.dtype.kind in "iu":
            limits = np.iinfo(value.dtype)
            numbers = [min(2**30, limits.max), max(-(2**30), limits.min), limits.max, limits.min]
        else:
            numbers = [np.nan, np.inf, 1e30, -1e30] if value.dtype.kind == "f" else []
        for number in numbers:
            one = value.copy()
            one.flat[chance.randrange(one.size)] = number
            yield f"one is {number}", one
            yield f"all are {number}", np.full_like(value, number)
        yield "shorter", value[:-1]
        yield "empty", value[:0]
        yield "halves", value.astype(np.float64) + 0.5
    elif isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        for number in (2**62, -(2**62), 2**40, -1, float("nan"), 1e300, 0):
            yield f"{number}", number
    else:
        for other in (None, 3, "x", [], {}):
            yield repr(other), other


def outcome(model: Any, build: Any, path: Path) -> str:
    """'refused', 'goes on', or what went wrong."""
    from cuda_networks import advance

    from spikesim import Network, SpikesimError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            if isinstance(model, Network):
                loaded = build("python").restore(path)
            else:
                loaded = type(model).load(path, backend="python")
            advance(loaded)
    except SpikesimError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error}"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        return f"{type(error).__name__} in {where}: {error}"[:200]
    return "goes on"


def attack(name: str, count: int, seed: int, folder: Path) -> tuple[Counter, list[str]]:
    """Edit the file of one model so many times; how often it was refused, and the defects."""
    from cuda_networks import IMAGES, LABELS, advance

    from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
    from spikesim.training import ImageClassifier

    build, path = models()[name], folder / "net.h5"
    chance = random.Random(f"{name} {seed}")
    model = build("python")
    advance(model)
    if isinstance(model, ImageClassifier):  # its file holds the best weights besides
        shown = IMAGES[:1], LABELS[:1]
        model.fit(*shown, validation=shown, keep_best=True)
    model.save(path)
    with h5py.File(path) as file:
        kind = file.attrs["spikesim_kind"].decode()
    with open_file(path, kind) as opened:
        tree = read_tree(opened)
    every = [(at, *edit) for at in leaves(tree) for edit in edits(place(tree, at), chance)]
    every = [edit for edit in every if edit[0][-1] not in LASTING or edit[2] < 1000]
    found: Counter = Counter()
    defects = []
    for at, what, value in chance.sample(every, min(count, len(every))):
        with atomic_file(path) as file:
            stamp(file, kind)
            write_tree(file, replaced(tree, at, value))
        result = outcome(model, build, path)
        if result not in ("refused", "goes on"):
            defects.append(f"{name}: {'/'.join(at)}: {what}: {result}")
            result = "defects"
        found[result] += 1
    return found, defects


def main(arguments: list[str]) -> int:
    """Print a line per model; 0 if there is no defect."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability edited", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="edits of each model's file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=models())
    chosen = parser.parse_args(arguments)
    began, total = time.monotonic(), 0
    print(f"{'model':30} {'edits':>6} {'refused':>8} {'go on':>6} {'defects':>8}", flush=True)
    for name in [chosen.only] if chosen.only else models():
        with tempfile.TemporaryDirectory() as folder:
            found, defects = attack(name, chosen.count, chosen.seed, Path(folder))
        total += len(defects)
        for defect in defects:
            print(defect)
        numbers = found.total(), found["refused"], found["goes on"], found["defects"]
        print("{:30} {:>6} {:>8} {:>6} {:>8}".format(name, *numbers), flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if total else 0
