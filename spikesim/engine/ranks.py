"""One network on several ranks: each advances a share of the neurons, and has their synapses.

Every rank runs the same script and has the arrays of all neurons. In a run it advances only its
*own* neurons: of each population a slice. Of the synapses it stores those onto its own neurons.
Random numbers are counted by neuron, so they are those of one core. Spikes reach no other neuron
before the shortest delay has passed. For so many steps a rank runs alone; then the ranks exchange
the spikes, which go into the rings of spike lists in the order in which one core lists them. So
every sum has the same order, and the bits are the same.

Populations that receive nothing, such as `Poisson` and spike trains, are advanced whole by every
rank, and need no exchange. After a run the ranks complete each other's arrays of neurons, so that a
script reads what it would read on one core.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np

from spikesim.engine.population import Population
from spikesim.engine.projection import Projection
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.engine.restoring import save_state
from spikesim.engine.rules import RulePlasticity
from spikesim.engine.sources import EventSource
from spikesim.engine.synapse_data import SynapseRecording
from spikesim.errors import FileError, InputError, SimulationError, SpikesimError
from spikesim.kernels import exchange
from spikesim.kernels.machine.program import Phase, Program, once
from spikesim.kernels.machine.shares import Shares
from spikesim.kernels.machine.states import State
from spikesim.progress import Interruption, compilation
from spikesim.ranks import FLAG, HEADER, NUMBER, World

__all__ = ["Ranks", "prepare"]

_LONGEST = 2000  # steps between two exchanges
_ROOM = 1 << 22  # spikes for which there is room in one exchange, unless a step needs more
_WHOLE = {"parts": 1}  # a Phase over blocks of neurons, as one block

Pieces = list[tuple[np.ndarray, Sequence[Any]]]


class Ranks:
    """What a network on several ranks does otherwise than on one core.

    Parameters
    ----------
    network : Network
    world : World
    shares : Shares
        The backend, which divides the indices of Phases.
    """

    def __init__(self, network: Any, world: World, shares: Shares):
        self._network = network
        self.world = world
        self._shares = shares
        self._every = 1  # steps from one exchange to the next
        self._traffic: dict[str, np.ndarray] = {}
        self._block = world.block
        self._shared: set[int] = set()  # ids of populations
        self._rows: set[int] = set()  # ids of the targets of synapses that ranks divide
        self._landing: Any = None  # the program that takes in spikes

    def __reduce__(self) -> Any:
        raise InputError(
            "A network on several ranks cannot be copied or sent to another process; build another "
            "one, and give it the state() of this."
        )

    @property
    def rank(self) -> int:
        return self.world.rank

    @property
    def is_current(self) -> bool:
        """Whether the program that takes in spikes still fits; to be asked before a run."""
        return bool(self._landing.is_current)

    # --------------------------------------------------------------------- what is whose

    def keep_own(self, projection: Projection) -> None:
        """Forget the synapses of a new projection that other ranks have."""
        if self.world.size > 1:
            own = self._shares.of(projection.post.n)[self.rank]
            projection.keep_onto(own.start, own.stop)

    def _share_out(self) -> list[Population]:
        """Find the populations of which each rank advances some neurons; the others are sources."""
        network = self._network
        self._shared = {id(each.post) for each in network.projections.values()}
        self._shared.update(id(each.post) for each in network.gap_junctions)
        self._shared.update(id(each.population) for each in network.backgrounds)
        for population in network.populations.values():
            if isinstance(population, EventSource) and id(population.source) in self._shared:
                self._shared.add(id(population))
        return self._divided()

    def _divided(self) -> list[Population]:
        populations = self._network.populations.values()
        return [each for each in populations if id(each) in self._shared]

    def _sending(self) -> list[Population]:
        return [each for each in self._divided() if each.neuron.most_spikes > 0]

    # -------------------------------------------------------------------------- the program

    def program(self, phases: Sequence[Phase]) -> Program:
        """The program that advances this rank's neurons, ready to run.

        Another program takes in the spikes that were exchanged.

        Raises
        ------
        InputError
            If a part of the network needs what other ranks have.
        """
        network, shared = self._network, self._share_out()
        _check(network, shared)
        sending = self._sending()
        delays = [p.delay_steps for p in network.projections.values() if p.pre in shared]
        most = sum(-(-p.n // self.world.size) * p.neuron.most_spikes + 2 for p in sending)
        self._every = max(1, min([_LONGEST, *delays, _ROOM // max(most, 1)]))
        room = max(HEADER + self._every * most, self.world.block)
        room = 1 << (room - 1).bit_length()
        self._traffic = {
            "outbox": np.zeros(room, np.int32),
            "fill": np.zeros(1, np.int64),
            "inbox": np.zeros(self.world.size * room, np.int32),
            "place": np.zeros(self.world.size, np.int64),
        }
        recordings = [r for r in network.recordings if _spikes_of(r) in sending]
        stored = [phase for recording in recordings for phase in recording.phases()]
        places = {id(phase.state["fill"]) for phase in stored}
        rows = [p.rows()["target"] for p in network.projections.values() if p.is_divided]
        self._rows = {id(target) for target in rows}
        own = [self._share_of(p) for p in phases if not _stores(p, places)]
        box = {name: self._traffic[name] for name in ("outbox", "fill")}
        own += [Phase(exchange.pack, once, State(p.listed, box)) for p in sending]
        box = {name: self._traffic[name] for name in ("inbox", "place")}
        taken = [Phase(exchange.unpack, once, State(p.listed, box)) for p in sending]
        self._landing = Program([*taken, *stored], network.dtype, self._shares)
        program = Program(own, network.dtype, self._shares)
        for turn in (self.rank == 0, self.rank > 0):  # who comes later finds all in the cache
            if turn:
                prepare(program)
                prepare(self._landing)
            self.world.meet("compilation", network.step)
        return program

    def _share_of(self, phase: Phase) -> Phase:
        """A Phase over this rank's neurons only; or over all, if it has only its own synapses.

        A Phase that writes to neurons of others as well does no harm: they are never used.
        """
        is_own = id(phase.state.get("target")) in self._rows
        if id(phase.neurons) in self._shared and not is_own:
            return phase
        whole = phase._replace(neurons=None)
        if "parts" in phase.params:
            params: Any = ChainMap(_WHOLE, phase.params)
            whole = whole._replace(params=params)
        return whole

    # ------------------------------------------------------------------------------ running

    def begin(self, steps: int) -> None:
        """Make sure that all ranks have the same network, and will run the same steps."""
        number = crc32(repr((steps, self._network._built())).encode())
        for population in self._network.populations.values():
            for name, value in population.parameters.saved().items():
                number = crc32(repr((name, np.asarray(value).tobytes())).encode(), number)
            if id(population) not in self._shared:
                for array in population.state.values():
                    number = crc32(np.ascontiguousarray(array).data, number)
        numbers = self.world.meet("run", self._network.step, number=number)[:, NUMBER]
        if (numbers != numbers[0]).any():
            other = int((numbers != numbers[0]).argmax())
            raise SimulationError(
                f"Ranks 0 and {other} have different networks, parameters or times to run; all "
                "have to make the same calls with the same numbers, so give a seed to the "
                "generator from which the script draws."
            )
        self.world.block = self._block

    def run(self, program: Program, steps: int, interruption: Interruption) -> int:
        """Advance by steps, or by fewer if any rank is asked to stop; return by how many.

        Then the arrays of neurons, and what was recorded of them, are completed.
        """
        step, traffic = self._network.step, self._traffic
        sending = self._sending()
        end = step + steps
        for population in sending:
            for rank, others in enumerate(self._shares.of(population.n)):
                if rank != self.rank:
                    population.state["spike"][others] = 0
        starts = np.arange(self.world.size)
        while step < end:
            now = min(self._every, end - step)
            traffic["fill"][0] = HEADER
            program(step, now)
            if sending:
                fill = int(traffic["fill"][0])
                boxes = traffic["outbox"], traffic["inbox"]
                if self.world.exchange(*boxes, fill, step, int(interruption.requested)):
                    end = step + now
                traffic["place"][:] = starts * self.world.block + HEADER
                self._landing(step, now)
            step += now
        self._block = self.world.block
        self.world.gather([*self._of_neurons(), *self._recorded(end)])
        return end - self._network.step

    def is_any(self, flag: bool) -> bool:
        """Whether something is true of any rank."""
        flags = self.world.meet("end of a stretch", self._network.step, int(flag))
        return bool(flags[:, FLAG].any())

    def first_of(self, found: Any) -> Any:
        """The first of what ranks have found, if it is not None on all."""
        if not self.is_any(found is not None):
            return None
        return next(x for x in self.world.communicator.allgather(found) if x is not None)

    # --------------------------------------------------------------------- arrays of others

    def _of_neurons(self) -> Pieces:
        """The arrays that a script reads between runs."""
        pieces: Pieces = []
        for population in self._divided():
            columns = self._shares.of(population.n)
            pieces += [
                (a, columns) for a in population.state.values() if a.shape[-1] == population.n
            ]
        return pieces + [each for p in self._network.projections.values() for each in self._onto(p)]

    def _onto(self, projection: Projection) -> Pieces:
        """The arrays of a projection with a column for each postsynaptic neuron."""
        n = projection.post.n
        if id(projection.post) not in self._shared:
            return []
        of_synapses = [] if projection.W is not None else list(projection.state.values())
        columns = self._shares.of(n)
        if projection.W is not None and not projection.plasticity:
            of_synapses = [projection.W]
        return [
            (array, columns)
            for name, array in projection.arrays().items()
            if array.shape[-1] == n
            and not any(array is each for each in of_synapses)
            and not name.endswith("ring")
        ]

    def _under_way(self) -> Pieces:
        """The arrays that only a saved state needs: rings, kernels, noise."""
        pieces: Pieces = []
        for population in self._divided():
            n, known = population.n, [*population.state.values()]
            listed = population.spike_list().values()
            for array in population.arrays().values():
                if array.shape[-1] == n and not any(array is x for x in (*known, *listed)):
                    pieces.append((array, self._shares.of(n)))
        for projection in self._network.projections.values():
            for name, array in projection.arrays().items():
                if name == "synapse_ring":
                    pieces.append((array, self._shares.of(projection.post.n)))
        for part in self._network.injections().values():
            onto: Any = getattr(part, "population", None)
            if id(onto) in self._shared:
                arrays = [a for a in part.arrays().values() if a.shape[-1] == onto.n]
                pieces += [(array, self._shares.of(onto.n)) for array in arrays]
        return pieces

    def _recorded(self, end: int) -> Pieces:
        """The samples of neurons, of which each rank has its own."""
        pieces: Pieces = []
        for recording in self._network.recordings:
            if not isinstance(recording, StateRecording) or recording.is_closed:
                continue
            source: Any = recording.population
            post = source.post if isinstance(source, Projection) else source
            if id(post) not in self._shared:
                continue
            neurons = recording.neurons
            if isinstance(recording, SynapseRecording):
                neurons = neurons % post.n  # of a matrix, numbered row by row
            owned = self._shares.of(post.n)
            columns = [
                np.flatnonzero((own.start <= neurons) & (neurons < own.stop)) for own in owned
            ]
            pieces += [(samples, columns) for samples in recording.samples_until(end)]
        return pieces

    # ----------------------------------------------------------------------- the whole state

    def complete(self, arrays: dict[str, dict[str, np.ndarray]], everywhere: bool) -> None:
        """Put the synapses of all ranks into a dict of arrays, on rank 0 or everywhere."""
        self.world.meet("state", self._network.step, number=everywhere)
        self.world.gather(self._under_way())
        for name, projection in self._network.projections.items():
            if projection.is_divided:
                held = projection.of_each_synapse()
                arrays[name].update(self._joined(projection, held, everywhere))

    def _joined(
        self, projection: Projection, held: dict[str, np.ndarray], everywhere: bool
    ) -> dict[str, np.ndarray]:
        counts = self.world.collect(projection.row_sizes, everywhere)
        found: dict[str, Any] = {n: self.world.collect(a, everywhere) for n, a in held.items()}
        if counts is None:
            return {}
        total = np.sum(counts, axis=0)
        first = np.concatenate([[0], np.cumsum(total)[:-1]])
        joined = {name: np.empty(int(total.sum()), a.dtype) for name, a in held.items()}
        for rank, each in enumerate(counts):
            place = _places(first, each)
            for name, parts in found.items():
                joined[name][place] = parts[rank]
            first = first + each
        return joined

    def save(self, path: Any, state: dict[str, Any]) -> None:
        """Let rank 0 write a state, and the others wait until it has.

        Raises
        ------
        FileError
            On all ranks, if the file cannot be written.
        """
        error = None
        if self.rank == 0:
            try:
                save_state(path, state)
            except SpikesimError as raised:
                error = raised
        if self.is_any(error is not None):
            raise error or FileError(f"{path} could not be written by rank 0.")

    def own_part(self, arrays: dict[str, Any], step: int) -> dict[str, Any]:
        """The arrays of a saved state, with the synapses that this rank stores."""
        self.world.meet("restore", step)
        for name, projection in self._network.projections.items():
            saved = arrays.get(name)
            if projection.is_divided and isinstance(saved, dict):
                place = _places(projection.first_of_all, projection.row_sizes)
                arrays[name] = {
                    key: value[place]
                    if key in projection.of_each_synapse()
                    and isinstance(value, np.ndarray)
                    and value.shape == (projection.of_all,)
                    else value
                    for key, value in saved.items()
                }
        return arrays


def prepare(program: Program) -> None:
    """Compile what is missing, and say so if it takes long."""
    if not program.is_ready:
        with compilation() as report:
            program.prepare(report)


def _places(first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """``first[i], first[i] + 1, ...``, `counts[i]` of them, for each row i."""
    begun = np.cumsum(counts) - counts
    return np.repeat(first - begun, counts) + np.arange(counts.sum())


def _spikes_of(recording: Any) -> Any:
    return recording.population if isinstance(recording, SpikeRecording) else None


def _stores(phase: Phase, places: set[int]) -> bool:
    """Whether a Phase stores spikes in the buffer of a recording that has one of these places."""
    return "fill" in phase.state and id(phase.state["fill"]) in places


def _check(network: Any, shared: list[Population]) -> None:
    """Refuse what would need numbers of other ranks in the middle of a run."""
    if not shared:
        raise InputError(
            "No population receives spikes, so there is nothing that ranks could divide; use "
            "backend='cpu', or one network for each process."
        )
    for junctions in network.gap_junctions:
        raise InputError(
            f"{junctions!r} would need the voltages of other ranks in every step; with gap "
            "junctions use backend='threads', on one machine."
        )
    for projection in network.projections.values():
        if projection.pre in shared and projection.delay_steps == 0:
            raise InputError(
                f"The delay of {projection.name!r} is 0, but its spikes come from other ranks; "
                f"with backend='mpi' it has to be at least dt = {network.dt:g} ms, unless the "
                "presynaptic neurons receive no spikes."
            )
        plasticity = projection.plasticity
        if isinstance(plasticity, RulePlasticity) and projection.pre in shared:
            for variable in plasticity.asked_of("pre"):
                raise InputError(
                    f"The rule of {projection.name!r} asks for {variable}_pre, which other ranks "
                    "have; with backend='mpi' a rule may ask for traces of both sides and for "
                    "variables of the postsynaptic neuron. backend='threads' has no such limit."
                )
    for population in shared:
        if any(isinstance(step, tuple) for step in population.neuron.steps):
            raise InputError(
                f"A step of {population.name!r} runs over something else than its neurons, and "
                "might need those of other ranks; use backend='threads', on one machine."
            )
        if isinstance(population, EventSource) and population.source.neuron.most_spikes > 1:
            raise InputError(
                f"{population.source.name!r} emits several spikes in a step, so the events of "
                f"{population.name!r} have no order across ranks; use backend='threads'."
            )
    _check_added(network, shared)
    for recording in network.recordings:
        source: Any = recording.population
        if isinstance(recording, SynapseRecording) and source.is_divided:
            raise InputError(
                f"The synapses of {source.name!r} are stored by several ranks, so they cannot be "
                "recorded with backend='mpi'; take net.state() every so often, or connect with a "
                "matrix of weights, which every rank stores."
            )


def _check_added(network: Any, shared: list[Population]) -> None:
    """Refuse Phases that a user added and that touch neurons of other ranks, or their synapses."""
    owned = {id(a): each.name for each in shared for a in (*each.arrays().values(), each._spike)}
    for projection in network.projections.values():
        if projection.post in shared:
            arrays = [*projection.arrays().values(), *projection.structure()]
            owned.update((id(array), projection.name) for array in arrays)
    for phase in (*network._first, *network._last):
        for name, array in phase.state.items():
            if id(array) in owned:
                raise InputError(
                    f"The added Phase {phase.body.__name__!r} uses {name} of {owned[id(array)]!r}, "
                    "of which each rank advances a part; with backend='mpi' make it a step of the "
                    "neuron or a PlasticityRule, or do it between runs, in net.steps(...)."
                )
    for population in shared:
        for name, array in population.shared.items():
            if id(array) in owned and owned[id(array)] != population.name:
                raise InputError(
                    f"{population.name}.shared[{name!r}] belongs to {owned[id(array)]!r}, of which "
                    "each rank advances a part; use backend='threads', on one machine."
                )
