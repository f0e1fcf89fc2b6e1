"""The multi-area model, made of three invented areas, beside its equations written out."""

import numpy as np
import pytest

from spikesim import CurrentLIF, InputError, Network
from spikesim.areas import label
from spikesim.models import multi_area
from spikesim.models.multi_area import METASTABLE, NEURON, build, cost, read_areas
from tests import three_areas

PSC = 87.8085  # pA


@pytest.fixture(scope="module")
def areas(tmp_path_factory):
    return read_areas(**three_areas.write(tmp_path_factory.mktemp("areas")))


@pytest.fixture(scope="module")
def full(areas):
    """All of it, in the metastable state, not run."""
    return build(areas, seed=2, **METASTABLE, backend="python")


def latencies(net, name):
    """From the spike to its effect, in ms, for each synapse."""
    projection = net.projections[name]
    later = 0 if projection.later is None else projection.later.astype(int)
    return 0.1 * np.broadcast_to(projection.delay_steps + later - 1, projection.size)


def written_out(areas, chi=1.0, chi_I=1.0):
    """The mean weight in pA and in-degree of each projection, as the article says them."""
    found = {}
    for i, post in enumerate(areas.populations):
        for j, pre in enumerate(areas.populations):
            weight = PSC if pre[1] in ("23E", "4E") else -11.0 * PSC
            if pre[0] == post[0] and pre[1] == "4E" and post[1] == "23E":
                weight = 2.0 * PSC
            if pre[0] != post[0]:
                weight *= chi * (chi_I if post[1] in ("23I", "4I") else 1.0)
            if areas.indegrees[i, j]:
                found[f"{label(pre)}_to_{label(post)}"] = weight, areas.indegrees[i, j]
    return found


# ---------------------------------------------------------------------------------- the network


def test_populations_have_the_numbers_of_neurons_of_the_file(areas):
    sizes = {name: cells.n for name, cells in build(areas, backend="python").populations.items()}
    assert sizes["V1_23E"] == sizes["A46_23E"] == sizes["TH_23E"] == 300
    assert (sizes["TH_23I"], sizes["V1_4E"], sizes["V1_4I"]) == (80, 200, 100)
    assert "TH_4E" not in sizes


def test_projections_have_the_numbers_of_synapses_of_the_file(areas, full):
    assert {name: each.size for name, each in full.projections.items()} == {
        name: round(indegree * three_areas.NEURONS[name.rpartition("_")[2]])
        for name, (_, indegree) in written_out(areas).items()
    }


def test_a_share_of_the_neurons_may_have_another_share_of_the_synapses(areas):
    net = build(areas, 0.5, indegrees=0.2, backend="python")
    assert net.populations["V1_4E"].n == 100
    assert net.projections["V1_4I_to_V1_4E"].size == 0.5 * 200 * 0.2 * 40
    assert build(areas, 0.5, backend="python").projections["V1_4I_to_V1_4E"].size == 2000


@pytest.mark.parametrize("state", [{}, METASTABLE])
def test_weights_are_those_of_equation_2(areas, state):
    net = build(areas, seed=2, backend="python", **state)
    for name, (mean, _) in written_out(areas, **state).items():
        weight = net.projections[name].weight / multi_area.MV_PER_PA
        error = 0.1 * abs(mean) / np.sqrt(weight.size)
        assert weight.mean() == pytest.approx(mean, abs=5.0 * error)
        assert weight.std() == pytest.approx(0.1 * abs(mean), rel=5.0 / np.sqrt(2 * weight.size))


def test_a_synapse_evokes_the_published_potential_of_0_15_mV():
    net = Network(dt=0.1, dtype="float64", backend="python")
    source = net.add_spike_trains("source", 1, [1.0], [0])
    cell = net.add_population("cell", 1, CurrentLIF, **NEURON)
    cell.v[:] = NEURON["E_L"]
    net.connect(source, cell, target="I_exc", weight=multi_area.MV_PER_PA * PSC)
    voltage = net.record(cell, "v")
    net.run(10.0)
    assert voltage.v.max() - NEURON["E_L"] == pytest.approx(0.15, abs=0.0002)


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("V1_23E_to_A46_4E", 42.0 / 3.5),
        ("V1_23E_to_TH_23I", 21.0 / 3.5),
        ("A46_23E_to_TH_23E", 7.0 / 3.5),
        ("V1_23E_to_V1_4I", 1.5),
        ("V1_4I_to_V1_4E", 0.75),
    ],
)
def test_delays_go_with_the_distance_between_areas(full, name, mean):
    # A normal distribution, of which what is below 0 is drawn again: its mean is larger.
    found = latencies(full, name)
    error = 0.5 * mean / np.sqrt(found.size)
    assert found.mean() == pytest.approx(mean * (1.0 + 0.5 * 0.0553), abs=5.0 * error + 0.01)
    assert found.min() >= 0.1


def test_fewer_synapses_per_neuron_keep_mean_and_variance_of_the_input(areas):
    expected = {label(each): np.zeros(2) for each in areas.populations}
    rates = dict(zip(expected, areas.rates, strict=True))
    for name, (weight, indegree) in written_out(areas).items():
        pre, _, post = name.partition("_to_")
        expected[post] += indegree * rates[pre] * np.array([weight, 1.01 * weight**2])
    for each in expected.values():
        each += 900.0 * 10.0 * np.array([PSC, PSC**2])
    net = build(areas, 0.5, indegrees=0.25, backend="python")
    found = {name: np.zeros(2) for name in expected}
    for name, cells in net.populations.items():
        found[name][0] = (cells.params["rest"] - NEURON["E_L"]) / 0.0005 / multi_area.MV_PER_PA
    for each in net.backgrounds:
        weight = each.weight / multi_area.MV_PER_PA
        found[each.population.name] += each.rate * np.array([weight, weight**2])
    for each in net.projections.values():
        weight = each.weight.astype(float) / multi_area.MV_PER_PA
        arriving = each.size / each.post.n * rates[each.pre.name]
        found[each.post.name] += arriving * np.array([weight.mean(), (weight**2).mean()])
    for name, (mean, variance) in expected.items():
        assert found[name][0] == pytest.approx(mean, rel=0.02)
        assert found[name][1] == pytest.approx(variance, rel=0.02)


def test_a_constant_current_has_the_mean_of_the_background(areas):
    net = build(areas, background="dc", backend="python")
    mean = 0.0005 * 900.0 * 10.0 * PSC * multi_area.MV_PER_PA
    assert not net.backgrounds
    assert net.populations["V1_4E"].params["rest"] == pytest.approx(NEURON["E_L"] + mean)


def test_voltages_begin_far_below_the_threshold(full):
    voltages = np.concatenate([cells.v for cells in full.populations.values()])
    assert voltages.mean() == pytest.approx(-150.0, abs=5.0 * 50.0 / np.sqrt(voltages.size))
    assert voltages.std() == pytest.approx(50.0, rel=0.1)


def test_all_backends_give_the_same_spikes(areas):
    def spikes(backend):
        net = build(areas, 0.2, seed=5, indegrees=0.5, backend=backend)
        for cells in net.populations.values():
            cells.v[:] += 95.0  # so that many spike at once
        recorded = [net.record_spikes(cells) for cells in net.populations.values()]
        net.run(12.0)
        return [(each.steps.tolist(), each.i.tolist()) for each in recorded]

    expected = spikes("python")
    assert sum(len(steps) for steps, _ in expected) > 100
    assert spikes("cpu") == spikes("threads:2") == expected


def test_the_seed_decides_what_is_drawn(areas):
    same, again, other = (
        build(areas, 0.2, seed=seed, indegrees=1.0, backend="python") for seed in (1, 1, 2)
    )
    name = "V1_23E_to_A46_4E"
    first, second, third = (net.projections[name].target[:50] for net in (same, again, other))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


# ------------------------------------------------------------------------- what it would take


@pytest.mark.parametrize("options", [{}, {"scale": 0.5, "indegrees": 1.0}])
def test_the_cost_of_a_network_is_that_of_the_one_that_is_built(areas, options):
    expected, net = cost(areas, **options), build(areas, **options, backend="python")
    assert expected.neurons == sum(cells.n for cells in net.populations.values())
    assert expected.synapses == sum(each.size for each in net.projections.values())
    assert expected.events == sum(
        each.size * three_areas.RATES[each.pre.name.rpartition("_")[2]]
        for each in net.projections.values()
    )
    held = sum(each.nbytes for each in net.projections.values())
    held += sum(a.nbytes for each in net.populations.values() for a in each.arrays().values())
    assert expected.memory == pytest.approx(held, rel=0.25)


def test_a_network_that_does_not_fit_into_memory_is_refused(areas):
    large = areas._replace(sizes=1e5 * np.asarray(areas.sizes))
    with pytest.raises(InputError, match=r"scale is 1, which takes .* GB of memory; this machine"):
        build(large, backend="python")


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 0.0}, r"scale is 0\.0; it has to be a finite number at least 1e-05"),
        ({"indegrees": 2.0}, r"indegrees is 2\.0; it has to be .* at most 1"),
        ({"chi": -1.0}, r"chi is -1\.0; it has to be a finite number above 0"),
        ({"chi_I": "two"}, r"chi_I is 'two'"),
        ({"background": "DC"}, r"background is 'DC'; it has to be one of 'poisson', 'dc'"),
    ],
)
def test_impossible_choices_are_refused_by_name(areas, options, said):
    with pytest.raises(InputError, match=said):
        build(areas, backend="python", **options)


def test_a_path_in_the_place_of_areas_is_refused():
    with pytest.raises(InputError, match=r"areas is 'areas\.json'; it has to be Areas, from read"):
        build("areas.json")


def test_without_rates_neurons_have_all_of_their_synapses(areas):
    unknown = areas._replace(rates=None)
    assert build(unknown, 0.1, indegrees=1.0, backend="python").populations["V1_4E"].n == 20
    for refused in (lambda: build(unknown, 0.5), lambda: cost(unknown)):
        with pytest.raises(InputError, match=r"areas has no rates of the full network"):
            refused()
