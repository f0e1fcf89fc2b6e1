"""The cuda backend on a real GPU: correctness beside the CPU, then replicas per second.

    python benchmarks/gpu.py                      everything, as a table; about ten minutes
    python benchmarks/gpu.py --small              tiny sizes, also for the simulator
    compute-sanitizer python benchmarks/gpu.py --small --part equal

`equal` compares the first 50 ms of a network of spiking neurons, which have the same bits.
`curves` compares the error of replicas after an epoch, on GPU and CPU. `speed` divides the examples
per second of many replicas by those of one network on one CPU core. `network` times one network of
many neurons on the whole GPU and on one CPU core. ``pytest tests/test_cuda.py`` compares all
bodies, bit for bit.
"""

from __future__ import annotations

import timing  # isort: skip - sets the number of threads before NumPy is loaded

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from spikesim import LIF, CurrentLIF, Network, Poisson, Replicas, backends, datasets, patterns
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork

PARTS = ["equal", "network", "speed", "curves"]

Train = Callable[[Any], Any]


def spiking(backend: str, seed: int, n: int) -> Network:
    """A random network with sparse recurrent inhibition."""
    net = Network(dt=0.1, seed=seed, backend=backend)
    source = net.add_population("source", n, Poisson)
    source.rate[:] = 100.0
    cells = net.add_population("cells", n, LIF, tau=10.0)
    net.connect(source, cells, target="drive", weight=80.0 / n, delay=1.0)
    net.connect(cells, cells, target="drive", weight=-0.2, probability=0.2, delay=1.5)
    net.record_spikes(cells)
    net.record(cells, "v", every=1.0)
    return net


def equal(n: int) -> None:
    """Spikes and voltages of the first 50 ms, and a second run."""
    runs = []
    for backend in ("cpu", "cuda", "cuda"):
        net = spiking(backend, 1, n)
        net.run(50.0)
        spikes, voltages = net.recordings
        runs.append((spikes.t, spikes.i, voltages.v))  # type: ignore[union-attr]
    cpu, first, second = runs
    same = all(np.array_equal(a, b) for a, b in zip(cpu, first, strict=True))
    alike = "the same bits" if same else "DIFFERENT"
    print(f"spikes and voltages of the first 50 ms on CPU and GPU: {cpu[0].size}, {alike}")
    print(f"largest difference of a voltage: {np.abs(cpu[2] - first[2]).max():.2g} mV")
    bits = all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    print(f"two runs on the GPU: {'the same bits' if bits else 'DIFFERENT'}", flush=True)


def network(sizes: tuple[int, ...]) -> None:
    """Seconds per simulated second of one network with 100 synapses a neuron."""
    print(f"{'neurons':>12}{'one core':>12}{'GPU':>12}{'ratio':>9}{'events a step':>16}")
    for n in sizes:
        seconds, counts = [], []
        for backend in ("cpu", "cuda"):
            net = Network(dt=0.1, seed=1, backend=backend)
            cells = net.add_population("cells", n, CurrentLIF, I=16.0)
            cells.v[:] = np.random.default_rng(1).uniform(-60.0, -50.0, n)
            indegree = min(100, n)
            net.connect(cells, cells, target="I_inh", weight=-20.0, indegree=indegree, delay=1.5)
            spikes = net.record_spikes(cells)
            net.run(20.0)  # compile
            begin = perf_counter()
            net.run(100.0)
            seconds.append(10.0 * (perf_counter() - begin))
            counts.append(spikes.t.size)
        events = counts[0] * indegree / 1200
        core, device = seconds
        print(f"{n:12}{core:12.3f}{device:12.3f}{core / device:9.1f}{events:16.0f}", end="")
        print("" if counts[0] == counts[1] else "  DIFFERENT SPIKES", flush=True)


def cases(small: bool) -> dict[str, tuple[Callable[[int, str], Any], Train, int]]:
    """Name → a function that builds one network, one that trains it, and its number of examples."""
    hidden = 8 if small else 500
    if small:
        data = datasets.load_digits()
    else:
        data = datasets.load("mnist")
    count = 2 if small else 2000
    images, labels = data.train_images[:count], data.train_labels[:count]
    sizes = images.shape[1], hidden, 10
    shown = patterns.poisson(100, rate=5.0, duration=500.0, seed=1)
    target = patterns.from_trains([[83.0, 166.0, 249.0, 332.0, 415.0]], duration=500.0)
    seconds = 0.01 if small else 20.0

    def fit_images(nets: Any) -> Any:
        return nets.fit(images, labels)

    def fit_trains(nets: Any) -> Any:
        return nets.fit(shown, target, blocks=1, block=1000.0 * seconds, burn_in=0.0)

    return {
        "segregated": (
            lambda seed, backend: SegregatedDendriteNetwork(sizes, seed=seed, backend=backend),
            fit_images,
            count,
        ),
        "burst": (
            lambda seed, backend: BurstEnsembleNetwork(sizes, seed=seed, backend=backend, sst="h"),
            fit_images,
            count,
        ),
        "superspike": (
            lambda seed, backend: SuperSpikeNetwork((100, 32, 1), seed=seed, backend=backend),
            fit_trains,
            round(seconds),
        ),
    }


def curves(replicas: int, small: bool) -> None:
    """Training errors of an epoch: mean and deviation over seeds."""
    for name, (build, train, _) in list(cases(small).items())[:2]:
        for backend in ("cpu", "cuda"):
            nets = Replicas([build(seed, backend) for seed in range(replicas)])
            error = np.asarray(train(nets)["training_error"])[:, -1]
            print(
                f"{name:12}{backend:6} error {error.mean():6.2f} +- {error.std():.2f} %", flush=True
            )


def speed(replicas: int, small: bool) -> None:
    """Examples (for superspike, simulated seconds) per second."""
    print(f"{'':14}{'one core':>12}{f'{replicas} replicas':>16}{'ratio':>9}")
    for name, (build, train, count) in cases(small).items():
        one = build(0, "cpu")
        train(one)  # compile
        begin = perf_counter()
        train(one)
        core = max(count, 1) / (perf_counter() - begin)
        nets = Replicas([build(seed, "cuda") for seed in range(replicas)])
        train(nets)
        begin = perf_counter()
        train(nets)
        device = replicas * max(count, 1) / (perf_counter() - begin)
        print(f"{name:14}{core:12.1f}{device:16.1f}{device / core:9.1f}", flush=True)
        if name == "segregated":
            minutes = 20 * 60 * 60_000 / device / 60.0
            print(f"{'':14}20 seeds x 60 epochs of MNIST at that rate: {minutes:.1f} minutes")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--replicas", type=int)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    reason = backends.available()["cuda"]
    if reason:
        raise SystemExit(f"The cuda backend cannot be used here: {reason}.")
    print(f"{timing.machine()}; {backends.device_name()}; load {timing.load_average()}")
    parts = chosen.part or PARTS
    many = chosen.replicas or (2 if chosen.small else 500)
    if "equal" in parts:
        equal(8 if chosen.small else 1000)
    if "network" in parts:
        network((100,) if chosen.small else (4_000, 20_000))
    if "speed" in parts:
        speed(many, chosen.small)
    if "curves" in parts:
        curves(min(many, 20), chosen.small)


if __name__ == "__main__":
    main()
