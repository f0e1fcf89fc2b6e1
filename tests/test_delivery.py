"""Spikes reach all targets of a neuron in their order, however long its row of synapses is."""

import numpy as np
import pytest
from scipy import sparse

from spikesim import Network, Neuron
from spikesim.kernels.lists import find_near

ROWS = (0, 1, 63, 64, 65, 127, 128, 129, 400)  # synapses of each presynaptic neuron
TARGETS = 500
SPIKES = {5: (1, 4, 8), 6: (0, 2, 3, 5, 6, 7, 8), 7: (8,), 12: (2, 8)}  # step: neurons
STEPS = 40


def show(i, t, s, p):
    """Keep what arrived in this step."""
    s.seen[i] = s.x[i]
    s.x[i] = 0.0


def synapses(least, most):
    """Pre- and postsynaptic neurons, weights, and delays of `least` to `most` steps."""
    chance = np.random.default_rng(1)
    post = np.concatenate([np.sort(chance.choice(TARGETS, n, replace=False)) for n in ROWS])
    pre = np.repeat(np.arange(len(ROWS)), ROWS)
    weight = chance.normal(0.0, 1.0, pre.size).astype(np.float32)
    return pre, post, weight, chance.integers(least, most + 1, pre.size)


def arrivals(backend, least, most):
    """What arrived at each target in each step, and what should have."""
    pre, post, weight, delay = synapses(least, most)
    net = Network(dt=1.0, backend=backend)
    times = [(step, i) for step, ids in SPIKES.items() for i in ids]
    source = net.add_spike_trains("source", len(ROWS), *np.array(times, float).T.tolist())
    cells = net.add_population("cells", TARGETS, Neuron([show], {"x": 0.0, "seen": 0.0}))
    matrix = sparse.csr_array((weight, (pre, post)), shape=(len(ROWS), TARGETS))
    varied = delay.astype(float) if most > least else float(least)
    net.connect(source, cells, target="x", weight=matrix, delay=varied)
    seen = net.record(cells, "seen")
    net.run(float(STEPS))

    expected = np.zeros((TARGETS, STEPS), np.float32)
    for step, ids in SPIKES.items():
        for i in ids:
            own = pre == i
            np.add.at(expected, (post[own], step + delay[own]), weight[own])
    return seen.seen, expected


@pytest.mark.parametrize("backend", ["python", "cpu", "threads:3"])
@pytest.mark.parametrize(("least", "most"), [(1, 1), (3, 3), (1, 20), (2, 20)])
def test_rows_of_any_length_arrive_as_in_a_plain_sum(backend, least, most):
    seen, expected = arrivals(backend, least, most)
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("towards", [0.3, 1.0, 4.0])
def test_the_first_synapse_of_a_block_is_found_wherever_targets_crowd(towards):
    chance = np.random.default_rng(2)
    for n in (0, 1, 5, 31, 33, 700):
        row = np.sort((TARGETS * chance.random(n) ** towards).astype(np.int32))
        others = chance.integers(0, TARGETS, 9).astype(np.int32)  # of neurons before and after
        held = np.concatenate([others, row, others])
        for value in range(0, TARGETS + 1, 7):
            found = find_near(held, 9, 9 + n, value, TARGETS)
            assert found == 9 + np.searchsorted(row, value)
