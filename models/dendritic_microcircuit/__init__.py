"""Dendritic cortical microcircuits (Sacramento, Costa, Bengio & Senn 2018, NeurIPS 31).

Apical dendrites compare what comes down from the layer above with what SST interneurons predict of
it. Once interneurons predict everything but the target, the apical potential is an error.

`network` has the equations, in rates as the paper has them, `parameters` the constants; `spiking`
lets the cells spike.
"""

from spikesim.models.dendritic_microcircuit.network import DendriticMicrocircuit
from spikesim.models.dendritic_microcircuit.parameters import Parameters
from spikesim.models.dendritic_microcircuit.spiking import (
    SpikingMicrocircuit,
    SpikingParameters,
)

__all__ = ["DendriticMicrocircuit", "Parameters", "SpikingMicrocircuit", "SpikingParameters"]
