"""Izhikevich's neuron against a differential-equation solver, between spikes and across them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikesim import InputError, Izhikevich, Network, Poisson
from spikesim.neurons import IZHIKEVICH_2003


def slopes(a=0.02, b=0.2, current=0.0, drive=0.0):
    """dv/dt and du/dt; the drive decays from its value at time 0, in 5 ms."""

    def slope(t, y):
        v, u = y
        total = current + drive * np.exp(-t / 5.0)
        return [0.04 * v**2 + 5.0 * v + 140.0 - u + total, a * (b * v - u)]

    return slope


def peak(t, y):
    return y[0] - 30.0


peak.terminal = True


def spike_times(kind, current, duration):
    """The exact ones, from rest on: the solver stops at each peak."""
    a, b, c, d = (IZHIKEVICH_2003[kind][name] for name in "abcd")
    rest = np.roots([0.04, 5.0 - b, 140.0]).min()
    t, y, times = 0.0, [rest, b * rest], []
    while True:
        course = solve_ivp(
            slopes(a, b, current), (t, duration), y, events=peak, rtol=1e-8, atol=1e-8
        )
        if course.status == 0:
            return np.array(times)
        t = course.t[-1]
        times.append(t)
        y = [c, course.y[1, -1] + d]


def one_cell(dt, backend="python", **parameters):
    net = Network(dt=dt, dtype="float64", backend=backend)
    return net, net.add_population("cell", 1, Izhikevich, **parameters)


@pytest.fixture(scope="module")
def trains():
    """Spike times of all kinds in 300 ms of a current of 10 mV/ms."""
    net = Network(dt=0.02, dtype="float64")
    spikes = {}
    for number, (kind, parameters) in enumerate(IZHIKEVICH_2003.items()):
        cell = net.add_population(f"cell_{number}", 1, Izhikevich, **parameters)
        cell.I[:] = 10.0
        spikes[kind] = net.record_spikes(cell)
    net.run(300.0)
    return {kind: recording.t for kind, recording in spikes.items()}


def test_the_error_between_spikes_falls_with_the_square_of_the_step():
    exact = solve_ivp(
        slopes(current=2.0, drive=3.0), (0.0, 12.0), [-68.0, -12.0], rtol=1e-11, atol=1e-11
    ).y[:, -1]
    errors = []
    for dt in (0.8, 0.4, 0.2, 0.1):
        net, cell = one_cell(dt)
        cell.v[:], cell.u[:], cell.I[:], cell.drive[:] = -68.0, -12.0, 2.0, 3.0
        net.run(12.0)
        errors.append([abs(cell.v[0] - exact[0]), abs(cell.u[0] - exact[1])])
    assert max(errors[-1]) < 0.01
    assert np.divide(errors[:-1], errors[1:]) == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize("dt", [0.2, 0.1, 0.05, 0.02])
def test_the_first_spike_is_in_the_step_in_which_the_exact_one_is(dt):
    net, cell = one_cell(dt)
    cell.I[:] = 10.0
    spikes = net.record_spikes(cell)
    net.run(10.0)
    exact = spike_times("regular spiking", 10.0, 10.0)
    assert 0.0 <= exact[0] - spikes.t[0] <= dt


@pytest.mark.parametrize("kind", IZHIKEVICH_2003)
def test_spike_trains_are_those_of_a_solver_that_stops_at_each_peak(kind, trains):
    exact = spike_times(kind, 10.0, 300.0)
    assert exact.size > 5
    assert trains[kind].size == exact.size
    assert trains[kind][0] == pytest.approx(exact[0], abs=0.02)
    assert np.diff(trains[kind]) == pytest.approx(np.diff(exact), abs=0.2)


def test_chattering_has_bursts_and_regular_spiking_has_none(trains):
    def sizes(kind):
        ends = np.flatnonzero(np.diff(trains[kind]) > 15.0) + 1  # ms of silence between bursts
        return [burst.size for burst in np.split(trains[kind], ends)]

    assert len(sizes("chattering")) > 3
    assert min(sizes("chattering")) > 3
    assert len(sizes("regular spiking")) > 5
    assert max(sizes("regular spiking")) == 1


def test_a_spike_resets_v_and_adds_to_u():
    net, cell = one_cell(0.1, c=-50.0, d=2.0)
    cell.v[:], cell.u[:] = 29.0, -10.0
    net.run(0.1)
    assert cell.spike[0] == 1
    assert cell.v[0] == -50.0
    assert cell.u[0] == pytest.approx(-10.0 + 2.0, abs=0.1)


def test_compiled_and_plain_have_the_same_bits():
    found = {}
    for backend in ("python", "cpu"):
        net = Network(seed=1, backend=backend)
        source = net.add_population("source", 50, Poisson)
        source.rate[:] = 40.0
        cells = net.add_population("cells", 4, Izhikevich)
        cells.I[:] = [0.0, 2.0, 4.0, 6.0]
        net.connect(source, cells, target="drive", weight=2.0)
        spikes = net.record_spikes(cells)
        net.run(100.0)
        found[backend] = [cells.v, cells.u, cells.drive, spikes.count]
    assert found["cpu"][3].min() > 0
    for plain, compiled in zip(found["python"], found["cpu"], strict=True):
        assert np.array_equal(plain, compiled)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"c": 30.0}, "c is 30.0"), ({"tau_synapse": 0.05}, "dt is 0.1 ms, longer than tau_synapse")],
)
def test_impossible_parameters_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Network(dt=0.1, backend="python").add_population("cell", 1, Izhikevich, **change)
