"""Ensembles whose micro states route between fixed weights.

`ensembles` has `RoutingEnsembles`, which a user drives step by step, and `equations` its bodies.
The experiments are `rows`, about the weights that receptivity can choose and learn, and `gates`,
about what gets through.
"""

from spikesim.models.routing.ensembles import Course, Parameters, RoutingEnsembles

__all__ = ["Course", "Parameters", "RoutingEnsembles"]
