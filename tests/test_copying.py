"""Every public object is copied and pickled and goes on with the same bits, or says why not."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest

from spikesim import InputError, Network, Neuron, PairSTDP, Poisson, Replicas
from spikesim.kernels.functions import exp
from spikesim.models.burst.spiking import propagation
from tests.reliability.calls import MODELS, learn
from tests.test_attributes import rule
from tests.test_network import all_arrays, assert_same_bits, everything, recorded


def pickled(made):
    return pickle.loads(pickle.dumps(made))


WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": pickled}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def learning(backend="python"):
    """Plasticity, and rules of one's own that hold parts and other shapes of arrays."""
    net = Network(dt=0.5, seed=3, backend=backend)
    noise = net.add_population("noise", 6, Poisson)
    noise.rate = 400.0
    cells = net.add_population("cells", 4, Neuron([spike], {"v": 0.0, "drive": 0.0}))
    plastic = PairSTDP(A_plus=0.1, A_minus=0.05, w_max=5.0)
    net.connect(noise, cells, target="drive", weight=2.0, plasticity=plastic)
    sparse = net.connect(noise, cells, target="drive", weight=2.0, indegree=2, name="own")
    trace = net.add_trace(noise, 10.0)
    state = {"part": sparse.individual()[2:6], "square": cells.v.reshape(2, 2), "trace": trace[:2]}
    net.add_phase(change, 2, state=state, params={"step": 0.01})
    return net, [net.record_spikes(cells), net.record(cells, "v", every=1.0)]


def spike(i, t, s, p):
    s.v[i] = exp(-0.1) * s.v[i] + s.drive[i]
    s.drive[i] = 0.0
    s.spike[i] = s.v[i] > 6.0


def change(i, t, s, p):
    s.part[i] += p.step * s.trace[i]
    s.part[i + 2] -= p.step * s.trace[i]
    s.square[i, 1] += 0.1


NETWORKS = {
    "everything": lambda backend="python": everything("float32", backend),
    "plasticity, and parts of arrays": learning,
}
each_network = pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)


@each_way
@each_network
def test_a_copy_of_a_network_goes_on_with_the_same_bits(build, way):
    net, recordings = build()
    net.run(20.0)
    other = way(net)
    before = [array.copy() for array in all_arrays(other)]
    assert_same_bits(before, all_arrays(net))
    net.run(30.0)
    assert_same_bits(before, all_arrays(other))
    other.run(30.0)
    assert_same_bits(all_arrays(other), all_arrays(net))
    assert_same_bits(recorded(other.recordings), recorded(recordings))


def test_a_copy_is_compiled_and_copied_again():
    net, recordings = learning(backend="cpu")
    net.run(20.0)
    other = pickled(copy.deepcopy(pickled(net)))
    for each in (net, other):
        each.run(20.0)
    assert_same_bits(all_arrays(other), all_arrays(net))
    assert_same_bits(recorded(other.recordings), recorded(recordings))


def test_no_array_of_a_copy_is_one_of_the_network():
    net, _ = learning()
    other = copy.deepcopy(net)
    for array in all_arrays(net):
        assert not any(np.shares_memory(array, theirs) for theirs in all_arrays(other))


@pytest.mark.parametrize("way", [copy.deepcopy, pickled])
def test_parts_are_copied_with_their_network_and_belong_to_the_copy(way):
    net, _ = everything("float32", "python")
    given = net, net.populations, net.projections, net.backgrounds
    other, populations, projections, backgrounds = way(given)
    assert other is not net
    for copies, own in (
        (populations, other.populations),
        (projections, other.projections),
    ):
        assert list(copies) == list(own)
        assert all(copies[name] is own[name] for name in own)
    assert all(a is b for a, b in zip(backgrounds, other.backgrounds, strict=True))
    assert populations["cells"].network is other
    assert projections["spread"].post is populations["cells"]


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled])
def test_a_part_alone_brings_its_network_along(way):
    net, _ = learning()
    cells = way(net.populations["cells"])
    assert cells.network is not net
    assert cells.network.populations["cells"] is cells
    cells.network.run(5.0)


def test_a_network_whose_functions_are_local_is_copied_but_not_pickled():
    def local(i, t, s, p):
        s.v[i] += p.dt

    net = Network(backend="python")
    cells = net.add_population("cells", 2, Neuron([local], {"v": 0.0}))
    net.run(1.0)
    other = copy.deepcopy(net)
    other.run(1.0)
    assert other.populations["cells"].v[0] == pytest.approx(2.0)
    assert cells.v[0] == pytest.approx(1.0)
    with pytest.raises(InputError, match=r"cannot be copied: .*local.* restore"):
        pickle.dumps(net)


def test_a_chain_of_many_populations_is_copied():
    net = Network(backend="python")
    cells = [net.add_population(f"cells_{k}", 1, Poisson) for k in range(500)]
    for pre, post in pairwise(cells):
        net.connect(pre, post, target="rate", weight=0.0)
    assert list(pickled(net).projections) == list(copy.deepcopy(net).projections)


@each_way
@pytest.mark.parametrize("name", MODELS)
def test_a_copy_of_a_model_learns_on_with_the_same_bits(name, way):
    net = MODELS[name]()
    net.notes = {"dataset": "digits"}
    learn(net)
    other = way(net)
    assert str(other.history) == str(net.history)
    learn(net)
    learn(other)
    for timed in (net, other):
        timed.history.pop("seconds")
    assert str(other.history) == str(net.history)
    assert other.notes == net.notes
    weights = [list(each.W.values() if name == "exclusive_or" else each.W) for each in (net, other)]
    assert_same_bits(*weights)


@pytest.mark.parametrize("way", [copy.deepcopy, pickled])
def test_replicas_are_copied(way):
    nets = Replicas.of(Network, seed=[3, 4], backend="python")
    assert [net.seed for net in way(nets)] == [3, 4]


@each_way
def test_an_experiment_is_copied_with_its_network_and_its_recordings(way):
    experiment = propagation.Propagation(duration=4.0, burn_in=1.0, backend="python", n=200, seed=1)
    experiment.network.populations["pyramidal_1"].V_s = -40.0  # above threshold
    other = way(experiment)
    for each in (experiment, other):
        each.run()
    for name, spikes in experiment.spikes.items():
        assert_same_bits([other.spikes[name].t], [spikes.t])
    assert sum(spikes.t.size for spikes in experiment.spikes.values())


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickled])
def test_a_rule_that_belongs_to_a_network_says_that_it_is_not_copied(way):
    with pytest.raises(InputError, match="BurstPlasticity belongs to its network and cannot be"):
        way(rule())


@each_way
@pytest.mark.parametrize("name", ["burst", "exclusive_or"])
def test_what_a_model_recorded_is_copied(name, way):
    net = MODELS[name]()
    made = net.record(0) if name == "exclusive_or" else net.record(np.full(6, 0.5), 0)
    other = way(made)
    assert vars(other).keys() == vars(made).keys()
