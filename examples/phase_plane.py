"""The phase plane of a bursting neuron
====================================

The regular bursting neuron of Naud et al. (2008, Biol. Cybern. 99:335), with a b of 45 pA rather
than 100 pA, which makes bursts longer. A spike resets the voltage V to V_reset, above threshold,
and adds b to the adaptation current w. Below the V-nullcline (dV/dt = 0) V rises: the next spike
follows at once, and w climbs spike by spike. The first reset above the nullcline ends the burst: V
falls, and its trajectory makes a long loop while w decays.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from spikesim import AdEx, Network

BURSTING = {
    "C": 200.0,  # pF
    "g_L": 10.0,  # nS
    "E_L": -58.0,  # mV
    "V_T": -50.0,  # mV
    "Delta_T": 2.0,  # mV
    "V_reset": -46.0,  # mV
    "tau_w": 120.0,  # ms
    "a": 2.0,  # nS
}
CURRENT = 210.0  # pA
SETTLING = 240.0  # ms that are not shown
INK, BLUE, RED, GREEN, PALE = "#222222", "#0072B2", "#D55E00", "#009E73", "#8C8C8C"


# %%
# Where the derivatives of the equations are 0.


def voltage_nullcline(V: np.ndarray) -> np.ndarray:
    """The w at which dV/dt = 0."""
    p = BURSTING
    upstroke = p["Delta_T"] * np.exp((V - p["V_T"]) / p["Delta_T"])
    return p["g_L"] * (p["E_L"] - V + upstroke) + CURRENT


def adaptation_nullcline(V: np.ndarray) -> np.ndarray:
    """The w at which dw/dt = 0."""
    return BURSTING["a"] * (V - BURSTING["E_L"])


def draw_plane(
    ax: Axes, V: np.ndarray, w: np.ndarray, spikes: np.ndarray, ends: np.ndarray
) -> None:
    """Draw the nullclines, and the trajectory from reset to reset; a spike leaves on the right."""
    grid = np.linspace(-66.0, -34.0, 400)
    ax.plot(grid, voltage_nullcline(grid), color=BLUE)
    ax.plot(grid, adaptation_nullcline(grid), color=GREEN)
    ax.axvline(BURSTING["V_reset"], color=PALE, linewidth=0.8, linestyle=(0, (2, 2)))
    for start, end in pairwise(spikes):
        ax.plot(V[start:end], w[start:end], color=INK, linewidth=0.8)
        k = (2 * start + 3 * end) // 5
        arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.0, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (V[k + 9], w[k + 9]), (V[k], w[k]), arrowprops=arrow)
    for which, face, label in ((~ends, RED, "reset"), (ends, "white", "last of a burst")):
        at = spikes[which]
        ax.plot(V[at], w[at], "o", color=RED, markerfacecolor=face, markersize=5, label=label)
    top = 1.15 * w.max()
    ax.set(xlabel="V (mV)", ylabel="w (pA)", xlim=(grid[0], grid[-1]), ylim=(-10.0, top))
    ax.text(-65.5, 165.0, "dV/dt = 0", color=BLUE)
    ax.text(-44.0, 5.0, "dw/dt = 0", color=GREEN)
    ax.text(BURSTING["V_reset"], top, r"$V_\mathrm{reset}$", color=PALE, ha="center", va="bottom")
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 0.14), handletextpad=0.2)


# %%
# The neuron is run, and its voltage drawn over time and in the plane.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the spikes per burst of an AdEx neuron, and draw its phase plane."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--b", type=float, default=45.0, help="added to w by a spike, in pA")
    parser.add_argument("--duration", type=float, default=500.0, help="shown, in ms")
    parser.add_argument("--out", type=Path, default=Path("phase_plane.png"))
    chosen = parser.parse_args(arguments)

    net = Network(dt=0.02)
    cell = net.add_population("cell", 1, AdEx, b=chosen.b, **BURSTING)
    cell.v[:], cell.I[:] = BURSTING["E_L"], CURRENT
    net.run(SETTLING)
    first = net.step
    recording, fired = net.record(cell, ["v", "w"]), net.record_spikes(cell)
    net.run(chosen.duration)
    t, V, w, spikes = recording.t - SETTLING, recording.v[0], recording.w[0], fired.steps - first

    ends = w[spikes] > voltage_nullcline(np.array(BURSTING["V_reset"]))
    if ends.sum() > 1:
        per_burst, period = np.diff(np.flatnonzero(ends)).mean(), np.diff(t[spikes[ends]]).mean()
        print(f"{per_burst:.1f} spikes per burst, a burst every {period:.0f} ms")
    else:
        print(f"{spikes.size} spikes, no bursts")

    figure, axes = plt.subplot_mosaic(
        [["V", "plane"], ["w", "plane"]], figsize=(7.5, 3.8), layout="constrained"
    )
    with_peaks = V.copy()
    with_peaks[spikes] = 20.0  # there the recording holds the voltage after the reset
    axes["V"].plot(t, with_peaks, color=INK, linewidth=0.8)
    axes["w"].plot(t, w, color=INK, linewidth=0.8)
    axes["V"].set(ylabel="V (mV)", xlim=(0.0, chosen.duration), yticks=[-60, -30, 0])
    axes["V"].tick_params(labelbottom=False)
    axes["w"].set(ylabel="w (pA)", xlabel="time (ms)", xlim=(0.0, chosen.duration))
    draw_plane(axes["plane"], V, w, spikes, ends)
    for ax in axes.values():
        ax.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels([axes["V"], axes["w"]])
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
