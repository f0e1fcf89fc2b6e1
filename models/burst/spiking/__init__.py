"""Ensembles of spiking neurons that burst (Naud & Sprekeler 2018; Payeur et al. 2021).

`equations` holds what the neurons obey, `neurons` makes them known to a `spikesim.Network`,
`plasticity` is the burst-dependent rule, `exclusive_or` the network that learns exclusive-or.
"""

from spikesim.models.burst.spiking.exclusive_or import ExclusiveOrNetwork
from spikesim.models.burst.spiking.neurons import PV, SOM, BurstPoisson, Pyramidal
from spikesim.models.burst.spiking.plasticity import BurstPlasticity

__all__ = ["PV", "SOM", "BurstPlasticity", "BurstPoisson", "ExclusiveOrNetwork", "Pyramidal"]
