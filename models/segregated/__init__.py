"""Deep learning with segregated dendrites (Guerguiev, Lillicrap & Richards 2017, eLife 6:e22901).

Hidden neurons keep feedback (apical compartment) apart from feedforward drive (basal compartment).
A plateau potential at the end of a forward and of a target phase reads the apical voltage; the
difference of the two plateaus is the credit signal, local to the neuron.

`network` has the equations and the order of a step, `variants` and `rates` what was tried besides,
`parameters` the constants.
"""

from spikesim.models.segregated.network import SegregatedDendriteNetwork
from spikesim.models.segregated.parameters import Parameters

__all__ = ["Parameters", "SegregatedDendriteNetwork"]
