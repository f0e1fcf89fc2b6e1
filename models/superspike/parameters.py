"""The constants of SuperSpike, and the choices that its authors studied."""

from __future__ import annotations

from typing import Any, NamedTuple

from spikesim.checks import check_choice, check_integer, check_number, check_parameters, check_steps
from spikesim.errors import InputError
from spikesim.precision import COUNTABLE, NEAR_ZERO, check_speed

__all__ = ["Parameters"]


class Parameters(NamedTuple):
    """Constants and options; the defaults are those of the article and of the authors' program.

    Times are in ms; voltages, currents and weights in mV. Where article and program differ, the
    program is followed, so that its runs can be replayed.
    """

    tau_mem: float = 10.0  # τ_mem, membrane (article, table 1)
    tau_syn: float = 5.0  # τ_syn, synaptic current (table 1)
    tau_ref: float = 5.0  # τ_ref, refractory period (table 1)
    U_rest: float = -60.0  # resting and reset potential (table 1)
    theta: float = -50.0  # ϑ, threshold (table 1)
    delay: float = 0.8  # axonal delay of every connection and of all that learning sees; 0: none
    beta: float = 1.0  # β in 1/mV, steepness of the surrogate derivative (section 3.3.2)
    tau_rise: float = 5.0  # τ_rise of eligibility traces and error signals (section 3.3.3)
    tau_decay: float = 10.0  # τ_decay of eligibility traces and error signals
    feedback: str = "symmetric"  # or "random", "uniform" (section 3.3.4)
    error: str = "trains"  # from target trains, or "windows": from spikes missed and wrong (fig. 5)
    eta: float = 1.0  # r_0, the largest change of a weight per chunk, 1e-3 V (authors' scripts)
    w_max: float = 100.0  # bounds of weights, ±0.1 V (section 3.3.5)
    w_0: float = 50.0  # initial weights: Gaussian with sd w_0 / sqrt(inputs) (authors' scripts)
    chunk: float = 500.0  # t_b, time between updates (section 3.3.5)
    optimizer: str = "rmaxprop"  # or "rmsprop", "plain" (section 3.3.6)
    tau_rms: float = 30_000.0  # τ_rms, forgetting of the largest gradient (program)
    epsilon: float = 1e-12  # added to sqrt(v); gradients as in the program, 1/V (its scripts)
    rho: float = 0.0  # ρ, heterosynaptic regulariser of hidden layers; 1 (eq. 3.4)
    a: int = 4  # a, its exponent (eq. 3.4)
    tau_het: float = 100.0  # τ_het, its trace of postsynaptic spikes (program)
    rho_error: bool = False  # the regulariser times e^2 (appendix A.5)
    psp_cut: float | None = None  # PSPs up to it count as none; 1e-7, else 1e-5 (program)
    error_cut: float = 1e-7  # errors below it count as none (program)
    hebbian_delay: float | None = None  # of hidden layers' PSPs and surrogates, see `lag`
    linear: bool = False  # control: surrogate derivative 1 ("symm. linear", figure 7)
    frozen: bool = False  # control: only the output layer learns
    tau_avg: float = 10_000.0  # of the cost's moving average (section 3.3.3)

    @property
    def cut(self) -> float:
        """The PSP up to which a presynaptic neuron counts as silent."""
        if self.psp_cut is not None:
            return float(self.psp_cut)
        return 1e-7 if self.feedback == "symmetric" else 1e-5

    def lag(self, hidden: bool, dt: float) -> int:
        """Steps by which surrogate derivatives and PSPs are delayed to meet the error signal.

        Errors come as late as the axonal delay. With random or uniform feedback they take another
        axonal delay to hidden layers; the authors' program waits for one step less than that.
        """
        delay = round(self.delay / dt)
        if hidden and self.hebbian_delay is not None:
            return round(self.hebbian_delay / dt)
        if hidden and self.feedback != "symmetric":
            return max(2 * delay - 1, 0)
        return delay

    def feedback_delay(self, dt: float) -> int:
        """Steps from a layer's raw error to that of the layer below."""
        return 1 if self.feedback == "symmetric" else 1 + round(self.delay / dt)

    @classmethod
    def checked(cls, layers: int, dt: float, dtype: str, given: dict[str, Any]) -> Parameters:
        """Parameters from values given by name.

        Raises
        ------
        InputError
            If a name is unknown, a value is impossible or too slow for `dtype`, or two options
            exclude each other.
        """
        given = check_parameters(given, cls._field_defaults)
        p = cls(**given)
        for name in ("tau_mem", "tau_syn", "tau_rise", "tau_decay", "tau_het"):
            check_number(name, getattr(p, name), at_least=dt, unit=f"ms, dt being {dt:g} ms")
            has_offset = name == "tau_mem"  # all others decay to 0
            check_speed(name, getattr(p, name), dt if has_offset else NEAR_ZERO * dt, dtype)
        for name in ("tau_rms", "beta", "w_max", "epsilon"):
            check_number(name, getattr(p, name), above=0.0)
        check_number("tau_avg", p.tau_avg, at_least=1e-9, unit="ms")
        for name in ("eta", "w_0", "rho", "error_cut"):
            check_number(name, getattr(p, name), at_least=0.0)
        check_steps("tau_ref", p.tau_ref, dt, at_most=COUNTABLE)
        check_steps("delay", p.delay, dt)
        check_steps("chunk", p.chunk, dt, at_least=1)
        if p.hebbian_delay is not None:
            check_steps("hebbian_delay", p.hebbian_delay, dt)
        check_number("tau_decay", p.tau_decay, above=p.tau_rise, unit="ms, longer than tau_rise")
        check_number("U_rest", p.U_rest, unit="mV")
        check_number("theta", p.theta, above=p.U_rest, unit="mV, above U_rest")
        check_integer("a", p.a, at_least=0, at_most=20)
        if p.psp_cut is not None:
            check_number("psp_cut", p.psp_cut, at_least=0.0)
        check_choice("feedback", p.feedback, ["symmetric", "random", "uniform"])
        check_choice("error", p.error, ["trains", "windows"])
        check_choice("optimizer", p.optimizer, ["rmaxprop", "rmsprop", "plain"])
        for name in ("rho_error", "linear", "frozen"):
            check_choice(name, getattr(p, name), [True, False])
        if layers < 2 and (p.rho > 0 or p.frozen):
            raise InputError("rho and frozen are about hidden layers; this network has none.")
        return p
