"""The network: populations, projections and phases in their order, and the run over time.

Within step k, which stands for time k dt, each population in the order of its creation

1. clears the rings that its postsynaptic potentials are computed from,
2. receives the spikes that arrive now, over every projection onto it, and its background,
3. advances its potentials, then its neurons,
4. lists the spikes it emits, with time k dt.

Then the added phases run in their order, and last the recordings. A spike emitted in step k arrives
in step k + delay. A delay of 0 is possible onto populations created later, which are advanced later
in the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from spikesim.engine.population import Population, check_range
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.engine.replay import Stretch
from spikesim.engine.restoring import (
    changed_parameters,
    check_built,
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

_STRETCH = 2000  # steps between looks at the user, at recordings and at NaN


class Network(Assembly):
    """Populations, projections and recordings, advanced together in steps of `dt`.

    Parameters
    ----------
    dt : float
        The step in ms.
    seed : int
        What all random draws depend on, 0 to 2^64 - 1.
    dtype : {'float32', 'float64'}
        The type of voltages and weights. What changes too slowly for float32, with a time constant
        of more than 4096 steps, is float64 in either case: the variables of such a population,
        and of traces, kernels and short-term plasticity above twice as many. Weights are not.
    backend : {'cpu', 'threads', 'python', 'cuda'}
        'cpu' compiles all equations into one loop; 'threads' shares a large network out among all
        cores, 'threads:2' among two; 'python' runs the equations as they are, slowly; all three
        with the same bits. 'cuda' runs them on a GPU, 'cuda:1' on the second one.

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
        self._compiled: list[Any] = []  # what it was made of
        self._is_torn = False  # whether a run was broken off in the middle of its steps
        self._beginning = Beginning()
        self._begun: Program | None = None  # of whose parts the beginning is known

    def __repr__(self) -> str:
        inside = ", ".join(f"{p.name} ({p.n})" for p in self.populations.values())
        return f"<Network at {self.time:g} ms, dt {self.dt:g} ms: {inside or 'empty'}>"

    def summary(self) -> Summary:
        """What the network consists of, as tables: in a prompt, by ``print`` or in a notebook.

        Of each population its size, kind and the parameters that it was given; of each projection
        synapses, weights (mean ± standard deviation) and delays; backgrounds, recordings, memory.

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
        """All Phases of a step in their order."""
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
        """The Phases of a step of one population, with all that arrives at it."""
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
            True shows a bar where stderr is a terminal; a callable is told ``(done, total)`` steps.

        Raises
        ------
        SimulationError
            If a variable becomes NaN or infinite; names population and variable.
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, at the end of a step; the same call goes on with what is left.
        """
        self.run_steps(check_steps("duration", duration, self.dt), progress)

    def run_steps(self, steps: int, progress: bool | Progress = False) -> None:
        """Advance by a number of steps; see `run`."""
        steps = check_integer("steps", steps, at_least=0)
        if self.step + steps > MOST_STEPS:
            raise InputError(
                f"steps is {steps}, after {self.step}; a network takes at most 2^62 steps."
            )
        self._check_whole()
        doubtful = self._checked_populations()
        recordings = tuple(self.recordings)  # who is told of the progress may close one
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
                _drain(recordings, self.step)
                self._check_finite(stretch)
                if done < steps:  # who is told of the progress may set what is refused
                    doubtful = self._checked_populations()
                else:
                    for population in doubtful:
                        population.check()
                report(done, steps)
                if interruption.requested:
                    raise interruption.error

    def steps(self, duration: float, every: float | None = None) -> Iterator[float]:
        """Advance by `duration` ms, and stop on the way for what a loop does with the network.

        What the body of the loop sets, such as a weight, a rate or a current, holds from the next
        step on. A loop that is left early leaves the network where it is.

        Parameters
        ----------
        duration : float
            In ms, a multiple of `every`.
        every : float, optional
            From one stop to the next, in ms; a multiple of dt, which is the default.

        Yields
        ------
        float
            The time of the network in ms, after each piece.

        Raises
        ------
        InputError
            If an argument cannot be used; when it is called.
        SimulationError, KeyboardInterrupt
            As `run`, out of the loop.

        Examples
        --------
        A source that is silent once it has spiked five times:

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

        All that runs change is as it was when the first run began: variables, spikes under way,
        traces, weights that learn, and arrays of added Phases. What was set by hand before the
        first run belongs to that; rates and voltages that were set later do not, so set those of a
        trial after `reset`. Synapses stay the ones that were drawn with the network's `seed`;
        parameters, and weights that nothing in a run changes, stay as they are now.

        So ``net.reset(seed=k)`` and a run give the bits of a new network of seed k that is built
        with the same synapses, whatever was run in between; without a seed, they give the bits of
        the first run.

        Recordings forget what they hold; `SpikeRecording.take` takes it out before.

        Parameters
        ----------
        seed : int, optional
            What is drawn in the course of a run depends on it: spikes of `Poisson`, background and
            the like; 0 to 2^64 - 1. The network's `seed` by default.
        state : dict, optional
            Go back to this `state` instead, and to its time, as in trials after training.

        Raises
        ------
        InputError
            If an argument cannot be used, or a recording to a file would lose what it holds.

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
        """Keep how parts are that have not run yet, for `reset`."""
        weights = [array for each in self.projections.values() for array in each.weights.values()]
        self._beginning.keep(self.arrays(), untouched(weights, self.phases()))

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
                f"A run from step {self.step} on was broken off, so that no one knows how far its "
                "variables are; build the network anew, or restore a saved state."
            )

    def _checked_populations(self) -> list[Population]:
        """Check all; those that what runs could make refuse are returned."""
        return [population for population in self.populations.values() if population.check()]

    def changed(self) -> None:
        """Do nothing: scripts of version 0.1 call it after they have exchanged an array."""

    def compiled(self) -> Program:
        """The program of this network, compiled at its first call or taken from the cache.

        Made anew if there is another Phase by now, if one has other names or types of arrays, or if
        a constant or function that an equation reads is another one.
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
                raise BodyError(str(error)) from None  # what the compiler said is of no use
            self._program, self._compiled = program, made_of
        return self._program

    def _made_of(self) -> list[Any]:
        """What decides which Phases there are, and which names each has: objects and numbers."""
        added = [*self._first, *self._last]
        parts: list[Any] = [*added, *self.recordings]
        parts += [getattr(phase.state, "moves", 0) for phase in added]
        parts += [len(population.shared) for population in self.populations.values()]
        parts += self.injections().values()
        parts += [population.can_be_silent for population in self.populations.values()]
        parts += [population.layout for population in self.populations.values()]
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
        """A nested dictionary with everything that is needed to go on from here.

        Its arrays are copies: they stay as they are while the network goes on.
        """
        return copied(self._state())

    def _state(self) -> dict[str, Any]:
        """What `state` copies."""
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
        """How the network was built, of what no array tells: part → name → number or text.

        What may be changed between runs is as it was at first: who restores may change it, too.
        """
        parts = {**self.populations, **self.projections}
        parts.update({f"background {k}": part for k, part in enumerate(self.backgrounds)})
        parts.update(self.injections())
        return {**{name: part.built() for name, part in parts.items()}, **self._traces}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of a network that was built in the same way.

        After a `reset` with another seed the noise goes on from that, too. Parameters of
        populations get the values that they had then, also where they have been set since the
        network was built.

        Recordings that have gone further forget what they hold from there on, in memory and in
        files; close() one that is to keep it.

        Raises
        ------
        InputError
            If parts, shapes, dt or seed differ from this network's, or synapses or parameters that
            it was built with. The network stays as it was.
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
        if "built" in state:  # not in files of version 0.1
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
                # Files from before slow variables were float64 have them in float32.
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
                        self._check_clock(saved[name]["clock"], len(length))
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
        """Write the network's state to an HDF5 file; a killed run leaves the old file whole."""
        with atomic_file(path) as file:
            stamp(file, "network")
            write_tree(file.create_group("state"), self._state())

    def restore(self, path: str | Path) -> Network:
        """Read what `save` wrote into this network, which has to be built alike; returns itself.

        Recordings forget what they hold from then on, as in `set_state`.
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

    @staticmethod
    def _check_clock(clock: np.ndarray, trials_there: int) -> None:
        """A saved clock points into the trials and their two phases."""
        check_range("saved clock", clock[trials.TRIAL : trials.TRIAL + 1], -1, trials_there - 1)
        check_range("saved clock", clock[trials.PHASE : trials.PHASE + 1], 0, 1)

    def _check_finite(self, stretch: Stretch) -> None:
        found = not_finite(self)
        if found is None:
            return
        what, advice = found
        when = f"by step {self.step} ({self.time:g} ms; the look before was at {stretch.first})"
        self._is_torn = True  # while its arrays are those of earlier steps
        seen = stretch.find(lambda: not_finite(self))
        self._is_torn = False
        if seen is not None:
            steps, (what, advice) = seen
            step = stretch.first + steps
            when = f"since step {step} ({step * self.dt:g} ms)"
        raise SimulationError(f"{what} {when}; look for {advice}.")


def _drain(recordings: Sequence[SpikeRecording | StateRecording], step: int) -> None:
    """Let all take out what was recorded: if one cannot, the others still do."""
    for k, recording in enumerate(recordings):
        try:
            recording.drain(step)
        except BaseException:
            _drain(recordings[k + 1 :], step)
            raise


def _same(now: Any, then: Any) -> bool:
    return now is then or (isinstance(now, int) and now == then)
