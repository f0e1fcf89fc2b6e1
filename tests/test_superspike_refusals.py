"""What SuperSpike refuses, before anything is made or run, and the sentence that says so."""

import signal

import h5py
import numpy as np
import pytest

from spikesim import FileError, InputError, SimulationError, patterns
from spikesim.models.superspike import SuperSpikeNetwork, Windows, tasks
from spikesim.patterns import SpikePattern

SHOWN = patterns.poisson(3, rate=50.0, duration=100.0, seed=1)
TARGET = patterns.from_trains([[20.0], [70.0]], duration=100.0)
WINDOWS = Windows(np.array([10.0, 50.0]), np.array([20.0, 60.0]), np.array([0, 1]), 2, 100.0)


def network(**options):
    return SuperSpikeNetwork((3, 2), backend="python", **options)


def spikes(times, ids, n=3, duration=100.0):
    return SpikePattern(np.array(times), np.array(ids), n, duration)


PARAMETERS = {
    "tau_ref": (0.25, "tau_ref is 0.25 ms; it has to be a multiple of dt"),
    "theta": (-60.0, "theta is -60.0; .* above -60"),
    "tau_decay": (5.0, "tau_decay is 5.0; .* longer than tau_rise"),
    "chunk": (0.05, "chunk is 0.05 ms"),
    "rho": (1.0, "rho and frozen are about hidden layers"),
    "hebbian_delay": (1.55, "hebbian_delay is 1.55 ms"),
    "frozen": (True, "rho and frozen are about hidden layers"),
}
"""What no declaration can say: it depends on dt, or on another parameter."""


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_impossible_parameter_is_named(name):
    value, message = PARAMETERS[name]
    with pytest.raises(InputError, match=message):
        network(**{name: value})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (3,)}, r"sizes is \(3,\); it has to list at least"),
        ({"sizes": "3-2"}, "sizes is '3-2'"),
        ({"sizes": (3, 0, 2)}, r"sizes\[1\] is 0"),
        ({"sizes": (3, 2.0)}, r"sizes\[1\] is 2.0"),
        ({"seed": -1}, "seed is -1"),
        ({"dt": 0.0}, "dt is 0.0"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"backend": "gpu"}, "backend is 'gpu'"),
    ],
)
def test_an_impossible_network_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SuperSpikeNetwork(**{"sizes": (3, 2), **arguments})


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (spikes([5.0, 3.0], [0, 1]), "input.times has 3 ms after 5 ms; times have to ascend"),
        (spikes([-1.0], [0]), "input.times holds -1"),
        (spikes([100.0], [0]), "input holds a spike at 100 ms, but the pattern lasts 100 ms"),
        (spikes([np.nan], [0]), "input.times holds NaN"),
        (spikes([1.0], [3]), "input.ids holds 3"),
        (spikes([1.0], [-1]), "input.ids holds -1"),
        (spikes([1.0], [0.5]), "input.ids holds fractions"),
        (spikes([1.0, 2.0], [0]), "input.ids has shape"),
        (spikes([1.0], [0], n=4), "input.n is 4; it has to be 3"),
        (spikes([1.0], [0], duration=0.0), "input.duration is 0"),
        (spikes([1.0], [0], duration=99.97), "input.duration is 99.97 ms"),
        (spikes([1.0] * 5, [0] * 5), "5 spikes of neuron 0 in the step at 1 ms"),
        (([1.0], [0]), "input is a tuple; it has to be a SpikePattern"),
        (None, "input is a NoneType"),
    ],
)
def test_input_that_cannot_be_shown_is_refused(shown, message):
    net = network()
    for use in (
        lambda: net.fit(shown, TARGET, 1, block=100.0),
        lambda: net.predict(shown),
        lambda: net.record(shown),
        lambda: net.evaluate(shown, TARGET),
    ):
        with pytest.raises(InputError, match=message):
            use()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (spikes([5.0, 3.0], [0, 1], 2), "target.times has 3 ms after 5 ms"),
        (spikes([120.0], [0], 2), "target holds a spike at 120 ms, but the trial lasts 100 ms"),
        (spikes([20.0], [0], 2, 90.0), "target lasts 90 ms, but the trial lasts 100 ms"),
        (spikes([20.0], [0], 3), "target.n is 3; it has to be 2"),
        (spikes([20.0, 20.0], [1, 1], 2), "target holds two spikes of neuron 1 in the step"),
        ([20.0], "target is a list; it has to be a SpikePattern"),
        (WINDOWS, "target is a Windows; it has to be a SpikePattern"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(target, message):
    net = network()
    with pytest.raises(InputError, match=message):
        net.fit(SHOWN, target, 1, block=100.0)
    with pytest.raises(InputError, match=message):
        net.evaluate(SHOWN, target)


def test_a_target_without_spikes_can_be_learned():
    net = network(w_0=200.0)
    net.fit(SHOWN, spikes([], np.zeros(0, int), 2), 1, block=10.0, burn_in=0.0)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (TARGET, "target is a SpikePattern; a network with error='windows' learns from"),
        (WINDOWS._replace(start=np.array([10.0, 15.0])), "windows that overlap"),
        (WINDOWS._replace(end=np.array([10.0, 60.0])), "end before they start"),
        (WINDOWS._replace(end=np.array([10.04, 60.0])), "without a step in it"),
        (WINDOWS._replace(end=np.array([20.0, 101.0])), "target.end holds 101"),
        (WINDOWS._replace(start=np.array([-1.0, 50.0])), "target.start holds -1"),
        (WINDOWS._replace(ids=np.array([0, 2])), "target.ids holds 2"),
        (WINDOWS._replace(ids=np.array([0])), "target.ids has shape"),
        (Windows(np.zeros(0), np.zeros(0), np.zeros(0), 2, 100.0), "target is empty"),
        (WINDOWS._replace(n=3), "target.n is 3"),
        (WINDOWS._replace(duration=200.0), "target.duration is 200"),
    ],
)
def test_windows_that_cannot_be_learned_are_refused(windows, message):
    with pytest.raises(InputError, match=message):
        network(error="windows").fit(SHOWN, windows, 1, block=100.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"blocks": 0}, "blocks is 0"),
        ({"blocks": 1.5}, "blocks is 1.5"),
        ({"block": 0.0}, "block is 0 ms"),
        ({"block": 10.05}, "block is 10.05 ms; it has to be a multiple of dt"),
        ({"burn_in": -1.0}, "burn_in is -1.0"),
        ({"learning_rate": -1.0}, "learning_rate holds -1"),
        ({"learning_rate": 1e39}, "learning_rate holds 1e[+]39"),
        ({"learning_rate": [1.0, 0.1, 0.01]}, r"learning_rate has shape \(3,\); .* \(2\)"),
        ({"learning_rate": "fast"}, "learning_rate has dtype"),
        ({"checkpoint": "no/such/folder/net.h5"}, "no folder"),
    ],
)
def test_a_training_that_makes_no_sense_is_refused_before_it_starts(arguments, message):
    net = network()
    with pytest.raises((InputError, FileError), match=message):
        net.fit(SHOWN, TARGET, **{"blocks": 2, "block": 10.0, **arguments})
    assert net.time == 0.0


def test_an_unfinished_block_has_to_be_finished_without_burn_in_at_the_length_it_began_with(
    monkeypatch,
):
    monkeypatch.setattr("spikesim.learning.patterns.STRETCH", 50)
    net = network()
    press = lambda *_: signal.raise_signal(signal.SIGINT)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        net.fit(SHOWN, TARGET, 1, block=40.0, burn_in=0.0, progress=press)
    with pytest.raises(InputError, match="block is 5 ms, but the unfinished block has run for 5"):
        net.fit(SHOWN, TARGET, 1, block=5.0)
    with pytest.raises(InputError, match="burn_in is 10 ms, but a block has run for 5 ms"):
        net.fit(SHOWN, TARGET, 1, block=40.0, burn_in=10.0)


def test_the_cost_of_silence_is_that_of_a_pattern_for_all_outputs():
    with pytest.raises(InputError, match="target is a Windows"):
        network().silent_cost(WINDOWS)
    with pytest.raises(InputError, match=r"target\.n is 3"):
        network().silent_cost(SHOWN)


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        ((0, 0, 0), "synapse layer is 0"),
        ((2, 0, 0), "synapse layer is 2"),
        ((1, 3, 0), "synapse pre is 3"),
        ((1, 0, 2), "synapse post is 2"),
        ((1, 0), r"synapse is \(1, 0\); it has to be \(layer, pre, post\)"),
    ],
)
def test_a_synapse_that_does_not_exist_cannot_be_recorded(synapse, message):
    with pytest.raises(InputError, match=message):
        network().record(SHOWN, synapse=synapse)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3)), r"W\[0\] has shape \(2, 3\); it has to be \(3, 2\)"),
        (np.full((3, 2), np.nan), r"W\[0\] holds NaN"),
        ([["a", "b"]] * 3, r"W\[0\] has dtype"),
    ],
)
def test_weights_that_do_not_fit_are_refused(values, message):
    net = network()
    with pytest.raises(InputError, match=message):
        net.W[0] = values


def test_feedback_weights_that_do_not_fit_are_refused():
    net = SuperSpikeNetwork((3, 4, 2), backend="python", feedback="random")
    with pytest.raises(InputError, match=r"B\[0\] has shape \(4, 2\); it has to be \(2, 4\)"):
        net.B[0] = np.zeros((4, 2))
    with pytest.raises(InputError, match=r"B\[0\] holds NaN"):
        net.B[0] = np.full((2, 4), np.nan)


def test_weights_that_became_nan_stop_the_run_and_are_named():
    net = network(eta=0.0)
    net.fit(SHOWN, TARGET, 1, block=10.0, burn_in=0.0)
    net.W[0][1, 1] = np.nan
    with pytest.raises(
        SimulationError,
        match=r"W\[0\] became NaN|[UI] of neuron 1 in population 'output' is nan",
    ):
        net.fit(SHOWN, TARGET, 1, block=10.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tasks.picture(text="a", path="b.png"), "one picture at a time"),
        (lambda: tasks.picture(text=""), "text is ''"),
        (lambda: tasks.xor(interval=50.0), "interval is 50"),
        (lambda: tasks.xor(background=-1.0), "background is -1"),
        (lambda: tasks.xor(seed=-1), "seed is -1"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_file_with_arrays_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "net.h5"
    network().save(path)
    with h5py.File(path, "a") as file:
        arrays = file["network/simulation/arrays/input_to_output"]
        del arrays["W"]
        arrays["W"] = np.zeros((3, 5), np.float32)
    with pytest.raises(InputError, match=r"input_to_output.W is float32 of shape \(3, 5\)"):
        SuperSpikeNetwork.load(path, backend="python")


def test_a_file_with_spikes_of_a_neuron_that_does_not_exist_is_refused(tmp_path):
    path = tmp_path / "net.h5"
    net = network()
    net.fit(SHOWN, TARGET, 1, block=10.0, burn_in=0.0)
    net.save(path)
    with h5py.File(path, "a") as file:
        ids = file["network/shown/input/ids"]
        ids[...] = 9
        ids.attrs.clear()  # as in files from before there were checksums
    with pytest.raises(InputError, match=r"input\.ids holds 9"):
        SuperSpikeNetwork.load(path, backend="python")
