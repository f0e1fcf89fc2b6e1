"""NaN and overflow in a running state: the run stops, says where, and saves nothing of it."""

import signal
import warnings

import numpy as np
import pytest

import spikesim
from spikesim import LIF, Network, Neuron, PairSTDP, Poisson, ShortTermPlasticity, SimulationError
from spikesim.engine import replay
from spikesim.models import microcircuit
from spikesim.models.burst import BurstEnsembleNetwork, spiking
from spikesim.models.burst.burstprop import BurstpropNetwork
from spikesim.models.burst.spiking import learning_rule, pairing, propagation, transfer
from spikesim.models.burst.spiking.exclusive_or import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from spikesim.patterns import from_trains

NEURONS = {
    name: neuron
    for module in (spikesim, spiking)
    for name, neuron in vars(module).items()
    if isinstance(neuron, Neuron)
}
COUNTERS = ("refractory", "f", "K")  # of bursting neurons: set anew when they have counted down
IMAGES, LABELS = np.random.default_rng(5).random((6, 16)), np.array([0, 1, 2, 0, 1, 2])
SHORT = {"phase": 10, "window": 5, "test_phase": 10, "test_window": 5, "wald_mean": 1.0}
SHOWN = from_trains([[1.0, 5.0], [2.0], [3.0]], 10.0)
TARGET = from_trains([[4.0], [8.0]], 10.0)


def segregated(**given):
    return SegregatedDendriteNetwork((16, 4, 3), seed=1, backend="python", **SHORT, **given)


def burst(**given):
    return BurstEnsembleNetwork((16, 4, 3), seed=1, backend="python", **given)


def burstprop(**given):
    return BurstpropNetwork((16, 4, 3), seed=1, **given)


def superspike(**given):
    return SuperSpikeNetwork((3, 4, 2), backend="python", **given)


def exclusive_or(**given):
    return ExclusiveOrNetwork(n=4, duration=10.0, alpha=10.0, backend="python", **given)


def fit(net, path):
    """Train for a little."""
    if isinstance(net, SuperSpikeNetwork):
        net.fit(SHOWN, TARGET, 1, block=10.0, checkpoint=path)
    elif isinstance(net, ExclusiveOrNetwork):
        net.fit(1, checkpoint=path)
    else:
        net.fit(IMAGES, LABELS, 1, validation=(IMAGES, LABELS), checkpoint=path)


def found(net, name):
    """The only array of this name that a run of a network changes."""
    (array,) = (arrays[name] for arrays in net.arrays().values() if name in arrays)
    return array


# Model, what becomes NaN in it, and what the error calls that.
POISONED = {
    "segregated weight": (segregated, lambda net: net.W[0], "W.0 of the weights"),
    "segregated feedback": (segregated, lambda net: net.Y[0], "Y.0 of the weights"),
    "segregated voltage": (
        segregated,
        lambda net: net.training.layers[1].V,
        "hidden_1.V of the running",
    ),
    "burst weight": (burst, lambda net: net.W[1], "W.1 of the weights"),
    "burst rate": (
        burst,
        lambda net: net.training.layers[1].beta,
        "hidden_1.beta of the running",
    ),
    "burstprop weight": (burstprop, lambda net: net.W[0], "W.0 of the weights"),
    "burstprop momentum": (burstprop, lambda net: net._momentum["W"][0], "W.0 of the momentum"),
    "superspike weight": (superspike, lambda net: net.W[0], "W.*became NaN"),
    "superspike error": (superspike, lambda net: net.training.layers[1].e, "e of the sim"),
    "exclusive-or weight": (
        exclusive_or,
        lambda net: net.training.plastic.weight,
        "V_s of neuron|projection 'plastic'",
    ),
    "exclusive-or estimate": (
        exclusive_or,
        lambda net: found(net.training.network, "events"),
        "events of the simulation",
    ),
}

TINY = {"backend": "python", "n": 4}
TRANSFER = {**TINY, "n": 12, "n_interneurons": 20, "sources": 30, "step": 2.0, "window": 1.0}
EXPERIMENTS = {
    "pairing": lambda: pairing.run(realisations=2, duration=300.0),
    "synapses": lambda: pairing.weight_changes([[5.0]], [[5.0, 15.0]], 5.0, 0.15, "python"),
    "lateral transfer": lambda: transfer.lateral_transfer(1, [(0.0, 0.0)], [0.0], **TRANSFER),
    "interneuron transfer": lambda: transfer.interneuron_transfer(
        1, [(0.0, 0.0)], [0.0], **TRANSFER
    ),
    "propagation": lambda: propagation.Propagation(**{**TINY, "n": 40}, connectivity=5e-4).run(),
    "learning rule": lambda: learning_rule.run(
        **TINY, in_degree=3, sources=60, exc_degree=30, inh_degree=10, dendritic_sources=20
    ),
    "microcircuit": lambda: microcircuit.build(scale=0.01, seed=3, backend="python").run(1.0),
}


@pytest.fixture(autouse=True)
def no_warnings():
    """An overflow is an error of the run, and no warning of NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("case", POISONED)
def test_a_model_that_becomes_nan_is_named_and_its_checkpoint_stays_as_it_was(case, tmp_path):
    make, find, name = POISONED[case]
    net, path = make(), tmp_path / "net.h5"
    fit(net, path)
    before = path.read_bytes()
    find(net).reshape(-1)[0] = np.nan
    with pytest.raises(SimulationError, match=name):
        fit(net, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["net.h5"]


@pytest.mark.parametrize("make", [segregated, burst])
def test_a_weight_that_becomes_nan_in_an_epoch_is_not_saved_by_an_interruption(make, tmp_path):
    net, path = make(), tmp_path / "net.h5"
    fit(net, path)

    def interrupt(done, total):
        net.W[0][0, 0] = np.nan
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(SimulationError, match=r"W.0 of the weights became NaN"):
        net.fit(IMAGES, LABELS, 1, progress=interrupt, checkpoint=path)
    assert np.isfinite(type(net).load(path).W[0]).all()


@pytest.mark.parametrize("name", NEURONS)
def test_a_variable_that_becomes_nan_stops_the_run_and_is_named(name):
    neuron = NEURONS[name]
    assert neuron.variables
    for variable in neuron.variables:
        if name in ("Pyramidal", "BurstPoisson") and variable in COUNTERS:
            continue
        net = Network(dt=0.1, backend="python")
        cells = net.add_population("cells", 2, neuron)
        cells.state[variable][1] = np.nan
        wanted = r"\w+ of neuron 1 in population 'cells' is nan by step 1 \(0.1 ms; .* at 0\)"
        with pytest.raises(SimulationError, match=wanted):
            net.run(0.1)


@pytest.mark.parametrize("trace", ["x", "y"])
def test_a_trace_of_plasticity_that_becomes_nan_stops_the_run(trace):
    net = Network(dt=0.1, seed=1, backend="python")
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 2000.0
    net.connect(
        *(source, net.add_population("driven", 4, LIF)),
        target="drive",
        weight=50.0,
        plasticity=PairSTDP(A_plus=0.1, A_minus=0.1, w_max=90.0),
        name="plastic",
    )
    found(net, f"trace_{trace}")[:] = np.nan
    with pytest.raises(SimulationError, match=f"trace_{trace} of projection 'plastic' is NaN"):
        net.run(20.0)


def test_what_is_on_its_way_to_a_neuron_is_looked_at_before_it_arrives():
    net = Network(dt=0.1, backend="python")
    source = net.add_population("source", 4, Poisson)
    cells = net.add_population("cells", 2, LIF)
    net.connect(
        *(source, cells),
        target="drive",
        weight=1.0,
        probability=1.0,
        delay=lambda chance, size: chance.uniform(1.0, 9.0, size),
    )
    cells.rings["drive"][20, 1] = np.nan
    with pytest.raises(SimulationError, match="drive of neuron 1 in population 'cells' is nan"):
        net.run(0.1)


def test_short_term_plasticity_that_becomes_nan_is_named():
    net = Network(dt=0.1, backend="python")
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 2000.0
    cells = net.add_population("cells", 2, LIF)
    net.connect(source, cells, target="drive", weight=1.0, short_term=ShortTermPlasticity())
    found(net, "x")[:] = np.nan
    source.rate[:] = 0.0  # so that none of it arrives
    with pytest.raises(SimulationError, match="x of projection 'source_to_cells' is NaN"):
        net.run(5.0)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_in_which_a_neuron_becomes_nan_says_which(name, monkeypatch):
    run_steps = Network.run_steps

    def poisoned(net, steps, progress=False):
        for population in net.populations.values():
            floats = [array for array in population.state.values() if array.dtype.kind == "f"]
            if floats:
                floats[0].reshape(-1)[0] = np.nan
        run_steps(net, steps, progress)

    monkeypatch.setattr(Network, "run_steps", poisoned)
    with pytest.raises(SimulationError, match=r"of neuron 0 in population .\w+. is nan (by|since)"):
        EXPERIMENTS[name]()


def grow(i, t, s, p):
    """Doubles until float32 overflows, and is looked at by nothing else."""
    s.v[i] = 2.0 * s.v[i]


def growing(backend):
    net = Network(dt=0.1, seed=3, backend=backend)
    source = net.add_population("source", 20, Poisson)
    source.rate[:] = 100.0
    cells = net.add_population("cells", 3, Neuron(steps=[grow], variables={"v": 0.0}))
    net.connect(source, net.add_population("driven", 5, LIF), target="drive", weight=4.0)
    cells.v[2] = 2.0**-100  # 228 doublings to infinity
    return net, cells, source


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
def test_the_step_in_which_a_number_became_infinite_is_named(backend):
    net, _, _ = growing(backend)
    net.run_steps(50)
    with pytest.raises(SimulationError, match=r"v of neuron 2 .*'cells' is inf since step 228 \("):
        net.run_steps(1000)


def test_looking_for_the_step_leaves_state_and_recordings_as_a_run_without_it(monkeypatch):
    found = []
    for least in (100, 10**9):
        monkeypatch.setattr(replay, "LEAST", least)
        net, cells, source = growing("python")
        spikes, v = net.record_spikes(source), net.record(cells, "v")
        with pytest.raises(SimulationError, match="since step 228" if least == 100 else "by step"):
            net.run_steps(600)
        found.append([net.step, spikes.t, spikes.i, v.v, *net.arrays()["driven"].values()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_was_nan_before_a_run_is_dated_at_its_beginning():
    net, cells, _ = growing("python")
    net.run_steps(150)
    cells.v[1] = np.nan
    with pytest.raises(SimulationError, match=r"v of neuron 1 .* is nan since step 150 "):
        net.run_steps(200)


def test_a_step_is_not_looked_for_where_its_copy_would_be_large():
    large = {"cells": {"v": np.zeros(2_000_000)}}
    stretch = replay.Stretch(lambda first, steps: None, 0, 2000, lambda: large, [])
    assert stretch.find(lambda: "found") is None


def test_a_network_is_not_gone_on_with_if_looking_for_the_step_was_broken_off(monkeypatch):
    begins = []

    def interrupted(recording, step):
        begins.append(step)
        if len(begins) == 2:  # the first is that of the stretch itself
            raise KeyboardInterrupt
        begin(recording, step)

    net, cells, _ = growing("python")
    kind = type(net.record(cells, "v"))
    begin = kind.begin
    monkeypatch.setattr(kind, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.run_steps(600)
    with pytest.raises(SimulationError, match="was broken off"):
        net.run_steps(1)
