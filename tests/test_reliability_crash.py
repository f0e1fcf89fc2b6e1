"""What is on disk after a kill, on a full disk, and when two runs want one directory."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spikesim import FileError, pattern_runs
from spikesim.cli import main
from spikesim.io import runs
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.sweep import Sweep, sweep
from tests.reliability import crash

HOLDER = """
import sys
from pathlib import Path
from spikesim.io.runs import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
TINY = ["train", "burst", "--hidden=4", "--epochs=2", "--no-progress", "--backend=python"]
HIDDEN = ["train", "superspike", "--task=hidden", "--hidden=4", "--blocks=2", "--no-progress"]


@pytest.fixture
def holder(tmp_path):
    """A process that holds a directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def set_of(parameters, directory):
    """A set of a sweep that takes no time."""
    return {"value": parameters["x"]}


def test_a_directory_in_use_is_refused_with_the_process_that_holds_it(
    tmp_path, holder, monkeypatch
):
    monkeypatch.delattr(runs.time, "sleep")  # it waits for nobody
    wanted = f"in use by another run, process {holder.pid}"
    with pytest.raises(FileError, match=wanted) as caught, runs.hold(tmp_path):
        pass
    assert str(tmp_path) in str(caught.value)


def test_train_and_sweep_refuse_a_directory_in_use(tmp_path, holder, capsys):
    assert main([*TINY, f"--out={tmp_path}"]) == 2
    assert f"process {holder.pid}" in capsys.readouterr().err
    with pytest.raises(FileError, match=f"process {holder.pid}"):
        sweep(set_of, [{"x": 1}], tmp_path, executor="threads")
    assert not (tmp_path / "run.h5").exists()
    assert not (tmp_path / "sweep.h5").exists()


def test_resume_refuses_a_directory_in_use(tmp_path, holder, capsys):
    net = BurstEnsembleNetwork((64, 4, 10), backend="python")
    net.notes = {"dataset": "digits", "epochs": 1}
    net.save(tmp_path / "run.h5")
    assert main(["resume", str(tmp_path)]) == 2
    assert f"process {holder.pid}" in capsys.readouterr().err


def test_the_lock_of_a_killed_process_is_in_nobodys_way(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / runs.LOCK_FILE).exists()
    with runs.hold(tmp_path):
        assert (tmp_path / runs.LOCK_FILE).read_text() == str(os.getpid())
    assert not (tmp_path / runs.LOCK_FILE).exists()


def test_leftovers_of_killed_writes_are_removed_by_the_next_run(tmp_path):
    (tmp_path / "progress").mkdir()
    left = [tmp_path / "run.h5.0123abcd.part", tmp_path / "progress" / "b.h5.0123abcd.part"]
    kept = [tmp_path / "notes.part", tmp_path / "run.h5"]
    for path in (*left, *kept):
        path.write_text("half")
    with runs.hold(tmp_path):
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in kept)


def test_leftovers_in_a_folder_that_another_process_holds_stay(tmp_path):
    inner = tmp_path / "set-0000"
    inner.mkdir()
    (inner / "run.h5.0123abcd.part").write_text("half")
    with runs.hold(inner):
        (inner / "run.h5.0123abcd.part").write_text("half")
        with runs.hold(tmp_path):
            assert (inner / "run.h5.0123abcd.part").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    wanted = r"cannot be written: .*choose another"
    with pytest.raises(FileError, match=wanted) as caught, runs.hold(tmp_path / "file" / "below"):
        pass
    assert str(tmp_path / "file" / "below") in str(caught.value)


def test_a_picture_on_a_full_disk_is_named_in_one_line(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def full(self, path, dpi):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Figure, "savefig", full)
    pictures = runs.Pictures(tmp_path)
    with pytest.raises(FileError, match=r"No space left.*free some space") as caught:
        pictures.keep("a.png", Figure())
    assert str(tmp_path / "a.png") in str(caught.value)
    assert pictures.written == []


def test_a_sweep_on_a_full_disk_tells_what_failed_and_goes_on_later(tmp_path, monkeypatch):

    def full(path, *arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def train(parameters, directory):
        (directory / "result.txt").write_text("x")
        return {"value": 1.0}

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        result = sweep(train, [{"x": 1}], tmp_path, executor="threads")
    assert "No space left" in result.errors[0]
    assert sweep(train, [{"x": 1}], tmp_path, executor="threads").finished == [True]
    assert Sweep.load(tmp_path).finished == [True]


def test_a_test_that_a_kill_prevented_is_made_up_for(tmp_path, monkeypatch):
    assert main([*HIDDEN, f"--out={tmp_path / 'whole'}"]) == 0

    class Killed(BaseException):
        pass

    def killed(*arguments):
        raise Killed

    for at, (owner, name) in enumerate(
        ((SuperSpikeNetwork, "evaluate"), (pattern_runs, "write_results"))
    ):
        directory = tmp_path / str(at)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, killed)
            with pytest.raises(Killed):
                main([*HIDDEN, f"--out={directory}"])
        assert main(["resume", str(directory), "--no-progress"]) == 0
        assert crash.same(
            crash.content(directory / "run.h5"), crash.content(tmp_path / "whole" / "run.h5")
        )
        names = [
            sorted(p.name for p in each.rglob("*"))
            for each in (directory, directory.parent / "whole")
        ]
        assert names[0] == names[1]
        assert SuperSpikeNetwork.load(directory / "run.h5").notes["tested_at"] == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
@pytest.mark.parametrize("kind", ["burst", "network"])
def test_a_run_that_is_killed_ends_with_the_bits_of_one_that_was_not(kind, tmp_path):
    count = crash.attack(kind, 3, 1, tmp_path)
    assert count.kills == 3
    assert (count.corrupted, count.lost, count.failed, count.differing) == (0, 0, 0, 0)
