"""``spikesim warmup``: compile the parts of networks and models, once for this machine.

Small networks of every kind of neuron and synapse run for one step, and the command of every model
trains for a moment, in a directory that is then removed. The compiled code stays in the kernel
cache, where any network finds the parts that it shares with them.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spikesim import neurons, textbook_neurons
from spikesim.engine.network import Network
from spikesim.engine.projection import ShortTermPlasticity
from spikesim.engine.stdp import PairSTDP
from spikesim.errors import SpikesimError
from spikesim.neurons import Neuron

__all__ = ["quietly", "tasks"]

Command = Callable[[list[str]], int]


def tasks(commands: list[list[str]], run: Command) -> Iterator[tuple[str, Callable[[], None]]]:
    """The tasks that compile something, by name.

    Parameters
    ----------
    commands : list of list of str
        Arguments of the command line, without a directory.
    run : callable
        Runs one of them and returns its exit status.
    """
    for module in (neurons, textbook_neurons):
        for name in module.__all__:
            kind = getattr(module, name)
            if isinstance(kind, Neuron):
                yield name, partial(_network, kind)
    for command in commands:
        yield " ".join(word for word in command[:3] if word[0] != "-"), partial(_run, command, run)


def _network(kind: Neuron) -> None:
    """Neurons of one kind with synapses of all kinds, for one step."""
    net = Network(dt=0.1, seed=0)
    source = net.add_population("source", 4, neurons.Poisson)
    trains = net.add_spike_trains("trains", 4, [0.0], [0])
    cells = net.add_population("cells", 4, kind)
    ports = [v for v in cells.state if v not in ("spike", "uniform", "refractory")]
    for port in ports:
        net.add_background(cells, port, rate=10.0, weight=0.0)
        to: dict[str, Any] = {"target": port, "delay": 0.5}
        for pre in (source, trains, cells):
            named = f"{pre.name}_{port}"
            net.connect(pre, cells, **to, weight=0.0, name=f"{named}_dense")
            net.connect(pre, cells, **to, weight=0.0, probability=0.5, name=f"{named}_shared")
            net.connect(pre, cells, **to, weight=_zeros, indegree=2, name=f"{named}_own")
    first: dict[str, Any] = {"target": ports[0], "weight": 0.0}
    net.connect(source, cells, **first, delay=_delays, probability=0.5, name="late")
    rule = PairSTDP() if kind.most_spikes > 0 else None
    for short in (None, ShortTermPlasticity()):
        named = "lasting" if short is None else "tiring"
        for probability in (None, 0.5):
            net.connect(
                source,
                cells,
                **first,
                delay=0.5,
                probability=probability,
                short_term=short,
                plasticity=rule,
                name=f"{named}_{'dense' if probability is None else 'sparse'}",
            )
    for population in (source, trains, cells):
        net.add_trace(population, 20.0)
        net.record_spikes(population)
    net.record(cells, ports)
    net.record(cells, ports, neurons=[0], every=1.0)
    net.run(0.1)


def _zeros(chance: np.random.Generator, size: int) -> np.ndarray:
    return np.zeros(size)


def _delays(chance: np.random.Generator, size: int) -> np.ndarray:
    return chance.uniform(0.1, 0.5, size)


def _run(command: list[str], run: Command) -> None:
    with tempfile.TemporaryDirectory() as folder:
        status = run([*command, "--no-progress", f"--out={Path(folder) / 'run'}"])
    if status != 0:
        raise SpikesimError(f"'spikesim {' '.join(command)}' ended with exit status {status}.")


def quietly(task: Callable[[], None]) -> None:
    """Do one of the tasks; show what it prints only if it fails."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            task()
    except BaseException:
        print(said.getvalue(), file=sys.stderr)
        raise
