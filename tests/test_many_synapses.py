"""Compiled code makes the synapses that NumPy draws one row at a time."""

import threading
import tracemalloc

import numpy as np
import pytest

from spikesim import InputError, Network, Neuron, spread
from spikesim.engine import connectivity, many_synapses

CELL = Neuron([], variables={"port": 0.0}, most_spikes=0)

RULES = {
    "probability": {"probability": 0.3},
    "all": {"probability": 1.0},
    "indegree": {"indegree": 7},
    "outdegree": {"outdegree": 7},
    "none": {"outdegree": 0},
    "number": {"synapses": 1500},
    "number 0": {"synapses": 0},
    "indegree, multapses": {"indegree": 40, "multapses": True},
    "outdegree, multapses": {"outdegree": 40, "multapses": True},
}
SHAPES = [(20, 13), (13, 20), (70, 70), (1, 9), (9, 1)]


@pytest.fixture
def compiled(monkeypatch):
    """Let compiled code make all synapses from now on."""

    def begin():
        monkeypatch.setattr(connectivity, "MANY", 0)
        monkeypatch.setattr(many_synapses, "SEVERAL", 0)

    return begin


def drawn(shape, autapses=True, seed=5, multapses=None, **rule):
    """The synapses, and a number that is drawn after them."""
    chance = connectivity.generator(seed, 3)
    options = {"recurrent": not autapses, "autapses": autapses, "multapses": multapses}
    made = connectivity.draw(shape, rule, chance, **options)
    return made, chance.random()


def assert_same(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert one[1] == other[1]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_compiled_code_makes_the_synapses_that_numpy_draws(rule, shape, compiled):
    (name,) = set(rule) - {"multapses"}
    most = {"indegree": shape[0], "outdegree": shape[1]}.get(name, np.inf)
    if "multapses" not in rule:
        rule = {name: min(rule[name], most)}
    expected = drawn(shape, **rule)
    compiled()
    assert_same(drawn(shape, **rule), expected)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_it_leaves_out_autapses(rule, compiled):
    expected = drawn((41, 41), autapses=False, **rule)
    compiled()
    made = drawn((41, 41), autapses=False, **rule)
    assert_same(made, expected)
    assert not (made[0].target == np.repeat(np.arange(41), np.diff(made[0].start))).any()


@pytest.mark.parametrize("n", [1 << 16, (1 << 16) + 1, 300_000])
@pytest.mark.parametrize("rule", [{"outdegree": 50}, {"synapses": 900}, {"probability": 0.001}])
def test_it_makes_rows_of_targets_with_two_bytes_and_with_four(n, rule, compiled):
    expected = drawn((9, n), **rule)
    compiled()
    assert_same(drawn((9, n), **rule), expected)


@pytest.mark.parametrize("share", [0.04, 0.06, 1.0])
def test_it_chooses_few_and_many_of_more_than_10000_targets(share, compiled):
    """NumPy has one algorithm for up to a twentieth, and another one beyond."""
    rule = {"outdegree": int(share * 12_000)}
    expected = drawn((5, 12_000), **rule)
    compiled()
    assert_same(drawn((5, 12_000), **rule), expected)


def test_more_synapses_than_expected_find_room(compiled, monkeypatch):
    seeds = range(8)
    rule = {"probability": 0.05}
    expected = [drawn((20, 20), seed=seed, **rule) for seed in seeds]
    assert max(made.target.size for made, _ in expected) > 0.05 * 400 + 20**0.5
    compiled()
    monkeypatch.setattr(many_synapses, "PIECE", 1)
    for seed, those in zip(seeds, expected, strict=True):
        assert_same(drawn((20, 20), seed=seed, **rule), those)


def test_without_numpys_binomial_numbers_numpy_draws_the_rows(compiled, monkeypatch):
    expected = drawn((20, 30), probability=0.2)
    compiled()
    monkeypatch.setattr(many_synapses, "can_draw_binomial", lambda chance: False)
    assert_same(drawn((20, 30), probability=0.2), expected)


# ---- weights ----------------------------------------------------------------------------------


def connect(weight, **rule):
    net = Network(seed=3, backend="python")
    cells = net.add_population("cells", 50, CELL)
    return net.connect(cells, cells, target="port", weight=weight, **rule)


def normal(chance, size):
    return chance.normal(1.0, 0.1, size)


@pytest.mark.parametrize("rule", [{"indegree": 9}, {"synapses": 300}, {"probability": 0.2}])
def test_weights_that_are_drawn_meanwhile_are_the_same(rule, compiled):
    expected = connect(normal, **rule)
    compiled()
    made = connect(normal, **rule)
    np.testing.assert_array_equal(made.target, expected.target)
    np.testing.assert_array_equal(made.weight, expected.weight)


def test_a_function_is_called_in_the_thread_that_connects(compiled):
    compiled()
    threads = []

    def weight(chance, size):
        threads.append(threading.get_ident())
        return chance.random(size)

    connect(weight, synapses=300)
    assert threads == [threading.get_ident()]


@pytest.mark.parametrize("rule", [{"indegree": 9}, {"synapses": 300}, {"probability": 0.2}])
def test_delays_that_are_drawn_meanwhile_are_the_same(rule, compiled):
    given = {"weight": spread.weights(1.0, 0.1), "delay": spread.delays(1.5, 0.5, 0.1), **rule}
    expected = connect(**given)
    compiled()
    made = connect(**given)
    np.testing.assert_array_equal(made.target, expected.target)
    np.testing.assert_array_equal(made.weight, expected.weight)
    np.testing.assert_array_equal(made.delay, expected.delay)


def test_functions_for_weights_and_delays_may_share_a_generator(compiled):
    compiled()
    own = np.random.default_rng(1)
    made = connect(
        lambda _, size: own.random(size), synapses=300, delay=lambda _, n: 1.0 + own.random(n)
    )
    expected = np.random.default_rng(1)
    np.testing.assert_array_equal(made.weight, expected.random(300).astype(np.float32))
    np.testing.assert_array_equal(made.delay, 0.1 * np.rint(10.0 + 10.0 * expected.random(300)))


def test_a_function_that_fails_ends_the_call(compiled):
    compiled()
    with pytest.raises(InputError, match="weight is a function that cannot be called"):
        connect(lambda chance, size: 1 / 0, synapses=300)


def test_an_impossible_rule_is_refused_before_a_function_is_called(compiled):
    compiled()
    calls = []
    with pytest.raises(InputError, match="indegree is 51"):
        connect(lambda chance, size: calls.append(size), indegree=51)
    assert not calls


# ---- memory -----------------------------------------------------------------------------------


LARGE = {
    "outdegree": ({"outdegree": 110}, 2.5),
    "probability": ({"probability": 0.0055}, 2.5),
    "indegree": ({"indegree": 110}, 6.0),
    "synapses": ({"synapses": 2_200_000}, 2.5),
}


@pytest.mark.parametrize(("rule", "most"), LARGE.values(), ids=LARGE)
def test_many_synapses_take_little_more_memory_while_they_are_made(rule, most):
    drawn((20_000, 20_000), **rule)  # compiles
    tracemalloc.start()
    try:
        made, _ = drawn((20_000, 20_000), **rule)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.target.size >= many_synapses.MANY
    assert peak < most * made.target.size
