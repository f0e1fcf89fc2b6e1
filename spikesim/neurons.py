"""What a neuron is: its variables, its parameters, and the equations that advance it by a step.

A `Neuron` is a description; `Network.add_population` makes as many of them as wanted. Write your
own in your script: the functions in `steps` are plain Python and are compiled like ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any

from spikesim.errors import InputError, check_number, check_unknown
from spikesim.kernels import neurons as equations

__all__ = ["LIF", "Neuron", "Poisson"]


def _as_given(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    return {**parameters, "dt": dt}


@dataclass(frozen=True)
class Neuron:
    """A kind of neuron.

    Parameters
    ----------
    steps : sequence of callable
        Bodies ``step(i, t, s, p)``, called in order for every neuron i in step t. They read and
        write the population's arrays ``s.NAME[i]`` and set ``s.spike[i]`` to the number of spikes
        emitted.
    variables : mapping of str to float
        The state variables and the value each starts from.
    parameters : mapping of str to float or int
        Defaults of the parameters; `Network.add_population` takes other values by name.
    constants : callable, optional
        ``constants(parameters, dt) -> dict``: the numbers that the bodies see as ``p.NAME``, for
        example decay factors instead of time constants. As a default, the parameters and ``dt``.
    stochastic : bool
        Whether each neuron gets a uniform random number in [0, 1) per step, ``s.uniform[i]``.
    most_spikes : int
        The largest number of spikes that a neuron may emit in one step.

    Examples
    --------
    >>> def step(i, t, s, p):
    ...     s.v[i] = s.v[i] + p.dt * (s.drive[i] - s.v[i]) / p.tau
    ...     s.spike[i] = s.v[i] > 1.0
    ...     if s.spike[i]:
    ...         s.v[i] = 0.0
    >>> cell = Neuron(steps=[step], variables={"v": 0.0, "drive": 0.0}, parameters={"tau": 10.0})
    """

    steps: Sequence[Callable | tuple[Callable, Callable]]
    variables: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    constants: Callable[[dict[str, Any], float], dict[str, Any]] = _as_given
    stochastic: bool = False
    most_spikes: int = 1

    def with_parameters(self, given: Mapping[str, Any], dt: float) -> dict[str, Any]:
        """The numbers that the bodies see, from the defaults and `given`.

        Raises
        ------
        InputError
            If a name is unknown, a value is no finite number, a time constant (``tau...``) is not
            positive, or dt is larger than the fastest of them.
        """
        check_unknown("parameter", given, self.parameters)
        values = dict(self.parameters)
        for name, value in given.items():
            number = check_number(name, value)
            if isinstance(values[name], int):
                if not number.is_integer():
                    raise InputError(
                        f"{name} is {value}; it has to be a whole number, as its default is."
                    )
                number = int(number)
            values[name] = number
        for name, value in values.items():
            if name.startswith("tau"):
                check_number(name, value, above=0.0, unit="ms")
                if dt > value:
                    raise InputError(
                        f"dt is {dt:g} ms, longer than {name} = {value:g} ms; "
                        f"choose a dt of {value / 10:g} ms or less."
                    )
        return self.constants(values, dt)


def _lif_constants(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    return {
        "v_rest": parameters["v_rest"],
        "v_threshold": parameters["v_threshold"],
        "v_reset": parameters["v_reset"],
        "drive": parameters["drive"],
        "decay_membrane": exp(-dt / parameters["tau_membrane"]),
        "decay_drive": exp(-dt / parameters["tau_synapse"]),
        "refractory_steps": round(parameters["refractory"] / dt),
    }


LIF = Neuron(
    steps=(equations.integrate_and_fire,),
    variables={"v": -65.0, "drive": 0.0, "refractory": 0.0},
    parameters={
        "tau_membrane": 20.0,  # ms
        "tau_synapse": 5.0,  # ms
        "v_rest": -65.0,  # mV
        "v_threshold": -50.0,  # mV
        "v_reset": -65.0,  # mV
        "refractory": 2.0,  # ms
        "drive": 0.0,  # mV, a constant input: where the voltage settles above rest
    },
    constants=_lif_constants,
)
"""Leaky integrate-and-fire neuron with one exponential synaptic drive (mV); port ``drive``."""


def _seconds_per_step(parameters: dict[str, Any], dt: float) -> dict[str, Any]:
    return {"seconds": dt / 1000.0}


Poisson = Neuron(
    steps=(equations.poisson,),
    variables={"rate": 0.0},
    constants=_seconds_per_step,
    stochastic=True,
    most_spikes=4,
)
"""Poisson source of ``rate`` Hz per neuron.

A neuron emits at most 4 spikes in a step, and random numbers are multiples of 2^-24. Rates are true
to a percent from 0.00001 to 1 spike per step, which at a dt of 0.1 ms is from 0.1 Hz to 10 kHz.
"""
