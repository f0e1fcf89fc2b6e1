"""Subgroups, some neurons of a population in its place, and neurons that are silenced."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse

from spikesim import (
    LIF,
    AdEx,
    CurrentLIF,
    DeltaLIF,
    InputError,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    plot,
    sonata,
)


def network(n=10, neuron=LIF, seed=1, backend="python", **parameters):
    net = Network(dt=0.5, seed=seed, backend=backend)
    return net, net.add_population("cells", n, neuron, **parameters)


# ---- which neurons ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "ids", "name"),
    [
        (slice(None, 4), [0, 1, 2, 3], "cells[0:4]"),
        (slice(7, None), [7, 8, 9], "cells[7:10]"),
        (slice(-2, None), [8, 9], "cells[8:10]"),
        (slice(1, None, 4), [1, 5, 9], "cells[1:10:4]"),
        (3, [3], "cells[3]"),
        (-1, [9], "cells[9]"),
        ([2, 3, 7], [2, 3, 7], "cells[3 neurons]"),
        (np.arange(10) > 7, [8, 9], "cells[8:10]"),
        (slice(None), list(range(10)), "cells"),
    ],
)
def test_a_subgroup_is_a_slice_a_number_numbers_or_a_mask(key, ids, name):
    group = network()[1][key]
    assert group.ids.tolist() == ids
    assert (group.n, group.name) == (len(ids), name)


def test_a_subgroup_of_a_subgroup_counts_from_its_first_neuron():
    _, cells = network()
    assert cells[4:][1:3].ids.tolist() == [5, 6]
    assert cells[::2][[0, 3]].ids.tolist() == [0, 6]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (slice(5, 5), "one or more"),
        (slice(None, None, -1), "ascending order"),
        ([3, 1], "ascending order"),
        ([1, 1], "ascending order"),
        (10, "from 0 to 9"),
        ([10], "at most 9"),
        ("v", "dtype"),
        (1.5, "shape"),
        (np.array(1.5), "shape"),
        (slice("a", None), "no slice"),
        ([True, False], "truth value for each"),
        (None, r"\[:\] has all"),
        ((0, 1, 2.5), "fractions"),
    ],
)
def test_what_is_no_subgroup_is_refused(key, message):
    with pytest.raises(InputError, match=message):
        network()[1][key]


def test_a_population_is_no_sequence():
    _, cells = network()
    for each in (cells, cells[:3]):
        with pytest.raises(TypeError, match="not iterable"):
            list(each)


# ---- variables ----------------------------------------------------------------------------------


def test_variables_of_a_slice_are_written_to_in_place():
    _, cells = network(neuron=AdEx)
    cells[2:4].I[:] = 5.0
    cells[::5].I += 1.0
    assert cells.I.tolist() == [1, 0, 5, 5, 0, 1, 0, 0, 0, 0]


def test_variables_of_any_subgroup_can_be_set():
    _, cells = network(neuron=AdEx)
    cells[[0, 1, 5]].I = 1.0, 2.0, 3.0
    cells[8].I = 4.0
    assert cells.I.tolist() == [1, 2, 0, 0, 0, 3, 0, 0, 4, 0]
    assert cells[[0, 1, 5]].I.tolist() == [1, 2, 3]


def test_what_would_be_written_to_a_copy_is_refused():
    _, cells = network(neuron=AdEx)
    with pytest.raises(ValueError, match="read-only"):
        cells[[0, 1, 5]].I[:] = 1.0


def test_what_nobody_would_look_at_cannot_be_set():
    _, cells = network()
    with pytest.raises(InputError, match="v"):
        cells[:3].vm = -60.0
    with pytest.raises(InputError, match="take another subgroup"):
        cells[:3].n = 4
    with pytest.raises(InputError, match=r"v has shape \(2,\)"):
        cells[:3].v = [1.0, 2.0]
    with pytest.raises(AttributeError, match=r"no variable or parameter 'vm'.*Did you mean 'v'"):
        _ = cells[:3].vm


def test_parameters_of_a_subgroup_can_be_read_and_set():
    _, cells = network(neuron=CurrentLIF, threshold=-50.0)
    cells[:3].threshold = -48.0
    cells[[0, 9]].tau = 10.0, 30.0
    assert cells.threshold.tolist() == [-48.0] * 3 + [-50.0] * 7
    assert cells.tau.tolist() == [10.0, *[20.0] * 8, 30.0]
    assert cells[8:].tau.tolist() == [20.0, 30.0]
    assert cells[8:].E_L == -60.0
    with pytest.raises(InputError, match="tau"):
        cells[:3].tau = -1.0


# ---- connections --------------------------------------------------------------------------------

RULES = [
    {"probability": 0.4},
    {"indegree": 3},
    {"outdegree": 2, "multapses": True},
    {"synapses": 15, "delay": lambda chance, size: chance.uniform(0.5, 5.0, size)},
    {"probability": 0.4, "weight": lambda chance, size: chance.normal(1.0, 0.1, size)},
]


@pytest.mark.parametrize("rule", RULES)
def test_rules_draw_among_the_neurons_of_subgroups_as_among_those_of_populations(rule):
    rule = {"weight": 1.0, **rule}
    net, cells = network(n=12)
    within = net.connect(cells[1:5], cells[5:12], target="drive", name="within", **rule)
    apart = Network(dt=0.5, seed=1, backend="python")
    pre, post = apart.add_population("pre", 4, LIF), apart.add_population("post", 7, LIF)
    between = apart.connect(pre, post, target="drive", **rule)
    assert np.array_equal(within.source, between.source + 1)
    assert np.array_equal(within.target, between.target + 5)
    assert np.array_equal(within.weight, between.weight)
    assert np.array_equal(within.delay, between.delay)
    assert np.array_equal(within.later, between.later)


def test_an_irregular_subgroup_is_connected_by_its_ids():
    net, cells = network()
    synapses = net.connect(cells[[0, 3, 7]], cells[::3], target="drive", weight=1.0, probability=1)
    assert sorted(set(synapses.source.tolist())) == [0, 3, 7]
    assert synapses.target.tolist() == [0, 3, 6, 9] * 3


def test_one_to_one_goes_by_the_order_in_both_subgroups():
    net, cells = network()
    synapses = net.connect(cells[:3], cells[7:], target="drive", weight=1.0, one_to_one=True)
    assert synapses.source.tolist() == [0, 1, 2]
    assert synapses.target.tolist() == [7, 8, 9]


def test_a_matrix_has_the_shape_of_the_subgroups():
    net, cells = network()
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    delays = np.full((2, 3), 1.0)
    delays[0, 1] = 2.5
    dense = net.connect(cells[2:4], cells[7:], target="drive", weight=matrix, delay=delays)
    assert dense.source.tolist() == [2, 2, 2, 3, 3, 3]
    assert dense.target.tolist() == [7, 8, 9] * 2
    assert dense.weight.tolist() == [1, 2, 3, 4, 5, 6]
    assert dense.later.tolist() == [0, 3, 0, 0, 0, 0]
    entries = sparse.csr_array(([7.0, 8.0], ([0, 1], [2, 0])), shape=(2, 3))
    few = net.connect(cells[2:4], cells[7:], target="drive", weight=entries, name="few")
    assert (few.source.tolist(), few.target.tolist()) == ([2, 3], [9, 7])
    with pytest.raises(InputError, match=r"has to be \(2, 3\)"):
        net.connect(cells[2:4], cells[7:], target="drive", weight=np.ones((10, 10)), name="large")


def test_names_of_projections_are_identifiers():
    net, cells = network()
    for pre, post, name in [
        (cells[:8], cells[8:], "cells_0_8_to_cells_8_10"),
        (cells, cells[::3], "cells_to_cells_0_10_3"),
        (cells[5], cells[[0, 1, 5]], "cells_5_to_cells_3_neurons"),
        (cells[:], cells, "cells_to_cells"),
    ]:
        assert net.connect(pre, post, target="drive", weight=1.0).name == name
    assert "cells[0:8] → cells[8:10].drive" in repr(net.projections["cells_0_8_to_cells_8_10"])


def test_a_subgroup_and_itself_have_no_autapses_unless_wanted():
    net, cells = network()
    rule = {"target": "drive", "weight": 1.0, "probability": 1.0}
    without = net.connect(cells[:4], cells[:4], autapses=False, **rule)
    assert without.size == 12
    assert (without.source != without.target).all()
    apart = net.connect(cells[:4], cells[4:], autapses=False, **rule)
    assert apart.size == 24
    with pytest.raises(InputError, match="overlap in part"):
        net.connect(cells[:4], cells[2:], autapses=False, name="partly", **rule)


def spikes_of(net, *parts):
    recordings = [net.record_spikes(each) for each in parts]
    net.run(200.0)
    return recordings


WEIGHTS = np.random.default_rng(5).normal(0.0, 1.0, (30, 30))


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
def test_two_subgroups_spike_as_two_populations_do(backend):
    """With the same weights, given as matrices; every neuron starts from a voltage of its own."""
    weights, start = 4.0 * WEIGHTS, np.linspace(0.0, 19.0, 30)
    currents = 25.0

    def connect(net, groups):
        for a, pre in enumerate(groups):
            for b, post in enumerate(groups):
                part = weights[(slice(0, 20), slice(20, 30))[a], (slice(0, 20), slice(20, 30))[b]]
                delay = 1.0 + 0.5 * a
                net.connect(pre, post, target="v", weight=part, delay=delay)

    net, cells = network(30, DeltaLIF, backend=backend, I=currents)
    cells.v[:] = start
    connect(net, (cells[:20], cells[20:]))
    (all_spikes,) = spikes_of(net, cells)

    two = Network(dt=0.5, seed=1, backend=backend)
    exc = two.add_population("exc", 20, DeltaLIF, I=currents)
    inh = two.add_population("inh", 10, DeltaLIF, I=currents)
    exc.v[:], inh.v[:] = start[:20], start[20:]
    connect(two, (exc, inh))
    first, second = spikes_of(two, exc, inh)

    assert all_spikes.t.size > 100
    is_exc = all_spikes.i < 20
    assert np.array_equal(all_spikes.t[is_exc], first.t)
    assert np.array_equal(all_spikes.i[is_exc], first.i)
    assert np.array_equal(all_spikes.t[~is_exc], second.t)
    assert np.array_equal(all_spikes.i[~is_exc] - 20, second.i)


def test_a_subgroup_of_all_neurons_gives_the_bits_of_the_population():
    def bits(part):
        net, cells = network(30, DeltaLIF, I=25.0)
        cells.v[:] = np.linspace(0.0, 19.0, 30)
        given = part(cells)
        net.connect(given, given, target="v", weight=0.5 * WEIGHTS)
        net.connect(given, given, target="v", weight=0.5, probability=0.2, name="sparse")
        net.add_background(given, "v", 500.0, 0.5)
        net.run(100.0)
        return cells.v.tobytes()

    assert bits(lambda cells: cells) == bits(lambda cells: cells[:])


def test_synapses_of_a_subgroup_may_learn():
    def learned(pre, post):
        pre.network.connect(pre, post, target="v", weight=2.0, plasticity=PairSTDP(w_max=4.0))
        pre.network.run(100.0)
        (synapses,) = pre.network.projections.values()
        return synapses.W if synapses.W is not None else synapses.weight.reshape(3, 2)

    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_population("source", 3, Poisson)
    source.rate = 100.0
    cells = net.add_population("cells", 2, DeltaLIF, I=25.0)
    apart = learned(source, cells)
    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_population("source", 3, Poisson)
    source.rate = 100.0
    larger = net.add_population("cells", 5, DeltaLIF, I=25.0)
    group = larger[3:]
    net.connect(source, group, target="v", weight=2.0, plasticity=PairSTDP(w_max=4.0))
    net.run(100.0)
    (synapses,) = net.projections.values()
    assert np.array_equal(synapses.weight.reshape(3, 2), apart)
    assert len(np.unique(apart)) > 1


# ---- recordings, stimuli, figures ---------------------------------------------------------------


def test_states_of_a_subgroup_are_recorded():
    net, cells = network()
    cells.v[:] = np.arange(10.0) - 70.0
    whole, part = net.record(cells, "v"), net.record(cells[6:], "v", neurons=[0, 2])
    net.run(1.0)
    assert part.neurons.tolist() == [6, 8]
    assert np.array_equal(part.v, whole.v[[6, 8]])


def test_spikes_of_a_subgroup_are_recorded_as_it_numbers_them(tmp_path):
    net, cells = network(30, DeltaLIF, I=25.0)
    cells.v[:] = np.linspace(0.0, 19.0, 30)
    whole, part = net.record_spikes(cells), net.record_spikes(cells[20:])
    odd = net.record_spikes(cells[1::2])
    first, second = net.record_spikes(cells[:20], cells[20:], path=tmp_path / "spikes.h5")
    net.run(60.0)
    first.close()
    second.close()
    chosen = whole.i >= 20
    assert np.array_equal(part.t, whole.t[chosen])
    assert np.array_equal(part.i, whole.i[chosen] - 20)
    assert part.n == part.count.size == 10
    assert np.array_equal(odd.count, whole.count[1::2])
    assert part.name == "cells[20:30]"
    times, ids = sonata.read_spikes(tmp_path / "spikes.h5")["cells[20:30]"]
    assert np.array_equal(ids, part.i)
    assert np.allclose(times, part.t)


def ramp(i, t, s, p):
    s.got[i] = s.I[i] + s.port[i]
    s.port[i] = 0.0


TAKING = Neuron([ramp], {"I": 0.0, "got": 0.0, "port": 0.0}, most_spikes=0)


def test_a_stimulus_noise_and_background_reach_a_subgroup_alone():
    for give in (
        lambda net, group: net.play(group, "I", [[1.0, 2.0]], neurons=[0, 3]),
        lambda net, group: net.add_noise(group, "I", 1.0, neurons=[0, 3]),
        lambda net, group: net.add_background(group, "port", 1e5, 1.0, neurons=range(0, 4)),
    ):
        net, cells = network(neuron=TAKING)
        give(net, cells[4:8])
        net.run(0.5)
        reached = np.flatnonzero(cells.got).tolist()
        assert reached in ([4, 7], [4, 5, 6, 7])


def test_an_argument_neurons_takes_a_subgroup():
    net, cells = network()
    assert net.record(cells, "v", neurons=cells[7:]).neurons.tolist() == [7, 8, 9]


def test_a_raster_shows_a_subgroup():
    _, cells = network()
    ax = plot.raster(([1.0, 2.0, 3.0], [0, 8, 9]), neurons=cells[8:])
    assert ax.lines[0].get_xdata().tolist() == [2.0, 3.0]


def test_what_takes_a_whole_population_says_so():
    net, cells = network()
    with pytest.raises(InputError, match=r"subgroup cells\[0:4\].*whole population"):
        net.add_trace(cells[:4], 20.0)
    with pytest.raises(InputError, match="whole population"):
        net.add_events("events", cells[:4])


def test_a_subgroup_of_another_network_is_refused():
    net, cells = network()
    _, others = network()
    with pytest.raises(InputError, match="population of this network"):
        net.connect(cells, others[:3], target="drive", weight=1.0)


def test_a_copied_subgroup_belongs_to_the_copied_network():
    net, cells = network()
    copied, group = copy.deepcopy((net, cells[2:4]))
    group.v = -50.0
    assert copied.populations["cells"].v[2:4].tolist() == [-50, -50]
    assert cells.v[2] != -50.0
    again = pickle.loads(pickle.dumps(cells[2:4]))
    assert again.ids.tolist() == [2, 3]


# ---- silence ------------------------------------------------------------------------------------


def firing(backend="python", n=6):
    """Neurons that all fire at their own rates, and one that counts what reaches it."""
    net = Network(dt=0.5, seed=1, backend=backend)
    cells = net.add_population("cells", n, DeltaLIF, I=30.0)
    cells.v[:] = np.linspace(0.0, 19.0, n)
    counting = net.add_population("counting", 1, DeltaLIF, threshold=1e9, tau=1e9)
    net.connect(cells, counting, target="v", weight=1.0)
    return net, cells, counting


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_silenced_neurons_send_nothing_until_they_are_let_go(backend):
    net, cells, counting = firing(backend)
    spikes = net.record_spikes(cells)
    cells[2:4].silence()
    net.run(100.0)
    assert spikes.count[2:4].tolist() == [0, 0]
    assert (spikes.count[[0, 1, 4, 5]] > 0).all()
    assert round(float(counting.v[0])) == spikes.t[spikes.t < 99.5].size
    assert cells.silent.tolist() == [False, False, True, True, False, False]
    cells[2:4].silence(False)
    net.run(100.0)
    assert (spikes.count > 0).all()


def test_their_own_equations_and_those_of_others_go_on_as_they_were():
    net, cells, _ = firing()
    net.run(100.0)
    silenced, same, _ = firing()
    same[2:4].silence()
    silenced.run(100.0)
    assert np.array_equal(cells.v, same.v)


@pytest.mark.parametrize("kind", ["trains", "images", "events", "Poisson"])
def test_sources_can_be_silenced(kind):
    net = Network(dt=0.5, seed=1, backend="python")
    trains = net.add_spike_trains("trains", 3, [1.0, 2.0, 3.0, 4.0], [0, 1, 2, 1])
    source = trains
    if kind == "images":
        source = net.add_images("images", np.ones((1, 3)), rate=500.0, duration=20.0)
    elif kind == "events":
        source = net.add_events("events", trains)
    elif kind == "Poisson":
        source = net.add_population("source", 3, Poisson)
        source.rate = 500.0
    spikes = net.record_spikes(source)
    source[1].silence()
    net.run(20.0)
    assert spikes.count[1] == 0
    assert spikes.count[[0, 2]].all()
    assert not source.spike[1]
    source.silence()
    before = spikes.t.size
    net.run(20.0)
    assert spikes.t.size == before


def test_silence_is_saved_with_the_network(tmp_path):
    net, cells, _ = firing()
    cells[2:4].silence()
    net.run(10.0)
    net.save(tmp_path / "net.h5")
    other, again, counting = firing()
    again[5].silence()
    other.restore(tmp_path / "net.h5")
    assert again.silent.tolist() == cells.silent.tolist()
    net.run(50.0)
    other.run(50.0)
    assert counting.v == net.populations["counting"].v
    fresh = firing()[0].state()
    other.set_state(fresh)
    assert not again.silent.any()


def test_a_damaged_silence_is_refused_and_changes_nothing():
    net, cells, _ = firing()
    state = net.state()
    for silent in ([1], {"cells": [7]}, {"cels": [1]}, {"cells": "v"}):
        with pytest.raises(InputError, match="silent"):
            net.set_state({**state, "silent": silent})
    assert not cells.silent.any()


def test_silence_is_true_or_false():
    _, cells = network()
    with pytest.raises(InputError, match="on is 1"):
        cells[:2].silence(1)
