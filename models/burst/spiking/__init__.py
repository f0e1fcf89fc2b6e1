"""Ensembles of spiking neurons that burst (Naud & Sprekeler 2018; Payeur et al. 2021).

`equations` holds what the neurons obey, `neurons` makes them known to a `spikesim.Network`; the
burst-dependent rule is `BurstPlasticity`. The experiments: `pairing` and `learning_rule` are about
the rule, `propagation` about two streams at once, `transfer` about inhibition, and `exclusive_or`
is the network that learns.
"""

from spikesim.learning.burst_plasticity import BurstPlasticity
from spikesim.models.burst.spiking.exclusive_or import ExclusiveOrNetwork
from spikesim.models.burst.spiking.neurons import (
    DEPRESSING,
    FACILITATING,
    PV,
    SOM,
    BurstPoisson,
    Pyramidal,
)

__all__ = [
    "DEPRESSING",
    "FACILITATING",
    "PV",
    "SOM",
    "BurstPlasticity",
    "BurstPoisson",
    "ExclusiveOrNetwork",
    "Pyramidal",
]
