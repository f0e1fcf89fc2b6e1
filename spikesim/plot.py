"""Figures of spikes, voltages, rates, learning and weights, ready for a paper.

    ax = plot.raster(spikes)
    ax.figure.savefig("raster.pdf")

Every function draws on the `ax` or `axes` it is given, or makes a figure if there are none, and
returns what it has drawn on. None shows or saves anything. matplotlib is imported when the first
figure is drawn, not with spikesim.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spikesim.bursts import events_and_bursts
from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_memory,
    check_names,
    check_neurons,
    check_number,
    check_unknown,
    show,
)
from spikesim.errors import InputError
from spikesim.patterns import SpikePattern

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

__all__ = [
    "angle",
    "burst_raster",
    "compartments",
    "cost_curve",
    "ensembles",
    "layers",
    "learning_curve",
    "multiplexing",
    "pattern_rates",
    "raster",
    "rasters",
    "receptive_fields",
    "sweep",
    "synapse",
    "traces",
    "transfer",
    "weight_change",
]

# The colours of Wong (2011), which colour-blind people can tell apart; grey instead of yellow.
_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C8C8C",
)
_BLUE, _RED, _GREEN = _COLOURS[:3]
_INK, _PALE = "#222222", "#E9E9E9"
_BESIDE = "#6E6E6E"  # what something is compared with
_GUIDE: dict[str, Any] = {"color": "#777777", "linewidth": 0.8, "linestyle": (0, (4, 3))}

_MANY = 100_000  # spikes above which a raster becomes an image inside a vector figure
_DECADES = 1e5  # from the lowest cost that is drawn to the highest
_FEW = 20  # epochs up to which a learning curve shows its points

# What a learning curve can show: its name in the legend, and the label of its axis.
_CURVES = {
    "training_error": ("training", "Error (%)"),
    "test_error": ("test", "Error (%)"),
    "loss": ("loss", "Loss"),
}


def raster(
    spikes: Any,
    ax: Axes | None = None,
    *,
    color: str | None = None,
    neurons: Any = None,
    window: tuple[float, float] | None = None,
) -> Axes:
    """Draw one mark per spike, neurons upwards over time.

    Parameters
    ----------
    spikes : SpikeRecording, SpikePattern, or pair of arrays of shape (spikes,)
        A recording, a pattern, or the times (ms) and the neurons of spikes. Silent neurons keep
        their rows.
    ax : matplotlib.axes.Axes, optional
    color : str, optional
        Colour of the marks; nearly black as a default.
    neurons : array_like of int, array_like of bool, int or slice, optional
        Which neurons to show, from bottom to top: their numbers, a mask with a truth value for
        each, one number, or a slice; all by default. For a pair of arrays these are the neurons up
        to the last one that spiked: ``neurons=range(100)`` shows that there are 100.
    window : tuple of float, optional
        Start and end (ms) of the time to show; the whole recording as a default.

    Returns
    -------
    matplotlib.axes.Axes

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
    _check_colour(color)
    events = _events(spikes)
    parts = [(color or _INK, np.ones(events[0].size, bool))]
    return _draw_raster(ax, events, parts, neurons, window)


def burst_raster(
    spikes: Any,
    ax: Axes | None = None,
    *,
    longest_interval: float = 16.0,
    neurons: Any = None,
    window: tuple[float, float] | None = None,
) -> Axes:
    """Draw a raster in which the spikes of bursts have another colour than isolated ones.

    Parameters
    ----------
    spikes : SpikeRecording, SpikePattern, or pair of arrays of shape (spikes,)
        As in `raster`.
    ax : matplotlib.axes.Axes, optional
    longest_interval : float
        Longest interval between two spikes of a burst (ms), itself included.
    neurons, window : optional
        What to show, as in `raster`. Spikes that are not shown still decide what is a burst.

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

    events = _events(spikes)
    in_burst = events_and_bursts(*events[:2], longest_interval).in_burst
    ax = _draw_raster(ax, events, [(_INK, ~in_burst), (_RED, in_burst)], neurons, window)
    with _style():
        mark: dict[str, Any] = dict(marker="|", linestyle="", markersize=7.0, markeredgewidth=1.5)
        handles = [  # marks in the raster may be too small to tell their colours
            Line2D([], [], color=_INK, label="isolated spike", **mark),
            Line2D([], [], color=_RED, label="spike of a burst", **mark),
        ]
        _legend_above(ax, handles, handlelength=0.6)
    return ax


def rasters(
    panels: Sequence[Any],
    axes: Sequence[Axes] | np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    *,
    color: str | None = None,
    window: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw rasters side by side, such as a target and the output in the course of training.

    Parameters
    ----------
    panels : sequence
        What `raster` takes: recordings, patterns, or pairs of times (ms) and neurons.
    axes : sequence of matplotlib.axes.Axes, optional
        As many as there are panels.
    titles : sequence of str, optional
        One above each panel.
    color : str, optional
        Colour of the marks; nearly black as a default.
    window : tuple of float, optional
        Start and end (ms) of the time to show; as long as the longest panel as a default.

    Returns
    -------
    list of matplotlib.axes.Axes
        They share neurons and times: a row is the same neuron in all of them.

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
    _check_titles("titles", titles, len(panels))
    _check_colour(color)
    events = [_events(panel) for panel in panels]
    n = max(int(i.max(initial=-1)) + 1 if size is None else size for _, i, size, _, _ in events)
    if window is None:
        starts, ends = zip(*(span for *_, span, _ in events), strict=True)
        window = (min(starts), max(ends))
    with _style():
        if axes is None:
            axes = _figure((1.0 + 2.3 * len(panels), 2.8)).subplots(1, len(panels), squeeze=False)
        every = _check_axes(axes, len(panels))
        for ax, (t, i, *_) in zip(every, events, strict=True):
            raster((t, i), ax, color=color, neurons=range(max(n, 1)), window=window)
        marks = [ax.lines[-1] for ax in every]  # of one size, or fewer spikes would look like more
        for line in marks:
            line.set_markersize(min(other.get_markersize() for other in marks))
            line.set_markeredgewidth(min(other.get_markeredgewidth() for other in marks))
        for ax in every[1:]:
            ax.set_ylabel("")
            ax.tick_params(axis="y", labelleft=False)
        for ax, title in zip(every, titles or [], strict=False):
            ax.set_title(title)
    return every


def layers(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw the spikes of all layers in one trial, the input at the bottom.

    Parameters
    ----------
    recording : TrialRecording or PatternRecording
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
        If the recording is no recording of a trial.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = layers(net.record([0.0, 0.5, 1.0, 0.5], label=1))
    >>> [ax.get_ylabel() for ax in axes]
    ['input', 'hidden 1', 'output']
    """
    _check_attributes("recording", recording, "TrialRecording", ("layers", "spikes"))
    _check_figure(figure)
    names = list(recording.layers)
    phases = getattr(recording, "phases", ())  # a loop of a pattern has none
    span = (0.0, float(phases[-1])) if phases else _events(recording.spikes[names[0]])[3]
    with _style():
        if figure is None:
            figure = _figure((5.0, 1.4 + 1.1 * len(names)))
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
            ax.set_ylabel(_readable(name))
            ax.set_xlabel("")
            _mark_phases(ax, phases)
        for ax in axes[1:]:
            ax.tick_params(axis="x", length=0)
        axes[0].set_xlabel("Time (ms)")
        _name_phases(axes[-1], phases, 3.0)
        figure.align_ylabels(axes)
        figure.supylabel("Neuron")
    return axes


def traces(
    recording: Any, variables: str | Sequence[str], neuron: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw variables of one neuron over time.

    Parameters
    ----------
    recording : StateRecording
    variables : str or sequence of str
        What to draw, out of what was recorded.
    neuron : int
        Its number in the population; it has to be among those recorded.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The y axis is a voltage in mV if all names begin with v or V; otherwise it bears the names.

    Raises
    ------
    InputError
        If the variable or neuron was not recorded, or nothing was.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=1.0, backend="python")
    >>> cells = net.add_population("cells", 2, LIF)
    >>> voltages = net.record(cells, "v")
    >>> net.run(5.0)
    >>> traces(voltages, "v", neuron=1).get_ylabel()
    'Voltage (mV)'
    """
    _check_attributes("recording", recording, "StateRecording", ("variables", "neurons", "t"))
    names = check_names("variables", variables)
    check_unknown("variable", names, recording.variables)
    if not names:
        raise InputError(f"variables is empty; choose from {', '.join(recording.variables)}.")
    ids = np.asarray(recording.neurons)
    row = np.flatnonzero(ids == check_integer("neuron", neuron, at_least=0))
    if not ids.size:
        raise InputError("recording holds no neurons; record at least one.")
    if not row.size:
        some = ", ".join(map(str, ids[:10])) + (", ..." if ids.size > 10 else "")
        raise InputError(f"neuron is {neuron}, which was not recorded; there is {some}.")
    t = recording.t
    if not t.size:
        raise InputError("recording holds no samples yet; run the network first.")
    with _style():
        ax = _axes(ax, (5.0, 2.6))
        for name in names:
            ax.plot(
                t, getattr(recording, name)[row[0]], color=_next_colour(ax), label=_symbol(name)
            )
        ax.set_xlim(t[0], max(t[-1], t[0] + recording.dt))
        ax.set_xlabel("Time (ms)")
        voltages = all(name[0] in "vV" for name in names)
        ax.set_ylabel("Voltage (mV)" if voltages else ", ".join(map(_symbol, names)))
        if len(names) > 1:
            _legend_above(ax)
    return ax


def compartments(
    trial: Any,
    layer: str = "hidden_1",
    neuron: int = 0,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the voltages of all compartments of one neuron in one trial.

    The neuron's spikes stand above its somatic voltage. Grey bands are the windows at the ends of
    the phases over which the model takes means. In the apical panel a bar is the mean voltage of a
    window; the plateau potential that comes of it is written above.

    Parameters
    ----------
    trial : TrialRecording
        From the `record` method of a `SegregatedDendriteNetwork`.
    layer : str
        'hidden_1', ..., or 'output'.
    neuron : int
    axes : sequence of matplotlib.axes.Axes, optional
        As many as there are compartments.

    Returns
    -------
    list of matplotlib.axes.Axes
        Soma, basal and apical dendrite of a hidden neuron; soma and dendrite of an output neuron.
        They share times, not voltages.

    Raises
    ------
    InputError
        If there is no such layer or neuron, or the axes are too few or many.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = compartments(net.record([0.0, 0.5, 1.0, 0.5], label=1), "output", neuron=1)
    >>> [ax.get_ylabel() for ax in axes]
    ['Soma\\n$V$ (mV)', 'Dendrite\\n$V_\\\\mathrm{B}$ (mV)']
    """
    _check_attributes(
        "trial", trial, "TrialRecording", ("V", "V_B", "V_A", "phases", "alpha_f", "alpha_t")
    )
    check_choice("layer", layer, trial.V)
    check_integer("neuron", neuron, at_least=0, at_most=len(trial.V[layer]) - 1)
    hidden = layer in trial.V_A
    below = "Basal" if hidden else "Dendrite"
    panels = [("Soma", "V", trial.V), (below, r"V_\mathrm{B}", trial.V_B)]
    if hidden:
        panels.append(("Apical", r"V_\mathrm{A}", trial.V_A))
    phases = [float(end) for end in trial.phases]
    windows = _windows(phases, float(getattr(trial, "window", 20.0)))
    with _style():
        if axes is None:
            grid = _figure((5.0, 0.7 + 1.3 * len(panels))).subplots(
                len(panels), 1, sharex=True, squeeze=False
            )
            axes = grid
            for ax in grid[:-1, 0]:
                ax.tick_params(axis="x", length=0)
        panel_axes = _check_axes(axes, len(panels))
        for ax, (place, symbol, voltages), colour in zip(
            panel_axes, panels, (_INK, _BLUE, _GREEN), strict=False
        ):
            for start, end in windows:
                ax.axvspan(start, end, color=_PALE, linewidth=0.0, zorder=0)
            ax.plot(trial.t, voltages[layer][neuron], color=colour)
            _mark_phases(ax, phases)
            ax.set_xlim(0.0, phases[-1])
            ax.set_ylabel(f"{place}\n${symbol}$ (mV)")
        soma = panel_axes[0]
        spikes = trial.spikes[layer]
        times = spikes.t[spikes.i == neuron]
        _spikes_above(soma, times, _INK)
        _name_phases(soma, phases, 12.0)
        if hidden:
            plateaus = [trial.alpha_f, trial.alpha_t]
            for (start, end), alpha, phase in zip(windows, plateaus, "ft", strict=False):
                inside = (trial.t >= start) & (trial.t < end)
                _mark_plateau(
                    panel_axes[-1],
                    (start, end),
                    float(trial.V_A[layer][neuron][inside].mean()),
                    rf"$\alpha_\mathrm{{{phase}}} = {float(alpha[layer][neuron]):.3f}$",
                )
        panel_axes[-1].set_xlabel("Time (ms)")
        panel_axes[-1].get_figure().align_ylabels(panel_axes)  # type: ignore[union-attr]
    return panel_axes


def ensembles(
    recording: Any,
    layer: str = "hidden_1",
    units: int = 5,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the event rate, apical potential, burst probability and burst rate of some ensembles.

    Grey lines are the steps in which the output is nudged; a dotted one is the start of an image.

    Parameters
    ----------
    recording : ImageRecording
        From the `record` method of a `BurstEnsembleNetwork`.
    layer : str
        'hidden_1', ..., or 'output'.
    units : int
        How many: those whose burst rate the first nudge changes most.
    axes : sequence of matplotlib.axes.Axes, optional
        As many as there are panels.

    Returns
    -------
    list of matplotlib.axes.Axes
        h, u, p and beta of a hidden layer; h and beta of the output.

    Raises
    ------
    InputError
        If there is no such layer, or the axes are too few or many.

    Examples
    --------
    >>> from spikesim.models.burst import BurstEnsembleNetwork
    >>> net = BurstEnsembleNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = ensembles(net.record([0.0, 0.5, 1.0, 0.5], 1), "output")
    >>> [ax.get_ylabel() for ax in axes]
    ['Event\\nrate $h$', 'Burst\\nrate $\\\\beta$']
    """
    _check_attributes("recording", recording, "ImageRecording", ("h", "u", "p", "beta", "nudges"))
    check_choice("layer", layer, recording.h)
    check_integer("units", units, at_least=1)
    panels = [("Event\nrate $h$", recording.h)]
    if layer in recording.u:
        panels.append(("Apical\npotential $u$", recording.u))
        panels.append(("Burst\nprobability $p$", recording.p))
    panels.append((r"Burst" "\n" r"rate $\beta$", recording.beta))
    first = int(recording.nudges[0]) + len(recording.layers) - 1 - recording.layers.index(layer)
    change = np.abs(recording.beta[layer][:, first] - recording.beta[layer][:, first - 1])
    shown = np.argsort(-change, kind="stable")[:units]
    end = recording.t.size * recording.dt
    with _style():
        if axes is None:
            axes = _figure((5.0, 0.7 + 1.2 * len(panels))).subplots(
                len(panels), 1, sharex=True, squeeze=False
            )
            for ax in axes[:-1, 0]:
                ax.tick_params(axis="x", length=0)
        panel_axes = _check_axes(axes, len(panels))
        for ax, (label, values) in zip(panel_axes, panels, strict=True):
            for onset in recording.onsets[1:]:
                ax.axvline(onset * recording.dt, color=_INK, linewidth=0.8, linestyle=":")
            for nudge in recording.nudges:
                ax.axvline(nudge * recording.dt, **_GUIDE)
            for k, unit in enumerate(shown):
                ax.step(  # the last step lasts as long as the others
                    np.append(recording.t, end),
                    np.append(values[layer][unit], values[layer][unit][-1]),
                    where="post",
                    color=_COLOURS[k % len(_COLOURS)],
                )
            ax.set_ylabel(label)
        panel_axes[0].annotate(
            "nudge",
            (recording.nudges[0] * recording.dt, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
        panel_axes[-1].set_xlim(0.0, end)
        panel_axes[-1].set_xlabel("Time (ms)")
        panel_axes[-1].get_figure().align_ylabels(panel_axes)  # type: ignore[union-attr]
    return panel_axes


def multiplexing(
    time: Any,
    event_rate: Any,
    burst_probability: Any,
    somatic_current: Any,
    dendritic_current: Any,
    axes: Sequence[Axes] | np.ndarray | None = None,
    titles: Sequence[str] | None = None,
) -> list[Axes]:
    """Draw the event rate over the somatic current, the burst probability over the dendritic one.

    The scales fit both, so that what follows its current lies on it. The correlation coefficient of
    the two (Pearson, without lag) is written above, unless one of them is constant.

    Parameters
    ----------
    time : array_like, shape (bins,)
        The middle of each bin (ms), as `spikesim.bursts.binned_rates` returns it with the next two.
    event_rate, burst_probability : array_like, shape (bins,) or (populations, bins)
        In Hz per neuron, and as a fraction; NaN leaves a gap.
    somatic_current, dendritic_current : array_like, shape (bins,) or (populations, bins)
        The injected currents in the bins (pA). One row serves all populations.
    axes : sequence of matplotlib.axes.Axes, optional
        Two per population: first a row of event rates, then one of burst probabilities. The
        currents are drawn on twins of them.
    titles : sequence of str, optional
        One above each population.

    Returns
    -------
    list of matplotlib.axes.Axes
        In the order of `axes`, without the twins.

    Raises
    ------
    InputError
        If shapes do not fit together.

    Examples
    --------
    >>> time = np.arange(25.0, 1000.0, 50.0)
    >>> wave, beat = np.sin(time / 80.0), np.sin(time / 150.0)
    >>> axes = multiplexing(time, 5.0 + wave, 0.3 + 0.1 * beat, 200.0 * wave, 100.0 * beat)
    >>> [ax.get_ylabel() for ax in axes]
    ['Event rate (Hz)', 'Burst probability (%)']
    """
    time = _check_times(time)
    given = {
        "event_rate": event_rate,
        "burst_probability": burst_probability,
        "somatic_current": somatic_current,
        "dendritic_current": dendritic_current,
    }
    series = {name: _check_series(name, values, time.size) for name, values in given.items()}
    count = max(map(len, series.values()))
    for name, rows in series.items():
        if len(rows) not in (1, count):
            raise InputError(f"{name} has {len(rows)} rows; it has to have 1 or {count}.")
    _check_titles("titles", titles, count)
    rates, probabilities, somatic, dendritic = (
        np.broadcast_to(rows, (count, time.size)) for rows in series.values()
    )
    panels = [
        ("Event rate (Hz)", rates, _BLUE, "Somatic current (pA)", somatic),
        ("Burst probability (%)", 100.0 * probabilities, _RED, "Dendritic current (pA)", dendritic),
    ]
    with _style():
        if axes is None:
            axes = _figure((1.4 + 3.4 * count, 4.0)).subplots(2, count, sharex=True, squeeze=False)
            for ax in axes[0]:
                ax.tick_params(axis="x", length=0)
        every = _check_axes(axes, 2 * count)
        twins = [_beneath(ax) for ax in every]
        for k, (ax, twin) in enumerate(zip(every, twins, strict=True)):
            row, population = divmod(k, count)
            label, values, colour, current_label, currents = panels[row]
            ax.plot(time, values[population], color=colour)
            twin.plot(time, currents[population], color=_BESIDE, linestyle=(0, (4, 1.5)))
            ax.locator_params(axis="y", nbins=6)
            twin.locator_params(axis="y", nbins=6)
            if not np.ptp(currents[population]):
                twin.set_yticks(currents[population][:1])
            ax.set_xlim(*_extent(time))
            r = _correlation(values[population], currents[population])
            if r is not None:
                ax.set_title(f"$r = {r:.2f}$", loc="right")
            if population == 0:
                ax.set_ylabel(label, color=colour)
            if population == count - 1:
                twin.set_ylabel(current_label, color=_BESIDE)
            if row == 1:
                ax.set_xlabel("Time (ms)")
        for ax, title in zip(every, titles or [], strict=False):
            ax.set_title(title, loc="left")
        for side in (every, twins):
            every[0].get_figure().align_ylabels(side)  # type: ignore[union-attr]
    return every


def sweep(
    parameter: Any,
    result: Any,
    ax: Axes | None = None,
    label: str | None = None,
    *,
    xlabel: str,
    ylabel: str,
    xscale: str = "linear",
) -> Axes:
    """Draw a result over a parameter, such as weight changes over pairing frequencies.

    Parameters
    ----------
    parameter : array_like, shape (values,)
        In any order.
    result : array_like, shape (values,) or (seeds, values)
        Of several seeds, the line is the mean and the band one standard deviation (of a sample:
        ddof=1) to either side. NaN leaves a gap.
    ax : matplotlib.axes.Axes, optional
        Each call takes the next colour on it.
    label : str, optional
        For the legend; none as a default, but for the number of seeds.
    xlabel, ylabel : str
        With units, such as ``"Pairing frequency (Hz)"``.
    xscale : str
        'linear' or 'log'.

    Returns
    -------
    matplotlib.axes.Axes
        The axis of results contains 0: it begins there, or a dashed line marks it.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> labels = dict(xlabel="Scale of inhibition", ylabel="Error (%)", xscale="log")
    >>> ax = sweep([0.1, 1.0, 10.0], [[5.0, 6.0, 28.0], [5.4, 6.2, 36.0]], label="fixed", **labels)
    >>> ax = sweep([0.1, 1.0, 10.0], [5.1, 6.1, 7.4], ax, label="learned", **labels)
    >>> ax.lines[0].get_ydata().round(1).tolist()
    [5.2, 6.1, 32.0]
    """
    check_choice("xscale", xscale, ("linear", "log"))
    for name, text in (("label", label), ("xlabel", xlabel), ("ylabel", ylabel)):
        _check_text(name, text)
    parameter = check_array("parameter", parameter, shape=(None,))
    rows = _check_series("result", result, parameter.size)
    if xscale == "log" and parameter.min() <= 0.0:
        raise InputError(
            f"parameter holds {parameter.min():g}; every element has to be above 0 with xscale "
            "'log'."
        )
    if label is None and len(rows) > 1:
        label = f"mean ± sd of {len(rows)}"
    order = np.argsort(parameter, kind="stable")
    with _style():
        ax = _axes(ax, (4.2, 3.0))
        _mean_and_spread(
            ax,
            parameter[order],
            rows[:, order],
            _next_colour(ax),
            label=label,
            marker="o" if parameter.size <= _FEW else "",
            markersize=3.0,
        )
        ax.set_xscale(xscale)
        _show_zero(ax)
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        if label:
            ax.legend()
    return ax


def transfer(
    dendritic_current: Any,
    event_rate: Any,
    burst_probability: Any,
    axes: Sequence[Axes] | np.ndarray | None = None,
    label: str | None = None,
) -> list[Axes]:
    """Draw what an ensemble makes of a dendritic current: its event rate and burst probability.

    Parameters
    ----------
    dendritic_current : array_like, shape (currents,)
        In pA.
    event_rate, burst_probability : array_like, shape (currents,) or (seeds, currents)
        In Hz per neuron, and as a fraction; of several seeds, mean and spread as in `sweep`.
    axes : sequence of matplotlib.axes.Axes, optional
        Two. Each call takes the next colour on them: one call per condition.
    label : str, optional
        For the legend, such as ``"without inhibition"``.

    Returns
    -------
    list of matplotlib.axes.Axes
        Event rate and burst probability.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> axes = transfer([0.0, 100.0, 200.0], [4.2, 3.5, 3.0], [0.14, 0.52, 0.92])
    >>> axes = transfer([0.0, 100.0, 200.0], [6.2, 5.5, 5.0], [0.15, 0.5, 0.9], axes, "driven")
    >>> axes[1].get_xlabel(), axes[1].get_ylabel()
    ('Dendritic current (pA)', 'Burst probability (%)')
    """
    _check_text("label", label)
    current = check_array("dendritic_current", dendritic_current, shape=(None,))
    rates = _check_series("event_rate", event_rate, current.size)
    probabilities = _check_series("burst_probability", burst_probability, current.size)
    results = {"Event rate (Hz)": rates, "Burst probability (%)": 100.0 * probabilities}
    with _style():
        if axes is None:
            axes = _figure((6.4, 2.8)).subplots(1, 2)
        both = _check_axes(axes, 2)
        for ax, (ylabel, rows) in zip(both, results.items(), strict=True):
            sweep(current, rows, ax, label, xlabel="Dendritic current (pA)", ylabel=ylabel)
        legend = both[1].get_legend()
        if legend:  # one serves both
            legend.remove()
    return both


def weight_change(
    time: Any,
    change: Any,
    burst_probability: Any,
    blocks: Sequence[tuple[float, float, str]] = (),
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how much synapses have changed, over the burst probability that changes them.

    Parameters
    ----------
    time : array_like, shape (times,)
        In s of simulated time.
    change : array_like, shape (times,) or (seeds, times)
        Cumulative change as a fraction of the initial weight, which is drawn in percent. Of several
        seeds, the line is the mean and the band one standard deviation to either side.
    burst_probability : array_like of the same shape, or dict of str to such arrays
        As a fraction; a dict names several, such as those of pre- and postsynaptic neurons.
    blocks : sequence of (start, end, name)
        Stretches of time (s) that are shaded, with their names above; a name may be empty.
    axes : sequence of matplotlib.axes.Axes, optional
        Two.

    Returns
    -------
    list of matplotlib.axes.Axes
        Weight change and burst probability.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Examples
    --------
    >>> time = np.arange(0.0, 50.0)
    >>> probability = np.where(time < 25.0, 0.1, 0.25)
    >>> change = np.cumsum(probability - 0.1) / 50.0
    >>> axes = weight_change(time, change, probability, [(25.0, 50.0, "× 1.5")])
    >>> [ax.get_ylabel() for ax in axes]
    ['Weight change (%)', 'Burst probability (%)']
    """
    time = _check_times(time)
    changes = _check_series("change", change, time.size)
    named = burst_probability if isinstance(burst_probability, Mapping) else {"": burst_probability}
    probabilities = {
        name: _check_series("burst_probability", values, time.size)
        for name, values in named.items()
    }
    if not probabilities:
        raise InputError("burst_probability is an empty dict; it has to hold at least one array.")
    if not isinstance(blocks, (list, tuple)):
        raise InputError(f"blocks is {show(blocks)}; it has to be a list of (start, end, name).")
    spans = [_check_block(block) for block in blocks]
    with _style():
        if axes is None:
            axes = _figure((5.0, 3.8)).subplots(2, 1, sharex=True)
            axes[0].tick_params(axis="x", length=0)
        both = _check_axes(axes, 2)
        _mean_and_spread(both[0], time, 100.0 * changes, _INK)
        for name, rows in probabilities.items():
            _mean_and_spread(both[1], time, 100.0 * rows, _next_colour(both[1]), label=name)
        if any(probabilities):
            _legend_above(both[1])
        times = [*_extent(time), *(edge for span in spans for edge in span[:2])]
        for ax in both:
            _show_zero(ax)
            for start, end, _ in spans:
                ax.axvspan(start, end, color=_PALE, linewidth=0.0, zorder=0)
            ax.set_xlim(min(times), max(times))
        for start, end, name in spans:
            both[0].annotate(
                name,
                ((start + end) / 2.0, 1.0),
                (0.0, 2.0),
                xycoords=both[0].get_xaxis_transform(),
                textcoords="offset points",
                horizontalalignment="center",
                verticalalignment="bottom",
                fontsize=8.0,
            )
        both[0].set_ylabel("Weight change (%)")
        both[1].set_ylabel("Burst probability (%)")
        both[1].set_xlabel("Simulated time (s)")
        both[0].get_figure().align_ylabels(both)  # type: ignore[union-attr]
    return both


def learning_curve(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    key: str | Sequence[str] = ("training_error", "test_error"),
    ax: Axes | None = None,
    label: str | None = None,
) -> Axes:
    """Draw errors over epochs: of one run, or mean and spread of several.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        The history of a network: 'epoch', and a column for each key, with None where there was no
        test. Of several (seeds of one network), the line is the mean and the band one standard
        deviation (of a sample: ddof=1) to either side, at the epochs that all of them have.
    key : str or sequence of str
        'training_error' (dashed beside another), 'test_error', 'loss'. Columns without a number are
        left out.
    ax : matplotlib.axes.Axes, optional
        Each call takes the next colour on it.
    label : str, optional
        For the legend; the name of the key as a default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a column is missing, or there is nothing to draw.

    Examples
    --------
    >>> ax = learning_curve({"epoch": [1, 2, 3], "test_error": [None, 8.0, 6.0]}, "test_error")
    >>> ax.get_ylabel(), ax.lines[0].get_ydata().tolist()
    ('Error (%)', [8.0, 6.0])
    """
    keys = check_names("key", key)
    if not keys:
        raise InputError(f"key is {show(key)}; it has to be one of {', '.join(_CURVES)}.")
    for each in keys:
        check_choice("key", each, _CURVES)
    if len({_CURVES[each][1] for each in keys}) != 1:
        raise InputError(f"key is {show(key)}; keys of one figure have to be of one quantity.")
    runs = _runs(history)
    _check_text("label", label)
    curves = [(each, _common([_column(run, each) for run in runs])) for each in keys]
    curves = [(each, curve) for each, curve in curves if curve[0].size]
    if not curves:
        what = " or ".join(map(repr, keys))
        several = f" at an epoch that all {len(runs)} runs have" if len(runs) > 1 else ""
        raise InputError(f"history holds no number for {what}{several}; there is nothing to draw.")
    with _style():
        ax = _axes(ax, (4.2, 3.0))
        colour = _next_colour(ax)
        for each, (epochs, values) in curves:
            name = _CURVES[each][0]
            if label is None:
                name += f", mean ± sd of {len(runs)}" if len(runs) > 1 else ""
            else:
                name = label if len(keys) == 1 else f"{label}, {name}"
            dashed = each == "training_error" and len(keys) > 1
            _mean_and_spread(
                ax,
                epochs,
                values,
                colour,
                label=name,
                linestyle=(0, (3, 1.5)) if dashed else "-",
                marker="o" if epochs.size <= _FEW else "",
                markersize=3.0,
                markerfacecolor="white" if dashed else colour,
            )
        ax.set_xlabel("Epoch")
        ax.set_ylabel(_CURVES[keys[0]][1])
        _whole_epochs(ax)
        if ax.get_yscale() == "linear":
            ax.set_ylim(bottom=0.0, auto=None)
        ax.legend()
    return ax


def cost_curve(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ax: Axes | None = None,
    label: str | None = None,
    reference: float | None = None,
) -> Axes:
    """Draw the cost of spike trains over simulated time: of one run, or of several and their mean.

    The cost falls over orders of magnitude, so its axis is logarithmic. Curves end five decades
    below the highest cost: once all spikes are learned, a moving average falls for ever.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        'time' (s of simulated time) and 'cost', with None where it was not measured. Of several
        (seeds of one network) each is a thin line, and the thick one is their mean, at the times
        that all of them have.
    ax : matplotlib.axes.Axes, optional
        Each call takes the next colour on it.
    label : str, optional
        For the legend; none as a default, but for the number of runs.
    reference : float, optional
        A cost to be marked by a dashed line, such as that of a silent network.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a column is missing, or there is nothing to draw.

    Examples
    --------
    >>> ax = cost_curve({"time": [10.0, 20.0, 30.0], "cost": [40.0, 8.0, 1.5]}, reference=42.0)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()
    ('Simulated time (s)', 'van Rossum cost', 'log')
    """
    runs = _runs(history)
    _check_text("label", label)
    columns = [_column(run, "cost", "time") for run in runs]
    times, costs = _common(columns)
    if not (costs > 0.0).any():
        several = f" at a time that all {len(runs)} runs have" if len(runs) > 1 else ""
        raise InputError(f"history holds no cost above 0{several}; there is nothing to draw.")
    if reference is not None:
        reference = check_number("reference", reference, above=0.0, at_most=1e100)
    lowest = costs.max() / _DECADES

    def visible(values: Any) -> np.ndarray:
        return np.where(np.asarray(values) >= lowest, values, np.nan)

    with _style():
        ax = _axes(ax, (4.2, 3.0))
        colour = _next_colour(ax)
        if len(runs) > 1:
            label = f"{label + ', ' if label else ''}mean of {len(runs)}"
            for column in columns:
                ax.plot(
                    list(column),
                    visible(list(column.values())),
                    color=colour,
                    alpha=0.3,
                    linewidth=0.6,
                )
        ax.plot(times, visible(costs.mean(axis=0)), color=colour, label=label)
        if reference is not None:
            ax.axhline(reference, **_GUIDE, zorder=1)
        ax.set_yscale("log")
        ax.set_xlim(left=0.0, auto=None)
        ax.set_xlabel("Simulated time (s)")
        ax.set_ylabel("van Rossum cost")
        if label:
            ax.legend()
    return ax


def pattern_rates(
    history: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    patterns: Sequence[str],
    key: str = "output_rate",
    threshold: float | None = None,
    chance: float | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how an output's rate comes to tell patterns apart, and the cost, over epochs.

    Parameters
    ----------
    history : dict of str to list, or sequence of such dicts
        'epoch', 'cost', and `key`: per epoch one event rate per pattern (Hz). Of several (seeds of
        one network) each has its own lines.
    patterns : sequence of str
        Their names, for the legend.
    key : str
    threshold : float, optional
        The rate (Hz) above which the output says yes: a dashed line.
    chance : float, optional
        The cost of not knowing: a dashed line.
    axes : sequence of matplotlib.axes.Axes, optional
        Two.

    Returns
    -------
    list of matplotlib.axes.Axes
        Event rate and cost.

    Raises
    ------
    InputError
        If a column is missing or does not fit `patterns`, or there is nothing to draw.

    Examples
    --------
    >>> history = {"epoch": [0, 1, 2], "cost": [3.0, 2.0, 1.0]}
    >>> history["output_rate"] = [[5.0, 5.0], [4.5, 6.5], [4.0, 8.0]]
    >>> axes = pattern_rates(history, ["off", "on"], threshold=6.0)
    >>> [ax.get_ylabel() for ax in axes]
    ['Output event rate (Hz)', 'Cost of an epoch']
    """
    runs = _runs(history)
    check_choice("key", key, [key] if isinstance(key, str) else [])
    if isinstance(patterns, str) or not isinstance(patterns, (list, tuple)) or not patterns:
        raise InputError(f"patterns is {show(patterns)}; it has to be a list of names.")
    _check_titles("patterns", patterns, len(patterns))
    for name, level in (("threshold", threshold), ("chance", chance)):
        if level is not None:
            check_number(name, level)
    if not runs:
        raise InputError("history is empty; it has to hold at least one run.")
    costs = [_column(run, "cost") for run in runs]
    epochs = [check_array("history['epoch']", run["epoch"], shape=(None,)) for run in runs]
    if not all(epoch.size for epoch in epochs):
        raise InputError("history has no epochs; it has to hold at least one of each run.")
    rates = []
    for run in runs:
        if key not in run:
            raise InputError(
                f"history has no {show(key)}, which key asks for; "
                f"there is {', '.join(map(str, run))}."
            )
        shape = (len(run["epoch"]), len(patterns))
        rates.append(
            check_array(f"history[{key!r}], one for each of patterns", run[key], shape=shape)
        )
    with _style():
        if axes is None:
            axes = _figure((5.0, 4.2)).subplots(2, 1, sharex=True)
            axes[0].tick_params(axis="x", length=0)
        above, below = both = _check_axes(axes, 2)
        named = []
        for k, name in enumerate(patterns):
            colour = _next_colour(above)
            for epoch, values in zip(epochs, rates, strict=True):
                above.plot(epoch, values[:, k], color=colour, linewidth=0.9, alpha=0.8)
            above.lines[-1].set_label(name)
            named.append(above.lines[-1])
        for cost in costs:
            below.plot(list(cost), list(cost.values()), color=_INK, linewidth=0.9, alpha=0.8)
        for ax, level in ((above, threshold), (below, chance)):
            if level is not None:
                ax.axhline(level, **_GUIDE, zorder=1)
            ax.set_ylim(bottom=0.0, auto=None)
        above.set_xlim(0.0, max(epoch.max() for epoch in epochs))
        _legend_above(above, named)
        above.set_ylabel("Output event rate (Hz)")
        below.set_ylabel("Cost of an epoch")
        below.set_xlabel("Epoch")
        above.get_figure().align_ylabels(both)  # type: ignore[union-attr]
    return both


def synapse(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw what one synapse learns from, in one trial of SuperSpike.

    From top to bottom: the presynaptic spikes and their trace; the membrane potential of the
    postsynaptic neuron, its spikes, and in colour those it should have; the surrogate derivative;
    the eligibility trace; the error signal; and the product of the two, whose mean moves the weight
    up where it is above 0, down where it is below.

    Parameters
    ----------
    recording : object with attributes
        t : shape (steps,), ms. pre_spikes, post_spikes, target_spikes : shape (spikes,), ms; the
        last is empty for a hidden neuron. voltage : shape (steps,), mV. presynaptic_trace,
        surrogate, eligibility, error : shape (steps,), in the units of the model.
    figure : matplotlib.figure.Figure, optional
        An empty figure.

    Returns
    -------
    list of matplotlib.axes.Axes
        Six, from top to bottom. They share times.

    Raises
    ------
    InputError
        If something is missing, or of another shape.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> t = np.arange(0.0, 100.0, 0.1)
    >>> recording = SimpleNamespace(
    ...     t=t, pre_spikes=[20.0], post_spikes=[40.0], target_spikes=[60.0], voltage=t - 60.0,
    ...     presynaptic_trace=t, surrogate=t, eligibility=t, error=50.0 - t
    ... )
    >>> [ax.get_ylabel().split("\\n")[0] for ax in synapse(recording)]
    ['Presynaptic', 'Membrane', 'Surrogate', 'Eligibility', 'Error', 'Error ×']
    """
    spikes = ("pre_spikes", "post_spikes", "target_spikes")
    signals = ("presynaptic_trace", "voltage", "surrogate", "eligibility", "error")
    _check_attributes("recording", recording, "recording of a synapse", ("t", *spikes, *signals))
    _check_figure(figure)
    t = check_array("recording.t", recording.t, shape=(None,))
    if t.size < 2:
        raise InputError("recording.t holds fewer than two times; there is nothing to draw.")
    before, after, wanted = (
        check_array(f"recording.{name}", getattr(recording, name), shape=(None,)) for name in spikes
    )
    trace, voltage, surrogate, eligibility, error = (
        check_array(f"recording.{name}", getattr(recording, name), shape=t.shape)
        for name in signals
    )
    panels = [
        ("Presynaptic\ntrace", trace, _BLUE),
        ("Membrane\npotential (mV)", voltage, _INK),
        ("Surrogate\nderivative", surrogate, _COLOURS[3]),
        ("Eligibility\ntrace", eligibility, _GREEN),
        ("Error\nsignal", error, _RED),
        ("Error ×\neligibility", error * eligibility, _INK),
    ]
    with _style():
        if figure is None:
            figure = _figure((5.0, 7.2))
        axes: list[Axes] = list(figure.subplots(len(panels), 1, sharex=True))
        for ax, (name, values, colour) in zip(axes, panels, strict=True):
            ax.spines[["top", "right"]].set_visible(False)
            ax.plot(t, values, color=colour, linewidth=1.0)
            ax.set_ylabel(name)
            ax.ticklabel_format(axis="y", scilimits=(-2, 3))
            ax.locator_params(axis="y", nbins=4)
        for ax in axes[:-1]:
            ax.tick_params(axis="x", length=0)
        inside = [times[(times >= t[0]) & (times <= t[-1])] for times in (before, after, wanted)]
        _spikes_above(axes[0], inside[0], _BLUE)
        _spikes_above(axes[1], inside[1], _INK, "output")
        _spikes_above(axes[1], inside[2], _RED, "target", row=1)
        for ax in axes[4:]:
            ax.axhline(0.0, **_GUIDE, zorder=1)
        product = panels[-1][1]
        axes[-1].fill_between(t, product, where=product > 0.0, color=_BLUE, alpha=0.4, linewidth=0)
        axes[-1].fill_between(t, product, where=product < 0.0, color=_RED, alpha=0.4, linewidth=0)
        axes[-1].set_xlim(t[0], 2.0 * t[-1] - t[-2])  # the last step ends there
        axes[-1].set_xlabel("Time (ms)")
        figure.align_ylabels(axes)
    return axes


def receptive_fields(
    W: Any,
    image_shape: tuple[int, int],
    n: int = 25,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the input weights of hidden neurons as images.

    Parameters
    ----------
    W : array_like, shape (pixels, neurons)
        Weights from the input, such as ``net.W[0]``.
    image_shape : tuple of int
        Height and width of the images, such as (28, 28).
    n : int
        At most how many neurons to show: those whose weights vary most, the first most of all.
    axes : sequence or array of matplotlib.axes.Axes, optional
        At least as many as there are neurons to show; those left over become blank.

    Returns
    -------
    list of matplotlib.axes.Axes
        One per neuron shown. One scale, symmetric around 0, holds for all; the colour bar is beside
        them.

    Raises
    ------
    InputError
        If the weights have another number of pixels, or there are too few axes.

    Examples
    --------
    >>> weights = np.random.default_rng(1).normal(size=(12, 5))
    >>> len(receptive_fields(weights, (4, 3), n=4))
    4
    """
    check_array("W", W, shape=(None, None), dtype=np.float32)  # so that no square overflows
    W = check_array("W", W, shape=(None, None), dtype=np.float64)
    if not isinstance(image_shape, (tuple, list)) or len(image_shape) != 2:
        raise InputError(f"image_shape is {show(image_shape)}; it has to be a pair: height, width.")
    height, width = (
        check_integer(f"image_shape[{k}]", side, at_least=1) for k, side in enumerate(image_shape)
    )
    if height * width != len(W):
        raise InputError(
            f"image_shape is {(height, width)}, that is {height * width} pixels, but W has "
            f"{len(W)} rows, one per pixel."
        )
    if not W.shape[1]:
        raise InputError("W has no column, so there is no neuron to draw.")
    count = min(check_integer("n", n, at_least=1), W.shape[1])
    order = np.argsort(-W.var(axis=0), kind="stable")[:count]
    limit = float(np.abs(W[:, order]).max()) or 1.0
    with _style():
        if axes is None:
            columns = math.ceil(math.sqrt(count))
            rows = math.ceil(count / columns)
            size = (0.8 * columns + 0.9, 0.8 * rows * height / width + 0.1)
            axes = _figure(size).subplots(rows, columns, squeeze=False)
        every = _check_axes(axes, count, at_least=True)
        for ax in every:
            ax.set_axis_off()
        shown = every[:count]
        for ax, neuron in zip(shown, order, strict=True):
            image = ax.imshow(
                W[:, neuron].reshape(height, width), cmap="RdBu_r", vmin=-limit, vmax=limit
            )
        bar = shown[0].figure.colorbar(image, ax=every, label="Weight", shrink=0.6, aspect=18)
        bar.outline.set_visible(False)  # type: ignore[operator]
    return shown


def angle(history: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Draw how far the updates of hidden layers point away from those by backpropagation.

    Below 90 degrees, drawn dashed, an update still leads downhill.

    Parameters
    ----------
    history : dict of str to list
        The history of a network made with ``measure_angle=True``: 'epoch', and 'angle' with a
        sequence of angles (degrees), one per hidden layer, for each epoch.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are no angles.

    Examples
    --------
    >>> ax = angle({"epoch": [1, 2], "angle": [[85.0, 88.0], [70.0, 80.0]]})
    >>> [line.get_label() for line in ax.lines[:2]]
    ['hidden 1', 'hidden 2']
    """
    for column in ("epoch", "angle"):
        if not isinstance(history, Mapping) or column not in history:
            raise InputError(f"history has no {column!r}; give the history of one network.")
    epochs = check_array("history['epoch']", history["epoch"], shape=(None,))
    _check_column("angle", history["angle"])
    rows = [
        check_array("a row of history['angle']", row, finite=False)
        for row in history["angle"]
        if row is not None
    ]
    rows = [row for row in rows if row.size]
    if not rows:
        raise InputError(
            "history holds no angle; train a network with hidden layers and measure_angle=True."
        )
    blank = np.full(np.size(rows[0]), np.nan)
    angles = check_array(
        "history['angle']",
        [blank if row is None else row for row in history["angle"]],
        shape=(epochs.size, None),
        finite=False,
    )
    angles = _check_series("history['angle']", angles.T, epochs.size)
    if not np.nan_to_num(angles).any():
        raise InputError(
            "history holds no angle but 0; train a network with measure_angle=True to measure them."
        )
    if np.nanmin(angles) < 0.0 or np.nanmax(angles) > 180.0:
        raise InputError("history['angle'] holds numbers that are no angles from 0 to 180 degrees.")
    with _style():
        ax = _axes(ax, (4.2, 3.0))
        for m, values in enumerate(angles):
            measured = np.isfinite(values)
            ax.plot(
                epochs[measured],
                values[measured],
                color=_next_colour(ax),
                label=f"hidden {m + 1}",
                marker="o" if epochs.size <= _FEW else "",
                markersize=3.0,
            )
        ax.axhline(90.0, **_GUIDE, zorder=1)
        ax.set_ylim(0.0, max(95.0, float(np.nanmax(angles)) + 5.0))
        ax.set_yticks(range(0, int(ax.get_ylim()[1]) + 1, 30))
        ax.set_xlabel("Epoch")
        ax.set_ylabel("Angle to backpropagation (°)")
        _whole_epochs(ax)
        if len(angles) > 1:
            ax.legend()
    return ax


# ------------------------------------------------------------------------------------------- style


@contextmanager
def _style() -> Iterator[None]:
    """The look of everything that is drawn here; the user's settings come back afterwards."""
    import matplotlib

    with matplotlib.rc_context(
        {
            "font.size": 9.0,
            "axes.labelsize": 9.0,
            "axes.titlesize": 9.0,
            "figure.labelsize": 9.0,
            "xtick.labelsize": 8.0,
            "ytick.labelsize": 8.0,
            "legend.fontsize": 8.0,
            "legend.frameon": False,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "lines.linewidth": 1.3,
            "lines.solid_capstyle": "round",
            "figure.dpi": 120.0,
        }
    ):
        yield


def _figure(size: tuple[float, float]) -> Figure:
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained")


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The given Axes without frame, or those of a new figure."""
    if ax is None:
        return _figure(size).subplots()
    return _check_axes([ax], 1, name="ax")[0]


def _check_axes(axes: Any, n: int, *, at_least: bool = False, name: str = "axes") -> list[Axes]:
    from matplotlib.axes import Axes

    try:
        given: list[Axes] = list(np.ravel(axes))
    except Exception:  # whatever the conversion of a foreign object raises
        raise InputError(f"{name} is {show(axes)}; it has to be Axes of matplotlib.") from None
    for ax in given:
        if not isinstance(ax, Axes):
            kind = type(ax).__name__
            raise InputError(f"{name} is or holds a {kind}; it has to be Axes of matplotlib.")
        ax.spines[["top", "right"]].set_visible(False)
    if len(given) < n or (len(given) > n and not at_least):
        wanted = f"at least {n}" if at_least else f"{n}"
        raise InputError(f"{name} holds {len(given)} Axes; it has to hold {wanted}.")
    return given


def _runs(history: Any) -> list[Any]:
    """The histories of one network or of several."""
    if isinstance(history, Mapping):
        return [history]
    if not isinstance(history, (list, tuple)):
        raise InputError(
            f"history is {show(history)}; it has to be a dict of columns, or a list of such."
        )
    return list(history)


def _check_text(name: str, text: Any) -> None:
    if not isinstance(text, (str, type(None))):
        raise InputError(f"{name} is {show(text)}; it has to be a text.")


def _check_titles(name: str, titles: Any, count: int) -> None:
    """One text for each."""
    if titles is None:
        return
    if not isinstance(titles, (list, tuple)) or len(titles) != count:
        raise InputError(f"{name} is {show(titles)}; there has to be one for each of {count}.")
    for k, title in enumerate(titles):
        _check_text(f"{name}[{k}]", title if title is not None else 0)


def _check_colour(color: Any) -> None:
    from matplotlib.colors import is_color_like

    if color is not None and not is_color_like(color):
        raise InputError(f"color is {show(color)}; it has to be a colour, such as 'red'.")


def _check_figure(figure: Any) -> None:
    from matplotlib.figure import Figure, SubFigure

    if figure is not None and not isinstance(figure, (Figure, SubFigure)):
        raise InputError(f"figure is {show(figure)}; it has to be a Figure of matplotlib.")


def _next_colour(ax: Axes) -> str:
    """The first colour that no line on `ax` has yet."""
    from matplotlib.colors import to_hex

    used = {to_hex(line.get_color()).upper() for line in ax.lines}
    free = [colour for colour in _COLOURS if colour not in used]
    return free[0] if free else _COLOURS[len(ax.lines) % len(_COLOURS)]


def _legend_above(
    ax: Axes, handles: Sequence[Line2D] | None = None, handlelength: float = 1.5
) -> None:
    """A legend in one line over the data, where it hides none; of the lines as a default."""
    handles = list(ax.lines) if handles is None else handles
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.0,
        ncols=len(handles),
        handlelength=handlelength,
    )


def _beneath(ax: Axes) -> Axes:
    """A twin with a scale of its own to the right, whose lines go below those of `ax`."""
    twin = ax.twinx()
    twin.spines["right"].set(visible=True, color=_BESIDE)
    twin.tick_params(axis="y", colors=_BESIDE)
    ax.set_zorder(twin.get_zorder() + 1)
    ax.patch.set_visible(False)
    return twin


def _show_zero(ax: Axes) -> None:
    """Begin the axis of values at 0, or mark 0 if a line goes below."""
    if min(np.nanmin(line.get_ydata(), initial=0.0) for line in ax.lines) < 0.0:
        ax.axhline(0.0, **_GUIDE, zorder=1)
    else:
        ax.set_ylim(bottom=0.0, auto=None)


def _whole_epochs(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _symbol(name: str) -> str:
    """'V_B' as a letter with an index; longer names as they are."""
    letter, _, index = name.partition("_")
    if len(letter) > 1 or not (index.isalnum() or name == letter):
        return name
    return rf"${letter}_\mathrm{{{index}}}$" if index else f"${letter}$"


# ------------------------------------------------------------------------------------------ spikes


_Events = tuple[np.ndarray, np.ndarray, int | None, tuple[float, float], str]


def _events(spikes: Any) -> _Events:
    """Times and neurons of spikes, number of neurons (None: unknown), start and end, and name."""
    start = 0.0
    if isinstance(spikes, SpikePattern):
        t, i, n = spikes.times, spikes.ids, check_integer("spikes.n", spikes.n, at_least=1)
        end, name = check_number("spikes.duration", spikes.duration, above=0.0), ""
    elif isinstance(spikes, (tuple, list)):
        if len(spikes) != 2:
            raise InputError(f"spikes has {len(spikes)} parts; a pair has times and neurons.")
        t, i = spikes
        n, end, name = None, 0.0, ""
    else:
        _check_attributes("spikes", spikes, "SpikeRecording", ("t", "i", "n", "duration", "name"))
        t, i, n = spikes.t, spikes.i, check_integer("spikes.n", spikes.n, at_least=0)
        duration = check_number("spikes.duration", spikes.duration, at_least=0.0, unit="ms")
        start = getattr(spikes, "t_start", 0.0)
        end = getattr(spikes, "t_stop", start + duration)
        name = spikes.name
        _check_text("spikes.name", name)
    t = check_array("spike times", t, shape=(None,))
    i = check_array("neurons of the spikes", i, shape=t.shape, dtype=np.int64, at_least=0)
    last = max(int(i.max(initial=0)), n or 0)
    check_memory(f"spikes has {last} neurons", 64.0 * last)  # every neuron has a row
    if end <= start:
        end = float(t.max(initial=start))
    return t, i, n, (start, end if end > start else start + 1.0), name


def _draw_raster(
    ax: Axes | None,
    events: _Events,
    parts: Sequence[tuple[str, np.ndarray]],
    neurons: Any,
    window: Any,
) -> Axes:
    """A raster of spikes; a part is a colour, and which spikes have it."""
    t, i, size, span, name = events
    n = int(i.max(initial=-1)) + 1 if size is None else size
    shown = check_neurons("neurons", neurons, n, beyond=size is None)
    if neurons is not None and not 0 < np.unique(shown).size == shown.size:
        raise InputError("neurons has to name at least one neuron, and none of them twice.")
    last = int(shown.max(initial=0))
    check_memory(f"neurons holds {last}", 64.0 * last)  # every neuron has a row
    start, end = span if window is None else _check_window(window)
    with _style():
        ax = _axes(ax, (5.0, 3.0))
        bottom, top = _rows(ax, t, i, shown, start, end, parts)
        ax.set_xlim(start, end)
        ax.set_ylim(bottom, top)
        ax.set_xlabel("Time (ms)")
        ax.set_ylabel(f"{_readable(name)} neuron" if name else "Neuron")
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
    # Marks fill three quarters of a row, but stay visible however many rows there are, and are
    # smaller where they would cover more than a quarter of the area.
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


def _spikes_above(ax: Axes, times: np.ndarray, color: str, name: str = "", row: int = 0) -> None:
    """A tick for each spike over the data, in the first row or one above, its name beside it."""
    height = 1.06 + 0.12 * row
    if times.size:  # without, matplotlib would make room for marks far outside
        ax.plot(
            times,
            np.full(times.size, height),
            "|",
            color=color,
            markersize=6.0,
            markeredgewidth=1.0,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
        )
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


# ------------------------------------------------------------------------------------------ trials


def _windows(phases: Sequence[float], length: float) -> list[tuple[float, float]]:
    """Start and end of the last `length` ms of each phase."""
    begins = [0.0, *phases[:-1]]
    return [(max(begin, end - length), end) for begin, end in zip(begins, phases, strict=True)]


def _mark_phases(ax: Axes, phases: Sequence[float]) -> None:
    for end in phases:
        ax.axvline(end, **_GUIDE, zorder=1)


def _name_phases(ax: Axes, phases: Sequence[float], above: float) -> None:
    """'forward' and 'target' over their phases, so many points above the axes."""
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


def _mark_plateau(ax: Axes, window: tuple[float, float], level: float, text: str) -> None:
    """A bar at the mean voltage of the window, a point at the end of the phase, and a number."""
    ax.plot(
        window,
        (level, level),
        color=_RED,
        linewidth=2.0,
        solid_capstyle="butt",
        marker="o",
        markevery=[1],
        markersize=4.0,
        clip_on=False,
        zorder=3,
    )
    ax.annotate(
        text,
        (window[1], 1.0),
        (0.0, 2.0),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        horizontalalignment="right",
        verticalalignment="bottom",
        color=_RED,
    )


# ---------------------------------------------------------------------------------------- learning


def _check_column(name: str, column: Any) -> None:
    is_list = isinstance(column, (list, tuple)) or getattr(column, "ndim", 0) > 0
    if not is_list or sparse.issparse(column):
        raise InputError(f"history[{name!r}] is {show(column)}; it has to be a list.")


def _column(run: Any, key: str, along: str = "epoch") -> dict[float, float]:
    """The numbers of one column by epoch, or by what else counts how long was trained."""
    if not isinstance(run, Mapping):
        kind = type(run).__name__
        raise InputError(f"history is or holds a {kind}; it has to be a dict of columns.")
    for name in (along, key):
        if name not in run:
            raise InputError(f"history has no {name!r}; there is {', '.join(map(str, run))}.")
        _check_column(name, run[name])
    places, values = list(run[along]), list(run[key])
    if len(places) != len(values):
        raise InputError(
            f"history has {len(places)} {along}s, but {len(values)} entries of {show(key)}."
        )
    pairs = zip(places, values, strict=True)
    try:
        numbers = {float(place): float(value) for place, value in pairs if value is not None}
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"history[{key!r}] or its {along!r} holds what is no number.") from None
    return {place: value for place, value in numbers.items() if math.isfinite(value)}


def _common(columns: list[dict[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The epochs or times that all columns have, and their values, shape (columns, epochs)."""
    shared = set(columns[0]).intersection(*columns[1:]) if columns else set()
    epochs = sorted(shared)
    return np.array(epochs), np.array([[column[epoch] for epoch in epochs] for column in columns])


def _extent(times: np.ndarray) -> tuple[float, float]:
    """From where the first bin begins to where the last ends."""
    half = 0.5 * (times[-1] - times[0]) / (times.size - 1)
    return float(times[0] - half), float(times[-1] + half)


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """The correlation coefficient where both are known; None if one of them is constant."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if first.size < 2 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _mean_and_spread(ax: Axes, x: np.ndarray, rows: np.ndarray, colour: str, **line: Any) -> None:
    """The mean over seeds, one per row, in a band one standard deviation wide to either side."""
    mean = rows.mean(axis=0)
    ax.plot(x, mean, color=colour, **line)
    if len(rows) > 1:
        sd = rows.std(axis=0, ddof=1)
        ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.2, linewidth=0)


# ------------------------------------------------------------------------------------------ checks


def _check_times(time: Any) -> np.ndarray:
    time = check_array("time", time, shape=(None,), dtype=np.float64)
    if time.size < 2 or (np.diff(time) <= 0.0).any():
        raise InputError("time has to hold at least two times, in ascending order.")
    return time


def _check_series(name: str, values: Any, length: int) -> np.ndarray:
    """One row of `length` numbers for each of several; NaN leaves a gap."""
    values = check_array(name, values, dtype=np.float64, finite=False)
    if values.ndim not in (1, 2) or values.shape[-1] != length or not values.size:
        raise InputError(
            f"{name} has shape {values.shape}; it has to be ({length},) or (any, {length})."
        )
    if (np.abs(values) > 1e100).any():  # the squares of which overflow
        raise InputError(
            f"{name} holds infinite numbers, or some above 1e100; NaN stands for what is not known."
        )
    return np.atleast_2d(values)


def _check_attributes(name: str, value: Any, kind: str, attributes: Sequence[str]) -> None:
    for attribute in attributes:
        if isinstance(value, type) or not hasattr(value, attribute):
            raise InputError(
                f"{name} is a {type(value).__name__} without .{attribute}; it has to be a {kind}."
            )


def _check_window(window: Any) -> tuple[float, float]:
    if not isinstance(window, (tuple, list)) or len(window) != 2:
        raise InputError(f"window is {show(window)}; it has to be a pair: start and end in ms.")
    start = check_number("the start of window", window[0], unit="ms")
    return start, check_number("the end of window", window[1], above=start, unit="ms")


def _check_block(block: Any) -> tuple[float, float, str]:
    if not isinstance(block, (tuple, list)) or len(block) != 3:
        raise InputError(f"blocks holds {show(block)}; a block is a start, an end and a name.")
    start = check_number("the start of a block", block[0], unit="s")
    end = check_number("the end of a block", block[1], above=start, unit="s")
    _check_text("the name of a block", block[2])
    return start, end, block[2]
