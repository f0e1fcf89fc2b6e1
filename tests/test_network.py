"""The engine: timing, potentials, neurons, sources, recordings, and the same bits everywhere."""

import signal

import h5py
import numpy as np
import pytest
from scipy import sparse

import spikesim.engine.recording
from spikesim import (
    LIF,
    DoubleExponential,
    FileError,
    InputError,
    Network,
    Neuron,
    Poisson,
    ShortTermPlasticity,
    SimulationError,
)
from spikesim.kernels.functions import exp
from spikesim.sonata import read_spikes, read_traces

# ---- neurons of these tests -------------------------------------------------------------------


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0
    s.spike[i] = s.got[i] > 0.0


RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0})
"""Shows what arrived in the last step, and spikes if that was anything."""


def escape(i, t, s, p):
    s.v[i] = s.near[i] + s.far[i]
    s.spike[i] = s.uniform[i] < 0.2 / (1.0 + exp(-s.v[i]))


SUMMING = Neuron(steps=[escape], variables={"v": 0.0, "near": 0.0, "far": 0.0}, stochastic=True)
"""Spikes at random, depending on the sum of two ports."""


# ---- a network with everything ----------------------------------------------------------------


def everything(dtype, backend):
    """Every kind of source, rule, delay and kernel; and recordings of spikes and voltages."""
    chance = np.random.default_rng(0)
    net = Network(dt=0.5, seed=2**40 + 3, dtype=dtype, backend=backend)
    noise = net.add_population("noise", 13, Poisson)
    noise.rate[:] = np.linspace(0.0, 0.4, 13) * 1000.0 / noise.network.dt
    times = np.arange(400) * 0.5
    trains = net.add_spike_trains("trains", 5, times, chance.integers(0, 5, 400))
    images = net.add_images("images", chance.uniform(size=(3, 11)), rate=300.0, duration=10.0)
    cells = net.add_population("cells", 20, LIF, tau=10.0, I=13.0)
    sums = net.add_population("sums", 9, SUMMING)
    net.connect(noise, cells, target="drive", weight=chance.normal(1.0, 2.0, (13, 20)))
    net.connect(trains, cells, target="drive", weight=5.0, delay=0.0)
    net.connect(images, cells, target="drive", weight=2.0, probability=0.3, delay=2.0)
    recurrent = sparse.random(20, 20, 0.4, format="csr", random_state=1)
    net.connect(cells, cells, target="drive", weight=-recurrent, delay=1.5)
    short = DoubleExponential(tau_rise=2.0, tau_decay=6.0, memory=15)
    dense = chance.normal(0, 9, (20, 9))
    net.connect(cells, sums, target="near", weight=dense, kernel=short, delay=0.0)
    net.connect(images, sums, target="near", weight=3.0, probability=0.5, kernel=short, delay=1.0)
    net.connect(sums, sums, target="far", weight=-2.0, kernel=DoubleExponential())
    spread = {"delay": lambda chance, size: chance.uniform(0.5, 9.0, size)}
    drawn = {"weight": lambda chance, size: chance.normal(1.0, 2.0, size)}
    net.connect(noise, cells, target="drive", weight=0.5, indegree=4, **spread, name="spread")
    net.connect(trains, sums, target="near", outdegree=5, **drawn, **spread, kernel=short)
    facilitating = ShortTermPlasticity(U=0.3, tau_D=20.0, tau_F=50.0, f=0.2)
    options = {"short_term": facilitating, "kernel": DoubleExponential()}
    net.connect(noise, sums, target="far", probability=0.5, **drawn, **spread, **options)
    net.connect(cells, sums, target="far", weight=2.0, indegree=6, **options, name="short")
    net.add_background(cells, "drive", rate=2500.0, weight=0.1)
    net.add_background(sums, "far", rate=1600.0, weight=-0.1, neurons=slice(2, 8))
    recordings = [net.record_spikes(part) for part in net.populations.values()]
    recordings += [net.record(cells, ["v", "drive"], every=1.0), net.record(sums, "v")]
    return net, recordings


def recorded(recordings):
    """All that was recorded, as one list of arrays."""
    arrays = []
    for recording in recordings:
        arrays.append(recording.t)
        names = getattr(recording, "variables", ["i"])
        arrays += [getattr(recording, name) for name in names]
    return arrays


def assert_same_bits(some, others):
    assert len(some) == len(others)
    for a, b in zip(some, others, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()


def all_arrays(net):
    return [array for owner in net.arrays().values() for array in owner.values()]


@pytest.fixture(scope="module", params=["float32", "float64"])
def reference(request):
    """300 steps of compiled code: the type, the final state and the recordings."""
    net, recordings = everything(request.param, "cpu")
    net.run(150.0)
    return request.param, all_arrays(net), recorded(recordings)


def test_the_network_with_everything_is_alive(reference):
    _, _, arrays = reference
    spikes_per_population = [arrays[k].size for k in (0, 2, 4, 6, 8)]
    assert min(spikes_per_population) > 50


def test_plain_python_gives_the_bits_of_compiled_code(reference):
    dtype, state, arrays = reference
    net, recordings = everything(dtype, "python")
    net.run(150.0)
    assert_same_bits(recorded(recordings), arrays)
    assert_same_bits(all_arrays(net), state)


def test_a_run_in_two_parts_gives_the_bits_of_one(reference):
    dtype, state, arrays = reference
    net, recordings = everything(dtype, "cpu")
    net.run(60.0)
    net.run(0.0)
    net.run(90.0)
    assert_same_bits(recorded(recordings), arrays)
    assert_same_bits(all_arrays(net), state)


def test_a_saved_and_restored_run_gives_the_bits_of_one(reference, tmp_path):
    dtype, state, arrays = reference
    first, before = everything(dtype, "cpu")
    first.run(60.0)
    first.save(tmp_path / "half.h5")
    second, after = everything(dtype, "cpu")
    second.restore(tmp_path / "half.h5")
    assert second.time == 60.0
    second.run(90.0)
    parts = zip(recorded(before), recorded(after), strict=True)
    assert_same_bits([np.concatenate(both, axis=-1) for both in parts], arrays)
    assert_same_bits(all_arrays(second), state)


def test_the_same_spikes_come_out_whatever_is_recorded():
    full, recordings = everything("float32", "python")
    full.run(20.0)
    bare, _ = everything("float32", "python")
    bare.recordings.clear()
    alone = bare.record_spikes(bare.populations["sums"])
    bare.run(20.0)
    assert_same_bits([alone.t, alone.i], [recordings[4].t, recordings[4].i])
    assert alone.i.size > 0


def test_another_seed_gives_other_spikes():
    spikes = []
    for seed in (1, 2):
        net = Network(dt=1.0, seed=seed, backend="python")
        source = net.add_population("source", 50, Poisson)
        source.rate[:] = 0.1 * 1000.0 / source.network.dt
        spikes.append(net.record_spikes(source))
        net.run(20.0)
    assert spikes[0].i.tolist() != spikes[1].i.tolist()


# ---- when spikes arrive -----------------------------------------------------------------------


def chain(delay, weights, dtype="float64", times=(1.0, 2.5), ids=(0, 2), n=4):
    """Given spikes onto receivers: the network, and a recording of what arrives."""
    net = Network(dt=0.5, dtype=dtype, backend="python")
    source = net.add_spike_trains("source", n, times, ids)
    cells = net.add_population("cells", weights.shape[1], RECEIVER)
    net.connect(source, cells, target="port", weight=weights, delay=delay)
    return net, net.record(cells, "got"), net.record_spikes(cells)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("delay", [0.0, 0.5, 2.0])
def test_a_spike_of_step_k_arrives_in_step_k_plus_delay(form, delay):
    weights = np.arange(1.0, 13.0).reshape(4, 3)
    net, got, spikes = chain(delay, form(weights))
    net.run(10.0)
    expected = np.zeros((3, 20))
    expected[:, 2 + round(delay / 0.5)] = weights[0]  # 1.0 ms is step 2
    expected[:, 5 + round(delay / 0.5)] = weights[2]  # 2.5 ms is step 5
    np.testing.assert_array_equal(got.got, expected)
    np.testing.assert_array_equal(got.t, np.arange(20) * 0.5)
    assert spikes.t.tolist() == [1.0 + delay] * 3 + [2.5 + delay] * 3
    assert spikes.i.tolist() == [0, 1, 2, 0, 1, 2]


def test_the_delay_is_one_step_if_none_is_given():
    net, got, _ = chain(None, np.ones((4, 1)))
    net.run(5.0)
    assert np.flatnonzero(got.got[0]).tolist() == [3, 6]


def test_spikes_without_delay_pass_through_any_number_of_later_populations_in_one_step():
    net = Network(dt=1.0, backend="python")
    before = net.add_spike_trains("source", 1, [3.0], [0])
    recordings = []
    for name in ("a", "b", "c"):
        population = net.add_population(name, 1, RECEIVER)
        net.connect(before, population, target="port", weight=1.0, delay=0.0)
        recordings.append(net.record_spikes(population))
        before = population
    net.run(6.0)
    assert [r.t.tolist() for r in recordings] == [[3.0], [3.0], [3.0]]


def test_a_delay_of_zero_onto_an_earlier_population_or_itself_is_refused():
    net = Network(dt=1.0, backend="python")
    early, late = (net.add_population(name, 2, RECEIVER) for name in ("early", "late"))
    for pre, post in ((late, early), (late, late)):
        with pytest.raises(InputError, match=r"delay is 0 ms from 'late' .* at least dt = 1 ms"):
            net.connect(pre, post, target="port", weight=1.0, delay=0.0)


def test_projections_onto_one_port_add_up():
    net = Network(dt=1.0, backend="python")
    source = net.add_spike_trains("source", 2, [1.0, 1.0], [0, 1])
    cells = net.add_population("cells", 1, RECEIVER)
    net.connect(source, cells, target="port", weight=[[1.0], [10.0]], name="dense")
    net.connect(source, cells, target="port", weight=100.0, probability=1.0, name="sparse")
    got = net.record(cells, "got")
    net.run(4.0)
    assert got.got.tolist() == [[0.0, 0.0, 211.0, 0.0]]


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_more_spikes_at_once_than_are_added_in_one_pass_arrive_all(backend):
    weights = 2.0 ** np.arange(21)[:, None]
    net = Network(dt=0.5, dtype="float64", backend=backend)
    times, ids = np.repeat([0.5, 1.0], [21, 19]), [*range(21), *range(19)]
    source = net.add_spike_trains("source", 21, times, ids)
    cells = net.add_population("cells", 1, RECEIVER)
    net.connect(source, cells, target="port", weight=weights)
    got = net.record(cells, "got")
    net.run(2.0)
    assert got.got.tolist() == [[0.0, 0.0, 2.0**21 - 1, 2.0**19 - 1]]


def test_a_neuron_with_several_spikes_in_a_step_delivers_each():
    net = Network(dt=1.0, seed=4, backend="python")
    source = net.add_population("source", 30, Poisson)
    source.rate[:] = 1.0 * 1000.0 / source.network.dt
    cells = net.add_population("cells", 1, RECEIVER)
    net.connect(source, cells, target="port", weight=1.0, delay=0.0)
    got, counts = net.record(cells, "got"), net.record(source, "spike")
    spikes = net.record_spikes(source)
    net.run(20.0)
    assert counts.spike.max() > 1
    np.testing.assert_array_equal(got.got[0], counts.spike.sum(axis=0))
    np.testing.assert_array_equal(spikes.count, counts.spike.sum(axis=1))


# ---- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dense_and_sparse_weights_give_the_same_bits(dtype):
    chance = np.random.default_rng(5)
    dense = chance.normal(0.0, 4.0, (30, 12)) * (chance.uniform(size=(30, 12)) < 0.3)
    voltages = []
    for weights in (dense, sparse.csr_array(dense), sparse.coo_matrix(dense)):
        net = Network(dt=1.0, seed=9, dtype=dtype, backend="python")
        source = net.add_population("source", 30, Poisson)
        source.rate[:] = 0.3 * 1000.0 / source.network.dt
        cells = net.add_population("cells", 12, LIF, I=10.0)
        net.connect(source, cells, target="drive", weight=weights, delay=3.0)
        voltage, spikes = net.record(cells, "v"), net.record_spikes(cells)
        net.run(60.0)
        voltages.append([voltage.v, spikes.i, spikes.t])
    assert voltages[0][1].size > 0
    assert_same_bits(voltages[0], voltages[1])
    assert_same_bits(voltages[0], voltages[2])


def test_random_synapses_have_the_chance_asked_for_and_no_duplicates():
    net = Network(dt=1.0, seed=3, backend="python")
    pre, post = (net.add_population(name, 300, RECEIVER) for name in ("pre", "post"))
    synapses = net.connect(pre, post, target="port", weight=0.5, probability=0.2)
    rows = np.repeat(np.arange(300), np.diff(synapses.start))
    assert np.unique(rows * 300 + synapses.target).size == synapses.target.size
    assert abs(synapses.target.size - 18_000) < 4 * np.sqrt(90_000 * 0.2 * 0.8)
    per_target = np.bincount(synapses.target, minlength=300)
    assert 0.7 < per_target.var() / (300 * 0.2 * 0.8) < 1.3


def test_weights_given_as_an_array_are_copied():
    weights = np.ones((4, 3))
    net, *_ = chain(0.5, weights)
    net.projections["source_to_cells"].W[:] = 7.0
    assert (weights == 1.0).all()


# ---- potentials -------------------------------------------------------------------------------


def kappa(t, rise, decay):
    return (np.exp(-t / decay) - np.exp(-t / rise)) / (decay - rise)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("memory", [None, 1, 12])
@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_the_potential_is_the_sum_of_kappa_over_all_spikes_within_memory(
    dtype, tolerance, memory, delay
):
    dt, steps, rise, decay = 0.5, 120, 2.0, 5.0
    chance = np.random.default_rng(6)
    weights = chance.normal(size=(7, 3)).astype(dtype)
    k, i = np.nonzero(chance.uniform(size=(60, 7)) < 0.1)
    net = Network(dt=dt, dtype=dtype, backend="python")
    source = net.add_spike_trains("source", 7, k * dt, i)
    cells = net.add_population("cells", 3, SUMMING)
    kernel = DoubleExponential(rise, decay, memory)
    net.connect(source, cells, target="near", weight=weights, kernel=kernel, delay=delay)
    voltage = net.record(cells, "near")
    net.run(steps * dt)
    expected = np.zeros((3, steps))
    for step, neuron in zip(k + round(delay / dt), i, strict=True):
        age = np.arange(steps) - step + 1
        acting = (age >= 1) & (age <= (memory or steps))
        expected += weights[neuron][:, None] * np.where(acting, kappa(age * dt, rise, decay), 0.0)
    np.testing.assert_allclose(voltage.near, expected, rtol=0, atol=tolerance)


def test_nothing_but_rounding_is_left_of_a_spike_after_its_memory():
    net = Network(dt=1.0, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [3.0], [0])
    cells = net.add_population("cells", 1, SUMMING)
    kernel = DoubleExponential(3.0, 10.0, memory=20)
    net.connect(source, cells, target="near", weight=1.0, kernel=kernel, delay=0.0)
    voltage = net.record(cells, "near")
    net.run(60.0)
    assert (voltage.near[0, 3:23] > 0.009).all()
    assert abs(voltage.near[0, 23:]).max() < 1e-16


def test_one_port_cannot_have_two_kernels_or_a_kernel_and_none():
    net = Network(dt=1.0, backend="python")
    pre, post = (net.add_population(name, 2, SUMMING) for name in ("pre", "post"))
    net.connect(pre, post, target="near", weight=1.0, kernel=DoubleExponential(), name="one")
    with pytest.raises(InputError, match="has a kernel already, and another one"):
        net.connect(pre, post, target="near", weight=1.0, kernel=DoubleExponential(1.0), name="two")
    with pytest.raises(InputError, match=r"post\.near has a kernel; give this projection the same"):
        net.connect(pre, post, target="near", weight=1.0, name="two")
    net.connect(pre, post, target="far", weight=1.0, name="three")
    with pytest.raises(InputError, match=r"post\.far has a projection without a kernel already"):
        net.connect(pre, post, target="far", weight=1.0, kernel=DoubleExponential(), name="four")


# ---- neurons ----------------------------------------------------------------------------------


@pytest.mark.parametrize("drive", [16.0, 25.0, 80.0])
@pytest.mark.parametrize("refractory", [0.0, 3.0])
def test_lif_under_constant_drive_fires_at_the_analytic_interval(drive, refractory):
    dt = 0.1
    net = Network(dt=dt, dtype="float64", backend="python")
    cells = net.add_population("cells", 1, LIF, I=drive, refractory=refractory)
    spikes = net.record_spikes(cells)
    net.run(300.0)
    interval = refractory + 20.0 * np.log(drive / (drive - 15.0))
    assert spikes.t.size > 3
    lateness = np.diff(spikes.t) - interval
    assert lateness.min() > -1e-9
    assert lateness.max() < dt


def test_lif_below_threshold_follows_the_exponential_exactly():
    dt, tau = 0.5, 20.0
    net = Network(dt=dt, dtype="float64", backend="python")
    cells = net.add_population("cells", 2, LIF, I=10.0, tau=tau)
    cells.v[1] = -70.0
    voltage = net.record(cells, "v")
    net.run(100.0)
    t = (np.arange(200) + 1) * dt
    for start, v in zip((-65.0, -70.0), voltage.v, strict=True):
        np.testing.assert_allclose(v, -55.0 + (start + 55.0) * np.exp(-t / tau), rtol=1e-13)


def test_lif_stays_at_reset_while_refractory_and_then_goes_on():
    net = Network(dt=0.5, dtype="float64", backend="python")
    cells = net.add_population("cells", 1, LIF, I=100.0, refractory=2.0, V_reset=-72.0)
    voltage, spikes = net.record(cells, "v"), net.record_spikes(cells)
    net.run(15.0)
    first = spikes.steps[0]
    at_reset = voltage.v[0] == -72.0
    assert at_reset[first : first + 6].tolist() == [True] * 5 + [False]


def test_parameters_can_be_changed_between_runs():
    net = Network(dt=1.0, dtype="float64", backend="python")
    cells = net.add_population("cells", 1, LIF)
    net.run(5.0)
    cells.params["I"] = 10.0
    net.run(20.0)
    np.testing.assert_allclose(cells.v, -65.0 + 10.0 * (1.0 - np.exp(-1.0)), rtol=1e-13)


# ---- sources ----------------------------------------------------------------------------------


def test_poisson_neurons_have_the_mean_and_the_fano_factor_of_poisson():
    net = Network(dt=1.0, seed=8, backend="python")
    source = net.add_population("source", 300, Poisson)
    source.rate[:] = 0.1 * 1000.0 / source.network.dt
    spikes = net.record_spikes(source)
    net.run(200.0)
    assert abs(spikes.count.mean() - 20.0) < 4 * np.sqrt(20.0 / 300)
    assert abs(spikes.count.var() / spikes.count.mean() - 1.0) < 4 * np.sqrt(2.0 / 300)


def test_pixels_fire_in_proportion_to_their_brightness():
    net = Network(dt=1.0, seed=8, backend="python")
    brightness = np.repeat([0.0, 0.25, 0.5, 1.0], 40)
    source = net.add_images("images", brightness[None, :], rate=200.0, duration=50.0)
    spikes = net.record_spikes(source)
    net.run(400.0)
    per_group = spikes.count.reshape(4, 40).sum(axis=1)
    expected = np.array([0.0, 0.25, 0.5, 1.0]) * 0.2 * 400 * 40
    assert per_group[0] == 0
    assert (abs(per_group - expected) <= 4 * np.sqrt(expected)).all()


def test_images_are_shown_in_order_each_for_its_duration_over_and_over():
    net = Network(dt=0.5, seed=8, backend="python")
    source = net.add_images("images", np.eye(3), rate=1000.0, duration=10.0)
    spikes = net.record_spikes(source)
    net.run(65.0)
    shown = (spikes.t // 10.0).astype(int)
    np.testing.assert_array_equal(spikes.i, shown % 3)
    assert set(shown) == set(range(7))


def test_spike_trains_emit_exactly_the_given_spikes():
    chance = np.random.default_rng(2)
    step, neuron = np.nonzero(chance.uniform(size=(100, 6)) < 0.2)
    shuffled = chance.permutation(step.size)
    net = Network(dt=0.1, backend="python")
    jitter = chance.uniform(-0.04, 0.04, step.size)
    times = np.maximum(step * 0.1 + jitter, 0.0)
    source = net.add_spike_trains("source", 6, times[shuffled], neuron[shuffled])
    spikes = net.record_spikes(source)
    net.run(5.0)
    net.run(5.0)
    assert list(zip(spikes.steps, spikes.i, strict=True)) == list(zip(step, neuron, strict=True))
    np.testing.assert_array_equal(spikes.t, step * 0.1)


def test_spike_trains_added_later_leave_out_what_is_past():
    net = Network(dt=1.0, backend="python")
    net.add_population("cells", 1, LIF)
    net.run(5.0)
    source = net.add_spike_trains("source", 2, [2.0, 5.0, 7.0], [0, 1, 0])
    spikes = net.record_spikes(source)
    net.run(5.0)
    assert spikes.t.tolist() == [5.0, 7.0]


# ---- phases of one's own ----------------------------------------------------------------------


def count_up(i, t, s, p):
    s.total[i] += s.spike[i] * p.gain


def test_an_added_phase_sees_the_spikes_of_its_step_and_is_saved_and_restored(tmp_path):
    def built():
        net = Network(dt=1.0, seed=5, backend="python")
        source = net.add_population("source", 10, Poisson)
        source.rate[:] = 0.3 * 1000.0 / source.network.dt
        total = np.zeros(10, np.float32)
        state = {"spike": source.spike, "total": total}
        phase = net.add_phase(count_up, 10, state=state, params={"gain": 2.0})
        return net, total, phase, net.record_spikes(source)

    net, total, phase, spikes = built()
    net.run(20.0)
    np.testing.assert_array_equal(total, 2.0 * spikes.count)
    net.save(tmp_path / "net.h5")
    other, total_after, *_ = built()
    other.restore(tmp_path / "net.h5")
    np.testing.assert_array_equal(total_after, total)
    phase.params["gain"] = 0.0
    net.run(20.0)
    np.testing.assert_array_equal(total_after, total)


def set_port(i, t, s, p):
    s.port[i] = t


def test_first_phases_run_before_the_neurons_of_their_step_and_others_after():
    for first, expected in ((True, [0.0, 1.0, 2.0]), (False, [0.0, 0.0, 1.0])):
        net = Network(dt=1.0, backend="python")
        cells = net.add_population("cells", 1, RECEIVER)
        net.add_phase(set_port, state={"port": cells.port}, first=first)
        got = net.record(cells, "got")
        net.run(3.0)
        assert got.got.tolist() == [expected]


# ---- recordings -------------------------------------------------------------------------------


def noisy(n=12, **options):
    net = Network(dt=0.5, seed=5, backend="python", **options)
    source = net.add_population("source", n, Poisson)
    source.rate[:] = 0.2 * 1000.0 / source.network.dt
    cells = net.add_population("cells", n, LIF)
    net.connect(source, cells, target="drive", weight=4.0, delay=0.0)
    return net, source, cells


def test_a_recording_of_some_neurons_at_intervals_is_a_part_of_the_full_one():
    net, _, cells = noisy()
    full = net.record(cells, "v")
    part = net.record(cells, ["drive", "v"], every=2.0, neurons=[7, 2])
    for duration in (3.0, 0.5, 4.5, 12.0):
        net.run(duration)
    np.testing.assert_array_equal(part.v, full.v[[7, 2], ::4])
    np.testing.assert_array_equal(part.t, full.t[::4])
    assert part.drive.shape == part.v.shape == (2, 10)


def test_a_recording_that_begins_later_has_the_times_of_its_samples():
    net, _, cells = noisy()
    net.run(3.0)
    voltage = net.record(cells, "v", every=1.0)
    net.run(2.5)
    np.testing.assert_array_equal(voltage.t, [3.0, 4.0, 5.0])


@pytest.mark.parametrize("stretch", [1, 7])
def test_small_buffers_lose_nothing(monkeypatch, stretch):
    def run():
        net, source, cells = noisy()
        recordings = [net.record_spikes(source), net.record(cells, "v", every=1.0)]
        net.run(60.0)
        return net, recorded(recordings)

    _, expected = run()
    monkeypatch.setattr(spikesim.engine.recording, "SPIKE_BUFFER", stretch * 60)
    monkeypatch.setattr(spikesim.engine.recording, "SAMPLE_BUFFER", 1)
    net, small = run()
    assert net.recordings[0].longest_run() < 10
    assert_same_bits(small, expected)


def test_spikes_streamed_to_a_file_are_those_kept_in_memory(tmp_path):
    net, source, _ = noisy()
    kept = net.record_spikes(source)
    streamed = net.record_spikes(source, path=tmp_path / "spikes.h5")
    net.run(10.0)
    net.run(30.0)
    streamed.close()
    times, ids = read_spikes(tmp_path / "spikes.h5")["source"]
    np.testing.assert_allclose(times, kept.t, rtol=1e-12)
    np.testing.assert_array_equal(ids, kept.i)
    with pytest.raises(InputError, match="went to a file"):
        _ = streamed.t


def test_samples_streamed_to_a_file_are_those_kept_in_memory(tmp_path):
    net, _, cells = noisy()
    net.run(2.5)
    options = {"variables": ["v", "drive"], "every": 1.0, "neurons": [2, 0]}
    kept = net.record(cells, **options)
    streamed = net.record(cells, **options, path=tmp_path / "states.h5", unit="mixed")
    net.run(10.0)
    net.run(30.0)
    streamed.close()
    traces = read_traces(tmp_path / "states.h5")["cells"]
    assert (traces.elements, traces.unit) == (("v", "drive"), "mixed")
    assert traces.node_ids.tolist() == [2, 0]
    np.testing.assert_allclose(traces.times, kept.t, rtol=1e-12)
    np.testing.assert_array_equal(traces.data[:, :, 0].T, kept.v)
    np.testing.assert_array_equal(traces.data[:, :, 1].T, kept.drive)
    for name in ("v", "t"):
        with pytest.raises(InputError, match="went to a file"):
            getattr(streamed, name)


@pytest.mark.parametrize("neurons", [[], [1, 1]])
def test_a_file_of_samples_needs_neurons_that_are_named_once(tmp_path, neurons):
    net, _, cells = noisy()
    with pytest.raises(InputError, match=r"neurons is .* name one or more, and none twice"):
        net.record(cells, "v", neurons=neurons, path=tmp_path / "states.h5")
    assert not any(tmp_path.iterdir())


def test_spike_trains_and_counts_tell_the_same_spikes():
    net, source, _ = noisy()
    spikes = net.record_spikes(source)
    net.run(30.0)
    trains = spikes.spike_trains()
    assert [train.size for train in trains] == spikes.count.tolist()
    for neuron, train in enumerate(trains):
        np.testing.assert_array_equal(train, spikes.t[spikes.i == neuron])


def test_an_interrupt_ends_a_run_where_nothing_is_lost():
    net, *parts = noisy()
    recordings = [net.record_spikes(part) for part in parts]
    with pytest.raises(KeyboardInterrupt):
        net.run(1e6, progress=lambda done, total: signal.raise_signal(signal.SIGINT))
    assert net.step > 0
    whole, *parts = noisy()
    expected = [whole.record_spikes(part) for part in parts]
    whole.run_steps(net.step)
    assert_same_bits(recorded(recordings), recorded(expected))
    net.run(20.0)
    whole.run(20.0)
    assert_same_bits(recorded(recordings), recorded(expected))


def test_a_run_that_an_error_breaks_off_is_not_gone_on_with(tmp_path):
    def fail(_, t, s, p):
        s.x[0] = 1 // int(s.x[0])

    net, *_ = noisy()
    net.run(5.0)
    x = np.zeros(1)
    net.add_phase(fail, state={"x": x})
    saved = net.state()
    saved["arrays"]["phase 0 fail"]["x"][:] = 1.0
    with pytest.raises(ZeroDivisionError):
        net.run(5.0)
    for goes_on in (lambda: net.run(5.0), net.state, lambda: net.save(tmp_path / "net.h5")):
        with pytest.raises(SimulationError, match="from step 10 on was broken off"):
            goes_on()
    assert not any(tmp_path.iterdir())
    net.set_state(saved)
    net.run(5.0)


def test_progress_is_reported_in_steps():
    net, *_ = noisy()
    reports = []
    net.run(10.0, progress=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (20, 20)


# ---- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_state_that_is_not_finite_stops_the_run_and_is_named(value):
    net, _, cells = noisy()
    net.run(5.0)
    cells.drive[3] = value
    text = r"of neuron 3 in population .cells. is (nan|inf) by step 12 \(6 ms; .* at 10\)"
    with np.errstate(invalid="ignore"), pytest.raises(SimulationError, match=text) as error:
        net.run(1.0)
    assert str(error.value).split()[0] in ("v", "drive")


def restored_elsewhere(tmp_path, **other):
    saved, *_ = noisy()
    saved.run(2.0)
    saved.save(tmp_path / "net.h5")
    return saved, noisy(**other)[0]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (
            {"n": 13},
            "number of neurons of 'source' is 13 in this .* 12 in the saved one",
        ),
        ({"dtype": "float64"}, "is float32 .* is float64"),
    ],
)
def test_restore_refuses_a_network_of_another_size_or_type(tmp_path, other, text):
    _, net = restored_elsewhere(tmp_path, **other)
    before = [array.copy() for array in all_arrays(net)]
    with pytest.raises(InputError, match=text):
        net.restore(tmp_path / "net.h5")
    assert_same_bits(all_arrays(net), before)


@pytest.mark.parametrize(("name", "value"), [("dt", 0.25), ("seed", 6)])
def test_restore_refuses_another_step_or_seed(tmp_path, name, value):
    saved, _ = restored_elsewhere(tmp_path)
    net = Network(**{"dt": saved.dt, "seed": saved.seed, "backend": "python", name: value})
    with pytest.raises(InputError, match=r"The saved network has dt 0.5 ms and seed 5"):
        net.restore(tmp_path / "net.h5")


def test_restore_refuses_a_network_with_other_parts(tmp_path):
    _, net = restored_elsewhere(tmp_path)
    net.add_population("others", 3, LIF)
    with pytest.raises(InputError, match=r"consists of .*; this one of .*others"):
        net.restore(tmp_path / "net.h5")


@pytest.mark.parametrize("link", ["external", "soft"])
def test_restore_does_not_follow_links(tmp_path, link):
    saved, net = restored_elsewhere(tmp_path)
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        file.move("state", "hidden")
        elsewhere = h5py.ExternalLink("other.h5", "/state"), h5py.SoftLink("/hidden")
        file["state"] = elsewhere[link == "soft"]
    saved.save(tmp_path / "other.h5")
    with pytest.raises(FileError, match="'state' is a link to somewhere else"):
        net.restore(tmp_path / "net.h5")


def small():
    net = Network(dt=0.5, backend="python")
    a, b = net.add_population("a", 3, LIF), net.add_population("b", 2, SUMMING)
    return net, a, b


COUNTED = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, parameters={"times": 3})

REFUSALS = {
    "dt is 0": lambda net, a, b: Network(dt=0),
    "seed is -1": lambda net, a, b: Network(seed=-1),
    "backend is 'gpu'; it has to be one of": lambda net, a, b: Network(backend="gpu"),
    "name is 'a', which this network has already": (
        lambda net, a, b: net.add_population("a", 1, LIF)
    ),
    "name is '2 b'; it has to be letters": lambda net, a, b: net.add_population("2 b", 1, LIF),
    "n is 0": lambda net, a, b: net.add_population("c", 0, LIF),
    "it has to be a Neuron": lambda net, a, b: net.add_population("c", 1, "LIF"),
    "'tau_sinapse'; available: .* Did you mean 'tau_synapse'?": (
        lambda net, a, b: net.add_population("c", 1, LIF, tau_sinapse=3.0)
    ),
    "tau is -1": lambda net, a, b: net.add_population("c", 1, LIF, tau=-1.0),
    "I is nan": lambda net, a, b: net.add_population("c", 1, LIF, I=np.nan),
    "dt is 0.5 ms, longer than tau_synapse = 0.2 ms": (
        lambda net, a, b: net.add_population("c", 1, LIF, tau_synapse=0.2)
    ),
    "times is 2.5; it has to be a whole number": (
        lambda net, a, b: net.add_population("c", 1, COUNTED, times=2.5)
    ),
    "times holds -1": lambda net, a, b: net.add_spike_trains("c", 2, [-1.0], [0]),
    "ids holds 2; every element has to be at most 1": (
        lambda net, a, b: net.add_spike_trains("c", 2, [1.0], [2])
    ),
    r"ids has shape \(2,\)": lambda net, a, b: net.add_spike_trains("c", 2, [1.0], [0, 1]),
    "two spikes of neuron 1 in the step at 1 ms": (
        lambda net, a, b: net.add_spike_trains("c", 2, [1.0, 1.1], [1, 1])
    ),
    "images holds 255": lambda net, a, b: net.add_images("c", [[255]], rate=1.0, duration=5.0),
    "duration is 5.3 ms; .* multiple of dt": (
        lambda net, a, b: net.add_images("c", [[1.0]], rate=1.0, duration=5.3)
    ),
    "variable of 'b' 'nearr'; .* Did you mean 'near'": (
        lambda net, a, b: net.connect(a, b, target="nearr", weight=1.0)
    ),
    "variable of 'b' 'spike'": lambda net, a, b: net.connect(a, b, target="spike", weight=1.0),
    r"weight has shape \(2, 3\); it has to be \(3, 2\)": (
        lambda net, a, b: net.connect(a, b, target="near", weight=np.ones((2, 3)))
    ),
    r"weight has shape \(2, 3\)": (
        lambda net, a, b: net.connect(a, b, target="near", weight=sparse.eye_array(2, 3))
    ),
    "weight holds NaN": (
        lambda net, a, b: net.connect(a, b, target="near", weight=[[np.nan] * 2] * 3)
    ),
    "weight is None": lambda net, a, b: net.connect(a, b, target="near"),
    "probability is 1.5": (
        lambda net, a, b: net.connect(a, b, target="near", weight=1.0, probability=1.5)
    ),
    "delay is 0.2 ms; it has to be a multiple of dt = 0.5 ms": (
        lambda net, a, b: net.connect(a, b, target="near", weight=1.0, delay=0.2)
    ),
    "delay is -1": lambda net, a, b: net.connect(a, b, target="near", weight=1.0, delay=-1.0),
    "tau_decay is 3.0; .* above 3": (
        lambda net, a, b: net.connect(
            a, b, target="near", weight=1.0, kernel=DoubleExponential(3.0, 3.0)
        )
    ),
    "memory is 0": (
        lambda net, a, b: net.connect(
            a, b, target="near", weight=1.0, kernel=DoubleExponential(memory=0)
        )
    ),
    "pre has to be a population of this network": (
        lambda net, a, b: net.connect(small()[1], b, target="near", weight=1.0)
    ),
    "variable of 'a' 'u'": lambda net, a, b: net.record(a, "u"),
    "neurons holds 3; every element has to be at most 2": (
        lambda net, a, b: net.record(a, "v", neurons=[3])
    ),
    "every is 0 ms": lambda net, a, b: net.record(a, "v", every=0.0),
    "duration is 0.7 ms": lambda net, a, b: net.run(0.7),
    "duration is -1": lambda net, a, b: net.run(-1.0),
    r"state\['x'\] has to be a contiguous": (
        lambda net, a, b: net.add_phase(count_up, state={"x": np.ones((4, 4))[:, 0]})
    ),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_the_network_as_it_was(text):
    net, a, b = small()
    before = set(net.populations), set(net.projections), len(net.recordings)
    with pytest.raises(InputError, match=text) as error:
        REFUSALS[text](net, a, b)
    assert "\n" not in str(error.value)
    assert (set(net.populations), set(net.projections), len(net.recordings)) == before
    assert not b.filters
