"""The constants of the segregated-dendrite network, and the choices that its authors studied.

Voltages are in mV around a resting voltage of 0, conductances in 1/ms (C_m = 1), rates in 1/ms,
times in ms. The defaults are those of the authors' published script.
"""

from spikesim.checks import check_integer, check_number
from spikesim.learning.parameters import (
    ModelParameters,
    choice,
    flag,
    number,
    per_layer,
    refuse_if,
    whole,
)
from spikesim.precision import NEAR_ZERO, check_speed

__all__ = ["Parameters"]

PER_MS = "1/ms, dt being 1 ms"


class Parameters(ModelParameters):
    """Constants and options."""

    phi_max: float = number(
        0.2, "maximum rate, 200 Hz", unit=PER_MS, symbol="φ_max", at_least=1e-9, at_most=0.5
    )
    tau_s: float = number(
        3.0, "rise of the PSP", unit="ms, dt being 1 ms", symbol="τ_s", at_least=1.0
    )
    tau_L: float = number(10.0, "decay of the PSP", unit="ms", symbol="τ_L", above=0.0)
    memory: int | None = whole(10, "steps that a spike acts for", at_least=1, optional=True)
    g_L: float = number(0.1, "leak conductance", unit="1/ms", at_least=0.0)
    g_B: float = number(0.6, "basal dendrite to soma, hidden neurons", unit="1/ms", at_least=0.0)
    g_D: float = number(0.6, "dendrite to soma, output neurons", unit="1/ms", at_least=0.0)
    g_A: float = number(0.0, "apical dendrite to soma; 0.05 in figure 8", unit="1/ms", at_least=0.0)
    E_E: float = number(8.0, "reversal potential of the teaching current, excitatory", unit="mV")
    E_I: float = number(-8.0, "the same, inhibitory", unit="mV")
    phase: int = whole(50, "shortest phase; Wald-distributed steps are added", at_least=1)
    wald_mean: float = number(2.0, "of what is added", unit="ms", above=0.0)
    wald_scale: float = number(1.0, "of what is added", above=0.0)
    test_phase: int = whole(250, "steps of the forward phase in a test", at_least=1)
    window: int = whole(20, "last steps of a phase, over which means are taken", at_least=1)
    test_window: int = whole(220, "the same in a test", at_least=1)
    eta: float | tuple[float, ...] = per_layer(0.21, "learning rate", symbol="η", at_least=0.0)
    eta_Y: float = number(0.0, "learning rate of feedback", symbol="η_Y", at_least=0.0)
    initial: str = choice("script", "preprint", about="whose initial weights")
    feedback: str = choice("broadcast", "layered", about="from the output, or the layer above")
    symmetric: bool = flag(False, "feedback follows the transposed forward weights")
    symmetric_noise: float = number(0.0, "sd of noise on them, in each example", at_least=0.0)
    sparse: float = number(0.0, "fraction of feedback that is absent", at_least=0.0, below=1.0)
    plateau_jitter: float = number(0.0, "sd of how early plateaus come", unit="ms", at_least=0.0)
    feedback_learning: bool = flag(False, "learn Y toward the inverse of the forward path")
    backpropagation: bool = flag(False, "control: hidden errors by backpropagation")
    frozen: bool = flag(False, "control: only the output layer learns")
    spiking: bool = flag(True, "else rates, two steps per phase, without chance")
    units_per_class: int = whole(1, "output neurons for each class", at_least=1)
    measure_angle: bool = flag(False, "record the angle to updates by backpropagation")
    measure_inverse: bool = flag(False, "record the largest eigenvalue of (I - J)^T (I - J)")

    @property
    def k_B(self) -> float:
        """Steady-state attenuation from basal dendrite to soma."""
        return self.g_B / (self.g_L + self.g_B + self.g_A)

    @property
    def k_D(self) -> float:
        """The same in the output layer."""
        return self.g_D / (self.g_L + self.g_D)

    @property
    def longest_lag(self) -> int:
        """How many ms before the end of a phase a plateau can come, at most."""
        return 5 if self.plateau_jitter > 0 else 0

    def check(self, layers: int, dtype: str) -> None:
        check_number("tau_L", self.tau_L, above=self.tau_s, unit="ms")
        hidden, output = self.g_L + self.g_B + self.g_A, self.g_L + self.g_D
        refuse_if(
            hidden >= 2.0 or output + 1.0 >= 2.0,
            f"g_L + g_B + g_A is {hidden:g} and g_L + g_D + 1 is {output + 1.0:g} per ms; a step "
            "of 1 ms is stable below 2.",
        )
        for name, g in {"g_L + g_B + g_A": hidden, "g_L + g_D": output}.items():
            if g > 0.0:
                check_speed(f"1 / ({name})", 1.0 / g, NEAR_ZERO, dtype)
        check_integer("window", self.window, at_most=self.phase - self.longest_lag - 1)
        check_integer("test_window", self.test_window, at_most=self.test_phase - 1)
        refuse_if(
            self.symmetric and self.feedback_learning,
            "symmetric and feedback_learning are both on; symmetric weights follow the forward "
            "weights and cannot be learned. Choose one.",
        )
        refuse_if(
            self.symmetric_noise and not self.symmetric,
            "symmetric_noise is for symmetric feedback; set symmetric to True.",
        )
        refuse_if(
            self.measure_inverse and (layers < 2 or self.feedback != "broadcast"),
            "measure_inverse needs a hidden layer and broadcast feedback.",
        )
        refuse_if(
            not self.spiking and self.plateau_jitter,
            "plateau_jitter is for spiking networks; a rate phase has two steps.",
        )
