"""Spike-timing dependent plasticity against sums over pairs of spikes and a rule step by step."""

from math import exp

import numpy as np
import pytest
from scipy import sparse

from spikesim import InputError, Network, Neuron, PairSTDP, Poisson, ShortTermPlasticity

DT = 0.5  # ms
STEPS = 300  # several periods in which a trace keeps its unit
RULE = PairSTDP(tau_plus=5.3, tau_minus=8.1, A_plus=0.02, A_minus=0.03, w_max=100.0)
TIGHT = RULE._replace(A_plus=0.3, A_minus=0.2, w_min=0.4, w_max=1.5)
SHAPE = (5, 4)


def relay(i, t, s, p):
    s.spike[i] = s.fire[i]
    s.fire[i] = 0.0
    s.got[i] = s.g[i]
    s.g[i] = 0.0


RELAY = Neuron(
    steps=[relay], variables={"fire": 0.0, "g": 0.0, "got": 0.0}, parameters={}, most_spikes=3
)
"""Fires as often as it is told to in a step, and shows what arrived at g."""


def spikes(seed, n, rate=0.06, steps=STEPS):
    """How often each neuron fires in each step: mostly not, now and then twice or three times."""
    return np.random.default_rng(seed).poisson(rate, (steps, n)).clip(0, 3)


PRE, POST = spikes(1, SHAPE[0]), spikes(2, SHAPE[1])


def told(net, name, counts):
    """A population that fires as these counts say."""
    source = net.add_spike_trains(f"{name}_teacher", counts.shape[1], [], [])
    steps, ids = np.nonzero(counts)
    times = counts[steps, ids]
    source.replace(np.repeat(steps, times), np.repeat(ids, times), None, origin=0)
    population = net.add_population(name, counts.shape[1], RELAY)
    net.connect(source, population, target="fire", weight=np.eye(counts.shape[1]), delay=0.0)
    return population


def build(
    weight, rule=RULE, pre=PRE, post=POST, delay=DT, backend="python", dtype="float64", **options
):
    net = Network(dt=DT, dtype=dtype, backend=backend)
    cells = told(net, "pre", pre), told(net, "post", post)
    projection = net.connect(
        *cells, target="g", weight=weight, delay=delay, plasticity=rule, **options
    )
    return net, projection


def learned(weight, *arguments, duration=STEPS * DT, **options):
    """The weights of all pairs after a run, dense or sparse."""
    net, projection = build(weight, *arguments, **options)
    net.run(duration)
    return all_weights(projection)


def all_weights(projection):
    if projection.W is not None:
        return projection.W.copy()
    matrix = np.zeros((projection.pre.n, projection.post.n), projection.weight.dtype)
    for i, (low, high) in enumerate(zip(projection.start, projection.start[1:], strict=False)):
        matrix[i, projection.target[low:high]] = projection.weight[low:high]
    return matrix


def some(seed=3, low=1.0, high=1.2):
    """Weights of all pairs."""
    return np.random.default_rng(seed).uniform(low, high, SHAPE)


def thinned(weight):
    return sparse.csr_array(np.where(np.arange(weight.size).reshape(weight.shape) % 3, weight, 0.0))


def summed_over_pairs(pre, post, rule, delay):
    """What all pairs of a synapse's spikes add to its weight, away from the bounds."""
    change = 0.0
    for s in np.repeat(np.arange(len(pre)), pre) + round(delay / DT):
        for t in np.repeat(np.arange(len(post)), post):
            if s >= len(pre):
                continue  # arrives after the end
            if s <= t:
                change += rule.A_plus * exp(-(t - s) * DT / rule.tau_plus)
            else:
                change -= rule.A_minus * exp(-(s - t) * DT / rule.tau_minus)
    return change


def step_by_step(w, pre, post, rule, delay, learns=None):
    """One synapse, with bounds; `learns` says in which steps."""
    x = y = 0.0
    lag = round(delay / DT)
    for t in range(len(pre)):
        x *= exp(-DT / rule.tau_plus)
        y *= exp(-DT / rule.tau_minus)
        on = learns is None or learns[t]
        arriving = pre[t - lag] if t >= lag else 0
        for _ in range(arriving if on else 0):
            w = min(max(w - rule.A_minus * y, rule.w_min), rule.w_max)
        x += arriving
        for _ in range(post[t]):
            if on:
                w = min(max(w + rule.A_plus * x, rule.w_min), rule.w_max)
            y += 1.0
    return w


def of_all_pairs(one, *arguments):
    rows = [[one(i, j, *arguments) for j in range(SHAPE[1])] for i in range(SHAPE[0])]
    return np.array(rows)


@pytest.mark.parametrize("delay", [0.0, 0.5, 2.5])
@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_all_pairs_of_spikes_add_up(form, delay):
    before = some(low=50.0, high=51.0)
    after = learned(form(before), delay=delay)
    change = of_all_pairs(lambda i, j: summed_over_pairs(PRE[:, i], POST[:, j], RULE, delay))
    exists = after != 0.0
    assert exists.sum() == (20 if form is np.asarray else 13)
    assert np.abs(change).min() > 0.001
    assert after[exists] == pytest.approx((before + change)[exists], abs=1e-11)


@pytest.mark.parametrize("rule", [RULE, TIGHT], ids=["far", "tight"])
@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_weights_change_as_step_by_step_within_their_bounds(form, rule):
    before = some()
    after = learned(form(before), rule, delay=1.5)
    expected = of_all_pairs(
        lambda i, j: step_by_step(before[i, j], PRE[:, i], POST[:, j], rule, 1.5)
    )
    exists = after != 0.0
    assert after[exists] == pytest.approx(expected[exists], abs=1e-11)
    assert (np.abs(expected - rule.w_max).min() == 0.0) == (rule is TIGHT)


def test_weights_stop_at_both_bounds():
    pre, post = np.zeros((STEPS, 1), int), np.zeros((STEPS, 2), int)
    pre[[10, 20, 30, 40]] = 1
    post[[11, 21, 31, 41], 0] = 1
    post[[9, 19, 29, 39], 1] = 1
    after = learned(np.ones((1, 2)), TIGHT, pre, post, delay=0.0)
    assert after.tolist() == [[1.5, 0.4]]


def test_two_synapses_of_one_pair_and_every_other_learn_by_themselves():
    weight = sparse.csr_array(
        (np.array([1.0, 1.1, 1.2, 0.9]), np.array([2, 2, 0, 3]), np.array([0, 2, 2, 3, 3, 4])),
        shape=SHAPE,
    )
    net, projection = build(weight, TIGHT)
    net.run(STEPS * DT)
    where = [(0, 2, 1.0), (0, 2, 1.1), (2, 0, 1.2), (4, 3, 0.9)]
    expected = [step_by_step(w, PRE[:, i], POST[:, j], TIGHT, DT) for i, j, w in where]
    assert projection.weight == pytest.approx(expected, abs=1e-11)


def test_a_random_projection_learns_as_the_dense_one_does_where_it_exists():
    thin = learned(1.0, probability=0.5)
    dense = learned(np.ones(SHAPE))
    exists = thin != 0.0
    assert 3 < exists.sum() < 18
    assert np.array_equal(thin[exists], dense[exists])
    assert (thin[exists] != 1.0).all()


@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_and_plain_have_the_same_bits(form, dtype):
    plain = learned(form(some()), TIGHT, dtype=dtype)
    assert plain.dtype == dtype
    assert np.array_equal(plain, learned(form(some()), TIGHT, dtype=dtype, backend="cpu"))
    assert plain == pytest.approx(learned(form(some()), TIGHT), abs=1e-5)


@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_threads_have_the_same_bits(form):
    alone = learned(form(some()), TIGHT, dtype="float32")
    shared = learned(form(some()), TIGHT, dtype="float32", backend="threads:3")
    assert np.array_equal(alone, shared)


@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_targets_may_be_taken_in_any_number_of_blocks(form, monkeypatch):
    whole = learned(form(some()), TIGHT)
    monkeypatch.setattr("spikesim.kernels.machine.python.PARTS", 3)
    assert np.array_equal(whole, learned(form(some()), TIGHT))


def paired(lags, delay, rule=RULE):
    """What one spike on each side does, for postsynaptic neurons that fire so many steps later."""
    middle = STEPS // 2
    pre, post = np.zeros((STEPS, 1), int), np.zeros((STEPS, len(lags)), int)
    pre[middle] = 1
    post[middle + np.asarray(lags), np.arange(len(lags))] = 1
    return learned(np.full((1, len(lags)), 50.0), rule, pre, post, delay=delay)[0] - 50.0


@pytest.mark.parametrize("delay", [0.0, 3.0])
def test_the_window_is_two_exponentials_that_meet_where_the_spike_arrives(delay):
    lags = np.arange(-40, 41)
    measured = paired(lags, delay)
    d = lags * DT - delay
    after, before = 0.02 * np.exp(-d / 5.3), -0.03 * np.exp(d / 8.1)
    assert measured == pytest.approx(np.where(d >= 0.0, after, before), rel=1e-9)
    assert measured[d == 0.0] == pytest.approx(0.02)
    assert measured[d == -DT] == pytest.approx(-0.03 * exp(-DT / 8.1))


def test_a_spike_acts_with_the_weight_that_it_finds():
    pre, post = np.zeros((20, 1), int), np.zeros((20, 1), int)
    pre[[8, 12]] = 1
    post[[5, 10]] = 1
    net, _ = build(np.ones((1, 1)), pre=pre, post=post, delay=0.0)
    recording = net.record(net.populations["post"], "got")
    net.run(10.0)
    first = -0.03 * exp(-3 * DT / 8.1) + 0.02 * exp(-2 * DT / 5.3)
    assert recording.got[0, 8] == 1.0
    assert recording.got[0, 12] == pytest.approx(1.0 + first)


@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_frozen_weights_stay_and_traces_go_on(form):
    net, projection = build(form(some()), TIGHT)
    assert projection.learning
    learns = np.ones(STEPS, bool)
    learns[100:200] = False
    net.run(100 * DT)
    before = all_weights(projection)
    projection.learning = False
    net.run(100 * DT)
    assert np.array_equal(all_weights(projection), before)
    projection.learning = True
    net.run(100 * DT)
    after = all_weights(projection)
    exists = after != 0.0
    expected = of_all_pairs(
        lambda i, j: step_by_step(some()[i, j], PRE[:, i], POST[:, j], TIGHT, DT, learns)
    )
    assert after[exists] == pytest.approx(expected[exists], abs=1e-11)
    whole = learned(form(some()), TIGHT)
    assert not np.allclose(after, whole)


def test_frozen_weights_go_on_acting():
    net, projection = build(np.ones(SHAPE))
    projection.learning = False
    recording = net.record(net.populations["post"], "got")
    net.run(STEPS * DT)
    assert recording.got.sum() == PRE[:-1].sum() * SHAPE[1]


@pytest.mark.parametrize("form", [np.asarray, thinned], ids=["dense", "sparse"])
def test_a_saved_network_goes_on_with_the_same_bits(form, tmp_path):
    net, projection = build(form(some()), TIGHT, dtype="float32", delay=2.0)
    net.run(70.0)
    net.save(tmp_path / "net.h5")
    net.run(30.0)
    again, restored = build(form(some(5)), TIGHT, dtype="float32", delay=2.0)
    again.restore(tmp_path / "net.h5").run(30.0)
    assert np.array_equal(all_weights(projection), all_weights(restored))
    for name, array in projection.arrays().items():
        assert np.array_equal(array, restored.arrays()[name]), name


def test_the_same_weights_come_out_however_a_run_is_cut():
    net, projection = build(some(), TIGHT)
    for duration in (3.5, 36.5, 60.0, 50.0):
        net.run(duration)
    assert np.array_equal(projection.W, learned(some(), TIGHT))


def test_a_longer_delay_of_another_projection_changes_nothing():
    net, projection = build(some(), TIGHT)
    net.run(50.0)
    net.connect(projection.pre, projection.post, target="g", weight=1.0, delay=9.0, name="late")
    net.run(100.0)
    assert np.array_equal(projection.W, learned(some(), TIGHT))


def test_two_projections_onto_a_neuron_learn_by_themselves():
    net, first = build(some(), TIGHT, delay=1.5)
    other = RULE._replace(tau_plus=11.0)
    second = net.connect(
        first.pre, first.post, target="g", weight=some(), plasticity=other, name="second"
    )
    net.run(150.0)
    assert np.array_equal(first.W, learned(some(), TIGHT, delay=1.5))
    assert np.array_equal(second.W, learned(some(), other))


def test_neurons_that_excite_themselves_learn_from_their_own_spikes():
    net = Network(dt=DT, dtype="float64", backend="python")
    cells = told(net, "cells", PRE)
    loop = net.connect(cells, cells, target="g", weight=np.ones((5, 5)), plasticity=TIGHT)
    net.run(STEPS * DT)
    rows = [
        [step_by_step(1.0, PRE[:, i], PRE[:, j], TIGHT, DT) for j in range(5)] for i in range(5)
    ]
    np.testing.assert_allclose(loop.W, rows, rtol=0.0, atol=1e-11)


def test_short_term_plasticity_does_not_enter():
    short = ShortTermPlasticity(U=0.3, tau_D=100.0)
    assert np.array_equal(learned(some(), TIGHT, short_term=short), learned(some(), TIGHT))


def test_negative_weights_stay_negative():
    rule = TIGHT._replace(A_plus=0.5, w_min=-1.5, w_max=0.0)
    before = -some()
    after = learned(before, rule)
    expected = of_all_pairs(
        lambda i, j: step_by_step(before[i, j], PRE[:, i], POST[:, j], rule, DT)
    )
    assert after == pytest.approx(expected, abs=1e-11)
    assert (after <= 0.0).all()
    assert after.max() == 0.0


def test_after_a_long_silence_nothing_is_left_of_a_spike():
    pre, post = np.zeros((3000, 1), int), np.zeros((3000, 1), int)
    pre[3] = post[2998] = 1
    net, projection = build(np.ones((1, 1)), pre=pre, post=post, dtype="float32")
    traces = {name: projection.arrays()[name] for name in ("trace_x", "trace_y")}
    net.run(5.0)
    assert traces["trace_x"] > 0.9
    net.run(300.0)  # sixty time constants: a number that is small, but none that is denormal
    assert traces["trace_x"] == 0.0
    net.run(1195.0)
    assert traces["trace_y"] > 0.9
    assert projection.W == 1.0


def test_poisson_neurons_on_a_core_and_in_python_teach_the_same():
    weights = []
    for backend in ("python", "cpu"):
        net = Network(dt=DT, seed=4, backend=backend)
        source = net.add_population("source", 20, Poisson)
        source.rate[:] = 300.0
        cells = told(net, "cells", spikes(6, 3))
        projection = net.connect(
            source, cells, target="g", weight=1.0, probability=0.5, plasticity=RULE
        )
        net.run(STEPS * DT)
        weights.append(projection.weight.copy())
    assert np.array_equal(*weights)
    assert weights[0].std() > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau_plus": 0.0}, "tau_plus is 0.0"),
        ({"tau_minus": 0.2}, "tau_minus is 0.2"),
        ({"A_plus": np.nan}, "A_plus is nan"),
        ({"A_minus": "much"}, "A_minus is 'much'"),
        ({"w_max": np.inf}, "w_max is inf"),
        ({"w_min": 200.0}, "w_min is 200.0; .* below 100"),
        ({"w_min": -1.0}, "w_min is -1 and w_max is 100"),
        ({"w_max": 0.9}, r"weight holds 1; .* from w_min = 0 to w_max = 0.9"),
        ({"w_min": 1.1}, r"weight holds 1; .* from w_min = 1.1 to w_max = 100"),
    ],
)
def test_impossible_constants_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        build(np.ones(SHAPE), RULE._replace(**change))


def test_a_bound_that_the_type_of_weights_rounds_down_is_no_lower_for_that():
    rule = RULE._replace(w_max=0.1)  # as float32 somewhat more
    build(np.full(SHAPE, 0.1), rule, dtype="float32")


def test_what_cannot_learn_is_refused():
    with pytest.raises(InputError, match=r"plasticity is 0\.01; it has to be a PairSTDP"):
        build(np.ones(SHAPE), 0.01)
    net = Network(backend="python")
    cells = net.add_population("cells", 2, RELAY)
    silent = net.add_population("silent", 2, Neuron([], variables={"g": 0.0}, most_spikes=0))
    with pytest.raises(InputError, match=r"plasticity needs spikes .* 'silent' never spikes"):
        net.connect(cells, silent, target="g", weight=1.0, plasticity=RULE)
    with pytest.raises(InputError, match="delay differs between the synapses of 'cells_to_cells'"):
        net.connect(cells, cells, target="g", weight=1.0, delay=[0.5, 1.0] * 2, plasticity=RULE)
    fixed = net.connect(cells, cells, target="g", weight=1.0)
    assert not fixed.learning
    with pytest.raises(InputError, match="learning cannot be set: 'cells_to_cells'"):
        fixed.learning = True
    plastic = net.connect(cells, cells, target="g", weight=1.0, plasticity=RULE, name="plastic")
    assert plastic.plasticity.rule == RULE
    with pytest.raises(InputError, match=r"learning is 0\.5"):
        plastic.learning = 0.5
