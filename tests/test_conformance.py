"""What every model of `spikesim.learning` has to do, found in the registry: nothing is listed here.

Options that make a model small for these tests stand in `SMALL`; those that vary, in `VARIANTS`.
"""

import inspect
import os
import pickle
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from spikesim import FileError, InputError, Replicas
from spikesim.cli import main
from spikesim.image_runs import model_class
from spikesim.models import MODELS

WING = {name: each.where for name, each in MODELS.items() if ":" in each.where}
SMALL = {
    "segregated": {"phase": 9, "window": 3, "test_phase": 10, "test_window": 4, "memory": 4},
}
VARIANTS = {
    "burst": [
        {"form": "july_2018", "alpha_Z": 0.01, "measure_angle": True},
        {"mirror": 1.0, "forgetting": 0.01, "decay": 0.5},
        {"sst": "none", "apical_gate": True},
        {"backpropagation": True},
    ],
    "feedback-alignment": [
        {"batch": 4, "optimizer": "adam", "measure_angle": True},
        {"feedback": "mirror", "mirror_before": 2, "batch": 3},
        {"feedback": "sign_redrawn", "optimizer": "momentum"},
        {"feedback": "kolen_pollack", "sparse": 0.3},
    ],
    "segregated": [
        {"symmetric": True, "symmetric_noise": 0.05, "measure_angle": True},
        {"plateau_jitter": 1.0, "feedback_learning": True, "eta_Y": 0.1, "phase": 14},
        {"spiking": False, "measure_inverse": True},
        {"memory": None, "g_A": 0.05},
    ],
}
CASES = [(name, options) for name in WING for options in ({}, *VARIANTS.get(name, []))]
CHANCE = np.random.default_rng(3)
IMAGES = (CHANCE.random((10, 6)) * (CHANCE.random((10, 6)) > 0.3) * 255).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 10)
HELD_OUT = (IMAGES[:4], LABELS[:4])


def build(name, seed=5, **options):
    given = {"backend": "python", **SMALL.get(name, {}), **options}
    return model_class(WING[name])((6, 5, 3), seed=seed, **given)


def weights(net):
    return [np.array(array) for name in net.WEIGHTS for array in getattr(net, name)]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def without_seconds(net):
    return {key: values for key, values in net.history.items() if key != "seconds"}


@pytest.fixture(params=CASES, ids=str)
def make(request):
    name, options = request.param
    return lambda **more: build(name, **{**options, **more})


def test_learning_that_was_saved_goes_on_as_if_never_stopped(make, tmp_path):
    whole, first = make(), make()
    whole.fit(IMAGES, LABELS, epochs=3, validation=HELD_OUT)
    first.fit(IMAGES, LABELS, epochs=1, validation=HELD_OUT)
    first.save(tmp_path / "net.h5")
    second = type(first).load(tmp_path / "net.h5", backend="python")
    second.fit(IMAGES, LABELS, epochs=2, validation=HELD_OUT)
    assert_same(weights(second), weights(whole))
    np.testing.assert_equal(without_seconds(second), without_seconds(whole))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_whole_and_nothing_is_lost(make, signum, tmp_path, monkeypatch):
    def block(self):
        return getattr(self.parameters, "batch", 1)

    monkeypatch.setattr(type(make()), "block", block)
    whole, stopped = make(), make()
    whole.fit(IMAGES, LABELS, epochs=2)

    def press(done, total):
        if done >= len(IMAGES) // 2:
            os.kill(os.getpid(), signum)

    with pytest.raises(KeyboardInterrupt):
        stopped.fit(IMAGES, LABELS, 2, progress=press, checkpoint=tmp_path / "net.h5")
    resumed = type(stopped).load(tmp_path / "net.h5", backend="python")
    assert 0 < resumed.example < len(IMAGES)
    resumed.fit(IMAGES, LABELS, epochs=2 - resumed.epoch)
    assert_same(weights(resumed), weights(whole))


def test_tests_recordings_and_measures_leave_training_alone(make):
    disturbed, left = make(), make()
    for net in (disturbed, left):
        net.fit(IMAGES, LABELS)
        if net is disturbed:
            net.evaluate(*HELD_OUT)
            net.record(IMAGES[0], 1)
            net.update(*HELD_OUT)
            net.gradient(*HELD_OUT)
        net.fit(IMAGES, LABELS)
    assert_same(weights(disturbed), weights(left))


def test_the_answer_is_the_same_when_asked_again(make):
    net = make()
    np.testing.assert_array_equal(net.predict(IMAGES), net.predict(IMAGES))


def test_replicas_learn_as_one_after_another(make):
    alone = [make(seed=seed) for seed in (1, 2)]
    together = Replicas([make(seed=seed) for seed in (1, 2)])
    together.fit(IMAGES, LABELS)
    for one, other in zip(alone, together, strict=True):
        one.fit(IMAGES, LABELS)
        assert_same(weights(one), weights(other))


def test_plain_python_and_the_compilers_leave_the_same_bits(make):
    plain = make()
    plain.fit(IMAGES, LABELS, epochs=2)
    for backend in ("cpu", "threads:2"):
        compiled = make(backend=backend)
        compiled.fit(IMAGES, LABELS, epochs=2)
        assert_same(weights(compiled), weights(plain))
        np.testing.assert_array_equal(compiled.predict(IMAGES), plain.predict(IMAGES))


def test_a_copy_goes_on_as_the_original(make):
    net = make()
    net.fit(IMAGES, LABELS)
    copy = pickle.loads(pickle.dumps(net))
    for each in (net, copy):
        each.fit(IMAGES, LABELS)
    assert_same(weights(net), weights(copy))


def test_images_may_be_whole_numbers_or_fractions(make):
    whole, real = make(dtype="float64"), make(dtype="float64")
    whole.fit(IMAGES, LABELS)
    real.fit(IMAGES / 255.0, LABELS)
    for one, other in zip(weights(whole), weights(real), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_update_has_the_shapes_of_the_weights_and_one_delta_for_each_example(make):
    net = make()
    for found in (net.update(*HELD_OUT), net.gradient(*HELD_OUT)):
        assert [a.shape for a in found.dW] == [a.shape for a in net.W]
        assert [a.shape for a in found.db] == [a.shape for a in net.b]
        assert [len(a) for a in found.delta] == [4, 4]


def test_explain_names_every_body_and_the_arrays_that_it_sees(make, capsys):
    make().explain()
    printed = capsys.readouterr().out
    assert "output.W" in printed
    assert "(5, 3)" in printed


@pytest.mark.parametrize("name", WING)
def test_every_declared_bound_is_refused_by_its_name(name):
    for parameter, declared in build(name).Parameters.declarations().items():
        for value in declared.impossible():
            with pytest.raises(InputError, match=rf"^{parameter}\b"):
                build(name, **{parameter: value})


@pytest.mark.parametrize("name", WING)
def test_an_unknown_parameter_is_answered_with_the_nearest(name):
    known = next(iter(build(name).Parameters.declarations()))
    with pytest.raises(InputError, match=f"Unknown parameter.*Did you mean '{known}'"):
        build(name, **{f"{known}x": 1.0})


@pytest.mark.parametrize("name", WING)
def test_the_registry_calls_it_as_it_calls_itself(name):
    kind = model_class(WING[name])
    assert (name, MODELS[name].title) == (kind.KIND, kind.TITLE)


@pytest.mark.parametrize("name", WING)
def test_every_parameter_says_what_it_is(name):
    for parameter, declared in build(name).Parameters.declarations().items():
        assert declared.about or declared.choices, parameter


@pytest.mark.parametrize("name", WING)
def test_a_file_of_another_model_is_refused(name, tmp_path):
    build(name).save(tmp_path / "net.h5")

    class Another(model_class(WING[name])):
        pass

    with pytest.raises(FileError, match="not a Another file"):
        Another.load(tmp_path / "net.h5")


@pytest.mark.parametrize("name", WING)
def test_learning_stops_early_follows_a_schedule_and_tells_after_each_epoch(name):
    net, seen = build(name), []
    net.fit(IMAGES, LABELS, 3, callback=lambda net: seen.append(net.epoch))
    assert seen == [1, 2, 3]
    net.fit(IMAGES, LABELS, 5, callback=lambda net: net.epoch == 5)
    assert net.epoch == 5
    before = weights(net)
    net.fit(IMAGES, LABELS, 2, schedule=lambda epoch: 0.0)
    assert_same(weights(net), before)
    net.fit(IMAGES, LABELS)
    assert any((a != b).any() for a, b in zip(weights(net), before, strict=True))
    stuck = build(name)
    stuck.fit(IMAGES, LABELS, 9, validation=HELD_OUT, patience=2, schedule=lambda epoch: 0.0)
    assert stuck.epoch == 3


@pytest.mark.parametrize("name", WING)
def test_a_rate_of_one_is_the_rate_of_no_schedule(name):
    with_one, without = build(name), build(name)
    with_one.fit(IMAGES, LABELS, 2, schedule=lambda epoch: 1.0)
    without.fit(IMAGES, LABELS, 2)
    assert_same(weights(with_one), weights(without))


FORBIDDEN = r"argparse|h5py|open\(|atomic_file|Interruption|raise InputError"


@pytest.mark.parametrize("name", WING)
def test_its_files_hold_the_model_and_nothing_else(name):
    own = Path(inspect.getfile(model_class(WING[name])))
    files = [own] if own.parent.name == "models" else list(own.parent.glob("*.py"))
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.findall(FORBIDDEN, text), file.name
        assert sum(bool(line.strip()) for line in text.splitlines()) <= 300, file.name


@pytest.mark.parametrize("name", WING)
def test_its_commands_train_tell_resume_draw_and_export(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = [f"--{option}={value}" for option, value in SMALL.get(name, {}).items()]
    given = ["--hidden=5", "--epochs=1", "--no-progress", *small]
    assert main(["train", name, "--out=run", *given]) == 0
    assert main(["resume", "run", "--epochs=2", "--no-progress"]) == 0
    assert main(["info", "run"]) == 0
    assert "epochs       2 of 2" in capsys.readouterr().out
    assert main(["plot", "run"]) == 0
    assert main(["export", "run", "--format=npz"]) == 0
    with np.load("run/weights.npz") as saved:
        assert saved["W_0"].shape == (64, 5)
    assert (tmp_path / "run" / "learning_curve.png").is_file()
