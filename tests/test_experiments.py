"""The frame of published experiments: results in files and tables, parameters, the command line."""

from __future__ import annotations

import argparse
from typing import NamedTuple

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pytest

from spikesim import FileError, InputError
from spikesim.comparison import Comparison
from spikesim.experiments import (
    Experiment,
    ExperimentParameters,
    Result,
    add_run_arguments,
    run,
    save_result,
)
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

    def figure(self):
        return plt.figure()


def find(seed=0, progress=False, backend="cpu", **sizes):
    p = Sizes.of(**sizes)
    return Found(seed, p, Curve(np.full(p.n, p.rate)))


EXPERIMENTS = {"finding": Experiment("find something", find, Sizes.declarations())}


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
