"""The adaptive exponential neuron: rest, refractoriness, and the naive transcription."""

import numpy as np
import pytest
from naive_bursting_neurons import naive_pv, naive_som, run
from scipy.integrate import solve_ivp

from spikesim import AdEx, InputError, Network
from spikesim.models.burst.spiking import PV, SOM

CHANCE = np.random.default_rng(1)
EXC = np.where(CHANCE.random(3000) < 0.05, 0.6, 0.0)
INH = np.where(CHANCE.random(3000) < 0.05, 0.3, 0.0)


def simulate(parameters, backend="python", dtype="float64", steps=3000, current=0.0):
    """A cell with trains of conductance jumps: its voltages and spikes."""
    net = Network(dt=0.1, dtype=dtype, backend=backend)
    inputs = {}
    for name, weights in (("exc", EXC), ("inh", INH)):
        at = np.flatnonzero(weights)
        inputs[name] = net.add_spike_trains(name, 1, at * 0.1, np.zeros(at.size, int))
    cell = net.add_population("cell", 1, AdEx, **parameters)
    cell.v[:] = parameters["E_L"]
    cell.I[:] = current
    net.connect(inputs["exc"], cell, target="g_exc", weight=EXC.max(), delay=0.0)
    net.connect(inputs["inh"], cell, target="g_inh", weight=INH.max(), delay=0.0)
    voltage, spikes = net.record(cell, ["v", "w"]), net.record_spikes(cell)
    net.run_steps(steps)
    return voltage, spikes


@pytest.mark.parametrize(("parameters", "naive"), [(PV, naive_pv), (SOM, naive_som)])
def test_interneurons_do_what_the_naive_ones_do(parameters, naive):
    cell = naive(V_min=-80.0)
    expected = run(cell, 3000, exc=EXC, inh=INH)
    voltage, spikes = simulate(parameters)
    assert len(cell.spikes) > 5
    assert spikes.steps.tolist() == cell.spikes
    below = expected["V"] < -30.0  # an upstroke is cut off at different heights
    assert voltage.v[0, below] == pytest.approx(expected["V"][below], abs=1e-6)
    assert voltage.w[0] == pytest.approx(expected["w"], abs=1e-6)


def test_compiled_and_plain_have_the_same_bits():
    plain, _ = simulate(SOM, dtype="float32", steps=600)
    compiled, _ = simulate(SOM, dtype="float32", steps=600, backend="cpu")
    for name in ("v", "w"):
        assert np.array_equal(getattr(plain, name), getattr(compiled, name))


def slopes(t, y):
    """The article's equations with its constants, I = 300 pA, and two decaying conductances."""
    V, w = y
    g_exc, g_inh = 0.4 * np.exp(-t / 5.0), 0.5 * np.exp(-t / 10.0)
    ion = -(V + 70.6) + 2.0 * np.exp((V + 50.4) / 2.0) - g_exc * V - g_inh * (V + 80.0)
    return [(30.0 * ion - w + 300.0) / 281.0, (4.0 * (V + 70.6) - w) / 144.0]


def test_the_error_halves_with_the_step():
    exact = solve_ivp(slopes, (0.0, 16.0), [-58.0, 50.0], rtol=1e-11, atol=1e-11).y[:, -1]
    errors = []
    for dt in (0.4, 0.2, 0.1, 0.05):
        net = Network(dt=dt, backend="python", dtype="float64")
        cell = net.add_population("cell", 1, AdEx)
        cell.v[:], cell.w[:], cell.I[:] = -58.0, 50.0, 300.0
        cell.g_exc[:], cell.g_inh[:] = 0.4, 0.5
        net.run(16.0)
        errors.append([abs(cell.v[0] - exact[0]), abs(cell.w[0] - exact[1])])
    assert 1e-4 < max(errors[-1]) < 0.05
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("current", [-200.0, -1000.0, -5000.0])
def test_a_constant_current_takes_the_voltage_as_far_down_as_the_equations_do(current, dtype):
    found = []
    for dt in (0.4, 0.2):
        net = Network(dt=dt, backend="python", dtype=dtype)
        cell = net.add_population("cell", 1, AdEx)
        cell.I[:] = current
        net.run(1500.0)
        found.append(float(cell.v[0]))
    # Where V is far below threshold (1) and (3) are linear. The error is of order dt.
    exact = -70.6 + current / (30.0 + 4.0)
    assert found[1] == pytest.approx(exact, abs=0.2 * abs(current) / 281.0)
    assert 2.0 * found[1] - found[0] == pytest.approx(exact, abs=0.01)


def test_a_bound_that_is_given_is_kept():
    net = Network(backend="python")
    cell = net.add_population("cell", 1, AdEx, V_least=-80.0)
    cell.I[:] = -1000.0
    net.run(100.0)
    assert cell.v[0] == -80.0


@pytest.mark.parametrize("g_inh", [50.0, 95.0, 150.0, 1e4])
@pytest.mark.parametrize("g_exc", [0.0, 40.0, 3e3])
def test_conductances_of_any_size_carry_the_voltage_no_further_than_they_pull_it(g_exc, g_inh):
    net = Network(backend="python", dtype="float64")
    cell = net.add_population("cell", 1, AdEx, V_peak=1000.0, V_T=1000.0, tau_exc=1e9, tau_inh=1e9)
    cell.g_exc[:], cell.g_inh[:] = g_exc, g_inh
    voltage = net.record(cell, "v")
    net.run(20.0)
    # There the leak, which dt = 0.1 ms resolves, is the only other current; w hardly moves.
    pull = -80.0 * g_inh / (g_exc + g_inh)
    low, high = min(pull, -70.6), max(pull, -70.6)
    assert voltage.v.min() >= low - 0.1
    assert voltage.v.max() <= high + 0.1
    steady = (-70.6 - 80.0 * g_inh) / (1.0 + g_exc + g_inh)
    assert voltage.v[0, -1] == pytest.approx(steady, abs=1.5)


@pytest.mark.parametrize("refractory", [0.0, 1.0])
def test_what_the_upstroke_is_cut_off_at_is_seen_by_no_one(refractory):
    net = Network(dt=0.5, backend="python")
    cell = net.add_population("cell", 1, AdEx, Delta_T=0.3, refractory=refractory)
    cell.I[:] = 3000.0
    seen, spikes = net.record(cell, "v"), net.record_spikes(cell)
    net.run(100.0)
    assert spikes.steps.size > 5
    assert seen.v.max() <= 0.0


def test_a_cell_rests_where_leak_and_upstroke_balance():
    net = Network(backend="python", dtype="float64")
    cell = net.add_population("cell", 1, AdEx)
    net.run(300.0)
    V = cell.v[0]
    upstroke = 2.0 * np.exp((V + 50.4) / 2.0)
    above_leak = upstroke - cell.w[0] / 30.0
    assert pytest.approx(above_leak, abs=1e-6) == V + 70.6


def test_the_voltage_is_held_for_the_refractory_period():
    net = Network(backend="python", dtype="float64")
    cell = net.add_population("cell", 1, AdEx, refractory=2.0, V_reset=-60.0, V_hold=-65.0)
    cell.I[:] = 2000.0
    spikes, voltage = net.record_spikes(cell), net.record(cell, "v")
    net.run(30.0)
    V, first = voltage.v[0], spikes.steps[0]
    assert V[first] == -60.0
    assert (V[first + 1 : first + 21] == -65.0).all()
    assert V[first + 21] > -65.0


@pytest.mark.parametrize(
    ("change", "message"),
    [({"C": 0.0}, "C is 0.0"), ({"tau_w": 0.01}, "dt is 0.1 ms"), ({"C": 1.0}, "C / g_L is")],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Network(backend="python").add_population("cell", 1, AdEx, **change)
