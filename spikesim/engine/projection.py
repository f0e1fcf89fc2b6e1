"""Synapses from one population to another: their targets, and how spikes arrive at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spikesim.attributes import Missing, read_only
from spikesim.checks import check_choice, check_neurons, check_number, show
from spikesim.engine.finite import is_finite
from spikesim.engine.plasticity import NoPlasticity, Plasticity
from spikesim.engine.population import Population
from spikesim.engine.rules import PlasticityRule, RulePlasticity
from spikesim.engine.signs import check_sign
from spikesim.engine.stdp import PairPlasticity, PairSTDP
from spikesim.engine.subgroups import Subgroup
from spikesim.engine.summary import projection_summary
from spikesim.engine.synapse_data import SomeSynapses, delays, matrix, table
from spikesim.engine.synapses import Synapses
from spikesim.engine.synaptic import SynapticInput
from spikesim.errors import InputError
from spikesim.kernels import short_term, spikes
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State
from spikesim.precision import SPIKE_INTERVAL, type_for

__all__ = ["Projection", "ShortTermPlasticity"]


class ShortTermPlasticity(NamedTuple):
    r"""Depression and facilitation (Tsodyks & Markram, extended); times in ms.

    Each presynaptic neuron has an x and a u, which start at 1 and `U`. Its spike acts with the
    weight times u x, and then changes both, as Notes says.

    Attributes
    ----------
    U : float
        The fraction of the resources that the first spike uses.
    tau_D, tau_F : float
        Time constants of the recovery from depression and of facilitation, in ms. Above 32 s, x
        and u are float64.
    f : float
        How much closer to 1 each spike brings u.

    Notes
    -----
    .. math::

        \frac{dx}{dt} = \frac{1 - x}{\tau_D}, \qquad \frac{du}{dt} = \frac{U - u}{\tau_F}

        \text{at a spike: } x \leftarrow x - u\, x, \qquad u \leftarrow u + f\, (1 - u)

    A spike takes its resources with the u that it finds. Between spikes, both equations are solved
    exactly.

    Examples
    --------
    >>> depressing = ShortTermPlasticity(U=0.9, tau_D=20.0, tau_F=1000.0)
    >>> facilitating = ShortTermPlasticity(U=0.02, tau_D=100.0, tau_F=100.0)
    """

    U: float = 0.5
    tau_D: float = 200.0
    tau_F: float = 20.0
    f: float = 0.1


class Projection(Synapses):
    """Synapses from one population onto a variable of another; made by `Network.connect`.

    Attributes
    ----------
    W : numpy.ndarray, shape (pre.n, post.n)
        The weights of a dense projection, which you can read and set between runs.
    start, target : numpy.ndarray
        The synapses, in one row for each presynaptic neuron: neuron i connects to
        ``target[start[i]:start[i + 1]]``, in ascending order. For reading only, like `later`. A
        dense projection has all pairs, in the order of ``W.reshape(-1)``.
    weight : numpy.ndarray, shape (synapses,) or (1,)
        The weights in this order, or the one weight that all synapses of a sparse projection share.
        You can read and set them between runs: ``synapses.weight = 2.0``, or one for each, even if
        they shared one before. ``synapses.weight[3] = 2.0`` needs weights of their own.
    delay : float or numpy.ndarray, shape (synapses,)
        The delay in ms: of all synapses, or of each if they differ.
    delay_steps, later : int, and numpy.ndarray of shape (synapses,) or None
        The same for a Phase of your own: the shortest delay in steps, and how many steps each
        synapse adds to it, if they differ.
    x, u : numpy.ndarray, shape (pre.n,)
        With short-term plasticity, the resources of each neuron and their use, as its last spike
        left them.
    plasticity, rule : Plasticity
        How spikes change the weights: ``plasticity.off()``, ``plasticity.A_plus = 0.0``. Both names
        stand for the same object, which is false if they change nothing.
    learning : bool
        Whether spikes change the weights; may be set between runs. Traces of spikes always go on.
    short_term : ShortTermPlasticity or None
        How spikes use up the resources of the synapses.
    synapse : SynapticInput or None
        The synapse model that spikes act on; None if they act on the target itself.
    learns : bool
        Whether a plasticity rule changes the weights: a run then stops if one becomes NaN. You may
        set it for a rule of your own.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=0.1, backend="python")
    >>> cells = net.add_population("cells", 3, LIF)
    >>> synapses = net.connect(cells, cells, target="drive", weight=0.5, one_to_one=True, delay=1.0)
    >>> synapses.weight = [1.0, 2.0, 3.0]
    >>> synapses.of(2).weight.tolist(), synapses.delay
    ([3.0], 1.0)
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("start", "target", "later", "delay", "delay_steps"),
            "compiled code relies on it; connect takes a sparse array of weights, and delays",
        ),
        **dict.fromkeys(("pre", "post", "port", "name"), "connect makes another projection"),
        **dict.fromkeys(("short_term", "plasticity", "rule", "synapse"), "give it to connect"),
        **dict.fromkeys(("x", "u"), "write into it, as in projection.x[:] = 1.0"),
    }

    def __init__(
        self,
        name: str,
        pre: Population,
        post: Population,
        port: str,
        groups: tuple[Subgroup, Subgroup] | None = None,
    ):
        within = None if groups is None else (groups[0].ids, groups[1].ids)
        super().__init__(pre.network, name, (pre.n, post.n), pre is post, within)
        self._ends = (pre.name, post.name) if groups is None else (groups[0].name, groups[1].name)
        self.pre = pre
        self.post = post
        self.port = port
        self._short_term: ShortTermPlasticity | None = None
        self._release: dict[str, np.ndarray] = {}
        self._scratch = np.zeros(0)
        self._plasticity: Plasticity | None = None
        self._learns = False
        self._synapse: SynapticInput | None = None

    def __repr__(self) -> str:
        kind = "dense" if self.W is not None else f"{self.size} synapses"
        pre, post = self._ends
        return f"<Projection {self.name!r}: {pre} → {post}.{self.port}, {kind}>"

    def _repr_html_(self) -> str:
        return projection_summary(self)._repr_html_()

    def bounded(self, name: str, values: np.ndarray) -> np.ndarray:
        """Values that may be set, after a look at their signs and bounds."""
        self.check_sign(values)
        if self._plasticity is not None:
            self._plasticity.check_weights(name, values)
        return values

    def check_sign(self, weights: np.ndarray) -> None:
        """Warn of weights that have another sign than the target declares."""
        if self._synapse is None:
            check_sign(self.post, self.port, repr(self.name), weights)

    def _place(self) -> tuple[Any, str, str]:
        return self.post.network, "projections", self.name

    def built(self) -> dict[str, Any]:
        """What it was built with, by name; a saved state has to come from the same."""
        sparse = {} if self.W is not None else {"checksum of synapses": self._sum()}
        rules = {"short_term": self._short_term, "plasticity": self._plasticity}
        given = {name: "none" if rule is None else "given" for name, rule in rules.items()}
        numbers = {} if self._short_term is None else self._short_term._asdict()
        numbers = {name: float(value) for name, value in numbers.items()}
        if self._plasticity is not None:
            numbers.update(self._plasticity.built())
        if self._synapse is not None:
            numbers.update(self._synapse.built())
        ends = {"pre": self.pre.name, "post": self.post.name, "target": self.port}
        count = {"number of synapses": self.of_all, "delay in steps": self.delay_steps}
        return {**ends, **count, **sparse, **given, **numbers}

    @property
    def x(self) -> np.ndarray:
        """The resources of each neuron, as its last spike left them; needs `short_term`."""
        return self._released("x")

    @property
    def u(self) -> np.ndarray:
        """The use of resources by each neuron, as its last spike left it; needs `short_term`."""
        return self._released("u")

    def _released(self, name: str) -> np.ndarray:
        if name not in self._release:
            raise Missing(
                f"{self.name!r} has no {name}, as it was connected without short_term plasticity."
            )
        return self._release[name]

    # ------------------------------------------------------------------------------- as data

    @property
    def network(self) -> Any:
        """The network of its populations."""
        return self.pre.network

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The values of each synapse, by name: its weight, and variables of a plasticity rule."""
        weight = next(iter(self._weights.values()))
        return {"weight": weight, **({} if self._plasticity is None else self._plasticity.each())}

    def holder(self, name: str) -> tuple[dict[str, np.ndarray], str]:
        """The dict that holds what `state` names, and its name there."""
        if name == "weight":
            return self._weights, next(iter(self._weights))
        return ({} if self._plasticity is None else self._plasticity.each()), name

    @property
    def delay(self) -> float | np.ndarray:
        """The delay in ms: of all synapses, or of each if they differ."""
        if self._later is None:
            return float(self.delay_steps * self.network.dt)
        return read_only(delays(self, slice(None)))

    def table(self) -> np.ndarray:
        """All synapses, one per row, ordered by presynaptic neuron and then by target.

        Returns
        -------
        numpy.ndarray, shape (synapses,)
            A copy with the fields ``pre`` and ``post`` (neurons), ``weight``, ``delay`` in ms, and
            the variables of a plasticity rule. ``pandas.DataFrame(table)`` accepts it.

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(dt=0.5, backend="python")
        >>> cells = net.add_population("cells", 3, LIF)
        >>> table = net.connect(cells, cells, target="drive", weight=2.0, one_to_one=True).table()
        >>> table["post"].tolist(), table["delay"].tolist()
        ([0, 1, 2], [0.5, 0.5, 0.5])
        """
        return table(self)

    def to_scipy(self) -> Any:
        """The weights, as a scipy sparse array of shape (pre.n, post.n); a copy.

        Synapses of the same two neurons add up. A synapse with a weight of 0 has an entry, a 0.

        Returns
        -------
        scipy.sparse.csr_array

        Examples
        --------
        >>> from spikesim import LIF, Network
        >>> net = Network(backend="python")
        >>> cells = net.add_population("cells", 3, LIF)
        >>> synapses = net.connect(cells, cells, target="drive", weight=2.0, one_to_one=True)
        >>> synapses.to_scipy().toarray().diagonal().tolist()
        [2.0, 2.0, 2.0]
        """
        return matrix(self)

    def of(self, neurons: Any) -> SomeSynapses:
        """The synapses that presynaptic neurons make: ``synapses.of(7).weight``.

        Parameters
        ----------
        neurons : int, array_like of int, array_like of bool or slice
            Presynaptic neurons, as in `Network.record`.
        """
        chosen = check_neurons("neurons", neurons, self.shape[0])
        if self.W is not None:
            columns = self.shape[1]
            return SomeSynapses(self, (chosen[:, None] * columns + np.arange(columns)).reshape(-1))
        return SomeSynapses(self, _joined(self._start, chosen))

    def onto(self, neurons: Any) -> SomeSynapses:
        """The synapses onto postsynaptic neurons: ``synapses.onto(3).pre``.

        Parameters
        ----------
        neurons : int, array_like of int, array_like of bool or slice
            Postsynaptic neurons, as in `Network.record`.
        """
        chosen = check_neurons("neurons", neurons, self.shape[1])
        if self.W is not None:
            rows, columns = self.shape
            return SomeSynapses(self, (np.arange(rows) * columns + chosen[:, None]).reshape(-1))
        index = self.by_target()
        places = index["place"][_joined(index["start_post"], chosen)]
        return SomeSynapses(self, places.astype(np.int64))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that a run may change, by name."""
        traces = {} if self._plasticity is None else self._plasticity.arrays()
        inputs = {} if self._synapse is None else self._synapse.arrays()
        return {**self._weights, **self._release, **traces, **inputs}

    def of_each_synapse(self) -> dict[str, np.ndarray]:
        """Those of them that have a value for each synapse."""
        weights = self._weights if self.W is not None or self._has_each else {}
        if self._plasticity is None:
            return dict(weights)
        return {**weights, **{f"variable_{name}": x for name, x in self._plasticity.each().items()}}

    def delivery(self) -> Phase:
        """The Phase that adds the weights of the spikes arriving now."""
        state = State(self.pre.listed, out=self._landing())
        if self.short_term is not None:
            state["efficacy"] = self._efficacy()
        bodies = spikes if self.short_term is None else short_term
        if self.W is not None:
            state = State(state, self.weights)
            params = {"delay": self.delay_steps, "parts": SHARED}
            return self._delivery(bodies.deliver_dense, spikes.columns, state, params)
        state, params = State(state, self.rows(), self.weights), self._delivering
        if self._later is None:
            return self._delivery(bodies.deliver_sparse, spikes.arriving, state, params)
        if self._synapse is None:
            state["out"] = self.post.rings[self.port]
        state["later"] = self._later
        return self._delivery(bodies.deliver_delayed, spikes.arriving, state, params)

    def _delivery(
        self, body: Callable, over: Callable, state: State, params: dict[str, Any]
    ) -> Phase:
        return Phase(body, over, state, params, neurons=self.post, earlier=self._earlier)

    @property
    def _earlier(self) -> tuple[str, ...]:
        """What is read of earlier steps only: the lists of spikes, if there is a delay."""
        return ("ids", "count") if self.delay_steps > 0 else ()

    def _landing(self) -> np.ndarray:
        return self.post.landing(self.port) if self._synapse is None else self._synapse.landing()

    def look_ahead(self) -> None:
        """Make room for arriving spikes that are under way for longer."""
        if self._later is None:
            return
        steps = self.latest
        if self._synapse is None:
            self.post.look_ahead(self.port, steps)
        else:
            self._synapse.look_ahead(steps)

    def use(self) -> list[Phase]:
        """The Phase, if any, that finds the efficacies of the spikes arriving now."""
        if self.short_term is None:
            return []
        state = State(self.pre.listed, self._release, efficacy=self._efficacy())
        params = {"delay": self.delay_steps, **self._recovery(self.short_term)}
        dtype = self._release["x"].dtype.name
        arrivals, earlier = short_term.arrivals, self._earlier
        return [Phase(short_term.use, arrivals, state, params, dtype=dtype, earlier=earlier)]

    @property
    def short_term(self) -> ShortTermPlasticity | None:
        """How spikes use up the resources of the synapses, if they do."""
        return self._short_term

    @property
    def learns(self) -> bool:
        """Whether a plasticity rule changes the weights; may be set for a rule of your own."""
        return self._learns

    @learns.setter
    def learns(self, learns: bool) -> None:
        self._learns = check_choice("learns", learns, [True, False])

    @property
    def plasticity(self) -> Plasticity | NoPlasticity:
        """How spikes change the weights; false if they change nothing."""
        return NoPlasticity(self.name) if self._plasticity is None else self._plasticity

    @property
    def rule(self) -> Plasticity | NoPlasticity:
        """The same as `plasticity`."""
        return self.plasticity

    @property
    def learning(self) -> bool:
        """Whether spikes change the weights at present; may be set between runs."""
        return self._plasticity is not None and self._plasticity.learning

    @learning.setter
    def learning(self, on: bool) -> None:
        check_choice("learning", on, [True, False])
        if self._plasticity is None:
            raise InputError(
                f"learning cannot be set: {self.name!r} was connected without plasticity."
            )
        self._plasticity.learning = on

    def learn_by(self, rule: PairSTDP | PlasticityRule) -> None:
        """Give the synapses plasticity."""
        ends = self.pre, self.post, self, self.port
        if isinstance(rule, PairSTDP):
            self._plasticity = PairPlasticity(rule, *ends)
        elif isinstance(rule, PlasticityRule):
            self._plasticity = RulePlasticity(rule, *ends)
        else:
            raise InputError(
                f"plasticity is {show(rule)}; it has to be a PairSTDP, a PlasticityRule or None."
            )
        self._learns = True

    @property
    def synapse(self) -> SynapticInput | None:
        """The synapse model that spikes act on, if they do not act on the target itself."""
        return self._synapse

    def act_through(self, synapse: SynapticInput) -> None:
        """Let spikes act on a synapse model, which adds its current to the target."""
        self._synapse = synapse
        self.post.inject(self.port, synapse)

    def after_delivery(self) -> list[Phase]:
        """The Phases, if any, that deliver late spikes, and let spikes change the weights."""
        landings = [] if self._synapse is None else self._synapse.landings()
        return landings + ([] if self._plasticity is None else self._plasticity.after_delivery())

    def after_emission(self) -> list[Phase]:
        """The Phases, if any, that let new spikes of `post` change the weights."""
        return [] if self._plasticity is None else self._plasticity.after_emission()

    def _efficacy(self) -> np.ndarray:
        """Room for one efficacy per entry of the list of spikes."""
        entries = self.pre.spike_list()["ids"].shape[1]
        if self._scratch.size != entries:
            self._scratch = np.zeros(entries, self.pre.network.dtype)
        return self._scratch

    def change_in_use(self, short_term: ShortTermPlasticity, dtype: str) -> None:
        """Give the synapses short-term plasticity."""
        if not isinstance(short_term, ShortTermPlasticity):
            raise InputError(
                f"short_term is {show(short_term)}; it has to be a ShortTermPlasticity or None."
            )
        for name in ("U", "f"):
            check_number(name, getattr(short_term, name), at_least=0.0, at_most=1.0)
        for name in ("tau_D", "tau_F"):
            check_number(name, getattr(short_term, name), above=0.0, unit="ms")
        self._short_term = short_term
        n, interval = self.pre.n, max(SPIKE_INTERVAL, self.pre.network.dt)
        dtype = type_for(dtype, short_term.tau_D / interval, short_term.tau_F / interval)
        self._release = {
            "x": np.ones(n, dtype),
            "u": np.full(n, short_term.U, dtype),
            "last": np.zeros(n, np.int64),
        }

    def _recovery(self, short_term: ShortTermPlasticity) -> dict[str, float]:
        dt = self.pre.network.dt
        return {
            "U": float(short_term.U),
            "f": float(short_term.f),
            # exp(-1e6) is 0 in any case, and dt / tau itself may be infinite.
            "dt_by_tau_D": min(dt / float(short_term.tau_D), 1e6),
            "dt_by_tau_F": min(dt / float(short_term.tau_F), 1e6),
        }

    def not_finite(self) -> str | None:
        """Name a learning weight, or another array of a run, that is NaN or infinite, if any."""
        if not (self._learns or self._release or self._plasticity or self._synapse):
            return None
        watched = dict(self._release)
        for part in (self._plasticity, self._synapse):
            watched.update({} if part is None else part.arrays())
        if self.learns:
            watched["a weight"] = self.state["weight"]
        for name, array in watched.items():
            if not is_finite(array):
                return name
        return None


def _joined(start: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The numbers ``start[i]:start[i + 1]`` of several rows i, one after the other."""
    counts = start[rows + 1] - start[rows]
    skipped = start[rows] - np.concatenate([[0], np.cumsum(counts)[:-1]])
    return (np.arange(counts.sum()) + np.repeat(skipped, counts)).astype(np.int64)
