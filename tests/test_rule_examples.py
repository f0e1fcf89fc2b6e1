"""The plasticity rules of the examples against sums over spikes, as the papers have them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from spikesim import Network, Neuron

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import inhibitory_plasticity
import reward_stdp
import synaptic_scaling
import triplet_stdp

DT = 1.0  # ms
STEPS = 400
CHANCE = np.random.default_rng(5)
PRE = CHANCE.random((STEPS, 4)) < 0.05
POST = CHANCE.random((STEPS, 3)) < 0.05
DELAY = 2.0  # ms
ARRIVALS = np.vstack([np.zeros((2, 4), bool), PRE[:-2]])
T = np.arange(STEPS) * DT


def relay(i, t, s, p):
    s.spike[i] = s.told[i] >= 1.0
    s.told[i] = 0.0


RELAY = Neuron([relay], {"told": 0.0, "g": 0.0})


def synapses_after(rule, weight, add=None, **numbers):
    """The synapses that had these spikes, in float64."""
    net = Network(dt=DT, dtype="float64", backend="python")
    trains = [net.add_spike_trains("pre", 4, *trains_of(PRE))]
    trains.append(net.add_spike_trains("teacher", 3, *trains_of(POST)))
    post = net.add_population("post", 3, RELAY)
    net.connect(trains[1], post, target="told", weight=np.eye(3), delay=0.0)
    made = net.connect(trains[0], post, target="g", weight=weight, delay=DELAY, plasticity=rule)
    for name, value in numbers.items():
        setattr(made.rule, name, value)
    if add is not None:
        add(net, made)
    net.run(STEPS * DT)
    return made


def trains_of(spikes):
    steps, ids = np.nonzero(spikes)
    return steps * DT, ids


def kernel(tau, includes_now):
    """exp(-(t - s) / tau) for every time t and every spike time s before it."""
    lag = T[:, None] - T[None, :]
    before = lag >= 0.0 if includes_now else lag > 0.0
    return np.where(before, np.exp(-np.abs(lag) / tau), 0.0)


def test_inhibitory_plasticity_sums_over_all_pairs_of_spikes_in_both_orders():
    rule = inhibitory_plasticity.RULE
    lag = np.abs(T[:, None] - T[None, :])
    pairs = ARRIVALS.T.astype(float) @ np.exp(-lag / 20.0) @ POST
    alpha = 2.0 * 5.0e-3 * 20.0  # with a target of 5 Hz, in spikes per ms
    change = 5e-4 * (pairs - alpha * ARRIVALS.sum(axis=0)[:, None])
    made = synapses_after(rule, 3.0)
    assert np.abs(change).min() > 1e-4
    np.testing.assert_allclose(made.W - 3.0, change, rtol=1e-9)


def test_triplets_are_pairs_that_weaken_and_one_before_two_that_strengthen():
    before, arrived = POST.astype(float), ARRIVALS.astype(float)
    o_1 = kernel(33.7, includes_now=False) @ before
    o_2 = kernel(114.0, includes_now=False) @ before
    r_1 = kernel(16.8, includes_now=True) @ arrived
    change = -7.1e-3 * arrived.T @ o_1 + 6.5e-3 * r_1.T @ (before * o_2)
    made = synapses_after(triplet_stdp.RULE, 1.0)
    assert np.abs(change).max() > 0.1
    np.testing.assert_allclose(made.W - 1.0, change, rtol=0.0, atol=1e-11)


def test_marks_and_dopamine_change_weights_together():
    w, c, dopamine = np.full((4, 3), 1.2), np.zeros((4, 3)), 0.004
    pre, post = np.zeros((4, 1)), np.zeros((1, 3))
    for t in range(STEPS):
        pre, post = pre * np.exp(-DT / 20.0), post * np.exp(-DT / 20.0)
        arrive, fire = ARRIVALS[t][:, None], POST[t][None, :]
        c = c - 0.05 * post * arrive
        pre = pre + arrive
        c = c + 0.1 * pre * fire
        post = post + fire
        w = np.clip(w + dopamine * c * DT, 0.0, 2.4)
        c = c * (1.0 - DT / 200.0)
        dopamine *= np.exp(-DT / 50.0)

    def fade(net, made):
        state = {"dopamine": made.rule.array("dopamine")}
        net.add_phase(reward_stdp.fade, 1, state=state, params={"left": float(np.exp(-DT / 50.0))})

    made = synapses_after(reward_stdp.RULE, 1.2, fade, dopamine=0.004)
    assert np.abs(w - 1.2).max() > 0.01
    np.testing.assert_allclose(made.W, w, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(made.rule.c, c, rtol=0.0, atol=1e-12)
    assert made.rule.dopamine == pytest.approx(dopamine)


def test_scaling_multiplies_all_weights_of_a_neuron_by_the_same():
    trace = kernel(2000.0, includes_now=True) @ POST.astype(float)
    factor = np.ones(3)
    for t in range(99, STEPS, 100):
        rate = 1000.0 * trace[t] / 2000.0
        factor *= 1.0 + 0.01 * (1.0 - rate / 8.0)
    weight = CHANCE.uniform(1.0, 2.0, (4, 3))
    made = synapses_after(synaptic_scaling.RULE, weight)
    assert np.abs(factor - 1.0).max() > 0.005
    np.testing.assert_allclose(made.W, weight * factor, rtol=1e-12)
