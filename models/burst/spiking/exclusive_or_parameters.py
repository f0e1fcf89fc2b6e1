"""The constants of the exclusive-or task of Payeur et al. (2021), and its controls."""

from __future__ import annotations

import numpy as np

from spikesim.checks import check_integer, check_number, check_steps
from spikesim.learning.parameters import TimedParameters, choice, flag, number, whole

__all__ = ["Parameters"]


class Parameters(TimedParameters):
    """Constants and options; the defaults are those of the authors' program (sim_xor, run_xor).

    Synaptic weights are in units of the leak conductance and hold for `in_degree` synapses per
    neuron and projection.
    """

    n: int = whole(500, "neurons in each of the five populations", symbol="N", at_least=1)
    in_degree: int = whole(100, "synapses per neuron and projection: p N, p = 0.2", at_least=1)
    duration: float = number(8000.0, "of an example", unit="ms", above=0.0)
    prediction: float = number(
        0.9, "share of it before the teacher comes and weights learn", above=0.0, below=1.0
    )
    current_for_0: float = number(-350.0, "into the somata of an input population", unit="pA")
    current_for_1: float = number(150.0, "the same", unit="pA")
    # Background: Poisson spikes to every neuron.
    rate_input: float = number(
        500.0, "background onto somata of the input populations", unit="Hz", at_least=0.0
    )
    rate_soma: float = number(150.0, "onto those of other populations", unit="Hz", at_least=0.0)
    rate_dendrite: float = number(500.0, "onto dendrites", unit="Hz", at_least=0.0)
    w_soma: float = number(0.35, "its weight onto somata, excitation and inhibition", at_least=0.0)
    w_dendrite: float = number(0.05, "and onto dendrites", at_least=0.0)
    hidden_exc: float = number(1.1, "w_soma of excitation times this if hidden", at_least=0.0)
    hidden_inh: float = number(1.4, "w_soma of inhibition times this if hidden", at_least=0.0)
    # Feedforward: events onto somata.
    w_exc: float = number(0.234, "initial weight of plastic excitation", at_least=0.0)
    w_inh: float = number(0.25, "inhibition, fixed", at_least=0.0)
    # Feedback: bursts of the output onto dendrites of the hidden populations.
    w_exc_hidden_1: float = number(0.26, "feedback onto hidden_1", at_least=0.0)
    w_inh_hidden_1: float = number(0.06, "feedback onto hidden_1", at_least=0.0)
    w_exc_hidden_2: float = number(0.026, "and onto hidden_2, the inverse sign", at_least=0.0)
    w_inh_hidden_2: float = number(0.27, "feedback onto hidden_2", at_least=0.0)
    I_d_output: float = number(400.0, "constant current into dendrites", unit="pA")
    I_d_hidden_2: float = number(500.0, "constant current into dendrites", unit="pA")
    # Plasticity.
    eta_hidden: float = number(8e-3, "input to hidden", symbol="η", at_least=0.0)
    eta_output: float = number(4e-3, "hidden to output", symbol="η", at_least=0.0)
    tau_pre: float = number(
        100.0, "trace of presynaptic events", unit="ms", symbol="τ_pre", above=0.0, at_most=1e12
    )
    alpha: float = number(
        2000.0, "averages of events and bursts", unit="ms", symbol="α", above=0.0, at_most=1e12
    )
    w_max: float = number(1.0, "largest plastic weight; the smallest is 0", above=0.0)
    e_min: float = number(
        2.0, "event rate for 0; the least that homeostasis allows", unit="Hz", at_least=0.0
    )
    e_max: float = number(10.0, "event rate for 1; the most that homeostasis allows", unit="Hz")
    tolerance: float = number(1.0, "how close to them is close enough", unit="Hz", above=0.0)
    I_teacher: float = number(
        1000.0, "the largest teaching current", unit="pA", symbol="I_0", at_least=0.0
    )
    # Controls.
    teacher: bool = flag(True, "False: no teaching current")
    feedback: str = choice(
        "opposite", "symmetric", about="onto hidden_2, or both hidden populations alike"
    )

    @classmethod
    def checked(cls, layers, given, dtype="float32"):
        """Parameters from values given by name.

        With symmetric feedback, hidden_2 has the values of hidden_1 and no constant current, and
        learning rates are halved; values that are given hold (the authors' sim_xor_symfb).

        Raises
        ------
        InputError
            If a name is unknown or a value is impossible.
        """
        alike = {}
        feedback = given.get("feedback")
        if isinstance(feedback, str) and feedback == "symmetric":
            one = {**cls.defaults(), **given}
            alike = {
                "w_exc_hidden_2": one["w_exc_hidden_1"],
                "w_inh_hidden_2": one["w_inh_hidden_1"],
                "I_d_hidden_2": 0.0,
                "eta_hidden": 4e-3,
                "eta_output": 2e-3,
            }
        return super().checked(layers, {**alike, **given}, dtype)

    def check(self, layers, dtype):
        check_number("w_exc", self.w_exc, at_most=self.w_max)
        check_number("e_max", self.e_max, above=self.e_min, unit="Hz, above e_min")
        check_number("tolerance", self.tolerance, below=self.e_max - self.e_min, unit="Hz")
        for name in ("current_for_0", "current_for_1", "I_d_output", "I_d_hidden_2"):
            check_number(name, getattr(self, name), unit="pA", dtype=np.float32)

    def check_times(self, dt, dtype):
        steps = check_steps("duration", self.duration, dt, at_least=2)
        check_integer("steps of the prediction", round(steps * self.prediction), at_least=1)
        for name in ("tau_pre", "alpha"):
            check_number(name, getattr(self, name), at_least=dt, unit=f"ms, dt being {dt:g} ms")
