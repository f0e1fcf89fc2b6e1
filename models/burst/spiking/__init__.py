"""Ensembles of spiking neurons that burst (Naud & Sprekeler 2018; Payeur et al. 2021).

`equations` has the equations of the neurons; `neurons` makes them usable in a `spikesim.Network`.
The burst-dependent rule is `BurstPlasticity`. There are five experiments: `pairing` and
`learning_rule` are about the rule, `propagation` about two streams at once, `transfer` about
inhibition; `exclusive_or` is the network that learns.
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
