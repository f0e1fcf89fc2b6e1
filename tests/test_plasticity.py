"""Traces, eligibilities and averages equal explicit sums over spikes."""

import numpy as np
import pytest

from spikesim import Network, Neuron
from spikesim.kernels import plasticity

TIMES = np.array([1.0, 2.5, 2.5, 7.0])
NEURONS = np.array([0, 0, 1, 1])
DT, TAU = 0.5, 4.0


def with_spikes():
    net = Network(dt=DT, dtype="float64", backend="python")
    return net, net.add_spike_trains("source", 2, TIMES, NEURONS)


def summed(neuron, at):
    """sum over spikes up to `at` of exp(-(at - t) / tau)."""
    t = TIMES[(neuron == NEURONS) & (at >= TIMES)]
    return np.exp(-(at - t) / TAU).sum()


def test_a_trace_is_the_sum_of_exponentials_since_each_spike():
    net, source = with_spikes()
    trace = net.add_trace(source, TAU)
    for end in (1.5, 3.0, 10.0):
        net.run(end - net.time)
        last = end - DT
        assert trace == pytest.approx([summed(0, last), summed(1, last)], rel=1e-12)


def test_an_eligibility_is_a_decaying_sum_of_products():
    net, source = with_spikes()
    pre = net.add_trace(source, TAU)
    post = np.array([1.0, -0.5, 2.0])
    eligibility = np.zeros((2, 3))
    net.add_phase(
        plasticity.eligibility,
        plasticity.presynaptic,
        state={"eligibility": eligibility, "pre": pre, "post": post},
        params={"decay": 0.9},
    )
    net.run(10.0)
    last = round(10.0 / DT) - 1
    weights = 0.9 ** (last - np.arange(last + 1))
    sums = [sum(weights[k] * summed(i, k * DT) for k in range(last + 1)) for i in (0, 1)]
    np.testing.assert_allclose(eligibility, np.outer(sums, post), rtol=1e-12)


def test_an_average_is_the_mean_over_the_steps_it_is_given():
    net, source = with_spikes()
    trace = net.add_trace(source, TAU)
    mean = np.zeros(2)
    state = {"mean": mean, "value": trace}
    net.add_phase(plasticity.accumulate, 2, state=state, params={"share": 1 / 20})
    net.run(10.0)
    expected = [np.mean([summed(i, k * DT) for k in range(20)]) for i in (0, 1)]
    assert mean == pytest.approx(expected, rel=1e-12)


def emit(i, t, s, p):
    s.spike[i] = int(s.next[i])
    s.next[i] = 0.0


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


EMITTING = Neuron(steps=[emit], variables={"next": 0.0}, most_spikes=4)
RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_several_spikes_in_a_step_count_as_so_many_everywhere(backend):
    counts = np.zeros((60, 3), int)  # per step and neuron
    counts[::10] = np.random.default_rng(1).integers(0, 5, (6, 3))
    net = Network(dt=DT, dtype="float64", backend=backend)
    cells = net.add_population("cells", 3, EMITTING)
    dense = net.add_population("dense", 3, RECEIVER)
    sparse = net.add_population("sparse", 3, RECEIVER)
    net.connect(cells, dense, target="port", weight=2.0 * np.eye(3), delay=0.0)
    net.connect(cells, sparse, target="port", weight=2.0, one_to_one=True, delay=0.0)
    trace, spikes = net.add_trace(cells, TAU), net.record_spikes(cells)
    events, bursts = net.add_events("events", cells, tau=DT), net.add_bursts("bursts", cells, DT)
    expected = np.zeros(3)
    for row in counts:
        cells.next[:] = row
        net.run(DT)
        expected = expected * np.exp(-DT / TAU) + row
        assert cells.spike.tolist() == row.tolist()
        assert trace == pytest.approx(expected, rel=1e-12)
        assert dense.got.tolist() == sparse.got.tolist() == (2.0 * row).tolist()
        # Each step with spikes comes after a silence; its second spike makes the event a burst.
        assert events.spike.tolist() == (row > 0).tolist()
        assert bursts.spike.tolist() == (row > 1).tolist()
    assert spikes.count.tolist() == counts.sum(axis=0).tolist()
    assert counts.max() == 4
