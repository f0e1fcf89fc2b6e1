"""What models declare about their rules, against what the rules do.

A declaration is tried from outside: weights are set, examples shown, updates compared. Hidden units
0 and 1 are made twins, so that a change of one's outgoing weights and the opposite change of the
other's is seen by no unit above, in no step of no phase. Feedback that follows weights sees it.
"""

from pathlib import Path

import numpy as np
import pytest

from spikesim import InputError, patterns
from spikesim.learning.batches import BatchModel
from spikesim.learning.images import ImageModel
from spikesim.learning.model import TRAINING
from spikesim.learning.properties import WORDS, Properties, knowing
from spikesim.models.feedback_alignment import FEEDBACK
from tests.properties_table import KINDS, text

PRINTED = Path(__file__).resolve().parent.parent / "docs" / "properties.md"
SMALL = {
    "burstprop": {"batch": 1, "pixel_mean": 0.5},
    "clamped": {"n_minus": 4, "n_plus": 3},
    "dendritic-microcircuit": {"t_pattern": 1.0, "lag": 0.3, "t_read": 0.3, "tau_w": 1.0},
    "equilibrium": {"n_free": 5, "n_nudged": 2, "n_test": 8},
    "reward": {"start": 0.5},
    "spiking-microcircuit": {"t_pattern": 1.0, "lag": 0.3, "t_read": 0.3, "tau_w": 1.0},
    "spiking-reward": {"T": 15.0, "delay": 1.0, "high": 500.0, "theta": -0.2, "start": 0.5},
    "segregated": {"phase": 9, "window": 3, "test_phase": 10, "test_window": 4, "memory": 4},
    "superspike-classifier": {"w_0": 150.0, "w_max": 1000.0, "batch": 1},
    "target-propagation": {"batch": 1},
}
STILL = {
    "burst": {"alpha": 0.0, "alpha_Z": 0.0},
    "burstprop": {"eta": 0.0, "eta_output": 0.0, "eta_R": 0.0, "decay": 0.0},
    "dendritic-microcircuit": {"eta_Q": 0.0},
    "feedback-alignment": {"kept_decay": 0.0, "mirror_rate": 0.0, "mirror_decay": 0.0},
    "target-propagation": {"eta_inverse": 0.0},
}
"""Besides ``eta=0``: nothing learns, and what copies weights still copies them."""

ONTO = {
    "burst": ("B", "Z"),
    "burstprop": ("Y", "R"),
    "dendritic-microcircuit": ("B", "P"),
    "target-propagation": ("V", "c"),
}
"""Arrays besides W and b that lead to hidden units, [..., unit]; of other models it is B."""

RATES, FROZEN = {"spiking": False}, {"credit": "frozen"}
TWINS = [
    *(("feedback-alignment", {"feedback": kind}) for kind in ("random", *FEEDBACK)),
    *(("clamped", {"rule": rule}) for rule in ("generec", "midpoint", "chl")),
    ("clamped", {"rule": "chl", "feedback": "symmetric"}),
    ("clamped", {"feedback": "symmetric", "order": "sweeps", "start": "zero"}),
    ("equilibrium", {"estimator": "one_sided"}),
    ("equilibrium", {"estimator": "symmetric", "form": "prototypical", "activation": "sigmoid4"}),
    ("equilibrium", {"estimator": "continual", "activation": "tanh"}),
    ("equilibrium", {"estimator": "rate_post"}),
    ("equilibrium", {"estimator": "vector_field"}),
    ("equilibrium", {"estimator": "vector_field", "form": "prototypical"}),
    ("dendritic-microcircuit", {}),
    ("dendritic-microcircuit", {"lateral": "ideal"}),
    ("dendritic-microcircuit", {"feedback": "symmetric"}),
    ("dendritic-microcircuit", {"dynamics": "continuous"}),
    ("dendritic-microcircuit", {"backprop": True}),
    *(("segregated", RATES | {"feedback": kind}) for kind in ("broadcast", "layered")),
    *(
        ("segregated", RATES | {"feedback": kind, "symmetric": True})
        for kind in ("broadcast", "layered")
    ),
    ("segregated", RATES | {"feedback_learning": True}),
    ("segregated", RATES | {"backpropagation": True}),
    ("segregated", RATES | {"frozen": True}),
    *(("burst", {"sst": kind}) for kind in ("beta", "h", "none")),
    ("burst", {"form": "july_2018"}),
    ("burst", {"mirror": 1.0}),
    ("burst", {"backpropagation": True}),
    ("burstprop", {}),
    ("burstprop", {"inhibition": False, "learn_feedback": True}),
    ("burstprop", {"backpropagation": True}),
    *(("superspike-classifier", {"feedback": kind}) for kind in ("random", "uniform", "symmetric")),
    ("superspike-classifier", {"frozen": True}),
    *(("target-propagation", {"method": method}) for method in ("dtp", "tp", "sdtp")),
    ("target-propagation", {"method": "ao_sdtp", "n_aux": 4, "schedule": "parallel"}),
    ("target-propagation", {"method": "tp", "label": True}),
    ("target-propagation", {"method": "sdtp", "inverse": "fixed"}),
    ("target-propagation", {"method": "sdtp", "inverse": "jacobian"}),
    ("target-propagation", {"credit": "backprop"}),
    ("target-propagation", FROZEN),
]
"""Models whose twins stay twins: no noise makes them differ."""

NOISY = [
    *(
        ("perturbation", {"perturbed": what, "baseline": than})
        for what in ("nodes", "weights")
        for than in ("clean", "antithetic", "mean")
    ),
    ("reward", {}),
    ("reward", {"action": "bernoulli", "baseline": "expected"}),
    ("spiking-reward", {}),
    ("segregated", {}),
    ("segregated", {"symmetric": True}),
]
CASES = [*TWINS, *NOISY]
X = np.random.default_rng(4).random((3, 6))
LABELS = np.array([0, 2, 1])


def build(name, sizes=(6, 5, 4, 3), **options):
    given = {"backend": "python", "dtype": "float64", **SMALL.get(name, {}), **options}
    return KINDS[name](sizes, seed=5, **given)


def still(name, **options):
    rates = {"eta": 0.0} if "eta" in KINDS[name].Parameters.declarations() else {}
    return build(name, **{**options, **rates, **STILL.get(name, {})})


def make_twins(net, name):
    """Let all that leads to unit 0 of a hidden layer lead to unit 1 as well."""
    for array in [*list(net.W)[:-1], *list(net.b)[:-1]]:
        array[..., 1] = array[..., 0]
    for other in ONTO.get(name, ("B",)):
        for array in list(getattr(net, other, ()))[: len(net.sizes) - 2]:
            array[..., 1] = array[..., 0]


def set_apart(net):
    """Add to the outgoing weights of one twin what is taken from those of the other."""
    chance = np.random.default_rng(7)
    for k, W in enumerate(list(net.W)[1:], 1):
        change = chance.normal(0.0, 0.5, W.shape[1])
        if k < len(net.W) - 1:
            change[1] = change[0]  # the units above stay twins
        W[0] += change
        W[1] -= change


def hidden_deltas(net):
    """What hidden units learn from, once an example has given copies the occasion to follow."""
    net.learn(X, LABELS)
    return np.concatenate(net.update(X, LABELS).delta[:-1], axis=1)


@pytest.mark.parametrize(("name", "options"), TWINS, ids=str)
def test_feedback_sees_forward_weights_if_and_only_if_it_is_declared(name, options):
    net = still(name, **options)
    make_twins(net, name)
    before, activities = hidden_deltas(net), net.activities(X)
    set_apart(net)
    after, said = hidden_deltas(net), net.properties()
    if said.weight_transport:
        assert np.abs(after - before).max() > 1e-3 * np.abs(before).max() > 0.0
        return
    for h, same in zip(net.activities(X), activities, strict=True):
        np.testing.assert_allclose(h, same, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-12)
    assert bool(before.any()) == bool(said.knows)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_one_number_for_all_is_what_hidden_layers_learn_from_if_it_is_declared(name, options):
    net = build(name, **options)
    knows = net.properties().knows
    changes = []
    for label in range(3):
        update = net.update(X[:1], [label])
        changes.append(np.concatenate([dW.ravel() for dW in update.dW[:-1]]))
    size = np.linalg.svd(np.array(changes), compute_uv=False)
    directions = int((size > 1e-6 * max(size[0], 1e-12)).sum())
    if not knows:
        assert directions == 0
    elif "reward" in knows:
        assert directions == 1
    else:
        assert directions > 1


ONLY_OUTPUT = [
    ("feedback-alignment", {"feedback": "none"}),
    ("segregated", RATES | {"frozen": True}),
    ("superspike-classifier", {"frozen": True}),
    ("target-propagation", FROZEN),
]


@pytest.mark.parametrize(
    ("name", "options"), [case for case in TWINS if case not in ONLY_OUTPUT], ids=str
)
def test_what_is_sent_down_adds_up_if_and_only_if_it_is_declared_to_be_an_error(name, options):
    """Errors of the output come down in proportion; activities, targets among them, do not.

    They pass the nonlinearity of a unit or of a dendrite.
    """
    smooth = {"activation": "sigmoid4"} if name == "equilibrium" else {}
    net = build(name, **{**options, **smooth})
    targets = np.random.default_rng(9).random((6, 3))
    deltas = [net.update(X[:1], target[None]).delta for target in targets]
    hidden, output = (np.concatenate([each[k] for each in deltas]) for k in (-2, -1))
    linear = output @ np.linalg.lstsq(output, hidden, rcond=None)[0]
    adds_up = np.abs(hidden - linear).max() < 1e-9 * np.abs(hidden).max()
    assert net.properties().signed_errors == adds_up


def outgoing(net):
    """Signs of the outgoing weights of all units, row by row."""
    return [np.sign(row) for W in net.W for row in np.array(W)]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_unit_excites_or_inhibits_for_good_if_and_only_if_it_is_declared(name, options):
    net = build(name, **options)
    before = outgoing(net)
    net.learn(X, LABELS)
    of_one_sign = all(len(set(row) - {0.0}) == 1 for row in outgoing(net))
    same = all((row == old).all() for row, old in zip(outgoing(net), before, strict=True))
    assert net.properties().dale == (of_one_sign and same)


DRAWS_OF_A_CALL = {
    "perturbation": {
        "xi": [np.random.default_rng(8).normal(size=(2, n)) for n in (5, 4, 3)],
    },
    "equilibrium": {"sign": [np.array([1.0, -1.0])]},
}
"""What a call of `learn` draws for all of its examples at once, and has to be given instead."""


def learn_both(net, name, at_once):
    """Learn from two examples in one call, or in a call for each."""
    calls = [slice(0, 2)] if at_once else [slice(0, 1), slice(1, 2)]
    if not isinstance(net, ImageModel):
        for sweep in net.sweeps():
            for now in calls:
                net.learn(X[now], LABELS[now], sweeps=[sweep])
        return
    lengths, given = net.lengths(2, TRAINING), DRAWS_OF_A_CALL.get(name, {})
    for now in calls:
        drawn = {key: [array[now] for array in arrays] for key, arrays in given.items()}
        net.learn(X[now], LABELS[now], lengths[now], drawn)


SPLIT = [
    *(("feedback-alignment", {"feedback": kind}) for kind in ("random", "kolen_pollack", "none")),
    ("feedback-alignment", {"optimizer": "adam"}),
    ("clamped", {}),
    ("equilibrium", {"persistent": False}),
    ("dendritic-microcircuit", {}),
    ("segregated", {}),
    ("segregated", {"spiking": False, "symmetric": True}),
    ("burst", {}),
    ("burst", {"backpropagation": True}),
    ("burstprop", {}),
    ("perturbation", {}),
    ("reward", {}),
    ("spiking-reward", {}),
    ("superspike-classifier", {}),
    ("target-propagation", {}),
    ("target-propagation", {"schedule": "parallel", "method": "sdtp"}),
]
WITH_BATCHES = [
    (name, {**options, "batch": 2})
    for name, options in SPLIT
    if "batch" in KINDS[name].Parameters.declarations()
]
WITHIN_TRIALS = [
    ("dendritic-microcircuit", {"dynamics": "continuous"}),
    ("equilibrium", {"estimator": "continual", "persistent": False}),
]
"""These learn all the time, and have no batches."""


@pytest.mark.parametrize(("name", "options"), [*SPLIT, *WITH_BATCHES, *WITHIN_TRIALS], ids=str)
def test_examples_act_one_after_another_if_and_only_if_learning_is_online(name, options):
    together, apart = build(name, **options), build(name, **options)
    learn_both(together, name, at_once=True)
    learn_both(apart, name, at_once=False)
    pairs = [
        (np.array(one), np.array(other))
        for arrays in together.WEIGHTS
        for one, other in zip(getattr(together, arrays), getattr(apart, arrays), strict=True)
    ]
    assert together.properties().online == all((one == other).all() for one, other in pairs)


@pytest.mark.parametrize(("name", "options"), [*SPLIT, *WITHIN_TRIALS], ids=str)
def test_a_single_example_changes_weights(name, options):
    net = build(name, **options)
    before = np.array(net.W[-1])
    net.learn(X[:1], LABELS[:1])
    assert (net.W[-1] != before).any()


def phases_of_a_trial(net):
    """Those in which a trial for learning has steps; two of `symmetric` have the same length."""
    first, second = net.lengths(1, TRAINING)[0].tolist()
    if getattr(net.parameters, "estimator", "") == "symmetric":
        return 1 + second // net.parameters.n_nudged
    return (first > 0) + (second > 0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        case
        for case in TWINS
        if issubclass(KINDS[case[0]], ImageModel) and case[0] != "superspike-classifier"
    ],
    ids=str,
)
def test_an_example_takes_as_many_phases_as_declared(name, options):
    net = build(name, **options)
    mirrors = options.get("feedback") == "mirror"  # after an update, units emit noise
    assert net.properties().phases == phases_of_a_trial(net) + mirrors


@pytest.mark.parametrize(
    ("name", "options", "phases"),
    [
        ("burstprop", {}, 2),  # bursts without and with the target
        ("perturbation", {}, 2),  # the loss without and with noise
        ("perturbation", {"baseline": "antithetic"}, 2),  # with noise and with its negative
        ("perturbation", {"baseline": "mean"}, 1),
        ("reward", {}, 1),  # after the first phase of a trial comes the reward, and no activity
        ("spiking-reward", {}, 1),
        ("superspike-classifier", {}, 1),  # thereafter, errors act and no neuron spikes
        ("target-propagation", {"method": "sdtp"}, 2),  # inverses learn from noise
        ("target-propagation", {"method": "sdtp", "schedule": "parallel"}, 2),
        ("target-propagation", {"method": "sdtp", "inverse": "fixed"}, 1),
        ("target-propagation", {"credit": "backprop"}, 1),
    ],
    ids=str,
)
def test_rules_whose_trials_do_not_show_their_phases_declare_those_of_their_paper(
    name, options, phases
):
    assert build(name, **options).properties().phases == phases


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_what_follows_forward_weights_knows_them(name, options):
    said = build(name, **options).properties()
    assert not said.weight_transport or "weights" in said.knows


def silent_neurons(net):
    """Hidden neurons whose outgoing weights nobody sees, as they do not spike in the trial."""
    seen = net.update(X[:1], [0])
    W, found = np.array(net.W[1]), []
    for j in range(len(W)):
        net.W[1][j] += 1.0
        now = net.update(X[:1], [0])
        if all((a == b).all() for a, b in zip(now.dW[1:], seen.dW[1:], strict=True)):
            found.append(j)
        net.W[1][:] = W
    return found


@pytest.mark.parametrize("symmetric", [False, True])
def test_feedback_of_neurons_that_spike_sees_forward_weights_if_it_is_declared(symmetric):
    given = {"phase": 5, "window": 2, "phi_max": 0.1, "symmetric": symmetric, "eta": 0.0}
    net = build("segregated", (6, 10, 3), **given)
    net.learn(X, LABELS)
    silent, before = silent_neurons(net), net.update(X[:1], [0]).delta[0]
    assert silent
    net.W[1][silent] += 1.0
    net.learn(X, LABELS)
    change = net.update(X[:1], [0]).delta[0] - before
    assert net.properties().weight_transport == symmetric
    assert bool(change.any()) == symmetric


SHOWN = patterns.poisson(6, rate=250.0, duration=12.0, seed=1)
TARGET = patterns.from_trains([[3.0, 9.0], [6.0], []], duration=12.0)


@pytest.mark.parametrize("feedback", ["symmetric", "random", "uniform"])
def test_feedback_of_spike_trains_sees_forward_weights_if_it_is_declared(feedback):
    options = {"feedback": feedback, "eta": 0.0, "chunk": 4.0, "w_0": 300.0, "tau_ref": 1.0}
    net = build("superspike", (6, 4, 3), **options)
    net.W[0][:, 1] = net.W[0][:, 0]
    net.B[0][:, 1] = net.B[0][:, 0]
    net.fit(SHOWN, TARGET, 1, block=12.0)
    before = net.update(SHOWN, TARGET)
    change = np.array([40.0, -60.0, 90.0])
    net.W[1][0] += change
    net.W[1][1] -= change
    net.fit(SHOWN, TARGET, 1, block=12.0)
    after, said = net.update(SHOWN, TARGET), net.properties()
    assert before.delta[0].any()
    assert said.weight_transport == (feedback == "symmetric")
    assert np.allclose(after.delta[0], before.delta[0]) != said.weight_transport
    assert said.online
    assert said.signed_errors


@pytest.mark.parametrize("name", KINDS)
def test_every_model_that_is_registered_says_what_its_rule_needs(name):
    said = build(name).properties()
    assert isinstance(said, Properties)
    assert list(said.knows) == [word for word in WORDS if word in said.knows]


def test_the_declarations_of_every_model_that_is_registered_are_tried():
    """Those of superspike above; those of the microcircuit with spikes are those with rates."""
    apart = {"superspike", "spiking-microcircuit"}
    assert {name for name, _ in CASES} | apart == KINDS.keys()
    with_rates = build("dendritic-microcircuit", dynamics="continuous").properties()
    assert build("spiking-microcircuit").properties() == with_rates


def test_a_model_may_say_nothing():
    class Mine(BatchModel):
        MOMENTUM = ()

        def weights(self):
            return {}

    assert Mine((6, 5, 3)).properties() is None


def test_a_word_that_nobody_explains_is_refused():
    with pytest.raises(InputError, match="Did you mean 'dendrite'"):
        knowing("pre", "dendrites")


def test_the_table_in_the_docs_is_what_the_models_declare():
    assert PRINTED.read_text(encoding="utf-8") == f"{text()}\n"
