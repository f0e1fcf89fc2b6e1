"""What version 0.1 has written into pickles and scripts: modules by the names they had then."""

import importlib
import pickle
import sys

import pytest

import spikesim
import spikesim.models
from spikesim import InputError, Network, PairSTDP
from spikesim.former import NOW
from tests.test_layers import FILES, belongs_to, identity, imports


@pytest.mark.parametrize("former", sorted(NOW))
def test_a_former_name_is_that_of_the_present_module(former):
    if former.endswith("cuda"):
        pytest.importorskip("numba.cuda")
    module = importlib.import_module(former)
    assert module is importlib.import_module(NOW[former])
    assert module.__spec__.name == module.__name__ == NOW[former]


def test_a_pickle_that_says_where_a_class_was_is_read():
    pickled = pickle.dumps(PairSTDP(A_plus=0.5), protocol=0)
    assert b"spikesim.engine.stdp" in pickled
    former = pickled.replace(b"spikesim.engine.stdp", b"spikesim.stdp")
    assert pickle.loads(former) == PairSTDP(A_plus=0.5)


def test_a_network_that_another_version_has_pickled_is_refused_in_a_line_that_says_what_to_do():
    pickled = pickle.dumps(Network(backend="python"))
    other = pickled.replace(b"spikesim.engine.network", b"spikesim.engine.netwerk")
    assert other != pickled
    with pytest.raises(InputError, match=r"by another version .* save\(\) in that version"):
        pickle.loads(other)


def test_checks_are_found_where_they_stood():
    from spikesim.errors import check_number, type_for

    assert check_number is spikesim.checks.check_number
    assert type_for is spikesim.precision.type_for
    with pytest.raises(ImportError, match="check_nothing"):
        from spikesim.errors import check_nothing  # noqa: F401


def test_there_is_one_finder_however_often_spikesim_is_imported():
    before = list(sys.meta_path)
    spikesim.former.find_former_names()
    assert sys.meta_path == before


@pytest.mark.parametrize("path", FILES, ids=identity)
def test_the_package_itself_says_the_present_names(path):
    assert not [name for name in imports(path) for former in NOW if belongs_to(name, former)]
