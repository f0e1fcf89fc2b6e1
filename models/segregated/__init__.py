"""Deep learning with segregated dendrites (Guerguiev, Lillicrap & Richards 2017, eLife 6:e22901).

Hidden neurons keep feedback (apical compartment) apart from feedforward drive (basal compartment).
A plateau potential reads the apical voltage at the end of a forward phase and of a target phase.
The difference of the two plateaus is the credit signal, which is local to the neuron.

`network` has the equations and the order of a step, `parameters` the constants. `variants` and
`rates` have what the authors also tried.
"""

from spikesim.models.segregated.network import SegregatedDendriteNetwork
from spikesim.models.segregated.parameters import Parameters

__all__ = ["Parameters", "SegregatedDendriteNetwork"]
