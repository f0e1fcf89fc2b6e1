"""Neurons of one kind, with their state, their spikes and the potentials that arrive at them."""

from __future__ import annotations

import numbers
from collections import ChainMap
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from spikesim.attributes import Constants, Watched, public_names, read_only
from spikesim.checks import check_array, check_memory, check_number, is_real, nearest, show
from spikesim.copying import Part
from spikesim.engine.filters import DoubleExponential, Filter
from spikesim.engine.setting import Setting
from spikesim.engine.summary import population_summary
from spikesim.errors import InputError
from spikesim.kernels import neurons as neuron_bodies
from spikesim.kernels import probes, spikes
from spikesim.kernels.chance import Uniforms
from spikesim.kernels.machine.program import SHARED, Phase, once
from spikesim.kernels.machine.states import State
from spikesim.neuron import RESERVED
from spikesim.neurons import Neuron
from spikesim.precision import type_for

__all__ = ["ON_SPIKE", "DoubleExponential", "Filter", "Population", "is_finite"]

ON_SPIKE = 1 << 24
"""Random numbers that are drawn when a neuron spikes come from streams from here on."""


_FEW = 1 << 12


def is_finite(array: np.ndarray) -> bool:
    """Whether no number of an array is NaN or infinite; NumPy may warn of overflow on the way.

    Examples
    --------
    >>> is_finite(np.array([1.0, 2.0])), is_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    # One pass and no temporary array: a sum is finite unless a part is not, or nearly so. Of few
    # numbers, that of their squares takes a third of the time.
    if array.size < _FEW:
        flat = array.reshape(-1)
        total = flat.dot(flat)
    else:
        total = np.add.reduce(array, axis=None)
    return isfinite(total) or bool(np.isfinite(array).all())


def check_range(name: str, values: np.ndarray, least: int, most: int | np.ndarray) -> None:
    """Raise `InputError` if a whole number is not from `least` to `most`, for each or for all."""
    for outside in np.flatnonzero((values < least) | (values > most))[:1]:
        raise InputError(
            f"{name} holds {values.flat[outside]}; every element has to be from {least} to "
            f"{np.broadcast_to(most, values.shape).flat[outside]}. It is damaged or was edited."
        )


def _has_axes(value: Any) -> bool:
    return not isinstance(value, numbers.Number) and not (
        isinstance(value, np.ndarray) and value.ndim == 0
    )


class _Variables(Watched):
    """The state variables by name; what is assigned to one of them is written into its array."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            super().__setitem__(name, value)
            return
        own = self[name]
        shape = own.shape if _has_axes(value) else ()
        own[...] = check_array(name, value, shape=shape, dtype=own.dtype)


class _Numbers(Constants):
    """The constants of a population's neurons, as its bodies see them.

    A parameter is refused if other constants follow from it, which would stay as they were.
    """

    def __init__(self, population: Population, constants: Mapping[str, Any]):
        super().__init__(f"constant of {population.name!r}", constants)
        self._population = population

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._population.neuron.parameters and (
            name not in self or self._follow(name, value)
        ):
            raise InputError(
                f"{name} of {self._population.name!r} cannot be set alone, as other constants "
                f"follow from it; give it to add_population, as {name}={show(value)}."
            )
        super().__setitem__(name, value)

    def _follow(self, name: str, value: Any) -> bool:
        """Whether other constants would be others, too."""
        neuron, dt = self._population.neuron, self._population.network.dt
        if not is_real(value):
            return False  # the next run refuses it
        given = self._population._given
        first = neuron.with_parameters(given, dt)
        then = neuron.with_parameters({**given, name: value}, dt)
        return any(first[other] != then[other] for other in first if other != name)


class Population(Part):
    """`n` neurons of one kind; made by `Network.add_population`.

    State variables are arrays, ``population.v`` of shape (n,), to be read and set between runs:
    ``population.v[:] = -60.0``. ``population.spike`` holds the spike counts of the last step.
    Arrays of others that the neuron's equations read go to ``population.shared``.

    Attributes
    ----------
    dtype : {'float32', 'float64'}
        The type of the variables: the network's, but float64 if a time constant is longer than
        4096 steps; see `Neuron`.
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
        "shared": "put arrays into it, as in population.shared['gain'] = array",
    }

    def __init__(self, network: Setting, name: str, n: int, neuron: Neuron, given: dict[str, Any]):
        self.network: Any = network  # of which a part uses what a setting has
        self.name = name
        self.n = n
        self.neuron = neuron
        self.dtype = dtype = type_for(network.dtype, neuron.longest(given) / network.dt)
        constants = neuron.with_parameters(given, network.dt)
        for parameter, value in given.items():
            check_number(parameter, value, dtype=dtype)
        for constant, value in constants.items():
            if not abs(float(value)) <= float(np.finfo(dtype).max):
                raise InputError(
                    f"{', '.join(given)}: {constant} would be {value:g}, which {dtype} cannot hold."
                )
        variables = np.dtype(dtype).itemsize * len(neuron.variables)
        bytes_each = variables + 4 * (1 + neuron.most_spikes)
        check_memory(f"n is {n}", float(n) * bytes_each)
        self._given = dict(given)
        self.params: dict[str, Any] = _Numbers(self, constants)
        starts = neuron.start(given)
        for variable, start in starts.items():
            check_number(f"variables: {variable}", start, dtype=dtype)
        self._spike = np.zeros(-(-n // 8) * 8, np.int32)
        self._number = 0
        self._uniforms: Uniforms | None = None
        if neuron.stochastic:
            self._uniforms = Uniforms(n, network.noise, 0, dtype)
        self.state: dict[str, np.ndarray] = _Variables(
            {variable: np.full(n, start, dtype) for variable, start in starts.items()}
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

    def __repr__(self) -> str:
        return f"<Population {self.name!r}: {self.n} neurons with {', '.join(self.state)}>"

    def _repr_html_(self) -> str:
        return population_summary(self)._repr_html_()

    def __getattr__(self, name: str) -> np.ndarray:
        state = self.__dict__.get("state", {})
        if name not in state:
            raise AttributeError(
                f"{self.__dict__.get('name')!r} has no variable {name!r}; there is "
                f"{', '.join(state)}.{nearest(name, state)}"
            )
        return state[name]

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__.get("state", {})
        if name in state:
            state[name] = value
        else:
            super().__setattr__(name, value)

    def _more(self) -> Iterator[str]:
        yield from self.__dict__.get("state", {})

    def _refusal(self, name: str) -> str:
        if name not in self.neuron.parameters:
            return super()._refusal(name)
        return (
            f"{name} of {self.name!r} cannot be set: it is a parameter, and constants follow from "
            f"it when the neurons are made; give it to add_population, as {name}=..."
        )

    @property
    def ids(self) -> np.ndarray:
        """The ring of spike lists, to be read; see `spikesim.kernels.spikes`."""
        return read_only(self._listed["ids"])

    @property
    def count(self) -> np.ndarray:
        """How many entries each list of the ring has, to be read."""
        return read_only(self._listed["count"])

    def numbered(self, number: int) -> None:
        """Take a place among the populations of a network; random numbers depend on it."""
        self._number = number
        if self._uniforms:
            self._uniforms.stream = number

    def remember(self, steps: int) -> None:
        """Keep the spikes of at least the last `steps` steps, this one not counted."""
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
        """Have room for what arrives at a port in up to `steps` steps from now."""
        old = self.rings.get(port, np.zeros((1, self.n), self.dtype))
        self.rings[port] = old
        if len(old) > steps:
            return
        self.rings[port] = np.zeros((steps + 1, self.n), old.dtype)
        for ahead in range(len(old)):  # what is under way
            step = self.network.step + ahead
            self.rings[port][step % (steps + 1)] = old[step % len(old)]

    def spike_list(self) -> dict[str, np.ndarray]:
        """The ring of spike lists, as part of a Phase's state."""
        return dict(self._listed)

    @property
    def listed(self) -> State:
        """The ring of spike lists, for a Phase that goes on finding it when it has grown."""
        return State(self._listed)

    def exchanged(self) -> list[dict[str, np.ndarray]]:
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
        built = {"number of neurons": self.n, **self.neuron.parameters, **self._given}
        for port, filter_ in self.filters.items():
            kernel = filter_.kernel._asdict()
            built.update({f"{name} of the kernel of {port}": x for name, x in kernel.items()})
        return {
            name: x if x is None else int(x) if isinstance(x, numbers.Integral) else float(x)
            for name, x in built.items()
        }

    def check_saved(self, saved: Mapping[str, np.ndarray]) -> None:
        """Refuse indices that lie outside: compiled code believes them."""
        check_range(f"saved {self.name}.count", saved["count"], 0, saved["ids"].shape[1])
        listed = np.arange(saved["ids"].shape[1]) < saved["count"][:, None]
        check_range(f"saved {self.name}.ids", saved["ids"][listed], 0, self.n - 1)

    def check(self) -> bool:
        """Refuse variables that the neurons cannot run with; the network asks before a run.

        Returns whether it has to ask again after the run, which may have changed them.
        """
        return self.neuron.check is not None and self.neuron.check(self) is not False

    def is_driven(self, variable: str) -> bool:
        """Whether a variable may be written to in a run by others than the neurons themselves."""
        return self.network.is_driven(self, self.state[variable])

    def clearing(self) -> list[Phase]:
        """The Phases that come first: what arrives is added to what they leave."""
        return [filter_.clearing() for filter_ in self.filters.values()]

    def landings(self) -> list[Phase]:
        """The Phases by which arrives what was under way for longer."""
        ordered = []
        for port, ring in self.rings.items():
            state = {"ring": ring, "out": self.landing(port)}
            ordered.append(
                Phase(spikes.land, spikes.targets, state, {"parts": SHARED}, neurons=self)
            )
        return ordered

    def phases(self) -> list[Phase]:
        """The Phases that follow when all has arrived: potentials, random numbers, neurons."""
        ordered = [filter_.advancing() for filter_ in self.filters.values()]
        if self._uniforms:
            ordered.append(self._uniforms.phase())
        return ordered + self.emission()

    def emission(self) -> list[Phase]:
        """The Phases that advance the neurons and list their spikes."""
        ordered = []
        # Not copies: parameters and the seed may be changed between runs.
        stream = {"stream": ON_SPIKE + self._number}
        drawing: Any = ChainMap(self.params, stream, self.network.noise)
        params = drawing if self.neuron.stochastic else self.params
        for step in self.neuron.steps:
            state = State(self.state, self.shared)
            if isinstance(step, tuple):
                ordered.append(Phase(*step, state, params, dtype=self.dtype))
            else:
                over = neuron_bodies.neurons
                ordered.append(Phase(step, over, state, params, neurons=self, dtype=self.dtype))
        if self.neuron.most_spikes > 0:
            listing = State({"spike": self._spike}, self._listed)
            most = {"most": self.neuron.most_spikes}
            ordered.append(Phase(spikes.collect, once, listing, most))
        if self.neuron.on_spike:
            state = State(self.state, self._listed, self.shared)
            for body in self.neuron.on_spike:
                ordered.append(Phase(body, probes.spikes_now, state, drawing, dtype=self.dtype))
        return ordered

    def landing(self, port: str) -> np.ndarray:
        """Where what arrives at a port is added: a ring of rows, shape (slots, n)."""
        if port in self.filters:
            return self.filters[port].arrived
        return self.state[port].reshape(1, -1)


RESERVED.update(dict.fromkeys({*public_names(Population), "spike", "uniform"}, "population"))
