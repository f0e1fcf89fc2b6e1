"""Sources of spikes: images shown trial after trial, given spike trains, spikes of others.

A source is a population without input. (A source of constant Poisson rates is an ordinary
population of `spikesim.Poisson` neurons.) An `EventSource` selects spikes of another population. A
`Background` is not a population, but Poisson input to every neuron of one.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from math import exp
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from spikesim.attributes import Guarded
from spikesim.checks import (
    MOST_STEPS,
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_number,
)
from spikesim.copying import Part
from spikesim.engine.population import ON_SPIKE, Population, check_range
from spikesim.engine.setting import Setting
from spikesim.engine.signs import check_sign
from spikesim.errors import InputError
from spikesim.kernels import background, bursts
from spikesim.kernels import images as image_bodies
from spikesim.kernels import trials as trial_bodies
from spikesim.kernels.lists import whole_eights
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.kernels.machine.states import State
from spikesim.kernels.spikes import flag, unflag
from spikesim.neurons import Neuron
from spikesim.precision import SPIKE_INTERVAL, type_for

__all__ = ["Background", "EventSource", "ImageSource", "SpikeTrainSource", "Trials"]

BACKGROUND = 1 << 25
"""The first stream of random numbers for backgrounds."""

_MOST_PER_STEP = 1e6  # spikes of a neuron: their number is drawn with 32 bits

_MANY = 0.7  # spikes per neuron and step from which on each neuron draws: it is faster then


class Trials(Guarded):
    """The order and the lengths of trials, and the clock that counts their steps.

    Parameters
    ----------
    capacity : int
        How many trials can be scheduled at once.
    repeat : bool
        Start again after the last of `capacity` trials.

    Attributes
    ----------
    clock : numpy.ndarray
        See `spikesim.kernels.trials`; by it Phases decide whether to run.
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
        """Make these the next trials; return how many steps they take.

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
        """The Phase that advances the clock; it has to be the first of a step."""
        state = {"clock": self.clock, "length": self.length}
        return Phase(trial_bodies.tick, once, state, {"repeat": int(self._repeat)})


class ImageSource(Population):
    """One Poisson neuron per pixel, which fires at a rate proportional to the pixel's brightness.

    Parameters
    ----------
    network : Setting
    name : str
    pixels : int
    trials : Trials
        Decides when each image is shown.
    rate : float
        Expected spikes per step of a pixel of value 1. The brightest pixel may have at most 1,
        because a pixel emits up to four spikes in a step.

    Attributes
    ----------
    images : numpy.ndarray, shape (images, pixels)
        Can be set between runs, to the same number of other images.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **Population._remedies,
        "rate": "add images with that rate",
        "trials": "add images again",
    }

    def __init__(self, network: Setting, name: str, pixels: int, trials: Trials, rate: float):
        kind = Neuron(steps=(), most_spikes=4)
        super().__init__(network, name, pixels, kind, {})
        self.trials = trials
        self._shown: dict[str, np.ndarray] = {}
        self._params: dict[str, Any] = {}
        self._show(np.zeros((1, pixels), np.uint8), rate)
        four = (4, whole_eights(image_bodies.columns(pixels)))
        self._lit: dict[str, np.ndarray] = {
            "pixel": np.zeros(four, np.int32),
            "emitted": np.zeros(four, np.int32),
            "lit": np.zeros(1, np.int64),
            **{f"above_{k}": np.zeros(four, network.dtype) for k in range(4)},
        }
        self._drawn: dict[str, np.ndarray] = {
            "uniform": np.zeros(four, network.dtype),
            "hit": np.zeros((1, pixels + 8), np.int32),
        }

    def _show(self, images: np.ndarray, rate: float) -> None:
        """Show other images, of any number and type, with another rate."""
        self._shown["image"] = images
        self._params["rate"] = float(rate)

    @property
    def images(self) -> np.ndarray:
        return self._shown["image"]

    @images.setter
    def images(self, images: Any) -> None:
        own = self._shown["image"]
        most = 1.0 if own.dtype.kind == "f" else 255
        own[...] = check_array(
            "images", images, shape=own.shape, dtype=own.dtype, at_least=0.0, at_most=most
        )

    @property
    def rate(self) -> float:
        return self._params["rate"]

    def built(self) -> dict[str, Any]:
        steps = int(self.trials.length.sum())
        shown = {"number of images": len(self.images), "rate": self.rate, "steps of all": steps}
        return {**super().built(), **shown}

    def arrays(self) -> dict[str, np.ndarray]:
        columns = -(-self.n // 4)  # the others only fill up the last eight
        lit = {name: a[:, :columns] if a.ndim == 2 else a for name, a in self._lit.items()}
        return {**super().arrays(), **lit}

    def check_saved(self, saved: Mapping[str, np.ndarray]) -> None:
        super().check_saved(saved)
        check_range(f"saved {self.name}.pixel", saved["pixel"], 0, self.n - 1)
        check_range(f"saved {self.name}.lit", saved["lit"], 0, self.n)
        check_range(f"saved {self.name}.emitted", saved["emitted"], 0, 4)

    def phases(self) -> list[Phase]:
        state = State(
            self._lit,
            self._listed,
            self._drawn,
            {"spike": self.state["spike"]},
            self._shown,
            {"example": self.trials.example, "clock": self.trials.clock},
        )
        in_line: dict[str, np.ndarray] = {
            name: state[name].reshape(-1) for name in ("emitted", "above_1", "uniform")
        }
        in_line["pixel"] = state["pixel"].reshape(1, -1)
        noise = self.network.noise
        params: Any = ChainMap({"stream": self._number}, self._params, noise)
        decision: Any = ChainMap({"stream": ON_SPIKE + self._number}, self._params, noise)
        return [
            Phase(image_bodies.present, image_bodies.new_image, state, params, ("image",)),
            Phase(image_bodies.draw, image_bodies.quads, state, params),
            Phase(image_bodies.count, image_bodies.rows, state, params),
            Phase(image_bodies.list_spikes, once, State(state, in_line), decision),
            *self.silencing(),
        ]


class SpikeTrainSource(Population):
    """Neurons that emit given spikes at given times, once or repeatedly.

    Parameters
    ----------
    network : Setting
    name : str
    n : int
    times : array_like, shape (spikes,)
        In ms, not negative; each spike is emitted in the nearest step.
    ids : array_like of int, shape (spikes,)
        The neuron of each spike, 0 to n - 1.
    period : int, optional
        After how many steps the spikes repeat; by default they come once.
    duplicates : {'refuse', 'merge', 'keep'}
        How several spikes of a neuron in one step are treated.

    Attributes
    ----------
    MOST : int
        How many spikes a neuron can emit in a step.
    """

    MOST = 4

    def __init__(
        self,
        network: Setting,
        name: str,
        n: int,
        times: Any,
        ids: Any,
        period: int | None = None,
        duplicates: str = "refuse",
    ):
        check_choice("duplicates", duplicates, ["refuse", "merge", "keep"])
        super().__init__(network, name, n, Neuron(steps=(), most_spikes=self.MOST), {})
        at = check_array(
            "times",
            times,
            shape=(None,),
            dtype=np.float64,
            at_least=0.0,
            at_most=0.5 * MOST_STEPS * network.dt,
        )
        who = check_array("ids", ids, shape=(at.size,), dtype=np.int32, at_least=0, at_most=n - 1)
        steps = np.rint(at / network.dt).astype(np.int64)
        if period is not None and steps.size and steps.max() >= period:
            raise InputError(
                f"times holds {at.max():g} ms; the spikes repeat after "
                f"{period * network.dt:g} ms, so all have to be earlier."
            )
        order = np.lexsort((who, steps))
        steps, who = steps[order], who[order]
        again = np.zeros(steps.size, bool)  # whether it is the same neuron and step as before
        again[1:] = (np.diff(steps) == 0) & (np.diff(who) == 0)
        if duplicates == "merge":
            steps, who = steps[~again], who[~again]
        elif duplicates == "refuse" and again.any():
            first = int(again.argmax())
            raise InputError(
                f"times has two spikes of neuron {who[first]} in the step at "
                f"{steps[first] * network.dt:g} ms; a neuron emits at most one per dt, unless "
                "duplicates is 'merge' (they become one) or 'keep'."
            )
        self._trains: dict[str, np.ndarray] = {
            "next": np.zeros(1, np.int64),
            "loop": np.zeros(2, np.int64),
        }
        self._built = {
            "number of spikes": steps.size,
            "checksum of spikes": crc32(who.data, crc32(steps.data)),
            "period in steps": period or 0,
        }
        self.replace(steps, who, period, origin=0)

    def built(self) -> dict[str, Any]:
        return {**super().built(), **self._built}

    def replace(self, steps: np.ndarray, ids: np.ndarray, period: int | None, origin: int) -> None:
        """Emit other spikes from now on: step k of the new ones is step ``origin + k``.

        Parameters
        ----------
        steps, ids : numpy.ndarray of int, shape (spikes,)
            The step and the neuron of each spike, sorted by step; a neuron may appear at most
            `MOST` times in a step.
        period : int or None
            After how many steps they repeat.
        origin : int
        """
        last = None if period is None else _check_period(period) - 1
        steps = check_array("steps", steps, shape=(None,), dtype=np.int64, at_least=0, at_most=last)
        ids = check_array(
            "ids", ids, shape=steps.shape, dtype=np.int32, at_least=0, at_most=self.n - 1
        )
        check_integer("origin", origin, at_least=-MOST_STEPS, at_most=MOST_STEPS)
        _check_trains(steps, ids, self.MOST)
        # A spike in a step that never comes ends the list, so the body needs no bound.
        self._trains["at"] = np.append(steps, np.iinfo(np.int64).max)
        self._trains["who"] = np.append(ids, 0).astype(np.int32)
        self._trains["loop"][:] = period or 0, origin
        now = self.network.step - origin
        self._trains["next"][0] = np.searchsorted(steps, now % period if period else now)

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), "next": self._trains["next"], "loop": self._trains["loop"]}

    def check_saved(self, saved: Mapping[str, np.ndarray]) -> None:
        super().check_saved(saved)
        check_range(f"saved {self.name}.next", saved["next"], 0, self._trains["at"].size - 1)
        check_range(f"saved {self.name}.loop", saved["loop"], -MOST_STEPS, MOST_STEPS)

    def phases(self) -> list[Phase]:
        state = State(self._trains, self._listed, self.state)
        return [Phase(emit_given, once, state), *self.silencing()]


def _check_period(period: Any) -> int:
    return check_integer("period", period, at_least=1, at_most=MOST_STEPS)


def _check_trains(steps: np.ndarray, ids: np.ndarray, most: int) -> None:
    """Refuse spikes that are not sorted, and more of a neuron in a step than there is room for."""
    if (np.diff(steps) < 0).any():
        raise InputError("steps go back in time; they have to ascend.")
    if steps.size <= most:
        return
    order = np.lexsort((ids, steps))
    steps, ids = steps[order], ids[order]
    more = np.flatnonzero((steps[most:] == steps[:-most]) & (ids[most:] == ids[:-most]))
    if more.size:
        raise InputError(
            f"steps has more than {most} spikes of neuron {ids[more[0]]} in step {steps[more[0]]}; "
            f"a source emits at most {most}."
        )


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


class Background(Part):
    """Independent Poisson input to neurons of a population; see `Network.add_background`.

    Attributes
    ----------
    population : Population
    target : str
        The variable to which each spike adds.
    rate : float
        In Hz per neuron; can be set between runs.
    weight : float
        The amount that each spike adds; can be set between runs.
    """

    _remedies: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("population", "target", "at_most_one"), "add another background"
    )

    def __init__(
        self,
        population: Population,
        target: str,
        rate: float,
        weight: float,
        neurons: range,
        at_most_one: bool,
        number: int,
    ):
        self.population = population
        self.target = target
        self.at_most_one = at_most_one
        self._number = number
        self._params: dict[str, Any] = {
            "first": neurons.start,
            "n": len(neurons),
            "parts": SHARED,
            "stream": BACKGROUND + number,
        }
        self._drawn: dict[str, np.ndarray] = {  # some of it depends on the rate
            "spikes": np.zeros(1, np.int64),
            "is_chosen": np.zeros(len(neurons), np.int64),
            "chosen": np.zeros(len(neurons) + 4, np.int64),
        }
        self.weight = weight
        self.rate = rate
        self._built = {
            "population": population.name,
            "target": target,
            "rate": self.rate,
            "weight": self.weight,
            "first neuron": neurons.start,
            "number of neurons": len(neurons),
            "at_most_one": int(at_most_one),
        }

    def _place(self) -> tuple[Setting, str, int]:
        return self.population.network, "backgrounds", self._number

    def built(self) -> dict[str, Any]:
        return dict(self._built)

    def __repr__(self) -> str:
        return (
            f"<Background of {self.population.name}.{self.target}: {self.rate:g} Hz, "
            f"weight {self.weight:g}>"
        )

    @property
    def weight(self) -> float:
        return self._params["weight"]

    @weight.setter
    def weight(self, weight: float) -> None:
        dtype = self.population.network.dtype
        self._params["weight"] = check_number("weight", weight, dtype=dtype)
        check_sign(self.population, self.target, "background", self.weight)

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        from scipy.special import bdtr, pdtr

        dt, n = self.population.network.dt, self._params["n"]
        highest = (1.0 if self.at_most_one else _MOST_PER_STEP) * 1000.0 / dt
        self._rate = check_number("rate", rate, at_least=0.0, at_most=highest, unit="Hz")
        chance = self._rate * dt / 1000.0
        self._is_per_neuron = chance > _MANY
        drawn_for = 1 if self._is_per_neuron else n
        mean = drawn_for * chance
        if not self._is_per_neuron:
            check_memory(f"rate is {self._rate:g} Hz for {n} neurons", 4.0 * mean)
        # The number of counts that 32 random bits can distinguish grows as the root of the mean.
        around = 8.0 * np.sqrt(mean) + 30.0
        least = max(0, int(mean - around))
        most = int(mean + around)
        if self.at_most_one:
            counts = np.arange(least, min(most, drawn_for) + 1, dtype=np.float64)
            chances = bdtr(counts, drawn_for, chance)
        else:
            counts = np.arange(least, most + 1, dtype=np.float64)
            chances = pdtr(counts, mean)
        words = chances * 2.0**32
        if self._is_per_neuron:
            cumulative = np.rint(words).astype(np.int64)
            least += int(np.count_nonzero(cumulative == 0))  # every random word exceeds these
            inside = cumulative[(cumulative > 0) & (cumulative < 1 << 32)] - 1
            never = np.full(-inside.size % 8, (1 << 32) - 1)
            self._drawn["threshold"] = np.concatenate([inside, never]).astype(np.uint32)
            self._drawn["words"] = np.zeros((4, -(-n // 4)), np.uint32)
            self._drawn["word"] = self._drawn["words"].reshape(-1)
        else:
            self._drawn["cumulative"] = np.floor(words).astype(np.int64)
            self._drawn["cumulative"][-1] = 1 << 32
            self._drawn["neuron"] = np.zeros((4, (most + 4) // 4), np.int32)
        self._params["least"] = least

    @property
    def is_per_neuron(self) -> bool:
        """Whether there are so many spikes that each neuron draws its own, in other Phases."""
        return self._is_per_neuron

    def phases(self) -> list[Phase]:
        """The Phases that draw this step's spikes and add them to the target."""
        params: Any = ChainMap(self._params, self.population.network.noise)

        def state(*names: str, **others: np.ndarray) -> State:
            found = State()
            for name in names:
                found.link(name, self._drawn, name)
            return State(found, others)

        out = self.population.landing(self.target)
        if self.is_per_neuron:
            drawn = state("word", "threshold", out=out)
            owner = self.population if params["n"] == self.population.n else None
            return [
                Phase(background.draw_words, background.words, state("words"), params),
                Phase(background.add_counts, background.neurons, drawn, params, neurons=owner),
            ]
        phases = [Phase(background.draw_count, once, state("cumulative", "spikes"), params)]
        if self.at_most_one:
            chosen = state("spikes", "is_chosen", "chosen", out=out)
            return [*phases, Phase(background.deliver_distinct, once, chosen, params)]
        drawn = state("spikes", "neuron", out=out)
        phases.append(Phase(background.draw, background.quads, drawn, params))
        return [*phases, Phase(background.deliver, once, drawn, params)]


class EventSource(Population):
    """The events or the bursts of another population, as spikes of neurons with the same numbers.

    See `Network.add_events` and `spikesim.kernels.bursts`.

    Parameters
    ----------
    network : Setting
    name : str
    source : Population
        The population whose spikes are examined.
    tau : float
        In ms: a silence of more than tau ends an event.
    what : int
        `spikesim.kernels.bursts.EVENTS` or `BURSTS`.
    """

    def __init__(self, network: Setting, name: str, source: Population, tau: float, what: int):
        most = source.neuron.most_spikes
        super().__init__(network, name, source.n, Neuron(steps=(), most_spikes=most), {})
        self.source = source
        tau = check_number("tau", tau, at_least=network.dt, unit="ms, dt or longer")
        self._trace_dtype = type_for(network.dtype, tau / max(SPIKE_INTERVAL, network.dt))
        self._detector: dict[str, np.ndarray] = {
            "trace": np.zeros(source.n, self._trace_dtype),
            "last": np.zeros(source.n, np.int64),
            "bursting": np.zeros(source.n, np.int32),
        }
        rate = network.dt / tau
        # A silence of exactly tau does not end an event, however the trace is rounded.
        self._detection = {"rate": rate, "threshold": exp(-1.0 - 1e-6), "what": what}
        self._built = {"source": source.name, "tau": float(tau), "what": what}

    def built(self) -> dict[str, Any]:
        return {**super().built(), **self._built}

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), **self._detector}

    def phases(self) -> list[Phase]:
        state = State(self._detector, self._listed, spike=self.state["spike"])
        for name in ("ids", "count"):
            state.link(f"source_{name}", self.source.listed, name)
        detection = Phase(bursts.detect, once, state, self._detection, dtype=self._trace_dtype)
        return [detection, *self.silencing()]
