"""Synapses compete by spike timing
================================

Song, Miller & Abbott (2000, doi:10.1038/78829): a neuron has a thousand excitatory synapses, which
learn from pairs of spikes, and purely random input. All synapses start with the largest weight,
and drive the neuron so hard that it fires regularly. That weakens them, until their mean input
keeps the neuron just below threshold. Now it fires when inputs happen to coincide; these inputs
come just before its spikes, and so become stronger. From then on synapses win or lose. Because this
balance establishes itself, the output rate hardly depends on the rate of the inputs; with fixed
weights it does.

Here ten neurons get the same inputs, each with its own inhibition, so that averages are smooth.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim import ConductanceLIF, Network, Neuron, PairSTDP, Projection, SpikeRecording

DT = 0.1  # ms
CELLS = 10
MEMBRANE = {"tau": 20.0, "E_L": -70.0, "threshold": -54.0, "V_reset": -60.0, "refractory": 0.0}
SYNAPSES = {"tau_exc": 5.0, "tau_inh": 5.0, "E_exc": 0.0, "E_inh": -70.0}
INPUTS, RATE = 1000, 15.0  # excitatory; Hz
INHIBITION = 200 * 10.0  # Hz, of 200 neurons together
G_INH, G_MAX = 0.05, 0.015  # in units of the leak conductance
RULE = PairSTDP(
    tau_plus=20.0,
    tau_minus=20.0,
    A_plus=0.005 * G_MAX,
    A_minus=1.05 * 0.005 * G_MAX,
    w_max=G_MAX,
)
SHARE = 0.02  # of the time, from one look at the weights to the next
BINS = np.linspace(0.0, 1.0, 41)
RATES = (10.0, 20.0, 30.0, 40.0)  # Hz, to compare


# %%
# The network: its inputs, ten neurons, and synapses that learn by ``spikesim.PairSTDP``.


def relay(i, t, s, p):
    """Spike in a step in which input of at least 1 arrives."""
    s.spike[i] = s.told[i] >= 1.0
    s.told[i] = 0.0


RELAY = Neuron(steps=[relay], variables={"told": 0.0})


def build(rate: float, seed: int) -> tuple[Network, Projection, SpikeRecording]:
    """The network, the synapses that learn, and a recording of the neurons' spikes."""
    net = Network(dt=DT, seed=seed)
    # Poisson input, at a cost per spike (and spikes are few) rather than per neuron and step.
    inputs = net.add_population("inputs", INPUTS, RELAY)
    net.add_background(inputs, "told", rate=rate, weight=1.0, at_most_one=True)
    cells = net.add_population("cells", CELLS, ConductanceLIF, **MEMBRANE, **SYNAPSES)
    net.add_background(cells, "g_inh", rate=INHIBITION, weight=G_INH)
    synapses = net.connect(inputs, cells, target="g_exc", weight=G_MAX, plasticity=RULE)
    return net, synapses, net.record_spikes(cells)


# %%
# What is measured: the window of the rule, rates, the irregularity of spikes, and weights.


def measured_window(lags: np.ndarray) -> np.ndarray:
    """The change of a weight by a pair of spikes; the lag in ms is that of the neuron's spike."""
    net = Network(dt=DT)
    earliest = 10.0 - lags.min()  # ms
    before = net.add_spike_trains("before", 1, [earliest], [0])
    teacher = net.add_spike_trains("teacher", len(lags), earliest + lags, range(len(lags)))
    after = net.add_population("after", len(lags), RELAY)
    start = G_MAX / 2
    pair = net.connect(before, after, target="told", weight=start, delay=0.0, plasticity=RULE)
    net.connect(teacher, after, target="told", weight=1.0, one_to_one=True, delay=0.0)
    net.run(20.0 - lags.min() + lags.max())
    return (pair.W[0] - start) / G_MAX


def rate_and_irregularity(spikes: SpikeRecording, start: float, stop: float) -> tuple[float, float]:
    """The neurons' rate in Hz and mean CV of intervals, between two times in ms."""
    during = (spikes.t >= start) & (spikes.t < stop)
    times, ids = spikes.t[during], spikes.i[during]
    intervals = [np.diff(times[ids == cell]) for cell in range(CELLS)]
    variation = [x.std() / x.mean() for x in intervals if x.size >= 5]
    rate = times.size / CELLS / (stop - start) * 1000.0
    return rate, float(np.mean(variation)) if variation else np.nan


def learn(seconds: int, seed: int) -> dict[str, np.ndarray]:
    """A long run: distributions of weights, rates and CVs over time, and the final weights."""
    net, synapses, spikes = build(RATE, seed)
    stretch = 1000.0 * seconds * SHARE
    looks = round(1.0 / SHARE)
    density = []
    for _ in range(looks):
        net.run(stretch)
        density.append(np.histogram(synapses.W / G_MAX, BINS)[0] / synapses.W.size)
    output = [rate_and_irregularity(spikes, k * stretch, (k + 1) * stretch) for k in range(looks)]
    rate, variation = np.transpose(output)
    time = (np.arange(looks) + 0.5) * stretch / 1000.0  # s
    weights = synapses.W.copy()
    return {"time": time, "density": density, "rate": rate, "cv": variation, "W": weights}


def compare(rate: float, seconds: float, frozen: np.ndarray, seed: int) -> tuple[float, float]:
    """Output rates for another rate of the inputs: after learning, and with given weights."""
    net, synapses, spikes = build(rate, seed)
    net.run(1000.0 * seconds)
    learned, _ = rate_and_irregularity(spikes, 0.8 * net.time, net.time)
    synapses.learning = False
    synapses.W[:] = frozen
    changed = net.time
    net.run(100.0 * seconds)
    fixed, _ = rate_and_irregularity(spikes, changed, net.time)
    return learned, fixed


# %%
# Six panels.


def draw(course: dict[str, np.ndarray], rates: np.ndarray, seconds: int) -> plt.Figure:
    """Draw six panels; `rates` has rows (input, with STDP, with fixed weights), in Hz."""
    figure, axes = plt.subplots(
        2, 3, figsize=(11.0, 6.0), layout="constrained", width_ratios=(1.0, 1.2, 1.0)
    )
    blue, red, grey = "#0072B2", "#D55E00", "0.6"

    lags = np.concatenate([np.arange(-60.0, 0.0, 4.0), np.arange(0.0, 61.0, 4.0)])
    for side, amplitude, color in ((lags < 0, -1.05, blue), (lags >= 0, 1.0, red)):
        ends = np.linspace(lags[side].min(), 0.0 if color == blue else 60.0, 200)
        curve = amplitude * 0.5 * np.exp(-np.abs(ends) / 20.0)  # % of the strongest weight
        axes[0, 0].plot(ends, curve, color=color, linewidth=1.2)
        axes[0, 0].plot(lags[side], 100.0 * measured_window(lags)[side], "o", color=color, ms=3.5)
    axes[0, 0].axhline(0.0, color=grey, linewidth=0.6, zorder=0)
    axes[0, 0].axvline(0.0, color=grey, linewidth=0.6, zorder=0)
    axes[0, 0].set(xlabel="Output spike after input spike (ms)", ylabel="Change (% of strongest)")
    axes[0, 0].set_title("What a pair of spikes does", loc="left")

    image = axes[0, 1].pcolormesh(
        np.linspace(0.0, seconds, len(course["time"]) + 1),
        BINS,
        np.transpose(course["density"]) * 100.0,
        norm="log",
        vmin=0.1,
        cmap="magma",
        rasterized=True,
    )
    axes[0, 1].set(xlabel="Time (s)", ylabel="Weight / strongest", facecolor="black")
    axes[0, 1].set_title("Weights fall together, then part", loc="left")
    figure.colorbar(image, ax=axes[0, 1], label="Synapses (%)", format="%g", pad=0.02)

    weights = course["W"].ravel() / G_MAX
    share = np.full(weights.size, 100.0 / weights.size)
    axes[0, 2].hist(weights, BINS[::2], weights=share, color=red, edgecolor="white", linewidth=0.5)
    axes[0, 2].set(xlabel="Weight / strongest", ylabel="Synapses (%)", xlim=(0.0, 1.0))
    axes[0, 2].set_title(f"Lost or won, after {seconds:,} s", loc="left")

    for ax, name, label, title in (
        (axes[1, 0], "rate", "Output rate (Hz)", "The output slows down ..."),
        (axes[1, 1], "cv", "CV of intervals", "... and becomes irregular"),
    ):
        ax.plot(course["time"], course[name], color=blue)
        ax.set(xlabel="Time (s)", ylabel=label, xlim=(0.0, seconds))
        ax.set_title(title, loc="left")
    axes[1, 0].set_yscale("log")
    axes[1, 0].set_yticks([10, 20, 50, 100, 200], ["10", "20", "50", "100", "200"])
    axes[1, 0].minorticks_off()
    axes[1, 1].set_ylim(0.0, 1.0)

    ax = axes[1, 2]
    ax.plot(rates[0], rates[2], "o-", color=grey, label=f"weights kept from {RATE:g} Hz")
    ax.plot(rates[0], rates[1], "o-", color=red, label="weights that learn")
    ax.set(xlabel="Input rate (Hz)", ylabel="Output rate (Hz)", xlim=(5.0, 45.0))
    ax.set(ylim=(0.0, 1.3 * rates[1:].max() + 1.0), xticks=RATES)  # room for the legend
    ax.set_title("Output for other inputs", loc="left")
    ax.legend(frameon=False, loc="upper left")
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how a neuron's synapses compete by spike timing, and with what effect."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=1000, help="of simulated time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("stdp_poisson.png"))
    chosen = parser.parse_args(arguments)

    course = learn(chosen.seconds, chosen.seed)
    weights = course["W"] / G_MAX
    for when, k in (("at first", 0), ("at the end", -1)):
        print(f"{when}: {course['rate'][k]:.1f} Hz, CV {course['cv'][k]:.2f}")
    lost, won = 100 * (weights < 0.2).mean(), 100 * (weights > 0.8).mean()
    print(f"weights below a fifth of the strongest: {lost:.0f} %, above four fifths: {won:.0f} %")
    rows = []
    for rate in RATES:
        learned, fixed = compare(rate, chosen.seconds / 2, course["W"], chosen.seed)
        rows.append((rate, learned, fixed))
        print(f"inputs of {rate:g} Hz: {learned:.1f} Hz, with the weights kept {fixed:.1f} Hz")
    draw(course, np.transpose(rows), chosen.seconds).savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
