"""Short-term plasticity: efficacies against the closed form and the naive transcription."""

import numpy as np
import pytest
from naive_bursting_neurons import STD, STF, short_term_plasticity
from scipy import sparse

from spikesim import InputError, Network, Neuron, ShortTermPlasticity


def receive(i, t, s, p):
    s.got[i] = s.port[i]
    s.port[i] = 0.0


RECEIVER = Neuron(steps=[receive], variables={"port": 0.0, "got": 0.0}, most_spikes=0)


def efficacies(times, weight=1.0, ids=None, backend="python", delay=None, **constants):
    """What each spike adds to the first target."""
    net = Network(dt=0.1, dtype="float64", backend=backend)
    n = 1 if ids is None else max(ids) + 1
    cells = net.add_spike_trains("cells", n, times, ids or [0] * len(times))
    target = net.add_population("target", 1, RECEIVER)
    plastic = ShortTermPlasticity(**constants)
    net.connect(cells, target, target="port", weight=weight, delay=delay, short_term=plastic)
    recording = net.record(target, "got")
    net.run(max(times) + 3.0)
    got = recording.got[0]
    return got[got != 0.0]


@pytest.fixture(params=[efficacies, short_term_plasticity])
def heard(request):
    """What each spike of a train adds, in a network and in the transcription."""
    return request.param


def test_a_facilitating_synapse_hears_the_second_spike_of_a_burst(heard):
    first, second = heard([100.0, 110.0], **STF)
    assert first == pytest.approx(0.02)
    assert second / first == pytest.approx(5.3, abs=0.2)


@pytest.mark.parametrize("constants", [STD, STF])
def test_a_rested_synapse_is_as_at_the_start(heard, constants):
    constants = {**constants, "tau_F": 50.0}
    rested = heard([1.0, 5.0, 10.0, 2000.0, 2010.0], **constants)
    assert rested[3:] == pytest.approx(heard([1.0, 11.0], **constants))


def test_without_recovery_a_synapse_spends_its_resources_once(heard):
    times = np.arange(1.0, 201.0)
    found = heard(times.tolist(), U=0.3, tau_D=1e12, tau_F=1e12, f=0.0)
    assert sum(found) == pytest.approx(1.0)
    assert found[1] / found[0] == pytest.approx(0.7)


def test_a_depressing_synapse_hears_the_first(heard):
    first, second = heard([100.0, 110.0], **STD)
    assert first == pytest.approx(0.9)
    assert second / first == pytest.approx(0.46, abs=0.02)


@pytest.mark.parametrize("constants", [STD, STF])
def test_any_train_has_the_efficacies_of_the_naive_model(constants):
    times = [3.0, 5.1, 5.2, 40.0, 48.0, 55.5, 300.0]
    expected = short_term_plasticity(times, **constants)
    assert efficacies(times, **constants) == pytest.approx(expected, rel=1e-12)
    assert efficacies(times, delay=2.0, **constants) == pytest.approx(expected, rel=1e-12)


def test_sparse_and_dense_synapses_are_alike_and_neurons_are_independent():
    times, ids = [1.0, 2.0, 4.0, 4.5], [0, 1, 0, 1]
    dense = efficacies(times, ids=ids, weight=[[2.0], [3.0]], **STF)
    thin = efficacies(times, ids=ids, weight=sparse.csr_array([[2.0], [3.0]]), **STF)
    first = short_term_plasticity([1.0, 4.0], **STF)
    second = short_term_plasticity([2.0, 4.5], **STF)
    expected = [2 * first[0], 3 * second[0], 2 * first[1], 3 * second[1]]
    assert dense == pytest.approx(expected)
    assert np.array_equal(dense, thin)


def test_compiled_and_plain_have_the_same_bits():
    times = [1.0, 2.0, 4.0, 4.5]
    plain = efficacies(times, **STF)
    assert np.array_equal(plain, efficacies(times, backend="cpu", **STF))


def test_the_state_is_saved_with_the_network(tmp_path):
    def build():
        net = Network(backend="python")
        cells = net.add_spike_trains("cells", 1, [1.0, 3.0, 8.0], [0, 0, 0])
        target = net.add_population("target", 1, RECEIVER)
        plastic = ShortTermPlasticity(**STD)
        projection = net.connect(cells, target, target="port", weight=1.0, short_term=plastic)
        return net, projection

    net, projection = build()
    net.run(5.0)
    net.save(tmp_path / "net.h5")
    net.run(5.0)
    again, restored = build()
    again.restore(tmp_path / "net.h5").run(5.0)
    assert restored.x == projection.x
    assert restored.u == projection.u


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"U": 1.5}, "U is 1.5"),
        ({"f": -0.1}, "f is -0.1"),
        ({"tau_D": 0.0}, "tau_D is 0.0"),
    ],
)
def test_impossible_constants_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        efficacies([1.0], **{**STD, **change})


def test_another_object_is_refused():
    net = Network(backend="python")
    cells = net.add_spike_trains("cells", 1, [1.0], [0])
    target = net.add_population("target", 1, RECEIVER)
    with pytest.raises(InputError, match="has to be a ShortTermPlasticity"):
        net.connect(cells, target, target="port", weight=1.0, short_term=(0.5, 10.0, 10.0, 0.1))
