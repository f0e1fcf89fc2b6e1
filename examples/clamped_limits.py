"""Two clamped phases approach the gradient
========================================

The hidden units of a 50-40-5 network settle twice, freely and with the output held at the target.
With random feedback, the difference between the two tends to the signal of feedback alignment, and
remains far from that of backpropagation. With symmetric feedback, the change of the weights by
contrastive Hebbian learning tends to the gradient of the cross-entropy (Xie & Seung 2003), and not
to that of the squared error. The angles fall in proportion to the strength of feedback.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from spikesim.learning.alignment import angle
from spikesim.models.clamped import ClampedNetwork

SIZES = (50, 40, 5)
STRENGTHS = np.logspace(-3.0, 0.0, 7)
BLUE, RED, PALE = "#0072B2", "#D55E00", "#8C8C8C"


# %%
# Angles are measured between what one update does to the weights and the gradient.


def settled(seed: int, steps: int, **options: Any) -> tuple[ClampedNetwork, Any, Any]:
    """A network with time to settle, and an example for it."""
    chance = np.random.default_rng(seed)
    steps_of_both: dict[str, Any] = {"n_minus": steps, "n_plus": steps}
    net = ClampedNetwork(
        SIZES, seed=seed, dtype="float64", output="logistic_ce", initial="normal", W_size=0.5,
        **steps_of_both, **options,
    )  # fmt: skip
    return net, chance.random((1, SIZES[0])), np.eye(SIZES[-1])[chance.integers(0, SIZES[-1], 1)]


def feedforward(net: ClampedNetwork, x: Any, t: Any) -> tuple[Any, Any, Any]:
    """Errors of the output, its slopes, and the slopes of the hidden units."""
    h = 1.0 / (1.0 + np.exp(-(x @ net.W[0] + net.b[0])))
    y = 1.0 / (1.0 + np.exp(-(h @ net.W[1] + net.b[1])))
    return t - y, y * (1.0 - y), h * (1.0 - h)


def random_feedback(seed: int, steps: int, strength: float) -> tuple[float, float]:
    """Angles between GeneRec and feedback alignment, and between GeneRec and backpropagation."""
    net, x, t = settled(seed, steps, feedback_scale=strength)
    e, _, slope = feedforward(net, x, t)
    delta = net.update(x, t).delta[0]
    return angle(delta, (e @ net.B[0]) * slope), angle(delta, (e @ net.W[1].T) * slope)


def symmetric_feedback(seed: int, steps: int, strength: float) -> tuple[float, float]:
    """Angles between CHL and the gradients of the cross-entropy and of the squared error."""
    net, x, t = settled(seed, steps, feedback="symmetric", gamma=strength, rule="chl")
    e, slope_of_output, slope = feedforward(net, x, t)
    dW = net.update(x, t).dW[0]
    signals = (e, e * slope_of_output)
    first, second = (angle(dW, x.T @ ((each @ net.W[1].T) * slope)) for each in signals)
    return first, second


# %%
# Both are measured from weak feedback to strong.


def draw(ax: Axes, angles: Any, labels: Sequence[str], xlabel: str, title: str) -> None:
    """Draw two angles over the strength: the mean over seeds, and every seed."""
    for of_label, label, colour in zip(
        np.moveaxis(angles, -1, 0), labels, (BLUE, RED), strict=True
    ):
        ax.plot(STRENGTHS, of_label.T, color=colour, linewidth=0.6, alpha=0.35)
        mean = np.exp(np.log(of_label).mean(axis=0))
        ax.plot(STRENGTHS, mean, "o-", color=colour, markersize=4, linewidth=1.4, label=label)
    guide = 0.4 * angles[..., 0].mean(axis=0)[0] * STRENGTHS / STRENGTHS[0]
    ax.plot(STRENGTHS[1:-2], guide[1:-2], color=PALE, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.text(STRENGTHS[3], 0.6 * guide[3], "proportional", color=PALE, fontsize=8)
    ax.axhline(90.0, color=PALE, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set(xscale="log", yscale="log", xlabel=xlabel, title=title)
    ax.spines[["top", "right"]].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what the clamped two-phase model becomes as feedback gets weaker."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200, help="of each phase")
    parser.add_argument("--out", type=Path, default=Path("clamped_limits.png"))
    chosen = parser.parse_args(arguments)

    found = []
    for measured in (random_feedback, symmetric_feedback):
        rows = [
            [measured(seed, chosen.steps, strength) for strength in STRENGTHS]
            for seed in range(chosen.seeds)
        ]
        found.append(np.array(rows))
    for name, angles, others in zip(
        ("random feedback: feedback alignment", "symmetric feedback: cross-entropy"),
        found,
        ("backpropagation", "squared error"),
        strict=True,
    ):
        weakest, other = angles.mean(axis=0)[0]
        print(f"{name} {weakest:.3f} degrees off, {others} {other:.0f}")

    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True, layout="constrained")
    draw(
        axes[0], found[0], ("to feedback alignment", "to backpropagation"),
        "Standard deviation of feedback", "GeneRec, random feedback",
    )  # fmt: skip
    draw(
        axes[1], found[1], ("to cross-entropy", "to squared error"),
        r"Strength of feedback, $\gamma$", "CHL, symmetric feedback",
    )  # fmt: skip
    for ax in axes:
        ax.legend(frameon=False, loc="lower right", fontsize=8)
    axes[0].set_ylabel("Angle (degrees)")
    axes[1].text(STRENGTHS[-1], 95.0, "at right angles", color=PALE, fontsize=8, ha="right")
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
