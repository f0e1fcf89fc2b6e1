"""The constants of the segregated-dendrite network, and the choices that its authors studied."""

from __future__ import annotations

from typing import Any, NamedTuple

from spikesim.checks import check_choice, check_integer, check_number, check_parameters
from spikesim.errors import InputError
from spikesim.precision import NEAR_ZERO, check_speed

__all__ = ["Parameters"]


class Parameters(NamedTuple):
    """Constants and options; the defaults are those of the authors' published script.

    Voltages are in mV around a resting voltage of 0, conductances in 1/ms (C_m = 1), rates in 1/ms,
    times in ms.
    """

    phi_max: float = 0.2  # φ_max, maximum rate: 0.2 / ms = 200 Hz
    tau_s: float = 3.0  # τ_s, synaptic time constant of the PSP
    tau_L: float = 10.0  # τ_L, leak time constant of the PSP
    memory: int | None = 10  # steps after which a spike stops acting (script); None: never (paper)
    g_L: float = 0.1  # leak conductance
    g_B: float = 0.6  # basal dendrite to soma, hidden neurons
    g_D: float = 0.6  # dendrite to soma, output neurons
    g_A: float = 0.0  # apical dendrite to soma; 0: full segregation; 0.05 in the paper's figure 8
    E_E: float = 8.0  # excitatory reversal potential of the teaching current
    E_I: float = -8.0  # inhibitory reversal potential of the teaching current
    phase: int = 50  # shortest phase; a phase lasts phase + floor(Wald(wald_mean, wald_scale))
    wald_mean: float = 2.0
    wald_scale: float = 1.0
    test_phase: int = 250  # length of the forward phase in a test
    window: int = 20  # the last steps of a phase, over which means are taken
    test_window: int = 220
    eta: float | tuple[float, ...] = 0.21  # η, learning rate of all layers or of each
    eta_Y: float = 0.0  # learning rate of the feedback weights (option `feedback_learning`)
    feedback: str = "broadcast"  # from the output layer, or "layered": from the layer above
    symmetric: bool = False  # feedback weights follow the transposed forward weights
    symmetric_noise: float = 0.0  # sd of noise on symmetric weights, redrawn each example; 0.05
    sparse: float = 0.0  # fraction of feedback weights that is zero; the rest is scaled up; 0.8
    plateau_jitter: float = 0.0  # sd in ms of how long before a phase's end plateaus come; 3
    feedback_learning: bool = False  # learn Y toward the inverse of the forward path
    backpropagation: bool = False  # control: hidden errors by backpropagation
    frozen: bool = False  # control: only the output layer learns
    spiking: bool = True  # False: rates instead of spikes, two steps per phase, deterministic
    units_per_class: int = 1  # output neurons for each class
    measure_angle: bool = False  # record the angle between hidden and backpropagation updates
    measure_inverse: bool = False  # record the largest eigenvalue of (I - J)^T (I - J)

    @property
    def k_B(self) -> float:
        """Steady-state attenuation from basal dendrite to soma."""
        return self.g_B / (self.g_L + self.g_B + self.g_A)

    @property
    def k_D(self) -> float:
        """Steady-state attenuation from dendrite to soma in the output layer."""
        return self.g_D / (self.g_L + self.g_D)

    @property
    def longest_lag(self) -> int:
        """How many ms before the end of a phase a plateau can come, at most."""
        return 5 if self.plateau_jitter > 0 else 0

    @classmethod
    def checked(cls, layers: int, dtype: str, given: dict[str, Any]) -> Parameters:
        """Parameters from values given by name.

        Raises
        ------
        InputError
            If a name is unknown, a value is impossible or too slow for `dtype`, or two options
            exclude each other.
        """
        given = check_parameters(given, cls._field_defaults)
        p = cls(**given)
        for name in ("tau_s", "tau_L", "wald_mean", "wald_scale"):
            check_number(name, getattr(p, name), above=0.0)
        check_number("tau_L", p.tau_L, above=p.tau_s, unit="ms")
        check_number("tau_s", p.tau_s, at_least=1.0, unit="ms, dt being 1 ms")
        check_number("phi_max", p.phi_max, at_least=1e-9, at_most=0.5, unit="1/ms, dt being 1 ms")
        for name in ("g_L", "g_B", "g_D", "g_A", "eta_Y", "symmetric_noise", "plateau_jitter"):
            check_number(name, getattr(p, name), at_least=0.0)
        if p.g_L + p.g_B + p.g_A >= 2.0 or p.g_L + p.g_D + 1.0 >= 2.0:
            raise InputError(
                f"g_L + g_B + g_A is {p.g_L + p.g_B + p.g_A:g} and g_L + g_D + 1 is "
                f"{p.g_L + p.g_D + 1.0:g} per ms; a step of 1 ms is stable below 2."
            )
        sums = {"g_L + g_B + g_A": p.g_L + p.g_B + p.g_A, "g_L + g_D": p.g_L + p.g_D}
        for name, g in sums.items():
            if g > 0.0:
                check_speed(f"1 / ({name})", 1.0 / g, NEAR_ZERO, dtype)
        check_number("E_E", p.E_E)
        check_number("E_I", p.E_I)
        check_number("sparse", p.sparse, at_least=0.0, below=1.0)
        if p.memory is not None:
            check_integer("memory", p.memory, at_least=1)
        for name in ("phase", "test_phase", "window", "test_window", "units_per_class"):
            check_integer(name, getattr(p, name), at_least=1)
        room = p.phase - p.longest_lag - 1
        check_integer("window", p.window, at_most=room)
        check_integer("test_window", p.test_window, at_most=p.test_phase - 1)
        for name in (
            "symmetric",
            "feedback_learning",
            "backpropagation",
            "frozen",
            "spiking",
            "measure_angle",
            "measure_inverse",
        ):
            check_choice(name, getattr(p, name), [True, False])
        check_choice("feedback", p.feedback, ["broadcast", "layered"])
        rates = p.eta if isinstance(p.eta, (tuple, list)) else (p.eta,) * layers
        if len(rates) != layers:
            raise InputError(
                f"eta has {len(rates)} values; it has to be one number, or one for each of the "
                f"{layers} layers."
            )
        for rate in rates:
            check_number("eta", rate, at_least=0.0)
        if p.symmetric and p.feedback_learning:
            raise InputError(
                "symmetric and feedback_learning are both on; symmetric weights follow the forward "
                "weights and cannot be learned. Choose one."
            )
        if p.symmetric_noise and not p.symmetric:
            raise InputError("symmetric_noise is for symmetric feedback; set symmetric to True.")
        if p.measure_inverse and (layers < 2 or p.feedback != "broadcast"):
            raise InputError("measure_inverse needs a hidden layer and broadcast feedback.")
        if not p.spiking and p.plateau_jitter:
            raise InputError("plateau_jitter is for spiking networks; a rate phase has two steps.")
        return p._replace(eta=tuple(float(rate) for rate in rates))
