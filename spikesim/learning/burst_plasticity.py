"""Burst-dependent plasticity of synapses onto a population; its kernel has the equations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikesim.attributes import Guarded
from spikesim.checks import check_array, check_choice, check_number, show
from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection
from spikesim.engine.synapses import varies
from spikesim.errors import InputError
from spikesim.kernels import burst_plasticity as rule
from spikesim.kernels.probes import spikes_now
from spikesim.precision import SPIKE_INTERVAL, type_for

__all__ = ["BurstPlasticity"]


class BurstPlasticity(Guarded):
    r"""Projections onto one population that learn from its events and bursts.

    See `spikesim.kernels.burst_plasticity` for the equations.

    Parameters
    ----------
    network : Network
    population : Population
        The postsynaptic population.
    events, bursts : Population
        Its events and its bursts, from `Network.add_events` and `add_bursts`, or from elsewhere.
    projections : sequence of Projection
        Sparse projections from the events of presynaptic populations onto `population`.
    eta : float or array_like of shape (population.n,)
        Learning rate: what a burst adds to a weight per unit of presynaptic trace. One value for
        all postsynaptic neurons, or one for each.
    tau_pre : float
        Time constant of the trace of presynaptic events, in ms.
    alpha : float
        Time constant of the averages of postsynaptic events and bursts, in ms.
    least, most : float
        Rates in Hz. Below the spike rate `least`, presynaptic events strengthen synapses; above the
        event rate `most`, postsynaptic events weaken them. 0 and infinity turn this off.
    tau_rate : float
        Time constant of the average spike rate that the rule compares with `least`, in ms.
    rate : float
        The value that this average starts from, in Hz.
    w_min, w_max : float
        Bounds of the weights.

    Attributes
    ----------
    eta : numpy.ndarray, shape (population.n,)
        Learning rates; you may set them between runs.
    is_on : bool
        Whether weights change; you may set it between runs. The averages are always updated.
    event_rate, burst_probability : numpy.ndarray, shape (population.n,)
        Each neuron's averages now; 0 before its first event.

    Notes
    -----
    The bursts B and events E of a postsynaptic neuron are pulses, whose averages decay with
    `alpha`; e is the trace of presynaptic events, which decays with `tau_pre`.

    .. math::

        \frac{dw}{dt} = \eta\, (B - P E)\, e, \qquad P = \min(\bar B / \bar E, 1)

    Above `most`, the bracket also has the term (most - rate) / rate in each event; below `least`,
    each presynaptic event adds eta (least - rate).

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=1.0, backend="python")
    >>> pre = net.add_spike_trains("pre", 1, [1.0], [0])
    >>> cell = net.add_population("cell", 1, LIF)
    >>> events = net.add_spike_trains("events", 1, [4.0], [0])
    >>> bursts = net.add_spike_trains("bursts", 1, [6.0], [0])
    >>> synapses = net.connect(pre, cell, target="drive", weight=0.5, one_to_one=True)
    >>> rule = BurstPlasticity(net, cell, events, bursts, [synapses], eta=0.1, least=0.0)
    >>> net.run(5.0)  # an event alone changes nothing before there are bursts
    >>> before = float(synapses.weight[0])
    >>> net.run(5.0)
    >>> before, bool(synapses.weight[0] > before)
    (0.5, True)
    """

    def __init__(
        self,
        network: Network,
        population: Population,
        events: Population,
        bursts: Population,
        projections: Sequence[Projection],
        *,
        eta: Any,
        tau_pre: float = 100.0,
        alpha: float = 2000.0,
        least: float = 2.0,
        most: float = 10.0,
        tau_rate: float = 30_000.0,
        rate: float = 0.1,
        w_min: float = 0.0,
        w_max: float = 1.0,
    ):
        if not isinstance(network, Network):
            raise InputError(f"network is {show(network)}; it has to be a Network.")
        if not isinstance(population, Population) or population.network is not network:
            raise InputError("population has to be a population of this network.")
        self._network = network
        self._learning = np.ones(1, np.int64)
        n, dt = population.n, network.dt
        for name, tau in (("tau_pre", tau_pre), ("alpha", alpha), ("tau_rate", tau_rate)):
            check_number(name, tau, at_least=dt, unit="ms, dt or longer")
        shape = (n,) if varies("eta", eta) else ()
        eta = check_array("eta", eta, shape=shape, at_least=0.0, dtype=network.dtype)
        w_min = check_number("w_min", w_min, dtype=network.dtype)
        w_max = check_number("w_max", w_max, above=w_min, dtype=network.dtype)
        check_number("rate", rate, at_least=0.0, unit="Hz", dtype=network.dtype)
        self._dtype = type_for(
            network.dtype, max(tau_pre, alpha, tau_rate) / max(SPIKE_INTERVAL, dt)
        )
        check_number("rate * tau_rate", rate * tau_rate, dtype=self._dtype)
        for name, bound in (("least", least), ("most", most)):
            if not (isinstance(bound, float) and bound == np.inf):
                check_number(name, bound, at_least=0.0, unit="Hz, or infinity")
        if not isinstance(projections, (list, tuple)) or not all(
            isinstance(projection, Projection) for projection in projections
        ):
            raise InputError(
                f"projections is {show(projections)}; it has to be a list of Projection."
            )
        self._alpha = alpha
        self._eta = np.full(n, eta, network.dtype)
        self._averages = {
            "events": np.zeros(n, self._dtype),
            "bursts": np.zeros(n, self._dtype),
            "last": np.zeros(n, np.int64),
            "spikes": np.full(n, rate * tau_rate / 1000.0, self._dtype),
            "spikes_last": np.full(n, network.step, np.int64),
        }
        params: dict[str, Any] = {
            "rate_pre": dt / tau_pre,
            "rate_average": dt / alpha,
            "rate_spikes": dt / tau_rate,
            "hz": 1000.0 / alpha,
            "hz_spikes": 1000.0 / tau_rate,
            "least": float(least),
            "most": float(most),
            "w_min": w_min,
            "w_max": w_max,
        }
        for name, source in (("events", events), ("bursts", bursts)):
            own = isinstance(source, Population) and source.network is network
            if not own or source.n != n:
                raise InputError(
                    f"{name} is {show(source)}; it has to be a population of {n} neurons, as "
                    f"{population.name!r} is: what Network.add_{name} returned."
                )
        for projection in projections:
            synapses = self._synapses(projection, population)
            lists = ((rule.presynaptic_event, projection.pre), (rule.depress, events))
            for body, source in (*lists, (rule.potentiate, bursts)):
                state = {**synapses, **source.spike_list()}
                network.add_phase(body, spikes_now, state=state, params=params, dtype=self._dtype)
        averaged = (rule.average_events, events), (rule.average_bursts, bursts)
        for body, source in (*averaged, (rule.average_spikes, population)):
            state = {**self._averages, **source.spike_list()}
            network.add_phase(body, spikes_now, state=state, params=params, dtype=self._dtype)

    def _synapses(self, projection: Projection, population: Population) -> dict[str, np.ndarray]:
        if projection.W is not None or projection.post is not population:
            raise InputError(
                f"{projection.name!r} cannot learn from the bursts of {population.name!r}; it has "
                "to be a sparse projection onto it: connect with a probability or a sparse array."
            )
        weight = projection.individual()
        projection.learns = True
        return {
            **self._averages,
            "learning": self._learning,
            "eta": self._eta,
            **projection.rows(),
            "weight": weight,
            **projection.by_target(),
            "trace": np.zeros(projection.pre.n, self._dtype),
            "trace_last": np.zeros(projection.pre.n, np.int64),
        }

    @property
    def eta(self) -> np.ndarray:
        """Learning rates, shape (population.n,); you may set them between runs."""
        return self._eta

    @eta.setter
    def eta(self, eta: Any) -> None:
        own = self._eta
        shape = own.shape if varies("eta", eta) else ()
        own[...] = check_array("eta", eta, shape=shape, at_least=0.0, dtype=own.dtype)

    @property
    def is_on(self) -> bool:
        """Whether weights change; you may set it between runs. The averages are always updated."""
        return bool(self._learning[0])

    @is_on.setter
    def is_on(self, on: bool) -> None:
        self._learning[0] = check_choice("is_on", on, [True, False])

    def __reduce__(self) -> Any:
        raise InputError(
            "This BurstPlasticity belongs to its network and cannot be copied without it: save the "
            "network, and restore it into one that is built alike."
        )

    def assume(self, event_rate: float, burst_probability: float) -> None:
        """Set the averages of all neurons.

        Parameters
        ----------
        event_rate : float
            In Hz.
        burst_probability : float
            Bursts per event.
        """
        events = check_number("event_rate", event_rate, at_least=0.0) * self._alpha / 1000.0
        check_number("event_rate * alpha", events, dtype=self._dtype)
        check_number("burst_probability", burst_probability, at_least=0.0, at_most=1.0)
        self._averages["events"][:] = events
        self._averages["bursts"][:] = burst_probability * events
        self._averages["last"][:] = self._network.step

    @property
    def event_rate(self) -> np.ndarray:
        """Each neuron's average rate of events now, in Hz."""
        elapsed = (self._network.step - 1 - self._averages["last"]) * self._network.dt
        events = self._averages["events"].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # a file may hold wrong times
            return events * np.exp(-elapsed / self._alpha) * 1000.0 / self._alpha

    @property
    def burst_probability(self) -> np.ndarray:
        """Each neuron's average of bursts per event now; 0 before its first event."""
        events, bursts = self._averages["events"], self._averages["bursts"]
        ratio = np.divide(bursts, events, out=np.zeros_like(events), where=events > 0)
        return np.minimum(ratio, 1.0)
