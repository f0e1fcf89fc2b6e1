"""What a user of `SegregatedDendriteNetwork` relies on: state, files, options, recordings."""

import os

import h5py
import numpy as np
import pytest
from naive_segregated import symmetric_feedback, weight_moments

from spikesim import FileError, InputError, datasets
from spikesim.learning.model import TRAINING
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.spiketrains import mean_rate, van_rossum_distance

CHANCE = np.random.default_rng(11)
IMAGES = (CHANCE.random((12, 10)) * (CHANCE.random((12, 10)) > 0.3) * 255).astype(np.uint8)
LABELS = CHANCE.integers(0, 3, 12)


def small(sizes=(10, 8, 3), seed=4, backend="python", **options):
    return SegregatedDendriteNetwork(sizes, seed=seed, backend=backend, eta=0.05, **options)


def weights(net):
    return [array.copy() for arrays in (net.W, net.b, net.Y) for array in arrays]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_that_leads_elsewhere_is_refused(tmp_path):
    small().save(tmp_path / "other.h5")
    small().save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        del file["network"]
        file["network"] = h5py.ExternalLink("other.h5", "/network")
    with pytest.raises(FileError, match="'network' is a link to somewhere else"):
        SegregatedDendriteNetwork.load(tmp_path / "net.h5", backend="python")


def test_weights_are_set_in_place_and_checked():
    net = small()
    array = net.W[0]
    net.W[0] = np.ones((10, 8))
    assert array is net.W[0]
    assert (array == 1).all()
    with pytest.raises(InputError, match=r"W\[0\] has shape \(8, 10\)"):
        net.W[0] = np.ones((8, 10))


def test_initial_weights_have_the_moments_of_the_published_script():
    net = SegregatedDendriteNetwork((784, 500, 10), seed=1)
    mean, sd = weight_moments(784)
    assert net.W[0].mean() == pytest.approx(mean, abs=0.01)
    assert net.W[0].std() == pytest.approx(2 * sd, rel=0.01)  # U(-1, 1) where sd needs half of it
    assert net.b[0].mean() == pytest.approx(0.8, abs=0.001)
    assert net.Y[0].shape == (500, 10)


def test_initial_weights_of_the_preprint_have_the_moments_that_its_optimum_asks_for():
    net = SegregatedDendriteNetwork((784, 500, 100, 10), seed=1, initial="preprint")
    for m, inputs in enumerate((784, 500, 100)):
        mean, sd = weight_moments(inputs)
        assert net.W[m].std() == pytest.approx(sd, rel=0.04)
        assert net.W[m].mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(net.W[m].size))


def test_broadcast_feedback_of_the_preprint_is_a_product_of_random_matrices():
    net = SegregatedDendriteNetwork((784, 500, 100, 10), seed=1, initial="preprint")
    (_, lower), (_, upper) = weight_moments(500), weight_moments(100)
    assert net.Y[1].std() == pytest.approx(upper, rel=0.1)
    assert net.Y[1].mean() == pytest.approx(0.0, abs=5 * upper / np.sqrt(net.Y[1].size))
    assert net.Y[0].std() == pytest.approx(np.sqrt(100) * lower * upper, rel=0.1)
    narrow = SegregatedDendriteNetwork((10, 30, 4, 8), seed=1, initial="preprint", dtype="float64")
    assert np.linalg.matrix_rank(narrow.Y[0]) == 4


def test_symmetric_feedback_follows_the_weights_of_all_layers_above():
    net = small((10, 8, 6, 3), symmetric=True, dtype="float64")
    net.fit(IMAGES[:2], LABELS[:2])
    for own, expected in zip(net.Y, symmetric_feedback(list(net.W)), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-12)


def test_sparse_feedback_keeps_a_fifth_of_the_weights_five_times_as_large():
    dense, sparse = small((10, 50, 10)), small((10, 50, 10), sparse=0.8)
    kept = sparse.Y[0] != 0
    assert kept.mean() == pytest.approx(0.2)
    np.testing.assert_allclose(sparse.Y[0][kept], 5 * dense.Y[0][kept], rtol=1e-6)


def test_phases_last_fifty_ms_and_a_wald_distributed_rest():
    extra = small().lengths(20000, TRAINING) - 50
    assert extra.min() == 0
    assert (extra == 0).mean() == pytest.approx(0.49, abs=0.01)
    assert extra.mean() == pytest.approx(1.52, abs=0.05)


def test_plateaus_come_up_to_five_ms_early_when_jittered():
    net = small((10, 500, 3), plateau_jitter=3.0)
    ((_, lag),) = net.per_trial(net.training, 40)
    chances = np.bincount(lag.ravel(), minlength=6) / lag.size
    np.testing.assert_allclose(chances, [0.261, 0.233, 0.188, 0.135, 0.087, 0.096], atol=0.01)


def test_a_frozen_hidden_layer_keeps_its_weights():
    net = small(frozen=True)
    before = weights(net)
    net.fit(IMAGES[:3], LABELS[:3])
    np.testing.assert_array_equal(net.W[0], before[0])
    assert (net.W[1] != before[1]).any()


@pytest.mark.parametrize("spiking", [True, False])
def test_targets_may_be_real_numbers_between_the_two_currents(spiking):
    """A target of 1 drives an output neuron up to E_E, and one of 0 down to E_I."""
    net = small(spiking=spiking)
    net.W[1], net.b[1] = np.zeros((8, 3)), np.zeros(3)  # at rest, halfway between the two
    for target, direction in ((1.0, 1.0), (0.0, -1.0)):
        delta = net.update(IMAGES[:4], np.full((4, 3), target)).delta[-1]
        np.testing.assert_array_equal(np.sign(delta), direction)


def test_a_recorded_plateau_is_the_sigmoid_of_the_mean_apical_voltage():
    trial = small().record(IMAGES[0], 1)
    end = int(trial.phases[0])
    mean = trial.V_A["hidden_1"][:, end - 20 : end].mean(axis=1)
    np.testing.assert_allclose(trial.alpha_f["hidden_1"], 1 / (1 + np.exp(-mean)), rtol=1e-4)


def test_recorded_voltages_obey_the_membrane_equation():
    trial = small().record(IMAGES[0], 1)
    V, V_B = trial.V["hidden_1"], trial.V_B["hidden_1"]
    step = V[:, :-1] + 0.6 * (V_B[:, 1:] - V[:, :-1]) - 0.1 * V[:, :-1]
    np.testing.assert_allclose(V[:, 1:], step, atol=1e-4)


def test_libsonata_reads_back_the_spikes_and_voltages_of_a_trial(tmp_path):
    libsonata = pytest.importorskip("libsonata")
    trial = small().record(IMAGES[0], 1)
    trial.to_sonata(tmp_path)
    reader = libsonata.SpikeReader(str(tmp_path / "spikes.h5"))
    assert set(reader.get_population_names()) == {"input", "hidden_1", "output"}
    read = reader["hidden_1"].get_dict()
    spikes = trial.spikes["hidden_1"]
    steps = np.rint(read["timestamps"] / trial.dt).astype(int)
    read_back = sorted(zip(steps.tolist(), read["node_ids"].tolist(), strict=True))
    assert read_back == sorted(zip(spikes.steps.tolist(), spikes.i.tolist(), strict=True))
    report = libsonata.ElementReportReader(str(tmp_path / "voltages.h5"))["hidden_1"].get()
    np.testing.assert_array_equal(report.data[:, 0::3].T, trial.V["hidden_1"])
    np.testing.assert_array_equal(report.data[:, 2::3].T, trial.V_A["hidden_1"])


def test_elephant_finds_our_rates_and_our_van_rossum_distance():
    statistics = pytest.importorskip("elephant.statistics")
    distances = pytest.importorskip("elephant.spike_train_dissimilarity")
    quantities = pytest.importorskip("quantities")
    spikes = small().record(IMAGES[0], 1).spikes["hidden_1"]
    trains = spikes.to_neo().spiketrains
    for train, own in zip(trains, spikes.spike_trains(), strict=True):
        rate = statistics.mean_firing_rate(train).rescale(quantities.Hz)
        assert float(rate) == pytest.approx(mean_rate(own, spikes.duration), rel=1e-12)
    theirs = distances.van_rossum_distance(list(trains), 10.0 * quantities.ms)
    first, second = spikes.spike_trains()[:2]
    assert van_rossum_distance(first, second, 10.0) == pytest.approx(theirs[0, 1], abs=1e-12)


def test_a_hidden_layer_that_learns_halves_the_error_of_a_frozen_one_on_mnist():
    if "SPIKESIM_DATA" not in os.environ:
        pytest.skip("needs MNIST in $SPIKESIM_DATA")
    mnist = datasets.load_mnist()
    errors = {}
    for hidden_eta in (0.21, 0.0):
        net = SegregatedDendriteNetwork((784, 100, 10), seed=2, eta=(hidden_eta, 0.21))
        net.fit(mnist.train_images[:10000], mnist.train_labels[:10000])
        errors[hidden_eta] = net.evaluate(mnist.test_images[:500], mnist.test_labels[:500])
    assert errors[0.21] < errors[0.0] / 2
