"""The frame of published experiments: results in files and tables, parameters, the command line."""

from __future__ import annotations

import argparse
import inspect
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from spikesim import FileError, InputError
from spikesim.comparison import Comparison
from spikesim.experiments import (
    ExperimentParameters,
    Panel,
    Result,
    add_run_arguments,
    by_name,
    experiment,
    run,
    save_result,
)
from spikesim.experiments.panels import draw
from spikesim.learning.parameters import number, whole


class Sizes(ExperimentParameters):
    n: int = whole(3, "neurons", at_least=1)
    rate: float = number(5.0, "of each", unit="Hz", at_least=0.0)


class Curve(NamedTuple):
    x: np.ndarray


class Found(Result):
    KIND = "found"

    seed: int
    parameters: Sizes
    curve: Curve

    def comparisons(self):
        return [Comparison("sum", float(self.curve.x.sum()), low=0.0)]

    def panels(self):
        lines = {"found": self.curve.x, "twice": 2.0 * self.curve.x}
        wanted = {"wanted": np.ones(self.curve.x.size)}
        return [Panel("Place", "Value", np.arange(1.0, 1.0 + self.curve.x.size), lines, wanted)]


@experiment("finding", "find something", Sizes)
def find(p, seed, progress, backend):
    """Find it."""
    return Found(seed, p, Curve(np.full(p.n, p.rate)))


EXPERIMENTS = by_name(find)


def command(*arguments):
    parser = argparse.ArgumentParser()
    add_run_arguments(parser, EXPERIMENTS)
    chosen = parser.parse_args(["finding", "--no-progress", *arguments])
    chosen.model = "toy"
    run(chosen, EXPERIMENTS)


def test_a_result_reads_back_with_its_parameters_and_curves(tmp_path):
    find(7, n=2).save(tmp_path / "found.h5")
    again = Found.load(tmp_path / "found.h5")
    assert (again.seed, again.parameters) == (7, Sizes(n=2))
    assert isinstance(again.curve, Curve)
    assert again.curve.x.tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    "tree",
    [
        {"seed": 1},
        {"seed": 1, "parameters": {"m": 1}, "curve": {}},
        {"more": 2},
        {"seed": {"a": 1}},
    ],
)
def test_a_file_with_other_fields_is_refused_in_a_line(tree, tmp_path):
    save_result(tmp_path / "found.h5", "found", tree)
    with pytest.raises(FileError, match=r"found\.h5 is damaged"):
        Found.load(tmp_path / "found.h5")


def test_the_command_writes_what_was_found_its_figure_and_its_table(tmp_path, capsys):
    command("--seed=3", "--n=4", "--rate=2.5", f"--out={tmp_path}")
    assert (tmp_path / "finding.txt").read_text() == find(n=4, rate=2.5).table() + "\n"
    assert (tmp_path / "finding.png").exists()
    with h5py.File(tmp_path / "finding.h5") as file:
        assert int(file.attrs["seed"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
        ({"progress": "yes"}, "progress is 'yes'"),
        ({"n": 0}, "n is 0"),
        ({"m": 1}, "Unknown parameter"),
    ],
)
def test_an_experiment_refuses_what_it_cannot_use_before_it_begins(arguments, message):
    with pytest.raises(InputError, match=message):
        find(**arguments)


def test_an_experiment_is_a_function_of_seed_progress_backend_and_its_parameters():
    assert list(inspect.signature(find).parameters) == ["seed", "progress", "backend", "given"]
    assert (find.__name__, find.__doc__) == ("find", "Find it.")


def test_a_panel_draws_lines_over_what_they_should_be():
    (ax,) = find(n=4).figure().axes
    assert [line.get_label() for line in ax.lines] == ["wanted", "found", "twice"]
    assert ax.lines[2].get_ydata().tolist() == [10.0] * 4
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Place", "Value")


def test_what_diverges_leaves_a_gap_in_a_panel():
    y = np.array([1.0, 5.0, np.inf])
    (ax,) = draw([Panel("x", "y", np.arange(3.0), {"": y}, top=2.0)]).axes
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1.0, np.nan, np.nan])


def test_several_seeds_are_a_mean_in_a_band():
    (ax,) = draw([Panel("x", "y", np.arange(2.0), {"": np.array([[1.0, 2.0], [3.0, 6.0]])})]).axes
    assert ax.lines[0].get_ydata().tolist() == [2.0, 4.0]
    assert len(ax.collections) == 1


def test_few_points_on_a_logarithmic_axis_are_marked_on_it():
    panel = Panel("x", "y", np.array([2.0, 6.0, 64.0]), {"": np.ones(3)}, xscale="log", at_x=[8.0])
    (ax,) = draw([panel]).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "6", "64"]
    assert ax.lines[1].get_xdata() == [8.0, 8.0]


def test_a_directory_of_its_own_is_named_after_model_and_experiment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command()
    command()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "toy-finding-1",
        "toy-finding-2",
    }


@pytest.mark.parametrize(
    ("option", "message"),
    [("--n=0", "n is 0"), ("--n=few", "--n is 'few'"), ("--rate=-1", r"rate is -1.0.*\(Hz\)")],
)
def test_bounds_are_those_of_the_declaration(option, message, tmp_path):
    with pytest.raises(InputError, match=message):
        command(option, f"--out={tmp_path}")


def test_the_help_says_what_each_parameter_is(capsys):
    with pytest.raises(SystemExit):
        command("--help")
    assert "of each; Hz, at least 0, default 5.0" in " ".join(capsys.readouterr().out.split())
