"""A network learns to draw
========================

A hundred output neurons should spike where the letters are dark. Their input is random, but the
same in every trial of two seconds. It reaches them through a hundred hidden neurons, which
SuperSpike (Zenke & Ganguli 2018, figures 6 and 7) has to teach as well. ``--picture FILE.png``
draws a picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim import plot
from spikesim.models.superspike import SuperSpikeNetwork, tasks


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how much a network's drawing improves as it learns to write a line of text."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--text", help="by default 'spikesim', unless a picture is given")
    parser.add_argument("--picture", type=Path, help="a PNG file")
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=40, help="of 10 s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("drawing.png"))
    chosen = parser.parse_args(arguments)

    task = tasks.picture(chosen.text, chosen.picture, chosen.seed, hidden=chosen.hidden)
    shown, target = task.trials(0)
    net = SuperSpikeNetwork(task.sizes, seed=chosen.seed)
    silent = net.silent_cost(target)
    drawings, titles = [target], ["target"]
    for blocks, eta in ((1, 1.0), (chosen.blocks // 2, 1.0), (chosen.blocks // 2, 0.1)):
        net.fit(shown, target, blocks, block=task.block, learning_rate=eta, progress=True)
        drawings.append(net.predict(shown))
        titles.append(f"after {net.time:g} s")
        cost = net.evaluate(shown, target)
        print(f"after {net.time:g} s: cost {cost:.1f}, {silent / cost:.1f} times less than silence")

    axes = plot.rasters(drawings, titles=titles)
    axes[0].figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
