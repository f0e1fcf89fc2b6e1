"""Areas and their connections are read from a file, or refused with what is wrong with it."""

import json

import numpy as np
import pytest

from spikesim import FileError, InputError
from spikesim.areas import Areas, check_areas, label, read_areas
from tests import three_areas


def changed(tmp_path, value, *keys):
    """The arguments for a file in which an entry is another, or missing if `value` is None."""
    content = json.loads(json.dumps(three_areas.content()))
    *way, last = keys
    at = content
    for key in way:
        at = at[key]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return three_areas.write(tmp_path, content)


def test_populations_come_in_the_order_of_areas_and_structure(tmp_path):
    areas = read_areas(**three_areas.write(tmp_path))
    assert areas.names == ("V1", "46", "TH")
    assert [label(each) for each in areas.populations] == [
        *("V1_23E", "V1_4E", "V1_4I", "A46_23E", "A46_4E", "A46_4I", "TH_23E", "TH_23I")
    ]


def test_numbers_of_synapses_become_indegrees(tmp_path):
    areas = read_areas(**three_areas.write(tmp_path))
    assert areas.sizes.tolist() == [300.4, 200.0, 100.0] * 2 + [300.4, 80.0]
    assert areas.indegrees[1] == pytest.approx([60, 60, 40, 20, 0, 0, 20, 0])
    assert areas.external == pytest.approx([900.0] * 8)
    assert areas.distances.tolist() == [[0, 42, 21], [42, 0, 7], [21, 7, 0]]
    assert areas.rates.tolist() == [2, 4, 6, 2, 4, 6, 2, 5]


def test_other_indegrees_take_the_place_of_those_of_the_file(tmp_path):
    other = np.arange(64.0).reshape(8, 8)
    areas = read_areas(three_areas.write(tmp_path)["path"], indegrees=other)
    assert np.array_equal(areas.indegrees, other)
    assert areas.rates is None


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (["area_list"], None, r"areas\.json has no list of names in area_list\. It has to be the"),
        (["area_list"], "V1", r"area_list is 'V1'; it has to be a list of names"),
        (["area_list"], ["V1", "46", "MT"], r"has no list of names in structure\.MT"),
        (["area_list"], [], r"populations is empty"),
        (["structure", "V1"], ["23E", 4], r"structure\.V1 is .*; it has to be a list of names"),
        (["structure", "V1"], ["23E", "23E"], r"calls 2 of them 'V1_23E'; names have to differ"),
        (["neuron_numbers", "46", "4E"], None, r"has no neuron_numbers\.46\.4E"),
        (["neuron_numbers", "46", "4E"], -1.0, r"neuron_numbers\.46\.4E is -1\.0; .* at least 0"),
        (["neuron_numbers", "46", "4E"], 0.0, r"46\.4E has no neurons; leave it out of structure"),
        (["neuron_numbers", "46", "4E"], "many", r"neuron_numbers\.46\.4E is 'many'"),
        (["synapses", "V1", "4E", "46"], None, r"has no synapses\.V1\.4E\.46\.23E"),
        (["synapses", "V1", "4E", "46"], 3.0, r"has no synapses\.V1\.4E\.46\.23E"),
        (["synapses", "V1", "4E", "external"], {}, r"no synapses\.V1\.4E\.external\.external"),
        (["synapses", "TH", "23I", "TH", "23I"], float("nan"), r"TH\.23I is nan"),
        (["distances", "46"], None, r"has no distances\.46\.V1"),
    ],
)
def test_a_file_that_lacks_something_is_refused_by_its_name(tmp_path, keys, value, said):
    given = changed(tmp_path, value, *keys)
    with pytest.raises((FileError, InputError), match=said):
        read_areas(**given)


def test_rates_have_to_be_there_for_each_population(tmp_path):
    given = three_areas.write(tmp_path)
    given["rates"].write_text('{"V1": {"23E": 1.0}}')
    with pytest.raises(FileError, match=r"rates\.json has no V1\.4E\. It has to hold the rate of"):
        read_areas(**given)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\0", '{"area_list": 1e999}'])
def test_what_is_no_file_of_areas_is_refused(tmp_path, text):
    (tmp_path / "areas.json").write_text(text)
    with pytest.raises(FileError, match=r"areas\.json"):
        read_areas(tmp_path / "areas.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"none\.json cannot be read: No such file"):
        read_areas(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"populations": [("V2", "4E")]}, r"populations holds \('V2', '4E'\)"),
        ({"populations": [("V1", "4X")]}, r"ends in E or I"),
        ({"populations": [("V1", "4 E")]}, r"letters, digits and '_'"),
        ({"populations": ["V1"]}, r"populations holds \('V', '1'\)"),
        ({"populations": 3}, r"pairs of area and name"),
        ({"sizes": [0.0]}, r"sizes holds 0"),
        ({"sizes": [1.0, 2.0]}, r"sizes has shape \(2,\)"),
        ({"indegrees": [[-1.0]]}, r"indegrees holds -1"),
        ({"rates": [float("nan")]}, r"rates holds NaN"),
        ({"names": 3}, r"names is 3"),
    ],
)
def test_areas_that_no_network_can_be_made_of_are_refused(change, said):
    areas = Areas(["V1"], [("V1", "4E")], [10.0], [[1.0]], [1.0], [[0.0]], [1.0])
    check_areas(areas)
    with pytest.raises(InputError, match=said):
        check_areas(areas._replace(**change))
