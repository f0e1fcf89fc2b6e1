"""Figures show the numbers that they are given, with labels and units."""

import contextlib
import itertools
import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from spikesim import LIF, FitzHughNagumo, InputError, Network, patterns, plot
from spikesim.sonata import read_spikes

CURVES = [
    {"epoch": [1, 2, 3], "training_error": [30.0, 20.0, 10.0], "test_error": [None, 21.0, 12.0]},
    {"epoch": [1, 2, 3], "training_error": [32.0, 24.0, 16.0], "test_error": [None, 27.0, 12.0]},
    {"epoch": [1, 2, 3], "training_error": [40.0, 22.0, 13.0], "test_error": [None, 24.0, 18.0]},
]


@pytest.fixture(autouse=True)
def draw_figures():
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()  # a figure that cannot be drawn fails its test


def spikes(times=(), neurons=(), n=5, duration=100.0, name="pyr"):
    return SimpleNamespace(
        t=np.array(times, float), i=np.array(neurons, int), n=n, duration=duration, name=name
    )


def trial(target=True, **more):
    """A trial of 4 input, 3 hidden and 2 output neurons; all voltages rise by 3 mV at 50 ms."""
    phases = (50.0, 103.0) if target else (50.0,)
    t = np.arange(phases[-1])
    late = 3.0 * (t >= 50.0)
    sizes = {"input": 4, "hidden_1": 3, "output": 2}
    levels = {"V": 1.0, "V_B": 2.0, "V_A": 3.0}
    voltages = {
        name: {layer: np.tile(level + late, (sizes[layer], 1)) for layer in ("hidden_1", "output")}
        for name, level in levels.items()
    }
    del voltages["V_A"]["output"]
    return SimpleNamespace(
        layers=list(sizes),
        spikes={
            layer: spikes([10.0, 40.0, 45.0], [0, 1, 0], n, phases[-1], layer)
            for layer, n in sizes.items()
        },
        t=t,
        phases=phases,
        alpha_f={"hidden_1": np.array([0.25, 0.5, 0.75])},
        alpha_t={"hidden_1": np.array([0.125, 0.625, 0.875])} if target else {},
        **voltages,
        **more,
    )


def synapse(**changes):
    """A synapse in 100 steps of 0.5 ms, every signal a number of its own."""
    t = 0.5 * np.arange(100)
    signals = ("presynaptic_trace", "voltage", "surrogate", "eligibility", "error")
    recording = {name: np.cos(t / 5.0 + k) for k, name in enumerate(signals)}
    recording |= dict(t=t, pre_spikes=[10.0, 20.0], post_spikes=[30.0], target_spikes=[32.0, 40.0])
    return SimpleNamespace(**{**recording, **changes})


def ticks(ax):
    """The spikes that stand above the data, by the height of their row."""
    return {
        float(line.get_ydata()[0]): line.get_xdata().tolist()
        for line in ax.lines
        if line.get_marker() == "|"
    }


def marks(ax):
    """The spikes that an Axes shows: pairs of time and row."""
    return [tuple(map(float, pair)) for pair in ax.lines[0].get_xydata()]


def spans(ax):
    """Start and end of the shaded stretches."""
    boxes = [patch.get_window_extent().transformed(ax.transData.inverted()) for patch in ax.patches]
    return [(round(box.x0, 6), round(box.x1, 6)) for box in boxes]


def texts(ax):
    return [text.get_text() for text in ax.texts]


# ---- all figures


def test_importing_spikesim_does_not_import_matplotlib():
    code = "import sys, spikesim, spikesim.plot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_of_the_user_come_back():
    before = matplotlib.rcParams.copy()
    plot.raster(spikes())
    assert matplotlib.rcParams == before


def test_figures_have_no_frame_and_a_layout_that_fits_the_labels():
    ax = plot.raster(spikes())
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()
    assert type(ax.figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"


def test_given_axes_are_drawn_on_and_returned():
    _, given = plt.subplots(1, 2)
    assert plot.raster(spikes(), given[0]) is given[0]
    assert plot.learning_curve(CURVES[0], ax=given[1]) is given[1]
    assert len(plt.get_fignums()) == 1


def test_what_is_no_axes_is_refused():
    with pytest.raises(InputError, match="ax is or holds a str"):
        plot.raster(spikes(), "axes")


# ---- raster


def test_a_raster_has_a_mark_per_spike_and_labels_with_units():
    ax = plot.raster(spikes([5.0, 20.0, 30.0], [2, 0, 2]))
    assert marks(ax) == [(5.0, 2.0), (20.0, 0.0), (30.0, 2.0)]
    assert len(ax.lines) == 1
    assert ax.get_xlabel() == "Time (ms)"
    assert ax.get_ylabel() == "pyr neuron"


def test_a_raster_shows_silent_neurons_and_the_whole_recording():
    ax = plot.raster(spikes([5.0], [1], n=7, duration=200.0))
    assert ax.get_ylim() == (-0.5, 6.5)
    assert ax.get_xlim() == (0.0, 200.0)


@pytest.mark.parametrize("nothing", [spikes(), ([], []), spikes(n=0, duration=0.0)])
def test_a_raster_without_spikes_is_empty(nothing):
    assert marks(plot.raster(nothing)) == []


def test_a_raster_takes_a_pair_of_times_and_neurons():
    ax = plot.raster(([5.0, 20.0], [3, 0]))
    assert marks(ax) == [(5.0, 3.0), (20.0, 0.0)]
    assert ax.get_ylim() == (-0.5, 3.5)
    assert ax.get_ylabel() == "Neuron"


def test_a_raster_takes_the_recording_of_a_network():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 3, LIF)
    recording = net.record_spikes(cells)
    net.run(20.0)
    ax = plot.raster(recording)
    assert marks(ax) == list(zip(recording.t, recording.i, strict=True))
    assert ax.get_xlim() == (0.0, 20.0)


def test_a_raster_takes_a_pattern():
    ax = plot.raster(patterns.from_trains([[5.0], [], [20.0, 30.0], []], duration=80.0))
    assert marks(ax) == [(5.0, 0.0), (20.0, 2.0), (30.0, 2.0)]
    assert ax.get_ylim() == (-0.5, 3.5)
    assert ax.get_xlim() == (0.0, 80.0)
    assert ax.get_ylabel() == "Neuron"


def test_a_raster_shows_only_the_window():
    ax = plot.raster(spikes([5.0, 20.0, 30.0], [2, 0, 2]), window=(10.0, 25.0))
    assert marks(ax) == [(20.0, 0.0)]
    assert ax.get_xlim() == (10.0, 25.0)


def test_neurons_next_to_each_other_keep_their_numbers():
    ax = plot.raster(spikes([5.0, 20.0, 30.0], [2, 0, 3]), neurons=range(1, 4))
    assert marks(ax) == [(5.0, 2.0), (30.0, 3.0)]
    assert ax.get_ylim() == (0.5, 3.5)


def test_neurons_are_stacked_in_the_order_given_and_labelled():
    ax = plot.raster(spikes([5.0, 20.0, 30.0], [4, 0, 2]), neurons=[4, 0])
    assert marks(ax) == [(5.0, 0.0), (20.0, 1.0)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["4", "0"]


@pytest.mark.parametrize(("count", "image"), [(100_000, False), (100_001, True)])
def test_marks_become_an_image_above_a_hundred_thousand(count, image):
    ax = plot.raster(spikes(np.linspace(0.0, 100.0, count), np.arange(count) % 5))
    assert bool(ax.lines[0].get_rasterized()) is image
    plt.close("all")  # drawing as many takes long


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(spikes=3), "it has to be a SpikeRecording"),
        (dict(spikes=([1.0], [0], [2])), "spikes has 3 parts"),
        (dict(spikes=([1.0, 2.0], [0])), "neurons of the spikes has shape"),
        (dict(spikes=spikes(), neurons=[5]), "neurons holds 5"),
        (dict(spikes=spikes(), neurons=[]), "at least one neuron"),
        (dict(spikes=spikes(), neurons=[1, 1]), "none of them twice"),
        (dict(spikes=spikes(), window=(5.0, 5.0)), "the end of window is 5.0"),
        (dict(spikes=spikes(), window=5.0), "a pair: start and end in ms"),
    ],
)
def test_a_raster_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.raster(**arguments)


# ---- rasters of bursts

BURSTING = spikes([5.0, 12.0, 20.0, 60.0, 13.0], [1, 1, 1, 1, 3])


def test_spikes_of_bursts_have_another_colour_than_isolated_ones():
    isolated, bursting = plot.burst_raster(BURSTING).lines
    assert isolated.get_xydata().tolist() == [[60.0, 1.0], [13.0, 3.0]]
    assert bursting.get_xydata().tolist() == [[5.0, 1.0], [12.0, 1.0], [20.0, 1.0]]
    assert isolated.get_color() != bursting.get_color()
    assert isolated.get_markersize() == bursting.get_markersize()


def test_a_raster_of_bursts_has_a_legend_in_those_colours():
    ax = plot.burst_raster(BURSTING)
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "isolated spike",
        "spike of a burst",
    ]
    assert [mark.get_color() for mark in legend.legend_handles] == [
        line.get_color() for line in ax.lines
    ]


def test_a_raster_of_bursts_has_the_axes_of_a_raster():
    ax, other = plot.burst_raster(BURSTING), plot.raster(BURSTING)
    assert (ax.get_xlim(), ax.get_ylim()) == (other.get_xlim(), other.get_ylim())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time (ms)", "pyr neuron")


def test_the_longest_interval_of_a_burst_can_be_chosen():
    isolated, bursting = plot.burst_raster(BURSTING, longest_interval=7.0).lines
    assert bursting.get_xdata().tolist() == [5.0, 12.0]
    assert isolated.get_xdata().tolist() == [20.0, 60.0, 13.0]


def test_spikes_that_are_not_shown_decide_what_is_a_burst():
    isolated, bursting = plot.burst_raster(BURSTING, window=(10.0, 15.0), neurons=[3, 1]).lines
    assert isolated.get_xydata().tolist() == [[13.0, 0.0]]
    assert bursting.get_xydata().tolist() == [[12.0, 1.0]]


@pytest.mark.parametrize("nothing", [spikes(), ([], [])])
def test_a_raster_of_bursts_without_spikes_is_empty(nothing):
    assert not any(line.get_xdata().size for line in plot.burst_raster(nothing).lines)


def test_a_raster_of_bursts_is_drawn_on_given_axes():
    given = plt.subplots()[1]
    assert plot.burst_raster(BURSTING, given) is given


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(spikes=3), "it has to be a SpikeRecording"),
        (dict(spikes=BURSTING, longest_interval=0.0), "longest_interval is 0.0"),
        (dict(spikes=BURSTING, neurons=[5]), "neurons holds 5"),
        (dict(spikes=BURSTING, window=5.0), "a pair: start and end in ms"),
    ],
)
def test_a_raster_of_bursts_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.burst_raster(**arguments)


# ---- rasters


def test_rasters_share_neurons_and_times():
    pattern = patterns.from_trains([[5.0], []], duration=80.0)
    axes = plot.rasters([pattern, spikes([20.0], [4]), ([30.0], [6])], titles=["a", "b", "c"])
    assert [marks(ax) for ax in axes] == [[(5.0, 0.0)], [(20.0, 4.0)], [(30.0, 6.0)]]
    assert all(ax.get_ylim() == (-0.5, 6.5) for ax in axes)
    assert all(ax.get_xlim() == (0.0, 100.0) for ax in axes)
    assert [ax.get_title() for ax in axes] == ["a", "b", "c"]


def test_rasters_have_one_label_for_neurons_and_one_each_for_time():
    axes = plot.rasters([spikes(), spikes()])
    assert [ax.get_ylabel() for ax in axes] == ["Neuron", ""]
    assert [ax.get_xlabel() for ax in axes] == ["Time (ms)", "Time (ms)"]
    assert not any(label.get_visible() for label in axes[1].get_yticklabels())


def test_marks_of_rasters_have_one_size_however_many_there_are():
    random = np.random.default_rng(1)
    many = (np.sort(random.uniform(0.0, 100.0, 5000)), random.integers(0, 50, 5000))
    sizes = {
        (ax.lines[0].get_markersize(), ax.lines[0].get_markeredgewidth())
        for ax in plot.rasters([many, ([5.0], [0])])
    }
    assert len(sizes) == 1


def test_rasters_can_show_a_window_on_given_axes_in_colour():
    given = plt.subplots(1, 2)[1]
    axes = plot.rasters([spikes([5.0, 60.0], [0, 1])] * 2, given, window=(50, 70), color="red")
    assert axes == list(given)
    assert all(marks(ax) == [(60.0, 1.0)] for ax in axes)
    assert all(ax.lines[0].get_color() == "red" for ax in axes)


@pytest.mark.parametrize("panels", [[spikes()], [([], [])], (spikes(n=0), spikes(n=0))])
def test_rasters_without_spikes_are_empty(panels):
    assert not any(marks(ax) for ax in plot.rasters(panels))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(panels=[]), "panels has to be a list"),
        (dict(panels=spikes()), "panels has to be a list"),
        (dict(panels=patterns.from_trains([[]], 1.0)), "panels has to be a list"),
        (dict(panels=([1.0], [0])), "spikes has 1 parts"),
        (dict(panels=[spikes()], titles=["a", "b"]), "one for each of 1"),
        (dict(panels=[spikes()], titles="a"), "one for each of 1"),
        (dict(panels=[spikes()], window=(5.0, 5.0)), "the end of window is 5.0"),
        (dict(panels=[spikes()], axes=[]), "axes holds 0 Axes; it has to hold 1"),
    ],
)
def test_rasters_refuse(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.rasters(**arguments)


# ---- layers


def test_layers_are_stacked_with_the_input_at_the_bottom():
    axes = plot.layers(trial())
    assert [ax.get_ylabel() for ax in axes] == ["input", "hidden 1", "output"]
    bottoms = [ax.get_position().y0 for ax in axes]
    assert bottoms == sorted(bottoms)
    assert axes[0].get_xlabel() == "Time (ms)"


def test_larger_layers_are_higher_but_small_ones_can_be_read():
    recording = trial()
    recording.spikes["input"].n = 10_000
    heights = [ax.get_position().height for ax in plot.layers(recording)]
    assert heights[0] / heights[1] == pytest.approx(1.0 / 0.3)
    assert heights[1] == pytest.approx(heights[2])


def test_layers_mark_the_ends_of_the_phases_and_name_them():
    axes = plot.layers(trial())
    for ax in axes:
        assert [line.get_xdata()[0] for line in ax.lines[1:]] == [50.0, 103.0]
    assert texts(axes[-1]) == ["forward", "target"]
    assert [text.xy[0] for text in axes[-1].texts] == [25.0, 76.5]


def test_layers_of_a_test_have_no_target_phase():
    assert texts(plot.layers(trial(target=False))[-1]) == ["forward"]


def test_layers_are_drawn_in_the_given_figure():
    figure = plt.figure(layout="constrained")
    assert all(ax.figure is figure for ax in plot.layers(trial(), figure))


def test_layers_of_something_else_are_refused():
    with pytest.raises(InputError, match="it has to be a recording of a trial"):
        plot.layers(spikes())


def settled(hidden=3, target=1):
    """Two outputs and some hidden units in 6 steps; output 0 answers, the target comes after 4."""
    rise = np.linspace(0.1, 0.6, 6)
    output = np.array([rise, 0.5 * rise])
    output[:, 4:] = np.eye(2)[target][:, None]
    h = {"input": np.ones((4, 6)), "hidden_1": np.tile(rise, (hidden, 1)), "output": output}
    return SimpleNamespace(
        layers=list(h), variables=("h",), h=h, t=np.arange(6.0), dt=1.0, phases=(4.0, 6.0), answer=0
    )


def test_settling_layers_are_stacked_with_the_output_on_top_and_without_the_input():
    axes = plot.settling(settled())
    assert [ax.get_ylabel() for ax in axes] == ["output\n$h$", "hidden 1\n$h$"]
    assert axes[-1].get_xlabel() == "Step"
    np.testing.assert_array_equal(axes[1].lines[0].get_xdata(), np.arange(1, 7))


def test_settling_shows_the_answer_and_where_it_is_not_the_target_that_too():
    wrong, right = (plot.settling(settled(target=k))[0] for k in (1, 0))
    thick = [[line for line in ax.lines if line.get_linewidth() > 1.5] for ax in (wrong, right)]
    assert [len(lines) for lines in thick] == [2, 1]
    np.testing.assert_array_equal(thick[1][0].get_ydata(), settled(target=0).h["output"][0])


def test_settling_draws_some_units_of_a_large_layer():
    hidden = plot.settling(settled(hidden=50), most=5)[1]
    assert sum(len(line.get_xdata()) == 6 for line in hidden.lines) == 5


def test_settling_of_something_else_is_refused():
    with pytest.raises(InputError, match="recording"):
        plot.settling(spikes())
    with pytest.raises(InputError, match="variable"):
        plot.settling(settled(), variable="u")


# ---- traces


@pytest.fixture
def voltages():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 5, LIF)
    cells.v[:] = [-61.0, -62.0, -63.0, -64.0, -65.0]
    recording = net.record(cells, ["v", "drive"], neurons=[3, 1], unit="mV")
    net.run(10.0)
    return recording


@pytest.fixture
def driven():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 1, LIF, I=4.0)
    recording = net.record(cells, ["v", "drive"], unit={"drive": "pA"})
    net.run(10.0)
    return recording


def test_traces_show_the_neuron_of_that_number(voltages):
    ax = plot.traces(voltages, "v", neuron=1)
    assert len(ax.lines) == 1
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), voltages.t)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), voltages.v[1])


def test_traces_have_labels_with_units(voltages):
    ax = plot.traces(voltages, "v", neuron=3)
    assert ax.get_xlabel() == "Time (ms)"
    assert ax.get_ylabel() == "Voltage (mV)"


def test_what_is_no_voltage_is_not_labelled_as_one(voltages):
    assert plot.traces(voltages, "drive", neuron=3).get_ylabel() == "drive (mV)"


def test_a_variable_that_is_said_to_have_no_unit_is_not_labelled_in_millivolts():
    net = Network(dt=0.1, backend="python")
    recording = net.record(net.add_population("cells", 1, FitzHughNagumo), "v")
    net.run(1.0)
    assert plot.traces(recording, "v").get_ylabel() == "$v$"


def test_several_traces_have_a_legend_and_colours_of_their_own(voltages):
    ax = plot.traces(voltages, ["v", "drive"], neuron=3)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$v$", "drive"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_the_legend_of_traces_stands_above_the_marks_of_spikes(voltages):
    ax = plot.traces(voltages, ["v", "drive"], neuron=3, spikes=([1.0, 3.0, 7.0], [3, 3, 3]))
    ax.figure.canvas.draw()
    (marks_above,) = [line for line in ax.lines if line.get_marker() == "|"]
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["$v$", "drive"]
    assert ax.get_legend().get_window_extent().y0 > marks_above.get_window_extent().y1


def test_spikes_beside_the_part_of_the_time_that_a_user_shows_are_not_drawn(voltages):
    ax = plot.traces(voltages, "v", neuron=3, spikes=([1.0, 3.0, 7.0], [3, 3, 3]))
    ax.set_xlim(2.0, 4.0)
    ax.figure.canvas.draw()
    (marks_above,) = [line for line in ax.lines if line.get_marker() == "|"]
    seen, axes = marks_above.get_tightbbox(), ax.get_window_extent()
    assert seen.y1 > axes.y1
    assert axes.x0 - 5.0 < seen.x0 < seen.x1 < axes.x1 + 5.0


def test_the_axis_of_traces_ends_with_the_recording_so_that_its_last_tick_is_there():
    net = Network(dt=0.1, backend="python")
    voltages = net.record(net.add_population("cells", 1, LIF), "v", every=2.0)
    net.run(10.0)
    ax = plot.traces(voltages, "v")
    ax.figure.canvas.draw()
    assert ax.get_xlim() == (0.0, 10.0)
    assert [label.get_text() for label in ax.get_xticklabels()][-1] == "10"


@pytest.mark.parametrize(
    ("variables", "neuron", "message"),
    [
        ("w", 3, "Unknown variable 'w'; available: v, drive"),
        ([], 3, "variables is empty; choose from v, drive"),
        ("v", 2, "neuron is 2, which was not recorded; choose from 3, 1"),
        ("v", 1.5, "neuron is 1.5"),
    ],
)
def test_traces_refuse(voltages, variables, neuron, message):
    with pytest.raises(InputError, match=message):
        plot.traces(voltages, variables, neuron)


def test_traces_refuse_a_recording_without_samples(voltages):
    voltages.clear()
    with pytest.raises(InputError, match="run the network first"):
        plot.traces(voltages, "v", neuron=3)


# ---- compartments


def test_a_hidden_neuron_has_three_compartments_labelled_with_units():
    axes = plot.compartments(trial())
    places = [ax.get_ylabel().split("\n")[0] for ax in axes]
    assert places == ["Soma", "Basal", "Apical"]
    assert all(ax.get_ylabel().endswith("(mV)") for ax in axes)
    assert axes[-1].get_xlabel() == "Time (ms)"


def test_an_output_neuron_has_a_soma_and_a_dendrite():
    axes = plot.compartments(trial(), "output", 1)
    assert [ax.get_ylabel().split("\n")[0] for ax in axes] == ["Soma", "Dendrite"]


def test_each_compartment_shows_its_own_voltage():
    recording = trial()
    recording.V["hidden_1"][2] += 0.5
    axes = plot.compartments(recording, neuron=2)
    for ax, start in zip(axes, (1.5, 2.0, 3.0), strict=True):
        assert ax.lines[0].get_ydata()[[0, 49, 50]].tolist() == [start, start, start + 3.0]


def test_windows_at_the_ends_of_both_phases_are_shaded():
    for ax in plot.compartments(trial()):
        assert spans(ax) == [(30.0, 50.0), (83.0, 103.0)]


def test_the_window_of_the_trial_is_used_within_its_phase():
    assert spans(plot.compartments(trial(window=10.0))[0]) == [(40.0, 50.0), (93.0, 103.0)]
    assert spans(plot.compartments(trial(window=52.0))[0]) == [(0.0, 50.0), (51.0, 103.0)]


def test_spikes_of_only_that_neuron_stand_above_the_soma():
    soma = plot.compartments(trial(), neuron=0)[0]
    (ticks,) = [line for line in soma.lines if line.get_marker() == "|"]
    assert ticks.get_xdata().tolist() == [10.0, 45.0]


def test_a_neuron_without_spikes_can_be_drawn():
    soma = plot.compartments(trial(), neuron=2)[0]
    assert all(line.get_marker() != "|" for line in soma.lines)


def test_plateaus_are_marked_at_the_mean_voltage_and_written():
    apical = plot.compartments(trial(), neuron=1)[2]
    assert texts(apical) == [
        r"$\alpha_\mathrm{f} = 0.500$",
        r"$\alpha_\mathrm{t} = 0.625$",
    ]
    bars = [line.get_xydata().tolist() for line in apical.lines[-2:]]
    assert bars == [[[30.0, 3.0], [50.0, 3.0]], [[83.0, 6.0], [103.0, 6.0]]]


def test_a_test_has_one_window_and_one_plateau():
    axes = plot.compartments(trial(target=False))
    assert spans(axes[0]) == [(30.0, 50.0)]
    assert texts(axes[2]) == [r"$\alpha_\mathrm{f} = 0.250$"]


def test_compartments_share_times_but_not_voltages():
    axes = plot.compartments(trial())
    assert all(ax.get_xlim() == (0.0, 103.0) for ax in axes)
    assert axes[0].get_ylim() != axes[2].get_ylim()


@pytest.mark.parametrize(
    ("layer", "neuron", "message"),
    [
        ("hiden_1", 0, "Did you mean 'hidden_1'"),
        ("input", 0, "layer is 'input'"),
        ("output", 2, "neuron is 2; it has to be a whole number at least 0 and at most 1"),
        ("output", -1, "neuron is -1"),
    ],
)
def test_compartments_refuse(layer, neuron, message):
    with pytest.raises(InputError, match=message):
        plot.compartments(trial(), layer, neuron)


def test_compartments_refuse_another_number_of_axes():
    with pytest.raises(InputError, match="axes holds 2 Axes; it has to hold 3"):
        plot.compartments(trial(), axes=plt.subplots(2)[1])


# ---- ensembles


def shown_images():
    """Two images of 3 steps, nudged in the second; unit 1 of hidden_1 notices the nudge most."""
    steps, dt = 6, 10.0
    shapes = {"hidden_1": 3, "output": 2}
    values = {
        name: {layer: np.full((n, steps), level) for layer, n in shapes.items()}
        for name, level in {"h": 0.5, "p": 0.25, "beta": 0.125, "u": 0.0}.items()
    }
    del values["u"]["output"]
    values["beta"]["hidden_1"][:, 2] += [0.01, 0.03, -0.02]
    values["u"]["hidden_1"][:] = [[1.0], [2.0], [3.0]]
    return SimpleNamespace(
        layers=list(shapes),
        dt=dt,
        t=dt * np.arange(steps),
        onsets=np.array([0, 3]),
        nudges=np.array([1, 4]),
        **values,
    )


def steps(ax):
    """The lines that are no marks of images and nudges."""
    return [line for line in ax.lines if line.get_drawstyle() == "steps-post"]


def test_a_hidden_ensemble_has_four_variables_and_an_output_two():
    def first_words(axes):
        return [ax.get_ylabel().split("\n")[0] for ax in axes]

    assert first_words(plot.ensembles(shown_images())) == ["Event", "Apical", "Burst", "Burst"]
    assert first_words(plot.ensembles(shown_images(), "output")) == ["Event", "Burst"]


def test_the_ensembles_that_notice_the_nudge_most_are_shown():
    apical = plot.ensembles(shown_images(), units=2)[1]
    assert [line.get_ydata()[0] for line in steps(apical)] == [2.0, 3.0]


def test_ensembles_are_drawn_to_the_end_of_the_last_step():
    for ax in plot.ensembles(shown_images()):
        assert ax.get_xlim() == (0.0, 60.0)
        assert all(line.get_xdata()[-1] == 60.0 for line in steps(ax))


def test_starts_of_images_and_nudges_are_marked():
    ax = plot.ensembles(shown_images())[0]
    marked = [line.get_xdata()[0] for line in ax.lines if line not in steps(ax)]
    assert marked == [30.0, 10.0, 40.0]
    assert texts(ax) == ["nudge"]


def test_ensembles_are_drawn_on_given_axes():
    given = plt.subplots(2)[1]
    assert plot.ensembles(shown_images(), "output", axes=given) == list(given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(recording=trial()), "it has to be a ImageRecording"),
        (dict(recording=shown_images(), layer="hiden_1"), "Did you mean 'hidden_1'"),
        (dict(recording=shown_images(), units=0), "units is 0"),
    ],
)
def test_ensembles_refuse(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.ensembles(**arguments)


# ---- multiplexing

BINS = np.arange(25.0, 500.0, 50.0)
SOMATIC, DENDRITIC = np.sin(BINS / 80.0), np.sin(BINS / 150.0)


def multiplexed(**changes):
    arguments = dict(
        time=BINS,
        event_rate=5.0 + SOMATIC,
        burst_probability=0.25 + 0.125 * DENDRITIC,
        somatic_current=200.0 * SOMATIC,
        dendritic_current=-100.0 * DENDRITIC,
    )
    return plot.multiplexing(**{**arguments, **changes})


def twins(axes):
    return [ax for ax in axes[0].figure.axes if ax not in axes]


def test_event_rate_lies_over_the_somatic_and_burst_probability_over_the_dendritic_current():
    axes = multiplexed()
    drawn = [ax.lines[0].get_ydata() for ax in (*axes, *twins(axes))]
    np.testing.assert_allclose(drawn[0], 5.0 + SOMATIC)
    np.testing.assert_allclose(drawn[1], 25.0 + 12.5 * DENDRITIC)  # %
    np.testing.assert_allclose(drawn[2], 200.0 * SOMATIC)
    np.testing.assert_allclose(drawn[3], -100.0 * DENDRITIC)


def test_rates_and_currents_have_labels_with_units_on_their_own_sides():
    axes = multiplexed()
    assert [ax.get_ylabel() for ax in axes] == ["Event rate (Hz)", "Burst probability (%)"]
    assert [ax.get_ylabel() for ax in twins(axes)] == [
        "Somatic current (pA)",
        "Dendritic current (pA)",
    ]
    assert all(ax.spines["right"].get_visible() for ax in twins(axes))
    assert [ax.get_xlabel() for ax in axes] == ["", "Time (ms)"]


def test_whole_bins_are_shown():
    assert all(ax.get_xlim() == (0.0, 500.0) for ax in multiplexed())


def test_the_correlation_with_the_current_is_written_above():
    assert [ax.get_title("right") for ax in multiplexed()] == ["$r = 1.00$", "$r = -1.00$"]


def test_bins_without_events_leave_a_gap_and_do_not_hide_the_correlation():
    probability = 0.25 + 0.125 * DENDRITIC
    probability[3] = np.nan
    ax = multiplexed(burst_probability=probability)[1]
    assert np.isnan(ax.lines[0].get_ydata()).tolist() == (np.arange(BINS.size) == 3).tolist()
    assert ax.get_title("right") == "$r = -1.00$"


def test_a_constant_current_has_one_tick_and_no_correlation():
    axes = multiplexed(dendritic_current=np.full(BINS.size, 50.0))
    assert twins(axes)[1].get_yticks().tolist() == [50.0]
    assert axes[1].get_title("right") == ""


def test_each_population_has_a_column():
    axes = multiplexed(event_rate=[5.0 + SOMATIC, 6.0 + SOMATIC], titles=["first", "second"])
    assert [ax.get_title("left") for ax in axes] == ["first", "second", "", ""]
    assert axes[1].lines[0].get_ydata()[0] == axes[0].lines[0].get_ydata()[0] + 1.0
    np.testing.assert_array_equal(axes[2].lines[0].get_ydata(), axes[3].lines[0].get_ydata())
    assert [ax.get_ylabel() for ax in axes] == ["Event rate (Hz)", "", "Burst probability (%)", ""]


def test_multiplexing_is_drawn_on_given_axes():
    given = plt.subplots(2)[1]
    assert multiplexed(axes=given) == list(given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(event_rate=[1.0]), r"event_rate has shape \(1,\); it has to be \(10,\) or"),
        (dict(event_rate=np.full(10, np.inf)), "event_rate holds infinite numbers"),
        (
            dict(event_rate=np.ones((3, 10)), somatic_current=np.ones((2, 10))),
            "somatic_current has 2 rows; it has to have 1 or 3",
        ),
        (dict(time=BINS[::-1]), "time has to hold at least two times, in ascending order"),
        (dict(time=BINS[:1]), "time has to hold at least two times"),
        (dict(titles=["a", "b"]), "one for each of 1"),
        (dict(axes=[]), "axes holds 0 Axes; it has to hold 2"),
    ],
)
def test_multiplexing_refuses(changes, message):
    with pytest.raises(InputError, match=message):
        multiplexed(**changes)


# ---- sweeps

LABELS = dict(xlabel="Scale", ylabel="Error (%)")


def test_a_sweep_is_the_mean_over_seeds_in_a_band_of_one_standard_deviation():
    ax = plot.sweep([1.0, 2.0], [[1.0, 5.0], [3.0, 5.0]], **LABELS)
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 2.0], [2.0, 5.0]]
    edges = ax.collections[0].get_paths()[0].vertices
    at = edges[edges[:, 0] == 1.0, 1]
    assert [at.min(), at.max()] == pytest.approx([2.0 - np.sqrt(2.0), 2.0 + np.sqrt(2.0)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mean ± sd of 2"]


def test_a_sweep_of_one_seed_has_neither_band_nor_legend():
    ax = plot.sweep([1.0, 2.0], [1.0, 5.0], **LABELS)
    assert not ax.collections
    assert ax.get_legend() is None
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Scale", "Error (%)")


def test_a_sweep_is_drawn_in_the_order_of_the_parameter():
    line = plot.sweep([3.0, 1.0, 2.0], [30.0, 10.0, 20.0], **LABELS).lines[0]
    assert line.get_xydata().tolist() == [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]


def test_sweeps_on_the_same_axes_differ_in_colour_and_name():
    ax = plot.sweep([1.0, 2.0], [1.0, 5.0], label="fixed", **LABELS)
    plot.sweep([1.0, 2.0], [1.0, 3.0], ax, "learned", **LABELS)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["fixed", "learned"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_a_sweep_can_be_logarithmic():
    assert plot.sweep([0.1, 10.0], [1.0, 5.0], **LABELS).get_xscale() == "linear"
    assert plot.sweep([0.1, 10.0], [1.0, 5.0], xscale="log", **LABELS).get_xscale() == "log"


def test_a_sweep_begins_at_zero_or_marks_it():
    ax = plot.sweep([1.0, 2.0], [3.0, 5.0], **LABELS)
    assert ax.get_ylim()[0] == 0.0
    plot.sweep([1.0, 2.0], [-3.0, 5.0], ax, **LABELS)
    assert ax.get_ylim()[0] < -3.0
    assert ax.lines[-1].get_ydata() == [0.0, 0.0]


def test_what_is_not_known_leaves_a_gap_in_a_sweep():
    ax = plot.sweep([1.0, 2.0, 3.0], [[1.0, np.nan, 2.0], [1.0, 2.0, 2.0]], **LABELS)
    assert np.isnan(ax.lines[0].get_ydata()).tolist() == [False, True, False]
    plot.sweep([1.0, 2.0, 3.0], [np.nan] * 3, **LABELS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(result=[1.0]), "result has shape"),
        (dict(parameter=[], result=[]), "result has shape"),
        (dict(result=[1.0, np.inf]), "result holds infinite numbers"),
        (dict(parameter=[0.0, 1.0], xscale="log"), "above 0 with xscale 'log'"),
        (dict(xscale="lgo"), "Did you mean 'log'"),
    ],
)
def test_a_sweep_refuses(changes, message):
    with pytest.raises(InputError, match=message):
        plot.sweep(**{**dict(parameter=[1.0, 2.0], result=[1.0, 2.0]), **LABELS, **changes})


# ---- dendritic transfer


def test_a_transfer_shows_event_rates_in_hertz_and_burst_probabilities_in_percent():
    rate, probability = plot.transfer([0.0, 100.0], [4.0, 3.0], [0.25, 0.5])
    assert rate.lines[0].get_xydata().tolist() == [[0.0, 4.0], [100.0, 3.0]]
    assert probability.lines[0].get_xydata().tolist() == [[0.0, 25.0], [100.0, 50.0]]
    assert [ax.get_ylabel() for ax in (rate, probability)] == [
        "Event rate (Hz)",
        "Burst probability (%)",
    ]
    assert rate.get_xlabel() == probability.get_xlabel() == "Dendritic current (pA)"


def test_conditions_of_a_transfer_share_axes_and_one_legend():
    axes = plot.transfer([0.0, 100.0], [4.0, 3.0], [0.25, 0.5], label="free")
    assert plot.transfer([0.0, 100.0], [6.0, 5.0], [0.25, 0.5], axes, "driven") == axes
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["free", "driven"]
    assert axes[1].get_legend() is None
    assert [line.get_color() for line in axes[0].lines] == [
        line.get_color() for line in axes[1].lines
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(event_rate=[1.0]), "event_rate has shape"),
        (dict(burst_probability=[[1.0]]), "burst_probability has shape"),
        (dict(dendritic_current=[[1.0]]), "dendritic_current has shape"),
        (dict(axes=[]), "axes holds 0 Axes; it has to hold 2"),
    ],
)
def test_a_transfer_refuses(changes, message):
    arguments = dict(
        dendritic_current=[0.0, 100.0], event_rate=[4.0, 3.0], burst_probability=[0.25, 0.5]
    )
    with pytest.raises(InputError, match=message):
        plot.transfer(**{**arguments, **changes})


# ---- weight changes

SECONDS = np.arange(0.5, 4.0)


def test_weights_and_burst_probabilities_are_in_percent():
    axes = plot.weight_change(SECONDS, [0.0, 0.25, 0.5, 0.5], [0.125, 0.5, 0.5, 0.125])
    assert [ax.lines[0].get_ydata().tolist() for ax in axes] == [
        [0.0, 25.0, 50.0, 50.0],
        [12.5, 50.0, 50.0, 12.5],
    ]
    assert [ax.get_ylabel() for ax in axes] == ["Weight change (%)", "Burst probability (%)"]
    assert axes[1].get_xlabel() == "Simulated time (s)"
    assert all(ax.get_xlim() == (0.0, 4.0) for ax in axes)
    assert axes[1].get_legend() is None


def test_blocks_are_shaded_in_both_panels_and_named_above():
    blocks = [(1.0, 2.0, "× 1.5"), (3.0, 5.0, "")]
    axes = plot.weight_change(SECONDS, np.zeros(4), np.zeros(4), blocks)
    assert [spans(ax) for ax in axes] == [[(1.0, 2.0), (3.0, 5.0)]] * 2
    assert texts(axes[0]) == ["× 1.5", ""]
    assert all(ax.get_xlim() == (0.0, 5.0) for ax in axes)


def test_several_burst_probabilities_have_names_and_colours():
    ax = plot.weight_change(SECONDS, np.zeros(4), {"pre": np.ones(4), "post": np.zeros(4)})[1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["pre", "post"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_weight_changes_of_several_seeds_have_a_mean_and_a_band():
    ax = plot.weight_change(SECONDS, [[0.0] * 4, [0.5] * 4], np.zeros(4))[0]
    assert ax.lines[0].get_ydata().tolist() == [25.0] * 4
    assert len(ax.collections) == 1


def test_weights_that_fall_below_the_initial_ones_have_a_line_there():
    ax = plot.weight_change(SECONDS, [0.0, -0.1, 0.1, 0.0], np.zeros(4))[0]
    assert ax.lines[-1].get_ydata() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(change=[1.0]), "change has shape"),
        (dict(burst_probability={"pre": [1.0]}), "burst_probability has shape"),
        (dict(burst_probability={}), "burst_probability is an empty dict"),
        (dict(time=[1.0, 1.0, 2.0, 3.0]), "in ascending order"),
        (dict(blocks=[(1.0, 2.0)]), "a block is a start, an end and a name"),
        (dict(blocks=[(2.0, 1.0, "")]), "the end of a block is 1.0"),
        (dict(axes=[]), "axes holds 0 Axes; it has to hold 2"),
    ],
)
def test_weight_changes_refuse(changes, message):
    arguments = dict(time=SECONDS, change=np.zeros(4), burst_probability=np.zeros(4))
    with pytest.raises(InputError, match=message):
        plot.weight_change(**{**arguments, **changes})


# ---- learning curves


def test_a_learning_curve_has_labels_with_units_and_a_legend():
    ax = plot.learning_curve(CURVES[0])
    assert ax.get_xlabel() == "Epoch"
    assert ax.get_ylabel() == "Error (%)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "test"]


def test_epochs_without_a_test_are_skipped():
    line = plot.learning_curve(CURVES[0], "test_error").lines[0]
    assert line.get_xydata().tolist() == [[2.0, 21.0], [3.0, 12.0]]


def test_a_history_that_was_never_tested_shows_training_alone():
    ax = plot.learning_curve({**CURVES[0], "test_error": [None, None, None]})
    assert [line.get_label() for line in ax.lines] == ["training"]


def test_the_line_over_seeds_is_their_mean():
    line = plot.learning_curve(CURVES, "test_error").lines[0]
    assert line.get_xydata().tolist() == [[2.0, 24.0], [3.0, 14.0]]


def test_the_band_over_seeds_is_one_standard_deviation_wide():
    (band,) = plot.learning_curve(CURVES, "test_error").collections
    edges = band.get_paths()[0].vertices
    for epoch, mean, sd in ((2.0, 24.0, 3.0), (3.0, 14.0, np.sqrt(12.0))):
        at = edges[edges[:, 0] == epoch, 1]
        assert at.min() == pytest.approx(mean - sd)
        assert at.max() == pytest.approx(mean + sd)


def test_one_run_has_no_band():
    assert not plot.learning_curve(CURVES[:1], "test_error").collections


def test_seeds_are_averaged_only_where_all_have_been():
    shorter = {"epoch": [1, 2], "training_error": [10.0, 4.0]}
    line = plot.learning_curve([CURVES[0], shorter], "training_error").lines[0]
    assert line.get_xydata().tolist() == [[1.0, 20.0], [2.0, 12.0]]


def test_each_curve_on_the_same_axes_has_a_colour_of_its_own():
    ax = plt.subplots()[1]
    for k in range(8):
        plot.learning_curve(CURVES, key="test_error", label=f"variant {k}", ax=ax)
    assert len({line.get_color() for line in ax.lines}) == 8
    assert [line.get_label() for line in ax.lines] == [f"variant {k}" for k in range(8)]


def test_a_later_curve_is_not_cut_off():
    ax = plot.learning_curve({"epoch": [1, 2], "test_error": [5.0, 4.0]}, "test_error")
    plot.learning_curve({"epoch": [1, 2], "test_error": [50.0, 40.0]}, "test_error", ax)
    assert ax.get_ylim()[0] == 0.0
    assert ax.get_ylim()[1] > 50.0


def test_a_learning_curve_can_be_made_logarithmic():
    ax = plot.learning_curve(CURVES, "test_error")
    ax.set_yscale("log")
    assert 0.0 < ax.get_ylim()[0] < 12.0


@pytest.mark.parametrize(
    ("history", "key", "message"),
    [
        (CURVES[0], "tset_error", "Did you mean 'test_error'"),
        (CURVES[0], "loss", "history has no 'loss'"),
        (CURVES[0], ("loss", "test_error"), "have the same axis"),
        ({"epoch": [1, 2], "test_error": [1.0]}, "test_error", "2 epochs, but 1 entries"),
        ({"epoch": [1], "test_error": [None]}, "test_error", "nothing to draw"),
        ({"epoch": [], "test_error": []}, "test_error", "nothing to draw"),
        ([], "test_error", "nothing to draw"),
        ([3], "test_error", "a dict of columns"),
    ],
)
def test_a_learning_curve_refuses(history, key, message):
    with pytest.raises(InputError, match=message):
        plot.learning_curve(history, key)


# ---- rates of patterns

PATTERNS = [
    {"epoch": [0, 1, 2], "cost": [3.0, 2.0, 1.0], "output_rate": [[5, 5], [4, 7], [3, 9]]},
    {"epoch": [0, 1], "cost": [3.0, 2.5], "output_rate": [[5, 5], [6, 7]]},
]


def test_every_pattern_has_a_line_of_its_colour_and_name():
    above, below = plot.pattern_rates(PATTERNS[0], ["off", "on"])
    assert [line.get_ydata().tolist() for line in above.lines] == [[5, 4, 3], [5, 7, 9]]
    assert len({line.get_color() for line in above.lines}) == 2
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["off", "on"]
    assert below.lines[0].get_xydata().tolist() == [[0, 3], [1, 2], [2, 1]]
    assert (above.get_ylabel(), below.get_xlabel()) == ("Output event rate (Hz)", "Epoch")


def test_a_pattern_has_one_colour_in_all_runs_and_one_entry_in_the_legend():
    above, below = plot.pattern_rates(PATTERNS, ["off", "on"])
    colours = [line.get_color() for line in above.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert len(above.get_legend().get_texts()) == 2
    assert len(below.lines) == 2
    assert above.get_xlim() == (0.0, 2.0)


def test_threshold_and_chance_are_dashed_lines():
    both = plot.pattern_rates(PATTERNS[0], ["off", "on"], threshold=6.0, chance=2.8)
    for ax, level in zip(both, (6.0, 2.8), strict=True):
        assert ax.lines[-1].get_ydata() == [level, level]
        assert ax.lines[-1].get_linestyle() == "--"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(history=[], patterns=["a"]), "history is empty"),
        (dict(history=PATTERNS, patterns=["a"]), "output_rate"),
        (
            dict(history=PATTERNS, patterns=["a", "b"], key="hidden_rate"),
            "'hidden_rate', which history does not have",
        ),
        (dict(history={"epoch": [1], "output_rate": [[1]]}, patterns=["a"]), "no 'cost'"),
    ],
)
def test_rates_of_patterns_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.pattern_rates(**arguments)


# ---- costs

COSTS = [
    {"time": [10.0, 20.0, 30.0], "cost": [40.0, 4.0, 1.0]},
    {"time": [10.0, 20.0, 40.0], "cost": [20.0, 2.0, 0.5]},
]


def test_a_cost_curve_has_labels_and_a_logarithmic_cost():
    ax = plot.cost_curve(COSTS[0])
    assert ax.lines[0].get_xydata().tolist() == [[10.0, 40.0], [20.0, 4.0], [30.0, 1.0]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Simulated time (s)", "van Rossum cost")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert ax.get_xlim()[0] == 0.0
    assert ax.get_legend() is None


def test_several_runs_are_thin_and_their_mean_is_thick():
    *runs, mean = plot.cost_curve(COSTS).lines
    assert [line.get_ydata().tolist() for line in runs] == [run["cost"] for run in COSTS]
    assert mean.get_xydata().tolist() == [[10.0, 30.0], [20.0, 3.0]]
    assert mean.get_linewidth() > 2 * runs[0].get_linewidth()
    assert {line.get_color() for line in runs} == {mean.get_color()}


def test_cost_curves_on_the_same_axes_differ_in_colour_and_name():
    ax = plot.cost_curve(COSTS, label="symmetric", reference=40.0)
    plot.cost_curve(COSTS[0], ax, label="random")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["symmetric, mean of 2", "random"]
    assert ax.lines[2].get_color() != ax.lines[-1].get_color()


def test_the_reference_is_a_dashed_line():
    line = plot.cost_curve(COSTS[0], reference=42.0).lines[-1]
    assert line.get_ydata() == [42.0, 42.0]
    assert line.get_linestyle() == "--"


def test_costs_of_zero_or_none_do_not_stop_the_drawing():
    ax = plot.cost_curve({"time": [1.0, 2.0, 3.0], "cost": [2.0, None, 0.0]})
    assert ax.lines[0].get_xdata().tolist() == [1.0, 3.0]
    assert ax.get_ylim()[0] > 0.0


def test_a_later_cost_curve_is_not_cut_off():
    ax = plot.cost_curve(COSTS[0])
    plot.cost_curve({"time": [100.0], "cost": [900.0]}, ax)
    assert ax.get_xlim()[1] > 100.0
    assert ax.get_ylim()[1] > 900.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(history={"time": [1.0]}), "history has no 'cost'"),
        (dict(history={"time": [1.0, 2.0], "cost": [1.0]}), "2 times, but 1 entries of 'cost'"),
        (dict(history={"time": [1.0], "cost": [0.0]}), "no cost above 0; there is nothing"),
        (dict(history=[COSTS[0], {"time": [5.0], "cost": [1.0]}]), "a time that all 2 runs have"),
        (dict(history=[]), "nothing to draw"),
        (dict(history=[3]), "a dict of columns"),
        (dict(history=COSTS[0], reference=0.0), "reference is 0"),
    ],
)
def test_a_cost_curve_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        plot.cost_curve(**arguments)


# ---- one synapse


def test_a_synapse_has_six_labelled_panels_that_share_times():
    axes = plot.synapse(synapse())
    assert [ax.get_ylabel().replace("\n", " ") for ax in axes] == [
        "Presynaptic trace",
        "Membrane potential (mV)",
        "Surrogate derivative",
        "Eligibility trace",
        "Error signal",
        "Error × eligibility",
    ]
    assert all(ax.get_xlim() == (0.0, 50.0) for ax in axes)
    assert [ax.get_xlabel() for ax in axes] == [""] * 5 + ["Time (ms)"]
    bottoms = [ax.get_position().y0 for ax in axes]
    assert bottoms == sorted(bottoms, reverse=True)


def test_each_panel_of_a_synapse_shows_its_own_signal():
    recording = synapse()
    *axes, product = plot.synapse(recording)
    names = ("presynaptic_trace", "voltage", "surrogate", "eligibility", "error")
    for ax, name in zip(axes, names, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), getattr(recording, name))
    np.testing.assert_array_equal(
        product.lines[0].get_ydata(), recording.error * recording.eligibility
    )
    assert len(product.collections) == 2  # what strengthens, and what weakens


def test_spikes_stand_above_trace_and_voltage_and_targets_above_spikes():
    trace, voltage, *others = plot.synapse(synapse())
    assert list(ticks(trace).values()) == [[10.0, 20.0]]
    assert [times for _, times in sorted(ticks(voltage).items())] == [[30.0], [32.0, 40.0]]
    assert texts(voltage) == ["output", "target"]
    assert not any(ticks(ax) for ax in others)


def test_a_hidden_neuron_without_targets_can_be_drawn():
    axes = plot.synapse(synapse(target_spikes=[], post_spikes=[], pre_spikes=[]))
    assert not any(ticks(ax) for ax in axes)


def test_spikes_outside_the_recorded_times_are_left_out():
    voltage = plot.synapse(synapse(post_spikes=[30.0, 70.0]))[1]
    assert min(ticks(voltage).items())[1] == [30.0]


def test_a_synapse_is_drawn_in_the_given_figure():
    figure = plt.figure(layout="constrained")
    assert all(ax.figure is figure for ax in plot.synapse(synapse(), figure))
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (None, "it has to be a recording of a synapse"),
        (SimpleNamespace(t=[0.0]), "without .pre_spikes"),
        (synapse(t=[0.0]), "recording.t holds fewer than two times"),
        (synapse(voltage=[1.0]), "recording.voltage has shape"),
        (synapse(error=np.full(100, np.nan)), "recording.error holds NaN"),
        (synapse(target_spikes=3.0), "recording.target_spikes has shape"),
    ],
)
def test_a_synapse_refuses(recording, message):
    with pytest.raises(InputError, match=message):
        plot.synapse(recording)


# ---- receptive fields


def test_receptive_fields_are_images_of_the_neurons_that_vary_most():
    weights = np.random.default_rng(1).normal(size=(6, 4)) * [1.0, 30.0, 0.1, 5.0]
    axes = plot.receptive_fields(weights, (2, 3), n=2)
    for ax, neuron in zip(axes, (1, 3), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), weights[:, neuron].reshape(2, 3))


def test_receptive_fields_share_a_scale_around_zero_and_a_colour_bar():
    weights = np.array([[1.0, 0.0], [0.0, -4.0]])
    axes = plot.receptive_fields(weights, (1, 2))
    assert all(ax.images[0].get_clim() == (-4.0, 4.0) for ax in axes)
    assert [ax.get_ylabel() for ax in axes[0].figure.axes if ax not in axes] == ["Weight"]


def test_fewer_neurons_than_asked_for_are_all_shown():
    assert len(plot.receptive_fields(np.eye(4), (2, 2), n=25)) == 4


def test_given_axes_that_are_left_over_become_blank():
    grid = plt.subplots(2, 2)[1]
    assert len(plot.receptive_fields(np.eye(3), (3, 1), axes=grid)) == 3
    assert not grid[1, 1].axison


@pytest.mark.parametrize(
    ("W", "shape", "n", "message"),
    [
        (np.eye(4), (3, 2), 1, "that is 6 pixels, but W has 4 rows"),
        (np.eye(4), 4, 1, "image_shape is 4"),
        (np.eye(4), (4, 0), 1, r"image_shape\[1\] is 0"),
        (np.eye(4), (2, 2), 0, "n is 0"),
        (np.zeros(4), (2, 2), 1, "W has shape"),
        (np.zeros((4, 0)), (2, 2), 1, "no neuron to draw"),
    ],
)
def test_receptive_fields_refuse(W, shape, n, message):
    with pytest.raises(InputError, match=message):
        plot.receptive_fields(W, shape, n)


def test_receptive_fields_refuse_too_few_axes():
    with pytest.raises(InputError, match="at least 4"):
        plot.receptive_fields(np.eye(4), (2, 2), axes=plt.subplots(3)[1])


# ---- angles


def test_angles_have_a_line_per_hidden_layer_and_one_at_90_degrees():
    ax = plot.angle({"epoch": [1, 2], "angle": [[85.0, 88.0], [70.0, 80.0]]})
    lines = [list(line.get_ydata()) for line in ax.lines]
    assert lines == [[85.0, 70.0], [88.0, 80.0], [90.0, 90.0]]
    assert ax.lines[2].get_linestyle() == "--"
    assert ax.get_ylabel() == "Angle to backpropagation (°)"


@pytest.mark.parametrize("missing", [None, [np.nan]])
def test_epochs_without_an_angle_are_skipped(missing):
    line = plot.angle({"epoch": [1, 2, 3], "angle": [[85.0], missing, [70.0]]}).lines[0]
    assert line.get_xydata().tolist() == [[1.0, 85.0], [3.0, 70.0]]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"epoch": [1]}, "history has no 'angle'"),
        ({"epoch": [1], "angle": [[]]}, "hidden layers and measure_angle=True"),
        ({"epoch": [1], "angle": [[0.0]]}, "measure_angle=True"),
        ({"epoch": [1], "angle": [[np.nan]]}, "measure_angle=True"),
        ({"epoch": [1, 2], "angle": [[80.0]]}, "has shape"),
        (CURVES, "of one network"),
    ],
)
def test_angles_refuse(history, message):
    with pytest.raises(InputError, match=message):
        plot.angle(history)


# ---- several populations, rates and trials


def both():
    """Two populations of 3 and 2 neurons, 20 ms."""
    exc = spikes([1.0, 6.0, 12.0, 13.0], [0, 2, 1, 1], n=3, duration=20.0, name="exc")
    inh = spikes([2.0, 18.0], [1, 0], n=2, duration=20.0, name="inh")
    return [exc, inh]


def test_several_populations_are_stacked_in_colours_of_their_own_with_their_names():
    ax = plot.raster(both())
    exc, inh, *_ = ax.lines
    assert exc.get_xdata().tolist() == [1.0, 6.0, 12.0, 13.0]
    assert exc.get_ydata().tolist() == [0, 2, 1, 1]
    assert inh.get_ydata().tolist() == [4, 3]
    assert exc.get_color() != inh.get_color()
    names = ax.get_yticklabels()
    assert [name.get_text() for name in names] == ["exc", "inh"]
    assert [name.get_color() for name in names] == [exc.get_color(), inh.get_color()]
    assert ax.get_ylim() == (-0.5, 4.5)


@pytest.mark.parametrize("sizes", [(80, 2, 2), (1, 1, 90), (2, 90, 1, 1), (1,) * 6])
@pytest.mark.parametrize("rate", [False, True])
def test_names_of_small_populations_do_not_overlap(sizes, rate):
    several = [spikes([1.0], [0], n=n, name=f"name_{k}") for k, n in enumerate(sizes)]
    drawn = plot.raster(several, rate=rate)
    ax = drawn[0] if rate else drawn
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(boxes) == len(sizes)
    assert all(lower.y1 <= upper.y0 for lower, upper in itertools.pairwise(boxes))
    box = ax.get_window_extent()
    assert all(box.y0 <= (each.y0 + each.y1) / 2.0 <= box.y1 for each in boxes)


def test_recordings_of_several_populations_are_drawn_as_their_list():
    net = Network(dt=1.0, backend="python")
    one = net.add_spike_trains("one", 2, times=[2.0, 4.0], ids=[0, 1])
    two = net.add_spike_trains("two", 1, times=[3.0], ids=[0])
    recorded = net.record_spikes(one, two)
    net.run(10.0)
    first, second, *_ = plot.raster(recorded).lines
    assert (first.get_xdata().tolist(), second.get_xdata().tolist()) == ([2.0, 4.0], [3.0])


def test_what_read_spikes_returns_is_drawn_at_once(tmp_path):
    net = Network(dt=1.0, backend="python")
    one = net.add_spike_trains("one", 2, times=[2.0, 4.0], ids=[0, 1])
    two = net.add_spike_trains("two", 1, times=[3.0], ids=[0])
    with contextlib.closing(net.record_spikes(one, two, path=tmp_path / "spikes.h5")):
        net.run(10.0)
    read = read_spikes(tmp_path / "spikes.h5")
    above, below = plot.raster(read, rate=True, window=(0.0, 10.0))
    assert [line.get_xdata().tolist() for line in above.lines[:2]] == [[2.0, 4.0], [3.0]]
    assert [name.get_text() for name in above.get_yticklabels()] == ["one", "two"]
    assert len(below.patches) == 2
    only = plot.raster({"one": read["one"]}, color="red")
    assert (only.get_ylabel(), only.lines[0].get_color()) == ("one neuron", "red")


def test_the_same_neurons_of_each_population_can_be_chosen():
    exc, inh, *_ = plot.raster(both(), neurons=[1]).lines
    assert (exc.get_xdata().tolist(), inh.get_xdata().tolist()) == ([12.0, 13.0], [2.0])
    assert (set(exc.get_ydata()), set(inh.get_ydata())) == ({0}, {1})


def stairs(ax):
    return [patch.get_data().values.tolist() for patch in ax.patches]


def test_rates_stand_below_in_hz():
    above, below = plot.raster(both(), rate=True, bin_width=10.0)
    assert stairs(below) == [[200.0 / 3.0] * 2, [50.0, 50.0]]
    colours = [patch.get_edgecolor() for patch in below.patches]
    assert colours == [matplotlib.colors.to_rgba(line.get_color()) for line in above.lines[:2]]
    assert (above.get_xlabel(), below.get_xlabel()) == ("", "Time (ms)")
    assert below.get_ylabel() == "Rate (Hz)"
    assert above.get_xlim() == below.get_xlim() == (0.0, 20.0)


def test_a_spike_on_the_edge_of_bins_belongs_to_the_later_one_whatever_rounding_does():
    times = np.arange(30) * 0.1  # 3 * 0.1 is above 0.3, and 7 * 0.1 below 0.7 on the way
    recorded = spikes(times, np.zeros(30), n=1, duration=3.0)
    _, below = plot.raster(recorded, rate=True, bin_width=0.1)
    np.testing.assert_allclose(stairs(below)[0], np.full(30, 10_000.0))


def test_rates_of_a_window_are_those_of_its_bins():
    _, below = plot.raster(both()[0], rate=True, window=(5.0, 15.0), bin_width=5.0)
    np.testing.assert_allclose(stairs(below)[0], [200.0 / 3.0, 400.0 / 3.0])


def test_rates_are_drawn_on_given_axes():
    axes = plt.figure().subplots(2, 1)
    assert plot.raster(both(), axes, rate=True) == list(axes)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ([*both(), ([1.0], [0])], {}, "more than recordings"),
        (both(), {"color": "red"}, "colours of their own"),
        (both(), {"rate": 1}, "rate is 1"),
        (both(), {"rate": True, "bin_width": 0.0}, "bin_width is 0"),
        (both(), {"rate": True, "bin_width": 30.0}, "at most the time shown, 20 ms"),
        (both(), {"neurons": [2]}, "neurons"),
        ([], {}, "0 parts"),
        ({}, {}, "spikes is {}; it holds no population"),
        ({"exc": 3}, {}, r"spikes\['exc'\] is a int"),
        ({3: both()[0]}, {}, "spikes has the name 3"),
    ],
)
def test_rasters_of_several_populations_refuse(given, options, message):
    with pytest.raises(InputError, match=message):
        plot.raster(given, **options)


def test_rasters_of_populations_of_different_sizes_have_rows_of_their_own():
    axes = plot.rasters(both())
    assert [ax.get_ylim() for ax in axes] == [(-0.5, 2.5), (-0.5, 1.5)]


def test_a_psth_is_the_mean_over_trials_with_its_standard_error():
    chance = np.random.default_rng(4)
    counts = chance.poisson(3.0, (6, 5))  # trials, bins
    trials = []
    for row in counts:
        times = np.concatenate(
            [k * 20.0 + 19.0 * chance.uniform(size=n) for k, n in enumerate(row)]
        )
        trials.append(spikes(np.sort(times), chance.integers(0, 4, times.size), n=4))
    ax = plot.psth(trials, bin_width=20.0)
    hz = counts / (4 * 0.020)
    mean, error = hz.mean(axis=0), hz.std(axis=0, ddof=1) / np.sqrt(6)
    line, band = ax.patches
    np.testing.assert_allclose(line.get_data().values, mean)
    np.testing.assert_allclose(band.get_data().values, mean + error)
    np.testing.assert_allclose(band.get_data().baseline, mean - error)
    np.testing.assert_allclose(line.get_data().edges, np.arange(6) * 20.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time in trial (ms)", "Rate (Hz)")


def test_a_psth_counts_from_the_start_of_each_trial():
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 1, times=[5.0], ids=[0], period=50.0)
    recorded, trials = net.record_spikes(source), []
    for _ in range(3):
        net.run(50.0)
        trials.append(recorded.take())
    above, below = plot.psth(trials, bin_width=10.0, raster=True)
    assert stairs(below)[0] == [100.0, 0.0, 0.0, 0.0, 0.0]
    assert above.lines[0].get_xdata().tolist() == [5.0] * 3
    assert above.lines[0].get_ydata().tolist() == [1, 2, 3]
    assert above.get_ylabel() == "Trial"


def test_a_psth_of_chosen_neurons_has_their_rate():
    trials = [spikes([1.0, 2.0, 60.0], [0, 1, 1], n=2)] * 2
    assert stairs(plot.psth(trials, bin_width=50.0, neurons=[1]))[0] == [20.0, 20.0]


@pytest.mark.parametrize(
    ("trials", "options", "message"),
    [
        ([], {}, "at least one trial"),
        (
            spikes(),
            {},
            r"at least one trial, .*take\(\).* one recording: plot\.raster\(.*rate=True",
        ),
        ([spikes(), spikes(duration=50.0)], {}, "from 50 to 100 ms long"),
        ([spikes()], {"bin_width": 200.0}, "at most the time shown"),
        ([spikes()], {"neurons": [7]}, "neurons"),
        ([spikes()], {"raster": 2}, "raster is 2"),
    ],
)
def test_a_psth_refuses(trials, options, message):
    with pytest.raises(InputError, match=message):
        plot.psth(trials, **options)


# ---- traces of several units


def test_variables_of_different_units_are_in_panels_of_their_own(driven):
    voltage, current = plot.traces(driven, ["v", "drive"])
    assert (voltage.get_ylabel(), current.get_ylabel()) == ("Voltage (mV)", "drive (pA)")
    assert (voltage.get_xlabel(), current.get_xlabel()) == ("", "Time (ms)")
    np.testing.assert_array_equal(current.lines[0].get_ydata(), driven.drive[0])


def test_a_stimulus_has_a_panel_at_the_bottom_and_spikes_stand_above(driven):
    times = [1.0, 3.0, 2.0]
    voltage, current = plot.traces(driven, "v", stimulus="drive", spikes=(times, [0, 0, 1]))
    assert list(ticks(voltage).values()) == [[1.0, 3.0]]
    assert not ticks(current)
    assert current.get_ylabel() == "drive (pA)"


def test_only_the_lowest_of_panels_that_share_times_says_so(driven):
    upper, lower = plt.figure().subplots(2, 1, sharex=True)
    plot.traces(driven, "v", ax=upper)
    plot.raster(([1.0], [0]), lower)
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "Time (ms)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stimulus": "I"}, "Unknown stimulus 'I'"),
        ({"spikes": 3}, "spikes is a int"),
    ],
)
def test_traces_with_a_stimulus_refuse(driven, options, message):
    with pytest.raises(InputError, match=message):
        plot.traces(driven, "v", **options)


def test_traces_refuse_fewer_axes_than_there_are_units(driven):
    with pytest.raises(InputError, match="it has to hold 2"):
        plot.traces(driven, ["v", "drive"], ax=plt.figure().subplots())
