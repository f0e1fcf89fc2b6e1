"""Bad input is refused before any work starts, with a sentence that names the argument."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse

from spikesim import LIF, DoubleExponential, InputError, Network, Neuron, Poisson
from spikesim.cli import main
from spikesim.models.segregated import SegregatedDendriteNetwork as Model

IMAGES = np.zeros((4, 6), np.uint8)
LABELS = np.array([0, 1, 2, 0])


def body(i, t, s, p):
    s.x[i] = 0.0


def three(i, t, s):
    s.x[i] = 0.0


def five(i, t, s, p, q):
    s.x[i] = q


class Holder:
    """Has a step, and is called as one."""

    def step(self, i, t, s, p):
        s.x[i] = 0.0

    __call__ = step


def assign_parameter(value):
    net = Network(dt=1.0, backend="python")
    phase = net.add_phase(body, 1, state={"x": np.ones(1, np.float32)}, params={"k": 1})
    phase.params["k"] = value
    net.run(1.0)


def model(**options):
    return Model((6, 5, 3), backend="python", **options)


def fitted(**changes):
    arguments = {"images": IMAGES, "labels": LABELS, "epochs": 1, **changes}
    return model().fit(arguments.pop("images"), arguments.pop("labels"), **arguments)


def network():
    net = Network(dt=0.5, backend="python")
    return net, net.add_population("a", 4, Poisson), net.add_population("b", 3, LIF)


def connect(weight=1.0, target="drive", turned=False, **options):
    net, a, b = network()
    pre, post = (b, a) if turned else (a, b)
    return net.connect(pre, post, target=target, weight=weight, **options)


def record(**options):
    net, _, b = network()
    return net.record(b, **{"variables": "v", **options})


def with_nan(shape):
    array = np.ones(shape)
    array.flat[1] = np.nan
    return array


MODEL = {
    "one layer only": (lambda: Model((6,)), "sizes"),
    "sizes as a number": (lambda: Model(784), "sizes"),
    "an empty layer": (lambda: Model((6, 0, 3)), r"sizes\[1\] is 0"),
    "a fractional size": (lambda: Model((6, 2.5, 3)), r"sizes\[1\] is 2.5"),
    "a negative seed": (lambda: model(seed=-1), "seed is -1"),
    "an unknown dtype": (lambda: model(dtype="flaot32"), "Did you mean 'float32'"),
    "an unknown backend": (lambda: Model((6, 3), backend="cdua"), "backend is 'cdua'"),
    "an unknown option": (lambda: model(symetric=True), "Did you mean 'symmetric'"),
    "a rise slower than the decay": (lambda: model(tau_s=12.0), "tau_L is 10"),
    "a time constant below dt": (lambda: model(tau_s=0.2), "tau_s is 0.2"),
    "a rate beyond one spike in two steps": (lambda: model(phi_max=2.0), "phi_max is 2"),
    "conductances that make the step unstable": (lambda: model(g_B=2.5), "stable below 2"),
    "a window longer than the phase": (lambda: model(window=60), "window is 60"),
    "a test window longer than the test": (lambda: model(test_window=300), "test_window is 300"),
    "a learning rate too few": (lambda: model(eta=(0.1,)), "eta has 1 values"),
    "unknown feedback": (lambda: model(feedback="broadcst"), "Did you mean 'broadcast'"),
    "two kinds of feedback at once": (
        lambda: model(symmetric=True, feedback_learning=True),
        "symmetric and feedback_learning",
    ),
    "noise without symmetric weights": (lambda: model(symmetric_noise=0.1), "symmetric_noise"),
    "an inverse without a hidden layer": (
        lambda: Model((6, 3), measure_inverse=True),
        "measure_inverse",
    ),
    "jitter without spikes": (lambda: model(spiking=False, plateau_jitter=3.0), "plateau_jitter"),
}
DATA = {
    "images of another size": (lambda: fitted(images=IMAGES[:, :5]), r"images has shape \(4, 5\)"),
    "images of too many columns": (
        lambda: fitted(images=np.zeros((4, 2, 4))),
        "images has shape",
    ),
    "no images": (lambda: fitted(images=IMAGES[:0], labels=LABELS[:0]), "images is empty"),
    "images of text": (lambda: fitted(images=[["a"] * 6] * 4), "images has dtype"),
    "ragged images": (lambda: fitted(images=[[1, 2], [3]]), "images is not a regular array"),
    "images with NaN": (lambda: fitted(images=with_nan((4, 6))), "images holds NaN"),
    "images above one": (lambda: fitted(images=np.full((4, 6), 7.0)), "images holds 7"),
    "negative images": (lambda: fitted(images=np.full((4, 6), -1.0)), "images holds -1"),
    "images of another whole-number type": (
        lambda: fitted(images=IMAGES.astype(np.int64)),
        "images has dtype int64",
    ),
    "too few labels": (lambda: fitted(labels=LABELS[:3]), r"labels has shape \(3,\)"),
    "labels out of range": (lambda: fitted(labels=LABELS + 1), "labels holds 3"),
    "fractional labels": (lambda: fitted(labels=LABELS * 0.5), "labels holds fractions"),
    "no epochs": (lambda: fitted(epochs=0), "epochs is 0"),
    "validation that is no pair": (lambda: fitted(validation=IMAGES), "validation has to be"),
    "a checkpoint in a missing folder": (
        lambda: fitted(checkpoint="no/such/folder/net.h5"),
        "no/such/folder",
    ),
    "a recorded label out of range": (lambda: model().record(IMAGES[0], 3), "label is 3"),
    "a weight that is NaN": (
        lambda: model().W.__setitem__(0, with_nan((6, 5))),
        r"W\[0\] holds NaN",
    ),
}
NETWORK = {
    "no time step": (lambda: Network(dt=0.0), "dt is 0"),
    "a time step as text": (lambda: Network(dt="0.1"), "dt is '0.1'"),
    "a population name with a blank": (
        lambda: network()[0].add_population("my cells", 2, LIF),
        "name is 'my cells'",
    ),
    "a name used twice": (lambda: network()[0].add_population("a", 2, LIF), "has already"),
    "no neurons": (lambda: network()[0].add_population("c", 0, LIF), "n is 0"),
    "something that is no neuron": (
        lambda: network()[0].add_population("c", 2, "LIF"),
        "neuron is 'LIF'",
    ),
    "an unknown parameter": (
        lambda: network()[0].add_population("c", 2, LIF, tau_synaps=3.0),
        "Did you mean 'tau_synapse'",
    ),
    "a negative membrane time constant": (
        lambda: network()[0].add_population("c", 2, LIF, tau=-1.0),
        "tau is -1",
    ),
    "a time step longer than a time constant": (
        lambda: network()[0].add_population("c", 2, LIF, tau_synapse=0.2),
        "dt is 0.5 ms, longer than tau_synapse",
    ),
    "a target that is no variable": (lambda: connect(target="g_e"), "'g_e'"),
    "weights of a wrong shape": (lambda: connect(np.ones((3, 4))), r"weight has shape \(3, 4\)"),
    "weights with NaN": (lambda: connect(with_nan((4, 3))), "weight holds NaN"),
    "sparse weights of a wrong shape": (
        lambda: connect(sparse.csr_array((3, 3))),
        r"weight has shape \(3, 3\)",
    ),
    "a probability above one": (lambda: connect(probability=1.5), "probability is 1.5"),
    "a delay between two steps": (lambda: connect(delay=0.7), "delay is 0.7"),
    "a negative delay": (lambda: connect(delay=-1.0), "delay is -1"),
    "no delay against the order": (
        lambda: connect(target="rate", turned=True, delay=0.0),
        "delay is 0 ms from 'b' to 'a'",
    ),
    "a kernel that rises after it decays": (
        lambda: connect(kernel=DoubleExponential(10.0, 3.0)),
        "tau_decay is 3",
    ),
    "a population of another network": (
        lambda: network()[0].connect(network()[1], network()[2], target="drive", weight=1.0),
        "pre has to be a population of this network",
    ),
    "a variable that is not there": (lambda: record(variables="vm"), "'vm'"),
    "no variable": (lambda: record(variables=()), "variables is .* name one or more"),
    "a variable twice": (lambda: record(variables=["v", "v"]), "variables is .* none twice"),
    "a neuron out of range": (lambda: record(neurons=[3]), "neurons holds 3"),
    "an interval between two steps": (lambda: record(every=0.7), "every is 0.7"),
    "a duration between two steps": (lambda: network()[0].run(0.7), "duration is 0.7"),
    "a negative duration": (lambda: network()[0].run(-1.0), "duration is -1"),
    "negative spike times": (
        lambda: network()[0].add_spike_trains("c", 2, [-1.0], [0]),
        "times holds -1",
    ),
    "a spike of a neuron that is not there": (
        lambda: network()[0].add_spike_trains("c", 2, [1.0], [2]),
        "ids holds 2",
    ),
    "two spikes of a neuron in one step": (
        lambda: network()[0].add_spike_trains("c", 2, [1.0, 1.1], [0, 0]),
        "two spikes of neuron 0",
    ),
    "images too bright": (
        lambda: network()[0].add_images("c", [[2.0]], rate=10.0, duration=5.0),
        "images holds 2",
    ),
    "a body that is no function": (
        lambda: network()[0].add_phase("body", state={}),
        "body is 'body'",
    ),
    "a state that is no array": (
        lambda: network()[0].add_phase(lambda i, t, s, p: None, state={"x": [1.0]}),
        r"state\['x'\]",
    ),
    "a body with three arguments": (
        lambda: network()[0].add_phase(three, state={}),
        r"body is .*three\(i, t, s\) \(line \d+ of .*test_refusals.py\), with 3 arguments; "
        r"it has to be body\(i, t, s, p\)",
    ),
    "an over with four arguments": (
        lambda: network()[0].add_phase(body, body, state={}),
        r"over is .*body\(i, t, s, p\) .*, with 4 arguments; it has to be over\(t, s, p\)",
    ),
    "a step with three arguments": (
        lambda: Neuron(steps=[body, three]),
        r"steps\[1\] is .*three\(i, t, s\) .*; it has to be step\(i, t, s, p\)",
    ),
    "a step with five arguments": (
        lambda: Neuron(steps=[five]),
        r"steps\[0\] is .*five\(i, t, s, p, q\) .*, with 5 arguments; it has to be step",
    ),
    "a step on a spike with three arguments": (
        lambda: Neuron(steps=[body], on_spike=[three]),
        r"on_spike\[0\] is .*three\(i, t, s\)",
    ),
    "a method as a step": (
        lambda: Neuron(steps=[Holder().step]),
        r"steps\[0\] is <bound method .*; it has to be a plain function step.*, not a method",
    ),
    "a partial function as a body": (
        lambda: network()[0].add_phase(partial(five, q=1), state={}),
        r"body is functools.partial.*; it has to be a plain function body\(i, t, s, p\)",
    ),
    "an object that can be called as a step": (
        lambda: Neuron(steps=[Holder()]),
        "has to be a plain function",
    ),
    "an array as a parameter of a Phase": (
        lambda: network()[0].add_phase(body, state={}, params={"I": np.ones(3)}),
        r"params\['I'\] is array.*; arrays belong in state",
    ),
    "an array as a parameter's default": (
        lambda: Neuron(steps=[body], parameters={"I": np.ones(3)}),
        r"parameters\['I'\] is array.* one number for all; add_population takes one for each",
    ),
    "a parameter of too few neurons": (
        lambda: network()[0].add_population("c", 3, LIF, tau=np.ones(2)),
        r"tau has shape \(2,\); it has to be \(3\)",
    ),
    "an array as a variable's start": (
        lambda: Neuron(steps=[body], variables={"v": np.ones(3)}),
        r"variables\['v'\] is array.*; give each its own by cells.v\[:\] = ...",
    ),
    "a parameter that becomes an array": (
        lambda: assign_parameter(np.ones(3)),
        r"parameter k is an array; a parameter is one number, and arrays belong in the state",
    ),
    "a backend that is called otherwise": (
        lambda: Network(backend="gpu"),
        "backend is 'gpu'; it has to be one of 'cpu', .*'cuda'. Did you mean 'cuda'",
    ),
    "a backend in capitals": (lambda: Network(backend="CPU"), "Did you mean 'cpu'"),
    "a backend that is a way to do it": (
        lambda: Network(backend="multicore"),
        "Did you mean 'threads'",
    ),
    "a whole-number parameter with a fraction": (
        lambda: network()[0].add_population("c", 2, Neuron([], parameters={"k": 2}), k=0.5),
        "k is 0.5",
    ),
}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(*case, id=name)
        for part in (MODEL, DATA, NETWORK)
        for name, case in part.items()
    ],
)
def test_bad_input_is_refused_with_its_own_sentence(call, sentence):
    with pytest.raises((InputError, OSError), match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


COMMANDS = {
    "an unknown command": (["trian"], "trian"),
    "an unknown dataset": (["train", "segregated", "--dataset", "mnits"], "mnits"),
    "an unknown option": (["train", "segregated", "--hiden", "5"], "--hiden"),
    "layers that are no numbers": (["train", "segregated", "--hidden", "many"], "--hidden"),
    "no epochs": (["train", "segregated", "--epochs", "0"], "--epochs is 0"),
    "a model option as text": (["train", "segregated", "--g_A=weak"], "--g_A"),
    "an impossible model option": (["train", "segregated", "--tau_s=-1"], "tau_s is -1"),
    "a run that is not there": (["resume", "nowhere"], "nowhere is not a run directory"),
}


@pytest.mark.parametrize(("words", "sentence"), COMMANDS.values(), ids=COMMANDS)
def test_the_command_line_refuses_in_a_line_and_leaves_no_directory(
    words, sentence, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_directory_that_holds_a_run_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "run.h5").write_bytes(b"something")
    assert main(["train", "segregated", "--out", str(tmp_path)]) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (tmp_path / "run.h5").read_bytes() == b"something"


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + b"\0" * 40])
def test_a_damaged_run_file_is_named_in_one_line(content, tmp_path, capsys):
    (tmp_path / "run.h5").write_bytes(content)
    assert main(["info", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "run.h5" in error
    assert error.count("\n") == 1
