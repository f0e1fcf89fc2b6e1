"""`PatternModel`: layers that spike and learn patterns in time, in one block after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import copied
from spikesim.checks import (
    check_integer,
    check_memory,
    check_number,
    check_steps,
    show,
)
from spikesim.engine.population import check_range
from spikesim.engine.sources import SpikeTrainSource
from spikesim.errors import InputError, SimulationError
from spikesim.learning.layers import Layer
from spikesim.learning.loops import LoopSimulation, Synapse, arranged, check_synapse
from spikesim.learning.measures import Update, update_of_loop
from spikesim.learning.model import MEASURING, RECORDING, TEST, TRAINING, LayeredModel
from spikesim.learning.parameters import ModelParameters, TimedParameters
from spikesim.learning.properties import HasProperties
from spikesim.learning.recording import PatternRecording
from spikesim.learning.tasks import Task, next_test, rates_of_blocks
from spikesim.learning.windows import (
    Windows,
    answers,
    check_windows,
    equal_patterns,
    pattern_of_tree,
    pattern_tree,
)
from spikesim.patterns import SpikePattern, check_pattern, from_trains
from spikesim.progress import Interruption, Progress, progress_bar
from spikesim.training import (
    history_arrays,
    history_lists,
    keeping,
    load_model,
    saved_count,
)

__all__ = ["PatternModel", "TimedParameters"]

STRETCH = 10_000  # steps between checks for Ctrl-C

_HISTORY = ("block", "time", "cost", "unmatched", "rate", "learning_rate", "seconds")


class PatternModel(LayeredModel, HasProperties):
    """A spiking network that learns to answer an input pattern with given spikes.

    A model brings `weights`, `arrays`, `neuron`, `connect` and `step` of `LayeredModel`, and the
    methods of the first part here. Its step counts in ``output.unmatched`` how many output and
    target spikes have no counterpart.

    Parameters
    ----------
    sizes : sequence of int
        Neurons in each layer, from the input to the output: (100, 4, 1). (100, 1) has no hidden
        layer; several hidden layers are possible.
    seed : int
        Initial weights and random feedback depend on it.
    dt : float
        The step in ms.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options that differ from the defaults, by name; the model's ``Parameters``
        lists them.

    Attributes
    ----------
    W : sequence of numpy.ndarray, shapes (n_below, n)
        Weights; ``W[0]`` leads from the input. You may set them: ``net.W[0] = array``.
    B : sequence of numpy.ndarray, shapes (n_above, n)
        Feedback weights onto each hidden layer from the layer above, if the model has any.
    notes : dict of str to number or str
        Anything that the network's file is to keep with it.
    history : dict of str to list
        One entry per block: 'block'; 'time' at its end in s, including the burn-in; 'cost', see
        `cost`; 'unmatched', the number of output and target spikes without a counterpart in the
        same step; 'rate' of each layer after the input, in Hz; 'learning_rate'; 'seconds', how long
        the block took.

    Raises
    ------
    InputError
        If a size or parameter is impossible; nothing has been made by then.

    Examples
    --------
    >>> from spikesim import patterns
    >>> from spikesim.models.superspike import SuperSpikeNetwork
    >>> net = SuperSpikeNetwork((5, 2), backend="python")
    >>> net.predict(patterns.poisson(5, 100.0, 20.0)).n
    2
    """

    Parameters: ClassVar[type[ModelParameters]] = TimedParameters
    WEIGHTS = ("W", "B")
    RATES = ("eta",)

    TASKS: ClassVar[dict[str, Callable[..., Task]]] = {}
    """The tasks that the command line can teach: name → ``task(seed=0)``; 'picture' takes more."""

    DT = 0.1
    in_windows = False
    """Whether targets are `Windows` rather than spike trains."""
    _training: Any

    def numbers(self) -> dict[str, float]:
        """Numbers that bodies read and that are not parameters, such as those that depend on dt."""
        return {}

    def follow_weights(self) -> None:
        """Update everything that follows the weights, as a user may have set them."""

    @property
    def cost(self) -> float:
        """How far the outputs are from their target, averaged over the recent past."""
        raise NotImplementedError

    def silent_cost(self, target: SpikePattern) -> float:
        """The cost of a network that never spikes, for comparison."""
        raise NotImplementedError

    def cost_of(self, net: LoopSimulation, steps: int) -> float:
        """The cost over the next steps of a simulation that does not learn."""
        raise NotImplementedError

    def summed(self, layer: Layer) -> np.ndarray | None:
        """What the rule has added up for ``layer.W`` since the last update; `update` needs it."""
        return None

    def learned_from(self, layer: Layer) -> np.ndarray | None:
        """The error signal of a layer's units."""
        return None

    def indices(self, net: LoopSimulation) -> Iterable[tuple[str, np.ndarray, int, Any]]:
        """Arrays that bodies use as indices: name, array, lowest and highest value."""
        return ()

    # ------------------------------------------------------------------- what it gets

    def __init__(
        self,
        sizes: Sequence[int] = (100, 4, 1),
        *,
        seed: int = 0,
        dt: float = 0.1,
        dtype: str = "float32",
        backend: str = "cpu",
        **parameters: Any,
    ):
        self.dt = check_number("dt", dt, above=0.0, unit="ms")
        super().__init__(sizes, seed=seed, dtype=dtype, backend=backend, **parameters)
        self._at_block = 0
        self.history = {key: [] for key in _HISTORY}
        self._shown: tuple[SpikePattern, SpikePattern | Windows] | None = None
        self._origin = 0
        self._burn_in_left = 0
        self._into_block = 0
        self._seconds = 0.0
        self._training = self._simulation(TRAINING)

    def _checked(self, layers: int, given: dict[str, Any]) -> ModelParameters:
        p = super()._checked(layers, given)
        if isinstance(p, TimedParameters):
            p.check_times(self.dt, self.dtype)
        return p

    def _simulation(
        self, purpose: int, synapse: Synapse | None = None, **numbers: float
    ) -> LoopSimulation:
        return LoopSimulation(self, purpose, synapse, numbers)

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<{type(self).__name__} {layers}, {self.time:g} s, seed {self.seed}>"

    @property
    def block(self) -> int:  # type: ignore[override]  # a loop has no trials to count
        """How many blocks the network has learned."""
        return self._at_block

    @property
    def time(self) -> float:
        """Simulated time so far, including the burn-in, in s."""
        return self._training.network.time / 1000.0

    @property
    def shown(self) -> tuple[SpikePattern, SpikePattern | Windows] | None:
        """The input and the target from which the network last learned; None before it has."""
        return self._shown

    def explain(self) -> None:
        """Print the bodies in the order of a step, and the arrays that their names stand for."""
        print(self._training.explained())

    # ------------------------------------------------------------------- learning

    def fit(
        self,
        input: SpikePattern,
        target: SpikePattern | Windows,
        blocks: int = 10,
        *,
        block: float = 5000.0,
        burn_in: float | None = None,
        learning_rate: Any = None,
        progress: bool | Progress = False,
        checkpoint: str | Path | None = None,
        callback: Callable[[Any], Any] | None = None,
    ) -> dict[str, list[Any]]:
        """Loop through the patterns and learn.

        Parameters
        ----------
        input : SpikePattern
            The spikes that the input neurons emit, over and over.
        target : SpikePattern or Windows
            The spikes that the output neurons are to emit; it lasts as long as the input. If the
            model learns in windows, it says when each output neuron is to spike.
        blocks : int
            How many more blocks. A block that was interrupted is finished first, and counts.
        block : float
            Length of a block in ms: how often the history gets an entry and a checkpoint is saved.
        burn_in : float, optional
            First run for this time (ms) without changing weights, so that optimizers get to know
            the gradients. By default one block for a network that has not run yet, else none.
        learning_rate : float or array_like of shape (blocks,), optional
            One for all blocks, or one for each; by default the model's parameter.
        progress : bool or callable
            True shows a bar if stderr is a terminal.
        checkpoint : str or Path, optional
            Save to this file after every block, and when interrupted with Ctrl-C or SIGTERM.
        callback : callable, optional
            The network calls ``callback(net)`` after each block, once it has written and saved the
            block's entry in `history`. If the callback returns True, learning stops.

        Returns
        -------
        dict of str to list
            The `history` so far.

        Raises
        ------
        InputError
            If patterns do not fit the network, or spike times are unsorted, negative or too late.
        SimulationError
            If a voltage or weight becomes NaN or infinite.
        FileError
            If `checkpoint` cannot be written, or another process is using it.
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, within a second of simulated time and after saving.
        """
        self._check_patterns(input, target)
        blocks = check_integer("blocks", blocks, at_least=1)
        check_memory(f"blocks is {blocks}", 16.0 * blocks)  # of the learning rates
        steps = check_steps("block", block, self.dt, at_least=1)
        burning = 0 if self.time else steps
        if burn_in is not None:
            burning = check_steps("burn_in", burn_in, self.dt)
            if burning and self._into_block:
                raise InputError(
                    f"burn_in is {burn_in:g} ms, but a block has run for "
                    f"{self._into_block * self.dt:g} ms; finish it first, without burn_in."
                )
        default = getattr(self.parameters, self.RATES[0])
        rates = rates_of_blocks(learning_rate, blocks, default, self.dtype)
        _check_callback(callback)
        if self._into_block >= steps:
            raise InputError(
                f"block is {block:g} ms, but the unfinished block has run for "
                f"{self._into_block * self.dt:g} ms; continue with the length it began with."
            )
        self._show(input, target)
        self.follow_weights()
        self._burn_in_left = self._burn_in_left or burning
        total = self._burn_in_left + blocks * steps - self._into_block
        net = self._training.network
        start = net.step
        with (
            keeping(self, checkpoint) as keep,
            Interruption() as interruption,
            progress_bar(progress, total, "step") as report,
        ):

            def advance(steps_now: int) -> None:
                began = time.perf_counter()
                net.run_steps(steps_now)
                self._seconds += time.perf_counter() - began
                report(net.step - start, total)

            def pause() -> None:
                if interruption.requested:
                    keep()
                    raise interruption.error

            keep()
            self._training.learn_at(0.0)
            while self._burn_in_left:
                now = min(self._burn_in_left, STRETCH)
                advance(now)
                self._burn_in_left -= now
                if not self._burn_in_left:
                    self._begin_block()
                pause()
            for rate in rates:
                self._training.learn_at(float(rate))
                while self._into_block < steps:
                    now = min(steps - self._into_block, STRETCH)
                    advance(now)
                    self._into_block += now
                    if self._into_block < steps:
                        pause()
                self._finish_block(steps, float(rate))
                keep()
                pause()
                if callback is not None and callback(self) is True:
                    break
        return copied(self.history)

    def train(
        self,
        task: Task,
        blocks: int | None = None,
        *,
        decay: int | None = None,
        tests: int = 5,
        progress: bool | Progress = False,
        checkpoint: str | Path | None = None,
        callback: Callable[[Any, float], Any] | None = None,
    ) -> dict[str, list[Any]]:
        """Learn a task as the command line does, with tests after 1, 2, 5, 10, 20, 50, ... blocks.

        ``notes["tested"]`` has what `evaluate` found, and ``notes["tested_at"]`` after which
        blocks. After an interruption, the same call continues.

        Parameters
        ----------
        task : Task
        blocks : int, optional
            How many blocks in all; by default the number that suits the task.
        decay : int, optional
            From this block on, the learning rate is a tenth; by default after two thirds of the
            blocks.
        tests : int
            How many blocks of new trials a test has, if trials differ from block to block.
        progress, checkpoint
            As in `fit`.
        callback : callable, optional
            The network calls ``callback(net, error)`` after each test, before it notes and saves
            the test. The callback may use ``net.predict`` to follow the course of training.

        Returns
        -------
        dict of str to list
            The `history` so far.
        """
        if not isinstance(task, Task) or not callable(task.trials):
            raise InputError(
                f"task is {show(task)}; it has to be a Task of spikesim.learning.tasks."
            )
        _check_callback(callback)
        block = check_number("task.block", task.block, above=0.0, unit="ms")
        blocks = check_integer("blocks", task.blocks if blocks is None else blocks, at_least=1)
        decay = -(-2 * blocks // 3) if decay is None else check_integer("decay", decay, at_least=0)
        tests = check_integer("tests", tests, at_least=1) if not task.frozen else 1
        self.notes.setdefault("tested_at", [])
        self.notes.setdefault("tested", [])

        def test() -> None:
            errors = [self.evaluate(*task.untrained(k)) for k in range(tests)]
            error = float(np.mean(errors))
            if callback is not None:
                callback(self, error)
            self.notes["tested_at"].append(self.block)
            self.notes["tested"].append(error)
            if checkpoint is not None:
                self.save(checkpoint)

        due = self.block > 0 and self.block == next_test(self.block - 1, blocks)
        if due and self.block not in self.notes["tested_at"]:
            test()  # training was stopped between a block and its test
        eta = float(getattr(self.parameters, self.RATES[0]))
        start = self.time * 1000.0 / self.dt
        total = round(max(blocks - self.block, 0) * block / self.dt)
        with progress_bar(progress, total, "step") as report:

            def tell(done: int, of: int) -> None:
                report(min(round(self.time * 1000.0 / self.dt - start), total), total)

            while self.block < blocks:
                stop = next_test(self.block, blocks)
                count = stop - self.block if task.frozen else 1
                given = range(self.block, self.block + count)
                self.fit(
                    *task.trials(self.block),
                    count,
                    block=block,
                    learning_rate=[eta * (0.1 if each >= decay else 1.0) for each in given],
                    progress=tell,
                    checkpoint=checkpoint,
                )
                if self.block == stop:
                    test()
        return copied(self.history)

    def _begin_block(self) -> None:
        for layer in self._training.above_input:
            layer.total[0] = 0
        self._training.output.unmatched[0] = 0
        self._into_block = 0
        self._seconds = 0.0

    def _finish_block(self, steps: int, rate: float) -> None:
        for m, W in enumerate(self.W):
            if not np.isfinite(W).all():
                raise SimulationError(
                    f"W[{m}] became NaN or infinite by {self.time:g} s; choose a smaller "
                    f"{self.RATES[0]}."
                )
        self._at_block += 1
        seconds = steps * self.dt / 1000.0
        layers = self._training.above_input
        entry = {
            "block": self.block,
            "time": self.time,
            "cost": self.cost,
            "unmatched": int(self._training.output.unmatched[0]),
            "rate": [float(layer.total[0]) / layer.n / seconds for layer in layers],
            "learning_rate": rate,
            "seconds": self._seconds,
        }
        for key, values in self.history.items():
            values.append(entry[key])
        self._begin_block()

    # ------------------------------------------------------------------- using

    def predict(self, input: SpikePattern) -> SpikePattern:
        """The spikes with which the output answers the input, in its second loop from rest.

        Parameters
        ----------
        input : SpikePattern

        Returns
        -------
        SpikePattern
        """
        self._check_input(input)
        simulation = self._simulation(TEST)
        steps = simulation.rehearse(input, self._no_target(input))
        net = simulation.network
        spikes = net.record_spikes(net.populations["output"])
        net.run_steps(steps)
        return SpikePattern(spikes.t, spikes.i, self.sizes[-1], float(input.duration))

    def evaluate(self, input: SpikePattern, target: SpikePattern | Windows) -> float:
        """How far the output is from the target, without learning.

        Parameters
        ----------
        input : SpikePattern
        target : SpikePattern or Windows

        Returns
        -------
        float
            The cost over the second loop from rest, in the unit of `cost`. If the model learns in
            windows, the percentage of windows with a wrong answer.
        """
        self._check_patterns(input, target)
        if isinstance(target, Windows):
            return float(100.0 * np.mean(~answers(target, self.predict(input))))
        simulation = self._simulation(TEST)
        steps = simulation.rehearse(input, target)
        return self.cost_of(simulation, steps)

    def record(
        self,
        input: SpikePattern,
        target: SpikePattern | Windows | None = None,
        *,
        synapse: Synapse | tuple[int, int, int] | None = None,
    ) -> PatternRecording:
        """Show the input without learning and record everything, in the second loop from rest.

        Parameters
        ----------
        input : SpikePattern
        target : SpikePattern or Windows, optional
            Needed for error signals.
        synapse : Synapse or tuple of int, optional
            Also record the eligibility trace of this synapse, (layer, pre, post), and the signals
            that make it up. Layer 1 is the first after the input.

        Returns
        -------
        PatternRecording
            Spikes of every layer, membrane potentials, and the synapse.
        """
        if target is None:
            self._check_input(input)
            target = self._no_target(input)
        else:
            self._check_patterns(input, target)
        chosen = None if synapse is None else check_synapse(synapse, self.sizes)
        return PatternRecording(self._simulation(RECORDING, chosen), input, target)

    def update(self, input: SpikePattern, target: SpikePattern | Windows) -> Update:
        """What the model would change in the second loop from rest; the model stays as it is.

        Parameters
        ----------
        input : SpikePattern
        target : SpikePattern or Windows

        Returns
        -------
        Update
            dW is the mean over the loop, which the rule multiplies by the learning rate. delta has
            the error signals of every layer.
        """
        self._check_patterns(input, target)
        steps = round(float(input.duration) / self.dt)
        net = self._simulation(MEASURING, chunk=steps)
        return update_of_loop(net, input, target)

    # ------------------------------------------------------------------- saving, loading

    def _state(self) -> dict[str, Any]:
        shown = {}
        if self._shown is not None:
            pattern, target = self._shown
            shown = {"input": pattern_tree(pattern), "target": pattern_tree(target)}
        return {
            "config": {
                "sizes": list(self.sizes),
                "seed": self.seed,
                "dt": self.dt,
                "dtype": self.dtype,
                "parameters": self.parameters._asdict(),
            },
            "progress": {
                "block": self.block,
                "origin": self._origin,
                "burn_in_left": self._burn_in_left,
                "into_block": self._into_block,
                "seconds": self._seconds,
            },
            "shown": shown,
            "simulation": self._training.network._state(),
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
        }

    @classmethod
    def load(cls, path: str | Path, backend: str = "cpu") -> Any:
        """Read a network that `save` wrote to `path`; it continues as the saved one would have."""
        return load_model(cls.KIND, path, lambda state: cls._from_state(state, backend))

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> Any:
        config, progress = state["config"], state["progress"]
        net = cls(
            config["sizes"],
            seed=config["seed"],
            dt=config["dt"],
            dtype=config["dtype"],
            backend=backend,
            **config["parameters"],
        )
        simulation = net._training
        if state["shown"]:
            pattern = SpikePattern(**state["shown"]["input"])
            target = pattern_of_tree(state["shown"]["target"])
            net._check_patterns(pattern, target)
            net._origin = saved_count(progress, "origin")
            net._shown = pattern, target
            simulation.loop(pattern, target, net._origin)
        saved = state["simulation"]
        arrays = arranged(saved["arrays"], simulation.network.arrays())
        simulation.network.set_state({**saved, "arrays": arrays})
        for name, array, least, most in net.indices(simulation):
            check_range(f"saved {name}", array, least, most)
        if net.in_windows:
            output = simulation.output
            check_range("saved window", output.window[:1], 0, output.start.size - 1)
            check_range("saved who", output.who, 0, output.n - 1)
        net._at_block = saved_count(progress, "block")
        net._burn_in_left = saved_count(progress, "burn_in_left")
        net._into_block = saved_count(progress, "into_block")
        net._seconds = check_number("saved seconds", progress["seconds"])
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        return net

    # ------------------------------------------------------------------- inside

    def _show(self, pattern: SpikePattern, target: SpikePattern | Windows) -> None:
        """Loop through other patterns from now on, or continue with the same ones."""
        if self._shown is not None and equal_patterns(self._shown, (pattern, target)):
            return
        self._origin = self._training.network.step
        # Copies, so that a user who writes to the arrays later does not change what was shown.
        self._shown = type(pattern)(*map(copied, pattern)), type(target)(*map(copied, target))
        self._training.loop(pattern, target, self._origin)

    def _no_target(self, pattern: SpikePattern) -> SpikePattern:
        return from_trains([], float(pattern.duration), n=self.sizes[-1])

    def _check_patterns(self, pattern: Any, target: Any) -> None:
        self._check_input(pattern)
        duration = float(pattern.duration)
        if self.in_windows:
            check_windows("target", target, self.sizes[-1], duration, self.dt)
        else:
            check_pattern("target", target, self.dt, n=self.sizes[-1], duration=duration)

    def _check_input(self, pattern: Any) -> None:
        check_pattern("input", pattern, self.dt, n=self.sizes[0], most=SpikeTrainSource.MOST)


def _check_callback(callback: Any) -> None:
    if callback is not None and not callable(callback):
        raise InputError(f"callback is {show(callback)}; it has to be a function.")
