"""`SuperSpikeNetwork`: weights, learning, evaluation and recordings of the model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikesim.attributes import copied
from spikesim.backends import check_backend
from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_number,
    check_steps,
    show,
)
from spikesim.engine.sources import SpikeTrainSource
from spikesim.engine.synapses import varies
from spikesim.errors import InputError, SimulationError
from spikesim.models.superspike.parameters import Parameters
from spikesim.models.superspike.recording import PatternRecording
from spikesim.models.superspike.simulation import Simulation, Synapse, Weights, cost_of_loss
from spikesim.models.superspike.windows import Windows, answers, check_windows
from spikesim.patterns import SpikePattern, check_pattern, from_trains
from spikesim.progress import Interruption, Progress, progress_bar
from spikesim.spiketrains import van_rossum_loss
from spikesim.training import (
    LayerArrays,
    Learner,
    check_sizes,
    history_arrays,
    history_lists,
    keeping,
    load_model,
    random_numbers,
    saved_count,
)

__all__ = ["SuperSpikeNetwork"]

_STRETCH = 10_000  # steps between looks at Ctrl-C

# What random numbers are for; each purpose has a stream of its own.
_WEIGHTS, _FEEDBACK = range(2)

_HISTORY = ("block", "time", "cost", "unmatched", "rate", "learning_rate", "seconds")


class SuperSpikeNetwork(Learner):
    """A spiking network that learns to answer an input pattern with given spike trains.

    Parameters
    ----------
    sizes : sequence of int
        Neurons in each layer, from the input to the output: (100, 4, 1). (100, 1) has no hidden
        layer; several hidden layers are possible.
    seed : int
        What initial weights and random feedback depend on.
    dt : float
        The step in ms.
    dtype : {'float32', 'float64'}
    backend : {'cpu', 'python', 'cuda'}
        See `spikesim.backends`; 'cuda:1' is the second GPU.
    **parameters
        Constants and options other than the defaults in `Parameters`, by name.

    Attributes
    ----------
    W : sequence of numpy.ndarray, shapes (n_below, n)
        Weights in mV; ``W[0]`` leads from the input. May be set: ``net.W[0] = array``.
    B : sequence of numpy.ndarray, shapes (n_above, n)
        Feedback weights onto each hidden layer from the layer above. With symmetric feedback they
        follow W (mV); otherwise they are numbers, fixed, and may be set.
    notes : dict of str to number or str
        Anything to be kept with the network in its file.
    history : dict of str to list
        One entry per block: 'block'; 'time' in s at its end, burn-in included; 'cost', see `cost`;
        'unmatched', output and target spikes of the block without a counterpart in the same step;
        'rate' in Hz of each layer after the input; 'learning_rate' in mV; 'seconds' it took.

    Raises
    ------
    InputError
        If a size or parameter is impossible, before anything is made.

    Examples
    --------
    >>> from spikesim import patterns
    >>> stimulus = patterns.poisson(100, rate=5.0, duration=500.0, seed=1)
    >>> target = patterns.from_trains([[100.0, 200.0, 300.0]], duration=500.0)
    >>> net = SuperSpikeNetwork((100, 1), seed=1)
    >>> history = net.fit(stimulus, target, blocks=2, block=1000.0)
    >>> net.predict(stimulus).n
    1
    """

    KIND = "superspike"

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
        self.sizes = check_sizes(sizes)
        self.seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
        self.dt = check_number("dt", dt, above=0.0, unit="ms")
        self.dtype = check_choice("dtype", dtype, ["float32", "float64"])
        self.backend = check_backend(backend)
        self.parameters = Parameters.checked(len(self.sizes) - 1, self.dt, self.dtype, parameters)
        self._weights = self._initial_weights()
        self.W = LayerArrays("W", self._weights.W)
        self.B = LayerArrays("B", self._weights.B)
        self._at_block = 0
        self.notes = {}
        self.history: dict[str, list[Any]] = {key: [] for key in _HISTORY}
        self._shown: tuple[SpikePattern, SpikePattern | Windows] | None = None
        self._origin = 0
        self._burn_in_left = 0
        self._into_block = 0
        self._seconds = 0.0
        self._learning = self._simulation(learning=True)

    def __repr__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        return f"<SuperSpikeNetwork {layers}, {self.time:g} s, seed {self.seed}>"

    @property
    def block(self) -> int:
        """How many blocks it has learned."""
        return self._at_block

    @property
    def time(self) -> float:
        """Simulated time so far, burn-in included, in s."""
        return self._learning.network.time / 1000.0

    @property
    def cost(self) -> float:
        """The van Rossum cost of the outputs, a moving average over the last 10 s (`tau_avg`).

        It is proportional to the mean over outputs of the squared error signal, in the unit of the
        authors' program: a spike without a counterpart counts 4 times its rate (at dt = 0.1 ms).
        What that program prints is less where the number of outputs is no multiple of four, as it
        takes the mean over outputs padded to one with zeros: a quarter for one output.
        """
        return self._learning.cost()

    def silent_cost(self, target: SpikePattern) -> float:
        """The cost of a network that never spikes, in closed form: what others compare with."""
        p = self.parameters
        check_pattern("target", target, self.dt, n=self.sizes[-1])
        losses = [van_rossum_loss(train, [], p.tau_rise, p.tau_decay) for train in target.trains()]
        return cost_of_loss(p, float(np.mean(losses)), target.duration, self.dt)

    # ------------------------------------------------------------------------------ learning

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
    ) -> dict[str, list[Any]]:
        """Loop through the patterns and learn.

        Parameters
        ----------
        input : SpikePattern
            What the input neurons emit, over and over.
        target : SpikePattern or Windows
            What the output neurons are to emit; as long as the input. With ``error='windows'``,
            when each of them is to spike.
        blocks : int
            How many more blocks. An unfinished one, after an interruption, is finished first and
            counts.
        block : float
            Length of a block in ms: how often the history gets an entry and a checkpoint is saved.
        burn_in : float, optional
            First run so long (ms) with the weights as they are, in which RMaxProp gets to know
            the gradients. As a default one block for a network that has not run yet, else none.
        learning_rate : float or array_like of shape (blocks,), optional
            r_0 in mV, for all blocks or for each; the parameter `eta` as a default.
        progress : bool or callable
            True shows a bar where stderr is a terminal.
        checkpoint : str or Path, optional
            Save to this file after every block, and when interrupted with Ctrl-C or SIGTERM.

        Returns
        -------
        dict of str to list
            `history` as it is now.

        Raises
        ------
        InputError
            If patterns do not fit the network, or spikes are unsorted, negative or too late.
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
        rates = np.full(blocks, self.parameters.eta)
        if learning_rate is not None:
            shape = (blocks,) if varies("learning_rate", learning_rate) else ()
            most = float(np.finfo(self.dtype).max)
            rates[:] = check_array(
                "learning_rate", learning_rate, shape=shape, at_least=0.0, at_most=most
            )
        if self._into_block >= steps:
            raise InputError(
                f"block is {block:g} ms, but the unfinished block has run for "
                f"{self._into_block * self.dt:g} ms; go on with the length it began with."
            )
        self._show(input, target)
        self._learning.transpose()
        self._burn_in_left = self._burn_in_left or burning
        total = self._burn_in_left + blocks * steps - self._into_block
        start = self._learning.network.step
        with (
            keeping(self, checkpoint) as keep,
            Interruption() as interruption,
            progress_bar(progress, total, "step") as report,
        ):

            def advance(steps_now: int) -> None:
                began = time.perf_counter()
                self._learning.network.run_steps(steps_now)
                self._seconds += time.perf_counter() - began
                report(self._learning.network.step - start, total)

            def pause() -> None:
                if interruption.requested:
                    keep()
                    raise interruption.error

            keep()
            self._learning.learn_at(0.0)
            while self._burn_in_left:
                now = min(self._burn_in_left, _STRETCH)
                advance(now)
                self._burn_in_left -= now
                if not self._burn_in_left:
                    self._begin_block()
                pause()
            for rate in rates:
                self._learning.learn_at(float(rate))
                while self._into_block < steps:
                    now = min(steps - self._into_block, _STRETCH)
                    advance(now)
                    self._into_block += now
                    if self._into_block < steps:
                        pause()
                self._finish_block(steps, float(rate))
                keep()
                pause()
        return copied(self.history)

    def _begin_block(self) -> None:
        for total in (*self._learning.emitted, self._learning.unmatched):
            total[0] = 0
        self._into_block = 0
        self._seconds = 0.0

    def _finish_block(self, steps: int, rate: float) -> None:
        for m, W in enumerate(self.W):
            if not np.isfinite(W).all():
                raise SimulationError(
                    f"W[{m}] became NaN or infinite by {self.time:g} s; choose a smaller eta."
                )
        self._at_block += 1
        seconds = steps * self.dt / 1000.0
        entry = {
            "block": self.block,
            "time": self.time,
            "cost": self.cost,
            "unmatched": int(self._learning.unmatched[0]),
            "rate": [
                float(total[0]) / n / seconds
                for total, n in zip(self._learning.emitted, self.sizes[1:], strict=True)
            ],
            "learning_rate": rate,
            "seconds": self._seconds,
        }
        for key, values in self.history.items():
            values.append(entry[key])
        self._begin_block()

    # ------------------------------------------------------------------------------ using

    def predict(self, input: SpikePattern) -> SpikePattern:
        """The spikes with which the output answers the input, once it has been shown before.

        Parameters
        ----------
        input : SpikePattern

        Returns
        -------
        SpikePattern
        """
        self._check_input(input)
        simulation = self._simulation(learning=False)
        steps = simulation.rehearse(input, self._no_target(input))
        spikes = simulation.network.record_spikes(simulation.layers[-1])
        simulation.network.run_steps(steps)
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
            The van Rossum cost over one loop, after another one, in the unit of `cost`; with
            ``error='windows'`` the percentage of windows with a wrong answer.
        """
        self._check_patterns(input, target)
        if isinstance(target, Windows):
            return float(100.0 * np.mean(~answers(target, self.predict(input))))
        simulation = self._simulation(learning=False)
        steps = simulation.rehearse(input, target)
        return simulation.cost_of(steps)

    def record(
        self,
        input: SpikePattern,
        target: SpikePattern | Windows | None = None,
        *,
        synapse: Synapse | tuple[int, int, int] | None = None,
    ) -> PatternRecording:
        """Show the input without learning and record everything, after one loop from rest.

        Parameters
        ----------
        input : SpikePattern
        target : SpikePattern or Windows, optional
            Needed for error signals.
        synapse : Synapse or tuple of int, optional
            Also record the eligibility trace of this synapse, and what it is made of: (layer, pre,
            post), layer 1 being the first after the input.

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
        chosen = None if synapse is None else self._check_synapse(synapse)
        simulation = self._simulation(learning=False, synapse=chosen)
        return PatternRecording(simulation, input, target, chosen)

    # ------------------------------------------------------------------------ saving, loading

    def _state(self) -> dict[str, Any]:
        shown = {}
        if self._shown is not None:
            pattern, target = self._shown
            shown = {"input": _tree(pattern), "target": _tree(target)}
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
            "feedback": {str(m): B for m, B in enumerate(self._weights.B)},
            "simulation": self._learning.network._state(),
            "notes": dict(self.notes),
            "history": history_arrays(self.history),
        }

    @classmethod
    def load(cls, path: str | Path, backend: str = "cpu") -> SuperSpikeNetwork:
        """Read a network that `save` wrote; it goes on as the saved one would have.

        Examples
        --------
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "net.h5")
        >>> SuperSpikeNetwork((10, 1), seed=3).save(path)
        >>> SuperSpikeNetwork.load(path)
        <SuperSpikeNetwork 10-1, 0 s, seed 3>
        """
        return load_model(cls.KIND, path, lambda state: cls._from_state(state, backend))

    @classmethod
    def _from_state(cls, state: dict[str, Any], backend: str) -> SuperSpikeNetwork:
        config, progress = state["config"], state["progress"]
        net = cls(
            config["sizes"],
            seed=config["seed"],
            dt=config["dt"],
            dtype=config["dtype"],
            backend=backend,
            **config["parameters"],
        )
        if state["shown"]:
            pattern = SpikePattern(**state["shown"]["input"])
            target = _target(state["shown"]["target"])
            net._check_patterns(pattern, target)
            net._origin = saved_count(progress, "origin")
            net._shown = pattern, target
            net._learning.show(pattern, target, net._origin)
        for m, B in enumerate(net._weights.B):
            B[...] = state["feedback"][str(m)]
        net._learning.network.set_state(state["simulation"])
        net._learning.check_indices()
        net._at_block = saved_count(progress, "block")
        net._burn_in_left = saved_count(progress, "burn_in_left")
        net._into_block = saved_count(progress, "into_block")
        net._seconds = check_number("saved seconds", progress["seconds"])
        net.notes = state["notes"]
        net.history.update(history_lists(state["history"]))
        return net

    @property
    def shown(self) -> tuple[SpikePattern, SpikePattern | Windows] | None:
        """The patterns that the network last learned from: input and target; None before."""
        return self._shown

    # -------------------------------------------------------------------------------- inside

    def _simulation(self, learning: bool, synapse: Synapse | None = None) -> Simulation:
        return Simulation(
            self._weights,
            self.parameters,
            self.dt,
            self.seed,
            self.dtype,
            self.backend,
            learning=learning,
            synapse=synapse,
        )

    def _show(self, pattern: SpikePattern, target: SpikePattern | Windows) -> None:
        """Loop through other patterns from now on, or go on with the same ones."""
        if self._shown is not None and _equal(self._shown, (pattern, target)):
            return
        self._origin = self._learning.network.step
        # Copies: arrays that are written to afterwards are other patterns.
        self._shown = type(pattern)(*map(copied, pattern)), type(target)(*map(copied, target))
        self._learning.show(pattern, target, self._origin)

    def _initial_weights(self) -> Weights:
        p = self.parameters
        chance = random_numbers(self.seed, _WEIGHTS)
        W = [
            np.clip(chance.normal(0.0, p.w_0 / np.sqrt(below), (below, n)), -p.w_max, p.w_max)
            for below, n in zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        chance = random_numbers(self.seed, _FEEDBACK)
        B = []
        for m in range(1, len(W)):
            if p.feedback == "symmetric":
                B.append(np.ascontiguousarray(W[m].T))
            elif p.feedback == "random":
                B.append(chance.normal(0.0, 1.0, W[m].T.shape))
            else:
                B.append(np.ones(W[m].T.shape))
        return Weights([w.astype(self.dtype) for w in W], [b.astype(self.dtype) for b in B])

    def _no_target(self, pattern: SpikePattern) -> SpikePattern:
        return from_trains([], float(pattern.duration), n=self.sizes[-1])

    def _check_patterns(self, pattern: Any, target: Any) -> None:
        self._check_input(pattern)
        duration = float(pattern.duration)
        if self.parameters.error == "windows":
            check_windows("target", target, self.sizes[-1], duration, self.dt)
        else:
            check_pattern("target", target, self.dt, n=self.sizes[-1], duration=duration)

    def _check_input(self, pattern: Any) -> None:
        check_pattern("input", pattern, self.dt, n=self.sizes[0], most=SpikeTrainSource.MOST)

    def _check_synapse(self, synapse: Any) -> Synapse:
        if not isinstance(synapse, tuple) or len(synapse) != 3:
            raise InputError(f"synapse is {show(synapse)}; it has to be (layer, pre, post).")
        layer = check_integer("synapse layer", synapse[0], at_least=1, at_most=len(self.W))
        return Synapse(
            layer,
            check_integer("synapse pre", synapse[1], at_least=0, at_most=self.sizes[layer - 1] - 1),
            check_integer("synapse post", synapse[2], at_least=0, at_most=self.sizes[layer] - 1),
        )


def _tree(pattern: SpikePattern | Windows) -> dict[str, Any]:
    """A pattern for a file."""
    tree = {key: np.asarray(value) for key, value in pattern._asdict().items()}
    return {**tree, "n": int(pattern.n), "duration": float(pattern.duration)}


def _target(tree: dict[str, Any]) -> SpikePattern | Windows:
    return Windows(**tree) if "start" in tree else SpikePattern(**tree)


def _equal(first: tuple[Any, Any], second: tuple[Any, Any]) -> bool:
    return all(
        type(a) is type(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(first, second, strict=True)
    )
