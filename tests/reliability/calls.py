"""A valid example of every public call, for `inputs` to spoil.

`discovered` finds the calls in the package itself; each of them has an example in `EXAMPLES` or a
reason in `INTERNAL` why nobody calls it from a script. `tests/test_reliability_inputs.py` fails
for one that has neither, so that what is new is covered, or its author says why not.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections import deque
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import h5py
import numpy as np

import spikesim
import spikesim.learning
import spikesim.models
from spikesim import (
    LIF,
    NMDA,
    DoubleExponential,
    Network,
    Neuron,
    PairSTDP,
    PlasticityRule,
    Poisson,
    Replicas,
    ShortTermPlasticity,
    Synapse,
    areas,
    bursts,
    circuit,
    credit,
    datasets,
    events,
    logs,
    nir,
    patterns,
    plot,
    sonata,
    spiketrains,
    spread,
    stimuli,
    sweep,
)
from spikesim.comparison import Comparison, comparison_table
from spikesim.credit.rules import rules_of
from spikesim.credit.tasks import task_of
from spikesim.io import files
from spikesim.learning import alignment, performance
from spikesim.learning.tasks import Task
from spikesim.models import microcircuit, multi_area
from spikesim.models.burst import BurstEnsembleNetwork, BurstpropNetwork
from spikesim.models.burst.spiking import (
    BurstPlasticity,
    ExclusiveOrNetwork,
    Pyramidal,
    exclusive_or,
    learning_rule,
    pairing,
    propagation,
    transfer,
)
from spikesim.models.cerebellum import AdaptiveFilter, layer, reflex, sinusoids
from spikesim.models.clamped import ClampedNetwork
from spikesim.models.dendritic_microcircuit import DendriticMicrocircuit, SpikingMicrocircuit
from spikesim.models.equilibrium import EquilibriumPropagation
from spikesim.models.feedback_alignment import FeedbackAlignment
from spikesim.models.perturbation import Perturbation
from spikesim.models.reward import RewardNetwork, SpikingRewardNetwork
from spikesim.models.routing import RoutingEnsembles, gates, rows
from spikesim.models.segregated import SegregatedDendriteNetwork
from spikesim.models.superspike import SuperSpikeClassifier, SuperSpikeNetwork, Windows, tasks
from spikesim.models.target_propagation import TargetPropagation
from spikesim.nwb import write_nwb
from spikesim.patterns import SpikePattern
from tests import three_areas
from tests.circuits import write_circuit

# ---- which calls there are --------------------------------------------------------------------


def modules() -> list[str]:
    """The package's modules, those of the machinery below it apart."""
    own = pkgutil.walk_packages([os.path.dirname(spikesim.__file__)], "spikesim.")
    models = pkgutil.walk_packages(spikesim.models.__path__, "spikesim.models.")
    names = [module.name for module in (*own, *models)]
    return ["spikesim", *(name for name in names if not name.endswith("__main__"))]


def discovered() -> dict[str, Callable]:
    """Every public function, class, method and settable property that takes an argument."""
    found: dict[str, Callable] = {}
    for module in map(importlib.import_module, modules()):
        for public in getattr(module, "__all__", ()):
            value = getattr(module, public)
            if not (inspect.isfunction(value) or inspect.isclass(value)):
                continue
            name = f"{value.__module__}.{value.__qualname__}"
            if not name.startswith("spikesim.") or name.startswith("spikesim.kernels."):
                continue
            if inspect.isfunction(value):
                found[name] = value
            elif not issubclass(value, BaseException):
                found[name] = value
                found.update(_methods(value))
    return {name: value for name, value in found.items() if _takes_arguments(value)}


def _methods(kind: type) -> dict[str, Callable]:
    found = {}
    for name in dir(kind):
        static = inspect.getattr_static(kind, name)
        if name.startswith("_"):
            continue
        key = f"{kind.__module__}.{kind.__qualname__}.{name}"
        if isinstance(static, property):
            if static.fset is not None:
                found[f"{key} ="] = static.fset
        elif inspect.isfunction(static):
            if static.__module__.startswith("spikesim"):
                found[key] = static
        elif isinstance(
            static, (classmethod, staticmethod)
        ) and static.__func__.__module__.startswith("spikesim"):
            found[key] = static.__func__
    return found


def _takes_arguments(value: Callable) -> bool:
    try:
        names = list(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return False
    return bool([name for name in names if name not in ("self", "cls")])


INTERNAL = {
    # what others make
    "spikesim.engine.population.Population*": "made by Network.add_population; builds programs",
    "spikesim.engine.drawing.*": "builds programs",
    "spikesim.engine.filters.Filter": "made by Network.connect",
    "spikesim.engine.constants.*": "what is assigned to populations, which is tried",
    "spikesim.engine.finite.*": "called by Network.run",
    "spikesim.engine.items.*": "what is handed out for I and weight; see 'written cells.I[:] ='",
    "spikesim.engine.signs.*": "called by Network.connect",
    "spikesim.engine.subgroups.lacking": "says what an attribute is called",
    "spikesim.errors.warn": "called by checks",
    "spikesim.foreign.here": "what messages are made of",
    "spikesim.engine.projection.Projection.check_sign": "called by Network.connect",
    "spikesim.engine.synapse_data.SomeSynapses.are_of": "called by Network.record",
    "spikesim.engine.synapse_data.chosen_synapses": "called by Network.record",
    "spikesim.engine.effect.effect": "called by Network.connect_gap",
    "spikesim.engine.gaps.GapJunctions": "made by Network.connect_gap",
    "spikesim.engine.influence.*": "what populations are made of",
    "spikesim.engine.injection.*": "what stimuli and noise are made of",
    "spikesim.engine.restoring.*": "called by Network.set_state",
    "spikesim.engine.noise.Noise": "made by Network.add_noise",
    "spikesim.engine.stimuli.Stimulus": "made by Network.play",
    "spikesim.engine.*.adding": "builds programs",
    "spikesim.engine.subgroups.Subgroup": "made by Population[...]",
    "spikesim.engine.subgroups.name_of_projection": "called by Network.connect",
    "spikesim.engine.subgroups.subgroup": "tried as 'Population[...]'",
    "spikesim.engine.sources.SpikeTrainSource.as_seen": "called by recordings",
    "spikesim.engine.sources.SpikeTrainSource.inject": "called by Network.play",
    "spikesim.engine.sources.SpikeTrainSource.*sil*": "tried as 'Population.silence'",
    "spikesim.engine.sources.*.check_[cos]*": "called when parameters are set",
    "spikesim.engine.sources.*.present_name": "called where variables are named",
    "spikesim.engine.sources.*.live": "they have no parameters",
    "spikesim.engine.sources.*.take": "called when parameters are set",
    "spikesim.engine.parameters.[a-z]*": "called by Network.add_population",
    "spikesim.engine.parameters.Parameters": "made by Network.add_population",
    "spikesim.engine.parameters.Parameters.[fst]*": "called by update and Network.set_state",
    "spikesim.declaring.[a-z]*": "called by Neuron",
    "spikesim.neuron.Following": "made by Network.add_population",
    "spikesim.neuron.Neuron.present": "called where parameters are named",
    "spikesim.neuron.Neuron.longest": "called by Network.add_population",
    "spikesim.neuron.Neuron.following": "called by Network.add_population",
    "spikesim.cli.warmup.*": "called by the command line",
    "spikesim.engine.projection.Projection": "made by Network.connect",
    "spikesim.engine.projection.Projection.change_in_use": "called by Network.connect",
    "spikesim.engine.projection.Projection.W =": "tried as 'written dense.W ='",
    "spikesim.engine.projection.Projection.weight =": "tried as 'written sparse.weight ='",
    "spikesim.engine.synapses.*": "what projections are made of",
    "spikesim.engine.projection.Projection.delay_*": "called by Network.connect",
    "spikesim.engine.projection.Projection.fill": "called by Network.connect",
    "spikesim.engine.projection.Projection.learn_by": "called by Network.connect",
    "spikesim.engine.projection.Projection.bounded": "called by assignments",
    "spikesim.engine.projection.Projection.holder": "called by recordings",
    "spikesim.engine.synapse_data.SomeSynapses": "made by Projection.of",
    "spikesim.engine.synapse_data.SynapseRecording": "made by Network.record",
    "spikesim.engine.synapse_data.SynapseRecording.[bdcprt]*": "see StateRecording",
    "spikesim.engine.synapse_data.[dmt]*": "see Projection.table",
    "spikesim.engine.projection.Projection.act_through": "called by Network.connect",
    "spikesim.engine.synaptic.*": "made by Network.connect; see Synapse",
    "spikesim.synapse.Synapse.[cnos]*": "attributes, or called by Network.connect",
    "spikesim.engine.recording.SpikeRecording": "made by Network.record_spikes",
    "spikesim.engine.recording.StateRecording": "made by Network.record",
    "spikesim.engine.record*.begin": "called by Network.run",
    "spikesim.engine.record*.prepare": "called by Network.run",
    "spikesim.engine.record*.take_back": "called by Network.set_state",
    "spikesim.engine.record*.check_kept": "called by Network.reset",
    "spikesim.engine.beginning.*": "called by Network.run and Network.reset",
    "spikesim.engine.rows.*": "what recordings are made of",
    "spikesim.engine.several.SpikeRecordings": "made by Network.record_spikes",
    "spikesim.engine.summary.*": "called by Network.summary",
    "spikesim.tables.*": "what summaries are made of",
    "spikesim.plot.spikes.binned": "what figures are made of",
    "spikesim.recorded.Rate": "returned by Spikes.rate",
    "spikesim.engine.recorder.Recording.to_nwb": "the base of recordings, which are tried",
    "spikesim.recorded.Recorded.to_nwb": "the base of recordings and Spikes, which are tried",
    "spikesim.recorded.RecordedS*": "the base of recordings and Spikes, which are tried",
    "spikesim.recorded.Spikes": "made by SpikeRecording.take",
    "spikesim.engine.record*.drain": "called by Network.run",
    "spikesim.engine.several.layers_to_*": "called by the recordings of models",
    "spikesim.engine.sources.Background": "made by Network.add_background",
    "spikesim.engine.sources.EventSource*": "made by Network.add_events; builds programs",
    "spikesim.engine.sources.ImageSource*": "made by Network.add_images; builds programs",
    "spikesim.engine.sources.SpikeTrainSource": "made by Network.add_spike_trains",
    "spikesim.engine.sources.SpikeTrainSource.check_saved": "called by Network.set_state",
    "spikesim.engine.sources.SpikeTrainSource.is_driven": "called by checks of neurons",
    "spikesim.engine.sources.SpikeTrainSource.landing": "builds programs",
    "spikesim.engine.sources.SpikeTrainSource.look_ahead": "builds programs",
    "spikesim.engine.sources.SpikeTrainSource.numbered": "called by Network.add",
    "spikesim.engine.sources.SpikeTrainSource.remember": "builds programs",
    "spikesim.engine.sources.Trials*": "made by Network.add_images and models",
    "spikesim.engine.plasticity.*": "made by Network.connect; see Projection.learning",
    "spikesim.engine.stdp.PairPlasticity*": "made by Network.connect; see Projection.learning",
    "spikesim.engine.rules.RulePlasticity": "made by Network.connect",
    "spikesim.engine.rules.RulePlasticity.[cl]*": "see Projection.learning",
    "spikesim.signatures.*": "what rules are made of",
    "spikesim.engine.network.Network.add": "takes what models make",
    "spikesim.engine.replay.Stretch*": "made by Network.run",
    "spikesim.replicas.Gang*": "made by Replicas",
    "spikesim.replicas.stacked": "what Replicas returns",
    "spikesim.engine.connectivity.Plan": "returned",
    "spikesim.engine.connectivity.Synapses": "returned",
    "spikesim.engine.connectivity.all_to_all": "called by Network.connect",
    "spikesim.engine.connectivity.from_matrix": "called by Network.connect",
    "spikesim.engine.connectivity.generator": "called by Network.connect",
    "spikesim.engine.connectivity.target_type": "called by Network.connect",
    "spikesim.engine.connectivity.draw": "called by Network.connect",
    "spikesim.engine.connectivity.plan": "called by Network.connect",
    "spikesim.engine.many_synapses.*": "called by Network.connect",
    "spikesim.bursts.BurstRates": "returned",
    "spikesim.bursts.Bursts": "returned",
    "spikesim.dataset.Dataset": "returned",
    "spikesim.own_images.checksum": "takes a Dataset",
    "spikesim.sonata_reading.Traces": "returned",
    "spikesim.io.objects.*": "called by readers, which are tried",
    "spikesim.io.untrusted.*": "called by readers, which are tried",
    "spikesim.nir.graph.*": "called by nir.read",
    "spikesim.nir.inputs.Input.[a-eg-z]*": "those of a SpikeTrainSource",
    "spikesim.nir.neurons.Choices": "made by nir.neuron",
    "spikesim.nir.neurons.choices_of": "called by nir.write",
    "spikesim.circuit.config.*": "called by read_circuit",
    "spikesim.circuit.edges.*": "called by read_circuit",
    "spikesim.circuit.inputs.*": "called by read_circuit",
    "spikesim.circuit.kinds.*": "called by read_circuit",
    "spikesim.circuit.nodes.*": "called by read_circuit",
    "spikesim.circuit.reports.*": "called by read_circuit",
    "spikesim.circuit.running.Circuit": "made by read_circuit",
    "spikesim.circuit.tables.*": "called by read_circuit",
    "spikesim.sonata.*Writer.cut": "called by recordings over a restored state",
    "spikesim.spike_pattern.pattern_of": "called by what makes patterns",
    "spikesim.training.LayerArrays": "an attribute of models; see 'net.W[0] ='",
    "spikesim.sweep.table.Sweep": "returned",
    "spikesim.sweep.table.check_sets": "what sweeps are made of",
    "spikesim.sweep.table.named": "what sweeps are made of",
    "spikesim.sweep.table.one_line": "what sweeps are made of",
    "spikesim.sweep.pools.*": "what sweeps are made of",
    "*.Dynamics*": "made by models",
    "*.Simulation*": "made by models",
    "*.LoopSimulation*": "made by models",
    "spikesim.learning.images.ImageModel*": "tried on the models that are made of it",
    "spikesim.learning.model.LayeredModel*": "tried on the models that are made of it",
    "spikesim.learning.measures.*": "returned, and called by models",
    "spikesim.learning.properties.*": "returned, and called by models",
    "spikesim.learning.patterns.PatternModel*": "tried on the models that are made of it",
    "spikesim.learning.parameters.TimedParameters*": "made by models from **parameters",
    "spikesim.learning.batches.BatchModel*": "tried on the models that are made of it",
    "spikesim.learning.classifiers.*": "tried on the models that are made of it",
    "spikesim.learning.optimizers.*": "called by models",
    "spikesim.learning.examples.ExampleModel*": "tried on the models that are made of it",
    "spikesim.learning.examples.trained": "tried on the models that are made of it",
    "spikesim.learning.loops.Synapse": "see SuperSpikeNetwork.record",
    "spikesim.learning.loops.arranged": "called by models",
    "spikesim.learning.loops.check_synapse": "see SuperSpikeNetwork.record",
    "spikesim.models.superspike.rules.*": "called by SuperSpikeNetwork",
    "spikesim.models.superspike.parameters.*": "made by models from **parameters",
    "spikesim.models.superspike.*.ClassifierParameters*": "made by models from **parameters",
    "spikesim.models.superspike.*.SpikingLayers*": "tried on the models that are made of it",
    "spikesim.learning.eligibility.*": "called by models",
    "spikesim.learning.tasks.*": "see SuperSpikeNetwork.train",
    "spikesim.learning.windows.answers": "called by models",
    "spikesim.learning.windows.equal_patterns": "called by models",
    "spikesim.learning.windows.pattern_*": "called by models",
    "spikesim.learning.layers.*": "called by models, whose authors see what it says",
    "spikesim.learning.parameters.*": "called by models, whose authors see what it says",
    "spikesim.learning.particles.*": "called by simulations",
    "spikesim.learning.updates.*": "called by models",
    "spikesim.learning.filtered.*": "called by models",
    "spikesim.learning.signals.SignalModel*": "tried on the models that are made of it",
    "spikesim.learning.signals.correlation": "called by experiments",
    "spikesim.learning.signals.rms*": "called by experiments",
    "spikesim.learning.spiking.*": "called by models",
    "spikesim.learning.alignment.cosines": "called by models",
    "spikesim.learning.forward.*": "called by models",
    "spikesim.learning.alignment.backpropagated": "called by models",
    "spikesim.learning.alignment.measured": "called by models",
    "spikesim.learning.alignment.BiasAndNoise": "what bias_and_noise returns",
    "spikesim.learning.alignment.FeedbackJacobian": "what feedback_jacobian returns",
    "spikesim.learning.performance.Operations": "what synaptic_operations returns",
    "spikesim.learning.alignment.norm_ratio": "takes a model alone",
    "spikesim.learning.alignment.weight_angle": "takes a model alone",
    "spikesim.models.feedback_alignment.Parameters*": "made by models from **parameters",
    "spikesim.learning.rewards.*": "tried on the models that are made of it",
    "spikesim.models.reward.*.reward": "follows an act; its number is tried in tests of the model",
    "spikesim.models.reward.*.outcomes": "called by gradient",
    "spikesim.models.reward.*.expected_reward": "called by the frame, while a model is run",
    "spikesim.models.reward.spiking.SpikingParameters*": "made by models from **parameters",
    **{
        f"spikesim.models.*.{hook}": "called by the frame, while a model is made or run"
        for hook in (
            *("weights", "arrays", "sums", "phase_sums", "units", "source", "neuron", "connect"),
            *("step", "prepare", "per_trial", "lengths", "measures", "draw", "mirrored"),
            *("cost_of", "indices", "settle", "show", "derived", "feedback_weights"),
            *("summed", "finished", "draw_each", "learned", "learns", "rewarded"),
            *("forward", "bursts", "errors", "learn_from", "change", "optimise", "scheduled"),
            *("draws", "deltas", "loss", "recorded"),
            *(
                "activity",
                "learned_from",
                "backpropagated",
                "linearized",
                "finished",
                "started",
                "groups",
                "driven",
                "learned",
                "is_apical",
                "apical",
                "learning",
                "spares",
                "max_eigenvalue",
                *("numbers", "backpropagation", "basal", "cells", "passed", "moved", "changed"),
            ),
        )
    },
    "spikesim.models.target_propagation.*.[abcdefghistw]*": "called by `learn` and `update`",
    "*Recording": "returned",
    "spikesim.models.burst.network.ImageRecording.to_sonata": "has no spikes to write",
    "spikesim.models.*.Parameters*": "made by models from **parameters",
    "spikesim.models.*Parameters.check*": "made by models from **parameters",
    "spikesim.models.*Parameters": "made by models from **parameters",
    "spikesim.models.*.teaching_current": "called by ExclusiveOrNetwork",
    "spikesim.models.*Parameters.of": "made by models from **parameters",
    "spikesim.models.burst.spiking.learning_rule.Block": "a constant",
    "spikesim.models.burst.spiking.learning_rule.LearningRule": "returned",
    "spikesim.models.burst.spiking.pairing.Pairing": "returned",
    "spikesim.bursts.Curves": "returned",
    "spikesim.models.cerebellum.filter.Course": "returned",
    "spikesim.models.cerebellum.layer.[FGN]*": "returned; see DendriticTransfer",
    "spikesim.models.cerebellum.reflex.[EV]*": "returned; see DendriticTransfer",
    "spikesim.models.burst.spiking.transfer.DendriticTransfer": "returned",
    "spikesim.models.microcircuit.PublishedRate": "a constant",
    "spikesim.models.multi_area.Cost": "returned",
    "spikesim.areas.Areas": "returned",
    "spikesim.areas.label": "takes a pair of names",
    "spikesim.models.perturbation.Perturbation.compared": "called by its step",
    "spikesim.models.perturbation.Perturbation.is_late": "called by its step",
    "spikesim.models.perturbation.Perturbation.noisy": "called by its step",
    "spikesim.models.perturbation.Perturbation.used": "called by its step",
    "spikesim.models.routing.equations.*": "bodies",
    "spikesim.models.routing.ensembles.Course": "returned",
    "spikesim.models.routing.gates.Route*": "returned",
    "spikesim.models.routing.gates.TimeScale*": "returned",
    "spikesim.models.routing.rows.Reach*": "returned",
    "spikesim.models.routing.rows.Interference*": "returned",
    # what the command line is made of, which is tried as a whole
    "spikesim.image_runs.*": "the command line",
    "spikesim.pattern_runs.*": "the command line",
    "spikesim.cli.export.*": "the command line",
    "spikesim.cli.model_commands.*": "the command line",
    "spikesim.io.runs.*": "the command line",
    "spikesim.io.tables.*": "reads files of the package itself",
    "spikesim.sweep.command.*": "the command line",
    "spikesim.sweep.table.aligned": "what tables are made of",
    "spikesim.sweep.table.present": "what tables are made of",
    "spikesim.credit.command.*": "the command line",
    "spikesim.credit.figures.*": "called by Compared.figures",
    "spikesim.credit.protocol.*": "called by compare and tune, in sweeps",
    "spikesim.credit.rules.Rule*": "read from a file of the package",
    "spikesim.credit.rules.rule_of": "called by compare and tune, in sweeps",
    "spikesim.credit.table.Compared": "made by compare",
    "spikesim.credit.tasks.Task": "a row of a table of the package",
    "spikesim.experiments.*": "the command line; results are tried as those of models",
    # what the package is made of
    "spikesim.checks.*": "for the package's own checks: takes names and bounds from its authors",
    "spikesim.precision.*": "for the package's own checks",
    "spikesim.datasets.is_path": "for the command line, which has a text",
    "spikesim.idx.expanded": "called by those that read files",
    "spikesim.idx.given_path": "called by those that read files",
    "spikesim.idx.parsed": "called by load_idx",
    "spikesim.idx.unpacked": "called by load_idx",
    "spikesim.plot.style.*": "what figures are made of",
    "spikesim.plot.names.name_dots": "what figures are made of",
    "spikesim.extras.needed": "imports what other calls need",
    "spikesim.plot.rules.RuleStyle": "returned by rule_styles",
    "spikesim.plot.rules.check_range": "what figures are made of",
    "spikesim.plot.rules.check_rules": "what figures are made of",
    "spikesim.plot.rules.logarithmic": "what figures are made of",
    "spikesim.plot.spikes.mark_phases": "what figures are made of",
    "spikesim.plot.spikes.name_phases": "what figures are made of",
    "spikesim.plot.spikes.spikes_above": "what figures are made of",
    "spikesim.plot.spikes.windows_of": "what figures are made of",
    "spikesim.progress.*": "for models' own loops",
    "spikesim.attributes.*": "what the package's own objects are made of",
    "spikesim.models.*.notes =": "tried as 'net.notes ='",
    "spikesim.training.ImageClassifier*": "the base of models, which are tried",
    "spikesim.training.Learner*": "the base of models, which are tried",
    "spikesim.training.check_*": "for models",
    "spikesim.training.history_*": "for models",
    "spikesim.training.load_model": "for models",
    "spikesim.training.random_numbers": "for models",
    "spikesim.training.save_model": "for models",
    "spikesim.training.saved_*": "for models",
    "spikesim.training.keeping": "for models, whose fit is tried",
    "spikesim.engine.network.Network.is_driven": "called by its populations",
    "spikesim.engine.setting.Setting*": "a Network is one",
    "spikesim.engine.assembly.Assembly*": "a Network is one",
    "spikesim.engine.inputs.Inputs*": "a Network is one",
    "spikesim.engine.arguments.*": "called by Network.add_phase and Network.set_state",
    "spikesim.io.files.check_target": "called by atomic_file",
    "spikesim.io.files.read_tree": "takes an open file of the package's own",
    "spikesim.io.files.read_bytes": "called by what reads files of other formats",
    "spikesim.io.files.stamp": "takes an open file of the package's own",
    "spikesim.io.files.write_tree": "takes an open file of the package's own",
    "spikesim.backends.backend": "called by Network",
    "spikesim.cli.main": "tried with `COMMANDS`",
    "spikesim.neuron.Neuron.c*": "attributes",
    "spikesim.backends.device_name": "for benchmarks",
}
"""Pattern → why a call needs no example."""


def uncovered() -> list[str]:
    """Public calls without an example and without a reason."""
    return sorted(
        name
        for name in discovered()
        if name not in EXAMPLES and not any(fnmatchcase(name, pattern) for pattern in INTERNAL)
    )


def stale() -> list[str]:
    """Examples of calls, and reasons, that there are no more."""
    found = discovered()
    calls = [name for name in EXAMPLES if "=" not in name and " " not in name and name not in found]
    reasons = [p for p in INTERNAL if not any(fnmatchcase(name, p) for name in found)]
    return calls + reasons


# ---- examples ---------------------------------------------------------------------------------


class Call(NamedTuple):
    """A valid call, made anew each time.

    Attributes
    ----------
    function : callable
    arguments : dict of str to Any
        By name; what the signature has besides is tried with its defaults.
    then : callable, optional
        What a user does next, with what the call returned: it must not crash either.
    says : dict of str to str
        What a message may call an argument instead of its name.
    lasts : tuple of str
        Arguments whose latest time (ms) is how long a simulation lasts.
    """

    function: Callable
    arguments: dict[str, Any]
    then: Callable[[Any], Any] | None = None
    says: dict[str, str] = {}  # noqa: RUF012 - never written
    lasts: tuple[str, ...] = ()


def small() -> SimpleNamespace:
    """A network with one of each thing, that is not compiled."""
    net = Network(dt=0.5, seed=1, backend="python")
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 500.0
    cells = net.add_population("cells", 3, LIF)
    synapses = net.connect(source, cells, target="drive", weight=9.0, probability=0.7, name="given")
    return SimpleNamespace(net=net, source=source, cells=cells, synapses=synapses)


def running(net: Network) -> Callable[[Any], None]:
    return lambda _: net.run(2.0)


def of(method: str, then: bool = True, **arguments: Any) -> Callable[[Path], Call]:
    """A method of a small network; strings with an @ stand for its parts."""

    def make(folder: Path) -> Call:
        parts = small()

        def part(value: Any) -> Any:
            return getattr(parts, value[1:]) if str(value).startswith("@") else value

        given = {name: part(value) for name, value in arguments.items()}
        return Call(getattr(parts.net, method), given, running(parts.net) if then else None)

    return make


def _plain(function: Callable, then: Callable[[Any], Any] | None = None, /, **arguments: Any):
    return lambda folder: Call(function, dict(arguments), then)


def step(i, t, s, p):
    s.v[i] = s.v[i] + p.dt * (s.drive[i] - s.v[i]) / p.tau


def relax(i, t, s, p):
    s.x[i] -= p.dt * s.x[i] / p.tau_x


def count(i, t, s, p):
    s.total[i] += p.share


def _check_pattern(**given: Any) -> Any:
    return patterns.check_pattern("pattern", **given)


def _neuron(folder: Path) -> Call:
    def use(neuron: Neuron) -> None:
        net = Network(backend="python")
        net.add_population("cells", 2, neuron)
        net.run(0.2)

    given = {"steps": [step], "variables": {"v": "tau", "drive": 0.0}, "parameters": {"tau": 9.0}}
    return Call(Neuron, given, use, {"parameters": "tau"})


def _extended(folder: Path) -> Call:
    def use(neuron: Neuron) -> None:
        net = Network(backend="python")
        net.add_population("cells", 2, neuron)
        net.run(0.2)

    given = {
        "step_before": relax,
        "step_after": [relax],
        "variables": {"x": "tau_x"},
        "parameters": {"tau_x": 9.0},
        "E_L": -65.0,
    }
    return Call(spikesim.CurrentLIF.with_, given, use, {"parameters": "tau_x"})


def _variable(folder: Path) -> Call:
    def use(variable: Any) -> None:
        net = Network(backend="python")
        net.add_population("cells", 2, Neuron([], {"v": variable}, {"tau": 9.0}))
        net.run(0.2)

    given = {"start": "tau", "unit": "ms", "meaning": "voltage", "is_target": True, "sign": 1}
    return Call(spikesim.Variable, given, use, {"start": "v"})


def _population(neuron: Neuron, **parameters: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        net = Network(dt=0.1, backend="python")
        given = {"name": "cells", "n": 3, "neuron": neuron, **neuron.parameters, **parameters}
        return Call(net.add_population, given, running(net))

    return make


EACH = {"tau": [10.0, 20.0, 30.0], "I": np.linspace(0.0, 30.0, 3), "refractory": 2.0}


def _driven() -> Any:
    return Network(backend="python").add_population("cells", 3, spikesim.CurrentLIF, tau=15.0)


def _updated(folder: Path) -> Call:
    cells = _driven()
    return Call(cells.parameters.update, dict(EACH), running(cells.network))


def _assigned(folder: Path) -> Call:
    cells = _driven()
    return Call(_assignment(cells, "tau"), {"tau": EACH["tau"]}, running(cells.network))


def _live(folder: Path) -> Call:
    cells = _driven()
    return Call(cells.live, {"name": "I"}, running(cells.network))


def _connected(**more: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = small()
        given = {"pre": parts.source, "post": parts.cells, "target": "drive", "weight": 2.0, **more}
        return Call(parts.net.connect, given, running(parts.net))

    return make


def _option(name: str, kind: Callable, **given: Any) -> Callable[[Path], Call]:
    """Constants that are checked when they are used."""

    def make(folder: Path) -> Call:
        parts = small()
        rule = {} if name == "kernel" else {"probability": 0.5}

        def use(**constants: Any) -> Any:
            return parts.net.connect(
                parts.source,
                parts.cells,
                target="v" if name == "kernel" else "drive",
                weight=0.5,
                name="used",
                **rule,
                **{name: kind(**constants)},
            )

        return Call(use, given, running(parts.net))

    return make


def _saved(folder: Path) -> Path:
    path = folder / "net.h5"
    small().net.save(path)
    return path


def _state(folder: Path) -> Call:
    net = small().net
    net.run(1.0)
    state = net.state()
    again = small().net
    return Call(again.set_state, {"state": state}, running(again), {"state": "saved"})


def _state_parts(folder: Path) -> Call:
    """Parts of a saved state, as in a file that was edited."""
    again = small().net
    state = again.state()
    arrays = state["arrays"]

    def use(**parts: Any) -> None:
        changed = dict(arrays["source"])
        for name in ("ids", "count", "rate"):
            changed[name] = parts.pop(name)
        again.set_state({**state, **parts, "arrays": {**arrays, "source": changed}})

    given = {
        **{name: arrays["source"][name].copy() for name in ("ids", "count", "rate")},
        **{name: state[name] for name in ("step", "dt", "seed")},
    }
    return Call(use, given, running(again), dict.fromkeys(given, "saved"))


def _recorded(method: str, **given: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = small()
        spikes = parts.net.record_spikes(parts.source)
        parts.net.run(5.0)
        return Call(getattr(spikes, method), given or {"path": folder / "spikes.h5"})

    return make


def _taken(method: str, **given: Any) -> Callable[[Path], Call]:
    """A method of what was taken out of a recording."""

    def make(folder: Path) -> Call:
        parts = small()
        spikes = parts.net.record_spikes(parts.source)
        parts.net.run(5.0)
        return Call(getattr(spikes.take(), method), given or {"path": folder / "spikes.h5"})

    return make


def _several(folder: Path) -> Any:
    parts = small()
    spikes = parts.net.record_spikes(parts.source, parts.cells)
    parts.net.run(5.0)
    return spikes


def _write_several(folder: Path) -> Call:
    def write(path: Any, first: Any, second: Any) -> None:
        sonata.write_spikes(path, first, second)

    first, second = _several(folder)
    given = {"path": folder / "both.h5", "first": first, "second": second}
    return Call(write, given, None, {"first": "spikes", "second": "spikes"})


def _samples_to_nwb(folder: Path) -> Call:
    parts = small()
    samples = parts.net.record(parts.cells, "v")
    parts.net.run(5.0)
    return Call(samples.to_nwb, {"path": folder / "samples.nwb"})


def _write_nwb(folder: Path) -> Call:
    parts = small()
    spikes = parts.net.record_spikes(parts.source)
    parts.net.run(5.0)

    def write(path: Any, recorded: Any, **given: Any) -> None:
        write_nwb(path, recorded, **given)

    given = {"subject": {"subject_id": "m1"}, "experimenter": "Doe, Jane", "start": datetime.now()}
    return Call(write, {"path": folder / "run.nwb", "recorded": spikes, **given})


def _record_several(folder: Path) -> Call:
    parts = small()

    def record(first: Any, second: Any, path: Any) -> None:
        recordings = parts.net.record_spikes(first, second, path=path)
        parts.net.run(5.0)
        recordings.close()

    given = {"first": parts.source, "second": parts.cells, "path": folder / "both.h5"}
    return Call(record, given, None, {"first": "population", "second": "population"})


def _loop(folder: Path) -> Call:
    given = {"duration": 4.0, "every": 2.0}
    return Call(small().net.steps, given, deque(maxlen=0).extend, {}, ("duration",))


def _reset(folder: Path) -> Call:
    net = small().net
    net.run(1.0)
    state = net.state()
    return Call(net.reset, {"seed": 3, "state": state}, running(net), {"state": "saved"})


def _trials(folder: Path) -> list[Any]:
    parts = small()
    spikes, trials = parts.net.record_spikes(parts.source), []
    for seed in range(3):
        parts.net.reset(seed)
        parts.net.run(5.0)
        trials.append(spikes.take())
    return trials


def _sampled(folder: Path) -> Call:
    parts = small()
    voltages = parts.net.record(parts.cells, "v", every=1.0)
    return Call(voltages.predicted_bytes, {"duration": 1000.0})


def _recorded_to(folder: Path) -> Call:
    parts = small()

    def record(**given: Any) -> None:
        recording = parts.net.record(parts.cells, **given)
        parts.net.run(5.0)
        recording.close()

    given = {"variables": ["v", "drive"], "neurons": [0, 2], "every": 1.0, "unit": "mV"}
    return Call(record, {**given, "path": folder / "states.h5"})


def _replicas(**given: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        return Call(Replicas, {"models": [small().net, small().net], **given}, _run_all)

    return make


def _run_all(nets: Any) -> None:
    nets.run(1.0)
    repr(nets)
    len(nets)


def _two() -> Replicas:
    return Replicas([small().net, small().net], threads=1)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(1)
    return chance.random((4, 6)).astype(np.float32), np.array([0, 1, 2, 0])


SEGREGATED = {
    "phase": 8,
    "window": 3,
    "test_phase": 8,
    "test_window": 3,
    "wald_mean": 1.0,
    "backend": "python",
}
CLAMPED = {"n_minus": 2, "n_plus": 2, "start": "zero", "backend": "python"}
DENDRITIC = {"t_pattern": 1.0, "lag": 0.2, "dynamics": "continuous", "backend": "python"}
SPIKING_DENDRITIC = {"t_pattern": 1.0, "lag": 0.2, "backend": "python"}
EQUILIBRIUM = {"n_free": 3, "n_nudged": 2, "n_test": 4, "backend": "python"}
SUPERSPIKE = {"chunk": 1.0, "backend": "python"}
SPIKING_CLASSIFIER = {"T": 6.0, "tail": 4.0, "latency": 2.0, "backend": "python"}
SPIKING_REWARD = {"T": 4.0, "draws": 2, "backend": "python"}
MODELS: dict[str, Callable[..., Any]] = {
    "segregated": lambda **o: SegregatedDendriteNetwork(**{"sizes": (6, 4, 3), **SEGREGATED, **o}),
    "burst": lambda **o: BurstEnsembleNetwork(**{"sizes": (6, 4, 3), "backend": "python", **o}),
    "clamped": lambda **o: ClampedNetwork(**{"sizes": (6, 4, 3), **CLAMPED, **o}),
    "dendritic": lambda **o: DendriticMicrocircuit(**{"sizes": (6, 4, 3), **DENDRITIC, **o}),
    "spiking_dendritic": lambda **o: SpikingMicrocircuit(
        **{"sizes": (6, 4, 3), **SPIKING_DENDRITIC, **o}
    ),
    "equilibrium": lambda **o: EquilibriumPropagation(**{"sizes": (6, 4, 3), **EQUILIBRIUM, **o}),
    "feedback_alignment": lambda **o: FeedbackAlignment(
        **{"sizes": (6, 4, 3), "backend": "python", **o}
    ),
    "perturbation": lambda **o: Perturbation(**{"sizes": (6, 4, 3), "backend": "python", **o}),
    "reward": lambda **o: RewardNetwork(**{"sizes": (6, 4, 3), "backend": "python", **o}),
    "spiking_reward": lambda **o: SpikingRewardNetwork(
        **{"sizes": (6, 4, 3), **SPIKING_REWARD, **o}
    ),
    "burstprop": lambda **o: BurstpropNetwork(**{"sizes": (6, 4, 3), **o}),
    "target_propagation": lambda **o: TargetPropagation(**{"sizes": (6, 4, 4, 3), **o}),
    "superspike": lambda **o: SuperSpikeNetwork(**{"sizes": (3, 3, 2), **SUPERSPIKE, **o}),
    "spiking_classifier": lambda **o: SuperSpikeClassifier(
        **{"sizes": (6, 4, 3), **SPIKING_CLASSIFIER, **o}
    ),
    "exclusive_or": lambda **o: ExclusiveOrNetwork(
        **{"n": 3, "duration": 1.0, "alpha": 1.0, "backend": "python", **o}
    ),
}
SHOWN = patterns.from_trains([[0.5, 2.0], [1.0], [1.5]], duration=4.0)
TARGET = patterns.from_trains([[1.0], [3.0]], duration=4.0)
WINDOWS = Windows(np.array([0.5, 2.0]), np.array([1.5, 3.5]), np.array([0, 1]), 2, 4.0)


def learn(net: Any) -> dict[str, list[Any]]:
    """Train a model a little; return its history."""
    if isinstance(net, SuperSpikeNetwork):
        target = WINDOWS if net.parameters.error == "windows" else TARGET
        return net.fit(SHOWN, target, 1, block=1.0, burn_in=0.0)
    if isinstance(net, ExclusiveOrNetwork):
        return net.fit(1)
    images, labels = _digits()
    return net.fit(images, labels)


_WING = {
    "clamped": "clamped.ClampedNetwork",
    "dendritic": "dendritic_microcircuit.network.DendriticMicrocircuit",
    "spiking_dendritic": "dendritic_microcircuit.spiking.SpikingMicrocircuit",
    "equilibrium": "equilibrium.EquilibriumPropagation",
    "feedback_alignment": "feedback_alignment.FeedbackAlignment",
    "perturbation": "perturbation.Perturbation",
    "segregated": "segregated.network.SegregatedDendriteNetwork",
    "burst": "burst.network.BurstEnsembleNetwork",
    "reward": "reward.network.RewardNetwork",
    "spiking_reward": "reward.spiking.SpikingRewardNetwork",
    "spiking_classifier": "superspike.classifier.SuperSpikeClassifier",
}
"""Models of `spikesim.learning` with dynamics."""

_BATCHES = {
    "burstprop": "burst.burstprop.BurstpropNetwork",
    "target_propagation": "target_propagation.TargetPropagation",
}
"""Those without."""


def model(kind: Any, name: str, sizes: tuple[int, ...] | None, fixed: dict[str, Any]) -> Any:
    """The constructor of a model, with all its parameters."""

    def make(folder: Path) -> Call:
        given: dict[str, Any] = {} if sizes is None else {"sizes": sizes}
        parameters = MODELS[name]().parameters._asdict()
        if name == "burst":
            parameters.pop("nudge_after")
        return Call(kind, {**given, **parameters, **fixed}, learn)

    return make


def trained(name: str, method: str, **given: Any) -> Callable[[Path], Call]:
    """A method of a model; strings with an @ stand for files."""

    def make(folder: Path) -> Call:
        net = MODELS[name]()
        if method == "load":
            net.save(folder / "model.h5")
        place = {k: folder / v[1:] if str(v)[:1] == "@" else v for k, v in given.items()}
        return Call(getattr(net, method), place, None, {"checkpoint": "path"})

    return make


def _image(name: str, method: str, **given: Any) -> Callable[[Path], Call]:
    images, labels = _digits()
    if method == "record" and name != "burst":
        return trained(name, method, image=images[0], label=1)
    both = {"images": images, "labels": labels}
    if method == "predict":
        both.pop("labels")
    return trained(name, method, **both, **given)


def _background(name: str, value: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = small()
        background = parts.net.add_background(parts.cells, "drive", 100.0, 1.0)
        return Call(_assignment(background, name), {name: value}, running(parts.net))

    return make


def injected() -> SimpleNamespace:
    """Neurons with an input, and one of each thing that can be added to it."""
    net = Network(dt=0.5, seed=1, backend="python")
    cells = net.add_population("cells", 4, spikesim.AdEx)
    few = cells[1:3]
    played = net.play(few, "I", np.full((3, 2), 9.0), dt=1.0)
    step = net.play(cells, "I", stimuli.step(9.0))
    noise = net.add_noise(cells, "I", sigma=9.0, tau=5.0)
    junctions = net.connect_gap(cells, cells, [[0, 1, 0, 0], [1, 0, 0, 2], [0] * 4, [0, 2, 0, 0]])
    return SimpleNamespace(**locals())


def _injecting(method: str, **given: Any) -> Callable[[Path], Call]:
    """A method of a network with inputs; strings with an @ stand for its parts."""

    def make(folder: Path) -> Call:
        parts = injected()
        found = {
            name: getattr(parts, value[1:]) if str(value).startswith("@") else value
            for name, value in given.items()
        }
        return Call(getattr(parts.net, method), found, running(parts.net))

    return make


def _of_injected(part: str, name: str, value: Any) -> Callable[[Path], Call]:
    """An assignment to what is added to an input."""

    def make(folder: Path) -> Call:
        parts = injected()
        return Call(_assignment(getattr(parts, part), name), {name: value}, running(parts.net))

    return make


def _played(kind: Callable, **given: Any) -> Callable[[Path], Call]:
    """What is to be played, which is looked at when it is made and when it is played."""

    def make(folder: Path) -> Call:
        parts = injected()

        def use(**each: Any) -> None:
            parts.net.play(parts.cells, "I", kind(**each))

        return Call(use, given, running(parts.net))

    return make


def _index(folder: Path) -> Call:
    parts = injected()

    def use(neurons: Any) -> None:
        group = parts.cells[neurons]
        group.I = 3.0
        parts.net.connect(group, parts.cells, target="g_exc", weight=1.0)

    return Call(use, {"neurons": [0, 2]}, running(parts.net), {"neurons": "["})


def _silenced(part: str) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = injected()
        return Call(getattr(parts, part).silence, {"on": True}, running(parts.net))

    return make


def _plastic(name: str, value: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = small()
        plastic = parts.net.connect(
            parts.source,
            parts.cells,
            target="drive",
            weight=0.5,
            plasticity=PairSTDP(),
            name="plastic",
        )
        return Call(_assignment(plastic, name), {name: value}, running(parts.net))

    return make


def drop(w, E, post, rate):
    return w - rate * post, E


def grow(w, E, pre):
    return w, E + pre


def drift(w, E, every):
    return w + 0.001 * every * E, E


RULED: dict[str, Any] = {
    "on_pre": drop,
    "on_post": grow,
    "on_step": drift,
    "every": 1.0,
    "variables": {"E": 0.1},
    "traces": {"pre": 10.0, "post": 20.0},
    "parameters": {"rate": 0.01},
    "w_min": 0.0,
    "w_max": 2.0,
}


def _ruled(parts: SimpleNamespace, rule: Any, **more: Any) -> Any:
    given = {"target": "drive", "weight": 0.5, "plasticity": rule, "name": "ruled", **more}
    return parts.net.connect(parts.source, parts.cells, **given)


def _synapses(method: str, **given: Any) -> Callable[[Path], Call]:
    """A method of a projection, whose neurons are those of both sides."""

    def make(folder: Path) -> Call:
        return Call(
            getattr(small().synapses, method), given, lambda some: (repr(some), some.weight)
        )

    return make


def _some(name: str, value: Any) -> Callable[[Path], Call]:
    """An assignment to some synapses."""

    def make(folder: Path) -> Call:
        parts = small()
        some = _ruled(parts, PlasticityRule(**RULED), probability=0.7).onto(1)
        value_of_each = np.full(len(some), value)
        return Call(_assignment(some, name), {name: value_of_each}, running(parts.net))

    return make


def _weights_recorded(folder: Path) -> Call:
    parts = small()

    def record(**given: Any) -> None:
        recording = parts.net.record(parts.synapses, **given)
        parts.net.run(5.0)
        recording.close()

    given = {"variables": "weight", "synapses": [0, 2], "every": 1.0, "unit": "mV"}
    return Call(record, {**given, "path": folder / "weights.h5"})


def _model_recorded(folder: Path) -> Call:
    parts = _sending(NMDA)

    def record(**given: Any) -> None:
        recording = parts.net.record(parts.made, **given)
        parts.net.run(5.0)
        recording.close()

    given = {"variables": "g", "neurons": [0, 2], "every": 1.0, "unit": "nS"}
    return Call(record, {**given, "path": folder / "conductances.h5"})


def leak(g, tau, dt):
    return g - g * dt / tau


def ohmic(g, u, scale):
    return -g * u * scale


def scaled(parameters, dt):
    return {"scale": 2.0 * parameters["tau"]}


MODELLED: dict[str, Any] = {
    "variables": {"g": 0.0},
    "on_spike": "g",
    "step": leak,
    "current": ohmic,
    "parameters": {"tau": 5.0},
    "constants": scaled,
    "reads": {"u": "v"},
    "name": "Scaled",
    "description": "a conductance that decays",
}


def _sending(synapse: Any) -> SimpleNamespace:
    parts = small()
    cells = parts.net.add_population("others", 3, spikesim.AdEx)
    made = parts.net.connect(parts.source, cells, target="I", weight=2.0, synapse=synapse)
    ends = {"cells": cells, "source": parts.source}
    return SimpleNamespace(net=parts.net, made=made, synapse=made.synapse, **ends)


def _model_of_synapses(folder: Path) -> Call:
    def use(synapse: Synapse) -> None:
        parts = _sending(synapse)
        parts.net.run(2.0)

    return Call(Synapse, MODELLED, use, {"parameters": "tau"})


def _with(folder: Path) -> Call:
    given = {"tau_rise": 1.0, "tau_decay": 20.0, "E": 0.0, "Mg": 1.0, "v": "v"}
    return Call(
        lambda **changes: NMDA.with_(**changes), given, lambda made: _sending(made).net.run(2.0)
    )


def _of_synapse(name: str, value: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        parts = _sending(NMDA)
        return Call(_assignment(parts.synapse, name), {name: value}, running(parts.net))

    return make


def _connected_through(folder: Path) -> Call:
    parts = small()
    cells = parts.net.add_population("others", 3, spikesim.AdEx)
    given = {"pre": parts.source, "post": cells, "target": "I", "weight": 2.0}
    return Call(parts.net.connect, {**given, "synapse": NMDA}, running(parts.net))


def _rule(folder: Path) -> Call:
    def use(rule: PlasticityRule) -> None:
        parts = small()
        _ruled(parts, rule)
        parts.net.run(2.0)

    return Call(PlasticityRule, RULED, use)


def _of_rule(name: str, value: Any, rule: Any = None) -> Callable[[Path], Call]:
    """A call or an assignment of a plasticity."""

    def make(folder: Path) -> Call:
        parts = small()
        own = PlasticityRule(**RULED) if rule is None else rule
        plasticity = _ruled(parts, own, probability=0.7).plasticity
        if name == "array":
            return Call(plasticity.array, {"name": value}, running(parts.net))
        return Call(_assignment(plasticity, name), {name: value}, running(parts.net))

    return make


def _assignment(owner: Any, name: str) -> Callable:
    def assign(**given: Any) -> None:
        setattr(owner, name, given[name])

    return assign


def _replaced(folder: Path) -> Call:
    net = Network(dt=0.5, backend="python")
    trains = net.add_spike_trains("trains", 4, [1.0], [0])
    given = {"steps": np.array([1, 2, 2]), "ids": np.array([0, 1, 3]), "period": 4, "origin": 0}
    return Call(trains.replace, given, running(net))


def _plasticity(folder: Path) -> Call:
    net = Network(dt=0.5, backend="python")
    pre = net.add_spike_trains("pre", 3, [1.0], [0])
    post = net.add_population("post", 3, Pyramidal)
    events, rapid = net.add_events("events", post), net.add_bursts("bursts", post)
    synapses = net.connect(pre, post, target="g_exc_s", weight=0.3, probability=0.9)
    given = {
        "network": net,
        "population": post,
        "events": events,
        "bursts": rapid,
        "projections": [synapses],
        "eta": 0.1,
    }
    return Call(BurstPlasticity, given, running(net))


def _plasticity_of(name: str, **given: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        call = _plasticity(folder)
        rule = call.function(**call.arguments)
        if name == "assume":
            return Call(rule.assume, given, call.then)
        return Call(_assignment(rule, name), given, call.then)

    return make


def _propagation(method: str, **given: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        length = 1.0 if method == "run" else 100.0
        done = propagation.Propagation(duration=length, burn_in=1.0, backend="python", n=200)
        if method in ("run", "currents"):
            return Call(getattr(done, method), given)
        done.network.set_state({**done.network.state(), "step": 1010})
        place = {k: folder / v[1:] if str(v)[:1] == "@" else v for k, v in given.items()}
        return Call(getattr(done, method), place)

    return make


def _paired(**given: Any) -> Any:
    """The protocols without their simulations, which take a minute."""
    with patch.object(pairing, "weight_changes", lambda pre, *_: np.zeros(len(pre))):
        return pairing.run(**given)


def _filter(**options: Any) -> AdaptiveFilter:
    return AdaptiveFilter(n=3, backend="python", **options)


def _set_filter(name: str, value: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        net = _filter()
        return Call(_assignment(net, name), {name: value}, lambda _: net.run([1.0]))

    return make


def _written(result: Any, folder: Path) -> Path:
    path = folder / "result.h5"
    result.save(path)
    return path


def _series(folder: Path) -> SimpleNamespace:
    t = np.arange(0.0, 5.0, 0.5)
    wave = dict.fromkeys(("voltage", "presynaptic_trace", "surrogate", "eligibility", "error"), t)
    return SimpleNamespace(t=t, pre_spikes=[2.0], post_spikes=[4.0], target_spikes=[3.0], **wave)


def _drawn(function: Callable, record: Callable[[], Any], name: str, **given: Any) -> Any:
    return lambda folder: Call(function, {name: record(), **given})


def _states() -> Any:
    parts = small()
    states = parts.net.record(parts.cells, ["v", "drive"])
    parts.net.run(3.0)
    return states


def _tried(parameters: dict[str, Any], directory: Path) -> dict[str, float]:
    return {"cost": float(parameters["a"])}


def _compared(folder: Path) -> dict[str, Any]:
    """Arguments of a small comparison."""
    return {
        **{"task": "yin-yang", "rules": ["backpropagation"], "out": folder / "compared"},
        **{"hidden": (3,), "epochs": 1, "executor": "threads", "workers": 1, "progress": False},
    }


def _swept(folder: Path) -> Any:
    return sweep.sweep(_tried, [{"a": 1.0}, {"a": 2.0}], folder / "swept", executor="threads")


def _sonata(folder: Path, kind: str) -> Any:
    path = folder / f"{kind}.h5"
    if kind == "spikes":
        with sonata.SpikeWriter(path, 0.1, {"cells": 3}) as writer:
            writer.append("cells", [0, 1], [0, 2])
    else:
        with sonata.TraceWriter(path, 0.1) as traces:
            traces.add_population("cells", [0, 1])
            traces.append("cells", np.zeros((2, 2, 1)))
    return path


def _shd(folder: Path) -> Path:
    path = folder / "shd.h5"
    with h5py.File(path, "w") as file:
        for name, kind in (("times", "f4"), ("units", "u2")):
            made = file.create_dataset(f"spikes/{name}", (2,), h5py.vlen_dtype(np.dtype(kind)))
            made[0], made[1] = [0.001, 0.002], [0.003]
        file["labels"] = [0, 1]
    return path


def _nmnist(folder: Path) -> Path:
    for label in (0, 1):
        (folder / "events" / str(label)).mkdir(parents=True)
        (folder / "events" / str(label) / "1.bin").write_bytes(bytes([5, 2, 128, 3, 16]))
    return folder / "events"


def _graph() -> Network:
    net = Network(dt=1.0, backend="python")
    source = net.add(nir.Input(net, "source", 2))
    cells = net.add_population("cells", 2, nir.neuron("LIF", "euler"))
    net.connect(source, cells, target="input", weight=1.0, delay=0.0)
    return net


def _written(folder: Path) -> Path:
    nir.write(_graph(), folder / "net.nir")
    return folder / "net.nir"


def _log_of(kind: Any, name: str) -> Callable[[Path], Call]:
    return lambda folder: Call(kind, {name: folder / "log"})


def _circuit(folder: Path) -> dict[str, Any]:
    """Arguments that read a small circuit."""
    path = write_circuit(folder / "circuit", simulation={"run": {"tstop": 2.0, "dt": 0.1}})
    return {"path": path, "dt": 0.1, "seed": 1, "backend": "python"}


def _writer(kind: str, method: str, **given: Any) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        path = folder / "new.h5"
        if kind == "spikes":
            writer: Any = sonata.SpikeWriter(path, 0.1, {"cells": 3})
        else:
            writer = sonata.TraceWriter(path, 0.1)
            if method == "append":
                writer.add_population("cells", [0, 1])
        return Call(getattr(writer, method), given, lambda _: writer.close())

    return make


def _closing(writer: Any) -> None:
    writer.close()


def _ras(folder: Path) -> Path:
    path = folder / "spikes.ras"
    path.write_text("0.0010 0\n0.0020 1\n")
    return path


def _nest(folder: Path) -> Path:
    path = folder / "spikes.dat"
    path.write_text("sender\ttime_ms\n4\t1.000\n3\t2.000\n")
    return path


def _npz(folder: Path) -> Path:
    np.savez(folder / "own.npz", images=np.zeros((10, 2, 2)), labels=np.arange(10) % 2)
    return folder / "own.npz"


def _idx(folder: Path) -> dict[str, Path]:
    images, labels = folder / "images", folder / "labels"
    images.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(range(8)))
    labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    return {"images_path": images, "labels_path": labels}


def _hdf5(folder: Path) -> Path:
    path = folder / "some.h5"
    with h5py.File(path, "w") as file:
        files.stamp(file, "kind")
        files.write_tree(file, {"a": 1})
    return path


def _atomic(path: Any) -> None:
    with files.atomic_file(path):
        pass


def _opened(function: Callable) -> Callable:
    def use(**given: Any) -> None:
        function(**given).close()

    return use


TRANSFER = {"n": 10, "n_interneurons": 10, "sources": 10, "step": 0.2, "window": 0.1}
RULE = {"n": 4, "in_degree": 2, "sources": 5, "exc_degree": 2, "inh_degree": 2, "bin": 0.2}
RULE |= {"dendritic_sources": 4, "dendritic_degree": 2, "burn_in": 1, "block": 1, "tau_pre": 1.0}
HISTORY = {"epoch": [1, 2, 3], "test_error": [None, 8.0, 6.0], "training_error": [9.0, 8.0, 5.0]}
COSTS = {"time": [10.0, 20.0, 30.0], "cost": [40.0, 8.0, 1.5]}
PATTERNED = {"epoch": [0, 1], "cost": [3.0, 2.0], "output_rate": [[5.0, 5.0], [4.5, 6.5]]}
ANGLES = {"epoch": [1, 2], "angle": [[50.0, 40.0], [45.0, 30.0]]}
SPIKES = {"times": np.array([1.0, 9.0, 40.0]), "ids": np.array([0, 0, 1])}
LABELS = {"xlabel": "x", "ylabel": "y"}
FAMILIES = {"backpropagation": "gradient", "node": "perturbation"}

EXAMPLES: dict[str, Callable[[Path], Call]] = {
    # networks
    "spikesim.engine.network.Network": _plain(Network, lambda net: net.run(0.0), backend="python"),
    "spikesim.engine.network.Network.add_background": of(
        "add_background", population="@cells", target="drive", rate=50.0, weight=1.0
    ),
    "spikesim.engine.network.Network.add_bursts": of("add_bursts", name="b", population="@cells"),
    "spikesim.engine.network.Network.add_events": of("add_events", name="e", population="@cells"),
    "spikesim.engine.network.Network.add_images": of(
        "add_images", name="images", images=np.full((2, 3), 0.5), rate=50.0, duration=2.0
    ),
    "spikesim.engine.network.Network.add_phase": of(
        "add_phase", body=count, over=2, state={"total": np.zeros(2)}, params={"share": 0.5}
    ),
    "spikesim.engine.network.Network.add_population": _population(LIF),
    **{
        f"spikesim.engine.network.Network.add_population {name}": _population(
            getattr(spikesim, name)
        )
        for name in spikesim.textbook_neurons.__all__
    },
    "spikesim.engine.network.Network.add_population CurrentLIF": _population(spikesim.CurrentLIF),
    "spikesim.engine.network.Network.add_population AlphaCurrentLIF": _population(
        spikesim.AlphaCurrentLIF
    ),
    "spikesim.engine.network.Network.add_population ConductanceLIF": _population(
        spikesim.ConductanceLIF
    ),
    "spikesim.engine.network.Network.add_population AlphaConductanceLIF": _population(
        spikesim.AlphaConductanceLIF
    ),
    "spikesim.engine.network.Network.add_population DeltaLIF": _population(spikesim.DeltaLIF),
    "spikesim.engine.network.Network.add_population of each": _population(
        spikesim.CurrentLIF, **EACH
    ),
    "spikesim.engine.network.Network.add_population with starts": _population(
        spikesim.CurrentLIF, v=[-60.0, -55.0, -52.0], I_exc=0.5
    ),
    "spikesim.engine.network.Network.add_population Poisson with rates": _population(
        spikesim.Poisson, rate=np.array([5.0, 10.0, 20.0])
    ),
    "spikesim.engine.parameters.Parameters.update": _updated,
    "written cells.tau =": _assigned,
    "spikesim.engine.population.Population.live": _live,
    "spikesim.neuron.Neuron.values": lambda f: Call(
        LIF.values, {"given": {"E_L": -70.0}}, None, {"given": "E_L"}
    ),
    "spikesim.engine.network.Network.add_population AdEx": _population(spikesim.AdEx),
    "spikesim.engine.network.Network.add_population Bernoulli": _population(spikesim.Bernoulli),
    "spikesim.engine.network.Network.add_population Izhikevich": _population(spikesim.Izhikevich),
    "spikesim.engine.network.Network.add_population Pyramidal": _population(Pyramidal),
    "spikesim.engine.network.Network.add_spike_trains": of(
        "add_spike_trains", name="t", n=3, times=[0.5, 1.0, 1.0], ids=[0, 1, 2], period=2.0
    ),
    "spikesim.engine.network.Network.add_trace": of("add_trace", population="@cells", tau=20.0),
    "spikesim.engine.network.Network.connect": _connected(),
    "spikesim.engine.network.Network.connect subgroups": lambda f: Call(
        (parts := injected()).net.connect,
        {"pre": parts.few, "post": parts.cells[2:], "target": "g_exc", "weight": np.ones((2, 2))},
        running(parts.net),
    ),
    "spikesim.engine.network.Network.play": _injecting(
        "play", population="@cells", target="I", stimulus=[1.0, 2.0], dt=1.0, neurons=[0, 2]
    ),
    "spikesim.engine.network.Network.play a matrix": _injecting(
        "play", population="@few", target="I", stimulus=np.ones((3, 2)), begin=0.5, after="hold"
    ),
    "spikesim.engine.network.Network.add_noise": _injecting(
        "add_noise", population="@cells", target="I", sigma=np.ones(4), tau=5.0
    ),
    "spikesim.engine.network.Network.connect_gap": _injecting(
        "connect_gap", pre="@cells", post="@cells", conductance=0.1, probability=0.5, voltage="v"
    ),
    "spikesim.engine.network.Network.connect_gap matrix": _injecting(
        "connect_gap", pre="@few", post="@few", conductance=np.array([[0.0, 1.0], [1.0, 0.0]])
    ),
    "spikesim.engine.stimuli.Stimulus.stimulus =": _of_injected("played", "stimulus", np.ones(4)),
    "spikesim.engine.stimuli.Stimulus.is_on =": _of_injected("step", "is_on", False),
    "spikesim.engine.noise.Noise.is_on =": _of_injected("noise", "is_on", False),
    "spikesim.engine.noise.Noise.sigma =": _of_injected("noise", "sigma", np.ones(4)),
    "spikesim.engine.noise.Noise.tau =": _of_injected("noise", "tau", 3.0),
    "spikesim.engine.gaps.GapJunctions.is_on =": _of_injected("junctions", "is_on", False),
    "spikesim.engine.gaps.GapJunctions.conductance =": _of_injected(
        "junctions", "conductance", np.ones(2)
    ),
    "spikesim.engine.population.Population [...]": _index,
    "spikesim.engine.population.Population silence": _silenced("cells"),
    "spikesim.engine.subgroups.Subgroup.silence": _silenced("few"),
    "spikesim.engine.subgroups.Subgroup.I =": _of_injected("few", "I", np.ones(2)),
    "spikesim.stimuli.step": _played(stimuli.step, amplitude=np.ones(4), begin=0.5, end=1.5),
    "spikesim.stimuli.ramp": _played(stimuli.ramp, start=0.0, stop=np.ones(4), begin=0.5, end=1.5),
    "spikesim.stimuli.sine": _played(
        stimuli.sine, amplitude=np.ones(4), frequency=50.0, phase=1.0, begin=0.5, end=1.5
    ),
    "spikesim.stimuli.of": _played(stimuli.of, function=lambda t: np.sin(t), duration=2.0, dt=1.0),
    "spikesim.engine.network.Network.connect matrix": _connected(weight=np.ones((4, 3)), delay=1.0),
    "spikesim.engine.network.Network.connect delays": _connected(
        weight=np.ones((4, 3)), delay=np.full((4, 3), 1.5)
    ),
    "spikesim.engine.network.Network.connect indegree": _connected(
        indegree=2, weight=np.ones(6), delay=np.full(6, 1.5)
    ),
    "spikesim.engine.network.Network.connect synapses": _connected(
        synapses=5, weight=lambda chance, size: chance.normal(0.0, 1.0, size)
    ),
    "spikesim.engine.network.Network.connect outdegree": _connected(
        outdegree=2, delay=lambda chance, size: chance.uniform(0.5, 2.0, size)
    ),
    "spikesim.engine.network.Network.add_spike_trains duplicates": of(
        "add_spike_trains", name="t", n=3, times=[0.5, 0.6], ids=[1, 1], duplicates="keep"
    ),
    "spikesim.engine.network.Network.record": of("record", population="@cells", variables="v"),
    "spikesim.engine.network.Network.record a mask": of(
        "record", population="@cells", variables="v", neurons=np.array([True, False, True])
    ),
    "spikesim.engine.network.Network.record neurons": of(
        "record", population="@cells", variables=["v", "drive"], neurons=[0, 2], every=1.0
    ),
    "spikesim.engine.network.Network.record to a file": _recorded_to,
    "spikesim.engine.network.Network.connect synapse": _connected_through,
    "spikesim.synapse.Synapse": _model_of_synapses,
    "spikesim.synapse.Synapse.with_": _with,
    "spikesim.engine.synaptic.SynapticInput.tau_decay =": _of_synapse("tau_decay", 20.0),
    "spikesim.engine.synaptic.SynapticInput.Mg =": _of_synapse("Mg", 2.0),
    "spikesim.engine.synaptic.SynapticInput.g =": _of_synapse("g", np.full(3, 2.0)),
    "spikesim.engine.network.Network.record weights": _weights_recorded,
    "spikesim.engine.network.Network.record synapse models": _model_recorded,
    "spikesim.engine.projection.Projection.of": _synapses("of", neurons=[0, 2]),
    "spikesim.engine.projection.Projection.onto": _synapses("onto", neurons=[0, 2]),
    "spikesim.engine.synapse_data.SomeSynapses.weight =": _some("weight", 0.5),
    "spikesim.engine.synapse_data.SomeSynapses.E =": _some("E", 0.5),
    "spikesim.engine.network.Network.record_spikes": of("record_spikes", population="@cells"),
    "spikesim.engine.network.Network.record_spikes several": _record_several,
    "spikesim.engine.network.Network.record units": of(
        "record", population="@cells", variables=["v", "drive"], unit={"drive": "pA"}
    ),
    "spikesim.engine.network.Network.reset": _reset,
    "spikesim.engine.network.Network.steps": _loop,
    "spikesim.engine.network.Network.restore": lambda f: Call(
        small().net.restore, {"path": _saved(f)}
    ),
    "spikesim.engine.network.Network.run": of("run", duration=2.0),
    "spikesim.engine.network.Network.run_steps": of("run_steps", steps=3),
    "spikesim.engine.network.Network.save": lambda f: Call(
        small().net.save, {"path": f / "net.h5"}
    ),
    "spikesim.engine.network.Network.set_state": _state,
    "spikesim.engine.network.Network.set_state parts": _state_parts,
    "spikesim.neuron.Neuron": _neuron,
    "spikesim.neuron.Neuron.with_": _extended,
    "spikesim.declaring.Parameter": _plain(
        spikesim.Parameter, default=20.0, unit="ms", meaning="membrane time constant"
    ),
    "spikesim.declaring.Variable": _variable,
    "spikesim.neuron.Neuron.start": lambda f: Call(
        LIF.start, {"given": {"E_L": -70.0}}, None, {"given": "E_L"}
    ),
    "spikesim.neuron.Neuron.with_parameters": lambda f: Call(
        LIF.with_parameters,
        {"given": {"tau": 10.0}, "dt": 0.1},
        None,
        {"given": "tau"},
    ),
    "spikesim.engine.filters.DoubleExponential": _option(
        "kernel", DoubleExponential, tau_rise=3.0, tau_decay=10.0, memory=4
    ),
    "spikesim.engine.projection.ShortTermPlasticity": _option(
        "short_term", ShortTermPlasticity, U=0.5, tau_D=200.0, tau_F=20.0, f=0.1
    ),
    "spikesim.engine.stdp.PairSTDP": _option("plasticity", PairSTDP, **PairSTDP()._asdict()),
    "spikesim.engine.stdp.PairSTDP.A_plus =": _of_rule("A_plus", 0.1, PairSTDP()),
    "spikesim.engine.stdp.PairSTDP.w_max =": _of_rule("w_max", 0.9, PairSTDP()),
    "spikesim.engine.rules.PlasticityRule": _rule,
    "spikesim.engine.rules.RulePlasticity.array": _of_rule("array", "rate"),
    "spikesim.engine.rules.RulePlasticity.learning =": _of_rule("learning", True),
    "spikesim.engine.rules.RulePlasticity.rate =": _of_rule("rate", 0.1),
    "spikesim.engine.rules.RulePlasticity.E =": _of_rule("E", 0.1),
    "spikesim.engine.rules.RulePlasticity.w_min =": _of_rule("w_min", 0.1),
    "spikesim.engine.projection.Projection.learning =": _plastic("learning", False),
    "spikesim.engine.projection.Projection.learns =": _plastic("learns", True),
    "spikesim.engine.sources.Background.rate =": _background("rate", 50.0),
    "spikesim.engine.sources.Background.weight =": _background("weight", 2.0),
    "spikesim.engine.sources.SpikeTrainSource.replace": _replaced,
    "spikesim.engine.recording.SpikeRecording.rate": _recorded(
        "rate", bin_width=1.0, neurons=[0, 2], per_neuron=True
    ),
    "spikesim.engine.recording.SpikeRecording.to_nwb": _recorded("to_nwb"),
    "spikesim.engine.recording.SpikeRecording.to_sonata": _recorded("to_sonata"),
    "spikesim.engine.several.SpikeRecordings.to_sonata": lambda f: Call(
        _several(f).to_sonata, {"path": f / "both.h5"}
    ),
    "spikesim.recorded.Spikes.rate": _taken("rate", bin_width=1.0),
    "spikesim.recorded.Spikes.to_nwb": _taken("to_nwb"),
    "spikesim.engine.recording.StateRecording.to_nwb": _samples_to_nwb,
    "spikesim.nwb.write_nwb": _write_nwb,
    "spikesim.recorded.Spikes.to_sonata": _taken("to_sonata"),
    "spikesim.sonata.write_spikes": _write_several,
    "spikesim.engine.recording.SpikeRecording.predicted_bytes": _recorded(
        "predicted_bytes", rate=10.0, duration=1000.0
    ),
    "spikesim.engine.recording.StateRecording.predicted_bytes": _sampled,
    "spikesim.replicas.Replicas": _replicas(threads=2),
    "spikesim.replicas.Replicas.of": lambda f: Call(
        lambda build, threads, **options: Replicas.of(build, threads=threads, **options),
        {"build": Network, "threads": 1, "seed": [1, 2], "dt": 0.5, "backend": "python"},
        None,
        {"build": "models"},
    ),
    "spikesim.replicas.Replicas.threads =": lambda f: Call(
        _assignment(_two(), "threads"), {"threads": 2}
    ),
    "spikesim.replicas.Replicas.each": lambda f: Call(_two().each, {"function": lambda net: 1}),
    "spikesim.replicas.Replicas.path": _plain(Replicas.path, path="run.h5", r=7),
    "spikesim.replicas.Replicas.save": lambda f: Call(_two().save, {"path": f / "nets.h5"}),
    "spikesim.replicas.Replicas run": lambda f: Call(
        lambda duration: _two().run(duration), {"duration": 1.0}
    ),
    "spikesim.backends.check_backend": lambda f: Call(
        spikesim.backends.check_backend, {"name": "cpu"}, None, {"name": "backend"}
    ),
    # spikes
    "spikesim.bursts.binned_rates": _plain(bursts.binned_rates, **SPIKES, n=2, duration=100.0),
    "spikesim.bursts.events_and_bursts": _plain(bursts.events_and_bursts, **SPIKES),
    "spikesim.spiketrains.coefficient_of_variation": _plain(
        spiketrains.coefficient_of_variation, times=[1.0, 2.0, 4.0]
    ),
    "spikesim.spiketrains.interspike_intervals": _plain(
        spiketrains.interspike_intervals, times=[1.0, 2.0]
    ),
    "spikesim.spiketrains.mean_rate": _plain(
        spiketrains.mean_rate, times=[1.0, 2.0], duration=10.0
    ),
    "spikesim.spiketrains.to_neo": _plain(
        spiketrains.to_neo, **SPIKES, n=2, duration=50.0, name="cells"
    ),
    "spikesim.spiketrains.van_rossum_distance": _plain(
        spiketrains.van_rossum_distance, first=[1.0, 2.0], second=[3.0], tau=10.0
    ),
    "spikesim.spiketrains.van_rossum_loss": _plain(
        spiketrains.van_rossum_loss, target=[1.0, 2.0], output=[3.0]
    ),
    "spikesim.spiketrains.van_rossum_trace": _plain(
        spiketrains.van_rossum_trace, times=[1.0, 2.0], duration=10.0, dt=0.1
    ),
    "spikesim.spike_pattern.SpikePattern": lambda f: Call(
        lambda **given: patterns.check_pattern("pattern", SpikePattern(**given), 0.1),
        {"times": np.array([1.0, 2.0]), "ids": np.array([0, 2]), "n": 3, "duration": 5.0},
        None,
        {"times": "spike"},
    ),
    "spikesim.spike_pattern.check_pattern": _plain(_check_pattern, pattern=SHOWN, dt=0.1),
    "spikesim.patterns.from_picture": _plain(
        patterns.from_picture, picture=[[0.0, 1.0], [1.0, 0.0]], n=3, duration=100.0
    ),
    "spikesim.patterns.from_text": _plain(patterns.from_text, text="a", n=5, duration=100.0),
    "spikesim.patterns.from_trains": _plain(
        patterns.from_trains, trains=[[1.0, 2.0], []], duration=5.0
    ),
    "spikesim.patterns.poisson": _plain(patterns.poisson, n=3, rate=50.0, duration=100.0),
    "spikesim.patterns.read_ras": lambda f: Call(patterns.read_ras, {"path": _ras(f)}),
    "spikesim.patterns.read_nest": lambda f: Call(
        patterns.read_nest, {"path": _nest(f), "n": 4, "duration": 5.0, "dt": 0.1, "first": 3}
    ),
    "spikesim.spike_pattern.SpikePattern.merged": _plain(SHOWN.merged, dt=0.5),
    # files
    "spikesim.sonata.SpikeWriter": lambda f: Call(
        sonata.SpikeWriter,
        {"path": f / "new.h5", "dt": 0.1, "populations": {"cells": 3}},
        _closing,
        {"populations": "cells"},
    ),
    "spikesim.sonata.SpikeWriter.append": _writer(
        "spikes", "append", population="cells", steps=[0, 1], ids=[0, 2]
    ),
    "spikesim.sonata.TraceWriter": lambda f: Call(
        sonata.TraceWriter, {"path": f / "new.h5", "dt": 0.1}, _closing
    ),
    "spikesim.sonata.TraceWriter.add_population": _writer(
        "traces", "add_population", population="cells", node_ids=[0, 1], elements=("soma",)
    ),
    "spikesim.sonata.TraceWriter.append": _writer(
        "traces", "append", population="cells", block=np.zeros((2, 2, 1))
    ),
    "spikesim.circuit.reading.read_circuit": lambda f: Call(circuit.read_circuit, _circuit(f)),
    "spikesim.circuit.running.Circuit.run": lambda f: Call(
        circuit.read_circuit(**_circuit(f)).run, {"directory": f / "out"}
    ),
    "spikesim.sonata_reading.read_spikes": lambda f: Call(
        sonata.read_spikes, {"path": _sonata(f, "spikes")}
    ),
    "spikesim.sonata_reading.read_traces": lambda f: Call(
        sonata.read_traces, {"path": _sonata(f, "traces")}
    ),
    "spikesim.nir.neurons.neuron": _plain(
        nir.neuron, kind="LIF", discretisation="exact", reset="v_reset", reset_delay=True
    ),
    "spikesim.nir.inputs.Input": lambda f: Call(
        nir.Input, {"network": _graph(), "name": "other", "n": 2}
    ),
    "spikesim.nir.inputs.Input.feed": lambda f: Call(
        _graph().populations["source"].feed, {"values": np.ones((3, 2))}
    ),
    "spikesim.nir.reading.read": lambda f: Call(
        nir.read,
        {
            "source": _written(f),
            "dt": 1.0,
            "discretisation": "exact",
            "reset": "subtract",
            "reset_delay": False,
            "seed": 1,
            "dtype": "float64",
            "backend": "python",
        },
    ),
    "spikesim.nir.writing.to_graph": lambda f: Call(
        nir.to_graph, {"net": _graph(), "outputs": ["cells"]}
    ),
    "spikesim.nir.writing.write": lambda f: Call(
        nir.write, {"net": _graph(), "path": f / "new.nir", "outputs": ["cells"]}
    ),
    "spikesim.events.from_tonic": _plain(
        events.from_tonic,
        events=np.array([(1, 0, 2500)], [("x", int), ("y", int), ("t", int)]),
        sensor_size=(2, 2, 1),
        duration=10.0,
        dt=1.0,
    ),
    "spikesim.events.read_shd": lambda f: Call(
        events.read_shd, {"path": _shd(f), "samples": [1], "duration": 10.0, "dt": 1.0}
    ),
    "spikesim.events.read_nmnist": lambda f: Call(
        events.read_nmnist, {"path": _nmnist(f), "samples": [1], "duration": 10.0, "dt": 1.0}
    ),
    "spikesim.events.task": _plain(
        events.task,
        patterns=[SHOWN, SHOWN],
        labels=[0, 1],
        test=([SHOWN], [1]),
        hidden=2,
        pause=5.0,
        per_block=2,
        blocks=1,
        seed=0,
    ),
    "spikesim.logs.CSVLog": _log_of(logs.CSVLog, "path"),
    "spikesim.logs.TensorBoardLog": _log_of(logs.TensorBoardLog, "folder"),
    "spikesim.logs.history_table": lambda f: Call(
        logs.history_table, {"net": MODELS["superspike"]()}
    ),
    "spikesim.io.files.atomic_file": lambda f: Call(_atomic, {"path": f / "new.h5"}),
    "spikesim.io.files.open_file": lambda f: Call(
        _opened(files.open_file), {"path": _hdf5(f), "kind": "kind"}
    ),
    "spikesim.io.files.open_hdf5": lambda f: Call(_opened(files.open_hdf5), {"path": _hdf5(f)}),
    "spikesim.datasets.download_mnist": lambda f: Call(
        datasets.download_mnist,
        {"folder": f / "mnist", "mirrors": ("http://127.0.0.1:9/",), "progress": False},
    ),
    "spikesim.datasets.teacher": _plain(datasets.teacher, train=6, test=3, seed=1),
    "spikesim.datasets.yin_yang": _plain(datasets.yin_yang, train=6, test=3, seed=1),
    "spikesim.datasets.load": _plain(datasets.load, name="digits", folder=None),
    "spikesim.idx.load_idx": lambda f: Call(datasets.load_idx, _idx(f)),
    "spikesim.own_images.read_images": lambda f: Call(datasets.read_images, {"path": _npz(f)}),
    "spikesim.datasets.load_mnist": lambda f: Call(datasets.load_mnist, {"folder": f}),
    # figures
    "spikesim.plot.curves.angle": _plain(plot.angle, history=ANGLES),
    "spikesim.plot.confusion.confusion": _plain(plot.confusion, counts=np.eye(3)),
    "spikesim.plot.credit.angle_over_depth": _plain(
        plot.angle_over_depth,
        depths=[1, 2],
        angles={"backpropagation": [0.0, 0.0], "node": [[9.0, 20.0], [11.0, 22.0]]},
        families=FAMILIES,
    ),
    "spikesim.plot.credit.angle_over_training": _plain(
        plot.angle_over_training,
        angles={
            "backpropagation": ([0, 1], [0.0, 0.0]),
            "node": ([0, 1], [[9.0, 2.0], [1.0, 2.0]]),
        },
        families=FAMILIES,
    ),
    "spikesim.plot.planes.bias_and_noise": _plain(
        plot.bias_and_noise,
        cosine={"backpropagation": 1.0, "node": [0.9, 0.8]},
        snr={"backpropagation": 0.2, "node": [0.02, 0.01]},
        families=FAMILIES,
    ),
    "spikesim.plot.planes.error_over_angle": _plain(
        plot.error_over_angle,
        error={"backpropagation": 2.0, "node": [7.0, 8.0]},
        angle={"backpropagation": 0.0, "node": [60.0, 62.0]},
        families=FAMILIES,
    ),
    "spikesim.plot.credit.learning_curves": _plain(
        plot.learning_curves,
        curves={
            "backpropagation": ([100, 200], [9.0, 4.0]),
            "node": ([100, 200], [[60.0, 40.0], [62.0, 44.0]]),
        },
        families=FAMILIES,
    ),
    "spikesim.plot.credit.robustness": _plain(
        plot.robustness,
        levels=[0.0, 10.0],
        errors={"backpropagation": [2.0, 3.0], "node": [[7.0, 9.0], [8.0, 9.0]]},
        families=FAMILIES,
        xlabel="Jitter of weights (%)",
    ),
    "spikesim.plot.rules.rule_styles": _plain(plot.rule_styles, families=FAMILIES),
    "spikesim.plot.spikes.burst_raster": _plain(plot.burst_raster, spikes=tuple(SPIKES.values())),
    "spikesim.plot.states.compartments": _drawn(
        plot.compartments, lambda: MODELS["segregated"]().record(_digits()[0][0], 1), "trial"
    ),
    "spikesim.plot.curves.cost_curve": _plain(plot.cost_curve, history=COSTS),
    "spikesim.plot.states.ensembles": _drawn(
        plot.ensembles,
        lambda: MODELS["burst"]().record(*(x[:1] for x in _digits())),
        "recording",
    ),
    "spikesim.plot.spikes.layers": _drawn(
        plot.layers, lambda: MODELS["segregated"]().record(_digits()[0][0], 1), "recording"
    ),
    "spikesim.plot.curves.learning_curve": _plain(plot.learning_curve, history=HISTORY),
    "spikesim.plot.bursts.multiplexing": _plain(
        plot.multiplexing,
        time=np.arange(4.0),
        event_rate=np.ones(4),
        burst_probability=np.full(4, 0.5),
        somatic_current=np.arange(4.0),
        dendritic_current=np.arange(4.0),
    ),
    "spikesim.plot.curves.pattern_rates": _plain(
        plot.pattern_rates, history=PATTERNED, patterns=["off", "on"]
    ),
    "spikesim.plot.spikes.raster": _plain(plot.raster, spikes=tuple(SPIKES.values())),
    "spikesim.plot.spikes.raster several": lambda f: Call(
        plot.raster, {"spikes": list(_several(f)), "rate": True, "bin_width": 1.0}
    ),
    "spikesim.plot.trials.psth": lambda f: Call(
        plot.psth,
        {"trials": _trials(f), "bin_width": 1.0, "neurons": [0, 1], "raster": True},
        None,
        {"trials": "spike"},
    ),
    "spikesim.plot.spikes.rasters": lambda f: Call(
        plot.rasters, {"panels": [tuple(SPIKES.values()), TARGET]}, None, {"panels": "spikes"}
    ),
    "spikesim.plot.states.receptive_fields": _plain(
        plot.receptive_fields, W=np.arange(12.0).reshape(4, 3), image_shape=(2, 2), n=2
    ),
    "spikesim.plot.curves.sweep": _plain(
        plot.sweep, parameter=[1.0, 2.0], result=[[1.0, 2.0], [2.0, 3.0]], **LABELS
    ),
    "spikesim.plot.noise.noise": _drawn(
        plot.noise, lambda: MODELS["perturbation"]().record(_digits()[0][0], 1), "recording"
    ),
    "spikesim.plot.settling.settling": _drawn(
        plot.settling, lambda: MODELS["clamped"]().record(_digits()[0][0], 1), "recording"
    ),
    "spikesim.plot.targets.targets": _drawn(
        plot.targets,
        lambda: MODELS["target_propagation"]().record(_digits()[0][0], 1),
        "recording",
    ),
    "spikesim.plot.states.synapse": lambda f: Call(plot.synapse, {"recording": _series(f)}),
    "spikesim.plot.rewards.rewards": _plain(
        plot.rewards, R=[0.0, 1.0], rate=[[0.1], [0.2]], block=1, along="Trial", unit="Hz"
    ),
    "spikesim.plot.rewards.eligibility": lambda f: Call(
        plot.eligibility,
        {
            "trial": MODELS["spiking_reward"]().record(_digits()[0][0], 1),
            "layer": "output",
            "pre": 0,
            "post": 0,
        },
    ),
    "spikesim.plot.states.traces": _drawn(plot.traces, _states, "recording", variables=["v"]),
    "spikesim.plot.states.traces a stimulus": _drawn(
        plot.traces,
        _states,
        "recording",
        variables="v",
        stimulus=["drive"],
        spikes=tuple(SPIKES.values()),
    ),
    "spikesim.plot.bursts.transfer": _plain(
        plot.transfer,
        dendritic_current=[0.0, 1.0],
        event_rate=[4.0, 5.0],
        burst_probability=[0.1, 0.5],
    ),
    "spikesim.plot.bursts.transfer_curves": _plain(
        plot.transfer_curves,
        curves=transfer.AUTHORS_LATERAL,
        labels={(0.0, 0.0): "without"},
        known=transfer.AUTHORS_LATERAL,
        title="curves",
        legend="of",
    ),
    "spikesim.plot.bursts.weight_change": _plain(
        plot.weight_change,
        time=np.arange(4.0),
        change=np.arange(4.0),
        burst_probability=np.full(4, 0.2),
        blocks=[(0.0, 2.0, "a")],
    ),
    # sweeps
    "spikesim.comparison.Comparison": lambda f: Call(
        lambda **given: comparison_table([Comparison(**given)]),
        {"quantity": "rate (Hz)", "ours": 1.0, "reference": 1.0, "low": 0.0, "high": 2.0},
    ),
    "spikesim.comparison.comparison_table": _plain(
        comparison_table, comparisons=[Comparison("rate (Hz)", 1.0)]
    ),
    "spikesim.sweep.grid": _plain(sweep.grid, a=[1, 2], b=["x", "y"]),
    "spikesim.sweep.sweep": lambda f: Call(
        sweep.sweep,
        {
            "train": _tried,
            "sets": [{"a": 1.0}, {"a": 2.0}],
            "directory": f / "sweep",
            "executor": "threads",
            "workers": 1,
            "progress": False,
        },
    ),
    "spikesim.credit.compare": lambda f: Call(credit.compare, {**_compared(f), "depths": False}),
    "spikesim.credit.tune": lambda f: Call(
        credit.tune, {**_compared(f), "trials": 1, "networks": 1}
    ),
    "spikesim.credit.table.Compared.of": lambda f: Call(
        credit.compare(**_compared(f), depths=False).of,
        {"rule": "backpropagation", "value": "test_error", "part": "table"},
    ),
    "spikesim.credit.rules.rules_of": lambda f: Call(
        rules_of, {"names": ["burst", "reward"]}, None, {"names": "rule"}
    ),
    "spikesim.credit.tasks.task_of": lambda f: Call(
        task_of, {"name": "digits"}, None, {"name": "task"}
    ),
    "spikesim.sweep.table.Sweep.load": lambda f: Call(
        sweep.Sweep.load, {"directory": _swept(f).directory}
    ),
    "spikesim.sweep.table.Sweep.table": lambda f: Call(
        _swept(f).table, {"value": "cost"}, None, {"value": "result"}
    ),
    "spikesim.sweep.table.Sweep.figure": lambda f: Call(
        _swept(f).figure, {"value": "cost"}, None, {"value": "result"}
    ),
    # models
    "spikesim.models.segregated.network.SegregatedDendriteNetwork": model(
        SegregatedDendriteNetwork, "segregated", (6, 4, 3), SEGREGATED
    ),
    "spikesim.models.burst.network.BurstEnsembleNetwork": model(
        BurstEnsembleNetwork, "burst", (6, 4, 3), {"backend": "python"}
    ),
    "spikesim.models.clamped.ClampedNetwork": model(ClampedNetwork, "clamped", (6, 4, 3), CLAMPED),
    "spikesim.models.dendritic_microcircuit.network.DendriticMicrocircuit": model(
        DendriticMicrocircuit, "dendritic", (6, 4, 3), DENDRITIC
    ),
    "spikesim.models.dendritic_microcircuit.spiking.SpikingMicrocircuit": model(
        SpikingMicrocircuit, "spiking_dendritic", (6, 4, 3), SPIKING_DENDRITIC
    ),
    "spikesim.models.dendritic_microcircuit.network.DendriticMicrocircuit.silence": trained(
        "dendritic", "silence", **dict(zip(("x", "targets"), _digits(), strict=True))
    ),
    "spikesim.models.dendritic_microcircuit.spiking.SpikingMicrocircuit.silence": trained(
        "spiking_dendritic", "silence", **dict(zip(("x", "targets"), _digits(), strict=True))
    ),
    "spikesim.models.perturbation.Perturbation": model(
        Perturbation, "perturbation", (6, 4, 3), {"backend": "python"}
    ),
    "spikesim.models.equilibrium.EquilibriumPropagation": model(
        EquilibriumPropagation, "equilibrium", (6, 4, 3), EQUILIBRIUM
    ),
    "spikesim.models.feedback_alignment.FeedbackAlignment": model(
        FeedbackAlignment, "feedback_alignment", (6, 4, 3), {"backend": "python"}
    ),
    "spikesim.models.reward.network.RewardNetwork": model(
        RewardNetwork, "reward", (6, 4, 3), {"backend": "python"}
    ),
    "spikesim.models.reward.spiking.SpikingRewardNetwork": model(
        SpikingRewardNetwork, "spiking_reward", (6, 4, 3), SPIKING_REWARD
    ),
    **{
        f"spikesim.models.{_WING[name]}.act": trained(name, "act", x=_digits()[0][0], stimulus=0)
        for name in ("reward", "spiking_reward")
    },
    **{
        f"spikesim.models.{_WING[name]}.play": trained(
            name, "play", x=_digits()[0], targets=_digits()[1]
        )
        for name in ("reward", "spiking_reward")
    },
    **{
        f"spikesim.models.{place}.chance": trained(name, "chance", purpose="weights")
        for name, place in {
            **_WING,
            **_BATCHES,
            "superspike": "superspike.network.SuperSpikeNetwork",
        }.items()
    },
    **{
        f"spikesim.models.{place}.activities": trained(name, "activities", x=_digits()[0])
        for name, place in {**_WING, **_BATCHES}.items()
    },
    **{
        f"spikesim.models.{place}.{method}": trained(
            name, method, **dict(zip(("x", "targets"), _digits(), strict=True))
        )
        for name, place in {**_WING, **_BATCHES}.items()
        for method in ("learn", "update", "gradient")
    },
    **{
        f"spikesim.models.{_WING[name]}.learn phases": trained(
            name, "learn", x=_digits()[0], targets=_digits()[1], lengths=lengths
        )
        for name, lengths in {"segregated": [[8, 9]] * 4, "burst": [[5, 3]] * 4}.items()
    },
    **{
        f"spikesim.learning.alignment.{name}": lambda f, name=name: Call(
            lambda **given: getattr(alignment, name)(MODELS["feedback_alignment"](), **given),
            dict(zip(("x", "targets"), _digits(), strict=True)),
        )
        for name in (
            *("delta_angle", "update_angle", "mean_cosine", "snr"),
            *("bias_and_noise", "feedback_jacobian"),
        )
    },
    **{
        f"spikesim.learning.performance.{name}": lambda f, name=name, more=more: Call(
            lambda **given: getattr(performance, name)(MODELS["feedback_alignment"](), **given),
            dict(zip(("images", "labels"), _digits(), strict=True)) | more,
        )
        for name, more in {"jittered_error": {"jitter": 0.1}, "noisy_error": {"noise": 0.1}}.items()
    },
    "spikesim.learning.performance.synaptic_operations": lambda f: Call(
        lambda **given: performance.synaptic_operations(MODELS["feedback_alignment"](), **given),
        {"images": _digits()[0]},
    ),
    "spikesim.learning.performance.examples_to": _plain(
        performance.examples_to, errors=[9.0, 4.0], examples_per_epoch=100, level=5.0
    ),
    "spikesim.learning.alignment.angle": _plain(alignment.angle, x=[1.0, 0.0], y=[1.0, 1.0]),
    "spikesim.models.burst.burstprop.BurstpropNetwork": model(
        BurstpropNetwork, "burstprop", (6, 4, 3), {}
    ),
    "spikesim.models.target_propagation.TargetPropagation": model(
        TargetPropagation, "target_propagation", (6, 4, 4, 3), {}
    ),
    "spikesim.models.target_propagation.TargetPropagation.measured": trained(
        "target_propagation", "measured", x=_digits()[0], targets=_digits()[1]
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork": model(
        SuperSpikeNetwork, "superspike", (3, 3, 2), SUPERSPIKE
    ),
    "spikesim.models.superspike.classifier.SuperSpikeClassifier": model(
        SuperSpikeClassifier, "spiking_classifier", (6, 4, 3), SPIKING_CLASSIFIER
    ),
    "spikesim.models.burst.spiking.exclusive_or.ExclusiveOrNetwork": model(
        ExclusiveOrNetwork, "exclusive_or", None, {"backend": "python"}
    ),
    **{
        f"spikesim.models.{place}.{method}": _image(name, method)
        for name, place in {**_WING, **_BATCHES}.items()
        for method in ("fit", "confusion", "evaluate", "predict", "record")
    },
    **{
        f"spikesim.models.{place}.{method}": trained(name, method, path="@model.h5")
        for name, place in {
            **_WING,
            **_BATCHES,
            "superspike": "superspike.network.SuperSpikeNetwork",
            "exclusive_or": "burst.spiking.exclusive_or.ExclusiveOrNetwork",
        }.items()
        for method in ("save", "load")
    },
    "spikesim.models.superspike.network.SuperSpikeNetwork.fit": trained(
        "superspike", "fit", input=SHOWN, target=TARGET, blocks=1, block=1.0, burn_in=0.0
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.train": trained(
        "superspike",
        "train",
        task=Task((3, 3, 2), lambda block: (SHOWN, TARGET), 1, 1.0, {}),
        blocks=1,
        decay=0,
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.update": trained(
        "superspike", "update", input=SHOWN, target=TARGET
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.evaluate": trained(
        "superspike", "evaluate", input=SHOWN, target=TARGET
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.predict": trained(
        "superspike", "predict", input=SHOWN
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.record": trained(
        "superspike", "record", input=SHOWN, target=TARGET, synapse=(1, 0, 0)
    ),
    "spikesim.models.superspike.network.SuperSpikeNetwork.silent_cost": trained(
        "superspike", "silent_cost", target=TARGET
    ),
    "spikesim.learning.windows.Windows": lambda f: Call(
        lambda **given: MODELS["superspike"](error="windows").fit(
            SHOWN, Windows(**given), 1, block=1.0, burn_in=0.0
        ),
        WINDOWS._asdict(),
    ),
    "spikesim.learning.windows.check_windows": lambda f: Call(
        lambda windows, n, duration, dt: __import__(
            "spikesim.learning.windows", fromlist=["x"]
        ).check_windows("windows", windows, n, duration, dt),
        {"windows": WINDOWS, "n": 2, "duration": 4.0, "dt": 0.1},
    ),
    "spikesim.learning.recording.PatternRecording.to_sonata": lambda f: Call(
        MODELS["superspike"]().record(SHOWN, TARGET).to_sonata, {"directory": f}
    ),
    "spikesim.learning.recording.LayerRecording.to_sonata": lambda f: Call(
        MODELS["segregated"]().record(_digits()[0][0], 1).to_sonata, {"directory": f}
    ),
    "spikesim.models.superspike.tasks.spikes": _plain(tasks.spikes, seed=1),
    "spikesim.models.superspike.tasks.hidden": _plain(tasks.hidden, seed=1),
    "spikesim.models.superspike.tasks.xor": _plain(tasks.xor, lambda task: task.trials(0), seed=1),
    "spikesim.models.superspike.tasks.picture": _plain(
        tasks.picture, text="a", seed=1, n=5, duration=100.0
    ),
    "spikesim.models.burst.spiking.exclusive_or.ExclusiveOrNetwork.fit": trained(
        "exclusive_or", "fit", epochs=1
    ),
    "spikesim.models.burst.spiking.exclusive_or.ExclusiveOrNetwork.record": trained(
        "exclusive_or", "record", pattern=1, teach=True
    ),
    "spikesim.learning.examples.ExampleRecording.rates": lambda f: Call(
        MODELS["exclusive_or"]().record(0).rates, {"name": "output", "bin": 0.5}
    ),
    "spikesim.models.burst.spiking.exclusive_or.run": _plain(
        exclusive_or.run, seed=1, backend="python", epochs=1, n=3, duration=1.0, alpha=1.0
    ),
    "spikesim.learning.burst_plasticity.BurstPlasticity": _plasticity,
    "spikesim.learning.burst_plasticity.BurstPlasticity.assume": _plasticity_of(
        "assume", event_rate=5.0, burst_probability=0.2
    ),
    "spikesim.learning.burst_plasticity.BurstPlasticity.eta =": _plasticity_of(
        "eta", eta=np.array([0.1, 0.2, 0.3])
    ),
    "spikesim.learning.burst_plasticity.BurstPlasticity.is_on =": _plasticity_of(
        "is_on", is_on=True
    ),
    "spikesim.models.burst.spiking.learning_rule.run": _plain(
        learning_rule.run, seed=1, backend="python", **RULE
    ),
    "spikesim.models.burst.spiking.learning_rule.LearningRule.save": lambda f: Call(
        learning_rule.run(seed=1, backend="python", **RULE).save, {"path": f / "rule.h5"}
    ),
    "spikesim.models.burst.spiking.learning_rule.LearningRule.load": lambda f: Call(
        learning_rule.LearningRule.load,
        {
            "path": _written(learning_rule.run(seed=1, backend="python", **RULE), f),
        },
    ),
    "spikesim.models.routing.ensembles.RoutingEnsembles": _plain(
        RoutingEnsembles, sizes=(2, 2), seed=1, backend="python", m=4, q=2
    ),
    "spikesim.models.routing.ensembles.RoutingEnsembles.run": lambda f: Call(
        RoutingEnsembles((2, 2), backend="python", m=4, q=2).run, {"steps": 2}
    ),
    "spikesim.models.routing.ensembles.RoutingEnsembles.meso": lambda f: Call(
        RoutingEnsembles((2, 2), backend="python", m=4, q=2).meso, {"k": 1}
    ),
    "spikesim.models.routing.rows.reach": _plain(rows.reach, seed=1, backend="python", draws=1),
    "spikesim.models.routing.rows.interference": _plain(
        rows.interference, seed=1, backend="python", m=16, draws=1, steps=1
    ),
    "spikesim.models.routing.gates.route": _plain(
        gates.route, seed=1, backend="python", m=10, trials=2
    ),
    "spikesim.models.routing.gates.time_scale": _plain(
        gates.time_scale, seed=1, backend="python", m=10, steps=1, shortest=2.0
    ),
    "spikesim.models.burst.spiking.pairing.run": _plain(
        _paired, seed=1, backend="python", realisations=2, duration=50.0
    ),
    "spikesim.models.burst.spiking.pairing_protocols.weight_changes": lambda f: Call(
        pairing.weight_changes,
        {
            "pre": [[1.0, 2.0], [3.0]],
            "post": [[1.5], [2.0]],
            "event_rate": 5.0,
            "burst_probability": 0.2,
            "backend": "python",
        },
        lasts=("pre", "post"),
    ),
    "spikesim.models.burst.spiking.pairing.Pairing.save": lambda f: Call(
        pairing.Pairing(*(np.zeros((1, 1)),) * 6, 1.0, 0).save, {"path": f / "pairing.h5"}
    ),
    "spikesim.models.burst.spiking.pairing.Pairing.load": lambda f: Call(
        pairing.Pairing.load,
        {"path": _written(pairing.Pairing(*(np.zeros((1, 1)),) * 6, 1.0, 0), f)},
    ),
    "spikesim.models.burst.spiking.propagation.Propagation": _plain(
        propagation.Propagation, duration=1.0, burn_in=1.0, backend="python", n=200
    ),
    "spikesim.models.burst.spiking.propagation.Propagation.run": _propagation("run"),
    "spikesim.models.burst.spiking.propagation.Propagation.rates": _propagation(
        "rates", population="pyramidal_1", bin_width=0.5
    ),
    "spikesim.models.burst.spiking.propagation.Propagation.currents": _propagation(
        "currents", bin_width=0.5
    ),
    "spikesim.models.burst.spiking.propagation.Propagation.in_bins": lambda f: Call(
        _propagation("in_bins")(f).function,
        {"values": np.ones(1010), "bin_width": 0.5},
    ),
    "spikesim.models.burst.spiking.propagation.Propagation.save": _propagation(
        "save", path="@run.h5"
    ),
    "spikesim.models.burst.spiking.propagation.Propagation.to_sonata": _propagation(
        "to_sonata", directory="@"
    ),
    "spikesim.models.burst.spiking.propagation.compare": lambda f: Call(
        propagation.compare,
        {"runs": [_propagation("currents")(f).function.__self__], "bin_width": 10.0},
    ),
    "spikesim.models.burst.spiking.propagation.run": _plain(
        propagation.run, duration=0.2, burn_in=0.0, backend="python", n=200
    ),
    "spikesim.bursts.burst_probability": _plain(
        bursts.burst_probability, events=[2.0, 0.0], bursts=[1.0, 0.0]
    ),
    "spikesim.bursts.Curves.of_rows": _plain(
        bursts.Curves.of_rows,
        weight=[0.0, 0.0],
        current=[0.0, 0.0],
        dendritic_current=[0.0, 50.0],
        event_rate=[4.0, 5.0],
        burst_probability=[0.1, 0.5],
    ),
    "spikesim.bursts.Curves.at": _plain(transfer.AUTHORS_LATERAL.at, dendritic_current=100.0),
    "spikesim.bursts.Curves.condition": _plain(
        transfer.AUTHORS_LATERAL.condition, weight=0.0, current=0.0
    ),
    "spikesim.bursts.Curves.current_for": _plain(
        transfer.AUTHORS_LATERAL.current_for, burst_probability=0.5, weight=0.0, current=0.0
    ),
    "spikesim.models.burst.spiking.transfer.DendriticTransfer.save": lambda f: Call(
        transfer.run(seed=1, backend="python", **TRANSFER).save, {"path": f / "transfer.h5"}
    ),
    "spikesim.models.burst.spiking.transfer.DendriticTransfer.load": lambda f: Call(
        transfer.DendriticTransfer.load,
        {
            "path": _written(transfer.run(seed=1, backend="python", **TRANSFER), f),
        },
    ),
    "spikesim.models.burst.spiking.transfer_circuits.lateral_transfer": _plain(
        transfer.lateral_transfer,
        seed=1,
        conditions=((0.0, 0.0),),
        dendritic_currents=[0.0, 50.0],
        backend="python",
        **TRANSFER,
    ),
    "spikesim.models.burst.spiking.transfer_circuits.interneuron_transfer": _plain(
        transfer.interneuron_transfer,
        seed=1,
        conditions=((0.0, 0.0),),
        dendritic_currents=[0.0, 50.0],
        backend="python",
        **TRANSFER,
    ),
    "spikesim.models.burst.spiking.transfer.run": _plain(
        transfer.run, seed=1, backend="python", **TRANSFER
    ),
    "spikesim.learning.signals.sinusoids": _plain(
        sinusoids, seconds=1.0, low=0.1, high=2.0, seed=1, dt=10.0, n=3
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter": _plain(
        AdaptiveFilter,
        lambda net: net.run([1.0, 0.0]),
        tau=[20.0, 200.0],
        seed=1,
        dtype="float64",
        backend="python",
        n=2,
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter.run": lambda f: Call(
        _filter().run, {"h": [1.0, 0.5], "n": 0.0, "learn": True, "given": {"p": np.ones((2, 3))}}
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter.tune": lambda f: Call(
        _filter(granule="spiking").tune, {"h": [1.0, 0.5]}
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter.impulse_response": lambda f: Call(
        _filter().impulse_response, {"t": [0.0, 10.0]}
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter.save": lambda f: Call(
        _filter().save, {"path": f / "net.h5"}
    ),
    "spikesim.models.cerebellum.filter.AdaptiveFilter.restore": lambda f: Call(
        _filter().restore, {"path": _written(_filter(), f)}
    ),
    **{
        f"spikesim.models.cerebellum.filter.AdaptiveFilter.{name} =": _set_filter(name, value)
        for name, value in {"G": 1.0, "B": 1.0, "beta": 0.1, "w": np.zeros(3)}.items()
    },
    "spikesim.models.cerebellum.reflex.vestibulo_ocular": _plain(
        reflex.vestibulo_ocular, seed=1, backend="python", seconds=1.0, n=3
    ),
    "spikesim.models.cerebellum.reflex.error_delay": _plain(
        reflex.error_delay, seed=1, backend="python", seconds=1.0
    ),
    "spikesim.models.cerebellum.layer.granule_layer": _plain(
        layer.granule_layer, seed=1, backend="python", seconds=1.0, n=2, few=2, M=2
    ),
    "spikesim.models.cerebellum.layer.forward_model": _plain(
        layer.forward_model, seed=1, backend="python", seconds=1.0
    ),
    "spikesim.models.cerebellum.layer.negative_image": _plain(
        layer.negative_image, seed=1, backend="python", trials=2, steps=20, n=3
    ),
    "spikesim.models.microcircuit.build": _plain(
        microcircuit.build, scale=0.001, seed=1, dt=0.1, backend="python"
    ),
    "spikesim.models.microcircuit.compensating_currents": _plain(
        microcircuit.compensating_currents, scale=0.1
    ),
    "spikesim.areas.read_areas": lambda f: Call(
        areas.read_areas, {**three_areas.write(f), "indegrees": np.ones((8, 8))}
    ),
    "spikesim.areas.check_areas": lambda f: Call(areas.check_areas, {"areas": _areas(f)}),
    "spikesim.models.multi_area.build": lambda f: Call(
        multi_area.build,
        {"areas": _areas(f), "scale": 0.01, "seed": 1, "dt": 0.1, "backend": "python"},
    ),
    "spikesim.models.multi_area.cost": lambda f: Call(
        multi_area.cost, {"areas": _areas(f), "scale": 0.1, "indegrees": 0.2}
    ),
    "spikesim.spread.weights": _plain(spread.weights, mean=1.0, relative_sd=0.1),
    "spikesim.spread.delays": _plain(spread.delays, mean=1.0, relative_sd=0.1, dt=0.1),
    "spikesim.spiketrains.mean_rates": lambda f: Call(
        spiketrains.mean_rates, {"spikes": {"cells": _spikes()}, "after": 1.0}
    ),
    "spikesim.models.microcircuit.synapse_numbers": _plain(microcircuit.synapse_numbers, scale=0.1),
}
"""Call → an example of it. What follows a blank, or ends in '=', tells variants apart."""


def _areas(folder: Path) -> Any:
    return areas.read_areas(**three_areas.write(folder))


def _spikes() -> Any:
    parts = small()
    spikes = parts.net.record_spikes(parts.source)
    parts.net.run(5.0)
    return spikes


# ---- arrays that users write to ---------------------------------------------------------------


def compiled() -> SimpleNamespace:
    """A compiled network whose arrays are written to; always the same program."""
    net = Network(dt=0.5, seed=1)
    source = net.add_population("source", 4, Poisson)
    source.rate[:] = 900.0
    cells = net.add_population("cells", 3, LIF)
    trains = net.add_spike_trains("trains", 3, [0.5, 1.0], [0, 2], period=2.0)
    sparse = net.connect(source, cells, target="drive", weight=1.0, probability=0.7, name="sparse")
    sparse.individual()
    spread = net.connect(
        source, cells, target="drive", weight=1.0, indegree=2, delay=[0.5, 1.5] * 3, name="spread"
    )
    dense = net.connect(trains, cells, target="drive", weight=0.5, plasticity=PairSTDP())
    shared = net.connect(trains, cells, target="v", weight=0.25, one_to_one=True, name="shared")
    spikes, states = net.record_spikes(cells), net.record(cells, "v", neurons=[0, 2])
    return SimpleNamespace(**locals())


def written(part: str, attribute: str, whole: bool) -> Callable[[Path], Call]:
    """``part.attribute[:] = value``, or as a whole ``part.attribute = value``, and a run."""

    def make(folder: Path) -> Call:
        parts = compiled()
        owner = getattr(parts, part)

        def assign(value: Any) -> None:
            if whole:
                setattr(owner, attribute, value)
                return
            with from_numpy():
                getattr(owner, attribute)[:] = value

        return Call(
            assign,
            {"value": np.array(getattr(owner, attribute))},
            running(parts.net),
            {"value": attribute},
        )

    return make


class NumPyRefused(Exception):
    """NumPy itself refuses what is written into one of its arrays."""


class from_numpy:
    """Errors of NumPy's own assignment, which no package could make any other."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, place: Any) -> None:
        if error is not None and isinstance(error, Exception):
            raise NumPyRefused(str(error)) from error


def layer(name: str, attribute: str) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        net = MODELS[name]()

        def assign(value: Any) -> None:
            getattr(net, attribute)[0] = value

        shape = getattr(net, attribute)[0]
        return Call(assign, {"value": shape.copy()}, lambda _: learn(net), {"value": attribute})

    return make


for _part, _attributes in {
    "cells": ("v", "I", "drive", "refractory", "spike", "ids", "count"),
    "source": ("rate", "ids", "count"),
    "sparse": ("weight", "target", "start"),
    "spread": ("weight", "later", "target", "start"),
    "dense": ("W",),
    "shared": ("weight",),
    "states": ("neurons",),
}.items():
    for _attribute in _attributes:
        EXAMPLES[f"spikesim.written {_part}.{_attribute}[:] ="] = written(_part, _attribute, False)
        EXAMPLES[f"spikesim.written {_part}.{_attribute} ="] = written(_part, _attribute, True)
for _attribute in ("every", "t"):
    EXAMPLES[f"spikesim.written states.{_attribute} ="] = written("states", _attribute, True)
for _part in ("sparse", "spread", "dense"):
    EXAMPLES[f"spikesim.written {_part}.delay ="] = written(_part, "delay", True)
for _name, _attributes in {
    "segregated": ("W", "b", "Y"),
    "burst": ("W", "b", "Y", "Z"),
    "clamped": ("W", "b", "B"),
    "dendritic": ("W", "b", "Y", "P", "Q", "c"),
    "equilibrium": ("W", "b", "B"),
    "feedback_alignment": ("W", "b", "B"),
    "reward": ("W", "b"),
    "spiking_reward": ("W", "b"),
    "burstprop": ("W", "b", "Y", "R"),
    "target_propagation": ("W", "b", "V", "c"),
    "superspike": ("W", "B"),
    "spiking_classifier": ("W", "B"),
}.items():
    for _attribute in _attributes:
        EXAMPLES[f"spikesim.models.{_name} net.{_attribute}[0] ="] = layer(_name, _attribute)
EXAMPLES["spikesim.models net.notes ="] = lambda f: Call(
    _assignment(MODELS["burst"](), "notes"), {"notes": {"dataset": "digits", "epochs": 2}}
)

# ---- the command line -------------------------------------------------------------------------

COMMANDS = [
    [
        "train",
        "segregated",
        "--hidden=5",
        "--epochs=1",
        "--out=run",
        "--tau_s=3",
        "--symmetric=true",
    ],
    ["train", "segregated", "--eta=0.1,0.2", "--hidden=5", "--memory=10", "--backend=python"],
    ["train", "burst", "--hidden=5,5", "--epochs=1", "--seed=2", "--sst=h", "--alpha_Z=0.1"],
    ["train", "burst", "--form=july_2018", "--steps=12", "--nudge_after=5", "--dtype=float64"],
    ["train", "clamped", "--hidden=5,5", "--rule=chl", "--n_minus=3", "--keep=0", "--out=run"],
    ["train", "dendritic-microcircuit", "--hidden=5,5", "--passes=2", "--out=run"],
    ["train", "equilibrium", "--hidden=5,5", "--estimator=rate", "--n_free=3", "--out=run"],
    ["train", "feedback-alignment", "--hidden=5,5", "--feedback=mirror", "--batch=7", "--out=run"],
    ["train", "target-propagation", "--hidden=5,5", "--method=sdtp", "--sigma=0.1", "--out=run"],
    ["train", "superspike", "--task=spikes", "--blocks=1", "--seed=1", "--out=run", "--eta=0.5"],
    ["train", "superspike", "--text=a", "--outputs=5", "--duration=100", "--hidden=3", "--decay=2"],
    ["train", "superspike", "--task=files", "--input=a.ras", "--target=b.ras", "--duration=10"],
    ["train", "superspike", "--picture=no.png", "--delay=0.8", "--chunk=5", "--no-progress"],
    ["sweep", "segregated", "--grid=eta=0.1,0.2", "--seeds=2", "--epochs=1", "--out=swept"],
    ["sweep", "superspike", "--task=spikes", "--grid=w_0=10,20", "--workers=1", "--threads"],
    ["sweep", "burst", "--list=sets.csv", "--epochs=1", "--out=swept"],
    ["compare", "--task=yin-yang", "--models", "backpropagation", "--seeds=1", "--hidden=3"],
    ["run", "burst", "propagation", "--n=200", "--duration=1", "--burn_in=1", "--out=run"],
    ["run", "burst", "pairing", "--realisations=2", "--duration=50", "--seed=1"],
    ["run", "burst", "transfer", "--n=10", "--sources=10", "--step=0.2", "--window=0.1"],
    ["run", "burst", "learning-rule", "--n=4", "--in_degree=2", "--bin=0.2", "--burn_in=1"],
    ["run", "burst", "exclusive-or", "--n=3", "--epochs=1", "--duration=1"],
    ["resume", "run", "--epochs=2", "--no-progress"],
    ["resume", "run", "--blocks=2"],
    ["plot", "run"],
    ["info", "run"],
    ["export", "run", "--format=csv"],
    ["data", "digits", "--folder=data"],
]
