"""Words of Brian2, NEST, PyNN and snnTorch are answered with what they are here."""

import traceback

import pytest

import spikesim
from spikesim import (
    LIF,
    CurrentLIF,
    InputError,
    Izhikevich,
    Network,
    PairSTDP,
    PlasticityRule,
    Replicas,
)


def parts():
    net = Network(dt=0.5, backend="python")
    cells = net.add_population("cells", 4, CurrentLIF)
    synapses = net.connect(cells, cells, target="I_exc", weight=0.5, plasticity=PairSTDP())
    return {
        "net": net,
        "cells": cells,
        "group": cells[:2],
        "synapses": synapses,
        "some": synapses.of(1),
        "spikes": net.record_spikes(cells),
        "taken": net.record_spikes(cells).take(),
        "states": net.record(cells, "v"),
    }


@pytest.mark.parametrize(
    ("part", "word", "meant"),
    [
        ("net", "t", "Here 't' is time."),
        ("net", "store", r"Here 'store' is state\(\), which set_state takes; reset\(\) goes"),
        ("net", "NeuronGroup", "is add_population"),
        ("cells", "N", r"Here 'N' is n, or len\(cells\)"),
        ("group", "N", r"Here 'N' is n, or len\(cells\)"),
        ("cells", "V_th", "Did you mean 'threshold'"),
        ("group", "tau_m", "Did you mean 'tau'"),
        ("synapses", "w", "Here 'w' is weight"),
        ("synapses", "i", r'is table\(\)\["pre"\]'),
        ("synapses", "j", r'is table\(\)\["post"\]'),
        ("some", "w", "Here 'w' is weight"),
        ("spikes", "num_spikes", r"is t\.size, or count"),
        ("taken", "num_spikes", r"is t\.size, or count"),
        ("states", "values", "is the name of a recorded variable"),
    ],
)
def test_an_attribute_of_elsewhere_is_answered_with_ours(part, word, meant):
    made = parts()[part]
    with pytest.raises(AttributeError, match=meant):
        getattr(made, word)
    assert not hasattr(made, word)


@pytest.mark.parametrize(
    ("part", "word", "meant"),
    [("cells", "N", "Here 'N' is n"), ("synapses", "w", "Here 'w' is weight")],
)
def test_an_assignment_to_it_is_answered_as_well(part, word, meant):
    with pytest.raises(InputError, match=meant):
        setattr(parts()[part], word, 1.0)


@pytest.mark.parametrize(
    ("part", "wrong", "meant"),
    [("net", "recrod", "record"), ("synapses", "wieght", "weight"), ("spikes", "cuont", "count")],
)
def test_a_name_that_is_misspelt_is_answered_with_the_nearest(part, wrong, meant):
    with pytest.raises(AttributeError, match=rf"no attribute {wrong!r}\. Did you mean '{meant}'"):
        getattr(parts()[part], wrong)


@pytest.mark.parametrize("part", ["net", "cells", "group", "synapses", "some", "spikes", "states"])
@pytest.mark.parametrize("word", ["store", "N", "stat", "lives"])
def test_python_adds_no_guess_of_its_own(part, word):
    with pytest.raises(AttributeError) as refused:
        getattr(parts()[part], word)
    shown = "".join(traceback.format_exception(refused.value))
    assert shown.count("Did you mean") == str(refused.value).count("Did you mean")


def test_a_property_that_fails_tells_its_own_reason():
    with pytest.raises(AttributeError, match="has no x, as it was connected without short_term"):
        _ = parts()["synapses"].x


# ---- calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"p": 0.1}, "Here 'p' is probability"),
        ({"w": 0.1}, "Here 'w' is weight"),
        ({"i": [0], "j": [1]}, "Here 'i' is weight, a sparse matrix"),
        ({"receptor_type": "g"}, "Here 'receptor_type' is target"),
        ({"dealy": 1.0}, "Did you mean 'delay'"),
    ],
)
def test_an_argument_of_elsewhere_is_answered_with_ours(options, meant):
    made = parts()
    wrong = next(iter(options))
    message = rf"^Network\.connect\(\) got an unexpected keyword argument '{wrong}'\..*{meant}"
    with pytest.raises(TypeError, match=message):
        made["net"].connect(made["cells"], made["cells"], target="I_exc", **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda net, cells: net.add_population(100, LIF),
            r"^Network\.add_population\(\) missing 1 required positional argument: 'neuron'\. "
            r"It is called as add_population\(name, n, neuron, \.\.\.\)\.$",
        ),
        (
            lambda net, cells: net.add_population("more", N=5, neuron=LIF),
            r"missing .* 'n'\. Here 'N' is n",
        ),
        (
            lambda net, cells: net.connect(cells, cells),
            r"^Network\.connect\(\) missing .* 'target'\. It is called as "
            r"connect\(pre, post, target=\.\.\., \.\.\.\)\.$",
        ),
        (
            lambda net, cells: net.connect(cells, cells, "I_exc"),
            r"^Network\.connect\(\) takes 3 positional .* It is called as connect\(pre, post, targ",
        ),
        (lambda net, cells: net.run(), r"^Network\.run\(\) missing .*as run\(duration, \.\.\.\)"),
        (lambda net, cells: net.run(1.0, report="text"), "Here 'report' is progress=True"),
        (
            lambda net, cells: Network(rng_seed=1),
            r"^Network\.__init__\(\) .* Here 'rng_seed' is seed",
        ),
    ],
)
def test_a_call_without_what_it_needs_is_answered_by_the_name_that_users_know(call, message):
    made = parts()
    with pytest.raises(TypeError, match=message):
        call(made["net"], made["cells"])


def test_an_error_of_a_function_that_a_call_was_given_stays_as_it_is():
    def tell(done, total, more):
        pass

    with pytest.raises(TypeError, match=r"tell\(\) missing 1 required positional .*'more'$"):
        parts()["net"].run(1.0, progress=tell)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"V_th": -50.0}, "'threshold'"),
        ({"t_ref": 2.0}, "'refractory'"),
        ({"I_e": 1.0}, "'I'"),
        ({"mem": 0.0}, "'v'"),
    ],
)
def test_a_parameter_of_elsewhere_is_answered_with_ours(given, meant):
    with pytest.raises(InputError, match=f"Unknown parameter .* Did you mean {meant}"):
        Network(backend="python").add_population("cells", 2, CurrentLIF, **given)


def test_a_parameter_that_these_neurons_do_not_have_is_not_offered():
    with pytest.raises(InputError, match="Unknown parameter 'V_th'") as refused:
        Network(backend="python").add_population("cells", 2, Izhikevich, V_th=-50.0)
    assert "threshold" not in str(refused.value)


def test_a_kind_of_neurons_of_nest_is_answered_with_ours():
    with pytest.raises(InputError, match=r"neuron is 'iaf_psc_exp'.* Here .* is CurrentLIF"):
        Network(backend="python").add_population("cells", 2, "iaf_psc_exp")


# ---- the package ------------------------------------------------------------------------------

WORDS = ["NeuronGroup", "PoissonGroup", "SpikeMonitor", "StateMonitor", "Synapses", "TimedArray"]
WORDS += ["spike_recorder", "multimeter", "dc_generator", "stdp_synapse", "StepCurrentSource"]
WORDS += ["FixedNumberPreConnector", "FromListConnector", "Leaky", "spikegen"]
WORDS += ["run", "store", "restore", "ms", "mV", "Create", "Connect", "Simulate", "IF_cond_exp"]


@pytest.mark.parametrize("word", WORDS)
def test_what_is_imported_is_answered_with_ours(word):
    with pytest.raises(ImportError, match=rf"no attribute '{word}'\. Here '{word}' is "):
        exec(f"from spikesim import {word}", {})
    with pytest.raises(AttributeError, match=f"Here '{word}' is "):
        getattr(spikesim, word)
    assert not hasattr(spikesim, word)


# ---- what works as elsewhere ------------------------------------------------------------------


def test_the_length_of_neurons_is_their_number():
    made = parts()
    assert (len(made["cells"]), len(made["group"]), len(made["some"])) == (4, 2, 4)


def test_neurons_with_a_length_are_no_array_of_numbers():
    cells = parts()["cells"]
    with pytest.raises(InputError, match="tau is <Population 'cells'"):
        cells.tau = cells


def test_a_rule_and_replicas_are_answered_as_before():
    rule = PlasticityRule(on_pre=lambda w: w, parameters={"gain": 1.0})
    made = parts()
    more = made["net"].connect(
        made["cells"], made["cells"], target="I_exc", weight=1.0, plasticity=rule, name="more"
    )
    with pytest.raises(AttributeError, match=r"The plasticity of 'more' has no 'gian'.*'gain'"):
        _ = more.rule.gian
    with pytest.raises(AttributeError, match="Here 't' is time"):
        _ = Replicas([made["net"]]).t
