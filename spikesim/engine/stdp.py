"""Spike-timing dependent plasticity of a projection: its constants and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from math import exp
from typing import Any, ClassVar, NamedTuple

import numpy as np

from spikesim.checks import check_number
from spikesim.engine.plasticity import Plasticity, check_bounds, check_one_delay
from spikesim.engine.population import Population
from spikesim.engine.synapses import Synapses
from spikesim.errors import InputError
from spikesim.kernels import short_term, stdp
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State
from spikesim.precision import SPIKE_INTERVAL, type_for

__all__ = ["PairPlasticity", "PairSTDP"]

LONGEST = 1e15
"""The longest time constant, in steps; its period can be counted in 64 bits."""

_FIXED = ("tau_plus", "tau_minus")

PERIOD = 8.0
"""The number of time constants for which a trace keeps its unit; see `spikesim.kernels.stdp`."""


class PairSTDP(NamedTuple):
    r"""Spike-timing dependent plasticity, additive, with every pair of spikes; times in ms.

    After Song, Miller & Abbott (2000, doi:10.1038/78829). A spike that arrives at the synapse a
    time d before the neuron fires strengthens it; one that arrives d after it weakens it. The
    changes of all pairs add up and take effect at once, and the weight stays between `w_min` and
    `w_max`.

    An arriving spike acts with the present weight and then changes it. Within a step, arrivals come
    first, and are paired with the neuron's spikes of earlier steps. The neuron's spikes are paired
    with arrivals up to this step; those of this step have d = 0. Short-term plasticity of the same
    projection changes the effect of a spike, but not what the synapse learns from it.

    Attributes
    ----------
    tau_plus, tau_minus : float
        Time constants of strengthening and weakening, in ms. Above 32 s, traces are float64.
    A_plus, A_minus : float
        How much a pair at d = 0 adds and subtracts, in the unit of the weight. The defaults are
        those of the article for weights in units of the strongest one: with a `w_max` of 0.015 they
        have to be 0.015 times as large. Negative numbers reverse the rule. The weight of an
        inhibitory synapse may be negative: adding to it makes the synapse weaker.
    w_max, w_min : float
        Bounds of the weight, which may not have opposite signs: 0 and 1, for example.

    Notes
    -----
    For a pair with the time d = t_post - t_arrival:

    .. math::

        \Delta w = \begin{cases}
            A_+ \exp(-d / \tau_+) & d \ge 0 \\
            -A_- \exp(d / \tau_-) & d < 0
        \end{cases}

    Examples
    --------
    >>> strongest = 0.015
    >>> plastic = PairSTDP(A_plus=0.005 * strongest, A_minus=0.00525 * strongest, w_max=strongest)
    >>> inhibition = PairSTDP(A_plus=-0.01, A_minus=-0.01, w_min=-2.0, w_max=0.0)
    """

    tau_plus: float = 20.0
    tau_minus: float = 20.0
    A_plus: float = 0.005
    A_minus: float = 0.00525
    w_max: float = 1.0
    w_min: float = 0.0


class PairPlasticity(Plasticity):
    """The state and Phases of synapses with `PairSTDP`.

    Parameters
    ----------
    rule : PairSTDP
    pre, post : Population
    synapses : Synapses
        From `pre` to `post`; each of them gets its own weight.
    port : str
        The variable of `post` that they act on.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **Plasticity._remedies,
        **dict.fromkeys(_FIXED, "connect with another PairSTDP"),
    }

    def __init__(
        self, rule: PairSTDP, pre: Population, post: Population, synapses: Synapses, port: str
    ):
        _check(rule, post, synapses)
        setting = pre.network
        super().__init__(rule, synapses, setting.dtype)
        self._pre, self._post, self._port = pre, post, port
        self._index = synapses.by_target() if synapses.W is None else {}
        interval = max(SPIKE_INTERVAL, setting.dt)
        slowest = max(rule.tau_plus, rule.tau_minus)
        self._exact = type_for(setting.dtype, slowest / interval)
        self._traces = {"x": np.zeros(pre.n, self._exact), "y": np.zeros(post.n, self._exact)}
        self._params: dict[str, Any] = {
            "A_plus": float(rule.A_plus),
            "A_minus": float(rule.A_minus),
            "w_min": float(rule.w_min),
            "w_max": float(rule.w_max),
            "delay": synapses.delay_steps,
            "learning": 1,
            "parts": SHARED,
        }
        for sign, tau in (("plus", rule.tau_plus), ("minus", rule.tau_minus)):
            rate = setting.dt / tau
            period = round(PERIOD / rate)
            unit = {"rate": rate, "period": period, "left": exp(-period * rate)}
            self._params.update({f"{name}_{sign}": value for name, value in unit.items()})

    def _more(self) -> Iterator[str]:
        yield from (name for name in PairSTDP._fields if name not in _FIXED)

    def _read(self, name: str) -> float:
        return float(getattr(self.rule, name)) if name in _FIXED else self._params[name]

    def _write(self, name: str, value: Any) -> None:
        if name in ("w_min", "w_max"):
            _check_signs(**{**self._bounds(), name: check_number(name, value)})
            self._set_bound(name, value)
        else:
            self._params[name] = check_number(name, value, dtype=self._dtype)

    def _bounds(self) -> dict[str, float]:
        return {name: self._params[name] for name in ("w_min", "w_max")}

    def built(self) -> dict[str, Any]:
        return {name: float(value) for name, value in self.rule._asdict().items()}

    def arrays(self) -> dict[str, np.ndarray]:
        return {f"trace_{name}": array for name, array in self._traces.items()}

    def after_delivery(self) -> list[Phase]:
        arrived = State(self._pre.listed, self._traces)
        renewal = self._phase(stdp.renew, stdp.renewed, dict(self._traces))
        weights = self._synapses.weights
        if self._synapses.W is not None:
            depression = self._phase(stdp.depress_dense, stdp.depressing, State(arrived, weights))
        else:
            rows = self._synapses.rows()
            out = self._post.landing(self._port)  # for its length, as in a delivery
            state = State(arrived, rows, weights, out=out)
            depression = self._phase(stdp.depress_sparse, stdp.depressing, state, tuple(rows))
        return [renewal, depression, self._phase(stdp.arrive, short_term.arrivals, arrived)]

    def after_emission(self) -> list[Phase]:
        state = State(self._post.listed, self._traces, self._index, self._synapses.weights)
        if self._synapses.W is not None:
            return [self._phase(stdp.potentiate_dense, stdp.fired, state)]
        return [self._phase(stdp.potentiate_sparse, stdp.fired, state, tuple(self._index))]

    def _phase(
        self,
        body: Callable,
        over: Callable,
        state: MutableMapping[str, np.ndarray],
        inputs: tuple[str, ...] = (),
    ) -> Phase:
        return Phase(body, over, state, self._params, inputs, dtype=self._exact)


def _check(rule: PairSTDP, post: Population, synapses: Synapses) -> None:
    """Refuse a rule that cannot work; give each synapse its own weight."""
    setting = post.network
    for name in ("tau_plus", "tau_minus"):
        check_number(
            name,
            getattr(rule, name),
            at_least=setting.dt,
            at_most=LONGEST * setting.dt,
            unit="ms, dt or longer",
        )
    for name in ("A_plus", "A_minus"):
        check_number(name, getattr(rule, name), dtype=setting.dtype)
    w_max = check_number("w_max", rule.w_max, dtype=setting.dtype)
    w_min = check_number("w_min", rule.w_min, below=w_max, dtype=setting.dtype)
    _check_signs(w_min, w_max)
    check_one_delay(synapses)
    if post.neuron.most_spikes == 0:
        raise InputError(f"plasticity needs spikes on both sides, and {post.name!r} never spikes.")
    weights = synapses.individual() if synapses.W is None else synapses.W
    check_bounds("weight", weights, w_min, w_max)


def _check_signs(w_min: float, w_max: float) -> None:
    if w_min < 0.0 < w_max:
        raise InputError(
            f"w_min is {w_min:g} and w_max is {w_max:g}; both have to be at least 0, or at most 0, "
            "for a synapse does not turn from inhibition to excitation."
        )
