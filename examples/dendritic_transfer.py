"""Dendritic current sets the burst probability
============================================

The burst probability of an ensemble should follow the current into its dendrites, but a current
into its somata changes it too. Facilitating inhibition of the dendrites, which only bursts drive,
removes this disturbance (Payeur et al. 2021, figure S10).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim import plot
from spikesim.models.burst.spiking.transfer import lateral_transfer

SOMATIC = (0.0, 200.0)  # pA
DENDRITIC = (0.0, 50.0, 100.0, 150.0, 200.0)  # pA
NAMES = {0.0: "without inhibition", 0.02: "with inhibition"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how much somatic currents disturb the burst probability."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--step", type=float, default=1000.0, help="ms with each current")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("dendritic_transfer.png"))
    chosen = parser.parse_args(arguments)

    curves = lateral_transfer(
        chosen.seed,
        [(weight, current) for weight in NAMES for current in SOMATIC],
        DENDRITIC,
        progress=True,
        n=chosen.neurons,
        step=chosen.step,
        window=0.5 * chosen.step,
    )
    axes = None
    for weight, name in NAMES.items():
        rows = [curves.condition(weight, current) for current in SOMATIC]
        probability = curves.burst_probability[rows]
        moved = 100.0 * abs(probability[1] - probability[0]).max()
        print(f"{name}: a somatic current moves the burst probability by {moved:.1f} points")
        for row, current in zip(rows, SOMATIC, strict=True):
            label = f"{name}, {current:g} pA"
            rate, bursts = curves.event_rate[row], curves.burst_probability[row]
            axes = plot.transfer(DENDRITIC, rate, bursts, axes, label)
    axes[0].figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
