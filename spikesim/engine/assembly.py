"""The parts of a network besides its populations: projections, Phases and recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp
from os import PathLike
from pathlib import Path
from types import NoneType
from typing import Any, overload

import numpy as np

from spikesim.checks import (
    check_choice,
    check_integer,
    check_memory,
    check_names,
    check_neurons,
    check_number,
    check_steps,
    check_unknown,
    show,
)
from spikesim.copying import Part
from spikesim.engine.arguments import checked_phase, units_of
from spikesim.engine.filters import DoubleExponential, Filter
from spikesim.engine.gaps import GapJunctions
from spikesim.engine.inputs import MOST_NEURONS, Inputs
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection, ShortTermPlasticity
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.engine.rules import PlasticityRule
from spikesim.engine.several import SpikeRecordings
from spikesim.engine.stdp import PairSTDP
from spikesim.engine.subgroups import Subgroup, name_of_projection
from spikesim.engine.synapse_data import chosen_synapses
from spikesim.engine.synapses import varies
from spikesim.engine.synaptic import SynapticInput, recording_of
from spikesim.errors import InputError
from spikesim.kernels import plasticity
from spikesim.kernels.machine.program import Phase, once
from spikesim.kernels.machine.states import State
from spikesim.precision import NEAR_ZERO, type_for
from spikesim.synapse import Synapse

__all__ = ["Assembly"]


class Assembly(Inputs, called="Network"):
    """Populations, projections, backgrounds, recordings and Phases that belong together.

    Its parameters are those of a `Setting`. A `Network` is one of these.
    """

    def __init__(self, dt: float = 0.1, seed: int = 0, dtype: str = "float32"):
        super().__init__(dt, seed, dtype)
        self._recordings: list[SpikeRecording | StateRecording] = []
        self.gap_junctions: list[GapJunctions] = []
        self._last: list[Phase] = []
        self._traces: dict[str, dict[str, Any]] = {}

    @property
    def recordings(self) -> list[SpikeRecording | StateRecording]:
        """The recordings that have not ended."""
        if any(recording.is_closed for recording in self._recordings):
            self._recordings = [each for each in self._recordings if not each.is_closed]
        return self._recordings

    def _incoming(self, population: Population) -> list[Projection]:
        return [each for each in self.projections.values() if each.post is population]

    def is_driven(self, population: Any, array: np.ndarray) -> bool:
        """Whether anything but a population's own neurons may write to one of its arrays.

        Arriving spikes, added Phases, and populations that share the array may.
        """
        if any(projection.post is population for projection in self.projections.values()):
            return True
        if any(background.population is population for background in self.backgrounds):
            return True
        states = [phase.state for phase in (*self._first, *self._last)]
        states += [other.shared for other in self.populations.values() if other.shared]
        return any(array is each for state in states for each in state.values())

    # --------------------------------------------------------------------------- connecting

    def connect(
        self,
        pre: Population | Subgroup,
        post: Population | Subgroup,
        *,
        target: str,
        weight: Any = None,
        probability: float | None = None,
        indegree: int | None = None,
        outdegree: int | None = None,
        synapses: int | None = None,
        one_to_one: bool = False,
        autapses: bool = True,
        multapses: bool | None = None,
        delay: Any = None,
        kernel: DoubleExponential | None = None,
        short_term: ShortTermPlasticity | None = None,
        plasticity: PairSTDP | PlasticityRule | None = None,
        synapse: Synapse | None = None,
        name: str | None = None,
    ) -> Projection:
        """Connect two populations.

        Parameters
        ----------
        pre, post : Population or Subgroup
            With subgroups, rules draw among their neurons, and matrices have their shape. Synapses
            of a matrix between subgroups are stored one by one, like those of a rule.
        target : str
            The variable of `post` that arriving spikes act on.
        weight : float, array_like, scipy sparse array or callable
            Without a rule: one weight for all pairs, a matrix of shape (pre.n, post.n), or a sparse
            matrix of the synapses that exist. With a rule: one weight for all synapses, which takes
            less memory, or an array with one for each. In both cases also a function
            ``weight(chance, size)`` that draws `size` weights from a numpy.random.Generator. The
            network calls it for some of the synapses at a time. Its numbers therefore have to be
            independent: none may depend on `size`, or on how many were drawn before.
        probability : float, optional
            Rule: each pair is connected with this probability.
        indegree, outdegree : int, optional
            Rule: each neuron receives, or makes, this many synapses, with different partners.
        synapses : int, optional
            Rule: this many synapses in all, whose neurons are drawn independently; a pair may be
            drawn more than once.
        one_to_one : bool
            Rule: neuron i connects to neuron i.
        autapses : bool
            Whether these rules may connect a neuron to itself.
        multapses : bool, optional
            Whether `indegree` and `outdegree` may draw a partner more than once; by default, they
            may not. `synapses` always may.
        delay : float, array_like or callable
            In ms, a multiple of dt; by default, dt. It may be 0 if `post` was created after `pre`.
            Or one delay for each synapse, rounded to steps: an array, of shape (pre.n, post.n) for
            a matrix of weights, or a function like that of `weight`, with independent numbers, too.
        kernel : DoubleExponential, optional
            The time course of the potential; every step then writes the sum of the potentials to
            `target`. Without a kernel, an arriving spike adds its weight to `target` at once.
        short_term : ShortTermPlasticity, optional
            Depression and facilitation; without it, all spikes have the same effect.
        plasticity : PairSTDP or PlasticityRule, optional
            How spikes on both sides change the weights, of synapses that all have the same delay;
            without it, weights stay as they are.
        synapse : Synapse, optional
            A synapse model, such as `spikesim.NMDA`: spikes act on its variables, and every step
            adds its current to `target`, which has to be an input of the neurons.
        name : str, optional
            By default, 'PRE_to_POST'.

        Raises
        ------
        InputError
            If a shape, name, delay or kernel does not fit, or there are two rules.

        Warns
        -----
        SpikesimWarning
            If a weight has the sign that the neuron does not declare for `target`, as one below 0
            onto a conductance.

        Examples
        --------
        >>> from spikesim import DeltaLIF, Network
        >>> net = Network(dt=0.1, seed=1, backend="python")
        >>> cells = net.add_population("cells", 100, DeltaLIF)
        >>> net.connect(cells, cells, target="v", weight=0.1, indegree=10, delay=1.5)
        <Projection 'cells_to_cells': cells → cells.v, 1000 synapses>
        >>> varied = net.connect(
        ...     cells, cells, target="v", probability=0.1, name="varied",
        ...     weight=lambda chance, size: chance.normal(0.1, 0.01, size),
        ...     delay=lambda chance, size: chance.uniform(0.5, 3.0, size),
        ... )
        """
        before, after = self._group("pre", pre), self._group("post", post)
        pre, post = before.population, after.population
        name = name_of_projection(before, after) if name is None else name
        self._check_name(name)
        if synapse is None:
            target = self._check_port(post, target)
        rules = {
            "probability": probability,
            "indegree": indegree,
            "outdegree": outdegree,
            "synapses": synapses,
            "one_to_one": check_choice("one_to_one", one_to_one, [True, False]) or None,
        }
        rules = {rule: value for rule, value in rules.items() if value is not None}
        whole = before.n == pre.n and after.n == post.n
        projection = Projection(name, pre, post, target, None if whole else (before, after))
        model = None if synapse is None else SynapticInput(synapse, post, target, name)
        if model is not None and kernel is not None:
            raise InputError("kernel and synapse are given; a synapse has its own time course.")
        varied = delay is not None and varies("delay", delay)
        if not varied:
            projection.delay_all(self._delay_steps(pre, post, delay))
        stream = len(self.projections)
        each = delay if varied else None
        projection.fill(weight, rules, autapses, multapses, stream, each)
        if varied:
            self._check_delay(pre, post, projection.delay_steps)
        if self._ranks is not None:
            self._ranks.keep_own(projection)
        if short_term is not None:
            projection.change_in_use(short_term, self.dtype)
        if plasticity is not None:
            projection.learn_by(plasticity)
        if kernel is not None:
            self._add_filter(post, target, kernel)
        elif target in post.filters:
            raise InputError(
                f"{post.name}.{target} has a kernel; give this projection the same one."
            )
        pre.remember(projection.delay_steps)
        if model is not None:
            projection.act_through(model)
        projection.look_ahead()
        projection.check_sign(projection.state["weight"])
        self.projections[name] = projection
        return projection

    def connect_gap(
        self,
        pre: Population | Subgroup,
        post: Population | Subgroup,
        conductance: Any,
        *,
        probability: float | None = None,
        target: str = "I",
        voltage: str | None = None,
    ) -> GapJunctions:
        """Connect neurons by gap junctions, through which currents g (v_j - v_i) flow.

        In every step, each neuron gets the current that follows from the voltages at the start of
        the step. It adds to stimuli, noise and values that you set; see `play`. A junction conducts
        equally well in both directions.

        Parameters
        ----------
        pre, post : Population or Subgroup
            The same neurons, or different ones.
        conductance : float, array_like or scipy sparse array
            The conductance of each junction, in units of `target` per unit of `voltage`, at least
            0; or a matrix of shape (pre.n, post.n), in which 0 means no junction. The matrix of a
            group with itself has to be symmetric.
        probability : float, optional
            Each pair has a junction with this probability. By default, all pairs have one.
        target : str
            The input that the junctions add to: a variable that the neurons' equations only read.
        voltage : str, optional
            The variable whose differences drive the currents; by default, v or V.

        Returns
        -------
        GapJunctions
            Its `conductance` may be set between runs.

        Raises
        ------
        InputError
            If an argument cannot be used, or a conductance is too large for dt. It is too large if
            one step would carry a neuron more than half of the way to the voltage of its
            neighbours, as coupled neurons would then overshoot each other.

        Notes
        -----
        In float32, a voltage near -60 mV is a multiple of 4e-6 mV, and a change by less than half
        of that in a step is lost. A difference below 2e-6 mV times the junction's time constant in
        steps therefore has no effect: 0.01 mV for 5000 steps. Weak junctions need float64.

        Examples
        --------
        >>> from spikesim import Izhikevich, Network
        >>> net = Network(dt=0.1, seed=1, backend="python")
        >>> cells = net.add_population("cells", 10, Izhikevich)
        >>> net.connect_gap(cells, cells, conductance=0.1, probability=0.2)
        <GapJunctions cells ↔ cells: 8 junctions, conductance 0.1>
        """
        before, after = self._group("pre", pre), self._group("post", post)
        number = len(self.gap_junctions)
        added = GapJunctions(before, after, conductance, probability, target, voltage, number)
        for population in {id(each): each for each in (added.pre, added.post)}.values():
            population.inject(target, added)
        self.gap_junctions.append(added)
        return added

    def injections(self) -> dict[str, Any]:
        gaps = {f"gap junctions {k}": each for k, each in enumerate(self.gap_junctions)}
        return {**super().injections(), **gaps}

    def add_phase(
        self,
        body: Callable,
        over: Callable | int = once,
        *,
        state: Mapping[str, np.ndarray],
        params: dict[str, Any] | None = None,
        first: bool = False,
        inputs: Sequence[str] = (),
        dtype: str | None = None,
    ) -> Phase:
        """Add an equation or a plasticity rule of your own to every step.

        Parameters
        ----------
        body : callable
            ``body(i, t, s, p)`` in plain Python; `spikesim.kernels.machine.lowering` lists the
            rules for it.
        over : callable or int
            The number of indices i: ``over(t, s, p)``, or a fixed number.
        state : dict of str to numpy.ndarray
            The arrays that the body sees as ``s.NAME``. Arrays of populations and projections are
            shared; others are saved with the network.
        params : dict of str to number, optional
            The numbers that the body sees as ``p.NAME``; you may change them between runs.
        first : bool
            Whether the body runs at the start of the step instead of at its end.
        inputs : sequence of str
            Large arrays of the state that nothing in the network ever writes to; a GPU then need
            not send them back.
        dtype : {'float32', 'float64'}, optional
            The type of floats in `params` and of constants in the body; by default, the network's.
            A decay over more than a few thousand steps needs 'float64', both here and in the arrays
            that it acts on.
        """
        over, state, params, inputs = checked_phase(
            body, over, state, params, first, inputs, dtype, self.dtype
        )
        phase = Phase(body, over, self._state_of(state), params, tuple(inputs), dtype=dtype)
        number = len(self._extra)
        # A space, so that no population or projection can have that name.
        self._extra[f"phase {number} {body.__name__}"] = phase.state
        (self._first if first else self._last).append(phase)
        return phase

    def _state_of(self, arrays: Mapping[str, np.ndarray]) -> State:
        """The state of a Phase, which finds the arrays of parts even after they were replaced."""
        state = State()
        state.update(arrays)
        parts: list[Part] = [*self.populations.values(), *self.projections.values()]
        held = [each for part in parts for each in part.exchanged()]
        places = {id(array): (each, name) for each in held for name, array in each.items()}
        for name, array in arrays.items():
            if id(array) in places:
                state.link(name, *places[id(array)])
        return state

    def add_trace(self, population: Population, tau: float) -> np.ndarray:
        """Add an exponential trace of a population's spikes, for a plasticity rule to read.

        Each spike adds 1; between spikes the trace decays as exp(-t/tau). The network updates it at
        the end of each step, in the order in which traces and phases were added.

        Parameters
        ----------
        population : Population
        tau : float
            The time constant, in ms.

        Returns
        -------
        numpy.ndarray, shape (population.n,)
            The trace, of the network's type, but float64 if tau is longer than 8192 steps.
        """
        self._check_own("population", population)
        tau = check_number("tau", tau, at_least=self.dt, unit="ms, dt or longer")
        dtype = type_for(self.dtype, tau / (NEAR_ZERO * self.dt))
        name = f"phase {len(self._extra)} {plasticity.trace.__name__}"
        self._traces[name] = {"population": population.name, "tau": tau}
        trace = np.zeros(population.n, dtype)
        state = {"spike": population.spike, "trace": trace}
        params = {"decay": exp(-self.dt / tau)}
        self.add_phase(plasticity.trace, plasticity.traced, state=state, params=params, dtype=dtype)
        return trace

    @overload
    def record_spikes(
        self, population: Population | Subgroup, path: str | Path | None = None
    ) -> SpikeRecording: ...
    @overload
    def record_spikes(
        self,
        population: Population | Subgroup,
        *others: Population | Subgroup,
        path: str | Path | None = None,
    ) -> SpikeRecordings: ...
    def record_spikes(self, population: Any, *others: Any, path: Any = None) -> Any:
        """Record every spike of one or several populations from now on.

        Parameters
        ----------
        population, *others : Population or Subgroup
            What to record. The neurons of a subgroup count from 0, as in ``exc = cells[80:]``.
        path : str or Path, optional
            Stream to this HDF5 file (SONATA layout) rather than to memory; several populations
            share the file. When the recording, or the last of several, is closed, the file appears
            or replaces one that existed before the program began.

        Returns
        -------
        SpikeRecording or SpikeRecordings
            The latter for several populations, with one recording for each.

        Raises
        ------
        InputError
            If an argument cannot be used.
        FileError
            If the file cannot be written, or this program has written it or is recording to it.
        """
        if path is None and len(others) == 1 and isinstance(others[0], (str, PathLike, NoneType)):
            path, others = others[0], ()  # record_spikes(cells, "spikes.h5")
        populations = [population, *others]
        for each in populations:
            if isinstance(each, (list, tuple)) and each:
                names = ", ".join(str(getattr(one, "name", "...")) for one in each)
                raise InputError(
                    f"population is {show(each)}; pass populations one by one: "
                    f"record_spikes({names})."
                )
            self._chosen(each, None)
        if len({each.name for each in populations}) < len(populations):
            raise InputError("population names one twice; each can be recorded once in a call.")
        if others:
            several = SpikeRecordings(populations, self.dt, path)
            self.recordings.extend(several)
            return several
        recording = SpikeRecording(population, self.dt, path)
        self.recordings.append(recording)
        return recording

    def record(
        self,
        population: Population | Subgroup | Projection,
        variables: str | Sequence[str],
        every: float | None = None,
        neurons: Any = None,
        path: str | Path | None = None,
        unit: str | Mapping[str, str] | None = None,
        *,
        synapses: Any = None,
    ) -> StateRecording:
        """Record state variables from now on: of neurons, of synapses or of synapse models.

        Parameters
        ----------
        population : Population, Subgroup or Projection
        variables : str or sequence of str
            For a projection, 'weight' and the variables of its plasticity rule, which each synapse
            has, or the variables of its synapse model, which each postsynaptic neuron has. A
            parameter that can be an input, such as ``I``, becomes one; see `Population.live`.
        every : float, optional
            The interval in ms, a multiple of dt; by default, dt.
        neurons : array_like of int, array_like of bool, int or slice, optional
            Which neurons: their numbers, a mask with a truth value for each, one number, or a
            slice. A subgroup numbers its neurons from 0. By default, all of them.
        path : str or Path, optional
            Stream to this HDF5 file (SONATA layout, float32) rather than to memory. Its elements
            are the variables. When the recording is closed, the file appears or replaces one that
            existed before the program began.
        unit : str or dict of str to str, optional
            The unit of the variables, or of each by name, for files, figures and neo. By default it
            is the one that the neuron or synapse model declares. If it says nothing, it is mV for
            names that begin with v or V, and unknown for others. A file has one unit, by default
            mV.
        synapses : SomeSynapses, array_like of int, array_like of bool, int or slice, optional
            Which synapses of a projection, such as ``synapses.onto(3)``, or their numbers, which
            are the rows of `Projection.table`. By default, all of them.

        Returns
        -------
        StateRecording or SynapseRecording

        Raises
        ------
        InputError
            If an argument cannot be used.
        FileError
            If the file cannot be written, or this program has written it or is recording to it.

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(dt=0.5, backend="python")
        >>> cells = net.add_population("cells", 3, LIF)
        >>> synapses = net.connect(cells, cells, target="drive", weight=0.5)
        >>> weights = net.record(synapses, "weight", every=1.0, synapses=range(2))
        >>> net.run(3.0)
        >>> weights.weight.tolist()
        [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
        """
        names = check_names("variables", variables)
        source: Any = population
        inputs: list[str] = []
        kind: type[StateRecording]
        declared: Mapping[str, Any]
        if isinstance(population, Projection):
            if population.network is not self:
                raise InputError(
                    "population has to be a population or a projection of this network."
                )
            kind, role, number, declared = recording_of(population, names)
        else:
            source, neurons = self._chosen(population, neurons)
            names = [source.present_name(name) for name in names]
            inputs = source._inputs
            check_unknown(f"variable of {source.name!r}", names, [*source.state, *inputs])
            declared = {**source.neuron.parameters, **source.neuron.variables}
            kind, role, number = StateRecording, "neurons", source.n
        given = {"neurons": neurons, "synapses": synapses}
        chosen = given.pop(role)
        for other, unused in given.items():
            if unused is not None:
                raise InputError(
                    f"{other} is {show(unused)}, but {', '.join(names)} of {source.name!r} has "
                    f"{role}; choose those."
                )
        if role == "synapses":
            chosen = chosen_synapses(source, chosen)
        if not 0 < len(set(names)) == len(names):
            raise InputError(
                f"variables is {show(variables)}; it has to name one or more, and none twice."
            )
        interval = 1 if every is None else check_steps("every", every, self.dt, at_least=1)
        which = check_neurons(role, chosen, number, each=role)
        if path is not None and not 0 < np.unique(which).size == which.size:
            raise InputError(
                f"{role} is {show(chosen)}; for a file it has to name one or more, and none twice."
            )
        units = units_of(names, unit, declared)
        for name in set(inputs).intersection(names):
            source.live(name)
        recording = kind(source, names, interval, which, self.dt, path, units)
        self.recordings.append(recording)
        return recording

    # ------------------------------------------------------------------------------ checking

    def _delay_steps(self, pre: Population, post: Population, delay: float | None) -> int:
        steps = 1 if delay is None else check_steps("delay", delay, self.dt)
        self._check_delay(pre, post, steps)
        return steps

    def _check_delay(self, pre: Population, post: Population, steps: int) -> None:
        order = list(self.populations.values())
        if steps < 0 or (steps == 0 and order.index(pre) >= order.index(post)):
            raise InputError(
                f"delay is {steps * self.dt:g} ms from {pre.name!r} to {post.name!r}, which is "
                f"advanced before it; it has to be at least dt = {self.dt:g} ms."
            )

    def _add_filter(self, post: Population, port: str, kernel: DoubleExponential) -> None:
        if not isinstance(kernel, DoubleExponential):
            raise InputError(f"kernel is {show(kernel)}; it has to be a DoubleExponential or None.")
        check_number("tau_rise", kernel.tau_rise, at_least=self.dt, unit="ms, dt or longer")
        check_number("tau_decay", kernel.tau_decay, above=kernel.tau_rise, unit="ms")
        if kernel.memory is not None:
            memory = check_integer("memory", kernel.memory, at_least=1, at_most=MOST_NEURONS)
            check_memory(f"memory is {memory}", 4.0 * memory * post.n)
        if port in post.filters:
            if post.filters[port].kernel != kernel:
                raise InputError(f"{post.name}.{port} has a kernel already, and another one.")
            return
        if any(projection.port == port for projection in self._incoming(post)):
            raise InputError(f"{post.name}.{port} has a projection without a kernel already.")
        post.filters[port] = Filter(post.state[port], kernel, self.dt, post)
