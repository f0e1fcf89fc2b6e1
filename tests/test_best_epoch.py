"""`fit(keep_best=True)`: the weights of the best epoch, and learning that goes on from the last."""

import signal

import h5py
import numpy as np
import pytest

from spikesim import InputError, Replicas
from spikesim.cli import main
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork

CHANCE = np.random.default_rng(5)
IMAGES, LABELS = CHANCE.random((12, 6)), CHANCE.integers(0, 3, 12)
VALIDATION = (IMAGES, LABELS)
ERRORS = [60.0, 40.0, 50.0, 40.0, 70.0, 30.0]

MAKE = {
    "burst": lambda: BurstEnsembleNetwork((6, 5, 3), backend="python"),
    "segregated": lambda: SegregatedDendriteNetwork((6, 5, 3), backend="python", spiking=False),
    "burstprop": lambda: BurstpropNetwork((6, 5, 3), batch=4),
}


@pytest.fixture(params=MAKE)
def make(request, monkeypatch):
    """A function that makes networks, whose validation errors are ERRORS."""

    def evaluate(self, images, labels, progress=False):
        return ERRORS[self.epoch]

    kind = type(MAKE[request.param]())
    monkeypatch.setattr(kind, "evaluate", evaluate)
    return MAKE[request.param]


def load(path, net):
    options = {} if isinstance(net, BurstpropNetwork) else {"backend": "python"}
    return type(net).load(path, **options)


def weights(net):
    return [np.array(array) for name in net.WEIGHTS for array in getattr(net, name)]


def after_epochs(make, count):
    """Weights after each epoch of learning that keeps nothing."""
    net, found = make(), []
    for _ in range(count):
        net.fit(IMAGES, LABELS)
        found.append(weights(net))
    return found


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_earliest_of_the_best_epochs_is_kept_and_marked(make):
    net, expected = make(), after_epochs(make, 5)
    assert not same(expected[1], expected[4])
    history = net.fit(IMAGES, LABELS, 5, validation=VALIDATION, keep_best=True)
    assert history["best_epoch"] == [1, 2, 2, 2, 2]
    assert same(weights(net), expected[1])


def test_without_it_the_weights_are_those_of_the_last_epoch(make):
    net, expected = make(), after_epochs(make, 5)
    history = net.fit(IMAGES, LABELS, 5, validation=VALIDATION)
    assert "best_epoch" not in history
    assert same(weights(net), expected[4])


@pytest.mark.parametrize("through_a_file", [False, True])
def test_learning_goes_on_from_the_last_epoch_and_keeps_its_best(make, through_a_file, tmp_path):
    whole, net, expected = make(), make(), after_epochs(make, 6)
    whole.fit(IMAGES, LABELS, 6, validation=VALIDATION, keep_best=True)
    for epochs in (1, 3, 1, 1):
        net.fit(IMAGES, LABELS, epochs, validation=VALIDATION, keep_best=True)
        if through_a_file:
            net.save(tmp_path / "net.h5")
            again = load(tmp_path / "net.h5", net)
            assert same(weights(again), weights(net))
            net = again
        assert same(weights(net), expected[[None, 0, 1, 1, 1, 1, 5][net.epoch]])
    assert same(weights(net), weights(whole))
    assert net.history["best_epoch"] == whole.history["best_epoch"] == [1, 2, 2, 2, 2, 6]
    whole.fit(IMAGES, LABELS)
    net.fit(IMAGES, LABELS)
    assert same(weights(net), weights(whole))
    assert same(weights(net), after_epochs(make, 7)[6])


@pytest.mark.parametrize("epoch", range(5))
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_best(make, epoch, tmp_path):
    path = tmp_path / "net.h5"
    whole, net = make(), make()
    options = {"validation": VALIDATION, "keep_best": True, "checkpoint": path}
    whole.fit(IMAGES, LABELS, 5, **{**options, "checkpoint": None})

    def stop(done, total):
        if done == 12 * (epoch + 1):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        net.fit(IMAGES, LABELS, 5, progress=stop, **options)
    resumed = load(path, net)
    resumed.fit(IMAGES, LABELS, 5 - resumed.epoch, **options)
    loaded = load(path, net)
    for each in (resumed, loaded):
        assert same(weights(each), weights(whole))
        assert each.history["best_epoch"] == [1, 2, 2, 2, 2]


def test_epochs_that_are_not_tested_are_not_kept(make):
    net, expected = make(), after_epochs(make, 5)
    net.fit(IMAGES, LABELS, 5, validation=VALIDATION, validate_every=3, keep_best=True)
    assert net.history["best_epoch"] == [None, None, 3, 3, 3]
    assert same(weights(net), expected[2])


def test_weights_that_are_set_afterwards_are_gone_on_with(make, tmp_path):
    net = make()
    net.fit(IMAGES, LABELS, 3, validation=VALIDATION, keep_best=True)
    net.W[0] = np.full((6, 5), 0.25)
    net.save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "a") as file:
        del file["network/latest"]  # so that there is nothing to go back to
    other = load(tmp_path / "net.h5", net)
    net.fit(IMAGES, LABELS)
    other.fit(IMAGES, LABELS)
    assert same(weights(net), weights(other))


def test_epochs_are_whole_numbers_after_loading(make, tmp_path):
    net = make()
    net.fit(IMAGES, LABELS, 3, validation=VALIDATION, keep_best=True)
    net.save(tmp_path / "net.h5")
    history = load(tmp_path / "net.h5", net).history
    for name, column in net.history.items():
        assert [type(value) for value in history[name]] == [type(value) for value in column]
        np.testing.assert_array_equal(history[name], column)


def test_epochs_of_a_file_that_holds_floats_are_whole_numbers_too(make, tmp_path):
    net = make()
    net.fit(IMAGES, LABELS, 2)
    net.history["epoch"] = [1.0, 2.0]
    net.save(tmp_path / "net.h5")
    assert [repr(epoch) for epoch in load(tmp_path / "net.h5", net).history["epoch"]] == ["1", "2"]


def test_it_needs_a_validation(make):
    with pytest.raises(InputError, match="keep_best is True, but there is no validation"):
        make().fit(IMAGES, LABELS, keep_best=True)


def test_replicas_keep_the_best_of_each():
    nets = Replicas.of(BurstEnsembleNetwork, (6, 5, 3), seed=[1, 2], backend="python")
    history = nets.fit(IMAGES, LABELS, 4, validation=VALIDATION, keep_best=True)
    earliest = history["test_error"].argmin(axis=1) + 1
    assert history["best_epoch"][:, -1].tolist() == earliest.tolist()


def test_the_command_keeps_the_best_and_info_shows_it(tmp_path, capsys):
    out = tmp_path / "run"
    options = ["--hidden=4", "--epochs=3", "--no-progress", "--backend=python", "--keep-best"]
    assert main(["train", "burst", *options, "--alpha=2", f"--out={out}"]) == 0
    told = capsys.readouterr().out
    net = BurstEnsembleNetwork.load(out / "run.h5")
    best = net.history["best_epoch"][-1]
    errors = net.history["test_error"]
    assert best == int(np.argmin(errors)) + 1
    assert f"Test error {errors[best - 1]:.2f} %" in told
    assert f"in epoch {best}, the best" in told
    assert main(["info", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"best         {errors[best - 1]:.2f} % after epoch {best}\n" in told
    assert f"test error   {errors[-1]:.2f} % after epoch 3\n" in told
    assert main(["resume", str(out), "--epochs=4", "--no-progress"]) == 0
    assert len(BurstEnsembleNetwork.load(out / "run.h5").history["best_epoch"]) == 4
