"""Names that parameters and variables had before are understood, and answered with the new one."""

import copy
import warnings

import numpy as np
import pytest

from spikesim import LIF, AdEx, InputError, Network, Neuron

FORMER = {
    "tau_membrane": "tau",
    "v_rest": "E_L",
    "v_threshold": "threshold",
    "v_reset": "V_reset",
    "drive": "I",
}
VALUES = {
    "tau_membrane": 12.0,
    "v_rest": -62.0,
    "v_threshold": -51.0,
    "v_reset": -64.0,
    "drive": 25.0,
}


def lif(**given):
    net = Network(dt=0.5, backend="python")
    return net, net.add_population("cells", 3, LIF, **given)


def adex():
    net = Network(dt=0.5, backend="python")
    return net, net.add_population("cells", 2, AdEx)


@pytest.mark.parametrize("former", FORMER)
def test_a_population_is_made_with_former_names(former):
    present = FORMER[former]
    with pytest.warns(DeprecationWarning, match=f"'{former}' is now called '{present}'") as told:
        _, cells = lif(**{former: VALUES[former]})
    assert told[0].filename == __file__
    assert cells.parameters[present] == VALUES[former]


def test_a_parameter_is_read_and_set_by_its_former_name():
    _, cells = lif()
    with pytest.warns(DeprecationWarning, match="now called 'threshold'"):
        cells.v_threshold = -48.0
    assert cells.threshold == -48.0
    with pytest.warns(DeprecationWarning, match="now called 'tau'"):
        assert cells.tau_membrane == 20.0
    with pytest.warns(DeprecationWarning, match="now called 'I'"):
        cells.params["drive"] = 3.0
    assert (cells.I.tolist(), cells.params["I"]) == ([3.0] * 3, 3.0)
    with pytest.warns(DeprecationWarning, match="now called 'I'"):
        cells.parameters["drive"] = 4.0
    with pytest.warns(DeprecationWarning, match="now called 'I'"):
        assert cells.params["drive"] == 4.0
    cells.drive = 1.0  # the variable is still called so
    assert (cells.drive.tolist(), cells.I.tolist()) == ([1.0] * 3, [4.0] * 3)


def test_a_variable_is_read_set_recorded_and_connected_to_by_its_former_name():
    net, cells = adex()
    source = net.add_spike_trains("source", 1, [0.5], [0])
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        cells.V[:] = -60.0
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        cells.V = -61.0
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        assert cells.state["V"] is cells.v
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        recording = net.record(cells, ["V", "w"])
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        net.connect(source, cells, target="V", weight=0.5)
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        net.add_background(cells, "V", rate=100.0, weight=0.1)
    assert cells.v.tolist() == [-61.0, -61.0]
    net.run(2.0)
    assert recording.variables == ["v", "w"]
    with pytest.warns(DeprecationWarning, match="'V' is now called 'v'"):
        np.testing.assert_array_equal(recording.V, recording.v)


def test_present_names_are_answered_with_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net, cells = lif(tau=10.0, I=3.0)
        cells.drive[:] = 2.0
        net.record(cells, ["v", "drive"])
        net.run(1.0)
        copy.deepcopy(net).run(1.0)


def test_a_parameter_given_by_both_names_is_refused():
    with (
        pytest.warns(DeprecationWarning, match="now called 'tau'"),
        pytest.raises(InputError, match="tau_membrane is given twice"),
    ):
        lif(tau=10.0, tau_membrane=10.0)


def as_before(state, former, target):
    """A state as the version before would have made it."""
    old = {new: name for name, new in former.items()}
    arrays, built = state["arrays"]["cells"], state["built"]["cells"]
    own = {"refractory", "drive"}
    state["arrays"]["cells"] = {old.get(k, k) if k not in own else k: v for k, v in arrays.items()}
    state["built"]["cells"] = {old.get(name, name): value for name, value in built.items()}
    state["built"]["source_to_cells"]["target"] = old.get(target, target)
    del state["parameters"]
    return state


@pytest.mark.parametrize(
    ("neuron", "target", "former"), [(LIF, "drive", FORMER), (AdEx, "v", {"V": "v"})]
)
def test_a_state_of_the_version_before_goes_on(neuron, target, former):
    def built():
        net = Network(dt=0.5, backend="python")
        source = net.add_spike_trains("source", 1, [1.0, 3.0], [0, 0])
        cells = net.add_population("cells", 2, neuron)
        delay = {"delay": np.array([[0.5, 3.0]])}
        net.connect(source, cells, target=target, weight=np.full((1, 2), 5.0), **delay)
        return net, cells

    net, cells = built()
    net.run(2.0)
    other, its = built()
    state = as_before(net.state(), former, target)
    assert set(former) & set(state["built"]["cells"]) or "V" in state["arrays"]["cells"]
    other.set_state(state)
    for each in (net, other):
        each.run(10.0)
    assert its.v.tobytes() == cells.v.tobytes()


def leak(i, t, s, p):
    s.x[i] = p.keep * s.x[i]
    s.spike[i] = 0


def test_a_neuron_of_ones_own_has_former_names_as_well():
    kind = Neuron(
        [leak], {"x": 1.0}, {"keep": 0.5}, former={"y": "x", "hold": "keep"}, most_spikes=0
    )
    net = Network(backend="python")
    with pytest.warns(DeprecationWarning, match="'hold' is now called 'keep'"):
        cells = net.add_population("cells", 2, kind, hold=0.25)
    net.run(0.1)
    with pytest.warns(DeprecationWarning, match="'y' is now called 'x'"):
        assert cells.y.tolist() == [0.25, 0.25]
    with pytest.raises(InputError, match="Unknown name in former 'z'"):
        Neuron([leak], {"x": 1.0}, former={"y": "z"})
    with pytest.raises(InputError, match="former is 3"):
        Neuron([leak], {"x": 1.0}, former=3)
