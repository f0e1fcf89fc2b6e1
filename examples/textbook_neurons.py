"""Six neurons of textbooks
========================

Each gets a step of current, 41 neurons of a kind 41 different ones. The figure shows the voltage
for one of them, and the rate over all currents. The axon of Hodgkin & Huxley, the muscle fibre of
Morris & Lecar and FitzHugh's system begin at a rate well above 0 (class II), the others near 0
(class I).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from spikesim import (
    AdaptiveLIF,
    ExponentialIF,
    FitzHughNagumo,
    HodgkinHuxley,
    MorrisLecar,
    Network,
    Neuron,
    Population,
    StateRecording,
    TwoCompartment,
    plot,
    stimuli,
)

NUMBER = 41  # of currents, from 0 to the largest
ONSET, SHOWN, SETTLED = 50.0, 300.0, 400.0  # ms: of the step, what is drawn, where rates begin
BLUE, RED = "#0072B2", "#D55E00"


# %%
# The neurons, and the currents that they get. Units differ; ``help`` of a neuron says them.


class Example(NamedTuple):
    """A kind of neuron, the largest current, and the one whose voltage is shown."""

    title: str
    kind: Neuron
    largest: float
    shown: float


EXAMPLES = [
    Example("Hodgkin & Huxley (1952)", HodgkinHuxley, 20.0, 10.0),
    Example("Morris & Lecar (1981)", MorrisLecar, 200.0, 100.0),
    Example("FitzHugh (1961)", FitzHughNagumo, 1.6, 0.6),
    Example("Exponential integrate-and-fire", ExponentialIF, 10.0, 3.0),
    Example("LIF with adaptation", AdaptiveLIF, 40.0, 20.0),
    Example("Pyramidal, two compartments", TwoCompartment, 1500.0, 900.0),
]


# %%
# All of them are populations of one network.


def rates(spikes: Sequence[np.ndarray]) -> np.ndarray:
    """The rate of each neuron in Hz, from the intervals between its spikes."""
    return np.array([1000.0 / each.mean() if each.size else 0.0 for each in spikes])


def draw_rates(ax: Axes, currents: np.ndarray, hz: np.ndarray, unit: str, shown: int) -> None:
    """Draw rates over currents without a line from silence to the first of them."""
    fires = np.where(hz > 0.0, hz, np.nan)
    ax.plot(currents, fires, color=BLUE, linewidth=1.3)
    ax.plot(currents[hz == 0.0], hz[hz == 0.0], ".", color=BLUE, markersize=2.0)
    ax.plot(currents[shown], hz[shown], "o", color=RED, markersize=4.0)
    ax.set(xlabel=f"Current ({unit})" if unit else "Current", ylabel="Rate (Hz)")
    ax.set(xlim=(0.0, currents[-1]), ylim=(-0.03 * hz.max(), 1.1 * hz.max()))
    ax.spines[["top", "right"]].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print where six neurons of textbooks begin to fire, and at which rate."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--duration", type=float, default=1400.0, help="in ms, above 500")
    parser.add_argument("--out", type=Path, default=Path("textbook_neurons.png"))
    chosen = parser.parse_args(arguments)

    net = Network(dt=0.025)  # ms
    groups: list[tuple[Example, Population, int, StateRecording]] = []
    for example in EXAMPLES:
        cells = net.add_population(example.kind.name, NUMBER, example.kind)
        currents = np.linspace(0.0, example.largest, NUMBER)
        net.play(cells, "I", stimuli.step(currents, begin=ONSET))
        number = int(np.abs(currents - example.shown).argmin())
        groups.append((example, cells, number, net.record(cells, "v", neurons=number)))
    recorded = net.record_spikes(*net.populations.values())
    net.run(SHOWN)
    begun = recorded.take()
    for *_, voltage in groups:
        voltage.close()
    net.run(SETTLED - SHOWN)
    recorded.clear()
    net.run(chosen.duration - SETTLED)

    plt.rcParams.update({"font.size": 8.0})
    figure = plt.figure(figsize=(7.5, 7.6), layout="constrained")
    panels = figure.subplots(4, 3)
    for k, (example, cells, number, voltage) in enumerate(groups):
        above, below = panels[2 * (k // 3) : 2 * (k // 3) + 2, k % 3]
        plot.traces(voltage, "v", neuron=number, ax=above, spikes=begun[k])
        above.set_title(example.title, pad=14.0)
        currents = np.linspace(0.0, example.largest, NUMBER)
        hz, unit = rates(recorded[k].isi()), example.kind.variables["I"].unit
        draw_rates(below, currents, hz, unit.replace("uA/cm^2", "µA/cm²"), number)
        first = int(np.argmax(hz > 0.0))
        current = f"{currents[first]:.4g} {unit}".strip()
        print(f"{cells.name} fires from {current} on, at {hz[first]:.0f} Hz")
    figure.align_ylabels(panels[:, 0])
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
