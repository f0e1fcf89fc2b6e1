"""Noise: its statistics against closed forms whose errors are known, and the same draws everywhere.

Statistics are taken over neurons, which are independent: a variance of n normal numbers has the
standard error variance sqrt(2 / n), a correlation r of n pairs (1 - r^2) / sqrt(n). Bounds are four
of them.
"""

import copy
from math import exp, sqrt, tanh

import numpy as np
import pytest
from scipy import stats

from spikesim import CurrentLIF, InputError, Network, Neuron, Replicas, stimuli

N = 4000


def integrate(i, t, s, p):
    s.v[i] = p.keep * s.v[i] + (1.0 - p.keep) * s.I[i]


LEAKY = Neuron(
    [integrate],
    {"v": 0.0, "I": 0.0},
    {"tau": 10.0},
    constants=lambda p, dt: {"keep": exp(-dt / p["tau"])},
    most_spikes=0,
)
"""tau dv/dt = I - v, exactly, for a current that is constant within a step."""


def noisy(n=N, dt=0.5, seed=3, backend="cpu", dtype="float32", **noise):
    net = Network(dt=dt, seed=seed, backend=backend, dtype=dtype)
    cells = net.add_population("cells", n, LEAKY)
    return net, cells, net.add_noise(cells, "I", **{"sigma": 2.0, **noise})


def currents(duration, every=None, **options):
    """The currents, shape (neurons, samples)."""
    net, cells, _ = noisy(**options)
    recording = net.record(cells, "I", every=every)
    net.run(duration)
    return recording.I.astype(np.float64)


def within(value, expected, error):
    assert abs(value - expected) < 4.0 * error, (value, expected, error)


def assert_correlated(first, second, expected):
    found = np.mean(first * second) / sqrt(np.mean(first**2) * np.mean(second**2))
    within(found, expected, (1.0 - expected**2) / sqrt(first.size))


# ---- Ornstein-Uhlenbeck -------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 2.5])
def test_variance_and_autocorrelation_are_those_of_the_process_for_any_dt(dt):
    found = currents(12.6 if dt == 0.1 else 15.0, every=2.5, dt=dt, tau=5.0)
    for k in (0, 2, 5):
        within(found[:, k].var(), 4.0, 4.0 * sqrt(2.0 / N))
        within(found[:, k].mean(), 0.0, 2.0 / sqrt(N))
    for lag in (1, 2, 4):
        assert_correlated(found[:, 0], found[:, lag], exp(-2.5 * lag / 5.0))


def test_it_is_stationary_from_the_first_step():
    first = currents(0.5, tau=1000.0)[:, 0]
    within(first.var(), 4.0, 4.0 * sqrt(2.0 / N))


def test_it_is_normal():
    found = currents(50.0, every=25.0, tau=5.0)[:, -1]
    assert stats.kstest(found / 2.0, "norm").pvalue > 1e-3


def test_neurons_are_independent():
    found = currents(400.0, n=12, every=4.0, tau=1.0)
    correlation = np.corrcoef(found) - np.eye(12)
    assert np.abs(correlation).max() < 5.0 / sqrt(found.shape[1])


def test_two_noises_are_independent_and_add_up():
    net, cells, _ = noisy(tau=5.0)
    net.add_noise(cells, "I", sigma=1.0, tau=5.0)
    net.run(0.5)
    recording = net.record(cells, "I")
    net.run(0.5)
    within(recording.I.var(), 5.0, 5.0 * sqrt(2.0 / N))


def test_a_leaky_integrator_filters_it_as_calculated():
    """The stationary variance sigma^2 tau_I / (tau_I + tau), as dt is short."""
    net, cells, _ = noisy(dt=0.1, tau=5.0)
    net.run(80.0)
    expected = 4.0 * 5.0 / (5.0 + 10.0)
    within(cells.v.var(), expected, expected * sqrt(2.0 / N))


def test_a_slow_one_has_its_autocorrelation_in_a_network_of_float32():
    found = currents(2000.0, every=1999.5, tau=1e4, dt=0.5)
    assert_correlated(found[:, 0], found[:, -1], exp(-1999.5 / 1e4))


# ---- white --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_white_noise_gives_a_leaky_integrator_its_variance_for_any_dt(dt):
    """sigma^2 tanh(dt / 2 tau) / dt, which is sigma^2 / (2 tau) to order dt^2."""
    net, cells, _ = noisy(dt=dt)
    net.run(80.0)
    expected = 4.0 * tanh(dt / 20.0) / dt
    assert abs(expected / (4.0 / 20.0) - 1.0) < 1e-3
    within(cells.v.var(), expected, expected * sqrt(2.0 / N))


def test_white_noise_has_no_memory():
    found = currents(1.0)
    within(found[:, 0].var(), 8.0, 8.0 * sqrt(2.0 / N))
    assert_correlated(found[:, 0], found[:, 1], 0.0)


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_an_exact_neuron_gets_the_variance_from_its_parameter_too(dt):
    net = Network(dt=dt, seed=3)
    cells = net.add_population("cells", N, CurrentLIF, tau=10.0, threshold=1e3)
    net.add_noise(cells, "I", sigma=2.0)
    net.run(80.0)
    expected = 4.0 * tanh(dt / 20.0) / dt
    within(cells.v.var(dtype=np.float64), expected, expected * sqrt(2.0 / N))


# ---- who gets it, and changes -------------------------------------------------------------------


def test_neurons_may_have_sigmas_of_their_own():
    found = currents(0.5, sigma=np.repeat([0.0, 3.0], N // 2), tau=5.0)[:, 0]
    assert not found[: N // 2].any()
    within(found[N // 2 :].var(), 9.0, 9.0 * sqrt(2.0 / (N // 2)))


@pytest.mark.parametrize("tau", [None, 5.0])
def test_chosen_neurons_get_it_and_no_others(tau):
    found = currents(0.5, n=6, tau=tau, neurons=[1, 4], backend="python")[:, 0]
    assert np.flatnonzero(found).tolist() == [1, 4]


def test_it_adds_up_with_stimuli_and_with_what_was_set():
    def total(more):
        net, cells, _ = noisy(n=3, tau=5.0, backend="python", dtype="float64")
        if more:
            cells.I[:] = 10.0
            net.play(cells, "I", stimuli.step(5.0))
        recording = net.record(cells, "I")
        net.run(2.0)
        return recording.I

    assert np.allclose(total(True) - total(False), 15.0)


def test_sigma_may_change_between_runs_and_takes_effect_at_once():
    net, cells, noise = noisy(tau=1000.0, dtype="float64")
    recording = net.record(cells, "I")
    net.run(0.5)
    noise.sigma = 6.0
    net.run(0.5)
    before, after = recording.I.T
    within(after.var(), 36.0, 36.0 * sqrt(2.0 / N))
    assert_correlated(before, after, exp(-0.5 / 1000.0))


@pytest.mark.parametrize("backend", ["cpu", "python"])
def test_tau_may_change_between_runs(backend):
    n = N if backend == "cpu" else 200
    net, cells, noise = noisy(n=n, tau=5.0, backend=backend)
    net.run(0.5)
    recording = net.record(cells, "I")
    noise.tau = 1e5
    net.run(1.0)
    first, second = recording.I.T
    assert np.abs(first - second).max() < 0.1
    noise.tau = 0.01
    net.run(0.5)
    assert_correlated(first, recording.I[:, -1], 0.0)


def test_noise_that_is_off_adds_nothing():
    net, cells, noise = noisy(n=3, tau=5.0, backend="python")
    noise.is_on = False
    recording = net.record(cells, "I")
    net.run(1.0)
    assert not recording.I.any()


# ---- the same everywhere ------------------------------------------------------------------------


def both(backend="python", seed=3, n=7):
    net, cells, _ = noisy(n=n, tau=5.0, backend=backend, seed=seed)
    net.add_noise(cells, "I", np.linspace(1.0, 2.0, 4), neurons=[0, 2, 3, 6])
    net.add_noise(cells, "I", 3.0, 1e5, neurons=slice(1, 4))
    return net


def volts(net, parts=(20.0,)):
    for part in parts:
        net.run(part)
    return net.populations["cells"].v.tobytes()


@pytest.mark.parametrize("backend", ["cpu", "threads:2"])
def test_every_backend_gives_the_same_bits(backend):
    assert volts(both()) == volts(both(backend))


def test_a_run_in_parts_gives_the_bits_of_one():
    assert volts(both()) == volts(both(), (0.5, 12.0, 7.5))


def test_another_seed_gives_other_numbers():
    assert volts(both()) != volts(both(seed=4))


def test_a_restored_network_and_a_copy_go_on_with_the_same_bits(tmp_path):
    net = both()
    net.run(7.5)
    net.save(tmp_path / "net.h5")
    copied, restored = copy.deepcopy(net), both().restore(tmp_path / "net.h5")
    assert volts(net) == volts(copied) == volts(restored)


def test_a_reset_with_a_seed_gives_the_bits_of_a_network_of_that_seed():
    net = both()
    net.run(7.5)
    net.reset(4)
    assert volts(net) == volts(both(seed=4))
    net.reset()
    assert volts(net) == volts(both())


def test_replicas_have_noise_of_their_own():
    nets = [both(seed=seed) for seed in (3, 4)]
    Replicas(nets, threads=1).run(20.0)
    alone = [volts(both(seed=seed)) for seed in (3, 4)]
    assert [net.populations["cells"].v.tobytes() for net in nets] == alone


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("sigma holds -1", {"sigma": -1.0}),
        ("NaN or infinite", {"sigma": np.nan}),
        (r"sigma has shape \(2,\)", {"sigma": [1.0, 2.0]}),
        ("tau is 0", {"tau": 0.0}),
        ("tau is inf", {"tau": np.inf}),
        ("one or more", {"neurons": []}),
    ],
)
def test_what_cannot_be_added_is_refused(message, options):
    with pytest.raises(InputError, match=message):
        noisy(n=3, **options)


def test_white_noise_has_no_tau_to_be_set():
    _, _, noise = noisy(n=3)
    with pytest.raises(InputError, match="this noise is white"):
        noise.tau = 5.0


def test_a_variable_that_the_equations_change_gets_no_noise():
    net = Network(backend="python")
    cells = net.add_population("cells", 1, LEAKY)
    with pytest.raises(InputError, match="there is I"):
        net.add_noise(cells, "v", 1.0)
