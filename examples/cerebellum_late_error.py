"""The cerebellum learns from a late error
=======================================

The vestibulo-ocular reflex keeps the image of the world still while the head turns. The cerebellum
learns it from slip, which the retina reports about 100 ms late. Movements of 2 to 5 Hz have turned
around by then, so that learning from the late error makes slip worse. With eligibility, synapses
remember for 100 ms what their granule cells did, and learn it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from spikesim.models.cerebellum import AdaptiveFilter, sinusoids

DELAY = 100.0  # ms


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the slip left by a late error, with and without eligibility."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=200.0, help="of learning")
    parser.add_argument("--out", type=Path, default=Path("cerebellum_late_error.png"))
    chosen = parser.parse_args(arguments)

    head = sinusoids(chosen.seconds, low=2.0, high=5.0, seed=1)
    circuits = {
        "no learning": AdaptiveFilter(beta=0.0),
        "late error": AdaptiveFilter(delay=DELAY),
        "late error, eligibility": AdaptiveFilter(delay=DELAY, eligibility=DELAY),
    }
    figure, axes = plt.subplots(len(circuits), 1, figsize=(5.0, 5.2), sharex=True, sharey=True)
    last = slice(-200, None)  # 2 s
    for ax, (name, net) in zip(axes, circuits.items(), strict=True):
        course = net.run(head)
        slip = np.sqrt(np.mean(course.e[last] ** 2))
        print(f"{name}: slip {slip:.3f}")
        ax.plot(np.arange(200) / 100.0, head[last], color="0.6", linewidth=3.0, label="head")
        ax.plot(np.arange(200) / 100.0, course.v[last], color="#D55E00", label="eye, inverted")
        ax.set(title=f"{name}: slip {slip:.2f}", ylabel="Velocity")
    axes[0].set_ylim(-1.9, 2.9)
    axes[0].legend(frameon=False, ncols=2, loc="upper left")
    axes[-1].set_xlabel("Time (s)")
    figure.tight_layout()
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
