"""What all kinds of neurons have in common: what they start from, and times in whole steps."""

import numpy as np
import pytest

from spikesim import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    InputError,
    Izhikevich,
    Network,
    Neuron,
    patterns,
)
from spikesim.checks import check_steps
from spikesim.models.burst.spiking import BurstPoisson, Pyramidal


def rest(i, t, s, p):
    s.spike[i] = 0


# ---- what neurons start from ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "given", "start"),
    [
        (LIF, {"E_L": -70.0, "threshold": -66.0, "V_reset": -72.0}, {"v": -70.0}),
        (CurrentLIF, {"E_L": -80.0, "threshold": -65.0, "V_reset": -80.0}, {"v": -80.0}),
        (AlphaCurrentLIF, {"E_L": -80.0, "threshold": -65.0, "V_reset": -80.0}, {"v": -80.0}),
        (ConductanceLIF, {"E_L": -70.0, "threshold": -65.0}, {"v": -70.0}),
        (AlphaConductanceLIF, {"E_L": -70.0, "threshold": -65.0}, {"v": -70.0}),
        (DeltaLIF, {"E_L": -70.0, "threshold": -50.0, "V_reset": -60.0}, {"v": -70.0}),
        (AdEx, {"E_L": -80.0, "V_T": -70.0, "V_peak": -40.0}, {"v": -80.0}),
        (Izhikevich, {"b": 0.25}, {"v": -64.41391, "u": -16.103477}),
        (Pyramidal, {"E_L": -80.0, "theta_0": -72.0}, {"V_s": -80.0, "V_d": -80.0, "theta": -72.0}),
        (BurstPoisson, {"E_L": -80.0, "theta_0": -72.0}, {"V_s": -80.0, "V_d": -80.0}),
    ],
)
def test_neurons_start_at_the_rest_that_is_given_and_do_not_fire(kind, given, start):
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 3, kind, **given)
    for name, value in start.items():
        assert getattr(cells, name) == pytest.approx(value, rel=1e-6)
    spikes = net.record_spikes(cells)
    net.run(20.0)
    assert spikes.t.size == 0


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (LIF, {"E_L": -49.0, "V_reset": -60.0}),
        (CurrentLIF, {"E_L": -49.0}),
        (ConductanceLIF, {"E_L": -49.0}),
        (DeltaLIF, {"E_L": 21.0, "V_reset": 10.0}),
    ],
)
def test_neurons_whose_rest_is_above_threshold_do_not_begin_with_a_spike(kind, given):
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 3, kind, **given)
    spikes = net.record_spikes(cells)
    net.run(150.0)
    assert spikes.t.min() > 10.0


def test_a_constant_input_moves_where_the_voltage_settles_not_where_it_starts():
    net = Network(dt=0.1, dtype="float64", backend="python")
    cells = net.add_population("cells", 1, CurrentLIF, E_L=-70.0, I=5.0)
    assert cells.v[0] == -70.0
    net.run(300.0)
    assert cells.v[0] == pytest.approx(-65.0, abs=1e-4)


STARTING = Neuron(
    steps=[rest],
    variables={"near": "rest", "far": lambda p: 2.0 * p["rest"]},
    parameters={"rest": -3.0},
)


def test_a_variable_of_a_users_own_starts_from_a_parameter_or_a_function_of_them():
    net = Network(dt=0.1, backend="python")
    default = net.add_population("default", 2, STARTING)
    given = net.add_population("given", 2, STARTING, rest=5.0)
    assert (default.near.tolist(), default.far.tolist()) == ([-3.0, -3.0], [-6.0, -6.0])
    assert (given.near.tolist(), given.far.tolist()) == ([5.0, 5.0], [10.0, 10.0])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("rset", r"variables\['v'\] is 'rset'; it has to be one of 'rest'. Did you mean 'rest'"),
        (None, r"variables\['v'\] is None"),
    ],
)
def test_a_start_that_is_no_parameter_is_refused_with_the_nearest(start, message):
    with pytest.raises(InputError, match=message):
        Neuron(steps=[], variables={"v": start}, parameters={"rest": 0.0})


@pytest.mark.parametrize("start", [lambda p: 1.0 / p["rest"], lambda p: "nothing"])
def test_a_start_that_a_function_cannot_make_is_refused(start):
    kind = Neuron(steps=[], variables={"v": start}, parameters={"rest": 0.0})
    with pytest.raises(InputError, match=r"v has no start|variables\['v'\] is 'nothing'"):
        Network(backend="python").add_population("cells", 1, kind)


# ---- times in steps ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "dt"),
    [
        (333 * 0.3, 0.3),
        (0.1 + 0.2, 0.1),
        (60000.1, 0.1),
        (1e17, 0.1),
        (86400e3 * 365.0, 0.1),
        (sum([0.1] * 1000), 0.1),
        (np.float32(0.8), 0.1),
        (np.float32(1000.1), 0.1),
        (60000.3 - 60000.1, 0.1),
    ],
)
def test_times_that_rounding_keeps_from_being_multiples_pass(time, dt):
    assert check_steps("duration", time, dt) == round(float(time) / dt)


@pytest.mark.parametrize("time", [60000.05, 60000.09, 600000.001, 1e9 + 0.05, 0.05, 0.1001])
def test_times_between_two_steps_are_refused_however_long(time):
    net = Network(dt=0.1, backend="python")
    cells = net.add_population("cells", 1, LIF)
    for use in (
        lambda: net.run(time),
        lambda: net.add_spike_trains("trains", 1, [0.0], [0], period=time),
        lambda: net.add_images("images", np.ones((1, 1)), rate=1.0, duration=time),
        lambda: net.record(cells, "v", every=time),
        lambda: net.connect(cells, cells, target="drive", weight=1.0, delay=time),
        lambda: net.add_population("more", 1, LIF, refractory=time),
        lambda: patterns.poisson(1, rate=1.0, duration=time),
    ):
        with pytest.raises(InputError, match=r"multiple of dt = 0\.1 ms|refractory is"):
            use()
    assert net.step == 0
