"""Weights follow the burst probability
====================================

The dendrites of a population of pyramidal neurons are driven more, then less. So its burst
probability rises and falls, and the synapses onto it, which obey the burst-dependent rule, become
stronger and weaker (Payeur et al. 2021, figure 2). 170 s of simulated time take about a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim.models.burst.spiking import learning_rule


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how weights follow the burst probability of a population."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--bin", type=float, default=2500.0, help="a tenth of a block, in ms")
    parser.add_argument("--sources", type=int, default=25_000, help="neurons that make the noise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("following_bursts.png"))
    chosen = parser.parse_args(arguments)

    result = learning_rule.run(chosen.seed, progress=True, bin=chosen.bin, sources=chosen.sources)
    ends = [result.parameters.burn_in + (k + 1) * result.parameters.block - 1 for k in range(4)]
    _, more, _, less = (100.0 * result.change[end] for end in ends)
    print(f"weights changed by {more:+.1f} % with more bursts, by {less:+.1f} % with fewer")
    result.figure().savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
