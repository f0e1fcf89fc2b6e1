"""Pairing protocols: the authors' numbers, the naive rule, theory, files and figures."""

import matplotlib
import numpy as np
import pytest
from naive_bursting_neurons import (
    PAIRING,
    burst_dependent_plasticity,
    burst_poisson_train,
    on_grid,
    periodic_pairing,
    renewal_train,
)

from spikesim import InputError
from spikesim.io.files import open_file, read_tree
from spikesim.models.burst.spiking.pairing import EVENT_RATES, run, weight_changes

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def result():
    return run(seed=1, realisations=20, duration=20_000.0)


def test_periodic_pairings_give_the_numbers_of_the_authors(result):
    known = {1.0: -0.239, 21.8: -0.433, 42.7: -0.557, 58.3: -0.615, 63.5: 0.150, 100.0: 0.284}
    for frequency, change in known.items():
        k = np.abs(result.frequency - frequency).argmin()
        assert result.frequency[k] == pytest.approx(frequency, abs=0.06)
        assert result.periodic[k] == pytest.approx(change, rel=0.03)


def test_periodic_pairings_weaken_below_62_hz_and_strengthen_above(result):
    assert np.array_equal(result.periodic > 0.0, result.frequency > 62.5)


def test_periodic_pairings_change_a_weight_as_in_the_naive_rule(result):
    expected = [periodic_pairing(frequency)[1] for frequency in result.frequency]
    assert result.periodic == pytest.approx(np.array(expected), rel=1e-6)


@pytest.mark.parametrize("kind", ["Poisson", "burst-Poisson"])
def test_random_spikes_change_a_weight_as_in_the_naive_rule(kind):
    chance = np.random.default_rng(5)

    def train(k):
        if kind == "Poisson":
            times = renewal_train(10.0 * (k + 1), 2.0, 10_000.0, chance)
        else:
            times = burst_poisson_train(10.0, 0.2 * k, 10_000.0, chance)
        return sorted(on_grid(t) for t in times)

    pre, post = [train(k) for k in range(4)], [train(k) for k in range(4)]
    expected = [
        burst_dependent_plasticity(*pair, event_rate=5.0, burst_probability=0.2, **PAIRING)
        for pair in zip(pre, post, strict=True)
    ]
    assert min(np.abs(expected)) > 0.01
    assert weight_changes(pre, post, 5.0, 0.2) == pytest.approx(np.array(expected), abs=1e-6)


def test_compiled_and_plain_have_the_same_bits():
    pre, post = [[5.0, 30.0], [5.0], []], [[8.0, 18.0, 60.0], [20.0, 30.0], [9.0]]
    compiled, plain = (weight_changes(pre, post, 5.0, 0.2, name) for name in ("cpu", "python"))
    assert np.array_equal(compiled, plain)
    assert compiled[2] == 0.0


def test_the_same_spikes_strengthen_what_expected_fewer_bursts_and_weaken_what_expected_more():
    chance = np.random.default_rng(3)
    pre, post = (
        [burst_poisson_train(8.0, 0.3, 5_000.0, chance) for _ in range(10)] for _ in range(2)
    )
    few, many = (weight_changes(pre, post, 8.0, p).mean() for p in (0.1, 0.6))
    assert few > 0.0 > many


def test_bursts_more_probable_than_estimated_strengthen_and_less_probable_ones_weaken(result):
    mean = result.burst_poisson.mean(axis=1)
    assert (mean[:, result.probability < 0.15] < 0.0).all()
    assert (mean[:, result.probability > 0.3] > 0.0).all()


def test_random_protocols_agree_with_theory(result):
    protocols = [
        (result.poisson, result.expected_poisson()),
        (result.burst_poisson, result.expected_burst_poisson()),
    ]
    for changes, expected in protocols:
        error = changes.std(axis=1, ddof=1) / np.sqrt(changes.shape[1])
        off = (changes.mean(axis=1) - expected) / error
        assert np.abs(off).max() < 5.0
        assert np.abs(np.median(off)) < 1.0


def test_spikes_depend_on_the_seed_only(result):
    again = run(seed=1, realisations=2, duration=500.0)
    same = run(seed=1, realisations=2, duration=500.0)
    other = run(seed=2, realisations=2, duration=500.0)
    assert np.array_equal(again.poisson, same.poisson)
    assert not np.array_equal(again.poisson, other.poisson)
    assert np.array_equal(again.periodic, result.periodic)


def test_what_the_authors_found_is_compared_row_by_row(result):
    rows = {row.quantity: row for row in result.comparisons()}
    periodic = [row for name, row in rows.items() if name.startswith("periodic")]
    assert len(periodic) == 8
    assert all(row.holds for row in periodic)
    for rate in EVENT_RATES:
        row = rows[f"burst-Poisson at {rate:.0f} Hz, line is 0 at (%)"]
        assert (row.low, row.high) == (16.0, 24.0)
    assert rows["burst-Poisson, slope at 10 Hz / slope at 5 Hz"].holds


def test_what_was_saved_reads_back(result, tmp_path):
    result.save(tmp_path / "pairing.h5")
    with open_file(tmp_path / "pairing.h5", "burst-pairing") as file:
        saved = read_tree(file)
    assert saved["seed"] == 1
    assert saved["duration"] == 20_000.0
    for name in ("frequency", "periodic", "rate", "poisson", "probability", "burst_poisson"):
        assert np.array_equal(saved[name], getattr(result, name))


def test_the_figure_names_its_units(result):
    figure = result.figure()
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels == ["Pairing frequency (Hz)", "Firing rate (Hz)", "Burst probability (%)"]
    assert all(ax.get_ylabel() and ax.get_title() and ax.get_legend() for ax in figure.axes)
    matplotlib.pyplot.close(figure)


def test_impossible_arguments_are_refused():
    with pytest.raises(InputError, match=r"realisations is 1; .* at least 2"):
        run(realisations=1)
    with pytest.raises(InputError, match=r"duration is 0.0; .* above 0 \(ms\)"):
        run(duration=0.0)
    with pytest.raises(InputError, match="seed is -1"):
        run(seed=-1)
    with pytest.raises(InputError, match="pre has 2 spike trains and post 1"):
        weight_changes([[1.0], [2.0]], [[1.0]], 5.0, 0.2)
    with pytest.raises(InputError, match=r"burst_probability is 1\.5"):
        weight_changes([[1.0]], [[1.0]], 5.0, 1.5)
    with pytest.raises(InputError, match=r"pre\[0\] holds 1.8.* at most"):
        weight_changes([[2.0**64]], [[1.0]], 5.0, 0.2)
