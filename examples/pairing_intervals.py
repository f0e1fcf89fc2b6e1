"""Bursts strengthen a synapse, single spikes weaken it
====================================================

Every ten seconds there is a presynaptic spike, and with it two postsynaptic ones. If these are
close enough to be a burst, the synapse becomes stronger; if they are two events, it becomes weaker
(the burst-dependent rule of Payeur et al. 2021).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikesim import plot
from spikesim.models.burst.spiking.pairing import weight_changes


def main(arguments: Sequence[str] | None = None) -> None:
    """Print at which interval two spikes begin to strengthen a synapse."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pairings", type=int, default=10)
    parser.add_argument("--burst-probability", type=float, default=0.15, help="the past average")
    parser.add_argument("--out", type=Path, default=Path("pairing_intervals.png"))
    chosen = parser.parse_args(arguments)

    intervals = np.arange(2.0, 41.0, 1.0)  # ms
    first = 5.0 + 10_000.0 * np.arange(chosen.pairings)
    pre = [first] * len(intervals)
    post = [np.sort(np.concatenate([first, first + interval])) for interval in intervals]
    change = weight_changes(pre, post, event_rate=5.0, burst_probability=chosen.burst_probability)
    longest = intervals[change > 0.0].max()
    print(f"two spikes strengthen the synapse up to {longest:.0f} ms apart")

    ax = plot.sweep(
        intervals, change, xlabel="Interval of two spikes (ms)", ylabel="Change of the weight"
    )
    ax.figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
