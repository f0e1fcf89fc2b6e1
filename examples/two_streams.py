"""Two signals at once in one population
=====================================

8,000 pyramidal neurons and 2,000 interneurons (Payeur et al. 2021, figure 3). Event rates carry the
somatic current of layer 1 up; burst probabilities carry the dendritic current of layer 2 down.
Without feedback (--feedback 0), the burst probability of layer 1 does not depend on layer 2.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim.models.burst.spiking import propagation


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how well two layers of bursting neurons send two signals at once."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of simulated time")
    parser.add_argument("--feedback", type=float, default=1.0, help="scales the synapses down")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("two_streams.png"))
    chosen = parser.parse_args(arguments)

    network = propagation.run(
        chosen.seed,
        duration=1000.0 * chosen.seconds,
        w_down=0.37 * chosen.feedback,
        w_sst=0.035 * chosen.feedback,
    )
    r = {row.quantity: row.ours for row in network.comparisons()}
    up = r["r: event rate 2, event rate 1"]
    down = r["r: burst probability 1, burst rate 2"]
    print(f"correlation of the layers: {up:.2f} going up, {down:.2f} coming down")
    network.figure().savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
