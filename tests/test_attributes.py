"""What is assigned to an object of ours has an effect, or is refused: on all public objects."""

import copy
import pickle

import numpy as np
import pytest

from spikesim import (
    LIF,
    AdEx,
    CurrentLIF,
    InputError,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    Population,
    Replicas,
    ShortTermPlasticity,
)
from spikesim.attributes import Constants, Guarded
from spikesim.engine.sources import Trials
from spikesim.learning.burst_plasticity import BurstPlasticity
from spikesim.models.burst.spiking import propagation
from spikesim.models.burst.spiking.neurons import Pyramidal
from spikesim.neuron import RESERVED
from tests.reliability.calls import MODELS, learn


def network():
    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_population("source", 4, Poisson)
    source.rate = 500.0
    cells = net.add_population("cells", 3, CurrentLIF)
    return net, source, cells


def connected(**options):
    net, source, cells = network()
    return net.connect(source, cells, target="I_exc", weight=0.5, **options)


def events():
    net, _, cells = network()
    return net.add_events("events", cells)


def background():
    net, _, cells = network()
    return net.add_background(cells, "I_exc", rate=100.0, weight=1.0)


def rule():
    net, source, _ = network()
    cells = net.add_population("bursting", 3, Pyramidal)
    synapses = net.connect(source, cells, target="g_exc_s", weight=0.1, probability=0.7)
    observed = net.add_events("events", cells), net.add_bursts("bursts", cells)
    return BurstPlasticity(net, cells, *observed, [synapses], eta=0.1)


def images():
    return network()[0].add_images("images", np.full((2, 3), 0.5), rate=50.0, duration=5.0)


OBJECTS = {
    "network": lambda: network()[0],
    "source": lambda: network()[1],
    "cells": lambda: network()[2],
    "trains": lambda: network()[0].add_spike_trains("trains", 2, [1.0], [0]),
    "images": images,
    "trials": lambda: images().trials,
    "a schedule": lambda: Trials(3),
    "events": events,
    "background": background,
    "dense": connected,
    "sparse": lambda: connected(probability=0.7),
    "plastic": lambda: connected(probability=0.7, plasticity=PairSTDP()),
    "depressing": lambda: connected(short_term=ShortTermPlasticity()),
    "replicas": lambda: Replicas([network()[0], network()[0]]),
    "rule of bursts": rule,
    "propagation": lambda: propagation.Propagation(duration=1.0, backend="python", n=200),
    **MODELS,
    "layers of weights": lambda: MODELS["burst"]().W,
    "recording of images": lambda: MODELS["burst"]().record(np.zeros(6), 0),
    "recording of a trial": lambda: MODELS["segregated"]().record(np.zeros(6)),
    "recording of an example": lambda: MODELS["exclusive_or"]().record(0),
}
each_object = pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)


def public(made):
    """All public names: of the class, of the object, of its variables and its parameters."""
    names = {*dir(type(made)), *vars(made)}
    if isinstance(made, Population):
        names.update(made.state, made.neuron.parameters)
    names.update(getattr(getattr(made, "parameters", None), "_fields", ()))
    return {name for name in names if not name.startswith("_")}


def may_be_set(made, name):
    """Whether a name is documented to take another value."""
    kind = getattr(type(made), name, None)
    known = {*made.state, *made.parameters} if isinstance(made, Population) else ()
    return name in known or (isinstance(kind, property) and kind.fset is not None)


def off_by_a_letter(name):
    return {name[1:], name[:-1], name + name[-1], name + "_", name.swapcase(), name.capitalize()}


@each_object
def test_a_name_that_is_off_by_a_letter_is_refused_and_leaves_nothing_behind(make):
    made = make()
    known, before = public(made), dict(vars(made))
    for name in known:
        for wrong in off_by_a_letter(name) - known - {""}:
            if wrong.startswith("_"):
                continue
            with pytest.raises(InputError, match=r"cannot be set|can be set") as refused:
                setattr(made, wrong, 1.0)
            assert wrong in str(refused.value)
            assert "\n" not in str(refused.value)
    assert vars(made) == before


@each_object
def test_what_can_only_be_read_is_refused_and_stays(make):
    made = make()
    before = dict(vars(made))
    read_only = [name for name in public(made) if not may_be_set(made, name)]
    assert read_only
    for name in read_only:
        with pytest.raises(InputError, match=f"^{name} of "):
            setattr(made, name, 1.0)
    assert vars(made) == before


@each_object
def test_what_can_be_set_takes_what_it_is_and_keeps_its_array(make):
    made = make()
    for name in sorted(public(made)):
        value = getattr(made, name, None)
        if value is None or not may_be_set(made, name) or name == "learning":
            continue
        if name == "refractory":  # a parameter, too, so that it is refused by that name alone
            continue
        setattr(made, name, copy.deepcopy(value))
        if isinstance(made, Population) and name in made.parameters:
            np.testing.assert_array_equal(getattr(made, name), value)
        elif isinstance(value, np.ndarray):
            now = getattr(made, name)
            assert now is value or np.shares_memory(now, value)  # weight is a view of a dense W
        else:
            assert getattr(made, name) == value


@pytest.mark.parametrize(
    ("made", "name", "near"),
    [
        ("cells", "V", "'v'"),
        ("source", "rates", "'rate'"),
        ("sparse", "wieght", "'weight'"),
        ("plastic", "learing", "'learning'"),
        ("background", "Rate", "'rate'"),
        ("network", "recording", "'recordings'"),
        ("burst", "note", "'notes'"),
        ("rule of bursts", "is_of", "'is_on'"),
    ],
)
def test_the_nearest_name_is_offered(made, name, near):
    with pytest.raises(InputError, match=f"Did you mean {near}"):
        setattr(OBJECTS[made](), name, 1.0)


def test_a_name_of_ones_own_begins_with_an_underscore():
    net, _, cells = network()
    net._note, cells._note = "first", "second"
    assert (net._note, cells._note) == ("first", "second")


class Session(Network):
    """A user's own kind of network."""

    label: str

    def __init__(self, **options):
        super().__init__(**options)
        self.trial = 0

    def run_trial(self):
        self.trial += 1
        self.label = f"trial {self.trial}"
        self.run(1.0)


def test_a_derived_class_sets_what_it_declares_or_sets_in_its_own_init():
    session = Session(backend="python")
    session.run_trial()
    assert (session.trial, session.label, session.time) == (1, "trial 1", 1.0)
    for name in ("dt", "seed", "trail"):
        with pytest.raises(InputError):
            setattr(session, name, 2)


def test_a_derived_class_cannot_change_what_ours_has_set_in_its_init_either():
    class Slow(Network):
        def __init__(self):
            super().__init__(dt=0.1)
            self.dt = 1.0

    with pytest.raises(InputError, match="dt of this Slow cannot be set"):
        Slow()


# ---- constants --------------------------------------------------------------------------------


def test_a_constant_of_neurons_can_be_changed_and_acts_in_the_next_run():
    net, _, cells = network()
    net.run(1.0)
    cells.params["rest"] = -55.0
    net.run(1000.0)
    np.testing.assert_allclose(cells.v, -55.0, atol=1e-4)


@pytest.mark.parametrize("name", ["tau", "E_L", "tau_exc", "resst"])
def test_a_constant_that_there_is_not_is_refused(name):
    *_, cells = network()
    before = dict(cells.params)
    with pytest.raises(InputError, match=name):
        cells.params[name] = 5.0
    with pytest.raises(InputError, match=name):
        cells.params.update({name: 5.0})
    assert dict(cells.params) == before


def test_a_constant_that_others_follow_from_is_not_changed_alone():
    def constants(parameters, dt):
        return {"gain": parameters["gain"], "double": 2.0 * parameters["gain"], "rest": 1.0}

    kind = Neuron(steps=[], parameters={"gain": 1.0}, constants=constants)
    cells = Network(backend="python").add_population("cells", 2, kind)
    with pytest.raises(InputError, match="gain of 'cells' cannot be set alone"):
        cells.params["gain"] = 3.0
    cells.params["rest"] = 2.0
    assert dict(cells.params) == {"gain": 1.0, "double": 2.0, "rest": 2.0}


def add(i, t, s, p):
    s.x[i] += p.step


def test_a_parameter_of_ones_own_phase_is_changed_but_none_is_added():
    net, x = Network(backend="python"), np.zeros(2)
    phase = net.add_phase(add, 2, state={"x": x}, params={"step": 1.0})
    phase.params["step"] = 3.0
    with pytest.raises(InputError, match=r"'stpe'; available: step.*\. Did you mean 'step'"):
        phase.params["stpe"] = 5.0
    net.run_steps(2)
    assert x.tolist() == [6.0, 6.0]


def test_bodies_that_are_called_on_spikes_see_a_constant_that_was_changed():
    def fire(i, t, s, p):
        s.spike[i] = 1

    def note(a, t, s, p):
        s.x[s.ids[t % s.ids.shape[0], a]] += p.gain

    kind = Neuron(steps=[fire], on_spike=[note], variables={"x": 0.0}, parameters={"gain": 1.0})
    net = Network(backend="python")
    cells = net.add_population("cells", 2, kind)
    net.run_steps(1)
    cells.params["gain"] = 10.0
    net.run_steps(1)
    assert cells.x.tolist() == [11.0, 11.0]


def test_constants_are_a_dict_that_is_not_added_to():
    numbers = Constants("constant", {"a": 1.0})
    numbers |= {"a": 2.0}
    with pytest.raises(InputError, match="'b'"):
        numbers.setdefault("b", 1.0)
    assert copy.deepcopy(numbers) == numbers == {"a": 2.0}


# ---- arrays -----------------------------------------------------------------------------------


def test_a_variable_assigned_in_the_state_is_written_into():
    net, _, cells = network()
    v = cells.v
    net.run(1.0)
    cells.state["v"] = -70.0
    assert cells.v is v
    assert cells.v.tolist() == [-70.0] * 3


def sums(i, t, s, p):
    s.got[i] = s.gain[0]


def test_shared_arrays_that_are_put_in_after_a_run_are_seen():
    net = Network(backend="python")
    cells = net.add_population("cells", 2, Neuron(steps=[sums], variables={"got": 0.0}))
    cells.shared["gain"] = np.array([2.0])
    net.run_steps(1)
    cells.shared.update(gain=np.array([5.0]))
    net.run_steps(1)
    assert cells.got.tolist() == [5.0, 5.0]


def test_images_set_between_runs_are_shown():
    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_images("images", np.zeros((2, 3)), rate=1000.0, duration=5.0)
    spikes = net.record_spikes(source)
    net.run(10.0)
    assert not spikes.t.size
    source.images = np.ones((2, 3))
    net.run(10.0)
    assert spikes.t.size
    with pytest.raises(InputError, match=r"images has shape \(3, 3\)"):
        source.images = np.ones((3, 3))


def test_learning_rates_of_a_burst_rule_are_written_into():
    made = rule()
    eta = made.eta
    made.eta = 0.5
    assert made.eta is eta
    assert eta.tolist() == [0.5] * 3
    with pytest.raises(InputError, match="eta holds -1"):
        made.eta = -1.0


def test_weights_of_the_exclusive_or_network_are_told_and_cannot_be_written_to():
    net = MODELS["exclusive_or"]()
    with pytest.raises(ValueError, match="read-only"):
        net.W["input_1_to_hidden_1"][:] = 0.0


@pytest.mark.parametrize("name", MODELS)
def test_a_dict_of_notes_is_kept_with_every_model(name, tmp_path):
    net = MODELS[name]()
    net.notes = {"dataset": "digits", "epochs": 2}
    net.save(tmp_path / "net.h5")
    assert type(net).load(tmp_path / "net.h5").notes == net.notes
    with pytest.raises(InputError, match="notes is 3"):
        net.notes = 3


# ---- names that variables cannot have ---------------------------------------------------------


def test_a_variable_is_called_like_nothing_that_populations_and_recordings_have():
    kind = Neuron(steps=[], variables={"v": 0.0}, stochastic=True)
    net = Network(backend="python")
    cells = net.add_population("cells", 2, kind)
    recording = net.record(cells, "v")
    taken = {*dir(type(cells)), *vars(cells), *dir(type(recording)), *vars(recording)}
    taken |= {"spike", "uniform", "random_key"}
    taken = {name for name in taken if not name.startswith("_")}
    assert taken == set(RESERVED)
    for name in taken:
        with pytest.raises(InputError, match=f"variables has '{name}'.*call it '{name}_value'"):
            Neuron(steps=[], variables={name: 0.0})


def test_gates_of_hodgkin_and_huxley_but_n_are_free():
    kind = Neuron(steps=[], variables={"V": 0.0, "m": 0.1, "h": 0.2, "n_gate": 0.3})
    cells = Network(backend="python").add_population("cells", 2, kind)
    assert [cells.m[0], cells.h[0], cells.n_gate[0]] == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("kind", [LIF, AdEx, CurrentLIF, Poisson, Pyramidal])
def test_a_variable_of_every_kind_reads_what_is_written_to_it(kind):
    cells = Network(dt=0.1, backend="python").add_population("cells", 2, kind)
    for variable in kind.variables:
        if variable in kind.parameters:
            cells.state[variable] = 3.0
        else:
            setattr(cells, variable, 3.0)
        assert getattr(cells, variable).tolist() == [3.0, 3.0]


def test_every_object_that_is_handed_out_is_guarded():
    assert all(isinstance(make(), Guarded) for make in OBJECTS.values())


# ---- snapshots --------------------------------------------------------------------------------


def arrays(tree):
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from arrays(value)


@pytest.mark.parametrize("name", MODELS)
def test_the_state_of_a_model_stays_as_it_was_while_the_model_goes_on(name):
    net = MODELS[name]()
    learn(net)
    state = net.state()
    kept = copy.deepcopy(state)
    learn(net)
    for now, before in zip(arrays(state), arrays(kept), strict=True):
        np.testing.assert_array_equal(now, before)
    assert str(state["progress"]) == str(kept["progress"])
    changed = zip(arrays(net.state()), arrays(kept), strict=False)
    assert any(a.shape != b.shape or not np.array_equal(a, b) for a, b in changed)


@pytest.mark.parametrize("name", MODELS)
def test_what_fit_returns_stays_as_it_was_while_the_model_goes_on(name):
    net = MODELS[name]()
    first = learn(net)
    kept = copy.deepcopy(first)
    learn(net)
    assert str(first) == str(kept)
    assert len(net.history["seconds"]) == len(first["seconds"]) + 1


# ---- arrays for reading only


def handed_out():
    """Arrays that users may read, and what each says if they write to it."""
    net, source, _ = network()
    cells = net.add_population("varied", 4, CurrentLIF, tau=[10.0, 20.0, 30.0, 40.0])
    synapses = net.connect(source, cells, target="I_exc", weight=0.5, indegree=2)
    spikes, voltages = net.record_spikes(source), net.record(cells, "v")
    net.run(20.0)
    assert spikes.t.size
    copied = r"change a copy of it, array\.copy\(\)"
    return {
        "times": (spikes.t, copied),
        "neurons": (spikes.i, copied),
        "taken": (spikes.take().t, copied),
        "samples": (voltages.v, copied),
        "parameter": (cells.tau, r"assign a whole one, as in varied\.tau = values"),
        "constant": (cells.params["decay"], "set the parameters from which it follows"),
        "of a group": (
            cells[[0, 1, 3]].v,
            r"assign a whole one, as in varied\[\.\.\.\]\.v = values",
        ),
        "of synapses": (
            synapses.onto(1).weight,
            r"assign a whole one, as in .*onto\(\.\.\.\)\.weight =",
        ),
        "structure": (synapses.target, "connect makes other synapses"),
        "silent": (cells.silent, r"call silence\(\) of the neurons"),
    }


@pytest.mark.parametrize("name", handed_out())
def test_an_array_for_reading_says_what_to_do_instead_of_writing_to_it(name):
    array, remedy = handed_out()[name]
    before = array.tolist()
    with pytest.raises(InputError, match=f"^This array is read-only; {remedy}"):
        array[0] = 1
    with pytest.raises(InputError, match="This array is read-only"):
        array += array
    with pytest.raises(InputError, match="This array is read-only"):
        np.add(array, array, out=array)
    assert array.tolist() == before


def test_what_is_computed_from_an_array_for_reading_is_an_array_like_any_other():
    array, _ = handed_out()["samples"]
    for computed in (array * 2.0, array + array, np.cumsum(array), np.diff(array), array < 0.0):
        assert type(computed) is np.ndarray
    for own in (array * 2.0, array[array < 0.0], array[:, [1, 0]], array.copy(), np.sort(array)):
        own[...] = 0
    assert repr(array) == repr(np.array(array))
    assert type(pickle.loads(pickle.dumps(array))) is np.ndarray
    assert type(array[0, 0]) is np.float32


def test_a_phase_of_ones_own_may_read_an_array_for_reading():
    def count(i, t, s, p):
        s.seen[i] = s.target[i]

    net, source, cells = network()
    synapses = net.connect(source, cells, target="I_exc", weight=0.5, indegree=2)
    seen = np.zeros(6)
    net.add_phase(count, 6, state={"seen": seen, "target": synapses.target})
    net.run(0.5)
    assert seen.tolist() == synapses.target.tolist()
