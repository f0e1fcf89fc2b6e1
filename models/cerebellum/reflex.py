"""The vestibulo-ocular reflex: which architecture can learn it, and how late an error may come.

`vestibulo_ocular` lets the recurrent and the forward architecture learn to hold the image of the
world still. The recurrent one, whose ideal filter is a low-pass of the plant's time constant,
learns it from slip alone. The forward one, which would have to be an integrator, does not.
As the recurrent circuit learns, it becomes an integrator, whose constant part the plant does not
pass on. So the mean command may drift unseen, and learning slows down. A leak of weights holds it.

`error_delay` delays the slip by d. Between 1/(4 d) and 3/(4 d), 2.5 to 7.5 Hz for 100 ms, its phase
is then wrong by more than a quarter of a cycle, unless eligibility holds granule cells back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Panel, Result, experiment
from spikesim.learning.parameters import number, whole
from spikesim.learning.signals import correlation, rms, rms_over_time, sinusoids
from spikesim.models.cerebellum.filter import AdaptiveFilter
from spikesim.progress import Progress, reported

__all__ = ["ErrorDelay", "VestibuloOcular", "error_delay", "vestibulo_ocular"]

WINDOWS = 8
SHOWN = 500  # steps of the traces in the figure, 5 s
GAINS = 0.5, 1.6
CIRCUITS: dict[str, dict[str, Any]] = {
    "recurrent": {},
    "recurrent, B = 0.8": {"B": 0.8},
    "forward": {"architecture": "forward"},
}


def slip_over_time(net: AdaptiveFilter, h: np.ndarray) -> np.ndarray:
    """Let a circuit learn; its rms slip in each of eight windows, infinite once it diverges."""
    return rms_over_time(lambda part: net.run(part).e, h, WINDOWS)


class VestibuloOcularParameters(ExperimentParameters):
    """Sizes."""

    seconds: float = number(400.0, "of learning", unit="s", at_least=1.0, at_most=1e5)
    n: int = whole(12, "granule cells", at_least=1, at_most=1000)
    beta: float = number(0.1, "learning rate", unit="1/s", at_least=0.0)
    leak: float = number(0.001, "of weights", unit="1/s", symbol="λ", at_least=0.0)


class VestibuloOcular(Result):
    """Slip of three circuits, and what they have learned; from `vestibulo_ocular`.

    Attributes
    ----------
    time : numpy.ndarray, shape (8,)
        Ends of eight windows, in s.
    slip : numpy.ndarray, shape (circuits, windows)
        Rms slip of `CIRCUITS`; that of the head's velocity is 1.
    frozen : float
        Rms slip of the recurrent circuit without learning.
    w, tau : numpy.ndarray, shapes (circuits, n) and (n,)
        Learned weights, and time constants in ms.
    drift : float
        Mean command of the recurrent circuit in the last window, which its plant does not pass on.
    lag, learned : numpy.ndarray, shape (lags,)
        The impulse response of the recurrent circuit's filter, in ms and 1/s.
    head, before, after : numpy.ndarray, shape (steps,)
        Velocities of the head, and of the eye without learning and with it, over the last 5 s.
    gain : numpy.ndarray, shape (2,)
        Eye over head after learning to have the gains of 0.5 and 1.6.
    seed : int
    """

    KIND = "cerebellum-vestibulo-ocular"

    time: np.ndarray
    slip: np.ndarray
    frozen: float
    w: np.ndarray
    tau: np.ndarray
    drift: float
    lag: np.ndarray
    learned: np.ndarray
    head: np.ndarray
    before: np.ndarray
    after: np.ndarray
    gain: np.ndarray
    seed: int

    def comparisons(self) -> list[Comparison]:
        """Slip, weights, impulse response and gains, beside their ideals."""
        form = correlation(self.learned, self.ideal)
        rows = [
            Comparison("rms slip without learning", self.frozen, low=0.7),
            Comparison("recurrent: rms slip at the end", self.slip[0, -1], high=0.05),
            Comparison("recurrent: rms slip at half-time", self.slip[0, 3], high=0.1),
            Comparison("recurrent: mean command at the end, unseen by the plant", self.drift),
            Comparison("recurrent: sum of weights", self.w[0].sum(), 1.0, 0.99, 1.01),
            Comparison("recurrent: r of impulse response and ideal", form, 1.0, low=0.95),
            Comparison("B = 0.8: sum of weights", self.w[1].sum(), 1.25, 1.24, 1.26),
            Comparison("B = 0.8: rms slip at the end", self.slip[1, -1], high=0.08),
            Comparison("forward: rms slip at the end", self.slip[2, -1], low=0.6),
        ]
        for wanted, gain in zip(GAINS, self.gain, strict=True):
            name = f"gain after learning one of {wanted:g}"
            rows.append(Comparison(name, gain, wanted, 0.88 * wanted, 1.12 * wanted))
        return rows

    def panels(self) -> list[Panel]:
        """Slip over time, the learned filter, and movements before and after learning."""
        slip, eye = dict(zip(CIRCUITS, self.slip, strict=True)), ("Time (s)", "Velocity")
        log: dict[str, Any] = {"yscale": "log", "top": 2.0, "at_y": [self.frozen]}
        time, head = 0.01 * np.arange(self.head.size), {"head": self.head}
        impulse = {"learned": self.learned}, {"ideal": self.ideal}
        return [
            Panel("Time (s)", "Rms slip", self.time, slip, **log, title="Dashed: no learning"),
            Panel("Time (ms)", "Impulse response (1/s)", self.lag, *impulse),
            Panel(*eye, time, {"eye": self.before}, head, title="Without learning"),
            Panel(*eye, time, {"eye": self.after}, head, title="After learning"),
        ]

    @property
    def ideal(self) -> np.ndarray:
        """The impulse response of the plant."""
        return np.exp(-self.lag / 200.0) / 0.2


@experiment(
    "vestibulo-ocular",
    "the reflex that holds the image of the world still, in two architectures",
    VestibuloOcularParameters,
)
def vestibulo_ocular(
    p: VestibuloOcularParameters, seed: int, progress: bool | Progress, backend: str
) -> VestibuloOcular:
    """Let three circuits learn the reflex, and one of them two other gains.

    Examples
    --------
    >>> result = vestibulo_ocular(seed=1, backend="python", seconds=1.0)
    >>> result.slip.shape
    (3, 8)
    """
    h = sinusoids(p.seconds, seed=seed)
    late = slice(-(h.size // WINDOWS), None)

    def circuit(**options: Any) -> AdaptiveFilter:
        sizes = {"n": p.n, "beta": p.beta, "leak": p.leak}
        return AdaptiveFilter(seed=seed, backend=backend, **sizes, **options)

    nets = [circuit(**options) for options in CIRCUITS.values()]
    slip = [slip_over_time(net, h) for net in reported(progress, nets, "circuit")]
    turned = [circuit(G=wanted).run(h).v[late] for wanted in GAINS]
    naive, last = circuit().run(h, learn=False), circuit().run(h)
    lag = np.arange(0.0, 1000.0, 10.0)
    return VestibuloOcular(
        time=np.linspace(0.0, p.seconds, WINDOWS + 1)[1:],
        slip=np.array(slip),
        frozen=rms(naive.e),
        w=np.array([net.w for net in nets]),
        tau=nets[0].tau,
        drift=float(last.m[late].mean()),
        lag=lag,
        learned=nets[0].impulse_response(lag),
        head=h[-SHOWN:].copy(),
        before=naive.v[-SHOWN:].copy(),
        after=last.v[-SHOWN:].copy(),
        gain=np.array([v @ h[late] / (h[late] @ h[late]) for v in turned]),
        seed=seed,
    )


BANDS = (0.05, 2.0), (2.0, 5.0), (5.0, 10.0)  # Hz
HELD = "no trace", "trace of the delay", "trace 20 ms shorter"
FREQUENCIES = np.array([0.5, 1.0, 1.5, 2.0, 2.25, 2.75, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])


class ErrorDelayParameters(ExperimentParameters):
    """Sizes."""

    seconds: float = number(400.0, "of learning, each", unit="s", at_least=1.0, at_most=1e5)
    delay: float = number(100.0, "of the error", unit="ms", at_least=20.0, at_most=1000.0)


class ErrorDelay(Result):
    """Slip after learning from a delayed error; from `error_delay`.

    Attributes
    ----------
    slip : numpy.ndarray, shape (bands, traces)
        Rms slip of `BANDS` in the last eighth, for each of `HELD`; infinite if it diverged.
    frequency : numpy.ndarray, shape (frequencies,)
        In Hz.
    without, matched : numpy.ndarray, shape (frequencies,)
        Rms slip of five sinusoids within 5 % of that frequency, relative to that without learning.
    delay : float
        In ms.
    seed : int
    """

    KIND = "cerebellum-error-delay"

    slip: np.ndarray
    frequency: np.ndarray
    without: np.ndarray
    matched: np.ndarray
    delay: float
    seed: int

    def comparisons(self) -> list[Comparison]:
        """Slip with and without a trace, and the frequency at which learning begins to fail."""
        rows = []
        for (low, high), slip, fails in zip(BANDS, self.slip, (False, True, True), strict=True):
            bounds: list[dict[str, float]] = [{}, {"high": 0.1}, {}]
            if fails:
                bounds = [{"low": 0.35}, {"high": 0.02}, {"high": 0.02}]
            for name, ours, bound in zip(HELD, slip, bounds, strict=True):
                rows.append(Comparison(f"{low:g} to {high:g} Hz: rms slip, {name}", ours, **bound))
        failing = self.frequency[self.without > 0.5]
        first = float(failing.min()) if failing.size else float("inf")
        limit = 250.0 / self.delay
        name = "lowest frequency at which half the slip stays without a trace (Hz)"
        rows.append(Comparison(name, first, limit, limit, 1.2 * limit))
        worst = float(self.matched.max())
        rows.append(Comparison("largest ratio of slips with the trace", worst, high=0.1))
        return rows

    def panels(self) -> list[Panel]:
        """Slip over frequency; between dashed lines, the delay is over a quarter of a cycle."""
        most = 100.0  # for those that diverge
        lines = {"no trace": np.minimum(self.without, most), "trace": self.matched}
        turned = [250.0 / self.delay, 750.0 / self.delay]
        labels = "Frequency (Hz)", "Slip, relative to that without learning"
        return [Panel(*labels, self.frequency, lines, at_x=turned, yscale="log", top=most)]


@experiment(
    "error-delay",
    "which frequencies can be learned from an error that is late",
    ErrorDelayParameters,
)
def error_delay(
    p: ErrorDelayParameters, seed: int, progress: bool | Progress, backend: str
) -> ErrorDelay:
    """Learn from a delayed error in bands of frequencies, with and without eligibility.

    Examples
    --------
    >>> result = error_delay(seed=1, backend="python", seconds=1.0)
    >>> result.slip.shape
    (3, 3)
    """

    def slip(h: np.ndarray, held: float) -> float:
        net = AdaptiveFilter(seed=seed, backend=backend, delay=p.delay, eligibility=held)
        return float(slip_over_time(net, h)[-1])

    slips, ratios = [], []
    for band in reported(progress, BANDS, "band"):
        h = sinusoids(p.seconds, *band, seed=seed)
        slips.append([slip(h, held) for held in (0.0, p.delay, p.delay - 20.0)])
    for f in reported(progress, FREQUENCIES, "frequency"):
        h = sinusoids(p.seconds, 0.95 * f, 1.05 * f, seed=seed, n=5)
        still = rms(AdaptiveFilter(seed=seed, backend=backend).run(h, learn=False).e)
        ratios.append([slip(h, held) / still for held in (0.0, p.delay)])
    without, matched = np.array(ratios).T
    return ErrorDelay(np.array(slips), FREQUENCIES.copy(), without, matched, p.delay, seed)
