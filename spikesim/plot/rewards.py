"""Learning from reward: its course, and what a single synapse remembers of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_array, check_choice, check_integer
from spikesim.errors import InputError
from spikesim.plot.spikes import spikes_above
from spikesim.plot.style import (
    BLUE,
    COLOURS,
    GREEN,
    GUIDE,
    INK,
    check_attributes,
    check_axes,
    check_figure,
    check_text,
    new_figure,
    next_colour,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["eligibility", "rewards"]


def rewards(
    R: Any,
    rate: Any,
    block: int = 1,
    along: str = "Trial",
    unit: str = "",
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how reward and hidden activity change in the course of learning.

    Parameters
    ----------
    R : array_like, shape (n,)
        The reward of each trial or epoch.
    rate : array_like, shape (n, hidden layers)
        How active the hidden layers were.
    block : int
        Draw means of so many trials; a last block that is shorter is left out.
    along : str
        The name of what is counted.
    unit : str
        The unit of `rate`, such as 'Hz'.
    axes : sequence of matplotlib.axes.Axes, optional
        Two.

    Returns
    -------
    list of matplotlib.axes.Axes
        Reward, and hidden rates.

    Raises
    ------
    InputError
        If the arrays do not fit each other, or there is no whole block.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> axes = rewards(chance.random(100), chance.random((100, 2)), block=20, unit="Hz")
    >>> [ax.get_ylabel() for ax in axes]
    ['Reward', 'Hidden rate (Hz)']
    """
    R = check_array("R", R, shape=(None,), dtype=np.float64)
    rate = check_array("rate", rate, shape=(R.size, None), dtype=np.float64)
    check_integer("block", block, at_least=1)
    check_text("along", along)
    check_text("unit", unit)
    blocks = R.size // block
    if blocks == 0:
        raise InputError(f"block is {block}, but R has {R.size} entries.")
    at = np.arange(1, blocks + 1) * block
    means = R[: blocks * block].reshape(blocks, block).mean(axis=1)
    rates = rate[: blocks * block].reshape(blocks, block, -1).mean(axis=1)
    with styled():
        if axes is None:
            axes = new_figure((6.4, 2.6)).subplots(1, 2)
        left, right = check_axes(axes, 2)
        left.plot(at, means, color=INK)
        for m, values in enumerate(rates.T):
            right.plot(at, values, color=next_colour(right), label=f"hidden {m + 1}")
        for ax in (left, right):
            ax.set_xlabel(along)
            ax.set_xlim(0.0, at[-1])
        left.set_ylabel("Reward")
        right.set_ylabel(f"Hidden rate ({unit})" if unit else "Hidden rate")
        right.set_ylim(bottom=0.0)
        if len(rates.T) > 1:
            right.legend()
    return [left, right]


def eligibility(
    trial: Any,
    layer: str = "output",
    pre: int | None = None,
    post: int | None = None,
    figure: Figure | SubFigure | None = None,
) -> list[Axes]:
    """Draw what a synapse remembers of a trial, until the reward comes.

    From top to bottom: the potential that presynaptic spikes cause, and these spikes; the membrane
    potential of the postsynaptic neuron, and its spikes; the gradient g of the log-probability of
    what it did; and the eligibility z, which sums their product. A dashed line is the end of the
    stimulus.

    Parameters
    ----------
    trial : LayerRecording
        From the `record` method of a `SpikingRewardNetwork`.
    layer : str
        The layer of the postsynaptic neuron: 'hidden_1', ..., or 'output'.
    pre, post : int, optional
        The neurons; by default those whose synapse has the largest eligibility in the end.
    figure : matplotlib.figure.Figure, optional
        An empty figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        Four, from top to bottom. They share times.

    Raises
    ------
    InputError
        If there is no such layer or neuron.

    Examples
    --------
    >>> from spikesim.models.reward import SpikingRewardNetwork
    >>> net = SpikingRewardNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = eligibility(net.record([0.0, 1.0, 1.0, 0.0], 1), "hidden_1")
    >>> [ax.get_ylabel().split("\\n")[0] for ax in axes]
    ['Presynaptic', 'Membrane', 'Gradient', 'Eligibility']
    """
    check_attributes("trial", trial, "recording of a trial", ("eps", "u", "g", "z", "spikes"))
    check_choice("layer", layer, trial.z)
    check_figure(figure)
    z = trial.z[layer]
    largest = np.unravel_index(np.abs(z[:, :, -1]).argmax(), z.shape[:2])
    i, j = (
        int(most) if given is None else check_integer(name, given, at_least=0, at_most=n - 1)
        for name, given, most, n in zip(
            ("pre", "post"), (pre, post), largest, z.shape, strict=False
        )
    )
    below = trial.layers[trial.layers.index(layer) - 1]
    panels = [
        ("Presynaptic\npotential ε", trial.eps[below][i], BLUE),
        ("Membrane\npotential $u$", trial.u[layer][j], INK),
        ("Gradient\n$g$", trial.g[layer][j], COLOURS[3]),
        ("Eligibility\n$z$", z[i, j], GREEN),
    ]
    with styled():
        if figure is None:
            figure = new_figure((5.0, 5.2))
        axes: list[Axes] = list(figure.subplots(len(panels), 1, sharex=True))
        for ax, (name, values, colour) in zip(axes, panels, strict=True):
            ax.spines[["top", "right"]].set_visible(False)
            ax.plot(trial.t, values, color=colour, linewidth=1.0)
            ax.set_ylabel(name)
            ax.locator_params(axis="y", nbins=4)
            if trial.phases[0] < trial.t[-1]:
                ax.axvline(trial.phases[0], **GUIDE, zorder=1)
        for ax in axes[2:]:
            ax.axhline(0.0, **GUIDE, zorder=1)
        for ax, name, neuron, colour in ((axes[0], below, i, BLUE), (axes[1], layer, j, INK)):
            spikes = trial.spikes[name]
            spikes_above(ax, spikes.t[spikes.i == neuron], colour)
        axes[-1].set_xlim(0.0, trial.t[-1] + trial.dt)
        axes[-1].set_xlabel("Time (ms)")
        figure.align_ylabels(axes)
    return axes
