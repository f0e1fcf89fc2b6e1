"""The examples in docstrings run and print what they say."""

import doctest
import importlib

import pytest

MODULES = [
    "spikesim.attributes",
    "spikesim.bursts",
    "spikesim.checks",
    "spikesim.cli",
    "spikesim.comparison",
    "spikesim.dataset",
    "spikesim.datasets",
    "spikesim.declaring",
    "spikesim.engine.arguments",
    "spikesim.engine.assembly",
    "spikesim.engine.effect",
    "spikesim.engine.finite",
    "spikesim.engine.inputs",
    "spikesim.engine.network",
    "spikesim.engine.parameters",
    "spikesim.engine.population",
    "spikesim.engine.recording",
    "spikesim.engine.setting",
    "spikesim.engine.several",
    "spikesim.engine.stdp",
    "spikesim.engine.subgroups",
    "spikesim.events",
    "spikesim.experiments",
    "spikesim.foreign",
    "spikesim.idx",
    "spikesim.own_images",
    "spikesim.io.files",
    "spikesim.io.runs",
    "spikesim.kernels.machine.cores",
    "spikesim.kernels.machine.differing",
    "spikesim.kernels.machine.states",
    "spikesim.kernels.machine.writing",
    "spikesim.learning.alignment",
    "spikesim.learning.images",
    "spikesim.learning.layers",
    "spikesim.learning.model",
    "spikesim.learning.parameters",
    "spikesim.learning.properties",
    "spikesim.learning.tasks",
    "spikesim.logs",
    "spikesim.models.burst.burstprop",
    "spikesim.models.burst.network",
    "spikesim.models.burst.spiking.exclusive_or",
    "spikesim.models.burst.spiking.learning_rule",
    "spikesim.models.burst.spiking.pairing_protocols",
    "spikesim.models.burst.spiking.propagation",
    "spikesim.models.burst.spiking.transfer",
    "spikesim.models.burst.spiking.transfer_circuits",
    "spikesim.models.microcircuit",
    "spikesim.models.segregated.network",
    "spikesim.models.superspike.network",
    "spikesim.neuron",
    "spikesim.nir.inputs",
    "spikesim.nir.neurons",
    "spikesim.nir.reading",
    "spikesim.nir.writing",
    "spikesim.patterns",
    "spikesim.plot.bursts",
    "spikesim.plot.confusion",
    "spikesim.plot.credit",
    "spikesim.plot.planes",
    "spikesim.plot.curves",
    "spikesim.plot.rules",
    "spikesim.plot.spikes",
    "spikesim.plot.states",
    "spikesim.recorded",
    "spikesim.sonata",
    "spikesim.sonata_reading",
    "spikesim.spike_pattern",
    "spikesim.spiketrains",
    "spikesim.stimuli",
    "spikesim.sweep",
    "spikesim.sweep.command",
    "spikesim.sweep.table",
    "spikesim.tables",
    "spikesim.training",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
