"""The cerebellum as an adaptive filter (Fujita 1982; Dean, Porrill & Stone 2002).

Granule cells are a basis in time, a Purkinje cell weights them, and a climbing fibre says what went
wrong for the senses. Plasticity removes the correlation of the two.

`equations` has the equations, `filter` the class `AdaptiveFilter`, which you drive by a stimulus or
step by step; `experiments` has what ``spikesim run cerebellum`` offers.
"""

from spikesim.learning.signals import sinusoids
from spikesim.models.cerebellum.filter import AdaptiveFilter, Course, Parameters

__all__ = ["AdaptiveFilter", "Course", "Parameters", "sinusoids"]
