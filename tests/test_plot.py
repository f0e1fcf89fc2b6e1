"""Figures show the numbers that they are given, with labels and units."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from spikesim import LIF, InputError, Network, patterns, plot

CURVES = [
    {"epoch": [1, 2, 3], "training_error": [30.0, 20.0, 10.0], "test_error": [None, 21.0, 12.0]},
    {"epoch": [1, 2, 3], "training_error": [32.0, 24.0, 16.0], "test_error": [None, 27.0, 12.0]},
    {"epoch": [1, 2, 3], "training_error": [40.0, 22.0, 13.0], "test_error": [None, 24.0, 18.0]},
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    try:
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()  # a figure that cannot be drawn fails its test
    finally:
        plt.close("all")


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
    with pytest.raises(InputError, match="it has to be a TrialRecording"):
        plot.layers(spikes())


# ---- traces


@pytest.fixture
def voltages():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 5, LIF)
    cells.v[:] = [-61.0, -62.0, -63.0, -64.0, -65.0]
    recording = net.record(cells, ["v", "drive"], neurons=[3, 1])
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
    assert plot.traces(voltages, "drive", neuron=3).get_ylabel() == "drive"


def test_several_traces_have_a_legend_and_colours_of_their_own(voltages):
    ax = plot.traces(voltages, ["v", "drive"], neuron=3)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$v$", "drive"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


@pytest.mark.parametrize(
    ("variables", "neuron", "message"),
    [
        ("w", 3, "Unknown variable 'w'; there is v, drive"),
        ([], 3, "variables is empty; choose from v, drive"),
        ("v", 2, "neuron is 2, which was not recorded; there is 3, 1"),
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
        (CURVES[0], ("loss", "test_error"), "of one quantity"),
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
