"""What a kind of neuron or synapse says of itself: in `help`, printed, and in a notebook."""

import copy
import pickle
import pydoc

import numpy as np
import pytest

import spikesim
from spikesim import NMDA, InputError, Network, Neuron, Parameter, Synapse, Variable

KINDS = {
    name: kind
    for name in spikesim.__all__
    if isinstance(kind := getattr(spikesim, name), Neuron) and name != "Neuron"
}
SYNAPSES = {
    name: kind
    for name in spikesim.__all__
    if isinstance(kind := getattr(spikesim, name), Synapse) and name != "Synapse"
}
each_kind = pytest.mark.parametrize("name", KINDS)
each_synapse = pytest.mark.parametrize("name", SYNAPSES)


def all_that_help_says(name, kind):
    """The text of `help`, after a look whether it says what all numbers mean."""
    shown = pydoc.plain(pydoc.render_doc(kind))
    lines = [line.strip() for line in shown.splitlines()]
    assert f"{name}: " in shown
    for key, value in kind.parameters.items():
        *_, said = (line for line in lines if line.split()[:2] == [key, f"{value:g}"])
        assert value.unit in said
        assert value.meaning
        assert said.endswith(value.meaning)
    for key, variable in kind.variables.items():
        *_, said = (
            line for line in lines if line.split()[0:1] == [key] and variable.meaning in line
        )
        assert variable.meaning
        assert variable.unit in said
    return shown


@each_kind
def test_help_says_equations_targets_and_what_all_numbers_mean(name):
    kind = KINDS[name]
    shown = all_that_help_says(name, kind)
    assert ("Targets of connect" in shown) == any(v.is_target for v in kind.variables.values())


@each_kind
def test_what_is_printed_is_what_help_shows(name):
    kind = KINDS[name]
    assert str(kind) == repr(kind) == kind.__doc__
    assert kind.__doc__ != Neuron.__doc__
    assert max(map(len, str(kind).splitlines())) <= 110


@each_synapse
def test_help_says_the_equations_of_a_synapse_and_what_all_its_numbers_mean(name):
    kind = SYNAPSES[name]
    shown = all_that_help_says(name, kind)
    assert "g(t) = weight " in shown
    assert "I = g (E - v)" in shown
    assert "A spike adds its weight to x." in shown
    assert 'It reads v of the neuron; with_(v="NAME") names another variable.' in shown


@each_synapse
def test_what_is_printed_of_a_synapse_is_what_help_shows(name):
    kind = SYNAPSES[name]
    assert str(kind) == repr(kind) == kind.__doc__
    assert max(map(len, str(kind).splitlines())) <= 110


def test_a_synapse_with_other_parameters_says_so_and_keeps_their_units():
    text = str(NMDA.with_(tau_decay=50, v="V"))
    assert "tau_decay  50 ms  " in text
    assert 'It reads V of the neuron, as v; with_(v="NAME") names another variable.' in text


def decay(g, tau, dt):
    return g - g * dt / tau


def current(g):
    return g


def test_a_synapse_of_ones_own_is_described_as_far_as_it_says():
    plain = {"on_spike": "g", "step": decay, "current": current}
    own = Synapse(variables={"g": 0.5}, parameters={"tau": 3.0}, **plain)
    assert str(own) == (
        "A kind of synapse.\n\nVariables\n  g    starts from 0.5\n\n"
        "Parameters\n  tau  3\n\nA spike adds its weight to g."
    )
    said = Synapse(
        variables={"g": Variable(0.0, "pA", "what flows")},
        parameters={"tau": Parameter(3.0, "ms", "decay")},
        name="Leaky",
        description="a current that decays",
        **plain,
    )
    assert str(said) == (
        "Leaky: a current that decays\n\nVariables\n  g  pA  what flows\n\n"
        "Parameters\n  tau  3 ms  decay\n\nA spike adds its weight to g."
    )


@pytest.mark.parametrize("name", sorted({*KINDS} - {"Poisson", "Bernoulli"}))
def test_the_text_has_the_equation_of_the_membrane_and_how_it_is_solved(name):
    text = str(KINDS[name])
    assert "/dt = " in text
    text = " ".join(text.split())
    assert any(word in text for word in ("exact", "Exact", "Euler", "Midpoint", "order dt^2"))


@each_kind
def test_every_target_that_is_named_is_one_of_connect(name):
    net = Network(backend="python")
    source = net.add_spike_trains("source", 2, [0.1], [0])
    cells = net.add_population("cells", 2, KINDS[name])
    for key, variable in KINDS[name].variables.items():
        if variable.is_target:
            net.connect(source, cells, target=key, weight=variable.sign or 1.0, name=f"to_{key}")


def leak(i, t, s, p):
    s.v[i] = p.keep * s.v[i]
    s.spike[i] = 0


def slow(**change):
    given = {"variables": {"g": 0.0}, "on_spike": "g", "step": decay, "current": current}
    return Synapse(**{**given, "parameters": {"tau": 3.0}, **change})


OWN = Neuron(
    steps=[leak],
    variables={"v": Variable("high", "mV", "membrane"), "w": 0.5},
    parameters={"keep": Parameter(0.5, "", "what is left"), "high": 4.0, "n_max": Parameter(3)},
    name="Leak",
    description="""halves its voltage

    v <- keep v
    """,
)


def test_plain_numbers_and_those_that_say_what_they_are_do_the_same():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 2, OWN)
    assert (cells.keep, cells.n_max, cells.v.tolist()) == (0.5, 3, [4.0, 4.0])
    assert (type(cells.keep), type(cells.n_max)) == (float, int)
    net.run(2.0)
    assert cells.v.tolist() == [1.0, 1.0]


def test_a_neuron_of_ones_own_is_described_as_far_as_it_says():
    assert str(OWN) == (
        "Leak: halves its voltage\n\n    v <- keep v\n\n"
        "Variables\n  v  mV  membrane; starts from high\n  w      starts from 0.5\n\n"
        "Parameters\n  keep   0.5  what is left\n  high   4\n  n_max  3"
    )
    assert str(Neuron(steps=[])) == "A kind of neuron."


def test_parameters_stay_declared_in_a_neuron_that_is_made_of_others():
    more = Neuron(steps=[leak], parameters={**OWN.parameters, "gain": Parameter(1.0, "mV")})
    assert more.parameters["keep"].meaning == "what is left"
    for twin in (copy.deepcopy(more), pickle.loads(pickle.dumps(more))):
        assert twin.parameters == more.parameters
        assert twin.parameters["gain"].unit == "mV"
        assert isinstance(twin.parameters["n_max"], int)
        assert str(twin) == str(more)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter("20"), "default is '20'; it has to be a finite number"),
        (lambda: Parameter(np.nan), "default is nan"),
        (lambda: Parameter(1.0, 3), "unit is 3; it has to be a text"),
        (lambda: Parameter(1.0, "ms", None), "meaning is None; it has to be a text"),
        (lambda: Neuron([], {"v": Variable("tau")}, {"taw": 1.0}), r"variables\['v'\] is 'tau'"),
        (lambda: Neuron([], {"v": Variable(0.0, 3)}), r"unit of variables\['v'\] is 3"),
        (
            lambda: Neuron([], {"v": Variable(0.0, "", "", 3)}),
            r"is_target of variables\['v'\] is 3",
        ),
        (
            lambda: Neuron([], {"v": Variable(0.0, sign="+")}),
            r"sign of variables\['v'\] is '\+'; it has to be one of 1, -1, 0",
        ),
        (lambda: Neuron([], name=3), "name is 3; it has to be a text"),
        (lambda: Neuron([], description=None), "description is None; it has to be a text"),
        (lambda: slow(name=3), "name is 3; it has to be a text"),
        (lambda: slow(variables={"g": Variable(0.0, 3)}), r"unit of variables\['g'\] is 3"),
        (lambda: slow(variables={"g": Variable("E")}), r"variables\['g'\] is 'E'"),
    ],
)
def test_what_says_nothing_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
