"""spikesim: spiking networks that learn the way cortex might.

    from spikesim import LIF, Network, Poisson, plot

`Network` simulates; `plot` draws; `datasets` loads images; `patterns` makes spike trains to be
shown or learned; `spikesim.models` holds published models. Times are in ms, voltages in mV, rates
in Hz.
"""

from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING

_root = _Path(__file__).resolve().parent.parent
if (_root / "setup.py").is_file() and (_root / "kernels").is_dir():
    __path__.append(
        str(_root)
    )  # a source checkout: kernels/, models/ and data/ lie beside this folder

from spikesim.errors import FileError, InputError, SimulationError, SpikesimError
from spikesim.errors import nearest as _nearest
from spikesim.network import Network
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
from spikesim.population import DoubleExponential, Population
from spikesim.projection import Projection, ShortTermPlasticity
from spikesim.recording import SpikeRecording, StateRecording
from spikesim.replicas import Replicas
from spikesim.stdp import PairSTDP

if TYPE_CHECKING:
    from spikesim import bursts as bursts
    from spikesim import datasets as datasets
    from spikesim import models as models
    from spikesim import patterns as patterns
    from spikesim import plot as plot
    from spikesim import sonata as sonata
    from spikesim import spiketrains as spiketrains
    from spikesim import sweep as sweep
else:

    def __getattr__(name):
        """The modules that are imported when they are asked for, as in ``spikesim.plot``."""
        if name in _LATER:
            return _import_module(f"spikesim.{name}")
        near = _nearest(str(name), __dir__())
        raise AttributeError(f"module 'spikesim' has no attribute {name!r}.{near}")

    def __dir__():
        return sorted({*globals(), *_LATER})


_LATER = (
    "bursts",
    "datasets",
    "models",
    "patterns",
    "plot",
    "sonata",
    "spiketrains",
    "sweep",
)
"""Modules for users, which take time to import."""

__version__ = "0.1.0"

__all__ = [
    "LIF",
    "AdEx",
    "AlphaConductanceLIF",
    "AlphaCurrentLIF",
    "Bernoulli",
    "ConductanceLIF",
    "CurrentLIF",
    "DeltaLIF",
    "DoubleExponential",
    "FileError",
    "InputError",
    "Izhikevich",
    "Network",
    "Neuron",
    "PairSTDP",
    "Poisson",
    "Population",
    "Projection",
    "Replicas",
    "ShortTermPlasticity",
    "SimulationError",
    "SpikeRecording",
    "SpikesimError",
    "StateRecording",
    "__version__",
]
