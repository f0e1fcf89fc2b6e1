"""Plasticity rules of a user's own, against one synapse computed step by step."""

import copy
from math import exp

import numpy as np
import pytest
from scipy import sparse

from spikesim import InputError, Network, Neuron, PairSTDP, PlasticityRule, Replicas
from spikesim.errors import BodyError, SimulationError

DT = 0.5  # ms
STEPS = 240
SHAPE = (5, 4)
FORMS = pytest.mark.parametrize("form", ["dense", "sparse"])
FACTOR = 1.0


def relay(i, t, s, p):
    s.spike[i] = s.fire[i]
    s.v[i] = s.v[i] + 0.25 * float(s.spike[i]) - 0.125 * s.v[i]
    s.fire[i] = 0.0
    s.g[i] = 0.0


RELAY = Neuron([relay], {"fire": 0.0, "g": 0.0, "v": 0.0}, most_spikes=3)
"""Fires as often as it is told to in a step."""


def spikes(seed, n):
    return np.random.default_rng(seed).poisson(0.06, (STEPS, n)).clip(0, 3)


PRE, POST = spikes(1, SHAPE[0]), spikes(2, SHAPE[1])
WEIGHTS = np.random.default_rng(3).uniform(0.9, 1.1, SHAPE)
EXISTS = np.arange(WEIGHTS.size).reshape(SHAPE) % 3 != 0


def build(rule, form="dense", delay=DT, dtype="float64", backend="python", weights=WEIGHTS):
    net = Network(dt=DT, dtype=dtype, backend=backend)
    cells = []
    for name, counts in (("pre", PRE), ("post", POST)):
        teacher = net.add_spike_trains(f"{name}_teacher", counts.shape[1], [], [])
        steps, ids = np.nonzero(counts)
        many = counts[steps, ids]
        teacher.replace(np.repeat(steps, many), np.repeat(ids, many), None, origin=0)
        cells.append(net.add_population(name, counts.shape[1], RELAY))
        teach = np.eye(counts.shape[1])
        net.connect(teacher, cells[-1], target="fire", weight=teach, delay=0.0)
    weight = weights if form == "dense" else sparse.csr_array(np.where(EXISTS, weights, 0.0))
    return net, net.connect(*cells, target="g", weight=weight, delay=delay, plasticity=rule)


def spread(projection, values):
    """Numbers of synapses as a matrix, with 0 where there is none."""
    if projection.W is not None:
        return np.array(values)
    matrix = np.zeros(SHAPE, values.dtype)
    matrix[projection.source, projection.target] = values
    return matrix


def weights_of(projection):
    return spread(projection, projection.weight if projection.W is None else projection.W)


def depress(w, post, A_minus):
    return w - A_minus * post


def potentiate(w, pre, A_plus):
    return w + A_plus * pre


PAIRS = PairSTDP(tau_plus=5.3, tau_minus=8.1, A_plus=0.3, A_minus=0.2, w_min=0.4, w_max=1.5)
SAME = PlasticityRule(
    on_pre=depress,
    on_post=potentiate,
    traces={"pre": 5.3, "post": 8.1},
    parameters={"A_plus": 0.3, "A_minus": 0.2},
    w_min=0.4,
    w_max=1.5,
)


def triplet_pre(w, E, post, pre_slow, A):
    return w - A * post, E - post * (1.0 + pre_slow)


def triplet_post(w, E, pre, post_slow):
    return w, E + pre * (1.0 + post_slow)


def pay(w, E, reward, every, tau):
    return w + reward * E, E * (1.0 - every / tau)


REWARDED = PlasticityRule(
    on_pre=triplet_pre,
    on_post=triplet_post,
    on_step=pay,
    every=1.5,
    variables={"E": 0.25},
    traces={"pre": 6.0, "pre_slow": 31.0, "post": 9.0, "post_slow": 47.0},
    parameters={"A": 0.01, "reward": 0.02, "tau": 20.0},
    w_min=-1.0,
    w_max=1.2,
)


def one_rewarded(w, pre, post, delay, rewards=0.02):
    """One synapse of `REWARDED`, step by step."""
    E, lag = 0.25, round(delay / DT)
    taus = {"x": 6.0, "x_slow": 31.0, "y": 9.0, "y_slow": 47.0}
    trace = dict.fromkeys(taus, 0.0)
    for t in range(STEPS):
        trace = {name: value * exp(-DT / taus[name]) for name, value in trace.items()}
        arriving = pre[t - lag] if t >= lag else 0
        for _ in range(arriving):
            w = min(max(w - 0.01 * trace["y"], -1.0), 1.2)
            E -= trace["y"] * (1.0 + trace["x_slow"])
        trace["x"] += arriving
        trace["x_slow"] += arriving
        for _ in range(post[t]):
            E += trace["x"] * (1.0 + trace["y_slow"])
        trace["y"] += post[t]
        trace["y_slow"] += post[t]
        if t % 3 == 2:
            w = min(max(w + np.broadcast_to(rewards, STEPS)[t] * E, -1.0), 1.2)
            E *= 1.0 - 1.5 / 20.0
    return w, E


def expected(delay, form, rewards=0.02):
    pairs = [
        [one_rewarded(WEIGHTS[i, j], PRE[:, i], POST[:, j], delay, rewards) for j in range(4)]
        for i in range(5)
    ]
    exists = EXISTS if form == "sparse" else np.ones(SHAPE, bool)
    return np.moveaxis(np.array(pairs), -1, 0) * exists


@FORMS
@pytest.mark.parametrize("delay", [0.0, 0.5, 2.5])
def test_pairs_written_as_a_rule_learn_as_pair_stdp_does(form, delay):
    learned = []
    for rule in (PAIRS, SAME):
        net, projection = build(rule, form, delay)
        net.run(STEPS * DT)
        learned.append(weights_of(projection))
    assert np.abs(learned[0] - np.where(learned[0], WEIGHTS, 0.0)).max() > 0.3
    np.testing.assert_allclose(learned[1], learned[0], rtol=0.0, atol=1e-12)


@FORMS
@pytest.mark.parametrize("delay", [0.0, 2.5])
def test_variables_traces_and_rewards_are_those_of_each_synapse_by_itself(form, delay):
    net, projection = build(REWARDED, form, delay)
    net.run(STEPS * DT)
    w, E = expected(delay, form)
    np.testing.assert_allclose(weights_of(projection), w, rtol=0.0, atol=1e-11)
    np.testing.assert_allclose(spread(projection, projection.rule.E), E, rtol=0.0, atol=1e-11)
    assert (w == -1.0).any()
    assert ((w > -1.0) & (w != 0.0) & (w < 1.2)).any()


@FORMS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_has_the_same_bits(form, dtype):
    learned = []
    for backend in ("python", "cpu", "threads:3"):
        net, projection = build(REWARDED, form, dtype=dtype, backend=backend)
        net.run(STEPS * DT)
        learned.append((weights_of(projection), spread(projection, projection.rule.E)))
    assert learned[0][0].dtype == dtype
    for other in learned[1:]:
        assert np.array_equal(learned[0], other)
    np.testing.assert_allclose(learned[0], expected(DT, form), rtol=0.0, atol=1e-4)


@FORMS
def test_targets_may_be_taken_in_any_number_of_blocks(form, monkeypatch):
    learned = []
    for blocks in (1, 3):
        monkeypatch.setattr("spikesim.kernels.machine.python.PARTS", blocks)
        net, projection = build(REWARDED, form)
        net.run(STEPS * DT)
        learned.append(weights_of(projection))
    assert np.array_equal(*learned)


def test_neurons_that_excite_themselves_learn_from_their_own_spikes():
    net = Network(dt=DT, dtype="float64", backend="python")
    teacher = net.add_spike_trains("teacher", 5, *np.nonzero(PRE > 0))
    teacher.replace(*np.nonzero(PRE > 0), None, origin=0)
    cells = net.add_population("cells", 5, RELAY)
    net.connect(teacher, cells, target="fire", weight=np.eye(5), delay=0.0)
    loop = net.connect(cells, cells, target="g", weight=np.ones((5, 5)), plasticity=REWARDED)
    net.run(STEPS * DT)
    once = (PRE > 0).astype(int)
    rows = [[one_rewarded(1.0, once[:, i], once[:, j], DT)[0] for j in range(5)] for i in range(5)]
    np.testing.assert_allclose(loop.W, rows, rtol=0.0, atol=1e-11)


def test_a_parameter_that_is_set_holds_from_the_next_run_on():
    net, projection = build(REWARDED)
    net.run(60.0)
    projection.rule.reward = -0.05
    assert projection.rule.reward == -0.05
    net.run(60.0)
    rewards = np.where(np.arange(STEPS) < 120, 0.02, -0.05)
    np.testing.assert_allclose(projection.W, expected(DT, "dense", rewards)[0], atol=1e-11)


def give(i, t, s, p):
    s.reward[0] = 0.1 if t % 4 == 0 else 0.0


def test_a_phase_may_set_a_parameter_in_every_step():
    net, projection = build(REWARDED)
    net.add_phase(give, 1, state={"reward": projection.rule.array("reward")}, first=True)
    net.run(STEPS * DT)
    rewards = np.where(np.arange(STEPS) % 4 == 0, 0.1, 0.0)
    np.testing.assert_allclose(projection.W, expected(DT, "dense", rewards)[0], atol=1e-11)


@FORMS
def test_what_is_off_changes_nothing_while_traces_go_on(form):
    net, projection = build(REWARDED, form)
    other, kept = build(REWARDED, form)
    projection.plasticity.off()
    net.run(60.0)
    other.run(60.0)
    assert np.array_equal(weights_of(projection), np.where(weights_of(projection), WEIGHTS, 0.0))
    assert (projection.rule.E == 0.25).all()
    for name in REWARDED.traces:
        assert np.array_equal(getattr(projection.rule, name), getattr(kept.rule, name))
    projection.plasticity.on()
    net.run(60.0)
    assert (weights_of(projection) != np.where(weights_of(projection), WEIGHTS, 0.0)).any()


def test_a_trace_that_is_read_is_a_sum_of_exponentials():
    net, projection = build(REWARDED, delay=2.5)
    assert (projection.rule.pre == 0.0).all()
    net.run(100.0)
    ago = (200 - np.arange(STEPS)) * DT  # of spikes of each step
    arrived = PRE * (ago > 2.5)[:, None]
    for name, tau in (("pre", 6.0), ("pre_slow", 31.0)):
        sums = (arrived * np.exp((2.5 - ago[:, None]) / tau))[:200].sum(axis=0)
        np.testing.assert_allclose(getattr(projection.rule, name), sums, rtol=1e-9)


@FORMS
def test_a_saved_network_goes_on_with_the_same_bits(form, tmp_path):
    net, projection = build(REWARDED, form, dtype="float32", delay=2.0)
    projection.rule.reward = 0.03
    net.run(50.0)
    net.save(tmp_path / "net.h5")
    copied = copy.deepcopy(net)
    net.run(30.0)
    copied.run(30.0)
    again, restored = build(REWARDED, form, dtype="float32", delay=2.0, weights=WEIGHTS + 0.1)
    again.restore(tmp_path / "net.h5").run(30.0)
    for name, array in projection.arrays().items():
        assert np.array_equal(array, restored.arrays()[name]), name
        assert np.array_equal(array, copied.projections["pre_to_post"].arrays()[name]), name


def test_a_state_is_refused_by_another_rule():
    net, _ = build(REWARDED)
    slower = PlasticityRule(**{**vars(REWARDED), "traces": {**REWARDED.traces, "pre": 7.0}})
    other, _ = build(slower)
    with pytest.raises(InputError, match=r"time constant of pre"):
        other.set_state(net.state())


def test_replicas_learn_as_each_alone():
    nets = [build(REWARDED, backend="cpu") for _ in range(2)]
    nets[1][1].rule.reward = 0.04
    both = Replicas([net for net, _ in nets])
    both.run(60.0)
    for (_, projection), reward in zip(nets, (0.02, 0.04), strict=True):
        net, alone = build(REWARDED)
        alone.rule.reward = reward
        net.run(60.0)
        assert np.array_equal(projection.W, alone.W)


def by_voltage(w, v_post, v_pre):
    return w + 0.1 * v_post + 0.01 * v_pre


@FORMS
def test_a_rule_reads_variables_of_both_neurons(form):
    net, projection = build(PlasticityRule(on_step=by_voltage, every=DT), form)
    v_pre, v_post, w = np.zeros(5), np.zeros(4), np.where(EXISTS, WEIGHTS, 0.0)
    w = w if form == "sparse" else WEIGHTS.copy()
    for t in range(20):
        v_pre = v_pre + 0.25 * PRE[t] - 0.125 * v_pre
        v_post = v_post + 0.25 * POST[t] - 0.125 * v_post
        w = w + (w != 0.0) * (0.1 * v_post + 0.01 * v_pre[:, None])
    net.run(10.0)
    np.testing.assert_allclose(weights_of(projection), w, rtol=1e-12)


def by_factor(w):
    return w * FACTOR


def test_an_edited_constant_is_seen_by_the_next_run(monkeypatch):
    net, projection = build(PlasticityRule(on_step=by_factor, every=DT))
    net.run(1.0)
    assert np.array_equal(projection.W, WEIGHTS)
    monkeypatch.setitem(globals(), "FACTOR", 0.5)
    net.run(1.0)
    assert np.array_equal(projection.W, WEIGHTS / 4.0)


def test_pair_stdp_has_constants_that_may_be_set():
    net, projection = build(PAIRS)
    before = projection.W.copy()
    projection.plasticity.A_plus = projection.plasticity.A_minus = 0.0
    net.run(60.0)
    assert np.array_equal(projection.W, before)
    projection.plasticity.A_minus = 0.01
    net.run(60.0)
    assert (before >= projection.W).all()
    assert (before > projection.W).any()
    projection.plasticity.w_max = 1.2
    with pytest.raises(InputError, match=r"weight holds .* w_max = 0\.5"):
        projection.plasticity.w_max = 0.5
    with pytest.raises(InputError, match=r"tau_plus .* cannot be set; connect with another"):
        projection.plasticity.tau_plus = 3.0
    with pytest.raises(InputError, match=r"no 'A_plsu'.* Did you mean 'A_plus'"):
        projection.plasticity.A_plsu = 3.0


def test_variables_are_written_as_arrays_are():
    _, projection = build(REWARDED, "sparse")
    projection.rule.E = 2.0
    assert (projection.rule.E == 2.0).all()
    projection.rule.E = np.arange(projection.size)
    assert projection.rule.E[3] == 3.0
    with pytest.raises(InputError, match=r"E has shape \(2,\)"):
        projection.rule.E = [1.0, 2.0]
    with pytest.raises(InputError, match="there is A, reward, tau, E"):
        print(projection.rule.eligibility)


def blow_up(w, E):
    return w, E / (E - 0.25)


def test_a_variable_that_is_no_number_stops_the_run():
    net, _ = build(PlasticityRule(on_pre=blow_up, variables={"E": 0.25}, w_min=0.0))
    with pytest.raises(SimulationError, match="variable_E of projection 'pre_to_post'"):
        net.run(STEPS * DT)


def nan_weight(w):
    return w - w * 1e30 * 1e30 + w * 1e30 * 1e30


def test_bounds_do_not_hide_a_weight_that_is_no_number():
    net, _ = build(PlasticityRule(on_pre=nan_weight, w_min=0.0, w_max=2.0), dtype="float32")
    with pytest.raises(SimulationError, match="a weight of projection 'pre_to_post'"):
        net.run(STEPS * DT)


def test_a_slow_trace_is_float64():
    slow = PlasticityRule(on_pre=depress, traces={"post": 1e6}, parameters={"A_minus": 0.1})
    _, projection = build(slow, dtype="float32")
    assert projection.rule.post.dtype == "float64"
    assert projection.W.dtype == "float32"


def no_weight(w, E):
    return w


def fails(w):
    return w + w[0]


def random(w):
    return w + np.random.rand()  # noqa: NPY002


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"on_pre": no_weight, "variables": {"E": 0.0}},
            r"on_pre, no_weight, returns .*; it has to return w, E: a number for each \(line",
        ),
        ({"on_pre": fails}, r"on_pre, fails, fails: .* \(line \d+ of .*test_rules"),
        ({"on_post": random}, r"random uses 'np.random'.*\(line \d+ of .*test_rules"),
    ],
)
def test_a_function_that_cannot_be_used_is_refused_with_its_line(rule, message):
    net, _ = build(PlasticityRule(**rule))
    with pytest.raises(BodyError, match=message):
        net.run(1.0)


def asks_wrongly(w, psot):
    return w


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"on_pre": asks_wrongly}, r"on_pre asks for 'psot'; there is w, .* Did you mean 'post'"),
        ({"on_pre": 3.0}, "on_pre is 3.0; it has to be a plain function"),
        ({"on_pre": None, "on_post": None}, "on_pre, on_post and on_step are all None"),
        ({"every": 1.0}, "every is given without on_step"),
        ({"on_step": by_factor, "every": -1.0}, "every is -1.0"),
        ({"traces": {"pre": 5.0, "post": 5.0, "slow": 3.0}}, "begins with 'pre' or 'post'"),
        ({"traces": {"pre": 0.0, "post": 5.0}}, r"traces\['pre'\] is 0.0"),
        ({"variables": {"post": 1.0}}, "variables has 'post', which is what every synapse has"),
        ({"parameters": {"pre": 1.0}}, "parameters has 'pre', which is one of the traces"),
        ({"variables": {"w": 1.0}}, "variables has 'w', which is the weight"),
        ({"variables": {"off": 1.0}}, "variables has 'off', which is an attribute"),
        ({"variables": {"a__b": 1.0}}, "has '__' in it"),
        ({"parameters": {"A_plus": np.nan, "A_minus": 1.0}}, r"parameters\['A_plus'\] is nan"),
        ({"w_min": 2.0, "w_max": 1.0}, "w_min is 2.0; it has to be below w_max"),
    ],
)
def test_a_rule_that_cannot_be_one_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        PlasticityRule(**{**vars(SAME), **change})


def reads_neuron(w, u_post):
    return w


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w_max": 0.95}, r"weight holds .*; .* from w_min = 0.4 to w_max = 0.95"),
        ({"traces": {"pre": 0.2, "post": 5.0}}, r"traces\['pre'\] is 0.2"),
        ({"on_step": by_factor, "every": 0.7}, r"every is 0.7"),
        ({"on_pre": reads_neuron}, r"on_pre asks for 'u_post', but 'post' has no variable 'u'"),
    ],
)
def test_a_rule_that_does_not_fit_a_network_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        build(PlasticityRule(**{**vars(SAME), **change}))


LATE = np.where(np.arange(WEIGHTS.size).reshape(SHAPE) % 2, 2.5, DT)


@pytest.mark.parametrize("rule", [SAME, PairSTDP()])
def test_delays_of_each_synapse_are_refused_with_what_to_do(rule):
    with pytest.raises(InputError, match=r"delay differs .* connect\(\.\.\., weight=.*delay=2\.5"):
        build(rule, delay=LATE)


def test_synapses_of_several_delays_learn_in_a_projection_for_each_delay():
    net, first = build(REWARDED, weights=np.where(LATE == DT, WEIGHTS, 0.0), form="sparse")
    weight = sparse.csr_array(np.where((LATE == 2.5) & EXISTS, WEIGHTS, 0.0))
    late = {"delay": 2.5, "plasticity": REWARDED, "name": "late"}
    second = net.connect(first.pre, first.post, target="g", weight=weight, **late)
    net.run(60.0)
    for part in (first, second):
        alone, whole = build(REWARDED, form="sparse", delay=part.delay)
        alone.run(60.0)
        there = part.to_scipy().toarray() != 0.0
        assert there.any()
        np.testing.assert_array_equal(
            part.to_scipy().toarray(), np.where(there, whole.to_scipy().toarray(), 0.0)
        )


def test_a_projection_without_plasticity_says_so_when_it_is_used():
    _, fixed = build(None)
    assert not fixed.plasticity
    assert not fixed.rule
    assert str(fixed.plasticity) == "<no plasticity of 'pre_to_post'>"
    with pytest.raises(
        InputError, match=r"'pre_to_post' was connected without .*no 'off'.*PairSTDP"
    ):
        fixed.plasticity.off()
    with pytest.raises(InputError, match=r"'pre_to_post' was connected without .*no 'A_plus'"):
        fixed.rule.A_plus = 0.0
    assert not hasattr(fixed.rule, "A_plus")
