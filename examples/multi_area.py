"""Areas, and the distance between them
====================================

The multi-area model of macaque visual cortex (Schmidt et al. 2018) reads its neurons, synapses and
distances from published data, which have a licence of their own. Here it is made of three invented
areas in a row instead. A current excites the first one for a moment. Its spikes reach the second
and the third later, as they travel at 3.5 mm/ms.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.areas import Areas, label
from spikesim.models import multi_area
from spikesim.models.multi_area import SPEED

AREAS = "A", "B", "C"
PLACES = np.array([0.0, 21.0, 56.0])  # mm
SIZES = {"23E": 800.0, "23I": 200.0}
WITHIN = {"23E": 80.0, "23I": 100.0}  # synapses onto each neuron, by where they come from
BETWEEN = 120.0  # from 23E of the area before
EXTERNAL = 1000.0  # synapses from elsewhere
CHI = 1.9  # how much stronger synapses between areas are
KICK = 40.0  # mV
EVERY, LASTS, BEFORE = 80.0, 3.0, 10.0  # ms: from kick to kick, of one, drawn before it
BIN = 1.0  # ms
COLOURS = "#0072B2", "#E69F00", "#009E73"


# %%
# All that the model asks for is in ``Areas``. ``spikesim.areas.read_areas`` reads it from the file
# that the authors' program writes.


def row_of_areas() -> Areas:
    """Three equal areas, each of which excites the next one."""
    populations = [(area, name) for area in AREAS for name in SIZES]
    indegrees = np.zeros((len(populations), len(populations)))
    for i, (post, _) in enumerate(populations):
        for j, (pre, name) in enumerate(populations):
            if pre == post:
                indegrees[i, j] = WITHIN[name]
            elif AREAS.index(pre) + 1 == AREAS.index(post) and name == "23E":
                indegrees[i, j] = BETWEEN
    return Areas(
        names=AREAS,
        populations=populations,
        sizes=np.array([SIZES[name] for _, name in populations]),
        indegrees=indegrees,
        external=np.full(len(populations), EXTERNAL),
        distances=np.abs(PLACES[:, None] - PLACES),
    )


# %%
# The current comes again and again, and the rates are averages over these trials. Delays vary from
# synapse to synapse, by a half of their mean: the further the way, the longer the answer.


def rates_of(trials: int, seed: int) -> dict[str, np.ndarray]:
    """The rate (Hz) of the excitatory neurons of each area in bins, from before a kick on."""
    net = multi_area.build(row_of_areas(), seed=seed, chi=CHI)
    for cells in net.populations.values():
        cells.v[:] += 85.0  # around -65 mV: the network settles within the first trial
    excitatory = {area: net.populations[label((area, "23E"))] for area in AREAS}
    kick = np.where(np.arange(0.0, EVERY, BIN) < LASTS, KICK, 0.0)
    net.play(excitatory["A"], "I", kick, BIN, begin=BEFORE, after="repeat")
    net.run(EVERY)
    spikes = {area: net.record_spikes(cells) for area, cells in excitatory.items()}
    net.run(EVERY * trials)
    edges = np.arange(0.0, EVERY + BIN, BIN)
    counts = {area: np.histogram(each.t % EVERY, edges)[0] for area, each in spikes.items()}
    return {area: 1e3 * each / (trials * SIZES["23E"] * BIN) for area, each in counts.items()}


def middle_of(rate: np.ndarray) -> float:
    """The mean time, in ms after the kick began, of the spikes above the rate at the end."""
    extra = rate - rate[-int(20.0 / BIN) :].mean()
    extra[extra < 0.2 * extra.max()] = 0.0
    return float((extra * (np.arange(rate.size) + 0.5)).sum() / extra.sum()) * BIN - BEFORE


def main(arguments: Sequence[str] | None = None) -> None:
    """Excite the first of three areas, and see when the others follow."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("multi_area.png"))
    chosen = parser.parse_args(arguments)

    rates = rates_of(chosen.trials, chosen.seed)
    middles = {area: middle_of(rate) for area, rate in rates.items()}
    for k, (before, after) in enumerate(pairwise(AREAS)):
        way = (PLACES[k + 1] - PLACES[k]) / SPEED
        print(
            f"{after} follows {before} after {middles[after] - middles[before]:.1f} ms, "
            f"of which the way takes {way:g} ms"
        )

    figure, axes = plt.subplots(3, 1, figsize=(5.6, 4.2), sharex=True, layout="constrained")
    times = np.arange(0.0, EVERY, BIN) - BEFORE
    for ax, (area, rate), place, colour in zip(axes, rates.items(), PLACES, COLOURS, strict=True):
        ax.stairs(rate, [*times, times[-1] + BIN], fill=True, color=colour)
        ax.axvspan(0.0, LASTS, color="0.85", zorder=0)
        ax.axvline(place / SPEED, color="black", linewidth=0.8, linestyle="--")
        ax.set_title(f"area {area}, {place:g} mm from A", fontsize=9, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_ylabel("Rate of excitatory neurons (Hz)")
    axes[2].set(
        xlabel="Time after the current begins (ms); dashed: distance / speed", xlim=(-10, 50)
    )
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
