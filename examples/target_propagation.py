"""Target propagation needs good inverses
======================================

First, only the inverses of a 64-64-64-64-10 network learn, for some sweeps through the digits. They
return the activities better and better, and by the difference rule targets turn from a right angle
towards the gradient: from the top, where the gradient enters, down. Auxiliary outputs let the
inverse of the output, which sees no more than ten numbers otherwise, return more. Then all weights
learn. Targets without the difference rule, and hidden layers that rest, are the controls.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from spikesim import datasets
from spikesim.models.target_propagation import TargetPropagation

SIZES = (64, 64, 64, 64, 10)
METHODS: dict[str, tuple[dict[str, Any], str]] = {
    "TP": ({"method": "tp"}, "#8C8C8C"),
    "hidden layers rest": ({"credit": "frozen", "inverse": "fixed"}, "#CC79A7"),
    "AO-SDTP": ({"method": "ao_sdtp"}, "#009E73"),
    "SDTP": ({"method": "sdtp"}, "#D55E00"),
    "DTP": ({"method": "dtp"}, "#0072B2"),
    "backpropagation": ({"credit": "backprop", "inverse": "fixed"}, "#000000"),
}
PALE = "#8C8C8C"


def inverses_alone(data: datasets.Dataset, seed: int, sweeps: int, **options: Any) -> Any:
    """Reconstruction and angle of each hidden layer before and after each sweep."""
    net = TargetPropagation(SIZES, seed=seed, **options)
    told = [net.measured(data.test_images, data.test_labels)]
    for _ in range(sweeps):
        net.learn(data.train_images, data.train_labels, sweeps=["inverse"])
        told.append(net.measured(data.test_images, data.test_labels))
    return [[each["reconstruction"], each["angle"]] for each in told]


def errors(data: datasets.Dataset, seed: int, epochs: int, **options: Any) -> list[float]:
    """Test errors before learning and after each epoch, in percent."""
    net = TargetPropagation(SIZES, seed=seed, **options)
    held_out = data.test_images, data.test_labels
    first = net.evaluate(*held_out)
    net.fit(data.train_images, data.train_labels, epochs, validation=held_out)
    return [first, *net.history["test_error"]]


def draw(ax: Axes, values: Any, colour: str, label: str, style: str = "-") -> None:
    """Draw the mean over seeds, and their range; `values` are (seeds, epochs)."""
    epochs = np.arange(values.shape[1])
    ax.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, lw=0)
    ax.plot(epochs, values.mean(axis=0), style, color=colour, linewidth=1.4, label=label)


# %%
# Inverses alone, and then all weights.


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what inverses have to learn before targets are of use."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sweeps", type=int, default=6, help="of inverses alone")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--images", type=int, default=1437, help="from which networks learn")
    parser.add_argument("--out", type=Path, default=Path("target_propagation.png"))
    chosen = parser.parse_args(arguments)

    data = datasets.load_digits()
    data = data._replace(
        train_images=data.train_images[: chosen.images],
        train_labels=data.train_labels[: chosen.images],
    )
    seeds = range(chosen.seeds)
    alone = {
        method: np.array([inverses_alone(data, s, chosen.sweeps, method=method) for s in seeds])
        for method in ("dtp", "sdtp", "ao_sdtp")
    }
    dtp = alone["dtp"]
    before, after = dtp[:, 0, 1].mean(axis=0), dtp[:, -1, 1].mean(axis=0)
    print(
        f"DTP, second hidden layer: {before[1]:.0f} degrees from the gradient, "
        f"{after[1]:.0f} after {chosen.sweeps} sweeps"
    )
    figure, axes = plt.subplots(1, 3, figsize=(10.6, 3.0), layout="constrained")
    for layer, style in ((0, "-"), (1, "--")):
        draw(axes[0], dtp[:, :, 0, layer], "#0072B2", f"DTP, hidden {layer + 1}", style)
    draw(axes[0], alone["sdtp"][:, :, 0, 2], "#D55E00", "SDTP, hidden 3")
    draw(axes[0], alone["ao_sdtp"][:, :, 0, 2], "#009E73", "AO-SDTP, hidden 3")
    axes[0].set(
        yscale="log", xlabel="Sweeps", ylabel="Missed, over variance", title="Inverses learn"
    )
    for layer, style in ((0, "-"), (1, "--"), (2, ":")):
        draw(axes[1], dtp[:, :, 1, layer], "#0072B2", f"hidden {layer + 1}", style)
    axes[1].axhline(90.0, color=PALE, linewidth=0.8, linestyle=(0, (1, 2)))
    axes[1].set(
        xlabel="Sweeps",
        ylabel="Angle to the gradient (degrees)",
        title="Targets of DTP turn",
        ylim=(-3.0, 100.0),
    )
    for name, (options, colour) in METHODS.items():
        found = np.array([errors(data, seed, chosen.epochs, **options) for seed in seeds])
        draw(axes[2], found, colour, name)
        print(f"{name}: test error {found[:, -1].mean():.1f} %")
    axes[2].set(yscale="log", xlabel="Epochs", ylabel="Test error (%)", title="All weights learn")
    axes[2].set_yticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
    axes[2].minorticks_off()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8, loc="upper right")
    axes[1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(0.0, 0.25))
    axes[2].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.55))
    figure.savefig(chosen.out, dpi=150)


if __name__ == "__main__":
    main()
