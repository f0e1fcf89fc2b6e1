"""The cortical microcircuit beside numbers from elsewhere, and beside a naive transcription."""

import numpy as np
import pytest
from scipy.stats import truncnorm

from spikesim import CurrentLIF, InputError, Network
from spikesim.models import microcircuit
from spikesim.models.microcircuit import (
    EXTERNAL_INDEGREES,
    NEURON,
    PROBABILITIES,
    RATES,
    SIZES,
    build,
    compensating_currents,
    mean_rates,
    mean_weights,
    synapse_numbers,
)

NAMES = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]


@pytest.fixture(scope="module")
def small():
    """A twentieth of the network, not run."""
    return build(scale=0.05, seed=3, backend="python")


def latencies(net, name):
    """From the spike to its effect, in steps, for each synapse."""
    projection = net.projections[name]
    later = 0 if projection.later is None else projection.later.astype(int)
    return np.broadcast_to(projection.delay_steps + later - 1, projection.size)


# ----------------------------------------------------------------------------------- the tables


def test_there_are_77169_neurons():
    assert sum(SIZES.values()) == 77169


def test_all_tables_have_the_same_eight_populations():
    for table in (SIZES, EXTERNAL_INDEGREES, PROBABILITIES, RATES):
        assert list(table) == NAMES
    assert {len(row) for row in PROBABILITIES.values()} == {8}


def test_probabilities_round_to_the_three_digits_of_the_article():
    published = """
        0.101 0.169 0.044 0.082 0.032 0.0    0.008 0.0
        0.135 0.137 0.032 0.052 0.075 0.0    0.004 0.0
        0.008 0.006 0.050 0.135 0.007 0.0003 0.045 0.0
        0.069 0.003 0.079 0.160 0.003 0.0    0.106 0.0
        0.100 0.062 0.051 0.006 0.083 0.373  0.020 0.0
        0.055 0.027 0.026 0.002 0.060 0.316  0.009 0.0
        0.016 0.007 0.021 0.017 0.057 0.020  0.040 0.225
        0.036 0.001 0.003 0.001 0.028 0.008  0.066 0.144
    """
    published = np.array(published.split(), float).reshape(8, 8)
    table = np.array(list(PROBABILITIES.values()))
    assert np.abs(table - published).max() <= 0.0005 + 1e-9


def test_synapses_are_as_many_as_others_count():
    # GeNN's userproject/PotjansMicrocircuit_project, which rounds down, has 74,715,499 at a half.
    assert synapse_numbers(0.5).sum() == pytest.approx(74_715_499, rel=1e-4)
    # In-degree from L4I to L4E: Layer et al. (2022, Front. Neuroinform. 16:835657), table A1.
    assert round(synapse_numbers()[2, 3] / SIZES["L4E"]) == 795


def test_synapses_between_two_neurons_are_poisson_with_the_published_probability_of_any():
    numbers = synapse_numbers()
    pairs = np.outer(list(SIZES.values()), list(SIZES.values()))
    probabilities = 1.0 - np.exp(-numbers / pairs)
    assert probabilities == pytest.approx(np.array(list(PROBABILITIES.values())), abs=1e-6)


def test_a_tenth_of_the_network_has_the_sizes_of_the_reference_implementation():
    net = build(scale=0.1, backend="python")
    sizes = [cells.n for cells in net.populations.values()]
    assert sizes == [2068, 583, 2192, 548, 485, 106, 1440, 295]


def test_a_synapse_evokes_the_published_potential_of_0_15_mV():
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [1.0], [0])
    cell = net.add_population("cell", 1, CurrentLIF, **NEURON)
    cell.v[:] = NEURON["E_L"]
    weight = microcircuit.MV_PER_PA * microcircuit.WEIGHT
    net.connect(source, cell, target="I_exc", weight=weight)
    voltage = net.record(cell, "v")
    net.run(10.0)
    assert voltage.v.max() - NEURON["E_L"] == pytest.approx(0.15, abs=0.0002)


def test_rates_of_the_reference_implementation_lie_within_the_published_ranges():
    assert all(rate.low < rate.reference < rate.high for rate in RATES.values())
    # The article's, as cited by Romaro et al. (2021, Neural Comput. 33:1993), table A.1.
    for name, rate in {"L23E": 0.86, "L4E": 4.45, "L5E": 7.59, "L6E": 1.09}.items():
        assert RATES[name].low < rate < RATES[name].high


# ---------------------------------------------------------------------------------- the network


def test_each_projection_has_the_number_of_synapses_of_the_table(small):
    numbers = synapse_numbers(0.05)
    for row, post in enumerate(NAMES):
        for column, pre in enumerate(NAMES):
            projection = small.projections.get(f"{pre}_to_{post}")
            assert (projection.size if projection else 0) == numbers[row, column]
            assert numbers[row, column] > 0 or PROBABILITIES[post][column] < 0.001


def test_pairs_may_have_several_synapses_and_neurons_one_onto_themselves(small):
    projection = small.projections["L23E_to_L23E"]
    pairs = projection.source * projection.post.n + projection.target
    counts = np.unique(pairs, return_counts=True)[1]
    assert counts.max() > 1
    autapses = np.count_nonzero(projection.source == projection.target)
    expected = projection.size / projection.post.n
    assert abs(autapses - expected) < 4.0 * np.sqrt(expected)


@pytest.mark.parametrize(
    ("name", "mean"),
    [("L23E_to_L4I", 87.8), ("L4E_to_L23E", 2 * 87.8), ("L4I_to_L23E", -4 * 87.8)],
)
def test_weights_are_normal_and_stronger_in_smaller_networks(small, name, mean):
    weight = small.projections[name].weight / microcircuit.MV_PER_PA * np.sqrt(0.05)
    assert weight.mean() == pytest.approx(mean, abs=5.0 * 0.1 * abs(mean) / np.sqrt(weight.size))
    assert weight.std() == pytest.approx(0.1 * abs(mean), rel=5.0 / np.sqrt(2.0 * weight.size))
    assert (np.sign(weight) == np.sign(mean)).all()


def test_excitation_and_inhibition_have_currents_of_their_own(small):
    for name, projection in small.projections.items():
        excites = name.split("_to_")[0].endswith("E")
        assert projection.port == ("I_exc" if excites else "I_inh")
        assert (projection.weight > 0.0 if excites else projection.weight < 0.0).all()


@pytest.mark.parametrize(("name", "mean"), [("L23E_to_L23I", 1.5), ("L23I_to_L23E", 0.75)])
def test_delays_are_normal_and_never_below_a_step(small, name, mean):
    steps = latencies(small, name)
    expected = truncnorm((0.05 - mean) / (0.5 * mean), np.inf, mean, 0.5 * mean)
    error = expected.std() / np.sqrt(steps.size)
    assert 0.1 * steps.mean() == pytest.approx(expected.mean(), abs=5.0 * error)
    assert 0.1 * steps.std() == pytest.approx(expected.std(), rel=0.02)
    assert steps.min() == 1


def test_smaller_networks_keep_mean_and_variance_of_the_input():
    def moments(net):
        """Of what arrives at each population in a second, at the rates of the full network."""
        found = {}
        for name, cells in net.populations.items():
            inputs = [(b.rate, b.weight) for b in net.backgrounds if b.population is cells]
            for projection in (x for x in net.projections.values() if x.post is cells):
                spikes = RATES[projection.pre.name].reference * projection.size / cells.n
                inputs.append((spikes, float(projection.weight.mean())))
            constant = (cells.params["rest"] - NEURON["E_L"]) / 0.0005  # as if in spikes
            mean = constant + sum(rate * weight for rate, weight in inputs)
            found[name] = mean, sum(rate * weight**2 for rate, weight in inputs)
        return found

    indegrees = synapse_numbers() / np.array(list(SIZES.values()))[:, None]
    rates = np.array([rate.reference for rate in RATES.values()])
    weights = microcircuit.MV_PER_PA * mean_weights()
    external = 8.0 * np.array(list(EXTERNAL_INDEGREES.values()))
    excitatory = microcircuit.MV_PER_PA * 87.8
    mean = (indegrees * weights) @ rates + external * excitatory
    variance = (indegrees * weights**2) @ rates + external * excitatory**2
    for background in ("poisson", "dc"):
        net = build(scale=0.05, backend="python", background=background)
        for k, (mean_here, variance_here) in enumerate(moments(net).values()):
            noise = external[k] * excitatory**2 if background == "dc" else 0.0
            assert mean_here == pytest.approx(mean[k], abs=0.01 * external[k] * excitatory)
            assert variance_here == pytest.approx(variance[k] - noise, rel=0.03)


def test_the_full_network_needs_no_compensation():
    assert set(compensating_currents(1.0).values()) == {0.0}


def test_voltages_begin_as_asked():
    original = build(scale=0.05, seed=1, backend="python", voltages="original")
    optimized = build(scale=0.05, seed=1, backend="python")
    for cells in original.populations.values():
        assert cells.v.mean() == pytest.approx(-58.0, abs=40.0 / np.sqrt(cells.n))
    settled = optimized.populations["L23E"].v
    assert settled.mean() == pytest.approx(-68.28, abs=0.7)
    assert settled.std() == pytest.approx(5.36, abs=0.5)


def test_the_same_seed_makes_the_same_network_and_another_one_another():
    nets = [build(scale=0.01, seed=seed, backend="python") for seed in (1, 1, 2)]
    same, again, other = (net.projections["L4E_to_L4E"] for net in nets)
    for name in ("target", "weight", "later"):
        assert np.array_equal(getattr(same, name), getattr(again, name))
        assert not np.array_equal(getattr(same, name)[:99], getattr(other, name)[:99])
    voltages = [net.populations["L5I"].v for net in nets]
    assert np.array_equal(voltages[0], voltages[1])
    assert not np.array_equal(voltages[0], voltages[2])


# --------------------------------------------------------------------------------- what it does


def transcription(net, steps):
    """The spikes (step, population, neuron) of a network without noise, naively.

    Between steps, currents and voltages follow their closed form; a spike adds its weight to the
    currents of its targets once its delay is over.
    """
    cells = list(net.populations.values())
    index = {name: k for k, name in enumerate(net.populations)}
    v = [each.v.copy() for each in cells]
    current = [{"I_exc": np.zeros(each.n), "I_inh": np.zeros(each.n)} for each in cells]
    held = [np.zeros(each.n, int) for each in cells]
    synapses = [
        (index[p.pre.name], index[p.post.name], p.port, p.source, p.target, p.weight, latency)
        for name, p in net.projections.items()
        for latency in [latencies(net, name)]
    ]
    arriving = {}
    spikes = []
    decay, slow = np.exp(-0.1 / 10.0), np.exp(-0.1 / 0.5)
    share = (decay - slow) / (10.0 / 0.5 - 1.0)
    for step in range(steps):
        for k, each in enumerate(cells):
            drive = current[k]["I_exc"] + current[k]["I_inh"]
            rest = each.params["rest"]
            free = held[k] == 0
            v[k] = np.where(free, rest + (v[k] - rest) * decay + share * drive, -65.0)
            for port in current[k]:
                current[k][port] *= slow
            held[k] = np.maximum(held[k] - 1, 0)
            fired = free & (v[k] > -50.0)
            v[k][fired], held[k][fired] = -65.0, 20
            spikes += [(step, k, i) for i in np.flatnonzero(fired)]
        for pre, post, port, source, target, weight, latency in synapses:
            fired = [i for when, k, i in spikes if when == step and k == pre]
            for s in np.flatnonzero(np.isin(source, fired)):
                arrival = arriving.setdefault(step + int(latency[s]), [])
                arrival.append((post, port, target[s], weight[s]))
        for post, port, i, weight in arriving.pop(step, []):
            current[post][port][i] += weight
    return spikes


def test_spikes_are_those_of_a_naive_transcription():
    options = {"scale": 0.01, "seed": 1, "background": "dc", "voltages": "original"}
    net = build(**options, dtype="float64", backend="python")
    for cells in net.populations.values():
        cells.params["rest"] += 8.0  # so small a network is silent without noise
    expected = transcription(net, steps=600)
    recordings = [net.record_spikes(cells) for cells in net.populations.values()]
    net.run(60.0)
    ours = [
        (step, k, i)
        for k, spikes in enumerate(recordings)
        for step, i in zip(spikes.steps, spikes.i, strict=True)
    ]
    assert len(expected) > 400
    assert len({step for step, _, _ in expected}) > 100
    assert sorted(ours) == sorted(expected)


def test_a_tenth_of_the_network_fires_as_in_nest():
    # NEST 3.10 with the same constants, over 10 s: the mean of four networks, of which single ones
    # are up to 4 percent off.
    nest = [0.483, 2.123, 3.985, 5.019, 6.658, 7.806, 0.841, 7.020]
    net = build(scale=0.1, seed=1)
    spikes = {name: net.record_spikes(cells) for name, cells in net.populations.items()}
    net.run(10500.0)
    assert list(mean_rates(spikes).values()) == pytest.approx(nest, rel=0.1)


def test_mean_rates_leave_out_the_beginning():
    net = Network(dt=0.1, backend="python")
    source = net.add_spike_trains("source", 2, [1.0, 5.0, 6.0, 9.9], [0, 0, 1, 1])
    spikes = {"source": net.record_spikes(source)}
    net.run(10.0)
    assert mean_rates(spikes, after=5.0) == {"source": pytest.approx(300.0)}
    with pytest.raises(InputError, match=r"after is 10\.0; it has to be .* below 10 \(ms\)"):
        mean_rates(spikes, after=10.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 0.0}, "scale is 0.0; it has to be a finite number at least 0.001"),
        ({"scale": 1.1}, "scale is 1.1; it has to be .* at most 1"),
        ({"scale": "all"}, "scale is 'all'"),
        ({"background": "DC"}, "background is 'DC'; it has to be one of 'poisson', 'dc'"),
        (
            {"voltages": "settled"},
            "voltages is 'settled'; it has to be .* 'original'",
        ),
        ({"dt": 1.0}, "dt is 1 ms, longer than tau_exc = 0.5 ms"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_arguments_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        build(**{"scale": 0.01, "backend": "python", **options})
    if "scale" in options:
        with pytest.raises(InputError, match=said):
            synapse_numbers(options["scale"])
