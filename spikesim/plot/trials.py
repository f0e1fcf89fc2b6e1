"""Figures of statistics over trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import check_choice, check_neurons, show
from spikesim.errors import InputError
from spikesim.plot.spikes import binned, events_of
from spikesim.plot.style import BLUE, INK, check_axes, check_colour, given_axes, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["psth"]


def psth(
    trials: Sequence[Any],
    ax: Any = None,
    *,
    bin_width: float = 5.0,
    neurons: Any = None,
    raster: bool = False,
    color: str | None = None,
) -> Any:
    """Draw the rate of neurons in the course of a trial, with its standard error over trials.

    This is the peristimulus time histogram: the mean over trials of the spikes per second and
    neuron in each bin, with a band of one standard error of the mean to either side. A rest at the
    end of a trial that is shorter than a bin is left out.

    Parameters
    ----------
    trials : sequence
        The result of `SpikeRecording.take` after each trial, or recordings, patterns, or pairs of
        times (ms) and neurons. The figure shows times from the start of each trial.
    ax : matplotlib.axes.Axes, optional
        With `raster`, two axes: for the spikes and for the rate.
    bin_width : float
        In ms.
    neurons : array_like of int, array_like of bool, int or slice, optional
        Which neurons, as in `plot.raster`. By default, all of them.
    raster : bool
        Whether to draw the spikes of these neurons above the rate, in a row for each trial, with
        the first trial on top.
    color : str, optional
        The color of the rate; by default, blue.

    Returns
    -------
    matplotlib.axes.Axes
        With `raster`, a list of two: the axes of the spikes and those of the rate.

    Raises
    ------
    InputError
        If an argument cannot be used, or trials differ in length.

    Examples
    --------
    >>> from spikesim import Network, Poisson
    >>> net = Network(dt=1.0, backend="python")
    >>> source = net.add_population("source", 5, Poisson)
    >>> spikes, trials = net.record_spikes(source), []
    >>> for k in range(4):
    ...     net.reset(seed=k)
    ...     for time in net.steps(100.0, every=50.0):
    ...         source.rate = 2.0 * time
    ...     trials.append(spikes.take())
    >>> ax = psth(trials, bin_width=10.0)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Time in trial (ms)', 'Rate (Hz)')
    """
    if not isinstance(trials, (list, tuple)) or not trials:
        raise InputError(
            f"trials is {show(trials)}; it has to be a list of at least one trial, such as what "
            "recording.take() returns after each. For the rate over one recording: "
            "plot.raster(recording, rate=True)."
        )
    check_colour(color)
    check_choice("raster", raster, [True, False])
    events = [events_of(trial) for trial in trials]
    spans = [span for *_, span, _ in events]
    lengths = np.array([end - start for start, end in spans])
    if np.ptp(lengths) > 1e-6 * lengths.max():
        raise InputError(
            f"trials are from {lengths.min():g} to {lengths.max():g} ms long; all have to be as "
            "long."
        )
    sizes = [int(i.max(initial=-1)) + 1 if size is None else size for _, i, size, *_ in events]
    n, unknown = max(sizes), all(size is None for _, _, size, *_ in events)
    chosen = check_neurons("neurons", neurons, n, beyond=unknown)
    if not 0 < np.unique(chosen).size == chosen.size:
        raise InputError(
            f"neurons is {show(neurons)}; it has to name at least one of {n}, and none twice."
        )
    is_chosen = np.zeros(max(n, int(chosen.max()) + 1), bool)
    is_chosen[chosen] = True
    marks = [t[is_chosen[i]] - span[0] for (t, i, *_), span in zip(events, spans, strict=True)]
    rates = []
    for times in marks:
        place, edges, width = binned(times, 0.0, float(lengths.min()), bin_width)
        inside = place < edges.size - 1
        counts = np.bincount(place[inside], minlength=edges.size - 1)
        rates.append(counts / (chosen.size * width / 1000.0))
    mean = np.mean(rates, axis=0)
    with styled():
        above, below = _axes(ax, raster)
        colour = color or BLUE
        below.stairs(mean, edges, baseline=None, color=colour, linewidth=1.3)
        if len(rates) > 1:
            error = np.std(rates, axis=0, ddof=1) / np.sqrt(len(rates))
            band = below.stairs(mean + error, edges, baseline=mean - error, fill=True)
            band.set(color=colour, alpha=0.25, linewidth=0.0)
        below.set_xlim(0.0, float(lengths.max()))
        below.set_ylim(bottom=0.0)
        below.set_xlabel("Time in trial (ms)")
        below.set_ylabel("Rate (Hz)")
        if above is None:
            return below
        _draw_marks(above, marks)
        above.figure.align_ylabels([above, below])
    return [above, below]


def _axes(given: Any, raster: bool) -> tuple[Axes | None, Axes]:
    if not raster:
        return None, given_axes(given, (5.0, 2.6))
    if given is None:
        figure = new_figure((5.0, 4.0))
        given = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1.3, 1.0]})
        given[0].tick_params(axis="x", labelbottom=False)
    above, below = check_axes(given, 2, name="ax")
    return above, below


def _draw_marks(ax: Axes, trials: Sequence[np.ndarray]) -> None:
    """Draw a row for each trial, the first on top."""
    height = ax.get_window_extent().height / ax.figure.dpi * 72.0
    ax.plot(
        np.concatenate(trials),
        np.repeat(np.arange(1, len(trials) + 1), [each.size for each in trials]),
        "|",
        color=INK,
        markersize=min(max(0.8 * height / len(trials), 0.8), 9.0),
        markeredgewidth=0.7,
    )
    ax.set_ylim(len(trials) + 0.5, 0.5)
    ax.set_ylabel("Trial")
