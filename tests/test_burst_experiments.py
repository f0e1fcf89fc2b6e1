"""`spikesim run burst EXPERIMENT`: what it writes, prints, refuses, and how it goes on."""

import errno
import re

import h5py
import pytest
from matplotlib.figure import Figure

from spikesim.cli import main
from spikesim.models.burst.spiking.experiments import EXPERIMENTS

# What makes each one tiny.
TINY = {
    "pairing": ["--realisations=2", "--duration=3000"],
    "learning-rule": [
        *("--n=3", "--in_degree=2", "--sources=50", "--exc_degree=20", "--dendritic_sources=20"),
        *("--bin=5.0", "--burn_in=2", "--block=1"),
    ],
    "propagation": ["--n=40", "--connectivity=5e-4", "--duration=150", "--burn_in=5"],
    "transfer": ["--n=10", "--n_interneurons=10", "--sources=40", "--step=4", "--window=2"],
    "exclusive-or": ["--n=4", "--duration=10", "--alpha=10", "--epochs=1"],
}


def run(name, directory, *more):
    options = ["--seed=1", "--no-progress", f"--out={directory}", *TINY[name], *more]
    return main(["run", "burst", name, *options])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_leaves_its_data_its_figure_and_its_table(name, tmp_path, capsys):
    assert run(name, tmp_path) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^quantity +ours +reference +bounds", printed, re.MULTILINE)
    table = (tmp_path / f"{name}.txt").read_text()
    assert table in printed
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    with h5py.File(tmp_path / f"{name}.h5") as file:
        assert file.attrs["spikesim_kind"]
    assert not (tmp_path / "voltages.h5").exists()


def test_exclusive_or_goes_on_from_its_checkpoint(tmp_path, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run("exclusive-or", whole, "--epochs=3") == 0
    assert run("exclusive-or", parts, "--epochs=1") == 0
    assert run("exclusive-or", parts, "--epochs=3") == 0
    assert (whole / "exclusive-or.txt").read_text() == (parts / "exclusive-or.txt").read_text()


def test_exclusive_or_does_not_go_on_with_another_network(tmp_path, capsys):
    assert run("exclusive-or", tmp_path) == 0
    assert run("exclusive-or", tmp_path, "--seed=2") == 2
    assert "another seed or other parameters" in capsys.readouterr().err


def test_no_experiment_is_overwritten(tmp_path, capsys):
    assert run("propagation", tmp_path) == 0
    before = (tmp_path / "propagation.h5").read_bytes()
    assert run("propagation", tmp_path) == 2
    assert "holds this experiment already" in capsys.readouterr().err
    assert (tmp_path / "propagation.h5").read_bytes() == before


def test_an_experiment_whose_picture_found_no_room_is_made_by_the_same_command(
    tmp_path, capsys, monkeypatch
):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", full)
        assert run("propagation", tmp_path) == 2
    assert "then run the same command" in capsys.readouterr().err
    before = (tmp_path / "propagation.h5").read_bytes()
    assert run("propagation", tmp_path) == 0
    assert (tmp_path / "propagation.h5").read_bytes() == before
    assert (tmp_path / "propagation.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["propagation", "--n=2"], "n is 2"),
        (["propagation", "--n=many"], "--n is 'many'"),
        (["pairing", "--realisations=1"], "realisations is 1"),
        (["exclusive-or", "--epochs=0"], "epochs is 0"),
        (["pairing", "--seed=-1"], "--seed is -1"),
    ],
)
def test_impossible_values_are_refused_in_one_line(arguments, message, tmp_path, capsys):
    assert main(["run", "burst", *arguments, f"--out={tmp_path}"]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_an_unknown_experiment_is_answered_with_all_there_are(capsys):
    assert main(["run", "burst", "pairings"]) == 2
    printed = capsys.readouterr().err
    assert all(name in printed for name in EXPERIMENTS)
