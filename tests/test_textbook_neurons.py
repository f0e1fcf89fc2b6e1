"""Neurons of textbooks against SciPy's solver, closed forms, and the order that each states."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from spikesim import (
    AdaptiveLIF,
    ExponentialIF,
    FitzHughNagumo,
    HodgkinHuxley,
    InputError,
    MorrisLecar,
    Network,
    TwoCompartment,
)

ALL = {
    "HodgkinHuxley": HodgkinHuxley,
    "MorrisLecar": MorrisLecar,
    "ExponentialIF": ExponentialIF,
    "AdaptiveLIF": AdaptiveLIF,
    "FitzHughNagumo": FitzHughNagumo,
    "TwoCompartment": TwoCompartment,
}


# ---- the equations, written down anew: slopes of a list of variables ---------------------------


def synapses(v, g_exc, g_inh):
    return g_exc * (0.0 - v) + g_inh * (-80.0 - v)


def hodgkin_huxley(_, y, current):
    v, m, h, n, g_exc, g_inh = y
    a_n, b_n = 0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10)), 0.125 * np.exp(-(v + 65) / 80)
    a_m, b_m = 0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10)), 4 * np.exp(-(v + 65) / 18)
    a_h, b_h = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
    ionic = 120 * m**3 * h * (50 - v) + 36 * n**4 * (-77 - v) + 0.3 * (-54.387 - v)
    return [
        ionic + synapses(v, g_exc, g_inh) + current,
        a_m * (1 - m) - b_m * m,
        a_h * (1 - h) - b_h * h,
        a_n * (1 - n) - b_n * n,
        -g_exc / 5,
        -g_inh / 10,
    ]


def morris_lecar(_, y, current):
    v, w, g_exc, g_inh = y
    M, W = (1 + np.tanh((v + 1.2) / 18)) / 2, (1 + np.tanh((v - 2) / 30)) / 2
    ionic = 4.4 * M * (120 - v) + 8 * w * (-84 - v) + 2 * (-60 - v)
    return [
        (ionic + synapses(v, g_exc, g_inh) + current) / 20,
        0.04 * np.cosh((v - 2) / 60) * (W - w),
        -g_exc / 5,
        -g_inh / 10,
    ]


def exponential_if(_, y, current):
    v, g_exc, g_inh = y
    upstroke = 3.48 * np.exp((v + 59.9) / 3.48)
    return [
        (-65 - v + upstroke + current + synapses(v, g_exc, g_inh)) / 10,
        -g_exc / 5,
        -g_inh / 10,
    ]


def adaptive_lif(_, y, current):
    v, w, I_exc, I_inh = y
    return [
        (-60 - v - w + current + I_exc + I_inh) / 20,
        (0.5 * (v + 60) - w) / 100,
        -I_exc / 5,
        -I_inh / 10,
    ]


def fitzhugh_nagumo(_, y, current):
    v, w, drive = y
    return [v - v**3 / 3 - w + current + drive, (v + 0.7 - 0.8 * w) / 12.5, -drive / 5]


def two_compartment(_, y, current):
    v, v_d, w, w_d, g_exc, g_inh, g_exc_d, g_inh_d = y
    f = 1 / (1 + np.exp(-(v_d + 38) / 6))
    return [
        (-70 - v + synapses(v, g_exc, g_inh)) / 16 + (1300 * f - w + current) / 370,
        (-70 - v_d + synapses(v_d, g_exc_d, g_inh_d)) / 7 + (1200 * f - w_d + 300) / 170,
        -w / 100,
        (13 * (v_d + 70) - w_d) / 30,
        -g_exc / 5,
        -g_inh / 10,
        -g_exc_d / 5,
        -g_inh_d / 10,
    ]


G = {"g_exc": 0.3, "g_inh": 0.2}
G_D = {"g_exc_d": 0.6, "g_inh_d": 0.1}
CASES = {
    # slopes, variables in their order, what they begin with, parameters, current, duration
    "HodgkinHuxley": (hodgkin_huxley, "v m h n_K g_exc g_inh", G, {}, 3.0, 4.0),
    "MorrisLecar": (morris_lecar, "v w g_exc g_inh", {"g_exc": 3.0, "g_inh": 1.0}, {}, 60.0, 20.0),
    "ExponentialIF": (exponential_if, "v g_exc g_inh", {**G, "v": -62.0}, {}, -4.0, 8.0),
    "AdaptiveLIF": (
        adaptive_lif,
        "v w I_exc I_inh",
        {"w": 3.0, "I_exc": 4.0, "I_inh": -6.0},
        {"a": 0.5},
        12.0,
        40.0,
    ),
    "FitzHughNagumo": (fitzhugh_nagumo, "v w drive", {"drive": 0.7}, {}, 0.2, 16.0),
    "TwoCompartment": (
        two_compartment,
        "v v_d w w_d g_exc g_inh g_exc_d g_inh_d",
        {**G, **G_D, "w": 100.0, "I_d": 300.0},
        {"threshold": 0.0},
        300.0,
        16.0,
    ),
}


def ended(name, dt):
    """The variables after some time, and what SciPy says."""
    slopes, names, start, parameters, current, duration = CASES[name]
    net = Network(dt=dt, dtype="float64", backend="python")
    cells = net.add_population("cells", 1, ALL[name], **parameters)
    cells.I[:] = current
    for variable, value in start.items():
        getattr(cells, variable)[:] = value
    begin = [float(cells.state[variable][0]) for variable in names.split()]
    net.run(duration)
    assert cells.spike[0] == 0
    exact = solve_ivp(
        slopes, (0.0, duration), begin, args=(current,), method="DOP853", rtol=1e-12, atol=1e-13
    )
    return np.array([cells.state[variable][0] for variable in names.split()]), exact.y[:, -1]


@pytest.mark.parametrize("name", [name for name in CASES if name != "AdaptiveLIF"])
def test_the_error_is_of_second_order_in_dt(name):
    errors = []
    longest = 0.02 if name == "HodgkinHuxley" else 0.1
    for dt in (longest, longest / 2, longest / 4):
        found, exact = ended(name, dt)
        errors.append(np.max(abs(found - exact) / (1e-3 + abs(exact))))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (abs(orders - 2.0) < 0.15).all()
    assert errors[-1] < 2e-3


@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_the_adaptive_neuron_is_exact_for_any_dt(dt):
    found, exact = ended("AdaptiveLIF", dt)
    np.testing.assert_allclose(found, exact, rtol=1e-10)


# ---- rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_a_neuron_that_is_left_alone_stays_at_rest(name, dtype):
    net = Network(dt=0.1, dtype=dtype, backend="python")
    cells = net.add_population("cells", 1, ALL[name])
    before = {variable: float(array[0]) for variable, array in cells.state.items()}
    net.run(30.0)
    for variable, value in before.items():
        assert abs(cells.state[variable][0] - value) < (1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("name", [name for name in ALL if name != "AdaptiveLIF"])
def test_the_rest_is_where_all_slopes_are_zero(name):
    slopes, names, _, _, _, _ = CASES[name]
    start = ALL[name].start({})
    begin = [start[variable] for variable in names.split()]
    left = np.array(slopes(0.0, begin, 0.0))
    if name == "TwoCompartment":
        left[1] -= 300.0 / 170.0  # that of the dendrite's current
    np.testing.assert_allclose(left, 0.0, atol=1e-9)


def test_the_axon_rests_near_the_65_mV_of_the_article():
    assert abs(HodgkinHuxley.start({})["v"] + 65.0) < 0.01


def test_rest_follows_from_the_parameters():
    assert HodgkinHuxley.start({"g_Na": 0.0, "g_K": 0.0})["v"] == pytest.approx(-54.387)
    assert TwoCompartment.start({"g_d": 0.0, "g_s": 0.0, "E_L": -75.0})["v"] == -75.0


# ---- where rates have no value -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["python", "cpu"])
def test_the_axon_passes_the_voltages_at_which_rates_are_0_by_0(backend, dtype):
    net = Network(dt=0.01, dtype=dtype, backend=backend)
    cells = net.add_population("cells", 6, HodgkinHuxley)
    cells.v[:] = [-55.0, -55.0 + 1e-5, -55.0 - 1e-5, -40.0, -40.0 + 1e-5, -40.0 - 1e-5]
    net.run(0.01)
    for group in (slice(0, 3), slice(3, 6)):
        for variable in ("v", "m", "n_K"):
            np.testing.assert_allclose(
                cells.state[variable][group], cells.state[variable][group][0], rtol=1e-5
            )


def test_the_axon_does_not_blow_up_at_a_long_step():
    net = Network(dt=1.0, backend="python")
    cells = net.add_population("cells", 1, HodgkinHuxley)
    cells.I[:] = 30.0
    voltages = net.record(cells, "v")
    net.run(200.0)
    assert voltages.v.min() > -90.0
    assert voltages.v.max() < 60.0


# ---- spikes ------------------------------------------------------------------------------------


def spikes_of(kind, currents, duration, dt=0.02, **parameters):
    net = Network(dt=dt, dtype="float64")
    cells = net.add_population("cells", len(currents), kind, **parameters)
    cells.I[:] = currents
    spikes = net.record_spikes(cells)
    net.run(duration)
    return spikes


def times_of_scipy(slopes, begin, current, duration, threshold):
    def crossing(_, y, __):
        return y[0] - threshold

    crossing.direction = 1.0
    done = solve_ivp(
        slopes, (0.0, duration), begin, args=(current,), events=crossing, rtol=1e-9, atol=1e-10
    )
    return done.t_events[0]


@pytest.mark.parametrize(
    ("name", "threshold", "current", "duration", "margin"),
    [("HodgkinHuxley", 0.0, 10.0, 100.0, 0.05), ("MorrisLecar", 0.0, 100.0, 400.0, 0.3)],
)
def test_spike_times_are_those_of_the_solver(name, threshold, current, duration, margin):
    slopes, names, _, _, _, _ = CASES[name]
    start = ALL[name].start({})
    begin = [start[variable] for variable in names.split()]
    expected = times_of_scipy(slopes, begin, current, duration, threshold)
    found = spikes_of(ALL[name], [current], duration).t
    assert found.size == expected.size > 3
    assert abs(found - expected).max() < margin


def test_the_system_of_fitzhugh_spikes_when_the_solver_says():
    start = FitzHughNagumo.start({})
    begin = [start["v"], start["w"], 0.0]
    expected = times_of_scipy(fitzhugh_nagumo, begin, 0.5, 300.0, 1.0)
    found = spikes_of(FitzHughNagumo, [0.5], 300.0).t
    assert found.size == expected.size > 5
    assert abs(found - expected).max() < 0.1


def test_the_axon_fires_on_and_on_from_its_rheobase_on():
    counts = spikes_of(HodgkinHuxley, [2.0, 6.0, 7.0, 20.0], 500.0).count
    assert counts[0] == 0
    assert counts[1] <= 3
    assert counts[2] > 20
    assert counts[3] > counts[2]


def test_the_exponential_neuron_fires_above_its_rheobase_at_the_rate_of_its_integral():
    rheobase = -59.9 - 3.48 + 65.0
    quiet, above = spikes_of(ExponentialIF, [rheobase - 0.05, rheobase + 2.0], 1000.0).count
    assert quiet == 0

    def slowness(v):
        return 10.0 / (-65.0 - v + 3.48 * np.exp((v + 59.9) / 3.48) + rheobase + 2.0)

    interval = quad(slowness, -68.0, -30.0, limit=200)[0] + 1.7
    assert abs(above - 1000.0 / interval) < 1.5


def test_an_adaptive_neuron_fires_first_when_its_closed_form_does():
    spikes = spikes_of(AdaptiveLIF, [20.0, 30.0], 200.0)
    for neuron, current in enumerate((20.0, 30.0)):
        first = spikes.t[spikes.i == neuron][0]
        assert abs(first - 20.0 * np.log(current / (current - 10.0))) <= 0.02


@pytest.mark.parametrize("a", [0.0, 0.5])
def test_the_rheobase_of_an_adaptive_neuron_is_that_of_its_steady_state(a):
    # Slow adaptation overshoots; with a fast one the neuron gets to its steady state from below.
    counts = spikes_of(
        AdaptiveLIF, np.array([0.99, 1.01]) * 10.0 * (1.0 + a), 500.0, a=a, tau_w=2.0
    )
    assert counts.count[0] == 0 < counts.count[1]


def test_intervals_of_an_adaptive_neuron_grow_to_those_of_a_fixed_point():
    """In the end w just after a spike is the same each time; that is solved for here."""
    tau, tau_w, b, current, refractory, dt = 20.0, 100.0, 5.0, 25.0, 5.0, 0.01

    def next_w(w, after):
        return w * np.exp(-after / tau_w) + b

    def interval(w):
        """From a spike that leaves w to the next; the threshold is 10 mV above rest."""
        begun = w * np.exp(-refractory / tau_w)

        def above(t):
            slow = begun * (np.exp(-t / tau_w) - np.exp(-t / tau)) * tau_w / (tau_w - tau)
            return current * (1.0 - np.exp(-t / tau)) - slow - 10.0

        return refractory + brentq(above, 0.0, 500.0)

    w = b
    for _ in range(200):
        w = next_w(w, interval(w))
    spikes = spikes_of(AdaptiveLIF, [current], 2000.0, dt=dt, V_reset=-60.0)
    intervals = np.diff(spikes.t)
    assert intervals[0] < intervals[-1]
    assert abs(intervals[-1] - interval(w)) < 0.2


def test_a_dendrite_makes_bursts_of_single_spikes():
    """Input to the dendrite alone hardly makes spikes, with input to the soma it makes bursts."""
    net = Network(dt=0.05)
    cells = net.add_population("cells", 3, TwoCompartment)
    spikes = net.record_spikes(cells)
    cells.I[:], cells.I_d[:] = [700.0, 0.0, 700.0], [0.0, 250.0, 250.0]
    net.run(2000.0)
    rapid = [(np.diff(np.sort(spikes.t[spikes.i == neuron])) < 16.0).mean() for neuron in (0, 2)]
    assert rapid[0] < 0.1
    assert rapid[1] > 0.3
    assert spikes.count[1] < spikes.count[0] < spikes.count[2]


def test_a_plateau_outlasts_the_input_that_began_it():
    """Strong input makes the dendrite's activity rise by itself, beyond what a passive one does."""
    ends = []
    for g_d in (0.0, 1200.0):
        net = Network(dt=0.05, dtype="float64", backend="python")
        cells = net.add_population("cells", 1, TwoCompartment, g_d=g_d)
        cells.g_exc_d[:] = 1.5
        voltages = net.record(cells, "v_d")
        net.run(60.0)
        ends.append(voltages.v_d[0])
    passive, active = ends
    assert passive.max() < active.max() - 5.0
    above = [(trace > -50.0).sum() * 0.05 for trace in ends]
    assert above[1] > 1.5 * above[0]


# ---- synapses, copies, refusals ----------------------------------------------------------------

PORTS = {
    "HodgkinHuxley": ("g_exc", 0.5),
    "MorrisLecar": ("g_exc", 10.0),
    "ExponentialIF": ("g_exc", 1.0),
    "AdaptiveLIF": ("I_exc", 80.0),
    "FitzHughNagumo": ("drive", 2.0),
    "TwoCompartment": ("g_exc", 2.0),
}


@pytest.mark.parametrize("name", PORTS)
def test_a_strong_spike_that_arrives_makes_a_neuron_spike(name):
    port, weight = PORTS[name]
    net = Network(dt=0.05, backend="python")
    source = net.add_spike_trains("source", 1, times=[1.0], ids=[0])
    cells = net.add_population("cells", 2, ALL[name])
    net.connect(source, cells, target=port, weight=np.array([[weight, 0.0]]))
    spikes = net.record_spikes(cells)
    net.run(30.0)
    assert spikes.count.tolist() == [1, 0]


@pytest.mark.parametrize("name", ALL)
def test_the_bits_are_the_same_compiled_and_saved_and_restored(name, tmp_path):
    def build(backend):
        net = Network(dt=0.1, backend=backend, seed=1)
        cells = net.add_population("cells", 4, ALL[name])
        cells.I[:] = np.linspace(0.0, 2.0, 4) * (CASES[name][4] or 1.0)
        return net, cells

    plain, ours = build("python")
    plain.run(20.0)
    first, _ = build("cpu")
    first.run(7.0)
    first.save(tmp_path / "state.h5")
    second, theirs = build("cpu")
    second.restore(tmp_path / "state.h5").run(13.0)
    for variable, array in ours.state.items():
        assert array.tobytes() == theirs.state[variable].tobytes()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("HodgkinHuxley", {"C": 0.0}),
        ("HodgkinHuxley", {"g_Na": -1.0}),
        ("MorrisLecar", {"V_2": 0.0}),
        ("MorrisLecar", {"phi": -0.04}),
        ("ExponentialIF", {"Delta_T": 0.0}),
        ("ExponentialIF", {"V_peak": -60.0}),
        ("ExponentialIF", {"V_reset": -20.0}),
        ("AdaptiveLIF", {"a": -1.0}),
        ("AdaptiveLIF", {"refractory": -1.0}),
        ("TwoCompartment", {"D_d": 0.0}),
        ("TwoCompartment", {"K_duration": -1.0}),
    ],
)
def test_impossible_parameters_are_refused_by_name(name, wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} is"):
        Network().add_population("cells", 1, ALL[name], **wrong)
