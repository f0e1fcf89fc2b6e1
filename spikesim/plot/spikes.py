"""Figures of spikes over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.bursts import events_and_bursts
from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_neurons,
    check_number,
    show,
)
from spikesim.errors import InputError
from spikesim.patterns import SpikePattern
from spikesim.plot.style import (
    COLOURS,
    GUIDE,
    INK,
    PALE,
    RED,
    check_attributes,
    check_axes,
    check_colour,
    check_figure,
    check_text,
    check_titles,
    check_window,
    given_axes,
    label_time,
    legend_above,
    new_figure,
    readable,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "binned",
    "burst_raster",
    "layers",
    "mark_phases",
    "name_phases",
    "raster",
    "rasters",
    "spikes_above",
    "windows_of",
]


_LABEL = 12.0  # points from one name of a population to the next, at least
_MANY = 100_000  # a raster of more spikes becomes an image inside a vector figure


def raster(
    spikes: Any,
    ax: Any = None,
    *,
    color: str | None = None,
    neurons: Any = None,
    window: tuple[float, float] | None = None,
    rate: bool = False,
    bin_width: float = 5.0,
) -> Any:
    """Draw one mark per spike, neurons upwards over time.

    Parameters
    ----------
    spikes : SpikeRecording, SpikePattern, pair of arrays of shape (spikes,), or several
        A recording, what was taken out of one, a pattern, or the times (ms) and the neurons of
        spikes. Silent neurons keep their rows. Of a list of recordings or patterns, of what
        `Network.record_spikes` returns for several populations, or of a dict by name like that of
        `sonata.read_spikes`, the first is at the bottom; each has a colour of its own.
    ax : matplotlib.axes.Axes, optional
        With `rate`, two of them: for the spikes, and for the rates.
    color : str, optional
        Colour of the marks; by default nearly black. Not for several populations.
    neurons : array_like of int, array_like of bool, int or slice, optional
        Which neurons to show, from bottom to top: their numbers, a mask with a truth value for
        each, one number, or a slice. By default all are shown; for a pair of arrays, that means up
        to the last one that spiked. ``neurons=range(100)`` shows 100 rows in any case. Of several
        populations, the same numbers of each.
    window : tuple of float, optional
        Start and end (ms) of the time to show; by default the whole recording.
    rate : bool
        Whether to draw the mean rate of all neurons below, in Hz, a line for each population.
    bin_width : float
        Of the rate, in ms.

    Returns
    -------
    matplotlib.axes.Axes
        With `rate` a list of two: that of the spikes, and that of the rates.

    Raises
    ------
    InputError
        If an argument cannot be used. A recording without spikes is fine.

    Examples
    --------
    >>> ax = raster(([1.0, 2.5, 4.0], [0, 2, 0]), window=(0.0, 10.0))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Time (ms)', 'Neuron')
    """
    check_colour(color)
    check_choice("rate", rate, [True, False])
    events = _several(spikes)
    if len(events) > 1 and color is not None:
        raise InputError(f"color is {show(color)}; several populations have colours of their own.")
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(events))]
    if len(events) == 1:
        colours = [color or INK]
    if window is None:
        starts, ends = zip(*(each[3] for each in events), strict=True)
        window = (min(starts), max(ends))
    check_window(window)
    if not rate:
        above, below = ax, None
    else:
        above, below = _two_axes(ax)
        _draw_rates(below, events, colours, window, bin_width)
    if len(events) == 1:
        parts = [(colours[0], np.ones(events[0][0].size, bool))]
        above = _draw_raster(above, events[0], parts, neurons, window)
    else:
        above = _draw_stacked(above, events, colours, neurons, window)
    if below is None:
        return above
    above.set_xlabel("")
    above.tick_params(axis="x", labelbottom=False)
    above.figure.align_ylabels([above, below])
    return [above, below]


def burst_raster(
    spikes: Any,
    ax: Axes | None = None,
    *,
    longest_interval: float = 16.0,
    neurons: Any = None,
    window: tuple[float, float] | None = None,
) -> Axes:
    """Draw a raster in which spikes of bursts and isolated spikes have different colours.

    Parameters
    ----------
    spikes : SpikeRecording, SpikePattern, or pair of arrays of shape (spikes,)
        As in `raster`.
    ax : matplotlib.axes.Axes, optional
    longest_interval : float
        Longest interval between two spikes of a burst (ms), inclusive.
    neurons, window : optional
        The neurons and the time to show, as in `raster`. Spikes that are not shown still decide
        which spikes belong to a burst.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If an argument cannot be used. A recording without spikes is fine.

    Examples
    --------
    >>> ax = burst_raster(([1.0, 9.0, 40.0], [0, 0, 1]), window=(0.0, 50.0))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['isolated spike', 'spike of a burst']
    >>> [line.get_xdata().tolist() for line in ax.lines]
    [[40.0], [1.0, 9.0]]
    """
    from matplotlib.lines import Line2D

    events = events_of(spikes)
    in_burst = events_and_bursts(*events[:2], longest_interval).in_burst
    ax = _draw_raster(ax, events, [(INK, ~in_burst), (RED, in_burst)], neurons, window)
    with styled():
        mark: dict[str, Any] = dict(marker="|", linestyle="", markersize=7.0, markeredgewidth=1.5)
        handles = [  # marks in the raster may be too small to recognise their colours
            Line2D([], [], color=INK, label="isolated spike", **mark),
            Line2D([], [], color=RED, label="spike of a burst", **mark),
        ]
        legend_above(ax, handles, handlelength=0.6)
    return ax


def rasters(
    panels: Sequence[Any],
    axes: Sequence[Axes] | np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    *,
    color: str | None = None,
    window: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw rasters side by side, such as a target and the output during training.

    Parameters
    ----------
    panels : sequence
        Spikes as in `raster`: recordings, patterns, or pairs of times (ms) and neurons.
    axes : sequence of matplotlib.axes.Axes, optional
        One per panel.
    titles : sequence of str, optional
        One above each panel.
    color : str, optional
        Colour of the marks; by default nearly black.
    window : tuple of float, optional
        Start and end (ms) of the time to show; by default as long as the longest panel.

    Returns
    -------
    list of matplotlib.axes.Axes
        They share neurons and times: a row is the same neuron in all of them, unless they are of
        populations of different sizes.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> target, output = ([10.0, 30.0], [0, 1]), ([12.0, 31.0, 40.0], [0, 1, 2])
    >>> axes = rasters([target, output], titles=["target", "output"])
    >>> [ax.get_title() for ax in axes], axes[0].get_ylim() == (-0.5, 2.5)
    (['target', 'output'], True)
    """
    if isinstance(panels, SpikePattern) or not isinstance(panels, (list, tuple)) or not panels:
        raise InputError("panels has to be a list of at least one recording, pattern or pair.")
    check_titles("titles", titles, len(panels))
    check_colour(color)
    events = [events_of(panel) for panel in panels]
    sizes = [size for _, _, size, _, _ in events]
    rows = [int(i.max(initial=-1)) + 1 if size is None else size for _, i, size, _, _ in events]
    is_shared = None in sizes or len(set(sizes)) == 1
    if is_shared:
        rows = [max(rows)] * len(rows)
    if window is None:
        starts, ends = zip(*(span for *_, span, _ in events), strict=True)
        window = (min(starts), max(ends))
    with styled():
        if axes is None:
            axes = new_figure((1.0 + 2.3 * len(panels), 2.8)).subplots(
                1, len(panels), squeeze=False
            )
        every = check_axes(axes, len(panels))
        for ax, (t, i, *_), n in zip(every, events, rows, strict=True):
            raster((t, i), ax, color=color, neurons=range(max(n, 1)), window=window)
        marks = [ax.lines[-1] for ax in every]  # all get one size: larger ones would look like more
        for line in marks:
            line.set_markersize(min(other.get_markersize() for other in marks))
            line.set_markeredgewidth(min(other.get_markeredgewidth() for other in marks))
        for ax in every[1:]:
            ax.set_ylabel("")
            if is_shared:
                ax.tick_params(axis="y", labelleft=False)
        for ax, title in zip(every, titles or [], strict=False):
            ax.set_title(title)
    return every


def layers(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw the spikes of all layers in one trial, the input at the bottom.

    Parameters
    ----------
    recording : LayerRecording or PatternRecording
        From the `record` method of a model.
    figure : matplotlib.figure.Figure, optional
        An empty figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        One per layer, the input first.

    Raises
    ------
    InputError
        If the recording is not one of a trial.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = layers(net.record([0.0, 0.5, 1.0, 0.5], label=1))
    >>> [ax.get_ylabel() for ax in axes]
    ['input', 'hidden 1', 'output']
    """
    check_attributes("recording", recording, "recording of a trial", ("layers", "spikes"))
    check_figure(figure)
    names = list(recording.layers)
    phases = getattr(recording, "phases", ())  # a recorded loop of a pattern has no phases
    span = (0.0, float(phases[-1])) if phases else events_of(recording.spikes[names[0]])[3]
    with styled():
        if figure is None:
            figure = new_figure((5.0, 1.4 + 1.1 * len(names)))
        heights = np.sqrt([recording.spikes[name].n for name in reversed(names)])
        heights = np.maximum(heights, 0.3 * heights.max())
        grid = figure.subplots(
            len(names), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        axes: list[Axes] = list(grid[::-1, 0])
        for ax, name in zip(axes, names, strict=True):
            raster(recording.spikes[name], ax, window=span)
            n = recording.spikes[name].n
            ax.set_yticks([0, n - 1] if n > 1 else [0])
            ax.set_ylabel(readable(name))
            ax.set_xlabel("")
            mark_phases(ax, phases)
        for ax in axes[1:]:
            ax.tick_params(axis="x", length=0)
        axes[0].set_xlabel("Time (ms)")
        name_phases(axes[-1], phases, 3.0)
        figure.align_ylabels(axes)
        figure.supylabel("Neuron")
    return axes


_Events = tuple[np.ndarray, np.ndarray, int | None, tuple[float, float], str]


def events_of(spikes: Any, role: str = "spikes") -> _Events:
    """Times and neurons of spikes, number of neurons (None if unknown), start, end and name."""
    start = 0.0
    if isinstance(spikes, SpikePattern):
        t, i, n = spikes.times, spikes.ids, check_integer("spikes.n", spikes.n, at_least=1)
        end, name = check_number("spikes.duration", spikes.duration, above=0.0), ""
    elif isinstance(spikes, (tuple, list)):
        if len(spikes) != 2:
            raise InputError(f"{role} has {len(spikes)} parts; a pair has times and neurons.")
        t, i = spikes
        n, end, name = None, 0.0, ""
    else:
        check_attributes(role, spikes, "SpikeRecording", ("t", "i", "n", "duration", "name"))
        t, i, n = spikes.t, spikes.i, check_integer("spikes.n", spikes.n, at_least=0)
        duration = check_number("spikes.duration", spikes.duration, at_least=0.0, unit="ms")
        start = getattr(spikes, "t_start", 0.0)
        end = getattr(spikes, "t_stop", start + duration)
        name = spikes.name
        check_text("spikes.name", name)
    t = check_array("spike times", t, shape=(None,))
    i = check_array("neurons of the spikes", i, shape=t.shape, dtype=np.int64, at_least=0)
    last = max(int(i.max(initial=0)), n or 0)
    check_memory(f"spikes has {last} neurons", 64.0 * last)  # every neuron has a row
    if end <= start:
        end = float(t.max(initial=start))
    return t, i, n, (start, end if end > start else start + 1.0), name


def _several(spikes: Any) -> list[_Events]:
    """Those of a list, of a dict by name, or of several populations; one, if it is none of that."""
    if isinstance(spikes, Mapping):
        if not spikes:
            raise InputError(f"spikes is {show(spikes)}; it holds no population.")
        for name in spikes:
            if not isinstance(name, str):
                raise InputError(f"spikes has the name {show(name)}; a name is a text.")
        found = {name: events_of(each, f"spikes[{name!r}]") for name, each in spikes.items()}
        return [(*each[:4], name) for name, each in found.items()]
    if isinstance(spikes, (SpikePattern, np.ndarray)) or not isinstance(spikes, Sequence):
        return [events_of(spikes)]
    parts = list(spikes)
    whole = [isinstance(each, SpikePattern) or hasattr(each, "i") for each in parts]
    if any(whole) and not all(whole):
        raise InputError("spikes is a list that holds more than recordings and patterns.")
    return [events_of(each) for each in parts] if any(whole) else [events_of(spikes)]


def _two_axes(axes: Any) -> list[Axes]:
    """Those for spikes, and for rates below them."""
    if axes is not None:
        return check_axes(axes, 2, name="ax")
    with styled():
        figure = new_figure((5.0, 4.0))
        grid = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3.0, 1.0]})
    return check_axes(grid, 2)


def binned(
    t: np.ndarray, start: float, end: float, bin_width: Any
) -> tuple[np.ndarray, np.ndarray, float]:
    """The bin of each spike, below 0 or beyond the last outside; edges of whole bins; a width."""
    width = check_number("bin_width", bin_width, above=0.0, unit="ms")
    check_memory(f"bin_width is {width:g} ms", 100.0 * (end - start) / width)
    bins = math.floor((end - start) / width + 1e-6)
    if bins < 1:
        raise InputError(
            f"bin_width is {width:g} ms; it has to be at most the time shown, {end - start:g} ms."
        )
    place = np.floor((t - start) / width + 1e-6).astype(np.int64)  # times are rounded
    return place, start + width * np.arange(bins + 1), width


def _draw_rates(
    ax: Axes, events: Sequence[_Events], colours: Sequence[str], window: Any, bin_width: Any
) -> None:
    """The mean rate of the neurons of each population."""
    with styled():
        for (t, i, size, _, _), colour in zip(events, colours, strict=True):
            place, edges, width = binned(t, window[0], window[1], bin_width)
            n = max(int(i.max(initial=0)) + 1 if size is None else size, 1)
            inside = (place >= 0) & (place < edges.size - 1)
            counts = np.bincount(place[inside], minlength=edges.size - 1)
            hz = counts / (n * width / 1000.0)
            ax.stairs(hz, edges, baseline=None, color=colour, linewidth=1.0)
        ax.set_xlim(*window)
        ax.set_ylim(bottom=0.0)
        ax.set_xlabel("Time (ms)")
        ax.set_ylabel("Rate (Hz)")


def _draw_stacked(
    ax: Axes | None, events: Sequence[_Events], colours: Sequence[str], neurons: Any, window: Any
) -> Axes:
    """Rasters one above the other, in colours of their own, with names beside them."""
    rows, marks, middles, begin = [], [], [], 0
    for t, i, size, _, _ in events:
        n = int(i.max(initial=-1)) + 1 if size is None else size
        shown = check_neurons("neurons", neurons, n, beyond=size is None)
        if neurons is not None and not 0 < np.unique(shown).size == shown.size:
            raise InputError("neurons has to name at least one neuron, and none of them twice.")
        row = np.full(max(n, int(shown.max(initial=-1)) + 1), -1)
        row[shown] = np.arange(shown.size) + begin
        marks.append((t[row[i] >= 0], row[i][row[i] >= 0]))
        rows.append(begin)
        middles.append(begin + 0.5 * (shown.size - 1))
        begin += max(shown.size, 1)
    whole = np.concatenate([t for t, _ in marks]), np.concatenate([i for _, i in marks])
    owner = np.repeat(np.arange(len(marks)), [t.size for t, _ in marks])
    parts = [(colour, owner == k) for k, colour in enumerate(colours)]
    stacked = (*whole, begin, (0.0, 1.0), "")
    ax = _draw_raster(ax, stacked, parts, None, window)
    with styled():
        for edge in rows[1:]:
            ax.axhline(edge - 0.5, color=PALE, linewidth=0.8, zorder=0)
        points = ax.get_window_extent().height / ax.figure.dpi * 72.0
        places = _apart(middles, _LABEL / points * begin, begin - 0.5)
        ax.set_yticks(places, [readable(each[4]) or str(k) for k, each in enumerate(events)])
        ax.tick_params(axis="y", length=0)
        for label, colour in zip(ax.get_yticklabels(), colours, strict=True):
            label.set_color(colour)
        ax.set_ylabel("Neurons of")
    return ax


def _apart(places: Sequence[float], least: float, top: float) -> list[float]:
    """Places of labels, moved so that they are `least` apart and between -0.5 and `top`."""
    least = min(least, (top + 0.5) / len(places))
    apart = [max(places[0], 0.5 * least - 0.5)]
    for place in places[1:]:
        apart.append(max(place, apart[-1] + least))
    most = top - 0.5 * least
    for k in reversed(range(len(apart))):
        apart[k] = min(apart[k], most)
        most = apart[k] - least
    return apart


def _draw_raster(
    ax: Axes | None,
    events: _Events,
    parts: Sequence[tuple[str, np.ndarray]],
    neurons: Any,
    window: Any,
) -> Axes:
    """Draw a raster of spikes; each part is a colour and a mask of the spikes that have it."""
    t, i, size, span, name = events
    n = int(i.max(initial=-1)) + 1 if size is None else size
    shown = check_neurons("neurons", neurons, n, beyond=size is None)
    if neurons is not None and not 0 < np.unique(shown).size == shown.size:
        raise InputError("neurons has to name at least one neuron, and none of them twice.")
    last = int(shown.max(initial=0))
    check_memory(f"neurons holds {last}", 64.0 * last)  # every neuron has a row
    start, end = span if window is None else check_window(window)
    with styled():
        ax = given_axes(ax, (5.0, 3.0))
        bottom, top = _rows(ax, t, i, shown, start, end, parts)
        ax.set_xlim(start, end)
        ax.set_ylim(bottom, top)
        label_time(ax)
        ax.set_ylabel(f"{readable(name)} neuron" if name else "Neuron")
    return ax


def _rows(
    ax: Axes,
    t: np.ndarray,
    i: np.ndarray,
    shown: np.ndarray,
    start: float,
    end: float,
    parts: Sequence[tuple[str, np.ndarray]],
) -> tuple[float, float]:
    """Draw the marks of the neurons shown, and return where their rows begin and end."""
    together = bool((np.diff(shown) == 1).all())
    first = int(shown[0]) if together and shown.size else 0
    row = np.full(max(i.max(initial=-1), shown.max(initial=-1)) + 1, -1)
    row[shown] = np.arange(shown.size) + first
    kept = (t >= start) & (t <= end) & (row[i] >= 0)
    box = ax.get_window_extent()
    point = ax.figure.dpi / 72.0
    # Marks fill three quarters of a row. They stay visible however many rows there are, and shrink
    # if they would cover more than a quarter of the area.
    share = 0.25 * box.width * box.height / point**2 / max(kept.sum(), 1)
    smallest = min(max(1.5 * math.sqrt(share), 0.8), 2.5)
    height = min(max(0.75 * box.height / point / max(shown.size, 1), smallest), 9.0)
    width = min(max(share / height, 0.15), 0.8)
    for colour, part in parts:
        ax.plot(
            t[kept & part],
            row[i[kept & part]],
            "|",
            color=colour,
            markersize=height,
            markeredgewidth=width,
            rasterized=bool(kept.sum() > _MANY),
        )
    if not together:
        rows = np.unique(np.linspace(0, shown.size - 1, min(shown.size, 8)).round().astype(int))
        ax.set_yticks(rows, [str(neuron) for neuron in shown[rows]])
    elif shown.size < 6:
        ax.set_yticks(shown)
    return first - 0.5, first + max(shown.size, 1) - 0.5


def spikes_above(ax: Axes, times: np.ndarray, color: str, name: str = "", row: int = 0) -> None:
    """Draw a tick for each spike, in one of the rows above the data, with a name beside it."""
    from matplotlib.transforms import Bbox, TransformedBbox

    height = 1.06 + 0.12 * row
    if times.size:  # without spikes, matplotlib would make room for marks far outside
        (marks,) = ax.plot(
            times,
            np.full(times.size, height),
            "|",
            color=color,
            markersize=6.0,
            markeredgewidth=1.0,
            transform=ax.get_xaxis_transform(),
        )
        # Above the axes, but not beside them, if a user shows a part of the time.
        marks.set_clip_box(TransformedBbox(Bbox([[-0.005, 0.0], [1.005, 2.0]]), ax.transAxes))
        ax.annotate(
            name,
            (1.0, height),
            (4.0, 0.0),
            xycoords="axes fraction",
            textcoords="offset points",
            verticalalignment="center_baseline",
            color=color,
            fontsize=8.0,
        )


def windows_of(phases: Sequence[float], length: float) -> list[tuple[float, float]]:
    """Start and end of the last `length` ms of each phase."""
    begins = [0.0, *phases[:-1]]
    return [(max(begin, end - length), end) for begin, end in zip(begins, phases, strict=True)]


def mark_phases(ax: Axes, phases: Sequence[float]) -> None:
    for end in phases:
        ax.axvline(end, **GUIDE, zorder=1)


def name_phases(ax: Axes, phases: Sequence[float], above: float) -> None:
    """Write 'forward' and 'target' over their phases, so many points above the axes."""
    begin = 0.0
    for name, end in zip(("forward", "target"), phases, strict=False):
        ax.annotate(
            name,
            ((begin + end) / 2.0, 1.0),
            (0.0, above),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            horizontalalignment="center",
            verticalalignment="bottom",
        )
        begin = end
