"""Two-compartment neurons that burst, against closed forms and the naive transcription."""

import numpy as np
import pytest
from naive_bursting_neurons import NaiveBurstPoisson, NaivePyramidal, run

from spikesim import InputError, Network
from spikesim.engine.population import ON_SPIKE
from spikesim.kernels.chance import philox, uniform
from spikesim.models.burst.spiking import BurstPoisson, Pyramidal

PORTS = {
    "g_exc_s": "soma_exc",
    "g_inh_s": "soma_inh",
    "g_exc_d": "dendrite_exc",
    "g_inh_d": "dendrite_inh",
}
CHANCE = np.random.default_rng(4)
STEPS = 4000
EVENTS = {
    port: np.where(CHANCE.random(STEPS) < 0.05, weight, 0.0)
    for port, weight in zip(PORTS, (0.6, 0.25, 0.12, 0.03), strict=True)
}
NAMES = {"V_s": "Vs", "V_d": "Vd", "w_s": "w_s", "w_d": "w_d", "theta": "theta"}


def simulate(neuron, backend="python", dtype="float64", steps=STEPS, **parameters):
    net = Network(dt=0.1, seed=5, dtype=dtype, backend=backend)
    inputs = {}
    for port, weights in EVENTS.items():
        at = np.flatnonzero(weights)
        inputs[port] = net.add_spike_trains(f"to_{port}", 1, at * 0.1, np.zeros(at.size, int))
    cell = net.add_population("cell", 1, neuron, **parameters)
    for port, weights in EVENTS.items():
        net.connect(inputs[port], cell, target=port, weight=weights.max(), delay=0.0)
    state, spikes = net.record(cell, list(NAMES)), net.record_spikes(cell)
    net.run_steps(steps)
    return state, spikes


def assert_equal_to_naive(state, spikes, naive):
    expected = run(naive, STEPS, **{PORTS[port]: weights for port, weights in EVENTS.items()})
    assert len(naive.spikes) > 10
    assert spikes.steps.tolist() == naive.spikes
    for name, theirs in NAMES.items():
        assert getattr(state, name)[0] == pytest.approx(expected[theirs], abs=1e-6)


@pytest.mark.parametrize(("local", "driving_force"), [(0, "soma"), (1, "dendrite")])
def test_a_pyramidal_neuron_does_what_the_naive_one_does(local, driving_force):
    state, spikes = simulate(Pyramidal, local_driving_force=local)
    assert_equal_to_naive(state, spikes, NaivePyramidal(driving_force=driving_force))


def test_a_burst_poisson_neuron_does_what_the_naive_one_does():
    state, spikes = simulate(BurstPoisson)
    words = [philox(0, t, 0, ON_SPIKE + len(PORTS), 5, 0) for t in spikes.steps.tolist()]
    draws = {t: [uniform(w) for w in four[:2]] for t, four in zip(spikes.steps, words, strict=True)}

    def drawn_at_events():
        while True:
            yield draws[naive.k]

    naive = NaiveBurstPoisson(drawn_at_events(), authors_lag=True)
    assert_equal_to_naive(state, spikes, naive)
    assert naive.bursts


@pytest.mark.parametrize("neuron", [Pyramidal, BurstPoisson])
def test_compiled_and_plain_have_the_same_bits(neuron):
    plain, spikes = simulate(neuron, dtype="float32", steps=1500)
    compiled, compiled_spikes = simulate(neuron, dtype="float32", steps=1500, backend="cpu")
    assert len(spikes.t) > 2
    assert np.array_equal(spikes.steps, compiled_spikes.steps)
    for name in NAMES:
        assert np.array_equal(getattr(plain, name), getattr(compiled, name))


@pytest.mark.parametrize("neuron", [Pyramidal, BurstPoisson])
def test_currents_move_the_compartments(neuron):
    net = Network(backend="python", dtype="float64")
    cell = net.add_population("cell", 1, neuron, a_d=0.0, E_d=50.0)
    cell.I_s[:], cell.I_d[:] = 100.0, 50.0
    net.run(300.0)
    assert cell.V_s[0] + 70.0 == pytest.approx(100.0 * 16.0 / 370.0, rel=0.01)
    assert cell.V_d[0] + 70.0 == pytest.approx(50.0 * 7.0 / 170.0, rel=0.02)


def bursting(I_d, n=300):
    net = Network(backend="cpu", seed=7)
    cells = net.add_population("cells", n, BurstPoisson)
    cells.I_s[:], cells.I_d[:] = 700.0, I_d
    spikes = net.record_spikes(cells)
    events = net.record_spikes(net.add_events("events", cells))
    bursts = net.record_spikes(net.add_bursts("bursts", cells))
    net.run(300.0)
    return spikes, events, bursts


def test_bursts_of_a_burst_poisson_neuron_come_within_their_window():
    spikes, _, _ = bursting(1000.0)
    intervals = np.concatenate([np.diff(train) for train in spikes.spike_trains()])
    within = intervals[intervals < 19.0]
    assert within.size > 1000
    assert within.min() == pytest.approx(4.9)
    assert within.max() == pytest.approx(14.8)
    assert intervals[intervals > 15.0].min() >= 20.0 - 1e-9


def test_the_chance_of_a_burst_is_a_sigmoid_of_the_dendrite():
    V_d = 200.0 * 7.0 / 170.0 / (1.0 + 13.0 * 7.0 / 170.0) - 70.0
    chance = 1.0 / (1.0 + np.exp(-(V_d + 57.0) / 6.0))
    _, events, bursts = bursting(200.0)
    late = events.t > 100.0  # once the dendrite is steady
    n = late.sum()
    assert (bursts.t > 100.0).sum() / n == pytest.approx(chance, abs=5 * np.sqrt(0.25 / n))


@pytest.mark.parametrize(
    ("neuron", "change", "message"),
    [
        (Pyramidal, {"C_d": 0.0}, "C_d is 0.0"),
        (Pyramidal, {"local_driving_force": 2}, "local_driving_force is 2"),
        (Pyramidal, {"K_duration": 0.05}, "K_duration is 0.05"),
        (BurstPoisson, {"refractory": 14.0}, "above 15"),
        (BurstPoisson, {"E_s": -57.0}, "Did you mean 'C_s'|Unknown parameter 'E_s'"),
    ],
)
def test_impossible_parameters_are_refused(neuron, change, message):
    with pytest.raises(InputError, match=message):
        Network(backend="python").add_population("cell", 1, neuron, **change)
