"""Events and bursts as populations: who spikes when, connections, traces, files."""

import numpy as np
import pytest
from naive_bursting_neurons import TraceDetector, online_events_and_bursts

from spikesim import InputError, Network, Neuron


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)


def network(times, ids=None, backend="python", tau=16.0):
    net = Network(dt=0.1, seed=1, backend=backend)
    ids = np.zeros(len(times), int) if ids is None else np.asarray(ids)
    cells = net.add_spike_trains("cells", int(ids.max()) + 1, times, ids)
    return net, net.add_events("events", cells, tau), net.add_bursts("bursts", cells, tau)


def detected(times, ids=None, **options):
    net, events, bursts = network(times, ids, **options)
    recordings = net.record_spikes(events), net.record_spikes(bursts)
    net.run(max(times) + 1.0)
    return recordings


def test_spikes_closer_than_tau_are_a_burst_at_the_second():
    events, bursts = detected([10.0, 25.9])
    assert events.t == pytest.approx([10.0])
    assert bursts.t == pytest.approx([25.9])
    events, bursts = detected([10.0, 26.1])
    assert events.t == pytest.approx([10.0, 26.1])
    assert len(bursts.t) == 0


def test_a_third_spike_counts_for_nothing():
    events, bursts = detected([10.0, 15.0, 20.0])
    assert events.t == pytest.approx([10.0])
    assert bursts.t == pytest.approx([15.0])


def test_after_a_burst_of_10_ms_silence_has_to_last_22_9_ms():
    events, bursts = detected([10.0, 20.0, 42.8])
    assert len(events.t) == 1
    events, bursts = detected([10.0, 20.0, 43.0])
    assert events.t == pytest.approx([10.0, 43.0])
    assert bursts.t == pytest.approx([20.0])


def test_tau_sets_the_limit():
    events, bursts = detected([10.0, 15.0, 100.0, 103.0], tau=4.0)
    assert events.t == pytest.approx([10.0, 15.0, 100.0])
    assert bursts.t == pytest.approx([103.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_silence_of_tau_itself_ends_no_event_whatever_the_rounding(dtype):
    for steps in (2, 43, 86, 145, 160, 177):
        net = Network(dt=0.1, dtype=dtype, backend="python")
        cells = net.add_spike_trains("cells", 1, [0.2, 0.2 + 0.1 * steps], [0, 0])
        events = net.record_spikes(net.add_events("events", cells, tau=0.1 * steps))
        net.run_steps(steps + 5)
        assert len(events.t) == 1


def test_random_trains_are_told_apart_as_by_the_naive_detector():
    chance = np.random.default_rng(2)
    step = np.cumsum(chance.integers(3, 400, (3, 200)), axis=1)
    times, ids = step.ravel() * 0.1, np.repeat(np.arange(3), 200)
    events, bursts = detected(times, ids)
    for neuron in range(3):
        wanted = online_events_and_bursts(list(step[neuron] * 0.1), TraceDetector())
        assert events.t[events.i == neuron] == pytest.approx(wanted[0])
        assert bursts.t[bursts.i == neuron] == pytest.approx(wanted[1])


def test_compiled_and_plain_detectors_agree():
    chance = np.random.default_rng(3)
    times, ids = np.arange(300) * 1.5, chance.integers(0, 20, 300)
    plain = detected(times, ids)
    compiled = detected(times, ids, backend="cpu")
    for one, other in zip(plain, compiled, strict=True):
        assert len(one.t) > 20
        assert np.array_equal(one.t, other.t)
        assert np.array_equal(one.i, other.i)


def test_events_and_bursts_can_be_connected_and_traced():
    net, events, bursts = network([5.0, 10.0, 12.0])
    targets = net.add_population("targets", 2, RECEIVER)
    net.connect(events, targets, target="port", weight=[[1.0, 0.0]], delay=2.0)
    net.connect(bursts, targets, target="port", weight=[[0.0, 1.0]])
    trace = net.add_trace(bursts, 20.0)
    recording = net.record(targets, "got")
    net.run(13.0)
    step, neuron = np.nonzero(recording.got.T)
    assert step.tolist() == [70, 101]
    assert neuron.tolist() == [0, 1]
    assert trace[0] == pytest.approx(np.exp(-2.9 / 20.0), rel=1e-5)


def test_a_resumed_network_finds_the_same_events(tmp_path):
    times = [5.0, 10.0, 12.0, 30.0, 38.0]
    whole, _ = detected(times)
    net, _, _ = network(times)
    net.run(11.0)
    net.save(tmp_path / "net.h5")
    again, events, _ = network(times)
    again.restore(tmp_path / "net.h5")
    recording = again.record_spikes(events)
    again.run(30.0)
    assert recording.t.tolist() == whole.t[whole.t > 11.0].tolist()


def test_a_population_of_another_network_is_refused():
    net, events, _ = network([1.0])
    with pytest.raises(InputError, match="of this network"):
        Network(backend="python").add_events("events", events)
    with pytest.raises(InputError, match="has already"):
        net.add_bursts("bursts", net.populations["cells"])
    with pytest.raises(InputError, match=r"tau is 0.01"):
        net.add_bursts("more", net.populations["cells"], tau=0.01)
