"""The constants of the exclusive-or task of Payeur et al. (2021), and its controls."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from spikesim.checks import check_choice, check_integer, check_number, check_parameters, check_steps

__all__ = ["Parameters"]


class Parameters(NamedTuple):
    """Constants and options; the defaults are those of the authors' program (sim_xor, run_xor).

    Times are in ms, rates in Hz, currents in pA. Synaptic weights are in units of the leak
    conductance and hold for `in_degree` synapses per neuron and projection.
    """

    n: int = 500  # N, neurons in each of the five populations
    in_degree: int = 100  # synapses per neuron and projection: p N, p = 0.2
    duration: float = 8000.0  # of an example
    prediction: float = 0.9  # share of it before the teacher comes and weights learn
    current_for_0: float = -350.0  # into the somata of an input population
    current_for_1: float = 150.0
    # Background: Poisson spikes to every neuron.
    rate_input: float = 500.0  # onto somata of the input populations
    rate_soma: float = 150.0  # onto those of the other populations
    rate_dendrite: float = 500.0  # onto dendrites
    w_soma: float = 0.35  # weight onto somata, excitation and inhibition
    w_dendrite: float = 0.05  # and onto dendrites
    hidden_exc: float = 1.1  # what the weights onto somata are multiplied by in hidden populations
    hidden_inh: float = 1.4
    # Feedforward: events onto somata.
    w_exc: float = 0.234  # initial weight of plastic excitation
    w_inh: float = 0.25  # inhibition, fixed
    # Feedback: bursts of the output onto dendrites of the hidden populations.
    w_exc_hidden_1: float = 0.26
    w_inh_hidden_1: float = 0.06
    w_exc_hidden_2: float = 0.026  # the inverse sign
    w_inh_hidden_2: float = 0.27
    I_d_output: float = 400.0  # constant current into dendrites
    I_d_hidden_2: float = 500.0
    # Plasticity.
    eta_hidden: float = 8e-3  # eta, input to hidden
    eta_output: float = 4e-3  # hidden to output
    tau_pre: float = 100.0  # tau_pre, trace of presynaptic events
    alpha: float = 2000.0  # alpha, averages of events and bursts
    w_max: float = 1.0  # largest plastic weight; the smallest is 0
    e_min: float = 2.0  # event rate that stands for 0; the least that homeostasis allows
    e_max: float = 10.0  # event rate that stands for 1; the most that homeostasis allows
    tolerance: float = 1.0  # how close to them is close enough
    I_teacher: float = 1000.0  # I_0, the largest teaching current
    # Controls.
    teacher: bool = True  # False: no teaching current
    feedback: str = "opposite"  # onto hidden_2, or "symmetric": both hidden populations alike

    @classmethod
    def checked(cls, dt: float, given: dict[str, Any]) -> Parameters:
        """Parameters from values given by name.

        With symmetric feedback, hidden_2 has the values of hidden_1, no constant current, and
        learning rates are halved, unless given (the authors' sim_xor_symfb).

        Raises
        ------
        InputError
            If a name is unknown or a value is impossible.
        """
        given = check_parameters(given, cls._field_defaults)
        feedback = given.get("feedback", "opposite")
        check_choice("feedback", feedback, ["opposite", "symmetric"])
        if feedback == "symmetric":
            one = cls(**given)
            alike = {
                "w_exc_hidden_2": one.w_exc_hidden_1,
                "w_inh_hidden_2": one.w_inh_hidden_1,
                "I_d_hidden_2": 0.0,
                "eta_hidden": 4e-3,
                "eta_output": 2e-3,
            }
            given = {**alike, **given}
        p = cls(**given)
        check_integer("n", p.n, at_least=1)
        check_integer("in_degree", p.in_degree, at_least=1)
        check_number("prediction", p.prediction, above=0.0, below=1.0)
        steps = check_steps("duration", p.duration, dt, at_least=2)
        check_integer("steps of the prediction", round(steps * p.prediction), at_least=1)
        for name in ("rate_input", "rate_soma", "rate_dendrite"):
            check_number(name, getattr(p, name), at_least=0.0, unit="Hz")
        weights = [name for name in cls._fields if name.startswith("w_")]
        factors = ["hidden_exc", "hidden_inh", "eta_hidden", "eta_output", "I_teacher"]
        for name in weights + factors:
            check_number(name, getattr(p, name), at_least=0.0)
        check_number("w_max", p.w_max, above=0.0)
        check_number("w_exc", p.w_exc, at_most=p.w_max)
        for name in ("current_for_0", "current_for_1", "I_d_output", "I_d_hidden_2"):
            check_number(name, getattr(p, name), unit="pA", dtype=np.float32)
        for name in ("tau_pre", "alpha"):
            check_number(
                name, getattr(p, name), at_least=dt, at_most=1e12, unit=f"ms, dt being {dt:g} ms"
            )
        check_number("e_min", p.e_min, at_least=0.0, unit="Hz")
        check_number("e_max", p.e_max, above=p.e_min, unit="Hz, above e_min")
        check_number("tolerance", p.tolerance, above=0.0, below=p.e_max - p.e_min, unit="Hz")
        check_choice("teacher", p.teacher, [True, False])
        return p
