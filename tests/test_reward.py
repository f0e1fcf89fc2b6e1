"""Learning from reward, with binary and spiking units: against NumPy, enumeration, and tasks."""

import numpy as np
import pytest
from naive_reward import NaiveReward, NaiveSpikingReward, input_spikes

from spikesim import InputError, datasets
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
