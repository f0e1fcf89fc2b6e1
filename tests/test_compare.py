"""`spikesim compare`: one table of learning rules, how they are tuned, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from spikesim import InputError, SpikesimError, datasets
from spikesim.cli import main
from spikesim.credit import Compared, compare, protocol, tune
from spikesim.credit.rules import published, rule_of, rules_of, tuned
from spikesim.credit.tasks import TASKS, data_of
from spikesim.models.feedback_alignment import FeedbackAlignment

HERE = {"executor": "threads", "workers": 1, "progress": False}
SMALL = {**HERE, "hidden": (12, 8), "epochs": 2}
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_rule.py"


@pytest.fixture(scope="module")
def own():
    """A user's file with a rule."""
    return f"{EXAMPLE}:RandomFeatures"


@pytest.fixture(scope="module")
def compared(tmp_path_factory, own):
    """Three rules of the package and one of a user, on the teacher's task."""
    rules = ["backpropagation", "feedback-alignment", "node-perturbation", own]
    return compare("teacher", rules, 2, tmp_path_factory.mktemp("compared"), **SMALL)


def column(found, head):
    """A column of the table, by rule."""
    heads, *rows = found.rows()
    return {row[0]: row[heads.index(head)] for row in rows}


def test_every_rule_has_a_row_with_mean_and_deviation_over_seeds(compared):
    errors = column(compared, "test error, %")
    assert list(errors) == [
        "backpropagation",
        "feedback alignment",
        "node perturbation",
        "RandomFeatures",
    ]
    assert all(re.fullmatch(r"\d+\.\d ± \d+\.\d", text) for text in errors.values())


def test_backpropagation_has_angle_0_and_no_bias(compared):
    assert column(compared, "angle (°), by layer")["backpropagation"] == "0 0 0"
    assert column(compared, "cosine of mean, by layer")["backpropagation"] == "1.00 1.00 1.00"
    assert (compared.of("backpropagation", "angles_1") < 1e-3).all()


def test_perturbation_is_noisier_than_backpropagation(compared):
    noisy, exact = (compared.of(name, "snr") for name in ("node-perturbation", "backpropagation"))
    assert (noisy < exact / 2).all()


def test_networks_of_one_to_five_hidden_layers_show_the_angle_over_depth(compared):
    angles = compared.of("feedback-alignment", "angle_of_first", "depth")
    assert angles.shape == (5,)
    assert np.isfinite(angles).all()


def test_a_users_rule_is_in_the_table_and_in_the_figures(compared):
    curves = compared.figures()["learning_curves.png"]
    shown = [text.get_text() for ax in curves.axes for text in ax.findobj(_is_text)]
    assert "RandomFeatures" in " ".join(shown)
    assert "| RandomFeatures |" in compared.markdown()


def test_a_figure_shows_how_updates_turn_to_the_gradient_as_a_rule_learns(compared):
    panels = compared.figures()["angle_over_training.png"].axes
    lines = {line.get_label(): line for ax in panels for line in ax.lines}
    epochs, angles = lines["feedback alignment"].get_xydata().T
    noted = compared.of("feedback-alignment", "angles_1")
    assert epochs.tolist() == compared.of("feedback-alignment", "angle_epochs")[0].tolist()
    assert angles.tolist() == pytest.approx(noted.mean(axis=0).tolist())


def _is_text(artist):
    return hasattr(artist, "get_text")


def test_measuring_does_not_change_what_is_learned(compared):
    trained = FeedbackAlignment.load(compared.sweep.directory / "set-0000" / "run.h5")
    settings = json.loads(compared.sweep.sets[0]["settings"])
    data = datasets.teacher()
    alone = published()["backpropagation"].network((30, 12, 8, 10), 1, settings)
    alone.fit(data.train_images, data.train_labels, 2, schedule=lambda epoch: (1.0, 0.5)[epoch])
    for mine, own in zip(trained.W, alone.W, strict=True):
        np.testing.assert_array_equal(mine, own)


def test_learning_rates_of_layers_come_from_the_settings():
    net = rule_of("burst").network((4, 5, 6, 3), 1, {"alpha.hidden": 7.0, "alpha.output": 2.0})
    assert net.parameters.alpha == (7.0, 7.0, 2.0)


def test_what_is_finished_is_not_done_again(compared):
    before = compared.sweep.seconds
    rules = [rule.name for rule in compared.rules]
    again = compare("teacher", rules, 2, compared.sweep.directory, **SMALL)
    assert again.sweep.seconds == before
    assert again.text() == compared.text()


def test_rules_that_follow_join_a_comparison(tmp_path):
    first = compare("teacher", ["backpropagation"], 1, tmp_path, depths=False, **SMALL)
    more = ["backpropagation", "output-only"]
    both = compare("teacher", more, 1, tmp_path, depths=False, **SMALL)
    assert both.sweep.seconds[0] == first.sweep.seconds[0]
    assert list(column(both, "ms")) == ["backpropagation", "output layer only"]


def test_a_network_that_was_stopped_ends_with_the_same_numbers(compared, tmp_path, monkeypatch):
    watch = protocol._watch

    def stop(net, data):
        watch(net, data)
        if net.epoch == 1:
            raise KeyboardInterrupt

    k = next(
        k
        for k, each in enumerate(compared.sweep.sets)
        if each["rule"] == "feedback-alignment" and each["part"] == "table"
    )
    monkeypatch.setattr(protocol, "_watch", stop)
    with pytest.raises(KeyboardInterrupt):
        protocol.train_set(dict(compared.sweep.sets[k]), tmp_path)
    monkeypatch.setattr(protocol, "_watch", watch)
    found = protocol.train_set(dict(compared.sweep.sets[k]), tmp_path)
    for name, value in found.items():
        if name != "ms":
            straight = compared.sweep.values[name][k]
            np.testing.assert_array_equal(np.ravel(value), np.ravel(straight)[: np.size(value)])


def test_a_rule_that_diverges_is_printed_as_failing(tmp_path):
    (tmp_path / "rules_tuned.json").write_text(
        json.dumps({"feedback-alignment": {"eta.hidden": 1e38, "eta.output": 1e38}})
    )
    found = compare("teacher", ["feedback-alignment"], 2, tmp_path, depths=False, **SMALL)
    assert column(found, "test error, %") == {"feedback alignment": "(2 of 2 failed)"}
    assert found.figures() == {}


def test_tuning_takes_the_trial_with_the_fewest_errors(tmp_path):
    best = tune("teacher", ["backpropagation"], 4, tmp_path, networks=1, **SMALL)
    lines = [line.split(",") for line in (tmp_path / "search.csv").read_text().splitlines()[1:]]
    assert len(lines) == 4
    settings, _ = min(((line[1], float(line[2])) for line in lines), key=lambda pair: pair[1])
    won = dict(part.split("=") for part in settings.split())
    assert {name: float(value) for name, value in won.items()} == best["backpropagation"]
    found = compare("teacher", ["backpropagation"], 1, tmp_path, depths=False, **SMALL)
    assert json.loads(found.sweep.sets[0]["settings"]) == best["backpropagation"]


def test_tuning_tells_what_failed_and_keeps_no_settings_of_it(tmp_path, monkeypatch):
    def fail(self, *data, **options):
        raise ValueError("no luck")

    monkeypatch.setattr(FeedbackAlignment, "fit", fail)
    best = tune("teacher", ["backpropagation"], 2, tmp_path, **SMALL)
    assert best == {"backpropagation": {}}
    assert (tmp_path / "search.csv").read_text().count("ValueError: no luck") == 2


def test_every_rule_is_tuned_with_the_same_draws():
    one, other = rule_of("backpropagation"), rule_of("burst")
    for trial in range(5):
        places = [
            np.log(value / low) / np.log(high / low)
            for rule in (one, other)
            for value, (low, high) in zip(
                protocol.drawn(rule, trial).values(), rule.search.values(), strict=True
            )
        ]
        np.testing.assert_allclose(places[:2], places[2:], atol=2e-3)
        assert all(0.0 <= place <= 1.0 for place in places)


@pytest.mark.parametrize("name", list(published()))
def test_a_network_of_every_rule_can_be_built_with_its_settings(name):
    rule = rule_of(name)
    for task in TASKS:
        settings = tuned(task).get(name, rule.untuned())
        assert set(settings) == set(rule.search)
        for each, (low, high) in rule.search.items():
            assert low <= settings[each] <= high
        assert rule.network((4, 5, 4, 3), 1, settings).sizes == (4, 5, 4, 3)


def test_a_family_stands_for_its_rules():
    assert [rule.name for rule in rules_of(["perturbation"])] == [
        "node-perturbation",
        "weight-perturbation",
    ]
    assert rules_of(["all"]) == rules_of(None)


def test_two_classes_of_the_same_name_are_told_apart_by_their_files(own, tmp_path):
    other = tmp_path / "features_again.py"
    other.write_text(EXAMPLE.read_text())
    both = rules_of([own, f"{other}:RandomFeatures"])
    assert [rule.title for rule in both] == [own, f"{other}:RandomFeatures"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"task": "digit"}, "Did you mean 'digits'"),
        ({"rules": ["bakpropagation"]}, "Did you mean 'backpropagation'"),
        ({"rules": []}, "rules is empty"),
        ({"rules": "burst"}, "has to be a list"),
        ({"seeds": 0}, "seeds is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"hidden": (0,)}, "hidden is 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_trained(changed, sentence, tmp_path):
    given = {"task": "teacher", "rules": ["backpropagation"], "seeds": 1, **SMALL, **changed}
    with pytest.raises(InputError, match=sentence):
        compare(out=tmp_path / "new", **given)
    assert not (tmp_path / "new").exists()


def test_fashion_says_which_files_it_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("SPIKESIM_DATA", str(tmp_path))
    data_of.cache_clear()
    with pytest.raises(SpikesimError, match="four IDX files of Fashion-MNIST"):
        compare("fashion", ["backpropagation"], 1, tmp_path / "new", **SMALL)


def test_the_command_writes_tables_and_figures(tmp_path, capsys, own):
    options = ["--task=teacher", "--epochs=1", "--hidden=5", "--seeds=1", "--workers=1"]
    rules = ["--models", "backpropagation", own, "--no-depths", "--no-progress"]
    assert main(["compare", *options, *rules, f"--out={tmp_path}"]) == 0
    printed = capsys.readouterr().out
    assert "Nothing was tuned on teacher" in printed
    assert (tmp_path / "table.txt").read_text().strip() in printed
    assert (tmp_path / "table.md").read_text().startswith("| rule | test error, % |")
    for name in ("learning_curves", "bias_and_noise", "error_over_angle", "weight_jitter"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_result_says_what_it_holds(compared):
    assert isinstance(compared, Compared)
    assert repr(compared) == "<Compared: 4 rules on teacher>"
    assert compared.of("backpropagation", "no such result").size == 0


def test_a_comparison_becomes_a_table_of_pandas_with_a_row_for_each_rule_and_seed(compared):
    pytest.importorskip("pandas", reason="pip install pandas")
    frame = compared.to_pandas()
    assert len(frame) == 2 * len(compared.rules)
    for rule in compared.rules:
        errors = frame.loc[frame["rule"] == rule.name, "test_error"].to_numpy(float)
        assert np.array_equal(errors, compared.of(rule.name, "test_error"), equal_nan=True)
