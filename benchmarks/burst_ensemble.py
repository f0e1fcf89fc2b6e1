"""Burst-ensemble network: milliseconds per training image, ours against the authors' script.

Both learn MNIST online in the form of the authors' code of July 2018: ten steps an image, SST+
synapses learned. They run alternately, on one core of one machine, in one run. Only learning is
timed: no compilation, no loading, no testing.

    SPIKESIM_DATA=<folder with mnist/> python benchmarks/burst_ensemble.py --authors <folder>

`<folder>` is your own copy of github.com/jordan-g/Temporal-Deep-Learning (GPL-3; nothing of it is
part of this project), with PyTorch installed. Its network_time.py is imported, never written to.
The benchmark calls its forward, backward and update_weights in the order of its train(), but
without the recording in every step, which would make it slower. Without --authors only ours is
timed.

The two differ in this: ours computes a product only when one of its factors has changed, and reads
only the pixels that are not black; theirs computes all of them in every step.
"""

import timing  # isort: skip - before NumPy: it keeps everything on one core
import argparse
import importlib
import os
import platform
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from timing import Timing, in_new_process, timed

AUTHORS_FILE = "network_time.py"
STEPS = 10
ETA, ETA_Z = 0.01, 1e-4  # learning rates of both


def time_ours(images: Any, labels: Any, sizes: tuple[int, ...], seed: int) -> Timing:
    """Train a new network of ours once through `images`."""
    from spikesim.models.burst import BurstEnsembleNetwork  # not in the authors' process

    net = BurstEnsembleNetwork(
        sizes, seed=seed, form="july_2018", steps=STEPS, alpha=ETA, alpha_Z=ETA_Z
    )
    net.fit(images[:5], labels[:5])  # compiles
    return timed(lambda: net.fit(images, labels), len(images))


def time_authors(folder: Path, images: Any, labels: Any, sizes: tuple[int, ...]) -> Timing:
    """Train a new network of the authors' once through `images`; in a process of its own.

    Their loader reads four .npy files, one column per image, from the working directory.
    """
    sys.dont_write_bytecode = True
    os.environ["MPLBACKEND"] = "Agg"
    sys.path.insert(0, str(folder))
    import matplotlib as mpl
    import torch  # type: ignore[import-not-found]

    mpl.use = lambda *_, **__: None  # they ask for a window
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    # So many images, because their loader splits them at fixed places.
    pixels = np.zeros((784, 60_000), np.float32)
    one_hot = np.zeros((10, 60_000), np.int64)
    pixels[:, : len(images)] = images.T / 255.0
    one_hot[labels, np.arange(len(images))] = 1
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        Path("mnist").mkdir()
        for part in ("", "test_"):
            np.save(f"mnist/x_{part}set.npy", pixels)
            np.save(f"mnist/t_{part}set.npy", one_hot)
        try:
            script: Any = importlib.import_module(Path(AUTHORS_FILE).stem)
        finally:
            os.chdir(home)
    layers = len(sizes)
    settings = {
        "n_layers": layers,
        "n_units": list(sizes),
        "W_range": [0] + [0.05] * (layers - 2) + [0.01],
        "Y_range": [0] + [1.0] * (layers - 2),
        "Z_range": [0] + [0.01] * (layers - 2),
        "f_etas": [0] + [ETA] * (layers - 1),
        "r_etas": [0] + [ETA_Z] * (layers - 2),
        "b_etas": [0] + [0.0] * (layers - 2),
        "output_burst_prob": 0.2,
        "desired_u": 0.05,
        "hard_m": 0.2,
        "hard_v": 0.3,
        **{
            name: [0] * layers
            for name in ("cost", "cost_Y", "cost_Z", "delta_W", "delta_b", "delta_Y", "delta_Z")
        },
        "max_u": [0] * layers,
        "delta_b_backprop": [0] * layers,
    }
    for name, value in settings.items():
        setattr(script, name, value)
    chance = np.random.default_rng(0)
    W, b, Y, Z, v, h, h_before, u, p, beta, beta_before, mean_c, c = (
        script.create_dynamic_variables()
    )
    h_before[0] = torch.zeros((784, 1))

    def show(example: int) -> None:
        nonlocal h_before, beta_before
        x, target = script.x_set[:, example], script.t_set[:, example]
        nudge = chance.integers(layers, STEPS)
        for step in range(STEPS):
            script.forward(W, b, v, h, h_before, f_input=x)
            now = target if step == nudge else None
            script.backward(
                Y, Z, W, b, u, p, beta, beta_before, v, h, h_before, mean_c, c, t_input=now
            )
            h_before = [array.clone() for array in h]
            beta_before = [0, *(array.clone() for array in beta[1:])]
            if nudge <= step < nudge + layers - 1:
                deltas = script.delta_W, script.delta_b, script.delta_Y, script.delta_Z
                layer = max(0, layers - (step - nudge) - 1)
                script.update_weights(W, b, Y, Z, *deltas, layer_num=layer)

    for example in range(5):
        show(example)
    return timed(lambda: [show(example) for example in range(len(images))], len(images))


def arguments() -> argparse.Namespace:
    """Read and check the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--authors", type=Path, help="folder with a copy of the authors' script")
    parser.add_argument("--examples", type=int, default=2000, help="ours, per repetition")
    parser.add_argument("--authors-examples", type=int, default=100, help="theirs, per repetition")
    parser.add_argument("--hidden", default="500,500", help="hidden units")
    parser.add_argument("--repeats", type=int, default=3, help="alternating repetitions")
    args = parser.parse_args()
    for name in ("examples", "authors_examples", "repeats"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} is {getattr(args, name)}; it must be at least 1")
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
    sizes = (784, *(int(n) for n in args.hidden.split(",")), 10)
    print(f"{timing.machine()}, {os.cpu_count()} cores, one used")
    print(
        f"load average {timing.load_average()}; Python {platform.python_version()}, "
        f"Numba {version('numba')}, {'-'.join(map(str, sizes))}, {STEPS} steps an image"
    )
    ours: list[Timing] = []
    theirs: list[Timing] = []
    for seed in range(args.repeats):
        count = args.examples
        ours.append(time_ours(images[:count], labels[:count], sizes, seed))
        if args.authors is not None:
            count = args.authors_examples
            few = images[:count], labels[:count]
            theirs.append(in_new_process(time_authors, args.authors, *few, sizes))
    print(f"\n{'ms/image':<10}{'images':>9}{'median':>11}{'best':>11}{'CPU median':>13}")
    print(timing.row("spikesim", args.examples, ours))
    if theirs:
        print(timing.row("authors", args.authors_examples, theirs))
        ratio = median(t.wall for t in theirs) / median(t.wall for t in ours)
        cpu = median(t.cpu for t in theirs) / median(t.cpu for t in ours)
        print(f"ratio (authors / spikesim): {ratio:.1f} wall, {cpu:.1f} CPU")
    else:
        print("ratio (authors / spikesim): not measured; give --authors")
    print(f"load average at the end: {timing.load_average()}")


if __name__ == "__main__":
    main()
