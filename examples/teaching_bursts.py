"""A teacher changes bursts
========================

The network that learns exclusive-or (Payeur et al. 2021, figure 4), before it has learned. In the
last tenth of an example a current into the dendrites makes the output burst more. At once, before
any synapse has changed, hidden neurons burst more too, or less: the error has come down.
``spikesim run burst exclusive-or`` trains the network until it has learned the task.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from spikesim import plot
from spikesim.models.burst.spiking import ExclusiveOrNetwork

SHOWN = ("output", "hidden_1", "hidden_2")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how a teacher changes bursts in a network of 2,500 neurons."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--duration", type=float, default=8000.0, help="of an example, in ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("teaching_bursts.png"))
    chosen = parser.parse_args(arguments)

    net = ExclusiveOrNetwork(seed=chosen.seed, duration=chosen.duration)
    example = net.record(pattern=1, teach=True)
    teacher = chosen.duration * net.parameters.prediction
    window = (teacher - 400.0, teacher + 400.0)
    figure, axes = plt.subplots(3, 1, figsize=(6.0, 5.0), sharex=True, layout="constrained")
    for name, ax in zip(SHOWN, axes, strict=True):
        t = [times for times, _ in (example.events[name], example.bursts[name])]
        (before, after) = (
            100.0 * (t[1] > start)[t[1] < end].sum() / (t[0] > start)[t[0] < end].sum()
            for start, end in ((0.0, teacher), (teacher, chosen.duration))
        )
        print(f"{name}: burst probability {before:.0f} % before the teacher, {after:.0f} % with it")
        plot.burst_raster(example.spikes[name], ax, neurons=range(100), window=window)
        ax.axvspan(teacher, window[1], color="#E9E9E9", linewidth=0.0, zorder=0)
        ax.set_ylabel(f"{name} neuron")
        if name != SHOWN[0]:
            ax.get_legend().remove()
            ax.label_outer()
    axes[0].set_xlabel("")
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
