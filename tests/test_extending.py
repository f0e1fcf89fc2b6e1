"""Neurons that do all that a shipped one does, and more."""

import copy
import pickle

import numpy as np
import pytest

from spikesim import AdaptiveLIF, AdEx, CurrentLIF, InputError, Network


def inject(i, t, s, p):
    s.v[i] += p.dt * s.ramp[i] * p.slope
    s.ramp[i] += p.dt


def count(i, t, s, p):
    s.spikes_so_far[i] += float(s.spike[i])


def nothing(i, t, s, p):
    s.ramp[i] = 0.0


MINE = CurrentLIF.with_(
    step_before=inject,
    step_after=[count],
    variables={"ramp": 0.0, "spikes_so_far": 0.0},
    parameters={"slope": 0.1},
)


def test_bodies_that_are_added_come_before_and_after_those_of_the_neuron():
    assert MINE.steps == (inject, *CurrentLIF.steps, count)
    assert list(MINE.variables)[-2:] == ["ramp", "spikes_so_far"]
    assert CurrentLIF.with_().steps == CurrentLIF.steps


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_an_extended_neuron_does_what_both_say(backend):
    net = Network(dt=0.1, backend=backend)
    cells = net.add_population("cells", 2, MINE, I=20.0)
    spikes = net.record_spikes(cells)
    net.run(60.0)
    assert cells.spikes_so_far.tolist() == spikes.count.tolist()
    np.testing.assert_allclose(cells.ramp, 60.0, rtol=1e-4)
    plain = Network(dt=0.1, backend=backend)
    fewer = plain.record_spikes(plain.add_population("cells", 2, CurrentLIF, I=20.0))
    plain.run(60.0)
    assert spikes.count[0] > fewer.count[0] > 0


def test_an_extension_that_does_nothing_leaves_the_bits():
    voltages = []
    for neuron in (CurrentLIF, CurrentLIF.with_(step_before=nothing, variables={"ramp": 0.0})):
        net = Network(dt=0.1, seed=1)
        cells = net.add_population("cells", 20, neuron, I=15.0)
        net.add_background(cells, "I_exc", 500.0, 1.0)
        net.run(50.0)
        voltages.append(cells.v.tolist())
    assert voltages[0] == voltages[1]


def test_an_extended_neuron_can_be_extended():
    twice = MINE.with_(step_after=nothing, parameters={"tau_more": 3.0})
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 1, twice)
    assert (cells.params["slope"], cells.params["tau_more"]) == (0.1, 3.0)


def test_a_time_constant_that_is_added_counts():
    for neuron in (CurrentLIF, AdEx):
        more = neuron.with_(parameters={"tau_slow": 1e7})
        assert more.longest({}) == 1e7
        net = Network(dt=0.1, backend="python")
        assert net.add_population("cells", 1, more).dtype == "float64"
        with pytest.raises(InputError, match=r"dt is 0\.1 ms, longer than tau_slow"):
            net.add_population("others", 1, more, tau_slow=0.01)


def test_a_copy_of_a_network_of_extended_neurons_goes_on_with_the_same_bits():
    net = Network(dt=0.1, backend="python")
    net.add_population("cells", 2, MINE, I=20.0)
    net.run(5.0)
    others = [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
    net.run(5.0)
    for other in others:
        other.run(5.0)
        assert other.populations["cells"].v.tolist() == net.populations["cells"].v.tolist()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"variables": {"v": 0.0}}, "variables has 'v', which this neuron has already"),
        ({"parameters": {"tau": 1.0}}, "parameters has 'tau', which this neuron has already"),
        ({"variables": {"n": 0.0}}, "variables has 'n', which every population has of its own"),
        ({"variables": {"x": "slop"}}, r"variables\['x'\] is 'slop'"),
        ({"variables": [1.0]}, r"variables is \[1.0\]; it has to be a dict"),
        ({"step_before": 3}, "step_before"),
        ({"step_after": [lambda i: None]}, "step_after"),
    ],
)
def test_what_cannot_be_added_is_refused(more, text):
    with pytest.raises(InputError, match=text):
        CurrentLIF.with_(**more)


def test_a_parameter_with_the_name_of_a_constant_is_refused():
    with pytest.raises(InputError, match="'decay', which is a constant of the neuron"):
        Network().add_population("cells", 1, CurrentLIF.with_(parameters={"decay": 0.5}))


def test_shipped_adaptation_is_not_in_the_way():
    with pytest.raises(InputError, match="variables has 'w', which this neuron has already"):
        AdaptiveLIF.with_(variables={"w": 0.0})


def test_an_extension_reads_the_parameters_of_the_neuron():
    def note(i, t, s, p):
        s.seen[i] = p.tau + p.E_L

    kind = CurrentLIF.with_(step_after=note, variables={"seen": 0.0})
    net = Network(backend="python")
    cells = net.add_population("cells", 2, kind, tau=[10.0, 20.0])
    net.run(0.1)
    assert cells.seen.tolist() == [-50.0, -40.0]
