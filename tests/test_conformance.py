"""What every model of `spikesim.learning` has to do, found in the registry: nothing is listed here.

Options that make a model small for these tests stand in `SMALL`; those that vary, in `VARIANTS`.
"""

import inspect
import os
import pickle
import re
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikesim import FileError, InputError, Replicas, patterns
from spikesim.cli import main
from spikesim.image_runs import model_class
from spikesim.learning import alignment
from spikesim.learning.batches import BatchModel
from spikesim.learning.classifiers import MeasuredClassifier
from spikesim.learning.tasks import Task
from spikesim.learning.windows import Windows
from spikesim.models import MODELS

WING = {name: each.where for name, each in MODELS.items() if ":" in each.where}
OF_IMAGES = [name for name in WING if issubclass(model_class(WING[name]), MeasuredClassifier)]
OF_PATTERNS = [name for name in WING if name not in OF_IMAGES]
OF_BODIES = [name for name in WING if not issubclass(model_class(WING[name]), BatchModel)]
SMALL = {
    "clamped": {"n_minus": 4, "n_plus": 3},
    "dendritic-microcircuit": {"t_pattern": 1.0, "lag": 0.3, "t_read": 0.3, "tau_w": 1.0},
    "equilibrium": {"n_free": 5, "n_nudged": 2, "n_test": 8},
    "superspike": {"chunk": 4.0, "w_0": 300.0, "tau_ref": 1.0},
    "superspike-classifier": {"T": 12.0, "tail": 8.0, "latency": 4.0, "w_0": 200.0, "batch": 2},
    "reward": {"draws": 5},
    "spiking-microcircuit": {"t_pattern": 1.0, "lag": 0.3, "t_read": 0.3, "tau_w": 1.0},
    "spiking-reward": {"draws": 2, "T": 4.0, "delay": 1.0, "theta": -0.2, "eta": 0.1},
    "segregated": {"phase": 9, "window": 3, "test_phase": 10, "test_window": 4, "memory": 4},
    "target-propagation": {"batch": 3},
}
VARIANTS = {
    "burst": [
        {"form": "july_2018", "alpha_Z": 0.01, "measure_angle": True},
        {"mirror": 1.0, "forgetting": 0.01, "decay": 0.5},
        {"sst": "none", "apical_gate": True},
        {"backpropagation": True},
    ],
    "clamped": [
        {"rule": "chl", "feedback": "symmetric", "xie_seung": True, "measure_angle": True},
        {"rule": "midpoint", "order": "synchronous", "start": "zero", "output": "logistic_ce"},
        {"order": "sweeps", "activation": "hard", "output": "hard", "batch": 4, "start": "last"},
        {"rule": "chl", "batch": 3, "optimizer": "adam", "output_leak": True, "activation": "tanh"},
    ],
    "dendritic-microcircuit": [
        {"dynamics": "continuous", "eta_P": 0.1, "eta_Y": 0.1, "sigma": 0.1, "taught": 0.7},
        {"dynamics": "continuous", "tau_0": 0.0, "reset_deltas": True, "init": "random"},
        {"passes": 3, "batch": 4, "optimizer": "adam", "eta_P": 0.1, "activation": "softplus"},
        {"lateral": "ideal", "feedback": "symmetric", "batch": 3, "bias_rate": 0.25},
        {"backprop": True, "activation": "regression", "batch": 2},
    ],
    "equilibrium": [
        {"estimator": "symmetric", "activation": "sigmoid4", "batch": 3, "optimizer": "adam"},
        {"estimator": "vector_field", "form": "prototypical", "nudge": "outside", "kappa": 0.5},
        {"estimator": "continual", "activation": "tanh", "clip": True, "measure_energy": True},
        {"estimator": "rate", "batch": 4, "activation": "logistic", "persistent": False},
        {"estimator": "rate_post", "reduction": "sum", "initial": "normal", "decay": 0.1},
    ],
    "feedback-alignment": [
        {"batch": 4, "optimizer": "adam", "measure_angle": True, "output": "logistic_ce"},
        {"feedback": "mirror", "mirror_before": 2, "batch": 3, "through": "logistic"},
        {"feedback": "sign_redrawn", "optimizer": "momentum", "output": "linear"},
        {"feedback": "kolen_pollack", "sparse": 0.3, "activation": "tanh"},
        {"feedback": "direct", "activation": "relu", "output": "logistic", "reduction": "sum"},
        {"feedback": "sign_fixed", "activation": "linear", "batch": 4, "optimizer": "rmsprop"},
        {"feedback": "backprop", "initial": "normal"},
    ],
    "perturbation": [
        {"perturbed": "weights", "noise_per": "batch", "batch": 4, "measure_angle": True},
        {"perturbed": "weights", "baseline": "antithetic", "activation": "tanh"},
        {"baseline": "mean", "sigma": 0.1, "batch": 3, "output": "logistic_ce", "eta": 0.001},
        {"on": "activity", "output": "logistic", "baseline": "antithetic", "optimizer": "adam"},
        {"normalised": True, "output": "linear", "activation": "relu", "reduction": "sum"},
        {"shape": "trial", "batch": 5, "activation": "linear", "measure_angle": True},
    ],
    "reward": [
        {"batch": 4, "baseline": "stimulus", "entropy": 0.2, "optimizer": "adam"},
        {"action": "bernoulli", "baseline": "expected", "entropy": 0.1, "batch": 3},
        {"baseline": "none", "decay": 0.1, "reduction": "sum", "output_rate": 0.1},
    ],
    "spiking-microcircuit": [
        {"eta_P": 0.1, "eta_Y": 0.1, "sigma": 0.1, "taught": 0.7, "activation": "softplus"},
        {"tau_0": 0.0, "reset_deltas": True, "init": "random", "rho": 3.0, "tau_s": 0.5},
    ],
    "spiking-reward": [
        {"batch": 4, "escape": "logistic", "baseline": "stimulus", "optimizer": "momentum"},
        {"tau_z": 5.0, "bias_rate": 1.0, "delay": 0.0, "dt": 0.5, "decay": 0.1},
    ],
    "segregated": [
        {"symmetric": True, "symmetric_noise": 0.05, "measure_angle": True},
        {"plateau_jitter": 1.0, "feedback_learning": True, "eta_Y": 0.1, "phase": 14},
        {"spiking": False, "measure_inverse": True},
        {"memory": None, "g_A": 0.05, "initial": "preprint"},
    ],
    "superspike": [
        {"feedback": "random", "rho": 1.0, "optimizer": "rmsprop"},
        {"feedback": "uniform", "optimizer": "plain", "linear": True, "frozen": True},
        {"error": "windows"},
    ],
    "superspike-classifier": [
        {"feedback": "random", "batch": 1, "optimizer": "rmsprop", "dt": 1.0},
        {"feedback": "uniform", "batch": 3, "optimizer": "plain", "eta": 1e-4},
        {"frozen": True, "linear": True},
    ],
    "target-propagation": [
        {"method": "ao_sdtp", "n_aux": 4, "schedule": "parallel", "measure_angle": True},
        {"method": "sdtp", "optimizer": "rmsprop", "initial": "orthogonal", "goal": "noisy"},
        {"method": "tp", "label": True, "optimizer": "plain", "eta": 0.1, "eta_inverse": 0.1},
        {"inverse": "jacobian", "batch": 1},
        {"credit": "frozen"},
    ],
}
CASES = [(name, options) for name in WING for options in ({}, *VARIANTS.get(name, []))]
# Compiling takes most of the time of these tests, so a case has one backend; each model has both.
HOW = [("cpu", "float32"), ("threads:2", "float64")]
COMPILED = [(*case, HOW[k % 2]) for k, case in enumerate(CASES)]
WITH_BODIES = [case for case in CASES if not issubclass(model_class(WING[case[0]]), BatchModel)]
IMAGE_CASES = [case for case in CASES if case[0] in OF_IMAGES]
CHANCE = np.random.default_rng(3)
IMAGES = (CHANCE.random((10, 6)) * (CHANCE.random((10, 6)) > 0.3) * 255).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 10)
HELD_OUT = (IMAGES[:4], LABELS[:4])
SHOWN = patterns.poisson(6, rate=250.0, duration=12.0, seed=1)
TARGET = patterns.from_trains([[3.0, 9.0], [6.0], []], duration=12.0)
WINDOWS = Windows(np.array([2.0, 8.0]), np.array([5.0, 11.0]), np.array([1, 0]), 3, 12.0)


def build(name, seed=5, **options):
    given = {"backend": "python", **SMALL.get(name, {}), **options}
    return model_class(WING[name])((6, 5, 3), seed=seed, **given)


def in_time(net):
    """Whether a model, or one of replicas, learns patterns in time."""
    return not hasattr(net, "epoch")


def target_of(net):
    one = net[0] if isinstance(net, Replicas) else net
    return WINDOWS if one.in_windows else TARGET


def learn(net, times=1, **options):
    """So many epochs, or blocks."""
    if in_time(net):
        net.fit(SHOWN, target_of(net), times, block=10.0, **options)
    else:
        net.fit(IMAGES, LABELS, times, **options)


def learned(net):
    """How many epochs or blocks there were."""
    return net.block if in_time(net) else net.epoch


def answer(net):
    """What it answers."""
    if in_time(net):
        output = net.predict(SHOWN)
        return np.stack([output.times, output.ids])
    return net.predict(IMAGES)


def weights(net):
    return [np.array(array) for name in net.WEIGHTS for array in getattr(net, name)]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def everything(net):
    """What goes on: weights, what trials and blocks pass on, the history but for seconds."""
    if isinstance(net, BatchModel):
        arrays = net.state()["momentum"]
    else:
        arrays = net.training.network.arrays() if in_time(net) else net.training.arrays()
    told = {key: values for key, values in net.history.items() if key != "seconds"}
    return {"weights": weights(net), "arrays": arrays, "history": told}


@pytest.fixture(params=CASES, ids=str)
def make(request):
    name, options = request.param
    return lambda **more: build(name, **{**options, **more})


@pytest.fixture(params=IMAGE_CASES, ids=str)
def of_images(request):
    name, options = request.param
    return lambda **more: build(name, **{**options, **more})


def test_learning_that_was_saved_goes_on_as_if_never_stopped(make, tmp_path):
    whole, first = make(), make()
    held_out = {"validation": HELD_OUT} if not in_time(whole) else {}
    learn(whole, 3, **held_out)
    learn(first, 1, **held_out)
    first.save(tmp_path / "net.h5")
    second = type(first).load(tmp_path / "net.h5", backend="python")
    learn(second, 2, **held_out)
    np.testing.assert_equal(everything(second), everything(whole))


@pytest.mark.parametrize(("signum", "at"), [(signal.SIGINT, 0.25), (signal.SIGTERM, 0.7)])
def test_a_signal_keeps_what_is_whole_and_nothing_is_lost(make, signum, at, tmp_path, monkeypatch):
    def block(self):
        return getattr(self.parameters, "batch", 1)

    whole, stopped = make(), make()
    if hasattr(whole, "block") and not in_time(whole):
        monkeypatch.setattr(type(whole), "block", block)
    monkeypatch.setattr("spikesim.learning.patterns.STRETCH", 30)
    learn(whole, 2)

    def press(done, total):
        if done >= at * total:
            os.kill(os.getpid(), signum)

    with pytest.raises(KeyboardInterrupt):
        learn(stopped, 2, progress=press, checkpoint=tmp_path / "net.h5")
    resumed = type(stopped).load(tmp_path / "net.h5", backend="python")
    assert in_time(resumed) or 0 < resumed.example < len(IMAGES)
    for net in (resumed, stopped):
        learn(net, 2 - learned(net))
        np.testing.assert_equal(everything(net), everything(whole))


def test_tests_recordings_and_measures_leave_training_alone(make):
    disturbed, left = make(), make()
    for net in (disturbed, left):
        learn(net)
        if net is disturbed and not in_time(net):
            net.evaluate(*HELD_OUT)
            net.record(IMAGES[0], 1)
            net.update(*HELD_OUT)
            net.gradient(*HELD_OUT)
            alignment.delta_angle(net, *HELD_OUT)
            alignment.update_angle(net, *HELD_OUT)
            alignment.snr(net, *HELD_OUT, repeats=2)
        elif net is disturbed:
            net.predict(SHOWN)
            net.evaluate(SHOWN, target_of(net))
            net.record(SHOWN, target_of(net), synapse=(1, 0, 0))
        learn(net)
    np.testing.assert_equal(everything(disturbed), everything(left))


def test_the_answer_is_the_same_when_asked_again(make):
    net = make()
    np.testing.assert_array_equal(answer(net), answer(net))


def test_replicas_learn_as_one_after_another(make):
    alone = [make(seed=seed) for seed in (1, 2)]
    together = Replicas([make(seed=seed) for seed in (1, 2)])
    learn(together)
    for one, other in zip(alone, together, strict=True):
        learn(one)
        np.testing.assert_equal(everything(one), everything(other))


@pytest.mark.parametrize(("name", "options", "how"), COMPILED, ids=str)
def test_plain_python_and_the_compilers_leave_the_same_bits(name, options, how):
    backend, dtype = how
    plain, compiled = (build(name, backend=b, dtype=dtype, **options) for b in ("python", backend))
    for net in (plain, compiled):
        learn(net, 2)
    np.testing.assert_equal(everything(compiled), everything(plain))
    np.testing.assert_array_equal(answer(compiled), answer(plain))


def test_a_copy_goes_on_as_the_original(make):
    net = make()
    learn(net)
    copy = pickle.loads(pickle.dumps(net))
    for each in (net, copy):
        learn(each)
    np.testing.assert_equal(everything(net), everything(copy))


def test_images_may_be_whole_numbers_or_fractions(of_images):
    whole, real = of_images(dtype="float64"), of_images(dtype="float64")
    whole.fit(IMAGES, LABELS)
    real.fit(IMAGES / 255.0, LABELS)
    for one, other in zip(weights(whole), weights(real), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_update_has_the_shapes_of_the_weights_and_one_delta_for_each_example(of_images):
    net = of_images()
    for found in (net.update(*HELD_OUT), net.gradient(*HELD_OUT)):
        assert [a.shape for a in found.dW] == [a.shape for a in net.W]
        assert [a.shape for a in found.db] == [a.shape for a in net.b]
        assert [len(a) for a in found.delta] == [4, 4]


@pytest.mark.parametrize(("name", "options"), WITH_BODIES, ids=str)
def test_explain_names_every_body_and_the_arrays_that_it_sees(name, options, capsys):
    build(name, **options).explain()
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
def test_a_file_that_lacks_a_part_is_refused(name, tmp_path):
    build(name).save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "a") as file:
        del file["network/config"]
    with pytest.raises(FileError, match=r"net.h5 lacks a part \('config'\)"):
        model_class(WING[name]).load(tmp_path / "net.h5")


@pytest.mark.parametrize("name", OF_IMAGES)
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


@pytest.mark.parametrize("name", OF_PATTERNS)
def test_learning_in_time_stops_early_and_follows_rates(name):
    net, seen = build(name), []
    learn(net, 3, callback=lambda net: seen.append(net.block))
    assert seen == [1, 2, 3]
    learn(net, 5, callback=lambda net: net.block == 5)
    assert net.block == 5
    before = weights(net)
    learn(net, 2, learning_rate=[0.0, 0.0])
    assert_same(weights(net), before)
    learn(net)
    assert any((a != b).any() for a, b in zip(weights(net), before, strict=True))


@pytest.mark.parametrize("name", OF_PATTERNS)
def test_training_tests_in_between_lowers_the_rate_and_tells_its_course(name):
    net, course = build(name), []
    task = Task(net.sizes, lambda block: (SHOWN, TARGET), 6, 10.0, {})
    net.train(task, 3, callback=lambda net, error: course.append((net.block, net.predict(SHOWN).n)))
    net.train(task, decay=5)  # up to the sixth block
    assert course == [(1, 3), (2, 3), (3, 3)]
    assert net.notes["tested_at"] == [1, 2, 3, 5, 6]
    assert net.notes["tested"][-1] == net.evaluate(SHOWN, TARGET)
    eta = net.parameters.eta
    rates = [eta, eta, 0.1 * eta, eta, eta, 0.1 * eta]
    np.testing.assert_allclose(net.history["learning_rate"], rates)


@pytest.mark.parametrize("name", OF_IMAGES)
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


@pytest.mark.parametrize("name", OF_IMAGES)
def test_its_commands_train_tell_resume_draw_and_export(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = [f"--{option}={value}" for option, value in SMALL.get(name, {}).items()]
    given = ["--hidden=5", "--epochs=1", "--no-progress", *small]
    assert main(["train", name, "--out=run", *given]) == 0
    assert main(["resume", "run", "--epochs=2", "--no-progress"]) == 0
    assert main(["train", name, "--out=whole", *given, "--epochs=2"]) == 0
    kind = model_class(WING[name])
    parts, whole = (kind.load(Path(run) / "run.h5") for run in ("run", "whole"))
    np.testing.assert_equal(everything(parts), everything(whole))
    assert main(["info", "run"]) == 0
    assert "epochs       2 of 2" in capsys.readouterr().out
    assert main(["plot", "run"]) == 0
    assert main(["export", "run", "--format=npz"]) == 0
    with np.load("run/weights.npz") as saved:
        assert saved["W_0"].shape == (64, 5)
    assert (tmp_path / "run" / "learning_curve.png").is_file()


@pytest.mark.parametrize("name", OF_PATTERNS)
def test_its_commands_do_the_same_in_time(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for neuron, file in enumerate(("in.ras", "target.ras")):
        Path(file).write_text(f"0.0{neuron + 1} 0\n")
    files = ["--task=files", "--input=in.ras", "--target=target.ras", "--duration=50"]
    given = ["--hidden=5", "--blocks=1", "--no-progress", *files]
    assert main(["train", name, "--out=run", *given, "--decay=3"]) == 0
    assert main(["resume", "run", "--blocks=2", "--no-progress"]) == 0
    assert main(["train", name, "--out=whole", *given, "--decay=3", "--blocks=2"]) == 0
    kind = model_class(WING[name])
    parts, whole = (kind.load(Path(run) / "run.h5") for run in ("run", "whole"))
    np.testing.assert_equal(everything(parts), everything(whole))
    assert main(["info", "run"]) == 0
    assert "blocks       2 of 2" in capsys.readouterr().out
    assert main(["plot", "run"]) == 0
    assert main(["export", "run", "--format=npz"]) == 0
    with np.load("run/weights.npz") as saved:
        assert saved["W_0"].shape == (1, 5)
    assert (tmp_path / "run" / "layers.png").is_file()
