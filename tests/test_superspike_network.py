"""SuperSpikeNetwork: units, learning rule, bits, resuming, recordings and classification."""

import h5py
import numpy as np
import pytest

from spikesim import patterns
from spikesim.learning.windows import answers
from spikesim.models.superspike import SuperSpikeNetwork, Windows
from spikesim.patterns import SpikePattern
from spikesim.sonata import read_spikes, read_traces
from spikesim.spiketrains import van_rossum_loss

SHOWN = patterns.poisson(20, rate=20.0, duration=100.0, seed=1)
TARGET = patterns.poisson(2, rate=30.0, duration=100.0, seed=2)
# The same with time to forget: each loop begins from rest.
CALM = SHOWN._replace(duration=500.0)
LATE = TARGET._replace(duration=500.0)
NOBODY = SpikePattern(np.zeros(0), np.zeros(0, np.int32), 2, 100.0)


def network(sizes=(20, 4, 2), **options):
    """A network whose hidden and output neurons spike from the start."""
    defaults = {"seed": 3, "w_0": 150.0, "chunk": 50.0, "backend": "python"}
    return SuperSpikeNetwork(sizes, **{**defaults, **options})


def one_spike(weight, **options):
    """The potential of a neuron after a spike at 10 ms, in mV over rest; time starts with it."""
    net = SuperSpikeNetwork((1, 1), dtype="float64", backend="python", **options)
    net.W[0] = [[weight]]
    trial = net.record(patterns.from_trains([[10.0]], duration=400.0))
    return (trial.U["output"][0] + 60.0)[100:]


def shown_by(net):
    """A recording of the spikes of a network's input."""
    network = net.training.network
    return network.record_spikes(network.populations["input"])


def bits(first, second):
    """Whether all arrays of two networks' simulations are equal."""
    arrays = [net.training.network.arrays() for net in (first, second)]
    assert arrays[0].keys() == arrays[1].keys()
    for owner, group in arrays[0].items():
        for name, array in group.items():
            np.testing.assert_array_equal(array, arrays[1][owner][name], err_msg=f"{owner}.{name}")


# ------------------------------------------------------------------ units


def test_a_psp_has_the_published_height_and_comes_at_the_published_time():
    potential = one_spike(10.0)
    assert potential.max() == pytest.approx(2.5329, rel=0.005)
    assert potential.argmax() == 77
    assert np.abs(potential[:9]).max() < 1e-12  # 8 steps on the way, one in the current


def test_without_delays_a_psp_comes_eight_steps_earlier():
    late, early = one_spike(10.0), one_spike(10.0, delay=0.0)
    np.testing.assert_allclose(early[:500], late[8:508], rtol=0, atol=1e-12)


def test_a_strongly_driven_neuron_spikes_every_51_steps():
    net = SuperSpikeNetwork((1, 1), backend="python")
    net.W[0] = [[100.0]]
    often = patterns.from_trains([np.arange(0.0, 100.0, 0.1).round(1)], duration=100.0)
    intervals = np.diff(np.rint(net.predict(often).times / net.dt))
    assert intervals[5:].tolist() == [51] * len(intervals[5:])


def test_a_silent_network_costs_what_the_closed_form_says():
    net = network((20, 2), w_0=0.0, dtype="float64")
    loss = np.mean([van_rossum_loss(train, [], 5.0, 10.0) for train in TARGET.trains()])
    # In the authors' unit an isolated spike counts four times its rate, and a loss of 1/60 per ms.
    expected = 4.0 * 60.0 * loss * 1000.0 / TARGET.duration
    assert net.silent_cost(TARGET) == pytest.approx(expected, rel=1e-9)
    alone = patterns.from_trains([[50.0], [20.0]], duration=500.0)
    shown = SHOWN._replace(duration=500.0)
    assert net.evaluate(shown, alone) == pytest.approx(net.silent_cost(alone), rel=0.01)
    assert net.silent_cost(alone) == pytest.approx(4.0 * 2.0, rel=1e-9)


def test_the_cost_of_a_network_that_spikes_is_its_van_rossum_loss():
    net = network(dtype="float64")
    target = patterns.poisson(2, rate=10.0, duration=400.0, seed=2)._replace(duration=500.0)
    output = net.predict(CALM)
    assert all(len(train) > 0 for train in output.trains())
    pairs = zip(target.trains(), output.trains(), strict=True)
    loss = np.mean([van_rossum_loss(*pair, 5.0, 10.0) for pair in pairs])
    # 60 losses are the pairs of spikes weighed by k2, and the cost is 4 / T times those.
    assert net.evaluate(CALM, target) == pytest.approx(4.0 * 60.0 * loss / 0.5, rel=0.02)


# ------------------------------------------------------------------ the learning rule


def test_no_update_exceeds_the_learning_rate_and_the_first_one_has_its_size():
    net = network((20, 2), eta=0.7)
    before = net.W[0].copy()
    net.fit(SHOWN, TARGET, 1, block=0.1, burn_in=50.0)  # the first update that counts
    first = np.abs(net.W[0] - before)
    moved = first > 0.0
    assert moved.any()
    np.testing.assert_allclose(first[moved], 0.7, rtol=1e-3)
    for _ in range(6):
        before = net.W[0].copy()
        net.fit(SHOWN, TARGET, 1, block=50.0)
        assert np.abs(net.W[0] - before).max() <= 0.7 * (1.0 + 1e-5)


def test_the_largest_gradient_is_forgotten_with_tau_rms():
    net = network((20, 2), dtype="float64")
    v = net.training.output.v
    net.fit(SHOWN, TARGET, 2, block=50.0, burn_in=100.0)
    ratios = []
    for _ in range(10):
        before = v.copy()
        net.fit(SHOWN, TARGET, 1, block=50.0)
        ratios.append((v / np.maximum(before, 1e-300))[before > 0.0])
    lowest = np.concatenate(ratios).min()
    assert lowest == pytest.approx(np.exp(-0.05 / 30.0), rel=1e-9)


def test_weights_stay_within_their_bounds():
    net = network(w_max=20.0, eta=15.0)
    net.fit(SHOWN, TARGET, 4, block=100.0)
    assert max(np.abs(W).max() for W in net.W) == 20.0


def test_weights_rest_during_the_burn_in():
    net = network()
    before = [W.copy() for W in net.W]
    net.fit(SHOWN, TARGET, 1, block=49.9, burn_in=100.1)  # no chunk ends in the block
    for W, old in zip(net.W, before, strict=True):
        np.testing.assert_array_equal(W, old)


def test_the_synapses_of_a_silent_input_stay_as_they_are():
    net = network((21, 4, 2))
    before = net.W[0].copy()
    net.fit(SHOWN._replace(n=21), TARGET, 3, block=100.0)
    np.testing.assert_array_equal(net.W[0][20], before[20])
    assert (net.W[0][:20] != before[:20]).any()


def test_nothing_is_left_to_learn_where_the_target_is_what_the_network_emits():
    net = network(dtype="float64")
    target = net.predict(CALM)
    assert target.times.size > 2
    before = [W.copy() for W in net.W]
    history = net.fit(CALM, target, 3, block=500.0)
    assert history["unmatched"] == [0, 0, 0]
    assert net.evaluate(CALM, target) == 0.0
    for W, old in zip(net.W, before, strict=True):
        np.testing.assert_array_equal(W, old)


def test_symmetric_feedback_follows_the_weights_and_random_feedback_stays():
    for feedback in ("symmetric", "random", "uniform"):
        net = network(feedback=feedback)
        before = net.B[0].copy()
        net.fit(SHOWN, TARGET, 2, block=100.0)
        same = net.W[1].T if feedback == "symmetric" else before
        np.testing.assert_array_equal(net.B[0], same)
    assert (before == 1.0).all()


def test_weights_that_are_set_are_copied_into_the_arrays_in_use():
    net = network()
    array = net.W[0]
    net.W[0] = np.ones((20, 4))
    assert array is net.W[0]
    assert (array == 1.0).all()
    assert array.dtype == np.float32


def test_feedback_weights_that_are_set_are_what_errors_come_back_through():
    errors = []
    for scale in (1.0, 3.0):
        net = network(feedback="random", dtype="float64")
        net.B[0] = scale * np.ones((2, 4))
        errors.append(net.record(CALM, LATE, synapse=(1, 0, 0)).synapse.error)
    assert np.abs(errors[0]).max() > 1e-3
    np.testing.assert_allclose(errors[1], 3.0 * errors[0], rtol=1e-9)


def test_symmetric_feedback_follows_weights_that_are_set_when_it_is_recorded():
    net = network(w_0=0.0, dtype="float64")
    assert not net.record(CALM, LATE, synapse=(1, 0, 0)).synapse.error.any()
    net.W[1] = np.ones((4, 2))
    assert net.record(CALM, LATE, synapse=(1, 0, 0)).synapse.error.any()


def test_symmetric_feedback_follows_weights_that_are_set_from_the_first_step_of_learning():
    net = network()
    net.W[1] = 30.0 * np.ones((4, 2))
    net.fit(SHOWN, TARGET, 1, block=0.1, burn_in=10.0)  # no chunk ends, so nothing is updated
    np.testing.assert_array_equal(net.B[0], net.W[1].T)


def test_the_history_has_an_entry_for_every_block():
    net = network()
    history = net.fit(SHOWN, TARGET, 3, block=100.0, learning_rate=[1.0, 0.5, 0.1])
    assert {len(values) for values in history.values()} == {3}
    assert history["block"] == [1, 2, 3]
    np.testing.assert_allclose(history["time"], [0.2, 0.3, 0.4])
    assert history["learning_rate"] == [1.0, 0.5, 0.1]
    assert all(len(rates) == 2 and min(rates) > 1.0 for rates in history["rate"])


# ------------------------------------------------------------------ the same bits


def test_arrays_that_a_file_has_under_other_phases_are_found(tmp_path):
    """As files of earlier versions do, whose steps had another order."""
    net = network()
    net.fit(SHOWN, TARGET, 1, block=130.0)
    net.save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "a") as file:
        arrays = file["network/simulation/arrays"]
        for name in [name for name in arrays if name.startswith("phase ")]:
            number = int(name.split()[1])
            arrays.move(name, f"phase {number + 100} moved")
    again = SuperSpikeNetwork.load(tmp_path / "net.h5", backend="python")
    bits(again, net)


def test_a_pattern_of_numpy_numbers_can_be_saved(tmp_path):
    net = network()
    shown = SHOWN._replace(n=np.int64(20), duration=np.float64(100.0))
    net.fit(shown, TARGET, 1, block=10.0, burn_in=0.0)
    net.save(tmp_path / "net.h5")
    again = SuperSpikeNetwork.load(tmp_path / "net.h5", backend="python")
    assert again.shown[0].n == 20
    bits(again, net)


def test_other_patterns_begin_when_they_are_first_shown(tmp_path):
    net = network(eta=0.0)
    net.fit(SHOWN, TARGET, 1, block=30.0, burn_in=0.0)
    spikes = shown_by(net)
    later = patterns.from_trains([[5.0]], duration=40.0, n=20)
    net.fit(later, NOBODY._replace(duration=40.0), 1, block=100.0)
    np.testing.assert_allclose(spikes.t, [35.0, 75.0, 115.0])
    net.save(tmp_path / "net.h5")
    again = SuperSpikeNetwork.load(tmp_path / "net.h5", backend="python")
    spikes = shown_by(again)
    again.fit(later, NOBODY._replace(duration=40.0), 1, block=100.0)
    np.testing.assert_allclose(spikes.t, [155.0, 195.0])


# ------------------------------------------------------------------ recordings


@pytest.mark.parametrize("synapse", [(1, 3, 2), (2, 1, 0)])
def test_a_recorded_eligibility_trace_follows_from_the_recorded_spikes_and_voltages(synapse):
    layer, pre, post = synapse
    trial = network(dtype="float64").record(CALM, synapse=synapse)
    names = ["input", "hidden_1", "output"]
    spikes, U = trial.spikes[names[layer - 1]], trial.U[names[layer]][post]
    emitted = np.zeros(trial.t.size)
    emitted[spikes.steps[spikes.i == pre]] = 1.0
    assert emitted.any()
    factor = np.where(U < -80.0, 0.0, 1000.0 / (1.0 + np.abs(U + 50.0)) ** 2)
    psps, traces = [], []
    x = psp = l1 = trace = 0.0
    for k in range(trial.t.size):
        x = (x + (emitted[k - 8] if k >= 8 else 0.0)) * np.exp(-0.1 / 5.0)
        psps.append(psp if psp > 1e-7 else 0.0)
        psp += 0.01 * (x - psp)
        l1 += psps[k - 8] * factor[k - 8] if k >= 8 else 0.0
        trace += 0.01 * (l1 - trace)
        l1 *= np.exp(-0.1 / 5.0)
        traces.append(trace)
    recorded = trial.synapse.eligibility
    assert recorded.max() > 1.0
    np.testing.assert_allclose(recorded, traces, rtol=1e-6, atol=1e-6 * recorded.max())


def test_what_a_synapse_has_recorded_moves_its_weight():
    net = network(dtype="float64", optimizer="plain", eta=1.0, chunk=500.0)
    trial = net.record(CALM, LATE, synapse=(2, 1, 0))
    product = np.mean(trial.synapse.error * trial.synapse.eligibility)
    before = net.W[1][1, 0]
    net.fit(CALM, LATE, 1, block=0.1, burn_in=1000.0)  # one update, of the second loop
    assert abs(product) > 1e-3
    assert net.W[1][1, 0] - before == pytest.approx(product, rel=1e-6)


def test_a_recording_is_written_in_the_sonata_layout(tmp_path):
    trial = network().record(SHOWN, TARGET)
    trial.to_sonata(tmp_path)
    spikes = read_spikes(tmp_path / "spikes.h5")
    for name in ("input", "hidden_1", "output"):
        assert spikes[name][0].size == trial.spikes[name].t.size > 0
    traces = read_traces(tmp_path / "voltages.h5")
    assert set(traces) == {"hidden_1", "output"}


def test_the_input_of_a_recording_is_the_pattern_that_was_shown():
    trial = network().record(SHOWN)
    np.testing.assert_allclose(trial.spikes["input"].t, SHOWN.times)
    np.testing.assert_array_equal(trial.spikes["input"].i, SHOWN.ids)
    assert trial.synapse is None


def test_elephant_takes_the_spike_trains_of_all_layers():
    pytest.importorskip("elephant")
    trial = network().record(SHOWN)
    trains = trial.to_neo().spiketrains
    assert [len(train) for train in trains[24:]] == trial.spikes["output"].count.tolist()


# ------------------------------------------------------------------ classification


def raw_errors(windows, shown):
    """The raw errors of two outputs as (step, neuron, error), and their spikes."""
    net = SuperSpikeNetwork((2, 2), backend="python", error="windows", delay=0.0, eta=0.0)
    net.W[0] = np.eye(2) * 45.0  # one input spike makes one output spike
    simulation = net.training
    simulation.loop(shown, windows, 0)
    spikes = simulation.network.record_spikes(simulation.network.populations["output"])
    raw = simulation.output.raw
    found = []
    for step in range(round(windows.duration / net.dt)):
        simulation.network.run_steps(1)
        row = raw[step % len(raw)]
        found += [(step, int(i), float(row[i])) for i in np.flatnonzero(row)]
    return found, list(zip(spikes.steps.tolist(), spikes.i.tolist(), strict=True))


def test_wrong_spikes_count_at_once_and_missing_ones_at_the_end_of_their_window():
    windows = Windows(np.array([10.0, 40.0]), np.array([25.0, 50.0]), np.array([0, 1]), 2, 60.0)
    shown = patterns.from_trains([[12.0, 30.0], [15.0]], 60.0)
    found, spikes = raw_errors(windows, shown)
    right, other, late = spikes
    assert right[1] == late[1] == 0
    assert other[1] == 1
    assert 100 <= right[0] < other[0] < 250 < late[0] < 400
    assert found == [(*other, -1.0), (*late, -1.0), (499, 1, 1.0)]


def windows_of(count):
    """Windows of 4 ms every 10 ms, in which output 0 is to spike."""
    start = 10.0 * np.arange(count) + 5.0
    return Windows(start, start + 4.0, np.zeros(count, int), 2, 100.0)


def test_every_window_without_a_spike_is_an_error_once_a_loop():
    net = network((20, 2), error="windows", w_0=0.0, eta=0.0)
    assert net.fit(SHOWN, windows_of(8), 2, block=100.0)["unmatched"] == [8, 8]


def test_fewer_windows_can_follow_more_of_them():
    net = network((20, 2), error="windows", w_0=0.0, eta=0.0)
    net.fit(SHOWN, windows_of(8), 1, block=100.0, burn_in=0.0)
    history = net.fit(SHOWN, windows_of(3), 1, block=100.0)
    assert history["unmatched"] == [8, 3]


def test_a_window_is_answered_by_its_neuron_alone():
    windows = Windows(
        np.array([0.0, 10.0, 20.0, 30.0]), np.array([5.0, 15.0, 25.0, 35.0]), np.zeros(4), 2, 40.0
    )._replace(ids=np.array([0, 0, 1, 1]))
    spikes = patterns.from_trains([[1.0, 2.0, 11.0, 27.0], [12.0, 21.0]], 40.0)
    assert answers(windows, spikes).tolist() == [True, False, True, False]


def test_a_network_learns_which_of_two_stimuli_it_sees():
    rng = np.random.default_rng(0)
    onset = np.arange(20.0, 2000.0, 100.0)
    kind = rng.integers(0, 2, len(onset))
    trains = [np.sort(onset[kind == n % 2] + 0.3 * n) for n in range(20)]
    shown = patterns.from_trains([train.round(1) for train in trains], 2000.0)
    windows = Windows(onset, onset + 25.0, kind, 2, 2000.0)
    net = SuperSpikeNetwork((20, 2), error="windows", seed=1)
    assert net.evaluate(shown, windows) > 40.0
    net.fit(shown, windows, 10, block=2000.0)
    assert net.evaluate(shown, windows) == 0.0


def test_a_pattern_whose_arrays_were_written_to_is_shown_as_the_other_one_that_it_is():
    answers_to = []
    for is_written_to in (True, False):
        net = network()
        shown = SHOWN._replace(times=SHOWN.times.copy())
        net.fit(shown, TARGET, 1, block=50.0, burn_in=0.0)
        if is_written_to:
            shown.times[:] = shown.times[-1] - shown.times[::-1]
        else:
            shown = shown._replace(times=shown.times[-1] - shown.times[::-1])
        net.fit(shown, TARGET, 1, block=50.0)
        answers_to.append([*net.W, net.shown[0].times, net.history["cost"], net.history["rate"]])
    for written, given in zip(*answers_to, strict=True):
        np.testing.assert_array_equal(written, given)
