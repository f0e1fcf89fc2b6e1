"""Figures of ensembles that multiplex events and bursts: the signals they carry, and learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikesim.bursts import Curves
from spikesim.checks import check_array, check_number, show
from spikesim.errors import InputError
from spikesim.plot.curves import sweep
from spikesim.plot.style import (
    BESIDE,
    BLUE,
    INK,
    PALE,
    RED,
    axes_beneath,
    check_axes,
    check_series,
    check_text,
    check_times,
    check_titles,
    extent_of,
    legend_above,
    mean_and_spread,
    new_figure,
    next_colour,
    show_zero,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CIRCLES: dict[str, Any] = {  # what others found, behind what is compared with it
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.6,
    "color": BESIDE,
    "zorder": 1.5,
}

__all__ = [
    "multiplexing",
    "transfer",
    "transfer_curves",
    "weight_change",
]


def multiplexing(
    time: Any,
    event_rate: Any,
    burst_probability: Any,
    somatic_current: Any,
    dendritic_current: Any,
    axes: Sequence[Axes] | np.ndarray | None = None,
    titles: Sequence[str] | None = None,
) -> list[Axes]:
    """Draw the event rate with the somatic current, and the burst probability with the dendritic.

    The two scales of a panel are fitted, so that a rate which follows its current lies on it. Their
    correlation coefficient (Pearson, without lag) is written above, unless one is constant.

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
    time = check_times(time)
    given = {
        "event_rate": event_rate,
        "burst_probability": burst_probability,
        "somatic_current": somatic_current,
        "dendritic_current": dendritic_current,
    }
    series = {name: check_series(name, values, time.size) for name, values in given.items()}
    count = max(map(len, series.values()))
    for name, rows in series.items():
        if len(rows) not in (1, count):
            raise InputError(f"{name} has {len(rows)} rows; it has to have 1 or {count}.")
    check_titles("titles", titles, count)
    rates, probabilities, somatic, dendritic = (
        np.broadcast_to(rows, (count, time.size)) for rows in series.values()
    )
    panels = [
        ("Event rate (Hz)", rates, BLUE, "Somatic current (pA)", somatic),
        ("Burst probability (%)", 100.0 * probabilities, RED, "Dendritic current (pA)", dendritic),
    ]
    with styled():
        if axes is None:
            axes = new_figure((1.4 + 3.4 * count, 4.0)).subplots(
                2, count, sharex=True, squeeze=False
            )
            for ax in axes[0]:
                ax.tick_params(axis="x", length=0)
        every = check_axes(axes, 2 * count)
        twins = [axes_beneath(ax) for ax in every]
        for k, (ax, twin) in enumerate(zip(every, twins, strict=True)):
            row, population = divmod(k, count)
            label, values, colour, current_label, currents = panels[row]
            ax.plot(time, values[population], color=colour)
            twin.plot(time, currents[population], color=BESIDE, linestyle=(0, (4, 1.5)))
            ax.locator_params(axis="y", nbins=6)
            twin.locator_params(axis="y", nbins=6)
            if not np.ptp(currents[population]):
                twin.set_yticks(currents[population][:1])
            ax.set_xlim(*extent_of(time))
            r = _correlation(values[population], currents[population])
            if r is not None:
                ax.set_title(f"$r = {r:.2f}$", loc="right")
            if population == 0:
                ax.set_ylabel(label, color=colour)
            if population == count - 1:
                twin.set_ylabel(current_label, color=BESIDE)
            if row == 1:
                ax.set_xlabel("Time (ms)")
        for ax, title in zip(every, titles or [], strict=False):
            ax.set_title(title, loc="left")
        for side in (every, twins):
            every[0].get_figure().align_ylabels(side)  # type: ignore[union-attr]
    return every


def transfer(
    dendritic_current: Any,
    event_rate: Any,
    burst_probability: Any,
    axes: Sequence[Axes] | np.ndarray | None = None,
    label: str | None = None,
) -> list[Axes]:
    """Draw the event rate and burst probability of an ensemble over its dendritic current.

    Parameters
    ----------
    dendritic_current : array_like, shape (currents,)
        In pA.
    event_rate, burst_probability : array_like, shape (currents,) or (seeds, currents)
        In Hz per neuron, and as a fraction; for several seeds, mean and spread as in `sweep`.
    axes : sequence of matplotlib.axes.Axes, optional
        Two. Each call uses the next colour on them, so make one call per condition.
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
    check_text("label", label)
    current = check_array("dendritic_current", dendritic_current, shape=(None,))
    rates = check_series("event_rate", event_rate, current.size)
    probabilities = check_series("burst_probability", burst_probability, current.size)
    results = {"Event rate (Hz)": rates, "Burst probability (%)": 100.0 * probabilities}
    with styled():
        if axes is None:
            axes = new_figure((6.4, 2.8)).subplots(1, 2)
        both = check_axes(axes, 2)
        for ax, (ylabel, rows) in zip(both, results.items(), strict=True):
            sweep(current, rows, ax, label, xlabel="Dendritic current (pA)", ylabel=ylabel)
        legend = both[1].get_legend()
        if legend:  # one legend serves both
            legend.remove()
    return both


def transfer_curves(
    curves: Curves,
    labels: Mapping[tuple[float, float], str],
    known: Curves | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    title: str = "",
    legend: str = "",
) -> list[Axes]:
    """Draw several conditions by `transfer`, and circles at what is known of them.

    Parameters
    ----------
    curves : spikesim.bursts.Curves
    labels : dict of (weight, current) to str
        What is drawn, and what it is called in the legend, to the right.
    known : spikesim.bursts.Curves, optional
        What the authors' program gives under the same conditions.
    axes : sequence of matplotlib.axes.Axes, optional
        Two.
    title, legend : str
        Above the first of them, and above the legend.

    Returns
    -------
    list of matplotlib.axes.Axes
        Event rate and burst probability.

    Raises
    ------
    InputError
        If a condition was not measured.

    Examples
    --------
    >>> from spikesim.bursts import Curves
    >>> curves = Curves.of_rows([0.02] * 2, [0.0] * 2, [0.0, 100.0], [4.2, 3.5], [0.1, 0.5])
    >>> axes = transfer_curves(curves, {(0.02, 0.0): "lateral inhibition"}, title="Ensemble")
    >>> axes[0].get_title(loc="left")
    'Ensemble'
    """
    for name, given in (("curves", curves), *([] if known is None else [("known", known)])):
        if not isinstance(given, Curves):
            raise InputError(f"{name} is {show(given)}; it has to be spikesim.bursts.Curves.")
    if not isinstance(labels, Mapping) or not labels:
        raise InputError(f"labels is {show(labels)}; it has to be a dict of condition and name.")
    if not all(isinstance(each, tuple) and len(each) == 2 for each in labels):
        raise InputError("labels has to have pairs of numbers as keys, (weight, current).")
    check_text("title", title)
    check_text("legend", legend)
    for condition, label in labels.items():
        row = curves.condition(*condition)
        rates, probabilities = curves.event_rate[row], curves.burst_probability[row]
        axes = transfer(curves.dendritic_current, rates, probabilities, axes, label)
    both = check_axes(axes, 2)
    with styled():
        if known is not None:
            rows = [known.condition(*condition) for condition in labels]
            percent = 100.0 * known.burst_probability
            for ax, values in zip(both, (known.event_rate, percent), strict=True):
                for row in rows:
                    label = "authors' program" if row == rows[0] else ""
                    ax.plot(known.dendritic_current, values[row], label=label, **CIRCLES)
        for ax in both:
            ax.set_ylim(bottom=0.0)
        both[0].set_title(title, loc="left")
        of_rates = both[0].get_legend()
        if of_rates is not None:  # one serves both
            of_rates.remove()
        both[1].legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            title=legend or None,
            alignment="left",
            title_fontsize=8.0,
            handlelength=1.5,
        )
    return both


def weight_change(
    time: Any,
    change: Any,
    burst_probability: Any,
    blocks: Sequence[tuple[float, float, str]] = (),
    axes: Sequence[Axes] | np.ndarray | None = None,
) -> list[Axes]:
    """Draw how much synapses have changed, and below it the burst probability that changes them.

    Parameters
    ----------
    time : array_like, shape (times,)
        In s of simulated time.
    change : array_like, shape (times,) or (seeds, times)
        Cumulative change as a fraction of the initial weight, which is drawn in percent. For
        several seeds, the line is the mean, in a band of one standard deviation to either side.
    burst_probability : array_like of the same shape, or dict of str to such arrays
        As a fraction; a dict names several, such as those of pre- and postsynaptic neurons.
    blocks : sequence of (start, end, name)
        Periods of time (s) that are shaded, with their names above; a name may be empty.
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
    time = check_times(time)
    changes = check_series("change", change, time.size)
    named = burst_probability if isinstance(burst_probability, Mapping) else {"": burst_probability}
    probabilities = {
        name: check_series("burst_probability", values, time.size) for name, values in named.items()
    }
    if not probabilities:
        raise InputError("burst_probability is an empty dict; it has to hold at least one array.")
    if not isinstance(blocks, (list, tuple)):
        raise InputError(f"blocks is {show(blocks)}; it has to be a list of (start, end, name).")
    spans = [_check_block(block) for block in blocks]
    with styled():
        if axes is None:
            axes = new_figure((5.0, 3.8)).subplots(2, 1, sharex=True)
            axes[0].tick_params(axis="x", length=0)
        both = check_axes(axes, 2)
        mean_and_spread(both[0], time, 100.0 * changes, INK)
        for name, rows in probabilities.items():
            mean_and_spread(both[1], time, 100.0 * rows, next_colour(both[1]), label=name)
        if any(probabilities):
            legend_above(both[1])
        times = [*extent_of(time), *(edge for span in spans for edge in span[:2])]
        for ax in both:
            show_zero(ax)
            for start, end, _ in spans:
                ax.axvspan(start, end, color=PALE, linewidth=0.0, zorder=0)
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


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """The correlation coefficient of the bins where both are known; None if one is constant."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if first.size < 2 or not np.ptp(first) or not np.ptp(second):
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _check_block(block: Any) -> tuple[float, float, str]:
    if not isinstance(block, (tuple, list)) or len(block) != 3:
        raise InputError(f"blocks holds {show(block)}; a block is a start, an end and a name.")
    start = check_number("the start of a block", block[0], unit="s")
    end = check_number("the end of a block", block[1], above=start, unit="s")
    check_text("the name of a block", block[2])
    return start, end, block[2]
