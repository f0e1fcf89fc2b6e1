"""What is true of bursting neurons, of the transcription and, where it has one, of the model."""

import math

import naive_bursting_neurons as naive
import numpy as np
import pytest
from naive_bursting_neurons import (
    DT,
    STD,
    BurstSynapse,
    ISIDetector,
    NaiveBurstPoisson,
    NaivePyramidal,
    Synapses,
    TraceDetector,
    burst_dependent_plasticity,
    burst_poisson_pairing,
    burst_poisson_train,
    naive_pv,
    naive_som,
    offline_events_and_bursts,
    online_events_and_bursts,
    periodic_pairing,
    periodic_trains,
    poisson_pairing,
    renewal_train,
    short_term_plasticity,
)
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from tests.model_pyramidal import PARAMETERS, ModelPyramidal


def run(neuron, steps, **inputs):
    own = isinstance(neuron, ModelPyramidal)
    return neuron.run(steps, **inputs) if own else naive.run(neuron, steps, **inputs)


def transcribed(**given):
    """A neuron of the transcription, whose constants belong to its class."""
    constants = {name: given.pop(name) for name in list(given) if name in PARAMETERS}
    return type("Naive", (NaivePyramidal,), constants)(**given)


@pytest.fixture(params=[transcribed, ModelPyramidal])
def pyramidal(request):
    """Makes a neuron, of the transcription or of the model."""
    return request.param


PASSIVE = dict.fromkeys(("gs", "gd", "a_d", "b_s"), 0.0)
"""No plateau, no adaptation: two leaky compartments that do not know of each other."""

INTEGRATOR = {**PASSIVE, "tau_s": math.inf, "tau_d": math.inf}
"""No leak either: what comes in adds up."""


def spike_once(neuron):
    neuron.Vs = 0.0
    neuron.step()
    assert neuron.spikes == [0]


# ------------------------------------------------------------------ pyramidal neurons


def test_a_neuron_without_input_rests_where_the_specification_says(pyramidal):
    trace = run(pyramidal(), 5000)
    assert trace["Vs"][-1] == pytest.approx(-69.73, abs=0.03)
    assert trace["Vd"][-1] == pytest.approx(-69.84, abs=0.03)
    assert trace["w_d"][-1] == pytest.approx(trace["Vd"][-1] + 70, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "I_d"),
    # The model injects currents before all else of a step, as its authors do.
    [*((transcribed, I_d) for I_d in (-100.0, 0.0, 100.0)), (ModelPyramidal, 0.0)],
)
def test_the_rest_balances_leak_plateau_and_adaptation(make, I_d):
    def dendritic_current(V):
        plateau = 1200 / (1 + np.exp(-(V + 38) / 6))
        return plateau + I_d - (170 / 7 + 13) * (V + 70)

    Vd = brentq(dendritic_current, -80, -50)
    Vs = -70 + 1300 / (1 + np.exp(-(Vd + 38) / 6)) * 16 / 370
    trace = run(make(), 8000, I_d=I_d)
    assert trace["Vd"][-1] == pytest.approx(Vd, abs=1e-4)
    assert trace["Vs"][-1] == pytest.approx(Vs, abs=1e-4)


def test_the_potentials_follow_the_differential_equations_below_threshold(pyramidal):
    I_s, I_d = 300.0, 350.0

    def right_hand_side(t, y):
        Vs, Vd, w_d = y
        f = 1 / (1 + np.exp(-(Vd + 38) / 6))
        return [
            -(Vs + 70) / 16 + (1300 * f + I_s) / 370,
            -(Vd + 70) / 7 + (1200 * f - 13 * w_d + I_d) / 170,
            ((Vd + 70) - w_d) / 30,
        ]

    dt = 0.01
    t = np.arange(1, 10_001) * dt
    exact = solve_ivp(right_hand_side, (0, 100), [-75, -60, 0.1], t_eval=t, rtol=1e-9, atol=1e-9)
    neuron = pyramidal(Vs=-75.0, Vd=-60.0, theta_0=0.0, dt=dt)
    trace = run(neuron, 10_000, I_s=I_s, I_d=I_d)
    for name, values in zip(("Vs", "Vd", "w_d"), exact.y, strict=True):
        assert np.ptp(values) > 3
        assert np.allclose(trace[name], values, atol=0.01 * np.ptp(values))


def test_potentials_decay_to_rest_with_the_membrane_time_constants(pyramidal):
    trace = run(pyramidal(**PASSIVE, Vs=-60.0, Vd=-60.0), 300)
    t = np.arange(1, 301) * DT
    assert np.allclose(trace["Vs"] + 70, 10 * np.exp(-t / 16), atol=0.04)
    assert np.allclose(trace["Vd"] + 70, 10 * np.exp(-t / 7), atol=0.04)


def test_a_current_moves_each_compartment_by_current_over_leak():
    neuron = transcribed(**{**PASSIVE, "a_d": 13.0})
    trace = run(neuron, 5000, I_s=100.0, I_d=100.0)
    assert trace["Vs"][-1] == pytest.approx(-70 + 100 / 23.125, abs=1e-4)
    assert trace["Vd"][-1] == pytest.approx(-70 + 100 / (24.286 + 13), abs=1e-3)


def test_the_plateau_is_half_on_at_its_midpoint_and_e_times_as_likely_on_as_off_6_mV_above():
    for neuron, midpoint in ((NaivePyramidal(), -38.0), (NaiveBurstPoisson([]), -57.0)):
        neuron.Vd = midpoint
        assert neuron.plateau() == 0.5
        neuron.Vd = midpoint + 6
        assert neuron.plateau() / (1 - neuron.plateau()) == pytest.approx(math.e)


def test_a_spike_resets_the_soma_and_raises_the_threshold_by_2_mV(pyramidal):
    neuron = pyramidal()
    spike_once(neuron)
    assert (neuron.Vs, neuron.theta, neuron.w_s) == (-70.0, -48.0, 1.0)
    spike_once_more = pyramidal(w_s=1.0)
    spike_once_more.theta = -48.0
    spike_once(spike_once_more)
    assert spike_once_more.theta == pytest.approx(-46.0, abs=0.01)
    assert spike_once_more.w_s == pytest.approx(2.0, abs=0.002)


def test_the_threshold_returns_with_27_ms_and_the_somatic_adaptation_with_100_ms(pyramidal):
    neuron = pyramidal()
    spike_once(neuron)
    trace = run(neuron, 1000)
    t = np.arange(1, 1001) * DT
    assert np.allclose(trace["theta"] + 50, 2 * np.exp(-t / 27), atol=0.005)
    assert np.allclose(trace["w_s"], np.exp(-t / 100), rtol=1e-9)


def test_a_spike_takes_200_pA_from_the_soma(pyramidal):
    neuron = pyramidal(**{**INTEGRATOR, "b_s": 200.0})
    spike_once(neuron)
    trace = run(neuron, 15_000)
    # 200 pA that decay with 100 ms: 20 pC over 370 pF.
    assert trace["Vs"][-1] + 70 == pytest.approx(-200 * 100 / 370, rel=1e-3)


def test_a_spike_lifts_the_dendrite_by_30_6_mV_in_20_steps(pyramidal):
    neuron = pyramidal(**INTEGRATOR)
    spike_once(neuron)
    Vd = np.concatenate([[neuron.Vd], run(neuron, 50)["Vd"]])
    rises = np.diff(Vd)
    assert np.flatnonzero(rises).tolist() == list(range(20))
    assert np.allclose(rises[:20], 1.5294, atol=1e-4)
    assert Vd[-1] + 70 == pytest.approx(30.588, abs=1e-3)


def test_a_second_spike_restarts_the_box_and_adds_nothing_to_it(pyramidal):
    neuron = pyramidal(**INTEGRATOR)
    spike_once(neuron)
    run(neuron, 9)
    neuron.Vs = 0.0
    Vd = run(neuron, 60)["Vd"]
    assert neuron.spikes == [0, 10]
    assert Vd[-1] + 70 == pytest.approx(30 * 0.1 * 2600 / 170, rel=1e-9)


def test_the_threshold_moves_before_the_soma_is_compared_with_it(pyramidal):
    neuron = pyramidal(**INTEGRATOR, Vs=-48.003)
    neuron.theta = -48.0  # -48.0074 after the step
    neuron.step()
    assert neuron.spikes == [0]


def test_a_soma_at_its_threshold_does_not_fire_and_just_above_it_does(pyramidal):
    neuron = pyramidal(**INTEGRATOR, Vs=-50.0)
    neuron.step()
    assert neuron.spikes == []
    neuron.Vs += 1e-9
    neuron.step()
    assert neuron.spikes == [1]


def test_dendritic_drive_turns_single_spikes_into_bursts(pyramidal):
    fractions = []
    for I_d in (0.0, 400.0):
        neuron = pyramidal()
        run(neuron, 10_000, I_s=500.0, I_d=I_d)
        events, bursts = offline_events_and_bursts([k * DT for k in neuron.spikes])
        assert len(events) >= 3
        fractions.append(len(bursts) / len(events))
    assert fractions[0] == 0
    assert fractions[1] > 0.8


def test_a_finer_step_gives_nearly_the_same_spikes():
    times = []
    for dt in (0.1, 0.01):
        neuron = NaivePyramidal(dt=dt)
        run(neuron, round(200 / dt), I_s=500.0, I_d=200.0)
        times.append(np.array(neuron.spikes) * dt)
    assert len(times[0]) >= 3
    assert np.allclose(times[0], times[1], atol=2.0)


# ------------------------------------------------------------------ synapses


@pytest.mark.parametrize(("kind", "drive", "tau"), [("exc", 70, 5), ("inh", -10, 10)])
@pytest.mark.parametrize(("compartment", "tau_m"), [("soma", 16), ("dendrite", 7)])
def test_a_small_event_gives_a_potential_of_two_exponentials(
    pyramidal, compartment, tau_m, kind, drive, tau
):
    weights = np.zeros(1000)
    weights[0] = w = 1e-3
    trace = run(pyramidal(**PASSIVE), 1000, **{f"{compartment}_{kind}": weights})
    V = trace["Vs" if compartment == "soma" else "Vd"] + 70
    t = np.arange(1, 1001) * DT
    closed_form = w * drive / tau_m * (np.exp(-t / tau_m) - np.exp(-t / tau))
    closed_form /= 1 / tau - 1 / tau_m
    assert np.allclose(V, closed_form, atol=0.02 * np.abs(closed_form).max())


def test_conductances_decay_exactly_and_add_up():
    synapses = Synapses(DT)
    for _ in range(50):
        synapses.drive(0.0, 0.0, -70.0)
    synapses.drive(0.3, 0.2, -70.0)
    for _ in range(99):
        synapses.drive(0.0, 0.0, -70.0)
    synapses.drive(0.3, 0.2, -70.0)
    assert synapses.g_exc == pytest.approx(0.3 * (math.exp(-10.1 / 5) + math.exp(-0.1 / 5)))
    assert synapses.g_inh == pytest.approx(0.2 * (math.exp(-10.1 / 10) + math.exp(-0.1 / 10)))


def test_an_event_acts_in_its_own_step_with_all_of_its_weight(pyramidal):
    neuron = pyramidal(**PASSIVE)
    neuron.step(soma_exc=0.01)
    assert neuron.Vs == pytest.approx(-70 + 0.1 / 16 * 0.01 * 70, rel=1e-12)


def test_dendritic_synapses_see_the_voltage_of_the_soma_unless_told_otherwise(pyramidal):
    lifted = {}
    for driving_force in ("soma", "dendrite"):
        neuron = pyramidal(**PASSIVE, Vs=-50.0, Vd=-70.0, driving_force=driving_force)
        neuron.step(dendrite_exc=0.01)
        lifted[driving_force] = neuron.Vd + 70
    assert lifted["soma"] == pytest.approx(0.1 / 7 * 0.01 * 50, rel=1e-9)
    assert lifted["dendrite"] == pytest.approx(0.1 / 7 * 0.01 * 70, rel=1e-9)


# ------------------------------------------------------------------ BurstPoisson neurons


def driven(draws, steps, I_s=5000.0, **options):
    neuron = NaiveBurstPoisson(draws, **options)
    return neuron, run(neuron, steps, I_s=I_s)


@pytest.mark.parametrize(("draw", "interval"), [(0.0, 50), (0.5, 100), (0.999, 150)])
def test_the_second_spike_comes_5_to_15_ms_after_the_first(draw, interval):
    neuron, _ = driven([(0.0, draw)] + 9 * [(1.0, 0.0)], 1000)
    first = neuron.events[0]
    assert neuron.bursts == [first + interval]
    assert sorted(neuron.events + neuron.bursts) == neuron.spikes


@pytest.mark.parametrize(("draw", "interval"), [(0.0, 49), (0.5, 99), (0.999, 148)])
def test_in_the_authors_program_the_second_spike_comes_one_or_two_steps_earlier(draw, interval):
    neuron, _ = driven([(0.0, draw)] + 9 * [(1.0, 0.0)], 1000, authors_lag=True)
    assert neuron.bursts == [neuron.events[0] + interval]


def test_events_keep_an_absolute_refractory_period_of_20_ms_also_after_a_second_spike():
    neuron, _ = driven([(1.0, 0.0), (0.0, 0.0)] + 3 * [(1.0, 0.0)], 800)
    assert np.diff(neuron.spikes)[:3].tolist() == [200, 50, 200]


def test_an_event_becomes_a_burst_with_the_probability_of_the_plateau():
    class Clamped(NaiveBurstPoisson):
        tau_d, a_d = math.inf, 0.0

    # (Vd + 57) / 6 = log(3): a probability of 3/4.
    for draw, bursts in ((0.749, True), (0.751, False)):
        neuron = Clamped([(draw, 0.0)], Vd=-57 + 6 * math.log(3))
        run(neuron, 100, I_s=5000.0)
        assert len(neuron.events) == 1
        assert bool(neuron.bursts) == bursts


def test_a_second_spike_changes_neither_potentials_nor_threshold_nor_adaptation():
    (_, with_it), (_, without) = (driven([(u, 0.0)], 150, I_s=2000.0) for u in (0.0, 1.0))
    for name in ("Vs", "Vd", "w_s", "w_d", "theta"):
        assert np.array_equal(with_it[name], without[name])


def test_soma_and_dendrite_of_a_burst_poisson_neuron_do_not_know_of_each_other():
    traces = []
    for Vs, Vd in ((-70.0, -70.0), (-60.0, -70.0), (-70.0, -60.0)):
        traces.append(run(NaiveBurstPoisson([(1.0, 0.0)] * 5, Vs=Vs, Vd=Vd), 500, I_s=100.0))
    rest, soma, dendrite = traces
    assert np.array_equal(soma["Vd"], rest["Vd"])
    assert np.array_equal(dendrite["Vs"], rest["Vs"])


# ------------------------------------------------------------------ interneurons


def rheobase(neuron, highest, steps=60_000):
    """The current at which a slow ramp makes the neuron fire."""
    ramp = np.linspace(0.85, 1.15, steps) * highest
    run(neuron, 20_000, current=ramp[0])
    assert neuron.spikes == []
    for current in ramp:
        neuron.step(current=current)
        if neuron.spikes:
            return current
    return math.inf


def test_the_rheobase_of_a_PV_cell_is_200_pA_and_that_of_a_SOM_cell_25_pA():
    assert rheobase(naive_pv(), 200.0) == pytest.approx(200, rel=0.01)
    assert rheobase(naive_som(), 25.0) == pytest.approx(25, rel=0.01)


def test_the_exponential_of_a_SOM_cell_sets_in_at_minus_61_84_mV():
    onset = naive_som().V_T
    assert onset == pytest.approx(-61.84, abs=0.005)


@pytest.mark.parametrize("current", [-50.0, 15.0])
def test_the_rest_of_a_SOM_cell_balances_leak_upstroke_and_adaptation(current):
    def inward(V):
        return 5 * 4 * np.exp((V + 61.836) / 4) - 5.5 * (V + 70) + current

    V = brentq(inward, -90, -63)
    trace = run(naive_som(), 40_000, current=current)
    assert trace["V"][-1] == pytest.approx(V, abs=0.01)
    assert trace["w"][-1] == pytest.approx(0.5 * (V + 70), abs=0.01)


def test_a_PV_cell_fires_with_the_period_of_the_integral_over_its_upstroke():
    def slowness(V, current=300):
        return 100 / (-10 * (V + 70) + 20 * np.exp((V + 48) / 2) + current)

    # From E_rest, where refractoriness holds the cell for 1 ms, to 0 mV.
    period = 1 + quad(slowness, -70, 0, points=[-50, -40], limit=200)[0]
    cell = naive_pv(dt=0.01)
    run(cell, 10_000, current=300.0)
    assert np.diff(cell.spikes) * 0.01 == pytest.approx(period, abs=0.06)
    cell = naive_pv()  # in coarser steps the upstroke comes a little late
    run(cell, 1000, current=300.0)
    assert np.diff(cell.spikes) * DT == pytest.approx(period, abs=0.4)


@pytest.mark.parametrize(("make", "steps"), [(naive_pv, 10), (naive_som, 20)])
def test_an_interneuron_is_held_at_rest_while_it_is_refractory(make, steps):
    cell = make()
    V = run(cell, 1000, current=1000.0)["V"]
    spike = cell.spikes[0]
    assert V[spike] == cell.V_reset
    assert np.all(V[spike + 1 : spike + 1 + steps] == -70)
    assert V[spike + 1 + steps] > -70


def test_an_interneuron_may_have_a_lower_bound():
    V = run(naive_som(V_min=-80.0), 4000, current=-100.0)["V"]
    assert V.min() == V[-1] == -80
    assert run(naive_som(), 4000, current=-100.0)["V"][-1] < -85


def test_each_spike_of_a_SOM_cell_adds_10_pA_of_adaptation_and_slows_the_next():
    cell = naive_som()
    w = run(cell, 5000, current=200.0)["w"]
    jumps = [w[k] - w[k - 1] for k in cell.spikes]
    assert np.allclose(jumps, 10, atol=0.05)
    intervals = np.diff(cell.spikes)
    assert np.all(np.diff(intervals) >= 0)
    assert intervals[-1] > 1.5 * intervals[0]


@pytest.mark.parametrize(("kind", "drive", "tau"), [("exc", 70, 5), ("inh", -10, 10)])
def test_a_small_event_gives_a_PV_cell_a_potential_in_units_of_its_leak(kind, drive, tau):
    weights = np.zeros(800)
    weights[0] = w = 1e-3
    V = run(naive_pv(), 800, **{kind: weights})["V"]
    base = run(naive_pv(), 800)["V"]
    # The charge: g is w for tau ms, in units of the leak; the integral of V is that times tau_m.
    area = np.sum(V - base) * DT
    assert area == pytest.approx(w * drive * tau, rel=0.02)


# ------------------------------------------------------------------ events and bursts


@pytest.mark.parametrize(
    ("times", "events", "bursts"),
    [
        ([], [], []),
        ([5], [5], []),
        ([0, 10, 20, 30], [0], [10]),
        ([0, 10, 20, 40, 100, 115], [0, 40, 100], [10, 115]),
        ([0, 16.0, 50, 66.1], [0, 50, 66.1], [16.0]),
        ([0.3, 16.3], [0.3], [16.3]),  # 16 ms apart but for rounding
        ([0, 20, 30], [0, 20], [30]),
    ],
)
def test_an_interval_above_16_ms_begins_an_event_and_the_first_short_one_a_burst(
    times, events, bursts
):
    assert offline_events_and_bursts(times) == (events, bursts)
    assert online_events_and_bursts(times, ISIDetector()) == (events, bursts)


def test_the_isi_rule_spike_by_spike_is_the_offline_rule():
    times = np.cumsum(np.random.default_rng(0).exponential(15, 3000)).tolist()
    events, bursts = offline_events_and_bursts(times)
    assert len(events) > 500
    assert len(bursts) > 200
    assert online_events_and_bursts(times, ISIDetector()) == (events, bursts)


def test_the_burst_fraction_of_a_poisson_train_is_the_chance_of_a_short_interval():
    times = renewal_train(30.0, 2.0, 400_000.0, np.random.default_rng(0))
    assert len(times) / 400 == pytest.approx(30, rel=0.03)
    assert np.diff(times).min() >= 2
    events, bursts = offline_events_and_bursts(times)
    hazard = 30 / (1 - 0.002 * 30)  # Hz
    assert len(bursts) / len(events) == pytest.approx(1 - np.exp(-hazard * 0.014), abs=0.02)


@pytest.mark.parametrize(("gap", "is_burst"), [(15.9, True), (16.0, True), (16.1, False)])
def test_for_a_pair_of_spikes_the_trace_agrees_with_the_intervals(gap, is_burst):
    times = [0.0, gap, 500.0, 500.0 + gap]
    _, bursts = online_events_and_bursts(times, TraceDetector())
    assert bursts == ([gap, 500.0 + gap] if is_burst else [])


def test_after_two_spikes_10_ms_apart_the_trace_waits_22_9_ms_for_an_event():
    for gap, n_events in ((22.8, 1), (23.0, 2)):
        times = [0.0, 10.0, 10.0 + gap]
        events, bursts = online_events_and_bursts(times, TraceDetector())
        assert len(events) == n_events
        assert bursts == [10.0]
        assert len(offline_events_and_bursts(times)[0]) == 2


def test_with_a_lag_of_the_trace_spikes_belong_together_when_they_are_less_than_16_8_ms_apart():
    for gap, n_events in ((0.7, 2), (0.8, 2), (0.9, 1), (16.7, 1), (16.8, 1), (16.9, 2)):
        events, bursts = online_events_and_bursts([0.0, gap], TraceDetector(lag=0.8))
        assert len(events) == n_events, gap
        assert len(bursts) == 2 - n_events, gap


# ------------------------------------------------------------------ short-term plasticity


def test_u_can_start_at_0_01_and_recovers_with_its_time_constant():
    for t, u in ((0.0, 0.01), (1000.0, 0.573), (3000.0, 0.856)):
        assert short_term_plasticity([t], u0=0.01, **STD) == pytest.approx([u], abs=1e-3)


# ------------------------------------------------------------------ plasticity

RULE = {"eta": 0.1, "tau_pre": 50.0, "alpha": 15_000.0, "event_rate": 5.0}
RULE |= {"burst_probability": 0.15}


def change(pre, post, **options):
    return burst_dependent_plasticity(pre, post, **RULE | options)


def test_an_event_depresses_by_the_burst_probability_that_is_expected():
    assert change([0.0], [0.0]) == pytest.approx(-0.1 * 0.15)
    assert change([0.0], [25.0]) == pytest.approx(-0.1 * 0.15 * math.exp(-0.5))
    assert change([25.0], [0.0]) == 0.0


def test_a_burst_potentiates_by_what_is_left_of_the_presynaptic_trace():
    expected = 0.1 * (math.exp(-10 / 50) - 0.15)
    assert change([0.0], [0.0, 10.0]) == pytest.approx(expected)
    assert change([0.0], [0.0, 10.0, 15.0, 20.0]) == pytest.approx(expected)  # counted once


def test_presynaptic_bursts_count_once():
    once = change([0.0], [30.0])
    assert change([0.0, 5.0, 10.0], [30.0]) == pytest.approx(once)
    assert change([0.0, 20.0], [30.0]) == pytest.approx(once * (1 + math.exp(20 / 50)))


def test_the_expected_burst_probability_follows_events_and_bursts():
    synapse = BurstSynapse(**RULE)
    for t in range(0, 200_000, 250):  # 4 Hz, every other event a burst
        synapse.post_spike(float(t))
        if t % 500 == 0:
            synapse.post_spike(t + 10.0)
    assert synapse.Pbar() == pytest.approx(0.5, abs=0.02)
    assert synapse.Ebar / 15 == pytest.approx(4.0, rel=0.03)


def test_the_expected_burst_probability_is_1_at_most():
    synapse = BurstSynapse(**RULE | {"burst_probability": 1.0, "event_rate": 1.0})
    synapse.post_spike(0.0)
    synapse.post_spike(5.0)
    synapse.Bbar *= 2
    assert synapse.Pbar() == 1.0


def test_an_event_without_any_before_it_depresses_nothing():
    assert change([0.0], [0.0], event_rate=0.0) == 0.0


def test_pre_and_post_can_have_detectors_of_their_own():
    late = {"pre_detector": lambda: TraceDetector(lag=0.8), "detector": TraceDetector}
    times = [0.0, 16.5]  # one presynaptic event, two postsynaptic ones
    expected = -0.1 * (0.15 + 0.15 * 75 / 76 * math.exp(-16.5 / 50))
    assert change(times, times, **late) == pytest.approx(expected, rel=1e-4)


def test_weights_stay_within_their_bounds():
    pre, post = [0.0], [0.0, 10.0]
    assert change(pre, post, w=0.99, bounds=(0, 1)) == pytest.approx(0.01)
    assert change([0.0], [0.0], w=0.01, bounds=(0, 1)) == pytest.approx(-0.01)


def test_nothing_is_learned_before_learning_begins_while_the_traces_go_on():
    assert change([0.0], [0.0, 10.0], learning_from=20.0) == 0.0
    late = change([0.0], [0.0, 10.0, 40.0], learning_from=20.0)
    # 76 counts of events and 12.25 of bursts by then.
    assert late == pytest.approx(-0.1 * math.exp(-40 / 50) * 12.25 / 76, rel=1e-3)


def test_a_postsynaptic_neuron_above_its_maximal_rate_loses_by_events_and_gains_less_by_bursts():
    # 5 Hz with a maximum of 4 Hz: an excess of 1/5.
    assert change([0.0], [0.0], max_rate=4.0) == pytest.approx(-0.1 * (0.15 + 0.2), rel=1e-9)
    both = change([0.0], [0.0, 10.0], max_rate=4.0)
    burst = both + 0.1 * (0.15 + 0.2)
    rate = 76 / 15  # after the event
    assert burst == pytest.approx(0.1 * math.exp(-0.2) * (1 - (rate - 4) / rate), rel=1e-3)
    assert change([0.0], [0.0], max_rate=6.0) == pytest.approx(-0.1 * 0.15)


def test_a_postsynaptic_neuron_below_its_minimal_rate_gains_with_each_presynaptic_event():
    assert change([0.0], [], min_rate=2.0) == pytest.approx(0.1 * 2.0)
    assert change([0.0, 5.0], [], min_rate=2.0) == pytest.approx(0.1 * 2.0)
    assert change([0.0], [], min_rate=2.0, spike_rate=1.5) == pytest.approx(0.1 * 0.5)
    assert change([0.0], [], min_rate=2.0, spike_rate=3.0) == 0.0
    one_spike = change([100.0], [0.0], min_rate=2.0)  # 1/30 Hz
    assert one_spike == pytest.approx(0.1 * (2 - 1 / 30), rel=1e-3)


def test_weights_drift_nowhere_when_bursts_are_as_frequent_as_expected():
    rng = np.random.default_rng(0)
    changes = [burst_poisson_pairing(0.2, rng)[1] for _ in range(60)]
    assert abs(np.mean(changes)) < np.std(changes)
    assert abs(np.mean(changes)) < 3 * np.std(changes) / np.sqrt(60)


# ------------------------------------------------------------------ pairing protocols


@pytest.mark.parametrize(
    ("index", "rounded", "measured"),
    [
        (0, 1.0, -0.239),
        (4, 21.8, -0.433),
        (8, 42.7, -0.557),
        (11, 58.3, -0.615),
        (12, 63.5, 0.150),
        (19, 100.0, 0.284),
    ],
)
def test_periodic_pairings_change_a_weight_as_in_the_authors_program(index, rounded, measured):
    frequency = np.linspace(1, 100, 20)[index]
    assert frequency == pytest.approx(rounded, abs=0.05)
    assert periodic_pairing(frequency) == (frequency, pytest.approx(measured, abs=6e-4))


def test_periodic_pairings_change_sign_at_an_interval_of_16_ms():
    assert periodic_pairing(1000 / 16.1)[1] < -0.6
    assert periodic_pairing(1000 / 16)[1] > 0.1
    below, above = np.arange(5, 62, 3.0), np.arange(63, 101, 3.0)
    assert all(periodic_pairing(f)[1] < 0 for f in below)
    assert all(periodic_pairing(f)[1] > 0 for f in above)


def test_with_the_trace_periodic_pairings_would_change_sign_where_four_spikes_reach_the_fifth():
    # x + x^2 + x^3 + x^4 = e^-1, with x the decay in an interval.
    x = brentq(lambda x: x + x**2 + x**3 + x**4 - math.exp(-1), 0, 1)
    frequency = 1000 / (-16 * math.log(x))
    assert frequency == pytest.approx(47.4, abs=0.5)
    assert periodic_pairing(frequency - 0.3, detector=TraceDetector)[1] < 0
    assert periodic_pairing(frequency + 0.3, detector=TraceDetector)[1] > 0


def test_periodic_trains_are_15_times_5_spikes():
    times = periodic_trains(50.0)
    assert len(times) == 75
    assert np.allclose(times[:6], [0, 20, 40, 60, 80, 11_100])


@pytest.mark.parametrize("Pbar0", [0.3, 0.5])
def test_poisson_pairings_change_sign_where_chance_makes_as_many_bursts_as_expected(Pbar0):
    def surplus(rate):
        return 1 - np.exp(-rate / (1 - 0.002 * rate) * 0.014) - Pbar0

    balance = brentq(surplus, 1, 200)
    assert balance == pytest.approx({0.3: 24, 0.5: 45}[Pbar0], abs=1)
    rng = np.random.default_rng(0)
    for rate, sign in ((0.65 * balance, -1), (1.35 * balance, 1)):
        changes = [poisson_pairing(rate, rng, Pbar0=Pbar0)[1] for _ in range(10)]
        assert sign * np.mean(changes) > 2 * np.std(changes) / np.sqrt(10)


def test_burst_poisson_pairings_change_sign_at_the_expected_burst_probability():
    probabilities = np.linspace(0, 0.4, 5)
    slopes = {}
    for event_rate in (5.0, 10.0):
        rng = np.random.default_rng(1)
        changes = [
            np.mean([burst_poisson_pairing(P, rng, event_rate=event_rate)[1] for _ in range(12)])
            for P in probabilities
        ]
        slope, offset = np.polyfit(probabilities, changes, 1)
        assert -offset / slope == pytest.approx(0.2, abs=0.04)
        slopes[event_rate] = slope
    assert slopes[10.0] >= 2 * slopes[5.0]


def test_burst_poisson_trains_have_the_event_rate_and_burst_probability_they_are_given():
    rng = np.random.default_rng(0)
    times = burst_poisson_train(8.0, 0.3, 400_000.0, rng)
    assert times == sorted(times)
    events, bursts = offline_events_and_bursts(times)
    assert len(events) / 400 == pytest.approx(8, rel=0.03)
    assert len(bursts) / len(events) == pytest.approx(0.3, abs=0.03)
