"""Neurons of one kind: their state, their spikes and the potentials that arrive at them."""

from __future__ import annotations

import numbers
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, cast

import numpy as np

from spikesim.attributes import public_names, read_only
from spikesim.checks import check_choice, check_memory, is_real
from spikesim.declaring import present_name
from spikesim.engine.constants import Alike, Numbers, Variables, are_whole, kind_of
from spikesim.engine.filters import DoubleExponential, Filter
from spikesim.engine.influence import Influenced
from spikesim.engine.items import Inputs
from spikesim.engine.parameters import (
    Parameters,
    check_type,
    description,
    has_axes,
    of_neurons,
)
from spikesim.engine.setting import Setting
from spikesim.engine.subgroups import Subgroup, lacking, subgroup
from spikesim.engine.summary import population_summary
from spikesim.errors import InputError
from spikesim.kernels import neurons as neuron_bodies
from spikesim.kernels import probes, spikes
from spikesim.kernels.chance import Uniforms
from spikesim.kernels.draws import KEY
from spikesim.kernels.lists import whole_eights
from spikesim.kernels.machine.differing import (
    EACH,
    every_value,
    following,
    for_each,
    for_each_spike,
)
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.kernels.machine.states import State
from spikesim.neuron import RESERVED
from spikesim.neurons import Neuron
from spikesim.precision import SLOW, type_for

__all__ = ["ON_SPIKE", "DoubleExponential", "Filter", "Population"]

ON_SPIKE = 1 << 24
"""The first of the streams for random numbers that are drawn when a neuron spikes."""


def check_range(name: str, values: np.ndarray, least: int, most: int | np.ndarray) -> None:
    """Raise `InputError` if a whole number is not from `least` to `most` (one for all, or each)."""
    for outside in np.flatnonzero((values < least) | (values > most))[:1]:
        raise InputError(
            f"{name} holds {values.flat[outside]}; every element has to be from {least} to "
            f"{np.broadcast_to(most, values.shape).flat[outside]}. It is damaged or was edited."
        )


class Population(Influenced):
    """`n` neurons of one kind; made by `Network.add_population`.

    State variables are arrays, such as ``population.v`` of shape (n,). You can read and set them
    between runs: ``population.v[:] = -60.0``. ``population.spike`` holds the spike counts of the
    last step. You can also set parameters between runs, to one number or one for each neuron:
    ``population.threshold = -48.0``. If a variable has the same name, that name means the variable;
    `parameters` has all parameters. An input, such as ``I``, is read and set like a variable by its
    name, ``population.I[:10] = 5.0``, also where it is a parameter. Further arrays that the
    neuron's equations read belong in ``population.shared``.

    ``population[:80]``, a `Subgroup`, stands for some of the neurons.

    Attributes
    ----------
    silent : numpy.ndarray of bool, shape (n,)
        Which neurons are silenced, by ``population.silence()`` or ``population[:80].silence()``.
    parameters : Parameters
        The parameters by name.
    params : dict
        The constants that follow from the parameters, which the neuron's equations read. Setting a
        parameter computes all of them again.
    differing : dict of str to numpy.ndarray, shape (n,)
        The constants that differ from neuron to neuron.
    dtype : {'float32', 'float64'}
        The type of the variables: the network's, but float64 if a time constant is longer than
        4096 steps; see `Neuron`.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=0.1, backend="python")
    >>> cells = net.add_population("cells", 3, LIF, I=[0.0, 10.0, 20.0])
    >>> cells.v[:] = -60.0
    >>> cells.tau = 10.0
    >>> net.run(5.0)
    >>> cells.v.round(1)
    array([-62. , -58. , -54.1], dtype=float32)
    """

    _remedies: ClassVar[Mapping[str, str]] = {
        "n": "add another population of that size",
        "name": "add another population of that name",
        "neuron": "add another population of these neurons",
        "network": "add a population to that network",
        "ids": "it lists the last spikes",
        "count": "it lists the last spikes",
        "state": "set its variables, as in population.v[:] = -60.0",
        "params": "change one of them, as in population.params['decay'] = 0.9",
        "parameters": "set one of them, as in population.parameters['tau'] = 10.0",
        "differing": "set parameters, from which constants follow",
        "shared": "put arrays into it, as in population.shared['gain'] = array",
    }

    def __init__(self, network: Setting, name: str, n: int, neuron: Neuron, given: dict[str, Any]):
        self.network: Any = network  # a part uses only its `Setting`
        self.name = name
        self.n = n
        self.neuron = neuron
        given = neuron.present(given)
        made = of_neurons(neuron, given, network.dt, name, n)
        self.dtype = dtype = type_for(network.dtype, made.longest / network.dt)
        check_type(name, made, given, dtype)
        variables = np.dtype(dtype).itemsize * len(neuron.variables)
        bytes_each = variables + 4 * (1 + neuron.most_spikes)
        check_memory(f"n is {n}", float(n) * bytes_each)
        self.parameters = Parameters(self, made.values)
        self._built = {key: description(value) for key, value in made.values.items()}
        self.params: dict[str, Any] = Numbers(self)
        self.differing: dict[str, np.ndarray] = {}
        self._live: dict[str, np.ndarray] = {}
        self._layout: tuple[Any, ...] = ()
        self.take(made.constants)
        self._spike = np.zeros(whole_eights(n), np.int32)
        self._number = 0
        self._uniforms: Uniforms | None = None
        if neuron.stochastic:
            self._uniforms = Uniforms(n, network.noise, 0, dtype)
        self.state: dict[str, np.ndarray] = Variables(
            {name: np.full(n, start, dtype) for name, start in made.starts.items()}, neuron.former
        )
        self.state["spike"] = self._spike[:n]
        if self._uniforms:
            self.state["uniform"] = self._uniforms.values
        self.shared: dict[str, np.ndarray] = {}
        self._listed = {
            "ids": np.zeros((1, n * neuron.most_spikes + 8), np.int32),
            "count": np.zeros(1, np.int32),
        }
        self.filters: dict[str, Filter] = {}
        self.rings: dict[str, np.ndarray] = {}
        self._injected: dict[str, list[Any]] = {}
        self._silent: dict[str, np.ndarray] = {}
        self._totals: dict[str, np.ndarray] = {}

    def __repr__(self) -> str:
        return f"<Population {self.name!r}: {self.n} neurons with {', '.join(self.state)}>"

    def _repr_html_(self) -> str:
        return population_summary(self)._repr_html_()

    def __getattr__(self, name: str) -> np.ndarray:
        state = self.__dict__.get("state", {})
        if name in state:
            return state[name]
        parameters = self.__dict__.get("parameters", {})
        if name in parameters:
            return parameters[name] if name not in self._inputs else self._input(name)
        if state and name in self.neuron.former:
            return getattr(self, self.present_name(name))
        known = [*state, *(each for each in parameters if each not in state)]
        raise lacking(self, name, known)

    @property
    def _inputs(self) -> list[str]:
        """The parameters that can be inputs, as `live` makes them, and are not yet."""
        return [name for name in self.neuron.live if name not in self.state]

    def _input(self, name: str) -> Inputs:
        """The values of a parameter that can be an input, read and set like a variable."""
        each = np.broadcast_to(np.asarray(self.parameters[name], np.float64), self.n)
        return Inputs.of(each, lambda: self.live(name), _owner=self, _name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__.get("state", {})
        if name in state:
            self.check_one_meaning(name)
            state[name] = value
        elif name in self.__dict__.get("parameters", {}) and self._is_free(name):
            self.parameters[name] = value
        elif state and name in self.neuron.former and self._is_free(name):
            setattr(self, self.present_name(name), value)
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        """The names that users read, set and call, with variables and parameters first."""
        own = [name for name in _SHOWN if hasattr(type(self), name) or name in self.__dict__]
        hidden = [name for name in super().__dir__() if name.startswith("_")]
        return [*dict.fromkeys([*self._more(), *own]), *hidden]

    def present_name(self, name: Any) -> Any:
        """The present name of a variable, or else of a parameter; see `Neuron.former`."""
        known = [*self.state, *self.parameters]
        return present_name(name, known, self.neuron.former)

    def check_one_meaning(self, name: str) -> None:
        """Refuse to set a name that belongs to both a parameter and another variable."""
        if name in self.parameters and name not in self._live:
            raise InputError(
                f"{name} of {self.name!r} is a parameter and also a variable, so it cannot be set "
                f"by that name alone; set the parameter by population.parameters[{name!r}] = ..., "
                f"the variable by population.state[{name!r}][:] = ..."
            )

    def _is_free(self, name: str) -> bool:
        """Whether populations have no attribute of this name."""
        return name not in self.__dict__ and not hasattr(type(self), name)

    def _more(self) -> Iterator[str]:
        yield from self.__dict__.get("state", {})
        for name in self.__dict__.get("parameters", {}):
            if name not in self.state and self._is_free(name):
                yield name

    def _refusal(self, name: str) -> str:
        if name not in self.neuron.parameters:
            return super()._refusal(name)
        return (
            f"{name} of {self.name!r} cannot be set, as all populations have a {name}; set the "
            f"parameter by population.parameters[{name!r}] = ..."
        )

    def __len__(self) -> int:
        return self.n

    __iter__: ClassVar[None] = None  # otherwise Python would iterate by index until an error

    def __getitem__(self, key: Any) -> Subgroup:
        return subgroup(self, key)

    @property
    def ids(self) -> np.ndarray:
        """The ring of spike lists, for reading only; see `spikesim.kernels.spikes`."""
        return read_only(self._listed["ids"])

    @property
    def count(self) -> np.ndarray:
        """How many entries each list of the ring has, for reading only."""
        return read_only(self._listed["count"])

    def numbered(self, number: int) -> None:
        """Take a place among the populations of a network; random numbers depend on it."""
        self._number = number
        if self._uniforms:
            self._uniforms.stream = number

    def remember(self, steps: int) -> None:
        """Keep the spikes of at least the last `steps` steps, not counting this one."""
        old_ids, old_count = self._listed["ids"], self._listed["count"]
        if len(old_count) > steps:
            return
        check_memory(
            f"delay is {steps} steps for the spikes of {self.name!r}",
            4.0 * (steps + 1) * old_ids.shape[1],
        )
        ids = np.zeros((steps + 1, old_ids.shape[1]), np.int32)
        count = np.zeros(steps + 1, np.int32)
        for back in range(1, len(old_count) + 1):  # spikes that are under way
            step = self.network.step - back
            ids[step % (steps + 1)] = old_ids[step % len(old_count)]
            count[step % (steps + 1)] = old_count[step % len(old_count)]
        self._listed.update(ids=ids, count=count)

    def look_ahead(self, port: str, steps: int) -> None:
        """Make room for spikes that arrive at a port up to `steps` steps from now."""
        old = self.rings.get(port, np.zeros((1, self.n), self.dtype))
        self.rings[port] = old
        if len(old) > steps:
            return
        self.rings[port] = np.zeros((steps + 1, self.n), old.dtype)
        for ahead in range(len(old)):  # spikes that are under way
            step = self.network.step + ahead
            self.rings[port][step % (steps + 1)] = old[step % len(old)]

    def spike_list(self) -> dict[str, np.ndarray]:
        """The ring of spike lists, as part of a Phase's state."""
        return dict(self._listed)

    @property
    def listed(self) -> State:
        """The ring of spike lists, for a Phase that still finds it after it has grown."""
        return State(self._listed)

    def exchanged(self) -> list[dict[str, np.ndarray]]:
        """The dicts in which arrays are replaced by others during the life of a population."""
        return [self._listed]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes during a run, by name."""
        own = {**self.state, **self.spike_list()}
        own.pop("uniform", None)
        for port, filter_ in self.filters.items():
            own.update({f"{port}_{name}": array for name, array in filter_.arrays().items()})
        own.update({f"{port}_ring": ring for port, ring in self.rings.items()})
        return own

    def _place(self) -> tuple[Setting, str, str]:
        return self.network, "populations", self.name

    def built(self) -> dict[str, Any]:
        """What it was built with, by name; a saved state has to come from the same."""
        built = {"number of neurons": self.n, **self._built}
        if self._live:
            built["live"] = ", ".join(self._live)
        for port, filter_ in self.filters.items():
            kernel = filter_.kernel._asdict()
            built.update({f"{name} of the kernel of {port}": x for name, x in kernel.items()})
        return {
            name: int(x) if isinstance(x, numbers.Integral) else float(x) if is_real(x) else x
            for name, x in built.items()
        }

    def check_saved(self, saved: Mapping[str, np.ndarray]) -> None:
        """Refuse indices that are out of range: compiled code does not check them."""
        check_range(f"saved {self.name}.count", saved["count"], 0, saved["ids"].shape[1])
        listed = np.arange(saved["ids"].shape[1]) < saved["count"][:, None]
        check_range(f"saved {self.name}.ids", saved["ids"][listed], 0, self.n - 1)

    def check(self) -> bool:
        """Refuse variables that the neurons cannot run with; the network calls this before a run.

        Returns whether the network has to call it again after a run, which may change them.
        """
        return self.neuron.check is not None and self.neuron.check(self) is not False

    def take(self, constants: Mapping[str, Any]) -> None:
        """Use these constants from now on: numbers, or arrays with one for each neuron."""
        held: dict[str, Any] = {}
        for name, value in constants.items():
            own = self.differing.get(name)
            if name in self._following:
                held[name] = read_only(self.differing[name], _FOLLOWS)
            elif has_axes(value):
                dtype = np.dtype(self.dtype if value.dtype.kind == "f" else np.int64)
                if own is None or own.dtype != dtype:
                    own = self.differing[name] = np.empty(self.n, dtype)
                own[:] = value
                held[name] = read_only(own, _FOLLOWS)
            else:
                self.differing.pop(name, None)
                held[name] = value
        for name in [name for name in self.differing if name not in held]:
            del self.differing[name]
        cast("Numbers", self.params).take(held)
        self._lay_out()

    def _lay_out(self) -> None:
        """Note which numbers differ, and the kind of each: Phases are made for these."""
        values = {name: self.parameters[name] for name in self.parameters if self._live}
        kinds = [(name, kind_of(value)) for name, value in [*self.params.items(), *values.items()]]
        layout = tuple([*kinds, *self._live])
        if layout != self._layout:
            self._layout = layout

    @property
    def layout(self) -> tuple[Any, ...]:
        """An object that is replaced by another one when Phases have to be made again."""
        return self._layout

    def check_speed(self, longest: float, given: Iterable[str]) -> None:
        """Refuse a longest time constant that would need variables of another type."""
        dt = self.network.dt
        if type_for(self.dtype, longest / dt) != self.dtype:
            raise InputError(
                f"{', '.join(given)}: the longest time constant of {self.name!r} would be "
                f"{longest:g} ms, more than {SLOW} steps of dt = {dt:g} ms, for which its "
                "variables would have to be float64; give it to add_population, or build the "
                "network with dtype='float64'."
            )

    def check_constant(self, name: str) -> None:
        """Refuse to set a constant that every step computes again."""
        for live, functions in self.neuron.live.items():
            if live in self._live and name in functions:
                raise InputError(
                    f"{name} of {self.name!r} follows from {live} in every step; set {live}."
                )

    @property
    def _following(self) -> set[str]:
        """The constants that follow from live parameters."""
        return {name for live in self._live for name in self.neuron.live[live]}

    def live(self, name: str) -> np.ndarray:
        """Make a parameter a variable, which a stimulus, noise or a Phase may write to.

        It starts from the values of the parameter. A value that is written before the neurons are
        advanced holds in that step, and stays until another is written. You can record it and
        connect to it like any variable. An existing variable of that name is returned as it is.

        Parameters
        ----------
        name : str
            A parameter that the neuron lists in `Neuron.live`, such as the input ``I`` of
            `spikesim.CurrentLIF`.

        Returns
        -------
        numpy.ndarray, shape (n,)
            In float64, so that a number has the same effect as in the parameter. If the neuron
            itself declares the variable, it has the type of the population.

        Raises
        ------
        InputError
            If the neuron has no such parameter.

        Examples
        --------
        >>> from spikesim import CurrentLIF, Network
        >>> net = Network(backend="python")
        >>> cells = net.add_population("cells", 2, CurrentLIF)
        >>> cells.live("I")[:] = 5.0, 20.0
        >>> net.run(100.0)
        >>> cells.v.round(1)
        array([-55. , -55.2], dtype=float32)
        """
        variables = [each for each in self.state if each not in ("spike", "uniform")]
        check_choice("name", name, dict.fromkeys([*self.neuron.live, *variables]))
        if name in variables:
            return self.state[name]
        array = np.empty(self.n)
        array[:] = self.parameters[name]
        for constant in self.neuron.live[name]:
            own = np.empty(self.n, self.dtype)
            own[:] = self.params[constant]
            self.differing[constant] = own
        self._live[name] = array
        self.state[name] = array
        self.take(dict(self.params))
        return array

    def _refreshing(self) -> list[Phase]:
        """The Phases that compute constants from live parameters."""
        ordered = []
        values = {name: self.parameters[name] for name in self.parameters if self._live}
        arrays = {name: value for name, value in values.items() if has_axes(value)}
        arrays.update(self._live)
        alike: Any = Alike(self.parameters, arrays)
        for name in self._live:
            functions = self.neuron.live[name]
            state = State().link("value", self._seen_in(name), name)
            for constant in functions:
                state.link(f"to_{constant}", self.differing, constant)
            for each in arrays:
                held = self._seen_in(each) if each in self._live else self.parameters.held
                state.link(EACH + each, held, each)
            body = following(functions, alike, are_whole(arrays))
            ordered.append(Phase(body, every_value, state, alike, neurons=self, dtype="float64"))
        return ordered

    def _seen_in(self, name: str) -> dict[str, np.ndarray]:
        """The array of a live parameter as neurons see it: with everything that is added to it."""
        return self._totals if name in self._totals else self._live

    def is_driven(self, variable: str) -> bool:
        """Whether anything but the neurons themselves may write to a variable during a run."""
        return variable in self._totals or self.network.is_driven(self, self.state[variable])

    def clearing(self) -> list[Phase]:
        """The Phases that come first: they clear the arrays that arriving spikes add to."""
        return [filter_.clearing() for filter_ in self.filters.values()]

    def landings(self) -> list[Phase]:
        """The Phases that deliver spikes that were under way for longer."""
        ordered = []
        for port, ring in self.rings.items():
            state = {"ring": ring, "out": self.landing(port)}
            ordered.append(
                Phase(spikes.land, spikes.targets, state, {"parts": SHARED}, neurons=self)
            )
        return ordered

    def phases(self) -> list[Phase]:
        """The Phases after everything has arrived: potentials, random numbers, neurons."""
        ordered = [filter_.advancing() for filter_ in self.filters.values()]
        ordered += self._injecting()
        if self._uniforms:
            ordered.append(self._uniforms.phase())
        return ordered + self.emission()

    def emission(self) -> list[Phase]:
        """The Phases that advance the neurons and list their spikes."""
        ordered = self._refreshing()
        # These are no copies, as parameters and the seed may be changed between runs.
        stream = {"stream": ON_SPIKE + self._number}
        drawing: Any = ChainMap(self.params, stream, self.network.noise)
        params = drawing if self.neuron.stochastic else self.params
        alike: Any = Alike(params, self.differing)  # the same for all steps, which may be joined
        for step in self.neuron.steps:
            state = State(self.state, self._totals, self.shared)
            if isinstance(step, tuple):
                ordered.append(Phase(*step, state, params, dtype=self.dtype))
            else:
                over = neuron_bodies.neurons
                phase = Phase(step, over, state, params, neurons=self, dtype=self.dtype)
                ordered.append(self._for_each(phase, for_each, alike))
        if self.neuron.most_spikes > 0:
            listing = State({"spike": self._spike}, self._listed)
            most = {"most": self.neuron.most_spikes}
            ordered.append(Phase(spikes.collect, once, listing, most))
        ordered += self.silencing()
        for body in self.neuron.on_spike:
            state = State(self.state, self._totals, self._listed, self.shared)
            phase = Phase(body, probes.spikes_now, state, drawing, dtype=self.dtype)
            ordered.append(self._for_each(phase, for_each_spike, Alike(drawing, self.differing)))
        return ordered

    def _for_each(self, phase: Phase, wrapped: Callable[..., Callable], alike: Any) -> Phase:
        """A Phase whose body sees, for each neuron, its own values of constants that differ."""
        if not self.differing:
            return phase
        state = cast("State", phase.state)
        for name in self.differing:
            if EACH + name in state:
                raise InputError(
                    f"{self.name!r} has an array {EACH + name!r}, which is what the {name} of each "
                    "neuron is called; call it by another name."
                )
            state.link(EACH + name, self.differing, name)
        fixed = tuple(EACH + name for name in self.differing if name not in self._following)
        body = wrapped(phase.body, alike, are_whole(self.differing))
        return phase._replace(body=body, params=alike, inputs=fixed)

    def landing(self, port: str) -> np.ndarray:
        """The ring of rows to which arriving spikes add at a port, shape (slots, n)."""
        if port in self.filters:
            return self.filters[port].arrived
        return self.state[port].reshape(1, -1)


_FOLLOWS = "set the parameters from which it follows"
_SHOWN = (
    *("n", "name", "neuron", "dtype", "parameters", "params", "live", "shared", "state"),
    *("spike", "silence", "silent", "ids", "count", "network"),
)
"""The attributes that users see besides variables and parameters; others build programs."""

RESERVED.update(dict.fromkeys({*public_names(Population), "spike", "uniform", KEY}, "population"))
