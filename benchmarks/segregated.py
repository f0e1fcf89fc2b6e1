"""Segregated-dendrite network: milliseconds per training example, ours against the authors' script.

Both train 784-500-10 online on MNIST in spiking mode (dt = 1 ms, about 103 steps per example: two
phases of 50 ms plus a Wald-distributed rest) on one core of one machine, alternately, in one run.
Only training is timed: no compilation, no loading, no initial weights, no testing.

    SPIKESIM_DATA=<folder with mnist/> python benchmarks/segregated.py --authors <folder>

`<folder>` is your own copy of github.com/jordan-g/Segregated-Dendrite-Deep-Learning (GPL-3; nothing
of it is part of this project). In its deep_learning.py set `nonspiking_mode` to False; it is on in
the published file. The copy is imported, never written to. Without --authors only ours is timed.

Ours is timed over more examples than theirs, because it is faster. Two things make theirs look a
little faster than it is: `record_training_labels` is switched off (that line fails on NumPy 2.4 and
later), and it gets only the images that are shown, so it does not shuffle all 60,000 at the start.
"""

import timing  # isort: skip - before NumPy: it keeps everything on one core
import argparse
import contextlib
import importlib
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import Timing, in_new_process, timed

ETA = 0.21  # learning rate of both layers
FEW = 5  # examples of a first call, in which ours compiles and theirs touches its memory
AUTHORS_FILE = "deep_learning.py"
AUTHORS_LIMIT = 999  # their train() also tests the network after every 1000 examples

Images = NDArray[np.uint8]


def time_ours(images: Images, labels: Images, hidden: int, seed: int) -> Timing:
    """Train a new network of ours once through `images`."""
    from spikesim.models.segregated import SegregatedDendriteNetwork  # not in the authors' process

    net = SegregatedDendriteNetwork(sizes=(784, hidden, 10), eta=ETA, seed=seed)
    return timed(lambda: net.fit(images, labels, epochs=1, progress=False), len(images))


def time_authors(folder: Path, images: Images, labels: Images, hidden: int, seed: int) -> Timing:
    """Train a new network of the authors' once through `images`; run it in a process of its own.

    Their loader reads four .npy files, one column per example, from the working directory.
    """
    sys.dont_write_bytecode = True
    os.environ["MPLBACKEND"] = "Agg"
    sys.path.insert(0, str(folder))
    pixels = images.reshape(len(images), -1).T / 255.0
    one_hot = np.eye(10)[:, labels]
    home = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as scratch,
        open(os.devnull, "w", encoding="utf-8") as silence,
        contextlib.redirect_stdout(silence),
    ):
        for part in ("train", "test"):
            np.save(Path(scratch, f"x_{part}.npy"), pixels)
            np.save(Path(scratch, f"t_{part}.npy"), one_hot)
        script: Any = importlib.import_module(Path(AUTHORS_FILE).stem)
        if script.nonspiking_mode:
            raise ValueError(f"set nonspiking_mode to False in {folder / AUTHORS_FILE}")
        script.record_training_labels = False
        np.random.seed(seed)  # noqa: NPY002 - the generator their script draws from
        os.chdir(scratch)
        try:
            net = script.Network(n=(hidden, 10))
        finally:
            os.chdir(home)

        def train(examples: int) -> None:
            net.train((ETA, ETA), None, 1, examples, save_simulation=False)

        train(min(FEW, len(images)))
        return timed(lambda: train(len(images)), len(images))


def arguments() -> argparse.Namespace:
    """Read and check the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="folder with a copy of the authors' script")
    parser.add_argument("--examples", type=int, default=2000, help="ours, per repetition")
    parser.add_argument("--authors-examples", type=int, default=100, help="theirs, per repetition")
    parser.add_argument("--hidden", type=int, default=500, help="hidden units")
    parser.add_argument("--repeats", type=int, default=3, help="alternating repetitions")
    args = parser.parse_args()
    for name in ("examples", "hidden", "repeats"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} is {getattr(args, name)}; it must be at least 1")
    if not 1 <= args.authors_examples <= AUTHORS_LIMIT:
        parser.error(
            f"--authors-examples is {args.authors_examples}; it must be 1 to {AUTHORS_LIMIT}, "
            "because the authors' script tests after 1000"
        )
    if args.authors is not None:
        args.authors = args.authors.resolve()
        if not (args.authors / AUTHORS_FILE).is_file():
            parser.error(f"--authors {args.authors} has no {AUTHORS_FILE}")
    return args


def main() -> None:
    """Time both and print the table."""
    args = arguments()
    from spikesim import datasets  # not in the authors' process, which imports this file again

    mnist = datasets.load_mnist()
    images, labels = mnist.train_images, mnist.train_labels
    for name, count in (("examples", args.examples), ("authors-examples", args.authors_examples)):
        if count > len(images):
            raise SystemExit(f"--{name} is {count}, but there are {len(images)} training images")

    print(
        f"{timing.machine()}, {os.cpu_count()} cores, one used; "
        f"load average {timing.load_average()}"
    )
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, Numba {version('numba')}; "
        f"784-{args.hidden}-10, {args.repeats} repetitions"
    )
    start = perf_counter()
    time_ours(images[:FEW], labels[:FEW], args.hidden, seed=0)
    print(f"compilation (first call, {FEW} examples): {perf_counter() - start:.1f} s", flush=True)

    ours: list[Timing] = []
    theirs: list[Timing] = []
    for seed in range(args.repeats):
        count = args.examples
        ours.append(time_ours(images[:count], labels[:count], args.hidden, seed))
        if args.authors is not None:
            count = args.authors_examples
            few = (images[:count], labels[:count])
            try:
                theirs.append(in_new_process(time_authors, args.authors, *few, args.hidden, seed))
            except ValueError as error:
                raise SystemExit(str(error)) from None

    print(f"\n{'ms/example':<10}{'examples':>9}{'median':>11}{'best':>11}{'CPU median':>13}")
    print(timing.row("spikesim", args.examples, ours))
    if theirs:
        print(timing.row("authors", args.authors_examples, theirs))
        best = min(t.wall for t in theirs) / min(t.wall for t in ours)
        cpu = median(t.cpu for t in theirs) / median(t.cpu for t in ours)
        ratio = median(t.wall for t in theirs) / median(t.wall for t in ours)
        print(f"{'ratio':<19}{ratio:>11.1f}{best:>11.1f}{cpu:>13.1f}")
    print(f"load average at the end: {timing.load_average()}")
    if theirs:
        print(f"ratio (authors / spikesim): {ratio:.1f}")
    else:
        print("ratio (authors / spikesim): not measured; give --authors")


if __name__ == "__main__":
    main()
