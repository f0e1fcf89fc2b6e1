"""The network: populations, projections and phases in their order, and the run over time.

Step k stands for time k dt. In it each population, in the order of creation,

1. clears the rings from which its postsynaptic potentials are computed,
2. receives the spikes that arrive now over every projection onto it, and its background,
3. advances its potentials, then its neurons,
4. lists the spikes it emits, with time k dt.

Then the added phases run in their order, and finally the recordings. A spike emitted in step k
arrives in step k + delay. A delay of 0 is possible if the postsynaptic population was created
later, as it is then advanced later in the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import is_
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spikesim import backends
from spikesim.attributes import copied
from spikesim.checks import (
    MOST_STEPS,
    check_integer,
    check_steps,
    check_unknown,
    is_real,
    show,
)
from spikesim.engine.assembly import Assembly
from spikesim.engine.beginning import Beginning, untouched
from spikesim.engine.drawing import FIRST, LAST, Keys, of_population
from spikesim.engine.finite import not_finite
from spikesim.engine.population import Population
from spikesim.engine.recorder import drain
from spikesim.engine.replay import Stretch
from spikesim.engine.restoring import (
    changed_parameters,
    check_built,
    check_clock,
    check_silent,
    noise_seed_of,
    renamed,
    silenced,
    step_of,
)
from spikesim.engine.summary import network_summary
from spikesim.errors import BodyError, FileError, InputError, SimulationError
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.kernels import trials
from spikesim.kernels.machine.lowering import LoweringError
from spikesim.kernels.machine.program import Phase, Program
from spikesim.kernels.machine.rehearsal import rehearse
from spikesim.progress import Interruption, Progress, compilation, progress_bar
from spikesim.tables import Summary

__all__ = ["Network"]

_STRETCH = 2000  # steps between checks for interrupts, full recordings and NaN


class Network(Assembly, called="Network"):
    """Populations, projections and recordings, advanced together in steps of `dt`.

    Parameters
    ----------
    dt : float
        The step in ms.
    seed : int
        All random draws depend on it, 0 to 2^64 - 1.
    dtype : {'float32', 'float64'}
        The type of voltages and weights. Variables that change too slowly for float32 are float64
        in either case: those of a population with a time constant of more than 4096 steps, and
        traces, kernels and short-term plasticity above 8192 steps. Weights never are.
    backend : {'cpu', 'threads', 'python', 'cuda'}
        'cpu' compiles all equations into one loop, on one core, and in a long run on several where
        that is faster. 'threads' takes all cores from the start, 'threads:2' two, 'threads:1' only
        one. 'python' runs the equations uncompiled, slowly. All three give the same bits. 'cuda'
        runs the network on a GPU, 'cuda:1' on the second one.

    Examples
    --------
    >>> from spikesim import LIF, Network, Poisson
    >>> net = Network(dt=0.1, seed=1, backend="python")
    >>> source = net.add_population("source", 20, Poisson)
    >>> source.rate[:] = 100.0
    >>> cells = net.add_population("cells", 5, LIF, tau=10.0)
    >>> synapses = net.connect(source, cells, weight=8.0, target="drive", delay=1.0)
    >>> spikes = net.record_spikes(cells)
    >>> net.run(20.0)
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("dt", "seed", "dtype", "backend"), "build another Network with it"),
        "step": "run goes on from it, and restore from a saved one",
        "time": "run goes on from it, and restore from a saved one",
        "populations": "add_population adds one",
        "projections": "connect adds one",
        "backgrounds": "add_background adds one",
        "stimuli": "play adds one",
        "noises": "add_noise adds one",
        "gap_junctions": "connect_gap adds some",
        "recordings": "record and record_spikes add one",
    }

    def __init__(
        self, dt: float = 0.1, seed: int = 0, dtype: str = "float32", backend: str = "cpu"
    ):
        super().__init__(dt, seed, dtype)
        self.backend = backend
        self._backend = backends.backend(backend)
        self._program: Program | None = None
        self._compiled: list[Any] = []  # what the program was made of
        self._is_torn = False  # whether a run ended in the middle of its steps
        self._beginning = Beginning()
        self._begun: Program | None = None  # the parts whose beginning is known

    def __repr__(self) -> str:
        inside = ", ".join(f"{p.name} ({p.n})" for p in self.populations.values())
        return f"<Network at {self.time:g} ms, dt {self.dt:g} ms: {inside or 'empty'}>"

    def summary(self) -> Summary:
        """The parts of the network as tables: at a prompt, by ``print`` or in a notebook.

        They show the size, kind and given parameters of each population; the synapses, weights
        (mean ± standard deviation) and delays of each projection; backgrounds, recordings, memory.

        Examples
        --------
        >>> from spikesim import LIF, Network, Poisson
        >>> net = Network(dt=0.1, seed=1, backend="python")
        >>> source = net.add_population("source", 20, Poisson)
        >>> cells = net.add_population("cells", 5, LIF, tau=10.0)
        >>> synapses = net.connect(source, cells, target="drive", weight=4.0, indegree=3)
        >>> net.summary()
        Network at 0 ms, dt 0.1 ms, seed 1, float32, backend python
        <BLANKLINE>
        population  n   kind     parameters
        source      20  Poisson
        cells       5   LIF      tau 10
        <BLANKLINE>
        projection       from    onto         synapses  weight  delay (ms)
        source_to_cells  source  cells.drive  15        4       0.1
        <BLANKLINE>
        memory: ..., without recordings
        """
        return network_summary(self)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # ------------------------------------------------------------------------------- running

    def phases(self) -> list[Phase]:
        """All Phases of a step, in order."""
        drawing = Keys(self.noise)
        ordered = drawing.given(self._first, FIRST)
        for junctions in self.gap_junctions:
            ordered += junctions.flowing()
        for number, population in enumerate(self.populations.values()):
            ordered += drawing.given(self._phases_of(population), of_population(number))
        ordered += drawing.given(self._last, LAST)
        for recording in self.recordings:
            ordered += recording.phases()
        return drawing.phases() + ordered

    def _phases_of(self, population: Population) -> list[Phase]:
        """The Phases of a step of one population, including everything that arrives at it."""
        ordered = population.clearing()
        incoming = self._incoming(population)
        for projection in incoming:
            ordered += [*projection.use(), projection.delivery(), *projection.after_delivery()]
        ordered += population.landings()
        for background in self.backgrounds:
            if background.population is population:
                ordered += background.phases()
        ordered += population.phases()
        for projection in incoming:
            ordered += projection.after_emission()
        return ordered

    def run(self, duration: float, progress: bool | Progress = False) -> None:
        """Advance by `duration` ms.

        Parameters
        ----------
        duration : float
            In ms, a multiple of dt.
        progress : bool or callable
            True shows a bar if stderr is a terminal; a callable gets ``(done, total)`` in steps.

        Raises
        ------
        SimulationError
            If a variable becomes NaN or infinite; the error names the population and the variable.
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, at the end of a step; the same call runs the remaining steps.
        """
        self.run_steps(check_steps("duration", duration, self.dt), progress)

    def run_steps(self, steps: int, progress: bool | Progress = False) -> None:
        """Advance by a number of steps; see `run`.

        Parameters
        ----------
        steps : int
        progress : bool or callable
            As for `run`.
        """
        steps = check_integer("steps", steps, at_least=0)
        if self.step + steps > MOST_STEPS:
            raise InputError(
                f"steps is {steps}, after {self.step}; a network takes at most 2^62 steps."
            )
        self._check_whole()
        doubtful = self._checked_populations()
        recordings = tuple(self.recordings)  # the progress callable may close one
        for recording in recordings:
            recording.prepare(self.step)
        program = self.compiled()
        if program is not self._begun:
            self._remember_beginning()
            self._begun = program
        longest = min([r.longest_run() for r in recordings] + [_STRETCH])
        with Interruption() as interruption, progress_bar(progress, steps, "step") as report:
            done = 0
            while done < steps:
                now = min(longest, steps - done)
                for recording in recordings:
                    recording.begin(self.step)
                stretch = Stretch(program, self.step, now, self.arrays, recordings)
                self._run_program(program, now)
                self._step += now
                done += now
                drain(recordings, self.step)
                self._check_finite(stretch)
                if done < steps:  # the progress callable may set a value that is refused
                    doubtful = self._checked_populations()
                else:
                    for population in doubtful:
                        population.check()
                report(done, steps)
                if interruption.requested:
                    raise interruption.error

    def steps(self, duration: float, every: float | None = None) -> Iterator[float]:
        """Advance by `duration` ms in pieces, as a loop whose body can change the network.

        A value that the body of the loop sets, such as a weight, a rate or a current, holds from
        the next step on. If the loop ends early, the network stays at the time that it has reached.

        Parameters
        ----------
        duration : float
            In ms, a multiple of `every`.
        every : float, optional
            The length of a piece in ms; a multiple of dt, which is the default.

        Yields
        ------
        float
            The time of the network in ms, after each piece.

        Raises
        ------
        InputError
            If an argument cannot be used; raised by the call, before the loop begins.
        SimulationError, KeyboardInterrupt
            As in `run`; raised within the loop.

        Examples
        --------
        A source that falls silent after five spikes:

        >>> from spikesim import Network, Poisson
        >>> net = Network(dt=1.0, seed=1, backend="python")
        >>> source = net.add_population("source", 1, Poisson)
        >>> source.rate[:] = 100.0
        >>> spikes, seen = net.record_spikes(source), 0
        >>> for time in net.steps(200.0, every=10.0):
        ...     seen += spikes.new().t.size
        ...     if seen >= 5:
        ...         source.rate[:] = 0.0
        >>> spikes.t.size
        6
        """
        piece = 1 if every is None else check_steps("every", every, self.dt, at_least=1)
        steps = check_steps("duration", duration, self.dt)
        if steps % piece:
            raise InputError(
                f"duration is {duration:g} ms; it has to be a multiple of every = {every:g} ms."
            )
        return self._pieces(steps // piece, piece)

    def _pieces(self, number: int, steps: int) -> Iterator[float]:
        for _ in range(number):
            self.run_steps(steps)
            yield self.time

    def reset(self, seed: int | None = None, state: Mapping[str, Any] | None = None) -> None:
        """Go back to time 0, for the next trial: the same network, with other noise.

        Everything that a run changes is again as it was when the first run began: variables, spikes
        under way, traces, weights that learn, and arrays of added Phases. Values that you set
        before the first run are kept. Rates, voltages and inputs such as ``I`` that you set later
        are lost, so set those of a trial after `reset`. Synapses stay as they were drawn with the
        network's `seed`. Parameters other than inputs, and weights that no run changes, stay as
        they are now.

        ``net.reset(seed=k)`` and a run therefore give the bits of a new network of seed k that is
        built with the same synapses, whatever ran in between. Without a seed, they give the bits of
        the first run.

        Recordings forget their contents; call `SpikeRecording.take` first to keep them.

        Parameters
        ----------
        seed : int, optional
            Random draws during a run depend on it, such as spikes of `Poisson` and background;
            0 to 2^64 - 1. By default, the network's `seed`.
        state : dict, optional
            Go back to this `state` and its time instead, for example for trials after training.

        Raises
        ------
        InputError
            If an argument cannot be used, or a recording to a file would lose its contents.

        Examples
        --------
        >>> from spikesim import Network, Poisson
        >>> net = Network(dt=1.0, seed=1, backend="python")
        >>> source = net.add_population("source", 5, Poisson)
        >>> source.rate[:] = 50.0
        >>> spikes = net.record_spikes(source)
        >>> for seed in (7, 8, 7):
        ...     net.reset(seed)
        ...     net.run(100.0)
        ...     print(spikes.take().t.size)
        25
        27
        25
        """
        if seed is not None:
            seed = check_integer("seed", seed, at_least=0, at_most=2**64 - 1)
        to = 0 if state is None else step_of(state)
        for recording in self.recordings:
            recording.check_kept(to)
        if state is not None:
            self.set_state(dict(state))
        else:
            self._remember_beginning()
            self._beginning.bring_back(self.arrays())
            self._beginning.bring_back_inputs(self.populations)
            self._step, self._is_torn = 0, False
            for recording in self.recordings:
                recording.take_back(0)
            self._draw_noise_from(self.seed)
        if seed is not None:
            self._draw_noise_from(seed)
        if state is None:
            for part in self.injections().values():
                part.begin_again()

    def _remember_beginning(self) -> None:
        """Remember the state of parts that have not run yet, for `reset`."""
        weights = [array for each in self.projections.values() for array in each.weights.values()]
        self._beginning.keep(self.arrays(), untouched(weights, self.phases()))
        self._beginning.keep_inputs(self.populations)

    def _run_program(self, program: Program, steps: int) -> None:
        try:
            program(self.step, steps)
        except LoweringError as error:
            raise BodyError(str(error)) from error
        except BaseException:
            self._is_torn = True
            raise

    def _check_whole(self) -> None:
        if self._is_torn:
            raise SimulationError(
                f"A run from step {self.step} on was broken off, so that its variables may be of "
                "different steps; build the network again, or restore a saved state."
            )

    def _checked_populations(self) -> list[Population]:
        """Check all populations; return those that a run could make invalid."""
        return [population for population in self.populations.values() if population.check()]

    def changed(self) -> None:
        """Do nothing: scripts of version 0.1 call it after they have replaced an array."""

    def compiled(self) -> Program:
        """The program of this network, compiled at the first call or taken from the cache.

        It is made again if the Phases have changed, if the arrays of one have other names or types,
        or if an equation reads another constant or function than before.
        """
        made_of = self._made_of()
        alike = len(made_of) == len(self._compiled) and (
            all(map(is_, made_of, self._compiled)) or all(map(_same, made_of, self._compiled))
        )
        if self._program is None or not alike or not self._program.is_current:
            try:
                phases = self.phases()
                rehearse(phases, self.dtype, self.step)
                program = Program(phases, self.dtype, self._backend)
                if not program.is_ready:
                    with compilation() as report:
                        program.prepare(report)
            except LoweringError as error:
                raise BodyError(str(error)) from None  # the compiler's own message is of no use
            self._program, self._compiled = program, made_of
        return self._program

    def _made_of(self) -> list[Any]:
        """The objects and numbers that decide which Phases there are, and the names in each."""
        added = [*self._first, *self._last]
        parts: list[Any] = [*added, *self.recordings]
        parts += [getattr(phase.state, "moves", 0) for phase in added]
        parts += [*self.stimuli, *self.noises, *self.gap_junctions]
        for population in self.populations.values():
            parts += len(population.shared), population.can_be_silent, population.layout
        parts += [background.is_per_neuron for background in self.backgrounds]
        return [*parts, len(self._first), len(self.populations), len(self.projections)]

    # -------------------------------------------------------------------- saving and resuming

    def arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """Everything that a run changes: owner → name → array."""
        owners: dict[str, dict[str, np.ndarray]] = {}
        owners.update((name, part.arrays()) for name, part in self.populations.items())
        owners.update((name, part.arrays()) for name, part in self.projections.items())
        owners.update((k, part.arrays()) for k, part in self.injections().items() if part.arrays())
        known = {id(array) for arrays in owners.values() for array in arrays.values()}
        known.update(id(a) for part in self.projections.values() for a in part.structure())
        for name, state in self._extra.items():
            owners[name] = {
                key: a for key, a in state.items() if id(a) not in known and a.flags.writeable
            }
            known.update(id(array) for array in state.values())
        return owners

    def state(self) -> dict[str, Any]:
        """A nested dictionary with everything needed to continue from here.

        Its arrays are copies, which stay as they are while the network continues.
        """
        return copied(self._state())

    def _state(self) -> dict[str, Any]:
        """The dictionary that `state` copies."""
        self._check_whole()
        other = {} if self.noise_seed == self.seed else {"noise_seed": str(self.noise_seed)}
        return {
            "step": self.step,
            "dt": self.dt,
            "seed": str(self.seed),
            **other,
            "built": self._built(),
            "parameters": {
                name: saved
                for name, part in self.populations.items()
                if (saved := part.parameters.saved())
            },
            "arrays": self.arrays(),
            **silenced(self.populations),
        }

    def _built(self) -> dict[str, dict[str, Any]]:
        """How the network was built, as far as no array shows it: part → name → number or text.

        Values that may be changed between runs are those at first, as whoever restores the state
        may change them, too.
        """
        parts = {**self.populations, **self.projections}
        parts.update({f"background {k}": part for k, part in enumerate(self.backgrounds)})
        parts.update(self.injections())
        return {**{name: part.built() for name, part in parts.items()}, **self._traces}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a `state` of a network that was built in the same way.

        If a `reset` had set another seed, the noise continues with that seed. Parameters of
        populations get the values that they had when the state was saved, even if they were set
        after the network was built.

        Recordings that have gone further forget everything from that time on, in memory and in
        files; call close() on a recording that has to keep it.

        Raises
        ------
        InputError
            If parts, shapes, dt or seed differ from this network's, or the synapses or parameters
            with which it was built. The network then stays as it was.
        """
        try:
            self._set_state(state)
        except (KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
            raise InputError(
                f"state lacks a part ({' '.join(str(error).split())}); it has to be what "
                "Network.state() returned."
            ) from None

    def _set_state(self, state: dict[str, Any]) -> None:
        if not isinstance(state, Mapping) or not isinstance(state["arrays"], Mapping):
            raise TypeError("arrays")
        step = state["step"]
        check_integer("saved step", step, at_least=0, at_most=MOST_STEPS)
        for name in ("dt", "seed"):
            if not is_real(state[name]) and not isinstance(state[name], str):
                raise InputError(f"The saved {name} is {show(state[name])}; it has to be a number.")
        try:
            float(state["dt"]), int(state["seed"])
        except (ValueError, OverflowError):
            raise InputError("The saved dt and seed have to be numbers.") from None
        if float(state["dt"]) != self.dt or int(state["seed"]) != self.seed:
            raise InputError(
                f"The saved network has dt {state['dt']} ms and seed {state['seed']}; "
                f"this one has {self.dt} ms and {self.seed}."
            )
        noise_seed = noise_seed_of(state, self.seed)
        saved, own = renamed(state["arrays"], self._extra, self.populations), self.arrays()
        if set(saved) != set(own):
            raise InputError(
                f"The saved network consists of {', '.join(saved)}; this one of {', '.join(own)}."
            )
        if "built" in state:  # files of version 0.1 lack it
            check_built(state["built"], self._built(), self.populations)
        changed = changed_parameters(state.get("parameters", {}), self.populations)
        for owner, arrays in own.items():
            if not isinstance(saved[owner], Mapping):
                raise InputError(
                    f"The saved {owner} is {show(saved[owner])}; it has to be a dict of arrays."
                )
            check_unknown(f"saved variable of {owner!r}", arrays, saved[owner])
            for name, array in arrays.items():
                loaded = saved[owner][name]
                if not isinstance(loaded, np.ndarray):
                    raise InputError(f"The saved {owner}.{name} is {show(loaded)}, no array.")
                # Older files have slow variables in float32, which are float64 now.
                types = {array.dtype, np.dtype(self.dtype) if array.dtype.kind == "f" else None}
                if loaded.shape != array.shape or loaded.dtype not in types:
                    raise InputError(
                        f"The saved {owner}.{name} is {loaded.dtype} of shape {loaded.shape}; "
                        f"this network's is {array.dtype} of shape {array.shape}."
                    )
        for owner, population in self.populations.items():
            population.check_saved(saved[owner])
        silent = check_silent(state.get("silent", {}), self.populations)
        for phase in self._first:
            if phase.body is trials.tick:
                clock, length = phase.state["clock"], phase.state["length"]
                for name, extra in self._extra.items():
                    if extra.get("clock") is clock:
                        check_clock(saved[name]["clock"], len(length))
        self._remember_beginning()
        self._is_torn = True
        for owner, arrays in own.items():
            for name, array in arrays.items():
                array[...] = saved[owner][name]
        for owner, population in self.populations.items():
            if silent[owner].size or population.can_be_silent:
                population.set_silent(slice(None), False)
                population.set_silent(silent[owner], True)
        for population, given, following in changed:
            population.parameters.take(following, given)
        self._step = int(state["step"])
        self._draw_noise_from(noise_seed)
        self._is_torn = False
        for recording in self.recordings:
            recording.take_back(self.step)

    def save(self, path: str | Path) -> None:
        """Write the network's state to an HDF5 file; a killed run leaves the old file whole.

        Parameters
        ----------
        path : str or path
        """
        with atomic_file(path) as file:
            stamp(file, "network")
            write_tree(file.create_group("state"), self._state())

    def restore(self, path: str | Path) -> Network:
        """Read a file of `save` into this network, which has to be built alike; returns itself.

        Recordings forget everything from the saved time on, as in `set_state`.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        FileError, InputError
            If the file is missing or damaged, or belongs to another network.
        """
        with open_file(path, "network") as file:
            saved = read_tree(file)
        try:
            self._set_state(saved["state"])
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise FileError(
                f"{path} lacks a part ({error}); it is damaged or was edited."
            ) from None
        return self

    def _held(self) -> dict[str, Any]:
        compiled = dict.fromkeys(("_program", "_backend", "_begun"))
        return {**self.__dict__, **compiled, "_compiled": []}

    def _revive(self) -> None:
        self._backend = backends.backend(self.backend)

    def _check_finite(self, stretch: Stretch) -> None:
        found = not_finite(self)
        if found is None:
            return
        what, advice = found
        when = f"by step {self.step} ({self.time:g} ms; the look before was at {stretch.first})"
        self._is_torn = True  # while its arrays still are those of earlier steps
        seen = stretch.find(lambda: not_finite(self))
        self._is_torn = False
        if seen is not None:
            steps, (what, advice) = seen
            step = stretch.first + steps
            when = f"since step {step} ({step * self.dt:g} ms)"
        raise SimulationError(f"{what} {when}; look for {advice}.")


def _same(now: Any, then: Any) -> bool:
    return now is then or (isinstance(now, int) and now == then)
