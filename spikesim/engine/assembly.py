"""What a network consists of besides its populations: projections, Phases and recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

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
from spikesim.engine.arguments import checked_phase
from spikesim.engine.filters import DoubleExponential, Filter
from spikesim.engine.inputs import MOST_NEURONS, Inputs
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection, ShortTermPlasticity
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.engine.stdp import PairSTDP
from spikesim.engine.synapses import varies
from spikesim.errors import InputError
from spikesim.kernels import plasticity
from spikesim.kernels.machine.program import Phase, once
from spikesim.kernels.machine.states import State
from spikesim.precision import NEAR_ZERO, type_for

__all__ = ["Assembly"]


class Assembly(Inputs):
    """Populations, projections, backgrounds, recordings and Phases that belong together.

    Its parameters are those of a `Setting`. A `Network` is one.
    """

    def __init__(self, dt: float = 0.1, seed: int = 0, dtype: str = "float32"):
        super().__init__(dt, seed, dtype)
        self._recordings: list[SpikeRecording | StateRecording] = []
        self._last: list[Phase] = []
        self._traces: dict[str, dict[str, Any]] = {}

    @property
    def recordings(self) -> list[SpikeRecording | StateRecording]:
        """The recordings that go on."""
        if any(recording.is_closed for recording in self._recordings):
            self._recordings = [each for each in self._recordings if not each.is_closed]
        return self._recordings

    def _incoming(self, population: Population) -> list[Projection]:
        return [each for each in self.projections.values() if each.post is population]

    def is_driven(self, population: Any, array: np.ndarray) -> bool:
        """Whether others than a population's own neurons may write to one of its arrays.

        They are what arrives at it, added Phases, and populations that share the array.
        """
        if self._incoming(population) or population in (x.population for x in self.backgrounds):
            return True
        states = [phase.state for phase in (*self._first, *self._last)]
        states += [other.shared for other in self.populations.values()]
        return any(array is each for state in states for each in state.values())

    # --------------------------------------------------------------------------- connecting

    def connect(
        self,
        pre: Population,
        post: Population,
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
        plasticity: PairSTDP | None = None,
        name: str | None = None,
    ) -> Projection:
        """Connect two populations.

        Parameters
        ----------
        pre, post : Population
        target : str
            The variable of `post` that arriving spikes act on.
        weight : float, array_like, scipy sparse array or callable
            Without a rule: one weight for all pairs, a matrix of shape (pre.n, post.n), or a sparse
            one of the synapses that exist. With a rule: one weight for all synapses, which takes
            less memory, or an array with one for each. Or a function ``weight(chance, size)`` that
            draws so many weights from a numpy.random.Generator. It is called for a part of them at
            a time, so that the numbers have to be independent of each other: none may depend on
            `size`, or on how many came before.
        probability : float, optional
            Rule: each pair is connected with this chance.
        indegree, outdegree : int, optional
            Rule: so many synapses onto, or from, each neuron, with different partners.
        synapses : int, optional
            Rule: so many synapses in all, whose neurons are drawn independently; a pair may come
            more than once.
        one_to_one : bool
            Rule: neuron i connects to neuron i.
        autapses : bool
            Whether these rules may connect a neuron to itself.
        multapses : bool, optional
            Whether partners of `indegree` and `outdegree` may be drawn more than once; not by
            default. By `synapses` they always may.
        delay : float, array_like or callable
            In ms, a multiple of dt; `dt` by default. 0 onto a population created later. Or one
            for each synapse, rounded to steps: an array, of shape (pre.n, post.n) for a matrix of
            weights, or a function like that of `weight`, whose numbers are independent, too.
        kernel : DoubleExponential, optional
            The time course of the potential; `target` is then what the sum of potentials is written
            to in every step. Without one, weights are added to `target` at once.
        short_term : ShortTermPlasticity, optional
            Depression and facilitation; without it all spikes are alike.
        plasticity : PairSTDP, optional
            How spikes on both sides change the weights; without it they stay.
        name : str, optional
            'PRE_to_POST' by default.

        Raises
        ------
        InputError
            If a shape, name, delay or kernel does not fit, or there are two rules.

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
        self._check_own("pre", pre)
        self._check_own("post", post)
        name = f"{pre.name}_to_{post.name}" if name is None else name
        self._check_name(name)
        target = self._check_port(post, target)
        rules = {
            "probability": probability,
            "indegree": indegree,
            "outdegree": outdegree,
            "synapses": synapses,
            "one_to_one": check_choice("one_to_one", one_to_one, [True, False]) or None,
        }
        rules = {rule: value for rule, value in rules.items() if value is not None}
        projection = Projection(name, pre, post, target)
        varied = delay is not None and varies("delay", delay)
        if not varied:
            projection.delay_all(self._delay_steps(pre, post, delay))
        stream = len(self.projections)
        projection.fill(weight, rules, autapses, multapses, stream)
        if varied:
            projection.delay_by(delay, stream)
            self._check_delay(pre, post, projection.delay)
        if short_term is not None:
            projection.change_in_use(short_term, self.dtype)
        if plasticity is not None:
            projection.learn_from_pairs(plasticity)
        if kernel is not None:
            self._add_filter(post, target, kernel)
        elif target in post.filters:
            raise InputError(
                f"{post.name}.{target} has a kernel; give this projection the same one."
            )
        pre.remember(projection.delay)
        if projection.later is not None:
            post.look_ahead(target, int(projection.later.max()))
        self.projections[name] = projection
        return projection

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
        """Add an equation or a plasticity rule of one's own to every step.

        Parameters
        ----------
        body : callable
            ``body(i, t, s, p)`` in plain Python; `spikesim.kernels.machine.lowering` has the rules.
        over : callable or int
            How many indices i there are: ``over(t, s, p)``, or a fixed number.
        state : dict of str to numpy.ndarray
            The arrays that the body sees as ``s.NAME``. Arrays of populations and projections are
            shared; others are saved with the network.
        params : dict of str to number, optional
            What the body sees as ``p.NAME``; may be changed between runs.
        first : bool
            Run at the start of the step rather than at its end.
        inputs : sequence of str
            Arrays of the state that nothing in the network ever writes, if they are large: a GPU
            need not send them back.
        dtype : {'float32', 'float64'}, optional
            The type that floats of `params` and constants of the body take; that of the network by
            default. A decay of more than some thousand steps needs 'float64', and so do the arrays
            that it acts on.
        """
        over, params, inputs = checked_phase(
            body, over, state, params, first, inputs, dtype, self.dtype
        )
        phase = Phase(body, over, self._state_of(state), params, tuple(inputs), dtype=dtype)
        number = len(self._extra)
        # A space, so that no population or projection can have that name.
        self._extra[f"phase {number} {body.__name__}"] = phase.state
        (self._first if first else self._last).append(phase)
        return phase

    def _state_of(self, arrays: Mapping[str, np.ndarray]) -> State:
        """The state of a Phase, which finds arrays of parts when others have taken their place."""
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

        Each spike adds 1; between spikes the trace decays as exp(-t/tau). It is brought up to date
        at the end of each step, in the order in which traces and phases are added.

        Parameters
        ----------
        population : Population
        tau : float
            In ms.

        Returns
        -------
        numpy.ndarray, shape (population.n,)
            Of the network's type, but float64 if tau is longer than 8192 steps.
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

    def record_spikes(
        self, population: Population, path: str | Path | None = None
    ) -> SpikeRecording:
        """Record every spike of a population from now on.

        Parameters
        ----------
        population : Population
        path : str or Path, optional
            Stream to this HDF5 file (SONATA layout) rather than to memory. It appears, or takes
            the place of one from before the program, when the recording is closed.

        Raises
        ------
        InputError
            If an argument cannot be used.
        FileError
            If the file cannot be written, or this program has written it or is recording to it.
        """
        self._check_own("population", population)
        recording = SpikeRecording(population, self.dt, path)
        self.recordings.append(recording)
        return recording

    def record(
        self,
        population: Population,
        variables: str | Sequence[str],
        every: float | None = None,
        neurons: Any = None,
        path: str | Path | None = None,
        unit: str = "mV",
    ) -> StateRecording:
        """Record state variables from now on.

        Parameters
        ----------
        population : Population
        variables : str or sequence of str
        every : float, optional
            The interval in ms, a multiple of dt; `dt` by default.
        neurons : array_like of int, array_like of bool, int or slice, optional
            Which neurons: their numbers, a mask with a truth value for each, one number, or a
            slice. All by default.
        path : str or Path, optional
            Stream to this HDF5 file (SONATA layout, float32) rather than to memory. Its elements
            are the variables. It appears, or takes the place of one from before the program, when
            the recording is closed.
        unit : str
            Of the variables, to be noted in the file.

        Raises
        ------
        InputError
            If an argument cannot be used.
        FileError
            If the file cannot be written, or this program has written it or is recording to it.
        """
        self._check_own("population", population)
        names = [population.present_name(name) for name in check_names("variables", variables)]
        check_unknown(f"variable of {population.name!r}", names, population.state)
        if not 0 < len(set(names)) == len(names):
            raise InputError(
                f"variables is {show(variables)}; it has to name one or more, and none twice."
            )
        interval = 1 if every is None else check_steps("every", every, self.dt, at_least=1)
        which = check_neurons("neurons", neurons, population.n)
        if path is not None and not 0 < np.unique(which).size == which.size:
            raise InputError(
                f"neurons is {show(neurons)}; for a file it has to name one or "
                "more, and none twice."
            )
        recording = StateRecording(population, names, interval, which, self.dt, path, unit)
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
