"""Figures of state variables over time, and of weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.checks import (
    check_array,
    check_choice,
    check_integer,
    check_names,
    check_unknown,
    show,
)
from spikesim.errors import InputError
from spikesim.plot.spikes import events_of, mark_phases, name_phases, spikes_above, windows_of
from spikesim.plot.style import (
    BLUE,
    COLOURS,
    GREEN,
    GUIDE,
    INK,
    PALE,
    RED,
    check_attributes,
    check_axes,
    check_figure,
    given_axes,
    label_time,
    legend_above,
    new_figure,
    next_colour,
    styled,
    symbol_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = [
    "compartments",
    "ensembles",
    "receptive_fields",
    "synapse",
    "traces",
]


def traces(
    recording: Any,
    variables: str | Sequence[str],
    neuron: int = 0,
    ax: Any = None,
    *,
    stimulus: str | Sequence[str] = (),
    spikes: Any = None,
) -> Any:
    """Draw variables of one neuron over time.

    Variables of different units are in panels of their own, one below the other.

    Parameters
    ----------
    recording : StateRecording
    variables : str or sequence of str
        The variables to draw; they have to be recorded.
    neuron : int
        The neuron's number in the population; it has to be recorded.
    ax : matplotlib.axes.Axes, optional
        As many as there are panels.
    stimulus : str or sequence of str
        Recorded variables that drive the neuron, in panels at the bottom.
    spikes : SpikeRecording, SpikePattern or pair of arrays of shape (spikes,), optional
        Of the population: those of the neuron stand above the first panel.

    Returns
    -------
    matplotlib.axes.Axes
        Of several panels a list, from top to bottom. The label of the y axis is a voltage in mV if
        all names begin with v or V, and otherwise the names, with their unit where it is known.

    Raises
    ------
    InputError
        If the variable or neuron was not recorded, or if nothing was.

    Examples
    --------
    >>> from spikesim import LIF, Network
    >>> net = Network(dt=1.0, backend="python")
    >>> cells = net.add_population("cells", 2, LIF)
    >>> voltages = net.record(cells, ["v", "drive"], unit={"drive": "pA"})
    >>> net.run(5.0)
    >>> traces(voltages, "v", neuron=1).get_ylabel()
    'Voltage (mV)'
    >>> [ax.get_ylabel() for ax in traces(voltages, "v", stimulus="drive")]
    ['Voltage (mV)', 'drive (pA)']
    """
    check_attributes("recording", recording, "StateRecording", ("variables", "neurons", "t"))
    names = check_names("variables", variables)
    check_unknown("variable", names, recording.variables)
    if not names:
        raise InputError(f"variables is empty; choose from {', '.join(recording.variables)}.")
    driving = check_names("stimulus", stimulus)
    check_unknown("stimulus", driving, recording.variables)
    ids = np.asarray(recording.neurons)
    row = np.flatnonzero(ids == check_integer("neuron", neuron, at_least=0))
    if not ids.size:
        raise InputError("recording holds no neurons; record at least one.")
    if not row.size:
        some = ", ".join(map(str, ids[:10])) + (", ..." if ids.size > 10 else "")
        raise InputError(f"neuron is {neuron}, which was not recorded; choose from {some}.")
    t = recording.t
    if not t.size:
        raise InputError("recording holds no samples yet; run the network first.")
    times = np.zeros(0)
    if spikes is not None:
        at, of, *_ = events_of(spikes)
        times = at[(of == neuron) & (at >= t[0]) & (at <= t[-1])]
    pauses = (
        np.flatnonzero(np.diff(t) > 1.5 * getattr(recording, "every", np.inf) * recording.dt) + 1
    )
    line = np.insert(t, pauses, t[pauses])
    panels = [*_by_unit(recording, names), *_by_unit(recording, driving)]
    with styled():
        axes = _panels(ax, len(panels), len(panels) - len(_by_unit(recording, driving)))
        for panel, (unit, shown) in zip(axes, panels, strict=True):
            for name in shown:
                values = np.insert(getattr(recording, name)[row[0]].astype(float), pauses, np.nan)
                panel.plot(line, values, color=next_colour(panel), label=symbol_of(name))
            panel.set_xlim(t[0], max(getattr(recording, "t_stop", t[-1]), t[0] + recording.dt))
            panel.set_ylabel(_label(unit, shown))
            if len(shown) > 1:
                legend_above(panel, bottom=1.12 if times.size and panel is axes[0] else 1.0)
        spikes_above(axes[0], times, INK)
        label_time(axes[-1])
        if len(axes) > 1:
            for panel in axes[:-1]:
                panel.tick_params(axis="x", labelbottom=False)
            axes[0].figure.align_ylabels(axes)
    return axes[0] if len(axes) == 1 else axes


def _by_unit(recording: Any, names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Variables that can share an axis, with their unit; in the order of the first of each."""
    units = getattr(recording, "units", {})
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        unit = units.get(name, "mV" if name[0] in "vV" else "")
        groups.setdefault(unit, []).append(name)
    return list(groups.items())


def _label(unit: str, names: Sequence[str]) -> str:
    if unit == "mV" and all(name[0] in "vV" for name in names):
        return "Voltage (mV)"
    shown = ", ".join(map(symbol_of, names))
    return f"{shown} ({unit})" if unit else shown


def _panels(ax: Any, count: int, high: int) -> list[Axes]:
    """The given Axes, or new ones, of which the first so many are higher."""
    if ax is not None:
        return check_axes(ax, count, name="ax")
    if count == 1:
        return [given_axes(None, (5.0, 2.6))]
    heights = [1.6] * high + [1.0] * (count - high)
    figure = new_figure((5.0, 1.0 + sum(heights)))
    grid = figure.subplots(count, 1, sharex=True, gridspec_kw={"height_ratios": heights})
    return check_axes(grid, count)


def compartments(
    trial: Any,
    layer: str = "hidden_1",
    neuron: int = 0,
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw the voltages of all compartments of one neuron in one trial.

    The neuron's spikes are above its somatic voltage. The grey bands at the ends of the phases are
    the windows over which the model takes means. In the apical panel a bar marks the mean voltage
    of a window; above it is the plateau potential that results.

    Parameters
    ----------
    trial : LayerRecording
        From the `record` method of a `SegregatedDendriteNetwork`.
    layer : str
        'hidden_1', ..., or 'output'.
    neuron : int
    axes : sequence of matplotlib.axes.Axes, optional
        One per compartment.

    Returns
    -------
    list of matplotlib.axes.Axes
        Soma, basal and apical dendrite of a hidden neuron; soma and dendrite of an output neuron.
        They share times, not voltages.

    Raises
    ------
    InputError
        If there is no such layer or neuron, or if there are too few or too many axes.

    Examples
    --------
    >>> from spikesim.models.segregated import SegregatedDendriteNetwork
    >>> net = SegregatedDendriteNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = compartments(net.record([0.0, 0.5, 1.0, 0.5], label=1), "output", neuron=1)
    >>> [ax.get_ylabel() for ax in axes]
    ['Soma\\n$V$ (mV)', 'Dendrite\\n$V_\\\\mathrm{B}$ (mV)']
    """
    check_attributes(
        "trial", trial, "recording of a trial", ("V", "V_B", "V_A", "phases", "alpha_f", "alpha_t")
    )
    check_choice("layer", layer, trial.V)
    check_integer("neuron", neuron, at_least=0, at_most=len(trial.V[layer]) - 1)
    hidden = layer in trial.V_A
    below = "Basal" if hidden else "Dendrite"
    panels = [("Soma", "V", trial.V), (below, r"V_\mathrm{B}", trial.V_B)]
    if hidden:
        panels.append(("Apical", r"V_\mathrm{A}", trial.V_A))
    phases = [float(end) for end in trial.phases]
    windows = windows_of(phases, float(getattr(trial, "window", 20.0)))
    with styled():
        if axes is None:
            grid = new_figure((5.0, 0.7 + 1.3 * len(panels))).subplots(
                len(panels), 1, sharex=True, squeeze=False
            )
            axes = grid
            for ax in grid[:-1, 0]:
                ax.tick_params(axis="x", length=0)
        panel_axes = check_axes(axes, len(panels))
        for ax, (place, symbol, voltages), colour in zip(
            panel_axes, panels, (INK, BLUE, GREEN), strict=False
        ):
            for start, end in windows:
                ax.axvspan(start, end, color=PALE, linewidth=0.0, zorder=0)
            ax.plot(trial.t, voltages[layer][neuron], color=colour)
            mark_phases(ax, phases)
            ax.set_xlim(0.0, phases[-1])
            ax.set_ylabel(f"{place}\n${symbol}$ (mV)")
        soma = panel_axes[0]
        spikes = trial.spikes[layer]
        times = spikes.t[spikes.i == neuron]
        spikes_above(soma, times, INK)
        name_phases(soma, phases, 12.0)
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

    Grey lines mark the steps in which the output is nudged; a dotted line is the start of an image.

    Parameters
    ----------
    recording : ImageRecording
        From the `record` method of a `BurstEnsembleNetwork`.
    layer : str
        'hidden_1', ..., or 'output'.
    units : int
        How many ensembles to draw: those whose burst rate the first nudge changes most.
    axes : sequence of matplotlib.axes.Axes, optional
        One per panel.

    Returns
    -------
    list of matplotlib.axes.Axes
        h, u, p and beta of a hidden layer; h and beta of the output.

    Raises
    ------
    InputError
        If there is no such layer, or if there are too few or too many axes.

    Examples
    --------
    >>> from spikesim.models.burst import BurstEnsembleNetwork
    >>> net = BurstEnsembleNetwork((4, 3, 2), seed=1, backend="python")
    >>> axes = ensembles(net.record([0.0, 0.5, 1.0, 0.5], 1), "output")
    >>> [ax.get_ylabel() for ax in axes]
    ['Event\\nrate $h$', 'Burst\\nrate $\\\\beta$']
    """
    check_attributes("recording", recording, "ImageRecording", ("h", "u", "p", "beta", "nudges"))
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
    with styled():
        if axes is None:
            axes = new_figure((5.0, 0.7 + 1.2 * len(panels))).subplots(
                len(panels), 1, sharex=True, squeeze=False
            )
            for ax in axes[:-1, 0]:
                ax.tick_params(axis="x", length=0)
        panel_axes = check_axes(axes, len(panels))
        for ax, (label, values) in zip(panel_axes, panels, strict=True):
            for onset in recording.onsets[1:]:
                ax.axvline(onset * recording.dt, color=INK, linewidth=0.8, linestyle=":")
            for nudge in recording.nudges:
                ax.axvline(nudge * recording.dt, **GUIDE)
            for k, unit in enumerate(shown):
                ax.step(  # the last step lasts as long as the others
                    np.append(recording.t, end),
                    np.append(values[layer][unit], values[layer][unit][-1]),
                    where="post",
                    color=COLOURS[k % len(COLOURS)],
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


def synapse(recording: Any, figure: Figure | SubFigure | None = None) -> list[Axes]:
    """Draw the signals from which one synapse learns, in one trial of SuperSpike.

    From top to bottom: the presynaptic spikes and their trace; the membrane potential of the
    postsynaptic neuron with its spikes and, in colour, the target spikes; the surrogate derivative;
    the eligibility trace; the error signal; and the product of these two. If the mean of the
    product is above 0 the weight grows; if it is below 0 the weight shrinks.

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
        If something is missing or has another shape.

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
    check_attributes("recording", recording, "recording of a synapse", ("t", *spikes, *signals))
    check_figure(figure)
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
        ("Presynaptic\ntrace", trace, BLUE),
        ("Membrane\npotential (mV)", voltage, INK),
        ("Surrogate\nderivative", surrogate, COLOURS[3]),
        ("Eligibility\ntrace", eligibility, GREEN),
        ("Error\nsignal", error, RED),
        ("Error ×\neligibility", error * eligibility, INK),
    ]
    with styled():
        if figure is None:
            figure = new_figure((5.0, 7.2))
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
        spikes_above(axes[0], inside[0], BLUE)
        spikes_above(axes[1], inside[1], INK, "output")
        spikes_above(axes[1], inside[2], RED, "target", row=1)
        for ax in axes[4:]:
            ax.axhline(0.0, **GUIDE, zorder=1)
        product = panels[-1][1]
        axes[-1].fill_between(t, product, where=product > 0.0, color=BLUE, alpha=0.4, linewidth=0)
        axes[-1].fill_between(t, product, where=product < 0.0, color=RED, alpha=0.4, linewidth=0)
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
        The largest number of neurons to show: those whose weights vary most, in descending order.
    axes : sequence or array of matplotlib.axes.Axes, optional
        At least one per neuron that is shown; those left over become blank.

    Returns
    -------
    list of matplotlib.axes.Axes
        One per neuron that is shown. All have the same scale, which is symmetric around 0; the
        colour bar is beside them.

    Raises
    ------
    InputError
        If the weights have another number of pixels, or if there are too few axes.

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
    with styled():
        if axes is None:
            columns = math.ceil(math.sqrt(count))
            rows = math.ceil(count / columns)
            size = (0.8 * columns + 0.9, 0.8 * rows * height / width + 0.1)
            axes = new_figure(size).subplots(rows, columns, squeeze=False)
        every = check_axes(axes, count, at_least=True)
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


def _mark_plateau(ax: Axes, window: tuple[float, float], level: float, text: str) -> None:
    """Draw a bar at the mean voltage of the window, a point at the phase's end, and a number."""
    ax.plot(
        window,
        (level, level),
        color=RED,
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
        color=RED,
    )
