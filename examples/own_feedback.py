"""One equation of a learning rule replaced
========================================

Feedback alignment with one of its bodies replaced: the feedback that reaches a unit is squashed.
The class can be trained from the command line like the models that come with spikesim::

    spikesim train own_feedback.py:Saturating --gain=5 --epochs=3
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from spikesim import datasets, plot
from spikesim.kernels.functions import sigmoid
from spikesim.kernels.spikes import bounds
from spikesim.learning.parameters import number
from spikesim.models import feedback_alignment
from spikesim.models.feedback_alignment import FeedbackAlignment

# %%
# A learning rule consists of bodies. The model names one of them and what replaces it.


def receive(c, t, s, p):
    """Squash the feedback that a block of units receives from above, with slope 1 around 0."""
    feedback_alignment.receive(c, t, s, p)
    first, last = bounds(c, s.delta.shape[0], p)
    for j in range(first, last):
        s.delta[j] = (4.0 * sigmoid(p.gain * s.delta[j]) - 2.0) / p.gain


class Saturating(FeedbackAlignment):
    class Parameters(FeedbackAlignment.Parameters):
        gain: float = number(10.0, "how early feedback saturates", above=0.0)

    BODIES = {feedback_alignment.receive: receive}  # noqa: RUF012


# %%
# Both rules learn the digits. ``measure_angle`` compares their updates with the gradient.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how well digits are learned with saturating and with plain feedback."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("own_feedback.png"))
    chosen = parser.parse_args(arguments)

    digits = datasets.load_digits()
    for name, kind in (("plain", FeedbackAlignment), ("saturating", Saturating)):
        net = kind((64, 100, 10), seed=1, measure_angle=True)
        net.fit(digits.train_images, digits.train_labels, epochs=chosen.epochs)
        wrong = net.evaluate(digits.test_images, digits.test_labels)
        print(f"{name}: {wrong:.1f} % wrong, {net.history['angle'][-1][0]:.0f} degrees off")
    plot.angle(net.history).figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
