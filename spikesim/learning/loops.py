"""One copy of the dynamics of a model that learns patterns in time; its clock is a loop.

Input and target come again and again. There are no trials, no phases and no resets in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_integer, show
from spikesim.engine.network import Network
from spikesim.engine.sources import SpikeTrainSource
from spikesim.errors import InputError
from spikesim.kernels.probes import tally
from spikesim.learning.model import Dynamics
from spikesim.learning.windows import Windows
from spikesim.neurons import Neuron
from spikesim.spike_pattern import SpikePattern

__all__ = ["LoopSimulation", "Synapse", "arranged", "check_synapse"]

NEVER = np.iinfo(np.int64).max


class Synapse(NamedTuple):
    """One synapse, from a neuron of the layer below to a neuron of a layer.

    Attributes
    ----------
    layer : int
        1 is the first layer after the input.
    pre, post : int
        The neurons.

    Examples
    --------
    >>> Synapse(layer=1, pre=7, post=0).pre
    7
    """

    layer: int
    pre: int
    post: int


class LoopSimulation(Dynamics):
    """A model's spiking layers, with the model's weights, and the patterns that they are shown.

    Besides the model's own arrays, bodies find the spikes of each layer (``s.ids``, ``s.count``,
    ``s.spike``). At the output they also find ``s.target_ids`` and ``s.target_count``. If the model
    learns in windows, they find these instead: ``s.start``, ``s.end`` and ``s.who`` of the windows,
    in steps; ``s.loop``, the length of the loop and the step with which it began; ``s.window``, the
    number of the next window and a number that the body may use.

    Parameters
    ----------
    model : PatternModel
    purpose : {TRAINING, TEST, RECORDING, MEASURING}
    synapse : Synapse, optional
        In every step, compute what this synapse learns from, so that it can be recorded.
    numbers : dict of str to number, optional
        Numbers that bodies read in place of the model's `numbers`.
    """

    model: Any  # a PatternModel, whose module imports this one

    def __init__(
        self,
        model: Any,
        purpose: int,
        synapse: Synapse | None = None,
        numbers: Mapping[str, float] | None = None,
    ):
        net = Network(dt=model.dt, seed=model.seed, dtype=model.dtype, backend=model.backend)
        super().__init__(model, purpose, net)
        self.synapse = synapse
        self.shared.numbers.update({**model.numbers(), **(numbers or {})})
        self._lay_out()
        self._shown = net.add_spike_trains("input", self.input.n, [], [])
        for layer in self.layers:
            self._populate(layer, model.neuron(layer, self))
        self._target: SpikeTrainSource | None = None
        if not model.in_windows:
            self._target = net.add_spike_trains("target", self.output.n, [], [])
        model.connect(self)
        for layer in self.layers:
            layer.arrays.update(net.populations[layer.name].spike_list())
            layer.arrays["spike"] = net.populations[layer.name].spike
        self._add_target()
        for layer in self.above_input:
            layer.arrays["total"] = np.zeros(1, np.int64)
            self._wire(layer.phase(tally, "once"))
        self.output.arrays["unmatched"] = np.zeros(1, np.int64)
        for each in model.step(self):
            self._wire(each)
        self._learners = [
            each.phase.params
            for each in self.wired
            for name in model.RATES
            if name in each.phase.params
        ]

    def _add_target(self) -> None:
        """Add the target spikes or windows to the output's arrays, under the bodies' names."""
        own = self.output.arrays
        if self._target is not None:
            listed = self._target.spike_list()
            own["target_ids"], own["target_count"] = listed["ids"], listed["count"]
        else:
            own.update(start=np.full(1, NEVER), end=np.full(1, NEVER), who=np.zeros(1, np.int64))
            own.update(loop=np.zeros(2, np.int64), window=np.zeros(2, np.int64))

    # ------------------------------------------------------------------- building

    def remember_target(self, steps: int) -> None:
        """Keep the spikes of the target for `steps` steps."""
        if self._target is not None:
            self._target.remember(steps)

    def add_synapse(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Variables of the synapse that is recorded: name → array."""
        kind = Neuron(steps=(), variables=dict.fromkeys(names, 0.0), most_spikes=0)
        population = self.network.add_population("synapse", 1, kind)
        return {name: population.state[name] for name in names}

    # ------------------------------------------------------------------- running

    def loop(self, pattern: SpikePattern, target: SpikePattern | Windows, origin: int) -> None:
        """Show a pattern and its target over and over, from step `origin` on."""
        dt = self.network.dt
        _replace(self._shown, pattern, dt, origin)
        if self._target is not None and isinstance(target, SpikePattern):
            _replace(self._target, target, dt, origin)
        elif isinstance(target, Windows):
            new = {
                "start": np.append(_steps(target.start, dt), NEVER),
                "end": np.append(_steps(target.end, dt), NEVER),
                "who": np.append(target.ids, 0).astype(np.int64),
            }
            self.output.arrays.update(new)
            for wired in self.wired:
                state = wired.phase.state
                state.update((name, array) for name, array in new.items() if name in state)
            self.output.loop[:] = round(target.duration / dt), origin
            self.output.window[:] = len(target.start), 0  # none until the loop begins

    def rehearse(self, pattern: SpikePattern, target: SpikePattern | Windows) -> int:
        """Show them for one loop, so that the next loop begins at time 0; return its steps."""
        steps = round(pattern.duration / self.network.dt)
        self.model.follow_weights()
        self.network._step = -steps
        self.loop(pattern, target, 0)
        self.network.run_steps(steps)
        return steps

    def learn_at(self, rate: float) -> None:
        """Set the learning rate; 0 keeps the weights as they are."""
        for params in self._learners:
            params.update((name, rate) for name in self.model.RATES if name in params)


def check_synapse(synapse: Any, sizes: tuple[int, ...]) -> Synapse:
    """Return a synapse of a network with layers of these sizes, or raise `InputError`."""
    if not isinstance(synapse, tuple) or len(synapse) != 3:
        raise InputError(f"synapse is {show(synapse)}; it has to be (layer, pre, post).")
    layer = check_integer("synapse layer", synapse[0], at_least=1, at_most=len(sizes) - 1)
    return Synapse(
        layer,
        check_integer("synapse pre", synapse[1], at_least=0, at_most=sizes[layer - 1] - 1),
        check_integer("synapse post", synapse[2], at_least=0, at_most=sizes[layer] - 1),
    )


def arranged(saved: Any, own: Mapping[str, Mapping[str, np.ndarray]]) -> Any:
    """Arrange saved arrays of Phases as a network has them: the k-th of a name as its k-th.

    An array is saved under the first Phase that has it, and the number of Phases before it counts.
    A file of an earlier version may therefore have it under another Phase. It may also hold arrays
    that nothing reads.
    """
    if not isinstance(saved, Mapping) or set(saved) == set(own):
        return saved
    phases = [name for name in saved if name.startswith("phase ")]
    found: dict[str, list[Any]] = {}
    for phase in sorted(phases, key=lambda name: int(name.split()[1])):
        for name, array in saved[phase].items():
            found.setdefault(name, []).append(array)
    new = {name: arrays for name, arrays in saved.items() if name not in phases}
    for owner, arrays in own.items():
        if owner.startswith("phase "):
            new[owner] = {name: found[name].pop(0) for name in arrays}
    return new


def _steps(times: np.ndarray, dt: float) -> np.ndarray:
    return np.rint(np.asarray(times, np.float64) / dt).astype(np.int64)


def _replace(source: SpikeTrainSource, pattern: SpikePattern, dt: float, origin: int) -> None:
    steps, ids = _steps(pattern.times, dt), np.asarray(pattern.ids)
    order = np.lexsort((ids, steps))
    source.replace(steps[order], ids[order], round(pattern.duration / dt), origin)
