"""Spike patterns have the spikes, rates and shapes they promise, and models can trust them."""

import math
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imsave

from spikesim import FileError, InputError
from spikesim.patterns import (
    SpikePattern,
    check_pattern,
    from_picture,
    from_text,
    from_trains,
    poisson,
    read_nest,
    read_ras,
)

TARGET = from_trains([[83.0, 166.0, 249.0, 332.0, 415.0]], duration=500.0)


def pattern(times=(), ids=(), n=3, duration=100.0):
    return SpikePattern(np.array(times, float), np.array(ids, np.int64), n, duration)


def counts(spikes, rows, columns):
    """Spikes per neuron and ms in each of so many tiles, the upper neurons first."""
    edges = [np.linspace(0, spikes.n, rows + 1), np.linspace(0, spikes.duration, columns + 1)]
    found = np.histogram2d(spikes.ids + 0.5, spikes.times, edges)[0][::-1]
    return found * rows * columns / (spikes.n * spikes.duration)


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


MAKERS = {
    "poisson": lambda **more: poisson(40, 30.0, 300.0, **more),
    "from_picture": lambda **more: from_picture([[0, 1], [1, 0]], 40, 300.0, **more),
    "from_text": lambda **more: from_text("I/O", 40, 300.0, **more),
}


# ---- what all have in common


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_random_patterns_are_sorted_and_on_the_grid(make):
    made = make()
    assert made.times.size > 50
    assert (np.diff(made.times) >= 0.0).all()
    assert (made.times.dtype, made.ids.dtype) == (np.float64, np.int32)
    steps, ids = check_pattern("made", made, dt=0.1, n=40, duration=300.0)
    np.testing.assert_array_equal(steps * 0.1, made.times)
    np.testing.assert_array_equal(ids, made.ids)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_seed_gives_the_same_spikes_again_and_another_seed_others(make):
    assert equal(make(seed=3), make(seed=3))
    assert not equal(make(seed=3), make(seed=4))


def test_trains_are_the_spikes_of_each_neuron_and_make_the_same_pattern_again():
    made = poisson(30, rate=20.0, duration=100.0, seed=2)
    trains = made.trains()
    assert len(trains) == 30
    for neuron, train in enumerate(trains):
        np.testing.assert_array_equal(train, made.times[made.ids == neuron])
    assert equal(from_trains(trains, 100.0), made)


def test_importing_patterns_does_not_import_matplotlib():
    code = "import sys, spikesim.patterns; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- Poisson


def test_a_poisson_pattern_has_its_rate_and_no_order():
    made = poisson(200, rate=25.0, duration=5000.0, seed=5)
    expected = 200 * 25.0 * 5.0
    assert made.times.size == pytest.approx(expected, abs=4 * math.sqrt(expected))
    trains = [len(train) for train in made.trains()]
    assert np.var(trains) == pytest.approx(np.mean(trains), rel=0.4)
    intervals = np.concatenate([np.diff(train) for train in made.trains()])
    assert intervals.std() / intervals.mean() == pytest.approx(1.0, abs=0.05)


def test_a_poisson_pattern_can_be_silent_or_spike_in_every_step():
    assert poisson(3, rate=0.0, duration=10.0).times.size == 0
    assert poisson(3, rate=1000.0, duration=10.0, dt=1.0).times.size == 30


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(n=0), "n is 0"),
        (dict(rate=-1.0), "rate is -1"),
        (dict(rate=1001.0, dt=1.0), "rate is 1001.0; .* at most 1000 .Hz."),
        (dict(duration=0.05), "duration is 0.05 ms; it has to be a multiple of dt = 0.1 ms"),
        (dict(duration=0.0), "duration is 0"),
        (dict(seed=-1), "seed is -1"),
        (dict(dt=0.0), "dt is 0"),
    ],
)
def test_a_poisson_pattern_that_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        poisson(**{"n": 3, "rate": 10.0, "duration": 100.0, **changes})


# ---- given trains


def test_given_trains_are_sorted_by_time_and_neuron():
    made = from_trains([[30.0, 10.0], [], [10.0]], duration=50.0, n=5)
    assert made.times.tolist() == [10.0, 10.0, 30.0]
    assert made.ids.tolist() == [0, 2, 0]
    assert (made.n, made.duration) == (5, 50.0)


def test_a_pattern_of_silent_neurons_can_be_made():
    assert from_trains([[], []], duration=50.0).times.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 50.0), "trains is empty"),
        ((83.0, 50.0), "trains is a float; it has to be a list with an array of spike times"),
        (([83.0], 50.0), r"trains\[0\] has shape"),
        (([[1.0], [-1.0]], 50.0), r"trains\[1\] holds -1"),
        (([[1.0], [math.nan]], 50.0), r"trains\[1\] holds NaN"),
        (([[1.0], [2.0, 50.0]], 50.0), r"trains\[1\] holds a spike at 50 ms; .* the end"),
        (([[1.0], [2.0]], 50.0, 1), "n is 1; it has to be a whole number at least 2"),
        (([[1.0]], 0.0), "duration is 0"),
    ],
)
def test_trains_that_are_no_pattern_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        from_trains(*arguments)


# ---- pictures


def test_rates_are_in_proportion_to_darkness_and_the_top_row_is_the_highest_neuron():
    brightness = np.array([[0.0, 0.5], [1.0, 0.75]])
    made = from_picture(np.kron(brightness, np.ones((40, 40))), 200, 4000.0, rate=80.0)
    expected = 0.080 * (1.0 - brightness)
    np.testing.assert_allclose(counts(made, 2, 2), expected, rtol=0.03, atol=0.001)


def test_an_inverted_picture_spikes_where_it_is_bright():
    made = from_picture([[0.0, 0.0, 0.0, 1.0]], 50, 1000.0, rate=60.0, invert=True)
    rates = counts(made, 1, 4)[0]
    assert rates[3] > 10 * rates[1]
    assert rates[0] == 0.0


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_the_scale_of_brightness_does_not_matter(scale):
    plain = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert equal(from_picture(scale * plain - 3.0, 20, 200.0), from_picture(plain, 20, 200.0))


def test_a_picture_is_resampled_smoothly():
    made = from_picture([[0.0, 1.0]], 400, 1000.0, rate=100.0)
    rates = counts(made, 1, 10)[0]
    assert (np.diff(rates) < 0.005).all()  # falls from left to right, not at once
    assert 0.2 < rates[5] / rates[0] < 0.8


@pytest.mark.parametrize(("refractory", "rate"), [(5.1, 190.0), (20.0, 40.0), (0.0, 500.0)])
def test_neurons_keep_their_refractory_time_and_yet_their_rate(refractory, rate):
    made = from_picture(
        np.repeat([[0.0, 1.0]], 30, axis=1), 100, 4000.0, rate=rate, refractory=refractory
    )
    intervals = np.concatenate([np.diff(train) for train in made.trains()])
    assert intervals.min() > max(refractory, 0.1) - 1e-9
    assert counts(made, 1, 4)[0, 0] == pytest.approx(rate / 1000.0, rel=0.03)


def test_a_png_is_the_same_as_its_brightness(tmp_path):
    brightness = np.random.default_rng(1).integers(0, 256, (7, 9)).astype(np.uint8)
    imsave(tmp_path / "grey.png", np.dstack(3 * [brightness]))
    assert equal(from_picture(tmp_path / "grey.png", 20), from_picture(brightness, 20))
    assert equal(from_picture(str(tmp_path / "grey.png"), 20), from_picture(brightness, 20))


def test_colours_count_by_brightness_and_what_is_transparent_is_white(tmp_path):
    colours = np.zeros((1, 5, 4))
    colours[0] = [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 0, 0.5), (0, 0, 0, 0)]
    imsave(tmp_path / "colours.png", np.kron(colours, np.ones((20, 20, 1))))
    made = from_picture(tmp_path / "colours.png", 100, 5000.0, rate=100.0)
    expected = 0.1 * np.array([1.0, 1.0 - 0.299, 1.0 - 0.587, 0.5, 0.0])
    np.testing.assert_allclose(counts(made, 1, 5)[0], expected, rtol=0.05, atol=0.001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(picture=[[1.0, 1.0]]), "picture is equally bright everywhere"),
        (dict(picture=np.zeros((0, 3))), "picture is equally bright everywhere"),
        (dict(picture=[1.0, 2.0]), "picture has shape"),
        (dict(picture=[[1.0, math.nan]]), "picture holds NaN"),
        (dict(picture=None), "picture has dtype object"),
        (dict(n=0), "n is 0"),
        (dict(duration=0.05), "multiple of dt"),
        (dict(rate=0.0), "rate is 0"),
        (dict(rate=200.0), "rate is 200.0; .* at most 196.078 .Hz."),
        (dict(refractory=-1.0), "refractory is -1"),
        (dict(seed=1.5), "seed is 1.5"),
    ],
)
def test_a_picture_that_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        from_picture(**{"picture": [[0.0, 1.0]], **changes})


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_file_that_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "picture.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=r"Cannot read the picture .*picture\.png"):
        from_picture(path)


# ---- text


def test_text_stands_upright_within_margins():
    made = from_text("L", n=100, duration=1000.0)
    assert made.ids.min() == pytest.approx(10, abs=1)
    assert made.ids.max() == pytest.approx(89, abs=1)
    stem, foot = made.times[made.ids > 50], made.times[made.ids < 20]
    assert stem.max() < 0.7 * foot.max()
    assert stem.min() == pytest.approx(foot.min(), abs=10.0)


def test_long_text_fills_the_duration_and_short_text_keeps_its_shape():
    long, short = from_text("spike patterns", duration=1000.0), from_text("I", duration=1000.0)
    assert (long.times.min(), long.times.max()) == pytest.approx((50.0, 950.0), abs=20.0)
    assert np.ptp(short.times) < 200.0
    assert short.times.mean() == pytest.approx(500.0, abs=10.0)


def test_letters_spike_at_the_rate_and_nothing_spikes_beside_them():
    made = from_text("I", n=100, duration=1000.0, rate=100.0)
    inside = np.ptp(made.times)
    assert made.times.size / (80 * inside) == pytest.approx(0.1, rel=0.05)


def test_dollars_are_letters():
    assert from_text("$x$").times.size > from_text("x").times.size


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", 5, None])
def test_text_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError, match="one line with something to read"):
        from_text(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [(dict(n=0), "n is 0"), (dict(rate=200.0), "rate is 200"), (dict(dt=-1.0), "dt is -1")],
)
def test_text_for_neurons_that_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        from_text("text", **changes)


# ---- spikes of events


def test_merged_makes_one_of_the_spikes_of_a_neuron_in_a_step():
    random = np.random.default_rng(1)
    trains = [np.sort(random.uniform(0.0, 20.0, 40)) for _ in range(3)]
    made = from_trains(trains, duration=21.0)
    one = made.merged(dt=1.0)
    expected = {(round(t), i) for t, i in zip(made.times, made.ids, strict=True)}
    found = list(zip(np.rint(one.times).astype(int), one.ids, strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert (one.n, one.duration) == (3, 21.0)
    check_pattern("pattern", one, dt=1.0)
    with pytest.raises(InputError, match=r"two spikes .*, as in pattern\.merged\(dt=1\)"):
        check_pattern("pattern", made, dt=1.0)


# ---- files of Auryn


def ras(tmp_path, text):
    path = tmp_path / "spikes.ras"
    path.write_text(text)
    return path


def test_a_file_is_read_in_any_order_with_comments_and_empty_lines(tmp_path):
    path = ras(tmp_path, "# neurons 100, time grid 3.5s\n0.0502 3\n\n0.010 1\n  0.0502\t0\n")
    made = read_ras(path)
    assert made.times.tolist() == pytest.approx([10.0, 50.2, 50.2])
    assert made.ids.tolist() == [1, 0, 3]
    assert (made.n, made.duration) == (4, 50.3)
    assert read_ras(path, n=100, duration=500.0)[2:] == (100, 500.0)


@pytest.mark.parametrize(
    ("rounding", "steps"), [("truncate", [2, 100, 829, 831]), ("nearest", [3, 100, 830, 832])]
)
def test_times_are_truncated_as_the_authors_do_or_rounded(tmp_path, rounding, steps):
    path = ras(tmp_path, "0.000300 0\n0.010036 0\n0.082998 0\n0.083190 0\n")
    made = read_ras(path, rounding=rounding)
    np.testing.assert_array_equal(made.times, np.array(steps) * 0.1)


def test_a_file_without_spikes_is_a_silent_pattern(tmp_path):
    made = read_ras(ras(tmp_path, "# nothing\n"), n=5, duration=20.0)
    assert (made.times.size, made.n, made.duration) == (0, 5, 20.0)


def test_two_spikes_that_truncation_brings_together_stay_two(tmp_path):
    path = ras(tmp_path, "0.0002 7\n0.0003 7\n")
    pattern = read_ras(path)
    assert np.rint(pattern.times * 10.0).tolist() == [2, 2]
    with pytest.raises(InputError, match=r"two spikes of neuron 7 in the step at 0.2 ms"):
        check_pattern("input", pattern, dt=0.1)
    steps, ids = check_pattern("input", pattern, dt=0.1, most=2)
    assert (steps.tolist(), ids.tolist()) == ([2, 2], [7, 7])
    more = SpikePattern(np.full(3, 0.2), np.full(3, 7), 8, 1.0)
    with pytest.raises(InputError, match=r"3 spikes of neuron 7 .*at most 2 times"):
        check_pattern("input", more, dt=0.1, most=2)


@pytest.mark.parametrize(
    "line", ["0.1", "0.1 2 3", "time 2", "0.1 2.5", "0.1 -1", "-0.1 0", "nan 0", "inf 0", "1 nan"]
)
def test_a_line_that_is_no_spike_is_told_by_its_number(tmp_path, line):
    with pytest.raises(FileError, match=r"spikes\.ras has '.*' in line 2; a line has to be"):
        read_ras(ras(tmp_path, f"0.1 0\n{line}\n"))


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(FileError, match=r"cannot be read: No such file"):
        read_ras(tmp_path / "missing.ras")
    (tmp_path / "binary.ras").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="is not a text file"):
        read_ras(tmp_path / "binary.ras")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(n=7), "n is 7, but .* neuron 7; neurons count from 0, so n has to be at least 8"),
        (dict(n=0), "n is 0"),
        (dict(duration=100.0), "duration is 100 ms, but .* holds a spike at 100 ms"),
        (dict(duration=100.05), "multiple of dt"),
        (dict(rounding="nearby"), "rounding is 'nearby'"),
        (dict(dt=0.0), "dt is 0"),
    ],
)
def test_arguments_that_do_not_fit_the_file_are_refused(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_ras(ras(tmp_path, "0.1 7\n"), **changes)


# ---- what models ask for


def test_a_checked_pattern_comes_as_steps_and_neurons_in_order():
    steps, ids = check_pattern("target", pattern([5.0, 5.02, 7.04], [2, 1, 0]), dt=0.1)
    assert steps.tolist() == [50, 50, 70]
    assert ids.tolist() == [1, 2, 0]
    assert (steps.dtype, ids.dtype) == (np.int64, np.int32)


def test_a_pattern_may_be_empty_unless_it_may_not():
    steps, ids = check_pattern("target", pattern(), dt=0.1)
    assert steps.size == ids.size == 0
    with pytest.raises(InputError, match="target holds no spike; it has to hold at least one"):
        check_pattern("target", pattern(), dt=0.1, allow_empty=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (([1.0], [0]), "target is a tuple; it has to be a SpikePattern, as made by from_trains"),
        (None, "target is a NoneType"),
        (pattern([7.0, 5.0], [0, 0]), "target.times has 5 ms after 7 ms; times have to ascend"),
        (pattern([-1.0], [0]), "target.times holds -1"),
        (pattern([math.nan], [0]), "target.times holds NaN"),
        (pattern([[1.0]], [[0]]), "target.times has shape"),
        (pattern([100.0], [0]), "spike at 100 ms, but the pattern lasts 100 ms; the last step is"),
        (pattern([99.96], [0]), "spike at 99.96 ms, but .*; the last step is at 99.9 ms"),
        (pattern([1.0], [3]), "target.ids holds 3; every element has to be at most 2"),
        (pattern([1.0], [-1]), "target.ids holds -1"),
        (pattern([1.0, 2.0], [0]), "target.ids has shape"),
        (pattern([1.0])._replace(ids=np.array([0.5])), "target.ids holds fractions"),
        (pattern([1.0], [0])._replace(times=["a"]), "target.times has dtype"),
        (pattern([1.0, 1.02], [2, 2]), "two spikes of neuron 2 in the step at 1 ms; .* of 0.1 ms"),
        (pattern(n=0), "target.n is 0"),
        (pattern(n=2.5), "target.n is 2.5"),
        (pattern(duration=0.0), "target.duration is 0"),
        (pattern(duration=10.05), "target.duration is 10.05 ms; it has to be a multiple of dt"),
    ],
)
def test_a_pattern_that_no_model_can_use_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        check_pattern("target", wrong, dt=0.1)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (dict(n=2), "target.n is 1; it has to be 2, one for each neuron"),
        (dict(duration=400.0), "target holds a spike at 415 ms, but the trial lasts 400 ms"),
        (dict(duration=600.0), r"target lasts 500 ms, .* 600 ms; .*_replace\(duration=600\)"),
        (dict(dt=0.3), "target.duration is 500 ms; it has to be a multiple of dt = 0.3"),
        (dict(dt=0.0), "dt is 0"),
    ],
)
def test_a_pattern_that_does_not_fit_the_model_is_refused(expected, message):
    assert check_pattern("target", TARGET, 0.1, n=1, duration=500.0)[0].size == 5
    with pytest.raises(InputError, match=message):
        check_pattern("target", TARGET, **{"dt": 0.1, **expected})


# ---- files of NEST

DAT = "# NEST version: 3.6.0\n# RecordingBackendASCII version: 2\n"
NEST = {
    "dat": DAT + "sender\ttime_ms\n5\t100.000\n7\t0.300\n5\t12.700\n",
    "dat with a commented header": DAT + "# sender\ttime_ms\n5\t100.000\n7\t0.300\n5\t12.700\n",
    "gdf": "5\t100.000\t\n7\t0.300\t\n5\t12.700\t\n",
    "gdf of whole times": "5 100.0\n7 0.3\n5 12.7\n",
}


def nest(tmp_path, text):
    path = tmp_path / "spikes.dat"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", NEST)
def test_files_of_nest_hold_a_neuron_and_a_time_in_ms(tmp_path, kind):
    made = read_nest(nest(tmp_path, NEST[kind]), n=10, duration=200.0, first=5)
    np.testing.assert_array_equal(made.times, np.array([3, 127, 1000]) * 0.1)
    assert made.ids.tolist() == [2, 0, 0]
    assert (made.n, made.duration) == (10, 200.0)


@pytest.mark.parametrize("kind", NEST)
def test_files_of_nest_are_not_taken_for_those_of_auryn(tmp_path, kind):
    with pytest.raises(FileError, match=r"has '.*' in line \d; .* a time in seconds"):
        read_ras(nest(tmp_path, NEST[kind]))


def test_who_takes_a_file_of_nest_for_one_of_auryn_is_told_what_reads_it(tmp_path):
    with pytest.raises(FileError, match=r"looks like a file of NEST: see read_nest\.$"):
        read_ras(nest(tmp_path, "5\t100.0\n"))


def test_a_neuron_before_the_first_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"first is 6, but .* holds a spike of neuron 5"):
        read_nest(nest(tmp_path, NEST["gdf"]), first=6)


@pytest.mark.parametrize(
    "line",
    ["5", "5 1.0 0.3", "sender\ttime_step\ttime_offset", "0.5 3", "5 -1.0", "-5 1.0", "5 nan"],
)
def test_a_line_that_is_no_spike_of_nest_is_told_by_its_number(tmp_path, line):
    with pytest.raises(FileError, match=r"spikes\.dat has '.*' in line 2; .* a neuron and a time"):
        read_nest(nest(tmp_path, f"5 0.1\n{line}\n"))
