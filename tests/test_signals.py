"""Ctrl-C, and SIGTERM as a scheduler sends it: work stops where nothing is lost, and says so."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from spikesim import LIF, Network, Replicas, progress
from spikesim.cli import main
from spikesim.errors import FileError
from spikesim.models.burst import BurstEnsembleNetwork
from spikesim.progress import Terminated
from tests.reliability import crash
from tests.waiting import HANG, send_when, wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")

ENDLESS = {
    "burst": ("train", "burst", "--hidden=4", "--epochs=1000000", "--backend=python"),
    "superspike": ("train", "superspike", "--task=hidden", "--hidden=4", "--blocks=1000000"),
}


def network(backend="python"):
    net = Network(dt=1.0, seed=1, backend=backend)
    net.add_population("cells", 3, LIF)
    return net


def begin(words, out, **options):
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "spikesim", *words, f"--out={out}"],
        cwd=crash.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def far(path):
    """How far the run of a checkpoint is; -1 if there is none yet."""
    try:
        found = crash.content(path)
    except (FileNotFoundError, FileError):
        return -1
    return max(float(v.item()) for k, v in found.items() if k.endswith(("@epoch", "@block")))


def ends(process):
    """The exit status and what was said on stderr, but for compilation."""
    said = process.communicate(timeout=HANG)[1].splitlines()
    return process.returncode, [line for line in said if line and "Compiling" not in line]


@pytest.mark.parametrize("model", ENDLESS)
def test_a_command_saves_on_sigterm_and_ends_as_one_that_was_terminated(model, tmp_path):
    path = tmp_path / "run.h5"
    process = begin(ENDLESS[model], tmp_path)
    wait_until(lambda: path.exists() or process.poll() is not None)
    process.terminate()
    status, said = ends(process)
    assert (status, said[-1]) == (143, "Terminated."), said
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert f"Continue with: spikesim resume {tmp_path}" in said[-2]


def test_an_experiment_ends_on_sigterm_and_lets_go_of_its_directory(tmp_path):
    process = begin(("run", "burst", "exclusive-or", "--epochs=1000000"), tmp_path)
    wait_until(lambda: (tmp_path / "run.lock").exists() or process.poll() is not None)
    process.terminate()
    status, said = ends(process)
    assert (status, said[-1]) == (143, "Terminated."), said
    assert not list(tmp_path.iterdir())


def test_a_command_that_was_terminated_is_resumed(tmp_path):
    process = begin(ENDLESS["burst"], tmp_path)
    wait_until(lambda: far(tmp_path / "run.h5") >= 1 or process.poll() is not None)
    process.terminate()
    assert ends(process)[0] == 143
    epochs = int(far(tmp_path / "run.h5")) + 1
    assert main(["resume", str(tmp_path), f"--epochs={epochs}", "--no-progress"]) == 0
    net = BurstEnsembleNetwork.load(tmp_path / "run.h5")
    assert net.history["epoch"] == list(range(1, epochs + 1))


def test_where_ctrl_c_is_ignored_a_command_says_so_once_and_stops_on_sigterm(tmp_path):
    process = begin(
        ENDLESS["burst"], tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    )
    wait_until(lambda: far(tmp_path / "run.h5") >= 1 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    before = far(tmp_path / "run.h5")
    wait_until(lambda: far(tmp_path / "run.h5") > before + 1 or process.poll() is not None)
    process.terminate()
    status, said = ends(process)
    assert status == 143
    assert [line for line in said if "Ctrl-C" in line] == [
        "Ctrl-C is ignored here, as in everything started with '&' or nohup; "
        f"'kill {process.pid}' stops it as Ctrl-C would."
    ]


def test_where_ctrl_c_is_ignored_a_run_leaves_it_so_and_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "announced", set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    net = network()
    net.run(3.0, progress=lambda done, total: signal.raise_signal(signal.SIGINT))
    assert net.step == 3
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert capsys.readouterr().err == ""


def test_a_bar_says_once_that_ctrl_c_is_ignored(monkeypatch, capsys):
    monkeypatch.setattr(progress, "announced", set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    net = network()
    for _ in range(2):
        net.run(3.0, progress=True)
    assert capsys.readouterr().err.count("Ctrl-C is ignored") == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_at_a_step_and_its_handler_is_as_before(signum):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert before == [signal.default_int_handler, signal.SIG_DFL]
    net, whole = network(), network()
    with pytest.raises(KeyboardInterrupt) as stopped:
        net.run(1e9, progress=lambda done, total: signal.raise_signal(signum))
    assert (stopped.type is Terminated) == (signum == signal.SIGTERM)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    whole.run_steps(net.step)
    assert net.populations["cells"].v.tobytes() == whole.populations["cells"].v.tobytes()


def test_a_handler_of_the_users_is_called_and_the_run_goes_on():
    called = []

    def mine(signum, frame):
        called.append(signum)

    signal.signal(signal.SIGTERM, mine)
    net = network()
    net.run(3.0, progress=lambda done, total: signal.raise_signal(signal.SIGTERM))
    assert (net.step, called) == (3, [signal.SIGTERM])
    assert main(["info", "no/such/run"]) == 2
    assert signal.getsignal(signal.SIGTERM) is mine


def test_a_run_in_another_thread_leaves_signals_alone():
    seen = []
    thread = threading.Thread(
        target=lambda: network().run(
            3.0, progress=lambda *_: seen.append(signal.getsignal(signal.SIGTERM))
        )
    )
    thread.start()
    thread.join()
    assert set(seen) == {signal.SIG_DFL}


def test_a_second_sigterm_does_not_disturb_what_the_first_one_stops(monkeypatch, tmp_path):
    net = BurstEnsembleNetwork((4, 3, 2), backend="python")
    path = tmp_path / "net.h5"
    save = BurstEnsembleNetwork.save

    def disturbed(net, path):
        signal.raise_signal(signal.SIGTERM)
        save(net, path)

    monkeypatch.setattr(BurstEnsembleNetwork, "save", disturbed)
    with pytest.raises(Terminated):
        net.fit([[0.5] * 4] * 3, [0, 1, 0], epochs=5, checkpoint=path)
    assert BurstEnsembleNetwork.load(path, backend="python").example > 0


def test_sigterm_in_the_last_epoch_is_not_lost(monkeypatch):
    net = BurstEnsembleNetwork((4, 3, 2), backend="python")
    ended = lambda *_: signal.raise_signal(signal.SIGTERM) or 50.0  # noqa: E731
    monkeypatch.setattr(BurstEnsembleNetwork, "evaluate", ended)
    images, labels = [[0.5] * 4] * 3, [0, 1, 0]
    with pytest.raises(Terminated):
        net.fit(images, labels, validation=(images, labels))
    assert net.history["test_error"] == [50.0]


def test_sigterm_stops_replicas():
    nets = Replicas.of(Network, seed=[1, 2], threads=2)
    nets.each(lambda net: net.add_population("cells", 5, LIF))
    send_when(lambda: (nets.step > 0).any(), signal.SIGTERM)
    with pytest.raises(Terminated):
        nets.run(1e12)
