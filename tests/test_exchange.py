"""Arrays that take the place of others between runs: Phases find them, mostly as compiled."""

import numpy as np
import pytest

from spikesim import DeltaLIF, Network, Neuron
from spikesim.engine.population import Population
from spikesim.engine.setting import Setting
from spikesim.kernels.machine.program import once

RELAY = Neuron(steps=(), variables={"g": 0.0})


@pytest.fixture(params=["python", "cpu"])
def net(request):
    return Network(dt=1.0, backend=request.param)


def add_up(_, t, s, p):
    s.total[0] = s.total[0] + s.value[0]


def adding(net, value):
    total = np.zeros(1)
    phase = net.add_phase(add_up, once, state={"value": value, "total": total}, dtype="float64")
    return phase, total


def test_other_spikes_are_emitted_by_the_same_program(net):
    source = net.add_spike_trains("source", 2, [0.0], [0])
    spikes = net.record_spikes(source)
    net.run(3.0)
    program = net.compiled()
    source.replace(np.array([1, 1]), np.array([0, 1]), None, origin=3)
    net.run(3.0)
    assert net.compiled() is program
    assert spikes.t.tolist() == [0.0, 4.0, 4.0]
    assert spikes.i.tolist() == [0, 0, 1]


def test_an_array_that_is_put_into_a_phase_is_read_by_the_same_program(net):
    phase, total = adding(net, np.array([1.0]))
    net.run(2.0)
    program = net.compiled()
    phase.state["value"] = np.array([10.0])
    net.run(2.0)
    assert net.compiled() is program
    assert total[0] == 22.0


def test_an_array_of_another_type_is_read_by_another_program(net):
    phase, total = adding(net, np.array([1.0]))
    net.run(1.0)
    phase.state["value"] = np.array([2], np.uint8)
    net.run(1.0)
    assert total[0] == 3.0


def test_a_phase_that_was_given_two_arrays_may_be_given_one_for_both(net):
    phase, total = adding(net, np.array([1.0]))
    net.run(1.0)
    phase.state["value"] = total
    net.run(2.0)
    assert total[0] == 4.0


def test_a_phase_that_was_given_a_list_of_spikes_reads_on_when_delays_make_it_longer(net):
    source = net.add_spike_trains("source", 1, [0.0, 2.0], [0, 0])
    seen = np.zeros(1)

    def count(_, t, s, p):
        s.seen[0] = s.seen[0] + s.count[t % s.count.shape[0]]

    net.add_phase(count, once, state={"seen": seen, "count": source.spike_list()["count"]})
    net.run(1.0)
    cells = net.add_population("cells", 1, RELAY)
    net.connect(source, cells, target="g", weight=1.0, delay=5.0)
    net.run(7.0)
    assert seen[0] == 2.0
    assert cells.g[0] == 2.0


def test_a_phase_that_was_given_a_list_of_spikes_can_be_given_an_array_instead(net):
    source = net.add_spike_trains("source", 1, [], [])
    phase, total = adding(net, source.spike_list()["count"])
    net.run(1.0)
    phase.state["value"] = np.array([3], np.int32)
    net.run(1.0)
    assert total[0] == 3.0


def test_a_phase_that_was_given_the_one_weight_of_all_synapses_reads_the_weights_of_each(net):
    source = net.add_spike_trains("source", 2, [], [])
    cells = net.add_population("cells", 2, RELAY)
    synapses = net.connect(source, cells, target="g", weight=1.0, one_to_one=True)
    _, total = adding(net, synapses.weight)
    net.run(1.0)
    synapses.weight = [5.0, 6.0]
    net.run(1.0)
    assert total[0] == 6.0


def test_a_recording_in_the_place_of_one_that_was_closed_records(net):
    cells = net.add_population("cells", 1, RELAY)
    for k in range(3):  # a new one may lie where the old one was in memory
        recording = net.record(cells, "g")
        cells.g[:] = k
        net.run(2.0)
        assert recording.g.tolist() == [[k, k]]
        recording.close()
        del recording


def test_a_background_takes_rates_for_which_each_neuron_draws(net):
    cells = net.add_population("cells", 50, RELAY)
    background = net.add_background(cells, "g", rate=0.0, weight=1.0)
    net.run(2.0)
    background.rate = 5e6
    net.run(1.0)
    assert cells.g.mean() == pytest.approx(5000.0, rel=0.01)


def test_a_part_needs_a_setting_and_no_network():
    cells = Population(Setting(dt=1.0, seed=3, dtype="float64"), "cells", 4, DeltaLIF, {})
    assert cells.v.dtype == np.float64
    assert not cells.is_driven("v")
