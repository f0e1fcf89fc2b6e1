"""`spikesim sweep`: its sets, what it writes, how it goes on, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.image import imread

from spikesim.cli import main
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sweep import Sweep

TINY = ["--hidden=4", "--epochs=1", "--no-progress"]
TWO = [*TINY, "--grid=alpha_Z=0,1e-3", "--seeds=2", "--threads"]


def pretend(self, *arguments, checkpoint, **options):
    """In place of `fit`, where it matters only what would be trained."""
    self._at_epoch = self.notes["epochs"]
    self.history["test_error"] = self.history["training_error"] = [50.0]
    self.save(checkpoint)


def run(directory, *options, model="burst"):
    return main(["sweep", model, *options, f"--out={directory}"])


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of two values and two seeds."""
    directory = tmp_path_factory.mktemp("sweep") / "two"
    assert run(directory, *TWO) == 0
    return directory


def test_a_sweep_leaves_a_table_a_figure_and_a_folder_per_set(swept):
    names = {"sweep.h5", "sweep.png", "sweep.txt", *(f"set-000{k}" for k in range(4))}
    assert {path.name for path in swept.iterdir()} == names
    assert imread(swept / "sweep.png").std() > 0.05
    result = Sweep.load(swept)
    assert result.varied == ["alpha_Z"]
    assert result.parameters["seed"].tolist() == [0, 1, 0, 1]
    assert result.values["test_errors"].shape == (4, 1)
    lines = (swept / "sweep.txt").read_text().splitlines()
    assert lines[0].split() == ["alpha_Z", "test_error", "seeds"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "0.001"]


def test_a_set_is_the_run_that_train_would_make(swept, tmp_path):
    options = ["--alpha_Z=1e-3", "--seed=1", f"--out={tmp_path / 'run'}"]
    assert main(["train", "burst", *TINY, *options]) == 0
    alone, in_sweep = (
        BurstEnsembleNetwork.load(path / "run.h5")
        for path in (tmp_path / "run", swept / "set-0003")
    )
    np.testing.assert_array_equal(alone.W[0], in_sweep.W[0])
    assert alone.parameters == in_sweep.parameters
    assert alone.history["test_error"] == in_sweep.history["test_error"]


def test_a_set_can_be_looked_at_drawn_and_trained_on(swept, tmp_path, capsys):
    directory = tmp_path / "set"
    shutil.copytree(swept / "set-0002", directory)
    assert main(["info", str(directory)]) == 0
    assert "1 of 1" in capsys.readouterr().out
    assert main(["plot", str(directory)]) == 0
    assert main(["resume", str(directory), "--epochs", "2", "--no-progress"]) == 0


def test_the_same_again_trains_nothing_and_tells_the_same(swept, capsys, monkeypatch):
    monkeypatch.setattr(BurstEnsembleNetwork, "fit", None)
    table = (swept / "sweep.txt").read_text()
    assert run(swept, *TWO) == 0
    assert table in capsys.readouterr().out


def test_a_stopped_set_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    options = ["--hidden=4", "--seeds=2", "--threads", "--workers=1", "--epochs=2"]
    assert run(tmp_path / "whole", *options) == 0
    measures = BurstEnsembleNetwork.measures
    trained = []

    def measure_and_stop(self):
        trained.append((self.seed, self.epoch))  # at the end of an epoch
        if len(trained) == 4:
            raise KeyboardInterrupt
        return measures(self)

    with monkeypatch.context() as patch:
        patch.setattr(BurstEnsembleNetwork, "measures", measure_and_stop)
        assert run(tmp_path / "parts", *options) != 0
        assert run(tmp_path / "parts", *options) == 0
    assert trained == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 1)]
    whole, parts = (Sweep.load(tmp_path / name).values for name in ("whole", "parts"))
    np.testing.assert_array_equal(whole["test_error"], parts["test_error"])


def test_a_failing_set_is_listed_and_the_status_tells(tmp_path, capsys, monkeypatch):
    fit = BurstEnsembleNetwork.fit

    def failing(self, *arguments, **options):
        if self.seed == 1:
            raise RuntimeError("no luck")
        return fit(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(BurstEnsembleNetwork, "fit", failing)
        assert run(tmp_path, *TINY, "--seeds=2", "--threads") == 1
    told = capsys.readouterr()
    assert "set-0001 (seed=1): RuntimeError: no luck" in told.err
    assert "1 of 2" in told.out
    assert run(tmp_path, *TINY, "--seeds=2", "--threads") == 0


def test_if_all_sets_fail_there_is_no_table(tmp_path, monkeypatch):
    monkeypatch.setattr(BurstEnsembleNetwork, "fit", None)
    assert run(tmp_path, *TINY, "--seeds=2", "--threads") == 1
    assert not (tmp_path / "sweep.png").exists()


def test_processes_are_the_default(swept, tmp_path):
    options = [option for option in TWO if option != "--threads"]
    assert run(tmp_path, *options, "--workers=1") == 0
    assert (tmp_path / "sweep.txt").read_text() == (swept / "sweep.txt").read_text()


def test_sets_come_from_a_json_list(tmp_path, monkeypatch):
    monkeypatch.setattr(BurstEnsembleNetwork, "fit", pretend)
    sets = [
        {"hidden": [4, 3], "sst": "h", "clip_Z": True, "seed": 3},
        {"hidden": 0, "sst": "beta", "clip_Z": False, "seed": 3},
    ]
    (tmp_path / "sets.json").write_text(json.dumps(sets))
    options = ["--epochs=1", "--threads", f"--list={tmp_path / 'sets.json'}"]
    assert run(tmp_path / "sweep", *options) == 0
    nets = [
        BurstEnsembleNetwork.load(tmp_path / "sweep" / f"set-000{k}" / "run.h5") for k in range(2)
    ]
    assert [net.sizes for net in nets] == [(64, 4, 3, 10), (64, 10)]
    assert [net.parameters.clip_Z for net in nets] == [True, False]
    assert [net.seed for net in nets] == [3, 3]
    assert (tmp_path / "sweep" / "sweep.png").is_file()


def test_sets_come_from_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(BurstEnsembleNetwork, "fit", pretend)
    (tmp_path / "sets.csv").write_text("Z_range, epochs\n0.01, 1\n0.3, 2\n")
    options = ["--hidden=4", "--threads", f"--list={tmp_path / 'sets.csv'}"]
    assert run(tmp_path / "sweep", *options) == 0
    result = Sweep.load(tmp_path / "sweep")
    assert result.parameters["epochs"].tolist() == [1, 2]
    assert result.parameters["Z_range"].tolist() == [0.01, 0.3]


def test_segregated_dendrites_are_swept(tmp_path):
    options = [*TINY, "--grid=spiking=false", "--grid=eta=0.1,0.2", "--threads", "--workers=1"]
    assert run(tmp_path, *options, model="segregated") == 0
    assert Sweep.load(tmp_path).varied == ["eta"]


def test_superspike_is_swept(tmp_path):
    options = ["--task=hidden", "--grid=hidden=2,4", "--blocks=1", "--threads", "--workers=1"]
    assert run(tmp_path, *options, model="superspike") == 0
    result = Sweep.load(tmp_path)
    assert (result.values["test_error"] > 0.0).all()
    net = SuperSpikeNetwork.load(tmp_path / "set-0001" / "run.h5")
    assert net.sizes == (100, 4, 1)
    assert main(["info", str(tmp_path / "set-0001")]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Nothing varies"),
        (["--grid=alphaZ=1"], "Did you mean 'alpha_Z'?"),
        (["--grid=dataset=mnist"], "Unknown parameter 'dataset'"),
        (["--grid=alpha_Z"], "--grid is 'alpha_Z'; it has to be like NAME=V1,V2,..."),
        (["--grid=alpha_Z=1,,2"], "--grid is 'alpha_Z=1,,2'"),
        (["--grid=alpha_Z=fast"], "--alpha_Z is 'fast'"),
        (["--grid=alpha_Z=0,-1"], "alpha_Z is -1.0"),
        (["--grid=alpha_Z=0,0.0"], "sets[1] is the same as sets[0]"),
        (["--grid=alpha_Z=0", "--grid=alpha_Z=1"], "--grid has alpha_Z twice"),
        (["--grid=alpha_Z=0", "--alpha_Z=1"], "--alpha_Z is given, but differs between sets"),
        (["--grid=epochs=1.5"], "--epochs is '1.5'"),
        (["--grid=epochs=0"], "--epochs is 0"),
        (["--grid=hidden=-1"], "--hidden is -1"),
        (["--grid=sst=h", "--list=no.json"], "--list and --grid are both given"),
        (["--list=no.json"], "no.json cannot be read: No such file"),
        (["--seeds=0"], "--seeds is 0"),
        (["--seeds=2", "--grid=seed=1,2"], "leave one of them out"),
        (["--seeds=2", "--workers=0"], "--workers is 0"),
    ],
)
def test_a_bad_command_line_gets_one_clear_line(options, message, tmp_path, capsys):
    assert run(tmp_path / "new", *options) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sets.json", "[{]", "is not JSON"),
        ("sets.json", "[]", "has to hold a list of objects"),
        ("sets.json", '{"sst": "h"}', "has to hold a list of objects"),
        ("sets.json", '[{"sst": "h"}, {"steps": 10}]', "all sets need the same names"),
        ("sets.json", '[{"sst": {"a": 1}}]', "it has to be a value, or a list of numbers"),
        ("sets.csv", "sst\n", "at least one of values"),
        ("sets.csv", "sst,steps\nh\n", "1 values for 2 names"),
        ("sets.csv", "sst,ssd\nh,1\n", "Did you mean 'sst'?"),
    ],
)
def test_a_bad_list_gets_one_clear_line(name, text, message, tmp_path, capsys):
    (tmp_path / name).write_text(text)
    assert run(tmp_path / "new", f"--list={tmp_path / name}") == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("more", [["--seeds=3"], ["--dtype=float64"], ["--epochs=2"]])
def test_a_directory_with_another_sweep_is_refused(swept, more, capsys):
    before = (swept / "sweep.h5").read_bytes()
    assert run(swept, *TWO, *more) == 2
    assert "holds a sweep of other sets" in capsys.readouterr().err
    assert (swept / "sweep.h5").read_bytes() == before


def test_a_directory_with_a_run_is_refused(swept, capsys):
    assert run(swept / "set-0000", *TWO) == 2
    assert "holds a run already" in capsys.readouterr().err
