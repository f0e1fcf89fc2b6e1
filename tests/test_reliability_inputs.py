"""No typo crashes the interpreter: what thousands of bad inputs found, and a short search."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from spikesim import (
    LIF,
    DoubleExponential,
    FileError,
    InputError,
    Izhikevich,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    Replicas,
    ShortTermPlasticity,
    SimulationError,
    checks,
    plot,
)
from spikesim.bursts import binned_rates
from spikesim.checks import check_array, check_integer, check_number, check_steps
from spikesim.datasets import download_mnist
from spikesim.errors import BodyError
from spikesim.io.files import open_file
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import (
    BurstPlasticity,
    ExclusiveOrNetwork,
    Pyramidal,
    pairing,
    propagation,
    transfer,
)
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.patterns import SpikePattern, check_pattern, from_trains
from spikesim.sonata import TraceWriter, read_traces
from spikesim.spiketrains import van_rossum_distance, van_rossum_loss, van_rossum_trace
from spikesim.sweep import grid, sweep
from tests.reliability import bounds, calls, inputs
from tests.waiting import HANG

PAIRS = PairSTDP(A_plus=0.1, A_minus=0.1, w_max=9.0)


def network(backend="python"):
    net = Network(dt=0.5, seed=1, backend=backend)
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 900.0
    return net, source, net.add_population("cells", 3, LIF)


def connect(weight=1.0, **options):
    net, source, cells = network()
    return net.connect(source, cells, target="drive", weight=weight, **options)


def wrong_csr(**parts):
    matrix = sparse.csr_array(np.ones((4, 3)))
    for name, values in parts.items():
        setattr(matrix, name, np.array(values, np.int32))
    return matrix


def wrong_coo():
    matrix = sparse.coo_array(np.ones((4, 3)))
    matrix.row[0] = 7_000_000
    return matrix


def assign(part, value):
    setattr(connect(probability=0.9, delay=1.0), part, value)


def assign_dense(part, value):
    setattr(connect(), part, value)


def masked_elements():
    with TraceWriter("masked.h5", dt=1.0) as writer:
        writer.add_population("cells", [0], elements=np.ma.masked_all(3))


def assume(event_rate, **options):
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, Pyramidal)
    events, bursts = net.add_events("events", cells), net.add_bursts("bursts", cells)
    BurstPlasticity(net, cells, events, bursts, [], eta=0.1, **options).assume(event_rate, 0.3)


def restored(owner, name, value):
    net, *_ = network()
    net.add_spike_trains("trains", 2, [1.0], [0])
    net.add_images("images", np.full((2, 3), 0.5), rate=50.0, duration=2.0)
    state = net.state()
    arrays = {key: {k: a.copy() for k, a in part.items()} for key, part in state["arrays"].items()}
    arrays[owner][name][...] = value
    net.set_state({**state, "arrays": arrays})


def restored_whole(owner, value):
    net, *_ = network()
    state = net.state()
    net.set_state({**state, "arrays": {**state["arrays"], owner: value}})


def body(i, t, s, p):
    s.x[i] = closed_over.missing  # noqa: F821 - there is no such thing


def add(i, t, s, p):
    s.x[i] += p.k


REFUSED = {
    # weights and delays
    "ragged weights": (lambda: connect([[1.0, 2.0], [3.0]]), "weight is not a regular array"),
    "ragged delays": (lambda: connect(delay=[[1.0, 2.0], [3.0]]), "delay is not a regular array"),
    "a weight that float32 cannot hold": (lambda: connect(1e39), "weight is 1e[+]39; .* float32"),
    "the same with a rule": (lambda: connect(1e39, probability=0.5), "weight is 1e[+]39"),
    "weights that float32 cannot hold": (
        lambda: connect(np.full((4, 3), 1e39)),
        "weight holds 1e[+]39; .* largest float32",
    ),
    "drawn weights that float32 cannot hold": (
        lambda: connect(lambda chance, size: np.full(size, 1e39), indegree=2),
        "weight holds 1e[+]39",
    ),
    "delays of a wrong number without a synapse": (
        lambda: connect(indegree=0, delay=[1.0, 2.0]),
        r"delay has shape \(2,\); it has to be \(0\)",
    ),
    "a function of another signature": (lambda: connect(lambda: 1.0), "weight is a function that"),
    "a function that draws nothing": (
        lambda: connect(lambda c, n: None),
        "weight has dtype object",
    ),
    "masked weights": (lambda: connect(np.ma.masked_all((4, 3))), "weight has masked elements"),
    "a column out of range": (
        lambda: connect(wrong_csr(indices=[0, 99, 2] * 4)),
        "weight is a sparse array that is damaged",
    ),
    "a negative column": (
        lambda: connect(wrong_csr(indices=[0, -5, 2] * 4)),
        "weight is a sparse array that is damaged",
    ),
    "rows that fall": (lambda: connect(wrong_csr(indptr=[0, 9, 2, 1, 4])), "damaged"),
    "too few rows": (lambda: connect(wrong_csr(indptr=[0, 1])), "damaged"),
    "a row out of range": (lambda: connect(wrong_coo()), "damaged: an index is not from 0 to 3"),
    "more synapses than memory": (lambda: connect(synapses=10**14), "synapses is 1000000"),
    "more synapses than memory, by indegree": (
        lambda: connect(indegree=10**14, multapses=True),
        "indegree is 1000000",
    ),
    "a rule that is an array": (lambda: connect(one_to_one=np.ones(2)), "one_to_one is array"),
    "a time course of any length": (
        lambda: connect(kernel=DoubleExponential(memory=2**40)),
        "memory is 1099511627776",
    ),
    "a time course of an array": (
        lambda: connect(kernel=DoubleExponential(tau_rise=np.ones(2))),
        "tau_rise is array",
    ),
    "pairs without end": (lambda: connect(plasticity=PAIRS._replace(tau_plus=1e300)), "tau_plus"),
    # populations
    "more neurons than can be numbered": (
        lambda: network()[0].add_population("big", 2**40, LIF),
        "n is 1099511627776",
    ),
    "more neurons than memory": (
        lambda: network()[0].add_population("big", 2**31 - 100, Neuron([], most_spikes=1 << 16)),
        "n is 2147483548, which takes",
    ),
    "a parameter that float32 cannot hold": (
        lambda: network()[0].add_population("big", 2, LIF, E_L=1e39),
        "E_L is 1e[+]39",
    ),
    "a refractory period without end": (
        lambda: network()[0].add_population("big", 2, LIF, refractory=1e300),
        "refractory is 1e[+]300",
    ),
    "steps that are no functions": (lambda: Neuron(steps=3), "steps is 3"),
    "a variable of another's name": (
        lambda: Neuron(steps=[], variables={"spike": 0.0}),
        "variables has 'spike'",
    ),
    "a variable that is no number": (
        lambda: Neuron(steps=[], variables={"v": "rest"}),
        r"variables\['v'\] is 'rest'",
    ),
    "no image at all": (
        lambda: network()[0].add_images("i", np.zeros((0, 3)), rate=1.0, duration=1.0),
        "there has to be at least one image",
    ),
    "times beyond all steps": (
        lambda: network()[0].add_spike_trains("t", 2, [1e300], [0]),
        "times holds 1e[+]300",
    ),
    "a background without end": (
        lambda: network()[0].add_background(network()[2], "drive", 1.0, 1.0),
        "population has to be",
    ),
    "a trace of nothing": (lambda: network()[0].add_trace("cells", 5.0), "population has to be"),
    "a recording of nothing": (
        lambda: network()[0].record_spikes("cells"),
        "population has to be a population of this network",
    ),
    "variables that are no names": (
        lambda: (lambda net, _, cells: net.record(cells, 3))(*network()),
        "variables is 3",
    ),
    "a run without end": (lambda: network()[0].run(1e300), "duration is 1e[+]300 ms; .* 2.62"),
    "steps that are no number": (lambda: network()[0].run_steps(2.5), "steps is 2.5"),
    "progress that is no function": (
        lambda: network()[0].run(1.0, progress="yes"),
        "progress is 'yes'",
    ),
    "a body that cannot be compiled": (
        lambda: (lambda net: [net.add_phase(body, state={"x": np.zeros(2)}), net.run(1.0)])(
            network()[0]
        ),
        "body",
    ),
    # arrays that belong to compiled code
    "targets": (lambda: assign("target", np.array([99])), "target of .* cannot be set"),
    "rows": (lambda: assign("start", np.array([99])), "start of .* cannot be set"),
    "a delay": (lambda: assign("delay", 40), "delay of .* cannot be set"),
    "weights of a wrong shape": (
        lambda: assign("weight", np.ones(99)),
        r"weight has shape \(99,\)",
    ),
    "weights of NaN": (lambda: assign("weight", [np.nan]), "weight holds NaN"),
    "W of a wrong shape": (lambda: assign_dense("W", np.ones((3, 4))), r"W has shape \(3, 4\)"),
    "W of a sparse projection": (lambda: assign("W", np.ones((4, 3))), "W cannot be set"),
    "lists of spikes": (
        lambda: setattr(network()[1], "ids", np.zeros(9)),
        "ids of 'source' cannot be set",
    ),
    "a variable of a wrong shape": (
        lambda: setattr(network()[2], "v", np.zeros(2)),
        r"v has shape \(2,\); it has to be \(3\)",
    ),
    "recorded neurons": (
        lambda: (lambda net, _, cells: setattr(net.record(cells, "v"), "neurons", [9]))(*network()),
        "neurons of the recording of 'cells' cannot be set",
    ),
    "spikes of a neuron that is not there": (
        lambda: network()[0].add_spike_trains("t", 2, [1.0], [0]).replace([1], [7], None, 0),
        "ids holds 7",
    ),
    "more spikes than there is room for": (
        lambda: network()[0].add_spike_trains("t", 2, [], []).replace([1] * 5, [0] * 5, None, 0),
        "more than 4 spikes of neuron 0",
    ),
    # saved states
    "a saved list of spikes": (
        lambda: restored("source", "count", 999),
        r"saved source\.count holds 999",
    ),
    "a saved neuron": (
        lambda: restored("trains", "next", 999),
        r"saved trains\.next holds 999",
    ),
    "a saved pixel": (lambda: restored("images", "pixel", 999), r"saved images\.pixel holds 999"),
    "a saved clock": (lambda: restored("images trials", "clock", 999), "saved clock holds 999"),
    "no state": (lambda: network()[0].set_state(3.0), "state lacks a part"),
    # numbers
    "a number without end": (lambda: check_number("x", 10**400), "x is 1000"),
    "a complex number": (lambda: check_number("x", np.complex64(1j)), "x is "),
    "a number of 5000 digits": (lambda: check_integer("x", 10**5000, at_most=3), "x is a int|x is"),
    "a time without end": (lambda: check_steps("x", 1e308, 0.1), "x is 1e[+]308 ms"),
    "whole numbers that do not fit": (
        lambda: check_array("x", [2.0**63], dtype=np.int64),
        "x holds 9.22337e[+]18; every element has to fit into int64",
    ),
    "a mirror that is a damaged matrix": (
        lambda: download_mnist("mnist", mirrors=[wrong_csr(indptr=[0, 9, 2, 1, 4])]),
        "mirrors holds <.*[Ss]parse",
    ),
    "a block with a damaged matrix as its name": (
        lambda: plot.weight_change(*[[0.0, 1.0]] * 3, blocks=[(0.0, 1.0, wrong_csr())]),
        "the name of a block is <.*[Ss]parse",
    ),
    "a result whose square overflows": (
        lambda: plot.sweep([1.0, 2.0], [[1.0, 1e300]] * 2, xlabel="x", ylabel="y"),
        "result holds infinite numbers, or some above 1e100",
    ),
    "a trace larger than memory": (
        lambda: van_rossum_trace([1.0], 2.0**40, dt=0.1),
        "duration is 1.09951e[+]12 ms in steps of 0.1 ms, which takes",
    ),
    "a time constant of almost nothing": (
        lambda: van_rossum_loss([1.0], [2.0], tau_rise=5e-324),
        "tau_rise is 5e-324",
    ),
    "a spike beyond all steps": (
        lambda: check_pattern("shown", SpikePattern([1e308], [0], 2, 3.0), dt=0.1),
        "shown holds a spike at 1e[+]308 ms",
    ),
    "a bound beyond all floats": (lambda: assume(1.0, most=10**400), "most is 1000"),
    "a time constant of a new neuron below zero": (
        lambda: Neuron(steps=[], parameters={"tau_x": -1.0}),
        r"parameters\['tau_x'\] is -1.0; it has to be a finite number above 0",
    ),
    "a number that half precision cannot compare": (
        lambda: check_array("x", np.float16([-1.0]), at_least=0.0, at_most=1e300),
        "x holds -1",
    ),
    "a whole number beyond 64 bits": (lambda: check_integer("x", 10**400), "x is 1000"),
    "more synapses than a float can count": (lambda: connect(synapses=10**400), "synapses is 1000"),
    # what others make of it
    "replicas of nothing": (lambda: Replicas.of("Network", seed=[1]), "build is 'Network'"),
    "a function of nothing": (
        lambda: Replicas([network()[0]]).each("seed"),
        "function is 'seed'",
    ),
    "bins without end": (
        lambda: binned_rates([1.0], [0], n=1, duration=1e9, bin_width=1e-300),
        "bin_width is 1e-300",
    ),
    "a title for all": (
        lambda: plot.rasters([([1.0], [0])], titles=3),
        "titles is 3",
    ),
    "a colour of nothing": (lambda: plot.raster(([1.0], [0]), color=0.07), "color is 0.07"),
    "a history of nothing": (lambda: plot.learning_curve(3), "history is 3"),
    "a neuron number without end": (
        lambda: plot.raster(([1.0], [2**62])),
        "spikes has 4611686018427387904 neurons",
    ),
    "a curve of text": (lambda: transfer.AUTHORS_LATERAL.at("100"), "dendritic_current is '100'"),
    # files and models
    "parts of a neuron that are masked": (lambda: masked_elements(), "elements is masked_array"),
    "a kind of file that is a matrix": (
        lambda: open_file("run.h5", sparse.csr_array((3, 3))),
        "kind is <",
    ),
    "a current that float32 cannot hold": (
        lambda: ExclusiveOrNetwork(current_for_0=1e39),
        "current_for_0 is 1e[+]39",
    ),
    "a range that float32 cannot hold": (
        lambda: BurstEnsembleNetwork((4, 3, 2), Y_range=(1e300,)),
        r"Y_range\[0\] is 1e[+]300",
    ),
    "more neurons than a float can count": (
        lambda: propagation.Propagation(n=10**400),
        "n is 1000",
    ),
    "weights that do not fit into memory": (
        lambda: SuperSpikeNetwork((10**15, 1)),
        r"sizes is \(1000.* which takes",
    ),
    "output neurons that do not fit into memory": (
        lambda: SegregatedDendriteNetwork((4, 3, 2), units_per_class=2**40),
        "units_per_class is 1099511627776, which takes",
    ),
    "an average that float32 cannot hold": (lambda: assume(1e39), "event_rate [*] alpha is 2e"),
    "sets without a length": (
        lambda: sweep(len, np.array(None), "swept"),
        "sets is a ndarray; it has to be a list",
    ),
    "a unit of several lines": (
        lambda: TraceWriter("unit.h5", dt=1.0, unit=sparse.csr_array((3, 3))),
        "unit is <.*[Ss]parse",
    ),
    "angles without end": (
        lambda: plot.angle({"epoch": [1, 2], "angle": [[80.0], [np.inf]]}),
        "angle'. holds infinite numbers",
    ),
    "weights whose squares overflow": (
        lambda: plot.receptive_fields(np.full((4, 1), 1e300), (2, 2)),
        "W holds 1e[+]300",
    ),
    "angles beyond a half turn": (
        lambda: plot.angle({"epoch": [1, 2], "angle": [[80.0], [1e6]]}),
        "angle'. holds numbers that are not from 0 to 180",
    ),
    "a grid of values that fail": (
        lambda: grid(eta=(1.0 / k for k in range(2))),
        "eta is .* a list of values",
    ),
    "steps beyond counting": (
        lambda: van_rossum_trace([1.0], 10.0, dt=5e-324),
        "in steps of 4.94066e-324 ms",
    ),
    "a time constant below any step": (
        lambda: Network().add_population("cells", 2, LIF, tau=5e-324),
        "tau is 5e-324; .* at least 1e-09",
    ),
    "a unit that HDF5 cannot hold": (
        lambda: TraceWriter("unit.h5", dt=1.0, unit="a\0b"),
        "unit is .* a text such as",
    ),
    "a variable that begins beyond float32": (
        lambda: Network().add_population("cells", 2, Neuron(steps=(), variables={"v": 1e39})),
        "variables: v is 1e[+]39",
    ),
    "a history that is one number": (
        lambda: plot.learning_curve({"epoch": [1], "training_error": np.array(None)}),
        "history.'training_error'. is .* a list",
    ),
    "angles that are one number": (
        lambda: plot.angle({"epoch": [1], "angle": np.array(85.0)}),
        "history.'angle'. is .* a list",
    ),
    "a history that is a broken sparse array": (
        lambda: plot.learning_curve({"epoch": wrong_csr(indices=99), "test_error": [1.0]}),
        "history.'epoch'. is .* a list",
    ),
    "epochs that are not finite": (
        lambda: plot.pattern_rates(
            {"epoch": [1, np.nan], "cost": [1.0, 2.0], "output_rate": [[1.0], [2.0]]}, ["off"]
        ),
        "history.'epoch'. holds NaN",
    ),
    "a history without epochs": (
        lambda: plot.pattern_rates(
            {"epoch": [], "cost": [], "output_rate": np.zeros((0, 1))}, ["off"]
        ),
        "history has no epochs",
    ),
    "a saved population that is a sparse array": (
        lambda: restored_whole("source", wrong_csr(indices=99)),
        "saved source is .* dict of arrays",
    ),
    "a whole number of more than 64 bits for a body": (
        lambda: Network().add_population("cells", 2, Neuron(steps=(), parameters={"k": 2**63})),
        "constants makes k 9223372036854775808 of that; .* 64 bits",
    ),
    "a whole number below 64 bits": (lambda: check_integer("k", -(2**70)), "at least -92"),
    "a rate that no float32 weights make up for": (
        lambda: SegregatedDendriteNetwork((4, 3, 2), phi_max=1e-300),
        "phi_max is 1e-300; .* at least 1e-09",
    ),
    "an average over no time": (
        lambda: SuperSpikeNetwork((3, 2), tau_avg=5e-324),
        "tau_avg is 5e-324; .* at least 1e-09",
    ),
    "a span of time as a number": (
        lambda: check_number("dt", np.timedelta64(1, "ms")),
        "dt is .*; it has to be a finite number",
    ),
    "a span of time as a whole number": (
        lambda: check_integer("epochs", np.timedelta64(3, "ms")),
        "epochs is .*; it has to be a whole number",
    ),
    "half a character in a unit": (
        lambda: TraceWriter("unit.h5", dt=1.0, unit="\ud800"),
        "unit is .* a text such as",
    ),
    "half a character in a name": (
        lambda: Network().add_population("\ud800", 2, LIF),
        "name is .* has to be letters",
    ),
    "a parameter that a kernel would cut off": (
        lambda: Network().add_phase(
            add, over=3, state={"x": np.zeros(3)}, params={"k": Fraction(1, 3)}
        ),
        "params.'k'. is Fraction.1, 3.; it has to be a float, or a whole number",
    ),
    "images of different sizes": (
        lambda: BurstEnsembleNetwork((4, 3, 2)).record([[0.1, 0.2], [0.3]], [0]),
        "images is not a regular array",
    ),
}


@pytest.mark.parametrize(("call", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_crashed_hung_or_raised_something_else_is_refused(call, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_fraction_as_a_parameter_is_the_number_that_it_is():
    neuron = Neuron(steps=(), parameters={"leak": Fraction(1, 3)})
    assert Network().add_population("cells", 2, neuron).params["leak"] == 1 / 3


def test_a_whole_number_of_a_body_that_becomes_a_fraction_is_not_cut_off():
    net, *_ = network()
    x = np.zeros(3)
    phase = net.add_phase(add, over=3, state={"x": x}, params={"k": 2})
    net.run(0.5)
    phase.params["k"] = 0.5
    with pytest.raises(BodyError, match=r"parameter k is 0\.5; it was a whole number"):
        net.run(1.0)
    phase.params["k"] = 3.0
    net.run(0.5)
    assert x.tolist() == [5.0, 5.0, 5.0]


def test_a_parameter_that_becomes_no_number_stops_the_next_run_before_it_begins():
    net, _, cells = network()
    net.run(0.5)
    cells.params["decay_drive"] = None
    with pytest.raises(BodyError, match=r"parameter decay_drive is None; .* a number"):
        net.run(1.0)
    cells.params["decay_drive"] = 0.5
    net.run(1.0)


def test_a_name_given_as_a_numpy_text_can_be_recorded_to_a_file(tmp_path):
    net, _, cells = network()
    path = tmp_path / "v.h5"
    recording = net.record(cells, np.array(["v"]), path=path, unit=np.str_("mV"))
    net.run(1.0)
    recording.close()
    (traces,) = read_traces(path).values()
    assert (traces.unit, traces.data.shape) == ("mV", (2, 3, 1))


def test_an_error_about_a_path_of_two_lines_is_one_line():
    with pytest.raises(FileError) as caught:
        open_file("no\nfile", "kind")
    assert str(caught.value) == "There is no file no file; check the path."


def test_what_memory_has_no_room_for_is_refused_by_the_name_of_its_argument(monkeypatch):
    monkeypatch.setattr(checks, "memory", lambda: np.inf)  # of a machine that others use too
    with pytest.raises(InputError, match=r"synapses is 9, which takes 2.31e\+09 GB .* not free"):
        checks.allocate("synapses is 9", (1 << 30, 1 << 29), "float32")


@pytest.mark.parametrize("name", ["start", "target", "later"])
def test_arrays_that_compiled_code_relies_on_cannot_be_written_to(name):
    synapses = connect(indegree=2, delay=[0.5, 1.5] * 3)
    with pytest.raises(ValueError, match="read-only"):
        getattr(synapses, name)[:] = 9999


def test_the_lists_of_spikes_cannot_be_written_to():
    _, source, _ = network()
    with pytest.raises(ValueError, match="read-only"):
        source.ids[:] = 9999


def test_a_matrix_of_delays_goes_with_a_matrix_of_weights():
    weights, delays = np.arange(12.0).reshape(4, 3), np.linspace(0.5, 6.0, 12).reshape(4, 3)
    synapses = connect(weights, delay=delays)
    np.testing.assert_array_equal(synapses.weight, weights.reshape(-1))
    np.testing.assert_array_equal((synapses.delay_steps + synapses.later) * 0.5, delays.reshape(-1))


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_an_overflow_stops_the_run_without_a_warning_of_numpy(backend):
    net = Network(dt=0.5, backend=backend)
    net.add_population("cells", 2, Izhikevich, b=2.0**120)
    with pytest.raises(SimulationError, match="v of neuron 0 in population 'cells' is "):
        net.run(5.0)


def test_parameters_of_models_may_be_numpy_numbers_of_any_type():
    net = SuperSpikeNetwork((3, 2), w_max=np.uint64(5), psp_cut=np.int8(1), eta=np.float16(0.5))
    assert [net.parameters.w_max, net.parameters.cut, net.parameters.eta] == [5.0, 1.0, 0.5]
    assert min(w.min() for w in net.W) >= -5.0


def test_minus_zero_is_zero():
    assert not BurstEnsembleNetwork((4, 3, 2), W_range=-0.0).W[0].any()
    assert not BurstpropNetwork((4, 3, 2), Y_sd=-0.0).Y[0].any()
    assert not np.signbit(check_number("x", -0.0))


def test_constants_may_be_numpy_numbers_of_any_type():
    neuron = Neuron(
        steps=(), variables={"v": 0.0}, constants=lambda p, dt: {"leak": np.float16(0.5)}
    )
    assert Network().add_population("cells", 2, neuron).params["leak"] == 0.5


def test_a_synapse_whose_time_constant_is_an_age_is_never_forgotten():
    net = SuperSpikeNetwork((3, 2), tau_decay=2.0**31, backend="python", dtype="float64")
    net.fit(from_trains([[1.0], [2.0], []], 20.0), from_trains([[4.0], []], 20.0), 2, block=20.0)
    assert np.isfinite(net.W[0]).all()


def test_spikes_are_all_different_for_a_time_constant_of_almost_nothing():
    assert van_rossum_distance([1.0, 2.0], [1.5], tau=5e-324) == pytest.approx(3**0.5)


def test_rates_that_are_true_or_false_are_drawn_as_numbers():
    axes = plot.multiplexing([0.0, 1.0], [True, False], *[[0.5, 0.7]] * 3)
    assert axes[0].lines[0].get_ydata().tolist() == [1.0, 0.0]


def test_spike_trains_may_be_masked_arrays_without_a_masked_spike():
    trains = [np.ma.masked_invalid([5.0])], [np.ma.masked_invalid([5.0, 15.0])]
    plain = [[5.0]], [[5.0, 15.0]]
    assert pairing.weight_changes(*trains, 5.0, 0.15, "python") == pairing.weight_changes(
        *plain, 5.0, 0.15, "python"
    )


def test_a_variable_set_as_a_whole_is_written_into():
    net, _, cells = network()
    cells.v = -60.0
    assert cells.state["v"].tolist() == [-60.0] * 3
    cells.v = [-61.0, -62.0, -63.0]
    assert cells.state["v"].tolist() == [-61.0, -62.0, -63.0]
    net.run(1.0)


def test_weights_set_as_a_whole_act_in_the_next_run():
    net, source, cells = network()
    source.rate[:] = 2000.0
    synapses = net.connect(source, cells, target="drive", weight=0.0, probability=1.0)
    net.run(5.0)
    assert not cells.drive.any()
    synapses.weight = np.full(synapses.size, 2.0)
    net.run(5.0)
    assert cells.drive.all()


@pytest.mark.parametrize("dense", [True, False])
def test_a_plastic_weight_that_becomes_nan_stops_the_run_and_names_the_projection(dense):
    net, source, cells = network()
    rule = {} if dense else {"probability": 1.0}
    synapses = net.connect(
        source, cells, target="drive", weight=1.0, plasticity=PAIRS, name="plastic", **rule
    )
    source.rate[:] = 0.0  # nothing arrives that would make a voltage NaN first
    net.run(1.0)
    (synapses.W if dense else synapses.weight)[0] = np.nan
    with pytest.raises(SimulationError, match="a weight of projection 'plastic' is NaN"):
        net.run(1.0)


def test_weights_that_do_not_learn_are_not_looked_at():
    net, source, cells = network()
    source.rate[:] = 0.0
    net.connect(source, cells, target="drive", weight=1.0).W[0] = np.nan
    net.run(1.0)


def test_extreme_time_constants_of_short_term_plasticity_act_as_their_limits():
    synapses = connect(probability=1.0, short_term=ShortTermPlasticity(tau_D=5e-324, tau_F=1e300))
    synapses.post.network.run(5.0)
    assert np.isfinite(synapses.x).all()


def test_an_equation_that_cannot_be_compiled_is_an_input_error():
    assert issubclass(BodyError, InputError)


# ---- the search itself ------------------------------------------------------------------------


def test_every_public_call_has_an_example_or_a_reason_why_not():
    assert calls.uncovered() == []
    assert calls.stale() == []


def test_bad_inputs_of_a_short_search_are_refused():
    outcomes = inputs.run(seed=11, count=250, jobs=2)
    assert len(outcomes) == 250
    defects = [outcome for outcome in outcomes if outcome["kind"] == "defect"]
    assert not defects, inputs.table(outcomes) + "\n" + "\n".join(map(str, defects))
    refused = sum(outcome["kind"] == "refused" for outcome in outcomes)
    assert refused > 150  # it does try bad ones


def test_python_without_asserts_refuses_the_same():
    usual, optimised = (
        [
            (outcome["name"], outcome["what"], outcome["kind"])
            for outcome in inputs.run(seed=12, count=100, jobs=2, program=program)
        ]
        for program in (inputs.PROGRAM, [inputs.PROGRAM[0], "-O", *inputs.PROGRAM[1:]])
    )
    assert optimised == usual
    assert sum(kind == "refused" for _, _, kind in usual) > 60


CLOCK = """
import time, numba
from tests.reliability import inputs

def compiles(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds:
        numba.njit(lambda x: x + 1.0)(1.0)

numba.njit(lambda x: x + 1.0)(1.0)
inputs.LIMIT = 0.5
clock = inputs.Clock()
clock.start()
clock.set(lambda: False)
compiles(4.0 * inputs.LIMIT)
print("compiled")
try:
    while True:
        pass
except inputs.TooLong:
    print("stopped")
inputs.LIMIT, inputs.ENOUGH = 1e9, 0.2
clock.set(lambda: True)
try:
    while True:
        pass
except inputs.TooLong:
    print("stopped what may last")
"""


def test_a_call_that_hangs_is_stopped_and_compilation_does_not_count():
    done = subprocess.run(
        [sys.executable, "-c", CLOCK], capture_output=True, text=True, timeout=HANG, check=True
    )
    assert done.stdout.splitlines() == ["compiled", "stopped", "stopped what may last"]


def test_every_bad_value_is_tried_once_in_place_of_each_argument_and_part():
    paths, path, chosen = 0, [], []
    while path is not None:
        chance = inputs.Each(path)
        chosen.append(inputs.spoil({"a": 1, "b": (2, "fast")}, chance)[0])
        path = chance.following()
        paths += 1
    numbers = len(inputs.SCALARS) + len(inputs.ARRAYS)
    assert paths == len(chosen) > 3 * numbers
    wanted = {*inputs.SCALARS, "without a", "without b"}
    wanted |= {f"[{key}] {name}" for name in inputs.SCALARS for key in ("a", "b", "b] [0", "b] [1")}
    wanted |= {f"[a] {name}" for name in inputs.ARRAYS} | {"[b] [1] a typo"}
    assert wanted <= set(chosen)


def test_a_search_without_chance_makes_every_case_of_a_call():
    (name,) = {name for name in inputs.entries() if name.endswith("PairSTDP")}
    outcomes = inputs.run_every([name], jobs=1)
    tried = [outcome["what"] for outcome in outcomes]
    assert len(tried) == len(set(tried)) > 6 * len(inputs.SCALARS)
    assert {outcome["kind"] for outcome in outcomes} == {"refused", "accepted"}


def test_the_search_finds_errors_of_others_and_messages_without_a_name():
    judge = inputs.judge
    assert judge(ValueError("no"), "the call", ["weight"], {})["kind"] == "defect"
    assert judge(InputError("That is bad."), "the call", ["weight"], {})["kind"] == "defect"
    assert judge(InputError("weight is 3."), "the call", ["weight"], {})["kind"] == "refused"


def test_the_search_survives_a_crash_of_the_interpreter_and_names_the_case():
    crash = (
        "import os, sys\n"
        "plan, first, last, report = sys.argv[1:]\n"
        "for k in range(int(first), int(last)):\n"
        "    open(report, 'a').write('{\"begun\": %d}\\n' % k)\n"
        "    if k == 1:\n"
        "        os.abort()\n"
        '    print(\'{"done": %d, "kind": "refused"}\' % k, file=open(report, \'a\'))\n'
    )
    process = inputs.Process("0", 0, 3, [sys.executable, "-c", crash])
    while not process.is_over():
        process.process.wait()
    assert [outcome["kind"] for outcome in process.outcomes] == ["refused", "defect", "refused"]
    assert "interpreter ends" in process.outcomes[1]["why"]


# ---- bounds -----------------------------------------------------------------------------------


def test_an_index_out_of_bounds_in_a_compiled_loop_is_found(capfd):
    assert bounds.main(["--only", "no such network"]) == 0
    assert "A body that is wrong on purpose is found out." in capfd.readouterr().out


def test_the_search_for_overruns_fails_where_indices_are_not_checked(monkeypatch, capfd):
    monkeypatch.setattr(bounds, "CHECKED", "0")
    assert bounds.main(["--only", "no such network"]) == 1
    assert "Indices are not checked" in capfd.readouterr().out
