"""Synapses as tables, by their neurons, and their weights over time; dense and sparse alike."""

import copy

import numpy as np
import pytest
from scipy import sparse

from spikesim import LIF, InputError, Network, PairSTDP, PlasticityRule, Poisson
from spikesim.sonata import read_traces

SHAPE = (4, 3)
FORMS = pytest.mark.parametrize("form", ["dense", "sparse", "spread"])
MATRIX = np.random.default_rng(1).uniform(0.5, 1.0, SHAPE)
DELAYS = np.arange(12).reshape(SHAPE) % 5 * 0.5 + 0.5


def grow(w, E):
    return w + 0.25, E + 1.0


RULE = PlasticityRule(on_step=grow, every=1.0, variables={"E": 0.0})


def build(form="dense", backend="python", **options):
    """A projection, and what its table has to hold: (pre, post) → weight, delay."""
    net = Network(dt=0.5, backend=backend, dtype="float64")
    pre, post = net.add_population("pre", 4, LIF), net.add_population("post", 3, LIF)
    exists = np.ones(SHAPE, bool) if form == "dense" else np.arange(12).reshape(SHAPE) % 4 != 1
    weight = MATRIX if form == "dense" else sparse.csr_array(np.where(exists, MATRIX, 0.0))
    delay = DELAYS[exists] if form == "spread" else 1.0
    made = net.connect(pre, post, target="drive", weight=weight, delay=delay, **options)
    each = DELAYS if form == "spread" else np.ones(SHAPE)
    return made, {
        (i, j): (MATRIX[i, j], each[i, j]) for i, j in zip(*np.nonzero(exists), strict=True)
    }


@FORMS
def test_a_table_has_a_row_for_each_synapse(form):
    made, expected = build(form)
    table = made.table()
    assert table.dtype.names == ("pre", "post", "weight", "delay")
    found = {(row["pre"], row["post"]): (row["weight"], row["delay"]) for row in table}
    assert found == expected
    assert len(table) == len(expected)


def test_one_weight_for_all_is_in_every_row():
    net = Network(backend="python")
    cells = net.add_population("cells", 3, LIF)
    made = net.connect(cells, cells, target="drive", weight=2.0, one_to_one=True)
    assert made.table()["weight"].tolist() == [2.0, 2.0, 2.0]
    assert made.of(1).weight.tolist() == [2.0]
    assert made.weight.tolist() == [2.0]


def shared(**options):
    """12 synapses with one weight."""
    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_spike_trains("source", 4, [0.5] * 4, range(4))
    cells = net.add_population("cells", 3, LIF)
    return net, net.connect(source, cells, target="drive", weight=2.0, probability=1.0, **options)


@pytest.mark.parametrize("key", [0, 3, [0, 3], slice(2, 5), np.arange(12) < 3])
def test_a_synapse_that_shares_its_weight_is_not_set_alone(key):
    _, made = shared()
    with pytest.raises(InputError, match=r"as all 12 synapses share one.*onto\(neurons\)\.weight"):
        made.weight[key] = 5.0
    with pytest.raises(InputError, match="as all 12 synapses share one"):
        made.weight[:] = np.arange(12.0)
    assert made.weight.tolist() == [2.0]


def test_a_weight_that_all_synapses_share_is_set_as_a_whole():
    (net, made), (other, its) = shared(), shared()
    made.weight[:] = 3.0
    made.weight *= 2.0
    made.weight[...] += 1.0
    its.weight = 7.0
    assert made.table()["weight"].tolist() == its.table()["weight"].tolist() == [7.0] * 12
    for each in (net, other):
        each.run(2.0)
    assert made.post.drive.tolist() == its.post.drive.tolist() != [0.0] * 3
    assert type(made.weight + 1.0) is type(made.weight.copy()) is np.ndarray
    assert repr(made.weight) == "array([7.], dtype=float32)"


def test_a_weight_for_each_synapse_takes_the_place_of_a_shared_one():
    net, made = shared()
    net.run(1.0)
    made.weight = np.full(12, 2.0)
    made.weight[[0, 3]] = 5.0
    assert made.table()["weight"].tolist() == [5.0, 2.0, 2.0, 5.0, *[2.0] * 8]
    net.run(1.0)


def test_the_synapse_with_a_number_beyond_is_told_that_the_weight_is_shared():
    _, made = shared()
    assert made.weight[0] == 2.0
    with pytest.raises(InputError, match=r"no weight\[7\] of 'source_to_cells', as all 12"):
        _ = made.weight[7]


def double(i, t, s, p):
    s.weight[0] = 2.0 * s.weight[0]


def test_a_phase_may_write_to_a_shared_weight():
    net, made = shared()
    net.add_phase(double, 1, state={"weight": made.weight})
    net.run(1.5)
    assert made.weight.tolist() == [16.0]
    net.reset()
    assert made.weight.tolist() == [2.0]


@FORMS
def test_a_delay_is_in_ms_wherever_it_is_read(form):
    made, expected = build(form)
    each = np.array([delay for _, delay in expected.values()])
    np.testing.assert_array_equal(made.delay, each if form == "spread" else 1.0)
    assert np.ndim(made.delay) == (form == "spread")
    np.testing.assert_array_equal(np.broadcast_to(made.delay, each.shape), made.table()["delay"])
    with pytest.raises(InputError, match=r"delay of .pre_to_post. cannot be set; .*connect takes"):
        made.delay = 1.0


@FORMS
def test_the_matrix_of_scipy_has_the_weights(form):
    made, expected = build(form)
    matrix = made.to_scipy()
    assert matrix.shape == SHAPE
    assert matrix.nnz == len(expected)
    for (i, j), (weight, _) in expected.items():
        assert matrix[i, j] == weight
    matrix[0, 0] = 9.0
    assert made.table()["weight"].max() < 1.0


def test_in_the_matrix_of_scipy_synapses_of_one_pair_add_up():
    net = Network(backend="python")
    cells = net.add_population("cells", 2, LIF)
    made = net.connect(cells, cells, target="drive", weight=1.5, synapses=100)
    counts = np.zeros((2, 2))
    np.add.at(counts, (made.table()["pre"], made.table()["post"]), 1)
    assert np.array_equal(made.to_scipy().toarray(), 1.5 * counts)


@FORMS
@pytest.mark.parametrize(
    ("neurons", "meant"),
    [(2, [2]), ([0, 2], [0, 2]), ([2, 1], [1, 2]), (slice(1, None, 2), [1, 3]), ([], [])],
)
def test_synapses_of_and_onto_neurons_are_rows_of_the_table(form, neurons, meant):
    made, _ = build(form)
    table = made.table()
    for side, some in (("pre", made.of(neurons)), ("post", made.onto(neurons))):
        assert sorted(some.places.tolist()) == np.flatnonzero(np.isin(table[side], meant)).tolist()
        assert len(some) == some.places.size
        for name in ("pre", "post", "weight", "delay"):
            assert np.array_equal(getattr(some, name), table[name][some.places])


def test_a_mask_says_which_neurons_too():
    made, _ = build()
    assert made.onto(np.arange(3) == 1).post.tolist() == [1] * 4


@FORMS
def test_weights_of_some_synapses_are_set_as_a_whole(form):
    made, _ = build(form)
    before = made.table()
    made.onto(1).weight = 7.0
    made.of(3).weight = made.of(3).weight * 2.0
    after = made.table()
    expected = np.where(before["post"] == 1, 7.0, before["weight"])
    expected *= np.where(before["pre"] == 3, 2.0, 1.0)
    assert np.array_equal(after["weight"], expected)
    with pytest.raises(InputError, match=r"weight has shape \(2,\)"):
        made.onto(1).weight = [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        made.onto(1).weight[0] = 3.0
    with pytest.raises(InputError, match="connect makes other synapses"):
        made.onto(1).pre = 2


def test_setting_some_weights_that_all_share_leaves_the_others():
    net = Network(backend="python")
    cells = net.add_population("cells", 3, LIF)
    made = net.connect(cells, cells, target="drive", weight=2.0, one_to_one=True)
    made.of(1).weight = 3.0
    assert made.weight.tolist() == [2.0, 3.0, 2.0]


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_weights_that_are_set_stay_within_the_bounds_of_plasticity(form):
    made, _ = build(form, plasticity=PairSTDP(w_max=1.0))
    with pytest.raises(InputError, match=r"weight holds 1\.5; .* w_max = 1"):
        made.of(0).weight = 1.5
    made.of(0).weight = 0.75
    assert (made.table()["weight"][made.of(0).places] == 0.75).all()


@FORMS
def test_all_weights_are_set_by_one_number_or_one_for_each(form):
    made, _ = build(form)
    made.weight = 2.0
    assert (made.table()["weight"] == 2.0).all()
    made.weight = np.arange(made.size)
    assert np.array_equal(made.weight, np.arange(made.size))
    assert made.to_scipy()[3, 2] == made.size - 1
    with pytest.raises(InputError, match=rf"weight has shape \(2,\); .* \({made.size},\)"):
        made.weight = [1.0, 2.0]


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_variables_of_a_rule_are_in_the_table_and_with_some_synapses(form):
    made, _ = build(form, plasticity=RULE)
    made.onto(2).E = 5.0
    table = made.table()
    assert np.array_equal(table["E"] == 5.0, table["post"] == 2)
    assert (made.onto(2).E == 5.0).all()
    with pytest.raises(InputError, match="has no 'F'; there is weight, E"):
        print(made.onto(2).F)


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_weights_are_recorded_over_time(form, backend):
    made, _ = build(form, backend=backend, plasticity=RULE)
    chosen = [5, 0, 3]
    recording = made.network.record(made, ["weight", "E"], every=1.0, synapses=chosen)
    start = made.table()["weight"][chosen]
    made.network.run(2.5)
    made.network.run(2.5)
    assert recording.t.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert np.array_equal(recording.weight, start[:, None] + 0.25 * np.arange(5))
    assert np.array_equal(recording.E, np.ones((3, 1)) * np.arange(5))
    assert recording.pre.tolist() == made.table()["pre"][chosen].tolist()
    assert recording.post.tolist() == made.table()["post"][chosen].tolist()
    assert recording.synapses.tolist() == chosen
    assert repr(recording).startswith(
        "<SynapseRecording of weight, E of 3 synapses of 'pre_to_post'"
    )
    kept = copy.deepcopy(recording)
    assert np.array_equal(kept.weight, recording.weight)


def test_weights_that_all_share_are_recorded_for_each():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 3, LIF)
    made = net.connect(cells, cells, target="drive", weight=2.0, one_to_one=True)
    recording = net.record(made, "weight")
    net.run(1.0)
    made.of(1).weight = 3.0
    net.run(0.5)
    assert recording.weight.tolist() == [[2.0, 2.0, 2.0], [2.0, 2.0, 3.0], [2.0, 2.0, 2.0]]


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_weights_are_recorded_to_a_file(form, tmp_path):
    made, _ = build(form, plasticity=RULE)
    path = tmp_path / "weights.h5"
    recording = made.network.record(made, "weight", every=1.0, synapses=range(4), path=path)
    memory = made.network.record(made, "weight", every=1.0, synapses=range(4))
    made.network.run(5.0)
    recording.close()
    traces = read_traces(path)["pre_to_post"]
    np.testing.assert_allclose(traces.data[:, :, 0].T, memory.weight, rtol=1e-6)
    assert traces.times.tolist() == memory.t.tolist()


def test_a_recording_of_weights_goes_back_with_the_network():
    made, _ = build(plasticity=RULE)
    net = made.network
    net.run(2.0)
    state = net.state()
    recording = net.record(made, "weight", every=1.0)
    net.run(3.0)
    first = recording.weight.copy()
    net.set_state(state)
    net.run(3.0)
    assert np.array_equal(recording.weight, first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neurons": [0]}, "neurons is .*'pre_to_post'.* has synapses"),
        ({"synapses": [99]}, "synapses holds 99"),
        ({"synapses": [True, False]}, "truth value for each of the 12 synapses"),
        ({"variables": "wieght"}, "Unknown variable of 'pre_to_post' 'wieght'; .* 'weight'"),
    ],
)
def test_what_cannot_be_recorded_of_synapses_is_refused(change, message):
    made, _ = build()
    with pytest.raises(InputError, match=message):
        made.network.record(**{"population": made, "variables": "weight", **change})


def test_synapses_of_other_networks_and_neurons_without_synapses_are_refused():
    made, _ = build()
    with pytest.raises(InputError, match="population or a projection of this network"):
        Network(backend="python").record(made, "weight")
    with pytest.raises(InputError, match=r"synapses is .*'pre'.* has neurons"):
        made.network.record(made.pre, "v", synapses=[0])


def test_variables_of_synapses_have_names_that_tables_do_not_use():
    with pytest.raises(InputError, match="variables has 'delay', which is what every synapse has"):
        PlasticityRule(on_step=grow, variables={"delay": 0.0})


def test_neurons_that_are_not_there_have_no_synapses():
    made, _ = build()
    with pytest.raises(InputError, match="neurons holds 4"):
        made.of(4)
    net = Network(backend="python")
    source = net.add_population("source", 3, Poisson)
    cells = net.add_population("cells", 2, LIF)
    lone = net.connect(source, cells, target="drive", weight=np.ones((3, 2)))
    assert len(lone.of([])) == 0
    assert lone.of([]).weight.size == 0


@FORMS
def test_synapses_onto_a_neuron_are_recorded_as_they_are_chosen(form):
    made, expected = build(form)
    some = made.onto(1)
    recording = made.network.record(made, "weight", every=1.0, synapses=some)
    made.network.run(2.0)
    assert recording.synapses.tolist() == some.places.tolist()
    assert recording.pre.tolist() == [i for i, j in expected if j == 1]
    assert recording.weight[:, -1].tolist() == [w for (_, j), (w, _) in expected.items() if j == 1]


def test_synapses_of_another_projection_are_not_recorded_by_accident():
    made, _ = build()
    other = made.network.connect(made.pre, made.post, target="drive", weight=1.0, name="other")
    with pytest.raises(InputError, match="synapses is <SomeSynapses: 4 of 'other'>, but 'pre_to_p"):
        made.network.record(made, "weight", synapses=other.onto(1))
