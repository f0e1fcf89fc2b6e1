"""Where spikes come from: images shown trial after trial, and given spike trains.

A source is a population without input. (A source of constant Poisson rates is an ordinary
population of `spikesim.Poisson` neurons.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.errors import InputError, check_array
from spikesim.kernels import images as image_bodies
from spikesim.kernels import trials as trial_bodies
from spikesim.kernels.chance import MASK
from spikesim.kernels.program import Phase, once
from spikesim.kernels.spikes import flag, unflag
from spikesim.neurons import Neuron
from spikesim.population import Population

if TYPE_CHECKING:
    from spikesim.network import Network

__all__ = ["ImageSource", "SpikeTrainSource", "Trials"]


class Trials:
    """The order and the lengths of trials, and the clock that runs through them.

    Parameters
    ----------
    capacity : int
        How many trials can be scheduled at once.
    repeat : bool
        Begin again after the last of `capacity` trials.

    Attributes
    ----------
    clock : numpy.ndarray
        See `spikesim.kernels.trials`; Phases gate themselves on it.
    length : numpy.ndarray of int64, shape (trials, 2)
        Steps of the first and the second phase of each trial.
    example : numpy.ndarray of int64, shape (trials,)
        Which example each trial shows.
    """

    def __init__(self, capacity: int, repeat: bool = False):
        self.length = np.zeros((capacity, 2), np.int64)
        self.example = np.zeros(capacity, np.int64)
        self._repeat = repeat
        self.clock = np.array([-1, trial_bodies.SECOND, 0, 0], np.int64)

    def schedule(self, example: np.ndarray, length: np.ndarray) -> int:
        """Put these trials next and return how many steps they take.

        Parameters
        ----------
        example : numpy.ndarray of int, shape (trials,)
        length : numpy.ndarray of int, shape (trials, 2)
        """
        n = len(example)
        if n > len(self.example):
            raise InputError(f"{n} trials are more than the {len(self.example)} reserved.")
        self.example[:n] = example
        self.length[:n] = length
        self.clock[:] = -1, trial_bodies.SECOND, 0, 0
        return int(self.length[:n].sum())

    def phase(self) -> Phase:
        """The Phase that advances the clock, to be the first of a step."""
        state = {"clock": self.clock, "length": self.length}
        return Phase(trial_bodies.tick, once, state, {"repeat": int(self._repeat)})


class ImageSource(Population):
    """One Poisson neuron per pixel, which fires at a rate proportional to the pixel's brightness.

    Parameters
    ----------
    network : Network
    name : str
    pixels : int
    trials : Trials
        Says which image is shown when.
    rate : float
        Expected spikes per step of a pixel of value 1.
    """

    def __init__(self, network: Network, name: str, pixels: int, trials: Trials, rate: float):
        kind = Neuron(steps=(), most_spikes=4)
        super().__init__(network, name, pixels, kind, {})
        self.trials = trials
        self.rate = rate
        self.images = np.zeros((1, pixels), np.uint8)
        self._stream = len(network.populations)
        four = (4, -(-pixels // 4))
        self._lit: dict[str, np.ndarray] = {
            "pixel": np.zeros(four, np.int32),
            "emitted": np.zeros(four, np.int32),
            "lit": np.zeros(1, np.int64),
            **{f"above_{k}": np.zeros(four, network.dtype) for k in range(4)},
        }
        self._drawn: dict[str, np.ndarray] = {
            "uniform": np.zeros(four, network.dtype),
            "hit": np.zeros(pixels + 4, np.int32),
            "hit_row": np.zeros(pixels + 4, np.int32),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), **self._lit}

    def phases(self) -> list[Phase]:
        state = {
            **self._lit,
            **self.spike_list(),
            **self._drawn,
            "spike": self.state["spike"],
            "image": self.images,
            "example": self.trials.example,
            "clock": self.trials.clock,
        }
        seed = self.network.seed
        params: dict[str, Any] = {
            "rate": float(self.rate),
            "stream": self._stream,
            "seed_low": seed & MASK,
            "seed_high": seed >> 32,
        }
        return [
            Phase(image_bodies.present, image_bodies.new_image, state, params),
            Phase(image_bodies.draw, image_bodies.quads, state, params),
            Phase(image_bodies.count, image_bodies.rows, state, params),
            Phase(image_bodies.list_spikes, once, state, params),
        ]


class SpikeTrainSource(Population):
    """Neurons that emit given spikes at given times, once or over and over.

    Parameters
    ----------
    network : Network
    name : str
    n : int
    times : array_like, shape (spikes,)
        In ms, not negative; each is emitted in the nearest step.
    ids : array_like of int, shape (spikes,)
        Which neuron emits each, 0 to n - 1.
    period : int, optional
        After how many steps the spikes come again; once only as a default.

    Attributes
    ----------
    MOST : int
        How many spikes a neuron can emit in a step when a model replaces the spikes.
    """

    MOST = 4

    def __init__(
        self, network: Network, name: str, n: int, times: Any, ids: Any, period: int | None = None
    ):
        super().__init__(network, name, n, Neuron(steps=(), most_spikes=self.MOST), {})
        at = check_array("times", times, shape=(None,), dtype=np.float64, at_least=0.0)
        who = check_array("ids", ids, shape=(at.size,), dtype=np.int32, at_least=0, at_most=n - 1)
        steps = np.rint(at / network.dt).astype(np.int64)
        if period is not None and steps.size and steps.max() >= period:
            raise InputError(
                f"times holds {at.max():g} ms; the spikes come again after "
                f"{period * network.dt:g} ms, so that all have to be earlier."
            )
        order = np.lexsort((who, steps))
        steps, who = steps[order], who[order]
        twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(who) == 0))
        if twice.size:
            raise InputError(
                f"times has two spikes of neuron {who[twice[0]]} in the step at "
                f"{steps[twice[0]] * network.dt:g} ms; a neuron emits at most one per dt."
            )
        self._trains: dict[str, np.ndarray] = {
            "next": np.zeros(1, np.int64),
            "loop": np.zeros(2, np.int64),
        }
        self.replace(steps, who, period, origin=0)

    def replace(self, steps: np.ndarray, ids: np.ndarray, period: int | None, origin: int) -> None:
        """Emit other spikes from now on: step k of the new ones is step ``origin + k``.

        Parameters
        ----------
        steps, ids : numpy.ndarray of int, shape (spikes,)
            When and who, sorted by step; nobody more than `MOST` times in a step.
        period : int or None
            After how many steps they come again.
        origin : int
        """
        # A spike that no step reaches ends the list, so that the body needs no bound.
        self._trains["at"] = np.append(steps, np.iinfo(np.int64).max)
        self._trains["who"] = np.append(ids, 0).astype(np.int32)
        self._trains["loop"][:] = period or 0, origin
        now = self.network.step - origin
        self._trains["next"][0] = np.searchsorted(steps, now % period if period else now)
        self.network.changed()

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), "next": self._trains["next"], "loop": self._trains["loop"]}

    def phases(self) -> list[Phase]:
        return [Phase(emit_given, once, {**self._trains, **self.spike_list(), **self.state})]


def emit_given(_, t, s, p):
    """List the spikes that are due in this step."""
    slot = t % s.ids.shape[0]
    unflag(s, (t - 1) % s.ids.shape[0])
    now = t - s.loop[1]
    if s.loop[0] > 0:
        now = now % s.loop[0]
        if now == 0:
            s.next[0] = 0
    m = 0
    while s.at[s.next[0]] == now:
        s.ids[slot, m] = s.who[s.next[0]]
        m += 1
        s.next[0] += 1
    s.count[slot] = m
    flag(s, slot)
