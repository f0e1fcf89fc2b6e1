"""Two streams through two layers of bursting ensembles, at a small and at the published size."""

import h5py
import numpy as np
import pytest

from spikesim import InputError
from spikesim.models.burst.spiking.propagation import (
    DEPRESSING,
    FACILITATING,
    Propagation,
    compare,
    run,
)

TINY = {"n": 40, "connectivity": 5e-4, "duration": 100.0, "burn_in": 20.0, "backend": "python"}


@pytest.fixture(scope="module")
def published():
    """One run of the network of 10,000 neurons, 4 s."""
    return run(seed=1)


def test_event_rates_go_up_and_burst_probabilities_down_as_in_the_authors_program(published):
    missed = [row for row in compare([published]) if row.quantity.startswith("r:")]
    assert len(missed) == 6
    assert all(row.holds for row in missed), missed


def test_rates_of_all_populations_are_those_of_the_authors_program(published):
    expected = {"pyramidal_1": (5.51, 0.240), "pyramidal_2": (5.65, 0.284)}
    for name, (event_rate, burst_probability) in expected.items():
        rates = published.rates(name)
        assert rates.event_rate.mean() == pytest.approx(event_rate, rel=0.03)
        assert rates.burst_probability.mean() == pytest.approx(burst_probability, rel=0.05)
    for name, rate in {"parvalbumin": 13.2, "somatostatin": 16.5}.items():
        spikes = published.spikes[name]
        ours = (spikes.t >= 1000.0).sum() / (spikes.n * 3.0)
        assert ours == pytest.approx(rate, rel=0.05), name


def test_without_feedback_the_two_streams_do_not_meet_in_layer_1():
    alone = Propagation(seed=1, w_down=0.0, w_sst=0.0).run()
    r = {row.quantity: row.ours for row in compare([alone])}
    assert r["r: burst probability 1, burst rate 2"] < 0.85
    assert r["r: burst probability 2, dendritic current"] > 0.93


def test_decoders_weigh_the_second_spike_of_a_burst_as_published():
    def efficacies(synapse, interval):
        x, u = 1.0, synapse.U
        first = x * u
        x, u = x - u * x, u + synapse.f * (1.0 - u)
        x = 1.0 - (1.0 - x) * np.exp(-interval / synapse.tau_D)
        u = synapse.U + (u - synapse.U) * np.exp(-interval / synapse.tau_F)
        return first, x * u

    first, second = efficacies(DEPRESSING, 10.0)
    assert second < 0.5 * first  # layer 2 hears of a burst once
    first, second = efficacies(FACILITATING, 10.0)
    assert second > 1.8 * first  # SST+ cells hear its second spike


def test_bins_hold_the_currents_and_the_rates_of_the_same_time():
    tiny = Propagation(**TINY).run()
    somatic, dendritic = tiny.currents(10.0)
    rates = tiny.rates("pyramidal_2", 10.0)
    assert rates.time == pytest.approx(np.arange(25.0, 120.0, 10.0))
    expected = 200.0 * np.sin(2.0 * np.pi * rates.time / 500.0)
    assert somatic == pytest.approx(expected, abs=2.0)
    assert dendritic.shape == somatic.shape
    assert rates.firing_rate.sum() * 0.01 * 40 == (tiny.spikes["pyramidal_2"].t >= 20.0).sum()


def test_currents_rest_at_their_means_during_the_burn_in():
    tiny = Propagation(**TINY)
    assert np.unique(tiny.somatic_current[:200]) == [0.0]
    assert np.unique(tiny.dendritic_current[:200]) == [100.0]
    assert np.ptp(tiny.dendritic_current[200:]) > 20.0


def test_backends_give_the_same_spikes():
    python = Propagation(**TINY).run()
    compiled = Propagation(**{**TINY, "backend": "cpu"}).run()
    for name, spikes in python.spikes.items():
        assert np.array_equal(spikes.t, compiled.spikes[name].t)
        assert np.array_equal(spikes.i, compiled.spikes[name].i)


def test_a_saved_run_holds_rates_currents_and_parameters(tmp_path):
    tiny = Propagation(**TINY).run()
    tiny.save(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5") as file:
        assert file.attrs["spikesim_kind"].decode() == "burst-propagation"
        assert file["pyramidal_1/event_rate"].shape == file["somatic_current"].shape == (2,)
        assert float(file["parameters"].attrs["w_down"]) == 0.37


def test_the_figure_has_axes_with_units():
    figure = Propagation(**TINY).run().figure()
    labels = {ax.get_ylabel() for ax in figure.axes}
    assert {"Event rate (Hz)", "Burst probability (%)", "Somatic current (pA)"} <= labels


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 2}, "n is 2"),
        ({"n": 40}, "connectivity at this n is 5"),
        ({"somatic_period": 0.0}, "somatic_period is 0"),
        ({"w_dwon": 0.1}, "w_down"),
        ({"w_down": float("nan")}, "w_down is nan"),
        ({"duration": 0.0}, "duration is 0"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_built(options, message):
    with pytest.raises(InputError, match=message):
        Propagation(**options)


def test_rates_of_a_population_without_event_detection_are_refused():
    with pytest.raises(InputError, match="population is 'parvalbumin'"):
        Propagation(**TINY).rates("parvalbumin")
