"""Learning from reward, with binary and spiking units: against NumPy, enumeration, and tasks."""

import numpy as np
import pytest
from naive_reward import NaiveReward, NaiveSpikingReward, input_spikes

from spikesim import InputError, datasets, plot
from spikesim.learning import alignment
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork

CHANCE = np.random.default_rng(1)
X = CHANCE.random((14, 6)) * (CHANCE.random((14, 6)) > 0.3)
LABELS = CHANCE.integers(0, 3, 14)
STIMULI = CHANCE.integers(0, 4, 14)
REWARDS = CHANCE.normal(0.0, 1.0, (14, 3))  # of each action
EXPECTED = CHANCE.normal(0.0, 1.0, 14)
SIZES = [(6, 4, 3), (6, 5, 4, 3)]


def build(sizes=(6, 4, 3), kind=RewardNetwork, dtype="float64", backend="python", seed=2, **more):
    return kind(sizes, seed=seed, dtype=dtype, backend=backend, **more)


def uniforms(sizes, action="softmax", trials=14):
    chance = np.random.default_rng(3)
    last = 1 if action == "softmax" else sizes[-1]
    return [chance.random((trials, n)) for n in (*sizes[1:-1], last)]


def assert_close(net, oracle, atol=1e-10):
    for own, theirs in zip(net.W, oracle.W, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=0, atol=atol)
    np.testing.assert_allclose(net.training.output.baseline, oracle.baseline.b, rtol=0, atol=atol)


# ------------------------------------------------------------------------ against NumPy

OPTIONS = [
    *({"baseline": kind} for kind in ("none", "global", "stimulus", "expected")),
    {"entropy": 0.3, "start": 0.5, "kappa": 0.2},
    {"action": "bernoulli", "baseline": "stimulus"},
    {"action": "bernoulli", "entropy": 0.3},
    {"decay": 0.01, "bias_rate": 0.5, "reduction": "sum"},
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_binary_units_learn_what_those_of_the_transcription_learn(options, batch, sizes):
    action = options.get("action", "softmax")
    net = build(sizes, eta=0.4, batch=batch, stimuli=4, **options)
    oracle = NaiveReward(net.W, net.b, eta=0.4, contexts=4, **options)
    U, targets = uniforms(sizes, action), np.eye(3)[LABELS] if action == "bernoulli" else REWARDS
    rewards = []
    for first in range(0, len(X), batch):
        now = slice(first, first + batch)

        def reward(i, chosen, wanted=targets[now]):
            return np.mean(chosen == wanted[i]) if action == "bernoulli" else wanted[i][chosen]

        drawn = [each[now] for each in U]
        if action == "softmax":
            drawn[-1] = drawn[-1][:, 0]
        rewards += oracle.learn(X[now], reward, drawn, STIMULI[now], EXPECTED[now])[1]
    stimuli = STIMULI if options.get("baseline") == "stimulus" else np.zeros(14)
    given = {"U": U, "stimulus": [stimuli], "expected": [EXPECTED]}
    trials = net.learn(X, targets, given=given)
    assert_close(net, oracle)
    for own, theirs in zip(net.b, oracle.b, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-10)
    np.testing.assert_allclose(trials.reward, rewards, rtol=0, atol=1e-12)


SPIKING = [
    *({"baseline": kind} for kind in ("none", "global", "stimulus", "expected")),
    {"escape": "logistic", "decay": 0.01},
    {"tau_z": 8.0, "tau_m": 5.0, "tau_s": 2.0, "tau_r": 3.0, "eta_r": 0.5},
    {"dt": 0.5, "rho_0": 0.05, "theta": 0.0, "reduction": "sum"},
]


def spiking(sizes, **options):
    return build(sizes, SpikingRewardNetwork, T=20.0, theta=options.pop("theta", -0.2), **options)


def shown(net, chance, trials=14):
    """Inputs of 0 and 1, uniform numbers of all layers, and the spikes of inputs."""
    steps = sum(net.parameters.steps)
    x = chance.integers(0, 2, (trials, net.sizes[0])).astype(float)
    U = [chance.random((trials, steps, n)) for n in net.sizes]
    U[0] *= 0.1  # so that inputs fire more
    dt = net.parameters.dt
    return x, U, np.array([input_spikes(2 * a - 1, u, dt) for a, u in zip(x, U[0], strict=True)])


def oracle_of(net, **options):
    p = net.parameters
    same = ("escape", "baseline", "kappa", "start", "decay", "reduction", "dt", "tau_m", "tau_s",
            "tau_r", "rho_0", "theta", "eta_r")  # fmt: skip
    values = {name: getattr(p, name) for name in same}
    tau_z = np.inf if p.tau_z is None else p.tau_z
    return NaiveSpikingReward(
        net.W, eta=p.eta, tau_z=tau_z, delta_u=p.Delta_u, contexts=p.stimuli or 1, **values
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("options", SPIKING, ids=str)
def test_spiking_units_learn_what_those_of_the_transcription_learn(options, batch, sizes):
    net = spiking(sizes, eta=0.01, batch=batch, stimuli=4, **options)
    oracle = oracle_of(net)
    chance = np.random.default_rng(4)
    x, U, inputs = shown(net, chance)
    ties, rewards, emitted = chance.random(14), [], []
    for first in range(0, 14, batch):
        now = slice(first, first + batch)

        def reward(i, chosen, wanted=REWARDS[now]):
            return wanted[i][chosen]

        drawn = [each[now] for each in U[1:]]
        _, got, out = oracle.learn(
            inputs[now], reward, drawn, STIMULI[now], ties[now], EXPECTED[now]
        )
        rewards, emitted = rewards + got, emitted + [each[1].mean() for each in out]
    stimuli = STIMULI if options.get("baseline") == "stimulus" else np.zeros(14)
    given = {"U": U, "tie": [ties], "stimulus": [stimuli], "expected": [EXPECTED]}
    trials = net.learn(x, REWARDS, given=given)
    assert np.mean(emitted) > 0.01
    assert_close(net, oracle)
    np.testing.assert_allclose(trials.reward, rewards, rtol=0, atol=1e-12)
    per_step = 1000.0 / net.parameters.dt
    np.testing.assert_allclose(trials.rate[:, 0], np.array(emitted) * per_step, rtol=1e-12)


# ------------------------------------------------------------------------ the gradient

ACTIONS = np.array([1.0, 0.2, -0.5])


def six_inputs(seed=5, **options):
    net = build(seed=seed, **options)
    for b in range(2):
        net.b[b] = np.random.default_rng(seed + b).normal(0.0, 0.5, net.b[b].shape)
    return net, X[:1], ACTIONS[None]


@pytest.mark.parametrize("action", ["softmax", "bernoulli"])
def test_the_gradient_is_that_of_the_expected_reward_over_all_outcomes(action):
    net, x, rewards = six_inputs(action=action)
    oracle = NaiveReward(net.W, net.b, action=action)

    def reward(chosen):
        return np.mean(chosen == rewards[0]) if action == "bernoulli" else rewards[0][chosen]

    rewards = rewards if action == "softmax" else np.array([[1.0, 0.0, 1.0]])
    found = net.gradient(x, rewards)
    exact = oracle.expected_gradient(x[0], reward)
    for own, arrays, theirs in zip((found.dW, found.db), (oracle.W, oracle.b), exact, strict=True):
        for g, array, e in zip(own, arrays, theirs, strict=True):
            np.testing.assert_allclose(g, e, rtol=0, atol=1e-12)
            numeric = np.zeros(array.shape)
            for place in np.ndindex(*array.shape):
                before = array[place]
                ends = []
                for change in (1e-5, -1e-5):
                    array[place] = before + change
                    ends.append(oracle.expected_reward(x[0], reward))
                array[place] = before
                numeric[place] = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(g, numeric, rtol=0, atol=1e-7)


def test_beyond_twelve_units_the_gradient_is_a_mean_of_draws():
    net, x, rewards = six_inputs()
    exact = net.gradient(x, rewards)
    many = build((6, 13, 3), draws=20_000)
    many.W[0] = np.hstack([net.W[0], np.zeros((6, 9))])
    many.W[1] = np.vstack([net.W[1], np.zeros((9, 3))])
    many.b[0], many.b[1] = np.append(net.b[0], np.zeros(9)), net.b[1]
    drawn = many.gradient(x, rewards)
    assert alignment.angle(drawn.dW[0][:, :4], exact.dW[0]) < 5.0
    assert alignment.angle(drawn.dW[1][:4], exact.dW[1]) < 5.0


@pytest.mark.parametrize("baseline", ["none", "expected"])
def test_the_mean_of_200_000_updates_is_the_gradient(baseline):
    net, x, rewards = six_inputs(backend="cpu", baseline=baseline, eta=1e-4, batch=100_000)
    exact, before = net.gradient(x, rewards), [np.array(W) for W in net.W]
    net.learn(np.tile(x, (200_000, 1)), np.tile(rewards, (200_000, 1)))
    mean = np.concatenate([(W - b).ravel() / 2e-4 for W, b in zip(net.W, before, strict=True)])
    g = np.concatenate([dW.ravel() for dW in exact.dW])
    assert mean @ g / (np.linalg.norm(mean) * np.linalg.norm(g)) > 0.9999
    assert np.linalg.norm(mean - g) / np.linalg.norm(g) < 0.01


def test_the_expected_reward_as_baseline_lowers_the_variance_where_it_is_far_from_0():
    variance = {}
    for baseline in ("none", "expected"):
        net, x, rewards = six_inputs(backend="cpu", baseline=baseline)
        drawn = [net.update(x, rewards, draw).dW for draw in range(400)]
        variance[baseline] = sum(np.var(of, axis=0).sum() for of in zip(*drawn, strict=True))
    assert variance["expected"] < 0.75 * variance["none"]


def test_what_a_unit_does_beyond_its_probability_is_0_on_average():
    net, x, _ = six_inputs(backend="cpu")
    many, surprises = 100_000, []
    for first in range(0, many, 500):
        trials = net.play(np.tile(x, (500, 1)), np.zeros(500, int), draw=first // 500)
        surprises.append(trials.rate[:, 0])
    p = 1.0 / (1.0 + np.exp(-(x[0] @ net.W[0] + net.b[0])))
    off = abs(np.concatenate(surprises).mean() - p.mean())
    assert off < 4.0 * np.sqrt((p * (1.0 - p)).sum() / 16 / many)


@pytest.mark.parametrize("escape", ["exponential", "logistic"])
def test_eligibility_is_the_gradient_of_the_log_likelihood_of_recorded_spikes(escape):
    net = spiking((6, 5, 4, 3), escape=escape)
    x, U, inputs = shown(net, np.random.default_rng(6), 1)
    trial = net.record(x[0], 0, given={"U": U})
    spikes = [np.zeros((20, n)) for n in net.sizes]
    for s, name in zip(spikes, trial.layers, strict=True):
        s[trial.spikes[name].t.astype(int), trial.spikes[name].i] = 1.0
    np.testing.assert_array_equal(spikes[0], inputs[0])
    oracle = oracle_of(net)
    for W, name in zip(oracle.W, trial.layers[1:], strict=True):
        numeric = np.zeros(W.shape)
        for place in np.ndindex(*W.shape):
            before, ends = W[place], []
            for change in (1e-5, -1e-5):
                W[place] = before + change
                ends.append(oracle.log_likelihood(inputs[0], spikes[1:]))
            W[place] = before
            numeric[place] = (ends[0] - ends[1]) / 2e-5
        z = trial.z[name][:, :, -1]
        assert np.abs(z).max() > 0.1
        np.testing.assert_allclose(z, numeric, rtol=0, atol=1e-6)


def test_the_potential_of_one_spike_peaks_in_the_fifth_step_and_sums_to_what_its_filters_give():
    net = build((1, 1, 2), SpikingRewardNetwork, T=300.0)
    U = [np.ones((1, 300, n)) for n in (1, 1, 2)]
    U[0][0, 0] = 0.0
    eps = net.record([1.0], 0, given={"U": U}).eps["input"][0]
    assert eps.argmax() == 4
    assert eps.max() == pytest.approx(0.2111, abs=5e-5)
    assert eps[:-1].sum() == pytest.approx(3.528, abs=5e-4)


# ------------------------------------------------------------------------ reward from outside


KINDS = {
    "binary": lambda **more: build((6, 5, 3), eta=0.3, **more),
    "bits": lambda **more: build((6, 5, 3), eta=0.3, action="bernoulli", **more),
    "spiking": lambda **more: spiking((6, 5, 3), eta=0.05, delay=3.0, **more),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("baseline", ["global", "stimulus"])
def test_reward_computed_in_python_leaves_the_weights_that_the_compiled_one_leaves(kind, baseline):
    inside, outside = (KINDS[kind](baseline=baseline, stimuli=4) for _ in range(2))
    targets = np.eye(3)[LABELS] if kind == "bits" else REWARDS
    stimuli = STIMULI if baseline == "stimulus" else np.zeros(14, int)
    trials = inside.learn(X, targets, given={"stimulus": [stimuli]})
    for k in range(14):
        action = outside.act(X[k], stimuli[k])
        if kind == "bits":
            outside.reward(np.mean(action == targets[k]))
        else:
            assert action == trials.action[k]
            outside.reward(targets[k][action])
    for own, theirs in zip(outside.W, inside.W, strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_a_reward_needs_an_action_and_an_action_without_reward_teaches_nothing():
    net = KINDS["binary"]()
    with pytest.raises(InputError, match="act comes before reward"):
        net.reward(1.0)
    before = np.array(net.W[0])
    net.act(X[0])
    net.act(X[1])
    np.testing.assert_array_equal(net.W[0], before)
    net.reward(1.0)
    assert (net.W[0] != before).any()
    with pytest.raises(InputError, match="act comes before reward"):
        net.reward(1.0)
    net.act(X[0])
    net.learn(X, LABELS)
    with pytest.raises(InputError, match="act comes before reward"):
        net.reward(1.0)


def test_acting_again_without_reward_draws_anew():
    net = build((6, 40, 3))
    assert len({net.act(X[0]) for _ in range(30)}) > 1


def test_what_cannot_be_rewarded_is_refused_by_its_name():
    with pytest.raises(InputError, match="batch is above 1"):
        build(batch=2).act(X[0])
    with pytest.raises(InputError, match="stimulus"):
        build(baseline="stimulus", stimuli=2).act(X[0], stimulus=2)
    with pytest.raises(InputError, match=r"x has shape \(5,\)"):
        build().act(X[0, :5])
    net = build()
    net.act(X[0])
    with pytest.raises(InputError, match=r"^R is nan"):
        net.reward(float("nan"))
    with pytest.raises(InputError, match=r"T is 20.3 ms; it has to be a multiple of dt"):
        SpikingRewardNetwork((6, 4, 3), T=20.3)


def test_a_reward_may_be_given_with_the_examples():
    paid, given = build(eta=0.3), build(eta=0.3)
    trials = paid.learn(X, REWARDS)
    given.learn(X, LABELS, given={"R": [trials.reward]})
    for own, theirs in zip(given.W, paid.W, strict=True):
        np.testing.assert_array_equal(own, theirs)


# ------------------------------------------------------------------------ tests and recordings


def test_a_test_takes_probabilities_in_place_of_units_that_are_0_or_1():
    net = build((6, 5, 4, 3))
    oracle = NaiveReward(net.W, net.b)
    expected = [int(oracle.mean_field(x).argmax()) for x in X]
    np.testing.assert_array_equal(net.predict(X), expected)


@pytest.mark.parametrize(("tau_z", "left"), [(None, 1.0), (10.0, np.exp(-0.1))])
def test_a_recording_has_spikes_potentials_and_eligibilities_which_fade(tau_z, left):
    net = spiking((6, 5, 3), delay=4.0, tau_z=tau_z)
    trial = net.record(X[0], 1)
    eps, g = trial.eps["hidden_1"], trial.g["output"]
    z, steps = np.zeros((5, 3)), []
    for step in range(24):
        z = left * z + np.outer(eps[:, step], g[:, step])
        steps.append(z)
    steps.append(z)  # in the last step comes the reward
    np.testing.assert_allclose(trial.z["output"], np.stack(steps, axis=2), atol=1e-12)
    assert trial.u["hidden_1"].shape == (5, 25)
    assert set(trial.spikes) == {"input", "hidden_1", "output"}


def test_a_figure_shows_the_synapse_with_the_largest_eligibility_and_the_end_of_the_stimulus():
    trial = spiking((6, 5, 3), delay=4.0).record(X[0], 1)
    *_, g, z = plot.eligibility(trial, "hidden_1")
    largest = np.abs(trial.z["hidden_1"][:, :, -1]).max()
    assert abs(z.lines[0].get_ydata()[-1]) == largest
    assert g.lines[1].get_xdata()[0] == 20.0
    with pytest.raises(InputError, match="layer is 'hidden_2'"):
        plot.eligibility(trial, "hidden_2")


def test_a_figure_shows_rewards_and_rates_in_blocks():
    left, right = plot.rewards([0.0, 1.0, 1.0, 1.0, 0.0], [[1.0, 2.0]] * 5, block=2)
    np.testing.assert_array_equal(left.lines[0].get_xydata(), [[2.0, 0.5], [4.0, 1.0]])
    assert [line.get_ydata()[0] for line in right.lines] == [1.0, 2.0]
    with pytest.raises(InputError, match="block is 6, but R has 5 entries"):
        plot.rewards([0.0] * 5, [[1.0]] * 5, block=6)


# ------------------------------------------------------------------------ tasks


def contexts(chance, many, inputs, apart):
    """Inputs of 0 and 1, of which any two differ in at least so many."""
    while True:
        x = chance.integers(0, 2, (many, inputs))
        off = (x[:, None] != x[None]).sum(axis=2) + inputs * np.eye(many, dtype=int)
        if off.min() >= apart:
            return x


@pytest.mark.parametrize("seed", [0, 1])
def test_a_bandit_with_eight_contexts_is_learned(seed):
    chance = np.random.default_rng(seed)
    x = 2.0 * contexts(chance, 8, 10, 2) - 1.0
    good, which = chance.permutation(np.arange(8) % 4), chance.integers(0, 8, 40_000)
    net = build((10, 32, 4), dtype="float32", backend="cpu", seed=seed, eta=(0.2, 0.02),
                entropy=0.1, baseline="stimulus", stimuli=8)  # fmt: skip
    reward = net.learn(x[which], good[which], given={"stimulus": [which]}).reward
    assert reward[-2000:].mean() >= 0.97
    assert reward[:3000].reshape(-1, 500).mean(axis=1).max() > 0.8


def test_digits_are_learned_from_a_reward_of_0_or_1_if_hidden_units_learn():
    digits = datasets.load_digits()
    wrong = {}
    for eta in (0.1, 0.0):
        net = build((64, 100, 10), dtype="float32", backend="cpu", seed=0, eta=(eta, 0.02),
                    entropy=0.2, start=0.1, kappa=0.01)  # fmt: skip
        net.fit(digits.train_images, digits.train_labels, epochs=300)
        wrong[eta] = net.evaluate(digits.test_images, digits.test_labels)
    assert wrong[0.1] < 8.0
    assert wrong[0.0] > 50.0


def spiking_bandit(seed, trials=20_000, **options):
    """Rewards and hidden rates of the last 2,000 trials."""
    chance = np.random.default_rng(seed)
    x = contexts(chance, 4, 20, 3).astype(float)
    good, which = chance.permutation(np.arange(4) % 2), chance.integers(0, 4, trials)
    net = build((20, 20, 2), SpikingRewardNetwork, "float32", "cpu", seed, baseline="stimulus",
                stimuli=4, **options)  # fmt: skip
    found = net.learn(x[which], good[which], given={"stimulus": [which]})
    return found.reward[-2000:].mean(), found.rate[-2000:].mean()


def test_a_bandit_is_learned_by_spiking_units_if_hidden_ones_learn():
    reward, rate = spiking_bandit(0)
    assert reward >= 0.85
    assert 15.0 < rate < 40.0
    assert spiking_bandit(0, eta=(0.0, 0.005))[0] <= 0.72


def test_a_late_reward_finds_what_has_earned_it_only_in_traces_that_last_until_then():
    late = {"trials": 12_000, "delay": 20.0, "eta": 0.0075}
    assert spiking_bandit(0, tau_z=50.0, **late)[0] >= 0.75
    assert spiking_bandit(0, tau_z=5.0, **late)[0] <= 0.6
