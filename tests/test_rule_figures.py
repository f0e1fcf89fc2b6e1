"""Figures of many learning rules: a rule looks the same in all, and every name can be read."""

import colorsys
import itertools

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from spikesim import InputError, plot

FAMILIES = {
    "feedback alignment": "feedback",
    "direct": "feedback",
    "backpropagation": "feedback",
    "node": "perturbation",
    "weight": "perturbation",
    "DTP": "targets",
}
MANY = {f"rule {k} of {m}": f"family {m}" for m in range(9) for k in range(3)}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()  # a figure that cannot be drawn fails its test
    plt.close("all")


def hue(color):
    return colorsys.rgb_to_hls(*to_rgb(color))[0]


def line(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def explained(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def named(ax):
    """The place of the dot of each name."""
    return {note.get_text(): tuple(note.xy) for note in ax.texts}


# ---- looks


def test_rules_of_a_family_share_a_hue_and_a_marker():
    styles = plot.rule_styles(MANY)
    for family in set(MANY.values()):
        those = [style for rule, style in styles.items() if MANY[rule] == family]
        hues = [hue(style.color) for style in those]
        assert hues == pytest.approx([hues[0]] * 3, abs=0.01)
        assert len({style.marker for style in those}) == 1


def test_no_two_rules_look_the_same_in_lines_or_dots():
    for families in (MANY, list(MANY)):
        styles = plot.rule_styles(families).values()
        assert len({(style.color, style.linestyle) for style in styles}) == len(MANY)
        assert len({(style.color, style.marker) for style in styles}) == len(MANY)


def test_colour_blind_people_can_tell_families_apart():
    """Twice what is just seen, 0.02 in OKLab, after Machado, Oliveira and Fernandes (2009)."""
    sight = {
        "all colours": np.eye(3),
        "no green": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "no red": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    }
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    opponent = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    colors = [style.color for style in plot.rule_styles(list("abcdefghijk")).values()]
    rgb = np.array([to_rgb(color) for color in colors])
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for matrix in sight.values():
        seen = np.cbrt(np.clip(light @ np.transpose(matrix), 0.0, 1.0) @ cones.T) @ opponent.T
        apart = [np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)]
        assert min(apart) > 0.04


def test_backpropagation_is_a_grey_star_in_any_family():
    for families in (FAMILIES, {"backpropagation": "one"}, ["node", "backpropagation"]):
        style = plot.rule_styles(families)["backpropagation"]
        assert len(set(to_rgb(style.color))) == 1
        assert style.marker == "*"


def test_a_rule_has_the_same_look_in_all_figures_whichever_others_are_there():
    curves = plot.learning_curves({"weight": ([10, 20], [50.0, 40.0])}, FAMILIES)
    angles = plot.angle_over_depth([1, 2], {"DTP": [50, 60], "weight": [5, 9]}, FAMILIES)
    dots = plot.bias_and_noise({"weight": 0.9}, {"weight": 0.1}, FAMILIES)
    color = plot.rule_styles(FAMILIES)["weight"].color
    assert line(curves[0], "weight").get_color() == color
    assert line(angles[1], "weight").get_color() == color
    assert color in {dot.get_color() for dot in dots.lines}


# ---- panels


def test_each_family_has_a_panel_with_backpropagation_in_grey():
    curves = {rule: ([10, 20], [50.0, 40.0]) for rule in FAMILIES}
    panels = plot.learning_curves(curves, FAMILIES)
    titles = [ax.get_legend().get_title().get_text() for ax in panels]
    assert titles == ["feedback", "perturbation", "targets"]
    for ax in panels:
        assert line(ax, "backpropagation").get_xydata().tolist() == [[10.0, 50.0], [20.0, 40.0]]
    assert [len(ax.lines) for ax in panels] == [3, 3, 2]


def test_backpropagation_is_in_one_legend():
    curves = {rule: ([10, 20], [50.0, 40.0]) for rule in FAMILIES}
    panels = plot.learning_curves(curves, FAMILIES)
    assert ["backpropagation" in explained(ax) for ax in panels] == [True, False, False]


def test_backpropagation_needs_no_panel_of_its_own():
    errors = {"backpropagation": [2.0, 3.0], "node": [4.0, 5.0], "DTP": [3.0, 4.0]}
    families = {"backpropagation": "gradient", "node": "perturbation", "DTP": "targets"}
    panels = plot.robustness([0, 1], errors, families, xlabel="Jitter")
    assert [explained(ax) for ax in panels] == [["node", "backpropagation"], ["DTP"]]


def test_without_families_all_rules_are_in_one_panel_in_a_hue_each():
    (ax,) = plot.learning_curves({"a": ([1, 2], [9, 8]), "b": ([1, 3], [9, 4])})
    assert abs(hue(ax.lines[0].get_color()) - hue(ax.lines[1].get_color())) > 0.05


def test_a_legend_is_in_the_order_in_which_the_lines_end():
    curves = {"a": ([1, 2], [9.0, 3.0]), "b": ([1, 2], [8.0, 7.0]), "c": ([1, 2], [7.0, np.nan])}
    (ax,) = plot.learning_curves(curves)
    assert explained(ax) == ["b", "c", "a"]


def test_panels_are_drawn_on_given_axes():
    given = plt.subplots(1, 2)[1]
    curves = {"node": ([1, 2], [9, 8]), "DTP": ([1, 2], [9, 4])}
    assert plot.learning_curves(curves, FAMILIES, given) == list(given)
    assert [ax.get_xlabel() for ax in given] == ["Examples seen"] * 2


def test_the_line_of_a_rule_is_the_mean_over_its_seeds_in_a_band():
    (ax,) = plot.learning_curves({"a": ([20, 10], [[1.0, 5.0], [3.0, 5.0]])})
    assert ax.lines[0].get_xydata().tolist() == [[10.0, 5.0], [20.0, 2.0]]
    edges = ax.collections[0].get_paths()[0].vertices
    at = edges[edges[:, 0] == 20.0, 1]
    assert [at.min(), at.max()] == pytest.approx([2.0 - np.sqrt(2.0), 2.0 + np.sqrt(2.0)])


def test_a_rule_without_numbers_says_so_and_stops_nothing():
    curves = {"a": ([1, 2], [9.0, 3.0]), "b": ([1, 2], [[np.nan] * 2, [5.0, np.nan]])}
    (ax,) = plot.learning_curves(curves)
    assert explained(ax) == ["a", "b (no number)"]
    plot.learning_curves({"b": ([0.0], [np.nan])})


def test_learning_curves_have_logarithmic_axes_with_plain_numbers():
    (ax,) = plot.learning_curves({"a": ([1000, 50_000], [80.0, 2.0])})
    ax.figure.canvas.draw()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Examples seen", "Test error (%)")
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert {"1k", "10k"} <= set(shown)
    assert {"2", "5", "10"} <= {label.get_text() for label in ax.get_yticklabels()}


def test_angles_over_depth_have_a_dashed_line_at_90_degrees():
    (ax,) = plot.angle_over_depth([3, 1, 2], {"direct": [80.0, 60.0, 70.0]})
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 60.0], [2.0, 70.0], [3.0, 80.0]]
    assert ax.lines[1].get_ydata() == [90.0, 90.0]
    assert ax.lines[1].is_dashed()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Hidden layers", "Angle to backpropagation (°)")


def test_angles_over_training_show_what_was_before_the_first_epoch_and_fit_decades_of_epochs():
    (ax,) = plot.angle_over_training({"direct": ([10, 0, 1], [40.0, 90.0, 60.0])})
    assert ax.lines[0].get_xydata().tolist() == [[0.0, 90.0], [1.0, 60.0], [10.0, 40.0]]
    ax.figure.canvas.draw()
    left, middle, right = ax.transData.transform([[0, 0], [1, 0], [10, 0]])[:, 0]
    assert middle - left == pytest.approx(right - middle)
    assert [text.get_text() for text in ax.get_xticklabels()][:3] == ["0", "1", "10"]
    assert ax.lines[1].get_ydata() == [90.0, 90.0]


def test_robustness_is_the_error_over_the_level_of_a_disturbance():
    (ax,) = plot.robustness([0, 20], {"node": [2.0, 9.0]}, xlabel="Noise of pixels")
    assert ax.lines[0].get_xydata().tolist() == [[0.0, 2.0], [20.0, 9.0]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Noise of pixels", "Test error (%)")


# ---- dots


def test_bias_is_an_angle_and_noise_the_inverse_of_the_signal():
    ax = plot.bias_and_noise({"node": 0.5, "DTP": [0.0, 1.0]}, {"node": 0.1, "DTP": [1.0, 0.5]})
    places = named(ax)
    assert places["node"] == pytest.approx((60.0, 10.0))
    assert places["DTP"] == pytest.approx((45.0, 1.5))  # the means of 90 and 0, and of 1 and 2


def test_the_noise_of_backpropagation_is_a_dashed_line():
    ax = plot.bias_and_noise({"backpropagation": 1.0}, {"backpropagation": 0.25})
    assert 4.0 in [line.get_ydata()[0] for line in ax.lines if line.is_dashed()]


def test_dots_are_where_error_and_angle_are():
    ax = plot.error_over_angle({"node": [6.0, 8.0]}, {"node": [50.0, 60.0]})
    assert named(ax) == {"node": (55.0, 7.0)}
    assert [[50.0, 6.0], [60.0, 8.0]] in [line.get_xydata().tolist() for line in ax.lines]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Angle to backpropagation (°)", "Test error (%)")


def test_seeds_and_rules_without_a_number_are_left_out_of_dots():
    error = {"a": [5.0, np.nan, 7.0], "b": [np.nan], "c": 3.0}
    ax = plot.error_over_angle(error, {"a": [40.0, 50.0, np.nan], "b": [10.0], "c": np.nan})
    assert named(ax) == {"a": (40.0, 5.0)}
    assert named(plot.bias_and_noise({"a": np.nan}, {"a": 0.0})) == {}


def test_families_of_dots_are_explained_above_them():
    assert explained(
        plot.error_over_angle(dict.fromkeys(FAMILIES, 5.0), dict.fromkeys(FAMILIES, 9.0), FAMILIES)
    ) == ["feedback", "perturbation", "targets"]
    assert plot.error_over_angle({"a": 5.0}, {"a": 9.0}).get_legend() is None


@pytest.mark.parametrize("spread", [1.0, 0.1])
def test_names_of_many_dots_hide_neither_each_other_nor_dots(spread):
    random = np.random.default_rng(4)
    error = {rule: np.exp(1.5 + spread * random.normal()) for rule in MANY}
    angle = {rule: 50.0 + 30.0 * spread * random.uniform(-1.0, 1.0) for rule in MANY}
    ax = plot.error_over_angle(error, angle, MANY)
    ax.figure.canvas.draw()
    boxes = [plt.Text.get_window_extent(note) for note in ax.texts]
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]
    dots = ax.transData.transform([note.xy for note in ax.texts])
    assert not [dot for dot in dots for box in boxes if box.contains(*dot)]
    assert all(ax.bbox.contains(*corner) for box in boxes for corner in box.get_points())


def test_a_name_far_from_its_dot_has_a_line_to_it():
    alone = plot.error_over_angle({"a": 5.0}, {"a": 50.0})
    assert [note.arrow_patch for note in alone.texts] == [None]
    crowd = plot.error_over_angle(dict.fromkeys(MANY, 5.0), dict.fromkeys(MANY, 50.0))
    assert any(note.arrow_patch for note in crowd.texts)


def test_dots_are_drawn_on_given_axes():
    given = plt.subplots(1, 2)[1]
    assert plot.bias_and_noise({"a": 1.0}, {"a": 1.0}, ax=given[0]) is given[0]
    assert plot.error_over_angle({"a": 1.0}, {"a": 1.0}, ax=given[1]) is given[1]


# ---- refusals


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot.rule_styles([]), "families is"),
        (lambda: plot.rule_styles({"node": 3}), "family of each rule"),
        (lambda: plot.learning_curves({}), "at least one rule"),
        (lambda: plot.learning_curves({3: ([1], [2.0])}), "names of rules"),
        (lambda: plot.learning_curves({"a": [1.0, 2.0, 3.0]}), "has to be a pair"),
        (lambda: plot.learning_curves({"a": ([1, 2], [3.0])}), r"curves\['a'\]\[1\] has shape"),
        (lambda: plot.learning_curves({"a": ([1], [101.0])}), "from 0 to 100, or NaN"),
        (lambda: plot.learning_curves({"DTPP": ([1], [1.0])}, FAMILIES), "Did you mean 'DTP'"),
        (lambda: plot.learning_curves({"DTP": ([1], [1.0])}, FAMILIES, []), "has to hold 1"),
        (lambda: plot.angle_over_depth([1], {"a": [181.0]}), "from 0 to 180"),
        (lambda: plot.angle_over_depth([], {"a": []}), "depths is empty"),
        (lambda: plot.angle_over_training({"a": [90.0, 80.0, 70.0]}), "pair: epochs, and angles"),
        (lambda: plot.angle_over_training({"a": ([1], [181.0])}), "from 0 to 180"),
        (lambda: plot.robustness([1], {"a": [1.0]}, xlabel=3), "xlabel is 3"),
        (lambda: plot.bias_and_noise({"a": 1.1}, {"a": 1.0}), "from -1 to 1"),
        (lambda: plot.bias_and_noise({"a": 1.0}, {"a": -1.0}), "from 0 to"),
        (lambda: plot.bias_and_noise({"a": 1.0}, {"b": 1.0}), "the same rules as cosine"),
        (lambda: plot.error_over_angle({"a": [1.0]}, {"a": [1.0, 2.0]}), "one for each seed"),
        (lambda: plot.error_over_angle({"a": [[1.0]]}, {"a": 1.0}), "one for each seed"),
    ],
)
def test_figures_of_rules_refuse(draw, message):
    with pytest.raises(InputError, match=message):
        draw()
