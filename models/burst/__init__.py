"""Burst ensembles with SST+ inhibition: one unit, two streams.

The rate of events goes up; the probability that an event is a burst comes down. `network` learns
images with ensembles described by their rates (B. Richards' talks of 2018 and its authors' code).
`spiking` has the ensembles' neurons themselves (Naud & Sprekeler 2018; Payeur et al. 2021).

`equations` holds the rate model; `network` runs it and learns; `parameters` has the constants.
`burstprop` is the rate model of 2021, which has no time and learns in batches.
"""

from spikesim.models.burst.burstprop import BurstpropNetwork, BurstpropParameters
from spikesim.models.burst.network import BurstEnsembleNetwork
from spikesim.models.burst.parameters import FORMS, Parameters

__all__ = ["FORMS", "BurstEnsembleNetwork", "BurstpropNetwork", "BurstpropParameters", "Parameters"]
