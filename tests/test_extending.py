"""Neurons that do all that a shipped one does, and more, or with other numbers."""

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


# ---- other numbers


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda kind: kind.parameters.__setitem__("tau", 5.0), "tau"),
        (lambda kind: kind.parameters.update(tau=5.0), "tau"),
        (lambda kind: kind.parameters.__ior__({"tau": 5.0}), "tau"),
        (lambda kind: kind.parameters.setdefault("tauu", 5.0), "tauu"),
        (lambda kind: kind.parameters.pop("tau"), "tau"),
        (lambda kind: kind.parameters.popitem(), "tau_inh"),
        (lambda kind: kind.parameters.clear(), "tau_inh"),
        (lambda kind: kind.parameters.__delitem__("tau"), "tau"),
        (lambda kind: kind.variables.__setitem__("v", -70.0), "v"),
    ],
)
def test_a_shipped_neuron_stays_as_it_is(change, name):
    before = str(CurrentLIF)
    with pytest.raises(InputError, match=rf"^{name} of CurrentLIF cannot be"):
        change(CurrentLIF)
    assert str(CurrentLIF) == before


def test_who_would_change_a_shipped_neuron_is_told_what_to_write():
    with pytest.raises(
        InputError, match=r"; CurrentLIF\.with_\(tau=5\) is one with another value\."
    ):
        CurrentLIF.parameters["tau"] = 5


def test_a_neuron_does_not_follow_the_dict_that_it_was_made_of():
    numbers = {"slope": 0.1}
    kind = CurrentLIF.with_(parameters=numbers)
    numbers["slope"] = 7.0
    assert kind.parameters["slope"] == 0.1


def test_with_other_numbers_a_neuron_is_as_if_a_population_had_them():
    faster = CurrentLIF.with_(tau=5, I=30)
    net = Network(dt=0.1, dtype="float64", backend="python")
    one = net.add_population("one", 2, faster)
    other = net.add_population("other", 2, CurrentLIF, tau=5, I=30)
    net.run(20.0)
    assert one.v.tolist() == other.v.tolist()
    assert (one.tau, CurrentLIF.parameters["tau"]) == (5.0, 20.0)


def test_other_numbers_keep_units_and_are_told():
    text = str(CurrentLIF.with_(tau=5, E_L=-70.0))
    assert text.startswith("CurrentLIF with tau=5, E_L=-70: leaky")
    assert "  tau         5 ms " in text
    assert str(CurrentLIF.with_(tau=5, parameters={"x": 1.0})).startswith(
        "CurrentLIF with tau=5 and more: "
    )


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda kind: pickle.loads(pickle.dumps(kind))])
def test_a_copy_of_a_neuron_stays_as_it_is_too(twin):
    copied = twin(CurrentLIF.with_(tau=5))
    assert copied.parameters["tau"] == 5.0
    with pytest.raises(InputError, match="tau of"):
        copied.parameters["tau"] = 6.0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tauu": 5.0}, "Unknown parameter 'tauu'; available: .* Did you mean 'tau'"),
        ({"tau": "fast"}, "tau is 'fast'"),
        ({"tau": -1.0}, r"parameters\['tau'\] is -1"),
        ({"tau": [1.0, 2.0]}, "one number for all"),
        ({"v": -70.0}, "Unknown parameter 'v'"),
    ],
)
def test_other_numbers_that_cannot_be_are_refused(change, text):
    with pytest.raises(InputError, match=text):
        CurrentLIF.with_(**change)
