"""A kind of neuron: its variables, its parameters, and the equations that advance it by a step.

A `Neuron` is a description; `Network.add_population` makes any number of neurons from it. You can
write one in your script: the functions in `steps` are plain Python, and spikesim compiles them like
its own.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from spikesim.attributes import Fixed
from spikesim.checks import (
    check_body,
    check_choice,
    check_integer,
    check_number,
    check_unknown,
    is_whole,
    show,
)
from spikesim.declaring import (
    Parameter,
    Start,
    Variable,
    check_declared,
    check_texts,
    described,
    present_name,
    redefined,
    start_of,
)
from spikesim.errors import BodyError, InputError
from spikesim.kernels.machine import python
from spikesim.kernels.machine.lowering import LoweringError

__all__ = ["RESERVED", "Following", "Neuron", "Parameter", "Start", "Variable"]


RESERVED: dict[str, str] = {}
"""Names that no variable can have, and who has them; populations and recordings add theirs."""


def _as_given(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    """The parameters and dt, for neurons whose bodies read those."""
    return {**parameters, "dt": dt}


class Following(NamedTuple):
    """The numbers that follow from the parameters of a neuron; for many neurons, some are arrays.

    Attributes
    ----------
    values : dict of str to float, int or numpy.ndarray
        All parameters.
    constants, starts : dict of str to float, int or numpy.ndarray
        The constants that bodies read, and the start values of variables.
    longest : float
        The longest time constant in ms.
    """

    values: dict[str, Any]
    constants: dict[str, Any]
    starts: dict[str, Any]
    longest: float


@dataclass(frozen=True, repr=False)
class Neuron:
    """A kind of neuron.

    Parameters
    ----------
    steps : sequence of callable
        Bodies ``step(i, t, s, p)``, called in order for every neuron i in step t. They read and
        write the population's arrays ``s.NAME[i]`` and set ``s.spike[i]`` to the number of spikes
        emitted. They must not read values that another neuron's step writes: it may come earlier
        or later.
    variables : mapping of str to Variable, float, str or callable
        The state variables and their start values: a number, the name of a parameter, or a function
        of all parameters (a dict). A variable cannot have a name that populations or their
        recordings use, such as n, name, t or every. A `Variable` also says what it means.
    parameters : mapping of str to Parameter, float or int
        The defaults of the parameters; a `Parameter` also says what it means.
        `Network.add_population` takes other values by name, one for all neurons or one for each.
        Functions of parameters, such as `constants`, get the parameters of one neuron, and bodies
        see the values of their neuron as ``p.NAME``.
    constants : callable, optional
        ``constants(parameters, dt) -> dict``: the numbers that the bodies see as ``p.NAME``, for
        example decay factors instead of time constants. By default, bodies see the parameters and
        ``dt``.
    stochastic : bool
        Whether each neuron gets a uniform random number in [0, 1) per step, ``s.uniform[i]``.
        In any case, bodies may draw by `spikesim.math.normal` and `spikesim.math.uniform`.
    most_spikes : int
        The largest number of spikes that a neuron may emit in one step.
    on_spike : sequence of callable
        Bodies ``step(a, t, s, p)``, called after `steps` once for every spike; the neuron that
        spiked is ``s.ids[t % s.ids.shape[0], a]``. Rare events therefore need no search over all
        neurons. These bodies may draw random numbers by `spikesim.kernels.chance.philox`, with
        ``p.stream``, ``p.seed_low`` and ``p.seed_high``; so may the `steps` of a stochastic neuron.
    time_constants : callable, optional
        ``time_constants(parameters)``: the time constants in ms, as a sequence. By default, they
        are the parameters whose names begin with ``tau``. If one is longer than 4096 steps, float32
        would lose the changes of a step; the neurons then have float64 variables in any network.
    check : callable, optional
        ``check(population)``, called before every run, and every 2000 steps during it. It raises
        `InputError` if variables, to which a user may write, hold values that the equations cannot
        take. If no run can change this, it may return False; it is then not called after a run.
    live : mapping of str to dict of str to callable
        Parameters that `Population.live` can turn into variables, such as an input. For each, it
        gives the constants that follow from it, each as a function ``constant(value, p)`` of its
        value and of all parameters, ``p.NAME``. The function is compiled, and called for each
        neuron in each step. It has to give the same numbers as `constants`.
    name, description : str
        The text that `help` and ``print`` show besides the variables and parameters: what the
        neuron is, its equations, and how they are computed.
    former : mapping of str to str
        Former names of parameters and variables, and their present names. A former name still
        works, with a DeprecationWarning, and files that were saved with former names can be read.

    Examples
    --------
    >>> def step(i, t, s, p):
    ...     s.v[i] = s.v[i] + p.dt * (p.rest + s.drive[i] - s.v[i]) / p.tau
    ...     s.spike[i] = s.v[i] > 1.0
    ...     if s.spike[i]:
    ...         s.v[i] = p.rest
    >>> cell = Neuron([step], {"v": "rest", "drive": 0.0}, {"tau": 10.0, "rest": 0.0})
    >>> said = Neuron(
    ...     steps=[step],
    ...     variables={
    ...         "v": Variable("rest", "mV", "membrane voltage"),
    ...         "drive": Variable(0.0, "mV", "a spike adds its weight", is_target=True),
    ...     },
    ...     parameters={"tau": Parameter(10.0, "ms", "membrane"), "rest": Parameter(0.0, "mV")},
    ...     name="Leaky",
    ...     description="membrane that fires above 1 mV; forward Euler.",
    ... )
    >>> print(said)
    Leaky: membrane that fires above 1 mV; forward Euler.
    <BLANKLINE>
    Targets of connect
      drive  mV  a spike adds its weight
    <BLANKLINE>
    Other variables
      v  mV  membrane voltage; starts from rest
    <BLANKLINE>
    Parameters
      tau   10 ms  membrane
      rest  0 mV
    """

    steps: Sequence[Callable | tuple[Callable, Callable]]
    variables: Mapping[str, Start | Variable] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    constants: Callable[[dict[str, Any], float], dict[str, Any]] = _as_given
    stochastic: bool = False
    most_spikes: int = 1
    on_spike: Sequence[Callable] = ()
    time_constants: Callable[[dict[str, Any]], Sequence[float]] | None = None
    check: Callable[[Any], bool | None] | None = None
    live: Mapping[str, Mapping[str, Callable]] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    former: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a description from which no population can be made."""
        for role in ("steps", "on_spike"):
            bodies = getattr(self, role)
            if not isinstance(bodies, (list, tuple)):
                raise InputError(
                    f"{role} is {show(bodies)}; it has to be a list of functions step(i, t, s, p)."
                )
            for k, body in enumerate(bodies):
                if isinstance(body, tuple) and len(body) == 2:
                    body, over = body
                    check_body(f"over[{k}], of {role}[{k}],", over, "t", "s", "p")
                check_body(f"{role}[{k}]", body, "i", "t", "s", "p")
        for role in ("parameters", "variables"):
            values = getattr(self, role)
            if not isinstance(values, Mapping):
                raise InputError(f"{role} is {show(values)}; it has to be a dict of numbers.")
            for name, declared in values.items():
                value = start_of(declared)
                check_declared(name, declared)
                if not isinstance(name, str) or not name.isidentifier():
                    raise InputError(
                        f"{role} has the name {show(name)}; a name is letters, digits and '_'."
                    )
                _refuse_array(role, name, value)
                what = f"{role}[{name!r}]"
                if role == "variables" and isinstance(value, str) and self.parameters:
                    check_choice(what, value, self.parameters)
                elif role == "parameters" or not callable(value):
                    positive = role == "parameters" and name.startswith("tau")
                    check_number(what, value, above=0.0 if positive else None)
        for name in self.variables:
            if name in RESERVED:
                raise InputError(
                    f"variables has {name!r}, which every {RESERVED[name]} has of its own; call it "
                    f"'{name}_value', for example."
                )
        if not callable(self.constants):
            raise InputError(
                f"constants is {show(self.constants)}; it has to be a function "
                "constants(parameters, dt)."
            )
        if not (self.time_constants is None or callable(self.time_constants)):
            raise InputError(
                f"time_constants is {show(self.time_constants)}; it has to be a function "
                "time_constants(parameters), or None."
            )
        if self.check is not None and not callable(self.check):
            raise InputError(
                f"check is {show(self.check)}; it has to be a function check(population), or None."
            )
        self._check_live()
        check_choice("stochastic", self.stochastic, [True, False])
        check_integer("most_spikes", self.most_spikes, at_least=0, at_most=1 << 16)
        check_texts("", name=self.name, description=self.description)
        if not isinstance(self.former, Mapping):
            raise InputError(f"former is {show(self.former)}; it has to be a dict of names.")
        check_unknown("name in former", self.former.values(), [*self.parameters, *self.variables])
        owner = self.name if self.name.isidentifier() else "neuron"
        for role, other in (
            ("parameters", f"{owner}.with_({{name}}={{value}}) is one with another value"),
            ("variables", f"add_population(..., {owner}, {{name}}={{value}}) starts from that"),
        ):
            object.__setattr__(self, role, Fixed(owner, getattr(self, role), other))
        # `help` shows the docstring of the object itself.
        object.__setattr__(self, "__doc__", repr(self))

    def __repr__(self) -> str:
        live = ", ".join(self.live)
        note = f"population.live makes a variable of: {live}" if live else ""
        return described(self.name, self.description, self.parameters, self.variables, note=note)

    def _check_live(self) -> None:
        if not isinstance(self.live, Mapping):
            raise InputError(
                f"live is {show(self.live)}; it has to be a dict such as {{'I': {{'rest': f}}}}, "
                "with functions f(value, p)."
            )
        check_unknown("parameter in live", self.live, self.parameters)
        for name, functions in self.live.items():
            if not isinstance(functions, Mapping) or not functions:
                raise InputError(
                    f"live[{name!r}] is {show(functions)}; it has to be a dict of functions "
                    "f(value, p), by the names of constants."
                )
            for constant, function in functions.items():
                check_body(f"live[{name!r}][{constant!r}]", function, "value", "p")

    def branches(self) -> list[str]:
        """The lines of your steps that stay branches when they are compiled, and why.

        A loop over neurons without branches is faster; see "Large networks". Short branches are
        replaced by selections wherever both sides may be computed. This says where not.

        Returns
        -------
        list of str
            A text for each line of your steps, and of functions of yours that they call, where the
            line of ``def`` is line 1. Empty if no branch stays. Steps of `spikesim.kernels` are not
            examined.

        Raises
        ------
        BodyError
            If a step cannot be compiled.

        Examples
        --------
        >>> def step(i, t, s, p):
        ...     if s.v[i] > 1.0:
        ...         s.v[i] = 0.0
        ...         s.w[i] += 0.5
        >>> print(*Neuron([step], {"v": 0.0, "w": 0.0}).branches())
        line 2 of step: it reads s.w[i], which is touched nowhere else; read it before the branch
        """
        from spikesim.kernels.machine.selecting import remaining  # at the top, it would load Numba

        bodies = [step[0] if isinstance(step, tuple) else step for step in self.steps]
        own = [body for body in bodies if not body.__module__.startswith("spikesim.kernels.")]
        try:
            for body in own:
                python.lowering("float64")(body)
        except LoweringError as error:
            raise BodyError(str(error)) from None
        return [line for body in own for line in remaining(body)]

    def with_(
        self,
        *,
        step_before: Callable | Sequence[Callable] = (),
        step_after: Callable | Sequence[Callable] = (),
        variables: Mapping[str, Start] | None = None,
        parameters: Mapping[str, float] | None = None,
        **changes: Any,
    ) -> Neuron:
        """A kind of neuron that does everything that this one does, and more, or by other numbers.

        Parameters
        ----------
        step_before, step_after : callable or sequence of callable
            Bodies ``step(i, t, s, p)`` that run before and after those of this neuron in every
            step. They see its variables as ``s.NAME``, its constants and parameters as ``p.NAME``,
            and ``p.dt``. They do not see parameters that can be inputs; see `Population.live`.
            `step_before` already sees arrived spikes; `step_after` sees ``s.spike[i]`` and may
            change it.
        variables : mapping of str to float, str or callable, optional
            More state variables, as in `Neuron`.
        parameters : mapping of str to float or int, optional
            More parameters, which bodies see as ``p.NAME``.
        **changes : float or int
            Other defaults of parameters, by name: ``CurrentLIF.with_(tau=5.0)``.

        Raises
        ------
        InputError
            If a body, a variable or a parameter cannot be used, or this neuron already has its
            name.

        Examples
        --------
        >>> from spikesim import CurrentLIF, Network
        >>> def adapt(i, t, s, p):
        ...     s.w[i] += p.dt * -s.w[i] / p.tau_w + p.jump * float(s.spike[i])
        ...     s.v[i] -= p.dt * s.w[i]
        >>> mine = CurrentLIF.with_(
        ...     step_after=adapt, variables={"w": 0.0}, parameters={"tau_w": 100.0, "jump": 0.1}
        ... )
        >>> net = Network(dt=0.1, backend="python")
        >>> cells = net.add_population("cells", 3, mine, I=20.0)
        >>> net.run(20.0)
        >>> CurrentLIF.with_(tau=5.0).parameters["tau"]
        5.0
        """
        changed = self._changed(changes) if changes else self
        before, after = (
            tuple(bodies) if isinstance(bodies, (list, tuple)) else (bodies,)
            for bodies in (step_before, step_after)
        )
        for role, bodies in (("step_before", before), ("step_after", after)):
            for body in bodies:
                check_body(role, body, "i", "t", "s", "p")
        for role, more in (("variables", variables), ("parameters", parameters)):
            if not (more is None or isinstance(more, Mapping)):
                raise InputError(f"{role} is {show(more)}; it has to be a dict of numbers.")
            own: Mapping[str, Any] = getattr(self, role)
            for name in more or {}:
                if name in own:
                    raise InputError(
                        f"{role} has {show(name)}, which this neuron has already; choose another "
                        f"name, or give its value by name: with_({name}=...)."
                    )
        if changes and not (before or after or variables or parameters):
            return changed
        names = tuple(parameters or {})
        shown = tuple(name for name in (*self.parameters, *names) if name not in self.live)
        extended = replace(
            changed,
            steps=(*before, *self.steps, *after),
            variables={**changed.variables, **(variables or {})},
            parameters={**changed.parameters, **(parameters or {})},
            constants=_MoreConstants(self.constants, names, shown),
            name=f"{changed.name} and more" if changed.name else "",
        )
        if self.time_constants is None:
            return extended
        return replace(extended, time_constants=_MoreTimes(self.time_constants, names))

    def _changed(self, changes: Mapping[str, Any]) -> Neuron:
        """The same neuron with other defaults."""
        values, changes = self.values(changes), self.present(changes)
        other = {name: redefined(self.parameters[name], values[name]) for name in changes}
        told = ", ".join(f"{name}={value:g}" for name, value in other.items())
        name = f"{self.name} with {told}" if self.name else ""
        return replace(self, parameters={**self.parameters, **other}, name=name)

    def with_parameters(self, given: Mapping[str, Any], dt: float) -> dict[str, Any]:
        """The numbers that the bodies see, from the defaults and `given`.

        Raises
        ------
        InputError
            If a name is unknown, a value is not a finite number, a time constant (``tau...``) is
            not positive, or dt is longer than the shortest of them.
        """
        return self._constants(self.values(given), given, dt)

    def longest(self, given: Mapping[str, Any]) -> float:
        """The longest time constant in ms, with parameters that `with_parameters` takes.

        Raises
        ------
        InputError
            If `time_constants` returns anything but numbers.
        """
        return self._longest(self.values(given))

    def start(self, given: Mapping[str, Any]) -> dict[str, float]:
        """The start value of each variable, with the parameters `given`.

        Parameters
        ----------
        given : dict
            Parameters other than their defaults.

        Raises
        ------
        InputError
            If a name is unknown, or a value or a start is not a finite number.

        Examples
        --------
        >>> from spikesim import CurrentLIF
        >>> CurrentLIF.start({"E_L": -70.0})["v"]
        -70.0
        """
        return self._starts(self.values(given), given)

    def following(self, given: Mapping[str, Any], dt: float) -> Following:
        """Everything that follows from the parameters `given`; raises the errors of the others."""
        values = self.values(given)
        constants = self._constants(values, given, dt)
        return Following(values, constants, self._starts(values, given), self._longest(values))

    def _constants(
        self, values: dict[str, Any], given: Mapping[str, Any], dt: float
    ) -> dict[str, Any]:
        dt = check_number("dt", dt, above=0.0, at_least=1e-9, unit="ms")
        for name, value in values.items():
            if name.startswith("tau"):
                check_number(name, value, above=0.0, at_least=1e-9, unit="ms")
                if dt > value:
                    raise InputError(
                        f"dt is {dt:g} ms, longer than {name} = {value:g} ms; "
                        f"choose a dt of {value / 10:g} ms or less."
                    )
        try:
            constants = self.constants(values, dt)
        except ArithmeticError as error:
            raise InputError(
                f"{_listed(given)}: no constants follow from that ({error})."
            ) from None
        if not isinstance(constants, Mapping):
            raise InputError(
                f"constants returns {show(constants)}; it has to return a dict of numbers."
            )
        for name, value in constants.items():
            if not _is_usable(value):
                raise InputError(
                    f"{_listed(given)}: constants makes {name} {show(value)} of that; it has to be "
                    "a finite number, or a whole one of 64 bits."
                )
        return constants  # no copy: a model may change them between runs

    def _longest(self, values: dict[str, Any]) -> float:
        found: Any = [value for name, value in values.items() if name.startswith("tau")]
        try:
            if self.time_constants is not None:
                found = self.time_constants(values)
            return max(map(float, found), default=0.0)
        except (TypeError, ValueError, ArithmeticError):
            raise InputError(
                f"time_constants returns {show(found)}; it has to return a sequence of numbers."
            ) from None

    def _starts(self, values: dict[str, Any], given: Mapping[str, Any]) -> dict[str, float]:
        starts: dict[str, float] = {}
        for name, declared in self.variables.items():
            start = start_of(declared)
            if callable(start):
                try:
                    start = start(dict(values))
                except ArithmeticError as error:
                    raise InputError(
                        f"{_listed(given)}: {name} has no start with that ({error})."
                    ) from None
            elif isinstance(start, str):
                start = values[start]
            starts[name] = check_number(f"variables[{name!r}]", start)
        return starts

    def present(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters by their present names; see `former`."""
        if not isinstance(given, Mapping):
            raise InputError(f"given is {show(given)}; it has to be a dict of parameters.")
        found: dict[str, Any] = {}
        for name, value in given.items():
            present = present_name(name, self.parameters, self.former)
            if present in found:
                raise InputError(f"{name} is given twice: it is now called {present}.")
            found[present] = value
        return found

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters of a neuron, from the defaults and `given`.

        Raises
        ------
        InputError
            If a name is unknown, a value is not a finite number, or a value is not whole although
            its default is.

        Examples
        --------
        >>> from spikesim import DeltaLIF
        >>> DeltaLIF.values({"tau": 10})["tau"]
        10.0

        Parameters
        ----------
        given : dict
            Parameters other than their defaults.
        """
        given = self.present(given)
        check_unknown("parameter", given, self.parameters)
        values = {
            name: int(value) if isinstance(value, numbers.Integral) else float(value)
            for name, value in self.parameters.items()
        }
        for name, value in given.items():
            _refuse_array("parameters", name, value)
            number = check_number(name, value)
            if isinstance(values[name], int):
                if not number.is_integer():
                    raise InputError(
                        f"{name} is {value}; it has to be a whole number, as its default is."
                    )
                number = int(number)
            values[name] = number
        return values


@dataclass(frozen=True)
class _MoreConstants:
    """The constants of an extended neuron: its previous ones, dt, and all parameters."""

    own: Callable[[dict[str, Any], float], dict[str, Any]]
    names: tuple[str, ...]  # the new parameters
    shown: tuple[str, ...]  # the parameters that bodies see: all that cannot become variables

    def __call__(self, parameters: dict[str, Any], dt: float) -> Any:
        constants = self.own(parameters, dt)
        if not isinstance(constants, Mapping):
            return constants  # the caller refuses it
        for name in self.names:
            if name in constants:
                raise InputError(
                    f"parameters has {name!r}, which is a constant of the neuron that was "
                    "extended; choose another name."
                )
        more = {name: parameters[name] for name in self.shown}
        return {"dt": dt, **more, **constants}


@dataclass(frozen=True)
class _MoreTimes:
    """The time constants of an extended neuron."""

    own: Callable[[dict[str, Any]], Sequence[float]]
    names: tuple[str, ...]

    def __call__(self, parameters: dict[str, Any]) -> list[float]:
        more = [parameters[name] for name in self.names if name.startswith("tau")]
        return [*self.own(parameters), *more]


_NUMBER_OF_EACH = {
    "parameters": "add_population takes one for each neuron",
    "variables": "give each its own by cells.{0}[:] = ... after adding the population",
}


def _refuse_array(role: str, name: str, value: Any) -> None:
    if isinstance(value, (np.ndarray, list, tuple)):
        raise InputError(
            f"{role}[{name!r}] is {show(value)}; it has to be one number for all; "
            f"{_NUMBER_OF_EACH[role].format(name)}."
        )


def _is_usable(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return math.isfinite(value)
    return is_whole(value) or isinstance(value, (bool, np.bool_))


def _listed(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} is {show(value)}" for name, value in given.items()) or "parameters"
