"""Milliseconds per image of learning 784-500-10 on MNIST: ours, NumPy's, and authors' PyTorch.

Ours and NumPy's learn online, one image after another, in float32: feedback alignment, equilibrium
propagation (20 free and 4 nudged steps) and node perturbation. NumPy's are the equations in plain
array code, with the input drive computed once per image. PyTorch's is the authors' code for
equilibrium propagation with as many steps, in batches of 20, as they publish it. Everything runs on
one core of one machine, alternately, in new processes.

    python benchmarks/credit.py [--repeats 5] [--authors CHECKOUT --python PYTHON]

`CHECKOUT` is github.com/ernoult/updatesEPgradientsBPTT at 0362f9a, which is run and never written
to; `PYTHON` is an interpreter that has PyTorch, by default this one.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import inspect
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from spikesim import datasets
from spikesim.image_runs import model_class
from spikesim.models import MODELS

SIZES = (784, 500, 10)
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "feedback alignment": ("feedback-alignment", {"eta": 0.05}),
    "equilibrium propagation": ("equilibrium", {"batch": 1, "eta": (0.02, 0.01)}),
    "node perturbation": ("perturbation", {"batch": 1, "eta": 0.001}),
}


def ours(rule: str, count: int) -> timing.Timing:
    """A block of images before it is timed compiles, or loads, the program."""
    mnist = datasets.load_mnist()
    name, options = RULES[rule]
    net = model_class(MODELS[name].where)(SIZES, seed=1, **options)
    images, labels = mnist.train_images[:count], mnist.train_labels[:count]
    net.learn(images[:500], labels[:500])
    return timing.timed(lambda: net.learn(images, labels), count)


class Arrays:
    """The equations in plain NumPy, for one image x and one target t at a time."""

    def __init__(self, chance: np.random.Generator):
        self.chance = chance
        shapes = [(SIZES[0], SIZES[1]), (SIZES[1], SIZES[2]), (SIZES[2], SIZES[1])]
        self.W, self.V, self.B = (
            chance.uniform(-1, 1, each).astype(np.float32) * np.float32(np.sqrt(6 / sum(each)))
            for each in shapes
        )
        self.b, self.c = np.zeros(SIZES[1], np.float32), np.zeros(SIZES[2], np.float32)

    def change(self, rate: float, x: np.ndarray, d: np.ndarray, h: np.ndarray, e: np.ndarray):
        self.W += np.outer(x, rate * d)
        self.b += rate * d
        self.V += np.outer(h, rate * e)
        self.c += rate * e

    def above(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        h = 1 / (1 + np.exp(-a))
        y = h @ self.V + self.c
        return h, y

    @staticmethod
    def softmax(y: np.ndarray) -> np.ndarray:
        y = np.exp(y - y.max())
        return y / y.sum()

    def feedback_alignment(self, x: np.ndarray, t: np.ndarray) -> None:
        h, y = self.above(x @ self.W + self.b)
        e = t - self.softmax(y)
        self.change(0.05, x, (e @ self.B) * h * (1 - h), h, e)

    def equilibrium_propagation(self, x: np.ndarray, t: np.ndarray) -> None:
        drive, V_T = x @ self.W + self.b, self.V.T
        u, y = np.zeros_like(drive), np.zeros_like(t)
        for k in range(24):
            if k == 20:
                u_free, y_free = u, y
            d, f = drive + y @ V_T, u @ self.V + self.c
            nudge = t - y if k >= 20 else 0
            u, y = np.clip(u + 0.5 * (d - u), 0, 1), np.clip(y + 0.5 * (f - y + nudge), 0, 1)
        rate = np.float32(0.02)
        self.W += np.outer(x, rate * (u - u_free))
        self.b += rate * (u - u_free)
        self.V += np.float32(0.01) * (np.outer(u, y) - np.outer(u_free, y_free))
        self.c += np.float32(0.01) * (y - y_free)

    def node_perturbation(self, x: np.ndarray, t: np.ndarray) -> None:
        sigma = np.float32(0.01)
        a = x @ self.W + self.b
        h, y = self.above(a)
        xi = self.chance.standard_normal(SIZES[1], np.float32)
        zeta = self.chance.standard_normal(SIZES[2], np.float32)
        noisy = self.above(a + sigma * xi)[1] + sigma * zeta
        loss, other = (-(t * np.log(self.softmax(each))).sum() for each in (y, noisy))
        self.change(-0.001 * (other - loss) / sigma, x, xi, h, zeta)


def numpy_arrays(rule: str, count: int) -> timing.Timing:
    mnist = datasets.load_mnist()
    images = mnist.train_images[:count].astype(np.float32) / np.float32(255)
    targets = np.eye(10, dtype=np.float32)[mnist.train_labels[:count]]
    learn = getattr(Arrays(np.random.default_rng(1)), rule.replace(" ", "_"))

    def work() -> None:
        for x, t in zip(images, targets, strict=True):
            learn(x, t)

    return timing.timed(work, count)


AUTHORS = """
import argparse, sys, types
from time import perf_counter
import numpy as np, torch
torch.set_num_threads(1)
main = types.ModuleType("main")  # theirs parses a command line and downloads MNIST
main.rho = lambda x: x.clamp(min=0).clamp(max=1)
main.rhop = lambda x: (x >= 0) & (x <= 1)
sys.modules["main"] = main
sys.path.insert(0, sys.argv[1])
from netClasses import EPcont
from netFunctions import train
data = np.load(sys.argv[2])
images, targets = (torch.from_numpy(data[name]) for name in ("images", "targets"))
net = EPcont(argparse.Namespace(T=20, Kmax=4, dt=0.5, size_tab=[10, 500, 784], lr_tab=[0.05, 0.1],
    device_label=-1, no_clamp=False, beta=1.0))
whole = torch.utils.data.TensorDataset(images, targets)
first = torch.utils.data.TensorDataset(images[:100], targets[:100])
train(net, torch.utils.data.DataLoader(first, 20), 1, "eqprop")
began = perf_counter()
train(net, torch.utils.data.DataLoader(whole, 20), 1, "eqprop")
print(1e3 * (perf_counter() - began) / len(images))
"""


def authors(checkout: Path, python: str, data: Path) -> float:
    done = subprocess.run(
        [python, "-c", AUTHORS, str(checkout), str(data)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"The authors' program failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__).splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(RULES))
    parser.add_argument("--authors", type=Path, metavar="CHECKOUT")
    parser.add_argument("--python", default=sys.executable)
    chosen = parser.parse_args(arguments)
    print(f"{timing.machine()}; load {timing.load_average()}")
    print(f"{'ms per image, median (least)':30} {'ours':>16} {'NumPy':>16} {'ratio':>7}")
    for rule in chosen.rules:
        found: dict[Callable, list[float]] = {ours: [], numpy_arrays: []}
        for _ in range(chosen.repeats):
            for each, walls in found.items():
                walls.append(timing.in_new_process(each, rule, chosen.images).wall)
        shown = [f"{median(walls):.3f} ({min(walls):.3f})" for walls in found.values()]
        ratio = min(found[numpy_arrays]) / min(found[ours])
        print(f"{rule:30} {shown[0]:>16} {shown[1]:>16} {ratio:7.1f}", flush=True)
    if chosen.authors:
        mnist = datasets.load_mnist()
        images = mnist.train_images[: chosen.images].astype(np.float32) / np.float32(255)
        targets = np.eye(10, dtype=np.float32)[mnist.train_labels[: chosen.images]]
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "mnist.npz")
            np.savez(data, images=images, targets=targets)
            repeats = range(chosen.repeats)
            walls = [authors(chosen.authors, chosen.python, data) for _ in repeats]
        theirs = f"{median(walls):.3f} ({min(walls):.3f})"
        print(f"equilibrium propagation, authors' PyTorch in batches of 20: {theirs}")


if __name__ == "__main__":
    main()
