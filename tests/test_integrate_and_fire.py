"""Leaky integrate-and-fire neurons against closed forms and a differential-equation solver."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    InputError,
    Network,
)

SILENT = {"threshold": 1e9, "refractory": 0.0}


def one_cell(model, dt=0.1, backend="python", **parameters):
    net = Network(dt=dt, dtype="float64", backend=backend)
    cell = net.add_population("cell", 1, model, **parameters)
    return net, cell


def voltage(model, dt, duration, start, **parameters):
    """v at the end of a run that begins with these values."""
    net, cell = one_cell(model, dt, **parameters)
    for name, value in start.items():
        getattr(cell, name)[:] = value
    net.run(duration)
    return float(cell.v[0])


def solution(slope, duration, *start):
    """The first variable at the end, by a solver that chooses its own steps."""
    return solve_ivp(slope, (0.0, duration), start, rtol=1e-11, atol=1e-11).y[0, -1]


def alpha(t, weight, tau):
    """What a spike at time 0 gives."""
    return weight * (t / tau) * np.exp(1.0 - t / tau)


def course(model, variable, port, weight, at, duration, **parameters):
    """A variable of one cell in each step; one spike of this weight arrives at a port."""
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [at], [0])
    cell = net.add_population("cell", 1, model, **parameters)
    net.connect(source, cell, target=port, weight=weight, delay=0.0)
    recording = net.record(cell, variable)
    net.run(duration)
    return getattr(recording, variable)[0]


@pytest.mark.parametrize("tau_exc", [5.0, 20.0, 19.9999999])
@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_currents_are_integrated_exactly_whatever_the_step(dt, tau_exc):
    start = {"v": -57.0, "I_exc": 30.0, "I_inh": -12.0}
    ours = voltage(CurrentLIF, dt, 25.0, start, tau_exc=tau_exc, I=3.0, **SILENT)

    def slope(t, y):
        v, e, i = y
        return [(-60.0 - v + 3.0 + e + i) / 20.0, -e / tau_exc, -i / 10.0]

    assert ours == pytest.approx(solution(slope, 25.0, -57.0, 30.0, -12.0), abs=1e-7)


@pytest.mark.parametrize("tau_synapse", [5.0, 20.0, 19.9999999])
@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_a_drive_is_integrated_exactly_whatever_the_step(dt, tau_synapse):
    start = {"v": -57.0, "drive": 12.0}
    ours = voltage(LIF, dt, 25.0, start, tau_synapse=tau_synapse, I=3.0, refractory=0.0)

    def slope(t, y):
        v, drive = y
        return [(-65.0 - v + 3.0 + drive) / 20.0, -drive / tau_synapse]

    assert ours == pytest.approx(solution(slope, 25.0, -57.0, 12.0), abs=1e-7)


@pytest.mark.parametrize("dt", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("tau_s", [2.0, 10.0])
@pytest.mark.parametrize(
    ("model", "port", "names"),
    [
        (LIF, "drive", ("tau", "tau_synapse")),
        (CurrentLIF, "I_exc", ("tau", "tau_exc")),
    ],
)
def test_a_spike_gives_the_same_potential_whatever_the_step(model, port, names, dt, tau_s):
    net, cell = one_cell(model, dt, **dict(zip(names, (10.0, tau_s), strict=True)))
    source = net.add_spike_trains("source", 1, [10.0], [0])
    net.connect(source, cell, target=port, weight=3.0, delay=dt)
    recording = net.record(cell, "v")
    net.run(40.0)
    t = recording.t - 10.0  # since it arrived, at the end of a step
    if tau_s == 10.0:
        exact = 3.0 * t / 10.0 * np.exp(-t / 10.0)
    else:
        exact = 3.0 * tau_s / (10.0 - tau_s) * (np.exp(-t / 10.0) - np.exp(-t / tau_s))
    rest = model.parameters["E_L"]
    assert recording.v[0] - rest == pytest.approx(np.where(t > 0.0, exact, 0.0), abs=1e-12)


@pytest.mark.parametrize("tau_exc", [5.0, 20.0, 19.9999999])
@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_alpha_currents_are_integrated_exactly_whatever_the_step(dt, tau_exc):
    start = {"v": -57.0, "rise_exc": 30.0, "rise_inh": -12.0}
    ours = voltage(AlphaCurrentLIF, dt, 25.0, start, tau_exc=tau_exc, I=3.0, **SILENT)

    def slope(t, v):
        return (-60.0 - v + 3.0 + alpha(t, 30.0, tau_exc) + alpha(t, -12.0, 10.0)) / 20.0

    assert ours == pytest.approx(solution(slope, 25.0, -57.0), abs=1e-7)


@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_jumps_are_integrated_exactly_whatever_the_step(dt):
    net = Network(dt=dt, dtype="float64", backend="python")
    times, weights = np.array([5.0, 10.0, 20.0]), np.array([8.0, -3.0, 6.0])
    source = net.add_spike_trains("source", 3, times, np.arange(3))
    cell = net.add_population("cell", 1, DeltaLIF, I=4.0, refractory=0.0)
    cell.v[:] = 2.0
    net.connect(source, cell, target="v", weight=weights.reshape(3, 1), delay=0.0)
    net.run(30.0)
    exact = 4.0 - 2.0 * np.exp(-30.0 / 20.0) + weights @ np.exp((times - 30.0) / 20.0)
    assert cell.v[0] == pytest.approx(exact, abs=1e-12)


def slope_of_conductances(t, y):
    v, e, i = y
    return [(-60.0 - v + e * (0.0 - v) + i * (-80.0 - v)) / 20.0, -e / 5.0, -i / 10.0]


def slope_of_alpha_conductances(t, y):
    v, e, i = y[0], alpha(t, 2.0, 5.0), alpha(t, 5.0, 10.0)
    return [(-60.0 - v + e * (0.0 - v) + i * (-80.0 - v)) / 20.0]


@pytest.mark.parametrize(
    ("model", "start", "slope", "variables"),
    [
        (ConductanceLIF, {"v": -57.0, "g_exc": 2.0, "g_inh": 5.0}, slope_of_conductances, 3),
        (
            AlphaConductanceLIF,
            {"v": -57.0, "rise_exc": 2.0, "rise_inh": 5.0},
            slope_of_alpha_conductances,
            1,
        ),
    ],
    ids=["conductances", "alpha conductances"],
)
def test_the_error_of_what_is_not_exact_halves_with_the_step(model, start, slope, variables):
    exact = solution(slope, 8.0, *list(start.values())[:variables])
    ours = [voltage(model, dt, 8.0, start, **SILENT) for dt in (0.4, 0.2, 0.1, 0.05)]
    errors = np.abs(np.subtract(ours, exact))
    assert 1e-4 < errors[-1] < 0.05
    assert errors[:-1] / errors[1:] == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("model", "variable"), [(AlphaCurrentLIF, "I_{}"), (AlphaConductanceLIF, "g_{}")]
)
@pytest.mark.parametrize(("kind", "tau"), [("exc", 5.0), ("inh", 10.0)])
def test_a_spike_gives_an_alpha_function_whose_peak_is_the_weight(model, variable, kind, tau):
    peak = 3.0 * (model.variables[f"rise_{kind}"].sign or 1)
    ours = course(model, variable.format(kind), f"rise_{kind}", peak, 1.0, 41.0, **SILENT)
    since = 0.1 * np.arange(ours.size) - 0.9  # at the end of each step
    assert (ours[:10] == 0.0).all()
    assert ours[10:] == pytest.approx(alpha(since[10:], peak, tau), abs=1e-12)
    assert since[np.abs(ours).argmax()] == pytest.approx(tau)
    assert ours[np.abs(ours).argmax()] == pytest.approx(peak, abs=1e-12)


@pytest.mark.parametrize(
    "model", [CurrentLIF, ConductanceLIF, AlphaCurrentLIF, AlphaConductanceLIF]
)
@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_the_rate_under_constant_input_is_the_analytic_one(model, backend):
    net, cell = one_cell(model, 0.01, backend, I=15.0, tau=10.0, refractory=3.0)
    spikes = net.record_spikes(cell)
    net.run(300.0)
    interval = 3.0 + 10.0 * np.log(15.0 / (15.0 - 10.0))
    measured = np.diff(spikes.t)
    assert measured.size > 15
    assert measured == pytest.approx(interval, abs=0.03)


@pytest.mark.parametrize("backend", ["python", "cpu"])
@pytest.mark.parametrize("refractory", [0.0, 2.0])
def test_the_interval_between_resets_from_above_rest_is_the_analytic_one(backend, refractory):
    net, cell = one_cell(DeltaLIF, 0.01, backend, I=30.0, refractory=refractory)
    spikes = net.record_spikes(cell)
    net.run(300.0)
    interval = refractory + 20.0 * np.log((30.0 - 10.0) / (30.0 - 20.0))
    measured = np.diff(spikes.t)
    assert measured.size > 15
    assert ((measured > interval - 1e-9) & (measured < interval + 0.01 + 1e-9)).all()


@pytest.mark.parametrize(("weight", "steps"), [(20.0, []), (20.001, [10])])
def test_a_jump_above_threshold_is_a_spike_in_the_same_step(weight, steps):
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [1.0], [0])
    cell = net.add_population("cell", 1, DeltaLIF)
    net.connect(source, cell, target="v", weight=weight, delay=0.0)
    spikes = net.record_spikes(cell)
    net.run(3.0)
    assert spikes.steps.tolist() == steps


def test_jumps_in_the_refractory_period_are_lost():
    net = Network(dt=0.1, dtype="float64", backend="python")
    first = net.add_spike_trains("first", 1, [1.0], [0])
    later = np.arange(1, 30)  # steps
    second = net.add_spike_trains("second", 29, 1.0 + 0.1 * later, np.arange(29))
    cells = net.add_population("cells", 29, DeltaLIF, refractory=2.0)
    net.connect(first, cells, target="v", weight=25.0, delay=0.0)
    net.connect(second, cells, target="v", weight=5.0 * np.eye(29), delay=0.0)
    spikes = net.record_spikes(cells)
    net.run(4.0)
    assert (spikes.count == 1).all()
    undisturbed = 10.0 * np.exp(-1.0 / 20.0)  # v is released at 3 ms
    assert cells.v[later < 20] == pytest.approx(undisturbed)
    still_there = 5.0 * np.exp(-(3.0 - 0.1 * later[later >= 20]) / 20.0)
    assert cells.v[later >= 20] == pytest.approx(undisturbed + still_there)


@pytest.mark.parametrize("backend", ["python", "cpu"])
@pytest.mark.parametrize("refractory", [0.0, 0.1, 2.0])
def test_a_jump_at_the_end_of_the_refractory_period_may_be_a_spike(refractory, backend):
    net = Network(dt=0.1, backend=backend)
    after = np.arange(1, 31)  # steps
    first = net.add_spike_trains("first", 1, [1.0], [0])
    second = net.add_spike_trains("second", 30, 1.0 + 0.1 * after, np.arange(30))
    cells = net.add_population("cells", 30, DeltaLIF, refractory=refractory)
    net.connect(first, cells, target="v", weight=25.0, delay=0.0)
    net.connect(second, cells, target="v", weight=25.0 * np.eye(30), delay=0.0)
    spikes = net.record_spikes(cells)
    net.run(5.0)
    assert (spikes.count == np.where(after >= round(refractory / 0.1), 2, 1)).all()


@pytest.mark.parametrize(
    ("model", "port"),
    [
        (LIF, "drive"),
        (CurrentLIF, "I_exc"),
        (AlphaCurrentLIF, "I_exc"),
        (ConductanceLIF, "g_exc"),
        (AlphaConductanceLIF, "g_exc"),
        (AdEx, "I"),
    ],
)
def test_the_shortest_interval_is_the_refractory_period_and_a_step(model, port):
    net, cell = one_cell(model, refractory=2.0)
    getattr(cell, port)[:] = 1e9
    spikes = net.record_spikes(cell)
    net.run(9.0)
    assert (np.diff(spikes.steps) == 21).all()
    assert spikes.steps.size == 5


@pytest.mark.parametrize(
    ("model", "port"),
    [
        (CurrentLIF, "I_exc"),
        (ConductanceLIF, "g_exc"),
        (AlphaCurrentLIF, "rise_exc"),
        (AlphaConductanceLIF, "rise_exc"),
    ],
)
def test_the_voltage_is_held_while_synapses_go_on(model, port):
    net, cell = one_cell(model, refractory=2.0)
    cell.v[:] = -49.0
    getattr(cell, port)[:] = 8.0
    recording = net.record(cell, ["v", port])
    net.run(4.0)
    fired = int(np.flatnonzero(recording.v[0] == -60.0)[0])
    assert (recording.v[0, fired : fired + 20] == -60.0).all()
    assert recording.v[0, fired + 21] > -60.0
    values = getattr(recording, port)[0]
    assert values[1:] == pytest.approx(values[:-1] * np.exp(-0.1 / 5.0))


@pytest.mark.parametrize("model", [CurrentLIF, AlphaCurrentLIF, DeltaLIF])
def test_a_voltage_that_decays_to_0_gets_there(model):
    net, cell = one_cell(model, E_L=0.0, **SILENT)
    cell.v[:] = 1.0
    net.run(20.0)
    assert cell.v[0] == pytest.approx(np.exp(-1.0))
    net.run(1000.0)
    assert cell.v[0] == 0.0


def test_compiled_and_plain_have_the_same_bits():
    inputs = [
        (CurrentLIF, {"I_exc": 90.0, "I_inh": -10.0}),
        (ConductanceLIF, {"g_exc": 3.0, "g_inh": 1.0}),
        (AlphaCurrentLIF, {"rise_exc": 60.0, "rise_inh": -10.0}),
        (AlphaConductanceLIF, {"rise_exc": 3.0, "rise_inh": 1.0}),
        (DeltaLIF, {"v": 30.0}),
    ]
    numbers, counts = {}, {}
    for backend in ("python", "cpu"):
        net, chance = Network(backend=backend), np.random.default_rng(1)
        cells = []
        for k, (model, start) in enumerate(inputs):
            cells.append(net.add_population(f"cells_{k}", 3, model, I=5.0))
            for name, most in start.items():
                getattr(cells[-1], name)[:] = most * chance.uniform(0.5, 1.0, 3)
        spikes = [net.record_spikes(population) for population in cells]
        net.run(40.0)
        numbers[backend] = [array for p in cells for array in p.arrays().values()]
        counts[backend] = [recording.count.sum() for recording in spikes]
    for plain, compiled in zip(numbers["python"], numbers["cpu"], strict=True):
        assert np.array_equal(plain, compiled)
    assert counts["python"] == counts["cpu"]
    assert min(counts["cpu"]) > 0


@pytest.mark.parametrize(
    ("model", "parameters", "message"),
    [
        (CurrentLIF, {"tau": 0.05}, "dt is 0.1 ms, longer than tau"),
        (CurrentLIF, {"refractory": 0.25}, "refractory is 0.25"),
        (LIF, {"refractory": 0.25}, "refractory is 0.25"),
        (CurrentLIF, {"taux": 1.0}, "tau"),
        (AlphaConductanceLIF, {"tau_inh": 0.05}, "dt is 0.1 ms, longer than tau_inh"),
        (DeltaLIF, {"refractory": 0.25}, "refractory is 0.25"),
        (DeltaLIF, {"V_reset": 21.0}, r"V_reset is 21\.0; it has to be .* at most 20"),
    ],
)
def test_impossible_parameters_are_refused(model, parameters, message):
    with pytest.raises(InputError, match=message):
        Network(dt=0.1, backend="python").add_population("c", 1, model, **parameters)
