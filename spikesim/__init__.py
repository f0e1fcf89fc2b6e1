"""spikesim: spiking networks that learn the way cortex might.

    from spikesim import LIF, Network, Poisson, plot

`Network` simulates; `plot` draws; `datasets` loads images; `patterns` makes spike trains to be
shown or learned; `spikesim.models` holds published models. Times are in ms, voltages in mV, rates
in Hz.
"""

from pathlib import Path as _Path
from typing import TYPE_CHECKING

_root = _Path(__file__).resolve().parent.parent
if (_root / "setup.py").is_file() and (_root / "kernels").is_dir():
    __path__.append(
        str(_root)
    )  # a source checkout: kernels/, models/ and data/ lie beside this folder

from spikesim.attributes import imported_later as _imported_later
from spikesim.declaring import Parameter, Variable
from spikesim.engine.filters import DoubleExponential
from spikesim.engine.network import Network
from spikesim.engine.population import Population
from spikesim.engine.projection import Projection, ShortTermPlasticity
from spikesim.engine.recording import SpikeRecording, StateRecording
from spikesim.engine.rules import PlasticityRule
from spikesim.engine.stdp import PairSTDP
from spikesim.errors import FileError, InputError, SimulationError, SpikesimError, SpikesimWarning
from spikesim.former import find_former_names as _find_former_names
from spikesim.neurons import (
    LIF,
    AdEx,
    AlphaConductanceLIF,
    AlphaCurrentLIF,
    Bernoulli,
    ConductanceLIF,
    CurrentLIF,
    DeltaLIF,
    Izhikevich,
    Neuron,
    Poisson,
)
from spikesim.replicas import Replicas
from spikesim.synapse import Synapse
from spikesim.synapses import NMDA, Alpha, Biexponential
from spikesim.textbook_neurons import (
    AdaptiveLIF,
    ExponentialIF,
    FitzHughNagumo,
    HodgkinHuxley,
    MorrisLecar,
    TwoCompartment,
)
from spikesim.version import __version__

_find_former_names()

if TYPE_CHECKING:
    from spikesim import areas as areas
    from spikesim import bursts as bursts
    from spikesim import circuit as circuit
    from spikesim import credit as credit
    from spikesim import datasets as datasets
    from spikesim import events as events
    from spikesim import logs as logs
    from spikesim import nir as nir
    from spikesim import patterns as patterns
    from spikesim import plot as plot
    from spikesim import sonata as sonata
    from spikesim import spiketrains as spiketrains
    from spikesim import spread as spread
    from spikesim import stimuli as stimuli
    from spikesim import sweep as sweep
else:  # modules for users, which take time to import
    __getattr__, __dir__ = _imported_later(
        "spikesim",
        [
            "areas",
            "bursts",
            "circuit",
            "credit",
            "datasets",
            "events",
            "logs",
            "models",
            "nir",
            "patterns",
            "plot",
            "sonata",
            "spiketrains",
            "spread",
            "stimuli",
            "sweep",
        ],
    )

__all__ = [
    "LIF",
    "NMDA",
    "AdEx",
    "AdaptiveLIF",
    "Alpha",
    "AlphaConductanceLIF",
    "AlphaCurrentLIF",
    "Bernoulli",
    "Biexponential",
    "ConductanceLIF",
    "CurrentLIF",
    "DeltaLIF",
    "DoubleExponential",
    "ExponentialIF",
    "FileError",
    "FitzHughNagumo",
    "HodgkinHuxley",
    "InputError",
    "Izhikevich",
    "MorrisLecar",
    "Network",
    "Neuron",
    "PairSTDP",
    "Parameter",
    "PlasticityRule",
    "Poisson",
    "Population",
    "Projection",
    "Replicas",
    "ShortTermPlasticity",
    "SimulationError",
    "SpikeRecording",
    "SpikesimError",
    "SpikesimWarning",
    "StateRecording",
    "Synapse",
    "TwoCompartment",
    "Variable",
    "__version__",
]
