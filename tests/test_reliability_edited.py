"""A state that somebody has edited is refused where compiled code would leave its arrays."""

import sys

import numpy as np
import pytest

from spikesim import InputError
from spikesim.io.files import atomic_file, open_file, read_tree, stamp, write_tree
from spikesim.models.burst.spiking import ExclusiveOrNetwork
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeNetwork
from tests.reliability import edited

EVENTS = ("simulation", "arrays", "phase 10 keep_factors", "block")
RAW = ("simulation", "arrays", "phase 5 clear_error", "raw_count")
EDITS = {
    "spikes of a layer": ("segregated", ("running", "hidden_1.ids"), 2**30, "hidden_1.ids"),
    "numbers of spikes": ("segregated", ("running", "input.count"), 99, "input.count holds 99"),
    "events of a synapse": ("superspike", EVENTS, -(2**30), "saved block holds -1073741824"),
    "a list of errors": ("superspike", RAW, 2**30, "saved raw_count holds 1073741824"),
    "a pattern": ("exclusive-or", ("progress", "example"), 4, "saved example is 4"),
    "an epoch": ("exclusive-or", ("progress", "epoch"), -1, "saved epoch is -1"),
    "the history": ("exclusive-or", ("history", "epoch"), np.inf, "saved epochs holds NaN or inf"),
    "a step": ("superspike", ("simulation", "step"), -5, "saved step is -5"),
}
LOADED = {
    "segregated": SegregatedDendriteNetwork,
    "superspike": SuperSpikeNetwork,
    "exclusive-or": ExclusiveOrNetwork,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The states of models that have learned a little."""
    build = edited.models()
    advance = sys.modules["cuda_networks"].advance
    found = {}
    for name, model in LOADED.items():
        path = tmp_path_factory.mktemp(name) / "net.h5"
        net = build[name]("python")
        advance(net)
        net.save(path)
        kind = name.replace("-", "_")
        with open_file(path, kind) as file:
            found[name] = kind, read_tree(file)
        assert model.load(path, backend="python")
    return found


@pytest.mark.parametrize(("model", "place", "value", "sentence"), EDITS.values(), ids=EDITS)
def test_an_edited_state_is_refused_by_the_name_of_what_was_edited(
    saved, tmp_path, model, place, value, sentence
):
    kind, tree = saved[model]
    place = ("network", *place)
    was = edited.place(tree, place)
    kind_of_number = float if isinstance(value, float) else None
    new = np.full_like(was, value, kind_of_number) if isinstance(was, np.ndarray) else value
    with atomic_file(tmp_path / "net.h5") as file:
        stamp(file, kind)
        write_tree(file, edited.replaced(tree, place, new))
    with pytest.raises(InputError, match=sentence):
        LOADED[model].load(tmp_path / "net.h5", backend="python")


@pytest.mark.parametrize("model", ["bursting", "segregated", "burst"])
def test_a_model_refuses_an_edit_or_goes_on_from_it_within_its_arrays(model, tmp_path):
    found, defects = edited.attack(model, 12, 0, tmp_path)
    assert not defects
    assert found["refused"] > 2


def test_an_index_outside_of_an_array_is_found(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("spikesim.engine.population.Population.check_saved", lambda *_: None)
    _, place, value, _ = EDITS["numbers of spikes"]
    path, (kind, tree) = tmp_path / "net.h5", saved["segregated"]
    was = edited.place(tree, ("network", *place))
    with atomic_file(path) as file:
        stamp(file, kind)
        edit = edited.replaced(tree, ("network", *place), np.full_like(was, value))
        write_tree(file, edit)
    build = edited.models()["segregated"]
    assert edited.outcome(build("python"), build, path).startswith("IndexError")
