"""Gap junctions: coupling coefficients in closed form, synchrony, and the same bits everywhere."""

import copy
from itertools import pairwise
from math import exp

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import expm

from spikesim import AdEx, CurrentLIF, InputError, Izhikevich, Network, Neuron, Replicas, stimuli
from spikesim.math import normal


def membrane(i, t, s, p):
    s.v[i] = p.keep * s.v[i] + (1.0 - p.keep) * s.I[i]


PASSIVE = Neuron(
    [membrane],
    {"v": 0.0, "I": 0.0},
    {"tau": 20.0},
    constants=lambda p, dt: {"keep": exp(-dt / p["tau"])},
    most_spikes=0,
)
"""tau dv/dt = I - v: a leak conductance of 1, beside which those of junctions stand."""


def passive(n, dt=0.1, backend="python", dtype="float64"):
    net = Network(dt=dt, seed=1, backend=backend, dtype=dtype)
    return net, net.add_population("cells", n, PASSIVE)


def test_the_coupling_coefficient_of_two_cells_is_g_over_g_plus_leak():
    net, cells = passive(2)
    net.connect_gap(cells, cells, conductance=0.25)
    net.play(cells, "I", stimuli.step([10.0, 0.0]))
    net.run(1000.0)
    assert abs(cells.v[1] / cells.v[0] - 0.25 / 1.25) < 1e-9


def test_a_chain_settles_where_the_currents_balance():
    """(1 + L) v = I, with L the Laplacian of the junctions."""
    conductances = np.zeros((5, 5))
    for i, g in enumerate([0.5, 1.0, 0.2, 2.0]):
        conductances[i, i + 1] = conductances[i + 1, i] = g
    net, cells = passive(5)
    cells.I[:] = 3.0, 0.0, -1.0, 0.0, 7.0
    net.connect_gap(cells, cells, conductances)
    net.run(1000.0)
    laplacian = np.diag(conductances.sum(axis=1)) - conductances
    expected = np.linalg.solve(np.eye(5) + laplacian, cells.I)
    assert np.abs(cells.v - expected).max() < 1e-9


def test_voltages_relax_as_the_linear_equations_say_and_the_error_is_of_order_dt():
    matrix = np.array([[-1.0 - 0.5, 0.5], [0.5, -1.0 - 0.5]]) / 20.0
    exact = expm(10.0 * matrix) @ [10.0, 0.0]
    errors = []
    for dt in (0.2, 0.1, 0.05):
        net, cells = passive(2, dt=dt)
        cells.v[:] = 10.0, 0.0
        net.connect_gap(cells, cells, 0.5)
        net.run(10.0)
        errors.append(np.abs(cells.v - exact).max())
    assert errors[-1] < 0.01
    for coarse, fine in pairwise(errors):
        assert 1.8 < coarse / fine < 2.2


def test_currents_follow_from_the_voltages_at_the_beginning_of_the_step_in_any_order():
    """Two populations, one of which is advanced first, and one population of both neurons."""
    net, cells = passive(2)
    cells.v[:] = 10.0, -4.0
    net.connect_gap(cells, cells, 0.5)
    net.run(2.0)
    for order in ((0, 1), (1, 0)):
        two = Network(dt=0.1, seed=1, backend="python", dtype="float64")
        parts = {k: two.add_population(f"cell_{k}", 1, PASSIVE) for k in order}
        parts[0].v, parts[1].v = 10.0, -4.0
        two.connect_gap(parts[0], parts[1], 0.5)
        two.run(2.0)
        assert [float(parts[k].v[0]) for k in (0, 1)] == cells.v.tolist()


def test_subgroups_are_coupled_as_populations_are():
    net, cells = passive(5)
    cells.v[:] = np.arange(5.0)
    junctions = net.connect_gap(cells[:2], cells[3:], [[0.5, 0.0], [0.25, 1.0]])
    assert junctions.pairs.tolist() == [[0, 3], [1, 3], [1, 4]]
    net.run(0.1)
    v = np.arange(5.0)
    current = np.zeros(5)
    for i, j, g in [(0, 3, 0.5), (1, 3, 0.25), (1, 4, 1.0)]:
        current[i] += g * (v[j] - v[i])
        current[j] += g * (v[i] - v[j])
    keep = exp(-0.1 / 20.0)
    assert np.allclose(cells.v, keep * v + (1.0 - keep) * current, atol=1e-12)


def test_currents_add_up_with_stimuli_and_what_was_set():
    net, cells = passive(2)
    cells.v[:] = 10.0, 0.0
    cells.I[:] = 1.0, 2.0
    net.connect_gap(cells, cells, 0.5)
    net.play(cells, "I", stimuli.step(100.0))
    current = net.record(cells, "I")
    net.run(0.1)
    assert current.I[:, 0].tolist() == [96.0, 107.0]
    assert cells.I.tolist() == [1.0, 2.0]


def latencies(conductance):
    """How far apart two bursts of firing are, cell by cell, at the end of a second."""
    net = Network(dt=0.1, seed=1, backend="cpu")
    cells = net.add_population("cells", 2, Izhikevich)
    cells.I[:] = 10.0
    cells.v[:] = -65.0, -50.0
    spikes = net.record_spikes(cells)
    net.connect_gap(cells, cells, conductance)
    net.run(2000.0)
    trains = spikes.spike_trains()
    late = trains[0][trains[0] > 1500.0]
    assert late.size > 5
    return np.array([np.abs(trains[1] - t).min() for t in late])


def test_two_cells_synchronise():
    assert latencies(0.0).min() > 2.0
    assert latencies(0.5).max() < 0.2


def test_pairs_are_drawn_once_each_with_the_probability():
    net, cells = passive(60)
    junctions = net.connect_gap(cells, cells, 0.01, probability=0.2)
    a, b = junctions.pairs.T
    assert (a < b).all()
    assert len({*map(tuple, junctions.pairs.tolist())}) == len(a)
    pairs = 60 * 59 / 2
    assert abs(len(a) - 0.2 * pairs) < 4.0 * np.sqrt(pairs * 0.2 * 0.8)
    other = net.connect_gap(cells, cells, 0.01, probability=0.2)
    assert not np.array_equal(other.pairs, junctions.pairs)


def test_conductances_may_change_between_runs_and_be_switched_off():
    net, cells = passive(2)
    cells.v[:] = 10.0, 0.0
    junctions = net.connect_gap(cells, cells, 0.0)
    current = net.record(cells, "I")
    net.run(0.1)
    junctions.conductance = 0.5
    v = cells.v.copy()
    net.run(0.1)
    junctions.conductance = [0.25]
    junctions.is_on = False
    net.run(0.1)
    junctions.is_on = True
    w = cells.v.copy()
    net.run(0.1)
    assert current.I[0].tolist() == [0.0, 0.5 * (v[1] - v[0]), 0.0, 0.25 * (w[1] - w[0])]


# ---- the same everywhere ------------------------------------------------------------------------


def coupled(backend="python", seed=1):
    net = Network(dt=0.1, seed=seed, backend=backend)
    cells = net.add_population("cells", 9, AdEx)
    others = net.add_population("others", 4, AdEx)
    cells.I[:] = np.linspace(400.0, 1200.0, 9)
    net.connect_gap(cells, cells, 5.0, probability=0.5)
    matrix = np.zeros((9, 4))
    matrix[[0, 3, 3], [1, 0, 2]] = 10.0, 20.0, 30.0
    net.connect_gap(cells, others, sparse.csr_array(matrix))
    return net


def volts(net, parts=(50.0,)):
    for part in parts:
        net.run(part)
    return b"".join(each.v.tobytes() for each in net.populations.values())


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_every_backend_gives_the_same_bits(backend):
    assert volts(coupled()) == volts(coupled(backend))


def test_a_run_in_parts_gives_the_bits_of_one():
    assert volts(coupled()) == volts(coupled(), (0.1, 30.4, 19.5))


def test_a_restored_network_and_a_copy_go_on_with_the_same_bits(tmp_path):
    net = coupled()
    net.run(20.0)
    net.save(tmp_path / "net.h5")
    copied, restored = copy.deepcopy(net), coupled().restore(tmp_path / "net.h5")
    copied.gap_junctions[0].conductance = 5.0
    assert volts(net) == volts(copied) == volts(restored)


def test_other_junctions_than_the_saved_ones_are_refused(tmp_path):
    def build(g):
        net, cells = passive(2)
        net.connect_gap(cells, cells, g)
        return net

    build(0.1).save(tmp_path / "net.h5")
    with pytest.raises(InputError, match="first conductances of 'gap junctions 0'"):
        build(0.2).restore(tmp_path / "net.h5")
    with pytest.raises(InputError, match="number of junctions of 'gap junctions 0'"):
        build([[0.0, 0.0], [0.0, 0.0]]).restore(tmp_path / "net.h5")


def test_replicas_have_junctions_of_their_own():
    nets = [coupled(seed=seed) for seed in (1, 2)]
    Replicas(nets, threads=1).run(50.0)
    for net, seed in zip(nets, (1, 2), strict=True):
        expected = volts(coupled(seed=seed))
        assert b"".join(each.v.tobytes() for each in net.populations.values()) == expected


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("neuron", "gain"), [(PASSIVE, 1 - exp(-0.1 / 20)), (AdEx, 0.1 / 281.0)])
def test_what_would_overshoot_is_refused_and_what_would_not_is_taken(neuron, gain):
    """A pair, in which a step carries each neuron g times the gain of the way to the other.

    The gain of `AdEx` is 1 % less, as the leak of a step is computed after the current.
    """
    net = Network(dt=0.1, seed=1, backend="python")
    cells = net.add_population("cells", 2, neuron)
    junctions = net.connect_gap(cells, cells, 0.49 / gain)
    message = "of the way to the voltage of its neighbours.*at most"
    with pytest.raises(InputError, match=message):
        net.connect_gap(cells, cells, 0.51 / gain)
    with pytest.raises(InputError, match=message):
        junctions.conductance = 0.51 / gain
    assert junctions.conductance == 0.49 / gain


def drawing(i, t, s, p):
    s.v[i] += 0.1 * (s.I[i] - s.v[i]) + normal(s, i)


def test_neurons_that_draw_random_numbers_are_looked_at_too():
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 2, Neuron([drawing], {"v": 0.0, "I": 0.0}, most_spikes=0))
    net.connect_gap(cells, cells, 4.9)
    with pytest.raises(InputError, match=r"at most 5,"):
        net.connect_gap(cells, cells, 5.1)


def test_neurons_whose_input_is_a_parameter_are_coupled_and_looked_at():
    """tau dv/dt = E_L - v + I with E_L = -60, exactly: the coupling coefficient is g / (1 + g)."""
    net = Network(dt=0.1, backend="python", dtype="float64")
    cells = net.add_population("cells", 2, CurrentLIF, I=[5.0, 0.0])
    with pytest.raises(InputError, match="of the way"):
        net.connect_gap(cells, cells, 0.51 / (1 - exp(-0.1 / 20)))
    assert "I" not in cells.state
    net.connect_gap(cells, cells, 0.25)
    net.run(1000.0)
    assert abs((cells.v[1] + 60.0) / (cells.v[0] + 60.0) - 0.2) < 1e-9


def test_all_junctions_of_a_neuron_count():
    net, cells = passive(5)
    most = 0.5 / (1 - exp(-0.1 / 20)) / 4
    net.connect_gap(cells, cells, 0.99 * most)
    with pytest.raises(InputError, match="for neuron 0"):
        net.connect_gap(cells, cells, 1.01 * most)


REFUSED = [
    ("conductance is -1", -1.0, {}),
    ("conductance is nan", np.nan, {}),
    ("not symmetric", [[0.0, 1.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]], {}),
    ("to itself", np.eye(3), {}),
    ("shape", np.ones((2, 3)), {}),
    ("shape", sparse.csr_array(np.ones((2, 3))), {}),
    ("at least 0", [[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], {}),
    ("probability is 2", 0.1, {"probability": 2.0}),
    ("one conductance of all", np.zeros((3, 3)), {"probability": 0.1}),
    ("Unknown target", 0.1, {"target": "J"}),
    ("equations of 'cells' change", 0.1, {"target": "v"}),
    ("Unknown voltage", 0.1, {"voltage": "u"}),
]


@pytest.mark.parametrize(("message", "conductance", "options"), REFUSED)
def test_what_cannot_be_connected_is_refused(message, conductance, options):
    net, cells = passive(3)
    with pytest.raises(InputError, match=message):
        net.connect_gap(cells, cells, conductance, **options)
    assert not net.gap_junctions
    net.run(0.1)


def test_groups_that_overlap_in_part_are_refused():
    net, cells = passive(4)
    with pytest.raises(InputError, match="overlap in part"):
        net.connect_gap(cells[:3], cells[1:], 0.1)
