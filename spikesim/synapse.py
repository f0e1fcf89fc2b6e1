"""A synapse model: how a postsynaptic neuron of any kind responds to spikes.

A `Synapse` is a description, like a `Neuron`; `Network.connect` gives one to a projection. You can
write one in your script: its functions are plain Python, and spikesim compiles them like its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spikesim.attributes import Fixed
from spikesim.checks import check_choice, check_number, check_unknown, is_real, nearest, show
from spikesim.declaring import (
    Variable,
    check_declared,
    check_texts,
    described,
    redefined,
    start_of,
)
from spikesim.errors import InputError
from spikesim.signatures import arguments_of, check_names_and_numbers

__all__ = ["RECORDED", "RESERVED", "Synapse"]

RESERVED: set[str] = set()
"""Names that no variable or parameter can have, as a projection's synapse has such attributes."""

RECORDED: set[str] = set()
"""Names that no variable can have, as its recordings have such attributes."""


_ANY = 0.1  # ms, the step for which constants are computed to find their names


def _none(parameters: dict[str, float], dt: float) -> dict[str, float]:
    """No constants, for synapses whose functions read parameters only."""
    return {}


@dataclass(frozen=True, kw_only=True, repr=False)
class Synapse:
    """A kind of synapse, which sends a current into an input of its neurons.

    Its variables belong to the postsynaptic neuron: each neuron has one set for all synapses of a
    projection, whose effects add up. An arriving spike adds the weight of its synapse to the
    variable `on_spike`. In every step, the network adds `current` to the input that
    `Network.connect` names, and then `step` advances the variables.

    Each function gets its arguments by their names: variables and parameters of the synapse,
    `constants`, ``dt``, and variables of the neuron, such as ``v``. The functions are compiled like
    the steps of a `Neuron` and have to follow the same rules.

    Parameters
    ----------
    variables : dict of str to Variable or float
        The variables and their start values; a `Variable` also says what it means.
    on_spike : str
        The variable that arriving spikes add their weights to.
    step : callable
        Returns the variables after a step of dt: one number or, for several, one for each in their
        order.
    current : callable
        Returns the current that is added to the input, in the neuron's unit for it.
    parameters : dict of str to Parameter or float
        Numbers that you may set between runs: ``synapses.synapse.Mg = 0.0``. A `Parameter` also
        says what it means.
    constants : callable, optional
        ``constants(parameters, dt)`` returns a dict of further numbers that the functions can ask
        for, such as decay factors; they are not computed in every step.
    reads : dict of str to str
        The neuron's variable behind a name in the functions, if the two differ: ``{"v": "V"}``.
    name, description : str
        The text that `help` and ``print`` show besides the variables and parameters: what the
        synapse is, its equations, and how they are computed.

    Raises
    ------
    InputError
        If a name is used twice, or an argument of a function has a name that stands for nothing.

    Examples
    --------
    A conductance that decays:

    >>> from spikesim import AdEx, Network, Synapse
    >>> def decay(g, tau, dt):
    ...     return g - g * dt / tau
    >>> def current(g, v, E):
    ...     return g * (E - v)
    >>> slow = Synapse(
    ...     variables={"g": 0.0}, on_spike="g", step=decay, current=current,
    ...     parameters={"tau": 50.0, "E": 0.0},
    ... )
    >>> net = Network(dt=0.1, backend="python")
    >>> cells = net.add_population("cells", 3, AdEx)
    >>> synapses = net.connect(
    ...     cells, cells, target="I", weight=2.0, synapse=slow.with_(tau=80.0)
    ... )
    >>> synapses.synapse.g.tolist()
    [0.0, 0.0, 0.0]
    """

    variables: Mapping[str, Variable | float]
    on_spike: str
    step: Callable
    current: Callable
    parameters: Mapping[str, float] = field(default_factory=dict)
    constants: Callable[[dict[str, float], float], dict[str, float]] = _none
    reads: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse a description from which no projection can be made."""
        taken = {"dt": "the step", **dict.fromkeys(RESERVED, "an attribute of all synapses")}
        variables: Any = self.variables
        if isinstance(variables, Mapping):
            for name, variable in variables.items():
                check_declared(name, variable)
            variables = {name: start_of(variable) for name, variable in variables.items()}
        recorded = dict.fromkeys(RECORDED, "an attribute of recordings")
        check_names_and_numbers("variables", variables, recorded | taken)
        taken.update(dict.fromkeys(self.variables, "one of the variables"))
        check_names_and_numbers("parameters", self.parameters, taken)
        if not self.variables:
            raise InputError("variables is empty; spikes have to change one.")
        check_choice("on_spike", self.on_spike, list(self.variables))
        for name, value in self.parameters.items():
            if name.startswith("tau"):
                check_number(f"parameters[{name!r}]", value, above=0.0, unit="ms")
        if not callable(self.constants):
            raise InputError(
                f"constants is {show(self.constants)}; it has to be a function "
                "constants(parameters, dt)."
            )
        for role in ("step", "current"):
            arguments_of(role, getattr(self, role))
        if not isinstance(self.reads, Mapping) or not all(
            isinstance(name, str) and isinstance(own, str) for name, own in self.reads.items()
        ):
            raise InputError(
                f"reads is {show(self.reads)}; it has to be a dict of names, as in {{'v': 'V'}}."
            )
        check_unknown("argument in reads", self.reads, self._asked())
        check_texts("", name=self.name, description=self.description)
        owner = self.name if self.name.isidentifier() else "synapse"
        for role, other in (
            ("parameters", f"{owner}.with_({{name}}={{value}}) is one with another value"),
            ("variables", "set it in a network, as in synapses.synapse.{name} = {value}"),
        ):
            object.__setattr__(self, role, Fixed(owner, getattr(self, role), other))
        # `help` shows the docstring of the object itself.
        object.__setattr__(self, "__doc__", repr(self))

    def __repr__(self) -> str:
        read = ", ".join(
            f"{self.reads[name]} of the neuron, as {name}"
            if self.reads.get(name, name) != name
            else f"{name} of the neuron"
            for name in self._asked()
        )
        note = f"A spike adds its weight to {self.on_spike}."
        if read:
            other = self._asked()[0]
            note += f'\nIt reads {read}; with_({other}="NAME") names another variable.'
        told = self.name, self.description, self.parameters, self.variables
        return described(*told, kind="synapse", note=note)

    def _asked(self) -> list[str]:
        """The names by which the functions ask for variables of the neuron."""
        known = {"dt", *self.variables, *self.numbers(self.parameters, _ANY)}
        arguments = (*arguments_of("step", self.step), *arguments_of("current", self.current))
        return [name for name in dict.fromkeys(arguments) if name not in known]

    def with_(self, **changes: Any) -> Synapse:
        """The same synapse with other parameters, or with other variables of the neuron.

        Parameters
        ----------
        **changes
            A number for a parameter, or the neuron's variable for an argument of the functions:
            ``NMDA.with_(Mg=2.0, v="v_dendrite")``.

        Raises
        ------
        InputError
            If there is no such parameter or argument.

        Examples
        --------
        >>> from spikesim import NMDA
        >>> NMDA.with_(Mg=2.0, v="V").parameters["Mg"]
        2.0
        """
        asked = self._asked()
        check_unknown("parameter", changes, [*self.parameters, *asked])
        numbers, names = dict(self.parameters), dict(self.reads)
        for name, value in changes.items():
            if name in asked and not isinstance(value, str):
                raise InputError(
                    f"{name} is {show(value)}; it has to be the name of a variable of the neuron, "
                    f"as in {name}='V'."
                )
            if name in asked:
                names[name] = value
            else:
                numbers[name] = redefined(self.parameters[name], check_number(name, value))
        return replace(self, parameters=numbers, reads=names)

    def numbers(self, parameters: Mapping[str, float], dt: float) -> dict[str, float]:
        """Parameters and constants, by name.

        Raises
        ------
        InputError
            If no constants follow from the parameters.
        """
        values = {name: float(value) for name, value in parameters.items()}
        given = ", ".join(f"{name} is {value:g}" for name, value in values.items())
        given = given or "parameters is empty"
        try:
            constants = self.constants(dict(values), dt)
        except (ArithmeticError, ValueError) as error:
            raise InputError(f"{given}: no constants follow from that ({error}).") from None
        except KeyError as error:
            raise InputError(f"constants asks for {error}, but parameters has no such.") from None
        if not isinstance(constants, Mapping):
            raise InputError(
                f"constants returns {show(constants)}; it has to return a dict of numbers."
            )
        for name, value in constants.items():
            if not isinstance(name, str) or not name.isidentifier() or name in self.variables:
                raise InputError(f"constants has the name {show(name)}, which cannot be used.")
            if not is_real(value) or not abs(float(value)) < float("inf"):
                raise InputError(f"{given}: constants makes {name} {show(value)} of that.")
        return {**values, **{name: float(value) for name, value in constants.items()}}

    def of_neuron(self, name: str, numbers: Sequence[str], known: Sequence[str]) -> str:
        """The variable of a neuron that an argument stands for.

        Parameters
        ----------
        name : str
            The name of the argument.
        numbers : sequence of str
            The names of parameters and constants of the synapse.
        known : sequence of str
            The names of variables of the neuron.

        Raises
        ------
        InputError
            If the neurons have no variable of that name.
        """
        variable = self.reads.get(name, name)
        if variable not in known:
            own = [*self.variables, *numbers, "dt"]
            raise InputError(
                f"synapse reads {variable!r} of the neurons"
                f"{'' if name == variable else f' for its {name!r}'}, but they have "
                f"{', '.join(known)}; the synapse itself has {', '.join(own)}."
                f"{nearest(variable, [*known, *own])} If the neurons call it otherwise, connect "
                f"with synapse=....with_({name}='THEIR_NAME')."
            )
        return variable
