"""Networks from and to NIR: equations, other programs' spikes, round trips, refusals.

The oracles are the equations of NIR, solved by SciPy or by hand, and the spikes of snnTorch, which
`tests/nir_peer.py` has written.
"""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import LIF, Network, datasets, patterns
from spikesim import nir as doors
from spikesim.errors import FileError, InputError
from tests import nir_peer

package = pytest.importorskip("nir", reason="pip install nir")
QUIET = dict(backend="python")


def graph_of(*nodes, **names):
    """A chain of nodes, or a graph of nodes by name in their order, without checks of types."""
    named = names or {f"n{k}": node for k, node in enumerate(nodes)}
    return package.NIRGraph(named, list(itertools.pairwise(named)), type_check=False)


def given(n):
    return package.Input(input_type={"input": np.array([n])})


def shown(n):
    return package.Output(output_type={"output": np.array([n])})


def lif(n=1, tau=8e-3, threshold=1.0, **more):
    values = dict(tau=tau, r=1.0, v_leak=0.0, v_threshold=threshold, v_reset=0.0) | more
    return package.LIF(**{key: np.full(n, float(value)) for key, value in values.items()})


def played(net, values, what="v"):
    """The voltages of the last population, and the spikes, for an input of the first one."""
    *_, last = net.populations.values()
    voltage = net.record(last, what)
    spikes = net.record_spikes(last) if last.neuron.most_spikes else None
    next(iter(net.populations.values())).feed(values)
    net.run_steps(len(values))
    return getattr(voltage, what), spikes


# ---- what other programs do -----------------------------------------------------------------


def spikes_of(net, values):
    """The spikes of each layer, shape (steps, trials, neurons), for a trial after another."""
    source, *layers = net.populations.values()
    recordings = [net.record_spikes(layer) for layer in layers]
    found = [np.zeros((*values.shape[:2], layer.n), bool) for layer in layers]
    for trial in range(values.shape[1]):
        net.reset()
        source.feed(values[:, trial])
        net.run_steps(len(values))
        for spikes, recording in zip(found, recordings, strict=True):
            taken = recording.take()
            spikes[taken.steps, trial, taken.i] = True
    return found


@pytest.mark.parametrize(
    ("kind", "reset", "dtype"),
    [("leaky", "subtract", "float32"), ("recurrent", "v_reset", "float64")],
)
def test_a_classifier_of_snntorch_spikes_as_it_does_there_spike_for_spike(kind, reset, dtype):
    net = doors.read(
        nir_peer.FOLDER / f"{kind}.nir",
        dt=0.1,  # snnTorch's exporter writes its steps as 1e-4 s
        discretisation="semi-implicit",
        reset=reset,
        reset_delay=True,
        dtype=dtype,
    )
    values = nir_peer.shown(datasets.load("digits").test_images[:: nir_peer.EVERY], kind)
    with np.load(nir_peer.FOLDER / "spikes.npz") as file:
        for k, spikes in enumerate(spikes_of(net, values)):
            there = np.unpackbits(file[f"{kind}_{k}"], count=spikes.size).reshape(spikes.shape)
            assert there.sum() > 1000
            assert np.array_equal(spikes, there)


# ---- equations -----------------------------------------------------------------------------------


def test_an_exact_step_solves_the_equation_for_an_input_that_is_held():
    graph = graph_of(given(1), package.LI(**{k: np.array([v]) for k, v in LEAKY.items()}), shown(1))
    v, _ = played(doors.read(graph, dt=1.0, discretisation="exact", dtype="float64", **QUIET), HELD)
    assert np.allclose(v[0], solved(lambda x, u: [(0.3 - u[0] + 2.0 * x) / 8.0], [0.3])[0])


def test_an_exact_step_of_a_synaptic_current_solves_both_equations():
    values = dict(tau_syn=5e-3, tau_mem=8e-3, r=2.0, v_leak=0.3, w_in=1.5)
    node = package.CubaLI(**{key: np.array([value]) for key, value in values.items()})
    graph = graph_of(given(1), node, shown(1))
    v, _ = played(doors.read(graph, dt=1.0, discretisation="exact", dtype="float64", **QUIET), HELD)
    expected = solved(
        lambda x, u: [(0.3 - u[0] + 2.0 * u[1]) / 8.0, (1.5 * x - u[1]) / 5.0], [0.3, 0.0]
    )
    assert np.allclose(v[0], expected[0])


LEAKY = dict(tau=8e-3, r=2.0, v_leak=0.3)
HELD = np.array([[0.5], [-1.3], [0.0], [2.2]])


def solved(slope, start):
    """The variables at the end of each step of 1 ms, by SciPy."""
    state, found = np.array(start), []
    for (x,) in HELD:
        done = solve_ivp(lambda t, u, x=x: slope(x, u), (0.0, 1.0), state, rtol=1e-10, atol=1e-12)
        state = done.y[:, -1]
        found.append(state)
    return np.array(found).T


@pytest.mark.parametrize(
    ("discretisation", "expected"),
    [("euler", [0.0, 0.2, 0.26]), ("semi-implicit", [0.2, 0.26, 0.258])],
)
def test_euler_takes_the_current_of_the_last_step_and_semi_implicit_that_of_this_one(
    discretisation, expected
):
    """i: 1, 0.5, 0.25 with tau_syn of two steps and w_in 2; v <- 0.8 v + 0.2 i."""
    values = dict(tau_syn=2e-3, tau_mem=5e-3, r=1.0, v_leak=0.0, w_in=2.0)
    node = package.CubaLI(**{key: np.array([value]) for key, value in values.items()})
    graph = graph_of(given(1), node, shown(1))
    net = doors.read(graph, dt=1.0, discretisation=discretisation, dtype="float64", **QUIET)
    v, _ = played(net, [[1], [0], [0]])
    assert np.allclose(v[0], expected)


@pytest.mark.parametrize(
    ("reset", "reset_delay", "expected"),
    [  # v <- 0.5 v + 0.5 * 3, above 1 is a spike
        ("v_reset", False, [0.25, 0.25, 0.25]),
        ("subtract", False, [0.5, 0.75, 0.875]),
        ("v_reset", True, [1.5, 0.25, 1.625]),
        ("subtract", True, [1.5, 1.25, 1.125]),
    ],
)
def test_a_reset_goes_to_v_reset_or_subtracts_at_once_or_a_step_later(reset, reset_delay, expected):
    graph = graph_of(given(1), lif(tau=2e-3, v_reset=0.25), shown(1))
    net = doors.read(
        graph, dt=1.0, discretisation="euler", reset=reset, reset_delay=reset_delay, **QUIET
    )
    v, _ = played(net, [[3.0001 - 1e-4]] * 3)
    assert np.allclose(v[0], expected)


def test_an_integrator_grows_by_r_times_the_input_in_a_second():
    graph = graph_of(given(1), package.I(r=np.array([100.0])), shown(1))
    v, _ = played(doors.read(graph, dt=1.0, **QUIET), [[0.5]] * 4)
    assert np.allclose(v[0], [0.05, 0.1, 0.15, 0.2])


def test_an_integrate_and_fire_neuron_spikes_when_its_sum_is_above_threshold():
    node = package.IF(r=np.array([1000.0]), v_threshold=np.array([1.0]))
    _, spikes = played(doors.read(graph_of(given(1), node), dt=1.0, **QUIET), [[0.4]] * 7)
    assert spikes.t.tolist() == [2.0, 5.0]


def test_a_threshold_has_no_memory():
    node = package.Threshold(threshold=np.array([0.5]))
    _, spikes = played(
        doors.read(graph_of(given(1), node), dt=1.0, **QUIET), [[0.4], [0.6], [0.4], [0.5]]
    )
    assert spikes.t.tolist() == [1.0]


# ---- graphs --------------------------------------------------------------------------------------


def chain(*between, n=2, out=2, **options):
    """What arrives at a population behind linear nodes, in each step, for given inputs."""
    graph = graph_of(given(n), *between, shown(out))
    return doors.read(graph, **{"dt": 1.0, **QUIET, **options})


def test_linear_nodes_in_a_row_act_as_their_product():
    W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    net = chain(
        package.Scale(scale=np.array([2.0, 10.0])),
        package.Affine(weight=W, bias=np.array([1.0, 0.0, 0.0])),
        package.Linear(weight=np.array([[1.0, 1.0, 0.0]])),
        out=1,
    )
    v, _ = played(net, [[1, 0], [0, 1], [0, 0]])
    assert v[0].tolist() == [2.0 * (1.0 + 3.0) + 1.0, 10.0 * (2.0 + 4.0) + 1.0, 1.0]


def test_currents_do_what_spikes_of_that_size_would_do():
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    halves, _ = played(chain(package.Linear(weight=W)), [[0.5, 0.0], [0.0, 0.5]])
    wholes, _ = played(chain(package.Linear(weight=0.5 * W)), [[1, 0], [0, 1]])
    assert np.array_equal(halves, wholes)
    assert wholes.T.tolist() == [[0.5, 1.5], [1.0, 2.0]]


@pytest.mark.parametrize("values", [[[2, 0]] + [[0, 0]] * 3, [[0.5, 0.0]] + [[0.0, 0.0]] * 3])
def test_a_delay_is_a_number_of_steps_for_spikes_and_for_currents(values):
    net = chain(package.Delay(delay=np.array([2e-3, 2e-3])))
    v, _ = played(net, values)
    assert v[0].tolist() == [0.0, 0.0, values[0][0], 0.0]


def test_each_neuron_may_have_a_delay_of_its_own_before_and_behind_the_weights():
    net = chain(
        package.Delay(delay=np.array([0.0, 1e-3])),
        package.Linear(weight=np.ones((2, 2))),
        package.Delay(delay=np.array([0.0, 2e-3])),
    )
    v, _ = played(net, [[1, 1]] + [[0, 0]] * 3)
    assert v.tolist() == [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]


def test_the_way_back_of_a_loop_takes_a_step_and_all_others_none():
    nodes = dict(
        a_in=given(1),
        z_first=lif(threshold=0.05),
        y_second=lif(threshold=0.05),
        back=package.Linear(weight=np.array([[-9.0]])),
        out=shown(1),
    )
    edges = [("a_in", "z_first"), ("z_first", "y_second"), ("y_second", "back")]
    edges += [("back", "z_first"), ("y_second", "out")]
    graph = package.NIRGraph(nodes, edges, type_check=False)
    net = doors.read(graph, dt=1.0, discretisation="euler", **QUIET)
    delays = {name: each.delay for name, each in net.projections.items()}
    assert delays == {"a_in_to_z_first": 0.0, "z_first_to_y_second": 0.0, "back": 1.0}


def test_parameters_of_one_value_hold_for_all_neurons_of_a_layer():
    graph = graph_of(given(2), package.Linear(weight=np.ones((3, 2))), lif(1), shown(3))
    net = doors.read(graph, dt=1.0, discretisation="euler", **QUIET)
    assert net.populations["n2"].n == 3
    assert net.populations["n2"].tau == 8.0


def test_names_that_populations_cannot_have_are_changed():
    nodes = {"0": given(1), "lif.1": lif(), "class": lif(), "out": shown(1)}
    net = doors.read(graph_of(**nodes), dt=1.0, discretisation="euler", **QUIET)
    assert list(net.populations) == ["node_0", "lif_1", "class"]


# ---- round trips ---------------------------------------------------------------------------------


def own_network(seed=3):
    """All that NIR can hold: kinds, parameters per neuron, loops, delays, several projections."""
    net = Network(dt=0.1, seed=seed)
    frozen = patterns.poisson(20, rate=300.0, duration=200.0, seed=seed)
    source = net.add_spike_trains("source", 20, frozen.times, frozen.ids)
    kinds = {
        "b": doors.neuron("LIF", "euler"),
        "a": doors.neuron("CubaLIF", "exact", reset="subtract", reset_delay=True),
        "c": doors.neuron("IF", "exact", reset="subtract"),
    }
    tau, bias = np.linspace(5.0, 20.0, 30), np.linspace(0.0, 0.2, 30)
    b = net.add_population("b", 30, kinds["b"], tau=tau, r=4.0, bias=bias)
    a = net.add_population("a", 10, kinds["a"], tau_mem=8.0, tau_syn=3.3, w_in=30.0)
    c = net.add_population("c", 5, kinds["c"], r=900.0)

    def weights(chance, size):
        return chance.normal(1.0, 1.0, size)

    def connect(pre, post, **how):
        net.connect(pre, post, target="input", **{"weight": weights, "probability": 0.4, **how})

    connect(source, b, delay=1.5)
    connect(b, b, weight=-0.5)
    connect(b, a, delay=0.0)
    connect(a, b, delay=0.7, name="feedback")
    connect(b, a, delay=0.3, name="later")
    connect(a, c, delay=0.0)
    return net


def test_a_network_that_was_written_and_read_spikes_alike_bit_for_bit(tmp_path):
    net = own_network()
    recorded = net.record_spikes(*net.populations.values())
    net.run(200.0)
    doors.write(net, tmp_path / "net.nir")
    again = doors.read(tmp_path / "net.nir")
    there = again.record_spikes(*[again.populations[name] for name in net.populations])
    source = recorded["source"]
    values = np.zeros((2000, 20))
    np.add.at(values, (source.steps, source.i), 1)
    again.populations["source"].feed(values)
    again.run(200.0)
    for name in net.populations:
        assert recorded[name].t.size > 100
        assert np.array_equal(recorded[name].steps, there[name].steps), name
        assert np.array_equal(recorded[name].i, there[name].i), name


def test_a_graph_that_was_read_is_written_with_the_same_numbers(tmp_path):
    path = nir_peer.FOLDER / "recurrent.nir"
    net = doors.read(path, dt=0.1, discretisation="semi-implicit", dtype="float64", **QUIET)
    there, ours = package.read(str(path)).nodes, doors.to_graph(net).nodes
    assert np.array_equal(ours["node_0"].weight, there["0"].weight)
    assert np.allclose(ours["node_1"].tau_syn, there["1"].tau_syn, rtol=1e-12)
    assert np.array_equal(ours["node_1"].w_in, there["1"].w_in)


def test_the_package_nir_reads_what_was_written(tmp_path):
    doors.write(own_network(), tmp_path / "net.nir")
    graph = package.read(str(tmp_path / "net.nir"))
    assert graph.check_types()
    assert graph.metadata["dt"] == 1e-4
    assert graph.nodes["source_to_b_delay"].delay.tolist() == [1.5e-3] * 20
    assert graph.nodes["a"].metadata["reset"] == "subtract"


def test_what_was_said_in_the_metadata_can_be_said_otherwise():
    net = doors.read(doors.to_graph(own_network()), dt=0.05, reset="v_reset", **QUIET)
    assert net.dt == 0.05
    assert net.populations["a"].neuron.constants.reset == "v_reset"
    assert net.populations["a"].neuron.constants.discretisation == "exact"


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"discretisation": "euler"}, "NIR has no time step"),
        ({"dt": 1.0}, "NIR does not say how its equations are solved"),
        ({"dt": 1.0, "discretisation": "Euler"}, "discretisation is 'Euler'"),
        ({"dt": 1.0, "discretisation": "euler", "reset": "zero"}, "reset is 'zero'"),
        ({"dt": 9.0, "discretisation": "euler"}, "longer than tau = 8 ms"),
    ],
)
def test_what_nir_leaves_open_has_to_be_said(options, sentence):
    with pytest.raises(InputError, match=sentence):
        doors.read(graph_of(given(1), lif(), shown(1)), **options)


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        (
            [package.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))],
            "'n1' is a SumPool2d",
        ),
        ([lif(3)], "'n0' has 1 outputs, but 'n1' takes 3"),
        ([lif(tau=np.nan)], "tau of the node 'n1' is not finite"),
        ([lif(tau=-1.0)], "tau of the node 'n1' is -1 s"),
        ([package.Delay(delay=np.array([1.5e-3]))], "not a multiple of dt"),
        ([package.Delay(delay=np.array([-1e-3]))], "has to be at least 0"),
        ([package.LI(*np.ones((3, 1))), lif()], "it has no spikes"),
        (
            [package.Affine(np.ones((1, 1)), np.ones(1)), package.Delay(np.array([1e-3]))],
            "A bias leads through the delay",
        ),
    ],
)
def test_a_graph_that_a_network_cannot_hold_is_refused_by_the_name_of_its_node(nodes, sentence):
    with pytest.raises(InputError, match=sentence):
        doors.read(graph_of(given(1), *nodes, shown(1)), dt=1.0, discretisation="euler", **QUIET)


def test_linear_nodes_in_a_loop_are_refused():
    nodes = dict(a=given(1), b=package.Scale(np.ones(1)), c=package.Scale(np.ones(1)))
    edges = [("a", "b"), ("b", "c"), ("c", "b")]
    with pytest.raises(InputError, match="form a loop without a neuron"):
        doors.read(package.NIRGraph(nodes, edges, type_check=False), dt=1.0)


def test_every_part_that_nir_cannot_hold_is_named():
    net = own_network()
    cells = net.add_population("cells", 3, LIF)
    b = net.populations["b"]
    net.connect(b, cells, target="drive", weight=1.0)
    net.connect(b, b, target="input", weight=1.0, name="other")
    net.add_background(b, "input", rate=10.0, weight=1.0)
    net.add_noise(b, "I", sigma=1.0)
    net.play(b, "I", [1.0, 2.0])
    with pytest.raises(InputError) as caught:
        doors.to_graph(net)
    lines = str(caught.value).partition(": ")[2].split("; ")
    starts = ["population 'cells' has LIF", "projection 'b_to_cells' leads to drive"]
    starts += ["<Background of b.input", "<Stimulus of b.I", "<Noise of b.I"]
    assert len(lines) == len(starts)
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_synapses_that_share_their_neurons_are_refused():
    net = Network(**QUIET)
    cells = net.add_population("cells", 2, doors.neuron("LIF", "exact"))
    net.connect(cells, cells, target="input", synapses=9, weight=1.0)
    with pytest.raises(InputError, match="several synapses of the same two neurons"):
        doors.to_graph(net)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[1, 0, 0]], "has to be \\(steps, 2\\)"),
        ([[np.nan, 0.0]], "values"),
        ([1, 0], "has to be \\(steps, 2\\)"),
    ],
)
def test_values_that_an_input_cannot_send_are_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        chain(package.Linear(weight=np.ones((2, 2)))).populations["n0"].feed(values)


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    Network(**QUIET).save(tmp_path / "state.h5")
    with pytest.raises(FileError, match="holds no graph of NIR"):
        doors.read(tmp_path / "state.h5", dt=1.0)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nir", None)
    with pytest.raises(InputError, match=r'pip install "spikesim\[nir\]"'):
        doors.to_graph(own_network())


def test_the_metadata_of_a_graph_say_what_nir_does_not():
    kind = doors.neuron("LIF", "euler", reset="subtract", reset_delay=True)
    net = Network(dt=0.5, **QUIET)
    net.add_population("cells", 2, kind, tau=8.0)
    again = doors.read(doors.to_graph(net), **QUIET)
    assert again.dt == 0.5
    assert again.populations["cells"].neuron.constants == kind.constants
