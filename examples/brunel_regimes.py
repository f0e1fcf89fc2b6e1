"""Four regimes of a random network
================================

Figure 8 of Brunel (2000, J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027), model A: 10,000
excitatory and 2,500 inhibitory neurons, each with synapses from a tenth of them and as many from
outside as from excitatory ones. The regime depends on two numbers: how much stronger inhibition is
(g), and the external rate divided by the rate that would just bring a neuron to threshold (eta).

The variance and the mean are those of the number of spikes in 1 ms, of all neurons together; their
ratio is 1 if neurons are independent. The oscillation is the strongest frequency of the
population's rate; even the asynchronous network has one, because it is finite. The results of the
article's simulations (table 1) are in brackets.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.signal import welch

from spikesim import DeltaLIF, Network, plot

J = 0.1  # mV
THRESHOLD_RATE = 10_000.0  # Hz, the input that brings a neuron to threshold: 20 mV / (J 20 ms)
SETTLING = 200.0  # ms at the beginning that are left out
WIDTH = 0.1  # ms, bins of the population's rate
SEGMENT = 250.0  # ms; spectra of such segments are averaged
SHOWN = 50  # neurons


# %%
# The four regimes, and what table 1 of the article says of them.


class Regime(NamedTuple):
    """A panel of the figure: its parameters, the ms to show, and the published results."""

    name: str
    text: str
    g: float
    eta: float
    shown: float
    rate: str
    frequency: str


REGIMES = [
    Regime("SR", "synchronous regular", 3.0, 2.0, 50.0, "", ""),
    Regime("SI fast", "synchronous irregular, fast", 6.0, 4.0, 200.0, "(60.7)", "(180)"),
    Regime("AI", "asynchronous irregular", 5.0, 2.0, 200.0, "(37.7)", "(none)"),
    Regime("SI slow", "synchronous irregular, slow", 4.5, 0.9, 200.0, "(5.5)", "(22)"),
]


# %%
# What is measured, from the spikes of all neurons.


class Activity(NamedTuple):
    """The spikes of a network after it has settled, its size, and the duration in ms."""

    times: np.ndarray  # ms, of all spikes
    neurons: np.ndarray  # inhibitory ones after excitatory ones
    size: int
    duration: float

    def counts(self, width: float) -> np.ndarray:
        """The number of spikes in every bin of `width` ms."""
        bins = np.floor(self.times / width + 1e-6).astype(int)  # a time may be rounded down
        return np.bincount(bins, minlength=round(self.duration / width))

    @property
    def rate(self) -> float:
        """The mean rate of a neuron, in Hz."""
        return 1000.0 * self.times.size / (self.size * self.duration)

    @property
    def irregularity(self) -> float:
        """The mean coefficient of variation of intervals of neurons with at least five spikes."""
        order = np.lexsort((self.times, self.neurons))
        counts = np.bincount(self.neurons, minlength=self.size)
        trains = np.split(self.times[order], np.cumsum(counts)[:-1])
        intervals = [np.diff(train) for train in trains if len(train) >= 5]
        return float(np.mean([each.std() / each.mean() for each in intervals] or [np.nan]))

    @property
    def synchrony(self) -> float:
        """Variance over mean of the population's spikes in 1 ms."""
        counts = self.counts(1.0)
        return float(counts.var() / max(counts.mean(), 1e-9))

    @property
    def oscillation(self) -> float:
        """The strongest frequency of the population's rate from 10 to 1000 Hz."""
        counts = self.counts(WIDTH)
        per_second = 1000.0 / WIDTH
        length = min(counts.size, round(SEGMENT / WIDTH))
        frequencies, power = welch(counts, per_second, nperseg=length, nfft=round(per_second))
        return float(frequencies[10 + power[10:1001].argmax()])  # they are 1 Hz apart


# %%
# The network. Its external input is a Poisson process for each neuron.


def simulate(regime: Regime, size: int, seconds: float, seed: int) -> Activity:
    """Build and run the network of one regime."""
    net = Network(dt=0.1, seed=seed)
    chance = np.random.default_rng(seed)
    sizes = {"exc": size * 4 // 5, "inh": size - size * 4 // 5}
    weights = {"exc": J, "inh": -regime.g * J}
    cells = {name: net.add_population(name, n, DeltaLIF) for name, n in sizes.items()}
    for post in cells.values():
        post.v[:] = chance.uniform(0.0, 20.0, post.n)
        net.add_background(post, "v", rate=regime.eta * THRESHOLD_RATE, weight=J)
        for name, pre in cells.items():
            weight, indegree = weights[name], pre.n // 10
            net.connect(pre, post, target="v", weight=weight, indegree=indegree, delay=1.5)
    net.run(SETTLING)
    exc, inh = (net.record_spikes(population) for population in cells.values())
    net.run(1000.0 * seconds)
    times = np.concatenate([exc.t, inh.t]) - SETTLING
    return Activity(times, np.concatenate([exc.i, inh.i + exc.n]), size, 1000.0 * seconds)


# %%
# Spikes and rates of all four.


def draw(regime: Regime, found: Activity, raster: Axes, rate: Axes) -> None:
    """Spikes of 50 neurons, and below them the population's rate and its mean."""
    start = max(0.0, found.duration - regime.shown)
    seen = (found.times >= start) & (found.neurons < SHOWN)
    shown = found.times[seen] - start, found.neurons[seen]
    plot.raster(shown, raster, neurons=range(SHOWN), window=(0.0, regime.shown))
    raster.set_xlabel("")
    raster.tick_params(labelbottom=False)
    title = f"{regime.name}: {regime.text}, g = {regime.g:g}, η = {regime.eta:g}"
    raster.set_title(title, fontsize=9, loc="left")
    counts = found.counts(WIDTH)[round(start / WIDTH) :]
    hertz = 1000.0 * counts / (found.size * WIDTH)
    rate.plot(WIDTH * np.arange(counts.size), hertz, color="#0072B2", linewidth=0.7)
    rate.axhline(found.rate, color="black", linewidth=0.8, linestyle="--", label="mean")
    rate.set(xlabel="Time (ms)", ylabel="Rate (Hz)", xlim=(0.0, regime.shown), ylim=(0.0, None))
    rate.spines[["top", "right"]].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rate, irregularity and oscillation of a network in four regimes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of simulated time, of each")
    parser.add_argument("--size", type=int, default=12_500, help="neurons")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("brunel_regimes.png"))
    chosen = parser.parse_args(arguments)

    heights = (3, 2, 3, 2)
    figure, axes = plt.subplots(
        4, 2, figsize=(8.4, 7.0), height_ratios=heights, layout="constrained"
    )
    # For each regime, the raster and the rate below it.
    panels = axes.reshape(2, 2, 2).transpose(0, 2, 1).reshape(4, 2)
    print("regime     g  eta      rate (Hz)    CV  variance/mean  oscillation (Hz)")
    for regime, panel in zip(REGIMES, panels, strict=True):
        found = simulate(regime, chosen.size, chosen.seconds, chosen.seed)
        print(
            f"{regime.name:<8} {regime.g:3} {regime.eta:4} {found.rate:7.1f} {regime.rate:>6} "
            f"{found.irregularity:6.2f} {found.synchrony:14.0f} "
            f"{found.oscillation:10.0f} {regime.frequency}".rstrip(),
            flush=True,
        )
        draw(regime, found, *panel)
    panels[-1][1].legend(frameon=False, fontsize=8)  # this panel has room for it
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
