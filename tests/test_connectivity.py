"""Which synapses the rules draw, what they weigh and when spikes arrive over each of them."""

import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse, stats

from spikesim import (
    LIF,
    DoubleExponential,
    InputError,
    Network,
    Neuron,
    PairSTDP,
    Poisson,
    ShortTermPlasticity,
)
from spikesim.engine import connectivity
from spikesim.engine import synapses as kept

DT = 0.5
KERNEL = DoubleExponential(tau_rise=2.0, tau_decay=6.0)
TRUNCATED = KERNEL._replace(memory=9)
SHORT = ShortTermPlasticity(U=0.4, tau_D=30.0, tau_F=20.0, f=0.3)


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)
"""Shows what arrived in the last step."""


def show(i, t, s, p):
    s.got[i] = s.port[i]


SHOWING = Neuron(steps=[show], variables={"port": 0.0, "got": 0.0}, most_spikes=0)
"""Shows the potential at a port with a kernel."""


# ---- which synapses there are -----------------------------------------------------------------


def drawn(shape, stream=0, recurrent=False, autapses=True, multapses=None, **rule):
    """Presynaptic and postsynaptic neuron of each synapse, from `connectivity.draw` alone."""
    chance = connectivity.generator(5, stream)
    synapses = connectivity.draw(
        shape, rule, chance, recurrent=recurrent, autapses=autapses, multapses=multapses
    )
    return np.repeat(np.arange(shape[0]), np.diff(synapses.start)), synapses.target


def counts(shape, repeats, **options):
    """How often each pair was drawn in each of many draws, shape (repeats, pre, post)."""
    result = np.zeros((repeats, *shape), int)
    for stream in range(repeats):
        np.add.at(result[stream], drawn(shape, stream, **options), 1)
    return result


def assert_likely(statistic, freedom):
    """The chi-square statistic is neither too large nor too small to be one."""
    assert 1e-4 < stats.chi2.sf(statistic, freedom) < 1 - 1e-4


RULES = {
    "probability": {"probability": 0.3},
    "indegree": {"indegree": 7},
    "outdegree": {"outdegree": 7},
    "synapses": {"synapses": 150},
    "indegree, multapses": {"indegree": 7, "multapses": True},
    "outdegree, multapses": {"outdegree": 7, "multapses": True},
}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def repeating(rule):
    """A rule by which a pair may come more than once, if there is such a one."""
    return rule if "probability" in rule else {**rule, "multapses": True}


def connected(n_pre=20, n_post=None, seed=1, dtype="float32", weight=1.0, **options):
    """Two populations, or one with itself, and their projection."""
    net = Network(dt=DT, seed=seed, dtype=dtype, backend="python")
    pre = net.add_population("pre", n_pre, RECEIVER)
    post = pre if n_post is None else net.add_population("post", n_post, RECEIVER)
    return net.connect(pre, post, target="port", weight=weight, **options)


@each_rule
@pytest.mark.parametrize("n_post", [13, None], ids=["two populations", "recurrent"])
@pytest.mark.parametrize("autapses", [True, False])
def test_rows_are_ascending_and_hold_all_synapses(rule, n_post, autapses):
    synapses = connected(20, n_post, autapses=autapses, **rule)
    start, target = synapses.start, synapses.target
    assert (start.dtype, start.shape) == (np.int64, (21,))
    assert (start[0], start[-1]) == (0, target.size)
    assert synapses.size == target.size > 0
    assert target.max() < (n_post or 20)
    for first, last in itertools.pairwise(start):
        assert (np.diff(target[first:last].astype(int)) >= 0).all()


@pytest.mark.parametrize("multapses", [False, True])
def test_every_neuron_has_the_indegree_asked_for(multapses):
    synapses = connected(31, 17, indegree=9, multapses=multapses)
    assert np.bincount(synapses.target, minlength=17).tolist() == [9] * 17
    assert np.unique(np.diff(synapses.start)).size > 1


@pytest.mark.parametrize("multapses", [False, True])
def test_every_neuron_has_the_outdegree_asked_for(multapses):
    synapses = connected(17, 31, outdegree=9, multapses=multapses)
    assert np.diff(synapses.start).tolist() == [9] * 17
    assert np.unique(np.bincount(synapses.target, minlength=31)).size > 1


def test_the_number_of_synapses_is_the_one_asked_for():
    assert connected(17, 31, synapses=1234).size == 1234


def test_neuron_i_connects_to_neuron_i():
    synapses = connected(17, 17, one_to_one=True)
    np.testing.assert_array_equal(synapses.start, np.arange(18))
    np.testing.assert_array_equal(synapses.target, np.arange(17))


@pytest.mark.parametrize("rule", ["probability", "indegree", "outdegree"])
def test_partners_are_different_unless_multapses_are_allowed(rule):
    value = 0.5 if rule == "probability" else 12
    pre, post = drawn((20, 20), **{rule: value})
    assert len(set(zip(pre, post, strict=True))) == pre.size
    if rule != "probability":
        pre, post = drawn((20, 20), multapses=True, **{rule: value})
        assert len(set(zip(pre, post, strict=True))) < pre.size


@pytest.mark.parametrize("rule", ["indegree", "outdegree"])
def test_as_many_partners_as_there_are_neurons_are_all_of_them(rule):
    pairs = set(zip(*drawn((9, 9), **{rule: 9}), strict=True))
    assert pairs == set(itertools.product(range(9), range(9)))
    others = set(zip(*drawn((9, 9), recurrent=True, autapses=False, **{rule: 8}), strict=True))
    assert others == pairs - {(i, i) for i in range(9)}


def test_more_partners_than_neurons_are_possible_with_multapses():
    assert np.bincount(drawn((3, 5), indegree=10, multapses=True)[1]).tolist() == [10] * 5


@each_rule
def test_autapses_are_left_out_only_if_asked_for_and_only_within_a_population(rule):
    kept, left_out = connected(**rule), connected(autapses=False, **rule)
    assert (kept.source == kept.target).any()
    assert left_out.size
    assert not (left_out.source == left_out.target).any()
    to_others = connected(20, 20, autapses=False, **rule)
    assert (to_others.source == to_others.target).any()


@pytest.mark.parametrize("exclude", [False, True], ids=["autapses", "no autapses"])
@pytest.mark.parametrize("multapses", [False, True])
@pytest.mark.parametrize("rule", ["indegree", "outdegree"])
def test_every_partner_is_as_likely_as_every_other_for_fixed_degrees(rule, multapses, exclude):
    n, degree, repeats = 12, 4, 300
    options = {rule: degree, "multapses": multapses, "recurrent": True, "autapses": not exclude}
    total = counts((n, n), repeats, **options).sum(axis=0)
    partners = n - exclude
    expected = repeats * degree / partners
    # Of partners drawn without replacement, numbers vary less.
    fraction = 1.0 if multapses else (1 - degree / partners) * partners / (partners - 1)
    deviation = (total - expected)[~np.eye(n, dtype=bool) if exclude else ...]
    assert_likely((deviation**2).sum() / expected / fraction, n * (partners - 1))


@pytest.mark.parametrize("exclude", [False, True], ids=["autapses", "no autapses"])
def test_every_pair_has_the_probability_asked_for(exclude):
    n, p, repeats = 12, 0.3, 300
    options = {"probability": p, "recurrent": True, "autapses": not exclude}
    total = counts((n, n), repeats, **options).sum(axis=0)
    deviation = (total - repeats * p)[~np.eye(n, dtype=bool) if exclude else ...]
    assert_likely((deviation**2).sum() / (repeats * p * (1 - p)), deviation.size)


@pytest.mark.parametrize("exclude", [False, True], ids=["autapses", "no autapses"])
def test_synapses_fall_on_pairs_independently(exclude):
    n, number, repeats = 12, 150, 300
    options = {"synapses": number, "recurrent": True, "autapses": not exclude}
    each = counts((n, n), repeats, **options)
    pairs = n * (n - exclude)
    expected = number / pairs
    inside = ~np.eye(n, dtype=bool) if exclude else np.ones((n, n), bool)
    total = each.sum(axis=0)[inside]
    assert_likely(((total - repeats * expected) ** 2).sum() / (repeats * expected), pairs - 1)
    # Multinomial in every single draw: of pairs, of rows, of columns.
    within = (each[:, inside] - expected) ** 2 / expected
    assert_likely(within.sum(), repeats * (pairs - 1))
    for axis in (1, 2):
        degree = each.sum(axis=axis)
        spread = (degree - number / n) ** 2 / (number / n)
        assert_likely(spread.sum(), repeats * (n - 1))


def test_degrees_and_the_number_of_synapses_are_binomial_for_a_probability():
    n, p, repeats = 30, 0.2, 200
    each = counts((n, n), repeats, probability=p)
    for axis in (1, 2):
        degree = each.sum(axis=axis)
        assert_likely(((degree - n * p) ** 2).sum() / (n * p * (1 - p)), degree.size)
    # Rows that depended on each other would show here.
    size = each.sum(axis=(1, 2))
    assert_likely(((size - n * n * p) ** 2).sum() / (n * n * p * (1 - p)), repeats)


def test_the_outdegrees_of_a_fixed_indegree_are_binomial():
    n, degree, repeats = 30, 6, 200
    out = counts((n, n), repeats, indegree=degree).sum(axis=2)
    p = degree / n
    assert_likely(((out - n * p) ** 2).sum() / (n * p * (1 - p)), repeats * (n - 1))


@pytest.mark.parametrize("rule", [{"one_to_one": True}, {"synapses": 400}, {"outdegree": 3}])
def test_targets_take_two_bytes_up_to_65536_neurons_and_four_beyond(rule):
    for n, kind in ((1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)):
        pre, post = drawn((n if "one_to_one" in rule else 50, n), **rule)
        assert post.dtype == kind
        assert post.max() > 0.9 * n
        if "one_to_one" in rule:
            np.testing.assert_array_equal(post, pre)


@pytest.mark.parametrize("rule", [{"synapses": 50_000}, {"outdegree": 1}, {"indegree": 1}])
def test_the_largest_population_with_two_bytes_has_no_autapses_if_asked_for(rule):
    n = 1 << 16
    pre, post = drawn((n, n), recurrent=True, autapses=False, **rule)
    assert not (pre == post).any()
    thousands = np.bincount(np.concatenate([pre, post]) >> 10, minlength=64)
    assert thousands.size == 64
    assert thousands.min() > 0.8 * thousands.mean()


def test_more_than_65536_presynaptic_neurons_keep_their_numbers():
    n = (1 << 16) + 100
    pre, post = drawn((n, 2), indegree=n)
    np.testing.assert_array_equal(pre, np.repeat(np.arange(n), 2))
    np.testing.assert_array_equal(post, np.tile([0, 1], n))
    assert post.dtype == np.uint16


def test_a_spike_reaches_neuron_65536():
    net = Network(dt=DT, backend="python")
    n = (1 << 16) + 1
    source = net.add_spike_trains("source", n, [0.0, 0.0], [3, n - 1])
    cells = net.add_population("cells", n, Neuron([], variables={"port": 0.0}, most_spikes=0))
    net.connect(source, cells, target="port", weight=1.0, one_to_one=True, delay=0.0)
    net.run(DT)
    assert np.flatnonzero(cells.port).tolist() == [3, n - 1]


# ---- what the draws depend on -----------------------------------------------------------------


def pairs(synapses):
    return [synapses.start.tolist(), synapses.target.tolist()]


@each_rule
def test_the_same_seed_draws_the_same_synapses_and_another_one_others(rule):
    first = pairs(connected(**rule))
    assert pairs(connected(**rule)) == first
    assert pairs(connected(dtype="float64", **rule)) == first
    assert pairs(connected(seed=2, **rule)) != first


def test_large_seeds_differ_from_each_other():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seeds = (0, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1)
        found = [pairs(connected(seed=seed, indegree=5)) for seed in seeds]
    assert all(a != b for a, b in itertools.combinations(found, 2))


@each_rule
def test_another_projection_of_the_network_has_other_synapses(rule):
    net = Network(dt=DT, seed=1, backend="python")
    cells = net.add_population("cells", 20, RECEIVER)
    options = {"target": "port", "weight": lambda chance, size: chance.random(size), **rule}
    one, two = (net.connect(cells, cells, name=name, **options) for name in ("one", "two"))
    assert pairs(one) != pairs(two)
    assert one.weight[:20].tolist() != two.weight[:20].tolist()


def uniform(chance, size):
    return chance.uniform(1.0, 9.0, size)


@each_rule
def test_synapses_weights_and_delays_are_drawn_independently_of_each_other(rule):
    plain, weighted = connected(**rule), connected(weight=uniform, **rule)
    delayed = connected(delay=uniform, **rule)
    both = connected(weight=uniform, delay=uniform, **rule)
    assert pairs(plain) == pairs(weighted) == pairs(delayed) == pairs(both)
    np.testing.assert_array_equal(both.weight, weighted.weight)
    np.testing.assert_array_equal(both.later, delayed.later)
    # Nor are weights and delays the same numbers.
    delay = (both.delay_steps + both.later) * DT
    assert abs(delay - both.weight).max() > DT


def test_a_probability_draws_the_synapses_that_release_0_1_0_drew():
    net = Network(dt=DT, seed=2**40 + 9, backend="python")
    pre, post = (net.add_population(name, n, RECEIVER) for name, n in (("pre", 23), ("post", 40)))
    for before in range(3):
        options = {"target": "port", "weight": 1.0, "name": f"number_{before}"}
        synapses = net.connect(pre, post, probability=0.3, **options)
        chance = np.random.Generator(np.random.Philox(key=[2**40 + 9, before]))
        for first, last in itertools.pairwise(synapses.start):
            size = chance.binomial(40, 0.3)
            row = np.sort(chance.choice(40, size, replace=False, shuffle=False))
            assert synapses.target[first:last].tolist() == row.tolist()


# ---- memory -----------------------------------------------------------------------------------


LARGE = {
    "probability": ({"probability": 0.005}, 8.0),
    "outdegree": ({"outdegree": 100}, 8.0),
    "indegree": ({"indegree": 100}, 18.0),
    "synapses": ({"synapses": 2_000_000}, 4.0),
}


@pytest.mark.parametrize(("rule", "most"), LARGE.values(), ids=LARGE)
def test_two_million_synapses_take_two_bytes_each_and_few_while_they_are_made(rule, most):
    tracemalloc.start()
    try:
        synapses = connected(20_000, **rule)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert abs(synapses.size - 2_000_000) < 10_000
    assert synapses.nbytes < 2.1 * synapses.size
    assert peak < most * synapses.size


def test_weights_and_delays_of_their_own_take_four_bytes_and_one():
    synapses = connected(20_000, synapses=2_000_000, weight=uniform, delay=uniform)
    parts = synapses.start, synapses.target, synapses.weight, synapses.later
    assert synapses.nbytes == sum(part.nbytes for part in parts)
    assert synapses.nbytes < 7.1 * synapses.size
    assert connected(20_000, synapses=2_000_000, weight=uniform).nbytes < 6.1 * synapses.size


# ---- weights ----------------------------------------------------------------------------------


def matrix(synapses, dtype=float):
    """The sum of weights from each neuron to each, by a loop over synapses."""
    result = np.zeros((synapses.pre.n, synapses.post.n), dtype)
    weights = np.broadcast_to(synapses.weight, synapses.size)
    for i, j, w in zip(synapses.source, synapses.target, weights, strict=True):
        result[i, j] += w
    return result


def responses(n_pre=8, n_post=6, change=None, backend="python", **options):
    """What arrives if one presynaptic neuron after the other spikes; and the projection."""
    net = Network(dt=DT, dtype="float64", backend=backend)
    source = net.add_spike_trains("source", n_pre, np.arange(n_pre) * DT, range(n_pre))
    cells = net.add_population("cells", n_post, RECEIVER)
    synapses = net.connect(source, cells, target="port", **options)
    if change:
        change(synapses)
    got = net.record(cells, "got")
    net.run((n_pre + 1) * DT)
    return got.got[:, 1:].T, synapses


@each_rule
def test_a_number_is_the_weight_of_all_synapses_and_kept_once(rule):
    got, synapses = responses(**repeating(rule), weight=0.75)
    assert synapses.weight.tolist() == [0.75]
    np.testing.assert_array_equal(got, matrix(synapses))
    number = np.zeros((8, 6))
    np.add.at(number, (synapses.source, synapses.target), 1)
    np.testing.assert_array_equal(got, 0.75 * number)


@each_rule
def test_drawn_weights_are_in_the_order_of_source_and_target(rule):
    got, synapses = responses(
        **repeating(rule), weight=lambda chance, size: np.arange(1.0, size + 1)
    )
    assert synapses.weight.tolist() == list(range(1, synapses.size + 1))
    np.testing.assert_array_equal(got, matrix(synapses))


def test_an_array_gives_each_synapse_its_weight_and_is_copied():
    weights = 2.0 ** np.arange(18)
    got, synapses = responses(weight=weights, indegree=3)
    np.testing.assert_array_equal(got, matrix(synapses))
    assert sorted(np.diff(synapses.start)) != [3] * 8
    synapses.weight[:] = 0.0
    assert weights.min() == 1.0


def test_a_weight_function_gets_a_generator_and_the_number_of_synapses():
    calls = []

    def weights(chance, size):
        calls.append((chance, size))
        return chance.normal(2.0, 0.5, size)

    synapses = connected(50, indegree=20, weight=weights)
    ((chance, size),) = calls
    assert isinstance(chance, np.random.Generator)
    assert size == synapses.size == synapses.weight.size == 1000
    assert synapses.weight.dtype == np.float32
    assert stats.kstest(synapses.weight, stats.norm(2.0, 0.5).cdf).pvalue > 1e-4


def test_a_weight_function_without_a_rule_draws_a_matrix():
    got, synapses = responses(weight=lambda chance, size: np.arange(float(size)))
    np.testing.assert_array_equal(synapses.W, np.arange(48.0).reshape(8, 6))
    np.testing.assert_array_equal(got, synapses.W)


def test_weights_made_individual_act_as_the_common_one_and_change_alone():
    common, _ = responses(weight=0.75, synapses=30)
    same, synapses = responses(weight=0.75, synapses=30, change=lambda p: p.individual())
    assert synapses.weight.size == 30
    np.testing.assert_array_equal(same, common)
    assert synapses.individual() is synapses.weight

    def double(p):
        p.individual()[5] *= 2.0

    changed, synapses = responses(weight=0.75, synapses=30, change=double)
    difference = np.zeros((8, 6))
    difference[synapses.source[5], synapses.target[5]] = 0.75
    np.testing.assert_array_equal(changed - common, difference)


def test_weights_are_made_individual_between_runs():
    net = Network(dt=DT, backend="python")
    source = net.add_spike_trains("source", 1, [0.0, 2.0], [0, 0])
    cells = net.add_population("cells", 3, RECEIVER)
    synapses = net.connect(source, cells, target="port", weight=1.0, outdegree=3)
    got = net.record(cells, "got")
    net.run(2.0)
    synapses.individual()[:] = 1.0, 2.0, 3.0
    net.run(2.0)
    expected = np.zeros((3, 8))
    expected[:, 1], expected[:, 5] = 1.0, (1.0, 2.0, 3.0)
    np.testing.assert_array_equal(got.got, expected)


def test_numbers_drawn_in_pieces_are_those_drawn_at_once(monkeypatch):
    options = {"weight": uniform, "delay": uniform}
    for rule in ({"synapses": 100}, {}):
        at_once = connected(**options, **rule)
        monkeypatch.setattr(kept, "PIECE", 7)
        pieces = connected(**options, **rule)
        monkeypatch.undo()
        np.testing.assert_array_equal(pieces.weight, at_once.weight)
        np.testing.assert_array_equal(pieces.later, at_once.later)
        assert np.unique(at_once.weight).size > 90


# ---- delays -----------------------------------------------------------------------------------


STEPS = 60
FIRED = np.argwhere(np.random.default_rng(4).random((40, 8)) < 0.15)
"""Step and neuron of each presynaptic spike."""


def whole(chance, size):
    """Whole numbers, so that sums do not depend on their order."""
    return chance.integers(1, 100, size).astype(float)


def spread(least, most):
    """A function that draws delays between so many steps, these included."""
    return lambda chance, size: chance.integers(least, most + 1, size) * DT


def arrivals(synapses, steps=STEPS, fired=FIRED):
    """What arrives at each neuron in each step, spike by spike and synapse by synapse."""
    expected = np.zeros((synapses.post.n, steps))
    later = np.zeros(synapses.size, int) if synapses.later is None else synapses.later
    weights = np.broadcast_to(synapses.weight, synapses.size)
    for step, neuron in fired:
        for e in range(synapses.start[neuron], synapses.start[neuron + 1]):
            arrives = step + synapses.delay_steps + int(later[e])
            if arrives < steps:
                expected[synapses.target[e], arrives] += weights[e]
    return expected


def delayed(kind=RECEIVER, n=6, backend="python", dtype="float64", fired=FIRED):
    """Given spikes onto neurons that show what they receive."""
    net = Network(dt=DT, seed=3, dtype=dtype, backend=backend)
    source = net.add_spike_trains("source", 8, fired[:, 0] * DT, fired[:, 1])
    cells = net.add_population("cells", n, kind)
    return net, source, cells, net.record(cells, "got")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("least", [0, 1, 5])
@each_rule
def test_a_spike_arrives_over_each_synapse_after_its_own_delay(rule, least, dtype):
    net, source, cells, got = delayed(dtype=dtype)
    rule = repeating(rule)
    delay = spread(least, least + 11)
    synapses = net.connect(source, cells, target="port", weight=whole, delay=delay, **rule)
    assert synapses.delay_steps == least
    assert set(synapses.later) <= set(range(12))
    assert len(set(synapses.later)) > 5
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, arrivals(synapses))
    assert (got.got > 0).sum() > 40


def test_a_delay_is_the_nearest_number_of_steps_to_the_one_given():
    given = [0.5, 0.74, 0.76, 1.2, 3.3, 100.0]
    synapses = connected(6, 6, one_to_one=True, delay=given)
    assert (synapses.delay_steps + synapses.later).tolist() == [1, 1, 2, 2, 7, 200]


def test_delays_are_in_the_order_of_source_and_target():
    net, source, cells, got = delayed()
    given = np.arange(1, 25) * DT
    synapses = net.connect(source, cells, target="port", weight=1.0, outdegree=3, delay=given)
    assert (synapses.delay_steps + synapses.later).tolist() == list(range(1, 25))
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, arrivals(synapses))


def test_synapses_with_delays_of_their_own_may_share_a_weight():
    net, source, cells, got = delayed()
    options = {"weight": 2.5, "delay": spread(1, 9), "synapses": 40}
    synapses = net.connect(source, cells, target="port", **options)
    assert synapses.weight.tolist() == [2.5]
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, arrivals(synapses))


def test_equal_delays_become_a_common_one():
    net, source, cells, got = delayed()
    options = {"weight": whole, "delay": lambda chance, size: np.full(size, 2.6), "synapses": 40}
    synapses = net.connect(source, cells, target="port", **options)
    assert synapses.delay_steps == 5
    assert synapses.later is None
    assert not cells.rings
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, arrivals(synapses))


@pytest.mark.parametrize("form", ["matrix", "sparse array", "number"])
def test_weights_without_a_rule_have_delays_of_their_own_too(form):
    chance = np.random.default_rng(1)
    dense = chance.integers(1, 100, (8, 6)) * (chance.random((8, 6)) < 0.6)
    weight = {"matrix": dense, "sparse array": sparse.coo_array(dense), "number": 3.0}[form]
    size = sparse.coo_array(dense).size if form == "sparse array" else dense.size
    net, source, cells, got = delayed()
    delay = chance.integers(1, 8, size) * DT
    synapses = net.connect(source, cells, target="port", weight=weight, delay=delay)
    np.testing.assert_array_equal(matrix(synapses), 3.0 if form == "number" else dense)
    assert (synapses.delay_steps + synapses.later).tolist() == np.rint(delay / DT).tolist()
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, arrivals(synapses))


@pytest.mark.parametrize(
    ("farthest", "kind"), [(255, np.uint8), (256, np.uint16), (65534, np.uint16)]
)
def test_delays_from_one_to_65535_steps_may_be_mixed(farthest, kind):
    net = Network(dt=DT, backend="python")
    source = net.add_spike_trains("source", 1, [0.0], [0])
    cells = net.add_population("cells", 3, RECEIVER)
    delay = np.array([1, 1 + farthest // 2, 1 + farthest]) * DT
    synapses = net.connect(source, cells, target="port", weight=[1, 2, 3], outdegree=3, delay=delay)
    assert synapses.later.dtype == kind
    assert synapses.later.tolist() == [0, farthest // 2, farthest]
    if farthest < 300:
        got = net.record(cells, "got")
        net.run((farthest + 3) * DT)
        expected = np.zeros((3, farthest + 3))
        for neuron, step in enumerate((1, 1 + farthest // 2, 1 + farthest)):
            expected[neuron, step] = neuron + 1
        np.testing.assert_array_equal(got.got, expected)


def by_delay(net, synapses, **options):
    """As many projections as there are delays, each with the synapses that have it."""
    pre, post = net.populations["source"], net.populations["cells"]
    delay = synapses.delay_steps + synapses.later.astype(int)
    for steps in np.unique(delay):
        chosen = delay == steps
        entries = (synapses.weight[chosen], (synapses.source[chosen], synapses.target[chosen]))
        weight = sparse.coo_array(entries, (pre.n, post.n))
        name = f"after_{steps}_steps"
        net.connect(pre, post, target="port", weight=weight, delay=steps * DT, name=name, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"kernel": KERNEL}, {"kernel": TRUNCATED}, {"short_term": SHORT}],
    ids=["plain", "kernel", "truncated kernel", "short-term"],
)
def test_one_projection_with_many_delays_acts_as_many_with_one_each(options):
    kind = SHOWING if "kernel" in options else RECEIVER
    net, source, cells, got = delayed(kind)
    rule = {"weight": whole, "outdegree": 4, "delay": spread(1, 9)}
    synapses = net.connect(source, cells, target="port", **rule, **options)
    net.run(STEPS * DT)
    other, _, _, expected = delayed(kind)
    by_delay(other, synapses, **options)
    other.run(STEPS * DT)
    assert (expected.got != 0).sum() > 100
    if "short_term" in options:  # the sum of products depends on their order
        np.testing.assert_allclose(got.got, expected.got, rtol=1e-14)
    else:
        np.testing.assert_array_equal(got.got, expected.got)


def test_several_projections_with_delays_of_their_own_share_a_port():
    net, source, cells, got = delayed()
    options = {"target": "port", "weight": whole}
    made = [
        net.connect(source, cells, indegree=3, delay=spread(2, 7), name="near", **options),
        net.connect(source, cells, indegree=3, delay=spread(1, 23), name="far", **options),
        net.connect(source, cells, indegree=3, delay=4.0, name="fixed", **options),
    ]
    net.run(STEPS * DT)
    np.testing.assert_array_equal(got.got, sum(arrivals(synapses) for synapses in made))


@pytest.mark.parametrize("longer", [17, 30])
def test_connecting_longer_delays_later_on_keeps_what_is_under_way(longer):
    connected_at = 21
    # The second projection is too late for all earlier spikes: none of them is younger than 5.
    fired = FIRED[(FIRED[:, 0] < connected_at - 5) | (FIRED[:, 0] >= connected_at)]
    net, source, cells, got = delayed(fired=fired)
    options = {"target": "port", "weight": whole, "outdegree": 4}
    first = net.connect(source, cells, delay=spread(1, 13), name="first", **options)
    net.run(connected_at * DT)
    assert cells.rings["port"].any()
    second = net.connect(source, cells, delay=spread(5, longer), name="second", **options)
    net.run((STEPS - connected_at) * DT)
    after = fired[fired[:, 0] >= connected_at]
    expected = arrivals(first, fired=fired) + arrivals(second, fired=after)
    np.testing.assert_array_equal(got.got, expected)


@pytest.mark.parametrize("options", [{}, {"kernel": TRUNCATED}, {"short_term": SHORT}])
def test_what_is_under_way_is_saved_and_restored(options, tmp_path):
    def build():
        net, source, cells, got = delayed(SHOWING if "kernel" in options else RECEIVER)
        rule = {"weight": uniform, "indegree": 5, "delay": spread(1, 15)}
        net.connect(source, cells, target="port", **rule, **options)
        return net, cells, got

    whole_run, _, expected = build()
    whole_run.run(STEPS * DT)
    first, cells, before = build()
    first.run(13 * DT)
    assert cells.rings["port"].any()
    first.save(tmp_path / "net.h5")
    second, _, after = build()
    second.restore(tmp_path / "net.h5")
    second.run((STEPS - 13) * DT)
    np.testing.assert_array_equal(np.hstack([before.got, after.got]), expected.got)


def test_compiled_delays_have_the_bits_of_plain_ones():
    found = []
    for backend in ("python", "cpu"):
        net, source, cells, got = delayed(backend=backend, dtype="float32")
        options = {"target": "port", "weight": uniform, "delay": spread(0, 12)}
        net.connect(source, cells, indegree=5, **options)
        net.connect(source, cells, outdegree=3, short_term=SHORT, name="short", **options)
        net.run(STEPS * DT)
        found.append(got.got)
    assert found[0].tobytes() == found[1].tobytes()
    assert (found[0] > 0).sum() > 100


# ---- networks at the edge ---------------------------------------------------------------------


EMPTY = {
    "probability": {"probability": 0.0},
    "indegree": {"indegree": 0},
    "outdegree": {"outdegree": 0},
    "synapses": {"synapses": 0},
    "matrix": {"weight": sparse.csr_array((4, 3))},
    "weights": {"synapses": 0, "weight": uniform},
    "delays": {"synapses": 0, "delay": uniform},
    "weights and delays": {"synapses": 0, "weight": [], "delay": []},
    "short-term": {"synapses": 0, "short_term": SHORT},
}


@pytest.mark.parametrize(
    ("backend", "cases"),
    [("python", EMPTY), ("cpu", ["weights and delays", "short-term"])],
    ids=["python", "cpu"],
)
def test_projections_without_synapses_run(backend, cases):
    net = Network(dt=DT, backend=backend)
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 500.0
    cells = net.add_population("cells", 3, RECEIVER)
    for number, case in enumerate(cases):
        options = {"weight": 1.0, "target": "port", **EMPTY[case]}
        synapses = net.connect(source, cells, name=f"empty_{number}", **options)
        assert synapses.size == synapses.source.size == 0
        synapses.individual()
    got, spikes = net.record(cells, "got"), net.record_spikes(source)
    net.run(20.0)
    assert spikes.t.size > 10
    assert not got.got.any()


@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_a_population_without_equations_collects_what_arrives(backend):
    net = Network(dt=DT, dtype="float64", backend=backend)
    source = net.add_spike_trains("source", 8, FIRED[:, 0] * DT, FIRED[:, 1])
    still = net.add_population("still", 6, Neuron([], variables={"port": 0.0}))
    options = {"weight": whole, "indegree": 5, "delay": spread(0, 9)}
    synapses = net.connect(source, still, target="port", **options)
    net.run(STEPS * DT)
    np.testing.assert_array_equal(still.port, arrivals(synapses).sum(axis=1))


# ---- refusals ---------------------------------------------------------------------------------


def constant(value):
    return lambda chance, size: np.full(size, value)


REFUSED = {
    "two rules": ({"probability": 0.1, "indegree": 3}, "probability and indegree are given"),
    "a rule and one to one": ({"synapses": 4, "one_to_one": True}, "synapses and one_to_one"),
    "a probability above one": ({"probability": 1.5}, "probability is 1.5"),
    "a negative probability": ({"probability": -0.1}, "probability is -0.1"),
    "a probability that is NaN": ({"probability": np.nan}, "probability is nan"),
    "a negative indegree": ({"indegree": -1}, "indegree is -1"),
    "a negative outdegree": ({"outdegree": -1}, "outdegree is -1"),
    "a negative number": ({"synapses": -1}, "synapses is -1"),
    "a fractional indegree": ({"indegree": 2.5}, "indegree is 2.5"),
    "a whole indegree that is a float": ({"indegree": 2.0}, "indegree is 2.0"),
    "a fractional number": ({"synapses": 2.5}, "synapses is 2.5"),
    "an indegree that is True": ({"indegree": True}, "indegree is True"),
    "more partners than neurons": ({"indegree": 5}, "indegree is 5; .* at most 4"),
    "more targets than neurons": ({"outdegree": 4}, "outdegree is 4; .* at most 3"),
    "one to one of two sizes": ({"one_to_one": True}, "one_to_one is True for 4 and 3 neurons"),
    "one to one that is no truth value": ({"one_to_one": 1}, "one_to_one is 1"),
    "autapses that are no truth value": ({"indegree": 2, "autapses": 1}, "autapses is 1"),
    "multapses that are no truth value": ({"indegree": 2, "multapses": 0}, "multapses is 0"),
    "multapses by probability": ({"probability": 0.5, "multapses": True}, "multapses is True"),
    "multapses of a matrix": ({"multapses": True}, "multapses is True, .* a matrix has one weight"),
    "no multapses by number": ({"synapses": 5, "multapses": False}, "multapses is False, but"),
    "no weight": ({"indegree": 2, "weight": None}, "weight is None"),
    "a weight that is text": ({"indegree": 2, "weight": "1"}, "weight is '1'"),
    "a weight that is NaN": ({"indegree": 2, "weight": np.nan}, "weight is nan"),
    "too few weights": ({"indegree": 2, "weight": [1.0] * 5}, r"weight has shape \(5,\)"),
    "a matrix of weights for a rule": (
        {"indegree": 4, "weight": np.ones((4, 3))},
        r"weight has shape \(4, 3\)",
    ),
    "a sparse array of weights for a rule": (
        {"indegree": 4, "weight": sparse.csr_array(np.ones((4, 3)))},
        "weight has dtype object",
    ),
    "a function that draws too few": (
        {"indegree": 2, "weight": lambda chance, size: chance.random(size - 1)},
        r"weight has shape \(5,\)",
    ),
    "a function that draws one number": (
        {"indegree": 2, "weight": lambda chance, size: 1.0},
        r"weight has shape \(\); .* The function weight\(chance, size\) returned this",
    ),
    "a function that draws NaN": ({"indegree": 2, "weight": constant(np.nan)}, "weight holds NaN"),
    "a function that draws NaN for a matrix": (
        {"weight": constant(np.nan)},
        "weight holds NaN",
    ),
    "a function that draws too few for a matrix": (
        {"weight": lambda chance, size: chance.random(size - 1)},
        r"weight has shape \(11,\)",
    ),
    "a function that draws text": ({"indegree": 2, "weight": constant("a")}, "weight has dtype"),
    "too few delays": ({"indegree": 2, "delay": [1.0] * 5}, r"delay has shape \(5,\)"),
    "a delay that is NaN": ({"indegree": 2, "delay": constant(np.nan)}, "delay holds NaN"),
    "negative delays": ({"indegree": 2, "delay": constant(-1.0)}, "delay holds -1"),
    "one negative delay": (
        {"indegree": 2, "delay": [1.0] * 5 + [-0.5]},
        "delay holds -0.5; every element has to be at least 0",
    ),
    "delays of a wrong size for a matrix": ({"delay": [1.0] * 3}, r"delay has shape \(3,\)"),
    "delays of more than 65535 steps": (
        {"indegree": 2, "delay": [0.5] * 5 + [65536 * DT]},
        "delay holds 32768; every element has to be at most 32767.5",
    ),
    "a common delay between two steps": ({"indegree": 2, "delay": 0.7}, "delay is 0.7"),
}
REFUSED_TO_ITSELF = {
    "as many partners as neurons": ({"indegree": 4, "autapses": False}, "indegree is 4; .* 3"),
    "as many targets as neurons": ({"outdegree": 4, "autapses": False}, "outdegree is 4; .* 3"),
    "one to one without autapses": (
        {"one_to_one": True, "autapses": False},
        "one_to_one is True; without autapses",
    ),
    "all to all without autapses": ({"autapses": False}, "autapses is False"),
    "a matrix without autapses": (
        {"weight": np.ones((4, 4)), "autapses": False},
        "autapses is False",
    ),
    "a delay below dt": (
        {"indegree": 2, "delay": [0.2] + [1.0] * 7},
        "delay is 0 ms from 'pre' to 'pre'.* at least dt = 0.5 ms",
    ),
}


@pytest.mark.parametrize(
    ("n_post", "options", "sentence"),
    [
        pytest.param(n_post, *case, id=name)
        for n_post, cases in ((3, REFUSED), (None, REFUSED_TO_ITSELF))
        for name, case in cases.items()
    ],
)
def test_what_cannot_be_connected_is_refused_and_changes_nothing(n_post, options, sentence):
    net = Network(dt=DT, backend="python")
    pre = net.add_population("pre", 4, RECEIVER)
    post = pre if n_post is None else net.add_population("post", n_post, RECEIVER)
    options = {"target": "port", "weight": 1.0, **options}
    with pytest.raises(InputError, match=sentence) as caught:
        net.connect(pre, post, **options)
    assert "\n" not in str(caught.value)
    assert not net.projections
    assert not post.rings


@pytest.mark.parametrize("rule", ["indegree", "outdegree", "synapses"])
def test_a_single_neuron_without_autapses_has_no_partner(rule):
    assert connected(1, autapses=False, **{rule: 0}).size == 0
    for multapses in (None, True):
        with pytest.raises(InputError, match=f"{rule} is 1"):
            connected(1, autapses=False, multapses=multapses, **{rule: 1})


# ---- what projections tell, and what is assigned to them --------------------------------------


def weighted(dense, kind=RECEIVER, **options):
    net = Network(dt=DT, seed=3, dtype="float64", backend="python")
    pre, post = (net.add_population(name, n, kind) for name, n in (("pre", 4), ("post", 3)))
    weight = np.arange(1.0, 13.0).reshape(4, 3)
    weight = weight if dense else sparse.csr_array(weight * (weight % 4 > 0))
    target = "port" if kind is RECEIVER else "drive"
    return net, net.connect(pre, post, target=target, weight=weight, **options)


@pytest.mark.parametrize("dense", [True, False])
def test_rows_and_columns_of_both_kinds_lead_to_the_same_weights(dense):
    _, synapses = weighted(dense)
    weight = synapses.W.reshape(-1) if dense else synapses.weight
    whole = synapses.W if dense else matrix(synapses)
    expected = [(i, j) for i in range(4) for j in range(3) if whole[i, j]]
    assert list(zip(synapses.source, synapses.target, strict=True)) == expected
    assert synapses.start.tolist() == [sum(i < k for i, _ in expected) for k in range(5)]
    columns = synapses.by_target()
    for j in range(3):
        onto = slice(*columns["start_post"][j : j + 2])
        for i, place in zip(columns["source"][onto], columns["place"][onto], strict=True):
            assert weight[place] == whole[i, j]
    assert columns["start_post"][-1] == synapses.size == len(expected)


def grow(k, t, s, p):
    s.weight[k] += p.step


@pytest.mark.parametrize("short_term", [None, ShortTermPlasticity()])
@pytest.mark.parametrize("kind", ["dense", "sparse", "shared"])
def test_a_rule_of_ones_own_goes_on_from_the_weights_that_were_assigned(kind, short_term):
    options = {"short_term": short_term}
    if kind == "shared":
        net, source, cells, _ = delayed()
        synapses = net.connect(source, cells, target="port", weight=1.0, indegree=2, **options)
        held = synapses.weight
    else:
        net, synapses = weighted(kind == "dense", **options)
        held = synapses.W.reshape(-1) if kind == "dense" else synapses.weight
    net.add_phase(grow, held.size, state={"weight": held}, params={"step": 0.5})
    net.record(net.populations[synapses.post.name], "got")
    net.run_steps(2)
    assigned = np.full((4, 3), 3.0) if kind == "dense" else 3.0
    setattr(synapses, "W" if kind == "dense" else "weight", assigned)
    net.run_steps(2)
    now = synapses.W if kind == "dense" else synapses.weight
    assert np.unique(now).tolist() == [4.0]


def test_a_rule_that_holds_one_shared_weight_follows_it_to_one_for_each_synapse():
    net, source, cells, _ = delayed()
    synapses = net.connect(source, cells, target="port", weight=1.0, indegree=2)
    phase = net.add_phase(grow, 1, state={"weight": synapses.weight}, params={"step": 0.5})
    net.run_steps(2)
    synapses.weight = np.arange(12.0)
    net.run_steps(2)
    assert phase.state["weight"] is synapses.weight
    assert synapses.weight.tolist() == [1.0, *range(1, 12)]
    assert "weight" not in net.arrays()["phase 0 grow"]


@pytest.mark.parametrize("dense", [True, False])
def test_weights_that_learn_are_assigned_within_their_bounds_and_learn_on(dense):
    _, synapses = weighted(dense, kind=LIF, plasticity=PairSTDP(w_max=20.0))
    name = "W" if dense else "weight"
    held = getattr(synapses, name)
    setattr(synapses, name, np.full(held.shape, 2.0))
    assert getattr(synapses, name) is held
    with pytest.raises(InputError, match=f"{name} holds 30; with this plasticity"):
        setattr(synapses, name, np.full(held.shape, 30.0))
    assert np.unique(held).tolist() == [2.0]


def test_an_array_that_was_assigned_is_not_written_to_afterwards():
    _, synapses = weighted(dense=True)
    given = np.full((4, 3), 2.0)
    synapses.W = given
    synapses.W[0, 0] = 7.0
    assert given[0, 0] == 2.0


@pytest.mark.parametrize(("name", "dense"), [("x", True), ("u", False)])
def test_what_a_projection_has_not_is_told_in_words(name, dense):
    _, synapses = weighted(dense)
    assert not hasattr(synapses, name)
    with pytest.raises(InputError, match=f"has no {name}, as it"):
        getattr(synapses, name)
