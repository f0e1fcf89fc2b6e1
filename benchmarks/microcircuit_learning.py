"""CPU milliseconds per presentation of a dendritic microcircuit in continuous time, 4-120-3.

Ours, the transcription of our tests in NumPy, and the public programs of two groups, all of which
are NumPy too, learn Yin-Yang: 100 ms in steps of 0.1 ms, plastic W, P and Q, no noise. They run
alternately on one machine, in new processes of one thread, whose CPU time is what counts.

    python benchmarks/microcircuit_learning.py [--repeats 5] [--phll CHECKOUT] [--kma CHECKOUT]

phll is github.com/phll/Neuro-Backprop at 3e6e26f, whose equations are ours; it draws the noise that
it then multiplies by 0. kma is github.com/kma-code/Error-Neuron-Microcircuits at 7baef7d, whose
cells look ahead in time and whose plasticity has no filter. Both are run and never written to.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from spikesim import datasets
from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit
from tests.naive_dendritic_microcircuit import NaiveMicrocircuit

SIZES = (4, 120, 3)
HIGH, LOW = 1.4, -1.4
CONSTANTS: dict[str, Any] = {"tau_0": 3.0, "tau_w": 30.0, "t_pattern": 100.0, "dt": 0.1}
CONSTANTS |= {"g_l": 0.1, "g_B": 1.0, "g_A": 0.28, "g_D": 1.0, "g_som": 0.34}
LAG, ETA_W, ETA_Q, ETA_P = 20.0, (5.0, 0.005), 0.04, 0.001


def circuit() -> DendriticMicrocircuit:
    rates = {"eta": ETA_W, "eta_Q": ETA_Q, "eta_P": ETA_P, "scaled": False, "lag": LAG}
    given = {**CONSTANTS, **rates, "dynamics": "continuous", "high": HIGH, "low": LOW}
    return DendriticMicrocircuit(SIZES, seed=1, dtype="float32", **given)


def ours(count: int) -> timing.Timing:
    """Presentations before those that are timed compile, or load, the program."""
    points, net = datasets.yin_yang(count, 10, 1), circuit()
    net.learn(points.train_images[:10], points.train_labels[:10])
    net.learn(points.train_images[:10], points.train_labels[:10])
    return timing.timed(lambda: net.learn(points.train_images, points.train_labels), count)


def transcription(count: int) -> timing.Timing:
    points, net = datasets.yin_yang(count, 10, 1), circuit()
    W, Q = (
        [np.vstack([M, b]) for M, b in zip(*both, strict=True)]
        for both in ((net.W, net.b), (net.Q, net.c))
    )
    rates = {"eta_W": dict(enumerate(ETA_W, 1)), "eta_Q": ETA_Q, "eta_P": ETA_P}
    naive = NaiveMicrocircuit(W, net.Y, net.P, Q, **CONSTANTS, **rates, learning_lag=LAG)
    targets = np.where(np.eye(3)[points.train_labels] == 1.0, HIGH, LOW)

    def work() -> None:
        for x, target in zip(points.train_images, targets, strict=True):
            naive.present(x, target)

    return timing.timed(work, count)


BEGUN = """
import sys, types
from time import process_time
import numpy as np
data = np.load(sys.argv[2])
x, target = data["x"], data["target"]
"""
PHLL = """
sys.modules["Dataset"] = types.ModuleType("Dataset")  # theirs needs PyTorch
sys.path.insert(0, sys.argv[1] + "/backprop")
from PyraLNet import Net, sigmoid
net = Net({"dims": [4, 120, 3], "dt": 0.1, "gl": 0.1, "gb": 1.0, "ga": 0.28, "gd": 1.0,
    "gsom": 0.34, "eta": {"up": [5.0, 0.005], "pi": [0.001, 0.0], "ip": [0.04, 0.0]},
    "bias": {"on": True, "val": 1.0}, "tau_w": 30.0,
    "init_weights": {"up": 0.5, "down": 0.5, "pi": 0.5, "ip": 0.5},
    "noise": 0.0, "t_pattern": 100.0, "out_lag": 95.0, "tau_0": 3.0,
    "learning_lag": 20.0, "reset_deltas": False}, sigmoid, 1)
taught = np.hstack([target, np.ones((len(x), 1))])
began = process_time()
net.run(x, taught)
print(1e3 * (process_time() - began) / len(x))
"""
KMA = """
sys.path.insert(0, sys.argv[1] + "/numpy_model")
from src.microcircuit import base_model, logistic
draw = np.random.default_rng(1).uniform
net = base_model("layered", True, 0.1, 100.0, "FA", logistic, [4, 120, 3],
    [np.zeros(120), np.zeros(3)], [np.zeros(3)],
    [draw(-0.5, 0.5, (120, 4)), draw(-0.5, 0.5, (3, 120))], [draw(-0.5, 0.5, (3, 120))],
    [draw(-0.5, 0.5, (120, 3))], [draw(-0.5, 0.5, (120, 3))],
    0.1, 1.0, 1.0, 0.28, 0.34, 0.34, [0.05, 0.005], [0.0], [0.001], [0.04])
began = process_time()
for r, u in zip(x, target):
    for step in range(1000):
        learns = step >= 200
        net.evolve_system(r, [u], learn_weights=learns, learn_lat_weights=learns)
print(1e3 * (process_time() - began) / len(x))
"""


def theirs(program: str, checkout: Path, data: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", BEGUN + program, str(checkout), str(data)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    if done.returncode:
        raise SystemExit(f"The program in {checkout} failed:\n{done.stderr}")
    return float(done.stdout.split()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__).splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--presentations", type=int, default=1000, help="of ours")
    parser.add_argument("--few", type=int, default=10, help="presentations of the others")
    parser.add_argument("--phll", type=Path, metavar="CHECKOUT")
    parser.add_argument("--kma", type=Path, metavar="CHECKOUT")
    chosen = parser.parse_args(arguments)
    print(f"{timing.machine()}; load {timing.load_average()}")
    others = {"phll": (PHLL, chosen.phll), "kma": (KMA, chosen.kma)}
    others = {name: other for name, other in others.items() if other[1]}
    found: dict[str, list[float]] = {name: [] for name in ("ours", "transcription", *others)}
    points = datasets.yin_yang(chosen.few, 10, 1)
    target = np.where(np.eye(3)[points.train_labels] == 1.0, HIGH, LOW)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "yin_yang.npz")
        np.savez(data, x=points.train_images, target=target)
        for _ in range(chosen.repeats):
            found["ours"].append(timing.in_new_process(ours, chosen.presentations).cpu)
            found["transcription"].append(timing.in_new_process(transcription, chosen.few).cpu)
            for name, (program, checkout) in others.items():
                found[name].append(theirs(program, checkout, data))
    print(f"{'CPU ms/presentation':22} {'median':>9} {'least':>9} {'ratio of medians':>17}")
    for name, times in found.items():
        ratio = median(times) / median(found["ours"])
        print(f"{name:22} {median(times):9.3f} {min(times):9.3f} {ratio:17.1f}")


if __name__ == "__main__":
    main()
