"""Plasticity rules that a user writes: their parts, and the state of synapses with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, inf
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import public_names
from spikesim.checks import check_array, check_number, check_steps, nearest, show
from spikesim.engine.plasticity import Plasticity, check_bounds, check_one_delay
from spikesim.engine.population import Population
from spikesim.engine.synapse_data import SomeSynapses, SynapseRecording
from spikesim.engine.synapses import Synapses, varies
from spikesim.errors import InputError
from spikesim.kernels import rules, short_term
from spikesim.kernels.machine.program import SHARED, Phase
from spikesim.kernels.machine.states import State
from spikesim.precision import SPIKE_INTERVAL, type_for
from spikesim.signatures import arguments_of, check_names_and_numbers, check_result

__all__ = ["PlasticityRule", "RulePlasticity"]

_LONGEST = 1e15  # steps; the period of a trace can be counted in 64 bits
_PERIOD = 8.0  # time constants in which a trace keeps its unit
_ROLES = ("on_pre", "on_post", "on_step")
_SIDES = ("pre", "post")
_TAKEN = {"w": "the weight", "dt": "the step", "every": "the interval"}
_OF_SYNAPSES = dict.fromkeys(public_names(SynapseRecording), "an attribute of recordings")
_OF_SYNAPSES |= dict.fromkeys(public_names(SomeSynapses), "what every synapse has")


@dataclass(frozen=True, kw_only=True)
class PlasticityRule:
    """How spikes change the weights of a projection, in plain functions of numbers.

    Each function gets its arguments by their names,

    - ``w``, the weight, and variables of the synapse, by their names,
    - traces of the two neurons, by their names: each spike adds 1, and they decay exactly,
    - `parameters` by their names, ``dt``, and ``every`` in ms,
    - variables of the neurons: ``v_post`` is the ``v`` of the postsynaptic neuron, ``v_pre`` that
      of the presynaptic one,

    and returns the new weight. A rule with variables returns the weight and all of them, in their
    order: ``return w, E``. The functions are compiled like the steps of a `Neuron` and have to
    follow the same rules.

    A presynaptic spike counts when it arrives at the synapse, after the delay. It acts with the
    present weight; then `on_pre` is called, and then the spike is added to the traces of its
    neuron. When the postsynaptic neuron fires, `on_post` is called, and then its traces grow.
    Within a step, arrivals come first, then spikes of the step, then `on_step`.

    Parameters
    ----------
    on_pre : callable, optional
        Called for a synapse at which a spike arrives.
    on_post : callable, optional
        Called for all synapses of a neuron that fires.
    on_step : callable, optional
        Called for all synapses, at the end of every interval of `every` ms.
    every : float, optional
        In ms, a multiple of dt; by default, dt.
    variables : dict of str to float
        The variables of each synapse besides its weight, and their start values.
    traces : dict of str to float
        Names that begin with 'pre' or 'post', and time constants in ms: ``{"pre": 20.0,
        "post_slow": 125.0}`` is a trace of each presynaptic neuron and one of each postsynaptic
        neuron. If one is above 32 s, traces and variables are float64.
    parameters : dict of str to float
        Numbers that you may set between runs, ``synapses.rule.reward = 0.3``, or by a Phase; see
        `RulePlasticity.array`.
    w_min, w_max : float, optional
        Bounds of the weight. By default, there are none.

    Raises
    ------
    InputError
        If a name is used twice, or an argument has a name that stands for nothing.

    Examples
    --------
    Spike-timing dependent plasticity, with all pairs of spikes:

    >>> from spikesim import LIF, Network, PlasticityRule
    >>> def depress(w, post, A_minus):
    ...     return w - A_minus * post
    >>> def potentiate(w, pre, A_plus):
    ...     return w + A_plus * pre
    >>> rule = PlasticityRule(
    ...     on_pre=depress, on_post=potentiate,
    ...     traces={"pre": 20.0, "post": 20.0}, parameters={"A_plus": 0.01, "A_minus": 0.011},
    ...     w_min=0.0, w_max=1.0,
    ... )
    >>> net = Network(backend="python")
    >>> cells = net.add_population("cells", 4, LIF)
    >>> synapses = net.connect(cells, cells, target="drive", weight=0.5, plasticity=rule)
    >>> synapses.rule.A_plus = 0.02
    """

    on_pre: Callable | None = None
    on_post: Callable | None = None
    on_step: Callable | None = None
    every: float | None = None
    variables: Mapping[str, float] = field(default_factory=dict)
    traces: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    w_min: float | None = None
    w_max: float | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that no projection can use."""
        taken = {**_TAKEN, **dict.fromkeys(public_names(Plasticity), "an attribute of plasticity")}
        taken.update({"w_min": "a bound", "w_max": "a bound", "array": "a method of plasticity"})
        check_names_and_numbers("variables", self.variables, _OF_SYNAPSES | taken)
        taken.update(dict.fromkeys(self.variables, "one of the variables"))
        for role in ("traces", "parameters"):
            check_names_and_numbers(role, getattr(self, role), taken)
        for name, tau in self.traces.items():
            if not name.startswith(_SIDES):
                raise InputError(
                    f"traces has {name!r}; a trace is one of presynaptic or of postsynaptic "
                    "neurons, and its name begins with 'pre' or 'post'."
                )
            check_number(f"traces[{name!r}]", tau, above=0.0, unit="ms")
        if all(getattr(self, role) is None for role in _ROLES):
            raise InputError("on_pre, on_post and on_step are all None; a rule needs one of them.")
        names = ["w", *self.variables, *self.traces, *self.parameters, "dt", "every"]
        for role in _ROLES:
            function = getattr(self, role)
            if function is None:
                continue
            for name in arguments_of(role, function):
                if name not in names and not name.endswith(("_pre", "_post")):
                    raise InputError(
                        f"{role} asks for {name!r}; there is {', '.join(names)}, and variables of "
                        f"the neurons as NAME_pre and NAME_post.{nearest(name, names)}"
                    )
        if self.every is not None:
            check_number("every", self.every, above=0.0, unit="ms")
            if self.on_step is None:
                raise InputError("every is given without on_step, which it is for.")
        for name in ("w_min", "w_max"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        if self._bound("w_min") >= self._bound("w_max"):
            raise InputError(f"w_min is {self.w_min}; it has to be below w_max = {self.w_max}.")

    def _bound(self, name: str) -> float:
        value = getattr(self, name)
        return (-inf if name == "w_min" else inf) if value is None else float(value)

    def numbers(self) -> dict[str, float]:
        """The numbers of the rule, by name."""
        each = {"every": self.every, "w_min": self.w_min, "w_max": self.w_max}
        given = {name: float(value) for name, value in each.items() if value is not None}
        given.update({f"time constant of {name}": float(x) for name, x in self.traces.items()})
        given.update({f"start of {name}": float(x) for name, x in self.variables.items()})
        given.update({name: float(x) for name, x in self.parameters.items()})
        return given


class RulePlasticity(Plasticity):
    """The state and Phases of synapses with a `PlasticityRule`, as `Projection.plasticity`.

    Parameters of the rule are numbers that you may set. Variables are arrays with the shape of the
    weights: ``synapses.rule.E``. Traces can be read: ``synapses.rule.pre`` has the present values
    of that trace for the presynaptic neurons.

    Parameters
    ----------
    rule : PlasticityRule
    pre, post : Population
    synapses : Synapses
        From `pre` to `post`; each of them gets its own weight.
    port : str
        The variable of `post` that they act on.
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        **Plasticity._remedies,
        "every": "connect with another rule",
    }

    def __init__(
        self, rule: PlasticityRule, pre: Population, post: Population, synapses: Synapses, port: str
    ):
        setting = pre.network
        super().__init__(rule, synapses, setting.dtype)
        self._ends = dict(zip(_SIDES, (pre, post), strict=True))
        self._every = 1
        if rule.every is not None:
            self._every = check_steps("every", rule.every, setting.dt, at_least=1)
        self._check(rule, synapses)
        self._index = synapses.by_target() if synapses.W is None else {}
        self._exact = self._type()
        size = synapses.weight.shape if synapses.W is None else synapses.W.shape
        self._variables: dict[str, np.ndarray] = {
            name: np.full(size, start, self._exact) for name, start in rule.variables.items()
        }
        self._traces = {name: np.zeros(self._of(name).n, self._exact) for name in rule.traces}
        self._parameters = {
            name: np.full(1, value, self._exact) for name, value in rule.parameters.items()
        }
        self._params.update(
            w_min=rule._bound("w_min"),
            w_max=rule._bound("w_max"),
            delay=synapses.delay_steps,
            every=self._every,
            dt=float(setting.dt),
            interval=self._every * setting.dt,
            sources=pre.n,
            targets=post.n,
            parts=SHARED,
        )
        self._units: dict[str, dict[str, Any]] = {}
        for name, tau in rule.traces.items():
            rate = setting.dt / tau
            period = round(_PERIOD / rate)
            unit = {"rate": rate, "period": period, "left": exp(-period * rate)}
            self._units[name] = unit
            self._params.update({f"{key}_{name}": value for key, value in unit.items()})

    def _check(self, rule: PlasticityRule, synapses: Synapses) -> None:
        """Refuse a rule that cannot work; give each synapse its own weight."""
        post, dtype, dt = self._ends["post"], self._dtype, self._ends["pre"].network.dt
        for name, tau in rule.traces.items():
            check_number(
                f"traces[{name!r}]", tau, at_least=dt, at_most=_LONGEST * dt, unit="ms, from dt on"
            )
        for kind in ("variables", "parameters"):
            for name, value in getattr(rule, kind).items():
                check_number(f"{kind}[{name!r}]", value, dtype=dtype)
        for name in ("w_min", "w_max"):
            if getattr(rule, name) is not None:
                check_number(name, getattr(rule, name), dtype=dtype)
        check_one_delay(synapses)
        needs_post = rule.on_post is not None or any(name[:4] == "post" for name in rule.traces)
        if needs_post and post.neuron.most_spikes == 0:
            raise InputError(
                f"plasticity needs spikes on both sides, and {post.name!r} never spikes."
            )
        for role in _ROLES:
            if getattr(rule, role) is not None:
                for name in arguments_of(role, getattr(rule, role)):
                    self._check_neurons(rule, role, name)
        weights = synapses.individual() if synapses.W is None else synapses.W
        check_bounds("weight", weights, rule._bound("w_min"), rule._bound("w_max"))

    def _check_neurons(self, rule: PlasticityRule, role: str, name: str) -> None:
        if name in ("w", "dt", "every", *rule.variables, *rule.traces, *rule.parameters):
            return
        variable, _, side = name.rpartition("_")
        population = self._ends[side]
        known = [each for each in population.state if each not in ("spike", "uniform")]
        if variable not in known:
            raise InputError(
                f"{role} asks for {name!r}, but {population.name!r} has no variable {variable!r}; "
                f"there is {', '.join(known) or 'none'}.{nearest(variable, known)}"
            )

    def _of(self, trace: str) -> Population:
        """The population to which a trace belongs."""
        return self._ends["post" if trace.startswith("post") else "pre"]

    def _type(self) -> str:
        """The type of traces, variables and parameters: fine enough for all time constants."""
        dt = self._ends["pre"].network.dt
        slowest = max(self.rule.traces.values(), default=0.0) / max(SPIKE_INTERVAL, dt)
        slow = [value for name, value in self.rule.parameters.items() if name.startswith("tau")]
        return type_for(self._dtype, slowest, max(slow, default=0.0) / (self._every * dt))

    # ------------------------------------------------------------------------------ constants

    def _more(self) -> Iterator[str]:
        yield from (*self.rule.parameters, *self.rule.variables, "w_min", "w_max")

    def _read(self, name: str) -> Any:
        if name in self._parameters:
            return float(self._parameters[name][0])
        if name in self._variables:
            return self._variables[name]
        if name in self._traces:
            return self._now(name)
        return self._every * self._params["dt"] if name == "every" else self._params[name]

    def _write(self, name: str, value: Any) -> None:
        if name in self._parameters:
            self._parameters[name][0] = check_number(name, value, dtype=self._exact)
        elif name in self._variables:
            own = self._variables[name]
            shape = own.shape if varies(name, value) else ()
            own[...] = check_array(name, value, shape=shape, dtype=own.dtype)
        else:
            self._set_bound(name, value)

    def _now(self, name: str) -> np.ndarray:
        """The value of a trace at the beginning of the next step."""
        unit, step = self._units[name], self._ends["pre"].network.step
        elapsed = (step - 1) % unit["period"] + 1 if step else 0  # units end when the step begins
        return self._traces[name] * self._traces[name].dtype.type(exp(-elapsed * unit["rate"]))

    def array(self, name: str) -> np.ndarray:
        """The array of one number that holds a parameter, for a Phase that sets it.

        Parameters
        ----------
        name : str

        Returns
        -------
        numpy.ndarray, shape (1,)

        Examples
        --------
        >>> from spikesim import LIF, Network, PlasticityRule
        >>> def learn(w, gain):
        ...     return w * gain
        >>> def pay(i, t, s, p):
        ...     s.gain[0] = 2.0 if t == 3 else 1.0
        >>> net = Network(dt=1.0, backend="python")
        >>> cells = net.add_population("cells", 2, LIF)
        >>> rule = PlasticityRule(on_step=learn, parameters={"gain": 1.0})
        >>> synapses = net.connect(cells, cells, target="drive", weight=0.5, plasticity=rule)
        >>> phase = net.add_phase(pay, 1, state={"gain": synapses.rule.array("gain")}, first=True)
        >>> net.run(10.0)
        >>> float(synapses.W[0, 0])
        1.0
        """
        if not isinstance(name, str) or name not in self._parameters:
            there = list(self._parameters)
            raise InputError(
                f"name is {show(name)}; it has to be a parameter of the rule: "
                f"{', '.join(there) or 'it has none'}.{nearest(name, there)}"
            )
        return self._parameters[name]

    # ---------------------------------------------------------------------------- for a network

    def built(self) -> dict[str, Any]:
        return self.rule.numbers()

    def arrays(self) -> dict[str, np.ndarray]:
        kinds = {
            "trace": self._traces,
            "variable": self._variables,
            "parameter": self._parameters,
        }
        return {f"{kind}_{name}": a for kind, held in kinds.items() for name, a in held.items()}

    def each(self) -> dict[str, np.ndarray]:
        return self._variables

    def after_delivery(self) -> list[Phase]:
        ordered = []
        for name, trace in self._traces.items():
            state = {"trace": trace}
            ordered.append(self._phase(rules.renew, rules.renewed, state, self._units[name]))
        loop = rules.over_arrivals_dense if self._is_dense else rules.over_arrivals_sparse
        arrived = self._ends["pre"].listed
        ordered += self._calling("on_pre", loop, rules.arriving, arrived, self._rows())
        return ordered + self._counting("pre", self._params["delay"])

    def after_emission(self) -> list[Phase]:
        loop = rules.over_spikes_dense if self._is_dense else rules.over_spikes_sparse
        fired = self._ends["post"].listed
        ordered = self._calling("on_post", loop, rules.firing, fired, self._index)
        ordered += self._counting("post", 0)
        loop = rules.each_row_dense if self._is_dense else rules.each_row_sparse
        return ordered + self._calling("on_step", loop, rules.sources, State(), self._rows())

    def asked_of(self, side: str) -> list[str]:
        """The variables of the neurons of one side, 'pre' or 'post', that the rule asks for."""
        own = (*self._variables, *self._traces, *self._parameters)
        functions = {role: getattr(self.rule, role) for role in _ROLES}
        asked = [n for r, f in functions.items() if f is not None for n in arguments_of(r, f)]
        return [n.rpartition("_")[0] for n in asked if n not in own and n.endswith(f"_{side}")]

    @property
    def _is_dense(self) -> bool:
        return self._synapses.W is not None

    def _rows(self) -> dict[str, np.ndarray]:
        return {} if self._is_dense else self._synapses.rows()

    def _counting(self, side: str, delay: int) -> list[Phase]:
        """The Phases that add spikes to the traces of one side."""
        own = [name for name in self._traces if name.startswith("post") == (side == "post")]
        return [
            self._phase(
                rules.count_spikes,
                short_term.arrivals,
                State(self._ends[side].listed, trace=self._traces[name]),
                {"delay": delay, **self._units[name]},
            )
            for name in own
        ]

    def _calling(
        self,
        role: str,
        loop: Callable,
        over: Callable,
        spikes: State,
        rows: dict[str, np.ndarray],
    ) -> list[Phase]:
        """The Phase, if any, that calls a function of the rule for synapses."""
        function = getattr(self.rule, role)
        if function is None:
            return []
        state = State(spikes, rows, self._synapses.weights)
        place = "[i, j]" if self._is_dense else "[e]"
        weight = f"s.{next(iter(self._synapses.weights))}{place}"
        asks: list[str] = []
        common = ["p.dt"]
        for name in arguments_of(role, function):
            if name == "w":
                asks.append(weight)
            elif name in ("dt", "every"):
                asks.append("p.dt" if name == "dt" else "p.interval")
            elif name in self._variables:
                asks.append(f"s.variable_{name}{place}")
            elif name in self._traces:
                state.link(f"trace_{name}", self._traces, name)
                index = "j" if name.startswith("post") else "i"
                asks.append(f"s.trace_{name}[{index}] * common[{len(common)}]")
                common.append(f"unit(t, p.period_{name}, p.rate_{name})")
            elif name in self._parameters:
                state.link(f"parameter_{name}", self._parameters, name)
                asks.append(f"common[{len(common)}]")
                common.append(f"s.parameter_{name}[0]")
            else:
                variable, _, side = name.rpartition("_")
                state[f"{side}_{variable}"] = self._ends[side].as_seen(variable)
                asks.append(f"s.{side}_{variable}[{'i' if side == 'pre' else 'j'}]")
        for name in self._variables:
            state.link(f"variable_{name}", self._variables, name)
        kept = [weight, *(f"s.variable_{name}{place}" for name in self._variables)]
        check_result(role, function, len(asks), ["w", *self._variables], self._exact)
        body = rules.bound(loop, *rules.written(function, asks, kept, common))
        return [self._phase(body, over, state, self._params, tuple(rows))]

    def _phase(
        self,
        body: Callable,
        over: Callable,
        state: Any,
        params: dict[str, Any],
        inputs: tuple[str, ...] = (),
    ) -> Phase:
        return Phase(body, over, state, params, inputs, dtype=self._exact)
