"""``spikesim warmup`` and ``spikesim cache``: compiling once for all, and forgetting it."""

import importlib

import pytest

from spikesim import LIF, FitzHughNagumo, Network, Poisson, cli, neurons, textbook_neurons
from spikesim.image_runs import ImageCommands
from spikesim.kernels.machine import cache, compiling, native
from spikesim.models import EXPERIMENTS
from spikesim.pattern_runs import PatternCommands


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    """A kernel cache of the test's own, and little to compile."""
    monkeypatch.setattr(cache, "addresses", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("SPIKESIM_CACHE", raising=False)
    for commands in (ImageCommands, PatternCommands):
        monkeypatch.setattr(commands, "SHORT_RUNS", ())
    for where in EXPERIMENTS.values():
        monkeypatch.setattr(importlib.import_module(where), "SHORT_RUNS", ())
    monkeypatch.setattr(neurons, "__all__", ["LIF"])
    monkeypatch.setattr(textbook_neurons, "__all__", ["FitzHughNagumo"])
    return tmp_path


def network():
    net = Network(dt=0.2, seed=3)
    source = net.add_population("source", 30, Poisson)
    cells = net.add_population("cells", 7, LIF, tau=5.0)
    net.connect(source, cells, target="drive", weight=1.0, probability=0.3, delay=1.0)
    net.connect(cells, cells, target="drive", weight=-1.0, delay=1.6)
    net.record_spikes(cells)
    net.record(cells, ["v", "drive"], neurons=[0])
    return net


def textbook_network():
    net = Network(dt=0.1, seed=3)
    source = net.add_population("source", 30, Poisson)
    cells = net.add_population("cells", 7, FitzHughNagumo, a=0.8)
    net.connect(source, cells, target="drive", weight=1.0, indegree=3, delay=1.0)
    net.record(cells, ["v", "w"])
    return net


def test_after_warmup_a_network_of_known_parts_compiles_nothing(monkeypatch, capsys):
    assert cli.main(["warmup"]) == 0
    assert "functions in it." in capsys.readouterr().out
    monkeypatch.setattr(cache, "addresses", {})  # as in another process
    monkeypatch.setattr(native, "workers", lambda: 1)
    compiled = []
    monkeypatch.setattr(compiling, "object_code", lambda job: compiled.append(job.name))
    assert network().compiled().is_ready
    network().run(1.0)
    textbook_network().run(1.0)
    assert compiled == []


def test_warmup_says_what_it_compiles_and_what_it_does_not(capsys):
    assert cli.main(["warmup", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "every kind of neuron, those of textbooks included" in said
    assert "Equations and rules of your own, synapse models" in said


def test_what_warmup_says_while_it_fails_is_shown(monkeypatch, capsys):
    def fails(job):
        print("here")
        raise RuntimeError("no compiler")

    monkeypatch.setattr(native, "workers", lambda: 1)
    monkeypatch.setattr(compiling, "object_code", fails)
    with pytest.raises(RuntimeError, match="no compiler"):
        cli.main(["warmup"])
    assert "here" in capsys.readouterr().err


def test_a_cleared_cache_is_empty_and_fills_again(place, capsys):
    net = network()
    net.run(0.2)
    kept = len(list(place.rglob("*.o")))
    assert cli.main(["doctor"]) == 0
    assert f"{kept} functions" in capsys.readouterr().out
    assert cli.main(["cache", "clear"]) == 0
    assert f"Removed {kept} functions" in capsys.readouterr().out
    assert not list(place.rglob("*.o"))
    cache.addresses.clear()
    network().run(0.2)
    assert len(list(place.rglob("*.o"))) == kept
