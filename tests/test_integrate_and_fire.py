"""LIF neurons with two synapses against closed forms and a differential-equation solver."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import ConductanceLIF, CurrentLIF, InputError, Network


def one_cell(model, dt, backend="python", **parameters):
    net = Network(dt=dt, dtype="float64", backend=backend)
    cell = net.add_population("cell", 1, model, **parameters)
    return net, cell


def voltage(model, dt, duration, start, **parameters):
    """v at the end of a run that begins with these synaptic variables."""
    net, cell = one_cell(model, dt, threshold=1e9, refractory=0.0, **parameters)
    for name, value in start.items():
        getattr(cell, name)[:] = value
    net.run(duration)
    return float(cell.v[0])


@pytest.mark.parametrize("tau_exc", [5.0, 20.0, 19.9999999])
@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_currents_are_integrated_exactly_whatever_the_step(dt, tau_exc):
    start = {"v": -57.0, "I_exc": 30.0, "I_inh": -12.0}
    ours = voltage(CurrentLIF, dt, 25.0, start, tau_exc=tau_exc, I=3.0)

    def slope(t, y):
        v, e, i = y
        return [(-60.0 - v + 3.0 + e + i) / 20.0, -e / tau_exc, -i / 10.0]

    exact = solve_ivp(slope, (0.0, 25.0), list(start.values()), rtol=1e-11, atol=1e-11).y[0, -1]
    assert ours == pytest.approx(exact, abs=1e-7)


def test_the_error_of_conductances_halves_with_the_step():
    start = {"v": -57.0, "g_exc": 2.0, "g_inh": 5.0}

    def slope(t, y):
        v, e, i = y
        current = -60.0 - v + e * (0.0 - v) + i * (-80.0 - v)
        return [current / 20.0, -e / 5.0, -i / 10.0]

    exact = solve_ivp(slope, (0.0, 8.0), list(start.values()), rtol=1e-11, atol=1e-11).y[0, -1]
    errors = [abs(voltage(ConductanceLIF, dt, 8.0, start) - exact) for dt in (0.4, 0.2, 0.1, 0.05)]
    assert errors[-1] < 0.05
    ratios = np.divide(errors[:-1], errors[1:])
    assert ratios == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("model", [CurrentLIF, ConductanceLIF])
@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_the_rate_under_constant_input_is_the_analytic_one(model, backend):
    net, cell = one_cell(model, 0.01, backend, I=15.0, tau=10.0, refractory=3.0)
    spikes = net.record_spikes(cell)
    net.run(300.0)
    interval = 3.0 + 10.0 * np.log(15.0 / (15.0 - 10.0))
    measured = np.diff(spikes.t)
    assert measured.size > 15
    assert measured == pytest.approx(interval, abs=0.03)


@pytest.mark.parametrize("model", [CurrentLIF, ConductanceLIF])
def test_the_voltage_is_held_while_synapses_go_on(model):
    port = "I_exc" if model is CurrentLIF else "g_exc"
    net, cell = one_cell(model, 0.1, refractory=2.0)
    cell.v[:] = -49.0
    getattr(cell, port)[:] = 8.0
    recording = net.record(cell, ["v", port])
    net.run(4.0)
    fired = int(np.flatnonzero(recording.v[0] == -60.0)[0])
    assert (recording.v[0, fired : fired + 20] == -60.0).all()
    assert recording.v[0, fired + 21] > -60.0
    course = getattr(recording, port)[0]
    assert course[1:] == pytest.approx(course[:-1] * np.exp(-0.1 / 5.0))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tau": 0.05}, "dt is 0.1 ms, longer than tau"),
        ({"refractory": 0.25}, "refractory is 0.25"),
        ({"taux": 1.0}, "tau"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        Network(dt=0.1, backend="python").add_population("c", 1, CurrentLIF, **parameters)
