"""`spikesim train superspike`: what it writes, what it tells, and that nothing is lost."""

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from spikesim import pattern_runs
from spikesim.cli import main
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sonata import read_spikes

HIDDEN = ["train", "superspike", "--task", "hidden", "--hidden", "4", "--seed", "1"]


def state(directory):
    return SuperSpikeNetwork.load(directory / "run.h5").state()


def same(first, second):
    """Whether two nested dictionaries hold the same bits; times that things took do not count."""
    if isinstance(first, dict):
        keys = [key for key in first if key != "seconds"]
        return set(first) == set(second) and all(same(first[k], second[k]) for k in keys)
    return np.array_equal(first, second, equal_nan=isinstance(first, np.ndarray))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of four blocks."""
    directory = tmp_path_factory.mktemp("run") / "four"
    assert main([*HIDDEN, "--blocks", "4", "--out", str(directory)]) == 0
    return directory


def test_a_run_leaves_the_network_its_spikes_and_pictures(run):
    pictures = {"cost.png", "layers.png", "raster.png", "synapse.png"}
    assert {path.name for path in run.iterdir()} == pictures | {
        "progress",
        "run.h5",
        "spikes.h5",
        "voltages.h5",
    }
    for name in pictures:
        assert imread(run / name).std() > 0.05


def test_the_outputs_spikes_are_kept_in_the_course_of_training(run):
    kept = sorted((run / "progress").iterdir())
    assert [path.name for path in kept] == [f"block_0000{k}.h5" for k in (1, 2, 4)]
    net = SuperSpikeNetwork.load(run / "run.h5")
    times, ids = read_spikes(kept[-1])["output"]
    output = net.predict(net.shown[0])
    np.testing.assert_allclose(times, output.times)
    np.testing.assert_array_equal(ids, output.ids)


def test_a_run_that_was_interrupted_goes_on_where_it_was(run, tmp_path, monkeypatch, capsys):
    directory = tmp_path / "interrupted"
    fit = SuperSpikeNetwork.fit

    def interrupted(self, *arguments, **options):
        fit(self, *arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SuperSpikeNetwork, "fit", interrupted)
        arguments = [*HIDDEN, "--blocks", "4", "--out", str(directory)]
        assert main(arguments) == 130
    assert f"spikesim resume {directory}" in capsys.readouterr().err
    assert main(["resume", str(directory)]) == 0
    assert same(state(directory)["simulation"], state(run)["simulation"])


def test_a_finished_run_says_how_to_train_on(run, capsys):
    assert main(["resume", str(run)]) == 0
    assert "--blocks 24" in capsys.readouterr().out


def test_info_tells_task_time_and_result(run, capsys):
    assert main(["info", str(run)]) == 0
    told = capsys.readouterr().out
    for part in ("100-4-1", "hidden", "4 of 4", "25 s", "% of that of a silent network"):
        assert part in told


def test_weights_and_spikes_are_exported(run, capsys):
    assert main(["export", str(run), "--format", "npz"]) == 0
    assert main(["export", str(run), "--format", "csv"]) == 0
    weights = np.load(run / "weights.npz")
    net = SuperSpikeNetwork.load(run / "run.h5")
    np.testing.assert_array_equal(weights["W_1"], net.W[1])
    lines = (run / "spikes.csv").read_text().splitlines()
    assert lines[0] == "layer,neuron,time_ms"
    assert any(line.startswith("hidden_1,") for line in lines)


def test_a_picture_is_drawn_by_as_many_outputs_as_wanted(tmp_path):
    picture = tmp_path / "half.png"
    imsave(picture, np.tile(np.repeat([0.0, 1.0], 20), (4, 1)), cmap="gray")
    arguments = ["--picture", str(picture), "--outputs", "12", "--duration", "200"]
    out = ["--hidden", "10", "--blocks", "1", "--out", str(tmp_path / "run")]
    assert main(["train", "superspike", "--task", "picture", *arguments, *out]) == 0
    target = SuperSpikeNetwork.load(tmp_path / "run" / "run.h5").shown[1]
    assert (target.n, target.duration) == (12, 200.0)
    assert target.times.max() < 110.0


def test_spikes_are_learned_from_files(tmp_path):
    (tmp_path / "in.ras").write_text("0.01 0\n0.012 1\n0.013 2\n0.014 3\n")
    (tmp_path / "target.ras").write_text("0.0255 0\n")
    files = ["--input", str(tmp_path / "in.ras"), "--target", str(tmp_path / "target.ras")]
    out = ["--blocks", "1", "--out", str(tmp_path / "run"), "--duration", "100"]
    assert main(["train", "superspike", "--task", "files", *files, *out, "--hidden", "0"]) == 0
    net = SuperSpikeNetwork.load(tmp_path / "run" / "run.h5")
    assert net.sizes == (4, 1)
    assert (net.W[0] != SuperSpikeNetwork((4, 1)).W[0]).any()


def test_the_exclusive_or_is_tested_on_trials_that_were_never_trained_on(tmp_path, monkeypatch):
    monkeypatch.setattr(pattern_runs, "TESTS", 2)
    directory = tmp_path / "xor"
    arguments = ["--task", "xor", "--blocks", "2", "--out", str(directory)]
    assert main(["train", "superspike", *arguments]) == 0
    net = SuperSpikeNetwork.load(directory / "run.h5")
    assert net.notes["tested_at"] == [1, 2]
    assert all(0.0 <= wrong <= 100.0 for wrong in net.notes["tested"])
    assert imread(directory / "learning_curve.png").std() > 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "drawing"], "drawing"),
        (["--blocks", "0"], "--blocks is 0"),
        (["--decay", "-1"], "--decay is -1"),
        (["--hidden", "many"], "--hidden is 'many'"),
        (["--task", "hidden", "--text", "a"], "--text is for --task picture"),
        (["--task", "xor", "--duration", "100"], "--duration is for --task picture or files"),
        (["--task", "files", "--input", "a.ras"], "needs --input, --target and --duration"),
        (["--text", "a", "--picture", "b.png"], "one picture at a time"),
        (["--picture", "no.png"], "no.png"),
        (["--outputs", "0"], "n is 0"),
        (["--feedback=symetric"], "Did you mean 'symmetric'?"),
        (["--tau_mem=fast"], "--tau_mem is 'fast'"),
        (["--delay=0.25"], "delay is 0.25 ms"),
        (["--seed", "-1"], "--seed is -1"),
    ],
)
def test_a_bad_command_line_gets_one_clear_line(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "superspike", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert list(tmp_path.iterdir()) == []


def test_options_of_other_models_are_refused_when_resuming(run, tmp_path, capsys):
    assert main(["resume", str(run), "--epochs", "3"]) == 2
    assert "this run has --blocks" in capsys.readouterr().err
    SegregatedDendriteNetwork((4, 2)).save(tmp_path / "run.h5")
    assert main(["resume", str(tmp_path), "--blocks", "3"]) == 2
    assert "this run has --epochs" in capsys.readouterr().err
