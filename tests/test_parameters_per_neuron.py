"""A parameter is one number for all neurons, or one for each, and may be set between runs."""

import copy
import pickle
from array import array as python_array
from math import exp

import numpy as np
import pytest

from spikesim import (
    LIF,
    AdaptiveLIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    ExponentialIF,
    HodgkinHuxley,
    InputError,
    Izhikevich,
    Network,
    Neuron,
    Poisson,
    Replicas,
)

CHANCE = np.random.default_rng(7)
N = 6

# What each kind is given, and what makes it spike.
KINDS = {
    "LIF": (
        LIF,
        {"tau": (15.0, 25.0), "threshold": (-53.0, -48.0), "I": (15.0, 30.0)},
    ),
    "CurrentLIF": (CurrentLIF, {"tau": (15.0, 25.0), "refractory": (1.0, 5.0), "I": (11.0, 30.0)}),
    "AlphaCurrentLIF": (AlphaCurrentLIF, {"tau_exc": (3.0, 9.0), "I": (11.0, 30.0)}),
    "ConductanceLIF": (
        ConductanceLIF,
        {"tau": (15.0, 25.0), "E_inh": (-90.0, -70.0), "I": (11.0, 30.0)},
    ),
    "AlphaConductanceLIF": (AlphaConductanceLIF, {"tau_inh": (5.0, 9.0), "I": (11.0, 30.0)}),
    "DeltaLIF": (DeltaLIF, {"tau": (15.0, 25.0), "V_reset": (0.0, 12.0), "I": (21.0, 40.0)}),
    "AdEx": (AdEx, {"C": (200.0, 300.0), "tau_w": (100.0, 200.0), "E_L": (-50.0, -45.0)}),
    "Izhikevich": (Izhikevich, {"a": (0.02, 0.1), "b": (0.25, 0.3), "d": (2.0, 8.0)}),
}
PORTS = {"LIF": "drive", "DeltaLIF": "v", "Izhikevich": "drive"}


def values_of(ranges):
    found = {name: CHANCE.uniform(low, high, N) for name, (low, high) in ranges.items()}
    if "refractory" in found:
        found["refractory"] = np.round(found["refractory"])
    return found


def run(neuron, n, port, backend="python", dtype="float32", **given):
    net = Network(dt=0.5, dtype=dtype, backend=backend)
    cells = net.add_population("cells", n, neuron, **given)
    source = net.add_spike_trains("source", 1, [3.0, 8.0, 20.0], [0, 0, 0])
    net.connect(source, cells, target=port, weight=np.full((1, n), 0.5))
    spikes = net.record_spikes(cells)
    net.run(60.0)
    return cells, spikes


def variables(cells, i=slice(None)):
    return {name: array[i].copy() for name, array in cells.state.items()}


def port_of(kind):
    return PORTS.get(kind, {"Alpha": "rise_exc", "Curre": "I_exc"}.get(kind[:5], "g_exc"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_neuron_does_what_one_with_its_parameters_does(kind, dtype):
    neuron, ranges = KINDS[kind]
    each = values_of(ranges)
    together, spikes = run(neuron, N, port_of(kind), dtype=dtype, **each)
    assert spikes.t.size
    for i in range(N):
        own = {name: value[i] for name, value in each.items()}
        alone, its = run(neuron, 1, port_of(kind), dtype=dtype, **own)
        assert its.t.tolist() == spikes.t[spikes.i == i].tolist()
        for name, array in variables(alone).items():
            assert array.tobytes() == together.state[name][i : i + 1].tobytes(), name


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_code_gives_the_bits_of_plain_python(kind):
    neuron, ranges = KINDS[kind]
    each = values_of(ranges)
    plain, compiled = (
        run(neuron, N, port_of(kind), backend, **each)[0] for backend in ("python", "cpu")
    )
    for name, array in variables(plain).items():
        assert array.tobytes() == compiled.state[name].tobytes(), name


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_one_number_gives_the_bits_of_the_number(kind):
    neuron, ranges = KINDS[kind]
    one = {name: low + 0.4 * (high - low) for name, (low, high) in ranges.items()}
    one.update({"refractory": 2.0} if "refractory" in one else {})
    number, _ = run(neuron, 3, port_of(kind), **one)
    array, _ = run(neuron, 3, port_of(kind), **{k: np.full(3, x) for k, x in one.items()})
    for name, values in variables(number).items():
        assert values.tobytes() == array.state[name].tobytes(), name


@pytest.mark.parametrize("kind", ["CurrentLIF", "AdEx"])
def test_threads_give_the_bits_of_plain_python(kind):
    neuron, ranges = KINDS[kind]
    each = values_of(ranges)
    found = []
    for backend in ("python", "threads:2"):
        net = Network(dt=0.5, backend=backend)
        cells = net.add_population("cells", N, neuron, **each)
        cells.live("I")
        net.run(60.0)
        found.append(cells)
    for name, array in variables(found[0]).items():
        assert array.tobytes() == found[1].state[name].tobytes(), name


def test_replicas_have_each_their_own_arrays():
    def network(tau):
        net = Network(dt=0.5, backend="python")
        net.add_population("cells", 2, CurrentLIF, tau=tau, I=15.0)
        return net

    given = [[10.0, 20.0], [15.0, 30.0]]
    nets = Replicas([network(tau) for tau in given])
    nets.run(40.0)
    for tau, net in zip(given, nets, strict=True):
        alone = network(tau)
        alone.run(40.0)
        assert alone.populations["cells"].v.tobytes() == net.populations["cells"].v.tobytes()


def test_membranes_relax_with_the_time_constants_that_they_were_given():
    net = Network(dt=0.1, dtype="float64", backend="python")
    tau, rest = np.array([5.0, 20.0, 80.0]), np.array([-70.0, -65.0, -60.0])
    cells = net.add_population("cells", 3, CurrentLIF, tau=tau, E_L=rest)
    assert cells.v.tolist() == rest.tolist()
    cells.v[:] = rest + 5.0
    net.run(10.0)
    np.testing.assert_allclose(cells.v, rest + 5.0 * np.exp(-10.0 / tau), rtol=1e-12)


def leak(i, t, s, p):
    s.v[i] = p.keep * s.v[i] + p.gain
    s.many[i] += p.whole
    s.spike[i] = s.v[i] > p.most


def note(a, t, s, p):
    s.v[s.ids[t % s.ids.shape[0], a]] = p.back


OWN = Neuron(
    steps=[leak],
    on_spike=[note],
    variables={"v": "back", "many": 0.0},
    parameters={"tau": 10.0, "gain": 1.0, "most": 3.0, "back": 0.0, "whole": 1},
    constants=lambda p, dt: {**p, "keep": exp(-dt / p["tau"]), "whole": float(p["whole"])},
)


def test_a_neuron_of_ones_own_and_its_bodies_on_spikes_take_arrays_as_well():
    tau, gain = [4.0, 10.0, 30.0], [2.0, 1.0, 0.5]
    most, back = [1.0, 2.5, 4.0], [-1.0, 0.25, -0.5]
    net = Network(dt=1.0, dtype="float64", backend="python")
    cells = net.add_population(
        "cells", 3, OWN, tau=tau, gain=gain, most=most, back=back, whole=[1, 2, 3]
    )
    assert cells.v.tolist() == back
    net.run(50.0)
    for i in range(3):
        v = back[i]
        for _ in range(50):
            v = exp(-1.0 / tau[i]) * v + gain[i]
            v = back[i] if v > most[i] else v
        assert cells.v[i] == v
    assert cells.many.tolist() == [50.0, 100.0, 150.0]


def test_whole_numbers_of_each_neuron_stay_whole_ones():
    def wait(i, t, s, p):
        s.spike[i] = 1 if t % p.period == 0 else 0

    kind = Neuron(steps=[wait], parameters={"period": 5})
    for backend in ("python", "cpu"):
        net = Network(dt=1.0, backend=backend)
        cells = net.add_population("cells", 3, kind, period=np.array([2, 3, 7]))
        spikes = net.record_spikes(cells)
        net.run(42.0)
        assert spikes.count.tolist() == [21, 14, 6]
    assert cells.period.dtype == np.int64
    with pytest.raises(InputError, match=r"Neuron 1 of 'more': period is 2\.5; .* whole number"):
        net.add_population("more", 2, kind, period=[2, 2.5])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tau": [20.0, 10.0]}, r"tau has shape \(2,\); it has to be \(3\)"),
        ({"tau": [20.0, -1.0, 10.0]}, r"Neuron 1 of 'cells': tau is -1\.0; .* above 0"),
        (
            {"tau": [20.0, 10.0, 0.01]},
            r"Neuron 2 of 'cells': dt is 0\.1 ms, longer than tau = 0\.01",
        ),
        ({"tau": [np.nan, 10.0, 0.01]}, r"Neuron 0 of 'cells': tau is nan"),
        ({"tau": [True, False, True]}, "tau holds truth values"),
        ({"tau": ["a", "b", "c"]}, "tau has dtype"),
        (
            {"refractory": [1.0, 2.0, 2.03]},
            r"Neuron 2 of 'cells': refractory is 2\.03 ms; .* multiple",
        ),
        ({"taau": [1.0, 2.0, 3.0]}, "Unknown parameter 'taau'.* Did you mean 'tau'"),
        ({"I": [1.0, 2.0, 1e300]}, r"I of neuron 2 of 'cells' is 1e\+300; .* largest float32"),
        ({"E_L": [3e38, 2.0, 1.0], "I": 3e38}, r"E_L, I: rest of neuron 0 would be 6e\+38"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter_and_the_neuron(given, message):
    net = Network(backend="python")
    with pytest.raises(InputError, match=message):
        net.add_population("cells", 3, CurrentLIF, **given)
    assert not net.populations


def test_the_longest_time_constant_of_all_neurons_decides_on_the_type():
    net = Network(dt=0.1, backend="python")
    assert net.add_population("a", 2, CurrentLIF, tau=[20.0, 400.0]).dtype == "float32"
    assert net.add_population("b", 2, CurrentLIF, tau=[20.0, 500.0]).dtype == "float64"


def all_of_them(i, t, s, p):
    s.v[i] = 0.0


def both(t, s, p):
    return 2


def test_a_body_over_indices_of_its_own_takes_one_number_only():
    kind = Neuron(steps=[(all_of_them, both)], variables={"v": 1.0}, parameters={"x": 1.0})
    net = Network(backend="python")
    net.add_population("cells", 2, kind, x=[2.0, 2.0])
    with pytest.raises(InputError, match=r"x of 'more' differs .* indices of its own"):
        net.add_population("more", 2, kind, x=[2.0, 3.0])


# ---- between runs -----------------------------------------------------------------------------


def driven(**given):
    net = Network(dt=0.5, dtype="float64", backend="python")
    return net, net.add_population("cells", 3, CurrentLIF, **given)


@pytest.mark.parametrize("tau", [12.0, [8.0, 12.0, 30.0]])
def test_a_parameter_that_is_set_acts_as_one_that_was_given(tau):
    net, cells = driven(I=20.0)
    cells.tau = tau
    cells.threshold = [-52.0, -50.0, -48.0]
    other, given = driven(I=20.0, tau=tau, threshold=[-52.0, -50.0, -48.0])
    for each in (net, other):
        each.run(100.0)
    assert cells.v.tobytes() == given.v.tobytes()
    np.testing.assert_array_equal(cells.tau, tau)
    assert cells.threshold.tolist() == [-52.0, -50.0, -48.0]


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_numbers_become_arrays_and_numbers_again_between_runs(backend):
    net = Network(dt=0.5, backend=backend)
    cells = net.add_population("cells", 2, CurrentLIF)
    cells.v[:] = -60.0
    for current, v in (
        (5.0, [-55.0, -55.0]),
        ([2.0, 8.0], [-58.0, -52.0]),
        ([3.0, 9.0], [-57.0, -51.0]),
    ):
        cells.I = current
        net.run(400.0)
        np.testing.assert_allclose(cells.v, v, atol=1e-3)
    cells.I = 1.0
    net.run(400.0)
    np.testing.assert_allclose(cells.v, -59.0, atol=1e-3)


def test_a_start_is_not_repeated_when_a_parameter_is_set():
    net, cells = driven()
    cells.E_L = -70.0
    assert cells.v.tolist() == [-60.0] * 3
    net.run(1000.0)
    np.testing.assert_allclose(cells.v, -70.0)


def test_several_are_set_together_where_one_alone_would_be_refused():
    net = Network(backend="python")
    cells = net.add_population("cells", 2, DeltaLIF)
    with pytest.raises(InputError, match=r"V_reset is 10\.0; .* at most 5"):
        cells.threshold = 5.0
    assert cells.threshold == 20.0
    cells.parameters.update(threshold=5.0, V_reset=0.0)
    assert (cells.threshold, cells.params["V_reset"]) == (5.0, 0.0)


def test_arrays_are_read_and_assigned_but_not_written_to():
    _, cells = driven(tau=[10.0, 20.0, 30.0])
    with pytest.raises(ValueError, match="read-only"):
        cells.tau[1] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        cells.params["decay"][1] = 5.0
    given = np.array([1.0, 2.0, 3.0])
    cells.I = given
    given[:] = 9.0
    assert cells.I.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "values", [(1.0, 2.0, 3.0), python_array("d", [1.0, 2.0, 3.0]), range(1, 4)]
)
def test_whatever_holds_numbers_is_an_array_to_parameters_variables_and_subgroups(values):
    _, cells = driven(tau=values)
    cells.I_exc = values
    cells[:].I_inh = values
    cells[:].E_L = values
    for name in ("tau", "I_exc", "I_inh", "E_L"):
        assert getattr(cells, name).tolist() == [1.0, 2.0, 3.0]


def test_a_time_constant_that_needs_another_type_is_refused_and_changes_nothing():
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 2, CurrentLIF)
    before = dict(cells.params)
    with pytest.raises(InputError, match=r"'cells' would be 1000 ms, more than 4096 steps"):
        cells.tau = [20.0, 1000.0]
    with pytest.raises(InputError, match="Unknown parameter of 'cells' 'taau'"):
        cells.parameters["taau"] = 3.0
    with pytest.raises(InputError, match="cannot be taken away"):
        del cells.parameters["tau"]
    with pytest.raises(InputError, match="parameters are"):
        cells.parameters.update(3)
    assert (cells.tau, dict(cells.params)) == (20.0, before)


def test_what_is_a_parameter_and_another_variable_is_not_set_by_its_name():
    _, cells = driven()
    with pytest.raises(InputError, match=r"parameters\['refractory'\] = .*state\['refractory'\]"):
        cells.refractory = 3.0  # ms, or steps that are left?
    with pytest.raises(InputError, match="is a parameter and also a variable"):
        cells[:2].refractory = 3.0
    cells.parameters["refractory"] = 2.0
    cells.state["refractory"][:] = 3.0
    assert cells.params["refractory_steps"] == 4.0
    assert cells.refractory.tolist() == [3.0] * 3


def test_variables_start_from_what_add_population_is_given():
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_population("source", 3, Poisson, rate=[5.0, 10.0, 20.0])
    assert source.rate.tolist() == [5.0, 10.0, 20.0]
    cells = net.add_population("cells", 2, CurrentLIF, v=-55.0, refractory=2.0, tau=10.0)
    assert cells.v.tolist() == [-55.0, -55.0]
    assert (cells.parameters["refractory"], cells.refractory.tolist()) == (2.0, [0.0, 0.0])
    net.run(1.0)
    assert cells.v == pytest.approx(-60.0 + 5.0 * np.exp(-0.1))
    net.reset()
    assert cells.v.tolist() == [-55.0, -55.0]


@pytest.mark.parametrize("given", [{"rate": [1.0, 2.0]}, {"rate": "fast"}, {"rates": 1.0}])
def test_a_start_that_cannot_be_is_refused_and_leaves_no_population(given):
    net = Network(backend="python")
    with pytest.raises(InputError, match="rate"):
        net.add_population("source", 3, Poisson, **given)
    assert not net.populations


def test_a_parameter_that_can_be_an_input_is_recorded_before_anything_is_played():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, CurrentLIF, I=3.0)
    recording = net.record(cells, "I")
    net.play(cells[1], "I", [1.0, 2.0], dt=0.5)
    net.run(1.0)
    assert recording.I.tolist() == [[3.0, 3.0], [4.0, 5.0]]


def test_a_parameter_called_as_what_all_populations_have_is_set_by_its_name():
    kind = Neuron(steps=(), parameters={"n": 1.0})
    cells = Network(backend="python").add_population("cells", 2, kind)
    with pytest.raises(InputError, match=r"parameters\['n'\]"):
        cells.n = 5.0
    cells.parameters["n"] = 5.0
    assert (cells.n, cells.params["n"]) == (2, 5.0)


def test_constants_that_differ_are_set_as_those_that_do_not():
    net, cells = driven(E_L=[-70.0, -65.0, -60.0])
    net.run(1.0)
    cells.params["rest"] = [-55.0, -56.0, -57.0]
    net.run(2000.0)
    np.testing.assert_allclose(cells.v, [-55.0, -56.0, -57.0])


def test_the_check_of_a_source_still_sees_its_rates():
    net = Network(backend="python")
    source = net.add_population("source", 2, Poisson)
    source.rate[:] = 1e9
    with pytest.raises(InputError, match="rate of neuron 0"):
        net.run(1.0)


# ---- saving, copies ---------------------------------------------------------------------------


def changed():
    net = Network(dt=0.5, seed=3, backend="python")
    cells = net.add_population("cells", 3, CurrentLIF, tau=[10.0, 20.0, 30.0], I=20.0)
    net.add_background(cells, "I_exc", rate=500.0, weight=0.5)
    net.run(20.0)
    cells.threshold = [-51.0, -50.0, -49.0]
    cells.I = 25.0
    cells.tau = 15.0
    net.run(20.0)
    return net, cells


def again():
    net = Network(dt=0.5, seed=3, backend="python")
    cells = net.add_population("cells", 3, CurrentLIF, tau=[10.0, 20.0, 30.0], I=20.0)
    net.add_background(cells, "I_exc", rate=500.0, weight=0.5)
    return net, cells


@pytest.mark.parametrize("way", ["state", "file", "copy", "pickle"])
def test_a_network_goes_on_with_the_parameters_that_were_set(way, tmp_path):
    net, cells = changed()
    other, its = again()
    if way == "state":
        other.set_state(net.state())
    elif way == "file":
        net.save(tmp_path / "net.h5")
        other.restore(tmp_path / "net.h5")
    else:
        other = copy.deepcopy(net) if way == "copy" else pickle.loads(pickle.dumps(net))
        its = other.populations["cells"]
    assert its.threshold.tolist() == [-51.0, -50.0, -49.0]
    assert (its.parameters["I"], its.tau) == (25.0, 15.0)
    for each in (net, other):
        each.run(50.0)
    assert its.v.tobytes() == cells.v.tobytes()
    its.I = 0.0
    assert cells.parameters["I"] == 25.0


def test_a_network_goes_back_to_the_parameters_of_a_state():
    net, cells = again()
    net.run(10.0)
    state, before = net.state(), dict(cells.parameters)
    net.run(30.0)
    first = cells.v.copy()
    cells.threshold, cells.tau = -45.0, 50.0
    net.set_state(state)
    net.run(30.0)
    assert cells.v.tobytes() == first.tobytes()
    assert repr(dict(cells.parameters)) == repr(before)


def test_a_state_of_neurons_with_other_parameters_is_refused():
    net, _ = changed()
    other = Network(dt=0.5, seed=3, backend="python")
    cells = other.add_population("cells", 3, CurrentLIF, tau=[10.0, 20.0, 31.0], I=20.0)
    other.add_background(cells, "I_exc", rate=500.0, weight=0.5)
    with pytest.raises(InputError, match=r"tau of 'cells' is '3 numbers from 10 to 31"):
        other.set_state(net.state())


def test_a_file_from_before_parameters_could_be_set_leaves_them_as_they_are():
    net, cells = again()
    net.run(10.0)
    state = net.state()
    del state["parameters"]
    cells.threshold = -45.0
    net.set_state(state)
    assert cells.threshold == -45.0


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (3.0, "saved parameters are 3.0"),
        ({"cells": 3.0}, "saved parameters are"),
        ({"cells": {"tau": -1.0}}, "saved parameters of 'cells': .*tau is -1.0"),
        ({"cells": {"tau": np.ones(2)}}, r"saved parameters of 'cells': tau has shape \(2,\)"),
        ({"cells": {"beta": 1.0}}, "Unknown parameter of 'cells' 'beta'"),
    ],
)
def test_saved_parameters_that_cannot_be_are_refused_and_change_nothing(saved, message):
    net, cells = changed()
    state, before = net.state(), cells.v.copy()
    state["parameters"] = saved
    net.run(5.0)
    after = cells.v.copy()
    with pytest.raises(InputError, match=message):
        net.set_state(state)
    assert cells.v.tobytes() == after.tobytes() != before.tobytes()


# ---- live inputs ------------------------------------------------------------------------------

LIVE = [LIF, CurrentLIF, AlphaCurrentLIF, ConductanceLIF, AlphaConductanceLIF, DeltaLIF]


@pytest.mark.parametrize("neuron", LIVE)
@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_a_live_input_that_is_held_gives_the_bits_of_the_parameter(neuron, backend):
    found = []
    for is_live in (False, True):
        net = Network(dt=0.1, backend=backend)
        given = {"E_L": [0.1, 0.2, 0.3], "threshold": 20.0, "V_reset": 0.0, "refractory": 2.0}
        held = np.array([10.1, 20.7, 33.3])
        cells = net.add_population("cells", 3, neuron, **given, **({} if is_live else {"I": held}))
        if is_live:
            cells.live("I")[:] = held
            assert cells.I is cells.live("I")
        net.run(60.0)
        found.append((cells.v, cells.spike))
    assert found[0][0].tobytes() == found[1][0].tobytes()


def ramp(i, t, s, p):
    s.I[i] = p.slope * t


def test_what_a_phase_writes_to_a_live_input_acts_in_the_same_step():
    net = Network(dt=0.5, dtype="float64", backend="python")
    cells = net.add_population("cells", 2, CurrentLIF, tau=[10.0, 20.0])
    net.add_phase(ramp, 2, state={"I": cells.live("I")}, params={"slope": 0.01}, first=True)
    net.run(50.0)
    for i, tau in enumerate((10.0, 20.0)):
        v = -60.0
        for t in range(100):
            v += (-60.0 + 0.01 * t - v) * (1.0 - exp(-0.5 / tau))
        np.testing.assert_allclose(cells.v[i], v, rtol=1e-12)


def test_a_live_input_is_set_recorded_saved_and_copied_as_a_variable():
    def built():
        net = Network(dt=0.5, backend="python")
        cells = net.add_population("cells", 2, CurrentLIF, I=[1.0, 2.0])
        cells.live("I")
        return net, cells, net.record(cells, "I")

    net, cells, recording = built()
    assert cells.I.tolist() == [1.0, 2.0]
    net.run(1.0)
    cells.I = 5.0
    cells.parameters["I"] = [5.0, 6.0]
    cells.E_L = [-61.0, -60.0]
    net.run(1.0)
    assert recording.I.tolist() == [[1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 6.0, 6.0]]
    other, its, _ = built()
    other.set_state(net.state())
    twin = copy.deepcopy(net)
    for each in (net, other, twin):
        each.run(20.0)
    assert cells.v.tobytes() == its.v.tobytes() == twin.populations["cells"].v.tobytes()
    assert cells.v.tolist() != [-60.0, -60.0]
    plain = Network(dt=0.5, backend="python")
    plain.add_population("cells", 2, CurrentLIF, I=[1.0, 2.0])
    with pytest.raises(InputError, match="live"):
        plain.set_state(net.state())


def test_parameters_are_set_beside_a_live_input():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 2, CurrentLIF)
    cells.live("I")[:] = 4.0
    for E_L in (-65.0, [-70.0, -62.0], -60.0):
        cells.E_L = E_L
        net.run(500.0)
        np.testing.assert_allclose(cells.v, np.array(E_L) + 4.0, rtol=1e-5)
    with pytest.raises(InputError, match=r"rest of 'cells' follows from I in every step; set I"):
        cells.params["rest"] = -50.0


@pytest.mark.parametrize("neuron", [AdEx, Izhikevich])
def test_neurons_whose_input_is_a_variable_have_it_live_from_the_start(neuron):
    cells = Network(backend="python").add_population("cells", 2, neuron)
    assert cells.live("I") is cells.I


def test_what_cannot_be_live_is_refused():
    cells = Network(backend="python").add_population("cells", 2, CurrentLIF)
    with pytest.raises(InputError, match=r"name is 'tau'; it has to be one of 'I', 'v'"):
        cells.live("tau")
    with pytest.raises(InputError, match="Unknown parameter in live 'I'"):
        Neuron(steps=(), live={"I": {"rest": exp}})
    with pytest.raises(InputError, match=r"live\['I'\] is 3"):
        Neuron(steps=(), parameters={"I": 0.0}, live={"I": 3})


INPUTS = [*LIVE, AdEx, AdaptiveLIF, ExponentialIF, HodgkinHuxley, Izhikevich]
each_input = pytest.mark.parametrize("neuron", INPUTS)


@each_input
def test_an_input_is_read_and_set_alike_whether_it_is_a_parameter_or_a_variable(neuron):
    cells = Network(backend="python").add_population("cells", 4, neuron)
    cells.I = 1.0
    cells.I[3] = 5.0
    cells.I[:2] += 2.0
    assert (cells.I.tolist(), cells.I.mean(), cells.I[3]) == ([3.0, 3.0, 1.0, 5.0], 3.0, 5.0)
    cells[1:3].I[:] = 7.0
    cells[:2].I *= 2.0
    assert cells.I.tolist() == [6.0, 14.0, 7.0, 5.0]
    cells.I -= 1.0
    cells.I /= 2.0
    assert cells.I.tolist() == [2.5, 6.5, 3.0, 2.0]


@each_input
def test_an_input_that_is_set_item_by_item_acts_as_one_that_was_given(neuron):
    given, found = np.array([4.0, 8.0, 0.0]), []
    for is_given in (True, False):
        net = Network(dt=0.1, backend="python")
        cells = net.add_population("cells", 3, neuron, **({"I": given} if is_given else {}))
        net.run(0.2)
        if not is_given:
            net.reset()
            cells.I[:2] = 4.0, 8.0
        else:
            net.reset()
        net.run(5.0)
        found.append(cells.v.tobytes())
    assert found[0] == found[1]


@each_input
@pytest.mark.parametrize("recorded", ["never", "before", "between"])
def test_reset_brings_an_input_back_whether_it_is_a_parameter_or_a_variable(neuron, recorded):
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 2, neuron)
    cells.I[1] = 2.0
    if recorded == "before":
        net.record(cells, "I")
    net.run(1.0)
    cells.I = 9.0
    if recorded == "between":
        net.record(cells, "I")
    net.run(1.0)
    net.reset()
    assert cells.I.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("part", [slice(None), slice(1, 3)])
def test_a_phase_that_gets_an_input_makes_it_live(part):
    net = Network(dt=0.5, dtype="float64", backend="python")
    cells = net.add_population("cells", 3, CurrentLIF)
    some = cells if part == slice(None) else cells[part]
    net.add_phase(ramp, some.n, state={"I": some.I}, params={"slope": 1.0}, first=True)
    net.run(2.0)
    assert some.I.tolist() == [3.0] * some.n
    assert cells.I is cells.live("I")


def test_an_input_that_is_read_is_not_changed_by_what_is_done_with_the_numbers():
    cells = Network(backend="python").add_population("cells", 3, CurrentLIF, I=2.0)
    made = [2.0 * cells.I, cells.I.copy(), copy.deepcopy(cells.I), np.sqrt(cells.I), cells.I + 0.0]
    for each in made:
        assert type(each) is np.ndarray
        each[0] = 9.0
    with pytest.raises(InputError, match="read-only; assign to items of the whole"):
        cells.I[:2][0] = 9.0
    with pytest.raises(InputError, match="Neuron 1 of 'cells': I is nan"):
        cells.I[1] = np.nan
    assert cells.parameters["I"] == 2.0
    assert repr(cells.I) == "array([2., 2., 2.])"


# ---- names ------------------------------------------------------------------------------------


def test_variables_and_parameters_are_completed_and_machinery_is_not():
    cells = Network(backend="python").add_population("cells", 2, CurrentLIF)
    shown = [name for name in dir(cells) if not name.startswith("_")]
    assert {"v", "I_exc", "tau", "threshold", "n", "live", "parameters"} <= {*shown}
    assert not {"emission", "landing", "rings", "phases"} & {*shown}
    with pytest.raises(AttributeError, match=r"no variable or parameter 'treshold'.*'threshold'"):
        cells.treshold  # noqa: B018
    with pytest.raises(InputError, match="'threshold'"):
        cells.treshold = 3.0
