"""The examples in docstrings run and print what they say."""

import doctest
import importlib

import pytest

MODULES = [
    "spikesim.bursts",
    "spikesim.cli",
    "spikesim.comparison",
    "spikesim.datasets",
    "spikesim.errors",
    "spikesim.files",
    "spikesim.kernels.records",
    "spikesim.learning.alignment",
    "spikesim.learning.images",
    "spikesim.learning.layers",
    "spikesim.learning.parameters",
    "spikesim.models.burst.burstprop",
    "spikesim.models.burst.network",
    "spikesim.models.burst.spiking.exclusive_or",
    "spikesim.models.burst.spiking.learning_rule",
    "spikesim.models.burst.spiking.pairing",
    "spikesim.models.burst.spiking.propagation",
    "spikesim.models.burst.spiking.transfer",
    "spikesim.models.microcircuit",
    "spikesim.models.segregated.network",
    "spikesim.models.superspike.network",
    "spikesim.network",
    "spikesim.neurons",
    "spikesim.patterns",
    "spikesim.plot",
    "spikesim.runs",
    "spikesim.sonata",
    "spikesim.sonata_reading",
    "spikesim.spike_pattern",
    "spikesim.spiketrains",
    "spikesim.stdp",
    "spikesim.sweep",
    "spikesim.sweep_runs",
    "spikesim.training",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
