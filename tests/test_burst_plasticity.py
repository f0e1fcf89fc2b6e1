"""The burst-dependent rule in a network, against the naive transcription for one synapse."""

import numpy as np
import pytest
from naive_bursting_neurons import TraceDetector, burst_dependent_plasticity
from scipy import sparse

from spikesim import InputError, Network, Neuron
from spikesim.models.burst.spiking import BurstPlasticity

RECEIVER = Neuron(steps=(), variables={"port": 0.0}, most_spikes=0)


def trains(seed, rate=0.02, steps=6000):
    chance = np.random.default_rng(seed)
    singles = np.flatnonzero(chance.random(steps) < rate / 10)
    bursts = singles[::2] + chance.integers(40, 140, singles[::2].size)
    return np.unique(np.concatenate([singles, bursts])) * 0.1


PRE, POST = trains(1), trains(2)


def network(w=0.5, backend="python", others=False, **options):
    """One synapse; with `others`, in the middle of many that have to stay out of its way."""
    net = Network(dt=0.1, dtype="float64", backend=backend)
    n, me = (4, 2) if others else (1, 0)
    matrix = np.full((n, n), w if others else 0.0)
    matrix[me, me] = w
    if others:
        matrix[0, me] = matrix[1, 1] = 0.0
    pre = net.add_spike_trains("pre", n, PRE, np.full(PRE.size, me))
    post = net.add_spike_trains("post", n, POST, np.full(POST.size, me))
    pre_events = net.add_events("pre_events", pre)
    events, bursts = net.add_events("events", post), net.add_bursts("bursts", post)
    post.state["port"] = np.zeros(n)
    projection = net.connect(pre_events, post, target="port", weight=sparse.csr_array(matrix))
    options = {
        "eta": 0.1,
        "tau_pre": 50.0,
        "alpha": 500.0,
        "w_max": 10.0,
        "w_min": -10.0,
        **options,
    }
    rule = BurstPlasticity(net, post, events, bursts, [projection], **options)
    net.run(50.0)
    net.run(600.0)
    rows = np.repeat(np.arange(n), np.diff(projection.start))
    dense = sparse.csr_array((projection.weight, (rows, projection.target)), shape=(n, n))
    return dense.toarray(), rule, matrix


def naive(w=0.5, least=0.0, most=np.inf, w_min=-10.0, w_max=10.0, rate=0.1):
    return burst_dependent_plasticity(
        list(PRE),
        list(POST),
        eta=0.1,
        tau_pre=50.0,
        alpha=500.0,
        event_rate=0.0,
        burst_probability=0.0,
        w=w,
        bounds=(w_min, w_max),
        min_rate=least,
        max_rate=most,
        spike_rate=rate,
        detector=TraceDetector,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"least": 0.0, "most": np.inf},
        {"least": 2.0, "most": np.inf},
        {"least": 0.0, "most": 5.0},
        {"least": 2.0, "most": 5.0, "w_min": 0.0, "w_max": 0.6},
    ],
    ids=["rule", "floor", "ceiling", "bounds"],
)
def test_a_weight_changes_as_in_the_naive_rule(options):
    weights, _, _ = network(**options)
    expected = naive(**options)
    assert abs(expected) > 0.001
    assert weights[0, 0] - 0.5 == pytest.approx(expected, abs=1e-9)


def test_only_synapses_between_active_neurons_change():
    weights, _, before = network(others=True, least=0.0, most=np.inf)
    changed = weights != before
    assert changed[2, 2]
    assert changed.sum() == 1
    assert weights[2, 2] - 0.5 == pytest.approx(naive(), abs=1e-9)


def test_compiled_and_plain_have_the_same_bits():
    plain, _, _ = network(others=True)
    compiled, _, _ = network(others=True, backend="cpu")
    assert np.array_equal(plain, compiled)


def test_switched_off_weights_stay_and_averages_go_on():
    net = Network(dt=0.1, backend="python")
    pre = net.add_spike_trains("pre", 1, [1.0, 5.0], [0, 0])
    cells = net.add_spike_trains("cells", 1, [2.0, 6.0, 40.0], [0] * 3)
    cells.state["port"] = np.zeros(1, np.float32)
    events, bursts = net.add_events("events", cells), net.add_bursts("bursts", cells)
    pre_events = net.add_events("pre_events", pre)
    weight = sparse.csr_array([[0.5]])
    projection = net.connect(pre_events, cells, target="port", weight=weight)
    rule = BurstPlasticity(net, cells, events, bursts, [projection], eta=0.1, alpha=1000.0)
    assert rule.is_on
    rule.is_on = False
    net.run(50.0)
    assert projection.weight[0] == 0.5
    expected = np.exp(-0.0479) + np.exp(-0.0099)  # per second, by the last step, at 49.9 ms
    assert rule.event_rate[0] == pytest.approx(expected, rel=1e-5)
    first, second = np.exp(-0.0340), np.exp(-0.0380)
    assert rule.burst_probability[0] == pytest.approx(first / (1.0 + second), rel=1e-5)


def test_assumed_averages_are_what_it_starts_from():
    net = Network(backend="python")
    cells = net.add_spike_trains("cells", 2, [], [])
    events, bursts = net.add_events("events", cells), net.add_bursts("bursts", cells)
    rule = BurstPlasticity(net, cells, events, bursts, [], eta=0.1, alpha=1000.0)
    rule.assume(event_rate=5.0, burst_probability=0.15)
    assert rule.event_rate == pytest.approx(5.0, rel=1e-3)
    assert rule.burst_probability == pytest.approx(0.15)
    with pytest.raises(InputError, match=r"burst_probability is 2.0"):
        rule.assume(5.0, 2.0)


def test_what_cannot_learn_is_refused():
    net = Network(backend="python")
    pre = net.add_spike_trains("pre", 3, [], [])
    cells = net.add_population("cells", 2, RECEIVER)
    events, bursts = net.add_events("events", cells), net.add_bursts("bursts", cells)
    dense = net.connect(pre, cells, target="port", weight=1.0)
    with pytest.raises(InputError, match="sparse projection"):
        BurstPlasticity(net, cells, events, bursts, [dense], eta=0.1)
    with pytest.raises(InputError, match=r"events is .* population of 2 neurons"):
        BurstPlasticity(net, cells, pre, bursts, [], eta=0.1)
    with pytest.raises(InputError, match="eta holds -1"):
        BurstPlasticity(net, cells, events, bursts, [], eta=[0.1, -1.0])
    with pytest.raises(InputError, match=r"alpha is 0.0"):
        BurstPlasticity(net, cells, events, bursts, [], eta=0.1, alpha=0.0)


def test_a_longer_delay_that_is_connected_later_changes_nothing():
    def weight_after(longer):
        net = Network(dt=0.1, backend="python")
        pre = net.add_spike_trains("pre", 1, [1.0, 5.0], [0, 0])
        cells = net.add_spike_trains("cells", 1, [2.0, 6.0, 40.0], [0] * 3)
        cells.state["port"] = np.zeros(1, np.float32)
        events, bursts = net.add_events("events", cells), net.add_bursts("bursts", cells)
        pre_events = net.add_events("pre_events", pre)
        projection = net.connect(
            pre_events, cells, target="port", weight=sparse.csr_array([[0.5]]), name="plastic"
        )
        rule = BurstPlasticity(net, cells, events, bursts, [projection], eta=0.1, alpha=1000.0)
        if longer:
            for k, population in enumerate((pre_events, events, bursts)):
                net.connect(
                    population, cells, target="port", weight=0.0, delay=9.0, name=f"late_{k}"
                )
        net.run(50.0)
        return projection.weight[0], rule.event_rate[0]

    assert weight_after(longer=True) == weight_after(longer=False)
    assert weight_after(longer=False)[0] != 0.5
