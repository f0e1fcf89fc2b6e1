"""Trials: a network goes back to its beginning, with other noise; loops that look on the way."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse

from spikesim import LIF, InputError, Network, PairSTDP, Poisson, Replicas, SimulationError
from spikesim.recorded import Spikes
from tests.test_network import all_arrays, assert_same_bits, everything, recorded

STDP = PairSTDP(A_plus=0.05, A_minus=0.05, w_max=8.0)


def dense(chance, shape):
    return chance.uniform(0.0, 4.0, shape)


def as_matrix(projection):
    """The synapses of a sparse projection, to build it anew from."""
    row = (projection.weight, projection.target, projection.start)
    return sparse.csr_array(row, shape=(projection.pre.n, projection.post.n))


def learning(seed=1, backend="python", synapses=None):
    """Noise onto cells, over synapses that learn and some that do not, in what is drawn."""
    net = Network(dt=0.5, seed=seed, backend=backend)
    source = net.add_population("source", 15, Poisson)
    source.rate = 100.0
    images = net.add_images("images", np.full((2, 6), 0.5), rate=200.0, duration=10.0)
    cells = net.add_population("cells", 8, LIF, tau=10.0)
    cells.v = np.linspace(-70.0, -55.0, 8)
    weights = dense(np.random.default_rng(3), (15, 8))
    net.connect(source, cells, target="drive", weight=weights, plasticity=STDP, delay=1.0)
    net.connect(images, cells, target="drive", weight=2.0)
    if synapses is None:
        drawn = {"probability": 0.4, "weight": lambda chance, size: chance.normal(-2.0, 0.5, size)}
    else:
        drawn = {"weight": synapses}
    net.connect(cells, cells, target="drive", delay=1.5, **drawn)
    net.add_background(cells, "drive", rate=300.0, weight=1.0)
    net.add_trace(cells, 20.0)
    return net, [net.record_spikes(source), net.record_spikes(cells), net.record(cells, "v")]


def trial(net, recordings, seed=None, duration=60.0):
    net.reset(seed)
    net.run(duration)
    return [*all_arrays(net), *recorded(recordings)]


# ---- back to the beginning


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_after_a_reset_a_network_with_everything_gives_the_bits_of_its_first_run(dtype):
    net, recordings = everything(dtype, "python")
    net.run(40.0)
    first = [*copy.deepcopy(all_arrays(net)), *recorded(recordings)]
    net.run(7.5)
    assert_same_bits(trial(net, recordings, duration=40.0), first)


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:2"])
def test_a_trial_gives_the_bits_of_a_new_network_of_its_seed_with_the_same_synapses(backend):
    net, recordings = learning(seed=1, backend=backend)
    synapses = as_matrix(net.projections["cells_to_cells"])
    net.run(25.0)
    for seed in (4, 2**63 + 5):
        ours = copy.deepcopy(trial(net, recordings, seed))
        new, others = learning(seed=seed, synapses=synapses)
        new.run(60.0)
        assert_same_bits(ours, [*all_arrays(new), *recorded(others)])


def test_what_was_run_before_does_not_matter_to_a_trial():
    net, recordings = learning()
    alone = copy.deepcopy(trial(net, recordings, 7))
    for seed in (3, 8):
        trial(net, recordings, seed, duration=33.0)
    assert_same_bits(trial(net, recordings, 7), alone)


def test_trials_of_different_seeds_differ():
    net, (source, _, _) = learning()
    trains = []
    for seed in range(3):
        net.reset(seed)
        net.run(60.0)
        trains.append((source.t.tolist(), source.i.tolist()))
    assert trains[0] != trains[1] != trains[2] != trains[0]


def test_everything_that_is_drawn_in_a_run_takes_the_seed_of_the_trial():
    net, _ = everything("float32", "python")
    net.reset(seed=2**40 + 77)
    draws = [phase.params for phase in net.phases() if "seed_low" in phase.params]
    assert len(draws) > 5
    assert {(each["seed_low"], each["seed_high"]) for each in draws} == {(77, 2**8)}


def test_the_seed_of_the_network_stays_that_of_its_synapses():
    net, _ = learning(seed=1)
    net.reset(seed=9)
    assert (net.seed, net.noise_seed) == (1, 9)
    cells = net.populations["cells"]
    later = net.connect(cells, cells, target="drive", weight=1.0, indegree=2, name="later")
    other, _ = learning(seed=1)
    cells = other.populations["cells"]
    same = other.connect(cells, cells, target="drive", weight=1.0, indegree=2, name="later")
    np.testing.assert_array_equal(later.target, same.target)
    net.reset()
    assert net.noise_seed == 1


def test_what_was_set_before_the_first_run_belongs_to_the_beginning():
    net, _ = learning()
    cells, source = net.populations["cells"], net.populations["source"]
    source.rate = 40.0
    net.run(20.0)
    cells.v, source.rate = -60.0, 300.0
    net.reset()
    np.testing.assert_array_equal(cells.v, np.linspace(-70.0, -55.0, 8, dtype=np.float32))
    assert set(source.rate) == {40.0}
    assert net.time == 0.0


def test_weights_that_learn_go_back_and_others_stay_as_they_are():
    net, _ = learning()
    learnt, fixed = net.projections["source_to_cells"], net.projections["cells_to_cells"]
    before = learnt.W.copy()
    net.run(60.0)
    assert (before != learnt.W).any()
    fixed.weight[:] = -1.0
    net.reset()
    np.testing.assert_array_equal(learnt.W, before)
    assert set(fixed.weight) == {-1.0}


def grow(i, t, s, p):
    s.weight[i] += 0.5


def test_weights_that_a_phase_of_ones_own_changes_go_back():
    net, _ = learning()
    fixed = net.projections["cells_to_cells"]
    before = fixed.weight.copy()
    count = np.zeros(fixed.weight.size)
    net.add_phase(grow, fixed.weight.size, state={"weight": fixed.weight, "count": count})
    net.run(10.0)
    assert (fixed.weight > before).all()
    net.reset()
    np.testing.assert_array_equal(fixed.weight, before)


def test_a_part_that_is_added_later_goes_back_to_how_it_began():
    net, _ = learning()
    net.run(5.0)
    late = net.add_population("late", 3, LIF)
    late.v = -52.0
    net.run(5.0)
    assert (late.v != -52.0).all()
    net.reset()
    assert set(late.v) == {-52.0}


def test_spikes_under_way_are_gone_even_if_a_longer_delay_came_later():
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 1, times=[2.0], ids=[0])
    cells = net.add_population("cells", 1, LIF)
    net.connect(source, cells, target="v", weight=30.0, delay=4.0)
    net.run(4.0)
    net.connect(source, cells, target="v", weight=0.0, delay=9.0, name="longer")
    spikes = net.record_spikes(cells)
    net.reset()
    net.run(20.0)
    new = Network(dt=1.0, backend="python")
    source = new.add_spike_trains("source", 1, times=[2.0], ids=[0])
    cells = new.add_population("cells", 1, LIF)
    new.connect(source, cells, target="v", weight=30.0, delay=4.0)
    expected = new.record_spikes(cells)
    new.run(20.0)
    np.testing.assert_array_equal(spikes.t, expected.t)
    assert expected.t.size == 1


def test_a_network_whose_run_was_broken_off_can_be_reset():
    net, recordings = learning()
    first = copy.deepcopy(trial(net, recordings))
    net.populations["cells"].v[3] = np.nan
    with pytest.raises(SimulationError):
        net.run(10.0)
    assert_same_bits(trial(net, recordings), first)


def test_trials_may_begin_where_training_ended():
    net, recordings = learning()
    net.run(50.0)
    trained = net.state()
    weights = trained["arrays"]["source_to_cells"]["W"]
    for _ in range(2):
        net.reset(seed=6, state=trained)
        assert (net.time, net.noise_seed) == (50.0, 6)
        np.testing.assert_array_equal(net.projections["source_to_cells"].W, weights)
        net.run(20.0)
    found = recorded(recordings)
    net.reset(state=trained)
    net.run(20.0)
    assert not np.array_equal(found[0], recordings[0].t)


@pytest.mark.parametrize("state", [5, {}, {"step": -1}, {"step": 0}])
def test_what_is_no_state_is_refused(state):
    net, _ = learning()
    net.run(5.0)
    with pytest.raises(InputError):
        net.reset(state=state)
    assert net.time == 5.0


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1", True])
def test_what_is_no_seed_is_refused(seed):
    net, _ = learning()
    net.run(5.0)
    with pytest.raises(InputError, match="seed"):
        net.reset(seed=seed)
    assert net.time == 5.0


# ---- together with what else there is


def test_a_trial_that_was_saved_goes_on_with_its_noise(tmp_path):
    net, recordings = learning()
    whole = copy.deepcopy(trial(net, recordings, 5))
    net.reset(seed=5)
    net.run(30.0)
    net.save(tmp_path / "state.h5")
    new, others = learning()
    new.restore(tmp_path / "state.h5")
    assert new.noise_seed == 5
    new.run(30.0)
    assert_same_bits(all_arrays(new), whole[: len(all_arrays(new))])
    new.reset()
    assert new.noise_seed == new.seed
    assert_same_bits(trial(new, others, 5), whole)


@pytest.mark.parametrize("seed", [3, "x", "-1", str(2**64), "9" * 5000])
def test_a_state_with_a_seed_that_is_none_is_refused(seed):
    net, _ = learning()
    net.reset(seed=2)
    state = {**net.state(), "noise_seed": seed}
    with pytest.raises(InputError, match="noise_seed"):
        net.set_state(state)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_trials_of_its_own(copied):
    net, recordings = learning()
    first = copy.deepcopy(trial(net, recordings, 4))
    net.run(10.0)
    twin = copied(net)
    net.reset(seed=8)
    assert twin.noise_seed == 4
    assert_same_bits(trial(twin, twin.recordings, 4), first)


def test_replicas_have_the_trials_of_one_after_another():
    def build(seed):
        net, _ = learning(seed=seed)
        return net

    nets = Replicas.of(build, seed=[1, 2], threads=2)
    nets.run(10.0)
    nets.reset(seed=5)
    nets.run(20.0)
    for seed, net in zip([1, 2], nets, strict=True):
        alone = build(seed)
        alone.reset(seed=5)
        alone.run(20.0)
        assert_same_bits(all_arrays(net), all_arrays(alone))


def test_a_file_does_not_lose_the_trial_before(tmp_path):
    net, _ = learning()
    spikes = net.record_spikes(net.populations["source"], path=tmp_path / "spikes.h5")
    net.reset(seed=1)
    net.run(20.0)
    with pytest.raises(InputError, match=r"spikes.h5, which would lose"):
        net.reset(seed=2)
    assert (net.time, net.noise_seed) == (20.0, 1)
    spikes.close()
    net.reset(seed=2)


# ---- taking spikes out


def test_what_is_taken_out_is_forgotten_and_stays_as_it_is():
    net, (_, spikes, _) = learning()
    net.run(60.0)
    t, i = spikes.t.copy(), spikes.i.copy()
    taken = spikes.take()
    assert (spikes.t.size, spikes.t_start, spikes.duration) == (0, 60.0, 0.0)
    net.reset(seed=3)
    net.run(60.0)
    assert spikes.t_start == 0.0
    assert i.size > 10
    np.testing.assert_array_equal(taken.t, t)
    np.testing.assert_array_equal(taken.i, i)
    np.testing.assert_array_equal(taken.steps, np.rint(t / 0.5).astype(int))
    assert (taken.name, taken.n, taken.dt) == ("cells", 8, 0.5)
    assert (taken.t_start, taken.t_stop, taken.duration) == (0.0, 60.0, 60.0)


def test_nothing_of_what_was_taken_out_can_be_set():
    net, (_, spikes, _) = learning()
    net.run(60.0)
    taken = spikes.take()
    with pytest.raises(InputError, match="cannot be set"):
        taken.n = 3
    for array in (taken.t, taken.i, taken.steps):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_was_taken_out_can_be_copied_and_sent():
    net, (_, spikes, _) = learning()
    net.run(60.0)
    taken = spikes.take()
    for twin in (copy.copy(taken), copy.deepcopy(taken), pickle.loads(pickle.dumps(taken))):
        assert isinstance(twin, Spikes)
        np.testing.assert_array_equal(twin.t, taken.t)
        assert twin.t_stop == taken.t_stop


def test_a_recording_to_a_file_is_not_taken_out(tmp_path):
    net, _ = learning()
    spikes = net.record_spikes(net.populations["source"], path=tmp_path / "spikes.h5")
    net.run(5.0)
    for look in (spikes.take, spikes.new):
        with pytest.raises(InputError, match="went to a file"):
            look()


def test_the_trials_of_a_loop_are_those_of_networks_of_their_own():
    net, (_, spikes, _) = learning(seed=1)
    trials = []
    for seed in range(3):
        net.reset(seed=seed)
        net.run(40.0)
        trials.append(spikes.take())
    for seed, taken in enumerate(trials):
        alone, (_, expected, _) = learning(seed=1)
        alone.reset(seed=seed)
        alone.run(40.0)
        np.testing.assert_array_equal(taken.t, expected.t)
        np.testing.assert_array_equal(taken.i, expected.i)


# ---- loops that look on the way


def test_new_spikes_are_each_seen_once():
    net, (_, spikes, _) = learning()
    looks = [spikes.new() for _ in net.steps(60.0, every=1.5)]
    np.testing.assert_array_equal(np.concatenate([look.t for look in looks]), spikes.t)
    np.testing.assert_array_equal(np.concatenate([look.i for look in looks]), spikes.i)
    assert [look.t_stop for look in looks] == [1.5 * (k + 1) for k in range(40)]
    assert [look.duration for look in looks] == [1.5] * 40
    assert spikes.new().t.size == 0


def test_a_look_copies_nothing_of_what_was_recorded():
    net, (_, spikes, _) = learning()
    net.run(60.0)
    first = spikes.new()
    assert first.i.size > 0
    assert np.shares_memory(first.i, spikes.i)


def test_after_going_back_spikes_are_new_again():
    net, (_, spikes, _) = learning()
    net.run(30.0)
    state = net.state()
    net.run(30.0)
    expected = spikes.t[spikes.t >= 30.0]
    assert spikes.new().t.size > expected.size > 0
    net.set_state(state)
    assert spikes.new().t.size == 0
    net.run(30.0)
    np.testing.assert_array_equal(spikes.new().t, expected)
    net.reset()
    net.run(60.0)
    np.testing.assert_array_equal(spikes.new().t, spikes.t)


def test_counts_follow_when_a_network_goes_back():
    net, (_, spikes, _) = learning()
    for seed in (1, 2, 1):
        net.reset(seed)
        for _ in net.steps(60.0, every=20.0):
            np.testing.assert_array_equal(spikes.count, np.bincount(spikes.i, minlength=8))


def test_steps_give_the_bits_of_one_run():
    net, recordings = learning()
    times = list(net.steps(30.0))
    whole, others = learning()
    whole.run(30.0)
    assert_same_bits(recorded(recordings), recorded(others))
    np.testing.assert_array_equal(times, np.arange(1, 61) * 0.5)


def test_what_a_loop_sets_holds_from_the_next_step_on():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 1, LIF, threshold=1000.0)
    voltages = net.record(cells, "v")
    for time in net.steps(6.0, every=2.0):
        cells.v = 10.0 * time
    decay = np.exp(-1.0 / 20.0)  # per step; the first two steps begin at rest
    rest = voltages.v[0, 0]
    above = [20.0 - rest, 40.0 - rest]
    expected = [rest, rest, *(rest + above[k] * decay**j for k in (0, 1) for j in (1, 2))]
    np.testing.assert_allclose(voltages.v[0], expected, rtol=1e-5)


def test_a_loop_that_is_left_leaves_the_network_where_it_is():
    net, _ = learning()
    for time in net.steps(30.0, every=5.0):
        if time == 15.0:
            break
    assert net.time == 15.0


@pytest.mark.parametrize(
    ("duration", "every"), [(10.0, 3.0), (10.0, 0.0), (10.0, 0.2), (-1.0, 1.0)]
)
def test_a_loop_that_cannot_be_is_refused_where_it_is_written(duration, every):
    net, _ = learning()
    with pytest.raises(InputError, match=r"duration|every"):
        net.steps(duration, every=every)
