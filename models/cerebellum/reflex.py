"""The vestibulo-ocular reflex: which architecture can learn it, and how late an error may come.

`vestibulo_ocular` lets the recurrent and the forward architecture learn to hold the image of the
world still. The recurrent one, whose ideal filter is a low-pass of the plant's time constant,
learns it from slip alone. The forward one, which would have to be an integrator, does not.

`error_delay` delays the slip by d. Between 1/(4 d) and 3/(4 d), 2.5 to 7.5 Hz for 100 ms, its phase
is then wrong by more than a quarter of a cycle, unless eligibility holds granule cells back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim import plot
from spikesim.checks import check_integer
from spikesim.comparison import Comparison
from spikesim.experiments import ExperimentParameters, Result
from spikesim.learning.parameters import number, whole
from spikesim.models.cerebellum.courses import learning_curve, rms, sinusoids
from spikesim.models.cerebellum.filter import AdaptiveFilter
from spikesim.progress import Progress, progress_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "ErrorDelay",
    "ErrorDelayParameters",
    "VestibuloOcular",
    "VestibuloOcularParameters",
    "error_delay",
    "vestibulo_ocular",
]

SHOWN = 500  # steps of the traces in the figure, 5 s
GAINS = 0.5, 1.6
CIRCUITS: dict[str, dict[str, Any]] = {
    "recurrent": {},
    "recurrent, B = 0.8": {"B": 0.8},
    "forward": {"architecture": "forward"},
}


class VestibuloOcularParameters(ExperimentParameters):
    """Sizes."""

    seconds: float = number(400.0, "of learning", unit="s", at_least=1.0, at_most=1e5)
    n: int = whole(12, "granule cells", at_least=1, at_most=1000)
    beta: float = number(0.1, "learning rate", unit="1/s", at_least=0.0)


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
        ideal = np.exp(-self.lag / 200.0) / 0.2
        form = float(np.corrcoef(self.learned, ideal)[0, 1])
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

    def figure(self) -> Figure:
        """Slip over time, the learned filter, and movements before and after learning."""
        with plot.style.styled():
            figure = plot.style.new_figure((7.2, 5.0))
            (above, right), (eye, late) = figure.subplots(2, 2)
            for name, slip in zip(CIRCUITS, self.slip, strict=True):
                finite = np.where(np.isfinite(slip), slip, np.nan)
                labels = {"xlabel": "Time (s)", "ylabel": "Rms slip"}
                plot.sweep(self.time, finite, above, name, **labels)
            above.axhline(self.frozen, **plot.style.GUIDE)
            above.set(yscale="log", ylim=(None, 2.0), title="Learning (dashed: none)")
            ideal = np.exp(-self.lag / 200.0) / 0.2
            right.plot(self.lag, ideal, color=plot.style.BESIDE, linewidth=3.0, label="ideal")
            right.plot(self.lag, self.learned, color=plot.style.BLUE, label="learned")
            right.set(xlabel="Time (ms)", ylabel="Impulse response (1/s)", title="Filter")
            time = 0.01 * np.arange(self.head.size)
            titles = {"Without learning": self.before, "After learning": self.after}
            for ax, (title, velocity) in zip((eye, late), titles.items(), strict=True):
                ax.plot(time, self.head, color=plot.style.BESIDE, linewidth=3.0, label="head")
                ax.plot(time, velocity, color=plot.style.RED, label="eye, inverted")
                ax.set(xlabel="Time (s)", ylabel="Velocity", title=title)
            for ax in (above, right, eye):
                ax.legend(loc="best")
        return figure


def vestibulo_ocular(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> VestibuloOcular:
    """Let three circuits learn the reflex, and one of them two other gains.

    Arguments are those of every experiment (see `spikesim.experiments`); the sizes are those of
    `VestibuloOcularParameters`.

    Examples
    --------
    >>> result = vestibulo_ocular(seed=1, backend="python", seconds=1.0)
    >>> result.slip.shape
    (3, 8)
    """
    p = VestibuloOcularParameters.of(**sizes)
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)
    h, windows = sinusoids(p.seconds, seed=seed), 8

    def circuit(**options: Any) -> AdaptiveFilter:
        return AdaptiveFilter(seed=seed, backend=backend, n=p.n, beta=p.beta, **options)

    nets, slips, gains = [], [], []
    with progress_bar(progress, len(CIRCUITS) + len(GAINS), "circuit") as report:
        for options in CIRCUITS.values():
            nets.append(circuit(**options))
            slips.append(learning_curve(nets[-1], h, windows))
            report(len(nets), len(CIRCUITS) + len(GAINS))
        for wanted in GAINS:
            v = circuit(G=wanted).run(h).v
            late = slice(-(h.size // windows), None)
            gains.append(float(v[late] @ h[late] / (h[late] @ h[late])))
            report(len(nets) + len(gains), len(CIRCUITS) + len(GAINS))
    lag, naive = np.arange(0.0, 1000.0, 10.0), circuit().run(h, learn=False)
    last = circuit().run(h)
    head, before, after = (trace[-SHOWN:].copy() for trace in (h, naive.v, last.v))
    return VestibuloOcular(
        np.linspace(0.0, p.seconds, windows + 1)[1:],
        np.array(slips),
        rms(naive.e),
        np.array([net.w for net in nets]),
        nets[0].tau,
        float(last.m[-(h.size // windows) :].mean()),
        lag,
        nets[0].impulse_response(lag),
        head,
        before,
        after,
        np.array(gains),
        seed,
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
        bounds: tuple[tuple[dict[str, float], ...], ...] = (
            ({}, {"low": 0.35}, {"low": 0.35}),
            ({"high": 0.1}, {"high": 0.02}, {"high": 0.02}),
        )
        for k, (low, high) in enumerate(BANDS):
            name = f"{low:g} to {high:g} Hz: rms slip, "
            rows.append(Comparison(name + HELD[0], self.slip[k, 0], **bounds[0][k]))
            for held in (1, 2):
                more = bounds[1][k] if held == 1 or k else {}
                rows.append(Comparison(name + HELD[held], self.slip[k, held], **more))
        failing = self.frequency[self.without > 0.5]
        first = float(failing.min()) if failing.size else float("inf")
        limit = 250.0 / self.delay
        name = "lowest frequency at which half the slip stays without a trace (Hz)"
        rows.append(Comparison(name, first, limit, limit, 1.2 * limit))
        worst = float(self.matched.max())
        rows.append(Comparison("largest ratio of slips with the trace", worst, high=0.1))
        return rows

    def figure(self) -> Figure:
        """Slip over frequency; grey where the delay turns the error by more than a quarter."""
        with plot.style.styled():
            ax = plot.style.new_figure((5.0, 3.2)).subplots()
            labels = {
                "xlabel": "Frequency (Hz)",
                "ylabel": "Slip, relative to that without learning",
            }
            for name, ratio in (("no trace", self.without), ("trace", self.matched)):
                plot.sweep(self.frequency, np.clip(ratio, 1e-4, 1e2), ax, name, **labels)
            ax.axvspan(250.0 / self.delay, 750.0 / self.delay, color=plot.style.PALE, zorder=0)
            ax.axhline(1.0, **plot.style.GUIDE)
            ax.set(yscale="log", ylim=(1e-3, 2e2), title=f"An error that is {self.delay:g} ms late")
            ax.legend()
        return ax.figure  # type: ignore[return-value]


def error_delay(
    seed: int = 0, progress: bool | Progress = False, backend: str = "cpu", **sizes: Any
) -> ErrorDelay:
    """Learn from a delayed error in bands of frequencies, with and without eligibility.

    Arguments are those of every experiment (see `spikesim.experiments`); the sizes are those of
    `ErrorDelayParameters`.

    Examples
    --------
    >>> result = error_delay(seed=1, backend="python", seconds=1.0)
    >>> result.slip.shape
    (3, 3)
    """
    p = ErrorDelayParameters.of(**sizes)
    seed = check_integer("seed", seed, at_least=0, at_most=2**63 - 1)

    def slip(h: np.ndarray, held: float) -> float:
        net = AdaptiveFilter(seed=seed, backend=backend, delay=p.delay, eligibility=held)
        return float(learning_curve(net, h, 8)[-1])

    slips, ratios = [], []
    with progress_bar(progress, len(BANDS) + FREQUENCIES.size, "stimulus") as report:
        for band in BANDS:
            h = sinusoids(p.seconds, *band, seed=seed)
            slips.append([slip(h, held) for held in (0.0, p.delay, p.delay - 20.0)])
            report(len(slips), len(BANDS) + FREQUENCIES.size)
        for f in FREQUENCIES:
            h = sinusoids(p.seconds, 0.95 * f, 1.05 * f, seed=seed, n=5)
            still = rms(AdaptiveFilter(seed=seed, backend=backend).run(h, learn=False).e)
            ratios.append([slip(h, held) / still for held in (0.0, p.delay)])
            report(len(slips) + len(ratios), len(BANDS) + FREQUENCIES.size)
    without, matched = np.array(ratios).T
    return ErrorDelay(np.array(slips), FREQUENCIES.copy(), without, matched, p.delay, seed)
