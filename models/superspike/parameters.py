"""The constants of SuperSpike, and the choices that its authors studied.

The defaults are those of the article and of the authors' program. Numbers in brackets refer to the
equations in `network`.
"""

from math import exp

from spikesim.checks import MOST_STEPS, check_number, check_steps
from spikesim.learning.parameters import TimedParameters, choice, flag, number, refuse_if, whole
from spikesim.precision import COUNTABLE, NEAR_ZERO, check_speed

__all__ = ["Constants", "Parameters"]

VOLT = 1000.0  # mV; the authors' program computes in V
TINY = 1e-30  # smaller numbers become 0


class Constants(TimedParameters):
    """What all networks of SuperSpike have; times in ms; voltages, currents and weights in mV.

    ``chunk``, the time between updates, is up to the network.
    """

    tau_mem: float = number(10.0, "membrane (table 1)", unit="ms", symbol="τ_mem", above=0.0)
    tau_syn: float = number(5.0, "synaptic current", unit="ms", symbol="τ_syn", above=0.0)
    tau_ref: float = number(5.0, "refractory period", unit="ms", symbol="τ_ref", at_least=0.0)
    U_rest: float = number(-60.0, "resting and reset potential (table 1)", unit="mV")
    theta: float = number(-50.0, "threshold (table 1)", unit="mV", symbol="ϑ")
    delay: float = number(
        0.8, "axonal delay of every connection and of all that learning sees", unit="ms", at_least=0
    )
    beta: float = number(
        1.0, "steepness of the surrogate derivative (3.3.2)", unit="1/mV", symbol="β", above=0.0
    )
    tau_rise: float = number(
        5.0, "of eligibility traces and error signals", unit="ms", symbol="τ_rise", above=0.0
    )
    tau_decay: float = number(10.0, "of the same", unit="ms", symbol="τ_decay", above=0.0)
    feedback: str = choice("symmetric", "random", "uniform", about="of errors (section 3.3.4)")
    eta: float = number(
        1.0, "largest change of a weight per update", unit="mV", symbol="r_0", at_least=0.0
    )
    w_max: float = number(100.0, "bounds of weights, ± (section 3.3.5)", unit="mV", above=0.0)
    w_0: float = number(
        50.0, "initial weights: Gaussian with sd w_0 / sqrt(inputs)", unit="mV", at_least=0.0
    )
    optimizer: str = choice("rmaxprop", "rmsprop", "plain", about="(section 3.3.6)")
    tau_rms: float = number(
        30_000.0, "forgetting of the largest gradient", unit="ms", symbol="τ_rms", above=0.0
    )
    epsilon: float = number(1e-12, "added to sqrt(v); gradients in 1/V", above=0.0)
    psp_cut: float | None = number(
        None, "PSPs up to it count as none; 1e-7, else 1e-5", optional=True, at_least=0.0
    )
    error_cut: float = number(1e-7, "errors below it count as none", at_least=0.0)
    hebbian_delay: float | None = number(
        None, "of hidden layers' PSPs and surrogates, see `lag`", unit="ms", optional=True
    )
    linear: bool = flag(False, "control: surrogate derivative 1 ('symm. linear', figure 7)")
    frozen: bool = flag(False, "control: only the output layer learns")

    slope = property(lambda self: self.beta * VOLT)  # the largest sigma', in 1/V
    U_silent = property(lambda self: self.theta - 30.0)  # where it ends, below

    @property
    def cut(self) -> float:
        """The largest PSP with which a presynaptic neuron counts as silent."""
        if self.psp_cut is not None:
            return self.psp_cut
        return 1e-7 if self.feedback == "symmetric" else 1e-5

    def lag(self, hidden: bool, dt: float) -> int:
        """The steps by which surrogate derivatives and PSPs wait for the error signal.

        Errors are late by the axonal delay. With random or uniform feedback, they take another
        axonal delay to hidden layers; the authors' program waits one step less than that.
        """
        delay = round(self.delay / dt)
        if hidden and self.hebbian_delay is not None:
            return round(self.hebbian_delay / dt)
        if hidden and self.feedback != "symmetric":
            return max(2 * delay - 1, 0)
        return delay

    def numbers(self, dt):
        """The numbers of bodies that depend on dt."""
        delay, chunk = round(self.delay / dt), round(self.chunk / dt)
        is_symmetric = self.feedback == "symmetric"
        return {
            "dt_by_tau_mem": dt / self.tau_mem,
            "decay_syn": exp(-dt / self.tau_syn),
            "refractory_steps": float(round(self.tau_ref / dt)),
            "delay": delay,
            "feedback_delay": 1 if is_symmetric else 1 + delay,
            "feedback_scale": 1.0 / VOLT if is_symmetric else 1.0,
            "c_rise": dt / self.tau_rise,
            "c_decay": dt / self.tau_decay,
            "tiny": TINY,
            "a_pre": exp(-dt / self.tau_syn),
            "c_pre": dt / self.tau_mem,
            "a_rise": exp(-dt / self.tau_rise),
            "c": dt / self.tau_decay,
            "forget": round(min(60.0 * max(self.tau_rise, self.tau_decay) / dt, MOST_STEPS / 4)),
            "chunk": chunk,
            "share": 1.0 / chunk,
            "gamma": exp(-self.chunk / self.tau_rms),
        }

    def check(self, layers, dtype):
        check_number(
            "tau_decay", self.tau_decay, above=self.tau_rise, unit="ms, longer than tau_rise"
        )
        check_number("theta", self.theta, above=self.U_rest, unit="mV, above U_rest")

    def check_times(self, dt, dtype):
        for name in ("tau_mem", "tau_syn", "tau_rise", "tau_decay"):
            self.check_time(name, dt, dtype)
        check_steps("tau_ref", self.tau_ref, dt, at_most=COUNTABLE)
        check_steps("delay", self.delay, dt)
        if self.hebbian_delay is not None:
            check_steps("hebbian_delay", self.hebbian_delay, dt)

    def check_time(self, name, dt, dtype):
        """Refuse a time constant that is shorter than a step, or too long for the type."""
        check_number(name, getattr(self, name), at_least=dt, unit=f"ms, dt being {dt:g} ms")
        has_offset = name == "tau_mem"  # all others decay to 0
        check_speed(name, getattr(self, name), dt if has_offset else NEAR_ZERO * dt, dtype)


class Parameters(Constants):
    """Constants and options of a network that learns spike trains."""

    error: str = choice(
        "trains", "windows", about="from target trains, or from spikes missed and wrong (figure 5)"
    )
    chunk: float = number(500.0, "time between updates (3.3.5)", unit="ms", symbol="t_b", above=0.0)
    rho: float = number(
        0.0, "heterosynaptic regulariser of hidden layers; 1 (3.4)", symbol="ρ", at_least=0.0
    )
    a: int = whole(4, "its exponent (3.4)", at_least=0, at_most=20)
    tau_het: float = number(
        100.0, "its trace of postsynaptic spikes", unit="ms", symbol="τ_het", above=0.0
    )
    rho_error: bool = flag(False, "the regulariser times e^2 (appendix A.5)")
    tau_avg: float = number(
        10_000.0, "of the cost's moving average (3.3.3)", unit="ms", at_least=1e-9
    )

    error_power = property(lambda self: 2 if self.rho_error else 0, doc="Of the mean error.")

    @property
    def cost_scale(self) -> float:
        """The factor of the moving average of e^2 in the authors' program; by default 1.2e6."""
        a, b = self.tau_decay / 1000.0, self.tau_rise / 1000.0
        product = a * b
        norm = (product / (a - b)) ** 2 * (a / 2 + b / 2 - 2 * product / (a + b))
        return 1.0 / norm / (self.tau_avg / 1000.0)

    def numbers(self, dt):
        return {
            **super().numbers(dt),
            "decay_avg": exp(-dt / self.tau_avg),
            "dt_seconds": dt / 1000.0,
            "decay_het": exp(-dt / self.tau_het),
            "rho_volt": self.rho / VOLT,
        }

    def check(self, layers, dtype):
        super().check(layers, dtype)
        refuse_if(
            layers < 2 and (self.rho > 0 or self.frozen),
            "rho and frozen are about hidden layers; this network has none.",
        )

    def check_times(self, dt, dtype):
        super().check_times(dt, dtype)
        self.check_time("tau_het", dt, dtype)
        check_steps("chunk", self.chunk, dt, at_least=1)
