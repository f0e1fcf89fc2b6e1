"""The tasks of Zenke & Ganguli (2018), and pictures of your own.

task = tasks.hidden(seed=1)
net = SuperSpikeNetwork(task.sizes, seed=1, **task.parameters)
net.train(task)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from spikesim import patterns
from spikesim.checks import check_integer, check_number
from spikesim.learning.parameters import refuse_if
from spikesim.learning.tasks import Task
from spikesim.learning.windows import Windows
from spikesim.patterns import SpikePattern

__all__ = ["TASKS", "Task", "hidden", "picture", "spikes", "xor"]

INPUTS = 100
DT = 0.1  # ms; all spikes are on this grid
EQUIDISTANT = (83.0, 166.0, 249.0, 332.0, 415.0)  # ms; the target of figures 2 and 4


def spikes(seed: int = 0) -> Task:
    """One neuron learns five equidistant spikes from frozen Poisson input (figure 2)."""
    return _equidistant((INPUTS, 1), 50, seed)


def hidden(seed: int = 0) -> Task:
    """The same with a hidden layer of eight (figure 4, dashed).

    With four, one network in sixteen begins with only negative weights from its silent hidden layer
    to the output. Then no error ever asks a hidden neuron to spike, and the network learns nothing.
    """
    return _equidistant((INPUTS, 8, 1), 80, seed)


def _equidistant(sizes: tuple[int, ...], blocks: int, seed: int) -> Task:
    shown = patterns.poisson(INPUTS, rate=5.0, duration=500.0, seed=seed)
    target = patterns.from_trains([EQUIDISTANT], duration=500.0)
    return Task(sizes, lambda block: (shown, target), blocks, 5000.0, {})


def xor(seed: int = 0, interval: float = 250.0, background: float = 4.0) -> Task:
    """The exclusive-or of two sets of inputs, with a third as a reference in time (figure 5).

    A stimulus lasts 10 ms. The reference set is always active; each of the other two may be. Every
    active neuron spikes once, at its own fixed offset. Output 1 is to spike if one of the two sets
    is active, output 0 if none or both are. They have until 15 ms after the stimulus.

    Parameters
    ----------
    seed : int
        Offsets and the order of trials depend on it.
    interval : float
        Mean time from one stimulus to the next (ms). 100 ms of it are fixed; the rest is drawn from
        an exponential distribution.
    background : float
        Rate of additional random spikes of every input neuron (Hz).
    """
    check_integer("seed", seed, at_least=0)
    check_number("interval", interval, above=100.0, unit="ms")
    check_number("background", background, at_least=0.0, at_most=1000.0 / DT, unit="Hz")
    offsets = np.round(np.random.default_rng([seed, 0]).uniform(0.0, 10.0, INPUTS), 1)
    sets = np.arange(INPUTS) % 3  # 0 is the reference
    duration = 10_000.0

    def trials(block: int) -> tuple[SpikePattern, Windows]:
        chance = np.random.default_rng([seed, 1, block])
        gaps = 100.0 + chance.exponential(interval - 100.0, int(2 * duration / interval))
        onset = np.round(np.cumsum(gaps), 1)
        onset = onset[onset < duration - 50.0]
        first, second = chance.integers(0, 2, (2, len(onset)))
        active = np.stack([np.ones_like(first), first, second], axis=1)[:, sets].astype(bool)
        trial, neuron = np.nonzero(active)
        noise = patterns.poisson(INPUTS, background, duration, seed=int(chance.integers(2**31)))
        times = np.concatenate([onset[trial] + offsets[neuron], noise.times])
        ids = np.concatenate([neuron, noise.ids])
        # A random spike that coincides with one of the stimulus is dropped.
        places = np.unique(np.rint(times / DT).astype(np.int64) * INPUTS + ids)
        steps, who = np.divmod(places, INPUTS)
        shown = SpikePattern(steps * DT, who.astype(np.int32), INPUTS, duration)
        windows = Windows(onset, onset + 25.0, first ^ second, 2, duration)
        return shown, windows

    parameters = {"error": "windows", "w_0": 10.0}  # silent at first
    return Task((INPUTS, 8, 2), trials, 150, duration, parameters, frozen=False)


def picture(
    text: str | None = None,
    path: str | Path | None = None,
    seed: int = 0,
    n: int = 100,
    duration: float = 2000.0,
    hidden: int = 100,
) -> Task:
    """A network draws a picture or writes a line of text with the spikes of its output layer.

    Parameters
    ----------
    text : str, optional
        The text to write; 'spikesim' if there is no picture either.
    path : str or Path, optional
        A PNG file.
    seed : int
        The input, and the places of spikes in the dark, depend on it.
    n : int
        Output neurons.
    duration : float
        Length of the drawing (ms).
    hidden : int
        Hidden neurons.
    """
    refuse_if(
        text is not None and path is not None,
        "text and path are both given; a network learns one picture at a time.",
    )
    if path is not None:
        target = patterns.from_picture(path, n=n, duration=duration, seed=seed)
    else:
        line = "spikesim" if text is None else text
        target = patterns.from_text(line, n=n, duration=duration, seed=seed)
    shown = patterns.poisson(INPUTS, rate=5.0, duration=duration, seed=seed)
    return Task((INPUTS, hidden, n), lambda block: (shown, target), 40, 10_000.0, {})


TASKS: dict[str, Callable[..., Task]] = {
    "spikes": spikes,
    "hidden": hidden,
    "xor": xor,
    "picture": picture,
}
